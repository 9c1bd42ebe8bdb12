/* SPDX-License-Identifier: BSD-2-Clause */
/* Watches of a vCPU; see watchpoints.h. */
#include <string.h>

#include "engine/emu/private.h"
#include "engine/emu/watchpoints.h"

#define FOR_EACH_WATCH(cpu, watch)                              \
	for (const struct engine_watch *watch = (cpu)->watches; \
	     watch < (cpu)->watches + (cpu)->nr_watches; watch++)

/* Does the watch have a byte of [ea, ea + size) at [ra, ra + size)? */
static bool covers(const struct engine_watch *watch, uint64_t ea, uint64_t ra, unsigned size)
{
	const uint64_t first = watch->real ? ra : ea;

	return first <= watch->last && first + (size - 1) >= watch->first;
}

void watchpoints_mark_anew(struct power_engine *e)
{
	code_unmark(&e->code);
	/* Pages are looked up again, and get their marks then. */
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		tlb_flush(&e->cpus[i]->arrays);
}

void watchpoints_set(struct cpu *cpu, const struct engine_watch *watches, unsigned count)
{
	if (count)
		memcpy(cpu->watches, watches, count * sizeof(watches[0]));
	cpu->nr_watches = (uint8_t)count;
	watchpoints_mark_anew(cpu->engine);
}

void watchpoints_mark(struct cpu *cpu, uint64_t ea, struct code_page *page)
{
	FOR_EACH_WATCH(cpu, watch)
	{
		if (!(watch->accesses & ENGINE_FETCH) ||
		    !covers(watch, EPN(ea), page->ra, PAGE_BYTES))
			continue;
		for (unsigned word = 0; word < WORDS_PER_PAGE; word++)
			if (covers(watch, EPN(ea) + 4 * word, page->ra + 4 * word, 4))
				code_mark(&cpu->engine->code, page, word);
	}
}

/* Notes which of the watches the access is for, if any. */
static bool note_met(struct cpu *cpu, unsigned access, uint64_t ea, uint64_t ra, unsigned size)
{
	uint32_t met = 0;

	FOR_EACH_WATCH(cpu, watch)
	if (watch->accesses & access && covers(watch, ea, ra, size))
		met |= 1u << (watch - cpu->watches);
	if (met)
		cpu->watches_met = met;
	return met;
}

unsigned watchpoints_before(struct cpu *cpu, const struct block *block, unsigned most)
{
	const uint64_t page_ea = EPN(cpu->nip);

	if (!cpu->nr_watches)
		return most;
	for (unsigned i = 0; i < most; i++)
		if (note_met(cpu, ENGINE_FETCH, page_ea + block_offset(block, i),
			     block->page->ra + block_offset(block, i), 4))
			return i;
	return most;
}

bool watchpoints_on_page(const struct cpu *cpu, uint64_t ea, uint64_t ra)
{
	FOR_EACH_WATCH(cpu, watch)
	if (!(watch->accesses & ENGINE_FETCH) && covers(watch, EPN(ea), EPN(ra), PAGE_BYTES))
		return true;
	return false;
}

bool watchpoints_hit(struct cpu *cpu, uint64_t ea, uint64_t ra, unsigned size, bool write)
{
	if (cpu->watch_told || !note_met(cpu, write ? ENGINE_WRITE : ENGINE_READ, ea, ra, size))
		return false;
	cpu_raise(cpu, EXCEPTION_WATCHED, 0);
	return true;
}
