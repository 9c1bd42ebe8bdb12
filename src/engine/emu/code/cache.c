/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache of decoded code by real page. Its arena only grows, or is emptied as a whole. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/emu/code/cache.h"

/* Poison discarded code so that AddressSanitizer catches stale pointers into it. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size)   ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#define ARENA_BYTES	  (256ull << 20)
#define ARENA_ALIGN(size) (((size) + 15) & ~(size_t)15)

bool code_cache_create(struct code_cache *c, uint64_t memory_bytes, struct work *work)
{
	c->work = work;
	c->nr_regions = ((memory_bytes - 1) >> REGION_BITS) + 1;
	c->regions = calloc(c->nr_regions, sizeof(c->regions[0]));
	c->arena_size = ARENA_BYTES;
	c->arena = mmap(NULL, c->arena_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->arena == MAP_FAILED)
		c->arena = NULL;
	return c->regions && c->arena;
}

void code_cache_destroy(struct code_cache *c)
{
	free(c->regions);
	if (!c->arena)
		return;
	/* Another mapping may get these addresses. */
	ASAN_UNPOISON_MEMORY_REGION(c->arena, ARENA_BYTES);
	munmap(c->arena, ARENA_BYTES);
}

/* ---- the arena ---- */

/* arena_size is a multiple of 16, so a size that fits still fits when rounded up. */
static void *arena_take(struct code_cache *c, size_t size)
{
	void *p = c->arena + c->arena_used;

	if (size > c->arena_size - c->arena_used)
		return NULL;
	c->arena_used += ARENA_ALIGN(size);
	ASAN_UNPOISON_MEMORY_REGION(p, ARENA_ALIGN(size));
	return p;
}

/* Free everything after the first @used bytes. */
static void arena_cut(struct code_cache *c, size_t used)
{
	ASAN_POISON_MEMORY_REGION(c->arena + used, c->arena_used - used);
	c->arena_used = used;
}

static void *table_take(struct code_cache *c, size_t size)
{
	void *table = arena_take(c, size);

	if (table)
		memset(table, 0, size);
	work_done(c->work, WORK_TABLE);
	return table;
}

/* ---- pages and blocks ---- */

static struct code_region *region_at(struct code_cache *c, uint64_t ra)
{
	struct code_region *region = c->regions[ra >> REGION_BITS];

	if (!region) {
		region = table_take(c, sizeof(*region));
		if (region) {
			region->number = ra >> REGION_BITS;
			region->next = c->used_regions;
			c->used_regions = region;
			__atomic_store_n(&c->regions[ra >> REGION_BITS], region, __ATOMIC_RELEASE);
		}
	}
	return region;
}

struct code_page *code_page_at(struct code_cache *c, uint64_t ra, unsigned mode)
{
	struct code_region *region = region_at(c, ra);
	struct code_page ***pages, **slot;

	if (!region)
		return NULL;
	pages = &region->pages[mode];
	if (!*pages)
		*pages = table_take(c, REGION_PAGES * sizeof(**pages));
	if (!*pages)
		return NULL;
	slot = &(*pages)[PAGE_IN_REGION(ra)];
	if (!*slot) {
		*slot = table_take(c, sizeof(**slot));
		if (*slot) {
			(*slot)->ra = EPN(ra);
			(*slot)->mode = mode;
		}
	}
	return *slot;
}

struct block *code_begin(struct code_cache *c, struct code_page *page, unsigned offset)
{
	struct block *block =
		arena_take(c, sizeof(*block) + DECODE_MAX_UOPS * sizeof(block->uops[0]));

	if (block) {
		block->page = page;
		block->start = (uint16_t)offset;
		block->heat = 0;
		block->evictions = 0;
		block->host = NULL;
		block->next_translated = NULL;
	}
	return block;
}

void code_end(struct code_cache *c, struct block *block, const struct decoded *decoded)
{
	size_t size = sizeof(*block) + decoded->nr_uops * sizeof(block->uops[0]);

	block->prefixed = decoded->prefixed;
	block->nr_insns = decoded->nr_insns;
	block->nr_words = decoded->nr_words;
	block->uops[decoded->nr_uops - 1].imm = (uint64_t)(uintptr_t)block;
	arena_cut(c, (size_t)((uint8_t *)block - c->arena) + ARENA_ALIGN(size));
	work_done(c->work, (int64_t)decoded->nr_insns * WORK_INSN);
}

