/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt controllers alone: what is presented to which CPU, and when. */
#include "devices/xics.h"

#include "unit.h"

#define CPPR_ALL 0xff
#define A	 (XICS_SOURCE_BASE + 1)
#define B	 (XICS_SOURCE_BASE + 2)

static struct xics xics;
static bool line[4];

static void set_external(void *opaque, unsigned server, bool level)
{
	line[server] = level;
}

static void reset(void)
{
	xics.device.type->reset(&xics.device);
}

static int setup(void **state)
{
	memset(line, 1, sizeof(line));
	xics_init(&xics, 4, set_external, NULL);
	reset();
	for (unsigned i = 0; i < 4; i++)
		xics_set_cppr(&xics, i, CPPR_ALL);
	return 0;
}

static void route(uint32_t interrupt, uint8_t server, uint8_t priority)
{
	xics_route(&xics, xics_source(&xics, interrupt), server, priority);
}

static void nothing_is_presented_after_a_reset(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		assert_false(line[i]);
		assert_int_equal(xics_accept(&xics, i), 0xff000000);
	}
}

static void a_server_out_of_reset_accepts_nothing_before_it_opens_cppr(void **state)
{
	reset();
	route(A, 1, 5);
	xics_raise(&xics, A);
	assert_false(line[1]);
	xics_set_cppr(&xics, 1, CPPR_ALL);
	assert_true(line[1]);
}

static void a_raised_source_is_presented_to_its_server_only(void **state)
{
	route(A, 2, 5);
	xics_raise(&xics, A);
	assert_true(line[2]);
	assert_false(line[0] || line[1] || line[3]);
	assert_int_equal(xics_accept(&xics, 2), 0xff000000 | A);
	assert_false(line[2]);
	assert_int_equal(xics.state.server[2].cppr, 5);
}

static void the_most_favoured_interrupt_is_presented_first(void **state)
{
	route(A, 0, 6);
	route(B, 0, 3);
	xics_raise(&xics, A);
	xics_raise(&xics, B);
	xics_set_mfrr(&xics, 0, 4);
	assert_int_equal(xics_accept(&xics, 0), 0xff000000 | B);
	assert_false(line[0]);
	xics_eoi(&xics, 0, 0xff000000 | B);
	assert_true(line[0]);
	assert_int_equal(xics_accept(&xics, 0), 0xff000000 | XICS_IPI);
	xics_set_mfrr(&xics, 0, XICS_MASKED);
	xics_eoi(&xics, 0, 0xff000000 | XICS_IPI);
	assert_int_equal(xics_accept(&xics, 0), 0xff000000 | A);
}

static void a_more_favoured_interrupt_nests(void **state)
{
	route(A, 0, 6);
	route(B, 0, 3);
	xics_raise(&xics, A);
	assert_int_equal(xics_accept(&xics, 0), 0xff000000 | A);
	xics_raise(&xics, B);
	assert_true(line[0]);
	assert_int_equal(xics_accept(&xics, 0), 0x06000000 | B);
	xics_eoi(&xics, 0, 0x06000000 | B);
	assert_false(line[0]);
	xics_eoi(&xics, 0, 0xff000000 | A);
	assert_false(line[0]);
}

static void equal_priority_is_not_more_favoured(void **state)
{
	route(A, 0, 5);
	xics_set_cppr(&xics, 0, 5);
	xics_raise(&xics, A);
	xics_set_mfrr(&xics, 0, 5);
	assert_false(line[0]);
	xics_set_cppr(&xics, 0, 6);
	assert_true(line[0]);
}

static void an_edge_while_in_service_is_presented_after_eoi(void **state)
{
	route(A, 0, 5);
	xics_raise(&xics, A);
	assert_int_equal(xics_accept(&xics, 0), 0xff000000 | A);
	xics_raise(&xics, A);
	xics_set_cppr(&xics, 0, CPPR_ALL);
	assert_false(line[0]);
	xics_eoi(&xics, 0, 0xff000000 | A);
	assert_true(line[0]);
	assert_int_equal(xics_accept(&xics, 0), 0xff000000 | A);
	xics_eoi(&xics, 0, 0xff000000 | A);
	assert_false(line[0]);
}

static void an_edge_while_masked_is_kept(void **state)
{
	route(A, 0, 5);
	xics_mask(&xics, xics_source(&xics, A));
	xics_raise(&xics, A);
	assert_false(line[0]);
	xics_unmask(&xics, xics_source(&xics, A));
	assert_true(line[0]);
}

