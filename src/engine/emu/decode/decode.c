/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder turns instructions into micro-operations, using the instruction table. A gen_*
 * function translates one instruction. The table's CALL entries become one call of their semantics.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/emu/decode/decode.h"
#include "engine/emu/insn/insn.h"
#include "engine/emu/insn/prefixed.h"
#include "isa/spr.h"

struct decoder {
	const struct uop *first;
	struct uop *next;
	unsigned mode, isa, compat_isa;
	/* The instruction being decoded: its number in the block, its place in the page. */
	unsigned index;
	unsigned offset, next_offset; /* bytes */
	uint64_t prefixed; /* see struct decoded */
	bool threads;
	bool ended;
};

enum facility {
	FACILITY_NONE,
	FACILITY_PRIV,
	FACILITY_FP,
	FACILITY_VEC,
	FACILITY_VSX
};

typedef void gen_fn(struct decoder *d, uint32_t insn);

struct insn_entry {
	const char *name;
	uint32_t value, mask;
	unsigned isa; /* the first version that has it */
	gen_fn *gen; /* NULL: call sem */
	sem_fn *sem;
	enum facility facility;
};

#define GPR(n)		 ((unsigned)(offsetof(struct cpu, gpr) + 8 * (n)))
#define FIELD_OF(member) ((unsigned)offsetof(struct cpu, member))
#define CR(n)		 ((unsigned)(offsetof(struct cpu, cr) + (n)))
#define ZERO		 FIELD_OF(zero)
#define SCRATCH		 FIELD_OF(scratch[0])
#define RA_OR_0(insn)	 (F_RA(insn) ? GPR(F_RA(insn)) : ZERO)

static void emit(struct decoder *d, enum uop_kind kind, unsigned dst, unsigned a, unsigned b,
		 uint64_t imm)
{
	struct uop *u = d->next++;

	u->fn = uop_body[kind];
	u->kind = (uint8_t)kind;
	u->index = (uint8_t)d->index;
	u->d = (uint16_t)dst;
	u->a = (uint16_t)a;
	u->b = (uint16_t)b;
	u->imm = imm;
}
#define EMIT(d, name, dst, a, b, imm) emit(d, UOP_##name, dst, a, b, (uint64_t)(imm))

/* The ending of a block, then its two links and trailer. */
#define END(d, name, dst, a, b, imm)           \
	do {                                   \
		EMIT(d, name, dst, a, b, imm); \
		end_block(d);                  \
	} while (0)

static void end_block(struct decoder *d)
{
	EMIT(d, link, 0, 0, 0, 0);
	EMIT(d, link, 0, 0, 0, 0);
	EMIT(d, trailer, 0, 0, 0, 0);
	d->ended = true;
}

static void emit_call(struct decoder *d, enum facility facility, sem_fn *sem, uint32_t insn)
{
	static const enum uop_kind call[] = {
		[FACILITY_NONE] = UOP_call,    [FACILITY_PRIV] = UOP_call_priv,
		[FACILITY_FP] = UOP_call_fp,   [FACILITY_VEC] = UOP_call_vec,
		[FACILITY_VSX] = UOP_call_vsx,
	};

	emit(d, call[facility], insn & 0xffff, insn >> 16, 0, (uint64_t)(uintptr_t)sem);
}

static void emit_record(struct decoder *d, unsigned reg)
{
	if (d->mode & CODE_32)
		EMIT(d, record32, 0, reg, 0, 0);
	else
		EMIT(d, record, 0, reg, 0, 0);
}

static void record(struct decoder *d, uint32_t insn, unsigned reg)
{
	if (F_REC(insn))
		emit_record(d, reg);
}

/* Follows an instruction that sets CA and CA32: the mode decides which of them CA is. */
static void carry(struct decoder *d)
{
	if (d->mode & CODE_32)
		EMIT(d, carry32, 0, 0, 0, 0);
}

/* ---- fixed point ---- */

#define GEN(name) static void gen_##name(struct decoder *d, uint32_t insn)

GEN(addi)
{
	if (F_RA(insn))
		EMIT(d, addi, GPR(F_RT(insn)), GPR(F_RA(insn)), 0, F_SI(insn));
	else
		EMIT(d, li, GPR(F_RT(insn)), 0, 0, F_SI(insn));
}

GEN(addis)
{
	if (F_RA(insn))
		EMIT(d, addi, GPR(F_RT(insn)), GPR(F_RA(insn)), 0, F_SI(insn) * 65536);
	else
		EMIT(d, li, GPR(F_RT(insn)), 0, 0, F_SI(insn) * 65536);
}

GEN(addpcis)
{
	int64_t value = (int16_t)((insn & 0xffc0) | (insn >> 15 & 0x3e) | (insn & 1));

	EMIT(d, pc, GPR(F_RT(insn)), 0, 0, value * 65536 + d->next_offset);
}

GEN(addic)
{
	EMIT(d, addic, GPR(F_RT(insn)), GPR(F_RA(insn)), 0, F_SI(insn));
	carry(d);
}

GEN(subfic)
{
	EMIT(d, subfic, GPR(F_RT(insn)), GPR(F_RA(insn)), 0, F_SI(insn));
	carry(d);
}

GEN(mulli)
{
	EMIT(d, mulli, GPR(F_RT(insn)), GPR(F_RA(insn)), 0, F_SI(insn));
}

GEN(addic_rec)
{
	gen_addic(d, insn);
	emit_record(d, GPR(F_RT(insn)));
}

