/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text from outside (files, arguments) on its way to a terminal, which must not interpret it as
 * commands.
 */
#ifndef CMD_PRINTABLE_H
#define CMD_PRINTABLE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Prints the text, with control characters and anything that is not UTF-8 as \xNN. Letters of all
 * languages are printed as they are.
 */
void print_printable(FILE *out, const char *text, size_t length);

#endif
