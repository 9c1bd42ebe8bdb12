/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs that the OS fetches by event-scan and check-exception, and processors that are stopped as
 * unsafe.
 */
#include "library.h"

#define EVERY_CLASS 0xffffffffu

static int set_up_stopping(void **state)
{
	set_up(state);
	start_with(*state, &default_config, &all_ops);
	enrol(*state);
	return 0;
}

/*
 * Makes a log of @length bytes that contains @number: Main-A, Main-B and a section that fills it.
 */
static size_t make_log(uint8_t *buf, size_t length, uint8_t severity, uint32_t number)
{
	struct fwnmi_errlog log = {
		.severity = severity,
		.type = FWNMI_EVENT_PLATFORM_INFORMATION,
		.has_extended = true,
		.has_main_a = true,
		.has_main_b = true,
		.main_a = { .creator = 'H', .platform_log_id = number },
	};
	int made = fwnmi_errlog_encode(&log, buf, length);

	assert_int_equal(made, 96);
	if (length > 96) {
		memset(buf + 96, 0, length - 96);
		memcpy(buf + 96, "XX", 2);
		buf[98] = (uint8_t)((length - 96) >> 8);
		buf[99] = (uint8_t)(length - 96);
		buf[6] = (uint8_t)((length - 8) >> 8);
		buf[7] = (uint8_t)(length - 8);
		buf[24 + 0x1b] = 3;
	}
	return length;
}

static int queue(struct host *host, enum fwnmi_event_source source, uint32_t event_class,
		 uint8_t severity, uint32_t number)
{
	uint8_t log[96];

	make_log(log, sizeof(log), severity, number);
	return fwnmi_event_queue(host->f, source, event_class, log, sizeof(log));
}

static uint32_t number_of(const uint8_t *log)
{
	struct fwnmi_errlog decoded;

	assert_true(fwnmi_errlog_decode(&decoded, log, FWNMI_ERRLOG_MAX) > 0);
	assert_true(decoded.has_main_a);
	return decoded.main_a.platform_log_id;
}

/* Calls until nothing is left, as an OS does. Returns the number of logs. */
static unsigned scan(struct host *host, uint32_t mask, struct fwnmi_errlog *last)
{
	uint8_t buf[FWNMI_ERRLOG_MAX] = { 0 };
	unsigned logs = 0;
	int length;

	while ((length = fwnmi_event_scan(host->f, mask, false, buf, sizeof(buf))) != 0) {
		assert_true(length > 0);
		assert_int_equal(fwnmi_errlog_decode(last, buf, (size_t)length), length);
		logs++;
	}
	return logs;
}

static struct fwnmi_machine_check unsafe(void)
{
	struct fwnmi_machine_check mc = slb_multihit();

	mc.unsafe_processor = true;
	return mc;
}

/* ---- the queue ---- */

static void an_empty_queue_has_nothing_for_either_call(void **state)
{
	struct host *host = *state;
	uint8_t buf[8] = { 0xaa };

	assert_int_equal(fwnmi_event_scan(host->f, EVERY_CLASS, false, buf, 8), FWNMI_NOTHING);
	assert_int_equal(fwnmi_check_exception(host->f, EVERY_CLASS, false, buf, 8), FWNMI_NOTHING);
	assert_int_equal(buf[0], 0xaa);
}

static void logs_come_whole_oldest_first_and_once(void **state)
{
	struct host *host = *state;
	uint8_t log[300], buf[FWNMI_ERRLOG_MAX];

	for (uint32_t i = 1; i <= 10; i++) {
		make_log(log, sizeof(log) - i, i % 3, i);
		assert_int_equal(fwnmi_event_queue(host->f, FWNMI_CHECK_EXCEPTION,
						   FWNMI_CLASS_HOT_PLUG, log, sizeof(log) - i),
				 0);
	}
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_HOT_PLUG),
			 10);
	for (uint32_t i = 1; i <= 10; i++) {
		make_log(log, sizeof(log) - i, i % 3, i);
		assert_int_equal(fwnmi_check_exception(host->f, EVERY_CLASS, false, buf,
						       sizeof(buf)),
				 sizeof(log) - i);
		assert_memory_equal(buf, log, sizeof(log) - i);
	}
	assert_int_equal(fwnmi_check_exception(host->f, EVERY_CLASS, false, buf, sizeof(buf)),
			 FWNMI_NOTHING);
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_CHECK_EXCEPTION, EVERY_CLASS), 0);
}

