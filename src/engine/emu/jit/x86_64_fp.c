/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emitter for x86-64: floating point.
 *
 * Arithmetic is the host's where its result and the FPSCR are provably those of the soft functions:
 *
 * - FPSCR[RN] is 0, round to nearest, as the host rounds, and FPSCR[XE] is 0, so that an inexact
 *   result raises no interrupt and leaves FEX alone. The other enabled exceptions do not occur:
 * - the result is a normal number, hence neither operand is infinite or a NaN, there is no
 *   overflow, and no division by zero. Its exponent is at least LEAST_EXPONENT (which a sum's need
 *   not be, as a tiny sum is exact, and not normal), so the exact result is not tiny either.
 * - The host's result is then the exact one, correctly rounded: both follow IEEE 754. The error,
 *   exact minus rounded, tells FI (it is not zero) and FR (its sign is not the result's: rounding
 *   made the magnitude greater). For a sum it is Knuth's TwoSum, no step of which overflows unless
 *   the sum's exponent is the greatest, which is left to the interpreter. For a product it is
 *   a * b - r, and for a quotient it has the sign of (a - r * b) / b, both by a fused multiply-add.
 *   These errors are doubles: multiples of 2^-105 times the product or the dividend, whose
 *   exponents keep them above the least denormal number. A root's error is found as a quotient's.
 * - Or the result is zero: a sum that is, a product with a zero, an integer. It is exact then.
 *
 * Each element of a vector must meet these conditions, with an exponent of at most GREATEST_OF_FMA
 * or GREATEST_OF_SINGLES. A vector's instruction leaves FR, FI and FPRF alone. An error sets XX and
 * FX and nothing else, so the code does not look for one once XX is set.
 *
 * Anything else is left to the interpreter before it has changed anything.
 */
#include "engine/emu/fp/fpu.h"
#include "engine/emu/insn/insn.h"
#include "engine/emu/jit/x86_64.h"

/* Of a single, as a double; a result just above the tiny ones may have been one. */
#define LEAST_OF_SINGLE	   (1023 - 126 + 1)
#define GREATEST_OF_SINGLE (1023 + 127)

/* @how: the registers of the VSX form, any VSR; else FPRs, and Rc */
#define VSX_FORM  0x100
#define FORM(how) ((how)&0xff)
/* All elements of vectors, in the VSX form; neither: a scalar */
#define DOUBLES	  0x800
#define SINGLES	  0x1000

static unsigned number_t(uint32_t insn, unsigned how)
{
	return how & VSX_FORM ? F_XT(insn) : F_RT(insn);
}

static unsigned number_a(uint32_t insn, unsigned how)
{
	return how & VSX_FORM ? F_XA(insn) : F_RA(insn);
}

static unsigned number_b(uint32_t insn, unsigned how)
{
	return how & VSX_FORM ? F_XB(insn) : F_RB(insn);
}

/* @x = the double in VSR @n */
static void load_double(struct translation *t, unsigned x, unsigned n)
{
	vex(&t->a, V_MOVQ, x, NO_SECOND, vsr_home(n, 8));
}

/* VSR @n = the double in @x, which is its only element */
static void store_double(struct translation *t, unsigned n, unsigned x)
{
	vex_shift(&t->a, SHIFT_BYTES_LEFT, vsr_target(t, n), x, 8);
	vsr_done(t, n);
}

/* The host's instruction for the elements, by that for one double */
static unsigned of(unsigned how, unsigned opcode)
{
	if (!(how & (DOUBLES | SINGLES)))
		return opcode;
	if (opcode & VEX_W) /* fused */
		return (opcode & ~1u) ^ (how & SINGLES ? VEX_W : 0);
	return (opcode & ~VEX(3, 0, 0)) | (how & DOUBLES ? VEX(1, 0, 0) : 0);
}

/* Of the elements; of doubles, if it is a scalar */
static struct operand signs(const struct translation *t, unsigned how)
{
	return constant(t, how & SINGLES ? SIGNS_OF_WORDS : SIGNS);
}

/* CR1 of a record form */
static void put_cr1(struct translation *t, uint32_t insn, unsigned how)
{
	if (how & VSX_FORM || !F_REC(insn))
		return;
	op(&t->a, 0, OP_MOV, RAX, AT_CPU(fpscr));
	op_imm8(&t->a, 0, OP_SHIFT, SHIFT_RIGHT, in_register(RAX), 28);
	store_byte(t, RAX, AT_CPU(cr[1]));
}

/* ---- moves ---- */

enum move {
	MOVE,
	NEGATE,
	MAGNITUDE,
	NEGATIVE,
	COPY_SIGN
};

static void put_move(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	load_double(t, XMM(0), number_b(insn, how));
	if (FORM(how) == NEGATE)
		vex(a, V_PXOR, XMM(0), XMM(0), constant(t, SIGNS));
	else if (FORM(how) == NEGATIVE)
		vex(a, V_POR, XMM(0), XMM(0), constant(t, SIGNS));
	else if (FORM(how) != MOVE)
		vex(a, V_PAND, XMM(0), XMM(0), constant(t, MAGNITUDES));
	if (FORM(how) == COPY_SIGN) {
		load_double(t, XMM(1), number_a(insn, how));
		vex(a, V_PAND, XMM(1), XMM(1), constant(t, SIGNS));
		vex(a, V_POR, XMM(0), XMM(0), in_register(XMM(1)));
	}
	store_double(t, number_t(insn, how), XMM(0));
	put_cr1(t, insn, how);
}

/* ---- comparison ---- */

