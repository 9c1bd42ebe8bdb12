/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns what people have at hand into the bytes of RTAS event logs: detects the form of the input
 * and splits bytes into events. kernel.c and dump.c turn text into bytes.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fwnmi/errlog.h>

#include "log/private.h"

enum {
	SEQUENCE_SIZE = 4, /* precedes each record of /proc/ppc64/rtas/error_log */
	RECORD_MAX = SEQUENCE_SIZE + FWNMI_ERRLOG_MAX,
};

/* ---- memory and messages ---- */

bool log_fail(struct log_input *input, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(input->error, sizeof(input->error), format, args);
	va_end(args);
	return false;
}

bool log_no_memory(struct log_input *input)
{
	return log_fail(input, "%s", strerror(ENOMEM));
}

void log_problem(struct log_input *input, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	input->nr_problems++;
	input->problem(input->opaque, text);
}

bool log_grow(void *array, size_t count, size_t *capacity, size_t size)
{
	void *old, *bigger;

	if (count < *capacity)
		return true;
	memcpy(&old, array, sizeof(old));
	bigger = reallocarray(old, 2 * count + 16, size);
	if (!bigger)
		return false;
	memcpy(array, &bigger, sizeof(bigger));
	*capacity = 2 * count + 16;
	return true;
}

bool log_append(struct log_input *input, const void *data, size_t length)
{
	if (input->capacity - input->length < length) {
		size_t capacity = 2 * (input->length + length);
		uint8_t *bigger = realloc(input->bytes, capacity);

		if (!bigger)
			return log_no_memory(input);
		input->bytes = bigger;
		input->capacity = capacity;
	}
	if (length > 0)
		memcpy(input->bytes + input->length, data, length);
	input->length += length;
	return true;
}

bool log_add_event(struct log_input *input, const struct log_event *event)
{
	if (!log_grow(&input->events, input->nr_events, &input->events_capacity, sizeof(*event)))
		return log_no_memory(input);
	input->events[input->nr_events++] = *event;
	return true;
}

bool log_add_lost(struct log_input *input, size_t offset, size_t length)
{
	if (!log_grow(&input->lost, input->nr_lost, &input->lost_capacity, sizeof(*input->lost)))
		return log_no_memory(input);
	input->lost[input->nr_lost++] = (struct log_lost){ offset, length };
	return true;
}

void log_input_free(struct log_input *input)
{
	free(input->bytes);
	free(input->events);
	free(input->lost);
}

/* ---- binary ---- */

static uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t get_le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static bool is_version(uint8_t byte)
{
	return byte >= FWNMI_ERRLOG_OLDEST_VERSION && byte <= FWNMI_ERRLOG_VERSION;
}

/* The length that a log states; 0 if no log begins like this. */
static size_t stated_length(const uint8_t *p, size_t length)
{
	uint32_t word;

	if (length < FWNMI_ERRLOG_FIXED_SIZE || !is_version(p[0]))
		return 0;
	word = get_be32(p + 4);
	if (!(p[1] & 4)) /* no extended part */
		return word == 0 || p[3] == FWNMI_EVENT_PLATFORM_RESOURCE_REASSIGNMENT ?
			       FWNMI_ERRLOG_FIXED_SIZE :
			       0;
	if (word > FWNMI_ERRLOG_MAX - FWNMI_ERRLOG_FIXED_SIZE || (word > 0 && word < 12))
		return 0;
	return FWNMI_ERRLOG_FIXED_SIZE + word;
}

static bool starts_log(const uint8_t *p, size_t length)
{
	return stated_length(p, length) > 0;
}

static bool starts_record(const uint8_t *p, size_t length)
{
	return !starts_log(p, length) && length > SEQUENCE_SIZE &&
	       starts_log(p + SEQUENCE_SIZE, length - SEQUENCE_SIZE);
}

static bool has_records_of(const uint8_t *p, size_t length, size_t size)
{
	for (size_t i = 0; i < length; i += size)
		if (!starts_record(p + i, length - i))
			return false;
	return true;
}

/*
 * The kernel hands out records of one size, which depends on the machine. If a file ends within a
 * record, only the usual sizes are tried.
 */
static size_t record_size(const uint8_t *p, size_t length)
{
	static const size_t usual[] = { RECORD_MAX, SEQUENCE_SIZE + 1024 };

	for (size_t size = SEQUENCE_SIZE + FWNMI_ERRLOG_FIXED_SIZE;
	     size <= RECORD_MAX && size < length; size++)
		if (length % size == 0 && has_records_of(p, length, size))
			return size;
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (length > usual[i] && starts_record(p + usual[i], length - usual[i]))
			return usual[i];
	return length;
}

