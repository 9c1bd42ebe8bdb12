/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the two sides may part, and why: known.def lists mnemonics, explanations.def what depends
 * on operands, by functions here and in the other files known_*.c.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compare.h"
#include "known.h"
#include "known_fp.h"

/* Rows of known.def. A list takes the rows of its own kind. */
#define RESERVED(name, bits)
#define IGNORE_FPSCR(name, bits, what, text)
#define IGNORE_CR(name, bits, what, text)
#define SKIP(name, reason, where)
#define ALIAS(name, other)

static const struct {
	const char *name;
	uint32_t bits;
} reserved[] = {
#undef RESERVED
#define RESERVED(name, bits) { #name, bits },
#include "known.def"
#undef RESERVED
#define RESERVED(name, bits)
};

static struct ignored {
	const char *name;
	uint64_t fpscr, cr;
	const char *what, *text;
	uint64_t count;
} ignored[] = {
#undef IGNORE_FPSCR
#undef IGNORE_CR
#define IGNORE_FPSCR(name, bits, what, text) { #name, bits, 0, what, text, 0 },
#define IGNORE_CR(name, bits, what, text)    { #name, 0, bits, what, text, 0 },
#include "known.def"
#undef IGNORE_FPSCR
#undef IGNORE_CR
#define IGNORE_FPSCR(name, bits, what, text)
#define IGNORE_CR(name, bits, what, text)
};

static const struct {
	const char *name, *reason, *where;
} skips[] = {
#undef SKIP
#define SKIP(name, reason, where) { #name, reason, where },
#include "known.def"
#undef SKIP
#define SKIP(name, reason, where)
};

static const struct {
	const char *name, *other;
} aliases[] = {
#undef ALIAS
#define ALIAS(name, other) { #name, #other },
#include "known.def"
};

#define ENTRIES(array) (sizeof(array) / sizeof((array)[0]))

static bool one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

uint32_t known_reserved_bits(const char *name)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < ENTRIES(reserved); i++)
		if (!strcmp(reserved[i].name, name))
			bits |= reserved[i].bits;
	return bits;
}

const char *known_skip(const char *name, bool big_endian, const char **where)
{
	static const char *const multiple[] = { "lmw",	 "stmw",  "lswi", "lswx",
						"stswi", "stswx", NULL };

	if (!big_endian && one_of(name, multiple)) {
		*where = "little-endian: isa_directed_test";
		return "QEMU's user mode dies of the alignment interrupt";
	}
	for (size_t i = 0; i < ENTRIES(skips); i++)
		if (!strcmp(skips[i].name, name)) {
			*where = skips[i].where;
			return skips[i].reason;
		}
	return NULL;
}

bool known_alias(const char *name, const char *other)
{
	for (size_t i = 0; i < ENTRIES(aliases); i++)
		if (!strcmp(aliases[i].name, name) && !strcmp(aliases[i].other, other))
			return true;
	return false;
}

/*
 * The width in bytes of what is extracted or inserted, from the last letter of the mnemonic's stem.
 */
static unsigned bytes_moved(const char *name)
{
	static const char *const halfwords[] = { "vextractuh", "vinserth", "vextuhlx", "vextuhrx",
						 NULL };
	static const char *const words[] = { "vextractuw",  "vinsertw",	 "vextuwlx", "vextuwrx",
					     "xxextractuw", "xxinsertw", NULL };
	static const char *const doublewords[] = { "vextractd", "vinsertd", NULL };

	return one_of(name, halfwords)	 ? 2 :
	       one_of(name, words)	 ? 4 :
	       one_of(name, doublewords) ? 8 :
					   1;
}

/* Elements that would extend past the end of the register: the ISA leaves the result undefined. */
static bool moves_beyond_register(const char *name, const struct isa_case *in)
{
	const unsigned ra = in->insn >> 16 & 31, bytes = bytes_moved(name);
	const bool by_gpr = !strncmp(name, "vextu", 5);

	return bytes > 1 && (by_gpr ? in->gpr[ra] & 15 : ra & 15) > 16 - bytes;
}

