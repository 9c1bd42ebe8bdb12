/* SPDX-License-Identifier: BSD-2-Clause */
/* Which process a CPU of Linux runs; see current_task.h. The guest may hold anything there. */
#include <string.h>

#include "lab/current_task.h"

#define PACA_BYTES   4096u
#define TASK_BYTES   8192u /* of task_struct, as far as the name is looked for */
#define LINEAR_MAP   0xc000000000000000ull
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
		if (read_kernel(memory, pointer_at(paca + i), bytes, sizeof(bytes)) &&
		    learn_from_task(task, memory, bytes, samples, nr_samples))
			return true;
	}
	task->known = false;
	return false;
}

char *current_task_name(const struct current_task *task, const struct guest_memory *memory,
			uint64_t paca, char name[CURRENT_TASK_NAME])
{
	uint8_t pointer[8];

	if (!task->known || !read_kernel(memory, paca + task->paca_offset, pointer, 8) ||
	    !read_kernel(memory, pointer_at(pointer) + task->task_offset, name,
			 CURRENT_TASK_NAME) ||
	    !memchr(name, '\0', CURRENT_TASK_NAME))
		name[0] = '\0';
	return name;
}
