/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads of vCPUs; see vcpu_thread.h. */
#include "engine/emu/private.h"
#include "engine/emu/run_loop.h"
#include "engine/emu/vcpu_thread.h"
#include "engine/start_vcpu_thread.h"

/* After so many instructions the count of the vCPU, which the machine shows, is updated. */
#define THREAD_RUN 1000000u

/* ---- in the thread that executes ---- */

static void begin_executing(struct vcpu_thread *t)
{
	pthread_mutex_lock(&t->queue.lock);
	t->queue.thread = pthread_self();
	t->queue.executes = true;
	pthread_mutex_unlock(&t->queue.lock);
}

static void end_executing(struct vcpu_thread *t)
{
	pthread_mutex_lock(&t->queue.lock);
	t->queue.executes = false;
	pthread_mutex_unlock(&t->queue.lock);
	shootdown_take(t->cpu);
}

/* ---- in the vCPU's thread ---- */

/* Returns true with t->exit set, or false if the vCPU was asked to stop. */
static bool run_guest(struct vcpu_thread *t)
{
	for (;;) {
		t->exit = (struct engine_exit){ .in_block = false };
		cpu_run(t->cpu, THREAD_RUN, &t->exit);
		if (t->exit.reason != ENGINE_EXIT_BUDGET)
			return true;
		if (__atomic_load_n(&t->cpu->attention, __ATOMIC_ACQUIRE) & ATTENTION_STOP)
			return false;
	}
}

