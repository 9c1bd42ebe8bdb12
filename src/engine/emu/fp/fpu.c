/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arithmetic core of the floating-point facilities: see fpu.h. Rounding and exceptions follow
 * Power ISA 3.0B, book I, sections 4.4 (exceptions), 4.5 (execution models) and 7.4. Instructions
 * are not decoded here.
 */
#include <math.h>
#include <string.h>

#include "engine/emu/fp/fpu.h"

const struct fp_format fp_half = { 10, 5, -14, 15, 24 };
const struct fp_format fp_single = { 23, 8, -126, 127, 192 };
const struct fp_format fp_double = { 52, 11, -1022, 1023, 1536 };
const struct fp_format fp_quad = { 112, 15, -16382, 16383, 24576 };
const struct fp_format fp_extended = { 63, 15, -16382, 16383, 24576 };

static const struct fp one = { .class = CLASS_FINITE, .significand = (u128)1 << FP_TOP };
static const struct fp default_nan = { .class = CLASS_QNAN, .significand = FP_QUIET };

/* ---- encodings ---- */

static inline int leading_zeros(u128 v)
{
	uint64_t high = (uint64_t)(v >> 64);

	return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)v);
}

struct fp fp_unpack(u128 bits, const struct fp_format *format)
{
	const unsigned exponent_mask = (1u << format->exponent_bits) - 1;
	u128 fraction = bits & (((u128)1 << format->fraction_bits) - 1);
	unsigned exponent = (unsigned)(bits >> format->fraction_bits) & exponent_mask;
	struct fp v = { .sign = bits >> (format->fraction_bits + format->exponent_bits) & 1 };

	v.significand = fraction << (FP_TOP - format->fraction_bits);
	if (exponent == exponent_mask) {
		v.class = !fraction		   ? CLASS_INFINITE :
			  v.significand & FP_QUIET ? CLASS_QNAN :
						     CLASS_SNAN;
	} else if (exponent) {
		v.class = CLASS_FINITE;
		v.significand |= (u128)1 << FP_TOP;
		v.exponent = (int)exponent - format->emax;
	} else if (fraction) {
		int shift = leading_zeros(v.significand) - (127 - FP_TOP);

		v.class = CLASS_FINITE;
		v.significand <<= shift;
		v.exponent = format->emin - shift;
	}
	return v;
}

u128 fp_pack(const struct fp *v, const struct fp_format *format)
{
	const unsigned exponent_mask = (1u << format->exponent_bits) - 1;
	const u128 fraction_mask = ((u128)1 << format->fraction_bits) - 1;
	unsigned shift = FP_TOP - format->fraction_bits, exponent = 0;
	u128 fraction = 0;

	switch (v->class) {
	case CLASS_ZERO:
		break;
	case CLASS_FINITE:
		if (v->exponent < format->emin &&
		    format->emin - v->exponent <= format->fraction_bits)
			shift += (unsigned)(format->emin - v->exponent);
		else
			exponent = (unsigned)(v->exponent + format->emax) & exponent_mask;
		fraction = v->significand >> shift & fraction_mask;
		break;
	default: /* infinity: its significand is 0 */
		exponent = exponent_mask;
		fraction = v->significand >> shift & fraction_mask;
		break;
	}
	return (u128)v->sign << (format->fraction_bits + format->exponent_bits) |
	       (u128)exponent << format->fraction_bits | fraction;
}

unsigned fp_fprf(const struct fp *v, const struct fp_format *format)
{
	switch (v->class) {
	case CLASS_ZERO:
		return v->sign ? 0x12 : 0x02;
	case CLASS_FINITE:
		if (v->exponent < format->emin)
			return v->sign ? 0x18 : 0x14;
		return v->sign ? 0x08 : 0x04;
	case CLASS_INFINITE:
		return v->sign ? 0x09 : 0x05;
	default:
		return 0x11;
	}
}

/* ---- rounding ---- */

