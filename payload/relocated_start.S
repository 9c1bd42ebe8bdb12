/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry of relocated.c, at any address, in either byte order. */
#include "byte_order.h"

	.machine power9

	.section .entry, "ax"
	.globl	_start
_start:
	to_own_byte_order
	bcl	20, 31, 1f
1:	mflr	10
	addi	10, 10, _start - 1b
	addis	2, 10, (.TOC. - _start)@ha
	addi	2, 2, (.TOC. - _start)@l
	addis	1, 10, (stack_end - 64 - _start)@ha
	addi	1, 1, (stack_end - 64 - _start)@l
	/* kernel(device tree, our address, r5 at entry, MSR) */
	mr	4, 10
	mr	6, 9
	bl	kernel
	nop
2:	b	2b

	/* hcall(number, r4, r5, r6): r3 */
	.text
	.globl	hcall
hcall:
	sc	1
	blr

	.bss
	.balign	16
	.space	0x4000
stack_end:

	.section .note.GNU-stack, "", @progbits
