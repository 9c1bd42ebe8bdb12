/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State records: a partition saved at any stage of an event continues elsewhere as if nothing had
 * happened, and records that are damaged, truncated, of another configuration or of a later version
 * are refused as a whole.
 */
#include "../fakes/state_record.h"
#include "library.h"
#include "state_record_1.h"
#include "state_record_2.h"

#define RECORD_MAX 65536

/* Offsets in a record of NR_CPUS vCPUs whose buffer is free; see visit() in lib/state.c. */
enum {
	VERSION_AT = 8,
	LENGTH_AT = 12,
	NR_CPUS_AT = 16,
	RTAS_BASE_AT = 20,
	RTAS_SIZE_AT = 28,
	SAVE_OFFSET_AT = 32,
	BUFFER_SIZE_AT = 36,
	REGISTERED_AT = 40,
	ROUTINE_AT = 42,
	LOG_ID_AT = 324,
	OWNER_AT = 328,
};

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static size_t save(const struct host *host, uint8_t *record)
{
	size_t length = fwnmi_state_size(host->f);

	assert_in_range(length, 20, RECORD_MAX);
	assert_int_equal(fwnmi_save(host->f, record, length), length);
	return length;
}

/* Another machine, with the same guest memory and registers. */
static struct host *move_to(const struct host *from)
{
	uint8_t record[RECORD_MAX], again[RECORD_MAX];
	struct host *to = malloc(sizeof(*to));
	size_t length = save(from, record);

	assert_non_null(to);
	start(to, &from->config);
	memcpy(to->regs, from->regs, sizeof(to->regs));
	memcpy(to->rtas, from->rtas, sizeof(to->rtas));
	memcpy(to->low_memory, from->low_memory, sizeof(to->low_memory));
	to->may_write = from->may_write;
	assert_int_equal(fwnmi_load(to->f, record, length), 0);
	assert_int_equal(save(to, again), length);
	assert_memory_equal(again, record, length);
	return to;
}

static void queue_a_log(struct host *host, enum fwnmi_event_source source)
{
	static const uint8_t log[8] = { 6, 0x20, 0, 226, 0, 0, 0, 0 };

	assert_int_equal(fwnmi_event_queue(host->f, source, FWNMI_CLASS_EPOW, log, 8), 0);
}

/*
 * vCPU 1 is in its handler, 2 and 0 wait, a system reset is pending for 2, 3 is stopped, and logs
 * are queued.
 */
static void bring_to_life(struct host *host)
{
	struct fwnmi_machine_check mc = slb_multihit();

	enrol_2(host);
	take(host, 1, &mc);
	mc.effective_address = 0x222;
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_WAITING);
	mc.effective_address = 0x111;
	assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_WAITING);
	assert_int_equal(host_system_reset(host, 2), FWNMI_WAITING);
	mc.unsafe_processor = true;
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, 3), 1);
	assert_int_equal(host_machine_check(host, 3, &mc), FWNMI_STOPPED);
	queue_a_log(host, FWNMI_CHECK_EXCEPTION);
	queue_a_log(host, FWNMI_EVENT_SCAN);
}

/* ---- saved partitions continue ---- */

static void a_partition_without_events_goes_on_elsewhere(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	struct host *to;

	fwnmi_set_interrupt_endian(host->f, true);
	to = move_to(host);
	assert_true(fwnmi_registered(to->f, NULL, NULL));
	take(to, 2, &mc);
	assert_int_equal(to->regs[2].nip, MACHINE_CHECK);
	assert_int_equal(to->regs[2].msr, MSR_LE);
	assert_int_equal(to->regs[2].gpr3, BUFFER);
	tear_down((void **)&to);
}

static void an_unregistered_partition_stays_unregistered(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	struct host *to;

	start(host, &default_config);
	to = move_to(host);
	assert_false(fwnmi_registered(to->f, NULL, NULL));
	assert_int_equal(host_machine_check(to, 0, &mc), AT_VECTOR);
	tear_down((void **)&to);
}

static void a_partition_that_has_rebooted_can_be_moved(void **state)
{
	struct host *host = *state;
	struct host *to;

	bring_to_life(host); /* in page 7 */
	fwnmi_reset(host->f);
	to = move_to(host);
	assert_int_equal(fwnmi_owner(to->f), -1);
	assert_int_equal(fwnmi_events_pending(to->f, FWNMI_EVENT_SCAN, ~0u), 2);
	tear_down((void **)&to);
}

