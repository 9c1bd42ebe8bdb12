/* SPDX-License-Identifier: BSD-2-Clause */
/* What the assemblers of all hosts share: bytes go to where `at` is. */
#ifndef FWNMI_ENGINE_EMU_JIT_ASSEMBLER_H
#define FWNMI_ENGINE_EMU_JIT_ASSEMBLER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct assembler {
	uint8_t *at;
};

static inline void put32(struct assembler *a, uint32_t v)
{
	memcpy(a->at, &v, sizeof(v));
	a->at += sizeof(v);
}

#endif
