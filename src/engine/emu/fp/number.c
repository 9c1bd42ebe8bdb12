/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating-point numbers: their encodings, rounding to a format, conversion from and to integers.
 * Power ISA 3.0B, book I, sections 4.3 (data) and 4.5 (execution models).
 */
#include "engine/emu/fp/private.h"

const struct fp_format fp_bfloat16 = { 7, 8, -126, 127, 192 };
const struct fp_format fp_half = { 10, 5, -14, 15, 24 };
const struct fp_format fp_single = { 23, 8, -126, 127, 192 };
const struct fp_format fp_double = { 52, 11, -1022, 1023, 1536 };
const struct fp_format fp_quad = { 112, 15, -16382, 16383, 24576 };
const struct fp_format fp_single_unlimited = { 23, 15, -16382, 16383, 24576 };
const struct fp_format fp_extended = { 63, 15, -16382, 16383, 24576 };

/* ---- encodings ---- */

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

struct fp fp_unpack32(uint32_t bits)
{
	return fp_unpack(bits, &fp_single);
}

struct fp fp_unpack64(uint64_t bits)
{
	return fp_unpack(bits, &fp_double);
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

uint64_t fp_pack64(const struct fp *v)
{
	return (uint64_t)fp_pack(v, &fp_double);
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

/* ---- rounding ---- */

void fp_round_at(struct fpu *f, struct fp *v, int count, enum fp_rounding rounding)
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
	fp_round_at(f, v, count, f->rounding);
	if (tiny && f->fi)
		f->raised |= FPSCR_UX;
	if (!tiny && v->exponent > format->emax)
		overflow(f, v, format);
	if (f->fi)
		f->raised |= FPSCR_XX;
}

/* ---- integers ---- */

struct fp fp_to_integral(struct fpu *f, struct fp v, enum fp_rounding rounding)
{
	f->fr = f->fi = false;
	if (fp_is_nan(&v))
		return fp_quiet(f, v);
	if (v.class == CLASS_FINITE && v.exponent < FP_TOP)
		fp_round_at(f, &v, FP_TOP - v.exponent, rounding);
	return v;
}

u128 fp_to_integer(struct fpu *f, struct fp v, enum fp_rounding rounding, unsigned bits,
		   bool is_signed)
{
	const u128 max = ~(u128)0 >> (128 - bits + is_signed);
	const u128 least = is_signed ? max + 1 : 0; /* the magnitude of the least number */
	const bool nan = fp_is_nan(&v);
	u128 magnitude = 0;

	v = fp_to_integral(f, v, rounding);
	if (v.class == CLASS_ZERO)
		goto valid;
	if (v.class == CLASS_FINITE && v.exponent < 128) {
		magnitude = v.exponent > FP_TOP ? v.significand << (v.exponent - FP_TOP) :
						  v.significand >> (FP_TOP - v.exponent);
		if (magnitude <= (v.sign ? least : max))
			goto valid;
	}
	f->fr = f->fi = false;
	f->raised |= FPSCR_VXCVI;
	return nan || v.sign ? -least : max;
valid:
	if (f->fi)
		f->raised |= FPSCR_XX;
	return v.sign ? -magnitude : magnitude;
}

struct fp fp_from_quadword(u128 n, bool is_signed)
{
	const bool sign = is_signed && n >> 127;
	const u128 magnitude = sign ? -n : n;
	struct fp v = { .class = CLASS_ZERO, .sign = sign };
	int top;

	if (!magnitude)
		return v;
	top = 127 - leading_zeros(magnitude);
	v.class = CLASS_FINITE;
	v.exponent = top;
	/* Bit 0 may be sticky. */
	v.significand = top > FP_TOP ? magnitude >> 1 | (magnitude & 1) :
				       magnitude << (FP_TOP - top);
	return v;
}

struct fp fp_from_doubleword(uint64_t n, bool is_signed)
{
	return fp_from_quadword(is_signed ? (u128)(int64_t)n : n, is_signed);
}