/* A host that restores an earlier state of the same partition. */
static void a_record_replaces_all_that_was_there(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t early[RECORD_MAX], again[RECORD_MAX];
	size_t length;

	bring_to_life(host);
	length = save(host, early);
	/* Waiters came and went, and one event was handed back to the host. */
	fwnmi_interlock(host->f, 1);
	host->low_memory[MACHINE_CHECK] ^= 0xff;
	assert_int_equal(host_resume(host, 2), AT_VECTOR_STALE);
	assert_int_equal(host->outcome.vector, 0x200);
	host->low_memory[MACHINE_CHECK] ^= 0xff;
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);

	assert_int_equal(fwnmi_load(host->f, early, length), 0);
	assert_int_equal(save(host, again), length);
	assert_memory_equal(again, early, length);
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_RELEASED);
	assert_int_equal(host->last_kicked, 2);
	assert_int_equal(host_resume(host, 2), FWNMI_DELIVERED);
	assert_int_equal(fwnmi_interlock(host->f, 2), FWNMI_RELEASED);
	assert_int_equal(host_resume(host, 0), FWNMI_DELIVERED);
}

static void owner_waiters_resets_and_logs_go_on_elsewhere(void **state)
{
	struct host *host = *state;
	uint8_t buf[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog log;
	struct host *to;

	bring_to_life(host);
	to = move_to(host);
	assert_int_equal(fwnmi_owner(to->f), 1);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		assert_int_equal(host_resume(to, cpu), cpu == 1 ? FWNMI_NOTHING :
						       cpu == 3 ? FWNMI_STOPPED :
								  FWNMI_WAITING);
	assert_int_equal(fwnmi_interlock(to->f, 1), FWNMI_RELEASED);
	assert_int_equal(host_resume(to, 2), FWNMI_DELIVERED);
	assert_int_equal(to->regs[2].gpr3, FWNMI_PAGE_7);
	assert_int_equal(log_at(to, FWNMI_PAGE_7).mc.effective_address, 0x222);
	assert_int_equal(log_at(to, FWNMI_PAGE_7).main_a.platform_log_id, 3);
	assert_int_equal(fwnmi_interlock(to->f, 2), FWNMI_RELEASED);
	assert_int_equal(host_resume(to, 2), FWNMI_DELIVERED);
	assert_int_equal(to->regs[2].nip, SYSTEM_RESET);
	assert_int_equal(host_resume(to, 0), FWNMI_DELIVERED);
	assert_int_equal(log_at(to, FWNMI_PAGE_7).mc.effective_address, 0x111);

	assert_int_equal(fwnmi_check_exception(to->f, ~0u, false, buf, sizeof(buf)), 8);
	assert_int_equal(fwnmi_check_exception(to->f, ~0u, false, buf, sizeof(buf)), 0);
	assert_int_equal(fwnmi_event_scan(to->f, ~0u, false, buf, sizeof(buf)), 216);
	assert_true(fwnmi_errlog_decode(&log, buf, sizeof(buf)) > 0);
	assert_int_equal(log.mc.processor_id, 3);
	assert_int_equal(log.severity, FWNMI_SEVERITY_FATAL);
	assert_int_equal(fwnmi_event_scan(to->f, ~0u, false, buf, sizeof(buf)), 8);
	assert_int_equal(fwnmi_event_scan(to->f, ~0u, false, buf, sizeof(buf)), 0);
	tear_down((void **)&to);
}

/* One sequence of events, which moves to another machine before each of its steps in turn. */
static void a_partition_can_be_moved_at_any_point_of_an_events_life(void **state)
{
	enum {
		STEPS = 14
	};
	struct fwnmi_machine_check mc = slb_multihit(), fatal = fatal_ue();

	for (unsigned moved_before = 0; moved_before <= STEPS; moved_before++) {
		struct host *host = malloc(sizeof(*host));
		int results[STEPS];

		static const int expected[STEPS] = {
			0,
			FWNMI_DELIVERED,
			FWNMI_WAITING,
			FWNMI_WAITING,
			1, /* signalled */
			FWNMI_RELEASED,
			FWNMI_WAITING,
			FWNMI_DELIVERED,
			FWNMI_DELIVERED,
			FWNMI_RELEASED,
			FWNMI_DELIVERED,
			FWNMI_DELIVERED,
			FWNMI_ENDED,
			FWNMI_NOTHING,
		};

		assert_non_null(host);
		start(host, &default_config);
		for (unsigned step = 0; step < STEPS; step++) {
			if (step == moved_before) {
				struct host *to = move_to(host);

				free(host);
				host = to;
			}
			switch (step) {
			case 0:
				results[step] =
					fwnmi_register(host->f, 0, SYSTEM_RESET, MACHINE_CHECK);
				break;
			case 1:
				results[step] = host_machine_check(host, 0, &mc);
				break;
			case 2:
				results[step] = host_machine_check(host, 1, &fatal);
				break;
			case 3:
				results[step] = host_system_reset(host, 1);
				break;
			case 4:
				results[step] = fwnmi_signal_system_reset(host->f, 0, 2);
				break;
			case 5:
				results[step] = fwnmi_interlock(host->f, 0);
				break;
			case 6:
				results[step] = host_machine_check(host, 0, &mc);
				break;
			case 7:
				results[step] = host_resume(host, 1);
				assert_int_equal(buffer_log(host).severity, FWNMI_SEVERITY_FATAL);
				break;
			case 8:
				results[step] = host_resume(host, 2);
				break;
			case 9:
				results[step] = fwnmi_interlock(host->f, 1);
				break;
			case 10:
				results[step] = host_resume(host, 0);
				assert_int_equal(buffer_log(host).severity,
						 FWNMI_SEVERITY_ALREADY_REPORTED);
				break;
			case 11:
				results[step] = host_resume(host, 1);
				break;
			case 12:
				results[step] = host_machine_check(host, 0, &mc);
				break;
			case 13:
				results[step] = fwnmi_interlock(host->f, 0);
				break;
			}
			assert_int_equal(results[step], expected[step]);
		}
		assert_true(fwnmi_end_log(host->f, host->rtas, sizeof(host->rtas)) > 0);
		free(host);
	}
}

static void signalled_machine_checks_go_on_elsewhere(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit(), unsafe = fatal_ue();
	struct host *to;

	unsafe.unsafe_processor = true;
	take(host, 0, &mc);
	mc.effective_address = 0x222;
	assert_int_equal(fwnmi_signal_machine_check(host->f, 0, &mc), 1);
	assert_int_equal(fwnmi_signal_machine_check(host->f, 1, &mc), 1);
	assert_int_equal(fwnmi_signal_machine_check(host->f, 3, &unsafe), 1);
	to = move_to(host);
	assert_int_equal(host_resume(to, 3), FWNMI_STOPPED);
	assert_int_equal(host_resume(to, 2), FWNMI_NOTHING);
	assert_int_equal(fwnmi_interlock(to->f, 0), FWNMI_RELEASED);
	assert_int_equal(host_resume(to, 1), FWNMI_DELIVERED);
	assert_int_equal(buffer_log(to).mc.effective_address, 0x222);
	assert_int_equal(host_resume(to, 0), FWNMI_WAITING);
	tear_down((void **)&to);
}

/* See bring_to_life(); the owner's signalled machine check is the caller's to take. */
static void assert_earlier_record_goes_on(struct host *host)
{
	host->may_write = PAGE_7;
	assert_int_equal(fwnmi_owner(host->f), 1);
	assert_int_equal(host_resume(host, 3), FWNMI_STOPPED);
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_RELEASED);
	assert_int_equal(host_resume(host, 2), FWNMI_DELIVERED);
	assert_int_equal(log_at(host, FWNMI_PAGE_7).mc.effective_address, 0x222);
	assert_int_equal(fwnmi_interlock(host->f, 2), FWNMI_RELEASED);
	assert_int_equal(host_resume(host, 2), FWNMI_DELIVERED);
	assert_int_equal(host->regs[2].nip, SYSTEM_RESET);
	assert_int_equal(host_resume(host, 0), FWNMI_DELIVERED);
	assert_int_equal(log_at(host, FWNMI_PAGE_7).mc.effective_address, 0x111);
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_EVENT_SCAN, ~0u), 2);
	assert_int_equal(fwnmi_events_pending(host->f, FWNMI_CHECK_EXCEPTION, ~0u), 1);
}

