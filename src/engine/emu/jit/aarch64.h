/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emitter for AArch64, as its recipes see it: where the guest's registers are.
 *
 * X19 holds the vCPU's address, X20 its budget; the GPRs in register_of are pinned; T0 to T4 are
 * scratch. A block's code is entered and left with these registers live. Around a call they are in
 * struct cpu, where the callee reads and writes them, and stay there while more calls follow.
 * X18 is the platform's.
 */
#ifndef FWNMI_ENGINE_EMU_JIT_AARCH64_H
#define FWNMI_ENGINE_EMU_JIT_AARCH64_H

#include "engine/emu/jit/assembler_aarch64.h"
#include "engine/emu/jit/translation.h"

/*
 * Each processor needs a barrier of its own (ISB) before it executes what another has written where
 * it may have fetched before. Nothing here makes the processor execute one.
 */
#define SERVES_THREADS false

#define CPU	  X(19)
#define BUDGET	  X(20)
#define T0	  X(9)
#define T1	  X(10)
#define T2	  X(11)
#define T3	  X(16)
#define T4	  X(17)
#define CONSTANTS X(26) /* scratch, too: constants that fit no instruction */

#define NOT_PINNED 0xff

/*
 * The register of each pinned GPR. Pairs are loaded and stored as such. These are the
 * GPRs that Linux's and GCC's code uses most, among them all arguments.
 */
#define NONE NOT_PINNED
static const uint8_t register_of[32] = {
	X(0),  X(1),  X(2),  X(3), X(4), X(5), X(6),  X(7),  X(8),  X(12), X(13),
	X(14), X(15), X(21), NONE, NONE, NONE, NONE,  NONE,  NONE,  NONE,  NONE,
	NONE,  NONE,  NONE,  NONE, NONE, NONE, X(22), X(23), X(24), X(25),
};
#undef NONE

/* ---- where guest registers are ---- */

/* Of a register of struct cpu: its pinned register, or NOT_PINNED. */
static inline unsigned pinned_register(const struct translation *t, unsigned offset)
{
	return !t->spilled && offset < 8 * 32 ? register_of[offset / 8] : NOT_PINNED;
}

static inline void load_cpu(struct assembler *a, unsigned r, unsigned offset)
{
	op_at(a, OP_LOAD, 3, r, CPU, offset);
}

static inline void store_cpu(struct assembler *a, unsigned r, unsigned offset)
{
	op_at(a, OP_STORE, 3, r, CPU, offset);
}

static inline void load_byte(struct assembler *a, unsigned r, unsigned offset)
{
	op_at(a, OP_LOAD, 0, r, CPU, offset);
}

static inline void store_byte(struct assembler *a, unsigned r, unsigned offset)
{
	op_at(a, OP_STORE, 0, r, CPU, offset);
}

#define AT(member) ((unsigned)offsetof(struct cpu, member))
_Static_assert(offsetof(struct cpu, page_ea) < BYTES_REACH, "loads of bytes reach all before it");
_Static_assert(offsetof(struct cpu, arrays) < 2 * WORDS_REACH, "those of doublewords, too");

/* The host's register with the guest's: its own, or @scratch, loaded. Flags stay. */
static inline unsigned value(struct translation *t, unsigned offset, unsigned scratch)
{
	const unsigned r = pinned_register(t, offset);

	if (r != NOT_PINNED)
		return r;
	if (offset == AT(zero))
		op_constant(&t->a, scratch, 0);
	else
		load_cpu(&t->a, scratch, offset);
	return scratch;
}

/* Where to compute a guest's register: in its own, or @scratch, which done() stores. */
static inline unsigned target(const struct translation *t, unsigned offset, unsigned scratch)
{
	const unsigned r = pinned_register(t, offset);

	return r != NOT_PINNED ? r : scratch;
}

static inline void done(struct translation *t, unsigned offset, unsigned r)
{
	const unsigned own = pinned_register(t, offset);

	if (own != NOT_PINNED)
		op_mov(&t->a, own, r);
	else
		store_cpu(&t->a, r, offset);
}

/* OP_LOAD_PAIR or OP_STORE_PAIR of all pinned registers, and of the budget */
static inline void move_pinned(struct assembler *a, uint32_t pair)
{
	const uint32_t single = pair == OP_LOAD_PAIR ? OP_LOAD : OP_STORE;

	for (unsigned i = 0; i < 32; i += 2)
		if (register_of[i] != NOT_PINNED)
			op_pair(a, pair, register_of[i], register_of[i + 1], CPU, 8 * (int)i);
	op_at(a, single, 3, BUDGET, CPU, AT(budget));
}

static inline void spill(struct translation *t)
{
	if (!t->spilled)
		move_pinned(&t->a, OP_STORE_PAIR);
	t->spilled = true;
}

static inline void unspill(struct translation *t)
{
	if (t->spilled)
		move_pinned(&t->a, OP_LOAD_PAIR);
	t->spilled = false;
}

/* ---- what is rarely executed ---- */

/* It is near, because conditional jumps only reach 1 MiB. */
#define RARE_CODE_IS_APART false

/* ---- what several kinds of recipes need ---- */

