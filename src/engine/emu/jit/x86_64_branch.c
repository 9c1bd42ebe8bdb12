/* SPDX-License-Identifier: BSD-2-Clause */
/* The emitter for x86-64: what ends a block. */
#include "engine/emu/jit/x86_64.h"

void put_count(struct translation *t)
{
	unspill(t);
	op_imm(&t->a, WIDE, OP_SUB, in_register(BUDGET), t->u->index + 1);
	rarely(t, op_jump_if(&t->a, IF_LESS_OR_EQUAL), UNCOUNT, 0);
}

void put_link(struct translation *t, unsigned link)
{
	op_align(&t->a, JUMP_OPCODE);
	t->link[link] = op_jump(&t->a);
	rarely(t, t->link[link], LINK, link);
}

void put_link_if(struct translation *t, enum host_condition condition)
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

void put_out(struct translation *t)
{
	const uint64_t offset = t->u->imm & PAGE_MASK_LOW;

	op(&t->a, WIDE, OP_MOV, RAX, AT_CPU(page_ea));
	with_immediate(t, OP_ADD, RAX, t->u->imm - offset);
	put_found(t, true, (unsigned)offset);
}

void put_to_register(struct translation *t)
{
	load_into(t, RAX, t->u->d);
	op_imm(&t->a, WIDE, OP_AND, in_register(RAX), -4);
	put_found(t, false, 0);
}

void test_zero(struct translation *t)
{
	op_imm(&t->a, WIDE, OP_CMP, home(t, t->u->a), 0);
}
