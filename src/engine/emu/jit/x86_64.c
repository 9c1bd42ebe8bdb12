/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emitter for x86-64.
 *
 * RBP holds the vCPU's address plus BIAS, R15 its budget; the GPRs in register_of are pinned;
 * RAX, RCX and RDX are scratch. A block's code is entered and left with these registers live.
 * Around a call they are in struct cpu, where the callee reads and writes them, and stay there
 * while more calls follow.
 *
 * Layout: the shared code, then each block's: a header with the places of its two links' jumps, its
 * code, and behind that what is rarely executed.
 */
#include <stddef.h>

#include "engine/emu/jit/assembler_x86_64.h"
#include "engine/emu/jit/emitter.h"
#include "engine/emu/private.h"

#define BIAS   128 /* all GPRs are within a byte's displacement */
#define BUDGET R15
#define CPU    RBP

/*
 * The register of each pinned GPR; 0, which is RAX, of all others. These are the GPRs that Linux's
 * and GCC's code uses most, among them all arguments.
 */
static const uint8_t register_of[32] = {
	[3] = RBX, [4] = RSI, [5] = RDI,  [6] = R8,   [7] = R9,
	[8] = R10, [9] = R11, [10] = R12, [30] = R13, [31] = R14,
};

static const uint8_t saved_by_callee[] = { RBP, RBX, R12, R13, R14, R15 };
#define NR_SAVED (sizeof(saved_by_callee) / sizeof(saved_by_callee[0]))

#define ROOM_FOR_UOP   256 /* bytes, with what it has behind the block */
#define ROOM_FOR_BLOCK (DECODE_MAX_UOPS * ROOM_FOR_UOP)
#define ALIGNMENT      16

/* Before a block's code: where its links' jumps are, relative to the code. */
struct header {
	uint32_t link[2];
};

/* A jump to code behind the block. */
struct rare {
	uint8_t *jump;
	const struct uop *u;
	enum {
		INTERPRET, /* go on in the interpreter at u */
		UNCOUNT, /* the same; the block's instructions were counted already */
		STOP, /* a called function has raised an exception at u */
		STOPPED, /* the same, and it is noted */
		LINK /* go on behind u, by link */
	} what;
	bool spilled; /* pinned registers are in struct cpu */
	uint8_t link;
};

struct translation {
	struct emitter *e;
	struct assembler a;
	const struct uop *u;
	bool spilled;
	uint8_t *link[2];
	struct rare rare[2 * DECODE_MAX_UOPS];
	unsigned nr_rare;
};

#define AT_CPU(member) at_base(CPU, (int32_t)offsetof(struct cpu, member) - BIAS)

static uint8_t *shared(const struct translation *t, uint32_t offset)
{
	return t->e->memory.writable + offset;
}

/* ---- where guest registers are ---- */

/* Of a register of struct cpu: its pinned register, or 0. */
static unsigned pinned_register(const struct translation *t, unsigned offset)
{
	return !t->spilled && offset < 8 * 32 ? register_of[offset / 8] : 0;
}

static struct operand home(const struct translation *t, unsigned offset)
{
	unsigned r = pinned_register(t, offset);

	return r ? in_register(r) : at_base(CPU, (int32_t)offset - BIAS);
}

/* The register that holds it: its own, or @scratch, loaded. Flags stay. */
static unsigned value(struct translation *t, unsigned offset, unsigned scratch)
{
	unsigned r = pinned_register(t, offset);

	if (r)
		return r;
	op(&t->a, WIDE, OP_MOV, scratch, home(t, offset));
	return scratch;
}

/* The register to compute it in: its own, or @scratch, which done() stores. */
static unsigned target(struct translation *t, unsigned offset, unsigned scratch)
{
	unsigned r = pinned_register(t, offset);

	return r ? r : scratch;
}

static void done(struct translation *t, unsigned offset, unsigned r)
{
	unsigned own = pinned_register(t, offset);

	if (own)
		op_mov(&t->a, own, r);
	else
		op(&t->a, WIDE, OP_STORE, r, home(t, offset));
}

static void load_into(struct translation *t, unsigned r, unsigned offset)
{
	unsigned own = pinned_register(t, offset);

	if (!own || own != r)
		op(&t->a, WIDE, OP_MOV, r, home(t, offset));
}

