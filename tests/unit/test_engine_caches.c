/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The embedded engine's caches. Counters that a guest could advance in hours start just below their
 * limits, and the cost of what a guest can request is counted in work, not time.
 */
#include "unit.h"

#include "engine_guest.h"
#include "engine/emu/check.h"
#include "engine/emu/code/lookup.h"
#include "engine/emu/mmu/mmu.h"

#define RAM	  (4ull << 20)
#define X	  0x40000000ull /* an effective address that two processes use */
#define PAGE_OF_1 0x100000ull
#define PAGE_OF_2 0x101000ull
#define SPARE	  0x102000ull
#define CODE	  0x110000ull

static struct engine_guest guest;
static struct power_engine *e;
static struct cpu *cpu;

static void start(unsigned nr_vcpus, uint64_t ram)
{
	assert_true(guest_start(&guest, ram, nr_vcpus));
	e = guest.e;
	cpu = e->cpus[0];
}

static int setup_test(void **state)
{
	start(1, RAM);
	return 0;
}

static int setup_eight(void **state)
{
	start(ENGINE_MAX_VCPUS, RAM);
	return 0;
}

static int setup_large(void **state)
{
	start(1, 4ull << 30);
	return 0;
}

static int teardown_test(void **state)
{
	guest_end(&guest);
	return 0;
}

static void assert_sound(void)
{
	const char *wrong = caches_check(e);

	if (wrong)
		fail_msg("%s", wrong);
}

static void use_radix(void)
{
	guest_use_radix(&guest);
	guest_map(&guest, 1, X, PAGE_OF_1, LEAF_ALL);
	guest_map(&guest, 2, X, PAGE_OF_2, LEAF_ALL);
	for (unsigned i = 1; i < 200; i++) {
		guest_map(&guest, 1, X + i * PAGE_BYTES, SPARE, LEAF_ALL);
		guest_map(&guest, 2, X + i * PAGE_BYTES, SPARE, LEAF_ALL);
	}
}

#define USER   (MSR_PR | MSR_IR | MSR_DR | MSR_EE)
#define KERNEL (MSR_IR | MSR_DR)

/* PIDR is privileged. */
static void switch_process(uint64_t msr, uint32_t pid)
{
	cpu_set_msr(cpu, MSR_SF | MSR_ME | KERNEL);
	assert_int_equal(spr_write(cpu, 48, 0, pid), 0);
	cpu_set_msr(cpu, MSR_SF | MSR_ME | msr);
}

static uint64_t load(uint64_t ea)
{
	uint64_t v = 0;

	cpu->exception = 0;
	return cpu_load64(cpu, ea, &v) ? v : ~0ull;
}

static struct code_page *page_at(uint64_t ra)
{
	return code_page_at(&e->code, ra, cpu->mode);
}

/* ---- counters that a guest can advance ---- */

static void a_process_does_not_see_anothers_memory_after_2_to_the_32_fills(void **state)
{
	use_radix();
	memory_write_be64(&guest.memory, PAGE_OF_1, 1);
	memory_write_be64(&guest.memory, PAGE_OF_2, 2);
	for (uint32_t before = 0; before < 3; before++) {
		switch_process(USER, 1);
		assert_int_equal(load(X), 1);
		cpu->tlb->filled.count = UINT32_MAX - before;
		for (unsigned i = 1; i <= before + 1; i++)
			load(X + i * PAGE_BYTES);
		switch_process(USER, 2);
		assert_int_equal(load(X), 2);
		assert_sound();
	}
}

static void code_that_was_thrown_away_is_not_found_after_2_to_the_32_fetches(void **state)
{
	for (uint32_t before = 0; before < 3; before++) {
		assert_non_null(code_fetch(cpu, CODE));
		cpu->fetch->filled.count = UINT32_MAX - before;
		for (unsigned i = 1; i <= before + 1; i++)
			code_fetch(cpu, CODE + i * PAGE_BYTES);
		code_flush(e);
		assert_int_not_equal(cpu->fetch->entry[FETCH_INDEX(CODE)].tag, CODE);
		assert_sound();
	}
}

