/* SPDX-License-Identifier: BSD-2-Clause */
/* XIVE's hypervisor calls, and who has XIVE. */
#include "../fakes/partition.h"

#include <libfdt.h>

#include "pseries/private.h"

#define GET_SOURCE_INFO	  0x3a8
#define SET_SOURCE_CONFIG 0x3ac
#define GET_SOURCE_CONFIG 0x3b0
#define GET_QUEUE_INFO	  0x3b4
#define SET_QUEUE_CONFIG  0x3b8
#define GET_QUEUE_CONFIG  0x3bc
#define INT_ESB		  0x3c8
#define INT_SYNC	  0x3cc
#define INT_RESET	  0x3d0
#define H_XIRR		  0x074

#define QUEUE 0x200000ull

static char err[256];

static bool make(const char *cpu, enum papr_interrupts interrupts, const char *bootargs)
{
	struct papr_config config = fake_config();

	papr_destroy(fake.papr);
	fake.memory.nr_windows = 0;
	config.cpu = cpu_model_named(cpu);
	config.options.interrupts = interrupts;
	config.options.bootargs = bootargs;
	if (config.cpu->isa < 300)
		config.options.mmu = PAPR_MMU_HASH;
	fake.papr = papr_create(&config, err, sizeof(err));
	return fake.papr && papr_reset(fake.papr, err, sizeof(err)) == 0;
}

static int make_xive(void **state)
{
	fake_memory(FAKE_RAM);
	assert_true(make("power9", PAPR_INTERRUPTS_XIVE, ""));
	return 0;
}

/* With a fifth argument. */
static int64_t hcall5(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	fake.regs[0].gpr[8] = e;
	return hcall(0, number, a, b, c, d);
}

static void a_sources_pages_are_told(void **state)
{
	assert_int_equal(hcall(0, GET_SOURCE_INFO, 0, 3, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), 0);
	assert_int_equal(RESULT(0, 2), XIVE_SOURCE_BASE + 7 * XIVE_PAGE);
	assert_int_equal(RESULT(0, 3), XIVE_SOURCE_BASE + 6 * XIVE_PAGE);
	assert_int_equal(RESULT(0, 4), 16);
	assert_int_equal(hcall(0, GET_SOURCE_INFO, 1, 3, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, GET_SOURCE_INFO, 0, FAKE_CPUS, 0, 0), H_P2);
	assert_int_equal(hcall(0, GET_SOURCE_INFO, 0, VTY_INTERRUPT, 0, 0), H_SUCCESS);
}

static void a_source_is_configured_and_taken_back(void **state)
{
	assert_int_equal(hcall5(SET_SOURCE_CONFIG, 2, 1, 2, 6, 77), H_SUCCESS);
	assert_int_equal(hcall5(SET_SOURCE_CONFIG, 0, 1, 3, 5, 99), H_SUCCESS); /* keeps 77 */
	assert_int_equal(hcall(0, GET_SOURCE_CONFIG, 0, 1, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), 3);
	assert_int_equal(RESULT(0, 2), 5);
	assert_int_equal(RESULT(0, 3), 77);
	assert_int_equal(hcall5(SET_SOURCE_CONFIG, 1, 1, 3, 5, 0), H_SUCCESS);
	assert_int_equal(hcall(0, GET_SOURCE_CONFIG, 0, 1, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 2), 0xff);
	assert_int_equal(hcall5(SET_SOURCE_CONFIG, 0, 1, UINT64_MAX, 0xff, 0), H_SUCCESS);
	assert_int_equal(hcall(0, GET_SOURCE_CONFIG, 0, 1, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), 0);
	assert_int_equal(RESULT(0, 2), 0xff);
	assert_int_equal(RESULT(0, 3), 0);
}

static void a_bad_source_configuration_is_refused(void **state)
{
	assert_int_equal(hcall5(SET_SOURCE_CONFIG, 4, 1, 0, 6, 0), H_PARAMETER);
	assert_int_equal(hcall5(SET_SOURCE_CONFIG, 0, 0x1010, 0, 6, 0), H_P2);
	assert_int_equal(hcall5(SET_SOURCE_CONFIG, 0, 1, FAKE_CPUS, 6, 0), H_P3);
	assert_int_equal(hcall5(SET_SOURCE_CONFIG, 0, 1, 0, 7, 0), H_P4);
	assert_int_equal(hcall(0, GET_SOURCE_CONFIG, 1, 1, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, GET_SOURCE_CONFIG, 0, UINT64_MAX, 0, 0), H_P2);
}

