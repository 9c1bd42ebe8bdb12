/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder: bytes of one page and a mode go in, micro-operations come out. It knows no cache,
 * and of a vCPU only where its registers are.
 */
#ifndef FWNMI_ENGINE_EMU_DECODE_DECODE_H
#define FWNMI_ENGINE_EMU_DECODE_DECODE_H

#include "engine/emu/uop/uop.h"

#define BLOCK_MAX_INSNS 64

/* Room for what decode() makes, whatever it reads. */
#define DECODE_MAX_UOPS (8 * BLOCK_MAX_INSNS + 8)

struct decode_input {
	const uint8_t *page; /* PAGE_BYTES */
	unsigned offset; /* of the first instruction in it */
	unsigned mode; /* CODE_* */
	unsigned isa; /* version, 300 = 3.0; newer instructions are illegal */
	unsigned compat_isa; /* the same for problem state; 0: as isa */
	unsigned max_insns; /* 1..BLOCK_MAX_INSNS */
	unsigned max_words; /* what follows them is not read; 0: no limit */
	bool threads; /* other vCPUs run at the same time: barriers are needed */
};

/* Instructions and words are counted apart: a prefixed instruction has two words. */
struct decoded {
	unsigned nr_uops;
	uint8_t nr_insns, nr_words;
	uint64_t prefixed; /* a bit per instruction, the first one's the lowest */
};

/** decode_init() - make the lookup from the instruction table, once. false: no memory. */
bool decode_init(void);
/**
 * decode() - translate a run of instructions
 * @uops: room for DECODE_MAX_UOPS
 *
 * The run ends at a branch, at an instruction that changes what follows, at the page's end, or
 * after max_insns or max_words. max_words has room for the first instruction. Two links and a
 * trailer, all with imm 0, follow the ending micro-operation.
 */
void decode(const struct decode_input *input, struct uop *uops, struct decoded *decoded);
/** decode_word() - the instruction word at @code as @mode fetches it. */
static inline uint32_t decode_word(const uint8_t *code, unsigned mode)
{
	uint32_t word = get_be32(code);

	return mode & CODE_LE ? __builtin_bswap32(word) : word;
}
/** insn_name() - mnemonic of an encoding, or NULL if it is not in the table. */
const char *insn_name(uint32_t insn);
/** prefixed_name() - the same of a prefix and a suffix. */
const char *prefixed_name(uint32_t prefix, uint32_t suffix);

#endif
