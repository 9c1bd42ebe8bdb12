/* SPDX-License-Identifier: BSD-2-Clause */
/* Invalidation: what tlbie and the hypervisor ask for, done to the caches of every vCPU. */
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/mmu/planted.h"
#include "engine/emu/private.h"
#include "isa/hpte.h"

/* A longer range costs more than forgetting the process. */
#define LONGEST_RANGE 0x10000u

void mmu_reset(struct power_engine *e)
{
	walks_init(&e->walks, &e->work);
	mmu_flush_all(e);
}

void mmu_flush_all(struct power_engine *e)
{
	walks_flush(&e->walks);
	work_done(&e->work, 8 * e->nr_vcpus);
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		tlb_flush(&e->cpus[i]->arrays);
}

void mmu_flush_pid(struct power_engine *e, uint32_t pid)
{
	walks_flush_space(&e->walks, pid);
	work_done(&e->work, 8 * e->nr_vcpus);
	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		struct cpu *cpu = e->cpus[i];

		if (!pid)
			tlb_flush_kernel(&cpu->arrays);
		if ((uint32_t)cpu->pidr == pid)
			tlb_flush_process(&cpu->arrays);
	}
}

void mmu_flush_range(struct power_engine *e, uint32_t pid, uint64_t ea, uint64_t len)
{
	ea = EPN(ea) & ~(len - 1);
	if (len > LONGEST_RANGE) {
		mmu_flush_pid(e, pid);
		return;
	}
	work_done(&e->work, 4 * (int64_t)(len >> PAGE_BITS) * e->nr_vcpus);
	walks_flush_range(&e->walks, pid, ea, len);
	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		struct cpu *cpu = e->cpus[i];

		if (pid && (uint32_t)cpu->pidr != pid)
			continue;
		for (uint64_t page = ea; page < ea + len; page += PAGE_BYTES)
			tlb_flush_page(&cpu->arrays, page);
	}
}

/* In every vCPU, whatever the effective addresses of the segment are there. */
static void flush_offsets(struct power_engine *e, uint64_t space, uint64_t first, uint64_t len)
{
	if (len > LONGEST_RANGE) {
		walks_flush_space(&e->walks, space);
		for (unsigned i = 0; i < e->nr_vcpus; i++)
			tlb_flush(&e->cpus[i]->arrays);
		return;
	}
	work_done(&e->work, 4 * (int64_t)(len >> PAGE_BITS) * e->nr_vcpus);
	walks_flush_range(&e->walks, space, first, len);
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		for (uint64_t page = first; page < first + len; page += PAGE_BYTES)
			tlb_flush_offset(&e->cpus[i]->arrays, page);
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
