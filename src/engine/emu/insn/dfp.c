/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decimal floating-point instructions. The arithmetic itself is in fp/decimal.c. Power ISA
 * 3.0B, book I, chapter 5, and the conversions that 3.1 adds. With primary opcode 59 numbers have
 * 64 bits, in an FPR; with 63 they have 128, in a pair. An instruction has one body for both.
 */
#include "engine/emu/fp/decimal.h"
#include "engine/emu/insn/fpr.h"
#include "engine/emu/insn/vector_operands.h"

static const struct decimal_format *format_of(uint32_t insn)
{
	return insn >> 26 == 63 ? &decimal_quad : &decimal_long;
}

static u128 get_bits(const struct cpu *cpu, unsigned n, const struct decimal_format *format)
{
	if (format == &decimal_quad)
		return (u128)fpr(cpu, n) << 64 | fpr(cpu, n + 1);
	return fpr(cpu, n);
}

static void set_bits(struct cpu *cpu, unsigned n, const struct decimal_format *format, u128 bits)
{
	if (format == &decimal_quad) {
		set_fpr(cpu, n, (uint64_t)(bits >> 64));
		set_fpr(cpu, n + 1, (uint64_t)bits);
	} else {
		set_fpr(cpu, n, (uint64_t)bits);
	}
}

static struct decimal get(const struct cpu *cpu, unsigned n, const struct decimal_format *format)
{
	return decimal_unpack(get_bits(cpu, n, format), format);
}

static struct decimal_op start(const struct cpu *cpu, const struct decimal_format *format)
{
	return (struct decimal_op){
		.fpu = fpu_start(cpu),
		.rounding = (enum decimal_rounding)((cpu->fpscr & FPSCR_DRN) >> FPSCR_DRN_SHIFT),
		.format = format,
	};
}

/* Write what the operation leaves, unless an enabled exception prevents that. */
static int finish_bits(struct cpu *cpu, uint32_t insn, struct decimal_op *op,
		       const struct decimal_format *format, u128 bits, unsigned fprf)
{
	if (fpu_commit(cpu, &op->fpu, fprf))
		set_bits(cpu, F_RT(insn), format, bits);
	return record(cpu, insn, fpscr_trap(cpu, op->fpu.raised));
}

static int finish(struct cpu *cpu, uint32_t insn, struct decimal_op *op, const struct decimal *r)
{
	return finish_bits(cpu, insn, op, op->format, decimal_pack(r, op->format),
			   decimal_fprf(r, op->format));
}

/* ---- arithmetic ---- */

static int binary(struct cpu *cpu, uint32_t insn, decimal_binary_fn *fn)
{
	const struct decimal_format *format = format_of(insn);
	struct decimal_op op = start(cpu, format);
	const struct decimal r =
		fn(&op, get(cpu, F_RA(insn), format), get(cpu, F_RB(insn), format));

	return finish(cpu, insn, &op, &r);
}

SEM(dadd)
{
	return binary(cpu, insn, decimal_add);
}

SEM(dsub)
{
	return binary(cpu, insn, decimal_sub);
}

SEM(dmul)
{
	return binary(cpu, insn, decimal_mul);
}

SEM(ddiv)
{
	return binary(cpu, insn, decimal_div);
}

/* ---- comparison and tests ---- */

static int set_condition(struct cpu *cpu, uint32_t insn, unsigned cr)
{
	cpu->cr[F_BF(insn)] = (uint8_t)cr;
	fpscr_set_fpcc(cpu, cr);
	return 0;
}

static int compare(struct cpu *cpu, uint32_t insn, bool ordered)
{
	const struct decimal_format *format = format_of(insn);
	const struct decimal a = get(cpu, F_RA(insn), format), b = get(cpu, F_RB(insn), format);
	const bool signalling = a.class == CLASS_SNAN || b.class == CLASS_SNAN;
	const unsigned cr = decimal_compare(&a, &b);
	uint64_t raised = signalling ? FPSCR_VXSNAN : 0;

	if (ordered && cr == CR_SO && !(signalling && cpu->fpscr & FPSCR_VE))
		raised |= FPSCR_VXVC;
	set_condition(cpu, insn, cr);
	fpscr_raise(cpu, raised);
	return fpscr_trap(cpu, raised);
}

