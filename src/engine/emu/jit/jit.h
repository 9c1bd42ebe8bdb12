/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The translator: blocks that are executed often get code of the host's. It knows no host's
 * architecture: emitter.h does.
 *
 * A block's first micro-operation leads to its code: its body is jit_count() until the block is
 * translated, then the emitter's. So whatever executes a block executes its code. Nothing but that
 * body, block.host and links within the page leads there. All code is forgotten at once: when there
 * is no room for more, or with all blocks.
 */
#ifndef FWNMI_ENGINE_EMU_JIT_JIT_H
#define FWNMI_ENGINE_EMU_JIT_JIT_H

#include "engine/emu/code/cache.h"
#include "engine/engine.h"

struct jit;

/**
 * jit_create() - a translator
 * returns: NULL, with the reason in @err, if the host has none or refuses its memory
 */
struct jit *jit_create(enum engine_jit mode, char *err, size_t err_size);
void jit_destroy(struct jit *jit);
/** jit_count() - a uop_fn: execute a block, by its first micro-operation; translate it if due. */
uop_fn jit_count;
/** jit_forget() - all blocks are about to go. No vCPU may be inside one. */
void jit_forget(struct jit *jit);
/** jit_difference() - what of ENGINE_JIT_CHECK has ended the run, or NULL */
const char *jit_difference(const struct jit *jit);
/** jit_check_block() - is what leads to its code right? NULL, or what is wrong. */
const char *jit_check_block(const struct jit *jit, const struct block *block);

#endif
