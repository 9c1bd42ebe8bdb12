/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binary floating-point arithmetic on the host's integers: binary16, 32, 64 and 128, with every
 * result bit, rounding mode and status flag of the FPSCR (Power ISA 3.0B, book I, chapters 4 and
 * 7). The instructions themselves are in fp.c and vsx_fp.c. decimal.h has decimal floating point.
 *
 * An operation unpacks its operands, computes an exact or sticky intermediate result, rounds that
 * once to a format, and commits flags and result to the CPU.
 */
#ifndef FWNMI_ENGINE_EMU_FP_FPU_H
#define FWNMI_ENGINE_EMU_FP_FPU_H

#include "engine/emu/cpu.h"

/* FPSCR bits; the comment is the ISA's bit number. */
#define FPSCR_DRN	 0x700000000ull /* 29:31 */
#define FPSCR_FX	 0x80000000ull /* 32 */
#define FPSCR_FEX	 0x40000000ull /* 33 */
#define FPSCR_VX	 0x20000000ull /* 34 */
#define FPSCR_OX	 0x10000000ull /* 35 */
#define FPSCR_UX	 0x08000000ull /* 36 */
#define FPSCR_ZX	 0x04000000ull /* 37 */
#define FPSCR_XX	 0x02000000ull /* 38 */
#define FPSCR_VXSNAN	 0x01000000ull /* 39 */
#define FPSCR_VXISI	 0x00800000ull /* 40 */
#define FPSCR_VXIDI	 0x00400000ull /* 41 */
#define FPSCR_VXZDZ	 0x00200000ull /* 42 */
#define FPSCR_VXIMZ	 0x00100000ull /* 43 */
#define FPSCR_VXVC	 0x00080000ull /* 44 */
#define FPSCR_FR	 0x00040000ull /* 45 */
#define FPSCR_FI	 0x00020000ull /* 46 */
#define FPSCR_FPRF	 0x0001f000ull /* 47:51, of which C is the first */
#define FPSCR_FPCC	 0x0000f000ull /* 48:51 */
#define FPSCR_VXSOFT	 0x00000400ull /* 53 */
#define FPSCR_VXSQRT	 0x00000200ull /* 54 */
#define FPSCR_VXCVI	 0x00000100ull /* 55 */
#define FPSCR_VE	 0x00000080ull /* 56 */
#define FPSCR_OE	 0x00000040ull /* 57 */
#define FPSCR_UE	 0x00000020ull /* 58 */
#define FPSCR_ZE	 0x00000010ull /* 59 */
#define FPSCR_XE	 0x00000008ull /* 60 */
#define FPSCR_NI	 0x00000004ull /* 61: kept, has no effect */
#define FPSCR_RN	 0x00000003ull /* 62:63 */
#define FPSCR_FPRF_SHIFT 12

#define FPSCR_VX_ANY                                                                         \
	(FPSCR_VXSNAN | FPSCR_VXISI | FPSCR_VXIDI | FPSCR_VXZDZ | FPSCR_VXIMZ | FPSCR_VXVC | \
	 FPSCR_VXSOFT | FPSCR_VXSQRT | FPSCR_VXCVI)
#define FPSCR_EXCEPTIONS   (FPSCR_OX | FPSCR_UX | FPSCR_ZX | FPSCR_XX | FPSCR_VX_ANY)
#define FPSCR_ENABLES	   (FPSCR_VE | FPSCR_OE | FPSCR_UE | FPSCR_ZE | FPSCR_XE)
/* VX, OX, UX, ZX, XX are in the order of their enable bits, this many bits to the left of them. */
#define FPSCR_ENABLE_SHIFT 22
/*
 * The bits an instruction can write. FEX and VX follow from other bits; 52 and 0:28 are reserved.
 */
#define FPSCR_WRITABLE	   (FPSCR_DRN | (0xffffffffull & ~(FPSCR_FEX | FPSCR_VX | 0x800ull)))

/* The first four match FPSCR[RN]. */
enum fp_rounding {
	FP_NEAREST,
	FP_TO_ZERO,
	FP_UP,
	FP_DOWN,
	FP_TO_ODD,
	FP_NEAREST_AWAY, /* ties away from zero */
};

struct fp_format {
	uint8_t fraction_bits;
	uint8_t exponent_bits;
	int16_t emin, emax; /* of normal numbers, unbiased; the bias is emax */
	int32_t wrap; /* exponent adjustment of a trapped overflow or underflow */
};
extern const struct fp_format fp_bfloat16, fp_half, fp_single, fp_double, fp_quad;
extern const struct fp_format fp_single_unlimited; /* a single's precision, a quad's exponents */
extern const struct fp_format fp_extended; /* a quad rounded to 64 bits of significand (xsrqpxp) */

enum fp_class {
	CLASS_ZERO,
	CLASS_FINITE,
	CLASS_INFINITE,
	CLASS_QNAN,
	CLASS_SNAN
};

