/* SPDX-License-Identifier: BSD-2-Clause */
/* The emitter for x86-64: fixed point, comparisons and moves. */
#include "engine/emu/insn/insn.h"
#include "engine/emu/jit/x86_64.h"

/* d = a op b */
static void put_binary(struct translation *t, unsigned opcode, bool commutes)
{
	const struct uop *u = t->u;
	unsigned first = u->a, second = u->b, r;

	if (commutes && u->d == u->b) {
		first = u->b;
		second = u->a;
	}
	r = u->d == second && first != second ? RAX : target(t, u->d, RAX);
	load_into(t, r, first);
	op(&t->a, WIDE, opcode, r, home(t, second));
	done(t, u->d, r);
}

/* Loads a into the register for d, and returns it. */
static unsigned begin(struct translation *t)
{
	unsigned r = target(t, t->u->d, RAX);

	load_into(t, r, t->u->a);
	return r;
}

static void put_add(struct translation *t)
{
	const struct uop *u = t->u;
	unsigned d = pinned_register(t, u->d), x = pinned_register(t, u->a),
		 y = pinned_register(t, u->b);

	if (d && x && y && d != x && d != y)
		op(&t->a, WIDE, OP_LEA, d, at_index(x, y, 0, 0));
	else
		put_binary(t, OP_ADD, true);
}

static void put_subf(struct translation *t)
{
	const struct uop *u = t->u;
	unsigned r = u->d == u->a ? RAX : target(t, u->d, RAX);

	load_into(t, r, u->b);
	op(&t->a, WIDE, OP_SUB, r, home(t, u->a));
	done(t, u->d, r);
}

static void put_immediate(struct translation *t, unsigned opcode)
{
	const struct uop *u = t->u;
	unsigned d = pinned_register(t, u->d), x = pinned_register(t, u->a), r;

	if (opcode == OP_ADD && d && x && d != x && (int64_t)u->imm == (int32_t)u->imm) {
		op(&t->a, WIDE, OP_LEA, d, at_base(x, (int32_t)u->imm));
		return;
	}
	/* In memory, where it stays */
	if (u->d == u->a && !d && (int64_t)u->imm == (int32_t)u->imm) {
		op_imm(&t->a, WIDE, opcode, home(t, u->d), (int32_t)u->imm);
		return;
	}
	r = begin(t);
	with_immediate(t, opcode, r, u->imm);
	done(t, u->d, r);
}

static void put_unary(struct translation *t, unsigned operation)
{
	unsigned r = begin(t);

	op(&t->a, WIDE, OP_UNARY, operation, in_register(r));
	done(t, t->u->d, r);
}

/* d = ~(a op b) */
static void put_inverted(struct translation *t, unsigned opcode)
{
	load_into(t, RAX, t->u->a);
	op(&t->a, WIDE, opcode, RAX, home(t, t->u->b));
	op(&t->a, WIDE, OP_UNARY, UNARY_NOT, in_register(RAX));
	done(t, t->u->d, RAX);
}

/* d = a op ~b */
static void put_complement(struct translation *t, unsigned opcode)
{
	load_into(t, RAX, t->u->b);
	op(&t->a, WIDE, OP_UNARY, UNARY_NOT, in_register(RAX));
	op(&t->a, WIDE, opcode, RAX, home(t, t->u->a));
	done(t, t->u->d, RAX);
}

static void put_extend(struct translation *t, unsigned opcode)
{
	unsigned r = target(t, t->u->d, RAX);

	op(&t->a, opcode == OP_MOVSX_BYTE ? WIDE | BYTE_WIDE : WIDE, opcode, r, home(t, t->u->a));
	done(t, t->u->d, r);
}

/* BSR leaves the target alone if there is no bit. */
static void put_leading_zeros(struct translation *t, unsigned bits)
{
	struct assembler *a = &t->a;
	unsigned how = bits == 64 ? WIDE : 0;

	op_constant(a, RCX, 2 * bits - 1);
	op(a, how, OP_BSR, RAX, home(t, t->u->a));
	op(a, 0, OP_CMOVCC(IF_EQUAL), RAX, in_register(RCX));
	op_imm(a, 0, OP_XOR, in_register(RAX), (int32_t)bits - 1);
	done(t, t->u->d, RAX);
}

static void put_shift_by(struct translation *t, unsigned operation)
{
	unsigned r = begin(t);

	op_imm8(&t->a, WIDE, OP_SHIFT, operation, in_register(r), t->u->b);
	done(t, t->u->d, r);
}

