/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash page table's hypervisor calls: what each returns, changes, and tells the engine. */
#include "../fakes/partition.h"

#include "isa/hpte.h"
#include "pseries/private.h"

#define REMOVE	     0x004
#define ENTER	     0x008
#define READ	     0x00c
#define CLEAR_MOD    0x010
#define CLEAR_REF    0x014
#define PROTECT	     0x018
#define BULK_REMOVE  0x124
#define BLOCK_REMOVE 0x328
#define CLEAR_HPT    0x358
#define PREPARE	     0x36c
#define COMMIT	     0x370

#define BIT(n)	     (1ull << (63 - (n)))
#define EXACT	     BIT(24)
#define READ_4	     BIT(26)
#define AVPN	     BIT(32)
#define ANDCOND	     BIT(33)
#define ICACHE_FLAGS (BIT(40) | BIT(41))
#define ZERO_PAGE    BIT(48)
#define BOLTED	     0x10ull

#define ORDER	  19u /* of the table for FAKE_RAM */
#define ENTRIES	  ((1ull << ORDER) / HPTE_BYTES)
#define V	  (0x123456ull << 12 | HPTE_V_VALID)
#define R(ra)	  ((ra) | HPTE_R_R | HPTE_R_C | HPTE_R_M | 2)
#define R_64K(ra) (R(ra) | 1ull << 12)
#define PAGE	  0x3200000ull

static int make_hash_guest(void **state)
{
	struct papr_config config;
	char err[256];

	fake_memory(FAKE_RAM);
	config = fake_config();
	config.options.mmu = PAPR_MMU_HASH;
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_non_null(fake.papr);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	return 0;
}

static struct hpte_pair {
	uint64_t v, r;
} entry(uint64_t index)
{
	const uint8_t *at = (const uint8_t *)fake.partition.hash_table + index * HPTE_BYTES;

	return (struct hpte_pair){ get_be64(at), get_be64(at + 8) };
}

static void assert_entry(uint64_t index, uint64_t v, uint64_t r)
{
	assert_int_equal(entry(index).v, v);
	assert_int_equal(entry(index).r, r);
}

static int64_t enter(uint64_t flags, uint64_t index, uint64_t v, uint64_t r)
{
	return hcall(0, ENTER, flags, index, v, r);
}

static void assert_empty(void)
{
	const uint8_t *behind = fake.memory.base + fake.memory.size;

	for (uint64_t i = 0; i < fake.memory.hypervisor_size; i += 8)
		assert_int_equal(get_be64(behind + i), 0);
}

static void the_table_is_a_128th_of_memory_behind_it_and_empty(void **state)
{
	assert_false(fake.partition.radix);
	assert_int_equal(fake.partition.hash_table_order, ORDER);
	assert_ptr_equal(fake.partition.hash_table, fake.memory.base + fake.memory.size);
	assert_empty();
}

static void enter_takes_the_first_free_place_of_the_group(void **state)
{
	for (unsigned i = 0; i < HPTES_PER_GROUP; i++) {
		assert_int_equal(enter(0, 0x103, V, R(PAGE + i * 0x1000ull)), H_SUCCESS);
		assert_int_equal(RESULT(0, 1), 0x100 + i);
		assert_entry(0x100 + i, V, R(PAGE + i * 0x1000ull));
	}
	assert_int_equal(enter(0, 0x103, V, R(PAGE)), H_PTEG_FULL);
	assert_entry(0x108, 0, 0);
	assert_int_equal(fake.hpte_flushes, 0);
}

static void remove_returns_what_vcpus_set_until_they_have_forgotten_the_entry(void **state)
{
	const uint64_t r = R(PAGE) & ~(HPTE_R_R | HPTE_R_C);

	enter(EXACT, 3, V, r);
	fake.late_bits = HPTE_R_R | HPTE_R_C;
	assert_int_equal(hcall(0, REMOVE, 0, 3, 0, 0), H_SUCCESS);
	fake.late_bits = 0;
	assert_int_equal(RESULT(0, 2), R(PAGE));
	assert_entry(3, 0, 0);
}

static void enter_with_exact_takes_that_place_or_none(void **state)
{
	assert_int_equal(enter(EXACT, 0x103, V, R(PAGE)), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), 0x103);
	assert_entry(0x103, V, R(PAGE));
	assert_int_equal(enter(EXACT, 0x103, V, R(PAGE)), H_PTEG_FULL);
	assert_int_equal(enter(EXACT, ENTRIES - 1, V, R(PAGE)), H_SUCCESS);
}

static void enter_keeps_the_bits_that_are_the_hypervisors(void **state)
{
	assert_int_equal(enter(EXACT, 7, V | 0x78, R(PAGE) | HPTE_R_TAGS), H_SUCCESS);
	assert_entry(7, V | 0x18, R(PAGE));
}

