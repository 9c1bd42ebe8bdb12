/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi log`: the readers of hex dumps and kernel logs, and the whole command on files, with its
 * output caught. The command's source is included to reach its static functions.
 */
#include "cmd/log.c"

#include <unistd.h>

#include "unit.h"

/* Just text. */
static const char plain[] = "06640000 000000000000000000000000 00000000";

static const uint8_t fixed_part[8] = { 0x06, 0xd0, 0x10, 0xe0, 0, 0, 0, 0 };

static void assert_parses(const char *text, const void *expected, size_t length)
{
	struct dump dump = { 0 };
	char *copy = exact_copy(text, strlen(text));

	if (!parse_hex(&dump, copy, strlen(text)))
		fail_msg("%s: %s", text, dump.error);
	assert_int_equal(dump.bytes.length, length);
	assert_memory_equal(dump.bytes.data, expected, length);
	free_dump(&dump);
	free(copy);
}

static void assert_refused(const char *text, const char *why)
{
	struct dump dump = { 0 };

	assert_false(parse_hex(&dump, text, strlen(text)));
	assert_string_equal(dump.error, why);
	free_dump(&dump);
}

static const uint8_t twenty[20] = { 0x06, 0x64, 0x40, 0x00, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46,
				    0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x50 };

static void plain_hex_is_read_with_any_grouping(void **state)
{
	assert_parses("066440004142434445464748494a4b4c4d4e4f50", twenty, 20);
	assert_parses("06644000 41424344 45464748 494a4b4c 4d4e4f50\n", twenty, 20);
	assert_parses("06 64 40 00 41 42 43 44 45 46\r\n47 48 49 4A 4B 4C 4D 4E 4F 50\r\n", twenty,
		      20);
	assert_parses("\n\n  0664\t4000\n4142 4344 4546 4748 494a 4b4c 4d4e 4f50  \n\n", twenty,
		      20);
	assert_parses("0x06, 0x64, 0x40, 0x0, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46,\n"
		      "0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x50 };",
		      twenty, 20);
}

static void xxd_output_is_read(void **state)
{
	assert_parses("00000000: 0664 4000 4142 4344 4546 4748 494a 4b4c  .d@.ABCDEFGHIJKL\n"
		      "00000010: 4d4e 4f50                                MNOP\n",
		      twenty, 20);
	assert_parses(
		"00000000: 06 64 40 00 41 42 43 44 45 46 47 48 49 4a 4b 4c  .d@.ABCDEFGHIJKL\n"
		"00000010: 4d 4e 4f 50                                      MNOP\n",
		twenty, 20);
}

/* The characters "ABCD" at the right are hexadecimal digits too. */
static void a_column_of_characters_is_not_taken_for_data(void **state)
{
	static const uint8_t abcd[8] = { 'A', 'B', 'C', 'D', 'A', 'B', 'C', 'D' };

	assert_parses("00000000: 4142 4344 4142 4344                      ABCDABCD\n", abcd, 8);
	assert_parses("00000000  41 42 43 44 41 42 43 44                           |ABCDABCD|\n"
		      "00000008\n",
		      abcd, 8);
}

static void hexdump_output_is_read(void **state)
{
	assert_parses(
		"00000000  06 64 40 00 41 42 43 44  45 46 47 48 49 4a 4b 4c  |.d@.ABCDEFGHIJKL|\n"
		"00000010  4d 4e 4f 50                                       |MNOP|\n"
		"00000014\n",
		twenty, 20);
}

static void od_output_is_read(void **state)
{
	assert_parses("0000000 06 64 40 00 41 42 43 44 45 46 47 48 49 4a 4b 4c\n"
		      "0000020 4d 4e 4f 50\n"
		      "0000024\n",
		      twenty, 20);
	assert_parses("0000000 06 64 40 00 41 42 43 44  >.d@.ABCD<\n"
		      "0000010 45 46 47 48 49 4a 4b 4c  >EFGHIJKL<\n"
		      "0000020 4d 4e 4f 50              >MNOP<\n"
		      "0000024\n",
		      twenty, 20);
	assert_parses("000000 06 64 40 00 41 42 43 44 45 46 47 48 49 4a 4b 4c\n"
		      "000010 4d 4e 4f 50\n"
		      "000014\n",
		      twenty, 20);
}

static void debugger_output_is_read(void **state)
{
	assert_parses("0x2fff0108:\t0x06\t0x64\t0x40\t0x00\t0x41\t0x42\t0x43\t0x44\n"
		      "0x2fff0110:\t0x45\t0x46\t0x47\t0x48\t0x49\t0x4a\t0x4b\t0x4c\n"
		      "0x2fff0118:\t0x4d\t0x4e\t0x4f\t0x50\n",
		      twenty, 20);
}

static const char kernel_log[] =
	"[    1.000000] Linux version 6.1.0\n"
	"[   10.000000] RTAS 7: ffffffff\n" /* the end of an event whose beginning is lost */
	"[   12.345678] RTAS: 1 -------- RTAS event begin --------\n"
	"[   12.345679] RTAS 0: 06644000 41424344 45464748 494a4b4c\n"
	"[   12.345680] RTAS 1: 4d4e4f50\n"
	"[   12.345681] RTAS: 1 -------- RTAS event end ----------\n"
	"[   13.000000] unrelated: beef\n"
	"Nov 22 13:00:00 host kernel: RTAS: 2 -------- RTAS event begin --------\n"
	"Nov 22 13:00:00 host kernel: RTAS 0: 06d010e0 00000000\n"
	"Nov 22 13:00:00 host kernel: RTAS: 2 -------- RTAS event end ----------\n";

static void the_events_of_a_kernel_log_are_read_one_by_one(void **state)
{
	struct dump dump = { 0 };
	size_t starts[2];

	assert_true(parse_hex(&dump, kernel_log, strlen(kernel_log)));
	assert_int_equal(dump.starts.length, sizeof(starts));
	memcpy(starts, dump.starts.data, sizeof(starts));
	assert_int_equal(starts[0], 0);
	assert_int_equal(starts[1], 20);
	assert_int_equal(dump.bytes.length, 28);
	assert_memory_equal(dump.bytes.data, twenty, 20);
	assert_memory_equal(dump.bytes.data + 20, fixed_part, 8);
	free_dump(&dump);
}

static void what_is_not_hexadecimal_is_refused_with_its_line(void **state)
{
	assert_refused("06 64\n40 zz\n", "line 2: 'zz' is not hexadecimal");
	assert_refused("06 6", "line 1: '6' has an odd number of digits");
	assert_refused("06 0x", "line 1: '0x' is not hexadecimal");
	assert_refused("Severity: 3", "line 1: 'Severity:' is not hexadecimal");
	assert_refused("00000000  00 00\n*\n00000100\n",
		       "line 2: '*' stands for lines left out; dump again with all lines (-v)");
	assert_refused("\n \n", "no hexadecimal digits");
}

static void any_text_cut_anywhere_is_survived(void **state)
{
	for (size_t length = 0; length < strlen(kernel_log); length++) {
		struct dump dump = { 0 };
		char *copy = exact_copy(kernel_log, length);

		parse_hex(&dump, copy, length);
		free_dump(&dump);
		free(copy);
	}
	for (unsigned seed = 1; seed < 3000; seed++) {
		static const char alphabet[] = "0123456789abcfx:|[*, \n\tRTAS";
		struct dump dump = { 0 };
		char text[100];
		uint32_t random = seed;

		for (size_t i = 0; i < sizeof(text); i++) {
			random = random * 1664525 + 1013904223;
			text[i] = alphabet[(random >> 16) % (sizeof(alphabet) - 1)];
		}
		if (!parse_hex(&dump, text, sizeof(text)))
			assert_true(strlen(dump.error) > 0);
		free_dump(&dump);
	}
}

static void binary_and_text_are_told_apart(void **state)
{
	assert_true(is_text((const uint8_t *)plain, strlen(plain)));
	assert_false(is_text(twenty, sizeof(twenty)));
	assert_false(is_text(fixed_part, sizeof(fixed_part)));
}

/* ---- the command ---- */

struct run {
	int status;
	char out[8192];
	char err[1024];
};

static void slurp(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	assert_true(n >= 0);
	buf[n] = '\0';
}

/* Runs cmd_log() on a file with this content; "@" as an argument stands for the file's name. */
static struct run run_log(const void *content, size_t length, const char *first, const char *second,
			  const char *third)
{
	char name[] = "/tmp/fwnmi-unit-XXXXXX";
	const char *given[] = { first, second, third };
	char *argv[5] = { (char[]){ "log" } };
	FILE *out = tmpfile(), *err = tmpfile();
	int old_out = dup(1), old_err = dup(2);
	int argc = 1, fd = mkstemp(name);
	struct run run;

	assert_true(fd >= 0 && out && err);
	assert_int_equal(write(fd, content, length), length);
	close(fd);
	for (size_t i = 0; i < ARRAY_SIZE(given) && given[i]; i++)
		argv[argc++] = strdup(strcmp(given[i], "@") == 0 ? name : given[i]);

	fflush(stdout);
	dup2(fileno(out), 1);
	dup2(fileno(err), 2);
	run.status = cmd_log(argc, argv);
	fflush(stdout);
	dup2(old_out, 1);
	dup2(old_err, 2);
	close(old_out);
	close(old_err);

	slurp(fileno(out), run.out, sizeof(run.out));
	slurp(fileno(err), run.err, sizeof(run.err));
	fclose(out);
	fclose(err);
	unlink(name);
	while (argc > 1)
		free(argv[--argc]);
	return run;
}

static size_t make_log(uint8_t *buf)
{
	const struct fwnmi_errlog log = {
		.severity = FWNMI_SEVERITY_ERROR_SYNC,
		.disposition = FWNMI_DISPOSITION_NOT_RECOVERED,
		.initiator = FWNMI_INITIATOR_CPU,
		.type = FWNMI_EVENT_PLATFORM_ERROR,
		.has_extended = true,
		.flags = FWNMI_ERRLOG_VALID | FWNMI_ERRLOG_BIG_ENDIAN,
		.has_main_a = true,
		.has_main_b = true,
		.has_primary_src = true,
		.has_mc = true,
		.main_a = { .creator = 'H', .platform_log_id = 7 },
		.primary_src = { .reference_code = "FWMC0101" },
		.mc = { .error_type = FWNMI_MC_SLB,
			.error_subtype = FWNMI_SLB_MULTIHIT,
			.processor_id = 2,
			.effective_address_valid = true,
			.effective_address = 0xc000000012345678 },
	};
	int length = fwnmi_errlog_encode(&log, buf, FWNMI_ERRLOG_MAX);

	assert_true(length > 0);
	return (size_t)length;
}

static void a_binary_log_is_shown_as_text(void **state)
{
	uint8_t buf[FWNMI_ERRLOG_MAX] = { 0 };
	struct run run;

	make_log(buf);
	run = run_log(buf, sizeof(buf), "@", NULL, NULL);
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_non_null(strstr(run.out, "SLB (1)"));
	assert_non_null(strstr(run.out, "multihit (1)"));
	assert_non_null(strstr(run.out, "0xc000000012345678"));
}

static void hex_and_binary_of_a_log_give_the_same_output(void **state)
{
	uint8_t buf[FWNMI_ERRLOG_MAX];
	size_t length = make_log(buf);
	char hex[2 * FWNMI_ERRLOG_MAX + 1];
	struct run binary, text;

	for (size_t i = 0; i < length; i++)
		sprintf(hex + 2 * i, "%02x", buf[i]);
	binary = run_log(buf, length, "@", NULL, NULL);
	text = run_log(hex, 2 * length, "@", NULL, NULL);
	assert_int_equal(text.status, 0);
	assert_string_equal(text.out, binary.out);
	text = run_log(hex, 2 * length, "--hex", "--", "@");
	assert_string_equal(text.out, binary.out);
}

static void json_has_the_names_and_addresses(void **state)
{
	uint8_t buf[FWNMI_ERRLOG_MAX];
	size_t length = make_log(buf);
	struct run run = run_log(buf, length, "--json", "@", NULL);
	json_error_t error;
	json_t *json, *mc;

	assert_int_equal(run.status, 0);
	json = json_loads(run.out, 0, &error);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "severity")), "error-sync");
	assert_string_equal(json_string_value(json_object_get(json, "disposition")),
			    "not-recovered");
	assert_string_equal(json_string_value(json_object_get(json, "type")), "platform-error");
	assert_int_equal(json_integer_value(json_object_get(json, "extended_length")), length - 8);
	assert_int_equal(json_array_size(json_object_get(json, "sections")), 4);
	mc = json_object_get(json, "machine_check");
	assert_string_equal(json_string_value(json_object_get(mc, "error_type")), "SLB");
	assert_string_equal(json_string_value(json_object_get(mc, "error_subtype")), "multihit");
	assert_string_equal(json_string_value(json_object_get(mc, "effective_address")),
			    "0xc000000012345678");
	assert_true(json_is_null(json_object_get(mc, "logical_address")));
	assert_int_equal(json_integer_value(json_object_get(mc, "processor_id")), 2);
	json_decref(json);
}

static void numbers_without_a_name_stay_numbers_in_json(void **state)
{
	static const uint8_t odd[8] = { 0x06, 0xf8, 0xff, 0xee };
	struct run run = run_log(odd, sizeof(odd), "-j", "-b", "@");
	json_error_t error;
	json_t *json;

	assert_int_equal(run.status, 0);
	json = json_loads(run.out, 0, &error);
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "severity")), 7);
	assert_int_equal(json_integer_value(json_object_get(json, "disposition")), 3);
	assert_int_equal(json_integer_value(json_object_get(json, "initiator")), 15);
	assert_int_equal(json_integer_value(json_object_get(json, "type")), 0xee);
	json_decref(json);
}

static void each_event_of_a_kernel_log_is_a_json_object(void **state)
{
	static const char two[] = "RTAS 0: 06d010e0 00000000\nRTAS 0: 06400040 00000000\n";
	struct run run = run_log(two, strlen(two), "--json", "@", NULL);
	FILE *in = fmemopen(run.out, strlen(run.out), "r");
	json_error_t error;
	json_t *json;

	assert_int_equal(run.status, 0);
	assert_non_null(in);
	json = json_loadf(in, JSON_DISABLE_EOF_CHECK, &error);
	assert_string_equal(json_string_value(json_object_get(json, "severity")),
			    "already-reported");
	json_decref(json);
	json = json_loadf(in, JSON_DISABLE_EOF_CHECK, &error);
	assert_string_equal(json_string_value(json_object_get(json, "type")), "EPOW");
	json_decref(json);
	fclose(in);
}

static void bad_input_is_one_line_and_a_failure(void **state)
{
	static const struct {
		const char *content, *option, *why;
	} bad[] = {
		{ "", NULL, "it is empty" },
		{ "hello", NULL, "'hello' is not hexadecimal" },
		{ "06d010", NULL, "the log ends before the length it states" },
		{ "02d010e000000000", NULL, "not a log of a version that is supported here" },
		{ "06d410e00000ffff", NULL, "a length in the log contradicts its surroundings" },
		{ "06d410e000000010", NULL, "the log ends before the length it states" },
		{ "06d010e000000000", "--binary", "not a log of a version that is supported here" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct run run =
			run_log(bad[i].content, strlen(bad[i].content), "@", bad[i].option, NULL);

		assert_int_equal(run.status, EXIT_FAILURE);
		assert_string_equal(run.out, "");
		assert_memory_equal(run.err, "fwnmi: log: cannot ", 19);
		assert_non_null(strstr(run.err, bad[i].why));
		assert_ptr_equal(strchr(run.err, '\n'), run.err + strlen(run.err) - 1);
	}
}

static void bad_options_are_one_line_and_a_failure(void **state)
{
	static const char *const bad[][3] = {
		{ "--frobnicate", "@", "bad option --frobnicate" },
		{ "-z", "@", "bad option" },
		{ "--json=yes", "@", "bad option --json=yes" },
		{ "@", "another", "one file at a time" },
		{ "/nonexistent/log", NULL,
		  "cannot open /nonexistent/log: No such file or directory" },
		{ "/tmp", NULL, "cannot read /tmp: Is a directory" },
	};
	struct run run;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		run = run_log("06", 2, bad[i][0], bad[i][1], NULL);
		assert_int_equal(run.status, EXIT_FAILURE);
		assert_non_null(strstr(run.err, bad[i][2]));
		assert_ptr_equal(strchr(run.err, '\n'), run.err + strlen(run.err) - 1);
	}
	run = run_log("06", 2, "-x", "-b", "@");
	assert_int_equal(run.status, EXIT_FAILURE);
	assert_non_null(strstr(run.err, "exclude each other"));
}

static void bytes_after_a_log_are_mentioned_unless_they_are_zero(void **state)
{
	uint8_t buf[32] = { 0x06, 0xd0, 0x10, 0xe0 };
	struct run run = run_log(buf, sizeof(buf), "@", NULL, NULL);

	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	buf[31] = 1;
	run = run_log(buf, sizeof(buf), "@", NULL, NULL);
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "fwnmi: log: ignoring 24 bytes after the log\n");
}

static void help_goes_to_standard_output(void **state)
{
	struct run run = run_log("06", 2, "--help", NULL, NULL);

	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_memory_equal(run.out, "Usage: fwnmi log", 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_hex_is_read_with_any_grouping),
		cmocka_unit_test(xxd_output_is_read),
		cmocka_unit_test(a_column_of_characters_is_not_taken_for_data),
		cmocka_unit_test(hexdump_output_is_read),
		cmocka_unit_test(od_output_is_read),
		cmocka_unit_test(debugger_output_is_read),
		cmocka_unit_test(the_events_of_a_kernel_log_are_read_one_by_one),
		cmocka_unit_test(what_is_not_hexadecimal_is_refused_with_its_line),
		cmocka_unit_test(any_text_cut_anywhere_is_survived),
		cmocka_unit_test(binary_and_text_are_told_apart),
		cmocka_unit_test(a_binary_log_is_shown_as_text),
		cmocka_unit_test(hex_and_binary_of_a_log_give_the_same_output),
		cmocka_unit_test(json_has_the_names_and_addresses),
		cmocka_unit_test(numbers_without_a_name_stay_numbers_in_json),
		cmocka_unit_test(each_event_of_a_kernel_log_is_a_json_object),
		cmocka_unit_test(bad_input_is_one_line_and_a_failure),
		cmocka_unit_test(bad_options_are_one_line_and_a_failure),
		cmocka_unit_test(bytes_after_a_log_are_mentioned_unless_they_are_zero),
		cmocka_unit_test(help_goes_to_standard_output),
	};

	return cmocka_run_group_tests_name("cmd-log", tests, NULL, NULL);
}
