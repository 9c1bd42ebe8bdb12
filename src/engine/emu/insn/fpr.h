/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the semantics of binary and decimal floating point (fp.c, dfp.c): FPRs and CR1. */
#ifndef FWNMI_ENGINE_EMU_INSN_FPR_H
#define FWNMI_ENGINE_EMU_INSN_FPR_H

#include "engine/emu/fp/fpu.h"
#include "engine/emu/insn/insn.h"

static inline uint64_t fpr(const struct cpu *cpu, unsigned n)
{
	return VSR_D(cpu->vsr[n], 0);
}

static inline void set_fpr(struct cpu *cpu, unsigned n, uint64_t v)
{
	VSR_D(cpu->vsr[n], 0) = v;
	VSR_D(cpu->vsr[n], 1) = 0;
}

/* CR1 shows the exceptions even if the instruction ends in an interrupt. */
static inline int record(struct cpu *cpu, uint32_t insn, int outcome)
{
	if (F_REC(insn))
		set_cr1(cpu);
	return outcome;
}

#endif
