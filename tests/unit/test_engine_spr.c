/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mfspr and mtspr: which numbers exist in which state, what a register keeps, and what a write
 * triggers. payload/sprs.c tests what a guest sees.
 */
#include <string.h>

#include "engine/emu/mmu/mmu.h"
#include "engine/emu/private.h"
#include "isa/spr.h"
#include "unit.h"

#define ONES 0xffffffffffffffffull

static const struct cpu_model model = { .pvr = 0x12345678, .isa = 300 };
static struct power_engine engine;
static struct cpu cpu;
static uint64_t timebase;
static unsigned amr_changes, pid_changes, iamr_changes;

/* ---- what spr.c calls ---- */

int cpu_raise(struct cpu *c, unsigned vector, uint64_t srr1)
{
	c->exception = vector;
	c->exception_srr1 = srr1;
	return EXCEPTION;
}

uint64_t cpu_timebase(const struct cpu *c, unsigned index)
{
	return timebase + index;
}

uint64_t cpu_get_xer(const struct cpu *c)
{
	return c->xer_other;
}

void cpu_set_xer(struct cpu *c, uint64_t xer)
{
	c->xer_other = xer;
}

void mmu_amr_changed(struct cpu *c, uint64_t before)
{
	amr_changes++;
}

void mmu_pid_changed(struct cpu *c)
{
	pid_changes++;
}

void mmu_iamr_changed(struct cpu *c, uint64_t before)
{
	iamr_changes++;
}

/* ---- helpers ---- */

static int set_up(void **state)
{
	memset(&cpu, 0, sizeof(cpu));
	cpu.engine = &engine;
	engine.model = engine.compat = &model;
	engine.core_threads = 1;
	engine.cpus[0] = &cpu;
	timebase = 0;
	amr_changes = pid_changes = iamr_changes = 0;
	return 0;
}

static void write_spr(unsigned spr, uint64_t v)
{
	assert_int_equal(spr_write(&cpu, spr, 0, v), 0);
	cpu.insns++;
}

/* Into a register that has zero */
static uint64_t read_spr(unsigned spr)
{
	uint64_t v = 0;

	assert_int_equal(spr_read(&cpu, spr, 0, &v), 0);
	cpu.insns++;
	return v;
}

static void assert_raised(int result, unsigned vector, uint64_t srr1)
{
	assert_int_equal(result, EXCEPTION);
	assert_int_equal(cpu.exception, vector);
	assert_int_equal(cpu.exception_srr1, srr1);
	cpu.exception = 0;
}

/* ---- who may ---- */

static void problem_state_is_refused_every_privileged_number(void **state)
{
	uint64_t v;

	cpu.msr = MSR_PR;
	for (unsigned spr = 0; spr < NR_SPRS; spr++) {
		if (!(spr & 0x10))
			continue;
		assert_raised(spr_read(&cpu, spr, 0, &v), VECTOR_PROGRAM, SRR1_PRIVILEGED);
		assert_raised(spr_write(&cpu, spr, 0, ONES), VECTOR_PROGRAM, SRR1_PRIVILEGED);
	}
	assert_int_equal(amr_changes + pid_changes, 0);
}

static void a_missing_number_is_illegal_to_problem_state_and_nothing_to_the_kernel(void **state)
{
	static const unsigned missing[] = { 2, 64, 256 + 32, 512, 1000 };
	uint64_t v = 1;

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		cpu.msr = 0;
		write_spr(missing[i], ONES);
		assert_int_equal(spr_read(&cpu, missing[i], 0, &v), 0);
		assert_int_equal(v, 1);
		cpu.msr = MSR_PR;
		assert_raised(spr_read(&cpu, missing[i], 0, &v), VECTOR_PROGRAM, SRR1_ILLEGAL);
		assert_raised(spr_write(&cpu, missing[i], 0, v), VECTOR_PROGRAM, SRR1_ILLEGAL);
	}
}

static void four_missing_numbers_are_illegal_to_the_kernel_too(void **state)
{
	static const unsigned numbers[] = { 0, 4, 5, 6 };
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_raised(spr_read(&cpu, numbers[i], 0, &v), VECTOR_PROGRAM, SRR1_ILLEGAL);
		assert_raised(spr_write(&cpu, numbers[i], 0, 0), VECTOR_PROGRAM, SRR1_ILLEGAL);
	}
}

