/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cause tables of POWER8, POWER9 and POWER10 in both directions, by rules that hold for every
 * pattern of bits. What no rule covers is listed here for all processors at once, from the tables
 * of Linux's arch/powerpc/kernel/mce_power.c.
 */
#include <fwnmi/mce.h>

#include "unit.h"

#define NIP 0x00003fff12340000ull
#define DAR 0xc00000000badf00dull

#define LOADSTORE 0x00200000u /* SRR1: the cause is in DSISR */
#define MSR_BITS  0x800000000280f033ull /* of SRR1: not of its cause */

#define P8  1u
#define P9  2u
#define P10 4u
#define ALL (P8 | P9 | P10)

#define POWER8	(FWNMI_PVR_POWER8 << 16)
#define POWER9	(FWNMI_PVR_POWER9 << 16)
#define POWER10 (FWNMI_PVR_POWER10 << 16)

static const uint32_t processors[] = { POWER8, POWER9, POWER10 }; /* PVRs */

static struct fwnmi_machine_check analyse_as(uint32_t pvr, enum fwnmi_disposition disposition,
					     uint64_t srr1, uint32_t dsisr)
{
	struct fwnmi_machine_check mc;

	assert_int_equal(fwnmi_mce_analyse(pvr, disposition, NIP, srr1, dsisr, DAR, &mc), 0);
	return mc;
}

static struct fwnmi_machine_check analyse(uint32_t pvr, uint64_t srr1, uint32_t dsisr)
{
	return analyse_as(pvr, FWNMI_DISPOSITION_NOT_RECOVERED, srr1, dsisr);
}

static bool same(const struct fwnmi_machine_check *a, const struct fwnmi_machine_check *b)
{
	return a->srr1 == b->srr1 && a->error_type == b->error_type &&
	       a->error_subtype == b->error_subtype && a->severity == b->severity &&
	       a->disposition == b->disposition &&
	       a->effective_address_valid == b->effective_address_valid &&
	       a->effective_address == b->effective_address;
}

/* The cause is among SRR1's bits 33:36 and 42:47; @n counts through all patterns of these. */
#define NR_CAUSES 1024u
static uint64_t cause_of(unsigned n)
{
	return (uint64_t)(n >> 6) << 27 | (uint64_t)(n & 63) << 16;
}

/* ---- what holds for every pattern ---- */

static void assert_well_formed(const struct fwnmi_machine_check *mc, uint64_t address)
{
	bool recovered = mc->disposition == FWNMI_DISPOSITION_FULLY_RECOVERED;

	assert_int_equal(fwnmi_machine_check_validate(mc), 0);
	assert_int_equal(mc->initiator, FWNMI_INITIATOR_CPU);
	assert_int_equal(mc->transient, mc->error_type == FWNMI_MC_UE);
	assert_int_equal(mc->effective_address, mc->effective_address_valid ? address : 0);
	assert_false(mc->logical_address_valid);
	assert_int_equal(recovered, mc->severity == FWNMI_SEVERITY_WARNING);
	if (mc->error_type == FWNMI_MC_UNKNOWN) {
		assert_false(mc->effective_address_valid);
	} else {
		assert_int_equal(mc->severity, FWNMI_SEVERITY_ERROR_SYNC);
	}
}

static void every_pattern_gives_a_log_of_what_the_processor_knows(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		for (unsigned n = 0; n < NR_CAUSES; n++) {
			uint64_t srr1 = cause_of(n);
			uint64_t address = srr1 & LOADSTORE ? DAR : NIP;

			for (unsigned bit = 0; bit <= 32; bit++) {
				uint32_t dsisr = bit < 32 ? 1u << bit : 0;
				struct fwnmi_machine_check mc = analyse(processors[p], srr1, dsisr);

				assert_well_formed(&mc, address);
				assert_int_equal(mc.srr1, srr1);
			}
		}
	}
}

