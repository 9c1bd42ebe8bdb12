/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decimal floating point: encodings, rounding, arithmetic. Power ISA 3.0B, book I, sections 5.4
 * (data), 5.5 (execution model). An exact result has up to twice the digits of its operands;
 * digits below these only matter by not being zero.
 */
#include "engine/emu/fp/decimal.h"
#include "engine/emu/fp/declet.h"
#include "engine/emu/fp/private.h"

const struct decimal_format decimal_short = { 7, 2, 32, -101, 90, 192 };
const struct decimal_format decimal_long = { 16, 5, 64, -398, 369, 576 };
const struct decimal_format decimal_quad = { 34, 11, 128, -6176, 6111, 9216 };

static const struct decimal default_nan = { .class = CLASS_QNAN };

/* ---- digits ---- */

u128 decimal_power(unsigned n)
{
	static const uint64_t power[] = { 1,
					  10,
					  100,
					  1000,
					  10000,
					  100000,
					  1000000,
					  10000000,
					  100000000,
					  1000000000,
					  10000000000,
					  100000000000,
					  1000000000000,
					  10000000000000,
					  100000000000000,
					  1000000000000000,
					  10000000000000000,
					  100000000000000000,
					  1000000000000000000,
					  10000000000000000000u };

	return n < 20 ? power[n] : (u128)power[19] * power[n - 19];
}

unsigned decimal_digits(u128 coefficient)
{
	unsigned n;

	if (!coefficient)
		return 0;
	n = (128 - (unsigned)leading_zeros(coefficient)) * 1233 >> 12; /* log10(2) */
	return n < 39 && coefficient >= decimal_power(n) ? n + 1 : n;
}

/*
 * A digit below 8 needs three bits of a declet's pqr stu v wxy. In 8 and 9 only the last bit
 * varies; v, wx and st tell which digits those are.
 */
unsigned declet_to_bcd(unsigned declet)
{
	const unsigned pqr = declet >> 7 & 7, stu = declet >> 4 & 7, wxy = declet & 7;
	const unsigned r = pqr & 1, u = stu & 1, y = wxy & 1;

	if (!(declet & 8))
		return pqr << 8 | stu << 4 | wxy;
	switch (wxy >> 1) {
	case 0:
		return pqr << 8 | stu << 4 | 8 | y;
	case 1:
		return pqr << 8 | (8 | u) << 4 | (stu & 6) | y;
	case 2:
		return (8 | r) << 8 | stu << 4 | (pqr & 6) | y;
	}
	switch (stu >> 1) {
	case 0:
		return (8 | r) << 8 | (8 | u) << 4 | (pqr & 6) | y;
	case 1:
		return (8 | r) << 8 | ((pqr & 6) | u) << 4 | 8 | y;
	case 2:
		return pqr << 8 | (8 | u) << 4 | 8 | y;
	default:
		return (8 | r) << 8 | (8 | u) << 4 | 8 | y;
	}
}

unsigned bcd_to_declet(unsigned digits)
{
	const unsigned a = digits >> 8 & 15, b = digits >> 4 & 15, c = digits & 15;
	const unsigned low = (a & 1) << 7 | (b & 1) << 4 | (c & 1);
	const unsigned a2 = a & 6, b2 = b & 6,
		       c2 = c & 6; /* two bits, in place for the last digit */

	switch ((a & 8) >> 1 | (b & 8) >> 2 | (c & 8) >> 3) {
	case 0:
		return low | a2 << 7 | b2 << 4 | c2;
	case 1:
		return low | a2 << 7 | b2 << 4 | 8;
	case 2:
		return low | a2 << 7 | c2 << 4 | 0xa;
	case 3:
		return low | a2 << 7 | 0x4e;
	case 4:
		return low | c2 << 7 | b2 << 4 | 0xc;
	case 5:
		return low | b2 << 7 | 0x2e;
	case 6:
		return low | c2 << 7 | 0xe;
	default:
		return low | 0x6e;
	}
}

/* ---- encodings ---- */

/* Of the five bits behind the sign. */
#define COMBINATION_INFINITE 30
#define COMBINATION_NAN	     31

static unsigned trailing_bits(const struct decimal_format *format)
{
	return 10u * format->declets;
}

static u128 unpack_declets(u128 bits, const struct decimal_format *format)
{
	u128 v = 0;

	for (unsigned i = format->declets; i--;) {
		const unsigned bcd = declet_to_bcd((unsigned)(bits >> 10 * i) & 0x3ff);

		v = v * 1000 + (bcd >> 8) * 100 + (bcd >> 4 & 15) * 10 + (bcd & 15);
	}
	return v;
}

