/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One host thread for each vCPU. It executes guest code until an exit that the machine has to
 * handle, leaves the exit, and waits; the machine's own thread finds it in run(). A vCPU is
 * stopped before it is read or written: cpu_hold().
 */
#ifndef FWNMI_ENGINE_EMU_VCPU_THREAD_H
#define FWNMI_ENGINE_EMU_VCPU_THREAD_H

#include <pthread.h>

#include "engine/emu/cpu.h"
#include "engine/emu/shootdown.h"

struct power_engine;

struct vcpu_thread {
	struct cpu *cpu;
	pthread_t thread;
	pthread_cond_t go;
	/* Protected by the engine's lock. */
	enum {
		THREAD_STILL, /* the vCPU is the machine's */
		THREAD_RUNNING, /* it is the thread's */
		THREAD_EXITED, /* still, and `exit` has not been fetched */
	} state;
	bool quit;
	struct engine_exit exit;

	struct shootdown_queue queue; /* cpu->shootdowns */
};

/** cpu_start_thread() - 0, or an error number */
int cpu_start_thread(struct cpu *cpu);
/** cpu_end_thread() - end the thread, if it has one, whatever it is doing. */
void cpu_end_thread(struct cpu *cpu);
/**
 * cpu_hold() - stop the vCPU between two instructions, until its next run(). An exit that was not
 * fetched is undone: what led to it happens again.
 */
void cpu_hold(struct cpu *cpu);
/** cpu_hold_all() - the same for all vCPUs */
void cpu_hold_all(struct power_engine *e);
/** cpu_run_beside() - engine_ops.run() of a vCPU that runs beside the machine */
void cpu_run_beside(struct cpu *cpu, uint64_t max_insns, struct engine_exit *exit);
/** cpu_set_beside() - engine_ops.run_beside() */
void cpu_set_beside(struct power_engine *e, bool beside);

#endif
