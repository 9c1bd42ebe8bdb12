/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where Linux enters each program: the TOC, a stack frame, start(). ELF ABI version 2 (the entry
 * address is in r12).
 */
	.abiversion 2
	.machine power8
	.text
	.globl	_start
	.type	_start, @function
_start:
	addis	2, 12, .TOC.-_start@ha
	addi	2, 2, .TOC.-_start@l
	mr	3, 1
	clrrdi	1, 1, 4
	li	0, 0
	stdu	0, -64(1)
	mtlr	0
	bl	start
	nop
	trap
	.size	_start, . - _start

	.section .note.GNU-stack, "", @progbits