static u128 pack_declets(u128 v, const struct decimal_format *format)
{
	u128 bits = 0;

	for (unsigned i = 0; i < format->declets; i++, v /= 1000) {
		const unsigned d = (unsigned)(v % 1000);

		bits |= (u128)bcd_to_declet(d / 100 << 8 | d / 10 % 10 << 4 | d % 10) << 10 * i;
	}
	return bits;
}

/* Bits of the exponent behind the combination of its first two with the first digit. */
static unsigned exponent_bits(const struct decimal_format *format)
{
	return format->bits - 6u - trailing_bits(format);
}

struct decimal decimal_unpack(u128 bits, const struct decimal_format *format)
{
	const unsigned combination = (unsigned)(bits >> (format->bits - 6)) & 31;
	const unsigned continuation = (unsigned)(bits >> trailing_bits(format)) &
				      ((1u << exponent_bits(format)) - 1);
	const bool large = combination >> 3 == 3; /* the first digit is 8 or 9 */
	const unsigned first = large ? 8 | (combination & 1) : combination & 7;
	const unsigned high = large ? combination >> 1 & 3 : combination >> 3;
	struct decimal v = { .sign = bits >> (format->bits - 1) & 1 };

	v.coefficient = unpack_declets(bits, format);
	if (combination == COMBINATION_NAN) {
		v.class = continuation >> (exponent_bits(format) - 1) ? CLASS_SNAN : CLASS_QNAN;
	} else if (combination == COMBINATION_INFINITE) {
		v.class = CLASS_INFINITE;
	} else {
		v.class = CLASS_FINITE;
		v.coefficient += first * decimal_power(3u * format->declets);
		v.exponent = (int)(high << exponent_bits(format) | continuation) + format->min;
	}
	return v;
}

u128 decimal_pack_digits(const struct decimal *v, const struct decimal_format *format)
{
	const unsigned biased = (unsigned)(v->exponent - format->min);
	const unsigned high = biased >> exponent_bits(format);
	const unsigned first =
		(unsigned)(v->coefficient / decimal_power(3u * format->declets)) % 10;
	unsigned combination, continuation = 0;

	if (v->class == CLASS_INFINITE) {
		combination = COMBINATION_INFINITE;
	} else if (decimal_is_nan(v)) {
		combination = COMBINATION_NAN;
		if (v->class == CLASS_SNAN)
			continuation = 1u << (exponent_bits(format) - 1);
	} else {
		combination = first < 8 ? high << 3 | first : 0x18 | high << 1 | (first & 1);
		continuation = biased & ((1u << exponent_bits(format)) - 1);
	}
	return (u128)v->sign << (format->bits - 1) | (u128)combination << (format->bits - 6) |
	       (u128)continuation << trailing_bits(format) | pack_declets(v->coefficient, format);
}

u128 decimal_pack(const struct decimal *v, const struct decimal_format *format)
{
	struct decimal canonical = *v;

	if (v->class == CLASS_INFINITE)
		canonical.coefficient = 0;
	return decimal_pack_digits(&canonical, format);
}

/* The exponent of the first digit of the smallest normal number. */
static int smallest_normal(const struct decimal_format *format)
{
	return format->min + format->digits - 1;
}

static int first_exponent(const struct decimal *v)
{
	return v->exponent + (int)decimal_digits(v->coefficient) - 1;
}

bool decimal_is_subnormal(const struct decimal *v, const struct decimal_format *format)
{
	return v->class == CLASS_FINITE && v->coefficient &&
	       first_exponent(v) < smallest_normal(format);
}

unsigned decimal_fprf(const struct decimal *v, const struct decimal_format *format)
{
	switch (v->class) {
	case CLASS_QNAN:
		return 0x11;
	case CLASS_SNAN:
		return 0x01;
	case CLASS_INFINITE:
		return v->sign ? 0x09 : 0x05;
	}
	if (!v->coefficient)
		return v->sign ? 0x12 : 0x02;
	if (decimal_is_subnormal(v, format))
		return v->sign ? 0x18 : 0x14;
	return v->sign ? 0x08 : 0x04;
}

/* ---- rounding ---- */

#define HALF_DIGITS 34

/* (high * 10^34 + low) * 10^exponent, and a bit more if sticky */
struct exact {
	u128 high, low;
	int32_t exponent;
	bool sign, sticky;
};

