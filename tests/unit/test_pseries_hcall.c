/* SPDX-License-Identifier: BSD-2-Clause */
/* Hypervisor calls at their border, by family. */
#include "../fakes/partition.h"

#define VTY		    0x71000000
#define VPA_FLAGS(function) ((uint64_t)(function) << (63 - 18))

static void an_unknown_hcall_gets_h_function_and_a_debug_line(void **state)
{
	static const uint64_t numbers[] = { 0,	    1,		4,	 8,	    0x18,
					    0x25,   0x398,	0x10054, 0xf001,    0xf004,
					    0xffff, 1ull << 32, ~0ull,	 1ull << 63 };

	for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_int_equal(hcall(0, numbers[i], 0, 0, 0, 0), H_FUNCTION);
		assert_int_equal(fake.action, PAPR_RESUME);
		assert_int_equal(fake.debug_lines, i + 1);
	}
}

static void user_mode_gets_h_privilege(void **state)
{
	fake.regs[0].msr |= MSR_PR;
	assert_int_equal(hcall(0, 0x58, VTY, 1, 'a', 0), H_PRIVILEGE);
	assert_int_equal(fake.output_len, 0);
}

static void a_hcall_changes_no_register_but_its_results(void **state)
{
	struct engine_regs before;

	for (unsigned i = 0; i < 32; i++)
		fake.regs[0].gpr[i] = 0x1000 + i;
	fake.regs[0].nip = 0x5000;
	fake.regs[0].lr = 0x6000;
	fake.regs[0].gpr[3] = 0x68;
	before = fake.regs[0];
	papr_hcall(fake.papr, 0, &fake.outcome);
	before.gpr[3] = 0;
	assert_memory_equal(&before, &fake.regs[0], sizeof(before));
}

static void terminal_output_comes_in_order(void **state)
{
	assert_int_equal(hcall(0, 0x58, VTY, 16, 0x6162636465666768, 0x696a6b6c6d6e6f70),
			 H_SUCCESS);
	assert_int_equal(hcall(0, 0x58, 0, 2, 0x7172ull << 48, 0), H_SUCCESS);
	assert_int_equal(hcall(0, 0x58, VTY, 0, ~0ull, 0), H_SUCCESS);
	assert_string_equal(fake.output, "abcdefghijklmnopqr");
}

static void a_full_console_makes_the_terminal_busy_and_takes_nothing(void **state)
{
	fake.console_busy = true;
	assert_int_equal(hcall(0, 0x58, VTY, 1, 'a' * (1ull << 56), 0), H_BUSY);
	assert_int_equal(fake.output_len, 0);
	/* Empty output always fits, and invalid arguments are still refused. */
	assert_int_equal(hcall(0, 0x58, VTY, 0, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, 0x58, VTY, 17, 0, 0), H_PARAMETER);
	fake.console_busy = false;
	assert_int_equal(hcall(0, 0x58, VTY, 1, 'a' * (1ull << 56), 0), H_SUCCESS);
	assert_int_equal(fake.output_len, 1);
}

static void terminal_calls_check_unit_and_length(void **state)
{
	assert_int_equal(hcall(0, 0x58, VTY, 17, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x58, VTY, ~0ull, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x58, VTY + 1, 1, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x54, 1ull << 32 | VTY, 0, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x104, 0, 1, 0, 0), H_PARAMETER);
	assert_int_equal(fake.output_len, 0);
}

static void terminal_input_is_taken_in_sixteens(void **state)
{
	fake.input = "0123456789abcdefXYZ";
	assert_int_equal(hcall(0, 0x54, VTY, 0, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), 16);
	assert_true(RESULT(0, 2) == 0x3031323334353637);
	assert_true(RESULT(0, 3) == 0x3839616263646566);
	assert_int_equal(hcall(0, 0x54, VTY, 0, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), 3);
	assert_true(RESULT(0, 2) == 0x58595a0000000000);
	assert_int_equal(hcall(0, 0x54, VTY, 0, 0, 0), H_SUCCESS);
	assert_int_equal(RESULT(0, 1), 0);
}

