/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emitter for x86-64, as its recipes see it: where the guest's registers are.
 *
 * RBP holds the vCPU's address plus BIAS, R15 its budget; the GPRs in register_of are pinned;
 * RAX, RCX and RDX are scratch. A block's code is entered and left with these registers live.
 * Around a call they are in struct cpu, where the callee reads and writes them, and stay there
 * while more calls follow.
 */
#ifndef FWNMI_ENGINE_EMU_JIT_X86_64_H
#define FWNMI_ENGINE_EMU_JIT_X86_64_H

#include "engine/emu/jit/assembler_x86_64.h"
#include "engine/emu/jit/translation.h"

/* Stores to code are seen by the fetches of every processor. */
#define SERVES_THREADS true

#define BIAS   128 /* all GPRs are within a byte's displacement */
#define BUDGET R15
#define CPU    RBP

/*
 * The register of each pinned GPR; 0, which is RAX, of all others. These are the GPRs that Linux's
 * and GCC's code uses most, among them all arguments.
 */
static const uint8_t register_of[32] = {
	[3] = RBX, [4] = RSI, [5] = RDI,  [6] = R8,   [7] = R9,
	[8] = R10, [9] = R11, [10] = R12, [30] = R13, [31] = R14,
};

/* Vector-scalar registers are kept from XMM4 on; those below are scratch. */
#define FIRST_CACHED XMM(4)

static inline struct operand at_cpu(size_t offset)
{
	return at_base(CPU, (int32_t)offset - BIAS);
}
#define AT_CPU(member) at_cpu(offsetof(struct cpu, member))

/* ---- where guest registers are ---- */

/* Of a register of struct cpu: its pinned register, or 0. */
static inline unsigned pinned_register(const struct translation *t, unsigned offset)
{
	return !t->spilled && offset < 8 * 32 ? register_of[offset / 8] : 0;
}

static inline struct operand home(const struct translation *t, unsigned offset)
{
	unsigned r = pinned_register(t, offset);

	return r ? in_register(r) : at_base(CPU, (int32_t)offset - BIAS);
}

/* The host's register with the guest's: its own, or @scratch, loaded. Flags stay. */
static inline unsigned value(struct translation *t, unsigned offset, unsigned scratch)
{
	unsigned r = pinned_register(t, offset);

	if (r)
		return r;
	op(&t->a, WIDE, OP_MOV, scratch, home(t, offset));
	return scratch;
}

/* Where to compute a guest's register: in its own, or @scratch, which done() stores. */
static inline unsigned target(struct translation *t, unsigned offset, unsigned scratch)
{
	unsigned r = pinned_register(t, offset);

	return r ? r : scratch;
}

static inline void done(struct translation *t, unsigned offset, unsigned r)
{
	unsigned own = pinned_register(t, offset);

	if (own)
		op_mov(&t->a, own, r);
	else
		op(&t->a, WIDE, OP_STORE, r, home(t, offset));
}

static inline void load_into(struct translation *t, unsigned r, unsigned offset)
{
	unsigned own = pinned_register(t, offset);

	if (!own || own != r)
		op(&t->a, WIDE, OP_MOV, r, home(t, offset));
}

static inline void move_pinned(struct assembler *a, unsigned opcode)
{
	for (int i = 0; i < 32; i++)
		if (register_of[i])
			op(a, WIDE, opcode, register_of[i], at_base(CPU, 8 * i - BIAS));
	op(a, WIDE, opcode, BUDGET, AT_CPU(budget));
}

static inline void spill(struct translation *t)
{
	if (!t->spilled)
		move_pinned(&t->a, OP_STORE);
	t->spilled = true;
}

static inline void unspill(struct translation *t)
{
	if (t->spilled)
		move_pinned(&t->a, OP_MOV);
	t->spilled = false;
}

/* ---- where the soft TLB is, from CPU on ---- */

/* Something in a mode's set */
static inline int32_t in_set(enum tlb_mode mode, size_t offset)
{
	return (int32_t)(offsetof(struct cpu, arrays.data) + mode * sizeof(struct tlb_set) +
			 offset) -
	       BIAS;
}

static inline int32_t table_at(enum tlb_mode mode, bool write)
{
	return in_set(mode,
		      write ? offsetof(struct tlb_set, write) : offsetof(struct tlb_set, read));
}

static inline int32_t base_at(enum tlb_mode mode, enum tlb_base base, bool write)
{
	return in_set(mode, (write ? offsetof(struct tlb_set, base_write) :
				     offsetof(struct tlb_set, base_read)) +
				    base * sizeof(struct tlb_entry));
}

#define ENTRY(member) ((int32_t)offsetof(struct tlb_entry, member))