/* 0: no bits; then each bit alone, the low half, and all bits. */
static uint32_t nth_dsisr(unsigned n)
{
	return n == 0 ? 0 : n <= 32 ? 1u << (n - 1) : n == 33 ? 0xffff : UINT32_MAX;
}

static void assert_dispositions(uint32_t pvr, uint64_t srr1, uint32_t dsisr)
{
	const struct fwnmi_machine_check untouched = analyse(pvr, srr1, dsisr);
	bool bits_decide = untouched.severity != FWNMI_SEVERITY_ERROR_SYNC;

	for (unsigned d = 0; fwnmi_disposition_name(d); d++) {
		struct fwnmi_machine_check mc =
			analyse_as(pvr, (enum fwnmi_disposition)d, srr1, dsisr);

		if (fwnmi_machine_check_validate(&mc) != 0)
			fail_msg("pvr %#x, srr1 %#llx, dsisr %#x, disposition %u", pvr,
				 (unsigned long long)srr1, dsisr, d);
		assert_int_equal(mc.disposition, bits_decide ? untouched.disposition : d);
		mc.disposition = untouched.disposition;
		assert_true(same(&mc, &untouched));
	}
}

/* A fatal store is never recovered, a spurious machine check always. */
static void every_pattern_can_be_reported_with_every_disposition_of_the_host(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++)
		for (unsigned n = 0; n < NR_CAUSES; n++)
			for (unsigned d = 0; d <= 34; d++)
				assert_dispositions(processors[p], cause_of(n), nth_dsisr(d));
}

static void msr_bits_in_srr1_do_not_matter(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		for (unsigned n = 0; n < NR_CAUSES; n++) {
			struct fwnmi_machine_check bare =
				analyse(processors[p], cause_of(n), 0x800);
			struct fwnmi_machine_check mixed =
				analyse(processors[p], cause_of(n) | MSR_BITS, 0x800);

			assert_true(same(&bare, &mixed));
		}
	}
}

static void dsisr_matters_to_a_load_or_store_only(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		for (unsigned n = 0; n < NR_CAUSES; n++) {
			struct fwnmi_machine_check without = analyse(processors[p], cause_of(n), 0);

			if (cause_of(n) & LOADSTORE)
				continue;
			for (unsigned bit = 0; bit < 32; bit++) {
				struct fwnmi_machine_check mc =
					analyse(processors[p], cause_of(n), 1u << bit);

				assert_true(same(&mc, &without));
			}
		}
	}
}

/* ---- several causes ---- */

/* Does bit @a of DSISR decide the cause, whatever else is set in @dsisr? */
static bool decides(const struct fwnmi_machine_check pairs[16][16], unsigned a, uint32_t dsisr)
{
	for (unsigned b = 0; b < 16; b++)
		if (dsisr >> b & 1 && !same(&pairs[a][b], &pairs[a][a]))
			return false;
	return true;
}

static void of_several_causes_of_a_load_or_store_one_alone_counts(void **state)
{
	static struct fwnmi_machine_check pairs[16][16];

	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		for (unsigned a = 0; a < 16; a++)
			for (unsigned b = 0; b < 16; b++)
				pairs[a][b] = analyse(processors[p], LOADSTORE, 1u << a | 1u << b);
		for (uint32_t dsisr = 1; dsisr < 0x10000; dsisr++) {
			struct fwnmi_machine_check mc = analyse(processors[p], LOADSTORE, dsisr);
			bool found = false;

			for (unsigned a = 0; a < 16 && !found; a++)
				found = dsisr >> a & 1 && same(&mc, &pairs[a][a]) &&
					decides(pairs, a, dsisr);
			assert_true(found);
		}
	}
}

