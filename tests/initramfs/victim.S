/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The victim: a user program that stays in user mode (no system call after its first page fault)
 * and keeps loading and storing one page at a fixed address, so an injected machine check finds a
 * process to hit and an effective address that means something. Freestanding ppc64le, no libc.
 * `victim_page` is linked at 0x20000000 (scripts/mkinitramfs); init reports its real page.
 */
	.abiversion 2
	.machine power8
	.text
	.globl	_start
_start:
	lis	9, victim_page@h
	ori	9, 9, victim_page@l
	li	10, 0
	/* A load would map the shared zero page, and the first store would then replace it. */
	std	10, 0(9)
	nop
	nop
1:
	ld	11, 0(9)
	addi	11, 11, 1
	std	11, 0(9)
	addi	10, 10, 1
	b	1b

	.section .victim_page, "aw", @nobits
	.balign	65536
	.globl	victim_page
victim_page:
	.space	65536
