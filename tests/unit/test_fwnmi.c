/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfwnmi's registration, delivery and interlock, on a fake host that records what the library
 * does to memory and registers, and can be made to fail.
 */
#include "library.h"

/* ---- set-up ---- */

static int init(struct host *host, const struct fwnmi_ops *host_ops,
		const struct fwnmi_config *config)
{
	return fwnmi_init(host->f, sizeof(host->fwnmi_memory), host_ops, host, config);
}

static void init_refuses_a_missing_operation(void **state)
{
	struct host *host = *state;

#define WITHOUT(operation)                                                               \
	do {                                                                             \
		struct fwnmi_ops less = ops;                                             \
		less.operation = NULL;                                                   \
		assert_int_equal(init(host, &less, &default_config), FWNMI_ERR_INVALID); \
	} while (0)
	WITHOUT(read_memory);
	WITHOUT(kick);
#undef WITHOUT
}

static void init_refuses_an_impossible_configuration(void **state)
{
	struct host *host = *state;

#define REFUSED(change, error)                                            \
	do {                                                              \
		struct fwnmi_config config = default_config;              \
		change;                                                   \
		assert_int_equal(init(host, &ops, &config), error);       \
		assert_int_equal(fwnmi_sizeof(&config) == 0, error != 0); \
	} while (0)
	REFUSED(config.nr_cpus = 0, FWNMI_ERR_INVALID);
	REFUSED((config.nr_cpus = FWNMI_MAX_CPUS + 1, config.rtas_size = UINT32_MAX),
		FWNMI_ERR_INVALID);
	REFUSED(config.rtas_base = 0x100000000, 0);
	REFUSED(config.rtas_base = 0xfffff000, 0);
	REFUSED(config.rtas_base = UINT64_MAX - config.rtas_size - 0xf, 0);
	REFUSED(config.rtas_base = UINT64_MAX - 0xf, FWNMI_ERR_INVALID);
	REFUSED(config.rtas_base += 8, FWNMI_ERR_INVALID);
	REFUSED(config.save_area_offset += 4, FWNMI_ERR_INVALID);
	REFUSED(config.save_area_offset = RTAS_SIZE, FWNMI_ERR_NOSPACE);
	REFUSED(config.save_area_offset = 0xfffffff0, FWNMI_ERR_NOSPACE);
	REFUSED(config.rtas_size = SAVE_OFFSET + (uint32_t)fwnmi_rtas_area_size(NR_CPUS) - 1,
		FWNMI_ERR_NOSPACE);
	REFUSED(config.rtas_size = SAVE_OFFSET + (uint32_t)fwnmi_rtas_area_size(NR_CPUS), 0);
	REFUSED(config.nr_cpus = 64, 0);
	REFUSED(config.nr_cpus = 368, FWNMI_ERR_NOSPACE); /* one slot more than the area holds */
	REFUSED(config.nested_machine_check = (enum fwnmi_nested_policy)2, FWNMI_ERR_INVALID);
	REFUSED(config.mc_buffer_size = FWNMI_MC_BUFFER_MIN - 16, FWNMI_ERR_INVALID);
	REFUSED(config.mc_buffer_size = FWNMI_MC_BUFFER_MIN + 8, FWNMI_ERR_INVALID);
	REFUSED(config.mc_buffer_size = FWNMI_MC_BUFFER_SIZE + 16, FWNMI_ERR_INVALID);
#undef REFUSED
}

static void a_refused_configuration_has_its_wrong_member_named(void **state)
{
	struct fwnmi_config good = default_config;

	assert_null(fwnmi_config_error(&good));
#define NAMED(member, value)                                                                    \
	do {                                                                                    \
		struct fwnmi_config config = default_config;                                    \
		config.member = value;                                                          \
		assert_non_null(fwnmi_config_error(&config));                                   \
		assert_memory_equal(fwnmi_config_error(&config), #member " ", sizeof(#member)); \
	} while (0)
	NAMED(nr_cpus, 0);
	NAMED(nr_cpus, FWNMI_MAX_CPUS + 1);
	NAMED(rtas_base, UINT64_MAX - 0xf);
	NAMED(save_area_offset, 0x104);
	NAMED(rtas_size, 0x180);
	NAMED(mc_buffer_size, FWNMI_MC_BUFFER_MIN + 8);
	NAMED(stale_handler, (enum fwnmi_stale_policy)3);
	NAMED(nested_machine_check, (enum fwnmi_nested_policy)2);
#undef NAMED
}

/* An interrupt server number of a guest need not be the number of a vCPU here. */
static void a_log_has_the_processors_server_number(void **state)
{
	static const uint32_t servers[NR_CPUS] = { 8, 0, 0xfffffff0, 16 };
	struct host *host = *state;
	struct fwnmi_config config = default_config;
	struct fwnmi_machine_check mc = slb_multihit();

	config.server_numbers = servers;
	start(host, &config);
	enrol(host);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		take(host, cpu, &mc);
		assert_int_equal(buffer_log(host).mc.processor_id, servers[cpu]);
		assert_int_equal(fwnmi_interlock(host->f, cpu), FWNMI_RELEASED);
	}
}

/* R3 gets it unchanged. */
static void the_rtas_area_may_be_above_4_gib(void **state)
{
	struct host *host = *state;
	struct fwnmi_config config = default_config;
	struct fwnmi_machine_check mc = slb_multihit();

	config.rtas_base = 0x123456780000;
	start(host, &config);
	enrol(host);
	take(host, 0, &mc);
	assert_int_equal(host->regs[0].gpr3, 0x123456780000 + SAVE_OFFSET);
	assert_int_equal(host_system_reset(host, 1), FWNMI_DELIVERED);
	assert_int_equal(host->regs[1].gpr3,
			 0x123456780000 + SAVE_OFFSET + FWNMI_MC_BUFFER_SIZE + 16);
}

static void each_rtas_call_has_its_status(void **state)
{
	for (int result = -20; result <= 100; result++) {
		int refused = result == FWNMI_ERR_PARAMETER ? -3 : -1;
		int expected = result < 0 ? refused : 0;

		assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_REGISTER, result), expected);
		assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_INTERLOCK, result), expected);
		if (result == FWNMI_NOTHING)
			expected = 1;
		assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_EVENT_SCAN, result), expected);
		assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_CHECK_EXCEPTION, result), expected);
	}
}

static void an_event_can_be_returned_from_with_msr_ri_alone(void **state)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		const struct fwnmi_regs with = { .msr = 1ull << bit };
		const struct fwnmi_regs without = { .msr = ~(1ull << bit) };

		assert_int_equal(fwnmi_recoverable(&with), bit == 1);
		assert_int_equal(fwnmi_recoverable(&without), bit != 1);
	}
}

static void the_library_says_its_version(void **state)
{
	assert_string_equal(fwnmi_version(), FWNMI_VERSION);
}

static void rtas_area_holds_the_longest_log_and_a_slot_for_every_cpu(void **state)
{
	assert_true(FWNMI_MC_BUFFER_SIZE >= 8 + FWNMI_ERRLOG_MAX);
	assert_int_equal(fwnmi_rtas_area_size(0), 0);
	assert_int_equal(fwnmi_rtas_area_size(FWNMI_MAX_CPUS + 1), 0);
	for (unsigned cpus = 1; cpus <= 1000; cpus++)
		assert_int_equal(fwnmi_rtas_area_size(cpus), FWNMI_MC_BUFFER_SIZE + 16 * cpus);
}

static void a_smaller_buffer_leaves_room_for_slots_in_a_smaller_rtas_area(void **state)
{
	struct host *host = *state;
	struct fwnmi_config config = default_config;
	struct fwnmi_machine_check mc = slb_multihit();

	config.mc_buffer_size = FWNMI_MC_BUFFER_MIN;
	config.rtas_size = SAVE_OFFSET + FWNMI_MC_BUFFER_MIN + 16 * NR_CPUS - 1;
	assert_int_equal(init(host, &ops, &config), FWNMI_ERR_NOSPACE);
	config.rtas_size++;
	start(host, &config);
	assert_int_equal(fwnmi_register(host->f, 0, SYSTEM_RESET, MACHINE_CHECK), 0);
	assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_DELIVERED);
	assert_int_equal(host->regs[0].gpr3, BUFFER);
	assert_int_equal(host_system_reset(host, 1), FWNMI_DELIVERED);
	assert_int_equal(host->regs[1].gpr3, BUFFER + FWNMI_MC_BUFFER_MIN + 16);
}

/* ---- registration ---- */

