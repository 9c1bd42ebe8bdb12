/* SPDX-License-Identifier: BSD-2-Clause */
/* The two processes of a session with a gdb stub, and the link between them; see confined.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remote/confined.h"
#include "remote/gdb.h"
#include "remote/gdb_wire.h"

/* What the confined process says: a byte, and behind HAND_OVER a size and as many bytes. */
enum {
	CONNECT = 'C',
	HAND_OVER = 'H',
};

#define ERROR_SIZE sizeof(((struct wire *)NULL)->err)

static bool write_all(int fd, const void *bytes, size_t len)
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

static bool read_all(int fd, void *bytes, size_t len)
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

/* A message without a descriptor says why there is none. */
static void send_connection(int link, int fd, const char *why_not)
{
	union control control = { .bytes = { 0 } };
	char text[ERROR_SIZE] = "";
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

int confined_connect(int link, char *err, size_t err_size)
{
	union control control;
	const char request = CONNECT;
	char text[ERROR_SIZE];
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

	snprintf(err, err_size, "nobody connects for us");
	if (!write_all(link, &request, 1))
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

void confined_hand_over(int link, const void *bytes, size_t size)
{
	const char what = HAND_OVER;
	const uint64_t length = size;

	if (write_all(link, &what, 1) && write_all(link, &length, sizeof(length)))
		write_all(link, bytes, size);
}

/* ---- the process that stays ---- */

static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP };
#define NR_PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

static volatile pid_t confined_pid;

static void pass_on(int number)
{
	int saved = errno;

	if (confined_pid)
		kill(confined_pid, number);
	errno = saved;
}

static void connect_for(int link, const char *where)
{
	static const volatile sig_atomic_t never;
	static struct wire wire; /* too big for the stack */

	wire = (struct wire){ .fd = -1, .link = -1, .where = (char *)where, .interrupted = &never };
	if (wire_connect(&wire))
		send_connection(link, wire.fd, "");
	else
		send_connection(link, -1, wire.err);
	if (wire.fd >= 0)
		close(wire.fd);
}

/* Until it has handed over or ended. */
static uint8_t *serve(int link, const char *where, size_t *size)
{
	uint64_t length;
	uint8_t *bytes;
	char what;

	while (read_all(link, &what, 1)) {
		if (what == CONNECT) {
			connect_for(link, where);
			continue;
		}
		if (what != HAND_OVER || !read_all(link, &length, sizeof(length)) ||
		    length > CONFINED_MAX)
			return NULL;
		bytes = malloc(length + 1);
		if (bytes && read_all(link, bytes, length)) {
			*size = length;
			return bytes;
		}
		free(bytes);
		return NULL;
	}
	return NULL;
}

static void be_confined(void (*work)(void *opaque, int link), void *opaque, int link,
			const sigset_t *mask, const struct sigaction *old)
{
	for (size_t i = 0; i < NR_PASSED_ON; i++)
		sigaction(passed_on[i], &old[i], NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	/* Should the other process be killed, the guest is still let go. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	work(opaque, link);
	_exit(EXIT_SUCCESS);
}

static void say_how_it_ended(pid_t pid, char *problem, size_t problem_size)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!problem_size)
		return;
	if (WIFSIGNALED(status))
		snprintf(problem, problem_size, "the confined process was ended by a signal: %s",
			 strsignal(WTERMSIG(status)));
	else
		snprintf(problem, problem_size, "the confined process gave no result");
}

uint8_t *confined_run(const char *where, void (*work)(void *opaque, int link), void *opaque,
		      size_t *size, char *problem, size_t problem_size)
{
	struct sigaction action = { .sa_handler = pass_on }, old[NR_PASSED_ON];
	uint8_t *bytes = NULL;
	sigset_t set, mask;
	int link[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) < 0) {
		snprintf(problem, problem_size, "cannot make a socket: %s", strerror(errno));
		return NULL;
	}
	sigemptyset(&set);
	for (size_t i = 0; i < NR_PASSED_ON; i++)
		sigaddset(&set, passed_on[i]);
	sigprocmask(SIG_BLOCK, &set, &mask);
	for (size_t i = 0; i < NR_PASSED_ON; i++) {
		sigaction(passed_on[i], NULL, &old[i]);
		if (old[i].sa_handler != SIG_IGN)
			sigaction(passed_on[i], &action, NULL);
	}
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(link[0]);
		be_confined(work, opaque, link[1], &mask, old);
	}
	close(link[1]);
	confined_pid = pid > 0 ? pid : 0;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (pid < 0) {
		snprintf(problem, problem_size, "cannot start a process: %s", strerror(errno));
	} else {
		bytes = serve(link[0], where, size);
		say_how_it_ended(pid, problem, bytes ? 0 : problem_size);
		if (!bytes)
			gdb_release(where);
	}
	confined_pid = 0;
	close(link[0]);
	for (size_t i = 0; i < NR_PASSED_ON; i++)
		sigaction(passed_on[i], &old[i], NULL);
	return bytes;
}
