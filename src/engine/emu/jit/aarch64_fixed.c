/* SPDX-License-Identifier: BSD-2-Clause */
/* The emitter for AArch64: fixed point, comparisons and moves. */
#include "engine/emu/insn/insn.h"
#include "engine/emu/jit/aarch64.h"

/* d = a op b */
static void put_binary(struct translation *t, uint32_t opcode)
{
	const struct uop *u = t->u;
	const unsigned x = value(t, u->a, T0), y = value(t, u->b, T1), r = target(t, u->d, T0);

	op(&t->a, opcode, r, x, y);
	done(t, u->d, r);
}

/* d = b op a */
static void put_reversed(struct translation *t, uint32_t opcode)
{
	const struct uop *u = t->u;
	const unsigned x = value(t, u->a, T0), y = value(t, u->b, T1), r = target(t, u->d, T0);

	op(&t->a, opcode, r, y, x);
	done(t, u->d, r);
}

/* d = ~(a op b) */
static void put_inverted(struct translation *t, uint32_t opcode)
{
	const struct uop *u = t->u;
	const unsigned x = value(t, u->a, T0), y = value(t, u->b, T1), r = target(t, u->d, T0);

	op(&t->a, opcode, T0, x, y);
	op(&t->a, WIDE | OP_ORN, r, ZR, T0);
	done(t, u->d, r);
}

static void put_add_immediate(struct translation *t)
{
	const unsigned x = value(t, t->u->a, T0), r = target(t, t->u->d, T0);

	add_immediate(&t->a, r, x, t->u->imm);
	done(t, t->u->d, r);
}

static void put_logic_immediate(struct translation *t, uint32_t opcode)
{
	const unsigned x = value(t, t->u->a, T0), r = target(t, t->u->d, T0);

	logic_immediate(&t->a, opcode, r, x, t->u->imm);
	done(t, t->u->d, r);
}

static void put_multiply_immediate(struct translation *t)
{
	const unsigned x = value(t, t->u->a, T0), r = target(t, t->u->d, T0);

	op_constant(&t->a, T1, t->u->imm);
	op(&t->a, WIDE | OP_MUL, r, x, T1);
	done(t, t->u->d, r);
}

static void put_negate(struct translation *t)
{
	const unsigned x = value(t, t->u->a, T0), r = target(t, t->u->d, T0);

	op(&t->a, WIDE | OP_SUB, r, ZR, x);
	done(t, t->u->d, r);
}

static void put_leading_zeros(struct translation *t, uint32_t how)
{
	const unsigned x = value(t, t->u->a, T0), r = target(t, t->u->d, T0);

	op_one(&t->a, how | OP_CLZ, r, x);
	done(t, t->u->d, r);
}

static void put_extend(struct translation *t, unsigned bits)
{
	const unsigned x = value(t, t->u->a, T0), r = target(t, t->u->d, T0);

	op_extend(&t->a, r, x, bits);
	done(t, t->u->d, r);
}

/*
 * Undefined quotients are zero: the host's by zero is, and that of the smallest number by -1 is
 * made so.
 */
static void put_divide(struct translation *t, uint32_t how)
{
	const struct uop *u = t->u;
	const unsigned x = value(t, u->a, T0), y = value(t, u->b, T1), r = target(t, u->d, T0);
	struct assembler *a = &t->a;

	op_add_imm(a, how | OP_ADDS, ZR, y, 1);
	op_compare_if(a, how, ZR, x, IF_EQUAL, 0);
	op(a, how | OP_SDIV, r, x, y);
	op_select(a, how | OP_CSEL, r, ZR, r, IF_OVERFLOW);
	done(t, u->d, r);
}

/* ---- shifts and rotations ---- */

static void put_shift_by(struct translation *t,
			 void (*shift)(struct assembler *a, unsigned d, unsigned n, unsigned by))
{
	const unsigned x = value(t, t->u->a, T0), r = target(t, t->u->d, T0);

	shift(&t->a, r, x, t->u->b);
	done(t, t->u->d, r);
}