/*
 * Clear the low @count bits of a finite number, rounding. May carry into the exponent or give zero.
 */
static void round_at(struct fpu *f, struct fp *v, int count, enum fp_rounding rounding)
{
	u128 unit, rest, half;
	bool up;

	if (count > 127) {
		/* less than half of the last place: it only matters that it's not zero */
		v->significand = 1;
		v->exponent += count - 127;
		count = 127;
	}
	unit = (u128)1 << count;
	half = unit >> 1;
	rest = v->significand & (unit - 1);
	v->significand -= rest;
	f->fi = rest != 0;
	switch (rounding) {
	case FP_NEAREST:
		up = rest > half || (rest == half && (v->significand & unit));
		break;
	case FP_NEAREST_AWAY:
		up = rest >= half;
		break;
	case FP_UP:
		up = !v->sign;
		break;
	case FP_DOWN:
		up = v->sign;
		break;
	case FP_TO_ODD:
		up = !(v->significand & unit);
		break;
	default:
		up = false;
		break;
	}
	f->fr = up && f->fi;
	if (f->fr)
		v->significand += unit;
	if (v->significand >> (FP_TOP + 1)) {
		v->significand >>= 1;
		v->exponent++;
	} else if (!v->significand) {
		v->class = CLASS_ZERO;
	}
}

static void overflow(struct fpu *f, struct fp *v, const struct fp_format *format)
{
	bool infinite = f->rounding == FP_NEAREST || f->rounding == FP_NEAREST_AWAY ||
			(f->rounding == FP_UP && !v->sign) || (f->rounding == FP_DOWN && v->sign);

	f->raised |= FPSCR_OX;
	if (f->enabled & FPSCR_OE) {
		v->exponent -= format->wrap;
		return;
	}
	f->fi = true;
	f->fr = infinite;
	if (infinite) {
		v->class = CLASS_INFINITE;
		v->significand = 0;
	} else {
		v->exponent = format->emax;
		v->significand = (((u128)2 << format->fraction_bits) - 1)
				 << (FP_TOP - format->fraction_bits);
	}
}

void fp_round(struct fpu *f, struct fp *v, const struct fp_format *format)
{
	int count = FP_TOP - format->fraction_bits;
	bool tiny;

	f->fr = f->fi = false;
	if (v->class != CLASS_FINITE)
		return;
	tiny = v->exponent < format->emin;
	if (tiny) {
		if (f->enabled & FPSCR_UE) {
			f->raised |= FPSCR_UX;
			v->exponent += format->wrap;
		} else {
			count += format->emin - v->exponent;
		}
	}
	round_at(f, v, count, f->rounding);
	if (tiny && f->fi)
		f->raised |= FPSCR_UX;
	if (!tiny && v->exponent > format->emax)
		overflow(f, v, format);
	if (f->fi)
		f->raised |= FPSCR_XX;
}

struct fp fp_to_integral(struct fpu *f, struct fp v, enum fp_rounding rounding)
{
	f->fr = f->fi = false;
	if (fp_is_nan(&v))
		return fp_quiet(f, v);
	if (v.class == CLASS_FINITE && v.exponent < FP_TOP)
		round_at(f, &v, FP_TOP - v.exponent, rounding);
	return v;
}

uint64_t fp_to_integer(struct fpu *f, struct fp v, enum fp_rounding rounding, unsigned bits,
		       bool is_signed)
{
	const u128 limit = (u128)1 << (bits - is_signed);
	bool nan = fp_is_nan(&v);
	u128 magnitude = 0;
	uint64_t saturated;

	v = fp_to_integral(f, v, rounding);
	if (v.class == CLASS_ZERO)
		goto valid;
	if (v.class == CLASS_FINITE && v.exponent < 64) {
		magnitude = v.significand >> (FP_TOP - v.exponent);
		if (v.sign ? is_signed && magnitude <= limit : magnitude < limit)
			goto valid;
	}
	f->fr = f->fi = false;
	f->raised |= FPSCR_VXCVI;
	if (nan || v.sign)
		saturated = is_signed ? -(uint64_t)limit : 0;
	else
		saturated = (uint64_t)(limit - 1);
	return saturated;
valid:
	if (f->fi)
		f->raised |= FPSCR_XX;
	return v.sign ? -(uint64_t)magnitude : (uint64_t)magnitude;
}