/* r = a rotated, where a word is taken twice unless @mask wants only one */
static void rotate(struct translation *t, unsigned r, bool word, uint64_t mask)
{
	struct assembler *a = &t->a;
	const unsigned by = t->u->b;

	if (!word) {
		load_into(t, r, t->u->a);
		if (by & 63)
			op_imm8(a, WIDE, OP_SHIFT, SHIFT_ROL, in_register(r), by & 63);
		return;
	}
	op(a, 0, OP_MOV, r, home(t, t->u->a));
	if (by & 31)
		op_imm8(a, 0, OP_SHIFT, SHIFT_ROL, in_register(r), by & 31);
	if (mask <= UINT32_MAX)
		return;
	op_mov(a, RCX, r);
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_LEFT, in_register(RCX), 32);
	op(a, WIDE, OP_OR, r, in_register(RCX));
}

/* r = the low bits of a, if the host has an instruction for as many */
static bool extend_zero(struct translation *t, unsigned r, uint64_t mask)
{
	const struct operand a = home(t, t->u->a);

	switch (mask) {
	case UINT8_MAX:
		op(&t->a, BYTE_WIDE, OP_MOVZX_BYTE, r, a);
		return true;
	case UINT16_MAX:
		op(&t->a, 0, OP_MOVZX_HALF, r, a);
		return true;
	case UINT32_MAX:
		op(&t->a, 0, OP_MOV, r, a);
		return true;
	default:
		return false;
	}
}

/* r = the word a shifted, if the mask drops what a rotation by 1 to 31 brings back */
static bool shift_word(struct translation *t, unsigned r, unsigned by, uint64_t mask)
{
	const bool right = mask == (1u << by) - 1, left = mask == UINT32_MAX << by;

	if (!right && !left)
		return false;
	op(&t->a, 0, OP_MOV, r, home(t, t->u->a));
	op_imm8(&t->a, 0, OP_SHIFT, right ? SHIFT_RIGHT : SHIFT_LEFT, in_register(r),
		right ? 32 - by : by);
	return true;
}

static void put_rotate_and(struct translation *t, bool word)
{
	const uint64_t mask = t->u->imm;
	const unsigned by = t->u->b & (word ? 31 : 63);
	unsigned r = target(t, t->u->d, RAX);

	if (by ? word && shift_word(t, r, by, mask) : extend_zero(t, r, mask)) {
		done(t, t->u->d, r);
		return;
	}
	rotate(t, r, word, mask);
	if (!word || mask != UINT32_MAX)
		with_immediate(t, OP_AND, r, mask);
	done(t, t->u->d, r);
}

static void put_rotate_insert(struct translation *t, bool word)
{
	const uint64_t mask = t->u->imm;
	struct assembler *a = &t->a;

	rotate(t, RAX, word, mask);
	with_immediate(t, OP_AND, RAX, mask);
	load_into(t, RDX, t->u->d);
	with_immediate(t, OP_AND, RDX, ~mask);
	op(a, WIDE, OP_OR, RAX, in_register(RDX));
	done(t, t->u->d, RAX);
}

/* By 0 to 63, of a word; more than 31 leave nothing. */
static void put_shift_word(struct translation *t, unsigned operation)
{
	struct assembler *a = &t->a;

	load_into(t, RCX, t->u->b);
	op(a, 0, OP_MOV, RAX, home(t, t->u->a));
	op(a, WIDE, OP_SHIFT_CL, operation, in_register(RAX));
	op(a, 0, OP_MOV, RAX, in_register(RAX));
	done(t, t->u->d, RAX);
}

/* By 0 to 127 */
static void put_shift_doubleword(struct translation *t, unsigned operation)
{
	struct assembler *a = &t->a;

	load_into(t, RCX, t->u->b);
	load_into(t, RAX, t->u->a);
	op(a, WIDE, OP_SHIFT_CL, operation, in_register(RAX));
	op(a, 0, OP_XOR, RDX, in_register(RDX));
	op_test_byte(a, in_register(RCX), 64);
	op(a, WIDE, OP_CMOVCC(IF_NOT_EQUAL), RAX, in_register(RDX));
	done(t, t->u->d, RAX);
}

/* CA: is it negative, and are ones lost? */
static void put_shift_algebraic(struct translation *t, bool word)
{
	const unsigned by = t->u->b;
	struct assembler *a = &t->a;

	op(a, WIDE, word ? OP_MOVSXD : OP_MOV, RAX, home(t, t->u->a));
	op_mov(a, RDX, RAX);
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_ALGEBRAIC, in_register(RDX), 63);
	op(a, WIDE, OP_AND, RDX, in_register(RAX));
	op_constant(a, RCX, (1ull << by) - 1);
	op(a, WIDE, OP_TEST, RCX, in_register(RDX));
	op(a, 0, OP_SETCC(IF_NOT_EQUAL), 0, AT_CPU(ca));
	op(a, 0, OP_SETCC(IF_NOT_EQUAL), 0, AT_CPU(ca32));
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_ALGEBRAIC, in_register(RAX), by);
	done(t, t->u->d, RAX);
}

