/* SPDX-License-Identifier: BSD-2-Clause */
/* The search of a hash table alone: entries, requests, and what comes out. */
#include "engine/emu/mmu/translate.h"
#include "isa/hpte.h"
#include "isa/srr1.h"
#include "unit.h"

#define ORDER 18
#define VSID  0x3123456789ull /* fits in segments of both sizes */
#define EA    0xc000000000000000ull
#define PAGE  0x5a000ull /* offset of the page in its segment */
#define RA    0x3000000ull

#define PAGE_4K	 0x000ull
#define PAGE_64K 0x110ull
#define PAGE_16M 0x100ull

static uint64_t table[(1u << ORDER) / 8];
static struct engine_partition partition = { .hash_table = table, .hash_table_order = ORDER };
static struct guest_memory memory = { .base = (uint8_t *)table };
static struct engine_slb_entry slb[SLB_ENTRIES];
static struct translate_request request;
static struct translation found;
static struct translate_fault fault;

static int set_up(void **state)
{
	memset(table, 0, sizeof(table));
	memset(slb, 0, sizeof(slb));
	request = (struct translate_request){ .slb = slb };
	return 0;
}

static uint64_t be(uint64_t v)
{
	return get_be64(&v);
}

static void segment(unsigned slot, uint64_t ea, bool segment_1t, uint64_t flags)
{
	slb[slot].esid = (ea & SLB_ESID) | SLB_VALID;
	slb[slot].vsid = flags | (segment_1t ? SLB_B_1T | VSID << 24 : VSID << 12);
}

/* Enter a page's entry in slot @slot of one of its groups: a pointer to it. */
static uint64_t *enter(bool segment_1t, uint64_t offset, unsigned base, bool secondary,
		       unsigned slot, uint64_t r)
{
	const struct virtual_page page = { .vsid = VSID,
					   .offset = offset,
					   .segment_1t = segment_1t };
	uint64_t *entry =
		&table[2 * (hpt_group(&page, base, secondary, ORDER) * HPTES_PER_GROUP + slot)];
	const bool large = base > 12 || r & HPTE_R_LP & 0xff000;

	entry[0] = be((hpte_v(&page) & hpte_v_mask(base)) | HPTE_V_VALID |
		      (secondary ? HPTE_V_SECONDARY : 0) | (large ? HPTE_V_LARGE : 0));
	entry[1] = be(r);
	return entry;
}

static bool walk(uint64_t ea, enum access access)
{
	request.ea = ea;
	request.access = access;
	return hash_format.space(&request, &fault) &&
	       hash_format.walk(&memory, &partition, &request, &found, &fault);
}

static void assert_refused(uint64_t ea, enum access access, uint32_t dsisr)
{
	assert_false(walk(ea, access));
	assert_int_equal(fault.kind, FAULT_STORAGE);
	assert_int_equal(fault.dsisr, dsisr);
}

static void an_address_without_a_segment_is_a_segment_fault(void **state)
{
	assert_false(walk(EA, ACCESS_READ));
	assert_int_equal(fault.kind, FAULT_SEGMENT);
	segment(31, EA, false, 0);
	slb[31].esid &= ~SLB_VALID;
	assert_false(walk(EA, ACCESS_READ));
	assert_int_equal(fault.kind, FAULT_SEGMENT);
	segment(31, EA, false, 0);
	assert_refused(EA, ACCESS_READ, FAULT_NO_PTE);
	assert_false(walk(EA + (1ull << SEGMENT_256M_BITS), ACCESS_READ));
	assert_int_equal(fault.kind, FAULT_SEGMENT);
	segment(31, EA, true, 0);
	assert_refused(EA + (1ull << SEGMENT_1T_BITS) - 1, ACCESS_READ, FAULT_NO_PTE);
	assert_false(walk(EA + (1ull << SEGMENT_1T_BITS), ACCESS_READ));
	assert_int_equal(fault.kind, FAULT_SEGMENT);
}

static void two_entries_for_one_address_are_a_multihit(void **state)
{
	segment(0, EA, false, 0);
	segment(3, EA, true, 0);
	assert_false(walk(EA, ACCESS_READ));
	assert_int_equal(fault.kind, FAULT_SLB_MULTIHIT);
	assert_refused(EA + (1ull << SEGMENT_256M_BITS), ACCESS_READ, FAULT_NO_PTE);
}

static void a_page_is_found_in_any_slot_of_both_of_its_groups(void **state)
{
	for (unsigned i = 0; i < 2 * 2 * HPTES_PER_GROUP; i++) {
		const bool segment_1t = i & 1, secondary = i & 2;
		uint64_t *entry = enter(segment_1t, PAGE, 12, secondary, i / 4, RA | 2 | HPTE_R_M);

		segment(0, EA, segment_1t, 0);
		assert_true(walk(EA + PAGE + 0x123, ACCESS_READ));
		assert_int_equal(found.ra, RA + 0x123);
		assert_int_equal(found.page_bits, 12);
		assert_refused(EA + PAGE + 0x1000, ACCESS_READ, FAULT_NO_PTE);
		entry[0] ^= be(HPTE_V_SECONDARY);
		assert_refused(EA + PAGE, ACCESS_READ, FAULT_NO_PTE);
		entry[0] = 0;
	}
}

