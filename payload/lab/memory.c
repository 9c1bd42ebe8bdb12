// SPDX-License-Identifier: BSD-2-Clause
/*
 * A pattern in memory; see memory.h. The pages are 64 KiB apart, so that there are as many whatever
 * the size of Linux's pages.
 */
#include "memory.h"
#include "registers.h"

#define PAGE_DISTANCE 0x10000
#define NR_PAGES      4
#define PAGE_WORDS    256 /* doublewords with a pattern in each page: from its beginning */
#define STEP	      0x9e3779b97f4a7c15
#define MAX_REPORTS   4

static uint64_t *page(unsigned number)
{
	return (uint64_t *)(uintptr_t)(PATTERN_ADDRESS + number * PAGE_DISTANCE);
}

void pattern_fill(uint64_t *at, unsigned count, uint64_t seed)
{
	while (count--)
		*at++ = seed += STEP;
}

bool pattern_holds(const uint64_t *at, unsigned count, uint64_t seed)
{
	uint64_t differs = 0;

	for (; count >= 4; count -= 4, at += 4, seed += 4 * STEP)
		differs |= (at[0] ^ (seed + STEP)) | (at[1] ^ (seed + 2 * STEP)) |
			   (at[2] ^ (seed + 3 * STEP)) | (at[3] ^ (seed + 4 * STEP));
	return !differs;
}

void pattern_verify(uint64_t *at, unsigned count, uint64_t seed)
{
	uint64_t expected = seed;
	unsigned reports = 0;
	struct line line;

	if (pattern_holds(at, count, seed))
		return;
	for (unsigned i = 0; i < count && reports < MAX_REPORTS; i++) {
		uint64_t is = at[i];

		expected += STEP;
		if (is == expected)
			continue;
		reports++;
		workload_corrupt(&line);
		put_text(&line, "memory at ");
		put_hex(&line, (uint64_t)(uintptr_t)&at[i]);
		put_text(&line, " is ");
		put_hex(&line, is);
		put_text(&line, " not ");
		put_hex(&line, expected);
		note_end(&line);
	}
	pattern_fill(at, count, seed);
}

void memory_begin(void)
{
	long result = CALL(NR_mmap, PATTERN_ADDRESS, NR_PAGES * PAGE_DISTANCE,
			   PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (result != PATTERN_ADDRESS)
		workload_failed("mmap of the pattern", result);
	for (unsigned i = 0; i < NR_PAGES; i++)
		pattern_fill(page(i), PAGE_WORDS, i);
}

void memory_verify(void)
{
	for (unsigned i = 0; i < NR_PAGES; i++)
		pattern_verify(page(i), PAGE_WORDS, i);
}
