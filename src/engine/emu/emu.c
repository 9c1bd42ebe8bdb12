/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The embedded engine behind engine.h: life cycle, run loop around the interpreter, interrupts,
 * registers. One host thread runs one vCPU at a time; only kick() may come from elsewhere.
 *
 * Counting: run() allows run_limit instructions. Each block subtracts its own from `budget` as it
 * ends, so at a block boundary this run has executed run_limit - budget instructions. cpu_leave()
 * lowers both by the same amount.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/emu/check.h"
#include "engine/emu/code/lookup.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/private.h"
#include "engine/emu/trace.h"
#include "engine/emu/uop/uop.h"
#include "isa/interrupt.h"

#define NR_TOUCHED(memory) ((((memory)->size - 1) >> TOUCH_BITS) + 1)
/* Under CLOCK_HOST, read the clock after this many instructions, about 50 microseconds. */
#define HOST_CHUNK	   20000

static struct cpu *cpu_of(struct engine *engine, unsigned vcpu)
{
	return ((struct power_engine *)engine)->cpus[vcpu];
}

void cpu_warn_illegal(struct cpu *cpu, uint32_t insn, uint64_t ea)
{
	struct power_engine *e = cpu->engine;
	char line[160];

	for (unsigned i = 0; i < e->nr_warned; i++)
		if (e->warned[i] == insn)
			return;
	if (!e->config.debug || e->nr_warned == sizeof(e->warned) / sizeof(e->warned[0]))
		return;
	e->warned[e->nr_warned++] = insn;
	snprintf(
		line, sizeof(line),
		"vCPU %u: illegal or unimplemented instruction 0x%08x at 0x%llx, program interrupt raised",
		cpu->index, insn, (unsigned long long)ea);
	e->config.debug(e->config.opaque, line);
}

/* ---- interrupts ---- */

int cpu_raise(struct cpu *cpu, unsigned vector, uint64_t srr1)
{
	cpu->exception = vector;
	cpu->exception_srr1 = srr1;
	cpu->exception_flags = 0;
	return EXCEPTION;
}