/* r = @x, of which only the low word counts, rotated left, twice unless @mask wants only one */
static void rotate_word(struct assembler *a, unsigned r, unsigned x, unsigned by, uint64_t mask)
{
	op_rotate(a, 0, r, x, -by & 31);
	if (mask > UINT32_MAX)
		op_shifted(a, WIDE | OP_ORR, r, r, r, LEFT, 32);
}

static void rotate(struct translation *t, unsigned r, bool word)
{
	const unsigned x = value(t, t->u->a, r);

	if (word)
		rotate_word(&t->a, r, x, t->u->b, t->u->imm);
	else
		op_rotate(&t->a, WIDE, r, x, -(unsigned)t->u->b & 63);
}

static void put_rotate_and(struct translation *t, bool word)
{
	const unsigned r = target(t, t->u->d, T0);

	rotate(t, r, word);
	if (!word || t->u->imm != UINT32_MAX)
		logic_immediate(&t->a, OP_AND, r, r, t->u->imm);
	done(t, t->u->d, r);
}

/* d ^= (rotated ^ d) & mask */
static void put_rotate_insert(struct translation *t, bool word)
{
	struct assembler *a = &t->a;
	unsigned d, r;

	rotate(t, T0, word);
	d = value(t, t->u->d, T1);
	r = target(t, t->u->d, T1);
	op(a, WIDE | OP_EOR, T0, T0, d);
	logic_immediate(a, OP_AND, T0, T0, t->u->imm);
	op(a, WIDE | OP_EOR, r, d, T0);
	done(t, t->u->d, r);
}

/* By 0 to 63, of a word; more than 31 leave nothing. */
static void put_shift_word(struct translation *t, uint32_t opcode)
{
	const struct uop *u = t->u;
	const unsigned x = value(t, u->a, T0), by = value(t, u->b, T1), r = target(t, u->d, T0);

	op_mov_word(&t->a, T0, x);
	op(&t->a, WIDE | opcode, T0, T0, by);
	op_mov_word(&t->a, r, T0);
	done(t, u->d, r);
}

/* By 0 to 127 */
static void put_shift_doubleword(struct translation *t, uint32_t opcode)
{
	const struct uop *u = t->u;
	const unsigned x = value(t, u->a, T0), by = value(t, u->b, T1), r = target(t, u->d, T0);

	test_bits(&t->a, by, 64);
	op(&t->a, WIDE | opcode, r, x, by);
	op_select(&t->a, WIDE | OP_CSEL, r, ZR, r, IF_NOT_EQUAL);
	done(t, u->d, r);
}

/* CA: are ones lost, as the flags say (not equal), from a negative number, T0? T1 is scratch. */
static void put_lost(struct translation *t)
{
	struct assembler *a = &t->a;

	op_set(a, T1, IF_NOT_EQUAL);
	op_shifted(a, WIDE | OP_AND, T1, T1, T0, RIGHT, 63);
	store_byte(a, T1, AT(ca));
	store_byte(a, T1, AT(ca32));
}

/* T0 = a, or its low word, sign-extended */
static void load_shifted(struct translation *t, bool word)
{
	const unsigned x = value(t, t->u->a, T0);

	if (word)
		op_extend(&t->a, T0, x, 32);
	else
		op_mov(&t->a, T0, x);
}

static void put_shift_algebraic(struct translation *t, bool word)
{
	const unsigned by = t->u->b;
	struct assembler *a = &t->a;
	unsigned r;

	load_shifted(t, word);
	if (by) {
		test_bits(a, T0, (1ull << by) - 1);
		put_lost(t);
	} else {
		store_byte(a, ZR, AT(ca));
		store_byte(a, ZR, AT(ca32));
	}
	r = target(t, t->u->d, T0);
	op_shift_algebraic(a, r, T0, by);
	done(t, t->u->d, r);
}

/*
 * By a register: 0 to 63 of a word, which is sign-extended, so that all amounts do what they
 * should; 0 to 127 of a doubleword. Ones are lost if shifting back does not give the number.
 */
