/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floating-point instructions of VSX: scalars in doubleword 0, vectors, quad precision in VRs.
 * The arithmetic is in fp/; loads, stores and integer moves are in vsx_move.c. Power ISA 3.0B,
 * book I, chapter 7. Scalar results clear doubleword 1, and a word result fills both words of its
 * doubleword. The ISA leaves these undefined; POWER9 does this.
 */
#include "engine/emu/insn/insn.h"
#include "engine/emu/fp/fpu.h"

#define SIGN_QUAD ((u128)1 << 127)

#define CURRENT ((enum fp_rounding)(cpu->fpscr & FPSCR_RN))

static inline uint64_t doubleword0(const struct cpu *cpu, unsigned n)
{
	return VSR_D(cpu->vsr[n], 0);
}

/* ---- scalars ---- */

static inline int move_scalar(struct cpu *cpu, unsigned t, uint64_t v)
{
	VSR_D(cpu->vsr[t], 0) = v;
	VSR_D(cpu->vsr[t], 1) = 0;
	return 0;
}

#define SCALAR_BINARY(name, op, format)                                                        \
	SEM(name)                                                                              \
	{                                                                                      \
		return fpu_scalar_binary(cpu, F_XT(insn), F_XA(insn), F_XB(insn), op, format); \
	}
#define SCALAR_FMA_A(name, flags, format)                                                         \
	SEM(name)                                                                                 \
	{                                                                                         \
		return fpu_scalar_fma(cpu, F_XT(insn), F_XA(insn), F_XB(insn), F_XT(insn), flags, \
				      format);                                                    \
	}
#define SCALAR_FMA_M(name, flags, format)                                                         \
	SEM(name)                                                                                 \
	{                                                                                         \
		return fpu_scalar_fma(cpu, F_XT(insn), F_XA(insn), F_XT(insn), F_XB(insn), flags, \
				      format);                                                    \
	}
#define SCALAR2(name, call, ...)                                       \
	SEM(name)                                                      \
	{                                                              \
		return call(cpu, F_XT(insn), F_XB(insn), __VA_ARGS__); \
	}
