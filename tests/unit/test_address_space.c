/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's real address space: what answers where. */
#include "engine/memory.h"

#include "unit.h"

#define SIZE  0x10000u
#define STEPS 20000u

static struct guest_memory memory;
/* The expected state, one entry per address: 0 is RAM, 1 poison, 2 poison that heals. */
static uint8_t model[SIZE];

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
	assert_true(memory_poison(&memory, 0x1000, 0x80, false));
	assert_region(0xfff, MEMORY_RAM, 0, 0xfff);
	assert_region(0x1000, MEMORY_POISONED, 0x1000, 0x107f);
	assert_region(0x107f, MEMORY_POISONED, 0x1000, 0x107f);
	assert_region(0x1080, MEMORY_RAM, 0x1080, SIZE - 1);
}

static void poison_at_either_end_of_ram_leaves_no_ram_there(void **state)
{
	assert_true(memory_poison(&memory, 0, 1, false));
	assert_true(memory_poison(&memory, SIZE - 1, 1, false));
	assert_region(0, MEMORY_POISONED, 0, 0);
	assert_region(1, MEMORY_RAM, 1, SIZE - 2);
	assert_region(SIZE - 1, MEMORY_POISONED, SIZE - 1, SIZE - 1);
	assert_region(SIZE, MEMORY_HOLE, SIZE, UINT64_MAX);
}

static void poison_that_touches_poison_is_one_region(void **state)
{
	assert_true(memory_poison(&memory, 0x100, 0x10, false));
	assert_true(memory_poison(&memory, 0x120, 0x10, false));
	assert_true(memory_poison(&memory, 0x110, 0x10, false));
	assert_region(0x118, MEMORY_POISONED, 0x100, 0x12f);
	assert_int_equal(memory.nr_poisoned, 1);
}

static void healing_the_middle_leaves_the_ends(void **state)
{
	assert_true(memory_poison(&memory, 0x100, 0x100, false));
	assert_true(memory_heal(&memory, 0x140, 0x20));
	assert_region(0x13f, MEMORY_POISONED, 0x100, 0x13f);
	assert_region(0x140, MEMORY_RAM, 0x140, 0x15f);
	assert_region(0x160, MEMORY_POISONED, 0x160, 0x1ff);
	assert_true(memory_heal(&memory, 0, SIZE));
	assert_region(0, MEMORY_RAM, 0, SIZE - 1);
}

static void only_ram_is_poisoned_or_healed(void **state)
{
	assert_false(memory_poison(&memory, SIZE, 1, false));
	assert_false(memory_poison(&memory, SIZE - 1, 2, false));
	assert_false(memory_poison(&memory, 1, UINT64_MAX, false));
	assert_false(memory_poison(&memory, UINT64_MAX, 1, false));
	assert_false(memory_poison(&memory, 0, 0, false));
	assert_false(memory_heal(&memory, SIZE - 1, 2));
	assert_false(memory_heal(&memory, 0, 0));
	assert_int_equal(memory.nr_poisoned, 0);
}

static void one_region_too_many_changes_nothing(void **state)
{
	for (unsigned i = 0; i < MEMORY_MAX_POISONED; i++)
		assert_true(memory_poison(&memory, 0x100 * i, 0x10, false));
	assert_false(memory_poison(&memory, 0x8000, 0x10, false));
	assert_region(0x8000, MEMORY_RAM, 0x100 * MEMORY_MAX_POISONED - 0xf0, SIZE - 1);
	assert_false(memory_heal(&memory, 4, 4));
	assert_region(4, MEMORY_POISONED, 0, 0xf);
	assert_int_equal(memory.nr_poisoned, MEMORY_MAX_POISONED);
	/* Merging two ranges frees an entry. */
	assert_true(memory_poison(&memory, 0x10, 0xf0, false));
	assert_true(memory_poison(&memory, 0x8000, 0x10, false));
}

static void reading_and_writing_stop_at_poison_and_a_look_does_not(void **state)
{
	uint64_t value = 0;

	memory.base = calloc(1, SIZE);
	assert_true(memory_write_be64(&memory, 0x80, 42));
	assert_true(memory_poison(&memory, 0x87, 1, false));
	assert_false(memory_read_be64(&memory, 0x80, &value));
	assert_true(memory.met_poison);
	memory.met_poison = false;
	assert_false(memory_write_be64(&memory, 0x80, 43));
	assert_true(memory.met_poison);
	memory.met_poison = false;
	assert_false(memory_read_be64(&memory, SIZE - 4, &value));
	assert_false(memory.met_poison);
	assert_true(memory_peek(&memory, 0x80, &value, 8));
	assert_int_equal(get_be64(&value), 42);
	free(memory.base);
}

static void a_write_heals_what_it_covers_if_that_was_asked_for(void **state)
{
	uint8_t line[MEMORY_LINE] = { 0 };

	memory.base = calloc(1, SIZE);
	assert_true(memory_poison(&memory, 0x100, 2 * MEMORY_LINE, true));
	assert_true(memory_poison(&memory, 0x400, MEMORY_LINE, false));
	assert_false(memory_write(&memory, 0x100, line, MEMORY_LINE - 1));
	assert_false(memory_write(&memory, 0x101, line, MEMORY_LINE));
	assert_true(memory_write(&memory, 0x100, line, MEMORY_LINE));
	assert_region(0x180, MEMORY_POISONED, 0x180, 0x1ff);
	assert_false(memory_write(&memory, 0x400, line, MEMORY_LINE));
	assert_int_equal(memory.nr_poisoned, 2);
	free(memory.base);
}

