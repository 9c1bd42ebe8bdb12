/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text that others have chosen (a guest, a client, a file's name) on its way into JSON or onto a
 * terminal.
 */
#ifndef FWNMI_BASE_TEXT_H
#define FWNMI_BASE_TEXT_H

#include <stddef.h>

#include <jansson.h>

/**
 * text_json() - a JSON string of any bytes
 *
 * A character that was cut at the end, by a buffer that was too small, is left out. Any other byte
 * that is not UTF-8 becomes a question mark. Returns NULL only when there is no memory.
 */
json_t *text_json(const char *text);

/**
 * text_shown() - bytes of the first character of @length bytes, if a terminal only shows it; else
 * 0.
 */
size_t text_shown(const char *text, size_t length);

/**
 * text_printable() - what a terminal may be given
 * @out: of @size bytes, at least 1; gets as many whole characters as fit
 *
 * Control characters, C1's among them, and bytes that are not UTF-8 become \xNN. Returns @out.
 */
char *text_printable(char *out, size_t size, const char *text);

#endif
