/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTAS calls of an ill-behaved guest: invalid counts, addresses and tokens. LoPAR chapter "Run-Time
 * Abstraction Services", R1-7.2.7-2 and -3, table "RTAS Status Word Values". Half of the proof is
 * that the program survives.
 */
#include "payload.h"

#define TOKENS	  "a_token_of_no_function_gets_the_parameter_error"
#define COUNTS	  "a_call_with_other_counts_than_the_functions_gets_the_parameter_error"
#define HUGE_ARGS "counts_that_no_buffer_has_are_refused_without_writing_anything"
#define OUTSIDE	  "an_argument_buffer_outside_of_memory_or_misaligned_is_refused"
#define END	  "an_argument_buffer_that_ends_with_memory_works"
#define POINTERS  "addresses_in_arguments_that_lie_outside_of_memory_get_an_error"
#define OFFSETS	  "nvram_offsets_and_lengths_outside_get_the_parameter_error"
#define TRUNCATED "a_system_parameter_is_cut_to_the_buffer"
#define EVENTS	  "event_scan_and_check_exception_have_nothing_to_report"
#define RANDOM	  "twenty_thousand_random_calls_write_only_where_they_may"
#define ALIVE	  "rtas_works_as_before_after_all_that"
#define KEEPS	  "an_rtas_call_keeps_the_registers_that_lopar_says_it_keeps"

const char *const sentences[] = { TOKENS,    COUNTS, HUGE_ARGS, OUTSIDE, END,	POINTERS, OFFSETS,
				  TRUNCATED, EVENTS, RANDOM,	ALIVE,	 KEEPS, NULL };

#define CANARY 0x5ca1ab1eu

static u32 buffer[256] __attribute__((aligned(64)));
static u32 scratch[1024] __attribute__((aligned(64)));

/* Returns R3 after a call with this buffer. */
static u64 enter(u64 args)
{
	return enter_rtas((void *)args, rtas_entry);
}

static u64 raw(u32 token, u32 nr_args, u32 nr_rets)
{
	for (unsigned i = 0; i < ARRAY_SIZE(buffer); i++)
		buffer[i] = big32(CANARY);
	buffer[0] = big32(token);
	buffer[1] = big32(nr_args);
	buffer[2] = big32(nr_rets);
	return enter((u64)buffer);
}

static bool untouched(unsigned from)
{
	for (unsigned i = from; i < ARRAY_SIZE(buffer); i++)
		if (buffer[i] != big32(CANARY))
			return false;
	return true;
}

static void test_tokens(void)
{
	const u32 tokens[] = { 0, 1, 0x1fff, 0x2fff, 0x7fffffff, 0x80000000, 0xffffffff, 0xf000 };

	for (unsigned i = 0; i < ARRAY_SIZE(tokens); i++) {
		raw(tokens[i], 1, 1);
		check_equal(TOKENS, big32(buffer[4]), PARAMETER_ERROR, "status");
		check_equal(TOKENS, big32(buffer[3]), CANARY, "the argument");
		check(TOKENS, untouched(5), "more than the status was written");
	}
}

static void test_counts(void)
{
	const u32 token = rtas_token("ibm,nmi-register"), time = rtas_token("get-time-of-day");

	raw(token, 1, 1);
	check_equal(COUNTS, big32(buffer[4]), PARAMETER_ERROR, "status with one argument");
	raw(token, 3, 1);
	check_equal(COUNTS, big32(buffer[6]), PARAMETER_ERROR, "status with three arguments");
	raw(time, 0, 3);
	check_equal(COUNTS, big32(buffer[3]), PARAMETER_ERROR, "status with too few results");
	raw(time, 0, 8);
	check_equal(COUNTS, big32(buffer[3]), 0, "status with the right counts");
	check(COUNTS, untouched(11), "more than the results was written");
}

static void test_huge(void)
{
	const u32 counts[][2] = { { 0xffffffff, 1 }, { 0, 0xffffffff }, { 0x80000000, 0x80000000 },
				  { 17, 1 },	     { 0, 64 },		{ 0x40000000, 0x40000000 },
				  { 0xfffffffd, 3 }, { 0, 0 } };
	const u32 tokens[] = { rtas_token("get-time-of-day"), rtas_token("power-off"),
			       rtas_token("nvram-fetch"), 7 };

	for (unsigned t = 0; t < ARRAY_SIZE(tokens); t++)
		for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
			check(HUGE_ARGS, raw(tokens[t], counts[i][0], counts[i][1]) != 0,
			      "R3 says that all is well");
			check(HUGE_ARGS, untouched(3), "something was written");
		}
}

