/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts that instructions cause with relocation off: program, alignment, facility unavailable,
 * system call. Power ISA 3.0B, Book III chapter 6.
 */
#include "payload.h"

#define ILLEGAL_INSN  "an_illegal_instruction_raises_0x700_with_srr1_bit_44"
#define PRIVILEGED_SC "system_call_raises_0xc00_with_srr0_behind_it"
#define TRAPS	      "a_trap_whose_condition_holds_raises_0x700_with_srr1_bit_46"
#define NO_TRAP	      "a_trap_whose_condition_does_not_hold_does_nothing"
#define ALIGNMENT     "a_misaligned_access_that_has_to_be_aligned_raises_0x600_with_dar"
#define NO_EFFECT     "an_interrupted_instruction_leaves_its_registers_and_memory_alone"
#define ANY_ALIGN     "ordinary_loads_and_stores_take_any_alignment_across_a_page_too"
#define MULTIPLE      "load_and_store_multiple_are_an_alignment_interrupt_in_little_endian_mode_only"
#define FP_UNAVAIL    "floating_point_with_msr_fp_0_raises_0x800"
#define VEC_UNAVAIL   "a_vector_instruction_with_msr_vec_0_raises_0xf20"
#define VSX_UNAVAIL   "a_vsx_instruction_with_msr_vsx_0_raises_0xf40"
#define BY_REGISTER   "moves_to_a_vector_scalar_register_need_the_facility_of_that_half"
#define STRINGS	      "a_string_load_over_its_own_address_is_an_illegal_instruction"
#define NARROW	      "with_msr_sf_0_every_access_takes_the_last_32_bits_of_its_address"
#define UPDATES	      "with_msr_sf_0_an_update_form_sets_all_64_bits_of_its_register"
#define NARROW_DAR    "with_msr_sf_0_dar_has_32_bits"
#define MSR_AFTER     "an_interrupt_clears_every_msr_bit_but_sf_me_and_sets_the_interrupts_byte_order"
#define OTHER_ORDER   "interrupts_start_in_the_byte_order_that_h_set_mode_gave_and_big_endian_before"

const char *const sentences[] = { ILLEGAL_INSN, PRIVILEGED_SC, TRAPS,	   NO_TRAP,	ALIGNMENT,
				  NO_EFFECT,	ANY_ALIGN,     MULTIPLE,   FP_UNAVAIL,	VEC_UNAVAIL,
				  VSX_UNAVAIL,	BY_REGISTER,   MSR_AFTER,  OTHER_ORDER, STRINGS,
				  NARROW,	UPDATES,       NARROW_DAR, NULL };

static u8 area[3 * 4096] __attribute__((aligned(4096)));

static void check_msr(void)
{
	check_equal(MSR_AFTER, caught.msr, MSR_BARE, "MSR");
}

/* ---- byte order ---- */

static void ignore(struct frame *frame)
{
	frame->gpr[3]++;
}

static u32 system_call(u32 v)
{
	register u64 r3 __asm__("r3") = v;

	__asm__ volatile("sc" : "+r"(r3) : : "memory", "cr0", "ctr", "lr", "xer");
	return (u32)r3;
}

static u32 others(void)
{
	return __builtin_bswap32(*(volatile u32 *)(OTHER_ENDIAN_AREA + 16));
}

static void test_order(void)
{
	on_interrupt = ignore;
	/*
	 * Before the first H_SET_MODE, interrupts start in big-endian order. In little-endian code,
	 * the other half of the vector counts them.
	 */
	check_equal(OTHER_ORDER, system_call(5), MSR_LE ? 5 : 6, "R3 after the first system call");
	check_equal(OTHER_ORDER, others(), MSR_LE ? 1 : 0, "system calls in the other byte order");
	set_interrupt_endian(!MSR_LE);
	check_equal(OTHER_ORDER, system_call(7), 7, "R3 after the second");
	check_equal(OTHER_ORDER, others(), MSR_LE ? 2 : 1, "system calls in the other byte order");
	set_interrupt_endian(MSR_LE);
	check_equal(OTHER_ORDER, system_call(9), 10, "R3 after the third");
	check_equal(OTHER_ORDER, others(), MSR_LE ? 2 : 1, "system calls in the other byte order");
}

/* ---- program ---- */

CODE(illegal_0, ".long 0");
CODE(illegal_1, "nop; .long 0x04000000");
CODE(illegal_2, "li 3,77; nop; .long 0x7c0007fc");
CODE(call, "li 3,1; sc; trap");
CODE(trap_word, "twi 4,3,17; trap"); /* equal */
CODE(trap_double, "tdi 1,3,17; trap"); /* logically greater */
CODE(trap_not, "twi 4,3,18; tdi 1,3,1000; tw 0,3,3; td 0,3,3; li 4,55; trap");