static void put_multiply_immediate(struct translation *t)
{
	unsigned r = target(t, t->u->d, RAX);

	if ((int64_t)t->u->imm != (int32_t)t->u->imm) {
		op_constant(&t->a, RCX, t->u->imm);
		load_into(t, RAX, t->u->a);
		op(&t->a, WIDE, OP_IMUL, RAX, in_register(RCX));
		done(t, t->u->d, RAX);
		return;
	}
	put_insn(&t->a, WIDE, 0x69, r, home(t, t->u->a), 4);
	put32(&t->a, (uint32_t)t->u->imm);
	done(t, t->u->d, r);
}

static void put_multiply_word(struct translation *t)
{
	op(&t->a, WIDE, OP_MOVSXD, RAX, home(t, t->u->a));
	op(&t->a, WIDE, OP_MOVSXD, RCX, home(t, t->u->b));
	op(&t->a, WIDE, OP_IMUL, RAX, in_register(RCX));
	done(t, t->u->d, RAX);
}

static void put_multiply_high(struct translation *t)
{
	load_into(t, RAX, t->u->a);
	op(&t->a, WIDE, OP_UNARY, UNARY_MUL, home(t, t->u->b));
	done(t, t->u->d, RDX);
}

/* A quotient by zero is zero. */
static void put_divide_unsigned(struct translation *t, unsigned how)
{
	struct assembler *a = &t->a;
	uint8_t *zero;

	op(a, how, OP_MOV, RCX, home(t, t->u->b));
	op(a, 0, OP_XOR, RDX, in_register(RDX));
	op(a, 0, OP_XOR, RAX, in_register(RAX));
	op(a, how, OP_TEST, RCX, in_register(RCX));
	zero = op_jump_if(a, IF_EQUAL);
	op(a, how, OP_MOV, RAX, home(t, t->u->a));
	op(a, how, OP_UNARY, UNARY_DIV, in_register(RCX));
	jump_to(zero, a->at);
	done(t, t->u->d, RAX);
}

/* RDX: as many copies of RAX's sign */
static void put_sign_to_rdx(struct assembler *a, unsigned how)
{
	if (how & WIDE)
		put8(a, 0x48);
	put8(a, 0x99);
}

/* Undefined quotients are zero: by zero, and of the smallest number by -1. */
static void put_divide(struct translation *t, unsigned how)
{
	struct assembler *a = &t->a;
	uint8_t *zero, *minus_one, *fits, *divided;

	op(a, how, OP_MOV, RCX, home(t, t->u->b));
	op(a, how, OP_MOV, RAX, home(t, t->u->a));
	op(a, how, OP_TEST, RCX, in_register(RCX));
	zero = op_jump_if(a, IF_EQUAL);
	op_imm(a, how, OP_CMP, in_register(RCX), -1);
	minus_one = op_jump_if(a, IF_EQUAL);
	put_sign_to_rdx(a, how);
	op(a, how, OP_UNARY, UNARY_IDIV, in_register(RCX));
	divided = op_jump(a);
	jump_to(minus_one, a->at);
	op(a, how, OP_UNARY, UNARY_NEG, in_register(RAX));
	fits = op_jump_if(a, IF_NO_OVERFLOW);
	jump_to(zero, a->at);
	op(a, 0, OP_XOR, RAX, in_register(RAX));
	jump_to(fits, a->at);
	jump_to(divided, a->at);
	done(t, t->u->d, RAX);
}

/*
 * By a register: 0 to 63 of a word, 0 to 127 of a doubleword. A word is sign-extended, so that all
 * amounts do what they should.
 */
static void put_shift_algebraic_by(struct translation *t, bool word)
{
	struct assembler *a = &t->a;
	uint8_t *in_range;

	op(a, WIDE, OP_MOV, RCX, home(t, t->u->b));
	op(a, WIDE, word ? OP_MOVSXD : OP_MOV, RAX, home(t, t->u->a));
	op_constant(a, RDX, 1);
	op(a, WIDE, OP_SHIFT_CL, SHIFT_LEFT, in_register(RDX));
	op_imm(a, WIDE, OP_SUB, in_register(RDX), 1);
	if (!word) {
		op_test_byte(a, in_register(RCX), 64);
		in_range = op_jump_if(a, IF_EQUAL);
		op_constant(a, RCX, 63);
		op_constant(a, RDX, ~0ull);
		jump_to(in_range, a->at);
	}
	/* RDX: the bits that are lost, if it is negative */
	op(a, WIDE, OP_AND, RDX, in_register(RAX));
	op(a, WIDE, OP_SHIFT_CL, SHIFT_ALGEBRAIC, in_register(RAX));
	op_constant(a, RCX, 0);
	op(a, WIDE, OP_TEST, RAX, in_register(RAX));
	op(a, WIDE, OP_CMOVCC(IF_NOT_SIGN), RDX, in_register(RCX));
	op(a, WIDE, OP_TEST, RDX, in_register(RDX));
	op(a, 0, OP_SETCC(IF_NOT_EQUAL), 0, AT_CPU(ca));
	op(a, 0, OP_SETCC(IF_NOT_EQUAL), 0, AT_CPU(ca32));
	done(t, t->u->d, RAX);
}