static struct exact exact_of(const struct decimal *v)
{
	const u128 half = decimal_power(HALF_DIGITS);

	return (struct exact){ .high = v->coefficient / half,
			       .low = v->coefficient % half,
			       .exponent = v->exponent,
			       .sign = v->sign };
}

static unsigned exact_digits(const struct exact *v)
{
	return v->high ? HALF_DIGITS + decimal_digits(v->high) : decimal_digits(v->low);
}

/* Drop the @n digits on the right. */
static void shift_right(struct exact *v, unsigned n)
{
	u128 unit;

	if (n >= 2 * HALF_DIGITS) {
		v->sticky |= v->high || v->low;
		v->high = v->low = 0;
	} else if (n >= HALF_DIGITS) {
		unit = decimal_power(n - HALF_DIGITS);
		v->sticky |= v->low || v->high % unit;
		v->low = v->high / unit;
		v->high = 0;
	} else {
		unit = decimal_power(n);
		v->sticky |= v->low % unit != 0;
		v->low = v->low / unit + v->high % unit * decimal_power(HALF_DIGITS - n);
		v->high /= unit;
	}
	v->exponent += (int)n;
}

static void shift_left(struct exact *v, unsigned n)
{
	u128 unit;

	if (n >= HALF_DIGITS) {
		v->high = v->low * decimal_power(n - HALF_DIGITS);
		v->low = 0;
	} else {
		unit = decimal_power(HALF_DIGITS - n);
		v->high = v->high * decimal_power(n) + v->low / unit;
		v->low = v->low % unit * decimal_power(n);
	}
	v->exponent -= (int)n;
}

static bool rounds_up(enum decimal_rounding rounding, bool sign, u128 kept, unsigned first_dropped,
		      bool others)
{
	const bool above_half = first_dropped > 5 || (first_dropped == 5 && others);
	const bool inexact = first_dropped || others;

	switch (rounding) {
	case DECIMAL_NEAREST:
		return above_half || (first_dropped == 5 && kept & 1);
	case DECIMAL_UP:
		return inexact && !sign;
	case DECIMAL_DOWN:
		return inexact && sign;
	case DECIMAL_NEAREST_AWAY:
		return first_dropped >= 5;
	case DECIMAL_NEAREST_TO_ZERO:
		return above_half;
	case DECIMAL_AWAY:
		return inexact;
	case DECIMAL_FOR_SHORTER:
		return inexact && kept % 5 == 0;
	default:
		return false;
	}
}

/* Drop the @n digits on the right, rounding; what is left fits in a coefficient. Sets FR and FI. */
static struct decimal round_off(struct decimal_op *op, struct exact v, unsigned n)
{
	struct decimal r = { .class = CLASS_FINITE, .sign = v.sign };
	unsigned first_dropped = 0;
	bool others = v.sticky;

	if (n) {
		shift_right(&v, n - 1);
		first_dropped = (unsigned)(v.low % 10);
		others = v.sticky;
		shift_right(&v, 1);
	}
	r.coefficient = v.low + v.high * decimal_power(HALF_DIGITS);
	r.exponent = v.exponent;
	op->fpu.fi = first_dropped || others;
	op->fpu.fr = rounds_up(op->rounding, v.sign, r.coefficient, first_dropped, others);
	r.coefficient += op->fpu.fr;
	return r;
}

/* Choose the form of the number with the exponent that is closest to the ideal one. */
static void approach(struct decimal *v, int ideal, const struct decimal_format *format)
{
	const int room = format->digits - (int)decimal_digits(v->coefficient);

	if (v->exponent > ideal) {
		const int n = v->exponent - ideal < room ? v->exponent - ideal : room;

		v->coefficient *= decimal_power((unsigned)n);
		v->exponent -= n;
	}
	while (v->exponent < ideal && v->coefficient % 10 == 0) {
		v->coefficient /= 10;
		v->exponent++;
	}
}

static void overflow(struct decimal_op *op, struct decimal *v)
{
	const enum decimal_rounding mode = op->rounding;
	const bool infinite = mode == DECIMAL_NEAREST || mode == DECIMAL_NEAREST_AWAY ||
			      mode == DECIMAL_NEAREST_TO_ZERO || mode == DECIMAL_AWAY ||
			      (mode == DECIMAL_UP && !v->sign) || (mode == DECIMAL_DOWN && v->sign);

	op->fpu.raised |= FPSCR_OX;
	if (op->fpu.enabled & FPSCR_OE) {
		v->exponent -= op->format->wrap;
		return;
	}
	op->fpu.fi = true;
	op->fpu.fr = infinite;
	v->class = infinite ? CLASS_INFINITE : CLASS_FINITE;
	v->coefficient = infinite ? 0 : decimal_power(op->format->digits) - 1;
	v->exponent = op->format->max;
}