SEM(dcmpu)
{
	return compare(cpu, insn, false);
}

SEM(dcmpo)
{
	return compare(cpu, insn, true);
}

/* Does the mask have the number's class? Its six bits are the classes, from the left. */
static int test_class(struct cpu *cpu, uint32_t insn, const struct decimal *v, unsigned class)
{
	const bool match = FIELD(insn, 16, 21) & 0x20 >> class;

	return set_condition(cpu, insn, (v->sign ? CR_LT : 0) | (match ? CR_EQ : 0));
}

SEM(dtstdc)
{
	const struct decimal_format *format = format_of(insn);
	const struct decimal v = get(cpu, F_RA(insn), format);
	unsigned class = 2;

	if (v.class != CLASS_FINITE)
		class = v.class == CLASS_INFINITE ? 3 : v.class == CLASS_QNAN ? 4 : 5;
	else if (!v.coefficient)
		class = 0;
	else if (decimal_is_subnormal(&v, format))
		class = 1;
	return test_class(cpu, insn, &v, class);
}

SEM(dtstdg)
{
	const struct decimal_format *format = format_of(insn);
	const struct decimal v = get(cpu, F_RA(insn), format);
	const bool extreme = v.exponent == format->min || v.exponent == format->max;
	unsigned class = 4;

	if (v.class != CLASS_FINITE)
		class = 5;
	else if (!v.coefficient)
		class = extreme ? 1 : 0;
	else if (extreme || decimal_is_subnormal(&v, format))
		class = 2;
	else if (decimal_digits(v.coefficient) < format->digits)
		class = 3;
	return test_class(cpu, insn, &v, class);
}

SEM(dtstex)
{
	const struct decimal_format *format = format_of(insn);
	const struct decimal a = get(cpu, F_RA(insn), format), b = get(cpu, F_RB(insn), format);
	unsigned cr;

	if (a.class == CLASS_FINITE && b.class == CLASS_FINITE)
		cr = a.exponent < b.exponent ? CR_LT : a.exponent > b.exponent ? CR_GT : CR_EQ;
	else
		cr = (decimal_is_nan(&a) && decimal_is_nan(&b)) || a.class == b.class ? CR_EQ :
											CR_SO;
	return set_condition(cpu, insn, cr);
}

/* A zero has no significant digits, and is below even a reference of none. */
static int test_significance(struct cpu *cpu, uint32_t insn, unsigned reference)
{
	const struct decimal v = get(cpu, F_RB(insn), format_of(insn));
	const unsigned digits = decimal_digits(v.coefficient);
	unsigned cr;

	if (v.class != CLASS_FINITE)
		cr = CR_SO;
	else if (!reference || reference > digits)
		cr = CR_GT;
	else
		cr = reference < digits ? CR_LT : CR_EQ;
	return set_condition(cpu, insn, cr);
}

SEM(dtstsf)
{
	return test_significance(cpu, insn, fpr(cpu, F_RA(insn)) & 63);
}

SEM(dtstsfi)
{
	return test_significance(cpu, insn, FIELD(insn, 10, 15));
}

/* ---- exponents and rounding ---- */

/* RMC, and with R = 1 four more; 3 is what DRN says. */
static void set_rounding(struct decimal_op *op, uint32_t insn, bool r)
{
	static const enum decimal_rounding modes[] = {
		DECIMAL_NEAREST, DECIMAL_TO_ZERO, DECIMAL_NEAREST_AWAY, DECIMAL_NEAREST,
		DECIMAL_UP,	 DECIMAL_DOWN,	  DECIMAL_AWAY,		DECIMAL_NEAREST_TO_ZERO,
	};
	const unsigned rmc = FIELD(insn, 21, 22);

	if (r || rmc != 3)
		op->rounding = modes[rmc | (r ? 4u : 0u)];
}

static int quantize(struct cpu *cpu, uint32_t insn, struct decimal a)
{
	const struct decimal_format *format = format_of(insn);
	struct decimal_op op = start(cpu, format);
	struct decimal r;

	set_rounding(&op, insn, false);
	r = decimal_quantize(&op, a, get(cpu, F_RB(insn), format));
	return finish(cpu, insn, &op, &r);
}

