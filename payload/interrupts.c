/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each kind of interrupt that a partition takes, with its registers: in real mode, and with
 * translation in both states, by radix trees or by a hash table, whichever the device tree offers.
 * Power ISA 3.1B, Book III chapter 7.
 */
#include "payload.h"

#define PROGRAM	   "program_interrupts_tell_their_kind_in_srr1"
#define FLOAT	   "an_enabled_floating_point_exception_raises_0x700_with_srr1_bit_43"
#define FLOAT_LATE "fe0_or_fe1_lets_in_an_exception_of_before_with_srr0_at_the_next_instruction"
#define ALIGNMENT  "an_alignment_interrupt_sets_dar"
#define FACILITY   "an_unavailable_facility_has_its_vector_and_fscr_names_which"
#define CALLS	   "system_calls_have_srr0_behind_them"
#define TRACE	   "a_trace_interrupt_has_srr0_behind_the_instruction"
#define TIMER	   "a_decrementer_interrupt_waits_for_msr_ee_and_sets_no_cause"
#define EXTERNAL   "an_external_interrupt_waits_for_msr_ee_and_sets_no_cause"
#define DATA	   "a_data_storage_interrupt_tells_why_in_dsisr_and_where_in_dar"
#define FETCH	   "an_instruction_storage_interrupt_tells_why_in_srr1"
#define KEYS	   "storage_keys_refuse_data_by_amr_and_fetches_by_iamr_and_tell_by_bit_42"
#define SEGMENT	   "a_segment_interrupt_sets_dar_for_data_and_no_cause"
#define UNTOUCHED  "dar_and_dsisr_change_only_in_interrupts_that_define_them"
#define ENTRY	   "each_interrupt_enters_in_real_mode_with_sf_and_me_alone"
#define HYPERVISOR "what_is_the_hypervisors_is_refused_as_a_partition_sees_it"
#define IDLE	   "the_hypervisors_idle_instructions_are_privileged_and_another_isas_illegal"

const char *const sentences[] = { PROGRAM, FLOAT,     FLOAT_LATE, ALIGNMENT,  FACILITY, CALLS,
				  TRACE,   TIMER,     EXTERNAL,	  DATA,	      FETCH,	KEYS,
				  SEGMENT, UNTOUCHED, ENTRY,	  HYPERVISOR, IDLE,	NULL };

#define PLACE	0x100000000ull
#define NOWHERE 0x300000000ull /* a segment without entry, or a tree without */

#define MSR_FE0	      0x800ull
#define MSR_FE1	      0x100ull
#define MSR_FE	      (MSR_FE0 | MSR_FE1) /* precise */
#define FLOAT_ENABLED 0x100000ull
#define SUBSEQUENT    0x10000ull

#define VERSION_2_07 0x0f000004u /* of processors that are compatible with POWER8 */

#define SPR_FSCR_IC_SHIFT 56
#define FSCR_DSCR	  2
#define FSCR_EBB	  7
#define FSCR_TAR	  8
#define FSCR_SCV	  12

#define MARK 0x1122334455667788ull

enum translation {
	REAL,
	RADIX,
	HASH,
};

static enum translation translation;
static u64 isa, users_isa; /* problem state has what the compatible processor has */
static u64 *page; /* at PLACE, as a test maps it */

/* How a piece of code is run. */
static struct {
	u64 msr, offset;
	const char *name;
} mode;

static u64 area[64] __attribute__((aligned(4096)));

static const u8 *there(const void *p)
{
	return (const u8 *)((u64)p + mode.offset);
}

static bool user(void)
{
	return mode.msr & MSR_PR;
}