static void put_shift_algebraic_by(struct translation *t, bool word)
{
	struct assembler *a = &t->a;
	unsigned by;

	load_shifted(t, word);
	by = value(t, t->u->b, T1);
	if (!word) {
		test_bits(a, by, 64);
		op_constant(a, T2, 63);
		op_select(a, WIDE | OP_CSEL, T2, T2, by, IF_NOT_EQUAL);
		by = T2;
	}
	op(a, WIDE | OP_ASR, T3, T0, by);
	op(a, WIDE | OP_LSL, T4, T3, by);
	if (!word) /* all are, by more than 63 */
		op_select(a, WIDE | OP_CSINV, T4, T4, T0, IF_EQUAL);
	op(a, WIDE | OP_SUBS, ZR, T4, T0);
	put_lost(t);
	done(t, t->u->d, T3);
}

/* ---- carries ---- */

/* d = x + y + carry, where x is a, or its complement */
enum carry {
	CARRY_0,
	CARRY_1,
	CARRY_CA
};
static void put_add_carry(struct translation *t, bool complement, bool immediate, enum carry carry)
{
	const struct uop *u = t->u;
	struct assembler *a = &t->a;
	unsigned x, y;

	x = value(t, u->a, T0);
	if (immediate)
		op_constant(a, T1, u->imm);
	y = immediate ? T1 : value(t, u->b, T1);
	/* The sum's bits without carries into them */
	op(a, WIDE | (complement ? OP_EON : OP_EOR), T2, x, y);
	if (carry == CARRY_CA) {
		load_byte(a, T3, AT(ca));
		op_add_imm(a, OP_SUBS, ZR, T3, 1);
	}
	/* The host's carry of y - x is the guest's of y + ~x + 1. */
	if (complement)
		op(a, WIDE | (carry == CARRY_1 ? OP_SUBS : OP_SBCS), T3, y, x);
	else
		op(a, WIDE | (carry == CARRY_0 ? OP_ADDS : OP_ADCS), T3, x, y);
	op_set(a, T4, IF_CARRY);
	store_byte(a, T4, AT(ca));
	op(a, WIDE | OP_EOR, T2, T2, T3);
	op_extract(a, T2, T2, 32, 1);
	store_byte(a, T2, AT(ca32));
	done(t, u->d, T3);
}

/* ---- comparisons ---- */

static void put_compare(struct translation *t, uint32_t how, bool is_signed, bool immediate)
{
	put_flags(t, how, immediate, (int64_t)t->u->imm, t->u->b);
	put_order(t, is_signed, t->u->d);
}

static void put_record(struct translation *t, uint32_t how)
{
	put_flags(t, how, true, 0, 0);
	put_order(t, true, AT(cr));
}

static void put_isel(struct translation *t)
{
	const struct uop *u = t->u;
	const unsigned x = value(t, u->a, T0), y = value(t, u->b, T1), r = target(t, u->d, T0);

	test_cr(t, (unsigned)(u->imm >> 8), u->imm & 0xff);
	op_select(&t->a, WIDE | OP_CSEL, r, x, y, IF_NOT_EQUAL);
	done(t, u->d, r);
}

/* d = is a branch's condition met? a: BO */
static void put_condition(struct translation *t)
{
	const unsigned bo = t->u->a;
	struct assembler *a = &t->a;

	if (bo & 16) {
		op_constant(a, T0, 1);
	} else {
		test_cr(t, (unsigned)(t->u->imm >> 8), t->u->imm & 0xff);
		op_set(a, T0, bo & 8 ? IF_NOT_EQUAL : IF_EQUAL);
	}
	if (!(bo & 4)) {
		load_cpu(a, T1, AT(ctr));
		compare_immediate(a, t->mode & CODE_32 ? 0 : WIDE, T1, 0);
		op_set(a, T1, bo & 2 ? IF_EQUAL : IF_NOT_EQUAL);
		op(a, OP_AND, T0, T0, T1);
	}
	done(t, t->u->d, T0);
}

/* ---- calls ---- */

/* CR0 of a record form, from the GPR @n */
static void put_rc(struct translation *t, uint32_t insn, unsigned n)
{
	if (!F_REC(insn))
		return;
	compare_immediate(&t->a, t->mode & CODE_32 ? 0 : WIDE, value(t, GPR(n), T0), 0);
	put_order(t, true, AT(cr));
}

