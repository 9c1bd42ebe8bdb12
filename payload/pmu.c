/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The performance monitor and its event-based branches. Power ISA 3.1B, Book III, chapter
 * "Performance Monitor Facility"; Book II, chapter "Event-Based Branch Facility". Counts are those
 * of this partition, where an instruction takes one cycle.
 */
#include "payload.h"

#define RESET	 "after_reset_the_counters_are_frozen"
#define COUNT	 "pmc5_counts_instructions_and_pmc6_cycles_until_the_write_that_freezes_them"
#define PARTIAL	 "an_instruction_that_raises_an_interrupt_does_not_count_but_a_system_call_does"
#define EVENTS	 "pmc1_to_pmc4_count_instructions_and_cycles_by_mmcr1_and_nothing_by_other_codes"
#define FREEZE	 "mmcr0_freezes_counters_in_the_states_that_it_names"
#define EACH	 "mmcr2_freezes_each_counter_for_itself"
#define SPLIT	 "a_count_of_one_state_goes_on_after_an_interrupt"
#define ALERT	 "with_pmae_0xf00_follows_the_instruction_that_makes_an_enabled_counter_negative"
#define SAMPLE	 "siar_and_sier_tell_of_the_alert"
#define FCECE	 "fcece_freezes_the_counters_at_an_enabled_condition_with_pmae_or_without"
#define ENABLE	 "pmc1ce_and_pmcjce_enable_conditions_and_without_them_a_counter_wraps"
#define HELD	 "the_exception_waits_for_msr_ee_and_lasts_while_pmao_is_set"
#define TRIGGER	 "with_trigger_the_other_counters_wait_for_a_negative_pmc1"
#define BRANCH	 "with_ebe_an_alert_branches_to_ebbhr_and_changes_bescr"
#define WAITS	 "the_branch_waits_for_ge_for_problem_state_and_for_fscr"
#define PME_SETS "an_alert_without_pme_becomes_an_event_when_pme_is_set"
#define HANDLER	 "a_handler_that_resets_the_counter_is_reached_each_period"
#define AGAIN	 "an_event_in_the_handler_is_taken_at_its_rfebb"
#define HISTORY	 "problem_state_reads_an_empty_branch_history_with_bhrba_alone"
#define OWN	 "with_pmcc_2_problem_state_sets_its_counters"

const char *const sentences[] = { RESET, COUNT,	   PARTIAL, EVENTS, FREEZE, EACH,    SPLIT,
				  ALERT, SAMPLE,   FCECE,   ENABLE, HELD,   TRIGGER, BRANCH,
				  WAITS, PME_SETS, HANDLER, AGAIN,  OWN,    HISTORY, NULL };

#define SPR_CTRL  152
#define SPR_SIER  784
#define SPR_MMCR2 785
#define SPR_PMC1  787
#define SPR_PMC2  788
#define SPR_PMC3  789
#define SPR_PMC4  790
#define SPR_PMC5  791
#define SPR_PMC6  792
#define SPR_MMCR0 795
#define SPR_SIAR  796
#define SPR_MMCR1 798
#define SPR_EBBHR 804
#define SPR_EBBRR 805
#define SPR_BESCR 806

#define FC	   0x80000000ull
#define FCS	   0x40000000ull
#define FCP	   0x20000000ull
#define FCM1	   0x10000000ull
#define FCM0	   0x08000000ull
#define PMAE	   0x04000000ull
#define FREEZES	   0x02000000ull /* FCECE */
#define BHRBA	   0x00200000ull
#define EBE	   0x00100000ull
#define PMCC_RW	   0x00080000ull
#define PMCC_NO_56 0x000c0000ull /* PMC5 and PMC6 are no part of the monitor */
#define PMC1CE	   0x8000ull
#define PMCJCE	   0x4000ull
#define TRIGGERED  0x2000ull
#define CC56RUN	   0x100ull
#define PMAO	   0x80ull
#define FC14	   0x20ull
#define FC56	   0x10ull
#define FC14W	   0x02ull

