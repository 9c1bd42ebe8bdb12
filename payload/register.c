/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registration: accepted and refused arguments, events without a registration, the byte order of
 * the routines. LoPAR R1-7.3.14-4, -6, -17; Power ISA 3.0B, Book III sections 6.5.1 and 6.5.2.
 */
#include "payload.h"

#define PROPERTY  "the_rtas_node_has_ibm_nmi_register_and_ibm_nmi_interlock"
#define UNREG_MC  "without_registration_a_machine_check_goes_to_0x200_with_the_processors_cause_bits"
#define UNREG_SR  "without_registration_a_system_reset_goes_to_0x100"
#define KEPT	  "the_architected_vectors_find_every_register_as_it_was"
#define NO_EVENT  "an_interlock_without_an_event_returns_0"
#define TOO_HIGH  "a_routine_at_or_above_32_mib_is_refused_with_parameter_error"
#define UNALIGNED "a_routine_that_is_not_word_aligned_is_refused_with_parameter_error"
#define STANDS	  "a_refused_registration_changes_nothing"
#define REPLACED  "a_later_registration_replaces_the_routines"
#define ENDIAN	  "the_routines_start_in_the_byte_order_that_h_set_mode_gave_interrupts"
#define WENT_ON	  "the_interrupted_program_goes_on_with_all_its_registers"

const char *const sentences[] = { PROPERTY,  UNREG_MC, UNREG_SR, KEPT,	 NO_EVENT, TOO_HIGH,
				  UNALIGNED, STANDS,   REPLACED, ENDIAN, WENT_ON,  NULL };

#define LIMIT 0x2000000u

static struct spin spin;
static u64 vector, cause;
static u64 dar, dsisr; /* as the event sets them; 0: unchanged */
static unsigned count;

static void prepare(u64 seed, u64 msr)
{
	spin_prepare(&spin, seed, MSR_BARE | MSR_RI | msr);
	/* The code at the vectors uses SPRG1 for R3, so give it that value. */
	spin.in.sprg[1] = spin.in.gpr[3];
}

static void at_vector(struct frame *frame)
{
	const char *sentence = vector == 0x200 ? UNREG_MC : UNREG_SR;

	check_equal(sentence, frame->vector, vector, "vector");
	check_equal(sentence, frame->msr, MSR_BARE, "MSR");
	check(sentence, frame->nip < 0x20000, "it does not run in real mode");
	check(sentence, frame->srr0 >= (u64)spin_loop && frame->srr0 < (u64)spin_end,
	      "SRR0 is outside the loop");
	check_equal(sentence, frame->srr1, spin.in.msr | cause, "SRR1");
	check_equal(KEPT, frame->gpr[3], spin.in.gpr[3], "R3");
	if (dar) {
		check_equal(UNREG_MC, frame->dar, dar, "DAR");
		check_equal(UNREG_MC, frame->dsisr, dsisr, "DSISR");
		spin.in.dar = dar;
		spin.in.dsisr = dsisr;
	}
	check_registers_kept(KEPT, &spin, frame);
	spin.flag = 1;
}

static void go(const char *request)
{
	spin.flag = 0;
	tell("%s\n", request);
	spin_in(&spin);
}

static void test_unregistered(void)
{
	on_interrupt = at_vector;

	vector = 0x100;
	cause = 0;
	prepare(1, MSR_EE);
	go("@inject system-reset");
	check_went_on(WENT_ON, &spin);

	vector = 0x200;
	cause = 0x200000; /* the cause is in DSISR */
	dar = 0x123456789abc;
	dsisr = 0x80;
	prepare(2, 0);
	go("@inject=1 machine-check --type SLB --subtype multihit --ea 0x123456789abc");
	check_went_on(WENT_ON, &spin);
	dar = dsisr = 0;

	cause = 0x40000; /* an instruction fetch: the cause is in SRR1 */
	prepare(3, MSR_FP | MSR_VEC | MSR_VSX);
	go("@inject=1 machine-check --type UE --subtype ifetch");
	check_went_on(WENT_ON, &spin);
}

/* ---- registration ---- */

