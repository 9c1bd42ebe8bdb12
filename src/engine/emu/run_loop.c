/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run loop around the interpreter: it finds the block at NIP, executes it, delivers the
 * interrupts that it raises, and ends when the machine has something to do.
 *
 * Counting: run() allows run_limit instructions. Each block subtracts its own from `budget` as it
 * ends, so at a block boundary this run has executed run_limit - budget instructions. cpu_leave()
 * lowers both by the same amount.
 */
#include <limits.h>
#include <sched.h>
#include <stdio.h>

#include "engine/emu/check.h"
#include "engine/emu/code/lookup.h"
#include "engine/emu/jit/jit.h"
#include "engine/emu/debug_registers.h"
#include "engine/emu/private.h"
#include "engine/emu/run_loop.h"
#include "engine/emu/shootdown.h"
#include "engine/emu/trace.h"
#include "engine/emu/watchpoints.h"

/* Under CLOCK_HOST, read the clock after this many instructions, about 50 microseconds. */
#define HOST_CHUNK 20000

/*
 * Beside other vCPUs, look after this many, about 5 microseconds, at what other threads want. They
 * wait for it, and code that one of them has changed runs no longer than that.
 */
#define CHUNK_BESIDE 2000

/*
 * A micro-operation stopped in the middle of its block: count the instructions before it and set
 * NIP to its own. The block is found after the block's ending. Returns how many instructions of it
 * are left.
 */
static unsigned settle(struct cpu *cpu)
{
	const struct uop *u = cpu->stop_uop;
	const struct block *block = code_block_of(u);

	cpu->budget -= u->index;
	cpu->nip = cpu->page_ea + block_offset(block, u->index);
	if (unlikely(block->prefixed >> u->index & 1))
		cpu->exception_flags |= EXCEPTION_PREFIXED;
	cpu->stop_uop = NULL;
	return block->nr_insns - u->index;
}

static void execute(struct cpu *cpu, const struct uop *u)
{
#ifdef FWNMI_LOOP_DISPATCH
	while (u)
		u = __atomic_load_n(&u->fn, __ATOMIC_RELAXED)(cpu, u);
#else
	u->fn(cpu, u);
#endif
}

/* Stop before the instruction at NIP, whose next run is not to stop again. */
static void tell_watched(struct cpu *cpu)
{
	cpu->exit = ENGINE_EXIT_WATCHED;
	cpu->watch_told = true;
	cpu_leave(cpu);
}

/* Deliver the interrupt that a micro-operation raised. True: the machine must handle it. */
static bool deliver_exception(struct cpu *cpu, struct engine_exit *exit)
{
	unsigned vector = cpu->exception;

	cpu->exception = 0;
	if (vector == EXCEPTION_WATCHED) {
		tell_watched(cpu);
		return false;
	}
	if (vector == EXCEPTION_ALONE || vector == EXCEPTION_DEVICE) {
		cpu->exit = vector == EXCEPTION_ALONE ? EXIT_ALONE : EXIT_DEVICE;
		cpu_leave(cpu);
		return false;
	}
	cpu->watch_told = false;
	cpu->block_left = 0;
	if (!(cpu->exception_flags & EXCEPTION_NEXT))
		pmu_not_completed(cpu);
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
		exit->machine_check.met_planted = cpu->exception_flags & EXCEPTION_PLANTED;
		exit->machine_check.planted = cpu->machine_check_planted;
		exit->machine_check.planted_ea = cpu->machine_check_ea;
		exit->machine_check.address_valid = !(cpu->exception_flags & EXCEPTION_NO_RA);
		exit->machine_check.recovered = exit->machine_check.met_planted &&
						cpu->machine_check_planted.recovered;
		return true;
	}
	if (cpu->exception_flags & EXCEPTION_PREFIXED)
		cpu->exception_srr1 |= SRR1_PREFIXED;
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

/* The first micro-operation of the block at NIP in @page, decoded if need be; or NULL. */
static const struct uop *entry_at_nip(struct cpu *cpu, struct code_page *page)
{
	const unsigned offset = (unsigned)(cpu->nip & PAGE_MASK_LOW);
	const struct uop *u = code_entry(page, offset);

	return likely(u) ? u : code_decode(cpu, page, offset);
}

/* Has the translation of NIP been invalidated while code_decode() waited for other vCPUs? */
static bool lost_translation(const struct cpu *cpu)
{
	return cpu->fetch->entry[FETCH_INDEX(cpu->nip)].tag != EPN(cpu->nip);
}

/*
 * There is no code at NIP: an exception was raised, or else the arena is full. False: machine check
 * exit.
 */
