/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder alone: words in, micro-operations out. Bodies and semantics are names only here;
 * what they do is tested elsewhere.
 */
#include "engine/emu/decode/decode.h"
#include "unit.h"

/* Stands in for every semantics function, in the instruction table or not. */
static __attribute__((used)) int any_semantics(struct cpu *cpu, uint32_t insn)
{
	return 0;
}
#define ALIAS(name) __asm__(".globl " #name "\n\t.set " #name ", any_semantics");
#define INSN(n, value, mask, isa, gen)
#define CALL(n, value, mask, isa, facility, sem) ALIAS(sem)
#include "engine/emu/insn/insn.def"
#undef INSN
#undef CALL
#define P_INSN(name, form, value, mask, gen)
#define P_ACCESS(name, form, value, mask, facility, sem) ALIAS(sem)
#define P_CALL(name, form, value, mask, facility, sem)	 ALIAS(sem)
#include "engine/emu/insn/prefixed.def"
#undef P_INSN
#undef P_ACCESS
#undef P_CALL
ALIAS(sem_need_prefix)
ALIAS(sem_prefix_alignment)
ALIAS(sem_mtmsr_ee)
ALIAS(sem_mtmsr)
ALIAS(sem_mtmsrd)
ALIAS(sem_rfid)
ALIAS(sem_rfscv)
ALIAS(sem_rfebb)
ALIAS(sem_sc)
ALIAS(sem_scv)
ALIAS(sem_tlbie)
ALIAS(sem_msgsndp)
ALIAS(sem_priority)
ALIAS(sem_pause)
ALIAS(sem_need_tar)
ALIAS(sem_not_compatible)
ALIAS(sem_sync)
ALIAS(sem_ptesync)
ALIAS(sem_lwsync)
ALIAS(sem_isync)

static const struct {
	uint32_t value, mask;
} table[] = {
#define INSN(n, value, mask, isa, gen)		 { value, mask },
#define CALL(n, value, mask, isa, facility, sem) { value, mask },
#include "engine/emu/insn/insn.def"
#undef INSN
#undef CALL
};

/* Bodies are distinct addresses. None is called. */
static const struct uop *body(struct cpu *cpu, const struct uop *u)
{
	return NULL;
}
uop_fn *const uop_body[UOP_KINDS] = {
#define UOP(name, d, a, b, imm, effects) [UOP_##name] = (uop_fn *)((char *)body + UOP_##name),
#include "engine/emu/uop/uop.def"
#undef UOP
};

#define GPR(n) (offsetof(struct cpu, gpr) + 8 * (n))
#define CR(n)  (offsetof(struct cpu, cr) + (n))
#define NOP    0x60000000u
#define BLR    0x4e800020u

static uint8_t page[PAGE_BYTES];
static struct uop uops[DECODE_MAX_UOPS];
static struct decoded decoded;
static unsigned isa; /* version */

static int set_up(void **state)
{
	memset(page, 0, sizeof(page));
	isa = 300;
	return decode_init() ? 0 : -1;
}

static void put(unsigned offset, uint32_t word, unsigned mode)
{
	put_be32(page + offset, mode & CODE_LE ? __builtin_bswap32(word) : word);
}

static void decode_at(unsigned offset, unsigned mode, unsigned max_insns)
{
	const struct decode_input input = {
		.page = page, .offset = offset, .mode = mode, .isa = isa, .max_insns = max_insns
	};
	const char *wrong;

	memset(uops, 0xa5, sizeof(uops));
	decode(&input, uops, &decoded);
	assert_true(decoded.nr_uops <= DECODE_MAX_UOPS);
	assert_true(decoded.nr_insns && decoded.nr_insns <= max_insns);
	assert_int_equal(decoded.nr_words,
			 decoded.nr_insns + __builtin_popcountll(decoded.prefixed));
	assert_true(offset + 4 * decoded.nr_words <= PAGE_BYTES);
	wrong = uop_check_block(uops, decoded.nr_uops, decoded.nr_insns);
	if (wrong)
		fail_msg("%s (0x%08x at 0x%x, mode %u)", wrong, decode_word(page + offset, mode),
			 offset, mode);
}

/* Decode one or two words at offset 0x100 in big-endian 64-bit mode. */
static void decode_words(uint32_t first, uint32_t second)
{
	put(0x100, first, 0);
	put(0x104, second, 0);
	put(0x108, BLR, 0);
	decode_at(0x100, 0, BLOCK_MAX_INSNS);
}

static void assert_uop(unsigned n, enum uop_kind kind, unsigned d, unsigned a, unsigned b,
		       uint64_t imm)
{
	const struct uop *u = &uops[n];

	if (u->kind != kind)
		fail_msg("%u is %s, not %s", n, uop_info[u->kind].name, uop_info[kind].name);
	assert_int_equal(u->d, d);
	assert_int_equal(u->a, a);
	assert_int_equal(u->b, b);
	assert_int_equal(u->imm, imm);
}