/* RT = the high half of a product of words */
static void put_mulh_word(struct translation *t, uint32_t insn, unsigned opcode)
{
	struct assembler *a = &t->a;

	op(a, opcode, T0, value(t, GPR(F_RA(insn)), T0), value(t, GPR(F_RB(insn)), T1));
	op_shift_right(a, T0, T0, 32);
	done(t, GPR(F_RT(insn)), T0);
	put_rc(t, insn, F_RT(insn));
}

static void put_mulhd(struct translation *t, uint32_t insn, unsigned how)
{
	(void)how;
	op(&t->a, OP_SMULH, T0, value(t, GPR(F_RA(insn)), T0), value(t, GPR(F_RB(insn)), T1));
	done(t, GPR(F_RT(insn)), T0);
	put_rc(t, insn, F_RT(insn));
}

static void put_maddld(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned x = value(t, GPR(F_RA(insn)), T0), y = value(t, GPR(F_RB(insn)), T1);

	(void)how;
	op_madd(&t->a, T0, x, y, value(t, GPR(F_RC(insn)), T2));
	done(t, GPR(F_RT(insn)), T0);
}

static void put_popcntd(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	(void)how;
	op_one(a, OP_FROM_GPR, 0, value(t, GPR(F_RT(insn)), T0));
	op_one(a, OP_COUNT_ONES, 0, 0);
	op_one(a, OP_SUM_BYTES, 0, 0);
	op_one(a, OP_TO_GPR, T0, 0);
	done(t, GPR(F_RA(insn)), T0);
}

static void put_trailing_zeros(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	op_one(a, how | OP_RBIT, T0, value(t, GPR(F_RT(insn)), T0));
	op_one(a, how | OP_CLZ, T0, T0);
	done(t, GPR(F_RA(insn)), T0);
	put_rc(t, insn, F_RA(insn));
}

static void put_extswsli(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	(void)how;
	op_extend(a, T0, value(t, GPR(F_RT(insn)), T0), 32);
	op_shift_left(a, T0, T0, F_RB(insn) | (insn >> 1 & 1) << 5);
	done(t, GPR(F_RA(insn)), T0);
	put_rc(t, insn, F_RA(insn));
}

/* T1 = how far to the right it is to the left by the register @b */
static void load_left_count(struct translation *t, unsigned b)
{
	op(&t->a, WIDE | OP_SUB, T1, ZR, value(t, GPR(b), T1));
}

/* RA = RS rotated by RB, and a mask: of rldcl (how: 0) or rldcr (1) */
static void put_rotate_doubleword_by(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned end = FIELD(insn, 21, 25) | (insn >> 5 & 1) << 5;
	struct assembler *a = &t->a;

	load_left_count(t, F_RB(insn));
	op(a, WIDE | OP_ROR, T0, value(t, GPR(F_RT(insn)), T0), T1);
	logic_immediate(a, OP_AND, T0, T0, how ? mask64(0, end) : mask64(end, 63));
	done(t, GPR(F_RA(insn)), T0);
	put_rc(t, insn, F_RA(insn));
}

/* A word is rotated as a doubleword that has it twice. */
static void put_rlwnm(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	(void)how;
	load_left_count(t, F_RB(insn));
	op(a, OP_ROR, T0, value(t, GPR(F_RT(insn)), T0), T1);
	op_shifted(a, WIDE | OP_ORR, T0, T0, T0, LEFT, 32);
	logic_immediate(a, OP_AND, T0, T0,
			mask64(FIELD(insn, 21, 25) + 32, FIELD(insn, 26, 30) + 32));
	done(t, GPR(F_RA(insn)), T0);
	put_rc(t, insn, F_RA(insn));
}

/* Bytes that are equal become ones. */
static void put_cmpb(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	(void)how;
	op_one(a, OP_FROM_GPR, 0, value(t, GPR(F_RT(insn)), T0));
	op_one(a, OP_FROM_GPR, 1, value(t, GPR(F_RB(insn)), T0));
	op(a, OP_EQUAL_BYTES, 0, 0, 1);
	op_one(a, OP_TO_GPR, T0, 0);
	done(t, GPR(F_RA(insn)), T0);
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
	const unsigned x = value(t, GPR(F_RA(insn)), T0);

	op(&t->a, how | OP_SUBS, ZR, x, value(t, GPR(F_RB(insn)), T1));
	put_trap_if(t, F_RT(insn));
}

