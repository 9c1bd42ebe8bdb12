/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8 as JSON and terminals need it, and mistyped words; see text.h. RFC 3629. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Length in bytes of a character that begins with @first; 0 if none does. */
static size_t expected_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* Overlong form, surrogate, or beyond Unicode: the second byte tells. */
static bool is_forbidden(unsigned char first, unsigned char second)
{
	return (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ||
	       (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90);
}

/*
 * Length in bytes of the character at @text, before @end; 0 if there is none. *@cut: the text ends
 * in the middle of it.
 */
static size_t character_length(const char *text, const char *end, bool *cut)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len = expected_length(p[0]);

	*cut = false;
	for (size_t i = 1; i < len; i++) {
		if (text + i == end) {
			*cut = true;
			return 0;
		}
		if ((p[i] & 0xc0) != 0x80 || (i == 1 && is_forbidden(p[0], p[1])))
			return 0;
	}
	return len;
}

json_t *text_json(const char *text)
{
	const char *end = text + strlen(text);
	char *copy = malloc((size_t)(end - text) + 1), *out = copy;
	json_t *json;

	if (!copy)
		return NULL;
	while (text < end) {
		bool cut;
		size_t len = character_length(text, end, &cut);

		if (cut)
			break;
		if (len)
			memcpy(out, text, len);
		else
			*out = '?';
		out += len ? len : 1;
		text += len ? len : 1;
	}
	*out = '\0';
	json = json_string(copy);
	free(copy);
	return json;
}

/* C0, DEL and C1. */
static bool is_control(const char *character, size_t len)
{
	const unsigned char *p = (const unsigned char *)character;

	return (len == 1 && (p[0] < ' ' || p[0] == 0x7f)) ||
	       (len == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

size_t text_shown(const char *text, size_t length)
{
	bool cut;
	size_t len = character_length(text, text + length, &cut);

	return is_control(text, len) ? 0 : len;
}

char *text_printable(char *out, size_t size, const char *text)
{
	const char *end = text + strlen(text);
	size_t used = 0;

	while (text < end) {
		size_t len = text_shown(text, (size_t)(end - text)), need = len ? len : 4;

		if (used + need >= size)
			break;
		if (len)
			memcpy(out + used, text, len);
		else
			sprintf(out + used, "\\x%02x", (unsigned char)*text);
		used += need;
		text += len ? len : 1;
	}
	out[used] = '\0';
	return out;
}

/* ---- mistyped words ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Row @i of the table of distances between the beginnings of @a and @b, from the two rows above. */
static void next_row(const char *a, size_t i, const char *b, size_t b_length, const size_t *before,
		     const size_t *above, size_t *row)
{
	row[0] = i;
	for (size_t j = 1; j <= b_length; j++) {
		row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
		row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
		if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
			row[j] = least(row[j], before[j - 2] + 1);
	}
}

size_t text_distance(const char *a, size_t length, const char *b)
{
	size_t rows[3][TEXT_MAX_WORD + 1], b_length = strlen(b);

	if (length > TEXT_MAX_WORD || b_length > TEXT_MAX_WORD)
		return length + b_length;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= length; i++)
		next_row(a, i, b, b_length, rows[(i + 1) % 3], rows[(i + 2) % 3], rows[i % 3]);
	return rows[length % 3][b_length];
}

bool text_is_near(size_t distance, size_t length)
{
	return distance < length && distance <= (length + 2) / 3;
}

const char *text_nearest(const char *text, size_t length, const char *const *words)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;

	for (; *words; words++) {
		size_t distance = text_distance(text, length, *words);

		if (distance < best && text_is_near(distance, length)) {
			best = distance;
			nearest = *words;
		}
	}
	return nearest;
}
