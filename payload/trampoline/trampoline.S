/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code at the guest's real addresses 0x100 and 0x200 if the engine delivers machine checks to
 * the guest: it hands the interrupt to the partition by a private hypervisor call. LoPAR "Firmware
 * Assisted Non-Maskable Interrupts Option". README.md says what such code may do, and why;
 * src/pseries/fwnmi/trampoline_code.h has the assembled bytes.
 */
	.machine power8

	/*
	 * At entry, SRR0, SRR1, DSISR and DAR are as the interrupt set them, translation is off,
	 * and all else is as it was. R3 is needed for the call's number, so its value goes to
	 * SPRG2, which LoPAR gives to firmware. The partition then sets R3, SRR0, SRR1, MSR and NIP
	 * for the first instruction of the registered routine: this code has no register left to
	 * branch there itself.
	 */
	.macro trampoline name, call
	.globl	\name
	.type	\name, @function
\name:
	mtsprg2	3
	lis	3, 0
	ori	3, 3, \call
	sc	1
	/* Only reached if the call is refused: it must come from a registered guest's vectors. */
	b	.
	.size	\name, . - \name
	.endm

	.text
	.balign	256
	trampoline fwnmi_system_reset_trampoline, 0xf010
	/* As far apart as the vectors, so that .text is the image that a blob contains. */
	.balign	256
	trampoline fwnmi_machine_check_trampoline, 0xf014

	.section .note.GNU-stack, "", @progbits
