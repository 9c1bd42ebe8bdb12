/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock of day by itself. */
#include "devices/rtc.h"

#include "unit.h"

#define SECOND	   1000000000ll
#define INSN_EPOCH (1577836800ll * SECOND) /* 2020-01-01 */

static struct guest_clock guest_clock;
static struct rtc rtc;

static void make(enum clock_mode mode)
{
	guest_clock = (struct guest_clock){ .mode = mode };
	rtc_init(&rtc, &guest_clock);
}

static void reset(void)
{
	rtc.device.type->reset(&rtc.device);
}

static void the_instruction_clock_starts_in_2020_and_follows_the_time_base(void **state)
{
	make(CLOCK_INSN);
	assert_true(rtc_now(&rtc) == INSN_EPOCH);
	guest_clock.offset = 3ull * TIMEBASE_HZ + TIMEBASE_HZ / 2;
	assert_true(rtc_now(&rtc) == INSN_EPOCH + 3 * SECOND + SECOND / 2);
}

static void the_host_clock_is_the_hosts(void **state)
{
	struct timespec before, after;
	int64_t now;

	make(CLOCK_HOST);
	clock_gettime(CLOCK_REALTIME, &before);
	now = rtc_now(&rtc);
	clock_gettime(CLOCK_REALTIME, &after);
	assert_true(now >= before.tv_sec * SECOND + before.tv_nsec);
	assert_true(now <= after.tv_sec * SECOND + after.tv_nsec);
}

static void it_goes_on_from_where_it_was_set(void **state)
{
	make(CLOCK_INSN);
	guest_clock.offset = 7 * TIMEBASE_HZ;
	rtc_set(&rtc, 42 * SECOND);
	assert_true(rtc_now(&rtc) == 42 * SECOND);
	guest_clock.offset += TIMEBASE_HZ;
	assert_true(rtc_now(&rtc) == 43 * SECOND);
}

static void a_reset_undoes_a_set_under_the_instruction_clock_only(void **state)
{
	make(CLOCK_INSN);
	rtc_set(&rtc, 42 * SECOND);
	reset();
	assert_true(rtc_now(&rtc) == INSN_EPOCH);
	make(CLOCK_HOST);
	rtc_set(&rtc, 42 * SECOND);
	reset();
	assert_true(rtc_now(&rtc) < INSN_EPOCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_instruction_clock_starts_in_2020_and_follows_the_time_base),
		cmocka_unit_test(the_host_clock_is_the_hosts),
		cmocka_unit_test(it_goes_on_from_where_it_was_set),
		cmocka_unit_test(a_reset_undoes_a_set_under_the_instruction_clock_only),
	};

	return cmocka_run_group_tests_name("rtc", tests, NULL, NULL);
}
