/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vector facility, Power ISA 3.0B chapter 6, instructions that only move elements, bytes and bits:
 * permute, select, merge, splat, pack, unpack, extract, insert, bit permute.
 */
#include "engine/emu/insn/vector_operands.h"

/* ---- permute and select ---- */

SEM(vsel)
{
	const u128 a = VRA(cpu, insn).q, b = VRB(cpu, insn).q, c = VRC(cpu, insn).q;

	VRT(cpu, insn).q = (b & c) | (a & ~c);
	return 0;
}

SEM(vperm)
{
	const union vsr c = VRC(cpu, insn);
	union vsr source[2], t;

	/* Treat both as one array numbered from the right of VRB: the number is 31 - index. */
	source[0] = VRB(cpu, insn);
	source[1] = VRA(cpu, insn);
	for (unsigned i = 0; i < 16; i++) {
		unsigned from = ~c.b[i] & 31;

		t.b[i] = source[from >> 4].b[VSR_INDEX(16, 15 - (from & 15))];
	}
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vpermr)
{
	const union vsr c = VRC(cpu, insn);
	union vsr source[2], t;

	source[0] = VRB(cpu, insn);
	source[1] = VRA(cpu, insn);
	for (unsigned i = 0; i < 16; i++) {
		unsigned from = c.b[i] & 31;

		t.b[i] = source[from >> 4].b[VSR_INDEX(16, 15 - (from & 15))];
	}
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vpermxor)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn), c = VRC(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 16; i++)
		t.b[i] = VSR_B(a, c.b[i] >> 4) ^ VSR_B(b, c.b[i] & 15);
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vsldoi)
{
	const unsigned shift = 8 * FIELD(insn, 22, 25);
	const u128 a = VRA(cpu, insn).q, b = VRB(cpu, insn).q;

	VRT(cpu, insn).q = shift ? a << shift | b >> (128 - shift) : a;
	return 0;
}

/* ---- merge and splat ---- */

/* Take elements of VRA and VRB in turn, the i-th pair from element @from(i). */
#define MERGE(name, ELEMENT, count, from)                               \
	SEM(name)                                                       \
	{                                                               \
		const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn); \
		union vsr t;                                            \
                                                                        \
		for (unsigned i = 0; i < (count) / 2; i++) {            \
			ELEMENT(t, 2 * i) = ELEMENT(a, from);           \
			ELEMENT(t, 2 * i + 1) = ELEMENT(b, from);       \
		}                                                       \
		VRT(cpu, insn) = t;                                     \
		return 0;                                               \
	}

MERGE(vmrghb, VSR_B, 16, i)
MERGE(vmrghh, VSR_H, 8, i)
MERGE(vmrghw, VSR_W, 4, i)
MERGE(vmrglb, VSR_B, 16, 8 + i)
MERGE(vmrglh, VSR_H, 8, 4 + i)
MERGE(vmrglw, VSR_W, 4, 2 + i)
MERGE(vmrgew, VSR_W, 4, 2 * i)
MERGE(vmrgow, VSR_W, 4, 2 * i + 1)

#define SPLAT(name, member, count, value)                           \
	SEM(name)                                                   \
	{                                                           \
		const __typeof__(cpu->vsr[0].member[0]) v =         \
			(__typeof__(cpu->vsr[0].member[0]))(value); \
		union vsr t;                                        \
                                                                    \
		for (unsigned i = 0; i < (count); i++)              \
			t.member[i] = v;                            \
		VRT(cpu, insn) = t;                                 \
		return 0;                                           \
	}

SPLAT(vspltb, b, 16, VSR_B(VRB(cpu, insn), F_UIM(insn) & 15))
SPLAT(vsplth, h, 8, VSR_H(VRB(cpu, insn), F_UIM(insn) & 7))
SPLAT(vspltw, w, 4, VSR_W(VRB(cpu, insn), F_UIM(insn) & 3))
SPLAT(vspltisb, sb, 16, F_SIM(insn))
SPLAT(vspltish, sh, 8, F_SIM(insn))
SPLAT(vspltisw, sw, 4, F_SIM(insn))

/* ---- pack and unpack ---- */