/* Runs @code with R3 and more bits in the MSR, and checks what every interrupt has in common. */
static bool raises(const char *sentence, const u8 *code, u64 bits, u64 r3, unsigned offset,
		   u64 vector, u64 cause)
{
	bool ok;

	mtspr(SPR_DAR, MARK);
	mtspr(SPR_DSISR, MARK & 0x7fffffff);
	run(there(code), mode.msr | bits, r3, 0x4444, 0, 0);
	ok = check_caught(sentence, vector, there(code), offset, mode.msr | bits, cause);
	ok &= check_equal(ENTRY, caught.msr, MSR_BARE, "MSR");
	if (vector != 0x300 && vector != 0x380 && vector != 0x600)
		ok &= check_equal(UNTOUCHED, caught.dar, MARK, "DAR");
	if (vector != 0x300 && vector != 0x380 && vector != 0x600)
		ok &= check_equal(UNTOUCHED, caught.dsisr, MARK & 0x7fffffff, "DSISR");
	if (!ok)
		print("# %s, vector 0x%lx\n", mode.name, vector);
	return ok;
}

/* Code whose second instruction is privileged, and that ends with a trap. */
static void refused_to_users(const char *sentence, const u8 *code)
{
	if (user())
		raises(sentence, code, 0, 0, 4, 0x700, PRIVILEGED);
	else
		raises(sentence, code, 0, 0, 8, 0x700, TRAPPED);
}

/* ---- caused by the instruction itself ---- */

CODE(illegal, "nop; .long 0");
CODE(read_msr, "nop; mfmsr 3; trap");
CODE(trap_if, "twi 31,3,0");
CODE(divide, "mtfsb1 27; lfd 1,0(3); fdiv 2,1,1; trap");
CODE(invalid, "mtfsb1 24; lfd 1,0(3); fdiv 2,1,1; trap"); /* VE */
CODE(set_msr, "mtmsrd 3; li 3,0; trap");
CODE(set_msr_word, "mtmsr 3; li 3,0; trap");
CODE(clear_float, "lfd 0,0(3); mtfsf 255,0; trap");
CODE(reserve, "nop; lwarx 4,0,3; trap");
CODE(conditional, "nop; stdcx. 4,0,3; trap");
CODE(float_add, "nop; fadd 1,2,3; trap");
CODE(vector_add, "nop; vadduwm 1,2,3; trap");
CODE(vsx_or, "nop; xxlor 1,2,3; trap");
CODE(read_tar, "nop; mfspr 3,815; trap");
CODE(read_dscr, "nop; mfspr 3,3; trap");
CODE(read_ebb, "nop; mfspr 3,804; trap");
CODE(call, "nop; sc; trap");
CODE(call_vectored, "nop; .long 0x44000001; trap"); /* scv 0 */
CODE(call_hypervisor, "nop; sc 1; trap");
CODE(add, "addi 3,3,1; trap");
CODE(load, "ld 4,0(3); trap");
CODE(store, "std 4,0(3); trap");
CODE(wait_here, "b .");
CODE(hypervisor_return, "nop; .long 0x4c000224; trap"); /* hrfid */
CODE(doze, "nop; .long 0x4c000324; trap");
CODE(nap, "nop; .long 0x4c000364; trap");
CODE(sleep, "nop; .long 0x4c0003a4; trap");
CODE(rvwinkle, "nop; .long 0x4c0003e4; trap");
CODE(stop, "nop; .long 0x4c0002e4; trap");
CODE(begin_transaction, "nop; .long 0x7c00051d; trap"); /* tbegin. */
CODE(read_hypervisors, "li 3,7; mfspr 3,314; trap"); /* HSRR0 */

