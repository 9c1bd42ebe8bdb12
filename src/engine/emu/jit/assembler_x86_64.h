/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encodings of x86-64 instructions. This knows no guest and no memory management: bytes go to where
 * `at` is, and the caller leaves room.
 */
#ifndef FWNMI_ENGINE_EMU_JIT_ASSEMBLER_X86_64_H
#define FWNMI_ENGINE_EMU_JIT_ASSEMBLER_X86_64_H

#include <stddef.h>

#include "engine/emu/jit/assembler.h"

enum host_register {
	RAX,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R9,
	R10,
	R11,
	R12,
	R13,
	R14,
	R15
};

/* Conditions, as jcc, setcc and cmovcc number them. */
enum host_condition {
	IF_OVERFLOW,
	IF_NO_OVERFLOW,
	IF_BELOW,
	IF_ABOVE_OR_EQUAL,
	IF_EQUAL,
	IF_NOT_EQUAL,
	IF_BELOW_OR_EQUAL,
	IF_ABOVE,
	IF_SIGN,
	IF_NOT_SIGN,
	IF_PARITY,
	IF_LESS = 12,
	IF_GREATER_OR_EQUAL,
	IF_LESS_OR_EQUAL,
	IF_GREATER
};
#define OPPOSITE(condition) ((enum host_condition)((condition) ^ 1))

/* A register, or a place in memory. */
struct operand {
	enum {
		IN_REGISTER,
		AT_BASE, /* base + disp */
		AT_INDEX, /* base + (index << shift) + disp */
		AT_CODE /* at `code` */
	} kind;
	uint8_t base, index, shift;
	int32_t disp;
	const uint8_t *code;
};

static inline struct operand in_register(unsigned r)
{
	return (struct operand){ .kind = IN_REGISTER, .base = (uint8_t)r };
}

static inline struct operand at_base(unsigned base, int32_t disp)
{
	return (struct operand){ .kind = AT_BASE, .base = (uint8_t)base, .disp = disp };
}

static inline struct operand at_index(unsigned base, unsigned index, unsigned shift, int32_t disp)
{
	return (struct operand){ .kind = AT_INDEX,
				 .base = (uint8_t)base,
				 .index = (uint8_t)index,
				 .shift = (uint8_t)shift,
				 .disp = disp };
}

static inline void put8(struct assembler *a, unsigned v)
{
	*a->at++ = (uint8_t)v;
}

static inline void put64(struct assembler *a, uint64_t v)
{
	memcpy(a->at, &v, sizeof(v));
	a->at += sizeof(v);
}

/* How an instruction is encoded, beside its opcode. */
#define WIDE	  1 /* 64 bits */
#define BYTE_WIDE 2 /* the register operand, or the register that is the other one, is a byte */
#define PREFIX_66 4
#define PREFIX_F3 8
#define OPCODE_0F 0x0f00 /* added to the opcode */

static inline void put_operand(struct assembler *a, unsigned reg, const struct operand *rm,
			       unsigned immediate_bytes)
{
	const unsigned r = (reg & 7) << 3, base = rm->base & 7;
	const bool small = rm->disp >= -128 && rm->disp < 128;
	const bool none = !rm->disp && base != RBP; /* nor R13 */
	const unsigned mod = none ? 0 : small ? 0x40 : 0x80;

	switch (rm->kind) {
	case IN_REGISTER:
		put8(a, 0xc0 | r | base);
		return;
	case AT_CODE:
		put8(a, r | 5);
		put32(a, (uint32_t)(rm->code - (a->at + 4 + immediate_bytes)));
		return;
	case AT_BASE:
		put8(a, mod | r | base);
		if (base == RSP)
			put8(a, 0x24);
		break;
	case AT_INDEX:
		put8(a, mod | r | 4);
		put8(a, (unsigned)rm->shift << 6 | (rm->index & 7u) << 3 | base);
		break;
	}
	if (mod == 0x40)
		put8(a, (uint8_t)rm->disp);
	else if (mod)
		put32(a, (uint32_t)rm->disp);
}

/* An instruction whose immediate, of that many bytes, follows. */
static inline void put_insn(struct assembler *a, unsigned how, unsigned opcode, unsigned reg,
			    struct operand rm, unsigned immediate_bytes)
{
	unsigned rex = 0x40 | (how & WIDE ? 8 : 0) | (reg >> 3) << 2 | rm.base >> 3;

