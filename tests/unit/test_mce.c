/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cause tables of POWER8, POWER9 and POWER10 in both directions. The expected bits are written
 * down again from the processors' manuals, as an independent copy to compare lib/mce.c with.
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

#define SYNC  FWNMI_SEVERITY_ERROR_SYNC
#define FATAL FWNMI_SEVERITY_FATAL

/* Every code that fits in SRR1, except 0. */
static const struct cause power8_fetch[] = {
	{ 0x00040000, true, FWNMI_MC_UE, FWNMI_UE_IFETCH, SYNC },
	{ 0x00080000, true, FWNMI_MC_SLB, FWNMI_SLB_PARITY, SYNC },
	{ 0x000c0000, true, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, SYNC },
	{ 0x00100000, true, FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, SYNC },
	{ 0x00140000, true, FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT, SYNC },
	{ 0x00180000, true, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_IFETCH, SYNC },
	{ 0x001c0000, true, FWNMI_MC_UE, FWNMI_UE_IFETCH, SYNC },
	{ 0x08000000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x08040000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x08080000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x080c0000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x08100000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x08140000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x08180000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x081c0000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
};

static const struct cause power9_fetch[] = {
	{ 0x00040000, true, FWNMI_MC_UE, FWNMI_UE_IFETCH, SYNC },
	{ 0x00080000, true, FWNMI_MC_SLB, FWNMI_SLB_PARITY, SYNC },
	{ 0x000c0000, true, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, SYNC },
	{ 0x00100000, true, FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, SYNC },
	{ 0x00140000, true, FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT, SYNC },
	{ 0x00180000, true, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_IFETCH, SYNC },
	{ 0x001c0000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x08000000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x08040000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x08080000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x080c0000, true, FWNMI_MC_UE, FWNMI_UE_IFETCH, SYNC },
	{ 0x08100000, true, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_IFETCH, SYNC },
	{ 0x08140000, false, FWNMI_MC_UNKNOWN, 0, FATAL },
	{ 0x08180000, false, FWNMI_MC_UNKNOWN, 0, FATAL },
	{ 0x081c0000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
};

static const struct cause power10_fetch[] = {
	{ 0x00040000, true, FWNMI_MC_UE, FWNMI_UE_IFETCH, SYNC },
	{ 0x00080000, true, FWNMI_MC_SLB, FWNMI_SLB_PARITY, SYNC },
	{ 0x000c0000, true, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, SYNC },
	{ 0x00100000, true, FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, SYNC },
	{ 0x00140000, true, FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT, SYNC },
	{ 0x00180000, true, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_IFETCH, SYNC },
	{ 0x001c0000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x08000000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x08040000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x08080000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x080c0000, true, FWNMI_MC_UE, FWNMI_UE_IFETCH, SYNC },
	{ 0x08100000, true, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_IFETCH, SYNC },
	{ 0x08140000, false, FWNMI_MC_UNKNOWN, 0, FATAL },
	{ 0x08180000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x081c0000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
};

/* From the most to the least severe. */
static const struct cause power8_load_store[] = {
	{ 0x8000, false, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE, SYNC },
	{ 0x4000, true, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE, SYNC },
	{ 0x2000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x1000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x0800, true, FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, SYNC },
	{ 0x0400, true, FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT, SYNC },
	{ 0x0200, true, FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, SYNC },
	{ 0x0080, true, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, SYNC },
	{ 0x0100, true, FWNMI_MC_SLB, FWNMI_SLB_PARITY, SYNC },
	{ 0x0040, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x0020, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x0010, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x0008, false, FWNMI_MC_UNKNOWN, 0, SYNC },
};

static const struct cause power9_load_store[] = {
	{ 0x8000, false, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE, SYNC },
	{ 0x4000, true, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE, SYNC },
	{ 0x2000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x1000, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x0800, true, FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, SYNC },
	{ 0x0400, true, FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT, SYNC },
	{ 0x0200, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x0080, true, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, SYNC },
	{ 0x0100, true, FWNMI_MC_SLB, FWNMI_SLB_PARITY, SYNC },
	{ 0x0040, true, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE, SYNC },
	{ 0x0020, false, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE, SYNC },
	{ 0x0010, false, FWNMI_MC_UNKNOWN, 0, SYNC },
	{ 0x0008, false, FWNMI_MC_UNKNOWN, 0, SYNC },
};

static const struct {
	enum fwnmi_processor number;
	const struct cause *fetch, *load_store;
	size_t nr_fetch, nr_load_store;
} processors[] = {
	{ FWNMI_PROCESSOR_POWER8, power8_fetch, power8_load_store, ARRAY_SIZE(power8_fetch),
	  ARRAY_SIZE(power8_load_store) },
	{ FWNMI_PROCESSOR_POWER9, power9_fetch, power9_load_store, ARRAY_SIZE(power9_fetch),
	  ARRAY_SIZE(power9_load_store) },
	/* POWER10 has no link time-outs, so their codes are unknown. */
	{ FWNMI_PROCESSOR_POWER10, power10_fetch, power9_load_store, ARRAY_SIZE(power10_fetch),
	  ARRAY_SIZE(power9_load_store) },
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

static void every_fetch_cause_is_analysed(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		for (size_t i = 0; i < processors[p].nr_fetch; i++) {
			const struct cause *cause = &processors[p].fetch[i];
			struct fwnmi_machine_check mc;

			/* MSR bits around the cause and a stale DSISR do not matter. */
			assert_int_equal(fwnmi_mce_analyse(processors[p].number, NIP,
							   0x800000000280f033 | cause->bits, 0x8000,
							   DAR, &mc),
					 0);
			assert_cause(&mc, cause, NIP);
			assert_int_equal(mc.srr1, cause->bits);
		}
	}
}

static void every_load_store_cause_is_analysed(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		for (size_t i = 0; i < processors[p].nr_load_store; i++) {
			const struct cause *cause = &processors[p].load_store[i];
			struct fwnmi_machine_check mc;

			assert_int_equal(fwnmi_mce_analyse(processors[p].number, NIP,
							   0x8000000000201033, cause->bits, DAR,
							   &mc),
					 0);
			assert_cause(&mc, cause, DAR);
			assert_int_equal(mc.srr1, 0x00200000);
		}
	}
}

static void the_gravest_of_several_load_store_causes_counts(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		const struct cause *causes = processors[p].load_store;

		for (size_t i = 0; i < processors[p].nr_load_store; i++) {
			struct fwnmi_machine_check mc;
			uint32_t dsisr = 0;
			size_t gravest = i;

			for (size_t j = i; j < processors[p].nr_load_store; j++)
				dsisr |= causes[j].bits;
			/* A bit that this processor does not have has no effect. */
			while (processors[p].number == FWNMI_PROCESSOR_POWER10 &&
			       (causes[gravest].bits & 0x3000))
				gravest++;
			fwnmi_mce_analyse(processors[p].number, NIP, 0x00200000, dsisr, DAR, &mc);
			assert_cause(&mc, &causes[gravest], DAR);
		}
	}
}

static void a_late_store_error_is_fatal_though_it_is_marked_as_load_or_store(void **state)
{
	static const struct cause fatal = { 0, false, FWNMI_MC_UNKNOWN, 0, FATAL };
	static const struct cause load = { 0, false, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE, SYNC };
	struct fwnmi_machine_check mc;

	/* DSISR is stale, from an earlier UE. */
	fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER9, NIP, 0x08340000, 0x8000, DAR, &mc);
	assert_cause(&mc, &fatal, DAR);
	fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER9, NIP, 0x08380000, 0x8000, DAR, &mc);
	assert_cause(&mc, &fatal, DAR);
	fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER10, NIP, 0x08340000, 0x8000, DAR, &mc);
	assert_cause(&mc, &fatal, DAR);
	/* Undefined on POWER10, where bit 42 counts. */
	fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER10, NIP, 0x08380000, 0x8000, DAR, &mc);
	assert_cause(&mc, &load, DAR);
	fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER8, NIP, 0x08340000, 0x8000, DAR, &mc);
	assert_cause(&mc, &load, DAR);
}

