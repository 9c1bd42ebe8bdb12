/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A big-endian guest of QEMU that only registers for FWNMI and counts, in a partition's real mode.
 * It keeps no device tree. Its routines count events, call ibm,nmi-interlock and return. Variants:
 *
 *   MUTE		they never call ibm,nmi-interlock
 *   SLOW		they call it after more than a hundred million instructions
 *   STRANGER		it never registers
 *   IDLE		the second CPU is idle in the hypervisor
 *
 * Otherwise a second CPU, if there is one, loops.
 *
 * Link it at 1 MiB and load it there (-M kernel-addr=0), with QEMU's small firmware (x-vof=on).
 */
#define RTAS_BASE	0x200000
#define VTY		0x71000000

#define H_PUT_TERM_CHAR	0x58
#define H_CEDE		0xe0
#define DECREMENTER	0x900
/* QEMU's tokens of RTAS calls */
#define START_CPU	0x2006
#define NMI_REGISTER	0x202b
#define NMI_INTERLOCK	0x202c
#define MSR_RI		2

	.machine power9
	.abiversion 2

	.macro	address reg, symbol
	lis	\reg, (\symbol)@h
	ori	\reg, \reg, (\symbol)@l
	.endm

	.section .text.start, "ax"
	.globl	_start
_start:
	mr	30, 5 /* the firmware's client interface */
	address	1, stack_end - 64
	address	3, save
	mtsprg	3, 3
	mfmsr	29
	ori	29, 29, MSR_RI
	mtmsrd	29
	/* The firmware places RTAS at the given address. */
	address	4, open_rtas
	bl	firmware
	address	5, open_rtas
	lwz	6, 16(5)
	address	4, instantiate
	stw	6, 16(4)
	bl	firmware
	address	4, find_rtas
	bl	firmware
	address	5, find_rtas
	lwz	6, 16(5)
	address	4, set_base
	stw	6, 12(4)
	bl	firmware
	address	4, set_entry
	stw	6, 12(4)
	bl	firmware
	address	4, quiesce /* the settings take effect from here on */
	bl	firmware
#ifndef STRANGER
	address	3, register_call
	lis	12, RTAS_BASE@h
	mtctr	12
	bctrl
	address	5, register_call
	lwz	5, 20(5)
	cmpwi	5, 0
	bne	failed
#endif
#ifdef IDLE
	address	3, decrementer
	ld	4, 0(3)
	std	4, DECREMENTER(0)
	ld	4, 8(3)
	std	4, DECREMENTER + 8(0)
	ld	4, 16(3)
	std	4, DECREMENTER + 16(0)
#endif
	address	3, start_call /* fails without a second CPU */
	lis	12, RTAS_BASE@h
	mtctr	12
	bctrl
	address	31, words
	address	6, text_ready
	bl	say
	li	10, 0
count:	/* R3 and R11 have values that are checked after an event */
	li	3, 0x333
	li	11, 0x1b
1:	addi	10, 10, 1
	cmpwi	3, 0x333
	bne	lost
	cmpwi	11, 0x1b
	bne	lost
	ld	12, 0(31)
	cmpdi	12, 0
	beq	1b
	std	10, 8(31)
	li	12, 0
	std	12, 0(31)
	address	6, text_event
	bl	say
	b	count

second:
	address	3, save + 128
	mtsprg	3, 3
	mfmsr	3
	ori	3, 3, MSR_RI
	mtmsrd	3
#ifdef IDLE
1:	li	3, H_CEDE
	sc	1
	b	1b

decrementer: /* to wake from H_CEDE, which enables interrupts */
	mtsprg	1, 3
	lis	3, 0x7fff
	mtdec	3
	mfsprg	3, 1
	rfid
	nop
#else
	b	.
#endif

lost:
	address	6, text_lost
	bl	say
failed:
	address	6, text_failed
	bl	say
	b	.