void cpu_set_msr(struct cpu *cpu, uint64_t msr)
{
	cpu->msr = msr;
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

/* ---- the run loop ---- */

/*
 * A micro-operation stopped in the middle of its block: count the instructions before it and set
 * NIP to its own. The block is found after the block's ending.
 */
static void settle(struct cpu *cpu)
{
	const struct uop *u = cpu->stop_uop, *end = u;
	const struct block *block;

	while (end->kind != UOP_trailer)
		end++;
	block = (const struct block *)(uintptr_t)end->imm;
	cpu->budget -= u->index;
	cpu->nip = cpu->page_ea + block_offset(block, u->index);
	cpu->stop_uop = NULL;
}

static void execute(struct cpu *cpu, const struct uop *u)
{
#ifdef FWNMI_LOOP_DISPATCH
	while (u)
		u = u->fn(cpu, u);
#else
	u->fn(cpu, u);
#endif
}

/* Deliver the interrupt that a micro-operation raised. True: the machine must handle it. */
static bool deliver_exception(struct cpu *cpu, struct engine_exit *exit)
{
	unsigned vector = cpu->exception;

	cpu->exception = 0;
	cpu->budget--; /* a faulting instruction counts too, so a guest that only faults uses up
			  its turn */
	if (vector == VECTOR_MACHINE_CHECK && !cpu->engine->config.no_mc_exit) {
		exit->reason = ENGINE_EXIT_MACHINE_CHECK;
		exit->machine_check.srr1 = cpu->exception_srr1;
		exit->machine_check.dsisr =
			cpu->exception_flags & EXCEPTION_DSISR ? cpu->exception_dsisr : 0;
		exit->machine_check.dar = cpu->exception_dar;
		exit->machine_check.dar_valid = cpu->exception_flags & EXCEPTION_DAR;
		exit->machine_check.address = cpu->machine_check_ra;
		exit->machine_check.address_valid = true;
		exit->machine_check.recovered = false;
		return true;
	}
	if (cpu->exception_flags & EXCEPTION_DAR)
		cpu->dar = cpu->exception_dar;
	if (cpu->exception_flags & EXCEPTION_DSISR)
		cpu->dsisr = cpu->exception_dsisr;
	cpu_interrupt(cpu, vector, cpu->nip + (cpu->exception_flags & EXCEPTION_NEXT ? 4 : 0),
		      cpu->exception_srr1);
	return false;
}

/* With MSR[SF]=0 the address of the next instruction has only 32 bits. */
static inline void cut_nip(struct cpu *cpu)
{
	if (unlikely(cpu->mode & CODE_32))
		cpu->nip = (uint32_t)cpu->nip;
}

/* Has the vCPU reached the instruction that watch_return() waits for? Then run() ends. */
static inline bool arrived(struct cpu *cpu)
{
	cut_nip(cpu);
	if (likely(cpu->nip != cpu->watch))
		return false;
	cpu->watch = ENGINE_NO_WATCH;
	cpu->exit = ENGINE_EXIT_DEBUG;
	return true;
}

/*
 * Run blocks from cpu->nip until the budget is spent or the run loop has work. False: machine check
 * exit.
 */
static bool run_blocks(struct cpu *cpu, struct engine_exit *exit)
{
	struct power_engine *e = cpu->engine;

	do {
		const struct uop *u;
		struct code_page *page;

		if (arrived(cpu))
			return true;
		page = code_fetch(cpu, cpu->nip);

		if (unlikely(!page)) {
			if (cpu->exception) {
				if (deliver_exception(cpu, exit))
					return false;
				continue;
			}
			code_flush(e);
			continue;
		}
		u = page->entry[(cpu->nip & PAGE_MASK_LOW) / 4];
		if (unlikely(!u)) {
			u = code_decode(e, page, (unsigned)(cpu->nip & PAGE_MASK_LOW));
			if (!u) {
				code_flush(e);
				continue;
			}
		}
		cpu->page_ea = cpu->nip & ~PAGE_MASK_LOW;
		execute(cpu, u);
		if (cpu->stop_uop) {
			settle(cpu);
			if (deliver_exception(cpu, exit))
				return false;
		}
	} while (cpu->budget > 0 && e->work.left > 0);
	return true;
}

/* MSR[SE] or MSR[BE]: run one instruction, then trace it unless it raised another interrupt. */
static bool run_traced(struct cpu *cpu, struct engine_exit *exit)
{
	struct power_engine *e = cpu->engine;
	struct code_page *page;
	struct traced traced;
	struct block *block;
	unsigned offset;

	if (arrived(cpu))
		return true;
	page = code_fetch(cpu, cpu->nip);
	if (!page) {
		if (cpu->exception)
			return !deliver_exception(cpu, exit);
		code_flush(e);
		return true;
	}
	offset = (unsigned)(cpu->nip & PAGE_MASK_LOW);
	block = code_decode_one(e, page, offset);
	if (!block) {
		code_flush(e);
		return true;
	}
	cpu->page_ea = cpu->nip & ~PAGE_MASK_LOW;
	trace_begin(cpu, decode_word(e->memory->base + page->ra + offset, cpu->mode), &traced);
	cpu_leave(cpu);
	cpu->budget = 1;
	cpu->run_limit++;
	execute(cpu, block->uops);
	if (cpu->stop_uop) {
		settle(cpu);
		code_discard(&e->code, block);
		return !deliver_exception(cpu, exit);
	}
	code_discard(&e->code, block);
	if (!traced.wanted || cpu->exit == ENGINE_EXIT_HCALL) /* a call goes on behind itself */
		return true;
	cut_nip(cpu);
	cpu->siar = traced.siar;
	if (traced.accesses)
		cpu->sdar = traced.sdar;
	cpu_interrupt(cpu, VECTOR_TRACE, cpu->nip, traced.srr1);
	return true;
}

/*
 * When the decrementer became negative, if it is, or else when it will. Its exception lasts while
 * it is negative. It has 32 bits and keeps counting, so the exception ends 2^31 ticks later.
 */
static uint64_t decrementer_edge(const struct cpu *cpu, uint64_t now)
{
	return now + 1 + (uint64_t)(int64_t)(int32_t)(cpu->dec_expiry - now - 1);
}

static bool decrementer_negative(const struct cpu *cpu, uint64_t now)
{
	return (int64_t)(decrementer_edge(cpu, now) - now) <= 0;
}

/* Instructions until the decrementer interrupts, at most `most`. Updates dec_pending. */
static int64_t until_decrementer(struct cpu *cpu, int64_t most)
{
	const struct guest_clock *clock = cpu->engine->clock;
	uint64_t now = cpu_timebase(cpu, 0);
	int64_t ticks = (int64_t)(decrementer_edge(cpu, now) - now);

	cpu->dec_pending = ticks <= 0;
	if (clock->mode == CLOCK_HOST)
		return most < HOST_CHUNK ? most : HOST_CHUNK;
	if (cpu->dec_pending || ticks > most)
		return most;
	/*
	 * A tick begins at an even count. So the result is never late and at most one instruction
	 * early, in which case we look again.
	 */
	int64_t insns = ticks * INSNS_PER_TICK;

	return insns < most ? insns : most;
}

#ifdef FWNMI_CHECK_CACHES
static void check_now_and_then(const struct power_engine *e, struct engine_exit *exit)
{
	static unsigned runs;
	const char *wrong = ++runs % 4096 ? NULL : caches_check(e);

	if (!wrong)
		return;
	exit->reason = ENGINE_EXIT_FAILED;
	snprintf(exit->message, sizeof(exit->message), "the embedded engine's caches: %s", wrong);
}
#endif

static void power_run(struct engine *engine, unsigned vcpu, uint64_t max_insns,
		      struct engine_exit *exit)
{
	struct power_engine *e = (struct power_engine *)engine;
	struct cpu *cpu = e->cpus[vcpu];
	int64_t most = max_insns > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)max_insns;
	int64_t done;

	/*
	 * Another vCPU may have stored since its last turn. If none ran, keep the reservation: a
	 * vCPU that is single-stepped through a lock must not lose it.
	 */
	if (e->last_run != cpu)
		cpu->reserved = false;
	e->last_run = cpu;
	cpu->exit = -1;
	cpu->run_limit = cpu->budget = 0;
	e->work.left = WORK_PER_RUN;
	exit->reason = ENGINE_EXIT_BUDGET;
	for (;;) {
		int64_t chunk;

		cut_nip(cpu);
		done = cpu->run_limit - cpu->budget;
		if (unlikely(cpu->exit >= 0)) {
			exit->reason = (enum engine_exit_reason)cpu->exit;
			break;
		}
		if (unlikely(__atomic_exchange_n(&cpu->kicked, 0, __ATOMIC_RELAXED))) {
			exit->reason = ENGINE_EXIT_KICKED;
			break;
		}
		if (done >= most || e->work.left <= 0)
			break;
		chunk = until_decrementer(cpu, most - done);
		if (cpu->msr & MSR_EE) {
			if (cpu->external)
				cpu_interrupt(cpu, VECTOR_EXTERNAL, cpu->nip, 0);
			else if (cpu->dec_pending)
				cpu_interrupt(cpu, VECTOR_DECREMENTER, cpu->nip, 0);
		}
		cpu->run_limit = done + chunk;
		cpu->budget = chunk;
		if (!(cpu->msr & (MSR_SE | MSR_BE) ? run_traced(cpu, exit) :
						     run_blocks(cpu, exit))) {
			done = cpu->run_limit - cpu->budget;
			break;
		}
	}
	e->clock->insns += (uint64_t)done;
	cpu->insns += (uint64_t)done;
	cpu->run_limit = cpu->budget = 0;
#ifdef FWNMI_CHECK_CACHES
	check_now_and_then(e, exit);
#endif
}