/* ---- whatever it reads ---- */

static uint64_t seed;

static uint32_t random32(void)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 32);
}

static void fill_page(unsigned mode)
{
	for (unsigned offset = 0; offset < PAGE_BYTES; offset += 4) {
		unsigned n = random32() % ARRAY_SIZE(table);

		put(offset, table[n].value | (random32() & ~table[n].mask), mode);
	}
}

static void any_code_gives_sound_blocks_that_fit(void **state)
{
	seed = 1;
	for (unsigned i = 0; i < 400; i++) {
		unsigned mode = i % CODE_MODES;

		fill_page(mode);
		for (unsigned offset = 0; offset < PAGE_BYTES; offset += 4)
			decode_at(offset, mode, 1 + random32() % BLOCK_MAX_INSNS);
	}
}

static void each_instruction_gives_a_sound_block(void **state)
{
	seed = 2;
	for (unsigned mode = 0; mode < CODE_MODES; mode++)
		for (size_t i = 0; i < ARRAY_SIZE(table); i++)
			for (unsigned n = 0; n < 200; n++) {
				put(0x100, table[i].value | (random32() & ~table[i].mask), mode);
				decode_at(0x100, mode, 1);
			}
}

/* Words that are too rare at random: or rn,rn,rn, branches nearby, an invalid instruction. */
static uint32_t some_rare_word(void)
{
	uint32_t n = random32() % 32;

	switch (random32() % 4) {
	case 0:
		return 0;
	case 1:
		return 0x48000000 | n << 2;
	case 2:
		return 0x40000000 | n << 21 | 8;
	default:
		return 0x7c000378 | n << 21 | n << 16 | n << 11;
	}
}

static void each_micro_operation_comes_from_some_instruction(void **state)
{
	bool seen[UOP_KINDS] = { 0 };

	seed = 3;
	for (unsigned i = 0; i < 1000; i++) {
		unsigned mode = i % CODE_MODES;

		fill_page(mode);
		/* Pairs of a comparison and the branch that tests its result; each becomes one. */
		for (unsigned offset = 0; offset < PAGE_BYTES; offset += 16) {
			static const uint32_t compare[] = { 0x28000000, 0x2c000000, 0x7c000000,
							    0x7c000040 };
			uint32_t field = random32() % 8;

			put(offset, compare[random32() % 4] | field << 23 | (random32() & 1) << 21,
			    mode);
			put(offset + 4, 0x40820000 | (random32() & 1) << 24 | field << 18 | 8,
			    mode);
			put(offset + 8, some_rare_word(), mode);
		}
		for (unsigned offset = 0; offset < PAGE_BYTES; offset += 4) {
			decode_at(offset, mode, BLOCK_MAX_INSNS);
			for (unsigned n = 0; n < decoded.nr_uops; n++)
				seen[uops[n].kind] = true;
		}
	}
	for (unsigned kind = 0; kind < UOP_KINDS; kind++)
		if (!seen[kind])
			fail_msg("no instruction uses %s", uop_info[kind].name);
}

static void the_same_bytes_give_the_same_micro_operations(void **state)
{
	static struct uop first[DECODE_MAX_UOPS];
	struct decoded before;

	seed = 4;
	fill_page(0);
	for (unsigned offset = 0; offset < PAGE_BYTES; offset += 4) {
		decode_at(offset, 0, BLOCK_MAX_INSNS);
		memcpy(first, uops, sizeof(uops));
		before = decoded;
		decode_at(offset, 0, BLOCK_MAX_INSNS);
		assert_memory_equal(first, uops, sizeof(uops));
		assert_int_equal(before.nr_uops, decoded.nr_uops);
	}
}

/* ---- where a block ends ---- */

static void a_block_ends_with_its_page(void **state)
{
	put(PAGE_BYTES - 8, NOP, 0);
	put(PAGE_BYTES - 4, NOP, 0);
	decode_at(PAGE_BYTES - 8, 0, BLOCK_MAX_INSNS);
	assert_int_equal(decoded.nr_insns, 2);
	assert_uop(0, UOP_fall_out, 0, 0, 0, PAGE_BYTES);
	assert_int_equal(uops[0].index, 1);
}

static void a_block_ends_after_as_many_instructions_as_it_may_have(void **state)
{
	for (unsigned offset = 0; offset < PAGE_BYTES; offset += 4)
		put(offset, NOP, 0);
	for (unsigned max = 1; max <= BLOCK_MAX_INSNS; max++) {
		decode_at(0x100, 0, max);
		assert_int_equal(decoded.nr_insns, max);
		assert_uop(0, UOP_fall_in, 0, 0, 0, 0x100 + 4 * max);
	}
}