/* As libfwnmi 0.1 saved it. */
static void a_record_of_version_1_is_loaded(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	/* What version 1 lacks is empty. */
	assert_int_equal(fwnmi_signal_machine_check(host->f, 1, &mc), 1);
	assert_int_equal(fwnmi_load(host->f, record_version_1, sizeof(record_version_1)), 0);
	assert_int_equal(host_resume(host, 1), FWNMI_NOTHING);
	assert_earlier_record_goes_on(host);
}

static void a_record_of_version_2_is_loaded(void **state)
{
	struct host *host = *state;

	assert_int_equal(fwnmi_load(host->f, record_version_2, sizeof(record_version_2)), 0);
	assert_earlier_record_goes_on(host);
	assert_int_equal(host_resume(host, 1), FWNMI_WAITING); /* it was signalled */
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	assert_int_equal(host_resume(host, 1), FWNMI_DELIVERED);
	assert_int_equal(log_at(host, FWNMI_PAGE_7).mc.effective_address, 0x333);
}

/* Nothing could have saved them. */
static void a_record_of_an_earlier_version_has_at_most_64_cpus(void **state)
{
	struct host *host = *state;
	struct fwnmi_config config = default_config;
	uint8_t record[RECORD_MAX];
	size_t length;

	for (unsigned version = 1; version < 3; version++) {
		config.nr_cpus = 65;
		start(host, &config);
		length = save(host, record);
		put_u32(record + VERSION_AT, version);
		seal(record, length);
		assert_int_equal(fwnmi_load(host->f, record, length), FWNMI_ERR_BADRECORD);
	}
}