/* Elements of VRA, then of VRB, at half the width. Saturating forms clamp to [low, high]. */
#define PACK(name, SOURCE, TARGET, count, wide, low, high)                      \
	SEM(name)                                                               \
	{                                                                       \
		const union vsr source[2] = { VRA(cpu, insn), VRB(cpu, insn) }; \
		bool saturated = false;                                         \
		union vsr t;                                                    \
                                                                                \
		for (unsigned i = 0; i < (count); i++) {                        \
			const unsigned half = (count) / 2;                      \
			const wide exact = SOURCE(source[i / half], i % half);  \
			const wide clamped = exact < (low)  ? (low) :           \
					     exact > (high) ? (high) :          \
							      exact;            \
                                                                                \
			saturated |= clamped != exact;                          \
			TARGET(t, i) = (__typeof__(TARGET(t, i)))clamped;       \
		}                                                               \
		VRT(cpu, insn) = t;                                             \
		if (saturated)                                                  \
			cpu->vscr |= VSCR_SAT;                                  \
		return 0;                                                       \
	}

#define PACK_MODULO(name, SOURCE, TARGET, count)                                                   \
	SEM(name)                                                                                  \
	{                                                                                          \
		const union vsr source[2] = { VRA(cpu, insn), VRB(cpu, insn) };                    \
		union vsr t;                                                                       \
                                                                                                   \
		for (unsigned i = 0; i < (count); i++)                                             \
			TARGET(t, i) = (__typeof__(TARGET(t, i)))SOURCE(source[i / ((count) / 2)], \
									i % ((count) / 2));        \
		VRT(cpu, insn) = t;                                                                \
		return 0;                                                                          \
	}

PACK_MODULO(vpkuhum, VSR_H, VSR_B, 16)
PACK_MODULO(vpkuwum, VSR_W, VSR_H, 8)
PACK_MODULO(vpkudum, VSR_D, VSR_W, 4)
PACK(vpkuhus, VSR_H, VSR_B, 16, int, 0, UINT8_MAX)
PACK(vpkuwus, VSR_W, VSR_H, 8, int64_t, 0, UINT16_MAX)
PACK(vpkudus, VSR_D, VSR_W, 4, __int128, 0, UINT32_MAX)
PACK(vpkshus, VSR_SH, VSR_B, 16, int, 0, UINT8_MAX)
PACK(vpkswus, VSR_SW, VSR_H, 8, int, 0, UINT16_MAX)
PACK(vpksdus, VSR_SD, VSR_W, 4, int64_t, 0, UINT32_MAX)
PACK(vpkshss, VSR_SH, VSR_SB, 16, int, INT8_MIN, INT8_MAX)
PACK(vpkswss, VSR_SW, VSR_SH, 8, int, INT16_MIN, INT16_MAX)
PACK(vpksdss, VSR_SD, VSR_SW, 4, int64_t, INT32_MIN, INT32_MAX)

/* 8:8:8:8 pixels to 1:5:5:5. */
SEM(vpkpx)
{
	const union vsr source[2] = { VRA(cpu, insn), VRB(cpu, insn) };
	union vsr t;

	for (unsigned i = 0; i < 8; i++) {
		uint32_t w = VSR_W(source[i / 4], i % 4);

		VSR_H(t, i) = (uint16_t)((w >> 9 & 0xfc00) | (w >> 6 & 0x3e0) | (w >> 3 & 0x1f));
	}
	VRT(cpu, insn) = t;
	return 0;
}

/* 1:5:5:5 pixels to 8:8:8:8: the first bit spread, the others zero-extended. */
static inline uint32_t unpack_pixel(uint16_t h)
{
	return (h & 0x8000 ? 0xff000000 : 0) | (h & 0x7c00u) << 6 | (h & 0x3e0u) << 3 | (h & 0x1fu);
}

/* The left (offset 0) or right half of VRB, each element made twice as wide. */
#define UNPACK(name, SOURCE, TARGET, count, offset, function)             \
	SEM(name)                                                         \
	{                                                                 \
		const union vsr b = VRB(cpu, insn);                       \
		union vsr t;                                              \
                                                                          \
		for (unsigned i = 0; i < (count); i++)                    \
			TARGET(t, i) = function(SOURCE(b, (offset) + i)); \
		VRT(cpu, insn) = t;                                       \
		return 0;                                                 \
	}

UNPACK(vupkhsb, VSR_SB, VSR_SH, 8, 0, )
UNPACK(vupkhsh, VSR_SH, VSR_SW, 4, 0, )
UNPACK(vupkhsw, VSR_SW, VSR_SD, 2, 0, )
UNPACK(vupklsb, VSR_SB, VSR_SH, 8, 8, )
UNPACK(vupklsh, VSR_SH, VSR_SW, 4, 4, )
UNPACK(vupklsw, VSR_SW, VSR_SD, 2, 2, )
UNPACK(vupkhpx, VSR_H, VSR_W, 4, 0, unpack_pixel)
UNPACK(vupklpx, VSR_H, VSR_W, 4, 4, unpack_pixel)

/* ---- extract and insert ---- */

/*
 * @size bytes of VRB from byte @first on, as a number. Past the end it wraps to the register's
 * beginning.
 */
