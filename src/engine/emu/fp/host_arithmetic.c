/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The common case in the host's arithmetic. When rounding to nearest with normal operands and
 * result, the host's result is the guest's. Exact integer arithmetic on the significands gives FI
 * and FR. The host must round to nearest here and must not fuse operations.
 */
#include <math.h>
#include <string.h>

#include "engine/emu/fp/fpu.h"

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

	/* Beside the largest number, the error of a greater sum may overflow on the way. */
	if (!is_normal(host_bits(sum)) || fabs(sum) >= 0x1p1023)
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