static void what_a_routine_looked_like_goes_along(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	struct host *to = move_to(host);

	to->low_memory[MACHINE_CHECK] ^= 0xff;
	assert_int_equal(host_machine_check(to, 0, &mc), AT_VECTOR_STALE);
	tear_down((void **)&to);
}

static void a_partition_of_64_cpus_with_full_queues_can_be_moved(void **state)
{
	struct host *host = *state;
	struct fwnmi_config config = default_config;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t record[RECORD_MAX], again[RECORD_MAX];
	struct fwnmi *to;
	size_t length;

	config.nr_cpus = 64;
	to = malloc(fwnmi_sizeof(&config));
	assert_non_null(to);
	start(host, &config);
	mc.unsafe_processor = true;
	for (unsigned boot = 0; boot < 3; boot++) {
		fwnmi_reset(host->f);
		for (unsigned cpu = 0; cpu < config.nr_cpus; cpu++)
			assert_int_equal(host_machine_check(host, cpu, &mc), FWNMI_STOPPED);
	}
	for (unsigned i = 0; i < FWNMI_QUEUE_EVENTS; i++)
		queue_a_log(host, FWNMI_EVENT_SCAN);
	length = save(host, record);
	assert_int_equal(fwnmi_init(to, fwnmi_sizeof(&config), &ops, host, &config), 0);
	assert_int_equal(fwnmi_load(to, record, length), 0);
	assert_int_equal(fwnmi_save(to, again, sizeof(again)), length);
	assert_memory_equal(again, record, length);
	free(to);
}

/* ---- the record ---- */

static void a_record_is_the_same_on_every_machine(void **state)
{
	static const uint8_t head[ROUTINE_AT] = {
		'F',  'W',  'N',  'M', 'I', 'r', 'e', 'c', 0, 0, 0,    3,    0, 0,
		0x01, 0x6b, 0,	  0,   0,   4,	 0,   0,   0, 0, 0x2f, 0xff, 0, 0,
		0,    0,    0x20, 0,   0,   0,	 1,   0,   0, 0, 0x08, 0x10, 1, 0,
	};
	struct host *host = *state;
	uint8_t record[RECORD_MAX];
	size_t length = save(host, record);

	assert_int_equal(crc32c((const uint8_t *)"123456789", 9), 0xe3069283);
	assert_int_equal(length, 0x16b);
	assert_memory_equal(record, head, sizeof(head));
	assert_int_equal(get_u32(record + ROUTINE_AT + 4), SYSTEM_RESET);
	assert_int_equal(get_u32(record + ROUTINE_AT + 8), FWNMI_HANDLER_INSNS);
	assert_int_equal(record[ROUTINE_AT + 12], 0x60);
	assert_int_equal(get_u32(record + ROUTINE_AT + 140 + 4), MACHINE_CHECK);
	assert_int_equal(get_u32(record + LOG_ID_AT), 0);
	assert_int_equal(get_u32(record + OWNER_AT), 0xffffffff); /* nobody */
	assert_int_equal(get_u32(record + OWNER_AT + 5), 0); /* no waiters */
	assert_int_equal(get_u32(record + length - 4), crc32c(record, length - 4));
}

