/* SPDX-License-Identifier: BSD-2-Clause */
/* The walk of radix trees alone: tables in memory, requests, and what comes out. */
#include "engine/emu/mmu/translate.h"
#include "isa/srr1.h"
#include "unit.h"

#define RAM	      0x100000u
#define PROCESS_TABLE 0x1000u
#define NR_PROCESSES  16u
#define LEAF_AT(root) ((root) + 8 * 3) /* the tables here have one entry in use: the fourth */
#define NO_MEMORY     0x40000000ull

/* A tree of the shape that Linux builds: 13, 9, 9 and 9 bits. */
#define ROOT	  0x10000u
#define DIRECTORY 0x20000u
#define MIDDLE	  0x21000u
#define LOWEST	  0x22000u
/* The address whose entry is the fourth of each table. */
#define EA	  (3ull << 39 | 3ull << 30 | 3ull << 21 | 3ull << 12)

#define VALID (1ull << 63)
#define LEAF  (1ull << 62)
#define R     0x100ull
#define C     0x080ull
#define ALL   (PAGE_READ | PAGE_WRITE | PAGE_EXEC)

static uint8_t ram[RAM];
static struct guest_memory memory = { .base = ram, .size = RAM };
static const struct engine_partition partition = { .radix = true,
						   .process_table = PROCESS_TABLE,
						   .process_table_size = NR_PROCESSES * 16 };
static struct translation found;
static struct translate_fault fault;

static void put(uint64_t at, uint64_t v)
{
	put_be64(ram + at, v);
}

static uint64_t get(uint64_t at)
{
	return get_be64(ram + at);
}

/* A process's table entry: 52 bits are translated, from a root of 2^13 entries. */
static uint64_t process(uint64_t root)
{
	return 2ull << 61 | 5ull << 5 | root | 13;
}

static int set_up(void **state)
{
	memset(ram, 0, sizeof(ram));
	put(PROCESS_TABLE + 16 * 1, process(ROOT));
	put(LEAF_AT(ROOT), VALID | DIRECTORY | 9);
	put(LEAF_AT(DIRECTORY), VALID | MIDDLE | 9);
	put(LEAF_AT(MIDDLE), VALID | LOWEST | 9);
	put(LEAF_AT(LOWEST), VALID | LEAF | 0x5000 | ALL);
	return 0;
}

static bool walk(uint64_t ea, enum access access)
{
	struct translate_request r = {
		.ea = ea, .access = access, .pid = 1, .problem_state = true
	};

	return radix_format.space(&r, &fault) &&
	       radix_format.walk(&memory, &partition, &r, &found, &fault);
}

static void assert_storage_fault(uint64_t ea, enum access access, uint32_t dsisr)
{
	assert_false(walk(ea, access));
	assert_int_equal(fault.kind, FAULT_STORAGE);
	assert_int_equal(fault.dsisr, dsisr);
}

static void a_walk_finds_the_real_address_the_protection_and_the_page_size(void **state)
{
	assert_true(walk(EA + 0x123, ACCESS_READ));
	assert_int_equal(found.ra, 0x5123);
	assert_int_equal(found.protection, ALL);
	assert_int_equal(found.page_bits, 12);
}

static void a_leaf_may_stand_at_each_level_up_to_1_gib(void **state)
{
	put(LEAF_AT(MIDDLE), VALID | LEAF | 0x40000000 | ALL);
	assert_true(walk(EA + 0x123, ACCESS_READ));
	assert_int_equal(found.page_bits, 21);
	assert_int_equal(found.ra, 0x40000000 | (EA & 0x1fffff) | 0x123);
	put(LEAF_AT(DIRECTORY), VALID | LEAF | 0x40000000 | ALL);
	assert_true(walk(EA + 0x123, ACCESS_READ));
	assert_int_equal(found.page_bits, 30);
	assert_int_equal(found.ra, 0x40000000 | (EA & 0x3fffffff) | 0x123);
	put(LEAF_AT(ROOT), VALID | LEAF | ALL);
	assert_storage_fault(EA, ACCESS_READ, FAULT_BAD_CONFIG);
}

