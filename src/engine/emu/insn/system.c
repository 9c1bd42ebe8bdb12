/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semantics of system instructions: MSR moves, returns from interrupts, system calls, translation
 * invalidation. Power ISA 3.0B, Book III chapters 3 to 6.
 */
#include "engine/emu/fp/fpu.h"
#include "engine/emu/insn/insn.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/mmu/planted.h"
#include "engine/emu/mmu/segments.h"
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
 * interrupt, or event-based branch.
 */
static void enter_msr(struct cpu *cpu, uint64_t msr)
{
	cpu_set_msr(cpu, problem_state(msr));
	if (msr & (MSR_SE | MSR_BE) || (cpu->msr & MSR_EE && cpu_interrupt_waits(cpu)) ||
	    cpu_branch_waits(cpu))
		cpu_leave(cpu);
}

/*
 * With FE0 or FE1 the new MSR allows the interrupt of a floating-point exception that was enabled
 * before, whatever MSR[FP] is. SRR0 is what would have come next. Power ISA 3.0B, Book III, section
 * 6.5.9.
 */
static bool fp_interrupt_waits(const struct cpu *cpu)
{
	return unlikely(cpu->msr & (MSR_FE0 | MSR_FE1)) && cpu->fpscr & FPSCR_FEX;
}

static int change_msr(struct cpu *cpu, uint64_t value, uint64_t mask)
{
	enter_msr(cpu, (cpu->msr & ~mask) | (value & mask));
	if (!fp_interrupt_waits(cpu))
		return 0;
	cpu_raise(cpu, VECTOR_PROGRAM, SRR1_FP_ENABLED | SRR1_SUBSEQUENT);
	cpu->exception_flags = EXCEPTION_NEXT;
	return EXCEPTION;
}

/* mtmsrd with L=1 */
SEM(mtmsr_ee)
{
	const uint64_t v = RT, before = cpu->msr;

	cpu->msr = (before & ~(MSR_EE | MSR_RI)) | (v & (MSR_EE | MSR_RI));
	cpu_msr_changed(cpu, before);
	if (v & MSR_EE && cpu_interrupt_waits(cpu))
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
	if (fp_interrupt_waits(cpu))
		cpu_interrupt(cpu, VECTOR_PROGRAM, effective_address(cpu, cpu->nip),
			      SRR1_FP_ENABLED | SRR1_SUBSEQUENT);
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

#define BESCR_TS      (3ull << 30) /* the state of a transaction, which there is none of */
#define RFEBB_S(insn) ((insn) >> 11 & 1)

/* Power ISA 3.1, Book II, chapter 7. If another event waits, that one comes first. */
SEM(rfebb)
{
	if (cpu_need_facility(cpu, FSCR_EBB))
		return EXCEPTION;
	if (cpu->bescr & BESCR_TS)
		return cpu_illegal(cpu);
	cpu->bescr = RFEBB_S(insn) ? cpu->bescr | BESCR_GE : cpu->bescr & ~BESCR_GE;
	cpu->nip = effective_address(cpu, cpu->ebbrr);
	if (cpu_branch_waits(cpu))
		cpu_leave(cpu);
	return 0;
}

/*
 * sc 1 calls the hypervisor, which refuses problem state. The operating system of a guest with
 * radix translation then gets a privileged instruction interrupt. One that translates by hash may
 * run guests of its own in problem state, so it gets a system call.
 */
SEM(sc)
{
	if ((insn >> 5 & 127) == 1) {
		if (!(cpu->msr & MSR_PR)) {
			cpu->exit = ENGINE_EXIT_HCALL;
			cpu_leave(cpu);
			return 0;
		}
		if (cpu->engine->partition.radix)
			return cpu_raise(cpu, VECTOR_PROGRAM, SRR1_PRIVILEGED);
	}
	cpu_raise(cpu, VECTOR_SYSTEM_CALL, 0);
	cpu->exception_flags = EXCEPTION_NEXT;
	return EXCEPTION;
}

/* Unlike other bits of FSCR, SCV counts in privileged state, too. */
SEM(scv)
{
	if (!(cpu->fscr >> FSCR_SCV & 1))
		return cpu_facility_unavailable(cpu, FSCR_SCV);
	cpu_raise(cpu, VECTOR_SCV + (insn >> 5 & 127) * 0x20, 0);
	cpu->exception_flags = EXCEPTION_NEXT;
	return EXCEPTION;
}

/* IH of slbia: hints what lookaside information to keep, and from ISA 3.0 on which entries. */
#define IH_CLASS_1	   3 /* entries of class 1, and translations of quadrant 0 */
#define IH_ALL		   4
#define IH_NO_ENTRIES	   7
#define LAST_OF_QUADRANT_0 0x3fffffffffffffffull

/* ISA 2.07 knows no IH that keeps SLB entries but the first, or invalidates that. */
static unsigned slbia_ih(const struct cpu *cpu, uint32_t insn)
{
	const unsigned ih = FIELD(insn, 8, 10);

	return ih >= IH_CLASS_1 && cpu->engine->model->isa < 300 ? 0 : ih;
}

/* With radix translation there are no segments, but what the ERAT holds goes. */
SEM(slbia)
{
	const unsigned ih = slbia_ih(cpu, insn);
	const struct planted_flush flush = {
		.vcpu = cpu->index,
		.caches = 1u << ENGINE_ERAT,
		.last = ih == IH_CLASS_1 ? LAST_OF_QUADRANT_0 : UINT64_MAX,
	};

	if (cpu->engine->nr_planted && cpu_alone(cpu))
		return EXCEPTION;
	planted_flush(cpu->engine, &flush);
	if (!cpu->engine->partition.radix && ih != IH_NO_ENTRIES)
		slb_invalidate_all(cpu, ih == IH_CLASS_1 || ih == IH_ALL ? 0 : 1, ih == IH_CLASS_1);
	return 0;
}

/* The class and the size that RB tells are those of the entry, or the result is undefined. */
SEM(slbie)
{
	slb_invalidate(cpu, effective_address(cpu, RB & SLB_ESID));
	return 0;
}

/* Of the process that RS tells, in all vCPUs, whose SLBs and caches are their threads' own. */
SEM(slbieg)
{
	struct power_engine *e = cpu->engine;
	const uint64_t ea = RB & SLB_ESID;
	const uint32_t pid = (uint32_t)(RT >> 32);

	if (cpu_alone(cpu))
		return EXCEPTION;
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		if ((uint32_t)e->cpus[i]->pidr == pid)
			slb_invalidate(e->cpus[i], ea);
	return 0;
}

/* All of it, or from ISA 3.1 on, with L=1, that of every process; and what came of it in ERATs. */
SEM(slbiag)
{
	struct power_engine *e = cpu->engine;
	const bool every = e->model->isa >= 310 && insn & 1u << 16;
	const uint32_t pid = (uint32_t)(RT >> 32);

	if (cpu_alone(cpu))
		return EXCEPTION;
	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		const struct planted_flush flush = {
			.vcpu = i,
			.caches = 1u << ENGINE_ERAT,
			.last = UINT64_MAX,
		};

		if (!every && (uint32_t)e->cpus[i]->pidr != pid)
			continue;
		planted_flush(e, &flush);
		slb_invalidate_all(e->cpus[i], 0, false);
	}
	return 0;
}

