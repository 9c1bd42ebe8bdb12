/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registered routines that are gone, and permitted changes to them by the OS. The mitigations are
 * those that Linux 6.1 and 6.12 were seen to patch into their handlers after registration.
 */
#include "library.h"

#define NOP    0x60000000u
#define SLOT_1 6 /* index of the first of six nops in routine[] */
#define SLOTS  6

/* The start of an interrupt handler like Linux's: saves registers, and has slots to patch. */
static const uint32_t routine[] = {
	0x7db243a6, /* mtsprg 2,r13 */
	0x7db142a6, /* mfsprg r13,1 */
	0xf92d0100, /* std r9,256(r13) */
	0x7d20e2a6, /* mfppr r9 */
	0xf94d0108, /* std r10,264(r13) */
	0x7d5c02a6, /* mfcfar r10 */
	NOP,	    NOP, NOP, NOP, NOP, NOP, 0x7d4902a6, /* mfctr r10 */
	0x7d200026, /* mfcr r9 */
	0x7d7a02a6, /* mfsrr0 r11 */
	0x7d9b02a6, /* mfsrr1 r12 */
	0xe94d0018, /* ld r10,24(r13) */
	0x7d4903a6, /* mtctr r10 */
	0x4e800420, /* bctr */
};

static const uint32_t mitigations[][SLOTS] = {
	{ 0x7e0006ac, NOP, NOP, 0x63ff0000, 0x63de0000, 0x7c12dba6 }, /* eieio; flush by hardware */
	{ 0x7c0004ac, 0xe94d0000, 0x63ff0000, 0x63ff0000, 0x63de0000,
	  0x7c12dba6 }, /* sync, ld, ori */
	{ 0x7e0006ac, NOP, NOP, 0x7d4802a6, 0x4800071d, 0x7d4803a6 }, /* flush by a call */
	{ 0x7d4802a6, 0x48000dd1, 0x7d4803a6, 0x7d4802a6, 0x4800071d,
	  0x7d4803a6 }, /* both by calls */
	{ NOP, NOP, NOP, NOP, NOP, NOP },
};

static void set_endian(struct host *host, bool little_endian)
{
	host->config.interrupts_little_endian = little_endian;
	fwnmi_set_interrupt_endian(host->f, little_endian);
}

static void put_insn(struct host *host, uint64_t address, uint32_t insn)
{
	bool little = host->config.interrupts_little_endian;

	for (unsigned i = 0; i < 4; i++)
		host->low_memory[address + i] = (uint8_t)(insn >> (little ? 8 * i : 24 - 8 * i));
}

static void put_routine(struct host *host, uint64_t address)
{
	for (unsigned i = 0; i < ARRAY_SIZE(routine); i++)
		put_insn(host, address + 4 * i, routine[i]);
}

static void put_slots(struct host *host, uint64_t address, const uint32_t *insns)
{
	for (unsigned i = 0; i < SLOTS; i++)
		put_insn(host, address + 4 * (SLOT_1 + i), insns[i]);
}

static void load_guest(struct host *host)
{
	memset(host->low_memory, 0, sizeof(host->low_memory));
	put_routine(host, SYSTEM_RESET);
	put_routine(host, MACHINE_CHECK);
	enrol(host);
}

static int set_up_guest(void **state)
{
	set_up(state);
	load_guest(*state);
	return 0;
}

static void restart_with_policy(struct host *host, enum fwnmi_stale_policy policy)
{
	struct fwnmi_config config = default_config;

	config.stale_handler = policy;
	start(host, &config);
	load_guest(host);
}

/* Does a machine check enter the vCPU's routine? */
static int try_machine_check(struct host *host)
{
	struct fwnmi_machine_check mc = slb_multihit();
	int result;

	run_something(host, 0);
	result = host_machine_check(host, 0, &mc);
	if (result == FWNMI_DELIVERED)
		assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	else
		assert_at_vector(host, 0, 0x200, INTERRUPTED_MSR | 0x00200000);
	assert_int_equal(fwnmi_owner(host->f), -1);
	return result;
}