/* RCX: the entry for the effective address in RAX, as an offset from table_at() */
static inline void put_tlb_entry(struct assembler *a)
{
	_Static_assert(sizeof(struct tlb_entry) == 16, "the shift below");
	op(a, 0, OP_MOV, RCX, in_register(RAX));
	op_imm8(a, 0, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), PAGE_BITS - 4);
	op_imm(a, 0, OP_AND, in_register(RCX), (TLB_ENTRIES - 1) << 4);
}

_Static_assert(TLB_INVALID >= MAX_BASE_ACCESS, "it equals no address that is unaligned");

/* ---- what is rarely executed ---- */

/* Conditional jumps reach all of the memory. */
#define RARE_CODE_IS_APART true

static inline void interpret_if(struct translation *t, enum host_condition condition)
{
	rarely(t, op_jump_if(&t->a, condition), INTERPRET, 0);
}

/* ---- what several kinds of recipes need ---- */

/* a op= the immediate, which may need a register */
static inline void with_immediate(struct translation *t, unsigned opcode, unsigned r, uint64_t imm)
{
	if ((int64_t)imm == (int32_t)imm) {
		op_imm(&t->a, WIDE, opcode, in_register(r), (int32_t)imm);
	} else if (opcode == OP_AND && imm <= UINT32_MAX) {
		op_imm(&t->a, 0, opcode, in_register(r), (int32_t)imm);
	} else {
		op_constant(&t->a, RCX, imm);
		op(&t->a, WIDE, opcode, r, in_register(RCX));
	}
}

static inline void store_byte(struct translation *t, unsigned r, struct operand to)
{
	op(&t->a, BYTE_WIDE, OP_STORE_BYTE, r, to);
}

/* The flags of a comparison of the register a with @imm or the register @b */
static inline void put_flags(struct translation *t, unsigned how, bool immediate, int64_t imm,
			     unsigned b)
{
	struct assembler *a = &t->a;
	unsigned r = pinned_register(t, t->u->a);

	if (immediate && !imm && r) {
		op(a, how, OP_TEST, r, in_register(r));
	} else if (immediate) {
		op_imm(a, how, OP_CMP, home(t, t->u->a), (int32_t)imm);
	} else {
		r = value(t, t->u->a, RCX);
		op(a, how, OP_CMP, r, home(t, b));
	}
}

/* The CR field at @to, from the flags, which are lost. */
#define ORDER_KEEPS_FLAGS false
static inline void put_order(struct translation *t, bool is_signed, unsigned to)
{
	struct operand lt = { .kind = AT_CODE, .code = shared(t, t->e->order) };
	struct operand gt = { .kind = AT_CODE, .code = shared(t, t->e->order) + 4 };
	struct assembler *a = &t->a;

	op_constant(a, RAX, CR_EQ);
	op(a, 0, OP_CMOVCC(is_signed ? IF_LESS : IF_BELOW), RAX, lt);
	op(a, 0, OP_CMOVCC(is_signed ? IF_GREATER : IF_ABOVE), RAX, gt);
	op(a, 0, OP_OR_BYTE, RAX, AT_CPU(so));
	store_byte(t, RAX, at_base(CPU, (int32_t)to - BIAS));
}

/* Tests CR bit @bit of the field at @offset: not equal, if it is set. */
static inline void test_cr(struct translation *t, unsigned offset, unsigned bit)
{
	op_test_byte(&t->a, at_base(CPU, (int32_t)offset - BIAS), bit);
}

/* ---- vector-scalar registers ---- */

/* Of elements, by their exponents */
enum number_range {
	NORMAL,
	ACCURATE /* the error of a product of that size is a number, too */
};

#define LEAST_EXPONENT	      128 /* biased; more than 106 above the least denormal number's */
#define LEAST_EXPONENT_SINGLE 32 /* more than 48 above */
#define GREATEST_EXPONENT     0x7fe /* of a normal number */
#define GREATEST_OF_SUM	      (GREATEST_EXPONENT - 1)
#define GREATEST_OF_FMA	      (GREATEST_EXPONENT - 8)
#define GREATEST_OF_SINGLES   (0xfe - 8)