static void console_input_interrupts_unless_signals_are_turned_off(void **state)
{
	hcall(2, 0x68, 0xff, 0, 0, 0);
	rtas_call(0, 0x200a, 3, (uint32_t[]){ 0x1000, 2, 5 }, 1, NULL);
	assert_int_equal(hcall(2, 0x104, VTY, 0, 0, 0), H_SUCCESS);
	fake.input = "x";
	papr_console_input(fake.papr);
	assert_false(fake.external[2]);
	/* Enabling interrupts finds pending input. */
	assert_int_equal(hcall(2, 0x104, VTY, 1, 0, 0), H_SUCCESS);
	assert_true(fake.external[2]);
	assert_int_equal(hcall(2, 0x74, 0, 0, 0, 0), H_SUCCESS);
	assert_true(RESULT(2, 1) == 0xff001000);
	hcall(2, 0x54, VTY, 0, 0, 0);
	assert_int_equal(hcall(2, 0x64, 0xff001000, 0, 0, 0), H_SUCCESS);
	assert_false(fake.external[2]);
	fake.input = "y";
	papr_console_input(fake.papr);
	assert_true(fake.external[2]);
}

static void input_beyond_one_call_interrupts_again(void **state)
{
	hcall(0, 0x68, 0xff, 0, 0, 0);
	rtas_call(0, 0x200a, 3, (uint32_t[]){ 0x1000, 0, 5 }, 1, NULL);
	fake.input = "0123456789abcdefX";
	papr_console_input(fake.papr);
	hcall(0, 0x74, 0, 0, 0, 0);
	hcall(0, 0x54, VTY, 0, 0, 0);
	hcall(0, 0x64, 0xff001000, 0, 0, 0);
	assert_true(fake.external[0]);
}

static void an_ipi_reaches_its_server_and_no_other(void **state)
{
	for (unsigned i = 0; i < FAKE_CPUS; i++)
		hcall(i, 0x68, 0xff, 0, 0, 0);
	assert_int_equal(hcall(0, 0x6c, 3, 4, 0, 0), H_SUCCESS);
	assert_true(fake.external[3]);
	assert_false(fake.external[0] || fake.external[1] || fake.external[2]);
	assert_int_equal(hcall(0, 0x70, 3, 0, 0, 0), H_SUCCESS);
	assert_true(RESULT(0, 1) == 0xff000002);
	assert_int_equal(RESULT(0, 2), 4);
	assert_int_equal(hcall(0, 0x6c, FAKE_CPUS, 4, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x6c, ~0ull, 4, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x70, FAKE_CPUS, 0, 0, 0), H_PARAMETER);
}

static void h_xirr_x_tells_the_time_base(void **state)
{
	hcall(0, 0x68, 0xff, 0, 0, 0);
	hcall(0, 0x6c, 0, 4, 0, 0);
	fake.clock.insns = 2468;
	assert_int_equal(hcall(0, 0x2fc, 0, 0, 0, 0), H_SUCCESS);
	assert_true(RESULT(0, 1) == 0xff000002);
	assert_int_equal(RESULT(0, 2), 1234);
}

static void an_interrupt_ends_a_cede(void **state)
{
	hcall(1, 0x68, 0xff, 0, 0, 0);
	assert_int_equal(hcall(1, 0xe0, 0, 0, 0, 0), H_SUCCESS);
	assert_int_equal(fake.action, PAPR_CEDE);
	assert_true(fake.regs[1].msr & MSR_EE);
	hcall(0, 0x6c, 1, 4, 0, 0);
	assert_int_equal(fake.wakes[1], 1);
}

static void a_prod_names_a_processor_that_exists(void **state)
{
	assert_int_equal(hcall(0, 0xe8, 1, 0, 0, 0), H_SUCCESS);
	assert_int_equal(fake.prods[1], 1);
	assert_int_equal(hcall(0, 0xe8, FAKE_CPUS, 0, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0xe8, ~0ull, 0, 0, 0), H_PARAMETER);
}

static int64_t register_area(unsigned function, uint64_t cpu, uint64_t area, uint32_t size)
{
	/* A VPA has a 16-bit size at offset 4, the other areas a 32-bit one. */
	if (memory_contains(&fake.memory, area, 8))
		memory_write_be32(&fake.memory, area + 4, function == 1 ? size << 16 : size);
	return hcall(0, 0xdc, VPA_FLAGS(function), cpu, area, 0);
}

