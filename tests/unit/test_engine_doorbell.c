/* SPDX-License-Identifier: BSD-2-Clause */
/* Directed privileged doorbells in the whole engine. Power ISA 3.0B, Book III, chapter 10. */
#include "engine_guest.h"
#include "isa/spr.h"
#include "unit.h"

#define RAM	   0x100000u
#define CODE	   0x10000u
#define MSGSNDP_R5 0x7c00291cu
#define MSGCLRP_R5 0x7c00295cu
#define MFDPDES_R3 0x7c702aa6u /* mfspr r3,176 */
#define MTMSRD_R6  0x7cc10164u /* mtmsrd r6,1: EE */
#define TO_THREAD  (5ull << 27)
#define MSR_GUEST  (MSR_SF | MSR_ME)

static struct engine_guest guest;
static struct engine_exit end;
static struct engine_regs regs;

static int set_up(void **state)
{
	if (!guest_start(&guest, RAM, 1))
		return -1;
	guest_end_at_interrupts(&guest);
	return 0;
}

static int tear_down(void **state)
{
	return guest_end_checked(&guest) ? 0 : -1;
}

/* Runs the code with a message in r5 until it makes a call. */
static void run_code(const uint32_t *code, unsigned n, uint64_t message, uint64_t msr)
{
	guest_code(&guest, CODE, code, n);
	engine_power.get_regs(guest.engine, 0, &regs);
	regs.nip = CODE;
	regs.msr = msr;
	regs.gpr[5] = message;
	regs.gpr[6] = MSR_EE;
	engine_power.set_regs(guest.engine, 0, &regs);
	engine_power.run(guest.engine, 0, 100, &end);
	engine_power.get_regs(guest.engine, 0, &regs);
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
}
#define RUN(message, msr, ...) run_code(INSNS(__VA_ARGS__), message, msr)

static void a_doorbell_to_oneself_interrupts_at_once(void **state)
{
	RUN(TO_THREAD, MSR_GUEST | MSR_EE, MSGSNDP_R5, INSN_HCALL);
	assert_int_equal(regs.nip, VECTOR_DOORBELL + 4);
	assert_int_equal(regs.srr0, CODE + 4);
	assert_int_equal(regs.srr1 & SRR1_REASON, 0);
	assert_false(engine_power.interrupt_pending(guest.engine, 0));
}

static void it_waits_for_ee_and_dpdes_shows_it(void **state)
{
	RUN(TO_THREAD, MSR_GUEST, MSGSNDP_R5, MFDPDES_R3, INSN_HCALL);
	assert_int_equal(regs.nip, CODE + 12);
	assert_int_equal(regs.gpr[3], 1);
	assert_true(engine_power.interrupt_pending(guest.engine, 0));
	RUN(0, MSR_GUEST, MTMSRD_R6, INSN_NOP, INSN_HCALL);
	assert_int_equal(regs.nip, VECTOR_DOORBELL + 4);
	assert_int_equal(regs.srr0, CODE + 4);
	RUN(0, MSR_GUEST | MSR_EE, MFDPDES_R3, INSN_HCALL);
	assert_int_equal(regs.gpr[3], 0);
}

static void it_can_be_taken_back(void **state)
{
	RUN(TO_THREAD, MSR_GUEST, MSGSNDP_R5, MSGCLRP_R5, MTMSRD_R6, INSN_NOP, INSN_HCALL);
	assert_int_equal(regs.nip, CODE + 20);
}

/* A core has one thread, whose number is 0. */
static void other_messages_go_nowhere(void **state)
{
	static const uint64_t messages[] = { 0, TO_THREAD | 1, 4ull << 27 };

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		RUN(messages[i], MSR_GUEST | MSR_EE, MSGSNDP_R5, INSN_NOP, INSN_HCALL);
		assert_int_equal(regs.nip, CODE + 12);
	}
}

/* The machine is told whom a message is for; what it rings at is an edge. */
static void a_message_for_another_thread_of_the_core_is_an_exit(void **state)
{
	static const uint32_t code[] = { MSGSNDP_R5, INSN_NOP, INSN_HCALL };
	struct power_engine *e = (struct power_engine *)guest.engine;

	e->core_threads = 4;
	guest_code(&guest, CODE, code, ARRAY_SIZE(code));
	engine_power.get_regs(guest.engine, 0, &regs);
	regs.nip = CODE;
	regs.msr = MSR_GUEST;
	regs.gpr[5] = TO_THREAD | 3;
	engine_power.set_regs(guest.engine, 0, &regs);
	engine_power.run(guest.engine, 0, 100, &end);
	assert_int_equal(end.reason, ENGINE_EXIT_DOORBELL);
	assert_int_equal(end.rings, 3);
	engine_power.get_regs(guest.engine, 0, &regs);
	assert_int_equal(regs.nip, CODE + 4);
	RUN(TO_THREAD | 4, MSR_GUEST, MSGSNDP_R5, INSN_NOP, INSN_HCALL);
	assert_int_equal(regs.nip, CODE + 12);
	assert_false(engine_power.interrupt_pending(guest.engine, 0));
	e->core_threads = 1;
	engine_power.ring_doorbell(guest.engine, 0);
	engine_power.ring_doorbell(guest.engine, 0);
	assert_true(engine_power.interrupt_pending(guest.engine, 0));
	RUN(0, MSR_GUEST | MSR_EE, INSN_NOP, INSN_HCALL);
	assert_int_equal(regs.nip, VECTOR_DOORBELL + 4);
	assert_false(engine_power.interrupt_pending(guest.engine, 0));
}

static void problem_state_has_no_doorbells(void **state)
{
	RUN(TO_THREAD, MSR_GUEST | MSR_PR, MSGSNDP_R5, INSN_HCALL);
	assert_int_equal(regs.nip, VECTOR_PROGRAM + 4);
	assert_int_equal(regs.srr1 & SRR1_REASON, SRR1_PRIVILEGED);
	assert_false(engine_power.interrupt_pending(guest.engine, 0));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_doorbell_to_oneself_interrupts_at_once),
		TEST(it_waits_for_ee_and_dpdes_shows_it),
		TEST(it_can_be_taken_back),
		TEST(other_messages_go_nowhere),
		TEST(a_message_for_another_thread_of_the_core_is_an_exit),
		TEST(problem_state_has_no_doorbells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
