/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table that one CPU changes while others translate by it. LoPAR sections "H_REMOVE" and
 * "H_PROTECT": when the call returns, no processor uses the entry as it was. Power ISA 3.0B, Book
 * III, section 5.7.12: C is set by the time of the store.
 */
#include "payload.h"

#define CHANGED "a_store_by_another_cpu_has_set_c_when_the_entry_is_removed"
#define KEPT	"c_survives_h_protect_while_other_cpus_store"
#define REMOVED "no_cpu_stores_by_an_entry_that_was_removed"
#define GUARDED "no_cpu_stores_by_an_entry_that_has_become_read_only"

const char *const sentences[] = { CHANGED, KEPT, REMOVED, GUARDED, NULL };

#define ROUNDS 200
#define PLACE  0x10000000ull /* a segment of its own */
#define CELL   128

static volatile u8 *page;
static volatile bool over;
static volatile bool faulted[MAX_CPUS], gone[MAX_CPUS];

/* Data is translated here alone. */
static void translated_store(u64 ea, u64 value)
{
	__asm__ volatile("mtmsr %0; isync; std %1,0(%2); mtmsr %3; isync"
			 :
			 : "r"(MSR_BARE | MSR_RI | MSR_DR), "r"(value), "b"(ea), "r"(MSR_BARE)
			 : "memory");
}

static void skip_store(struct frame *frame)
{
	if (frame->vector != 0x300)
		bail_out("an interrupt that is no data storage interrupt");
	faulted[this_cpu()] = true;
	frame->srr0 += 4;
}

static void use_table(void)
{
	__asm__ volatile("slbia" : : : "memory");
	hash_segment(0, 0, true);
	hash_segment(1, PLACE, false);
}

static void other_cpu(u64 cpu)
{
	use_table();
	for (u64 value = 1; !over; value++)
		translated_store(PLACE + cpu * CELL, value);
	gone[cpu] = true;
}

/* Of all stores. */
static u64 sum(void)
{
	u64 stored = 0;

	for (unsigned cpu = 1; cpu < nr_cpus; cpu++)
		stored += *(volatile u64 *)(page + cpu * CELL);
	return stored;
}

static void wait_for(unsigned turns)
{
	for (volatile unsigned i = 0; i < turns; i++)
		;
}

/* Every so often, have at least one store pass; or else as many as there are in a short while. */
static void let_them_store(unsigned round, u64 before)
{
	if (round % 8 == 0)
		while (sum() == before)
			;
	wait_for(round * 37 % 100);
}

static void expect_no_store(const char *sentence)
{
	const u64 before = sum();

	wait_for(100);
	check_equal(sentence, sum(), before, "the sum of what was stored");
}

static void test_round(unsigned round)
{
	const u64 before = sum();
	u64 second;

	hash_map(PLACE, (u64)page, HPTE_USER);
	let_them_store(round, before);
	if (round % 3 == 0) {
		hash_protect(PLACE, HPTE_READ_ONLY);
		expect_no_store(GUARDED);
	}
	second = hash_unmap(PLACE);
	expect_no_store(REMOVED);
	if (sum() != before)
		check_equal(round % 3 == 0 ? KEPT : CHANGED, second & HPTE_C, HPTE_C, "C");
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = skip_store;
	page = radix_page();
	if (!hash_start())
		bail_out("the device tree offers no hash table");
	use_table();
	on_secondary = other_cpu;
	for (unsigned cpu = 1; cpu < nr_cpus; cpu++)
		start_cpu(cpu);
	for (unsigned round = 0; round < ROUNDS; round++)
		test_round(round);
	over = true;
	for (unsigned cpu = 1; cpu < nr_cpus; cpu++) {
		while (!gone[cpu])
			;
		check(REMOVED, faulted[cpu], "a CPU has met no entry that was removed");
	}
}
