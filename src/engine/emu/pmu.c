/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The performance monitor's counters, alerts, and event-based branches; see pmu.h. spr.c says who
 * may access the registers.
 */
#include "engine/emu/pmu.h"
#include "engine/emu/private.h"

/* MMCR0: counters are frozen, besides by FC: */
#define MMCR0_FCS     0x40000000ull /* in privileged state, */
#define MMCR0_FCP     0x20000000ull /* in problem state, */
#define MMCR0_FCM1    0x10000000ull /* with MSR[PMM]=1, */
#define MMCR0_FCM0    0x08000000ull /* with MSR[PMM]=0; */
#define MMCR0_FC14    0x20ull /* or PMC1 to PMC4, */
#define MMCR0_FC56    0x10ull /* or PMC5 and PMC6, */
#define MMCR0_FC14W   0x02ull /* or PMC1 to PMC4 without CTRL[RUN]. */
#define MMCR0_CC56RUN 0x100ull /* PMC5 and PMC6 count without CTRL[RUN], too. */
#define MMCR0_PMAE    0x04000000ull /* Alerts are enabled until there is one. */
#define MMCR0_FCECE   0x02000000ull /* An enabled condition sets FC. */
#define MMCR0_PMC1CE  0x8000ull /* Enabled condition: a negative PMC1, */
#define MMCR0_PMCJCE  0x4000ull /* any other negative one. */
#define MMCR0_TRIGGER 0x2000ull /* PMC2 to PMC6 wait for a condition, or for a negative PMC1. */

/* MMCR1: the event that PMC1 to PMC4 count, by unit and code */
#define MMCR1_UNIT(mmcr1, i)  ((mmcr1) >> (60 - 4 * (i)) & 15)
#define MMCR1_EVENT(mmcr1, i) ((mmcr1) >> (24 - 8 * (i)) & 255)
#define ANY_INSTRUCTIONS      0x02
#define ANY_CYCLES	      0x1e
#define PMC1_CYCLES	      0xf0
#define PMC1_INSTRUCTIONS     0xfe
#define PMC2_RUN_CYCLES	      0xf4
#define PMC4_RUN_INSTRUCTIONS 0xfa

/* MMCR2: counter @i, from 0, is frozen for itself, in states as those of MMCR0 */
#define MMCR2_OF(mmcr2, i) ((mmcr2) << (9 * (i)))
#define MMCR2_FCS	   (1ull << 63)
#define MMCR2_FCP0	   (1ull << 62)
#define MMCR2_FCM1	   (1ull << 60)
#define MMCR2_FCM0	   (1ull << 59)
#define MMCR2_FCWAIT	   (1ull << 58)

#define SIER_PROBLEM_STATE 0x2000000ull
#define SIER_SIAR_VALID	   0x400000ull

#define CTRL_RUN 1ull

#define NR_PMCS	     6u
#define PMC1	     1u /* a bit for each counter */
#define PMC1_TO_PMC4 15u
#define PMC5_PMC6    48u

static bool is_negative(uint64_t pmc)
{
	return pmc >> 31 & 1;
}

/* ---- which counters count ---- */

static bool is_frozen(uint64_t mmcr0, uint64_t msr)
{
	return mmcr0 & MMCR0_FC || mmcr0 & (msr & MSR_PR ? MMCR0_FCP : MMCR0_FCS) ||
	       mmcr0 & (msr & MSR_PMM ? MMCR0_FCM1 : MMCR0_FCM0);
}

/* Is counter @i frozen for itself? */
static bool is_frozen_alone(const struct cpu *cpu, unsigned i, uint64_t msr)
{
	const uint64_t mmcr2 = MMCR2_OF(cpu->mmcr[2], i);

	return mmcr2 & (msr & MSR_PR ? MMCR2_FCP0 : MMCR2_FCS) ||
	       mmcr2 & (msr & MSR_PMM ? MMCR2_FCM1 : MMCR2_FCM0) ||
	       (mmcr2 & MMCR2_FCWAIT && !(cpu->ctrl & CTRL_RUN));
}

/* Does counter @i of PMC1 to PMC4 count an event that happens with each instruction? */
static bool counts_instructions(const struct cpu *cpu, unsigned i)
{
	const bool runs = cpu->ctrl & CTRL_RUN;
	const bool waits = cpu->mmcr[0] & MMCR0_FC14W && !runs;

	if (MMCR1_UNIT(cpu->mmcr[1], i))
		return false;
	switch (MMCR1_EVENT(cpu->mmcr[1], i)) {
	case ANY_INSTRUCTIONS:
	case ANY_CYCLES:
		return !waits;
	case PMC1_CYCLES:
		return i == 0;
	case PMC1_INSTRUCTIONS:
		return i == 0 && !waits;
	case PMC2_RUN_CYCLES:
		return i == 1 && runs;
	case PMC4_RUN_INSTRUCTIONS:
		return i == 3 && runs;
	default:
		return false;
	}
}

/* The counters that count in a state. */
static unsigned counting(const struct cpu *cpu, uint64_t msr)
{
	const uint64_t mmcr0 = cpu->mmcr[0];
	const unsigned runs = cpu->ctrl & CTRL_RUN ? PMC5_PMC6 : 0;
	unsigned on = 0;

	if (!is_frozen(mmcr0, msr)) {
		for (unsigned i = 0; i < 4; i++)
			on |= !(mmcr0 & MMCR0_FC14) && counts_instructions(cpu, i) ? PMC1 << i : 0;
		if (!(mmcr0 & MMCR0_FC56))
			on |= mmcr0 & MMCR0_CC56RUN ? PMC5_PMC6 : runs;
		if (mmcr0 & MMCR0_TRIGGER)
			on &= PMC1;
		for (unsigned i = 0; on >> i; i++)
			if (is_frozen_alone(cpu, i, msr))
				on &= ~(PMC1 << i);
	}
	return PMCC(mmcr0) == PMCC_WITHOUT_PMC56 ? (on & PMC1_TO_PMC4) | runs : on;
}

