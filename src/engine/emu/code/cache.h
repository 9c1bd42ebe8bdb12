/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache of decoded code by real page: pages and their entry points, blocks, and the arena that
 * holds them all. A data structure only: it knows no vCPU and no effective address; lookup.h does.
 */
#ifndef FWNMI_ENGINE_EMU_CODE_CACHE_H
#define FWNMI_ENGINE_EMU_CODE_CACHE_H

#include <stddef.h>

#include "engine/emu/decode/decode.h"
#include "engine/emu/work.h"

#define WORDS_PER_PAGE (PAGE_BYTES / 4)

/*
 * A run of instructions inside one page of real memory, as decode() makes it. The links' imm is the
 * first micro-operation of the next block inside the same page, branched to and fallen through to;
 * 0: not looked up yet. The trailer's imm is the block.
 */
struct block {
	struct code_page *page;
	uint64_t prefixed; /* a bit per instruction that has two words */
	uint16_t start; /* byte offset in the page */
	uint8_t nr_insns, nr_words;
	/* The translator's: how often it was executed, until it is translated; then its code. */
	uint16_t heat;
	uint8_t evictions; /* how often its code made room, up to a bound */
	const uint8_t *host; /* NULL: none */
	struct block *next_translated;
	struct uop uops[];
};

/* Byte offset in the page of instruction @insn of the block. */
static inline unsigned block_offset(const struct block *block, unsigned insn)
{
	uint64_t before = block->prefixed & ((1ull << insn) - 1);

	return block->start + 4 * (insn + (unsigned)__builtin_popcountll(before));
}

/* Byte offset in the page of what follows the block. */
static inline unsigned block_end(const struct block *block)
{
	return block->start + 4u * block->nr_words;
}

/*
 * The decoded code of one real page in one mode. caches_check() checks these invariants: each entry
 * begins a block of this page at this offset, with all its words set in decoded, none in marked
 * and none poisoned; the block's links are empty or lead to entries of this page; everything lies
 * in the used part of the arena.
 */
struct code_page {
	uint64_t ra;
	unsigned mode;
	/* A bit per instruction word that some block holds. */
	uint64_t decoded[WORDS_PER_PAGE / 64];
	/*
	 * The first micro-operation of the block starting there, in bytes from this structure,
	 * which lies before its blocks in the arena; 0: none.
	 */
	uint32_t entry[WORDS_PER_PAGE];
	/* A bit per instruction word that no block in entry may hold. */
	uint64_t marked[WORDS_PER_PAGE / 64];
	bool has_marks;
	struct code_page *next_marked; /* if it has */
};

/** code_entry() - the block that begins at @offset of a code page, or NULL. Needs no lock. */
static inline const struct uop *code_entry(const struct code_page *page, uint64_t offset)
{
	const uint32_t at = __atomic_load_n(&page->entry[offset / 4], __ATOMIC_ACQUIRE);

	return at ? (const struct uop *)(const void *)((const uint8_t *)page + at) : NULL;
}

/*
 * The decoded code of REGION_BYTES of real memory: the lower level of the tables by real page. A
 * region is made when its first code is met. It lies in the arena, as does all it leads to, so the
 * tables take no more memory than the arena, whatever the guest's RAM.
 */
#define REGION_BITS  21
#define REGION_PAGES (1u << (REGION_BITS - PAGE_BITS))
struct code_region {
	struct code_region *next; /* next region in use */
	uint64_t number; /* its index in code_cache.regions */
	struct code_page **pages[CODE_MODES]; /* NULL: nothing is decoded in this mode */
	uint8_t has_code[REGION_PAGES]; /* enum page_code */
};

#define PAGE_IN_REGION(ra) ((ra) >> PAGE_BITS & (REGION_PAGES - 1))

/** code_page_of() - the code page of @ra, which is in the region, in @mode; NULL: none yet */
static inline struct code_page *code_page_of(const struct code_region *region, unsigned mode,
					     uint64_t ra)
{
	return region->pages[mode] ? region->pages[mode][PAGE_IN_REGION(ra)] : NULL;
}

/* Does a page hold decoded code? */
enum page_code {
	PAGE_WITHOUT_CODE,
	PAGE_GETS_CODE, /* no vCPU gets fast stores to it any more; some may still have them */
	PAGE_WITH_CODE, /* some word of the page is marked decoded in some mode */
};

struct code_cache {
	struct work *work;
	/* By real address >> REGION_BITS; NULL: nothing of it is decoded. */
	struct code_region **regions;
	uint64_t nr_regions;
	struct code_region *used_regions;
	struct code_page *marked; /* all pages with marks */
	uint8_t *arena; /* blocks, code pages, regions; emptied as a whole */
	size_t arena_size, arena_used;
};

/** code_cache_create() - for @memory_bytes of real memory from 0. false: the host has no memory. */
bool code_cache_create(struct code_cache *c, uint64_t memory_bytes, struct work *work);
void code_cache_destroy(struct code_cache *c);

/** code_page_at() - the code page of @ra in @mode, made if needed. NULL: the arena is full. */
struct code_page *code_page_at(struct code_cache *c, uint64_t ra, unsigned mode);
/**
 * code_begin() - room for a block of @page that starts at @offset, to decode into. Nothing else may
 * be taken from the arena until code_end(). NULL: the arena is full.
 */
struct block *code_begin(struct code_cache *c, struct code_page *page, unsigned offset);
/** code_end() - complete the block begun last, as @decoded says. It is not in its page yet. */
void code_end(struct code_cache *c, struct block *block, const struct decoded *decoded);
/** code_enter() - enter the block into its page. true: no word of the page was decoded before. */
bool code_enter(struct code_cache *c, struct block *block);
/** code_discard() - give back the room of the block begun last, which was not entered. */
void code_discard(struct code_cache *c, struct block *block);
/**
 * code_drop() - these bytes were written: drop the blocks of each page that has some of them
 * decoded. true: some were dropped; a block that is running stays whole.
 */
bool code_drop(struct code_cache *c, uint64_t ra, uint64_t len);
/** code_announce() - the page of @ra, which has a code page and no code, is about to get some. */
void code_announce(struct code_cache *c, uint64_t ra);
/** code_mark() - from now on no block that has this word of the page is entered into it. */
void code_mark(struct code_cache *c, struct code_page *page, unsigned word);
/** code_unmark() - forget all marks. */
void code_unmark(struct code_cache *c);
/** code_is_marked() - does the block have a marked word? */
bool code_is_marked(const struct block *block);
/** code_empty() - forget everything, marks too. */
void code_empty(struct code_cache *c);

/** code_state() - enum page_code of the page of @ra. Needs no lock, nor does code_at(). */
static inline unsigned code_state(const struct code_cache *c, uint64_t ra)
{
	const struct code_region *region =
		__atomic_load_n(&c->regions[ra >> REGION_BITS], __ATOMIC_ACQUIRE);

	return region ? __atomic_load_n(&region->has_code[PAGE_IN_REGION(ra)], __ATOMIC_ACQUIRE) :
			PAGE_WITHOUT_CODE;
}

/** code_at() - does the page of @ra hold decoded code, or is it about to? */
static inline bool code_at(const struct code_cache *c, uint64_t ra)
{
	return code_state(c, ra) != PAGE_WITHOUT_CODE;
}

#endif