/*
 * CA as the host's carry. SETcc may just have stored it as a byte. BT would load four bytes, and
 * wait until that store is in the cache.
 */
static void put_carry(struct assembler *a)
{
	op_compare_byte(a, AT_CPU(ca), 1);
	op_complement_carry(a);
}

/* d = x + y + carry, where x is a, or its complement, in RAX and y in RDX */
enum carry {
	CARRY_0,
	CARRY_1,
	CARRY_CA
};
static void put_add_carry(struct translation *t, bool complement, bool immediate, enum carry carry)
{
	const struct uop *u = t->u;
	struct assembler *a = &t->a;

	load_into(t, RAX, u->a);
	if (immediate)
		op_constant(a, RDX, u->imm);
	else
		load_into(t, RDX, u->b);
	if (complement)
		op(a, WIDE, OP_UNARY, UNARY_NOT, in_register(RAX));
	op_mov(a, RCX, RAX);
	op(a, WIDE, OP_XOR, RCX, in_register(RDX));
	if (carry == CARRY_1)
		op_set_carry(a);
	else if (carry == CARRY_CA)
		put_carry(a);
	op(a, WIDE, carry == CARRY_0 ? OP_ADD : OP_ADC, RAX, in_register(RDX));
	op(a, 0, OP_SETCC(IF_BELOW), 0, AT_CPU(ca));
	op(a, WIDE, OP_XOR, RCX, in_register(RAX));
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), 32);
	op_imm(a, 0, OP_AND, in_register(RCX), 1);
	store_byte(t, RCX, AT_CPU(ca32));
	done(t, u->d, RAX);
}

/* Of a register from itself, which leaves CA: the usual way to make a mask of it */
static void put_subfe(struct translation *t)
{
	struct assembler *a = &t->a;

	if (t->u->a != t->u->b) {
		put_add_carry(t, true, false, CARRY_CA);
		return;
	}
	op(a, 0, OP_MOVZX_BYTE, RAX, AT_CPU(ca));
	store_byte(t, RAX, AT_CPU(ca32));
	op_imm(a, WIDE, OP_SUB, in_register(RAX), 1);
	done(t, t->u->d, RAX);
}

/* ---- comparisons ---- */

static void put_compare(struct translation *t, unsigned how, bool is_signed, bool immediate)
{
	put_flags(t, how, immediate, (int64_t)t->u->imm, t->u->b);
	put_order(t, is_signed, t->u->d);
}

static void put_record(struct translation *t, unsigned how)
{
	put_flags(t, how, true, 0, 0);
	put_order(t, true, offsetof(struct cpu, cr));
}

static void put_isel(struct translation *t)
{
	const struct uop *u = t->u;

	load_into(t, RAX, u->b);
	test_cr(t, (unsigned)(u->imm >> 8), u->imm & 0xff);
	op(&t->a, WIDE, OP_CMOVCC(IF_NOT_EQUAL), RAX, home(t, u->a));
	done(t, u->d, RAX);
}

/* d = is a branch's condition met? a: BO */
static void put_condition(struct translation *t)
{
	const unsigned bo = t->u->a;
	struct assembler *a = &t->a;

	op_constant(a, RAX, 1);
	if (!(bo & 16)) {
		test_cr(t, (unsigned)(t->u->imm >> 8), t->u->imm & 0xff);
		op(a, 0, OP_SETCC(bo & 8 ? IF_NOT_EQUAL : IF_EQUAL), 0, in_register(RAX));
	}
	if (!(bo & 4)) {
		op(a, 0, OP_XOR, RCX, in_register(RCX));
		op_imm(a, t->mode & CODE_32 ? 0 : WIDE, OP_CMP, AT_CPU(ctr), 0);
		op(a, 0, OP_SETCC(bo & 2 ? IF_EQUAL : IF_NOT_EQUAL), 0, in_register(RCX));
		op(a, 0, OP_AND, RAX, in_register(RCX));
	}
	done(t, t->u->d, RAX);
}

/* ---- calls ---- */

/* CR0 of a record form, from the GPR @n */
static void put_rc(struct translation *t, uint32_t insn, unsigned n)
{
	unsigned r;

	if (!F_REC(insn))
		return;
	r = value(t, GPR(n), RAX);
	op(&t->a, t->mode & CODE_32 ? 0 : WIDE, OP_TEST, r, in_register(r));
	put_order(t, true, offsetof(struct cpu, cr));
}

