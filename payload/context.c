/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where an injection takes effect: at the next instruction with MSR[RI]=1 in the requested state,
 * or anywhere with --now. LoPAR says that error injection waits for MSR[RI]; see fwnmi-inject(1).
 */
#include "payload.h"

#define WAITS	    "an_injection_waits_for_msr_ri"
#define RI_WINDOW   "it_lands_in_the_short_time_with_msr_ri_1_each_time"
#define NOW	    "with_now_it_lands_with_msr_ri_0"
#define USER_ONLY   "context_user_lands_in_problem_state_only"
#define KERNEL_ONLY "context_kernel_lands_in_privileged_state_only"
#define RESET_USER  "context_holds_for_system_resets_too"
#define EA_IS_NIP   "the_default_effective_address_is_that_of_the_interrupted_instruction"
#define GIVEN_UP    "an_injection_that_finds_no_place_is_given_up_and_leaves_the_guest_alone"
#define GOES_ON	    "problem_state_goes_on_where_it_was_with_all_its_registers"

const char *const sentences[] = { WAITS,      NOW,	 RI_WINDOW, USER_ONLY, KERNEL_ONLY,
				  RESET_USER, EA_IS_NIP, GIVEN_UP,  GOES_ON,   NULL };

#define ROUNDS 8
#define KERNEL (MSR_BARE | MSR_IR | MSR_DR)
#define USER   (KERNEL | MSR_PR | MSR_EE | MSR_RI)

/* Counts R4 down; keeps R3, R5 and R6. */
CODE(count_down, "1: addi 4,4,-1; cmpdi 4,0; bne 1b; sc; trap");
/* The same, with MSR[RI]=1 at only one instruction in about seventeen. R5 = MSR[RI]. */
CODE(windows, "li 6,0\n"
	      "1: mtmsrd 5,1\n"
	      "nop\n"
	      "mtmsrd 6,1\n"
	      ".rept 64; nop; .endr\n"
	      "addi 4,4,-1; cmpdi 4,0; bne 1b; trap");

static volatile unsigned hits;
static u64 hit_srr1, hit_srr0;
static struct log hit_log;

static void arrived(struct frame *frame)
{
	u64 r3 = frame->gpr[3];

	hit_srr0 = frame->srr0;
	hit_srr1 = frame->srr1;
	read_log(&hit_log, (void *)(r3 + 8));
	frame->gpr[3] = read_be64((void *)r3);
	if (frame->vector == 0x200)
		nmi_interlock();
	hits++;
}

static void idle(unsigned count)
{
	while (count--)
		barrier();
}

static void with_ri(unsigned count)
{
	mtmsr_ri(MSR_RI);
	idle(count);
	mtmsr_ri(0);
}

static void in_problem_state(unsigned count)
{
	const u8 *code = users_code(count_down);

	run(code, USER, 0x3333, count, 0x5555, 0x6666);
	check_caught(GOES_ON, 0xc00, code, 16, USER, 0);
	check_equal(GOES_ON, caught.gpr[3], 0x3333, "R3");
	check_equal(GOES_ON, caught.gpr[4], 0, "R4");
	check_equal(GOES_ON, caught.gpr[5], 0x5555, "R5");
	check_equal(GOES_ON, caught.gpr[6], 0x6666, "R6");
}

static void test_waiting(void)
{
	hits = 0;
	ask("@queue machine-check");
	idle(3000000);
	check_equal(WAITS, hits, 0, "deliveries with MSR[RI]=0");
	with_ri(10);
	check_equal(WAITS, hits, 1, "deliveries after MSR[RI]=1");
	check(WAITS, hit_srr1 & MSR_RI, "SRR1 has RI=0");
	check(EA_IS_NIP, hit_log.has_mc && hit_log.effective_address == hit_srr0, "it is not SRR0");

	ask("@queue machine-check --now");
	idle(1000);
	check_equal(NOW, hits, 2, "deliveries");
	check_equal(NOW, hit_srr1, MSR_BARE | (hit_srr1 & SRR1_CAUSE), "SRR1");
	ask("@queue system-reset --now");
	idle(1000);
	check_equal(NOW, hits, 3, "deliveries");
	check_equal(NOW, hit_srr1, MSR_BARE, "SRR1 of a system reset");
}

static void test_windows(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		hits = 0;
		ask("@queue machine-check");
		run(windows, MSR_BARE, 0, 1000, MSR_RI, 0);
		check_equal(RI_WINDOW, hits, 1, "deliveries");
		check(RI_WINDOW, hit_srr1 & MSR_RI, "SRR1 has RI=0");
		check(RI_WINDOW, hit_srr0 > (u64)windows && hit_srr0 <= (u64)windows + 12,
		      "SRR0 is outside of the window");
	}
}

static void test_context(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		hits = 0;
		ask("@queue machine-check --context user");
		with_ri(10000);
		check_equal(USER_ONLY, hits, 0, "deliveries in privileged state");
		in_problem_state(10000);
		check_equal(USER_ONLY, hits, 1, "deliveries in problem state");
		check_equal(USER_ONLY, hit_srr1 & ~SRR1_CAUSE, USER, "SRR1");
		check_equal(EA_IS_NIP, hit_log.effective_address, hit_srr0, "effective address");

		ask("@queue machine-check --context kernel");
		in_problem_state(10000);
		check_equal(KERNEL_ONLY, hits, 1, "deliveries in problem state");
		with_ri(10000);
		check_equal(KERNEL_ONLY, hits, 2, "deliveries in privileged state");
		check_equal(KERNEL_ONLY, hit_srr1 & MSR_PR, 0, "SRR1's PR");

		ask("@queue system-reset --context %s", i & 1 ? "user" : "kernel");
		if (i & 1)
			with_ri(10000);
		else
			in_problem_state(10000);
		check_equal(RESET_USER, hits, 2, "deliveries in the wrong state");
		if (i & 1)
			in_problem_state(10000);
		else
			with_ri(10000);
		check_equal(RESET_USER, hits, 3, "deliveries in the right state");
	}
	hits = 0;
	mtmsr_ri(MSR_RI);
	ask("@fails machine-check --context user --timeout 1");
	mtmsr_ri(0);
	in_problem_state(100000);
	check_equal(GIVEN_UP, hits, 0, "deliveries");
	ask("@queue machine-check --context user");
	in_problem_state(10000);
	check_equal(GIVEN_UP, hits, 1, "deliveries of the next one");
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = leave_run;
	on_machine_check = arrived;
	on_system_reset = arrived;
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	radix_start();
	radix_map_users_code(0, PTE_READ | PTE_EXEC);
	test_waiting();
	test_windows();
	test_context();
}
