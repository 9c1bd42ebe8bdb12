/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caches_check(): checks the invariants of the engine's caches, which mmu/tlb.h and code/cache.h
 * state at the structures. It reads everything and changes nothing. The fuzzer of guest code calls
 * it after every slice, builds with sanitizers now and then.
 */
#include <string.h>

#include "engine/emu/check.h"
#include "engine/emu/jit/jit.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/mmu/planted.h"
#include "engine/emu/private.h"
#include "engine/emu/uop/uop.h"

#define CHECK(condition, what)       \
	do {                         \
		if (!(condition))    \
			return what; \
	} while (0)

#define LARGEST_SET (TLB_ENTRIES > FETCH_ENTRIES ? TLB_ENTRIES : FETCH_ENTRIES)

/* Find the slots that may be filled. */
static void read_log(const struct fill_log *log, bool *may_be_filled)
{
	memset(may_be_filled, log->count > FILL_LOG, LARGEST_SET * sizeof(*may_be_filled));
	for (unsigned i = 0; log->count <= FILL_LOG && i < log->count; i++)
		may_be_filled[log->slot[i]] = true;
}

static bool in_kuser(const struct cpu *cpu, unsigned slot)
{
	for (unsigned i = 0; i < cpu->arrays.nr_kuser; i++)
		if (cpu->arrays.kuser[i] == slot)
			return true;
	return false;
}

/* Does each use of the page have to find a planted error? */
static bool is_bad(const struct cpu *cpu, enum tlb_mode mode, uint64_t ea)
{
	uint64_t space;

	return mode != TLB_REAL && mmu_space(cpu, ea, &space) &&
	       planted_find(cpu->engine, cpu->index, PLANTED_ANYWHERE, space, ea);
}

/* Does a segment, or a process, have the address? */
static bool is_translated(const struct cpu *cpu, enum tlb_mode mode, uint64_t ea)
{
	uint64_t space;

	return mode == TLB_REAL || mmu_space(cpu, ea, &space);
}

static const char *check_data(const struct cpu *cpu, enum tlb_mode mode, unsigned slot, bool logged,
			      bool write)
{
	const struct power_engine *e = cpu->engine;
	const struct tlb_set *set = &cpu->arrays.data[mode];
	const struct tlb_entry *entry = write ? &set->write[slot] : &set->read[slot];
	uint64_t ra;

	if (entry->tag & PAGE_MASK_LOW)
		return NULL;
	ra = entry->tag + entry->addend - (uintptr_t)e->memory->base;
	CHECK(TLB_INDEX(entry->tag) == slot, "a soft TLB entry is in a wrong slot");
	CHECK(logged, "a soft TLB entry is not in the log of its set");
	CHECK(!(ra & PAGE_MASK_LOW) && memory_contains(e->memory, ra, PAGE_BYTES),
	      "a soft TLB entry leads out of guest memory");
	CHECK(memory_is_ram(e->memory, ra, PAGE_BYTES), "a page with poison has fast accesses");
	CHECK(is_translated(cpu, mode, entry->tag),
	      "a soft TLB entry is of no segment, or of several");
	CHECK(!is_bad(cpu, mode, entry->tag), "a page with a planted error has fast accesses");
	CHECK(!write || !code_at(&e->code, ra), "a page with decoded code has fast stores");
	CHECK(mode != TLB_REAL || ra == (entry->tag & REAL_ADDRESS_MASK),
	      "a real mode entry of the soft TLB is of another page");
	CHECK(mode != TLB_KERNEL || entry->tag >> 62 || in_kuser(cpu, slot),
	      "the kernel's entry of a user address is not listed");
	CHECK(mode != TLB_USER || !(entry->tag >> 62) || cpu->arrays.user_saw_kernel,
	      "the user's entry of a kernel address is not marked");
	return NULL;
}

static const char *check_base(const struct cpu *cpu, enum tlb_mode mode, unsigned i, bool write)
{
	const struct tlb_set *set = &cpu->arrays.data[mode];
	const struct tlb_entry *base = write ? &set->base_write[i] : &set->base_read[i];
	const struct tlb_entry *entry = write ? &set->write[TLB_INDEX(base->tag)] :
						&set->read[TLB_INDEX(base->tag)];

	CHECK(base->tag == TLB_INVALID ||
		      (base->tag == entry->tag && base->addend == entry->addend),
	      "a base register's entry is not in the soft TLB");
	return NULL;
}

static bool in_arena(const struct power_engine *e, const void *p, size_t size)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)e->code.arena;

	return offset < e->code.arena_used && size <= e->code.arena_used - offset && !(offset & 7);
}

/* The code page that the tables hold, or NULL. */
static const struct code_page *page_of(const struct power_engine *e, uint64_t ra, unsigned mode)
{
	const struct code_region *region = e->code.regions[ra >> REGION_BITS];

	return region ? code_page_of(region, mode, ra) : NULL;
}

