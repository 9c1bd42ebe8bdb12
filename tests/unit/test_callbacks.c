/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a host may call inside the library's callbacks, as fwnmi.h says: questions in all of them,
 * and fwnmi_reset() in end_partition().
 */
#include "library.h"

static unsigned made[CALLBACKS];
static int kicked_owner, end_length;
static unsigned stop_events;
static bool reset_in_callback;
/* What was registered before the call, which a callback is told of even in another registration. */
static uint64_t wanted_system_reset, wanted_machine_check;

/* All questions, in the midst of the call: none changes anything, and each has an answer. */
static void ask(struct host *host, enum host_callback callback)
{
	static struct fwnmi before;
	uint8_t log[FWNMI_ERRLOG_MAX];
	uint64_t system_reset, machine_check;
	bool registered;

	before = host->f;
	made[callback]++;
	registered = fwnmi_registered(&host->f, &system_reset, &machine_check);
	assert_int_equal(system_reset, registered ? wanted_system_reset : 0);
	assert_int_equal(machine_check, registered ? wanted_machine_check : 0);
	assert_in_range(fwnmi_owner(&host->f) + 1, 0, NR_CPUS);
	fwnmi_log_id(&host->f);
	stop_events = fwnmi_events_pending(&host->f, FWNMI_EVENT_SCAN, UINT32_MAX);
	end_length = fwnmi_end_log(&host->f, log, sizeof(log));
	assert_true(end_length >= 0);
	assert_memory_equal(&before, &host->f, sizeof(before));
}

static void ask_and_reset(struct host *host, enum host_callback callback)
{
	ask(host, callback);
	if (callback == KICK)
		kicked_owner = fwnmi_owner(&host->f);
	if (callback == END && reset_in_callback)
		assert_int_equal(fwnmi_reset(&host->f), 0);
}

static void restart(struct host *host)
{
	struct fwnmi_config config = default_config;

	config.stale_handler = FWNMI_STALE_END;
	start_with(host, &config, &all_ops);
	host->on_callback = ask_and_reset;
	enrol(host);
	wanted_system_reset = SYSTEM_RESET;
	wanted_machine_check = MACHINE_CHECK;
	memset(made, 0, sizeof(made));
}

static struct fwnmi_machine_check not_recovered(void)
{
	struct fwnmi_machine_check mc = slb_multihit();

	mc.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	return mc;
}

static void every_callback_may_ask(void **state)
{
	struct host *host = *state;
	const struct fwnmi_machine_check mc = not_recovered();
	struct fwnmi_machine_check unsafe = fatal_ue();

	restart(host);
	assert_int_equal(fwnmi_register(&host->f, 0, 0x3000, 0x3100), 0);
	wanted_system_reset = 0x3000;
	wanted_machine_check = 0x3100;
	enrol(host);
	wanted_system_reset = SYSTEM_RESET;
	wanted_machine_check = MACHINE_CHECK;
	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(fwnmi_interlock(&host->f, 0), FWNMI_RELEASED);
	assert_int_equal(kicked_owner, 1);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	unsafe.unsafe_processor = true;
	assert_int_equal(host_machine_check(host, 2, &unsafe), FWNMI_STOPPED);
	assert_int_equal(stop_events, 1);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_ENDED);
	assert_true(end_length > 0);
	for (unsigned i = 0; i < CALLBACKS; i++)
		assert_true(made[i] > 0);
}

/* ---- the ways to an end ---- */

static void overwrite_routines(struct host *host)
{
	memset(host->low_memory + SYSTEM_RESET, 0, MACHINE_CHECK + 4 - SYSTEM_RESET);
}

static int end_by_nested(struct host *host)
{
	const struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	return host_machine_check(host, 0, &mc);
}

static int end_by_stale_machine_check(struct host *host)
{
	const struct fwnmi_machine_check mc = slb_multihit();

	overwrite_routines(host);
	return host_machine_check(host, 0, &mc);
}

static int end_by_stale_system_reset(struct host *host)
{
	overwrite_routines(host);
	return host_system_reset(host, 0);
}

static int end_by_stale_waiter(struct host *host)
{
	const struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_WAITING);
	overwrite_routines(host);
	assert_int_equal(fwnmi_interlock(&host->f, 0), FWNMI_RELEASED);
	return host_resume(host, 1);
}

static int end_by_stale_signal(struct host *host)
{
	assert_int_equal(fwnmi_signal_system_reset(&host->f, 0, 1), FWNMI_WAITING);
	overwrite_routines(host);
	return host_resume(host, 1);
}

static void a_reset_in_end_partition_is_as_good_as_one_behind_the_call(void **state)
{
	static int (*const ends[])(struct host *) = {
		end_by_nested,	     end_by_stale_machine_check, end_by_stale_system_reset,
		end_by_stale_waiter, end_by_stale_signal,
	};
	const struct fwnmi_machine_check mc = slb_multihit();
	static struct fwnmi inside;
	struct host *host = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
		reset_in_callback = true;
		restart(host);
		assert_int_equal(ends[i](host), FWNMI_ENDED);
		assert_int_equal(made[END], 1);
		inside = host->f;
		assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_NOT_REGISTERED);
		assert_int_equal(fwnmi_events_pending(&host->f, FWNMI_EVENT_SCAN, UINT32_MAX), 1);

		reset_in_callback = false;
		restart(host);
		assert_int_equal(ends[i](host), FWNMI_ENDED);
		assert_int_equal(fwnmi_reset(&host->f), 0);
		assert_memory_equal(&inside, &host->f, sizeof(inside));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_callback_may_ask, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_reset_in_end_partition_is_as_good_as_one_behind_the_call, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