static void a_queue_is_configured_and_taken_back(void **state)
{
	assert_int_equal(hcall5(SET_QUEUE_CONFIG, 1, 2, 6, QUEUE, 16), H_SUCCESS);
	assert_int_equal(hcall(0, GET_QUEUE_CONFIG, 1, 2, 6, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), 3);
	assert_int_equal(RESULT(0, 2), QUEUE);
	assert_int_equal(RESULT(0, 3), 16);
	assert_int_equal(RESULT(0, 4), 0);
	assert_int_equal(hcall5(SET_QUEUE_CONFIG, 0, 2, 6, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, GET_QUEUE_CONFIG, 0, 2, 6, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), 0);
	assert_int_equal(RESULT(0, 3), 0);
	assert_int_equal(hcall(0, GET_QUEUE_INFO, 0, 2, 6, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), XIVE_QUEUE_BASE + 20 * XIVE_PAGE);
	assert_int_equal(RESULT(0, 2), 16);
}

static void a_bad_queue_is_refused(void **state)
{
	assert_int_equal(hcall5(SET_QUEUE_CONFIG, 2, 2, 6, QUEUE, 16), H_PARAMETER);
	assert_int_equal(hcall5(SET_QUEUE_CONFIG, 0, FAKE_CPUS, 6, QUEUE, 16), H_P2);
	assert_int_equal(hcall5(SET_QUEUE_CONFIG, 0, 2, 7, QUEUE, 16), H_P3);
	assert_int_equal(hcall5(SET_QUEUE_CONFIG, 0, 2, 6, QUEUE + 0x1000, 16), H_P4);
	assert_int_equal(hcall5(SET_QUEUE_CONFIG, 0, 2, 6, FAKE_RAM, 16), H_P4);
	assert_int_equal(hcall5(SET_QUEUE_CONFIG, 0, 2, 6, -(1ull << 16), 16), H_P4);
	for (uint64_t order = 1; order < 70; order++)
		assert_int_equal(hcall5(SET_QUEUE_CONFIG, 0, 2, 6, 0, order),
				 order == 12 || order == 16 || order == 21 || order == 24 ?
					 H_SUCCESS :
					 H_P5);
	assert_int_equal(hcall(0, GET_QUEUE_CONFIG, 2, 2, 6, 0), H_PARAMETER);
	assert_int_equal(hcall(0, GET_QUEUE_INFO, 1, 2, 6, 0), H_PARAMETER);
	assert_int_equal(hcall(0, GET_QUEUE_INFO, 0, UINT64_MAX, 6, 0), H_P2);
	assert_int_equal(hcall(0, GET_QUEUE_INFO, 0, 2, UINT64_MAX, 0), H_P3);
}

static void calls_reach_the_management_page_too(void **state)
{
	assert_int_equal(hcall(0, INT_ESB, 0, 1, 0xc00, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), XIVE_OFF);
	assert_int_equal(hcall(0, INT_ESB, 1, 1, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), UINT64_MAX);
	assert_int_equal(hcall(0, INT_ESB, 0, 1, 0x800, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), XIVE_P);
	assert_int_equal(hcall(0, INT_ESB, 2, 1, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, INT_ESB, 0, 99, 0, 0), H_P2);
	assert_int_equal(hcall(0, INT_ESB, 0, 1, XIVE_PAGE, 0), H_P3);
	assert_int_equal(hcall(0, INT_SYNC, 0, 1, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, INT_SYNC, 1, 1, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, INT_SYNC, 0, 99, 0, 0), H_P2);
}