static void enter_refuses_what_lies_outside_the_table(void **state)
{
	static const uint64_t beyond[] = { ENTRIES, ENTRIES + 7, 1ull << 40, ~0ull, 1ull << 63 };

	for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++) {
		assert_int_equal(enter(0, beyond[i], V, R(PAGE)), H_PARAMETER);
		assert_int_equal(enter(EXACT, beyond[i], V, R(PAGE)), H_PARAMETER);
	}
	assert_int_equal(enter(1ull << 48, 0, V, R(PAGE)), H_PARAMETER); /* a CEC cookie */
	assert_empty();
}

static void enter_refuses_a_page_that_is_not_wholly_ram(void **state)
{
	assert_int_equal(enter(0, 0, V, R(FAKE_RAM)), H_PARAMETER);
	assert_int_equal(enter(0, 0, V, R(FAKE_RAM - 0x1000)), H_SUCCESS);
	assert_int_equal(enter(0, 0, V | HPTE_V_LARGE, R_64K(FAKE_RAM)), H_PARAMETER);
	assert_int_equal(enter(0, 0, V | HPTE_V_LARGE, R_64K(FAKE_RAM - 0x10000)), H_SUCCESS);
	assert_int_equal(enter(0, 0, V | HPTE_V_LARGE, R(FAKE_RAM)), H_PARAMETER); /* 16 MiB */
	assert_int_equal(enter(0, 0, V | HPTE_V_LARGE, R(FAKE_RAM - (16ull << 20))), H_SUCCESS);
	assert_int_equal(enter(0, 0, V, R(0x0ffffffffffff000ull)), H_PARAMETER);
}

static void enter_refuses_a_page_size_that_the_tree_does_not_list(void **state)
{
	/* No such encoding, and 16 GiB. */
	assert_int_equal(enter(0, 0, V | HPTE_V_LARGE, R(PAGE) | 0x2000), H_PARAMETER);
	assert_int_equal(enter(0, 0, V | HPTE_V_LARGE, R(0) | 0x3000), H_PARAMETER);
	assert_empty();
}

static void enter_refuses_storage_control_bits_that_are_not_memorys(void **state)
{
	for (uint64_t wimg = 0; wimg < 16; wimg++)
		assert_int_equal(enter(0, 8 * wimg, V, (R(PAGE) & ~HPTE_R_WIMG) | wimg << 3),
				 wimg == 2 ? H_SUCCESS : H_PARAMETER);
}

static void enter_maps_a_devices_window_only_uncached(void **state)
{
	static const struct memory_window window = { .first = FAKE_RAM, .last = FAKE_RAM + 0xfff };
	const uint64_t r = R(FAKE_RAM) & ~HPTE_R_WIMG;

	assert_true(memory_add_window(&fake.memory, &window));
	assert_int_equal(enter(0, 0, V, r | HPTE_R_M), H_PARAMETER);
	assert_int_equal(enter(0, 0, V, r | HPTE_R_W | HPTE_R_I), H_PARAMETER);
	assert_int_equal(enter(0, 0, V, r | HPTE_R_I | HPTE_R_G), H_SUCCESS);
	assert_int_equal(enter(ZERO_PAGE, 0, V, r | HPTE_R_I | HPTE_R_M), H_SUCCESS);
}

static void enter_zeroes_a_page_up_to_64_kib(void **state)
{
	memset(fake.memory.base + PAGE - 1, 0xaa, 0x10002);
	assert_int_equal(enter(ZERO_PAGE | ICACHE_FLAGS, 0, V, R(PAGE)), H_SUCCESS);
	assert_int_equal(fake.memory.base[PAGE - 1], 0xaa);
	assert_int_equal(fake.memory.base[PAGE], 0);
	assert_int_equal(fake.memory.base[PAGE + 0xfff], 0);
	assert_int_equal(fake.memory.base[PAGE + 0x1000], 0xaa);
	assert_int_equal(enter(ZERO_PAGE, 0, V | HPTE_V_LARGE, R_64K(PAGE)), H_SUCCESS);
	assert_int_equal(fake.memory.base[PAGE + 0xffff], 0);
	assert_int_equal(fake.memory.base[PAGE + 0x10000], 0xaa);
	assert_int_equal(enter(ZERO_PAGE, 0, V | HPTE_V_LARGE, R(0)), H_TOO_BIG);
	assert_int_equal(enter(BIT(40), 0, V | HPTE_V_LARGE, R(0)), H_TOO_BIG);
	assert_int_equal(enter(BIT(41), 0, V | HPTE_V_LARGE, R(0)), H_TOO_BIG);
}

static void a_page_that_cannot_be_zeroed_for_poison_is_not_entered(void **state)
{
	assert_true(memory_poison(&fake.memory, PAGE + 0x80, 0x80, false));
	assert_int_equal(enter(ZERO_PAGE, 0, V, R(PAGE)), H_HARDWARE);
	assert_empty();
	assert_int_equal(enter(0, 0, V, R(PAGE)), H_SUCCESS);
}