SEM(dqua)
{
	return quantize(cpu, insn, get(cpu, F_RA(insn), format_of(insn)));
}

SEM(dquai)
{
	return quantize(cpu, insn,
			(struct decimal){ .class = CLASS_FINITE, .exponent = F_SIM(insn) });
}

SEM(drrnd)
{
	const struct decimal_format *format = format_of(insn);
	struct decimal_op op = start(cpu, format);
	struct decimal r;

	set_rounding(&op, insn, false);
	r = decimal_reround(&op, get(cpu, F_RB(insn), format), fpr(cpu, F_RA(insn)) & 63);
	return finish(cpu, insn, &op, &r);
}

static int to_integral(struct cpu *cpu, uint32_t insn, bool report)
{
	const struct decimal_format *format = format_of(insn);
	struct decimal_op op = start(cpu, format);
	struct decimal r;

	set_rounding(&op, insn, FIELD(insn, 15, 15));
	r = decimal_to_integral(&op, get(cpu, F_RB(insn), format), report);
	return finish(cpu, insn, &op, &r);
}

SEM(drintx)
{
	return to_integral(cpu, insn, true);
}

SEM(drintn)
{
	return to_integral(cpu, insn, false);
}

/* ---- conversion between formats ---- */

/* The short format is in the right half of an FPR. A signalling NaN stays one. */
SEM(dctdp)
{
	struct decimal_op op = start(cpu, &decimal_long);
	const struct decimal r = decimal_unpack((uint32_t)fpr(cpu, F_RB(insn)), &decimal_short);

	return finish(cpu, insn, &op, &r);
}

SEM(dctqpq)
{
	struct decimal_op op = start(cpu, &decimal_quad);
	const struct decimal r = decimal_quiet(&op, get(cpu, F_RB(insn), &decimal_long));

	return finish(cpu, insn, &op, &r);
}

/*
 * To a shorter format. The short one goes to the right half of an FPR, the long one to the left
 * half of a pair. A trapped overflow or underflow leaves the format of the source.
 */
static int shorten(struct cpu *cpu, uint32_t insn, struct decimal_op *op, struct decimal v)
{
	const struct decimal_format *source = format_of(insn), *target = op->format;
	const struct decimal r = decimal_round(op, v);
	const bool trapped = op->fpu.raised & op->fpu.enabled << FPSCR_ENABLE_SHIFT &
			     (FPSCR_OX | FPSCR_UX);
	u128 bits = decimal_pack(&r, trapped ? source : target);

	if (target == &decimal_long && !trapped)
		bits <<= 64;
	return finish_bits(cpu, insn, op, source, bits, decimal_fprf(&r, target));
}

SEM(drsp)
{
	struct decimal_op op = start(cpu, &decimal_short);

	return shorten(cpu, insn, &op, get(cpu, F_RB(insn), &decimal_long));
}

SEM(drdpq)
{
	struct decimal_op op = start(cpu, &decimal_long);

	return shorten(cpu, insn, &op, decimal_quiet(&op, get(cpu, F_RB(insn), &decimal_quad)));
}

/* ---- integers ---- */

static int from_integer(struct cpu *cpu, uint32_t insn, u128 v)
{
	const bool sign = v >> 127;
	struct decimal_op op = start(cpu, format_of(insn));
	const struct decimal r = decimal_from_integer(&op, sign ? -v : v, sign);

	return finish(cpu, insn, &op, &r);
}

SEM(dcffix)
{
	return from_integer(cpu, insn, (u128)(int64_t)fpr(cpu, F_RB(insn)));
}

/* These two have no record form. */
SEM(dcffixqq)
{
	return from_integer(cpu, insn, VRB(cpu, insn).q);
}

SEM(dctfixqq)
{
	struct decimal_op op = start(cpu, &decimal_quad);
	const u128 v = decimal_to_integer(&op, get(cpu, F_RB(insn), &decimal_quad), 128);

	if (fpu_commit(cpu, &op.fpu, FPRF_UNCHANGED))
		VRT(cpu, insn).q = v;
	return fpscr_trap(cpu, op.fpu.raised);
}

