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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_of_any_cpus_process_is_found_from_known_ones),
		cmocka_unit_test(what_the_guest_holds_there_is_never_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