static void a_walk_notes_a_reference_and_a_store_a_change(void **state)
{
	assert_true(walk(EA, ACCESS_READ));
	assert_int_equal(get(LEAF_AT(LOWEST)) & (R | C), R);
	assert_false(found.protection & PAGE_CHANGED);
	assert_true(walk(EA, ACCESS_WRITE));
	assert_int_equal(get(LEAF_AT(LOWEST)) & (R | C), R | C);
	assert_true(found.protection & PAGE_CHANGED);
}

static void an_access_that_is_refused_leaves_the_table_alone(void **state)
{
	const uint64_t leaf = VALID | LEAF | 0x5000 | PAGE_READ;

	put(LEAF_AT(LOWEST), leaf);
	assert_storage_fault(EA, ACCESS_WRITE, FAULT_PROTECTION);
	assert_storage_fault(EA, ACCESS_FETCH, FAULT_NOEXEC);
	assert_int_equal(get(LEAF_AT(LOWEST)), leaf);
	put(LEAF_AT(LOWEST), VALID | LEAF | 0x5000 | ALL | PAGE_PRIVILEGED);
	assert_storage_fault(EA, ACCESS_READ, FAULT_PROTECTION);
}

static void what_is_not_valid_is_not_found(void **state)
{
	static const uint64_t entries[] = { LEAF_AT(LOWEST), LEAF_AT(MIDDLE), LEAF_AT(DIRECTORY),
					    LEAF_AT(ROOT) };

	assert_storage_fault(EA + 0x1000, ACCESS_READ, FAULT_NO_PTE);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		put(entries[i], get(entries[i]) & ~VALID);
		assert_storage_fault(EA, ACCESS_READ, FAULT_NO_PTE);
	}
}

static void a_table_where_nothing_answers_is_told_by_its_address(void **state)
{
	put(LEAF_AT(MIDDLE), VALID | NO_MEMORY | 9);
	assert_false(walk(EA, ACCESS_READ));
	assert_int_equal(fault.kind, FAULT_MEMORY);
	assert_int_equal(fault.met, MEMORY_HOLE);
	assert_int_equal(fault.ra, LEAF_AT(NO_MEMORY));
	put(PROCESS_TABLE + 16 * 1, process(NO_MEMORY));
	assert_false(walk(EA, ACCESS_READ));
	assert_int_equal(fault.ra, LEAF_AT(NO_MEMORY));
}

static void poison_in_an_entry_of_a_table_is_told_by_its_address(void **state)
{
	static const uint64_t entries[] = { PROCESS_TABLE + 16, LEAF_AT(ROOT), LEAF_AT(DIRECTORY),
					    LEAF_AT(MIDDLE), LEAF_AT(LOWEST) };

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		assert_true(memory_poison(&memory, entries[i] + 3, 1, true));
		assert_false(walk(EA, ACCESS_WRITE));
		assert_int_equal(fault.kind, FAULT_MEMORY);
		assert_int_equal(fault.met, MEMORY_POISONED);
		assert_int_equal(fault.ra, entries[i]);
		assert_true(memory_heal(&memory, 0, RAM));
	}
}

static void a_tree_of_another_shape_is_a_bad_configuration(void **state)
{
	static const unsigned sizes[] = { 0, 4, 17, 31 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		put(LEAF_AT(DIRECTORY), VALID | MIDDLE | sizes[i]);
		assert_storage_fault(EA, ACCESS_READ, FAULT_BAD_CONFIG);
	}
	/* A directory that leads to itself runs out of bits. */
	put(LEAF_AT(DIRECTORY), VALID | DIRECTORY | 9);
	assert_storage_fault(EA, ACCESS_READ, FAULT_BAD_CONFIG);
	put(PROCESS_TABLE + 16 * 1, process(ROOT) ^ 1ull << 61);
	assert_storage_fault(EA, ACCESS_READ, FAULT_BAD_CONFIG);
}

