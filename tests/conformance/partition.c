/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LoPAR's FWNMI requirements on the device tree and argument buffers, on our partition. library.c
 * proves the others.
 */
#include <libfdt.h>

#include "../fakes/partition.h"

/* Looks up a call's token as an OS does; 0 if the tree does not have it. */
static uint32_t token(const char *name)
{
	size_t size;
	const void *fdt = papr_fdt(fake.papr, &size);
	int node = fdt_path_offset(fdt, "/rtas"), len;
	const fdt32_t *value;

	assert_true(node >= 0);
	value = fdt_getprop(fdt, node, name, &len);
	if (!value)
		return 0;
	assert_int_equal(len, 4);
	return fdt32_to_cpu(*value);
}

static int32_t call(const char *name, unsigned nr_args, uint32_t first, uint32_t second)
{
	const uint32_t args[] = { first, second };

	assert_int_not_equal(token(name), 0);
	return rtas_call(0, token(name), nr_args, args, 1, NULL);
}

static void r2_the_rtas_node_names_ibm_nmi_register(void **state)
{
	assert_int_not_equal(token("ibm,nmi-register"), 0);
	assert_int_not_equal(token("ibm,nmi-interlock"), 0);
}

static void r3_the_rtas_node_names_ibm_nmi_register_2(void **state)
{
	assert_int_not_equal(token("ibm,nmi-register-2"), 0);
	assert_int_not_equal(token("ibm,nmi-register-2"), token("ibm,nmi-register"));
}

static void r3_registration_by_it_puts_the_error_area_into_real_page_7(void **state)
{
	assert_int_equal(call("ibm,nmi-register-2", 2, 0x1920, 0x1990), 0);
	assert_int_equal(fake_machine_check(1, &fake_slb_multihit), PAPR_ROUTINE);
	assert_int_equal(fake.regs[1].nip, 0x1990);
	assert_int_equal(fake.regs[1].gpr[3], 0x7000);
	assert_int_equal(fake.memory.base[0x7008], 6);
	assert_int_equal(fake_system_reset(2), PAPR_ROUTINE);
	assert_in_range(fake.regs[2].gpr[3], 0x7000, 0x7ff0);
}

static void r3_registration_by_the_other_call_puts_it_into_the_rtas_area(void **state)
{
	assert_int_equal(call("ibm,nmi-register-2", 2, 0x1920, 0x1990), 0);
	assert_int_equal(call("ibm,nmi-register", 2, 0x1920, 0x1990), 0);
	memset(fake.memory.base + 0x7000, 0x77, 0x1000);
	assert_int_equal(fake_machine_check(1, &fake_slb_multihit), PAPR_ROUTINE);
	assert_int_equal(fake_system_reset(2), PAPR_ROUTINE);
	for (unsigned cpu = 1; cpu <= 2; cpu++)
		assert_false(fake.regs[cpu].gpr[3] >> 12 == 7);
	for (size_t i = 0x7000; i < 0x8000; i++)
		assert_int_equal(fake.memory.base[i], 0x77);
}

static void r4_registration_by_rtas_answers_0_or_minus_3(void **state)
{
	static const char *const calls[] = { "ibm,nmi-register", "ibm,nmi-register-2" };

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		assert_int_equal(call(calls[i], 2, 0x1920, 0x1990), 0);
		assert_int_equal(call(calls[i], 2, 0x2000000, 0x1990), -3);
		assert_int_equal(call(calls[i], 2, 0x1920, 0xfffffffc), -3);
	}
}

static void r16_event_scan_by_rtas_tells_of_an_unsafe_processor_once(void **state)
{
	static const uint32_t args[] = { 0x80000000, 0, BUFFER, 2048 };
	struct fwnmi_machine_check mc = fake_slb_multihit;
	const uint8_t *buffer = fake.memory.base + BUFFER;
	struct fwnmi_errlog log;

	mc.unsafe_processor = true;
	for (unsigned again = 0; again < 2; again++) {
		const uint32_t start[] = { 2, 0x1000, 0 };
		uint32_t stopped = 99;

		/* A CPU can be started before that, but never after. */
		assert_int_equal(rtas_call(0, token("start-cpu"), 3, start, 1, NULL),
				 again ? -1 : 0);
		assert_int_equal(fake_machine_check(2, &mc), PAPR_UNSAFE);
		assert_int_equal(
			rtas_call(0, token("query-cpu-stopped-state"), 1, start, 2, &stopped), 0);
		assert_int_equal(stopped, 0);
	}
	assert_int_equal(rtas_call(0, token("event-scan"), 4, args, 1, NULL), 0);
	assert_true(fwnmi_errlog_decode(&log, buffer, 2048) > 0);
	assert_int_equal(log.severity, FWNMI_SEVERITY_FATAL);
	assert_int_equal(log.mc.processor_id, 2);
	assert_int_equal(rtas_call(0, token("event-scan"), 4, args, 1, NULL), 1);
}

