// SPDX-License-Identifier: BSD-2-Clause
/*
 * Page faults: of loads, stores and fetches, with known values in all registers where the window
 * takes them.
 */
#include "memory.h"
#include "registers.h"

#define PAGE	   0x10000 /* the largest; where they are smaller, each of ours begins with one */
#define NR_PAGES   2
#define PAGE_WORDS 32

/* A load maps the page of zeros, and the store then replaces it. */
static void touch(uint64_t *at, uint64_t seed)
{
	for (unsigned i = 0; i < PAGE_WORDS; i++)
		if (at[i])
			workload_expect("new memory", (long)at[i], 0);
	pattern_fill(at, PAGE_WORDS, seed);
}

static void new_memory(uint64_t seed)
{
	long at = VERIFIED(NR_mmap, 0, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at <= 0)
		workload_failed("mmap", at);
	for (long i = 0; i < NR_PAGES; i++)
		touch((uint64_t *)(at + i * PAGE), seed + (uint64_t)i);
	for (long i = 0; i < NR_PAGES; i++)
		pattern_verify((uint64_t *)(at + i * PAGE), PAGE_WORDS, seed + (uint64_t)i);
	workload_expect("madvise()", VERIFIED(NR_madvise, at, PAGE, MADV_DONTNEED), 0);
	touch((uint64_t *)at, seed);
	pattern_verify((uint64_t *)at, PAGE_WORDS, seed);
	workload_expect("munmap()", VERIFIED(NR_munmap, at, NR_PAGES * PAGE), 0);
}

/* The window's first store then faults, and the first instruction of what leads to it. */
static void faults_in_window(uint64_t page_size)
{
	workload_expect("madvise()", VERIFIED(NR_madvise, SCRATCH_ADDRESS, PAGE, MADV_DONTNEED), 0);
	workload_expect("madvise()",
			VERIFIED(NR_madvise, (uintptr_t)registers_window & -page_size, page_size,
				 MADV_DONTNEED),
			0);
	registers_window();
}

int main_program(const struct environment *env)
{
	registers_begin(env);
	memory_begin();
	workload_begin(env);
	for (uint64_t round = 1;; round++) {
		new_memory(round);
		faults_in_window(env->page_size);
		memory_verify();
		workload_round();
	}
}
