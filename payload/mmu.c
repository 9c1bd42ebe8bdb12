/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Radix translation: permissions and their interrupts, reference and change bits, processes,
 * invalidation. Power ISA 3.0B, Book III sections 5.7.10 to 5.10 and 6.5.3 to 6.5.8.
 */
#include "payload.h"

#define NO_PTE	   "an_access_without_a_page_table_entry_raises_0x300_with_dsisr_bit_33_and_dar"
#define FETCH_NONE "a_fetch_without_a_page_table_entry_raises_0x400_with_srr1_bit_33"
#define FETCH_NX   "a_fetch_from_a_page_without_execute_permission_raises_0x400_with_srr1_bit_35"
#define READ_ONLY  "a_store_to_a_read_only_page_raises_0x300_with_dsisr_bits_36_and_38"
#define NO_READ	   "a_load_from_a_page_that_permits_none_raises_0x300_with_dsisr_bit_36"
#define USER_PRIV  "problem_state_reaches_no_privileged_page"
#define AMR_KEYS   "amr_and_iamr_keep_privileged_code_from_user_pages"
#define SEGMENT	   "an_effective_address_outside_of_the_quadrants_in_use_raises_0x380_or_0x480"
#define RC_BITS	   "a_load_or_fetch_sets_r_and_a_store_sets_c_too"
#define RC_FAULT   "an_access_that_faults_sets_neither_r_nor_c"
#define PROCESSES  "pidr_chooses_the_tree_of_quadrant_0_and_not_that_of_quadrant_3"
#define INVALIDATE "after_tlbie_a_changed_entry_counts_for_data_and_code"
#define CROSSING   "an_access_into_a_second_page_that_is_not_there_does_nothing_and_names_that_page"
#define CODE_PAGES "code_runs_from_one_page_into_the_next_wherever_that_is_mapped"
#define BAD_TREE   "a_malformed_tree_raises_0x300_with_dsisr_bit_44"
#define NOTHING	   "a_page_table_entry_to_an_unbacked_real_address_is_a_machine_check"
#define WALK_NOTHING \
	"a_page_directory_at_an_unbacked_real_address_is_a_machine_check_of_the_table_walk"
#define REAL_MODE  "real_mode_ignores_the_first_bits_of_an_effective_address"
#define PRIV_INSNS "a_privileged_instruction_in_problem_state_raises_0x700_with_srr1_bit_45"
#define SC_1	   "a_hypervisor_call_from_problem_state_is_a_privileged_instruction"
#define FIRST	   "a_segment_interrupt_comes_before_any_table_is_looked_at"

const char *const sentences[] = { NO_PTE,    FETCH_NONE,   FETCH_NX,  READ_ONLY,  NO_READ,
				  USER_PRIV, AMR_KEYS,	   SEGMENT,   RC_BITS,	  RC_FAULT,
				  PROCESSES, INVALIDATE,   CROSSING,  CODE_PAGES, BAD_TREE,
				  NOTHING,   WALK_NOTHING, REAL_MODE, PRIV_INSNS, SC_1,
				  FIRST,     NULL };

#define DSISR_BAD_CONFIG 0x00080000u

#define KERNEL (MSR_BARE | MSR_IR | MSR_DR)
#define USER   (KERNEL | MSR_PR | MSR_EE)

/* Where things are mapped, above the identity map of memory. */
#define PLACE 0x100000000ull

CODE(load_it, "ld 4,0(3); trap");
CODE(store_it, "std 4,0(3); trap");
CODE(load_word, "lwz 4,0(3); trap");
CODE(store_word, "stw 4,0(3); trap");
CODE(zero_it, "dcbz 0,3; trap");
CODE(reserve_it, "1: ldarx 5,0,3; stdcx. 4,0,3; bne- 1b; trap");

static u64 *page; /* a page of memory with code that returns 42 */

