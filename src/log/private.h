/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files that read the input of `fwnmi log`. A function that returns false has set
 * input->error, or the error of its scan.
 */
#ifndef FWNMI_LOG_PRIVATE_H
#define FWNMI_LOG_PRIVATE_H

#include "log/input.h"

/* ---- input.c ---- */

bool log_fail(struct log_input *input, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool log_no_memory(struct log_input *input);

/* Reports something wrong that does not prevent showing the rest. */
void log_problem(struct log_input *input, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Makes room for one more element of @size bytes in the array of @count elements that @array points
 * to; false if there is no memory.
 */
bool log_grow(void *array, size_t count, size_t *capacity, size_t size);

bool log_append(struct log_input *input, const void *data, size_t length);
bool log_add_event(struct log_input *input, const struct log_event *event);
bool log_add_lost(struct log_input *input, size_t offset, size_t length);

/* Do these bytes look like the start of a log or a record? */
bool log_begins(const uint8_t *p, size_t length);

/* Splits the input's bytes from @offset on into events; @line is where they begin in a text. */
bool log_split(struct log_input *input, size_t offset, unsigned line);

/* ---- hex_text.c ---- */

/* Bytes being put in their places. known has 1 for each byte that the input gave. */
struct log_image {
	uint8_t *data, *known;
	size_t length, capacity;
};

/* Puts bytes at @offset, extending the image if needed; false if there is no memory. */
bool log_image_put(struct log_image *image, size_t offset, const uint8_t *data, size_t length);

/* The same, repeating the bytes from @offset to @end. */
bool log_image_repeat(struct log_image *image, size_t offset, size_t end, const uint8_t *data,
		      size_t length);

/* Does the image already have different bytes there? */
bool log_image_contradicts(const struct log_image *image, size_t offset, const uint8_t *data,
			   size_t length);

void log_image_free(struct log_image *image);

/*
 * Appends the image's bytes to the input's, and its gaps to the list of lost bytes. For messages,
 * @what says whose bytes they are, and @line_bytes how many a numbered line has, or 0.
 */
bool log_add_image(struct log_input *input, const struct log_image *image, const char *what,
		   size_t line_bytes);

/*
 * Copies the text without what terminals and editors put into it: colours, byte order marks, NUL
 * bytes (which also makes UTF-16 readable). @to has room for @length bytes. Returns the new length.
 */
size_t log_clean(char *to, const char *text, size_t length);

const char *log_line_end(const char *line, const char *end);
const char *log_next_line(const char *stop, const char *end);

bool log_is_separator(char c);
const char *log_skip_separators(const char *p, const char *end);
const char *log_token_end(const char *p, const char *end);
const char *log_without_0x(const char *p, const char *end);
bool log_is_hex(const char *p, const char *end);
unsigned log_digit_value(char c);

/* Bytes scanned from a text, in order, and an error for the first thing that is not a byte. */
struct log_scan {
	uint8_t *bytes; /* room for half as many bytes as the text has characters */
	size_t length;
	char error[120];
};

bool log_scan_tokens(struct log_scan *scan, const char *p, const char *end);

/* ---- kernel.c, dump.c ---- */

bool log_is_kernel(const char *text, const char *end);
bool log_parse_kernel(struct log_input *input, struct log_scan *scan, const char *text,
		      const char *end);
bool log_parse_dump(struct log_input *input, struct log_scan *scan, const char *text,
		    const char *end);

#endif