/* Numbers of constants of 16 bytes; x86_64_vector.c has them. */
enum vector_constant {
	REVERSED, /* bytes 15 to 0: each one's place from the left */
	BYTES_7,
	BYTES_31,
	BYTES_112,
	BYTES_15,
	BIT_FROM_LEFT, /* 0x80 >> n in byte n, twice */
	BIT_FROM_RIGHT,
	LOW_BYTES, /* of halfwords */
	LOW_HALFWORDS, /* of words */
	WORDS_15,
	WORDS_31,
	WORDS_32,
	DOUBLEWORDS_63,
	DOUBLEWORDS_64,
	LOW_7, /* in the low doubleword, which is the right one */
	SIGNS, /* of doublewords */
	TRANSPOSE_1, /* bits that a transposition swaps: in squares of 2 by 2, */
	TRANSPOSE_2, /* of 4 by 4, */
	TRANSPOSE_4, /* of 8 by 8 */
	UNSHIFTED_ROWS, /* where a byte comes from when AES's ShiftRows is undone */
	HIGH_ONES, /* of the left doubleword */
	HIGH_SIGN,
	HIGH_MAGNITUDE,
	MAGNITUDES, /* of doublewords */
	SIGNS_OF_WORDS,
	/* For each number_range two: to add to numbers without sign, and the greatest signed sum */
	NORMAL_DOUBLES,
	ACCURATE_DOUBLES = NORMAL_DOUBLES + 2,
	NORMAL_SINGLES = ACCURATE_DOUBLES + 2,
	ACCURATE_SINGLES = NORMAL_SINGLES + 2,
	NR_CONSTANTS = ACCURATE_SINGLES + 2
};
extern const uint64_t vector_constants[NR_CONSTANTS][2];

static inline struct operand constant(const struct translation *t, enum vector_constant n)
{
	return (struct operand){ .kind = AT_CODE, .code = shared(t, t->e->constants) + 16 * n };
}

/* Where byte @byte from the right of VSR @n is in struct cpu */
static inline struct operand vsr_home(unsigned n, unsigned byte)
{
	return at_base(CPU, (int32_t)(offsetof(struct cpu, vsr) + 16 * n + byte) - BIAS);
}

static inline struct cached_vsr *find_vsr(struct translation *t, unsigned n)
{
	for (unsigned i = 0; i < NR_CACHED; i++)
		if (t->cached[i].number == n + 1)
			return &t->cached[i];
	return NULL;
}

/* The host register for VSR @n, with whatever is in it. The least recently used one makes way. */
static inline unsigned vsr_target(struct translation *t, unsigned n)
{
	struct cached_vsr *c = find_vsr(t, n);

	for (unsigned i = 0; !c && i < NR_CACHED; i++)
		if (!t->cached[i].number)
			c = &t->cached[i];
	if (!c) {
		c = t->cached;
		for (unsigned i = 1; i < NR_CACHED; i++)
			if (t->cached[i].used < c->used)
				c = &t->cached[i];
	}
	c->number = (uint8_t)(n + 1);
	c->used = t->turn++;
	return (unsigned)(c - t->cached) + FIRST_CACHED;
}

/* The host register that holds VSR @n */
static inline unsigned vsr(struct translation *t, unsigned n)
{
	const bool there = find_vsr(t, n);
	const unsigned x = vsr_target(t, n);

	if (!there)
		vex(&t->a, V_MOVDQU, x, NO_SECOND, vsr_home(n, 0));
	return x;
}

/* A host register besides those below FIRST_CACHED, until vsr_target(); @i: less than NR_CACHED */
static inline unsigned borrowed_register(struct translation *t, unsigned i)
{
	i = NR_CACHED - 1 - i; /* the first ones are taken first */
	t->cached[i].number = 0;
	return FIRST_CACHED + i;
}

/* VSR @n is what is in its host register now. */
static inline void vsr_done(struct translation *t, unsigned n)
{
	vex(&t->a, V_MOVDQU_STORE, vsr_target(t, n), NO_SECOND, vsr_home(n, 0));
}

/* ---- the code at an address ---- */

/* RCX: the address of the fetch entry for the effective address in RAX */
static inline void put_fetch_entry(struct assembler *a)
{
	_Static_assert(sizeof(struct fetch_entry) == 16, "the shift below");
	op(a, 0, OP_MOV, RCX, in_register(RAX));
	op_imm8(a, 0, OP_SHIFT, SHIFT_RIGHT, in_register(RCX), PAGE_BITS - 4);
	op_imm(a, 0, OP_AND, in_register(RCX), (FETCH_ENTRIES - 1) << 4);
	op(a, WIDE, OP_ADD, RCX, AT_CPU(fetch));
}

/* block.host of the block whose first micro-operation is in @first */
static inline struct operand at_host(unsigned first)
{
	return at_base(first, HOST_FROM_FIRST);
}

/* ---- calls of semantics functions ---- */

/* Features that not all processors have. */
#define HOST_POPCNT 1
#define HOST_AVX2   2
#define HOST_BMI2   4
#define HOST_AES    8 /* in the VEX encoding */
#define HOST_PCLMUL 16
#define HOST_FMA    32
#define HOST_AVX512 64 /* AVX512VL: its instructions of 128 bits */

extern const struct sem_recipe fixed_recipes[];
extern const struct sem_recipe memory_recipes[];
extern const struct sem_recipe vector_recipes[];
extern const struct sem_recipe fp_recipes[];

#endif