static void masking_twice_keeps_the_priority(void **state)
{
	route(A, 0, 5);
	xics_mask(&xics, xics_source(&xics, A));
	xics_mask(&xics, xics_source(&xics, A));
	xics_unmask(&xics, xics_source(&xics, A));
	assert_int_equal(xics_source(&xics, A)->priority, 5);
}

static void a_pending_source_follows_its_route(void **state)
{
	route(A, 0, 5);
	xics_raise(&xics, A);
	route(A, 3, 5);
	assert_false(line[0]);
	assert_true(line[3]);
}

static void eoi_reaches_a_source_that_was_routed_away_meanwhile(void **state)
{
	route(A, 0, 5);
	xics_raise(&xics, A);
	xics_accept(&xics, 0);
	route(A, 3, 5);
	xics_raise(&xics, A);
	assert_false(line[3]);
	xics_eoi(&xics, 0, 0xff000000 | A);
	assert_false(line[0]);
	assert_true(line[3]);
}

static void an_ipi_stays_until_mfrr_is_withdrawn(void **state)
{
	xics_set_mfrr(&xics, 1, 4);
	assert_int_equal(xics_accept(&xics, 1), 0xff000000 | XICS_IPI);
	xics_eoi(&xics, 1, 0xff000000 | XICS_IPI);
	assert_true(line[1]);
	xics_set_mfrr(&xics, 1, XICS_MASKED);
	assert_false(line[1]);
}

static void poll_accepts_nothing(void **state)
{
	route(A, 0, 5);
	xics_raise(&xics, A);
	assert_int_equal(xics_poll(&xics, 0), 0xff000000 | A);
	assert_int_equal(xics_poll(&xics, 0), 0xff000000 | A);
	assert_true(line[0]);
}

static void eoi_of_an_interrupt_that_does_not_exist_only_sets_cppr(void **state)
{
	xics_eoi(&xics, 0, 0x07ffffff);
	assert_int_equal(xics.state.server[0].cppr, 7);
	xics_eoi(&xics, 0, 0x08000000 | (XICS_SOURCE_BASE + XICS_NR_SOURCES));
	assert_int_equal(xics.state.server[0].cppr, 8);
}

static void only_existing_sources_are_found(void **state)
{
	assert_null(xics_source(&xics, XICS_SOURCE_BASE - 1));
	assert_null(xics_source(&xics, XICS_SOURCE_BASE + XICS_NR_SOURCES));
	assert_null(xics_source(&xics, XICS_IPI));
	assert_null(xics_source(&xics, UINT32_MAX));
	assert_non_null(xics_source(&xics, XICS_SOURCE_BASE + XICS_NR_SOURCES - 1));
	xics_raise(&xics, UINT32_MAX); /* goes nowhere */
	for (unsigned i = 0; i < 4; i++)
		assert_false(line[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_presented_after_a_reset, setup),
		cmocka_unit_test_setup(a_server_out_of_reset_accepts_nothing_before_it_opens_cppr,
				       setup),
		cmocka_unit_test_setup(a_raised_source_is_presented_to_its_server_only, setup),
		cmocka_unit_test_setup(the_most_favoured_interrupt_is_presented_first, setup),
		cmocka_unit_test_setup(a_more_favoured_interrupt_nests, setup),
		cmocka_unit_test_setup(equal_priority_is_not_more_favoured, setup),
		cmocka_unit_test_setup(an_edge_while_in_service_is_presented_after_eoi, setup),
		cmocka_unit_test_setup(an_edge_while_masked_is_kept, setup),
		cmocka_unit_test_setup(masking_twice_keeps_the_priority, setup),
		cmocka_unit_test_setup(a_pending_source_follows_its_route, setup),
		cmocka_unit_test_setup(eoi_reaches_a_source_that_was_routed_away_meanwhile, setup),
		cmocka_unit_test_setup(an_ipi_stays_until_mfrr_is_withdrawn, setup),
		cmocka_unit_test_setup(poll_accepts_nothing, setup),
		cmocka_unit_test_setup(eoi_of_an_interrupt_that_does_not_exist_only_sets_cppr,
				       setup),
		cmocka_unit_test_setup(only_existing_sources_are_found, setup),
	};

	return cmocka_run_group_tests_name("xics", tests, NULL, NULL);
}
