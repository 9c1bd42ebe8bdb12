/* SPDX-License-Identifier: BSD-2-Clause */
/* Assembler macros for code that is entered in either byte order. */
#ifndef PAYLOAD_BYTE_ORDER_H
#define PAYLOAD_BYTE_ORDER_H

/* Assembler, which clang-format does not know. */
/* clang-format off */

#ifdef __LITTLE_ENDIAN__
	/* An instruction in the opposite byte order. */
	.macro other insn
	.byte ((\insn) >> 24) & 0xff, ((\insn) >> 16) & 0xff, ((\insn) >> 8) & 0xff, (\insn) & 0xff
	.endm
	/* A big-endian instruction. */
	.macro big insn
	other (\insn)
	.endm
#else
	.macro other insn
	.byte (\insn) & 0xff, ((\insn) >> 8) & 0xff, ((\insn) >> 16) & 0xff, ((\insn) >> 24) & 0xff
	.endm
	.macro big insn
	.long \insn
	.endm
#endif

	/*
	 * Switches from any byte order to ours, with the MSR at entry in r9. Clobbers r10, r11 and
	 * LR.
	 */
	.macro to_own_byte_order
	tdi	0, 0, 0x48	/* b .+8 in the opposite byte order */
	b	81f
	other	0x7d2000a6	/* mfmsr r9 */
	other	0x429f0005	/* bcl 20,31,.+4 */
	other	0x7d4802a6	/* mflr r10 */
	other	0x394a0018	/* addi r10,r10,24: after the rfid */
	other	0x692b0001	/* xori r11,r9,1 */
	other	0x7d5a03a6	/* mtsrr0 r10 */
	other	0x7d7b03a6	/* mtsrr1 r11 */
	other	0x4c000024	/* rfid */
	b	82f
81:	mfmsr	9
82:
	.endm

#endif