/* ---- life cycle ---- */

static void cpu_reset(struct cpu *cpu)
{
	memset(cpu->gpr, 0, offsetof(struct cpu, engine));
	tlb_init(&cpu->arrays, &cpu->engine->work);
	cpu_set_msr(cpu, MSR_SF | MSR_ME);
	cpu->ctrl = 1;
	cpu->watch = ENGINE_NO_WATCH;
	cpu->ppr = 4ull << 50;
	cpu->dec_expiry = clock_timebase(cpu->engine->clock, 0) + 0x7fffffff;
	cpu->exit = -1;
}

static void power_reset(struct engine *engine)
{
	struct power_engine *e = (struct power_engine *)engine;

	memset(&e->partition, 0, sizeof(e->partition));
	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		uint64_t insns = e->cpus[i]->insns;

		cpu_reset(e->cpus[i]);
		e->cpus[i]->index = i;
		e->cpus[i]->insns = insns;
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
		free(e->cpus[i]);
	free(e->touched);
	code_cache_destroy(&e->code);
	free(e);
}

static void power_written(struct engine *engine, uint64_t ra, uint64_t len)
{
	code_written((struct power_engine *)engine, ra, len);
}

static struct engine *power_create(const struct engine_config *config, char *err, size_t err_size)
{
	struct power_engine *e = calloc(1, sizeof(*e));
	bool ok = e && decode_init();

