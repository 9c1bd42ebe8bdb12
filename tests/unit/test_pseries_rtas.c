/* SPDX-License-Identifier: BSD-2-Clause */
/* RTAS calls: every kind of bad argument buffer, and good and bad arguments of each call. */
#include <unistd.h>

#include <libfdt.h>

#include "../fakes/partition.h"
#include "cmd/nvram_file.h"

/* Returns the token of @name from the device tree. */
static uint32_t token(const char *name)
{
	size_t size;
	const void *fdt = papr_fdt(fake.papr, &size);
	int node = fdt_path_offset(fdt, "/rtas"), len;
	const void *property = fdt_getprop(fdt, node, name, &len);

	assert_non_null(property);
	assert_int_equal(len, 4);
	return get_be32(property);
}

/* Calls by name, with one word of status; @rets as in rtas_call(). */
#define CALL(cpu, name, nr_rets, rets, ...)                                  \
	rtas_call(cpu, token(name), sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, \
		  (uint32_t[]){ __VA_ARGS__ }, nr_rets, rets)
#define CALL0(cpu, name, nr_rets, rets) rtas_call(cpu, token(name), 0, NULL, nr_rets, rets)

static void an_argument_buffer_outside_memory_gets_no_status_and_an_error_in_r3(void **state)
{
	static const uint64_t buffers[] = {
		FAKE_RAM,      FAKE_RAM - 4,	      FAKE_RAM - 8, FAKE_RAM - 12,
		0x80000000ull, 0xfffffffcull,	      UINT64_MAX,   UINT64_MAX - 3,
		1ull << 63,    0xc000000000000000ull, BUFFER + 1,   BUFFER + 2,
	};

	/* The last cells before the end of memory hold a header, but no status. */
	memory_write_be32(&fake.memory, FAKE_RAM - 12, token("system-reboot"));
	memory_write_be32(&fake.memory, FAKE_RAM - 8, 0);
	memory_write_be32(&fake.memory, FAKE_RAM - 4, 1);
	for (unsigned i = 0; i < ARRAY_SIZE(buffers); i++) {
		assert_int_equal(hcall(0, 0xf000, buffers[i], 0, 0, 0), H_PARAMETER);
		assert_int_equal(fake.action, PAPR_RESUME);
	}
}

static void absurd_counts_are_refused_before_anything_is_read_or_written(void **state)
{
	static const uint32_t counts[][2] = {
		{ 17, 1 },	   { 0, 0 },	      { 0, 17 },
		{ UINT32_MAX, 1 }, { 0, UINT32_MAX }, { UINT32_MAX, UINT32_MAX },
		{ 0x40000000, 1 }, { 1, 0x40000000 }, { 0x80000000, 0x80000000 },
	};
	uint8_t before[256], after[256];

	memset(fake.memory.base + BUFFER, 0x5a, sizeof(before));
	memory_write_be32(&fake.memory, BUFFER, token("system-reboot"));
	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
		memory_write_be32(&fake.memory, BUFFER + 4, counts[i][0]);
		memory_write_be32(&fake.memory, BUFFER + 8, counts[i][1]);
		memory_read(&fake.memory, BUFFER, before, sizeof(before));
		assert_int_equal(hcall(0, 0xf000, BUFFER, 0, 0, 0), H_PARAMETER);
		assert_int_equal(fake.action, PAPR_RESUME);
		memory_read(&fake.memory, BUFFER, after, sizeof(after));
		assert_memory_equal(before, after, sizeof(before));
	}
}

static void an_argument_buffer_that_just_fits_at_the_end_of_memory_works(void **state)
{
	uint64_t buffer = FAKE_RAM - 16;
	uint32_t status;

	memory_write_be32(&fake.memory, buffer, token("system-reboot"));
	memory_write_be32(&fake.memory, buffer + 4, 0);
	memory_write_be32(&fake.memory, buffer + 8, 1);
	memory_write_be32(&fake.memory, buffer + 12, 0x12345678);
	assert_int_equal(hcall(0, 0xf000, buffer, 0, 0, 0), H_SUCCESS);
	memory_read_be32(&fake.memory, buffer + 12, &status);
	assert_int_equal(status, 0);
	assert_int_equal(fake.action, PAPR_REBOOT);
}

static void a_poisoned_argument_buffer_gets_no_status_and_a_hardware_error_in_r3(void **state)
{
	memory_write_be32(&fake.memory, BUFFER, token("system-reboot"));
	memory_write_be32(&fake.memory, BUFFER + 4, 0);
	memory_write_be32(&fake.memory, BUFFER + 8, 1);
	for (unsigned i = 0; i < 16; i += 4) {
		assert_true(memory_poison(&fake.memory, BUFFER + i, 1, false));
		assert_int_equal(hcall(0, 0xf000, BUFFER, 0, 0, 0), H_HARDWARE);
		assert_int_equal(fake.action, PAPR_RESUME);
		assert_true(memory_heal(&fake.memory, BUFFER + i, 1));
	}
}

static void a_function_that_meets_poison_reports_a_hardware_error(void **state)
{
	static const uint8_t log[8] = { 6, 0x20 }; /* an event, and no extended log */
	uint32_t length;

	assert_true(memory_poison(&fake.memory, BUFFER + 0x1000, 1, false));
	assert_int_equal(CALL(0, "nvram-store", 2, &length, 0x100, BUFFER + 0xff0, 0x20), -1);
	assert_int_equal(CALL(0, "nvram-fetch", 2, &length, 0x100, BUFFER + 0xff0, 0x20), -1);
	assert_int_equal(CALL(0, "nvram-fetch", 2, &length, 0x100, BUFFER + 0xff0, 0x10), 0);
	/* A log is not lost so. */
	assert_int_equal(papr_queue_event(fake.papr, FWNMI_EVENT_SCAN, FWNMI_CLASS_INTERNAL_ERRORS,
					  log, sizeof(log)),
			 0);
	assert_int_equal(CALL(0, "event-scan", 1, NULL, UINT32_MAX, 0, BUFFER + 0x1000, 16), -1);
	assert_int_equal(CALL(0, "event-scan", 1, NULL, UINT32_MAX, 0, BUFFER + 0x1010, 16), 0);
	assert_int_equal(CALL(0, "event-scan", 1, NULL, UINT32_MAX, 0, BUFFER + 0x1010, 16), 1);
}

