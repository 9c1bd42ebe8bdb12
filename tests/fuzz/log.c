/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input of `fwnmi log`: arbitrary bytes as a text or binary file, and each event found in them.
 * The first byte selects the format.
 */
#include <fwnmi/errlog.h>

#include "log/input.h"
#include "fuzz.h"

static void count_problem(void *opaque, const char *text)
{
	unsigned *problems = opaque;

	require(strlen(text) > 0);
	(*problems)++;
}

/* Events have bytes, in the order of the input, and lost ranges are within the bytes. */
static void check_input(const struct log_input *input)
{
	size_t end = 0;

	require(input->nr_events > 0);
	for (size_t i = 0; i < input->nr_events; i++) {
		const struct log_event *event = &input->events[i];
		struct fwnmi_errlog log;
		uint8_t *copy;

		require(event->offset >= end && event->length > 0);
		end = event->offset + event->length;
		require(end <= input->length);
		copy = exact(input->bytes + event->offset, event->length);
		fwnmi_errlog_decode(&log, copy, event->length);
		free(copy);
	}
	end = 0;
	for (size_t i = 0; i < input->nr_lost; i++) {
		require(input->lost[i].offset >= end && input->lost[i].length > 0);
		end = input->lost[i].offset + input->lost[i].length;
		require(end <= input->length);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum log_form forms[] = { LOG_FORM_AUTO, LOG_FORM_HEX, LOG_FORM_BINARY };
	unsigned problems = 0;
	struct log_input input = { .problem = count_problem, .opaque = &problems };
	uint8_t *copy;

	if (size < 2)
		return 0;
	copy = exact(data + 1, size - 1);
	if (log_input_parse(&input, forms[data[0] % 3], copy, size - 1))
		check_input(&input);
	else
		require(strlen(input.error) > 0);
	require(input.nr_problems == problems);
	log_input_free(&input);
	free(copy);
	return 0;
}