static void nothing_is_registered_before_the_guest_registers(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint64_t system_reset = 1, machine_check = 1;

	start(host, &default_config);
	assert_false(fwnmi_registered(host->f, &system_reset, &machine_check));
	assert_int_equal(system_reset, 0);
	assert_int_equal(machine_check, 0);
	assert_int_equal(host_machine_check(host, 0, &mc), AT_VECTOR);
	assert_at_vector(host, 0, 0x200, INTERRUPTED_MSR | 0x00200000);
	run_something(host, 0);
	assert_int_equal(host_system_reset(host, 0), AT_VECTOR);
	assert_at_vector(host, 0, 0x100, INTERRUPTED_MSR);
	assert_int_equal(host_resume(host, 0), FWNMI_NOTHING);
	assert_int_equal(host->writes, 0);
	assert_int_equal(fwnmi_owner(host->f), -1);
}

/* ---- the architected interrupt ---- */

static void the_architected_machine_check_has_dsisr_and_dar_where_the_cause_has_them(void **state)
{
	struct host *host = *state;

	start(host, &default_config);
	for (unsigned has = 0; has < 4; has++) {
		struct fwnmi_machine_check mc = slb_multihit();

		mc.srr1 = has & 1 ? 0xffffffffffffffff : 0xffffffffffdfffff;
		mc.dsisr = 0x80;
		mc.dar_valid = has & 2;
		mc.dar = 0xd000000000000000;
		run_something(host, 0);
		host->dsisr[0] = 0x1111;
		host->dar[0] = 0x2222;
		assert_int_equal(host_machine_check(host, 0, &mc), AT_VECTOR);
		assert_at_vector(host, 0, 0x200,
				 INTERRUPTED_MSR | (has & 1 ? 0x783f0000 : 0x781f0000));
		assert_int_equal(host->dsisr[0], has & 1 ? 0x80 : 0x1111);
		assert_int_equal(host->dar[0], has & 2 ? 0xd000000000000000 : 0x2222);
	}
}

/* A system reset has no cause bits; those that MSR has in their places are cleared. */
static void the_architected_interrupt_keeps_me_and_has_the_interrupts_byte_order(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	start(host, &default_config);
	for (unsigned n = 0; n < 8; n++) {
		uint64_t me = n & 1 ? 0x1000 : 0;

		fwnmi_set_interrupt_endian(host->f, n & 2);
		run_something(host, 0);
		host->regs[0].msr = ~0x1000ull | me;
		assert_int_equal(n & 4 ? host_machine_check(host, 0, &mc) :
					 host_system_reset(host, 0),
				 AT_VECTOR);
		assert_int_equal(host->regs[0].msr, 0x8000000000000000 | me | (n & 2 ? 1 : 0));
		assert_int_equal(host->regs[0].srr1,
				 ((~0x1000ull | me) & ~0x783f0000ull) | (n & 4 ? 0x200000 : 0));
	}
}

static void the_architected_interrupt_can_be_had_whatever_is_registered(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	struct fwnmi_outcome outcome;
	uint8_t *before;

	take(host, 0, &mc);
	before = exact_copy(host->f, fwnmi_sizeof(&host->config));
	mc.dsisr = 0x80;
	assert_int_equal(fwnmi_architected(host->f, &host->regs[1], &mc, &outcome), 0);
	assert_int_equal(outcome.result, FWNMI_DELIVERED);
	assert_int_equal(outcome.entry, FWNMI_ENTRY_VECTOR);
	assert_int_equal(outcome.vector, 0x200);
	assert_true(outcome.dsisr_valid);
	assert_int_equal(outcome.dsisr, 0x80);
	host->regs[1] = outcome.regs;
	assert_at_vector(host, 1, 0x200, INTERRUPTED_MSR | 0x00200000);
	assert_int_equal(fwnmi_architected(host->f, &host->regs[2], NULL, &outcome), 0);
	assert_int_equal(outcome.vector, 0x100);
	assert_false(outcome.dsisr_valid);
	host->regs[2] = outcome.regs;
	assert_at_vector(host, 2, 0x100, INTERRUPTED_MSR);
	assert_memory_equal(host->f, before, fwnmi_sizeof(&host->config));
	free(before);
}

static void registration_is_remembered_with_both_addresses(void **state)
{
	struct host *host = *state;
	uint64_t system_reset, machine_check;

	assert_true(fwnmi_registered(host->f, &system_reset, &machine_check));
	assert_int_equal(system_reset, SYSTEM_RESET);
	assert_int_equal(machine_check, MACHINE_CHECK);
	assert_true(fwnmi_registered(host->f, NULL, NULL));
}

static void registration_takes_addresses_in_the_first_32_mib_only(void **state)
{
	static const uint64_t refused[] = {
		0x2000000,	    0x2000004,	0x100001990, UINT64_MAX - 3,
		0xc000000000001990, 0x80000000, 0x1991,	     0x1992
	};
	struct host *host = *state;
	uint64_t system_reset, machine_check;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		assert_int_equal(fwnmi_register(host->f, 0, refused[i], 0x3000),
				 FWNMI_ERR_PARAMETER);
		assert_int_equal(fwnmi_register(host->f, 0, 0x3000, refused[i]),
				 FWNMI_ERR_PARAMETER);
	}
	assert_true(fwnmi_registered(host->f, &system_reset, &machine_check));
	assert_int_equal(system_reset, SYSTEM_RESET);
	assert_int_equal(machine_check, MACHINE_CHECK);
	assert_int_equal(fwnmi_register(host->f, 0, 0x1fffffc, 0x1fffffc), 0);
}

static void registration_refuses_a_routine_outside_guest_memory(void **state)
{
	struct host *host = *state;

	host->memory_size = 0x1000000;
	assert_int_equal(fwnmi_register(host->f, 0, 0x1000000, 0x100), FWNMI_ERR_PARAMETER);
	assert_int_equal(fwnmi_register(host->f, 0, 0x100, 0x1000000), FWNMI_ERR_PARAMETER);
	assert_int_equal(fwnmi_register(host->f, 0, 0xfffffc, 0x100), 0);
}

static void a_later_registration_replaces_the_routines(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	assert_int_equal(fwnmi_register(host->f, 3, 0x4000, 0x5000), 0);
	take(host, 1, &mc);
	assert_int_equal(host->regs[1].nip, 0x5000);
	assert_int_equal(host_system_reset(host, 2), FWNMI_DELIVERED);
	assert_int_equal(host->regs[2].nip, 0x4000);
}

static void a_registration_in_page_7_moves_the_error_area_there(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t rtas[RTAS_SIZE];

	enrol_2(host);
	memcpy(rtas, host->rtas, sizeof(rtas));
	take(host, 1, &mc);
	assert_at_handler(host, 1, MACHINE_CHECK, INTERRUPTED_MSR | 0x00200000);
	assert_int_equal(host->regs[1].gpr3, FWNMI_PAGE_7);
	assert_int_equal(saved_r3(host, FWNMI_PAGE_7), 0x3333000000000001);
	assert_int_equal(log_at(host, FWNMI_PAGE_7).mc.processor_id, 1);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		assert_int_equal(host_system_reset(host, cpu), FWNMI_DELIVERED);
		assert_int_equal(host->regs[cpu].gpr3, SLOT_2(cpu));
	}
	assert_memory_equal(host->rtas, rtas, sizeof(rtas));
	/* And back. */
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_RELEASED);
	enrol(host);
	take(host, 2, &mc);
	assert_int_equal(host->regs[2].gpr3, BUFFER);
}

static void a_registration_in_page_7_checks_its_arguments_and_the_page(void **state)
{
	struct host *host = *state;
	uint64_t system_reset, machine_check;

	assert_int_equal(fwnmi_register2(host->f, NR_CPUS, 0x100, 0x200), FWNMI_ERR_CPU);
	assert_int_equal(fwnmi_register2(host->f, 0, 0x2000000, 0x200), FWNMI_ERR_PARAMETER);
	assert_int_equal(fwnmi_register2(host->f, 0, 0x100, 0x201), FWNMI_ERR_PARAMETER);
	host->memory_size = 0x7ff8;
	assert_int_equal(fwnmi_register2(host->f, 0, 0x100, 0x200), FWNMI_ERR_MEMORY);
	assert_true(fwnmi_registered(host->f, &system_reset, &machine_check));
	assert_int_equal(system_reset, SYSTEM_RESET);
	assert_int_equal(machine_check, MACHINE_CHECK);
	host->memory_size = 0x8000;
	assert_int_equal(fwnmi_register2(host->f, 0, 0x100, 0x200), 0);
}

static void an_event_in_flight_survives_a_later_registration(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(fwnmi_register2(host->f, 0, 0x4000, 0x5000), 0);
	host->may_write = PAGE_7;
	assert_int_equal(fwnmi_owner(host->f), 0);
	assert_int_equal(saved_r3(host, BUFFER), 0x3333000000000000);
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_WAITING);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_at_handler(host, 1, 0x5000, INTERRUPTED_MSR | 0x00200000);
	assert_int_equal(host->regs[1].gpr3, FWNMI_PAGE_7);
}

