/* SPDX-License-Identifier: BSD-2-Clause */
/* What the terminal behind an output can show. */
#ifndef CMD_TERMINAL_H
#define CMD_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/** terminal_has_colours() - is it a terminal, and does the user not object? */
bool terminal_has_colours(FILE *file);
/** terminal_width() - in characters; 80 if nobody knows */
unsigned terminal_width(FILE *file);

#endif