SEM(slbmte)
{
	if (cpu->engine->partition.radix ||
	    slb_write(cpu, (unsigned)(RB & SLB_INDEX), RB & ~SLB_INDEX, RT))
		return 0;
	return cpu_illegal(cpu);
}

static const struct engine_slb_entry *valid_entry(const struct cpu *cpu, uint64_t index)
{
	static const struct engine_slb_entry none;
	const struct engine_slb_entry *entry = &cpu->slb[index & (SLB_ENTRIES - 1)];

	return entry->esid & SLB_VALID ? entry : &none;
}

SEM(slbmfee)
{
	RT = valid_entry(cpu, RB)->esid;
	return 0;
}

SEM(slbmfev)
{
	RT = valid_entry(cpu, RB)->vsid;
	return 0;
}

SEM(slbfee)
{
	bool several;
	const struct engine_slb_entry *entry =
		slb_find(cpu->slb, effective_address(cpu, RB), &several);

	RT = entry ? entry->vsid : 0;
	cpu->cr[0] = (uint8_t)((entry ? CR_EQ : 0) | cpu->so);
	return 0;
}

/* Directed privileged doorbells go to threads of the same core. Book III, section 10.4. */
#define MESSAGE_TYPE(rb)    ((rb) >> 27 & 31)
#define MESSAGE_TO_THREAD   5
#define MESSAGE_TIR_TAG(rb) ((rb)&127)

SEM(msgsndp)
{
	const unsigned threads = cpu->engine->core_threads, to = MESSAGE_TIR_TAG(RB);

	if (MESSAGE_TYPE(RB) != MESSAGE_TO_THREAD || to >= threads)
		return 0;
	cpu->rings = cpu->index - cpu->index % threads + to;
	if (cpu->rings == cpu->index)
		cpu->doorbell = true;
	else
		cpu->exit = ENGINE_EXIT_DOORBELL;
	cpu_leave(cpu);
	return 0;
}

SEM(msgclrp)
{
	if (MESSAGE_TYPE(RB) == MESSAGE_TO_THREAD)
		cpu->doorbell = false;
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

/* POWER10's loops wait by this rather than by a low priority. */
SEM(pause)
{
	(void)insn;
	cpu->paused = true;
	return 0;
}

SEM(need_tar)
{
	(void)insn;
	return cpu_need_facility(cpu, FSCR_TAR);
}

/* PCR: the processor has the instruction, but problem state has not. */
SEM(not_compatible)
{
	(void)insn;
	return cpu->msr & MSR_PR ? cpu_illegal(cpu) : 0;
}

SEM(hypervisors)
{
	(void)insn;
	return cpu_raise(cpu, VECTOR_PROGRAM, SRR1_PRIVILEGED);
}

/* doze, nap, sleep and rvwinkle, which ISA 3.0 has replaced by stop */
SEM(idle)
{
	return cpu->engine->model->isa < 300 ? sem_hypervisors(cpu, insn) : cpu_illegal(cpu);
}

SEM(nothing)
{
	(void)cpu;
	(void)insn;
	return 0;
}

/* The branch history buffer, which is empty: problem state may use it if MMCR0[BHRBA] is set. */
static int need_history(struct cpu *cpu)
{
	if (!(cpu->msr & MSR_PR) || cpu->mmcr[0] & MMCR0_BHRBA)
		return 0;
	return cpu_facility_unavailable(cpu, FSCR_BHRB);
}

SEM(clrbhrb)
{
	(void)insn;
	return need_history(cpu);
}

SEM(mfbhrbe)
{
	if (need_history(cpu))
		return EXCEPTION;
	RT = 0;
	return 0;
}
