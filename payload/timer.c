/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time base and decrementer. Power ISA 3.0B, Book III sections 7.2, 7.3 and 6.5.11; H_CEDE of
 * LoPAR.
 */
#include "payload.h"

#define FREQUENCY "the_time_base_runs_at_the_device_trees_frequency_of_the_instruction_clock"
#define FORWARD	  "the_time_base_never_goes_back"
#define ARRIVES	  "the_decrementer_interrupts_at_its_time_and_not_before"
#define WITH_TB	  "the_decrementer_counts_down_with_the_time_base"
#define MASKED	  "with_msr_ee_0_a_decrementer_interrupt_waits"
#define LEVEL	  "it_comes_again_until_the_decrementer_is_set"
#define BY_RFID	  "an_interrupt_that_waits_comes_as_soon_as_rfid_lets_it_in"
#define CEDE	  "h_cede_lasts_until_the_decrementer_interrupts"
#define GONE	  "its_exception_is_gone_when_the_decrementers_first_bit_is_0_again"
#define STATE	  "the_interrupts_srr0_srr1_and_msr_are_as_architected"

const char *const sentences[] = { FREQUENCY, FORWARD, ARRIVES, WITH_TB, MASKED, LEVEL,
				  BY_RFID,   CEDE,    GONE,    STATE,	NULL };

#define FAR 0x7fffffff

static volatile unsigned count;
static volatile u64 at, srr0, srr1, msr;
static bool again; /* leave the decrementer negative */

static void arrived(struct frame *frame)
{
	if (frame->vector != 0x900) {
		leave_run(frame);
		return;
	}
	at = mfspr(SPR_TB);
	srr0 = frame->srr0;
	srr1 = frame->srr1;
	msr = frame->msr;
	count++;
	if (!again || count == 3)
		mtspr(SPR_DEC, FAR);
}

static void enable(bool on)
{
	mtmsr_ri(on ? MSR_EE : 0);
}

static void test_time_base(void)
{
	u64 last = mfspr(SPR_TB), first, then;

	for (unsigned i = 0; i < 10000; i++) {
		u64 now = mfspr(SPR_TB);

		check(FORWARD, now >= last, "it did");
		last = now;
	}
	check_equal(FREQUENCY, fdt_u32("/cpus/PowerPC,POWER9", "timebase-frequency"), 512000000,
		    "timebase-frequency");
	/* Two instructions per tick. */
	first = mfspr(SPR_TB);
	__asm__ volatile(
		"li 4,10000; mtctr 4; 1: nop; nop; nop; nop; nop; nop; nop; nop; nop; bdnz 1b"
		:
		:
		: "r4", "ctr");
	then = mfspr(SPR_TB);
	check(FREQUENCY, then - first >= 50000 && then - first <= 50010,
	      "a hundred thousand instructions took another time");
}

static void test_decrementer(void)
{
	u64 set, ticks = 5000;

	for (unsigned i = 0; i < 20; i++) {
		count = 0;
		set = mfspr(SPR_TB);
		mtspr(SPR_DEC, ticks + i);
		enable(true);
		while (!count)
			;
		enable(false);
		check(ARRIVES, at - set >= ticks + i, "it came too early");
		check(ARRIVES, at - set <= ticks + i + 200, "it came late");
		check_equal(STATE, msr, MSR_BARE, "MSR");
		check_equal(STATE, srr1, MSR_BARE | MSR_EE, "SRR1");
	}
	{
		u64 dec, tb;

		mtspr(SPR_DEC, 1000000);
		tb = mfspr(SPR_TB);
		for (volatile unsigned i = 0; i < 1000; i++)
			;
		dec = mfspr(SPR_DEC);
		tb = mfspr(SPR_TB) - tb;
		check(WITH_TB, dec + tb >= 1000000 - 4 && dec + tb <= 1000000 + 4,
		      "their sum changed");
	}
	count = 0;
	mtspr(SPR_DEC, 100);
	for (volatile unsigned i = 0; i < 10000; i++)
		;
	check_equal(MASKED, count, 0, "interrupts with EE=0");
	check(MASKED, (int32_t)mfspr(SPR_DEC) < 0, "the decrementer is not negative");
	enable(true);
	enable(false);
	check_equal(MASKED, count, 1, "interrupts after EE=1");

	again = true;
	count = 0;
	mtspr(SPR_DEC, 0);
	for (volatile unsigned i = 0; i < 100; i++)
		;
	enable(true);
	for (volatile unsigned i = 0; i < 100; i++)
		;
	enable(false);
	check_equal(LEVEL, count, 3, "interrupts, the third of which set the decrementer");
	again = false;
}

/* Almost a full period late: it wraps to a positive number before the interrupt is enabled. */
static void test_wrap(void)
{
	u64 set;

	count = 0;
	mtspr(SPR_DEC, 0x80000100);
	enable(true);
	enable(false);
	check_equal(GONE, count, 1, "interrupts of a negative decrementer");
	mtspr(SPR_DEC, 0x80000010);
	for (volatile unsigned i = 0; i < 100; i++)
		;
	check(GONE, (int32_t)mfspr(SPR_DEC) > 0, "the decrementer is not positive");
	count = 0;
	enable(true);
	for (volatile unsigned i = 0; i < 1000; i++)
		;
	enable(false);
	check_equal(GONE, count, 0, "interrupts after it wrapped");
	/* The next one is on time again. */
	set = mfspr(SPR_TB);
	hcall4(H_CEDE, 0, 0, 0, 0);
	enable(false);
	check_equal(GONE, count, 1, "interrupts half a turn later");
	check(GONE, at - set > 0x7ff00000 && at - set < 0x80100000, "it came at another time");
}

CODE(wait_for_it, "nop; nop; nop; li 3,1; .rept 40; nop; .endr; trap");

static void test_rfid(void)
{
	for (unsigned i = 0; i < 4; i++) {
		count = 0;
		mtspr(SPR_DEC, 0);
		for (volatile unsigned j = 0; j < 100; j++)
			;
		/* run() starts with an rfid. */
		run(wait_for_it, MSR_BARE | MSR_EE, 0, 0, 0, 0);
		check_equal(BY_RFID, count, 1, "interrupts");
		check_equal(BY_RFID, srr0, (u64)wait_for_it, "SRR0");
		check_equal(STATE, srr1, MSR_BARE | MSR_EE, "SRR1");
	}
}

static void test_cede(void)
{
	u64 before, insns;

	count = 0;
	before = mfspr(SPR_TB);
	mtspr(SPR_DEC, 512000000); /* a second */
	check_equal(CEDE, (u64)hcall4(H_CEDE, 0, 0, 0, 0), 0, "H_CEDE");
	insns = mfspr(SPR_TB) - before;
	enable(false);
	check_equal(CEDE, count, 1, "interrupts");
	check(CEDE, insns >= 512000000 && insns < 512100000, "it did not last a second");
	check_equal(CEDE, srr1, MSR_BARE | MSR_EE, "SRR1: H_CEDE sets EE");
}

void payload(void)
{
	interrupts_in_own_endian();
	uses_decrementer = true;
	on_interrupt = arrived;
	mtspr(SPR_DEC, FAR);
	test_time_base();
	test_decrementer();
	test_wrap();
	test_rfid();
	test_cede();
}
