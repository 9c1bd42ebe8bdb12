/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decimal floating-point arithmetic on the host's integers: decimal32, 64 and 128 in the encoding
 * with densely packed decimals; all results, rounding modes and status flags (Power ISA 3.0B, book
 * I, chapter 5). The instructions themselves are in dfp.c.
 */
#ifndef FWNMI_ENGINE_EMU_FP_DECIMAL_H
#define FWNMI_ENGINE_EMU_FP_DECIMAL_H

#include "engine/emu/fp/fpu.h"

struct decimal_format {
	uint8_t digits; /* precision */
	uint8_t declets; /* of the trailing significand */
	uint8_t bits; /* of an encoding */
	int16_t min, max; /* exponents of the rightmost digit; the bias is -min */
	int16_t wrap; /* exponent adjustment of a trapped overflow or underflow */
};
extern const struct decimal_format decimal_short, decimal_long, decimal_quad;

/*
 * An unpacked number: coefficient * 10^exponent. A zero is finite and has an exponent, too. The
 * coefficient of a NaN or an infinity is the trailing significand.
 */
struct decimal {
	u128 coefficient;
	int32_t exponent;
	uint8_t class; /* CLASS_FINITE, CLASS_INFINITE, CLASS_QNAN or CLASS_SNAN */
	bool sign;
};

/* Matches FPSCR[DRN]. */
enum decimal_rounding {
	DECIMAL_NEAREST,
	DECIMAL_TO_ZERO,
	DECIMAL_UP,
	DECIMAL_DOWN,
	DECIMAL_NEAREST_AWAY,
	DECIMAL_NEAREST_TO_ZERO,
	DECIMAL_AWAY,
	DECIMAL_FOR_SHORTER /* away if the last digit is 0 or 5: can be rounded once more */
};
#define FPSCR_DRN_SHIFT 32

/* The settings of an operation, and its outcome. */
struct decimal_op {
	struct fpu fpu;
	enum decimal_rounding rounding;
	const struct decimal_format *format; /* of the result */
};

/* Any encoding is a number, canonical or not. */
struct decimal decimal_unpack(u128 bits, const struct decimal_format *format);
/* The canonical encoding. A trailing significand that is too long loses digits on the left. */
u128 decimal_pack(const struct decimal *v, const struct decimal_format *format);
/* The same, but an infinity keeps its trailing significand. */
u128 decimal_pack_digits(const struct decimal *v, const struct decimal_format *format);

static inline bool decimal_is_nan(const struct decimal *v)
{
	return v->class >= CLASS_QNAN;
}
static inline bool decimal_is_zero(const struct decimal *v)
{
	return v->class == CLASS_FINITE && !v->coefficient;
}
bool decimal_is_subnormal(const struct decimal *v, const struct decimal_format *format);
/* The number of significant digits; 0 has none. */
unsigned decimal_digits(u128 coefficient);
/* 10^n, n up to 38 */
u128 decimal_power(unsigned n);
/* The 5-bit FPSCR[FPRF] code of a result. */
unsigned decimal_fprf(const struct decimal *v, const struct decimal_format *format);

/*
 * Arithmetic. Returns the rounded result and raises exceptions in op->fpu. If OE or UE is set, the
 * exponent of such a result is adjusted.
 */
typedef struct decimal decimal_binary_fn(struct decimal_op *op, struct decimal a, struct decimal b);
decimal_binary_fn decimal_add, decimal_sub, decimal_mul, decimal_div;
/* @b with the exponent of @a */
decimal_binary_fn decimal_quantize;

/* A signalling NaN is made quiet. */
struct decimal decimal_quiet(struct decimal_op *op, struct decimal v);
/* Round a number of any format to op->format. NaNs and infinities pass. */
struct decimal decimal_round(struct decimal_op *op, struct decimal v);
/* Round to @digits digits, if it has more. */
struct decimal decimal_reround(struct decimal_op *op, struct decimal v, unsigned digits);
/* Round to an integer. @report: raise XX, tell FR and FI. */
struct decimal decimal_to_integral(struct decimal_op *op, struct decimal v, bool report);
struct decimal decimal_from_integer(struct decimal_op *op, u128 magnitude, bool sign);
/* Saturated, as a number of 64 or 128 bits. */
u128 decimal_to_integer(struct decimal_op *op, struct decimal v, unsigned bits);

/* Returns CR_LT, CR_GT, CR_EQ or, with a NaN, CR_SO. Signals nothing. */
unsigned decimal_compare(const struct decimal *a, const struct decimal *b);

#endif