static void an_unknown_token_gets_a_parameter_error_and_a_debug_line(void **state)
{
	static const uint32_t tokens[] = { 0, 1, 0x1fff, 0x20ff, UINT32_MAX };

	for (unsigned i = 0; i < ARRAY_SIZE(tokens); i++) {
		assert_int_equal(rtas_call(0, tokens[i], 0, NULL, 1, NULL), -3);
		assert_int_equal(fake.debug_lines, i + 1);
	}
}

static void a_full_console_makes_display_character_busy(void **state)
{
	fake.console_busy = true;
	assert_int_equal(CALL(0, "display-character", 1, NULL, 'x'), -2);
	assert_int_equal(fake.output_len, 0);
	fake.console_busy = false;
	assert_int_equal(CALL(0, "display-character", 1, NULL, 'x'), 0);
	assert_int_equal(fake.output_len, 1);
}

static void every_function_refuses_other_counts_than_its_own(void **state)
{
	size_t size;
	const void *fdt = papr_fdt(fake.papr, &size);
	int node = fdt_path_offset(fdt, "/rtas"), property;
	unsigned functions = 0;

	fdt_for_each_property_offset(property, fdt, node)
	{
		const char *name;
		const void *value;
		uint32_t args[16] = { 0 };
		int len;

		value = fdt_getprop_by_offset(fdt, property, &name, &len);
		if (len != 4 || get_be32(value) < 0x2000 || get_be32(value) > 0x20ff)
			continue;
		functions++;
		assert_int_equal(rtas_call(0, get_be32(value), 16, args, 16, args), -3);
		assert_int_equal(fake.action, PAPR_RESUME);
	}
	assert_in_range(functions, 20, 64);
}

static void user_mode_may_not_call(void **state)
{
	fake.regs[0].msr |= MSR_PR;
	memory_write_be32(&fake.memory, BUFFER, token("power-off"));
	memory_write_be32(&fake.memory, BUFFER + 4, 2);
	memory_write_be32(&fake.memory, BUFFER + 8, 1);
	assert_int_equal(hcall(0, 0xf000, BUFFER, 0, 0, 0), H_PRIVILEGE);
	assert_int_equal(fake.action, PAPR_RESUME);
}

static void power_off_and_reboot_end_the_partition(void **state)
{
	assert_int_equal(CALL(0, "power-off", 1, NULL, UINT32_MAX, UINT32_MAX), 0);
	assert_int_equal(fake.action, PAPR_POWER_OFF);
	assert_int_equal(CALL0(0, "system-reboot", 1, NULL), 0);
	assert_int_equal(fake.action, PAPR_REBOOT);
}

static void display_character_reaches_the_console(void **state)
{
	assert_int_equal(CALL(0, "display-character", 1, NULL, 'x'), 0);
	assert_string_equal(fake.output, "x");
}

static void the_clock_of_day_is_repeatable_and_follows_the_time_base(void **state)
{
	uint32_t t[7];

	fake.clock.insns = 0;
	assert_int_equal(CALL0(0, "get-time-of-day", 8, t), 0);
	assert_int_equal(t[0], 2020);
	assert_int_equal(t[1], 1);
	assert_int_equal(t[2], 1);
	assert_int_equal(t[3] + t[4] + t[5] + t[6], 0);
	fake.clock.insns = (86400ull * 60 + 3723) * TIMEBASE_HZ * INSNS_PER_TICK + TIMEBASE_HZ;
	assert_int_equal(CALL0(0, "get-time-of-day", 8, t), 0);
	assert_int_equal(t[1], 3); /* 60 days into a leap year */
	assert_int_equal(t[2], 1);
	assert_int_equal(t[3], 1);
	assert_int_equal(t[4], 2);
	assert_int_equal(t[5], 3);
	assert_int_equal(t[6], 500000000);
}

static void the_clock_of_day_can_be_set(void **state)
{
	uint32_t t[7];

	assert_int_equal(CALL(0, "set-time-of-day", 1, NULL, 2024, 2, 29, 23, 59, 59, 5), 0);
	fake.clock.insns += 2ull * TIMEBASE_HZ * INSNS_PER_TICK;
	assert_int_equal(CALL0(0, "get-time-of-day", 8, t), 0);
	assert_int_equal(t[0], 2024);
	assert_int_equal(t[1], 3);
	assert_int_equal(t[2], 1);
	assert_int_equal(t[5], 1);
	assert_int_equal(t[6], 5);
}

