/* SPDX-License-Identifier: BSD-2-Clause */
/* XIVE alone, through its device memory: which events reach which queue and which CPU, and when. */
#include "devices/xive.h"

#include "unit.h"

#define SERVERS	 4u
#define RAM	 0x100000ull
#define QUEUE	 0x10000ull
#define ENTRIES	 1024u /* of 4 KiB */
#define DEVICE	 (XICS_SOURCE_BASE + 1)
#define NUMBER	 0x1234u
#define PRIORITY 6u

/* Offsets in a management page. */
#define END_OF_INTERRUPT 0
#define GET		 0x800
#define SET_00		 0xc00
#define SET_01		 0xd00
#define SET_10		 0xe00
#define SET_11		 0xf00
/* And in the OS's page. */
#define NSR		 0x10
#define CPPR		 0x11
#define IPB		 0x12
#define PIPR		 0x17
#define ACKNOWLEDGE	 0x810
#define SET_PENDING	 0x812

static uint8_t ram[RAM];
static struct guest_memory memory;
static struct xive xive;
static bool line[SERVERS];

static void set_external(void *opaque, unsigned server, bool level)
{
	line[server] = level;
}

static uint64_t load(unsigned cpu, uint64_t ra, unsigned size)
{
	const struct memory_window *window = memory_region(&memory, ra).window;

	assert_non_null(window);
	assert_int_equal(window->sizes & size, size);
	return window->read(window->opaque, cpu, ra - window->first, size);
}

static void store(unsigned cpu, uint64_t ra, unsigned size, uint64_t value)
{
	const struct memory_window *window = memory_region(&memory, ra).window;

	assert_non_null(window);
	assert_int_equal(window->sizes & size, size);
	window->write(window->opaque, cpu, ra - window->first, size, value);
}

static uint64_t os(unsigned cpu, uint64_t offset, unsigned size)
{
	return load(cpu, XIVE_OS_BASE + offset, size);
}

static uint64_t manage(uint64_t lisn, uint64_t offset)
{
	return load(0, XIVE_SOURCE_BASE + lisn * 2 * XIVE_PAGE + XIVE_PAGE + offset, 8);
}

static void trigger(uint64_t lisn)
{
	store(0, XIVE_SOURCE_BASE + lisn * 2 * XIVE_PAGE, 8, 0);
}

static void open_cppr(unsigned cpu)
{
	store(cpu, XIVE_OS_BASE + CPPR, 1, 0xff);
}

static void make_queue(unsigned server, unsigned priority, bool always_notify)
{
	*xive_queue(&xive, server, priority) = (struct xive_queue){
		.address = QUEUE,
		.order = 12,
		.always_notify = always_notify,
		.generation = true,
	};
}

static void make_source(uint64_t lisn, unsigned server, unsigned priority)
{
	*xive_source(&xive, lisn) = (struct xive_source){
		.server = (uint8_t)server,
		.priority = (uint8_t)priority,
		.number = NUMBER,
	};
}

static uint32_t event(unsigned i)
{
	return get_be32(ram + QUEUE + 4ull * i);
}

static int setup(void **state)
{
	memset(ram, 0, sizeof(ram));
	memset(line, 1, sizeof(line));
	memory = (struct guest_memory){ .base = ram, .size = RAM };
	assert_true(xive_init(&xive, SERVERS, &memory, set_external, NULL));
	xive.device.type->reset(&xive.device);
	return 0;
}

static int routed(void **state)
{
	setup(state);
	make_queue(2, PRIORITY, true);
	make_source(DEVICE, 2, PRIORITY);
	open_cppr(2);
	return 0;
}

static void after_a_reset_sources_are_off_and_cpus_take_nothing(void **state)
{
	for (unsigned i = 0; i < SERVERS; i++) {
		assert_false(line[i]);
		assert_int_equal(manage(i, GET), XIVE_OFF);
		assert_int_equal(os(i, ACKNOWLEDGE, 2), 0);
	}
	assert_int_equal(manage(DEVICE, GET), XIVE_OFF);
	xive_raise(&xive, DEVICE);
	assert_int_equal(manage(DEVICE, GET), XIVE_OFF);
}

static void an_event_is_queued_and_interrupts_its_cpu_alone(void **state)
{
	xive_raise(&xive, DEVICE);
	assert_int_equal(event(0), 0x80000000 | NUMBER);
	assert_int_equal(event(1), 0);
	for (unsigned i = 0; i < SERVERS; i++)
		assert_int_equal(line[i], i == 2);
	assert_int_equal(manage(DEVICE, GET), XIVE_P);
}

static void acknowledging_takes_the_priority_and_lowers_the_line(void **state)
{
	xive_raise(&xive, DEVICE);
	/* NSR, CPPR, IPB, LSMFB; ACK_CNT, INC, AGE, PIPR */
	assert_int_equal(os(2, NSR, 8), 0x80ff02ffff000006);
	assert_int_equal(os(2, ACKNOWLEDGE, 2), 0x8006);
	assert_false(line[2]);
	assert_int_equal(os(2, NSR, 8), 0x000600ffff0000ff);
	assert_int_equal(os(2, ACKNOWLEDGE, 2), 0x0006);
}