#define SCALAR_ARITHMETIC(suffix, format)                                 \
	SCALAR_BINARY(xsadd##suffix, fp_add, format)                      \
	SCALAR_BINARY(xssub##suffix, fp_sub, format)                      \
	SCALAR_BINARY(xsmul##suffix, fp_mul, format)                      \
	SCALAR_BINARY(xsdiv##suffix, fp_div, format)                      \
	SCALAR_FMA_A(xsmadda##suffix, 0, format)                          \
	SCALAR_FMA_M(xsmaddm##suffix, 0, format)                          \
	SCALAR_FMA_A(xsmsuba##suffix, FMA_SUBTRACT, format)               \
	SCALAR_FMA_M(xsmsubm##suffix, FMA_SUBTRACT, format)               \
	SCALAR_FMA_A(xsnmadda##suffix, FMA_NEGATE, format)                \
	SCALAR_FMA_M(xsnmaddm##suffix, FMA_NEGATE, format)                \
	SCALAR_FMA_A(xsnmsuba##suffix, FMA_SUBTRACT | FMA_NEGATE, format) \
	SCALAR_FMA_M(xsnmsubm##suffix, FMA_SUBTRACT | FMA_NEGATE, format) \
	SCALAR2(xssqrt##suffix, fpu_scalar_unary, fp_sqrt, format)        \
	SCALAR2(xsre##suffix, fpu_scalar_reciprocal, format)              \
	SCALAR2(xsrsqrte##suffix, fpu_scalar_reciprocal_sqrt, format)     \
	SCALAR2(xscvsxd##suffix, fpu_scalar_from_integer, true, format)   \
	SCALAR2(xscvuxd##suffix, fpu_scalar_from_integer, false, format)

SCALAR_ARITHMETIC(dp, &fp_double)
SCALAR_ARITHMETIC(sp, &fp_single)

SCALAR2(xsrsp, fpu_scalar_unary, fp_quiet, &fp_single)
SCALAR2(xsrdpi, fpu_scalar_integral, FP_NEAREST_AWAY, false)
SCALAR2(xsrdpic, fpu_scalar_integral, CURRENT, true)
SCALAR2(xsrdpim, fpu_scalar_integral, FP_DOWN, false)
SCALAR2(xsrdpip, fpu_scalar_integral, FP_UP, false)
SCALAR2(xsrdpiz, fpu_scalar_integral, FP_TO_ZERO, false)
SCALAR2(xscvdpsxds, fpu_scalar_to_integer, FP_TO_ZERO, 64, true)
SCALAR2(xscvdpuxds, fpu_scalar_to_integer, FP_TO_ZERO, 64, false)

static inline uint64_t both_words(uint64_t word)
{
	return (uint32_t)word | word << 32;
}

static int scalar_to_word(struct cpu *cpu, unsigned t, unsigned b, bool is_signed)
{
	struct fpu f = fpu_start(cpu);
	uint64_t r = (uint64_t)fp_to_integer(&f, fp_unpack64(doubleword0(cpu, b)), FP_TO_ZERO, 32,
					     is_signed);

	return fpu_scalar_write(cpu, &f, t, both_words(r), FPRF_UNCHANGED);
}

SCALAR2(xscvdpsxws, scalar_to_word, true)
SCALAR2(xscvdpuxws, scalar_to_word, false)

/* These two signal nothing. */
SEM(xscvdpspn)
{
	return move_scalar(cpu, F_XT(insn),
			   both_words(fp_double_to_single(doubleword0(cpu, F_XB(insn)))));
}

SEM(xscvspdpn)
{
	return move_scalar(cpu, F_XT(insn), fp_single_to_double(VSR_W(cpu->vsr[F_XB(insn)], 0)));
}

/* Convert between double and a format that isn't kept as a double. */
static int convert_scalar(struct cpu *cpu, uint32_t insn, struct fp v,
			  const struct fp_format *format)
{
	struct fpu f = fpu_start(cpu);
	uint64_t bits;

	v = fp_quiet(&f, v);
	fp_round(&f, &v, format);
	bits = (uint64_t)fp_pack(&v, format);
	if (format == &fp_single)
		bits = both_words(bits);
	return fpu_scalar_write(cpu, &f, F_XT(insn), bits, fp_fprf(&v, format));
}

SEM(xscvdpsp)
{
	return convert_scalar(cpu, insn, fp_unpack64(doubleword0(cpu, F_XB(insn))), &fp_single);
}

SEM(xscvspdp)
{
	return convert_scalar(cpu, insn, fp_unpack32(VSR_W(cpu->vsr[F_XB(insn)], 0)), &fp_double);
}

SEM(xscvdphp)
{
	return convert_scalar(cpu, insn, fp_unpack64(doubleword0(cpu, F_XB(insn))), &fp_half);
}

SEM(xscvhpdp)
{
	return convert_scalar(cpu, insn, fp_unpack(VSR_H(cpu->vsr[F_XB(insn)], 3), &fp_half),
			      &fp_double);
}

/* ---- minimum, maximum ---- */

/* fp_compare() treats both zeros as equal, but here -0 is less than +0. */
static bool less(const struct fp *a, const struct fp *b)
{
	if (a->class == CLASS_ZERO && b->class == CLASS_ZERO)
		return a->sign && !b->sign;
	return fp_compare(a, b) == CR_LT;
}

/* A quiet NaN loses to a number. With a signalling NaN, the result is the first NaN. */
static struct fp extremum(struct fpu *f, const struct fp *a, const struct fp *b, bool maximum)
{
	if (a->class == CLASS_SNAN || b->class == CLASS_SNAN)
		return fp_first_nan(f, a, b);
	if (fp_is_nan(b))
		return *a;
	if (fp_is_nan(a))
		return *b;
	return less(a, b) == maximum ? *b : *a;
}

static struct fp maximum(struct fpu *f, struct fp a, struct fp b)
{
	return extremum(f, &a, &b, true);
}

static struct fp minimum(struct fpu *f, struct fp a, struct fp b)
{
	return extremum(f, &a, &b, false);
}

/* FR, FI, FPRF stay as they are. */
static int scalar_extremum(struct cpu *cpu, uint32_t insn, fp_binary_fn *op)
{
	struct fpu f = fpu_start(cpu);
	struct fp r = op(&f, fp_unpack64(doubleword0(cpu, F_XA(insn))),
			 fp_unpack64(doubleword0(cpu, F_XB(insn))));

	if (fpu_commit_vector(cpu, &f))
		move_scalar(cpu, F_XT(insn), fp_pack64(&r));
	return fpscr_trap(cpu, f.raised);
}

SEM(xsmaxdp)
{
	return scalar_extremum(cpu, insn, maximum);
}

SEM(xsmindp)
{
	return scalar_extremum(cpu, insn, minimum);
}

/*
 * Like C's a > b ? a : b and a < b ? a : b, which give b of two zeros, as on POWER9; or like
 * Java's Math.max(). The result is one of the operands, unchanged.
 */
static int language_extremum(struct cpu *cpu, uint32_t insn, bool maximum, bool java)
{
	uint64_t a_bits = doubleword0(cpu, F_XA(insn)), b_bits = doubleword0(cpu, F_XB(insn));
	struct fp a = fp_unpack64(a_bits), b = fp_unpack64(b_bits);
	struct fpu f = fpu_start(cpu);
	bool first;

	if (a.class == CLASS_SNAN || b.class == CLASS_SNAN)
		f.raised |= FPSCR_VXSNAN;
	if (java && fp_is_nan(&a))
		first = true;
	else if (java && fp_is_nan(&b))
		first = false;
	else if (java)
		first = maximum ? less(&b, &a) : less(&a, &b);
	else
		first = fp_compare(&a, &b) & (maximum ? CR_GT : CR_LT);
	if (fpu_commit_vector(cpu, &f))
		move_scalar(cpu, F_XT(insn), first ? a_bits : b_bits);
	return fpscr_trap(cpu, f.raised);
}

SEM(xsmaxcdp)
{
	return language_extremum(cpu, insn, true, false);
}

SEM(xsmincdp)
{
	return language_extremum(cpu, insn, false, false);
}

SEM(xsmaxjdp)
{
	return language_extremum(cpu, insn, true, true);
}

SEM(xsminjdp)
{
	return language_extremum(cpu, insn, false, true);
}

/* ---- comparisons and tests of scalars ---- */

SEM(xscmpudp)
{
	return fpu_scalar_compare(cpu, F_BF(insn), F_XA(insn), F_XB(insn), false);
}

SEM(xscmpodp)
{
	return fpu_scalar_compare(cpu, F_BF(insn), F_XA(insn), F_XB(insn), true);
}

static int scalar_compare_mask(struct cpu *cpu, uint32_t insn, unsigned wanted, bool ordered)
{
	struct fp a = fp_unpack64(doubleword0(cpu, F_XA(insn))),
		  b = fp_unpack64(doubleword0(cpu, F_XB(insn)));
	struct fpu f = fpu_start(cpu);
	unsigned result = fp_compare_signal(&f, &a, &b, ordered);

	if (fpu_commit_vector(cpu, &f))
		move_scalar(cpu, F_XT(insn), result & wanted ? ~0ull : 0);
	return fpscr_trap(cpu, f.raised);
}

SEM(xscmpeqdp)
{
	return scalar_compare_mask(cpu, insn, CR_EQ, false);
}

SEM(xscmpgtdp)
{
	return scalar_compare_mask(cpu, insn, CR_GT, true);
}

SEM(xscmpgedp)
{
	return scalar_compare_mask(cpu, insn, CR_GT | CR_EQ, true);
}

static inline int set_cr_and_fpcc(struct cpu *cpu, unsigned bf, unsigned result)
{
	cpu->cr[bf] = (uint8_t)result;
	fpscr_set_fpcc(cpu, result);
	return 0;
}

static unsigned exponent_of(u128 bits, const struct fp_format *format)
{
	return (unsigned)(bits >> format->fraction_bits) & ((1u << format->exponent_bits) - 1);
}

static int compare_exponents(struct cpu *cpu, uint32_t insn, u128 a, u128 b,
			     const struct fp_format *format)
{
	struct fp va = fp_unpack(a, format), vb = fp_unpack(b, format);
	unsigned ea = exponent_of(a, format), eb = exponent_of(b, format);

	if (fp_is_nan(&va) || fp_is_nan(&vb))
		return set_cr_and_fpcc(cpu, F_BF(insn), CR_SO);
	return set_cr_and_fpcc(cpu, F_BF(insn), ea < eb ? CR_LT : ea > eb ? CR_GT : CR_EQ);
}

SEM(xscmpexpdp)
{
	return compare_exponents(cpu, insn, doubleword0(cpu, F_XA(insn)),
				 doubleword0(cpu, F_XB(insn)), &fp_double);
}

SEM(xstdivdp)
{
	unsigned r = fp_test_divide(doubleword0(cpu, F_XA(insn)), doubleword0(cpu, F_XB(insn)),
				    &fp_double);

	cpu->cr[F_BF(insn)] = (uint8_t)(CR_LT | r);
	return 0;
}

SEM(xstsqrtdp)
{
	cpu->cr[F_BF(insn)] =
		(uint8_t)(CR_LT | fp_test_sqrt(doubleword0(cpu, F_XB(insn)), &fp_double));
	return 0;
}

/* DCMX bits from the left: NaN, +infinity, -infinity, +0, -0, +denormal, -denormal. */
static bool in_data_class(const struct fp *v, const struct fp_format *format, unsigned dcmx)
{
	switch (v->class) {
	case CLASS_ZERO:
		return dcmx >> (v->sign ? 2 : 3) & 1;
	case CLASS_FINITE:
		return v->exponent < format->emin && (dcmx >> (v->sign ? 0 : 1) & 1);
	case CLASS_INFINITE:
		return dcmx >> (v->sign ? 4 : 5) & 1;
	default:
		return dcmx >> 6 & 1;
	}
}

#define F_DCMX(insn) FIELD(insn, 9, 15)

static int test_data_class(struct cpu *cpu, uint32_t insn, const struct fp *v,
			   const struct fp_format *format, bool other_format)
{
	bool match = in_data_class(v, format, F_DCMX(insn));

	return set_cr_and_fpcc(cpu, F_BF(insn),
			       (v->sign ? CR_LT : 0u) | (match ? CR_EQ : 0u) |
				       (other_format ? CR_SO : 0u));
}

SEM(xststdcdp)
{
	struct fp v = fp_unpack64(doubleword0(cpu, F_XB(insn)));

	return test_data_class(cpu, insn, &v, &fp_double, false);
}

SEM(xststdcsp)
{
	uint64_t bits = doubleword0(cpu, F_XB(insn));
	struct fp v = fp_unpack64(bits), single = v;
	struct fpu f = { .rounding = FP_TO_ZERO };
	bool representable;

	if (fp_is_nan(&v)) {
		representable = !(bits & 0x1fffffff);
	} else {
		fp_round(&f, &single, &fp_single);
		representable = !f.raised;
	}
	return test_data_class(cpu, insn, &v, &fp_single, !representable);
}

SEM(xsiexpdp)
{
	uint64_t significand = cpu->gpr[F_RA(insn)], exponent = cpu->gpr[F_RB(insn)];

	return move_scalar(cpu, F_XT(insn),
			   (significand & 0x800fffffffffffffull) | (exponent & 0x7ff) << 52);
}

static u128 significand_of(u128 bits, const struct fp_format *format)
{
	u128 hidden = (u128)1 << format->fraction_bits;
	unsigned exponent = exponent_of(bits, format);
	bool normal = exponent != 0 && exponent != (1u << format->exponent_bits) - 1;

	return (bits & (hidden - 1)) | (normal ? hidden : 0);
}

SEM(xsxexpdp)
{
	cpu->gpr[F_RT(insn)] = exponent_of(doubleword0(cpu, F_XB(insn)), &fp_double);
	return 0;
}

SEM(xsxsigdp)
{
	cpu->gpr[F_RT(insn)] = (uint64_t)significand_of(doubleword0(cpu, F_XB(insn)), &fp_double);
	return 0;
}

/* ---- vectors ---- */

/* A vector's format is fp_double or fp_single. */
static inline unsigned elements(const struct fp_format *format)
{
	return format == &fp_double ? 2 : 4;
}

static inline uint64_t element_bits(const union vsr *v, unsigned i, const struct fp_format *format)
{
	return format == &fp_double ? VSR_D(*v, i) : VSR_W(*v, i);
}

static inline void set_element_bits(union vsr *v, unsigned i, const struct fp_format *format,
				    uint64_t bits)
{
	if (format == &fp_double)
		VSR_D(*v, i) = bits;
	else
		VSR_W(*v, i) = (uint32_t)bits;
}

static inline struct fp element(const union vsr *v, unsigned i, const struct fp_format *format)
{
	return fp_unpack(element_bits(v, i, format), format);
}

static inline void set_element(union vsr *v, unsigned i, const struct fp_format *format,
			       const struct fp *e)
{
	set_element_bits(v, i, format, (uint64_t)fp_pack(e, format));
}

static inline uint64_t element_as_double(const union vsr *v, unsigned i,
					 const struct fp_format *format)
{
	return format == &fp_double ? VSR_D(*v, i) : fp_single_to_double(VSR_W(*v, i));
}

static inline void set_element_from_double(union vsr *v, unsigned i, const struct fp_format *format,
					   uint64_t bits)
{
	if (format == &fp_double)
		VSR_D(*v, i) = bits;
	else
		VSR_W(*v, i) = fp_double_to_single(bits);
}

static int vector_end(struct cpu *cpu, uint32_t insn, struct fpu *f, const union vsr *r)
{
	if (fpu_commit_vector(cpu, f))
		cpu->vsr[F_XT(insn)] = *r;
	return fpscr_trap(cpu, f->raised);
}

static int vector_binary(struct cpu *cpu, uint32_t insn, fp_binary_fn *op,
			 const struct fp_format *format)
{
	const union vsr *a = &cpu->vsr[F_XA(insn)], *b = &cpu->vsr[F_XB(insn)];
	struct fpu f = fpu_start(cpu);
	union vsr r;

	for (unsigned i = 0; i < elements(format); i++) {
		uint64_t bits;
		struct fp e;

		if (fpu_host_binary(&f, op, element_as_double(a, i, format),
				    element_as_double(b, i, format), format, &bits)) {
			set_element_from_double(&r, i, format, bits);
			continue;
		}
		e = op(&f, element(a, i, format), element(b, i, format));
		fp_round(&f, &e, format);
		set_element(&r, i, format, &e);
	}
	return vector_end(cpu, insn, &f, &r);
}

static int vector_extremum(struct cpu *cpu, uint32_t insn, fp_binary_fn *op,
			   const struct fp_format *format)
{
	const union vsr *a = &cpu->vsr[F_XA(insn)], *b = &cpu->vsr[F_XB(insn)];
	struct fpu f = fpu_start(cpu);
	union vsr r;

	for (unsigned i = 0; i < elements(format); i++) {
		struct fp e = op(&f, element(a, i, format), element(b, i, format));

		set_element(&r, i, format, &e);
	}
	return vector_end(cpu, insn, &f, &r);
}

static int vector_unary(struct cpu *cpu, uint32_t insn, fp_unary_fn *op,
			const struct fp_format *format)
{
	const union vsr *b = &cpu->vsr[F_XB(insn)];
	struct fpu f = fpu_start(cpu);
	union vsr r;

	for (unsigned i = 0; i < elements(format); i++) {
		uint64_t bits;
		struct fp e;

		if (fpu_host_unary(&f, op, element_as_double(b, i, format), format, &bits)) {
			set_element_from_double(&r, i, format, bits);
			continue;
		}
		e = op(&f, element(b, i, format));
		fp_round(&f, &e, format);
		set_element(&r, i, format, &e);
	}
	return vector_end(cpu, insn, &f, &r);
}

typedef struct fp estimate_fn(struct fpu *f, struct fp v, const struct fp_format *format);

static int vector_estimate(struct cpu *cpu, uint32_t insn, estimate_fn *op,
			   const struct fp_format *format)
{
	const union vsr *b = &cpu->vsr[F_XB(insn)];
	struct fpu f = fpu_start(cpu);
	union vsr r;

	for (unsigned i = 0; i < elements(format); i++) {
		struct fp e = op(&f, element(b, i, format), format);

		set_element(&r, i, format, &e);
	}
	return vector_end(cpu, insn, &f, &r);
}

static int vector_fma(struct cpu *cpu, uint32_t insn, bool to_target, unsigned flags,
		      const struct fp_format *format)
{
	const union vsr *a = &cpu->vsr[F_XA(insn)], *b = &cpu->vsr[F_XB(insn)],
			*t = &cpu->vsr[F_XT(insn)];
	const union vsr *c = to_target ? b : t, *addend = to_target ? t : b;
	struct fpu f = fpu_start(cpu);
	union vsr r;

	for (unsigned i = 0; i < elements(format); i++) {
		struct fp e = fpu_fma_rounded(&f, element(a, i, format), element(c, i, format),
					      element(addend, i, format), flags, format);

		set_element(&r, i, format, &e);
	}
	return vector_end(cpu, insn, &f, &r);
}

static int vector_integral(struct cpu *cpu, uint32_t insn, enum fp_rounding rounding, bool report,
			   const struct fp_format *format)
{
	const union vsr *b = &cpu->vsr[F_XB(insn)];
	struct fpu f = fpu_start(cpu);
	union vsr r;

	for (unsigned i = 0; i < elements(format); i++) {
		struct fp e = fp_to_integral(&f, element(b, i, format), rounding);

		if (report && f.fi)
			f.raised |= FPSCR_XX;
		set_element(&r, i, format, &e);
	}
	return vector_end(cpu, insn, &f, &r);
}

static int vector_compare(struct cpu *cpu, uint32_t insn, unsigned wanted, bool ordered,
			  const struct fp_format *format)
{
	const union vsr *a = &cpu->vsr[F_XA(insn)], *b = &cpu->vsr[F_XB(insn)];
	unsigned n = elements(format), matches = 0;
	struct fpu f = fpu_start(cpu);
	union vsr r;

	for (unsigned i = 0; i < n; i++) {
		struct fp ea = element(a, i, format), eb = element(b, i, format);
		bool match = fp_compare_signal(&f, &ea, &eb, ordered) & wanted;

		matches += match;
		set_element_bits(&r, i, format, match ? ~0ull : 0);
	}
	if (insn & 0x400)
		cpu->cr[6] = matches == n ? CR_LT : matches ? 0 : CR_EQ;
	return vector_end(cpu, insn, &f, &r);
}

static int vector_test(struct cpu *cpu, uint32_t insn, bool divide, const struct fp_format *format)
{
	const union vsr *a = &cpu->vsr[F_XA(insn)], *b = &cpu->vsr[F_XB(insn)];
	unsigned r = CR_LT;

	for (unsigned i = 0; i < elements(format); i++)
		r |= divide ? fp_test_divide(element_bits(a, i, format), element_bits(b, i, format),
					     format) :
			      fp_test_sqrt(element_bits(b, i, format), format);
	cpu->cr[F_BF(insn)] = (uint8_t)r;
	return 0;
}

static int vector_test_data_class(struct cpu *cpu, uint32_t insn, const struct fp_format *format)
{
	unsigned dcmx = FIELD(insn, 25, 25) << 6 | FIELD(insn, 29, 29) << 5 | FIELD(insn, 11, 15);
	const union vsr *b = &cpu->vsr[F_XB(insn)];
	union vsr r;

	for (unsigned i = 0; i < elements(format); i++) {
		struct fp e = element(b, i, format);

		set_element_bits(&r, i, format, in_data_class(&e, format, dcmx) ? ~0ull : 0);
	}
	cpu->vsr[F_XT(insn)] = r;
	return 0;
}

static int vector_insert_exponent(struct cpu *cpu, uint32_t insn, const struct fp_format *format)
{
	const union vsr *a = &cpu->vsr[F_XA(insn)], *b = &cpu->vsr[F_XB(insn)];
	uint64_t mask = ((1ull << format->exponent_bits) - 1) << format->fraction_bits;
	union vsr r;

	for (unsigned i = 0; i < elements(format); i++)
		set_element_bits(&r, i, format,
				 (element_bits(a, i, format) & ~mask) |
					 (element_bits(b, i, format) << format->fraction_bits &
					  mask));
	cpu->vsr[F_XT(insn)] = r;
	return 0;
}

static int vector_extract(struct cpu *cpu, uint32_t insn, bool exponent,
			  const struct fp_format *format)
{
	const union vsr *b = &cpu->vsr[F_XB(insn)];
	union vsr r;

	for (unsigned i = 0; i < elements(format); i++) {
		uint64_t bits = element_bits(b, i, format);

		set_element_bits(&r, i, format,
				 exponent ? exponent_of(bits, format) :
					    (uint64_t)significand_of(bits, format));
	}
	cpu->vsr[F_XT(insn)] = r;
	return 0;
}

#define VECTOR(name, call, ...)                      \
	SEM(name)                                    \
	{                                            \
		return call(cpu, insn, __VA_ARGS__); \
	}
#define VECTORS(suffix, format)                                                        \
	VECTOR(xvadd##suffix, vector_binary, fp_add, format)                           \
	VECTOR(xvsub##suffix, vector_binary, fp_sub, format)                           \
	VECTOR(xvmul##suffix, vector_binary, fp_mul, format)                           \
	VECTOR(xvdiv##suffix, vector_binary, fp_div, format)                           \
	VECTOR(xvmax##suffix, vector_extremum, maximum, format)                        \
	VECTOR(xvmin##suffix, vector_extremum, minimum, format)                        \
	VECTOR(xvmadda##suffix, vector_fma, true, 0, format)                           \
	VECTOR(xvmaddm##suffix, vector_fma, false, 0, format)                          \
	VECTOR(xvmsuba##suffix, vector_fma, true, FMA_SUBTRACT, format)                \
	VECTOR(xvmsubm##suffix, vector_fma, false, FMA_SUBTRACT, format)               \
	VECTOR(xvnmadda##suffix, vector_fma, true, FMA_NEGATE, format)                 \
	VECTOR(xvnmaddm##suffix, vector_fma, false, FMA_NEGATE, format)                \
	VECTOR(xvnmsuba##suffix, vector_fma, true, FMA_SUBTRACT | FMA_NEGATE, format)  \
	VECTOR(xvnmsubm##suffix, vector_fma, false, FMA_SUBTRACT | FMA_NEGATE, format) \
	VECTOR(xvsqrt##suffix, vector_unary, fp_sqrt, format)                          \
	VECTOR(xvre##suffix, vector_estimate, fp_reciprocal, format)                   \
	VECTOR(xvrsqrte##suffix, vector_estimate, fp_reciprocal_sqrt, format)          \
	VECTOR(xvr##suffix##i, vector_integral, FP_NEAREST_AWAY, false, format)        \
	VECTOR(xvr##suffix##ic, vector_integral, CURRENT, true, format)                \
	VECTOR(xvr##suffix##im, vector_integral, FP_DOWN, false, format)               \
	VECTOR(xvr##suffix##ip, vector_integral, FP_UP, false, format)                 \
	VECTOR(xvr##suffix##iz, vector_integral, FP_TO_ZERO, false, format)            \
	VECTOR(xvcmpeq##suffix, vector_compare, CR_EQ, false, format)                  \
	VECTOR(xvcmpgt##suffix, vector_compare, CR_GT, true, format)                   \
	VECTOR(xvcmpge##suffix, vector_compare, CR_GT | CR_EQ, true, format)           \
	VECTOR(xvtdiv##suffix, vector_test, true, format)                              \
	VECTOR(xvtsqrt##suffix, vector_test, false, format)                            \
	VECTOR(xvtstdc##suffix, vector_test_data_class, format)                        \
	VECTOR(xviexp##suffix, vector_insert_exponent, format)                         \
	VECTOR(xvxexp##suffix, vector_extract, true, format)                           \
	VECTOR(xvxsig##suffix, vector_extract, false, format)

VECTORS(dp, &fp_double)
VECTORS(sp, &fp_single)

/* ---- conversions of vectors ---- */

/*
 * When element widths differ, the narrow one is the left word of the doubleword. Element i of a
 * conversion between @doublewords and words of @from and @to:
 */
struct shape {
	bool from_double, to_double; /* doublewords, else words */
};
#define DD ((struct shape){ true, true })
#define DW ((struct shape){ true, false })
#define WD ((struct shape){ false, true })
#define WW ((struct shape){ false, false })

static inline unsigned count(struct shape s)
{
	return s.from_double || s.to_double ? 2 : 4;
}

static inline uint64_t get(const union vsr *v, unsigned i, struct shape s)
{
	return s.from_double ? VSR_D(*v, i) : VSR_W(*v, s.to_double ? 2 * i : i);
}

static inline void put(union vsr *v, unsigned i, struct shape s, uint64_t bits)
{
	if (s.to_double)
		VSR_D(*v, i) = bits;
	else if (s.from_double)
		VSR_D(*v, i) = both_words(bits);
	else
		VSR_W(*v, i) = (uint32_t)bits;
}

static int vector_convert(struct cpu *cpu, uint32_t insn, struct shape s,
			  const struct fp_format *from, const struct fp_format *to)
{
	const union vsr *b = &cpu->vsr[F_XB(insn)];
	struct fpu f = fpu_start(cpu);
	union vsr r;

	for (unsigned i = 0; i < count(s); i++) {
		u128 mask = ((u128)2 << (from->fraction_bits + from->exponent_bits)) - 1;
		struct fp e = fp_quiet(&f, fp_unpack(get(b, i, s) & mask, from));

		fp_round(&f, &e, to);
		put(&r, i, s, (uint64_t)fp_pack(&e, to));
	}
	return vector_end(cpu, insn, &f, &r);
}

static int vector_to_integer(struct cpu *cpu, uint32_t insn, struct shape s, bool is_signed)
{
	const union vsr *b = &cpu->vsr[F_XB(insn)];
	struct fpu f = fpu_start(cpu);
	union vsr r;

	for (unsigned i = 0; i < count(s); i++) {
		struct fp e = fp_unpack(get(b, i, s), s.from_double ? &fp_double : &fp_single);

		put(&r, i, s,
		    (uint64_t)fp_to_integer(&f, e, FP_TO_ZERO, s.to_double ? 64 : 32, is_signed));
	}
	return vector_end(cpu, insn, &f, &r);
}

static int vector_from_integer(struct cpu *cpu, uint32_t insn, struct shape s, bool is_signed)
{
	const struct fp_format *format = s.to_double ? &fp_double : &fp_single;
	const union vsr *b = &cpu->vsr[F_XB(insn)];
	struct fpu f = fpu_start(cpu);
	union vsr r;

	for (unsigned i = 0; i < count(s); i++) {
		uint64_t n = get(b, i, s);
		struct fp e;

		if (is_signed && !s.from_double)
			n = (uint64_t)(int64_t)(int32_t)n;
		e = fp_from_doubleword(n, is_signed);
		fp_round(&f, &e, format);
		put(&r, i, s, (uint64_t)fp_pack(&e, format));
	}
	return vector_end(cpu, insn, &f, &r);
}

VECTOR(xvcvdpsp, vector_convert, DW, &fp_double, &fp_single)
VECTOR(xvcvspdp, vector_convert, WD, &fp_single, &fp_double)
VECTOR(xvcvhpsp, vector_convert, WW, &fp_half, &fp_single)
VECTOR(xvcvsphp, vector_convert, WW, &fp_single, &fp_half)
VECTOR(xvcvspbf16, vector_convert, WW, &fp_single, &fp_bfloat16)
VECTOR(xvcvdpsxds, vector_to_integer, DD, true)
VECTOR(xvcvdpuxds, vector_to_integer, DD, false)
VECTOR(xvcvdpsxws, vector_to_integer, DW, true)
VECTOR(xvcvdpuxws, vector_to_integer, DW, false)
VECTOR(xvcvspsxds, vector_to_integer, WD, true)
VECTOR(xvcvspuxds, vector_to_integer, WD, false)
VECTOR(xvcvspsxws, vector_to_integer, WW, true)
VECTOR(xvcvspuxws, vector_to_integer, WW, false)
VECTOR(xvcvsxddp, vector_from_integer, DD, true)
VECTOR(xvcvuxddp, vector_from_integer, DD, false)
VECTOR(xvcvsxdsp, vector_from_integer, DW, true)
VECTOR(xvcvuxdsp, vector_from_integer, DW, false)
VECTOR(xvcvsxwdp, vector_from_integer, WD, true)
VECTOR(xvcvuxwdp, vector_from_integer, WD, false)
VECTOR(xvcvsxwsp, vector_from_integer, WW, true)
VECTOR(xvcvuxwsp, vector_from_integer, WW, false)

/* A single is a bfloat16 and 16 more bits. No NaN signals. */
SEM(xvcvbf16spn)
{
	const union vsr b = cpu->vsr[F_XB(insn)];

	for (unsigned i = 0; i < 4; i++)
		cpu->vsr[F_XT(insn)].w[i] = b.w[i] << 16;
	return 0;
}

/* ---- quad precision: operands are VRs ---- */

#define VRT(insn) (32 + F_RT(insn))
#define VRA(insn) (32 + F_RA(insn))
#define VRB(insn) (32 + F_RB(insn))

static inline struct fp quad(const struct cpu *cpu, unsigned n)
{
	return fp_unpack(cpu->vsr[n].q, &fp_quad);
}

static int quad_write(struct cpu *cpu, struct fpu *f, unsigned t, u128 bits, unsigned fprf)
{
	if (fpu_commit(cpu, f, fprf))
		cpu->vsr[t].q = bits;
	return fpscr_trap(cpu, f->raised);
}

static int quad_result(struct cpu *cpu, struct fpu *f, unsigned t, const struct fp *r)
{
	return quad_write(cpu, f, t, fp_pack(r, &fp_quad), fp_fprf(r, &fp_quad));
}

/* RO, the last bit of the word: round to odd instead of by FPSCR[RN]. */
static struct fpu quad_start(const struct cpu *cpu, uint32_t insn)
{
	struct fpu f = fpu_start(cpu);

	f.quad = true;
	if (insn & 1)
		f.rounding = FP_TO_ODD;
	return f;
}

static int quad_binary(struct cpu *cpu, uint32_t insn, fp_binary_fn *op)
{
	struct fpu f = quad_start(cpu, insn);
	struct fp r = op(&f, quad(cpu, VRA(insn)), quad(cpu, VRB(insn)));

	fp_round(&f, &r, &fp_quad);
	return quad_result(cpu, &f, VRT(insn), &r);
}

static int quad_fma(struct cpu *cpu, uint32_t insn, unsigned flags)
{
	struct fpu f = quad_start(cpu, insn);
	struct fp r = fpu_fma_rounded(&f, quad(cpu, VRA(insn)), quad(cpu, VRB(insn)),
				      quad(cpu, VRT(insn)), flags, &fp_quad);

	return quad_result(cpu, &f, VRT(insn), &r);
}

VECTOR(xsaddqp, quad_binary, fp_add)
VECTOR(xssubqp, quad_binary, fp_sub)
VECTOR(xsmulqp, quad_binary, fp_mul)
VECTOR(xsdivqp, quad_binary, fp_div)
VECTOR(xsmaddqp, quad_fma, 0)
VECTOR(xsmsubqp, quad_fma, FMA_SUBTRACT)
VECTOR(xsnmaddqp, quad_fma, FMA_NEGATE)
VECTOR(xsnmsubqp, quad_fma, FMA_SUBTRACT | FMA_NEGATE)

SEM(xssqrtqp)
{
	struct fpu f = quad_start(cpu, insn);
	struct fp r = fp_sqrt(&f, quad(cpu, VRB(insn)));

	fp_round(&f, &r, &fp_quad);
	return quad_result(cpu, &f, VRT(insn), &r);
}

#define QUAD_MOVE(name, value)                                             \
	SEM(name)                                                          \
	{                                                                  \
		u128 a = cpu->vsr[VRA(insn)].q, b = cpu->vsr[VRB(insn)].q; \
                                                                           \
		(void)a;                                                   \
		cpu->vsr[VRT(insn)].q = value;                             \
		return 0;                                                  \
	}

QUAD_MOVE(xsabsqp, b & ~SIGN_QUAD)
QUAD_MOVE(xsnabsqp, b | SIGN_QUAD)
QUAD_MOVE(xsnegqp, b ^ SIGN_QUAD)
QUAD_MOVE(xscpsgnqp, (a & SIGN_QUAD) | (b & ~SIGN_QUAD))
QUAD_MOVE(xsxexpqp, (u128)exponent_of(b, &fp_quad) << 64)
QUAD_MOVE(xsxsigqp, significand_of(b, &fp_quad))
QUAD_MOVE(xsiexpqp, (a & (SIGN_QUAD | (((u128)1 << 112) - 1))) | (b >> 64 & 0x7fff) << 112)

static int quad_compare(struct cpu *cpu, uint32_t insn, bool ordered)
{
	struct fp a = quad(cpu, VRA(insn)), b = quad(cpu, VRB(insn));
	struct fpu f = fpu_start(cpu);
	unsigned result = fp_compare_signal(&f, &a, &b, ordered);

	set_cr_and_fpcc(cpu, F_BF(insn), result);
	fpscr_raise(cpu, f.raised);
	return fpscr_trap(cpu, f.raised);
}

VECTOR(xscmpuqp, quad_compare, false)
VECTOR(xscmpoqp, quad_compare, true)

SEM(xscmpexpqp)
{
	return compare_exponents(cpu, insn, cpu->vsr[VRA(insn)].q, cpu->vsr[VRB(insn)].q, &fp_quad);
}

SEM(xststdcqp)
{
	struct fp v = quad(cpu, VRB(insn));

	return test_data_class(cpu, insn, &v, &fp_quad, false);
}

SEM(xscvdpqp)
{
	struct fpu f = fpu_start(cpu);
	struct fp r = fp_quiet(&f, fp_unpack64(doubleword0(cpu, VRB(insn))));

	return quad_result(cpu, &f, VRT(insn), &r);
}

SEM(xscvqpdp)
{
	struct fpu f = quad_start(cpu, insn);
	struct fp r = fp_quiet(&f, quad(cpu, VRB(insn)));

	fp_round(&f, &r, &fp_double);
	return fpu_scalar_result(cpu, &f, VRT(insn), &r, &fp_double);
}

static int quad_from_integer(struct cpu *cpu, uint32_t insn, bool is_signed)
{
	uint64_t n = doubleword0(cpu, VRB(insn));
	struct fpu f = fpu_start(cpu);
	struct fp r = fp_from_doubleword(n, is_signed);

	return quad_result(cpu, &f, VRT(insn), &r);
}

static int quad_to_integer(struct cpu *cpu, uint32_t insn, unsigned bits, bool is_signed)
{
	struct fpu f = fpu_start(cpu);
	uint64_t r = (uint64_t)fp_to_integer(&f, quad(cpu, VRB(insn)), FP_TO_ZERO, bits, is_signed);

	return fpu_scalar_write(cpu, &f, VRT(insn), r, FPRF_UNCHANGED);
}

static int quad_from_quadword(struct cpu *cpu, uint32_t insn, bool is_signed)
{
	const u128 n = cpu->vsr[VRB(insn)].q;
	struct fpu f = fpu_start(cpu);
	struct fp r = fp_from_quadword(n, is_signed);

	fp_round(&f, &r, &fp_quad);
	return quad_result(cpu, &f, VRT(insn), &r);
}

static int quad_to_quadword(struct cpu *cpu, uint32_t insn, bool is_signed)
{
	struct fpu f = fpu_start(cpu);
	const u128 r = fp_to_integer(&f, quad(cpu, VRB(insn)), FP_TO_ZERO, 128, is_signed);

	return quad_write(cpu, &f, VRT(insn), r, FPRF_UNCHANGED);
}

VECTOR(xscvsqqp, quad_from_quadword, true)
VECTOR(xscvuqqp, quad_from_quadword, false)
VECTOR(xscvqpsqz, quad_to_quadword, true)
VECTOR(xscvqpuqz, quad_to_quadword, false)
VECTOR(xscvsdqp, quad_from_integer, true)
VECTOR(xscvudqp, quad_from_integer, false)
VECTOR(xscvqpsdz, quad_to_integer, 64, true)
VECTOR(xscvqpswz, quad_to_integer, 32, true)
VECTOR(xscvqpudz, quad_to_integer, 64, false)
VECTOR(xscvqpuwz, quad_to_integer, 32, false)

/* R || RMC; with R = 0 two codes are reserved. */
static enum fp_rounding quad_rounding(const struct cpu *cpu, uint32_t insn)
{
	unsigned rmc = FIELD(insn, 21, 22);

	if (FIELD(insn, 15, 15))
		return (enum fp_rounding)rmc;
	return rmc == 3 ? CURRENT : FP_NEAREST_AWAY;
}

/* The last bit of the word: report an inexact result (xsrqpix). */
SEM(xsrqpi)
{
	struct fpu f = fpu_start(cpu);
	struct fp r = fp_to_integral(&f, quad(cpu, VRB(insn)), quad_rounding(cpu, insn));

	if (!(insn & 1))
		f.fr = f.fi = false;
	else if (f.fi)
		f.raised |= FPSCR_XX;
	return quad_result(cpu, &f, VRT(insn), &r);
}

/* The ISA has no underflow here, whatever UE says. */
SEM(xsrqpxp)
{
	struct fpu f = fpu_start(cpu);
	struct fp r = fp_quiet(&f, quad(cpu, VRB(insn)));

	f.rounding = quad_rounding(cpu, insn);
	f.enabled &= ~FPSCR_UE;
	fp_round(&f, &r, &fp_extended);
	f.raised &= ~FPSCR_UX;
	return quad_result(cpu, &f, VRT(insn), &r);
}

/* ---- ISA 3.1: comparisons to a mask, maximum and minimum as in C ---- */

static int quad_compare_mask(struct cpu *cpu, uint32_t insn, unsigned wanted, bool ordered)
{
	const struct fp a = quad(cpu, VRA(insn)), b = quad(cpu, VRB(insn));
	struct fpu f = fpu_start(cpu);
	const unsigned result = fp_compare_signal(&f, &a, &b, ordered);

	if (fpu_commit_vector(cpu, &f))
		cpu->vsr[VRT(insn)].q = result & wanted ? ~(u128)0 : 0;
	return fpscr_trap(cpu, f.raised);
}

VECTOR(xscmpeqqp, quad_compare_mask, CR_EQ, false)
VECTOR(xscmpgtqp, quad_compare_mask, CR_GT, true)
VECTOR(xscmpgeqp, quad_compare_mask, CR_GT | CR_EQ, true)

/* The first operand if it compares as wanted with the second, else, and with a NaN, the second. */
static int quad_extremum(struct cpu *cpu, uint32_t insn, unsigned wanted)
{
	const struct fp a = quad(cpu, VRA(insn)), b = quad(cpu, VRB(insn));
	struct fpu f = fpu_start(cpu);

	if (a.class == CLASS_SNAN || b.class == CLASS_SNAN)
		f.raised |= FPSCR_VXSNAN;
	if (fpu_commit_vector(cpu, &f))
		cpu->vsr[VRT(insn)] = cpu->vsr[fp_compare(&a, &b) & wanted ? VRA(insn) : VRB(insn)];
	return fpscr_trap(cpu, f.raised);
}

VECTOR(xsmaxcqp, quad_extremum, CR_GT | CR_EQ)
VECTOR(xsmincqp, quad_extremum, CR_LT)
