/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads RTAS event logs in the forms people have at hand: a binary buffer, records of
 * /proc/ppc64/rtas/error_log, a hexadecimal dump, a kernel log. The result is bytes, one event
 * after another; libfwnmi decodes them (fwnmi/errlog.h).
 */
#ifndef FWNMI_LOG_INPUT_H
#define FWNMI_LOG_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_form {
	LOG_FORM_AUTO,
	LOG_FORM_HEX,
	LOG_FORM_BINARY
};

/* The bytes of one event: its log, and perhaps more after it. */
struct log_event {
	size_t offset, length; /* in the input's bytes */
	unsigned line; /* where it begins in a text, or 0 */
	bool has_number;
	uint32_t number; /* the kernel's sequence number */
	bool in_record; /* a record has a fixed size: bytes after the log mean nothing */
};

/* Bytes missing from the input; they read as zero. */
struct log_lost {
	size_t offset, length; /* in the input's bytes */
};

/* All zero before first use, except the callback for problems. */
struct log_input {
	void (*problem)(void *opaque, const char *text);
	void *opaque;

	uint8_t *bytes;
	size_t length, capacity;
	struct log_event *events;
	size_t nr_events, events_capacity;
	struct log_lost *lost; /* in ascending order */
	size_t nr_lost, lost_capacity;
	unsigned nr_problems;
	char error[200];
};

/*
 * Finds the events in @data. Anything out of order, damaged or lost is reported as a problem, and
 * the rest is kept. Returns false if there is no event at all or no memory; input->error says why.
 * Problem and error texts quote the input unchanged.
 */
bool log_input_parse(struct log_input *input, enum log_form form, const void *data, size_t length);

void log_input_free(struct log_input *input);

#endif