/*
 * Bounded and equal increments: an operand pair that crosses a 32-byte boundary takes a data
 * storage interrupt, except in QEMU. For a bounded decrement, QEMU uses the wrong neighbour.
 */
static bool pair_crosses(const char *name, const struct isa_case *in)
{
	const unsigned size = name[1] == 'd' ? 8 : 4, function = in->insn >> 11 & 31;
	const uint64_t ea = in->gpr[in->insn >> 16 & 31] & 31;

	if (strcmp(name, "ldat") && strcmp(name, "lwat"))
		return false;
	return function == 28 || ((function == 24 || function == 25) && ea + 2 * size > 32);
}

/* QEMU writes the target before it has finished with VRB. */
static bool overwrites_operand(const char *name, const struct isa_case *in)
{
	static const char *const names[] = { "bcdcpsgn", "bcdctsq", "bcdsetsgn", NULL };

	return one_of(name, names) && (in->insn >> 21 & 31) == (in->insn >> 11 & 31);
}

/* QEMU treats a length of 65535 digits as 0. */
static bool length_wraps(const char *name, const struct isa_case *in)
{
	return strstr(name, "trunc") && (in->vsr[32 + (in->insn >> 16 & 31)][1] & 0xffff) == 0xffff;
}

/*
 * QEMU gives the sum of two zeros of one sign that sign and two flags, and lets the shift of a zero
 * overflow.
 */
static bool decimal_zeros(const char *name, const struct isa_case *in)
{
	const uint64_t *a = in->vsr[32 + (in->insn >> 16 & 31)],
		       *b = in->vsr[32 + (in->insn >> 11 & 31)];

	if (!strcmp(name, "bcdus"))
		return !b[0] && !b[1];
	return (!strcmp(name, "bcdadd") || !strcmp(name, "bcdsub")) && !((a[0] | b[0]) >> 4) &&
	       !(a[1] | b[1]);
}

static bool quadword_reserved(const char *name, const struct isa_case *in)
{
	return !strcmp(name, "stqcx") && in->nr_words > 1;
}

static bool vrldmi_inserts(const char *name, const struct isa_case *in)
{
	(void)in;
	return !strcmp(name, "vrldmi");
}

static uint64_t *vrt(struct isa_case *c)
{
	return c->vsr[32 + (c->insn >> 21 & 31)];
}

static float lane(const uint64_t *v, unsigned i)
{
	float f;

	memcpy(&f, (const char *)v + 4 * i, sizeof(f));
	return f;
}

/*
 * The ISA bounds the error of these estimates only; both sides are far better than it asks. QEMU's
 * vexptefp is a power series about 0, worthless away from it.
 */
static void hide_estimates(const char *name, const struct isa_case *in, struct isa_case *ours,
			   struct isa_case *theirs)
{
	if (strcmp(name, "vexptefp") && strcmp(name, "vlogefp"))
		return;
	for (unsigned i = 0; i < 4; i++) {
		const float our = lane(vrt(ours), i), their = lane(vrt(theirs), i);
		const float operand = lane(in->vsr[32 + (in->insn >> 11 & 31)], i);

		if (fabsf(our - their) <= fabsf(our) / 4096 ||
		    (!strcmp(name, "vexptefp") && isfinite(operand) && fabsf(operand) > 2))
			memcpy((char *)vrt(theirs) + 4 * i, &our, sizeof(our));
	}
}

#define VSCR_NJ		0x10000
#define SMALLEST_NORMAL 0x00800000u

/* A multiply-add whose exact result is tiny, and is the smallest normal number when rounded. */
static void hide_tiny_lanes(const char *name, const struct isa_case *in, struct isa_case *ours,
			    struct isa_case *theirs)
{
	uint32_t our[4], their[4];

	if ((strcmp(name, "vmaddfp") && strcmp(name, "vnmsubfp")) || !(in->vscr[0] & VSCR_NJ))
		return;
	memcpy(our, vrt(ours), sizeof(our));
	memcpy(their, vrt(theirs), sizeof(their));
	for (unsigned i = 0; i < 4; i++)
		if (!(our[i] << 1) && (their[i] & 0x7fffffff) == SMALLEST_NORMAL)
			their[i] = our[i];
	memcpy(vrt(theirs), their, sizeof(their));
}

