/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link between the confined process of a session and the one that connects for it; see link.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gdb/link.h"

/* Not base/file_io.h: a socket has no offset, and one without a reader must not raise SIGPIPE. */
static bool link_write(int fd, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

bool link_read(int fd, void *bytes, size_t len)
{
	uint8_t *p = bytes;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* ---- a descriptor over the link ---- */

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

void link_send_connection(int link, int fd, const char *why_not)
{
	union control control = { .bytes = { 0 } };
	char text[LINK_ERROR_SIZE] = "";
	struct iovec iov = { text, sizeof(text) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *header;

	snprintf(text, sizeof(text), "%s", why_not);
	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.bytes);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	(void)!sendmsg(link, &message, MSG_NOSIGNAL);
}

int link_connect(int link, char *err, size_t err_size)
{
	union control control;
	const char request = LINK_CONNECT;
	char text[LINK_ERROR_SIZE];
	struct iovec iov = { text, sizeof(text) };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header;
	ssize_t n = -1;
	int fd = -1;

	snprintf(err, err_size, "the parent process does not connect");
	if (!link_write(link, &request, 1))
		return -1;
	do
		n = recvmsg(link, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(text))
		return -1;
	text[sizeof(text) - 1] = '\0';
	snprintf(err, err_size, "%s", text);
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

void link_hand_over(int link, const void *bytes, size_t size)
{
	const char what = LINK_HAND_OVER;
	const uint64_t length = size;

	if (link_write(link, &what, 1) && link_write(link, &length, sizeof(length)))
		link_write(link, bytes, size);
}
