/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encodings of AArch64 instructions (Arm Architecture Reference Manual, chapter C6). This knows no
 * guest and no memory management: instructions go to where `at` is, and the caller leaves room.
 */
#ifndef FWNMI_ENGINE_EMU_JIT_ASSEMBLER_AARCH64_H
#define FWNMI_ENGINE_EMU_JIT_ASSEMBLER_AARCH64_H

#include "engine/emu/jit/assembler.h"

#define X(n) (n)
#define ZR   31 /* reads as zero; as a base, or where an instruction says so, it is SP */
#define SP   31

enum host_condition {
	IF_EQUAL,
	IF_NOT_EQUAL,
	IF_CARRY, /* of unsigned numbers: not below */
	IF_NO_CARRY,
	IF_MINUS,
	IF_PLUS,
	IF_OVERFLOW,
	IF_NO_OVERFLOW,
	IF_ABOVE,
	IF_BELOW_OR_EQUAL,
	IF_GREATER_OR_EQUAL,
	IF_LESS,
	IF_GREATER,
	IF_LESS_OR_EQUAL
};
#define IF_BELOW	    IF_NO_CARRY
#define OPPOSITE(condition) ((enum host_condition)((condition) ^ 1))

/* How an instruction is encoded, beside its opcode: 64 bits */
#define WIDE (1u << 31)

/* ---- registers: d = n op m ---- */

#define OP_ADD	 0x0b000000u
#define OP_ADDS	 0x2b000000u
#define OP_SUB	 0x4b000000u
#define OP_SUBS	 0x6b000000u
#define OP_ADC	 0x1a000000u
#define OP_ADCS	 0x3a000000u
#define OP_SBCS	 0x7a000000u /* n + ~m + carry */
#define OP_AND	 0x0a000000u
#define OP_ANDS	 0x6a000000u
#define OP_BIC	 0x0a200000u /* n & ~m */
#define OP_ORR	 0x2a000000u
#define OP_ORN	 0x2a200000u
#define OP_EOR	 0x4a000000u
#define OP_EON	 0x4a200000u
#define OP_MUL	 0x1b007c00u
#define OP_SMULL (WIDE | 0x1b207c00u) /* of words */
#define OP_UMULL (WIDE | 0x1ba07c00u)
#define OP_SMULH (WIDE | 0x1b407c00u)
#define OP_UMULH (WIDE | 0x1bc07c00u)
#define OP_UDIV	 0x1ac00800u /* zero, if m is zero */
#define OP_SDIV	 0x1ac00c00u
#define OP_LSL	 0x1ac02000u /* by m modulo 64, or 32 */
#define OP_LSR	 0x1ac02400u
#define OP_ASR	 0x1ac02800u
#define OP_ROR	 0x1ac02c00u

static inline void op(struct assembler *a, uint32_t opcode, unsigned d, unsigned n, unsigned m)
{
	put32(a, opcode | m << 16 | n << 5 | d);
}

/* How m is shifted, of additions, subtractions and logic; not of those with a carry. */
enum host_shift {
	LEFT = 0,
	RIGHT = 1,
	ALGEBRAIC = 2,
	ROTATED = 3 /* of logic only */
};

static inline void op_shifted(struct assembler *a, uint32_t opcode, unsigned d, unsigned n,
			      unsigned m, enum host_shift shift, unsigned by)
{
	op(a, opcode | (unsigned)shift << 22 | by << 10, d, n, m);
}

static inline void op_mov(struct assembler *a, unsigned d, unsigned m)
{
	if (d != m)
		op(a, WIDE | OP_ORR, d, ZR, m);
}

/* d = the low 32 bits of m */
static inline void op_mov_word(struct assembler *a, unsigned d, unsigned m)
{
	op(a, OP_ORR, d, ZR, m);
}

/* d = n * m + added */
static inline void op_madd(struct assembler *a, unsigned d, unsigned n, unsigned m, unsigned added)
{
	op(a, WIDE | 0x1b000000u | added << 10, d, n, m);
}

/* ---- one register: d = op n ---- */

