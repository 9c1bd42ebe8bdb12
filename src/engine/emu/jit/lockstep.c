/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translated code in lock step with the interpreter; see lockstep.h.
 *
 * The interpreter goes first, as far as translated code can go by itself: up to a call, an access
 * that misses the soft TLB, a refused instruction, or an ending that is not the code's own. What it
 * has stored is then undone. Translated code starts from the same state, and must come to the same
 * place. From there the interpreter goes on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/emu/jit/lockstep.h"
#include "engine/emu/private.h"

/* Of the vCPU: all but its caches. */
struct state {
	char bytes[offsetof(struct cpu, arrays)];
};

#define MAX_BYTES 128 /* of one store: dcbz */

/* Memory that a store is about to change, and what it was changed to. */
struct stored {
	uint8_t *at;
	unsigned size;
	uint8_t before[MAX_BYTES], after[MAX_BYTES];
};

struct lockstep {
	struct state before, interpreted, translated;
	struct stored stored[DECODE_MAX_UOPS];
	unsigned nr_stored;
	struct fetch_set nowhere; /* no entries: other pages are not entered */
	struct code_page empty;
	char difference[160];
};

struct lockstep *lockstep_create(void)
{
	struct lockstep *l = calloc(1, sizeof(*l));

	for (unsigned i = 0; l && i < FETCH_ENTRIES; i++)
		l->nowhere.entry[i].tag = TLB_INVALID;
	return l;
}

void lockstep_destroy(struct lockstep *l)
{
	free(l);
}

const char *lockstep_difference(const struct lockstep *l)
{
	return l && l->difference[0] ? l->difference : NULL;
}

static void save(struct cpu *cpu, struct state *state)
{
	cpu->scratch[3] = 0; /* for the interpreter's own use */
	memcpy(state, cpu, sizeof(*state));
	/* A signal may set it at any time; no code of the guest does. */
	memset(state->bytes + offsetof(struct cpu, kicked), 0, sizeof(cpu->kicked));
}

/* All but what a signal may have set meanwhile. */
static void restore(struct cpu *cpu, const struct state *state)
{
	const size_t kicked = offsetof(struct cpu, kicked), after = kicked + sizeof(cpu->kicked);

	memcpy(cpu, state, kicked);
	memcpy((char *)cpu + after, state->bytes + after, sizeof(*state) - after);
}

static uint64_t value(const struct cpu *cpu, unsigned offset)
{
	uint64_t v;

	memcpy(&v, (const char *)cpu + offset, sizeof(v));
	return v;
}

/* The bytes of an access, by the name: lbz, lhzx_le, std_be and so on. */
static unsigned access_size(const struct uop *u)
{
	const char *name = uop_info[u->kind].name;

	switch (name[0] == 's' ? name[2] : name[1]) {
	case 'b':
		return 1;
	case 'h':
		return 2;
	case 'w':
		return 4;
	default:
		return 8;
	}
}

/* What memory a micro-operation accesses. false: none */
static bool access_of(const struct cpu *cpu, const struct uop *u, struct emitter_access *access)
{
	const uint16_t effects = uop_info[u->kind].effects;
	const bool indexed = uop_info[u->kind].imm == IMM_NONE;

	if (effects & EFFECT_ANY)
		return emitter_access(cpu, u, access);
	if (!(effects & (EFFECT_LOADS | EFFECT_STORES)))
		return false;
	access->ea = value(cpu, u->a) + (indexed ? value(cpu, u->b) : u->imm);
	access->bytes = access_size(u);
	access->stores = effects & EFFECT_STORES;
	return true;
}

/* Notes what an access is about to change. False: translated code does not go on there. */
static bool prepare_access(struct lockstep *l, const struct cpu *cpu,
			   const struct emitter_access *access)
{
	struct stored *stored = &l->stored[l->nr_stored];
	uint8_t *at = tlb_host(cpu->tlb, access->ea, access->bytes, access->stores);

	if (!at)
		return false;
	if (!access->stores)
		return true;
	stored->at = at;
	stored->size = access->bytes;
	memcpy(stored->before, at, stored->size);
	l->nr_stored++;
	return true;
}

/* Is it a call that translated code makes no more than the interpreter of this file does? */
static bool is_call(const struct cpu *cpu, const struct uop *u)
{
	return uop_info[u->kind].effects & EFFECT_ANY && !emitter_executes(u, cpu->mode);
}

/* Does it raise what translated code leaves to the interpreter? */
static bool is_refused(const struct cpu *cpu, const struct uop *u)
{
	return u->kind == UOP_priv && cpu->msr & MSR_PR;
}

/* Is the ending left to the interpreter? */
static bool is_left(const struct cpu *cpu, const struct uop *u)
{
	return u->kind == UOP_leave || u->kind == UOP_leave_nip || u->kind == UOP_illegal ||
	       cpu->budget <= u->index + 1;
}

/* Executes the ending @u of @block, and nothing after it: no link and no page leads anywhere. */
static void run_ending(struct lockstep *l, struct cpu *cpu, const struct block *block,
		       const struct uop *u)
{
	struct block alone = *block;
	struct uop ending[4] = { *u };

	alone.page = &l->empty;
	ending[0].fn = uop_body[u->kind];
	ending[3].imm = (uint64_t)(uintptr_t)&alone;
	ending[0].fn(cpu, ending);
}

/*
 * Where translated code has to leave, if it starts at @u; NULL: at the block's end. It may leave
 * at @until already.
 */
