/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the soft TLBs of other vCPUs; see shootdown.h. */
#include <sched.h>

#include "engine/emu/mmu/mmu.h"
#include "engine/emu/private.h"
#include "engine/emu/shootdown.h"

/* A wait is short, unless the host has fewer processors than the guest. */
#define TURNS_BEFORE_YIELD 100

static void apply(struct cpu *cpu, const struct shootdown *request)
{
	switch (request->what) {
	case SHOOT_ALL:
		mmu_forget_all(cpu);
		break;
	case SHOOT_PROCESS:
		mmu_forget_process(cpu, request->pid);
		break;
	case SHOOT_RANGE:
		mmu_forget_range(cpu, request->pid, request->ea, request->len);
		break;
	case SHOOT_OFFSETS:
		mmu_forget_offsets(cpu, request->space, request->ea, request->len);
		break;
	case SHOOT_STORES:
		tlb_protect(&cpu->arrays, request->host);
		break;
	}
}

/* What does not fit is done by forgetting everything. */
static void ask(struct cpu *cpu, const struct shootdown *request)
{
	struct shootdown_queue *q = cpu->shootdowns;

	if (q->count == MAX_SHOOTDOWNS) {
		q->requests[0] = (struct shootdown){ .what = SHOOT_ALL };
		q->count = 1;
	} else {
		q->requests[q->count++] = *request;
	}
	q->asked++;
	__atomic_or_fetch(&cpu->attention, ATTENTION_REQUESTS, __ATOMIC_SEQ_CST);
}

void shootdown(struct cpu *cpu, const struct shootdown *request)
{
	struct shootdown_queue *q = cpu->shootdowns;

	if (!cpu->engine->beside) {
		apply(cpu, request);
		return;
	}
	pthread_mutex_lock(&q->lock);
	if (q->executes && !pthread_equal(q->thread, pthread_self()))
		ask(cpu, request);
	else
		apply(cpu, request);
	pthread_mutex_unlock(&q->lock);
}

void shootdown_take(struct cpu *cpu)
{
	struct shootdown_queue *q = cpu->shootdowns;

	pthread_mutex_lock(&q->lock);
	__atomic_and_fetch(&cpu->attention, ~ATTENTION_REQUESTS, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < q->count; i++)
		apply(cpu, &q->requests[i]);
	q->count = 0;
	__atomic_store_n(&q->done, q->asked, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&q->lock);
}

void shootdown_pause(struct cpu *cpu, unsigned turn)
{
	if (__atomic_load_n(&cpu->attention, __ATOMIC_RELAXED) & ATTENTION_REQUESTS)
		shootdown_take(cpu);
	if (turn > TURNS_BEFORE_YIELD)
		sched_yield();
}

/* How many requests the vCPU has had so far. */
static uint64_t asked_of(const struct cpu *cpu)
{
	struct shootdown_queue *q = cpu->shootdowns;
	uint64_t asked;

	pthread_mutex_lock(&q->lock);
	asked = q->asked;
	pthread_mutex_unlock(&q->lock);
	return asked;
}

static bool has_done(const struct cpu *cpu, uint64_t asked)
{
	return __atomic_load_n(&cpu->shootdowns->done, __ATOMIC_ACQUIRE) >= asked;
}

void shootdown_wait(struct cpu *cpu)
{
	const struct power_engine *e = cpu->engine;

	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		uint64_t asked;

		if (i == cpu->index)
			continue;
		asked = asked_of(e->cpus[i]);
		for (unsigned turn = 0; !has_done(e->cpus[i], asked); turn++)
			shootdown_pause(cpu, turn);
	}
}

void shootdown_finish(const struct power_engine *e)
{
	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		const uint64_t asked = asked_of(e->cpus[i]);

		while (!has_done(e->cpus[i], asked))
			sched_yield();
	}
}
