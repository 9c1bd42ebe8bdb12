/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vector-scalar extension, Power ISA 3.0B chapter 7, without arithmetic: storage access, moves from
 * and to GPRs, logic, permutation, sign bits. Floating point is in vsx_fp.c.
 */
#include "engine/emu/fp/fpu.h"
#include "engine/emu/insn/vector_operands.h"

/* Moves between GPRs and one doubleword count as floating point for the lower half. */
static inline int need_fp_or_vec(struct cpu *cpu, unsigned x)
{
	return x < 32 ? need_fp(cpu) : need_vec(cpu);
}

/* ---- whole registers, one 16-byte number in either byte order ---- */

/* DQ-form: TX is bit 28, the displacement a multiple of 16. */
#define F_XT_DQ(insn) (F_RT(insn) | ((insn) >> 3 & 1) << 5)
#define F_DQ(insn)    ((int64_t)(int16_t)((insn)&0xfff0))
#define F_DS(insn)    ((int64_t)(int16_t)((insn)&0xfffc))

SEM(lxv)
{
	const unsigned t = F_XT_DQ(insn);

	if (need_vsx_or_vec(cpu, t))
		return EXCEPTION;
	return cpu_load128(cpu, displaced_ea(cpu, insn, F_DQ(insn)), &cpu->vsr[t].q) ? 0 :
										       EXCEPTION;
}

SEM(stxv)
{
	const unsigned s = F_XT_DQ(insn);

	if (need_vsx_or_vec(cpu, s))
		return EXCEPTION;
	return cpu_store128(cpu, displaced_ea(cpu, insn, F_DQ(insn)), cpu->vsr[s].q) ? 0 :
										       EXCEPTION;
}