static void the_leftmost_cause_with_a_name_is_the_gravest_but_for_the_slb(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		for (unsigned a = 0; a < 16; a++) {
			for (unsigned b = 0; b < a; b++) {
				struct fwnmi_machine_check left, right, both;
				bool slb = a == 8 && b == 7;

				left = analyse(processors[p], LOADSTORE, 1u << a);
				right = analyse(processors[p], LOADSTORE, 1u << b);
				both = analyse(processors[p], LOADSTORE, 1u << a | 1u << b);
				if (left.error_type != FWNMI_MC_UNKNOWN)
					assert_true(same(&both, slb ? &right : &left));
			}
		}
	}
}

/* A defined bit takes precedence over bits to its right; an undefined one has no effect. */
static void a_cause_without_a_name_hides_lesser_ones_if_the_processor_has_it(void **state)
{
	static const struct {
		uint32_t dsisr;
		unsigned hidden_on;
	} pairs[] = {
		{ 0x2000 | 0x0800, P8 | P9 }, /* link time-out of a load */
		{ 0x1000 | 0x0800, P8 | P9 }, /* and of its table walk */
		{ 0x0200 | 0x0080, P9 | P10 }, /* invalid tlbie */
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
			struct fwnmi_machine_check mc =
				analyse(processors[p], LOADSTORE, pairs[i].dsisr);

			assert_int_equal(mc.error_type == FWNMI_MC_UNKNOWN,
					 pairs[i].hidden_on >> p & 1);
		}
	}
}

/* ---- facts ---- */

/*
 * Every cause that LoPAR has a name for and synthesis does not choose; that test has the others.
 * mce_p8_, mce_p9_ and mce_p10_ierror_table and _derror_table: bad real addresses ("RA") are UEs to
 * a partition.
 */
static const struct fact {
	uint32_t srr1, dsisr;
	unsigned processors;
	bool address;
	int type, subtype;
} facts[] = {
	{ 0x00080000, 0, ALL, true, FWNMI_MC_SLB, FWNMI_SLB_PARITY },
	{ 0x000c0000, 0, ALL, true, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT },
	{ 0x00100000, 0, ALL, true, FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT },
	{ 0x00140000, 0, ALL, true, FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT },
	{ 0x001c0000, 0, P8, true, FWNMI_MC_UE, FWNMI_UE_IFETCH },
	{ 0x080c0000, 0, P9 | P10, true, FWNMI_MC_UE, FWNMI_UE_IFETCH },
	{ 0x08100000, 0, P9 | P10, true, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_IFETCH },
	{ LOADSTORE, 0x0200, P8, true, FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT },
	{ LOADSTORE, 0x0040, P9 | P10, true, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE },
	{ LOADSTORE, 0x0020, P9 | P10, false, FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE },
};

static void causes_that_differ_between_processors_have_their_names(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		const struct fact *fact = &facts[i];

		for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
			struct fwnmi_machine_check mc =
				analyse(processors[p], fact->srr1, fact->dsisr);

			if (!(fact->processors >> p & 1)) {
				assert_int_equal(mc.error_type, FWNMI_MC_UNKNOWN);
				continue;
			}
			assert_int_equal(mc.error_type, fact->type);
			assert_int_equal(mc.error_subtype, fact->subtype);
			assert_int_equal(mc.effective_address_valid, fact->address);
		}
	}
}

/* Is it the cause that synthesis chooses for some error? */
static bool is_synthesised(uint32_t pvr, uint64_t srr1, uint32_t dsisr)
{
	for (unsigned error = 0; error < 64; error++) {
		struct fwnmi_machine_check mc = { .error_type = (uint8_t)(error / 8),
						  .error_subtype = (uint8_t)(error % 8) };

		if (!fwnmi_mce_synthesise(pvr, &mc) && mc.srr1 == srr1 && mc.dsisr == dsisr)
			return true;
	}
	return false;
}

static bool is_fact(size_t p, uint64_t srr1, uint32_t dsisr)
{
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
		if (facts[i].processors >> p & 1 && facts[i].srr1 == srr1 &&
		    facts[i].dsisr == dsisr)
			return true;
	return false;
}

