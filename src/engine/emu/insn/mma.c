/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Matrix-Multiply Assist: outer products of vectors, added to accumulators. Power ISA 3.1,
 * book I, section 7.6.1. Accumulator i is kept in VSRs 4i to 4i+3, so there is nothing to move for
 * xxmtacc and xxmfacc. The ISA leaves these VSRs undefined while the accumulator is in use.
 */
#include "engine/emu/fp/fpu.h"
#include "engine/emu/insn/insn.h"
#include "engine/emu/insn/prefixed.h"
#include "engine/emu/insn/vector_operands.h"

#define ROWS	  4
#define ACC(insn) (&cpu->vsr[ROWS * F_BF(insn)])
#define PREFIX	  ((uint32_t)cpu->scratch[1])
#define NO_MASKS  0xffffffffu

/* Masks of the prefix: of rows, columns, and products of a sum, each from the left. */
#define ROW_IN(masks, i)     ((masks) >> (7 - (i)) & 1)
#define COLUMN_IN(masks, j)  ((masks) >> (3 - (j)) & 1)
#define PRODUCT_IN(masks, k) ((masks) >> (15 - (k)) & 1)

/* What becomes of the accumulator and of the product: the last letters of the name. */
#define ACCUMULATE     1u
#define NEGATE_PRODUCT 2u
#define NEGATE_ACC     4u
#define SATURATE       8u
#define PP	       ACCUMULATE
#define PN	       (ACCUMULATE | NEGATE_ACC)
#define NP	       (ACCUMULATE | NEGATE_PRODUCT)
#define NN	       (ACCUMULATE | NEGATE_PRODUCT | NEGATE_ACC)
#define S	       SATURATE
#define SPP	       (SATURATE | ACCUMULATE)

SEM(xxmtacc)
{
	(void)cpu, (void)insn;
	return 0;
}

SEM(xxmfacc)
{
	(void)cpu, (void)insn;
	return 0;
}

SEM(xxsetaccz)
{
	for (unsigned i = 0; i < ROWS; i++)
		ACC(insn)[i].q = 0;
	return 0;
}

/* ---- integers ---- */

static int64_t part(uint32_t word, unsigned k, unsigned bits, bool is_signed)
{
	const uint32_t left = word << k * bits;

	return is_signed ? (int32_t)left >> (32 - bits) : (int64_t)(left >> (32 - bits));
}

/* The second operand's bytes have no sign, unlike all other parts of words. */
static int64_t integer_sum(uint32_t a, uint32_t b, unsigned bits, uint32_t masks)
{
	int64_t sum = 0;

	for (unsigned k = 0; k < 32 / bits; k++)
		if (PRODUCT_IN(masks, k))
			sum += part(a, k, bits, true) * part(b, k, bits, bits != 8);
	return sum;
}

static uint32_t saturated(struct cpu *cpu, int64_t v)
{
	const int64_t clamped = v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : v;

	if (clamped != v)
		cpu->vscr |= VSCR_SAT;
	return (uint32_t)clamped;
}

static int integers(struct cpu *cpu, uint32_t insn, uint32_t masks, unsigned bits, unsigned flags)
{
	const union vsr a = XA(cpu, insn), b = XB(cpu, insn);
	union vsr *acc = ACC(insn);

	for (unsigned i = 0; i < ROWS; i++)
		for (unsigned j = 0; j < 4; j++) {
			int64_t v = flags & ACCUMULATE ? VSR_SW(acc[i], j) : 0;

			if (!ROW_IN(masks, i) || !COLUMN_IN(masks, j)) {
				VSR_W(acc[i], j) = 0;
				continue;
			}
			v += integer_sum(VSR_W(a, i), VSR_W(b, j), bits, masks);
			VSR_W(acc[i], j) = flags & SATURATE ? saturated(cpu, v) : (uint32_t)v;
		}
	return 0;
}

/* ---- floating point ---- */

/* Results are those of disabled exceptions; an enabled one interrupts when all are written. */
static struct fpu start(const struct cpu *cpu)
{
	struct fpu f = fpu_start(cpu);

	f.enabled = 0;
	return f;
}

static int end(struct cpu *cpu, const struct fpu *f)
{
	fpscr_raise(cpu, f->raised);
	return fpscr_trap(cpu, f->raised);
}

static struct fp negated_if(bool negate, struct fp v)
{
	if (negate && !fp_is_nan(&v))
		v.sign = !v.sign;
	return v;
}

/* A half of a word, or zero instead. */
static struct fp half(uint32_t word, unsigned k, uint32_t masks, const struct fp_format *format)
{
	return fp_unpack(PRODUCT_IN(masks, k) ? word >> (16 - 16 * k) & 0xffff : 0, format);
}

/*
 * The exact sum of two products, rounded. That of bfloat16 is not confined to the exponents of a
 * single yet.
 */
static struct fp product_sum(struct fpu *f, uint32_t a, uint32_t b, uint32_t masks,
			     const struct fp_format *format)
{
	const struct fp first = fp_mul(f, half(a, 0, masks, format), half(b, 0, masks, format));
	struct fp v = fp_multiply_add(f, half(a, 1, masks, format), half(b, 1, masks, format),
				      first, false);

	fp_round(f, &v, format == &fp_bfloat16 ? &fp_single_unlimited : &fp_single);
	return v;
}