static void counted(struct frame *frame)
{
	count++;
	frame->gpr[3] = read_be64((void *)frame->gpr[3]);
	spin.flag = 1;
}

/*
 * The same for system resets, which enter the machine check routine if it was registered for both.
 */
static void counted_elsewhere(struct frame *frame)
{
	count += 100;
	frame->gpr[3] = read_be64((void *)frame->gpr[3]);
	spin.flag = 1;
}

static u32 try(u64 system_reset, u64 machine_check)
{
	return (u32)nmi_register(system_reset, machine_check);
}

static void test_refused(void)
{
	const u64 ok = (u64)system_reset_routine;

	check_equal(TOO_HIGH, try(LIMIT, ok), PARAMETER_ERROR,
		    "status for a system reset routine at 32 MiB");
	check_equal(TOO_HIGH, try(ok, LIMIT), PARAMETER_ERROR,
		    "status for a machine check routine at 32 MiB");
	check_equal(TOO_HIGH, try(0xfffffffc, ok), PARAMETER_ERROR, "status for one at 0xfffffffc");
	check_equal(TOO_HIGH, try(ok, 0x80000000), PARAMETER_ERROR, "status for one at 0x80000000");
	check_equal(UNALIGNED, try(ok + 2, ok), PARAMETER_ERROR, "status");
	check_equal(UNALIGNED, try(ok, ok + 1), PARAMETER_ERROR, "status");
}

static void test_registration(void)
{
	/* None of these was accepted. */
	test_refused();
	on_interrupt = at_vector;
	vector = 0x100;
	cause = 0;
	prepare(4, 0);
	go("@inject system-reset");

	on_interrupt = NULL;
	on_system_reset = counted;
	check_equal(STANDS, try((u64)system_reset_routine, (u64)machine_check_routine), 0,
		    "status");
	test_refused();
	prepare(5, 0);
	go("@inject system-reset");
	check_equal(STANDS, count, 1, "system resets at the registered routine");

	/* The last word below the limit is accepted. */
	check_equal(TOO_HIGH, try(LIMIT - 4, LIMIT - 4), 0, "status for the last word below");

	on_machine_check = counted_elsewhere;
	check_equal(REPLACED, try((u64)machine_check_routine, (u64)machine_check_routine), 0,
		    "status");
	prepare(6, 0);
	go("@inject system-reset");
	check_equal(REPLACED, count, 101, "system resets, those at the second routine hundredfold");
}

/* ---- byte order ---- */

static void test_endian(void)
{
	volatile u64 *area = (volatile u64 *)OTHER_ENDIAN_AREA;

	check_equal(ENDIAN, try((u64)other_endian_routine, (u64)other_endian_routine), 0, "status");
	set_interrupt_endian(!MSR_LE);
	for (unsigned machine_check = 0; machine_check < 2; machine_check++) {
		area[0] = area[1] = 0;
		prepare(7 + machine_check, 0);
		/* The routine leaves its MSR where the loop reads it. */
		spin.flag = 0;
		tell(machine_check ? "@inject machine-check\n" : "@inject system-reset\n");
		while (!area[1]) {
			mtmsr_ri(MSR_RI);
			mtmsr_ri(0);
		}
		check_equal(ENDIAN, __builtin_bswap64(area[1]), MSR_SF | MSR_ME | (MSR_LE ^ 1),
			    "MSR");
		check(ENDIAN,
		      __builtin_bswap64(area[0]) >= rtas_base &&
			      __builtin_bswap64(area[0]) < rtas_base + rtas_size,
		      "R3 does not point into the RTAS area");
	}
	check_equal(ENDIAN, (u32)nmi_interlock(), 0, "interlock's status");
	interrupts_in_own_endian();
}

void payload(void)
{
	check(PROPERTY, rtas_token("ibm,nmi-register") && rtas_token("ibm,nmi-interlock"),
	      "no token");
	interrupts_in_own_endian();
	check_equal(NO_EVENT, (u32)nmi_interlock(), 0, "status");
	test_unregistered();
	test_registration();
	check_equal(NO_EVENT, (u32)nmi_interlock(), 0, "status when registered");
	test_endian();
}