static void dates_that_do_not_exist_are_refused(void **state)
{
	static const uint32_t dates[][7] = {
		{ 2023, 2, 29, 0, 0, 0, 0 },
		{ 2100, 2, 29, 0, 0, 0, 0 },
		{ 2023, 4, 31, 0, 0, 0, 0 },
		{ 2023, 0, 1, 0, 0, 0, 0 },
		{ 2023, 13, 1, 0, 0, 0, 0 },
		{ 2023, 1, 0, 0, 0, 0, 0 },
		{ 2023, 1, 32, 0, 0, 0, 0 },
		{ 2023, 1, 1, 24, 0, 0, 0 },
		{ 2023, 1, 1, 0, 60, 0, 0 },
		{ 2023, 1, 1, 0, 0, 60, 0 },
		{ 2023, 1, 1, 0, 0, 0, 1000000000 },
		{ UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
		  UINT32_MAX },
		{ 0, 1, 1, 0, 0, 0, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(dates); i++)
		assert_int_equal(rtas_call(0, token("set-time-of-day"), 7, dates[i], 1, NULL), -3);
}

static void nvram_keeps_what_is_stored(void **state)
{
	uint32_t n;
	char text[] = "error log", back[sizeof(text)];

	memory_write(&fake.memory, BUFFER, text, sizeof(text));
	assert_int_equal(CALL(0, "nvram-store", 2, &n, 0x2345, BUFFER, sizeof(text)), 0);
	assert_int_equal(n, sizeof(text));
	assert_int_equal(CALL(0, "nvram-fetch", 2, &n, 0x2345, BUFFER + 64, sizeof(text)), 0);
	assert_int_equal(n, sizeof(text));
	memory_read(&fake.memory, BUFFER + 64, back, sizeof(back));
	assert_string_equal(back, text);
}

static void nvram_calls_stay_inside_nvram_and_memory(void **state)
{
	static const uint32_t bad[][3] = {
		{ 0x10000, BUFFER, 0 },	   { 0xffff, BUFFER, 2 },	  { 0, BUFFER, 0x10001 },
		{ UINT32_MAX, BUFFER, 2 }, { 1, BUFFER, UINT32_MAX },	  { 0, FAKE_RAM - 15, 16 },
		{ 0, UINT32_MAX, 16 },	   { 0, UINT32_MAX, UINT32_MAX },
	};
	uint32_t n = 7;

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(rtas_call(0, token("nvram-fetch"), 3, bad[i], 2, &n), -3);
		assert_int_equal(n, 0);
		assert_int_equal(rtas_call(0, token("nvram-store"), 3, bad[i], 2, &n), -3);
		assert_int_equal(n, 0);
	}
	assert_int_equal(CALL(0, "nvram-fetch", 2, &n, 0, BUFFER, 0x10000), 0);
	assert_int_equal(CALL(0, "nvram-fetch", 2, &n, 0xffff, (uint32_t)FAKE_RAM - 1, 1), 0);
}

static void new_nvram_is_partitioned_as_lopar_says(void **state)
{
	const uint8_t *header = fake.memory.base + BUFFER;
	unsigned offset = 0, partitions = 0;
	uint32_t n;

	assert_int_equal(CALL(0, "nvram-fetch", 2, &n, 0, BUFFER, 0x10000), 0);
	while (offset < 0x10000) {
		const uint8_t *p = header + offset;
		unsigned len = (unsigned)(p[2] << 8 | p[3]) * 16, sum = p[0];

		for (unsigned i = 2; i < 16; i++) {
			sum += p[i];
			if (sum > 0xff)
				sum = (sum & 0xff) + 1;
		}
		assert_int_equal(p[1], sum);
		assert_true(len >= 16);
		offset += len;
		partitions++;
	}
	assert_int_equal(offset, 0x10000);
	assert_int_equal(partitions, 2);
}

struct kept {
	uint8_t data[NVRAM_SIZE];
	bool fails;
};

static bool keep(void *opaque, uint32_t offset, const void *buf, uint32_t len)
{
	struct kept *kept = opaque;

	memcpy(kept->data + offset, buf, len);
	return !kept->fails;
}

static void what_is_stored_in_nvram_goes_to_its_store(void **state)
{
	static struct kept kept;
	char text[] = "kept";
	uint32_t n;

	papr_nvram(fake.papr)->store = (struct nvram_store){ keep, &kept };
	memory_write(&fake.memory, BUFFER, text, sizeof(text));
	assert_int_equal(CALL(0, "nvram-store", 2, &n, 100, BUFFER, sizeof(text)), 0);
	assert_int_equal(n, sizeof(text));
	assert_memory_equal(kept.data + 100, text, sizeof(text));
	/* The bytes around it are unchanged. */
	assert_int_equal(kept.data[99] | kept.data[100 + sizeof(text)], 0);
	kept.fails = true;
	assert_int_equal(CALL(0, "nvram-store", 2, &n, 0, BUFFER, sizeof(text)), -1);
}

static void the_nvram_file_survives_the_partition(void **state)
{
	char directory[] = "/tmp/fwnmi-nvram-XXXXXX", path[64], err[256], text[] = "kept";
	struct nvram_file file;
	uint32_t n;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/nvram", directory);
	for (unsigned run = 0; run < 2; run++) {
		struct papr_config config = fake_config();
		struct nvram *nvram;

		papr_destroy(fake.papr);
		fake.papr = papr_create(&config, err, sizeof(err));
		assert_non_null(fake.papr);
		assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
		nvram = papr_nvram(fake.papr);
		assert_int_equal(nvram_file_open(&file, path, nvram->state.data, NVRAM_SIZE, err,
						 sizeof(err)),
				 0);
		nvram->store = (struct nvram_store){ nvram_file_write, &file };
		if (run == 0) {
			memory_write(&fake.memory, BUFFER, text, sizeof(text));
			assert_int_equal(CALL(0, "nvram-store", 2, &n, 100, BUFFER, sizeof(text)),
					 0);
			nvram_file_close(&file);
		}
	}
	assert_int_equal(CALL(0, "nvram-fetch", 2, &n, 100, BUFFER + 64, sizeof(text)), 0);
	assert_string_equal((char *)fake.memory.base + BUFFER + 64, text);
	nvram_file_close(&file);
	unlink(path);
	assert_int_equal(rmdir(directory), 0); /* nothing left behind */
}

static void a_processor_starts_once_at_the_place_given(void **state)
{
	uint32_t cpu_state;

	assert_int_equal(CALL(0, "query-cpu-stopped-state", 2, &cpu_state, 1), 0);
	assert_int_equal(cpu_state, 0);
	assert_int_equal(CALL(0, "start-cpu", 1, NULL, 1, 0x12340, 7), 0);
	assert_int_equal(fake.starts[1], 1);
	assert_int_equal(fake.regs[1].nip, 0x12340);
	assert_int_equal(fake.regs[1].gpr[3], 7);
	assert_true(fake.regs[1].msr == (MSR_SF | MSR_ME));
	assert_int_equal(CALL(0, "query-cpu-stopped-state", 2, &cpu_state, 1), 0);
	assert_int_equal(cpu_state, 2);
	assert_int_equal(CALL(0, "start-cpu", 1, NULL, 1, 0x12340, 7), -1);
	assert_int_equal(fake.starts[1], 1);
	assert_int_equal(CALL0(1, "stop-self", 1, NULL), 0);
	assert_int_equal(fake.action, PAPR_STOP);
	assert_int_equal(CALL(0, "start-cpu", 1, NULL, 1, 0x12344, 8), 0);
	assert_int_equal(fake.starts[1], 2);
}