static void remove_returns_the_entry_and_tells_the_engine(void **state)
{
	enter(EXACT, 0x123, V, R(PAGE));
	assert_int_equal(hcall(0, REMOVE, 0, 0x123, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), V);
	assert_int_equal(RESULT(0, 2), R(PAGE));
	assert_empty();
	assert_int_equal(fake.hpte_flushes, 1);
	assert_int_equal(fake.flushed.index, 0x123);
	assert_int_equal(fake.flushed.v, V);
	assert_int_equal(fake.flushed.r, R(PAGE));
	assert_int_equal(hcall(0, REMOVE, 0, 0x123, 0, 0), H_NOT_FOUND);
	assert_int_equal(hcall(0, REMOVE, 0, ENTRIES, 0, 0), H_PARAMETER);
	assert_int_equal(fake.hpte_flushes, 1);
}

static void remove_compares_the_page_or_looks_at_bits(void **state)
{
	enter(EXACT, 5, V | BOLTED, R(PAGE));
	assert_int_equal(hcall(0, REMOVE, AVPN, 5, (V & ~0x7full) + 0x80, 0), H_NOT_FOUND);
	assert_int_equal(hcall(0, REMOVE, AVPN, 5, V, 0), H_NOT_FOUND); /* low bits count */
	assert_int_equal(hcall(0, REMOVE, ANDCOND, 5, BOLTED, 0), H_NOT_FOUND);
	assert_int_equal(fake.hpte_flushes, 0);
	assert_int_equal(hcall(0, REMOVE, AVPN, 5, V & ~0x7full, 0), H_SUCCESS);
	enter(EXACT, 5, V, R(PAGE));
	assert_int_equal(hcall(0, REMOVE, ANDCOND, 5, BOLTED, 0), H_SUCCESS);
}

/* Up to eight doublewords; those left out end the list. */
static int64_t bulk(unsigned count, const uint64_t *specifiers)
{
	struct engine_regs *regs = &fake.regs[0];

	for (unsigned i = 0; i < 8; i++)
		regs->gpr[4 + i] = i < count ? specifiers[i] : 3ull << 62;
	return hcall(0, BULK_REMOVE, regs->gpr[4], regs->gpr[5], regs->gpr[6], regs->gpr[7]);
}

static void bulk_remove_answers_each_of_its_requests(void **state)
{
	const uint64_t request = 1ull << 62, avpn = 2ull << 56, andcond = 1ull << 56;

	enter(EXACT, 1, V, R(PAGE) & ~HPTE_R_C);
	enter(EXACT, 2, V, R(PAGE));
	enter(EXACT, 4, V, R(PAGE) & ~HPTE_R_R);
	assert_int_equal(bulk(8, (uint64_t[]){ request | 1, 0, request | avpn | 2, V & ~0x7full,
					       request | avpn | 4, 0, request | andcond | 4, 1 }),
			 H_SUCCESS);
	assert_int_equal(RESULT(0, 1), 2ull << 62 | 1ull << 59 | 1);
	assert_int_equal(RESULT(0, 3), 2ull << 62 | 3ull << 58 | avpn | 2);
	assert_int_equal(RESULT(0, 5), 2ull << 62 | 1ull << 60 | avpn | 4);
	assert_int_equal(RESULT(0, 7), 2ull << 62 | 1ull << 58 | andcond | 4);
	assert_empty();
	assert_int_equal(fake.hpte_flushes, 3);
}

static void bulk_remove_stops_at_the_end_and_at_what_is_wrong(void **state)
{
	const uint64_t request = 1ull << 62, parameter = 2ull << 62 | 2ull << 60;

	enter(EXACT, 1, V, R(PAGE));
	assert_int_equal(bulk(4, (uint64_t[]){ 3ull << 62, 0, request | 1, 0 }), H_SUCCESS);
	assert_int_equal(bulk(4, (uint64_t[]){ 0, 0, request | 1, 0 }), H_PARAMETER);
	assert_int_equal(bulk(4, (uint64_t[]){ 2ull << 62, 0, request | 1, 0 }), H_PARAMETER);
	assert_int_equal(bulk(2, (uint64_t[]){ request | 3ull << 56 | 1, 0 }), H_PARAMETER);
	assert_int_equal(RESULT(0, 1), parameter | 3ull << 56 | 1);
	assert_int_equal(bulk(4, (uint64_t[]){ request | ENTRIES, 0, request | 1, 0 }),
			 H_PARAMETER);
	assert_int_equal(RESULT(0, 1), parameter | ENTRIES);
	assert_entry(1, V, R(PAGE));
	assert_int_equal(fake.hpte_flushes, 0);
}

#define TS_REQUEST	(1ull << 62)
#define TS_AVPN		(1ull << 56)
#define TS_END		(3ull << 62)
#define TS_ANSWER(code) (2ull << 62 | (uint64_t)(code) << 56)

