/* SPDX-License-Identifier: BSD-2-Clause */
/* The terminal by itself: its queue, its interrupt and the console behind it. */
#include "devices/vty.h"

#include "unit.h"

static struct xics xics;
static struct vty vty;
static bool line, busy;
static const char *input;
static unsigned input_len, excess;
static char output[64];
static unsigned output_len;

static void raise_interrupt(void *xics, uint32_t interrupt)
{
	xics_raise(xics, interrupt);
}

static void set_external(void *opaque, unsigned server, bool level)
{
	line = level;
}

static void console_write(void *opaque, const void *buf, unsigned len)
{
	assert_true(output_len + len <= sizeof(output));
	memcpy(output + output_len, buf, len);
	output_len += len;
}

/* Returns more than requested if @excess is set. */
static unsigned console_read(void *opaque, void *buf, unsigned len)
{
	if (len > input_len)
		len = input_len;
	memcpy(buf, input, len);
	input += len;
	input_len -= len;
	return len + excess;
}

static bool console_busy(void *opaque)
{
	return busy;
}

static void give(const char *text)
{
	input = text;
	input_len = (unsigned)strlen(text);
}

static void make(const struct vty_console *console)
{
	xics_init(&xics, 1, set_external, NULL);
	xics.device.type->reset(&xics.device);
	xics_set_cppr(&xics, 0, 0xff);
	xics_route(&xics, xics_source(&xics, VTY_INTERRUPT), 0, 5);
	vty_init(&vty, console, raise_interrupt, &xics);
	line = busy = false;
	output_len = excess = 0;
	give("");
}

static int setup(void **state)
{
	make(&(struct vty_console){ console_write, console_read, console_busy, NULL });
	return 0;
}

/* Accepts and ends an interrupt; false if there was none. */
static bool interrupted(void)
{
	uint32_t xirr = xics_accept(&xics, 0);

	if (xirr == (0xff000000 | VTY_INTERRUPT))
		xics_eoi(&xics, 0, xirr);
	return xirr == (0xff000000 | VTY_INTERRUPT);
}

static void input_interrupts_once_and_comes_in_order(void **state)
{
	uint8_t buf[16];

	give("abc");
	vty_input(&vty);
	assert_true(interrupted());
	assert_int_equal(vty_read(&vty, buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "abc", 3);
	assert_false(interrupted());
	assert_int_equal(vty_read(&vty, buf, sizeof(buf)), 0);
}

static void no_input_does_not_interrupt(void **state)
{
	vty_input(&vty);
	assert_false(line);
}

static void what_one_read_leaves_interrupts_again(void **state)
{
	uint8_t buf[2];

	give("abc");
	assert_int_equal(vty_read(&vty, buf, sizeof(buf)), 2);
	assert_true(interrupted());
	assert_int_equal(vty_read(&vty, buf, sizeof(buf)), 1);
	assert_int_equal(buf[0], 'c');
	assert_false(interrupted());
}

static void the_queue_takes_what_fits_and_loses_nothing(void **state)
{
	char text[3 * sizeof(vty.state.queue) + 1];
	unsigned taken = 0, len;
	uint8_t buf[7];

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)('A' + i % 23);
	text[sizeof(text) - 1] = '\0';
	give(text);
	vty_input(&vty);
	assert_int_equal(input_len, 2 * sizeof(vty.state.queue));
	vty_input(&vty);
	assert_int_equal(input_len, 2 * sizeof(vty.state.queue));
	while ((len = vty_read(&vty, buf, sizeof(buf))) != 0) {
		assert_memory_equal(buf, text + taken, len);
		taken += len;
	}
	assert_int_equal(taken, sizeof(text) - 1);
}

static void a_console_that_claims_more_than_fits_fills_the_queue_and_no_more(void **state)
{
	excess = 1000;
	vty_input(&vty);
	assert_int_equal(vty.state.count, sizeof(vty.state.queue));
}

static void the_interrupt_can_be_turned_off_and_on(void **state)
{
	vty_set_signal(&vty, false);
	give("x");
	vty_input(&vty);
	assert_false(line);
	vty_set_signal(&vty, true);
	assert_true(interrupted());
}

static void output_goes_to_the_console_unless_it_is_busy(void **state)
{
	assert_true(vty_write(&vty, "ab", 2));
	busy = true;
	assert_false(vty_write(&vty, "cd", 2));
	assert_true(vty_write(&vty, NULL, 0));
	busy = false;
	assert_true(vty_write(&vty, "e", 1));
	assert_int_equal(output_len, 3);
	assert_memory_equal(output, "abe", 3);
}

static void without_a_console_output_is_lost_and_there_is_no_input(void **state)
{
	uint8_t buf[16];

	make(&(struct vty_console){ .write = NULL });
	assert_true(vty_write(&vty, "ab", 2));
	vty_input(&vty);
	assert_int_equal(vty_read(&vty, buf, sizeof(buf)), 0);
	assert_false(line);
}

static void a_reset_empties_the_queue_and_turns_the_interrupt_on(void **state)
{
	uint8_t buf[16];

	give("abc");
	vty_set_signal(&vty, false);
	vty_input(&vty);
	vty.device.type->reset(&vty.device);
	assert_int_equal(vty_read(&vty, buf, sizeof(buf)), 0);
	give("x");
	vty_input(&vty);
	assert_true(line);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(input_interrupts_once_and_comes_in_order),
		TEST(no_input_does_not_interrupt),
		TEST(what_one_read_leaves_interrupts_again),
		TEST(the_queue_takes_what_fits_and_loses_nothing),
		TEST(a_console_that_claims_more_than_fits_fills_the_queue_and_no_more),
		TEST(the_interrupt_can_be_turned_off_and_on),
		TEST(output_goes_to_the_console_unless_it_is_busy),
		TEST(without_a_console_output_is_lost_and_there_is_no_input),
		TEST(a_reset_empties_the_queue_and_turns_the_interrupt_on),
	};

	return cmocka_run_group_tests_name("vty", tests, NULL, NULL);
}
