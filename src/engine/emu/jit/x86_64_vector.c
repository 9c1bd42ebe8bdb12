/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emitter for x86-64: vectors, except for their loads, stores and floating point.
 *
 * A vector-scalar register is a number of 128 bits here as in struct cpu: its leftmost element is
 * the host's highest. Results are computed in XMM0 to XMM3; the last instruction writes the target,
 * which may be an operand.
 */
#include "engine/emu/insn/insn.h"
#include "engine/emu/insn/vector_operands.h"
#include "engine/emu/jit/x86_64.h"

#define EACH_BYTE(n)	 ((n)*0x0101010101010101ull)
#define EACH_HALFWORD(n) ((n)*0x0001000100010001ull)
#define EACH_WORD(n)	 ((n)*0x0000000100000001ull)
#define TWICE(n)     \
	{            \
		n, n \
	}

/* A sign is shifted out. The least number of a range then becomes the least signed one. */
#define RANGE_OF_DOUBLES(name, least, greatest)                   \
	[name] = TWICE((1ull << 63) - ((uint64_t)(least) << 53)), \
	[(name) + 1] = TWICE((1ull << 63) + ((uint64_t)((greatest) + 1 - (least)) << 53) - 1)
#define RANGE_OF_SINGLES(name, least, greatest)                              \
	[name] = TWICE(EACH_WORD((1ull << 31) - ((uint64_t)(least) << 24))), \
	[(name) + 1] = TWICE(EACH_WORD(                                      \
		((1ull << 31) + ((uint64_t)((greatest) + 1 - (least)) << 24) - 1) & UINT32_MAX))

const uint64_t vector_constants[NR_CONSTANTS][2] = {
	[REVERSED] = { 0x08090a0b0c0d0e0f, 0x0001020304050607 },
	[BYTES_7] = TWICE(EACH_BYTE(7)),
	[BYTES_31] = TWICE(EACH_BYTE(31)),
	[BYTES_112] = TWICE(EACH_BYTE(112)),
	[BYTES_15] = TWICE(EACH_BYTE(15)),
	[BIT_FROM_LEFT] = TWICE(0x0102040810204080),
	[BIT_FROM_RIGHT] = TWICE(0x8040201008040201),
	[LOW_BYTES] = TWICE(EACH_HALFWORD(0xff)),
	[LOW_HALFWORDS] = TWICE(EACH_WORD(0xffff)),
	[WORDS_15] = TWICE(EACH_WORD(15)),
	[WORDS_31] = TWICE(EACH_WORD(31)),
	[WORDS_32] = TWICE(EACH_WORD(32)),
	[DOUBLEWORDS_63] = TWICE(63),
	[DOUBLEWORDS_64] = TWICE(64),
	[LOW_7] = { 7, 0 },
	[SIGNS] = TWICE(1ull << 63),
	[MAGNITUDES] = TWICE(~0ull >> 1),
	[TRANSPOSE_1] = TWICE(0x00aa00aa00aa00aa),
	[TRANSPOSE_2] = TWICE(0x0000cccc0000cccc),
	[TRANSPOSE_4] = TWICE(0x00000000f0f0f0f0),
	[UNSHIFTED_ROWS] = { 0x0b0e0104070a0d00, 0x0306090c0f020508 },
	[HIGH_ONES] = { 0, ~0ull },
	[HIGH_SIGN] = { 0, 1ull << 63 },
	[HIGH_MAGNITUDE] = { 0, ~0ull >> 1 },
	[SIGNS_OF_WORDS] = TWICE(EACH_WORD(1ull << 31)),
	RANGE_OF_DOUBLES(NORMAL_DOUBLES, 1, GREATEST_OF_FMA),
	RANGE_OF_DOUBLES(ACCURATE_DOUBLES, LEAST_EXPONENT, GREATEST_OF_FMA),
	RANGE_OF_SINGLES(NORMAL_SINGLES, 1, GREATEST_OF_SINGLES),
	RANGE_OF_SINGLES(ACCURATE_SINGLES, LEAST_EXPONENT_SINGLE, GREATEST_OF_SINGLES),
};

/* ---- operands ---- */

/* Beside a host's opcode: the form of the instruction, and what is done with the operands */
#define XX_FORM		  (1u << 24) /* any VSR, not VRs */
#define SWAPPED		  (1u << 25) /* the host's second operand is B */
#define INVERTED	  (1u << 26)
#define PREDICATE(n)	  ((n) << 27)
#define PREDICATE_OF(how) ((how) >> 27)

enum extremum {
	MAXIMUM_OF_DOUBLES,
	MINIMUM_OF_DOUBLES,
	MAXIMUM_OF_SINGLES,
	MINIMUM_OF_SINGLES
};

static unsigned number_t(uint32_t insn, unsigned how)
{
	return how & XX_FORM ? F_XT(insn) : 32 + F_RT(insn);
}

static unsigned number_a(uint32_t insn, unsigned how)
{
	return how & XX_FORM ? F_XA(insn) : 32 + F_RA(insn);
}

static unsigned number_b(uint32_t insn, unsigned how)
{
	return how & XX_FORM ? F_XB(insn) : 32 + F_RB(insn);
}

struct operands {
	unsigned t, a, b; /* VSRs; then the host registers of a and b */
	struct operand rm_b;
};

/* Loads a and b. */
static struct operands operands(struct translation *t, uint32_t insn, unsigned how)
{
	struct operands o = { .t = number_t(insn, how),
			      .a = vsr(t, number_a(insn, how)),
			      .b = vsr(t, number_b(insn, how)) };

	o.rm_b = in_register(o.b);
	return o;
}

/* Loads only b. */
static struct operands operand_b(struct translation *t, uint32_t insn, unsigned how)
{
	struct operands o = { .t = number_t(insn, how), .b = vsr(t, number_b(insn, how)) };

	o.rm_b = in_register(o.b);
	return o;
}

static void ones(struct assembler *a, unsigned x)
{
	vex(a, V_PCMPEQD, x, x, in_register(x));
}

static void zeros(struct assembler *a, unsigned x)
{
	vex(a, V_PXOR, x, x, in_register(x));
}

#define X(n) in_register(XMM(n))

/* ---- element by element ---- */

/* T = A op B */
static void put_lanes(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, how);
	const unsigned first = how & SWAPPED ? o.b : o.a, second = how & SWAPPED ? o.a : o.b;
	const unsigned opcode = how & 0xffffff;
	struct assembler *a = &t->a;

	if (how & INVERTED) {
		vex(a, opcode, XMM(0), first, in_register(second));
		ones(a, XMM(1));
		vex(a, V_PXOR, vsr_target(t, o.t), XMM(0), X(1));
	} else {
		vex(a, opcode, vsr_target(t, o.t), first, in_register(second));
	}
	vsr_done(t, o.t);
}

/* T = A | ~B */
static void put_or_complement(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, how);

	ones(&t->a, XMM(0));
	vex(&t->a, V_PXOR, XMM(0), XMM(0), o.rm_b);
	vex(&t->a, V_POR, vsr_target(t, o.t), o.a, X(0));
	vsr_done(t, o.t);
}

/* |A - B| of unsigned elements: the greater minus the smaller. @how: which of three sizes */
static void put_absolute_difference(struct translation *t, uint32_t insn, unsigned how)
{
	static const unsigned opcodes[][3] = { { V_PMAXUB, V_PMINUB, V_PSUBB },
					       { V_PMAXUW, V_PMINUW, V_PSUBW },
					       { V_PMAXUD, V_PMINUD, V_PSUBD } };
	const struct operands o = operands(t, insn, 0);

	vex(&t->a, opcodes[how][0], XMM(0), o.a, o.rm_b);
	vex(&t->a, opcodes[how][1], XMM(1), o.a, o.rm_b);
	vex(&t->a, opcodes[how][2], vsr_target(t, o.t), XMM(0), X(1));
	vsr_done(t, o.t);
}

