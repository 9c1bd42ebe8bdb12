/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The assembly parts of a payload: entry, interrupt vectors, the FWNMI notification routines,
 * hypervisor and RTAS calls, and loops with known values in every register. Power ISA 3.0B, Book
 * III; LoPAR "Run-Time Abstraction Services". One source for both byte orders.
 */
#include "byte_order.h"
#include "layout.h"

	.machine power9

	.macro load_address reg, symbol
	lis	\reg, \symbol@ha
	addi	\reg, \reg, \symbol@l
	.endm

	/* Stores all GPRs except @last at OFFSET(BASE); BASE 0 means an absolute address. */
	.macro store_gprs offset, base, last
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	.ifne	\n - \last
	std	\n, \offset + F_GPR + 8 * \n(\base)
	.endif
	.endr
	.endm

	.macro load_gprs offset, base
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	.ifne	\n - \base
	ld	\n, \offset + F_GPR + 8 * \n(\base)
	.endif
	.endr
	.endm

	/* Saves the other registers; clobbers r0. */
	.macro store_others offset, base
	mfcr	0
	std	0, \offset + F_CR(\base)
	mfxer	0
	std	0, \offset + F_XER(\base)
	mflr	0
	std	0, \offset + F_LR(\base)
	mfctr	0
	std	0, \offset + F_CTR(\base)
	.irp	n, 0,1,2,3
	mfspr	0, 272 + \n
	std	0, \offset + F_SPRG + 8 * \n(\base)
	.endr
	mfsrr0	0
	std	0, \offset + F_SRR0(\base)
	mfsrr1	0
	std	0, \offset + F_SRR1(\base)
	mfmsr	0
	std	0, \offset + F_MSR(\base)
	mfdar	0
	std	0, \offset + F_DAR(\base)
	mfdsisr	0
	std	0, \offset + F_DSISR(\base)
	mfspr	0, 815
	std	0, \offset + F_TAR(\base)
	bcl	20, 31, 9f
9:	mflr	0
	std	0, \offset + F_NIP(\base)
	.endm

	/* Restores all but the GPRs from the frame at r31. */
	.macro restore_others
	ld	0, F_CR(31)
	mtcr	0
	ld	0, F_XER(31)
	mtxer	0
	ld	0, F_LR(31)
	mtlr	0
	ld	0, F_CTR(31)
	mtctr	0
	ld	0, F_SRR0(31)
	mtsrr0	0
	ld	0, F_SRR1(31)
	mtsrr1	0
	.endm

	/* A frame that keeps LR, CR and r14..r31. To return, only its stack pointer is needed. */
	.macro open_frame
	mflr	0
	std	0, 16(1)
	mfcr	0
	std	0, 8(1)
	stdu	1, -192(1)
	.irp	n, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	std	\n, 32 + 8 * (\n - 14)(1)
	.endr
	.endm
	.macro return_from_frame
	.irp	n, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	ld	\n, 32 + 8 * (\n - 14)(1)
	.endr
	addi	1, 1, 192
	ld	0, 8(1)
	mtcr	0
	ld	0, 16(1)
	mtlr	0
	blr
	.endm

	.macro toc
	load_address 2, .TOC.
	.endm

	/* r1 = the top of this CPU's stack in the array; clobbers r4. */
	.macro own_stack array
	mfspr	4, 1023
	addi	4, 4, 1
	mulli	4, 4, STACK_SIZE
	load_address 1, \array - 64
	add	1, 1, 4
	.endm

	/* ---- interrupt vectors: each has room for eight instructions ---- */

	.section .vectors, "ax"
	.globl	vectors
vectors:

	.macro vector_code number
	mtsprg1	3
	mfspr	3, 1023
	sldi	3, 3, CPU_SAVE_SHIFT
	std	0, CPU_SAVE + F_GPR(3)
	li	0, \number
	std	0, CPU_SAVE + F_VECTOR(3)
	b	common_interrupt
	.endm

	.macro vector number
	. = \number
	vector_code \number
	.endm

	/* If entered in the opposite byte order, it counts and returns. */
	.macro other_endian_vector number
	. = \number
	tdi	0, 0, 0x48	/* b .+8 in the opposite byte order */
	b	8f
	other	0x7c7143a6	/* mtsprg1 r3 */
	other	(0x80600000 + OTHER_ENDIAN_AREA + 16) /* lwz r3, ... */
	other	0x38630001	/* addi r3,r3,1 */
	other	(0x90600000 + OTHER_ENDIAN_AREA + 16) /* stw r3, ... */
	other	0x7c7142a6	/* mfsprg1 r3 */
	other	0x4c000024	/* rfid */