firmware: /* argument array at r4; in 32-bit mode, as the firmware is */
	mflr	28
	mtctr	30
	mr	3, 4
	clrldi	4, 29, 1
	mtmsrd	4
	bctrl
	mtmsrd	29
	mtlr	28
	blr

say:	/* 16 characters at r6 */
	ld	7, 8(6)
	ld	6, 0(6)
	li	3, H_PUT_TERM_CHAR
	lis	4, VTY@h
	li	5, 16
	sc	1
	blr

	.macro	enter /* SPRG3: where this CPU saves */
	mtsprg	0, 4
	mfsprg	4, 3
	std	5, 8(4)
	.endm

	.balign	128
	.globl	system_reset_fwnmi
system_reset_fwnmi:
	enter
	ld	5, 0(3)		/* the original R3 */
	std	5, 0(4)
	address	4, words
	li	5, 1
	std	5, 0(4)
	b	leave

	.balign	128
	.globl	machine_check_fwnmi
machine_check_fwnmi:
	enter
	ld	5, 0(3)
	std	5, 0(4)
#ifndef MUTE
	std	6, 16(4)
	std	7, 24(4)
	std	8, 32(4)
	std	9, 40(4)
	std	10, 48(4)
	std	11, 56(4)
	std	12, 64(4)
	mflr	5
	std	5, 72(4)
	mfctr	5
	std	5, 80(4)
	mfcr	5
	std	5, 88(4)
#ifdef SLOW
	lis	5, 0x800
	mtctr	5
	bdnz	.
#endif
	address	3, interlock_call
	lis	12, RTAS_BASE@h
	mtctr	12
	bctrl
	mfsprg	4, 3
	ld	5, 88(4)
	mtcr	5
	ld	5, 80(4)
	mtctr	5
	ld	5, 72(4)
	mtlr	5
	ld	6, 16(4)
	ld	7, 24(4)
	ld	8, 32(4)
	ld	9, 40(4)
	ld	10, 48(4)
	ld	11, 56(4)
	ld	12, 64(4)
#endif
	address	4, words
	li	5, 2
	std	5, 0(4)
leave:
	mfsprg	4, 3
	ld	3, 0(4)
	ld	5, 8(4)
	mfsprg	4, 0
	rfid

	.data
	.balign	16
words:	.quad	0, 0
	.balign	128
save:	.space	256

text_ready:	.ascii	"bare: ready    \n"
text_event:	.ascii	"bare: an event \n"
text_lost:	.ascii	"bare: registers\n"
text_failed:	.ascii	"bare: failed   \n"

service_open:	.asciz	"open"
service_call:	.asciz	"call-method"
service_find:	.asciz	"finddevice"
service_set:	.asciz	"setprop"
service_quiesce: .asciz	"quiesce"
rtas_path:	.asciz	"/rtas"
method:		.asciz	"instantiate-rtas"
base_name:	.asciz	"linux,rtas-base"
entry_name:	.asciz	"linux,rtas-entry"
	.balign	4
base:		.long	RTAS_BASE
/* IEEE 1275 client interface: service, numbers of arguments and results, these */
open_rtas:	.long	service_open, 1, 1, rtas_path, 0
instantiate:	.long	service_call, 3, 2, method, 0, RTAS_BASE, 0, 0
find_rtas:	.long	service_find, 1, 1, rtas_path, 0
set_base:	.long	service_set, 4, 1, 0, base_name, base, 4, 0
set_entry:	.long	service_set, 4, 1, 0, entry_name, base, 4, 0
quiesce:	.long	service_quiesce, 0, 0
/* PAPR RTAS argument buffers */
register_call:	.long	NMI_REGISTER, 2, 1, system_reset_fwnmi, machine_check_fwnmi, -1
start_call:	.long	START_CPU, 3, 1, 1, second, 0, -1
interlock_call:	.long	NMI_INTERLOCK, 0, 1, -1
	.balign	16
	.space	4096
stack_end:
	.space	64