static void put_negate(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operand_b(t, insn, 0);

	zeros(&t->a, XMM(0));
	vex(&t->a, how, vsr_target(t, o.t), XMM(0), o.rm_b);
	vsr_done(t, o.t);
}

/* ---- comparisons ---- */

/* CR6: are all elements of T true, is none? */
static void put_cr6(struct translation *t, unsigned number)
{
	struct assembler *a = &t->a;

	vex(a, V_PMOVMSKB, RCX, NO_SECOND, in_register(vsr_target(t, number)));
	op(a, 0, OP_XOR, RAX, in_register(RAX));
	op(a, 0, OP_XOR, RDX, in_register(RDX));
	op(a, 0, OP_TEST, RCX, in_register(RCX));
	op(a, 0, OP_SETCC(IF_EQUAL), 0, in_register(RDX));
	op_imm(a, 0, OP_CMP, in_register(RCX), 0xffff);
	op(a, 0, OP_SETCC(IF_EQUAL), 0, in_register(RAX));
	op(a, 0, OP_LEA, RAX, at_index(RDX, RAX, 2, 0));
	op(a, 0, OP_ADD, RAX, in_register(RAX));
	store_byte(t, RAX, AT_CPU(cr[6]));
}

static void compared(struct translation *t, uint32_t insn, unsigned number)
{
	vsr_done(t, number);
	if (insn & 0x400) /* Rc of these */
		put_cr6(t, number);
}

static void put_vector_compare(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, how);
	struct assembler *a = &t->a;

	if (how & INVERTED) {
		vex(a, how & 0xffffff, XMM(0), o.a, o.rm_b);
		ones(a, XMM(1));
		vex(a, V_PXOR, vsr_target(t, o.t), XMM(0), X(1));
	} else {
		vex(a, how & 0xffffff, vsr_target(t, o.t), o.a, o.rm_b);
	}
	compared(t, insn, o.t);
}

/* Floating point. A NaN is the interpreter's; what is left raises nothing. XMM0 is lost. */
static void need_no_nan(struct translation *t, const struct operands *o, unsigned compare)
{
	vex_imm(&t->a, compare, XMM(0), o->a, o->rm_b, COMPARE_NAN);
	vex(&t->a, V_PTEST, XMM(0), NO_SECOND, X(0));
	interpret_if(t, IF_NOT_EQUAL);
}

/* @how: V_CMPPD or V_CMPPS */
static void put_compare_numbers(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, how);
	const unsigned first = how & SWAPPED ? o.b : o.a, second = how & SWAPPED ? o.a : o.b;

	need_no_nan(t, &o, how & 0xffffff);
	vex_imm(&t->a, how & 0xffffff, vsr_target(t, o.t), first, in_register(second),
		PREDICATE_OF(how));
	compared(t, insn, o.t);
}

/* Of two zeros the host gives the second, so it is asked twice. @how: which of four */
static void put_extremum(struct translation *t, uint32_t insn, unsigned how)
{
	static const struct {
		unsigned opcode, compare, both;
	} extrema[] = { [MAXIMUM_OF_DOUBLES] = { V_MAXPD, V_CMPPD, V_PAND },
			[MINIMUM_OF_DOUBLES] = { V_MINPD, V_CMPPD, V_POR },
			[MAXIMUM_OF_SINGLES] = { V_MAXPS, V_CMPPS, V_PAND },
			[MINIMUM_OF_SINGLES] = { V_MINPS, V_CMPPS, V_POR } };
	const struct operands o = operands(t, insn, XX_FORM);
	struct assembler *a = &t->a;

	need_no_nan(t, &o, extrema[how].compare);
	vex(a, extrema[how].opcode, XMM(0), o.a, o.rm_b);
	vex(a, extrema[how].opcode, XMM(1), o.b, in_register(o.a));
	vex(a, extrema[how].both, vsr_target(t, o.t), XMM(0), X(1));
	vsr_done(t, o.t);
}

/* Unsigned: A > B unless the greater of both is B. @how: which of three sizes */
static void put_greater_unsigned(struct translation *t, uint32_t insn, unsigned how)
{
	static const unsigned opcodes[][2] = { { V_PMAXUB, V_PCMPEQB },
					       { V_PMAXUW, V_PCMPEQW },
					       { V_PMAXUD, V_PCMPEQD } };
	const struct operands o = operands(t, insn, 0);

	vex(&t->a, opcodes[how][0], XMM(0), o.a, o.rm_b);
	vex(&t->a, opcodes[how][1], XMM(0), XMM(0), o.rm_b);
	ones(&t->a, XMM(1));
	vex(&t->a, V_PXOR, vsr_target(t, o.t), XMM(0), X(1));
	compared(t, insn, o.t);
}

/* Doublewords: signed ones, once their signs are inverted */
static void put_greater_unsigned_doublewords(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);

	(void)how;
	vex(&t->a, V_PXOR, XMM(0), o.a, constant(t, SIGNS));
	vex(&t->a, V_PXOR, XMM(1), o.b, constant(t, SIGNS));
	vex(&t->a, V_PCMPGTQ, vsr_target(t, o.t), XMM(0), X(1));
	compared(t, insn, o.t);
}

/* A != B, or one of them is zero */
static void put_not_equal_or_zero(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);
	struct assembler *a = &t->a;

	vex(a, how, XMM(0), o.a, o.rm_b);
	ones(a, XMM(1));
	vex(a, V_PXOR, XMM(0), XMM(0), X(1));
	zeros(a, XMM(1));
	vex(a, how, XMM(2), o.a, X(1));
	vex(a, V_POR, XMM(0), XMM(0), X(2));
	vex(a, how, XMM(2), o.b, X(1));
	vex(a, V_POR, vsr_target(t, o.t), XMM(0), X(2));
	compared(t, insn, o.t);
}

/* ---- shifts ---- */

/* Words or doublewords, by the low bits of B's */
static void put_shift(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);
	const enum vector_constant mask = how & VEX_W ? DOUBLEWORDS_63 : WORDS_31;

	vex(&t->a, V_PAND, XMM(0), o.b, constant(t, mask));
	vex(&t->a, how, vsr_target(t, o.t), o.a, X(0));
	vsr_done(t, o.t);
}

/* @how: the instruction, which takes the low bits of a number, as the guest's does */
static void put_rotate_at_once(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);

	evex_insn(&t->a, how, vsr_target(t, o.t), o.a, o.b);
	vsr_done(t, o.t);
}

/* The host shifts by as much as an element has to zero. @how: doublewords? */
static void put_rotate(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);
	struct assembler *a = &t->a;

	vex(a, V_PAND, XMM(0), o.b, constant(t, how ? DOUBLEWORDS_63 : WORDS_31));
	vex(a, how ? V_PSLLVQ : V_PSLLVD, XMM(1), o.a, X(0));
	vex(a, V_MOVDQU, XMM(2), NO_SECOND, constant(t, how ? DOUBLEWORDS_64 : WORDS_32));
	vex(a, how ? V_PSUBQ : V_PSUBD, XMM(0), XMM(2), X(0));
	vex(a, how ? V_PSRLVQ : V_PSRLVD, XMM(0), o.a, X(0));
	vex(a, V_POR, vsr_target(t, o.t), XMM(0), X(1));
	vsr_done(t, o.t);
}

/* To the right, with copies of the sign, as a number that is not negative and inverted again */
static void put_shift_doublewords_algebraic(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);
	struct assembler *a = &t->a;

	(void)how;
	vex(a, V_PAND, XMM(0), o.b, constant(t, DOUBLEWORDS_63));
	zeros(a, XMM(1));
	vex(a, V_PCMPGTQ, XMM(1), XMM(1), in_register(o.a));
	vex(a, V_PXOR, XMM(2), XMM(1), in_register(o.a));
	vex(a, V_PSRLVQ, XMM(2), XMM(2), X(0));
	vex(a, V_PXOR, vsr_target(t, o.t), XMM(1), X(2));
	vsr_done(t, o.t);
}

