/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ENGINE_JIT_CHECK finds translated code that differs from the interpreter. No such code is known,
 * so what one of them executes is changed after the translation.
 */
#include "engine_guest.h"
#include "engine/emu/jit/jit.h"
#include "unit.h"

#define RAM	  (1u << 20)
#define CODE	  0x10000u
#define OTHER	  0x10100u /* a block like that at CODE which adds another number */
#define DATA	  0x40000u
#define OUTSIDE	  (64u << 20) /* so far from DATA is no memory */
#define ADDITION  0 /* micro-operations of the blocks */
#define STORE	  1
#define OFTEN	  3 /* so that the store meets the soft TLB */
#define IN_SUM	  3u
#define IN_BASE	  4u
#define DIFFERENT "translated code differs from the interpreter in "

static struct engine_guest guest;
static struct engine_exit end;

static void put_block(uint64_t at, unsigned addend)
{
	guest_code(&guest, at,
		   INSNS(INSN_ADDI(IN_SUM, IN_SUM, addend), INSN_STW(IN_SUM, 0, IN_BASE), INSN_B(4),
			 INSN_HCALL));
}

static void run(uint64_t code)
{
	struct engine_regs regs;

	engine_power.get_regs(guest.engine, 0, &regs);
	regs.nip = code;
	regs.msr = MSR_SF | MSR_ME;
	regs.gpr[IN_SUM] = 0;
	regs.gpr[IN_BASE] = DATA;
	engine_power.set_regs(guest.engine, 0, &regs);
	end.message[0] = '\0';
	engine_power.run(guest.engine, 0, 100, &end);
}

static struct block *block_at(uint64_t ra)
{
	struct code_page *page = code_page_at(&guest.e->code, ra, guest.e->cpus[0]->mode);
	const struct uop *first = code_entry(page, ra & PAGE_MASK_LOW);

	assert_non_null(first);
	return (struct block *)((uintptr_t)first - offsetof(struct block, uops));
}

/* Both blocks are translated, and nothing differs. */
static int set_up(void **state)
{
	char err[160];

	if (!guest_start(&guest, RAM, 1))
		return -1;
	jit_destroy(guest.e->jit);
	guest.e->jit = jit_create(ENGINE_JIT_CHECK, JIT_CODE_BYTES, err, sizeof(err));
	assert_non_null(guest.e->jit);
	put_block(CODE, 1);
	put_block(OTHER, 2);
	for (unsigned i = 0; i < 2 * OFTEN; i++) {
		run(i % 2 ? OTHER : CODE);
		assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	}
	assert_null(jit_difference(guest.e->jit));
	assert_non_null(block_at(CODE)->host);
	assert_non_null(block_at(OTHER)->host);
	return 0;
}

static int tear_down(void **state)
{
	guest_end(&guest);
	return 0;
}

static void assert_found(const char *what, unsigned at)
{
	char message[160];

	run(CODE);
	snprintf(message, sizeof(message), DIFFERENT "%s (%u), from addi in the page at 0x%x", what,
		 at, CODE);
	assert_int_equal(end.reason, ENGINE_EXIT_FAILED);
	assert_string_equal(end.message, message);
	assert_string_equal(jit_difference(guest.e->jit), message);
}

static void a_register_that_differs_ends_the_run_and_is_named(void **state)
{
	block_at(CODE)->uops[ADDITION].imm++;
	assert_found("a byte of the vCPU", offsetof(struct cpu, gpr[IN_SUM]));
}

static void code_of_another_block_ends_the_run(void **state)
{
	block_at(CODE)->host = block_at(OTHER)->host;
	assert_found("a byte of the vCPU", offsetof(struct cpu, gpr[IN_SUM]));
}

static void memory_that_differs_ends_the_run_and_is_named(void **state)
{
	block_at(CODE)->uops[STORE].imm += 8;
	assert_found("memory", 0);
}

static void code_that_goes_on_where_the_interpreter_leaves_ends_the_run(void **state)
{
	block_at(CODE)->uops[STORE].imm += OUTSIDE;
	assert_found("the place where it ends", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_register_that_differs_ends_the_run_and_is_named,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(code_of_another_block_ends_the_run, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(memory_that_differs_ends_the_run_and_is_named,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			code_that_goes_on_where_the_interpreter_leaves_ends_the_run, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