/* XO form without OE: RT = RA op RB */
#define GEN_XO(name, uop)	GEN_XO_AND(name, uop, (void)0)
#define GEN_XO_CARRY(name, uop) GEN_XO_AND(name, uop, carry(d))
#define GEN_XO_AND(name, uop, then)                                                 \
	GEN(name)                                                                   \
	{                                                                           \
		EMIT(d, uop, GPR(F_RT(insn)), GPR(F_RA(insn)), GPR(F_RB(insn)), 0); \
		then;                                                               \
		record(d, insn, GPR(F_RT(insn)));                                   \
	}
GEN_XO(add, add)
GEN_XO(subf, subf)
GEN_XO_CARRY(addc, addc)
GEN_XO_CARRY(adde, adde)
GEN_XO_CARRY(subfc, subfc)
GEN_XO_CARRY(subfe, subfe)
GEN_XO(mulld, mulld)
GEN_XO(mullw, mullw)
GEN_XO(mulhdu, mulhdu)
GEN_XO(divd, divd)
GEN_XO(divdu, divdu)
GEN_XO(divw, divw)
GEN_XO(divwu, divwu)

GEN(neg)
{
	EMIT(d, neg, GPR(F_RT(insn)), GPR(F_RA(insn)), 0, 0);
	record(d, insn, GPR(F_RT(insn)));
}

#define GEN_XO_I(name, uop, value)                                        \
	GEN(name)                                                         \
	{                                                                 \
		EMIT(d, uop, GPR(F_RT(insn)), GPR(F_RA(insn)), 0, value); \
		carry(d);                                                 \
		record(d, insn, GPR(F_RT(insn)));                         \
	}
GEN_XO_I(addze, addei, 0)
GEN_XO_I(addme, addei, -1)
GEN_XO_I(subfze, subfei, 0)
GEN_XO_I(subfme, subfei, -1)

/* X form logical: RA = RS op RB */
#define GEN_LOGICAL(name, uop)                                                      \
	GEN(name)                                                                   \
	{                                                                           \
		EMIT(d, uop, GPR(F_RA(insn)), GPR(F_RT(insn)), GPR(F_RB(insn)), 0); \
		record(d, insn, GPR(F_RA(insn)));                                   \
	}
GEN_LOGICAL(and, and)
GEN_LOGICAL(xor, xor)
GEN_LOGICAL(nand, nand)
GEN_LOGICAL(nor, nor)
GEN_LOGICAL(eqv, eqv)
GEN_LOGICAL(andc, andc)
GEN_LOGICAL(orc, orc)
GEN_LOGICAL(slw, slw)
GEN_LOGICAL(srw, srw)
GEN_LOGICAL(sraw, sraw)
GEN_LOGICAL(sld, sld)
GEN_LOGICAL(srd, srd)
GEN_LOGICAL(srad, srad)

#define GEN_UNARY(name)                                                \
	GEN(name)                                                      \
	{                                                              \
		EMIT(d, name, GPR(F_RA(insn)), GPR(F_RT(insn)), 0, 0); \
		record(d, insn, GPR(F_RA(insn)));                      \
	}
GEN_UNARY(extsb)
GEN_UNARY(extsh)
GEN_UNARY(extsw)
GEN_UNARY(cntlzd)
GEN_UNARY(cntlzw)

/*
 * or Rn,Rn,Rn: thread priorities and other hints. Book II, section 3.2. Waiting code announces
 * itself by a low priority or by `yield`. Such a hint ends the turn of a vCPU that has spun for
 * long.
 */
static void gen_hint(struct decoder *d, uint32_t insn)
{
	static const struct {
		uint8_t priority;
		bool waits;
	} hints[32] = { [31] = { 1, true },
			[1] = { 2, true },
			[6] = { 3, true },
			[2] = { 4, false },
			[27] = { 0, true } };
	unsigned n = F_RT(insn);

	if (hints[n].priority)
		EMIT(d, priority, 0, 0, 0, (uint64_t)hints[n].priority << PPR_PRI_SHIFT);
	if (hints[n].waits)
		EMIT(d, relax, 0, 0, 0, 0);
	if (n == 3 || n == 5)
		emit_call(d, FACILITY_NONE, sem_priority, insn);
}

GEN(or)
{
	unsigned rs = F_RT(insn), ra = F_RA(insn), rb = F_RB(insn);

	if (rs == ra && rs == rb && !F_REC(insn)) {
		gen_hint(d, insn);
		return;
	}
	if (rs == rb && rs != ra)
		EMIT(d, mr, GPR(ra), GPR(rs), 0, 0);
	else if (rs != rb)
		EMIT(d, or, GPR(ra), GPR(rs), GPR(rb), 0);
	record(d, insn, GPR(ra));
}

#define GEN_LOGICAL_I(name, uop, value, rec)                                    \
	GEN(name)                                                               \
	{                                                                       \
		uint64_t imm = (value);                                         \
                                                                                \
		if ((rec) || imm || F_RA(insn) != F_RT(insn))                   \
			EMIT(d, uop, GPR(F_RA(insn)), GPR(F_RT(insn)), 0, imm); \
		if (rec)                                                        \
			emit_record(d, GPR(F_RA(insn)));                        \
	}
GEN_LOGICAL_I(andi, andi, insn & 0xffff, true)
GEN_LOGICAL_I(andis, andi, (uint64_t)(insn & 0xffff) << 16, true)
GEN_LOGICAL_I(ori, ori, insn & 0xffff, false)
GEN_LOGICAL_I(oris, ori, (uint64_t)(insn & 0xffff) << 16, false)
GEN_LOGICAL_I(xori, xori, insn & 0xffff, false)
GEN_LOGICAL_I(xoris, xori, (uint64_t)(insn & 0xffff) << 16, false)