static int try_system_reset(struct host *host)
{
	int result;

	run_something(host, 0);
	result = host_system_reset(host, 0);
	if (result != FWNMI_DELIVERED)
		assert_at_vector(host, 0, 0x100, INTERRUPTED_MSR);
	return result;
}

/* ---- what counts as the same ---- */

static void untouched_routines_stand(void **state)
{
	struct host *host = *state;

	assert_true(fwnmi_handlers_stand(host->f));
	assert_int_equal(try_machine_check(host), FWNMI_DELIVERED);
	assert_int_equal(try_system_reset(host), FWNMI_DELIVERED);
	start(host, &default_config);
	assert_true(fwnmi_handlers_stand(host->f)); /* there are no routines */
}

static void mitigations_come_and_go_in_either_byte_order(void **state)
{
	struct host *host = *state;

	for (unsigned little = 0; little < 2; little++) {
		start(host, &default_config);
		set_endian(host, little);
		load_guest(host);
		/* From no mitigation to each, and from each to each. */
		for (size_t from = 0; from < ARRAY_SIZE(mitigations); from++) {
			put_slots(host, SYSTEM_RESET, mitigations[from]);
			put_slots(host, MACHINE_CHECK, mitigations[from]);
			assert_true(fwnmi_handlers_stand(host->f));
			enrol(host);
			for (size_t to = 0; to < ARRAY_SIZE(mitigations); to++) {
				put_slots(host, SYSTEM_RESET, mitigations[to]);
				put_slots(host, MACHINE_CHECK, mitigations[to]);
				assert_int_equal(try_machine_check(host), FWNMI_DELIVERED);
				assert_int_equal(try_system_reset(host), FWNMI_DELIVERED);
			}
			put_slots(host, SYSTEM_RESET, mitigations[from]);
			put_slots(host, MACHINE_CHECK, mitigations[from]);
			enrol(host);
		}
	}
}

static void the_byte_order_may_be_set_after_the_registration(void **state)
{
	struct host *host = *state;

	set_endian(host, true);
	load_guest(host);
	set_endian(host, false);
	enrol(host); /* little-endian routines, misread as big-endian */
	set_endian(host, true);
	put_slots(host, MACHINE_CHECK, mitigations[0]);
	assert_int_equal(try_machine_check(host), FWNMI_DELIVERED);
}

static void any_other_change_of_any_instruction_makes_it_stale(void **state)
{
	static const uint32_t others[] = { 0, 0xffffffff, 0x48000100, 0x7fe00008, 0x4e800020 };
	struct host *host = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(routine); i++) {
		for (unsigned j = 0; j < ARRAY_SIZE(others); j++) {
			put_insn(host, MACHINE_CHECK + 4 * i, others[j]);
			assert_int_equal(try_machine_check(host), AT_VECTOR_STALE);
			assert_false(fwnmi_handlers_stand(host->f));
			assert_int_equal(try_system_reset(host), FWNMI_DELIVERED);
			put_insn(host, MACHINE_CHECK + 4 * i, routine[i]);

			put_insn(host, SYSTEM_RESET + 4 * i, others[j]);
			assert_int_equal(try_system_reset(host), AT_VECTOR_STALE);
			assert_false(fwnmi_handlers_stand(host->f));
			assert_int_equal(try_machine_check(host), FWNMI_DELIVERED);
			put_insn(host, SYSTEM_RESET + 4 * i, routine[i]);
		}
		/* An instruction with an effect must not become a nop. */
		if (routine[i] != NOP) {
			put_insn(host, MACHINE_CHECK + 4 * i, NOP);
			assert_int_equal(try_machine_check(host), AT_VECTOR_STALE);
			put_insn(host, MACHINE_CHECK + 4 * i, routine[i]);
		}
	}
	assert_true(fwnmi_handlers_stand(host->f));
}

static void what_lies_behind_the_routines_last_branch_does_not_matter(void **state)
{
	struct host *host = *state;

	host->low_memory[MACHINE_CHECK + 4 * ARRAY_SIZE(routine)] = 0xff;
	assert_int_equal(try_machine_check(host), FWNMI_DELIVERED);
}

