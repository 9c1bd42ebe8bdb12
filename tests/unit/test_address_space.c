/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's real address space: what answers where. */
#include "engine/memory.h"

#include "unit.h"

#define SIZE  0x10000u
#define STEPS 20000u

static struct guest_memory memory;
/* The expected state, one entry per address: true if poisoned. */
static bool model[SIZE];

static int setup(void **state)
{
	memory = (struct guest_memory){ .size = SIZE };
	memset(model, 0, sizeof(model));
	return 0;
}

static void assert_region(uint64_t ra, enum memory_kind kind, uint64_t first, uint64_t last)
{
	struct memory_region region = memory_region(&memory, ra);

	assert_int_equal(region.kind, kind);
	assert_true(region.first == first && region.last == last);
}

static void there_is_ram_up_to_its_size_and_a_hole_from_there_on(void **state)
{
	assert_region(0, MEMORY_RAM, 0, SIZE - 1);
	assert_region(SIZE - 1, MEMORY_RAM, 0, SIZE - 1);
	assert_region(SIZE, MEMORY_HOLE, SIZE, UINT64_MAX);
	assert_region(UINT64_MAX, MEMORY_HOLE, SIZE, UINT64_MAX);
}

static void poison_parts_ram(void **state)
{
	assert_true(memory_poison(&memory, 0x1000, 0x80));
	assert_region(0xfff, MEMORY_RAM, 0, 0xfff);
	assert_region(0x1000, MEMORY_POISONED, 0x1000, 0x107f);
	assert_region(0x107f, MEMORY_POISONED, 0x1000, 0x107f);
	assert_region(0x1080, MEMORY_RAM, 0x1080, SIZE - 1);
}

static void poison_at_either_end_of_ram_leaves_no_ram_there(void **state)
{
	assert_true(memory_poison(&memory, 0, 1));
	assert_true(memory_poison(&memory, SIZE - 1, 1));
	assert_region(0, MEMORY_POISONED, 0, 0);
	assert_region(1, MEMORY_RAM, 1, SIZE - 2);
	assert_region(SIZE - 1, MEMORY_POISONED, SIZE - 1, SIZE - 1);
	assert_region(SIZE, MEMORY_HOLE, SIZE, UINT64_MAX);
}

static void poison_that_touches_poison_is_one_region(void **state)
{
	assert_true(memory_poison(&memory, 0x100, 0x10));
	assert_true(memory_poison(&memory, 0x120, 0x10));
	assert_true(memory_poison(&memory, 0x110, 0x10));
	assert_region(0x118, MEMORY_POISONED, 0x100, 0x12f);
	assert_int_equal(memory.nr_poisoned, 1);
}

static void healing_the_middle_leaves_the_ends(void **state)
{
	assert_true(memory_poison(&memory, 0x100, 0x100));
	assert_true(memory_heal(&memory, 0x140, 0x20));
	assert_region(0x13f, MEMORY_POISONED, 0x100, 0x13f);
	assert_region(0x140, MEMORY_RAM, 0x140, 0x15f);
	assert_region(0x160, MEMORY_POISONED, 0x160, 0x1ff);
	assert_true(memory_heal(&memory, 0, SIZE));
	assert_region(0, MEMORY_RAM, 0, SIZE - 1);
}

static void only_ram_is_poisoned_or_healed(void **state)
{
	assert_false(memory_poison(&memory, SIZE, 1));
	assert_false(memory_poison(&memory, SIZE - 1, 2));
	assert_false(memory_poison(&memory, 1, UINT64_MAX));
	assert_false(memory_poison(&memory, UINT64_MAX, 1));
	assert_false(memory_poison(&memory, 0, 0));
	assert_false(memory_heal(&memory, SIZE - 1, 2));
	assert_false(memory_heal(&memory, 0, 0));
	assert_int_equal(memory.nr_poisoned, 0);
}

static void one_region_too_many_changes_nothing(void **state)
{
	for (unsigned i = 0; i < MEMORY_MAX_POISONED; i++)
		assert_true(memory_poison(&memory, 0x100 * i, 0x10));
	assert_false(memory_poison(&memory, 0x8000, 0x10));
	assert_region(0x8000, MEMORY_RAM, 0x100 * MEMORY_MAX_POISONED - 0xf0, SIZE - 1);
	assert_false(memory_heal(&memory, 4, 4));
	assert_region(4, MEMORY_POISONED, 0, 0xf);
	assert_int_equal(memory.nr_poisoned, MEMORY_MAX_POISONED);
	/* Merging two ranges frees an entry. */
	assert_true(memory_poison(&memory, 0x10, 0xf0));
	assert_true(memory_poison(&memory, 0x8000, 0x10));
}

static void the_hosts_own_accesses_ignore_poison(void **state)
{
	uint64_t value;

	memory.base = calloc(1, SIZE);
	assert_true(memory_poison(&memory, 0, SIZE));
	assert_true(memory_write_be64(&memory, 0x80, 42));
	assert_true(memory_read_be64(&memory, 0x80, &value));
	assert_int_equal(value, 42);
	free(memory.base);
}

static void assert_same_as_model(uint64_t ra)
{
	uint64_t first = ra, last = ra;

	while (first && model[first - 1] == model[ra])
		first--;
	while (last < SIZE - 1 && model[last + 1] == model[ra])
		last++;
	assert_region(ra, model[ra] ? MEMORY_POISONED : MEMORY_RAM, first, last);
}

static void any_sequence_does_what_one_flag_for_each_byte_would(void **state)
{
	uint64_t random = 1;

	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t ra, len;
		bool poison, done;

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		ra = (random >> 24) % SIZE / 64 * 64;
		len = 64 * (1 + (random >> 44) % 20);
		poison = random >> 63;
		if (len > SIZE - ra)
			continue;
		done = (poison ? memory_poison : memory_heal)(&memory, ra, len);
		if (done)
			memset(model + ra, poison, len);
		assert_same_as_model(ra);
		assert_same_as_model((random >> 13) % SIZE);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_is_ram_up_to_its_size_and_a_hole_from_there_on),
		TEST(poison_parts_ram),
		TEST(poison_at_either_end_of_ram_leaves_no_ram_there),
		TEST(poison_that_touches_poison_is_one_region),
		TEST(healing_the_middle_leaves_the_ends),
		TEST(only_ram_is_poisoned_or_healed),
		TEST(one_region_too_many_changes_nothing),
		TEST(the_hosts_own_accesses_ignore_poison),
		TEST(any_sequence_does_what_one_flag_for_each_byte_would),
	};

	return cmocka_run_group_tests_name("address-space", tests, NULL, NULL);
}
