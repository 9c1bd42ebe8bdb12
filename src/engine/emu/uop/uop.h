/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The micro-operations that instructions are decoded to. uop.def has a row for each; the bodies are
 * in interpreter.c.
 */
#ifndef FWNMI_ENGINE_EMU_UOP_UOP_H
#define FWNMI_ENGINE_EMU_UOP_UOP_H

#include "engine/emu/cpu.h"

/*
 * Executes one micro-operation and, by tail call, those after it. Returns NULL when the run loop
 * has work.
 */
typedef const struct uop *uop_fn(struct cpu *cpu, const struct uop *u);

struct uop {
	uop_fn *fn;
	uint64_t imm;
	uint16_t d, a, b; /* see enum uop_operand */
	uint8_t kind; /* enum uop_kind */
	uint8_t index; /* of the instruction in its block */
};

/* What d, a and b are. A register is 64 bits wide and named by its byte offset in struct cpu. */
enum uop_operand {
	OPERAND_NONE, /* unused */
	OPERAND_R, /* a register that is read */
	OPERAND_W, /* written */
	OPERAND_RW, /* both */
	OPERAND_R_CR, /* a CR field that is read: offset of a byte of cpu.cr */
	OPERAND_W_CR, /* written */
	OPERAND_NUMBER /* not a place but the number itself */
};

/* What imm is. */
enum uop_imm {
	IMM_NONE,
	IMM_VALUE, /* a number; of b_out and the like, the target relative to the page */
	IMM_CR_BIT, /* offset of a byte of cpu.cr << 8 | bit */
	IMM_TARGET, /* byte offset in the page */
	IMM_VALUE_TARGET, /* constant << 16 | target */
	IMM_BIT_TARGET, /* CR bit << 16 | target */
	IMM_SEM, /* sem_fn * */
	IMM_POINTER /* to a micro-operation or a block; 0: none yet */
};

/*
 * What a micro-operation does beside its operands. An ending takes its instructions from the budget
 * and sets NIP or page_ea; a load may use scratch[3].
 */
enum uop_effect {
	EFFECT_LOADS = 1 << 0,
	EFFECT_STORES = 1 << 1,
	EFFECT_FAULTS = 1 << 2, /* may stop with an exception; has changed nothing then */
	EFFECT_ENDS = 1 << 3, /* ends the block */
	EFFECT_ANY = 1 << 4, /* may read and write any state */
	EFFECT_LEAVES = 1 << 5, /* may end the run after this block */
	EFFECT_READS_CA = 1 << 6, /* CA or CA32 */
	EFFECT_WRITES_CA = 1 << 7,
	EFFECT_READS_SO = 1 << 8,
	EFFECT_WRITES_CR0 = 1 << 9,
	EFFECT_READS_CTR = 1 << 10,
	EFFECT_WRITES_CTR = 1 << 11,
	EFFECT_READS_PPR = 1 << 12,
	EFFECT_WRITES_PPR = 1 << 13,
	EFFECT_READS_PAGE = 1 << 14, /* page_ea */
	EFFECT_MARKS = 1 << 15 /* not executed */
};

enum uop_kind {
#define UOP(name, d, a, b, imm, effects) UOP_##name,
#include "engine/emu/uop/uop.def"
#undef UOP
	UOP_KINDS
};

struct uop_info {
	const char *name;
	uint8_t d, a, b; /* enum uop_operand */
	uint8_t imm; /* enum uop_imm */
	uint16_t effects; /* enum uop_effect */
};

/* By enum uop_kind. */
extern const struct uop_info uop_info[UOP_KINDS];
extern uop_fn *const uop_body[UOP_KINDS];

/** uop_check() - check a micro-operation against the row of its kind. NULL, or what is wrong. */
const char *uop_check(const struct uop *u);
/**
 * uop_check_block() - are these the micro-operations of a block of @nr_insns instructions?
 *
 * Each is as its row says, but for the first one's body, which may be the translator's; the last
 * ones are an ending, its links and the trailer; and none that may fault follows one of its own
 * instruction that has changed a register.
 * returns: NULL, or what is wrong
 */
const char *uop_check_block(const struct uop *uops, unsigned nr_uops, unsigned nr_insns);

#endif