	if (rm.kind == AT_INDEX)
		rex |= (rm.index >> 3) << 1;
	if (rm.kind == AT_CODE)
		rex &= ~1u;
	if (how & PREFIX_66)
		put8(a, 0x66);
	if (how & PREFIX_F3)
		put8(a, 0xf3);
	if (rex != 0x40 || how & BYTE_WIDE)
		put8(a, rex);
	if (opcode > 0xff)
		put8(a, opcode >> 8);
	put8(a, opcode & 0xff);
	put_operand(a, reg, &rm, immediate_bytes);
}

static inline void op(struct assembler *a, unsigned how, unsigned opcode, unsigned reg,
		      struct operand rm)
{
	put_insn(a, how, opcode, reg, rm, 0);
}

/* The first operand is written, if any is. */
#define OP_ADD		0x03
#define OP_OR		0x0b
#define OP_OR_BYTE	0x0a
#define OP_ADC		0x13
#define OP_AND		0x23
#define OP_SUB		0x2b
#define OP_XOR		0x33
#define OP_CMP		0x3b
#define OP_MOV		0x8b
#define OP_LEA		0x8d
#define OP_STORE	0x89 /* writes the second */
#define OP_STORE_BYTE	0x88
#define OP_TEST		0x85
#define OP_OR_STORE	0x09 /* writes the second */
#define OP_MOVSXD	0x63 /* WIDE */
#define OP_IMUL		(OPCODE_0F | 0xaf)
#define OP_BSR		(OPCODE_0F | 0xbd)
#define OP_BSF		(OPCODE_0F | 0xbc)
#define OP_POPCNT	(OPCODE_0F | 0xb8) /* PREFIX_F3 */
#define OP_MOVZX_BYTE	(OPCODE_0F | 0xb6)
#define OP_MOVZX_HALF	(OPCODE_0F | 0xb7)
#define OP_MOVSX_BYTE	(OPCODE_0F | 0xbe)
#define OP_MOVSX_HALF	(OPCODE_0F | 0xbf)
#define OP_SETCC(c)	(OPCODE_0F | 0x90 | (unsigned)(c)) /* register 0; writes a byte */
#define OP_CMOVCC(c)	(OPCODE_0F | 0x40 | (unsigned)(c))
/* Opcode and, as the register, the operation. */
#define OP_UNARY	0xf7
#define UNARY_NOT	2
#define UNARY_NEG	3
#define UNARY_MUL	4
#define UNARY_IMUL	5
#define UNARY_DIV	6
#define UNARY_IDIV	7
#define OP_SHIFT	0xc1 /* by an immediate */
#define OP_SHIFT_CL	0xd3
#define SHIFT_ROL	0
#define SHIFT_LEFT	4
#define SHIFT_RIGHT	5
#define SHIFT_ALGEBRAIC 7

static inline void op_imm8(struct assembler *a, unsigned how, unsigned opcode, unsigned reg,
			   struct operand rm, unsigned imm)
{
	put_insn(a, how, opcode, reg, rm, 1);
	put8(a, imm);
}

/* OP_ADD, OP_AND and the like with an immediate, which is sign-extended. */
static inline void op_imm(struct assembler *a, unsigned how, unsigned opcode, struct operand rm,
			  int32_t imm)
{
	if (imm >= -128 && imm < 128) {
		op_imm8(a, how, 0x83, opcode >> 3, rm, (uint8_t)imm);
		return;
	}
	put_insn(a, how, 0x81, opcode >> 3, rm, 4);
	put32(a, (uint32_t)imm);
}

static inline void op_test_byte(struct assembler *a, struct operand rm, unsigned imm)
{
	op_imm8(a, 0, 0xf6, 0, rm, imm);
}

/* cmp byte */
static inline void op_compare_byte(struct assembler *a, struct operand rm, unsigned imm)
{
	op_imm8(a, 0, 0x80, 7, rm, imm);
}

static inline void op_set_carry(struct assembler *a)
{
	put8(a, 0xf9);
}

static inline void op_complement_carry(struct assembler *a)
{
	put8(a, 0xf5);
}

static inline void op_store_byte(struct assembler *a, struct operand rm, unsigned imm)
{
	op_imm8(a, 0, 0xc6, 0, rm, imm);
}

