/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A partition of a thousand vCPUs, in memory of exactly the size that fwnmi_sizeof() says, so that
 * a memory checker sees any access beyond it.
 */
#include <fwnmi/fwnmi.h>

#include "unit.h"

enum {
	NR_CPUS = 1000,
	RTAS_BASE = 0x1000000,
	SYSTEM_RESET = 0x2000,
	MACHINE_CHECK = 0x3000,
	BUFFER = RTAS_BASE + 0x100,
	SLOTS_IN_PAGE_7 = 127,
};

struct large {
	struct fwnmi *f;
	unsigned kicks[NR_CPUS];
	struct fwnmi_outcome outcome;
};

static const struct fwnmi_config large_config = {
	.nr_cpus = NR_CPUS,
	.rtas_base = RTAS_BASE,
	.rtas_size = 0x100 + FWNMI_MC_BUFFER_SIZE + NR_CPUS * FWNMI_SYSTEM_RESET_SLOT_SIZE,
	.save_area_offset = 0x100,
};

static int read_memory(void *opaque, uint64_t address, void *buf, size_t len)
{
	(void)opaque;
	(void)address;
	memset(buf, 0x60, len);
	return 0;
}

static void kick(void *opaque, unsigned cpu)
{
	struct large *large = opaque;

	assert_in_range(cpu, 0, NR_CPUS - 1);
	large->kicks[cpu]++;
}

static const struct fwnmi_ops ops = { .read_memory = read_memory, .kick = kick };

static struct large *make_with(const struct fwnmi_config *config)
{
	struct large *large = calloc(1, sizeof(*large));
	size_t size = fwnmi_sizeof(config);

	assert_non_null(large);
	assert_true(size > 0);
	large->f = malloc(size);
	assert_non_null(large->f);
	assert_int_equal(fwnmi_init(large->f, size, &ops, large, config), 0);
	return large;
}

static struct large *make(void)
{
	return make_with(&large_config);
}

static void destroy(struct large *large)
{
	free(large->f);
	free(large);
}

static int set_up(void **state)
{
	struct large *large = make();

	assert_int_equal(fwnmi_register(large->f, NR_CPUS - 1, SYSTEM_RESET, MACHINE_CHECK), 0);
	*state = large;
	return 0;
}

static int tear_down(void **state)
{
	destroy(*state);
	return 0;
}

static struct fwnmi_regs registers_of(unsigned cpu)
{
	return (struct fwnmi_regs){ .gpr3 = 0x3300000000000000 + cpu, .nip = 0x10000 };
}

static int resume(struct large *large, unsigned cpu)
{
	const struct fwnmi_regs regs = registers_of(cpu);

	assert_int_equal(fwnmi_resume(large->f, cpu, &regs, &large->outcome), 0);
	return large->outcome.result;
}

static int machine_check(struct large *large, unsigned cpu, bool unsafe)
{
	const struct fwnmi_regs regs = registers_of(cpu);
	const struct fwnmi_machine_check mc = {
		.error_type = FWNMI_MC_SLB,
		.error_subtype = FWNMI_SLB_MULTIHIT,
		.severity = FWNMI_SEVERITY_ERROR_SYNC,
		.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED,
		.unsafe_processor = unsafe,
		.effective_address_valid = true,
		.effective_address = cpu,
	};

	assert_int_equal(fwnmi_machine_check(large->f, cpu, &regs, &mc, &large->outcome), 0);
	return large->outcome.result;
}

/* Delivered to this vCPU: the log and the R3 in it are its own. */
static void assert_machine_check_of(const struct large *large, unsigned cpu)
{
	const struct fwnmi_outcome *outcome = &large->outcome;
	struct fwnmi_errlog log;

	assert_int_equal(outcome->regs.nip, MACHINE_CHECK);
	assert_int_equal(outcome->regs.gpr3, BUFFER);
	assert_int_equal(outcome->write.address, BUFFER);
	assert_int_equal(outcome->write.bytes[6] << 8 | outcome->write.bytes[7], cpu);
	assert_true(fwnmi_errlog_decode(&log, outcome->write.bytes + 8, outcome->write.length - 8) >
		    0);
	assert_int_equal(log.mc.processor_id, cpu);
	assert_int_equal(log.mc.effective_address, cpu);
}

/* A number below NR_CPUS for each index, in an order that is not theirs. */
static unsigned shuffled(unsigned index)
{
	return index * 7919 % NR_CPUS;
}

/* All have one: the first in the order of shuffled() has the buffer, the others wait in it. */
static void queue_all(struct large *large)
{
	assert_int_equal(machine_check(large, shuffled(0), false), FWNMI_DELIVERED);
	assert_machine_check_of(large, shuffled(0));
	for (unsigned i = 1; i < NR_CPUS; i++)
		assert_int_equal(machine_check(large, shuffled(i), false), FWNMI_WAITING);
	for (unsigned i = 1; i < NR_CPUS; i++)
		assert_false(fwnmi_may_run(large->f, shuffled(i)));
}