static void each_cpu_sees_its_own_context(void **state)
{
	xive_raise(&xive, DEVICE);
	assert_int_equal(os(2, IPB, 1), 0x02);
	assert_int_equal(os(1, IPB, 1), 0);
	assert_int_equal(os(1, CPPR, 1), 0);
	assert_int_equal(os(1, ACKNOWLEDGE, 2), 0);
	assert_true(line[2]);
}

static void an_event_while_one_is_handled_comes_after_its_end(void **state)
{
	xive_raise(&xive, DEVICE);
	os(2, ACKNOWLEDGE, 2);
	open_cppr(2);
	xive_raise(&xive, DEVICE);
	xive_raise(&xive, DEVICE);
	assert_int_equal(manage(DEVICE, GET), XIVE_P | XIVE_Q);
	assert_false(line[2]);
	assert_int_equal(event(1), 0);
	assert_int_equal(manage(DEVICE, END_OF_INTERRUPT), 1);
	assert_int_equal(event(1), 0x80000000 | NUMBER);
	assert_int_equal(event(2), 0);
	assert_true(line[2]);
	assert_int_equal(manage(DEVICE, END_OF_INTERRUPT), 0);
	assert_int_equal(manage(DEVICE, GET), 0);
}

static void a_load_sets_the_state_and_tells_the_former_one(void **state)
{
	assert_int_equal(manage(DEVICE, SET_11), 0);
	assert_int_equal(manage(DEVICE, SET_10), 3);
	assert_int_equal(manage(DEVICE, SET_01), 2);
	assert_int_equal(manage(DEVICE, END_OF_INTERRUPT), 0);
	assert_int_equal(manage(DEVICE, SET_00), 1);
	assert_int_equal(manage(DEVICE, GET), 0);
	assert_int_equal(event(0), 0);
}

static void a_guest_triggers_a_source_by_its_trigger_page(void **state)
{
	make_source(3, 2, PRIORITY);
	trigger(3);
	assert_int_equal(event(0), 0x80000000 | NUMBER);
	assert_true(line[2]);
	assert_int_equal(load(0, XIVE_SOURCE_BASE + 3 * 2 * XIVE_PAGE, 8), UINT64_MAX);
}

static void the_generation_changes_when_the_queue_begins_anew(void **state)
{
	for (unsigned i = 0; i < ENTRIES + 1; i++) {
		xive_raise(&xive, DEVICE);
		manage(DEVICE, END_OF_INTERRUPT);
	}
	assert_int_equal(event(0), NUMBER);
	assert_int_equal(event(1), 0x80000000 | NUMBER);
	assert_int_equal(event(ENTRIES - 1), 0x80000000 | NUMBER);
	assert_int_equal(event(ENTRIES), 0);
}

static void a_masked_source_and_one_without_a_queue_lose_their_events(void **state)
{
	xive_source(&xive, DEVICE)->masked = true;
	xive_raise(&xive, DEVICE);
	assert_int_equal(manage(DEVICE, SET_00), XIVE_P);
	xive_source(&xive, DEVICE)->masked = false;
	xive_source(&xive, DEVICE)->server = 1;
	xive_raise(&xive, DEVICE);
	assert_int_equal(event(0), 0);
	assert_false(line[1] || line[2]);
}

static void
a_queue_that_does_not_always_notify_does_so_once_until_its_page_says_it_ended(void **state)
{
	const uint64_t page = XIVE_QUEUE_BASE + (2 * XIVE_NR_PRIORITIES + PRIORITY) * XIVE_PAGE;

	make_queue(2, PRIORITY, false);
	make_source(3, 2, PRIORITY);
	xive_raise(&xive, DEVICE);
	assert_int_equal(os(2, ACKNOWLEDGE, 2), 0x8006);
	open_cppr(2);
	trigger(3);
	assert_int_equal(event(1), 0x80000000 | NUMBER);
	assert_false(line[2]);
	assert_int_equal(load(0, page + GET, 8), XIVE_P | XIVE_Q);
	assert_int_equal(load(0, page + END_OF_INTERRUPT, 8), 1);
	assert_true(line[2]);
}

static void cppr_hides_what_is_not_more_favoured(void **state)
{
	store(2, XIVE_OS_BASE + CPPR, 1, PRIORITY);
	xive_raise(&xive, DEVICE);
	assert_false(line[2]);
	assert_int_equal(os(2, ACKNOWLEDGE, 2), PRIORITY);
	store(2, XIVE_OS_BASE + CPPR, 1, PRIORITY + 1);
	assert_true(line[2]);
	store(2, XIVE_OS_BASE + CPPR, 1, 0);
	assert_false(line[2]);
	store(2, XIVE_OS_BASE + CPPR, 1, 0x80); /* more than 7: all */
	assert_int_equal(os(2, CPPR, 1), 0xff);
	assert_true(line[2]);
}