static void each_unconditional_branch_ends_a_routine_and_no_other_does(void **state)
{
	static const struct {
		uint32_t insn;
		bool ends;
	} branches[] = {
		{ 0x48000100, true },  { 0x48000102, true },  { 0x4e800020, true },
		{ 0x4e800420, true },  { 0x4e800460, true },  { 0x4c000024, true },
		{ 0x4c000224, true },  { 0x48000101, false }, { 0x4e800021, false },
		{ 0x4d820020, false }, { 0x41820010, false }, { 0x60000000, false },
	};
	struct host *host = *state;

	for (size_t i = 0; i < ARRAY_SIZE(branches); i++) {
		memset(host->low_memory, 0, sizeof(host->low_memory));
		put_insn(host, MACHINE_CHECK, branches[i].insn);
		enrol(host);
		host->low_memory[MACHINE_CHECK + 4] = 0xff;
		assert_int_equal(try_machine_check(host),
				 branches[i].ends ? FWNMI_DELIVERED : AT_VECTOR_STALE);
	}
}

static void a_routine_without_a_branch_is_compared_up_to_the_limit(void **state)
{
	struct host *host = *state;

	memset(host->low_memory, 0, sizeof(host->low_memory));
	enrol(host);
	host->low_memory[MACHINE_CHECK + 4 * FWNMI_HANDLER_INSNS] = 0xff;
	assert_int_equal(try_machine_check(host), FWNMI_DELIVERED);
	host->low_memory[MACHINE_CHECK + 4 * FWNMI_HANDLER_INSNS - 1] = 0xff;
	assert_int_equal(try_machine_check(host), AT_VECTOR_STALE);
}

static void a_routine_may_stand_at_the_end_of_memory(void **state)
{
	struct host *host = *state;

	host->memory_size = 0x8000;
	assert_int_equal(fwnmi_register(host->f, 0, SYSTEM_RESET, 0x7ff8), 0);
	assert_int_equal(try_machine_check(host), FWNMI_DELIVERED);
	host->memory_size = 0x7ffc;
	assert_int_equal(try_machine_check(host), AT_VECTOR_STALE);
}

static void a_later_registration_remembers_anew(void **state)
{
	struct host *host = *state;

	memset(host->low_memory, 0, sizeof(host->low_memory));
	assert_int_equal(try_machine_check(host), AT_VECTOR_STALE);
	enrol(host);
	assert_int_equal(try_machine_check(host), FWNMI_DELIVERED);
	put_routine(host, MACHINE_CHECK);
	assert_int_equal(try_machine_check(host), AT_VECTOR_STALE);
}

/* ---- the outcome of the event ---- */

static void the_policy_can_be_to_deliver_all_the_same(void **state)
{
	struct host *host = *state;

	restart_with_policy(host, FWNMI_STALE_DELIVER);
	memset(host->low_memory, 0, sizeof(host->low_memory));
	assert_int_equal(try_machine_check(host), FWNMI_DELIVERED);
	assert_int_equal(try_system_reset(host), FWNMI_DELIVERED);
	assert_false(fwnmi_handlers_stand(host->f));
}

static void the_policy_can_be_to_end_the_partition(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t buf[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog log;
	int length;

	restart_with_policy(host, FWNMI_STALE_END);
	host->low_memory[MACHINE_CHECK] = 0xff;
	assert_int_equal(try_system_reset(host), FWNMI_DELIVERED);
	assert_int_equal(host_machine_check(host, 3, &mc), FWNMI_ENDED);
	assert_int_equal(host->ends, 1);
	assert_int_equal(host->ended_by, 3);
	assert_int_equal(host->end_reason, FWNMI_END_STALE_HANDLER);
	length = fwnmi_end_log(host->f, buf, sizeof(buf));
	assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), length);
	assert_int_equal(log.severity, FWNMI_SEVERITY_FATAL);
	assert_int_equal(log.mc.error_type, FWNMI_MC_SLB);

	restart_with_policy(host, FWNMI_STALE_END);
	host->low_memory[SYSTEM_RESET] = 0xff;
	assert_int_equal(host_system_reset(host, 2), FWNMI_ENDED);
	assert_int_equal(host->end_reason, FWNMI_END_STALE_HANDLER);
	assert_true(fwnmi_end_log(host->f, buf, sizeof(buf)) > 0);
}

