/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between vCPUs and the cache of decoded code: the fetch arrays in front of it, and what every vCPU
 * must do when a page gets code or loses it.
 */
#include "engine/emu/code/lookup.h"
#include "engine/emu/debug_registers.h"
#include "engine/emu/insn/prefixed.h"
#include "engine/emu/jit/jit.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/private.h"
#include "engine/emu/shootdown.h"
#include "engine/emu/watchpoints.h"

struct code_page *code_fetch(struct cpu *cpu, uint64_t ea)
{
	const struct fetch_entry *entry = &cpu->fetch->entry[FETCH_INDEX(ea)];
	struct translation translation;
	struct code_page *page;

	if (entry->tag == EPN(ea))
		return entry->page;
	if (!mmu_translate_ram(cpu, ea, ACCESS_FETCH, &translation))
		return NULL;
	cpu_work(cpu, WORK_FILL);
	lock_code(cpu->engine);
	page = code_page_at(&cpu->engine->code, translation.ra, cpu->mode);
	unlock_code(cpu->engine);
	if (!page)
		return NULL;
	tlb_fill_fetch(&cpu->arrays, mmu_mode(cpu, ACCESS_FETCH), ea, page,
		       translation.protection & PAGE_PRIVILEGED);
	if (unlikely(cpu->nr_watches))
		watchpoints_mark(cpu, ea, page);
	if (unlikely(cpu->ciabr))
		debug_registers_mark(cpu, ea, page);
	return page;
}

/*
 * How many words from @offset on can be fetched, at most @most: a block ends before poison. 0: the
 * first one can't, and the machine check was raised.
 */
static unsigned fetchable(struct cpu *cpu, const struct code_page *page, unsigned offset,
			  unsigned most)
{
	uint64_t ra = page->ra + offset;
	struct memory_region obstacle =
		memory_obstacle(cpu->engine->memory, ra, PAGE_BYTES - offset, false);

	if (obstacle.kind == MEMORY_RAM || obstacle.first >= ra + 4ull * most)
		return most;
	if (obstacle.first >= ra + 4)
		return (unsigned)(obstacle.first - ra) / 4;
	mmu_refuse(cpu, cpu->nip, ACCESS_FETCH, ra, obstacle.kind);
	return 0;
}

struct block *code_decode_part(struct cpu *cpu, struct code_page *page, unsigned offset,
			       unsigned max_insns)
{
	struct power_engine *e = cpu->engine;
	const unsigned words = fetchable(cpu, page, offset, 2 * max_insns);
	const struct decode_input input = { .page = e->memory->base + page->ra,
					    .offset = offset,
					    .mode = page->mode,
					    .isa = e->model->isa,
					    .compat_isa = e->compat->isa,
					    .threads = e->threads,
					    .max_insns = max_insns,
					    .max_words = words };
	struct decoded decoded;
	struct block *block;

	if (!words)
		return NULL;
	if (words == 1 &&
	    prefix_has_suffix(decode_word(input.page + offset, input.mode), input.isa, offset) &&
	    !fetchable(cpu, page, offset + 4, 1))
		return NULL;
	block = code_begin(&e->code, page, offset);
	if (!block)
		return NULL;
	decode(&input, block->uops, &decoded);
	code_end(&e->code, block, &decoded);
	return block;
}

void code_note_executed(const struct power_engine *e, const struct block *block)
{
	const uint64_t ra = block->page->ra + block->start;

	for (unsigned i = 0; e->executed.words && i < block->nr_words; i++)
		if (ra + 4 * i >= e->executed.first && ra + 4 * i <= e->executed.last)
			e->executed.words[(ra + 4 * i - e->executed.first) / 4] = 1;
}

/* A page that holds code has no fast stores, in any vCPU. */
static void end_fast_stores(struct power_engine *e, const struct code_page *page)
{
	const struct shootdown stores = { .what = SHOOT_STORES,
					  .host = e->memory->base + page->ra };

	for (unsigned i = 0; i < e->nr_vcpus; i++)
		shootdown(e->cpus[i], &stores);
}

static const struct uop *decode_block(struct cpu *cpu, struct code_page *page, unsigned offset)
{
	struct block *block = code_decode_part(cpu, page, offset, BLOCK_MAX_INSNS);
	struct power_engine *e = cpu->engine;

	if (!block)
		return NULL;
	if (unlikely(code_is_marked(block))) {
		cpu->marked_block = block->nr_insns;
		code_discard(&e->code, block);
		return NULL;
	}
	code_note_executed(e, block);
	if (e->jit)
		block->uops[0].fn = jit_count;
	if (code_enter(&e->code, block) && !e->beside)
		end_fast_stores(e, page);
	return block->uops;
}

/*
 * The first code of a page, while other vCPUs run: before it is read, none of them may have a fast
 * store left that would not drop it. One vCPU at a time does this.
 */
static const struct uop *decode_first(struct cpu *cpu, struct code_page *page, unsigned offset)
{
	struct power_engine *e = cpu->engine;
	const struct uop *u;

	for (unsigned turn = 0; pthread_mutex_trylock(&e->new_code); turn++)
		shootdown_pause(cpu, turn);
	lock_code(e);
	if (!code_at(&e->code, page->ra)) {
		code_announce(&e->code, page->ra);
		unlock_code(e);
		end_fast_stores(e, page);
		shootdown_wait(cpu);
		lock_code(e);
	}
	u = decode_block(cpu, page, offset);
	unlock_code(e);
	pthread_mutex_unlock(&e->new_code);
	return u;
}

const struct uop *code_decode(struct cpu *cpu, struct code_page *page, unsigned offset)
{
	struct power_engine *e = cpu->engine;
	const struct uop *u;

	if (!e->beside)
		return decode_block(cpu, page, offset);
	lock_code(e);
	if (code_state(&e->code, page->ra) == PAGE_WITH_CODE) {
		u = code_entry(page, offset); /* another vCPU may have been first */
		if (!u)
			u = decode_block(cpu, page, offset);
		unlock_code(e);
		return u;
	}
	unlock_code(e);
	return decode_first(cpu, page, offset);
}

const struct block *code_block_of(const struct uop *uop)
{
	while (uop->kind != UOP_trailer)
		uop++;
	return (const struct block *)(uintptr_t)uop->imm;
}

void code_written(struct power_engine *e, uint64_t ra, uint64_t len)
{
	bool dropped;

	lock_code(e);
	dropped = code_drop(&e->code, ra, len);
	if (dropped)
		__atomic_add_fetch(&e->drops, 1, __ATOMIC_RELEASE);
	unlock_code(e);
	/*
	 * A dropped block may be running. Make it stop following its links soon; beside others it
	 * does after CHUNK_BESIDE instructions, or at an isync.
	 */
	if (!dropped || e->beside)
		return;
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		cpu_leave(e->cpus[i]);
}

void code_flush(struct power_engine *e)
{
	if (e->jit)
		jit_forget(e->jit);
	code_empty(&e->code);
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		tlb_flush_all_fetches(&e->cpus[i]->arrays);
}
