/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The embedded engine behind engine.h: life cycle, interrupts, registers. One host thread runs one
 * vCPU at a time, or each vCPU has a thread: vcpu_thread.h. Only kick() may come from a
 * thread other than the machine's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compare_and_swap.h"
#include "engine/emu/code/lookup.h"
#include "engine/emu/debug_registers.h"
#include "engine/emu/jit/emitter.h"
#include "engine/emu/jit/jit.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/mmu/planted.h"
#include "engine/emu/mmu/segments.h"
#include "engine/emu/private.h"
#include "engine/emu/run_loop.h"
#include "engine/emu/cpu_state.h"
#include "engine/emu/vcpu_thread.h"
#include "engine/emu/watchpoints.h"
#include "isa/interrupt.h"

#define NR_TOUCHED(memory) ((((memory)->size - 1) >> TOUCH_BITS) + 1)

static struct cpu *cpu_of(struct engine *engine, unsigned vcpu)
{
	return ((struct power_engine *)engine)->cpus[vcpu];
}

/* The same, and it stands still until its next run(). */
static struct cpu *held(struct engine *engine, unsigned vcpu)
{
	struct cpu *cpu = cpu_of(engine, vcpu);

	cpu_hold(cpu);
	return cpu;
}

/* All stand still. */
static struct power_engine *all_held(struct engine *engine)
{
	struct power_engine *e = (struct power_engine *)engine;

	cpu_hold_all(e);
	return e;
}

/* Is this encoding to be warned of? */
static bool is_news(const struct power_engine *e, uint32_t insn)
{
	for (unsigned i = 0; i < e->nr_warned; i++)
		if (e->warned[i] == insn)
			return false;
	return e->config.debug && e->nr_warned < sizeof(e->warned) / sizeof(e->warned[0]);
}

bool cpu_warn_illegal(struct cpu *cpu, uint32_t insn, uint64_t ea)
{
	struct power_engine *e = cpu->engine;
	char line[160];

	if (!is_news(e, insn))
		return true;
	if (cpu_alone(cpu))
		return false;
	e->warned[e->nr_warned++] = insn;
	snprintf(
		line, sizeof(line),
		"vCPU %u: illegal or unimplemented instruction 0x%08x at 0x%llx, program interrupt raised",
		cpu->index, insn, (unsigned long long)ea);
	e->config.debug(e->config.opaque, line);
	return true;
}

/* ---- interrupts ---- */

int cpu_raise(struct cpu *cpu, unsigned vector, uint64_t srr1)
{
	cpu->exception = vector;
	cpu->exception_srr1 = srr1;
	cpu->exception_flags = 0;
	return EXCEPTION;
}

int cpu_misaligned(struct cpu *cpu, uint64_t ea)
{
	cpu_raise(cpu, VECTOR_ALIGNMENT, 0);
	cpu->exception_flags = EXCEPTION_DAR | EXCEPTION_DSISR;
	cpu->exception_dar = ea;
	cpu->exception_dsisr = 0;
	return EXCEPTION;
}

void cpu_raise_machine_check(struct cpu *cpu, uint64_t ea, bool fetch, uint32_t fetch_srr1,
			     uint32_t data_dsisr)
{
	cpu_raise(cpu, VECTOR_MACHINE_CHECK, fetch ? fetch_srr1 : SRR1_MC_LOADSTORE);
	if (fetch)
		return;
	cpu->exception_flags = EXCEPTION_DAR | EXCEPTION_DSISR;
	cpu->exception_dsisr = data_dsisr;
	cpu->exception_dar = ea;
}

void cpu_set_msr(struct cpu *cpu, uint64_t msr)
{
	const uint64_t before = cpu->msr;

	cpu->msr = msr;
	cpu_msr_changed(cpu, before);
	if (unlikely((msr ^ before) & cpu->pmc_msr_matters)) {
		pmu_changed(cpu);
		cpu_leave(cpu);
	}
	mmu_mode_changed(cpu);
}

void cpu_interrupt(struct cpu *cpu, unsigned vector, uint64_t srr0, uint64_t srr1_bits)
{
	const struct engine_partition *p = &cpu->engine->partition;
	const struct interrupt_settings settings = { p->interrupt_little_endian, p->ail };
	struct interrupt_regs regs = { .nip = srr0, .msr = cpu->msr };

	interrupt_take(&regs, vector, srr1_bits, &settings);
	if (vector >= VECTOR_SCV) {
		cpu->lr = regs.old_nip;
		cpu->ctr = regs.old_msr;
	} else {
		cpu->srr0 = regs.old_nip;
		cpu->srr1 = regs.old_msr;
	}
	cpu->nip = regs.nip;
	cpu->reserved = false;
	cpu_set_msr(cpu, regs.msr);
}