enum shift {
	LEFT,
	RIGHT,
	ALGEBRAIC /* to the right */
};

/* Halfwords: the host shifts words, so each is moved to the end of one that it leaves. */
static void put_shift_halfwords(struct translation *t, uint32_t insn, unsigned how)
{
	static const unsigned opcodes[] = { V_PSLLVD, V_PSRLVD, V_PSRAVD };
	const struct operands o = operands(t, insn, 0);
	struct assembler *a = &t->a;

	vex(a, V_PAND, XMM(0), o.b, constant(t, WORDS_15)); /* of the right ones */
	vex_shift(a, SHIFT_DWORDS_RIGHT, XMM(1), o.b, 16);
	vex(a, V_PAND, XMM(1), XMM(1), constant(t, WORDS_15));
	if (how == LEFT) {
		vex(a, opcodes[how], XMM(0), o.a, X(0));
		vex_shift(a, SHIFT_DWORDS_RIGHT, XMM(2), o.a, 16);
		vex(a, opcodes[how], XMM(1), XMM(2), X(1));
		vex_shift(a, SHIFT_DWORDS_LEFT, XMM(1), XMM(1), 16);
	} else {
		vex(a, opcodes[how], XMM(1), o.a, X(1));
		vex_shift(a, SHIFT_DWORDS_LEFT, XMM(2), o.a, 16);
		vex(a, opcodes[how], XMM(0), XMM(2), X(0));
		vex_shift(a, SHIFT_DWORDS_RIGHT, XMM(0), XMM(0), 16);
	}
	vex_imm(a, V_PBLENDW, vsr_target(t, o.t), XMM(0), X(1), 0xaa);
	vsr_done(t, o.t);
}

/* Bytes, extended to halfwords: the odd ones, counted from the right, or the even ones */
static void extend_bytes(struct translation *t, unsigned to, unsigned from, bool odd, bool sign)
{
	struct assembler *a = &t->a;

	if (odd) {
		vex_shift(a, sign ? SHIFT_WORDS_ALGEBRAIC : SHIFT_WORDS_RIGHT, to, from, 8);
	} else if (sign) {
		vex_shift(a, SHIFT_WORDS_LEFT, to, from, 8);
		vex_shift(a, SHIFT_WORDS_ALGEBRAIC, to, to, 8);
	} else {
		vex(a, V_PAND, to, from, constant(t, LOW_BYTES));
	}
}

/*
 * Bytes, as products with powers of two: to the left by n is times 1 << n; to the right is times
 * 128 >> n, over 128.
 */
static void put_shift_bytes(struct translation *t, uint32_t insn, unsigned how)
{
	const enum vector_shift over_128 = how == ALGEBRAIC ? SHIFT_WORDS_ALGEBRAIC :
							      SHIFT_WORDS_RIGHT;
	const struct operands o = operands(t, insn, 0);
	struct assembler *a = &t->a;

	vex(a, V_PAND, XMM(0), o.b, constant(t, BYTES_7));
	vex(a, V_MOVDQU, XMM(1), NO_SECOND,
	    constant(t, how == LEFT ? BIT_FROM_RIGHT : BIT_FROM_LEFT));
	vex(a, V_PSHUFB, XMM(0), XMM(1), X(0));
	/* XMM1: the odd bytes' products, XMM2: the even ones' */
	extend_bytes(t, XMM(1), o.a, true, how == ALGEBRAIC);
	extend_bytes(t, XMM(2), XMM(0), true, false);
	vex(a, V_PMULLW, XMM(1), XMM(1), X(2));
	extend_bytes(t, XMM(2), o.a, false, how == ALGEBRAIC);
	extend_bytes(t, XMM(0), XMM(0), false, false);
	vex(a, V_PMULLW, XMM(2), XMM(2), X(0));
	if (how != LEFT) {
		vex_shift(a, over_128, XMM(1), XMM(1), 7);
		vex_shift(a, over_128, XMM(2), XMM(2), 7);
	}
	vex_shift(a, SHIFT_WORDS_LEFT, XMM(1), XMM(1), 8);
	vex(a, V_PAND, XMM(2), XMM(2), constant(t, LOW_BYTES));
	vex(a, V_POR, vsr_target(t, o.t), XMM(1), X(2));
	vsr_done(t, o.t);
}

/* The whole register by 0 to 7 bits: both halves, and what goes from one to the other */
static void put_shift_bits(struct translation *t, uint32_t insn, unsigned right)
{
	const struct operands o = operands(t, insn, 0);
	struct assembler *a = &t->a;

	vex(a, V_PAND, XMM(0), o.b, constant(t, LOW_7));
	vex(a, V_MOVQ, XMM(1), NO_SECOND, constant(t, DOUBLEWORDS_64));
	vex(a, V_PSUBQ, XMM(1), XMM(1), X(0));
	vex_shift(a, right ? SHIFT_BYTES_RIGHT : SHIFT_BYTES_LEFT, XMM(2), o.a, 8);
	vex(a, right ? V_PSLLQ : V_PSRLQ, XMM(2), XMM(2), X(1));
	vex(a, right ? V_PSRLQ : V_PSLLQ, XMM(0), o.a, X(0));
	vex(a, V_POR, vsr_target(t, o.t), XMM(0), X(2));
	vsr_done(t, o.t);
}

/* The whole register by 0 to 15 bytes: a permutation; numbers with the top bit give zero. */
static void put_shift_octets(struct translation *t, uint32_t insn, unsigned right)
{
	const struct operands o = operands(t, insn, 0);
	struct assembler *a = &t->a;

	vex_shift(a, SHIFT_WORDS_RIGHT, XMM(0), o.b, 3);
	vex(a, V_PAND, XMM(0), XMM(0), constant(t, BYTES_15));
	vex(a, V_PBROADCASTB, XMM(0), NO_SECOND, X(0));
	/* Bytes 0 to 15 from the right: 15 minus the number from the left */
	vex(a, V_MOVDQU, XMM(1), NO_SECOND, constant(t, BYTES_15));
	vex(a, V_PSUBB, XMM(1), XMM(1), constant(t, REVERSED));
	if (right) {
		vex(a, V_PADDB, XMM(0), XMM(0), constant(t, BYTES_112));
		vex(a, V_PADDB, XMM(1), XMM(1), X(0));
	} else {
		vex(a, V_PSUBB, XMM(1), XMM(1), X(0));
	}
	vex(a, V_PSHUFB, vsr_target(t, o.t), o.a, X(1));
	vsr_done(t, o.t);
}

/* ---- multiplication ---- */

/* Of odd words, the host's even ones, or, moved there, the even ones */
static void put_multiply_words(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);
	struct assembler *a = &t->a;

	if (how & SWAPPED) {
		vex_shift(a, SHIFT_QWORDS_RIGHT, XMM(0), o.a, 32);
		vex_shift(a, SHIFT_QWORDS_RIGHT, XMM(1), o.b, 32);
		vex(a, how & 0xffffff, vsr_target(t, o.t), XMM(0), X(1));
	} else {
		vex(a, how, vsr_target(t, o.t), o.a, o.rm_b);
	}
	vsr_done(t, o.t);
}