static void test_program(void)
{
	const struct {
		const u8 *code;
		unsigned offset;
	} illegal[] = { { illegal_0, 0 }, { illegal_1, 4 }, { illegal_2, 8 } };

	print("# illegal");
	for (unsigned i = 0; i < ARRAY_SIZE(illegal); i++) {
		const u8 *insn = illegal[i].code + illegal[i].offset;

		print(" 0x%lx 0x%x", (u64)insn, *(const u32 *)insn);
	}
	print("\n");
	for (unsigned i = 0; i < ARRAY_SIZE(illegal); i++) {
		run(illegal[i].code, MSR_BARE | MSR_FP | MSR_RI, 0, 0, 0, 0);
		check_caught(ILLEGAL_INSN, 0x700, illegal[i].code, illegal[i].offset,
			     MSR_BARE | MSR_FP | MSR_RI, ILLEGAL);
		check_msr();
	}
	run(call, MSR_BARE | MSR_VEC | MSR_EE, 0, 0, 0, 0);
	check_caught(PRIVILEGED_SC, 0xc00, call, 8, MSR_BARE | MSR_VEC | MSR_EE, 0);
	check_msr();
	run(trap_word, MSR_BARE, 17, 0, 0, 0);
	check_caught(TRAPS, 0x700, trap_word, 0, MSR_BARE, TRAPPED);
	run(trap_word, MSR_BARE, 0xffffffff00000011, 0, 0, 0);
	check_caught(TRAPS, 0x700, trap_word, 0, MSR_BARE, TRAPPED);
	run(trap_double, MSR_BARE, ~0ull, 0, 0, 0);
	check_caught(TRAPS, 0x700, trap_double, 0, MSR_BARE, TRAPPED);
	run(trap_not, MSR_BARE, 17, 0, 0, 0);
	check_caught(NO_TRAP, 0x700, trap_not, 20, MSR_BARE, TRAPPED);
	check_equal(NO_TRAP, caught.gpr[4], 55, "R4 behind the traps");
}

/* ---- alignment ---- */

CODE(load_reserve_word, "lwarx 4,0,3; trap");
CODE(load_reserve_double, "ldarx 4,0,3; trap");
CODE(load_reserve_half, "lharx 4,0,3; trap");
CODE(store_word, "stwcx. 5,0,3; trap");
CODE(store_double, "stdcx. 5,0,3; trap");
CODE(load_quad, "lq 4,0(3); trap");
CODE(store_quad, "stq 4,0(3); trap");
/* lmw 30,0(3) and stmw 30,0(3), which the assembler refuses in little-endian code */
CODE(load_multiple, ".long 0xbbc30000; trap");
CODE(store_multiple, ".long 0xbfc30000; trap");

static void misaligned(const u8 *code, u64 ea)
{
	u64 before = *(u64 *)(ea & ~7ull);

	run(code, MSR_BARE, ea, 0x4444, 0x5555, 0);
	check_caught(ALIGNMENT, 0x600, code, 0, MSR_BARE, 0);
	check_equal(ALIGNMENT, caught.dar, ea, "DAR");
	check_msr();
	check_equal(NO_EFFECT, caught.gpr[3], ea, "R3");
	check_equal(NO_EFFECT, caught.gpr[4], 0x4444, "R4");
	check_equal(NO_EFFECT, caught.gpr[5], 0x5555, "R5");
	check_equal(NO_EFFECT, *(u64 *)(ea & ~7ull), before, "the doubleword in memory");
}

static void test_alignment(void)
{
	u64 at = (u64)area + 4096 - 3;

	misaligned(load_reserve_word, (u64)area + 2);
	misaligned(load_reserve_double, (u64)area + 4);
	misaligned(load_reserve_half, (u64)area + 1);
	misaligned(store_word, (u64)area + 1);
	misaligned(store_double, (u64)area + 12);
	misaligned(load_quad, (u64)area + 8);
	misaligned(store_quad, (u64)area + 8);

	for (unsigned size = 0; size < 8; size++) {
		volatile u64 *p = (volatile u64 *)(at + size);

		__asm__ volatile("std %1,0(%0)"
				 :
				 : "b"(p), "r"(0x0102030405060708 + size)
				 : "memory");
		check_equal(ANY_ALIGN, *p, 0x0102030405060708 + size, "a doubleword");
	}

	if (MSR_LE) {
		run(load_multiple, MSR_BARE, (u64)area, 0, 0, 0);
		check_caught(MULTIPLE, 0x600, load_multiple, 0, MSR_BARE, 0);
		run(store_multiple, MSR_BARE, (u64)area, 0, 0, 0);
		check_caught(MULTIPLE, 0x600, store_multiple, 0, MSR_BARE, 0);
	} else {
		*(u64 *)area = 0x1111111122222222;
		run(load_multiple, MSR_BARE, (u64)area, 0, 0, 0);
		check_caught(MULTIPLE, 0x700, load_multiple, 4, MSR_BARE, TRAPPED);
		check_equal(MULTIPLE, caught.gpr[30], 0x11111111, "R30");
		check_equal(MULTIPLE, caught.gpr[31], 0x22222222, "R31");
	}
}

