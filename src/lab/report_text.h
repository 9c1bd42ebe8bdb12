/* SPDX-License-Identifier: BSD-2-Clause */
/* Text of results on its way into a report for people, or into a command that they copy. */
#ifndef FWNMI_LAB_REPORT_TEXT_H
#define FWNMI_LAB_REPORT_TEXT_H

#include <stddef.h>
#include <stdio.h>

/** report_printable() - as text_printable(), in memory of its own; NULL if there is none */
char *report_printable(const char *text);
/** report_print() - print text that a terminal does not interpret, on one line */
void report_print(FILE *out, const char *text);
/** report_print_word() - print text as one word of a shell */
void report_print_word(FILE *out, const char *text);
/** report_columns() - characters of printable text */
size_t report_columns(const char *text);

#endif