/* Of halfwords, extended to words. @how: how those of the even and of the odd ones are */
#define HALFWORDS_EVEN	 1
#define HALFWORDS_SIGNED 2
static void extend_halfwords(struct translation *t, unsigned to, unsigned from, unsigned how)
{
	struct assembler *a = &t->a;

	if (how & HALFWORDS_EVEN) {
		vex_shift(a, how & HALFWORDS_SIGNED ? SHIFT_DWORDS_ALGEBRAIC : SHIFT_DWORDS_RIGHT,
			  to, from, 16);
	} else if (how & HALFWORDS_SIGNED) {
		vex_shift(a, SHIFT_DWORDS_LEFT, to, from, 16);
		vex_shift(a, SHIFT_DWORDS_ALGEBRAIC, to, to, 16);
	} else {
		vex(a, V_PAND, to, from, constant(t, LOW_HALFWORDS));
	}
}

static void put_multiply_halfwords(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);

	extend_halfwords(t, XMM(0), o.a, how);
	extend_halfwords(t, XMM(1), o.b, how);
	vex(&t->a, V_PMULLD, vsr_target(t, o.t), XMM(0), X(1));
	vsr_done(t, o.t);
}

/* Of bytes, in the same way: the host's odd ones are the even ones from the left. */
static void put_multiply_bytes(struct translation *t, uint32_t insn, unsigned how)
{
	const bool left = how & HALFWORDS_EVEN, sign = how & HALFWORDS_SIGNED;
	const struct operands o = operands(t, insn, 0);

	extend_bytes(t, XMM(0), o.a, left, sign);
	extend_bytes(t, XMM(1), o.b, left, sign);
	vex(&t->a, V_PMULLW, vsr_target(t, o.t), XMM(0), X(1));
	vsr_done(t, o.t);
}

/* T = A op B, plus C. @how: op in the low 24 bits; C's elements are halfwords if SWAPPED */
static void put_multiply_add(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);
	const unsigned c = vsr(t, 32 + F_RC(insn));

	vex(&t->a, how & 0xffffff, XMM(0), o.a, o.rm_b);
	vex(&t->a, how & SWAPPED ? V_PADDW : V_PADDD, vsr_target(t, o.t), XMM(0), in_register(c));
	vsr_done(t, o.t);
}

/* ---- the whole register as one number ---- */

/* What is done with 128 bits */
#define QUAD_SUBTRACT 1
#define QUAD_EXTENDED 2 /* the carry comes from C */
#define QUAD_CARRY    4 /* the result is the carry */

/* RDX and RAX = VSR @n, or its complement */
static void put_quadword(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned n_t = 32 + F_RT(insn), n_a = 32 + F_RA(insn), n_b = 32 + F_RB(insn);
	const bool subtract = how & QUAD_SUBTRACT;
	struct assembler *a = &t->a;

	op(a, WIDE, OP_MOV, RAX, vsr_home(n_b, 0));
	op(a, WIDE, OP_MOV, RDX, vsr_home(n_b, 8));
	if (subtract) {
		op(a, WIDE, OP_UNARY, UNARY_NOT, in_register(RAX));
		op(a, WIDE, OP_UNARY, UNARY_NOT, in_register(RDX));
	}
	if (how & QUAD_EXTENDED)
		op_imm8(a, 0, OPCODE_0F | 0xba, 4, vsr_home(32 + F_RC(insn), 0), 0); /* bt */
	else
		put8(a, subtract ? 0xf9 : 0xf8); /* stc, clc */
	op(a, WIDE, OP_ADC, RAX, vsr_home(n_a, 0));
	op(a, WIDE, OP_ADC, RDX, vsr_home(n_a, 8));
	if (how & QUAD_CARRY) {
		op(a, 0, OP_SETCC(IF_BELOW), 0, in_register(RAX));
		op(a, BYTE_WIDE, OP_MOVZX_BYTE, RAX, in_register(RAX));
		vex(a, V_FROM_GPR | VEX_W, vsr_target(t, n_t), NO_SECOND, in_register(RAX));
	} else {
		vex(a, V_FROM_GPR | VEX_W, XMM(0), NO_SECOND, in_register(RAX));
		vex_imm(a, V_PINSRQ, vsr_target(t, n_t), XMM(0), in_register(RDX), 1);
	}
	vsr_done(t, n_t);
}

/* ---- permutation ---- */

/* Bits of B where C has ones, else of A */
static void put_select(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, how);
	const unsigned c = vsr(t, how & XX_FORM ? F_XC(insn) : 32 + F_RC(insn));

	vex(&t->a, V_PAND, XMM(0), c, o.rm_b);
	vex(&t->a, V_PANDN, XMM(1), c, in_register(o.a));
	vex(&t->a, V_POR, vsr_target(t, o.t), XMM(0), X(1));
	vsr_done(t, o.t);
}

/*
 * XMM0: numbers of bytes, 0 to 31 from the right of @low, where @high begins with 16. Bit 4 becomes
 * the top bit of the byte, which is what the host selects by.
 */
static void permute(struct translation *t, unsigned to, unsigned high, unsigned low)
{
	struct assembler *a = &t->a;

	vex(a, V_PSHUFB, XMM(1), low, X(0));
	vex(a, V_PSHUFB, XMM(2), high, X(0));
	vex_shift(a, SHIFT_DWORDS_LEFT, XMM(0), XMM(0), 3);
	vex_imm(a, V_PBLENDVB, vsr_target(t, to), XMM(1), X(2), XMM(0) << 4);
	vsr_done(t, to);
}

/* @from_right: the numbers in C count from the right */
static void put_permute(struct translation *t, uint32_t insn, unsigned from_right)
{
	const struct operands o = operands(t, insn, 0);
	const unsigned c = vsr(t, 32 + F_RC(insn));

	vex(&t->a, from_right ? V_PAND : V_PANDN, XMM(0), c, constant(t, BYTES_31));
	permute(t, o.t, o.a, o.b);
}

/* The same of XA and XT, by XB */
static void put_permute_target(struct translation *t, uint32_t insn, unsigned from_right)
{
	const struct operands o = operands(t, insn, XX_FORM);
	const unsigned old = vsr(t, o.t);

	vex(&t->a, from_right ? V_PAND : V_PANDN, XMM(0), o.b, constant(t, BYTES_31));
	permute(t, o.t, o.a, old);
}

/* A, then B, shifted to the left by a number of bytes */
static void put_shift_double(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, how);
	const unsigned by = how & XX_FORM ? 4 * FIELD(insn, 22, 23) : FIELD(insn, 22, 25);

	vex_imm(&t->a, V_PALIGNR, vsr_target(t, o.t), o.a, o.rm_b, 16 - by);
	vsr_done(t, o.t);
}

static void put_permute_doublewords(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, XX_FORM);
	const unsigned high_a = !FIELD(insn, 22, 22), high_b = !FIELD(insn, 23, 23);

	(void)how;
	vex_imm(&t->a, V_SHUFPD, vsr_target(t, o.t), o.b, in_register(o.a), high_b | high_a << 1);
	vsr_done(t, o.t);
}

/* Every other word of A, each followed by B's. @how: the odd ones? */
static void put_merge_words(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);

	if (how) {
		vex_shift(&t->a, SHIFT_QWORDS_LEFT, XMM(0), o.a, 32);
		vex_imm(&t->a, V_PBLENDD, vsr_target(t, o.t), XMM(0), o.rm_b, 5);
	} else {
		vex_shift(&t->a, SHIFT_QWORDS_RIGHT, XMM(0), o.b, 32);
		vex_imm(&t->a, V_PBLENDD, vsr_target(t, o.t), o.a, X(0), 5);
	}
	vsr_done(t, o.t);
}

/* ---- splat ---- */

static void put_splat(struct translation *t, uint32_t insn, unsigned bytes)
{
	const struct operands o = operand_b(t, insn, 0);
	const unsigned from = (F_UIM(insn) & (16 / bytes - 1)) * bytes;

	vex_shift(&t->a, SHIFT_BYTES_RIGHT, XMM(0), o.b, 16 - bytes - from);
	vex(&t->a, bytes == 1 ? V_PBROADCASTB : V_PBROADCASTW, vsr_target(t, o.t), NO_SECOND, X(0));
	vsr_done(t, o.t);
}

