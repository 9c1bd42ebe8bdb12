/* SPDX-License-Identifier: BSD-2-Clause */
/* Raw mode with its way back, and signals that end or stop the process; see cleanup.h. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/cleanup.h"
#include "control/monitor.h"

/* The process has one terminal and one monitor; signal handlers and atexit() need to find them. */
static struct termios saved_mode, raw_mode;
static volatile sig_atomic_t is_raw;
static const struct monitor *volatile watched_monitor;

void cleanup_terminal(void)
{
	void (*old)(int);

	if (!is_raw)
		return;
	/* In the background tcsetattr() would stop the process instead. */
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
	/* Messages of ours still want their carriage returns. */
	raw_mode.c_oflag |= OPOST;
	atexit(cleanup_terminal);
	make_raw();
	return true;
}

void cleanup_watch_monitor(const struct monitor *monitor)
{
	watched_monitor = monitor;
}

void cleanup_now(void)
{
	const struct monitor *monitor = watched_monitor;
	int saved = errno;

	cleanup_terminal();
	watched_monitor = NULL;
	if (monitor)
		monitor_remove_socket(monitor);
	errno = saved;
}

/* Then as if there were no handler. */
static void die(int number)
{
	cleanup_now();
	signal(number, SIG_DFL);
	raise(number);
}

/*
 * Stopped from outside (Ctrl-z goes to the guest): leave a sane terminal, and take it again
 * afterwards.
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

/* A handler of someone else's, such as a sanitizer's, or an ignored signal stays. */
static void catch_signal(int number, void (*handler)(int))
{
	struct sigaction old, action = { .sa_handler = handler };

	sigfillset(&action.sa_mask);
	if (sigaction(number, NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) &&
	    old.sa_handler == SIG_DFL)
		sigaction(number, &action, NULL);
}

/*
 * signal(7) has few that by default do not end a process; all others do, those without a name
 * included.
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