/* A NaN is the interpreter's. What is left raises nothing, ordered or not. */
static void put_compare_doubles(struct translation *t, uint32_t insn, unsigned how)
{
	struct operand lt = { .kind = AT_CODE, .code = shared(t, t->e->order) };
	struct operand gt = { .kind = AT_CODE, .code = shared(t, t->e->order) + 4 };
	struct assembler *a = &t->a;

	load_double(t, XMM(0), number_a(insn, how));
	vex(a, V_UCOMISD, XMM(0), NO_SECOND, vsr_home(number_b(insn, how), 8));
	interpret_if(t, IF_PARITY);
	op_constant(a, RAX, CR_EQ);
	op(a, 0, OP_CMOVCC(IF_BELOW), RAX, lt);
	op(a, 0, OP_CMOVCC(IF_ABOVE), RAX, gt);
	store_byte(t, RAX, at_base(CPU, (int32_t)(offsetof(struct cpu, cr) + F_BF(insn)) - BIAS));
	op_imm8(a, 0, OP_SHIFT, SHIFT_LEFT, in_register(RAX), FPSCR_FPRF_SHIFT);
	op_imm(a, 0, OP_AND, AT_CPU(fpscr), ~(int32_t)FPSCR_FPCC);
	op(a, 0, OP_OR_STORE, RAX, AT_CPU(fpscr));
}

/* ---- arithmetic ---- */

/* Beside a form: to single, which is kept as a double */
#define TO_SINGLE 0x200

enum arithmetic {
	ADD,
	SUBTRACT,
	MULTIPLY,
	DIVIDE,
	SQUARE_ROOT
};

/* The exponent of the double in @r must be one of these, else go on in the interpreter. */
static void need_exponent(struct translation *t, unsigned r, unsigned least, unsigned greatest)
{
	struct assembler *a = &t->a;

	op(a, WIDE, OP_LEA, RCX, at_index(r, r, 0, 0));
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), 53);
	op_imm(a, 0, OP_SUB, in_register(RCX), (int32_t)least);
	op_imm(a, 0, OP_CMP, in_register(RCX), (int32_t)(greatest - least));
	interpret_if(t, IF_ABOVE);
}

static void need_normal(struct translation *t, unsigned x)
{
	vex(&t->a, V_TO_GPR | VEX_W, x, NO_SECOND, in_register(RAX));
	need_exponent(t, RAX, LEAST_EXPONENT, GREATEST_EXPONENT);
}

/* Rounding must be to nearest, and no interrupt may come from an inexact result. */
static void need_usual_rounding(struct translation *t)
{
	op_test_byte(&t->a, AT_CPU(fpscr), FPSCR_RN | FPSCR_XE);
	interpret_if(t, IF_NOT_EQUAL);
}

/* XMM2 = the result for XMM0 and XMM1, rounded. The sign of a subtrahend is changed before. */
static void put_rounded(struct assembler *a, unsigned how)
{
	static const unsigned opcodes[] = { [ADD] = V_ADDSD,
					    [SUBTRACT] = V_ADDSD,
					    [MULTIPLY] = V_MULSD,
					    [DIVIDE] = V_DIVSD,
					    [SQUARE_ROOT] = V_SQRTSD };
	const bool packed_root = FORM(how) == SQUARE_ROOT && how & (DOUBLES | SINGLES);
	const unsigned second = FORM(how) == SQUARE_ROOT ? XMM(0) : XMM(1);

	vex(a, of(how, opcodes[FORM(how)]), XMM(2), packed_root ? NO_SECOND : XMM(0),
	    in_register(second));
}

/*
 * XMM0 = the error of the sum or the product in XMM2; of a quotient or a root a number that is zero
 * if the error is, and has its sign, or that times the divisor's. A sum takes XMM1 and XMM3.
 */
static void put_error_of_rounded(struct assembler *a, unsigned how)
{
	switch (FORM(how)) {
	case MULTIPLY:
		vex(a, of(how, V_FMSUB213SD), XMM(0), XMM(1), in_register(XMM(2)));
		break;
	case DIVIDE:
		vex(a, of(how, V_FNMADD231SD), XMM(0), XMM(2), in_register(XMM(1)));
		break;
	case SQUARE_ROOT:
		vex(a, of(how, V_FNMADD231SD), XMM(0), XMM(2), in_register(XMM(2)));
		break;
	default:
		vex(a, of(how, V_SUBSD), XMM(3), XMM(2), in_register(XMM(0)));
		vex(a, of(how, V_SUBSD), XMM(1), XMM(1), in_register(XMM(3)));
		vex(a, of(how, V_SUBSD), XMM(3), XMM(2), in_register(XMM(3)));
		vex(a, of(how, V_SUBSD), XMM(0), XMM(0), in_register(XMM(3)));
		vex(a, of(how, V_ADDSD), XMM(0), XMM(0), in_register(XMM(1)));
		break;
	}
}

/*
 * XMM2, with the error in XMM0, becomes a single. Rounding twice is rounding once, unless the first
 * rounding made a tie of what was none. What the second one takes away is at least a unit of the
 * double's last place, so it decides the sign of the whole error, if it is not zero.
 */
static void to_single(struct translation *t)
{
	struct assembler *a = &t->a;
	uint8_t *no_tie, *no_more;

	vex(a, V_TO_GPR, XMM(2), NO_SECOND, in_register(RAX));
	op_imm(a, 0, OP_AND, in_register(RAX), 0x1fffffff);
	op_imm(a, 0, OP_CMP, in_register(RAX), 0x10000000);
	no_tie = op_jump_if(a, IF_NOT_EQUAL);
	vex(a, V_TO_GPR | VEX_W, XMM(0), NO_SECOND, in_register(RAX));
	op(a, WIDE, OP_ADD, RAX, in_register(RAX));
	interpret_if(t, IF_NOT_EQUAL);
	jump_to(no_tie, a->at);
	vex(a, V_CVTSD2SS, XMM(3), XMM(2), in_register(XMM(2)));
	vex(a, V_CVTSS2SD, XMM(3), XMM(3), in_register(XMM(3)));
	vex(a, V_SUBSD, XMM(1), XMM(2), in_register(XMM(3)));
	vex(a, V_MOVDQU, XMM(2), NO_SECOND, in_register(XMM(3)));
	vex(a, V_TO_GPR | VEX_W, XMM(1), NO_SECOND, in_register(RAX));
	op(a, WIDE, OP_ADD, RAX, in_register(RAX));
	no_more = op_jump_if(a, IF_EQUAL);
	vex(a, V_MOVDQU, XMM(0), NO_SECOND, in_register(XMM(1)));
	jump_to(no_more, a->at);
}