/*
 * An unpacked number. Finite: significand / 2^126 * 2^exponent, bit 126 set; in an intermediate
 * result bit 0 may be sticky. NaN: the significand holds the fraction, its quiet bit at 125.
 */
struct fp {
	u128 significand;
	int32_t exponent;
	uint8_t class;
	bool sign;
};
#define FP_TOP	 126
#define FP_QUIET ((u128)1 << (FP_TOP - 1))

/* The settings of an operation, and its outcome. */
struct fpu {
	uint64_t enabled; /* FPSCR_ENABLES as they are set */
	uint64_t raised; /* FPSCR_EXCEPTIONS caused so far */
	enum fp_rounding rounding; /* of fp_round() */
	bool fr, fi; /* of the last rounding */
	bool quad; /* operands are quad precision: intermediate steps need more digits */
};

static inline struct fpu fpu_start(const struct cpu *cpu)
{
	return (struct fpu){
		.enabled = cpu->fpscr & FPSCR_ENABLES,
		.rounding = (enum fp_rounding)(cpu->fpscr & FPSCR_RN),
	};
}

static inline bool fp_is_nan(const struct fp *v)
{
	return v->class >= CLASS_QNAN;
}

/**
 * fp_unpack() - unpack a number in an interchange format.
 * @bits: the encoding, right-aligned, zero above it; @format: one of fp_half ... fp_quad.
 * Never signals: a signalling NaN stays one.
 */
struct fp fp_unpack(u128 bits, const struct fp_format *format);
struct fp fp_unpack32(uint32_t bits);
struct fp fp_unpack64(uint64_t bits);

/**
 * fp_pack() - the encoding of a number in an interchange format.
 * @v: a number that fp_round() has fitted to @format or to a narrower one. A NaN's fraction is
 * truncated. An exponent out of range (a trapped result of a narrower format) loses its high bits.
 */
u128 fp_pack(const struct fp *v, const struct fp_format *format);
uint64_t fp_pack64(const struct fp *v);

/* The 5-bit FPSCR[FPRF] code of a result in this format. */
unsigned fp_fprf(const struct fp *v, const struct fp_format *format);

/**
 * fp_round() - round an intermediate result to a format's precision and range.
 *
 * Sets f->fr and f->fi, and raises XX, OX, UX by the ISA's rules for inexact, overflow and
 * underflow exceptions. If OE or UE is set, the exponent is adjusted. Tininess is detected before
 * rounding. Zeros, infinities and NaNs pass unchanged.
 */
void fp_round(struct fpu *f, struct fp *v, const struct fp_format *format);

/*
 * Arithmetic: returns the intermediate result, yet to be rounded, or the final zero, infinity or
 * NaN. Raises VX* and ZX. Of two NaNs the first is the result; in a multiply-add, the first of a,
 * addend, c. A signalling NaN is made quiet.
 */
typedef struct fp fp_unary_fn(struct fpu *f, struct fp v);
typedef struct fp fp_binary_fn(struct fpu *f, struct fp a, struct fp b);
fp_binary_fn fp_add, fp_sub, fp_mul, fp_div;
fp_unary_fn fp_sqrt;
fp_unary_fn fp_quiet; /* the number itself */
/* The result for two numbers of which at least one is a NaN. */
struct fp fp_first_nan(struct fpu *f, const struct fp *a, const struct fp *b);
/* a * c + addend, or minus it */
struct fp fp_multiply_add(struct fpu *f, struct fp a, struct fp c, struct fp addend, bool subtract);

/*
 * "Estimates": here the quotient 1 / v rounded to the format, or 1 over the rounded square root (of
 * a scalar always to double). Already rounded, never inexact.
 */
struct fp fp_reciprocal(struct fpu *f, struct fp v, const struct fp_format *format);
struct fp fp_reciprocal_sqrt(struct fpu *f, struct fp v, const struct fp_format *format);

/* Returns CR_LT, CR_GT, CR_EQ or, with a NaN, CR_SO. Signals nothing. */
unsigned fp_compare(const struct fp *a, const struct fp *b);
/* The same, but raises VXSNAN and, for an ordered comparison, VXVC. */
unsigned fp_compare_signal(struct fpu *f, const struct fp *a, const struct fp *b, bool ordered);

/**
 * fp_to_integral() - round to an integer in floating-point form. Sets fr and fi; the caller handles
 * XX.
 */
struct fp fp_to_integral(struct fpu *f, struct fp v, enum fp_rounding rounding);

/**
 * fp_to_integer() - convert to a saturated integer, raising XX, VXCVI, VXSNAN.
 * @bits: 32, 64 or 128; the result is sign- or zero-extended to 128 bits.
 */
u128 fp_to_integer(struct fpu *f, struct fp v, enum fp_rounding rounding, unsigned bits,
		   bool is_signed);
/* An integer, to be rounded if it has more than 64 bits. */
struct fp fp_from_quadword(u128 n, bool is_signed);
struct fp fp_from_doubleword(uint64_t n, bool is_signed);

