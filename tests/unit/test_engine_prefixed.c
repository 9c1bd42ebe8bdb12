/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions of two words in the whole engine: what interrupts they cause say, where they may
 * stand, who may execute them, and that they count as one. What they compute: tests/isa.
 */
#include "engine/emu/code/lookup.h"
#include "engine_guest.h"
#include "unit.h"

#define RAM	      0x100000u
#define CODE	      0x10000u
#define DATA	      0x8000u
/* pld r3,d(r4) */
#define PREFIX_PLD(d) (0x04000000u | (uint32_t)(d) >> 16)
#define SUFFIX_PLD(d) (0xe4640000u | ((d)&0xffff))
#define PREFIX_PADDI  0x06100000u /* R = 1: paddi r3,0,0,1 */
#define SUFFIX_PADDI  0x38600000u
#define PREFIX_PLFD   0x06000000u /* plfd f1,0(r4) */
#define SUFFIX_PLFD   0xc8240000u
#define MSR_GUEST     (MSR_SF | MSR_ME)

static struct engine_guest guest;
static struct engine_exit end;
static struct engine_regs regs;

static int set_up(void **state)
{
	if (!guest_start(&guest, RAM, 1))
		return -1;
	guest.e->model = guest.e->compat = &cpu_model_power10;
	guest_end_at_interrupts(&guest);
	return 0;
}

static int tear_down(void **state)
{
	return guest_end_checked(&guest) ? 0 : -1;
}

#define CODE_AT(at, ...) guest_code(&guest, at, INSNS(__VA_ARGS__))

static void stand_at(uint64_t nip, uint64_t msr)
{
	engine_power.get_regs(guest.engine, 0, &regs);
	regs.nip = nip;
	regs.msr = msr;
	regs.gpr[4] = DATA;
	engine_power.set_regs(guest.engine, 0, &regs);
}

static void run(uint64_t insns)
{
	engine_power.run(guest.engine, 0, insns, &end);
	engine_power.get_regs(guest.engine, 0, &regs);
}

/* It ran into the hypervisor call of this vector. */
static void assert_interrupt(unsigned vector, uint64_t srr0, uint64_t reason)
{
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	assert_int_equal(regs.nip, vector + 4);
	assert_int_equal(regs.srr0, srr0);
	assert_int_equal(regs.srr1 & SRR1_REASON, reason);
}

static void two_words_are_one_instruction(void **state)
{
	CODE_AT(CODE, PREFIX_PADDI, SUFFIX_PADDI, INSN_NOP, PREFIX_PLD(0x12340),
		SUFFIX_PLD(0x12340), INSN_NOP, INSN_HCALL);
	memory_write_be64(&guest.memory, DATA + 0x12340, 0x0123456789abcdef);
	for (unsigned insns = 1; insns <= 4; insns++) {
		static const uint64_t nip[] = { 8, 12, 20, 24 };

		stand_at(CODE, MSR_GUEST);
		engine_power.stop_at(guest.engine, 0, guest.e->cpus[0]->insns + insns);
		run(100);
		assert_int_equal(end.reason, ENGINE_EXIT_STOPPED);
		assert_int_equal(regs.nip, CODE + nip[insns - 1]);
		assert_int_equal(regs.gpr[3], insns < 3 ? CODE : 0x0123456789abcdef);
	}
}

static void an_interrupt_tells_that_the_instruction_has_a_prefix(void **state)
{
	CODE_AT(CODE, INSN_NOP, PREFIX_PLFD, SUFFIX_PLFD);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_interrupt(VECTOR_FP_UNAVAILABLE, CODE + 4, SRR1_PREFIXED);
	/* No such suffix, and a base register where R forbids it. */
	CODE_AT(CODE, INSN_NOP, 0x06000000, 0x7c000000);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_interrupt(VECTOR_PROGRAM, CODE + 4, SRR1_PREFIXED | SRR1_ILLEGAL);
	CODE_AT(CODE, INSN_NOP, 0x06100000, 0x38640000);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_interrupt(VECTOR_PROGRAM, CODE + 4, SRR1_PREFIXED | SRR1_ILLEGAL);
	/* An instruction of one word behind it does not. */
	CODE_AT(CODE, PREFIX_PADDI, SUFFIX_PADDI, SUFFIX_PLFD);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_interrupt(VECTOR_FP_UNAVAILABLE, CODE + 8, 0);
}

