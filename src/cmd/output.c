/* SPDX-License-Identifier: BSD-2-Clause */
/* Output that never waits; see output.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cmd/output.h"

#define LOOK_MS 50 /* how soon output_drain() notices that it should stop */

/* /dev/ptmx makes a new terminal at every open. */
static bool is_terminal_maker(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && major(st->st_rdev) == 5 && minor(st->st_rdev) == 2;
}

/* Opens the same terminal or pipe again, as an open file of our own; -1 if not possible. */
static int open_again(int fd, const struct stat *st)
{
	char path[32];
	struct stat again;
	int ours;

	if (is_terminal_maker(st))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ours = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (ours >= 0 &&
	    (fstat(ours, &again) < 0 || again.st_dev != st->st_dev || again.st_ino != st->st_ino)) {
		close(ours);
		ours = -1;
	}
	return ours;
}

void output_open(struct output *out, int fd, bool ours)
{
	struct stat st;
	int again = -1;

	*out = (struct output){ .fd = fd, .ours = ours };
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if (ours) {
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		return;
	}
	out->socket = S_ISSOCK(st.st_mode);
	/* poll() promises PIPE_BUF bytes to a pipe's writer, but only one to a terminal's. */
	if (S_ISFIFO(st.st_mode))
		out->at_once = PIPE_BUF;
	else if (S_ISCHR(st.st_mode) && isatty(fd))
		out->at_once = 1;
	if (out->at_once)
		again = open_again(fd, &st);
	if (again < 0)
		return;
	out->fd = again;
	out->ours = true;
	out->at_once = 0;
}

void output_close(struct output *out)
{
	if (out->ours && out->fd >= 0)
		close(out->fd);
	out->fd = -1;
	out->count = 0;
}

static void fail(struct output *out, int error)
{
	output_close(out);
	out->error = error;
}

size_t output_room(const struct output *out)
{
	return OUTPUT_SIZE - out->count;
}

/* Writes as much as write() may be given now; 0 bytes: try again later. */
static ssize_t send_some(struct output *out, const unsigned char *from, size_t len)
{
	struct pollfd fd = { .fd = out->fd, .events = POLLOUT };

	if (out->socket)
		return send(out->fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (out->at_once && poll(&fd, 1, 0) <= 0)
		return 0;
	if (out->at_once && len > out->at_once)
		len = out->at_once;
	return write(out->fd, from, len);
}

void output_flush(struct output *out)
{
	while (out->count && out->fd >= 0) {
		size_t len = OUTPUT_SIZE - out->head;
		ssize_t n;

		if (len > out->count)
			len = out->count;
		n = send_some(out, out->buffer + out->head, len);
		/* After EINTR there may be something more urgent to do. */
		if (n == 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
			return;
		if (n < 0) {
			fail(out, errno);
			return;
		}
		out->head = (out->head + (size_t)n) % OUTPUT_SIZE;
		out->count -= (size_t)n;
	}
}

static void keep(struct output *out, const unsigned char *from, size_t len)
{
	size_t tail = (out->head + out->count) % OUTPUT_SIZE, first = OUTPUT_SIZE - tail;

	if (first > len)
		first = len;
	memcpy(out->buffer + tail, from, first);
	memcpy(out->buffer, from + first, len - first);
	out->count += len;
}

size_t output_put(struct output *out, const void *buf, size_t len)
{
	if (out->fd < 0)
		return len;
	if (len > output_room(out))
		len = output_room(out);
	keep(out, buf, len);
	output_flush(out);
	return len;
}

size_t output_drain(struct output *out, int patience_ms, const volatile sig_atomic_t *stop)
{
	int idle_ms = 0;

	output_flush(out);
	while (out->count && out->fd >= 0 && !*stop && idle_ms < patience_ms) {
		struct pollfd fd = { .fd = out->fd, .events = POLLOUT };
		size_t before = out->count;

		poll(&fd, 1, LOOK_MS);
		output_flush(out);
		idle_ms = out->count < before ? 0 : idle_ms + LOOK_MS;
	}
	return out->count;
}
