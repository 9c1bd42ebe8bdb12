/* SPDX-License-Identifier: BSD-2-Clause */
/* src/inject/trigger.c: the words, and what is said about wrong ones. */
#include "base/text.h"
#include "inject/trigger.h"
#include "unit.h"

static struct trigger t;
static char err[256];

static void parse(const char *text)
{
	if (!trigger_parse(text, &t, err, sizeof(err)))
		fail_msg("%s: %s", text, err);
}

static void refused(const char *text, const char *message)
{
	assert_false(trigger_parse(text, &t, err, sizeof(err)));
	assert_string_equal(err, message);
}

static void a_place_is_an_address_or_a_symbol_with_an_offset(void **state)
{
	parse("0xc000000000001234");
	assert_int_equal(t.point, TRIGGER_FETCH);
	assert_true(t.one_place);
	assert_int_equal(t.first.address, 0xc000000000001234);
	parse("address=machine_check_early_common+0x10");
	assert_string_equal(t.first.symbol, "machine_check_early_common");
	assert_int_equal(t.first.offset, 0x10);
	parse("do_syscall_64 user");
	assert_string_equal(t.first.symbol, "do_syscall_64");
	assert_int_equal(t.context, INJECT_USER);
}

static void ranges_include_both_ends_and_may_be_real(void **state)
{
	parse("read=0x1000..0x1fff");
	assert_int_equal(t.point, TRIGGER_READ);
	assert_int_equal(t.first.address, 0x1000);
	assert_int_equal(t.last.address, 0x1fff);
	assert_false(t.real_address);
	parse("write-real=0x2000,count=3");
	assert_int_equal(t.point, TRIGGER_WRITE);
	assert_true(t.real_address);
	assert_int_equal(t.last.address, 0x2000);
	assert_int_equal(t.count, 3);
	parse("access=jiffies..jiffies+7");
	assert_int_equal(t.point, TRIGGER_ACCESS);
	assert_string_equal(t.last.symbol, "jiffies");
	assert_int_equal(t.last.offset, 7);
}

static void everything_else_has_one_word(void **state)
{
	parse(" insn=1000 , after=0x10  within=5000 kernel ri=0 real rtas handler pidr=7 cpu=others:2");
	assert_int_equal(t.point, TRIGGER_ANYTHING);
	assert_int_equal(t.from_insn, 1000);
	assert_int_equal(t.after, 16);
	assert_int_equal(t.within, 5000);
	assert_int_equal(t.context, INJECT_KERNEL);
	assert_int_equal(t.ri, TRIGGER_UNRECOVERABLE);
	assert_true(t.real_mode && t.rtas && t.has_pidr);
	assert_int_equal(t.fwnmi, TRIGGER_HANDLER);
	assert_int_equal(t.pidr, 7);
	assert_int_equal(t.cpus, TRIGGER_CPUS_OTHERS);
	assert_int_equal(t.cpu, 2);
	parse("process=victim0 user");
	assert_string_equal(t.process, "victim0");
	assert_true(trigger_names_process(&t) && !trigger_anywhere(&t));
	parse("pid=0x50 ri=any");
	assert_true(t.has_pid && !t.has_pidr);
	assert_int_equal(t.pid, 80);
	assert_true(trigger_names_process(&t) && !trigger_anywhere(&t));
	parse("idle");
	assert_int_equal(t.context, INJECT_IDLE);
	parse("interlocked cpu=all ri=1");
	assert_int_equal(t.fwnmi, TRIGGER_INTERLOCKED);
	assert_int_equal(t.cpus, TRIGGER_CPUS_ALL);
}

static void an_instruction_is_recoverable_unless_it_is_said_or_a_vector(void **state)
{
	parse("user");
	assert_int_equal(t.ri, TRIGGER_RECOVERABLE);
	parse("vector=0x900");
	assert_int_equal(t.ri, TRIGGER_RI_ANY);
	parse("vector=0x900 after=100");
	assert_int_equal(t.ri, TRIGGER_RECOVERABLE);
	parse("vector=0x900 ri=1");
	assert_int_equal(t.ri, TRIGGER_RECOVERABLE);
	parse("ri=any");
	assert_true(trigger_anywhere(&t));
	parse("ri=any user");
	assert_false(trigger_anywhere(&t));
}

