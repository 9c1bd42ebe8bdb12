/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vector facility, Power ISA 3.0B chapter 6: storage access, integer arithmetic, compare, logic,
 * rotate and shift, VSCR, and the multiply-adds of primary opcode 4. Permutation is in
 * vmx_permute.c, AES, SHA, carryless products and decimals in vmx_crypto.c, floating
 * point in vmx_fp.c.
 */
#include "engine/emu/insn/vector_operands.h"

/* ---- storage access ---- */

static int load_vector(struct cpu *cpu, uint32_t insn)
{
	return cpu_load128(cpu, indexed_ea(cpu, insn) & ~15ull, &VRT(cpu, insn).q) ? 0 : EXCEPTION;
}

static int store_vector(struct cpu *cpu, uint32_t insn)
{
	return cpu_store128(cpu, indexed_ea(cpu, insn) & ~15ull, VRT(cpu, insn).q) ? 0 : EXCEPTION;
}

SEM(lvx)
{
	return load_vector(cpu, insn);
}

SEM(lvxl)
{
	return load_vector(cpu, insn);
}

SEM(stvx)
{
	return store_vector(cpu, insn);
}

SEM(stvxl)
{
	return store_vector(cpu, insn);
}

/* The address selects the element; the register's other elements stay. */
#define ELEMENT_ACCESS(suffix, bits, ELEMENT)                                           \
	static unsigned element_##suffix(const struct cpu *cpu, uint64_t ea)            \
	{                                                                               \
		unsigned i = (unsigned)(ea & 15) / (bits / 8);                          \
                                                                                        \
		return cpu->msr & MSR_LE ? 128 / bits - 1 - i : i;                      \
	}                                                                               \
	SEM(lve##suffix##x)                                                             \
	{                                                                               \
		uint64_t ea = indexed_ea(cpu, insn) & ~(bits / 8 - 1ull), v;            \
                                                                                        \
		if (!cpu_load##bits(cpu, ea, &v))                                       \
			return EXCEPTION;                                               \
		ELEMENT(VRT(cpu, insn), element_##suffix(cpu, ea)) = (uint##bits##_t)v; \
		return 0;                                                               \
	}                                                                               \
	SEM(stve##suffix##x)                                                            \
	{                                                                               \
		uint64_t ea = indexed_ea(cpu, insn) & ~(bits / 8 - 1ull);               \
		uint64_t v = ELEMENT(VRT(cpu, insn), element_##suffix(cpu, ea));        \
                                                                                        \
		return cpu_store##bits(cpu, ea, v) ? 0 : EXCEPTION;                     \
	}

ELEMENT_ACCESS(b, 8, VSR_B)
ELEMENT_ACCESS(h, 16, VSR_H)
ELEMENT_ACCESS(w, 32, VSR_W)

static int load_for_shift(struct cpu *cpu, uint32_t insn, unsigned first)
{
	union vsr t;

	for (unsigned i = 0; i < 16; i++)
		VSR_B(t, i) = (uint8_t)(first + i);
	VRT(cpu, insn) = t;
	return 0;
}

SEM(lvsl)
{
	return load_for_shift(cpu, insn, indexed_ea(cpu, insn) & 15);
}

SEM(lvsr)
{
	return load_for_shift(cpu, insn, 16 - (indexed_ea(cpu, insn) & 15));
}

/* ---- VSCR ---- */

SEM(mfvscr)
{
	VRT(cpu, insn).q = cpu->vscr;
	return 0;
}

SEM(mtvscr)
{
	cpu->vscr = (uint32_t)VRB(cpu, insn).q & (VSCR_NJ | VSCR_SAT);
	return 0;
}

/* ---- element by element ---- */

/*
 * The lane macros make a function that evaluates an expression in A, B (and the old T) for each
 * element. The type selects the view of the registers: member b, h, w, d (unsigned), sb, sh, sw, sd
 * (signed). They do not depend on element order.
 */
#define LANES(name, member, count, expression)                                             \
	SEM(name)                                                                          \
	{                                                                                  \
		const union vsr va = VRA(cpu, insn), vb = VRB(cpu, insn);                  \
		union vsr vt;                                                              \
                                                                                           \
		for (unsigned i = 0; i < (count); i++) {                                   \
			const __typeof__(va.member[0]) A = va.member[i], B = vb.member[i]; \
                                                                                           \
			vt.member[i] = (__typeof__(vt.member[0]))(expression);             \
		}                                                                          \
		VRT(cpu, insn) = vt;                                                       \
		return 0;                                                                  \
	}

#define LANES_B(name, member, count, expression)                               \
	SEM(name)                                                              \
	{                                                                      \
		const union vsr vb = VRB(cpu, insn);                           \
		union vsr vt;                                                  \
                                                                               \
		for (unsigned i = 0; i < (count); i++) {                       \
			const __typeof__(vb.member[0]) B = vb.member[i];       \
                                                                               \
			vt.member[i] = (__typeof__(vt.member[0]))(expression); \
		}                                                              \
		VRT(cpu, insn) = vt;                                           \
		return 0;                                                      \
	}

/* The exact result in a wider type, saturated to [low, high]. */
#define LANES_SATURATE(name, member, count, wide, low, high, expression)                     \
	SEM(name)                                                                            \
	{                                                                                    \
		const union vsr va = VRA(cpu, insn), vb = VRB(cpu, insn);                    \
		bool saturated = false;                                                      \
		union vsr vt;                                                                \
                                                                                             \
		for (unsigned i = 0; i < (count); i++) {                                     \
			const wide A = va.member[i], B = vb.member[i], exact = (expression); \
			const wide clamped = exact < (low)  ? (low) :                        \
					     exact > (high) ? (high) :                       \
							      exact;                         \
                                                                                             \
			saturated |= clamped != exact;                                       \
			vt.member[i] = (__typeof__(vt.member[0]))clamped;                    \
		}                                                                            \
		VRT(cpu, insn) = vt;                                                         \
		if (saturated)                                                               \
			cpu->vscr |= VSCR_SAT;                                               \
		return 0;                                                                    \
	}

/* Each element becomes all ones or all zeros by a condition. Rc is bit 21 and sets CR6. */
#define F_VECTOR_RC(insn) ((insn)&0x400)
#define LANES_COMPARE(name, member, count, condition)                                       \
	SEM(name)                                                                           \
	{                                                                                   \
		const union vsr va = VRA(cpu, insn), vb = VRB(cpu, insn);                   \
		union vsr vt;                                                               \
                                                                                            \
		for (unsigned i = 0; i < (count); i++) {                                    \
			const __typeof__(va.member[0]) A = va.member[i], B = vb.member[i];  \
                                                                                            \
			vt.member[i] = (__typeof__(vt.member[0]))((condition) ? ~0ull : 0); \
		}                                                                           \
		VRT(cpu, insn) = vt;                                                        \
		if (F_VECTOR_RC(insn))                                                      \
			set_cr6_all_none(cpu, &vt);                                         \
		return 0;                                                                   \
	}

LANES(vaddubm, b, 16, A + B)
LANES(vadduhm, h, 8, A + B)
LANES(vadduwm, w, 4, A + B)
LANES(vaddudm, d, 2, A + B)
LANES(vsububm, b, 16, A - B)
LANES(vsubuhm, h, 8, A - B)
LANES(vsubuwm, w, 4, A - B)
LANES(vsubudm, d, 2, A - B)
LANES(vaddcuw, w, 4, A + B < A)
LANES(vsubcuw, w, 4, A >= B)

LANES_SATURATE(vaddubs, b, 16, int, 0, UINT8_MAX, A + B)
LANES_SATURATE(vadduhs, h, 8, int, 0, UINT16_MAX, A + B)
LANES_SATURATE(vadduws, w, 4, int64_t, 0, UINT32_MAX, A + B)
LANES_SATURATE(vaddsbs, sb, 16, int, INT8_MIN, INT8_MAX, A + B)
LANES_SATURATE(vaddshs, sh, 8, int, INT16_MIN, INT16_MAX, A + B)
LANES_SATURATE(vaddsws, sw, 4, int64_t, INT32_MIN, INT32_MAX, A + B)
LANES_SATURATE(vsububs, b, 16, int, 0, UINT8_MAX, A - B)
LANES_SATURATE(vsubuhs, h, 8, int, 0, UINT16_MAX, A - B)
LANES_SATURATE(vsubuws, w, 4, int64_t, 0, UINT32_MAX, A - B)
LANES_SATURATE(vsubsbs, sb, 16, int, INT8_MIN, INT8_MAX, A - B)
LANES_SATURATE(vsubshs, sh, 8, int, INT16_MIN, INT16_MAX, A - B)
LANES_SATURATE(vsubsws, sw, 4, int64_t, INT32_MIN, INT32_MAX, A - B)

LANES(vavgub, b, 16, (A + B + 1) >> 1)
LANES(vavguh, h, 8, (A + B + 1) >> 1)
LANES(vavguw, w, 4, ((uint64_t)A + B + 1) >> 1)
LANES(vavgsb, sb, 16, (A + B + 1) >> 1)
LANES(vavgsh, sh, 8, (A + B + 1) >> 1)
LANES(vavgsw, sw, 4, ((int64_t)A + B + 1) >> 1)
LANES(vabsdub, b, 16, A > B ? A - B : B - A)
LANES(vabsduh, h, 8, A > B ? A - B : B - A)
LANES(vabsduw, w, 4, A > B ? A - B : B - A)

LANES(vmaxub, b, 16, A > B ? A : B)
LANES(vmaxuh, h, 8, A > B ? A : B)
LANES(vmaxuw, w, 4, A > B ? A : B)
LANES(vmaxud, d, 2, A > B ? A : B)
LANES(vmaxsb, sb, 16, A > B ? A : B)
LANES(vmaxsh, sh, 8, A > B ? A : B)
LANES(vmaxsw, sw, 4, A > B ? A : B)
LANES(vmaxsd, sd, 2, A > B ? A : B)
LANES(vminub, b, 16, A < B ? A : B)
LANES(vminuh, h, 8, A < B ? A : B)
LANES(vminuw, w, 4, A < B ? A : B)
LANES(vminud, d, 2, A < B ? A : B)
LANES(vminsb, sb, 16, A < B ? A : B)
LANES(vminsh, sh, 8, A < B ? A : B)
LANES(vminsw, sw, 4, A < B ? A : B)
LANES(vminsd, sd, 2, A < B ? A : B)

LANES_COMPARE(vcmpequb, b, 16, A == B)
LANES_COMPARE(vcmpequh, h, 8, A == B)
LANES_COMPARE(vcmpequw, w, 4, A == B)
LANES_COMPARE(vcmpequd, d, 2, A == B)
LANES_COMPARE(vcmpneb, b, 16, A != B)
LANES_COMPARE(vcmpneh, h, 8, A != B)
LANES_COMPARE(vcmpnew, w, 4, A != B)
LANES_COMPARE(vcmpnezb, b, 16, A != B || !A || !B)
LANES_COMPARE(vcmpnezh, h, 8, A != B || !A || !B)
LANES_COMPARE(vcmpnezw, w, 4, A != B || !A || !B)
LANES_COMPARE(vcmpgtub, b, 16, A > B)
LANES_COMPARE(vcmpgtuh, h, 8, A > B)
LANES_COMPARE(vcmpgtuw, w, 4, A > B)
LANES_COMPARE(vcmpgtud, d, 2, A > B)
LANES_COMPARE(vcmpgtsb, sb, 16, A > B)
LANES_COMPARE(vcmpgtsh, sh, 8, A > B)
LANES_COMPARE(vcmpgtsw, sw, 4, A > B)
LANES_COMPARE(vcmpgtsd, sd, 2, A > B)

LANES(vand, d, 2, A &B)
LANES(vandc, d, 2, A & ~B)
LANES(vor, d, 2, A | B)
LANES(vorc, d, 2, A | ~B)
LANES(vxor, d, 2, A ^ B)
LANES(vnor, d, 2, ~(A | B))
LANES(vnand, d, 2, ~(A &B))
LANES(veqv, d, 2, ~(A ^ B))

#define ROTATE(value, amount, bits) \
	((value) << ((amount) & (bits - 1)) | (value) >> (-(amount) & (bits - 1)))
LANES(vrlb, b, 16, ROTATE(A, B, 8))
LANES(vrlh, h, 8, ROTATE(A, B, 16))
LANES(vrlw, w, 4, ROTATE(A, B, 32))
LANES(vrld, d, 2, ROTATE(A, B, 64))
LANES(vslb, b, 16, A << (B & 7))
LANES(vslh, h, 8, A << (B & 15))
LANES(vslw, w, 4, A << (B & 31))
LANES(vsld, d, 2, A << (B & 63))
LANES(vsrb, b, 16, A >> (B & 7))
LANES(vsrh, h, 8, A >> (B & 15))
LANES(vsrw, w, 4, A >> (B & 31))
LANES(vsrd, d, 2, A >> (B & 63))
LANES(vsrab, sb, 16, A >> (B & 7))
LANES(vsrah, sh, 8, A >> (B & 15))
LANES(vsraw, sw, 4, A >> (B & 31))
LANES(vsrad, sd, 2, A >> (B & 63))

LANES(vmuluwm, w, 4, A *B)
LANES_B(vnegw, w, 4, -B)
LANES_B(vnegd, d, 2, -B)
LANES_B(vclzb, b, 16, B ? __builtin_clz(B) - 24 : 8)
LANES_B(vclzh, h, 8, B ? __builtin_clz(B) - 16 : 16)
LANES_B(vclzw, w, 4, B ? __builtin_clz(B) : 32)
LANES_B(vclzd, d, 2, B ? __builtin_clzll(B) : 64)
LANES_B(vctzb, b, 16, B ? __builtin_ctz(B) : 8)
LANES_B(vctzh, h, 8, B ? __builtin_ctz(B) : 16)
LANES_B(vctzw, w, 4, B ? __builtin_ctz(B) : 32)
LANES_B(vctzd, d, 2, B ? __builtin_ctzll(B) : 64)
LANES_B(vpopcntb, b, 16, __builtin_popcount(B))
LANES_B(vpopcnth, h, 8, __builtin_popcount(B))
LANES_B(vpopcntw, w, 4, __builtin_popcount(B))
LANES_B(vpopcntd, d, 2, __builtin_popcountll(B))
LANES_B(vextsb2w, sw, 4, (int8_t)B)
LANES_B(vextsh2w, sw, 4, (int16_t)B)
LANES_B(vextsb2d, sd, 2, (int8_t)B)
LANES_B(vextsh2d, sd, 2, (int16_t)B)
LANES_B(vextsw2d, sd, 2, (int32_t)B)
LANES_B(vprtybw, w, 4, __builtin_parity(B & 0x01010101))
LANES_B(vprtybd, d, 2, __builtin_parityll(B & 0x0101010101010101))

SEM(vprtybq)
{
	const union vsr b = VRB(cpu, insn);

	VRT(cpu, insn).q = (u128)__builtin_parityll((b.d[0] ^ b.d[1]) & 0x0101010101010101);
	return 0;
}

/* ---- rotate with mask: the amount and the mask's ends are fields of VRB's element ---- */

/* Ones from bit @begin to bit @end, wrapping around, numbered from the left. */
static inline uint32_t mask32(unsigned begin, unsigned end)
{
	uint32_t from = 0xffffffffu >> begin, to = 0xffffffffu << (31 - end);

	return begin <= end ? from & to : from | to;
}

static inline uint64_t mask64(unsigned begin, unsigned end)
{
	uint64_t from = ~0ull >> begin, to = ~0ull << (63 - end);

	return begin <= end ? from & to : from | to;
}

#define ROTATE_MASK(name, member, count, bits, old)                                    \
	SEM(name)                                                                      \
	{                                                                              \
		const union vsr va = VRA(cpu, insn), vb = VRB(cpu, insn);              \
		union vsr vt = VRT(cpu, insn);                                         \
                                                                                       \
		for (unsigned i = 0; i < (count); i++) {                               \
			const uint##bits##_t A = va.member[i], B = vb.member[i];       \
			const uint##bits##_t mask =                                    \
				mask##bits(B >> 16 & (bits - 1), B >> 8 & (bits - 1)); \
                                                                                       \
			vt.member[i] = (ROTATE(A, B, bits) & mask) | ((old) & ~mask);  \
		}                                                                      \
		VRT(cpu, insn) = vt;                                                   \
		return 0;                                                              \
	}

ROTATE_MASK(vrlwnm, w, 4, 32, 0u)
ROTATE_MASK(vrlwmi, w, 4, 32, vt.w[i])
ROTATE_MASK(vrldnm, d, 2, 64, 0ull)
ROTATE_MASK(vrldmi, d, 2, 64, vt.d[i])

/* ---- the whole register as one number ---- */

#define QUADWORD(name, expression)                                     \
	SEM(name)                                                      \
	{                                                              \
		const u128 A = VRA(cpu, insn).q, B = VRB(cpu, insn).q; \
                                                                       \
		VRT(cpu, insn).q = (expression);                       \
		return 0;                                              \
	}

/* C is the carry in, bit 127 of VRC. */
#define QUADWORD_EXTENDED(name, expression)                                                      \
	SEM(name)                                                                                \
	{                                                                                        \
		const u128 A = VRA(cpu, insn).q, B = VRB(cpu, insn).q, C = VRC(cpu, insn).q & 1; \
                                                                                                 \
		VRT(cpu, insn).q = (expression);                                                 \
		return 0;                                                                        \
	}

static inline u128 carry_out(u128 a, u128 b, u128 carry_in)
{
	u128 sum = a + b;

	return (sum < a) | (sum + carry_in < sum);
}

QUADWORD(vadduqm, A + B)
QUADWORD(vsubuqm, A - B)
QUADWORD(vaddcuq, carry_out(A, B, 0))
QUADWORD(vsubcuq, A >= B)
QUADWORD_EXTENDED(vaddeuqm, A + B + C)
QUADWORD_EXTENDED(vaddecuq, carry_out(A, B, C))
QUADWORD_EXTENDED(vsubeuqm, A + ~B + C)
QUADWORD_EXTENDED(vsubecuq, carry_out(A, ~B, C))

/* Shift amounts: bits 125:127 of VRB count bits, 121:124 octets. */
QUADWORD(vsl, A << (B & 7))
QUADWORD(vsr, A >> (B & 7))
QUADWORD(vslo, A << (B & 0x78))
QUADWORD(vsro, A >> (B & 0x78))

/* The high part of a * 10 + digit. */
static inline u128 times_10_carry(u128 a, unsigned digit)
{
	u128 low = (u128)(uint64_t)a * 10 + digit;

	return ((u128)(uint64_t)(a >> 64) * 10 + (low >> 64)) >> 64;
}

SEM(vmul10uq)
{
	VRT(cpu, insn).q = VRA(cpu, insn).q * 10;
	return 0;
}

SEM(vmul10cuq)
{
	VRT(cpu, insn).q = times_10_carry(VRA(cpu, insn).q, 0);
	return 0;
}

QUADWORD(vmul10euq, A * 10 + (B & 15))
QUADWORD(vmul10ecuq, times_10_carry(A, B & 15))

SEM(vslv)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 16; i++) {
		unsigned pair = VSR_B(a, i) << 8 | (i < 15 ? VSR_B(a, i + 1) : 0);

		VSR_B(t, i) = (uint8_t)(pair << (VSR_B(b, i) & 7) >> 8);
	}
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vsrv)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 16; i++) {
		unsigned pair = (i ? VSR_B(a, i - 1) << 8 : 0) | VSR_B(a, i);

		VSR_B(t, i) = (uint8_t)(pair >> (VSR_B(b, i) & 7));
	}
	VRT(cpu, insn) = t;
	return 0;
}

/* ---- multiplication ---- */

/* Products of the even (offset 0) or odd (offset 1) elements, twice as wide. */
#define MULTIPLY(name, NARROW, WIDE, count, wide, offset)                       \
	SEM(name)                                                               \
	{                                                                       \
		const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);         \
		union vsr t;                                                    \
                                                                                \
		for (unsigned i = 0; i < (count); i++)                          \
			WIDE(t, i) = (wide)((wide)NARROW(a, 2 * i + (offset)) * \
					    (wide)NARROW(b, 2 * i + (offset))); \
		VRT(cpu, insn) = t;                                             \
		return 0;                                                       \
	}

