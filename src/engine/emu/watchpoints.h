/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stopping a vCPU before instructions that make certain accesses: engine_ops.set_watches().
 *
 * A block with a watched instruction is not kept in its page, so the run loop meets it each time
 * and runs it in parts: up to that instruction, and what is left. Pages that are watched for data
 * get no entry in the soft TLB. Where nothing is watched this costs nothing.
 */
#ifndef FWNMI_ENGINE_EMU_WATCHPOINTS_H
#define FWNMI_ENGINE_EMU_WATCHPOINTS_H

#include "engine/emu/code/cache.h"
#include "engine/emu/cpu.h"

/* Not an interrupt: the running instruction would make a watched access. cpu->exception */
#define EXCEPTION_WATCHED 1

/** watchpoints_set() - engine_ops.set_watches() */
void watchpoints_set(struct cpu *cpu, const struct engine_watch *watches, unsigned count);
/** watchpoints_mark_anew() - what vCPUs wait for has changed, here or in CIABR. */
void watchpoints_mark_anew(struct power_engine *e);
/**
 * watchpoints_mark() - the vCPU has found the code of an effective page: mark the words that it
 * watches there
 */
void watchpoints_mark(struct cpu *cpu, uint64_t ea, struct code_page *page);
/**
 * watchpoints_before() - how many of the block's first @most instructions, the first being at NIP,
 * the vCPU can run before one that is watched
 */
unsigned watchpoints_before(struct cpu *cpu, const struct block *block, unsigned most);
/** watchpoints_on_page() - is anything on the page watched for data? */
bool watchpoints_on_page(const struct cpu *cpu, uint64_t ea, uint64_t ra);
/** watchpoints_hit() - is this access to data watched? Then EXCEPTION_WATCHED was raised. */
bool watchpoints_hit(struct cpu *cpu, uint64_t ea, uint64_t ra, unsigned size, bool write);

#endif
