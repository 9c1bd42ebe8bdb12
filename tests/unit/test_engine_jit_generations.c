/* SPDX-License-Identifier: BSD-2-Clause */
/* What the translator forgets to make room, with memory for far less code than the guest has. */
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_guest.h"
#include "engine/emu/jit/emitter.h"
#include "engine/emu/jit/jit.h"
#include "unit.h"

#define RAM	  0x100000u
#define CODE	  0x10000u
#define PAGES	  24u
#define BLOCKS	  (PAGE_BYTES / 8) /* of a page */
/* A generation has room for little more than the longest block, and to compare it for two. */
#define SMALL	  (5u << 18)
#define SOME_INSN 100 /* more than a block of the guest has */
#define VCPUS	  4u

static struct engine_guest guest;
static struct engine_regs regs;

static void use_jit(enum engine_jit mode)
{
	char err[160];

	jit_destroy(guest.e->jit);
	guest.e->jit =
		jit_create(mode, mode == ENGINE_JIT_CHECK ? 2 * SMALL : SMALL, err, sizeof(err));
	assert_non_null(guest.e->jit);
}

static int set_up(void **state)
{
	if (!guest_start(&guest, RAM, 1))
		return -1;
	guest_end_at_interrupts(&guest);
	return 0;
}

static int set_up_threads(void **state)
{
	if (!guest_start_as(&guest, RAM, VCPUS, true))
		return -1;
	guest_end_at_interrupts(&guest);
	return 0;
}

static int tear_down(void **state)
{
	return guest_end_checked(&guest) ? 0 : -1;
}

/* Each page has blocks of an addition and a branch to the next, and a call at its end. */
static void make_blocks(void)
{
	for (unsigned i = 0; i < PAGES * BLOCKS; i++)
		guest_code(&guest, CODE + 8 * i, INSNS(INSN_ADDI(3, 3, 1 + i % 7), INSN_B(4)));
	for (unsigned page = 1; page <= PAGES; page++)
		guest_code(&guest, CODE + page * PAGE_BYTES - 8, INSNS(INSN_HCALL));
}

/* The vCPU is at the beginning of the blocks of a page, from @first on. */
static void place(unsigned vcpu, unsigned page, unsigned first)
{
	engine_power.get_regs(guest.engine, vcpu, &regs);
	regs.nip = CODE + page * PAGE_BYTES + 8 * first;
	regs.msr = MSR_SF | MSR_ME;
	regs.gpr[3] = 0;
	engine_power.set_regs(guest.engine, vcpu, &regs);
}

/* What r3 is after the blocks of a page, from @first on */
static uint64_t run_blocks(unsigned page, unsigned first)
{
	struct engine_exit end;

	place(0, page, first);
	do
		engine_power.run(guest.engine, 0, 2 * BLOCKS + SOME_INSN, &end);
	while (end.reason == ENGINE_EXIT_BUDGET);
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	engine_power.get_regs(guest.engine, 0, &regs);
	return regs.gpr[3];
}

static struct jit_figures figures(void)
{
	struct jit_figures now;

	jit_figures(guest.e->jit, &now);
	return now;
}

static uint64_t sum(unsigned page, unsigned first)
{
	uint64_t value = 0;

	for (unsigned i = first; i < BLOCKS - 1; i++)
		value += 1 + (page * BLOCKS + i) % 7;
	return value;
}

/* The second half of a page is older than the first, which leads to it, so it is evicted first. */
static void run_page(unsigned page)
{
	for (unsigned i = 0; i < 2; i++) {
		const unsigned first = i ? 0 : BLOCKS / 2;

		assert_int_equal(run_blocks(page, first), sum(page, first));
		assert_null(caches_check(guest.e));
	}
}

static void run_and_check(enum engine_jit mode)
{
	use_jit(mode);
	make_blocks();
	for (unsigned i = 0; i < 6 * PAGES; i++)
		run_page(i % PAGES);
	assert_true(figures().blocks > 2 * PAGES * BLOCKS);
	assert_true(figures().evicted > PAGES * BLOCKS);
}

static void blocks_are_executed_right_while_code_is_evicted(void **state)
{
	run_and_check(ENGINE_JIT_FORCE);
}

static void code_is_evicted_while_it_is_compared(void **state)
{
	run_and_check(ENGINE_JIT_CHECK);
	assert_null(jit_difference(guest.e->jit));
}

/* Else each block would be translated once a lap: for a single execution, or two. */
static void code_that_does_not_fit_is_translated_ever_less_often(void **state)
{
	const unsigned laps = 24;

	use_jit(ENGINE_JIT_FORCE);
	make_blocks();
	for (unsigned i = 0; i < laps * PAGES; i++)
		run_page(i % PAGES);
	assert_true(figures().evicted > PAGES * BLOCKS);
	assert_true(figures().blocks < laps / 3 * PAGES * BLOCKS);
}