/* RCX: what a result sets; FR, FI, XX and FX by the result in RAX and the error in RDX */
static void put_error(struct assembler *a)
{
	uint8_t *exact, *not_new;

	op(a, WIDE, OP_XOR, RAX, in_register(RDX));
	op(a, WIDE, OP_ADD, RDX, in_register(RDX));
	exact = op_jump_if(a, IF_EQUAL);
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RAX), 63);
	op_imm8(a, 0, OP_SHIFT, SHIFT_LEFT, in_register(RAX), __builtin_ctzll(FPSCR_FR));
	op(a, 0, OP_OR, RCX, in_register(RAX));
	op_imm(a, 0, OP_OR, in_register(RCX), (int32_t)FPSCR_FI);
	op_test_byte(a, at_cpu(offsetof(struct cpu, fpscr) + 3), FPSCR_XX >> 24);
	not_new = op_jump_if(a, IF_NOT_EQUAL);
	op_imm(a, 0, OP_OR, in_register(RCX), (int32_t)(uint32_t)(FPSCR_XX | FPSCR_FX));
	jump_to(not_new, a->at);
	jump_to(exact, a->at);
	op(a, 0, OP_OR_STORE, RCX, AT_CPU(fpscr));
}

/* FPRF by the result in RAX; the rest by the error in RDX */
static void put_fpscr(struct assembler *a)
{
	op_mov(a, RCX, RAX);
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), 63);
	op_imm(a, 0, OP_ADD, in_register(RCX), 1); /* 4 is positive, 8 is negative */
	op_imm8(a, 0, OP_SHIFT, SHIFT_LEFT, in_register(RCX), FPSCR_FPRF_SHIFT + 2);
	op_imm(a, 0, OP_AND, AT_CPU(fpscr), ~(int32_t)(FPSCR_FR | FPSCR_FI | FPSCR_FPRF));
	put_error(a);
}

/* The same of an exact zero: 2, and 16 if it is negative */
static void put_fpscr_of_zero(struct assembler *a)
{
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RAX), 63);
	op_imm8(a, 0, OP_SHIFT, SHIFT_LEFT, in_register(RAX), 4);
	op_imm(a, 0, OP_OR, in_register(RAX), 2);
	op_imm8(a, 0, OP_SHIFT, SHIFT_LEFT, in_register(RAX), FPSCR_FPRF_SHIFT);
	op_imm(a, 0, OP_AND, AT_CPU(fpscr), ~(int32_t)(FPSCR_FR | FPSCR_FI | FPSCR_FPRF));
	op(a, 0, OP_OR_STORE, RAX, AT_CPU(fpscr));
}

/*
 * The result: XMM2, of the error XMM0. If it is zero, it is exact. Otherwise its exponent must be
 * at least @least, and at most that of a sum.
 */
static void put_result(struct translation *t, uint32_t insn, unsigned how, unsigned least)
{
	const bool single = how & TO_SINGLE;
	struct assembler *a = &t->a;
	uint8_t *zero, *finished;

	vex(a, V_TO_GPR | VEX_W, XMM(2), NO_SECOND, in_register(RAX));
	op(a, WIDE, OP_LEA, RCX, at_index(RAX, RAX, 0, 0));
	op(a, WIDE, OP_TEST, RCX, in_register(RCX));
	zero = op_jump_if(a, IF_EQUAL);
	if (single) {
		to_single(t);
		vex(a, V_TO_GPR | VEX_W, XMM(2), NO_SECOND, in_register(RAX));
	}
	need_exponent(t, RAX, single ? LEAST_OF_SINGLE : least,
		      single ? GREATEST_OF_SINGLE : GREATEST_OF_SUM);
	vex(a, V_TO_GPR | VEX_W, XMM(0), NO_SECOND, in_register(RDX));
	put_fpscr(a);
	finished = op_jump(a);
	jump_to(zero, a->at);
	put_fpscr_of_zero(a);
	jump_to(finished, a->at);
	store_double(t, number_t(insn, how), XMM(2));
	put_cr1(t, insn, how);
}

/* Unless the product XMM2 is zero because a factor is, its exponent must be such a one. */
static void need_product(struct translation *t, unsigned greatest)
{
	struct assembler *a = &t->a;
	uint8_t *zero, *other;

	vex(a, V_PXOR, XMM(3), XMM(3), in_register(XMM(3)));
	vex(a, V_UCOMISD, XMM(0), NO_SECOND, in_register(XMM(3)));
	zero = op_jump_if(a, IF_EQUAL);
	vex(a, V_UCOMISD, XMM(1), NO_SECOND, in_register(XMM(3)));
	other = op_jump_if(a, IF_EQUAL);
	vex(a, V_MULSD, XMM(3), XMM(0), in_register(XMM(1)));
	vex(a, V_TO_GPR | VEX_W, XMM(3), NO_SECOND, in_register(RAX));
	need_exponent(t, RAX, LEAST_EXPONENT, greatest);
	jump_to(zero, a->at);
	jump_to(other, a->at);
}

