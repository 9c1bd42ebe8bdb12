/* SPDX-License-Identifier: BSD-2-Clause */
/* Invalidation: what tlbie and the hypervisor ask for, done to the caches of every vCPU. */
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/mmu/planted.h"
#include "engine/emu/private.h"
#include "engine/emu/shootdown.h"
#include "isa/hpte.h"

/* A longer range costs more than forgetting the process. */
#define LONGEST_RANGE 0x10000u

/* ---- one vCPU ---- */

void mmu_forget_all(struct cpu *cpu)
{
	if (cpu->engine->threads)
		walks_flush(cpu->walks);
	tlb_flush(&cpu->arrays);
}

void mmu_forget_process(struct cpu *cpu, uint32_t pid)
{
	if (cpu->engine->threads)
		walks_flush_space(cpu->walks, pid);
	if (!pid)
		tlb_flush_kernel(&cpu->arrays);
	if ((uint32_t)cpu->pidr == pid)
		tlb_flush_process(&cpu->arrays);
}

void mmu_forget_range(struct cpu *cpu, uint32_t pid, uint64_t ea, uint64_t len)
{
	const uint64_t first = EPN(ea) & ~(len - 1);

	if (!len || len > LONGEST_RANGE) {
		mmu_forget_process(cpu, pid);
		return;
	}
	if (cpu->engine->threads)
		walks_flush_range(cpu->walks, pid, first, len);
	for (uint64_t page = first; page < first + len; page += PAGE_BYTES) {
		if ((uint32_t)cpu->pidr == pid)
			tlb_flush_page(&cpu->arrays, page);
		if (!pid)
			tlb_flush_page(&cpu->arrays, page | QUADRANT_3);
	}
}

static void forget_walks(struct walk_cache *walks, uint64_t space, uint64_t first, uint64_t len)
{
	if (len > LONGEST_RANGE)
		walks_flush_space(walks, space);
	else
		walks_flush_range(walks, space, first, len);
}

/* Whatever the effective addresses of the segment are. */
void mmu_forget_offsets(struct cpu *cpu, uint64_t space, uint64_t first, uint64_t len)
{
	if (cpu->engine->threads)
		forget_walks(cpu->walks, space, first, len);
	if (len > LONGEST_RANGE) {
		tlb_flush(&cpu->arrays);
		return;
	}
	for (uint64_t page = first; page < first + len; page += PAGE_BYTES)
		tlb_flush_offset(&cpu->arrays, page);
}

/* ---- all vCPUs ---- */

static void flush(struct power_engine *e, const struct shootdown *request)
{
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		shootdown(e->cpus[i], request);
}

/* For each vCPU. Those that run beside one another account for their work themselves. */
static void flush_work(struct power_engine *e, int64_t amount)
{
	if (!e->beside)
		work_done(&e->work, amount * e->nr_vcpus);
}

void mmu_reset(struct power_engine *e)
{
	for (unsigned i = 0; i < nr_walk_caches(e); i++)
		walks_init(e->cpus[i]->walks, e->cpus[i]->work);
	mmu_flush_all(e);
}

void mmu_flush_all(struct power_engine *e)
{
	const struct shootdown all = { .what = SHOOT_ALL };

	if (!e->threads)
		walks_flush(&e->walks);
	flush_work(e, 8);
	flush(e, &all);
}

void mmu_flush_pid(struct power_engine *e, uint32_t pid)
{
	const struct shootdown process = { .what = SHOOT_PROCESS, .pid = pid };

	if (!e->threads)
		walks_flush_space(&e->walks, pid);
	flush_work(e, 8);
	flush(e, &process);
}

void mmu_flush_range(struct power_engine *e, uint32_t pid, uint64_t ea, uint64_t len)
{
	const struct shootdown range = {
		.what = SHOOT_RANGE, .pid = pid, .ea = EPN(ea) & ~(len - 1), .len = len
	};

	if (len > LONGEST_RANGE) {
		mmu_flush_pid(e, pid);
		return;
	}
	flush_work(e, 4 * (int64_t)(len >> PAGE_BITS));
	if (!e->threads)
		walks_flush_range(&e->walks, pid, range.ea, len);
	flush(e, &range);
}

void mmu_flush_process(struct power_engine *e, uint32_t pid, uint64_t first, uint64_t last,
		       bool planted)
{
	if (last - first >= LONGEST_RANGE || (first ^ last) & QUADRANT_3) {
		first = 0;
		last = UINT64_MAX;
		mmu_flush_pid(e, pid);
	} else {
		first &= ~QUADRANT_3;
		last &= ~QUADRANT_3;
		for (uint64_t page = EPN(first); page <= last; page += PAGE_BYTES)
			mmu_flush_range(e, pid, page, PAGE_BYTES);
	}
	if (planted)
		planted_flush_process(e, ENGINE_MAX_VCPUS, pid, first, last);
}

static void flush_offsets(struct power_engine *e, uint64_t space, uint64_t first, uint64_t len)
{
	const struct shootdown offsets = {
		.what = SHOOT_OFFSETS, .space = space, .ea = first, .len = len
	};

	if (len <= LONGEST_RANGE)
		flush_work(e, 4 * (int64_t)(len >> PAGE_BITS));
	if (!e->threads)
		forget_walks(&e->walks, space, first, len);
	flush(e, &offsets);
	if (e->beside)
		shootdown_finish(e);
}

void mmu_flush_hpte(struct power_engine *e, uint64_t index, uint64_t v, uint64_t r)
{
	const struct hpte_page_size *size = hpte_page_size(v, r);
	struct virtual_page page;
	uint64_t space, len;

	if (!size) /* no search has found it */
		return;
	page = hpte_page(v, index, size->base);
	space = hash_space(page.vsid, page.segment_1t, size->base);
	len = 1ull << size->actual;
	page.offset &= ~(len - 1);
	flush_offsets(e, space, page.offset, len);
	if (e->nr_planted)
		planted_flush_virtual(e, space, page.offset, len);
}
