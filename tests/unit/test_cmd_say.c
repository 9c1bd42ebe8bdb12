/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM's output, for readers that do not read, readers that are slow, and terminals that
 * interpret control sequences.
 */
#include "cmd/output.c"
#include "cmd/say.c"
#include "base/text.c"

#include <termios.h>

#include "unit.h"

/* ---- text ---- */

static void assert_printed(const char *text, const char *expected)
{
	char out[100];

	assert_string_equal(text_printable(out, sizeof(out), text), expected);
}

static void control_characters_are_escaped(void **state)
{
	assert_printed("plain \u00fc \u20ac \U0001f600", "plain \u00fc \u20ac \U0001f600");
	assert_printed("\033]0;title\007\r\n\t\177", "\\x1b]0;title\\x07\\x0d\\x0a\\x09\\x7f");
	/* C1: as UTF-8, and as the byte that some terminals accept */
	assert_printed("\xc2\x9b"
		       "31m",
		       "\\xc2\\x9b31m");
	assert_printed("\x9b"
		       "31m",
		       "\\x9b31m");
	/*
	 * an overlong ESC, a surrogate, a code point beyond Unicode, the middle and the start of a
	 * character
	 */
	assert_printed("\xc0\x9b", "\\xc0\\x9b");
	assert_printed("\xe0\x80\x9b", "\\xe0\\x80\\x9b");
	assert_printed("\xed\xa0\x80", "\\xed\\xa0\\x80");
	assert_printed("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	assert_printed("\xbc", "\\xbc");
	assert_printed("a\xe2\x82", "a\\xe2\\x82");
}

static void printed_text_is_cut_between_characters(void **state)
{
	char out[5];

	for (size_t size = 1; size <= sizeof(out); size++) {
		text_printable(out, size, "\u20ac\u20ac");
		assert_string_equal(out, size < 4 ? "" : "\u20ac");
		text_printable(out, size, "a\033");
		assert_string_equal(out, size < 2 ? "" : "a");
	}
}

static void any_bytes_become_a_json_string(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "", "" },
		{ "\u00fc\u20ac\U0001f600\033", "\u00fc\u20ac\U0001f600\033" },
		{ "cut \xc3", "cut " },
		{ "cut \xe2\x82", "cut " },
		{ "cut \xf0\x9f\x98", "cut " },
		{ "bad \xff \xe2\x82 bytes", "bad ? ?? bytes" },
		{ "\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80", "?????????" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *json = text_json(cases[i].text);

		assert_non_null(json);
		assert_string_equal(json_string_value(json), cases[i].expected);
		json_decref(json);
	}
}

/* ---- output ---- */

static struct output out;
static int reader;

enum kind {
	PIPE,
	PIPE_NOT_OPENED_AGAIN,
	SOCKET,
	OWN_PIPE,
	KINDS
};

static int open_output(enum kind kind)
{
	int fds[2];

	if (kind == SOCKET)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	else
		assert_int_equal(pipe(fds), 0);
	if (kind == SOCKET) {
		int writer = fds[0];

		fds[0] = fds[1];
		fds[1] = writer;
	}
	reader = fds[0];
	output_open(&out, fds[1], kind == OWN_PIPE);
	if (kind == PIPE_NOT_OPENED_AGAIN) {
		output_close(&out);
		out.fd = fds[1];
		out.at_once = PIPE_BUF;
	}
	return fds[1];
}

static void close_output(enum kind kind, int fd)
{
	output_close(&out);
	close(reader);
	if (kind != OWN_PIPE)
		close(fd);
}

static unsigned char pattern(size_t i)
{
	return (unsigned char)(i ^ i >> 8 ^ i >> 16);
}

/* Writes until nothing more is accepted; returns the number of bytes accepted. */
static size_t fill(size_t at)
{
	size_t put = 1, sum = 0;

	while (put) {
		unsigned char piece[16];

		for (unsigned i = 0; i < sizeof(piece); i++)
			piece[i] = pattern(at + sum + i);
		put = output_put(&out, piece, sizeof(piece));
		sum += put;
	}
	return sum;
}

static size_t read_some(size_t at, size_t max)
{
	unsigned char buf[5000];
	ssize_t n = read(reader, buf, max < sizeof(buf) ? max : sizeof(buf));

	assert_true(n > 0);
	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(buf[i], pattern(at + (size_t)i));
	return (size_t)n;
}

