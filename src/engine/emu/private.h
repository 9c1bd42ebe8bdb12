/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the vCPUs of an engine share, and what its files share without a header of its own:
 * interrupts, the run's budget, SPRs. Most instruction semantics need only cpu.h.
 */
#ifndef FWNMI_ENGINE_EMU_PRIVATE_H
#define FWNMI_ENGINE_EMU_PRIVATE_H

#include <pthread.h>

#include "engine/emu/code/cache.h"
#include "engine/emu/cpu.h"
#include "engine/emu/pmu.h"
#include "isa/model.h"

/* Reasons of exits within the engine: see cpu_alone(), cpu_at_device(). */
#define EXIT_ALONE  100
#define EXIT_DEVICE 101

#define TOUCH_BITS 21 /* a huge page of the host */

struct power_engine {
	struct engine_config config;
	const struct cpu_model *model;
	const struct cpu_model *compat; /* problem state has what this one has (PCR) */
	struct engine_partition partition;
	struct guest_memory *memory;
	struct guest_clock *clock;
	unsigned nr_vcpus, core_threads;
	struct cpu *cpus[ENGINE_MAX_VCPUS];
	unsigned last_run; /* vCPU that ran last; ENGINE_MAX_VCPUS: none has */
	bool threads; /* each vCPU has a thread, and most caches of its own */
	bool beside; /* they run in their threads now; changes only while all are still */
	pthread_mutex_t lock; /* of the states of the vCPUs' threads */
	pthread_cond_t changed; /* one of these states has changed */

	bool *touched; /* by real address >> TOUCH_BITS: a vCPU has written there */

	struct code_cache code;
	pthread_mutex_t code_lock; /* of `code`, but for what cache.h says needs none; of `jit` */
	pthread_mutex_t new_code; /* held by the vCPU that decodes the first code of a page */
	unsigned drops; /* how often decoded code was dropped */
	struct jit *jit; /* NULL: nothing is translated */
	struct {
		uint8_t *words; /* NULL: nobody wants to know */
		uint64_t first, last;
	} executed; /* engine_ops.note_executed() */
	struct walk_cache walks;
	struct engine_planted planted[ENGINE_MAX_PLANTED];
	unsigned nr_planted;
	struct work work; /* of this run(), if vCPUs take turns */

	uint64_t random; /* state of darn under CLOCK_INSN */
	unsigned nr_warned;
	uint32_t warned[16]; /* illegal encodings already reported */
};

/** cpu_isa() - the version of the Power ISA that the vCPU has in its present state: see PCR */
static inline unsigned cpu_isa(const struct cpu *cpu)
{
	return cpu->msr & MSR_PR ? cpu->engine->compat->isa : cpu->engine->model->isa;
}

/* To be held, if there are threads, to add or drop code, decoded or translated. */
static inline void lock_code(struct power_engine *e)
{
	if (e->threads)
		pthread_mutex_lock(&e->code_lock);
}

static inline void unlock_code(struct power_engine *e)
{
	if (e->threads)
		pthread_mutex_unlock(&e->code_lock);
}

/** nr_walk_caches() - how many there are: those of the first vCPUs */
static inline unsigned nr_walk_caches(const struct power_engine *e)
{
	return e->threads ? e->nr_vcpus : 1;
}

/* ---- interrupts, registers ---- */

void cpu_interrupt(struct cpu *cpu, unsigned vector, uint64_t srr0, uint64_t srr1_bits);
void cpu_set_msr(struct cpu *cpu, uint64_t msr);
/**
 * cpu_leave() - return to the run loop after the running block. The instruction count stays exact.
 */