#define OP_RBIT	  0x5ac00000u
#define OP_REV16  0x5ac00400u /* bytes of halfwords */
#define OP_REV	  0x5ac00800u
#define OP_REV_64 (WIDE | 0x5ac00c00u)
#define OP_CLZ	  0x5ac01000u

static inline void op_one(struct assembler *a, uint32_t opcode, unsigned d, unsigned n)
{
	put32(a, opcode | n << 5 | d);
}

/* ---- conditions ---- */

#define OP_CSEL	 0x1a800000u /* d = condition ? n : m */
#define OP_CSINC 0x1a800400u /* m + 1 */
#define OP_CSINV 0x5a800000u /* ~m */

static inline void op_select(struct assembler *a, uint32_t opcode, unsigned d, unsigned n,
			     unsigned m, enum host_condition condition)
{
	op(a, opcode | (unsigned)condition << 12, d, n, m);
}

/* d = is it met? */
static inline void op_set(struct assembler *a, unsigned d, enum host_condition condition)
{
	op_select(a, OP_CSINC, d, ZR, ZR, OPPOSITE(condition));
}

/* If the condition is met, the flags of n - m; else these. */
static inline void op_compare_if(struct assembler *a, uint32_t how, unsigned n, unsigned m,
				 enum host_condition condition, unsigned flags)
{
	op(a, how | 0x7a400000u | (unsigned)condition << 12, flags, n, m);
}

/* ---- immediates ---- */

/* OP_ADD, OP_ADDS, OP_SUB, OP_SUBS with 12 bits. Register 31 is SP, as d if no flags are set. */
static inline void op_add_imm(struct assembler *a, uint32_t opcode, unsigned d, unsigned n,
			      unsigned imm)
{
	op(a, (opcode ^ 0x1a000000u) | (imm & 4095) << 10, d, n, 0);
}

/* The same with 12 bits that are shifted left by 12 */
static inline void op_add_high(struct assembler *a, uint32_t opcode, unsigned d, unsigned n,
			       unsigned imm)
{
	op_add_imm(a, opcode | 1u << 22, d, n, imm);
}

/*
 * The encoding of @v as an immediate of logic: a run of ones, rotated, in an element of 2 to 64
 * bits that is repeated. false: it has none.
 */
static inline bool logical_immediate(uint64_t v, uint32_t *encoded)
{
	unsigned size = 64, ones, by = 0;
	uint64_t mask = ~0ull, run;

	if (!v || v == ~0ull)
		return false;
	while (size > 2 &&
	       (v >> size / 2 & mask >> (64 - size / 2)) == (v & mask >> (64 - size / 2)))
		size /= 2;
	mask >>= 64 - size;
	v &= mask;
	ones = (unsigned)__builtin_popcountll(v);
	run = (1ull << ones) - 1;
	while (by < size && (by ? (run >> by | run << (size - by)) & mask : run) != v)
		by++;
	*encoded = (size == 64) << 22 | by << 16 | ((-(2 * size) & 63) | (ones - 1)) << 10;
	return by < size;
}

/* OP_AND, OP_ANDS, OP_ORR, OP_EOR with an encoded immediate; AND, ORR, EOR write SP as d 31. */
static inline void op_logic_imm(struct assembler *a, uint32_t opcode, unsigned d, unsigned n,
				uint32_t encoded)
{
	op(a, (opcode ^ 0x18000000u) | encoded, d, n, 0);
}

static inline uint32_t halfword(uint64_t v, unsigned i)
{
	return v >> 16 * i & 0xffff;
}

