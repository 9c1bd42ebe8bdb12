/* SPDX-License-Identifier: BSD-2-Clause */
/* Raw mode and how to leave it, and signals that end or stop the process; see cleanup.h. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/cleanup.h"
#include "control/listener.h"

/* Global because signal handlers and atexit() need them; there is one terminal. */
static struct termios saved_mode, raw_mode;
static volatile sig_atomic_t is_raw;
static const struct listener *volatile watched[CLEANUP_MAX_SOCKETS];

void cleanup_terminal(void)
{
	void (*old)(int);

	if (!is_raw)
		return;
	/* Otherwise tcsetattr() would stop a background process. */
	old = signal(SIGTTOU, SIG_IGN);
	tcsetattr(STDIN_FILENO, TCSANOW, &saved_mode);
	signal(SIGTTOU, old);
	is_raw = 0;
}

static void make_raw(void)
{
	is_raw = 1;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw_mode);
}

bool cleanup_raw_terminal(void)
{
	if (tcgetattr(STDIN_FILENO, &saved_mode) < 0)
		return false;
	raw_mode = saved_mode;
	cfmakeraw(&raw_mode);
	/* Our own messages still need carriage returns. */
	raw_mode.c_oflag |= OPOST;
	atexit(cleanup_terminal);
	make_raw();
	return true;
}

void cleanup_watch_socket(const struct listener *listener)
{
	for (unsigned i = 0; i < CLEANUP_MAX_SOCKETS; i++) {
		if (!listener) {
			watched[i] = NULL;
		} else if (!watched[i]) {
			watched[i] = listener;
			return;
		}
	}
}

void cleanup_now(void)
{
	int saved = errno;

	cleanup_terminal();
	for (unsigned i = 0; i < CLEANUP_MAX_SOCKETS; i++) {
		const struct listener *listener = watched[i];

		watched[i] = NULL;
		if (listener)
			listener_remove(listener);
	}
	errno = saved;
}

/* Cleans up, then ends the process as if there were no handler. */
static void die(int number)
{
	cleanup_now();
	signal(number, SIG_DFL);
	raise(number);
}

/*
 * On a stop from outside (Ctrl-z goes to the guest), leave a sane terminal; take it again on
 * return.
 */
static void stop(int number)
{
	int saved = errno;
	bool was_raw = is_raw;

	cleanup_terminal();
	raise(SIGSTOP);
	if (was_raw)
		make_raw();
	errno = saved;
}

/* Leaves alone an ignored signal, and a handler set by others such as a sanitizer. */
static void catch_signal(int number, void (*handler)(int))
{
	struct sigaction old, action = { .sa_handler = handler };

	sigfillset(&action.sa_mask);
	if (sigaction(number, NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) &&
	    old.sa_handler == SIG_DFL)
		sigaction(number, &action, NULL);
}

/*
 * By signal(7), only a few signals do not end a process by default. All others do, including those
 * without a name.
 */
static bool ends_process(int number)
{
	static const int harmless[] = {
		SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH,
	};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (number == harmless[i])
			return false;
	return number != SIGKILL;
}

void cleanup_on_signals(void)
{
	for (int number = 1; number <= SIGRTMAX; number++)
		if (ends_process(number))
			catch_signal(number, die);
	catch_signal(SIGTSTP, stop);
}
