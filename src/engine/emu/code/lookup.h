/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoded code as the vCPUs use it: found by effective address, decoded when first met, dropped
 * when it is written to.
 */
#ifndef FWNMI_ENGINE_EMU_CODE_LOOKUP_H
#define FWNMI_ENGINE_EMU_CODE_LOOKUP_H

#include "engine/emu/code/cache.h"
#include "engine/emu/cpu.h"

struct power_engine;

/**
 * code_fetch() - the code page of an effective address, cached. NULL: an interrupt was raised, or
 * else the arena is full.
 */
struct code_page *code_fetch(struct cpu *cpu, uint64_t ea);
/**
 * code_decode() - decode the block at @offset of @page, which is at the vCPU's NIP, and keep it.
 * NULL: it has a marked word, and cpu->marked_block is its number of instructions; an interrupt was
 * raised; or else the arena is full.
 */
const struct uop *code_decode(struct cpu *cpu, struct code_page *page, unsigned offset);
/**
 * code_decode_part() - decode at most @max_insns instructions into a block that no page leads to;
 * code_discard() it next. NULL: as above.
 */
struct block *code_decode_part(struct cpu *cpu, struct code_page *page, unsigned offset,
			       unsigned max_insns);
/** code_note_executed() - the block is about to be executed: see engine_ops.note_executed() */
void code_note_executed(const struct power_engine *e, const struct block *block);
/** code_block_of() - the block that this micro-operation is part of. */
const struct block *code_block_of(const struct uop *uop);
/** code_written() - these bytes of memory were written. */
void code_written(struct power_engine *e, uint64_t ra, uint64_t len);
/** code_flush() - forget all code. No vCPU may be inside a block. */
void code_flush(struct power_engine *e);

#endif
