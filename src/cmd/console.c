/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminal raw mode with its way back, the escape key, and input that waits until the guest takes it.
 * The terminal itself (hvterm1) is papr's.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/console.h"
#include "machine/machine.h"

#define ESCAPE_KEY 1 /* Ctrl-a */
#define INPUT_SIZE 4096u

struct console {
	int in, out; /* -1: none */
	bool terminal, escaped;
	struct machine *machine;
	unsigned head, count; /* of input[], a ring */
	unsigned char input[INPUT_SIZE];
};

/* The process has one terminal; signal handlers and atexit() need to find its former state. */
static struct termios saved_mode, raw_mode;
static volatile sig_atomic_t is_raw;

static void restore_terminal(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved_mode);
	is_raw = 0;
}

static void make_raw(void)
{
	is_raw = 1;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw_mode);
}

/* Signals that end the process by themselves: the terminal first, then as if there were no handler. */
static void die(int signal_number)
{
	restore_terminal();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* Stopped from outside (Ctrl-z goes to the guest): leave a sane terminal, and take it again afterwards. */
static void stop(int signal_number)
{
	int saved = errno;
	bool was_raw = is_raw;

	restore_terminal();
	raise(SIGSTOP);
	if (was_raw)
		make_raw();
	errno = saved;
}

static void catch_signal(int signal_number, void (*handler)(int))
{
	struct sigaction old, action = { .sa_handler = handler };

	/* A sanitizer's handler, or an ignored signal, stays. */
	if (sigaction(signal_number, NULL, &old) == 0 && old.sa_handler == SIG_DFL &&
	    !(old.sa_flags & SA_SIGINFO))
		sigaction(signal_number, &action, NULL);
}

static void enter_raw_mode(struct console *console)
{
	static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE };

	if (tcgetattr(console->in, &saved_mode) < 0)
		return;
	raw_mode = saved_mode;
	cfmakeraw(&raw_mode);
	/* Messages of ours still want their carriage returns. */
	raw_mode.c_oflag |= OPOST;
	atexit(restore_terminal);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		catch_signal(fatal[i], die);
	catch_signal(SIGTSTP, stop);
	make_raw();
}

/* ---- output ---- */

static void console_write(void *opaque, const void *buf, unsigned len)
{
	struct console *console = opaque;
	const char *p = buf;

	while (len && console->out >= 0) {
		ssize_t n = write(console->out, p, len);

		if (n < 0 && errno == EAGAIN) {
			/* Someone else's O_NONBLOCK on a shared terminal. */
			struct pollfd fd = { .fd = console->out, .events = POLLOUT };

			poll(&fd, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			/* A closed pipe is nobody listening any more; anything else is worth a word. */
			if (errno != EPIPE)
				fprintf(stderr, "fwnmi: cannot write console output: %s\n",
					strerror(errno));
			console->out = -1;
			return;
		}
		p += n;
		len -= (unsigned)n;
	}
}

/* ---- input ---- */

static void put_input(struct console *console, unsigned char c)
{
	if (console->count == INPUT_SIZE)
		return;
	console->input[(console->head + console->count++) % INPUT_SIZE] = c;
}

static unsigned console_read(void *opaque, void *buf, unsigned len)
{
	struct console *console = opaque;
	unsigned char *p = buf;
	unsigned n = 0;

	while (n < len && console->count) {
		p[n++] = console->input[console->head];
		console->head = (console->head + 1) % INPUT_SIZE;
		console->count--;
	}
	return n;
}

static void escape(struct console *console, unsigned char c)
{
	static const char help[] = "\r\n"
				   "Ctrl-a x       end the machine\r\n"
				   "Ctrl-a h       this help\r\n"
				   "Ctrl-a Ctrl-a  send Ctrl-a to the guest\r\n";

	switch (c) {
	case 'x':
		machine_quit(console->machine);
		break;
	case 'h':
	case '?':
		console_write(console, help, sizeof(help) - 1);
		break;
	case ESCAPE_KEY:
		put_input(console, c);
		break;
	}
}

static void take_input(struct console *console, unsigned char c)
{
	if (console->escaped) {
		console->escaped = false;
		escape(console, c);
	} else if (console->terminal && c == ESCAPE_KEY) {
		console->escaped = true;
	} else {
		put_input(console, c);
	}
}

static unsigned console_poll_fds(void *opaque, struct pollfd *fds, unsigned max)
{
	struct console *console = opaque;

	/* On a terminal the escape key has to work even for a guest that reads nothing. */
	if (console->in < 0 || !max || (console->count == INPUT_SIZE && !console->terminal))
		return 0;
	fds[0] = (struct pollfd){ .fd = console->in, .events = POLLIN };
	return 1;
}

static void console_ready(void *opaque, struct pollfd *fds, unsigned count)
{
	struct console *console = opaque;
	unsigned char buf[256];
	unsigned room = INPUT_SIZE - console->count;
	ssize_t n;

	if (!(fds[0].revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL)))
		return;
	if (console->terminal || room > sizeof(buf))
		room = sizeof(buf);
	n = read(console->in, buf, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		console->in = -1;
		return;
	}
	for (ssize_t i = 0; i < n; i++)
		take_input(console, buf[i]);
	if (console->count)
		machine_console_input(console->machine);
}

/* ---- opening and closing ---- */

struct console *console_open(const char *spec, char *err, size_t err_size)
{
	struct console *console = calloc(1, sizeof(*console));

	if (!console) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	console->in = console->out = -1;
	if (!strcmp(spec, "stdio")) {
		console->in = STDIN_FILENO;
		console->out = STDOUT_FILENO;
		console->terminal = isatty(STDIN_FILENO);
		return console;
	}
	if (!strcmp(spec, "null"))
		return console;
	if (!strncmp(spec, "file:", 5)) {
		console->out = open(spec + 5, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (console->out >= 0)
			return console;
		snprintf(err, err_size, "cannot open console file %s: %s", spec + 5,
			 strerror(errno));
	} else {
		snprintf(err, err_size, "bad -serial %s: not stdio, null or file:PATH", spec);
	}
	free(console);
	return NULL;
}

bool console_attach(struct console *console, struct machine *machine)
{
	const struct machine_client client = {
		.poll_fds = console_poll_fds,
		.ready = console_ready,
		.opaque = console,
	};

	console->machine = machine;
	if (!machine_add_client(machine, &client))
		return false;
	machine_set_console(machine, console_write, console_read, console);
	if (console->terminal)
		enter_raw_mode(console);
	return true;
}

void console_close(struct console *console)
{
	if (!console)
		return;
	restore_terminal();
	if (console->out > STDERR_FILENO)
		close(console->out);
	free(console);
}