SEM(dctfix)
{
	const struct decimal_format *format = format_of(insn);
	struct decimal_op op = start(cpu, format);
	const u128 v = decimal_to_integer(&op, get(cpu, F_RB(insn), format), 64);

	return finish_bits(cpu, insn, &op, &decimal_long, v, FPRF_UNCHANGED);
}

/* ---- binary-coded decimals, exponents, digits ---- */

/* SP: without a sign, or with 12 or 15 for plus and 13 for minus. */
SEM(ddedpd)
{
	const struct decimal_format *format = format_of(insn);
	const struct decimal v = get(cpu, F_RB(insn), format);
	const bool has_sign = FIELD(insn, 11, 11);
	u128 rest = v.coefficient, bcd = 0;

	for (unsigned at = has_sign ? 4 : 0; at < format->bits; at += 4, rest /= 10)
		bcd |= rest % 10 << at;
	if (has_sign)
		bcd |= v.sign ? 13 : FIELD(insn, 12, 12) ? 15 : 12;
	set_bits(cpu, F_RT(insn), format, bcd);
	return record(cpu, insn, 0);
}

SEM(denbcd)
{
	const struct decimal_format *format = format_of(insn);
	const u128 bcd = get_bits(cpu, F_RB(insn), format);
	const bool has_sign = FIELD(insn, 11, 11);
	const unsigned sign = has_sign ? bcd & 15 : 12;
	struct decimal_op op = start(cpu, format);
	struct decimal r = { .class = CLASS_FINITE, .sign = sign == 11 || sign == 13 };
	bool valid = sign > 9;

	for (unsigned at = format->bits; at > (has_sign ? 4 : 0);) {
		const unsigned digit = (unsigned)(bcd >> (at -= 4)) & 15;

		valid &= digit < 10;
		r.coefficient = r.coefficient * 10 + digit;
	}
	if (!valid) {
		op.fpu.raised = FPSCR_VXCVI;
		r = (struct decimal){ .class = CLASS_QNAN };
	}
	return finish(cpu, insn, &op, &r);
}

/* What dxex and diex have instead of a biased exponent. */
#define EXPONENT_OF_INFINITY -1
#define EXPONENT_OF_QNAN     -2
#define EXPONENT_OF_SNAN     -3

SEM(dxex)
{
	const struct decimal_format *format = format_of(insn);
	const struct decimal v = get(cpu, F_RB(insn), format);
	int64_t exponent = v.exponent - format->min;

	if (v.class != CLASS_FINITE)
		exponent = v.class == CLASS_INFINITE ? EXPONENT_OF_INFINITY :
			   v.class == CLASS_QNAN     ? EXPONENT_OF_QNAN :
						       EXPONENT_OF_SNAN;
	set_fpr(cpu, F_RT(insn), (uint64_t)exponent);
	return record(cpu, insn, 0);
}

SEM(diex)
{
	const struct decimal_format *format = format_of(insn);
	const int64_t exponent = (int64_t)fpr(cpu, F_RA(insn));
	struct decimal v = get(cpu, F_RB(insn), format);

	v.class = exponent == EXPONENT_OF_INFINITY ? CLASS_INFINITE :
		  exponent == EXPONENT_OF_SNAN	   ? CLASS_SNAN :
						     CLASS_QNAN;
	if (exponent >= 0 && exponent <= format->max - format->min) {
		v.class = CLASS_FINITE;
		v.exponent = (int)exponent + format->min;
	}
	set_bits(cpu, F_RT(insn), format, decimal_pack_digits(&v, format));
	return record(cpu, insn, 0);
}

/* The exponent stays. NaNs and infinities have no first digit. */
static int shift(struct cpu *cpu, uint32_t insn, bool left)
{
	const struct decimal_format *format = format_of(insn);
	const unsigned n = FIELD(insn, 16, 21);
	struct decimal v = get(cpu, F_RA(insn), format);

	if (n >= format->digits)
		v.coefficient = 0;
	else if (left)
		v.coefficient =
			v.coefficient % decimal_power(format->digits - n) * decimal_power(n);
	else
		v.coefficient /= decimal_power(n);
	set_bits(cpu, F_RT(insn), format, decimal_pack_digits(&v, format));
	return record(cpu, insn, 0);
}

SEM(dscli)
{
	return shift(cpu, insn, true);
}

SEM(dscri)
{
	return shift(cpu, insn, false);
}
