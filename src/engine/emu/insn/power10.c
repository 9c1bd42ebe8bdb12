/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Semantics of what Power ISA 3.1 added to the fixed-point, vector and vector-scalar instructions
 * of one word. Power ISA 3.1, Book I sections 3.3, 6.8 to 6.13 and 7.6.
 */
#include <string.h>

#include "engine/emu/insn/vector_operands.h"

#define RT cpu->gpr[F_RT(insn)]
#define RA cpu->gpr[F_RA(insn)]
#define RB cpu->gpr[F_RB(insn)]

typedef __int128 s128;

/* ---- bytes, bits of the CR ---- */

SEM(brh)
{
	const uint64_t v = RT;

	RA = (v & 0x00ff00ff00ff00ff) << 8 | (v >> 8 & 0x00ff00ff00ff00ff);
	return 0;
}

SEM(brw)
{
	const uint64_t v = __builtin_bswap64(RT);

	RA = v << 32 | v >> 32;
	return 0;
}

SEM(brd)
{
	RA = __builtin_bswap64(RT);
	return 0;
}

static bool cr_bit(const struct cpu *cpu, uint32_t insn)
{
	const unsigned bi = F_RA(insn);

	return cpu->cr[bi >> 2] & 8 >> (bi & 3);
}

SEM(setbc)
{
	RT = cr_bit(cpu, insn);
	return 0;
}

SEM(setbcr)
{
	RT = !cr_bit(cpu, insn);
	return 0;
}

SEM(setnbc)
{
	RT = cr_bit(cpu, insn) ? ~0ull : 0;
	return 0;
}

SEM(setnbcr)
{
	RT = cr_bit(cpu, insn) ? 0 : ~0ull;
	return 0;
}

/* ---- bits under a mask ---- */

/* The bits of @v under @mask, right-justified in their order. */
static uint64_t extract_bits(uint64_t v, uint64_t mask)
{
	uint64_t result = 0;

	for (unsigned n = 0; mask; mask &= mask - 1)
		result |= (v >> __builtin_ctzll(mask) & 1) << n++;
	return result;
}

static uint64_t deposit_bits(uint64_t v, uint64_t mask)
{
	uint64_t result = 0;

	for (; mask; mask &= mask - 1, v >>= 1)
		result |= (v & 1) << __builtin_ctzll(mask);
	return result;
}

/* Bits outside of the mask to the left, the others to the right. */
static uint64_t centrifuge(uint64_t v, uint64_t mask)
{
	const unsigned ones = (unsigned)__builtin_popcountll(mask);
	const uint64_t right = extract_bits(v, mask);

	return ones == 64 ? right : extract_bits(v, ~mask) << ones | right;
}

static uint64_t leading_zeros(uint64_t v, uint64_t mask)
{
	const unsigned ones = (unsigned)__builtin_popcountll(mask);
	const uint64_t bits = extract_bits(v, mask);

	return bits ? ones - (64 - (unsigned)__builtin_clzll(bits)) : ones;
}

static uint64_t trailing_zeros(uint64_t v, uint64_t mask)
{
	const uint64_t bits = extract_bits(v, mask);

	return bits ? (unsigned)__builtin_ctzll(bits) : (unsigned)__builtin_popcountll(mask);
}

/* The same operation on a register and on the doublewords of a vector. */
#define MASKED(name, vector_name, operation)                             \
	SEM(name)                                                        \
	{                                                                \
		RA = operation(RT, RB);                                  \
		return 0;                                                \
	}                                                                \
	SEM(vector_name)                                                 \
	{                                                                \
		const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);  \
                                                                         \
		for (unsigned i = 0; i < 2; i++)                         \
			VRT(cpu, insn).d[i] = operation(a.d[i], b.d[i]); \
		return 0;                                                \
	}
MASKED(pextd, vpextd, extract_bits)
MASKED(pdepd, vpdepd, deposit_bits)
MASKED(cfuged, vcfuged, centrifuge)
MASKED(cntlzdm, vclzdm, leading_zeros)
MASKED(cnttzdm, vctzdm, trailing_zeros)

/* ---- multiplication and division of elements ---- */

#define ELEMENTS(name, count, member, type, expression)                 \
	SEM(name)                                                       \
	{                                                               \
		const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn); \
		union vsr t;                                            \
                                                                        \
		for (unsigned i = 0; i < (count); i++) {                \
			const type x = a.member[i], y = b.member[i];    \
                                                                        \
			t.member[i] = expression;                       \
		}                                                       \
		VRT(cpu, insn) = t;                                     \
		return 0;                                               \
	}
