/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A signal handler that clobbers all registers but r1, which sigreturn needs.
 */
#include "handler.h"

#include "registers.h"

	.abiversion 2
	.machine power8

#define SIGTRAP	    5
#define SIGSEGV	    11
#define NR_mprotect 125

	/* Of struct ucontext: flags, link, stack, a mask of 128 bytes, struct sigcontext. */
#define UCONTEXT_GPRS 232
#define UCONTEXT_NIP  (UCONTEXT_GPRS + 32 * 8)

	.bss
	.balign	8
	.globl	signals_taken, signal_clobbers_vmx, signal_clobbers_vsx
signals_taken:
	.space	NR_SIGNALS * 8
signal_clobbers_vmx:
	.space	8
signal_clobbers_vsx:
	.space	8

	.text
	.globl	signal_handler
	.type	signal_handler, @function
signal_handler:
	mflr	31
	lis	30, signals_taken@ha
	addi	30, 30, signals_taken@l
	sldi	4, 3, 3
	ldx	6, 30, 4
	addi	6, 6, 1
	stdx	6, 30, 4
	cmpwi	3, SIGTRAP
	bne	1f
	/* Behind the trap. */
	ld	6, UCONTEXT_NIP(5)
	addi	6, 6, 4
	std	6, UCONTEXT_NIP(5)
1:	cmpwi	3, SIGSEGV
	bne	2f
	lis	3, SCRATCH_ADDRESS >> 16
	lis	4, 1
	li	5, 3 /* PROT_READ | PROT_WRITE */
	li	0, NR_mprotect
	sc
2:	ld	4, signal_clobbers_vmx - signals_taken(30)
	ld	5, signal_clobbers_vsx - signals_taken(30)
	cmpdi	cr0, 4, 0
	cmpdi	cr1, 5, 0
	lis	6, 0x6000 /* no exception is enabled */
	addi	6, 6, 1
	.set	n, 0
	.rept	32
	std	6, -16(1)
	lfd	n, -16(1)
	.set	n, n + 1
	.endr
	mtfsf	255, 0
	beq	cr0, 3f
	.set	n, 0
	.rept	32
	vspltisb n, 5
	.set	n, n + 1
	.endr
	mtvscr	0
	mtspr	256, 6
3:	beq	cr1, 4f
	.set	n, 0
	.rept	64
	xxlxor	n, n, n
	.set	n, n + 1
	.endr
4:	mtctr	6
	mtxer	6
	mtcr	6
	mtlr	31
	li	0, -2
	li	2, -2
	.set	n, 3
	.rept	29
	li	n, -n
	.set	n, n + 1
	.endr
	blr
	.size	signal_handler, . - signal_handler

	.section .note.GNU-stack, "", @progbits