static void put_trap_immediate(struct translation *t, uint32_t insn, unsigned how)
{
	compare_immediate(&t->a, how, value(t, GPR(F_RA(insn)), T0), F_SI(insn));
	put_trap_if(t, F_RT(insn));
}

/* ---- the condition register ---- */

static unsigned cr_field(unsigned n)
{
	return AT(cr) + n;
}

/* @r = CR bit @bit */
static void put_cr_bit(struct translation *t, unsigned r, unsigned bit)
{
	load_byte(&t->a, r, cr_field(bit >> 2));
	op_extract(&t->a, r, r, 3 - (bit & 3), 1);
}

static void put_crlogic(struct translation *t, uint32_t insn, unsigned how)
{
	static const struct {
		uint16_t number;
		bool invert; /* the result */
		uint32_t opcode;
	} forms[] = { { 257, false, OP_AND }, { 129, false, OP_BIC }, { 289, false, OP_EON },
		      { 225, true, OP_AND },  { 33, true, OP_ORR },   { 449, false, OP_ORR },
		      { 417, false, OP_ORN }, { 193, false, OP_EOR } };
	const unsigned field = cr_field(F_RT(insn) >> 2);
	struct assembler *a = &t->a;
	unsigned i = 0;

	(void)how;
	while (forms[i].number != (insn >> 1 & 1023))
		i++;
	put_cr_bit(t, T0, F_RA(insn));
	put_cr_bit(t, T1, F_RB(insn));
	op(a, forms[i].opcode, T0, T0, T1);
	if (forms[i].invert)
		op(a, OP_ORN, T0, ZR, T0);
	load_byte(a, T1, field);
	op_insert(a, T1, T0, 3 - (F_RT(insn) & 3), 1);
	store_byte(a, T1, field);
}

static void put_mcrf(struct translation *t, uint32_t insn, unsigned how)
{
	(void)how;
	load_byte(&t->a, T0, cr_field(F_RA(insn) >> 2));
	store_byte(&t->a, T0, cr_field(F_RT(insn) >> 2));
}

/* Of each pair of nibbles, bytes, halfwords: what is between them, from the second step on */
static const struct {
	uint8_t by;
	uint64_t mask;
} halves[] = { { 4, 0x00ff00ff00ff00ffull }, { 8, 0x0000ffff0000ffffull }, { 16, UINT32_MAX } };

static void put_mfcr(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned fxm = FXM(insn), field = fxm ? (unsigned)__builtin_clz(fxm) - 24 : 0;
	struct assembler *a = &t->a;

	(void)how;
	if (!ONE_FIELD(insn)) {
		load_cpu(a, T0, cr_field(0));
		op_one(a, OP_REV_64, T0, T0);
		for (unsigned i = 0; i < 3; i++) {
			op_shifted(a, WIDE | OP_ORR, T0, T0, T0, RIGHT, halves[i].by);
			logic_immediate(a, OP_AND, T0, T0, halves[i].mask);
		}
	} else if (!fxm || fxm & (fxm - 1)) {
		op_constant(a, T0, 0);
	} else {
		load_byte(a, T0, cr_field(field));
		op_shift_left(a, T0, T0, 4 * (7 - field));
	}
	done(t, GPR(F_RT(insn)), T0);
}

static void put_mtcrf(struct translation *t, uint32_t insn, unsigned how)
{
	const unsigned r = value(t, GPR(F_RT(insn)), T1);
	struct assembler *a = &t->a;

	(void)how;
	if (FXM(insn) == 255) {
		op_mov_word(a, T0, r);
		for (unsigned i = 3; i--;) {
			op_shifted(a, WIDE | OP_ORR, T0, T0, T0, LEFT, halves[i].by);
			logic_immediate(a, OP_AND, T0, T0, i ? halves[i - 1].mask : CR_NIBBLES);
		}
		op_one(a, OP_REV_64, T0, T0);
		store_cpu(a, T0, cr_field(0));
		return;
	}
	for (unsigned i = 0; i < 8; i++) {
		if (!(FXM(insn) & 0x80u >> i))
			continue;
		op_extract(a, T0, r, 28 - 4 * i, 4);
		store_byte(a, T0, cr_field(i));
	}
}

