/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs that wait for another one at low thread priority: how much time they leave to the CPU that
 * works. Power ISA 3.0B, Book II section 3.2.
 */
#include "payload.h"

#define PRIORITY "or_rn_rn_rn_sets_the_priority_in_ppr"
#define LEAVE	 "cpus_that_wait_at_low_priority_leave_nearly_all_time_to_the_one_that_works"
#define HINTS	 "each_hint_of_one_who_waits_ends_its_turn"
#define ALONE	 "a_cpu_that_waits_alone_goes_on_without_a_pause"

const char *const sentences[] = { PRIORITY, LEAVE, HINTS, ALONE, NULL };

#define BUSY_LOOPS 100000u

static volatile unsigned running, waiting, kind;
static volatile u64 loops[MAX_CPUS];

static inline void relax_low(void)
{
	__asm__ volatile("or 1,1,1; or 2,2,2" : : : "memory");
}

static void relax(unsigned which)
{
	switch (which) {
	case 0:
		relax_low();
		break;
	case 1:
		__asm__ volatile("or 31,31,31; or 2,2,2" : : : "memory");
		break;
	case 2:
		__asm__ volatile("or 6,6,6; or 2,2,2" : : : "memory");
		break;
	case 3:
		__asm__ volatile("or 27,27,27" : : : "memory");
		break;
	case 4:
		__asm__ volatile(".long 0x7c00003c" : : : "memory"); /* wait */
		break;
	}
}

static void wait_for_it(u64 cpu)
{
	for (;;) {
		while (!running)
			relax_low();
		__atomic_fetch_add(&waiting, 1, __ATOMIC_SEQ_CST);
		while (running) {
			relax(kind);
			loops[cpu]++;
		}
		__atomic_fetch_add(&waiting, -1, __ATOMIC_SEQ_CST);
	}
}

/* Returns how many rounds the others did, together, while this CPU did @BUSY_LOOPS. */
static u64 contest(unsigned which)
{
	u64 sum = 0;

	kind = which;
	running = 1;
	while (waiting != nr_cpus - 1)
		relax_low();
	for (unsigned i = 0; i < nr_cpus; i++)
		loops[i] = 0;
	for (volatile unsigned i = 0; i < BUSY_LOOPS; i++)
		;
	for (unsigned i = 0; i < nr_cpus; i++)
		sum += loops[i];
	running = 0;
	while (waiting)
		relax_low();
	return sum;
}

#define PPR	896
#define PPR_PRI 50
#define AFTER(insn)                                                           \
	({                                                                    \
		u64 v_;                                                       \
		__asm__ volatile(insn "; mfspr %0,896; or 2,2,2" : "=r"(v_)); \
		v_ >> PPR_PRI & 7;                                            \
	})

static void test_priority(void)
{
	check_equal(PRIORITY, AFTER("nop"), 4, "the priority at first");
	check_equal(PRIORITY, AFTER("or 31,31,31"), 1, "very low");
	check_equal(PRIORITY, AFTER("or 1,1,1"), 2, "low");
	check_equal(PRIORITY, AFTER("or 6,6,6"), 3, "medium low");
	check_equal(PRIORITY, AFTER("or 5,5,5"), 5, "medium high");
	check_equal(PRIORITY, AFTER("or 3,3,3"), 6, "high");
	check_equal(PRIORITY, AFTER("or 7,7,7"), 4, "very high, which is the hypervisor's");
	check_equal(PRIORITY, AFTER("or 4,4,4"), 4, "what is no priority");
}

static void test_alone(void)
{
	u64 before = mfspr(SPR_TB);

	for (unsigned i = 0; i < 1000; i++)
		__asm__ volatile("or 1,1,1; or 2,2,2; or 1,1,1; or 2,2,2" : : : "memory");
	/* Two instructions per tick. */
	check(ALONE, mfspr(SPR_TB) - before < 5000, "time passed without instructions");
}

void payload(void)
{
	interrupts_in_own_endian();
	test_priority();
	test_alone();
	on_secondary = wait_for_it;
	for (unsigned cpu = 1; cpu < nr_cpus; cpu++)
		start_cpu(cpu);
	for (unsigned which = 0; which < 5; which++) {
		u64 sum = contest(which);
		u64 percent = BUSY_LOOPS * 100ull / (sum ? sum : 1);

		print("# hint %u: %u busy loops against %lu of those who wait: %lu percent\n",
		      which, BUSY_LOOPS, sum, percent);
		check(which ? HINTS : LEAVE, percent > 1200, "they took too much");
	}
}
