/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The POWER9 cause table in both directions. The expected bits are written out here again, from the
 * processor's manual, so that the table in lib/mce.c is compared with something.
 */
#include <fwnmi/mce.h>

#include "unit.h"

#define NIP 0x00003fff12340000ull
#define DAR 0xc00000000badf00dull

struct cause {
	uint32_t bits;
	bool address;
	int type, subtype, severity;
};

static const struct cause fetch_causes[] = {
	{ 0x00040000, true, FWNMI_MC_UE, FWNMI_UE_IFETCH, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x00080000, true, FWNMI_MC_SLB, FWNMI_SLB_PARITY, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x000c0000, true, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x00100000, true, FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x00140000, true, FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x00180000, true, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_IFETCH,
	  FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x001c0000, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x08000000, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x08040000, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x08080000, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC }, /* not defined */
	{ 0x080c0000, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x08100000, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x08140000, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_FATAL },
	{ 0x08180000, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_FATAL },
	{ 0x081c0000, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
};

/* From the gravest to the least. */
static const struct cause load_store_causes[] = {
	{ 0x8000, false, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x4000, true, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE,
	  FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x2000, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x1000, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x0800, true, FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x0400, true, FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x0200, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x0080, true, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x0100, true, FWNMI_MC_SLB, FWNMI_SLB_PARITY, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x0040, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x0020, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x0010, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
	{ 0x0008, false, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC },
};

static void assert_cause(const struct fwnmi_machine_check *mc, const struct cause *cause,
			 uint64_t address)
{
	assert_int_equal(mc->error_type, cause->type);
	assert_int_equal(mc->error_subtype, cause->subtype);
	assert_int_equal(mc->severity, cause->severity);
	assert_int_equal(mc->disposition, FWNMI_DISPOSITION_NOT_RECOVERED);
	assert_int_equal(mc->initiator, FWNMI_INITIATOR_CPU);
	assert_int_equal(mc->transient, cause->type == FWNMI_MC_UE);
	assert_int_equal(mc->effective_address_valid, cause->address);
	assert_int_equal(mc->effective_address, cause->address ? address : 0);
	assert_false(mc->logical_address_valid);
	assert_int_equal(fwnmi_machine_check_validate(mc), 0);
}

static void every_fetch_cause_of_power9_is_analysed(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(fetch_causes); i++) {
		struct fwnmi_machine_check mc;

		/* MSR bits around the cause, and a DSISR left over from before, do not matter. */
		assert_int_equal(fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER9, NIP,
						   0x800000000280f033 | fetch_causes[i].bits,
						   0x8000, DAR, &mc),
				 0);
		assert_cause(&mc, &fetch_causes[i], NIP);
		assert_int_equal(mc.srr1, fetch_causes[i].bits);
	}
}

static void every_load_store_cause_of_power9_is_analysed(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(load_store_causes); i++) {
		struct fwnmi_machine_check mc;

		assert_int_equal(fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER9, NIP, 0x8000000000201033,
						   load_store_causes[i].bits, DAR, &mc),
				 0);
		assert_cause(&mc, &load_store_causes[i], DAR);
		assert_int_equal(mc.srr1, 0x00200000);
	}
}

static void the_gravest_of_several_load_store_causes_counts(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(load_store_causes); i++) {
		struct fwnmi_machine_check mc;
		uint32_t dsisr = 0;

		for (size_t j = i; j < ARRAY_SIZE(load_store_causes); j++)
			dsisr |= load_store_causes[j].bits;
		fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER9, NIP, 0x00200000, dsisr, DAR, &mc);
		assert_cause(&mc, &load_store_causes[i], DAR);
	}
}

static void no_cause_bit_at_all_is_an_unknown_error(void **state)
{
	static const struct cause unknown = { 0, false, FWNMI_MC_UNKNOWN, 0,
					      FWNMI_SEVERITY_ERROR_SYNC };
	struct fwnmi_machine_check mc;

	fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER9, NIP, 0, 0, DAR, &mc);
	assert_cause(&mc, &unknown, 0);
	fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER9, NIP, 0x00200000, 0, DAR, &mc);
	assert_cause(&mc, &unknown, 0);
	fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER9, NIP, 0x00200000, 0x40000000, DAR, &mc);
	assert_cause(&mc, &unknown, 0);
}

static void what_is_synthesised_is_analysed_to_the_same_error(void **state)
{
	unsigned signalled = 0;

	for (unsigned type = 0; type < 8; type++) {
		for (unsigned subtype = 0; subtype < 8; subtype++) {
			struct fwnmi_machine_check mc = { .error_type = (uint8_t)type,
							  .error_subtype = (uint8_t)subtype,
							  .effective_address_valid = true,
							  .effective_address = DAR };
			struct fwnmi_machine_check back;
			uint64_t srr1;
			uint32_t dsisr;
			bool dar_valid;

			if (fwnmi_mce_synthesise(FWNMI_PROCESSOR_POWER9, &mc, &srr1, &dsisr,
						 &dar_valid) != 0)
				continue;
			signalled++;
			assert_int_equal(srr1 & ~FWNMI_SRR1_CAUSE_MASK, 0);
			fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER9, NIP, srr1, dsisr, DAR, &back);
			assert_int_equal(back.error_type, type);
			assert_int_equal(back.error_subtype, subtype);
			if (dar_valid)
				assert_int_equal(back.effective_address, DAR);
		}
	}
	/* UE 1 to 4, SLB parity and multihit, ERAT and TLB multihit */
	assert_int_equal(signalled, 8);
}