static void a_word_that_is_no_instruction_ends_the_block(void **state)
{
	decode_words(0x38600001, 0x00000001);
	assert_int_equal(decoded.nr_insns, 2);
	assert_uop(0, UOP_li, GPR(3), 0, 0, 1);
	assert_uop(1, UOP_illegal, 0, 0, 0, 1);
}

/* ---- single instructions ---- */

static void the_byte_order_of_the_mode_is_that_of_words_and_data(void **state)
{
	put(0x100, 0xe8640008, CODE_LE); /* ld r3,8(r4) */
	put(0x104, BLR, CODE_LE);
	decode_at(0x100, CODE_LE, BLOCK_MAX_INSNS);
	assert_uop(0, UOP_ld_le, GPR(3), GPR(4), 0, 8);
	decode_words(0xe8640008, BLR);
	assert_uop(0, UOP_ld_be, GPR(3), GPR(4), 0, 8);
}

static void an_update_comes_after_the_access(void **state)
{
	decode_words(0xe8640009, BLR); /* ldu r3,8(r4) */
	assert_uop(0, UOP_ld_be, GPR(3), GPR(4), 0, 8);
	assert_uop(1, UOP_addi, GPR(4), GPR(4), 0, 8);
	assert_int_equal(uops[1].index, 0);
}

/* As spr.c accesses them, but for the call. */
static void storage_registers_are_moved_if_the_state_may_have_them(void **state)
{
	const unsigned sprg1 = offsetof(struct cpu, sprg[1]);

	decode_words(0x7c7a02a6, 0x7c9143a6); /* mfsrr0 r3; mtsprg1 r4 */
	assert_uop(0, UOP_priv, 0, 0, 0, 0);
	assert_uop(1, UOP_mr, GPR(3), offsetof(struct cpu, srr0), 0, 0);
	assert_uop(2, UOP_priv, 0, 0, 0, 0);
	assert_uop(3, UOP_mr, sprg1, GPR(4), 0, 0);
	decode_words(0x7c60e2a6, 0x7c7202a6); /* mfppr r3; mfdsisr r3 */
	assert_uop(0, UOP_mr, GPR(3), offsetof(struct cpu, ppr), 0, 0);
	assert_uop(1, UOP_mfspr, GPR(3), 0, 0, 18);
}

static void an_address_has_32_bits_in_32_bit_mode(void **state)
{
	const unsigned scratch = offsetof(struct cpu, scratch[1]);

	put(0x100, 0x80640008, CODE_32); /* lwz r3,8(r4) */
	put(0x104, BLR, CODE_32);
	decode_at(0x100, CODE_32, BLOCK_MAX_INSNS);
	assert_uop(0, UOP_addi, scratch, GPR(4), 0, 8);
	assert_uop(1, UOP_andi, scratch, scratch, 0, 0xffffffff);
	assert_uop(2, UOP_lwz_be, GPR(3), scratch, 0, 0);
}

static void a_comparison_and_the_branch_behind_it_are_one(void **state)
{
	decode_words(0x2c230005, 0x41820010); /* cmpdi r3,5; beq +16 */
	assert_int_equal(decoded.nr_insns, 2);
	assert_uop(0, UOP_cmpdi_bc_set_in, CR(0), GPR(3), 2, 5ull << 16 | 0x114);
	assert_int_equal(uops[0].index, 1);
	/* It is not if the branch tests another field, or leaves the page. */
	decode_words(0x2c230005, 0x41860010); /* beq cr1,+16 */
	assert_uop(0, UOP_cmpdi, CR(0), GPR(3), 0, 5);
	assert_uop(1, UOP_bc_set_in, 0, CR(1), 2, 0x114);
	decode_words(0x2c230005, 0x41824000); /* beq +0x4000 */
	assert_uop(1, UOP_bc_set_out, 0, CR(0), 2, 0x4104);
}

static void a_branch_to_another_page_knows_its_distance(void **state)
{
	decode_words(0x48001000, NOP); /* b +0x1000 */
	assert_uop(0, UOP_b_out, 0, 0, 0, 0x1100);
	decode_words(0x4bfffff0, NOP); /* b -16 */
	assert_uop(0, UOP_b_in, 0, 0, 0, 0xf0);
}

static void what_is_not_cracked_calls_its_semantics_with_the_word(void **state)
{
	decode_words(0x7c6428f8, BLR); /* nor r4,r3,r5 */
	assert_uop(0, UOP_nor, GPR(4), GPR(3), GPR(5), 0);
	decode_words(0xfc22182a, BLR); /* fadd f1,f2,f3 */
	assert_int_equal(uops[0].kind, UOP_call_fp);
	assert_int_equal(uops[0].d | (uint32_t)uops[0].a << 16, 0xfc22182a);
	assert_non_null((void *)(uintptr_t)uops[0].imm);
}