static bool no_code(struct cpu *cpu, struct engine_exit *exit)
{
	if (cpu->exception)
		return !deliver_exception(cpu, exit);
	if (cpu->engine->beside)
		cpu->exit = EXIT_ALONE;
	else
		code_flush(cpu->engine);
	return true;
}

/*
 * As code_decode_part() at NIP, but not beyond an instruction whose fetch is watched or that CIABR
 * names. One that CIABR names is decoded alone: see run_one().
 */
static struct block *decode_unwatched(struct cpu *cpu, struct code_page *page, unsigned max_insns)
{
	const unsigned offset = (unsigned)(cpu->nip & PAGE_MASK_LOW);
	struct block *block = code_decode_part(cpu, page, offset, cpu->watch_told ? 1 : max_insns);
	unsigned watched, before;

	if (!block || cpu->watch_told)
		return block;
	watched = watchpoints_before(cpu, block, block->nr_insns);
	before = debug_break_before(cpu, block, watched);
	if (!before && watched)
		before = 1;
	if (before == block->nr_insns)
		return block;
	code_discard(&cpu->engine->code, block);
	if (before)
		return code_decode_part(cpu, page, offset, before);
	tell_watched(cpu);
	return NULL;
}

/*
 * Execute up to @max_insns instructions at NIP and come back, whatever they lead to, or before one
 * that is watched. Returns how the machine is to go on, as run_blocks() does; *@executed: how many
 * came to their end; -1 if an interrupt was taken.
 */
static bool run_part(struct cpu *cpu, struct code_page *page, unsigned max_insns,
		     struct engine_exit *exit, int *executed)
{
	struct power_engine *e = cpu->engine;
	struct block *block = decode_unwatched(cpu, page, max_insns);
	unsigned left = 0;
	bool stopped;

	*executed = -1;
	if (!block && cpu->exit == ENGINE_EXIT_WATCHED) {
		*executed = 0;
		return true;
	}
	if (!block)
		return no_code(cpu, exit);
	code_note_executed(e, block);
	cpu->page_ea = cpu->nip & ~PAGE_MASK_LOW;
	cpu_leave(cpu);
	cpu->budget = block->nr_insns;
	cpu->run_limit += block->nr_insns;
	execute(cpu, block->uops);
	stopped = cpu->stop_uop;
	if (stopped)
		left = settle(cpu);
	*executed = (int)(block->nr_insns - left);
	code_discard(&e->code, block);
	if (!stopped) {
		cpu->watch_told = false;
		return true;
	}
	if (cpu->exception != EXCEPTION_WATCHED)
		*executed = -1;
	return !deliver_exception(cpu, exit);
}

/*
 * Run one instruction, then trace it unless it raised another interrupt: for MSR[SE], MSR[BE] and
 * CIABR. Returns what run_part() does.
 */
static bool run_one(struct cpu *cpu, struct code_page *page, struct engine_exit *exit,
		    int *executed)
{
	const uint8_t *code = cpu->engine->memory->base + page->ra + (cpu->nip & PAGE_MASK_LOW);
	struct traced traced;

	trace_begin(cpu, code, &traced);
	if (!run_part(cpu, page, 1, exit, executed))
		return false;
	/* A call is at the next instruction already. */
	if (*executed <= 0 || !traced.wanted || cpu->exit == ENGINE_EXIT_HCALL)
		return true;
	cut_nip(cpu);
	cpu->siar = traced.siar;
	if (traced.accesses)
		cpu->sdar = traced.sdar;
	cpu_interrupt(cpu, VECTOR_TRACE, cpu->nip, traced.srr1);
	cpu->block_left = 0;
	*executed = -1;
	return true;
}

/* MSR[SE] or MSR[BE] */
static bool run_traced(struct cpu *cpu, struct engine_exit *exit)
{
	struct code_page *page;
	int executed;

	if (!cpu->watch_told && arrived(cpu))
		return true;
	page = code_fetch(cpu, cpu->nip);
	if (!page)
		return no_code(cpu, exit);
	if (!run_one(cpu, page, exit, &executed))
		return false;
	cpu->block_left = !executed;
	return true;
}

/* It runs parts of blocks, for which the cache of code must be the vCPU's alone. */
static bool trace(struct cpu *cpu, struct engine_exit *exit)
{
	if (!cpu->engine->beside)
		return run_traced(cpu, exit);
	cpu->exit = EXIT_ALONE;
	return true;
}

/*
 * Fewer instructions are left than a block may have: run the block at NIP if it is short enough,
 * else its first @left instructions. What is left of the block is noted. It is executed before
 * anything else, so that stopping here changes nothing: interrupts wait for the block's end.
 */
