/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache of decoded code alone: blocks made by hand, found by real page, dropped by stores. */
#include "engine/emu/code/cache.h"
#include "unit.h"

#define RAM  (8ull << 20)
#define CODE 0x5000ull

static struct work work;
static struct code_cache cache;

static int set_up(void **state)
{
	return code_cache_create(&cache, RAM, &work) ? 0 : -1;
}

static int tear_down(void **state)
{
	code_cache_destroy(&cache);
	return 0;
}

/* A block as the decoder would make it: of @nr_insns words, with a single micro-operation. */
static struct block *make(uint64_t ra, unsigned mode, uint8_t nr_insns)
{
	const struct decoded decoded = { .nr_uops = 4, .nr_insns = nr_insns, .nr_words = nr_insns };
	struct code_page *page = code_page_at(&cache, ra, mode);
	struct block *block = page ? code_begin(&cache, page, ra & PAGE_MASK_LOW) : NULL;

	if (block)
		code_end(&cache, block, &decoded);
	return block;
}

static const struct uop *entry_at(uint64_t ra, unsigned mode)
{
	return code_entry(code_page_at(&cache, ra, mode), ra & PAGE_MASK_LOW);
}

static void a_block_is_found_where_it_starts_in_its_mode(void **state)
{
	struct block *block = make(CODE + 8, 0, 3);

	assert_null(entry_at(CODE + 8, 0));
	assert_false(code_at(&cache, CODE));
	assert_true(code_enter(&cache, block));
	assert_ptr_equal(entry_at(CODE + 8, 0), block->uops);
	assert_ptr_equal((void *)(uintptr_t)block->uops[3].imm, block);
	assert_null(entry_at(CODE + 12, 0));
	assert_null(entry_at(CODE + 8, CODE_LE));
	assert_true(code_at(&cache, CODE));
	assert_false(code_at(&cache, CODE + PAGE_BYTES));
}

static void only_the_first_block_of_a_page_is_news(void **state)
{
	assert_true(code_enter(&cache, make(CODE, 0, 1)));
	assert_false(code_enter(&cache, make(CODE + 64, 0, 1)));
	assert_false(code_enter(&cache, make(CODE, CODE_LE, 1)));
	assert_true(code_drop(&cache, CODE, 1));
	assert_false(code_drop(&cache, CODE, PAGE_BYTES));
	assert_true(code_enter(&cache, make(CODE, 0, 1)));
}

static void a_store_drops_a_pages_blocks_if_it_hits_a_decoded_word(void **state)
{
	struct {
		uint64_t at, len;
		bool drops;
	} stores[] = {
		{ CODE, 8, false },	      { CODE + 8, 1, true },	 { CODE + 7, 2, true },
		{ CODE + 19, 1, true },	      { CODE + 20, 100, false }, { CODE - 100, 108, false },
		{ CODE - 100, 109, true },    { 0, RAM, true },		 { CODE + 12, 0, false },
		{ CODE + 4096, 4096, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		code_enter(&cache, make(CODE + 8, 0, 3));
		code_enter(&cache, make(CODE + 512, 0, 1));
		assert_int_equal(code_drop(&cache, stores[i].at, stores[i].len), stores[i].drops);
		assert_int_equal(!entry_at(CODE + 8, 0), stores[i].drops);
		assert_int_equal(!entry_at(CODE + 512, 0), stores[i].drops);
		assert_int_equal(code_at(&cache, CODE), !stores[i].drops);
		code_empty(&cache);
	}
}

static void a_store_spares_the_other_mode_if_it_hits_nothing_there(void **state)
{
	code_enter(&cache, make(CODE, 0, 1));
	code_enter(&cache, make(CODE + 64, CODE_LE, 1));
	assert_true(code_drop(&cache, CODE, 4));
	assert_null(entry_at(CODE, 0));
	assert_non_null(entry_at(CODE + 64, CODE_LE));
	assert_true(code_at(&cache, CODE));
}

static void a_discarded_block_leaves_its_room(void **state)
{
	size_t used;

	code_page_at(&cache, CODE, 0);
	used = cache.arena_used;
	code_discard(&cache, make(CODE, 0, 1));
	assert_int_equal(cache.arena_used, used);
	assert_null(entry_at(CODE, 0));
}

static void a_full_arena_takes_nothing_more_until_it_is_emptied(void **state)
{
	uint64_t ra = 0;

	cache.arena_size = 512 << 10;
	while (make(ra, 0, 1))
		ra += PAGE_BYTES;
	assert_true(ra > 8 * PAGE_BYTES);
	assert_true(cache.arena_used <= cache.arena_size);
	assert_null(make(0, 0, 1));
	code_empty(&cache);
	assert_int_equal(cache.arena_used, 0);
	assert_false(code_at(&cache, 0));
	assert_non_null(make(0, 0, 1));
}

static void an_instruction_of_two_words_moves_those_behind_it(void **state)
{
	const struct block block = {
		.start = 0x40, .nr_insns = 64, .nr_words = 66, .prefixed = 1ull << 3 | 1ull << 63
	};

	assert_int_equal(block_offset(&block, 0), 0x40);
	assert_int_equal(block_offset(&block, 3), 0x40 + 4 * 3);
	assert_int_equal(block_offset(&block, 4), 0x40 + 4 * 5);
	assert_int_equal(block_offset(&block, 63), 0x40 + 4 * 64);
	assert_int_equal(block_end(&block), 0x40 + 4 * 66);
}

static void all_words_of_a_block_are_marked(void **state)
{
	const struct decoded decoded = {
		.nr_uops = 4, .nr_insns = 2, .nr_words = 3, .prefixed = 2
	};
	struct code_page *page = code_page_at(&cache, CODE, 0);
	struct block *block = code_begin(&cache, page, 8);

	code_end(&cache, block, &decoded);
	code_enter(&cache, block);
	assert_int_equal(page->decoded[0], 7 << 2);
	assert_true(code_drop(&cache, CODE + 16, 4));
}

static void a_page_with_code_takes_little_more_than_itself(void **state)
{
	size_t used;

	code_page_at(&cache, CODE, 0);
	used = cache.arena_used;
	code_page_at(&cache, CODE + PAGE_BYTES, 0);
	assert_true(cache.arena_used - used < PAGE_BYTES + 512);
}

static void a_block_at_the_end_of_the_arena_is_found(void **state)
{
	struct block *block;

	assert_non_null(code_page_at(&cache, CODE, 0));
	cache.arena_used = cache.arena_size - sizeof(*block) - DECODE_MAX_UOPS * sizeof(struct uop);
	cache.arena_used &= ~(size_t)15;
	block = make(CODE, 0, 1);
	assert_non_null(block);
	code_enter(&cache, block);
	assert_ptr_equal(entry_at(CODE, 0), block->uops);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_block_is_found_where_it_starts_in_its_mode),
		TEST(only_the_first_block_of_a_page_is_news),
		TEST(a_store_drops_a_pages_blocks_if_it_hits_a_decoded_word),
		TEST(a_store_spares_the_other_mode_if_it_hits_nothing_there),
		TEST(a_discarded_block_leaves_its_room),
		TEST(a_full_arena_takes_nothing_more_until_it_is_emptied),
		TEST(an_instruction_of_two_words_moves_those_behind_it),
		TEST(all_words_of_a_block_are_marked),
		TEST(a_page_with_code_takes_little_more_than_itself),
		TEST(a_block_at_the_end_of_the_arena_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
