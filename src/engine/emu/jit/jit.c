/* SPDX-License-Identifier: BSD-2-Clause */
/* The translator; see jit.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/emu/jit/emitter.h"
#include "engine/emu/jit/jit.h"
#include "engine/emu/jit/lockstep.h"
#include "engine/emu/private.h"

/* A block is translated when it has been executed this often. */
#define HOT	    20
#define NEVER	    UINT_MAX
/*
 * After each eviction it takes twice as many executions, up to this often. So code that does not
 * fit is executed more and more before it is translated, and what fits stays longer.
 */
#define MAX_DOUBLED 8
_Static_assert(HOT << MAX_DOUBLED <= UINT16_MAX, "block.heat counts that far");
/* A block that is evicted, and one whose links are looked at for that, in about nanoseconds */
#define WORK_EVICT	 20
#define GENERATION_ALIGN 64

struct jit {
	struct emitter emitter;
	unsigned hot, hot_here;
	bool *here; /* in memory that a child of fork() finds empty */
	struct executable_memory *for_children;
	unsigned nr_for_children;
	struct lockstep *lockstep; /* NULL: translated code runs without the interpreter */
	/* The blocks that got code in each generation, the last one first; see next_translated. */
	struct block *translated[JIT_GENERATIONS];
	unsigned generation; /* that code is put into */
	struct jit_figures total;
};

/* Where a generation's code begins in the memory; for their number, where the last one ends */
static size_t begin_of(const struct jit *jit, unsigned generation)
{
	const struct emitter *e = &jit->emitter;
	const size_t size = (e->memory.size - e->first) / JIT_GENERATIONS;

	return e->first + generation * (size & ~(size_t)(GENERATION_ALIGN - 1));
}

static void fill(struct jit *jit, unsigned generation)
{
	jit->generation = generation;
	emitter_fill(&jit->emitter, begin_of(jit, generation), begin_of(jit, generation + 1));
}

/* A mark that the process has and its children do not. */
static bool *mark_process(void)
{
	bool *here =
		mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (here == MAP_FAILED)
		return NULL;
	if (madvise(here, PAGE_BYTES, MADV_WIPEONFORK)) {
		munmap(here, PAGE_BYTES);
		return NULL;
	}
	*here = true;
	return here;
}

bool jit_is_here(const struct jit *jit)
{
	return *jit->here;
}

struct jit *jit_create(enum engine_jit mode, size_t size, char *err, size_t err_size)
{
	const bool checked = mode == ENGINE_JIT_CHECK;
	struct jit *jit = calloc(1, sizeof(*jit));

	if (jit && emitter_create(&jit->emitter, size, checked)) {
		fill(jit, 0);
		jit->hot = jit->hot_here = mode == ENGINE_JIT_ON ? HOT : 1;
		jit->lockstep = checked ? lockstep_create() : NULL;
		jit->here = mark_process();
		if ((jit->lockstep || !checked) && jit->here)
			return jit;
	}
	snprintf(err, err_size, "cannot translate code: %s",
		 errno == ENOSYS ? "no translator for this host" : strerror(errno));
	jit_destroy(jit);
	return NULL;
}

static bool uses_memory_for_children(const struct jit *jit)
{
	for (unsigned i = 0; i < jit->nr_for_children; i++)
		if (jit->emitter.memory.writable == jit->for_children[i].writable)
			return true;
	return false;
}

void jit_destroy(struct jit *jit)
{
	if (!jit)
		return;
	if (jit->here)
		munmap(jit->here, PAGE_BYTES);
	/* Only the process that made it has memory besides. */
	if (!uses_memory_for_children(jit))
		emitter_destroy(&jit->emitter);
	for (unsigned i = 0; i < jit->nr_for_children; i++)
		executable_memory_destroy(&jit->for_children[i]);
	free(jit->for_children);
	lockstep_destroy(jit->lockstep);
	free(jit);
}

/* Its blocks have no code any more, @evicted: to make room. Returns how many there were. */
static unsigned forget(struct jit *jit, unsigned generation, bool evicted)
{
	struct block *block, *next;
	unsigned count = 0;

	for (block = jit->translated[generation]; block; block = next, count++) {
		next = block->next_translated;
		block->host = NULL;
		block->next_translated = NULL;
		block->heat = 0;
		if (block->evictions < MAX_DOUBLED)
			block->evictions += evicted;
		block->uops[0].fn = jit_count;
	}
	jit->translated[generation] = NULL;
	return count;
}

void jit_forget(struct jit *jit)
{
	for (unsigned i = 0; i < JIT_GENERATIONS; i++)
		forget(jit, i, false);
	fill(jit, 0);
}

