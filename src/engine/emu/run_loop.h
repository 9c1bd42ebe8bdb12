/* SPDX-License-Identifier: BSD-2-Clause */
/* The run loop, and the time of the decrementer's interrupt, which bounds it. */
#ifndef FWNMI_ENGINE_EMU_RUN_LOOP_H
#define FWNMI_ENGINE_EMU_RUN_LOOP_H

#include "engine/emu/cpu.h"

/** cpu_run() - engine_ops.run() of one vCPU. */
void cpu_run(struct cpu *cpu, uint64_t max_insns, struct engine_exit *exit);

/**
 * decrementer_edge() - when the decrementer became negative, if it is, or else when it will. Its
 * exception lasts while it is negative.
 */
uint64_t decrementer_edge(const struct cpu *cpu, uint64_t now);
bool decrementer_negative(const struct cpu *cpu, uint64_t now);

#endif
