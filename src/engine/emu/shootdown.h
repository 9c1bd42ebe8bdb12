/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one vCPU asks of the soft TLBs of the others, while each runs on a thread of its own: the
 * shootdown of translations by tlbie, and of fast stores to a page that gets code. Only its own
 * thread changes the arrays of a vCPU that runs; so requests wait until it is between two blocks. A
 * vCPU that stands still gets them at once.
 */
#ifndef FWNMI_ENGINE_EMU_SHOOTDOWN_H
#define FWNMI_ENGINE_EMU_SHOOTDOWN_H

#include <pthread.h>

#include "engine/emu/cpu.h"

struct shootdown {
	enum {
		SHOOT_ALL, /* every translation */
		SHOOT_PROCESS, /* those of @pid */
		SHOOT_RANGE, /* those of @pid in [@ea, @ea + @len) */
		SHOOT_OFFSETS, /* those of [@ea, @ea + @len) of the segments of @space */
		SHOOT_STORES, /* fast stores to the page at @host */
	} what;
	uint32_t pid;
	uint64_t space; /* as walks_flush_space() has it */
	uint64_t ea, len;
	const uint8_t *host;
};

#define MAX_SHOOTDOWNS 32

struct shootdown_queue {
	pthread_mutex_t lock; /* of what follows, and of the arrays while the vCPU stands still */
	bool executes; /* requests have to wait for it, unless they come from its thread */
	pthread_t thread; /* that executes */
	unsigned count;
	struct shootdown requests[MAX_SHOOTDOWNS];
	uint64_t asked, done; /* requests so far; `done` is read without the lock */
};

/* cpu->attention: what a running vCPU is to do between two blocks. */
#define ATTENTION_STOP	   1
#define ATTENTION_REQUESTS 2

/** shootdown() - do it, or ask the vCPU to do so if it runs on another thread */
void shootdown(struct cpu *cpu, const struct shootdown *request);
/** shootdown_take() - do what the vCPU was asked to. For its own thread, between two blocks. */
void shootdown_take(struct cpu *cpu);
/**
 * shootdown_wait() - wait until all other vCPUs have done what they were asked to, and meanwhile do
 * what this one is asked to. For its own thread, between two blocks.
 */
void shootdown_wait(struct cpu *cpu);
/** shootdown_finish() - the same for the machine's thread, which executes no vCPU meanwhile */
void shootdown_finish(const struct power_engine *e);
/** shootdown_pause() - one turn of a wait for another vCPU's thread; the same rules */
void shootdown_pause(struct cpu *cpu, unsigned turn);

#endif
