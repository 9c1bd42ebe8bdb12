/* SPDX-License-Identifier: BSD-2-Clause */
/* The two processes of a gdb stub session, and the link between them; see confined.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/confined.h"
#include "gdb/client.h"
#include "gdb/link.h"
#include "gdb/wire.h"

/* ---- the parent process ---- */

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
		link_send_connection(link, wire.fd, "");
	else
		link_send_connection(link, -1, wire.err);
	if (wire.fd >= 0)
		close(wire.fd);
}

/* Serves the child until it has handed over or ended. */
static uint8_t *serve(int link, const char *where, size_t *size)
{
	uint64_t length;
	uint8_t *bytes;
	char what;

	while (link_read(link, &what, 1)) {
		if (what == LINK_CONNECT) {
			connect_for(link, where);
			continue;
		}
		if (what != LINK_HAND_OVER || !link_read(link, &length, sizeof(length)) ||
		    length > CONFINED_MAX)
			return NULL;
		bytes = malloc(length + 1);
		if (bytes && link_read(link, bytes, length)) {
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
	/* If the other process is killed, the guest is still let go. */
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
		snprintf(problem, problem_size, "the confined process was killed by a signal: %s",
			 strsignal(WTERMSIG(status)));
	else
		snprintf(problem, problem_size, "the confined process returned no result");
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
