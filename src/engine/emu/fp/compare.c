/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comparison of numbers, and the tests that precede software division and square root.
 */
#include "engine/emu/fp/private.h"

unsigned fp_compare(const struct fp *a, const struct fp *b)
{
	bool less;

	if (fp_is_nan(a) || fp_is_nan(b))
		return CR_SO;
	if (a->class == CLASS_ZERO && b->class == CLASS_ZERO)
		return CR_EQ;
	if (a->sign != b->sign)
		return a->sign ? CR_LT : CR_GT;
	if (a->class != b->class)
		less = a->class < b->class;
	else if (a->class == CLASS_INFINITE ||
		 (a->exponent == b->exponent && a->significand == b->significand))
		return CR_EQ;
	else
		less = smaller(a, b);
	return less != a->sign ? CR_LT : CR_GT;
}

unsigned fp_compare_signal(struct fpu *f, const struct fp *a, const struct fp *b, bool ordered)
{
	bool signalling = a->class == CLASS_SNAN || b->class == CLASS_SNAN;
	unsigned result = fp_compare(a, b);

	if (signalling)
		f->raised |= FPSCR_VXSNAN;
	if (ordered && result == CR_SO && !(signalling && (f->enabled & FPSCR_VE)))
		f->raised |= FPSCR_VXVC;
	return result;
}

static int raw_exponent(u128 bits, const struct fp_format *format)
{
	return (int)(bits >> format->fraction_bits & ((1u << format->exponent_bits) - 1)) -
	       format->emax;
}

/*
 * Could software's Newton iteration go wrong? Every format uses the margins that the ISA gives for
 * double in ftdiv.
 */
unsigned fp_test_divide(u128 a, u128 b, const struct fp_format *format)
{
	struct fp va = fp_unpack(a, format), vb = fp_unpack(b, format);
	int ea = raw_exponent(a, format), eb = raw_exponent(b, format);
	unsigned result = 0;

	if (va.class == CLASS_INFINITE || vb.class == CLASS_ZERO || vb.class == CLASS_INFINITE ||
	    (vb.class == CLASS_FINITE && eb < format->emin))
		result |= CR_GT;
	if (va.class >= CLASS_INFINITE || vb.class != CLASS_FINITE || eb <= format->emin ||
	    eb >= format->emax - 2 ||
	    (va.class == CLASS_FINITE && (ea - eb >= format->emax || ea - eb <= format->emin + 1 ||
					  ea <= format->emin + format->fraction_bits)))
		result |= CR_EQ;
	return result;
}

unsigned fp_test_sqrt(u128 b, const struct fp_format *format)
{
	struct fp v = fp_unpack(b, format);
	int e = raw_exponent(b, format);
	unsigned result = 0;

	if (v.class == CLASS_INFINITE || v.class == CLASS_ZERO ||
	    (v.class == CLASS_FINITE && e < format->emin))
		result |= CR_GT;
	if (v.class != CLASS_FINITE || v.sign || e <= format->emin + format->fraction_bits)
		result |= CR_EQ;
	return result;
}
