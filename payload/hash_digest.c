/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hashst, hashchk and their privileged forms in privileged code (Power ISA 3.1B, book I section
 * 3.3.17): what they store, and that DEXCR switches them on. On a POWER10.
 */
#include "payload.h"

#define DIGESTS	  "a_digest_depends_on_both_registers_and_the_key_as_the_isa_says"
#define PRIVATE	  "the_privileged_digest_has_a_key_that_the_partition_cannot_change"
#define MATCHES	  "a_digest_that_matches_goes_unnoticed"
#define TRAPS	  "a_digest_that_does_not_match_is_a_trap"
#define OFF	  "without_its_aspect_of_dexcr_an_instruction_does_nothing"
#define INVALID	  "without_a_base_register_it_is_an_illegal_instruction"
#define ALIGNMENT "a_digest_is_aligned"

const char *const sentences[] = { DIGESTS, PRIVATE, MATCHES, TRAPS, OFF, INVALID, ALIGNMENT, NULL };

#define SPR_HASHKEYR 468
#define SPR_DEXCR    828
#define PNH_NPHIE    (1ull << 58)
#define PNH_PHIE     (1ull << 57)

CODE(hash_store, "hashst 5,-8(4); trap");
CODE(hash_check, "hashchk 5,-8(4); trap");
CODE(hash_store_far, "hashst 5,-512(4); trap");
CODE(hash_store_privileged, "hashstp 5,-8(4); trap");
CODE(hash_check_privileged, "hashchkp 5,-8(4); trap");
CODE(write_hashpkeyr, "mtspr 469,3; trap");
CODE(hash_store_nowhere, ".long 0x7fe02da5; trap");

/* Addresses count as well as contents, so they are fixed. */
#define AREA 0x00c00000ull

static volatile u64 *const area = (volatile u64 *)AREA;

static void prepare(u64 aspects, u64 key)
{
	mtspr(SPR_DEXCR, aspects);
	mtspr(SPR_HASHKEYR, key);
}

static void run_to_the_end(const char *sentence, const u8 *code, u64 r4, u64 r5)
{
	run(code, MSR_BARE, 0, r4, r5, 0);
	check_caught(sentence, 0x700, code, 4, MSR_BARE, TRAPPED);
}

static void test_digests(void)
{
	static const struct {
		u64 key, r5, digest;
	} known[] = {
		{ 0, 0, 0x26c2787f1c9e6378 },
		{ 0, 0x0123456789abcdef, 0x5e092c5c5b0b5546 },
		{ 0xfedcba9876543210, 0x0123456789abcdef, 0x0d8ac86b44791ebc },
		{ ~0ull, 0xc000000000001234, 0x33b072ce142ceaed },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
		prepare(PNH_NPHIE, known[i].key);
		area[63] = 0;
		run_to_the_end(DIGESTS, hash_store, AREA + 512, known[i].r5);
		check_equal(DIGESTS, area[63], known[i].digest, "digest");
		run_to_the_end(MATCHES, hash_check, AREA + 512, known[i].r5);
		run(hash_check, MSR_BARE, 0, AREA + 512, known[i].r5 ^ 1, 0);
		check_caught(TRAPS, 0x700, hash_check, 0, MSR_BARE, TRAPPED);
	}
	run_to_the_end(DIGESTS, hash_store_far, AREA + 512, 0xc000000000001234);
	check_equal(DIGESTS, area[0], area[63], "digest far from the base");
}

static void test_privileged(void)
{
	prepare(PNH_PHIE, 0x1234);
	run(write_hashpkeyr, MSR_BARE, 0x1234, 0, 0, 0);
	run_to_the_end(PRIVATE, hash_store_privileged, AREA + 512, 0x0123456789abcdef);
	check_equal(PRIVATE, area[63], 0x5e092c5c5b0b5546, "digest");
	run_to_the_end(MATCHES, hash_check_privileged, AREA + 512, 0x0123456789abcdef);
	area[63] ^= 1ull << 40;
	run(hash_check_privileged, MSR_BARE, 0, AREA + 512, 0x0123456789abcdef, 0);
	check_caught(TRAPS, 0x700, hash_check_privileged, 0, MSR_BARE, TRAPPED);
}

static void test_off(void)
{
	prepare(PNH_PHIE | 0xffffffff, 0);
	area[63] = 1;
	run_to_the_end(OFF, hash_store, AREA + 512, 0);
	check_equal(OFF, area[63], 1, "what hashst leaves");
	run_to_the_end(OFF, hash_check, AREA + 512, 0);
	prepare(PNH_NPHIE | 0xffffffff, 0);
	run_to_the_end(OFF, hash_store_privileged, AREA + 512, 0);
	check_equal(OFF, area[63], 1, "what hashstp leaves");
	run_to_the_end(OFF, hash_check_privileged, AREA + 512, 0);
}

static void test_invalid(void)
{
	prepare(PNH_NPHIE, 0);
	run(hash_store_nowhere, MSR_BARE, 0, 0, 0, 0);
	check_caught(INVALID, 0x700, hash_store_nowhere, 0, MSR_BARE, ILLEGAL);
	run(hash_store, MSR_BARE, 0, AREA + 516, 0, 0);
	check_caught(ALIGNMENT, 0x600, hash_store, 0, MSR_BARE, 0);
	check_equal(ALIGNMENT, mfspr(SPR_DAR), AREA + 508, "DAR");
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = leave_run;
	test_digests();
	test_privileged();
	test_off();
	test_invalid();
	prepare(0, 0);
}