static void there_is_no_fourth_policy(void **state)
{
	struct host *host = *state;
	struct fwnmi_config config = default_config;

	config.stale_handler = (enum fwnmi_stale_policy)3;
	assert_int_equal(host_init(host, &config, &ops, MEMORY_SIZE, 0), FWNMI_ERR_INVALID);
}

static void a_waiter_of_a_stale_routine_is_handed_back_and_the_next_has_its_turn(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	for (unsigned cpu = 1; cpu < NR_CPUS; cpu++) {
		mc.effective_address = cpu;
		assert_int_equal(host_machine_check(host, cpu, &mc), FWNMI_WAITING);
	}
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	host->low_memory[MACHINE_CHECK] ^= 0xff;
	for (unsigned cpu = 1; cpu < NR_CPUS; cpu++) {
		assert_int_equal(host->last_kicked, cpu);
		if (cpu == 3)
			host->low_memory[MACHINE_CHECK] ^= 0xff; /* restored */
		if (cpu == 3) {
			assert_int_equal(host_resume(host, cpu), FWNMI_DELIVERED);
			assert_int_equal(buffer_log(host).mc.effective_address, 3);
			break;
		}
		assert_int_equal(host_resume(host, cpu), AT_VECTOR_STALE);
		assert_at_vector(host, cpu, 0x200, INTERRUPTED_MSR | 0x00200000);
		assert_int_equal(host->outcome.vector, 0x200);
		assert_int_equal(host->outcome.machine_check.effective_address, cpu);
		assert_int_equal(host->outcome.machine_check.error_type, FWNMI_MC_SLB);
		assert_int_equal(host_resume(host, cpu), FWNMI_NOTHING);
		assert_int_equal(host->outcome.vector, 0);
	}
	assert_int_equal(fwnmi_interlock(host->f, 3), FWNMI_RELEASED);
	assert_int_equal(fwnmi_owner(host->f), -1);
}

static void a_system_reset_behind_a_machine_check_handed_back_comes_later(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(host_system_reset(host, 1), FWNMI_WAITING);
	fwnmi_interlock(host->f, 0);
	host->low_memory[MACHINE_CHECK] ^= 0xff;
	assert_int_equal(host_resume(host, 1), AT_VECTOR_STALE);
	assert_int_equal(host->outcome.vector, 0x200);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_int_equal(host->regs[1].nip, SYSTEM_RESET);
}

static void a_signalled_system_reset_of_a_stale_routine_is_handed_back_once(void **state)
{
	struct host *host = *state;

	host->low_memory[SYSTEM_RESET] ^= 0xff;
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, FWNMI_ALL), NR_CPUS);
	assert_int_equal(host_resume(host, 2), AT_VECTOR_STALE);
	assert_int_equal(host->outcome.vector, 0x100);
	assert_int_equal(host_resume(host, 2), FWNMI_NOTHING);

	start(host, &default_config);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, 1), 1);
	assert_int_equal(host_resume(host, 1), AT_VECTOR);
	assert_int_equal(host->outcome.vector, 0x100);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up_guest, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(untouched_routines_stand),
		test(mitigations_come_and_go_in_either_byte_order),
		test(the_byte_order_may_be_set_after_the_registration),
		test(any_other_change_of_any_instruction_makes_it_stale),
		test(what_lies_behind_the_routines_last_branch_does_not_matter),
		test(each_unconditional_branch_ends_a_routine_and_no_other_does),
		test(a_routine_without_a_branch_is_compared_up_to_the_limit),
		test(a_routine_may_stand_at_the_end_of_memory),
		test(a_later_registration_remembers_anew),
		test(the_policy_can_be_to_deliver_all_the_same),
		test(the_policy_can_be_to_end_the_partition),
		test(there_is_no_fourth_policy),
		test(a_waiter_of_a_stale_routine_is_handed_back_and_the_next_has_its_turn),
		test(a_system_reset_behind_a_machine_check_handed_back_comes_later),
		test(a_signalled_system_reset_of_a_stale_routine_is_handed_back_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
