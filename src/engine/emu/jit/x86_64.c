/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The emitter for x86-64: calls, and the code that blocks share. The recipes of micro-operations
 * are in the files beside it, by kind.
 */
#include "engine/emu/jit/x86_64.h"

static const uint8_t saved_by_callee[] = { RBP, RBX, R12, R13, R14, R15 };
#define NR_SAVED (sizeof(saved_by_callee) / sizeof(saved_by_callee[0]))

/* What the shared code is to do at an exit's micro-operation; it tells them apart in this order. */
enum exit_kind {
	EXIT_INTERPRET,
	EXIT_INTERPRET_SPILLED,
	EXIT_UNCOUNT,
	EXIT_STOP,
	EXIT_LINK, /* by the first link */
	EXIT_LINK_1,
	NR_EXIT_KINDS
};
#define EXIT_BITS 3
_Static_assert(NR_EXIT_KINDS <= 1 << EXIT_BITS, "that many kinds");

static enum exit_kind exit_kind_of(const struct rare *rare)
{
	switch (rare->what) {
	case UNCOUNT:
		return EXIT_UNCOUNT;
	case STOP:
		return EXIT_STOP;
	case LINK:
		return EXIT_LINK + rare->number;
	default:
		return rare->spilled ? EXIT_INTERPRET_SPILLED : EXIT_INTERPRET;
	}
}

/*
 * To the shared code, with the block's first micro-operation in RCX; in EAX the number of the one
 * to go on at, and what to do there. Its last part is the same for all exits of the block.
 */
static void put_exit(struct translation *t, const struct rare *rare)
{
	struct assembler *a = &t->a;

	op_constant(a, RAX, (unsigned)(rare->u - t->first) << EXIT_BITS | exit_kind_of(rare));
	if (t->exit) {
		op_jump_back(a, t->exit);
		return;
	}
	t->exit = a->at;
	op_constant(a, RCX, (uintptr_t)t->first);
	jump_to(op_jump(a), shared(t, t->e->exit));
}

uint8_t *put_rare(struct translation *t, const struct rare *rare)
{
	struct assembler *a = &t->a;
	uint8_t *const at = a->at;

	switch (rare->what) {
	case STOPPED:
		return shared(t, t->e->ended);
	case FIND:
		if (!rare->number)
			return shared(t, t->e->find);
		op_imm(a, WIDE, OP_ADD, in_register(RAX), rare->number);
		jump_to(op_jump(a), shared(t, t->e->find));
		return at;
	case REFILL:
		jump_to(op_call(a), shared(t, rare->number));
		jump_to(op_jump_if(a, IF_EQUAL), rare->back);
		break;
	case LINK:
		t->unlinked[rare->number] = at;
		break;
	default:
		break;
	}
	put_exit(t, rare);
	return at;
}

/* ---- calls ---- */

static void call(struct translation *t, uint64_t function)
{
	op_constant(&t->a, RAX, function);
	op_call_register(&t->a, RAX);
	forget_vsrs(t);
}

void put_call(struct translation *t, uint32_t insn)
{
	struct assembler *a = &t->a;

	op(a, WIDE, OP_LEA, RDI, at_base(CPU, -BIAS));
	op_constant(a, RSI, insn);
	call(t, t->u->imm);
	op(a, 0, OP_TEST, RAX, in_register(RAX));
	rarely(t, op_jump_if(a, IF_NOT_EQUAL), STOP, 0);
}

void put_body(struct translation *t)
{
	struct assembler *a = &t->a;

	op(a, WIDE, OP_LEA, RDI, at_base(CPU, -BIAS));
	op_constant(a, RSI, (uintptr_t)t->u);
	call(t, (uintptr_t)jit_run_body);
	op(a, BYTE_WIDE, 0x84, RAX, in_register(RAX)); /* test, of bytes */
	rarely(t, op_jump_if(a, IF_EQUAL), STOPPED, 0);
}

void put_test_msr(struct translation *t, uint64_t msr_bit)
{
	const int byte = __builtin_ctzll(msr_bit) / 8;

	op_test_byte(&t->a, at_base(CPU, (int32_t)offsetof(struct cpu, msr) + byte - BIAS),
		     (unsigned)(msr_bit >> 8 * byte));
	interpret_if(t, msr_bit == MSR_PR ? IF_NOT_EQUAL : IF_EQUAL);
}

/* ---- shared code ---- */

static void put_leave(struct assembler *a)
{
	op_imm(a, WIDE, OP_ADD, in_register(RSP), 8);
	for (unsigned i = NR_SAVED; i--;)
		op_pop(a, saved_by_callee[i]);
}

static void put_return(struct assembler *a)
{
	put_leave(a);
	op_return(a);
}

