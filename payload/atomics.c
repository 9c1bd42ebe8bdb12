/* SPDX-License-Identifier: BSD-2-Clause */
/* Reservations, alone and between two CPUs. Power ISA 3.0B, Book II section 1.7.4 and 4.6.2. */
#include "payload.h"

#define ALONE	  "a_store_conditional_succeeds_once_for_a_reservation"
#define NONE	  "a_store_conditional_without_a_reservation_stores_nothing"
#define ELSEWHERE "a_store_conditional_to_another_place_stores_nothing_and_ends_the_reservation"
#define STALE	  "a_store_of_another_cpu_ends_the_reservation"
#define COUNTER	  "two_cpus_that_add_to_one_counter_lose_nothing"
#define SIZES	  "reservations_of_every_size_work"
#define FETCH_OP  "atomic_memory_operations_of_two_cpus_lose_nothing"

const char *const sentences[] = { ALONE, NONE, ELSEWHERE, STALE, SIZES, COUNTER, FETCH_OP, NULL };

#define TURNS 50000

static volatile u64 cells[64] __attribute__((aligned(128)));
static volatile u64 counter, sums;
static volatile u32 counter32;
static volatile unsigned order, answer, done;

#define ADD(name, type, load, store, zero)                                                       \
	static void name(volatile type *p)                                                       \
	{                                                                                        \
		u64 v;                                                                           \
		__asm__ volatile("1: " load " %0,0,%1; addi %0,%0,1; " store " %0,0,%1; bne- 1b" \
				 : "=&r"(v)                                                      \
				 : "r"(p)                                                        \
				 : "cr0", "memory");                                             \
	}

ADD(add_byte, u8, "lbarx", "stbcx.", 0)
ADD(add_half, u16, "lharx", "sthcx.", 0)
ADD(add_word, u32, "lwarx", "stwcx.", 0)
ADD(add_double, u64, "ldarx", "stdcx.", 0)

static u64 load_reserve(volatile u64 *p)
{
	u64 v;

	__asm__ volatile("ldarx %0,0,%1" : "=r"(v) : "r"(p) : "memory");
	return v;
}

static bool store_conditional(volatile u64 *p, u64 v)
{
	u64 cr;

	__asm__ volatile("stdcx. %1,0,%2; mfcr %0" : "=r"(cr) : "r"(v), "r"(p) : "cr0", "memory");
	return cr >> 29 & 1;
}

static void test_alone(void)
{
	cells[0] = 5;
	check_equal(ALONE, load_reserve(&cells[0]), 5, "value");
	check(ALONE, store_conditional(&cells[0], 6), "it failed");
	check_equal(ALONE, cells[0], 6, "memory");
	check(ALONE, !store_conditional(&cells[0], 7), "it succeeded twice");
	check_equal(ALONE, cells[0], 6, "memory after the second");

	check(NONE, !store_conditional(&cells[1], 9), "it succeeded");
	check_equal(NONE, cells[1], 0, "memory");

	load_reserve(&cells[0]);
	check(ELSEWHERE, !store_conditional(&cells[32], 9), "it succeeded");
	check(ELSEWHERE, !store_conditional(&cells[0], 9), "it succeeded at the place reserved");
	check_equal(ELSEWHERE, cells[0] + cells[32], 6, "memory");

	cells[2] = 0;
	for (unsigned i = 0; i < 8; i++)
		add_byte((volatile u8 *)&cells[2] + i);
	check_equal(SIZES, cells[2], 0x0101010101010101, "bytes");
	for (unsigned i = 0; i < 4; i++)
		add_half((volatile u16 *)&cells[2] + i);
	check_equal(SIZES, cells[2], MSR_LE ? 0x0102010201020102 : 0x0102010201020102, "halfwords");
	for (unsigned i = 0; i < 2; i++)
		add_word((volatile u32 *)&cells[2] + i);
	check_equal(SIZES, cells[2], 0x0102010301020103, "words");
	add_double(&cells[2]);
	check_equal(SIZES, cells[2], 0x0102010301020104, "doubleword");
	{
		register u64 high __asm__("r8"), low __asm__("r9");
		u64 cr;

		/*
		 * A quadword is one number in a register pair. The even register has its high half,
		 * in either byte order.
		 */
		__asm__ volatile("lqarx 8,0,%3; addi 9,9,1; addi 8,8,2; stqcx. 8,0,%3; mfcr %2"
				 : "=&r"(high), "=&r"(low), "=&r"(cr)
				 : "r"(&cells[4])
				 : "cr0", "memory");
		check(SIZES, cr >> 29 & 1, "a quadword failed");
		check_equal(SIZES, cells[4], MSR_LE ? 1 : 2, "first doubleword of a quadword");
		check_equal(SIZES, cells[5], MSR_LE ? 2 : 1, "second doubleword of a quadword");
	}
}

static void fetch_and_add(volatile u64 *p)
{
	u64 ra = (u64)p;

	/* ldat RT,RA,0: RT = old, adds RT + 1 */
	__asm__ volatile("li 9,1; ldat 8,%0,0" : : "b"(ra) : "r8", "r9", "memory");
}

static void count(void)
{
	for (unsigned i = 0; i < TURNS; i++) {
		add_double(&counter);
		add_word(&counter32);
		fetch_and_add(&sums);
	}
}

static void other_cpu(u64 cpu)
{
	(void)cpu;
	for (;;) {
		while (answer == order)
			;
		if (order == 1000) {
			count();
			done = 1;
		} else {
			cells[8] = 0x1000 + order;
		}
		barrier();
		answer = order;
	}
}

static void test_stale(void)
{
	for (unsigned i = 1; i <= 50; i++) {
		bool stored;

		cells[8] = i;
		check_equal(STALE, load_reserve(&cells[8]), i, "value");
		order = i;
		while (answer != order)
			;
		stored = store_conditional(&cells[8], 0xbad);
		check(STALE, !stored, "the store conditional succeeded");
		check_equal(STALE, cells[8], 0x1000 + i, "memory");
	}
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = NULL;
	test_alone();
	on_secondary = other_cpu;
	start_cpu(1);
	test_stale();
	order = 1000;
	count();
	while (!done)
		;
	check_equal(COUNTER, counter, 2 * TURNS, "the doubleword");
	check_equal(COUNTER, counter32, 2 * TURNS, "the word");
	check_equal(FETCH_OP, sums, 2 * TURNS, "the sum");
}