/* rm = reg, if it is RAX, at once for all processors; equal: it was. */
static inline void op_compare_and_swap(struct assembler *a, unsigned how, unsigned reg,
				       struct operand rm)
{
	put8(a, 0xf0); /* lock */
	op(a, how, OPCODE_0F | (how & BYTE_WIDE ? 0xb0 : 0xb1), reg, rm);
}

static inline void op_mov(struct assembler *a, unsigned to, unsigned from)
{
	if (to != from)
		op(a, WIDE, OP_MOV, to, in_register(from));
}

/* Leaves the flags alone. */
static inline void op_constant(struct assembler *a, unsigned r, uint64_t v)
{
	if (v <= UINT32_MAX) {
		if (r & 8)
			put8(a, 0x41);
		put8(a, 0xb8 | (r & 7));
		put32(a, (uint32_t)v);
	} else if ((int64_t)v == (int32_t)v) {
		put_insn(a, WIDE, 0xc7, 0, in_register(r), 4);
		put32(a, (uint32_t)v);
	} else {
		put8(a, 0x48 | r >> 3);
		put8(a, 0xb8 | (r & 7));
		put64(a, v);
	}
}

/* ---- vectors, in the VEX encoding, of 128 bits unless VEX_256 ---- */

#define XMM(n)		 (n)
#define VEX(pp, map, op) ((pp) << 16 | (map) << 8 | (op))
#define VEX_0F(op)	 VEX(0, 1, op)
#define VEX_66(op)	 VEX(1, 1, op)
#define VEX_F3(op)	 VEX(2, 1, op)
#define VEX_F2(op)	 VEX(3, 1, op)
#define VEX_38(op)	 VEX(1, 2, op) /* 66 0F 38 */
#define VEX_3A(op)	 VEX(1, 3, op) /* 66 0F 3A, with an immediate */
#define VEX_W		 (1 << 20)
#define VEX_256		 (1 << 21)
#define NO_SECOND	 0 /* of an instruction with two operands */

/*
 * reg = @second op rm; or, with two operands, reg = op rm. An immediate of that many bytes follows.
 */
static inline void vex_insn(struct assembler *a, unsigned opcode, unsigned reg, unsigned second,
			    struct operand rm, unsigned immediate_bytes)
{
	const unsigned index = rm.kind == AT_INDEX ? rm.index >> 3 : 0;
	const unsigned base = rm.kind == AT_CODE ? 0 : rm.base >> 3;

	put8(a, 0xc4);
	put8(a, (reg >> 3 ^ 1) << 7 | (index ^ 1) << 6 | (base ^ 1) << 5 | (opcode >> 8 & 31));
	put8(a, (opcode & VEX_W ? 0x80 : 0) | (second ^ 15) << 3 | (opcode & VEX_256 ? 4 : 0) |
			(opcode >> 16 & 3));
	put8(a, opcode & 0xff);
	put_operand(a, reg, &rm, immediate_bytes);
}

static inline void vex(struct assembler *a, unsigned opcode, unsigned reg, unsigned second,
		       struct operand rm)
{
	vex_insn(a, opcode, reg, second, rm, 0);
}

static inline void vex_imm(struct assembler *a, unsigned opcode, unsigned reg, unsigned second,
			   struct operand rm, unsigned imm)
{
	vex_insn(a, opcode, reg, second, rm, 1);
	put8(a, imm);
}

