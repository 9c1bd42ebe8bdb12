/* SPDX-License-Identifier: BSD-2-Clause */
/* The soft TLB's arrays and the cache of walks alone: what each flush reaches and what it keeps. */
#include "engine/emu/mmu/tlb.h"
#include "unit.h"

#define USER_EA	  0x10000000ull
#define KERNEL_EA 0xc000000000000000ull

static struct work work;
static struct tlb_arrays tlb;
static struct walk_cache walks;
static uint8_t host[4 * PAGE_BYTES];

static int set_up(void **state)
{
	memset(&tlb, 0xa5, sizeof(tlb));
	memset(&walks, 0xa5, sizeof(walks));
	tlb_init(&tlb, &work);
	walks_init(&walks, &work);
	return 0;
}

static struct code_page *code(unsigned n)
{
	return (struct code_page *)(host + n);
}

/* ---- arrays ---- */

static const uint8_t *find(enum tlb_mode mode, uint64_t ea, bool write)
{
	const struct tlb_set *set = &tlb.data[mode];
	const struct tlb_entry *entry = write ? &set->write[TLB_INDEX(ea)] :
						&set->read[TLB_INDEX(ea)];

	return entry->tag == EPN(ea) ? (const uint8_t *)(ea + entry->addend) : NULL;
}

static bool fetches(enum tlb_mode mode, uint64_t ea)
{
	return tlb.fetch[mode].entry[FETCH_INDEX(ea)].tag == EPN(ea);
}

static void fill_one_of_each(void)
{
	for (unsigned mode = 0; mode < TLB_MODES; mode++) {
		tlb_fill(&tlb, mode, USER_EA, host, false, false);
		tlb_fill(&tlb, mode, KERNEL_EA + PAGE_BYTES, host, true, true);
		tlb_fill_fetch(&tlb, mode, USER_EA, code(0), false);
		tlb_fill_fetch(&tlb, mode, KERNEL_EA + PAGE_BYTES, code(1), true);
	}
}

/* Reads of the user's page, writes to the kernel's, fetches of both. */
static unsigned present(enum tlb_mode mode)
{
	return (find(mode, USER_EA, false) ? 1u : 0) |
	       (find(mode, KERNEL_EA + PAGE_BYTES, true) ? 2u : 0) |
	       (fetches(mode, USER_EA) ? 4u : 0) | (fetches(mode, KERNEL_EA + PAGE_BYTES) ? 8u : 0);
}

static void new_arrays_are_empty_whatever_was_there(void **state)
{
	for (unsigned mode = 0; mode < TLB_MODES; mode++)
		for (uint64_t page = 0; page < TLB_ENTRIES; page++) {
			uint64_t ea = 0xa5a5a5a5a5800000ull + page * PAGE_BYTES;

			assert_null(find(mode, ea, false));
			assert_null(find(mode, ea, true));
			assert_false(fetches(mode, ea));
		}
	for (unsigned mode = 0; mode < TLB_MODES; mode++)
		for (unsigned i = 0; i < TLB_BASES; i++) {
			assert_int_equal(tlb.data[mode].base_read[i].tag, TLB_INVALID);
			assert_int_equal(tlb.data[mode].base_write[i].tag, TLB_INVALID);
		}
}

static void an_entry_leads_every_byte_of_its_page_to_the_host(void **state)
{
	tlb_fill(&tlb, TLB_USER, USER_EA + 0x123, host + 0x123, false, false);
	assert_ptr_equal(find(TLB_USER, USER_EA, false), host);
	assert_ptr_equal(find(TLB_USER, USER_EA + 0xfff, false), host + 0xfff);
	assert_null(find(TLB_USER, USER_EA + 0x1000, false));
	assert_null(find(TLB_USER, USER_EA, true));
	assert_null(find(TLB_KERNEL, USER_EA, false));
}

