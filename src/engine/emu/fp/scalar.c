/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole scalar operations on registers, and what an operation leaves in the FPSCR. Power ISA 3.0B,
 * book I, sections 4.2 and 7.4.
 */
#include "engine/emu/fp/private.h"

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

/* ---- whole scalar operations ---- */

#define BEYOND_SINGLE 0x1fffffffull /* a double's fraction bits that no single has */

static inline unsigned fprf_of_normal(uint64_t bits)
{
	return bits >> 63 ? 8 : 4;
}

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
	uint64_t bits = fp_pack64(r);

	/* A NaN is cut as well. So on POWER8 and POWER9. */
	if (unlikely(fp_is_nan(r)) && format == &fp_single)
		bits &= ~BEYOND_SINGLE;
	return fpu_scalar_write(cpu, f, t, bits, fp_fprf(r, format));
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
	struct fp r = fp_reciprocal_of_root(&f, scalar(cpu, b), &fp_double, format);

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
	uint64_t r = (uint64_t)fp_to_integer(&f, scalar(cpu, b), rounding, bits, is_signed);

	return fpu_scalar_write(cpu, &f, t, r, FPRF_UNCHANGED);
}

int fpu_scalar_from_integer(struct cpu *cpu, unsigned t, unsigned b, bool is_signed,
			    const struct fp_format *format)
{
	uint64_t n = VSR_D(cpu->vsr[b], 0);
	struct fpu f = fpu_start(cpu);
	struct fp r = fp_from_doubleword(n, is_signed);

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