/* FPSCR[FEX] is 1 already when FE0, FE1 or both become 1. */
static void test_late_float(void)
{
	const u64 bits[] = { MSR_FE, MSR_FE0, MSR_FE1 };

	run(invalid, MSR_BARE | MSR_FP, (u64)area, 0, 0, 0);
	check_caught(FLOAT_LATE, 0x700, invalid, 12, MSR_BARE | MSR_FP, TRAPPED);
	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
		const u64 msr = mode.msr | bits[i];

		raises(FLOAT_LATE, add, bits[i], 0, 0, 0x700, FLOAT_ENABLED | SUBSEQUENT);
		check_equal(FLOAT_LATE, caught.gpr[3], 0, "R3");
		if (user())
			continue;
		for (unsigned insn = 0; insn < 2; insn++) {
			const u8 *code = insn ? set_msr : set_msr_word;

			run(there(code), mode.msr, msr, 0, 0, 0);
			check_caught(FLOAT_LATE, 0x700, there(code), 4, msr,
				     FLOAT_ENABLED | SUBSEQUENT);
			check_equal(FLOAT_LATE, caught.gpr[3], msr, "R3");
			check_equal(ENTRY, caught.msr, MSR_BARE, "MSR");
		}
	}
	run(clear_float, MSR_BARE | MSR_FP, (u64)area, 0, 0, 0);
	raises(FLOAT_LATE, add, MSR_FE, 0, 4, 0x700, TRAPPED);
}

static void test_program(void)
{
	const u64 data = (u64)there(area);

	raises(PROGRAM, illegal, 0, 0, 4, 0x700, ILLEGAL);
	raises(PROGRAM, trap_if, 0, 0, 0, 0x700, TRAPPED);
	refused_to_users(PROGRAM, read_msr);

	memset(area, 0, sizeof(area));
	raises(FLOAT, invalid, MSR_FP | MSR_FE, data, 8, 0x700, FLOAT_ENABLED);
	run(clear_float, MSR_BARE | MSR_FP, (u64)area, 0, 0, 0);
	raises(FLOAT, invalid, MSR_FP, data, 12, 0x700, TRAPPED);
	run(clear_float, MSR_BARE | MSR_FP, (u64)area, 0, 0, 0);
	raises(FLOAT, divide, MSR_FP | MSR_FE, data, 12, 0x700, TRAPPED); /* ZE: 0/0 is another */
	run(clear_float, MSR_BARE | MSR_FP, (u64)area, 0, 0, 0);
	test_late_float();

	raises(ALIGNMENT, reserve, 0, data + 2, 4, 0x600, 0);
	check_equal(ALIGNMENT, caught.dar, data + 2, "DAR");
	check_equal(ALIGNMENT, caught.gpr[4], 0x4444, "R4");
	raises(ALIGNMENT, conditional, 0, data + 4, 4, 0x600, 0);
	check_equal(ALIGNMENT, caught.dar, data + 4, "DAR");
}

static void withheld(const u8 *code, unsigned bit)
{
	const u64 kept = mfspr(SPR_FSCR);

	mtspr(SPR_FSCR, kept & ~(1ull << bit));
	raises(FACILITY, code, 0, 0, user() ? 4 : 8, user() ? 0xf60 : 0x700, user() ? 0 : TRAPPED);
	if (user())
		check_equal(FACILITY, mfspr(SPR_FSCR) >> SPR_FSCR_IC_SHIFT, bit, "FSCR[IC]");
	mtspr(SPR_FSCR, kept | 1ull << bit);
	raises(FACILITY, code, 0, 0, 8, 0x700, TRAPPED);
	mtspr(SPR_FSCR, kept);
}

static void test_facilities(void)
{
	raises(FACILITY, float_add, MSR_VEC | MSR_VSX, 0, 4, 0x800, 0);
	raises(FACILITY, vector_add, MSR_FP | MSR_VSX, 0, 4, 0xf20, 0);
	raises(FACILITY, vsx_or, MSR_FP | MSR_VEC, 0, 4, 0xf40, 0);
	raises(FACILITY, vsx_or, MSR_VSX, 0, 8, 0x700, TRAPPED);
	withheld(read_tar, FSCR_TAR);
	withheld(read_dscr, FSCR_DSCR);
	withheld(read_ebb, FSCR_EBB);
}