static void a_mistyped_word_is_told_with_its_column_and_the_nearest(void **state)
{
	refused("usr", "unknown word usr at column 1: did you mean user?");
	refused("user adress=0x100", "unknown word adress at column 6: did you mean address?");
	refused("insn=5, kernl", "unknown word kernl at column 9: did you mean kernel?");
	refused("xyzzy=1", "unknown word xyzzy at column 1");
	refused("user 1x", "unknown word 1x at column 6");
}

static void a_wrong_value_is_told(void **state)
{
	refused("", "the trigger is empty");
	refused(" ,, ", "the trigger is empty");
	refused("insn=x", "bad insn at column 1: x is not a number");
	refused("insn=", "insn at column 1 needs a value: insn=...");
	refused("insn", "insn at column 1 needs a value: insn=...");
	refused("user=1", "user at column 1 takes no value");
	refused("count=0", "bad count at column 1: not from 1 to 9223372036854775807");
	refused("ri=2", "bad ri at column 1: 2 is not 0, 1 or any");
	refused("cpu=some",
		"bad cpu at column 1: some is not the number of a CPU, all or others:N");
	refused("read=5..4", "bad read at column 1: 5..4 is not a range: it ends before it begins");
	refused("read-real=jiffies",
		"bad read-real at column 1: jiffies is not a real address or FIRST..LAST");
	refused("address=a+b",
		"bad address at column 1: a+b is not an address, a symbol or SYMBOL+OFFSET");
	refused("vector=0x901",
		"bad vector at column 1: 0x901 is not a vector: those are multiples of 0x20");
}

static void contradictions_are_told(void **state)
{
	refused("0x100 read=5", "read at column 7: the trigger has a place already");
	refused("insn=1 insn=2", "insn at column 8: it is there twice");
	refused("user kernel", "kernel at column 6 contradicts the word before it");
	refused("handler interlocked", "interlocked at column 9 contradicts the word before it");
	refused("user real", "user contradicts real: user mode has relocation on");
	refused("user rtas", "user contradicts rtas: RTAS runs in real mode");
	refused("user vector=0x900", "user contradicts vector: an interrupt enters the kernel");
}

static void a_symbol_needs_a_kernel(void **state)
{
	parse("panic");
	assert_false(trigger_resolve(&t, NULL, "there is no kernel", err, sizeof(err)));
	assert_string_equal(err, "the address of panic is unknown: there is no kernel");
	parse("0x500");
	assert_true(trigger_resolve(&t, NULL, "there is no kernel", err, sizeof(err)));
	assert_int_equal(t.first.local_entry, 0x500);
}

static void distances_count_typing_errors(void **state)
{
	assert_int_equal(text_distance("kernel", 6, "kernel"), 0);
	assert_int_equal(text_distance("kenrel", 6, "kernel"), 1);
	assert_int_equal(text_distance("kernl", 5, "kernel"), 1);
	assert_int_equal(text_distance("kernell", 7, "kernel"), 1);
	assert_int_equal(text_distance("", 0, "kernel"), 6);
	assert_int_equal(text_distance("user", 4, "real"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_place_is_an_address_or_a_symbol_with_an_offset),
		cmocka_unit_test(ranges_include_both_ends_and_may_be_real),
		cmocka_unit_test(everything_else_has_one_word),
		cmocka_unit_test(an_instruction_is_recoverable_unless_it_is_said_or_a_vector),
		cmocka_unit_test(a_mistyped_word_is_told_with_its_column_and_the_nearest),
		cmocka_unit_test(a_wrong_value_is_told),
		cmocka_unit_test(contradictions_are_told),
		cmocka_unit_test(a_symbol_needs_a_kernel),
		cmocka_unit_test(distances_count_typing_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