SEM(lxvx)
{
	if (need_vsx_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	return cpu_load128(cpu, indexed_ea(cpu, insn), &XT(cpu, insn).q) ? 0 : EXCEPTION;
}

SEM(stxvx)
{
	if (need_vsx_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	return cpu_store128(cpu, indexed_ea(cpu, insn), XT(cpu, insn).q) ? 0 : EXCEPTION;
}

/*
 * ---- whole registers by elements: each is a number in the current byte order, element 0 at the
 * lowest address ----
 */

/*
 * In big-endian order all of these equal one 16-byte number. In little-endian order that number has
 * its elements reversed.
 */
static inline union vsr reverse_doublewords(union vsr v)
{
	return vsr_of_doublewords(VSR_D(v, 1), VSR_D(v, 0));
}

static inline union vsr reverse_words(union vsr v)
{
	union vsr t;

	for (unsigned i = 0; i < 4; i++)
		t.w[i] = v.w[3 - i];
	return t;
}

static inline union vsr reverse_halfwords(union vsr v)
{
	union vsr t;

	for (unsigned i = 0; i < 8; i++)
		t.h[i] = v.h[7 - i];
	return t;
}

static inline union vsr reverse_bytes(union vsr v)
{
	union vsr t;

	t.d[0] = __builtin_bswap64(v.d[1]);
	t.d[1] = __builtin_bswap64(v.d[0]);
	return t;
}

#define ELEMENTS_ACCESS(suffix, reverse, need)                                        \
	SEM(lxv##suffix##x)                                                           \
	{                                                                             \
		union vsr v;                                                          \
                                                                                      \
		if (need || !cpu_load128(cpu, indexed_ea(cpu, insn), &v.q))           \
			return EXCEPTION;                                             \
		XT(cpu, insn) = cpu->msr & MSR_LE ? reverse(v) : v;                   \
		return 0;                                                             \
	}                                                                             \
	SEM(stxv##suffix##x)                                                          \
	{                                                                             \
		union vsr v = XT(cpu, insn);                                          \
                                                                                      \
		if (need)                                                             \
			return EXCEPTION;                                             \
		if (cpu->msr & MSR_LE)                                                \
			v = reverse(v);                                               \
		return cpu_store128(cpu, indexed_ea(cpu, insn), v.q) ? 0 : EXCEPTION; \
	}

ELEMENTS_ACCESS(d2, reverse_doublewords, need_vsx(cpu))
ELEMENTS_ACCESS(w4, reverse_words, need_vsx(cpu))
ELEMENTS_ACCESS(h8, reverse_halfwords, need_vsx_or_vec(cpu, F_XT(insn)))
ELEMENTS_ACCESS(b16, reverse_bytes, need_vsx_or_vec(cpu, F_XT(insn)))

SEM(lxvdsx)
{
	uint64_t v;

	if (!cpu_load64(cpu, indexed_ea(cpu, insn), &v))
		return EXCEPTION;
	XT(cpu, insn) = vsr_of_doublewords(v, v);
	return 0;
}

SEM(lxvwsx)
{
	uint64_t v;

	if (need_vsx_or_vec(cpu, F_XT(insn)) || !cpu_load32(cpu, indexed_ea(cpu, insn), &v))
		return EXCEPTION;
	v |= v << 32;
	XT(cpu, insn) = vsr_of_doublewords(v, v);
	return 0;
}

/* ---- loads and stores with length: byte 0 of RB gives the number of bytes ---- */

static inline unsigned length_operand(const struct cpu *cpu, uint32_t insn)
{
	const uint64_t length = cpu->gpr[F_RB(insn)] >> 56;

	return length < 16 ? (unsigned)length : 16;
}

/* @reversed: the byte at the lowest address is the register's rightmost, not its leftmost. */
static int load_bytes(struct cpu *cpu, uint32_t insn, bool reversed)
{
	const unsigned length = length_operand(cpu, insn);
	union vsr v = { .q = 0 };

	for (unsigned i = 0; i < length; i++) {
		uint64_t byte;

		if (!cpu_load8(cpu, displaced_ea(cpu, insn, i), &byte))
			return EXCEPTION;
		VSR_B(v, reversed ? 15 - i : i) = (uint8_t)byte;
	}
	XT(cpu, insn) = v;
	return 0;
}

/*
 * An interrupt partway leaves the bytes before it stored. They are stored again when the
 * instruction is repeated.
 */
static int store_bytes(struct cpu *cpu, uint32_t insn, bool reversed)
{
	const unsigned length = length_operand(cpu, insn);
	const union vsr v = XT(cpu, insn);

	for (unsigned i = 0; i < length; i++)
		if (!cpu_store8(cpu, displaced_ea(cpu, insn, i), VSR_B(v, reversed ? 15 - i : i)))
			return EXCEPTION;
	return 0;
}

SEM(lxvl)
{
	if (need_vsx_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	if (length_operand(cpu, insn) == 16)
		return cpu_load128(cpu, displaced_ea(cpu, insn, 0), &XT(cpu, insn).q) ? 0 :
											EXCEPTION;
	return load_bytes(cpu, insn, cpu->msr & MSR_LE);
}

SEM(lxvll)
{
	return need_vsx_or_vec(cpu, F_XT(insn)) ? EXCEPTION : load_bytes(cpu, insn, false);
}

SEM(stxvl)
{
	if (need_vsx_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	if (length_operand(cpu, insn) == 16)
		return cpu_store128(cpu, displaced_ea(cpu, insn, 0), XT(cpu, insn).q) ? 0 :
											EXCEPTION;
	return store_bytes(cpu, insn, cpu->msr & MSR_LE);
}

SEM(stxvll)
{
	return need_vsx_or_vec(cpu, F_XT(insn)) ? EXCEPTION : store_bytes(cpu, insn, false);
}

/* ---- scalars: doubleword 0; a load clears doubleword 1 ---- */

#define LOAD_SCALAR(name, bits, address, target, value) \
	SEM(name)                                       \
	{                                               \
		uint64_t v;                             \
                                                        \
		if (!cpu_load##bits(cpu, address, &v))  \
			return EXCEPTION;               \
		target = vsr_of_doublewords(value, 0);  \
		return 0;                               \
	}

#define STORE_SCALAR(name, bits, address, source, value)                     \
	SEM(name)                                                            \
	{                                                                    \
		const uint64_t v = VSR_D(source, 0);                         \
                                                                             \
		return cpu_store##bits(cpu, address, value) ? 0 : EXCEPTION; \
	}

#define INDEXED	  indexed_ea(cpu, insn)
#define DISPLACED displaced_ea(cpu, insn, F_DS(insn))
LOAD_SCALAR(lxsdx, 64, INDEXED, XT(cpu, insn), v)
LOAD_SCALAR(lxsspx, 32, INDEXED, XT(cpu, insn), fp_single_to_double((uint32_t)v))
LOAD_SCALAR(lxsiwax, 32, INDEXED, XT(cpu, insn), (uint64_t)(int32_t)v)
LOAD_SCALAR(lxsiwzx, 32, INDEXED, XT(cpu, insn), v)
LOAD_SCALAR(lxsihzx, 16, INDEXED, XT(cpu, insn), v)
LOAD_SCALAR(lxsibzx, 8, INDEXED, XT(cpu, insn), v)
LOAD_SCALAR(lxsd, 64, DISPLACED, VRT(cpu, insn), v)
LOAD_SCALAR(lxssp, 32, DISPLACED, VRT(cpu, insn), fp_single_to_double((uint32_t)v))
STORE_SCALAR(stxsdx, 64, INDEXED, XT(cpu, insn), v)
STORE_SCALAR(stxsspx, 32, INDEXED, XT(cpu, insn), fp_double_to_single(v))
STORE_SCALAR(stxsiwx, 32, INDEXED, XT(cpu, insn), v)
STORE_SCALAR(stxsihx, 16, INDEXED, XT(cpu, insn), v)
STORE_SCALAR(stxsibx, 8, INDEXED, XT(cpu, insn), v)
STORE_SCALAR(stxsd, 64, DISPLACED, VRT(cpu, insn), v)
STORE_SCALAR(stxssp, 32, DISPLACED, VRT(cpu, insn), fp_double_to_single(v))

/* ---- moves from and to GPRs ---- */

SEM(mfvsrd)
{
	if (need_fp_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	cpu->gpr[F_RA(insn)] = VSR_D(XT(cpu, insn), 0);
	return 0;
}

SEM(mfvsrld)
{
	if (need_vsx_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	cpu->gpr[F_RA(insn)] = VSR_D(XT(cpu, insn), 1);
	return 0;
}

SEM(mfvsrwz)
{
	if (need_fp_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	cpu->gpr[F_RA(insn)] = VSR_W(XT(cpu, insn), 1);
	return 0;
}

SEM(mtvsrd)
{
	if (need_fp_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	XT(cpu, insn) = vsr_of_doublewords(cpu->gpr[F_RA(insn)], 0);
	return 0;
}

SEM(mtvsrwa)
{
	if (need_fp_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	XT(cpu, insn) = vsr_of_doublewords((uint64_t)(int32_t)cpu->gpr[F_RA(insn)], 0);
	return 0;
}

SEM(mtvsrwz)
{
	if (need_fp_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	XT(cpu, insn) = vsr_of_doublewords((uint32_t)cpu->gpr[F_RA(insn)], 0);
	return 0;
}

SEM(mtvsrdd)
{
	if (need_vsx_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	XT(cpu, insn) = vsr_of_doublewords(ra_or_0(cpu, insn), cpu->gpr[F_RB(insn)]);
	return 0;
}

SEM(mtvsrws)
{
	const uint64_t v = (uint32_t)cpu->gpr[F_RA(insn)] * 0x100000001ull;

	if (need_vsx_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	XT(cpu, insn) = vsr_of_doublewords(v, v);
	return 0;
}

/* ---- logic ---- */

#define LOGIC(name, expression)                                      \
	SEM(name)                                                    \
	{                                                            \
		const u128 A = XA(cpu, insn).q, B = XB(cpu, insn).q; \
                                                                     \
		XT(cpu, insn).q = (expression);                      \
		return 0;                                            \
	}

LOGIC(xxland, A &B)
LOGIC(xxlandc, A & ~B)
LOGIC(xxlor, A | B)
LOGIC(xxlorc, A | ~B)
LOGIC(xxlxor, A ^ B)
LOGIC(xxlnor, ~(A | B))
LOGIC(xxlnand, ~(A &B))
LOGIC(xxleqv, ~(A ^ B))

/* ---- permutation ---- */

SEM(xxsel)
{
	const u128 a = XA(cpu, insn).q, b = XB(cpu, insn).q, c = XC(cpu, insn).q;

	XT(cpu, insn).q = (b & c) | (a & ~c);
	return 0;
}

SEM(xxpermdi)
{
	const union vsr a = XA(cpu, insn), b = XB(cpu, insn);

	XT(cpu, insn) =
		vsr_of_doublewords(VSR_D(a, FIELD(insn, 22, 22)), VSR_D(b, FIELD(insn, 23, 23)));
	return 0;
}

SEM(xxsldwi)
{
	const unsigned shift = 32 * FIELD(insn, 22, 23);
	const u128 a = XA(cpu, insn).q, b = XB(cpu, insn).q;

	XT(cpu, insn).q = shift ? a << shift | b >> (128 - shift) : a;
	return 0;
}

static int merge_words(struct cpu *cpu, uint32_t insn, unsigned half)
{
	const uint64_t a = VSR_D(XA(cpu, insn), half), b = VSR_D(XB(cpu, insn), half);

	XT(cpu, insn) =
		vsr_of_doublewords((a & 0xffffffff00000000ull) | b >> 32, a << 32 | (uint32_t)b);
	return 0;
}

SEM(xxmrghw)
{
	return merge_words(cpu, insn, 0);
}

SEM(xxmrglw)
{
	return merge_words(cpu, insn, 1);
}

SEM(xxspltw)
{
	const uint64_t v = VSR_W(XB(cpu, insn), FIELD(insn, 14, 15)) * 0x100000001ull;

	XT(cpu, insn) = vsr_of_doublewords(v, v);
	return 0;
}

SEM(xxspltib)
{
	const uint64_t v = FIELD(insn, 13, 20) * 0x0101010101010101ull;

	if (need_vsx_or_vec(cpu, F_XT(insn)))
		return EXCEPTION;
	XT(cpu, insn) = vsr_of_doublewords(v, v);
	return 0;
}

/*
 * Bytes of XA and XT, 32 numbered from the left, selected by XB. xxpermr numbers them from the
 * right.
 */
static int permute(struct cpu *cpu, uint32_t insn, uint8_t flip)
{
	const union vsr c = XB(cpu, insn);
	union vsr source[2], t;

	source[0] = XA(cpu, insn);
	source[1] = XT(cpu, insn);
	for (unsigned i = 0; i < 16; i++) {
		const unsigned from = (c.b[i] ^ flip) & 31;

		t.b[i] = VSR_B(source[from >> 4], from & 15);
	}
	XT(cpu, insn) = t;
	return 0;
}

SEM(xxperm)
{
	return permute(cpu, insn, 0);
}

SEM(xxpermr)
{
	return permute(cpu, insn, 31);
}

/*
 * Word from byte UIM on. Past the end it wraps to the register's beginning (the ISA leaves this
 * undefined).
 */
SEM(xxextractuw)
{
	const union vsr b = XB(cpu, insn);
	uint64_t v = 0;

	for (unsigned i = 0; i < 4; i++)
		v = v << 8 | VSR_B(b, (FIELD(insn, 12, 15) + i) & 15);
	XT(cpu, insn) = vsr_of_doublewords(v, 0);
	return 0;
}

SEM(xxinsertw)
{
	const union vsr b = XB(cpu, insn);
	union vsr *t = &XT(cpu, insn);

	for (unsigned i = 0; i < 4; i++)
		VSR_B(*t, (FIELD(insn, 12, 15) + i) & 15) = VSR_B(b, 4 + i);
	return 0;
}

SEM(xxbrh)
{
	XT(cpu, insn) = reverse_halfwords(reverse_bytes(XB(cpu, insn)));
	return 0;
}

SEM(xxbrw)
{
	XT(cpu, insn) = reverse_words(reverse_bytes(XB(cpu, insn)));
	return 0;
}

SEM(xxbrd)
{
	XT(cpu, insn) = reverse_doublewords(reverse_bytes(XB(cpu, insn)));
	return 0;
}

SEM(xxbrq)
{
	XT(cpu, insn) = reverse_bytes(XB(cpu, insn));
	return 0;
}

/* ---- sign bits ---- */

#define SIGN_DP 0x8000000000000000ull
#define SIGN_SP 0x8000000080000000ull

#define SIGN_SCALAR(name, expression)                              \
	SEM(name)                                                  \
	{                                                          \
		const uint64_t B = VSR_D(XB(cpu, insn), 0);        \
                                                                   \
		XT(cpu, insn) = vsr_of_doublewords(expression, 0); \
		return 0;                                          \
	}

#define SIGN_VECTOR(name, expression)              \
	SEM(name)                                  \
	{                                          \
		const union vsr b = XB(cpu, insn); \
		union vsr t;                       \
                                                   \
		for (unsigned i = 0; i < 2; i++) { \
			const uint64_t B = b.d[i]; \
                                                   \
			t.d[i] = (expression);     \
		}                                  \
		XT(cpu, insn) = t;                 \
		return 0;                          \
	}

SIGN_SCALAR(xsabsdp, B & ~SIGN_DP)
SIGN_SCALAR(xsnabsdp, B | SIGN_DP)
SIGN_SCALAR(xsnegdp, B ^ SIGN_DP)
SIGN_VECTOR(xvabsdp, B & ~SIGN_DP)
SIGN_VECTOR(xvnabsdp, B | SIGN_DP)
SIGN_VECTOR(xvnegdp, B ^ SIGN_DP)
SIGN_VECTOR(xvabssp, B & ~SIGN_SP)
SIGN_VECTOR(xvnabssp, B | SIGN_SP)
SIGN_VECTOR(xvnegsp, B ^ SIGN_SP)

SEM(xscpsgndp)
{
	const uint64_t a = VSR_D(XA(cpu, insn), 0), b = VSR_D(XB(cpu, insn), 0);

	XT(cpu, insn) = vsr_of_doublewords((a & SIGN_DP) | (b & ~SIGN_DP), 0);
	return 0;
}

static int copy_signs(struct cpu *cpu, uint32_t insn, uint64_t signs)
{
	const union vsr a = XA(cpu, insn), b = XB(cpu, insn);
	union vsr t;

	for (unsigned i = 0; i < 2; i++)
		t.d[i] = (a.d[i] & signs) | (b.d[i] & ~signs);
	XT(cpu, insn) = t;
	return 0;
}

SEM(xvcpsgndp)
{
	return copy_signs(cpu, insn, SIGN_DP);
}

SEM(xvcpsgnsp)
{
	return copy_signs(cpu, insn, SIGN_SP);
}