#define MMCR2_S	   (1ull << 63)
#define MMCR2_P	   (1ull << 62)
#define MMCR2_M1   (1ull << 60)
#define MMCR2_M0   (1ull << 59)
#define MMCR2_WAIT (1ull << 58)

#define GE   (1ull << 63)
#define PME  (1ull << 32)
#define PMEO 1ull

#define SIARV  0x400000ull
#define SAMPPR 0x2000000ull

#define MSR_PMM	  0x4ull
#define NEGATIVE  0x80000000ull
#define USER	  (MSR_BARE | MSR_IR | MSR_DR | MSR_PR | MSR_EE)
#define FSCR_EBB  (1ull << 7)
#define FSCR_BHRB 4

/* All counters count instructions or cycles. */
#define ALL_COUNT 0x02021e02ull

static u64 read_pmc(unsigned i)
{
	switch (i) {
	case 1:
		return mfspr(SPR_PMC1);
	case 2:
		return mfspr(SPR_PMC2);
	case 3:
		return mfspr(SPR_PMC3);
	case 4:
		return mfspr(SPR_PMC4);
	case 5:
		return mfspr(SPR_PMC5);
	default:
		return mfspr(SPR_PMC6);
	}
}

/* Frozen, with all counters at @v. */
static void prepare(u64 v, u64 mmcr1, u64 mmcr2)
{
	mtspr(SPR_MMCR0, FC);
	mtspr(SPR_MMCR1, mmcr1);
	mtspr(SPR_MMCR2, mmcr2);
	mtspr(SPR_PMC1, v);
	mtspr(SPR_PMC2, v);
	mtspr(SPR_PMC3, v);
	mtspr(SPR_PMC4, v);
	mtspr(SPR_PMC5, v);
	mtspr(SPR_PMC6, v);
}

/* R3: MMCR0 at the start, R4 at the end */
CODE(straight, "mtspr 795,3\n"
	       ".rept 32; nop; .endr\n"
	       "mtspr 795,4\n"
	       "trap");
#define STRAIGHT 33u /* what is counted: the nops and the last write */
CODE(looping,
     "mtctr 5; mtspr 795,3; 1: addi 6,6,1; bdnz 1b; mtspr 795,4; mfspr 7,791; mfspr 8,792; trap");

CODE(read_twice, "mtspr 795,3\n"
		 ".rept 3; nop; .endr\n"
		 "mfspr 6,791\n"
		 "mtspr 791,5\n"
		 "mfspr 7,791\n"
		 "nop\n"
		 "mfspr 8,791\n"
		 "mtspr 795,4\n"
		 "trap");

static void test_count(void)
{
	for (u64 turns = 1; turns < 20000; turns *= 7) {
		prepare(0, 0, 0);
		run(looping, MSR_BARE, 0, FC, turns, 0);
		check_equal(COUNT, caught.gpr[6], turns, "turns");
		check_equal(COUNT, caught.gpr[7], 2 * turns + 1, "PMC5");
		check_equal(COUNT, caught.gpr[8], 2 * turns + 1, "PMC6");
		check_equal(COUNT, mfspr(SPR_PMC5), 2 * turns + 1, "PMC5 later");
	}
	/* They may be read and written while they count. */
	prepare(0, 0, 0);
	run(read_twice, MSR_BARE, 0, FC, 100, 0);
	check_equal(COUNT, caught.gpr[6], 3, "PMC5");
	check_equal(COUNT, caught.gpr[7], 100, "PMC5 as it was written");
	check_equal(COUNT, caught.gpr[8], 102, "PMC5 two instructions later");
}