static inline void interpret_if(struct translation *t, enum host_condition condition)
{
	rarely(t, op_jump_if(&t->a, condition), INTERPRET, 0);
}

/* d = n + the immediate, which may need a register. Neither is SP. */
static inline void add_immediate(struct assembler *a, unsigned d, unsigned n, uint64_t imm)
{
	const uint32_t opcode = (int64_t)imm < 0 ? WIDE | OP_SUB : WIDE | OP_ADD;
	const uint64_t size = (int64_t)imm < 0 ? -imm : imm;

	if (size < 1u << 12) {
		op_add_imm(a, opcode, d, n, (unsigned)size);
	} else if (size < 1u << 24) {
		op_add_high(a, opcode, d, n, (unsigned)(size >> 12));
		if (size & 4095)
			op_add_imm(a, opcode, d, d, (unsigned)size & 4095);
	} else {
		op_constant(a, CONSTANTS, imm);
		op(a, WIDE | OP_ADD, d, n, CONSTANTS);
	}
}

/* d = n op the immediate, of 64 bits, of logic; with OP_ANDS, d may be ZR. */
static inline void logic_immediate(struct assembler *a, uint32_t opcode, unsigned d, unsigned n,
				   uint64_t imm)
{
	uint32_t encoded;

	if (logical_immediate(imm, &encoded)) {
		op_logic_imm(a, WIDE | opcode, d, n, encoded);
	} else {
		op_constant(a, CONSTANTS, imm);
		op(a, WIDE | opcode, d, n, CONSTANTS);
	}
}

static inline void test_bits(struct assembler *a, unsigned r, uint64_t bits)
{
	logic_immediate(a, OP_ANDS, ZR, r, bits);
}

/* The flags of r - the immediate. A small negative one is added: the flags are the same. */
static inline void compare_immediate(struct assembler *a, uint32_t how, unsigned r, int64_t imm)
{
	if (imm >= 0 && imm < 4096) {
		op_add_imm(a, how | OP_SUBS, ZR, r, (unsigned)imm);
	} else if (imm < 0 && imm > -4096) {
		op_add_imm(a, how | OP_ADDS, ZR, r, (unsigned)-imm);
	} else {
		op_constant(a, CONSTANTS, (uint64_t)imm);
		op(a, how | OP_SUBS, ZR, r, CONSTANTS);
	}
}

/* The flags of a comparison of the register a with @imm or the register @b */
static inline void put_flags(struct translation *t, uint32_t how, bool immediate, int64_t imm,
			     unsigned b)
{
	const unsigned r = value(t, t->u->a, T0);

	if (immediate)
		compare_immediate(&t->a, how, r, imm);
	else
		op(&t->a, how | OP_SUBS, ZR, r, value(t, b, T1));
}

/* The CR field at @to, from the flags, which stay. */
#define ORDER_KEEPS_FLAGS true
static inline void put_order(struct translation *t, bool is_signed, unsigned to)
{
	struct assembler *a = &t->a;

	op_constant(a, T0, CR_EQ);
	op_constant(a, T1, CR_GT);
	op_select(a, OP_CSEL, T0, T1, T0, is_signed ? IF_GREATER : IF_ABOVE);
	op_constant(a, T1, CR_LT);
	op_select(a, OP_CSEL, T0, T1, T0, is_signed ? IF_LESS : IF_BELOW);
	load_byte(a, T1, AT(so));
	op(a, OP_ORR, T0, T0, T1);
	store_byte(a, T0, to);
}

/* Tests CR bit @bit of the field at @offset: not equal, if it is set. */
static inline void test_cr(struct translation *t, unsigned offset, unsigned bit)
{
	load_byte(&t->a, T2, offset);
	test_bits(&t->a, T2, bit);
}

/* ---- the code at an address ---- */

/*
 * T2: the tag of the fetch entry for the effective address in T0, T3: its page. T4: the address's
 * own page
 */
static inline void put_fetch_entry(struct assembler *a)
{
	_Static_assert(sizeof(struct fetch_entry) == 16, "the shift below");
	_Static_assert(offsetof(struct fetch_entry, page) == 8, "a pair");
	op_extract(a, T1, T0, PAGE_BITS, __builtin_ctz(FETCH_ENTRIES));
	load_cpu(a, T2, AT(fetch));
	op_shifted(a, WIDE | OP_ADD, T1, T2, T1, LEFT, 4);
	op_pair(a, OP_LOAD_PAIR, T2, T3, T1, 0);
	logic_immediate(a, OP_AND, T4, T0, EPN(~0ull));
}

/* d = the entry of the page in T3 for the address in T0: 0, or how far the block is from there */
static inline void put_entry(struct assembler *a, unsigned d)
{
	logic_immediate(a, OP_AND, d, T0, PAGE_BYTES - 4);
	op(a, WIDE | OP_ADD, d, T3, d);
	op_at(a, OP_LOAD, 2, d, d, offsetof(struct code_page, entry));
}

/* ---- calls of semantics functions ---- */

/* By file, each ended by an empty one. */
extern const struct sem_recipe fixed_recipes[];

#endif
