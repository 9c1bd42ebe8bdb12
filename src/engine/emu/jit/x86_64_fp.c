/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emitter for x86-64: floating point on scalars of double precision.
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
 *   made the magnitude greater). Of a sum it is Knuth's TwoSum. Of a product it is a * b - r, and
 *   of a quotient it has the sign of (a - r * b) / b, either by a fused multiply-add. These errors
 *   are doubles: multiples of 2^-105 times the product or the dividend, whose exponents keep them
 *   above the least denormal number.
 *
 * Anything else is left to the interpreter before it has changed anything.
 */
#include "engine/emu/fp/fpu.h"
#include "engine/emu/insn/insn.h"
#include "engine/emu/jit/x86_64.h"

#define LEAST_EXPONENT	  128 /* biased; more than 106 above that of the least denormal number */
#define GREATEST_EXPONENT 0x7fe /* of a normal number */

/* @how: the registers of the VSX form, any VSR; else FPRs, and Rc */
#define VSX_FORM  0x100
#define FORM(how) ((how)&0xff)

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

enum arithmetic {
	ADD,
	SUBTRACT,
	MULTIPLY,
	DIVIDE
};

/* The exponent of the double in @r must be that at least, else go on in the interpreter. */
static void need_exponent(struct translation *t, unsigned r, unsigned least)
{
	struct assembler *a = &t->a;

	op(a, WIDE, OP_LEA, RCX, at_index(r, r, 0, 0));
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), 53);
	op_imm(a, 0, OP_SUB, in_register(RCX), (int32_t)least);
	op_imm(a, 0, OP_CMP, in_register(RCX), (int32_t)(GREATEST_EXPONENT - least));
	interpret_if(t, IF_ABOVE);
}

/* XMM2 = XMM0 + XMM1, XMM0 = the error */
static void put_sum(struct assembler *a)
{
	vex(a, V_ADDSD, XMM(2), XMM(0), in_register(XMM(1)));
	vex(a, V_SUBSD, XMM(3), XMM(2), in_register(XMM(0)));
	vex(a, V_SUBSD, XMM(1), XMM(1), in_register(XMM(3)));
	vex(a, V_SUBSD, XMM(3), XMM(2), in_register(XMM(3)));
	vex(a, V_SUBSD, XMM(0), XMM(0), in_register(XMM(3)));
	vex(a, V_ADDSD, XMM(0), XMM(0), in_register(XMM(1)));
}

/* XMM2 = XMM0 * XMM1, XMM0 = the error */
static void put_product(struct assembler *a)
{
	vex(a, V_MULSD, XMM(2), XMM(0), in_register(XMM(1)));
	vex(a, V_FMSUB213SD, XMM(0), XMM(1), in_register(XMM(2)));
}

/* XMM2 = XMM0 / XMM1, XMM0 = a number with the sign of the error */
static void put_quotient(struct translation *t)
{
	struct assembler *a = &t->a;

	vex(a, V_DIVSD, XMM(2), XMM(0), in_register(XMM(1)));
	vex(a, V_FNMADD231SD, XMM(0), XMM(2), in_register(XMM(1)));
	vex(a, V_PAND, XMM(1), XMM(1), constant(t, SIGNS));
	vex(a, V_PXOR, XMM(0), XMM(0), in_register(XMM(1)));
}

/* FPRF by the result in RAX; FR, FI, XX and FX by the error in RDX */
static void put_fpscr(struct assembler *a)
{
	uint8_t *exact, *not_new;

	op_mov(a, RCX, RAX);
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), 63);
	op_imm(a, 0, OP_ADD, in_register(RCX), 1); /* 4 is positive, 8 is negative */
	op_imm8(a, 0, OP_SHIFT, SHIFT_LEFT, in_register(RCX), FPSCR_FPRF_SHIFT + 2);
	op_imm(a, 0, OP_AND, AT_CPU(fpscr), ~(int32_t)(FPSCR_FR | FPSCR_FI | FPSCR_FPRF));
	op(a, WIDE, OP_XOR, RAX, in_register(RDX));
	op(a, WIDE, OP_ADD, RDX, in_register(RDX));
	exact = op_jump_if(a, IF_EQUAL);
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RAX), 63);
	op_imm8(a, 0, OP_SHIFT, SHIFT_LEFT, in_register(RAX), __builtin_ctzll(FPSCR_FR));
	op(a, 0, OP_OR, RCX, in_register(RAX));
	op_imm(a, 0, OP_OR, in_register(RCX), (int32_t)FPSCR_FI);
	op_test_byte(a, at_base(CPU, (int32_t)offsetof(struct cpu, fpscr) + 3 - BIAS),
		     FPSCR_XX >> 24);
	not_new = op_jump_if(a, IF_NOT_EQUAL);
	op_imm(a, 0, OP_OR, in_register(RCX), (int32_t)(uint32_t)(FPSCR_XX | FPSCR_FX));
	jump_to(not_new, a->at);
	jump_to(exact, a->at);
	op(a, 0, OP_OR_STORE, RCX, AT_CPU(fpscr));
}

static void put_arithmetic(struct translation *t, uint32_t insn, unsigned how)
{
	const enum arithmetic what = FORM(how);
	const unsigned second = what == MULTIPLY && !(how & VSX_FORM) ? F_RC(insn) :
									number_b(insn, how);
	struct assembler *a = &t->a;

	op_test_byte(a, AT_CPU(fpscr), FPSCR_RN | FPSCR_XE);
	interpret_if(t, IF_NOT_EQUAL);
	load_double(t, XMM(0), number_a(insn, how));
	load_double(t, XMM(1), second);
	if (what == DIVIDE) {
		vex(a, V_TO_GPR | VEX_W, XMM(0), NO_SECOND, in_register(RAX));
		need_exponent(t, RAX, LEAST_EXPONENT);
		put_quotient(t);
	} else if (what == MULTIPLY) {
		put_product(a);
	} else {
		if (what == SUBTRACT)
			vex(a, V_PXOR, XMM(1), XMM(1), constant(t, SIGNS));
		put_sum(a);
	}
	vex(a, V_TO_GPR | VEX_W, XMM(2), NO_SECOND, in_register(RAX));
	need_exponent(t, RAX, what == ADD || what == SUBTRACT ? 1 : LEAST_EXPONENT);
	vex(a, V_TO_GPR | VEX_W, XMM(0), NO_SECOND, in_register(RDX));
	put_fpscr(a);
	store_double(t, number_t(insn, how), XMM(2));
	put_cr1(t, insn, how);
}

#define BY(put_, name, how_, needs_)                                         \
	{                                                                    \
		.sem = sem_##name, .put = put_, .how = how_, .needs = needs_ \
	}

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
	BY(put_arithmetic, fadd, ADD, HOST_AVX2),
	BY(put_arithmetic, fsub, SUBTRACT, HOST_AVX2),
	BY(put_arithmetic, fmul, MULTIPLY, HOST_FMA),
	BY(put_arithmetic, fdiv, DIVIDE, HOST_FMA),
	BY(put_arithmetic, xsadddp, ADD | VSX_FORM, HOST_AVX2),
	BY(put_arithmetic, xssubdp, SUBTRACT | VSX_FORM, HOST_AVX2),
	BY(put_arithmetic, xsmuldp, MULTIPLY | VSX_FORM, HOST_FMA),
	BY(put_arithmetic, xsdivdp, DIVIDE | VSX_FORM, HOST_FMA),
	{ .sem = NULL },
};