uint64_t cpu_timebase(const struct cpu *cpu, unsigned index)
{
	return clock_timebase(cpu->engine->clock, (uint64_t)(cpu->run_limit - cpu->budget) + index);
}

static void power_run(struct engine *engine, unsigned vcpu, uint64_t max_insns,
		      struct engine_exit *exit)
{
	struct cpu *cpu = cpu_of(engine, vcpu);

	if (cpu->engine->beside)
		cpu_run_beside(cpu, max_insns, exit);
	else
		cpu_run(cpu, max_insns, exit);
}

static void power_stop(struct engine *engine)
{
	all_held(engine);
}

/*
 * Instructions that change an SLB may end an error planted in it, and planted errors are shared.
 * Parts of blocks, as CIABR needs them, are for one vCPU at a time.
 */
static bool may_run_beside(const struct power_engine *e)
{
	bool may = e->threads && (e->partition.radix || !e->nr_planted);

	for (unsigned i = 0; may && i < e->nr_vcpus; i++)
		may = !debug_breaks_anywhere(e->cpus[i]);
	return may;
}

static bool power_run_beside(struct engine *engine, bool beside)
{
	struct power_engine *e = (struct power_engine *)engine;

	beside &= may_run_beside(e);
	if (beside == e->beside)
		return beside;
	cpu_hold_all(e);
	cpu_set_beside(e, beside);
	return beside;
}

/* ---- life cycle ---- */

static void cpu_reset(struct cpu *cpu)
{
	memset(cpu->gpr, 0, offsetof(struct cpu, engine));
	tlb_init(&cpu->arrays, cpu->work);
	cpu_set_msr(cpu, MSR_SF | MSR_ME);
	cpu->ctrl = 1;
	cpu->mmcr[0] = MMCR0_FC;
	cpu->watch = ENGINE_NO_WATCH;
	cpu->ppr = 4ull << 50;
	cpu->dec_expiry = clock_timebase(cpu->engine->clock, 0) + 0x7fffffff;
	cpu->exit = -1;
	cpu->patience_ends = UINT64_MAX;
	cpu->may_pass_time = false;
	cpu->stop_at = ENGINE_NO_STOP;
	cpu->nr_watches = 0;
	cpu->msr_watched = 0;
	cpu->pid_watched = cpu->state_changed = false;
	cpu->yields = false;
	cpu->met_device = false;
	cpu->watch_told = false;
}

static void power_reset(struct engine *engine)
{
	struct power_engine *e = all_held(engine);

	memset(&e->partition, 0, sizeof(e->partition));
	e->nr_planted = 0;
	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		uint64_t insns = e->cpus[i]->insns;

		cpu_reset(e->cpus[i]);
		e->cpus[i]->index = i;
		e->cpus[i]->insns = insns;
		pmu_reset(e->cpus[i]);
	}
	memset(e->touched, 0, NR_TOUCHED(e->memory));
	code_flush(e);
	mmu_reset(e);
}

static void power_destroy(struct engine *engine)
{
	struct power_engine *e = (struct power_engine *)engine;

	if (!e)
		return;
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		cpu_end_thread(e->cpus[i]);
	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		if (e->threads)
			free(e->cpus[i]->walks);
		free(e->cpus[i]->thread);
		free(e->cpus[i]);
	}
	free(e->touched);
	jit_destroy(e->jit);
	code_cache_destroy(&e->code);
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->new_code);
	pthread_mutex_destroy(&e->code_lock);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static void power_written(struct engine *engine, uint64_t ra, uint64_t len)
{
	code_written((struct power_engine *)engine, ra, len);
}

/* The vCPUs must meet poison in a page table as well, so they forget what they found there. */
static void power_poison(struct engine *engine, uint64_t ra, uint64_t len)
{
	mmu_flush_all((struct power_engine *)engine);
	code_written((struct power_engine *)engine, ra, len);
}

static struct cpu *create_cpu(struct power_engine *e)
{
	struct cpu *cpu = aligned_alloc(64, (sizeof(*cpu) + 63) & ~(size_t)63);