ELEMENTS(vmulld, 2, d, uint64_t, x *y)
ELEMENTS(vmulhsw, 4, sw, int64_t, (int32_t)(x *y >> 32))
ELEMENTS(vmulhuw, 4, w, uint64_t, (uint32_t)(x *y >> 32))
ELEMENTS(vmulhsd, 2, sd, s128, (int64_t)(x *y >> 64))
ELEMENTS(vmulhud, 2, d, u128, (uint64_t)(x *y >> 64))

/*
 * A quotient that does not fit and its remainder are undefined: zero here. Operands are wide
 * enough that only a divisor of zero is a special case to C.
 */
static s128 quotient(s128 dividend, s128 divisor, unsigned bits)
{
	const s128 limit = (s128)1 << (bits - 1);
	s128 q;

	if (!divisor || (divisor == -1 && dividend == (s128)((u128)1 << 127)))
		return 0;
	q = dividend / divisor;
	return q < limit && q >= -limit ? q : 0;
}

static u128 unsigned_quotient(u128 dividend, u128 divisor, unsigned bits)
{
	const u128 q = divisor ? dividend / divisor : 0;

	return q >> (bits - 1) >> 1 ? 0 : q;
}

static s128 shifted(s128 v, unsigned bits)
{
	return (s128)((u128)v << bits);
}

ELEMENTS(vdivsw, 4, sw, int64_t, (int32_t)quotient(x, y, 32))
ELEMENTS(vdivuw, 4, w, uint64_t, (uint32_t)unsigned_quotient(x, y, 32))
ELEMENTS(vdivsd, 2, sd, s128, (int64_t)quotient(x, y, 64))
ELEMENTS(vdivud, 2, d, u128, (uint64_t)unsigned_quotient(x, y, 64))
ELEMENTS(vdivesw, 4, sw, s128, (int32_t)quotient(shifted(x, 32), y, 32))
ELEMENTS(vdiveuw, 4, w, u128, (uint32_t)unsigned_quotient(x << 32, y, 32))
ELEMENTS(vdivesd, 2, sd, s128, (int64_t)quotient(shifted(x, 64), y, 64))
ELEMENTS(vdiveud, 2, d, u128, (uint64_t)unsigned_quotient(x << 64, y, 64))
ELEMENTS(vmodsw, 4, sw, int64_t, (int32_t)(y ? x % y : 0))
ELEMENTS(vmoduw, 4, w, uint64_t, (uint32_t)(y ? x % y : 0))
ELEMENTS(vmodsd, 2, sd, s128, (int64_t)(y ? x % y : 0))
ELEMENTS(vmodud, 2, d, u128, (uint64_t)(y ? x % y : 0))

#define WHOLE(name, expression)                                        \
	SEM(name)                                                      \
	{                                                              \
		const u128 x = VRA(cpu, insn).q, y = VRB(cpu, insn).q; \
                                                                       \
		VRT(cpu, insn).q = (u128)(expression);                 \
		return 0;                                              \
	}
#define SMALLEST ((u128)1 << 127)
WHOLE(vdivuq, y ? x / y : 0)
WHOLE(vmoduq, y ? x % y : 0)
WHOLE(vdivsq, !y || (x == SMALLEST && !~y) ? 0 : (s128)x / (s128)y)
WHOLE(vmodsq, !y || (x == SMALLEST && !~y) ? 0 : (s128)x % (s128)y)

/* (dividend << 128) / divisor. A quotient that does not fit is undefined: zero here. */
static u128 extended_quotient(u128 dividend, u128 divisor)
{
	u128 q = 0;

	if (dividend >= divisor)
		return 0;
	for (unsigned i = 0; i < 128; i++) {
		const bool carry = dividend >> 127;

		dividend <<= 1;
		q <<= 1;
		if (carry || dividend >= divisor) {
			dividend -= divisor;
			q |= 1;
		}
	}
	return q;
}

static u128 signed_extended_quotient(s128 dividend, s128 divisor)
{
	const bool negative = (dividend < 0) != (divisor < 0);
	const u128 a = dividend < 0 ? -(u128)dividend : (u128)dividend;
	const u128 b = divisor < 0 ? -(u128)divisor : (u128)divisor;
	const u128 q = extended_quotient(a, b);

	if (q >= SMALLEST + negative)
		return 0;
	return negative ? -q : q;
}

