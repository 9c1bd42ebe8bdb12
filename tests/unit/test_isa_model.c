/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of the processors: which PVR is which, and that they agree with libfwnmi's tables. */
#include <fwnmi/mce.h>

#include "isa/model.h"
#include "isa/srr1.h"
#include "unit.h"

/* One of each version, and then all of them. */
static const struct cpu_model *const versions[] = { &cpu_model_power8, &cpu_model_power9,
						    &cpu_model_power10, &cpu_model_power11 };
static const struct cpu_model *models[7];

/* Versions as in Linux's arch/powerpc/include/asm/reg.h. */
static void a_pvr_is_known_by_its_version_whatever_its_revision(void **state)
{
	static const struct {
		uint32_t pvr;
		const char *name;
	} known[] = {
		{ 0x004b0200, "POWER8E" }, { 0x004c0101, "POWER8NVL" }, { 0x004d0200, "POWER8" },
		{ 0x004e1202, "POWER9" },  { 0x004e0100, "POWER9" },	{ 0x00801200, "POWER10" },
		{ 0x00820200, "POWER11" }, { 0x00990000, "POWER9" },	{ 0, "POWER9" },
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

/* Names, PVRs and versions of the ISA as of QEMU 10. */
static void models_are_what_qemu_calls_so(void **state)
{
	static const struct {
		const char *name, *tree;
		uint32_t pvr, logical_pvr;
		unsigned isa, features;
		bool radix;
	} known[] = {
		{ "power8", "POWER8", 0x004d0200, 0x0f000004, 207, 24, false },
		{ "power8_v2.0", "POWER8", 0x004d0200, 0x0f000004, 207, 24, false },
		{ "POWER8E", "POWER8E", 0x004b0201, 0x0f000004, 207, 24, false },
		{ "power8e_v2.1", "POWER8E", 0x004b0201, 0x0f000004, 207, 24, false },
		{ "power8nvl", "POWER8NVL", 0x004c0100, 0x0f000004, 207, 24, false },
		{ "Power8NVL_v1.0", "POWER8NVL", 0x004c0100, 0x0f000004, 207, 24, false },
		{ "power9", "POWER9", 0x004e1202, 0x0f000005, 300, 64, true },
		{ "power9_v2.2", "POWER9", 0x004e1202, 0x0f000005, 300, 64, true },
		{ "power9_v2.0", "POWER9", 0x004e1200, 0x0f000005, 300, 64, true },
		{ "power10", "POWER10", 0x00801200, 0x0f000006, 310, 74, true },
		{ "POWER10_V2.0", "POWER10", 0x00801200, 0x0f000006, 310, 74, true },
		{ "power11", "POWER11", 0x00821200, 0x0f000007, 310, 74, true },
		{ "power11_v2.0", "POWER11", 0x00821200, 0x0f000007, 310, 74, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct cpu_model *model = cpu_model_named(known[i].name);

		assert_non_null(model);
		assert_string_equal(model->name, known[i].tree);
		assert_int_equal(model->pvr, known[i].pvr);
		assert_int_equal(model->logical_pvr, known[i].logical_pvr);
		assert_int_equal(model->isa, known[i].isa);
		assert_int_equal(model->pa_features[0], known[i].features);
		assert_int_equal(cpu_model_has_radix(model), known[i].radix);
		assert_int_equal(cpu_model_has_dawr1(model), known[i].isa >= 310);
		assert_ptr_equal(cpu_model_with_pvr(model->pvr), model);
	}
	assert_null(cpu_model_named("power7"));
	assert_null(cpu_model_named("power9_v2"));
	assert_null(cpu_model_named(""));
	assert_null(cpu_model_with_pvr(0x004e1201));
	assert_null(cpu_model_number(ARRAY_SIZE(models)));
	assert_ptr_equal(cpu_model_or_default(NULL), &cpu_model_power9);
}

/*
 * Numbers of bytes and bits as in LoPAR up to byte 23, and as in QEMU behind. What a hash guest has
 * besides, the device tree adds.
 */
static void ibm_pa_features_is_what_is_implemented_of_each_version(void **state)
{
	static const struct {
		const char *name;
		unsigned isa, byte, bit;
	} features[] = {
		{ "memory management unit", 207, 0, 0 },
		{ "floating-point unit", 207, 0, 1 },
		{ "CTRL[RUN]", 207, 0, 3 },
		{ "no execute", 207, 0, 6 },
		{ "frin, friz, frip, frim", 207, 1, 3 },
		{ "SPRG3 in problem state", 207, 1, 5 },
		{ "data streams 2.05", 207, 2, 1 },
		{ "PPR", 207, 2, 5 },
		{ "data streams 2.02", 207, 2, 6 },
		{ "data streams 2.06", 207, 2, 7 },
		{ "DSCR[LSD]", 207, 3, 0 },
		{ "DSCR[URG]", 207, 3, 1 },
		{ "little-endian", 207, 5, 0 },
		{ "elemental barriers", 207, 5, 2 },
		{ "lq and stq", 207, 5, 3 },
		{ "data streams 2.07", 207, 6, 0 },
		{ "vector 2.07", 207, 16, 0 },
		{ "vector-scalar 2.07", 207, 18, 0 },
		{ "vector cryptography", 207, 20, 0 },
		{ "64-bit features", 300, 26, 0 },
		{ "performance monitor", 300, 28, 0 },
		{ "little-endian atomic accesses", 300, 32, 0 },
		{ "event-based branches", 300, 34, 0 },
		{ "copy and paste", 300, 38, 0 },
		{ "radix", 300, 40, 0 },
		{ "addresses relative to NIP", 300, 44, 0 },
		{ "scv", 300, 46, 0 },
		{ "SIMD 3.0", 300, 48, 0 },
		{ "quad-precision floating point", 300, 50, 0 },
		{ "string operations", 300, 52, 0 },
		{ "decimal floating point", 300, 54, 0 },
		{ "decimal integers", 300, 56, 0 },
		{ "SHA", 300, 58, 0 },
		{ "atomic memory operations", 300, 60, 0 },
		{ "darn", 300, 62, 0 },
		{ "DAWR1", 310, 64, 0 },
		{ "DEXCR[NPHIE]", 310, 68, 5 },
		{ "DEXCR[PHIE]", 310, 68, 6 },
		{ "hashst and hashchk", 310, 72, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		uint8_t left[PA_FEATURES_SIZE];

		memcpy(left, models[i]->pa_features, sizeof(left));
		for (size_t f = 0; f < ARRAY_SIZE(features); f++) {
			const uint8_t bit = (uint8_t)(0x80 >> features[f].bit);

			if (features[f].isa > models[i]->isa)
				continue;
			if (!(left[2 + features[f].byte] & bit))
				fail_msg("%s: %s is not there", models[i]->type, features[f].name);
			assert_true(features[f].byte < left[0]);
			left[2 + features[f].byte] ^= bit;
		}
		for (size_t byte = 0; byte < sizeof(left) - 2; byte++)
			if (left[2 + byte])
				fail_msg("%s: byte %zu has 0x%02x too much", models[i]->type, byte,
					 left[2 + byte]);
	}
}

static void newer_processors_have_newer_versions_of_the_isa(void **state)
{
	for (size_t i = 1; i < ARRAY_SIZE(versions); i++) {
		assert_true(versions[i]->isa >= versions[i - 1]->isa);
		assert_true(versions[i]->logical_pvr > versions[i - 1]->logical_pvr);
	}
}

static void a_processor_is_compatible_with_its_own_version_and_older_ones(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(versions); j++)
			assert_int_equal(cpu_model_can_be(versions[i], versions[j]), j <= i);
		assert_ptr_equal(cpu_model_with_logical_pvr(versions[i]->logical_pvr), versions[i]);
	}
	assert_null(cpu_model_with_logical_pvr(0x0f000003));
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
		cmocka_unit_test(models_are_what_qemu_calls_so),
		cmocka_unit_test(ibm_pa_features_is_what_is_implemented_of_each_version),
		cmocka_unit_test(newer_processors_have_newer_versions_of_the_isa),
		cmocka_unit_test(a_processor_is_compatible_with_its_own_version_and_older_ones),
		cmocka_unit_test(an_access_that_nothing_answers_is_lost_memory),
		cmocka_unit_test(poisoned_memory_is_an_uncorrectable_error),
		cmocka_unit_test(erat_and_tlb_errors_are_multihits),
	};

	for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
		models[i] = cpu_model_number(i);
	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