static struct decimal zero(bool sign, int exponent, const struct decimal_format *format)
{
	return (struct decimal){ .class = CLASS_FINITE,
				 .sign = sign,
				 .exponent = exponent < format->min ? format->min :
					     exponent > format->max ? format->max :
								      exponent };
}

/* Round to precision and range. An exact result gets the exponent that is closest to @ideal. */
static struct decimal finish(struct decimal_op *op, struct exact v, int ideal)
{
	const struct decimal_format *format = op->format;
	const int digits = (int)exact_digits(&v);
	bool tiny = v.exponent + digits - 1 < smallest_normal(format), wrapped = false;
	int excess = digits - format->digits;
	struct decimal r;

	op->fpu.fr = op->fpu.fi = false;
	if (!digits)
		return zero(v.sign, ideal, format);
	if (tiny && op->fpu.enabled & FPSCR_UE) {
		op->fpu.raised |= FPSCR_UX;
		v.exponent += format->wrap;
		ideal += format->wrap;
		tiny = false;
		wrapped = true;
	}
	if (tiny && format->min - v.exponent > excess)
		excess = format->min - v.exponent;
	r = round_off(op, v, excess > 0 ? (unsigned)excess : 0);
	if (r.coefficient == decimal_power(format->digits)) {
		r.coefficient /= 10;
		r.exponent++;
	}
	if (!op->fpu.fi)
		approach(&r, !wrapped && ideal < format->min ? format->min : ideal, format);
	else if (tiny)
		op->fpu.raised |= FPSCR_UX;
	if (!wrapped && r.exponent > format->max) {
		if (first_exponent(&r) < format->max + format->digits)
			approach(&r, format->max, format);
		else
			overflow(op, &r);
	}
	if (op->fpu.fi)
		op->fpu.raised |= FPSCR_XX;
	return r;
}

/* ---- arithmetic ---- */

static struct decimal invalid(struct decimal_op *op, uint64_t exception)
{
	op->fpu.raised |= exception;
	return default_nan;
}

struct decimal decimal_quiet(struct decimal_op *op, struct decimal v)
{
	if (v.class == CLASS_SNAN) {
		op->fpu.raised |= FPSCR_VXSNAN;
		v.class = CLASS_QNAN;
	}
	return v;
}

/* Of two numbers, at least one a NaN: a signalling NaN comes first. */
static struct decimal first_nan(struct decimal_op *op, const struct decimal *a,
				const struct decimal *b)
{
	if (a->class == CLASS_SNAN || b->class != CLASS_SNAN)
		return decimal_quiet(op, decimal_is_nan(a) ? *a : *b);
	return decimal_quiet(op, *b);
}

static struct decimal infinity(bool sign)
{
	return (struct decimal){ .class = CLASS_INFINITE, .sign = sign };
}

/* @a is the number with the larger exponent, of as many digits as there is room for. */
static struct exact subtract_magnitudes(struct exact a, struct exact b)
{
	const u128 half = decimal_power(HALF_DIGITS);

	if (a.high < b.high || (a.high == b.high && a.low < b.low)) {
		struct exact swap = a; /* then both are exact */

		a = b;
		b = swap;
	}
	if (b.sticky) { /* a bit more than b: a bit less than the next number below */
		b.low++;
		a.sticky = true;
	}
	if (a.low < b.low) {
		a.high--;
		a.low += half;
	}
	a.high -= b.high;
	a.low -= b.low;
	return a;
}

static struct exact add_magnitudes(struct exact a, struct exact b)
{
	const u128 half = decimal_power(HALF_DIGITS);

	a.high += b.high;
	a.low += b.low;
	a.sticky |= b.sticky;
	if (a.low >= half) {
		a.low -= half;
		a.high++;
	}
	return a;
}