/*
 * ftdiv, ftsqrt and their vector forms. Returns CR_GT and CR_EQ, without CR_LT, which is always
 * set. Operands are encodings.
 */
unsigned fp_test_divide(u128 a, u128 b, const struct fp_format *format);
unsigned fp_test_sqrt(u128 b, const struct fp_format *format);

/*
 * The bit conversions of single-precision loads and stores (DOUBLE and SINGLE in the ISA). They
 * signal nothing and keep a signalling NaN. A double that doesn't fit a single is truncated.
 */
uint64_t fp_single_to_double(uint32_t v);
uint32_t fp_double_to_single(uint64_t v);

/* ---- the FPSCR ---- */

/* Raise exception bits. Sets FX if any is new; updates VX and FEX. */
void fpscr_raise(struct cpu *cpu, uint64_t exceptions);
/* Replace bits of the FPSCR and update FEX and VX. FX changes only if it's in the mask. */
void fpscr_write(struct cpu *cpu, uint64_t value, uint64_t mask);
static inline void fpscr_set_fpcc(struct cpu *cpu, unsigned fpcc)
{
	cpu->fpscr = (cpu->fpscr & ~FPSCR_FPCC) | (uint64_t)fpcc << FPSCR_FPRF_SHIFT;
}

/*
 * End an instruction that caused @exceptions: raise the program interrupt if one of them is
 * enabled, else return 0.
 */
int fpscr_trap(struct cpu *cpu, uint64_t exceptions);

#define FPRF_UNCHANGED 32u
/**
 * fpu_commit() - record a scalar operation in the FPSCR.
 * @fprf: code of the result, or FPRF_UNCHANGED. FR and FI are always written. true: write the
 * result (no enabled VX or ZX), then end the instruction by fpscr_trap() with f->raised.
 */
bool fpu_commit(struct cpu *cpu, struct fpu *f, unsigned fprf);
/*
 * The same for a vector operation: FR, FI, FPRF stay, and any enabled exception suppresses the
 * result.
 */
bool fpu_commit_vector(struct cpu *cpu, struct fpu *f);

/**
 * fpu_host_binary() - fp_add, fp_sub, fp_mul or fp_div of two doubles with the host's instructions.
 * @result: the rounded result, a single in double format; always a normal number.
 * f->fr, f->fi and XX are as fp_round() leaves them. false: not done, take the long way.
 */
bool fpu_host_binary(struct fpu *f, fp_binary_fn *op, uint64_t a, uint64_t b,
		     const struct fp_format *format, uint64_t *result);
/* The same for fp_sqrt and, to single, fp_quiet. */
bool fpu_host_unary(struct fpu *f, fp_unary_fn *op, uint64_t b, const struct fp_format *format,
		    uint64_t *result);

/*
 * Whole scalar operations on doubleword 0 of VSRs, for the classic and the VSX instructions: round
 * to single or double (a single is kept in double format), commit, write the target and clear its
 * doubleword 1. Returns 0 or EXCEPTION.
 */
int fpu_scalar_unary(struct cpu *cpu, unsigned t, unsigned b, fp_unary_fn *op,
		     const struct fp_format *format);
int fpu_scalar_binary(struct cpu *cpu, unsigned t, unsigned a, unsigned b, fp_binary_fn *op,
		      const struct fp_format *format);
#define FMA_SUBTRACT 1u
#define FMA_NEGATE   2u
int fpu_scalar_fma(struct cpu *cpu, unsigned t, unsigned a, unsigned c, unsigned addend,
		   unsigned flags, const struct fp_format *format);
/* The last step of the above. @r is rounded; or @bits is the result and @fprf its code. */
int fpu_scalar_result(struct cpu *cpu, struct fpu *f, unsigned t, const struct fp *r,
		      const struct fp_format *format);
int fpu_scalar_write(struct cpu *cpu, struct fpu *f, unsigned t, uint64_t bits, unsigned fprf);
int fpu_scalar_reciprocal(struct cpu *cpu, unsigned t, unsigned b, const struct fp_format *format);
int fpu_scalar_reciprocal_sqrt(struct cpu *cpu, unsigned t, unsigned b,
			       const struct fp_format *format);
/* Round to an integral value. @report: set FR, FI and XX. */
int fpu_scalar_integral(struct cpu *cpu, unsigned t, unsigned b, enum fp_rounding rounding,
			bool report);
int fpu_scalar_to_integer(struct cpu *cpu, unsigned t, unsigned b, enum fp_rounding rounding,
			  unsigned bits, bool is_signed);
int fpu_scalar_from_integer(struct cpu *cpu, unsigned t, unsigned b, bool is_signed,
			    const struct fp_format *format);
int fpu_scalar_compare(struct cpu *cpu, unsigned bf, unsigned a, unsigned b, bool ordered);

/* a * c + addend of raw flags FMA_*, negated after rounding. */
struct fp fpu_fma_rounded(struct fpu *f, struct fp a, struct fp c, struct fp addend, unsigned flags,
			  const struct fp_format *format);

#endif