8:	vector_code \number
	.endm

	vector	0x100
	vector	0x200
	vector	0x300
	vector	0x380
	vector	0x400
	vector	0x480
	vector	0x500
	vector	0x600
	vector	0x700
	vector	0x800
	vector	0x900
	vector	0x980
	vector	0xa00
	other_endian_vector 0xc00
	vector	0xd00
	vector	0xe00
	vector	0xf00
	vector	0xf20
	vector	0xf40
	vector	0xf60

	/* RTAS calls return in 32-bit big-endian mode. */
	. = RTAS_RETURN
	big	(0x38800000 + RTAS_RETURN + 0x20) /* li r4, ... */
	big	0x7c9a03a6	/* mtsrr0 r4 */
	big	0x3880ffff	/* li r4,-1 */
	big	0x7884f806	/* sldi r4,r4,63 */
	big	(0x60840000 + MSR_BIT_ME + MSR_OWN_LE) /* ori r4,r4,... */
	big	0x7c9b03a6	/* mtsrr1 r4 */
	big	0x4c000024	/* rfid */
	big	0x60000000	/* nop */
	b	rtas_returned

	/* With LPCR[AIL]=3, vectors are at 0xc000000000004000, and scv's at 0xc000000000003000. */
	.macro scv_vector base, level
	. = \base + 0x20 * \level
	vector_code (0x3000 + 0x20 * \level)
	.endm

	scv_vector 0x3000, 0
	scv_vector 0x3000, 1
	scv_vector 0x3000, 127
	.macro relocated_vectors base
	.irp	n, 0x300,0x380,0x400,0x480,0x500,0x600,0x700,0x800,0x900,0x980,0xa00,0xc00,0xd00,0xe00,0xf00,0xf20,0xf40,0xf60
	. = \base + \n
	vector_code \n
	.endr
	.endm

	relocated_vectors 0x4000
	. = MC_SAVE
	.globl	vectors_end
vectors_end:

	.section .scv, "ax"
	scv_vector 0, 0
	scv_vector 0, 1
	scv_vector 0, 127

	/* With LPCR[AIL]=2, vectors are at 0x18000. */
	.section .ail_2, "ax"
	relocated_vectors 0

	.text
	/*
	 * r3 = CPU << CPU_SAVE_SHIFT, with its own value in SPRG1; r0 and the vector's number are
	 * saved.
	 */
common_interrupt:
	.irp	n, 1,2,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	std	\n, CPU_SAVE + F_GPR + 8 * \n(3)
	.endr
	mfsprg1	0
	std	0, CPU_SAVE + F_GPR + 8 * 3(3)
	store_others CPU_SAVE, 3
	addi	31, 3, CPU_SAVE
	own_stack interrupt_stacks
	toc
	mr	3, 31
	bl	interrupt
	nop
	restore_others
	ld	0, F_VECTOR(31)
	cmpldi	0, 0x3000
	bge	1f
	ld	0, F_CR(31)
	mtcr	0
	load_gprs 0, 31
	ld	31, F_GPR + 8 * 31(31)
	rfid
1:	ld	0, F_CR(31)
	mtcr	0
	load_gprs 0, 31
	ld	31, F_GPR + 8 * 31(31)
	rfscv

	/* ---- FWNMI notification routines ---- */

	/*
	 * No SPR may change before it is saved, so there is no save area per CPU: one CPU at a
	 * time.
	 */
	.macro notification_routine name, area, vector, stacks, function
	.globl	\name