static int64_t block(uint64_t avpn, unsigned count, const uint64_t *specifiers)
{
	struct engine_regs *regs = &fake.regs[0];

	for (unsigned i = 0; i < 8; i++)
		regs->gpr[5 + i] = i < count ? specifiers[i] : TS_END;
	return hcall(0, BLOCK_REMOVE, avpn, regs->gpr[5], regs->gpr[6], regs->gpr[7]);
}

/* Pages of 4 KiB that follow one another are in groups that do. */
static uint64_t neighbour(unsigned n)
{
	return (0x100 ^ n) * HPTES_PER_GROUP;
}

static void block_remove_removes_eight_neighbours_and_returns_r_and_c(void **state)
{
	uint64_t specifiers[8];

	for (unsigned i = 0; i < 8; i++) {
		enter(EXACT, neighbour(i), V, R(PAGE) & ~(i & 1 ? HPTE_R_C : HPTE_R_R));
		specifiers[i] = TS_REQUEST | TS_AVPN | neighbour(i);
	}
	assert_int_equal(block(V & ~0x7full, 8, specifiers), H_SUCCESS);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(RESULT(0, 1 + i), TS_ANSWER(i & 1 ? 4 : 2) | neighbour(i));
	assert_empty();
	assert_int_equal(fake.hpte_flushes, 8);
}

static void block_remove_says_which_it_leaves_and_why(void **state)
{
	const uint64_t other = V + (1ull << 20);

	enter(EXACT, neighbour(0), V, R(PAGE));
	enter(EXACT, neighbour(1), V | BOLTED, R(PAGE));
	enter(EXACT, neighbour(2), other, R(PAGE));
	enter(EXACT, neighbour(3), V | HPTE_V_LARGE, R_64K(PAGE));
	enter(EXACT, neighbour(4), V | 1ull << 62, R(PAGE));
	enter(EXACT, neighbour(8), V, R(PAGE));
	enter(EXACT, neighbour(9), V | HPTE_V_LARGE, R(0)); /* 16 MiB */
	assert_int_equal(
		block(V & ~0x7full, 8,
		      (uint64_t[]){ TS_REQUEST | TS_AVPN | neighbour(0), TS_REQUEST | neighbour(1),
				    TS_REQUEST | TS_AVPN | neighbour(2), TS_REQUEST | neighbour(3),
				    TS_REQUEST | neighbour(4), TS_REQUEST | neighbour(8),
				    TS_REQUEST | neighbour(9), TS_REQUEST | ENTRIES }),
		5 /* H_PARTIAL */);
	assert_int_equal(RESULT(0, 1), TS_ANSWER(6) | neighbour(0));
	assert_int_equal(RESULT(0, 2), TS_ANSWER(0x08) | neighbour(1)); /* not found */
	assert_int_equal(RESULT(0, 3), TS_ANSWER(0x08) | neighbour(2));
	assert_int_equal(RESULT(0, 4), TS_ANSWER(0x18) | neighbour(3)); /* other size */
	assert_int_equal(RESULT(0, 5), TS_ANSWER(0x18) | neighbour(4));
	assert_int_equal(RESULT(0, 6), TS_ANSWER(0x28) | neighbour(8)); /* other block */
	assert_int_equal(RESULT(0, 7), TS_ANSWER(0x10) | neighbour(9)); /* wrong */
	assert_int_equal(RESULT(0, 8), TS_ANSWER(0x10) | ENTRIES);
	assert_int_equal(fake.hpte_flushes, 1);
	assert_entry(neighbour(8), V, R(PAGE));
}

static void block_remove_takes_requests_only_and_each_entry_once(void **state)
{
	enter(EXACT, neighbour(0), V, R(PAGE));
	assert_int_equal(block(0, 2, (uint64_t[]){ TS_REQUEST | neighbour(0), 0 }), H_PARAMETER);
	assert_int_equal(block(0, 2, (uint64_t[]){ TS_REQUEST | neighbour(0), 2ull << 62 }),
			 H_PARAMETER);
	assert_entry(neighbour(0), V, R(PAGE));
	assert_int_equal(block(0, 0, NULL), H_SUCCESS);
	assert_int_equal(
		block(0, 2, (uint64_t[]){ TS_REQUEST | neighbour(0), TS_REQUEST | neighbour(0) }),
		5 /* H_PARTIAL */);
	assert_int_equal(RESULT(0, 1), TS_ANSWER(6) | neighbour(0));
	assert_int_equal(RESULT(0, 2), TS_ANSWER(0x20) | neighbour(0)); /* busy: it is locked */
	assert_int_equal(fake.hpte_flushes, 1);
}