/* RT = the high half of a product. @signs: of signed factors */
static void put_mulh_word(struct translation *t, uint32_t insn, unsigned signs)
{
	struct assembler *a = &t->a;
	const unsigned how = signs ? WIDE : 0, move = signs ? OP_MOVSXD : OP_MOV;

	op(a, how, move, RAX, home(t, GPR(F_RA(insn))));
	op(a, how, move, RCX, home(t, GPR(F_RB(insn))));
	op(a, WIDE, OP_IMUL, RAX, in_register(RCX));
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RAX), 32);
	done(t, GPR(F_RT(insn)), RAX);
	put_rc(t, insn, F_RT(insn));
}

static void put_mulhd(struct translation *t, uint32_t insn, unsigned how)
{
	(void)how;
	load_into(t, RAX, GPR(F_RA(insn)));
	op(&t->a, WIDE, OP_UNARY, UNARY_IMUL, home(t, GPR(F_RB(insn))));
	done(t, GPR(F_RT(insn)), RDX);
	put_rc(t, insn, F_RT(insn));
}

static void put_maddld(struct translation *t, uint32_t insn, unsigned how)
{
	(void)how;
	load_into(t, RAX, GPR(F_RA(insn)));
	op(&t->a, WIDE, OP_IMUL, RAX, home(t, GPR(F_RB(insn))));
	op(&t->a, WIDE, OP_ADD, RAX, home(t, GPR(F_RC(insn))));
	done(t, GPR(F_RT(insn)), RAX);
}

static void put_popcntd(struct translation *t, uint32_t insn, unsigned how)
{
	(void)how;
	op(&t->a, WIDE | PREFIX_F3, OP_POPCNT, RAX, home(t, GPR(F_RT(insn))));
	done(t, GPR(F_RA(insn)), RAX);
}

/* BSF leaves the target alone if there is no bit. */
static void put_trailing_zeros(struct translation *t, uint32_t insn, unsigned bits)
{
	struct assembler *a = &t->a;

	op_constant(a, RCX, bits);
	op(a, bits == 64 ? WIDE : 0, OP_BSF, RAX, home(t, GPR(F_RT(insn))));
	op(a, WIDE, OP_CMOVCC(IF_EQUAL), RAX, in_register(RCX));
	done(t, GPR(F_RA(insn)), RAX);
	put_rc(t, insn, F_RA(insn));
}

static void put_extswsli(struct translation *t, uint32_t insn, unsigned how)
{
	(void)how;
	op(&t->a, WIDE, OP_MOVSXD, RAX, home(t, GPR(F_RT(insn))));
	op_imm8(&t->a, WIDE, OP_SHIFT, SHIFT_LEFT, in_register(RAX),
		F_RB(insn) | (insn >> 1 & 1) << 5);
	done(t, GPR(F_RA(insn)), RAX);
	put_rc(t, insn, F_RA(insn));
}

/* RA = RS rotated by RB, and a mask: of rldcl (how: 0) or rldcr (1) */
static void put_rotate_doubleword_by(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned end = FIELD(insn, 21, 25) | (insn >> 5 & 1) << 5;

	load_into(t, RCX, GPR(F_RB(insn)));
	load_into(t, RAX, GPR(F_RT(insn)));
	op(&t->a, WIDE, OP_SHIFT_CL, SHIFT_ROL, in_register(RAX));
	with_immediate(t, OP_AND, RAX, how ? mask64(0, end) : mask64(end, 63));
	done(t, GPR(F_RA(insn)), RAX);
	put_rc(t, insn, F_RA(insn));
}

/* A word is rotated as a doubleword that has it twice. */
static void put_rlwnm(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	(void)how;
	load_into(t, RCX, GPR(F_RB(insn)));
	op(a, 0, OP_MOV, RAX, home(t, GPR(F_RT(insn))));
	op(a, 0, OP_SHIFT_CL, SHIFT_ROL, in_register(RAX));
	op_mov(a, RCX, RAX);
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_LEFT, in_register(RCX), 32);
	op(a, WIDE, OP_OR, RAX, in_register(RCX));
	with_immediate(t, OP_AND, RAX, mask64(FIELD(insn, 21, 25) + 32, FIELD(insn, 26, 30) + 32));
	done(t, GPR(F_RA(insn)), RAX);
	put_rc(t, insn, F_RA(insn));
}

/* Bytes that are equal become ones. */
static void put_cmpb(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	(void)how;
	vex(a, V_FROM_GPR | VEX_W, XMM(0), NO_SECOND, home(t, GPR(F_RT(insn))));
	vex(a, V_FROM_GPR | VEX_W, XMM(1), NO_SECOND, home(t, GPR(F_RB(insn))));
	vex(a, V_PCMPEQB, XMM(0), XMM(0), in_register(XMM(1)));
	vex(a, V_TO_GPR | VEX_W, XMM(0), NO_SECOND, in_register(RAX));
	done(t, GPR(F_RA(insn)), RAX);
}