/* Checks the interrupt of a data access at @ea. @vector 0: only the trap after the access. */
static void access(const char *sentence, const u8 *code, u64 msr, u64 ea, u64 vector, u32 dsisr)
{
	if (msr & MSR_PR)
		code = users_code(code);
	mtspr(SPR_DAR, 0);
	mtspr(SPR_DSISR, 0);
	run(code, msr, ea, 0x4444444444444444, 0, 0);
	if (!vector) {
		check_equal(sentence, caught.vector, 0x700, "vector");
		check_equal(sentence, caught.srr1, msr | TRAPPED, "SRR1");
		return;
	}
	check_caught(sentence, vector, code, 0, msr, 0);
	check_equal(sentence, caught.dar, ea, "DAR");
	if (vector == 0x300)
		check_equal(sentence, caught.dsisr, dsisr, "DSISR");
	check_equal(sentence, caught.gpr[4], 0x4444444444444444, "R4");
	check_equal(sentence, caught.msr, MSR_BARE, "MSR");
}

static void fetch(const char *sentence, u64 msr, u64 ea, u64 vector, u64 srr1)
{
	run((void *)ea, msr, 0, 0, 0, 0);
	if (!vector) {
		check_caught(sentence, 0x700, (void *)ea, 4, msr, TRAPPED);
		check_equal(sentence, caught.gpr[3], 42, "R3");
		return;
	}
	check_caught(sentence, vector, (void *)ea, 0, msr, srr1);
}

static void write_code(u64 *where, unsigned value)
{
	((u32 *)where)[0] = 0x38600000 | value; /* li r3,value */
	((u32 *)where)[1] = 0x7fe00008; /* trap */
	flush_code(where);
}

static void map(u64 bits)
{
	radix_map(0, PLACE, (u64)page, bits);
	radix_invalidate(0, PLACE);
}

static void test_permissions(void)
{
	u64 ea = PLACE + 0x128;

	access(NO_PTE, load_it, KERNEL, ea, 0x300, DSISR_NO_PTE);
	access(NO_PTE, store_it, KERNEL, ea, 0x300, DSISR_NO_PTE | DSISR_STORE);
	access(NO_PTE, load_it, USER, ea, 0x300, DSISR_NO_PTE);
	access(NO_PTE, load_it, KERNEL, QUADRANT3 + ea, 0x300, DSISR_NO_PTE);
	access(NO_PTE, load_it, KERNEL, 0x000ffffffffff000, 0x300, DSISR_NO_PTE);
	fetch(FETCH_NONE, KERNEL, PLACE, 0x400, 0x40000000);
	fetch(FETCH_NONE, USER, PLACE + 0x44, 0x400, 0x40000000);

	map(PTE_PRIV | PTE_READ | PTE_WRITE);
	access(NO_PTE, load_it, KERNEL, ea, 0, 0);
	access(NO_PTE, store_it, KERNEL, ea, 0, 0);
	fetch(FETCH_NX, KERNEL, PLACE, 0x400, SRR1_NO_EXECUTE);
	access(USER_PRIV, load_it, USER, ea, 0x300, DSISR_PROTECTION);
	access(USER_PRIV, store_it, USER, ea, 0x300, DSISR_PROTECTION | DSISR_STORE);

	map(PTE_PRIV | PTE_READ | PTE_EXEC);
	access(READ_ONLY, load_it, KERNEL, ea, 0, 0);
	access(READ_ONLY, store_it, KERNEL, ea, 0x300, DSISR_PROTECTION | DSISR_STORE);
	access(READ_ONLY, zero_it, KERNEL, PLACE, 0x300, DSISR_PROTECTION | DSISR_STORE);
	fetch(FETCH_NX, KERNEL, PLACE, 0, 0);
	fetch(USER_PRIV, USER, PLACE, 0x400, DSISR_PROTECTION);

	map(PTE_READ);
	access(READ_ONLY, load_it, USER, ea, 0, 0);
	access(READ_ONLY, store_it, USER, ea, 0x300, DSISR_PROTECTION | DSISR_STORE);
	fetch(FETCH_NX, USER, PLACE, 0x400, SRR1_NO_EXECUTE);

	map(PTE_PRIV | PTE_EXEC);
	access(NO_READ, load_it, KERNEL, ea, 0x300, DSISR_PROTECTION);
	fetch(NO_READ, KERNEL, PLACE, 0, 0);

	map(PTE_USER);
	access(USER_PRIV, store_it, USER, ea, 0, 0);
	fetch(USER_PRIV, USER, PLACE, 0, 0);
}

