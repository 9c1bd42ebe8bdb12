/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines on standard error; see say.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/output.h"
#include "cmd/say.h"
#include "base/host_time.h"
#include "base/limit.h"
#include "base/text.h"

#define LINE_MAX_BYTES 10000 /* a message may name two files */
#define SECOND_NS      1000000000u
#define PATIENCE_MS    1000

static uint64_t (*clock_ns)(void) = host_ns;
static struct output standard_error;
static bool started;
static unsigned long long dropped;

/* ---- writing ---- */

static void write_now(const char *line, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, line, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		line += n;
		len -= (size_t)n;
	}
}

/* Writes a whole line or nothing: people and programs read standard error. */
static bool put_line(const char *line, size_t len)
{
	if (!started)
		write_now(line, len);
	else if (len > output_room(&standard_error))
		return false;
	else
		output_put(&standard_error, line, len);
	return true;
}

static void tell_dropped(void)
{
	char line[100];
	int len;

	if (!dropped)
		return;
	len = snprintf(line, sizeof(line),
		       "fwnmi: %llu lines were dropped: standard error was not read\n", dropped);
	if (put_line(line, (size_t)len))
		dropped = 0;
}

static void say_args(const char *command, const char *format, va_list args)
{
	static char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 16];
	size_t len = strlen(strcpy(line, "fwnmi: "));
	size_t start = (size_t)snprintf(text, sizeof(text), "%s%s", command, *command ? ": " : "");

	vsnprintf(text + start, sizeof(text) - start, format, args);
	text_printable(line + len, sizeof(line) - len - 1, text);
	len += strlen(line + len);
	line[len++] = '\n';
	tell_dropped();
	if (dropped || !put_line(line, len))
		dropped++;
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_args("", format, args);
	va_end(args);
}

bool say_error(const char *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_args(command, format, args);
	va_end(args);
	return false;
}

/* ---- limits ---- */

static struct {
	struct limit limit;
	const char *left_out; /* message with the number of lines left out */
	unsigned long long hidden;
} kinds[SAY_KINDS] = {
	[SAY_DEBUG] = { { .burst = 64, .interval_ns = SECOND_NS },
			"debug: %llu more lines are not shown" },
	[SAY_WARNING] = { { .burst = 64, .interval_ns = SECOND_NS },
			  "guest: %llu more lines are not shown" },
	/* each one comes with a dozen lines */
	[SAY_END] = { { .burst = 4, .interval_ns = 10ull * SECOND_NS },
		      "FWNMI ended the partition %llu more times" },
};

static void tell_hidden(enum say_kind kind)
{
	if (!kinds[kind].hidden)
		return;
	say(kinds[kind].left_out, kinds[kind].hidden);
	kinds[kind].hidden = 0;
}

/* Prints the counts that are due. */
static void tell_all_hidden(void)
{
	uint64_t now = clock_ns();

	for (unsigned i = 0; i < SAY_KINDS; i++)
		if (kinds[i].hidden && limit_take(&kinds[i].limit, now))
			tell_hidden((enum say_kind)i);
}

bool say_may(enum say_kind kind)
{
	tell_all_hidden();
	if (!kinds[kind].hidden && limit_take(&kinds[kind].limit, clock_ns()))
		return true;
	kinds[kind].hidden++;
	return false;
}

/* ---- life ---- */

void say_start(void)
{
	output_open(&standard_error, STDERR_FILENO, false);
	started = true;
}

void say_stop(const volatile sig_atomic_t *stop)
{
	if (!started)
		return;
	for (unsigned i = 0; i < SAY_KINDS; i++)
		tell_hidden((enum say_kind)i);
	output_drain(&standard_error, PATIENCE_MS, stop);
	tell_dropped();
	output_drain(&standard_error, 0, stop);
	output_close(&standard_error);
	started = false;
}

unsigned say_poll_fds(void *opaque, struct pollfd *fds, unsigned max)
{
	tell_all_hidden();
	if (!max || !standard_error.count)
		return 0;
	fds[0] = (struct pollfd){ .fd = standard_error.fd, .events = POLLOUT };
	return 1;
}

void say_ready(void *opaque, struct pollfd *fds, unsigned count)
{
	if (!fds[0].revents)
		return;
	output_flush(&standard_error);
	if (!standard_error.count)
		tell_dropped();
}
