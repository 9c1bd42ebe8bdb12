/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which process a CPU of Linux runs. SPRG1 has the CPU's PACA, which points to the current task,
 * which holds the process's name. Where they do differs by kernel and configuration, and is found
 * out from CPUs that are known to run certain processes.
 */
#ifndef FWNMI_LAB_CURRENT_TASK_H
#define FWNMI_LAB_CURRENT_TASK_H

#include "engine/engine.h"

#define CURRENT_TASK_NAME 16 /* bytes of a name, with its NUL */

struct current_task {
	bool known;
	unsigned paca_offset; /* of the pointer to the task */
	unsigned task_offset; /* of the name */
	unsigned pid_offset; /* of the process's number, all its threads'; 0: unknown */
	bool little_endian;
};

/* A CPU, and what it runs. */
struct current_task_sample {
	uint64_t paca; /* SPRG1 */
	const char *names[8]; /* one of these, the rest NULL */
};

/**
 * current_task_learn() - false if no pair of offsets fits all samples, or there are none
 *
 * The number is looked for as well, and may stay unknown.
 */
bool current_task_learn(struct current_task *task, const struct guest_memory *memory,
			const struct current_task_sample *samples, unsigned nr_samples);
/** current_task_name() - of the CPU whose SPRG1 is @paca; "" if it can't be told. Returns @name. */
char *current_task_name(const struct current_task *task, const struct guest_memory *memory,
			uint64_t paca, char name[CURRENT_TASK_NAME]);
/** current_task_pid() - the same for the process's number; false if it can't be told */
bool current_task_pid(const struct current_task *task, const struct guest_memory *memory,
		      uint64_t paca, uint32_t *pid);

#endif
