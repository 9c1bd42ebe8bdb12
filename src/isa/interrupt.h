/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a processor takes an interrupt: the changes to NIP, MSR and the registers that save them.
 * Power ISA 3.0B, Book III, "Interrupt Processing". libfwnmi delivers machine checks and system
 * resets from outside.
 */
#ifndef FWNMI_ISA_INTERRUPT_H
#define FWNMI_ISA_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* Settings of LPCR that matter here. */
struct interrupt_settings {
	bool little_endian; /* ILE */
	unsigned ail; /* AIL: 0, or 2 or 3 = interrupts keep relocation on if it is on */
};

struct interrupt_regs {
	uint64_t nip, msr;
	uint64_t old_nip, old_msr; /* SRR0 and SRR1; LR and CTR for a system call by scv */
};

/**
 * interrupt_address() - where the routine of @vector begins
 * @ail: 2 or 3: the interrupt keeps relocation on, as this AIL makes possible; 0: it does not
 */
uint64_t interrupt_address(unsigned vector, unsigned ail);

/**
 * interrupt_take() - take an interrupt
 * @regs: nip is the instruction to come back to and msr the interrupted MSR; all four are changed
 * @vector: VECTOR_*, or VECTOR_SCV + 0x20 * level
 * @reason: bits for SRR1
 */
void interrupt_take(struct interrupt_regs *regs, unsigned vector, uint64_t reason,
		    const struct interrupt_settings *settings);

#endif