MULTIPLY(vmuleub, VSR_B, VSR_H, 8, unsigned, 0)
MULTIPLY(vmuloub, VSR_B, VSR_H, 8, unsigned, 1)
MULTIPLY(vmulesb, VSR_SB, VSR_SH, 8, int, 0)
MULTIPLY(vmulosb, VSR_SB, VSR_SH, 8, int, 1)
MULTIPLY(vmuleuh, VSR_H, VSR_W, 4, uint32_t, 0)
MULTIPLY(vmulouh, VSR_H, VSR_W, 4, uint32_t, 1)
MULTIPLY(vmulesh, VSR_SH, VSR_SW, 4, int32_t, 0)
MULTIPLY(vmulosh, VSR_SH, VSR_SW, 4, int32_t, 1)
MULTIPLY(vmuleuw, VSR_W, VSR_D, 2, uint64_t, 0)
MULTIPLY(vmulouw, VSR_W, VSR_D, 2, uint64_t, 1)
MULTIPLY(vmulesw, VSR_SW, VSR_SD, 2, int64_t, 0)
MULTIPLY(vmulosw, VSR_SW, VSR_SD, 2, int64_t, 1)

static inline int64_t saturate(int64_t exact, int64_t low, int64_t high, uint32_t *vscr)
{
	if (exact < low || exact > high) {
		*vscr |= VSCR_SAT;
		return exact < low ? low : high;
	}
	return exact;
}