static void move_pinned(struct assembler *a, unsigned opcode)
{
	for (int i = 0; i < 32; i++)
		if (register_of[i])
			op(a, WIDE, opcode, register_of[i], at_base(CPU, 8 * i - BIAS));
	op(a, WIDE, opcode, BUDGET, AT_CPU(budget));
}

static void spill(struct translation *t)
{
	if (!t->spilled)
		move_pinned(&t->a, OP_STORE);
	t->spilled = true;
}

static void unspill(struct translation *t)
{
	if (t->spilled)
		move_pinned(&t->a, OP_MOV);
	t->spilled = false;
}

/* ---- what is behind the block ---- */

static void rarely(struct translation *t, uint8_t *jump, unsigned what, unsigned link)
{
	t->rare[t->nr_rare++] = (struct rare){
		.jump = jump, .u = t->u, .what = what, .spilled = t->spilled, .link = (uint8_t)link
	};
}

static void interpret_if(struct translation *t, enum host_condition condition)
{
	rarely(t, op_jump_if(&t->a, condition), INTERPRET, 0);
}

static void put_rare(struct translation *t, const struct rare *rare)
{
	struct assembler *a = &t->a;
	uint32_t to;

	jump_to(rare->jump, a->at);
	switch (rare->what) {
	case UNCOUNT:
		op_imm(a, WIDE, OP_ADD, in_register(BUDGET), rare->u->index + 1);
		/* fall through */
	case INTERPRET:
		to = rare->spilled ? t->e->interpret_spilled : t->e->interpret;
		break;
	case STOP:
		to = t->e->stopped;
		break;
	case LINK:
		op_constant(a, RCX, rare->link);
		to = t->e->unlinked;
		break;
	default:
		to = t->e->ended;
		break;
	}
	op_constant(a, RAX, (uintptr_t)rare->u);
	jump_to(op_jump(a), shared(t, to));
}

/* ---- loads and stores ---- */

/* RAX = the effective address of an access, with an index register or a displacement */
static void address(struct translation *t, bool indexed)
{
	const struct uop *u = t->u;
	struct assembler *a = &t->a;
	unsigned base = value(t, u->a, RAX);

	if (indexed) {
		op(a, WIDE, OP_LEA, RAX, at_index(base, value(t, u->b, RCX), 0, 0));
	} else if ((int64_t)u->imm == (int32_t)u->imm) {
		op(a, WIDE, OP_LEA, RAX, at_base(base, (int32_t)u->imm));
	} else {
		op_constant(a, RCX, u->imm);
		op(a, WIDE, OP_LEA, RAX, at_index(base, RCX, 0, 0));
	}
}

/* RAX: an effective address; then the host's. A miss is the interpreter's. */
static void look_up(struct translation *t, bool write, unsigned size)
{
	struct assembler *a = &t->a;
	const int32_t table =
		(int32_t)(write ? offsetof(struct tlb_set, write) : offsetof(struct tlb_set, read));

	_Static_assert(sizeof(struct tlb_entry) == 16, "the shift below");
	op(a, 0, OP_MOV, RCX, in_register(RAX));
	op_imm8(a, 0, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), PAGE_BITS - 4);
	op_imm(a, 0, OP_AND, in_register(RCX), (TLB_ENTRIES - 1) << 4);
	op(a, WIDE, OP_ADD, RCX, AT_CPU(tlb));
	op(a, WIDE, OP_LEA, RDX, at_base(RAX, (int32_t)size - 1));
	op_imm(a, WIDE, OP_AND, in_register(RDX), -(int32_t)PAGE_BYTES);
	op(a, WIDE, OP_CMP, RDX, at_base(RCX, table + (int32_t)offsetof(struct tlb_entry, tag)));
	interpret_if(t, IF_NOT_EQUAL);
	op(a, WIDE, OP_ADD, RAX, at_base(RCX, table + (int32_t)offsetof(struct tlb_entry, addend)));
}

