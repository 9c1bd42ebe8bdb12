/* SPDX-License-Identifier: BSD-2-Clause */
/* Text from outside on its way to a terminal. */
#include <stdbool.h>
#include <stdint.h>

#include "printable.h"

/* Bytes of the UTF-8 character at p that a terminal only shows; 0 if there is none. */
static size_t character_length(const uint8_t *p, size_t length)
{
	/* By length: the bits that mark the first byte, and the least that needs this length. */
	static const struct {
		uint8_t mask, mark;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 0x20 },
		{ 0xe0, 0xc0, 0xa0 }, /* those below 0xa0 are control characters */
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};

	for (size_t n = 1; n <= sizeof(forms) / sizeof(forms[0]) && n <= length; n++) {
		uint32_t c = p[0] & (uint8_t)~forms[n - 1].mask;

		if ((p[0] & forms[n - 1].mask) != forms[n - 1].mark)
			continue;
		for (size_t i = 1; i < n; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (p[i] & 0x3f);
		}
		if (c < forms[n - 1].least || c == 0x7f || c > 0x10ffff ||
		    (c >= 0xd800 && c < 0xe000))
			return 0;
		return n;
	}
	return 0;
}

void print_printable(FILE *out, const char *text, size_t length)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + length;

	while (p < end) {
		size_t n = character_length(p, (size_t)(end - p));

		if (n > 0)
			fwrite(p, 1, n, out);
		else
			fprintf(out, "\\x%02x", *p);
		p += n ? n : 1;
	}
}