struct fp fp_from_unsigned(uint64_t n)
{
	struct fp v = { .class = CLASS_ZERO };
	int shift;

	if (n) {
		shift = __builtin_clzll(n);
		v.class = CLASS_FINITE;
		v.significand = (u128)n << shift << (FP_TOP - 63);
		v.exponent = 63 - shift;
	}
	return v;
}

struct fp fp_from_signed(uint64_t n)
{
	bool sign = n >> 63;
	struct fp v = fp_from_unsigned(sign ? -n : n);

	v.sign = sign;
	return v;
}

/* ---- arithmetic ---- */

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

static inline bool smaller(const struct fp *a, const struct fp *b)
{
	if (a->exponent != b->exponent)
		return a->exponent < b->exponent;
	return a->significand < b->significand;
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

static struct fp reciprocal_sqrt(struct fpu *f, struct fp v, const struct fp_format *root,
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
	return reciprocal_sqrt(f, v, format, format);
}

/* ---- comparison and tests ---- */

unsigned fp_compare(const struct fp *a, const struct fp *b)
{
	bool less;

	if (fp_is_nan(a) || fp_is_nan(b))
		return CR_SO;
	if (a->class == CLASS_ZERO && b->class == CLASS_ZERO)
		return CR_EQ;
	if (a->sign != b->sign)
		return a->sign ? CR_LT : CR_GT;
	if (a->class != b->class)
		less = a->class < b->class;
	else if (a->class == CLASS_INFINITE ||
		 (a->exponent == b->exponent && a->significand == b->significand))
		return CR_EQ;
	else
		less = smaller(a, b);
	return less != a->sign ? CR_LT : CR_GT;
}

unsigned fp_compare_signal(struct fpu *f, const struct fp *a, const struct fp *b, bool ordered)
{
	bool signalling = a->class == CLASS_SNAN || b->class == CLASS_SNAN;
	unsigned result = fp_compare(a, b);

	if (signalling)
		f->raised |= FPSCR_VXSNAN;
	if (ordered && result == CR_SO && !(signalling && (f->enabled & FPSCR_VE)))
		f->raised |= FPSCR_VXVC;
	return result;
}

static int raw_exponent(u128 bits, const struct fp_format *format)
{
	return (int)(bits >> format->fraction_bits & ((1u << format->exponent_bits) - 1)) -
	       format->emax;
}

/*
 * Could software's Newton iteration go wrong? Every format uses the margins that the ISA gives for
 * double in ftdiv.
 */
unsigned fp_test_divide(u128 a, u128 b, const struct fp_format *format)
{
	struct fp va = fp_unpack(a, format), vb = fp_unpack(b, format);
	int ea = raw_exponent(a, format), eb = raw_exponent(b, format);
	unsigned result = 0;

	if (va.class == CLASS_INFINITE || vb.class == CLASS_ZERO || vb.class == CLASS_INFINITE ||
	    (vb.class == CLASS_FINITE && eb < format->emin))
		result |= CR_GT;
	if (va.class >= CLASS_INFINITE || vb.class != CLASS_FINITE || eb <= format->emin ||
	    eb >= format->emax - 2 ||
	    (va.class == CLASS_FINITE && (ea - eb >= format->emax || ea - eb <= format->emin + 1 ||
					  ea <= format->emin + format->fraction_bits)))
		result |= CR_EQ;
	return result;
}

unsigned fp_test_sqrt(u128 b, const struct fp_format *format)
{
	struct fp v = fp_unpack(b, format);
	int e = raw_exponent(b, format);
	unsigned result = 0;

	if (v.class == CLASS_INFINITE || v.class == CLASS_ZERO ||
	    (v.class == CLASS_FINITE && e < format->emin))
		result |= CR_GT;
	if (v.class != CLASS_FINITE || v.sign || e <= format->emin + format->fraction_bits)
		result |= CR_EQ;
	return result;
}

uint64_t fp_single_to_double(uint32_t v)
{
	struct fp unpacked = fp_unpack32(v);

	return fp_pack64(&unpacked);
}

uint32_t fp_double_to_single(uint64_t v)
{
	unsigned exponent = v >> 52 & 0x7ff;
	uint32_t sign = (uint32_t)(v >> 32) & 0x80000000;
	uint64_t significand = (v & 0xfffffffffffffull) | 1ull << 52;

	if (exponent > 1023 - 127)
		return (uint32_t)(v >> 32 & 0xc0000000) | (uint32_t)(v >> 29 & 0x3fffffff);
	/* Denormal as a single. The ISA leaves smaller values undefined; here they give zero. */
	if (exponent >= 1023 - 149)
		return sign | (uint32_t)(significand >> (29 + (1023 - 126 - exponent)));
	return sign;
}

/* ---- the FPSCR ---- */

static void update_summaries(struct cpu *cpu)
{
	uint64_t v = cpu->fpscr & ~(FPSCR_VX | FPSCR_FEX);

	if (v & FPSCR_VX_ANY)
		v |= FPSCR_VX;
	if (v >> FPSCR_ENABLE_SHIFT & v & FPSCR_ENABLES)
		v |= FPSCR_FEX;
	cpu->fpscr = v;
}

void fpscr_raise(struct cpu *cpu, uint64_t exceptions)
{
	if (exceptions & ~cpu->fpscr) {
		cpu->fpscr |= exceptions | FPSCR_FX;
		update_summaries(cpu);
	}
}

void fpscr_write(struct cpu *cpu, uint64_t value, uint64_t mask)
{
	mask &= FPSCR_WRITABLE;
	cpu->fpscr = (cpu->fpscr & ~mask) | (value & mask);
	update_summaries(cpu);
}

static uint64_t enabled_exceptions(const struct cpu *cpu, uint64_t exceptions)
{
	if (exceptions & FPSCR_VX_ANY)
		exceptions |= FPSCR_VX;
	return exceptions >> FPSCR_ENABLE_SHIFT & cpu->fpscr & FPSCR_ENABLES;
}

int fpscr_trap(struct cpu *cpu, uint64_t exceptions)
{
	if (unlikely(enabled_exceptions(cpu, exceptions)) && (cpu->msr & (MSR_FE0 | MSR_FE1)))
		return cpu_raise(cpu, VECTOR_PROGRAM, SRR1_FP_ENABLED);
	return 0;
}

bool fpu_commit(struct cpu *cpu, struct fpu *f, unsigned fprf)
{
	bool write = true;

	cpu->fpscr &= ~(FPSCR_FR | FPSCR_FI);
	if (unlikely(f->raised)) {
		if (f->raised & (FPSCR_VX_ANY | FPSCR_ZX)) {
			f->fr = f->fi = false;
			write = !(enabled_exceptions(cpu, f->raised) & (FPSCR_VE | FPSCR_ZE));
		}
		fpscr_raise(cpu, f->raised);
	}
	if (f->fi)
		cpu->fpscr |= f->fr ? FPSCR_FI | FPSCR_FR : FPSCR_FI;
	if (write && fprf != FPRF_UNCHANGED)
		cpu->fpscr = (cpu->fpscr & ~FPSCR_FPRF) | (uint64_t)fprf << FPSCR_FPRF_SHIFT;
	return write;
}

bool fpu_commit_vector(struct cpu *cpu, struct fpu *f)
{
	if (likely(!f->raised))
		return true;
	fpscr_raise(cpu, f->raised);
	return !enabled_exceptions(cpu, f->raised);
}

/* ---- the host's arithmetic for the common case ---- */

/*
 * When rounding to nearest with normal operands and result, the host's result is the guest's. Exact
 * integer arithmetic on the significands gives FI and FR. The host must round to nearest here and
 * must not fuse operations.
 */
struct normal {
	uint64_t significand; /* 53 bits */
	int exponent; /* of its last bit, biased */
};

static inline double host_double(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static inline uint64_t host_bits(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static inline bool is_normal(uint64_t bits)
{
	return ((bits >> 52) & 0x7ff) - 1 < 0x7fe;
}

static inline struct normal normal(uint64_t bits)
{
	return (struct normal){ (bits & 0xfffffffffffffull) | 1ull << 52, bits >> 52 & 0x7ff };
}

/* Does this double have only the precision of a single? */
static inline bool is_short(uint64_t bits)
{
	return !(bits & 0x1fffffff);
}

/* @got is the result, @exact what it should be, both scaled alike. */
static inline void set_inexact(struct fpu *f, u128 got, u128 exact)
{
	f->fi = got != exact;
	f->fr = got > exact;
}

/*
 * Round to single. This second rounding is harmless if @v is exact or comes from short operands.
 * False if tiny or too large.
 */
static inline bool shorten(double v, double *single)
{
	*single = (float)v;
	return fabs(v) >= 0x1p-126 && fabs(*single) < 0x1p128;
}

static bool host_add(struct fpu *f, uint64_t a_bits, uint64_t b_bits, bool to_single,
		     double *result)
{
	double a = host_double(a_bits), b = host_double(b_bits), sum = a + b, part = sum - a;
	double error = (a - (sum - part)) + (b - part); /* exact: Knuth's TwoSum */

	if (!is_normal(host_bits(sum)))
		return false;
	if (to_single) {
		if (error != 0 || !shorten(sum, result))
			return false;
		error = sum - *result;
	} else {
		*result = sum;
	}
	f->fi = error != 0;
	f->fr = f->fi && (error < 0) != (*result < 0);
	return true;
}

static bool host_mul(struct fpu *f, uint64_t a_bits, uint64_t b_bits, bool to_single,
		     double *result)
{
	struct normal a = normal(a_bits), b = normal(b_bits), r;

	*result = host_double(a_bits) * host_double(b_bits);
	if (to_single && !(is_short(a_bits) && is_short(b_bits) && shorten(*result, result)))
		return false;
	if (!is_normal(a_bits) || !is_normal(b_bits) || !is_normal(host_bits(*result)))
		return false;
	r = normal(host_bits(*result));
	/* a tiny product can round to the smallest normal number */
	if (r.exponent == 1 || (to_single && r.exponent == 1023 - 126))
		return false;
	set_inexact(f, (u128)r.significand << (r.exponent - a.exponent - b.exponent + 1023 + 52),
		    (u128)a.significand * b.significand);
	return true;
}

static bool host_div(struct fpu *f, uint64_t a_bits, uint64_t b_bits, bool to_single,
		     double *result)
{
	struct normal a = normal(a_bits), b = normal(b_bits), r;

	if (!is_normal(a_bits) || !is_normal(b_bits))
		return false;
	*result = host_double(a_bits) / host_double(b_bits);
	if (to_single && !(is_short(a_bits) && is_short(b_bits) && shorten(*result, result)))
		return false;
	if (!is_normal(host_bits(*result)))
		return false;
	r = normal(host_bits(*result));
	if (r.exponent == 1 || (to_single && r.exponent == 1023 - 126))
		return false;
	set_inexact(f, (u128)r.significand * b.significand,
		    (u128)a.significand << (a.exponent - r.exponent - b.exponent + 1023 + 52));
	return true;
}

static bool host_sqrt(struct fpu *f, uint64_t bits, bool to_single, double *result)
{
	struct normal v = normal(bits), r;

	if (!is_normal(bits) || bits >> 63)
		return false;
	*result = sqrt(host_double(bits));
	if (to_single && !(is_short(bits) && shorten(*result, result)))
		return false;
	r = normal(host_bits(*result));
	set_inexact(f, (u128)r.significand * r.significand,
		    (u128)v.significand << (v.exponent - 2 * r.exponent + 1023 + 52));
	return true;
}

static bool host_round(struct fpu *f, uint64_t bits, double *result)
{
	double v = host_double(bits);

	if (!is_normal(bits) || !shorten(v, result))
		return false;
	f->fi = *result != v;
	f->fr = fabs(*result) > fabs(v);
	return true;
}

bool fpu_host_binary(struct fpu *f, fp_binary_fn *op, uint64_t a, uint64_t b,
		     const struct fp_format *format, uint64_t *result)
{
	bool to_single = format == &fp_single, done;
	double r;

	if (f->rounding != FP_NEAREST)
		return false;
	if (op == fp_add)
		done = host_add(f, a, b, to_single, &r);
	else if (op == fp_sub)
		done = host_add(f, a, b ^ 1ull << 63, to_single, &r);
	else if (op == fp_mul)
		done = host_mul(f, a, b, to_single, &r);
	else
		done = host_div(f, a, b, to_single, &r);
	if (!done)
		return false;
	*result = host_bits(r);
	if (f->fi)
		f->raised |= FPSCR_XX;
	return true;
}

bool fpu_host_unary(struct fpu *f, fp_unary_fn *op, uint64_t b, const struct fp_format *format,
		    uint64_t *result)
{
	bool to_single = format == &fp_single, done;
	double r;

	if (f->rounding != FP_NEAREST)
		return false;
	done = op == fp_sqrt ? host_sqrt(f, b, to_single, &r) : to_single && host_round(f, b, &r);
	if (!done)
		return false;
	*result = host_bits(r);
	if (f->fi)
		f->raised |= FPSCR_XX;
	return true;
}

static inline unsigned fprf_of_normal(uint64_t bits)
{
	return bits >> 63 ? 8 : 4;
}

/* ---- whole scalar operations ---- */

static inline struct fp scalar(const struct cpu *cpu, unsigned n)
{
	return fp_unpack64(VSR_D(cpu->vsr[n], 0));
}

int fpu_scalar_write(struct cpu *cpu, struct fpu *f, unsigned t, uint64_t bits, unsigned fprf)
{
	if (fpu_commit(cpu, f, fprf)) {
		VSR_D(cpu->vsr[t], 0) = bits;
		VSR_D(cpu->vsr[t], 1) = 0;
	}
	return fpscr_trap(cpu, f->raised);
}

int fpu_scalar_result(struct cpu *cpu, struct fpu *f, unsigned t, const struct fp *r,
		      const struct fp_format *format)
{
	return fpu_scalar_write(cpu, f, t, fp_pack64(r), fp_fprf(r, format));
}

int fpu_scalar_unary(struct cpu *cpu, unsigned t, unsigned b, fp_unary_fn *op,
		     const struct fp_format *format)
{
	struct fpu f = fpu_start(cpu);
	uint64_t bits;
	struct fp r;

	if (fpu_host_unary(&f, op, VSR_D(cpu->vsr[b], 0), format, &bits))
		return fpu_scalar_write(cpu, &f, t, bits, fprf_of_normal(bits));
	r = op(&f, scalar(cpu, b));
	fp_round(&f, &r, format);
	return fpu_scalar_result(cpu, &f, t, &r, format);
}

int fpu_scalar_binary(struct cpu *cpu, unsigned t, unsigned a, unsigned b, fp_binary_fn *op,
		      const struct fp_format *format)
{
	struct fpu f = fpu_start(cpu);
	uint64_t bits;
	struct fp r;

	if (fpu_host_binary(&f, op, VSR_D(cpu->vsr[a], 0), VSR_D(cpu->vsr[b], 0), format, &bits))
		return fpu_scalar_write(cpu, &f, t, bits, fprf_of_normal(bits));
	r = op(&f, scalar(cpu, a), scalar(cpu, b));
	fp_round(&f, &r, format);
	return fpu_scalar_result(cpu, &f, t, &r, format);
}

struct fp fpu_fma_rounded(struct fpu *f, struct fp a, struct fp c, struct fp addend, unsigned flags,
			  const struct fp_format *format)
{
	struct fp r = fp_multiply_add(f, a, c, addend, flags & FMA_SUBTRACT);

	fp_round(f, &r, format);
	if ((flags & FMA_NEGATE) && !fp_is_nan(&r))
		r.sign = !r.sign;
	return r;
}

int fpu_scalar_fma(struct cpu *cpu, unsigned t, unsigned a, unsigned c, unsigned addend,
		   unsigned flags, const struct fp_format *format)
{
	struct fpu f = fpu_start(cpu);
	struct fp r = fpu_fma_rounded(&f, scalar(cpu, a), scalar(cpu, c), scalar(cpu, addend),
				      flags, format);

	return fpu_scalar_result(cpu, &f, t, &r, format);
}

int fpu_scalar_reciprocal(struct cpu *cpu, unsigned t, unsigned b, const struct fp_format *format)
{
	struct fpu f = fpu_start(cpu);
	struct fp r = fp_reciprocal(&f, scalar(cpu, b), format);

	return fpu_scalar_result(cpu, &f, t, &r, format);
}

int fpu_scalar_reciprocal_sqrt(struct cpu *cpu, unsigned t, unsigned b,
			       const struct fp_format *format)
{
	struct fpu f = fpu_start(cpu);
	struct fp r = reciprocal_sqrt(&f, scalar(cpu, b), &fp_double, format);

	return fpu_scalar_result(cpu, &f, t, &r, format);
}

int fpu_scalar_integral(struct cpu *cpu, unsigned t, unsigned b, enum fp_rounding rounding,
			bool report)
{
	struct fpu f = fpu_start(cpu);
	struct fp r = fp_to_integral(&f, scalar(cpu, b), rounding);

	if (!report)
		f.fr = f.fi = false;
	else if (f.fi)
		f.raised |= FPSCR_XX;
	return fpu_scalar_result(cpu, &f, t, &r, &fp_double);
}

int fpu_scalar_to_integer(struct cpu *cpu, unsigned t, unsigned b, enum fp_rounding rounding,
			  unsigned bits, bool is_signed)
{
	struct fpu f = fpu_start(cpu);
	uint64_t r = fp_to_integer(&f, scalar(cpu, b), rounding, bits, is_signed);

	return fpu_scalar_write(cpu, &f, t, r, FPRF_UNCHANGED);
}

int fpu_scalar_from_integer(struct cpu *cpu, unsigned t, unsigned b, bool is_signed,
			    const struct fp_format *format)
{
	uint64_t n = VSR_D(cpu->vsr[b], 0);
	struct fpu f = fpu_start(cpu);
	struct fp r = is_signed ? fp_from_signed(n) : fp_from_unsigned(n);

	fp_round(&f, &r, format);
	return fpu_scalar_result(cpu, &f, t, &r, format);
}

int fpu_scalar_compare(struct cpu *cpu, unsigned bf, unsigned a, unsigned b, bool ordered)
{
	struct fpu f = fpu_start(cpu);
	struct fp va = scalar(cpu, a), vb = scalar(cpu, b);
	unsigned result = fp_compare_signal(&f, &va, &vb, ordered);

	cpu->cr[bf] = (uint8_t)result;
	fpscr_set_fpcc(cpu, result);
	fpscr_raise(cpu, f.raised);
	return fpscr_trap(cpu, f.raised);
}
