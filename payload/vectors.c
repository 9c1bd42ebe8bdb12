/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where interrupts go: LPCR[AIL] by H_SET_MODE, and scv. Power ISA 3.0B, Book III sections 2.2
 * (LPCR), 6.5.27 and Figure "Effective addresses of interrupt vectors"; LoPAR section "H_SET_MODE".
 */
#include "payload.h"

#define MODES	  "h_set_mode_takes_ail_0_2_and_3_and_refuses_the_others"
#define AIL_2	  "with_ail_2_an_interrupt_of_relocated_code_stays_relocated_at_0x18000"
#define RELOCATED "with_ail_3_an_interrupt_of_relocated_code_stays_relocated_at_0xc000000000004000"
#define REAL	  "with_ail_3_an_interrupt_of_code_with_either_relocation_off_goes_to_real_mode"
#define STORAGE	  "with_ail_3_storage_interrupts_are_relocated_and_report_as_without"
#define NEVER	  "machine_check_and_system_reset_are_never_relocated"
#define ROUTINES  "the_registered_routines_start_in_real_mode_with_ail_3_too"
#define BACK	  "with_ail_0_again_every_interrupt_goes_to_real_mode"
#define SCV_REAL  "scv_enters_0x17000_and_its_level_in_real_mode_with_lr_and_ctr"
#define SCV_AIL	  "with_ail_3_scv_enters_0xc000000000003000_and_its_level"
#define SCV_SRR	  "scv_leaves_srr0_srr1_ee_and_ri_alone"
#define RFSCV	  "rfscv_returns_to_lr_with_the_msr_of_ctr"
#define SCV_FSCR  "scv_in_problem_state_without_fscr_scv_is_a_facility_unavailable_interrupt"

const char *const sentences[] = { MODES, AIL_2,	   RELOCATED, REAL,    STORAGE, NEVER,	  ROUTINES,
				  BACK,	 SCV_REAL, SCV_AIL,   SCV_SRR, RFSCV,	SCV_FSCR, NULL };

#define RELOC  (MSR_IR | MSR_DR)
#define KERNEL (MSR_BARE | RELOC)
#define USER   (KERNEL | MSR_PR | MSR_EE)
#define AIL    3 /* H_SET_MODE resource */

CODE(call, "sc; trap");
CODE(illegal, ".long 0");
CODE(load_it, "ld 4,0(3); trap");
CODE(signal_self, "li 3,0x380; li 4,0; sc 1; trap");
CODE(vectored_0, "scv 0; trap");
CODE(vectored_1, "scv 1; trap");
CODE(vectored_127, "scv 127; trap");
CODE(vectored_twice, "scv 0; mfmsr 5; scv 1; mfmsr 6; trap");

static void set_ail(u64 ail)
{
	check_equal(MODES, (u64)hcall4(H_SET_MODE, ail, AIL, 0, 0), 0, "H_SET_MODE");
}

static void check_place(const char *sentence, bool relocated)
{
	check_equal(sentence, caught.nip >> 60, relocated ? 12 : 0,
		    "the first digit of the handler's address");
	check_equal(sentence, caught.msr, relocated ? MSR_BARE | RELOC : MSR_BARE,
		    "MSR in the handler");
}

