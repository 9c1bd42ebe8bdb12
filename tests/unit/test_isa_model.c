/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of the processors: which PVR is which, and that they agree with libfwnmi's tables. */
#include <fwnmi/mce.h>

#include "isa/model.h"
#include "isa/srr1.h"
#include "unit.h"

static const struct cpu_model *const models[] = { &cpu_model_power8, &cpu_model_power9,
						  &cpu_model_power10, &cpu_model_power11 };

/* Versions as in Linux's arch/powerpc/include/asm/reg.h. */
static void a_pvr_is_known_by_its_version_whatever_its_revision(void **state)
{
	static const struct {
		uint32_t pvr;
		const char *name;
	} known[] = {
		{ 0x004b0201, "POWER8" },  { 0x004c0100, "POWER8" }, { 0x004d0200, "POWER8" },
		{ 0x004e1202, "POWER9" },  { 0x004e0100, "POWER9" }, { 0x00801200, "POWER10" },
		{ 0x00820200, "POWER11" }, { 0x00990000, "POWER9" }, { 0, "POWER9" },
		{ UINT32_MAX, "POWER9" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		assert_string_equal(cpu_model_of(known[i].pvr)->name, known[i].name);
}

static void a_model_has_the_machine_check_bits_of_every_pvr_that_it_stands_for(void **state)
{
	for (uint32_t version = 0; version < 0x10000; version++) {
		uint32_t pvr = version << 16 | 0x0100;

		assert_int_equal(fwnmi_mce_processor(cpu_model_of(pvr)->pvr),
				 fwnmi_mce_processor(pvr));
	}
}

static void a_partition_sees_a_power9_of_isa_3_0(void **state)
{
	assert_int_equal(cpu_model_power9.pvr, 0x004e1202);
	assert_int_equal(cpu_model_power9.logical_pvr, 0x0f000005);
	assert_int_equal(cpu_model_power9.isa, 300);
	assert_int_equal(cpu_model_power9.pa_features[0], PA_FEATURES_SIZE - 2);
	assert_true(cpu_model_power9.pa_features[PA_FEATURES_RADIX] & PA_RADIX);
	/* No engine emulates the other models yet. */
	for (size_t i = 0; i < ARRAY_SIZE(models); i++)
		if (models[i] != &cpu_model_power9)
			assert_int_equal(models[i]->pa_features[0], 0);
}

static void newer_processors_have_newer_versions_of_the_isa(void **state)
{
	for (size_t i = 1; i < ARRAY_SIZE(models); i++) {
		assert_true(models[i]->isa >= models[i - 1]->isa);
		assert_true(models[i]->logical_pvr > models[i - 1]->logical_pvr);
	}
}

static void assert_lost_memory(uint32_t pvr, const struct real_address_error *error)
{
	const struct {
		uint64_t srr1;
		uint32_t dsisr;
		int subtype;
	} accesses[] = {
		{ error->fetch_srr1, 0, FWNMI_UE_IFETCH },
		{ error->fetch_walk_srr1, 0, FWNMI_UE_PAGE_TABLE_WALK_IFETCH },
		{ SRR1_MC_LOADSTORE, error->data_dsisr, FWNMI_UE_LOAD_STORE },
		{ SRR1_MC_LOADSTORE, error->data_walk_dsisr, FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		struct fwnmi_machine_check mc;

		fwnmi_mce_analyse(pvr, FWNMI_DISPOSITION_NOT_RECOVERED, 0, accesses[i].srr1,
				  accesses[i].dsisr, 0, &mc);
		assert_int_equal(mc.error_type, FWNMI_MC_UE);
		assert_int_equal(mc.error_subtype, accesses[i].subtype);
		assert_int_equal(mc.severity, FWNMI_SEVERITY_ERROR_SYNC);
	}
}

static void an_access_that_nothing_answers_is_lost_memory(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(models); i++)
		assert_lost_memory(models[i]->pvr, &models[i]->unbacked);
}

/* The gravest cause there is of each kind of access, which is what libfwnmi makes a UE of. */
static void poisoned_memory_is_an_uncorrectable_error(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		const struct real_address_error *error = &models[i]->uncorrectable;
		struct fwnmi_machine_check mc = { .error_type = FWNMI_MC_UE };

		assert_lost_memory(models[i]->pvr, error);
		mc.error_subtype = FWNMI_UE_LOAD_STORE;
		assert_int_equal(fwnmi_mce_synthesise(models[i]->pvr, &mc), 0);
		assert_int_equal(mc.dsisr, error->data_dsisr);
		mc.error_subtype = FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE;
		assert_int_equal(fwnmi_mce_synthesise(models[i]->pvr, &mc), 0);
		assert_int_equal(mc.dsisr, error->data_walk_dsisr);
		mc.error_subtype = FWNMI_UE_IFETCH;
		assert_int_equal(fwnmi_mce_synthesise(models[i]->pvr, &mc), 0);
		assert_int_equal(mc.srr1, error->fetch_srr1);
		mc.error_subtype = FWNMI_UE_PAGE_TABLE_WALK_IFETCH;
		assert_int_equal(fwnmi_mce_synthesise(models[i]->pvr, &mc), 0);
		assert_int_equal(mc.srr1, error->fetch_walk_srr1);
	}
}

/* libfwnmi makes the same of them, whether a load or a fetch has met it. */
static void assert_translation_error(uint32_t pvr, const struct translation_error *error, int type)
{
	struct fwnmi_machine_check mc;

	fwnmi_mce_analyse(pvr, FWNMI_DISPOSITION_NOT_RECOVERED, 0, error->fetch_srr1, 0, 0, &mc);
	assert_int_equal(mc.error_type, type);
	assert_int_equal(mc.error_subtype, FWNMI_TLB_MULTIHIT);
	mc = (struct fwnmi_machine_check){ .error_type = (uint8_t)type,
					   .error_subtype = FWNMI_TLB_MULTIHIT };
	assert_int_equal(fwnmi_mce_synthesise(pvr, &mc), 0);
	assert_int_equal(mc.srr1, SRR1_MC_LOADSTORE);
	assert_int_equal(mc.dsisr, error->data_dsisr);
	mc.error_subtype = FWNMI_TLB_PARITY;
	assert_int_equal(fwnmi_mce_synthesise(pvr, &mc), FWNMI_ERR_NO_CAUSE);
}

static void erat_and_tlb_errors_are_multihits(void **state)
{
	assert_int_equal(FWNMI_ERAT_MULTIHIT, FWNMI_TLB_MULTIHIT);
	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		assert_translation_error(models[i]->pvr, &models[i]->erat_multihit, FWNMI_MC_ERAT);
		assert_translation_error(models[i]->pvr, &models[i]->tlb_multihit, FWNMI_MC_TLB);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pvr_is_known_by_its_version_whatever_its_revision),
		cmocka_unit_test(
			a_model_has_the_machine_check_bits_of_every_pvr_that_it_stands_for),
		cmocka_unit_test(a_partition_sees_a_power9_of_isa_3_0),
		cmocka_unit_test(newer_processors_have_newer_versions_of_the_isa),
		cmocka_unit_test(an_access_that_nothing_answers_is_lost_memory),
		cmocka_unit_test(poisoned_memory_is_an_uncorrectable_error),
		cmocka_unit_test(erat_and_tlb_errors_are_multihits),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