static void r17_interlock_by_rtas_answers_0(void **state)
{
	struct papr_fwnmi_state fwnmi;

	assert_int_equal(call("ibm,nmi-register", 2, 0x1920, 0x1990), 0);
	assert_int_equal(fake_machine_check(0, &fake_slb_multihit), PAPR_ROUTINE);
	assert_int_equal(call("ibm,nmi-interlock", 0, 0, 0), 0);
	papr_fwnmi_state(fake.papr, &fwnmi);
	assert_false(fwnmi.interlock_held);
}

static void r17_without_an_event_interlock_by_rtas_answers_0_or_strictly_minus_1(void **state)
{
	struct papr_config config = fake_config();
	char err[256];

	assert_int_equal(call("ibm,nmi-interlock", 0, 0, 0), 0);
	papr_destroy(fake.papr);
	config.options.fwnmi_strict = true;
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_non_null(fake.papr);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	assert_int_equal(call("ibm,nmi-interlock", 0, 0, 0), -1);
}

/* Every RTAS call that a guest can make meanwhile works, and none of them is the interlock. */
static void r19_no_other_rtas_call_releases_the_buffer(void **state)
{
	static const uint32_t scan[] = { 0xffffffff, 0, BUFFER, 2048 };
	static const uint32_t check[] = { 0x200, 0, 0xffffffff, 0, BUFFER, 2048 };
	static const uint32_t routines[] = { 0x1920, 0x1990 };
	struct papr_fwnmi_state fwnmi;
	uint32_t stopped;

	assert_int_equal(call("ibm,nmi-register", 2, 0x1920, 0x1990), 0);
	for (uint32_t cpu = 1; cpu <= 2; cpu++) {
		const uint32_t start[] = { cpu, 0x1000, 0 };

		assert_int_equal(rtas_call(0, token("start-cpu"), 3, start, 1, NULL), 0);
	}
	assert_int_equal(fake_machine_check(0, &fake_slb_multihit), PAPR_ROUTINE);
	assert_int_equal(fake_machine_check(1, &fake_slb_multihit), PAPR_WAITING);
	for (uint32_t cpu = 0; cpu <= 2; cpu += 2) {
		assert_int_equal(rtas_call(cpu, token("event-scan"), 4, scan, 1, NULL), 1);
		assert_int_equal(rtas_call(cpu, token("check-exception"), 6, check, 1, NULL), 1);
		assert_int_equal(
			rtas_call(cpu, token("query-cpu-stopped-state"), 1, &cpu, 2, &stopped), 0);
		assert_int_equal(rtas_call(cpu, token("ibm,nmi-register"), 2, routines, 1, NULL),
				 0);
		assert_int_equal(hcall(cpu, 0x380, 2 - cpu, 0, 0, 0), H_SUCCESS);
		assert_int_equal(fake_resume(2 - cpu), PAPR_ROUTINE);
		papr_fwnmi_state(fake.papr, &fwnmi);
		assert_true(fwnmi.interlock_held);
		assert_int_equal(fwnmi.owner, 0);
		assert_int_equal(fake_resume(1), PAPR_WAITING);
	}
	assert_int_equal(call("ibm,nmi-interlock", 0, 0, 0), 0);
	assert_int_equal(fake_resume(1), PAPR_ROUTINE);
}

#define test(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(r2_the_rtas_node_names_ibm_nmi_register),
		test(r3_the_rtas_node_names_ibm_nmi_register_2),
		test(r3_registration_by_it_puts_the_error_area_into_real_page_7),
		test(r3_registration_by_the_other_call_puts_it_into_the_rtas_area),
		test(r4_registration_by_rtas_answers_0_or_minus_3),
		test(r16_event_scan_by_rtas_tells_of_an_unsafe_processor_once),
		test(r17_interlock_by_rtas_answers_0),
		test(r17_without_an_event_interlock_by_rtas_answers_0_or_strictly_minus_1),
		test(r19_no_other_rtas_call_releases_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