/* Halfword by halfword, from the first that differs from most; leaves the flags alone. */
static inline void op_constant(struct assembler *a, unsigned r, uint64_t v)
{
	const uint32_t movz = 0x52800000u, movn = 0x12800000u, movk = 0x72800000u;
	unsigned zeros = 0, ones = 0, i = 0;
	uint32_t most, encoded;

	for (unsigned n = 0; n < 4; n++) {
		zeros += halfword(v, n) == 0;
		ones += halfword(v, n) == 0xffff;
	}
	if (zeros < 3 && ones < 3 && logical_immediate(v, &encoded)) {
		op_logic_imm(a, WIDE | OP_ORR, r, ZR, encoded);
		return;
	}
	most = ones > zeros ? 0xffff : 0;
	if (zeros < 4 && ones < 4)
		while (halfword(v, i) == most)
			i++;
	put32(a, WIDE | (most ? movn : movz) | i << 21 | (halfword(v, i) ^ most) << 5 | r);
	while (++i < 4)
		if (halfword(v, i) != most)
			put32(a, WIDE | movk | i << 21 | halfword(v, i) << 5 | r);
}

/* ---- bits ---- */

#define OP_SBFM 0x13000000u
#define OP_BFM	0x33000000u
#define OP_UBFM 0x53000000u

static inline void op_bits(struct assembler *a, uint32_t opcode, unsigned d, unsigned n,
			   unsigned rotated, unsigned last)
{
	put32(a, opcode | (opcode & WIDE) >> 9 | rotated << 16 | last << 10 | n << 5 | d);
}

/* d = @count bits of n from bit @from, the lowest being 0 */
static inline void op_extract(struct assembler *a, unsigned d, unsigned n, unsigned from,
			      unsigned count)
{
	op_bits(a, WIDE | OP_UBFM, d, n, from, from + count - 1);
}

/* d = the low @bits of n, sign-extended */
static inline void op_extend(struct assembler *a, unsigned d, unsigned n, unsigned bits)
{
	op_bits(a, WIDE | OP_SBFM, d, n, 0, bits - 1);
}

/* Puts the low @count bits of n into d, from bit @to on. */
static inline void op_insert(struct assembler *a, unsigned d, unsigned n, unsigned to,
			     unsigned count)
{
	op_bits(a, WIDE | OP_BFM, d, n, -to & 63, count - 1);
}

static inline void op_shift_left(struct assembler *a, unsigned d, unsigned n, unsigned by)
{
	op_bits(a, WIDE | OP_UBFM, d, n, -by & 63, 63 - by);
}

static inline void op_shift_right(struct assembler *a, unsigned d, unsigned n, unsigned by)
{
	op_bits(a, WIDE | OP_UBFM, d, n, by, 63);
}

static inline void op_shift_algebraic(struct assembler *a, unsigned d, unsigned n, unsigned by)
{
	op_bits(a, WIDE | OP_SBFM, d, n, by, 63);
}

/* d = n rotated right; how: WIDE, or a word */
static inline void op_rotate(struct assembler *a, uint32_t how, unsigned d, unsigned n, unsigned by)
{
	op(a, how | 0x13800000u | how >> 9 | by << 10, d, n, n);
}

/* ---- loads and stores ---- */

/* Their sizes are a shift: 0 for a byte, 3 for a doubleword. */
#define OP_STORE       0u
#define OP_LOAD	       1u /* the rest is cleared */
#define OP_LOAD_SIGNED 2u /* to 64 bits; not of a doubleword */

/* Of op_at() */
#define BYTES_REACH 4096u
#define WORDS_REACH (4 * BYTES_REACH)

/* At n + @offset, which is a multiple of the size, and 0 to 4095 times the size */
static inline void op_at(struct assembler *a, uint32_t opcode, unsigned size, unsigned r,
			 unsigned n, unsigned offset)
{
	op(a, 0x39000000u | size << 30 | opcode << 22 | offset >> size << 10, r, n, 0);
}

/* A doubleword at n + @offset, from -256 to 255 */
static inline void op_load_near(struct assembler *a, unsigned r, unsigned n, int offset)
{
	op(a, 0xf8400000u | ((uint32_t)offset & 511) << 12, r, n, 0);
}

/* At n + m; m is shifted by the size, if @scaled. */
static inline void op_at_index(struct assembler *a, uint32_t opcode, unsigned size, unsigned r,
			       unsigned n, unsigned m, bool scaled)
{
	op(a, 0x38206800u | size << 30 | opcode << 22 | (scaled ? 1u << 12 : 0), r, n, m);
}