/* -1 if less, 1 if greater, else 0 */
static void put_setb(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	(void)how;
	load_byte(a, T1, cr_field(F_RA(insn) >> 2));
	op_extract(a, T0, T1, __builtin_ctz(CR_GT), 1);
	test_bits(a, T1, CR_LT);
	op_select(a, WIDE | OP_CSINV, T0, T0, ZR, IF_EQUAL);
	done(t, GPR(F_RT(insn)), T0);
}

/* ---- barriers: insn/barrier.c says what each orders ---- */

/* The host has none for all but stores and later loads. */
static void put_sync(struct translation *t, uint32_t insn, unsigned how)
{
	(void)insn;
	(void)how;
	op_barrier(&t->a, BARRIER_FULL);
}

/* If code was dropped since the last one, it is the interpreter's. */
static void put_isync(struct translation *t, uint32_t insn, unsigned how)
{
	struct assembler *a = &t->a;

	(void)insn;
	(void)how;
	_Static_assert(offsetof(struct power_engine, drops) < WORDS_REACH &&
			       offsetof(struct cpu, drops_seen) < WORDS_REACH,
		       "a load reaches them");
	op_barrier(a, BARRIER_LOAD);
	load_cpu(a, T0, AT(engine));
	op_at(a, OP_LOAD, 2, T0, T0, offsetof(struct power_engine, drops));
	op_at(a, OP_LOAD, 2, T1, CPU, AT(drops_seen));
	op(a, OP_SUBS, ZR, T0, T1);
	interpret_if(t, IF_NOT_EQUAL);
}

const struct sem_recipe fixed_recipes[] = {
	{ .sem = sem_lwsync, .put = put_sync },
	{ .sem = sem_sync, .put = put_sync },
	{ .sem = sem_isync, .put = put_isync },
	{ .sem = sem_mulhw, .put = put_mulh_word, .how = OP_SMULL },
	{ .sem = sem_mulhwu, .put = put_mulh_word, .how = OP_UMULL },
	{ .sem = sem_mulhd, .put = put_mulhd },
	{ .sem = sem_maddld, .put = put_maddld },
	{ .sem = sem_popcntd, .put = put_popcntd },
	{ .sem = sem_cnttzw, .put = put_trailing_zeros, .how = 0 },
	{ .sem = sem_cnttzd, .put = put_trailing_zeros, .how = WIDE },
	{ .sem = sem_extswsli, .put = put_extswsli },
	{ .sem = sem_rldcl, .put = put_rotate_doubleword_by, .how = 0 },
	{ .sem = sem_rldcr, .put = put_rotate_doubleword_by, .how = 1 },
	{ .sem = sem_rlwnm, .put = put_rlwnm },
	{ .sem = sem_cmpb, .put = put_cmpb },
	{ .sem = sem_tw, .put = put_trap, .how = 0 },
	{ .sem = sem_td, .put = put_trap, .how = WIDE },
	{ .sem = sem_twi, .put = put_trap_immediate, .how = 0 },
	{ .sem = sem_tdi, .put = put_trap_immediate, .how = WIDE },
	{ .sem = sem_crlogic, .put = put_crlogic },
	{ .sem = sem_mcrf, .put = put_mcrf },
	{ .sem = sem_mfcr, .put = put_mfcr },
	{ .sem = sem_mtcrf, .put = put_mtcrf },
	{ .sem = sem_setb, .put = put_setb },
	{ .sem = NULL },
};

/* ---- which ---- */