static void every_call_refuses_a_cpu_that_does_not_exist(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	assert_int_equal(fwnmi_register(host->f, NR_CPUS, 0x100, 0x200), FWNMI_ERR_CPU);
	assert_int_equal(host_machine_check(host, NR_CPUS, &mc), FWNMI_ERR_CPU);
	assert_int_equal(host_system_reset(host, NR_CPUS), FWNMI_ERR_CPU);
	assert_int_equal(fwnmi_interlock(host->f, UINT32_MAX), FWNMI_ERR_CPU);
	assert_int_equal(host_resume(host, NR_CPUS), FWNMI_ERR_CPU);
	assert_int_equal(fwnmi_signal_system_reset(host->f, NR_CPUS, FWNMI_ALL), FWNMI_ERR_CPU);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, NR_CPUS), FWNMI_ERR_CPU);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, INT64_MAX), FWNMI_ERR_CPU);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, -3), FWNMI_ERR_CPU);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, INT64_MIN), FWNMI_ERR_CPU);
}

static void a_partition_reset_forgets_registration_owner_and_waiters(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(host_system_reset(host, 1), FWNMI_WAITING);
	assert_int_equal(fwnmi_reset(host->f), 0);
	assert_false(fwnmi_registered(host->f, NULL, NULL));
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_NOTHING);
	assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
	enrol(host);
	take(host, 2, &mc);
}

/* ---- machine check ---- */

static void
a_machine_check_enters_the_registered_routine_with_the_architected_registers(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 2, &mc);
	assert_at_handler(host, 2, MACHINE_CHECK, INTERRUPTED_MSR | 0x00200000);
	assert_int_equal(host->regs[2].gpr3, BUFFER);
	assert_untouched(host, 0);
	assert_untouched(host, 1);
	assert_untouched(host, 3);
}

static void only_the_cause_bits_of_srr1_come_from_the_platform(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	host->regs[0].msr = UINT64_MAX;
	mc.srr1 = 0;
	take(host, 0, &mc);
	assert_int_equal(host->regs[0].srr1, ~0x783f0000ull);
	fwnmi_interlock(host->f, 0);

	host->regs[0].msr = 0;
	mc.srr1 = UINT64_MAX;
	take(host, 0, &mc);
	assert_int_equal(host->regs[0].srr1, 0x783f0000ull);
}

static void the_handler_starts_in_the_interrupt_endianness(void **state)
{
	struct host *host = *state;
	struct fwnmi_config config = default_config;
	struct fwnmi_machine_check mc = slb_multihit();

	fwnmi_set_interrupt_endian(host->f, true);
	take(host, 0, &mc);
	assert_int_equal(host->regs[0].msr, MSR_LE);
	assert_int_equal(host_system_reset(host, 1), FWNMI_DELIVERED);
	assert_int_equal(host->regs[1].msr, MSR_LE);
	fwnmi_set_interrupt_endian(host->f, false);
	assert_int_equal(host_system_reset(host, 1), FWNMI_DELIVERED);
	assert_int_equal(host->regs[1].msr, MSR_BE);

	config.interrupts_little_endian = true;
	start(host, &config);
	fwnmi_set_interrupt_endian(host->f, false);
	fwnmi_reset(host->f);
	enrol(host);
	take(host, 0, &mc);
	assert_int_equal(host->regs[0].msr, MSR_LE);
}

static void r3_points_to_the_original_r3_and_the_log_in_big_endian(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	fwnmi_set_interrupt_endian(host->f, true);
	host->regs[1].gpr3 = 0x0123456789abcdef;
	take(host, 1, &mc);
	assert_int_equal(saved_r3(host, host->regs[1].gpr3), 0x0123456789abcdef);
	assert_int_equal(host->rtas[SAVE_OFFSET], 0x01);
	assert_int_equal(host->rtas[SAVE_OFFSET + LOG_OFFSET], 6);
}

/* VALID_FWNMI_BUFFER of Linux: rtas.base <= R3 <= rtas.base + rtas.size - 16 */
static void r3_is_where_linux_accepts_it_for_every_cpu(void **state)
{
	struct host *host = *state;
	struct fwnmi_config config = default_config;
	struct fwnmi_machine_check mc = slb_multihit();

	config.save_area_offset = RTAS_SIZE - (uint32_t)fwnmi_rtas_area_size(NR_CPUS);
	start(host, &config);
	enrol(host);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		take(host, cpu, &mc);
		assert_in_range(host->regs[cpu].gpr3, RTAS_BASE, RTAS_BASE + RTAS_SIZE - 16);
		fwnmi_interlock(host->f, cpu);
		assert_int_equal(host_system_reset(host, cpu), FWNMI_DELIVERED);
		assert_in_range(host->regs[cpu].gpr3, RTAS_BASE, RTAS_BASE + RTAS_SIZE - 16);
	}
}

static void the_log_says_what_happened(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = {
		.error_type = FWNMI_MC_UE,
		.error_subtype = FWNMI_UE_LOAD_STORE,
		.severity = FWNMI_SEVERITY_ERROR_SYNC,
		.disposition = FWNMI_DISPOSITION_NOT_RECOVERED,
		.initiator = FWNMI_INITIATOR_MEMORY,
		.transient = true,
		.effective_address_valid = true,
		.logical_address_valid = true,
		.effective_address = 0x7fff12345678,
		.logical_address = 0x3450000,
	};
	struct fwnmi_errlog log;

	take(host, 3, &mc);
	log = buffer_log(host);
	assert_int_equal(log.severity, FWNMI_SEVERITY_ERROR_SYNC);
	assert_int_equal(log.disposition, FWNMI_DISPOSITION_NOT_RECOVERED);
	assert_int_equal(log.initiator, FWNMI_INITIATOR_MEMORY);
	assert_int_equal(log.type, FWNMI_EVENT_PLATFORM_ERROR);
	assert_true(log.has_mc);
	assert_int_equal(log.mc.processor_id, 3);
	assert_int_equal(log.mc.error_type, FWNMI_MC_UE);
	assert_int_equal(log.mc.error_subtype, FWNMI_UE_LOAD_STORE);
	assert_true(log.mc.transient);
	assert_true(log.mc.effective_address_valid);
	assert_int_equal(log.mc.effective_address, 0x7fff12345678);
	assert_true(log.mc.logical_address_valid);
	assert_int_equal(log.mc.logical_address, 0x3450000);
	assert_string_equal(log.primary_src.reference_code, "FWMC0003");
	assert_int_equal(log.main_b.subsystem, 0x20);
}

/* LoPAR: Main-A and Main-B in every version 6 log, a primary SRC in every platform error. */
static void the_log_has_the_sections_a_platform_error_must_have(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	struct fwnmi_errlog log;

	take(host, 0, &mc);
	log = buffer_log(host);
	assert_true(log.has_main_a && log.has_main_b && log.has_primary_src && log.has_mc);
	assert_int_equal(log.main_a.section_count, 4);
	assert_int_equal(log.main_a.creator, 'H');
	assert_int_equal(log.sections[0].id, FWNMI_SECTION_MAIN_A);
	assert_int_equal(log.sections[1].id, FWNMI_SECTION_MAIN_B);
	assert_int_equal(log.flags &
				 (FWNMI_ERRLOG_VALID | FWNMI_ERRLOG_NEW | FWNMI_ERRLOG_BIG_ENDIAN),
			 FWNMI_ERRLOG_VALID | FWNMI_ERRLOG_NEW | FWNMI_ERRLOG_BIG_ENDIAN);
	assert_true(8 + log.extended_length <= FWNMI_ERRLOG_MAX);
}

static void the_log_tells_recovered_degraded_and_unrecoverable_apart(void **state)
{
	static const struct {
		uint8_t disposition, flag, event_severity;
		uint16_t action_flags;
	} expected[] = {
		{ FWNMI_DISPOSITION_FULLY_RECOVERED, FWNMI_ERRLOG_RECOVERABLE, 0x10, 0x2000 },
		{ FWNMI_DISPOSITION_LIMITED_RECOVERY, FWNMI_ERRLOG_DEGRADED, 0x21, 0x2000 },
		{ FWNMI_DISPOSITION_NOT_RECOVERED, FWNMI_ERRLOG_UNRECOVERABLE, 0x40, 0xa000 },
	};
	struct host *host = *state;

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct fwnmi_machine_check mc = slb_multihit();
		struct fwnmi_errlog log;

		mc.disposition = expected[i].disposition;
		take(host, 0, &mc);
		log = buffer_log(host);
		assert_int_equal(log.flags & 0x78, expected[i].flag);
		assert_int_equal(log.main_b.subsystem, 0x10);
		assert_int_equal(log.main_b.event_severity, expected[i].event_severity);
		assert_int_equal(log.main_b.action_flags, expected[i].action_flags);
		fwnmi_interlock(host->f, 0);
	}
}