/*
 * LoPAR table "MSR State in Started Processor": LE is 0 regardless of the byte order of interrupts.
 */
static void a_processor_starts_big_endian_when_interrupts_are_little_endian(void **state)
{
	assert_int_equal(hcall(0, 0x31c, 1, 4, 0, 0), H_SUCCESS); /* H_SET_MODE */
	assert_true(fake.partition.interrupt_little_endian);
	assert_int_equal(CALL(0, "start-cpu", 1, NULL, 1, 0x12340, 7), 0);
	assert_true(fake.regs[1].msr == (MSR_SF | MSR_ME));
}

static void processors_and_places_that_do_not_exist_are_refused(void **state)
{
	uint32_t cpu_state;

	assert_int_equal(CALL(0, "start-cpu", 1, NULL, FAKE_CPUS, 0x1000, 0), -3);
	assert_int_equal(CALL(0, "start-cpu", 1, NULL, UINT32_MAX, 0x1000, 0), -3);
	assert_int_equal(CALL(0, "start-cpu", 1, NULL, 1, FAKE_RAM, 0), -3);
	assert_int_equal(CALL(0, "start-cpu", 1, NULL, 1, 0x1002, 0), -3);
	assert_int_equal(CALL(0, "start-cpu", 1, NULL, 1, UINT32_MAX, 0), -3);
	assert_int_equal(CALL(0, "query-cpu-stopped-state", 2, &cpu_state, FAKE_CPUS), -3);
	for (unsigned i = 0; i < FAKE_CPUS; i++)
		assert_int_equal(fake.starts[i], 0);
}

static void the_last_processor_to_stop_ends_the_partition(void **state)
{
	assert_int_equal(CALL0(0, "stop-self", 1, NULL), 0);
	assert_int_equal(fake.action, PAPR_POWER_OFF);
}

static void interrupt_sources_are_routed_masked_and_read_back(void **state)
{
	uint32_t xive[2];

	assert_int_equal(CALL(0, "ibm,set-xive", 1, NULL, 0x1000, 2, 5), 0);
	assert_int_equal(CALL(0, "ibm,get-xive", 3, xive, 0x1000), 0);
	assert_int_equal(xive[0], 2);
	assert_int_equal(xive[1], 5);
	assert_int_equal(CALL(0, "ibm,int-off", 1, NULL, 0x1000), 0);
	assert_int_equal(CALL(0, "ibm,get-xive", 3, xive, 0x1000), 0);
	assert_int_equal(xive[1], 0xff);
	assert_int_equal(CALL(0, "ibm,int-on", 1, NULL, 0x1000), 0);
	assert_int_equal(CALL(0, "ibm,get-xive", 3, xive, 0x1000), 0);
	assert_int_equal(xive[1], 5);
	assert_int_equal(CALL(0, "ibm,set-xive", 1, NULL, 0x1000, FAKE_CPUS, 5), -3);
	assert_int_equal(CALL(0, "ibm,set-xive", 1, NULL, 0x1000, 0, 256), -3);
	assert_int_equal(CALL(0, "ibm,set-xive", 1, NULL, 0x0fff, 0, 5), -3);
	assert_int_equal(CALL(0, "ibm,get-xive", 3, xive, 0x2000), -3);
	assert_int_equal(CALL(0, "ibm,int-on", 1, NULL, UINT32_MAX), -3);
	assert_int_equal(CALL(0, "ibm,int-off", 1, NULL, 0), -3);
}

static void event_scan_and_check_exception_find_nothing_and_check_their_buffer(void **state)
{
	assert_int_equal(CALL(0, "event-scan", 1, NULL, UINT32_MAX, 0, BUFFER, 2048), 1);
	assert_int_equal(
		CALL(0, "event-scan", 1, NULL, UINT32_MAX, 0, (uint32_t)FAKE_RAM - 8, 2048), -3);
	assert_int_equal(CALL(0, "check-exception", 1, NULL, 0x500, 0, UINT32_MAX, 0, BUFFER, 2048),
			 1);
	assert_int_equal(CALL(0, "check-exception", 1, NULL, 0x500, 0, UINT32_MAX, 0, UINT32_MAX,
			      UINT32_MAX),
			 -3);
}

static void os_term_reports_the_guests_text_bounded_and_printable(void **state)
{
	memset(fake.memory.base + BUFFER, 'A', 4096);
	memory_write(&fake.memory, BUFFER, "\x1b[2Jno\n", 7);
	assert_int_equal(CALL(0, "ibm,os-term", 1, NULL, BUFFER), 0);
	assert_int_equal(fake.action, PAPR_CRASHED);
	assert_int_equal(fake.events[0].type, PAPR_EVENT_PANIC);
	assert_memory_equal(fake.panic, " [2Jno AAA", 10);
	assert_int_equal(strlen(fake.panic), 255);
	/* A string that reaches the end of memory, and one outside of it. */
	memset(fake.memory.base + FAKE_RAM - 3, 'Z', 3);
	assert_int_equal(CALL(0, "ibm,os-term", 1, NULL, (uint32_t)FAKE_RAM - 3), 0);
	assert_string_equal(fake.panic, "ZZZ");
	assert_int_equal(CALL(0, "ibm,os-term", 1, NULL, UINT32_MAX), 0);
	assert_string_equal(fake.panic, "");
}