static int multiply_high_add(struct cpu *cpu, uint32_t insn, int32_t rounding)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn), c = VRC(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 8; i++)
		t.sh[i] = (int16_t)saturate(((a.sh[i] * b.sh[i] + rounding) >> 15) + c.sh[i],
					    INT16_MIN, INT16_MAX, &cpu->vscr);
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vmhaddshs)
{
	return multiply_high_add(cpu, insn, 0);
}

SEM(vmhraddshs)
{
	return multiply_high_add(cpu, insn, 1 << 14);
}

SEM(vmladduhm)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn), c = VRC(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 8; i++)
		t.h[i] = (uint16_t)((uint32_t)a.h[i] * b.h[i] + c.h[i]);
	VRT(cpu, insn) = t;
	return 0;
}

/*
 * Each word of VRC plus the products of the bytes or halfwords in that word, modulo or saturated.
 */
#define MULTIPLY_SUM(name, a_member, b_member, c_member, each, finish)                      \
	SEM(name)                                                                           \
	{                                                                                   \
		const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn), c = VRC(cpu, insn); \
		union vsr t;                                                                \
                                                                                            \
		for (unsigned i = 0; i < 4; i++) {                                          \
			int64_t sum = c.c_member[i];                                        \
                                                                                            \
			for (unsigned k = i * (each); k < (i + 1) * (each); k++)            \
				sum += (int64_t)a.a_member[k] * b.b_member[k];              \
			t.w[i] = (uint32_t)(finish);                                        \
		}                                                                           \
		VRT(cpu, insn) = t;                                                         \
		return 0;                                                                   \
	}

