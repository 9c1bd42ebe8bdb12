/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vector floating point, Power ISA 3.0B sections 6.10 and 6.6: single precision, always rounded to
 * nearest, no FPSCR, no exceptions. With VSCR[NJ] denormal operands and results become zeros.
 */
#include <math.h>
#include <string.h>

#include "engine/emu/insn/vector_operands.h"

#define SIGN	      0x80000000u
#define INFINITY_BITS 0x7f800000u
#define QUIET	      0x00400000u
#define DEFAULT_NAN   0x7fc00000u

static inline float as_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline uint32_t as_bits(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static inline bool is_nan(uint32_t v)
{
	return (v & ~SIGN) > INFINITY_BITS;
}

static inline bool is_denormal(uint32_t v)
{
	return (v & ~SIGN) - 1 < 0x007fffff;
}

static inline uint32_t flush(const struct cpu *cpu, uint32_t v)
{
	return cpu->vscr & VSCR_NJ && is_denormal(v) ? v & SIGN : v;
}

/* Result of an operation with a NaN operand: the first NaN, made quiet. */
static inline uint32_t first_nan(uint32_t a, uint32_t b, uint32_t c)
{
	return (is_nan(a) ? a : is_nan(b) ? b : c) | QUIET;
}

/* Adapt the host's result to the ISA. */
static inline uint32_t result(const struct cpu *cpu, float f)
{
	return isnan(f) ? DEFAULT_NAN : flush(cpu, as_bits(f));
}

/* ---- arithmetic ---- */

#define ARITHMETIC(name, expression)                                      \
	SEM(name)                                                         \
	{                                                                 \
		const union vsr va = VRA(cpu, insn), vb = VRB(cpu, insn); \
		union vsr t;                                              \
                                                                          \
		for (unsigned i = 0; i < 4; i++) {                        \
			const float A = as_float(flush(cpu, va.w[i]));    \
			const float B = as_float(flush(cpu, vb.w[i]));    \
                                                                          \
			t.w[i] = is_nan(va.w[i]) || is_nan(vb.w[i]) ?     \
					 first_nan(va.w[i], vb.w[i], 0) : \
					 result(cpu, expression);         \
		}                                                         \
		VRT(cpu, insn) = t;                                       \
		return 0;                                                 \
	}

/* Of two zeros, +0 is the greater. */
static inline float greater(float a, float b)
{
	return a > b || (a == b && !signbit(a)) ? a : b;
}

static inline float lesser(float a, float b)
{
	return a < b || (a == b && signbit(a)) ? a : b;
}

ARITHMETIC(vaddfp, A + B)
ARITHMETIC(vsubfp, A - B)
ARITHMETIC(vmaxfp, greater(A, B))
ARITHMETIC(vminfp, lesser(A, B))

/*
 * Is a * c + b, which rounds to the smallest normal single, below it? The product is exact as a
 * double; the rounding error of the sum is recovered.
 */
static bool tiny_before_rounding(double a, double c, double b)
{
	const double product = a * c, sum = product + b, part = sum - product;
	const double error = (product - (sum - part)) + (b - part);

	return fabs(sum) < 0x1p-126 || (fabs(sum) == 0x1p-126 && (sum > 0 ? error < 0 : error > 0));
}

static uint32_t multiply_add_result(const struct cpu *cpu, float a, float c, float b)
{
	const float sum = fmaf(a, c, b);

	if (cpu->vscr & VSCR_NJ && fabsf(sum) == 0x1p-126f && tiny_before_rounding(a, c, b))
		return as_bits(sum) & SIGN;
	return result(cpu, sum);
}

/* A * C + B with one rounding. NaNs take precedence in the order A, B, C. */
static int multiply_add(struct cpu *cpu, uint32_t insn, bool negative_subtract)
{
	const union vsr va = VRA(cpu, insn), vb = VRB(cpu, insn), vc = VRC(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 4; i++) {
		const float a = as_float(flush(cpu, va.w[i])), b = as_float(flush(cpu, vb.w[i])),
			    c = as_float(flush(cpu, vc.w[i]));

		if (isnan(a) || isnan(b) || isnan(c)) {
			t.w[i] = first_nan(va.w[i], vb.w[i], vc.w[i]);
			continue;
		}
		t.w[i] = multiply_add_result(cpu, a, c, negative_subtract ? -b : b);
		if (negative_subtract && !is_nan(t.w[i]))
			t.w[i] ^= SIGN;
	}
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vmaddfp)
{
	return multiply_add(cpu, insn, false);
}

SEM(vnmsubfp)
{
	return multiply_add(cpu, insn, true);
}

/* ---- one operand: estimates and rounding to an integer ---- */

#define UNARY(name, expression)                                                               \
	SEM(name)                                                                             \
	{                                                                                     \
		const union vsr vb = VRB(cpu, insn);                                          \
		union vsr t;                                                                  \
                                                                                              \
		for (unsigned i = 0; i < 4; i++) {                                            \
			const float B = as_float(flush(cpu, vb.w[i]));                        \
                                                                                              \
			t.w[i] = is_nan(vb.w[i]) ? vb.w[i] | QUIET : result(cpu, expression); \
		}                                                                             \
		VRT(cpu, insn) = t;                                                           \
		return 0;                                                                     \
	}

/* The estimates may be exact: the ISA only limits their error. */
UNARY(vrefp, 1.0f / B)
UNARY(vrsqrtefp, 1.0f / sqrtf(B))
UNARY(vexptefp, exp2f(B))
UNARY(vlogefp, log2f(B))
UNARY(vrfin, nearbyintf(B))
UNARY(vrfiz, truncf(B))
UNARY(vrfip, ceilf(B))
UNARY(vrfim, floorf(B))

/* ---- to and from integers, scaled by 2^UIM ---- */

SEM(vcfux)
{
	const union vsr b = VRB(cpu, insn);
	const int scale = -(int)F_UIM(insn);
	union vsr t;

	for (unsigned i = 0; i < 4; i++)
		t.w[i] = as_bits(ldexpf((float)b.w[i], scale));
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vcfsx)
{
	const union vsr b = VRB(cpu, insn);
	const int scale = -(int)F_UIM(insn);
	union vsr t;

	for (unsigned i = 0; i < 4; i++)
		t.w[i] = as_bits(ldexpf((float)b.sw[i], scale));
	VRT(cpu, insn) = t;
	return 0;
}

/* Truncated and saturated; a NaN becomes 0. */
static int to_integer(struct cpu *cpu, uint32_t insn, double low, double high)
{
	const union vsr b = VRB(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 4; i++) {
		double v = trunc(ldexp(as_float(flush(cpu, b.w[i])), (int)F_UIM(insn)));

		if (is_nan(b.w[i])) {
			t.w[i] = 0;
			continue;
		}
		if (v < low || v > high)
			cpu->vscr |= VSCR_SAT;
		t.w[i] = (uint32_t)(int64_t)(v < low ? low : v > high ? high : v);
	}
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vctuxs)
{
	return to_integer(cpu, insn, 0, UINT32_MAX);
}

SEM(vctsxs)
{
	return to_integer(cpu, insn, INT32_MIN, INT32_MAX);
}

/* ---- compare ---- */

#define COMPARE(name, operator)                                                   \
	SEM(name)                                                                 \
	{                                                                         \
		const union vsr va = VRA(cpu, insn), vb = VRB(cpu, insn);         \
		union vsr t;                                                      \
                                                                                  \
		for (unsigned i = 0; i < 4; i++)                                  \
			t.w[i] = as_float(flush(cpu, va.w[i])) operator as_float( \
					 flush(cpu, vb.w[i])) ?                   \
					 ~0u :                                    \
					 0;                                       \
		VRT(cpu, insn) = t;                                               \
		if (insn & 0x400)                                                 \
			set_cr6_all_none(cpu, &t);                                \
		return 0;                                                         \
	}

COMPARE(vcmpeqfp, ==)
COMPARE(vcmpgefp, >=)
COMPARE(vcmpgtfp, >)

/* Bit 0: not (A <= B), bit 1: not (A >= -B). */
SEM(vcmpbfp)
{
	const union vsr va = VRA(cpu, insn), vb = VRB(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 4; i++) {
		const float a = as_float(flush(cpu, va.w[i])), b = as_float(flush(cpu, vb.w[i]));

		t.w[i] = (a <= b ? 0 : 0x80000000u) | (a >= -b ? 0 : 0x40000000u);
	}
	VRT(cpu, insn) = t;
	if (insn & 0x400)
		cpu->cr[6] = t.q ? 0 : CR_EQ;
	return 0;
}