static void a_reader_that_has_stopped_stops_nobody_and_gets_all_when_it_goes_on(void **state)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		int fd = open_output(kind);
		size_t sent = fill(0), got = 0;

		assert_int_equal(output_room(&out), 0);
		assert_true(sent > OUTPUT_SIZE);
		for (; got < sent / 2; output_flush(&out))
			got += read_some(got, 4999);
		sent += fill(sent);
		while (got < sent) {
			output_flush(&out);
			got += read_some(got, sent - got);
		}
		assert_int_equal(out.count, 0);
		close_output(kind, fd);
	}
}

static void a_shared_pipe_still_blocks_its_other_users(void **state)
{
	int fd = open_output(PIPE);

	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(out.at_once, 0); /* opened again */
	close_output(PIPE, fd);
}

static void a_stopped_terminal_blocks_nobody(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct termios raw;

	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	tcgetattr(slave, &raw);
	cfmakeraw(&raw);
	tcsetattr(slave, TCSANOW, &raw);
	reader = master;
	for (unsigned again = 0; again < 2; again++) {
		size_t sent, got = 0;

		output_open(&out, slave, false);
		if (!again) {
			assert_int_equal(out.at_once, 0);
			assert_int_equal(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
		} else {
			output_close(&out);
			out.fd = slave;
			out.at_once = 1;
			out.ours = false;
		}
		sent = fill(0);
		assert_int_equal(output_room(&out), 0);
		while (got < sent) {
			got += read_some(got, sent - got);
			output_flush(&out);
		}
		assert_int_equal(out.count, 0);
		output_close(&out);
	}
	close(slave);
	close(master);
}

static void the_end_waits_for_no_reader_that_does_not_read(void **state)
{
	volatile sig_atomic_t stop = 0;
	int fd = open_output(PIPE);

	fill(0);
	assert_int_equal(output_drain(&out, 100, &stop), OUTPUT_SIZE);
	stop = 1;
	assert_int_equal(output_drain(&out, 1000000000, &stop), OUTPUT_SIZE);
	close_output(PIPE, fd);
}

static void an_output_without_a_reader_accepts_and_discards_everything(void **state)
{
	int fd = open_output(PIPE);

	signal(SIGPIPE, SIG_IGN);
	close(reader);
	reader = -1;
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(output_put(&out, "0123456789abcdef", 16), 16);
	assert_int_equal(out.error, EPIPE);
	close(fd);
}

/* ---- lines ---- */

static uint64_t now_ns;
static int saved_stderr;
static FILE *captured;
static off_t looked_at; /* so far */

static uint64_t test_clock(void)
{
	return now_ns;
}

static int capture(void **state)
{
	clock_ns = test_clock;
	now_ns = 5 * (uint64_t)SECOND_NS;
	for (unsigned i = 0; i < SAY_KINDS; i++) {
		kinds[i].limit.free_at = 0;
		kinds[i].hidden = 0;
	}
	dropped = 0;
	saved_stderr = dup(STDERR_FILENO);
	captured = tmpfile();
	looked_at = 0;
	return captured && dup2(fileno(captured), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int release(void **state)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	fclose(captured);
	return 0;
}

/* Returns what was printed since the last call. */
static const char *printed(void)
{
	static char text[100000];
	ssize_t n = pread(fileno(captured), text, sizeof(text) - 1, looked_at);

	assert_true(n >= 0);
	text[n] = '\0';
	looked_at += n;
	return text;
}

static unsigned lines_printed(void)
{
	unsigned n = 0;

	for (const char *p = printed(); *p; p++)
		n += *p == '\n';
	return n;
}

static void what_is_said_is_one_printable_line(void **state)
{
	say("the guest crashed: %s", "\033[2J\nfwnmi: all is well");
	assert_string_equal(printed(),
			    "fwnmi: the guest crashed: \\x1b[2J\\x0afwnmi: all is well\n");
}

static void a_guest_gets_a_burst_of_lines_and_then_one_a_second_with_a_count(void **state)
{
	unsigned lines = 0;

	for (unsigned i = 0; i < 1000; i++)
		if (say_may(SAY_DEBUG))
			say("debug: flood");
	assert_int_equal(lines_printed(), 64);
	/* ten minutes of a thousand lines per second */
	for (unsigned second = 0; second < 600; second++) {
		now_ns += SECOND_NS;
		for (unsigned i = 0; i < 1000; i++)
			if (say_may(SAY_DEBUG))
				lines++;
	}
	assert_int_equal(lines, 0);
	assert_int_equal(lines_printed(), 600);
	now_ns += SECOND_NS;
	assert_false(say_may(SAY_DEBUG));
	assert_string_equal(printed(), "fwnmi: debug: 1000 more lines are not shown\n");
}

static void a_flood_of_one_kind_hides_no_other(void **state)
{
	for (unsigned i = 0; i < 1000; i++)
		say_may(SAY_DEBUG);
	assert_true(say_may(SAY_WARNING));
	assert_true(say_may(SAY_END));
}

static void the_last_count_is_told_when_it_is_due_or_at_the_end(void **state)
{
	const volatile sig_atomic_t go_on = 0;
	struct pollfd fd;

	for (unsigned i = 0; i < 6; i++)
		say_may(SAY_END);
	now_ns += 9ull * SECOND_NS;
	say_poll_fds(NULL, &fd, 1);
	assert_string_equal(printed(), "");
	now_ns += SECOND_NS;
	say_poll_fds(NULL, &fd, 1);
	assert_string_equal(printed(), "fwnmi: FWNMI ended the partition 2 more times\n");
	assert_false(say_may(SAY_END));
	say_start();
	say_stop(&go_on);
	assert_string_equal(printed(), "fwnmi: FWNMI ended the partition 1 more times\n");
}

static void lines_that_nobody_reads_are_dropped_and_counted(void **state)
{
	static char text[OUTPUT_SIZE * 3];
	const volatile sig_atomic_t stop = 1;
	size_t len = 0;
	struct pollfd fd;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	say_start();
	for (unsigned i = 0; i < 100000; i++)
		say("line %u", i);
	assert_true(dropped > 0);
	while (say_poll_fds(NULL, &fd, 1) || len == 0) {
		ssize_t n = read(fds[0], text + len, sizeof(text) - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
		fd.revents = POLLOUT;
		say_ready(NULL, &fd, 1);
	}
	say_stop(&stop);
	close(fds[1]);
	dup2(saved_stderr, STDERR_FILENO);
	while (len < sizeof(text) - 1) {
		ssize_t n = read(fds[0], text + len, sizeof(text) - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fds[0]);
	text[len] = '\0';
	/* Whole lines, from the first on, then the number of missing ones. */
	for (unsigned i = 0, at = 0;; i++) {
		char expected[100];

		snprintf(expected, sizeof(expected), "fwnmi: line %u\n", i);
		if (strncmp(text + at, expected, strlen(expected))) {
			snprintf(expected, sizeof(expected),
				 "fwnmi: %u lines were dropped: standard error was not read\n",
				 100000 - i);
			assert_string_equal(text + at, expected);
			break;
		}
		at += (unsigned)strlen(expected);
	}
}

#define SAY_TEST(name) cmocka_unit_test_setup_teardown(name, capture, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_characters_are_escaped),
		cmocka_unit_test(printed_text_is_cut_between_characters),
		cmocka_unit_test(any_bytes_become_a_json_string),
		cmocka_unit_test(
			a_reader_that_has_stopped_stops_nobody_and_gets_all_when_it_goes_on),
		cmocka_unit_test(a_shared_pipe_still_blocks_its_other_users),
		cmocka_unit_test(a_stopped_terminal_blocks_nobody),
		cmocka_unit_test(the_end_waits_for_no_reader_that_does_not_read),
		cmocka_unit_test(an_output_without_a_reader_accepts_and_discards_everything),
		SAY_TEST(what_is_said_is_one_printable_line),
		SAY_TEST(a_guest_gets_a_burst_of_lines_and_then_one_a_second_with_a_count),
		SAY_TEST(a_flood_of_one_kind_hides_no_other),
		SAY_TEST(the_last_count_is_told_when_it_is_due_or_at_the_end),
		SAY_TEST(lines_that_nobody_reads_are_dropped_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