static const char *check_fetch(const struct cpu *cpu, enum tlb_mode mode, unsigned slot,
			       bool logged)
{
	const struct power_engine *e = cpu->engine;
	const struct fetch_entry *entry = &cpu->arrays.fetch[mode].entry[slot];
	const struct code_page *page = entry->page;

	if (entry->tag & PAGE_MASK_LOW)
		return NULL;
	CHECK(FETCH_INDEX(entry->tag) == slot, "a fetch entry is in a wrong slot");
	CHECK(logged, "a fetch entry is not in the log of its set");
	CHECK(in_arena(e, page, sizeof(*page)), "a fetch entry leads out of the decoded code");
	CHECK(memory_contains(e->memory, page->ra, PAGE_BYTES) && page->mode < CODE_MODES &&
		      page_of(e, page->ra, page->mode) == page,
	      "a fetch entry's code page is not the one of its real page");
	CHECK(page->mode == cpu->arrays.fetch[mode].code_mode, "a fetch entry is of another mode");
	CHECK(is_translated(cpu, mode, entry->tag),
	      "a fetch entry is of no segment, or of several");
	CHECK(!is_bad(cpu, mode, entry->tag), "a page with a planted error has fast fetches");
	CHECK(mode != TLB_REAL || page->ra == (entry->tag & REAL_ADDRESS_MASK),
	      "a real mode fetch entry is of another page");
	CHECK(mode != TLB_KERNEL || entry->tag >> 62 || cpu->arrays.kernel_fetched_user,
	      "the kernel's fetch entry of a user address is not marked");
	CHECK(mode != TLB_USER || !(entry->tag >> 62) || cpu->arrays.user_saw_kernel,
	      "the user's fetch entry of a kernel address is not marked");
	return NULL;
}

static const char *check_sets(const struct cpu *cpu, enum tlb_mode mode)
{
	bool logged[LARGEST_SET];
	const char *wrong = NULL;

	read_log(&cpu->arrays.data[mode].filled, logged);
	for (unsigned i = 0; i < TLB_ENTRIES && !wrong; i++) {
		wrong = check_data(cpu, mode, i, logged[i], false);
		if (!wrong)
			wrong = check_data(cpu, mode, i, logged[i], true);
	}
	for (unsigned i = 0; i < TLB_BASES && !wrong; i++) {
		wrong = check_base(cpu, mode, i, false);
		if (!wrong)
			wrong = check_base(cpu, mode, i, true);
	}
	if (wrong)
		return wrong;
	CHECK(cpu->fetch != &cpu->arrays.fetch[mode] || cpu->fetch->code_mode == cpu->mode,
	      "fetches are of another mode");
	read_log(&cpu->arrays.fetch[mode].filled, logged);
	for (unsigned i = 0; i < FETCH_ENTRIES && !wrong; i++)
		wrong = check_fetch(cpu, mode, i, logged[i]);
	return wrong;
}

static const char *check_cpu(const struct cpu *cpu)
{
	const char *wrong = NULL;

	CHECK(!cpu->zero, "the zero operand is not zero");
	CHECK(cpu->tlb == &cpu->arrays.data[DATA_MODE(cpu->mode)],
	      "code is decoded for another way to address data");
	CHECK(cpu->arrays.nr_kuser <= KUSER_SLOTS, "the list of user addresses is too long");
	CHECK(!cpu->stop_uop && !cpu->exception, "an exception was left behind");
	for (unsigned i = 0; i < cpu->arrays.nr_kuser; i++)
		CHECK(cpu->arrays.kuser[i] < TLB_ENTRIES, "a listed slot does not exist");
	for (unsigned mode = 0; mode < TLB_MODES && !wrong; mode++)
		wrong = check_sets(cpu, mode);
	return wrong;
}

static const struct uop *trailer_of(const struct power_engine *e, const struct uop *u)
{
	for (; in_arena(e, u, sizeof(*u)); u++)
		if (u->kind == UOP_trailer)
			return u;
	return NULL;
}

/* The block of @page whose first micro-operation is @u, or NULL. */
static const struct block *block_at(const struct power_engine *e, const struct code_page *page,
				    const struct uop *u)
{
	const struct uop *trailer = in_arena(e, u, sizeof(*u)) ? trailer_of(e, u) : NULL;
	const struct block *block;

	if (!trailer)
		return NULL;
	block = (const struct block *)(uintptr_t)trailer->imm;
	return in_arena(e, block, sizeof(*block)) && block->uops == u && block->page == page ?
		       block :
		       NULL;
}

static unsigned nr_uops(const struct power_engine *e, const struct block *block)
{
	return (unsigned)(trailer_of(e, block->uops) - block->uops) + 1;
}

static const char *check_links(const struct power_engine *e, const struct code_page *page,
			       const struct block *block)
{
	const struct uop *trailer = trailer_of(e, block->uops);

	for (unsigned i = 1; i <= 2; i++) {
		const struct uop *to = (const struct uop *)(uintptr_t)trailer[-(int)i].imm;
		const struct block *next;

		if (!to)
			continue;
		next = block_at(e, page, to);
		CHECK(next, "a link does not lead to a block of its page");
		CHECK(code_entry(page, next->start) == to,
		      "a link leads to a block that was dropped");
	}
	return NULL;
}