static void test_calls(void)
{
	const u64 kept = mfspr(SPR_FSCR);

	raises(CALLS, call, 0, 0, 8, 0xc00, 0);
	if (user() && translation == HASH)
		raises(CALLS, call_hypervisor, 0, 0, 8, 0xc00, 0);
	else if (user())
		raises(CALLS, call_hypervisor, 0, 0, 4, 0x700, PRIVILEGED);

	if ((user() ? users_isa : isa) < 300) {
		raises(CALLS, call_vectored, 0, 0, 4, 0x700, ILLEGAL);
		return;
	}
	mtspr(SPR_FSCR, kept & ~(1ull << FSCR_SCV));
	raises(CALLS, call_vectored, 0, 0, 4, 0xf60, 0);
	check_equal(CALLS, mfspr(SPR_FSCR) >> SPR_FSCR_IC_SHIFT, FSCR_SCV, "FSCR[IC]");
	mtspr(SPR_FSCR, kept | 1ull << FSCR_SCV);
	run(there(call_vectored), mode.msr, 0, 0, 0, 0);
	check_equal(CALLS, caught.vector, 0x3000, "vector of scv");
	check_equal(CALLS, caught.lr, (u64)there(call_vectored) + 8, "LR of scv");
	check_equal(CALLS, caught.ctr, mode.msr, "CTR of scv");
	/* The only one that leaves ME and RI, and EE, as they are. */
	check_equal(CALLS, caught.msr, MSR_BARE | (mode.msr & (MSR_EE | MSR_RI)), "MSR in scv");
	mtspr(SPR_FSCR, kept);
}

static void test_trace(void)
{
	raises(TRACE, add, MSR_SE, 0, 4, 0xd00, TRACED);
	raises(TRACE, load, MSR_SE, (u64)there(area), 4, 0xd00, TRACED | TRACED_LOAD);
	raises(TRACE, store, MSR_SE, (u64)there(area), 4, 0xd00, TRACED | TRACED_STORE);
}

/* ---- from outside ---- */

#define SERVER 0
#define ASKING 4
#define QUIET  0xff

static void take_ipi(void)
{
	u64 regs[10] = { H_XIRR };

	hcall(regs);
	hcall4(H_IPI, SERVER, QUIET, 0, 0);
	hcall4(H_EOI, regs[1], 0, 0, 0);
}

static void test_outside(void)
{
	uses_decrementer = true;
	if (!(mode.msr & MSR_PR)) { /* problem state has EE */
		mtspr(SPR_DEC, -1);
		raises(TIMER, add, 0, 0, 4, 0x700, TRAPPED);
	}
	mtspr(SPR_DEC, 3000);
	raises(TIMER, wait_here, MSR_EE, 0, 0, 0x900, 0);
	uses_decrementer = false;
	park_decrementer();

	hcall4(H_CPPR, QUIET, 0, 0, 0);
	hcall4(H_IPI, SERVER, ASKING, 0, 0);
	if (!(mode.msr & MSR_PR))
		raises(EXTERNAL, add, 0, 0, 4, 0x700, TRAPPED);
	raises(EXTERNAL, wait_here, MSR_EE, 0, 0, 0x500, 0);
	take_ipi();
}

static void test_idle(void)
{
	const u8 *const power8[] = { doze, nap, sleep, rvwinkle };

	for (unsigned i = 0; i < ARRAY_SIZE(power8); i++)
		raises(IDLE, power8[i], 0, 0, 4, 0x700, isa < 300 ? PRIVILEGED : ILLEGAL);
	raises(IDLE, stop, 0, 0, 4, 0x700, (user() ? users_isa : isa) < 300 ? ILLEGAL : PRIVILEGED);
}

static void test_hypervisor(void)
{
	raises(HYPERVISOR, begin_transaction, 0, 0, 4, 0x700, ILLEGAL);
	raises(HYPERVISOR, hypervisor_return, 0, 0, 4, 0x700, PRIVILEGED);
	refused_to_users(HYPERVISOR, read_hypervisors);
}

/* ---- storage ---- */

/* What PLACE may be, for both ways to translate. */
enum rights {
	NOTHING,
	KERNELS,
	READ_ONLY,
	ALL,
	NO_CODE,
};

