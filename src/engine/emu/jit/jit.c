/* SPDX-License-Identifier: BSD-2-Clause */
/* The translator; see jit.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/emu/jit/emitter.h"
#include "engine/emu/jit/jit.h"
#include "engine/emu/jit/lockstep.h"
#include "engine/emu/private.h"

#define CODE_BYTES (64u << 20)
/* A block is translated when it has been executed this often. */
#define HOT	   20

struct jit {
	struct emitter emitter;
	unsigned hot;
	struct lockstep *lockstep; /* NULL: translated code runs without the interpreter */
	struct block *translated; /* all blocks with code; see block.next_translated */
};

struct jit *jit_create(enum engine_jit mode, char *err, size_t err_size)
{
	const bool checked = mode == ENGINE_JIT_CHECK;
	struct jit *jit = calloc(1, sizeof(*jit));

	if (jit && emitter_create(&jit->emitter, CODE_BYTES, checked)) {
		jit->hot = mode == ENGINE_JIT_ON ? HOT : 1;
		jit->lockstep = checked ? lockstep_create() : NULL;
		if (jit->lockstep || !checked)
			return jit;
	}
	snprintf(err, err_size, "cannot translate code: %s",
		 errno == ENOSYS ? "no translator for this host" : strerror(errno));
	jit_destroy(jit);
	return NULL;
}

void jit_destroy(struct jit *jit)
{
	if (!jit)
		return;
	emitter_destroy(&jit->emitter);
	lockstep_destroy(jit->lockstep);
	free(jit);
}

void jit_forget(struct jit *jit)
{
	struct block *next;

	for (struct block *block = jit->translated; block; block = next) {
		next = block->next_translated;
		block->host = NULL;
		block->next_translated = NULL;
		block->heat = 0;
		block->uops[0].fn = jit_count;
	}
	jit->translated = NULL;
	emitter_forget(&jit->emitter);
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

static void translate(struct power_engine *e, struct block *block)
{
	struct jit *jit = e->jit;
	const uint8_t *code = emitter_translate(&jit->emitter, block->uops);

	if (!code) { /* full; the interpreter is what runs, so no vCPU is inside */
		jit_forget(jit);
		code = emitter_translate(&jit->emitter, block->uops);
	}
	work_done(&e->work, (int64_t)block->nr_insns * WORK_INSN);
	block->host = code;
	block->next_translated = jit->translated;
	jit->translated = block;
	block->uops[0].fn = first_body(jit);
}

const struct uop *jit_count(struct cpu *cpu, const struct uop *u)
{
	struct block *block = block_of_first(u);

	if (++block->heat < cpu->engine->jit->hot)
		return uop_body[u->kind](cpu, u);
	translate(cpu->engine, block);
	return u->fn(cpu, u);
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

const struct uop *jit_unlinked(struct cpu *cpu, const struct uop *u, unsigned link)
{
	/* The block's trailer follows the ending and its two links. */
	const struct block *block = (const struct block *)(uintptr_t)u[3].imm;
	const unsigned offset = link_offset(block, u, link);
	const struct uop *t = offset < PAGE_BYTES ? CODE_ENTRY(block->page, offset) : NULL;

	if (!t || cpu->engine->jit->emitter.alone) {
		cpu->nip = cpu->page_ea + offset;
		return NULL;
	}
	if (block_of_first(t)->host && block->host)
		emitter_link(&cpu->engine->jit->emitter, block, link, block_of_first(t));
#ifdef FWNMI_LOOP_DISPATCH
	return t;
#else
	return t->fn(cpu, t);
#endif
}

const char *jit_difference(const struct jit *jit)
{
	return jit ? lockstep_difference(jit->lockstep) : NULL;
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
	    block->host >= memory->executable + jit->emitter.used)
		return "a block's translated code is not in its memory";
	return NULL;
}
