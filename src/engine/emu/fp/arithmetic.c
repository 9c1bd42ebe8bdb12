/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sums, products, quotients, roots and estimates of unpacked numbers, before rounding. Power ISA
 * 3.0B, book I, sections 4.4 (exceptions) and 4.5 (execution models).
 */
#include "engine/emu/fp/private.h"

static const struct fp one = { .class = CLASS_FINITE, .significand = (u128)1 << FP_TOP };
static const struct fp default_nan = { .class = CLASS_QNAN, .significand = FP_QUIET };

struct fp fp_quiet(struct fpu *f, struct fp v)
{
	if (v.class == CLASS_SNAN) {
		f->raised |= FPSCR_VXSNAN;
		v.class = CLASS_QNAN;
		v.significand |= FP_QUIET;
	}
	return v;
}

static struct fp invalid(struct fpu *f, uint64_t exception)
{
	f->raised |= exception;
	return default_nan;
}

struct fp fp_first_nan(struct fpu *f, const struct fp *a, const struct fp *b)
{
	if (a->class == CLASS_SNAN || b->class == CLASS_SNAN)
		f->raised |= FPSCR_VXSNAN;
	return fp_quiet(f, fp_is_nan(a) ? *a : *b);
}

static struct fp zero(bool sign)
{
	return (struct fp){ .class = CLASS_ZERO, .sign = sign };
}

static struct fp infinity(bool sign)
{
	return (struct fp){ .class = CLASS_INFINITE, .sign = sign };
}

static u128 shift_right_sticky(u128 v, int count)
{
	if (!count)
		return v;
	if (count > 127)
		return v != 0;
	return v >> count | ((v << (128 - count)) != 0);
}

/* Neither operand is a NaN, and at least one is infinite or zero. */
static struct fp add_special(struct fpu *f, const struct fp *a, const struct fp *b)
{
	if (a->class == CLASS_INFINITE)
		return b->class == CLASS_INFINITE && a->sign != b->sign ? invalid(f, FPSCR_VXISI) :
									  *a;
	if (b->class == CLASS_INFINITE)
		return *b;
	if (a->class == CLASS_ZERO && b->class == CLASS_ZERO)
		return zero(a->sign == b->sign ? a->sign : f->rounding == FP_DOWN);
	return a->class == CLASS_ZERO ? *b : *a;
}

struct fp fp_add(struct fpu *f, struct fp a, struct fp b)
{
	u128 aligned;
	int shift;

	if (unlikely(fp_is_nan(&a) || fp_is_nan(&b)))
		return fp_first_nan(f, &a, &b);
	if (unlikely(a.class != CLASS_FINITE || b.class != CLASS_FINITE))
		return add_special(f, &a, &b);
	if (smaller(&a, &b)) {
		struct fp swap = a;

		a = b;
		b = swap;
	}
	aligned = shift_right_sticky(b.significand, a.exponent - b.exponent);
	if (a.sign == b.sign) {
		a.significand += aligned;
		if (a.significand >> (FP_TOP + 1)) {
			a.significand = shift_right_sticky(a.significand, 1);
			a.exponent++;
		}
		return a;
	}
	a.significand -= aligned;
	if (!a.significand)
		return zero(f->rounding == FP_DOWN);
	shift = leading_zeros(a.significand) - (127 - FP_TOP);
	a.significand <<= shift;
	a.exponent -= shift;
	return a;
}

struct fp fp_sub(struct fpu *f, struct fp a, struct fp b)
{
	if (!fp_is_nan(&b))
		b.sign = !b.sign;
	return fp_add(f, a, b);
}

struct wide {
	u128 high, low;
};

static struct wide multiply_wide(u128 a, u128 b)
{
	uint64_t a1 = (uint64_t)(a >> 64), a0 = (uint64_t)a, b1 = (uint64_t)(b >> 64),
		 b0 = (uint64_t)b;
	u128 low, middle1, middle2, carry;

	if (!(a0 | b0))
		return (struct wide){ (u128)a1 * b1, 0 };
	low = (u128)a0 * b0;
	middle1 = (u128)a1 * b0;
	middle2 = (u128)a0 * b1;
	carry = (low >> 64) + (uint64_t)middle1 + (uint64_t)middle2;
	return (struct wide){ (u128)a1 * b1 + (middle1 >> 64) + (middle2 >> 64) + (carry >> 64),
			      carry << 64 | (uint64_t)low };
}

