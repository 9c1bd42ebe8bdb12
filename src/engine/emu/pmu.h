/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The performance monitor. Power ISA 3.1B, Book III, chapter "Performance Monitor Facility"; Book
 * II, chapter "Event-Based Branch Facility".
 *
 * It counts instructions that have completed; each takes one cycle. Nothing looks at a counter
 * while it counts. pmc[] is what the counters were when the vCPU had executed pmc_counted
 * instructions. Settle them before reading them, and before changing what they depend on. Only a
 * counter that is going to raise an alert bounds the run, as the decrementer does.
 */
#ifndef FWNMI_ENGINE_EMU_PMU_H
#define FWNMI_ENGINE_EMU_PMU_H

#include "engine/emu/cpu.h"
#include "isa/msr.h"

#define PMU_NEVER UINT64_MAX

/* MMCR0 */
#define MMCR0_FC      0x80000000ull /* all counters are frozen */
#define MMCR0_BHRBA   0x200000ull /* problem state may use the branch history buffer */
#define MMCR0_EBE     0x100000ull /* an alert is an event-based exception */
#define MMCR0_PMCC    0xc0000ull /* what problem state may access */
#define MMCR0_PMCCEXT 0x200ull /* from ISA 3.1 on: less, with PMCC=0 */
#define MMCR0_PMAO    0x80ull /* there was an alert */
#define PMCC(mmcr0)   (((mmcr0)&MMCR0_PMCC) >> 18)

/* PMCC */
enum {
	PMCC_READ = 0,
	PMCC_NOTHING = 1,
	PMCC_WITHOUT_PMC56 = 3, /* they are no part of the performance monitor */
};

/* BESCR */
#define BESCR_GE   (1ull << 63) /* event-based branches are enabled, */
#define BESCR_PME  (1ull << 32) /* and exceptions of the performance monitor */
#define BESCR_EEO  2ull /* There was an external event, */
#define BESCR_PMEO 1ull /* or one of the performance monitor. */

/** pmu_reset() - count from here on, with the registers as they are */
void pmu_reset(struct cpu *cpu);
/** pmu_settle() - let pmc[] be the counters when the vCPU has executed @insns instructions */
void pmu_settle(struct cpu *cpu, uint64_t insns);
/**
 * pmu_update() - the same between two instructions, the next at NIP, and @insns is pmc_due or
 * more: raise the alert that is due, and find out when the next one is.
 */
void pmu_update(struct cpu *cpu, uint64_t insns);
/** pmu_branch() - take the event-based branch that waits */
void pmu_branch(struct cpu *cpu);

/**
 * pmu_written() - software has written to what the counters depend on, or to one of them; they were
 * settled before. Ends the block.
 */
void pmu_written(struct cpu *cpu);

/** pmu_changed() - the MSR has changed what counts. The next block is to begin with an update. */
static inline void pmu_changed(struct cpu *cpu)
{
	cpu->pmc_due = 0;
}

/** pmu_not_completed() - an instruction that counts as executed has not completed */
static inline void pmu_not_completed(struct cpu *cpu)
{
	cpu->pmc_counted++;
	if (cpu->pmc_due && cpu->pmc_due != PMU_NEVER)
		cpu->pmc_due++;
}

/** pmu_interrupt_waits() - is there a performance monitor exception that MSR[EE] holds back? */
static inline bool pmu_interrupt_waits(const struct cpu *cpu)
{
	return (cpu->mmcr[0] & (MMCR0_PMAO | MMCR0_EBE)) == MMCR0_PMAO;
}

#endif