static struct decimal add_finite(struct decimal_op *op, const struct decimal *a,
				 const struct decimal *b)
{
	const bool a_higher = a->exponent >= b->exponent;
	const struct decimal *upper = a_higher ? a : b, *lower = a_higher ? b : a;
	struct exact x = exact_of(upper), y = exact_of(lower), sum;
	unsigned distance = (unsigned)(upper->exponent - lower->exponent), room;
	const int ideal = lower->exponent;

	if (!upper->coefficient) {
		sum = y;
	} else if (!lower->coefficient) {
		sum = x;
	} else {
		room = 2 * HALF_DIGITS - decimal_digits(upper->coefficient);
		if (distance > room) {
			shift_right(&y, distance - room);
			distance = room;
		}
		shift_left(&x, distance);
		sum = a->sign == b->sign ? add_magnitudes(x, y) : subtract_magnitudes(x, y);
	}
	if (!exact_digits(&sum))
		sum.sign = a->sign == b->sign ? a->sign : op->rounding == DECIMAL_DOWN;
	return finish(op, sum, ideal);
}

struct decimal decimal_add(struct decimal_op *op, struct decimal a, struct decimal b)
{
	if (decimal_is_nan(&a) || decimal_is_nan(&b))
		return first_nan(op, &a, &b);
	if (a.class == CLASS_INFINITE)
		return b.class == CLASS_INFINITE && a.sign != b.sign ? invalid(op, FPSCR_VXISI) : a;
	if (b.class == CLASS_INFINITE)
		return b;
	return add_finite(op, &a, &b);
}

struct decimal decimal_sub(struct decimal_op *op, struct decimal a, struct decimal b)
{
	if (!decimal_is_nan(&b))
		b.sign = !b.sign;
	return decimal_add(op, a, b);
}

/* Halves of 17 digits: their products fit. */
static void multiply(struct exact *r, u128 a, u128 b)
{
	const u128 half = decimal_power(HALF_DIGITS), quarter = decimal_power(HALF_DIGITS / 2);
	const u128 a1 = a / quarter, a0 = a % quarter, b1 = b / quarter, b0 = b % quarter;
	const u128 middle = a1 * b0 + a0 * b1;

	r->low = a0 * b0 + middle % quarter * quarter;
	r->high = a1 * b1 + middle / quarter + r->low / half;
	r->low %= half;
}

struct decimal decimal_mul(struct decimal_op *op, struct decimal a, struct decimal b)
{
	struct exact r = { .exponent = a.exponent + b.exponent, .sign = a.sign != b.sign };

	if (decimal_is_nan(&a) || decimal_is_nan(&b))
		return first_nan(op, &a, &b);
	if (a.class == CLASS_INFINITE || b.class == CLASS_INFINITE)
		return decimal_is_zero(&a) || decimal_is_zero(&b) ? invalid(op, FPSCR_VXIMZ) :
								    infinity(r.sign);
	multiply(&r, a.coefficient, b.coefficient);
	return finish(op, r, r.exponent);
}

static struct decimal divide_finite(struct decimal_op *op, const struct decimal *a,
				    const struct decimal *b)
{
	const u128 enough = decimal_power(op->format->digits);
	const int ideal = a->exponent - b->exponent;
	u128 quotient = a->coefficient / b->coefficient, rest = a->coefficient % b->coefficient;
	struct decimal digits = { .exponent = ideal, .sign = a->sign != b->sign };
	struct exact r;

	for (; rest && quotient < enough; digits.exponent--) {
		rest *= 10;
		quotient = quotient * 10 + rest / b->coefficient;
		rest %= b->coefficient;
	}
	digits.coefficient = quotient;
	r = exact_of(&digits);
	r.sticky = rest != 0;
	return finish(op, r, ideal);
}

struct decimal decimal_div(struct decimal_op *op, struct decimal a, struct decimal b)
{
	const bool sign = a.sign != b.sign;

	if (decimal_is_nan(&a) || decimal_is_nan(&b))
		return first_nan(op, &a, &b);
	if (a.class == CLASS_INFINITE)
		return b.class == CLASS_INFINITE ? invalid(op, FPSCR_VXIDI) : infinity(sign);
	if (b.class == CLASS_INFINITE)
		return zero(sign, op->format->min, op->format);
	if (!b.coefficient) {
		if (!a.coefficient)
			return invalid(op, FPSCR_VXZDZ);
		op->fpu.raised |= FPSCR_ZX;
		return infinity(sign);
	}
	return divide_finite(op, &a, &b);
}

/* ---- rounding to an exponent, to digits, to integers ---- */

/* @v is finite. The exponent is in the format's range. */
static struct decimal with_exponent(struct decimal_op *op, struct decimal v, int exponent)
{
	if (v.exponent < exponent)
		return round_off(op, exact_of(&v), (unsigned)(exponent - v.exponent));
	if (v.coefficient) {
		if (first_exponent(&v) - exponent >= op->format->digits)
			return invalid(op, FPSCR_VXCVI);
		v.coefficient *= decimal_power((unsigned)(v.exponent - exponent));
	}
	v.exponent = exponent;
	return v;
}