/* The number is in the writing machine's byte order, and small: the smaller reading is right. */
static uint32_t sequence_number(const uint8_t *p)
{
	uint32_t big = get_be32(p), little = get_le32(p);

	return big < little ? big : little;
}

static bool add_records(struct log_input *input, size_t offset, size_t length, unsigned line)
{
	const uint8_t *p = input->bytes + offset;
	size_t size = record_size(p, length);

	for (size_t i = 0; i < length; i += size) {
		size_t left = length - i < size ? length - i : size;
		struct log_event event = { .line = line, .in_record = true, .has_number = true };

		if (left < SEQUENCE_SIZE + FWNMI_ERRLOG_FIXED_SIZE) {
			log_problem(input, "the last record has %zu of %zu bytes", left, size);
			break;
		}
		event.number = sequence_number(p + i);
		event.offset = offset + i + SEQUENCE_SIZE;
		event.length = left - SEQUENCE_SIZE;
		if (!log_add_event(input, &event))
			return false;
	}
	return true;
}

/* Adds consecutive logs, perhaps with zeroes between them. */
static bool add_logs(struct log_input *input, size_t offset, size_t length, unsigned line)
{
	size_t end = offset + length;

	for (size_t next; offset < end; offset = next) {
		size_t log = stated_length(input->bytes + offset, end - offset);

		next = log > 0 && log < end - offset ? offset + log : end;
		while (next < end && input->bytes[next] == 0)
			next++;
		if (next < end && !starts_log(input->bytes + next, end - next))
			next = end;
		if (!log_add_event(input, &(struct log_event){ .offset = offset,
							       .length = next - offset,
							       .line = line }))
			return false;
	}
	return true;
}

bool log_begins(const uint8_t *p, size_t length)
{
	return starts_log(p, length) || starts_record(p, length);
}

bool log_split(struct log_input *input, size_t offset, unsigned line)
{
	size_t length = input->length - offset;

	if (starts_record(input->bytes + offset, length))
		return add_records(input, offset, length, line);
	return add_logs(input, offset, length, line);
}

/* ---- which form ---- */

static bool parse_clean_text(struct log_input *input, const char *text, const char *end)
{
	/* A byte takes at least two digits, or "0x" and one. */
	struct log_scan scan = { .bytes = malloc((size_t)(end - text) + 1) };
	bool ok;

	if (!scan.bytes)
		return log_no_memory(input);
	ok = log_is_kernel(text, end) ? log_parse_kernel(input, &scan, text, end) :
					log_parse_dump(input, &scan, text, end);
	free(scan.bytes);
	if (ok && input->nr_events == 0)
		return log_fail(input, "it has no RTAS event");
	return ok;
}

static bool parse_text(struct log_input *input, const char *data, size_t length)
{
	char *text = malloc(length + 1);
	bool ok;

	if (!text)
		return log_no_memory(input);
	ok = parse_clean_text(input, text, text + log_clean(text, data, length));
	free(text);
	return ok;
}

static bool is_plain_text(const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isprint(data[i]) && !isspace(data[i]))
			return false;
	return true;
}

/* Mostly is enough: a text may have colours, other alphabets and NUL bytes. */
static bool is_mostly_text(const uint8_t *data, size_t length)
{
	size_t other = 0;

	for (size_t i = 0; i < length; i++)
		if (!isprint(data[i]) && !isspace(data[i]) && data[i] != 0x1b && data[i] < 0x80)
			other++;
	return other < length / 8 + 1;
}

/* No text begins with a control character. A log's version is one, even if the log is bad. */
static bool is_text(const uint8_t *data, size_t length)
{
	if (is_plain_text(data, length))
		return true;
	if (is_version(data[0]) || (length > SEQUENCE_SIZE && is_version(data[SEQUENCE_SIZE])))
		return false;
	return is_mostly_text(data, length) ||
	       log_is_kernel((const char *)data, (const char *)data + length);
}

bool log_input_parse(struct log_input *input, enum log_form form, const void *data, size_t length)
{
	if (form == LOG_FORM_HEX || (form == LOG_FORM_AUTO && is_text(data, length)))
		return parse_text(input, data, length);
	return log_append(input, data, length) && log_split(input, 0, 0);
}