static void what_was_translated_last_stays(void **state)
{
	uint64_t translated;

	use_jit(ENGINE_JIT_FORCE);
	make_blocks();
	for (unsigned page = 0; page < PAGES; page++)
		run_page(page);
	translated = figures().blocks;
	run_page(PAGES - 1);
	assert_int_equal(figures().blocks, translated);
	for (unsigned i = 0; i < 2; i++)
		run_page(0);
	assert_int_equal(figures().blocks, translated + BLOCKS);
}

static void no_translated_code_survives_the_decoded_code(void **state)
{
	use_jit(ENGINE_JIT_FORCE);
	make_blocks();
	run_page(0);
	engine_power.reset(guest.engine);
	assert_null(caches_check(guest.e));
	run_page(0);
	assert_int_equal(figures().blocks, 2 * BLOCKS);
}

/* As a machine is stopped at an instruction, be it in the middle of a block */
static void step(void)
{
	const uint64_t insns = engine_power.insns(guest.engine, 0);
	struct engine_exit end;

	engine_power.stop_at(guest.engine, 0, insns + 1);
	engine_power.run(guest.engine, 0, SOME_INSN, &end);
	assert_int_equal(end.reason, ENGINE_EXIT_STOPPED);
	assert_int_equal(engine_power.insns(guest.engine, 0), insns + 1);
}

/* As the guest traces itself: the interrupt's routine is the call that ends the run. */
static void trace(void)
{
	struct engine_exit end;

	engine_power.get_regs(guest.engine, 0, &regs);
	regs.msr |= MSR_SE;
	engine_power.set_regs(guest.engine, 0, &regs);
	engine_power.run(guest.engine, 0, SOME_INSN, &end);
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	engine_power.get_regs(guest.engine, 0, &regs);
	assert_int_equal(regs.nip, VECTOR_TRACE + 4);
	regs.nip = regs.srr0;
	engine_power.set_regs(guest.engine, 0, &regs);
}

static void single_steps_throw_no_translated_code_away(void **state)
{
	static void (*const ways[])(void) = { step, trace };
	struct jit_figures before, now;

	use_jit(ENGINE_JIT_FORCE);
	make_blocks();
	run_page(0);
	trace(); /* its routine is translated, too */
	before = figures();
	for (unsigned way = 0; way < ARRAY_SIZE(ways); way++) {
		place(0, 0, 0);
		for (unsigned i = 0; i < 2 * (BLOCKS - 1); i++)
			ways[way]();
		engine_power.get_regs(guest.engine, 0, &regs);
		assert_int_equal(regs.gpr[3], sum(0, 0));
	}
	assert_null(caches_check(guest.e));
	run_page(0);
	now = figures();
	assert_memory_equal(&now, &before, sizeof(now));
}

/* How often this process has memory for translated code mapped */
static unsigned nr_mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned count = 0;
	char line[512];

	while (maps && fgets(line, sizeof(line), maps))
		count += strstr(line, "fwnmi-translated-code") != NULL;
	if (maps)
		fclose(maps);
	return count;
}