static void numbers_808_to_811_do_nothing_in_any_state(void **state)
{
	uint64_t v;

	for (unsigned spr = 807; spr <= 812; spr++) {
		cpu.msr = 0;
		write_spr(spr, ONES);
		assert_int_equal(read_spr(spr), 0);
		cpu.msr = MSR_PR;
		if (spr >= 808 && spr <= 811) {
			write_spr(spr, ONES);
			assert_int_equal(read_spr(spr), 0);
		} else {
			assert_raised(spr_read(&cpu, spr, 0, &v), VECTOR_PROGRAM, SRR1_ILLEGAL);
		}
	}
}

static void a_register_is_there_on_the_processors_that_have_it(void **state)
{
	static const struct {
		unsigned spr, user; /* its number for problem state, or 0 */
		bool power8, power9, power10;
	} registers[] = {
		{ SPR_TIDR, 0, false, true, false },
		{ SPR_PSSCR, 0, false, true, true },
		{ SPR_MMCR3, SPR_MMCR3_USER, false, false, true },
		{ SPR_SIER2, SPR_SIER2_USER, false, false, true },
		{ SPR_SIER3, SPR_SIER3_USER, false, false, true },
		{ SPR_MMCRA, SPR_MMCRA_USER, true, true, true },
		{ SPR_PIDR, 0, true, true, true },
	};
	static const struct cpu_model *const models[] = { &cpu_model_power8, &cpu_model_power9,
							  &cpu_model_power10, &cpu_model_power11 };
	uint64_t v;

	for (size_t m = 0; m < ARRAY_SIZE(models); m++) {
		for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
			const bool there = models[m]->isa < 300 ? registers[i].power8 :
					   models[m]->isa < 310 ? registers[i].power9 :
								  registers[i].power10;

			engine.model = engine.compat = models[m];
			cpu.msr = 0;
			write_spr(registers[i].spr, 0x55);
			assert_int_equal(read_spr(registers[i].spr), there ? 0x55 : 0);
			if (!registers[i].user)
				continue;
			cpu.msr = MSR_PR;
			if (there)
				assert_int_equal(read_spr(registers[i].user), 0x55);
			else
				assert_raised(spr_read(&cpu, registers[i].user, 0, &v),
					      VECTOR_PROGRAM, SRR1_ILLEGAL);
		}
	}
	/* Compatibility is problem state's. */
	engine.compat = &cpu_model_power9;
	cpu.msr = 0;
	write_spr(SPR_MMCR3, 0x66);
	assert_int_equal(read_spr(SPR_MMCR3), 0x66);
	cpu.msr = MSR_PR;
	assert_raised(spr_read(&cpu, SPR_MMCR3_USER, 0, &v), VECTOR_PROGRAM, SRR1_ILLEGAL);
}

static void what_only_tells_something_keeps_nothing(void **state)
{
	static const unsigned numbers[] = { SPR_TB,  SPR_TBU,	    SPR_PVR,	   SPR_PIR,
					    SPR_TIR, SPR_CTRL_READ, SPR_SPRG3_USER };

	cpu.index = 3;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint64_t before = read_spr(numbers[i]);

		write_spr(numbers[i], ~before);
		assert_int_equal(read_spr(numbers[i]), before);
	}
	assert_int_equal(read_spr(SPR_PIR), 3);
	assert_int_equal(read_spr(SPR_PVR), model.pvr);
}

static void a_facility_that_the_kernel_withholds_is_named_in_fscr(void **state)
{
	static const struct {
		unsigned spr, bit;
	} registers[] = {
		{ SPR_DSCR_USER, FSCR_DSCR }, { SPR_TAR, FSCR_TAR },	{ SPR_BESCRS, FSCR_EBB },
		{ SPR_BESCRSU, FSCR_EBB },    { SPR_BESCRR, FSCR_EBB }, { SPR_BESCRRU, FSCR_EBB },
		{ SPR_EBBHR, FSCR_EBB },      { SPR_EBBRR, FSCR_EBB },	{ SPR_BESCR, FSCR_EBB },
	};
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		unsigned spr = registers[i].spr;
		uint64_t bit = registers[i].bit;

		cpu.msr = 0;
		cpu.fscr = 0;
		write_spr(spr, 0);
		cpu.msr = MSR_PR;
		assert_raised(spr_read(&cpu, spr, 0, &v), VECTOR_FACILITY_UNAVAILABLE, 0);
		assert_int_equal(cpu.fscr, bit << 56);
		cpu.fscr = ~(1ull << bit);
		assert_raised(spr_write(&cpu, spr, 0, 0), VECTOR_FACILITY_UNAVAILABLE, 0);
		assert_int_equal(cpu.fscr >> 56, bit);
		cpu.fscr = 1ull << bit;
		write_spr(spr, 0);
		read_spr(spr);
	}
}