/* The bits of the MSR on which it depends. */
static uint64_t msr_matters(const struct cpu *cpu)
{
	const unsigned on = counting(cpu, 0);

	return counting(cpu, MSR_PR) != on || counting(cpu, MSR_PMM) != on ||
			       counting(cpu, MSR_PR | MSR_PMM) != on ?
		       MSR_PR | MSR_PMM :
		       0;
}

/* ---- conditions ---- */

/* The counters whose being negative is an enabled condition. */
static unsigned enabled(uint64_t mmcr0)
{
	unsigned others = PMC1_TO_PMC4 & ~PMC1;

	if (PMCC(mmcr0) != PMCC_WITHOUT_PMC56)
		others |= PMC5_PMC6;
	return (mmcr0 & MMCR0_PMC1CE ? PMC1 : 0) | (mmcr0 & MMCR0_PMCJCE ? others : 0);
}

static unsigned negatives(const struct cpu *cpu)
{
	unsigned which = 0;

	for (unsigned i = 0; i < NR_PMCS; i++)
		which |= is_negative(cpu->pmc[i]) ? PMC1 << i : 0;
	return which;
}

/* What an enabled condition, or a negative PMC1, changes in MMCR0, if there is one. */
static void meet_condition(struct cpu *cpu)
{
	const uint64_t before = cpu->mmcr[0];
	const unsigned negative = negatives(cpu);
	const bool condition = negative & enabled(before);

	if (condition && before & MMCR0_PMAE) {
		cpu->mmcr[0] = (cpu->mmcr[0] & ~MMCR0_PMAE) | MMCR0_PMAO;
		cpu->pmc_sample = true;
		pmu_changed(cpu);
		cpu_leave(cpu);
	}
	if (condition && before & MMCR0_FCECE && !(before & MMCR0_TRIGGER))
		cpu->mmcr[0] |= MMCR0_FC;
	if (condition || negative & PMC1)
		cpu->mmcr[0] &= ~MMCR0_TRIGGER;
}

/*
 * Instructions until a counter of @on becomes negative and meet_condition() has something to do.
 * What it has to do for those that are negative was done when they became so, or were made so.
 */
static uint64_t until_condition(const struct cpu *cpu, unsigned on)
{
	const uint64_t mmcr0 = cpu->mmcr[0];
	const unsigned which = enabled(mmcr0) | (mmcr0 & MMCR0_TRIGGER ? PMC1 : 0);
	uint64_t least = PMU_NEVER;

	if (!(mmcr0 & (MMCR0_PMAE | MMCR0_FCECE | MMCR0_TRIGGER)))
		return PMU_NEVER;
	for (unsigned i = 0; i < NR_PMCS; i++) {
		const uint64_t left = (1ull << 31) - cpu->pmc[i];

		if ((on & which) >> i & 1 && !is_negative(cpu->pmc[i]) && left < least)
			least = left;
	}
	return least;
}

/* ---- counting ---- */

void pmu_settle(struct cpu *cpu, uint64_t insns)
{
	uint64_t left = insns - cpu->pmc_counted;

	cpu->pmc_counted = insns;
	/* A condition takes PMAE, TRIGGER or the counters away, so this ends soon. */
	while (left) {
		const unsigned on = counting(cpu, cpu->pmc_msr);
		const uint64_t until = until_condition(cpu, on), part = left < until ? left : until;

		for (unsigned i = 0; on >> i; i++)
			if (on >> i & 1)
				cpu->pmc[i] = (uint32_t)(cpu->pmc[i] + part);
		left -= part;
		if (part == until)
			meet_condition(cpu);
	}
}

static void raise_exception(struct cpu *cpu)
{
	const uint64_t event = MMCR0_PMAO | MMCR0_EBE;

	if (cpu->pmc_sample) {
		cpu->pmc_sample = false;
		cpu->siar = cpu->nip;
		cpu->sier[0] = SIER_SIAR_VALID | (cpu->msr & MSR_PR ? SIER_PROBLEM_STATE : 0);
	}
	if ((cpu->mmcr[0] & event) == event && cpu->bescr & BESCR_PME)
		cpu->bescr = (cpu->bescr & ~BESCR_PME) | BESCR_PMEO;
}

void pmu_update(struct cpu *cpu, uint64_t insns)
{
	uint64_t until;

	pmu_settle(cpu, insns);
	raise_exception(cpu);
	cpu->pmc_msr = cpu->msr;
	cpu->pmc_msr_matters = msr_matters(cpu);
	until = cpu->mmcr[0] & MMCR0_PMAE ? until_condition(cpu, counting(cpu, cpu->msr)) :
					    PMU_NEVER;
	cpu->pmc_due = until == PMU_NEVER ? PMU_NEVER : insns + until;
}

void pmu_written(struct cpu *cpu)
{
	meet_condition(cpu);
	pmu_changed(cpu);
	cpu_leave(cpu);
}

void pmu_reset(struct cpu *cpu)
{
	cpu->pmc_counted = cpu->insns;
	cpu->pmc_msr = cpu->msr;
	cpu->pmc_sample = false;
	pmu_changed(cpu);
}

/* ---- event-based branches ---- */

void pmu_branch(struct cpu *cpu)
{
	cpu->bescr &= ~BESCR_GE;
	cpu->ebbrr = cpu->nip;
	cpu->nip = effective_address(cpu, cpu->ebbhr);
}