static void put_splat_word(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operand_b(t, insn, how);

	vex_imm(&t->a, V_PSHUFD, vsr_target(t, o.t), NO_SECOND, o.rm_b,
		(3 - (F_UIM(insn) & 3)) * 0x55);
	vsr_done(t, o.t);
}

static void splat(struct translation *t, unsigned n, uint32_t word)
{
	op_constant(&t->a, RAX, word);
	vex(&t->a, V_FROM_GPR, XMM(0), NO_SECOND, in_register(RAX));
	vex(&t->a, V_PBROADCASTD, vsr_target(t, n), NO_SECOND, X(0));
	vsr_done(t, n);
}

static void put_splat_immediate(struct translation *t, uint32_t insn, unsigned bytes)
{
	const uint32_t v = (uint32_t)F_SIM(insn);

	splat(t, 32 + F_RT(insn),
	      bytes == 1 ? (uint8_t)v * 0x01010101u :
	      bytes == 2 ? (uint16_t)v * 0x00010001u :
			   v);
}

static void put_splat_immediate_byte(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned n = F_XT(insn);

	(void)how;
	put_need(t, n < 32 ? MSR_VSX : MSR_VEC);
	splat(t, n, FIELD(insn, 13, 20) * 0x01010101u);
}

/* ---- pack and unpack ---- */

/* Low halves of halfwords or words, which the host would saturate. */
static void put_pack(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);
	const enum vector_constant mask = how == V_PACKUSWB ? LOW_BYTES : LOW_HALFWORDS;

	vex(&t->a, V_PAND, XMM(0), o.a, constant(t, mask));
	vex(&t->a, V_PAND, XMM(1), o.b, constant(t, mask));
	vex(&t->a, how, vsr_target(t, o.t), XMM(1), X(0));
	vsr_done(t, o.t);
}

static void put_pack_doublewords(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);

	(void)how;
	vex_imm(&t->a, V_SHUFPS, vsr_target(t, o.t), o.b, in_register(o.a), 0x88);
	vsr_done(t, o.t);
}

/* Sign-extends the elements of the right half, or, if SWAPPED, of the left one. */
static void put_unpack(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operand_b(t, insn, 0);

	if (how & SWAPPED)
		vex_shift(&t->a, SHIFT_BYTES_RIGHT, XMM(0), o.b, 8);
	vex(&t->a, how & 0xffffff, vsr_target(t, o.t), NO_SECOND, how & SWAPPED ? X(0) : o.rm_b);
	vsr_done(t, o.t);
}

/* ---- general registers ---- */

/* Left doubleword = RAX, right one = 0 */
static void from_rax(struct translation *t, unsigned n)
{
	vex(&t->a, V_FROM_GPR | VEX_W, XMM(0), NO_SECOND, in_register(RAX));
	vex_shift(&t->a, SHIFT_BYTES_LEFT, vsr_target(t, n), XMM(0), 8);
	vsr_done(t, n);
}

static void need_for_move(struct translation *t, unsigned n, uint64_t lower)
{
	put_need(t, n < 32 ? lower : MSR_VEC);
}

/* @how: how RA is moved to RAX, with WIDE << 16 */
static void put_mtvsr(struct translation *t, uint32_t insn, unsigned how)
{
	need_for_move(t, F_XT(insn), MSR_FP);
	op(&t->a, how >> 16, how & 0xffff, RAX, home(t, GPR(F_RA(insn))));
	from_rax(t, F_XT(insn));
}

static void put_mtvsrdd(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	(void)how;
	need_for_move(t, F_XT(insn), MSR_VSX);
	vex(a, V_FROM_GPR | VEX_W, XMM(0), NO_SECOND, home(t, GPR(F_RB(insn))));
	if (F_RA(insn))
		load_into(t, RAX, GPR(F_RA(insn)));
	else
		op(a, 0, OP_XOR, RAX, in_register(RAX));
	vex_imm(a, V_PINSRQ, vsr_target(t, F_XT(insn)), XMM(0), in_register(RAX), 1);
	vsr_done(t, F_XT(insn));
}

static void put_mtvsrws(struct translation *t, uint32_t insn, unsigned how)
{
	(void)how;
	need_for_move(t, F_XT(insn), MSR_VSX);
	vex(&t->a, V_FROM_GPR, XMM(0), NO_SECOND, home(t, GPR(F_RA(insn))));
	vex(&t->a, V_PBROADCASTD, vsr_target(t, F_XT(insn)), NO_SECOND, X(0));
	vsr_done(t, F_XT(insn));
}

/* @how: which doubleword (0 the left), 2: the word in the middle */
static void put_mfvsr(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned n = F_XT(insn), r = target(t, GPR(F_RA(insn)), RAX);

	need_for_move(t, n, how == 1 ? MSR_VSX : MSR_FP);
	op(&t->a, how == 2 ? 0 : WIDE, OP_MOV, r, vsr_home(n, how == 1 ? 0 : 8));
	done(t, GPR(F_RA(insn)), r);
}

/* A byte that RA numbers, from the left or from the right */
static void put_extract_byte(struct translation *t, uint32_t insn, unsigned from_right)
{
	struct assembler *a = &t->a;

	op(a, 0, OP_MOV, RAX, home(t, GPR(F_RA(insn))));
	op_imm(a, 0, OP_AND, in_register(RAX), 15);
	if (!from_right)
		op_imm(a, 0, OP_XOR, in_register(RAX), 15);
	op(a, 0, OP_MOVZX_BYTE, RAX, at_index(CPU, RAX, 0, vsr_home(32 + F_RB(insn), 0).disp));
	done(t, GPR(F_RT(insn)), RAX);
}

/* How many bytes, from the left or from the right, are even before the first odd one */
static void put_count_even_bytes(struct translation *t, uint32_t insn, unsigned from_right)
{
	const struct operands o = operand_b(t, insn, 0);
	struct assembler *a = &t->a;

	vex_shift(a, SHIFT_WORDS_LEFT, XMM(0), o.b, 7);
	vex(a, V_PMOVMSKB, RCX, NO_SECOND, X(0));
	if (from_right) {
		op_imm(a, 0, OP_OR, in_register(RCX), 1 << 16);
		op(a, 0, OP_BSF, RAX, in_register(RCX));
	} else {
		op(a, 0, OP_LEA, RCX, at_index(RCX, RCX, 0, 1));
		op(a, 0, OP_BSR, RCX, in_register(RCX));
		op_constant(a, RAX, 16);
		op(a, 0, OP_SUB, RAX, in_register(RCX));
	}
	done(t, GPR(F_RT(insn)), RAX);
}

/* Numbers of bytes from EA & 15 on (from the left), or from 16 less that (from the right) */
static void put_load_for_shift(struct translation *t, uint32_t insn, unsigned right)
{
	struct assembler *a = &t->a;

	op(a, 0, OP_MOV, RAX, home(t, GPR(F_RB(insn))));
	if (F_RA(insn))
		op(a, 0, OP_ADD, RAX, home(t, GPR(F_RA(insn))));
	op_imm(a, 0, OP_AND, in_register(RAX), 15);
	if (right) {
		op(a, 0, OP_UNARY, UNARY_NEG, in_register(RAX));
		op_imm(a, 0, OP_ADD, in_register(RAX), 16);
	}
	vex(a, V_FROM_GPR, XMM(0), NO_SECOND, in_register(RAX));
	vex(a, V_PBROADCASTB, XMM(0), NO_SECOND, X(0));
	vex(a, V_PADDB, vsr_target(t, 32 + F_RT(insn)), XMM(0), constant(t, REVERSED));
	vsr_done(t, 32 + F_RT(insn));
}