static void protect_sets_protection_and_keys_and_clears_r(void **state)
{
	const uint64_t flags = BIT(55) | 0x3000 | 0xe00 | HPTE_R_N | 3;
	const uint64_t set = HPTE_R_PP0 | HPTE_R_KEY_HIGH | HPTE_R_KEY_LOW | HPTE_R_N | HPTE_R_PP;

	enter(EXACT, 9, V, R(PAGE));
	assert_int_equal(hcall(0, PROTECT, AVPN | flags, 9, V & ~0x7full, 0), H_SUCCESS);
	assert_entry(9, V, (R(PAGE) & ~HPTE_R_R) | set);
	assert_int_equal(fake.flushed.index, 9);
	assert_int_equal(fake.flushed.r, R(PAGE));
	assert_int_equal(hcall(0, PROTECT, 0, 9, 0, 0), H_SUCCESS);
	assert_entry(9, V, R(PAGE) & ~(HPTE_R_R | HPTE_R_PP));
	assert_int_equal(hcall(0, PROTECT, AVPN, 9, 0, 0), H_NOT_FOUND);
	assert_int_equal(hcall(0, PROTECT, 0, 10, 0, 0), H_NOT_FOUND);
	assert_int_equal(hcall(0, PROTECT, 0, ENTRIES, 0, 0), H_PARAMETER);
	assert_int_equal(fake.hpte_flushes, 2);
}

static void read_returns_one_entry_or_the_four_around_it(void **state)
{
	enter(EXACT, 0x11, V, R(PAGE));
	enter(EXACT, 0x13, V | BOLTED, R(PAGE));
	assert_int_equal(hcall(0, READ, 0, 0x11, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), V);
	assert_int_equal(RESULT(0, 2), R(PAGE));
	fake.regs[0].gpr[11] = 0;
	assert_int_equal(hcall(0, READ, READ_4, 0x12, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), 0);
	assert_int_equal(RESULT(0, 3), V);
	assert_int_equal(RESULT(0, 5), 0);
	assert_int_equal(RESULT(0, 7), V | BOLTED);
	assert_int_equal(RESULT(0, 8), R(PAGE));
	assert_int_equal(hcall(0, READ, READ_4, ENTRIES - 1, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, READ, READ_4, ENTRIES, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, READ, 1ull << 63, 0, 0, 0), H_PARAMETER);
}

static void clear_mod_and_clear_ref_clear_one_bit_and_return_what_was(void **state)
{
	enter(EXACT, 3, V, R(PAGE));
	assert_int_equal(hcall(0, CLEAR_MOD, 0, 3, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), R(PAGE));
	assert_entry(3, V, R(PAGE) & ~HPTE_R_C);
	assert_int_equal(fake.hpte_flushes, 1);
	assert_int_equal(hcall(0, CLEAR_MOD, 0, 3, 0, 0), H_SUCCESS);
	assert_int_equal(fake.hpte_flushes, 1);
	assert_int_equal(hcall(0, CLEAR_REF, 0, 3, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), R(PAGE) & ~HPTE_R_C);
	assert_entry(3, V, R(PAGE) & ~(HPTE_R_C | HPTE_R_R));
	assert_int_equal(fake.hpte_flushes, 2);
	assert_int_equal(hcall(0, CLEAR_REF, 0, 4, 0, 0), H_NOT_FOUND);
	assert_int_equal(hcall(0, CLEAR_MOD, 0, 4, 0, 0), H_NOT_FOUND);
	assert_int_equal(hcall(0, CLEAR_MOD, 0, ENTRIES, 0, 0), H_PARAMETER);
}

static void clear_hpt_removes_all_entries(void **state)
{
	enter(EXACT, 0, V | BOLTED, R(PAGE));
	enter(EXACT, ENTRIES - 1, V, R(PAGE));
	assert_int_equal(hcall(0, CLEAR_HPT, 0, 0, 0, 0), H_SUCCESS);
	assert_empty();
}

/* What is cached of another table, errors included, is gone; SLBs are not of the table. */
static void a_table_that_is_emptied_or_replaced_leaves_no_cached_translation(void **state)
{
	const unsigned before = fake.flushes;

	fake.flushed_slb = true;
	assert_int_equal(hcall(0, CLEAR_HPT, 0, 0, 0, 0), H_SUCCESS);
	assert_int_equal(fake.flushes, before + 1);
	assert_false(fake.flushed_slb);
	fake.flushed_slb = true;
	assert_int_equal(hcall(0, PREPARE, 0, 18, 0, 0), H_SUCCESS);
	assert_int_equal(fake.flushes, before + 1);
	assert_int_equal(hcall(0, COMMIT, 0, 18, 0, 0), H_SUCCESS);
	assert_int_equal(fake.flushes, before + 2);
	assert_false(fake.flushed_slb);
}

static void a_table_is_prepared_up_to_twice_the_first_ones_size(void **state)
{
	assert_int_equal(hcall(0, PREPARE, 1, 18, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, PREPARE, 0, 17, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, PREPARE, 0, 47, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, PREPARE, 0, ~0ull, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, PREPARE, 0, ORDER + 2, 0, 0), H_RESOURCE);
	assert_int_equal(hcall(0, COMMIT, 0, 0, 0, 0), H_CLOSED);
	assert_int_equal(hcall(0, PREPARE, 0, ORDER + 1, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, PREPARE, 0, ORDER + 1, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, COMMIT, 1, ORDER + 1, 0, 0), H_CLOSED);
	assert_int_equal(hcall(0, COMMIT, 0, ORDER, 0, 0), H_CLOSED);
	assert_int_equal(hcall(0, PREPARE, 0, 0, 0, 0), H_SUCCESS); /* discards it */
	assert_int_equal(hcall(0, COMMIT, 0, ORDER + 1, 0, 0), H_CLOSED);
}

