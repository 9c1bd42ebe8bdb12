/* SPDX-License-Identifier: BSD-2-Clause */
/* What the terminal behind an output can show; see terminal.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/terminal.h"

#define PLAIN_WIDTH 80

bool terminal_has_colours(FILE *file)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(file)) && !(no_color && *no_color) && term && strcmp(term, "dumb");
}

unsigned terminal_width(FILE *file)
{
	struct winsize size;

	if (isatty(fileno(file)) && !ioctl(fileno(file), TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return PLAIN_WIDTH;
}
