/* SPDX-License-Identifier: BSD-2-Clause */
/* See content_hash.h. */
#include <string.h>

#include "base/content_hash.h"

uint64_t content_hash(const void *bytes, size_t size)
{
	const uint64_t prime = 0x100000001b3;
	const uint8_t *p = bytes;
	uint64_t h = 0xcbf29ce484222325;
	size_t i = 0;

	for (; i + 8 <= size; i += 8) {
		uint64_t word;

		memcpy(&word, p + i, 8);
		h = (h ^ word) * prime;
		h ^= h >> 32;
	}
	for (; i < size; i++)
		h = (h ^ p[i]) * prime;
	return h;
}