static void system_parameters_are_cut_to_the_buffer(void **state)
{
	const uint8_t *buffer = fake.memory.base + BUFFER;

	memset(fake.memory.base + BUFFER, 0xaa, 64);
	assert_int_equal(CALL(0, "ibm,get-system-parameter", 1, NULL, 55, BUFFER, 64), 0);
	assert_int_equal(buffer[0] << 8 | buffer[1], sizeof("fwnmi"));
	assert_string_equal((const char *)buffer + 2, "fwnmi");
	assert_int_equal(buffer[8], 0xaa);
	memset(fake.memory.base + BUFFER, 0xaa, 64);
	assert_int_equal(CALL(0, "ibm,get-system-parameter", 1, NULL, 55, BUFFER, 4), 0);
	assert_memory_equal(buffer, "\0\6fw\xaa", 5);
	assert_int_equal(CALL(0, "ibm,get-system-parameter", 1, NULL, 55, BUFFER, 1), -9999);
	assert_int_equal(CALL(0, "ibm,get-system-parameter", 1, NULL, 55, FAKE_RAM - 2, 64), -9999);
	assert_int_equal(CALL(0, "ibm,get-system-parameter", 1, NULL, 12345, BUFFER, 64), -3);
	assert_int_equal(CALL(0, "ibm,set-system-parameter", 1, NULL, 55, BUFFER), -9002);
	assert_int_equal(CALL(0, "ibm,set-system-parameter", 1, NULL, 12345, BUFFER), -3);
}

static void the_block_characteristics_are_empty_without_a_hash_table(void **state)
{
	const uint8_t *buffer = fake.memory.base + BUFFER;

	memset(fake.memory.base + BUFFER, 0xaa, 64);
	assert_int_equal(CALL(0, "ibm,get-system-parameter", 1, NULL, 50, BUFFER, 64), 0);
	assert_memory_equal(buffer, "\0\0\xaa", 3);
	assert_int_equal(CALL(0, "ibm,set-system-parameter", 1, NULL, 50, BUFFER), -9002);
}

static void nmi_register_checks_its_addresses_and_tells_the_machine(void **state)
{
	struct papr_fwnmi_state fwnmi;

	assert_int_equal(CALL(0, "ibm,nmi-register", 1, NULL, 0x2000000, 0x1990), -3);
	assert_int_equal(CALL(0, "ibm,nmi-register", 1, NULL, 0x1920, UINT32_MAX), -3);
	papr_fwnmi_state(fake.papr, &fwnmi);
	assert_false(fwnmi.registered);
	assert_int_equal(CALL(0, "ibm,nmi-register", 1, NULL, 0x1920, 0x1990), 0);
	assert_int_equal(fake.nr_events, 1);
	assert_int_equal(fake.events[0].type, PAPR_EVENT_FWNMI_REGISTERED);
	assert_int_equal(fake.events[0].registered.system_reset, 0x1920);
	assert_int_equal(fake.events[0].registered.machine_check, 0x1990);
	papr_fwnmi_state(fake.papr, &fwnmi);
	assert_true(fwnmi.registered);
	assert_int_equal(fwnmi.machine_check, 0x1990);
	assert_false(fwnmi.interlock_held);
}

static void a_machine_check_goes_to_the_registered_routine_and_back_by_interlock(void **state)
{
	struct papr_fwnmi_state fwnmi;
	uint64_t r3;

	CALL(0, "ibm,nmi-register", 1, NULL, 0x1920, 0x1990);
	fake.regs[1].gpr[3] = 0x1122334455667788;
	fake.regs[1].nip = 0x10000;
	fake.regs[1].msr = MSR_SF | MSR_ME | MSR_RI | MSR_PR;
	assert_int_equal(fake_machine_check(1, &fake_slb_multihit), PAPR_ROUTINE);
	assert_int_equal(fake.regs[1].nip, 0x1990);
	assert_int_equal(fake.regs[1].srr0, 0x10000);
	assert_true(memory_read_be64(&fake.memory, fake.regs[1].gpr[3], &r3));
	assert_true(r3 == 0x1122334455667788);
	assert_int_equal(fake.outcome.vector, 0x200);
	assert_memory_equal(&fake.outcome.regs, &fake.regs[1], sizeof(fake.regs[1]));
	assert_int_equal(fake.nr_events, 1);
	assert_int_equal(fake.interrupts[1], 0);
	papr_fwnmi_state(fake.papr, &fwnmi);
	assert_true(fwnmi.interlock_held);
	assert_int_equal(fwnmi.owner, 1);

	/* Another vCPU's interlock releases nothing. */
	assert_int_equal(CALL0(0, "ibm,nmi-interlock", 1, NULL), 0);
	papr_fwnmi_state(fake.papr, &fwnmi);
	assert_true(fwnmi.interlock_held);
	assert_int_equal(CALL0(1, "ibm,nmi-interlock", 1, NULL), 0);
	papr_fwnmi_state(fake.papr, &fwnmi);
	assert_false(fwnmi.interlock_held);
	assert_int_equal(fake.events[1].type, PAPR_EVENT_FWNMI_INTERLOCK);
}

static void a_waiting_processor_is_woken_by_the_interlock_and_then_delivered(void **state)
{
	CALL(0, "ibm,nmi-register", 1, NULL, 0x1920, 0x1990);
	assert_int_equal(fake_machine_check(0, &fake_slb_multihit), PAPR_ROUTINE);
	assert_int_equal(fake_machine_check(2, &fake_slb_multihit), PAPR_WAITING);
	assert_int_equal(fake_resume(2), PAPR_WAITING);
	assert_int_equal(fake.kicks[2], 0);
	assert_false(papr_may_run(fake.papr, 2));
	assert_int_equal(CALL0(0, "ibm,nmi-interlock", 1, NULL), 0);
	assert_int_equal(fake.kicks[2], 1);
	assert_int_equal(fake_resume(2), PAPR_ROUTINE);
	assert_int_equal(fake.regs[2].nip, 0x1990);
}

