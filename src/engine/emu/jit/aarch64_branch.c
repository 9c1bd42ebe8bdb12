/* SPDX-License-Identifier: BSD-2-Clause */
/* The emitter for AArch64: what ends a block. */
#include "engine/emu/jit/aarch64.h"

void put_count(struct translation *t)
{
	unspill(t);
	op_add_imm(&t->a, WIDE | OP_SUBS, BUDGET, BUDGET, t->u->index + 1u);
	rarely(t, op_jump_if(&t->a, IF_LESS_OR_EQUAL), UNCOUNT, 0);
}

void put_link(struct translation *t, unsigned link)
{
	t->link[link] = op_jump(&t->a);
	rarely(t, t->link[link], LINK, link);
}

/* A jump with a condition reaches too little to be a link. */
void put_link_if(struct translation *t, enum host_condition condition)
{
	uint8_t *not_taken = op_jump_if(&t->a, OPPOSITE(condition));

	put_link(t, LINK_TAKEN);
	jump_to(not_taken, t->a.at);
	put_link(t, LINK_NEXT);
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

void put_out(struct translation *t)
{
	const uint64_t offset = t->u->imm & PAGE_MASK_LOW;

	load_cpu(&t->a, T0, AT(page_ea));
	add_immediate(&t->a, T0, T0, t->u->imm - offset);
	put_found(t, true, (unsigned)offset);
}

void put_to_register(struct translation *t)
{
	logic_immediate(&t->a, OP_AND, T0, value(t, t->u->d, T0), ~3ull);
	put_found(t, false, 0);
}

void test_zero(struct translation *t)
{
	compare_immediate(&t->a, WIDE, value(t, t->u->a, T0), 0);
}
