/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between vCPUs and the cache of decoded code: the fetch arrays in front of it, and what every vCPU
 * must do when a page gets code or loses it.
 */
#include "engine/emu/code/lookup.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/private.h"

struct code_page *code_fetch(struct cpu *cpu, uint64_t ea)
{
	const struct fetch_entry *entry = &cpu->fetch->entry[FETCH_INDEX(ea)];
	struct translation translation;
	struct code_page *page;

	if (entry->tag == EPN(ea))
		return entry->page;
	if (!mmu_translate_page(cpu, ea, ACCESS_FETCH, &translation))
		return NULL;
	cpu_work(cpu, WORK_FILL);
	page = code_page_at(&cpu->engine->code, translation.ra, cpu->mode);
	if (page)
		tlb_fill_fetch(&cpu->arrays, mmu_mode(cpu, ACCESS_FETCH), ea, page,
			       translation.protection & PAGE_PRIVILEGED);
	return page;
}

static struct block *decode_block(struct power_engine *e, struct code_page *page, unsigned offset,
				  unsigned max_insns)
{
	const struct decode_input input = { .page = e->memory->base + page->ra,
					    .offset = offset,
					    .mode = page->mode,
					    .isa = e->model->isa,
					    .max_insns = max_insns };
	struct block *block = code_begin(&e->code, page, offset);
	struct decoded decoded;

	if (!block)
		return NULL;
	decode(&input, block->uops, &decoded);
	code_end(&e->code, block, &decoded);
	return block;
}

const struct uop *code_decode(struct power_engine *e, struct code_page *page, unsigned offset)
{
	struct block *block = decode_block(e, page, offset, BLOCK_MAX_INSNS);

	if (!block)
		return NULL;
	/* A page that holds code has no fast stores. */
	if (code_enter(&e->code, block))
		for (unsigned i = 0; i < e->nr_vcpus; i++)
			tlb_protect(&e->cpus[i]->arrays, e->memory->base + page->ra);
	return block->uops;
}

struct block *code_decode_part(struct power_engine *e, struct code_page *page, unsigned offset,
			       unsigned max_insns)
{
	return decode_block(e, page, offset, max_insns);
}

const struct block *code_block_of(const struct uop *uop)
{
	while (uop->kind != UOP_trailer)
		uop++;
	return (const struct block *)(uintptr_t)uop->imm;
}

void code_written(struct power_engine *e, uint64_t ra, uint64_t len)
{
	if (!code_drop(&e->code, ra, len))
		return;
	/* A dropped block may be running. Make it stop following its links soon. */
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		cpu_leave(e->cpus[i]);
}

void code_flush(struct power_engine *e)
{
	code_empty(&e->code);
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		tlb_flush_fetch(&e->cpus[i]->arrays);
}