	if (!cpu)
		return NULL;
	memset(cpu, 0, sizeof(*cpu));
	cpu->engine = e;
	cpu->work = &e->work;
	cpu->walks = &e->walks;
	if (!e->threads)
		return cpu;
	cpu->walks = calloc(1, sizeof(*cpu->walks));
	cpu->thread = calloc(1, sizeof(*cpu->thread));
	if (cpu->walks && cpu->thread && !cpu_start_thread(cpu))
		return cpu;
	free(cpu->walks);
	free(cpu->thread);
	free(cpu);
	return NULL;
}

static bool refuse_threads(const struct engine_config *config, char *err, size_t err_size)
{
	if (!config->threads)
		return false;
	if (config->clock->mode == CLOCK_INSN)
		snprintf(err, err_size,
			 "vCPUs with threads of their own cannot share a count of instructions");
	else if (config->jit == ENGINE_JIT_CHECK)
		snprintf(err, err_size,
			 "code that others run beside cannot be executed twice to be compared");
	else if (!HAS_COMPARE_AND_SWAP_16)
		snprintf(err, err_size, "this host cannot compare and swap 16 bytes");
	else
		return false;
	return true;
}

/* Nobody has asked for translated code: the guest runs without, which is said once. */
static bool do_without_jit(const struct power_engine *e, const char *reason)
{
	char line[256];

	snprintf(line, sizeof(line), "%s; the guest's code is interpreted", reason);
	if (e->config.debug)
		e->config.debug(e->config.opaque, line);
	return true;
}

/* false: the host cannot do what is asked for. By ENGINE_JIT_AUTO it need not. */
static bool create_jit(struct power_engine *e, char *err, size_t err_size)
{
	const bool wanted = e->config.jit != ENGINE_JIT_AUTO;
	const enum engine_jit mode = wanted ? e->config.jit : ENGINE_JIT_USUAL;

	if (mode == ENGINE_JIT_OFF || (mode == ENGINE_JIT_CHECK && e->threads))
		return true;
	if (!wanted && !emitter_exists())
		return true;
	if (e->threads && !emitter_serves_threads()) {
		snprintf(err, err_size, "this host's translated code is for one thread");
		return !wanted;
	}
	e->jit = jit_create(mode, JIT_CODE_BYTES, err, err_size);
	if (e->jit && e->config.nr_children &&
	    !jit_prepare(e->jit, e->config.nr_children, JIT_CODE_BYTES)) {
		snprintf(err, err_size, "no memory for code that %u processes translate",
			 e->config.nr_children);
		jit_destroy(e->jit);
		e->jit = NULL;
	}
	return e->jit || (!wanted && do_without_jit(e, err));
}

static struct engine *power_create(const struct engine_config *config, char *err, size_t err_size)
{
	struct power_engine *e;
	bool ok;

	if (refuse_threads(config, err, err_size))
		return NULL;
	e = calloc(1, sizeof(*e));
	ok = e && decode_init();
	if (ok) {
		pthread_mutex_init(&e->lock, NULL);
		pthread_mutex_init(&e->code_lock, NULL);
		pthread_mutex_init(&e->new_code, NULL);
		pthread_cond_init(&e->changed, NULL);
		e->threads = config->threads;
		e->core_threads = config->core_threads ? config->core_threads : 1;
		e->config = *config;
		e->model = cpu_model_or_default(config->cpu);
		e->compat = config->compat ? config->compat : e->model;
		e->memory = config->memory;
		e->clock = config->clock;
		e->last_run = ENGINE_MAX_VCPUS;
		e->random = 0x9e3779b97f4a7c15ull;
		e->touched = calloc(NR_TOUCHED(config->memory), sizeof(e->touched[0]));
		ok = code_cache_create(&e->code, config->memory->size, &e->work) && e->touched;
		for (unsigned i = 0; ok && i < config->nr_vcpus; i++) {
			e->cpus[i] = create_cpu(e);
			ok = e->cpus[i];
			e->nr_vcpus += ok;
		}
	}
	if (!ok) {
		power_destroy((struct engine *)e);
		snprintf(err, err_size, "no memory for the embedded engine");
		return NULL;
	}
	if (!create_jit(e, err, err_size)) {
		power_destroy((struct engine *)e);
		return NULL;
	}
	e->memory->written = power_written;
	e->memory->poison = power_poison;
	e->memory->engine = (struct engine *)e;
	power_reset((struct engine *)e);
	return (struct engine *)e;
}

