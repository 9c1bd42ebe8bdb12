/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Known values in every register, and how they are verified. registers.S has the values, and the
 * code that runs with them.
 */
#ifndef FWNMI_PAYLOAD_LAB_REGISTERS_H
#define FWNMI_PAYLOAD_LAB_REGISTERS_H

/* Offsets in struct registers, for registers.S. */
#define REGISTERS_LR	 256
#define REGISTERS_CTR	 264
#define REGISTERS_XER	 272
#define REGISTERS_CR	 280
#define REGISTERS_FPSCR	 288
#define REGISTERS_VRSAVE 296
#define REGISTERS_VSCR	 304
#define REGISTERS_VSR	 320
#define REGISTERS_SIZE	 1344

/* Where pointers among the known values lead; mmap() puts memory there. */
#define SCRATCH_ADDRESS 0x20100000 /* r20: written and read back */
#define PATTERN_ADDRESS 0x20000000 /* r21: only verified */

#ifndef __ASSEMBLER__
#include "common.h"

struct registers {
	uint64_t gpr[32], lr, ctr, xer, cr, fpscr, vrsave, vscr[2];
	/* As stored by stxvd2x; without VSX, FPRs in [n][0] and as stored by stvx in [32 + n]. */
	uint64_t vsr[64][2];
};

_Static_assert(sizeof(struct registers) == REGISTERS_SIZE, "registers.S has this size");

extern const struct registers known_registers;

/** registers_begin() - which facilities there are; maps the memory that known values point to */
void registers_begin(const struct environment *env);
/**
 * registers_window() - some thousand instructions with known values in all registers
 *
 * Each instruction leaves the registers as they were, and a wrong value in one wrong in that one
 * alone. Each register is then verified by itself, and "corrupt" reported.
 */
void registers_window(void);
/**
 * registers_patch() - replace the no-op in the middle of the window by another instruction
 *
 * For tests: it can change any register.
 */
void registers_patch(uint32_t instruction);
/**
 * registers_call() - a system call with known values in all registers that it does not use
 * @arguments:	the call's number and its six arguments
 *
 * What a system call preserves is verified after it.
 * returns: -errno or the result
 */
long registers_call(const long arguments[7]);

/** The same as CALL() of system_calls.h, verified */
#define VERIFIED_7(number, a, b, c, d, e, f, ...)                                        \
	registers_call((const long[7]){ (long)(number), (long)(a), (long)(b), (long)(c), \
					(long)(d), (long)(e), (long)(f) })
#define VERIFIED(...) VERIFIED_7(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#endif

#endif
