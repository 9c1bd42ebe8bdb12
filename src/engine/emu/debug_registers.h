/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's own breakpoint and watchpoints: CIABR and DAWR, which it sets by H_SET_MODE.
 * watchpoints.h has those of the machine. Both keep blocks and the soft TLB from going past them in
 * the same way, and neither costs anything while it is unused.
 */
#ifndef FWNMI_ENGINE_EMU_DEBUG_REGISTERS_H
#define FWNMI_ENGINE_EMU_DEBUG_REGISTERS_H

#include "engine/emu/code/cache.h"
#include "engine/emu/cpu.h"

/* DAWRX: what kind of access */
#define DAWRX_WRITE 0x40u
#define DAWRX_READ  0x20u

/** debug_registers_set() - engine_ops.set_debug_register() */
void debug_registers_set(struct cpu *cpu, enum engine_debug_register which, uint64_t value,
			 uint64_t extension);
/** debug_registers_mark() - as watchpoints_mark(), for the instruction that CIABR names */
void debug_registers_mark(struct cpu *cpu, uint64_t ea, struct code_page *page);
/**
 * debug_break_before() - how many of the block's first @most instructions, the first being at NIP,
 * the vCPU can run before the one that CIABR names
 */
unsigned debug_break_before(const struct cpu *cpu, const struct block *block, unsigned most);
/** debug_breaks_anywhere() - does CIABR name an instruction? */
bool debug_breaks_anywhere(const struct cpu *cpu);
/** debug_breaks_here() - does CIABR wait for the completion of the instruction at NIP? */
bool debug_breaks_here(const struct cpu *cpu);
/** debug_watches_data() - does any DAWR wait for anything? */
static inline bool debug_watches_data(const struct cpu *cpu)
{
	return (cpu->dawrx[0] | cpu->dawrx[1]) & (DAWRX_WRITE | DAWRX_READ);
}
/** debug_watches_page() - may an access to the page be what a DAWR waits for? */
bool debug_watches_page(const struct cpu *cpu, uint64_t ea);
/** debug_watch_hit() - is this access what a DAWR waits for? Then the interrupt was raised. */
bool debug_watch_hit(struct cpu *cpu, uint64_t ea, unsigned size, bool write);

#endif
