/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The escape key, input that waits until the guest takes it, and output for which only the guest
 * waits. cleanup.c does raw mode; papr does the terminal itself (hvterm1).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cleanup.h"
#include "cmd/console.h"
#include "cmd/output.h"
#include "cmd/say.h"
#include "machine/machine.h"

#define ESCAPE_KEY	 1 /* Ctrl-a */
#define INPUT_SIZE	 4096u
#define OUTPUT_RESERVE	 256u /* of the output's buffer; no guest write is longer */
#define PATIENCE_MS	 10000
#define PATIENCE_HURRIED 100

struct console {
	int in; /* -1: none */
	bool terminal, escaped;
	struct machine *machine;
	unsigned head, count; /* of input[], a ring */
	unsigned char input[INPUT_SIZE];
	struct output output;
	bool said; /* output failure was reported */
	bool polled_in; /* the first descriptor last handed to poll() is the input's */
};

/* ---- output ---- */

/* Call after anything that changes the output. */
static void watch_output(struct console *console)
{
	struct output *out = &console->output;

	/* A closed pipe only means that nobody listens any more; report anything else. */
	if (out->error && out->error != EPIPE && !console->said)
		say("cannot write console output: %s", strerror(out->error));
	console->said = out->error;
	machine_console_full(console->machine, output_room(out) < OUTPUT_RESERVE);
}

static void console_write(void *opaque, const void *buf, unsigned len)
{
	struct console *console = opaque;

	output_put(&console->output, buf, len);
	watch_output(console);
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
	unsigned n = 0;

	/* On a terminal the escape key must work even if the guest reads nothing. */
	console->polled_in = console->in >= 0 && n < max &&
			     (console->count < INPUT_SIZE || console->terminal);
	if (console->polled_in)
		fds[n++] = (struct pollfd){ .fd = console->in, .events = POLLIN };
	if (console->output.count && n < max)
		fds[n++] = (struct pollfd){ .fd = console->output.fd, .events = POLLOUT };
	return n;
}

static void receive(struct console *console)
{
	unsigned char buf[256];
	unsigned room = INPUT_SIZE - console->count;
	ssize_t n;

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

static void console_ready(void *opaque, struct pollfd *fds, unsigned count)
{
	struct console *console = opaque;
	bool has_output = count > console->polled_in;

	if (has_output && fds[count - 1].revents) {
		output_flush(&console->output);
		watch_output(console);
	}
	if (console->polled_in && fds[0].revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
		receive(console);
}

/* ---- opening and closing ---- */

struct console *console_open(const char *spec, char *err, size_t err_size)
{
	struct console *console = calloc(1, sizeof(*console));

	if (!console) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	console->in = -1;
	output_open(&console->output, -1, false);
	if (!strcmp(spec, "stdio")) {
		console->in = STDIN_FILENO;
		output_open(&console->output, STDOUT_FILENO, false);
		console->terminal = isatty(STDIN_FILENO);
		return console;
	}
	if (!strcmp(spec, "null"))
		return console;
	if (!strncmp(spec, "file:", 5)) {
		int fd = open(spec + 5, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

		if (fd >= 0) {
			output_open(&console->output, fd, true);
			return console;
		}
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
		cleanup_raw_terminal();
	return true;
}

void console_close(struct console *console, const volatile sig_atomic_t *hurry)
{
	size_t lost;

	if (!console)
		return;
	lost = output_drain(&console->output, PATIENCE_MS, hurry);
	if (lost && *hurry) {
		static const volatile sig_atomic_t go_on;

		lost = output_drain(&console->output, PATIENCE_HURRIED, &go_on);
	}
	cleanup_terminal();
	if (lost)
		say("%zu bytes of console output were not read", lost);
	output_close(&console->output);
	free(console);
}