static void test_buffers(void)
{
	const u64 bad[] = { memory_size,
			    memory_size - 4,
			    memory_size - 8,
			    memory_size + 0x1000,
			    0xfffffffc,
			    0xfffffff0,
			    0x8000000000000000,
			    ~0ull,
			    ~0ull - 3,
			    ~0ull - 15,
			    (u64)buffer + 1,
			    (u64)buffer + 2,
			    (u64)buffer | 1ull << 60,
			    memory_size - 12 };
	u32 *last = (u32 *)(memory_size - 16);

	raw(rtas_token("get-time-of-day"), 0, 8);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		check(OUTSIDE, enter(bad[i]) != 0, "R3 says that all is well");
	/* A valid call except for its address. */
	raw(rtas_token("ibm,nmi-interlock"), 0, 1);
	buffer[3] = big32(CANARY);
	for (int i = 15; i >= 0; i--)
		((volatile u8 *)buffer)[i + 2] = ((u8 *)buffer)[i];
	check(OUTSIDE, enter((u64)buffer + 2) != 0,
	      "R3 says that all is well of a misaligned buffer");
	check_equal(OUTSIDE, read_be32((u8 *)buffer + 14), CANARY, "its status");
	/* The header is in memory, the cells are not. */
	last = (u32 *)(memory_size - 12);
	last[0] = big32(rtas_token("get-time-of-day"));
	last[1] = 0;
	last[2] = big32(8);
	check(OUTSIDE, enter((u64)last) != 0,
	      "R3 says that all is well of a buffer that ends outside");

	last = (u32 *)(memory_size - 16);
	last[0] = big32(rtas_token("ibm,nmi-interlock"));
	last[1] = 0;
	last[2] = big32(1);
	last[3] = big32(CANARY);
	check_equal(END, enter((u64)last), 0, "R3");
	check_equal(END, last[3], 0, "status");
}

static void test_pointers(void)
{
	const u32 outside[] = { (u32)memory_size, (u32)memory_size - 1, 0xffffffff, 0xfffffffc };
	u32 bytes;

	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
		const u32 fetch[3] = { 0, outside[i], 16 }, scan[4] = { ~0u, 0, outside[i], 2048 };
		const u32 check_it[6] = { 0x500, 0, ~0u, 0, outside[i], 2048 },
			  parameter[3] = { 20, outside[i], 64 };

		check_equal(POINTERS, (u32)rtas("nvram-fetch", 3, 1, fetch, &bytes),
			    PARAMETER_ERROR, "nvram-fetch");
		check_equal(POINTERS, (u32)rtas("nvram-store", 3, 1, fetch, &bytes),
			    PARAMETER_ERROR, "nvram-store");
		check_equal(POINTERS, (u32)rtas("event-scan", 4, 0, scan, NULL), PARAMETER_ERROR,
			    "event-scan");
		check_equal(POINTERS, (u32)rtas("check-exception", 6, 0, check_it, NULL),
			    PARAMETER_ERROR, "check-exception");
		check(POINTERS, rtas("ibm,get-system-parameter", 3, 0, parameter, NULL) < 0,
		      "ibm,get-system-parameter");
	}
	{
		const u32 fetches[][3] = { { 0xffffffff, (u32)(u64)scratch, 1 },
					   { fdt_u32("/nvram", "#bytes"), (u32)(u64)scratch, 1 },
					   { fdt_u32("/nvram", "#bytes") - 1, (u32)(u64)scratch,
					     2 },
					   { 0, (u32)(u64)scratch, 0xffffffff },
					   { 1, (u32)(u64)scratch, 0xffffffff },
					   { 0xfffffff0, (u32)(u64)scratch, 0x20 } };

		for (unsigned i = 0; i < ARRAY_SIZE(fetches); i++) {
			check_equal(OFFSETS, (u32)rtas("nvram-fetch", 3, 1, fetches[i], &bytes),
				    PARAMETER_ERROR, "nvram-fetch");
			check_equal(OFFSETS, (u32)rtas("nvram-store", 3, 1, fetches[i], &bytes),
				    PARAMETER_ERROR, "nvram-store");
		}
	}
	{
		const u32 short_one[3] = { 20, (u32)(u64)scratch, 10 },
			  no_room[3] = { 20, (u32)(u64)scratch, 1 };
		const u32 unknown[3] = { 0xfffe, (u32)(u64)scratch, 64 };

		memset(scratch, 0xee, sizeof(scratch));
		check_equal(TRUNCATED, (u32)rtas("ibm,get-system-parameter", 3, 0, short_one, NULL),
			    0, "status");
		check(TRUNCATED, read_be16(scratch) > 8, "the length is not that of the whole");
		check(TRUNCATED, !memcmp((u8 *)scratch + 2, "MinEntCa", 8),
		      "the text does not begin so");
		check_equal(TRUNCATED, ((u8 *)scratch)[10], 0xee, "the byte behind the buffer");
		check(TRUNCATED, rtas("ibm,get-system-parameter", 3, 0, no_room, NULL) < 0,
		      "a buffer of one byte");
		check_equal(TRUNCATED, (u32)rtas("ibm,get-system-parameter", 3, 0, unknown, NULL),
			    PARAMETER_ERROR, "status for a parameter that does not exist");
	}
	{
		const u32 scan[4] = { ~0u, 0, (u32)(u64)scratch, 2048 };
		const u32 check_it[6] = { 0x500, 0, ~0u, 0, (u32)(u64)scratch, 2048 };

		check_equal(EVENTS, (u32)rtas("event-scan", 4, 0, scan, NULL), 1, "event-scan");
		check_equal(EVENTS, (u32)rtas("check-exception", 6, 0, check_it, NULL), 1,
			    "check-exception");
	}
}