/* ---- strings: the assembler refuses them in little-endian code ---- */

#define LSWI(rt, ra, n)	 (0x7c0004aau | (rt) << 21 | (ra) << 16 | (n) << 11)
#define LSWX(rt, ra, rb) (0x7c00042au | (rt) << 21 | (ra) << 16 | (rb) << 11)

/* R3 to R6 = an address; XER = a string length of @bytes. */
static void string_load(u32 insn, unsigned bytes, bool invalid)
{
	static u32 code[4] __attribute__((aligned(16)));
	u64 at = (u64)area;

	code[0] = 0x7c0103a6; /* mtxer r0 */
	code[0] |= 7u << 21; /* of R7 */
	code[1] = insn;
	code[2] = 0x7fe00008;
	flush_code(code);
	{
		const u64 registers[8] = { at, at, 0, at, bytes, 0, 0, 0 };

		run_registers(code, MSR_BARE, registers);
	}
	if (MSR_LE)
		check_caught(MULTIPLE, 0x600, code, 4, MSR_BARE, 0);
	else if (invalid)
		check_caught(STRINGS, 0x700, code, 4, MSR_BARE, ILLEGAL);
	else
		check_caught(STRINGS, 0x700, code, 8, MSR_BARE, TRAPPED);
	if (MSR_LE || invalid)
		check_equal(STRINGS, caught.gpr[4], at, "R4");
}

static void test_strings(void)
{
	string_load(LSWI(3, 4, 8), 0, true); /* R3, R4 */
	string_load(LSWI(3, 4, 5), 0, true);
	string_load(LSWI(3, 4, 4), 0, false);
	string_load(LSWI(4, 4, 4), 0, true);
	string_load(LSWI(30, 4, 24), 0, false); /* R30 to R3, wrapping around */
	string_load(LSWI(30, 4, 28), 0, true);
	string_load(LSWI(30, 0, 12), 0, true); /* RA = 0 counts */
	string_load(LSWX(8, 4, 5), 20, false);
	string_load(LSWX(3, 4, 5), 5, true); /* overwrites RA */
	string_load(LSWX(5, 4, 5), 4, true); /* overwrites RB */
	string_load(LSWX(3, 4, 5), 4, false);
	string_load(LSWX(31, 0, 5), 8, false); /* RA = 0 does not count */
	string_load(LSWX(3, 4, 5), 0, false);
}

/* ---- 32-bit mode ---- */

CODE(load_quad_reserve, "lqarx 8,0,3; trap");
CODE(update_word, "lwarx 8,0,3; stwcx. 4,0,3; trap");
CODE(update_double, "ldarx 8,0,3; stdcx. 4,0,3; trap");
CODE(update_byte, "lbarx 8,0,3; stbcx. 4,0,3; trap");
CODE(update_quad, "lqarx 8,0,3; stqcx. 4,0,3; trap");
CODE(zero_block, "dcbz 0,3; trap");
CODE(load_atomic, "ldat 8,3,0; trap");
CODE(store_atomic, "stdat 4,3,0; trap");
CODE(load_float, "lfd 1,0(3); stfd 1,0(3); trap");
CODE(load_update, "ldu 8,8(3); std 4,-8(3); trap");
CODE(load_float_update, "lfdu 1,8(3); stfd 1,-8(3); trap");
CODE(load_vector, "lxv 33,0(3); stxv 33,0(3); trap");