/* With either registration call, both come from papr_resume(). */
static void the_machine_is_told_which_vector_a_late_event_had(void **state)
{
	static const char *const calls[] = { "ibm,nmi-register", "ibm,nmi-register-2" };

	assert_int_equal(CALL(0, "start-cpu", 1, NULL, 1, 0x1000, 0), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
		CALL(0, calls[i], 1, NULL, 0x1920, 0x1990);
		assert_int_equal(fake_machine_check(0, &fake_slb_multihit), PAPR_ROUTINE);
		assert_int_equal(fake_machine_check(2, &fake_slb_multihit), PAPR_WAITING);
		assert_int_equal(CALL0(0, "ibm,nmi-interlock", 1, NULL), 0);
		assert_int_equal(fake_resume(2), PAPR_ROUTINE);
		assert_int_equal(fake.outcome.vector, 0x200);
		assert_int_equal(hcall(0, 0x380, 1, 0, 0, 0), H_SUCCESS);
		assert_int_equal(fake_resume(1), PAPR_ROUTINE);
		assert_int_equal(fake.outcome.vector, 0x100);
		assert_int_equal(CALL0(2, "ibm,nmi-interlock", 1, NULL), 0);
	}
}

static void the_vector_of_a_strict_system_reset_is_told_whatever_r3_is(void **state)
{
	struct papr_config config = fake_config();
	char err[256];

	papr_destroy(fake.papr);
	config.options.fwnmi_strict = true;
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_non_null(fake.papr);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	CALL(0, "ibm,nmi-register", 1, NULL, 0x1920, 0x1990);
	assert_int_equal(CALL(0, "start-cpu", 1, NULL, 1, 0x1000, 0), 0);
	assert_int_equal(fake_machine_check(1, &fake_slb_multihit), PAPR_ROUTINE);
	/* R3 still has the buffer's address at the first instruction of the routine. */
	assert_int_equal(hcall(0, 0x380, 1, 0, 0, 0), H_SUCCESS);
	assert_int_equal(fake_resume(1), PAPR_ROUTINE);
	assert_int_equal(fake.regs[1].nip, 0x1920);
	assert_int_equal(fake.outcome.vector, 0x100);
}

/* For any log length. */
static void event_scan_writes_into_the_guests_buffer_only(void **state)
{
	struct fwnmi_machine_check mc = fake_slb_multihit;
	uint8_t *buffer = fake.memory.base + BUFFER;
	struct fwnmi_errlog log;

	mc.unsafe_processor = true;
	assert_int_equal(fake_machine_check(2, &mc), PAPR_UNSAFE);
	memset(buffer, 0x77, 2048);
	assert_int_equal(CALL(0, "event-scan", 1, NULL, 0xffffffff, 0, BUFFER, 180), 0);
	assert_int_equal(fwnmi_errlog_decode(&log, buffer, 180), 176);
	assert_true(log.has_primary_src && !log.has_mc);
	for (size_t i = 176; i < 2048; i++)
		assert_int_equal(buffer[i], 0x77);
}

static void a_second_machine_check_before_the_interlock_ends_the_partition(void **state)
{
	CALL(0, "ibm,nmi-register", 1, NULL, 0x1920, 0x1990);
	assert_int_equal(fake_machine_check(0, &fake_slb_multihit), PAPR_ROUTINE);
	assert_int_equal(fake_machine_check(0, &fake_slb_multihit), PAPR_ENDED);
}

static void a_recovered_machine_check_before_the_interlock_can_be_dropped(void **state)
{
	struct papr_config config = fake_config();
	struct engine_regs before;
	char err[256];

	papr_destroy(fake.papr);
	config.options.nested_machine_check = FWNMI_NESTED_DROP;
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_non_null(fake.papr);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	CALL(0, "ibm,nmi-register", 1, NULL, 0x1920, 0x1990);
	assert_int_equal(fake_machine_check(0, &fake_slb_multihit), PAPR_ROUTINE);
	before = fake.regs[0];
	assert_int_equal(fake_machine_check(0, &fake_slb_multihit), PAPR_DROPPED);
	assert_memory_equal(&fake.regs[0], &before, sizeof(before));
	assert_true(papr_may_run(fake.papr, 0));
	assert_false(papr_ended(fake.papr));
	assert_int_equal(CALL0(0, "ibm,nmi-interlock", 1, NULL), 0);
	assert_int_equal(fake_machine_check(0, &fake_slb_multihit), PAPR_ROUTINE);
}

static void a_guest_that_has_not_registered_gets_the_architected_interrupts(void **state)
{
	struct fwnmi_machine_check mc = fake_slb_multihit;

	assert_int_equal(fwnmi_mce_synthesise(papr_pvr(fake.papr), &mc), 0);
	assert_int_equal(fake_machine_check(3, &mc), PAPR_VECTOR);
	assert_int_equal(fake.interrupts[3], 1);
	assert_int_equal(fake.interrupt_vector[3], 0x200);
	/* POWER9: SRR1 bit 42 says DSISR, DSISR 0x80 is a SLB multihit, DAR the address */
	assert_int_equal(fake.interrupt_srr1[3], 0x200000);
	assert_int_equal(fake.regs[3].dsisr, 0x80);
	assert_true(fake.regs[3].dar == 0xc000000012345678);
	assert_int_equal(fake_system_reset(3), PAPR_VECTOR);
	assert_int_equal(fake.interrupts[3], 2);
	assert_int_equal(fake.interrupt_vector[3], 0x100);
}

static void a_reset_forgets_the_registration(void **state)
{
	struct papr_fwnmi_state fwnmi;
	char err[256];

	CALL(0, "ibm,nmi-register", 1, NULL, 0x1920, 0x1990);
	assert_int_equal(fake_machine_check(0, &fake_slb_multihit), PAPR_ROUTINE);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	papr_fwnmi_state(fake.papr, &fwnmi);
	assert_false(fwnmi.registered || fwnmi.interlock_held);
	assert_int_equal(fake_machine_check(0, &fake_slb_multihit), PAPR_VECTOR);
}

/* ---- environmental and power warnings ---- */

