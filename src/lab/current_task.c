/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which process a CPU of Linux runs; see current_task.h. The guest may hold anything there.
 *
 * In task_struct, pid, tgid and the stack canary, if there is one, come before real_parent, parent,
 * children and sibling (include/linux/sched.h). The idle task of the first CPU is its own parent
 * and everybody's ancestor; its first child is process 1.
 */
#include <string.h>

#include "lab/current_task.h"

#define PACA_BYTES   4096u
#define TASK_BYTES   8192u /* of task_struct, as far as the name is looked for */
#define LINEAR_MAP   0xc000000000000000ull
/* Offsets from real_parent. */
#define PARENT	     8u
#define CHILDREN     16u
#define SIBLING	     32u
#define GENERATIONS  8u /* between a process of the workload and the idle task */
#define ADDRESS_BITS 0x0fffffffffffffffull

static bool read_kernel(const struct guest_memory *memory, uint64_t ea, void *buf, uint64_t len)
{
	return ea >> 60 == LINEAR_MAP >> 60 && memory_peek(memory, ea & ADDRESS_BITS, buf, len);
}

/* Linux of either byte order; only addresses in the linear map pass for pointers. */
static uint64_t pointer_at(const uint8_t *bytes)
{
	uint64_t big = get_be64(bytes), little = __builtin_bswap64(big);

	return little >> 60 == LINEAR_MAP >> 60 ? little : big;
}

static bool read_number(const struct current_task *task, const struct guest_memory *memory,
			uint64_t ea, uint32_t *number)
{
	uint8_t bytes[4];

	if (!read_kernel(memory, ea, bytes, sizeof(bytes)))
		return false;
	*number = task->little_endian ? __builtin_bswap32(get_be32(bytes)) : get_be32(bytes);
	return true;
}

/* 0, which is no address of the kernel's, if there is none. */
static uint64_t read_pointer(const struct guest_memory *memory, uint64_t ea)
{
	uint8_t bytes[8];

	return read_kernel(memory, ea, bytes, sizeof(bytes)) ? pointer_at(bytes) : 0;
}

static bool is_one_of(const char *name, const char *const names[])
{
	for (unsigned i = 0; i < 8 && names[i]; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool fits(const struct current_task *task, const struct guest_memory *memory,
		 const struct current_task_sample *samples, unsigned nr_samples)
{
	char name[CURRENT_TASK_NAME];

	for (unsigned i = 0; i < nr_samples; i++)
		if (!is_one_of(current_task_name(task, memory, samples[i].paca, name),
			       samples[i].names))
			return false;
	return true;
}

/* Tries each place in the task where one of the first sample's names stands. */
static bool learn_from_task(struct current_task *task, const struct guest_memory *memory,
			    const uint8_t *bytes, const struct current_task_sample *samples,
			    unsigned nr_samples)
{
	for (unsigned n = 0; n < 8 && samples[0].names[n]; n++) {
		const size_t length = strlen(samples[0].names[n]) + 1;
		const uint8_t *at = bytes;

		for (;;) {
			at = memmem(at, (size_t)(bytes + TASK_BYTES - at), samples[0].names[n],
				    length);
			if (!at)
				break;
			task->task_offset = (unsigned)(at - bytes);
			if (fits(task, memory, samples, nr_samples))
				return true;
			at++;
		}
	}
	return false;
}

/* ---- the number ---- */

/* The task that is its own parent, if pointers at that offset lead to one; else 0. */
static uint64_t find_ancestor(const struct guest_memory *memory, uint64_t at, unsigned real_parent)
{
	for (unsigned i = 0; i < GENERATIONS; i++) {
		const uint64_t parent = read_pointer(memory, at + real_parent);

		if (parent == at)
			return read_pointer(memory, at + real_parent + PARENT) == at ? at : 0;
		at = parent;
	}
	return 0;
}

/* Do a task's two numbers, the thread's and the process's, have this value? */
static bool has_numbers(const struct current_task *task, const struct guest_memory *memory,
			uint64_t ea, uint32_t value)
{
	uint32_t pid, tgid;

	return read_number(task, memory, ea, &pid) && read_number(task, memory, ea + 4, &tgid) &&
	       pid == value && tgid == value;
}

static void learn_pid(struct current_task *task, const struct guest_memory *memory,
		      uint64_t current)
{
	for (unsigned i = 16; i < TASK_BYTES; i += 8) {
		const uint64_t idle = find_ancestor(memory, current, i);
		const uint64_t first =
			idle ? read_pointer(memory, idle + i + CHILDREN) - SIBLING - i : 0;

		for (unsigned back = 8; first && back <= 16; back += 8) {
			if (has_numbers(task, memory, idle + i - back, 0) &&
			    has_numbers(task, memory, first + i - back, 1)) {
				task->pid_offset = i - back + 4;
				return;
			}
		}
	}
}

bool current_task_learn(struct current_task *task, const struct guest_memory *memory,
			const struct current_task_sample *samples, unsigned nr_samples)
{
	uint8_t paca[PACA_BYTES], bytes[TASK_BYTES];

	*task = (struct current_task){ .known = true };
	if (!nr_samples || !read_kernel(memory, samples[0].paca, paca, sizeof(paca))) {
		task->known = false;
		return false;
	}
	for (unsigned i = 0; i < PACA_BYTES; i += 8) {
		task->paca_offset = i;
		task->little_endian = pointer_at(paca + i) != get_be64(paca + i);
		if (read_kernel(memory, pointer_at(paca + i), bytes, sizeof(bytes)) &&
		    learn_from_task(task, memory, bytes, samples, nr_samples)) {
			learn_pid(task, memory, pointer_at(paca + i));
			return true;
		}
	}
	task->known = false;
	return false;
}

char *current_task_name(const struct current_task *task, const struct guest_memory *memory,
			uint64_t paca, char name[CURRENT_TASK_NAME])
{
	if (!task->known ||
	    !read_kernel(memory, read_pointer(memory, paca + task->paca_offset) + task->task_offset,
			 name, CURRENT_TASK_NAME) ||
	    !memchr(name, '\0', CURRENT_TASK_NAME))
		name[0] = '\0';
	return name;
}

bool current_task_pid(const struct current_task *task, const struct guest_memory *memory,
		      uint64_t paca, uint32_t *pid)
{
	return task->known && task->pid_offset &&
	       read_number(task, memory,
			   read_pointer(memory, paca + task->paca_offset) + task->pid_offset, pid);
}