static void test_keys(void)
{
	u64 ea = PLACE + 0x130, amr = mfspr(SPR_AMR), iamr = mfspr(SPR_IAMR);

	map(PTE_USER);
	access(AMR_KEYS, store_it, KERNEL, ea, 0, 0);
	mtspr(SPR_AMR, amr | 1ull << 63);
	access(AMR_KEYS, store_it, KERNEL, ea, 0x300, DSISR_PROTECTION | DSISR_STORE);
	access(AMR_KEYS, load_it, KERNEL, ea, 0, 0);
	mtspr(SPR_AMR, amr | 1ull << 62);
	access(AMR_KEYS, load_it, KERNEL, ea, 0x300, DSISR_PROTECTION);
	access(AMR_KEYS, store_it, KERNEL, ea, 0, 0);
	access(AMR_KEYS, load_it, USER, ea, 0, 0);
	mtspr(SPR_AMR, amr);
	access(AMR_KEYS, load_it, KERNEL, ea, 0, 0);
	fetch(AMR_KEYS, KERNEL, PLACE, 0, 0);
	mtspr(SPR_IAMR, iamr | 1ull << 62);
	run((void *)PLACE, KERNEL, 0, 0, 0, 0);
	check_equal(AMR_KEYS, caught.vector, 0x400, "vector of a fetch");
	fetch(AMR_KEYS, USER, PLACE, 0, 0);
	mtspr(SPR_IAMR, iamr);
}

static void test_segments(void)
{
	const u64 outside[] = { 0x4000000000000000, 0x8000000000001230, 0x0010000000000000,
				0x3ffffffffffffff8, 0xc010000000000000 };

	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
		access(SEGMENT, load_it, KERNEL, outside[i], 0x380, 0);
		access(SEGMENT, store_it, KERNEL, outside[i], 0x380, 0);
		fetch(SEGMENT, KERNEL, outside[i] & ~3ull, 0x480, 0);
	}
	access(SEGMENT, load_it, USER, 0x8000000000000000, 0x380, 0);
	/* Only the pages' permissions make quadrant 3 privileged. */
	access(USER_PRIV, load_it, USER, QUADRANT3 + 0x1000, 0x300, DSISR_PROTECTION);
}

/*
 * A process without a tree, with relocation on for data only or code only, so that the other still
 * works.
 */
static void test_first(void)
{
	u64 *process = radix_process_entry(0), kept = process[0];
	const u64 outside[] = { -4ull, 0xc010000000000000, 0x0010000000000000, 0x4000000000000000,
				0xbffffffffffffffc };

	process[0] = 0;
	mtspr(SPR_PIDR, 300); /* beyond the end of the table */
	radix_invalidate(0, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
		access(FIRST, load_word, MSR_BARE | MSR_DR, outside[i], 0x380, 0);
		access(FIRST, store_word, MSR_BARE | MSR_DR, outside[i], 0x380, 0);
		fetch(FIRST, MSR_BARE | MSR_IR, outside[i], 0x480, 0);
	}
	access(FIRST, load_word, MSR_BARE | MSR_DR, QUADRANT3, 0x300, DSISR_BAD_CONFIG);
	access(FIRST, load_word, MSR_BARE | MSR_DR, 0x1000, 0x300, DSISR_NO_PTE);
	process[0] = kept;
	mtspr(SPR_PIDR, 0);
	radix_invalidate(0, 0);
}

static u64 rc(void)
{
	return big64(*radix_pte(0, PLACE)) & (PTE_R | PTE_C);
}

