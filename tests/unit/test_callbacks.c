/* SPDX-License-Identifier: BSD-2-Clause */
/* Queries are all that fwnmi.h lets a host call from inside the library's callbacks. */
#include "library.h"

static unsigned made[CALLBACKS];
static int kicked_owner;
/* The registration before the call. A callback still sees it while the guest registers anew. */
static uint64_t wanted_system_reset, wanted_machine_check;

/* Every query from inside a call: each is answered, and none changes anything. */
static void ask(struct host *host, enum host_callback callback)
{
	uint8_t *before = exact_copy(host->f, fwnmi_sizeof(&host->config));
	uint8_t log[FWNMI_ERRLOG_MAX];
	uint64_t system_reset, machine_check;
	bool registered;

	made[callback]++;
	registered = fwnmi_registered(host->f, &system_reset, &machine_check);
	assert_int_equal(system_reset, registered ? wanted_system_reset : 0);
	assert_int_equal(machine_check, registered ? wanted_machine_check : 0);
	assert_in_range(fwnmi_owner(host->f) + 1, 0, NR_CPUS);
	fwnmi_log_id(host->f);
	fwnmi_events_pending(host->f, FWNMI_EVENT_SCAN, UINT32_MAX);
	for (unsigned cpu = 0; cpu <= NR_CPUS; cpu++)
		fwnmi_may_run(host->f, cpu);
	assert_int_equal(fwnmi_end_log(host->f, log, sizeof(log)), 0);
	assert_memory_equal(before, host->f, fwnmi_sizeof(&host->config));
	free(before);
}

static void ask_who_owns(struct host *host, enum host_callback callback)
{
	ask(host, callback);
	if (callback == KICK)
		kicked_owner = fwnmi_owner(host->f);
}

static void restart(struct host *host)
{
	struct fwnmi_config config = default_config;

	config.stale_handler = FWNMI_STALE_END;
	start_with(host, &config, &all_ops);
	host->on_callback = ask_who_owns;
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

	restart(host);
	assert_int_equal(fwnmi_register(host->f, 0, 0x3000, 0x3100), 0);
	wanted_system_reset = 0x3000;
	wanted_machine_check = 0x3100;
	enrol(host);
	wanted_system_reset = SYSTEM_RESET;
	wanted_machine_check = MACHINE_CHECK;
	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	assert_int_equal(kicked_owner, 1);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	for (unsigned i = 0; i < CALLBACKS; i++)
		assert_true(made[i] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_callback_may_ask, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