static void a_record_needs_as_much_room_as_its_size_says(void **state)
{
	struct host *host = *state;
	uint8_t record[RECORD_MAX];
	size_t length;

	bring_to_life(host);
	length = fwnmi_state_size(host->f);
	memset(record, 0xaa, sizeof(record));
	assert_int_equal(fwnmi_save(host->f, record, length - 1), FWNMI_ERR_NOSPACE);
	assert_int_equal(fwnmi_save(host->f, record, 0), FWNMI_ERR_NOSPACE);
	assert_int_equal(record[0], 0xaa);
	assert_int_equal(fwnmi_save(host->f, record, length), length);
	assert_int_equal(record[length], 0xaa);
}

/* ---- what is refused ---- */

struct refusal {
	struct fwnmi *f;
	uint8_t *before; /* the memory at f, in which nothing has happened yet */
	uint8_t record[RECORD_MAX];
	size_t length;
};

static int set_up_refusal(void **state)
{
	struct refusal *r = calloc(1, sizeof(*r));
	void *host = NULL;

	assert_non_null(r);
	set_up(&host);
	bring_to_life(host);
	r->length = save(host, r->record);
	/* Copy to the exact size, so that a memory checker sees any read past its end. */
	r->f = malloc(fwnmi_sizeof(&default_config));
	assert_non_null(r->f);
	assert_int_equal(
		fwnmi_init(r->f, fwnmi_sizeof(&default_config), &ops, NULL, &default_config), 0);
	r->before = exact_copy(r->f, fwnmi_sizeof(&default_config));
	tear_down(&host);
	*state = r;
	return 0;
}

static int tear_down_refusal(void **state)
{
	struct refusal *r = *state;

	free(r->f);
	free(r->before);
	free(r);
	return 0;
}

static void assert_unchanged(const struct refusal *r)
{
	assert_memory_equal(r->f, r->before, fwnmi_sizeof(&default_config));
}

static void begin_again(struct refusal *r)
{
	memcpy(r->f, r->before, fwnmi_sizeof(&default_config));
}

static void assert_refused(struct refusal *r, const uint8_t *record, size_t size, int error)
{
	uint8_t *copy = exact_copy(record, size);

	assert_int_equal(fwnmi_load(r->f, copy, size), error);
	assert_unchanged(r);
	free(copy);
}

static void a_record_cut_anywhere_is_refused(void **state)
{
	struct refusal *r = *state;

	for (size_t size = 0; size < r->length; size++)
		assert_refused(r, r->record, size, FWNMI_ERR_TRUNCATED);
	assert_int_equal(fwnmi_load(r->f, r->record, r->length), 0);
}

static void a_record_that_is_shorter_than_what_it_has_to_say_is_refused(void **state)
{
	struct refusal *r = *state;

	for (size_t length = 0; length < r->length; length++) {
		uint8_t record[RECORD_MAX];

		memcpy(record, r->record, r->length);
		put_u32(record + LENGTH_AT, (uint32_t)length);
		if (length >= 20)
			seal(record, length);
		assert_refused(r, record, r->length, FWNMI_ERR_BADRECORD);
	}
	/* A record that is too long is refused, too. */
	memset(r->record + r->length - 4, 0, 8);
	put_u32(r->record + LENGTH_AT, (uint32_t)r->length + 1);
	seal(r->record, r->length + 1);
	assert_refused(r, r->record, r->length + 1, FWNMI_ERR_BADRECORD);
}

