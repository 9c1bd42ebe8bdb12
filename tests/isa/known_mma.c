/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the two sides may part in outer products of floats; see explanations.def. */
#include <math.h>
#include <string.h>

#include "known_fp.h"

/* "f16", "bf16", "f32" or "f64": does the instruction multiply these? */
static bool multiplies(const char *name, const char *format)
{
	name += starts_with(name, "pm") ? 2 : 0;
	return starts_with(name, "xv") && starts_with(name + 2, format) && strstr(name, "ger");
}

static bool multiplies_floats(const char *name)
{
	return multiplies(name, "f16") || multiplies(name, "bf16") || multiplies(name, "f32") ||
	       multiplies(name, "f64");
}

bool mma_negated_before_rounding(const char *name, const struct isa_case *in)
{
	const size_t length = strlen(name);

	return (multiplies(name, "f32") || multiplies(name, "f64")) && name[length - 2] == 'n' &&
	       in->fpscr & 2;
}

bool mma_rounded_as_enabled(const char *name, const struct isa_case *in)
{
	return multiplies_floats(name) && in->fpscr & (FPSCR_OE | FPSCR_UE);
}

static uint32_t word_of(const struct isa_case *in, unsigned vsr, unsigned i)
{
	return (uint32_t)(in->vsr[vsr][i < 2] >> (i & 1 ? 0 : 32));
}

static double bfloat16(uint32_t word, unsigned half)
{
	const uint32_t bits = half ? word << 16 : word & 0xffff0000;
	float v;

	memcpy(&v, &bits, sizeof(v));
	return (double)v;
}

static double sum_of_bfloat16(const struct isa_case *in, unsigned i, unsigned j)
{
	const uint32_t masks = in->insn >> 32 ? (uint32_t)(in->insn >> 32) : ~0u;
	const uint32_t a = word_of(in, (in->insn >> 16 & 31) | (in->insn & 4) << 3, i);
	const uint32_t b = word_of(in, (in->insn >> 11 & 31) | (in->insn & 2) << 4, j);
	double sum = 0;

	for (unsigned k = 0; k < 2; k++)
		if (masks & 0x8000 >> k)
			sum += bfloat16(a, k) * bfloat16(b, k);
	return sum;
}

/* Such a sum is no normal single, or almost none. */
static bool out_of_range(double sum)
{
	return sum != 0 && isfinite(sum) && (fabs(sum) <= 0x1p-126 || fabs(sum) >= 0x1.fffffep127);
}

void mma_hide_unlimited(const char *name, const struct isa_case *in, struct isa_case *ours,
			struct isa_case *theirs)
{
	const unsigned acc = 4 * (in->insn >> 23 & 7);
	/* Where QEMU's sum is infinite, so may be what it is added to. */
	const uint64_t flags = FPSCR_OX | FPSCR_UX | FPSCR_XX | FPSCR_VXISI | FPSCR_VX | FPSCR_FX |
			       FPSCR_FEX;
	bool any = false;

	if (!multiplies(name, "bf16"))
		return;
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < 4; j++) {
			const uint64_t mask = 0xffffffffull << (j & 1 ? 0 : 32);
			uint64_t *their = &theirs->vsr[acc + i][j < 2];

			if (!out_of_range(sum_of_bfloat16(in, i, j)))
				continue;
			*their = (*their & ~mask) | (ours->vsr[acc + i][j < 2] & mask);
			any = true;
		}
	if (!any)
		return;
	theirs->fpscr = (theirs->fpscr & ~flags) | (ours->fpscr & flags);
	if (in->fpscr & (FPSCR_XE | FPSCR_VE) && !ours->outcome != !theirs->outcome)
		*theirs = *ours;
}