static void put_arithmetic(struct translation *t, uint32_t insn, unsigned how)
{
	const enum arithmetic what = FORM(how);
	const unsigned second = what == MULTIPLY && !(how & VSX_FORM) ? F_RC(insn) :
									number_b(insn, how);
	struct assembler *a = &t->a;
	unsigned least = LEAST_EXPONENT;

	need_usual_rounding(t);
	load_double(t, XMM(0), what < SQUARE_ROOT ? number_a(insn, how) : second);
	if (what < SQUARE_ROOT)
		load_double(t, XMM(1), second);
	switch (what) {
	case DIVIDE:
	case SQUARE_ROOT:
		need_normal(t, XMM(0));
		break;
	case MULTIPLY:
		need_product(t, GREATEST_EXPONENT);
		break;
	case SUBTRACT:
		vex(a, V_PXOR, XMM(1), XMM(1), signs(t, how));
		least = 1;
		break;
	default:
		least = 1;
		break;
	}
	put_rounded(a, how);
	put_error_of_rounded(a, how);
	if (what == DIVIDE) {
		vex(a, V_PAND, XMM(1), XMM(1), signs(t, how));
		vex(a, V_PXOR, XMM(0), XMM(0), in_register(XMM(1)));
	}
	if (what == DIVIDE || what == SQUARE_ROOT)
		need_normal(t, XMM(2)); /* a zero is no exact one */
	put_result(t, insn, how, least);
}

static void put_round_to_single(struct translation *t, uint32_t insn, unsigned how)
{
	need_usual_rounding(t);
	load_double(t, XMM(2), number_b(insn, how));
	vex(&t->a, V_PXOR, XMM(0), XMM(0), in_register(XMM(0)));
	put_result(t, insn, how, 1);
}

/* ---- a product and a sum, rounded once ---- */

/* How: FMA_*, and whether a VSX form has the sum or a factor in its target */
#define TARGET_IS_FACTOR 0x400

struct fma_operands {
	unsigned a, c, addend; /* VSRs */
};

static struct fma_operands fma_operands(uint32_t insn, unsigned how)
{
	if (!(how & VSX_FORM))
		return (struct fma_operands){ F_RA(insn), F_RC(insn), F_RB(insn) };
	if (how & TARGET_IS_FACTOR)
		return (struct fma_operands){ F_XA(insn), F_XT(insn), F_XB(insn) };
	return (struct fma_operands){ F_XA(insn), F_XB(insn), F_XT(insn) };
}

/* What the error of a multiply-add needs besides XMM0 to XMM3 */
struct fma_scratch {
	unsigned product, x, y;
};

static struct fma_scratch fma_scratch(struct translation *t)
{
	return (struct fma_scratch){ borrowed_register(t, 0), borrowed_register(t, 1),
				     borrowed_register(t, 2) };
}

/* @x = what is added: the addend at @home, or minus it */
static void load_addend(struct translation *t, unsigned x, struct operand home, unsigned how)
{
	vex(&t->a, how & (DOUBLES | SINGLES) ? V_MOVDQU : V_MOVQ, x, NO_SECOND, home);
	if (how & FMA_SUBTRACT)
		vex(&t->a, V_PXOR, x, x, signs(t, how));
}

/* @sum = @x + @y, then @y = the error. @x is lost. */
static void put_sum_of(struct assembler *a, unsigned how, unsigned sum, unsigned x, unsigned y,
		       const struct fma_scratch *s)
{
	vex(a, of(how, V_ADDSD), sum, x, in_register(y));
	vex(a, of(how, V_SUBSD), s->x, sum, in_register(x));
	vex(a, of(how, V_SUBSD), s->y, sum, in_register(s->x));
	vex(a, of(how, V_SUBSD), x, x, in_register(s->y));
	vex(a, of(how, V_SUBSD), y, y, in_register(s->x));
	vex(a, of(how, V_ADDSD), y, y, in_register(x));
}

/*
 * XMM0 = a number with the sign of the error of XMM2 = XMM0 * XMM1 + the addend at @home.
 *
 * The error of the host's result is the exact sum of two doubles, and has the sign of their rounded
 * sum: S. Boldo, J.-M. Muller, "Exact and approximated error of the FMA", 2011, ErrFmaNearest. It
 * needs a product whose own error is a double, and room above the numbers.
 */
static void put_error_of_fma(struct translation *t, struct operand home, unsigned how,
			     const struct fma_scratch *s)
{
	struct assembler *a = &t->a;

	vex(a, of(how, V_MULSD), s->product, XMM(0), in_register(XMM(1)));
	vex(a, of(how, V_FMSUB213SD), XMM(0), XMM(1), in_register(s->product));
	load_addend(t, XMM(1), home, how);
	put_sum_of(a, how, XMM(3), XMM(1), XMM(0), s);
	put_sum_of(a, how, XMM(1), s->product, XMM(3), s);
	/* The sum of XMM1, XMM3 and XMM0 is exact. */
	vex(a, of(how, V_SUBSD), XMM(1), XMM(1), in_register(XMM(2)));
	vex(a, of(how, V_ADDSD), XMM(1), XMM(1), in_register(XMM(3)));
	vex(a, of(how, V_ADDSD), XMM(0), XMM(0), in_register(XMM(1)));
}