static void power_describe(const struct engine *engine, struct engine_description *description)
{
	const struct power_engine *e = (const struct power_engine *)engine;

	*description = (struct engine_description){
		.capabilities = (e->config.no_mc_exit ? 0 : ENGINE_CAP_MC_EXIT | ENGINE_CAP_PLANT) |
				ENGINE_CAP_INSN_CLOCK | ENGINE_CAP_SINGLE_BLOCK | ENGINE_CAP_AIL |
				ENGINE_CAP_AIL_2 | ENGINE_CAP_FLUSH_TLB | ENGINE_CAP_POISON |
				ENGINE_CAP_WINDOWS | ENGINE_CAP_HASH_TABLE | ENGINE_CAP_DOORBELL |
				(cpu_model_has_radix(e->compat) ? ENGINE_CAP_RADIX : 0),
		.pvr = e->model->pvr,
	};
}

/* ---- what the machine reads and writes ---- */

static void power_get_regs(struct engine *engine, unsigned vcpu, struct engine_regs *regs)
{
	const struct cpu *cpu = held(engine, vcpu);

	memcpy(regs->gpr, cpu->gpr, sizeof(regs->gpr));
	memcpy(regs->sprg, cpu->sprg, sizeof(regs->sprg));
	regs->nip = cpu->nip;
	regs->msr = cpu->msr;
	regs->lr = cpu->lr;
	regs->ctr = cpu->ctr;
	regs->cr = cpu_get_cr(cpu);
	regs->xer = cpu_get_xer(cpu);
	regs->srr0 = cpu->srr0;
	regs->srr1 = cpu->srr1;
	regs->dar = cpu->dar;
	regs->dsisr = cpu->dsisr;
}

/* Another vCPU may be invalidating what this one, which stands still, has cached. */
static void lock_caches(struct cpu *cpu)
{
	if (cpu->shootdowns)
		pthread_mutex_lock(&cpu->shootdowns->lock);
}

static void unlock_caches(struct cpu *cpu)
{
	if (cpu->shootdowns)
		pthread_mutex_unlock(&cpu->shootdowns->lock);
}

static void power_set_regs(struct engine *engine, unsigned vcpu, const struct engine_regs *regs)
{
	struct cpu *cpu = held(engine, vcpu);

	memcpy(cpu->gpr, regs->gpr, sizeof(regs->gpr));
	memcpy(cpu->sprg, regs->sprg, sizeof(regs->sprg));
	cpu->nip = regs->nip & ~3ull;
	cpu->lr = regs->lr;
	cpu->ctr = regs->ctr;
	cpu_set_cr(cpu, regs->cr);
	cpu_set_xer(cpu, regs->xer);
	cpu->srr0 = regs->srr0;
	cpu->srr1 = regs->srr1;
	cpu->dar = regs->dar;
	cpu->dsisr = regs->dsisr;
	cpu->reserved = false; /* the vCPU may go on elsewhere */
	cpu->block_left = 0;
	cpu->watch_told = false;
	lock_caches(cpu);
	cpu_set_msr(cpu, regs->msr);
	unlock_caches(cpu);
}

static void power_get_program_regs(struct engine *engine, unsigned vcpu,
				   struct engine_program_regs *regs)
{
	const struct cpu *cpu = held(engine, vcpu);

	for (unsigned i = 0; i < 64; i++) {
		regs->vsr[i][0] = VSR_D(cpu->vsr[i], 0);
		regs->vsr[i][1] = VSR_D(cpu->vsr[i], 1);
	}
	regs->fpscr = cpu->fpscr;
	regs->tar = cpu->tar;
	regs->dscr = cpu->dscr;
	regs->ppr = cpu->ppr;
	regs->amr = cpu->amr;
	regs->vscr = cpu->vscr;
	regs->vrsave = cpu->vrsave;
}

static void power_set_program_regs(struct engine *engine, unsigned vcpu,
				   const struct engine_program_regs *regs)
{
	struct cpu *cpu = all_held(engine)->cpus[vcpu];
	const uint64_t amr = cpu->amr;

	for (unsigned i = 0; i < 64; i++) {
		VSR_D(cpu->vsr[i], 0) = regs->vsr[i][0];
		VSR_D(cpu->vsr[i], 1) = regs->vsr[i][1];
	}
	cpu->fpscr = regs->fpscr;
	cpu->tar = regs->tar;
	cpu->dscr = regs->dscr;
	cpu->ppr = regs->ppr;
	cpu->amr = regs->amr;
	mmu_amr_changed(cpu, amr);
	cpu->vscr = regs->vscr;
	cpu->vrsave = regs->vrsave;
}