#define CR6_EQ 0x20
#define CR6_SO 0x10
#define CR6    0xf0

static void hide_decimal(const char *name, const struct isa_case *in, struct isa_case *ours,
			 struct isa_case *theirs)
{
	static const char *const careless[] = { "bcdadd", "bcdsub", "bcdctn", "bcdctz", NULL };
	static const char *const is_unsigned[] = { "bcdus", "bcdutrunc", NULL };
	static const char *const flags_of_source[] = { "bcds", "bcdsr", "bcdtrunc", NULL };
	const unsigned cr6 = ours->cr & CR6;
	uint64_t hidden = 0;

	(void)in;
	if (strncmp(name, "bcd", 3))
		return;

	/*
	 * An invalid operand, or a number of more than 31 digits: the ISA leaves the result
	 * undefined.
	 */
	if (cr6 == CR6_SO || (cr6 & CR6_SO && !strcmp(name, "bcdcfsq")))
		memcpy(vrt(theirs), vrt(ours), 16);
	/* QEMU accepts some operands without checking every digit. */
	if (cr6 == CR6_SO && one_of(name, careless))
		hidden = CR6;
	/*
	 * QEMU's flags describe the result, the ISA's the source; QEMU even sees a sign in unsigned
	 * numbers.
	 */
	if (one_of(name, is_unsigned) || (one_of(name, flags_of_source) && theirs->cr & CR6_EQ))
		hidden = CR6 & ~CR6_SO;
	ours->cr &= ~hidden;
	theirs->cr &= ~hidden;
}

/*
 * Doubleword 1 of the target is undefined: QEMU keeps the old one, POWER9 and the engine clear it.
 */
static void hide_doubleword_1(const char *name, const struct isa_case *in, struct isa_case *ours,
			      struct isa_case *theirs)
{
	static const char *const scalar_moves[] = { "lxsdx",   "lxsspx",  "lxsiwax", "lxsiwzx",
						    "lxsibzx", "lxsihzx", "mtvsrd",  "mtvsrwa",
						    "mtvsrwz", NULL };
	const unsigned t = (in->insn >> 21 & 31) | (in->insn & 1) << 5;

	if (!one_of(name, scalar_moves))
		return;
	theirs->vsr[t][0] = ours->vsr[t][0];
}

/* ---- fixed point ---- */

/* The result for "cannot convert": 1 << 31 or 1 << 63; QEMU gives -1 << 31 even for doublewords. */
static void hide_not_done(const char *name, const struct isa_case *in, struct isa_case *ours,
			  struct isa_case *theirs)
{
	const unsigned t = in->insn >> 21 & 31, function = in->insn >> 11 & 31;
	const uint64_t not_done = name[1] == 'd' ? 1ull << 63 : 1ull << 31;

	if (strcmp(name, "lwat") && strcmp(name, "ldat"))
		return;
	if (function >= 24 && ours->gpr[t] == not_done && theirs->gpr[t] == 0xffffffff80000000)
		theirs->gpr[t] = not_done;
}

#define CR0_RESULT 0xe0000000u

static bool signed_quotient_overflows(__int128 dividend, __int128 divisor, unsigned bits)
{
	const __int128 limit = (__int128)1 << (bits - 1);

	if (!divisor || (dividend == (__int128)((unsigned __int128)1 << 127) && divisor == -1))
		return true;
	return dividend / divisor >= limit || dividend / divisor < -limit;
}

static bool unsigned_quotient_overflows(unsigned __int128 dividend, unsigned __int128 divisor,
					unsigned bits)
{
	return !divisor || dividend / divisor >> bits;
}

