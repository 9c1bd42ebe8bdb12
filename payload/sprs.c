/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Special purpose registers: which bits each has, and who can read and write it. Power ISA 3.0B,
 * Book III section 4.4.4, and the sections that define the registers.
 */
#include "payload.h"

#define BITS	"an_spr_keeps_the_bits_it_has_and_reads_zeros_for_the_others"
#define SHARED	"both_numbers_of_an_spr_reach_the_same_register"
#define PARTS	"the_set_and_reset_numbers_of_bescr_change_only_what_is_written_as_one"
#define ABSENT	"privileged_access_to_an_spr_that_is_not_there_does_nothing"
#define COUNTS	"purr_spurr_and_vtb_count_with_the_time_base_and_ic_counts_instructions"
#define SINGLED "the_numbers_0_4_5_and_6_are_illegal_for_privileged_code_too"
#define READS	"problem_state_reads_what_it_may_and_gets_srr1_bit_44_or_45_for_the_rest"
#define WRITES	"problem_state_writes_to_a_read_only_number_are_illegal_instructions"
#define MASKED	"uamor_guards_amr_against_problem_state_only"
#define RFEBB	"rfebb_goes_where_ebbrr_says_and_sets_or_clears_bescr_ge"
#define EVENT \
	"an_event_that_software_writes_to_bescr_branches_at_once_or_at_the_rfebb_that_enables_it"
#define FACILITY "a_facility_that_fscr_denies_to_problem_state_raises_0xf60_and_is_named_in_fscr"

const char *const sentences[] = { BITS,	  SHARED, PARTS, COUNTS, ABSENT,   SINGLED, READS,
				  WRITES, MASKED, RFEBB, EVENT,	 FACILITY, NULL };

#define ONES ~0ull

#define BCTAR	 0x4e800460u
#define SCV_0	 0x44000001u
#define FOR_EVER 0x48000000u
#define RFEBB_0	 0x4c000124u
#define RFEBB_1	 0x4c000924u
#define UAMOR	 157
#define EBBHR	 804
#define EBBRR	 805
#define BESCR	 806
#define TAR	 815
#define FSCR_IC	 56

#define USER (MSR_BARE | MSR_IR | MSR_DR | MSR_PR | MSR_EE)

/* Two instructions and a trap, in their own page. */
static u32 code[1024] __attribute__((aligned(4096)));

/* Does privileged code reach the trap? R3 is its input, R4 its output. */
static bool privileged(u32 first, u32 second, u64 r3)
{
	write_pair(code, first, second);
	run(code, MSR_BARE, r3, 0, 0, 0);
	return caught.vector == 0x700 && caught.srr0 == (u64)(code + 2);
}

static u64 read_spr(unsigned number)
{
	if (!privileged(NOP, spr(MFSPR, number, 4), 0))
		bail_out("an SPR cannot be read");
	return caught.gpr[4];
}

static void write_spr(unsigned number, u64 value)
{
	if (!privileged(spr(MTSPR, number, 3), NOP, value))
		bail_out("an SPR cannot be written");
}

/* ---- the bits ---- */

static const struct {
	u16 number;
	u64 bits;
} registers[] = {
	{ 1, 0xe00c007f }, /* XER: SO OV CA, OV32 CA32, the length of a string */
	{ 3, 0x1ffffff }, /* DSCR */
	{ 8, ONES }, /* LR */
	{ 9, ONES }, /* CTR */
	{ 13, ONES }, /* AMR */
	{ 17, 0x1ffffff }, /* DSCR */
	{ 18, 0xffffffff }, /* DSISR */
	{ 19, ONES }, /* DAR */
	{ 26, ONES }, /* SRR0 */
	{ 27, ONES }, /* SRR1 */
	{ 28, ~3ull }, /* CFAR */
	{ 29, ONES }, /* AMR */
	{ 48, 0xffffffff }, /* PIDR */
	{ 61, ONES }, /* IAMR */
	{ 144, ONES }, /* TIDR */
	{ 153, ONES }, /* FSCR */
	{ 157, ONES }, /* UAMOR */
	{ 159, 0xffffffff }, /* PSPB */
	{ 895, 0x3ffff }, /* WORT */
	{ 256, 0xffffffff }, /* VRSAVE */
	{ 272, ONES }, /* SPRG0 to SPRG3 */
	{ 273, ONES },	     { 274, ONES },	  { 275, ONES },       { 769, ONES }, /* MMCR2 */
	{ 770, ONES }, /* MMCRA */
	{ 771, 0xffffffff }, /* PMC1 to PMC6 */
	{ 772, 0xffffffff }, { 773, 0xffffffff }, { 774, 0xffffffff }, { 775, 0xffffffff },
	{ 776, 0xffffffff }, { 779, ONES }, /* MMCR0 */
	{ 784, ONES }, /* SIER */
	{ 785, ONES }, /* MMCR2 */
	{ 786, ONES }, /* MMCRA */
	{ 787, 0xffffffff }, /* PMC1 to PMC6 */
	{ 788, 0xffffffff }, { 789, 0xffffffff }, { 790, 0xffffffff }, { 791, 0xffffffff },
	{ 792, 0xffffffff }, { 795, ONES }, /* MMCR0 */
	{ 796, ONES }, /* SIAR */
	{ 797, ONES }, /* SDAR */
	{ 798, ONES }, /* MMCR1 */
	{ 804, ~3ull }, /* EBBHR */
	{ 805, ~3ull }, /* EBBRR */
	{ 806, ONES }, /* BESCR */
	{ 815, ONES }, /* TAR */
	{ 823, ONES }, /* PSSCR */
	{ 896, ONES }, /* PPR */
	{ 898, 0xffffffff }, /* PPR32 */
};

