/* SPDX-License-Identifier: BSD-2-Clause */
/* NVRAM by itself. How it is partitioned is in test_pseries_rtas.c. */
#include "devices/nvram.h"

#include "unit.h"

static struct nvram nvram, kept;
static unsigned writes;
static bool works;

static bool keep(void *opaque, uint32_t offset, const void *buf, uint32_t len)
{
	writes++;
	memcpy(kept.state.data + offset, buf, len);
	return works;
}

static int setup(void **state)
{
	nvram_init(&nvram);
	nvram_init(&kept);
	writes = 0;
	works = true;
	return 0;
}

static void without_a_store_it_remembers_what_is_written(void **state)
{
	assert_true(nvram_write(&nvram, NVRAM_SIZE - 3, "abc", 3));
	assert_memory_equal(nvram.state.data + NVRAM_SIZE - 3, "abc", 3);
}

static void a_store_is_told_of_each_change(void **state)
{
	nvram.store = (struct nvram_store){ keep, NULL };
	assert_true(nvram_write(&nvram, 100, "abc", 3));
	assert_int_equal(writes, 1);
	assert_memory_equal(&kept.state, &nvram.state, sizeof(kept.state));
}

static void a_store_that_fails_is_told(void **state)
{
	nvram.store = (struct nvram_store){ keep, NULL };
	works = false;
	assert_false(nvram_write(&nvram, 0, "abc", 3));
}

static void nothing_is_written_outside(void **state)
{
	struct nvram_state before = nvram.state;

	nvram.store = (struct nvram_store){ keep, NULL };
	assert_false(nvram_write(&nvram, NVRAM_SIZE, "a", 1));
	assert_false(nvram_write(&nvram, NVRAM_SIZE - 2, "abc", 3));
	assert_false(nvram_write(&nvram, 1, "abc", UINT32_MAX));
	assert_false(nvram_write(&nvram, UINT32_MAX, "abc", 3));
	assert_int_equal(writes, 0);
	assert_memory_equal(&nvram.state, &before, sizeof(before));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_store_it_remembers_what_is_written),
		TEST(a_store_is_told_of_each_change),
		TEST(a_store_that_fails_is_told),
		TEST(nothing_is_written_outside),
	};

	return cmocka_run_group_tests_name("nvram", tests, NULL, NULL);
}