/* ---- bits ---- */

/*
 * Bits of A that B's bytes number from the left; none for numbers above 127. XMM0: each one's byte,
 * by a number from the right whose top bit is set if there is none. XMM1: where in the byte.
 */
static void put_permute_bits(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);
	struct assembler *a = &t->a;

	(void)how;
	vex_shift(a, SHIFT_WORDS_RIGHT, XMM(0), o.b, 3);
	vex(a, V_PAND, XMM(0), XMM(0), constant(t, BYTES_31));
	vex(a, V_PXOR, XMM(0), XMM(0), constant(t, BYTES_15));
	vex(a, V_PADDB, XMM(0), XMM(0), constant(t, BYTES_112));
	vex(a, V_PSHUFB, XMM(0), o.a, X(0));
	vex(a, V_PAND, XMM(1), o.b, constant(t, BYTES_7));
	vex(a, V_MOVDQU, XMM(2), NO_SECOND, constant(t, BIT_FROM_LEFT));
	vex(a, V_PSHUFB, XMM(1), XMM(2), X(1));
	vex(a, V_PAND, XMM(0), XMM(0), X(1));
	vex(a, V_PCMPEQB, XMM(0), XMM(0), X(1));
	vex(a, V_PMOVMSKB, RAX, NO_SECOND, X(0));
	from_rax(t, o.t);
}

/* XMM0 ^= the bits of @mask that differ from those @by to the left, and those likewise */
static void swap_bits(struct translation *t, enum vector_constant mask, unsigned by)
{
	struct assembler *a = &t->a;

	vex_shift(a, SHIFT_QWORDS_RIGHT, XMM(1), XMM(0), by);
	vex(a, V_PXOR, XMM(1), XMM(1), X(0));
	vex(a, V_PAND, XMM(1), XMM(1), constant(t, mask));
	vex(a, V_PXOR, XMM(0), XMM(0), X(1));
	vex_shift(a, SHIFT_QWORDS_LEFT, XMM(1), XMM(1), by);
	vex(a, V_PXOR, XMM(0), XMM(0), X(1));
}

/* Each doubleword is a matrix of 8 by 8 bits. */
static void put_transpose_bits(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operand_b(t, insn, 0);

	(void)how;
	vex(&t->a, V_MOVDQU, XMM(0), NO_SECOND, o.rm_b);
	swap_bits(t, TRANSPOSE_1, 7);
	swap_bits(t, TRANSPOSE_2, 14);
	swap_bits(t, TRANSPOSE_4, 28);
	vex(&t->a, V_MOVDQU, vsr_target(t, o.t), NO_SECOND, X(0));
	vsr_done(t, o.t);
}

/* ---- cryptography ---- */

/* The host substitutes bytes after it has shifted rows, which is undone before. */
static void put_substitute_bytes(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned from = vsr(t, 32 + F_RA(insn)), n_t = 32 + F_RT(insn);
	struct assembler *a = &t->a;

	(void)how;
	vex(a, V_PSHUFB, XMM(0), from, constant(t, UNSHIFTED_ROWS));
	zeros(a, XMM(1));
	vex(a, V_AESENCLAST, vsr_target(t, n_t), XMM(0), X(1));
	vsr_done(t, n_t);
}

/* The host's AES has its state's bytes from the right. @how: the round; B is added after it */
static void put_cipher(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);
	struct assembler *a = &t->a;

	vex(a, V_PSHUFB, XMM(0), o.a, constant(t, REVERSED));
	zeros(a, XMM(1));
	vex(a, how, XMM(0), XMM(0), X(1));
	vex(a, V_PSHUFB, XMM(0), XMM(0), constant(t, REVERSED));
	vex(a, V_PXOR, vsr_target(t, o.t), XMM(0), o.rm_b);
	vsr_done(t, o.t);
}

/* B is added before the columns are mixed. */
static void put_inverse_cipher(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);
	struct assembler *a = &t->a;

	(void)how;
	vex(a, V_PSHUFB, XMM(0), o.a, constant(t, REVERSED));
	vex(a, V_PSHUFB, XMM(1), o.b, constant(t, REVERSED));
	vex(a, V_AESDECLAST, XMM(0), XMM(0), X(1));
	vex(a, V_AESIMC, XMM(0), NO_SECOND, X(0));
	vex(a, V_PSHUFB, vsr_target(t, o.t), XMM(0), constant(t, REVERSED));
	vsr_done(t, o.t);
}

static void put_carryless_sum(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operands(t, insn, 0);

	(void)how;
	vex_imm(&t->a, V_PCLMULQDQ, XMM(0), o.a, o.rm_b, 0x00);
	vex_imm(&t->a, V_PCLMULQDQ, XMM(1), o.a, o.rm_b, 0x11);
	vex(&t->a, V_PXOR, vsr_target(t, o.t), XMM(0), X(1));
	vsr_done(t, o.t);
}

/* @to ^= @from rotated to the right, through XMM2; or it becomes that, if @first */
static void xor_rotated(struct assembler *a, bool doublewords, unsigned to, unsigned from,
			unsigned by, bool first)
{
	const unsigned bits = doublewords ? 64 : 32;

	vex_shift(a, doublewords ? SHIFT_QWORDS_RIGHT : SHIFT_DWORDS_RIGHT, first ? to : XMM(2),
		  from, by);
	if (!first)
		vex(a, V_PXOR, to, to, X(2));
	vex_shift(a, doublewords ? SHIFT_QWORDS_LEFT : SHIFT_DWORDS_LEFT, XMM(2), from, bits - by);
	vex(a, V_PXOR, to, to, X(2));
}

/* @to = a SHA-2 function of @from: three rotations, or two and a shift */
static void sigma(struct assembler *a, bool doublewords, unsigned to, unsigned from,
		  const uint8_t amounts[3], bool rotate_third)
{
	xor_rotated(a, doublewords, to, from, amounts[0], true);
	xor_rotated(a, doublewords, to, from, amounts[1], false);
	if (rotate_third) {
		xor_rotated(a, doublewords, to, from, amounts[2], false);
		return;
	}
	vex_shift(a, doublewords ? SHIFT_QWORDS_RIGHT : SHIFT_DWORDS_RIGHT, XMM(2), from,
		  amounts[2]);
	vex(a, V_PXOR, to, to, X(2));
}

/* The same where the host rotates, and has one instruction for both sums */
static void sigma_at_once(struct assembler *a, bool doublewords, unsigned to, unsigned from,
			  const uint8_t amounts[3], bool rotate_third)
{
	evex_rotate(a, doublewords, to, from, amounts[0]);
	evex_rotate(a, doublewords, XMM(2), from, amounts[1]);
	if (rotate_third)
		evex_rotate(a, doublewords, XMM(3), from, amounts[2]);
	else
		vex_shift(a, doublewords ? SHIFT_QWORDS_RIGHT : SHIFT_DWORDS_RIGHT, XMM(3), from,
			  amounts[2]);
	evex_imm(a, V_PTERNLOG, to, XMM(2), XMM(3), TERNARY_XOR);
}

#define SIGMA_DOUBLEWORDS 1u
#define SIGMA_AT_ONCE	  2u

/*
 * ST selects a pair of functions, SIX one of them for each element. FIPS 180-4, section 4.1. @how:
 * SIGMA_*
 */