/* ---- random calls ---- */

static u64 state = 88172645463325252ull;

static u32 next(u32 limit)
{
	return (u32)(random_next(&state) >> 16) % limit;
}

static bool forbidden(u32 token)
{
	static const char *const ending[] = { "power-off", "system-reboot", "stop-self",
					      "ibm,os-term", "display-character" };

	for (unsigned i = 0; i < ARRAY_SIZE(ending); i++)
		if (token == rtas_token(ending[i]))
			return true;
	return false;
}

/*
 * Sums up the payload, which no call may write. Calls may write scratch, the buffer's cells, and
 * 256 bytes from any of the small numbers below.
 */
static u64 checksum(void)
{
	return sum_up(sum_up(0, 0x300, 0x1f00), 0x18000, 0x1b000);
}

static u32 random_argument(void)
{
	const u32 likely[] = { 0,
			       1,
			       16,
			       20,
			       55,
			       63,
			       255,
			       0x7fffffff,
			       0x80000000,
			       0xffffffff,
			       0xfffffff0,
			       (u32)memory_size,
			       (u32)memory_size - 1,
			       (u32)memory_size - 8,
			       0x2000000,
			       0x1fffffc,
			       (u32)(u64)scratch,
			       (u32)(u64)scratch + 1,
			       (u32)(u64)scratch + 4 };

	return likely[next(ARRAY_SIZE(likely))];
}

static void test_random(void)
{
	u64 before = checksum();
	u32 base = rtas_token("power-off") & ~0xfu;

	for (unsigned i = 0; i < 20000; i++) {
		u32 token = base - 4 + next(40);

		if (forbidden(token))
			continue;
		for (unsigned j = 0; j < 64; j++)
			buffer[j] = big32(random_argument());
		buffer[0] = big32(token);
		buffer[1] = big32(next(16) ? next(8) : random_argument());
		buffer[2] = big32(next(16) ? next(9) : random_argument());
		enter(next(32) ? (u64)buffer : random_argument());
	}
	check_equal(RANDOM, checksum(), before, "checksum of the payload");
}

static void test_keeps(void)
{
	u64 r2, r13, r2_after, r13_after, r1, r1_after;

	__asm__ volatile("mr %0,1; mr %1,2; mr %2,13" : "=r"(r1), "=r"(r2), "=r"(r13));
	/* enter_rtas() uses R1 after the call, and restores R14 to R31 itself. */
	raw(rtas_token("ibm,nmi-interlock"), 0, 1);
	__asm__ volatile("mr %0,1; mr %1,2; mr %2,13"
			 : "=r"(r1_after), "=r"(r2_after), "=r"(r13_after));
	check_equal(KEEPS, r1_after, r1, "R1");
	check_equal(KEEPS, r2_after, r2, "R2");
	check_equal(KEEPS, r13_after, r13, "R13");
	for (unsigned i = 0; i < 18; i++)
		check_equal(KEEPS, rtas_after[i], rtas_before[i], "one of R14 to R31");
}

void payload(void)
{
	u32 date[7];

	interrupts_in_own_endian();
	test_keeps();
	test_tokens();
	test_counts();
	test_huge();
	test_buffers();
	test_pointers();
	test_random();
	check_equal(ALIVE, (u32)nmi_interlock(), 0, "ibm,nmi-interlock");
	check_equal(ALIVE, (u32)nmi_register((u64)system_reset_routine, (u64)machine_check_routine),
		    0, "ibm,nmi-register");
	check_equal(ALIVE, (u32)rtas("get-time-of-day", 0, 7, NULL, date), 0, "get-time-of-day");
	check(ALIVE,
	      date[1] >= 1 && date[1] <= 12 && date[2] >= 1 && date[2] <= 31 && date[3] < 24 &&
		      date[4] < 60,
	      "there is no such date");
}