/* The interlock of vCPU @i in the order of shuffled() gives the buffer to @next. */
static void pass_on(struct large *large, unsigned i, unsigned next)
{
	assert_int_equal(fwnmi_interlock(large->f, shuffled(i)), FWNMI_RELEASED);
	assert_int_equal(fwnmi_owner(large->f), shuffled(next));
	assert_int_equal(resume(large, shuffled(next)), FWNMI_DELIVERED);
	assert_machine_check_of(large, shuffled(next));
}

static void a_thousand_machine_checks_are_delivered_in_their_order(void **state)
{
	struct large *large = *state;

	for (unsigned round = 0; round < 2; round++) {
		queue_all(large);
		for (unsigned i = 0; i + 1 < NR_CPUS; i++)
			pass_on(large, i, i + 1);
		assert_int_equal(fwnmi_interlock(large->f, shuffled(NR_CPUS - 1)), FWNMI_RELEASED);
		assert_int_equal(fwnmi_owner(large->f), -1);
		for (unsigned i = 0; i < NR_CPUS; i++)
			assert_int_equal(large->kicks[shuffled(i)], i == 0 ? 0 : round + 1);
	}
}

static void a_withdrawn_machine_check_leaves_the_others_in_their_order(void **state)
{
	struct large *large = *state;

	queue_all(large);
	for (unsigned i = 1; i < NR_CPUS; i += 2)
		assert_int_equal(fwnmi_withdraw(large->f, shuffled(i)), FWNMI_RELEASED);
	for (unsigned i = 0; i + 2 < NR_CPUS; i += 2)
		pass_on(large, i, i + 2);
	assert_int_equal(fwnmi_interlock(large->f, shuffled(NR_CPUS - 2)), FWNMI_RELEASED);
	assert_int_equal(fwnmi_owner(large->f), -1);
}

static void the_queue_of_a_thousand_goes_on_elsewhere(void **state)
{
	struct large *large = *state, *to = make();
	uint8_t *record, *again;
	size_t length;

	queue_all(large);
	for (unsigned i = 0; i < NR_CPUS / 2; i++)
		pass_on(large, i, i + 1);
	assert_int_equal(fwnmi_signal_system_reset(large->f, 0, shuffled(NR_CPUS - 1)), 1);
	length = fwnmi_state_size(large->f);
	record = malloc(length);
	again = malloc(length);
	assert_non_null(record);
	assert_non_null(again);
	assert_int_equal(fwnmi_save(large->f, record, length), length);
	assert_int_equal(fwnmi_load(to->f, record, length), 0);
	assert_int_equal(fwnmi_save(to->f, again, length), length);
	assert_memory_equal(again, record, length);
	for (unsigned i = NR_CPUS / 2; i + 1 < NR_CPUS; i++)
		pass_on(to, i, i + 1);
	assert_int_equal(fwnmi_interlock(to->f, shuffled(NR_CPUS - 1)), FWNMI_RELEASED);
	assert_int_equal(resume(to, shuffled(NR_CPUS - 1)), FWNMI_DELIVERED);
	assert_int_equal(to->outcome.vector, 0x100);
	free(record);
	free(again);
	destroy(to);
}

static void a_system_reset_reaches_all_in_slots_of_their_own(void **state)
{
	struct large *large = *state;

	assert_int_equal(fwnmi_signal_system_reset(large->f, 300, FWNMI_ALL_OTHERS), NR_CPUS - 1);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		assert_int_equal(resume(large, cpu), cpu == 300 ? FWNMI_NOTHING : FWNMI_DELIVERED);
		if (cpu == 300)
			continue;
		assert_int_equal(large->outcome.regs.nip, SYSTEM_RESET);
		assert_int_equal(large->outcome.regs.gpr3,
				 BUFFER + FWNMI_MC_BUFFER_SIZE + 16 * cpu);
		assert_int_equal(large->outcome.write.address, large->outcome.regs.gpr3);
		assert_in_range(large->outcome.regs.gpr3, RTAS_BASE,
				RTAS_BASE + large_config.rtas_size - 16);
	}
}

/* Page 7 ends before the others' slots. */
static void cpus_without_a_slot_in_page_7_keep_r3_at_a_system_reset(void **state)
{
	struct large *large = *state;

	assert_int_equal(fwnmi_register2(large->f, 0, SYSTEM_RESET, MACHINE_CHECK), 0);
	assert_int_equal(fwnmi_signal_system_reset(large->f, 0, FWNMI_ALL), NR_CPUS);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		const struct fwnmi_outcome *outcome = &large->outcome;

		assert_int_equal(resume(large, cpu), FWNMI_DELIVERED);
		assert_int_equal(outcome->regs.nip, SYSTEM_RESET);
		if (cpu < SLOTS_IN_PAGE_7) {
			/* VALID_FWNMI_BUFFER of Linux: 0x7000 <= R3 <= 0x7ff0 */
			assert_in_range(outcome->regs.gpr3, FWNMI_PAGE_7, 0x7ff0);
			assert_int_equal(outcome->write.address, outcome->regs.gpr3);
		} else {
			assert_int_equal(outcome->regs.gpr3, registers_of(cpu).gpr3);
			assert_int_equal(outcome->write.length, 0);
		}
	}
	/* The buffer has room for everybody. */
	assert_int_equal(machine_check(large, NR_CPUS - 1, false), FWNMI_DELIVERED);
	assert_int_equal(large->outcome.write.address, FWNMI_PAGE_7);
}