static void put_sigma(struct translation *t, uint32_t insn, unsigned how)
{
	static const uint8_t amounts[2][4][3] = {
		{ { 7, 18, 3 }, { 17, 19, 10 }, { 2, 13, 22 }, { 6, 11, 25 } },
		{ { 1, 8, 7 }, { 19, 61, 6 }, { 28, 34, 39 }, { 14, 18, 41 } },
	};
	void (*const put)(struct assembler *, bool, unsigned, unsigned, const uint8_t *, bool) =
		how & SIGMA_AT_ONCE ? sigma_at_once : sigma;
	const bool doublewords = how & SIGMA_DOUBLEWORDS;
	const unsigned st = FIELD(insn, 16, 16), n_t = 32 + F_RT(insn);
	const unsigned from = vsr(t, 32 + F_RA(insn));
	unsigned six = FIELD(insn, 17, 20);

	/* Bit i: the function for word i from the right. Of doublewords every other one counts. */
	if (doublewords)
		six = (six >> 3 & 1) * 12 | (six >> 1 & 1) * 3;
	else
		six &= 15;
	if (six != 15)
		put(&t->a, doublewords, XMM(0), from, amounts[doublewords][2 * st], st);
	if (six)
		put(&t->a, doublewords, XMM(1), from, amounts[doublewords][2 * st + 1], st);
	vex_imm(&t->a, V_PBLENDD, vsr_target(t, n_t), six == 15 ? XMM(1) : XMM(0),
		six ? X(1) : X(0), six);
	vsr_done(t, n_t);
}

/* ---- signs of doubles, moves of them ---- */

/* T = B op a constant, which leaves only the left doubleword. @how: op, the constant << 24 */
static void put_sign_scalar(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operand_b(t, insn, XX_FORM);

	vex(&t->a, V_PAND, XMM(0), o.b, constant(t, HIGH_ONES));
	vex(&t->a, how & 0xffffff, vsr_target(t, o.t), XMM(0), constant(t, how >> 24));
	vsr_done(t, o.t);
}

static void put_sign_vector(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operands o = operand_b(t, insn, XX_FORM);

	vex(&t->a, how & 0xffffff, vsr_target(t, o.t), o.b, constant(t, how >> 24));
	vsr_done(t, o.t);
}

/* ---- which ---- */

#define LANES(name, how_)                                                            \
	{                                                                            \
		.sem = sem_##name, .put = put_lanes, .how = how_, .needs = HOST_AVX2 \
	}
#define BY(put_, name, how_)                                                    \
	{                                                                       \
		.sem = sem_##name, .put = put_, .how = how_, .needs = HOST_AVX2 \
	}