static struct wide shift_left_wide(struct wide v, int count)
{
	if (!count)
		return v;
	if (count > 127)
		return (struct wide){ v.low << (count - 128), 0 };
	return (struct wide){ v.high << count | v.low >> (128 - count), v.low << count };
}

static struct wide shift_right_wide_sticky(struct wide v, int count)
{
	if (!count)
		return v;
	if (count > 255)
		return (struct wide){ 0, (v.high | v.low) != 0 };
	if (count > 127)
		return (struct wide){ 0, shift_right_sticky(v.high, count - 128) | (v.low != 0) };
	return (struct wide){ v.high >> count,
			      v.high << (128 - count) | shift_right_sticky(v.low, count) };
}

/* The exact product, with its highest bit at bit 126 of the high half. */
static struct wide product(const struct fp *a, const struct fp *b, int *exponent)
{
	struct wide p = shift_left_wide(multiply_wide(a->significand, b->significand), 1);

	*exponent = a->exponent + b->exponent + 1;
	if (!(p.high >> FP_TOP)) {
		p = shift_left_wide(p, 1);
		--*exponent;
	}
	return p;
}

struct fp fp_mul(struct fpu *f, struct fp a, struct fp b)
{
	struct wide p;

	if (unlikely(fp_is_nan(&a) || fp_is_nan(&b)))
		return fp_first_nan(f, &a, &b);
	a.sign ^= b.sign;
	if (unlikely(a.class != CLASS_FINITE || b.class != CLASS_FINITE)) {
		if (a.class == CLASS_INFINITE || b.class == CLASS_INFINITE)
			return a.class == CLASS_ZERO || b.class == CLASS_ZERO ?
				       invalid(f, FPSCR_VXIMZ) :
				       infinity(a.sign);
		return zero(a.sign);
	}
	p = product(&a, &b, &a.exponent);
	a.significand = p.high | (p.low != 0);
	return a;
}

/* Quotient, in [1, 2), of significands that fit in their high halves: 64 bits and a sticky bit. */
static u128 divide_short(u128 a, u128 b)
{
	u128 dividend = a >> 1;
	uint64_t divisor = (uint64_t)(b >> 64);
	uint64_t quotient = (uint64_t)(dividend / divisor);

	return (u128)quotient << 63 | ((u128)quotient * divisor != dividend);
}

/* The same for any significands, with all bits of the quotient. */
static u128 divide_long(u128 a, u128 b)
{
	u128 quotient = 0;
	int i;

	for (i = 0; i <= FP_TOP; i++) {
		quotient <<= 1;
		if (a >= b) {
			a -= b;
			quotient |= 1;
		}
		a <<= 1;
	}
	return quotient | (a != 0);
}

struct fp fp_div(struct fpu *f, struct fp a, struct fp b)
{
	if (unlikely(fp_is_nan(&a) || fp_is_nan(&b)))
		return fp_first_nan(f, &a, &b);
	a.sign ^= b.sign;
	if (unlikely(a.class != CLASS_FINITE || b.class != CLASS_FINITE)) {
		if (a.class == CLASS_INFINITE)
			return b.class == CLASS_INFINITE ? invalid(f, FPSCR_VXIDI) :
							   infinity(a.sign);
		if (b.class == CLASS_INFINITE)
			return zero(a.sign);
		if (a.class == CLASS_ZERO)
			return b.class == CLASS_ZERO ? invalid(f, FPSCR_VXZDZ) : zero(a.sign);
		f->raised |= FPSCR_ZX;
		return infinity(a.sign);
	}
	a.exponent -= b.exponent;
	if (a.significand < b.significand) {
		a.significand <<= 1;
		a.exponent--;
	}
	if (!f->quad)
		a.significand = divide_short(a.significand, b.significand);
	else
		a.significand = divide_long(a.significand, b.significand);
	return a;
}

struct fp fp_sqrt(struct fpu *f, struct fp v)
{
	u128 radicand = v.significand, root = 0, rest = 0;
	int i, digits;

	if (fp_is_nan(&v))
		return fp_quiet(f, v);
	if (v.class == CLASS_ZERO)
		return v;
	if (v.sign)
		return invalid(f, FPSCR_VXSQRT);
	if (v.class == CLASS_INFINITE)
		return v;
	if (v.exponent & 1) {
		radicand <<= 1;
		v.exponent--;
	}
	v.exponent /= 2;
	/* A root of n digits leaves a remainder of n + 1 digits. */
	digits = f->quad ? 120 : 64;
	for (i = 0; i < digits; i++) {
		rest = rest << 2 | radicand >> 126;
		radicand <<= 2;
		root <<= 1;
		if (rest > root << 1) {
			rest -= root << 1 | 1;
			root |= 1;
		}
	}
	v.significand = root << (FP_TOP + 1 - digits) | (rest != 0);
	return v;
}