static void *vcpu_main(void *arg)
{
	struct vcpu_thread *t = arg;
	struct power_engine *e = t->cpu->engine;

	pthread_mutex_lock(&e->lock);
	for (;;) {
		bool exited;

		while (t->state != THREAD_RUNNING && !t->quit)
			pthread_cond_wait(&t->go, &e->lock);
		if (t->quit)
			break;
		pthread_mutex_unlock(&e->lock);
		begin_executing(t);
		exited = run_guest(t);
		end_executing(t);
		pthread_mutex_lock(&e->lock);
		t->state = exited ? THREAD_EXITED : THREAD_STILL;
		pthread_cond_broadcast(&e->changed);
		if (exited && e->config.exited)
			e->config.exited(e->config.opaque);
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

/* ---- the thread, seen from outside ---- */

int cpu_start_thread(struct cpu *cpu)
{
	struct vcpu_thread *t = cpu->thread;

	t->cpu = cpu;
	cpu->shootdowns = &t->queue;
	pthread_mutex_init(&t->queue.lock, NULL);
	pthread_cond_init(&t->go, NULL);
	return start_vcpu_thread(&t->thread, vcpu_main, t, 0, cpu->engine->config.thread_begins);
}

static void ask_to_stop(struct cpu *cpu)
{
	__atomic_or_fetch(&cpu->attention, ATTENTION_STOP, __ATOMIC_SEQ_CST);
}

/* With the engine's lock. The thread may have come to an exit since it was asked. */
static void halt(struct vcpu_thread *t)
{
	struct power_engine *e = t->cpu->engine;

	if (t->state == THREAD_RUNNING)
		ask_to_stop(t->cpu);
	while (t->state == THREAD_RUNNING)
		pthread_cond_wait(&e->changed, &e->lock);
	__atomic_and_fetch(&t->cpu->attention, ~ATTENTION_STOP, __ATOMIC_SEQ_CST);
}

void cpu_end_thread(struct cpu *cpu)
{
	struct vcpu_thread *t = cpu->thread;

	if (!t)
		return;
	pthread_mutex_lock(&cpu->engine->lock);
	halt(t);
	t->quit = true;
	pthread_cond_signal(&t->go);
	pthread_mutex_unlock(&cpu->engine->lock);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->go);
	pthread_mutex_destroy(&t->queue.lock);
}

/* If there is an exit, have what led to it happen again. */
static void undo_exit(struct vcpu_thread *t)
{
	struct cpu *cpu = t->cpu;

	if (t->state != THREAD_EXITED)
		return;
	switch (t->exit.reason) {
	case ENGINE_EXIT_HCALL:
	case ENGINE_EXIT_DOORBELL:
		cpu->nip -= 4;
		break;
	case ENGINE_EXIT_DEBUG:
		cpu->watch = cpu->nip;
		break;
	case ENGINE_EXIT_WATCHED:
		cpu->state_changed = true;
		break;
	default:
		break;
	}
	t->state = THREAD_STILL;
}

/* With the engine's lock. All are asked before the first is waited for. */
static void halt_all(struct power_engine *e)
{
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		if (e->cpus[i]->thread->state == THREAD_RUNNING)
			ask_to_stop(e->cpus[i]);
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		halt(e->cpus[i]->thread);
}

void cpu_hold(struct cpu *cpu)
{
	if (!cpu->thread)
		return;
	pthread_mutex_lock(&cpu->engine->lock);
	halt(cpu->thread);
	undo_exit(cpu->thread);
	pthread_mutex_unlock(&cpu->engine->lock);
}

void cpu_hold_all(struct power_engine *e)
{
	if (!e->threads)
		return;
	pthread_mutex_lock(&e->lock);
	halt_all(e);
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		undo_exit(e->cpus[i]->thread);
	pthread_mutex_unlock(&e->lock);
}

/* Have all others stand still, with their exits kept, and execute one block in this thread. */
static void run_alone(struct cpu *cpu, struct engine_exit *exit)
{
	struct power_engine *e = cpu->engine;

	pthread_mutex_lock(&e->lock);
	halt_all(e);
	pthread_mutex_unlock(&e->lock);
	cpu_set_beside(e, false);
	cpu_run(cpu, 1, exit);
	cpu_set_beside(e, true);
}

/* Execute the block that accesses a device in this thread, which the devices belong to. */
static void run_at_device(struct cpu *cpu, struct engine_exit *exit)
{
	cpu->reaches_devices = true;
	begin_executing(cpu->thread);
	cpu_run(cpu, 1, exit);
	end_executing(cpu->thread);
	cpu->reaches_devices = false;
}

/* What cannot be executed beside others: the rest of a block, code that is traced. */
static bool must_be_alone(const struct cpu *cpu)
{
	return cpu->block_left || cpu->watch_told || cpu->msr & (MSR_SE | MSR_BE);
}

void cpu_run_beside(struct cpu *cpu, uint64_t max_insns, struct engine_exit *exit)
{
	struct power_engine *e = cpu->engine;
	struct vcpu_thread *t = cpu->thread;
	int reason = ENGINE_EXIT_RUNNING;

	pthread_mutex_lock(&e->lock);
	if (t->state == THREAD_EXITED) {
		*exit = t->exit;
		reason = (int)exit->reason;
		t->state = THREAD_STILL;
	} else if (t->state == THREAD_STILL && must_be_alone(cpu)) {
		reason = EXIT_ALONE;
	} else if (t->state == THREAD_STILL) {
		t->state = THREAD_RUNNING;
		pthread_cond_signal(&t->go);
	}
	pthread_mutex_unlock(&e->lock);
	exit->reason = (enum engine_exit_reason)reason;
	/* A device may write to memory, which heals poison. */
	if (reason == EXIT_DEVICE && !e->memory->nr_poisoned) {
		run_at_device(cpu, exit);
		reason = (int)exit->reason;
	}
	if (reason == EXIT_ALONE || reason == EXIT_DEVICE)
		run_alone(cpu, exit);
}

void cpu_set_beside(struct power_engine *e, bool beside)
{
	if (e->beside == beside)
		return;
	e->beside = beside;
	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		struct cpu *cpu = e->cpus[i];

		cpu->work = beside ? &cpu->own_work : &e->work;
		cpu->arrays.work = cpu->walks->work = cpu->work;
		if (!beside)
			continue;
		cpu->patience_ends = UINT64_MAX;
		cpu->may_pass_time = false;
		cpu->yields = false;
	}
}