static void strict_logs_come_gravest_first(void **state)
{
	static const uint8_t severities[] = { 2, 1, 4, 2, 4, 1 };
	static const uint32_t expected[] = { 2, 4, 0, 3, 1, 5 };
	struct host *host = *state;
	uint8_t buf[FWNMI_ERRLOG_MAX];

	restart_strict(host);
	for (uint32_t i = 0; i < ARRAY_SIZE(severities); i++)
		queue(host, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, severities[i], i);
	for (uint32_t i = 0; i < ARRAY_SIZE(severities); i++) {
		assert_int_equal(
			fwnmi_check_exception(host->f, EVERY_CLASS, false, buf, sizeof(buf)), 96);
		assert_int_equal(number_of(buf), expected[i]);
	}
}

static void an_event_is_returned_by_its_own_call_only(void **state)
{
	struct host *host = *state;
	struct fwnmi_errlog log;
	uint8_t buf[FWNMI_ERRLOG_MAX];

	assert_int_equal(queue(host, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, 1, 1), 0);
	assert_int_equal(queue(host, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, 1, 2), 0);
	assert_int_equal(scan(host, EVERY_CLASS, &log), 1);
	assert_int_equal(log.main_a.platform_log_id, 1);
	assert_int_equal(fwnmi_check_exception(host->f, EVERY_CLASS, false, buf, sizeof(buf)), 96);
	assert_int_equal(number_of(buf), 2);
	assert_int_equal(fwnmi_check_exception(host->f, EVERY_CLASS, false, buf, sizeof(buf)), 0);
}

static void only_the_classes_of_the_mask_are_looked_at(void **state)
{
	static const uint32_t classes[] = { FWNMI_CLASS_INTERNAL_ERRORS, FWNMI_CLASS_EPOW,
					    FWNMI_CLASS_HOT_PLUG, FWNMI_CLASS_IO_EVENTS };
	struct host *host = *state;
	struct fwnmi_errlog log;

	for (uint32_t i = 0; i < ARRAY_SIZE(classes); i++)
		assert_int_equal(queue(host, FWNMI_EVENT_SCAN, classes[i], 1, i), 0);
	assert_int_equal(scan(host, 0x20000000, &log), 0);
	for (uint32_t i = ARRAY_SIZE(classes); i-- > 0;) {
		assert_int_equal(fwnmi_events_pending(host->f, FWNMI_EVENT_SCAN, classes[i]), 1);
		assert_int_equal(scan(host, classes[i], &log), 1);
		assert_int_equal(log.main_a.platform_log_id, i);
		assert_int_equal(scan(host, classes[i], &log), 0);
	}
}

/* R1-8 of event-scan */
static void a_sequence_of_scans_gets_two_logs_after_boot_and_one_later(void **state)
{
	struct host *host = *state;
	struct fwnmi_errlog log;

	for (uint32_t i = 0; i < 8; i++)
		queue(host, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, 1, i);
	assert_int_equal(scan(host, EVERY_CLASS, &log), 2);
	for (uint32_t i = 2; i < 5; i++) {
		assert_int_equal(scan(host, EVERY_CLASS, &log), 1);
		assert_int_equal(log.main_a.platform_log_id, i);
	}
	fwnmi_reset(host->f);
	assert_int_equal(scan(host, EVERY_CLASS, &log), 2);
	assert_int_equal(scan(host, EVERY_CLASS, &log), 1);
	assert_int_equal(log.main_a.platform_log_id, 7);
	assert_int_equal(scan(host, EVERY_CLASS, &log), 0);
}