/* The sum of an exact product and an addend, both finite. */
static struct fp add_to_product(struct fpu *f, struct fp p, struct wide a, const struct fp *addend)
{
	struct wide b = { addend->significand, 0 };
	int shift = p.exponent - addend->exponent;
	bool subtract = p.sign != addend->sign;
	struct wide sum;

	if (shift < 0 || (!shift && a.high < b.high)) {
		sum = a;
		a = b;
		b = sum;
		shift = -shift;
		p.exponent = addend->exponent;
		p.sign = addend->sign;
	}
	b = shift_right_wide_sticky(b, shift);
	if (!subtract) {
		sum.low = a.low + b.low;
		sum.high = a.high + b.high + (sum.low < a.low);
		if (sum.high >> (FP_TOP + 1)) {
			sum = shift_right_wide_sticky(sum, 1);
			p.exponent++;
		}
	} else {
		sum.low = a.low - b.low;
		sum.high = a.high - b.high - (a.low < b.low);
		if (!sum.high && !sum.low)
			return zero(f->rounding == FP_DOWN);
		shift = (sum.high ? leading_zeros(sum.high) : 128 + leading_zeros(sum.low)) -
			(127 - FP_TOP);
		sum = shift_left_wide(sum, shift);
		p.exponent -= shift;
	}
	p.significand = sum.high | (sum.low != 0);
	return p;
}

struct fp fp_multiply_add(struct fpu *f, struct fp a, struct fp c, struct fp addend, bool subtract)
{
	struct fp p = { .class = CLASS_FINITE, .sign = a.sign != c.sign };
	bool invalid_product = (a.class == CLASS_ZERO && c.class == CLASS_INFINITE) ||
			       (a.class == CLASS_INFINITE && c.class == CLASS_ZERO);
	struct wide exact;

	if (unlikely(invalid_product))
		f->raised |= FPSCR_VXIMZ;
	if (unlikely(fp_is_nan(&a) || fp_is_nan(&c) || fp_is_nan(&addend))) {
		if (c.class == CLASS_SNAN)
			f->raised |= FPSCR_VXSNAN;
		return fp_first_nan(f, &a, fp_is_nan(&addend) ? &addend : &c);
	}
	if (unlikely(invalid_product))
		return default_nan;
	if (subtract)
		addend.sign = !addend.sign;
	if (a.class == CLASS_INFINITE || c.class == CLASS_INFINITE)
		p.class = CLASS_INFINITE;
	else if (a.class == CLASS_ZERO || c.class == CLASS_ZERO)
		p.class = CLASS_ZERO;
	if (unlikely(p.class != CLASS_FINITE))
		return add_special(f, &p, &addend);
	exact = product(&a, &c, &p.exponent);
	p.significand = exact.high | (exact.low != 0);
	if (unlikely(addend.class != CLASS_FINITE))
		return add_special(f, &p, &addend);
	/* The product of two doubles leaves the low 20 bits of its high half for sticky bits. */
	if (likely(!f->quad))
		return fp_add(f, p, addend);
	return add_to_product(f, p, exact, &addend);
}

static void round_estimate(struct fpu *f, struct fp *v, const struct fp_format *format)
{
	uint64_t inexact = f->raised & FPSCR_XX;

	fp_round(f, v, format);
	f->raised = (f->raised & ~FPSCR_XX) | inexact;
	f->fr = f->fi = false;
}

struct fp fp_reciprocal(struct fpu *f, struct fp v, const struct fp_format *format)
{
	struct fp r = fp_div(f, one, v);

	round_estimate(f, &r, format);
	return r;
}

struct fp fp_reciprocal_of_root(struct fpu *f, struct fp v, const struct fp_format *root,
				const struct fp_format *format)
{
	struct fp r = fp_sqrt(f, v);

	round_estimate(f, &r, root);
	if (!fp_is_nan(&r)) {
		r = fp_div(f, one, r);
		round_estimate(f, &r, format);
	}
	return r;
}

struct fp fp_reciprocal_sqrt(struct fpu *f, struct fp v, const struct fp_format *format)
{
	return fp_reciprocal_of_root(f, v, format, format);
}