static void a_store_is_seen_by_decoded_code_after_2_to_the_32_fills(void **state)
{
	memory_write_be32(&guest.memory, CODE, INSN_BLR);
	assert_true(cpu_store32(cpu, CODE + 0x800, 0));
	cpu->tlb->filled.count = UINT32_MAX;
	assert_true(cpu_store32(cpu, SPARE, 0));
	assert_non_null(code_decode(e->cpus[0], page_at(CODE), 0));
	assert_sound();
	assert_true(cpu_store32(cpu, CODE, INSN_NOP));
	assert_null(code_entry(page_at(CODE), 0));
}

static void translations_of_a_process_are_not_found_when_numbers_start_again(void **state)
{
	uint64_t ra;

	use_radix();
	mmu_reset(e);
	for (uint32_t before = 0; before < 3; before++) {
		switch_process(USER, 1);
		guest_map(&guest, 1, X, PAGE_OF_1, LEAF_ALL);
		mmu_flush_all(e);
		assert_true(mmu_translate_cached(cpu, X, ACCESS_READ, &ra));
		assert_int_equal(ra, PAGE_OF_1);
		guest_map(&guest, 1, X, PAGE_OF_2, LEAF_ALL);
		e->walks.next_asid = UINT32_MAX - before;
		for (unsigned i = 0; i <= before + 2; i++) {
			mmu_flush_pid(e, 1);
			assert_true(mmu_translate_cached(cpu, X, ACCESS_READ, &ra));
			assert_int_equal(ra, PAGE_OF_2);
			assert_sound();
		}
	}
}

static void flushing_everything_without_end_forgets_every_time(void **state)
{
	uint64_t ra;

	use_radix();
	switch_process(USER, 1);
	e->walks.next_asid = UINT32_MAX - 2;
	for (unsigned i = 0; i < 8; i++) {
		uint64_t page = i & 1 ? PAGE_OF_2 : PAGE_OF_1;

		guest_map(&guest, 1, X, page, LEAF_ALL);
		mmu_flush_all(e);
		assert_true(mmu_translate_cached(cpu, X, ACCESS_READ, &ra));
		assert_int_equal(ra, page);
		assert_sound();
	}
}

/* ---- what a flush must reach ---- */

#define KERNEL_ADDRESS 0xc000000000200000ull

static void flushing_pid_0_reaches_what_user_mode_sees_of_it(void **state)
{
	use_radix();
	guest_map(&guest, 0, KERNEL_ADDRESS, PAGE_OF_1, LEAF_ALL);
	memory_write_be64(&guest.memory, PAGE_OF_1, 1);
	memory_write_be64(&guest.memory, PAGE_OF_2, 2);
	switch_process(USER, 1);
	assert_int_equal(load(KERNEL_ADDRESS), 1);
	guest_map(&guest, 0, KERNEL_ADDRESS, PAGE_OF_2, LEAF_ALL);
	mmu_flush_pid(e, 0);
	assert_int_equal(load(KERNEL_ADDRESS), 2);
	assert_sound();
}

static void amr_governs_unprivileged_pages_at_any_address(void **state)
{
	use_radix();
	guest_map(&guest, 0, KERNEL_ADDRESS, PAGE_OF_1, LEAF_ALL);
	memory_write_be64(&guest.memory, PAGE_OF_1, 1);
	switch_process(KERNEL, 1);
	assert_int_equal(load(KERNEL_ADDRESS), 1);
	assert_int_equal(spr_write(cpu, 29, 0, 3ull << 62), 0);
	assert_int_equal(load(KERNEL_ADDRESS), ~0ull);
	assert_int_equal(cpu->exception, 0x300);
	cpu->exception = 0;
	assert_sound();
}

/* ---- work ---- */

static int64_t cost_of_a_flush(void)
{
	int64_t before = e->work.left;

	mmu_flush_all(e);
	return before - e->work.left;
}