static void a_critical_call_gets_the_fixed_part_alone(void **state)
{
	struct host *host = *state;
	uint8_t buf[FWNMI_ERRLOG_MAX];

	memset(buf, 0xaa, sizeof(buf));
	queue(host, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, 1, 1);
	assert_int_equal(fwnmi_check_exception(host->f, EVERY_CLASS, true, buf, sizeof(buf)), 8);
	assert_memory_equal(buf, ((uint8_t[]){ 6, 0x20, 0, 226, 0, 0, 0, 0, 0xaa }), 9);
	assert_int_equal(fwnmi_check_exception(host->f, EVERY_CLASS, true, buf, sizeof(buf)), 0);
}

static void a_buffer_too_small_cuts_the_log_and_one_without_room_keeps_it(void **state)
{
	struct host *host = *state;
	uint8_t log[300], buf[FWNMI_ERRLOG_MAX];

	make_log(log, sizeof(log), 1, 7);
	for (unsigned i = 0; i < 2; i++)
		fwnmi_event_queue(host->f, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, log, sizeof(log));
	assert_int_equal(fwnmi_event_scan(host->f, EVERY_CLASS, false, buf, 3), FWNMI_ERR_NOSPACE);
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_EVENT_SCAN, EVERY_CLASS), 2);
	assert_int_equal(fwnmi_event_scan(host->f, EVERY_CLASS, false, buf, 299), 96);
	assert_int_equal(number_of(buf), 7);
	assert_int_equal(fwnmi_event_scan(host->f, EVERY_CLASS, false, buf, 4), 4);
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_EVENT_SCAN, EVERY_CLASS), 0);
}

static void queueing_refuses_what_is_no_log_and_no_class(void **state)
{
	struct host *host = *state;
	uint8_t log[97];

	make_log(log, 96, 1, 7);
	assert_int_equal(fwnmi_event_queue(host->f, FWNMI_EVENT_SCAN, 0, log, 96),
			 FWNMI_ERR_INVALID);
	assert_int_equal(fwnmi_event_queue(host->f, FWNMI_EVENT_SCAN, 0x20000000, log, 96),
			 FWNMI_ERR_INVALID);
	assert_int_equal(fwnmi_event_queue(host->f, FWNMI_EVENT_SCAN, 0xc0000000, log, 96),
			 FWNMI_ERR_INVALID);
	assert_int_equal(fwnmi_event_queue(host->f, (enum fwnmi_event_source)2, FWNMI_CLASS_EPOW,
					   log, 96),
			 FWNMI_ERR_INVALID);
	assert_int_equal(fwnmi_event_queue(host->f, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, log, 95),
			 FWNMI_ERR_TRUNCATED);
	assert_int_equal(fwnmi_event_queue(host->f, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, log, 97),
			 FWNMI_ERR_BADSTRUCTURE);
	log[0] = 5;
	assert_int_equal(fwnmi_event_queue(host->f, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, log, 96),
			 FWNMI_ERR_BADVERSION);
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_EVENT_SCAN, EVERY_CLASS), 0);
}

static void a_full_queue_refuses_a_log_and_loses_none(void **state)
{
	struct host *host = *state;
	uint8_t log[FWNMI_ERRLOG_MAX], buf[FWNMI_ERRLOG_MAX];
	uint32_t queued = 0;

	/* By number, */
	while (queue(host, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, 1, queued) == 0)
		queued++;
	assert_int_equal(queued, FWNMI_QUEUE_EVENTS);
	assert_int_equal(queue(host, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, 1, 99),
			 FWNMI_ERR_NOSPACE);
	for (uint32_t i = 0; i < queued; i++) {
		assert_int_equal(
			fwnmi_check_exception(host->f, EVERY_CLASS, false, buf, sizeof(buf)), 96);
		assert_int_equal(number_of(buf), i);
	}

	/* and by space. */
	for (queued = 0; make_log(log, sizeof(log), 1, queued),
	    fwnmi_event_queue(host->f, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, log, sizeof(log)) ==
				 0;)
		queued++;
	assert_int_equal(queued, FWNMI_QUEUE_SPACE / FWNMI_ERRLOG_MAX);
	assert_int_equal(queue(host, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, 1, 99),
			 FWNMI_ERR_NOSPACE);
	for (uint32_t i = 0; i < queued; i++) {
		assert_int_equal(fwnmi_check_exception(host->f, EVERY_CLASS, false, buf,
						       sizeof(buf)),
				 sizeof(log));
		assert_int_equal(number_of(buf), i);
	}
	assert_int_equal(queue(host, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, 1, 99), 0);
}

