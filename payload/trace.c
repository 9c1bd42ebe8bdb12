/* SPDX-License-Identifier: BSD-2-Clause */
/* MSR[SE] and MSR[BE]: the trace interrupt. Power ISA 3.0B, Book III section 6.5.15. */
#include "payload.h"

#define EACH	  "with_msr_se_a_trace_interrupt_follows_each_instruction_once"
#define SRR1_IS	  "a_trace_interrupts_srr1_is_the_msr_with_se"
#define BRANCH	  "with_msr_be_a_trace_interrupt_follows_each_branch_taken_or_not"
#define OTHER	  "an_instruction_that_raises_another_interrupt_is_not_traced"
#define HCALL	  "a_hypervisor_call_is_carried_out_under_msr_se_and_not_traced_itself"
#define TURN_ON	  "tracing_begins_with_the_instruction_behind_the_mtmsrd_that_turns_it_on"
#define RETURNS	  "a_return_from_an_interrupt_is_not_traced_but_what_it_returns_to"
#define ADDRESSES "siar_is_the_traced_instruction_and_sdar_its_storage_operand"
#define KINDS	  "srr1_bits_33_35_and_36_tell_a_trace_a_load_and_a_store"
#define NARROW	  "with_msr_sf_0_the_addresses_of_a_trace_interrupt_have_32_bits"
#define RESULT	  "traced_code_computes_what_it_computes_otherwise"

const char *const sentences[] = { EACH,	   SRR1_IS,   BRANCH, OTHER,  HCALL,  TURN_ON,
				  RETURNS, ADDRESSES, KINDS,  NARROW, RESULT, NULL };

#define MAX_STEPS 64
#define SPR_SIAR  796
#define SPR_SDAR  797

static struct {
	u64 vector, srr0, srr1, siar, sdar;
} steps[MAX_STEPS];
static unsigned nr_steps;

static void note(struct frame *frame)
{
	if (nr_steps == MAX_STEPS)
		bail_out("too many trace interrupts");
	steps[nr_steps].vector = frame->vector;
	steps[nr_steps].srr0 = frame->srr0;
	steps[nr_steps].srr1 = frame->srr1;
	steps[nr_steps].siar = mfspr(SPR_SIAR);
	steps[nr_steps].sdar = mfspr(SPR_SDAR);
	nr_steps++;
	if (frame->vector == 0x700)
		leave_run(frame);
}

/*
 * Checks SRR0 of each expected trace interrupt, as offsets; the last step is the trap at the end.
 */
static void check_steps(const char *sentence, const u8 *code, u64 msr, const u16 *offsets,
			unsigned count)
{
	check_equal(sentence, nr_steps, count + 1, "interrupts");
	for (unsigned i = 0; i < count && i < nr_steps; i++) {
		check_equal(sentence, steps[i].vector, 0xd00, "vector");
		check_equal(sentence, steps[i].srr0 - (u64)code, offsets[i], "offset of SRR0");
		check_equal(SRR1_IS, steps[i].srr1 & ~SRR1_CAUSE, msr,
			    "SRR1 without its cause bits");
	}
	check_equal(sentence, steps[nr_steps - 1].vector, 0x700, "last vector");
	nr_steps = 0;
}

CODE(straight, "li 3,1\n"
	       "addi 3,3,2\n"
	       "b 1f\n"
	       "li 3,0\n"
	       "1: cmpdi 3,3\n"
	       "bne 2f\n"
	       "mulli 3,3,7\n"
	       "2: lwarx 5,0,4\n"
	       "stwcx. 3,0,4\n"
	       "li 5,2\n"
	       "mtctr 5\n"
	       "3: bdnz 3b\n"
	       "trap");
CODE(calls, "li 3,5; sc; addi 3,3,1; trap");
CODE(hypervisor, "li 3,0x68; li 4,0; sc 1; addi 3,3,1; trap"); /* H_CPPR */
CODE(turns_on, "mtmsrd 3; li 3,9; nop; trap");

static u32 word;

static void test_straight(void)
{
	static const u16 all[] = { 4, 8, 16, 20, 24, 28, 32, 36, 40, 44, 44, 48 };
	static const u16 branches[] = { 16, 24, 44, 48 };

	word = 0;
	run(straight, MSR_BARE | MSR_SE | MSR_RI, 0, (u64)&word, 0, 0);
	check_steps(EACH, straight, MSR_BARE | MSR_SE | MSR_RI, all, ARRAY_SIZE(all));
	check_equal(RESULT, caught.gpr[3], 21, "R3");

	run(straight, MSR_BARE | MSR_BE, 0, (u64)&word, 0, 0);
	check_steps(BRANCH, straight, MSR_BARE | MSR_BE, branches, ARRAY_SIZE(branches));
	check_equal(RESULT, caught.gpr[3], 21, "R3");
	check_equal(RESULT, word, 21, "the word stored");
}

static void test_calls(void)
{
	u64 msr = MSR_BARE | MSR_SE;

	run(calls, msr, 0, 0, 0, 0);
	check_equal(OTHER, nr_steps, 4, "interrupts");
	check_equal(OTHER, steps[0].vector, 0xd00, "first vector");
	check_equal(OTHER, steps[1].vector, 0xc00, "second vector");
	check_equal(OTHER, steps[1].srr0, (u64)calls + 8, "SRR0 of the system call");
	check_equal(OTHER, steps[1].srr1, msr, "SRR1 of the system call");
	check_equal(OTHER, steps[2].vector, 0xd00, "third vector");
	check_equal(OTHER, steps[2].srr0, (u64)calls + 12, "SRR0 of the trace interrupt behind it");
	check_equal(OTHER, caught.gpr[3], 6, "R3");
	nr_steps = 0;

	run(hypervisor, msr, 0, 0, 0, 0);
	check_steps(HCALL, hypervisor, msr, (const u16[]){ 4, 8, 16 }, 3);
	check_equal(HCALL, caught.gpr[3], 1, "R3");

	run(turns_on, MSR_BARE, msr, 0, 0, 0);
	check_steps(TURN_ON, turns_on, msr, (const u16[]){ 8, 12 }, 2);
}