static void every_log_has_a_platform_log_id_of_its_own(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint32_t last = 0;

	for (unsigned i = 0; i < 10; i++) {
		uint32_t id;

		take(host, 0, &mc);
		id = buffer_log(host).main_a.platform_log_id;
		assert_int_not_equal(id, last);
		last = id;
		fwnmi_interlock(host->f, 0);
	}
}

static void an_unknown_error_is_reported_without_a_machine_check_section(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = { .error_type = FWNMI_MC_UNKNOWN,
					  .severity = FWNMI_SEVERITY_ERROR_SYNC,
					  .disposition = FWNMI_DISPOSITION_NOT_RECOVERED };
	struct fwnmi_errlog log;

	take(host, 0, &mc);
	log = buffer_log(host);
	assert_true(log.has_primary_src);
	assert_false(log.has_mc);
	assert_int_equal(log.main_a.section_count, 3);
}

static void every_type_and_subtype_with_a_name_can_be_delivered(void **state)
{
	struct host *host = *state;
	unsigned delivered = 0;

	for (unsigned type = 0; type < 256; type++) {
		for (unsigned subtype = 0; subtype < 256; subtype++) {
			struct fwnmi_machine_check mc = { .error_type = (uint8_t)type,
							  .error_subtype = (uint8_t)subtype,
							  .severity = FWNMI_SEVERITY_ERROR_SYNC };
			bool without_subtypes = type == FWNMI_MC_UNKNOWN ||
						type == FWNMI_MC_D_CACHE ||
						type == FWNMI_MC_I_CACHE;
			bool known = without_subtypes ?
					     subtype == 0 :
					     fwnmi_mc_subtype_name(type, subtype) != NULL;
			struct fwnmi_errlog log;

			run_something(host, 0);
			if (!known) {
				assert_int_equal(host_machine_check(host, 0, &mc),
						 FWNMI_ERR_INVALID);
				assert_untouched(host, 0);
				continue;
			}
			take(host, 0, &mc);
			log = buffer_log(host);
			assert_int_equal(log.mc.error_type, type == FWNMI_MC_UNKNOWN ? 0 : type);
			assert_int_equal(log.mc.error_subtype, subtype);
			assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
			delivered++;
		}
	}
	assert_int_equal(delivered, 5 + 3 + 3 + 3 + 3);
}

static void a_contradictory_machine_check_is_refused(void **state)
{
	struct host *host = *state;
	const struct fwnmi_machine_check good = slb_multihit();

#define REFUSED(change)                                                                 \
	do {                                                                            \
		struct fwnmi_machine_check mc = good;                                   \
		change;                                                                 \
		assert_int_equal(fwnmi_machine_check_validate(&mc), FWNMI_ERR_INVALID); \
		assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_ERR_INVALID);  \
	} while (0)
	assert_int_equal(fwnmi_machine_check_validate(&good), 0);
	REFUSED(mc.severity = 7);
	REFUSED(mc.disposition = 3);
	REFUSED(mc.initiator = 7);
	REFUSED(mc.transient = true);
	REFUSED(mc.logical_address_valid = true);
	REFUSED(mc.severity = FWNMI_SEVERITY_FATAL);
	REFUSED(mc.error_type = FWNMI_MC_D_CACHE; mc.error_subtype = 0);
	REFUSED(mc.error_type = FWNMI_MC_UNKNOWN; mc.error_subtype = 0);
	REFUSED(mc.error_type = 6; mc.error_subtype = 0; mc.effective_address_valid = false);
#undef REFUSED
	assert_untouched(host, 0);
}

static void a_second_machine_check_before_interlock_ends_the_partition(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t buf[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog log;
	struct fwnmi_regs before;
	int length;

	assert_int_equal(fwnmi_end_log(host->f, buf, sizeof(buf)), 0);
	take(host, 2, &mc);
	before = host->regs[2];
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_ENDED);
	assert_int_equal(host->ends, 1);
	assert_int_equal(host->ended_by, 2);
	assert_int_equal(host->end_reason, FWNMI_END_NESTED_MACHINE_CHECK);
	assert_non_null(strstr(fwnmi_end_reason_text(host->end_reason), "second machine check"));
	assert_non_null(strstr(fwnmi_end_reason_text(FWNMI_END_STALE_HANDLER), "is gone"));
	assert_string_equal(fwnmi_end_reason_text((enum fwnmi_end_reason)0), "unknown reason");
	assert_memory_equal(&host->regs[2], &before, sizeof(before));

	length = fwnmi_end_log(host->f, buf, sizeof(buf));
	assert_true(length > 0);
	assert_int_equal(fwnmi_end_log(host->f, buf, (size_t)length - 1), FWNMI_ERR_NOSPACE);
	assert_int_equal(fwnmi_errlog_decode(&log, buf, (size_t)length), length);
	assert_int_equal(log.severity, FWNMI_SEVERITY_FATAL);
	assert_int_equal(log.disposition, FWNMI_DISPOSITION_NOT_RECOVERED);
	assert_int_equal(log.mc.error_type, FWNMI_MC_SLB);
	assert_int_equal(log.mc.processor_id, 2);
}

static void start_dropping(struct host *host, bool strict)
{
	struct fwnmi_config config = default_config;

	config.nested_machine_check = FWNMI_NESTED_DROP;
	config.strict = strict;
	start_with(host, &config, &all_ops);
	enrol(host);
}

/* As QEMU does. */
static void a_recovered_machine_check_before_interlock_can_be_dropped(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check first = slb_multihit(), mc = slb_multihit();
	uint8_t before[RTAS_SIZE];

	start_dropping(host, false);
	take(host, 0, &first);
	memcpy(before, host->rtas, sizeof(before));
	mc.effective_address = 0xbad;
	for (unsigned repaired = 0; repaired < 2; repaired++) {
		mc.disposition = repaired ? FWNMI_DISPOSITION_NOT_RECOVERED :
					    FWNMI_DISPOSITION_FULLY_RECOVERED;
		assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_DROPPED);
		assert_int_equal(host->outcome.machine_check.disposition,
				 FWNMI_DISPOSITION_FULLY_RECOVERED);
		assert_int_equal(host->repairs, repaired);
		assert_at_handler(host, 0, MACHINE_CHECK, INTERRUPTED_MSR | 0x00200000);
		assert_true(fwnmi_may_run(host->f, 0));
		assert_int_equal(fwnmi_owner(host->f), 0);
	}
	assert_int_equal(fwnmi_signal_machine_check(host->f, 0, &mc), 1);
	assert_int_equal(host_resume(host, 0), FWNMI_DROPPED);
	assert_int_equal(host_resume(host, 0), FWNMI_NOTHING);
	assert_memory_equal(host->rtas, before, sizeof(before));
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	run_something(host, 0);
	take(host, 0, &mc);
}

static void what_is_not_fully_recovered_is_never_dropped(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check first = slb_multihit();

	for (unsigned n = 0; n < 4; n++) {
		struct fwnmi_machine_check mc = n == 3 ? fatal_ue() : slb_multihit();

		start_dropping(host, n == 2);
		host->fail_repair = true;
		if (n == 0)
			mc.disposition = FWNMI_DISPOSITION_LIMITED_RECOVERY;
		if (n == 1)
			mc.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
		/* 2: recovered, but strict */
		take(host, 0, &first);
		assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_ENDED);
		assert_int_equal(host->end_reason, FWNMI_END_NESTED_MACHINE_CHECK);
	}
}

static void an_ended_partition_takes_no_event_until_its_reset(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_ENDED);
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_ENDED);
	assert_int_equal(host_system_reset(host, 2), FWNMI_ENDED);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 2, FWNMI_ALL), 0);
	assert_int_equal(host_resume(host, 1), FWNMI_ENDED);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_NOTHING);
	assert_int_equal(host->ends, 1);
	assert_int_equal(host->kicks[1], 0);
	fwnmi_reset(host->f);
	assert_int_equal(fwnmi_end_log(host->f, NULL, 0), 0);
	enrol(host);
	take(host, 2, &mc);
}

static void a_machine_check_after_the_interlock_is_delivered_anew(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	for (unsigned i = 0; i < 1000; i++) {
		run_something(host, 1);
		take(host, 1, &mc);
		assert_at_handler(host, 1, MACHINE_CHECK, INTERRUPTED_MSR | 0x00200000);
		assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_RELEASED);
	}
	assert_int_equal(host->ends, 0);
}

/* ---- recovery ---- */

