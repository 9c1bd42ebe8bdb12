/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another operating system, for kexec: it overwrites low memory, as every system does, prints the
 * interrupts at its own vectors, and never registers for FWNMI. test_kexec.py assembles it. LoPAR
 * H_PUT_TERM_CHAR.
 */
	.machine power9
	.set	SIZE, 0x4000

	.macro	other insn
	.byte (\insn >> 24) & 0xff, (\insn >> 16) & 0xff, (\insn >> 8) & 0xff, \insn & 0xff
	.endm

	/* Up to 16 characters at the label; R3 to R12 are clobbered. */
	.macro	say text
	lis	8, \text@ha
	addi	8, 8, \text@l
	ldbrx	6, 0, 8
	li	9, 8
	ldbrx	7, 8, 9
	li	5, 16
	li	4, 0
	li	3, 0x58
	sc	1
	.endm

	.section .image, "ax"
	/*
	 * kexec enters a kernel at its first instruction, with its address in R4. Other CPUs wait
	 * at 0x60.
	 */
	.globl	_start
_start:
	tdi	0, 0, 0x48	/* b .+8 in the opposite byte order */
	b	move
	/* kexec's purgatory enters big-endian. */
	other	0x7d6000a6	/* mfmsr r11 */
	other	0x696b0001	/* xori r11,r11,MSR_LE */
	other	0x429f0005	/* bcl 20,31,.+4 */
	other	0x7d4802a6	/* mflr r10 */
	other	0x394a0014	/* addi r10,r10,20 */
	other	0x7d5a03a6	/* mtsrr0 r10 */
	other	0x7d7b03a6	/* mtsrr1 r11 */
	other	0x4c000024	/* rfid, to behind it */
	b	move
	. = 0x60
	b	.

	. = 0x100
	say	at_0x100
	rfid

	. = 0x200
	say	at_0x200
	rfid

	. = 0x400
move:
	li	5, SIZE / 8
	mtctr	5
	addi	6, 4, -8
	li	7, -8
1:	ldu	8, 8(6)
	stdu	8, 8(7)
	bdnz	1b
	li	7, 0
	li	5, SIZE / 128
	mtctr	5
2:	dcbst	0, 7
	sync
	icbi	0, 7
	addi	7, 7, 128
	bdnz	2b
	sync
	isync
	ba	moved

moved:
	/* H_SET_MODE: interrupts start little-endian. */
	li	3, 0x31c
	li	4, 1
	li	5, 4
	li	6, 0
	li	7, 0
	sc	1
	say	runs
	li	5, 2		/* MSR[RI] */
	mtmsrd	5, 1
3:	addi	14, 14, 1
	b	3b

	/* Overwrites whatever the previous system had here. */
	. = 0x1000
	.rept	(SIZE - 0x1000) / 4 - 12
	trap
	.endr

	/* 16 characters each */
	.balign	16
runs:		.ascii	"\r\nother: runs \r\n"
at_0x100:	.ascii	"other: 0x0100 \r\n"
at_0x200:	.ascii	"other: 0x0200 \r\n"

	. = SIZE

	.section .note.GNU-stack, "", @progbits