static bool power_look_up(struct engine *engine, unsigned vcpu, uint64_t ea, uint64_t *ra)
{
	return mmu_look_up(all_held(engine)->cpus[vcpu], ea, ra);
}

static void power_set_external(struct engine *engine, unsigned vcpu, bool level)
{
	__atomic_store_n(&cpu_of(engine, vcpu)->external, level, __ATOMIC_RELAXED);
}

static void power_ring_doorbell(struct engine *engine, unsigned vcpu)
{
	held(engine, vcpu)->doorbell = true;
}

static void power_set_partition(struct engine *engine, const struct engine_partition *partition)
{
	struct power_engine *e = all_held(engine);

	e->partition = *partition;
	if (!may_run_beside(e))
		cpu_set_beside(e, false);
	mmu_flush_all(e);
}

static void power_flush_tlb(struct engine *engine, bool slb)
{
	const struct planted_flush all = { .vcpu = ENGINE_MAX_VCPUS,
					   .caches = slb ? PLANTED_ANYWHERE :
							   1u << ENGINE_ERAT | 1u << ENGINE_TLB,
					   .last = UINT64_MAX };
	struct power_engine *e = all_held(engine);

	planted_flush(e, &all);
	mmu_flush_all(e);
}

static void power_flush_process(struct engine *engine, uint32_t pid, uint64_t first, uint64_t last,
				bool planted)
{
	mmu_flush_process(all_held(engine), pid, first, last, planted);
}

static void power_set_debug_register(struct engine *engine, unsigned vcpu,
				     enum engine_debug_register which, uint64_t value,
				     uint64_t extension)
{
	struct power_engine *e = all_held(engine);

	debug_registers_set(e->cpus[vcpu], which, value, extension);
	if (!may_run_beside(e))
		cpu_set_beside(e, false);
}

/* A reservation may be lost at any time, and its value is no part of the state. */
static void power_saving(struct engine *engine)
{
	struct power_engine *e = all_held(engine);

	mmu_flush_all(e);
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		pmu_settle(e->cpus[i], e->cpus[i]->insns);
	for (unsigned i = 0; e->threads && i < e->nr_vcpus; i++)
		e->cpus[i]->reserved = false;
}

static void power_flush_hpte(struct engine *engine, uint64_t index, uint64_t v, uint64_t r)
{
	mmu_flush_hpte((struct power_engine *)engine, index, v, r);
}

static void power_get_slb(const struct engine *engine, unsigned vcpu,
			  struct engine_slb_entry *entries)
{
	memcpy(entries, ((const struct power_engine *)engine)->cpus[vcpu]->slb,
	       sizeof(struct engine_slb_entry) * SLB_ENTRIES);
}

static void power_set_slb(struct engine *engine, unsigned vcpu,
			  const struct engine_slb_entry *entries)
{
	struct cpu *cpu = held(engine, vcpu);

	lock_caches(cpu);
	slb_invalidate_all(cpu, 0, false);
	for (unsigned i = 0; i < SLB_ENTRIES; i++)
		slb_write(cpu, i, entries[i].esid & ~SLB_INDEX, entries[i].vsid);
	unlock_caches(cpu);
}

static bool power_plant(struct engine *engine, const struct engine_planted *planted)
{
	struct power_engine *e = all_held(engine);
	const bool added = planted_add(e, planted);

	if (!may_run_beside(e))
		cpu_set_beside(e, false);
	return added;
}

static unsigned power_planted(const struct engine *engine, const struct engine_planted **list)
{
	const struct power_engine *e = (const struct power_engine *)engine;

	*list = e->planted;
	return e->nr_planted;
}

static void power_unplant(struct engine *engine, unsigned vcpu, uint64_t first, uint64_t last)
{
	const struct planted_flush flush = {
		.vcpu = vcpu, .caches = PLANTED_ANYWHERE, .first = first, .last = last
	};

	planted_flush(all_held(engine), &flush);
}

static bool power_interrupt_pending(struct engine *engine, unsigned vcpu)
{
	const struct cpu *cpu = cpu_of(engine, vcpu);

	return cpu_external(cpu) || cpu->doorbell || pmu_interrupt_waits(cpu) ||
	       decrementer_negative(cpu, clock_timebase(cpu->engine->clock, 0));
}