static void assert_present(unsigned real, unsigned kernel, unsigned user)
{
	assert_int_equal(present(TLB_REAL), real);
	assert_int_equal(present(TLB_KERNEL), kernel);
	assert_int_equal(present(TLB_USER), user);
}

static void each_flush_reaches_what_it_says_and_no_more(void **state)
{
	static const struct {
		void (*flush)(struct tlb_arrays *t);
		unsigned left[TLB_MODES]; /* real, kernel, user */
	} cases[] = {
		{ tlb_flush, { 0, 0, 0 } },
		{ tlb_flush_all_fetches, { 3, 3, 3 } },
		{ tlb_flush_process, { 15, 2, 0 } },
		{ tlb_flush_kernel, { 15, 0, 0 } },
		{ tlb_flush_user_data, { 15, 14, 15 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fill_one_of_each();
		cases[i].flush(&tlb);
		assert_present(cases[i].left[TLB_REAL], cases[i].left[TLB_KERNEL],
			       cases[i].left[TLB_USER]);
	}
}

static void the_fetches_of_a_mode_are_flushed_alone(void **state)
{
	fill_one_of_each();
	tlb_flush_fetch(&tlb, TLB_USER);
	assert_present(15, 15, 3);
}

static void code_of_another_mode_empties_its_own_set_alone(void **state)
{
	for (unsigned mode = 0; mode < TLB_MODES; mode++)
		tlb_begin_fetch(&tlb, mode, 1);
	fill_one_of_each();
	tlb_begin_fetch(&tlb, TLB_KERNEL, 1);
	assert_int_equal(present(TLB_KERNEL), 15);
	tlb_begin_fetch(&tlb, TLB_KERNEL, 2);
	assert_present(15, 3, 15);
}

static void the_kernels_flush_spares_a_user_who_saw_nothing_of_it(void **state)
{
	tlb_fill(&tlb, TLB_USER, USER_EA, host, false, false);
	tlb_flush_kernel(&tlb);
	assert_int_equal(present(TLB_USER), 1);
}

static void a_page_is_flushed_from_both_translated_modes_alone(void **state)
{
	fill_one_of_each();
	tlb_flush_page(&tlb, USER_EA);
	assert_present(15, 10, 10);
}

static void more_user_pages_than_are_listed_are_forgotten_together(void **state)
{
	for (unsigned i = 0; i <= KUSER_SLOTS; i++)
		tlb_fill(&tlb, TLB_KERNEL, USER_EA + i * PAGE_BYTES, host, false, false);
	assert_null(find(TLB_KERNEL, USER_EA, false));
	assert_non_null(find(TLB_KERNEL, USER_EA + KUSER_SLOTS * PAGE_BYTES, false));
	tlb_flush_user_data(&tlb);
	assert_null(find(TLB_KERNEL, USER_EA + KUSER_SLOTS * PAGE_BYTES, false));
}

static void protecting_a_page_ends_its_fast_stores_at_every_address(void **state)
{
	tlb_fill(&tlb, TLB_USER, USER_EA, host, false, false);
	tlb_fill(&tlb, TLB_USER, USER_EA, host, true, false);
	tlb_fill(&tlb, TLB_KERNEL, KERNEL_EA, host, true, true);
	tlb_fill(&tlb, TLB_REAL, 0, host + PAGE_BYTES, true, true);
	tlb_protect(&tlb, host);
	assert_null(find(TLB_USER, USER_EA, true));
	assert_null(find(TLB_KERNEL, KERNEL_EA, true));
	assert_non_null(find(TLB_USER, USER_EA, false));
	assert_non_null(find(TLB_REAL, 0, true));
}

static void a_flush_reaches_more_pages_than_the_log_holds(void **state)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++) {
		tlb_fill(&tlb, TLB_REAL, i * PAGE_BYTES, host, true, true);
		tlb_fill_fetch(&tlb, TLB_REAL, i * PAGE_BYTES, code(0), true);
	}
	tlb_flush(&tlb);
	for (unsigned i = 0; i < TLB_ENTRIES; i++) {
		assert_null(find(TLB_REAL, i * PAGE_BYTES, true));
		assert_false(fetches(TLB_REAL, i * PAGE_BYTES));
	}
}