static void what_the_host_repairs_is_reported_as_fully_recovered(void **state)
{
	static const uint8_t repairable[][2] = { { FWNMI_MC_SLB, FWNMI_SLB_PARITY },
						 { FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT },
						 { FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT } };
	struct host *host = *state;

	start_with(host, &default_config, &all_ops);
	enrol(host);
	for (unsigned i = 0; i < ARRAY_SIZE(repairable); i++) {
		struct fwnmi_machine_check mc = slb_multihit();

		mc.error_type = repairable[i][0];
		mc.error_subtype = repairable[i][1];
		mc.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
		take(host, i, &mc);
		assert_int_equal(host->repairs, i + 1);
		assert_int_equal(host->repaired_cpu, i);
		assert_int_equal(host->repaired.error_type, repairable[i][0]);
		assert_int_equal(buffer_log(host).disposition, FWNMI_DISPOSITION_FULLY_RECOVERED);
		assert_int_equal(buffer_log(host).severity, FWNMI_SEVERITY_ERROR_SYNC);
		fwnmi_interlock(host->f, i);
	}
}

static void what_the_host_cannot_repair_is_reported_as_it_is(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	start_with(host, &default_config, &all_ops);
	enrol(host);
	host->fail_repair = true;
	mc.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	take(host, 0, &mc);
	assert_int_equal(host->repairs, 1);
	assert_int_equal(buffer_log(host).disposition, FWNMI_DISPOSITION_NOT_RECOVERED);
	fwnmi_interlock(host->f, 0);
	host->fail_repair = false;

	/* Nothing to repair, nothing that can be repaired, and nothing that still matters. */
	mc.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED;
	take(host, 0, &mc);
	fwnmi_interlock(host->f, 0);
	mc.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	mc.severity = FWNMI_SEVERITY_FATAL;
	take(host, 0, &mc);
	fwnmi_interlock(host->f, 0);
	mc = fatal_ue();
	mc.severity = FWNMI_SEVERITY_ERROR_SYNC;
	take(host, 0, &mc);
	assert_int_equal(host->repairs, 1);
}

/* vCPU 0 has the buffer, and vCPU 1 waits with an error that repair() mends; as it was reported. */
static struct fwnmi_machine_check make_second_wait(struct host *host)
{
	struct fwnmi_machine_check mc = slb_multihit();

	start_with(host, &default_config, &all_ops);
	enrol(host);
	take(host, 0, &mc);
	mc.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	return mc;
}

static void a_cpu_that_has_to_wait_is_repaired_when_its_error_comes(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = make_second_wait(host);

	assert_int_equal(host->repairs, 1);
	fwnmi_interlock(host->f, 0);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_int_equal(host->repairs, 1);
	assert_int_equal(buffer_log(host).disposition, FWNMI_DISPOSITION_FULLY_RECOVERED);
	assert_int_equal(mc.disposition, FWNMI_DISPOSITION_NOT_RECOVERED);
}

static void an_outcome_of_a_cpu_that_waits_has_its_machine_check_as_it_is_after_repair(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = make_second_wait(host);

	mc.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED;
	assert_memory_equal(&host->outcome.machine_check, &mc, sizeof(mc));
	assert_int_equal(host_resume(host, 1), FWNMI_WAITING);
	assert_int_equal(host->outcome.vector, 0x200);
	assert_memory_equal(&host->outcome.machine_check, &mc, sizeof(mc));
}

/* ---- several vCPUs ---- */

static void others_wait_for_the_interlock_and_are_delivered_in_order_of_arrival(void **state)
{
	static const unsigned order[] = { 2, 0, 3 };
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 1, &mc);
	for (unsigned i = 0; i < 3; i++) {
		mc.effective_address = 0x1000 + order[i];
		assert_int_equal(host_machine_check(host, order[i], &mc), FWNMI_WAITING);
		assert_untouched(host, order[i]);
		assert_int_equal(host_resume(host, order[i]), FWNMI_WAITING);
	}
	assert_int_equal(host->writes, 1);

	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_RELEASED);
	for (unsigned i = 0; i < 3; i++) {
		unsigned cpu = order[i];

		assert_int_equal(host->last_kicked, cpu);
		assert_int_equal(host->kicks[cpu], 1);
		assert_int_equal(host_resume(host, cpu), FWNMI_DELIVERED);
		assert_at_handler(host, cpu, MACHINE_CHECK, INTERRUPTED_MSR | 0x00200000);
		assert_int_equal(saved_r3(host, BUFFER), 0x3333000000000000 + cpu);
		assert_int_equal(buffer_log(host).mc.effective_address, 0x1000 + cpu);
		assert_int_equal(buffer_log(host).mc.processor_id, cpu);
		assert_int_equal(fwnmi_interlock(host->f, cpu), FWNMI_RELEASED);
	}
	assert_int_equal(fwnmi_interlock(host->f, 3), FWNMI_NOTHING);
	assert_int_equal(host->kicks[1], 0);
}

static void a_newcomer_cannot_overtake_a_waiter_that_has_not_resumed_yet(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_WAITING);
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_WAITING);
	assert_int_equal(host_resume(host, 2), FWNMI_WAITING);
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_NOTHING);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_RELEASED);
	assert_int_equal(host->last_kicked, 0);
}

static void a_cpu_that_is_busy_goes_on_waiting(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_WAITING);
	for (unsigned turn = 1; turn <= 2; turn++) {
		for (unsigned cpu = 2; cpu >= turn; cpu--) {
			host->kicks[cpu] = 0;
			mc.effective_address = 0xbad;
			assert_int_equal(host_machine_check(host, cpu, &mc), FWNMI_ERR_BUSY);
			assert_false(fwnmi_may_run(host->f, cpu));
			assert_int_equal(host->kicks[cpu], 0);
			assert_untouched(host, cpu);
		}
		if (turn == 1)
			assert_int_equal(host_resume(host, 1), FWNMI_WAITING);
		/*
		 * vCPU @turn owns the buffer now but has not resumed, so it still counts as
		 * waiting.
		 */
		assert_int_equal(fwnmi_interlock(host->f, turn - 1), FWNMI_RELEASED);
		assert_int_equal(host_machine_check(host, turn, &mc), FWNMI_ERR_BUSY);
		assert_false(fwnmi_may_run(host->f, turn));
		assert_int_equal(host_resume(host, turn), FWNMI_DELIVERED);
		assert_int_equal(buffer_log(host).mc.effective_address,
				 slb_multihit().effective_address);
	}
}

static void a_waiter_cannot_take_a_second_machine_check(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	mc.effective_address = 0xbad;
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_ERR_BUSY);
	fwnmi_interlock(host->f, 0);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_ERR_BUSY);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_int_equal(buffer_log(host).mc.effective_address, 0xc000000012345678);
	assert_int_equal(host->ends, 0);
}

static void after_a_fatal_report_every_machine_check_says_already_reported(void **state)
{
	static const uint8_t expected[8] = { 0x06, 0xd0, 0x10, 0xe0, 0, 0, 0, 0 };
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit(), fatal = fatal_ue();

	take(host, 0, &fatal);
	assert_int_equal(buffer_log(host).severity, FWNMI_SEVERITY_FATAL);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	fwnmi_interlock(host->f, 0);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_memory_equal(host->rtas + SAVE_OFFSET + LOG_OFFSET, expected, sizeof(expected));
	assert_int_equal(saved_r3(host, BUFFER), 0x3333000000000001);
	fwnmi_interlock(host->f, 1);
	run_something(host, 0);
	take(host, 0, &mc);
	assert_memory_equal(host->rtas + SAVE_OFFSET + LOG_OFFSET, expected, sizeof(expected));
	fwnmi_interlock(host->f, 0);

	/* The next image of the partition starts clean. */
	fwnmi_reset(host->f);
	enrol(host);
	take(host, 0, &mc);
	assert_int_equal(buffer_log(host).severity, FWNMI_SEVERITY_ERROR_SYNC);
}

/* ---- interlock ---- */

static void interlock_without_an_event_succeeds_and_changes_nothing(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_NOTHING);
	assert_int_equal(fwnmi_owner(host->f), -1);
	take(host, 0, &mc);
	assert_int_equal(fwnmi_owner(host->f), 0);
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_WAITING);
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_NOTHING);
	assert_int_equal(fwnmi_interlock(host->f, 2), FWNMI_NOTHING);
	assert_int_equal(host->kicks[2], 0);
	assert_int_equal(host_resume(host, 2), FWNMI_WAITING);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	assert_int_equal(host->kicks[2], 1);
	assert_int_equal(fwnmi_owner(host->f), 2);
}

static void strict_interlock_without_an_event_is_an_error(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	restart_strict(host);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_ERR_NO_EVENT);
	take(host, 0, &mc);
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_ERR_NO_EVENT);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_ERR_NO_EVENT);
}