static int halves(struct cpu *cpu, uint32_t insn, uint32_t masks, const struct fp_format *format,
		  unsigned flags)
{
	const union vsr a = XA(cpu, insn), b = XB(cpu, insn);
	union vsr *acc = ACC(insn);
	struct fpu f = start(cpu);

	for (unsigned i = 0; i < ROWS; i++)
		for (unsigned j = 0; j < 4; j++) {
			struct fp v, addend = fp_unpack32(VSR_W(acc[i], j));

			VSR_W(acc[i], j) = 0;
			if (!ROW_IN(masks, i) || !COLUMN_IN(masks, j))
				continue;
			v = product_sum(&f, VSR_W(a, i), VSR_W(b, j), masks, format);
			if (flags & ACCUMULATE)
				v = fp_add(&f, negated_if(flags & NEGATE_PRODUCT, v),
					   negated_if(flags & NEGATE_ACC, addend));
			fp_round(&f, &v, &fp_single);
			VSR_W(acc[i], j) = (uint32_t)fp_pack(&v, &fp_single);
		}
	return end(cpu, &f);
}

/* a * b, or a fused multiply-add whose result is negated with the product. */
static struct fp updated(struct fpu *f, struct fp a, struct fp b, struct fp acc, unsigned flags,
			 const struct fp_format *format)
{
	const bool negate = flags & NEGATE_PRODUCT, subtract = negate != !!(flags & NEGATE_ACC);

	if (flags & ACCUMULATE)
		return fpu_fma_rounded(f, a, b, acc,
				       (subtract ? FMA_SUBTRACT : 0) | (negate ? FMA_NEGATE : 0),
				       format);
	a = fp_mul(f, a, b);
	fp_round(f, &a, format);
	return a;
}

static int singles(struct cpu *cpu, uint32_t insn, uint32_t masks, unsigned flags)
{
	const union vsr a = XA(cpu, insn), b = XB(cpu, insn);
	union vsr *acc = ACC(insn);
	struct fpu f = start(cpu);

	for (unsigned i = 0; i < ROWS; i++)
		for (unsigned j = 0; j < 4; j++) {
			struct fp v = fp_unpack32(VSR_W(acc[i], j));

			VSR_W(acc[i], j) = 0;
			if (!ROW_IN(masks, i) || !COLUMN_IN(masks, j))
				continue;
			v = updated(&f, fp_unpack32(VSR_W(a, i)), fp_unpack32(VSR_W(b, j)), v,
				    flags, &fp_single);
			VSR_W(acc[i], j) = (uint32_t)fp_pack(&v, &fp_single);
		}
	return end(cpu, &f);
}

static int doubles(struct cpu *cpu, uint32_t insn, uint32_t masks, unsigned flags)
{
	const union vsr a[2] = { cpu->vsr[F_XA(insn)], cpu->vsr[F_XA(insn) + 1] },
			b = XB(cpu, insn);
	union vsr *acc = ACC(insn);
	struct fpu f = start(cpu);

	for (unsigned i = 0; i < ROWS; i++)
		for (unsigned j = 0; j < 2; j++) {
			struct fp v = fp_unpack64(VSR_D(acc[i], j));

			VSR_D(acc[i], j) = 0;
			if (!ROW_IN(masks, i) || !COLUMN_IN(masks, j))
				continue;
			v = updated(&f, fp_unpack64(VSR_D(a[i / 2], i % 2)),
				    fp_unpack64(VSR_D(b, j)), v, flags, &fp_double);
			VSR_D(acc[i], j) = fp_pack64(&v);
		}
	return end(cpu, &f);
}

/* ---- the instructions ---- */

#define BOTH_FORMS(name, call, ...)                            \
	SEM(name)                                              \
	{                                                      \
		return call(cpu, insn, NO_MASKS, __VA_ARGS__); \
	}                                                      \
	SEM(pm##name)                                          \
	{                                                      \
		return call(cpu, insn, PREFIX, __VA_ARGS__);   \
	}

BOTH_FORMS(xvi4ger8, integers, 4, 0)
BOTH_FORMS(xvi4ger8pp, integers, 4, PP)
BOTH_FORMS(xvi8ger4, integers, 8, 0)
BOTH_FORMS(xvi8ger4pp, integers, 8, PP)
BOTH_FORMS(xvi8ger4spp, integers, 8, SPP)
BOTH_FORMS(xvi16ger2, integers, 16, 0)
BOTH_FORMS(xvi16ger2pp, integers, 16, PP)
BOTH_FORMS(xvi16ger2s, integers, 16, S)
BOTH_FORMS(xvi16ger2spp, integers, 16, SPP)
BOTH_FORMS(xvbf16ger2, halves, &fp_bfloat16, 0)
BOTH_FORMS(xvbf16ger2pp, halves, &fp_bfloat16, PP)
BOTH_FORMS(xvbf16ger2pn, halves, &fp_bfloat16, PN)
BOTH_FORMS(xvbf16ger2np, halves, &fp_bfloat16, NP)
BOTH_FORMS(xvbf16ger2nn, halves, &fp_bfloat16, NN)
BOTH_FORMS(xvf16ger2, halves, &fp_half, 0)
BOTH_FORMS(xvf16ger2pp, halves, &fp_half, PP)
BOTH_FORMS(xvf16ger2pn, halves, &fp_half, PN)
BOTH_FORMS(xvf16ger2np, halves, &fp_half, NP)
BOTH_FORMS(xvf16ger2nn, halves, &fp_half, NN)
BOTH_FORMS(xvf32ger, singles, 0)
BOTH_FORMS(xvf32gerpp, singles, PP)
BOTH_FORMS(xvf32gerpn, singles, PN)
BOTH_FORMS(xvf32gernp, singles, NP)
BOTH_FORMS(xvf32gernn, singles, NN)
BOTH_FORMS(xvf64ger, doubles, 0)
BOTH_FORMS(xvf64gerpp, doubles, PP)
BOTH_FORMS(xvf64gerpn, doubles, PN)
BOTH_FORMS(xvf64gernp, doubles, NP)
BOTH_FORMS(xvf64gernn, doubles, NN)