/* ---- unsafe processors ---- */

static void an_unsafe_processor_is_stopped_and_told_of_by_event_scan(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = unsafe();
	struct fwnmi_errlog log;

	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_STOPPED);
	assert_int_equal(host->stops[2], 1);
	assert_untouched(host, 2);
	assert_int_equal(host->writes, 0);
	assert_int_equal(fwnmi_owner(host->f), -1);

	assert_int_equal(scan(host, FWNMI_CLASS_INTERNAL_ERRORS, &log), 1);
	assert_int_equal(log.severity, FWNMI_SEVERITY_FATAL);
	assert_int_equal(log.disposition, FWNMI_DISPOSITION_NOT_RECOVERED);
	assert_int_equal(log.mc.processor_id, 2);
	assert_int_equal(log.mc.error_type, FWNMI_MC_SLB);
	assert_true(log.flags & FWNMI_ERRLOG_DEGRADED);
	assert_int_equal(log.main_b.event_severity, 0x41);
	assert_int_equal(log.main_b.event_subtype, 0x21);
	assert_int_equal(log.main_a.platform_log_id, fwnmi_log_id(host->f));
	assert_int_equal(scan(host, FWNMI_CLASS_INTERNAL_ERRORS, &log), 0);
}

static void a_stopped_cpu_takes_nothing_until_the_reset(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = unsafe(), safe = slb_multihit();

	fwnmi_signal_system_reset(host->f, 0, 1);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_STOPPED);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_STOPPED);
	assert_int_equal(host_machine_check(host, 1, &safe), FWNMI_STOPPED);
	assert_int_equal(host_system_reset(host, 1), FWNMI_STOPPED);
	assert_int_equal(host_resume(host, 1), FWNMI_STOPPED);
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_NOTHING);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, 1), 0);
	memset(host->kicks, 0, sizeof(host->kicks));
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, FWNMI_ALL), 3);
	assert_int_equal(host->kicks[1], 0);
	assert_int_equal(host->kicks[0] + host->kicks[2] + host->kicks[3], 3);
	assert_int_equal(host->stops[1], 1);
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_EVENT_SCAN, EVERY_CLASS), 1);

	/* The other vCPUs continue. */
	take(host, 0, &safe);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);

	fwnmi_reset(host->f);
	enrol(host);
	take(host, 1, &safe);
}

static void an_unsafe_processor_is_stopped_in_an_unregistered_guest_too(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = unsafe();

	start(host, &default_config); /* which has no stop_cpu: the result says it */
	assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_STOPPED);
	assert_int_equal(host_resume(host, 0), FWNMI_STOPPED);
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_EVENT_SCAN, EVERY_CLASS), 1);
}

static void an_unsafe_processor_that_holds_the_buffer_ends_the_partition(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = unsafe(), first = slb_multihit();

	take(host, 0, &first);
	assert_int_equal(host_machine_check(host, 1, &first), FWNMI_WAITING);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_ERR_BUSY);
	assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_ENDED);
	assert_int_equal(host->stops[0], 0);
	assert_int_equal(host->ends, 1);
}