/* What a child of fork() runs; by jit_forked() if @number is one of its. It has no other's code. */
static void run_in_child(int number, bool translates)
{
	char *kept = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int status;

	assert_true(kept != MAP_FAILED && !madvise(kept, PAGE_BYTES, MADV_DONTFORK));
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		const uint64_t before = figures().blocks;
		/* QEMU's user emulation lets children inherit what they should not. */
		const unsigned inherited = msync(kept, PAGE_BYTES, MS_ASYNC) ? 0 : 2;
		bool right;

		if (number >= 0)
			engine_power.forked(guest.engine, (unsigned)number);
		right = run_blocks(0, 0) == sum(0, 0) && run_blocks(1, 0) == sum(1, 0);
		right &= !caches_check(guest.e) && (figures().blocks > before) == translates;
		right &= nr_mappings() == inherited + (translates ? 2 : 0);
		_exit(right ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	munmap(kept, PAGE_BYTES);
}

static void a_forked_process_has_code_of_its_own_or_none(void **state)
{
	use_jit(ENGINE_JIT_FORCE);
	assert_true(jit_prepare(guest.e->jit, 2, SMALL));
	make_blocks();
	run_page(0);
	run_in_child(-1, false);
	for (int i = 0; i < 4; i++)
		run_in_child(i % 2, true);
	run_in_child(2, false);
	run_page(0);
	assert_int_equal(figures().blocks, BLOCKS);
	assert_int_equal(nr_mappings(), 2 * 3);
}

/*
 * Behind the pages is a loop of blocks, in which one vCPU is while the others run through pages. So
 * it is inside code that becomes old.
 */
#define LOOP_BLOCKS  32u
#define LOOP_ROUNDS  20000u
#define INSN_BDNZ(o) (0x42000000u | ((uint32_t)(o)&0xfffcu))

static void make_loop(void)
{
	const uint64_t begin = CODE + PAGES * PAGE_BYTES;

	for (unsigned i = 0; i < LOOP_BLOCKS; i++)
		guest_code(&guest, begin + 8 * i, INSNS(INSN_ADDI(3, 3, 1), INSN_B(4)));
	guest_code(&guest, begin + 8 * LOOP_BLOCKS,
		   INSNS(INSN_BDNZ(-8 * (int)LOOP_BLOCKS), INSN_HCALL));
}

/* In what order the vCPUs run through pages; the second half of each first, as above */
static unsigned page_of(unsigned vcpu, unsigned round)
{
	return (vcpu % 2 ? PAGES - 1 - round / 2 % PAGES : round / 2 + vcpu) % PAGES;
}

static unsigned first_of(unsigned round)
{
	return round % 2 ? 0 : BLOCKS / 2;
}

static void begin_round(unsigned vcpu, unsigned round)
{
	if (vcpu) {
		place(vcpu, page_of(vcpu, round), first_of(round));
		return;
	}
	place(vcpu, PAGES, 0);
	regs.ctr = LOOP_ROUNDS;
	engine_power.set_regs(guest.engine, vcpu, &regs);
}

static uint64_t sum_of_round(unsigned vcpu, unsigned round)
{
	return vcpu ? sum(page_of(vcpu, round), first_of(round)) : LOOP_BLOCKS * LOOP_ROUNDS;
}

/*
 * Run it; if it has come to the end of its round, it begins the next one. Code is evicted by this
 * thread alone, while no other executes any.
 */
static void go_on(unsigned vcpu, unsigned *round, uint64_t *evicted)
{
	struct engine_exit end;

	assert_int_equal(figures().evicted, *evicted);
	engine_power.run(guest.engine, vcpu, 2 * BLOCKS, &end);
	*evicted = figures().evicted;
	if (end.reason == ENGINE_EXIT_RUNNING || end.reason == ENGINE_EXIT_BUDGET)
		return;
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	engine_power.get_regs(guest.engine, vcpu, &regs);
	assert_int_equal(regs.gpr[3], sum_of_round(vcpu, *round));
	begin_round(vcpu, ++*round);
}

static bool all_have_done(const unsigned rounds[VCPUS], unsigned enough)
{
	for (unsigned i = 1; i < VCPUS; i++)
		if (rounds[i] < enough)
			return false;
	return rounds[0] > 1;
}

static void blocks_are_executed_right_while_other_vcpus_evict_their_code(void **state)
{
	unsigned rounds[VCPUS] = { 0 };
	uint64_t evicted = 0;

	use_jit(ENGINE_JIT_FORCE);
	make_blocks();
	make_loop();
	assert_true(engine_power.run_beside(guest.engine, true));
	for (unsigned i = 0; i < VCPUS; i++)
		begin_round(i, 0);
	while (!all_have_done(rounds, 8 * PAGES)) {
		for (unsigned i = 0; i < VCPUS; i++)
			go_on(i, &rounds[i], &evicted);
		sched_yield();
	}
	engine_power.stop(guest.engine);
	assert_true(evicted > PAGES * BLOCKS);
}

/* What this host's emitter says decides, not what was asked for. */
static void threads_have_translated_code_if_the_host_serves_them(void **state)
{
	const struct engine_config config = { .memory = &guest.memory,
					      .clock = &guest.clock,
					      .nr_vcpus = VCPUS,
					      .threads = true,
					      .jit = ENGINE_JIT_ON };
	char err[160] = "";

	engine_power.destroy(guest.engine);
	guest.engine = engine_power.create(&config, err, sizeof(err));
	assert_int_equal(!!guest.engine, emitter_serves_threads());
	assert_true(guest.engine || strstr(err, "for one thread"));
	if (!guest.engine)
		assert_true(guest_start_as(&guest, RAM, VCPUS, true));
	guest.e = (struct power_engine *)guest.engine;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			threads_have_translated_code_if_the_host_serves_them, set_up_threads,
			tear_down),
		cmocka_unit_test_setup_teardown(blocks_are_executed_right_while_code_is_evicted,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(code_is_evicted_while_it_is_compared, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			code_that_does_not_fit_is_translated_ever_less_often, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_translated_last_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_translated_code_survives_the_decoded_code,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(single_steps_throw_no_translated_code_away, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_forked_process_has_code_of_its_own_or_none,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			blocks_are_executed_right_while_other_vcpus_evict_their_code,
			set_up_threads, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