/* Enter the entry of a 4 KiB page where its hash says; returns the index. */
static uint64_t enter_page(const struct virtual_page *page, bool secondary, unsigned slot,
			   uint64_t more)
{
	uint64_t index =
		hpt_group(page, 12, secondary, fake.partition.hash_table_order) * HPTES_PER_GROUP +
		slot;

	assert_int_equal(enter(EXACT, index,
			       hpte_v(page) | HPTE_V_VALID | more |
				       (secondary ? HPTE_V_SECONDARY : 0),
			       R(PAGE)),
			 H_SUCCESS);
	return index;
}

static uint64_t place(const struct virtual_page *page, bool secondary, unsigned slot)
{
	return hpt_group(page, 12, secondary, fake.partition.hash_table_order) * HPTES_PER_GROUP +
	       slot;
}

static void resize(unsigned order)
{
	assert_int_equal(hcall(0, PREPARE, 0, order, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, COMMIT, 0, order, 0, 0), H_SUCCESS);
	assert_int_equal(fake.partition.hash_table_order, order);
}

static void bolted_entries_move_to_where_the_new_table_is_searched(void **state)
{
	const struct virtual_page small = { .vsid = 0x123456789, .offset = 0x5678000 }, large = {
		.vsid = 0x54321, .offset = 0x7654321000, .segment_1t = true
	};
	const uint64_t *before = fake.partition.hash_table;

	enter_page(&small, false, 3, BOLTED);
	enter_page(&large, true, 5, BOLTED);
	enter_page(&large, false, 1, 0);
	resize(ORDER + 1);
	assert_ptr_not_equal(fake.partition.hash_table, before);
	assert_entry(place(&small, false, 3), hpte_v(&small) | HPTE_V_VALID | BOLTED, R(PAGE));
	assert_entry(place(&large, true, 5),
		     hpte_v(&large) | HPTE_V_VALID | BOLTED | HPTE_V_SECONDARY, R(PAGE));
	assert_entry(place(&large, false, 1), 0, 0);
	resize(18);
	assert_ptr_equal(fake.partition.hash_table, before);
	assert_entry(place(&small, false, 3), hpte_v(&small) | HPTE_V_VALID | BOLTED, R(PAGE));
	assert_int_equal(hcall(0, REMOVE, 0, place(&small, false, 3), 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, REMOVE, 0, place(&large, true, 5), 0, 0), H_SUCCESS);
	assert_empty();
}

static void two_bolted_entries_for_one_place_keep_the_table_as_it_was(void **state)
{
	const struct virtual_page a = { .vsid = 0x1000, .offset = 0 },
				  b = { .vsid = 0x1000 ^ 0x800, .offset = 0 };
	uint64_t first = enter_page(&a, false, 2, BOLTED),
		 second = enter_page(&b, false, 2, BOLTED);

	assert_int_not_equal(first, second);
	assert_int_equal(hcall(0, PREPARE, 0, 18, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, COMMIT, 0, 18, 0, 0), H_PTEG_FULL);
	assert_int_equal(fake.partition.hash_table_order, ORDER);
	assert_int_equal(hcall(0, REMOVE, 0, first, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, REMOVE, 0, second, 0, 0), H_SUCCESS);
	assert_empty();
}

static void a_reset_begins_with_the_first_table(void **state)
{
	char err[256];

	resize(18);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	assert_int_equal(fake.partition.hash_table_order, ORDER);
	assert_ptr_equal(fake.partition.hash_table, fake.memory.base + fake.memory.size);
	assert_int_equal(hcall(0, COMMIT, 0, 18, 0, 0), H_CLOSED);
}

static void the_table_is_marked_as_written_page_by_page(void **state)
{
	static bool is_dirty[(FAKE_RAM >> 12) + 4096];
	static uint32_t list[ARRAY_SIZE(is_dirty)];
	struct dirty_pages dirty = { .is_dirty = is_dirty, .list = list };

	fake.memory.dirty = &dirty;
	enter(EXACT, 0x100, V, R(PAGE));
	assert_int_equal(dirty.count, 1);
	assert_int_equal(list[0], (FAKE_RAM + 0x1000) >> 12);
	hcall(0, REMOVE, 0, 0x100, 0, 0);
	assert_int_equal(dirty.count, 1);
}

static void save(uint8_t *state, size_t size)
{
	struct record_part parts[PAPR_MAX_PARTS];

	papr_parts(fake.papr, parts);
	assert_true(record_size(parts[0].type, parts[0].state) <= size);
	assert_true(record_save(parts[0].type, parts[0].state, state, size));
}

