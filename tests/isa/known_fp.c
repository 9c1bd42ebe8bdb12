/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the two sides may part in floating-point instructions, depending on operands; see
 * explanations.def.
 */
#include <math.h>
#include <signal.h>
#include <string.h>

#include "known_fp.h"

static bool ends_with(const char *s, const char *suffix)
{
	size_t length = strlen(s), suffix_length = strlen(suffix);

	return length >= suffix_length && !strcmp(s + length - suffix_length, suffix);
}

static bool is_quad(const char *name)
{
	return starts_with(name, "xs") && strstr(name, "qp");
}

static uint64_t *target(const char *name, struct isa_case *out)
{
	unsigned t = out->insn >> 21 & 31;

	if (is_quad(name))
		t += 32;
	else if (name[0] == 'x')
		t += (out->insn & 1) << 5;
	return out->vsr[t];
}

/* Single-precision arithmetic whose result is kept in double format. */
static bool is_single_scalar(const char *name)
{
	static const char *const names[] = { "fadds",	"fsubs",    "fmuls",   "fdivs",
					     "fmadds",	"fmsubs",   "fnmadds", "fnmsubs",
					     "fsqrts",	"fres",	    "frsp",    "frsqrtes",
					     "xsrsp",	"xsaddsp",  "xssubsp", "xsmulsp",
					     "xsdivsp", "xssqrtsp", "xsresp",  "xsrsqrtesp" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return starts_with(name, "xs") && (ends_with(name, "asp") || ends_with(name, "msp"));
}

static void hide_single(const char *name, struct isa_case *out)
{
	uint64_t *v = &target(name, out)[1];
	uint64_t magnitude = *v & ~(1ull << 63);

	/* QEMU rounds VSX scalars twice: a number just off the largest, or a tiny one. */
	if (name[0] == 'x' && magnitude >= 0x47efffffe0000000ull &&
	    magnitude <= 0x7ff0000000000000ull) {
		*v = (*v & 1ull << 63) | 0x7ff0000000000000ull;
		out->fpscr &= ~(FPSCR_FPRF | FPSCR_OX);
	}
	if (name[0] == 'x' && magnitude <= 0x3810000000000000ull)
		out->fpscr &= ~FPSCR_UX;
	/* FPRF of a denormal single: QEMU classifies it as a double. */
	if (magnitude && magnitude < 0x3810000000000000ull)
		out->fpscr &= ~FPSCR_C;
}

static bool is_estimate(const char *name)
{
	return starts_with(name, "fre") || starts_with(name, "frsqrte") ||
	       starts_with(name, "xsre") || starts_with(name, "xvre") || strstr(name, "rsqrte");
}

static bool is_nan(uint64_t v)
{
	return v << 1 > 0xffe0000000000000ull;
}

static bool is_exact_double(uint64_t n)
{
	return n + (1ull << 53) <= 1ull << 54;
}

static double as_double(const struct isa_case *in, unsigned n)
{
	double v;

	memcpy(&v, &in->vsr[n][1], sizeof(v));
	return v;
}

/*
 * QEMU rounds the results of VSX single-precision scalars to double first, which matters if that is
 * half way between two singles.
 */
static bool is_rounded_twice(const char *name, const struct isa_case *in)
{
	const double a = as_double(in, (in->insn >> 16 & 31) | (in->insn & 4) << 3);
	const double b = as_double(in, (in->insn >> 11 & 31) | (in->insn & 2) << 4);
	const double t = as_double(in, (in->insn >> 21 & 31) | (in->insn & 1) << 5);
	uint64_t bits;
	double r;

	if (!starts_with(name, "xs") || !ends_with(name, "sp"))
		return false;
	if (!strcmp(name, "xsaddsp"))
		r = a + b;
	else if (!strcmp(name, "xssubsp"))
		r = a - b;
	else if (!strcmp(name, "xsmulsp"))
		r = a * b;
	else if (!strcmp(name, "xsdivsp"))
		r = a / b;
	else if (!strcmp(name, "xssqrtsp"))
		r = sqrt(b);
	else if (ends_with(name, "addasp"))
		r = fma(a, b, t);
	else if (ends_with(name, "subasp"))
		r = fma(a, b, -t);
	else if (ends_with(name, "addmsp"))
		r = fma(a, t, b);
	else if (ends_with(name, "submsp"))
		r = fma(a, t, -b);
	else
		return false;
	memcpy(&bits, &r, sizeof(bits));
	return (bits & 0x1fffffff) == 0x10000000;
}

static unsigned xa(const struct isa_case *in)
{
	return (in->insn >> 16 & 31) | (in->insn & 4) << 3;
}

static unsigned xb(const struct isa_case *in)
{
	return (in->insn >> 11 & 31) | (in->insn & 2) << 4;
}

bool fp_negated_before_rounding(const char *name, const struct isa_case *in)
{
	return (starts_with(name, "fnm") || starts_with(name, "xsnm") ||
		starts_with(name, "xvnm")) &&
	       in->fpscr & 2;
}

bool fp_reserved_rounding_mode(const char *name, const struct isa_case *in)
{
	const unsigned rmc = in->insn >> 9 & 3;

	if (!starts_with(name, "xsrqp") || in->insn & 0x10000)
		return false;
	return rmc == 1 || rmc == 2 || (rmc == 3 && in->fpscr & 1);
}

bool fp_reciprocal_of_zero(const char *name, const struct isa_case *in)
{
	return (!strcmp(name, "fre") || !strcmp(name, "fres")) &&
	       !(in->vsr[in->insn >> 11 & 31][1] << 1);
}

bool fp_java_maximum(const char *name, const struct isa_case *in)
{
	return (!strcmp(name, "xsmaxjdp") || !strcmp(name, "xsminjdp")) &&
	       is_nan(in->vsr[xa(in)][1]);
}

bool fp_maximum_of_zeros(const char *name, const struct isa_case *in)
{
	return !strcmp(name, "xsmaxcdp") && !((in->vsr[xa(in)][1] | in->vsr[xb(in)][1]) << 1);
}

bool fp_not_rounded_to_odd(const char *name, const struct isa_case *in)
{
	return !strcmp(name, "xsnmsubqp") && in->insn & 1;
}

bool fp_rounded_twice(const char *name, const struct isa_case *in)
{
	if (!strcmp(name, "xscvsxdsp") || !strcmp(name, "xscvuxdsp"))
		return !is_exact_double(in->vsr[xb(in)][1]);
	return is_rounded_twice(name, in);
}

bool fp_denormal_single_class(const char *name, const struct isa_case *in)
{
	const unsigned exponent = in->vsr[xb(in)][1] >> 52 & 0x7ff;

	return !strcmp(name, "xststdcsp") && exponent > 0 && exponent < 0x381;
}

static bool is_fp(const char *name)
{
	return strchr("fx", name[0]) || starts_with(name, "pmxv") || strstr(name, "fs");
}

/* Let bits of the FPSCR, and CR1's copy of FX, be equal. */
static void hide_fpscr(const struct isa_case *ours, struct isa_case *theirs, uint64_t bits)
{
	theirs->fpscr = (theirs->fpscr & ~bits) | (ours->fpscr & bits);
}

static void hide_cr1_fx(const char *name, const struct isa_case *in, const struct isa_case *ours,
			struct isa_case *theirs)
{
	if (name[0] == 'f' && in->insn & 1)
		theirs->cr = (theirs->cr & ~CR1_FX) | (ours->cr & CR1_FX);
}

void fp_hide_fr(const char *name, const struct isa_case *in, struct isa_case *ours,
		struct isa_case *theirs)
{
	(void)in;
	if (is_fp(name))
		hide_fpscr(ours, theirs, FPSCR_FR);
}

void fp_hide_fx(const char *name, const struct isa_case *in, struct isa_case *ours,
		struct isa_case *theirs)
{
	if (!is_fp(name) || !(in->fpscr & FPSCR_EXCEPTIONS))
		return;
	hide_fpscr(ours, theirs, FPSCR_FX);
	hide_cr1_fx(name, in, ours, theirs);
}

void fp_hide_single(const char *name, const struct isa_case *in, struct isa_case *ours,
		    struct isa_case *theirs)
{
	(void)in;
	if (!is_single_scalar(name))
		return;
	hide_single(name, ours);
	hide_single(name, theirs);
}

void fp_hide_vector_flags(const char *name, const struct isa_case *in, struct isa_case *ours,
			  struct isa_case *theirs)
{
	(void)in;
	if (!starts_with(name, "xv") && !starts_with(name, "pmxv"))
		return;
	hide_fpscr(ours, theirs, FPSCR_FI);
	if (ours->fpscr & theirs->fpscr & FPSCR_OX)
		hide_fpscr(ours, theirs, FPSCR_UX);
}

void fp_hide_two_causes(const char *name, const struct isa_case *in, struct isa_case *ours,
			struct isa_case *theirs)
{
	(void)in;
	if (is_fp(name) && (strstr(name, "madd") || strstr(name, "msub")) &&
	    ours->fpscr & theirs->fpscr & FPSCR_VXIMZ)
		hide_fpscr(ours, theirs, FPSCR_VXSNAN);
}

void fp_hide_after_vxcvi(const char *name, const struct isa_case *in, struct isa_case *ours,
			 struct isa_case *theirs)
{
	(void)in;
	if (starts_with(name, "xvcv") && ours->fpscr & theirs->fpscr & FPSCR_VXCVI)
		memcpy(target(name, theirs), target(name, ours), 16);
}

void fp_hide_estimate_fx(const char *name, const struct isa_case *in, struct isa_case *ours,
			 struct isa_case *theirs)
{
	if (is_fp(name) && is_estimate(name))
		hide_cr1_fx(name, in, ours, theirs);
}

void fp_hide_upper_word(const char *name, const struct isa_case *in, struct isa_case *ours,
			struct isa_case *theirs)
{
	(void)in;
	if (!starts_with(name, "fctiw"))
		return;
	target(name, theirs)[1] = (uint32_t)target(name, theirs)[1] |
				  (target(name, ours)[1] & 0xffffffff00000000);
}

void fp_hide_extended_nan(const char *name, const struct isa_case *in, struct isa_case *ours,
			  struct isa_case *theirs)
{
	const uint64_t nan = 0x7fff000000000000ull;
	const uint64_t low = 0x1ffffffffffffull;

	(void)in;
	if (!strcmp(name, "xsrqpxp") && (target(name, ours)[1] & nan) == nan)
		target(name, theirs)[0] = (target(name, theirs)[0] & ~low) |
					  (target(name, ours)[0] & low);
}

/* One side was interrupted by an enabled exception, the other was not. */
static bool trapped_alone(const struct isa_case *one, const struct isa_case *other)
{
	return one->outcome == SIGFPE && !other->outcome;
}

void fp_hide_tiny(const char *name, const struct isa_case *in, struct isa_case *ours,
		  struct isa_case *theirs)
{
	if (is_fp(name) && in->fpscr & FPSCR_UE && trapped_alone(ours, theirs))
		*theirs = *ours;
}

void fp_hide_no_underflow(const char *name, const struct isa_case *in, struct isa_case *ours,
			  struct isa_case *theirs)
{
	const bool exact = starts_with(name, "xsmax") || starts_with(name, "xsmin") ||
			   starts_with(name, "xvmax") || starts_with(name, "xvmin") ||
			   !strcmp(name, "xsrqpxp");

	if (exact && in->fpscr & FPSCR_UE && trapped_alone(theirs, ours))
		*theirs = *ours;
}

void fp_hide_estimate_trap(const char *name, const struct isa_case *in, struct isa_case *ours,
			   struct isa_case *theirs)
{
	if (is_fp(name) && is_estimate(name) && in->fpscr & (FPSCR_XE | FPSCR_UE | FPSCR_ZE) &&
	    (trapped_alone(ours, theirs) || trapped_alone(theirs, ours)))
		*theirs = *ours;
}

/* ---- what a whole sequence shows ---- */

typedef bool word_fn(uint32_t word);

/* Is the difference that of a sequence with such an instruction? */
static bool in_sequence(const char *name, const struct isa_case *in, word_fn *is)
{
	if (strcmp(name, KNOWN_SEQUENCE))
		return false;
	for (unsigned i = 0; i < in->nr_words; i++)
		if (is((uint32_t)in->words[i]))
			return true;
	return false;
}

static bool is_one_of(unsigned n, const uint16_t *numbers)
{
	for (; *numbers; numbers++)
		if (n == *numbers)
			return true;
	return false;
}

/* xvcmpeqsp, xvcmpgtsp, xvcmpgesp, xvcmpeqdp, xvcmpgtdp, xvcmpgedp */
static bool is_vector_compare(uint32_t word)
{
	static const uint16_t extended[] = { 67, 75, 83, 99, 107, 115, 0 };

	return word >> 26 == 60 && is_one_of(word >> 3 & 127, extended);
}

/* xvf32ger and its kind, or the second words of pmxvf32ger's. */
static bool is_outer_product(uint32_t word)
{
	return word >> 26 == 59 && (word >> 4 & 3) == 1;
}

/* xsmaxdp, xsmindp, xvmaxsp, xvminsp, xvmaxdp, xvmindp, xscmpexpdp; xscmpexpqp; xvf32ger ... */
static bool keeps_old_flags(uint32_t word)
{
	static const uint16_t extended[] = { 160, 168, 192, 200, 224, 232, 59, 0 };

	return (word >> 26 == 60 && is_one_of(word >> 3 & 255, extended)) ||
	       (word >> 26 == 63 && (word >> 1 & 1023) == 164) || is_outer_product(word);
}

/* mtfsf, mtfsfi, mtfsb0, mtfsb1, and mffsce with its kind */
static bool writes_fpscr(uint32_t word)
{
	static const uint16_t extended[] = { 711, 134, 70, 38, 583, 0 };

	return word >> 26 == 63 && is_one_of(word >> 1 & 1023, extended);
}

static bool reads_fpscr(uint32_t word)
{
	return word >> 26 == 63 && (word >> 1 & 1023) == 583; /* mffs */
}

/* Equates what mffs has copied of FPSCR where nothing but @flags differs. */
static void hide_copies(const char *name, const struct isa_case *in, const struct isa_case *ours,
			struct isa_case *theirs, uint64_t flags)
{
	if (!in_sequence(name, in, reads_fpscr))
		return;
	for (unsigned i = 0; i < 32; i++)
		if (!((ours->vsr[i][1] ^ theirs->vsr[i][1]) & ~flags))
			theirs->vsr[i][1] = ours->vsr[i][1];
}

void fp_hide_stale_flags(const char *name, const struct isa_case *in, struct isa_case *ours,
			 struct isa_case *theirs)
{
	const uint64_t stale = FPSCR_FX | FPSCR_OX | FPSCR_UX | FPSCR_XX;

	if (!in_sequence(name, in, keeps_old_flags))
		return;
	hide_copies(name, in, ours, theirs, stale);
	theirs->fpscr &= ours->fpscr | ~stale;
	theirs->cr &= ours->cr | ~CR1_FX;
}

void fp_hide_kept_flags(const char *name, const struct isa_case *in, struct isa_case *ours,
			struct isa_case *theirs)
{
	const uint64_t kept = FPSCR_FX | FPSCR_OX | FPSCR_UX | FPSCR_XX | FPSCR_VX | FPSCR_VXSNAN |
			      FPSCR_VXISI | FPSCR_VXIMZ;

	if (!in_sequence(name, in, is_outer_product))
		return;
	hide_copies(name, in, ours, theirs, kept);
	theirs->fpscr &= ours->fpscr | ~kept;
	if (ours->fpscr & theirs->fpscr & FPSCR_OX)
		hide_fpscr(ours, theirs, FPSCR_UX);
}

static bool is_mcrfs(uint32_t word)
{
	return word >> 26 == 63 && (word >> 1 & 1023) == 64;
}

void fp_hide_late_compare(const char *name, const struct isa_case *in, struct isa_case *ours,
			  struct isa_case *theirs)
{
	if (!in_sequence(name, in, is_vector_compare))
		return;
	theirs->cr |= ours->cr & (CR1_FX | CR1_VX);
	for (unsigned i = 0; i < in->nr_words; i++)
		if (is_mcrfs((uint32_t)in->words[i]))
			theirs->cr |= ours->cr & 0xf0000000u >> 4 * (in->words[i] >> 23 & 7);
}

/* No exception is enabled that occurred: the old one was cleared before. */
void fp_hide_stale_interrupt(const char *name, const struct isa_case *in, struct isa_case *ours,
			     struct isa_case *theirs)
{
	const uint64_t enables = FPSCR_XE | FPSCR_UE | FPSCR_OE | FPSCR_VE;

	if (in_sequence(name, in, keeps_old_flags) && in_sequence(name, in, writes_fpscr) &&
	    trapped_alone(theirs, ours) && ours->fpscr & enables &&
	    !(ours->fpscr >> FPSCR_ENABLE_SHIFT & ours->fpscr & enables))
		*theirs = *ours;
}
