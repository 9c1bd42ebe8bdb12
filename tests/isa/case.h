/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One case of the differential test: an instruction, or a sequence of them, and the architected
 * state around it, shared by the test and by the oracle program (which is built for the guest's
 * architecture). Plain 64-bit numbers in the oracle's byte order.
 */
#ifndef FWNMI_TESTS_ISA_CASE_H
#define FWNMI_TESTS_ISA_CASE_H

#define CASE_GPR    16
#define CASE_CR	    272
#define CASE_XER    280
#define CASE_FPSCR  288
#define CASE_LR	    296
#define CASE_CTR    304
#define CASE_VSCR   320
#define CASE_VSR    336
#define CASE_VRSAVE 1624

/* Where the memory operands live, in the address spaces of both sides. */
#define CASE_MEMORY	  0x02000000
#define CASE_MEMORY_BYTES 256
/* Where the oracle puts the words to execute: within reach of a branch to its own code. */
#define CASE_CODE	  0x11000000
#define CASE_WORDS	  28
#define CASE_SLOT_BYTES	  128 /* a prefixed instruction does not cross 64 bytes */
#define CASE_ADDRESS(n)	  (CASE_CODE + CASE_SLOT_BYTES * (n))
#define CASE_BATCH	  250

#ifndef __ASSEMBLER__
#include <stdint.h>

struct isa_case {
	uint64_t insn; /* the last instruction; a prefix is the upper half */
	uint64_t outcome; /* 0: completed; else the signal's number */
	uint64_t gpr[32];
	uint64_t cr, xer, fpscr, lr, ctr;
	uint64_t address; /* of the word: CASE_ADDRESS(n) for the n-th case of a batch */
	uint64_t vscr[2]; /* a vector register's image, the number in its last word */
	uint64_t vsr[64][2]; /* each one 16-byte number in the oracle's byte order */
	uint8_t memory[CASE_MEMORY_BYTES];
	uint64_t next; /* 1: fell through to the next word, 2: branched one word further */
	uint64_t vrsave;
	uint64_t nr_words;
	uint64_t words[CASE_WORDS]; /* the code, a word in each */
	uint64_t pad;
} __attribute__((aligned(16)));

_Static_assert(__builtin_offsetof(struct isa_case, gpr) == CASE_GPR, "CASE_GPR");
_Static_assert(__builtin_offsetof(struct isa_case, cr) == CASE_CR, "CASE_CR");
_Static_assert(__builtin_offsetof(struct isa_case, ctr) == CASE_CTR, "CASE_CTR");
_Static_assert(__builtin_offsetof(struct isa_case, vscr) == CASE_VSCR, "CASE_VSCR");
_Static_assert(__builtin_offsetof(struct isa_case, vsr) == CASE_VSR, "CASE_VSR");
_Static_assert(__builtin_offsetof(struct isa_case, vrsave) == CASE_VRSAVE, "CASE_VRSAVE");
_Static_assert(4 * (CASE_WORDS + 2) <= CASE_SLOT_BYTES, "CASE_WORDS");
#endif

#endif