static const struct uop *interpret(struct lockstep *l, struct cpu *cpu, const struct block *block,
				   const struct uop *u, const struct uop *until)
{
	for (; u != until; u++) {
		struct emitter_access access;

		if (is_call(cpu, u) || is_refused(cpu, u))
			return u;
		if (uop_info[u->kind].effects & EFFECT_ENDS) {
			if (is_left(cpu, u))
				return u;
			run_ending(l, cpu, block, u);
			return NULL;
		}
		if (access_of(cpu, u, &access) && !prepare_access(l, cpu, &access))
			return u;
		if (!jit_run_body(cpu, u))
			return u;
	}
	return u;
}

/* Memory is as it was before the stores. */
static void put_back(struct lockstep *l)
{
	for (unsigned i = l->nr_stored; i--;)
		memcpy(l->stored[i].at, l->stored[i].before, l->stored[i].size);
}

static void undo_stores(struct lockstep *l)
{
	for (unsigned i = 0; i < l->nr_stored; i++)
		memcpy(l->stored[i].after, l->stored[i].at, l->stored[i].size);
	put_back(l);
}

static bool same_stores(const struct lockstep *l)
{
	for (unsigned i = 0; i < l->nr_stored; i++)
		if (memcmp(l->stored[i].at, l->stored[i].after, l->stored[i].size))
			return false;
	return true;
}

static unsigned first_difference(const struct lockstep *l)
{
	for (unsigned i = 0; i < sizeof(l->translated.bytes); i++)
		if (l->translated.bytes[i] != l->interpreted.bytes[i])
			return i;
	return 0;
}

static void differ(struct lockstep *l, struct cpu *cpu, const struct uop *first, const char *what,
		   unsigned at)
{
	snprintf(
		l->difference, sizeof(l->difference),
		"translated code differs from the interpreter in %s (%u), from %s in the page at 0x%llx",
		what, at, uop_info[first->kind].name, (unsigned long long)cpu->page_ea);
	cpu->exit = ENGINE_EXIT_FAILED;
	cpu_leave(cpu);
}

/* The interpreter's state at the place it reaches, which this returns. Memory is as it was. */
static const struct uop *run_interpreter(struct lockstep *l, struct cpu *cpu, struct block *block,
					 const struct uop *first, const struct uop *until)
{
	const struct uop *reached;

	l->nr_stored = 0;
	reached = interpret(l, cpu, block, first, until);
	save(cpu, &l->interpreted);
	undo_stores(l);
	restore(cpu, &l->before);
	return reached;
}

static const struct uop *run_translated(struct lockstep *l, struct emitter *emitter,
					struct cpu *cpu, struct block *block,
					const struct uop *first)
{
	const bool whole = first == block->uops;
	const uint8_t *const host = block->host;
	const struct uop *reached;

	if (!whole)
		block->host = emitter_translate(emitter, first);
	reached = emitter_enter(emitter)(cpu, block->uops);
	if (!whole)
		emitter_drop(emitter, block->host);
	block->host = host;
	save(cpu, &l->translated);
	return reached;
}

/* Is it so near its page's end that translated code does not look whether it crosses it? */
static bool is_near_end(const struct emitter_access *access)
{
	const uint64_t left = PAGE_BYTES - (access->ea & PAGE_MASK_LOW);

	return access->ea & (access->bytes - 1) && left < MAX_BASE_ACCESS;
}

/* May translated code leave a call or an access there to the interpreter, after all? */
static bool may_leave(const struct cpu *cpu, const struct uop *u)
{
	struct emitter_access access;

	if (!u)
		return false;
	if (uop_info[u->kind].effects & EFFECT_ANY)
		return emitter_executes(u, cpu->mode);
	return access_of(cpu, u, &access) && is_near_end(&access);
}

/*
 * Executes the block from @first on by both, up to what this returns. If translated code leaves a
 * call or an access to the interpreter, they are compared there.
 */
static const struct uop *compare(struct lockstep *l, struct emitter *emitter, struct cpu *cpu,
				 struct block *block, const struct uop *first)
{
	const struct uop *expected, *got;

	cpu->fetch = &l->nowhere;
	save(cpu, &l->before);
	expected = run_interpreter(l, cpu, block, first, NULL);
	got = run_translated(l, emitter, cpu, block, first);
	if (may_leave(cpu, got)) {
		put_back(l);
		restore(cpu, &l->before);
		expected = run_interpreter(l, cpu, block, first, got);
		got = run_translated(l, emitter, cpu, block, first);
	}
	if (got != expected)
		differ(l, cpu, first, "the place where it ends", got ? got->index : 0);
	else if (memcmp(&l->translated, &l->interpreted, sizeof(l->translated)))
		differ(l, cpu, first, "a byte of the vCPU", first_difference(l));
	else if (!same_stores(l))
		differ(l, cpu, first, "memory", 0);
	return got;
}

const struct uop *lockstep_run(struct lockstep *l, struct emitter *emitter, struct cpu *cpu,
			       struct block *block)
{
	const struct uop *u = block->uops;

	for (;;) {
		struct fetch_set *const fetch = cpu->fetch;

		if (!is_call(cpu, u))
			u = compare(l, emitter, cpu, block, u);
		cpu->fetch = fetch;
		if (!u)
			return NULL;
		if (uop_info[u->kind].effects & EFFECT_ENDS)
			return uop_body[u->kind](cpu, u);
		if (!jit_run_body(cpu, u))
			return NULL;
		u++;
	}
}
