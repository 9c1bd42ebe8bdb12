/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that configure XIVE's sources and queues, with good and bad parameters. LoPAR section
 * "Interrupt Exploitation hcall()s".
 */
#include "payload.h"
#include "xive.h"

#define XICS	"a_partition_with_xive_has_none_of_the_calls_of_xics"
#define REFUSED "each_call_refuses_each_bad_parameter_with_a_code_of_its_own"
#define PAGES	"a_sources_pages_reach_that_source_alone"
#define STATE	"an_access_sets_the_state_bits_and_a_load_returns_the_former_ones"
#define SOURCE	"a_source_has_the_configuration_it_was_given_and_keeps_its_number_without_flag"
#define QUEUE	"a_queue_has_the_configuration_it_was_given_until_it_is_taken_back"

const char *const sentences[] = { XICS, REFUSED, PAGES, STATE, SOURCE, QUEUE, NULL };

static u8 queue[1 << ORDER] __attribute__((aligned(1 << ORDER)));

static void test_refused(void)
{
	static const u64 xics[] = { H_EOI, H_CPPR, H_IPI, H_IPOLL, H_XIRR };
	static const struct {
		u64 call, r4, r5, r6, r7, r8;
		s64 want;
	} bad[] = {
		{ GET_SOURCE_INFO, 1, 0, 0, 0, 0, H_PARAMETER },
		{ GET_SOURCE_INFO, 0, CPUS, 0, 0, 0, H_P2 },
		{ SET_SOURCE_CONFIG, 4, 0, 0, 6, 0, H_PARAMETER },
		{ SET_SOURCE_CONFIG, 0, 0x1010, 0, 6, 0, H_P2 },
		{ SET_SOURCE_CONFIG, 0, 0, CPUS, 6, 0, H_P3 },
		{ SET_SOURCE_CONFIG, 0, 0, 0, PRIORITIES, 0, H_P4 },
		{ GET_SOURCE_CONFIG, 1, 0, 0, 0, 0, H_PARAMETER },
		{ GET_SOURCE_CONFIG, 0, ~0ull, 0, 0, 0, H_P2 },
		{ GET_QUEUE_INFO, 1, 0, 0, 0, 0, H_PARAMETER },
		{ GET_QUEUE_INFO, 0, CPUS, 0, 0, 0, H_P2 },
		{ GET_QUEUE_INFO, 0, 0, PRIORITIES, 0, 0, H_P3 },
		{ SET_QUEUE_CONFIG, 2, 0, 0, 0, ORDER, H_PARAMETER },
		{ SET_QUEUE_CONFIG, 0, 1ull << 32, 0, 0, ORDER, H_P2 },
		{ SET_QUEUE_CONFIG, 0, 0, ~0ull, 0, ORDER, H_P3 },
		{ SET_QUEUE_CONFIG, 0, 0, 0, 0x800, ORDER, H_P4 }, /* not aligned */
		{ SET_QUEUE_CONFIG, 0, 0, 0, 1ull << 50, ORDER, H_P4 }, /* not memory */
		{ SET_QUEUE_CONFIG, 0, 0, 0, 0, 13, H_P5 },
		{ GET_QUEUE_CONFIG, 2, 0, 0, 0, 0, H_PARAMETER },
		{ GET_QUEUE_CONFIG, 0, CPUS, 0, 0, 0, H_P2 },
		{ GET_QUEUE_CONFIG, 0, 0, PRIORITIES, 0, 0, H_P3 },
		{ INT_ESB, 2, 0, GET, 0, 0, H_PARAMETER },
		{ INT_ESB, 0, CPUS, GET, 0, 0, H_P2 },
		{ INT_ESB, 0, 0, 1 << 16, 0, 0, H_P3 },
		{ INT_ESB, 0, 0, GET + 4, 0, 0, H_P3 },
		{ INT_SYNC, 1, 0, 0, 0, 0, H_PARAMETER },
		{ INT_SYNC, 0, CPUS, 0, 0, 0, H_P2 },
		{ INT_RESET, 1, 0, 0, 0, 0, H_PARAMETER },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(xics); i++)
		check_equal(XICS, call(xics[i], 0, 0, 0, 0, 0), (u64)H_FUNCTION, "a call");
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		if (!check_equal(REFUSED,
				 call(bad[i].call, bad[i].r4, bad[i].r5, bad[i].r6, bad[i].r7,
				      bad[i].r8),
				 (u64)bad[i].want, "a call"))
			print("# call 0x%lx, number %u of the bad ones\n", bad[i].call, i);
}