WHOLE(vdiveuq, extended_quotient(x, y))
WHOLE(vdivesq, signed_extended_quotient((s128)x, (s128)y))

#define PRODUCT(name, type, element, wide)                           \
	SEM(name)                                                    \
	{                                                            \
		const type x = (type)VSR_D(VRA(cpu, insn), element); \
		const type y = (type)VSR_D(VRB(cpu, insn), element); \
                                                                     \
		VRT(cpu, insn).q = (u128)((wide)x * y);              \
		return 0;                                            \
	}
PRODUCT(vmulesd, int64_t, 0, s128)
PRODUCT(vmuleud, uint64_t, 0, u128)
PRODUCT(vmulosd, int64_t, 1, s128)
PRODUCT(vmuloud, uint64_t, 1, u128)

/* The carries out of the sum of both products and VRC. */
SEM(vmsumcud)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);
	const u128 first = (u128)a.d[0] * b.d[0], second = (u128)a.d[1] * b.d[1];
	const u128 sum = first + second, c = VRC(cpu, insn).q;

	VRT(cpu, insn).q = (u128)(sum < first) + (sum + c < c);
	return 0;
}

/* ---- whole registers: rotate, shift, compare ---- */

#define COUNT(y) ((unsigned)((y) >> 64) & 127)

static u128 rotated(u128 v, unsigned n)
{
	return n ? v << n | v >> (128 - n) : v;
}

WHOLE(vrlq, rotated(x, COUNT(y)))
WHOLE(vslq, x << COUNT(y))
WHOLE(vsrq, x >> COUNT(y))
WHOLE(vsraq, (s128)x >> COUNT(y))

/* Ones from bit b to bit e of the control in VRB, numbered from the left. */
static u128 mask_of(u128 control)
{
	const unsigned b = (unsigned)(control >> 80) & 127, e = (unsigned)(control >> 72) & 127;
	const u128 from = ~(u128)0 >> b, to = ~(u128)0 << (127 - e);

	return b <= e ? from & to : from | to;
}

WHOLE(vrlqnm, rotated(x, COUNT(y)) & mask_of(y))
WHOLE(vrlqmi, (rotated(x, COUNT(y)) & mask_of(y)) | (VRT(cpu, insn).q & ~mask_of(y)))

#define SHIFT_BIT(insn) FIELD(insn, 23, 25)

WHOLE(vsldbi, SHIFT_BIT(insn) ? x << SHIFT_BIT(insn) | y >> (128 - SHIFT_BIT(insn)) : x)
WHOLE(vsrdbi, SHIFT_BIT(insn) ? y >> SHIFT_BIT(insn) | x << (128 - SHIFT_BIT(insn)) : y)

static int compare_quadwords(struct cpu *cpu, uint32_t insn, bool verdict)
{
	union vsr mask = { .q = verdict ? ~(u128)0 : 0 };

	VRT(cpu, insn) = mask;
	if (insn & 0x400)
		set_cr6_all_none(cpu, &mask);
	return 0;
}

#define COMPARISON(name, type, operator)                                                          \
	SEM(name)                                                                                 \
	{                                                                                         \
		return compare_quadwords(cpu, insn,                                               \
					 (type)VRA(cpu, insn).q operator(type) VRB(cpu, insn).q); \
	}
COMPARISON(vcmpequq, u128, ==)
COMPARISON(vcmpgtuq, u128, >)
COMPARISON(vcmpgtsq, s128, >)

SEM(vcmpuq)
{
	const u128 a = VRA(cpu, insn).q, b = VRB(cpu, insn).q;

	cpu->cr[F_RT(insn) >> 2] = a < b ? CR_LT : a > b ? CR_GT : CR_EQ;
	return 0;
}

SEM(vcmpsq)
{
	const s128 a = (s128)VRA(cpu, insn).q, b = (s128)VRB(cpu, insn).q;

	cpu->cr[F_RT(insn) >> 2] = a < b ? CR_LT : a > b ? CR_GT : CR_EQ;
	return 0;
}

SEM(vextsd2q)
{
	VRT(cpu, insn).q = (u128)(s128)VSR_SD(VRB(cpu, insn), 1);
	return 0;
}

/* ---- bytes of a register ---- */

static unsigned bytes_kept(const struct cpu *cpu, uint32_t insn)
{
	return RB > 15 ? 16 : (unsigned)RB;
}