static void test_ail(void)
{
	const u64 half[] = { MSR_BARE, MSR_BARE | MSR_IR, MSR_BARE | MSR_DR };

	check_equal(MODES, (u64)hcall4(H_SET_MODE, 1, AIL, 0, 0) >> 63, 1,
		    "sign of the status for AIL 1");
	check_equal(MODES, (u64)hcall4(H_SET_MODE, 7, AIL, 0, 0) >> 63, 1,
		    "sign of the status for AIL 7");
	run(call, KERNEL, 0, 0, 0, 0);
	check_caught(BACK, 0xc00, call, 4, KERNEL, 0);
	check_place(BACK, false);

	set_ail(2);
	run(call, KERNEL | MSR_FP | MSR_RI, 0, 0, 0, 0);
	check_caught(AIL_2, 0xc00, call, 4, KERNEL | MSR_FP | MSR_RI, 0);
	check_equal(AIL_2, caught.msr, MSR_BARE | RELOC, "MSR in the handler");
	run(illegal, KERNEL, 0, 0, 0, 0);
	check_caught(AIL_2, 0x700, illegal, 0, KERNEL, ILLEGAL);
	check_equal(AIL_2, caught.msr, MSR_BARE | RELOC, "MSR in the handler");
	run(illegal, MSR_BARE, 0, 0, 0, 0);
	check_caught(AIL_2, 0x700, illegal, 0, MSR_BARE, ILLEGAL);
	check_place(AIL_2, false);

	set_ail(3);
	run(call, KERNEL | MSR_FP | MSR_RI, 0, 0, 0, 0);
	check_caught(RELOCATED, 0xc00, call, 4, KERNEL | MSR_FP | MSR_RI, 0);
	check_place(RELOCATED, true);
	run(illegal, KERNEL, 0, 0, 0, 0);
	check_caught(RELOCATED, 0x700, illegal, 0, KERNEL, ILLEGAL);
	check_place(RELOCATED, true);
	run(users_code(call), USER, 0, 0, 0, 0);
	check_caught(RELOCATED, 0xc00, users_code(call), 4, USER, 0);
	check_place(RELOCATED, true);
	for (unsigned i = 0; i < ARRAY_SIZE(half); i++) {
		run(call, half[i], 0, 0, 0, 0);
		check_caught(REAL, 0xc00, call, 4, half[i], 0);
		check_place(REAL, false);
	}
	run(load_it, KERNEL, 0x123456789000, 0, 0, 0);
	check_caught(STORAGE, 0x300, load_it, 0, KERNEL, 0);
	check_place(STORAGE, true);
	check_equal(STORAGE, caught.dar, 0x123456789000, "DAR");
	check_equal(STORAGE, caught.dsisr, 0x40000000, "DSISR");
	run(load_it, KERNEL, 0x8000000000000000, 0, 0, 0);
	check_caught(STORAGE, 0x380, load_it, 0, KERNEL, 0);
	check_place(STORAGE, true);
	run((void *)0x123456789000, KERNEL, 0, 0, 0, 0);
	check_caught(STORAGE, 0x400, (void *)0x123456789000, 0, KERNEL, 0x40000000);
	check_place(STORAGE, true);
	run((void *)0x4000000000000000, KERNEL, 0, 0, 0, 0);
	check_caught(STORAGE, 0x480, (void *)0x4000000000000000, 0, KERNEL, 0);
	check_place(STORAGE, true);
}

/* ---- interrupts that are never relocated ---- */

static u64 nothing; /* an effective address whose page is not backed */

static void arrived(struct frame *frame)
{
	u64 r3 = frame->gpr[3];

	check_equal(ROUTINES, frame->msr, MSR_BARE, "MSR in the machine check routine");
	frame->gpr[3] = read_be64((void *)r3);
	nmi_interlock();
	leave_run(frame);
}

static void reset(struct frame *frame)
{
	check_equal(ROUTINES, frame->msr, MSR_BARE, "MSR in the system reset routine");
	leave_run(frame);
}

static void test_never(void)
{
	run(load_it, KERNEL, nothing, 0, 0, 0);
	check_caught(NEVER, 0x200, load_it, 0, KERNEL, 0x200000);
	check_place(NEVER, false);
	run(signal_self, KERNEL, 0, 0, 0, 0);
	check_caught(NEVER, 0x100, signal_self, 12, KERNEL, 0);
	check_place(NEVER, false);

	on_machine_check = arrived;
	on_system_reset = reset;
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	run(load_it, KERNEL, nothing, 0, 0, 0);
	check_caught(ROUTINES, 0x200, load_it, 0, KERNEL, 0x200000);
	run(signal_self, KERNEL, 0, 0, 0, 0);
	check_caught(ROUTINES, 0x100, signal_self, 12, KERNEL, 0);
}

