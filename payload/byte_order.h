/* SPDX-License-Identifier: BSD-2-Clause */
/* Assembler macros for code that is entered in one byte order and assembled for the other. */
#ifndef PAYLOAD_BYTE_ORDER_H
#define PAYLOAD_BYTE_ORDER_H

/* Assembler's: clang-format knows C. */
/* clang-format off */

#ifdef __LITTLE_ENDIAN__
	/* An instruction in the byte order that is not ours. */
	.macro other insn
	.byte ((\insn) >> 24) & 0xff, ((\insn) >> 16) & 0xff, ((\insn) >> 8) & 0xff, (\insn) & 0xff
	.endm
	/* A big-endian one. */
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

	/* An entry in any byte order goes on in ours, its MSR in r9; r10, r11 and LR are lost. */
	.macro to_own_byte_order
	tdi	0, 0, 0x48	/* in the other byte order: b .+8 */
	b	81f
	other	0x7d2000a6	/* mfmsr r9 */
	other	0x429f0005	/* bcl 20,31,.+4 */
	other	0x7d4802a6	/* mflr r10 */
	other	0x394a0018	/* addi r10,r10,24: behind the rfid */
	other	0x692b0001	/* xori r11,r9,1 */
	other	0x7d5a03a6	/* mtsrr0 r10 */
	other	0x7d7b03a6	/* mtsrr1 r11 */
	other	0x4c000024	/* rfid */
	b	82f
81:	mfmsr	9
82:
	.endm

#endif
