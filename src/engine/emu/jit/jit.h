/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The translator: blocks that are executed often get code of the host's. It knows no host's
 * architecture; emitter.h has what it needs of one.
 *
 * A block's first micro-operation leads to its code: its body is jit_count() until the block is
 * translated, then the emitter's. So whatever executes a block executes its code. Nothing but that
 * body, block.host and links within the page leads there.
 *
 * Code is put into one generation after the other, in a ring. When one is full, the oldest is
 * evicted: its blocks are the interpreter's again, and links into it lead nowhere. All code is
 * forgotten with all blocks.
 */
#ifndef FWNMI_ENGINE_EMU_JIT_JIT_H
#define FWNMI_ENGINE_EMU_JIT_JIT_H

#include "engine/emu/code/cache.h"
#include "engine/engine.h"

struct jit;

#define JIT_GENERATIONS 8
#define JIT_CODE_BYTES	(64u << 20)

/**
 * jit_create() - a translator, with @size bytes for code: each generation has room for the longest
 * block at least
 * returns: NULL, with the reason in @err, if the host has none or refuses its memory
 */
struct jit *jit_create(enum engine_jit mode, size_t size, char *err, size_t err_size);
void jit_destroy(struct jit *jit);
/**
 * jit_prepare() - memory for @count processes that are to be fork()ed. false, with errno: the host
 * refuses
 */
bool jit_prepare(struct jit *jit, unsigned count, size_t size);
/**
 * jit_forked() - this process was fork()ed: all code is forgotten, and new code goes into the
 * @number'th memory of jit_prepare(). If there is none, nothing is translated any more. The
 * others are no longer mapped.
 */
void jit_forked(struct jit *jit, unsigned number);
/** jit_is_here() - not in a process that was fork()ed, until jit_forked() */
bool jit_is_here(const struct jit *jit);
/** jit_count() - a uop_fn: execute a block, by its first micro-operation; translate it if due. */
uop_fn jit_count;
/** jit_forget() - all blocks are about to go. No vCPU may be inside one. */
void jit_forget(struct jit *jit);
/** struct jit_figures - what was translated so far, into how many bytes, and evicted again */
struct jit_figures {
	uint64_t blocks, insns, bytes, evicted;
};
void jit_figures(const struct jit *jit, struct jit_figures *figures);
/** jit_difference() - the difference by which ENGINE_JIT_CHECK has ended the run, or NULL */
const char *jit_difference(const struct jit *jit);
/** jit_check_block() - is what leads to its code right? NULL, or what is wrong. */
const char *jit_check_block(const struct jit *jit, const struct block *block);

#endif