/* ---- scv ---- */

static void scv(const char *sentence, const u8 *code, unsigned level, u64 msr, bool relocated)
{
	run(code, msr, 0, 0, 0, 0);
	check_equal(sentence, caught.vector, 0x3000 + 0x20 * level, "vector");
	check_equal(sentence, caught.lr, (u64)code + 4, "LR");
	check_equal(sentence, caught.ctr, msr, "CTR");
	check_equal(SCV_SRR, caught.srr0, (u64)code, "SRR0");
	check_equal(SCV_SRR, caught.srr1, msr, "SRR1");
	check_equal(sentence, caught.nip >> 60, relocated ? 12 : 0,
		    "the first digit of the handler's address");
	check_equal(SCV_SRR, caught.msr,
		    MSR_BARE | (relocated ? RELOC : 0) | (msr & (MSR_EE | MSR_RI)),
		    "MSR in the handler");
}

static void returns(struct frame *frame)
{
	if (frame->vector < 0x3000)
		leave_run(frame);
	else
		check_equal(RFSCV, frame->ctr & (MSR_SF | MSR_ME | MSR_FP | MSR_RI),
			    MSR_SF | MSR_ME | MSR_FP | MSR_RI, "CTR's SF, ME, FP and RI");
}

static void test_scv(bool relocated)
{
	const char *sentence = relocated ? SCV_AIL : SCV_REAL;

	mtspr(SPR_FSCR, mfspr(SPR_FSCR) | 1 << 12);
	for (unsigned i = 0; i < 2; i++) {
		u64 msr = (relocated ? KERNEL :
			   i	     ? KERNEL :
				       MSR_BARE) |
			  (i ? MSR_RI | MSR_FP : MSR_EE);

		scv(sentence, vectored_0, 0, msr, relocated);
		scv(sentence, vectored_1, 1, msr, relocated);
		scv(sentence, vectored_127, 127, msr, relocated);
	}
	scv(sentence, users_code(vectored_1), 1, USER | MSR_RI, relocated);

	on_interrupt = returns;
	run(vectored_twice, (relocated ? KERNEL : MSR_BARE) | MSR_RI | MSR_FP, 0, 0, 0, 0);
	check_caught(RFSCV, 0x700, vectored_twice, 16,
		     (relocated ? KERNEL : MSR_BARE) | MSR_RI | MSR_FP, TRAPPED);
	check_equal(RFSCV, caught.gpr[5], (relocated ? KERNEL : MSR_BARE) | MSR_RI | MSR_FP,
		    "MSR behind the first");
	check_equal(RFSCV, caught.gpr[6], (relocated ? KERNEL : MSR_BARE) | MSR_RI | MSR_FP,
		    "MSR behind the second");
	on_interrupt = leave_run;

	mtspr(SPR_FSCR, mfspr(SPR_FSCR) & ~(1ull << 12));
	run(users_code(vectored_0), USER, 0, 0, 0, 0);
	check_caught(SCV_FSCR, 0xf60, users_code(vectored_0), 0, USER, 0);
	check_equal(SCV_FSCR, mfspr(SPR_FSCR) >> 56, 12, "FSCR's interruption cause");
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = leave_run;
	radix_start();
	radix_map_users_code(0, PTE_READ | PTE_EXEC);
	nothing = 0x300000000;
	radix_map(0, nothing, memory_size, PTE_KERNEL);

	test_scv(false);
	test_ail();
	test_scv(true);
	test_never();
	set_ail(0);
	run(illegal, KERNEL, 0, 0, 0, 0);
	check_caught(BACK, 0x700, illegal, 0, KERNEL, ILLEGAL);
	check_place(BACK, false);
}