static void a_record_with_any_bit_wrong_is_refused(void **state)
{
	struct refusal *r = *state;

	for (size_t bit = 0; bit < 8 * r->length; bit++) {
		int result;

		r->record[bit / 8] ^= (uint8_t)(1 << bit % 8);
		result = fwnmi_load(r->f, r->record, r->length);
		assert_true(result == FWNMI_ERR_BADRECORD || result == FWNMI_ERR_TRUNCATED ||
			    result == FWNMI_ERR_FUTURE);
		assert_unchanged(r);
		r->record[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void a_record_of_a_later_version_is_refused(void **state)
{
	struct refusal *r = *state;

	put_u32(r->record + VERSION_AT, 4);
	seal(r->record, r->length);
	assert_refused(r, r->record, r->length, FWNMI_ERR_FUTURE);
	put_u32(r->record + VERSION_AT, 0);
	seal(r->record, r->length);
	assert_refused(r, r->record, r->length, FWNMI_ERR_BADRECORD);
}

static void a_record_of_a_partition_made_otherwise_is_refused(void **state)
{
	struct refusal *r = *state;
	static const size_t fields[] = { NR_CPUS_AT + 3, RTAS_BASE_AT + 5, RTAS_SIZE_AT + 2,
					 SAVE_OFFSET_AT + 2, BUFFER_SIZE_AT + 3 };

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		r->record[fields[i]] ^= 0x10;
		seal(r->record, r->length);
		assert_refused(r, r->record, r->length, FWNMI_ERR_MISMATCH);
		r->record[fields[i]] ^= 0x10;
	}
}

static void strictness_and_policies_may_differ(void **state)
{
	struct refusal *r = *state;
	struct fwnmi_config config = default_config;

	config.strict = true;
	config.stale_handler = FWNMI_STALE_END;
	config.interrupts_little_endian = true;
	assert_int_equal(fwnmi_init(r->f, fwnmi_sizeof(&config), &ops, NULL, &config), 0);
	assert_int_equal(fwnmi_load(r->f, r->record, r->length), 0);
	assert_int_equal(fwnmi_interlock(r->f, 3), FWNMI_ERR_NO_EVENT);
}

static void what_follows_a_record_is_ignored(void **state)
{
	struct refusal *r = *state;

	assert_int_equal(fwnmi_load(r->f, r->record, sizeof(r->record)), 0);
}

/*
 * Offsets behind OWNER_AT in the record of bring_to_life(): owner 4, notified 1, number of waiters
 * 4; a waiter is its number 4 and 46 bytes; each vCPU stopped 1, pending reset 1 and signalled 1;
 * ended 1 and its log's length 4; allowance 1 and number of logs 4; a log class 4, length 2, source
 * 1, kind 1.
 */
enum {
	NOTIFIED_AT = OWNER_AT + 4,
	NR_WAITERS_AT = OWNER_AT + 5,
	WAITER_0_AT = NR_WAITERS_AT + 4,
	WAITER_1_AT = WAITER_0_AT + 50,
	CPUS_AT = WAITER_1_AT + 50,
	ENDED_AT = CPUS_AT + 3 * NR_CPUS,
	ALLOWANCE_AT = ENDED_AT + 5,
	NR_EVENTS_AT = ALLOWANCE_AT + 1,
	EVENT_0_AT = NR_EVENTS_AT + 4,
	EVENT_0_LOG_AT = EVENT_0_AT + 8,
	EVENT_1_AT = EVENT_0_LOG_AT + 216,
};

static void a_record_that_contradicts_itself_is_refused(void **state)
{
	struct refusal *r = *state;
	static const struct {
		size_t at;
		uint8_t value, expected_before;
	} changes[] = {
		{ REGISTERED_AT, 0, 1 }, /* unregistered, but with routines and an owner */
		{ REGISTERED_AT, 2, 1 },
		{ REGISTERED_AT + 1, 2, 1 }, /* page 7 */
		{ ROUTINE_AT + 4, 2, 0 }, /* above 32 MiB */
		{ ROUTINE_AT + 7, 0x21, 0x20 }, /* not aligned */
		{ ROUTINE_AT + 11, 0, 32 }, /* nothing remembered */
		{ ROUTINE_AT + 11, 33, 32 },
		{ OWNER_AT + 3, 4, 1 }, /* no such vCPU */
		{ OWNER_AT + 3, 2, 1 }, /* also waits */
		{ OWNER_AT + 3, 3, 1 }, /* it is stopped */
		{ NOTIFIED_AT, 0, 1 }, /* so its machine check should be here */
		{ NR_WAITERS_AT + 3, 3, 2 },
		{ NR_WAITERS_AT + 3, 4, 2 },
		{ WAITER_0_AT + 3, 0, 2 }, /* twice */
		{ WAITER_0_AT + 3, 1, 2 }, /* the owner */
		{ WAITER_0_AT + 3, 3, 2 }, /* stopped */
		{ WAITER_0_AT + 3, 4, 2 },
		{ WAITER_1_AT + 3, 4, 0 },
		{ WAITER_0_AT + 4, 6, 1 }, /* no such type */
		{ WAITER_0_AT + 5, 3, 1 }, /* nor subtype */
		{ WAITER_0_AT + 6, 5, 3 }, /* fatal and recovered */
		{ WAITER_0_AT + 9, 1, 0 }, /* unsafe: never waits */
		{ WAITER_0_AT + 10, 1, 0 }, /* transient: only a UE */
		{ WAITER_0_AT + 41, 2, 0 }, /* neither DAR nor none */
		{ CPUS_AT, 1, 0 }, /* vCPU 0 stopped */
		{ CPUS_AT + 1, 3, 0 },
		{ CPUS_AT + 10, 1, 0 }, /* a reset for the one stopped */
		{ CPUS_AT + 11, 1, 0 }, /* a machine check for it */
		{ CPUS_AT + 2, 1, 0 }, /* for one that waits */
		{ CPUS_AT + 9, 0, 1 }, /* not stopped, but with an R16 notice: allowed; see below */
		{ ENDED_AT, 1, 0 }, /* without a log */
		{ ENDED_AT + 4, 8, 0 }, /* a log without an end */
		{ ALLOWANCE_AT, 3, 2 },
		{ NR_EVENTS_AT + 3, 4, 3 },
		{ NR_EVENTS_AT + 3, 2, 3 },
		{ EVENT_0_AT, 0xc0, 0x80 }, /* two classes */
		{ EVENT_0_AT, 0x40, 0x80 }, /* a notice in the wrong class */
		{ EVENT_0_AT + 5, 0xd7, 0xd8 }, /* a log cut short */
		{ EVENT_0_AT + 6, 1, 0 }, /* a notice by check-exception */
		{ EVENT_0_AT + 6, 2, 0 },
		{ EVENT_0_AT + 7, 3, 1 },
		{ EVENT_0_LOG_AT, 5, 6 }, /* another version */
		{ EVENT_1_AT + 5, 7, 8 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		uint8_t *byte = r->record + changes[i].at;

		assert_int_equal(*byte, changes[i].expected_before);
		*byte = changes[i].value;
		seal(r->record, r->length);
		/* Ten notices may be left over from earlier boots. */
		if (changes[i].at == CPUS_AT + 9) {
			assert_int_equal(fwnmi_load(r->f, r->record, r->length), 0);
			begin_again(r);
		} else {
			assert_refused(r, r->record, r->length, FWNMI_ERR_BADRECORD);
		}
		*byte = changes[i].expected_before;
	}
	seal(r->record, r->length);
	assert_int_equal(fwnmi_load(r->f, r->record, r->length), 0);
}

static void an_owner_without_a_registration_is_refused(void **state)
{
	struct refusal *r = *state;

	memset(r->record + REGISTERED_AT, 0, LOG_ID_AT - 2 - REGISTERED_AT);
	seal(r->record, r->length);
	assert_refused(r, r->record, r->length, FWNMI_ERR_BADRECORD);
}

/* There is no interlock after which it could be delivered. */
static void a_system_reset_put_off_without_a_machine_check_is_refused(void **state)
{
	struct refusal *r = *state;
	struct host *host = malloc(sizeof(*host));
	uint8_t *pending = r->record + NR_WAITERS_AT + 5; /* of vCPU 0; there are no waiters */

	assert_non_null(host);
	start(host, &default_config);
	enrol(host);
	assert_int_equal(fwnmi_signal_system_reset(host->f, 0, 0), 1);
	r->length = save(host, r->record);
	free(host);
	assert_int_equal(*pending, 1);
	assert_int_equal(fwnmi_load(r->f, r->record, r->length), 0);
	begin_again(r);
	*pending = 2;
	seal(r->record, r->length);
	assert_refused(r, r->record, r->length, FWNMI_ERR_BADRECORD);
}

static void more_notices_than_can_be_are_refused(void **state)
{
	struct refusal *r = *state;
	struct host *host = malloc(sizeof(*host));
	struct fwnmi_machine_check mc = slb_multihit();
	const size_t stopped_at = NR_WAITERS_AT + 4;

	assert_non_null(host);
	start(host, &default_config);
	mc.unsafe_processor = true;
	for (unsigned boot = 0; boot < 10; boot++) {
		assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_STOPPED);
		fwnmi_reset(host->f);
	}
	assert_int_equal(host_machine_check(host, 0, &mc), FWNMI_STOPPED);
	r->length = save(host, r->record);
	assert_int_equal(fwnmi_load(r->f, r->record, r->length), 0);
	begin_again(r);
	/* Ten from earlier boots, so the eleventh has no vCPU. */
	assert_int_equal(r->record[stopped_at], 1);
	r->record[stopped_at] = 0;
	seal(r->record, r->length);
	assert_refused(r, r->record, r->length, FWNMI_ERR_BADRECORD);
	free(host);
}

/* Whatever a host does with a state from outside, it stays within bounds. */
static void live_on(struct host *host)
{
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t buf[FWNMI_ERRLOG_MAX];

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		host_resume(host, cpu);
		fwnmi_interlock(host->f, cpu);
	}
	for (unsigned boot = 0; boot < 2; boot++) {
		mc.unsafe_processor = false;
		host_machine_check(host, 0, &mc);
		mc.unsafe_processor = true;
		for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
			host_machine_check(host, cpu, &mc);
		while (fwnmi_event_queue(host->f, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW,
					 (const uint8_t[]){ 6, 0x20, 0, 226, 0, 0, 0, 0 }, 8) == 0)
			;
		fwnmi_event_scan(host->f, ~0u, false, buf, sizeof(buf));
		fwnmi_reset(host->f);
	}
}

static void any_damage_under_a_good_checksum_is_refused_or_harmless(void **state)
{
	struct refusal *r = *state;
	struct host *host = malloc(sizeof(*host));
	uint8_t untouched[RECORD_MAX];
	size_t untouched_length;
	unsigned accepted = 0, refused = 0;
	uint32_t seed = 7;

	assert_non_null(host);
	start(host, &default_config);
	untouched_length = save(host, untouched);
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t record[2048], again[RECORD_MAX];

		assert_in_range(r->length, 0, sizeof(record));
		memcpy(record, r->record, r->length);
		for (unsigned i = 0; i < 1 + round % 3; i++) {
			seed = seed * 1664525 + 1013904223;
			record[16 + (seed >> 8) % (r->length - 20)] = (uint8_t)(seed >> 3);
		}
		seal(record, r->length);
		start(host, &default_config);
		if (fwnmi_load(host->f, record, r->length) != 0) {
			assert_int_equal(fwnmi_save(host->f, again, sizeof(again)),
					 untouched_length);
			assert_memory_equal(again, untouched, untouched_length);
			refused++;
			continue;
		}
		accepted++;
		assert_int_equal(fwnmi_save(host->f, again, sizeof(again)), r->length);
		assert_memory_equal(again, record, r->length);
		host->may_write = record[REGISTERED_AT + 1] ? PAGE_7 : RTAS_AREA;
		live_on(host);
	}
	assert_true(accepted > 100 && refused > 100);
	free(host);
}