SEM(vclrlb)
{
	const unsigned n = bytes_kept(cpu, insn);
	const u128 a = VRA(cpu, insn).q;

	VRT(cpu, insn).q = n ? a & ~(u128)0 >> (128 - 8 * n) : 0;
	return 0;
}

SEM(vclrrb)
{
	const unsigned n = bytes_kept(cpu, insn);
	const u128 a = VRA(cpu, insn).q;

	VRT(cpu, insn).q = n ? a & ~(u128)0 << (128 - 8 * n) : 0;
	return 0;
}

/* A string of elements that ends at the first zero, which is looked for from the left or right. */
static int isolate_string(struct cpu *cpu, uint32_t insn, unsigned bytes, bool right)
{
	const u128 b = VRB(cpu, insn).q, ones = ((u128)1 << 8 * bytes) - 1;
	bool found = false;
	u128 kept = 0;

	for (unsigned i = 0; i < 16 / bytes && !found; i++) {
		const unsigned at = 8 * bytes * (right ? i : 16 / bytes - 1 - i);

		found = !(b >> at & ones);
		kept |= b & ones << at;
	}
	VRT(cpu, insn).q = kept;
	if (insn & 0x400)
		cpu->cr[6] = found ? CR_EQ : 0;
	return 0;
}

SEM(vstribl)
{
	return isolate_string(cpu, insn, 1, false);
}

SEM(vstribr)
{
	return isolate_string(cpu, insn, 1, true);
}

SEM(vstrihl)
{
	return isolate_string(cpu, insn, 2, false);
}

SEM(vstrihr)
{
	return isolate_string(cpu, insn, 2, true);
}

/* ---- masks: a bit for each element ---- */

/* @bits: the rightmost one is the rightmost element's */
static u128 expand(uint64_t bits, unsigned bytes)
{
	const u128 ones = bytes == 16 ? ~(u128)0 : ((u128)1 << 8 * bytes) - 1;
	u128 v = 0;

	for (unsigned i = 0; i < 16 / bytes; i++)
		if (bits >> i & 1)
			v |= ones << 8 * bytes * i;
	return v;
}

static uint64_t signs(u128 v, unsigned bytes)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < 16 / bytes; i++)
		bits |= (uint64_t)(v >> (8 * bytes * (i + 1) - 1) & 1) << i;
	return bits;
}