static void place(enum rights rights)
{
	static const u64 radix[] = {
		[KERNELS] = PTE_KERNEL,
		[READ_ONLY] = PTE_READ,
		[ALL] = PTE_USER,
		[NO_CODE] = PTE_READ | PTE_WRITE,
	};
	static const u64 hash[] = {
		[KERNELS] = HPTE_PRIVILEGED,
		[READ_ONLY] = HPTE_READ_ONLY | HPTE_NO_EXECUTE,
		[ALL] = HPTE_USER,
		[NO_CODE] = HPTE_USER | HPTE_NO_EXECUTE,
	};

	if (translation == HASH) {
		hash_unmap(PLACE);
		if (rights != NOTHING)
			hash_map(PLACE, (u64)page, hash[rights]);
		return;
	}
	if (rights == NOTHING)
		*radix_pte(0, PLACE) = 0;
	else
		radix_map(0, PLACE, (u64)page, radix[rights] | PTE_R | PTE_C);
	radix_invalidate(0, PLACE);
}

static void data(const char *sentence, const u8 *code, u64 ea, u32 dsisr)
{
	if (!dsisr) {
		raises(sentence, code, 0, ea, 4, 0x700, TRAPPED);
		return;
	}
	if (!raises(sentence, code, 0, ea, 0, 0x300, 0) |
	    !check_equal(sentence, caught.dsisr, dsisr, "DSISR") |
	    !check_equal(sentence, caught.dar, ea, "DAR"))
		print("# DSISR 0x%x\n", dsisr);
}

static void fetch(const char *sentence, u64 cause)
{
	run((void *)PLACE, mode.msr, 0, 0, 0, 0);
	if (cause)
		check_caught(sentence, 0x400, (void *)PLACE, 0, mode.msr, cause);
	else
		check_caught(sentence, 0x700, (void *)PLACE, 0, mode.msr, TRAPPED);
}

static void test_storage(void)
{
	const u64 ea = PLACE + 0x128;

	place(NOTHING);
	data(DATA, load, ea, DSISR_NO_PTE);
	data(DATA, store, ea, DSISR_NO_PTE | DSISR_STORE);
	fetch(FETCH, DSISR_NO_PTE);
	place(ALL);
	data(DATA, load, ea, 0);
	data(DATA, store, ea, 0);
	fetch(FETCH, 0);
	place(KERNELS);
	data(DATA, load, ea, user() ? DSISR_PROTECTION : 0);
	data(DATA, store, ea, user() ? DSISR_PROTECTION | DSISR_STORE : 0);
	fetch(FETCH, user() ? DSISR_PROTECTION : 0);
	place(READ_ONLY);
	data(DATA, load, ea, 0);
	data(DATA, store, ea, DSISR_PROTECTION | DSISR_STORE);
	fetch(FETCH, SRR1_NO_EXECUTE);
	place(NO_CODE);
	data(DATA, store, ea, 0);
	fetch(FETCH, SRR1_NO_EXECUTE);
}

#define KEY_BITS(key)  (((u64)(key) >> 3) << 60 | ((u64)(key)&7) << 9) /* of an entry */
#define KEY_SHIFT(key) (62 - 2 * (key)) /* in AMR and IAMR */
#define KEY_NO_STORE   2ull
#define KEY_NO_LOAD    1ull
#define KEY_NO_EXECUTE 1ull
#define DSISR_KEY      0x200000u /* in SRR1, too */

/* The page is entered anew: QEMU 10 looks at the registers only when it translates. */
static void refuse(u64 rights, unsigned key, u64 amr, u64 iamr)
{
	mtspr(SPR_AMR, amr);
	mtspr(SPR_IAMR, iamr);
	hash_unmap(PLACE);
	hash_map(PLACE, (u64)page, rights | KEY_BITS(key));
}

