/* SPDX-License-Identifier: BSD-2-Clause */
/* A promise of all devices: the saved state of one can be loaded into another of its type. */
#include "devices/nvram.h"
#include "devices/rtc.h"
#include "devices/vty.h"
#include "devices/xics.h"

#include "unit.h"

#define SERVERS 4u

/* A machine's devices, and what they last told it. */
struct set {
	struct guest_clock clock;
	struct xics xics;
	struct vty vty;
	struct nvram nvram;
	struct rtc rtc;
	struct device *device[4];
	bool line[SERVERS];
};

static struct set one, two;
static uint8_t record[2 * NVRAM_SIZE];
static char err[200];

static void raise_interrupt(void *xics, uint32_t interrupt)
{
	xics_raise(xics, interrupt);
}

static void set_external(void *opaque, unsigned server, bool level)
{
	struct set *set = opaque;

	set->line[server] = level;
}

static void make(struct set *set, unsigned servers)
{
	static const struct vty_console console = { .write = NULL };

	memset(set, 0, sizeof(*set));
	xics_init(&set->xics, servers, set_external, set);
	vty_init(&set->vty, &console, raise_interrupt, &set->xics);
	nvram_init(&set->nvram);
	rtc_init(&set->rtc, &set->clock);
	set->device[0] = &set->xics.device;
	set->device[1] = &set->vty.device;
	set->device[2] = &set->nvram.device;
	set->device[3] = &set->rtc.device;
	for (unsigned i = 0; i < ARRAY_SIZE(set->device); i++)
		if (set->device[i]->type->reset)
			set->device[i]->type->reset(set->device[i]);
}

static uint8_t *state_of(struct device *device)
{
	return (uint8_t *)device + device->type->state_offset;
}

/* Gives each field of the state a value of its own within its range, as a guest might leave it. */
static void stir(struct device *device)
{
	const struct record_type *type = device->type->record;
	uint64_t value = 1;

	for (unsigned i = 0; i < type->nr_fields; i++) {
		const struct record_field *field = &type->fields[i];

		if (!strcmp(field->name, "nr_servers"))
			continue;
		for (uint32_t n = 0; n < (field->each ? SERVERS : field->count); n++) {
			uint8_t *at = state_of(device) + field->offset + n * field->stride;

			value = value * 6364136223846793005ull + 1442695040888963407ull;
			for (unsigned byte = 0; byte < field->width; byte++)
				at[byte] = (uint8_t)(value >> (8 * byte + 3));
			/*
			 * A maximum below UINT8_MAX limits the low byte; all others let it have any
			 * value.
			 */
			if (field->max < UINT8_MAX)
				at[0] %= (uint8_t)(field->max < SERVERS ? field->max + 1 : SERVERS);
			if (field->width == 2)
				at[1] = 0;
		}
	}
}

static size_t device_save(struct device *device)
{
	const struct record_part part = device_part(device);

	return records_save(&part, 1, record, sizeof(record));
}

static bool device_load(struct device *device, size_t size)
{
	const struct record_part part = device_part(device);

	if (!records_load(&part, 1, record, size, err, sizeof(err)))
		return false;
	if (device->type->loaded)
		device->type->loaded(device);
	return true;
}

static int setup(void **state)
{
	make(&one, SERVERS);
	make(&two, SERVERS);
	for (unsigned i = 0; i < ARRAY_SIZE(one.device); i++)
		stir(one.device[i]);
	return 0;
}

static bool same(struct device *a, struct device *b)
{
	return !memcmp(state_of(a), state_of(b), a->type->record->size);
}

static void no_byte_of_a_devices_state_is_left_out_of_its_record(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(one.device); i++) {
		const struct record_type *type = one.device[i]->type->record;
		uint8_t *times = calloc(1, type->size);

		for (unsigned f = 0; f < type->nr_fields; f++)
			for (uint32_t n = 0; n < type->fields[f].count; n++)
				for (unsigned byte = 0; byte < type->fields[f].width; byte++)
					times[type->fields[f].offset + n * type->fields[f].stride +
					      byte]++;
		for (size_t byte = 0; byte < type->size; byte++)
			assert_int_equal(times[byte], 1);
		free(times);
	}
}