static void virtual_processor_areas_are_checked(void **state)
{
	assert_int_equal(register_area(1, 0, BUFFER, 639), H_PARAMETER);
	assert_int_equal(register_area(1, 0, BUFFER + 4096 - 512, 640), H_PARAMETER);
	assert_int_equal(register_area(1, 0, BUFFER + 8, 640), H_PARAMETER);
	assert_int_equal(register_area(1, FAKE_CPUS, BUFFER, 640), H_PARAMETER);
	assert_int_equal(register_area(1, ~0ull, BUFFER, 640), H_PARAMETER);
	assert_int_equal(register_area(1, 0, FAKE_RAM, 640), H_PARAMETER);
	assert_int_equal(register_area(1, 0, FAKE_RAM - 128, 640), H_PARAMETER);
	assert_int_equal(register_area(1, 0, ~127ull, 640), H_PARAMETER);
	assert_int_equal(register_area(2, 0, BUFFER + 4096, 4096), H_RESOURCE);
	assert_int_equal(register_area(3, 0, BUFFER + 8192, 64), H_RESOURCE);
	assert_int_equal(register_area(1, 0, BUFFER, 1024), H_SUCCESS);
	assert_int_equal(register_area(2, 0, BUFFER + 4096, 47), H_PARAMETER);
	assert_int_equal(register_area(2, 0, FAKE_RAM - 4096, 8192), H_PARAMETER);
	assert_int_equal(register_area(2, 0, BUFFER + 4096, UINT32_MAX), H_PARAMETER);
	assert_int_equal(register_area(2, 0, BUFFER + 4096, 4096), H_SUCCESS);
	assert_int_equal(register_area(3, 0, BUFFER + 8192, 7), H_PARAMETER);
	assert_int_equal(register_area(3, 0, BUFFER + 8192, 5000), H_PARAMETER);
	assert_int_equal(register_area(3, 0, BUFFER + 8192, 64), H_SUCCESS);
	/* Not while the other areas depend on it. */
	assert_int_equal(hcall(0, 0xdc, VPA_FLAGS(5), 0, 0, 0), H_RESOURCE);
	assert_int_equal(hcall(0, 0xdc, VPA_FLAGS(6), 0, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, 0xdc, VPA_FLAGS(5), 0, 0, 0), H_RESOURCE);
	assert_int_equal(hcall(0, 0xdc, VPA_FLAGS(7), 0, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, 0xdc, VPA_FLAGS(5), 0, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, 0xdc, VPA_FLAGS(0), 0, BUFFER, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0xdc, VPA_FLAGS(4), 0, BUFFER, 0), H_PARAMETER);
}

static uint32_t dispatch_count(void)
{
	uint32_t count = 0;

	assert_true(memory_read_be32(&fake.memory, BUFFER + 0x100, &count));
	return count;
}

static void the_dispatch_count_is_odd_while_a_processor_does_not_run(void **state)
{
	uint64_t stolen;

	assert_int_equal(register_area(1, 0, BUFFER, 1024), H_SUCCESS);
	assert_int_equal(dispatch_count() % 2, 0);
	papr_vcpu_dispatch(fake.papr, 0, true);
	assert_int_equal(dispatch_count() % 2, 0);
	papr_vcpu_dispatch(fake.papr, 0, false);
	papr_vcpu_dispatch(fake.papr, 0, false);
	assert_int_equal(dispatch_count() % 2, 1);
	/* A CPU that waits may confer; one that saw an older count returns at once. */
	hcall(1, 0xe4, 0, dispatch_count(), 0, 0);
	assert_int_equal(fake.action, PAPR_YIELD);
	hcall(1, 0xe4, 0, dispatch_count() - 2, 0, 0);
	assert_int_equal(fake.action, PAPR_RESUME);
	fake.clock.insns += 2000;
	papr_vcpu_dispatch(fake.papr, 0, true);
	assert_int_equal(dispatch_count() % 2, 0);
	hcall(1, 0xe4, 0, dispatch_count(), 0, 0);
	assert_int_equal(fake.action, PAPR_RESUME);
	memory_read_be64(&fake.memory, BUFFER + 0x160, &stolen);
	assert_int_equal(stolen, 1000);
}

static void h_confer_checks_its_target(void **state)
{
	assert_int_equal(hcall(0, 0xe4, FAKE_CPUS, 0, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0xe4, 0xfffffffe, 0, 0, 0), H_PARAMETER);
	assert_int_equal(fake.action, PAPR_RESUME);
	assert_int_equal(hcall(0, 0xe4, ~0ull, 0, 0, 0), H_SUCCESS);
	assert_int_equal(fake.action, PAPR_YIELD);
}

