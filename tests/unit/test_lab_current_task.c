/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding out where a kernel keeps the name of the process that runs. */
#include "lab/current_task.h"

#include "unit.h"

#define PACA(cpu) (0x10000u + 0x1000u * (cpu))
#define TASK(cpu) (0x20000u + 0x4000u * (cpu))
#define EA(ra)	  (0xc000000000000000ull + (ra))

static uint8_t ram[0x40000];
static struct guest_memory memory = { .base = ram, .size = sizeof(ram) };

static void put_little(uint64_t ra, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		ram[ra + i] = (uint8_t)(value >> 8 * i);
}

static void put_task(unsigned cpu, const char *name)
{
	put_little(PACA(cpu) + 0x128, EA(TASK(cpu)));
	strcpy((char *)ram + TASK(cpu) + 0xb91, name);
}

static void the_name_of_any_cpus_process_is_found_from_known_ones(void **state)
{
	const struct current_task_sample samples[] = {
		{ EA(PACA(0)), { "swapper/0", "victim0" } },
		{ EA(PACA(1)), { "victim1" } },
	};
	struct current_task task;
	char name[CURRENT_TASK_NAME];

	memset(ram, 0, sizeof(ram));
	put_task(0, "victim0");
	put_task(1, "victim1");
	/* A pointer that leads to the first CPU's name, but not to the second's. */
	put_little(PACA(0) + 8, EA(TASK(0) + 0x100));
	put_little(PACA(1) + 8, EA(TASK(0) + 0x100));
	assert_true(current_task_learn(&task, &memory, samples, 2));
	assert_int_equal(task.paca_offset, 0x128);
	assert_int_equal(task.task_offset, 0xb91);
	put_task(1, "kworker/1:0");
	assert_string_equal(current_task_name(&task, &memory, EA(PACA(1)), name), "kworker/1:0");
}

static void what_the_guest_holds_there_is_never_trusted(void **state)
{
	const struct current_task_sample samples[] = { { EA(PACA(0)), { "victim0" } } };
	struct current_task task;
	char name[CURRENT_TASK_NAME];

	memset(ram, 0, sizeof(ram));
	assert_false(current_task_learn(&task, &memory, samples, 1));
	assert_string_equal(current_task_name(&task, &memory, EA(PACA(0)), name), "");
	put_task(0, "victim0");
	assert_true(current_task_learn(&task, &memory, samples, 1));
	memset(ram + TASK(0) + 0xb91, 'x', CURRENT_TASK_NAME);
	assert_string_equal(current_task_name(&task, &memory, EA(PACA(0)), name), "");
	put_little(PACA(0) + 0x128, EA(sizeof(ram) - 8));
	assert_string_equal(current_task_name(&task, &memory, EA(PACA(0)), name), "");
	assert_string_equal(current_task_name(&task, &memory, UINT64_MAX, name), "");
	assert_string_equal(current_task_name(&task, &memory, 0x10000, name), "");
}

#define INIT	    0x30000u
#define REAL_PARENT 0x5f0u

static void put(uint64_t ra, uint64_t value, unsigned width, bool little)
{
	for (unsigned i = 0; i < width; i++)
		ram[ra + i] = (uint8_t)(value >> 8 * (little ? i : width - 1 - i));
}

static void put_family(uint64_t task, uint32_t number, uint64_t parent, uint64_t child, bool little)
{
	put(task + REAL_PARENT - 16, number, 4, little);
	put(task + REAL_PARENT - 12, number, 4, little);
	put(task + REAL_PARENT - 8, 0x123456789abcdef0, 8, little); /* the canary */
	put(task + REAL_PARENT, EA(parent), 8, little);
	put(task + REAL_PARENT + 8, EA(parent), 8, little);
	put(task + REAL_PARENT + 16, EA(child ? child + REAL_PARENT + 32 : task), 8, little);
}

/* The idle task, process 1, and its child, which runs on CPU 1. */
static void put_processes(bool little)
{
	memset(ram, 0, sizeof(ram));
	for (unsigned cpu = 0; cpu < 2; cpu++)
		put(PACA(cpu) + 0x128, EA(TASK(cpu)), 8, little);
	strcpy((char *)ram + TASK(0) + 0xb91, "swapper/0");
	strcpy((char *)ram + TASK(1) + 0xb91, "victim1");
	put_family(TASK(0), 0, TASK(0), INIT, little);
	put_family(INIT, 1, TASK(0), TASK(1), little);
	put_family(TASK(1), 80, INIT, 0, little);
}

static void a_process_has_its_number_in_either_byte_order(void **state)
{
	const struct current_task_sample samples[] = {
		{ EA(PACA(1)), { "victim1" } },
		{ EA(PACA(0)), { "swapper/0" } },
	};
	struct current_task task;
	uint32_t pid;

	for (unsigned little = 0; little < 2; little++) {
		put_processes(little);
		assert_true(current_task_learn(&task, &memory, samples, 2));
		assert_true(current_task_pid(&task, &memory, EA(PACA(1)), &pid));
		assert_int_equal(pid, 80);
		assert_true(current_task_pid(&task, &memory, EA(PACA(0)), &pid));
		assert_int_equal(pid, 0);
		/* A thread of it. */
		put(TASK(1) + REAL_PARENT - 16, 81, 4, little);
		assert_true(current_task_pid(&task, &memory, EA(PACA(1)), &pid));
		assert_int_equal(pid, 80);
		assert_false(current_task_pid(&task, &memory, UINT64_MAX, &pid));
	}
}

static void a_number_stays_unknown_where_no_first_process_is(void **state)
{
	const struct current_task_sample samples[] = { { EA(PACA(1)), { "victim1" } } };
	struct current_task task;
	uint32_t pid;

	put_processes(true);
	put(INIT + REAL_PARENT - 16, 2, 4, true);
	assert_true(current_task_learn(&task, &memory, samples, 1));
	assert_false(current_task_pid(&task, &memory, EA(PACA(1)), &pid));
	/* Parents that go round in a circle. */
	put_processes(true);
	put(TASK(0) + REAL_PARENT, EA(TASK(1)), 8, true);
	assert_true(current_task_learn(&task, &memory, samples, 1));
	assert_false(current_task_pid(&task, &memory, EA(PACA(1)), &pid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_of_any_cpus_process_is_found_from_known_ones),
		cmocka_unit_test(a_process_has_its_number_in_either_byte_order),
		cmocka_unit_test(a_number_stays_unknown_where_no_first_process_is),
		cmocka_unit_test(what_the_guest_holds_there_is_never_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