/* ---- system reset ---- */

static void a_system_reset_saves_r3_in_the_slot_of_its_cpu(void **state)
{
	struct host *host = *state;

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		assert_int_equal(host_system_reset(host, cpu), FWNMI_DELIVERED);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		assert_at_handler(host, cpu, SYSTEM_RESET, INTERRUPTED_MSR);
		assert_int_equal(host->regs[cpu].gpr3, SLOT(cpu));
		assert_int_equal(saved_r3(host, SLOT(cpu)), 0x3333000000000000 + cpu);
	}
}

static void a_strict_system_reset_leaves_r3_alone(void **state)
{
	struct host *host = *state;

	restart_strict(host);
	assert_int_equal(host_system_reset(host, 1), FWNMI_DELIVERED);
	assert_at_handler(host, 1, SYSTEM_RESET, INTERRUPTED_MSR);
	assert_int_equal(host->regs[1].gpr3, 0x3333000000000001);
	assert_int_equal(host->writes, 0);
}

static void a_system_reset_needs_no_interlock_and_disturbs_no_machine_check(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_system_reset(host, 1), FWNMI_DELIVERED);
	/* The owner of the buffer can be reset in its handler: the slot is another place. */
	assert_int_equal(host_system_reset(host, 0), FWNMI_DELIVERED);
	assert_int_equal(host->regs[0].srr0, MACHINE_CHECK);
	assert_int_equal(saved_r3(host, SLOT(0)), BUFFER);
	assert_int_equal(saved_r3(host, BUFFER), 0x3333000000000000);
	assert_int_equal(buffer_log(host).mc.error_type, FWNMI_MC_SLB);
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_NOTHING);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
}

static void a_machine_check_in_a_system_reset_handler_is_delivered(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	assert_int_equal(host_system_reset(host, 0), FWNMI_DELIVERED);
	take(host, 0, &mc);
	assert_int_equal(host->regs[0].srr0, SYSTEM_RESET);
	assert_int_equal(saved_r3(host, BUFFER), SLOT(0));
	assert_int_equal(saved_r3(host, SLOT(0)), 0x3333000000000000);
}

static void system_resets_of_a_waiter_become_one_after_its_interlock(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(host_system_reset(host, 1), FWNMI_WAITING);
	fwnmi_interlock(host->f, 0);
	assert_int_equal(host_system_reset(host, 1), FWNMI_WAITING);
	assert_untouched(host, 1);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_at_handler(host, 1, MACHINE_CHECK, INTERRUPTED_MSR | 0x00200000);
	assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);

	run_something(host, 1); /* only the interlock call is left of the handler */
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_RELEASED);
	assert_int_equal(host->kicks[1], 2);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_at_handler(host, 1, SYSTEM_RESET, INTERRUPTED_MSR);
	assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
}

static void a_system_reset_can_be_signalled_to_one_to_all_or_to_all_others(void **state)
{
	static const struct {
		unsigned cpu;
		int64_t target;
		unsigned expected; /* one bit per vCPU */
	} signals[] = {
		{ 0, 2, 0x4 },
		{ 1, 1, 0x2 },
		{ 0, FWNMI_ALL, 0xf },
		{ 3, FWNMI_ALL, 0xf },
		{ 0, FWNMI_ALL_OTHERS, 0xe },
		{ 2, FWNMI_ALL_OTHERS, 0xb },
	};
	struct host *host = *state;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		memset(host->kicks, 0, sizeof(host->kicks));
		host->writes = 0;
		assert_int_equal(fwnmi_signal_system_reset(host->f, signals[i].cpu,
							   signals[i].target),
				 __builtin_popcount(signals[i].expected));
		assert_int_equal(host->writes, 0);
		for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
			bool meant = signals[i].expected >> cpu & 1;

			run_something(host, cpu);
			assert_int_equal(host->kicks[cpu], meant);
			assert_int_equal(host_resume(host, cpu),
					 meant ? FWNMI_DELIVERED : FWNMI_NOTHING);
			if (meant)
				assert_at_handler(host, cpu, SYSTEM_RESET, INTERRUPTED_MSR);
			else
				assert_untouched(host, cpu);
			assert_int_equal(host_resume(host, cpu), FWNMI_NOTHING);
		}
	}
}

/* The count that signalling returns says nothing about the caller's own reset. */
static void signalling_changes_nothing_for_a_caller_that_is_no_target(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	run_something(host, 2);
	for (int64_t target = FWNMI_ALL_OTHERS; target <= 1; target += 3) {
		assert_int_equal(fwnmi_signal_system_reset(host->f, 2, target),
				 target == FWNMI_ALL_OTHERS ? NR_CPUS - 1 : 1);
		assert_int_equal(host->kicks[2], 0);
		assert_true(fwnmi_may_run(host->f, 2));
		assert_int_equal(host_resume(host, 2), FWNMI_NOTHING);
		assert_untouched(host, 2);
	}
	/* vCPU 1 was a target: it has a reset pending, and waits on without a kick. */
	assert_int_equal(host->kicks[1], 0);
	assert_false(fwnmi_may_run(host->f, 1));
	assert_int_equal(host_resume(host, 1), FWNMI_WAITING);
}

static void signalling_counts_only_those_that_will_take_the_reset(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit(), unsafe = fatal_ue();

	unsafe.unsafe_processor = true;
	assert_int_equal(host_machine_check(host, 3, &unsafe), FWNMI_STOPPED);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, 3), 0);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, FWNMI_ALL), NR_CPUS - 1);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, FWNMI_ALL_OTHERS), NR_CPUS - 2);
	assert_int_equal(host->kicks[3], 0);
	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_ENDED);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, FWNMI_ALL), 0);
}

static void all_others_of_a_single_cpu_are_none(void **state)
{
	struct host *host = *state;
	struct fwnmi_config config = default_config;

	config.nr_cpus = 1;
	start(host, &config);
	enrol(host);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, FWNMI_ALL_OTHERS), 0);
	assert_int_equal(host->kicks[0], 0);
}

static void system_resets_signalled_before_the_cpu_stops_are_one(void **state)
{
	struct host *host = *state;

	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(fwnmi_signal_system_reset(host->f, 0, FWNMI_ALL), NR_CPUS);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
	/* A reset that the host reports itself stands for the pending one as well. */
	assert_int_equal(host_system_reset(host, 2), FWNMI_DELIVERED);
	assert_int_equal(host_resume(host, 2), FWNMI_NOTHING);
}

static void a_system_reset_and_a_signalled_one_are_one(void **state)
{
	struct host *host = *state;

	for (unsigned registered = 0; registered < 2; registered++) {
		start(host, &default_config);
		if (registered)
			enrol(host);
		assert_int_equal(fwnmi_signal_system_reset(host->f, 0, 1), 1);
		assert_int_equal(host_system_reset(host, 1),
				 registered ? FWNMI_DELIVERED : AT_VECTOR);
		assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
	}
}

static void a_signalled_system_reset_of_an_unregistered_guest_takes_the_vector(void **state)
{
	struct host *host = *state;

	start(host, &default_config);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, 1), 1);
	assert_int_equal(host_resume(host, 1), AT_VECTOR);
	assert_at_vector(host, 1, 0x100, INTERRUPTED_MSR);
	assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
}

static void a_signalled_system_reset_breaks_into_a_machine_check_handler(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	host->regs[0].nip = MACHINE_CHECK + 0x40;
	assert_int_equal(fwnmi_signal_system_reset(host->f, 1, 0), 1);
	assert_int_equal(host_resume(host, 0), FWNMI_DELIVERED);
	assert_int_equal(host->regs[0].nip, SYSTEM_RESET);
	assert_int_equal(host->regs[0].srr0, MACHINE_CHECK + 0x40);
	assert_int_equal(saved_r3(host, SLOT(0)), BUFFER);
	assert_int_equal(fwnmi_owner(host->f), 0);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	assert_int_equal(host_resume(host, 0), FWNMI_NOTHING);
}

static void a_machine_check_before_a_signalled_system_reset_puts_it_off(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	/* Delivered at once, on vCPU 0; after a wait, on vCPU 1. */
	assert_int_equal(fwnmi_signal_system_reset(host->f, 3, FWNMI_ALL_OTHERS), NR_CPUS - 1);
	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(host_resume(host, 0), FWNMI_NOTHING);
	assert_at_handler(host, 0, MACHINE_CHECK, INTERRUPTED_MSR | 0x00200000);
	assert_int_equal(host_resume(host, 1), FWNMI_WAITING);

	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	assert_int_equal(host->kicks[0], 2);
	run_something(host, 0);
	assert_int_equal(host_resume(host, 0), FWNMI_DELIVERED);
	assert_at_handler(host, 0, SYSTEM_RESET, INTERRUPTED_MSR);

	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_at_handler(host, 1, MACHINE_CHECK, INTERRUPTED_MSR | 0x00200000);
	assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_RELEASED);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_int_equal(host->regs[1].nip, SYSTEM_RESET);
}