static void synthesis_gives_the_bits_power9_would_set(void **state)
{
	static const struct {
		int type, subtype;
		uint64_t srr1;
		uint32_t dsisr;
		bool dar_valid;
	} expected[] = {
		{ FWNMI_MC_UE, FWNMI_UE_LOAD_STORE, 0x200000, 0x8000, false },
		{ FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE, 0x200000, 0x4000, true },
		{ FWNMI_MC_UE, FWNMI_UE_IFETCH, 0x40000, 0, false },
		{ FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_IFETCH, 0x180000, 0, false },
		{ FWNMI_MC_SLB, FWNMI_SLB_PARITY, 0x200000, 0x100, true },
		{ FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, 0x200000, 0x80, true },
		{ FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, 0x200000, 0x800, true },
		{ FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT, 0x200000, 0x400, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct fwnmi_machine_check mc = { .error_type = (uint8_t)expected[i].type,
						  .error_subtype = (uint8_t)expected[i].subtype,
						  .effective_address_valid = true };
		uint64_t srr1;
		uint32_t dsisr;
		bool dar_valid;

		assert_int_equal(fwnmi_mce_synthesise(FWNMI_PROCESSOR_POWER9, &mc, &srr1, &dsisr,
						      &dar_valid),
				 0);
		assert_int_equal(srr1, expected[i].srr1);
		assert_int_equal(dsisr, expected[i].dsisr);
		assert_int_equal(dar_valid, expected[i].dar_valid);

		mc.effective_address_valid = false;
		fwnmi_mce_synthesise(FWNMI_PROCESSOR_POWER9, &mc, &srr1, &dsisr, &dar_valid);
		assert_false(dar_valid);
	}
}

static void an_error_power9_does_not_signal_has_no_cause_bits(void **state)
{
	static const uint8_t errors[][2] = {
		{ FWNMI_MC_UE, FWNMI_UE_INDETERMINATE },
		{ FWNMI_MC_SLB, FWNMI_SLB_INDETERMINATE },
		{ FWNMI_MC_ERAT, FWNMI_ERAT_PARITY },
		{ FWNMI_MC_ERAT, FWNMI_ERAT_INDETERMINATE },
		{ FWNMI_MC_TLB, FWNMI_TLB_PARITY },
		{ FWNMI_MC_TLB, FWNMI_TLB_INDETERMINATE },
		{ FWNMI_MC_D_CACHE, 0 },
		{ FWNMI_MC_I_CACHE, 0 },
		{ FWNMI_MC_UNKNOWN, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct fwnmi_machine_check mc = { .error_type = errors[i][0],
						  .error_subtype = errors[i][1] };
		uint64_t srr1 = 1;
		uint32_t dsisr = 1;
		bool dar_valid = true;

		assert_int_equal(fwnmi_mce_synthesise(FWNMI_PROCESSOR_POWER9, &mc, &srr1, &dsisr,
						      &dar_valid),
				 FWNMI_ERR_NO_CAUSE);
		assert_int_equal(srr1, 0);
		assert_int_equal(dsisr, 0);
		assert_false(dar_valid);
	}
}

static void a_processor_without_a_table_is_refused(void **state)
{
	struct fwnmi_machine_check mc = { 0 };
	uint64_t srr1;
	uint32_t dsisr;
	bool dar_valid;

	assert_int_equal(fwnmi_mce_analyse((enum fwnmi_processor)7, 0, 0, 0, 0, &mc),
			 FWNMI_ERR_INVALID);
	assert_int_equal(fwnmi_mce_synthesise((enum fwnmi_processor)7, &mc, &srr1, &dsisr,
					      &dar_valid),
			 FWNMI_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fetch_cause_of_power9_is_analysed),
		cmocka_unit_test(every_load_store_cause_of_power9_is_analysed),
		cmocka_unit_test(the_gravest_of_several_load_store_causes_counts),
		cmocka_unit_test(no_cause_bit_at_all_is_an_unknown_error),
		cmocka_unit_test(what_is_synthesised_is_analysed_to_the_same_error),
		cmocka_unit_test(synthesis_gives_the_bits_power9_would_set),
		cmocka_unit_test(an_error_power9_does_not_signal_has_no_cause_bits),
		cmocka_unit_test(a_processor_without_a_table_is_refused),
	};

	return cmocka_run_group_tests_name("mce", tests, NULL, NULL);
}
