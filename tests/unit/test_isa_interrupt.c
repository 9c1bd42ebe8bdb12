/* SPDX-License-Identifier: BSD-2-Clause */
/* How an interrupt is taken: each bit of MSR and SRR1 and the address, by the rules of the ISA. */
#include "isa/interrupt.h"
#include "isa/msr.h"
#include "isa/srr1.h"
#include "isa/vector.h"
#include "unit.h"

#define NIP	0xc000000000123450ull
#define RELOC	(MSR_IR | MSR_DR)
#define REASONS 0x783f0000ull /* bits 33:36 and 42:47 */

static const unsigned vectors[] = {
	VECTOR_SYSTEM_RESET,
	VECTOR_MACHINE_CHECK,
	VECTOR_DATA_STORAGE,
	VECTOR_DATA_SEGMENT,
	VECTOR_INSTRUCTION_STORAGE,
	VECTOR_INSTRUCTION_SEGMENT,
	VECTOR_EXTERNAL,
	VECTOR_ALIGNMENT,
	VECTOR_PROGRAM,
	VECTOR_FP_UNAVAILABLE,
	VECTOR_DECREMENTER,
	VECTOR_SYSTEM_CALL,
	VECTOR_TRACE,
	VECTOR_VEC_UNAVAILABLE,
	VECTOR_VSX_UNAVAILABLE,
	VECTOR_FACILITY_UNAVAILABLE,
};

static struct interrupt_regs take(unsigned vector, uint64_t msr, uint64_t reason,
				  bool little_endian, unsigned ail)
{
	const struct interrupt_settings settings = { .little_endian = little_endian, .ail = ail };
	struct interrupt_regs regs = { .nip = NIP, .msr = msr };

	interrupt_take(&regs, vector, reason, &settings);
	return regs;
}

static void srr0_is_the_interrupted_instruction_and_nip_the_vector(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct interrupt_regs regs = take(vectors[i], MSR_SF | RELOC, 0, false, 0);

		assert_int_equal(regs.old_nip, NIP);
		assert_int_equal(regs.nip, vectors[i]);
	}
}

static void srr1_is_the_old_msr_but_for_the_bits_that_give_the_reason(void **state)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t msr = 1ull << bit;
		uint64_t kept = msr & ~REASONS;

		assert_int_equal(take(VECTOR_EXTERNAL, msr, 0, false, 0).old_msr, kept);
		assert_int_equal(take(VECTOR_PROGRAM, msr, SRR1_TRAP, false, 0).old_msr,
				 kept | 0x20000);
	}
}

static void of_the_old_msr_only_me_stays(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		assert_int_equal(take(vectors[i], ~0ull, 0, false, 0).msr, MSR_SF | MSR_ME);
		assert_int_equal(take(vectors[i], ~MSR_ME, 0, false, 0).msr, MSR_SF);
		assert_int_equal(take(vectors[i], 0, 0, false, 0).msr, MSR_SF);
	}
}

static void ile_alone_decides_the_byte_order(void **state)
{
	assert_int_equal(take(VECTOR_EXTERNAL, MSR_LE, 0, false, 0).msr & MSR_LE, 0);
	assert_int_equal(take(VECTOR_EXTERNAL, 0, 0, true, 0).msr & MSR_LE, MSR_LE);
}

static void with_ail_3_relocation_stays_on_if_all_of_it_was(void **state)
{
	static const uint64_t partly[] = { 0, MSR_IR, MSR_DR };

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		bool never = vectors[i] <= VECTOR_MACHINE_CHECK;
		struct interrupt_regs regs = take(vectors[i], RELOC, 0, false, 3);

		assert_int_equal(regs.nip, vectors[i] + (never ? 0 : 0xc000000000004000ull));
		assert_int_equal(regs.msr, MSR_SF | (never ? 0 : RELOC));
		for (size_t j = 0; j < ARRAY_SIZE(partly); j++) {
			regs = take(vectors[i], partly[j], 0, false, 3);
			assert_int_equal(regs.nip, vectors[i]);
			assert_int_equal(regs.msr, MSR_SF);
		}
	}
}

static void ail_2_is_as_3_with_vectors_from_0x18000_on(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		bool never = vectors[i] <= VECTOR_MACHINE_CHECK;
		struct interrupt_regs regs = take(vectors[i], RELOC, 0, false, 2);

		assert_int_equal(regs.nip, vectors[i] + (never ? 0 : 0x18000));
		assert_int_equal(regs.msr, MSR_SF | (never ? 0 : RELOC));
		regs = take(vectors[i], MSR_IR, 0, false, 2);
		assert_int_equal(regs.nip, vectors[i]);
		assert_int_equal(regs.msr, MSR_SF);
	}
}

static void scv_keeps_ee_and_ri_and_has_entries_of_its_own(void **state)
{
	for (unsigned level = 0; level < 128; level++) {
		unsigned vector = VECTOR_SCV + 0x20 * level;
		struct interrupt_regs regs = take(vector, ~0ull, 0, true, 0);

		assert_int_equal(regs.nip, 0x17000 + 0x20 * level);
		assert_int_equal(regs.msr, MSR_SF | MSR_ME | MSR_EE | MSR_RI | MSR_LE);
		assert_int_equal(regs.old_nip, NIP);
		assert_int_equal(regs.old_msr, ~REASONS);
		regs = take(vector, MSR_SF | RELOC, 0, false, 3);
		assert_int_equal(regs.nip, 0xc000000000003000ull + 0x20 * level);
		assert_int_equal(regs.msr, MSR_SF | RELOC);
		regs = take(vector, MSR_SF | RELOC, 0, false, 2);
		assert_int_equal(regs.nip, 0x17000 + 0x20 * level);
		assert_int_equal(regs.msr, MSR_SF | RELOC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(srr0_is_the_interrupted_instruction_and_nip_the_vector),
		cmocka_unit_test(srr1_is_the_old_msr_but_for_the_bits_that_give_the_reason),
		cmocka_unit_test(of_the_old_msr_only_me_stays),
		cmocka_unit_test(ile_alone_decides_the_byte_order),
		cmocka_unit_test(with_ail_3_relocation_stays_on_if_all_of_it_was),
		cmocka_unit_test(ail_2_is_as_3_with_vectors_from_0x18000_on),
		cmocka_unit_test(scv_keeps_ee_and_ri_and_has_entries_of_its_own),
	};

	return cmocka_run_group_tests_name("interrupt", tests, NULL, NULL);
}