static void assert_unknown_unless_named(size_t p, uint64_t srr1, uint32_t dsisr)
{
	struct fwnmi_machine_check mc = analyse(processors[p], srr1, dsisr);

	if (!is_fact(p, srr1, dsisr) && !is_synthesised(processors[p], srr1, dsisr))
		assert_int_equal(mc.error_type, FWNMI_MC_UNKNOWN);
}

static void every_other_cause_is_an_unknown_error(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		assert_unknown_unless_named(p, LOADSTORE, 0);
		for (unsigned bit = 0; bit < 32; bit++)
			assert_unknown_unless_named(p, LOADSTORE, 1u << bit);
		/* SRR1 bits 36 and 43:45 are one code; the others say nothing. */
		for (unsigned code = 0; code < 16; code++)
			assert_unknown_unless_named(p, (code & 8) << 24 | (code & 7) << 18, 0);
		for (unsigned n = 0; n < NR_CAUSES; n++) {
			struct fwnmi_machine_check mc, pure;

			if (cause_of(n) & LOADSTORE)
				continue;
			mc = analyse(processors[p], cause_of(n), 0);
			pure = analyse(processors[p], cause_of(n) & 0x081c0000, 0);
			pure.srr1 = mc.srr1;
			assert_true(same(&mc, &pure));
		}
	}
}

/* POWER9 and POWER10: a bad real address; POWER9: a link time-out. */
static bool is_late_store(size_t p, uint64_t srr1)
{
	uint64_t code = srr1 & 0x081c0000;

	return (code == 0x08140000 && processors[p] != POWER8) ||
	       (code == 0x08180000 && processors[p] == POWER9);
}

/* It may be marked as one of a load or store; DSISR is then left over from an earlier error. */
static void a_late_store_error_alone_is_fatal_whatever_is_in_dsisr(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		for (unsigned n = 0; n < NR_CAUSES; n++) {
			for (unsigned bit = 0; bit < 32; bit++) {
				struct fwnmi_machine_check mc =
					analyse(processors[p], cause_of(n), 1u << bit);
				bool late = is_late_store(p, cause_of(n));

				assert_int_equal(mc.severity == FWNMI_SEVERITY_FATAL, late);
				if (late)
					assert_int_equal(mc.error_type, FWNMI_MC_UNKNOWN);
				else if (cause_of(n) & LOADSTORE && bit == 15)
					assert_int_equal(mc.error_type, FWNMI_MC_UE);
			}
		}
	}
}