/* ---- what they keep ---- */

static void a_register_keeps_the_bits_that_it_has(void **state)
{
	static const struct {
		unsigned spr;
		uint64_t bits;
	} registers[] = {
		{ SPR_LR, ONES },	  { SPR_CTR, ONES },	      { SPR_SRR0, ONES },
		{ SPR_SRR1, ONES },	  { SPR_DAR, ONES },	      { SPR_DSISR, 0xffffffff },
		{ SPR_CFAR, ~3ull },	  { SPR_EBBHR, ~3ull },	      { SPR_EBBRR, ~3ull },
		{ SPR_DSCR, 0x1ffffff },  { SPR_VRSAVE, 0xffffffff }, { SPR_PSPB, 0xffffffff },
		{ SPR_PIDR, 0xffffffff }, { SPR_IAMR, ONES },	      { SPR_AMR, ONES },
		{ SPR_SPRG0, ONES },	  { SPR_SPRG1, ONES },	      { SPR_SPRG2, ONES },
		{ SPR_SPRG3, ONES },	  { SPR_PPR, ONES },	      { SPR_XER, ONES },
		{ SPR_PMC1, 0xffffffff }, { SPR_PMC6, 0xffffffff },   { SPR_MMCR1, ONES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		write_spr(registers[i].spr, ONES);
	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		assert_int_equal(read_spr(registers[i].spr), registers[i].bits);
		write_spr(registers[i].spr, 0);
		assert_int_equal(read_spr(registers[i].spr), 0);
	}
}

static void two_numbers_of_one_register_show_the_same(void **state)
{
	static const unsigned pairs[][2] = {
		{ SPR_AMR, SPR_AMR_USER },     { SPR_DSCR, SPR_DSCR_USER },
		{ SPR_SPRG3, SPR_SPRG3_USER }, { SPR_SIER, SPR_SIER_USER },
		{ SPR_MMCR1, SPR_MMCR1_USER }, { SPR_MMCRA, SPR_MMCRA_USER },
		{ SPR_PMC1, SPR_PMC1_USER },   { SPR_PMC2, SPR_PMC2_USER },
		{ SPR_PMC3, SPR_PMC3_USER },   { SPR_PMC4, SPR_PMC4_USER },
		{ SPR_PMC5, SPR_PMC5_USER },   { SPR_PMC6, SPR_PMC6_USER },
		{ SPR_SIAR, SPR_SIAR_USER },   { SPR_SDAR, SPR_SDAR_USER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		write_spr(pairs[i][0], 0x1000 + i);
	cpu.msr = MSR_PR;
	cpu.fscr = ONES;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_int_equal(read_spr(pairs[i][1]), 0x1000 + i);
}

static void problem_state_reads_counters_and_writes_none(void **state)
{
	cpu.pmc[2] = 77;
	cpu.msr = MSR_PR;
	assert_int_equal(read_spr(SPR_PMC3_USER), 77);
	assert_raised(spr_write(&cpu, SPR_PMC3_USER, 0, 1), VECTOR_PROGRAM, SRR1_ILLEGAL);
	assert_int_equal(cpu.pmc[2], 77);
}

static void pmcc_says_which_counters_problem_state_may_access(void **state)
{
	static const struct {
		uint64_t pmcc;
		unsigned spr, read, write; /* vectors; 0: it may */
	} rows[] = {
		{ 0, SPR_PMC1_USER, 0, VECTOR_PROGRAM },
		{ 0, SPR_MMCR0_USER, 0, VECTOR_PROGRAM },
		{ 0, SPR_SIAR_USER, 0, VECTOR_PROGRAM },
		{ 1, SPR_PMC1_USER, VECTOR_FACILITY_UNAVAILABLE, VECTOR_FACILITY_UNAVAILABLE },
		{ 1, SPR_MMCR2_USER, VECTOR_FACILITY_UNAVAILABLE, VECTOR_FACILITY_UNAVAILABLE },
		{ 1, SPR_SIAR_USER, VECTOR_FACILITY_UNAVAILABLE, VECTOR_PROGRAM },
		{ 2, SPR_PMC1_USER, 0, 0 },
		{ 2, SPR_PMC6_USER, 0, 0 },
		{ 2, SPR_MMCRA_USER, 0, 0 },
		{ 2, SPR_SIAR_USER, 0, VECTOR_PROGRAM },
		{ 3, SPR_PMC4_USER, 0, 0 },
		{ 3, SPR_PMC5_USER, VECTOR_FACILITY_UNAVAILABLE, VECTOR_FACILITY_UNAVAILABLE },
	};
	uint64_t v;

	cpu.msr = MSR_PR;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cpu.mmcr[0] = MMCR0_FC | rows[i].pmcc << 18;
		cpu.exception = 0;
		assert_int_equal(!!spr_read(&cpu, rows[i].spr, 0, &v), !!rows[i].read);
		assert_int_equal(cpu.exception, rows[i].read);
		cpu.exception = 0;
		assert_int_equal(!!spr_write(&cpu, rows[i].spr, 0, 0), !!rows[i].write);
		assert_int_equal(cpu.exception, rows[i].write);
		if (rows[i].read)
			assert_int_equal(cpu.fscr >> 56, FSCR_PMU);
		cpu.insns++;
	}
}

static void pmccext_hides_what_problem_state_only_reads(void **state)
{
	uint64_t v;

	engine.model = engine.compat = &cpu_model_power10;
	cpu.msr = MSR_PR;
	cpu.mmcr[0] = MMCR0_FC | MMCR0_PMCCEXT;
	assert_raised(spr_read(&cpu, SPR_SIER_USER, 0, &v), VECTOR_FACILITY_UNAVAILABLE, 0);
	assert_int_equal(read_spr(SPR_PMC1_USER), 0);
	engine.compat = &cpu_model_power9;
	assert_int_equal(read_spr(SPR_SIER_USER), 0);
}

static void problem_state_sees_and_changes_a_part_of_mmcr0_and_mmcr2(void **state)
{
	cpu.mmcr[0] = MMCR0_FC | 2ull << 18 | 0x4000;
	cpu.mmcr[2] = 1ull << 63;
	cpu.msr = MSR_PR;
	assert_int_equal(read_spr(SPR_MMCR0_USER), MMCR0_FC);
	write_spr(SPR_MMCR0_USER, 0x84000080ull | 1ull << 18);
	write_spr(SPR_MMCR2_USER, ONES);
	assert_int_equal(cpu.mmcr[0], 0x84000080ull | 2ull << 18 | 0x4000);
	assert_int_equal(cpu.mmcr[2], 0xc020100804020000ull);
	assert_int_equal(read_spr(SPR_MMCR2_USER), 0x4020100804020000ull);
}

static void ppr32_is_the_upper_half_of_ppr(void **state)
{
	write_spr(SPR_PPR, 0x1111111122222222ull);
	assert_int_equal(read_spr(SPR_PPR32), 0x11111111);
	write_spr(SPR_PPR32, 0x33333333);
	assert_int_equal(read_spr(SPR_PPR), 0x3333333322222222ull);
}

static void parts_of_bescr_are_set_and_reset(void **state)
{
	write_spr(SPR_BESCRS, 0xf0);
	write_spr(SPR_BESCRSU, 0xff);
	assert_int_equal(read_spr(SPR_BESCR), 0x000000ff000000f0ull);
	assert_int_equal(read_spr(SPR_BESCRSU), 0xff);
	write_spr(SPR_BESCRR, 0x30);
	write_spr(SPR_BESCRRU, 0x0f);
	assert_int_equal(read_spr(SPR_BESCR), 0x000000f0000000c0ull);
}

static void ctrl_is_written_by_one_number_and_read_by_another(void **state)
{
	write_spr(SPR_CTRL, 1);
	assert_int_equal(read_spr(SPR_CTRL), 0);
	cpu.msr = MSR_PR;
	assert_int_equal(read_spr(SPR_CTRL_READ), 0x8001);
	cpu.msr = 0;
	write_spr(SPR_CTRL, 0);
	assert_int_equal(read_spr(SPR_CTRL_READ), 0);
}

/* ---- time ---- */

static void the_time_base_is_that_of_the_instruction(void **state)
{
	uint64_t v;

	timebase = 0x500000010ull;
	assert_int_equal(spr_read(&cpu, SPR_TB, 3, &v), 0);
	assert_int_equal(v, 0x500000013ull);
	assert_int_equal(read_spr(SPR_TBU), 5);
}

static void the_vcpus_own_time_is_the_time_base_and_cannot_be_written(void **state)
{
	static const unsigned counters[] = { SPR_PURR, SPR_SPURR, SPR_VTB };
	uint64_t v;

	timebase = 0x500000010ull;
	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		write_spr(counters[i], 0);
		assert_int_equal(spr_read(&cpu, counters[i], 3, &v), 0);
		assert_int_equal(v, 0x500000013ull);
	}
}

static void ic_counts_instructions(void **state)
{
	uint64_t v;

	cpu.insns = 1000;
	cpu.run_limit = 50;
	cpu.budget = 40;
	assert_int_equal(spr_read(&cpu, SPR_IC, 3, &v), 0);
	assert_int_equal(v, 1013);
}

static void the_decrementer_counts_down_with_the_time_base_and_is_extended_to_64_bits(void **state)
{
	timebase = 1000;
	cpu.budget = cpu.run_limit = 50;
	write_spr(SPR_DEC, 100);
	/* The run loop must check it again. */
	assert_int_equal(cpu.budget, 0);
	assert_int_equal(cpu.dec_expiry, 1101);
	assert_int_equal(read_spr(SPR_DEC), 100);
	timebase = 1101;
	assert_int_equal(read_spr(SPR_DEC), ONES);
	write_spr(SPR_DEC, 0x80000000);
	assert_int_equal(read_spr(SPR_DEC), 0xffffffff80000000ull);
	engine.model = &cpu_model_power8; /* which extends it by zeros */
	assert_int_equal(read_spr(SPR_DEC), 0x80000000);
}

/* ---- translation ---- */

static void problem_state_changes_those_bits_of_amr_that_uamor_allows(void **state)
{
	cpu.amr = 0xff00;
	cpu.uamor = 0x0ff0;
	cpu.msr = MSR_PR;
	write_spr(SPR_AMR_USER, 0x00ff);
	assert_int_equal(cpu.amr, 0xf0f0);
	assert_int_equal(amr_changes, 1);
	cpu.msr = 0;
	write_spr(SPR_AMR_USER, 0x00ff);
	assert_int_equal(cpu.amr, 0x00ff);
	assert_int_equal(amr_changes, 2);
}

static void translation_hears_of_changes_only(void **state)
{
	write_spr(SPR_AMR, 0);
	write_spr(SPR_PIDR, 0);
	write_spr(SPR_IAMR, 0);
	assert_int_equal(amr_changes + pid_changes + iamr_changes, 0);
	write_spr(SPR_AMR, 1);
	write_spr(SPR_AMR, 1);
	assert_int_equal(amr_changes, 1);
	write_spr(SPR_PIDR, 1);
	write_spr(SPR_PIDR, 0xf00000001ull);
	assert_int_equal(pid_changes, 1);
	write_spr(SPR_IAMR, 1);
	write_spr(SPR_IAMR, 1);
	assert_int_equal(iamr_changes, 1);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(problem_state_is_refused_every_privileged_number),
		TEST(a_missing_number_is_illegal_to_problem_state_and_nothing_to_the_kernel),
		TEST(four_missing_numbers_are_illegal_to_the_kernel_too),
		TEST(numbers_808_to_811_do_nothing_in_any_state),
		TEST(a_register_is_there_on_the_processors_that_have_it),
		TEST(what_only_tells_something_keeps_nothing),
		TEST(a_facility_that_the_kernel_withholds_is_named_in_fscr),
		TEST(a_register_keeps_the_bits_that_it_has),
		TEST(two_numbers_of_one_register_show_the_same),
		TEST(problem_state_reads_counters_and_writes_none),
		TEST(pmcc_says_which_counters_problem_state_may_access),
		TEST(pmccext_hides_what_problem_state_only_reads),
		TEST(problem_state_sees_and_changes_a_part_of_mmcr0_and_mmcr2),
		TEST(ppr32_is_the_upper_half_of_ppr),
		TEST(parts_of_bescr_are_set_and_reset),
		TEST(ctrl_is_written_by_one_number_and_read_by_another),
		TEST(the_time_base_is_that_of_the_instruction),
		TEST(the_vcpus_own_time_is_the_time_base_and_cannot_be_written),
		TEST(ic_counts_instructions),
		TEST(the_decrementer_counts_down_with_the_time_base_and_is_extended_to_64_bits),
		TEST(problem_state_changes_those_bits_of_amr_that_uamor_allows),
		TEST(translation_hears_of_changes_only),
	};

	return cmocka_run_group_tests_name("spr", tests, NULL, NULL);
}
