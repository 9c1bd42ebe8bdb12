/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine check cause bits: what SRR1, DSISR and DAR say about an error, and the reverse: which
 * bits a processor would have set for a given error. lib/mce.c has one table per processor. The
 * bits follow the POWER processor user's manuals (machine check interrupt); names are as in
 * errlog.h.
 */
#ifndef FWNMI_MCE_H
#define FWNMI_MCE_H

#include <stdbool.h>
#include <stdint.h>

#include <fwnmi/fwnmi.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

enum fwnmi_processor {
	FWNMI_PROCESSOR_POWER8 = 8,
	FWNMI_PROCESSOR_POWER9 = 9,
	FWNMI_PROCESSOR_POWER10 = 10, /* POWER11 has the same bits */
};

/* Versions of processors, bits 32:47 of PVR, from Linux's asm/reg.h. */
#define FWNMI_PVR_POWER8E   0x004b
#define FWNMI_PVR_POWER8NVL 0x004c
#define FWNMI_PVR_POWER8    0x004d
#define FWNMI_PVR_POWER9    0x004e
#define FWNMI_PVR_POWER10   0x0080
#define FWNMI_PVR_POWER11   0x0082

/* SRR1 bit 42: the cause is in DSISR, not in SRR1. */
#define FWNMI_SRR1_MC_LOADSTORE 0x0000000000200000ull
/* SRR1 bits 33:36 and 42:47: the bits that a machine check or system reset interrupt defines. */
#define FWNMI_SRR1_CAUSE_MASK	0x00000000783f0000ull

/**
 * fwnmi_mce_processor() - find the processor whose cause bits a PVR has
 * @pvr: processor version register; only bits 32:47, the version, are used
 *
 * The other functions take a PVR and ask this one.
 *
 * returns: the processor; FWNMI_PROCESSOR_POWER9, as the likeliest guess, for an unknown version
 */
enum fwnmi_processor fwnmi_mce_processor(uint32_t pvr);

/**
 * fwnmi_mce_analyse() - convert cause bits to a description (R12)
 * @pvr: PVR of the processor that set the bits
 * @disposition: how far the host, or the hypervisor below it, has recovered from the error; if it
 *	did nothing, FWNMI_DISPOSITION_NOT_RECOVERED
 * @nip: address of the interrupted instruction, which is the effective address of an instruction
 *	side error
 * @srr1: SRR1 as the interrupt set it
 * @dsisr: DSISR, read if SRR1 bit 42 is set
 * @dar: DAR, used where the cause makes it valid
 * @mc: filled in: type, subtype, effective address and its validity, severity, disposition,
 *	initiator, and what is valid of SRR1, DSISR and DAR; never a logical address. A UE is
 *	transient, because LoPAR gives a subtype to no other.
 *
 * Whatever the bits and the disposition are, fwnmi_machine_check_validate() accepts the result.
 *
 * If DSISR has several bits set, the gravest counts. A real address that no memory answers is a UE,
 * because to a partition it is lost memory. Causes without a LoPAR type (accesses to foreign
 * addresses, link time-outs, invalid tlbie) and unknown bits become FWNMI_MC_UNKNOWN.
 *
 * A store that fails later (POWER9 and POWER10: bad real address; POWER9: link time-out) is fatal,
 * because the interrupted instruction is not the one that failed. It is reported as not recovered
 * whatever @disposition says: the store is lost, and nobody knows whose it was. A machine check
 * known to be spurious (POWER9 up to DD2.1: a paste instruction, DSISR 0x02000000) becomes a fully
 * recovered warning whatever @disposition says, because there was no error.
 *
 * returns: 0, or FWNMI_ERR_INVALID if @disposition is not an enum fwnmi_disposition
 */
int fwnmi_mce_analyse(uint32_t pvr, enum fwnmi_disposition disposition, uint64_t nip, uint64_t srr1,
		      uint32_t dsisr, uint64_t dar, struct fwnmi_machine_check *mc);

/**
 * fwnmi_mce_repairable() - can flushing state repair such an error
 * @mc: only the type is read
 *
 * SLB, ERAT and TLB hold copies. If all entries are dropped (and, for a guest that translates by
 * hash, the SLB is reloaded from the SLB shadow buffer), the processor goes on as if nothing had
 * happened. Memory and cache errors lose data.
 *
 * returns: true if it can; fwnmi_ops.repair is called for these errors only
 */
bool fwnmi_mce_repairable(const struct fwnmi_machine_check *mc);

/**
 * fwnmi_mce_synthesise() - convert a description to cause bits
 * @pvr: PVR of the processor whose bits are wanted
 * @mc: type, subtype, and effective address and its validity are read; srr1, dsisr, dar_valid and
 *	dar are set to what the processor would set
 *
 * An error that both instruction side and load/store side can raise becomes a load/store error.
 *
 * returns: 0, or
 *	FWNMI_ERR_NO_CAUSE if this processor does not signal such an error; the four are zero then,
 *		and the error can still be delivered
 */
int fwnmi_mce_synthesise(uint32_t pvr, struct fwnmi_machine_check *mc);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