/* The counters after 33 instructions, with a bit for each that counted. */
static unsigned counted(const char *sentence, u64 mmcr0, u64 msr)
{
	unsigned which = 0;

	run(straight, msr, mmcr0, FC, 0, 0);
	check_caught(sentence, 0x700, straight, 4 * STRAIGHT + 4, msr, TRAPPED);
	for (unsigned i = 1; i <= 6; i++) {
		const u64 v = read_pmc(i);

		if (v)
			check_equal(sentence, v, STRAIGHT, "a counter that counts");
		which |= v ? 1u << i : 0;
	}
	return which;
}

#define ONLY(i) (1u << (i))
#define PMC14	0x1eu
#define PMC56	0x60u
#define ALL	(PMC14 | PMC56)

static void test_events(void)
{
	static const struct {
		u64 mmcr1;
		u8 which;
		bool runs; /* counts with CTRL[RUN] alone */
	} events[] = {
		{ 0x02000000, ONLY(1), false },	  { 0x1e000000, ONLY(1), false },
		{ 0xf0000000, ONLY(1), false },	  { 0xfe000000, ONLY(1), false },
		{ 0x00020000, ONLY(2), false },	  { 0x001e0000, ONLY(2), false },
		{ 0x00f40000, ONLY(2), true },	  { 0x00000200, ONLY(3), false },
		{ 0x00001e00, ONLY(3), false },	  { 0x00000002, ONLY(4), false },
		{ 0x0000001e, ONLY(4), false },	  { 0x000000fa, ONLY(4), true },
		{ 0x02021e02, PMC14, false },	  { 0xf4f0f0f0, 0, false },
		{ 0x00fe0000, 0, false },	  { 0x1000000002000000, 0, false },
		{ 0x0001000000000002, 0, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(events); i++) {
		for (unsigned runs = 0; runs < 2; runs++) {
			const unsigned want = !events[i].runs || runs ? events[i].which : 0;

			mtspr(SPR_CTRL, runs);
			prepare(0, events[i].mmcr1, 0);
			if (!check_equal(EVENTS, counted(EVENTS, FC56, MSR_BARE), want,
					 "which count"))
				print("# MMCR1 0x%lx\n", events[i].mmcr1);
		}
	}
	mtspr(SPR_CTRL, 1);
}

static void test_freeze(void)
{
	static const struct {
		u64 mmcr0, pmm;
		bool idle;
		u8 which;
	} rows[] = {
		{ 0, 0, false, ALL },
		{ FC, 0, false, 0 },
		{ FCS, 0, false, 0 },
		{ FCP, 0, false, ALL },
		{ FCM0, 0, false, 0 },
		{ FCM0, MSR_PMM, false, ALL },
		{ FCM1, 0, false, ALL },
		{ FCM1, MSR_PMM, false, 0 },
		{ FC14, 0, false, PMC56 },
		{ FC56, 0, false, PMC14 },
		{ FC14 | FC56, 0, false, 0 },
		{ 0, 0, true, PMC14 },
		{ CC56RUN, 0, true, ALL },
		{ FC14W, 0, true, 0 },
		{ FC14W, 0, false, ALL },
		{ FC14W | CC56RUN, 0, true, PMC56 },
		{ CC56RUN | FC56, 0, true, PMC14 },
		{ PMCC_NO_56 | FC, 0, false, PMC56 },
		{ PMCC_NO_56 | CC56RUN, 0, true, PMC14 },
	};
	static const struct {
		u64 mmcr2, pmm;
		bool idle, counts;
	} each[] = {
		{ MMCR2_S, 0, false, false },	{ MMCR2_P, 0, false, true },
		{ MMCR2_M1, 0, false, true },	{ MMCR2_M1, MSR_PMM, false, false },
		{ MMCR2_M0, 0, false, false },	{ MMCR2_M0, MSR_PMM, false, true },
		{ MMCR2_WAIT, 0, false, true }, { MMCR2_WAIT, 0, true, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		mtspr(SPR_CTRL, !rows[i].idle);
		prepare(0, ALL_COUNT, 0);
		if (!check_equal(FREEZE, counted(FREEZE, rows[i].mmcr0, MSR_BARE | rows[i].pmm),
				 rows[i].which, "which count"))
			print("# MMCR0 0x%lx\n", rows[i].mmcr0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(each); i++) {
		for (unsigned pmc = 1; pmc <= 6; pmc++) {
			mtspr(SPR_CTRL, !each[i].idle);
			prepare(0, ALL_COUNT, each[i].mmcr2 >> (9 * (pmc - 1)));
			check_equal(EACH, counted(EACH, CC56RUN, MSR_BARE | each[i].pmm),
				    each[i].counts ? ALL : ALL & ~(1u << pmc), "which count");
		}
	}
	mtspr(SPR_CTRL, 1);
}

/* ---- alerts ---- */

static void check_alert(const char *sentence, u64 pmc5, u64 mmcr0)
{
	check_equal(sentence, mfspr(SPR_MMCR0), mmcr0, "MMCR0");
	check_equal(sentence, mfspr(SPR_PMC5), pmc5, "PMC5");
	mtspr(SPR_MMCR0, FC);
}

CODE(for_ever, "mtspr 795,3; 1: addi 5,5,1; b 1b");

static void test_alert(void)
{
	const u64 msr = MSR_BARE | MSR_EE, on = PMAE | PMCJCE | FREEZES;

	for (unsigned n = 1; n <= 32; n++) {
		prepare(0, 0, 0);
		mtspr(SPR_PMC5, NEGATIVE - n);
		run(straight, msr, on, FC, 0, 0);
		check_caught(ALERT, 0xf00, straight, 4 + 4 * n, msr, 0);
		check_equal(SAMPLE, mfspr(SPR_SIAR), (u64)straight + 4 + 4 * n, "SIAR");
		check_equal(SAMPLE, mfspr(SPR_SIER), SIARV, "SIER");
		check_alert(FCECE, NEGATIVE, (on & ~PMAE) | PMAO | FC);
	}
	for (unsigned n = 1; n <= 30000; n = 3 * n + 1) {
		prepare(0, 0, 0);
		mtspr(SPR_PMC5, NEGATIVE - n);
		run(for_ever, msr, on, FC, 0, 0);
		check_caught(ALERT, 0xf00, for_ever, 4 + 4 * (n & 1), msr, 0);
		check_equal(ALERT, caught.gpr[5], (n + 1) / 2, "turns");
		check_alert(ALERT, NEGATIVE, (on & ~PMAE) | PMAO | FC);
	}
	/* A counter that is negative already */
	prepare(0, 0, 0);
	mtspr(SPR_PMC6, 0xfffffff0);
	run(straight, msr, on, FC, 0, 0);
	check_caught(ALERT, 0xf00, straight, 4, msr, 0);
	check_alert(ALERT, 0, (on & ~PMAE) | PMAO | FC);
	/* Without PMAE nothing is raised. */
	prepare(0, 0, 0);
	mtspr(SPR_PMC5, NEGATIVE - 20);
	run(straight, msr, FREEZES | PMCJCE, 0, 0, 0);
	check_caught(FCECE, 0x700, straight, 4 * STRAIGHT + 4, msr, TRAPPED);
	check_equal(FCECE, mfspr(SPR_PMC6) > STRAIGHT, 1, "counts after FC was cleared");
	prepare(0, 0, 0);
	mtspr(SPR_PMC5, NEGATIVE - 20);
	mtspr(SPR_MMCR0, FREEZES | PMCJCE);
	run(straight + 4, msr, 0, FC | FREEZES, 0, 0);
	check_equal(FCECE, mfspr(SPR_PMC6), 20, "PMC6");
	check_alert(FCECE, NEGATIVE, FC | FREEZES);
}

static void test_enable(void)
{
	const u64 msr = MSR_BARE | MSR_EE;

	for (unsigned pmc = 1; pmc <= 6; pmc++) {
		for (unsigned which = 0; which < 4; which++) {
			const u64 on = (which & 1 ? PMC1CE : 0) | (which & 2 ? PMCJCE : 0);
			const bool enabled = which & (pmc == 1 ? 1 : 2);

			prepare(0, ALL_COUNT, 0);
			if (pmc == 1)
				mtspr(SPR_PMC1, NEGATIVE - 5);
			if (pmc == 2)
				mtspr(SPR_PMC2, NEGATIVE - 5);
			if (pmc == 3)
				mtspr(SPR_PMC3, NEGATIVE - 5);
			if (pmc == 4)
				mtspr(SPR_PMC4, NEGATIVE - 5);
			if (pmc == 5)
				mtspr(SPR_PMC5, NEGATIVE - 5);
			if (pmc == 6)
				mtspr(SPR_PMC6, NEGATIVE - 5);
			run(straight, msr, PMAE | on, FC, 0, 0);
			mtspr(SPR_MMCR0, FC);
			if (enabled)
				check_caught(ENABLE, 0xf00, straight, 24, msr, 0);
			else
				check_caught(ENABLE, 0x700, straight, 4 * STRAIGHT + 4, msr,
					     TRAPPED);
		}
	}
	prepare(0, 0, 0);
	mtspr(SPR_PMC5, NEGATIVE - 5);
	run(straight, msr, PMAE | PMCJCE | PMCC_NO_56, FC, 0, 0);
	check_caught(ENABLE, 0x700, straight, 4 * STRAIGHT + 4, msr, TRAPPED);
	prepare(0xffffffff, 0, 0);
	run(straight, msr, PMAE, FC, 0, 0);
	check_equal(ENABLE, mfspr(SPR_PMC5), STRAIGHT - 1, "PMC5");
	mtspr(SPR_MMCR0, FC);
}

CODE(some, "nop; nop; nop; trap");
CODE(enables, "mtmsrd 3,1; nop; trap");

static void test_held(void)
{
	const u64 on = PMAE | PMCJCE | FREEZES;

	prepare(0, 0, 0);
	mtspr(SPR_PMC5, NEGATIVE - 3);
	run(straight, MSR_BARE, on, on | PMAO | FC, 0, 0);
	check_caught(HELD, 0x700, straight, 4 * STRAIGHT + 4, MSR_BARE, TRAPPED);
	run(some, MSR_BARE | MSR_EE, 0, 0, 0, 0);
	check_caught(HELD, 0xf00, some, 0, MSR_BARE | MSR_EE, 0);
	run(enables, MSR_BARE, MSR_EE, 0, 0, 0);
	check_caught(HELD, 0xf00, enables, 4, MSR_BARE | MSR_EE, 0);
	mtspr(SPR_MMCR0, FC);
	run(some, MSR_BARE | MSR_EE, 0, 0, 0, 0);
	check_caught(HELD, 0x700, some, 12, MSR_BARE | MSR_EE, TRAPPED);
	/* As software sets it, too */
	run(straight, MSR_BARE | MSR_EE, FC | PMAO, 0, 0, 0);
	check_caught(HELD, 0xf00, straight, 4, MSR_BARE | MSR_EE, 0);
	mtspr(SPR_MMCR0, FC);
	/* But not if it is an event. */
	run(straight, MSR_BARE | MSR_EE, FC | PMAO | EBE, FC, 0, 0);
	check_caught(HELD, 0x700, straight, 4 * STRAIGHT + 4, MSR_BARE | MSR_EE, TRAPPED);
}

static void test_trigger(void)
{
	prepare(0, ALL_COUNT, 0);
	mtspr(SPR_PMC1, NEGATIVE - 10);
	run(straight, MSR_BARE, TRIGGERED, FC, 0, 0);
	check_equal(TRIGGER, mfspr(SPR_PMC1), NEGATIVE - 10 + STRAIGHT, "PMC1");
	for (unsigned i = 2; i <= 6; i++)
		check_equal(TRIGGER, read_pmc(i), STRAIGHT - 10, "another");
	prepare(0, ALL_COUNT, 0);
	mtspr(SPR_MMCR0, FC);
	mtspr(SPR_PMC1, NEGATIVE - 10);
	mtspr(SPR_MMCR0, TRIGGERED | FCM1);
	check_equal(TRIGGER, mfspr(SPR_PMC5), 0, "PMC5 before");
	run(some, MSR_BARE, 0, 0, 0, 0);
	check_equal(TRIGGER, mfspr(SPR_MMCR0), FCM1, "MMCR0");
	mtspr(SPR_MMCR0, FC);
}

/* ---- problem state ---- */

CODE(calls, "nop; sc; nop; sc; nop; sc; nop; trap");
CODE(faults, "nop; nop; nop; ld 3,-8(0); trap");

/* Returns from system calls. */
static void answer(struct frame *frame)
{
	if (frame->vector != 0xc00)
		leave_run(frame);
}

static void test_split(void)
{
	const void *at = users_code(calls);

	on_interrupt = answer;
	prepare(0, ALL_COUNT, 0);
	mtspr(SPR_MMCR0, FCS);
	run(at, USER, 0, 0, 0, 0);
	mtspr(SPR_MMCR0, FC);
	check_caught(SPLIT, 0x700, at, 28, USER, TRAPPED);
	for (unsigned i = 1; i <= 6; i++)
		check_equal(SPLIT, read_pmc(i), 7, "a counter of problem state");
	prepare(0, ALL_COUNT, 0);
	mtspr(SPR_MMCR2, MMCR2_S >> 36); /* PMC5 */
	mtspr(SPR_MMCR0, 0);
	run(at, USER, 0, 0, 0, 0);
	mtspr(SPR_MMCR0, FC);
	check_equal(SPLIT, mfspr(SPR_PMC5), 7, "PMC5");
	check_equal(SPLIT, mfspr(SPR_PMC6) > 100, 1, "PMC6 of both states");
	on_interrupt = leave_run;

	prepare(0, 0, 0);
	mtspr(SPR_MMCR0, FCS);
	run(at, USER, 0, 0, 0, 0);
	check_caught(PARTIAL, 0xc00, at, 8, USER, 0);
	check_equal(PARTIAL, mfspr(SPR_PMC5), 2, "PMC5 after a system call");
	at = users_code(faults);
	prepare(0, 0, 0);
	mtspr(SPR_MMCR0, FCS);
	run(at, USER, 0, 0, 0, 0);
	check_equal(PARTIAL, caught.srr0 - (u64)at, 12, "offset of SRR0");
	check_equal(PARTIAL, mfspr(SPR_PMC5), 3, "PMC5 after a fault");
	mtspr(SPR_MMCR0, FC);
}

static void test_users_alert(void)
{
	const void *at = users_code(looping);

	for (unsigned n = 1; n < 100; n++) {
		prepare(0, 0, 0);
		mtspr(SPR_PMC5, NEGATIVE - n);
		mtspr(SPR_MMCR0, FCS | PMAE | PMCJCE);
		run((const u8 *)at + 8, USER, 0, 0, 0, 0); /* CTR is large or 0 */
		check_caught(ALERT, 0xf00, at, 8 + 4 * (n & 1), USER, 0);
		check_equal(SAMPLE, mfspr(SPR_SIER), SIARV | SAMPPR, "SIER");
		check_equal(SAMPLE, mfspr(SPR_SIAR), caught.srr0, "SIAR");
		check_alert(ALERT, NEGATIVE, FCS | PMCJCE | PMAO);
	}
}

/* ---- event-based branches ---- */

#define EVENT_ON (FCS | PMAE | PMCJCE | EBE | PMCC_RW)

CODE(target, "trap");
CODE(plain, ".rept 32; nop; .endr; trap");

static void prepare_event(unsigned n, const void *handler, u64 bescr)
{
	mtspr(SPR_FSCR, FSCR_EBB);
	mtspr(SPR_BESCR, bescr);
	mtspr(SPR_EBBHR, (u64)handler);
	mtspr(SPR_EBBRR, 0);
	prepare(0, 0, 0);
	mtspr(SPR_PMC5, NEGATIVE - n);
	mtspr(SPR_MMCR0, EVENT_ON);
}

static void test_branch(void)
{
	const void *at = users_code(plain), *there = users_code(target);

	for (unsigned n = 1; n <= 32; n++) {
		prepare_event(n, there, GE | PME);
		run(at, USER, 0, 0, 0, 0);
		check_caught(BRANCH, 0x700, there, 0, USER, TRAPPED);
		check_equal(BRANCH, mfspr(SPR_EBBRR), (u64)at + 4 * n, "EBBRR");
		check_equal(BRANCH, mfspr(SPR_BESCR), PMEO, "BESCR");
		check_equal(BRANCH, mfspr(SPR_SIAR), (u64)at + 4 * n, "SIAR");
		check_alert(BRANCH, NEGATIVE, (EVENT_ON & ~PMAE) | PMAO);
	}
	/* Not enabled: it runs to its end, and the event waits. */
	prepare_event(5, there, PME);
	run(at, USER, 0, 0, 0, 0);
	check_caught(WAITS, 0x700, at, 128, USER, TRAPPED);
	check_equal(WAITS, mfspr(SPR_BESCR), PMEO, "BESCR");
	mtspr(SPR_BESCR, PMEO | GE);
	run(plain, MSR_BARE, 0, 0, 0, 0);
	check_caught(WAITS, 0x700, plain, 128, MSR_BARE, TRAPPED);
	mtspr(SPR_FSCR, 0);
	run(at, USER, 0, 0, 0, 0);
	check_caught(WAITS, 0x700, at, 128, USER, TRAPPED);
	mtspr(SPR_FSCR, FSCR_EBB);
	run(at, USER, 0, 0, 0, 0);
	check_caught(WAITS, 0x700, there, 0, USER, TRAPPED);
	check_equal(WAITS, mfspr(SPR_EBBRR), (u64)at, "EBBRR");
	check_equal(WAITS, mfspr(SPR_BESCR), PMEO, "BESCR");

	prepare_event(5, there, GE);
	run(at, USER, 0, 0, 0, 0);
	check_caught(PME_SETS, 0x700, at, 128, USER, TRAPPED);
	check_equal(PME_SETS, mfspr(SPR_BESCR), GE, "BESCR");
	mtspr(SPR_BESCR, GE | PME);
	run(at, USER, 0, 0, 0, 0);
	check_caught(PME_SETS, 0x700, there, 0, USER, TRAPPED);
	check_equal(PME_SETS, mfspr(SPR_BESCR), PMEO, "BESCR");
	mtspr(SPR_MMCR0, FC);
}

/*
 * R6: events, R7: where to end; R8: PMC5's new value, R9: MMCR0. From the write of MMCR0 on, which
 * ends the freeze by FCECE, three instructions of it are counted.
 */
CODE(handler, "addi 6,6,1\n"
	      "cmpd 6,7\n"
	      "beq 1f\n"
	      "mtspr 775,8\n"
	      "li 10,1\n"
	      "sldi 11,10,32\n"
	      "mtspr 779,9\n"
	      "mtspr 802,10\n"
	      "mtspr 800,11\n"
	      ".long 0x4c000924\n" /* rfebb 1 */
	      "1: trap");
#define HANDLERS_PART 3u
CODE(work, "mtctr 5; 1: addi 3,3,1; bdnz 1b; trap");

static void test_handler(void)
{
	const void *at = users_code(work), *there = users_code(handler);
	static const u16 periods[] = { 4, 5, 17, 64, 65, 100, 101, 1000 };
	const u64 turns = 1000, insns = 2 * turns + 1;

	for (unsigned i = 0; i < ARRAY_SIZE(periods); i++) {
		const u64 restart = NEGATIVE - periods[i], rest = insns - periods[i];
		const u64 registers[8] = { 0, 0, turns, 0, ~0ull, restart, PMAE };

		prepare_event(periods[i], there, GE | PME);
		mtspr(SPR_MMCR0, EVENT_ON | FREEZES);
		run_registers(at, USER, registers);
		mtspr(SPR_MMCR0, FC);
		check_caught(HANDLER, 0x700, at, 12, USER, TRAPPED);
		check_equal(HANDLER, caught.gpr[3], turns, "turns");
		check_equal(HANDLER, caught.gpr[6], 1 + rest / (periods[i] - HANDLERS_PART),
			    "events");
	}
	/* A period that ends in the handler: the program gets nowhere. */
	for (unsigned period = 1; period <= HANDLERS_PART; period++) {
		const u64 registers[8] = { 0, 0, turns, 0, 1000, NEGATIVE - period, PMAE };

		prepare_event(10, there, GE | PME);
		mtspr(SPR_MMCR0, EVENT_ON | FREEZES);
		run_registers(at, USER, registers);
		mtspr(SPR_MMCR0, FC);
		check_caught(AGAIN, 0x700, there, 40, USER, TRAPPED);
		check_equal(AGAIN, caught.gpr[6], 1000, "events");
		check_equal(AGAIN, mfspr(SPR_EBBRR), (u64)at + 8, "EBBRR");
		check_equal(AGAIN, caught.gpr[3], 5, "turns");
	}
}

CODE(own,
     "mtspr 771,3; mtspr 775,4; mtspr 779,5; nop; mfspr 6,771; mfspr 7,775; mfspr 8,779; trap");

static void test_own(void)
{
	const void *at = users_code(own);

	prepare(0, ALL_COUNT, 0);
	mtspr(SPR_MMCR0, FC | FCS | PMCC_RW);
	run(at, USER, 100, 200, 0, 0);
	check_caught(OWN, 0x700, at, 28, USER, TRAPPED);
	check_equal(OWN, caught.gpr[6], 101, "PMC1");
	check_equal(OWN, caught.gpr[7], 202, "PMC5");
	check_equal(OWN, caught.gpr[8], 0, "MMCR0 as problem state sees it");
	check_equal(OWN, mfspr(SPR_MMCR0), FCS | PMCC_RW, "MMCR0");
	mtspr(SPR_MMCR0, FC);
}

CODE(history, ".long 0x7c60025c\n" /* mfbhrbe 3,0 */
	      ".long 0x7c00035c\n" /* clrbhrb */
	      "trap");

static void test_history(void)
{
	const u8 *at = users_code(history);

	for (unsigned i = 0; i < 2; i++) {
		run(at + 4 * i, USER, 7, 0, 0, 0);
		check_caught(HISTORY, 0xf60, at, 4 * i, USER, 0);
		check_equal(HISTORY, mfspr(SPR_FSCR) >> 56, FSCR_BHRB, "FSCR's cause");
	}
	mtspr(SPR_MMCR0, FC | BHRBA);
	run(at, USER, 7, 0, 0, 0);
	check_caught(HISTORY, 0x700, at, 8, USER, TRAPPED);
	check_equal(HISTORY, caught.gpr[3], 0, "the first entry");
	mtspr(SPR_MMCR0, FC);
	run(history, MSR_BARE, 7, 0, 0, 0);
	check_caught(HISTORY, 0x700, history, 8, MSR_BARE, TRAPPED);
}

static void translate(void)
{
	if (mfspr(287) >> 16 != 0x4d) {
		radix_start();
		radix_map_users_code(0, PTE_USER);
		return;
	}
	if (!hash_start())
		bail_out("no translation");
	hash_map_users_code();
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = leave_run;
	check_equal(RESET, mfspr(SPR_MMCR0), FC, "MMCR0");
	test_count();
	test_events();
	test_freeze();
	test_alert();
	test_enable();
	test_held();
	test_trigger();
	translate();
	test_split();
	test_users_alert();
	test_branch();
	test_handler();
	test_own();
	test_history();
}
