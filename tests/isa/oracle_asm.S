/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle's assembly half: entry, system calls, and run_word(), which loads a whole register
 * state, executes the words in the slot and saves the state again. TAR is the only register kept
 * from the words under test. ELFv2, static, linked low.
 */
#include "case.h"

	.abiversion 2
	.machine power9
	.text

	.globl _start
_start:
	lis	2, .TOC.@ha
	addi	2, 2, .TOC.@l
	clrrdi	1, 1, 5
	li	0, 0
	stdu	0, -128(1)
	bl	oracle_main
	li	0, 1		/* exit(r3) */
	sc

/*
 * long system_call(long number, long a, long b, long c, long d, long e, long f): -errno on failure
 */
	.globl system_call
system_call:
	mr	0, 3
	mr	3, 4
	mr	4, 5
	mr	5, 6
	mr	6, 7
	mr	7, 8
	mr	8, 9
	sc
	bnslr
	neg	3, 3
	blr


/* void run_word(struct isa_case *c, void *slot) */
	.globl run_word
run_word:
	mflr	0
	std	0, 16(1)
	mfcr	0
	stw	0, 8(1)
	stdu	1, -512(1)
	.set	n, 14
	.rept	18
	std	n, 32 + 8 * n(1)
	.set	n, n + 1
	.endr
	lis	5, host_stack@ha
	std	1, host_stack@l(5)
	std	2, host_toc@l(5)
	std	3, current_case@l(5)

	mtspr	815, 4		/* TAR */
	addi	6, 5, saved_r0@l
	stdcx.	0, 0, 6		/* no reservation */
	mr	1, 3
	ld	0, CASE_VRSAVE(1)
	mtspr	256, 0
	xxlxor	0, 0, 0
	fadd	0, 0, 0		/* QEMU keeps flags of what raised a signal */
	lfd	0, CASE_FPSCR(1)
	mtfsf	255, 0, 1, 0
	lxv	32, CASE_VSCR(1)
	mtvscr	0
	.set	n, 0
	.rept	64
	lxv	n, CASE_VSR + 16 * n(1)
	.set	n, n + 1
	.endr
	ld	0, CASE_XER(1)
	mtxer	0
	ld	0, CASE_CR(1)
	mtcrf	255, 0
	ld	0, CASE_LR(1)
	mtlr	0
	ld	0, CASE_CTR(1)
	mtctr	0
	ld	0, CASE_GPR(1)
	.set	n, 2
	.rept	30
	ld	n, CASE_GPR + 8 * n(1)
	.set	n, n + 1
	.endr
	ld	1, CASE_GPR + 8(1)
	bctar	20, 0, 0

/* The word under test comes back to one of these two. */
	.globl word_fell_through
word_fell_through:
	mtspr	815, 1
	lis	1, next_word@ha
	std	0, saved_r0@l(1)
	li	0, 1
	std	0, next_word@l(1)
	b	save_state

	.globl word_branched
word_branched:
	mtspr	815, 1
	lis	1, next_word@ha
	std	0, saved_r0@l(1)
	li	0, 2
	std	0, next_word@l(1)
save_state:
	ld	0, saved_r0@l(1)
	lis	1, current_case@ha
	ld	1, current_case@l(1)
	std	0, CASE_GPR(1)
	.set	n, 2
	.rept	30
	std	n, CASE_GPR + 8 * n(1)
	.set	n, n + 1
	.endr
	mfspr	0, 815
	std	0, CASE_GPR + 8(1)
	mfcr	0
	std	0, CASE_CR(1)
	mfxer	0
	std	0, CASE_XER(1)
	mflr	0
	std	0, CASE_LR(1)
	mfctr	0
	std	0, CASE_CTR(1)
	.set	n, 0
	.rept	64
	stxv	n, CASE_VSR + 16 * n(1)
	.set	n, n + 1
	.endr
	mffs	0
	stfd	0, CASE_FPSCR(1)
	mfvscr	0
	stxv	32, CASE_VSCR(1)
	mfspr	0, 256
	std	0, CASE_VRSAVE(1)
	li	3, 0
	b	leave

/* Signal handler, on its own stack: the word raised signal r3. Its effects are ignored. */
	.globl word_signalled
word_signalled:
leave:
	lis	5, host_stack@ha
	ld	1, host_stack@l(5)
	ld	2, host_toc@l(5)
	.set	n, 14
	.rept	18
	ld	n, 32 + 8 * n(1)
	.set	n, n + 1
	.endr
	addi	1, 1, 512
	lwz	0, 8(1)
	mtcrf	255, 0
	ld	0, 16(1)
	mtlr	0
	blr

	.section .bss
	.balign	16
/* One 64 KiB-aligned group, so that one high half reaches all. */
	.balign	65536
host_stack:	.space	8
host_toc:	.space	8
current_case:	.space	8
saved_r0:	.space	8
	.globl next_word
next_word:	.space	8
	.section .note.GNU-stack, "", @progbits