/* A uop_fn: RDI is the vCPU, RSI the first micro-operation. */
static void put_enter(struct assembler *a)
{
	for (unsigned i = 0; i < NR_SAVED; i++)
		op_push(a, saved_by_callee[i]);
	op_imm(a, WIDE, OP_SUB, in_register(RSP), 8); /* calls need it aligned to 16 bytes */
	op(a, WIDE, OP_LEA, CPU, at_base(RDI, BIAS));
	op(a, WIDE, OP_MOV, RAX, at_host(RSI));
	move_pinned(a, OP_MOV);
	op_jump_register(a, RAX);
}

/* A tail call of a uop_fn, whose address is in RAX, with the micro-operation in RSI */
static void put_go(struct assembler *a)
{
	op(a, WIDE, OP_LEA, RDI, at_base(CPU, -BIAS));
	put_leave(a);
	op_jump_register(a, RAX);
}

/* RAX: the micro-operation to go on at. The first one's own body is what leads to this code. */
static void put_interpret(struct assembler *a, bool alone)
{
	if (alone) {
		put_return(a);
		return;
	}
	op_mov(a, RSI, RAX);
	op(a, 0, OP_MOVZX_BYTE, RCX, at_base(RSI, offsetof(struct uop, kind)));
	op_constant(a, RAX, (uintptr_t)uop_body);
	op(a, WIDE, OP_MOV, RAX, at_index(RAX, RCX, 3, 0));
	put_go(a);
}

/* RAX: the micro-operation that ends the block, EDX: the link */
static void put_unlinked(struct assembler *a)
{
	move_pinned(a, OP_STORE);
	op_mov(a, RSI, RAX);
	op_constant(a, RAX, (uintptr_t)jit_unlinked);
	put_go(a);
}

/* RAX: the micro-operation where an exception was raised. Returns what notes nothing. */
static uint8_t *put_stopped(struct assembler *a)
{
	uint8_t *ended;

	op(a, WIDE, OP_STORE, RAX, AT_CPU(stop_uop));
	ended = a->at;
	op(a, 0, OP_XOR, RAX, in_register(RAX));
	put_return(a);
	return ended;
}

/* Takes apart what put_exit() made. */
static void put_exits(struct emitter *e, struct assembler *a)
{
	uint8_t *interpret, *spilled, *uncount, *stop;

	_Static_assert(sizeof(struct uop) == 3 * 8, "the two operations below");
	op_mov(a, RDX, RAX);
	op_imm8(a, 0, OP_SHIFT, SHIFT_RIGHT, in_register(RAX), EXIT_BITS);
	op(a, WIDE, OP_LEA, RAX, at_index(RAX, RAX, 1, 0));
	op(a, WIDE, OP_LEA, RAX, at_index(RCX, RAX, 3, 0));
	op_imm(a, 0, OP_AND, in_register(RDX), (1 << EXIT_BITS) - 1);
	op_imm(a, 0, OP_CMP, in_register(RDX), EXIT_INTERPRET_SPILLED);
	interpret = op_jump_if(a, IF_BELOW);
	spilled = op_jump_if(a, IF_EQUAL);
	op_imm(a, 0, OP_CMP, in_register(RDX), EXIT_STOP);
	uncount = op_jump_if(a, IF_BELOW);
	stop = op_jump_if(a, IF_EQUAL);
	op_imm(a, 0, OP_SUB, in_register(RDX), EXIT_LINK);
	put_unlinked(a);
	jump_to(stop, a->at);
	e->ended = (uint32_t)(put_stopped(a) - e->memory.writable);
	jump_to(uncount, a->at);
	op(a, 0, OP_MOVZX_BYTE, RCX, at_base(RAX, offsetof(struct uop, index)));
	op(a, WIDE, OP_LEA, BUDGET, at_index(BUDGET, RCX, 0, 1));
	jump_to(interpret, a->at);
	move_pinned(a, OP_STORE);
	jump_to(spilled, a->at);
	put_interpret(a, e->alone);
}

