/* SPDX-License-Identifier: BSD-2-Clause */
/* Platform events from the words that queue-event and `fwnmi inject event` take. */
#include <jansson.h>

#include "inject/platform_event.h"
#include "unit.h"

static struct platform_event event;
static char err[200];

static bool parse(const char *text)
{
	json_t *args = json_loads(text, 0, NULL);
	bool good;

	assert_non_null(args);
	good = platform_event_parse(args, &event, err, sizeof(err));
	json_decref(args);
	return good;
}

static void an_epow_log_says_what_happens_and_why(void **state)
{
	struct fwnmi_errlog log;

	assert_true(parse("{\"epow\":\"system-shutdown\",\"modifier\":\"temperature\"}"));
	assert_int_equal(event.source, FWNMI_CHECK_EXCEPTION);
	assert_int_equal(event.event_class, FWNMI_CLASS_EPOW);
	assert_int_equal(fwnmi_errlog_decode(&log, event.log, event.length), event.length);
	assert_int_equal(log.type, FWNMI_EVENT_EPOW);
	assert_int_equal(log.missing, 0);
	assert_true(log.has_main_a && log.has_main_b && log.has_epow);
	assert_int_equal(log.main_a.section_count, 3);
	assert_int_equal(log.nr_sections, 3);
	assert_int_equal(log.extended_length, event.length - FWNMI_ERRLOG_FIXED_SIZE);
	assert_int_equal(log.epow.sensor_value & 15, 3);
	assert_int_equal(log.epow.modifier & 15, 4);
	assert_true(parse("{\"epow\":\"warn-cooling\",\"call\":\"event-scan\"}"));
	assert_int_equal(event.source, FWNMI_EVENT_SCAN);
	assert_int_equal(fwnmi_errlog_decode(&log, event.log, event.length), event.length);
	assert_int_equal(log.severity, FWNMI_SEVERITY_WARNING);
	assert_int_equal(log.epow.sensor_value & 15, 1);
	assert_int_equal(log.epow.modifier & 15, 0);
}

static void a_log_is_taken_as_it_is(void **state)
{
	static const uint8_t bytes[] = { 0x06, 0x20, 0xAb, 0xe2, 0, 0, 0, 0 };

	assert_true(parse("{\"log\":\"0620aBe200000000\"}"));
	assert_int_equal(event.source, FWNMI_EVENT_SCAN);
	assert_int_equal(event.event_class, FWNMI_CLASS_INTERNAL_ERRORS);
	assert_int_equal(event.length, sizeof(bytes));
	assert_memory_equal(event.log, bytes, sizeof(bytes));
	assert_true(parse("{\"log\":\"06\",\"class\":\"io-events\",\"call\":\"check-exception\"}"));
	assert_int_equal(event.source, FWNMI_CHECK_EXCEPTION);
	assert_int_equal(event.event_class, FWNMI_CLASS_IO_EVENTS);
}

static void what_makes_no_event_is_refused_with_a_reason(void **state)
{
	static const struct {
		const char *args, *why;
	} bad[] = {
		{ "{}", "no arguments" },
		{ "{\"call\":\"event-scan\"}", "either log" },
		{ "[]", "no arguments" },
		{ "{\"log\":1}", "the arguments must be" },
		{ "{\"log\":\"06\",\"severity\":\"fatal\"}", "the arguments must be" },
		{ "{\"log\":\"06\",\"epow\":\"reset\"}", "either log" },
		{ "{\"log\":\"06\",\"modifier\":\"ups\"}", "either log" },
		{ "{\"epow\":\"reset\",\"class\":\"epow\"}", "either log" },
		{ "{\"epow\":\"explode\"}", "bad epow: there is no explode" },
		{ "{\"epow\":\"reset\",\"modifier\":\"x\"}", "bad modifier: there is no x" },
		{ "{\"epow\":\"reset\",\"call\":\"x\"}", "bad call: there is no x" },
		{ "{\"log\":\"06\",\"class\":\"x\"}", "bad class: there is no x" },
		{ "{\"log\":\"062\"}", "bad log" },
		{ "{\"log\":\"0g\"}", "bad log" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(parse(bad[i].args));
		if (!strstr(err, bad[i].why))
			fail_msg("%s: %s", bad[i].args, err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_epow_log_says_what_happens_and_why),
		cmocka_unit_test(a_log_is_taken_as_it_is),
		cmocka_unit_test(what_makes_no_event_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests_name("platform-event", tests, NULL, NULL);
}