static void a_power_warning_interrupts_and_the_sensor_is_there_to_be_read(void **state)
{
	static const uint8_t log[] = { 0x06, 0x40, 0, 0x40, 0, 0, 0, 0 };
	uint32_t reading = 77;

	assert_int_equal(CALL(0, "get-sensor-state", 2, &reading, 9, 0), 0);
	assert_int_equal(reading, 0);
	assert_int_equal(CALL(0, "get-sensor-state", 2, &reading, 9, 1), -3);
	assert_int_equal(CALL(0, "get-sensor-state", 2, &reading, 3, 0), -3);
	assert_int_equal(CALL(0, "ibm,set-xive", 1, NULL, 0x1001, 0, 5), 0);
	assert_int_equal(hcall(0, 0x68, 0xff, 0, 0, 0), H_SUCCESS); /* H_CPPR */
	assert_int_equal(papr_queue_event(fake.papr, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, log,
					  sizeof(log)),
			 0);
	assert_false(fake.external[0]);
	assert_int_equal(papr_queue_event(fake.papr, FWNMI_CHECK_EXCEPTION,
					  FWNMI_CLASS_INTERNAL_ERRORS, log, sizeof(log)),
			 0);
	assert_false(fake.external[0]);
	assert_int_equal(papr_queue_event(fake.papr, FWNMI_CHECK_EXCEPTION, FWNMI_CLASS_EPOW, log,
					  sizeof(log)),
			 0);
	assert_true(fake.external[0]);
}

/* ---- error injection ---- */

#define WORK 0x10000u
/* Tokens of ibm,errinjct-tokens, as PowerVM has them. */
enum {
	FATAL = 1,
	RANDOM_EVENT,
	SPECIAL_EVENT,
	PAGE,
	SLB,
	TRANSLATOR_FAILURE,
	IOA_BUS_ERROR,
	DCACHE_START = 9,
	DCACHE_END,
	TLB_START = 13,
	TLB_END
};

/* Its first output is the token, and only the second the status. */
static uint32_t open_errinjct(int32_t *status)
{
	uint32_t second = 77;
	uint32_t first = (uint32_t)CALL0(0, "ibm,open-errinjct", 2, &second);

	*status = (int32_t)second;
	return first;
}

static int32_t errinjct(uint32_t function, uint32_t session, uint32_t cell0, uint32_t cell1)
{
	memory_write_be32(&fake.memory, WORK, cell0);
	memory_write_be32(&fake.memory, WORK + 4, cell1);
	return CALL(1, "ibm,errinjct", 1, NULL, function, session, WORK);
}

static void error_injection_has_one_user_at_a_time(void **state)
{
	int32_t status;
	uint32_t first = open_errinjct(&status), second;

	assert_int_equal(status, 0);
	open_errinjct(&status);
	assert_int_equal(status, -4);
	assert_int_equal(errinjct(FATAL, first + 1, 0, 0), -4);
	assert_int_equal(CALL(0, "ibm,close-errinjct", 1, NULL, first + 1), -4);
	assert_int_equal(errinjct(FATAL, first, 0, 0), 0);
	assert_int_equal(CALL(0, "ibm,close-errinjct", 1, NULL, first), 0);
	assert_int_equal(CALL(0, "ibm,close-errinjct", 1, NULL, first), -4);
	assert_int_equal(errinjct(FATAL, first, 0, 0), -4);
	second = open_errinjct(&status);
	assert_int_equal(status, 0);
	assert_int_not_equal(second, first);
	assert_int_equal(papr_reset(fake.papr, (char[256]){ 0 }, 256), 0);
	open_errinjct(&status);
	assert_int_equal(status, 0);
}

static void errors_are_asked_for_as_the_work_buffer_says(void **state)
{
	static const struct {
		uint32_t function, cells[2];
		enum papr_errinjct_error error;
		uint64_t address;
	} good[] = {
		{ FATAL, { 9, 9 }, PAPR_ERRINJCT_FATAL, 0 },
		{ PAGE, { 0, 0x12345 }, PAPR_ERRINJCT_PAGE, 0x12345 },
		{ SLB, { 0xc0000000, 9 }, PAPR_ERRINJCT_SLB, 0xc0000000 },
		{ DCACHE_START, { 0, 2 }, PAPR_ERRINJCT_DCACHE, 0 },
		{ DCACHE_START, { 1, 0 }, PAPR_ERRINJCT_ERAT, 0 },
		{ TLB_START, { 0, 0 }, PAPR_ERRINJCT_TLB, 0 },
	};
	int32_t status;
	uint32_t session = open_errinjct(&status);
	unsigned before;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		memset(&fake.errinjct, 0xff, sizeof(fake.errinjct));
		assert_int_equal(
			errinjct(good[i].function, session, good[i].cells[0], good[i].cells[1]), 0);
		assert_int_equal(fake.errinjct.error, good[i].error);
		assert_int_equal(fake.errinjct.address, good[i].address);
	}
	before = fake.nr_events;
	assert_int_equal(errinjct(TLB_END, session, 0, 0), 0);
	assert_int_equal(errinjct(DCACHE_END, session, 0, 0), 0);
	assert_int_equal(fake.nr_events, before);
	fake.refuses_errinjct = true;
	assert_int_equal(errinjct(FATAL, session, 0, 0), -2);
}

