/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Untrusted text (from a guest, a client, a file's name) on its way into JSON or onto a terminal,
 * and what a mistyped word was meant to be.
 */
#ifndef FWNMI_BASE_TEXT_H
#define FWNMI_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/**
 * text_json() - make a JSON string of any bytes
 *
 * A character cut off at the end, by too small a buffer, is left out. Any other byte that is not
 * UTF-8 becomes a question mark. Returns NULL only if out of memory.
 */
json_t *text_json(const char *text);

/**
 * text_shown() - size in bytes of @text's first character if a terminal would just show it, else 0
 * @length: bytes of @text, at least 1
 */
size_t text_shown(const char *text, size_t length);

/**
 * text_printable() - copy text in a form that is safe for a terminal
 * @out: of @size bytes, at least 1; gets as many whole characters as fit
 *
 * Control characters (C1 too) and bytes that are not UTF-8 become \xNN. Returns @out.
 */
char *text_printable(char *out, size_t size, const char *text);

/* Longer words are like nothing. */
#define TEXT_MAX_WORD 64

/**
 * text_distance() - how many characters to insert, remove, replace or swap with their neighbour to
 * make @b of the first @length characters of @a
 *
 * Returns @length and more if a word is longer than TEXT_MAX_WORD.
 */
size_t text_distance(const char *a, size_t length, const char *b);

/** text_is_near() - is that few enough for a typing error in @length characters? */
bool text_is_near(size_t distance, size_t length);

/**
 * text_nearest() - the word that was meant
 * @text: what was typed, of @length characters
 * @words: NULL ends them
 *
 * Returns NULL if no word is near.
 */
const char *text_nearest(const char *text, size_t length, const char *const *words);

#endif