static const struct {
	u16 writes, reads;
	u64 bits;
} pairs[] = {
	{ 17, 3, 0x1ffffff },	  { 29, 13, ONES },	    { 152, 136, 0x8001 },
	{ 275, 259, ONES },	  { 784, 768, ONES },	    { 785, 769, ONES },
	{ 786, 770, ONES },	  { 787, 771, 0xffffffff }, { 792, 776, 0xffffffff },
	{ 795, 779, ONES },	  { 796, 780, ONES },	    { 797, 781, ONES },
	{ 798, 782, ONES },	  { 896, 898, 0xffffffff }, { 806, 800, ONES },
	{ 806, 801, 0xffffffff }, { 806, 802, ONES },	    { 806, 803, 0xffffffff },
};

static void test_bits(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
		unsigned n = registers[i].number;
		u64 before = read_spr(n), got;

		privileged(spr(MTSPR, n, 3), spr(MFSPR, n, 4), ONES);
		got = caught.gpr[4];
		if (!check_equal(BITS, got, registers[i].bits, "what is kept of ones"))
			print("# SPR %u\n", n);
		privileged(spr(MTSPR, n, 3), spr(MFSPR, n, 4), 0);
		if (!check_equal(BITS, caught.gpr[4], 0, "what is kept of zeros"))
			print("# SPR %u\n", n);
		write_spr(n, before);
	}
	/* The decrementer counts, and has 32 bits, which are read sign-extended. */
	privileged(spr(MTSPR, SPR_DEC, 3), spr(MFSPR, SPR_DEC, 4), 0x7fffffff00000100);
	check(BITS, caught.gpr[4] <= 0x100 && caught.gpr[4] > 0xf0, "not so for DEC");
	privileged(spr(MTSPR, SPR_DEC, 3), spr(MFSPR, SPR_DEC, 4), 0x90000000);
	check(BITS, caught.gpr[4] <= 0xffffffff90000000 && caught.gpr[4] > 0xffffffff8ffffff0,
	      "not so for a negative DEC");
	mtspr(SPR_DEC, 0x7fffffff);

	for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
		u64 before = read_spr(pairs[i].writes);

		privileged(spr(MTSPR, pairs[i].writes, 3), spr(MFSPR, pairs[i].reads, 4), ONES);
		if (!check_equal(SHARED, caught.gpr[4], pairs[i].bits, "what is read"))
			print("# SPR %u by %u\n", pairs[i].writes, pairs[i].reads);
		write_spr(pairs[i].writes, pairs[i].writes == 152 ? 1 : before);
	}
}

static void test_parts(void)
{
	write_spr(BESCR, 0x8000000100000001);
	write_spr(800, 0x10);
	check_equal(PARTS, read_spr(BESCR), 0x8000000100000011, "BESCR after BESCRS");
	write_spr(801, 0x6);
	check_equal(PARTS, read_spr(BESCR), 0x8000000700000011, "BESCR after BESCRSU");
	write_spr(802, 0x8000000000000001);
	check_equal(PARTS, read_spr(BESCR), 0x700000010, "BESCR after BESCRR");
	write_spr(803, 0x5);
	check_equal(PARTS, read_spr(BESCR), 0x200000010, "BESCR after BESCRRU");
	write_spr(BESCR, 0);
}