static void each_page_size_is_found_by_the_hash_of_its_base_page(void **state)
{
	static const struct {
		uint64_t flags;
		unsigned base, actual;
		uint64_t lp;
	} sizes[] = { { PAGE_4K, 12, 12, 0 },	    { PAGE_4K, 12, 16, 0x7000 },
		      { PAGE_4K, 12, 24, 0x38000 }, { PAGE_64K, 16, 16, 0x1000 },
		      { PAGE_64K, 16, 24, 0x8000 }, { PAGE_16M, 24, 24, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const uint64_t offset = 0x3765000, base = offset >> sizes[i].base << sizes[i].base;
		const uint64_t in_page = offset & ((1ull << sizes[i].actual) - 1);
		uint64_t *entry = enter(false, base, sizes[i].base, false, 7, RA | sizes[i].lp | 2);

		segment(0, EA, false, sizes[i].flags);
		assert_true(walk(EA + offset, ACCESS_READ));
		assert_int_equal(found.page_bits, sizes[i].actual);
		assert_int_equal(found.ra, RA + in_page);
		/* The encoding of a size that this segment can't have. */
		entry[0] |= be(HPTE_V_LARGE);
		entry[1] = be(RA | 0xff000 | 2);
		assert_refused(EA + offset, ACCESS_READ, FAULT_NO_PTE);
		entry[0] = 0;
	}
}

static void an_entry_of_another_base_page_size_is_passed_over(void **state)
{
	segment(0, EA, false, PAGE_64K);
	enter(false, 0, 16, false, 0, RA | 0x7000 | 2);
	assert_refused(EA, ACCESS_READ, FAULT_NO_PTE);
	enter(false, 0, 16, false, 1, RA | 0x1000 | 2);
	assert_true(walk(EA, ACCESS_READ));
}

/* ISA 2.07B, Book III-S, figure "PP bit protection states" */
static void pp_and_the_segments_keys_permit_what_the_isa_says(void **state)
{
	enum {
		NONE,
		READ,
		BOTH
	};
	static const uint8_t permitted[2][8] = { { BOTH, BOTH, BOTH, READ, NONE, NONE, READ, NONE },
						 { NONE, READ, BOTH, READ, NONE, NONE, NONE,
						   NONE } };

	for (unsigned i = 0; i < 2 * 2 * 8; i++) {
		const unsigned key = i & 1, pp = i >> 2;
		uint8_t allowed = permitted[key][pp];

		request.problem_state = i & 2;
		segment(0, EA, false,
			!key		      ? request.problem_state ? SLB_KS : SLB_KP :
			request.problem_state ? SLB_KP :
						SLB_KS);
		enter(false, PAGE, 12, false, 0, RA | (pp & 3) | (pp & 4 ? HPTE_R_PP0 : 0));
		assert_int_equal(walk(EA + PAGE, ACCESS_READ), allowed >= READ);
		assert_int_equal(walk(EA + PAGE, ACCESS_FETCH), allowed >= READ);
		assert_int_equal(walk(EA + PAGE, ACCESS_WRITE), allowed == BOTH);
		if (allowed != BOTH)
			assert_refused(EA + PAGE, ACCESS_WRITE, FAULT_PROTECTION);
	}
}

static void nothing_is_fetched_from_guarded_or_no_execute_pages_or_segments(void **state)
{
	segment(0, EA, false, 0);
	enter(false, PAGE, 12, false, 0, RA | 2 | HPTE_R_N);
	assert_refused(EA + PAGE, ACCESS_FETCH, FAULT_NOEXEC);
	assert_true(walk(EA + PAGE, ACCESS_WRITE));
	enter(false, PAGE, 12, false, 0, RA | 2 | HPTE_R_G);
	assert_refused(EA + PAGE, ACCESS_FETCH, FAULT_NOEXEC);
	enter(false, PAGE, 12, false, 0, RA | 2);
	assert_true(walk(EA + PAGE, ACCESS_FETCH));
	segment(0, EA, false, SLB_NOEXEC);
	assert_refused(EA + PAGE, ACCESS_FETCH, FAULT_NOEXEC);
	assert_refused(EA, ACCESS_FETCH, FAULT_NOEXEC); /* a page that is not there, too */
	assert_true(walk(EA + PAGE, ACCESS_READ));
}

static void pages_with_w_or_i_are_not_cached(void **state)
{
	segment(0, EA, false, 0);
	for (uint64_t wimg = 0; wimg < 16; wimg++) {
		enter(false, PAGE, 12, false, 0, RA | 2 | wimg << 3);
		assert_true(walk(EA + PAGE, ACCESS_READ));
		assert_int_equal(!!(found.protection & PAGE_UNCACHED), wimg >= 4);
	}
}

static void amr_and_iamr_refuse_the_pages_of_a_storage_key(void **state)
{
	static const unsigned keys[] = { 0, 1, 8, 21, 31 };

	segment(0, EA, false, 0);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const unsigned key = keys[i], shift = 62 - 2 * key;

		enter(false, PAGE, 12, false, 0,
		      RA | 2 | (key & 7ull) << 9 | (uint64_t)(key >> 3) << 60);
		request.amr = request.iamr = ~(3ull << shift);
		assert_true(walk(EA + PAGE, ACCESS_WRITE));
		assert_true(walk(EA + PAGE, ACCESS_FETCH));
		request.amr = 1ull << shift;
		assert_refused(EA + PAGE, ACCESS_READ, FAULT_KEY);
		assert_true(walk(EA + PAGE, ACCESS_WRITE));
		request.amr = 2ull << shift;
		assert_refused(EA + PAGE, ACCESS_WRITE, FAULT_KEY);
		assert_true(walk(EA + PAGE, ACCESS_READ));
		request.iamr = 1ull << shift;
		assert_refused(EA + PAGE, ACCESS_FETCH, FAULT_KEY);
	}
	request.amr = UINT64_MAX;
	enter(false, PAGE, 12, false, 0, RA | 3);
	assert_refused(EA + PAGE, ACCESS_WRITE, FAULT_KEY | FAULT_PROTECTION);
}