struct decimal decimal_quantize(struct decimal_op *op, struct decimal a, struct decimal b)
{
	struct decimal r;

	if (decimal_is_nan(&a) || decimal_is_nan(&b))
		return first_nan(op, &a, &b);
	if (a.class != b.class)
		return invalid(op, FPSCR_VXCVI);
	if (a.class == CLASS_INFINITE)
		return b;
	r = with_exponent(op, b, a.exponent);
	if (op->fpu.fi)
		op->fpu.raised |= FPSCR_XX;
	return r;
}

struct decimal decimal_round(struct decimal_op *op, struct decimal v)
{
	return v.class == CLASS_FINITE ? finish(op, exact_of(&v), v.exponent) : v;
}

struct decimal decimal_reround(struct decimal_op *op, struct decimal v, unsigned digits)
{
	const unsigned has = decimal_digits(v.coefficient);

	if (v.class != CLASS_FINITE)
		return decimal_quiet(op, v);
	if (!digits || has <= digits)
		return v;
	v = round_off(op, exact_of(&v), has - digits);
	if (decimal_digits(v.coefficient) > digits) {
		v.coefficient /= 10;
		v.exponent++;
	}
	if (v.exponent > op->format->max)
		return invalid(op, FPSCR_VXCVI);
	if (op->fpu.fi)
		op->fpu.raised |= FPSCR_XX;
	return v;
}

struct decimal decimal_to_integral(struct decimal_op *op, struct decimal v, bool report)
{
	if (v.class != CLASS_FINITE)
		return decimal_quiet(op, v);
	if (v.exponent < 0)
		v = with_exponent(op, v, 0);
	if (!report)
		op->fpu.fr = op->fpu.fi = false;
	else if (op->fpu.fi)
		op->fpu.raised |= FPSCR_XX;
	return v;
}

struct decimal decimal_from_integer(struct decimal_op *op, u128 magnitude, bool sign)
{
	return decimal_round(op, (struct decimal){ .class = CLASS_FINITE,
						   .coefficient = magnitude,
						   .sign = sign });
}

u128 decimal_to_integer(struct decimal_op *op, struct decimal v, unsigned bits)
{
	const u128 limit = (u128)1 << (bits - 1);
	const bool nan = decimal_is_nan(&v);

	v = decimal_to_integral(op, v, true);
	if (decimal_is_zero(&v))
		return 0;
	if (v.class == CLASS_FINITE && first_exponent(&v) < 39) {
		const unsigned shift = (unsigned)v.exponent;
		const u128 limited = limit / decimal_power(shift);

		/* The limit is no multiple of 10: with a shift its quotient is still too small. */
		if (v.coefficient < limited + (v.sign || shift))
			return (v.sign ? -v.coefficient : v.coefficient) * decimal_power(shift);
	}
	op->fpu.raised = (op->fpu.raised & ~FPSCR_XX) | FPSCR_VXCVI;
	return nan || v.sign ? -limit : limit - 1;
}

/* ---- comparison ---- */

static unsigned order(bool less)
{
	return less ? CR_LT : CR_GT;
}

/* Of finite numbers that are not zero. */
static bool magnitude_is_less(const struct decimal *a, const struct decimal *b, bool *equal)
{
	const int distance = a->exponent - b->exponent;
	u128 x = a->coefficient, y = b->coefficient;

	*equal = false;
	if (first_exponent(a) != first_exponent(b))
		return first_exponent(a) < first_exponent(b);
	if (distance > 0)
		x *= decimal_power((unsigned)distance);
	else
		y *= decimal_power((unsigned)-distance);
	*equal = x == y;
	return x < y;
}

unsigned decimal_compare(const struct decimal *a, const struct decimal *b)
{
	bool less, equal;

	if (decimal_is_nan(a) || decimal_is_nan(b))
		return CR_SO;
	if (decimal_is_zero(a))
		return decimal_is_zero(b) ? CR_EQ : order(!b->sign);
	if (decimal_is_zero(b) || a->sign != b->sign)
		return order(a->sign);
	if (a->class != b->class)
		return order((b->class == CLASS_INFINITE) != a->sign);
	if (a->class == CLASS_INFINITE)
		return CR_EQ;
	less = magnitude_is_less(a, b, &equal);
	return equal ? CR_EQ : order(less != a->sign);
}