static void the_console_interrupts_and_a_reset_call_takes_it_all_back(void **state)
{
	const struct memory_window *os = memory_region(&fake.memory, XIVE_OS_BASE).window;

	assert_int_equal(hcall5(SET_QUEUE_CONFIG, 1, 2, 6, QUEUE, 12), H_SUCCESS);
	assert_int_equal(hcall5(SET_SOURCE_CONFIG, 2, VTY_INTERRUPT, 2, 6, 77), H_SUCCESS);
	assert_int_equal(hcall(0, INT_ESB, 0, VTY_INTERRUPT, 0xc00, 0), H_SUCCESS);
	os->write(os->opaque, 2, 0x11, 1, 0xff);
	papr_raise(fake.papr, VTY_INTERRUPT);
	assert_int_equal(get_be32(fake.memory.base + QUEUE), 0x80000000 | 77);
	assert_true(fake.external[2]);
	assert_int_equal(fake.wakes[2], 1);
	assert_int_equal(hcall(0, INT_RESET, 1, 0, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, INT_RESET, 0, 0, 0, 0), H_SUCCESS);
	assert_false(fake.external[2]);
	assert_int_equal(hcall(0, GET_QUEUE_CONFIG, 0, 2, 6, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 3), 0);
	assert_int_equal(hcall(0, INT_ESB, 0, VTY_INTERRUPT, 0x800, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), XIVE_OFF);
}

static uint8_t vector_5(void)
{
	size_t size;
	const void *fdt = papr_fdt(fake.papr, &size);
	int len;
	const uint8_t *vec =
		fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "ibm,architecture-vec-5", &len);

	assert_non_null(vec);
	return vec[23];
}

static void assert_controller(bool xive)
{
	size_t size;
	const void *fdt = papr_fdt(fake.papr, &size);
	const int rtas = fdt_path_offset(fdt, "/rtas");

	assert_int_equal(vector_5(), xive ? 0x40 : 0);
	assert_int_equal(fdt_node_offset_by_compatible(fdt, -1, "ibm,power-ivpe") >= 0, xive);
	assert_int_equal(fdt_node_offset_by_compatible(fdt, -1, "IBM,ppc-xicp") >= 0, !xive);
	assert_int_equal(!fdt_getprop(fdt, rtas, "ibm,set-xive", NULL), xive);
	assert_int_equal(!!fdt_getprop(fdt, 0, "ibm,plat-res-int-priorities", NULL), xive);
	assert_int_equal(hcall(0, INT_RESET, 0, 0, 0, 0), xive ? H_SUCCESS : H_FUNCTION);
	assert_int_equal(hcall(0, H_XIRR, 0, 0, 0, 0), xive ? H_FUNCTION : H_SUCCESS);
}

static void a_partition_has_the_controller_that_was_asked_for(void **state)
{
	assert_controller(true);
	assert_true(make("power9", PAPR_INTERRUPTS_XICS, ""));
	assert_controller(false);
	assert_true(make("power10", PAPR_INTERRUPTS_DUAL, "console=hvc0 noxive=off xive=offset"));
	assert_controller(true);
	assert_true(make("power9", PAPR_INTERRUPTS_DUAL, "console=hvc0 xive=off quiet"));
	assert_controller(false);
	assert_true(make("power8", PAPR_INTERRUPTS_DUAL, ""));
	assert_controller(false);
}

static void xive_is_refused_where_it_cannot_be(void **state)
{
	assert_false(make("power8", PAPR_INTERRUPTS_XIVE, ""));
	assert_string_equal(err, "cannot have XIVE: this processor has none");
	fake.capabilities = ~(unsigned)ENGINE_CAP_WINDOWS;
	assert_false(make("power9", PAPR_INTERRUPTS_XIVE, ""));
	assert_string_equal(err, "cannot have XIVE: this engine has no device memory");
	assert_true(make("power9", PAPR_INTERRUPTS_DUAL, ""));
	assert_controller(false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_xive, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sources_pages_are_told),
		TEST(a_source_is_configured_and_taken_back),
		TEST(a_bad_source_configuration_is_refused),
		TEST(a_queue_is_configured_and_taken_back),
		TEST(a_bad_queue_is_refused),
		TEST(calls_reach_the_management_page_too),
		TEST(the_console_interrupts_and_a_reset_call_takes_it_all_back),
		TEST(a_partition_has_the_controller_that_was_asked_for),
		TEST(xive_is_refused_where_it_cannot_be),
	};

	return cmocka_run_group_tests_name("pseries-xive", tests, NULL, NULL);
}