static void test_rc(void)
{
	map(PTE_KERNEL);
	check_equal(RC_BITS, rc(), 0, "R and C before");
	access(RC_BITS, load_it, KERNEL, PLACE, 0, 0);
	check_equal(RC_BITS, rc(), PTE_R, "R and C after a load");
	access(RC_BITS, store_it, KERNEL, PLACE + 0x800, 0, 0);
	check_equal(RC_BITS, rc(), PTE_R | PTE_C, "R and C after a store");
	map(PTE_KERNEL);
	access(RC_BITS, store_it, KERNEL, PLACE + 0x800, 0, 0);
	check_equal(RC_BITS, rc(), PTE_R | PTE_C, "R and C after a store alone");
	map(PTE_KERNEL);
	fetch(RC_BITS, KERNEL, PLACE, 0, 0);
	check_equal(RC_BITS, rc(), PTE_R, "R and C after a fetch");
	map(PTE_KERNEL);
	access(RC_BITS, reserve_it, KERNEL, PLACE + 0x800, 0, 0);
	check_equal(RC_BITS, rc(), PTE_R | PTE_C, "R and C after a store conditional");
	map(PTE_PRIV | PTE_READ);
	access(RC_FAULT, store_it, KERNEL, PLACE, 0x300, DSISR_PROTECTION | DSISR_STORE);
	access(RC_FAULT, load_it, USER, PLACE, 0x300, DSISR_PROTECTION);
	fetch(RC_FAULT, KERNEL, PLACE, 0x400, SRR1_NO_EXECUTE);
	check_equal(RC_FAULT, rc(), 0, "R and C");
}

/* ---- processes ---- */

static void test_processes(void)
{
	u64 *const pages[3] = { radix_page(), radix_page(), radix_page() };

	for (unsigned pid = 0; pid < 3; pid++) {
		pages[pid][1] = 0x1000 + pid;
		write_code(pages[pid], 42);
		radix_map(pid, PLACE, (u64)pages[pid], PTE_USER);
		radix_invalidate(pid, PLACE);
		if (pid)
			radix_map_users_code(pid, PTE_READ | PTE_EXEC);
	}
	for (unsigned round = 0; round < 6; round++) {
		unsigned pid = round % 3;

		mtspr(SPR_PIDR, pid);
		__asm__ volatile("isync" : : : "memory");
		access(PROCESSES, load_it, USER, PLACE + 8, 0, 0);
		check_equal(PROCESSES, caught.gpr[4], 0x1000 + pid, "what a process reads");
		fetch(PROCESSES, USER, PLACE, 0, 0);
		run(kernels_code(load_it), KERNEL, PLACE + 8, 0, 0, 0);
		check_equal(PROCESSES, caught.gpr[4], 0x1000 + pid, "what the kernel reads of it");
		run(kernels_code(load_it), KERNEL, QUADRANT3 + PLACE + 8, 0, 0, 0);
		check_equal(PROCESSES, caught.gpr[4], 0x1000, "what the kernel reads of its own");
	}
	/* The process table has 256 entries. */
	mtspr(SPR_PIDR, 256);
	run(kernels_code(load_it), KERNEL, PLACE, 0, 0, 0);
	check_caught(BAD_TREE, 0x300, kernels_code(load_it), 0, KERNEL, 0);
	check_equal(BAD_TREE, caught.dsisr, DSISR_NO_PTE, "DSISR for a process beyond the table");
	mtspr(SPR_PIDR, 3);
	radix_process_entry(3)[0] = big64((u64)pages[0] | 13); /* a tree for 31-bit addresses */
	run(kernels_code(load_it), KERNEL, PLACE, 0, 0, 0);
	check_equal(BAD_TREE, caught.vector, 0x300, "vector");
	check_equal(BAD_TREE, caught.dsisr, DSISR_BAD_CONFIG, "DSISR for a tree of another size");
	mtspr(SPR_PIDR, 0);
}

