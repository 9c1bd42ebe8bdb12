/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The causes of interrupts in SRR1 and DSISR. Power ISA 3.0B, Book III, "Interrupt Definitions".
 * Machine checks: libfwnmi's mce.h knows what each processor's bits mean.
 */
#ifndef FWNMI_ISA_SRR1_H
#define FWNMI_ISA_SRR1_H

#include <fwnmi/mce.h>

/* Bits 33:36 and 42:47 give the reason of any interrupt; the others are the interrupted MSR's. */
#define SRR1_REASON FWNMI_SRR1_CAUSE_MASK

/* Machine check: the cause is in DSISR. */
#define SRR1_MC_LOADSTORE FWNMI_SRR1_MC_LOADSTORE

/* Any interrupt that an instruction caused, from ISA 3.1 on: it has a prefix. */
#define SRR1_PREFIXED (1ull << 29)
/* Alignment interrupt: it crosses a boundary of 64 bytes. */
#define SRR1_BOUNDARY (1ull << 28)

/* Program interrupt. */
#define SRR1_FP_ENABLED (1ull << 20)
#define SRR1_SUBSEQUENT (1ull << 16) /* SRR0 is behind the instruction that caused it */
#define SRR1_ILLEGAL	(1ull << 19)
#define SRR1_PRIVILEGED (1ull << 18)
#define SRR1_TRAP	(1ull << 17)

/* Trace interrupt. */
#define SRR1_TRACE	 (1ull << 30)
#define SRR1_TRACE_LOAD	 (1ull << 28)
#define SRR1_TRACE_STORE (1ull << 27)
#define SRR1_TRACE_CIABR (1ull << 20) /* CIABR has asked for it */

/* Data storage interrupt: in DSISR. Instruction storage interrupt: in SRR1. */
#define FAULT_NO_PTE	 0x40000000u
#define FAULT_NOEXEC	 0x10000000u
#define FAULT_PROTECTION 0x08000000u
#define FAULT_UNCACHED	 0x04000000u /* lq, stq, a reservation, ... where caching is inhibited */
#define FAULT_STORE	 0x02000000u
#define FAULT_WATCHPOINT 0x00400000u /* a DAWR waits for the access */
#define FAULT_KEY	 0x00200000u /* AMR or IAMR refuses the storage key */
#define FAULT_BAD_CONFIG 0x00080000u
#define FAULT_ATOMIC	 0x00000004u /* an atomic memory operation that cannot be done */

#endif