static void a_spurious_machine_check_of_power9_is_a_recovered_warning(void **state)
{
	struct fwnmi_machine_check mc = analyse(POWER9, LOADSTORE, 0x02000000);

	assert_int_equal(mc.error_type, FWNMI_MC_UNKNOWN);
	assert_int_equal(mc.severity, FWNMI_SEVERITY_WARNING);
	assert_int_equal(mc.disposition, FWNMI_DISPOSITION_FULLY_RECOVERED);

	mc = analyse(POWER9, LOADSTORE, 0x02000800);
	assert_int_equal(mc.error_type, FWNMI_MC_ERAT);
	mc = analyse(POWER10, LOADSTORE, 0x02000000);
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

static void what_is_synthesised_is_analysed_to_the_same_error(void **state)
{
	for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
		uint32_t number = processors[p];
		unsigned signalled = 0;

		for (unsigned error = 0; error < 64; error++) {
			struct fwnmi_machine_check mc = { .error_type = (uint8_t)(error / 8),
							  .error_subtype = (uint8_t)(error % 8),
							  .effective_address_valid = true,
							  .effective_address = DAR };
			struct fwnmi_machine_check back;

			if (fwnmi_mce_synthesise(number, &mc) != 0)
				continue;
			signalled++;
			assert_int_equal(mc.srr1 & ~FWNMI_SRR1_CAUSE_MASK, 0);
			back = analyse(number, mc.srr1, mc.dsisr);
			assert_int_equal(back.srr1, mc.srr1);
			assert_int_equal(back.dsisr, mc.dsisr);
			assert_int_equal(back.dar_valid, mc.dar_valid);
			assert_int_equal(back.dar, mc.dar);
			assert_int_equal(back.error_type, mc.error_type);
			assert_int_equal(back.error_subtype, mc.error_subtype);
			assert_int_equal(back.effective_address_valid,
					 mc.srr1 & LOADSTORE ? mc.dar_valid : true);
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
						  .effective_address_valid = true,
						  .effective_address = DAR };

		for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
			uint32_t number = processors[p];

			mc.effective_address_valid = true;
			assert_int_equal(fwnmi_mce_synthesise(number, &mc), 0);
			assert_int_equal(mc.srr1, expected[i].srr1);
			assert_int_equal(mc.dsisr, expected[i].dsisr);
			assert_int_equal(mc.dar_valid, expected[i].dar_valid);
			assert_int_equal(mc.dar, mc.dar_valid ? DAR : 0);

			mc.effective_address_valid = false;
			fwnmi_mce_synthesise(number, &mc);
			assert_false(mc.dar_valid);
			assert_int_equal(mc.dar, 0);
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
		for (size_t p = 0; p < ARRAY_SIZE(processors); p++) {
			struct fwnmi_machine_check mc = { .error_type = errors[i][0],
							  .error_subtype = errors[i][1],
							  .srr1 = 1,
							  .dsisr = 1,
							  .dar_valid = true,
							  .dar = 1 };

			assert_int_equal(fwnmi_mce_synthesise(processors[p], &mc),
					 FWNMI_ERR_NO_CAUSE);
			assert_int_equal(mc.srr1, 0);
			assert_int_equal(mc.dsisr, 0);
			assert_false(mc.dar_valid);
			assert_int_equal(mc.dar, 0);
		}
	}
}

static void a_disposition_that_does_not_exist_is_refused(void **state)
{
	struct fwnmi_machine_check mc;

	for (int disposition = 3; disposition < 6; disposition++)
		assert_int_equal(fwnmi_mce_analyse(POWER9, (enum fwnmi_disposition)disposition, NIP,
						   LOADSTORE, 0x80, DAR, &mc),
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
		cmocka_unit_test(every_pattern_gives_a_log_of_what_the_processor_knows),
		cmocka_unit_test(every_pattern_can_be_reported_with_every_disposition_of_the_host),
		cmocka_unit_test(msr_bits_in_srr1_do_not_matter),
		cmocka_unit_test(dsisr_matters_to_a_load_or_store_only),
		cmocka_unit_test(of_several_causes_of_a_load_or_store_one_alone_counts),
		cmocka_unit_test(the_leftmost_cause_with_a_name_is_the_gravest_but_for_the_slb),
		cmocka_unit_test(a_cause_without_a_name_hides_lesser_ones_if_the_processor_has_it),
		cmocka_unit_test(causes_that_differ_between_processors_have_their_names),
		cmocka_unit_test(every_other_cause_is_an_unknown_error),
		cmocka_unit_test(a_late_store_error_alone_is_fatal_whatever_is_in_dsisr),
		cmocka_unit_test(a_spurious_machine_check_of_power9_is_a_recovered_warning),
		cmocka_unit_test(only_errors_of_translation_caches_are_repairable),
		cmocka_unit_test(what_is_synthesised_is_analysed_to_the_same_error),
		cmocka_unit_test(synthesis_gives_the_bits_the_processor_would_set),
		cmocka_unit_test(an_error_no_processor_signals_has_no_cause_bits),
		cmocka_unit_test(a_disposition_that_does_not_exist_is_refused),
		cmocka_unit_test(every_version_of_a_processor_is_known_by_its_pvr),
	};

	return cmocka_run_group_tests_name("mce", tests, NULL, NULL);
}