MULTIPLY_SUM(vmsumubm, b, b, w, 4, sum)
MULTIPLY_SUM(vmsummbm, sb, b, w, 4, sum)
MULTIPLY_SUM(vmsumuhm, h, h, w, 2, sum)
MULTIPLY_SUM(vmsumshm, sh, sh, sw, 2, sum)
MULTIPLY_SUM(vmsumuhs, h, h, w, 2, saturate(sum, 0, UINT32_MAX, &cpu->vscr))
MULTIPLY_SUM(vmsumshs, sh, sh, sw, 2, saturate(sum, INT32_MIN, INT32_MAX, &cpu->vscr))

SEM(vmsumudm)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);

	VRT(cpu, insn).q = (u128)a.d[0] * b.d[0] + (u128)a.d[1] * b.d[1] + VRC(cpu, insn).q;
	return 0;
}

/* ---- sums across ---- */

#define SUM_ACROSS_4(name, a_member, b_member, each, low, high)                  \
	SEM(name)                                                                \
	{                                                                        \
		const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);          \
		union vsr t;                                                     \
                                                                                 \
		for (unsigned i = 0; i < 4; i++) {                               \
			int64_t sum = b.b_member[i];                             \
                                                                                 \
			for (unsigned k = i * (each); k < (i + 1) * (each); k++) \
				sum += a.a_member[k];                            \
			t.w[i] = (uint32_t)saturate(sum, low, high, &cpu->vscr); \
		}                                                                \
		VRT(cpu, insn) = t;                                              \
		return 0;                                                        \
	}

