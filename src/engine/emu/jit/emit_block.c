/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks on their way into the host's code, whatever the host: which micro-operations have code of
 * their own, where a block's code lies, and its links.
 *
 * Layout: the shared code, then each block's: a header with the places of its two links' jumps, and
 * its code. What is rarely executed follows that, or, where the host's jumps reach far enough,
 * fills the memory from the other end, so that it shares no cache lines with the rest.
 */
#include "engine/emu/code/lookup.h"
#include "engine/emu/jit/host_emitter.h"

#define ROOM_FOR_UOP   256 /* bytes, with what is rarely executed of it */
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

/* The rest of the block is the interpreter's. */
static void put_interpreted(struct translation *t)
{
	rarely(t, op_jump(&t->a), INTERPRET, 0);
}

void put_need(struct translation *t, uint64_t msr_bit)
{
	if (t->tested & msr_bit)
		return;
	put_test_msr(t, msr_bit);
	t->tested |= msr_bit;
}

static void put_sem(struct translation *t, uint64_t msr_bit)
{
	const struct sem_recipe *recipe = recipe_of(t->u, t->mode);
	const uint32_t insn = called_insn(t->u);

	if (!recipe)
		spill(t);
	if (msr_bit)
		put_need(t, msr_bit);
	if (recipe) {
		recipe->put(t, insn, recipe->how);
		return;
	}
	put_call(t, insn);
	t->tested = 0;
}

/* Calls of semantics functions, and what they need: MSR_PR must be off, the others on. */
static bool put_called(struct translation *t)
{
	switch (t->u->kind) {
		RECIPE(priv, put_need(t, MSR_PR));
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
	if (put_called(t) || put_recipe(t))
		return;
	spill(t);
	put_body(t);
	t->tested = 0;
}

static bool are_the_same(const struct rare *a, const struct rare *b)
{
	return a->what == b->what && a->u == b->u && a->spilled == b->spilled &&
	       a->number == b->number && a->back == b->back;
}

/* Jumps that follow each other to the same have it once. */
static void put_all_rare(struct translation *t, uint8_t *place)
{
	const uint8_t *to = NULL;

	t->a.at = place;
	t->exit = NULL;
	for (unsigned i = 0; i < t->nr_rare; i++) {
		const struct rare *rare = &t->rare[i];

		if (!i || !are_the_same(rare, rare - 1))
			to = put_rare(t, rare);
		jump_to(rare->jump, to);
	}
}

/* ---- the memory ---- */

/* These bytes were written; the host's fetches are to see them. */
static void written(const struct emitter *e, size_t offset, size_t size)
{
	char *code = (char *)(uintptr_t)(e->memory.executable + offset);

	__builtin___clear_cache(code, code + size);
}

uint32_t begin_shared(struct emitter *e, struct assembler *a)
{
	const size_t offset = (size_t)(a->at - e->memory.writable);
	const size_t aligned = (offset + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);

	a->at = e->memory.writable + aligned;
	return (uint32_t)aligned;
}

static void begin_memory(struct emitter *e)
{
	struct assembler a = { .at = e->memory.writable };

	put_shared(e, &a);
	e->first = e->used = begin_shared(e, &a);
	e->limit = e->memory.size;
	written(e, 0, e->first);
}

bool emitter_create(struct emitter *e, size_t size, bool alone)
{
	recipes_init();
	e->alone = alone;
	if (!executable_memory_create(&e->memory, size, false))
		return false;
	begin_memory(e);
	return true;
}

bool emitter_exists(void)
{
	return true;
}

bool emitter_serves_threads(void)
{
	return SERVES_THREADS;
}

void emitter_destroy(struct emitter *e)
{
	executable_memory_destroy(&e->memory);
}

void emitter_use(struct emitter *e, const struct executable_memory *memory)
{
	e->memory = *memory;
	if (e->memory.writable)
		begin_memory(e);
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

/* Returns the end of what is behind the block's code. */
static uint8_t *put_rare_code(struct translation *t)
{
	struct emitter *e = t->e;
	uint8_t *const end = t->a.at, *const limit = e->memory.writable + e->limit;
	size_t size;

	e->last_limit = e->limit;
	put_all_rare(t, end);
	if (!RARE_CODE_IS_APART)
		return t->a.at;
	size = (size_t)(t->a.at - end); /* it is as long anywhere */
	put_all_rare(t, limit - size);
	e->limit -= size;
	written(e, e->limit, size);
	return end;
}

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
	uint8_t *start, *code, *end;
	size_t size;

	if (!has_room(e, first))
		return NULL;
	start = e->memory.writable + e->used;
	code = start + ALIGNMENT;
	t.e = e;
	t.a.at = code;
	t.mode = code_block_of(first)->page->mode;
	t.spilled = false;
	t.tested = 0;
	t.turn = 0;
	forget_vsrs(&t);
	t.link[0] = t.link[1] = t.unlinked[0] = t.unlinked[1] = NULL;
	t.nr_rare = 0;
	t.first = first;
	for (t.u = first;; t.u++) {
		if (e->alone && is_call(&t, t.u)) {
			put_interpreted(&t);
			break;
		}
		put_uop(&t);
		if (uop_info[t.u->kind].effects & EFFECT_ENDS)
			break;
	}
	end = put_rare_code(&t);
	for (unsigned i = 0; i < 2; i++) {
		header.link[i] = distance(code, t.link[i]);
		header.unlinked[i] = distance(code, t.unlinked[i]);
	}
	memcpy(code - sizeof(header), &header, sizeof(header));
	size = (size_t)(end - start + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	written(e, e->used, size);
	e->used += size;
	return e->memory.executable + (code - e->memory.writable);
}

void emitter_drop(struct emitter *e, const uint8_t *code)
{
	e->used = (size_t)(code - e->memory.executable) - ALIGNMENT;
	e->limit = e->last_limit;
}

/* ---- links ---- */

/* A block's code, to be written, and what is before it */
static uint8_t *code_of(const struct emitter *e, const struct block *block, struct header *header)
{
	uint8_t *code = e->memory.writable + (block->host - e->memory.executable);

	memcpy(header, code - sizeof(*header), sizeof(*header));
	return code;
}

static void relink(struct emitter *e, uint8_t *jump, const uint8_t *to)
{
	jump_change(jump, to);
	written(e, (size_t)(jump - e->memory.writable), sizeof(uint32_t));
}

void emitter_link(struct emitter *e, const struct block *from, unsigned link,
		  const struct block *to)
{
	struct header header;
	uint8_t *code = code_of(e, from, &header);

	relink(e, code + header.link[link], e->memory.writable + (to->host - e->memory.executable));
}

void emitter_unlink(struct emitter *e, const struct block *from, unsigned link)
{
	struct header header;
	uint8_t *code = code_of(e, from, &header);

	relink(e, code + header.link[link], code + header.unlinked[link]);
}

const uint8_t *emitter_linked(const struct emitter *e, const struct block *from, unsigned link)
{
	struct header header;
	uint8_t *code = code_of(e, from, &header);
	const uint8_t *to;

	if (!header.link[link])
		return NULL;
	to = jump_target(code + header.link[link]);
	return to == code + header.unlinked[link] ? NULL : from->host + (to - code);
}
