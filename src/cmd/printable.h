/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text from outside (files, arguments) on its way to a terminal, which must not take it for
 * commands.
 */
#ifndef CMD_PRINTABLE_H
#define CMD_PRINTABLE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Writes the text with control characters, and what is not UTF-8, as \xNN. Letters of all languages
 * stay as they are.
 */
void print_printable(FILE *out, const char *text, size_t length);

#endif