/* Ends in the interpreter, which raises the interrupt. */
static void put_trap_if(struct translation *t, unsigned to)
{
	static const enum host_condition conditions[] = { IF_ABOVE, IF_BELOW, IF_EQUAL, IF_GREATER,
							  IF_LESS };

	for (unsigned i = 0; i < 5; i++)
		if (to >> i & 1)
			interpret_if(t, conditions[i]);
}

static void put_trap(struct translation *t, uint32_t insn, unsigned how)
{
	op(&t->a, how, OP_CMP, value(t, GPR(F_RA(insn)), RAX), home(t, GPR(F_RB(insn))));
	put_trap_if(t, F_RT(insn));
}

static void put_trap_immediate(struct translation *t, uint32_t insn, unsigned how)
{
	op_imm(&t->a, how, OP_CMP, home(t, GPR(F_RA(insn))), (int32_t)F_SI(insn));
	put_trap_if(t, F_RT(insn));
}

/* ---- the condition register ---- */

static struct operand cr_field(unsigned n)
{
	return at_base(CPU, (int32_t)(offsetof(struct cpu, cr) + n) - BIAS);
}

/* Bit 0 of @r: CR bit @bit; what is above it is not cleared. */
static void put_cr_bit(struct translation *t, unsigned r, unsigned bit)
{
	op(&t->a, 0, OP_MOVZX_BYTE, r, cr_field(bit >> 2));
	if (3 - (bit & 3))
		op_imm8(&t->a, 0, OP_SHIFT, SHIFT_RIGHT, in_register(r), 3 - (bit & 3));
}

static void put_crlogic(struct translation *t, uint32_t insn, unsigned how)
{
	static const struct {
		uint16_t number;
		uint8_t opcode;
		bool complement, invert; /* of b; of the result */
	} forms[] = { { 257, OP_AND, false, false }, { 129, OP_AND, true, false },
		      { 289, OP_XOR, true, false },  { 225, OP_AND, false, true },
		      { 33, OP_OR, false, true },    { 449, OP_OR, false, false },
		      { 417, OP_OR, true, false },   { 193, OP_XOR, false, false } };
	const unsigned bit = 8u >> (F_RT(insn) & 3);
	struct assembler *a = &t->a;
	unsigned i = 0;

	(void)how;
	while (forms[i].number != (insn >> 1 & 1023))
		i++;
	put_cr_bit(t, RAX, F_RA(insn));
	put_cr_bit(t, RCX, F_RB(insn));
	if (forms[i].complement)
		op_imm(a, 0, OP_XOR, in_register(RCX), 1);
	op(a, 0, forms[i].opcode, RAX, in_register(RCX));
	if (forms[i].invert)
		op_imm(a, 0, OP_XOR, in_register(RAX), 1);
	op_imm(a, 0, OP_AND, in_register(RAX), 1);
	if (3 - (F_RT(insn) & 3))
		op_imm8(a, 0, OP_SHIFT, SHIFT_LEFT, in_register(RAX), 3 - (F_RT(insn) & 3));
	op(a, 0, OP_MOVZX_BYTE, RCX, cr_field(F_RT(insn) >> 2));
	op_imm(a, 0, OP_AND, in_register(RCX), (int32_t)(15 & ~bit));
	op(a, 0, OP_OR, RAX, in_register(RCX));
	store_byte(t, RAX, cr_field(F_RT(insn) >> 2));
}

static void put_mcrf(struct translation *t, uint32_t insn, unsigned how)
{
	(void)how;
	op(&t->a, 0, OP_MOVZX_BYTE, RAX, cr_field(F_RA(insn) >> 2));
	store_byte(t, RAX, cr_field(F_RT(insn) >> 2));
}

static void put_mfcr(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;
	const unsigned fxm = FXM(insn), field = fxm ? (unsigned)__builtin_clz(fxm) - 24 : 0;

	(void)how;
	if (!ONE_FIELD(insn)) {
		op(a, WIDE, OP_MOV, RAX, cr_field(0));
		op_bswap(a, WIDE, RAX);
		op_constant(a, RCX, CR_NIBBLES);
		vex(a, V_PEXT | VEX_W, RAX, RAX, in_register(RCX));
	} else if (!fxm || fxm & (fxm - 1)) {
		op_constant(a, RAX, 0);
	} else {
		op(a, 0, OP_MOVZX_BYTE, RAX, cr_field(field));
		op_imm8(a, 0, OP_SHIFT, SHIFT_LEFT, in_register(RAX), 4 * (7 - field));
	}
	done(t, GPR(F_RT(insn)), RAX);
}

