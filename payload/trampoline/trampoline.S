/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the partition puts at the guest's real 0x100 and 0x200 when machine checks go to the guest itself: hand the
 * interrupt to the partition by a private hypervisor call. LoPAR "Firmware Assisted Non-Maskable Interrupts Option".
 * README.md says what code here may and may not do, and why; src/pseries/fwnmi/trampoline_code.h holds the assembled bytes.
 */
	.machine power8

	/*
	 * At entry: SRR0, SRR1, DSISR, DAR as the interrupt set them, translation off, everything else as interrupted.
	 * R3 has to carry the call's number, so it waits in SPRG2, which LoPAR gives to firmware for one register.
	 * The partition answers by setting R3, SRR0, SRR1, MSR and NIP as they are at the first instruction of the
	 * routine that the guest registered: no register is left with which code could branch there.
	 */
	.macro trampoline name, call
	.globl	\name
	.type	\name, @function
\name:
	mtsprg2	3
	lis	3, 0
	ori	3, 3, \call
	sc	1
	/* Refused: the call is accepted from the vectors of a registered guest only. */
	b	.
	.size	\name, . - \name
	.endm

	.text
	.balign	256
	trampoline fwnmi_system_reset_trampoline, 0xf010
	/* As far apart as the vectors: .text is then the image of both that a blob is. */
	.balign	256
	trampoline fwnmi_machine_check_trampoline, 0xf014

	.section .note.GNU-stack, "", @progbits
