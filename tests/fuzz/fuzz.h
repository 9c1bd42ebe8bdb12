/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entry point of a fuzzer. With -Dfuzz=true (make fuzz) libFuzzer calls it; otherwise replay.c
 * calls it with the files of corpus/NAME, as a regression test of earlier findings.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../fakes/require.h"

/* One input; any bytes. Returns 0. A finding ends the program. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A buffer of just this size, so that a memory checker sees any access past its end. */
static inline void *exact(const void *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	require(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

#endif