static bool quotient_overflows(const char *name, const struct isa_case *in)
{
	const uint64_t a = in->gpr[in->insn >> 16 & 31], b = in->gpr[in->insn >> 11 & 31];
	const bool word = name[3] == 'w';
	const bool is_unsigned = strchr(name + 3, 'u'), extended = name[0] == 'd' && name[4] == 'e';
	const unsigned bits = word ? 32 : 64;

	if (is_unsigned)
		return unsigned_quotient_overflows((unsigned __int128)(word ? (uint32_t)a : a)
							   << (extended ? bits : 0),
						   word ? (uint32_t)b : b, bits);
	return signed_quotient_overflows(
		(__int128)((unsigned __int128)(__int128)(word ? (int32_t)a : (int64_t)a)
			   << (extended ? bits : 0)),
		word ? (int32_t)b : (int64_t)b, bits);
}

/* (a << 128) / b must be below 2^128, or a half of that. */
static bool extended_quotient_overflows(const uint64_t *a, const uint64_t *b, bool is_unsigned)
{
	unsigned __int128 x = (unsigned __int128)a[1] << 64 | a[0],
			  y = (unsigned __int128)b[1] << 64 | b[0];

	if (is_unsigned)
		return x >= y;
	if (x >> 127)
		x = -x;
	if (y >> 127)
		y = -y;
	return x >> 127 || x << 1 >= y;
}

/* A divisor of zero in some element, or a quotient that does not fit. */
static bool undefined_vector_quotient(const char *name, const struct isa_case *in)
{
	const uint64_t *a = in->vsr[32 + (in->insn >> 16 & 31)],
		       *b = in->vsr[32 + (in->insn >> 11 & 31)];
	const bool word = name[strlen(name) - 1] == 'w', extended = name[4] == 'e';
	const bool is_unsigned = name[strlen(name) - 2] == 'u';

	if (strncmp(name, "vdiv", 4) && strncmp(name, "vmod", 4))
		return false;
	if (name[strlen(name) - 1] == 'q' && extended)
		return extended_quotient_overflows(a, b, is_unsigned);
	if (name[strlen(name) - 1] == 'q')
		return !(b[0] | b[1]) ||
		       (!is_unsigned && !a[0] && a[1] == 1ull << 63 && !~(b[0] & b[1]));
	for (unsigned i = 0; i < (word ? 4 : 2); i++) {
		const unsigned shift = word ? 32 * (i & 1) : 0, bits = word ? 32 : 64;
		const uint64_t x = a[word ? i / 2 : i] >> shift, y = b[word ? i / 2 : i] >> shift;
		const __int128 sx = word ? (int32_t)x : (int64_t)x,
			       sy = word ? (int32_t)y : (int64_t)y;
		const unsigned __int128 ux = word ? (uint32_t)x : x, uy = word ? (uint32_t)y : y;
		const unsigned up = extended ? bits : 0;

		if (is_unsigned ? unsigned_quotient_overflows(ux << up, uy, bits) :
				  signed_quotient_overflows((__int128)((unsigned __int128)sx << up),
							    sy, bits))
			return true;
	}
	return false;
}

static bool extracts_beyond_registers(const char *name, const struct isa_case *in)
{
	static const char letters[] = "bhwd";
	const unsigned index = in->gpr[in->insn >> 6 & 31] & 31;
	const char *end = name + strlen(name) - 4; /* bvlx */

	if (strncmp(name, "vextd", 5) || strchr(name, 'x') == NULL || name[strlen(name) - 3] != 'v')
		return false;
	return index > 32u - (1u << (strchr(letters, *end) - letters));
}

static bool inserts_beyond_register(const char *name, const struct isa_case *in)
{
	static const char letters[] = "bhwd";
	const unsigned ra = in->insn >> 16 & 31;
	const bool by_gpr = name[strlen(name) - 1] == 'x';
	unsigned index;

	if (strncmp(name, "vins", 4) || !strncmp(name, "vinsert", 7))
		return false;
	index = (by_gpr ? in->gpr[ra] : ra) & 15;
	return index > 16u - (1u << (strchr(letters, name[4]) - letters));
}

/*
 * The quotient of an impossible division is undefined, and so is the left half of a 32-bit
 * quotient, with the flags of CR0 that follow from them. QEMU's divdeo lets a quotient of 2^63
 * pass.
 */
