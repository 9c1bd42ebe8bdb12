/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code that runs with known values in all registers: the window of the victim, and a system call.
 * Both begin by loading the values and end by storing what the registers have then; registers.c
 * compares. As ELF ABI version 2 has it otherwise, but that nothing is taken from the stack.
 */
#include "registers.h"

	.abiversion 2
	.machine power8

/* ---- the values ---- */

/* Of n = 0 to 31 GPRs, then the rest: multiples of 2^64 divided by the golden ratio, nearly. */
	.macro	set_known, n
	.set	known, ((\n + 1) * 0x1e3779b97f4a7c15) ^ 0x5555aaaa33339999
	.if	\n == 20
	.set	known, SCRATCH_ADDRESS
	.elseif	\n == 21
	.set	known, PATTERN_ADDRESS
	.endif
	.endm

	/* VX and FEX follow from others; no exception is enabled. Rounding is to -infinity. */
#define KNOWN_FPSCR 0x92014003
	/* SO, CA and the length of string instructions. */
#define KNOWN_XER 0xa000002f
#define KNOWN_CR 0x5a3c96e1
#define KNOWN_LR 0x7e64b7d105abcde4
#define KNOWN_CTR 0x6d0f1e2d3c4b5a69
	/* NJ and SAT */
#define KNOWN_VSCR 0x00010001
#define KNOWN_VRSAVE 0xfedcba98

	/* Of numbers \first to \last. */
	.macro	known_quads, first, last
	.set	n, \first
	.rept	\last - \first + 1
	set_known n
	.quad	known
	.set	n, n + 1
	.endr
	.endm

	.section .rodata
	.balign	16
	.globl	known_registers
known_registers:
	known_quads 0, 31
	.quad	KNOWN_LR, KNOWN_CTR, KNOWN_XER, KNOWN_CR, KNOWN_FPSCR, KNOWN_VRSAVE
	.long	KNOWN_VSCR, 0, 0, 0
	known_quads 32, 159
	.if	. - known_registers - REGISTERS_SIZE
	.error	"struct registers has another size"
	.endif

	.bss
	.balign	16
	.globl	seen_registers
seen_registers:
	.space	REGISTERS_SIZE
	.globl	call_arguments
call_arguments:
	.space	7 * 8
home: /* what the caller has in its registers */
	.space	36 * 8

	.text

/* ---- to and from memory ---- */

	/* \op \n, 8*\n(\base), for n from \first to \last, but for one */
	.macro	each_gpr, op, first, last, base, but=32
	.set	n, \first
	.rept	\last - \first + 1
	.if	n - \but
	\op	n, n * 8(\base)
	.endif
	.set	n, n + 1
	.endr
	.endm

	.macro	load_address, register, symbol
	lis	\register, \symbol@ha
	addi	\register, \register, \symbol@l
	.endm

	/* Loses r0 and r12. */
	.macro	leave_home
	mflr	0
	load_address 12, home
	each_gpr std, 1, 2, 12
	each_gpr std, 13, 31, 12
	std	0, 32 * 8(12)
	mfcr	0
	std	0, 33 * 8(12)
	.endm

	.macro	come_home
	load_address 12, home
	ld	0, 33 * 8(12)
	mtcr	0
	ld	0, 32 * 8(12)
	mtlr	0
	each_gpr ld, 1, 2, 12
	each_gpr ld, 13, 31, 12
	blr
	.endm

	/* All but GPRs, which it uses: r12 for known_registers. FPSCR and VSCR go through registers. */
	.macro	load_known, vmx, vsx
	load_address 12, known_registers
	lfd	0, REGISTERS_FPSCR(12)
	mtfsf	255, 0
	.if	\vmx
	li	11, REGISTERS_VSCR
	lvx	0, 12, 11
	mtvscr	0
	ld	11, REGISTERS_VRSAVE(12)
	mtspr	256, 11
	.endif
	li	11, REGISTERS_VSR
	.set	n, 0
	.rept	64
	.if	\vsx
	lxvd2x	n, 12, 11
	.elseif	n < 32
	lfd	n, REGISTERS_VSR + n * 16(12)
	.elseif	\vmx
	lvx	n - 32, 12, 11
	.endif
	addi	11, 11, 16
	.set	n, n + 1
	.endr
	ld	11, REGISTERS_LR(12)
	mtlr	11
	ld	11, REGISTERS_CTR(12)
	mtctr	11
	ld	11, REGISTERS_XER(12)
	mtxer	11
	ld	11, REGISTERS_CR(12)
	mtcr	11
	each_gpr ld, 0, 31, 12, 12
	.endm

	/* All but GPRs; CR is in r3, r6 has the address of seen_registers. */
	.macro	store_seen, vmx, vsx
	std	3, REGISTERS_CR(6)
	mflr	3
	std	3, REGISTERS_LR(6)
	mfctr	3
	std	3, REGISTERS_CTR(6)
	mfxer	3
	std	3, REGISTERS_XER(6)
	li	3, REGISTERS_VSR
	.set	n, 0
	.rept	64
	.if	\vsx
	stxvd2x	n, 6, 3
	.elseif	n < 32
	stfd	n, REGISTERS_VSR + n * 16(6)
	.elseif	\vmx
	stvx	n - 32, 6, 3
	.endif
	addi	3, 3, 16
	.set	n, n + 1
	.endr
	mffs	0
	stfd	0, REGISTERS_FPSCR(6)
	.if	\vmx
	li	3, REGISTERS_VSCR
	mfvscr	0
	stvx	0, 6, 3
	mfspr	3, 256
	std	3, REGISTERS_VRSAVE(6)
	.endif
	.endm

