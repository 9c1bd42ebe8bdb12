/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of a vCPU's SLB, and what is to be forgotten then; see segments.h. */
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/mmu/planted.h"
#include "engine/emu/mmu/segments.h"
#include "engine/emu/private.h"

static uint64_t first_of(const struct engine_slb_entry *entry)
{
	const unsigned bits = slb_segment_bits(entry->vsid);

	return entry->esid >> bits << bits;
}

static uint64_t last_of(const struct engine_slb_entry *entry)
{
	return first_of(entry) + ((1ull << slb_segment_bits(entry->vsid)) - 1);
}

/* The soft TLB's entries of a segment come from another SLB entry from now on, or from none. */
static void forget(struct cpu *cpu, const struct engine_slb_entry *entry)
{
	if (first_of(entry) >> 62)
		tlb_flush_segment(&cpu->arrays, first_of(entry), last_of(entry));
	else
		tlb_flush_process(&cpu->arrays);
	/* If the running code is in the segment, what follows its block is fetched anew. */
	if (cpu->page_ea >= first_of(entry) && cpu->page_ea <= last_of(entry))
		cpu_leave(cpu);
}

static void end_planted(struct cpu *cpu, const struct engine_slb_entry *entry, unsigned caches)
{
	const struct planted_flush flush = { .vcpu = cpu->index,
					     .caches = caches,
					     .first = first_of(entry),
					     .last = last_of(entry) };

	if (cpu->engine->nr_planted)
		planted_flush(cpu->engine, &flush);
}

static bool overlap(const struct engine_slb_entry *a, const struct engine_slb_entry *b)
{
	return a->esid & SLB_VALID && first_of(a) <= last_of(b) && last_of(a) >= first_of(b);
}

/* The new entry is to be the second for an address: what was cached of the first hides that. */
static void expect_multihit(struct cpu *cpu, const struct engine_slb_entry *entry)
{
	for (unsigned i = 0; i < SLB_ENTRIES; i++)
		if (overlap(&cpu->slb[i], entry))
			forget(cpu, &cpu->slb[i]);
}

bool slb_write(struct cpu *cpu, unsigned index, uint64_t esid, uint64_t vsid)
{
	const struct engine_slb_entry entry = { esid, vsid };
	struct engine_slb_entry *old;

	if (index >= SLB_ENTRIES || esid & ~(SLB_ESID | SLB_VALID) || vsid & SLB_B & ~SLB_B_1T ||
	    !slb_base_page_bits(vsid))
		return false;
	old = &cpu->slb[index];
	if (old->esid & SLB_VALID) {
		forget(cpu, old);
		end_planted(cpu, old, 1u << ENGINE_SLB);
		old->esid = 0;
	}
	if (esid & SLB_VALID)
		expect_multihit(cpu, &entry);
	*old = entry;
	return true;
}

void slb_invalidate(struct cpu *cpu, uint64_t ea)
{
	for (unsigned i = 0; i < SLB_ENTRIES; i++) {
		if (!slb_matches(&cpu->slb[i], ea))
			continue;
		forget(cpu, &cpu->slb[i]);
		end_planted(cpu, &cpu->slb[i], 1u << ENGINE_SLB | 1u << ENGINE_ERAT);
		cpu->slb[i].esid &= ~SLB_VALID;
	}
}

void slb_invalidate_all(struct cpu *cpu, unsigned first, bool class_1)
{
	for (unsigned i = first; i < SLB_ENTRIES; i++) {
		struct engine_slb_entry *entry = &cpu->slb[i];

		if (!(entry->esid & SLB_VALID) || (class_1 && !(entry->vsid & SLB_CLASS)))
			continue;
		forget(cpu, entry);
		end_planted(cpu, entry, 1u << ENGINE_SLB);
		entry->esid &= ~SLB_VALID;
	}
}
