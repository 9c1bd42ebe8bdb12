/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by dumps and kernel logs: lines, hexadecimal numbers, and bytes that each have a place, so
 * that lost ones show.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/private.h"

/* ---- images ---- */

/* Makes the image at least this long; new bytes are zero and not known. */
static bool image_extend(struct log_image *image, size_t length)
{
	if (length > image->capacity) {
		size_t capacity = 2 * length;
		uint8_t *data = realloc(image->data, capacity), *known;

		if (!data)
			return false;
		image->data = data;
		known = realloc(image->known, capacity);
		if (!known)
			return false;
		image->known = known;
		image->capacity = capacity;
	}
	if (length > image->length) {
		memset(image->data + image->length, 0, length - image->length);
		memset(image->known + image->length, 0, length - image->length);
		image->length = length;
	}
	return true;
}

bool log_image_put(struct log_image *image, size_t offset, const uint8_t *data, size_t length)
{
	if (!image_extend(image, offset + length))
		return false;
	if (length > 0) {
		memcpy(image->data + offset, data, length);
		memset(image->known + offset, 1, length);
	}
	return true;
}

bool log_image_repeat(struct log_image *image, size_t offset, size_t end, const uint8_t *data,
		      size_t length)
{
	if (!image_extend(image, end))
		return false;
	for (size_t i = 0; offset + i < end; i++)
		image->data[offset + i] = data[i % length];
	memset(image->known + offset, 1, end - offset);
	return true;
}

bool log_image_contradicts(const struct log_image *image, size_t offset, const uint8_t *data,
			   size_t length)
{
	for (size_t i = 0; i < length && offset + i < image->length; i++)
		if (image->known[offset + i] && image->data[offset + i] != data[i])
			return true;
	return false;
}

void log_image_free(struct log_image *image)
{
	free(image->data);
	free(image->known);
	*image = (struct log_image){ 0 };
}

/* Names the lines that these bytes were in, for a message. */
static void name_lines(char *buf, size_t size, size_t start, size_t end, size_t line_bytes)
{
	size_t first = start / line_bytes, last = (end - 1) / line_bytes;

	if (first == last)
		snprintf(buf, size, " (RTAS %zu)", first);
	else
		snprintf(buf, size, " (RTAS %zu to %zu)", first, last);
}

bool log_add_image(struct log_input *input, const struct log_image *image, const char *what,
		   size_t line_bytes)
{
	char lines[64] = "";
	size_t base = input->length;

	for (size_t i = 0, start; i < image->length;) {
		if (image->known[i]) {
			i++;
			continue;
		}
		start = i;
		while (i < image->length && !image->known[i])
			i++;
		if (line_bytes > 0)
			name_lines(lines, sizeof(lines), start, i, line_bytes);
		log_problem(input, "%s: bytes %zu to %zu%s are lost and shown as zero", what, start,
			    i - 1, lines);
		if (!log_add_lost(input, base + start, i - start))
			return false;
	}
	return log_append(input, image->data, image->length);
}

/* ---- text ---- */

/* Skips an escape sequence that starts at p, but never goes past the end of the line. */
static const char *skip_escape(const char *p, const char *end)
{
	char kind;

	if (++p == end || *p == '\n')
		return p;
	kind = *p++;
	if (kind == '[') {
		while (p < end && *p != '\n' && !(*p >= 0x40 && *p < 0x7f))
			p++;
		return p < end && *p != '\n' ? p + 1 : p;
	}
	if (kind == ']') {
		while (p < end && *p != '\n' && *p != '\a' && *p != 0x1b)
			p++;
		return p < end && *p == '\a' ? p + 1 : p;
	}
	return p;
}

size_t log_clean(char *to, const char *text, size_t length)
{
	static const char *const marks[] = { "\xef\xbb\xbf", "\xff\xfe", "\xfe\xff" };
	const char *p = text, *end = text + length;
	size_t used = 0;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (p == text && length >= strlen(marks[i]) &&
		    memcmp(text, marks[i], strlen(marks[i])) == 0)
			p += strlen(marks[i]);
	while (p < end) {
		if (*p == 0x1b)
			p = skip_escape(p, end);
		else if (*p == '\0')
			p++;
		else
			to[used++] = *p++;
	}
	return used;
}

bool log_is_separator(char c)
{
	return isspace((unsigned char)c) || c == ',' || c == ';' || c == '{' || c == '}';
}

const char *log_skip_separators(const char *p, const char *end)
{
	while (p < end && log_is_separator(*p))
		p++;
	return p;
}

const char *log_token_end(const char *p, const char *end)
{
	while (p < end && !log_is_separator(*p) && *p != ':')
		p++;
	return p;
}

const char *log_without_0x(const char *p, const char *end)
{
	return end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') ? p + 2 : p;
}

bool log_is_hex(const char *p, const char *end)
{
	if (p == end)
		return false;
	for (; p < end; p++)
		if (!isxdigit((unsigned char)*p))
			return false;
	return true;
}

unsigned log_digit_value(char c)
{
	return isdigit((unsigned char)c) ? (unsigned)(c - '0') :
					   (unsigned)(tolower((unsigned char)c) - 'a' + 10);
}

static bool scan_error(struct log_scan *scan, const char *p, const char *end, const char *what)
{
	snprintf(scan->error, sizeof(scan->error), "'%.*s' %s", (int)(end - p < 40 ? end - p : 40),
		 p, what);
	return false;
}

/* Scans "06", "0664" or "0x06640000". */
static bool scan_token(struct log_scan *scan, const char *p, const char *end)
{
	const char *digits = log_without_0x(p, end);
	size_t count = (size_t)(end - digits);
	unsigned byte = 0;

	if (!log_is_hex(digits, end))
		return scan_error(scan, p, end, "is not hexadecimal");
	if (count % 2 != 0 && !(digits != p && count == 1))
		return scan_error(scan, p, end, "has an odd number of digits");
	for (; digits < end; digits++) {
		byte = byte << 4 | log_digit_value(*digits);
		if ((end - digits) % 2 != 0) {
			scan->bytes[scan->length++] = (uint8_t)byte;
			byte = 0;
		}
	}
	return true;
}

bool log_scan_tokens(struct log_scan *scan, const char *p, const char *end)
{
	for (p = log_skip_separators(p, end); p < end; p = log_skip_separators(p, end)) {
		const char *stop = log_token_end(p, end);

		if (stop < end && *stop == ':')
			stop++; /* not hexadecimal: report it with its colon */
		if (!scan_token(scan, p, stop))
			return false;
		p = stop;
	}
	return true;
}

const char *log_line_end(const char *line, const char *end)
{
	const char *stop = memchr(line, '\n', (size_t)(end - line));

	return stop ? stop : end;
}

const char *log_next_line(const char *stop, const char *end)
{
	return stop < end ? stop + 1 : end;
}