static void a_process_beyond_the_table_has_no_tree(void **state)
{
	const uint32_t beyond[] = { NR_PROCESSES, UINT32_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(beyond); i++) {
		struct translate_request r = { .ea = EA, .pid = beyond[i] };

		assert_true(radix_format.space(&r, &fault));
		assert_false(radix_format.walk(&memory, &partition, &r, &found, &fault));
		assert_int_equal(fault.kind, FAULT_STORAGE);
		assert_int_equal(fault.dsisr, FAULT_NO_PTE);
	}
}

static void the_quadrant_chooses_the_process(void **state)
{
	static const struct {
		uint64_t ea;
		bool translated;
		uint32_t space;
	} cases[] = {
		{ 0, true, 7 },
		{ 1ull << 52, false, 0 },
		{ 1ull << 61, false, 0 },
		{ 1ull << 62, false, 0 },
		{ 2ull << 62, false, 0 },
		{ 3ull << 62, true, 0 },
		{ 13ull << 60, false, 0 },
		{ (3ull << 62) + (1ull << 51), true, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct translate_request r = { .ea = cases[i].ea, .pid = 7 };

		assert_int_equal(radix_format.space(&r, &fault), cases[i].translated);
		assert_int_equal(r.space, cases[i].space);
		if (!cases[i].translated)
			assert_int_equal(fault.kind, FAULT_SEGMENT);
	}
	put(PROCESS_TABLE, process(ROOT));
	put(PROCESS_TABLE + 16 * 1, 0);
	assert_true(walk(3ull << 62 | EA, ACCESS_READ));
	assert_int_equal(found.ra, 0x5000);
}

static void amr_and_iamr_govern_privileged_access_to_user_pages(void **state)
{
	static const uint64_t no_read = 1ull << 62, no_write = 1ull << 63, no_fetch = 1ull << 62;
	struct translate_request r = { .amr = no_read };

	assert_int_equal(radix_format.check(&r, ALL), FAULT_PROTECTION);
	assert_int_equal(radix_format.check(&r, ALL | PAGE_PRIVILEGED), 0);
	r.access = ACCESS_WRITE;
	assert_int_equal(radix_format.check(&r, ALL), 0);
	r.amr = no_write;
	assert_int_equal(radix_format.check(&r, ALL), FAULT_PROTECTION);
	r.access = ACCESS_FETCH;
	assert_int_equal(radix_format.check(&r, ALL), 0);
	r.iamr = no_fetch;
	assert_int_equal(radix_format.check(&r, ALL), FAULT_PROTECTION);
	r.problem_state = true;
	assert_int_equal(radix_format.check(&r, ALL), 0);
}

/* Power ISA 3.0B, Book III, figure "Radix Tree Page Table Entry": ATT. */
static void only_non_idempotent_io_is_guarded_and_no_io_is_cached(void **state)
{
	static const struct {
		bool executes, cached;
	} att[] = { { true, true }, { true, true }, { false, false }, { true, false } };

	for (unsigned i = 0; i < ARRAY_SIZE(att); i++) {
		put(LEAF_AT(LOWEST), VALID | LEAF | 0x5000 | ALL | i << 4);
		assert_true(walk(EA, ACCESS_READ));
		assert_int_equal(!(found.protection & PAGE_UNCACHED), att[i].cached);
		assert_true(walk(EA, ACCESS_WRITE));
		if (att[i].executes)
			assert_true(walk(EA, ACCESS_FETCH));
		else
			assert_storage_fault(EA, ACCESS_FETCH, 0x10000000);
	}
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_walk_finds_the_real_address_the_protection_and_the_page_size),
		TEST(a_leaf_may_stand_at_each_level_up_to_1_gib),
		TEST(a_walk_notes_a_reference_and_a_store_a_change),
		TEST(an_access_that_is_refused_leaves_the_table_alone),
		TEST(what_is_not_valid_is_not_found),
		TEST(a_table_where_nothing_answers_is_told_by_its_address),
		TEST(poison_in_an_entry_of_a_table_is_told_by_its_address),
		TEST(a_tree_of_another_shape_is_a_bad_configuration),
		TEST(a_process_beyond_the_table_has_no_tree),
		TEST(the_quadrant_chooses_the_process),
		TEST(only_non_idempotent_io_is_guarded_and_no_io_is_cached),
		TEST(amr_and_iamr_govern_privileged_access_to_user_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