/* ---- withdrawal, and who may run ---- */

static void a_cpu_may_run_unless_fwnmi_holds_it(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit(), unsafe = fatal_ue();

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		assert_true(fwnmi_may_run(host->f, cpu));
	assert_false(fwnmi_may_run(host->f, NR_CPUS));
	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_true(fwnmi_may_run(host->f, 0)); /* it is in its handler */
	assert_false(fwnmi_may_run(host->f, 1));
	fwnmi_interlock(host->f, 0);
	assert_false(fwnmi_may_run(host->f, 1)); /* it has the buffer and has not resumed */
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_true(fwnmi_may_run(host->f, 1));
	unsafe.unsafe_processor = true;
	assert_int_equal(host_machine_check(host, 2, &unsafe), FWNMI_STOPPED);
	assert_false(fwnmi_may_run(host->f, 2));
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_ENDED);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		assert_false(fwnmi_may_run(host->f, cpu));
	fwnmi_reset(host->f);
	assert_true(fwnmi_may_run(host->f, 2));
}

static void a_machine_check_withdrawn_from_the_queue_never_arrives(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	for (unsigned cpu = 1; cpu < NR_CPUS; cpu++)
		assert_int_equal(host_machine_check(host, cpu, &mc), FWNMI_WAITING);
	assert_int_equal(fwnmi_withdraw(host->f, 2), FWNMI_RELEASED);
	assert_int_equal(host->last_kicked, 2);
	assert_true(fwnmi_may_run(host->f, 2));
	assert_int_equal(host_resume(host, 2), FWNMI_NOTHING);
	assert_untouched(host, 2);
	/* The others keep their order. */
	fwnmi_interlock(host->f, 0);
	assert_int_equal(fwnmi_owner(host->f), 1);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	fwnmi_interlock(host->f, 1);
	assert_int_equal(fwnmi_owner(host->f), 3);
	assert_int_equal(host_resume(host, 3), FWNMI_DELIVERED);
	fwnmi_interlock(host->f, 3);
	assert_int_equal(fwnmi_owner(host->f), -1);
	/* And it can have another. */
	take(host, 2, &mc);
}

static void a_withdrawn_machine_check_gives_the_buffer_kept_for_it_to_the_next(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_WAITING);
	fwnmi_interlock(host->f, 0);
	assert_int_equal(fwnmi_withdraw(host->f, 1), FWNMI_RELEASED);
	assert_int_equal(fwnmi_owner(host->f), 2);
	assert_int_equal(host->kicks[2], 1);
	assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
	assert_int_equal(host_resume(host, 2), FWNMI_DELIVERED);
}

static void a_system_reset_behind_a_withdrawn_machine_check_is_delivered(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(host_system_reset(host, 1), FWNMI_WAITING);
	assert_int_equal(fwnmi_withdraw(host->f, 1), FWNMI_RELEASED);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_at_handler(host, 1, SYSTEM_RESET, INTERRUPTED_MSR);
}

static void only_what_waits_can_be_withdrawn(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	assert_int_equal(fwnmi_withdraw(host->f, 0), FWNMI_NOTHING);
	take(host, 0, &mc);
	assert_int_equal(fwnmi_withdraw(host->f, 0), FWNMI_NOTHING);
	assert_int_equal(fwnmi_owner(host->f), 0);
	assert_int_equal(fwnmi_withdraw(host->f, NR_CPUS), FWNMI_ERR_CPU);
	assert_int_equal(host->kicks[0], 0);
}

/* ---- machine checks for vCPUs that run ---- */

static int signal_check(struct host *host, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	return fwnmi_signal_machine_check(host->f, cpu, mc);
}

static void a_signalled_machine_check_is_delivered_at_resume(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	assert_int_equal(signal_check(host, 1, &mc), 1);
	assert_int_equal(host->kicks[1], 1);
	assert_true(fwnmi_may_run(host->f, 1)); /* until it answers */
	assert_int_equal(fwnmi_owner(host->f), -1);
	assert_int_equal(host->writes, 0);
	host->regs[1].nip = 0xc000000000044444;
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_int_equal(host->outcome.vector, 0x200);
	assert_int_equal(host->regs[1].nip, MACHINE_CHECK);
	assert_int_equal(host->regs[1].srr0, 0xc000000000044444);
	assert_int_equal(buffer_log(host).mc.processor_id, 1);
	assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_RELEASED);
}

static void a_signalled_machine_check_joins_the_queue_when_its_cpu_resumes(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(signal_check(host, 1, &mc), 1);
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_WAITING);
	assert_int_equal(host_resume(host, 1), FWNMI_WAITING);
	assert_false(fwnmi_may_run(host->f, 1));
	assert_untouched(host, 1);
	fwnmi_interlock(host->f, 0);
	assert_int_equal(fwnmi_owner(host->f), 2);
	assert_int_equal(host_resume(host, 2), FWNMI_DELIVERED);
	fwnmi_interlock(host->f, 2);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
}

static void a_cpu_has_one_machine_check_that_it_has_not_taken(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit(), second = slb_multihit();

	second.effective_address = 0xbad;
	assert_int_equal(signal_check(host, 1, &mc), 1);
	assert_int_equal(signal_check(host, 1, &second), FWNMI_ERR_BUSY);
	assert_int_equal(host_machine_check(host, 1, &second), FWNMI_ERR_BUSY);
	assert_int_equal(host->kicks[1], 1);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_int_equal(buffer_log(host).mc.effective_address, mc.effective_address);
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_WAITING);
	assert_int_equal(signal_check(host, 2, &second), FWNMI_ERR_BUSY);
}

static void a_machine_check_signalled_to_a_handler_is_nested_until_its_interlock(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(signal_check(host, 0, &mc), 1);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	run_something(host, 0);
	assert_int_equal(host_resume(host, 0), FWNMI_DELIVERED);
	assert_int_equal(signal_check(host, 0, &mc), 1);
	assert_int_equal(host_resume(host, 0), FWNMI_ENDED);
	assert_int_equal(host->end_reason, FWNMI_END_NESTED_MACHINE_CHECK);
	assert_int_equal(signal_check(host, 1, &mc), 0);
}

static void of_a_signalled_reset_and_machine_check_the_machine_check_is_first(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	for (unsigned reset_first = 0; reset_first < 2; reset_first++) {
		run_something(host, 1);
		if (reset_first)
			assert_int_equal(fwnmi_signal_system_reset(host->f, 0, 1), 1);
		assert_int_equal(signal_check(host, 1, &mc), 1);
		if (!reset_first)
			assert_int_equal(fwnmi_signal_system_reset(host->f, 0, 1), 1);
		assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
		assert_int_equal(host->regs[1].nip, MACHINE_CHECK);
		assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
		host->kicks[1] = 0;
		assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_RELEASED);
		assert_int_equal(host->kicks[1], 1);
		assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
		assert_int_equal(host->regs[1].nip, SYSTEM_RESET);
	}
}

static void
without_a_registration_the_reset_behind_a_machine_check_has_a_kick_of_its_own(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	start(host, &default_config);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, 1), 1);
	assert_int_equal(signal_check(host, 1, &mc), 1);
	assert_int_equal(host_resume(host, 1), AT_VECTOR);
	assert_int_equal(host->outcome.vector, 0x200);
	assert_int_equal(host->kicks[1], 3);
	assert_int_equal(host_resume(host, 1), AT_VECTOR);
	assert_int_equal(host->outcome.vector, 0x100);
	assert_int_equal(host->kicks[1], 3);
	assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
}

static void an_unsafe_processor_is_stopped_when_it_resumes(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check unsafe = fatal_ue();

	unsafe.unsafe_processor = true;
	assert_int_equal(signal_check(host, 3, &unsafe), 1);
	assert_true(fwnmi_may_run(host->f, 3));
	assert_int_equal(host_resume(host, 3), FWNMI_STOPPED);
	assert_false(fwnmi_may_run(host->f, 3));
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_EVENT_SCAN, ~0u), 1);
	assert_int_equal(signal_check(host, 3, &unsafe), 0);
	assert_int_equal(host->kicks[3], 1);
}

static void a_signalled_machine_check_can_be_withdrawn(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	assert_int_equal(signal_check(host, 1, &mc), 1);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, 1), 1);
	assert_int_equal(fwnmi_withdraw(host->f, 1), FWNMI_RELEASED);
	assert_int_equal(fwnmi_withdraw(host->f, 1), FWNMI_NOTHING);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_at_handler(host, 1, SYSTEM_RESET, INTERRUPTED_MSR);
	assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
	take(host, 1, &mc);
}

