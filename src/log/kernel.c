/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events in a kernel log, as Linux writes them when booted with rtasmsgs=on: a line that announces
 * the event, lines "RTAS <number>:" with 16 bytes each, and a line that ends it. Loggers may have
 * lost or reordered any of them.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "log/private.h"

enum {
	LINE_BYTES = 16, /* in every line of an event but the last */
	LINES_MAX = 4096,
};

/* The event being read. */
struct kernel_event {
	struct log_image image;
	bool open;
	bool marked; /* its begin was announced, so its first line may come later */
	bool disordered;
	struct log_event event; /* line and number */
	unsigned lines, last;
};

/* Returns what follows "RTAS <number>:" in a line, or NULL. */
static const char *kernel_data(const char *line, const char *end, unsigned long *number)
{
	for (const char *p = line; end - p > 6; p++) {
		const char *q = p + 5;

		if (memcmp(p, "RTAS ", 5) != 0 || !isdigit((unsigned char)*q))
			continue;
		for (*number = 0; q < end && isdigit((unsigned char)*q); q++)
			if (*number < LINES_MAX)
				*number = 10 * *number + log_digit_value(*q);
		if (q < end && *q == ':')
			return q + 1;
	}
	return NULL;
}

/* Is this the line that announces an event's begin or end? It carries the event's number. */
static bool is_marker(const char *line, const char *end, const char *what, struct log_event *event)
{
	const char *p;

	if (!memmem(line, (size_t)(end - line), what, strlen(what)))
		return false;
	event->has_number = false;
	event->number = 0;
	p = memmem(line, (size_t)(end - line), "RTAS: ", 6);
	for (p = p ? p + 6 : end; p < end && isdigit((unsigned char)*p); p++) {
		event->has_number = true;
		event->number = 10 * event->number + log_digit_value(*p);
	}
	return true;
}

static bool close_event(struct log_input *input, struct kernel_event *k)
{
	struct log_event event = k->event;
	char what[64];
	bool ok = true;

	if (!k->open)
		return true;
	if (event.has_number)
		snprintf(what, sizeof(what), "event %u at line %u", event.number, event.line);
	else
		snprintf(what, sizeof(what), "event at line %u", event.line);
	event.offset = input->length;
	event.length = k->image.length;
	if (event.length > 0)
		ok = log_add_image(input, &k->image, what, LINE_BYTES) &&
		     log_add_event(input, &event);
	else
		log_problem(input, "%s: all its lines are lost", what);
	log_image_free(&k->image);
	k->open = false;
	return ok;
}

static void open_event(struct kernel_event *k, unsigned line, bool marked)
{
	*k = (struct kernel_event){ .open = true, .marked = marked, .event.line = line };
}

/*
 * Does a line with these bytes begin another event? Without a marker each first line does, unless
 * it was merely swapped with the second one.
 */
static bool begins_event(const struct kernel_event *k, unsigned long number,
			 const struct log_scan *scan)
{
	if (!k->open)
		return true;
	if (number != 0 || k->lines == 0)
		return false;
	if (k->image.length == 0 || !k->image.known[0])
		return !k->marked && !(k->lines == 1 && k->last == 1);
	return log_image_contradicts(&k->image, 0, scan->bytes, scan->length) ||
	       (!k->marked && k->last != 0);
}

static bool add_kernel_line(struct log_input *input, struct kernel_event *k, struct log_scan *scan,
			    unsigned line, unsigned long number, const char *data, const char *end)
{
	size_t offset = LINE_BYTES * number;

	scan->length = 0;
	if (!log_scan_tokens(scan, data, end))
		log_problem(input, "line %u: %s", line, scan->error);
	if (number >= LINES_MAX || scan->length > LINE_BYTES) {
		log_problem(input, "line %u: not in the kernel's format", line);
		return true;
	}
	if (begins_event(k, number, scan)) {
		if (!close_event(input, k))
			return false;
		open_event(k, line, false);
	}
	if (k->lines > 0 && number < k->last && !k->disordered) {
		log_problem(input, "line %u: RTAS %lu comes after RTAS %u", line, number, k->last);
		k->disordered = true;
	}
	k->lines++;
	k->last = (unsigned)number;
	if (log_image_contradicts(&k->image, offset, scan->bytes, scan->length)) {
		log_problem(input, "line %u: RTAS %lu occurs twice with different bytes", line,
			    number);
		return true;
	}
	return log_image_put(&k->image, offset, scan->bytes, scan->length) || log_no_memory(input);
}

static bool add_log_line(struct log_input *input, struct kernel_event *k, struct log_scan *scan,
			 unsigned line, const char *p, const char *end)
{
	struct log_event marker = { .line = line };
	unsigned long number;
	const char *data;

	if (is_marker(p, end, "RTAS event begin", &marker)) {
		if (k->open && k->lines == 0 && k->event.number == marker.number)
			return true; /* announced twice */
		if (!close_event(input, k))
			return false;
		open_event(k, line, true);
		k->event = marker;
		return true;
	}
	if (is_marker(p, end, "RTAS event end", &marker))
		return close_event(input, k);
	data = kernel_data(p, end, &number);
	return !data || add_kernel_line(input, k, scan, line, number, data, end);
}

bool log_parse_kernel(struct log_input *input, struct log_scan *scan, const char *text,
		      const char *end)
{
	struct kernel_event k = { 0 };
	unsigned line = 0;
	bool ok = true;

	for (const char *p = text, *stop; ok && p < end; p = log_next_line(stop, end)) {
		stop = log_line_end(p, end);
		ok = add_log_line(input, &k, scan, ++line, p, stop);
	}
	ok = ok && close_event(input, &k);
	log_image_free(&k.image);
	return ok;
}

bool log_is_kernel(const char *text, const char *end)
{
	for (const char *p = text, *stop; p < end; p = log_next_line(stop, end)) {
		unsigned long number;

		stop = log_line_end(p, end);
		if (kernel_data(p, stop, &number) ||
		    memmem(p, (size_t)(stop - p), "RTAS event begin", 16))
			return true;
	}
	return false;
}
