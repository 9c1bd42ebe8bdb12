/* SPDX-License-Identifier: BSD-2-Clause */
/* Text from outside on its way to a terminal. */
#include "base/text.h"
#include "printable.h"

void print_printable(FILE *out, const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end) {
		size_t n = text_shown(text, (size_t)(end - text));

		if (n > 0)
			fwrite(text, 1, n, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*text);
		text += n ? n : 1;
	}
}