static uint64_t power_deadline(struct engine *engine, unsigned vcpu)
{
	const struct cpu *cpu = held(engine, vcpu);

	return decrementer_edge(cpu, clock_timebase(cpu->engine->clock, 0));
}

static uint64_t power_insns(const struct engine *engine, unsigned vcpu)
{
	const struct cpu *cpu = ((const struct power_engine *)engine)->cpus[vcpu];

	return __atomic_load_n(&cpu->insns, __ATOMIC_RELAXED);
}

static void power_watch_return(struct engine *engine, unsigned vcpu, uint64_t ea)
{
	held(engine, vcpu)->watch = ea;
}

static void power_set_patience(struct engine *engine, unsigned vcpu, uint64_t insns,
			       bool others_wait)
{
	struct cpu *cpu = cpu_of(engine, vcpu);

	if (cpu->engine->beside)
		return;
	cpu->may_pass_time = others_wait;
	cpu->patience_ends = insns < UINT64_MAX - cpu->insns ? cpu->insns + insns : UINT64_MAX;
}

static bool power_waits(struct engine *engine, unsigned vcpu)
{
	return cpu_waits(cpu_of(engine, vcpu));
}

static void power_stop_at(struct engine *engine, unsigned vcpu, uint64_t insns)
{
	cpu_of(engine, vcpu)->stop_at = insns;
}

static void power_set_watches(struct engine *engine, unsigned vcpu,
			      const struct engine_watch *watches, unsigned count)
{
	watchpoints_set(cpu_of(engine, vcpu), watches, count);
}

static void power_watch_state(struct engine *engine, unsigned vcpu, uint64_t msr_bits, bool pid)
{
	struct cpu *cpu = held(engine, vcpu);

	cpu->msr_watched = msr_bits;
	cpu->pid_watched = pid;
	cpu->state_changed = false;
}

/* Blocks are noted when they are decoded. */
static void power_note_executed(struct engine *engine, uint8_t *words, uint64_t first,
				uint64_t last)
{
	struct power_engine *e = (struct power_engine *)engine;

	e->executed.words = words;
	e->executed.first = first;
	e->executed.last = last;
	code_flush(e);
}

static uint32_t power_pid(const struct engine *engine, unsigned vcpu)
{
	struct cpu *cpu = ((const struct power_engine *)engine)->cpus[vcpu];

	cpu_hold(cpu);
	return (uint32_t)cpu->pidr;
}

static void power_forked(struct engine *engine, unsigned number)
{
	struct power_engine *e = (struct power_engine *)engine;

	if (e->jit)
		jit_forked(e->jit, number);
}

static void power_kick(struct engine *engine, unsigned vcpu)
{
	__atomic_store_n(&cpu_of(engine, vcpu)->kicked, 1, __ATOMIC_RELAXED);
}

const struct engine_ops engine_power = {
	.name = "embedded processor",
	.create = power_create,
	.destroy = power_destroy,
	.describe = power_describe,
	.reset = power_reset,
	.run = power_run,
	.stop = power_stop,
	.run_beside = power_run_beside,
	.get_regs = power_get_regs,
	.set_regs = power_set_regs,
	.get_program_regs = power_get_program_regs,
	.set_program_regs = power_set_program_regs,
	.look_up = power_look_up,
	.set_external = power_set_external,
	.ring_doorbell = power_ring_doorbell,
	.set_partition = power_set_partition,
	.flush_tlb = power_flush_tlb,
	.flush_process = power_flush_process,
	.flush_hpte = power_flush_hpte,
	.get_slb = power_get_slb,
	.set_slb = power_set_slb,
	.set_debug_register = power_set_debug_register,
	.plant = power_plant,
	.planted = power_planted,
	.unplant = power_unplant,
	.interrupt_pending = power_interrupt_pending,
	.deadline = power_deadline,
	.insns = power_insns,
	.watch_return = power_watch_return,
	.set_patience = power_set_patience,
	.waits = power_waits,
	.stop_at = power_stop_at,
	.set_watches = power_set_watches,
	.watch_state = power_watch_state,
	.note_executed = power_note_executed,
	.pid = power_pid,
	.forked = power_forked,
	.kick = power_kick,
	.parts = cpu_parts,
	.saving = power_saving,
	.loaded = cpu_loaded,
};
