/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi log`: the readers of dumps, kernel logs and records, and the whole command on files, with
 * captured output. The command's source is included to reach its static functions.
 */
#include "cmd/log.c"

#include <unistd.h>

#include "unit.h"

/* Just text. */
static const char plain[] = "06640000 000000000000000000000000 00000000";

static const uint8_t fixed_part[8] = { 0x06, 0xd0, 0x10, 0xe0, 0, 0, 0, 0 };

/* A parsed input and the problems reported about it. */
struct parsed {
	struct log_input input;
	bool ok;
	char problems[2000]; /* one per line */
};

static void note_problem(void *opaque, const char *text)
{
	struct parsed *parsed = opaque;
	size_t used = strlen(parsed->problems);

	snprintf(parsed->problems + used, sizeof(parsed->problems) - used, "%s\n", text);
}

static struct parsed *parse(enum log_form form, const void *data, size_t length)
{
	struct parsed *parsed = calloc(1, sizeof(*parsed));
	void *copy = exact_copy(data, length);

	assert_non_null(parsed);
	parsed->input.problem = note_problem;
	parsed->input.opaque = parsed;
	parsed->ok = log_input_parse(&parsed->input, form, copy, length);
	free(copy);
	return parsed;
}

static struct parsed *parse_hex(const char *text)
{
	return parse(LOG_FORM_HEX, text, strlen(text));
}

static void free_parsed(struct parsed *parsed)
{
	log_input_free(&parsed->input);
	free(parsed);
}

static void assert_event(const struct parsed *parsed, size_t index, const void *expected,
			 size_t length)
{
	assert_true(index < parsed->input.nr_events);
	assert_int_equal(parsed->input.events[index].length, length);
	assert_memory_equal(parsed->input.bytes + parsed->input.events[index].offset, expected,
			    length);
}

static void assert_parses_with(const char *text, const void *expected, size_t length,
			       const char *problems)
{
	struct parsed *parsed = parse_hex(text);

	if (!parsed->ok)
		fail_msg("%s: %s", text, parsed->input.error);
	assert_string_equal(parsed->problems, problems);
	assert_int_equal(parsed->input.nr_events, 1);
	assert_event(parsed, 0, expected, length);
	free_parsed(parsed);
}

static void assert_parses(const char *text, const void *expected, size_t length)
{
	assert_parses_with(text, expected, length, "");
}

static void assert_refused(const char *text, const char *why)
{
	struct parsed *parsed = parse_hex(text);

	assert_false(parsed->ok);
	assert_string_equal(parsed->input.error, why);
	free_parsed(parsed);
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

/* The characters "ABCD" in the column on the right are hexadecimal digits too. */
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
	"[   10.000000] RTAS 7: ffffffff\n" /* the end of an event whose start is lost */
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
	struct parsed *parsed = parse_hex(kernel_log);

	assert_true(parsed->ok);
	assert_int_equal(parsed->input.nr_events, 3);
	assert_event(parsed, 1, twenty, 20);
	assert_event(parsed, 2, fixed_part, 8);
	assert_int_equal(parsed->input.events[1].number, 1);
	assert_int_equal(parsed->input.events[2].number, 2);
	assert_string_equal(
		parsed->problems,
		"event at line 2: bytes 0 to 111 (RTAS 0 to 6) are lost and shown as zero\n");
	free_parsed(parsed);
}

/* Two lines of 16 bytes and one of 4. */
#define LINE_0 "RTAS 0: 06644000 41424344 45464748 494a4b4c\n"
#define LINE_1 "RTAS 1: 4d4e4f50 51525354 55565758 595a5b5c\n"
#define LINE_2 "RTAS 2: 5d5e5f60\n"
#define BEGIN  "RTAS: 7 -------- RTAS event begin --------\n"
#define END    "RTAS: 7 -------- RTAS event end ----------\n"

static const uint8_t thirty_six[36] = {
	0x06, 0x64, 0x40, 0x00, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
	0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 0x50, 0x51, 0x52, 0x53, 0x54,
	0x55, 0x56, 0x57, 0x58, 0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60,
};

static void lines_of_a_kernel_log_out_of_order_are_put_in_order_and_reported(void **state)
{
	assert_parses(BEGIN LINE_0 LINE_1 LINE_2 END, thirty_six, 36);
	assert_parses_with(BEGIN LINE_0 LINE_2 LINE_1 END, thirty_six, 36,
			   "line 4: RTAS 1 comes after RTAS 2\n");
	assert_parses_with(BEGIN LINE_1 LINE_0 LINE_2 END, thirty_six, 36,
			   "line 3: RTAS 0 comes after RTAS 1\n");
	assert_parses_with(BEGIN LINE_2 LINE_1 LINE_0 END, thirty_six, 36,
			   "line 3: RTAS 1 comes after RTAS 2\n");
	assert_parses_with(LINE_1 LINE_0 LINE_2, thirty_six, 36,
			   "line 2: RTAS 0 comes after RTAS 1\n");
}

static void a_lost_line_of_a_kernel_log_is_reported_and_leaves_a_gap(void **state)
{
	struct parsed *parsed = parse_hex(BEGIN LINE_0 LINE_2 END);
	uint8_t expected[36];

	memcpy(expected, thirty_six, sizeof(expected));
	memset(expected + 16, 0, 16);
	assert_true(parsed->ok);
	assert_event(parsed, 0, expected, 36);
	assert_string_equal(
		parsed->problems,
		"event 7 at line 1: bytes 16 to 31 (RTAS 1) are lost and shown as zero\n");
	assert_int_equal(parsed->input.nr_lost, 1);
	assert_int_equal(parsed->input.lost[0].offset, 16);
	assert_int_equal(parsed->input.lost[0].length, 16);
	free_parsed(parsed);
}

static void a_damaged_line_of_a_kernel_log_costs_its_damaged_bytes_only(void **state)
{
	struct parsed *parsed =
		parse_hex(BEGIN LINE_0 "RTAS 1: 4d4e4f50 5152!354 55565758\n" LINE_2 END);

	assert_true(parsed->ok);
	assert_string_equal(
		parsed->problems,
		"line 3: '5152!354' is not hexadecimal\n"
		"event 7 at line 1: bytes 20 to 31 (RTAS 1) are lost and shown as zero\n");
	assert_int_equal(parsed->input.nr_lost, 1);
	free_parsed(parsed);
}

static void a_marker_or_its_loss_divides_events(void **state)
{
	static const char *const twice[] = {
		BEGIN LINE_0 LINE_1 LINE_2 END BEGIN LINE_0 LINE_1 LINE_2 END,
		BEGIN LINE_0 LINE_1 LINE_2 BEGIN LINE_0 LINE_1 LINE_2,
		LINE_0 LINE_1 LINE_2 END LINE_0 LINE_1 LINE_2 END,
		LINE_0 LINE_1 LINE_2 LINE_0 LINE_1 LINE_2,
		BEGIN BEGIN LINE_0 LINE_0 LINE_1 LINE_1 LINE_2 LINE_2 END END BEGIN LINE_0 LINE_1
			LINE_2 END,
	};

	for (size_t i = 0; i < ARRAY_SIZE(twice); i++) {
		struct parsed *parsed = parse_hex(twice[i]);

		assert_true(parsed->ok);
		assert_string_equal(parsed->problems, "");
		assert_int_equal(parsed->input.nr_events, 2);
		assert_event(parsed, 0, thirty_six, 36);
		assert_event(parsed, 1, thirty_six, 36);
		free_parsed(parsed);
	}
}

/* The first line of another event, whose markers are lost. */
static void a_different_first_line_begins_another_event(void **state)
{
	struct parsed *parsed = parse_hex(BEGIN LINE_0 LINE_1 LINE_2 "RTAS 0: 06d010e0 00000000\n");

	assert_true(parsed->ok);
	assert_int_equal(parsed->input.nr_events, 2);
	assert_event(parsed, 1, fixed_part, 8);
	free_parsed(parsed);
}

static void lines_that_the_kernel_cannot_have_written_are_left_out(void **state)
{
	struct parsed *parsed = parse_hex(BEGIN LINE_0 LINE_1 LINE_2
					  "RTAS 99999999999999999999: 00\n"
					  "RTAS 1: 4d4e4f50 51525354 55565758 595a5b5d\n"
					  "RTAS 3: 00000000 00000000 00000000 00000000 00\n" END);

	assert_true(parsed->ok);
	assert_event(parsed, 0, thirty_six, 36);
	assert_string_equal(parsed->problems, "line 5: not in the kernel's format\n"
					      "line 6: RTAS 1 comes after RTAS 2\n"
					      "line 6: RTAS 1 occurs twice with different bytes\n"
					      "line 7: not in the kernel's format\n");
	free_parsed(parsed);
}

static void colours_nul_bytes_and_other_alphabets_do_not_disturb_a_kernel_log(void **state)
{
	static const char text[] =
		"\xef\xbb\xbf[   1.0] usb: Logitech\xc2\xae Mouse \xff\n"
		"\x1b[32m[   1.1] \x1b[0mRT\0AS: 7 -- RTAS event begin --\n"
		"\x1b]0;title\a\x1b[1;32m[   1.1] \x1b[mRTAS 0: 06644000 41424344 "
		"45464748 494a4b4c\x1b[0m\r\n"
		"\x1b[32m[   1.1] \x1b[0mRTAS 1: 4d4e4f50\n\0";
	struct parsed *parsed = parse(LOG_FORM_AUTO, text, sizeof(text));

	assert_true(parsed->ok);
	assert_string_equal(parsed->problems, "");
	assert_event(parsed, 0, twenty, 20);
	assert_int_equal(parsed->input.events[0].number, 7);
	free_parsed(parsed);
}

/*
 * 16 bytes of a log, 16 of a pattern, 64 zero bytes, 16 bytes of ones; the dump leaves out the
 * middle.
 */
static void lines_that_a_dump_leaves_out_are_repeated(void **state)
{
	static const char *const dumps[] = {
		"00000000  06 64 40 00 00 00 00 58  45 46 47 48 49 4a 4b 4c  |.d@....XEFGHIJKL|\n"
		"00000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n"
		"*\n"
		"00000050  11 11 11 11 11 11 11 11  11 11 11 11 11 11 11 11  |................|\n"
		"00000060\n",
		"0000000 06 64 40 00 00 00 00 58 45 46 47 48 49 4a 4b 4c\n"
		"0000020 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
		"*\n"
		"0000120 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11\n"
		"0000140\n",
		"0000000 06 64 40 00 00 00 00 58 45 46 47 48 49 4a 4b 4c\n"
		"0000016 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
		"*\n"
		"0000080 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11\n"
		"0000096\n",
		"000000 06 64 40 00 00 00 00 58 45 46 47 48 49 4a 4b 4c  >.d@....XEFGHIJKL<\n"
		"000010 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  >................<\n"
		"*\n"
		"000050 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11  >................<\n"
		"000060\n",
		"00000000: 0664 4000 0000 0058 4546 4748 494a 4b4c  .d@....XEFGHIJKL\n"
		"00000010: 0000 0000 0000 0000 0000 0000 0000 0000  ................\n"
		"*\n"
		"00000050: 1111 1111 1111 1111 1111 1111 1111 1111  ................\n",
	};
	uint8_t expected[96] = { 0x06, 0x64, 0x40, 0x00, 0, 0, 0, 0x58 };

	memcpy(expected + 8, "EFGHIJKL", 8);
	memset(expected + 80, 0x11, 16);
	for (size_t i = 0; i < ARRAY_SIZE(dumps); i++)
		assert_parses(dumps[i], expected, sizeof(expected));
}

/* hexdump without -C and od -x print numbers in the byte order of their machine. */
static void a_dump_of_swapped_pairs_is_swapped_back(void **state)
{
	struct parsed *parsed = parse_hex("0000000 000a 0000 d006 e010 0000 0000\n"
					  "000000c\n");

	assert_true(parsed->ok);
	assert_int_equal(parsed->input.events[0].number, 10);
	assert_event(parsed, 0, fixed_part, 8);
	free_parsed(parsed);
	assert_parses("0000000 d006 e010 0000 0000\n"
		      "0000008\n",
		      fixed_part, 8);
}

/* A small dump that expands to a large one, in one step or in many. */
static void the_expansion_of_a_dump_is_bounded(void **state)
{
	static const char *const jumps[] = {
		"00000000: 06d0 10e0 0000 0000\n*\n00080000: 00\n",
		"00000000: 06d0 10e0 0000 0000\n00080000: 00\n",
		"00000000: 06d0 10e0 0000 0000\n*\n70000000: 00\n",
		"00000010: 06d0 10e0 0000 0000\nfffffffffffffff0: 00\n00000000: \n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
		char text[1000] = "";
		struct parsed *parsed;

		for (unsigned n = 0; n < 9; n++)
			strcat(text, jumps[i]);
		parsed = parse_hex(text);
		assert_true(parsed->ok);
		assert_true(parsed->input.length < (1 << 20) + 1000);
		assert_non_null(strstr(parsed->problems, "its offset is invalid or too large"));
		free_parsed(parsed);
	}
}

/* A dump of years of records must not be refused. */
static void a_dump_that_leaves_nothing_out_may_be_large(void **state)
{
	size_t lines = (3 << 20) / 16;
	char *text = malloc(lines * 64), *p = text;
	struct parsed *parsed;

	assert_non_null(text);
	for (size_t i = 0; i < lines; i++)
		p += sprintf(p, "%08zx: 06d010e00000000006d010e000000000\n", 16 * i);
	parsed = parse_hex(text);
	assert_true(parsed->ok);
	assert_string_equal(parsed->problems, "");
	assert_int_equal(parsed->input.nr_events, 2 * lines);
	free_parsed(parsed);
	free(text);
}

static void a_repetition_that_is_not_clear_is_reported(void **state)
{
	assert_parses_with("*\n00000000: 0664 4000 4142 4344\n", twenty, 8,
			   "line 1: '*' has nothing to repeat\n");
	assert_parses_with("00000000: 0664 4000 4142 4344\n*\n", twenty, 8,
			   "line 2: no offset follows '*'\n");
	assert_parses_with("00000000: 0664 4000 4142 4344\n*\nffffffff: 00\n", twenty, 8,
			   "line 3: its offset is invalid or too large\n"
			   "line 2: no offset follows '*'\n");
	assert_refused("0664\n*\n4000\n", "line 2: '*' among bytes without offsets");
}

static void lines_of_a_dump_out_of_order_are_put_in_order_and_reported(void **state)
{
	assert_parses_with("00000000: 0664 4000 4142 4344\n"
			   "00000010: 4d4e 4f50\n"
			   "00000008: 4546 4748 494a 4b4c\n",
			   twenty, 20,
			   "line 3: its offset is lower than that of the line before\n");
	assert_parses_with("00000008: 4546 4748 494a 4b4c\n"
			   "00000000: 0664 4000 4142 4344\n"
			   "00000010: 4d4e 4f50\n",
			   twenty, 20,
			   "line 2: its offset is lower than that of the line before\n");
}

static void a_lost_line_of_a_dump_is_reported_and_leaves_a_gap(void **state)
{
	uint8_t expected[20];

	memcpy(expected, twenty, sizeof(expected));
	memset(expected + 8, 0, 8);
	assert_parses_with("00000000: 0664 4000 4142 4344\n"
			   "00000010: 4d4e 4f50\n",
			   expected, 20,
			   "dump at line 1: bytes 8 to 15 are lost and shown as zero\n");
	assert_parses_with("$ xxd log\n"
			   "00000000: 0664 4000 4142 4344\n"
			   "00000008: 4546 4748 494a xxxx\n"
			   "00000010: 4d4e 4f50\n",
			   expected, 20,
			   "line 3: 'xxxx' is not hexadecimal\n"
			   "line 1: '$' is not hexadecimal\n"
			   "dump at line 2: bytes 8 to 15 are lost and shown as zero\n");
}

static void dumps_one_after_another_are_separate_events(void **state)
{
	struct parsed *parsed = parse_hex("00000000: 0664 4000 4142 4344\n"
					  "00000008: 4546 4748\n"
					  "\n"
					  "00000000: 06d0 10e0 0000 0000\n");

	assert_true(parsed->ok);
	assert_string_equal(parsed->problems, "");
	assert_int_equal(parsed->input.nr_events, 2);
	assert_event(parsed, 0, twenty, 12);
	assert_event(parsed, 1, fixed_part, 8);
	free_parsed(parsed);
}

static void what_is_not_hexadecimal_is_refused_with_its_line(void **state)
{
	assert_refused("06 64\n40 zz\n", "line 2: 'zz' is not hexadecimal");
	assert_refused("06 6", "line 1: '6' has an odd number of digits");
	assert_refused("06 0x", "line 1: '0x' is not hexadecimal");
	assert_refused("Severity: 3", "line 1: 'Severity:' is not hexadecimal");
	assert_refused("\n \n", "no hexadecimal digits");
	assert_refused("RTAS: 1 - RTAS event begin -\n", "it has no RTAS event");
}

static void any_text_cut_anywhere_is_survived(void **state)
{
	for (size_t length = 0; length < strlen(kernel_log); length++)
		free_parsed(parse(LOG_FORM_HEX, kernel_log, length));
	for (unsigned seed = 1; seed < 3000; seed++) {
		static const char alphabet[] = "0123456789abcfx:|[*, \n\tRTAS";
		struct parsed *parsed;
		char text[100];
		uint32_t random = seed;

		for (size_t i = 0; i < sizeof(text); i++) {
			random = random * 1664525 + 1013904223;
			text[i] = alphabet[(random >> 16) % (sizeof(alphabet) - 1)];
		}
		parsed = parse(LOG_FORM_HEX, text, sizeof(text));
		if (!parsed->ok)
			assert_true(strlen(parsed->input.error) > 0);
		free_parsed(parsed);
	}
}

/* ---- records ---- */

/* Writes a kernel record of this size: number, log, and the rest of an older log. */
static void put_record(uint8_t *to, size_t size, uint32_t number, bool big_endian,
		       const uint8_t *log, size_t length)
{
	memset(to, 0xee, size);
	for (unsigned i = 0; i < 4; i++)
		to[big_endian ? 3 - i : i] = (uint8_t)(number >> 8 * i);
	memcpy(to + 4, log, length);
}

static void a_record_of_the_kernel_has_its_sequence_number_in_either_byte_order(void **state)
{
	static const uint32_t numbers[] = { 0, 1, 3, 4, 5, 6, 7, 255, 256, 0x106, 0x2006, 70000 };

	for (size_t i = 0; i < 2 * ARRAY_SIZE(numbers); i++) {
		uint8_t record[2052], log[8] = { 0x06, 0x40, 0x00, 0xe3 };
		struct parsed *parsed;

		put_record(record, sizeof(record), numbers[i / 2], i % 2, log, sizeof(log));
		parsed = parse(LOG_FORM_AUTO, record, sizeof(record));
		assert_true(parsed->ok);
		assert_int_equal(parsed->input.nr_events, 1);
		assert_true(parsed->input.events[0].has_number);
		assert_int_equal(parsed->input.events[0].number, numbers[i / 2]);
		assert_event(parsed, 0, record + 4, sizeof(record) - 4);
		free_parsed(parsed);
	}
}

static void records_are_divided_by_their_size(void **state)
{
	static const size_t sizes[] = { 64, 1028, 2052 };
	static const uint8_t log[8] = { 0x05, 0x40, 0x00, 0x40 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t *records = malloc(3 * sizes[i]);
		struct parsed *parsed;

		assert_non_null(records);
		for (unsigned n = 0; n < 3; n++)
			put_record(records + n * sizes[i], sizes[i], 10 + n, true, log,
				   sizeof(log));
		parsed = parse(LOG_FORM_BINARY, records, 3 * sizes[i]);
		assert_int_equal(parsed->input.nr_events, 3);
		for (unsigned n = 0; n < 3; n++) {
			assert_int_equal(parsed->input.events[n].number, 10 + n);
			assert_int_equal(parsed->input.events[n].offset, n * sizes[i] + 4);
		}
		free_parsed(parsed);
		free(records);
	}
}

static void a_file_of_records_that_ends_in_the_middle_gives_those_before(void **state)
{
	static const uint8_t log[8] = { 0x06, 0x40, 0x00, 0xe3 };
	uint8_t records[2 * 2052 + 7];
	struct parsed *parsed;

	put_record(records, 2052, 1, false, log, sizeof(log));
	put_record(records + 2052, 2052, 2, false, log, sizeof(log));
	put_record(records + 2 * 2052, 7, 3, false, log, 3);
	parsed = parse(LOG_FORM_AUTO, records, sizeof(records));
	assert_true(parsed->ok);
	assert_int_equal(parsed->input.nr_events, 2);
	assert_string_equal(parsed->problems, "the last record has 7 of 2052 bytes\n");
	free_parsed(parsed);
}

static void binary_logs_one_after_another_are_separate_events(void **state)
{
	uint8_t buf[64] = { 0 };
	struct parsed *parsed;

	memcpy(buf, fixed_part, 8);
	memcpy(buf + 8, fixed_part, 8);
	memcpy(buf + 32, fixed_part, 8);
	parsed = parse(LOG_FORM_AUTO, buf, sizeof(buf));
	assert_true(parsed->ok);
	assert_int_equal(parsed->input.nr_events, 3);
	assert_int_equal(parsed->input.events[1].offset, 8);
	assert_int_equal(parsed->input.events[2].offset, 32);
	free_parsed(parsed);
}

/* A hexadecimal dump of records works like the records. */
static void a_dump_of_a_record_has_its_sequence_number(void **state)
{
	struct parsed *parsed = parse_hex("00000000: 0900 0000 06d0 10e0 0000 0000\n");

	assert_true(parsed->ok);
	assert_int_equal(parsed->input.events[0].number, 9);
	assert_event(parsed, 0, fixed_part, 8);
	free_parsed(parsed);
}

static bool is_text(const uint8_t *data, size_t length)
{
	struct parsed *parsed = parse(LOG_FORM_AUTO, data, length);
	bool text = parsed->input.length != length ||
		    memcmp(parsed->input.bytes, data, length) != 0;

	free_parsed(parsed);
	return text;
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
	char err[4096];
};

static void slurp(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	assert_true(n >= 0);
	buf[n] = '\0';
}

/* Runs cmd_log() on a file with this content; the argument "@" is replaced by the file's name. */
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

static void bad_input_prints_one_line_and_fails(void **state)
{
	static const struct {
		const char *content, *option, *why;
	} bad[] = {
		{ "", NULL, "it is empty" },
		{ "hello", NULL, "'hello' is not hexadecimal" },
		{ "06d010", NULL, "the log ends before the length it states" },
		{ "02d010e000000000", NULL, "not a log of a version that is supported here" },
		{ "07d010e000000000", NULL, "not a log of a version that is supported here" },
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

static void the_good_part_of_a_bad_log_is_shown_and_the_command_fails(void **state)
{
	static const struct {
		const char *content, *why;
	} bad[] = {
		{ "06d410e00000ffff", "a length in the log contradicts its surroundings" },
		{ "06d410e000000010", "the log ends before the length it states" },
		{ "04d410e000000010", "the log ends before the length it states" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct run run = run_log(bad[i].content, strlen(bad[i].content), "@", NULL, NULL);

		assert_int_equal(run.status, EXIT_FAILURE);
		assert_non_null(strstr(run.out, "already-reported (6)"));
		assert_non_null(strstr(run.err, "cannot decode all of"));
		assert_non_null(strstr(run.err, bad[i].why));
	}
}

static void a_log_cut_short_is_shown_as_far_as_it_goes(void **state)
{
	uint8_t buf[FWNMI_ERRLOG_MAX];
	size_t length = make_log(buf);
	struct run run = run_log(buf, length - 41, "@", NULL, NULL);
	json_error_t error;
	json_t *json;

	assert_int_equal(run.status, EXIT_FAILURE);
	assert_non_null(strstr(run.out, "Missing:             41 bytes\n"));
	assert_non_null(strstr(run.out, "PS    96    80  primary SRC (cut short)\n"));
	run = run_log(buf, length - 41, "--json", "@", NULL);
	json = json_loads(run.out, 0, &error);
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "missing")), 41);
	assert_string_equal(json_string_value(json_object_get(json, "error")),
			    "the log ends before the length it states");
	assert_non_null(json_object_get(json, "main_b"));
	json_decref(json);
}

/* A log without its first, third and fifth line. */
static void lost_bytes_are_named_in_every_form(void **state)
{
	uint8_t buf[FWNMI_ERRLOG_MAX];
	size_t length = make_log(buf);
	char text[4 * FWNMI_ERRLOG_MAX] = "", *p = text;
	struct run run;
	json_error_t error;
	json_t *json, *lost;

	for (size_t i = 0; i < length; i++) {
		if (i / 16 == 3 || i / 16 == 4)
			continue;
		if (i % 16 == 0)
			p += sprintf(p, "\nRTAS %zu: ", i / 16);
		p += sprintf(p, "%02x", buf[i]);
	}
	run = run_log(text, strlen(text), "@", NULL, NULL);
	assert_int_equal(run.status, EXIT_FAILURE);
	assert_non_null(strstr(run.out, "Lost bytes:          48 to 79, shown as zero\n"));
	assert_non_null(strstr(run.err, "bytes 48 to 79 (RTAS 3 to 4) are lost and shown as zero"));
	run = run_log(text, strlen(text), "--json", "@", NULL);
	assert_int_equal(run.status, EXIT_FAILURE);
	json = json_loads(run.out, 0, &error);
	lost = json_array_get(json_object_get(json, "lost"), 0);
	assert_int_equal(json_integer_value(json_object_get(lost, "offset")), 48);
	assert_int_equal(json_integer_value(json_object_get(lost, "length")), 32);
	json_decref(json);
}

/* All bytes are there, but the file may be damaged in other ways. */
static void lines_out_of_order_fail_the_command_though_all_is_shown(void **state)
{
	static const unsigned order[] = { 0, 1, 3, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 };
	uint8_t buf[FWNMI_ERRLOG_MAX] = { 0 };
	size_t length = make_log(buf);
	struct run whole = run_log(buf, length, "@", NULL, NULL), run;
	char text[4 * FWNMI_ERRLOG_MAX] = "", *p = text;

	assert_true(length <= 16 * ARRAY_SIZE(order) && length > 16 * (ARRAY_SIZE(order) - 1));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		p += sprintf(p, "RTAS %u: ", order[i]);
		for (size_t b = 16 * order[i]; b < length && b < 16 * (order[i] + 1); b++)
			p += sprintf(p, "%02x", buf[b]);
		p += sprintf(p, "\n");
	}
	run = run_log(text, strlen(text), "@", NULL, NULL);
	assert_int_equal(run.status, EXIT_FAILURE);
	assert_string_equal(run.out, whole.out);
	assert_non_null(strstr(run.err, "line 4: RTAS 2 comes after RTAS 3\n"));
}

static void a_log_whose_beginning_is_lost_is_not_guessed_at(void **state)
{
	static const char text[] = "RTAS 1: 06d010e0 00000000\n";
	struct run run = run_log(text, strlen(text), "@", NULL, NULL);

	assert_int_equal(run.status, EXIT_FAILURE);
	assert_string_equal(run.out, "");
	assert_non_null(strstr(run.err, "its beginning is lost"));
}

static void a_bad_event_among_good_ones_fails_at_the_end(void **state)
{
	static const char text[] = "RTAS 0: 06d010e0 00000000\n"
				   "RTAS 0: 09d010e0 00000000\n"
				   "RTAS 0: 03400040 00000000\n";
	struct run run = run_log(text, strlen(text), "@", NULL, NULL);
	const char *last = strstr(run.out, "Version:             3\n");

	assert_int_equal(run.status, EXIT_FAILURE);
	assert_non_null(strstr(run.out, "Version:             6\n"));
	assert_non_null(last);
	assert_non_null(strstr(last, "EPOW (64)"));
	assert_non_null(strstr(run.err, "cannot decode log 2 (line 2) of "));
	assert_ptr_equal(strchr(run.err, '\n'), run.err + strlen(run.err) - 1);
}

static void events_of_all_known_versions_are_no_failure(void **state)
{
	static const char text[] = "RTAS 0: 03400040 00000000\n"
				   "RTAS 0: 04400040 00000000\n"
				   "RTAS 0: 05400040 00000000\n"
				   "RTAS 0: 06400040 00000000\n";
	struct run run = run_log(text, strlen(text), "@", NULL, NULL);

	assert_int_equal(run.status, EXIT_SUCCESS);
	assert_string_equal(run.err, "");
	for (unsigned version = 3; version <= 6; version++) {
		char line[40];

		snprintf(line, sizeof(line), "Version:             %u\n", version);
		assert_non_null(strstr(run.out, line));
	}
}

static void a_sequence_number_is_shown_in_every_form(void **state)
{
	uint8_t record[2052];
	struct run run;
	json_error_t error;
	json_t *json;

	put_record(record, sizeof(record), 42, false, fixed_part, sizeof(fixed_part));
	run = run_log(record, sizeof(record), "@", NULL, NULL);
	assert_int_equal(run.status, EXIT_SUCCESS);
	assert_string_equal(run.err, "");
	assert_memory_equal(run.out, "Sequence number:     42\n", 24);
	run = run_log(record, sizeof(record), "--json", "@", NULL);
	json = json_loads(run.out, 0, &error);
	assert_int_equal(json_integer_value(json_object_get(json, "sequence_number")), 42);
	json_decref(json);
}

/* A log whose last section is a primary SRC with a call-out. */
static size_t make_log_with_callout(uint8_t *buf)
{
	static const uint8_t callouts[] = { 0xc0, 0,   0, 4, 12,  0x28, 'H', 4,
					    'P',  '1', 0, 0, 'I', 'D',	4,   0x10 };
	const struct fwnmi_errlog log = {
		.type = FWNMI_EVENT_PLATFORM_ERROR,
		.has_extended = true,
		.has_main_a = true,
		.has_main_b = true,
		.has_primary_src = true,
		.main_a = { .creator = 'E' },
		.main_b = { .subsystem = 0x12, .event_severity = 0x21, .action_flags = 0x2800 },
		.primary_src = { .reference_code = "B112E500" },
	};
	size_t length = (size_t)fwnmi_errlog_encode(&log, buf, FWNMI_ERRLOG_MAX);
	uint8_t *src = buf + length - 80;

	memcpy(buf + length, callouts, sizeof(callouts));
	buf[7] += sizeof(callouts);
	src[3] += sizeof(callouts);
	src[9] |= 1;
	return length + sizeof(callouts);
}

static void json_has_call_outs_and_the_meaning_of_codes(void **state)
{
	static const char *const names[] = { "report-externally", "call-home" };
	uint8_t buf[FWNMI_ERRLOG_MAX];
	struct run run = run_log(buf, make_log_with_callout(buf), "--json", "@", NULL);
	json_error_t error;
	json_t *json = json_loads(run.out, 0, &error), *main_b, *flags, *callout;

	assert_string_equal(run.err, "");
	assert_int_equal(run.status, EXIT_SUCCESS);
	main_b = json_object_get(json, "main_b");
	assert_string_equal(json_string_value(json_object_get(main_b, "subsystem")), "0x12");
	assert_string_equal(json_string_value(json_object_get(main_b, "subsystem_name")),
			    "processor chip with cache");
	assert_string_equal(json_string_value(json_object_get(main_b, "event_severity_name")),
			    "predictive, performance degraded");
	flags = json_object_get(main_b, "action_flags_names");
	assert_int_equal(json_array_size(flags), 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(json_string_value(json_array_get(flags, i)), names[i]);
	callout = json_array_get(json_object_get(json_object_get(json, "primary_src"), "callouts"),
				 0);
	assert_string_equal(json_string_value(json_object_get(callout, "priority")), "H");
	assert_string_equal(json_string_value(json_object_get(callout, "priority_name")), "high");
	assert_string_equal(json_string_value(json_object_get(callout, "location")), "P1");
	assert_string_equal(json_string_value(json_object_get(callout, "component_name")),
			    "hardware");
	json_decref(json);
}

static void nothing_that_is_echoed_can_command_a_terminal(void **state)
{
	static const struct {
		const char *text, *echoed;
	} bad[] = {
		{ "06 \a\b\x9b"
		  "31mzz",
		  "'\\x07\\x08\\x9b31mzz' is not hexadecimal" },
		{ "06 \xc2\x9b"
		  "31m",
		  "'\\xc2\\x9b31m' is not hexadecimal" },
		{ "06 \x7f\xff", "'\\x7f\\xff' is not hexadecimal" },
		{ "06 Gr\xc3\xbc\xc3\x9f"
		  "e",
		  "'Gr\xc3\xbc\xc3\x9f"
		  "e' is not hexadecimal" },
	};
	struct run run;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		run = run_log(bad[i].text, strlen(bad[i].text), "--hex", "@", NULL);
		assert_int_equal(run.status, EXIT_FAILURE);
		assert_non_null(strstr(run.err, bad[i].echoed));
	}
	run = run_log("06", 2, "/tmp/no\033[31m\nfile", NULL, NULL);
	assert_non_null(strstr(run.err, "/tmp/no\\x1b[31m\\x0afile: No such file"));
	run = run_log("06", 2, "--\033[31m", NULL, NULL);
	assert_non_null(strstr(run.err, "--\\x1b[31m"));
}

/* Invalid UTF-8, which file names and contents can have. */
static void only_characters_that_a_terminal_shows_are_printed(void **state)
{
	static const struct {
		const char *text, *printed;
	} cases[] = {
		{ "plain ~", "plain ~" },
		{ "\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xe2\x82", "\\xe2\\x82" }, /* cut */
		{ "\xc1\x9b", "\\xc1\\x9b" }, /* overlong */
		{ "\xe0\x80\x9b", "\\xe0\\x80\\x9b" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" }, /* half of a UTF-16 pair */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "\x80", "\\x80" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *printed = NULL;
		size_t size;
		FILE *out = open_memstream(&printed, &size);

		assert_non_null(out);
		print_printable(out, cases[i].text, strlen(cases[i].text));
		fclose(out);
		assert_string_equal(printed, cases[i].printed);
		free(printed);
	}
}

static void a_flood_of_problems_is_cut_short(void **state)
{
	char text[200 * 16] = "RTAS 0: 06d010e0 00000000\n";
	struct run run;
	size_t lines = 0;

	for (unsigned i = 0; i < 100; i++)
		strcat(text, "RTAS 0: xx\n");
	run = run_log(text, strlen(text), "@", NULL, NULL);
	assert_int_equal(run.status, EXIT_FAILURE);
	for (const char *p = run.err; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, PROBLEMS_MAX + 1);
}

static void bad_options_print_one_line_and_fail(void **state)
{
	static const char *const bad[][3] = {
		{ "--frobnicate", "@", "unknown option --frobnicate: see fwnmi log --help" },
		{ "--binray", "@", "unknown option --binray: did you mean --binary?" },
		{ "-z", "@", "unknown option -z" },
		{ "--json=yes", "@", "option --json takes no value" },
		{ "@", "another", "only one file can be given" },
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
	run = run_log("06", 2, "-jxb", "@", NULL);
	assert_non_null(strstr(run.err, "exclude each other"));
	run = run_log("06", 2, "-xjh", NULL, NULL);
	assert_int_equal(run.status, 0);
	assert_memory_equal(run.out, "Usage: fwnmi log", 16);
}

static void bytes_after_a_log_are_reported_unless_they_are_zero(void **state)
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
		cmocka_unit_test(lines_of_a_kernel_log_out_of_order_are_put_in_order_and_reported),
		cmocka_unit_test(a_lost_line_of_a_kernel_log_is_reported_and_leaves_a_gap),
		cmocka_unit_test(a_damaged_line_of_a_kernel_log_costs_its_damaged_bytes_only),
		cmocka_unit_test(a_marker_or_its_loss_divides_events),
		cmocka_unit_test(a_different_first_line_begins_another_event),
		cmocka_unit_test(lines_that_the_kernel_cannot_have_written_are_left_out),
		cmocka_unit_test(colours_nul_bytes_and_other_alphabets_do_not_disturb_a_kernel_log),
		cmocka_unit_test(lines_that_a_dump_leaves_out_are_repeated),
		cmocka_unit_test(a_dump_of_swapped_pairs_is_swapped_back),
		cmocka_unit_test(the_expansion_of_a_dump_is_bounded),
		cmocka_unit_test(a_dump_that_leaves_nothing_out_may_be_large),
		cmocka_unit_test(a_repetition_that_is_not_clear_is_reported),
		cmocka_unit_test(lines_of_a_dump_out_of_order_are_put_in_order_and_reported),
		cmocka_unit_test(a_lost_line_of_a_dump_is_reported_and_leaves_a_gap),
		cmocka_unit_test(dumps_one_after_another_are_separate_events),
		cmocka_unit_test(what_is_not_hexadecimal_is_refused_with_its_line),
		cmocka_unit_test(any_text_cut_anywhere_is_survived),
		cmocka_unit_test(
			a_record_of_the_kernel_has_its_sequence_number_in_either_byte_order),
		cmocka_unit_test(records_are_divided_by_their_size),
		cmocka_unit_test(a_file_of_records_that_ends_in_the_middle_gives_those_before),
		cmocka_unit_test(binary_logs_one_after_another_are_separate_events),
		cmocka_unit_test(a_dump_of_a_record_has_its_sequence_number),
		cmocka_unit_test(binary_and_text_are_told_apart),
		cmocka_unit_test(a_binary_log_is_shown_as_text),
		cmocka_unit_test(hex_and_binary_of_a_log_give_the_same_output),
		cmocka_unit_test(json_has_the_names_and_addresses),
		cmocka_unit_test(numbers_without_a_name_stay_numbers_in_json),
		cmocka_unit_test(each_event_of_a_kernel_log_is_a_json_object),
		cmocka_unit_test(bad_input_prints_one_line_and_fails),
		cmocka_unit_test(the_good_part_of_a_bad_log_is_shown_and_the_command_fails),
		cmocka_unit_test(a_log_cut_short_is_shown_as_far_as_it_goes),
		cmocka_unit_test(lost_bytes_are_named_in_every_form),
		cmocka_unit_test(lines_out_of_order_fail_the_command_though_all_is_shown),
		cmocka_unit_test(a_log_whose_beginning_is_lost_is_not_guessed_at),
		cmocka_unit_test(a_bad_event_among_good_ones_fails_at_the_end),
		cmocka_unit_test(events_of_all_known_versions_are_no_failure),
		cmocka_unit_test(a_sequence_number_is_shown_in_every_form),
		cmocka_unit_test(json_has_call_outs_and_the_meaning_of_codes),
		cmocka_unit_test(nothing_that_is_echoed_can_command_a_terminal),
		cmocka_unit_test(only_characters_that_a_terminal_shows_are_printed),
		cmocka_unit_test(a_flood_of_problems_is_cut_short),
		cmocka_unit_test(bad_options_print_one_line_and_fail),
		cmocka_unit_test(bytes_after_a_log_are_reported_unless_they_are_zero),
		cmocka_unit_test(help_goes_to_standard_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