const struct sem_recipe vector_recipes[] = {
	LANES(vaddubm, V_PADDB),
	LANES(vadduhm, V_PADDW),
	LANES(vadduwm, V_PADDD),
	LANES(vaddudm, V_PADDQ),
	LANES(vsububm, V_PSUBB),
	LANES(vsubuhm, V_PSUBW),
	LANES(vsubuwm, V_PSUBD),
	LANES(vsubudm, V_PSUBQ),
	LANES(vavgub, V_PAVGB),
	LANES(vavguh, V_PAVGW),
	LANES(vmaxub, V_PMAXUB),
	LANES(vmaxuh, V_PMAXUW),
	LANES(vmaxuw, V_PMAXUD),
	LANES(vmaxsb, V_PMAXSB),
	LANES(vmaxsh, V_PMAXSW),
	LANES(vmaxsw, V_PMAXSD),
	LANES(vminub, V_PMINUB),
	LANES(vminuh, V_PMINUW),
	LANES(vminuw, V_PMINUD),
	LANES(vminsb, V_PMINSB),
	LANES(vminsh, V_PMINSW),
	LANES(vminsw, V_PMINSD),
	LANES(vmuluwm, V_PMULLD),
	LANES(vand, V_PAND),
	LANES(vandc, V_PANDN | SWAPPED),
	LANES(vor, V_POR),
	LANES(vxor, V_PXOR),
	LANES(vnor, V_POR | INVERTED),
	LANES(vnand, V_PAND | INVERTED),
	LANES(veqv, V_PXOR | INVERTED),
	LANES(xxland, V_PAND | XX_FORM),
	LANES(xxlandc, V_PANDN | SWAPPED | XX_FORM),
	LANES(xxlor, V_POR | XX_FORM),
	LANES(xxlxor, V_PXOR | XX_FORM),
	LANES(xxlnor, V_POR | INVERTED | XX_FORM),
	LANES(xxlnand, V_PAND | INVERTED | XX_FORM),
	LANES(xxleqv, V_PXOR | INVERTED | XX_FORM),
	LANES(vmrghb, V_PUNPCKHBW | SWAPPED),
	LANES(vmrghh, V_PUNPCKHWD | SWAPPED),
	LANES(vmrghw, V_PUNPCKHDQ | SWAPPED),
	LANES(vmrglb, V_PUNPCKLBW | SWAPPED),
	LANES(vmrglh, V_PUNPCKLWD | SWAPPED),
	LANES(vmrglw, V_PUNPCKLDQ | SWAPPED),
	LANES(xxmrghw, V_PUNPCKHDQ | SWAPPED | XX_FORM),
	LANES(xxmrglw, V_PUNPCKLDQ | SWAPPED | XX_FORM),
	BY(put_or_complement, vorc, 0),
	BY(put_or_complement, xxlorc, XX_FORM),
	BY(put_absolute_difference, vabsdub, 0),
	BY(put_absolute_difference, vabsduh, 1),
	BY(put_absolute_difference, vabsduw, 2),
	BY(put_negate, vnegw, V_PSUBD),
	BY(put_negate, vnegd, V_PSUBQ),
	BY(put_vector_compare, vcmpequb, V_PCMPEQB),
	BY(put_vector_compare, vcmpequh, V_PCMPEQW),
	BY(put_vector_compare, vcmpequw, V_PCMPEQD),
	BY(put_vector_compare, vcmpequd, V_PCMPEQQ),
	BY(put_vector_compare, vcmpgtsb, V_PCMPGTB),
	BY(put_vector_compare, vcmpgtsh, V_PCMPGTW),
	BY(put_vector_compare, vcmpgtsw, V_PCMPGTD),
	BY(put_vector_compare, vcmpgtsd, V_PCMPGTQ),
	BY(put_vector_compare, vcmpneb, V_PCMPEQB | INVERTED),
	BY(put_vector_compare, vcmpneh, V_PCMPEQW | INVERTED),
	BY(put_vector_compare, vcmpnew, V_PCMPEQD | INVERTED),
	BY(put_compare_numbers, xvcmpeqdp, V_CMPPD | XX_FORM | PREDICATE(COMPARE_EQ)),
	BY(put_compare_numbers, xvcmpgtdp, V_CMPPD | XX_FORM | PREDICATE(COMPARE_LT) | SWAPPED),
	BY(put_compare_numbers, xvcmpgedp, V_CMPPD | XX_FORM | PREDICATE(COMPARE_LE) | SWAPPED),
	BY(put_compare_numbers, xvcmpeqsp, V_CMPPS | XX_FORM | PREDICATE(COMPARE_EQ)),
	BY(put_compare_numbers, xvcmpgtsp, V_CMPPS | XX_FORM | PREDICATE(COMPARE_LT) | SWAPPED),
	BY(put_compare_numbers, xvcmpgesp, V_CMPPS | XX_FORM | PREDICATE(COMPARE_LE) | SWAPPED),
	BY(put_extremum, xvmaxdp, MAXIMUM_OF_DOUBLES),
	BY(put_extremum, xvmindp, MINIMUM_OF_DOUBLES),
	BY(put_extremum, xvmaxsp, MAXIMUM_OF_SINGLES),
	BY(put_extremum, xvminsp, MINIMUM_OF_SINGLES),
	BY(put_greater_unsigned, vcmpgtub, 0),
	BY(put_greater_unsigned, vcmpgtuh, 1),
	BY(put_greater_unsigned, vcmpgtuw, 2),
	BY(put_greater_unsigned_doublewords, vcmpgtud, 0),
	BY(put_not_equal_or_zero, vcmpnezb, V_PCMPEQB),
	BY(put_not_equal_or_zero, vcmpnezh, V_PCMPEQW),
	BY(put_not_equal_or_zero, vcmpnezw, V_PCMPEQD),
	BY(put_shift, vslw, V_PSLLVD),
	BY(put_shift, vsrw, V_PSRLVD),
	BY(put_shift, vsraw, V_PSRAVD),
	BY(put_shift, vsld, V_PSLLVQ),
	BY(put_shift, vsrd, V_PSRLVQ),
	{ .sem = sem_vrlw, .put = put_rotate_at_once, .how = V_PROLVD, .needs = HOST_AVX512 },
	{ .sem = sem_vrld, .put = put_rotate_at_once, .how = V_PROLVQ, .needs = HOST_AVX512 },
	BY(put_rotate, vrlw, false),
	BY(put_rotate, vrld, true),
	BY(put_shift_doublewords_algebraic, vsrad, 0),
	BY(put_shift_halfwords, vslh, LEFT),
	BY(put_shift_halfwords, vsrh, RIGHT),
	BY(put_shift_halfwords, vsrah, ALGEBRAIC),
	BY(put_shift_bytes, vslb, LEFT),
	BY(put_shift_bytes, vsrb, RIGHT),
	BY(put_shift_bytes, vsrab, ALGEBRAIC),
	BY(put_shift_bits, vsl, false),
	BY(put_shift_bits, vsr, true),
	BY(put_shift_octets, vslo, false),
	BY(put_shift_octets, vsro, true),
	BY(put_multiply_words, vmulouw, V_PMULUDQ),
	BY(put_multiply_words, vmuleuw, V_PMULUDQ | SWAPPED),
	BY(put_multiply_words, vmulosw, V_PMULDQ),
	BY(put_multiply_words, vmulesw, V_PMULDQ | SWAPPED),
	BY(put_multiply_halfwords, vmulouh, 0),
	BY(put_multiply_halfwords, vmuleuh, HALFWORDS_EVEN),
	BY(put_multiply_halfwords, vmulosh, HALFWORDS_SIGNED),
	BY(put_multiply_halfwords, vmulesh, HALFWORDS_SIGNED | HALFWORDS_EVEN),
	BY(put_multiply_bytes, vmuloub, 0),
	BY(put_multiply_bytes, vmuleub, HALFWORDS_EVEN),
	BY(put_multiply_bytes, vmulosb, HALFWORDS_SIGNED),
	BY(put_multiply_bytes, vmulesb, HALFWORDS_SIGNED | HALFWORDS_EVEN),
	BY(put_multiply_add, vmladduhm, V_PMULLW | SWAPPED),
	BY(put_multiply_add, vmsumshm, V_PMADDWD),
	BY(put_quadword, vadduqm, 0),
	BY(put_quadword, vsubuqm, QUAD_SUBTRACT),
	BY(put_quadword, vaddcuq, QUAD_CARRY),
	BY(put_quadword, vsubcuq, QUAD_CARRY | QUAD_SUBTRACT),
	BY(put_quadword, vaddeuqm, QUAD_EXTENDED),
	BY(put_quadword, vsubeuqm, QUAD_EXTENDED | QUAD_SUBTRACT),
	BY(put_quadword, vaddecuq, QUAD_EXTENDED | QUAD_CARRY),
	BY(put_quadword, vsubecuq, QUAD_EXTENDED | QUAD_CARRY | QUAD_SUBTRACT),
	BY(put_select, vsel, 0),
	BY(put_select, xxsel, XX_FORM),
	BY(put_permute, vperm, false),
	BY(put_permute, vpermr, true),
	BY(put_permute_target, xxperm, false),
	BY(put_permute_target, xxpermr, true),
	BY(put_shift_double, vsldoi, 0),
	BY(put_shift_double, xxsldwi, XX_FORM),
	BY(put_permute_doublewords, xxpermdi, 0),
	BY(put_merge_words, vmrgew, false),
	BY(put_merge_words, vmrgow, true),
	BY(put_splat, vspltb, 1),
	BY(put_splat, vsplth, 2),
	BY(put_splat_word, vspltw, 0),
	BY(put_splat_word, xxspltw, XX_FORM),
	BY(put_splat_immediate, vspltisb, 1),
	BY(put_splat_immediate, vspltish, 2),
	BY(put_splat_immediate, vspltisw, 4),
	BY(put_splat_immediate_byte, xxspltib, 0),
	BY(put_pack, vpkuhum, V_PACKUSWB),
	BY(put_pack, vpkuwum, V_PACKUSDW),
	BY(put_pack_doublewords, vpkudum, 0),
	BY(put_unpack, vupkhsb, V_PMOVSXBW | SWAPPED),
	BY(put_unpack, vupkhsh, V_PMOVSXWD | SWAPPED),
	BY(put_unpack, vupkhsw, V_PMOVSXDQ | SWAPPED),
	BY(put_unpack, vupklsb, V_PMOVSXBW),
	BY(put_unpack, vupklsh, V_PMOVSXWD),
	BY(put_unpack, vupklsw, V_PMOVSXDQ),
	BY(put_mtvsr, mtvsrd, OP_MOV | WIDE << 16),
	BY(put_mtvsr, mtvsrwz, OP_MOV),
	BY(put_mtvsr, mtvsrwa, OP_MOVSXD | WIDE << 16),
	BY(put_mtvsrdd, mtvsrdd, 0),
	BY(put_mtvsrws, mtvsrws, 0),
	BY(put_mfvsr, mfvsrd, 0),
	BY(put_mfvsr, mfvsrld, 1),
	BY(put_mfvsr, mfvsrwz, 2),
	BY(put_extract_byte, vextublx, false),
	BY(put_extract_byte, vextubrx, true),
	BY(put_count_even_bytes, vclzlsbb, false),
	BY(put_count_even_bytes, vctzlsbb, true),
	BY(put_load_for_shift, lvsl, false),
	BY(put_load_for_shift, lvsr, true),
	BY(put_permute_bits, vbpermq, 0),
	BY(put_transpose_bits, vgbbd, 0),
	{ .sem = sem_vshasigmaw, .put = put_sigma, .how = SIGMA_AT_ONCE, .needs = HOST_AVX512 },
	{ .sem = sem_vshasigmad,
	  .put = put_sigma,
	  .how = SIGMA_AT_ONCE | SIGMA_DOUBLEWORDS,
	  .needs = HOST_AVX512 },
	BY(put_sigma, vshasigmaw, 0),
	BY(put_sigma, vshasigmad, SIGMA_DOUBLEWORDS),
	BY(put_sign_scalar, xsabsdp, V_PAND | HIGH_MAGNITUDE << 24),
	BY(put_sign_scalar, xsnabsdp, V_POR | HIGH_SIGN << 24),
	BY(put_sign_scalar, xsnegdp, V_PXOR | HIGH_SIGN << 24),
	BY(put_sign_vector, xvabsdp, V_PAND | MAGNITUDES << 24),
	BY(put_sign_vector, xvnabsdp, V_POR | SIGNS << 24),
	BY(put_sign_vector, xvnegdp, V_PXOR | SIGNS << 24),
	{ .sem = sem_vsbox, .put = put_substitute_bytes, .needs = HOST_AES },
	{ .sem = sem_vcipher, .put = put_cipher, .how = V_AESENC, .needs = HOST_AES },
	{ .sem = sem_vcipherlast, .put = put_cipher, .how = V_AESENCLAST, .needs = HOST_AES },
	{ .sem = sem_vncipherlast, .put = put_cipher, .how = V_AESDECLAST, .needs = HOST_AES },
	{ .sem = sem_vncipher, .put = put_inverse_cipher, .needs = HOST_AES },
	{ .sem = sem_vpmsumd, .put = put_carryless_sum, .needs = HOST_PCLMUL },
	{ .sem = NULL },
};
