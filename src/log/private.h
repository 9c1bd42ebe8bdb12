/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files that read inputs of `fwnmi log`. Functions that return false have set
 * input->error, or a scan's.
 */
#ifndef FWNMI_LOG_PRIVATE_H
#define FWNMI_LOG_PRIVATE_H

#include "log/input.h"

/* ---- input.c ---- */

bool log_fail(struct log_input *input, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool log_no_memory(struct log_input *input);

/* Something that is not as it should be, but does not keep the rest from being shown. */
void log_problem(struct log_input *input, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Room for one more element of @size bytes in the array of @count that @array points to; false if
 * there is no memory.
 */
bool log_grow(void *array, size_t count, size_t *capacity, size_t size);

bool log_append(struct log_input *input, const void *data, size_t length);
bool log_add_event(struct log_input *input, const struct log_event *event);
bool log_add_lost(struct log_input *input, size_t offset, size_t length);

/* Do these bytes begin like a log, or like a record? */
bool log_begins(const uint8_t *p, size_t length);

/* Divides the input's bytes from @offset on into events, which begin at @line of a text. */
bool log_split(struct log_input *input, size_t offset, unsigned line);

/* ---- text.c ---- */

/* Bytes on their way to their places. known has 1 for each that the input gave. */
struct log_image {
	uint8_t *data, *known;
	size_t length, capacity;
};

/* Makes the image longer if need be; false if there is no memory. */
bool log_image_put(struct log_image *image, size_t offset, const uint8_t *data, size_t length);

/* The same from @offset to @end with the bytes over and over. */
bool log_image_repeat(struct log_image *image, size_t offset, size_t end, const uint8_t *data,
		      size_t length);

/* Does the image have other bytes there already? */
bool log_image_contradicts(const struct log_image *image, size_t offset, const uint8_t *data,
			   size_t length);

void log_image_free(struct log_image *image);

/*
 * The image's bytes go to the input's, and their gaps to its list. @what says whose they are,
 * @line_bytes how many a numbered line has, or 0.
 */
bool log_add_image(struct log_input *input, const struct log_image *image, const char *what,
		   size_t line_bytes);

/*
 * The text without what terminals and editors put into it: colours, NUL bytes (with which UTF-16
 * becomes readable, too), byte order marks. @to has room for @length bytes. Returns the new length.
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

/* Bytes of a text, in the order they are written, and the first thing that is none. */
struct log_scan {
	uint8_t *bytes; /* room for half as many as the text has characters */
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