GEN(srawi)
{
	EMIT(d, srawi, GPR(F_RA(insn)), GPR(F_RT(insn)), F_RB(insn), 0);
	record(d, insn, GPR(F_RA(insn)));
}

GEN(sradi)
{
	EMIT(d, sradi, GPR(F_RA(insn)), GPR(F_RT(insn)), F_RB(insn) | (insn >> 1 & 1) << 5, 0);
	record(d, insn, GPR(F_RA(insn)));
}

/* Ones from bit mb to bit me, numbered from the left, wrapping around if mb > me. */
static uint64_t mask64(unsigned mb, unsigned me)
{
	uint64_t from = ~0ull >> mb, to = ~0ull << (63 - me);

	return mb <= me ? from & to : from | to;
}

static uint64_t mask_word(uint32_t insn)
{
	return mask64(FIELD(insn, 21, 25) + 32, FIELD(insn, 26, 30) + 32);
}

GEN(rlwinm)
{
	EMIT(d, rotw_and, GPR(F_RA(insn)), GPR(F_RT(insn)), F_RB(insn), mask_word(insn));
	record(d, insn, GPR(F_RA(insn)));
}

GEN(rlwimi)
{
	EMIT(d, rotw_insert, GPR(F_RA(insn)), GPR(F_RT(insn)), F_RB(insn), mask_word(insn));
	record(d, insn, GPR(F_RA(insn)));
}

#define MD_SH(insn) (F_RB(insn) | ((insn) >> 1 & 1) << 5)
#define MD_MB(insn) (FIELD(insn, 21, 25) | ((insn) >> 5 & 1) << 5)

static void gen_rotd(struct decoder *d, uint32_t insn, uint64_t mask)
{
	unsigned sh = MD_SH(insn), ra = GPR(F_RA(insn)), rs = GPR(F_RT(insn));

	if (!sh)
		EMIT(d, andi, ra, rs, 0, mask);
	else if (mask == ~0ull << sh)
		EMIT(d, sldi, ra, rs, sh, 0);
	else if (mask == ~0ull >> (64 - sh))
		EMIT(d, srdi, ra, rs, 64 - sh, 0);
	else
		EMIT(d, rotd_and, ra, rs, sh, mask);
	record(d, insn, ra);
}

GEN(rldicl)
{
	gen_rotd(d, insn, mask64(MD_MB(insn), 63));
}

GEN(rldicr)
{
	gen_rotd(d, insn, mask64(0, MD_MB(insn)));
}

GEN(rldic)
{
	gen_rotd(d, insn, mask64(MD_MB(insn), 63 - MD_SH(insn)));
}

GEN(rldimi)
{
	EMIT(d, rotd_insert, GPR(F_RA(insn)), GPR(F_RT(insn)), MD_SH(insn),
	     mask64(MD_MB(insn), 63 - MD_SH(insn)));
	record(d, insn, GPR(F_RA(insn)));
}

GEN(cmp)
{
	unsigned crf = CR(F_RT(insn) >> 2), a = GPR(F_RA(insn)), b = GPR(F_RB(insn));

	if (insn & 1 << 21)
		EMIT(d, cmpd, crf, a, b, 0);
	else
		EMIT(d, cmpw, crf, a, b, 0);
}

GEN(cmpl)
{
	unsigned crf = CR(F_RT(insn) >> 2), a = GPR(F_RA(insn)), b = GPR(F_RB(insn));

	if (insn & 1 << 21)
		EMIT(d, cmpld, crf, a, b, 0);
	else
		EMIT(d, cmplw, crf, a, b, 0);
}

GEN(cmpi)
{
	unsigned crf = CR(F_RT(insn) >> 2), a = GPR(F_RA(insn));

	if (insn & 1 << 21)
		EMIT(d, cmpdi, crf, a, 0, F_SI(insn));
	else
		EMIT(d, cmpwi, crf, a, 0, F_SI(insn));
}

GEN(cmpli)
{
	unsigned crf = CR(F_RT(insn) >> 2), a = GPR(F_RA(insn));

	if (insn & 1 << 21)
		EMIT(d, cmpldi, crf, a, 0, insn & 0xffff);
	else
		EMIT(d, cmplwi, crf, a, 0, insn & 0xffff);
}

/* Location of CR bit @n: field's offset << 8 | bit in the field. */
static uint64_t cr_bit(unsigned n)
{
	return (uint64_t)CR(n >> 2) << 8 | 8u >> (n & 3);
}

GEN(isel)
{
	EMIT(d, isel, GPR(F_RT(insn)), RA_OR_0(insn), GPR(F_RB(insn)), cr_bit(F_RC(insn)));
}

/* ---- loads and stores ---- */

