/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The embedded engine's run(), as the machine sees it: what ends it, where the vCPU then is, and
 * how many instructions it executed. The payloads test what a guest sees of the processor.
 */
#include <sys/mman.h>

#include "base/record.h"
#include "engine/emu/private.h"
#include "unit.h"

#define MEMORY_BYTES 0x100000u
#define CODE	     0x10000u
#define NOP	     0x60000000u
#define TRAP	     0x7fe00008u
#define HCALL	     0x44000022u
#define RFID	     0x4c000024u
#define LOW	     0x7c210b78u /* or 1,1,1 */
#define PAUSE_SHORT  0x7c40003cu /* wait 2,0 */
#define MEDIUM	     0x7c421378u
#define BACK(n)	     (0x48000000u | (-4u * (n)&0x03fffffcu))

static const struct engine_ops *const ops = &engine_power;
static struct guest_memory memory;
static struct guest_clock guest_clock;
static struct engine *engine;
static struct engine_exit end;
static struct engine_regs regs;

static int set_up(void **state)
{
	const struct engine_config config = { .memory = &memory,
					      .clock = &guest_clock,
					      .nr_vcpus = 2 };
	char err[160];

	(void)state;
	guest_clock = (struct guest_clock){ .mode = CLOCK_INSN };
	memory.size = MEMORY_BYTES;
	memory.base =
		mmap(NULL, memory.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	engine = memory.base != MAP_FAILED ? ops->create(&config, err, sizeof(err)) : NULL;
	return engine ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	ops->destroy(engine);
	munmap(memory.base, memory.size);
	return 0;
}

static void put(uint64_t at, const uint32_t *code, size_t count)
{
	for (size_t i = 0; i < count; i++)
		memory_write_be32(&memory, at + 4 * i, code[i]);
}
#define PUT(at, ...)                               \
	put(at, (const uint32_t[]){ __VA_ARGS__ }, \
	    sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void stand_at(uint64_t nip, uint64_t msr)
{
	ops->get_regs(engine, 0, &regs);
	regs.nip = nip;
	regs.msr = msr;
	ops->set_regs(engine, 0, &regs);
}

static void run(uint64_t insns)
{
	ops->run(engine, 0, insns, &end);
	ops->get_regs(engine, 0, &regs);
}

/* ---- watch_return() ---- */

static void a_return_into_traced_code_is_seen_before_its_first_instruction(void **state)
{
	static const uint64_t modes[] = { 0, MSR_SE, MSR_BE };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		uint64_t traced = MSR_SF | MSR_ME | modes[i];

		PUT(CODE, RFID);
		PUT(CODE + 0x100, NOP, NOP, NOP, HCALL);
		PUT(0xd00, HCALL);
		stand_at(CODE, MSR_SF | MSR_ME);
		regs.srr0 = CODE + 0x100;
		regs.srr1 = traced;
		ops->set_regs(engine, 0, &regs);
		ops->watch_return(engine, 0, CODE + 0x100);
		run(100);
		assert_int_equal(end.reason, ENGINE_EXIT_DEBUG);
		assert_int_equal(regs.nip, CODE + 0x100);
		assert_int_equal(regs.msr, traced);
		/* Only once: the next run continues. */
		run(100);
		assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
		assert_int_equal(regs.nip, modes[i] == MSR_SE ? 0xd04 : CODE + 0x110);
	}
}

/* ---- the model ---- */

static void an_instruction_newer_than_the_model_is_illegal(void **state)
{
	static const struct {
		const char *name;
		uint32_t insn;
		unsigned isa;
	} insns[] = {
		{ "addi r3,0,1", 0x38600001, 203 },
		{ "popcntd r3,r4", 0x7c8303f4, 206 },
		{ "bctar", 0x4e800460, 207 },
		{ "darn r3,1", 0x7c6105e6, 300 },
		{ "addpcis r3,0", 0x4c600004, 300 },
		{ "modsd r3,r4,r5", 0x7c642e12, 300 },
		{ "xscvqpdp vs32,vs33", 0xfc140e88, 300 },
		{ "xxspltib vs0,1", 0xf0000ad0, 300 },
	};
	static const struct cpu_model *const models[] = { &cpu_model_power8, &cpu_model_power9 };
	struct power_engine *e = (struct power_engine *)engine;

	PUT(0x700, HCALL);
	for (size_t m = 0; m < ARRAY_SIZE(models); m++) {
		e->model = e->compat = models[m];
		for (size_t i = 0; i < ARRAY_SIZE(insns); i++) {
			bool illegal = insns[i].isa > models[m]->isa;

			PUT(CODE, insns[i].insn, HCALL);
			e->cpus[0]->tar = CODE + 4;
			stand_at(CODE, MSR_SF | MSR_ME | MSR_FP | MSR_VEC | MSR_VSX);
			run(100);
			assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
			if (regs.nip != (illegal ? 0x704 : CODE + 8))
				fail_msg("%s on %s", insns[i].name, models[m]->name);
			if (illegal) {
				assert_int_equal(regs.srr0, CODE);
				assert_int_equal(regs.srr1 & 0x783f0000, SRR1_ILLEGAL);
			}
		}
	}
}

static void a_power8_takes_the_variants_of_mffs_for_mffs(void **state)
{
	struct power_engine *e = (struct power_engine *)engine;

	PUT(0x700, HCALL);
	for (unsigned power8 = 0; power8 < 2; power8++) {
		if (power8)
			e->model = e->compat = &cpu_model_power8;
		PUT(CODE, 0xfc38048e, HCALL); /* mffsl f1: only control and status */
		e->cpus[0]->fpscr = 0x40000003; /* FEX; RN */
		stand_at(CODE, MSR_SF | MSR_ME | MSR_FP);
		run(100);
		assert_int_equal(regs.nip, CODE + 8);
		assert_int_equal(VSR_D(e->cpus[0]->vsr[1], 0), power8 ? 0x40000003 : 3);
	}
	/* Where they exist, what is none of them is illegal. */
	e->model = e->compat = &cpu_model_power9;
	PUT(CODE, 0xfc22048e, HCALL);
	stand_at(CODE, MSR_SF | MSR_ME | MSR_FP);
	run(100);
	assert_int_equal(regs.nip, 0x704);
}

static void ov32_and_ca32_are_reserved_bits_of_a_power8(void **state)
{
	struct power_engine *e = (struct power_engine *)engine;

	PUT(CODE, 0x7c6103a6, 0x7c8102a6, HCALL); /* mtxer r3; mfxer r4 */
	for (unsigned power8 = 0; power8 < 2; power8++) {
		if (power8)
			e->model = e->compat = &cpu_model_power8;
		stand_at(CODE, MSR_SF | MSR_ME);
		regs.gpr[3] = UINT64_MAX;
		ops->set_regs(engine, 0, &regs);
		run(100);
		assert_int_equal(regs.gpr[4], power8 ? 0xe000007f : 0xe00c007f);
	}
}

#define PROBLEM_STATE (MSR_SF | MSR_ME | MSR_PR)

static void problem_state_has_no_instruction_newer_than_what_it_is_compatible_with(void **state)
{
	((struct power_engine *)engine)->compat = &cpu_model_power8;
	PUT(0x700, HCALL);
	PUT(0xf40, HCALL);
	PUT(CODE, 0x7c642e12, HCALL); /* modsd r3,r4,r5, of 3.0 */
	stand_at(CODE, MSR_SF | MSR_ME);
	run(100);
	assert_int_equal(regs.nip, CODE + 8);
	stand_at(CODE, PROBLEM_STATE);
	run(100);
	assert_int_equal(regs.nip, 0x704);
	assert_int_equal(regs.srr0, CODE);
	assert_int_equal(regs.srr1 & 0x783f0000, SRR1_ILLEGAL);
	/* That it is illegal comes before the facility that it needs. */
	PUT(CODE, 0xf0000ad0, HCALL); /* xxspltib vs0,1, of 3.0 */
	stand_at(CODE, PROBLEM_STATE);
	run(100);
	assert_int_equal(regs.nip, 0x704);
	/* An older one is there. */
	PUT(CODE, 0x7c8303f4, NOP, 0x7fe00008); /* popcntd r3,r4; nop; trap */
	stand_at(CODE, PROBLEM_STATE);
	run(100);
	assert_int_equal(regs.nip, 0x704);
	assert_int_equal(regs.srr0, CODE + 8);
	assert_int_equal(regs.srr1 & 0x783f0000, SRR1_TRAP);
}

/* ---- MSR[SF] = 0 ---- */

static void behind_the_last_word_of_32_bits_comes_address_0(void **state)
{
	const uint64_t narrow = MSR_ME;

	stand_at(0xffffffff00000000ull | CODE, narrow);
	PUT(CODE, NOP, HCALL);
	run(100);
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	assert_int_equal(regs.nip, CODE + 8);

	/* Branches to 0, and from there back past address 0: NIP has the wrapped address. */
	PUT(CODE, BACK(CODE / 4));
	PUT(0, BACK(1));
	stand_at(CODE, narrow);
	run(100);
	assert_int_equal(end.reason, ENGINE_EXIT_MACHINE_CHECK);
	assert_int_equal(regs.nip, 0xfffffffc);
}

static void a_run_ends_at_an_address_of_32_bits(void **state)
{
	PUT(CODE, RFID);
	stand_at(CODE, MSR_SF | MSR_ME);
	regs.srr0 = 0xabcdef0000000000ull | CODE;
	regs.srr1 = MSR_ME;
	ops->set_regs(engine, 0, &regs);
	run(1);
	assert_int_equal(end.reason, ENGINE_EXIT_BUDGET);
	assert_int_equal(regs.nip, CODE);
}

/* ---- patience ---- */

static void spin(void)
{
	PUT(CODE, NOP, LOW, MEDIUM, NOP, BACK(4));
	stand_at(CODE, MSR_SF | MSR_ME);
}

static void one_who_waits_goes_on_for_as_long_as_it_has_patience(void **state)
{
	uint64_t before;

	spin();
	/* Without a limit, it spins until the budget is used up. */
	run(10000);
	assert_int_equal(end.reason, ENGINE_EXIT_BUDGET);
	for (unsigned i = 0; i < 5; i++) {
		ops->set_patience(engine, 0, 200, false);
		before = ops->insns(engine, 0);
		run(10000);
		assert_int_equal(end.reason, ENGINE_EXIT_YIELD);
		assert_int_equal(ops->insns(engine, 0) - before, 205);
		assert_int_equal(guest_clock.insns, ops->insns(engine, 0));
		assert_int_equal(regs.nip, CODE);
	}
	/* Its end does not depend on where a run() ends. */
	ops->set_patience(engine, 0, 200, false);
	run(100);
	assert_int_equal(end.reason, ENGINE_EXIT_BUDGET);
	before = ops->insns(engine, 0);
	run(10000);
	assert_int_equal(end.reason, ENGINE_EXIT_YIELD);
	assert_in_range(ops->insns(engine, 0) - before, 90, 110);
	ops->set_patience(engine, 0, UINT64_MAX, false);
	run(10000);
	assert_int_equal(end.reason, ENGINE_EXIT_BUDGET);
}

static void one_who_works_has_no_need_of_patience(void **state)
{
	PUT(CODE, NOP, MEDIUM, NOP, NOP, BACK(4));
	stand_at(CODE, MSR_SF | MSR_ME);
	ops->set_patience(engine, 0, 0, false);
	run(10000);
	assert_int_equal(end.reason, ENGINE_EXIT_BUDGET);
}

/* Like Linux's udelay(), for 16 ms; returns the instructions that it took. */
static uint64_t delay(uint32_t before, uint32_t in_loop, bool others_wait)
{
	const uint64_t from = ops->insns(engine, 0);

	/* r6: the end; r5: now */
	PUT(CODE, before, 0x7cac42a6, 0x3cc50080, in_loop, 0x7cac42a6, 0x7c253040, 0x4180fff4,
	    HCALL);
	stand_at(CODE, MSR_SF | MSR_ME);
	ops->set_patience(engine, 0, UINT64_MAX, others_wait);
	do
		run(UINT32_MAX);
	while (end.reason == ENGINE_EXIT_YIELD);
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	return ops->insns(engine, 0) - from;
}

static void time_passes_at_once_for_whoever_waits_for_it(void **state)
{
	const uint64_t insns = delay(LOW, NOP, false);

	assert_true(insns >= (8u << 20) * INSNS_PER_TICK);
	assert_true(delay(LOW, NOP, true) < insns / 100);
	assert_true(delay(MEDIUM, PAUSE_SHORT, true) < insns / 100);
	assert_true(delay(MEDIUM, PAUSE_SHORT, false) >= insns);
	/* Others have something to do: they get their turns. */
	stand_at(CODE, MSR_SF | MSR_ME);
	PUT(CODE, LOW);
	PUT(CODE + 12, NOP);
	ops->set_patience(engine, 0, 200, false);
	run(10000);
	assert_int_equal(end.reason, ENGINE_EXIT_YIELD);
	/* It has paused for a time that it has looked at. */
	PUT(CODE, PAUSE_SHORT, 0x7cac42a6, HCALL);
	stand_at(CODE, MSR_SF | MSR_ME);
	run(100);
	assert_true(delay(MEDIUM, NOP, true) >= insns);
}

static void a_traced_loop_that_waits_is_traced_all_the_same(void **state)
{
	spin();
	PUT(0xd00, HCALL);
	ops->set_patience(engine, 0, 0, false);
	for (uint64_t at = CODE; at < CODE + 16; at += 4) {
		stand_at(at, MSR_SF | MSR_ME | MSR_SE);
		do
			run(100);
		while (end.reason == ENGINE_EXIT_YIELD);
		assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
		assert_int_equal(regs.nip, 0xd04);
		assert_int_equal(regs.srr0, at + 4);
	}
}

/* ---- the decrementer ---- */

#define MTDEC_3 0x7c7603a6u

static void set_decrementer(uint32_t value)
{
	PUT(CODE, MTDEC_3, HCALL);
	stand_at(CODE, MSR_SF | MSR_ME);
	regs.gpr[3] = value;
	ops->set_regs(engine, 0, &regs);
	run(100);
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
}

static void a_decrementer_interrupt_is_pending_while_the_first_bit_is_1(void **state)
{
	static const struct {
		uint32_t value;
		uint64_t ticks;
		bool pending;
	} steps[] = {
		{ 0x7fffffff, 0, false },  { 100, 50, false },	     { 100, 200, true },
		{ 0xffffffff, 0, true },   { 0x80000100, 0, true },  { 0x80000100, 0x200, false },
		{ 0, 0x7ffffff0, true },   { 0, 0x80000010, false }, { 0, 0x100000010, true },
		{ 0, 0x180000010, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		uint64_t now, deadline;

		set_decrementer(steps[i].value);
		guest_clock.offset += steps[i].ticks;
		now = clock_timebase(&guest_clock, 0);
		deadline = ops->deadline(engine, 0);
		assert_int_equal(ops->interrupt_pending(engine, 0), steps[i].pending);
		/* The deadline has passed, or lies ahead. */
		assert_int_equal((int64_t)(deadline - now) <= 0, steps[i].pending);
		assert_true(steps[i].pending || deadline - now <= 0x80000000);
		/* run() agrees. */
		PUT(0x900, HCALL);
		PUT(CODE, NOP, NOP, HCALL);
		stand_at(CODE, MSR_SF | MSR_ME | MSR_EE);
		run(100);
		assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
		assert_int_equal(regs.nip, steps[i].pending ? 0x904 : CODE + 12);
	}
}

/* ---- saved state ---- */

/* Does the engine take what it has saved? */
static bool is_loaded(void)
{
	static uint8_t records[1u << 16];
	struct record_part parts[ENGINE_MAX_VCPUS + 1];
	const unsigned n = ops->parts(engine, parts);
	const size_t size = records_save(parts, n, records, sizeof(records));
	char err[200];

	assert_int_not_equal(size, 0);
	return records_load(parts, n, records, size, err, sizeof(err));
}

/* With those, the instructions until an alert of the performance monitor would have no end. */
static void counts_that_no_vcpu_reaches_are_not_loaded(void **state)
{
	struct cpu *cpu = ((struct power_engine *)engine)->cpus[1];

	cpu->pmc[0] = UINT32_MAX;
	cpu->insns = INT64_MAX;
	assert_true(is_loaded());
	cpu->pmc[0]++;
	assert_false(is_loaded());
	cpu->pmc[0] = 0;
	cpu->insns++;
	assert_false(is_loaded());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_return_into_traced_code_is_seen_before_its_first_instruction),
		TEST(an_instruction_newer_than_the_model_is_illegal),
		TEST(a_power8_takes_the_variants_of_mffs_for_mffs),
		TEST(ov32_and_ca32_are_reserved_bits_of_a_power8),
		TEST(problem_state_has_no_instruction_newer_than_what_it_is_compatible_with),
		TEST(behind_the_last_word_of_32_bits_comes_address_0),
		TEST(a_run_ends_at_an_address_of_32_bits),
		TEST(one_who_waits_goes_on_for_as_long_as_it_has_patience),
		TEST(one_who_works_has_no_need_of_patience),
		TEST(time_passes_at_once_for_whoever_waits_for_it),
		TEST(a_traced_loop_that_waits_is_traced_all_the_same),
		TEST(a_decrementer_interrupt_is_pending_while_the_first_bit_is_1),
		TEST(counts_that_no_vcpu_reaches_are_not_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
