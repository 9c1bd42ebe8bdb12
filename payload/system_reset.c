/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System resets of one CPU: registers at entry to the registered routine, the return, and system
 * resets together with machine checks. LoPAR R1-7.3.14-8, -9, -11; R3 as with PowerVM and KVM.
 */
#include "payload.h"

#define ENTERED	  "the_registered_system_reset_routine_is_entered_in_real_mode"
#define MSR_ENTRY "msr_at_entry_to_the_system_reset_routine_is_sf_me_and_the_interrupts_byte_order"
#define R3_SLOT	  "r3_points_to_a_slot_in_the_rtas_area_that_has_the_original_r3_in_big_endian_order"
#define SRR_SAYS  "srr0_and_srr1_are_the_interrupted_instruction_and_msr"
#define REGISTERS "every_other_register_is_as_it_was_at_entry_to_the_system_reset_routine"
#define WENT_ON	  "the_interrupted_program_goes_on_with_all_its_registers"
#define AGAIN	  "a_system_reset_needs_no_interlock_before_the_next"
#define INTERLOCK "an_interlock_in_the_system_reset_routine_returns_0"
#define SIGNAL	  "h_signal_sys_reset_of_the_caller_interrupts_it_behind_the_call_with_its_result"
#define IN_MC	  "a_system_reset_during_machine_check_handling_leaves_its_log_and_its_interlock_alone"
#define IN_SR	  "a_machine_check_in_the_system_reset_routine_is_delivered_and_leaves_its_slot_alone"

const char *const sentences[] = { ENTERED, MSR_ENTRY, R3_SLOT, SRR_SAYS, REGISTERS, WENT_ON,
				  AGAIN,   INTERLOCK, SIGNAL,  IN_MC,	 IN_SR,	    NULL };

static struct spin spin;
static unsigned resets, machine_checks;
static u64 slot;

/* A real address without memory. */
#define NOTHING (memory_size + 0x10000)

static u64 recover(struct frame *frame)
{
	u64 r3 = frame->gpr[3];

	frame->gpr[3] = read_be64((void *)r3);
	return r3;
}

static void arrived(struct frame *frame)
{
	u64 r3 = frame->gpr[3];

	resets++;
	check_equal(MSR_ENTRY, frame->msr, MSR_BARE, "MSR");
	check(ENTERED,
	      frame->nip >= (u64)system_reset_routine &&
		      frame->nip < (u64)system_reset_routine + 0x200,
	      "it runs somewhere else");
	check(R3_SLOT, r3 >= rtas_base && r3 + 16 <= rtas_base + rtas_size, "R3 is outside");
	check_equal(R3_SLOT, read_be64((void *)r3), spin.in.gpr[3], "what R3 points to");
	check(SRR_SAYS, frame->srr0 >= (u64)spin_loop && frame->srr0 < (u64)spin_end,
	      "SRR0 is outside the loop");
	check_equal(SRR_SAYS, frame->srr1, spin.in.msr, "SRR1");
	check_registers_kept(REGISTERS, &spin, frame);
	slot = recover(frame);
	spin.flag = 1;
}

static void arrived_and_interlocks(struct frame *frame)
{
	arrived(frame);
	check_equal(INTERLOCK, (u32)nmi_interlock(), 0, "status");
}

static void inject(u64 seed, u64 msr)
{
	spin_prepare(&spin, seed, MSR_BARE | MSR_RI | msr);
	tell("@inject system-reset\n");
	spin_in(&spin);
	check_went_on(WENT_ON, &spin);
}

/* ---- H_SIGNAL_SYS_RESET ---- */

CODE(signal_self, "li 4,0; li 5,0x1234; li 3,0x380; sc 1; behind_call: trap");
extern const u8 behind_call[];

static void signalled(struct frame *frame)
{
	resets++;
	check_equal(SIGNAL, frame->srr0, (u64)behind_call, "SRR0");
	check_equal(SIGNAL, frame->srr1, MSR_BARE, "SRR1");
	check_equal(SIGNAL, frame->gpr[3], slot, "R3");
	recover(frame);
	check_equal(SIGNAL, frame->gpr[3], 0, "the call's result");
	check_equal(SIGNAL, frame->gpr[5], 0x1234, "R5");
}

static void test_signal(void)
{
	on_system_reset = signalled;
	resets = 0;
	run(signal_self, MSR_BARE, 0, 0, 0, 0);
	check_equal(SIGNAL, resets, 1, "system resets");
	check_caught(SIGNAL, 0x700, behind_call, 0, MSR_BARE, TRAPPED);
}

/* ---- together with machine checks ---- */

/* Our machine check routines return to the instruction after this one. */
static inline u64 load(u64 ra)
{
	u64 v = ~0ull;

	__asm__ volatile("ld %0,0(%1)" : "+r"(v) : "b"(ra) : "memory");
	return v;
}

static void just_resets(struct frame *frame)
{
	resets++;
	recover(frame);
}

static void machine_check_with_reset(struct frame *frame)
{
	u64 r3 = frame->gpr[3], log[32], original = read_be64((void *)r3);

	machine_checks++;
	for (unsigned i = 0; i < ARRAY_SIZE(log); i++)
		log[i] = ((u64 *)r3)[i];
	check_equal(IN_MC, (u64)hcall4(H_SIGNAL_SYS_RESET, 0, 0, 0, 0), 0, "H_SIGNAL_SYS_RESET");
	check_equal(IN_MC, resets, 1, "system resets");
	for (unsigned i = 0; i < ARRAY_SIZE(log); i++)
		check_equal(IN_MC, ((u64 *)r3)[i], log[i], "a doubleword of R3's buffer");
	check_equal(IN_MC, (u32)nmi_interlock(), 0, "interlock's status");
	frame->gpr[3] = original;
	frame->srr0 += 4;
}

static void reset_with_machine_check(struct frame *frame)
{
	u64 r3 = frame->gpr[3], original = read_be64((void *)r3);

	resets++;
	load(NOTHING);
	check_equal(IN_SR, machine_checks, 1, "machine checks");
	check_equal(IN_SR, frame->gpr[3], r3, "R3 as kept");
	check_equal(IN_SR, read_be64((void *)r3), original, "what R3 points to");
	frame->gpr[3] = original;
}

static void just_machine_checks(struct frame *frame)
{
	machine_checks++;
	recover(frame);
	frame->srr0 += 4;
	check_equal(IN_SR, (u32)nmi_interlock(), 0, "interlock's status");
}

static void test_both(void)
{
	on_system_reset = just_resets;
	on_machine_check = machine_check_with_reset;
	resets = machine_checks = 0;
	load(NOTHING);
	check_equal(IN_MC, machine_checks, 1, "machine checks");

	on_system_reset = reset_with_machine_check;
	on_machine_check = just_machine_checks;
	resets = machine_checks = 0;
	check_equal(IN_SR, (u64)hcall4(H_SIGNAL_SYS_RESET, 0, 0, 0, 0), 0, "H_SIGNAL_SYS_RESET");
	check_equal(IN_SR, resets, 1, "system resets");
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = leave_run;
	on_system_reset = arrived;
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	inject(1, 0);
	inject(2, MSR_EE | MSR_FP | MSR_VEC | MSR_VSX);
	check_equal(AGAIN, resets, 2, "system resets");
	on_system_reset = arrived_and_interlocks;
	inject(3, MSR_FP);
	check_equal(AGAIN, resets, 3, "system resets");
	test_signal();
	test_both();
}
