/* SPDX-License-Identifier: BSD-2-Clause */
/* MSR[SE] and MSR[BE]: the trace interrupt. Power ISA 3.0B, Book III section 6.5.15. */
#include "payload.h"

#define EACH	"with_msr_se_a_trace_interrupt_follows_each_instruction_once"
#define SRR1_IS "a_trace_interrupts_srr1_is_the_msr_with_se"
#define BRANCH	"with_msr_be_a_trace_interrupt_follows_each_branch_taken_or_not"
#define OTHER	"an_instruction_that_raises_another_interrupt_is_not_traced"
#define HCALL	"a_hypervisor_call_is_carried_out_under_msr_se_and_not_traced_itself"
#define TURN_ON "tracing_begins_with_the_instruction_behind_the_mtmsrd_that_turns_it_on"
#define RESULT	"traced_code_computes_what_it_computes_otherwise"

const char *const sentences[] = { EACH, SRR1_IS, BRANCH, OTHER, HCALL, TURN_ON, RESULT, NULL };

#define MAX_STEPS 64

static struct {
	u64 vector, srr0, srr1;
} steps[MAX_STEPS];
static unsigned nr_steps;

static void note(struct frame *frame)
{
	if (nr_steps == MAX_STEPS)
		bail_out("too many trace interrupts");
	steps[nr_steps].vector = frame->vector;
	steps[nr_steps].srr0 = frame->srr0;
	steps[nr_steps].srr1 = frame->srr1;
	nr_steps++;
	if (frame->vector == 0x700)
		leave_run(frame);
}

/* Offsets of SRR0 in the trace interrupts expected; the last step is the trap at the end. */
static void check_steps(const char *sentence, const u8 *code, u64 msr, const u16 *offsets, unsigned count)
{
	check_equal(sentence, nr_steps, count + 1, "interrupts");
	for (unsigned i = 0; i < count && i < nr_steps; i++) {
		check_equal(sentence, steps[i].vector, 0xd00, "vector");
		check_equal(sentence, steps[i].srr0 - (u64)code, offsets[i], "offset of SRR0");
		check_equal(SRR1_IS, steps[i].srr1 & ~SRR1_CAUSE, msr, "SRR1 without its cause bits");
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

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = note;
	test_straight();
	test_calls();
}
