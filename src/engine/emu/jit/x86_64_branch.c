/* SPDX-License-Identifier: BSD-2-Clause */
/* The emitter for x86-64: what ends a block. */
#include "engine/emu/jit/x86_64.h"

/* If the budget ends here, the ending is the interpreter's. */
static void count(struct translation *t)
{
	unspill(t);
	op_imm(&t->a, WIDE, OP_SUB, in_register(BUDGET), t->u->index + 1);
	rarely(t, op_jump_if(&t->a, IF_LESS_OR_EQUAL), UNCOUNT, 0);
}

static void put_link(struct translation *t, unsigned link)
{
	op_align(&t->a, JUMP_OPCODE);
	t->link[link] = op_jump(&t->a);
	rarely(t, t->link[link], LINK, link);
}

static void put_link_if(struct translation *t, enum host_condition condition)
{
	op_align(&t->a, JUMP_IF_OPCODE);
	t->link[LINK_TAKEN] = op_jump_if(&t->a, condition);
	rarely(t, t->link[LINK_TAKEN], LINK, LINK_TAKEN);
	put_link(t, LINK_NEXT);
}

/*
 * To the code at an address: RAX + @offset, where RAX is an effective page, or, if @page is false,
 * all of it in RAX. Each site has its own look-up, so the host predicts each one's target. What it
 * does not find, the shared code looks for again.
 */
static void put_found(struct translation *t, bool page, unsigned offset)
{
	const int32_t entries = offsetof(struct code_page, entry);
	struct assembler *a = &t->a;

	put_fetch_entry(a);
	if (page) {
		op(a, WIDE, OP_CMP, RAX, at_base(RCX, offsetof(struct fetch_entry, tag)));
	} else {
		op_mov(a, RDX, RAX);
		op_imm(a, WIDE, OP_AND, in_register(RDX), -(int32_t)PAGE_BYTES);
		op(a, WIDE, OP_CMP, RDX, at_base(RCX, offsetof(struct fetch_entry, tag)));
	}
	rarely(t, op_jump_if(a, IF_NOT_EQUAL), FIND, offset);
	op(a, WIDE, OP_MOV, RCX, at_base(RCX, offsetof(struct fetch_entry, page)));
	if (page) {
		op(a, 0, OP_MOV, RDX, at_base(RCX, entries + (int32_t)offset));
	} else {
		op(a, 0, OP_MOV, RDX, in_register(RAX));
		op_imm(a, 0, OP_AND, in_register(RDX), PAGE_BYTES - 4);
		op(a, 0, OP_MOV, RDX, at_index(RCX, RDX, 0, entries));
	}
	op(a, 0, OP_TEST, RDX, in_register(RDX));
	rarely(t, op_jump_if(a, IF_EQUAL), FIND, offset);
	op(a, WIDE, OP_ADD, RCX, in_register(RDX));
	op(a, WIDE, OP_MOV, RDX, at_host(RCX));
	op(a, WIDE, OP_TEST, RDX, in_register(RDX));
	rarely(t, op_jump_if(a, IF_EQUAL), FIND, offset);
	if (!page)
		op_imm(a, WIDE, OP_AND, in_register(RAX), -(int32_t)PAGE_BYTES);
	op(a, WIDE, OP_STORE, RAX, AT_CPU(page_ea));
	op_jump_register(a, RDX);
}

/* To an effective address outside of the page */
static void put_out(struct translation *t)
{
	const uint64_t offset = t->u->imm & PAGE_MASK_LOW;

	op(&t->a, WIDE, OP_MOV, RAX, AT_CPU(page_ea));
	with_immediate(t, OP_ADD, RAX, t->u->imm - offset);
	put_found(t, true, (unsigned)offset);
}

static void put_to_register(struct translation *t)
{
	load_into(t, RAX, t->u->d);
	op_imm(&t->a, WIDE, OP_AND, in_register(RAX), -4);
	put_found(t, false, 0);
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
		return true;                   \
	case UOP_##name##_out:                 \
		count(t);                      \
		test;                          \
		put_if(t, condition, put_out); \
		return true
#define TO_REGISTER(name, test, condition)             \
	case UOP_##name:                               \
		count(t);                              \
		test;                                  \
		put_if(t, condition, put_to_register); \
		return true

bool recipe_branch(struct translation *t)
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
		return false;
	}
}