static void put_load(struct translation *t, unsigned size, bool sign, bool big_endian, bool indexed)
{
	const struct operand from = at_base(RAX, 0);
	unsigned r = target(t, t->u->d, RAX), wide = size == 8 ? WIDE : 0;
	struct assembler *a = &t->a;

	address(t, indexed);
	look_up(t, false, size);
	if (size == 1) {
		op(a, 0, OP_MOVZX_BYTE, r, from);
	} else if (size == 2 && big_endian) {
		op(a, 0, OP_MOVZX_HALF, r, from);
		op_imm8(a, PREFIX_66, OP_SHIFT, SHIFT_ROL, in_register(r), 8);
		if (sign)
			op(a, WIDE, OP_MOVSX_HALF, r, in_register(r));
	} else if (size == 2) {
		op(a, sign ? WIDE : 0, sign ? OP_MOVSX_HALF : OP_MOVZX_HALF, r, from);
	} else if (size == 4 && sign && !big_endian) {
		op(a, WIDE, OP_MOVSXD, r, from);
	} else {
		op(a, wide, OP_MOV, r, from);
		if (big_endian)
			op_bswap(a, wide, r);
		if (sign)
			op(a, WIDE, OP_MOVSXD, r, in_register(r));
	}
	done(t, t->u->d, r);
}

static void put_store(struct translation *t, unsigned size, bool big_endian, bool indexed)
{
	const struct operand to = at_base(RAX, 0);
	struct assembler *a = &t->a;
	unsigned r;

	address(t, indexed);
	look_up(t, true, size);
	r = value(t, t->u->d, RDX);
	if (big_endian && size > 1) {
		op_mov(a, RDX, r);
		r = RDX;
		if (size == 2)
			op_imm8(a, PREFIX_66, OP_SHIFT, SHIFT_ROL, in_register(r), 8);
		else
			op_bswap(a, size == 8 ? WIDE : 0, r);
	}
	if (size == 1)
		op(a, BYTE_WIDE, OP_STORE_BYTE, r, to);
	else
		op(a, size == 8 ? WIDE : size == 2 ? PREFIX_66 : 0, OP_STORE, r, to);
}

/* ---- fixed point ---- */

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