#define test(name)    cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define refusal(name) cmocka_unit_test_setup_teardown(name, set_up_refusal, tear_down_refusal)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_partition_without_events_goes_on_elsewhere),
		test(an_unregistered_partition_stays_unregistered),
		test(a_partition_that_has_rebooted_can_be_moved),
		test(a_record_replaces_all_that_was_there),
		test(owner_waiters_resets_and_logs_go_on_elsewhere),
		test(a_partition_can_be_moved_at_any_point_of_an_events_life),
		test(signalled_machine_checks_go_on_elsewhere),
		test(a_record_of_version_1_is_loaded),
		test(a_record_of_version_2_is_loaded),
		test(a_record_of_an_earlier_version_has_at_most_64_cpus),
		test(what_a_routine_looked_like_goes_along),
		test(a_partition_of_64_cpus_with_full_queues_can_be_moved),
		test(a_record_is_the_same_on_every_machine),
		test(a_record_needs_as_much_room_as_its_size_says),
		refusal(a_record_cut_anywhere_is_refused),
		refusal(a_record_that_is_shorter_than_what_it_has_to_say_is_refused),
		refusal(a_record_with_any_bit_wrong_is_refused),
		refusal(a_record_of_a_later_version_is_refused),
		refusal(a_record_of_a_partition_made_otherwise_is_refused),
		refusal(strictness_and_policies_may_differ),
		refusal(what_follows_a_record_is_ignored),
		refusal(a_record_that_contradicts_itself_is_refused),
		refusal(an_owner_without_a_registration_is_refused),
		refusal(a_system_reset_put_off_without_a_machine_check_is_refused),
		refusal(more_notices_than_can_be_are_refused),
		refusal(any_damage_under_a_good_checksum_is_refused_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