static void flushing_everything_costs_what_was_filled_since(void **state)
{
	int64_t nothing;

	cost_of_a_flush();
	nothing = cost_of_a_flush();
	assert_true(nothing <= 64);
	for (unsigned n = 1; n < 2 * FILL_LOG; n *= 3) {
		for (unsigned i = 0; i < n; i++)
			load(i * PAGE_BYTES);
		assert_true(cost_of_a_flush() <= nothing + 12 * (int64_t)n);
	}
	assert_int_equal(cost_of_a_flush(), nothing);
}

/*
 * Runs @insns instructions as a machine does, at most @stretch at a time. No run() may do much more
 * work than it is allowed. Returns the number of run() calls.
 */
static unsigned run_stretches(uint64_t insns, uint64_t stretch)
{
	uint64_t end = engine_power.insns(guest.engine, 0) + insns;
	unsigned runs = 0;

	for (uint64_t at; (at = engine_power.insns(guest.engine, 0)) < end; runs++) {
		struct engine_exit exit;

		engine_power.run(guest.engine, 0, end - at < stretch ? end - at : stretch, &exit);
		assert_int_equal(exit.reason, ENGINE_EXIT_BUDGET);
		assert_true(e->work.left > -(WORK_TOUCH + WORK_PER_RUN / 8));
		assert_true(runs < insns);
	}
	assert_sound();
	return runs;
}

static unsigned run(uint64_t insns)
{
	return run_stretches(insns, insns);
}

/* Saturates every log, the worst case for code that visits all entries. */
static void fill_all_sets(void)
{
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		for (unsigned mode = 0; mode < TLB_MODES; mode++)
			e->cpus[i]->arrays.data[mode].filled.count =
				e->cpus[i]->arrays.fetch[mode].filled.count = FILL_LOST;
}

static void a_loop_of_invalidations_costs_no_more_than_its_instructions(void **state)
{
	static const uint32_t loop[] = { INSN_TLBIE(5, 6), INSN_B(-4) };

	guest_code(&guest, CODE, loop, ARRAY_SIZE(loop));
	fill_all_sets();
	cpu->gpr[5] = 0xc00;
	cpu->nip = CODE;
	/*
	 * 64 units each: 400000 of them are seven times the limit of one run(), and once took 3 s.
	 */
	assert_true(run(400000) <= 8);
}

static void a_loop_over_new_code_ends_its_runs_early(void **state)
{
	/* Calls each word of a page in turn, then writes to the page, and so on. */
	static const uint32_t loop[] = {
		INSN_MTCTR(3),
		INSN_BCTRL,
		INSN_STW(4, 0, 3),
		INSN_B(-12),
	};

	guest_code(&guest, CODE, loop, ARRAY_SIZE(loop));
	for (unsigned i = 0; i < WORDS_PER_PAGE; i++)
		memory_write_be32(&guest.memory, SPARE + 4 * i, i < 63 ? INSN_NOP : INSN_BLR);
	cpu->gpr[3] = SPARE;
	cpu->gpr[4] = INSN_NOP;
	cpu->nip = CODE;
	for (unsigned i = 0; i < 10; i++) {
		fill_all_sets();
		run(40000);
	}
	fill_all_sets();
	assert_true(run(100000) >= 2);
}

static void a_loop_over_new_memory_ends_its_runs_early(void **state)
{
	static const uint32_t loop[] = {
		INSN_STW(4, 0, 3), INSN_ADDIS(3, 3, 0x20), INSN_B(-8), /* 2 MiB further */
	};

	guest_code(&guest, CODE, loop, ARRAY_SIZE(loop));
	cpu->gpr[3] = 4ull << 20;
	cpu->nip = CODE;
	assert_true(run(3 * 2000) >= 2000 / (WORK_PER_RUN / WORK_TOUCH + 1));
}