#define V_MOVDQU       VEX_F3(0x6f)
#define V_MOVDQU_STORE VEX_F3(0x7f)
#define V_MOVQ	       VEX_F3(0x7e) /* clears the upper half */
#define V_MOVQ_STORE   VEX_66(0xd6)
#define V_FROM_GPR     VEX_66(0x6e) /* the rest is cleared */
#define V_TO_GPR       VEX_66(0x7e) /* reg: the vector */
#define V_PAND	       VEX_66(0xdb)
#define V_PANDN	       VEX_66(0xdf) /* ~second & rm */
#define V_POR	       VEX_66(0xeb)
#define V_PXOR	       VEX_66(0xef)
#define V_PCMPEQB      VEX_66(0x74)
#define V_PCMPEQW      VEX_66(0x75)
#define V_PCMPEQD      VEX_66(0x76)
#define V_PCMPEQQ      VEX_38(0x29)
#define V_PCMPGTB      VEX_66(0x64)
#define V_PCMPGTW      VEX_66(0x65)
#define V_PCMPGTD      VEX_66(0x66)
#define V_PCMPGTQ      VEX_38(0x37)
#define V_PADDB	       VEX_66(0xfc)
#define V_PADDW	       VEX_66(0xfd)
#define V_PADDD	       VEX_66(0xfe)
#define V_PADDQ	       VEX_66(0xd4)
#define V_PSUBB	       VEX_66(0xf8)
#define V_PSUBW	       VEX_66(0xf9)
#define V_PSUBD	       VEX_66(0xfa)
#define V_PSUBQ	       VEX_66(0xfb)
#define V_PAVGB	       VEX_66(0xe0)
#define V_PAVGW	       VEX_66(0xe3)
#define V_PMAXUB       VEX_66(0xde)
#define V_PMAXUW       VEX_38(0x3e)
#define V_PMAXUD       VEX_38(0x3f)
#define V_PMAXSB       VEX_38(0x3c)
#define V_PMAXSW       VEX_66(0xee)
#define V_PMAXSD       VEX_38(0x3d)
#define V_PMINUB       VEX_66(0xda)
#define V_PMINUW       VEX_38(0x3a)
#define V_PMINUD       VEX_38(0x3b)
#define V_PMINSB       VEX_38(0x38)
#define V_PMINSW       VEX_66(0xea)
#define V_PMINSD       VEX_38(0x39)
#define V_PMULLW       VEX_66(0xd5)
#define V_PMULLD       VEX_38(0x40)
#define V_PMULUDQ      VEX_66(0xf4)
#define V_PMULDQ       VEX_38(0x28)
#define V_PMADDWD      VEX_66(0xf5)
#define V_PSLLVD       VEX_38(0x47)
#define V_PSRLVD       VEX_38(0x45)
#define V_PSRAVD       VEX_38(0x46)
#define V_PSLLVQ       (V_PSLLVD | VEX_W)
#define V_PSRLVQ       (V_PSRLVD | VEX_W)
#define V_PSLLQ	       VEX_66(0xf3) /* by the low half of rm */
#define V_PSRLQ	       VEX_66(0xd3)
#define V_PSHUFB       VEX_38(0x00) /* second, by rm */
#define V_PSHUFD       VEX_66(0x70) /* rm, by an immediate */
#define V_SHUFPS       VEX_0F(0xc6)
#define V_SHUFPD       VEX_66(0xc6)
#define V_PALIGNR      VEX_3A(0x0f) /* second is the high half */
#define V_PBLENDW      VEX_3A(0x0e)
#define V_PBLENDD      VEX_3A(0x02)
#define V_PBLENDVB     VEX_3A(0x4c) /* the immediate: the mask's register << 4; ones take rm */
#define V_PUNPCKLBW    VEX_66(0x60)
#define V_PUNPCKLWD    VEX_66(0x61)
#define V_PUNPCKLDQ    VEX_66(0x62)
#define V_PUNPCKHBW    VEX_66(0x68)
#define V_PUNPCKHWD    VEX_66(0x69)
#define V_PUNPCKHDQ    VEX_66(0x6a)
#define V_PUNPCKLQDQ   VEX_66(0x6c)
#define V_PACKUSWB     VEX_66(0x67)
#define V_PACKUSDW     VEX_38(0x2b)
#define V_PMOVSXBW     VEX_38(0x20)
#define V_PMOVSXWD     VEX_38(0x23)
#define V_PMOVSXDQ     VEX_38(0x25)
#define V_PBROADCASTB  VEX_38(0x78)
#define V_PBROADCASTW  VEX_38(0x79)
#define V_PBROADCASTD  VEX_38(0x58)
#define V_PBROADCASTQ  VEX_38(0x59)
#define V_PINSRQ       (VEX_3A(0x22) | VEX_W)
#define V_PTEST	       VEX_38(0x17)
#define V_PMOVMSKB     VEX_66(0xd7)
#define V_MOVHPS       VEX_0F(0x16) /* second's low half, and the high one from memory */
#define V_MOVHPS_STORE VEX_0F(0x17)
#define V_CVTSS2SD     VEX_F3(0x5a)
#define V_CVTSD2SS     VEX_F2(0x5a)
#define V_CVTSI2SD     VEX_F2(0x2a) /* rm: a general register */
#define V_CVTSD2SI     VEX_F2(0x2d) /* reg: a general register; rounded as MXCSR says */
#define V_CVTTSD2SI    VEX_F2(0x2c) /* towards zero */
#define V_ROUNDSD      VEX_3A(0x0b) /* the immediate: ROUND_* */
#define ROUND_DOWN     1
#define ROUND_UP       2
#define ROUND_TO_ZERO  3
#define ROUND_QUIETLY  8
#define V_SQRTSD       VEX_F2(0x51)
#define V_ADDSD	       VEX_F2(0x58)
#define V_SUBSD	       VEX_F2(0x5c)
#define V_MULSD	       VEX_F2(0x59)
#define V_DIVSD	       VEX_F2(0x5e)
#define V_MAXPS	       VEX_0F(0x5f) /* of two zeros, or with a NaN, rm; V_MIN*, too */
#define V_MAXPD	       VEX_66(0x5f)
#define V_MINPS	       VEX_0F(0x5d)
#define V_MINPD	       VEX_66(0x5d)
#define V_CMPPS	       VEX_0F(0xc2) /* ones or zeros; the immediate: COMPARE_* */
#define V_CMPPD	       VEX_66(0xc2)
#define V_CMPSD	       VEX_F2(0xc2)
#define COMPARE_EQ     0u
#define COMPARE_LT     1u
#define COMPARE_LE     2u
#define COMPARE_NAN    3u
#define V_UCOMISD      VEX_66(0x2e)
#define V_FMSUB213SD   (VEX_38(0xab) | VEX_W) /* second * reg - rm */
#define V_FMADD231SD   (VEX_38(0xb9) | VEX_W) /* reg + second * rm */
#define V_FNMADD231SD  (VEX_38(0xbd) | VEX_W) /* reg - second * rm */
#define V_AESENC       VEX_38(0xdc)
#define V_AESENCLAST   VEX_38(0xdd)
#define V_AESDECLAST   VEX_38(0xdf)
#define V_AESIMC       VEX_38(0xdb)
#define V_PCLMULQDQ    VEX_3A(0x44)
/* Of general registers: second by the mask rm */
#define V_PEXT	       VEX(2, 2, 0xf5)
#define V_PDEP	       VEX(3, 2, 0xf5)