static inline void cpu_leave(struct cpu *cpu)
{
	if (cpu->budget > 0) {
		cpu->run_limit -= cpu->budget;
		cpu->budget = 0;
	}
}
/** cpu_state_changed() - what watch_state() watches for has changed: tell before going on. */
static inline void cpu_state_changed(struct cpu *cpu)
{
	cpu->state_changed = true;
	cpu_leave(cpu);
}
/** cpu_msr_changed() - the MSR was @before. Ends the block if the change is watched. */
static inline void cpu_msr_changed(struct cpu *cpu, uint64_t before)
{
	if (unlikely((cpu->msr ^ before) & cpu->msr_watched))
		cpu_state_changed(cpu);
}
/** cpu_work() - account for work that a block may repeat before it ends. */
static inline void cpu_work(struct cpu *cpu, int64_t amount)
{
	work_done(cpu->work, amount);
	if (unlikely(cpu->work->left < 0))
		cpu_leave(cpu);
}
/**
 * cpu_alone() - the running instruction changes what vCPUs share. If they run beside one another,
 * have it executed anew while all others stand still. True: that was raised, return EXCEPTION.
 */
static inline bool cpu_alone(struct cpu *cpu)
{
	if (likely(!cpu->engine->beside))
		return false;
	cpu_raise(cpu, EXCEPTION_ALONE, 0);
	return true;
}
/** cpu_at_device() - the same for an access to a device; the others go on meanwhile. */
static inline bool cpu_at_device(struct cpu *cpu)
{
	if (!cpu->engine->beside || cpu->reaches_devices)
		return false;
	cpu_raise(cpu, EXCEPTION_DEVICE, 0);
	return true;
}
/** cpu_external() - is the external interrupt input active? Another thread may set it. */
static inline bool cpu_external(const struct cpu *cpu)
{
	return __atomic_load_n(&cpu->external, __ATOMIC_RELAXED);
}
/** cpu_interrupt_waits() - is there an interrupt that MSR[EE] holds back? */
static inline bool cpu_interrupt_waits(const struct cpu *cpu)
{
	return cpu_external(cpu) || cpu->dec_pending || cpu->doorbell || pmu_interrupt_waits(cpu);
}
/** cpu_waits() - does a low priority say that the thread waits? 0: it never set one. */
static inline bool cpu_waits(const struct cpu *cpu)
{
	const uint64_t priority = (cpu->ppr & PPR_PRI) >> PPR_PRI_SHIFT;

	return priority && priority <= PRIORITY_LOW;
}

/**
 * cpu_relax() - instruction @index of the running block waits for others. This ends the run if the
 * vCPU's patience has ended.
 */
static inline void cpu_relax(struct cpu *cpu, unsigned index)
{
	if (unlikely(cpu->insns + (uint64_t)(cpu->run_limit - cpu->budget) + index >=
		     cpu->patience_ends)) {
		cpu->yields = true;
		cpu_leave(cpu);
	}
}

/** cpu_timebase() - time base as of instruction @index of the running block. */
uint64_t cpu_timebase(const struct cpu *cpu, unsigned index);
/**
 * cpu_warn_illegal() - report an encoding that is not in the table. Each is reported once, and only
 * a limited number, because the guest chooses them. False: cpu_alone() has raised, as the list of
 * those reported is shared.
 */
bool cpu_warn_illegal(struct cpu *cpu, uint32_t insn, uint64_t ea);

/* FSCR bits: facilities that problem state may use only if the operating system allows it. */
#define FSCR_DSCR   2
#define FSCR_PMU    3
#define FSCR_BHRB   4
#define FSCR_EBB    7
#define FSCR_TAR    8
#define FSCR_SCV    12
#define FSCR_PREFIX 13

/** cpu_facility_unavailable() - raise 0xf60, which FSCR says is for @bit. Returns EXCEPTION. */
int cpu_facility_unavailable(struct cpu *cpu, unsigned bit);
/** cpu_need_facility() - problem state may use it if FSCR[@bit] is set; else 0xf60 is raised. */
int cpu_need_facility(struct cpu *cpu, unsigned bit);

/** cpu_branch_waits() - is an event-based branch due? */
static inline bool cpu_branch_waits(const struct cpu *cpu)
{
	return unlikely(cpu->bescr & BESCR_GE) && cpu->bescr & (BESCR_PMEO | BESCR_EEO) &&
	       cpu->msr & MSR_PR && cpu->fscr >> FSCR_EBB & 1;
}

/** spr_read() - as mfspr does: @v keeps what it has if the register does not exist */
int spr_read(struct cpu *cpu, unsigned spr, unsigned index, uint64_t *v);
int spr_write(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v);

#endif
