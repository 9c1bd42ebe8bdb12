/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the two sides may part in decimal floating-point instructions; see explanations.def.
 */
#include <signal.h>
#include <string.h>

#include "known_fp.h"

static bool is_decimal(const char *name, const struct isa_case *in)
{
	const unsigned opcode = (uint32_t)in->insn >> 26;

	return name[0] == 'd' && (opcode == 59 || opcode == 63);
}

void dfp_hide_interrupt(const char *name, const struct isa_case *in, struct isa_case *ours,
			struct isa_case *theirs)
{
	const uint64_t enabled = in->fpscr & FPSCR_ENABLES;

	if (is_decimal(name, in) && ours->outcome == SIGFPE && !theirs->outcome &&
	    (theirs->fpscr >> FPSCR_ENABLE_SHIFT & enabled || enabled & FPSCR_UE))
		*theirs = *ours;
}

void dfp_hide_status(const char *name, const struct isa_case *in, struct isa_case *ours,
		     struct isa_case *theirs)
{
	/* QEMU leaves these as they were. */
	uint64_t kept = in->fpscr & (FPSCR_FR | FPSCR_FI);

	if (!is_decimal(name, in))
		return;
	if (in->fpscr & FPSCR_EXCEPTIONS) {
		kept |= FPSCR_FX;
		if (in->insn & 1)
			theirs->cr &= ours->cr | ~CR1_FX;
	}
	theirs->fpscr = (theirs->fpscr & (ours->fpscr | ~kept)) | (ours->fpscr & FPSCR_FR);
}

/* The numbers in FPR @n, or of quad precision in the pair: [0] is the left half. */
struct bits {
	uint64_t half[2];
};

static struct bits bits_of(const struct isa_case *c, unsigned n)
{
	const bool quad = (uint32_t)c->insn >> 26 == 63;

	return (struct bits){ { c->vsr[n][1], quad ? c->vsr[n | 1][1] : 0 } };
}

static bool is_infinite(uint64_t left)
{
	return (left >> 58 & 31) == 30;
}

static bool is_nan(uint64_t left)
{
	return (left >> 58 & 31) == 31;
}

bool dfp_shortens_nan(const char *name, const struct isa_case *in)
{
	const struct bits b = bits_of(in, in->insn >> 11 & 31);

	if (!strcmp(name, "drsp"))
		return is_nan(b.half[0]) && b.half[0] & 0x0003fffffff00000;
	return !strcmp(name, "drdpq") && is_nan(b.half[0]) &&
	       (b.half[0] & 0x00003fffffffffff || b.half[1] >> 50);
}

bool dfp_invalid_bcd(const char *name, const struct isa_case *in)
{
	const struct bits b = bits_of(in, in->insn >> 11 & 31);
	const bool quad = !strcmp(name, "denbcdq"), has_sign = in->insn >> 20 & 1;

	if (!quad && strcmp(name, "denbcd"))
		return false;
	for (unsigned i = 0; i < (quad ? 32 : 16); i++) {
		const unsigned digit = b.half[quad && i < 16] >> 4 * (i & 15) & 15;

		if ((has_sign && !i) != (digit > 9))
			return true;
	}
	return false;
}

bool dfp_infinity_has_digits(const char *name, const struct isa_case *in)
{
	const bool shifts = starts_with(name, "dscli") || starts_with(name, "dscri");
	const bool quad = (uint32_t)in->insn >> 26 == 63;
	const struct bits v = bits_of(in, in->insn >> (shifts ? 16 : 11) & 31);

	return (shifts || starts_with(name, "ddedpd") || starts_with(name, "diex")) &&
	       is_infinite(v.half[0]) &&
	       (v.half[0] & (quad ? 0x00003fffffffffff : 0x0003ffffffffffff) || v.half[1]);
}

/* Three digits above 7: the two bits on the left can be anything. */
static unsigned __int128 canonical_declets(unsigned __int128 v, unsigned declets)
{
	for (unsigned i = 0; i < declets; i++)
		if ((v >> 10 * i & 0x6e) == 0x6e)
			v &= ~((unsigned __int128)0x300 << 10 * i);
	return v;
}

void dfp_hide_not_canonical(const char *name, const struct isa_case *in, struct isa_case *ours,
			    struct isa_case *theirs)
{
	const bool quad = (uint32_t)in->insn >> 26 == 63;
	uint64_t *left = &theirs->vsr[in->insn >> 21 & 31][1];
	uint64_t *right = &theirs->vsr[(in->insn >> 21 & 31) | 1][1];
	unsigned __int128 v;

	(void)ours;
	if (!starts_with(name, "dscli") && !starts_with(name, "dscri") &&
	    !starts_with(name, "diex"))
		return;
	if (!is_infinite(*left) && !is_nan(*left))
		return;
	*left &= quad ? ~0x01ffc00000000000ull : ~0x01fc000000000000ull;
	if (is_infinite(*left))
		*left &= ~(1ull << 57);
	v = quad ? (unsigned __int128)*left << 64 | *right : *left;
	v = canonical_declets(v, quad ? 11 : 5);
	*left = (uint64_t)(quad ? v >> 64 : v);
	if (quad)
		*right = (uint64_t)v;
}

void dfp_hide_fex(const char *name, const struct isa_case *in, struct isa_case *ours,
		  struct isa_case *theirs)
{
	if (!starts_with(name, "drrnd") || ours->fpscr & FPSCR_FEX || !(in->fpscr & 7))
		return;
	theirs->fpscr &= ~FPSCR_FEX;
	if (in->insn & 1)
		theirs->cr &= ~CR1_FEX | ours->cr;
}

/* QEMU did not notice that the number is too large: it has up to 39 digits. */
void dfp_hide_beyond_128_bits(const char *name, const struct isa_case *in, struct isa_case *ours,
			      struct isa_case *theirs)
{
	const uint64_t bits = FPSCR_FX | FPSCR_VX | FPSCR_VXCVI | FPSCR_XX | FPSCR_FI;
	uint64_t *our = ours->vsr[32 + (in->insn >> 21 & 31)],
		 *their = theirs->vsr[32 + (in->insn >> 21 & 31)];

	if (strcmp(name, "dctfixqq") || theirs->outcome)
		return;
	if (ours->outcome == SIGFPE && in->fpscr & FPSCR_VE) {
		*theirs = *ours;
	} else if (!ours->outcome && ours->fpscr & FPSCR_VXCVI &&
		   our[1] + (our[0] >> 63) == 1ull << 63) {
		memcpy(their, our, 16);
		theirs->fpscr = (theirs->fpscr & ~bits) | (ours->fpscr & bits);
	}
}

/* Rounding up made one digit more, and the exponent too large. */
void dfp_hide_sign_of_nan(const char *name, const struct isa_case *in, struct isa_case *ours,
			  struct isa_case *theirs)
{
	const unsigned t = in->insn >> 21 & 31;

	if (starts_with(name, "drrnd") && ours->vsr[t][1] == 0x7c00000000000000 &&
	    theirs->vsr[t][1] == 0xfc00000000000000)
		theirs->vsr[t][1] = ours->vsr[t][1];
}

void dfp_hide_half_of_pair(const char *name, const struct isa_case *in, struct isa_case *ours,
			   struct isa_case *theirs)
{
	const unsigned t = in->insn >> 21 & 31;

	(void)ours;
	if (strcmp(name, "drdpq") || theirs->vsr[t][1])
		return;
	theirs->vsr[t][1] = theirs->vsr[t + 1][1];
	theirs->vsr[t + 1][1] = 0;
}