bool code_enter(struct code_cache *c, struct block *block)
{
	struct code_page *page = block->page;
	struct code_region *region = region_at(c, page->ra);
	uint8_t *has_code = &region->has_code[PAGE_IN_REGION(page->ra)];
	bool had_code = *has_code == PAGE_WITH_CODE;
	unsigned first = block->start / 4u;

	for (unsigned i = first; i < first + block->nr_words; i++)
		page->decoded[i / 64] |= 1ull << (i % 64);
	__atomic_store_n(has_code, PAGE_WITH_CODE, __ATOMIC_RELEASE);
	__atomic_store_n(&page->entry[first], (uint32_t)((uint8_t *)block->uops - (uint8_t *)page),
			 __ATOMIC_RELEASE);
	return !had_code;
}

void code_announce(struct code_cache *c, uint64_t ra)
{
	struct code_region *region = region_at(c, ra);

	__atomic_store_n(&region->has_code[PAGE_IN_REGION(ra)], PAGE_GETS_CODE, __ATOMIC_SEQ_CST);
}

void code_discard(struct code_cache *c, struct block *block)
{
	arena_cut(c, (size_t)((uint8_t *)block - c->arena));
}

/* ---- dropping ---- */

static void forget_blocks(struct code_cache *c, struct code_page *page)
{
	memset(page->decoded, 0, sizeof(page->decoded));
	for (unsigned i = 0; i < WORDS_PER_PAGE; i++)
		__atomic_store_n(&page->entry[i], 0, __ATOMIC_RELAXED);
	work_done(c->work, WORK_TABLE);
}

/*
 * Drop the blocks of a page if the bytes written belong to one. Links stay inside a page, so
 * nothing else leads to them.
 */
static bool drop_page(struct code_cache *c, struct code_region *region, uint64_t ra, unsigned first,
		      unsigned last)
{
	bool dropped = false;

	for (unsigned mode = 0; mode < CODE_MODES; mode++) {
		struct code_page *page = code_page_of(region, mode, ra);
		bool hit = false;

		if (!page)
			continue;
		for (unsigned w = first / 4; w <= last / 4 && !hit; w++)
			hit = page->decoded[w / 64] >> (w % 64) & 1;
		if (!hit)
			continue;
		forget_blocks(c, page);
		dropped = true;
	}
	return dropped;
}

static bool any_decoded(const struct code_region *region, uint64_t ra)
{
	for (unsigned mode = 0; mode < CODE_MODES; mode++) {
		const struct code_page *page = code_page_of(region, mode, ra);

		for (unsigned i = 0; page && i < WORDS_PER_PAGE / 64; i++)
			if (page->decoded[i])
				return true;
	}
	return false;
}

bool code_drop(struct code_cache *c, uint64_t ra, uint64_t len)
{
	bool dropped = false;

	for (uint64_t at = ra, end = ra + len; at < end;) {
		uint64_t page_end = (at | PAGE_MASK_LOW) + 1;
		uint64_t stop = end < page_end ? end : page_end;
		struct code_region *region = code_at(c, at) ? c->regions[at >> REGION_BITS] : NULL;

		if (region && drop_page(c, region, at, (unsigned)(at & PAGE_MASK_LOW),
					(unsigned)((stop - 1) & PAGE_MASK_LOW))) {
			dropped = true;
			__atomic_store_n(&region->has_code[PAGE_IN_REGION(at)],
					 any_decoded(region, at) ? PAGE_WITH_CODE :
								   PAGE_WITHOUT_CODE,
					 __ATOMIC_RELEASE);
		}
		at = stop;
	}
	return dropped;
}

/* ---- marks ---- */

void code_mark(struct code_cache *c, struct code_page *page, unsigned word)
{
	const uint64_t bit = 1ull << (word % 64);

	if (page->marked[word / 64] & bit)
		return;
	page->marked[word / 64] |= bit;
	if (!page->has_marks) {
		page->has_marks = true;
		page->next_marked = c->marked;
		c->marked = page;
	}
	/* Nothing but links inside the page leads to the blocks that hold it. */
	if (page->decoded[word / 64] & bit)
		forget_blocks(c, page);
}

void code_unmark(struct code_cache *c)
{
	for (struct code_page *page = c->marked; page; page = page->next_marked) {
		memset(page->marked, 0, sizeof(page->marked));
		page->has_marks = false;
	}
	c->marked = NULL;
}

bool code_is_marked(const struct block *block)
{
	const struct code_page *page = block->page;
	const unsigned first = block->start / 4u;

	if (!page->has_marks)
		return false;
	for (unsigned i = first; i < first + block->nr_words; i++)
		if (page->marked[i / 64] >> (i % 64) & 1)
			return true;
	return false;
}

void code_empty(struct code_cache *c)
{
	for (const struct code_region *region = c->used_regions; region; region = region->next) {
		c->regions[region->number] = NULL;
		work_done(c->work, WORK_TABLE);
	}
	c->used_regions = NULL;
	c->marked = NULL;
	arena_cut(c, 0);
}