static void a_spurious_machine_check_of_power9_is_a_recovered_warning(void **state)
{
	struct fwnmi_machine_check mc;

	fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER9, NIP, 0x00200000, 0x02000000, DAR, &mc);
	assert_int_equal(mc.error_type, FWNMI_MC_UNKNOWN);
	assert_int_equal(mc.severity, FWNMI_SEVERITY_WARNING);
	assert_int_equal(mc.disposition, FWNMI_DISPOSITION_FULLY_RECOVERED);

	fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER9, NIP, 0x00200000, 0x02000800, DAR, &mc);
	assert_int_equal(mc.error_type, FWNMI_MC_ERAT);
	fwnmi_mce_analyse(FWNMI_PROCESSOR_POWER10, NIP, 0x00200000, 0x02000000, DAR, &mc);
	assert_int_equal(mc.severity, FWNMI_SEVERITY_ERROR_SYNC);
	assert_int_equal(mc.disposition, FWNMI_DISPOSITION_NOT_RECOVERED);
}

static void only_errors_of_translation_caches_are_repairable(void **state)
{
	static const uint8_t repairable[] = { FWNMI_MC_SLB, FWNMI_MC_ERAT, FWNMI_MC_TLB };

	for (unsigned type = 0; type < 256; type++) {
		const struct fwnmi_machine_check mc = { .error_type = (uint8_t)type };

		assert_int_equal(fwnmi_mce_repairable(&mc),
				 memchr(repairable, (int)type, sizeof(repairable)) != NULL);
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

static void synthesised_bits_are_analysed_to_the_same_error(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		enum fwnmi_processor number = processors[p].number;
		unsigned signalled = 0;

		for (unsigned error = 0; error < 64; error++) {
			struct fwnmi_machine_check mc = { .error_type = (uint8_t)(error / 8),
							  .error_subtype = (uint8_t)(error % 8),
							  .effective_address_valid = true,
							  .effective_address = DAR };
			struct fwnmi_machine_check back;
			uint64_t srr1;
			uint32_t dsisr;
			bool dar_valid;

			if (fwnmi_mce_synthesise(number, &mc, &srr1, &dsisr, &dar_valid) != 0)
				continue;
			signalled++;
			assert_int_equal(srr1 & ~FWNMI_SRR1_CAUSE_MASK, 0);
			fwnmi_mce_analyse(number, NIP, srr1, dsisr, DAR, &back);
			assert_int_equal(back.error_type, mc.error_type);
			assert_int_equal(back.error_subtype, mc.error_subtype);
			if (dar_valid)
				assert_int_equal(back.effective_address, DAR);
		}
		/* UE 1 to 4, SLB parity and multihit, ERAT and TLB multihit */
		assert_int_equal(signalled, 8);
	}
}

static void synthesis_gives_the_bits_the_processor_would_set(void **state)
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

		for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
			enum fwnmi_processor number = processors[p].number;

			mc.effective_address_valid = true;
			assert_int_equal(
				fwnmi_mce_synthesise(number, &mc, &srr1, &dsisr, &dar_valid), 0);
			assert_int_equal(srr1, expected[i].srr1);
			assert_int_equal(dsisr, expected[i].dsisr);
			assert_int_equal(dar_valid, expected[i].dar_valid);

			mc.effective_address_valid = false;
			fwnmi_mce_synthesise(number, &mc, &srr1, &dsisr, &dar_valid);
			assert_false(dar_valid);
		}
	}
}

