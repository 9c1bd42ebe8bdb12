/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as people type them. */
#ifndef FWNMI_BASE_NUMBER_H
#define FWNMI_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * number_parse() - decimal, or hexadecimal after 0x; 08 is eight
 * @text: need not be terminated after @len
 * @len: characters, all of which must belong to the number: no blanks, no signs
 * @value: set on success only
 *
 * returns: false if it is not a number or needs more than 64 bits
 */
static inline bool number_parse(const char *text, size_t len, uint64_t *value)
{
	bool hex = len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const unsigned base = hex ? 16 : 10;
	uint64_t n = 0;

	if (!len)
		return false;
	for (size_t i = hex ? 2 : 0; i < len; i++) {
		char c = text[i];
		unsigned digit = base;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			digit = (unsigned)(c - 'A') + 10;
		if (digit >= base || n > (UINT64_MAX - digit) / base)
			return false;
		n = n * base + digit;
	}
	*value = n;
	return true;
}

#endif