static void put_multiply_add(struct translation *t, uint32_t insn, unsigned how)
{
	const struct fma_operands o = fma_operands(insn, how);
	const struct fma_scratch s = fma_scratch(t);
	struct assembler *a = &t->a;

	need_usual_rounding(t);
	load_double(t, XMM(0), o.a);
	load_double(t, XMM(1), o.c);
	need_product(t, GREATEST_OF_FMA);
	load_addend(t, XMM(2), vsr_home(o.addend, 8), how);
	vex(a, V_FMADD231SD, XMM(2), XMM(0), in_register(XMM(1)));
	put_error_of_fma(t, vsr_home(o.addend, 8), how, &s);
	if (how & FMA_NEGATE) {
		vex(a, V_PXOR, XMM(0), XMM(0), signs(t, how));
		vex(a, V_PXOR, XMM(2), XMM(2), signs(t, how));
	}
	vex(a, V_TO_GPR | VEX_W, XMM(2), NO_SECOND, in_register(RAX));
	need_exponent(t, RAX, 0, GREATEST_OF_FMA);
	put_result(t, insn, how, 1);
}

/* ---- all elements of a vector at once ---- */

static void load_vector(struct translation *t, unsigned x, unsigned n)
{
	vex(&t->a, V_MOVDQU, x, NO_SECOND, in_register(vsr(t, n)));
}

static void store_vector(struct translation *t, unsigned n, unsigned x)
{
	vex(&t->a, V_MOVDQU, vsr_target(t, n), NO_SECOND, in_register(x));
	vsr_done(t, n);
}

/* @zeros = ones in the elements of @x that are zero */
static void find_zeros(struct assembler *a, unsigned zeros, unsigned x, unsigned how)
{
	vex(a, V_PXOR, zeros, zeros, in_register(zeros));
	vex_imm(a, of(how, V_CMPSD), zeros, zeros, in_register(x), COMPARE_EQ);
}

#define NOT_EXCUSED XMM(0)

/* All elements of @x must be in @range, but for those that have ones in @excused. XMM3 is lost. */
static void need_range(struct translation *t, unsigned x, unsigned how, enum number_range range,
		       unsigned excused)
{
	const bool singles = how & SINGLES;
	const enum vector_constant first = (singles ? NORMAL_SINGLES : NORMAL_DOUBLES) + 2 * range;
	struct assembler *a = &t->a;

	vex(a, singles ? V_PADDD : V_PADDQ, XMM(3), x, in_register(x));
	vex(a, singles ? V_PADDD : V_PADDQ, XMM(3), XMM(3), constant(t, first));
	vex(a, singles ? V_PCMPGTD : V_PCMPGTQ, XMM(3), XMM(3), constant(t, first + 1));
	if (excused != NOT_EXCUSED)
		vex(a, V_PANDN, XMM(3), excused, in_register(XMM(3)));
	vex(a, V_PTEST, XMM(3), NO_SECOND, in_register(XMM(3)));
	interpret_if(t, IF_NOT_EQUAL);
}

/* The elements of @x must be accurate, unless they are zero because XMM0 or XMM1 is. */
static void need_products(struct translation *t, unsigned x, unsigned how, unsigned excused,
			  unsigned other)
{
	struct assembler *a = &t->a;

	find_zeros(a, excused, XMM(0), how);
	find_zeros(a, other, XMM(1), how);
	vex(a, V_POR, excused, excused, in_register(other));
	find_zeros(a, other, x, how); /* not a NaN */
	vex(a, V_PAND, excused, excused, in_register(other));
	need_range(t, x, how, ACCURATE, excused);
}

/* The elements of XMM2 must be normal or exactly zero. */
static void need_normal_or_zero(struct translation *t, unsigned how, unsigned excused)
{
	find_zeros(&t->a, excused, XMM(2), how);
	need_range(t, XMM(2), how, NORMAL, excused);
}

static uint8_t *jump_if_inexact_before(struct assembler *a)
{
	op_test_byte(a, at_cpu(offsetof(struct cpu, fpscr) + 3), FPSCR_XX >> 24);
	return op_jump_if(a, IF_NOT_EQUAL);
}

/* Any error in XMM0 is inexact. */
static void put_error_of_vector(struct assembler *a, unsigned how)
{
	uint8_t *exact;

	vex(a, how & SINGLES ? V_PADDD : V_PADDQ, XMM(0), XMM(0), in_register(XMM(0)));
	vex(a, V_PTEST, XMM(0), NO_SECOND, in_register(XMM(0)));
	exact = op_jump_if(a, IF_EQUAL);
	op_imm(a, 0, OP_OR, AT_CPU(fpscr), (int32_t)(uint32_t)(FPSCR_XX | FPSCR_FX));
	jump_to(exact, a->at);
}

static void put_vector_arithmetic(struct translation *t, uint32_t insn, unsigned how)
{
	const enum arithmetic what = FORM(how);
	struct assembler *a = &t->a;
	unsigned excused, other;
	uint8_t *inexact_before;

	need_usual_rounding(t);
	load_vector(t, XMM(0), what == SQUARE_ROOT ? F_XB(insn) : F_XA(insn));
	if (what != SQUARE_ROOT)
		load_vector(t, XMM(1), F_XB(insn));
	excused = borrowed_register(t, 0);
	other = borrowed_register(t, 1);
	if (what == SUBTRACT)
		vex(a, V_PXOR, XMM(1), XMM(1), signs(t, how));
	put_rounded(a, how);
	switch (what) {
	case MULTIPLY:
		need_products(t, XMM(2), how, excused, other);
		break;
	case DIVIDE:
	case SQUARE_ROOT:
		need_range(t, XMM(0), how, ACCURATE, NOT_EXCUSED);
		need_range(t, XMM(2), how, ACCURATE, NOT_EXCUSED);
		break;
	default:
		need_normal_or_zero(t, how, excused);
		break;
	}
	inexact_before = jump_if_inexact_before(a);
	put_error_of_rounded(a, how);
	put_error_of_vector(a, how);
	jump_to(inexact_before, a->at);
	store_vector(t, F_XT(insn), XMM(2));
}