static void hide_division(const char *name, const struct isa_case *in, struct isa_case *ours,
			  struct isa_case *theirs)
{
	const unsigned t = in->insn >> 21 & 31;
	bool overflows;

	if (strncmp(name, "div", 3))
		return;
	overflows = quotient_overflows(name, in);
	if (overflows)
		theirs->gpr[t] = ours->gpr[t];
	else if (name[3] == 'w')
		theirs->gpr[t] = (uint32_t)theirs->gpr[t] | (ours->gpr[t] & 0xffffffff00000000);
	if (overflows || name[3] == 'w')
		theirs->cr = (theirs->cr & ~(uint64_t)CR0_RESULT) | (ours->cr & CR0_RESULT);
	if (overflows && !strcmp(name, "divdeo")) {
		theirs->xer = ours->xer;
		theirs->cr = ours->cr;
	}
}

/* Of a vector-scalar instruction, or of one that has VRs: registers 32 and up. */
static unsigned vsx_target(uint32_t w)
{
	return w >> 26 == 60 ? (w >> 21 & 31) | (w & 1) << 5 : 32 + (w >> 21 & 31);
}

static unsigned vsx_first(uint32_t w)
{
	return w >> 26 == 60 ? (w >> 16 & 31) | (w & 4) << 3 : 32 + (w >> 16 & 31);
}

static unsigned vsx_second(uint32_t w)
{
	return w >> 26 == 60 ? (w >> 11 & 31) | (w & 2) << 4 : 32 + (w >> 11 & 31);
}

static bool has_vsrs(uint32_t w)
{
	return w >> 26 == 4 || w >> 26 == 60 || w >> 26 == 63;
}

/*
 * The VSR whose bits are the result where the mask has zeros: the first operand of xxsel and vsel,
 * the target of vrlwmi and vrldmi. -1: the instruction does not select.
 */
static int selects_from(uint32_t w)
{
	if ((w >> 26 == 60 && (w >> 4 & 3) == 3) || (w >> 26 == 4 && (w & 63) == 42))
		return (int)vsx_first(w);
	if (w >> 26 == 4 && ((w & 2047) == 133 || (w & 2047) == 197))
		return (int)vsx_target(w);
	return -1;
}

/* xxleqv, xxlorc, veqv, vorc with equal operands; vspltisb, vspltish, vspltisw, xxspltib with -1 */
static bool makes_ones(uint32_t w)
{
	const unsigned a = w >> 16 & 31, b = w >> 11 & 31;

	if (w >> 26 == 60 && (w >> 1 & 1023) == 360)
		return (w >> 11 & 255) == 255;
	if (w >> 26 == 60)
		return ((w >> 3 & 255) == 186 || (w >> 3 & 255) == 170) && a == b &&
		       (w >> 2 & 1) == (w >> 1 & 1);
	if (w >> 26 != 4)
		return false;
	if ((w & 2047) == 780 || (w & 2047) == 844 || (w & 2047) == 908)
		return a == 31;
	return ((w & 2047) == 1668 || (w & 2047) == 1348) && a == b;
}

/* VSR @t, a target of step @i, and what later steps make of it: each step alone is compared. */
static void hide_vsr(const struct isa_case *in, unsigned i, unsigned t, struct isa_case *ours,
		     struct isa_case *theirs)
{
	bool hidden[64] = { false };

	hidden[t] = true;
	while (++i < in->nr_words) {
		const uint32_t w = (uint32_t)in->words[i];

		if (has_vsrs(w) && (hidden[vsx_first(w)] || hidden[vsx_second(w)]))
			hidden[vsx_target(w)] = true;
	}
	for (unsigned n = 0; n < 64; n++)
		if (hidden[n])
			memcpy(theirs->vsr[n], ours->vsr[n], sizeof(ours->vsr[n]));
}