bool recipe_fixed(struct translation *t)
{
	const struct uop *u = t->u;
	struct assembler *a = &t->a;

	switch (u->kind) {
		RECIPE(add, put_binary(t, WIDE | OP_ADD));
		RECIPE(subf, put_reversed(t, WIDE | OP_SUB));
		RECIPE(addi, put_add_immediate(t));
		RECIPE(neg, put_negate(t));
		RECIPE(mulli, put_multiply_immediate(t));
		RECIPE(mulld, put_binary(t, WIDE | OP_MUL));
		RECIPE(mullw, put_binary(t, OP_SMULL));
		RECIPE(mulhdu, put_binary(t, OP_UMULH));
		RECIPE(divd, put_divide(t, WIDE));
		RECIPE(divw, put_divide(t, 0));
		RECIPE(divdu, put_binary(t, WIDE | OP_UDIV));
		RECIPE(divwu, put_binary(t, OP_UDIV));
		RECIPE(sraw, put_shift_algebraic_by(t, true));
		RECIPE(srad, put_shift_algebraic_by(t, false));
		RECIPE(condition, put_condition(t));
		RECIPE(addc, put_add_carry(t, false, false, CARRY_0));
		RECIPE(addic, put_add_carry(t, false, true, CARRY_0));
		RECIPE(adde, put_add_carry(t, false, false, CARRY_CA));
		RECIPE(addei, put_add_carry(t, false, true, CARRY_CA));
		RECIPE(subfc, put_add_carry(t, true, false, CARRY_1));
		RECIPE(subfic, put_add_carry(t, true, true, CARRY_1));
		RECIPE(subfe, put_add_carry(t, true, false, CARRY_CA));
		RECIPE(subfei, put_add_carry(t, true, true, CARRY_CA));
		RECIPE(and, put_binary(t, WIDE | OP_AND));
		RECIPE(or, put_binary(t, WIDE | OP_ORR));
		RECIPE(xor, put_binary(t, WIDE | OP_EOR));
		RECIPE(nand, put_inverted(t, WIDE | OP_AND));
		RECIPE(nor, put_inverted(t, WIDE | OP_ORR));
		RECIPE(eqv, put_binary(t, WIDE | OP_EON));
		RECIPE(andc, put_binary(t, WIDE | OP_BIC));
		RECIPE(orc, put_binary(t, WIDE | OP_ORN));
		RECIPE(andi, put_logic_immediate(t, OP_AND));
		RECIPE(ori, put_logic_immediate(t, OP_ORR));
		RECIPE(xori, put_logic_immediate(t, OP_EOR));
		RECIPE(extsb, put_extend(t, 8));
		RECIPE(extsh, put_extend(t, 16));
		RECIPE(extsw, put_extend(t, 32));
		RECIPE(cntlzd, put_leading_zeros(t, WIDE));
		RECIPE(cntlzw, put_leading_zeros(t, 0));
		RECIPE(sldi, put_shift_by(t, op_shift_left));
		RECIPE(srdi, put_shift_by(t, op_shift_right));
		RECIPE(rotw_and, put_rotate_and(t, true));
		RECIPE(rotd_and, put_rotate_and(t, false));
		RECIPE(rotw_insert, put_rotate_insert(t, true));
		RECIPE(rotd_insert, put_rotate_insert(t, false));
		RECIPE(slw, put_shift_word(t, OP_LSL));
		RECIPE(srw, put_shift_word(t, OP_LSR));
		RECIPE(sld, put_shift_doubleword(t, OP_LSL));
		RECIPE(srd, put_shift_doubleword(t, OP_LSR));
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
		op_constant(a, target(t, u->d, T0), u->imm);
		done(t, u->d, target(t, u->d, T0));
		return true;
	case UOP_mr:
		done(t, u->d, value(t, u->a, target(t, u->d, T0)));
		return true;
	case UOP_pc:
		load_cpu(a, T0, AT(page_ea));
		add_immediate(a, T0, T0, u->imm);
		done(t, u->d, T0);
		return true;
	case UOP_dec_ctr:
		load_cpu(a, T0, AT(ctr));
		op_add_imm(a, WIDE | OP_SUB, T0, T0, 1);
		store_cpu(a, T0, AT(ctr));
		return true;
	case UOP_carry32:
		load_byte(a, T0, AT(ca32));
		store_byte(a, T0, AT(ca));
		return true;
	default:
		return false;
	}
}
