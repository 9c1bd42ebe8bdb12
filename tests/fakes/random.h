/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers that are the same in every run. */
#ifndef FAKES_RANDOM_H
#define FAKES_RANDOM_H

#include <stdint.h>

/* splitmix64: the next number of a sequence that starts with any value. */
static inline uint64_t splitmix64(uint64_t *sequence)
{
	uint64_t z = *sequence += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

#endif