static void put_mtcrf(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;
	const unsigned r = value(t, GPR(F_RT(insn)), RDX);

	(void)how;
	if (FXM(insn) == 255) {
		op_constant(a, RCX, CR_NIBBLES);
		op(a, 0, OP_MOV, RAX, in_register(r));
		vex(a, V_PDEP | VEX_W, RAX, RAX, in_register(RCX));
		op_bswap(a, WIDE, RAX);
		op(a, WIDE, OP_STORE, RAX, cr_field(0));
		return;
	}
	for (unsigned i = 0; i < 8; i++) {
		if (!(FXM(insn) & 0x80u >> i))
			continue;
		op(a, 0, OP_MOV, RAX, in_register(r));
		if (i != 7)
			op_imm8(a, 0, OP_SHIFT, SHIFT_RIGHT, in_register(RAX), 28 - 4 * i);
		op_imm(a, 0, OP_AND, in_register(RAX), 15);
		store_byte(t, RAX, cr_field(i));
	}
}

static void put_setb(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;
	const unsigned field = offsetof(struct cpu, cr) + (F_RA(insn) >> 2);

	(void)how;
	op(a, 0, OP_XOR, RAX, in_register(RAX));
	op_constant(a, RCX, ~0ull);
	test_cr(t, field, CR_GT);
	op(a, 0, OP_SETCC(IF_NOT_EQUAL), 0, in_register(RAX));
	test_cr(t, field, CR_LT);
	op(a, WIDE, OP_CMOVCC(IF_NOT_EQUAL), RAX, in_register(RCX));
	done(t, GPR(F_RT(insn)), RAX);
}

/* ---- barriers: insn/barrier.c says what each orders ---- */

/* The host keeps all accesses in order but a store before a later load. */
static void put_lwsync(struct translation *t, uint32_t insn, unsigned how)
{
	(void)t;
	(void)insn;
	(void)how;
}

static void put_sync(struct translation *t, uint32_t insn, unsigned how)
{
	(void)insn;
	(void)how;
	op_fence(&t->a);
}

/* If code was dropped since the last one, it is the interpreter's. */
static void put_isync(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	(void)insn;
	(void)how;
	op(a, WIDE, OP_MOV, RAX, AT_CPU(engine));
	op(a, 0, OP_MOV, RAX, at_base(RAX, offsetof(struct power_engine, drops)));
	op(a, 0, OP_CMP, RAX, AT_CPU(drops_seen));
	interpret_if(t, IF_NOT_EQUAL);
}

const struct sem_recipe fixed_recipes[] = {
	{ .sem = sem_lwsync, .put = put_lwsync },
	{ .sem = sem_sync, .put = put_sync },
	{ .sem = sem_isync, .put = put_isync },
	{ .sem = sem_mulhw, .put = put_mulh_word, .how = true },
	{ .sem = sem_mulhwu, .put = put_mulh_word, .how = false },
	{ .sem = sem_mulhd, .put = put_mulhd },
	{ .sem = sem_maddld, .put = put_maddld },
	{ .sem = sem_popcntd, .put = put_popcntd, .needs = HOST_POPCNT },
	{ .sem = sem_cnttzw, .put = put_trailing_zeros, .how = 32 },
	{ .sem = sem_cnttzd, .put = put_trailing_zeros, .how = 64 },
	{ .sem = sem_extswsli, .put = put_extswsli },
	{ .sem = sem_rldcl, .put = put_rotate_doubleword_by, .how = 0 },
	{ .sem = sem_rldcr, .put = put_rotate_doubleword_by, .how = 1 },
	{ .sem = sem_rlwnm, .put = put_rlwnm },
	{ .sem = sem_cmpb, .put = put_cmpb, .needs = HOST_AVX2 },
	{ .sem = sem_tw, .put = put_trap, .how = 0 },
	{ .sem = sem_td, .put = put_trap, .how = WIDE },
	{ .sem = sem_twi, .put = put_trap_immediate, .how = 0 },
	{ .sem = sem_tdi, .put = put_trap_immediate, .how = WIDE },
	{ .sem = sem_crlogic, .put = put_crlogic },
	{ .sem = sem_mcrf, .put = put_mcrf },
	{ .sem = sem_mfcr, .put = put_mfcr, .needs = HOST_BMI2 },
	{ .sem = sem_mtcrf, .put = put_mtcrf, .needs = HOST_BMI2 },
	{ .sem = sem_setb, .put = put_setb },
	{ .sem = NULL },
};

/* ---- which ---- */