/* ---- the window ---- */

	/* At an address of its own, so that who injects can aim at it. */
	.section .window, "ax", @progbits

	/* Each of these leaves its register as it was, whatever that is. */
	.macro	exercise, vmx, vsx
	.set	n, 0
	.rept	32
	.if	n - 20
	std	n, n * 8(20)
	rotldi	n, n, 13
	nor	n, n, n
	rotldi	n, n, 51
	nor	n, n, n
	std	n, n * 8(20)
	ld	n, n * 8(20)
	.endif
	crnot	n, n
	stfd	n, 256 + n * 8(20)
	crnot	n, n
	.ifeq	\vsx
	/* What writes an FPR leaves the rest of its VSR undefined. */
	fneg	n, n
	fneg	n, n
	lfd	n, 256 + n * 8(20)
	.endif
	.if	\vmx
	vnor	n, n, n
	stvx	n, 0, 20
	lvx	n, 0, 20
	vnor	n, n, n
	.endif
	.if	\vsx
	xxlnor	n, n, n
	stxvd2x	n, 0, 20
	lxvd2x	n, 0, 20
	xxlnor	n, n, n
	xxlnor	n + 32, n + 32, n + 32
	xxlnor	n + 32, n + 32, n + 32
	.endif
	.set	n, n + 1
	.endr
	.endm

	/*
	 * GPRs become their difference from the known value, rotated by 32 bits, with nothing but
	 * immediate operands: no other register takes part.
	 */
	.macro	difference, n
	set_known \n
	xoris	\n, \n, (known >> 16) & 0xffff
	xori	\n, \n, known & 0xffff
	rotldi	\n, \n, 32
	xoris	\n, \n, (known >> 48) & 0xffff
	xori	\n, \n, (known >> 32) & 0xffff
	.endm

	.macro	window, name, vmx, vsx
	.globl	registers_window_\name
	.type	registers_window_\name, @function
registers_window_\name:
	leave_home
	load_known \vmx, \vsx
	ld	12, 12 * 8(12)
	exercise \vmx, \vsx
	exercise \vmx, \vsx
	.globl	registers_slot_\name
registers_slot_\name:
	nop
	exercise \vmx, \vsx
	exercise \vmx, \vsx
	.set	n, 0
	.rept	32
	difference n
	.set	n, n + 1
	.endr
	/*
	 * Nothing is free yet to address memory with. r3's difference, most likely 0, goes into
	 * those of two others, as does r6's: registers.c can tell them apart.
	 */
	xor	4, 4, 3
	xor	5, 5, 3
	xor	7, 7, 6
	xor	8, 8, 6
	mfcr	3
	load_address 6, seen_registers
	each_gpr std, 0, 2, 6
	each_gpr std, 4, 31, 6, 6
	store_seen \vmx, \vsx
	come_home
	.size	registers_window_\name, . - registers_window_\name
	.endm

	window	fp, 0, 0
	window	vmx, 1, 0
	window	vsx, 1, 1

/* ---- a system call ---- */

	.text

	.macro	call, name, vmx, vsx
	.globl	registers_call_\name
	.type	registers_call_\name, @function
registers_call_\name:
	leave_home
	load_known \vmx, \vsx
	load_address 12, call_arguments
	ld	0, 0(12)
	.set	n, 3
	.rept	6
	ld	n, (n - 2) * 8(12)
	.set	n, n + 1
	.endr
	.globl	registers_sc_\name
registers_sc_\name:
	sc
	/* It has left r0 and r4 to r12 to us. */
	load_address 6, seen_registers
	each_gpr std, 1, 3, 6
	each_gpr std, 13, 31, 6
	mfcr	3
	store_seen \vmx, \vsx
	come_home
	.size	registers_call_\name, . - registers_call_\name
	.endm

	call	fp, 0, 0
	call	vmx, 1, 0
	call	vsx, 1, 1

	.section .note.GNU-stack, "", @progbits