	if (ok) {
		e->config = *config;
		e->model = &cpu_model_power9;
		e->memory = config->memory;
		e->clock = config->clock;
		e->patience = UINT64_MAX;
		e->random = 0x9e3779b97f4a7c15ull;
		e->touched = calloc(NR_TOUCHED(config->memory), sizeof(e->touched[0]));
		ok = code_cache_create(&e->code, config->memory->size, &e->work) && e->touched;
		for (unsigned i = 0; ok && i < config->nr_vcpus; i++) {
			e->cpus[i] = aligned_alloc(64, (sizeof(struct cpu) + 63) & ~(size_t)63);
			if (!e->cpus[i]) {
				ok = false;
				break;
			}
			memset(e->cpus[i], 0, sizeof(struct cpu));
			e->cpus[i]->engine = e;
			e->nr_vcpus++;
		}
	}
	if (!ok) {
		power_destroy((struct engine *)e);
		snprintf(err, err_size, "no memory for the embedded engine");
		return NULL;
	}
	e->memory->written = power_written;
	e->memory->engine = (struct engine *)e;
	power_reset((struct engine *)e);
	return (struct engine *)e;
}

static unsigned power_capabilities(const struct engine *engine)
{
	const struct power_engine *e = (const struct power_engine *)engine;

	return (e->config.no_mc_exit ? 0 : ENGINE_CAP_MC_EXIT) | ENGINE_CAP_INSN_CLOCK |
	       ENGINE_CAP_SINGLE_BLOCK | ENGINE_CAP_AIL | ENGINE_CAP_FLUSH_TLB | ENGINE_CAP_RADIX;
}

/* ---- what the machine reads and writes ---- */

static void power_get_regs(struct engine *engine, unsigned vcpu, struct engine_regs *regs)
{
	const struct cpu *cpu = cpu_of(engine, vcpu);

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

static void power_set_regs(struct engine *engine, unsigned vcpu, const struct engine_regs *regs)
{
	struct cpu *cpu = cpu_of(engine, vcpu);

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
	cpu_set_msr(cpu, regs->msr);
}

static void power_interrupt(struct engine *engine, unsigned vcpu, unsigned vector, uint64_t srr1)
{
	struct cpu *cpu = cpu_of(engine, vcpu);

	cpu_interrupt(cpu, vector, cpu->nip, srr1);
}

static void power_set_external(struct engine *engine, unsigned vcpu, bool level)
{
	cpu_of(engine, vcpu)->external = level;
}

static void power_set_partition(struct engine *engine, const struct engine_partition *partition)
{
	struct power_engine *e = (struct power_engine *)engine;

	e->partition = *partition;
	mmu_flush_all(e);
}

static void power_flush_tlb(struct engine *engine)
{
	mmu_flush_all((struct power_engine *)engine);
}

static bool power_interrupt_pending(struct engine *engine, unsigned vcpu)
{
	const struct cpu *cpu = cpu_of(engine, vcpu);

	return cpu->external || decrementer_negative(cpu, clock_timebase(cpu->engine->clock, 0));
}

static uint64_t power_deadline(struct engine *engine, unsigned vcpu)
{
	const struct cpu *cpu = cpu_of(engine, vcpu);

	return decrementer_edge(cpu, clock_timebase(cpu->engine->clock, 0));
}

static uint64_t power_insns(const struct engine *engine, unsigned vcpu)
{
	return ((const struct power_engine *)engine)->cpus[vcpu]->insns;
}

static void power_watch_return(struct engine *engine, unsigned vcpu, uint64_t ea)
{
	cpu_of(engine, vcpu)->watch = ea;
}

static uint32_t power_pvr(const struct engine *engine)
{
	return ((const struct power_engine *)engine)->model->pvr;
}

static void power_set_patience(struct engine *engine, uint64_t insns)
{
	((struct power_engine *)engine)->patience = insns;
}

static void power_kick(struct engine *engine, unsigned vcpu)
{
	__atomic_store_n(&cpu_of(engine, vcpu)->kicked, 1, __ATOMIC_RELAXED);
}

const struct engine_ops engine_power = {
	.name = "embedded POWER9",
	.create = power_create,
	.destroy = power_destroy,
	.capabilities = power_capabilities,
	.reset = power_reset,
	.run = power_run,
	.get_regs = power_get_regs,
	.set_regs = power_set_regs,
	.interrupt = power_interrupt,
	.set_external = power_set_external,
	.set_partition = power_set_partition,
	.flush_tlb = power_flush_tlb,
	.interrupt_pending = power_interrupt_pending,
	.deadline = power_deadline,
	.insns = power_insns,
	.watch_return = power_watch_return,
	.pvr = power_pvr,
	.set_patience = power_set_patience,
	.kick = power_kick,
};