bool jit_prepare(struct jit *jit, unsigned count, size_t size)
{
	jit->for_children = calloc(count, sizeof(jit->for_children[0]));
	if (!jit->for_children)
		return false;
	while (jit->nr_for_children < count &&
	       executable_memory_create(&jit->for_children[jit->nr_for_children], size, true))
		jit->nr_for_children++;
	return jit->nr_for_children == count;
}

void jit_forked(struct jit *jit, unsigned number)
{
	static const struct executable_memory none;
	const bool has_memory = number < jit->nr_for_children && jit->for_children[number].writable;

	emitter_use(&jit->emitter, has_memory ? &jit->for_children[number] : &none);
	jit_forget(jit);
	/* A guest that takes this process over must not write the code of others. */
	for (unsigned i = 0; i < jit->nr_for_children; i++)
		if (i != number)
			executable_memory_destroy(&jit->for_children[i]);
	jit->hot = has_memory ? jit->hot_here : NEVER;
	*jit->here = true;
}

/* Links of other generations' code that lead into this one lead nowhere from now on. */
static unsigned unlink_from(struct jit *jit, unsigned generation)
{
	const uint8_t *begin = jit->emitter.memory.executable + begin_of(jit, generation);
	const uint8_t *end = jit->emitter.memory.executable + begin_of(jit, generation + 1);
	unsigned count = 0;

	for (unsigned i = 0; i < JIT_GENERATIONS; i++) {
		for (const struct block *b = jit->translated[i]; b; b = b->next_translated) {
			for (unsigned link = 0; link < 2; link++) {
				const uint8_t *to = emitter_linked(&jit->emitter, b, link);

				if (to >= begin && to < end)
					emitter_unlink(&jit->emitter, b, link);
			}
			count++;
		}
	}
	return count;
}

/* There is no room for more: the oldest generation makes some. No vCPU may be inside its code. */
static void evict(struct cpu *cpu)
{
	struct jit *jit = cpu->engine->jit;
	const unsigned oldest = (jit->generation + 1) % JIT_GENERATIONS;
	const unsigned evicted = forget(jit, oldest, true), looked_at = unlink_from(jit, oldest);

	fill(jit, oldest);
	jit->total.evicted += evicted;
	work_done(cpu->work, (int64_t)WORK_EVICT * (evicted + looked_at));
}

static struct block *block_of_first(const struct uop *u)
{
	return (struct block *)((uintptr_t)u - offsetof(struct block, uops));
}

/* A uop_fn: executes a translated block beside the interpreter. */
static const struct uop *run_checked(struct cpu *cpu, const struct uop *u)
{
	struct jit *jit = cpu->engine->jit;

	return lockstep_run(jit->lockstep, &jit->emitter, cpu, block_of_first(u));
}

/* The body of a translated block's first micro-operation. */
static uop_fn *first_body(const struct jit *jit)
{
	return jit->lockstep ? run_checked : emitter_enter(&jit->emitter);
}

/* What is left of the generation's memory */
static size_t room(const struct jit *jit)
{
	return jit->emitter.limit - jit->emitter.used;
}

static void note_translated(struct jit *jit, const struct block *block, size_t bytes)
{
	jit->total.blocks++;
	jit->total.insns += block->nr_insns;
	jit->total.bytes += bytes;
}

/* Others may follow to the code as soon as the block has it. */
static void publish(struct jit *jit, struct block *block, const uint8_t *code)
{
	block->next_translated = jit->translated[jit->generation];
	jit->translated[jit->generation] = block;
	__atomic_store_n(&block->host, code, __ATOMIC_RELEASE);
	__atomic_store_n(&block->uops[0].fn, first_body(jit), __ATOMIC_RELEASE);
}

/* With the lock of the code. False: there is no room, and others may be inside what makes some. */
static bool translate(struct cpu *cpu, struct block *block)
{
	struct jit *jit = cpu->engine->jit;
	size_t before = room(jit);
	const uint8_t *code = emitter_translate(&jit->emitter, block->uops);

	if (!code && cpu->engine->beside)
		return false;
	if (!code) { /* the interpreter is what runs, so no vCPU is inside */
		evict(cpu);
		before = room(jit);
		code = emitter_translate(&jit->emitter, block->uops);
	}
	work_done(cpu->work, (int64_t)block->nr_insns * WORK_INSN);
	publish(jit, block, code);
	note_translated(jit, block, before - room(jit));
	return true;
}

/* A number that is lost, because two vCPUs count at once, only delays the translation. */
static unsigned count(struct block *block)
{
	const unsigned heat = __atomic_load_n(&block->heat, __ATOMIC_RELAXED) + 1u;

	__atomic_store_n(&block->heat, (uint16_t)heat, __ATOMIC_RELAXED);
	return heat;
}

