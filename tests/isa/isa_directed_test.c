/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the oracles cannot tell: instructions that user programs cannot compare, each with the
 * result that the Power ISA 3.0B gives it, and findings of the random tests.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "table.h"

static unsigned number;

static bool report(const char *name, bool good)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++number, name);
	return good;
}

static void prepare(struct isa_case *c, uint32_t word)
{
	memset(c, 0, sizeof(*c));
	c->address = CASE_ADDRESS(0);
	c->insn = c->words[0] = word;
	c->nr_words = 1;
	for (unsigned i = 0; i < 32; i++)
		c->gpr[i] = CASE_MEMORY + 64;
}

/* Runs the word; true if it changed nothing. */
static bool does_nothing(uint32_t word)
{
	struct isa_case before, c;

	prepare(&c, word);
	before = c;
	run_one(&c, false);
	return !c.outcome && c.next == 1 && !memcmp(before.gpr, c.gpr, sizeof(c.gpr)) &&
	       !memcmp(before.memory, c.memory, sizeof(c.memory)) && c.cr == before.cr;
}

static uint64_t outcome_of(uint32_t word, bool big_endian)
{
	struct isa_case c;

	prepare(&c, word);
	run_one(&c, big_endian);
	return c.outcome;
}

/*
 * Book II 4.3: hints. Book I 1.3.3: reserved no-operations. Book II 4.6.4, 3.0B: wait may end at
 * once.
 */
static bool hints_do_nothing(void)
{
	return does_nothing(0x7c0005ec | 4 << 16 | 5 << 11) && /* dcba r4,r5 */
	       does_nothing(0x7c00002c | 4 << 16 | 5 << 11) && /* icbt 0,r4,r5 */
	       does_nothing(0x7c0002ac | 4 << 16 | 5 << 11) && /* dst */
	       does_nothing(0x7c0002ec | 4 << 16 | 5 << 11) && /* dstst */
	       does_nothing(0x7c0005a4 | 5 << 21 | 4 << 16 | 5 << 11) && /* hashst */
	       does_nothing(0x7c0005e4 | 5 << 21 | 4 << 16 | 5 << 11) && /* hashchk */
	       does_nothing(0x7c000524 | 5 << 21 | 4 << 16 | 5 << 11) && /* hashstp */
	       does_nothing(0x7c000564 | 5 << 21 | 4 << 16 | 5 << 11) && /* hashchkp */
	       does_nothing(0x7c00003c) && /* wait */
	       does_nothing(0x7c00035c); /* clrbhrb */
}

/* 3.3.9, darn: L=0 gives 32 bits, L=1 and L=2 give 64; all ones is an error. */
static bool darn_gives_numbers_of_its_width(void)
{
	uint64_t all[3] = { 0 };
	struct isa_case c;

	for (unsigned l = 0; l < 3; l++)
		for (unsigned i = 0; i < 16; i++) {
			prepare(&c, 0x7c0005e6 | 3 << 21 | l << 16);
			run_one(&c, false);
			if (c.outcome || c.gpr[3] == ~0ull)
				return false;
			all[l] |= c.gpr[3];
		}
	return all[0] && !(all[0] >> 32) && all[1] >> 32 && all[2] >> 32;
}

/* Book II 6.1: the time base. Book I 2.7.1: an entry of zero ends the branch history. */
static bool the_time_advances_and_the_history_is_empty(void)
{
	struct isa_case c;

	prepare(&c, 0x7c0c42e6 | 3 << 21); /* mftb r3 */
	run_one(&c, false);
	if (c.outcome || c.gpr[3] == CASE_MEMORY + 64)
		return false;
	prepare(&c, 0x7c00025c | 3 << 21); /* mfbhrbe r3,0 */
	run_one(&c, false);
	return !c.outcome && !c.gpr[3];
}

/* 2.4, bctar: TAR is written by the words before it. */
static bool bctar_branches_to_tar(void)
{
	struct isa_case c;

	prepare(&c, 0x7c6fcba6); /* mtspr 815,r3 */
	c.words[1] = c.insn = 0x4e800460; /* bctar 20,0,0 */
	c.nr_words = 2;
	c.gpr[3] = c.address + 12;
	run_one(&c, false);
	return !c.outcome && c.next == 2;
}

/* Book III 6.5.14: the system call interrupt. As the case's first word it does not end the case. */
static bool a_system_call_takes_its_vector(void)
{
	return outcome_of(0x44000002, false) == 0xc00;
}