static inline uint64_t extract(const union vsr *b, unsigned first, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v = v << 8 | VSR_B(*b, (first + i) & 15);
	return v;
}

static int extract_to_vector(struct cpu *cpu, uint32_t insn, unsigned size)
{
	uint64_t v = extract(&VRB(cpu, insn), F_UIM(insn) & 15, size);

	VRT(cpu, insn) = vsr_of_doublewords(v, 0);
	return 0;
}

SEM(vextractub)
{
	return extract_to_vector(cpu, insn, 1);
}

SEM(vextractuh)
{
	return extract_to_vector(cpu, insn, 2);
}

SEM(vextractuw)
{
	return extract_to_vector(cpu, insn, 4);
}

SEM(vextractd)
{
	return extract_to_vector(cpu, insn, 8);
}

/* The last @size bytes of doubleword 0 of VRB replace those of VRT from byte UIM on. */
static int insert(struct cpu *cpu, uint32_t insn, unsigned size)
{
	const union vsr b = VRB(cpu, insn);
	union vsr *t = &VRT(cpu, insn);

	for (unsigned i = 0; i < size; i++)
		VSR_B(*t, ((F_UIM(insn) & 15) + i) & 15) = VSR_B(b, 8 - size + i);
	return 0;
}

SEM(vinsertb)
{
	return insert(cpu, insn, 1);
}

SEM(vinserth)
{
	return insert(cpu, insn, 2);
}

SEM(vinsertw)
{
	return insert(cpu, insn, 4);
}

SEM(vinsertd)
{
	return insert(cpu, insn, 8);
}

/* Extract to a GPR. RA gives the place, counted from the left or from the right. */
#define EXTRACT_TO_GPR(letter, size)                                          \
	SEM(vextu##letter##lx)                                                \
	{                                                                     \
		unsigned first = cpu->gpr[F_RA(insn)] & 15;                   \
                                                                              \
		cpu->gpr[F_RT(insn)] = extract(&VRB(cpu, insn), first, size); \
		return 0;                                                     \
	}                                                                     \
	SEM(vextu##letter##rx)                                                \
	{                                                                     \
		unsigned first = 16 - size - (cpu->gpr[F_RA(insn)] & 15);     \
                                                                              \
		cpu->gpr[F_RT(insn)] = extract(&VRB(cpu, insn), first, size); \
		return 0;                                                     \
	}

EXTRACT_TO_GPR(b, 1)
EXTRACT_TO_GPR(h, 2)
EXTRACT_TO_GPR(w, 4)

SEM(vclzlsbb)
{
	const union vsr b = VRB(cpu, insn);
	unsigned n = 0;

	while (n < 16 && !(VSR_B(b, n) & 1))
		n++;
	cpu->gpr[F_RT(insn)] = n;
	return 0;
}

SEM(vctzlsbb)
{
	const union vsr b = VRB(cpu, insn);
	unsigned n = 0;

	while (n < 16 && !(VSR_B(b, 15 - n) & 1))
		n++;
	cpu->gpr[F_RT(insn)] = n;
	return 0;
}

/* ---- bits ---- */

SEM(vbpermq)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);
	uint64_t bits = 0;

	for (unsigned i = 0; i < 16; i++) {
		unsigned from = VSR_B(b, i);

		bits = bits << 1 | (from < 128 ? (uint64_t)(a.q >> (127 - from)) & 1 : 0);
	}
	VRT(cpu, insn) = vsr_of_doublewords(bits, 0);
	return 0;
}

SEM(vbpermd)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 2; i++) {
		uint64_t bits = 0;

		for (unsigned k = 0; k < 8; k++) {
			unsigned from = VSR_B(b, 8 * i + k);

			bits = bits << 1 | (from < 64 ? VSR_D(a, i) >> (63 - from) & 1 : 0);
		}
		VSR_D(t, i) = bits;
	}
	VRT(cpu, insn) = t;
	return 0;
}

/* Transpose each doubleword as a matrix of 8 by 8 bits. */
SEM(vgbbd)
{
	const union vsr b = VRB(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 2; i++) {
		uint64_t v = b.d[i], swap;

		swap = (v ^ v >> 7) & 0x00aa00aa00aa00aaull;
		v ^= swap ^ swap << 7;
		swap = (v ^ v >> 14) & 0x0000cccc0000ccccull;
		v ^= swap ^ swap << 14;
		swap = (v ^ v >> 28) & 0x00000000f0f0f0f0ull;
		v ^= swap ^ swap << 28;
		t.d[i] = v;
	}
	VRT(cpu, insn) = t;
	return 0;
}