/* @more: what the page's rights refuse, which is told besides */
static void keyed(u64 rights, unsigned key, u32 more)
{
	const u64 ea = PLACE + 0x128, all = 3ull << KEY_SHIFT(key);
	const u64 other_fetches = 0x1555555555555555 & ~all; /* but of key 0, which the code has */

	refuse(rights, key, KEY_NO_STORE << KEY_SHIFT(key), 0);
	data(KEYS, load, ea, more);
	data(KEYS, store, ea, DSISR_KEY | DSISR_STORE | more);
	fetch(KEYS, more);
	refuse(rights, key, KEY_NO_LOAD << KEY_SHIFT(key), 0);
	data(KEYS, load, ea, DSISR_KEY | more);
	data(KEYS, store, ea, more ? more | DSISR_STORE : 0);
	fetch(KEYS, more);
	refuse(rights, key, ~all, KEY_NO_EXECUTE << KEY_SHIFT(key));
	data(KEYS, load, ea, more);
	data(KEYS, store, ea, more ? more | DSISR_STORE : 0);
	fetch(KEYS, DSISR_KEY | more);
	refuse(rights, key, 0, other_fetches);
	fetch(KEYS, more);
	refuse(rights, key, 0, 0);
}

static void test_keys(void)
{
	static const u8 keys[] = { 5, 21, 31 };

	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
		keyed(HPTE_USER, keys[i], 0);
		if (user())
			keyed(HPTE_PRIVILEGED, keys[i], DSISR_PROTECTION);
	}
}

static void test_segments(void)
{
	const u64 ea = translation == HASH ? NOWHERE : 0x4000000000000000;

	raises(SEGMENT, load, 0, ea, 0, 0x380, 0);
	check_equal(SEGMENT, caught.dar, ea, "DAR");
	raises(SEGMENT, store, 0, ea + 8, 0, 0x380, 0);
	check_equal(SEGMENT, caught.dar, ea + 8, "DAR");
	run((void *)ea, mode.msr, 0, 0, 0, 0);
	check_caught(SEGMENT, 0x480, (void *)ea, 0, mode.msr, 0);
}

/* ---- all of it, in each mode ---- */

static void test_mode(const char *name, u64 msr, u64 offset)
{
	mode.name = name;
	mode.msr = msr;
	mode.offset = offset;
	test_program();
	test_facilities();
	test_calls();
	test_trace();
	test_outside();
	test_hypervisor();
	test_idle();
	if (!(msr & MSR_DR))
		return;
	test_storage();
	if (translation == HASH)
		test_keys();
	test_segments();
}

static void start_hash(void)
{
	translation = HASH;
	hash_map_users_code();
	hash_segment(2, PLACE, false);
}

static void start_radix(void)
{
	translation = RADIX;
	radix_start();
	radix_map_users_code(0, PTE_USER | PTE_R | PTE_C);
}

static void test_translated(const char *privileged, const char *problem_state)
{
	print("# %s\n", privileged);
	test_mode(privileged, MSR_BARE | MSR_IR | MSR_DR, 0);
	test_mode(problem_state, MSR_BARE | MSR_IR | MSR_DR | MSR_PR | MSR_EE, USER_CODE);
}

static bool radix_offered(void)
{
	u32 len;

	return fdt_property(cpu_node(), "ibm,processor-radix-AP-encodings", &len);
}

void payload(void)
{
	const u64 version = mfspr(287) >> 16;

	interrupts_in_own_endian();
	on_interrupt = leave_run;
	isa = version == 0x80 || version == 0x82 ? 310 : version == 0x4e ? 300 : 207;
	users_isa = fdt_u32(cpu_node(), "cpu-version") == VERSION_2_07 ? 207 : isa;
	page = radix_page();
	*(u32 *)page = 0x7fe00008; /* trap */
	flush_code(page);
	test_mode("real mode", MSR_BARE, 0);
	test_mode("real mode, RI", MSR_BARE | MSR_RI, 0);
	if (hash_start()) {
		start_hash();
		test_translated("hash, privileged", "hash, problem state");
	}
	if (radix_offered()) {
		start_radix();
		test_translated("radix, privileged", "radix, problem state");
	}
	check(DATA, translation != REAL, "the device tree offers a translation");
}