static bool loads(const uint8_t *state)
{
	struct record_part parts[PAPR_MAX_PARTS];
	char err[256];

	papr_parts(fake.papr, parts);
	return record_load(parts[0].type, parts[0].state, state,
			   record_size(parts[0].type, parts[0].state), err, sizeof(err));
}

static void a_state_whose_table_would_leave_the_hypervisors_memory_is_refused(void **state)
{
	static uint8_t saved[1 << 16];
	struct papr *papr = fake.papr;
	const unsigned orders[] = { 0, 17, ORDER + 2, 46 };

	for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
		papr->partition.hash_table_order = orders[i];
		save(saved, sizeof(saved));
		papr->partition.hash_table_order = ORDER;
		assert_false(loads(saved));
		papr->hash_table.pending = (uint8_t)orders[i];
		save(saved, sizeof(saved));
		papr->hash_table.pending = 0;
		assert_int_equal(loads(saved), !orders[i]);
	}
	papr->partition.hash_table_order = ORDER + 1;
	papr->hash_table.half = 1;
	save(saved, sizeof(saved));
	papr->partition.hash_table_order = ORDER;
	papr->hash_table.half = 0;
	assert_true(loads(saved));
	papr_loaded(papr);
	assert_int_equal(fake.partition.hash_table_order, ORDER + 1);
	assert_ptr_equal(fake.partition.hash_table,
			 fake.memory.base + fake.memory.size + (2ull << ORDER));
}

static void a_guest_with_the_choice_switches_and_loses_the_table(void **state)
{
	struct papr_config config = fake_config();
	char err[256];

	config.options.mmu = PAPR_MMU_EITHER;
	papr_destroy(fake.papr);
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	assert_true(fake.partition.radix);
	assert_int_equal(enter(0, 0, V, R(PAGE)), H_FUNCTION);
	assert_int_equal(hcall(0, 0x37c, 0, 0, 0, 0), H_SUCCESS);
	assert_false(fake.partition.radix);
	assert_int_equal(enter(0, 0, V, R(PAGE)), H_SUCCESS);
	assert_int_equal(hcall(0, 0x37c, 0x10, 0, 0, 0), H_SUCCESS); /* names no way */
	assert_entry(0, V, R(PAGE));
	assert_int_equal(hcall(0, 0x37c, 0x1d, 0x100000, 0, 4), H_SUCCESS);
	assert_true(fake.partition.radix);
	assert_empty();
}

static void disable_radix_on_the_command_line_asks_for_a_hash_table(void **state)
{
	static const struct {
		const char *bootargs;
		bool radix;
	} cases[] = {
		{ "disable_radix", false },    { "quiet disable_radix=1 x", false },
		{ "disable_radix=on", false }, { "disable_radix=off", true },
		{ "disable_radix=", true },    { "disable_radix=no disable_radix", true },
		{ "disable_radi", true },      { "", true },
	};
	struct papr_config config = fake_config();
	char err[256];

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		config.options.bootargs = cases[i].bootargs;
		papr_destroy(fake.papr);
		fake.papr = papr_create(&config, err, sizeof(err));
		assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
		assert_int_equal(fake.partition.radix, cases[i].radix);
	}
}

static void a_processor_without_radix_refuses_who_insists_on_it(void **state)
{
	static const enum papr_mmu insisting[] = { PAPR_MMU_RADIX, PAPR_MMU_EITHER };
	struct papr_config config = fake_config();
	char err[256];

	fake.capabilities = ENGINE_CAP_HASH_TABLE;
	for (unsigned i = 0; i < ARRAY_SIZE(insisting); i++) {
		config.options.mmu = insisting[i];
		assert_null(papr_create(&config, err, sizeof(err)));
		assert_string_equal(err, "this processor's guests translate by a hash table only");
	}
}

#define SHADOW (BUFFER + 0x1000)

static void boot_and_register(void)
{
	static const uint32_t routines[] = { 0x1920, 0x1990 };
	uint32_t token = RTAS_TOKEN_BASE;
	char err[256];

	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	while (strcmp(rtas_function(token), "ibm,nmi-register"))
		token++;
	assert_int_equal(rtas_call(0, token, 2, routines, 1, NULL), 0);
	memset(fake.slb, 0xff, sizeof(fake.slb));
}

/* A registered buffer of @size bytes that has three entries and says @persistent. */
static void shadow_slb(uint32_t size, uint32_t persistent)
{
	memory_write_be32(&fake.memory, BUFFER + 4, 640u << 16);
	assert_int_equal(hcall(1, 0x0dc, 1ull << 45, 1, BUFFER, 0), H_SUCCESS);
	memory_write_be32(&fake.memory, SHADOW, persistent);
	memory_write_be32(&fake.memory, SHADOW + 4, size);
	for (unsigned i = 0; i < 3; i++) {
		memory_write_be64(&fake.memory, SHADOW + 16 + 16 * i,
				  0xc000000008000000ull | (uint64_t)i << 28 | i);
		memory_write_be64(&fake.memory, SHADOW + 24 + 16 * i, 0x1000ull * (i + 1));
	}
	assert_int_equal(hcall(1, 0x0dc, 3ull << 45, 1, SHADOW, 0), H_SUCCESS);
}

