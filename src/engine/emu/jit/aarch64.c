/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emitter for AArch64: calls, and the code that blocks share. The recipes of micro-operations
 * are in the files beside it, by kind.
 */
#include "engine/emu/jit/aarch64.h"
#include "engine/emu/jit/jit.h"

/* From a block to another one, and to shared code; rare code is near. */
_Static_assert(JIT_CODE_BYTES <= 1u << (JUMP_BITS + 1), "jumps reach all of the memory");

uint8_t *put_rare(struct translation *t, const struct rare *rare)
{
	struct assembler *a = &t->a;
	uint8_t *const at = a->at;
	uint32_t to;

	switch (rare->what) {
	case UNCOUNT:
		op_add_imm(a, WIDE | OP_ADD, BUDGET, BUDGET, rare->u->index + 1u);
		/* fall through */
	case INTERPRET:
		to = rare->spilled ? t->e->interpret_spilled : t->e->interpret;
		break;
	case STOP:
		to = t->e->stopped;
		break;
	case FIND:
		if (rare->number)
			add_immediate(a, T0, T0, rare->number);
		jump_to(op_jump(a), shared(t, t->e->find));
		return at;
	case LINK:
		t->unlinked[rare->number] = at;
		op_constant(a, T1, rare->number);
		to = t->e->unlinked;
		break;
	default:
		to = t->e->ended;
		break;
	}
	op_constant(a, T0, (uintptr_t)rare->u);
	jump_to(op_jump(a), shared(t, to));
	return at;
}

/* ---- calls ---- */

static void call(struct translation *t, uint64_t function)
{
	op_constant(&t->a, T3, function);
	op_call_register(&t->a, T3);
}

void put_call(struct translation *t, uint32_t insn)
{
	struct assembler *a = &t->a;

	op_mov(a, X(0), CPU);
	op_constant(a, X(1), insn);
	call(t, t->u->imm);
	rarely(t, op_jump_if_not_zero(a, 0, X(0)), STOP, 0);
}

void put_body(struct translation *t)
{
	struct assembler *a = &t->a;

	op_mov(a, X(0), CPU);
	op_constant(a, X(1), (uintptr_t)t->u);
	call(t, (uintptr_t)jit_run_body);
	test_bits(a, X(0), 0xff); /* a bool has no more */
	rarely(t, op_jump_if(a, IF_EQUAL), STOPPED, 0);
}

void put_test_msr(struct translation *t, uint64_t msr_bit)
{
	load_cpu(&t->a, T0, AT(msr));
	test_bits(&t->a, T0, msr_bit);
	interpret_if(t, msr_bit == MSR_PR ? IF_NOT_EQUAL : IF_EQUAL);
}

/* ---- shared code ---- */

#define FRAME 80

/* OP_STORE_PAIR or OP_LOAD_PAIR of what the callee saves, but X29 and X30 */
static void move_saved(struct assembler *a, uint32_t pair)
{
	for (unsigned i = 0; i < 8; i += 2)
		op_pair(a, pair, X(19 + i), X(20 + i), SP, 16 + 8 * (int)i);
}

static void put_leave(struct assembler *a)
{
	move_saved(a, OP_LOAD_PAIR);
	op_pair(a, OP_POP_PAIR, X(29), X(30), SP, FRAME);
}

static void put_return(struct assembler *a)
{
	put_leave(a);
	op_return(a);
}

/*
 * A uop_fn: X0 is the vCPU, X1 the first micro-operation. Its body may be seen before the block's
 * code is, which another thread has stored earlier: the host orders no two loads.
 */
static void put_enter(const struct emitter *e, struct assembler *a)
{
	uint8_t *none_yet;

	op_pair(a, OP_PUSH_PAIR, X(29), X(30), SP, -FRAME);
	op_add_imm(a, WIDE | OP_ADD, X(29), SP, 0);
	move_saved(a, OP_STORE_PAIR);
	op_mov(a, CPU, X(0));
	op_load_near(a, T0, X(1), HOST_FROM_FIRST);
	none_yet = op_jump_if_zero(a, WIDE, T0);
	move_pinned(a, OP_LOAD_PAIR);
	op_jump_register(a, T0);
	jump_to(none_yet, a->at);
	op_mov(a, T0, X(1));
	jump_to(op_jump(a), e->memory.writable + e->interpret_spilled);
}

/* A tail call of a uop_fn, whose address is in T3, with the micro-operation in X1 */
static void put_go(struct assembler *a)
{
	op_mov(a, X(0), CPU);
	put_leave(a);
	op_jump_register(a, T3);
}

/* T0: the micro-operation to go on at. The first one's own body is what leads to this code. */
static void put_interpret(struct assembler *a, bool alone)
{
	if (alone) {
		op_mov(a, X(0), T0);
		put_return(a);
		return;
	}
	op_mov(a, X(1), T0);
	op_at(a, OP_LOAD, 0, T1, X(1), offsetof(struct uop, kind));
	op_constant(a, T2, (uintptr_t)uop_body);
	op_at_index(a, OP_LOAD, 3, T3, T2, T1, true);
	put_go(a);
}

/* T0: the micro-operation that ends the block, T1: the link */
static void put_unlinked(struct assembler *a)
{
	move_pinned(a, OP_STORE_PAIR);
	op_mov(a, X(2), T1);
	op_mov(a, X(1), T0);
	op_constant(a, T3, (uintptr_t)jit_unlinked);
	put_go(a);
}

/* T0: the effective address to go on at */
static void put_find(struct assembler *a)
{
	uint8_t *other_page, *not_decoded, *not_translated;

	put_fetch_entry(a);
	op(a, WIDE | OP_SUBS, ZR, T2, T4);
	other_page = op_jump_if(a, IF_NOT_EQUAL);
	put_entry(a, T1);
	not_decoded = op_jump_if_zero(a, WIDE, T1);
	op(a, WIDE | OP_ADD, T1, T3, T1);
	store_cpu(a, T4, AT(page_ea));
	op_load_near(a, T2, T1, HOST_FROM_FIRST);
	not_translated = op_jump_if_zero(a, WIDE, T2);
	op_jump_register(a, T2);
	jump_to(not_translated, a->at);
	move_pinned(a, OP_STORE_PAIR);
	op_mov(a, X(1), T1);
	op_at(a, OP_LOAD, 3, T3, X(1), offsetof(struct uop, fn));
	put_go(a);
	jump_to(other_page, a->at);
	jump_to(not_decoded, a->at);
	store_cpu(a, T0, AT(nip));
	move_pinned(a, OP_STORE_PAIR);
	op_constant(a, X(0), 0);
	put_return(a);
}

void put_shared(struct emitter *e, struct assembler *a)
{
	e->interpret = begin_shared(e, a);
	move_pinned(a, OP_STORE_PAIR);
	e->interpret_spilled = (uint32_t)(a->at - e->memory.writable);
	put_interpret(a, e->alone);
	e->enter = begin_shared(e, a);
	put_enter(e, a);
	e->unlinked = begin_shared(e, a);
	put_unlinked(a);
	e->find = begin_shared(e, a);
	put_find(a);
	e->stopped = begin_shared(e, a);
	store_cpu(a, T0, AT(stop_uop));
	e->ended = (uint32_t)(a->at - e->memory.writable);
	op_constant(a, X(0), 0);
	put_return(a);
}

/* ---- which recipes ---- */

const struct sem_recipe *const host_recipes[] = { fixed_recipes, NULL };

/* All that the recipes need, every AArch64 has. */
unsigned look_at_host(void)
{
	return 0;
}