static void a_device_that_is_saved_and_loaded_into_another_makes_it_equal(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(one.device); i++) {
		size_t size = device_save(one.device[i]);

		assert_false(same(one.device[i], two.device[i]));
		assert_true(device_load(two.device[i], size));
		assert_true(same(one.device[i], two.device[i]));
	}
}

static void a_loaded_devices_host_is_its_own(void **state)
{
	size_t size = device_save(&one.xics.device);

	assert_true(device_load(&two.xics.device, size));
	assert_ptr_equal(two.xics.opaque, &two);
	size = device_save(&one.vty.device);
	assert_true(device_load(&two.vty.device, size));
	assert_ptr_equal(two.vty.opaque, &two.xics);
}

static void a_damaged_record_leaves_the_device_as_it_was(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(one.device); i++) {
		size_t size = device_save(one.device[i]);
		size_t step = size > 2000 ? size / 500 : 1;
		void *before =
			exact_copy(state_of(two.device[i]), two.device[i]->type->record->size);

		for (size_t at = 0; at < size; at += step) {
			record[at] ^= 0x10;
			assert_false(device_load(two.device[i], size));
			record[at] ^= 0x10;
			assert_false(device_load(two.device[i], at));
			assert_memory_equal(state_of(two.device[i]), before,
					    two.device[i]->type->record->size);
		}
		free(before);
	}
}

static void a_device_refuses_the_record_of_another(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(one.device); i++) {
		size_t size = device_save(one.device[i]);

		for (unsigned j = 0; j < ARRAY_SIZE(two.device); j++)
			assert_int_equal(device_load(two.device[j], size), i == j);
	}
}

/* The vCPUs' inputs have their levels already: those are loaded with the vCPUs. */
static void a_loaded_interrupt_controller_goes_on_as_the_first_would(void **state)
{
	size_t size;

	make(&one, SERVERS);
	xics_set_cppr(&one.xics, 2, 0xff);
	xics_route(&one.xics, xics_source(&one.xics, VTY_INTERRUPT), 2, 5);
	xics_raise(&one.xics, VTY_INTERRUPT);
	size = device_save(&one.xics.device);
	assert_true(device_load(&two.xics.device, size));
	assert_false(two.line[2]);
	two.line[2] = true;
	assert_int_equal(xics_accept(&two.xics, 2), 0xff000000 | VTY_INTERRUPT);
	assert_false(two.line[2]);
}

static void an_interrupt_controller_with_other_servers_is_refused(void **state)
{
	size_t size;

	make(&one, SERVERS - 1);
	size = device_save(&one.xics.device);
	assert_false(device_load(&two.xics.device, size));
	make(&one, SERVERS);
	one.xics.state.source[3].server = SERVERS;
	size = device_save(&one.xics.device);
	assert_false(device_load(&two.xics.device, size));
	assert_string_equal(err,
			    "cannot load the state of xics: it does not fit the present state");
}

static void input_that_was_queued_is_read_from_the_copy(void **state)
{
	uint8_t buf[16];
	size_t size;

	make(&one, SERVERS);
	one.vty.state.head = 255;
	one.vty.state.count = 2;
	one.vty.state.queue[255] = 'a';
	one.vty.state.queue[0] = 'b';
	size = device_save(&one.vty.device);
	assert_true(device_load(&two.vty.device, size));
	assert_int_equal(vty_read(&two.vty, buf, sizeof(buf)), 2);
	assert_memory_equal(buf, "ab", 2);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_byte_of_a_devices_state_is_left_out_of_its_record),
		TEST(a_device_that_is_saved_and_loaded_into_another_makes_it_equal),
		TEST(a_loaded_devices_host_is_its_own),
		TEST(a_damaged_record_leaves_the_device_as_it_was),
		TEST(a_device_refuses_the_record_of_another),
		TEST(a_loaded_interrupt_controller_goes_on_as_the_first_would),
		TEST(an_interrupt_controller_with_other_servers_is_refused),
		TEST(input_that_was_queued_is_read_from_the_copy),
	};

	return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
