/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semantics of system instructions: MSR moves, returns from interrupts, system calls, translation
 * invalidation. Power ISA 3.0B, Book III chapters 3 to 6.
 */
#include "engine/emu/insn/insn.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/mmu/planted.h"
#include "engine/emu/private.h"

#define RT cpu->gpr[F_RT(insn)]
#define RA cpu->gpr[F_RA(insn)]
#define RB cpu->gpr[F_RB(insn)]

/* The MSR bits of this processor. HV, ME and LE change only by special means. */
#define MSR_WRITABLE                                                                         \
	(MSR_SF | MSR_VEC | MSR_VSX | MSR_EE | MSR_PR | MSR_FP | MSR_FE0 | MSR_SE | MSR_BE | \
	 MSR_FE1 | MSR_IR | MSR_DR | MSR_PMM | MSR_RI)

SEM(mfmsr)
{
	RT = cpu->msr;
	return 0;
}

/* Problem state implies EE and relocation. */
static uint64_t problem_state(uint64_t msr)
{
	return msr & MSR_PR ? msr | MSR_EE | MSR_IR | MSR_DR : msr;
}

/*
 * The new MSR may ask for a trace interrupt after the next instruction, or allow a waiting
 * interrupt.
 */
static void enter_msr(struct cpu *cpu, uint64_t msr)
{
	cpu_set_msr(cpu, problem_state(msr));
	if (msr & (MSR_SE | MSR_BE) || (cpu->msr & MSR_EE && (cpu->external || cpu->dec_pending)))
		cpu_leave(cpu);
}

static int change_msr(struct cpu *cpu, uint64_t value, uint64_t mask)
{
	enter_msr(cpu, (cpu->msr & ~mask) | (value & mask));
	return 0;
}

/* mtmsrd with L=1 */
SEM(mtmsr_ee)
{
	const uint64_t v = RT, before = cpu->msr;

	cpu->msr = (before & ~(MSR_EE | MSR_RI)) | (v & (MSR_EE | MSR_RI));
	cpu_msr_changed(cpu, before);
	if (v & MSR_EE && (cpu->external || cpu->dec_pending))
		cpu_leave(cpu);
	return 0;
}

SEM(mtmsr)
{
	return change_msr(cpu, RT, MSR_WRITABLE & 0xffffffff);
}

SEM(mtmsrd)
{
	return change_msr(cpu, RT, MSR_WRITABLE);
}

static int return_to(struct cpu *cpu, uint64_t nip, uint64_t msr)
{
	uint64_t mask = MSR_WRITABLE | MSR_LE;

	cpu->nip = nip & ~3ull;
	enter_msr(cpu, (cpu->msr & ~mask) | (msr & mask));
	cpu->reserved = false;
	return 0;
}

SEM(rfid)
{
	(void)insn;
	return return_to(cpu, cpu->srr0, cpu->srr1);
}

SEM(rfscv)
{
	(void)insn;
	return return_to(cpu, cpu->lr, cpu->ctr);
}

/*
 * sc 1 calls the hypervisor, which refuses problem state of a guest with radix translation. The
 * operating system then gets a privileged instruction interrupt.
 */
SEM(sc)
{
	if ((insn >> 5 & 127) == 1) {
		if (cpu->msr & MSR_PR)
			return cpu_raise(cpu, VECTOR_PROGRAM, SRR1_PRIVILEGED);
		cpu->exit = ENGINE_EXIT_HCALL;
		cpu_leave(cpu);
		return 0;
	}
	cpu_raise(cpu, VECTOR_SYSTEM_CALL, 0);
	cpu->exception_flags = EXCEPTION_NEXT;
	return EXCEPTION;
}

SEM(scv)
{
	if (cpu_need_facility(cpu, FSCR_SCV))
		return EXCEPTION;
	cpu_raise(cpu, VECTOR_SCV + (insn >> 5 & 127) * 0x20, 0);
	cpu->exception_flags = EXCEPTION_NEXT;
	return EXCEPTION;
}

#define TLBIE	  0x40u /* the bit that tlbie has and tlbiel has not */
#define RIC_WALKS 1 /* RIC: the page walk cache only */

/*
 * tlbie and tlbiel, radix. RB holds the address, IS and AP; RS holds the PID. Invalidating too much
 * is allowed, and all but one page of one process is rare.
 */
SEM(tlbie)
{
	static const uint64_t size_of_ap[8] = {
		[0] = 1ull << 12, [5] = 1ull << 16, [1] = 1ull << 21, [2] = 1ull << 30
	};
	uint64_t rb = RB, rs = RT;
	unsigned ric = FIELD(insn, 12, 13), prs = FIELD(insn, 14, 14);
	unsigned is = rb >> 10 & 3, ap = rb >> 5 & 7;
	uint64_t page = rb & ~PAGE_MASK_LOW, size = size_of_ap[ap];
	struct planted_flush flush = { .vcpu = insn & TLBIE ? ENGINE_MAX_VCPUS : cpu->index,
				       .one_process = prs && is < 2,
				       .pid = (uint32_t)(rs >> 32),
				       .last = UINT64_MAX };

	if (!flush.one_process) {
		mmu_flush_all(cpu->engine);
	} else if (is == 1 || ric || !size) {
		mmu_flush_pid(cpu->engine, flush.pid);
	} else {
		flush.first = page & ~(size - 1);
		flush.last = flush.first + size - 1;
		mmu_flush_range(cpu->engine, flush.pid, page, size);
	}
	if (ric != RIC_WALKS)
		planted_flush(cpu->engine, &flush);
	return 0;
}

#define IH_USER		   3 /* translations of quadrant 0 only */
#define LAST_OF_QUADRANT_0 0x3fffffffffffffffull

/* Radix translation has no segments, but what the ERAT holds goes. */
SEM(slbia)
{
	const struct planted_flush flush = {
		.vcpu = cpu->index,
		.erat_only = true,
		.last = FIELD(insn, 8, 10) == IH_USER ? LAST_OF_QUADRANT_0 : UINT64_MAX,
	};

	planted_flush(cpu->engine, &flush);
	return 0;
}

/* or 5,5,5 and or 3,3,3: priorities that problem state cannot set. */
SEM(priority)
{
	uint64_t priority = F_RT(insn) == 5 ? 5 : 6;

	if (!(cpu->msr & MSR_PR))
		cpu->ppr = (cpu->ppr & ~PPR_PRI) | priority << PPR_PRI_SHIFT;
	return 0;
}

SEM(need_tar)
{
	(void)insn;
	return cpu_need_facility(cpu, FSCR_TAR);
}

SEM(nothing)
{
	(void)cpu;
	(void)insn;
	return 0;
}

SEM(nothing_user)
{
	(void)cpu;
	(void)insn;
	return 0;
}

/* The branch history buffer is empty. */
SEM(mfbhrbe)
{
	RT = 0;
	return 0;
}

/* Radix translation has no segments to find. */
SEM(slbmf)
{
	RT = 0;
	return 0;
}

SEM(slbfee)
{
	RT = 0;
	cpu->cr[0] = cpu->so;
	return 0;
}