static void the_most_favoured_priority_is_acknowledged_first(void **state)
{
	store(2, XIVE_OS_BASE + SET_PENDING, 1, 5);
	store(2, XIVE_OS_BASE + SET_PENDING, 1, 0);
	store(2, XIVE_OS_BASE + SET_PENDING, 1, XIVE_NR_PRIORITIES); /* the hypervisor's */
	assert_int_equal(os(2, IPB, 1), 0x84);
	assert_int_equal(os(2, ACKNOWLEDGE, 2), 0x8000);
	open_cppr(2);
	assert_int_equal(os(2, ACKNOWLEDGE, 2), 0x8005);
}

static void pages_of_no_source_answer_ones_and_do_nothing(void **state)
{
	static const uint64_t none[] = { SERVERS, XICS_SOURCE_BASE - 1 };

	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_null(xive_source(&xive, none[i]));
		assert_int_equal(manage(none[i], SET_00), UINT64_MAX);
		trigger(none[i]);
	}
	assert_null(xive_source(&xive, XICS_SOURCE_BASE + XICS_NR_SOURCES));
	assert_null(xive_source(&xive, UINT64_MAX));
	xive_raise(&xive, UINT32_MAX);
}

static void every_offset_of_every_window_can_be_accessed_in_every_size(void **state)
{
	for (unsigned i = 0; i < memory.nr_windows; i++) {
		const struct memory_window *window = memory.windows[i];
		const uint64_t bytes = window->last - window->first + 1;

		for (unsigned size = 1; size <= 8; size *= 2) {
			if (!(window->sizes & size))
				continue;
			for (uint64_t offset = 0;
			     offset<bytes; offset += bytes> 4 * XIVE_PAGE ? 0xff8 : size) {
				window->read(window->opaque, 1, offset & ~(size - 1ull), size);
				window->write(window->opaque, 1, offset & ~(size - 1ull), size, 1);
			}
		}
	}
}

static void a_queue_in_poisoned_memory_loses_the_event_but_tells_the_cpu(void **state)
{
	assert_true(memory_poison(&memory, QUEUE, 128, false));
	xive_raise(&xive, DEVICE);
	assert_int_equal(event(0), 0);
	assert_true(line[2]);
}

static void windows_that_do_not_fit_are_reported(void **state)
{
	struct xive another;

	assert_false(xive_init(&another, SERVERS, &memory, set_external, NULL));
}

static void a_saved_queue_that_points_out_of_itself_is_refused(void **state)
{
	static uint8_t record[65536];
	const struct record_part part = device_part(&xive.device);
	struct xive_queue *queue = xive_queue(&xive, 2, PRIORITY);
	char err[256];
	size_t size = record_save(part.type, part.state, record, sizeof(record));

	assert_true(size);
	xive_raise(&xive, DEVICE);
	assert_true(record_load(part.type, part.state, record, size, err, sizeof(err)));
	assert_int_equal(queue->next, 0);
	assert_int_equal(manage(DEVICE, GET), 0);
	queue->next = ENTRIES;
	size = record_save(part.type, part.state, record, sizeof(record));
	assert_false(record_load(part.type, part.state, record, size, err, sizeof(err)));
	queue->next = 0;
	queue->order = 13;
	size = record_save(part.type, part.state, record, sizeof(record));
	assert_false(record_load(part.type, part.state, record, size, err, sizeof(err)));
}

#define TEST(name, set) cmocka_unit_test_setup(name, set)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(after_a_reset_sources_are_off_and_cpus_take_nothing, setup),
		TEST(an_event_is_queued_and_interrupts_its_cpu_alone, routed),
		TEST(acknowledging_takes_the_priority_and_lowers_the_line, routed),
		TEST(each_cpu_sees_its_own_context, routed),
		TEST(an_event_while_one_is_handled_comes_after_its_end, routed),
		TEST(a_load_sets_the_state_and_tells_the_former_one, routed),
		TEST(a_guest_triggers_a_source_by_its_trigger_page, routed),
		TEST(the_generation_changes_when_the_queue_begins_anew, routed),
		TEST(a_masked_source_and_one_without_a_queue_lose_their_events, routed),
		TEST(a_queue_that_does_not_always_notify_does_so_once_until_its_page_says_it_ended,
		     routed),
		TEST(cppr_hides_what_is_not_more_favoured, routed),
		TEST(the_most_favoured_priority_is_acknowledged_first, routed),
		TEST(pages_of_no_source_answer_ones_and_do_nothing, setup),
		TEST(every_offset_of_every_window_can_be_accessed_in_every_size, routed),
		TEST(a_queue_in_poisoned_memory_loses_the_event_but_tells_the_cpu, routed),
		TEST(windows_that_do_not_fit_are_reported, setup),
		TEST(a_saved_queue_that_points_out_of_itself_is_refused, routed),
	};

	return cmocka_run_group_tests_name("xive", tests, NULL, NULL);
}
