/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emitter for x86-64: blocks, calls, and the code that blocks share. The recipes of
 * micro-operations are in the files beside it, by kind.
 *
 * Layout: the shared code, then each block's: a header with the places of its two links' jumps, its
 * code, and behind that what is rarely executed.
 */
#include "engine/emu/code/lookup.h"
#include "engine/emu/jit/x86_64.h"

static const uint8_t saved_by_callee[] = { RBP, RBX, R12, R13, R14, R15 };
#define NR_SAVED (sizeof(saved_by_callee) / sizeof(saved_by_callee[0]))

#define ROOM_FOR_UOP   256 /* bytes, with what it has behind the block */
#define ROOM_FOR_BLOCK (DECODE_MAX_UOPS * ROOM_FOR_UOP)
#define ALIGNMENT      16

/*
 * Before a block's code: where its links' jumps are, and where they lead while the links lead
 * nowhere, relative to the code. 0: it has no such link.
 */
struct header {
	uint32_t link[2], unlinked[2];
};
_Static_assert(sizeof(struct header) <= ALIGNMENT, "it is before the code");

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
	case FIND:
		if (rare->number)
			op_imm(a, WIDE, OP_ADD, in_register(RAX), rare->number);
		jump_to(op_jump(a), shared(t, t->e->find));
		return;
	case LINK:
		t->unlinked[rare->number] = a->at;
		op_constant(a, RCX, rare->number);
		to = t->e->unlinked;
		break;
	default:
		to = t->e->ended;
		break;
	}
	op_constant(a, RAX, (uintptr_t)rare->u);
	jump_to(op_jump(a), shared(t, to));
}

/* ---- calls ---- */

static void call(struct translation *t, uint64_t function)
{
	op_constant(&t->a, RAX, function);
	op_call_register(&t->a, RAX);
	forget_vsrs(t);
}

static void put_call(struct translation *t, uint32_t insn)
{
	struct assembler *a = &t->a;

	op(a, WIDE, OP_LEA, RDI, at_base(CPU, -BIAS));
	op_constant(a, RSI, insn);
	call(t, t->u->imm);
	op(a, 0, OP_TEST, RAX, in_register(RAX));
	rarely(t, op_jump_if(a, IF_NOT_EQUAL), STOP, 0);
}

static void put_sem(struct translation *t, uint64_t msr_bit)
{
	const struct sem_recipe *recipe = recipe_of(t->u, t->mode);
	const uint32_t insn = called_insn(t->u);

	if (!recipe)
		spill(t);
	if (msr_bit)
		put_need(t, msr_bit);
	if (recipe)
		recipe->put(t, insn, recipe->how);
	else
		put_call(t, insn);
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

/* The rest of the block is the interpreter's. */
static void put_interpreted(struct translation *t)
{
	rarely(t, op_jump(&t->a), INTERPRET, 0);
}

/* ---- micro-operations ---- */

/* Does it call a function, with the pinned registers in struct cpu? */
static bool is_call(const struct translation *t, const struct uop *u)
{
	return uop_info[u->kind].effects & EFFECT_ANY && !recipe_of(u, t->mode);
}

/* After a call: is the next one so near that loading the pinned registers does not pay? */
static bool call_is_near(const struct translation *t, const struct uop *u)
{
	const unsigned near = 6;

	for (unsigned i = 0; i < near; i++) {
		if (uop_info[u[i].kind].effects & EFFECT_ENDS)
			return false;
		if (is_call(t, &u[i]))
			return true;
	}
	return false;
}

/* Calls of semantics functions. MSR_PR must be off, the others on. */
static bool put_called(struct translation *t)
{
	switch (t->u->kind) {
		RECIPE(call, put_sem(t, 0));
		RECIPE(call_priv, put_sem(t, MSR_PR));
		RECIPE(call_fp, put_sem(t, MSR_FP));
		RECIPE(call_vec, put_sem(t, MSR_VEC));
		RECIPE(call_vsx, put_sem(t, MSR_VSX));
	default:
		return false;
	}
}

static bool put_recipe(struct translation *t)
{
	const uint16_t effects = uop_info[t->u->kind].effects;

	if (effects & EFFECT_ENDS) {
		if (!recipe_branch(t))
			put_interpreted(t);
		return true;
	}
	return effects & (EFFECT_LOADS | EFFECT_STORES) ? recipe_memory(t) : recipe_fixed(t);
}

static void put_uop(struct translation *t)
{
	const struct uop *u = t->u;
	const uint16_t effects = uop_info[u->kind].effects;

	if (t->spilled && !is_call(t, u) && !(effects & EFFECT_ENDS) && !call_is_near(t, u))
		unspill(t);
	if (!put_called(t) && !put_recipe(t))
		put_body(t);
}

/* ---- shared code ---- */

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

	put_fetch_entry(a);
	op_mov(a, RDX, RAX);
	op_imm(a, WIDE, OP_AND, in_register(RDX), -(int32_t)PAGE_BYTES);
	op(a, WIDE, OP_CMP, RDX, at_base(RCX, offsetof(struct fetch_entry, tag)));
	other_page = op_jump_if(a, IF_NOT_EQUAL);
	op(a, WIDE, OP_MOV, RCX, at_base(RCX, offsetof(struct fetch_entry, page)));
	op(a, 0, OP_MOV, RDX, in_register(RAX));
	op_imm(a, 0, OP_AND, in_register(RDX), PAGE_BYTES - 4);
	op(a, 0, OP_MOV, RDX, at_index(RCX, RDX, 0, offsetof(struct code_page, entry)));
	op(a, 0, OP_TEST, RDX, in_register(RDX));
	not_decoded = op_jump_if(a, IF_EQUAL);
	op(a, WIDE, OP_ADD, RCX, in_register(RDX));
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
	e->constants = begin_shared(e, a);
	memcpy(a->at, vector_constants, sizeof(vector_constants));
	a->at += sizeof(vector_constants);
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
	e->limit = e->memory.size;
}