static void an_access_notes_a_reference_and_a_store_a_change(void **state)
{
	uint64_t *entry;

	segment(0, EA, false, 0);
	entry = enter(false, PAGE, 12, false, 0, RA | 2);
	assert_true(walk(EA + PAGE, ACCESS_FETCH));
	assert_int_equal(be(entry[1]), RA | 2 | HPTE_R_R);
	assert_false(found.protection & PAGE_CHANGED);
	assert_true(walk(EA + PAGE, ACCESS_WRITE));
	assert_int_equal(be(entry[1]), RA | 2 | HPTE_R_R | HPTE_R_C);
	assert_true(found.protection & PAGE_CHANGED);
	enter(false, PAGE, 12, false, 0, RA | 3);
	assert_refused(EA + PAGE, ACCESS_WRITE, FAULT_PROTECTION);
	assert_int_equal(be(entry[1]), RA | 3);
}

static void the_same_segment_with_another_base_page_size_is_another_space(void **state)
{
	uint64_t space;

	segment(0, EA, false, PAGE_4K);
	assert_refused(EA, ACCESS_READ, FAULT_NO_PTE);
	space = request.space;
	segment(0, EA, false, PAGE_64K);
	assert_refused(EA, ACCESS_READ, FAULT_NO_PTE);
	assert_int_not_equal(request.space, space);
}

static void an_entry_tells_its_page_from_its_place_and_its_first_doubleword(void **state)
{
	for (uint64_t i = 0; i < 6000; i++) {
		const unsigned base = (unsigned[]){ 12, 16, 24 }[i % 3], order = 18 + i % 28;
		const bool segment_1t = i / 3 & 1, secondary = i / 6 & 1;
		const uint64_t random = (i + 1) * 0x9e3779b97f4a7c15ull;
		const struct virtual_page page = {
			.vsid = random >> (segment_1t ? 26 : 14),
			.offset = random * 0x1234567 >> 7 &
				  ((1ull << virtual_segment_bits(segment_1t)) - 1) &
				  ~((1ull << base) - 1),
			.segment_1t = segment_1t,
		};
		const uint64_t index =
			hpt_group(&page, base, secondary, order) * HPTES_PER_GROUP + i % 8;
		const struct virtual_page told =
			hpte_page(hpte_v(&page) | (secondary ? HPTE_V_SECONDARY : 0), index, base);

		assert_int_equal(told.vsid, page.vsid);
		assert_int_equal(told.offset, page.offset);
		assert_int_equal(told.segment_1t, page.segment_1t);
	}
}

static void without_a_table_nothing_is_found(void **state)
{
	const struct engine_partition none = { .hash_table_order = ORDER };

	segment(0, EA, false, 0);
	request.ea = EA;
	assert_true(hash_format.space(&request, &fault));
	assert_false(hash_format.walk(&memory, &none, &request, &found, &fault));
	assert_int_equal(fault.dsisr, FAULT_NO_PTE);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_without_a_segment_is_a_segment_fault),
		TEST(two_entries_for_one_address_are_a_multihit),
		TEST(a_page_is_found_in_any_slot_of_both_of_its_groups),
		TEST(each_page_size_is_found_by_the_hash_of_its_base_page),
		TEST(an_entry_of_another_base_page_size_is_passed_over),
		TEST(pp_and_the_segments_keys_permit_what_the_isa_says),
		TEST(nothing_is_fetched_from_guarded_or_no_execute_pages_or_segments),
		TEST(pages_with_w_or_i_are_not_cached),
		TEST(amr_and_iamr_refuse_the_pages_of_a_storage_key),
		TEST(an_access_notes_a_reference_and_a_store_a_change),
		TEST(the_same_segment_with_another_base_page_size_is_another_space),
		TEST(an_entry_tells_its_page_from_its_place_and_its_first_doubleword),
		TEST(without_a_table_nothing_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