/* QEMU knows when it translates the selection that this VSR is all ones. */
static void hide_selection(const char *name, const struct isa_case *in, struct isa_case *ours,
			   struct isa_case *theirs)
{
	if (strcmp(name, KNOWN_SEQUENCE))
		return;
	for (unsigned i = 1; i < in->nr_words; i++) {
		const uint32_t select = (uint32_t)in->words[i];

		for (unsigned k = 0; k < i; k++) {
			const uint32_t ones = (uint32_t)in->words[k];
			const unsigned t = vsx_target(select);

			if (makes_ones(ones) && (int)vsx_target(ones) == selects_from(select) &&
			    !~(theirs->vsr[t][0] & theirs->vsr[t][1]))
				hide_vsr(in, i, t, ours, theirs);
		}
	}
}

/* Reserved bits of VSCR, XER and VRSAVE, which the processor does not keep. */
static void hide_reserved(const char *name, const struct isa_case *in, struct isa_case *ours,
			  struct isa_case *theirs)
{
	(void)in;
	(void)ours;
	if (!strcmp(name, "mtvscr"))
		theirs->vscr[0] &= 0x10001;
	if (!strcmp(name, "mtspr")) {
		theirs->xer &= 0xe00c007f;
		theirs->vrsave = (uint32_t)theirs->vrsave;
	}
}

typedef bool differs_fn(const char *name, const struct isa_case *in);
typedef void hide_fn(const char *name, const struct isa_case *in, struct isa_case *ours,
		     struct isa_case *theirs);

/*
 * The explanations. `differs`: nothing of the case is compared. `hide`: makes the two results equal
 * in what the explanation covers.
 */
static struct explanation {
	const char *what, *text;
	differs_fn *differs;
	hide_fn *hide;
	uint64_t count;
} explanations[] = {
#define DIFFERS(what, text, fn) { what, text, fn, NULL, 0 },
#define HIDES(what, text, fn)	{ what, text, NULL, fn, 0 },
#include "explanations.def"
#undef DIFFERS
#undef HIDES
};

static void ignore(const char *name, struct isa_case *ours, struct isa_case *theirs)
{
	for (size_t i = 0; i < ENTRIES(ignored); i++) {
		struct ignored *rule = &ignored[i];

		if (strcmp(rule->name, name))
			continue;
		if ((ours->fpscr ^ theirs->fpscr) & rule->fpscr ||
		    (ours->cr ^ theirs->cr) & rule->cr)
			rule->count++;
		theirs->fpscr = (theirs->fpscr & ~rule->fpscr) | (ours->fpscr & rule->fpscr);
		theirs->cr = (theirs->cr & ~rule->cr) | (ours->cr & rule->cr);
	}
}

bool known_explains(const char *name, const struct isa_case *in, struct isa_case *ours,
		    struct isa_case *theirs)
{
	for (size_t i = 0; i < ENTRIES(explanations); i++)
		if (explanations[i].differs && explanations[i].differs(name, in)) {
			explanations[i].count++;
			*theirs = *ours;
			return true;
		}
	ignore(name, ours, theirs);
	for (size_t i = 0; i < ENTRIES(explanations); i++) {
		struct isa_case our_before, their_before;

		if (!explanations[i].hide)
			continue;
		our_before = *ours;
		their_before = *theirs;
		explanations[i].hide(name, in, ours, theirs);
		if (!same_result(&our_before, ours) || !same_result(&their_before, theirs))
			explanations[i].count++;
	}
	return same_result(ours, theirs);
}

static void print_explanation(const char *what, const char *text, uint64_t count)
{
	if (count)
		printf("# %10llu  %s: %s\n", (unsigned long long)count, what, text);
}

void known_print(void)
{
	for (size_t i = 0; i < ENTRIES(explanations); i++)
		print_explanation(explanations[i].what, explanations[i].text,
				  explanations[i].count);
	for (size_t i = 0; i < ENTRIES(ignored); i++) {
		uint64_t count = ignored[i].count;
		bool printed = false;

		for (size_t k = 0; k < ENTRIES(ignored); k++) {
			if (k == i || strcmp(ignored[k].text, ignored[i].text))
				continue;
			count += ignored[k].count;
			printed |= k < i;
		}
		if (!printed)
			print_explanation(ignored[i].what, ignored[i].text, count);
	}
}
