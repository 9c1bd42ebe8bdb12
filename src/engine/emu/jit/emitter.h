/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the translator needs of a host's architecture: code for a block of micro-operations. A
 * translated block does what the interpreter would have done. Where it has no code of its own for
 * that, it makes a call, or goes on in the interpreter at that very micro-operation, which has
 * changed nothing yet. So only the interpreter handles what is rare: a miss in the soft TLB, an
 * exception, the end of the budget.
 */
#ifndef FWNMI_ENGINE_EMU_JIT_EMITTER_H
#define FWNMI_ENGINE_EMU_JIT_EMITTER_H

#include "engine/emu/code/cache.h"
#include "engine/emu/jit/executable_memory.h"
#include "engine/emu/uop/uop.h"

struct emitter {
	struct executable_memory memory;
	/*
	 * To be compared with the interpreter (lockstep.h): instead of going on in it, a block's
	 * code returns the micro-operation to go on at, and it leaves to the interpreter what may
	 * do anything.
	 */
	bool alone;
	size_t first; /* where the code of blocks begins; what is before that is shared */
	/* Code is put at used and above; if it is rarely executed, it may be put below limit. */
	size_t used, limit;
	size_t last_limit; /* before the code translated last */
	/* Shared code, as offsets in the memory. */
	uint32_t enter, find, ended;
	uint32_t interpret, interpret_spilled, unlinked, stopped; /* of AArch64 */
	uint32_t exit; /* of x86-64, which has these in one */
	uint32_t order; /* two words: CR_LT, CR_GT */
	uint32_t constants; /* of vectors, by the emitter's numbers */
	uint32_t refill[TLB_MODES][TLB_BASES][2]; /* for reads, for writes */
};

/**
 * emitter_create() - with @size bytes for code; @alone: see above. false: the host refuses; errno
 * ENOSYS: no emitter
 */
bool emitter_create(struct emitter *e, size_t size, bool alone);
void emitter_destroy(struct emitter *e);
/** emitter_exists() - is there one for this host? */
bool emitter_exists(void);
/** emitter_serves_threads() - may others execute code while more is put into the memory? */
bool emitter_serves_threads(void);
/** emitter_use() - put code into another memory, or none; the present one is the caller's. */
void emitter_use(struct emitter *e, const struct executable_memory *memory);
/** emitter_fill() - from now on put code into these bytes of the memory; what was there is gone */
void emitter_fill(struct emitter *e, size_t from, size_t limit);
/** emitter_enter() - the body that executes a translated block, by its first micro-operation. */
uop_fn *emitter_enter(const struct emitter *e);
/**
 * emitter_translate() - translate the block of @first, from there on
 * returns: the code, for block.host; NULL: no room for it, until emitter_fill(). A part of
 * a block that has code always finds room.
 */
const uint8_t *emitter_translate(struct emitter *e, const struct uop *first);
/** emitter_drop() - the code translated last is gone again. */
void emitter_drop(struct emitter *e, const uint8_t *code);
/** emitter_link() - have the code of @from, if it goes by its link @link, continue at @to. */
void emitter_link(struct emitter *e, const struct block *from, unsigned link,
		  const struct block *to);
/** emitter_unlink() - undo that */
void emitter_unlink(struct emitter *e, const struct block *from, unsigned link);
/** emitter_linked() - the code where the code of @from continues by its link @link, or NULL */
const uint8_t *emitter_linked(const struct emitter *e, const struct block *from, unsigned link);

/** emitter_executes() - has this call code of its own, which replaces it where it can? */
bool emitter_executes(const struct uop *u, unsigned mode);
/*
 * The largest access, in bytes, that is looked up by TLB_BASES. All sizes are powers of two. The
 * code for all sizes is the same, so an unaligned access that begins in the last bytes of a page is
 * the interpreter's if one of this size would cross the page's end.
 */
#define MAX_BASE_ACCESS 16
/** emitter_access() - what memory such a call accesses. false: none */
struct emitter_access {
	uint64_t ea;
	unsigned bytes;
	bool stores;
};
bool emitter_access(const struct cpu *cpu, const struct uop *u, struct emitter_access *access);

/* ---- what translated code calls ---- */

/**
 * jit_run_body() - execute one micro-operation that ends no block. false: it has stopped, and
 * cpu->stop_uop says so.
 */
bool jit_run_body(struct cpu *cpu, const struct uop *u);
/** jit_unlinked() - go on behind the ending @u, by a link that leads nowhere yet. */
const struct uop *jit_unlinked(struct cpu *cpu, const struct uop *u, unsigned link);

#endif