/* ---- returns ---- */

/* A trace interrupt in between would change SRR0 and SRR1, so tracing starts with the return. */
CODE(returns, "mtsrr0 4; mtsrr1 5; mtmsrd 6; rfid; li 3,0; trap");
CODE(returns_scv, "mtlr 4; mtctr 5; mtmsrd 6; .long 0x4c0000a4; li 3,0; trap"); /* rfscv */
CODE(target, "li 3,7; nop; trap");

static void test_returns(void)
{
	const u8 *const code[] = { returns, returns_scv };
	u64 msr = MSR_BARE | MSR_SE;

	for (unsigned i = 0; i < ARRAY_SIZE(code); i++) {
		run(code[i], MSR_BARE, 0, (u64)target, msr, msr);
		check_steps(RETURNS, target, msr, (const u16[]){ 4, 8 }, 2);
		check_equal(RETURNS, steps[0].siar, (u64)target, "SIAR behind the return");
		check_equal(RETURNS, caught.gpr[3], 7, "R3");
		/* To code without tracing, and with MSR[BE]. */
		run(code[i], MSR_BARE, 0, (u64)target, MSR_BARE, msr);
		check_steps(RETURNS, target, MSR_BARE, NULL, 0);
		run(code[i], MSR_BARE, 0, (u64)target, MSR_BARE, MSR_BARE | MSR_BE);
		check_steps(RETURNS, target, MSR_BARE, NULL, 0);
	}
}

/* ---- SIAR and SDAR ---- */

static u64 place[32] __attribute__((aligned(128)));

/* R3 = place, R4 = 16, R5 = place + 8 */
CODE(accesses, "ld 6,8(3)\n"
	       "stwx 6,3,4\n"
	       "nop\n"
	       "lwzu 7,4(5)\n"
	       "lbzux 7,5,4\n"
	       "stdu 6,-16(5)\n"
	       "lwarx 6,0,3\n"
	       "stwcx. 6,0,3\n"
	       "dcbz 3,4\n"
	       "dcbt 3,4\n"
	       "add 6,3,4\n"
	       "lwat 8,3,0\n"
	       "lfd 1,24(3)\n"
	       "lvx 1,3,4\n"
	       "stxv 33,32(3)\n"
	       "stxsd 1,48(3)\n"
	       "lxvx 33,0,3\n"
	       "lvsl 1,3,4\n"
	       "trap");

static void test_accesses(void)
{
	static const struct {
		u8 offset; /* of the operand; 255: none */
		u64 kind;
	} expected[] = {
		{ 8, TRACED_LOAD },   { 16, TRACED_STORE }, { 255, 0 },
		{ 12, TRACED_LOAD },  { 28, TRACED_LOAD },  { 12, TRACED_STORE },
		{ 0, TRACED_LOAD },   { 0, TRACED_STORE },  { 16, TRACED_STORE },
		{ 16, TRACED_LOAD },  { 255, 0 },	    { 0, TRACED_LOAD },
		{ 24, TRACED_LOAD },  { 16, TRACED_LOAD },  { 32, TRACED_STORE },
		{ 48, TRACED_STORE }, { 0, TRACED_LOAD },   { 255, 0 },
	};
	u64 msr = MSR_BARE | MSR_SE | MSR_FP | MSR_VEC | MSR_VSX, sdar = 0;

	run(accesses, msr, (u64)place, 16, (u64)place + 8, 0);
	check_equal(ADDRESSES, nr_steps, ARRAY_SIZE(expected) + 1, "interrupts");
	for (unsigned i = 0; i < ARRAY_SIZE(expected) && i < nr_steps; i++) {
		if (expected[i].offset != 255)
			sdar = (u64)place + expected[i].offset;
		check_equal(ADDRESSES, steps[i].siar, (u64)accesses + 4 * i, "SIAR");
		check_equal(ADDRESSES, steps[i].sdar, sdar, "SDAR");
		check_equal(KINDS, steps[i].srr1, msr | TRACED | expected[i].kind, "SRR1");
	}
	nr_steps = 0;
}

/* Addresses wrap around at 32 bits. */
static void test_narrow(void)
{
	u64 msr = (MSR_BARE & ~MSR_SF) | MSR_SE;

	run((void *)((u64)straight | 0xabcdef0100000000), msr, 0, (u64)&word, 0, 0);
	check_equal(NARROW, nr_steps, 13, "interrupts");
	check_equal(NARROW, steps[0].srr0, (u64)straight + 4, "SRR0");
	check_equal(NARROW, steps[0].siar, (u64)straight, "SIAR");
	check_equal(NARROW, steps[0].srr1, msr | TRACED, "SRR1");
	check_equal(NARROW, caught.srr0, (u64)straight + 48, "SRR0 of the trap");
	nr_steps = 0;
	run(accesses, msr | MSR_FP | MSR_VEC | MSR_VSX, (u64)place | 1ull << 63, 16,
	    ((u64)place + 8) | 1ull << 40, 0);
	check_equal(NARROW, steps[0].sdar, (u64)place + 8, "SDAR of a load");
	check_equal(NARROW, steps[1].sdar, (u64)place + 16, "SDAR of a store");
	check_equal(NARROW, steps[nr_steps - 1].vector, 0x700, "last vector");
	nr_steps = 0;
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = note;
	test_straight();
	test_calls();
	test_returns();
	test_accesses();
	test_narrow();
}
