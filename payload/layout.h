/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory layout of a payload, and the layout of saved registers, for start.S and for C. A
 * payload is linked at real address 0, with its interrupt vectors in place. The save areas of
 * vectors and notification routines are below 32 KiB, where a D-form address needs no base
 * register.
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#define MAX_CPUS 8

#define OTHER_ENDIAN_AREA \
	0x2e00 /* three doublewords in the opposite byte order: R3, MSR, a count */
#define RTAS_RETURN    0x2f00 /* return address of RTAS calls */
#define MC_SAVE	       0x5000 /* registers at entry to machine_check_routine */
#define SR_SAVE	       0x5200 /* the same for system_reset_routine */
#define CPU_SAVE       0x6000 /* + CPU * CPU_SAVE_SIZE: registers at entry to an interrupt vector */
#define CPU_SAVE_SHIFT 9
#define SCV_VECTORS    0x17000 /* scv n with relocation off: + 0x20 * n */

#define STACK_SIZE 0x4000

/* struct frame */
#define F_GPR	 0
#define F_CR	 256
#define F_XER	 264
#define F_LR	 272
#define F_CTR	 280
#define F_SPRG	 288
#define F_SRR0	 320
#define F_SRR1	 328
#define F_MSR	 336
#define F_NIP	 344
#define F_DAR	 352
#define F_DSISR	 360
#define F_TAR	 368
#define F_VECTOR 376
#define F_SIZE	 384

/* struct spin */
#define S_FLAG	  0
#define S_SP	  8
#define S_IN	  16
#define S_OUT	  (S_IN + F_SIZE)
#define S_VSR_IN  (S_OUT + F_SIZE)
#define S_VSR_OUT (S_VSR_IN + 64 * 16)
#define S_FPSCR	  (S_VSR_OUT + 64 * 16) /* in, out */

#define MSR_HIGH_SF 63
#define MSR_BIT_VEC 0x2000000
#define MSR_BIT_VSX 0x800000
#define MSR_BIT_EE  0x8000
#define MSR_BIT_PR  0x4000
#define MSR_BIT_FP  0x2000
#define MSR_BIT_ME  0x1000
#define MSR_BIT_SE  0x400
#define MSR_BIT_BE  0x200
#define MSR_BIT_IR  0x20
#define MSR_BIT_DR  0x10
#define MSR_BIT_RI  0x2
#define MSR_BIT_LE  0x1

#ifdef __LITTLE_ENDIAN__
#define MSR_OWN_LE MSR_BIT_LE
#else
#define MSR_OWN_LE 0
#endif

#endif
