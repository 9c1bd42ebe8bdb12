/* SPDX-License-Identifier: BSD-2-Clause */
/* How a processor takes an interrupt; see interrupt.h. */
#include "isa/interrupt.h"
#include "isa/msr.h"
#include "isa/srr1.h"
#include "isa/vector.h"

/* Where vectors are with relocation on. AIL=2 leaves those of scv where they are. */
#define AIL_2	  0x18000ull
#define AIL_3	  0xc000000000004000ull
#define AIL_3_SCV 0xc000000000003000ull

static bool is_scv(unsigned vector)
{
	return vector >= VECTOR_SCV;
}

uint64_t interrupt_address(unsigned vector, unsigned ail)
{
	switch (ail) {
	case 2:
		return is_scv(vector) ? vector : AIL_2 + vector;
	case 3:
		return is_scv(vector) ? AIL_3_SCV + (vector - VECTOR_SCV) : AIL_3 + vector;
	default:
		return vector;
	}
}

static bool keeps_relocation(unsigned vector, uint64_t msr, unsigned ail)
{
	return ail >= 2 && (msr & (MSR_IR | MSR_DR)) == (MSR_IR | MSR_DR) &&
	       vector != VECTOR_SYSTEM_RESET && vector != VECTOR_MACHINE_CHECK;
}

void interrupt_take(struct interrupt_regs *regs, unsigned vector, uint64_t reason,
		    const struct interrupt_settings *settings)
{
	uint64_t msr = regs->msr, kept = MSR_ME;
	bool relocated = keeps_relocation(vector, msr, settings->ail);

	if (relocated)
		kept |= MSR_IR | MSR_DR;
	if (is_scv(vector))
		kept |= MSR_EE | MSR_RI;
	regs->old_nip = regs->nip;
	regs->old_msr = (msr & ~SRR1_REASON) | reason;
	regs->msr = MSR_SF | (msr & kept) | (settings->little_endian ? MSR_LE : 0);
	regs->nip = interrupt_address(vector, relocated ? settings->ail : 0);
}
