/* SPDX-License-Identifier: BSD-2-Clause */
/* The instructions that are calls of semantics functions, as decode.c makes them. */
#ifndef UNIT_ENGINE_CALLS_H
#define UNIT_ENGINE_CALLS_H

#include "engine/emu/insn/insn.h"
#include "engine/emu/uop/uop.h"

#define CALL_NONE UOP_call
#define CALL_PRIV UOP_call_priv
#define CALL_FP	  UOP_call_fp
#define CALL_VEC  UOP_call_vec
#define CALL_VSX  UOP_call_vsx
static const struct called {
	const char *name;
	uint32_t value, mask;
	enum uop_kind kind;
	sem_fn *sem;
} called[] = {
#define INSN(name, value, mask, isa, gen)
#define CALL(name, value, mask, isa, facility, sem) { #name, value, mask, CALL_##facility, sem },
#include "engine/emu/insn/insn.def"
#undef INSN
#undef CALL
	/* With threads, barriers are calls, too. */
	{ "sync", 0x7c0004ac, ~0u, UOP_call, sem_sync },
	{ "lwsync", 0x7c2004ac, ~0u, UOP_call, sem_lwsync },
	{ "isync", 0x4c00012c, ~0u, UOP_call, sem_isync },
};

/* Makes the call; the instruction's fields are those of @fields. */
static inline void make_call(struct uop *u, const struct called *c, uint32_t fields)
{
	const uint32_t insn = c->value | (fields & ~c->mask);

	u->fn = uop_body[c->kind];
	u->kind = (uint8_t)c->kind;
	u->d = (uint16_t)insn;
	u->a = (uint16_t)(insn >> 16);
	u->b = 0;
	u->imm = (uintptr_t)c->sem;
}

#endif