static void put_vector_multiply_add(struct translation *t, uint32_t insn, unsigned how)
{
	const struct fma_operands o = fma_operands(insn, how);
	struct assembler *a = &t->a;
	uint8_t *inexact_before;
	struct fma_scratch s;

	need_usual_rounding(t);
	load_vector(t, XMM(0), o.a);
	load_vector(t, XMM(1), o.c);
	load_addend(t, XMM(2), in_register(vsr(t, o.addend)), how);
	s = fma_scratch(t);
	vex(a, of(how, V_MULSD), s.product, XMM(0), in_register(XMM(1)));
	need_products(t, s.product, how, s.x, s.y);
	vex(a, of(how, V_FMADD231SD), XMM(2), XMM(0), in_register(XMM(1)));
	need_normal_or_zero(t, how, s.x);
	inexact_before = jump_if_inexact_before(a);
	put_error_of_fma(t, vsr_home(o.addend, 0), how, &s);
	put_error_of_vector(a, how);
	jump_to(inexact_before, a->at);
	if (how & FMA_NEGATE)
		vex(a, V_PXOR, XMM(2), XMM(2), signs(t, how));
	store_vector(t, F_XT(insn), XMM(2));
}

/*
 * VMX's: rounding is to nearest, and nothing is raised. Where VSCR[NJ] makes zeros of denormal
 * numbers, or of what is tiny before it is rounded, the interpreter goes on, whatever VSCR[NJ] is.
 */

static void load_vmx(struct translation *t, unsigned x, unsigned r)
{
	unsigned zeros;

	load_vector(t, x, 32 + r);
	zeros = borrowed_register(t, 0);
	find_zeros(&t->a, zeros, x, SINGLES);
	need_range(t, x, SINGLES, NORMAL, zeros);
}

static void store_vmx(struct translation *t, uint32_t insn, unsigned x)
{
	store_vector(t, 32 + F_RT(insn), x);
}

static void put_vmx_sum(struct translation *t, uint32_t insn, unsigned how)
{
	load_vmx(t, XMM(0), F_RA(insn));
	load_vmx(t, XMM(1), F_RB(insn));
	vex(&t->a, of(SINGLES, how), XMM(2), XMM(0), in_register(XMM(1)));
	need_normal_or_zero(t, SINGLES, borrowed_register(t, 0));
	store_vmx(t, insn, XMM(2));
}

/* @how: minus the difference, else the sum */
static void put_vmx_multiply_add(struct translation *t, uint32_t insn, unsigned how)
{
	const struct operand signs = constant(t, SIGNS_OF_WORDS);
	struct assembler *a = &t->a;
	unsigned zeros;

	load_vmx(t, XMM(0), F_RA(insn));
	load_vmx(t, XMM(1), F_RC(insn));
	load_vmx(t, XMM(2), F_RB(insn));
	if (how)
		vex(a, V_PXOR, XMM(2), XMM(2), signs);
	vex(a, of(SINGLES, V_FMADD231SD), XMM(2), XMM(0), in_register(XMM(1)));
	zeros = borrowed_register(t, 0);
	find_zeros(a, zeros, XMM(2), SINGLES);
	need_range(t, XMM(2), SINGLES, ACCURATE, zeros);
	if (how)
		vex(a, V_PXOR, XMM(2), XMM(2), signs);
	store_vmx(t, insn, XMM(2));
}

/* ---- integers ---- */

enum integer {
	SIGNED,
	UNSIGNED,
	SIGNED_WORD,
	UNSIGNED_WORD
};
#define ROUNDED 0x400

/* An integer that a double cannot have, or that is too large, is the interpreter's. */
static void put_from_integer(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	if (how & TO_SINGLE) /* the double is exact */
		need_usual_rounding(t);
	op(a, WIDE, OP_MOV, RAX, vsr_home(number_b(insn, how), 8));
	if (FORM(how) == UNSIGNED) {
		op(a, WIDE, OP_TEST, RAX, in_register(RAX));
		interpret_if(t, IF_SIGN);
	}
	vex(a, V_PXOR, XMM(0), XMM(0), in_register(XMM(0)));
	vex(a, V_CVTSI2SD | VEX_W, XMM(2), XMM(0), in_register(RAX));
	vex(a, V_CVTTSD2SI | VEX_W, RCX, NO_SECOND, in_register(XMM(2)));
	op(a, WIDE, OP_CMP, RCX, in_register(RAX));
	interpret_if(t, IF_NOT_EQUAL);
	put_result(t, insn, how, 1);
}

/* RAX: the integer, which the host has converted; those it cannot give the interpreter has */
static void need_integer(struct translation *t, unsigned how)
{
	struct assembler *a = &t->a;

	op(a, WIDE, OP_MOV, RCX, in_register(RAX));
	switch (FORM(how)) {
	case SIGNED_WORD:
		op(a, WIDE, OP_MOVSXD, RCX, in_register(RAX));
		op(a, WIDE, OP_CMP, RCX, in_register(RAX));
		interpret_if(t, IF_NOT_EQUAL);
		break;
	case UNSIGNED_WORD:
		op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), 32);
		interpret_if(t, IF_NOT_EQUAL);
		break;
	case UNSIGNED:
		op(a, WIDE, OP_TEST, RAX, in_register(RAX));
		interpret_if(t, IF_SIGN);
		break;
	default:
		op(a, WIDE, OP_ADD, RCX, in_register(RCX));
		interpret_if(t, IF_OVERFLOW);
		break;
	}
}