bool recipe_fixed(struct translation *t)
{
	const struct uop *u = t->u;
	struct assembler *a = &t->a;

	switch (u->kind) {
		RECIPE(add, put_add(t));
		RECIPE(subf, put_subf(t));
		RECIPE(addi, put_immediate(t, OP_ADD));
		RECIPE(neg, put_unary(t, UNARY_NEG));
		RECIPE(mulli, put_multiply_immediate(t));
		RECIPE(mulld, put_binary(t, OP_IMUL, true));
		RECIPE(mullw, put_multiply_word(t));
		RECIPE(mulhdu, put_multiply_high(t));
		RECIPE(divd, put_divide(t, WIDE));
		RECIPE(divw, put_divide(t, 0));
		RECIPE(sraw, put_shift_algebraic_by(t, true));
		RECIPE(srad, put_shift_algebraic_by(t, false));
		RECIPE(condition, put_condition(t));
		RECIPE(divdu, put_divide_unsigned(t, WIDE));
		RECIPE(divwu, put_divide_unsigned(t, 0));
		RECIPE(addc, put_add_carry(t, false, false, CARRY_0));
		RECIPE(addic, put_add_carry(t, false, true, CARRY_0));
		RECIPE(adde, put_add_carry(t, false, false, CARRY_CA));
		RECIPE(addei, put_add_carry(t, false, true, CARRY_CA));
		RECIPE(subfc, put_add_carry(t, true, false, CARRY_1));
		RECIPE(subfic, put_add_carry(t, true, true, CARRY_1));
		RECIPE(subfe, put_subfe(t));
		RECIPE(subfei, put_add_carry(t, true, true, CARRY_CA));
		RECIPE(and, put_binary(t, OP_AND, true));
		RECIPE(or, put_binary(t, OP_OR, true));
		RECIPE(xor, put_binary(t, OP_XOR, true));
		RECIPE(nand, put_inverted(t, OP_AND));
		RECIPE(nor, put_inverted(t, OP_OR));
		RECIPE(eqv, put_inverted(t, OP_XOR));
		RECIPE(andc, put_complement(t, OP_AND));
		RECIPE(orc, put_complement(t, OP_OR));
		RECIPE(andi, put_immediate(t, OP_AND));
		RECIPE(ori, put_immediate(t, OP_OR));
		RECIPE(xori, put_immediate(t, OP_XOR));
		RECIPE(extsb, put_extend(t, OP_MOVSX_BYTE));
		RECIPE(extsh, put_extend(t, OP_MOVSX_HALF));
		RECIPE(extsw, put_extend(t, OP_MOVSXD));
		RECIPE(cntlzd, put_leading_zeros(t, 64));
		RECIPE(cntlzw, put_leading_zeros(t, 32));
		RECIPE(sldi, put_shift_by(t, SHIFT_LEFT));
		RECIPE(srdi, put_shift_by(t, SHIFT_RIGHT));
		RECIPE(rotw_and, put_rotate_and(t, true));
		RECIPE(rotd_and, put_rotate_and(t, false));
		RECIPE(rotw_insert, put_rotate_insert(t, true));
		RECIPE(rotd_insert, put_rotate_insert(t, false));
		RECIPE(slw, put_shift_word(t, SHIFT_LEFT));
		RECIPE(srw, put_shift_word(t, SHIFT_RIGHT));
		RECIPE(sld, put_shift_doubleword(t, SHIFT_LEFT));
		RECIPE(srd, put_shift_doubleword(t, SHIFT_RIGHT));
		RECIPE(srawi, put_shift_algebraic(t, true));
		RECIPE(sradi, put_shift_algebraic(t, false));
		RECIPE(cmpd, put_compare(t, WIDE, true, false));
		RECIPE(cmpdi, put_compare(t, WIDE, true, true));
		RECIPE(cmpld, put_compare(t, WIDE, false, false));
		RECIPE(cmpldi, put_compare(t, WIDE, false, true));
		RECIPE(cmpw, put_compare(t, 0, true, false));
		RECIPE(cmpwi, put_compare(t, 0, true, true));
		RECIPE(cmplw, put_compare(t, 0, false, false));
		RECIPE(cmplwi, put_compare(t, 0, false, true));
		RECIPE(record, put_record(t, WIDE));
		RECIPE(record32, put_record(t, 0));
		RECIPE(isel, put_isel(t));
	case UOP_li:
		op_constant(a, target(t, u->d, RAX), u->imm);
		done(t, u->d, target(t, u->d, RAX));
		return true;
	case UOP_mr:
		done(t, u->d, value(t, u->a, target(t, u->d, RAX)));
		return true;
	case UOP_pc:
		op(a, WIDE, OP_MOV, RAX, AT_CPU(page_ea));
		with_immediate(t, OP_ADD, RAX, u->imm);
		done(t, u->d, RAX);
		return true;
	case UOP_dec_ctr:
		op_imm(a, WIDE, OP_SUB, AT_CPU(ctr), 1);
		return true;
	case UOP_priority:
		op(a, WIDE, OP_MOV, RAX, AT_CPU(ppr));
		with_immediate(t, OP_AND, RAX, ~PPR_PRI);
		with_immediate(t, OP_OR, RAX, u->imm);
		op(a, WIDE, OP_STORE, RAX, AT_CPU(ppr));
		return true;
	case UOP_carry32:
		op(a, 0, OP_MOVZX_BYTE, RAX, AT_CPU(ca32));
		store_byte(t, RAX, AT_CPU(ca));
		return true;
	default:
		return false;
	}
}
