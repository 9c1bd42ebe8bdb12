/* SPDX-License-Identifier: BSD-2-Clause */
/* The emitter for AArch64: what ends a block. */
#include "engine/emu/jit/aarch64.h"

/* If the budget ends here, the ending is the interpreter's. */
static void count(struct translation *t)
{
	unspill(t);
	op_add_imm(&t->a, WIDE | OP_SUBS, BUDGET, BUDGET, t->u->index + 1u);
	rarely(t, op_jump_if(&t->a, IF_LESS_OR_EQUAL), UNCOUNT, 0);
}

static void put_link(struct translation *t, unsigned link)
{
	t->link[link] = op_jump(&t->a);
	rarely(t, t->link[link], LINK, link);
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

static void put_taken(struct translation *t)
{
	put_link(t, LINK_TAKEN);
}

/*
 * To the code at the effective address in T0, which is a page if @page is true, + @offset. Each
 * site has its own look-up, so the host predicts each one's target. What it does not find, the
 * shared code looks for again.
 */
static void put_found(struct translation *t, bool page, unsigned offset)
{
	struct assembler *a = &t->a;

	put_fetch_entry(a);
	op(a, WIDE | OP_SUBS, ZR, T2, T4);
	rarely(t, op_jump_if(a, IF_NOT_EQUAL), FIND, offset);
	if (page)
		op_at(a, OP_LOAD, 2, T1, T3, offsetof(struct code_page, entry) + offset);
	else
		put_entry(a, T1);
	rarely(t, op_jump_if_zero(a, WIDE, T1), FIND, offset);
	op(a, WIDE | OP_ADD, T1, T3, T1);
	op_load_near(a, T1, T1, HOST_FROM_FIRST);
	rarely(t, op_jump_if_zero(a, WIDE, T1), FIND, offset);
	store_cpu(a, T4, AT(page_ea));
	op_jump_register(a, T1);
}

/* To an effective address outside of the page */
static void put_out(struct translation *t)
{
	const uint64_t offset = t->u->imm & PAGE_MASK_LOW;

	load_cpu(&t->a, T0, AT(page_ea));
	add_immediate(&t->a, T0, T0, t->u->imm - offset);
	put_found(t, true, (unsigned)offset);
}

static void put_to_register(struct translation *t)
{
	logic_immediate(&t->a, OP_AND, T0, value(t, t->u->d, T0), ~3ull);
	put_found(t, false, 0);
}

/* Not equal, if the register a is not zero */
static void test_zero(struct translation *t)
{
	compare_immediate(&t->a, WIDE, value(t, t->u->a, T0), 0);
}

/* A comparison and the branch on CR bit @bit of its result */
static void put_fused(struct translation *t, uint32_t how, bool is_signed, bool immediate, bool set)
{
	const struct uop *u = t->u;
	const unsigned bit = immediate ? u->b : (unsigned)(u->imm >> 16);
	enum host_condition condition = bit == CR_EQ ? IF_EQUAL :
					bit == CR_LT ? (is_signed ? IF_LESS : IF_BELOW) :
						       (is_signed ? IF_GREATER : IF_ABOVE);

	count(t);
	put_flags(t, how, immediate, (int64_t)u->imm >> 16, u->b);
	put_order(t, is_signed, u->d);
	if (bit == CR_SO) {
		test_cr(t, AT(so), 1);
		condition = IF_NOT_EQUAL;
	}
	put_if(t, set ? condition : OPPOSITE(condition), put_taken);
}

#define FUSED(name, how, is_signed)                                             \
	RECIPE(name##i_bc_set_in, put_fused(t, how, is_signed, true, true));    \
	RECIPE(name##i_bc_clear_in, put_fused(t, how, is_signed, true, false)); \
	RECIPE(name##_bc_set_in, put_fused(t, how, is_signed, false, true));    \
	RECIPE(name##_bc_clear_in, put_fused(t, how, is_signed, false, false))
#define IF(name, test, condition, put)     \
	case UOP_##name:                   \
		count(t);                  \
		test;                      \
		put_if(t, condition, put); \
		return true
#define CONDITIONAL(name, test, condition)         \
	IF(name##_in, test, condition, put_taken); \
	IF(name##_out, test, condition, put_out)

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
		IF(br_nz, test_zero(t), IF_NOT_EQUAL, put_to_register);
		IF(br_set, test_cr(t, u->a, u->b), IF_NOT_EQUAL, put_to_register);
		IF(br_clear, test_cr(t, u->a, u->b), IF_EQUAL, put_to_register);
		FUSED(cmpd, WIDE, true);
		FUSED(cmpld, WIDE, false);
		FUSED(cmpw, 0, true);
		FUSED(cmplw, 0, false);
	default:
		return false;
	}
}