/* @how: ROUNDED as FPSCR[RN] says, else towards zero */
static void put_to_integer(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned b = number_b(insn, how), convert = how & ROUNDED ? V_CVTSD2SI : V_CVTTSD2SI;
	const bool word = FORM(how) == SIGNED_WORD || FORM(how) == UNSIGNED_WORD;
	struct assembler *a = &t->a;

	need_usual_rounding(t);
	load_double(t, XMM(0), b);
	vex(a, convert | VEX_W, RAX, NO_SECOND, in_register(XMM(0)));
	need_integer(t, how);
	vex(a, V_PXOR, XMM(1), XMM(1), in_register(XMM(1)));
	vex(a, V_CVTSI2SD | VEX_W, XMM(1), XMM(1), in_register(RAX));
	vex(a, V_SUBSD, XMM(0), XMM(0), in_register(XMM(1)));
	vex(a, V_TO_GPR | VEX_W, XMM(0), NO_SECOND, in_register(RDX));
	vex(a, V_FROM_GPR | VEX_W, XMM(2), NO_SECOND, in_register(RAX));
	if (how & VSX_FORM && word)
		vex(a, V_PUNPCKLDQ, XMM(2), XMM(2), in_register(XMM(2)));
	op(a, WIDE, OP_MOV, RAX, vsr_home(b, 8));
	op_imm(a, 0, OP_AND, AT_CPU(fpscr), ~(int32_t)(FPSCR_FR | FPSCR_FI));
	op_constant(a, RCX, 0);
	put_error(a);
	store_double(t, number_t(insn, how), XMM(2));
	put_cr1(t, insn, how);
}

/* To an integer that stays a double, which is never inexact. @how: ROUND_* */
static void put_to_integral(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	load_double(t, XMM(1), number_b(insn, how));
	vex_imm(a, V_ROUNDSD, XMM(2), XMM(1), in_register(XMM(1)), FORM(how) | ROUND_QUIETLY);
	vex(a, V_PXOR, XMM(0), XMM(0), in_register(XMM(0)));
	put_result(t, insn, how, 1);
}

/* ---- the FPSCR ---- */

#define FPSCR_CONTROL (FPSCR_DRN | FPSCR_ENABLES | FPSCR_NI | FPSCR_RN)

/* FRT = those bits of the FPSCR */
static void put_read_fpscr(struct translation *t, uint32_t insn, uint64_t bits)
{
	struct assembler *a = &t->a;

	op(a, WIDE, OP_MOV, RAX, AT_CPU(fpscr));
	if (~bits)
		with_immediate(t, OP_AND, RAX, bits);
	vex(a, V_FROM_GPR | VEX_W, XMM(0), NO_SECOND, in_register(RAX));
	store_double(t, F_RT(insn), XMM(0));
}

static void put_mffs(struct translation *t, uint32_t insn, unsigned how)
{
	put_read_fpscr(t, insn, ~0ull);
	put_cr1(t, insn, how);
}

static void put_mffsl(struct translation *t, uint32_t insn, unsigned how)
{
	(void)how;
	put_read_fpscr(t, insn, FPSCR_CONTROL | FPSCR_FR | FPSCR_FI | FPSCR_FPRF);
}

/* @how: RN is in FRB, else in the instruction */
static void put_swap_rounding(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	if (how) {
		op(a, 0, OP_MOV, RDX, vsr_home(F_RB(insn), 8));
		op_imm(a, 0, OP_AND, in_register(RDX), FPSCR_RN);
	} else {
		op_constant(a, RDX, FIELD(insn, 19, 20));
	}
	put_read_fpscr(t, insn, FPSCR_CONTROL);
	op_imm(a, 0, OP_AND, AT_CPU(fpscr), ~(int32_t)FPSCR_RN);
	op(a, 0, OP_OR_STORE, RDX, AT_CPU(fpscr));
}

#define BY(put_, name, how_, needs_)                                         \
	{                                                                    \
		.sem = sem_##name, .put = put_, .how = how_, .needs = needs_ \
	}