static void once_the_os_knows_of_an_unsafe_processor_all_is_already_reported(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = unsafe(), safe = slb_multihit();
	struct fwnmi_errlog log;

	host_machine_check(host, 2, &mc);
	host_machine_check(host, 3, &mc);
	take(host, 0, &safe);
	assert_int_equal(buffer_log(host).severity, FWNMI_SEVERITY_ERROR_SYNC);
	fwnmi_interlock(host->f, 0);

	assert_int_equal(scan(host, EVERY_CLASS, &log), 2);
	assert_int_equal(log.severity, FWNMI_SEVERITY_ALREADY_REPORTED);
	assert_int_equal(log.mc.processor_id, 3);
	take(host, 0, &safe);
	assert_int_equal(buffer_log(host).severity, FWNMI_SEVERITY_ALREADY_REPORTED);

	/* But other events are unchanged. */
	queue(host, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, FWNMI_SEVERITY_EVENT, 5);
	assert_int_equal(scan(host, EVERY_CLASS, &log), 1);
	assert_int_equal(log.severity, FWNMI_SEVERITY_EVENT);
}

static void a_notice_that_does_not_fit_stays_as_grave_as_it_was(void **state)
{
	struct host *host = *state;
	const struct fwnmi_machine_check mc = unsafe();
	uint8_t buf[8];

	restart_strict(host);
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_STOPPED);
	assert_int_equal(host_machine_check(host, 3, &mc), FWNMI_STOPPED);
	assert_int_equal(fwnmi_event_scan(host->f, EVERY_CLASS, true, buf, sizeof(buf)), 8);
	queue(host, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, FWNMI_SEVERITY_ALREADY_REPORTED, 5);
	assert_int_equal(fwnmi_event_scan(host->f, FWNMI_CLASS_INTERNAL_ERRORS, true, buf, 3),
			 FWNMI_ERR_NOSPACE);
	assert_int_equal(fwnmi_event_scan(host->f, EVERY_CLASS, true, buf, sizeof(buf)), 8);
	assert_int_equal(buf[3],
			 FWNMI_EVENT_PLATFORM_INFORMATION); /* severity 6 before the notice's 5 */
}

static void notices_take_no_room_from_the_host(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = unsafe();
	unsigned queued = 0;

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		assert_int_equal(host_machine_check(host, cpu, &mc), FWNMI_STOPPED);
	while (queue(host, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, 1, 0) == 0)
		queued++;
	assert_int_equal(queued, FWNMI_QUEUE_EVENTS);
}

static void notices_find_room_however_full_the_queue_is(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = unsafe();
	struct fwnmi_errlog log;
	unsigned logs = 0;

	while (queue(host, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, 1, 0) == 0)
		;
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		assert_int_equal(host_machine_check(host, cpu, &mc), FWNMI_STOPPED);
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_EVENT_SCAN, EVERY_CLASS), NR_CPUS);
	for (unsigned got; (got = scan(host, EVERY_CLASS, &log)) != 0; logs += got)
		;
	assert_int_equal(logs, NR_CPUS);
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_CHECK_EXCEPTION, EVERY_CLASS),
			 FWNMI_QUEUE_EVENTS);
}

/* ---- after a reboot ---- */

static void the_next_image_is_told_what_ended_the_partition(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	struct fwnmi_errlog log;

	take(host, 3, &mc);
	assert_int_equal(host_machine_check(host, 3, &mc), FWNMI_ENDED);
	fwnmi_reset(host->f);
	assert_int_equal(scan(host, EVERY_CLASS, &log), 1);
	assert_int_equal(log.severity, FWNMI_SEVERITY_WARNING);
	assert_int_equal(log.disposition, FWNMI_DISPOSITION_FULLY_RECOVERED);
	assert_int_equal(log.mc.processor_id, 3);
	assert_int_equal(log.main_b.event_severity, 0x40);

	/* It was not fatal to this image. */
	enrol(host);
	take(host, 0, &mc);
	assert_int_equal(buffer_log(host).severity, FWNMI_SEVERITY_ERROR_SYNC);
}