static bool run_to_stop(struct cpu *cpu, unsigned left, struct engine_exit *exit)
{
	unsigned block_left = cpu->block_left, part;
	struct code_page *page;
	const struct uop *u;
	int executed;

	if (!block_left && arrived(cpu))
		return true;
	page = code_fetch(cpu, cpu->nip);
	if (!page)
		return no_code(cpu, exit);
	if (!block_left) {
		cpu->marked_block = 0;
		u = entry_at_nip(cpu, page);
		block_left = u ? code_block_of(u)->nr_insns : cpu->marked_block;
		cpu->marked_block = 0;
		if (!block_left)
			return no_code(cpu, exit);
	}
	part = block_left < left ? block_left : left;
	if (!(debug_breaks_here(cpu) ? run_one(cpu, page, exit, &executed) :
				       run_part(cpu, page, part, exit, &executed)))
		return false;
	if (executed >= 0)
		cpu->block_left = (uint8_t)(block_left - (unsigned)executed);
	return true;
}

/*
 * Run blocks from cpu->nip until the budget is spent or the run loop has work. False: machine check
 * exit.
 */
static bool run_blocks(struct cpu *cpu, struct engine_exit *exit)
{
	do {
		const struct uop *u;
		struct code_page *page;
		unsigned left;

		if (arrived(cpu))
			return true;
		page = code_fetch(cpu, cpu->nip);
		u = likely(page) ? code_entry(page, cpu->nip & PAGE_MASK_LOW) : NULL;
		if (unlikely(!u && page)) {
			u = code_decode(cpu, page, (unsigned)(cpu->nip & PAGE_MASK_LOW));
			if (u && lost_translation(cpu))
				continue;
		}
		if (unlikely(!u)) {
			if (cpu->marked_block)
				return run_to_stop(cpu, BLOCK_MAX_INSNS, exit);
			if (!no_code(cpu, exit))
				return false;
			if (cpu->exit >= 0)
				return true;
			continue;
		}
		cpu->page_ea = cpu->nip & ~PAGE_MASK_LOW;
		execute(cpu, u);
		if (cpu->stop_uop) {
			left = settle(cpu);
			if (deliver_exception(cpu, exit))
				return false;
			if (cpu->watch_told)
				cpu->block_left = (uint8_t)left;
		}
	} while (cpu->budget > 0 && cpu->work->left > 0);
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
	if (clock->mode == CLOCK_HOST) {
		const int64_t chunk = cpu->engine->beside ? CHUNK_BESIDE : HOST_CHUNK;

		return most < chunk ? most : chunk;
	}
	if (cpu->dec_pending || ticks > most)
		return most;
	/* Exact, since where we look from must not matter. A tick begins at an even count. */
	uint64_t executed = clock->insns + (uint64_t)(cpu->run_limit - cpu->budget);
	int64_t insns = ticks * INSNS_PER_TICK - (int64_t)(executed % INSNS_PER_TICK);

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

/* What other threads want of a vCPU that runs beside them. False: it is to stop. */
static bool attend(struct cpu *cpu)
{
	if (__atomic_load_n(&cpu->attention, __ATOMIC_RELAXED) & ATTENTION_REQUESTS) {
		shootdown_take(cpu);
		/* Whoever waits for this, or has yet to do it, may need the host's processor. */
		sched_yield();
	}
	if (cpu->must_wait) {
		cpu->must_wait = false;
		shootdown_wait(cpu);
	}
	return !(__atomic_load_n(&cpu->attention, __ATOMIC_RELAXED) & ATTENTION_STOP);
}

static void take_doorbell(struct cpu *cpu)
{
	cpu->doorbell = false;
	cpu_interrupt(cpu, VECTOR_DOORBELL, cpu->nip, 0);
}

/*
 * The next alert bounds the run: by @left to the instruction, as a stop does, or by @chunk to the
 * end of the block that it comes in, if others run beside the vCPU.
 */
static void bound_by_alert(const struct cpu *cpu, uint64_t done, int64_t *chunk, uint64_t *left)
{
	const uint64_t until = cpu->pmc_due - cpu->insns - done;

	if (likely(cpu->pmc_due == PMU_NEVER))
		return;
	if (!cpu->engine->beside && until < *left)
		*left = until;
	else if (cpu->engine->beside && until < (uint64_t)*chunk)
		*chunk = (int64_t)until;
}

/* The interrupts that MSR[EE] allows, one of them. */
static void take_interrupt(struct cpu *cpu)
{
	if (cpu_external(cpu))
		cpu_interrupt(cpu, VECTOR_EXTERNAL, cpu->nip, 0);
	else if (cpu->dec_pending)
		cpu_interrupt(cpu, VECTOR_DECREMENTER, cpu->nip, 0);
	else if (unlikely(cpu->doorbell))
		take_doorbell(cpu);
}

/*
 * What the performance monitor's alert leads to. It comes at its instruction, even in the middle of
 * a block.
 */
static void take_alert(struct cpu *cpu)
{
	if (unlikely(pmu_interrupt_waits(cpu)) && cpu->msr & MSR_EE)
		cpu_interrupt(cpu, VECTOR_PERFORMANCE_MONITOR, cpu->nip, 0);
	else if (cpu_branch_waits(cpu))
		pmu_branch(cpu);
	else
		return;
	cpu->block_left = 0;
	cpu->watch_told = false;
}

void cpu_run(struct cpu *cpu, uint64_t max_insns, struct engine_exit *exit)
{
	struct power_engine *e = cpu->engine;
	int64_t most = max_insns > INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)max_insns;
	int64_t done;

	/*
	 * Another vCPU may have stored since its last turn. If none ran, keep the reservation: a
	 * vCPU that is single-stepped through a lock must not lose it.
	 */
	if (!e->threads) {
		if (e->last_run != cpu->index)
			cpu->reserved = false;
		e->last_run = cpu->index;
	}
	if (e->jit && unlikely(!jit_is_here(e->jit)))
		jit_forked(e->jit, UINT_MAX);
	cpu->exit = -1;
	cpu->run_limit = cpu->budget = 0;
	cpu->work->left = WORK_PER_RUN;
	exit->reason = ENGINE_EXIT_BUDGET;
	for (;;) {
		int64_t chunk;
		uint64_t left;
		bool goes_on;

		cut_nip(cpu);
		done = cpu->run_limit - cpu->budget;
		if (unlikely(cpu->insns + (uint64_t)done >= cpu->pmc_due))
			pmu_update(cpu, cpu->insns + (uint64_t)done);
		if (unlikely(cpu->exit >= 0)) {
			exit->reason = (enum engine_exit_reason)cpu->exit;
			if (unlikely(exit->reason == ENGINE_EXIT_FAILED))
				snprintf(exit->message, sizeof(exit->message), "%s",
					 jit_difference(e->jit));
			exit->watched = cpu->watches_met;
			exit->rings = cpu->rings;
			break;
		}
		if (unlikely(cpu->state_changed && !cpu->block_left)) {
			cpu->state_changed = false;
			exit->reason = ENGINE_EXIT_WATCHED;
			exit->watched = 0;
			break;
		}
		if (unlikely(cpu->yields && !cpu->block_left)) {
			cpu->yields = false;
			exit->reason = ENGINE_EXIT_YIELD;
			break;
		}
		if (unlikely(cpu->met_device && !cpu->block_left)) {
			cpu->met_device = false;
			break;
		}
		if (unlikely(__atomic_exchange_n(&cpu->kicked, 0, __ATOMIC_RELAXED))) {
			exit->reason = ENGINE_EXIT_KICKED;
			break;
		}
		left = cpu->stop_at - cpu->insns - (uint64_t)done;
		if (unlikely(!left)) {
			cpu->stop_at = ENGINE_NO_STOP;
			exit->reason = ENGINE_EXIT_STOPPED;
			break;
		}
		if (done >= most || cpu->work->left <= 0)
			break;
		if (unlikely(e->beside) && !attend(cpu))
			break;
		chunk = until_decrementer(cpu, most - done);
		if (cpu->msr & MSR_EE && !cpu->block_left)
			take_interrupt(cpu);
		take_alert(cpu);
		if (unlikely(cpu->state_changed && !cpu->block_left) || unlikely(!cpu->pmc_due))
			continue;
		bound_by_alert(cpu, (uint64_t)done, &chunk, &left);
		if (unlikely(left < (uint64_t)chunk + BLOCK_MAX_INSNS))
			chunk = left < BLOCK_MAX_INSNS ? 0 : (int64_t)left - BLOCK_MAX_INSNS + 1;
		cpu->run_limit = done + chunk;
		cpu->budget = chunk;
		if (unlikely(cpu->msr & (MSR_SE | MSR_BE)))
			goes_on = trace(cpu, exit);
		else if (likely(chunk && !cpu->block_left))
			goes_on = run_blocks(cpu, exit);
		else
			goes_on = run_to_stop(
				cpu, left < BLOCK_MAX_INSNS ? (unsigned)left : BLOCK_MAX_INSNS,
				exit);
		if (!goes_on) {
			done = cpu->run_limit - cpu->budget;
			break;
		}
	}
	exit->in_block = cpu->block_left;
	if (!e->beside)
		e->clock->insns += (uint64_t)done;
	__atomic_store_n(&cpu->insns, cpu->insns + (uint64_t)done, __ATOMIC_RELAXED);
	cpu->run_limit = cpu->budget = 0;
#ifdef FWNMI_CHECK_CACHES
	if (!e->beside)
		check_now_and_then(e, exit);
#endif
}