#define EMIT_ORDER(d, name, dst, a, b, imm)                 \
	do {                                                \
		if ((d)->mode & CODE_LE)                    \
			EMIT(d, name##_le, dst, a, b, imm); \
		else                                        \
			EMIT(d, name##_be, dst, a, b, imm); \
	} while (0)
/* A byte-reversed load or store is an ordinary one in the other byte order. */
#define EMIT_REVERSED(d, name, dst, a, b, imm)              \
	do {                                                \
		if ((d)->mode & CODE_LE)                    \
			EMIT(d, name##_be, dst, a, b, imm); \
		else                                        \
			EMIT(d, name##_le, dst, a, b, imm); \
	} while (0)
#define EMIT_BYTE(d, name, dst, a, b, imm) EMIT(d, name, dst, a, b, imm)

/*
 * With MSR[SF]=0 compute the address separately and cut it to 32 bits; the access then has no
 * displacement.
 */
static unsigned address32(struct decoder *d, unsigned base, unsigned index, int64_t disp)
{
	unsigned ea = FIELD_OF(scratch[1]);

	if (disp)
		EMIT(d, addi, ea, base, 0, disp);
	else
		EMIT(d, add, ea, base, index, 0);
	EMIT(d, andi, ea, ea, 0, 0xffffffff);
	return ea;
}

#define ACCESS_D(emit, uop, base, disp)                                                      \
	do {                                                                                 \
		if (d->mode & CODE_32)                                                       \
			emit(d, uop, GPR(F_RT(insn)), address32(d, base, ZERO, disp), 0, 0); \
		else                                                                         \
			emit(d, uop, GPR(F_RT(insn)), base, 0, disp);                        \
	} while (0)
#define ACCESS_X(emit, uop, base, index)                                                   \
	do {                                                                               \
		if (d->mode & CODE_32)                                                     \
			emit(d, uop, GPR(F_RT(insn)), address32(d, base, index, 0), 0, 0); \
		else                                                                       \
			emit(d, uop##x, GPR(F_RT(insn)), base, index, 0);                  \
	} while (0)

/*
 * Update forms access first, then update RA, so a fault leaves RA alone. A load into RA itself is
 * an invalid form; here RA's update wins, as in the ISA's order of assignments. An update form with
 * RA = 0 is invalid too.
 */
#define GEN_MEMORY(name, uop, emit, disp)                            \
	GEN(name)                                                    \
	{                                                            \
		ACCESS_D(emit, uop, RA_OR_0(insn), disp);            \
	}                                                            \
	GEN(name##x)                                                 \
	{                                                            \
		ACCESS_X(emit, uop, RA_OR_0(insn), GPR(F_RB(insn))); \
	}
#define GEN_UPDATE_X(name, uop, emit, load)                                                   \
	GEN(name)                                                                             \
	{                                                                                     \
		unsigned rb = GPR(F_RB(insn));                                                \
                                                                                              \
		if ((load) && F_RT(insn) == F_RB(insn)) { /* the load overwrites the index */ \
			EMIT(d, mr, SCRATCH, rb, 0, 0);                                       \
			rb = SCRATCH;                                                         \
		}                                                                             \
		ACCESS_X(emit, uop, GPR(F_RA(insn)), rb);                                     \
		EMIT(d, add, GPR(F_RA(insn)), GPR(F_RA(insn)), rb, 0);                        \
	}
#define GEN_UPDATE(name, uop, emit, disp, load)                           \
	GEN(name##u)                                                      \
	{                                                                 \
		ACCESS_D(emit, uop, GPR(F_RA(insn)), disp);               \
		EMIT(d, addi, GPR(F_RA(insn)), GPR(F_RA(insn)), 0, disp); \
	}                                                                 \
	GEN_UPDATE_X(name##ux, uop, emit, load)
#define DISP_D	F_SI(insn)
#define DISP_DS (int64_t)(int16_t)(insn & 0xfffc)
#define LOAD_LIKE(name, uop, emit, disp, load) \
	GEN_MEMORY(name, uop, emit, disp) GEN_UPDATE(name, uop, emit, disp, load)
LOAD_LIKE(lbz, lbz, EMIT_BYTE, DISP_D, true)
LOAD_LIKE(lhz, lhz, EMIT_ORDER, DISP_D, true)
LOAD_LIKE(lha, lha, EMIT_ORDER, DISP_D, true)
LOAD_LIKE(lwz, lwz, EMIT_ORDER, DISP_D, true)
LOAD_LIKE(ld, ld, EMIT_ORDER, DISP_DS, true)
GEN_MEMORY(lwa, lwa, EMIT_ORDER, DISP_DS)
LOAD_LIKE(stb, stb, EMIT_BYTE, DISP_D, false)
LOAD_LIKE(sth, sth, EMIT_ORDER, DISP_D, false)
LOAD_LIKE(stw, stw, EMIT_ORDER, DISP_D, false)
LOAD_LIKE(std, std, EMIT_ORDER, DISP_DS, false)

GEN_UPDATE_X(lwaux, lwa, EMIT_ORDER, true)

#define GEN_REVERSED(name, uop)                                               \
	GEN(name)                                                             \
	{                                                                     \
		ACCESS_X(EMIT_REVERSED, uop, RA_OR_0(insn), GPR(F_RB(insn))); \
	}
GEN_REVERSED(lhbrx, lhz)
GEN_REVERSED(lwbrx, lwz)
GEN_REVERSED(ldbrx, ld)
GEN_REVERSED(sthbrx, sth)
GEN_REVERSED(stwbrx, stw)
GEN_REVERSED(stdbrx, std)

/* ---- prefixed instructions: d->offset is the prefix's ---- */

#define GEN_P(name) static void gen_##name(struct decoder *d, uint32_t prefix, uint32_t insn)
#define ADDRESS	    FIELD_OF(scratch[1])

/* Base register and displacement of the forms 8LS and MLS. */
static unsigned prefixed_base(struct decoder *d, uint32_t prefix, uint32_t insn, int64_t *disp)
{
	*disp = PREFIX_SI(prefix, insn);
	if (!PREFIX_R(prefix))
		return RA_OR_0(insn);
	EMIT(d, pc, ADDRESS, 0, 0, d->offset + *disp);
	*disp = 0;
	return ADDRESS;
}

GEN_P(paddi)
{
	const int64_t si = PREFIX_SI(prefix, insn);

	if (PREFIX_R(prefix))
		EMIT(d, pc, GPR(F_RT(insn)), 0, 0, d->offset + si);
	else if (F_RA(insn))
		EMIT(d, addi, GPR(F_RT(insn)), GPR(F_RA(insn)), 0, si);
	else
		EMIT(d, li, GPR(F_RT(insn)), 0, 0, si);
}

/* Any suffix will do, even those that the ISA calls invalid. */
GEN_P(pnop)
{
	(void)d;
	(void)prefix;
	(void)insn;
}

#define GEN_P_MEMORY(name, uop, emit)                                        \
	GEN_P(name)                                                          \
	{                                                                    \
		int64_t disp;                                                \
		const unsigned base = prefixed_base(d, prefix, insn, &disp); \
                                                                             \
		ACCESS_D(emit, uop, base, disp);                             \
	}
GEN_P_MEMORY(plbz, lbz, EMIT_BYTE)
GEN_P_MEMORY(plhz, lhz, EMIT_ORDER)
GEN_P_MEMORY(plha, lha, EMIT_ORDER)
GEN_P_MEMORY(plwz, lwz, EMIT_ORDER)
GEN_P_MEMORY(plwa, lwa, EMIT_ORDER)
GEN_P_MEMORY(pld, ld, EMIT_ORDER)
GEN_P_MEMORY(pstb, stb, EMIT_BYTE)
GEN_P_MEMORY(psth, sth, EMIT_ORDER)
GEN_P_MEMORY(pstw, stw, EMIT_ORDER)
GEN_P_MEMORY(pstd, std, EMIT_ORDER)

static void emit_address(struct decoder *d, uint32_t prefix, uint32_t insn)
{
	int64_t disp;
	const unsigned base = prefixed_base(d, prefix, insn, &disp);

	if (base != ADDRESS)
		EMIT(d, addi, ADDRESS, base, 0, disp);
	if (d->mode & CODE_32)
		EMIT(d, andi, ADDRESS, ADDRESS, 0, 0xffffffff);
}

/* ---- special registers ---- */

#define SPR_FIELD(insn) (F_RA(insn) | F_RB(insn) << 5)

/*
 * Where struct cpu keeps a register that is plain storage on every processor; 0: it is none. The
 * table of spr.c has the same registers as plain storage.
 */
static unsigned spr_storage(unsigned spr)
{
	switch (spr) {
	case SPR_LR:
		return FIELD_OF(lr);
	case SPR_CTR:
		return FIELD_OF(ctr);
	case SPR_DAR:
		return FIELD_OF(dar);
	case SPR_SRR0:
		return FIELD_OF(srr0);
	case SPR_SRR1:
		return FIELD_OF(srr1);
	case SPR_SPRG0:
	case SPR_SPRG1:
	case SPR_SPRG2:
	case SPR_SPRG3:
		return FIELD_OF(sprg[spr - SPR_SPRG0]);
	case SPR_PPR:
		return FIELD_OF(ppr);
	default:
		return 0;
	}
}

/* Returns the same as spr_storage(). */
static unsigned gen_storage(struct decoder *d, unsigned spr)
{
	const unsigned member = spr_storage(spr);

	if (member && spr & SPR_PRIVILEGED)
		EMIT(d, priv, 0, 0, 0, 0);
	return member;
}

GEN(mfspr)
{
	const unsigned spr = SPR_FIELD(insn), rt = GPR(F_RT(insn));
	const unsigned member = gen_storage(d, spr);

	if (member)
		EMIT(d, mr, rt, member, 0, 0);
	else
		EMIT(d, mfspr, rt, 0, 0, spr);
}

/* SPRs that change translation, the time of interrupts, or what the performance monitor does. */
static bool spr_ends_block(unsigned spr)
{
	return spr == SPR_DEC || spr == SPR_PIDR || spr == SPR_IAMR || spr == SPR_CTRL ||
	       (spr >= SPR_SIER_USER && spr <= SPR_BESCR);
}

GEN(mtspr)
{
	const unsigned spr = SPR_FIELD(insn), rs = GPR(F_RT(insn));
	const unsigned member = gen_storage(d, spr);

	if (member) {
		EMIT(d, mr, member, rs, 0, 0);
		return;
	}
	EMIT(d, mtspr, rs, 0, 0, spr);
	if (spr_ends_block(spr))
		END(d, leave, 0, 0, 0, d->next_offset);
}

GEN(mftb)
{
	EMIT(d, mfspr, GPR(F_RT(insn)), 0, 0, SPR_FIELD(insn));
}

/* ---- branches ---- */

static bool in_page(int64_t offset)
{
	return offset >= 0 && offset < (int64_t)PAGE_BYTES;
}

static void set_lr(struct decoder *d)
{
	EMIT(d, pc, FIELD_OF(lr), 0, 0, d->next_offset);
	if (d->mode & CODE_32)
		EMIT(d, andi, FIELD_OF(lr), FIELD_OF(lr), 0, 0xffffffff);
}

static void absolute(struct decoder *d, int64_t target)
{
	EMIT(d, li, SCRATCH, 0, 0, target);
}

GEN(b)
{
	int64_t li = (int32_t)((insn & 0x03fffffc) << 6) >> 6;
	int64_t target = d->offset + li;

	if (insn & 1)
		set_lr(d);
	if (insn & 2) {
		absolute(d, li);
		END(d, br, SCRATCH, 0, 0, 0);
	} else if (in_page(target)) {
		END(d, b_in, 0, 0, 0, target);
	} else {
		END(d, b_out, 0, 0, 0, target);
	}
}

/* Fuse `compare; branch on its result` inside a page into one micro-operation. */
static bool fuse(struct decoder *d, unsigned crf, unsigned bit, bool set, int64_t target)
{
	struct uop *last = d->next - 1;
	static const struct {
		uint8_t kind;
		bool immediate;
		uint8_t set, clear;
	} pairs[] = {
#define PAIR(name, immediate) \
	{ UOP_##name, immediate, UOP_##name##_bc_set_in, UOP_##name##_bc_clear_in }
		PAIR(cmpdi, true), PAIR(cmpwi, true), PAIR(cmpldi, true), PAIR(cmplwi, true),
		PAIR(cmpd, false), PAIR(cmpw, false), PAIR(cmpld, false), PAIR(cmplw, false),
#undef PAIR
	};

	if (last < d->first || last->index + 1 != (int)d->index || last->d != crf)
		return false;
	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (last->kind != pairs[i].kind)
			continue;
		last->kind = set ? pairs[i].set : pairs[i].clear;
		last->fn = uop_body[last->kind];
		last->index = (uint8_t)d->index;
		if (pairs[i].immediate) {
			last->b = (uint16_t)bit;
			last->imm = last->imm << 16 | (uint64_t)target;
		} else {
			last->imm = (uint64_t)bit << 16 | (uint64_t)target;
		}
		end_block(d);
		return true;
	}
	return false;
}

GEN(bc)
{
	unsigned bo = F_RT(insn), bi = F_RA(insn);
	int64_t bd = (int16_t)(insn & 0xfffc), target = d->offset + bd;
	unsigned crf = CR(bi >> 2), bit = 8u >> (bi & 3);
	bool in;

	if (insn & 2) {
		if (!(bo & 4))
			EMIT(d, dec_ctr, 0, 0, 0, 0);
		EMIT(d, condition, FIELD_OF(scratch[1]), bo, 0, cr_bit(bi));
		if (insn & 1)
			set_lr(d);
		absolute(d, bd);
		END(d, br_nz, SCRATCH, FIELD_OF(scratch[1]), 0, 0);
		return;
	}
	in = in_page(target);
	if ((bo & 0x14) == 0x14) {
		if (insn & 1)
			set_lr(d);
		if (in)
			END(d, b_in, 0, 0, 0, target);
		else
			END(d, b_out, 0, 0, 0, target);
		return;
	}
	if (bo & 4 && in && !(insn & 1) && fuse(d, crf, bit, bo & 8, target))
		return;
	if (insn & 1)
		set_lr(d);
	if (bo & 4) { /* CR only */
		if (bo & 8) {
			if (in)
				END(d, bc_set_in, 0, crf, bit, target);
			else
				END(d, bc_set_out, 0, crf, bit, target);
		} else {
			if (in)
				END(d, bc_clear_in, 0, crf, bit, target);
			else
				END(d, bc_clear_out, 0, crf, bit, target);
		}
		return;
	}
	EMIT(d, dec_ctr, 0, 0, 0, 0);
	unsigned verdict = FIELD_OF(ctr);

	if (d->mode & CODE_32) {
		verdict = FIELD_OF(scratch[1]);
		EMIT(d, andi, verdict, FIELD_OF(ctr), 0, 0xffffffff);
	}
	if (!(bo & 16)) {
		verdict = FIELD_OF(scratch[1]);
		EMIT(d, condition, verdict, bo, 0, cr_bit(bi));
	}
	if (bo & 16 && bo & 2) {
		if (in)
			END(d, bc_z_in, 0, verdict, 0, target);
		else
			END(d, bc_z_out, 0, verdict, 0, target);
	} else {
		if (in)
			END(d, bc_nz_in, 0, verdict, 0, target);
		else
			END(d, bc_nz_out, 0, verdict, 0, target);
	}
}

/* bclr, bcctr, bctar */
static void gen_branch_register(struct decoder *d, uint32_t insn, unsigned reg)
{
	unsigned bo = F_RT(insn), bi = F_RA(insn);
	unsigned target = reg;

	if (d->mode & CODE_32) {
		target = SCRATCH;
		EMIT(d, andi, SCRATCH, reg, 0, 0xffffffff);
	} else if (insn & 1) { /* read the target before LR changes */
		target = SCRATCH;
		EMIT(d, mr, SCRATCH, reg, 0, 0);
	}
	if (!(bo & 4))
		EMIT(d, dec_ctr, 0, 0, 0, 0);
	if ((bo & 0x14) != 0x14 && !(bo & 4))
		EMIT(d, condition, FIELD_OF(scratch[1]), bo, 0, cr_bit(bi));
	if (insn & 1)
		set_lr(d);
	if ((bo & 0x14) == 0x14)
		END(d, br, target, 0, 0, 0);
	else if (!(bo & 4))
		END(d, br_nz, target, FIELD_OF(scratch[1]), 0, 0);
	else if (bo & 8)
		END(d, br_set, target, CR(bi >> 2), 8u >> (bi & 3), 0);
	else
		END(d, br_clear, target, CR(bi >> 2), 8u >> (bi & 3), 0);
}

GEN(bclr)
{
	gen_branch_register(d, insn, FIELD_OF(lr));
}

GEN(bcctr)
{
	gen_branch_register(d, insn, FIELD_OF(ctr));
}

GEN(bctar)
{
	emit_call(d, FACILITY_NONE, sem_need_tar, insn);
	gen_branch_register(d, insn, FIELD_OF(tar));
}

/* ---- instructions that end a block ---- */

GEN(nop)
{
	(void)d;
	(void)insn;
}

static void gen_leave(struct decoder *d, enum facility facility, sem_fn *sem, uint32_t insn)
{
	emit_call(d, facility, sem, insn);
	END(d, leave, 0, 0, 0, d->next_offset);
}

static void gen_fall(struct decoder *d)
{
	if (d->next_offset < PAGE_BYTES)
		END(d, fall_in, 0, 0, 0, d->next_offset);
	else
		END(d, fall_out, 0, 0, 0, d->next_offset);
}

GEN(isync)
{
	if (d->threads)
		emit_call(d, FACILITY_NONE, sem_isync, insn);
	gen_fall(d);
}

/* vCPUs that take turns see one another's stores in order. */
GEN(sync)
{
	const unsigned l = FIELD(insn, 8, 10);

	if (!d->threads)
		return;
	if (l == 2)
		gen_leave(d, FACILITY_NONE, sem_ptesync, insn);
	else
		emit_call(d, FACILITY_NONE, l == 1 ? sem_lwsync : sem_sync, insn);
}

GEN(eieio)
{
	if (d->threads)
		emit_call(d, FACILITY_NONE, sem_lwsync, insn);
}

/* WC of a wait that ends after a short pause. */
#define WAIT_PAUSE_SHORT 2

GEN(wait)
{
	if (FIELD(insn, 9, 10) == WAIT_PAUSE_SHORT)
		emit_call(d, FACILITY_NONE, sem_pause, insn);
	EMIT(d, relax, 0, 0, 0, 0);
}

GEN(mtmsr)
{
	/* EE and RI alone change neither translation nor decoding: stay on the fast path. */
	if (insn & 1 << 16) {
		emit_call(d, FACILITY_PRIV, sem_mtmsr_ee, insn);
		gen_fall(d);
	} else {
		gen_leave(d, FACILITY_PRIV, insn & 1 << 6 ? sem_mtmsrd : sem_mtmsr, insn);
	}
}

GEN(rfid)
{
	emit_call(d, FACILITY_PRIV, sem_rfid, insn);
	END(d, leave_nip, 0, 0, 0, 0);
}

GEN(rfscv)
{
	emit_call(d, FACILITY_PRIV, sem_rfscv, insn);
	END(d, leave_nip, 0, 0, 0, 0);
}

GEN(rfebb)
{
	emit_call(d, FACILITY_NONE, sem_rfebb, insn);
	END(d, leave_nip, 0, 0, 0, 0);
}

GEN(sc)
{
	gen_leave(d, FACILITY_NONE, sem_sc, insn);
}

GEN(scv)
{
	gen_leave(d, FACILITY_NONE, sem_scv, insn);
}

GEN(msgsndp)
{
	gen_leave(d, FACILITY_PRIV, sem_msgsndp, insn);
}

GEN(tlbie)
{
	gen_leave(d, FACILITY_PRIV, sem_tlbie, insn);
}

/* ---- table ---- */

static const struct insn_entry table[] = {
#define INSN(name, value, mask, isa, gen) { #name, value, mask, isa, gen, NULL, FACILITY_NONE },
#define CALL(name, value, mask, isa, facility, sem) \
	{ #name, value, mask, isa, NULL, sem, FACILITY_##facility },
#include "engine/emu/insn/insn.def"
#undef INSN
#undef CALL
};
#define TABLE_SIZE (sizeof(table) / sizeof(table[0]))

struct prefixed_entry {
	const char *name;
	uint32_t prefix_value, prefix_mask, value, mask;
	void (*gen)(struct decoder *d, uint32_t prefix, uint32_t insn); /* NULL: call sem */
	sem_fn *sem;
	enum facility facility;
	bool accesses; /* sem wants an address, not the prefix */
};

static const struct prefixed_entry prefixed_table[] = {
#define P_ROW(name, form, value, mask, gen, sem, facility, accesses) \
	{ #name, PREFIX_##form, value, mask, gen, sem, FACILITY_##facility, accesses },
#define P_INSN(name, form, value, mask, gen) P_ROW(name, form, value, mask, gen, NULL, NONE, false)
#define P_ACCESS(name, form, value, mask, facility, sem) \
	P_ROW(name, form, value, mask, NULL, sem, facility, true)
#define P_CALL(name, form, value, mask, facility, sem) \
	P_ROW(name, form, value, mask, NULL, sem, facility, false)
#include "engine/emu/insn/prefixed.def"
#undef P_INSN
#undef P_ACCESS
#undef P_CALL
};

/*
 * Index: primary opcode and the ten bits of an X form's extended opcode. Each bucket is a run in
 * `candidates`.
 */
#define BUCKETS (64 * 1024)
static uint32_t bucket[BUCKETS + 1];
static uint16_t *candidates;

static unsigned bucket_of(uint32_t insn)
{
	return (insn >> 26) << 10 | (insn >> 1 & 1023);
}

bool decode_init(void)
{
	uint32_t total = 0;

	if (candidates)
		return true;
	for (int fill = 0; fill < 2; fill++) {
		if (fill) {
			for (unsigned b = 0; b < BUCKETS; b++) {
				uint32_t count = bucket[b];

				bucket[b] = total;
				total += count;
			}
			bucket[BUCKETS] = total;
			candidates = calloc(total, sizeof(*candidates));
			if (!candidates)
				return false;
		}
		for (unsigned i = 0; i < TABLE_SIZE; i++) {
			uint32_t mask = table[i].mask >> 1 & 1023,
				 value = table[i].value >> 1 & 1023;
			unsigned primary = table[i].value >> 26;

			for (unsigned xo = 0; xo < 1024; xo++) {
				if ((xo & mask) != value)
					continue;
				if (fill) /* bucket[b] moves on; put back below */
					candidates[bucket[primary << 10 | xo]++] = (uint16_t)i;
				else
					bucket[primary << 10 | xo]++;
			}
		}
	}
	memmove(bucket + 1, bucket, BUCKETS * sizeof(bucket[0]));
	bucket[0] = 0;
	return true;
}

/* @isa: newer instructions don't exist */
static const struct insn_entry *look_up(uint32_t insn, unsigned isa)
{
	unsigned b = bucket_of(insn);

	for (uint32_t i = bucket[b]; i < bucket[b + 1]; i++) {
		const struct insn_entry *entry = &table[candidates[i]];

		if ((insn & entry->mask) == entry->value && entry->isa <= isa)
			return entry;
	}
	return NULL;
}

const char *insn_name(uint32_t insn)
{
	const struct insn_entry *entry = look_up(insn, UINT_MAX);

	return entry ? entry->name : NULL;
}

static const struct prefixed_entry *look_up_prefixed(uint32_t prefix, uint32_t suffix)
{
	for (size_t i = 0; i < sizeof(prefixed_table) / sizeof(prefixed_table[0]); i++) {
		const struct prefixed_entry *entry = &prefixed_table[i];

		if ((prefix & entry->prefix_mask) == entry->prefix_value &&
		    (suffix & entry->mask) == entry->value)
			return entry;
	}
	return NULL;
}

const char *prefixed_name(uint32_t prefix, uint32_t suffix)
{
	const struct prefixed_entry *entry = look_up_prefixed(prefix, suffix);

	return entry ? entry->name : NULL;
}

static void decode_prefixed(struct decoder *d, uint32_t prefix, uint32_t suffix)
{
	const struct prefixed_entry *entry = look_up_prefixed(prefix, suffix);

	/* With R = 1 there is no base register. */
	if (!entry || (PREFIX_R(prefix) && F_RA(suffix))) {
		END(d, illegal, 0, 0, 0, prefix);
	} else if (entry->gen) {
		entry->gen(d, prefix, suffix);
	} else {
		if (entry->accesses)
			emit_address(d, prefix, suffix);
		else
			EMIT(d, li, ADDRESS, 0, 0, prefix);
		emit_call(d, entry->facility, entry->sem, suffix);
	}
}

/* Both words are in @page: its end is a boundary that no prefixed instruction crosses. */
static void decode_prefix(struct decoder *d, const uint8_t *page, uint32_t prefix)
{
	if (d->compat_isa < PREFIX_ISA)
		emit_call(d, FACILITY_NONE, sem_not_compatible, prefix);
	emit_call(d, FACILITY_NONE, sem_need_prefix, prefix);
	if (PREFIX_CROSSES(d->offset)) {
		EMIT(d, pc, ADDRESS, 0, 0, d->offset);
		emit_call(d, FACILITY_NONE, sem_prefix_alignment, prefix);
		END(d, illegal, 0, 0, 0, prefix);
		return;
	}
	d->next_offset += 4;
	d->prefixed |= 1ull << d->index;
	decode_prefixed(d, prefix, decode_word(page + d->offset + 4, d->mode));
}

/*
 * The variants of mffs are new in ISA 3.0, in bits that older processors ignore. Programs use mffsl
 * on any processor: on an older one it is mffs.
 */
#define MFFS	      0xfc00048eu
#define MFFS_MASK     0xfc0007feu
#define MFFS_VARIANTS 0x001f0000u

static bool is_mffs(uint32_t insn)
{
	return (insn & MFFS_MASK) == MFFS;
}

static void decode_insn(struct decoder *d, uint32_t insn)
{
	const struct insn_entry *entry = look_up(insn, d->isa);

	if (!entry && d->isa < 300 && is_mffs(insn))
		entry = look_up(insn & ~MFFS_VARIANTS, d->isa);
	if (entry && entry->isa > d->compat_isa && !is_mffs(insn))
		emit_call(d, FACILITY_NONE, sem_not_compatible, insn);
	if (!entry)
		END(d, illegal, 0, 0, 0, insn);
	else if (entry->gen)
		entry->gen(d, insn);
	else
		emit_call(d, entry->facility, entry->sem, insn);
}

/* The number of words in the block with the next instruction, which begins with @word. */
static unsigned words_with_next(const struct decoder *d, const struct decode_input *input,
				uint32_t word)
{
	const bool two = prefix_has_suffix(word, d->isa, d->next_offset);

	return (d->next_offset - input->offset) / 4 + (two ? 2 : 1);
}

void decode(const struct decode_input *input, struct uop *uops, struct decoded *decoded)
{
	const unsigned max_words = input->max_words ? input->max_words : UINT_MAX;
	struct decoder d = { .first = uops,
			     .next = uops,
			     .mode = input->mode,
			     .isa = input->isa,
			     .compat_isa = input->compat_isa ? input->compat_isa : input->isa,
			     .threads = input->threads,
			     .next_offset = input->offset };
	uint32_t word = decode_word(input->page + input->offset, d.mode);

	while (!d.ended) {
		d.offset = d.next_offset;
		d.next_offset = d.offset + 4;
		if (IS_PREFIX(word) && d.isa >= PREFIX_ISA)
			decode_prefix(&d, input->page, word);
		else
			decode_insn(&d, word);
		if (!d.ended && d.next_offset >= PAGE_BYTES) {
			END(&d, fall_out, 0, 0, 0, PAGE_BYTES);
		} else if (!d.ended) {
			word = decode_word(input->page + d.next_offset, d.mode);
			if (d.index + 1 == input->max_insns ||
			    words_with_next(&d, input, word) > max_words)
				END(&d, fall_in, 0, 0, 0, d.next_offset);
		}
		d.index++;
	}
	decoded->nr_uops = (unsigned)(d.next - uops);
	decoded->nr_insns = (uint8_t)d.index;
	decoded->nr_words = (uint8_t)((d.next_offset - input->offset) / 4);
	decoded->prefixed = d.prefixed;
}