static void the_dispatch_trace_stays_in_its_buffer(void **state)
{
	const uint8_t *log = fake.memory.base + BUFFER + 4096;
	uint64_t index;

	register_area(1, 0, BUFFER, 1024);
	register_area(2, 0, BUFFER + 4096, 100); /* two entries and four bytes */
	memset(fake.memory.base + BUFFER + 4096 + 96, 0x77, 64);
	fake.memory.base[BUFFER + 0xb8] = 3;
	for (unsigned i = 0; i < 5; i++) {
		papr_vcpu_dispatch(fake.papr, 0, false);
		fake.clock.insns += 20;
		papr_vcpu_dispatch(fake.papr, 0, true);
	}
	memory_read_be64(&fake.memory, BUFFER + 0x218, &index);
	assert_int_equal(index, 5);
	assert_true(get_be64(log + 16) == 50); /* entry 4 is in the first place */
	assert_true(get_be64(log + 48 + 16) == 40);
	for (unsigned i = 96; i < 160; i++)
		assert_int_equal(log[i], 0x77);
}

static void h_set_mode_sets_interrupt_endian_and_location(void **state)
{
	assert_int_equal(hcall(0, 0x31c, 1, 4, 0, 0), H_SUCCESS);
	assert_true(fake.partition.interrupt_little_endian);
	assert_int_equal(hcall(0, 0x31c, 3, 3, 0, 0), H_SUCCESS);
	assert_int_equal(fake.partition.ail, 3);
	assert_true(fake.partition.interrupt_little_endian && fake.partition.radix);
	assert_int_equal(hcall(0, 0x31c, 0, 3, 0, 0), H_SUCCESS);
	assert_int_equal(fake.partition.ail, 0);
	assert_int_equal(hcall(0, 0x31c, 0, 4, 0, 0), H_SUCCESS);
	assert_false(fake.partition.interrupt_little_endian);
}

static void ail_2_is_there_before_isa_3_1_whatever_the_guest_is_told(void **state)
{
	static const struct {
		const char *cpu, *compat;
		bool there;
	} cases[] = {
		{ "power8", NULL, true },
		{ "power9", NULL, true },
		{ "power10", NULL, false },
		{ "power10", "power9", false },
	};
	struct papr_config config = fake_config();
	char err[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		config.cpu = cpu_model_named(cases[i].cpu);
		config.compat = cases[i].compat ? cpu_model_named(cases[i].compat) : NULL;
		papr_destroy(fake.papr);
		fake.papr = papr_create(&config, err, sizeof(err));
		assert_non_null(fake.papr);
		assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
		assert_int_equal(hcall(0, 0x31c, 2, 3, 0, 0),
				 cases[i].there ? H_SUCCESS : -256 - 62);
		assert_int_equal(fake.partition.ail, cases[i].there ? 2 : 0);
		fake.capabilities &= ~(unsigned)ENGINE_CAP_AIL_2;
		assert_int_equal(hcall(0, 0x31c, 2, 3, 0, 0), -256 - 62);
		fake.capabilities = ~0u;
	}
}

static void h_set_mode_answers_bad_resources_flags_and_values_as_lopar_says(void **state)
{
	assert_int_equal(hcall(0, 0x31c, 0, 0, 0, 0), H_P2);
	assert_int_equal(hcall(0, 0x31c, 0, 6, 0, 0), H_P2);
	assert_int_equal(hcall(0, 0x31c, 0, ~0ull, 0, 0), H_P2);
	for (unsigned resource = 3; resource <= 4; resource++) {
		assert_int_equal(hcall(0, 0x31c, 0, resource, 1, 0), H_P3);
		assert_int_equal(hcall(0, 0x31c, 0, resource, 0, 1), H_P4);
		assert_in_range(-hcall(0, 0x31c, 4, resource, 0, 0), 256, 511);
	}
	assert_int_equal(hcall(0, 0x31c, 1, 3, 0, 0), -318);
	assert_int_equal(hcall(0, 0x31c, 0, 1, 3, 0), H_P3);
	assert_int_equal(hcall(0, 0x31c, 0, 1, 0, 1), H_P4);
	assert_int_equal(hcall(0, 0x31c, 0, 2, 0, 4), H_P4);
	/* Of several that are bad: CIABR's value2, flags, value1; the flags before DAWRX0. */
	assert_int_equal(hcall(0, 0x31c, 1, 1, 3, 1), H_P4);
	assert_int_equal(hcall(0, 0x31c, 1, 1, 3, 0), -256 - 63);
	assert_int_equal(hcall(0, 0x31c, 1, 2, 0, 4), -256 - 63);
	assert_int_equal(hcall(0, 0x31c, ~0ull, 2, 0, 0), -256);
	assert_int_equal(fake.partition.ail, 0);
	assert_false(fake.partition.interrupt_little_endian);
}