static void test_narrow(void)
{
	const struct {
		const u8 *code;
		u8 insns;
	} codes[] = {
		{ update_word, 2 },	  { update_double, 2 },	    { update_byte, 2 },
		{ update_quad, 2 },	  { zero_block, 1 },	    { load_quad, 1 },
		{ store_quad, 1 },	  { load_atomic, 1 },	    { store_atomic, 1 },
		{ load_float, 2 },	  { load_update, 2 },	    { load_vector, 2 },
		{ load_quad_reserve, 1 }, { load_float_update, 2 },
	};
	const u8 *const aligned[] = { load_reserve_word, load_reserve_double, store_word,
				      load_quad,	 store_quad,	      load_atomic,
				      store_atomic,	 load_quad_reserve };
	u64 msr = (MSR_BARE & ~MSR_SF) | MSR_FP | MSR_VEC | MSR_VSX, at = (u64)area;

	for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
		run(codes[i].code, msr, at | 0xc0ffee1200000000, 0x4444, 0x5555, 0);
		if (!check_caught(NARROW, 0x700, codes[i].code, 4u * codes[i].insns, msr, TRAPPED))
			print("# code %u\n", i);
		if (codes[i].code == load_update || codes[i].code == load_float_update)
			check_equal(UPDATES, caught.gpr[3], (at | 0xc0ffee1200000000) + 8, "R3");
	}
	*(u64 *)area = 0;
	run(update_word, msr, at | 1ull << 45, 0x4444, 0, 0);
	check_equal(NARROW, *(u32 *)area, 0x4444, "the word stored");
	run(zero_block, msr, at | 1ull << 45, 0, 0, 0);
	check_equal(NARROW, *(u32 *)area, 0, "the word of the block set to zero");
	for (unsigned i = 0; i < ARRAY_SIZE(aligned); i++) {
		run(aligned[i], msr, (at + 2) | 0xc0ffee1200000000, 0x4444, 0x5555, 0);
		check_caught(NARROW_DAR, 0x600, aligned[i], 0, msr, 0);
		if (!check_equal(NARROW_DAR, caught.dar, at + 2, "DAR"))
			print("# code %u\n", i);
	}
}

/* ---- facilities ---- */

CODE(fp_add, "fadd 1,2,3; trap");
CODE(fp_load, "lfd 1,0(3); trap");
CODE(fp_store, "stfdx 1,0,3; trap");
CODE(fp_status, "mffs 1; trap");
CODE(vec_add, "vadduwm 1,2,3; trap");
CODE(vec_load, "lvx 1,0,3; trap");
CODE(vec_status, "mfvscr 1; trap");
CODE(vsx_or, "xxlor 1,2,3; trap");
CODE(vsx_or_high, "xxlor 33,34,35; trap");
CODE(vsx_load, "lxvd2x 1,0,3; trap");
CODE(vsx_load_low, "lxv 1,0(3); trap");
CODE(vsx_load_high, "lxv 33,0(3); trap");
CODE(to_low, "mtvsrd 1,3; trap");
CODE(to_high, "mtvsrd 33,3; trap");

static void unavailable(const char *sentence, const u8 *code, u64 facilities, u64 vector)
{
	u64 msr = MSR_BARE | facilities;

	run(code, msr, (u64)area, 0, 0, 0);
	if (vector)
		check_caught(sentence, vector, code, 0, msr, 0);
	else
		check_caught(sentence, 0x700, code, 4, msr, TRAPPED);
	check_msr();
}

static void test_facilities(void)
{
	const u8 *const fp[] = { fp_add, fp_load, fp_store, fp_status },
			*const vec[] = { vec_add, vec_load, vec_status },
			*const vsx[] = { vsx_or, vsx_or_high, vsx_load, vsx_load_low };

	for (unsigned i = 0; i < ARRAY_SIZE(fp); i++) {
		unavailable(FP_UNAVAIL, fp[i], MSR_VEC | MSR_VSX, 0x800);
		unavailable(FP_UNAVAIL, fp[i], MSR_FP, 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(vec); i++) {
		unavailable(VEC_UNAVAIL, vec[i], MSR_FP | MSR_VSX, 0xf20);
		unavailable(VEC_UNAVAIL, vec[i], MSR_VEC, 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(vsx); i++) {
		unavailable(VSX_UNAVAIL, vsx[i], MSR_FP | MSR_VEC, 0xf40);
		unavailable(VSX_UNAVAIL, vsx[i], MSR_FP | MSR_VEC | MSR_VSX, 0);
	}
	unavailable(BY_REGISTER, vsx_load_high, MSR_FP | MSR_VSX, 0xf20);
	unavailable(BY_REGISTER, vsx_load_high, MSR_VEC, 0);
	unavailable(BY_REGISTER, to_low, MSR_VEC | MSR_VSX, 0x800);
	unavailable(BY_REGISTER, to_low, MSR_FP, 0);
	unavailable(BY_REGISTER, to_high, MSR_FP | MSR_VSX, 0xf20);
	unavailable(BY_REGISTER, to_high, MSR_VEC, 0);
}

void payload(void)
{
	test_order();
	on_interrupt = leave_run;
	test_program();
	test_alignment();
	test_strings();
	test_narrow();
	test_facilities();
}