#define MASKS(letter, bytes)                                                      \
	SEM(mtvsr##letter##m)                                                     \
	{                                                                         \
		VRT(cpu, insn).q = expand(RB, bytes);                             \
		return 0;                                                         \
	}                                                                         \
	SEM(vexpand##letter##m)                                                   \
	{                                                                         \
		VRT(cpu, insn).q = expand(signs(VRB(cpu, insn).q, bytes), bytes); \
		return 0;                                                         \
	}                                                                         \
	SEM(vextract##letter##m)                                                  \
	{                                                                         \
		RT = signs(VRB(cpu, insn).q, bytes);                              \
		return 0;                                                         \
	}
MASKS(b, 1)
MASKS(h, 2)
MASKS(w, 4)
MASKS(d, 8)
MASKS(q, 16)

SEM(mtvsrbmi)
{
	VRT(cpu, insn).q = expand((insn & 0xffc0) | F_RA(insn) << 1 | (insn & 1), 1);
	return 0;
}

/* Elements whose sign is MP; the count is in the leftmost bits. */
static int count_signs(struct cpu *cpu, uint32_t insn, unsigned bytes, unsigned shift)
{
	const uint64_t bits = signs(VRB(cpu, insn).q, bytes);
	const unsigned ones = (unsigned)__builtin_popcountll(bits);

	RT = (uint64_t)(insn & 0x10000 ? ones : 16 / bytes - ones) << shift;
	return 0;
}

SEM(vcntmbb)
{
	return count_signs(cpu, insn, 1, 56);
}

SEM(vcntmbh)
{
	return count_signs(cpu, insn, 2, 57);
}

SEM(vcntmbw)
{
	return count_signs(cpu, insn, 4, 58);
}

SEM(vcntmbd)
{
	return count_signs(cpu, insn, 8, 59);
}

/* Every Nth bit from the left. N below 2 is undefined. */
SEM(vgnb)
{
	const unsigned n = F_RA(insn) & 7;
	const u128 b = VRB(cpu, insn).q;
	uint64_t result = 0;

	if (n >= 2)
		for (unsigned i = 0; i * n < 128; i++)
			result |= (uint64_t)(b >> (127 - i * n) & 1) << (63 - i);
	RT = result;
	return 0;
}

/* ---- insert and extract by index ---- */

/* An index that leads past the end is undefined: here the target stays. */
static int insert(struct cpu *cpu, uint32_t insn, uint64_t index, uint64_t value, unsigned bytes,
		  bool right)
{
	const u128 ones = ((u128)1 << 8 * bytes) - 1;
	unsigned at;

	index &= 15;
	if (index > 16 - bytes)
		return 0;
	at = 8 * (unsigned)(right ? index : 16 - bytes - index);
	VRT(cpu, insn).q = (VRT(cpu, insn).q & ~(ones << at)) | (value & ones) << at;
	return 0;
}

#define INSERT(letter, bytes)                                   \
	SEM(vins##letter##lx)                                   \
	{                                                       \
		return insert(cpu, insn, RA, RB, bytes, false); \
	}                                                       \
	SEM(vins##letter##rx)                                   \
	{                                                       \
		return insert(cpu, insn, RA, RB, bytes, true);  \
	}
/* The rightmost element of doubleword 0. */
#define INSERT_VECTOR(letter, bytes)                                                  \
	SEM(vins##letter##vlx)                                                        \
	{                                                                             \
		return insert(cpu, insn, RA, VSR_D(VRB(cpu, insn), 0), bytes, false); \
	}                                                                             \
	SEM(vins##letter##vrx)                                                        \
	{                                                                             \
		return insert(cpu, insn, RA, VSR_D(VRB(cpu, insn), 0), bytes, true);  \
	}
INSERT(b, 1)
INSERT(h, 2)
INSERT(w, 4)
INSERT(d, 8)
INSERT_VECTOR(b, 1)
INSERT_VECTOR(h, 2)
INSERT_VECTOR(w, 4)

SEM(vinsw)
{
	return insert(cpu, insn, F_RA(insn), RB, 4, false);
}

SEM(vinsd)
{
	return insert(cpu, insn, F_RA(insn), RB, 8, false);
}

/* An element of VRA || VRB; past their end bytes are zero (the ISA leaves them undefined). */
static int extract(struct cpu *cpu, uint32_t insn, unsigned bytes, bool right)
{
	const u128 a = VRA(cpu, insn).q, b = VRB(cpu, insn).q;
	const unsigned index = cpu->gpr[F_RC(insn)] & 31;
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++) {
		/* from the left */
		const unsigned at = right ? 32 - bytes - index + i : index + i;
		const u128 v = at < 16 ? a : b;

		value = value << 8 | (at < 32 ? (uint8_t)(v >> 8 * (15 - at % 16)) : 0);
	}
	VRT(cpu, insn) = vsr_of_doublewords(value, 0);
	return 0;
}

#define EXTRACT(name, bytes)                             \
	SEM(name##vlx)                                   \
	{                                                \
		return extract(cpu, insn, bytes, false); \
	}                                                \
	SEM(name##vrx)                                   \
	{                                                \
		return extract(cpu, insn, bytes, true);  \
	}
EXTRACT(vextdub, 1)
EXTRACT(vextduh, 2)
EXTRACT(vextduw, 4)
EXTRACT(vextdd, 8)

/* ---- permute controls: the masked elements among all, or packed ---- */

/*
 * The control for vperm, or with @little for vpermr, whose elements and bytes count from the right.
 * Expanding leaves an element without a mask to the second operand; compressing packs the others.
 */
static int generate_control(struct cpu *cpu, uint32_t insn, unsigned bytes)
{
	const unsigned imm = F_RA(insn), count = 16 / bytes;
	const bool compress = imm & 1, little = imm & 2;
	const uint64_t masks = signs(VRB(cpu, insn).q, bytes);
	union vsr t = { .q = 0 };
	unsigned next = 0;

	if (imm > 3)
		return cpu_illegal(cpu);
	for (unsigned i = 0; i < count; i++) {
		const bool masked = masks >> (little ? i : count - 1 - i) & 1;

		for (unsigned k = 0; k < bytes; k++) {
			const unsigned here = i * bytes + k, packed = next * bytes + k;
			const unsigned at = compress ? packed : here;

			if (masked)
				VSR_B(t, little ? 15 - at : at) =
					(uint8_t)(compress ? here : packed);
			else if (!compress)
				VSR_B(t, little ? 15 - here : here) = (uint8_t)(16 + here);
		}
		next += masked;
	}
	XT(cpu, insn) = t;
	return 0;
}

SEM(xxgenpcvbm)
{
	return generate_control(cpu, insn, 1);
}

SEM(xxgenpcvhm)
{
	return generate_control(cpu, insn, 2);
}

SEM(xxgenpcvwm)
{
	return generate_control(cpu, insn, 4);
}

SEM(xxgenpcvdm)
{
	return generate_control(cpu, insn, 8);
}

/* ---- loads and stores ---- */

#define RIGHTMOST(letter, bits)                                                        \
	SEM(lxvr##letter##x)                                                           \
	{                                                                              \
		uint64_t v;                                                            \
                                                                                       \
		if (!cpu_load##bits(cpu, indexed_ea(cpu, insn), &v))                   \
			return EXCEPTION;                                              \
		XT(cpu, insn).q = v;                                                   \
		return 0;                                                              \
	}                                                                              \
	SEM(stxvr##letter##x)                                                          \
	{                                                                              \
		const uint64_t v = VSR_D(XT(cpu, insn), 1);                            \
                                                                                       \
		return cpu_store##bits(cpu, indexed_ea(cpu, insn), v) ? 0 : EXCEPTION; \
	}
RIGHTMOST(b, 8)
RIGHTMOST(h, 16)
RIGHTMOST(w, 32)
RIGHTMOST(d, 64)

/* The even register of a pair: TX || Tp || 0. */
static unsigned pair(uint32_t insn)
{
	return FIELD(insn, 6, 9) << 1 | FIELD(insn, 10, 10) << 5;
}

/* The pair is one number of 32 bytes. */
int vsx_load_pair(struct cpu *cpu, uint32_t insn, uint64_t ea)
{
	const unsigned le = cpu->msr & MSR_LE ? 1 : 0;
	u128 first, second;

	if (!cpu_load128(cpu, ea, &first) ||
	    !cpu_load128(cpu, effective_address(cpu, ea + 16), &second))
		return EXCEPTION;
	cpu->vsr[pair(insn) + le].q = first;
	cpu->vsr[pair(insn) + 1 - le].q = second;
	return 0;
}

int vsx_store_pair(struct cpu *cpu, uint32_t insn, uint64_t ea)
{
	const unsigned le = cpu->msr & MSR_LE ? 1 : 0;
	const u128 first = cpu->vsr[pair(insn) + le].q, second = cpu->vsr[pair(insn) + 1 - le].q;

	return cpu_store128(cpu, ea, first) &&
			       cpu_store128(cpu, effective_address(cpu, ea + 16), second) ?
		       0 :
		       EXCEPTION;
}

#define DISP_DQ(insn) ((int64_t)(int16_t)((insn)&0xfff0))

SEM(lxvp)
{
	return vsx_load_pair(cpu, insn, displaced_ea(cpu, insn, DISP_DQ(insn)));
}

SEM(stxvp)
{
	return vsx_store_pair(cpu, insn, displaced_ea(cpu, insn, DISP_DQ(insn)));
}

SEM(lxvpx)
{
	return vsx_load_pair(cpu, insn, indexed_ea(cpu, insn));
}

SEM(stxvpx)
{
	return vsx_store_pair(cpu, insn, indexed_ea(cpu, insn));
}

/* Constants of quad precision, by their first 32 bits. */
SEM(lxvkq)
{
	static const uint32_t constants[] = { 0,	  0x3fff0000, 0x40000000, 0x40008000,
					      0x40010000, 0x40014000, 0x40018000, 0x4001c000,
					      0x7fff0000, 0x7fff8000 };
	const unsigned n = F_RB(insn) & 15, negative = F_RB(insn) >> 4;

	if (negative ? n > 8 : !n || n > 9)
		return cpu_illegal(cpu);
	XT(cpu, insn) = vsr_of_doublewords((uint64_t)(constants[n] | negative << 31) << 32, 0);
	return 0;
}

/* Are the last bits of all bytes ones, or zeros? */
SEM(xvtlsbb)
{
	const union vsr b = XB(cpu, insn);
	const uint64_t last = 0x0101010101010101, ones = b.d[0] & b.d[1] & last,
		       any = (b.d[0] | b.d[1]) & last;

	cpu->cr[F_RT(insn) >> 2] = (uint8_t)((ones == last ? CR_LT : 0) | (any ? 0 : CR_EQ));
	return 0;
}