/* pmxvi16ger2 0,vs32,vs33,8,4,2: the first row and the second column, of the first products */
static void masks_choose_elements_and_products(void **state)
{
	struct cpu *cpu = guest.e->cpus[0];

	CODE_AT(CODE, 0x07908084, 0xec000a5e, INSN_HCALL);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_interrupt(VECTOR_VSX_UNAVAILABLE, CODE, SRR1_PREFIXED);
	stand_at(CODE, MSR_GUEST | MSR_VSX);
	for (unsigned i = 0; i < 4; i++) {
		cpu->vsr[i].q = ~(u128)0;
		VSR_W(cpu->vsr[32], i) = 3u << 16 | 100;
		VSR_W(cpu->vsr[33], i) = (5u + i) << 16 | 100;
	}
	run(10);
	assert_int_equal(regs.nip, CODE + 12);
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < 4; j++)
			assert_int_equal(VSR_W(cpu->vsr[i], j), i == 0 && j == 1 ? 3 * 6 : 0);
}

static void a_fault_of_its_access_tells_that_it_has_a_prefix(void **state)
{
	CODE_AT(CODE, PREFIX_PLD(0x7000), SUFFIX_PLD(0x7000));
	guest_use_radix(&guest);
	guest_map(&guest, 0, CODE, CODE, LEAF_ALL | LEAF_PRIV);
	stand_at(CODE, MSR_GUEST | MSR_IR | MSR_DR);
	run(10);
	assert_interrupt(VECTOR_DATA_STORAGE, CODE, SRR1_PREFIXED);
	assert_int_equal(regs.dar, DATA + 0x7000);
}

static void a_traced_one_is_one_step(void **state)
{
	CODE_AT(CODE, PREFIX_PLD(0x40), SUFFIX_PLD(0x40), INSN_NOP);
	stand_at(CODE, MSR_GUEST | MSR_SE);
	run(10);
	assert_interrupt(VECTOR_TRACE, CODE + 8, SRR1_TRACE | SRR1_PREFIXED | SRR1_TRACE_LOAD);
	assert_int_equal(guest.e->cpus[0]->siar, CODE);
	assert_int_equal(guest.e->cpus[0]->sdar, DATA + 0x40);
}

/* CIABR names the address of the prefix; its state is the privileged one. */
static void a_breakpoint_of_the_guest_is_for_both_words(void **state)
{
	CODE_AT(CODE, INSN_NOP, PREFIX_PADDI, SUFFIX_PADDI, INSN_NOP);
	engine_power.set_debug_register(guest.engine, 0, ENGINE_CIABR, (CODE + 4) | 2, 0);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_interrupt(VECTOR_TRACE, CODE + 12, SRR1_TRACE | SRR1_PREFIXED | SRR1_TRACE_CIABR);
	assert_int_equal(regs.gpr[3], CODE + 4);
}

/* 1.9: nor does it cross a page then. */
static void it_must_not_cross_64_bytes(void **state)
{
	static const uint64_t at[] = { CODE + 0x3c, CODE + 0xffc };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		CODE_AT(at[i] - 4, INSN_NOP, PREFIX_PADDI, SUFFIX_PADDI);
		stand_at(at[i] - 4, MSR_GUEST);
		run(10);
		assert_interrupt(VECTOR_ALIGNMENT, at[i], SRR1_PREFIXED | SRR1_BOUNDARY);
		assert_int_equal(regs.dar, at[i]);
	}
	CODE_AT(CODE + 0x38, PREFIX_PADDI, SUFFIX_PADDI, INSN_HCALL);
	stand_at(CODE + 0x38, MSR_GUEST);
	run(10);
	assert_int_equal(regs.nip, CODE + 0x44);
	assert_int_equal(regs.gpr[3], CODE + 0x38);
}