static void a_signal_that_cannot_be_delivered_is_refused(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	assert_int_equal(signal_check(host, NR_CPUS, &mc), FWNMI_ERR_CPU);
	mc.error_subtype = 7;
	assert_int_equal(signal_check(host, 0, &mc), FWNMI_ERR_INVALID);
	assert_int_equal(host->kicks[0], 0);
	assert_int_equal(host_resume(host, 0), FWNMI_NOTHING);
	mc = slb_multihit();
	assert_int_equal(signal_check(host, 0, &mc), 1);
	fwnmi_reset(host->f);
	assert_int_equal(host_resume(host, 0), FWNMI_NOTHING);
}

/* A plain model of the rules, driven by a fixed pseudo-random sequence of calls for four vCPUs. */
static void a_long_random_interleaving_loses_and_doubles_no_machine_check(void **state)
{
	struct host *host = *state;
	unsigned queue[NR_CPUS], queued = 0, reported = 0, delivered = 0, released = 0;
	int owner = -1;
	uint32_t seed = 42;

	for (unsigned step = 0; step < 200000; step++) {
		struct fwnmi_machine_check mc = slb_multihit();
		unsigned cpu;
		bool busy = false;

		seed = seed * 1664525 + 1013904223;
		cpu = seed >> 30;
		for (unsigned i = 0; i < queued; i++)
			busy |= queue[i] == cpu;
		mc.effective_address = reported;

		if ((seed >> 20) % 2 == 0) {
			if (owner == (int)cpu)
				continue; /* would end the partition */
			if (busy) {
				assert_int_equal(host_machine_check(host, cpu, &mc),
						 FWNMI_ERR_BUSY);
			} else if (owner >= 0) {
				assert_int_equal(host_machine_check(host, cpu, &mc), FWNMI_WAITING);
				queue[queued++] = cpu;
				reported++;
			} else {
				take(host, cpu, &mc);
				assert_int_equal(buffer_log(host).mc.effective_address, delivered);
				owner = (int)cpu;
				reported++;
				delivered++;
			}
		} else if (owner == (int)cpu) {
			assert_int_equal(fwnmi_interlock(host->f, cpu), FWNMI_RELEASED);
			released++;
			owner = -1;
			if (queued > 0) {
				assert_int_equal(host->last_kicked, queue[0]);
				assert_int_equal(host_resume(host, queue[0]), FWNMI_DELIVERED);
				assert_int_equal(buffer_log(host).mc.effective_address, delivered);
				assert_int_equal(buffer_log(host).mc.processor_id, queue[0]);
				owner = (int)queue[0];
				delivered++;
				memmove(queue, queue + 1, --queued * sizeof(queue[0]));
			}
		} else {
			assert_int_equal(fwnmi_interlock(host->f, cpu), FWNMI_NOTHING);
		}
	}
	assert_true(reported > 10000);
	assert_int_equal(reported, delivered + queued);
	assert_int_equal(delivered, released + (owner >= 0));
	assert_int_equal(host->ends, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(init_refuses_a_missing_operation),
		test(init_refuses_an_impossible_configuration),
		test(a_refused_configuration_has_its_wrong_member_named),
		test(a_log_has_the_processors_server_number),
		test(the_rtas_area_may_be_above_4_gib),
		test(the_library_says_its_version),
		test(each_rtas_call_has_its_status),
		test(an_event_can_be_returned_from_with_msr_ri_alone),
		test(rtas_area_holds_the_longest_log_and_a_slot_for_every_cpu),
		test(a_smaller_buffer_leaves_room_for_slots_in_a_smaller_rtas_area),
		test(nothing_is_registered_before_the_guest_registers),
		test(the_architected_machine_check_has_dsisr_and_dar_where_the_cause_has_them),
		test(the_architected_interrupt_keeps_me_and_has_the_interrupts_byte_order),
		test(the_architected_interrupt_can_be_had_whatever_is_registered),
		test(registration_is_remembered_with_both_addresses),
		test(registration_takes_addresses_in_the_first_32_mib_only),
		test(registration_refuses_a_routine_outside_guest_memory),
		test(a_later_registration_replaces_the_routines),
		test(a_registration_in_page_7_moves_the_error_area_there),
		test(a_registration_in_page_7_checks_its_arguments_and_the_page),
		test(an_event_in_flight_survives_a_later_registration),
		test(every_call_refuses_a_cpu_that_does_not_exist),
		test(a_partition_reset_forgets_registration_owner_and_waiters),
		test(a_machine_check_enters_the_registered_routine_with_the_architected_registers),
		test(only_the_cause_bits_of_srr1_come_from_the_platform),
		test(the_handler_starts_in_the_interrupt_endianness),
		test(r3_points_to_the_original_r3_and_the_log_in_big_endian),
		test(r3_is_where_linux_accepts_it_for_every_cpu),
		test(the_log_says_what_happened),
		test(the_log_has_the_sections_a_platform_error_must_have),
		test(the_log_tells_recovered_degraded_and_unrecoverable_apart),
		test(every_log_has_a_platform_log_id_of_its_own),
		test(an_unknown_error_is_reported_without_a_machine_check_section),
		test(every_type_and_subtype_with_a_name_can_be_delivered),
		test(a_contradictory_machine_check_is_refused),
		test(a_second_machine_check_before_interlock_ends_the_partition),
		test(a_recovered_machine_check_before_interlock_can_be_dropped),
		test(what_is_not_fully_recovered_is_never_dropped),
		test(an_ended_partition_takes_no_event_until_its_reset),
		test(a_machine_check_after_the_interlock_is_delivered_anew),
		test(what_the_host_repairs_is_reported_as_fully_recovered),
		test(what_the_host_cannot_repair_is_reported_as_it_is),
		test(a_cpu_that_has_to_wait_is_repaired_when_its_error_comes),
		test(an_outcome_of_a_cpu_that_waits_has_its_machine_check_as_it_is_after_repair),
		test(others_wait_for_the_interlock_and_are_delivered_in_order_of_arrival),
		test(a_newcomer_cannot_overtake_a_waiter_that_has_not_resumed_yet),
		test(a_waiter_cannot_take_a_second_machine_check),
		test(a_cpu_that_is_busy_goes_on_waiting),
		test(after_a_fatal_report_every_machine_check_says_already_reported),
		test(interlock_without_an_event_succeeds_and_changes_nothing),
		test(strict_interlock_without_an_event_is_an_error),
		test(a_system_reset_saves_r3_in_the_slot_of_its_cpu),
		test(a_strict_system_reset_leaves_r3_alone),
		test(a_system_reset_needs_no_interlock_and_disturbs_no_machine_check),
		test(a_machine_check_in_a_system_reset_handler_is_delivered),
		test(system_resets_of_a_waiter_become_one_after_its_interlock),
		test(a_system_reset_can_be_signalled_to_one_to_all_or_to_all_others),
		test(signalling_changes_nothing_for_a_caller_that_is_no_target),
		test(signalling_counts_only_those_that_will_take_the_reset),
		test(all_others_of_a_single_cpu_are_none),
		test(system_resets_signalled_before_the_cpu_stops_are_one),
		test(a_system_reset_and_a_signalled_one_are_one),
		test(a_signalled_system_reset_of_an_unregistered_guest_takes_the_vector),
		test(a_signalled_system_reset_breaks_into_a_machine_check_handler),
		test(a_machine_check_before_a_signalled_system_reset_puts_it_off),
		test(a_cpu_may_run_unless_fwnmi_holds_it),
		test(a_machine_check_withdrawn_from_the_queue_never_arrives),
		test(a_withdrawn_machine_check_gives_the_buffer_kept_for_it_to_the_next),
		test(a_system_reset_behind_a_withdrawn_machine_check_is_delivered),
		test(only_what_waits_can_be_withdrawn),
		test(a_signalled_machine_check_is_delivered_at_resume),
		test(a_signalled_machine_check_joins_the_queue_when_its_cpu_resumes),
		test(a_cpu_has_one_machine_check_that_it_has_not_taken),
		test(a_machine_check_signalled_to_a_handler_is_nested_until_its_interlock),
		test(of_a_signalled_reset_and_machine_check_the_machine_check_is_first),
		test(without_a_registration_the_reset_behind_a_machine_check_has_a_kick_of_its_own),
		test(an_unsafe_processor_is_stopped_when_it_resumes),
		test(a_signalled_machine_check_can_be_withdrawn),
		test(a_signal_that_cannot_be_delivered_is_refused),
		test(a_long_random_interleaving_loses_and_doubles_no_machine_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
