/* SPDX-License-Identifier: BSD-2-Clause */
/* Trace interrupts: MSR[SE], MSR[BE] and CIABR. */
#ifndef FWNMI_ENGINE_EMU_TRACE_H
#define FWNMI_ENGINE_EMU_TRACE_H

#include "engine/emu/cpu.h"

/* What the trace interrupt after an instruction reports about it. */
struct traced {
	bool wanted; /* MSR[SE], MSR[BE] or CIABR asks for it */
	bool accesses; /* it has a storage operand, at @sdar */
	uint64_t siar, sdar, srr1;
};

/** trace_begin() - examine the instruction at NIP, which is executed next. */
void trace_begin(const struct cpu *cpu, const uint8_t *code, struct traced *traced);

#endif