static void problem_state_needs_leave_for_it(void **state)
{
	struct cpu *cpu = guest.e->cpus[0];

	CODE_AT(CODE, PREFIX_PADDI, SUFFIX_PADDI, 0x44000002);
	cpu->fscr = 0;
	stand_at(CODE, MSR_GUEST | MSR_PR);
	run(10);
	assert_interrupt(VECTOR_FACILITY_UNAVAILABLE, CODE, SRR1_PREFIXED);
	assert_int_equal(cpu->fscr >> 56, FSCR_PREFIX);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_interrupt(VECTOR_SYSTEM_CALL, CODE + 12, 0);
	cpu->fscr = 1ull << FSCR_PREFIX;
	stand_at(CODE, MSR_GUEST | MSR_PR);
	run(10);
	assert_interrupt(VECTOR_SYSTEM_CALL, CODE + 12, 0);
	/* The PCR comes first. */
	guest.e->compat = &cpu_model_power9;
	code_flush(guest.e);
	stand_at(CODE, MSR_GUEST | MSR_PR);
	run(10);
	assert_interrupt(VECTOR_PROGRAM, CODE, SRR1_PREFIXED | SRR1_ILLEGAL);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_interrupt(VECTOR_SYSTEM_CALL, CODE + 12, 0);
}

static void an_older_processor_has_none(void **state)
{
	guest.e->model = guest.e->compat = &cpu_model_power9;
	CODE_AT(CODE, PREFIX_PADDI, SUFFIX_PADDI);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_interrupt(VECTOR_PROGRAM, CODE, SRR1_ILLEGAL);
}

/* A watch of its second word alone does not stop there: no instruction begins at it. */
static void a_watch_is_for_where_an_instruction_begins(void **state)
{
	struct engine_watch watch = { .first = CODE + 8,
				      .last = CODE + 11,
				      .accesses = ENGINE_FETCH };

	CODE_AT(CODE, INSN_NOP, PREFIX_PADDI, SUFFIX_PADDI, INSN_HCALL);
	engine_power.set_watches(guest.engine, 0, &watch, 1);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	watch.first = CODE + 4;
	engine_power.set_watches(guest.engine, 0, &watch, 1);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_int_equal(end.reason, ENGINE_EXIT_WATCHED);
	assert_int_equal(regs.nip, CODE + 4);
	run(10);
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	assert_int_equal(regs.gpr[3], CODE + 4);
}

/* Both words are code: a store to either drops the block. */
static void its_second_word_can_be_changed(void **state)
{
	CODE_AT(CODE, PREFIX_PADDI, SUFFIX_PADDI, INSN_HCALL);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_int_equal(regs.gpr[3], CODE);
	CODE_AT(CODE + 4, SUFFIX_PADDI | 16);
	stand_at(CODE, MSR_GUEST);
	run(10);
	assert_int_equal(regs.gpr[3], CODE + 16);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_words_are_one_instruction),
		TEST(an_interrupt_tells_that_the_instruction_has_a_prefix),
		TEST(masks_choose_elements_and_products),
		TEST(a_fault_of_its_access_tells_that_it_has_a_prefix),
		TEST(a_traced_one_is_one_step),
		TEST(a_breakpoint_of_the_guest_is_for_both_words),
		TEST(it_must_not_cross_64_bytes),
		TEST(problem_state_needs_leave_for_it),
		TEST(an_older_processor_has_none),
		TEST(a_watch_is_for_where_an_instruction_begins),
		TEST(its_second_word_can_be_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