static void an_rtas_area_that_begins_where_page_7_does_has_all_slots(void **state)
{
	struct fwnmi_config config = large_config;
	struct large *large;

	(void)state;
	config.rtas_base = FWNMI_PAGE_7 - config.save_area_offset;
	large = make_with(&config);
	assert_int_equal(fwnmi_register(large->f, 0, SYSTEM_RESET, MACHINE_CHECK), 0);
	assert_int_equal(fwnmi_signal_system_reset(large->f, 0, 500), 1);
	assert_int_equal(resume(large, 500), FWNMI_DELIVERED);
	assert_int_equal(large->outcome.regs.gpr3, FWNMI_PAGE_7 + FWNMI_MC_BUFFER_SIZE + 16 * 500);
	destroy(large);
}

static void a_thousand_unsafe_processors_leave_a_thousand_logs(void **state)
{
	struct large *large = *state;
	uint8_t buf[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog log;

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		assert_int_equal(machine_check(large, cpu, true), FWNMI_STOPPED);
	assert_int_equal(fwnmi_events_pending(large->f, FWNMI_EVENT_SCAN, ~0u), NR_CPUS);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		int length;

		do
			length = fwnmi_event_scan(large->f, ~0u, false, buf, sizeof(buf));
		while (length == FWNMI_NOTHING); /* the end of a sequence */
		assert_true(fwnmi_errlog_decode(&log, buf, (size_t)length) > 0);
		assert_int_equal(log.mc.processor_id, cpu);
	}
	fwnmi_reset(large->f);
	assert_true(fwnmi_may_run(large->f, NR_CPUS - 1));
}

static void too_little_memory_is_refused_and_left_alone(void **state)
{
	struct large *large = *state;
	const size_t size = fwnmi_sizeof(&large_config);
	uint8_t *memory = malloc(size), *before;
	struct fwnmi *f = (struct fwnmi *)memory;
	static const size_t too_small[] = { 0, 1, 1000 };

	assert_non_null(memory);
	memset(memory, 0xaa, size);
	before = exact_copy(memory, size);
	for (size_t i = 0; i < ARRAY_SIZE(too_small); i++)
		assert_int_equal(fwnmi_init(f, too_small[i], &ops, large, &large_config),
				 FWNMI_ERR_NOSPACE);
	assert_int_equal(fwnmi_init(f, size - 1, &ops, large, &large_config), FWNMI_ERR_NOSPACE);
	assert_int_equal(fwnmi_init((struct fwnmi *)(memory + 4), size, &ops, large, &large_config),
			 FWNMI_ERR_INVALID);
	assert_int_equal(fwnmi_init(NULL, size, &ops, large, &large_config), FWNMI_ERR_INVALID);
	assert_int_equal(fwnmi_init(f, size, NULL, large, &large_config), FWNMI_ERR_INVALID);
	assert_int_equal(fwnmi_init(f, size, &ops, large, NULL), FWNMI_ERR_INVALID);
	assert_memory_equal(memory, before, size);
	assert_int_equal(fwnmi_init(f, size, &ops, large, &large_config), 0);
	free(memory);
	free(before);
}

static void memory_grows_with_the_number_of_cpus_alone(void **state)
{
	struct fwnmi_config config = large_config;
	size_t one, most;

	(void)state;
	config.rtas_size = UINT32_MAX;
	config.nr_cpus = 1;
	one = fwnmi_sizeof(&config);
	assert_in_range(one, 16384, 24576);
	config.nr_cpus = FWNMI_MAX_CPUS;
	most = fwnmi_sizeof(&config);
	assert_in_range((most - one) / (FWNMI_MAX_CPUS - 1), 250, 300);
	config.nr_cpus = FWNMI_MAX_CPUS + 1;
	assert_int_equal(fwnmi_sizeof(&config), 0);
	config.nr_cpus = 0;
	assert_int_equal(fwnmi_sizeof(&config), 0);
	assert_int_equal(fwnmi_sizeof(NULL), 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_thousand_machine_checks_are_delivered_in_their_order),
		test(a_withdrawn_machine_check_leaves_the_others_in_their_order),
		test(the_queue_of_a_thousand_goes_on_elsewhere),
		test(a_system_reset_reaches_all_in_slots_of_their_own),
		test(cpus_without_a_slot_in_page_7_keep_r3_at_a_system_reset),
		cmocka_unit_test(an_rtas_area_that_begins_where_page_7_does_has_all_slots),
		test(a_thousand_unsafe_processors_leave_a_thousand_logs),
		test(too_little_memory_is_refused_and_left_alone),
		cmocka_unit_test(memory_grows_with_the_number_of_cpus_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