/* a op= the immediate, which may need a register */
static void with_immediate(struct translation *t, unsigned opcode, unsigned r, uint64_t imm)
{
	if ((int64_t)imm == (int32_t)imm) {
		op_imm(&t->a, WIDE, opcode, in_register(r), (int32_t)imm);
	} else if (opcode == OP_AND && imm <= UINT32_MAX) {
		op_imm(&t->a, 0, opcode, in_register(r), (int32_t)imm);
	} else {
		op_constant(&t->a, RCX, imm);
		op(&t->a, WIDE, opcode, r, in_register(RCX));
	}
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

static void put_rotate_and(struct translation *t, bool word)
{
	const uint64_t mask = t->u->imm;
	unsigned r = target(t, t->u->d, RAX);

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

static void store_byte(struct translation *t, unsigned r, struct operand to)
{
	op(&t->a, BYTE_WIDE, OP_STORE_BYTE, r, to);
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
		put8(a, 0xf9); /* stc */
	else if (carry == CARRY_CA)
		op_imm8(a, 0, OPCODE_0F | 0xba, 4, AT_CPU(ca), 0); /* bt */
	op(a, WIDE, carry == CARRY_0 ? OP_ADD : OP_ADC, RAX, in_register(RDX));
	op(a, 0, OP_SETCC(IF_BELOW), 0, AT_CPU(ca));
	op(a, WIDE, OP_XOR, RCX, in_register(RAX));
	op_imm8(a, WIDE, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), 32);
	op_imm(a, 0, OP_AND, in_register(RCX), 1);
	store_byte(t, RCX, AT_CPU(ca32));
	done(t, u->d, RAX);
}

/* ---- comparisons ---- */

/* The flags of a comparison of the register a with @imm or the register @b */
static void put_flags(struct translation *t, unsigned how, bool immediate, int64_t imm, unsigned b)
{
	struct assembler *a = &t->a;
	unsigned r = pinned_register(t, t->u->a);

	if (immediate && !imm && r) {
		op(a, how, OP_TEST, r, in_register(r));
	} else if (immediate) {
		op_imm(a, how, OP_CMP, home(t, t->u->a), (int32_t)imm);
	} else {
		r = value(t, t->u->a, RCX);
		op(a, how, OP_CMP, r, home(t, b));
	}
}

/* The CR field at @to, from the flags, which are lost. */
static void put_order(struct translation *t, bool is_signed, unsigned to)
{
	struct operand lt = { .kind = AT_CODE, .code = shared(t, t->e->order) };
	struct operand gt = { .kind = AT_CODE, .code = shared(t, t->e->order) + 4 };
	struct assembler *a = &t->a;

	op_constant(a, RAX, CR_EQ);
	op(a, 0, OP_CMOVCC(is_signed ? IF_LESS : IF_BELOW), RAX, lt);
	op(a, 0, OP_CMOVCC(is_signed ? IF_GREATER : IF_ABOVE), RAX, gt);
	op(a, 0, 0x0a, RAX, AT_CPU(so)); /* or, of bytes */
	store_byte(t, RAX, at_base(CPU, (int32_t)to - BIAS));
}

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

/* Tests CR bit @bit of the field at @offset: not equal, if it is set. */
static void test_cr(struct translation *t, unsigned offset, unsigned bit)
{
	op_test_byte(&t->a, at_base(CPU, (int32_t)offset - BIAS), bit);
}

static void put_isel(struct translation *t)
{
	const struct uop *u = t->u;

	load_into(t, RAX, u->b);
	test_cr(t, (unsigned)(u->imm >> 8), u->imm & 0xff);
	op(&t->a, WIDE, OP_CMOVCC(IF_NOT_EQUAL), RAX, home(t, u->a));
	done(t, u->d, RAX);
}

/* ---- calls ---- */

static void call(struct translation *t, uint64_t function)
{
	op_constant(&t->a, RAX, function);
	op_call_register(&t->a, RAX);
}

static void put_call(struct translation *t, uint64_t msr_bit)
{
	const struct uop *u = t->u;
	struct assembler *a = &t->a;
	uint32_t insn = (uint32_t)u->d | (uint32_t)u->a << 16;
	int byte = msr_bit ? __builtin_ctzll(msr_bit) / 8 : 0;

	spill(t);
	if (msr_bit) {
		op_test_byte(a, at_base(CPU, (int32_t)offsetof(struct cpu, msr) + byte - BIAS),
			     (unsigned)(msr_bit >> 8 * byte));
		interpret_if(t, msr_bit == MSR_PR ? IF_NOT_EQUAL : IF_EQUAL);
	}
	op(a, WIDE, OP_LEA, RDI, at_base(CPU, -BIAS));
	op_constant(a, RSI, insn);
	call(t, u->imm);
	op(a, 0, OP_TEST, RAX, in_register(RAX));
	rarely(t, op_jump_if(a, IF_NOT_EQUAL), STOP, 0);
}

/* What has no code of its own. */
static void put_body(struct translation *t)
{
	struct assembler *a = &t->a;

	spill(t);
	op(a, WIDE, OP_LEA, RDI, at_base(CPU, -BIAS));
	op_constant(a, RSI, (uintptr_t)t->u);
	call(t, (uintptr_t)jit_run_body);
	op(a, BYTE_WIDE, 0x84, RAX, in_register(RAX)); /* test, of bytes */
	rarely(t, op_jump_if(a, IF_EQUAL), STOPPED, 0);
}

/* ---- block endings ---- */

#define LINK_TAKEN 0
#define LINK_NEXT  1

/* If the budget ends here, the ending is the interpreter's. */
static void count(struct translation *t)
{
	unspill(t);
	op_imm(&t->a, WIDE, OP_SUB, in_register(BUDGET), t->u->index + 1);
	rarely(t, op_jump_if(&t->a, IF_LESS_OR_EQUAL), UNCOUNT, 0);
}

static void put_link(struct translation *t, unsigned link)
{
	t->link[link] = op_jump(&t->a);
	rarely(t, t->link[link], LINK, link);
}

static void put_link_if(struct translation *t, enum host_condition condition)
{
	t->link[LINK_TAKEN] = op_jump_if(&t->a, condition);
	rarely(t, t->link[LINK_TAKEN], LINK, LINK_TAKEN);
	put_link(t, LINK_NEXT);
}

/* To an effective address outside of the page */
static void put_out(struct translation *t)
{
	struct assembler *a = &t->a;

	op(a, WIDE, OP_MOV, RAX, AT_CPU(page_ea));
	with_immediate(t, OP_ADD, RAX, t->u->imm);
	jump_to(op_jump(a), shared(t, t->e->find));
}

static void put_to_register(struct translation *t)
{
	load_into(t, RAX, t->u->d);
	op_imm(&t->a, WIDE, OP_AND, in_register(RAX), -4);
	jump_to(op_jump(&t->a), shared(t, t->e->find));
}

/* By @put if the condition is met, else to the next block */
static void put_if(struct translation *t, enum host_condition condition,
		   void (*put)(struct translation *t))
{
	uint8_t *not_taken = op_jump_if(&t->a, OPPOSITE(condition));

	put(t);
	jump_to(not_taken, t->a.at);
	put_link(t, LINK_NEXT);
}

/* Not equal, if the register a is not zero */
static void test_zero(struct translation *t)
{
	op_imm(&t->a, WIDE, OP_CMP, home(t, t->u->a), 0);
}

/* A comparison and the branch on CR bit @bit of its result */
static void put_fused(struct translation *t, unsigned how, bool is_signed, bool immediate, bool set)
{
	const struct uop *u = t->u;
	const unsigned bit = immediate ? u->b : (unsigned)(u->imm >> 16);
	const int64_t imm = (int64_t)u->imm >> 16;
	enum host_condition condition;

	count(t);
	put_flags(t, how, immediate, imm, u->b);
	put_order(t, is_signed, u->d);
	if (bit == CR_SO) {
		op_test_byte(&t->a, AT_CPU(so), 1);
		condition = IF_NOT_EQUAL;
	} else {
		put_flags(t, how, immediate, imm, u->b);
		condition = bit == CR_EQ ? IF_EQUAL :
			    bit == CR_LT ? (is_signed ? IF_LESS : IF_BELOW) :
					   (is_signed ? IF_GREATER : IF_ABOVE);
	}
	put_link_if(t, set ? condition : OPPOSITE(condition));
}

/* The rest of the block is the interpreter's. */
static void put_interpreted(struct translation *t)
{
	rarely(t, op_jump(&t->a), INTERPRET, 0);
}

/* ---- the recipes ---- */

#define ORDERED(name, size, sign)                      \
	case UOP_##name##_le:                          \
		put_load(t, size, sign, false, false); \
		return;                                \
	case UOP_##name##x_le:                         \
		put_load(t, size, sign, false, true);  \
		return;                                \
	case UOP_##name##_be:                          \
		put_load(t, size, sign, true, false);  \
		return;                                \
	case UOP_##name##x_be:                         \
		put_load(t, size, sign, true, true);   \
		return
#define ORDERED_STORE(name, size)                 \
	case UOP_##name##_le:                     \
		put_store(t, size, false, false); \
		return;                           \
	case UOP_##name##x_le:                    \
		put_store(t, size, false, true);  \
		return;                           \
	case UOP_##name##_be:                     \
		put_store(t, size, true, false);  \
		return;                           \
	case UOP_##name##x_be:                    \
		put_store(t, size, true, true);   \
		return
#define RECIPE(name, put) \
	case UOP_##name:  \
		put;      \
		return
#define FUSED(name, how, is_signed)                                             \
	RECIPE(name##i_bc_set_in, put_fused(t, how, is_signed, true, true));    \
	RECIPE(name##i_bc_clear_in, put_fused(t, how, is_signed, true, false)); \
	RECIPE(name##_bc_set_in, put_fused(t, how, is_signed, false, true));    \
	RECIPE(name##_bc_clear_in, put_fused(t, how, is_signed, false, false))
#define CONDITIONAL(name, test, condition)     \
	case UOP_##name##_in:                  \
		count(t);                      \
		test;                          \
		put_link_if(t, condition);     \
		return;                        \
	case UOP_##name##_out:                 \
		count(t);                      \
		test;                          \
		put_if(t, condition, put_out); \
		return
#define TO_REGISTER(name, test, condition)             \
	case UOP_##name:                               \
		count(t);                              \
		test;                                  \
		put_if(t, condition, put_to_register); \
		return

static void put_ending(struct translation *t)
{
	const struct uop *u = t->u;

	switch (u->kind) {
		RECIPE(b_in, (count(t), put_link(t, LINK_TAKEN)));
		RECIPE(fall_in, (count(t), put_link(t, LINK_NEXT)));
		RECIPE(b_out, (count(t), put_out(t)));
		RECIPE(fall_out, (count(t), put_out(t)));
		RECIPE(br, (count(t), put_to_register(t)));
		CONDITIONAL(bc_set, test_cr(t, u->a, u->b), IF_NOT_EQUAL);
		CONDITIONAL(bc_clear, test_cr(t, u->a, u->b), IF_EQUAL);
		CONDITIONAL(bc_nz, test_zero(t), IF_NOT_EQUAL);
		CONDITIONAL(bc_z, test_zero(t), IF_EQUAL);
		TO_REGISTER(br_nz, test_zero(t), IF_NOT_EQUAL);
		TO_REGISTER(br_set, test_cr(t, u->a, u->b), IF_NOT_EQUAL);
		TO_REGISTER(br_clear, test_cr(t, u->a, u->b), IF_EQUAL);
		FUSED(cmpd, WIDE, true);
		FUSED(cmpld, WIDE, false);
		FUSED(cmpw, 0, true);
		FUSED(cmplw, 0, false);
	default:
		put_interpreted(t);
	}
}

static void put_memory(struct translation *t)
{
	switch (t->u->kind) {
		RECIPE(lbz, put_load(t, 1, false, false, false));
		RECIPE(lbzx, put_load(t, 1, false, false, true));
		ORDERED(lhz, 2, false);
		ORDERED(lha, 2, true);
		ORDERED(lwz, 4, false);
		ORDERED(lwa, 4, true);
		ORDERED(ld, 8, false);
		RECIPE(stb, put_store(t, 1, false, false));
		RECIPE(stbx, put_store(t, 1, false, true));
		ORDERED_STORE(sth, 2);
		ORDERED_STORE(stw, 4);
		ORDERED_STORE(std, 8);
	default:
		put_body(t);
	}
}

static void put_fixed(struct translation *t)
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
		RECIPE(divdu, put_divide_unsigned(t, WIDE));
		RECIPE(divwu, put_divide_unsigned(t, 0));
		RECIPE(addc, put_add_carry(t, false, false, CARRY_0));
		RECIPE(addic, put_add_carry(t, false, true, CARRY_0));
		RECIPE(adde, put_add_carry(t, false, false, CARRY_CA));
		RECIPE(addei, put_add_carry(t, false, true, CARRY_CA));
		RECIPE(subfc, put_add_carry(t, true, false, CARRY_1));
		RECIPE(subfic, put_add_carry(t, true, true, CARRY_1));
		RECIPE(subfe, put_add_carry(t, true, false, CARRY_CA));
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
		return;
	case UOP_mr:
		done(t, u->d, value(t, u->a, target(t, u->d, RAX)));
		return;
	case UOP_pc:
		op(a, WIDE, OP_MOV, RAX, AT_CPU(page_ea));
		with_immediate(t, OP_ADD, RAX, u->imm);
		done(t, u->d, RAX);
		return;
	case UOP_dec_ctr:
		op_imm(a, WIDE, OP_SUB, AT_CPU(ctr), 1);
		return;
	case UOP_carry32:
		op(a, 0, OP_MOVZX_BYTE, RAX, AT_CPU(ca32));
		store_byte(t, RAX, AT_CPU(ca));
		return;
	default:
		put_body(t);
	}
}

/* Does it call a function, with the pinned registers in struct cpu? */
static bool is_call(const struct uop *u)
{
	return uop_info[u->kind].effects & EFFECT_ANY;
}

/* After a call: is the next one so near that loading the pinned registers does not pay? */
static bool call_is_near(const struct uop *u)
{
	const unsigned near = 6;

	for (unsigned i = 0; i < near; i++) {
		if (uop_info[u[i].kind].effects & EFFECT_ENDS)
			return false;
		if (is_call(&u[i]))
			return true;
	}
	return false;
}

static void put_uop(struct translation *t)
{
	const struct uop *u = t->u;
	const uint16_t effects = uop_info[u->kind].effects;

	if (t->spilled && !is_call(u) && !(effects & EFFECT_ENDS) && !call_is_near(u))
		unspill(t);
	switch (u->kind) {
		RECIPE(call, put_call(t, 0));
		RECIPE(call_priv, put_call(t, MSR_PR));
		RECIPE(call_fp, put_call(t, MSR_FP));
		RECIPE(call_vec, put_call(t, MSR_VEC));
		RECIPE(call_vsx, put_call(t, MSR_VSX));
	default:
		break;
	}
	if (effects & EFFECT_ENDS)
		put_ending(t);
	else if (effects & (EFFECT_LOADS | EFFECT_STORES))
		put_memory(t);
	else
		put_fixed(t);
}

/* ---- shared code ---- */

/* block.host of the block whose first micro-operation is in @first */
static struct operand at_host(unsigned first)
{
	return at_base(first, (int32_t)offsetof(struct block, host) -
				      (int32_t)offsetof(struct block, uops));
}

static void put_leave(struct assembler *a)
{
	op_imm(a, WIDE, OP_ADD, in_register(RSP), 8);
	for (unsigned i = NR_SAVED; i--;)
		op_pop(a, saved_by_callee[i]);
}

static void put_return(struct assembler *a)
{
	put_leave(a);
	op_return(a);
}

/* A uop_fn: RDI is the vCPU, RSI the first micro-operation. */
static void put_enter(struct assembler *a)
{
	for (unsigned i = 0; i < NR_SAVED; i++)
		op_push(a, saved_by_callee[i]);
	op_imm(a, WIDE, OP_SUB, in_register(RSP), 8); /* calls need it aligned to 16 bytes */
	op(a, WIDE, OP_LEA, CPU, at_base(RDI, BIAS));
	op(a, WIDE, OP_MOV, RAX, at_host(RSI));
	move_pinned(a, OP_MOV);
	op_jump_register(a, RAX);
}

/* A tail call of a uop_fn, whose address is in RAX, with the micro-operation in RSI */
static void put_go(struct assembler *a)
{
	op(a, WIDE, OP_LEA, RDI, at_base(CPU, -BIAS));
	put_leave(a);
	op_jump_register(a, RAX);
}

/* RAX: the micro-operation to go on at. The first one's own body is what leads to this code. */
static void put_interpret(struct assembler *a, bool alone)
{
	if (alone) {
		put_return(a);
		return;
	}
	op_mov(a, RSI, RAX);
	op(a, 0, OP_MOVZX_BYTE, RCX, at_base(RSI, offsetof(struct uop, kind)));
	op_constant(a, RAX, (uintptr_t)uop_body);
	op(a, WIDE, OP_MOV, RAX, at_index(RAX, RCX, 3, 0));
	put_go(a);
}

/* RAX: the micro-operation that ends the block, RCX: the link */
static void put_unlinked(struct assembler *a)
{
	move_pinned(a, OP_STORE);
	op_mov(a, RDX, RCX);
	op_mov(a, RSI, RAX);
	op_constant(a, RAX, (uintptr_t)jit_unlinked);
	put_go(a);
}

/* RAX: the effective address to go on at */
static void put_find(struct assembler *a)
{
	uint8_t *other_page, *not_decoded, *not_translated;

	_Static_assert(sizeof(struct fetch_entry) == 16, "the shift below");
	op(a, 0, OP_MOV, RCX, in_register(RAX));
	op_imm8(a, 0, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), PAGE_BITS - 4);
	op_imm(a, 0, OP_AND, in_register(RCX), (FETCH_ENTRIES - 1) << 4);
	op(a, WIDE, OP_ADD, RCX, AT_CPU(fetch));
	op_mov(a, RDX, RAX);
	op_imm(a, WIDE, OP_AND, in_register(RDX), -(int32_t)PAGE_BYTES);
	op(a, WIDE, OP_CMP, RDX, at_base(RCX, offsetof(struct fetch_entry, tag)));
	other_page = op_jump_if(a, IF_NOT_EQUAL);
	op(a, WIDE, OP_MOV, RCX, at_base(RCX, offsetof(struct fetch_entry, page)));
	op(a, 0, OP_MOV, RDX, in_register(RAX));
	op_imm(a, 0, OP_AND, in_register(RDX), PAGE_BYTES - 4);
	op(a, WIDE, OP_MOV, RCX, at_index(RCX, RDX, 1, offsetof(struct code_page, entry)));
	op(a, WIDE, OP_TEST, RCX, in_register(RCX));
	not_decoded = op_jump_if(a, IF_EQUAL);
	op_imm(a, WIDE, OP_AND, in_register(RAX), -(int32_t)PAGE_BYTES);
	op(a, WIDE, OP_STORE, RAX, AT_CPU(page_ea));
	op(a, WIDE, OP_MOV, RAX, at_host(RCX));
	op(a, WIDE, OP_TEST, RAX, in_register(RAX));
	not_translated = op_jump_if(a, IF_EQUAL);
	op_jump_register(a, RAX);
	jump_to(not_translated, a->at);
	move_pinned(a, OP_STORE);
	op_mov(a, RSI, RCX);
	op(a, WIDE, OP_MOV, RAX, at_base(RSI, offsetof(struct uop, fn)));
	put_go(a);
	jump_to(other_page, a->at);
	jump_to(not_decoded, a->at);
	op(a, WIDE, OP_STORE, RAX, AT_CPU(nip));
	move_pinned(a, OP_STORE);
	op(a, 0, OP_XOR, RAX, in_register(RAX));
	put_return(a);
}

static uint32_t begin_shared(struct emitter *e, struct assembler *a)
{
	const size_t offset = (size_t)(a->at - e->memory.writable);
	const size_t aligned = (offset + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);

	a->at = e->memory.writable + aligned;
	return (uint32_t)aligned;
}

static void put_shared(struct emitter *e)
{
	struct assembler assembler = { .at = e->memory.writable }, *a = &assembler;

	e->order = begin_shared(e, a);
	put32(a, CR_LT);
	put32(a, CR_GT);
	e->enter = begin_shared(e, a);
	put_enter(a);
	e->interpret = begin_shared(e, a);
	move_pinned(a, OP_STORE);
	e->interpret_spilled = (uint32_t)(a->at - e->memory.writable);
	put_interpret(a, e->alone);
	e->unlinked = begin_shared(e, a);
	put_unlinked(a);
	e->find = begin_shared(e, a);
	put_find(a);
	e->stopped = begin_shared(e, a);
	op(a, WIDE, OP_STORE, RAX, AT_CPU(stop_uop));
	e->ended = (uint32_t)(a->at - e->memory.writable);
	op(a, 0, OP_XOR, RAX, in_register(RAX));
	put_return(a);
	e->first = e->used = begin_shared(e, a);
}

bool emitter_create(struct emitter *e, size_t size, bool alone)
{
	e->alone = alone;
	if (!executable_memory_create(&e->memory, size))
		return false;
	put_shared(e);
	return true;
}

void emitter_destroy(struct emitter *e)
{
	executable_memory_destroy(&e->memory);
}

void emitter_forget(struct emitter *e)
{
	e->used = e->first;
}

uop_fn *emitter_enter(const struct emitter *e)
{
	return (uop_fn *)(uintptr_t)(e->memory.executable + e->enter);
}

/* ---- blocks ---- */

const uint8_t *emitter_translate(struct emitter *e, const struct uop *first)
{
	struct translation t;
	struct header header = { { 0 } };
	uint8_t *start, *code;

	if (e->memory.size - e->used < ROOM_FOR_BLOCK + ALIGNMENT)
		return NULL;
	start = e->memory.writable + e->used;
	code = start + ALIGNMENT;
	t.e = e;
	t.a.at = code;
	t.spilled = false;
	t.link[0] = t.link[1] = NULL;
	t.nr_rare = 0;
	for (t.u = first;; t.u++) {
		if (e->alone && is_call(t.u)) {
			put_interpreted(&t);
			break;
		}
		put_uop(&t);
		if (uop_info[t.u->kind].effects & EFFECT_ENDS)
			break;
	}
	for (unsigned i = 0; i < t.nr_rare; i++)
		put_rare(&t, &t.rare[i]);
	for (unsigned i = 0; i < 2; i++)
		header.link[i] = t.link[i] ? (uint32_t)(t.link[i] - code) : 0;
	memcpy(code - sizeof(header), &header, sizeof(header));
	e->used += (size_t)(t.a.at - start + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	return e->memory.executable + (code - e->memory.writable);
}

void emitter_drop(struct emitter *e, const uint8_t *code)
{
	e->used = (size_t)(code - e->memory.executable) - ALIGNMENT;
}

void emitter_link(struct emitter *e, const struct block *from, unsigned link,
		  const struct block *to)
{
	uint8_t *code = e->memory.writable + (from->host - e->memory.executable);
	struct header header;

	memcpy(&header, code - sizeof(header), sizeof(header));
	jump_to(code + header.link[link], e->memory.writable + (to->host - e->memory.executable));
}