static void test_pages(void)
{
	find_pages();
	for (unsigned i = 0; i < CPUS; i++) {
		check_equal(PAGES, call(GET_SOURCE_INFO, 0, i, 0, 0, 0), 0,
			    "H_INT_GET_SOURCE_INFO");
		check_equal(PAGES, out[1], 0, "flags");
		check_equal(PAGES, out[4], 16, "log2 of a page");
		check_equal(PAGES, load(manage[i] + GET), Q, "state bits at first: off");
	}
	for (unsigned i = 0; i < CPUS; i++)
		load(manage[i] + SET(i));
	for (unsigned i = 0; i < CPUS; i++) {
		check_equal(PAGES, call(INT_ESB, 0, i, GET, 0, 0), 0, "H_INT_ESB");
		check_equal(PAGES, out[1], i, "state bits by H_INT_ESB");
	}
	load(manage[0] + SET(0));
	store(manage[0] + END_BY_STORE);
	check_equal(PAGES, load(manage[0] + GET), 0, "state bits after what is not offered");
	store(trigger[0] + SET(3)); /* any offset triggers */
	for (unsigned i = 0; i < CPUS; i++)
		check_equal(PAGES, load(manage[i] + GET), i ? i : P, "state bits after a trigger");
}

static void test_state(void)
{
	const u64 page = manage[2];

	for (unsigned i = 0; i < 16; i++) {
		load(page + SET(i / 4));
		check_equal(STATE, load(page + SET(i % 4)), i / 4, "the former bits");
		check_equal(STATE, load(page + GET), i % 4, "the bits");
		check_equal(STATE, load(page + GET), i % 4, "the bits, looked at");
		store(page + SET(i / 4));
		check_equal(STATE, load(page + GET), i / 4, "the bits by a store");
	}
}

static void check_source(u64 server, u64 priority, u64 number)
{
	check_equal(SOURCE, call(GET_SOURCE_CONFIG, 0, 1, 0, 0, 0), 0, "H_INT_GET_SOURCE_CONFIG");
	check_equal(SOURCE, out[1], server, "server");
	check_equal(SOURCE, out[2], priority, "priority");
	check_equal(SOURCE, out[3], number, "number");
}

static void test_configuration(void)
{
	check_equal(SOURCE, call(SET_SOURCE_CONFIG, SET_NUMBER, 1, 3, 5, NUMBER + 1), 0,
		    "H_INT_SET_SOURCE_CONFIG");
	check_source(3, 5, NUMBER + 1);
	call(SET_SOURCE_CONFIG, 0, 1, 2, 6, 99);
	check_source(2, 6, NUMBER + 1);
	call(SET_SOURCE_CONFIG, MASK, 1, 2, 6, 0);
	check_source(2, MASKED, NUMBER + 1);

	check_equal(QUEUE, call(SET_QUEUE_CONFIG, ALWAYS_NOTIFY, 1, 6, (u64)queue, ORDER), 0,
		    "H_INT_SET_QUEUE_CONFIG");
	check_equal(QUEUE, call(GET_QUEUE_CONFIG, DEBUG, 1, 6, 0, 0), 0, "H_INT_GET_QUEUE_CONFIG");
	check_equal(QUEUE, out[1], ALWAYS_NOTIFY | GENERATION, "flags");
	check_equal(QUEUE, out[2], (u64)queue, "address");
	check_equal(QUEUE, out[3], ORDER, "log2 of bytes");
	check_equal(QUEUE, out[4], 0, "next entry");
	call(SET_QUEUE_CONFIG, 0, 1, 6, 0, 0);
	call(GET_QUEUE_CONFIG, 0, 1, 6, 0, 0);
	check_equal(QUEUE, out[1], 0, "flags of none");
	check_equal(QUEUE, out[3], 0, "log2 of the bytes of none");
}

void payload(void)
{
	test_refused();
	test_pages();
	test_state();
	test_configuration();
}