static void test_invalidation(void)
{
	u64 *const a = radix_page(), *const b = radix_page();

	write_code(a, 42);
	write_code(b, 43);
	a[1] = 100;
	b[1] = 101;
	radix_map(0, PLACE, (u64)a, PTE_KERNEL);
	radix_invalidate(0, PLACE);
	access(INVALIDATE, load_it, KERNEL, PLACE + 8, 0, 0);
	check_equal(INVALIDATE, caught.gpr[4], 100, "R4");
	fetch(INVALIDATE, KERNEL, PLACE, 0, 0);

	radix_map(0, PLACE, (u64)b, PTE_KERNEL);
	radix_invalidate(0, PLACE);
	access(INVALIDATE, load_it, KERNEL, PLACE + 8, 0, 0);
	check_equal(INVALIDATE, caught.gpr[4], 101, "R4 after the change");
	run((void *)PLACE, KERNEL, 0, 0, 0, 0);
	check_equal(INVALIDATE, caught.gpr[3], 43, "R3 of the code after the change");

	access(INVALIDATE, store_it, KERNEL, PLACE + 8, 0, 0);
	map(PTE_PRIV | PTE_READ);
	access(INVALIDATE, store_it, KERNEL, PLACE + 8, 0x300, DSISR_PROTECTION | DSISR_STORE);
	*radix_pte(0, PLACE) = 0;
	radix_invalidate(0, PLACE);
	access(INVALIDATE, load_it, KERNEL, PLACE + 8, 0x300, DSISR_NO_PTE);
	/* No tlbie is needed when an entry becomes valid. */
	radix_map(0, PLACE, (u64)a, PTE_KERNEL);
	access(INVALIDATE, load_it, KERNEL, PLACE + 8, 0, 0);
}

/* ---- two pages ---- */

static void test_crossing(void)
{
	u64 *a = radix_page(), *b = radix_page(), edge = PLACE + PAGE - 4;

	radix_map(0, PLACE, (u64)a, PTE_KERNEL);
	*radix_pte(0, PLACE + PAGE) = 0;
	radix_invalidate(0, PLACE);
	radix_invalidate(0, PLACE + PAGE);
	((u32 *)a)[1023] = 0x12345678;
	run(store_it, KERNEL, edge, ~0ull, 0, 0);
	check_caught(CROSSING, 0x300, store_it, 0, KERNEL, 0);
	check_equal(CROSSING, caught.dar & ~(PAGE - 1), PLACE + PAGE, "page of DAR");
	check_equal(CROSSING, caught.dsisr, DSISR_NO_PTE | DSISR_STORE, "DSISR");
	check_equal(CROSSING, ((u32 *)a)[1023], 0x12345678, "the last word of the first page");
	run(load_it, KERNEL, edge, 0, 0, 0);
	check_equal(CROSSING, caught.vector, 0x300, "vector of a load");
	check_equal(CROSSING, caught.dar & ~(PAGE - 1), PLACE + PAGE, "page of DAR of a load");

	radix_map(0, PLACE + PAGE, (u64)b, PTE_KERNEL);
	run(store_it, KERNEL, edge, 0x0102030405060708, 0, 0);
	check_equal(CROSSING, caught.vector, 0x700, "vector with both pages");
	check_equal(CROSSING, ((u32 *)a)[1023], MSR_LE ? 0x05060708 : 0x01020304,
		    "the last word of the first page");
	check_equal(CROSSING, ((u32 *)b)[0], MSR_LE ? 0x01020304 : 0x05060708,
		    "the first word of the second page");

	/* Code, with the pages in reverse order in real memory. */
	radix_map(0, PLACE, (u64)b, PTE_KERNEL);
	radix_map(0, PLACE + PAGE, (u64)a, PTE_KERNEL);
	radix_invalidate(0, PLACE);
	radix_invalidate(0, PLACE + PAGE);
	((u32 *)b)[1023] = 0x38800007; /* li r4,7 */
	flush_code((u32 *)b + 1023);
	write_code(a, 42);
	run((void *)edge, KERNEL, 0, 0, 0, 0);
	check_caught(CODE_PAGES, 0x700, (void *)edge, 8, KERNEL, TRAPPED);
	check_equal(CODE_PAGES, caught.gpr[4], 7, "R4 of the first page");
	check_equal(CODE_PAGES, caught.gpr[3], 42, "R3 of the second page");
	*radix_pte(0, PLACE + PAGE) = 0;
	radix_invalidate(0, PLACE + PAGE);
	run((void *)edge, KERNEL, 0, 0, 0, 0);
	check_caught(CODE_PAGES, 0x400, (void *)edge, 4, KERNEL, 0x40000000);
}

/* ---- real addresses without memory ---- */

#define BAD_FETCH_WALK 0x08100000
#define DSISR_BAD_WALK 0x20

