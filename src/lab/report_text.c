/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for people; see report_text.h. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lab/report_text.h"

/* No byte becomes more than the four of \xNN. */
char *report_printable(const char *text)
{
	size_t size = 4 * strlen(text) + 1;
	char *shown = malloc(size);

	return shown ? text_printable(shown, size, text) : NULL;
}

void report_print(FILE *out, const char *text)
{
	char *shown = report_printable(text);

	fputs(shown ? shown : "?", out);
	free(shown);
}

void report_print_word(FILE *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+=./,:@%";
	char *shown = report_printable(text);

	if (!shown || (*shown && shown[strspn(shown, plain)] == '\0')) {
		fputs(shown ? shown : "?", out);
	} else {
		putc('\'', out);
		for (const char *c = shown; *c; c++)
			fputs(*c == '\'' ? "'\\''" : (char[]){ *c, '\0' }, out);
		putc('\'', out);
	}
	free(shown);
}

size_t report_columns(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += (*text & 0xc0) != 0x80; /* bytes after a character's first */
	return count;
}
