/* SPDX-License-Identifier: BSD-2-Clause */
/* The code of many blocks, one after the other, for a disassembler to read. */
#ifndef UNIT_LISTING_H
#define UNIT_LISTING_H

#include "disassemble.h"

#include "engine/emu/jit/emitter.h"

#define LISTING_BYTES  (1u << 20)
#define LISTING_BLOCKS 2048u
#define LISTING_GAP    32u /* bytes of nops behind code, for the disassembler to find its step */

struct listing {
	uint8_t bytes[LISTING_BYTES];
	size_t used;
	unsigned starts[LISTING_BLOCKS], nr; /* offset of each block's code */
};

static inline void list_code(struct listing *l, const uint8_t *from, size_t size)
{
	assert_true(l->used + size + LISTING_GAP <= sizeof(l->bytes));
	memcpy(l->bytes + l->used, from, size);
	fill_with_nops(&DISASSEMBLER_HOST, l->bytes + l->used + size, LISTING_GAP);
	l->used += size + LISTING_GAP;
}

/*
 * Translates @block, which is all that @emitter has then, and appends its code, what is rarely
 * executed included.
 */
static inline void list_block(struct listing *l, struct emitter *emitter, struct block *block)
{
	const struct executable_memory *memory = &emitter->memory;
	const uint8_t *host;

	emitter_fill(emitter, emitter->first, memory->size);
	fill_with_nops(&DISASSEMBLER_HOST, memory->writable + emitter->first,
		       memory->size - emitter->first);
	host = emitter_translate(emitter, block->uops);
	assert_non_null(host);
	assert_in_range(l->nr, 0, LISTING_BLOCKS - 1);
	l->starts[l->nr++] = (unsigned)l->used;
	list_code(l, host, emitter->used - (size_t)(host - memory->executable));
	list_code(l, memory->executable + emitter->limit, memory->size - emitter->limit);
}

#endif