bool emitter_create(struct emitter *e, size_t size, bool alone)
{
	recipes_init();
	e->alone = alone;
	if (!executable_memory_create(&e->memory, size, false))
		return false;
	put_shared(e);
	return true;
}

void emitter_destroy(struct emitter *e)
{
	executable_memory_destroy(&e->memory);
}

void emitter_use(struct emitter *e, const struct executable_memory *memory)
{
	e->memory = *memory;
	if (e->memory.writable)
		put_shared(e);
}

void emitter_fill(struct emitter *e, size_t from, size_t limit)
{
	e->used = from;
	e->limit = limit;
}

uop_fn *emitter_enter(const struct emitter *e)
{
	return (uop_fn *)(uintptr_t)(e->memory.executable + e->enter);
}

/* ---- blocks ---- */

/* Is there room for the block of @first? To compare it, for a part of it besides. */
static bool has_room(const struct emitter *e, const struct uop *first)
{
	const bool whole = first == code_block_of(first)->uops;

	return e->limit - e->used >= (e->alone && whole ? 2 : 1) * (ROOM_FOR_BLOCK + ALIGNMENT);
}

static uint32_t distance(const uint8_t *from, const uint8_t *to)
{
	return to ? (uint32_t)(to - from) : 0;
}

const uint8_t *emitter_translate(struct emitter *e, const struct uop *first)
{
	struct translation t;
	struct header header;
	uint8_t *start, *code;

	if (!has_room(e, first))
		return NULL;
	start = e->memory.writable + e->used;
	code = start + ALIGNMENT;
	t.e = e;
	t.a.at = code;
	t.mode = code_block_of(first)->page->mode;
	t.spilled = false;
	t.turn = 0;
	forget_vsrs(&t);
	t.link[0] = t.link[1] = t.unlinked[0] = t.unlinked[1] = NULL;
	t.nr_rare = 0;
	for (t.u = first;; t.u++) {
		if (e->alone && is_call(&t, t.u)) {
			put_interpreted(&t);
			break;
		}
		put_uop(&t);
		if (uop_info[t.u->kind].effects & EFFECT_ENDS)
			break;
	}
	for (unsigned i = 0; i < t.nr_rare; i++)
		put_rare(&t, &t.rare[i]);
	for (unsigned i = 0; i < 2; i++) {
		header.link[i] = distance(code, t.link[i]);
		header.unlinked[i] = distance(code, t.unlinked[i]);
	}
	memcpy(code - sizeof(header), &header, sizeof(header));
	e->used += (size_t)(t.a.at - start + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	return e->memory.executable + (code - e->memory.writable);
}

void emitter_drop(struct emitter *e, const uint8_t *code)
{
	e->used = (size_t)(code - e->memory.executable) - ALIGNMENT;
}

/* A block's code, to be written, and what is before it */
static uint8_t *code_of(const struct emitter *e, const struct block *block, struct header *header)
{
	uint8_t *code = e->memory.writable + (block->host - e->memory.executable);

	memcpy(header, code - sizeof(*header), sizeof(*header));
	return code;
}

void emitter_link(struct emitter *e, const struct block *from, unsigned link,
		  const struct block *to)
{
	struct header header;
	uint8_t *code = code_of(e, from, &header);

	jump_to(code + header.link[link], e->memory.writable + (to->host - e->memory.executable));
}

void emitter_unlink(struct emitter *e, const struct block *from, unsigned link)
{
	struct header header;
	uint8_t *code = code_of(e, from, &header);

	jump_to(code + header.link[link], code + header.unlinked[link]);
}

const uint8_t *emitter_linked(const struct emitter *e, const struct block *from, unsigned link)
{
	struct header header;
	uint8_t *code = code_of(e, from, &header);
	int32_t jump;

	if (!header.link[link])
		return NULL;
	memcpy(&jump, code + header.link[link], sizeof(jump));
	jump += (int32_t)(header.link[link] + sizeof(jump));
	return jump == (int32_t)header.unlinked[link] ? NULL : from->host + jump;
}
