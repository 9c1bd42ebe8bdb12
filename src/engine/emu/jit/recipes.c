/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recipes that are the same for all hosts, made of what the host gives: loads, stores, and what
 * ends a block.
 */
#include "engine/emu/jit/host_emitter.h"

/* ---- loads and stores ---- */

#define ORDERED(name, bytes, sign)                      \
	case UOP_##name##_le:                           \
		put_load(t, bytes, sign, false, false); \
		return true;                            \
	case UOP_##name##x_le:                          \
		put_load(t, bytes, sign, false, true);  \
		return true;                            \
	case UOP_##name##_be:                           \
		put_load(t, bytes, sign, true, false);  \
		return true;                            \
	case UOP_##name##x_be:                          \
		put_load(t, bytes, sign, true, true);   \
		return true
#define ORDERED_STORE(name, bytes)                 \
	case UOP_##name##_le:                      \
		put_store(t, bytes, false, false); \
		return true;                       \
	case UOP_##name##x_le:                     \
		put_store(t, bytes, false, true);  \
		return true;                       \
	case UOP_##name##_be:                      \
		put_store(t, bytes, true, false);  \
		return true;                       \
	case UOP_##name##x_be:                     \
		put_store(t, bytes, true, true);   \
		return true

bool recipe_memory(struct translation *t)
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
		return false;
	}
}

/* ---- endings ---- */

/* By @put if the condition is met, else to the next block */
static void put_if(struct translation *t, enum host_condition condition,
		   void (*put)(struct translation *t))
{
	uint8_t *not_taken = op_jump_if(&t->a, OPPOSITE(condition));

	put(t);
	jump_to(not_taken, t->a.at);
	put_link(t, LINK_NEXT);
}

/* Of the flags of a comparison: what CR bit @bit of its result stands for */
static enum host_condition condition_of(unsigned bit, bool is_signed)
{
	if (bit == CR_EQ)
		return IF_EQUAL;
	if (bit == CR_LT)
		return is_signed ? IF_LESS : IF_BELOW;
	return is_signed ? IF_GREATER : IF_ABOVE;
}

/* A comparison and the branch on CR bit @bit of its result */
static void put_fused(struct translation *t, unsigned how, bool is_signed, bool immediate, bool set)
{
	const struct uop *u = t->u;
	const unsigned bit = immediate ? u->b : (unsigned)(u->imm >> 16);
	const int64_t imm = (int64_t)u->imm >> 16;
	enum host_condition condition;

	put_count(t);
	put_flags(t, how, immediate, imm, u->b);
	put_order(t, is_signed, u->d);
	if (bit == CR_SO) {
		test_cr(t, offsetof(struct cpu, so), 1);
		condition = IF_NOT_EQUAL;
	} else {
		if (!ORDER_KEEPS_FLAGS)
			put_flags(t, how, immediate, imm, u->b);
		condition = condition_of(bit, is_signed);
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
		put_count(t);                  \
		test;                          \
		put_link_if(t, condition);     \
		return true;                   \
	case UOP_##name##_out:                 \
		put_count(t);                  \
		test;                          \
		put_if(t, condition, put_out); \
		return true
#define TO_REGISTER(name, test, condition)             \
	case UOP_##name:                               \
		put_count(t);                          \
		test;                                  \
		put_if(t, condition, put_to_register); \
		return true

bool recipe_branch(struct translation *t)
{
	const struct uop *u = t->u;

	switch (u->kind) {
		RECIPE(b_in, (put_count(t), put_link(t, LINK_TAKEN)));
		RECIPE(fall_in, (put_count(t), put_link(t, LINK_NEXT)));
		RECIPE(b_out, (put_count(t), put_out(t)));
		RECIPE(fall_out, (put_count(t), put_out(t)));
		RECIPE(br, (put_count(t), put_to_register(t)));
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