static void a_flush_costs_what_was_filled(void **state)
{
	int64_t before = work.left;

	tlb_flush(&tlb);
	assert_int_equal(work.left, before);
	tlb_fill(&tlb, TLB_REAL, 0, host, true, true);
	tlb_flush(&tlb);
	assert_int_equal(work.left, before - 1);
}

/* ---- walks ---- */

static uint64_t walk_of(uint32_t pid, uint64_t ea)
{
	const struct walk_entry *walk = walks_find(&walks, pid, ea);

	return walk ? walk->ra : 0;
}

static void a_walk_is_found_by_its_process_alone(void **state)
{
	walks_add(&walks, 1, USER_EA + 0x123, 0x5123, 7);
	assert_int_equal(walk_of(1, USER_EA), 0x5000);
	assert_int_equal(walks_find(&walks, 1, USER_EA)->protection, 7);
	assert_int_equal(walk_of(1, USER_EA + PAGE_BYTES), 0);
	assert_int_equal(walk_of(2, USER_EA), 0);
	/* Two processes whose numbers share a slot. */
	assert_int_equal(walk_of(1 + ASID_ENTRIES, USER_EA), 0);
	assert_int_equal(walk_of(1, USER_EA), 0);
}

static void walks_are_flushed_by_process_range_or_all(void **state)
{
	for (uint32_t pid = 1; pid < 3; pid++)
		for (unsigned i = 0; i < 2; i++)
			walks_add(&walks, pid, USER_EA + i * PAGE_BYTES, 0x5000, 0);
	walks_flush_range(&walks, 1, USER_EA, PAGE_BYTES);
	assert_int_equal(walk_of(1, USER_EA), 0);
	assert_int_equal(walk_of(1, USER_EA + PAGE_BYTES), 0x5000);
	assert_int_equal(walk_of(2, USER_EA), 0x5000);
	walks_flush_space(&walks, 1);
	assert_int_equal(walk_of(1, USER_EA + PAGE_BYTES), 0);
	assert_int_equal(walk_of(2, USER_EA), 0x5000);
	walks_flush(&walks);
	assert_int_equal(walk_of(2, USER_EA), 0);
}

static void an_old_walk_is_not_found_when_numbers_start_again(void **state)
{
	for (uint32_t before = 0; before < 3; before++) {
		walks_init(&walks, &work);
		walks_add(&walks, 1, USER_EA, 0x5000, 0);
		walks.next_asid = UINT32_MAX - before;
		for (unsigned i = 0; i < before + 4; i++) {
			walks_flush_space(&walks, 1);
			assert_int_equal(walk_of(1, USER_EA), 0);
		}
	}
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(new_arrays_are_empty_whatever_was_there),
		TEST(an_entry_leads_every_byte_of_its_page_to_the_host),
		TEST(each_flush_reaches_what_it_says_and_no_more),
		TEST(the_fetches_of_a_mode_are_flushed_alone),
		TEST(code_of_another_mode_empties_its_own_set_alone),
		TEST(the_kernels_flush_spares_a_user_who_saw_nothing_of_it),
		TEST(a_page_is_flushed_from_both_translated_modes_alone),
		TEST(more_user_pages_than_are_listed_are_forgotten_together),
		TEST(protecting_a_page_ends_its_fast_stores_at_every_address),
		TEST(a_flush_reaches_more_pages_than_the_log_holds),
		TEST(a_flush_costs_what_was_filled),
		TEST(a_walk_is_found_by_its_process_alone),
		TEST(walks_are_flushed_by_process_range_or_all),
		TEST(an_old_walk_is_not_found_when_numbers_start_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
