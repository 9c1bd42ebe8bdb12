/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of attach/ only. */
#ifndef FWNMI_ATTACH_PRIVATE_H
#define FWNMI_ATTACH_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "isa/msr.h"
#include "isa/vector.h"

/* Linux's linear mapping of real memory (radix and hash): arch/powerpc/include/asm/page.h */
#define LINEAR_START 0xc000000000000000ull
#define LINEAR_END   0xc008000000000000ull

static inline bool remote_is_linear(uint64_t effective_address)
{
	return effective_address >= LINEAR_START && effective_address < LINEAR_END;
}

static inline uint64_t remote_linear_to_real(uint64_t effective_address)
{
	return effective_address - LINEAR_START;
}

static inline uint64_t remote_number(const uint8_t *bytes, unsigned size, bool little_endian)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value = value << 8 | bytes[little_endian ? size - 1 - i : i];
	return value;
}

#endif