static void poison_that_heals_does_not_join_poison_that_does_not(void **state)
{
	assert_true(memory_poison(&memory, 0x100, 0x100, false));
	assert_true(memory_poison(&memory, 0x180, 0x100, true));
	assert_region(0x100, MEMORY_POISONED, 0x100, 0x17f);
	assert_region(0x200, MEMORY_POISONED, 0x180, 0x27f);
	assert_true(memory_region(&memory, 0x200).heal_on_write);
	assert_true(memory_poison(&memory, 0x180, 0x100, false));
	assert_region(0x200, MEMORY_POISONED, 0x100, 0x27f);
}

static void an_obstacle_is_the_first_region_that_is_in_the_way(void **state)
{
	assert_true(memory_poison(&memory, 0x100, 0x10, true));
	assert_int_equal(memory_obstacle(&memory, 0, 0x100, false).kind, MEMORY_RAM);
	assert_int_equal(memory_obstacle(&memory, 0, 0x101, false).kind, MEMORY_POISONED);
	assert_int_equal(memory_obstacle(&memory, 0x80, 0x80, true).kind, MEMORY_RAM);
	assert_int_equal(memory_obstacle(&memory, 0x100, 0x10, true).kind, MEMORY_RAM);
	assert_int_equal(memory_obstacle(&memory, 0x100, 0x10, false).kind, MEMORY_POISONED);
	assert_int_equal(memory_obstacle(&memory, 0x101, 0x10, true).kind, MEMORY_POISONED);
	assert_int_equal(memory_obstacle(&memory, SIZE - 1, 2, false).kind, MEMORY_HOLE);
	assert_int_equal(memory_obstacle(&memory, UINT64_MAX, 8, false).kind, MEMORY_HOLE);
	assert_int_equal(memory_obstacle(&memory, 0x200, UINT64_MAX, true).kind, MEMORY_HOLE);
	assert_int_equal(memory_obstacle(&memory, 0x100, 0, false).kind, MEMORY_RAM);
}

static void windows_stand_in_the_hole_and_not_on_one_another(void **state)
{
	static const struct memory_window low = { .first = 0x20000, .last = 0x20fff },
					  high = { .first = 0x40000, .last = 0x40fff };
	const struct memory_window wrong[] = {
		{ .first = SIZE - 1, .last = SIZE },
		{ .first = 0x30000, .last = 0x2ffff },
		{ .first = 0x20fff, .last = 0x21000 },
		{ .first = 0x1ffff, .last = 0x21000 },
		{ .first = 0x3ffff, .last = 0x40000 },
		{ .first = MEMORY_LIMIT - 1, .last = MEMORY_LIMIT },
	};

	assert_true(memory_add_window(&memory, &high));
	assert_true(memory_add_window(&memory, &low));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(memory_add_window(&memory, &wrong[i]));
	assert_region(SIZE, MEMORY_HOLE, SIZE, 0x1ffff);
	assert_region(0x20abc, MEMORY_WINDOW, 0x20000, 0x20fff);
	assert_ptr_equal(memory_region(&memory, 0x20000).window, &low);
	assert_region(0x21000, MEMORY_HOLE, 0x21000, 0x3ffff);
	assert_region(0x40fff, MEMORY_WINDOW, 0x40000, 0x40fff);
	assert_region(0x41000, MEMORY_HOLE, 0x41000, UINT64_MAX);
}

static void assert_same_as_model(uint64_t ra)
{
	uint64_t first = ra, last = ra;

	while (first && model[first - 1] == model[ra])
		first--;
	while (last < SIZE - 1 && model[last + 1] == model[ra])
		last++;
	assert_region(ra, model[ra] ? MEMORY_POISONED : MEMORY_RAM, first, last);
	assert_int_equal(memory_region(&memory, ra).heal_on_write, model[ra] == 2);
}

static void any_sequence_does_what_one_flag_for_each_byte_would(void **state)
{
	uint64_t random = 1;

	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t ra, len;
		uint8_t kind;
		bool done;

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		ra = (random >> 24) % SIZE / 64 * 64;
		len = 64 * (1 + (random >> 44) % 20);
		kind = (uint8_t)(random >> 62 & 1 ? 1 + (random >> 63) : 0);
		if (len > SIZE - ra)
			continue;
		done = kind ? memory_poison(&memory, ra, len, kind == 2) :
			      memory_heal(&memory, ra, len);
		if (done)
			memset(model + ra, kind, len);
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
		TEST(reading_and_writing_stop_at_poison_and_a_look_does_not),
		TEST(a_write_heals_what_it_covers_if_that_was_asked_for),
		TEST(poison_that_heals_does_not_join_poison_that_does_not),
		TEST(an_obstacle_is_the_first_region_that_is_in_the_way),
		TEST(windows_stand_in_the_hole_and_not_on_one_another),
		TEST(any_sequence_does_what_one_flag_for_each_byte_would),
	};

	return cmocka_run_group_tests_name("address-space", tests, NULL, NULL);
}