#define BINARY(name, how_, needs_)                                           \
	BY(put_arithmetic, f##name, how_, needs_),                           \
		BY(put_arithmetic, f##name##s, (how_) | TO_SINGLE, needs_),  \
		BY(put_arithmetic, xs##name##dp, (how_) | VSX_FORM, needs_), \
		BY(put_arithmetic, xs##name##sp, (how_) | TO_SINGLE | VSX_FORM, needs_)
#define MULTIPLY_ADD(name, how_)                                                              \
	BY(put_multiply_add, f##name, how_, HOST_FMA),                                        \
		BY(put_multiply_add, f##name##s, (how_) | TO_SINGLE, HOST_FMA),               \
		BY(put_multiply_add, xs##name##adp, (how_) | VSX_FORM, HOST_FMA),             \
		BY(put_multiply_add, xs##name##asp, (how_) | TO_SINGLE | VSX_FORM, HOST_FMA), \
		BY(put_multiply_add, xs##name##mdp, (how_) | VSX_FORM | TARGET_IS_FACTOR,     \
		   HOST_FMA),                                                                 \
		BY(put_multiply_add, xs##name##msp,                                           \
		   (how_) | TO_SINGLE | VSX_FORM | TARGET_IS_FACTOR, HOST_FMA)

#define VECTORS(name, how_, needs_)                                        \
	BY(put_vector_arithmetic, xv##name##dp, (how_) | DOUBLES, needs_), \
		BY(put_vector_arithmetic, xv##name##sp, (how_) | SINGLES, needs_)
#define FMA_FORMS(name, format, how_)                                                  \
	BY(put_vector_multiply_add, xv##name##a##format, (how_) | VSX_FORM, HOST_FMA), \
		BY(put_vector_multiply_add, xv##name##m##format,                       \
		   (how_) | VSX_FORM | TARGET_IS_FACTOR, HOST_FMA)
#define VECTOR_MULTIPLY_ADD(name, how_) \
	FMA_FORMS(name, dp, (how_) | DOUBLES), FMA_FORMS(name, sp, (how_) | SINGLES)

const struct sem_recipe fp_recipes[] = {
	BY(put_move, fmr, MOVE, HOST_AVX2),
	BY(put_move, fneg, NEGATE, HOST_AVX2),
	BY(put_move, fabs, MAGNITUDE, HOST_AVX2),
	BY(put_move, fnabs, NEGATIVE, HOST_AVX2),
	BY(put_move, fcpsgn, COPY_SIGN, HOST_AVX2),
	BY(put_move, xscpsgndp, COPY_SIGN | VSX_FORM, HOST_AVX2),
	BY(put_compare_doubles, fcmpu, 0, HOST_AVX2),
	BY(put_compare_doubles, fcmpo, 0, HOST_AVX2),
	BY(put_compare_doubles, xscmpudp, VSX_FORM, HOST_AVX2),
	BY(put_compare_doubles, xscmpodp, VSX_FORM, HOST_AVX2),
	BINARY(add, ADD, HOST_AVX2),
	BINARY(sub, SUBTRACT, HOST_AVX2),
	BINARY(mul, MULTIPLY, HOST_FMA),
	BINARY(div, DIVIDE, HOST_FMA),
	BINARY(sqrt, SQUARE_ROOT, HOST_FMA),
	BY(put_round_to_single, frsp, TO_SINGLE, HOST_AVX2),
	BY(put_round_to_single, xsrsp, TO_SINGLE | VSX_FORM, HOST_AVX2),
	MULTIPLY_ADD(madd, 0),
	MULTIPLY_ADD(msub, FMA_SUBTRACT),
	MULTIPLY_ADD(nmadd, FMA_NEGATE),
	MULTIPLY_ADD(nmsub, FMA_SUBTRACT | FMA_NEGATE),
	VECTORS(add, ADD, HOST_AVX2),
	VECTORS(sub, SUBTRACT, HOST_AVX2),
	VECTORS(mul, MULTIPLY, HOST_FMA),
	VECTORS(div, DIVIDE, HOST_FMA),
	VECTORS(sqrt, SQUARE_ROOT, HOST_FMA),
	VECTOR_MULTIPLY_ADD(madd, 0),
	VECTOR_MULTIPLY_ADD(msub, FMA_SUBTRACT),
	VECTOR_MULTIPLY_ADD(nmadd, FMA_NEGATE),
	VECTOR_MULTIPLY_ADD(nmsub, FMA_SUBTRACT | FMA_NEGATE),
	BY(put_vmx_sum, vaddfp, V_ADDSD, HOST_AVX2),
	BY(put_vmx_sum, vsubfp, V_SUBSD, HOST_AVX2),
	BY(put_vmx_multiply_add, vmaddfp, false, HOST_FMA),
	BY(put_vmx_multiply_add, vnmsubfp, true, HOST_FMA),
	BY(put_from_integer, fcfid, SIGNED, HOST_AVX2),
	BY(put_from_integer, fcfidu, UNSIGNED, HOST_AVX2),
	BY(put_from_integer, fcfids, SIGNED | TO_SINGLE, HOST_AVX2),
	BY(put_from_integer, fcfidus, UNSIGNED | TO_SINGLE, HOST_AVX2),
	BY(put_from_integer, xscvsxddp, SIGNED | VSX_FORM, HOST_AVX2),
	BY(put_from_integer, xscvuxddp, UNSIGNED | VSX_FORM, HOST_AVX2),
	BY(put_from_integer, xscvsxdsp, SIGNED | TO_SINGLE | VSX_FORM, HOST_AVX2),
	BY(put_from_integer, xscvuxdsp, UNSIGNED | TO_SINGLE | VSX_FORM, HOST_AVX2),
	BY(put_to_integer, fctid, SIGNED | ROUNDED, HOST_AVX2),
	BY(put_to_integer, fctidz, SIGNED, HOST_AVX2),
	BY(put_to_integer, fctidu, UNSIGNED | ROUNDED, HOST_AVX2),
	BY(put_to_integer, fctiduz, UNSIGNED, HOST_AVX2),
	BY(put_to_integer, fctiw, SIGNED_WORD | ROUNDED, HOST_AVX2),
	BY(put_to_integer, fctiwz, SIGNED_WORD, HOST_AVX2),
	BY(put_to_integer, fctiwu, UNSIGNED_WORD | ROUNDED, HOST_AVX2),
	BY(put_to_integer, fctiwuz, UNSIGNED_WORD, HOST_AVX2),
	BY(put_to_integer, xscvdpsxds, SIGNED | VSX_FORM, HOST_AVX2),
	BY(put_to_integer, xscvdpuxds, UNSIGNED | VSX_FORM, HOST_AVX2),
	BY(put_to_integer, xscvdpsxws, SIGNED_WORD | VSX_FORM, HOST_AVX2),
	BY(put_to_integer, xscvdpuxws, UNSIGNED_WORD | VSX_FORM, HOST_AVX2),
	BY(put_to_integral, frim, ROUND_DOWN, HOST_AVX2),
	BY(put_to_integral, frip, ROUND_UP, HOST_AVX2),
	BY(put_to_integral, friz, ROUND_TO_ZERO, HOST_AVX2),
	BY(put_to_integral, xsrdpim, ROUND_DOWN | VSX_FORM, HOST_AVX2),
	BY(put_to_integral, xsrdpip, ROUND_UP | VSX_FORM, HOST_AVX2),
	BY(put_to_integral, xsrdpiz, ROUND_TO_ZERO | VSX_FORM, HOST_AVX2),
	BY(put_mffs, mffs, 0, HOST_AVX2),
	BY(put_mffsl, mffsl, 0, HOST_AVX2),
	BY(put_swap_rounding, mffscrn, true, HOST_AVX2),
	BY(put_swap_rounding, mffscrni, false, HOST_AVX2),
	{ .sem = NULL },
};