static struct {
	unsigned calls, vcpu;
	enum engine_debug_register which;
	uint64_t value, extension;
} debug_register;

static void note_debug_register(struct engine *engine, unsigned vcpu,
				enum engine_debug_register which, uint64_t value,
				uint64_t extension)
{
	debug_register.calls++;
	debug_register.vcpu = vcpu;
	debug_register.which = which;
	debug_register.value = value;
	debug_register.extension = extension;
}

static void h_set_mode_gives_ciabr_and_dawr_to_the_engine_and_dawr1_to_isa_3_1(void **state)
{
	assert_int_equal(hcall(1, 0x31c, 0, 1, 0x12346, 0), H_P2);
	assert_int_equal(hcall(1, 0x31c, 0, 2, 0x12340, 0x22), H_P2);
	assert_int_equal(hcall(1, 0x31c, 0, 1, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(1, 0x31c, 0, 2, 0x12340, 0), H_SUCCESS);
	fake.ops.set_debug_register = note_debug_register;
	assert_int_equal(hcall(1, 0x31c, 0, 1, 0x12346, 0), H_SUCCESS);
	assert_int_equal(debug_register.vcpu, 1);
	assert_int_equal(debug_register.which, ENGINE_CIABR);
	assert_int_equal(debug_register.value, 0x12346);
	assert_int_equal(hcall(2, 0x31c, 0, 2, 0x12340, 0x22), H_SUCCESS);
	assert_int_equal(debug_register.vcpu, 2);
	assert_int_equal(debug_register.which, ENGINE_DAWR0);
	assert_int_equal(debug_register.value, 0x12340);
	assert_int_equal(debug_register.extension, 0x22);
	assert_int_equal(hcall(0, 0x31c, 0, 5, 0x12340, 0x22), H_P2);
	assert_int_equal(hcall(0, 0x31c, 0, 1, 3, 0), H_P3);
	assert_int_equal(hcall(0, 0x31c, 0, 2, 0, 4), H_P4);
	assert_int_equal(debug_register.calls, 2);
}

static void a_radix_process_table_is_registered_and_deregistered(void **state)
{
	assert_int_equal(hcall(0, 0x37c, 0x1d, 0x100000, 0, 4), H_SUCCESS);
	assert_int_equal(fake.partition.process_table, 0x100000);
	assert_int_equal(fake.partition.process_table_size, 0x10000);
	assert_true(fake.partition.radix);
	assert_int_equal(fake.flushes, 1);
	assert_int_equal(hcall(0, 0x37c, 0x10, 0, 0, 0), H_SUCCESS);
	assert_int_equal(fake.partition.process_table, 0);
}

static void other_process_tables_are_refused(void **state)
{
	assert_int_equal(hcall(0, 0x37c, 0x18, 0x100000, 0, 4), H_PARAMETER); /* hash */
	assert_int_equal(hcall(0, 0x37c, 0x1a, 0x100000, 0, 4), H_PARAMETER);
	assert_int_equal(hcall(0, 0x37c, 0x3d, 0x100000, 0, 4), H_PARAMETER);
	assert_int_equal(hcall(0, 0x37c, 1ull << 63 | 0x1d, 0x100000, 0, 4), H_PARAMETER);
	assert_int_equal(hcall(0, 0x37c, 0x1d, 0x100001, 0, 4), H_P2);
	assert_int_equal(hcall(0, 0x37c, 0x1d, FAKE_RAM, 0, 0), H_P2);
	assert_int_equal(hcall(0, 0x37c, 0x1d, FAKE_RAM - 0x1000, 0, 1), H_P2);
	assert_int_equal(hcall(0, 0x37c, 0x1d, ~0xfffull, 0, 24), H_P2);
	assert_int_equal(hcall(0, 0x37c, 0x1d, 0x100000, 1, 4), H_P3);
	assert_int_equal(hcall(0, 0x37c, 0x1d, 0x100000, 0, 25), H_P4);
	assert_int_equal(hcall(0, 0x37c, 0x1d, 0x100000, 0, ~0ull), H_P4);
	assert_int_equal(hcall(0, 0x37c, 0x10, 0x100000, 0, 0), H_P2);
	assert_int_equal(fake.partition.process_table, 0);
	assert_int_equal(fake.flushes, 0);
}

static void a_hash_guest_has_no_process_table_to_register(void **state)
{
	char err[256];

	fake.capabilities = 0;
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	assert_false(fake.partition.radix);
	assert_int_equal(fake.partition.hash_table_order, 19);
	assert_int_equal(hcall(0, 0x37c, 0, 0, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, 0x37c, 0x10, 0, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, 0x37c, 0x1d, 0x100000, 0, 4), H_PARAMETER);
	assert_int_equal(hcall(0, 0x37c, 0x05, 0, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x37c, 0x18, 0x100000, 0, 4), H_PARAMETER);
	assert_int_equal(hcall(0, 0x37c, 0x1a, 0x100000, 0, 4), H_PARAMETER);
	assert_int_equal(hcall(0, 0x37c, 0x01, 0, 0, 0), H_PARAMETER);
	assert_false(fake.partition.radix);
	assert_int_equal(fake.partition.process_table, 0);
}

static int64_t rpt_invalidate(uint64_t pid, uint64_t types, uint64_t start, uint64_t end)
{
	fake.regs[0].gpr[8] = start;
	fake.regs[0].gpr[9] = end;
	return hcall(0, 0x448, pid, 1, types, ~0ull);
}

static void assert_process_flush(unsigned n, uint32_t pid, uint64_t first, uint64_t last,
				 bool planted)
{
	assert_int_equal(fake.process_flushes, n);
	assert_int_equal(fake.process_flushed.pid, pid);
	assert_int_equal(fake.process_flushed.first, first);
	assert_int_equal(fake.process_flushed.last, last);
	assert_int_equal(fake.process_flushed.planted, planted);
}

static void h_rpt_invalidate_reaches_pages_of_a_process_or_all_of_it(void **state)
{
	assert_int_equal(rpt_invalidate(5, 2, 0x10000, 0x11000), H_SUCCESS);
	assert_process_flush(1, 5, 0x10000, 0x10fff, true);
	assert_int_equal(rpt_invalidate(6, 2, 0, ~0ull), H_SUCCESS);
	assert_process_flush(2, 6, 0, ~0ull, true);
	assert_int_equal(rpt_invalidate(0, 4, 0x10000, 0x11000), H_SUCCESS);
	assert_process_flush(3, 0, 0, ~0ull, false);
	assert_int_equal(rpt_invalidate(7, 0xe, 0x10000, 0x11000), H_SUCCESS);
	assert_process_flush(4, 7, 0, ~0ull, true);
	assert_int_equal(rpt_invalidate(8, 2, 0x10000, 0x10000), H_SUCCESS);
	assert_int_equal(fake.process_flushes, 4);
	assert_int_equal(fake.flushes, 0);
}

static void h_rpt_invalidate_refuses_what_it_does_not_understand(void **state)
{
	fake.regs[0].gpr[8] = 0;
	fake.regs[0].gpr[9] = ~0ull;
	assert_int_equal(hcall(0, 0x448, 1ull << 32, 1, 6, ~0ull), H_PARAMETER);
	assert_int_equal(hcall(0, 0x448, 5, 0, 6, ~0ull), H_P2);
	assert_int_equal(hcall(0, 0x448, 5, 8, 6, ~0ull), H_P2);
	assert_int_equal(hcall(0, 0x448, 5, 1, 0, ~0ull), H_P3);
	assert_int_equal(hcall(0, 0x448, 5, 1, 1, ~0ull), H_P3);
	assert_int_equal(hcall(0, 0x448, 5, 1, 6, 0), H_P4);
	assert_int_equal(hcall(0, 0x448, 5, 1, 6, 0x10), H_P4);
	assert_int_equal(rpt_invalidate(5, 6, 1, 0), H_P5);
	assert_int_equal(fake.process_flushes, 0);
}

static void h_page_init_clears_and_copies_pages_inside_memory_only(void **state)
{
	const uint64_t zero = 1ull << 15, copy = 1ull << 14;
	const uint8_t *page = fake.memory.base + BUFFER;

	memset(fake.memory.base + BUFFER, 0x11, 3 * 4096);
	memset(fake.memory.base + BUFFER + 8192, 0x22, 4096);
	assert_int_equal(hcall(0, 0x2c, zero, BUFFER, 0, 0), H_SUCCESS);
	assert_int_equal(page[0] | page[4095], 0);
	assert_int_equal(page[4096], 0x11);
	assert_int_equal(hcall(0, 0x2c, copy, BUFFER, BUFFER + 8192, 0), H_SUCCESS);
	assert_int_equal(page[0] & page[4095], 0x22);
	assert_int_equal(page[4096], 0x11);
	assert_int_equal(hcall(0, 0x2c, copy, BUFFER, BUFFER, 0), H_SUCCESS);
	assert_int_equal(hcall(0, 0x2c, zero, BUFFER + 1, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x2c, zero, FAKE_RAM, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x2c, zero, ~0xfffull, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x2c, copy, BUFFER, FAKE_RAM, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x2c, copy, BUFFER, BUFFER + 8, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x2c, 1, BUFFER, 0, 0), H_PARAMETER);
}

static void a_call_that_meets_poison_reports_a_hardware_error(void **state)
{
	const uint64_t zero = 1ull << 15, copy = 1ull << 14;

	assert_true(memory_poison(&fake.memory, BUFFER + 8, 8, false));
	assert_int_equal(hcall(0, 0x3c, 8, BUFFER + 8, 0, 0), H_HARDWARE);
	assert_int_equal(hcall(0, 0x40, 1, BUFFER + 15, 1, 0), H_HARDWARE);
	assert_int_equal(hcall(0, 0x3c, 8, BUFFER, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, 0x2c, zero, BUFFER, 0, 0), H_HARDWARE);
	assert_int_equal(hcall(0, 0x2c, copy, BUFFER + 4096, BUFFER, 0), H_HARDWARE);
	/* Clearing a page is a scrub, if poison can be scrubbed. */
	assert_true(memory_poison(&fake.memory, BUFFER + 8, 8, true));
	assert_int_equal(hcall(0, 0x2c, copy, BUFFER + 4096, BUFFER, 0), H_HARDWARE);
	assert_int_equal(hcall(0, 0x2c, zero, BUFFER, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(0, 0x3c, 8, BUFFER + 8, 0, 0), H_SUCCESS);
}

static void logical_loads_and_stores_are_big_endian_aligned_and_inside_memory(void **state)
{
	for (unsigned size = 1; size <= 8; size *= 2) {
		uint64_t value = 0x8877665544332211 & (~0ull >> (64 - 8 * size));

		assert_int_equal(hcall(0, 0x40, size, BUFFER + 8, 0x8877665544332211, 0),
				 H_SUCCESS);
		assert_int_equal(fake.memory.base[BUFFER + 8 + size - 1], 0x11);
		assert_int_equal(hcall(0, 0x3c, size, BUFFER + 8, 0, 0), H_SUCCESS);
		assert_true(RESULT(0, 1) == value);
		assert_int_equal(hcall(0, 0x3c, size, FAKE_RAM, 0, 0), H_PARAMETER);
		assert_int_equal(hcall(0, 0x40, size, ~0ull & ~(size - 1ull), 0, 0), H_PARAMETER);
		if (size > 1)
			assert_int_equal(hcall(0, 0x3c, size, BUFFER + 1, 0, 0), H_PARAMETER);
	}
	assert_int_equal(hcall(0, 0x3c, 0, BUFFER, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x3c, 3, BUFFER, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x40, 16, BUFFER, 0, 0), H_PARAMETER);
}

static void home_node_associativity_is_that_of_the_device_tree(void **state)
{
	assert_int_equal(hcall(0, 0x2ec, 1, 3, 0, 0), H_SUCCESS);
	assert_true(RESULT(0, 1) == 0x8000800080008000);
	assert_true(RESULT(0, 2) == 0x8003ffffffffffff);
	assert_true(RESULT(0, 6) == ~0ull);
	assert_int_equal(hcall(0, 0x2ec, 0, 0, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x2ec, 1, FAKE_CPUS, 0, 0), H_P2);
}

/* Resumes woken processors, as the machine does. */
static void resume_all(void)
{
	for (unsigned i = 0; i < FAKE_CPUS; i++)
		fake_resume(i);
}

static void a_system_reset_goes_to_the_processors_named(void **state)
{
	rtas_call(0, 0x2006, 3, (uint32_t[]){ 1, 0x1000, 0 }, 1, NULL);
	rtas_call(0, 0x2006, 3, (uint32_t[]){ 2, 0x1000, 0 }, 1, NULL);
	assert_int_equal(hcall(0, 0x380, ~1ull, 0, 0, 0), H_SUCCESS); /* -2: all others */
	assert_int_equal(fake.kicks[1], 1);
	resume_all();
	assert_int_equal(fake.interrupts[0], 0);
	assert_int_equal(fake.interrupts[1], 1);
	assert_int_equal(fake.interrupts[2], 1);
	assert_int_equal(fake.interrupts[3], 0); /* stopped */
	assert_int_equal(hcall(0, 0x380, ~0ull, 0, 0, 0), H_SUCCESS); /* -1: all */
	resume_all();
	assert_int_equal(fake.interrupts[0], 1);
	assert_int_equal(fake.interrupts[1], 2);
	/* Until it runs again, two resets become one. */
	assert_int_equal(hcall(0, 0x380, 2, 0, 0, 0), H_SUCCESS);
	assert_int_equal(hcall(1, 0x380, 2, 0, 0, 0), H_SUCCESS);
	resume_all();
	assert_int_equal(fake.interrupts[1], 2);
	assert_int_equal(fake.interrupts[2], 3);
	assert_int_equal(hcall(0, 0x380, 3, 0, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x380, FAKE_CPUS, 0, 0, 0), H_PARAMETER);
	assert_int_equal(hcall(0, 0x380, (uint64_t)-3, 0, 0, 0), H_PARAMETER);
}

static void a_system_reset_of_the_caller_comes_on_top_of_the_calls_result(void **state)
{
	uint64_t r3;

	rtas_call(0, 0x2013, 2, (uint32_t[]){ 0x1920, 0x1990 }, 1, NULL);
	fake.regs[0].nip = 0x7777;
	hcall(0, 0x380, 0, 0, 0, 0);
	assert_int_equal(fake.kicks[0], 1);
	fake_resume(0);
	assert_int_equal(fake.regs[0].nip, 0x1920);
	assert_int_equal(fake.regs[0].srr0, 0x7777);
	assert_true(memory_read_be64(&fake.memory, fake.regs[0].gpr[3], &r3));
	assert_int_equal(r3, H_SUCCESS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_full_console_makes_the_terminal_busy_and_takes_nothing),
		TEST(an_unknown_hcall_gets_h_function_and_a_debug_line),
		TEST(user_mode_gets_h_privilege),
		TEST(a_hcall_changes_no_register_but_its_results),
		TEST(terminal_output_comes_in_order),
		TEST(terminal_calls_check_unit_and_length),
		TEST(terminal_input_is_taken_in_sixteens),
		TEST(console_input_interrupts_unless_signals_are_turned_off),
		TEST(input_beyond_one_call_interrupts_again),
		TEST(an_ipi_reaches_its_server_and_no_other),
		TEST(h_xirr_x_tells_the_time_base),
		TEST(an_interrupt_ends_a_cede),
		TEST(a_prod_names_a_processor_that_exists),
		TEST(virtual_processor_areas_are_checked),
		TEST(the_dispatch_count_is_odd_while_a_processor_does_not_run),
		TEST(h_confer_checks_its_target),
		TEST(the_dispatch_trace_stays_in_its_buffer),
		TEST(h_set_mode_sets_interrupt_endian_and_location),
		TEST(ail_2_is_there_before_isa_3_1_whatever_the_guest_is_told),
		TEST(h_set_mode_gives_ciabr_and_dawr_to_the_engine_and_dawr1_to_isa_3_1),
		TEST(h_set_mode_answers_bad_resources_flags_and_values_as_lopar_says),
		TEST(a_radix_process_table_is_registered_and_deregistered),
		TEST(other_process_tables_are_refused),
		TEST(a_hash_guest_has_no_process_table_to_register),
		TEST(h_rpt_invalidate_reaches_pages_of_a_process_or_all_of_it),
		TEST(h_rpt_invalidate_refuses_what_it_does_not_understand),
		TEST(h_page_init_clears_and_copies_pages_inside_memory_only),
		TEST(a_call_that_meets_poison_reports_a_hardware_error),
		TEST(logical_loads_and_stores_are_big_endian_aligned_and_inside_memory),
		TEST(home_node_associativity_is_that_of_the_device_tree),
		TEST(a_system_reset_goes_to_the_processors_named),
		TEST(a_system_reset_of_the_caller_comes_on_top_of_the_calls_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