static void test_nothing(void)
{
	u64 *process = radix_process_entry(4);

	radix_map(0, PLACE, memory_size, PTE_KERNEL);
	radix_invalidate(0, PLACE);
	run(load_it, KERNEL, PLACE + 0x18, 0, 0, 0);
	check_caught(NOTHING, 0x200, load_it, 0, KERNEL, LOAD_STORE);
	check_equal(NOTHING, caught.dsisr, DSISR_BAD, "DSISR");
	check_equal(NOTHING, caught.dar, PLACE + 0x18, "DAR");
	check_equal(NOTHING, caught.msr, MSR_BARE, "MSR");
	run(store_it, KERNEL, PLACE + 0x18, 0, 0, 0);
	check_caught(NOTHING, 0x200, store_it, 0, KERNEL, LOAD_STORE);
	run((void *)PLACE, KERNEL, 0, 0, 0, 0);
	check_caught(NOTHING, 0x200, (void *)PLACE, 0, KERNEL, BAD_FETCH);

	*process = big64(memory_size | 2ull << 61 | 5ull << 5 | 13);
	mtspr(SPR_PIDR, 4);
	run(kernels_code(load_it), KERNEL, PLACE + 0x18, 0, 0, 0);
	check_caught(WALK_NOTHING, 0x200, kernels_code(load_it), 0, KERNEL, LOAD_STORE);
	check_equal(WALK_NOTHING, caught.dsisr, DSISR_BAD_WALK, "DSISR");
	check_equal(WALK_NOTHING, caught.dar, PLACE + 0x18, "DAR");
	run((void *)PLACE, KERNEL, 0, 0, 0, 0);
	check_caught(WALK_NOTHING, 0x200, (void *)PLACE, 0, KERNEL, BAD_FETCH_WALK);
	mtspr(SPR_PIDR, 0);
}

/* ---- problem state ---- */

CODE(priv_mfmsr, "mfmsr 3; trap");
CODE(priv_mtmsr, "mtmsrd 3; trap");
CODE(priv_mtmsr_ri, "mtmsrd 3,1; trap");
CODE(priv_rfid, "rfid; trap");
CODE(priv_srr0, "mtspr 26,3; trap");
CODE(priv_sprg, "mfspr 3,272; trap");
CODE(priv_tlbie, "tlbie 3,4,0,1,1; trap");
CODE(sprg3, "mfspr 3,259; trap");
CODE(hypervisor_call, "li 3,0x58; sc 1; trap");

static void test_problem_state(void)
{
	const u8 *const privileged[] = { priv_mfmsr, priv_mtmsr, priv_mtmsr_ri, priv_rfid,
					 priv_srr0,  priv_sprg,	 priv_tlbie };

	for (unsigned i = 0; i < ARRAY_SIZE(privileged); i++) {
		run(users_code(privileged[i]), USER, 0, 0, 0, 0);
		check_caught(PRIV_INSNS, 0x700, users_code(privileged[i]), 0, USER, PRIVILEGED);
	}
	mtspr(275, 0x3333);
	run(users_code(sprg3), USER, 0, 0, 0, 0);
	check_caught(PRIV_INSNS, 0x700, users_code(sprg3), 4, USER, TRAPPED);
	check_equal(PRIV_INSNS, caught.gpr[3], 0x3333, "SPRG3, which problem state may read");
	run(users_code(hypervisor_call), USER, 0, 0, 0, 0);
	check_caught(SC_1, 0x700, users_code(hypervisor_call), 4, USER, PRIVILEGED);
	check_equal(SC_1, caught.gpr[3], 0x58, "R3");
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = leave_run;
	*(volatile u64 *)0x3000000 = 0x5a5a5a5a;
	check_equal(REAL_MODE, *(volatile u64 *)0xc000000003000000, 0x5a5a5a5a,
		    "a doubleword at 0xc000000003000000");
	check_equal(REAL_MODE, *(volatile u64 *)0x8000000003000000, 0x5a5a5a5a,
		    "a doubleword at 0x8000000003000000");
	radix_start();
	radix_map_users_code(0, PTE_READ | PTE_EXEC);
	page = radix_page();
	write_code(page, 42);
	test_permissions();
	test_keys();
	test_segments();
	test_first();
	test_rc();
	test_processes();
	test_invalidation();
	test_crossing();
	test_nothing();
	test_problem_state();
}
