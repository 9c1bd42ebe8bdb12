/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the floating-point core share; fpu.h is its face. */
#ifndef FWNMI_ENGINE_EMU_FP_PRIVATE_H
#define FWNMI_ENGINE_EMU_FP_PRIVATE_H

#include "engine/emu/fp/fpu.h"

static inline int leading_zeros(u128 v)
{
	uint64_t high = (uint64_t)(v >> 64);

	return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)v);
}

/* Is the magnitude of @a smaller? Both are finite. */
static inline bool smaller(const struct fp *a, const struct fp *b)
{
	if (a->exponent != b->exponent)
		return a->exponent < b->exponent;
	return a->significand < b->significand;
}

/**
 * fp_round_at() - clear the low @count bits of a finite number, rounding
 *
 * May carry into the exponent or give zero. Sets f->fr and f->fi.
 */
void fp_round_at(struct fpu *f, struct fp *v, int count, enum fp_rounding rounding);

/** fp_reciprocal_of_root() - fp_reciprocal_sqrt() with the root rounded to a format of its own. */
struct fp fp_reciprocal_of_root(struct fpu *f, struct fp v, const struct fp_format *root,
				const struct fp_format *format);

#endif