static void bad_requests_for_errors_are_refused(void **state)
{
	int32_t status;
	uint32_t session = open_errinjct(&status);
	const struct {
		uint32_t function, buffer, cells[2];
	} bad[] = {
		{ TRANSLATOR_FAILURE, WORK, { 0, 0 } },
		{ IOA_BUS_ERROR, WORK, { 0, 0 } },
		{ 0, WORK, { 0, 0 } },
		{ UINT32_MAX, WORK, { 0, 0 } },
		{ FATAL, WORK + 512, { 0, 0 } },
		{ FATAL, FAKE_RAM, { 0, 0 } },
		{ FATAL, 0xfffffc00, { 0, 0 } },
		{ PAGE, WORK, { 1, 0 } },
		{ PAGE, WORK, { 0, FAKE_RAM } },
		{ SPECIAL_EVENT, WORK, { 0, 0 } },
		{ SPECIAL_EVENT, WORK, { 3, 0 } },
		{ DCACHE_START, WORK, { 2, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memory_write_be32(&fake.memory, WORK, bad[i].cells[0]);
		memory_write_be32(&fake.memory, WORK + 4, bad[i].cells[1]);
		assert_int_equal(CALL(0, "ibm,errinjct", 1, NULL, bad[i].function, session,
				      bad[i].buffer),
				 -3);
	}
}

/* Queued without bound, they would be memory that the guest makes us use. */
static void recovered_events_are_logs_for_event_scan_as_many_as_it_has_room_for(void **state)
{
	int32_t status, answer = 0;
	uint32_t session = open_errinjct(&status), log = 0;
	unsigned queued = 0;

	assert_int_equal(errinjct(RANDOM_EVENT, session, 0, 0), 0);
	assert_int_equal(errinjct(SPECIAL_EVENT, session, 2, 0), 0);
	assert_int_equal(CALL(0, "event-scan", 1, NULL, UINT32_MAX, 0, WORK, 1024), 0);
	memory_read_be32(&fake.memory, WORK, &log);
	assert_int_equal(log >> 16, 0x0620); /* version 6; severity event; fully recovered */
	assert_int_equal(CALL(0, "event-scan", 1, NULL, UINT32_MAX, 0, WORK, 1024), 0);
	memory_read_be32(&fake.memory, WORK, &log);
	assert_int_equal(log >> 16, 0x0640); /* severity warning */
	while (!answer && queued < 1000) {
		answer = errinjct(RANDOM_EVENT, session, 0, 0);
		queued++;
	}
	assert_int_equal(answer, -2);
}

static void a_partition_without_the_option_has_neither_the_calls_nor_the_tokens(void **state)
{
	struct papr_config config = fake_config();
	const uint32_t open = token("ibm,open-errinjct");
	uint32_t status;
	char err[256];
	size_t size;
	const void *fdt;
	int node;

	papr_destroy(fake.papr);
	config.options.errinjct = false;
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	fdt = papr_fdt(fake.papr, &size);
	node = fdt_path_offset(fdt, "/rtas");
	assert_null(fdt_getprop(fdt, node, "ibm,open-errinjct", NULL));
	assert_null(fdt_getprop(fdt, node, "ibm,errinjct-tokens", NULL));
	assert_int_equal(rtas_call(0, open, 0, NULL, 2, &status), -3);
}

static void the_tokens_are_names_and_numbers_of_what_the_engine_can_do(void **state)
{
	size_t size;
	const void *fdt = papr_fdt(fake.papr, &size);
	int node = fdt_path_offset(fdt, "/rtas"), len, count = 0;
	const char *at = fdt_getprop(fdt, node, "ibm,errinjct-tokens", &len), *end = at + len;

	assert_non_null(at);
	for (; at < end; at += strlen(at) + 5, count++)
		if (!strcmp(at, "corrupted-tlb-end"))
			assert_int_equal(get_be32(at + strlen(at) + 1), TLB_END);
	assert_ptr_equal(at, end);
	assert_int_equal(count, 11);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_power_warning_interrupts_and_the_sensor_is_there_to_be_read),
		TEST(error_injection_has_one_user_at_a_time),
		TEST(errors_are_asked_for_as_the_work_buffer_says),
		TEST(bad_requests_for_errors_are_refused),
		TEST(recovered_events_are_logs_for_event_scan_as_many_as_it_has_room_for),
		TEST(a_partition_without_the_option_has_neither_the_calls_nor_the_tokens),
		TEST(the_tokens_are_names_and_numbers_of_what_the_engine_can_do),
		TEST(an_argument_buffer_outside_memory_gets_no_status_and_an_error_in_r3),
		TEST(absurd_counts_are_refused_before_anything_is_read_or_written),
		TEST(an_argument_buffer_that_just_fits_at_the_end_of_memory_works),
		TEST(a_poisoned_argument_buffer_gets_no_status_and_a_hardware_error_in_r3),
		TEST(a_function_that_meets_poison_reports_a_hardware_error),
		TEST(an_unknown_token_gets_a_parameter_error_and_a_debug_line),
		TEST(a_full_console_makes_display_character_busy),
		TEST(every_function_refuses_other_counts_than_its_own),
		TEST(user_mode_may_not_call),
		TEST(power_off_and_reboot_end_the_partition),
		TEST(display_character_reaches_the_console),
		TEST(the_clock_of_day_is_repeatable_and_follows_the_time_base),
		TEST(the_clock_of_day_can_be_set),
		TEST(dates_that_do_not_exist_are_refused),
		TEST(nvram_keeps_what_is_stored),
		TEST(nvram_calls_stay_inside_nvram_and_memory),
		TEST(new_nvram_is_partitioned_as_lopar_says),
		TEST(what_is_stored_in_nvram_goes_to_its_store),
		TEST(the_nvram_file_survives_the_partition),
		TEST(a_processor_starts_once_at_the_place_given),
		TEST(a_processor_starts_big_endian_when_interrupts_are_little_endian),
		TEST(processors_and_places_that_do_not_exist_are_refused),
		TEST(the_last_processor_to_stop_ends_the_partition),
		TEST(interrupt_sources_are_routed_masked_and_read_back),
		TEST(event_scan_and_check_exception_find_nothing_and_check_their_buffer),
		TEST(os_term_reports_the_guests_text_bounded_and_printable),
		TEST(system_parameters_are_cut_to_the_buffer),
		TEST(the_block_characteristics_are_empty_without_a_hash_table),
		TEST(nmi_register_checks_its_addresses_and_tells_the_machine),
		TEST(a_machine_check_goes_to_the_registered_routine_and_back_by_interlock),
		TEST(a_waiting_processor_is_woken_by_the_interlock_and_then_delivered),
		TEST(the_machine_is_told_which_vector_a_late_event_had),
		TEST(the_vector_of_a_strict_system_reset_is_told_whatever_r3_is),
		TEST(event_scan_writes_into_the_guests_buffer_only),
		TEST(a_second_machine_check_before_the_interlock_ends_the_partition),
		TEST(a_recovered_machine_check_before_the_interlock_can_be_dropped),
		TEST(a_guest_that_has_not_registered_gets_the_architected_interrupts),
		TEST(a_reset_forgets_the_registration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
