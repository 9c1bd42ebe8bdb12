/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run loop around the interpreter: it finds the block at NIP, executes it, delivers the
 * interrupts that it raises, and ends when the machine has something to do.
 *
 * Counting: run() allows run_limit instructions. Each block subtracts its own from `budget` as it
 * ends, so at a block boundary this run has executed run_limit - budget instructions. cpu_leave()
 * lowers both by the same amount.
 */
#include <stdio.h>

#include "engine/emu/check.h"
#include "engine/emu/code/lookup.h"
#include "engine/emu/private.h"
#include "engine/emu/run_loop.h"
#include "engine/emu/trace.h"

/* Under CLOCK_HOST, read the clock after this many instructions, about 50 microseconds. */
#define HOST_CHUNK 20000

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
	if (!traced.wanted || cpu->exit == ENGINE_EXIT_HCALL) /* already at the next one */
		return true;
	cut_nip(cpu);
	cpu->siar = traced.siar;
	if (traced.accesses)
		cpu->sdar = traced.sdar;
	cpu_interrupt(cpu, VECTOR_TRACE, cpu->nip, traced.srr1);
	return true;
}

/* It has 32 bits and keeps counting, so the exception ends 2^31 ticks later. */
uint64_t decrementer_edge(const struct cpu *cpu, uint64_t now)
{
	return now + 1 + (uint64_t)(int64_t)(int32_t)(cpu->dec_expiry - now - 1);
}

bool decrementer_negative(const struct cpu *cpu, uint64_t now)
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

void cpu_run(struct cpu *cpu, uint64_t max_insns, struct engine_exit *exit)
{
	struct power_engine *e = cpu->engine;
	int64_t most = max_insns > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)max_insns;
	int64_t done;

	/*
	 * Another vCPU may have stored since its last turn. If none ran, keep the reservation: a
	 * vCPU that is single-stepped through a lock must not lose it.
	 */
	if (e->last_run != cpu->index)
		cpu->reserved = false;
	e->last_run = cpu->index;
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