/* RAX: the effective address to go on at */
static void put_find(struct assembler *a)
{
	uint8_t *other_page, *not_decoded, *not_translated;

	put_fetch_entry(a);
	op_mov(a, RDX, RAX);
	op_imm(a, WIDE, OP_AND, in_register(RDX), -(int32_t)PAGE_BYTES);
	op(a, WIDE, OP_CMP, RDX, at_base(RCX, offsetof(struct fetch_entry, tag)));
	other_page = op_jump_if(a, IF_NOT_EQUAL);
	op(a, WIDE, OP_MOV, RCX, at_base(RCX, offsetof(struct fetch_entry, page)));
	op(a, 0, OP_MOV, RDX, in_register(RAX));
	op_imm(a, 0, OP_AND, in_register(RDX), PAGE_BYTES - 4);
	op(a, 0, OP_MOV, RDX, at_index(RCX, RDX, 0, offsetof(struct code_page, entry)));
	op(a, 0, OP_TEST, RDX, in_register(RDX));
	not_decoded = op_jump_if(a, IF_EQUAL);
	op(a, WIDE, OP_ADD, RCX, in_register(RDX));
	op_imm(a, WIDE, OP_AND, in_register(RAX), -(int32_t)PAGE_BYTES);
	op(a, WIDE, OP_STORE, RAX, AT_CPU(page_ea));
	op(a, WIDE, OP_MOV, RAX, at_host(RCX));
	op(a, WIDE, OP_TEST, RAX, in_register(RAX));
	not_translated = op_jump_if(a, IF_EQUAL);
	op_jump_register(a, RAX);
	jump_to(not_translated, a->at);
	move_pinned(a, OP_STORE);
	op_mov(a, RSI, RCX);
	op(a, WIDE, OP_MOV, RAX, at_base(RSI, offsetof(struct uop, fn)));
	put_go(a);
	jump_to(other_page, a->at);
	jump_to(not_decoded, a->at);
	op(a, WIDE, OP_STORE, RAX, AT_CPU(nip));
	move_pinned(a, OP_STORE);
	op(a, 0, OP_XOR, RAX, in_register(RAX));
	put_return(a);
}

/*
 * A function. RAX: an effective address; low bits in RDX: it is unaligned. Equal: @base has the
 * entry now, and RAX is the host's address. Else there is none, or the access is so near the page's
 * end that it may cross it.
 */
static void put_refill(struct assembler *a, enum tlb_mode mode, enum tlb_base base, bool write)
{
	const int32_t table = table_at(mode, write), entry = base_at(mode, base, write);
	uint8_t *aligned, *near, *miss;

	op_imm(a, 0, OP_AND, in_register(RDX), PAGE_BYTES - 1);
	aligned = op_jump_if(a, IF_EQUAL);
	op_mov(a, RDX, RAX);
	op_imm(a, 0, OP_AND, in_register(RDX), PAGE_BYTES - 1);
	op_imm(a, 0, OP_CMP, in_register(RDX), PAGE_BYTES - MAX_BASE_ACCESS);
	near = op_jump_if(a, IF_ABOVE);
	jump_to(aligned, a->at);
	op_mov(a, RDX, RAX);
	op_imm(a, WIDE, OP_AND, in_register(RDX), -(int32_t)PAGE_BYTES);
	put_tlb_entry(a);
	op(a, WIDE, OP_CMP, RDX, at_index(CPU, RCX, 0, table + ENTRY(tag)));
	miss = op_jump_if(a, IF_NOT_EQUAL);
	op(a, WIDE, OP_MOV, RCX, at_index(CPU, RCX, 0, table + ENTRY(addend)));
	op(a, WIDE, OP_STORE, RDX, at_base(CPU, entry + ENTRY(tag)));
	op(a, WIDE, OP_STORE, RCX, at_base(CPU, entry + ENTRY(addend)));
	op(a, WIDE, OP_ADD, RAX, in_register(RCX));
	op(a, WIDE, OP_CMP, RAX, in_register(RAX));
	jump_to(miss, a->at);
	jump_to(near, a->at);
	op_return(a);
}

static void put_refills(struct emitter *e, struct assembler *a)
{
	for (unsigned mode = 0; mode < TLB_MODES; mode++)
		for (unsigned base = 0; base < TLB_BASES; base++)
			for (unsigned write = 0; write < 2; write++) {
				e->refill[mode][base][write] = begin_shared(e, a);
				put_refill(a, mode, base, write);
			}
}

void put_shared(struct emitter *e, struct assembler *a)
{
	e->order = begin_shared(e, a);
	put32(a, CR_LT);
	put32(a, CR_GT);
	e->constants = begin_shared(e, a);
	memcpy(a->at, vector_constants, sizeof(vector_constants));
	a->at += sizeof(vector_constants);
	e->enter = begin_shared(e, a);
	put_enter(a);
	e->exit = begin_shared(e, a);
	put_exits(e, a);
	put_refills(e, a);
	e->find = begin_shared(e, a);
	put_find(a);
}

/* ---- which recipes ---- */

const struct sem_recipe *const host_recipes[] = { fixed_recipes, memory_recipes, vector_recipes,
						  fp_recipes, NULL };

unsigned look_at_host(void)
{
	const bool avx2 = __builtin_cpu_supports("avx2");

	return (__builtin_cpu_supports("popcnt") ? HOST_POPCNT : 0) |
	       (__builtin_cpu_supports("bmi2") ? HOST_BMI2 : 0) | (avx2 ? HOST_AVX2 : 0) |
	       (avx2 && __builtin_cpu_supports("fma") ? HOST_FMA : 0) |
	       (avx2 && __builtin_cpu_supports("aes") ? HOST_AES : 0) |
	       (avx2 && __builtin_cpu_supports("pclmul") ? HOST_PCLMUL : 0) |
	       (avx2 && __builtin_cpu_supports("avx512vl") ? HOST_AVX512 : 0);
}