#define OP_STORE_PAIR 0xa9000000u
#define OP_LOAD_PAIR  0xa9400000u
#define OP_PUSH_PAIR  0xa9800000u /* to n + offset, which n becomes */
#define OP_POP_PAIR   0xa8c00000u /* from n, which becomes n + offset */

/* Two doublewords; @offset: a multiple of 8, from -512 to 504 */
static inline void op_pair(struct assembler *a, uint32_t opcode, unsigned r, unsigned second,
			   unsigned n, int offset)
{
	op(a, opcode | ((uint32_t)offset / 8 & 127) << 15 | second << 10, r, n, 0);
}

/* ---- vectors: as much as counting bits and comparing bytes needs ---- */

#define OP_FROM_GPR    0x9e670000u /* d is a vector, n a register */
#define OP_TO_GPR      0x9e660000u
#define OP_COUNT_ONES  0x0e205800u /* of each of eight bytes */
#define OP_SUM_BYTES   0x0e31b800u /* of eight bytes, into the low one */
#define OP_EQUAL_BYTES 0x2e208c00u /* of op(): eight bytes, each all ones or zero */

/* ---- jumps ---- */

/*
 * A jump, to be set by jump_to(): it reaches 128 MiB, or, with a condition, 1 MiB. Only the former
 * may be changed while others execute it (section B2.2.5), so links are such.
 */
static inline uint8_t *op_jump(struct assembler *a)
{
	put32(a, 0x14000000u);
	return a->at - 4;
}

static inline uint8_t *op_jump_if(struct assembler *a, enum host_condition condition)
{
	put32(a, 0x54000000u | (unsigned)condition);
	return a->at - 4;
}

static inline uint8_t *op_jump_if_zero(struct assembler *a, uint32_t how, unsigned r)
{
	put32(a, how | 0x34000000u | r);
	return a->at - 4;
}

static inline uint8_t *op_jump_if_not_zero(struct assembler *a, uint32_t how, unsigned r)
{
	put32(a, how | 0x35000000u | r);
	return a->at - 4;
}

#define JUMP_BITS    26
#define JUMP_IF_BITS 19 /* above the register or the condition */

static inline bool is_jump_if(uint32_t insn)
{
	return (insn & 0x7c000000u) != 0x14000000u;
}

static inline void jump_to(uint8_t *place, const uint8_t *target)
{
	const uint32_t distance = (uint32_t)(target - place) >> 2;
	uint32_t insn;

	memcpy(&insn, place, sizeof(insn));
	if (is_jump_if(insn))
		insn = (insn & 0xff00001fu) | (distance & ((1u << JUMP_IF_BITS) - 1)) << 5;
	else
		insn = (insn & 0xfc000000u) | (distance & ((1u << JUMP_BITS) - 1));
	__atomic_store_n((uint32_t *)(void *)place, insn, __ATOMIC_RELEASE);
}

/* The same for a jump without a condition that others may be executing */
static inline void jump_change(uint8_t *place, const uint8_t *target)
{
	jump_to(place, target);
}

/* Where a jump without a condition leads */
static inline const uint8_t *jump_target(const uint8_t *place)
{
	int32_t insn;

	memcpy(&insn, place, sizeof(insn));
	return place + (int32_t)((uint32_t)insn << (32 - JUMP_BITS)) / (1 << (30 - JUMP_BITS));
}

/* Every access, or every load, before it comes before every access after it, to all processors. */
#define BARRIER_FULL 0xd5033bbfu
#define BARRIER_LOAD 0xd50339bfu

static inline void op_barrier(struct assembler *a, uint32_t barrier)
{
	put32(a, barrier);
}

static inline void op_jump_register(struct assembler *a, unsigned r)
{
	put32(a, 0xd61f0000u | r << 5);
}

static inline void op_call_register(struct assembler *a, unsigned r)
{
	put32(a, 0xd63f0000u | r << 5);
}

static inline void op_return(struct assembler *a)
{
	put32(a, 0xd65f03c0u);
}

#endif