static void a_short_run_changes_nothing_of_what_the_guest_does(void **state)
{
	static const uint32_t loop[] = {
		INSN_MTCTR(3), INSN_BCTRL, INSN_ADDI(7, 7, 1), INSN_STW(7, 0, 3), INSN_B(-16),
	};
	uint64_t counted[2];

	for (unsigned i = 0; i < 2; i++) {
		guest_code(&guest, CODE, loop, ARRAY_SIZE(loop));
		memory_write_be32(&guest.memory, SPARE + 4, INSN_BLR);
		memory_write_be32(&guest.memory, SPARE, INSN_NOP);
		engine_power.reset(guest.engine);
		cpu->gpr[3] = SPARE;
		cpu->gpr[7] = INSN_NOP;
		cpu->nip = CODE;
		assert_true(run_stretches(70000, i ? 1000 : 70000) > 1);
		counted[i] = cpu->gpr[7];
	}
	assert_int_equal(counted[0], counted[1]);
}

/* ---- tables in proportion ---- */

static void tables_take_no_more_than_the_code_that_was_met(void **state)
{
	size_t one;

	engine_power.reset(guest.engine);
	assert_int_equal(e->code.arena_used, 0);
	code_decode(e->cpus[0], page_at(CODE), 0);
	one = e->code.arena_used;
	assert_true(one <= 32 << 10);
	for (uint64_t ra = 0; ra < guest.memory.size; ra += guest.memory.size / 8)
		code_decode(e->cpus[0], page_at(ra), 0);
	assert_true(e->code.arena_used <= 9 * one);
	assert_sound();
	code_flush(e);
	assert_int_equal(e->code.arena_used, 0);
	assert_null(e->code.used_regions);
	assert_sound();
}

static void a_full_arena_is_emptied_and_the_guest_goes_on(void **state)
{
	/* Each page of memory is a branch to the next one, the last one to the first. */
	e->code.arena_size = 256 << 10;
	for (uint64_t ra = 0; ra < RAM; ra += PAGE_BYTES)
		memory_write_be32(&guest.memory, ra,
				  INSN_B(ra + PAGE_BYTES < RAM ? PAGE_BYTES : PAGE_BYTES - RAM));
	cpu->nip = 0;
	for (unsigned i = 0; i < 100; i++)
		run(100);
	assert_int_equal(cpu->nip, 10000 % (RAM / PAGE_BYTES) * PAGE_BYTES);
}

/* ---- the check itself ---- */

#define BREAK(what, says)                                                           \
	do {                                                                        \
		const char *wrong;                                                  \
                                                                                    \
		what;                                                               \
		wrong = caches_check(e);                                            \
		if (!wrong || !strstr(wrong, says))                                 \
			fail_msg("%s: \"%s\" is not said, but \"%s\"", #what, says, \
				 wrong ? wrong : "nothing");                        \
	} while (0)