SUM_ACROSS_4(vsum4ubs, b, w, 4, 0, UINT32_MAX)
SUM_ACROSS_4(vsum4sbs, sb, sw, 4, INT32_MIN, INT32_MAX)
SUM_ACROSS_4(vsum4shs, sh, sw, 2, INT32_MIN, INT32_MAX)

SEM(vsum2sws)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 2; i++) {
		int64_t sum =
			(int64_t)VSR_SW(b, 2 * i + 1) + VSR_SW(a, 2 * i) + VSR_SW(a, 2 * i + 1);

		VSR_D(t, i) = (uint32_t)saturate(sum, INT32_MIN, INT32_MAX, &cpu->vscr);
	}
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vsumsws)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);
	int64_t sum = (int64_t)VSR_SW(b, 3) + a.sw[0] + a.sw[1] + a.sw[2] + a.sw[3];

	VRT(cpu, insn).q = (uint32_t)saturate(sum, INT32_MIN, INT32_MAX, &cpu->vscr);
	return 0;
}

/* ---- fixed-point multiply-add, of the same form ---- */

SEM(maddhd)
{
	__int128 product = (__int128)(int64_t)cpu->gpr[F_RA(insn)] * (int64_t)cpu->gpr[F_RB(insn)];

	cpu->gpr[F_RT(insn)] = (uint64_t)((product + (int64_t)cpu->gpr[F_RC(insn)]) >> 64);
	return 0;
}

SEM(maddhdu)
{
	u128 product = (u128)cpu->gpr[F_RA(insn)] * cpu->gpr[F_RB(insn)];

	cpu->gpr[F_RT(insn)] = (uint64_t)((product + cpu->gpr[F_RC(insn)]) >> 64);
	return 0;
}

SEM(maddld)
{
	cpu->gpr[F_RT(insn)] = cpu->gpr[F_RA(insn)] * cpu->gpr[F_RB(insn)] + cpu->gpr[F_RC(insn)];
	return 0;
}