static uop_fn *body_of(const struct uop *u)
{
	return __atomic_load_n(&u->fn, __ATOMIC_ACQUIRE);
}

/* Compared with the interpreter, a block is translated at once each time. */
static bool is_due(const struct jit *jit, struct block *block)
{
	const unsigned doubled = jit->lockstep ? 0 : block->evictions;

	return jit->hot != NEVER && count(block) >= jit->hot << doubled;
}

const struct uop *jit_count(struct cpu *cpu, const struct uop *u)
{
	struct power_engine *e = cpu->engine;
	struct block *block = block_of_first(u);
	bool translated;

	if (!is_due(e->jit, block))
		return uop_body[u->kind](cpu, u);
	lock_code(e);
	translated = block->host || translate(cpu, block);
	unlock_code(e);
	if (!translated && cpu_alone(cpu)) {
		cpu->stop_uop = u;
		return NULL;
	}
	return body_of(u)(cpu, u);
}

/* ---- what translated code calls ---- */

static const struct uop *went_on(struct cpu *cpu, const struct uop *u)
{
	(void)cpu;
	return u;
}

bool jit_run_body(struct cpu *cpu, const struct uop *u)
{
	struct uop alone[2] = { *u, { .fn = went_on } };

	alone[0].fn = uop_body[u->kind];
	if (alone[0].fn(cpu, alone))
		return true;
	cpu->stop_uop = u;
	return false;
}

/* The byte offset in the page where the block goes on that ends with @u, or PAGE_BYTES. */
static unsigned link_offset(const struct block *block, const struct uop *u, unsigned link)
{
	if (link)
		return block_end(block);
	return uop_info[u->kind].imm == IMM_TARGET ? (unsigned)u->imm : (unsigned)u->imm & 0xffff;
}

static bool has_code(const struct block *block)
{
	return __atomic_load_n(&block->host, __ATOMIC_ACQUIRE);
}

/* Others may link the same jump at once: to the same block, unless both blocks are dropped. */
const struct uop *jit_unlinked(struct cpu *cpu, const struct uop *u, unsigned link)
{
	/* The block's trailer follows the ending and its two links. */
	const struct block *block = (const struct block *)(uintptr_t)u[3].imm;
	const unsigned offset = link_offset(block, u, link);
	const struct uop *t = offset < PAGE_BYTES ? code_entry(block->page, offset) : NULL;

	if (!t || cpu->engine->jit->emitter.alone) {
		cpu->nip = cpu->page_ea + offset;
		return NULL;
	}
	if (has_code(block_of_first(t)) && has_code(block))
		emitter_link(&cpu->engine->jit->emitter, block, link, block_of_first(t));
#ifdef FWNMI_LOOP_DISPATCH
	return t;
#else
	return body_of(t)(cpu, t);
#endif
}

void jit_figures(const struct jit *jit, struct jit_figures *figures)
{
	*figures = jit->total;
}

const char *jit_difference(const struct jit *jit)
{
	return jit ? lockstep_difference(jit->lockstep) : NULL;
}

/* Does the block's code go on where the block does, or nowhere yet? */
static const char *check_links(const struct jit *jit, const struct block *block)
{
	const struct uop *u = block->uops;

	while (!(uop_info[u->kind].effects & EFFECT_ENDS))
		u++;
	for (unsigned link = 0; link < 2; link++) {
		const uint8_t *code = emitter_linked(&jit->emitter, block, link);
		const unsigned offset = code ? link_offset(block, u, link) : 0;
		const struct uop *to =
			code && offset < PAGE_BYTES ? code_entry(block->page, offset) : NULL;

		if (code && (!to || block_of_first(to)->host != code))
			return "translated code goes on where its block does not";
	}
	return NULL;
}

const char *jit_check_block(const struct jit *jit, const struct block *block)
{
	uop_fn *const first = block->uops[0].fn;
	const struct executable_memory *memory = jit ? &jit->emitter.memory : NULL;

	if (!block->host)
		return first == uop_body[block->uops[0].kind] || (jit && first == jit_count) ?
			       NULL :
			       "a block without translated code leads to some";
	if (!jit || first != first_body(jit))
		return "a block does not lead to its translated code";
	if (block->host < memory->executable + jit->emitter.first ||
	    block->host >= memory->executable + memory->size ||
	    (block->host >= memory->executable + jit->emitter.used &&
	     block->host < memory->executable + jit->emitter.limit))
		return "a block's translated code is not in its memory";
	return check_links(jit, block);
}