static void test_counts(void)
{
	static const u16 counters[] = { 308, 309, 849 };
	u64 insns = read_spr(848);

	for (unsigned i = 0; i < ARRAY_SIZE(counters); i++) {
		u64 outer = mfspr(SPR_TB), first = read_spr(counters[i]), inner = mfspr(SPR_TB),
		    last;

		while (mfspr(SPR_TB) - inner < 1000)
			;
		inner = mfspr(SPR_TB) - inner;
		last = read_spr(counters[i]);
		outer = mfspr(SPR_TB) - outer;
		if (!check(COUNTS, last - first >= inner && last - first <= outer, "it did not"))
			print("# SPR %u\n", counters[i]);
	}
	check(COUNTS, read_spr(848) > insns, "IC did not");
}

static void test_absent(void)
{
	/* Registers that do not exist here, or cannot be written. */
	static const u16 no_such[] = { 7, 12, 20, 259, 268, 269, 287, 318, 768, 780, 1023 };
	static const u16 unreadable[] = { 7, 12, 20, 304, 318, 808, 811, 1000 };
	static const u16 singled[] = { 0, 4, 5, 6 };

	for (unsigned i = 0; i < ARRAY_SIZE(no_such); i++)
		if (!check(ABSENT, privileged(spr(MTSPR, no_such[i], 3), NOP, ONES),
			   "it raised something"))
			print("# SPR %u\n", no_such[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(unreadable); i++) {
		privileged(spr(MFSPR, unreadable[i], 3), NOP, ONES);
		if (!check_equal(ABSENT, caught.gpr[3], ONES, "the target of a read"))
			print("# SPR %u\n", unreadable[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(singled); i++) {
		check(SINGLED, !privileged(spr(MTSPR, singled[i], 3), NOP, 0),
		      "one can be written");
		check_caught(SINGLED, 0x700, code, 0, MSR_BARE, ILLEGAL);
		check(SINGLED, !privileged(NOP, spr(MFSPR, singled[i], 4), 0), "one can be read");
		check_caught(SINGLED, 0x700, code, 4, MSR_BARE, ILLEGAL);
	}
}

/* ---- problem state ---- */

/* @cause: SRR1's bit of the program interrupt, or 0 if the instruction is executed. */
static void user(const char *sentence, u32 insn, u64 r3, u64 cause)
{
	const void *at = users_code(code);

	write_pair(code, NOP, insn);
	run(at, USER, r3, 0, 0, 0);
	if (!check_caught(sentence, 0x700, at, cause ? 4 : 8, USER, cause ? cause : TRAPPED))
		print("# instruction 0x%x\n", insn);
}

static void test_user(void)
{
	static const u16 readable[] = { 1,   3,	  8,   9,   13,	 136, 256, 259, 268, 269, 768,
					771, 776, 779, 780, 782, 800, 804, 806, 815, 896, 898 };
	static const u16 hidden[] = { 17, 18, 19, 22, 26, 48, 61, 153, 272, 287, 784, 787, 823 };
	static const u16 nothing[] = { 0, 2, 7, 32, 740 };
	static const u16 read_only[] = { 136, 259, 268, 269, 768, 771, 776, 780, 781, 782 };

	mtspr(SPR_FSCR, ~(255ull << FSCR_IC));
	for (unsigned i = 0; i < ARRAY_SIZE(readable); i++)
		user(READS, spr(MFSPR, readable[i], 4), 0, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(hidden); i++) {
		user(READS, spr(MFSPR, hidden[i], 4), 0, PRIVILEGED);
		user(READS, spr(MTSPR, hidden[i], 3), 0, PRIVILEGED);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(nothing); i++)
		user(READS, spr(MFSPR, nothing[i], 4), 0, ILLEGAL);
	for (unsigned i = 0; i < ARRAY_SIZE(read_only); i++)
		user(WRITES, spr(MTSPR, read_only[i], 3), 0, ILLEGAL);

	mtspr(UAMOR, 0xf0f0);
	mtspr(SPR_AMR, 0);
	user(MASKED, spr(MTSPR, 13, 3), 0xffff, 0);
	check_equal(MASKED, mfspr(SPR_AMR), 0xf0f0, "AMR");
	write_spr(13, 0x0fff);
	check_equal(MASKED, mfspr(SPR_AMR), 0x0fff, "AMR after a privileged write");
	mtspr(SPR_AMR, 0);
	mtspr(UAMOR, 0);
}

#define GE   (1ull << 63) /* event-based branches are enabled, */
#define PME  (1ull << 32) /* those of the performance monitor, */
#define PMEO 1ull /* and there was such an event. */
#define TS   (1ull << 30)

/* An rfebb to the trap, beyond a branch that never gets there. */
static void rfebb(u64 msr, u32 insn, u64 before, u64 after)
{
	const u64 at = (u64)code + (msr & MSR_PR ? USER_CODE : 0);

	write_spr(BESCR, before);
	write_spr(EBBRR, at + 8);
	write_pair(code, insn, FOR_EVER);
	run((void *)at, msr, 0, 0, 0, 0);
	check_caught(RFEBB, 0x700, (void *)(at + 8), 0, msr, TRAPPED);
	check_equal(RFEBB, read_spr(BESCR), after, "BESCR");
	check_equal(RFEBB, read_spr(EBBRR), at + 8, "EBBRR");
}

static void test_rfebb(u64 msr)
{
	void *at = (void *)((u64)code + (msr & MSR_PR ? USER_CODE : 0));

	mtspr(SPR_FSCR, msr & MSR_PR ? 1 << 7 : 0);
	rfebb(msr, RFEBB_0, GE | PME, PME);
	rfebb(msr, RFEBB_0, PME, PME);
	rfebb(msr, RFEBB_1, PME, GE | PME);
	write_spr(BESCR, TS);
	write_pair(code, NOP, RFEBB_1);
	run(at, msr, 0, 0, 0, 0);
	check_caught(RFEBB, 0x700, at, 4, msr, ILLEGAL);
	check_equal(RFEBB, read_spr(BESCR), TS, "BESCR after an invalid form");
}

static void check_event(const void *at, unsigned offset, u64 ebbrr)
{
	check_caught(EVENT, 0x700, at, 8, USER, TRAPPED);
	check_equal(EVENT, read_spr(EBBRR), ebbrr + offset, "EBBRR");
	check_equal(EVENT, read_spr(BESCR), PME | PMEO, "BESCR");
}

static void test_event(void)
{
	const void *at = users_code(code);

	mtspr(SPR_FSCR, 1 << 7);
	write_spr(EBBHR, (u64)at + 8);
	write_spr(BESCR, 0);
	write_pair(code, spr(MTSPR, BESCR, 3), FOR_EVER);
	run(at, USER, GE | PME | PMEO, 0, 0, 0);
	check_event(at, 4, (u64)at);
	/* It waits while branches are disabled, and in privileged state. */
	write_pair(code, FOR_EVER, RFEBB_1);
	write_spr(EBBRR, (u64)at);
	run((const u8 *)at + 4, USER, 0, 0, 0, 0);
	check_event(at, 0, (u64)at);
	write_spr(BESCR, GE | PMEO | PME);
	run((const u8 *)at + 4, USER, 0, 0, 0, 0);
	check_event(at, 4, (u64)at);
	write_spr(BESCR, 0);
}

static void test_facilities(void)
{
	const struct {
		u32 insn;
		u8 facility;
	} denied[] = {
		{ spr(MFSPR, 3, 4), 2 },
		{ spr(MTSPR, 3, 3), 2 },
		{ spr(MFSPR, 806, 4), 7 },
		{ spr(MFSPR, 800, 4), 7 },
		{ spr(MTSPR, 803, 3), 7 },
		{ spr(MFSPR, TAR, 4), 8 },
		{ spr(MTSPR, TAR, 3), 8 },
		{ RFEBB_0, 7 },
		{ RFEBB_1, 7 },
		{ BCTAR, 8 },
		{ SCV_0, 12 },
	};
	const void *at = users_code(code);

	mtspr(TAR, (u64)at + 8);
	for (unsigned i = 0; i < ARRAY_SIZE(denied); i++) {
		mtspr(SPR_FSCR, ~(1ull << denied[i].facility));
		write_pair(code, NOP, denied[i].insn);
		run(at, USER, 0, 0, 0, 0);
		if (!check_caught(FACILITY, 0xf60, at, 4, USER, 0))
			print("# instruction 0x%x\n", denied[i].insn);
		check_equal(FACILITY, mfspr(SPR_FSCR) >> FSCR_IC, denied[i].facility,
			    "FSCR's cause");
	}
	mtspr(SPR_FSCR, 0);
	check(FACILITY, privileged(NOP, spr(MFSPR, 3, 4), 0), "privileged code is denied it, too");
	mtspr(SPR_FSCR, 1ull << 8);
	user(FACILITY, BCTAR, 0, 0);
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = leave_run;
	test_bits();
	test_parts();
	test_counts();
	test_absent();
	radix_start();
	radix_map(0, USER_CODE + (u64)code, (u64)code, PTE_READ | PTE_EXEC);
	test_user();
	test_rfebb(MSR_BARE);
	test_rfebb(USER);
	test_event();
	test_facilities();
}