/* Shifts by an immediate; reg = rm shifted. */
enum vector_shift {
	SHIFT_BYTES_RIGHT = 0x7303,
	SHIFT_BYTES_LEFT = 0x7307,
	SHIFT_WORDS_RIGHT = 0x7102,
	SHIFT_WORDS_ALGEBRAIC = 0x7104,
	SHIFT_WORDS_LEFT = 0x7106,
	SHIFT_DWORDS_RIGHT = 0x7202,
	SHIFT_DWORDS_ALGEBRAIC = 0x7204,
	SHIFT_DWORDS_LEFT = 0x7206,
	SHIFT_QWORDS_RIGHT = 0x7302,
	SHIFT_QWORDS_LEFT = 0x7306
};

static inline void vex_shift(struct assembler *a, enum vector_shift shift, unsigned reg,
			     unsigned rm, unsigned by)
{
	vex_imm(a, VEX_66((unsigned)shift >> 8), shift & 7, reg, in_register(rm), by);
}

/*
 * In the EVEX encoding, which some instructions have alone. Its short displacements count in
 * operands, not in bytes: so all operands are registers, the first 16.
 */
static inline void evex_insn(struct assembler *a, unsigned opcode, unsigned reg, unsigned second,
			     unsigned rm)
{
	const struct operand in = in_register(rm);

	put8(a, 0x62);
	put8(a, (reg >> 3 ^ 1) << 7 | 0x40 | (rm >> 3 ^ 1) << 5 | 0x10 | (opcode >> 8 & 7));
	put8(a, (opcode & VEX_W ? 0x80 : 0) | (second ^ 15) << 3 | 4 | (opcode >> 16 & 3));
	put8(a, 8);
	put8(a, opcode & 0xff);
	put_operand(a, reg, &in, 0);
}

static inline void evex_imm(struct assembler *a, unsigned opcode, unsigned reg, unsigned second,
			    unsigned rm, unsigned imm)
{
	evex_insn(a, opcode, reg, second, rm);
	put8(a, imm);
}