/* Book III 6.5.8: a load or store of several registers takes an alignment interrupt with LE=1. */
static bool multiple_registers_do_not_go_little_endian(void)
{
	static const uint32_t words[] = {
		0xb8000000 | 20 << 21 | 4 << 16, /* lmw r20,0(r4) */
		0xbc000000 | 20 << 21 | 4 << 16, /* stmw */
		0x7c0004aa | 20 << 21 | 4 << 16 | 8 << 11, /* lswi r20,r4,8 */
		0x7c0005aa | 20 << 21 | 4 << 16 | 8 << 11, /* stswi */
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (outcome_of(words[i], false) != SIGBUS || outcome_of(words[i], true))
			return false;
	return true;
}

/* Book III 4.4 and 5.9: privileged in problem state. */
static bool privileged_instructions_interrupt_programs(void)
{
	static const uint32_t words[] = {
		0x4c000024, /* rfid */
		0x4c0000a4, /* rfscv */
		0x7c6000a6, /* mfmsr r3 */
		0x7c600124, /* mtmsr r3 */
		0x7c600164, /* mtmsrd r3 */
		0x7c001a64, /* tlbie r3,r0 */
		0x7c001a24, /* tlbiel */
		0x7c00046c, /* tlbsync */
		0x7c0003e4, /* slbia */
		0x7c001b64, /* slbie r3 */
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (outcome_of(words[i], false) != SIGILL)
			return false;
	return true;
}

static uint32_t first_word(const struct table_entry *entry)
{
	return entry->prefix_mask ? entry->prefix_value : entry->value;
}

/*
 * Newer versions' instructions are illegal, whatever QEMU makes of them; but variants of mffs are
 * mffs.
 */
static bool a_processor_lacks_what_is_newer(void)
{
	static const unsigned versions[] = { 207, 300 };
	bool good = true;

	for (unsigned v = 0; v < 2; v++) {
		run_as(versions[v]);
		for (size_t i = 0; i < table_entries; i++)
			if (!is_run(&table[i]) && strncmp(table[i].name, "mffs", 4) &&
			    outcome_of(first_word(&table[i]), false) != SIGILL) {
				printf("# %s on ISA %u\n", table[i].name, versions[v]);
				good = false;
			}
	}
	return good;
}

/* 7.6.1, xvcmpgtdp: VE=1 and a NaN. QEMU interrupts at a later instruction. */
static bool vector_compares_interrupt_at_once(void)
{
	struct isa_case c;

	prepare(&c, 0xf0000358 | 1 << 21 | 2 << 16 | 3 << 11); /* xvcmpgtdp vs1,vs2,vs3 */
	c.fpscr = 0x80;
	c.vsr[2][1] = 0x7ff8000000000000;
	run_one(&c, false);
	return c.outcome == SIGFPE;
}

/* 4.2.2: VX sums up VXVC at once. QEMU 10 sets it later. */
static bool a_vector_compare_sets_vx_at_once(void)
{
	struct isa_case c;

	prepare(&c, 0xf0000358 | 1 << 21 | 2 << 16 | 3 << 11); /* xvcmpgtdp vs1,vs2,vs3 */
	c.words[1] = c.insn = 0xfc000111 | 4 << 21 | 5 << 11; /* fnabs. f4,f5 */
	c.nr_words = 2;
	c.vsr[2][1] = 0x7ff8000000000000;
	run_one(&c, false);
	return !c.outcome && (c.cr >> 24 & 15) == 10 && c.fpscr == 0xa0080000;
}

/* 7.6.1, xvmaxdp: a maximum is exact, whatever was not before it. QEMU 10 sets XX once more. */
static bool a_maximum_is_exact(void)
{
	struct isa_case c;

	prepare(&c, 0xfc00001c | 1 << 21 | 2 << 11); /* fctiw f1,f2 */
	c.words[1] = 0xfdfe058e | 3 << 11; /* mtfsf 255,f3 */
	c.words[2] = c.insn = 0xf0000700 | 4 << 21 | 5 << 16 | 6 << 11; /* xvmaxdp vs4,vs5,vs6 */
	c.nr_words = 3;
	c.vsr[2][1] = 0x3ff8000000000000;
	run_one(&c, false);
	return !c.outcome && !c.fpscr;
}

/* 6.9.4, vrldmi: what is outside of the mask stays. QEMU clears it. */
static bool a_rotated_doubleword_is_inserted(void)
{
	struct isa_case c;

	prepare(&c, 0x100000c5 | 1 << 21 | 2 << 16 | 3 << 11); /* vrldmi v1,v2,v3 */
	c.vsr[33][0] = c.vsr[33][1] = ~0ull;
	c.vsr[35][0] = c.vsr[35][1] = 8 << 16 | 15 << 8; /* bits 8 to 15 */
	run_one(&c, false);
	return !c.outcome && c.vsr[33][0] == 0xff00ffffffffffff && c.vsr[33][1] == c.vsr[33][0];
}

/* Book II 4.6.2.2: the store of a quadword whose reservation exists. QEMU 7.2 never does it. */
static bool a_reserved_quadword_is_stored(void)
{
	struct isa_case c;

	prepare(&c, 0x7c002228 | 6 << 21); /* lqarx r6,0,r4 */
	c.words[1] = c.insn = 0x7c00216d | 8 << 21; /* stqcx. r8,0,r4 */
	c.nr_words = 2;
	c.gpr[8] = 0x0102030405060708;
	c.gpr[9] = 0x1112131415161718;
	run_one(&c, true);
	return !c.outcome && c.cr >> 28 == 2 && c.memory[64] == 1 && c.memory[79] == 0x18;
}

/* 5.6.6, denbcd: a digit of 10 is wrong: VXCVI and a NaN. QEMU takes it. */
static bool a_wrong_digit_gives_a_nan(void)
{
	struct isa_case c;

	prepare(&c, 0xec000684 | 1 << 21 | 2 << 11); /* denbcd 0,f1,f2 */
	c.vsr[2][1] = 0xa;
	run_one(&c, false);
	return !c.outcome && c.vsr[1][1] == 0x7c00000000000000 && c.fpscr == 0xa0011100;
}

/* 5.6.5, drsp: a signalling NaN stays one, with the digits that there is room for. So on POWER8. */
static bool a_shortened_nan_keeps_its_signal_and_digits(void)
{
	struct isa_case c;

	prepare(&c, 0xec000604 | 1 << 21 | 2 << 11); /* drsp f1,f2 */
	c.vsr[2][1] = 0xfe000000d0e0a0d0;
	run_one(&c, false);
	return !c.outcome && c.vsr[1][1] == 0xfe00a0d0 && c.fpscr == 0x1000;
}

/* 4.3.5.2: a single-precision operation cuts a NaN to a single. So on POWER8 and POWER9. */
static bool a_nan_of_single_precision_is_cut(void)
{
	static const uint32_t words[] = {
		0xec00002a | 1 << 21 | 2 << 16 | 2 << 11, /* fadds f1,f2,f2 */
		0xfc000018 | 1 << 21 | 2 << 11, /* frsp f1,f2 */
		0xf0000000 | 1 << 21 | 2 << 16 | 2 << 11, /* xsaddsp vs1,vs2,vs2 */
		0xf0000008 | 1 << 21 | 2 << 16 | 2 << 11, /* xsmaddasp vs1,vs2,vs2 */
	};
	bool good = true;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct isa_case c;

		prepare(&c, words[i]);
		c.vsr[2][1] = 0x7ff7ffffffffffff;
		run_one(&c, false);
		good &= !c.outcome && c.vsr[1][1] == 0x7fffffffe0000000;
	}
	return good;
}

/* 7.6.1, xsmaxcdp: the second of two zeros. So on POWER9. QEMU gives the first. */
static bool a_maximum_of_zeros_is_the_second(void)
{
	struct isa_case c;

	prepare(&c, 0xf0000400 | 1 << 21 | 2 << 16 | 3 << 11); /* xsmaxcdp vs1,vs2,vs3 */
	c.vsr[3][1] = 1ull << 63;
	run_one(&c, false);
	return !c.outcome && c.vsr[1][1] == 1ull << 63;
}

/* 5.6.5, drdpq: the result, then zeros. So on POWER8. QEMU has the zeros first. */
static bool a_shortened_pair_has_zeros_on_the_right(void)
{
	struct isa_case c;

	prepare(&c, 0xfc000604 | 4 << 21 | 2 << 11); /* drdpq f4,f2 */
	c.vsr[2][1] = 0x2207c00000000000;
	c.vsr[3][1] = 0x0000000000000e50;
	c.vsr[5][1] = ~0ull;
	run_one(&c, false);
	return !c.outcome && c.vsr[4][1] == 0x2234000000000e50 && !c.vsr[5][1];
}

/* 5.6.6, dscri: an infinity has digits. QEMU drops them. */
static bool an_infinity_has_digits(void)
{
	struct isa_case c;

	prepare(&c, 0xec0000c4 | 1 << 21 | 2 << 16 | 3 << 10); /* dscri f1,f2,3 */
	c.vsr[2][1] = 0x7800000000000401;
	run_one(&c, false);
	return !c.outcome && c.vsr[1][1] == 0x7800000000000001;
}

/* 5.5.10: an enabled exception of a decimal interrupts. QEMU goes on. */
static bool a_decimal_exception_interrupts(void)
{
	struct isa_case c;

	prepare(&c, 0xec000444 | 1 << 21 | 2 << 16 | 3 << 11); /* ddiv f1,f2,f3 */
	c.fpscr = 0x10; /* ZE */
	c.vsr[2][1] = 0x2238000000000001;
	c.vsr[3][1] = 0x2238000000000000;
	run_one(&c, false);
	return c.outcome == SIGFPE;
}

/*
 * Book II, copy and paste: 128 bytes at a time. CR0 says whether they were transferred: to memory
 * from POWER10 only, once, and not after cpabort.
 */
static bool pastes(unsigned isa, uint32_t between, bool again)
{
	const unsigned nr_words = between || again ? 3 : 2;
	bool good;
	struct isa_case c;

	run_as(isa);
	prepare(&c, 0x7c20060c | 4 << 11); /* copy 0,r4 */
	c.gpr[4] = CASE_MEMORY;
	c.words[1] = between ? between : 0x7c20070d | 5 << 11; /* paste. 0,r5 */
	c.words[2] = 0x7c20070d | (again ? 6 : 5) << 11;
	c.insn = c.words[nr_words - 1];
	c.gpr[5] = CASE_MEMORY + 128;
	c.gpr[6] = CASE_MEMORY;
	c.nr_words = nr_words;
	c.cr = 0xf0000000;
	memset(c.memory, 1, 127);
	c.memory[127] = 2;
	run_one(&c, false);
	run_as(300);
	good = !c.outcome && c.cr == (again || between || isa < 310 ? 0 : 0x20000000);
	if (between || isa < 310)
		return good && !c.memory[128] && !c.memory[255];
	return good && !memcmp(&c.memory[128], c.memory, 128) && c.memory[127] == 2;
}

static bool what_is_copied_is_pasted_once(void)
{
	return pastes(310, 0, false) && pastes(310, 0, true);
}

static bool an_aborted_copy_is_not_pasted(void)
{
	return pastes(310, 0x7c00068c, false);
}

static bool nothing_takes_what_a_power9_pastes(void)
{
	return pastes(300, 0, false) && outcome_of(0x7c20060c | 4 << 11, false) == SIGBUS &&
	       outcome_of(0x7c20070d | 4 << 11, false) == SIGBUS;
}

/* 7.6.1, xxsel: A where C is 0, B where it is 1. QEMU 10 gives ones for an A that it knows. */
static bool a_selection_takes_bits_of_both(void)
{
	struct isa_case c;

	prepare(&c, 0xf00005d0 | 1 << 21 | 2 << 16 | 2 << 11); /* xxleqv vs1,vs2,vs2: all ones */
	c.words[1] = c.insn = 0xf0000030 | 4 << 21 | 1 << 16 | 5 << 11 | 6 << 6; /* xxsel */
	c.nr_words = 2;
	c.vsr[5][0] = c.vsr[5][1] = 0x5555555555555555;
	c.vsr[6][0] = c.vsr[6][1] = 0x00000000ffffffff;
	run_one(&c, false);
	return !c.outcome && c.vsr[4][0] == 0xffffffff55555555 && c.vsr[4][1] == c.vsr[4][0];
}

/* 4.4: XX was cleared before XE is set, and a maximum is exact. QEMU brings XX back. */
static bool a_cleared_exception_does_not_interrupt(void)
{
	struct isa_case c;

	prepare(&c, 0xf00002c0 | 1 << 21 | 2 << 16 | 3 << 11); /* xvdivsp vs1,vs2,vs3 */
	c.words[1] = 0xfdfe058e | 5 << 11; /* mtfsf 255,f5 */
	c.words[2] = c.insn = 0xf0000740 | 4 << 21 | 6 << 16 | 7 << 11; /* xvmindp vs4,vs6,vs7 */
	c.nr_words = 3;
	c.vsr[2][0] = c.vsr[2][1] = 0x3f8000003f800000;
	c.vsr[3][0] = c.vsr[3][1] = 0x4040000040400000;
	c.vsr[5][1] = 0x8; /* XE */
	run_one(&c, false);
	return !c.outcome && c.fpscr == 0x8;
}

/* Words of an outer product's operands: xvXXger 0,vs32,vs33 with word 0 of each and of the ACC. */
static void prepare_product(struct isa_case *c, uint32_t value, uint64_t fpscr, uint32_t a,
			    uint32_t b, uint32_t acc)
{
	prepare(c, value | 1 << 11 | 4 | 2);
	c->vsr[32][1] = (uint64_t)a << 32;
	c->vsr[33][1] = (uint64_t)b << 32;
	c->vsr[0][1] = (uint64_t)acc << 32;
	c->fpscr = fpscr;
	run_one(c, false);
}

/* 3.1: 7.6.1, xvbf16ger2pp: 2^128 - (2^128 - 2^104), and 2^-150 - 2^-149 rounded up. */
static bool a_sum_of_bfloat16_products_is_no_single_yet(void)
{
	const uint32_t xvbf16ger2pp = 0xec000190;
	struct isa_case large, tiny;

	prepare_product(&large, xvbf16ger2pp, 0, 0x71800000, 0x4d800000, 0xff7fffff);
	prepare_product(&tiny, xvbf16ger2pp, 2, 0x1a000000, 0x1a000000, 0x80000001);
	return !large.outcome && large.vsr[0][1] == 0x73800000ull << 32 && !large.fpscr &&
	       !tiny.outcome && tiny.vsr[0][1] == 0x80000000ull << 32 &&
	       tiny.fpscr == (0x8a000000 | 2);
}

/* 3.1: 7.6.1, xvf32gernp: 1 + 2^-22 + 2^-46, rounded up and negated. */
static bool an_outer_product_is_negated_after_rounding(void)
{
	struct isa_case c;

	prepare_product(&c, 0xec0002d0, 2, 0x3f800001, 0x3f800001, 0);
	return !c.outcome && c.vsr[0][1] >> 32 == 0xbf800003;
}

/* 3.1: 7.6.1, xvf32ger: bfp_ROUND_TO_BFP32_DEFAULT. An exact tiny product is no underflow. */
static bool an_outer_product_is_rounded_as_if_no_exception_were_enabled(void)
{
	const uint32_t xvf32ger = 0xec0000d8, ue = 0x20, oe = 0x40;
	struct isa_case exact, inexact, large;

	prepare_product(&exact, xvf32ger, ue, 0x0d800000, 0x2b800000, 0);
	prepare_product(&inexact, xvf32ger, ue, 0x0d800001, 0x2b800000, 0);
	prepare_product(&large, xvf32ger, oe, 0x71800000, 0x71800000, 0);
	return !exact.outcome && exact.vsr[0][1] == 0x00000200ull << 32 && exact.fpscr == ue &&
	       inexact.outcome == SIGFPE && large.outcome == SIGFPE;
}

int main(void)
{
	bool good = true;

#define TEST(name) good &= report(#name, name())
	printf("1..28\n");
	run_as(300);
	TEST(hints_do_nothing);
	TEST(darn_gives_numbers_of_its_width);
	TEST(the_time_advances_and_the_history_is_empty);
	TEST(bctar_branches_to_tar);
	TEST(a_system_call_takes_its_vector);
	TEST(multiple_registers_do_not_go_little_endian);
	TEST(privileged_instructions_interrupt_programs);
	TEST(a_processor_lacks_what_is_newer);
	TEST(vector_compares_interrupt_at_once);
	TEST(a_vector_compare_sets_vx_at_once);
	TEST(a_maximum_is_exact);
	TEST(a_selection_takes_bits_of_both);
	TEST(a_cleared_exception_does_not_interrupt);
	TEST(a_rotated_doubleword_is_inserted);
	TEST(a_reserved_quadword_is_stored);
	TEST(nothing_takes_what_a_power9_pastes);
	TEST(what_is_copied_is_pasted_once);
	TEST(an_aborted_copy_is_not_pasted);
	TEST(a_wrong_digit_gives_a_nan);
	TEST(a_shortened_nan_keeps_its_signal_and_digits);
	TEST(a_nan_of_single_precision_is_cut);
	TEST(a_maximum_of_zeros_is_the_second);
	TEST(a_shortened_pair_has_zeros_on_the_right);
	TEST(an_infinity_has_digits);
	TEST(a_decimal_exception_interrupts);
	run_as(310);
	TEST(a_sum_of_bfloat16_products_is_no_single_yet);
	TEST(an_outer_product_is_negated_after_rounding);
	TEST(an_outer_product_is_rounded_as_if_no_exception_were_enabled);
	return !good;
}