\name:
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	std	\n, \area + F_GPR + 8 * \n(0)
	.endr
	store_others \area, 0
	li	0, \vector
	std	0, \area + F_VECTOR(0)
	own_stack \stacks
	/* Copy to the stack, because the next CPU can enter as soon as the interlock is called. */
	addi	31, 1, -F_SIZE - 64
	addi	1, 1, -F_SIZE - 128
	li	5, F_SIZE / 8
	mtctr	5
	li	6, \area - 8
	addi	7, 31, -8
1:	ldu	0, 8(6)
	stdu	0, 8(7)
	bdnz	1b
	toc
	mr	3, 31
	bl	\function
	nop
	restore_others
	load_gprs 0, 31
	ld	31, F_GPR + 8 * 31(31)
	rfid
	.endm

	.balign	64
	notification_routine machine_check_routine, MC_SAVE, 0x200, mc_stacks, machine_check
	.balign	64
	notification_routine system_reset_routine, SR_SAVE, 0x100, sr_stacks, system_reset

	/* The same for any number of CPUs at once; clobbers SPRG1. */
	.balign	64
	.globl	system_reset_routine_smp
system_reset_routine_smp:
	mtsprg1	3
	mfspr	3, 1023
	sldi	3, 3, CPU_SAVE_SHIFT
	std	0, CPU_SAVE + F_GPR(3)
	li	0, 0x100
	std	0, CPU_SAVE + F_VECTOR(3)
	b	common_interrupt

	/*
	 * Both routines for interrupts in the opposite byte order: saves R3 and MSR, reloads R3
	 * from where it points, and returns.
	 */
	.balign	64
	.globl	other_endian_routine
other_endian_routine:
	tdi	0, 0, 0x48
	b	.
	other	(0xf8600000 + OTHER_ENDIAN_AREA)	/* std r3, ... */
	other	0x7c6000a6			/* mfmsr r3 */
	other	(0xf8600000 + OTHER_ENDIAN_AREA + 8) /* std r3, ... */
	other	(0xe8600000 + OTHER_ENDIAN_AREA)	/* ld r3, ... */
#ifdef __LITTLE_ENDIAN__
	other	0xe8630000			/* ld r3,0(r3) */
#else
	other	0x7c601c28			/* ldbrx r3,0,r3 */
#endif
	other	0x4c000024			/* rfid */

	/* ---- entry ---- */

	.globl	_start
_start:
	mfmsr	9
	load_address 1, main_stack + STACK_SIZE - 64
	toc
	mr	8, 5
	mr	7, 4
	mr	6, 3
	/* start(device tree, r4, r5, MSR) */
	mr	3, 6
	mr	4, 7
	mr	5, 8
	mr	6, 9
	bl	start
	nop
1:	b	1b

	/* Entry by start-cpu: r3 is its argument. Keeps the MSR at entry in r9. */
	.globl	start_secondary
start_secondary:
	to_own_byte_order
	mr	8, 3
	own_stack cpu_stacks
	toc
	/* secondary(r3, MSR) */
	mr	3, 8
	mr	4, 9
	bl	secondary
	nop
1:	b	1b

	/* ---- calls ---- */

	/* hcall(regs): r3..r12 in and out */
	.globl	hcall
hcall:
	mflr	0
	std	0, 16(1)
	stdu	1, -64(1)
	std	31, 48(1)
	mr	31, 3
	.irp	n, 4,5,6,7,8,9,10,11,12
	ld	\n, 8 * (\n - 3)(31)
	.endr
	ld	3, 0(31)
	sc	1
	.irp	n, 3,4,5,6,7,8,9,10,11,12
	std	\n, 8 * (\n - 3)(31)
	.endr
	ld	31, 48(1)
	addi	1, 1, 64
	ld	0, 16(1)
	mtlr	0
	blr

	/* enter_rtas(argument buffer, entry): returns r3 of the call */
	.globl	enter_rtas
enter_rtas:
	open_frame
	load_address 6, rtas_before
	.irp	n, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	std	\n, 8 * (\n - 14)(6)
	.endr
	li	5, RTAS_RETURN
	mtlr	5
	mtsrr0	4
	li	5, MSR_BIT_ME
	mtsrr1	5
	rfid
rtas_returned:
	load_address 6, rtas_after
	.irp	n, 14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	std	\n, 8 * (\n - 14)(6)
	.endr
	toc
	return_from_frame

	/* RTAS, which is called in big-endian order: QEMU's hypervisor call for it. */
	.balign	16
	.globl	own_rtas