static const char *check_block(const struct power_engine *e, const struct code_page *page,
			       unsigned word)
{
	const struct block *block = block_at(e, page, code_entry(page, 4 * word));
	const char *wrong;

	CHECK(block, "an entry of a code page is not a block of it");
	CHECK(block->start == 4 * word, "a block does not begin where its entry says");
	CHECK(block->nr_insns && block->nr_insns <= BLOCK_MAX_INSNS,
	      "a block has no instructions or too many");
	CHECK(block->nr_words == block->nr_insns + __builtin_popcountll(block->prefixed),
	      "the words of a block are not those of its instructions");
	CHECK(word + block->nr_words <= WORDS_PER_PAGE, "a block is longer than its page");
	for (unsigned i = word; i < word + block->nr_words; i++)
		CHECK(page->decoded[i / 64] >> (i % 64) & 1, "a decoded word is not marked");
	CHECK(!code_is_marked(block), "a block of a page has a watched instruction");
	CHECK(memory_is_ram(e->memory, page->ra + block->start, 4u * block->nr_words),
	      "a block has poison in it");
	wrong = uop_check_block(block->uops, nr_uops(e, block), block->nr_insns);
	if (!wrong)
		wrong = jit_check_block(e->jit, block);
	return wrong ? wrong : check_links(e, page, block);
}

static const char *check_page(const struct power_engine *e, const struct code_region *region,
			      const struct code_page *page, uint64_t ra, unsigned mode)
{
	const char *wrong = NULL;
	bool decoded = false;

	CHECK(in_arena(e, page, sizeof(*page)), "a code page is not among the decoded code");
	CHECK(page->ra == ra && page->mode == mode, "a code page is of another page or mode");
	CHECK(memory_contains(e->memory, ra, PAGE_BYTES), "a code page belongs to no memory");
	for (unsigned i = 0; i < WORDS_PER_PAGE / 64; i++)
		decoded |= page->decoded[i] != 0;
	CHECK(!decoded || region->has_code[PAGE_IN_REGION(ra)],
	      "a page with decoded code is not marked");
	for (unsigned word = 0; word < WORDS_PER_PAGE && !wrong; word++)
		if (page->entry[word])
			wrong = check_block(e, page, word);
	return wrong;
}

static const char *check_region(const struct power_engine *e, const struct code_region *region)
{
	const char *wrong = NULL;

	CHECK(in_arena(e, region, sizeof(*region)), "a region is not among the decoded code");
	CHECK(e->code.regions[region->number] == region, "a region is not where it says");
	for (unsigned mode = 0; mode < CODE_MODES; mode++) {
		CHECK(!region->pages[mode] || in_arena(e, region->pages[mode],
						       REGION_PAGES * sizeof(*region->pages[mode])),
		      "a region's table is not among the decoded code");
		for (unsigned i = 0; region->pages[mode] && i < REGION_PAGES && !wrong; i++)
			if (region->pages[mode][i])
				wrong = check_page(e, region, region->pages[mode][i],
						   region->number << REGION_BITS | i << PAGE_BITS,
						   mode);
	}
	return wrong;
}

static const char *check_code(const struct power_engine *e)
{
	uint64_t used = 0, listed = 0;
	const char *wrong = NULL;

	CHECK(e->code.arena_used <= e->code.arena_size, "more of the arena is used than exists");
	for (uint64_t i = 0; i < e->code.nr_regions; i++)
		used += e->code.regions[i] != NULL;
	for (const struct code_region *r = e->code.used_regions; r && !wrong; r = r->next) {
		CHECK(listed++ < used, "a region is listed that is not used");
		wrong = check_region(e, r);
	}
	CHECK(wrong || listed == used, "a region is used that is not listed");
	return wrong;
}

static const char *check_walks(const struct walk_cache *cache)
{
	CHECK(cache->first_asid && cache->first_asid <= cache->next_asid,
	      "the numbers of processes are out of order");
	for (unsigned i = 0; i < ASID_ENTRIES; i++)
		CHECK(cache->asids[i].asid < cache->next_asid,
		      "a process has a number that is not allocated yet");
	for (unsigned i = 0; i < WALK_ENTRIES; i++) {
		const struct walk_entry *w = &cache->walks[i];

		CHECK(w->page == TLB_INVALID || w->asid < cache->next_asid,
		      "a walk has a number that is not allocated yet");
	}
	return NULL;
}

const char *caches_check(const struct power_engine *e)
{
	const char *wrong = check_code(e);

	for (unsigned i = 0; i < nr_walk_caches(e) && !wrong; i++)
		wrong = check_walks(e->cpus[i]->walks);
	for (unsigned i = 0; i < e->nr_vcpus && !wrong; i++)
		wrong = check_cpu(e->cpus[i]);
	return wrong;
}