/* Each of these breaks one invariant, and restores it. */
static void a_broken_invariant_is_found(void **state)
{
	struct tlb_entry *read, *write;
	struct fetch_entry *fetch;
	struct code_page *page;
	uint64_t old;

	use_radix();
	switch_process(0, 1);
	assert_int_equal(load(SPARE), 0);
	assert_true(cpu_store64(cpu, SPARE, 0));
	page = code_fetch(cpu, CODE);
	guest_code(&guest, CODE, (const uint32_t[]){ INSN_NOP, INSN_BLR }, 2);
	assert_non_null(code_decode(e->cpus[0], page_at(CODE), 0));
	assert_sound();
	read = &cpu->tlb->read[TLB_INDEX(SPARE)];
	write = &cpu->tlb->write[TLB_INDEX(SPARE)];
	fetch = &cpu->fetch->entry[FETCH_INDEX(CODE)];

	BREAK(cpu->tlb->filled.count = 0, "not in the log");
	cpu->tlb->filled.count = FILL_LOST;
	BREAK(read->addend += RAM, "out of guest memory");
	BREAK(read->addend -= RAM + PAGE_BYTES, "of another page");
	read->addend += PAGE_BYTES;
	BREAK(read[1] = *read, "wrong slot");
	read[1].tag = TLB_INVALID;
	old = write->tag;
	cpu->tlb->base_write[BASE_STACK] = *write;
	assert_sound();
	BREAK(cpu->tlb->base_write[BASE_STACK].addend += PAGE_BYTES, "a base register's entry");
	cpu->tlb->base_write[BASE_STACK].tag = TLB_INVALID;
	BREAK(cpu->tlb->base_read[BASE_THREAD].tag = X, "a base register's entry");
	cpu->tlb->base_read[BASE_THREAD].tag = TLB_INVALID;
	BREAK(write->addend += CODE - SPARE, "fast stores");
	BREAK(write->tag += PAGE_BYTES, "wrong slot");
	write->tag = TLB_INVALID;
	assert_int_equal(old, SPARE);
	BREAK(cpu->fetch->filled.count = 0, "a fetch entry is not in the log");
	cpu->fetch->filled.count = FILL_LOST;
	BREAK(fetch->page = (struct code_page *)(e->code.arena + e->code.arena_size),
	      "out of the decoded code");
	BREAK(fetch->page = (struct code_page *)(e->code.arena + 64), "a fetch entry");
	fetch->page = page;
	BREAK(cpu->mode ^= CODE_LE, "of another mode");
	BREAK(cpu->fetch->code_mode ^= CODE_LE, "a fetch entry is of another mode");
	cpu->mode ^= CODE_LE;
	cpu->fetch->code_mode ^= CODE_LE;
	BREAK(cpu->mode ^= CODE_DATA(TLB_USER), "another way to address data");
	cpu->mode ^= CODE_DATA(TLB_USER);
	BREAK(page->decoded[0] = 0, "not marked");
	page->decoded[0] = 3;
	BREAK(page->entry[1] = page->entry[0], "does not begin where its entry says");
	page->entry[1] = 0;
	BREAK(((struct uop *)code_entry(page, 0))[2].imm = 8, "a link does not lead");
	((struct uop *)code_entry(page, 0))[2].imm = 0;
	BREAK(e->walks.first_asid = e->walks.next_asid + 1, "out of order");
	e->walks.first_asid = e->walks.next_asid;
	/* Poison that the engine has not been told of. */
	guest.memory.poison = NULL;
	BREAK(memory_poison(&guest.memory, CODE + 7, 1, false), "a block has poison in it");
	assert_true(memory_heal(&guest.memory, CODE + 7, 1));
	BREAK(memory_poison(&guest.memory, SPARE + 0xfff, 1, false),
	      "a page with poison has fast accesses");
	assert_true(memory_heal(&guest.memory, SPARE + 0xfff, 1));
	assert_sound();
}

#define TEST(name)	 cmocka_unit_test_setup_teardown(name, setup_test, teardown_test)
#define TEST_EIGHT(name) cmocka_unit_test_setup_teardown(name, setup_eight, teardown_test)
#define TEST_LARGE(name) cmocka_unit_test_setup_teardown(name, setup_large, teardown_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_process_does_not_see_anothers_memory_after_2_to_the_32_fills),
		TEST(code_that_was_thrown_away_is_not_found_after_2_to_the_32_fetches),
		TEST(a_store_is_seen_by_decoded_code_after_2_to_the_32_fills),
		TEST(translations_of_a_process_are_not_found_when_numbers_start_again),
		TEST(flushing_everything_without_end_forgets_every_time),
		TEST(flushing_pid_0_reaches_what_user_mode_sees_of_it),
		TEST(amr_governs_unprivileged_pages_at_any_address),
		TEST(flushing_everything_costs_what_was_filled_since),
		TEST_EIGHT(a_loop_of_invalidations_costs_no_more_than_its_instructions),
		TEST_EIGHT(a_loop_over_new_code_ends_its_runs_early),
		TEST_LARGE(a_loop_over_new_memory_ends_its_runs_early),
		TEST(a_short_run_changes_nothing_of_what_the_guest_does),
		TEST_LARGE(tables_take_no_more_than_the_code_that_was_met),
		TEST(a_full_arena_is_emptied_and_the_guest_goes_on),
		TEST(a_broken_invariant_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