own_rtas:
	big	0x7c641b78	/* mr r4,r3 */
	big	0x38600000	/* li r3,0 */
	big	0x6063f000	/* ori r3,r3,0xf000 */
	big	0x44000022	/* sc 1 */
	big	0x4e800020	/* blr */

	/* ---- a loop with known registers, until the flag is set ---- */

	.macro vsrs op, offset, base
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63
	\op	\n, \offset + 16 * \n(\base)
	.endr
	.endm

	/* spin_in(struct spin *): MSR and registers as in spin->in, but R30 = spin, R31 = flag */
	.globl	spin_in
spin_in:
	open_frame
	std	1, S_SP(3)
	mr	30, 3
	ld	4, S_IN + F_MSR(30)
	andis.	0, 4, MSR_BIT_VSX >> 16
	beq	1f
	mfmsr	5
	oris	5, 5, (MSR_BIT_VSX | MSR_BIT_VEC) >> 16
	ori	5, 5, MSR_BIT_FP
	mtmsrd	5
	lfd	0, S_FPSCR(30)
	mtfsf	255, 0, 1, 0
	vsrs	lxv, S_VSR_IN, 30
1:	ld	0, S_IN + F_CR(30)
	mtcr	0
	ld	0, S_IN + F_XER(30)
	mtxer	0
	ld	0, S_IN + F_LR(30)
	mtlr	0
	ld	0, S_IN + F_CTR(30)
	mtctr	0
	.irp	n, 0,1,2,3
	ld	0, S_IN + F_SPRG + 8 * \n(30)
	mtspr	272 + \n, 0
	.endr
	ld	0, S_IN + F_DAR(30)
	mtdar	0
	ld	0, S_IN + F_DSISR(30)
	mtdsisr	0
	ld	0, S_IN + F_TAR(30)
	mtspr	815, 0
	load_address 5, spin_loop
	mtsrr0	5
	mtsrr1	4
	load_gprs S_IN, 30
	rfid
	.globl	spin_loop
	.globl	spin_end
spin_loop:
	ld	31, S_FLAG(30)
	cmpdi	7, 31, 0
	beq	7, spin_loop
spin_end:
	store_gprs S_OUT, 30, -1
	store_others S_OUT, 30
	ld	4, S_IN + F_MSR(30)
	andis.	0, 4, MSR_BIT_VSX >> 16
	beq	1f
	vsrs	stxv, S_VSR_OUT, 30
	mffs	0
	stfd	0, S_FPSCR + 8(30)
1:	li	4, -1
	sldi	4, 4, MSR_HIGH_SF
	ori	4, 4, MSR_BIT_ME | MSR_OWN_LE
	mtmsrd	4
	isync
	ld	1, S_SP(30)
	toc
	return_from_frame

	/* ---- code at any address, in any mode, until leave_run() ends it ---- */

	/* run_at(nip, msr, registers): r3..r10 = registers[0..7] there */
	.globl	run_at
run_at:
	open_frame
	load_address 6, run_sp
	mfspr	7, 1023
	sldi	7, 7, 3
	stdx	1, 6, 7
	mtsrr0	3
	mtsrr1	4
	mr	12, 5
	.irp	n, 3,4,5,6,7,8,9,10
	ld	\n, 8 * (\n - 3)(12)
	.endr
	rfid
	.globl	run_back
run_back:
	toc
	return_from_frame

	.bss
	.balign	4096
	.globl	main_stack
main_stack:
cpu_stacks:		/* CPU 0's part is main_stack */
	.space	MAX_CPUS * STACK_SIZE
interrupt_stacks:
	.space	MAX_CPUS * STACK_SIZE
mc_stacks:
	.space	MAX_CPUS * STACK_SIZE
sr_stacks:
	.space	MAX_CPUS * STACK_SIZE

	/* R14 to R31 around the last RTAS call of any CPU */
	.globl	rtas_before
	.globl	rtas_after
rtas_before:
	.space	18 * 8
rtas_after:
	.space	18 * 8

	.section .note.GNU-stack, "", @progbits