static void what_was_not_fetched_before_a_reboot_is_no_longer_critical(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = unsafe(), safe = slb_multihit();
	struct fwnmi_errlog log;
	uint8_t buf[FWNMI_ERRLOG_MAX];

	host_machine_check(host, 2, &mc);
	queue(host, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, FWNMI_SEVERITY_EVENT, 77);
	queue(host, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, FWNMI_SEVERITY_ERROR, 78);
	fwnmi_reset(host->f);
	enrol(host);
	assert_int_equal(scan(host, FWNMI_CLASS_INTERNAL_ERRORS, &log), 1);
	assert_int_equal(log.severity, FWNMI_SEVERITY_WARNING);
	assert_int_equal(log.disposition, FWNMI_DISPOSITION_FULLY_RECOVERED);
	assert_int_equal(log.mc.processor_id, 2);
	take(host, 0, &safe);
	assert_int_equal(buffer_log(host).severity, FWNMI_SEVERITY_ERROR_SYNC);

	assert_int_equal(scan(host, FWNMI_CLASS_EPOW, &log), 1);
	assert_int_equal(log.severity, FWNMI_SEVERITY_EVENT);
	assert_int_equal(fwnmi_check_exception(host->f, EVERY_CLASS, false, buf, sizeof(buf)), 96);
	assert_int_equal(buf[1] >> 5, FWNMI_SEVERITY_ERROR);
}

static void of_many_reboots_without_a_scan_the_last_ten_notices_stay(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = unsafe();
	struct fwnmi_errlog log;
	uint32_t last;

	queue(host, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, 1, 0xffffffff);
	for (unsigned boot = 0; boot < 100; boot++) {
		for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
			assert_int_equal(host_machine_check(host, cpu, &mc), FWNMI_STOPPED);
		fwnmi_reset(host->f);
	}
	last = fwnmi_log_id(host->f);
	assert_int_equal(last, 100 * NR_CPUS);
	assert_int_equal(
		fwnmi_events_pending(host->f, FWNMI_EVENT_SCAN, FWNMI_CLASS_INTERNAL_ERRORS), 10);
	assert_int_equal(scan(host, FWNMI_CLASS_INTERNAL_ERRORS, &log), 2);
	assert_int_equal(log.main_a.platform_log_id, last - 8);
	for (uint32_t id = last - 7; id <= last; id++) {
		assert_int_equal(scan(host, FWNMI_CLASS_INTERNAL_ERRORS, &log), 1);
		assert_int_equal(log.main_a.platform_log_id, id);
	}
	assert_int_equal(scan(host, FWNMI_CLASS_EPOW, &log), 1);
	assert_int_equal(log.main_a.platform_log_id, 0xffffffff);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up_stopping, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(an_empty_queue_has_nothing_for_either_call),
		test(logs_come_whole_oldest_first_and_once),
		test(strict_logs_come_gravest_first),
		test(an_event_is_returned_by_its_own_call_only),
		test(only_the_classes_of_the_mask_are_looked_at),
		test(a_sequence_of_scans_gets_two_logs_after_boot_and_one_later),
		test(a_critical_call_gets_the_fixed_part_alone),
		test(a_buffer_too_small_cuts_the_log_and_one_without_room_keeps_it),
		test(queueing_refuses_what_is_no_log_and_no_class),
		test(a_full_queue_refuses_a_log_and_loses_none),
		test(an_unsafe_processor_is_stopped_and_told_of_by_event_scan),
		test(a_stopped_cpu_takes_nothing_until_the_reset),
		test(an_unsafe_processor_is_stopped_in_an_unregistered_guest_too),
		test(an_unsafe_processor_that_holds_the_buffer_ends_the_partition),
		test(once_the_os_knows_of_an_unsafe_processor_all_is_already_reported),
		test(a_notice_that_does_not_fit_stays_as_grave_as_it_was),
		test(notices_take_no_room_from_the_host),
		test(notices_find_room_however_full_the_queue_is),
		test(the_next_image_is_told_what_ended_the_partition),
		test(what_was_not_fetched_before_a_reboot_is_no_longer_critical),
		test(of_many_reboots_without_a_scan_the_last_ten_notices_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