static void an_instruction_that_is_newer_than_the_processor_is_illegal(void **state)
{
	decode_words(0x4c600004, BLR); /* addpcis r3,0 */
	assert_int_equal(uops[0].kind, UOP_pc);
	isa = 207;
	decode_words(0x4c600004, BLR);
	assert_uop(0, UOP_illegal, 0, 0, 0, 0x4c600004);
	isa = 300;
}

static void a_prefixed_instruction_has_two_words_and_one_number(void **state)
{
	isa = 310;
	decode_words(0x06000001, 0x38640002); /* paddi r3,r4,0x10002 */
	isa = 300;
	assert_int_equal(decoded.nr_insns, 2);
	assert_int_equal(decoded.nr_words, 3);
	assert_int_equal(decoded.prefixed, 1);
	assert_int_equal(uops[0].kind, UOP_call); /* may problem state have it? */
	assert_uop(1, UOP_addi, GPR(3), GPR(4), 0, 0x10002);
	assert_int_equal(uops[2].index, 1);
}

/* Whatever the suffix is, and in each mode. */
static void any_prefix_gives_a_sound_block(void **state)
{
	seed = 5;
	isa = 310;
	for (unsigned i = 0; i < 200000; i++) {
		const unsigned mode = i % CODE_MODES, n = random32() % ARRAY_SIZE(table);
		const unsigned offset = i % 2 ? 0x100 : PAGE_BYTES - 4 * (1 + random32() % 4);

		put(0x104, BLR, mode);
		put(0x108, BLR, mode);
		for (unsigned at = offset; at < offset + 8 && at < PAGE_BYTES; at += 4)
			put(at,
			    random32() % 2 ? 0x04000000 | (random32() & 0x03ffffff) :
					     table[n].value | (random32() & ~table[n].mask),
			    mode);
		put(offset, 0x04000000 | (random32() & 0x0313ffff), mode);
		decode_at(offset, mode, 1 + random32() % 3);
	}
	isa = 300;
}

static void a_block_does_not_read_beyond_the_words_it_may(void **state)
{
	const struct decode_input input = {
		.page = page, .offset = 0x100, .isa = 310, .max_insns = 8, .max_words = 2
	};

	put(0x100, NOP, 0);
	put(0x104, 0x06000001, 0);
	put(0x108, 0x38640002, 0);
	decode(&input, uops, &decoded);
	assert_int_equal(decoded.nr_insns, 1);
	assert_int_equal(decoded.nr_words, 1);
	assert_uop(0, UOP_fall_in, 0, 0, 0, 0x104);
}

static void a_mnemonic_is_that_of_the_table(void **state)
{
	assert_string_equal(insn_name(0xfc22182a), "fadd");
	assert_string_equal(insn_name(NOP), "ori");
	assert_null(insn_name(0));
	assert_string_equal(prefixed_name(0x04100000, 0xe4600000), "pld");
	assert_null(prefixed_name(0x04000000, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_code_gives_sound_blocks_that_fit),
		cmocka_unit_test(each_instruction_gives_a_sound_block),
		cmocka_unit_test(each_micro_operation_comes_from_some_instruction),
		cmocka_unit_test(the_same_bytes_give_the_same_micro_operations),
		cmocka_unit_test(a_block_ends_with_its_page),
		cmocka_unit_test(a_block_ends_after_as_many_instructions_as_it_may_have),
		cmocka_unit_test(a_word_that_is_no_instruction_ends_the_block),
		cmocka_unit_test(the_byte_order_of_the_mode_is_that_of_words_and_data),
		cmocka_unit_test(an_update_comes_after_the_access),
		cmocka_unit_test(storage_registers_are_moved_if_the_state_may_have_them),
		cmocka_unit_test(an_address_has_32_bits_in_32_bit_mode),
		cmocka_unit_test(a_comparison_and_the_branch_behind_it_are_one),
		cmocka_unit_test(a_branch_to_another_page_knows_its_distance),
		cmocka_unit_test(what_is_not_cracked_calls_its_semantics_with_the_word),
		cmocka_unit_test(an_instruction_that_is_newer_than_the_processor_is_illegal),
		cmocka_unit_test(a_prefixed_instruction_has_two_words_and_one_number),
		cmocka_unit_test(any_prefix_gives_a_sound_block),
		cmocka_unit_test(a_block_does_not_read_beyond_the_words_it_may),
		cmocka_unit_test(a_mnemonic_is_that_of_the_table),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