/* Of AVX-512, of 128 bits */
#define V_PROLVD    VEX_38(0x15) /* each element by the number of bits in rm's, modulo its size */
#define V_PROLVQ    (V_PROLVD | VEX_W)
#define V_PTERNLOG  VEX_3A(0x25) /* the immediate: TERNARY_*, of reg, second and rm */
#define TERNARY_XOR 0x96

/* reg = rm, each doubleword or quadword of it rotated to the right */
static inline void evex_rotate(struct assembler *a, bool quadwords, unsigned reg, unsigned rm,
			       unsigned by)
{
	evex_imm(a, VEX_66(0x72) | (quadwords ? VEX_W : 0), 0, reg, rm, by);
}

static inline void op_push(struct assembler *a, unsigned r)
{
	if (r & 8)
		put8(a, 0x41);
	put8(a, 0x50 | (r & 7));
}

static inline void op_pop(struct assembler *a, unsigned r)
{
	if (r & 8)
		put8(a, 0x41);
	put8(a, 0x58 | (r & 7));
}

static inline void op_bswap(struct assembler *a, unsigned how, unsigned r)
{
	unsigned rex = 0x40 | (how & WIDE ? 8 : 0) | r >> 3;

	if (rex != 0x40)
		put8(a, rex);
	put8(a, 0x0f);
	put8(a, 0xc8 | (r & 7));
}

/* The place of a jump's or call's displacement, to be set by jump_to(). */
static inline uint8_t *op_jump(struct assembler *a)
{
	put8(a, 0xe9);
	put32(a, 0);
	return a->at - 4;
}

static inline uint8_t *op_jump_if(struct assembler *a, enum host_condition condition)
{
	put8(a, 0x0f);
	put8(a, 0x80 | condition);
	put32(a, 0);
	return a->at - 4;
}

static inline uint8_t *op_call(struct assembler *a)
{
	put8(a, 0xe8);
	put32(a, 0);
	return a->at - 4;
}

/* The jump that follows has its displacement aligned, behind @before bytes: see jump_change(). */
static inline void op_align(struct assembler *a, unsigned before)
{
	static const uint8_t nops[4][3] = { { 0 }, { 0x90 }, { 0x66, 0x90 }, { 0x0f, 0x1f, 0x00 } };
	const unsigned count = -((unsigned)(uintptr_t)a->at + before) & 3;

	for (unsigned i = 0; i < count; i++)
		put8(a, nops[count][i]);
}
#define JUMP_OPCODE    1 /* bytes of op_jump() before the displacement */
#define JUMP_IF_OPCODE 2

static inline void jump_to(uint8_t *place, const uint8_t *target)
{
	const int32_t distance = (int32_t)(target - (place + 4));

	memcpy(place, &distance, sizeof(distance));
}

/* Where the jump leads */
static inline const uint8_t *jump_target(const uint8_t *place)
{
	int32_t distance;

	memcpy(&distance, place, sizeof(distance));
	return place + 4 + distance;
}

/*
 * The same for a jump that others may be executing. Its displacement is aligned, so they see the
 * old one or the new one: a store of four aligned bytes is one to the host's fetches, too.
 */
static inline void jump_change(uint8_t *place, const uint8_t *target)
{
	__atomic_store_n((int32_t *)(void *)place, (int32_t)(target - (place + 4)),
			 __ATOMIC_RELEASE);
}

/* To code that is there already, and stays where it is. Nothing changes this jump. */
static inline void op_jump_back(struct assembler *a, const uint8_t *target)
{
	const ptrdiff_t distance = target - (a->at + 2);

	if (distance >= INT8_MIN) {
		put8(a, 0xeb);
		put8(a, (uint8_t)distance);
	} else {
		jump_to(op_jump(a), target);
	}
}

static inline void op_jump_register(struct assembler *a, unsigned r)
{
	op(a, 0, 0xff, 4, in_register(r));
}

static inline void op_call_register(struct assembler *a, unsigned r)
{
	op(a, 0, 0xff, 2, in_register(r));
}

/* lock or dword [rsp], 0: every access before it comes before every access after it */
static inline void op_fence(struct assembler *a)
{
	put8(a, 0xf0);
	op_imm(a, 0, OP_OR, at_base(RSP, 0), 0);
}

static inline void op_return(struct assembler *a)
{
	put8(a, 0xc3);
}

#endif