static void an_error_no_processor_signals_has_no_cause_bits(void **state)
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

		for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
			assert_int_equal(fwnmi_mce_synthesise(processors[p].number, &mc, &srr1,
							      &dsisr, &dar_valid),
					 FWNMI_ERR_NO_CAUSE);
			assert_int_equal(srr1, 0);
			assert_int_equal(dsisr, 0);
			assert_false(dar_valid);
		}
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

static void every_version_of_a_processor_is_known_by_its_pvr(void **state)
{
	static const struct {
		uint32_t pvr;
		enum fwnmi_processor processor;
	} known[] = {
		{ 0x004b0201, FWNMI_PROCESSOR_POWER8 },	 { 0x004c0100, FWNMI_PROCESSOR_POWER8 },
		{ 0x004d0200, FWNMI_PROCESSOR_POWER8 },	 { 0x004e1202, FWNMI_PROCESSOR_POWER9 },
		{ 0x00801200, FWNMI_PROCESSOR_POWER10 }, { 0x00820200, FWNMI_PROCESSOR_POWER10 },
		{ 0, FWNMI_PROCESSOR_POWER9 },		 { UINT32_MAX, FWNMI_PROCESSOR_POWER9 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		assert_int_equal(fwnmi_mce_processor(known[i].pvr), known[i].processor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_fetch_cause_is_analysed),
		cmocka_unit_test(every_load_store_cause_is_analysed),
		cmocka_unit_test(the_gravest_of_several_load_store_causes_counts),
		cmocka_unit_test(a_late_store_error_is_fatal_though_it_is_marked_as_load_or_store),
		cmocka_unit_test(a_spurious_machine_check_of_power9_is_a_recovered_warning),
		cmocka_unit_test(only_errors_of_translation_caches_are_repairable),
		cmocka_unit_test(no_cause_bit_at_all_is_an_unknown_error),
		cmocka_unit_test(synthesised_bits_are_analysed_to_the_same_error),
		cmocka_unit_test(synthesis_gives_the_bits_the_processor_would_set),
		cmocka_unit_test(an_error_no_processor_signals_has_no_cause_bits),
		cmocka_unit_test(a_processor_without_a_table_is_refused),
		cmocka_unit_test(every_version_of_a_processor_is_known_by_its_pvr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