static void meet_multihit(unsigned cpu)
{
	struct fwnmi_machine_check mc = fake_slb_multihit;

	mc.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	papr_machine_check(fake.papr, cpu, &fake.regs[cpu], &mc, true, &fake.outcome);
	assert_int_equal(fake.outcome.result, PAPR_ROUTINE);
}

static void a_slb_error_is_repaired_from_the_shadow_buffer(void **state)
{
	static const struct {
		uint32_t size, persistent;
		unsigned restored;
	} cases[] = {
		{ 16 + 48, 2, 2 },   { 16 + 48, 3, 3 },
		{ 16 + 32, 3, 2 }, /* not beyond the buffer as it was registered */
		{ 16 + 48, ~0u, 3 }, { 16 + 48, 0, 0 },
		{ 8, 3, 0 },
	};

	for (unsigned c = 0; c < ARRAY_SIZE(cases); c++) {
		boot_and_register();
		shadow_slb(cases[c].size, cases[c].persistent);
		meet_multihit(1);
		for (unsigned i = 0; i < SLB_ENTRIES; i++) {
			const bool restored = i < cases[c].restored;

			assert_int_equal(fake.slb[1][i].esid,
					 restored ? 0xc000000008000000ull | i << 28 : 0);
			assert_int_equal(fake.slb[1][i].vsid, restored ? 0x1000 * (i + 1) : 0);
		}
	}
}

static void a_slb_error_without_a_shadow_buffer_is_left_to_the_guest(void **state)
{
	boot_and_register();
	meet_multihit(1);
	assert_int_equal(fake.slb[1][0].esid, ~0ull);
	boot_and_register();
	shadow_slb(16 + 48, 2);
	assert_int_equal(hcall(1, 0x0dc, 7ull << 45, 1, 0, 0), H_SUCCESS);
	meet_multihit(1);
	assert_int_equal(fake.slb[1][0].esid, ~0ull);
	boot_and_register();
	shadow_slb(16 + 48, 2);
	assert_true(memory_poison(&fake.memory, SHADOW + 32, 16, false));
	meet_multihit(1);
	assert_int_equal(fake.slb[1][0].esid, ~0ull);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_hash_guest, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_table_is_a_128th_of_memory_behind_it_and_empty),
		TEST(enter_takes_the_first_free_place_of_the_group),
		TEST(remove_returns_what_vcpus_set_until_they_have_forgotten_the_entry),
		TEST(enter_with_exact_takes_that_place_or_none),
		TEST(enter_keeps_the_bits_that_are_the_hypervisors),
		TEST(enter_refuses_what_lies_outside_the_table),
		TEST(enter_refuses_a_page_that_is_not_wholly_ram),
		TEST(enter_refuses_a_page_size_that_the_tree_does_not_list),
		TEST(enter_refuses_storage_control_bits_that_are_not_memorys),
		TEST(enter_maps_a_devices_window_only_uncached),
		TEST(enter_zeroes_a_page_up_to_64_kib),
		TEST(a_page_that_cannot_be_zeroed_for_poison_is_not_entered),
		TEST(remove_returns_the_entry_and_tells_the_engine),
		TEST(remove_compares_the_page_or_looks_at_bits),
		TEST(bulk_remove_answers_each_of_its_requests),
		TEST(bulk_remove_stops_at_the_end_and_at_what_is_wrong),
		TEST(block_remove_removes_eight_neighbours_and_returns_r_and_c),
		TEST(block_remove_says_which_it_leaves_and_why),
		TEST(block_remove_takes_requests_only_and_each_entry_once),
		TEST(protect_sets_protection_and_keys_and_clears_r),
		TEST(read_returns_one_entry_or_the_four_around_it),
		TEST(clear_mod_and_clear_ref_clear_one_bit_and_return_what_was),
		TEST(clear_hpt_removes_all_entries),
		TEST(a_table_that_is_emptied_or_replaced_leaves_no_cached_translation),
		TEST(a_table_is_prepared_up_to_twice_the_first_ones_size),
		TEST(bolted_entries_move_to_where_the_new_table_is_searched),
		TEST(two_bolted_entries_for_one_place_keep_the_table_as_it_was),
		TEST(a_reset_begins_with_the_first_table),
		TEST(the_table_is_marked_as_written_page_by_page),
		TEST(a_state_whose_table_would_leave_the_hypervisors_memory_is_refused),
		TEST(a_guest_with_the_choice_switches_and_loses_the_table),
		TEST(disable_radix_on_the_command_line_asks_for_a_hash_table),
		TEST(a_processor_without_radix_refuses_who_insists_on_it),
		TEST(a_slb_error_is_repaired_from_the_shadow_buffer),
		TEST(a_slb_error_without_a_shadow_buffer_is_left_to_the_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
