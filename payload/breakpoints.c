/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CIABR and DAWR, which a partition sets by H_SET_MODE. Power ISA 3.1B, Book III chapter 10; LoPAR
 * section "H_SET_MODE".
 */
#include "payload.h"

#define AFTER	  "a_trace_interrupt_follows_the_instruction_that_ciabr_names_each_time_it_completes"
#define SRR1_IS	  "srr1_bits_33_and_43_tell_that_ciabr_asked_and_bits_35_and_36_a_load_and_a_store"
#define OFF	  "ciabr_with_state_0_breaks_nowhere"
#define STATES	  "ciabr_and_dawr_wait_in_the_states_that_they_name"
#define OTHER	  "no_trace_interrupt_follows_an_instruction_that_raised_another_one_or_a_return"
#define WITH_SE	  "msr_se_and_ciabr_together_raise_one_trace_interrupt"
#define WATCH	  "an_access_that_dawr_waits_for_raises_0x300_with_dsisr_bit_41_and_has_no_effect"
#define WATCH_DAR "dar_is_the_first_byte_of_the_access_that_is_watched"
#define KINDS	  "dawrx_says_whether_loads_or_stores_are_watched"
#define RANGE	  "a_byte_of_a_doubleword_in_the_range_is_enough_and_one_beside_it_is_not"
#define BLOCKS	  "before_isa_3_1_the_range_ends_at_a_block_of_512_bytes"
#define MODES	  "dawrx_says_whether_accesses_with_translation_or_without_are_watched"
#define SECOND	  "a_processor_of_isa_3_1_has_a_second_dawr_and_the_device_tree_says_so"
#define CODES	  "h_set_mode_refuses_the_hypervisors_state_and_flags"

const char *const sentences[] = { AFTER, SRR1_IS, OFF,	  STATES, OTHER,  WITH_SE, WATCH, WATCH_DAR,
				  KINDS, RANGE,	  BLOCKS, MODES,  SECOND, CODES,   NULL };

enum {
	CIABR = 1,
	DAWR0 = 2,
	DAWR1 = 5,
};

#define PROBLEM_STATE	1u
#define PRIVILEGED_CODE 2u

#define DAWRX_WRITE	 0x40u
#define DAWRX_READ	 0x20u
#define DAWRX_WT	 0x10u
#define DAWRX_WTI	 0x08u
#define DAWRX_PRIVILEGED 0x02u
#define DAWRX_PROBLEM	 0x01u
#define DOUBLEWORDS(n)	 ((n)-1u) << 10
#define WATCH_ANY	 (DAWRX_READ | DAWRX_WRITE | DAWRX_WTI | DAWRX_PRIVILEGED)

#define BY_CIABR 0x00100000ull

#define DSISR_WATCHED 0x00400000u

#define USER   (MSR_BARE | MSR_IR | MSR_DR | MSR_PR | MSR_EE)
#define KERNEL (MSR_BARE | MSR_IR | MSR_DR)

#define PA_FEATURES_DAWR1 66

static u64 area[1024] __attribute__((aligned(4096)));
static bool isa_3_1, has_radix;

static s64 set(unsigned resource, u64 value, u64 extension)
{
	return hcall4(H_SET_MODE, 0, resource, value, extension);
}

static void off(void)
{
	set(CIABR, 0, 0);
	set(DAWR0, 0, 0);
	set(DAWR1, 0, 0);
}

/* ---- CIABR ---- */

#define MAX_STEPS 16

static struct {
	u64 srr0, srr1;
} steps[MAX_STEPS];
static unsigned nr_steps;

/* Notes trace interrupts; any other one ends run(). */
static void note(struct frame *frame)
{
	if (frame->vector != 0xd00) {
		leave_run(frame);
		return;
	}
	if (nr_steps == MAX_STEPS)
		bail_out("too many trace interrupts");
	steps[nr_steps].srr0 = frame->srr0;
	steps[nr_steps++].srr1 = frame->srr1;
}

CODE(loop, "li 3,0\n"
	   "li 5,3\n"
	   "mtctr 5\n"
	   "1: addi 3,3,1\n" /* 12 */
	   "ld 6,0(4)\n" /* 16 */
	   "std 3,8(4)\n" /* 20 */
	   "bdnz 1b\n" /* 24 */
	   "mulli 3,3,7\n"
	   "trap");

/* @times: interrupts after the instruction at @offset, at @next */
static void break_at(u64 msr, unsigned offset, unsigned times, unsigned next, u64 kind)
{
	const u8 *code = msr & MSR_PR ? users_code(loop) : loop;

	nr_steps = 0;
	check_equal(AFTER, (u64)set(CIABR, (u64)(code + offset) | (msr & MSR_PR ? 1 : 2), 0), 0,
		    "H_SET_MODE");
	run(code, msr, 0, msr & MSR_PR ? USER_CODE + (u64)area : (u64)area, 0, 0);
	off();
	check_equal(AFTER, nr_steps, times, "trace interrupts");
	for (unsigned i = 0; i < nr_steps; i++) {
		/* The last turn of a loop leaves it. */
		check_equal(AFTER, steps[i].srr0 - (u64)code,
			    next == 12 && i == times - 1 ? offset + 4 : next, "offset of SRR0");
		check_equal(SRR1_IS, steps[i].srr1, msr | TRACED | BY_CIABR | kind, "SRR1");
	}
	check_equal(AFTER, caught.vector, 0x700, "last vector");
	check_equal(AFTER, caught.gpr[3], 21, "R3");
}

CODE(calls, "sc; trap");
CODE(returns, "mtsrr0 4; mtsrr1 5; rfid; trap");
CODE(target, "li 3,7; trap");

static void test_ciabr(void)
{
	on_interrupt = note;
	break_at(MSR_BARE, 0, 1, 4, 0);
	break_at(MSR_BARE, 12, 3, 16, 0);
	break_at(MSR_BARE, 16, 3, 20, TRACED_LOAD);
	break_at(MSR_BARE, 20, 3, 24, TRACED_STORE);
	break_at(MSR_BARE, 24, 3, 12, 0);
	break_at(MSR_BARE, 28, 1, 32, 0);
	check_equal(AFTER, area[1], 3, "what was stored");

	nr_steps = 0;
	set(CIABR, (u64)loop + 12, 0);
	run(loop, MSR_BARE, 0, (u64)area, 0, 0);
	check_equal(OFF, nr_steps, 0, "trace interrupts");
	set(CIABR, (u64)loop + 12 + PROBLEM_STATE, 0);
	run(loop, MSR_BARE, 0, (u64)area, 0, 0);
	check_equal(STATES, nr_steps, 0, "trace interrupts of privileged code");
	check_equal(STATES, caught.gpr[3], 21, "R3");

	set(CIABR, (u64)calls + PRIVILEGED_CODE, 0);
	run(calls, MSR_BARE, 0, 0, 0, 0);
	check_caught(OTHER, 0xc00, calls, 4, MSR_BARE, 0);
	set(CIABR, (u64)calls + 4 + PRIVILEGED_CODE, 0);
	run(calls + 4, MSR_BARE, 0, 0, 0, 0);
	check_caught(OTHER, 0x700, calls, 4, MSR_BARE, TRAPPED);
	set(CIABR, (u64)returns + 8 + PRIVILEGED_CODE, 0);
	run(returns, MSR_BARE, 0, (u64)target, MSR_BARE, 0);
	check_caught(OTHER, 0x700, target, 4, MSR_BARE, TRAPPED);
	check_equal(OTHER, nr_steps, 0, "trace interrupts");

	set(CIABR, (u64)target + PRIVILEGED_CODE, 0);
	run(target, MSR_BARE | MSR_SE, 0, 0, 0, 0);
	check_equal(WITH_SE, nr_steps, 1, "trace interrupts");
	check_equal(WITH_SE, steps[0].srr1, MSR_BARE | MSR_SE | TRACED | BY_CIABR, "SRR1");
	off();
	nr_steps = 0;
	run(target, MSR_BARE | MSR_SE, 0, 0, 0, 0);
	check_equal(WITH_SE, steps[0].srr1, MSR_BARE | MSR_SE | TRACED, "SRR1 without CIABR");
	nr_steps = 0;
}

/* ---- DAWR ---- */

CODE(load_byte, "lbz 5,0(4); trap");
CODE(load_double, "ld 5,0(4); trap");
CODE(store_byte, "stb 3,0(4); trap");
CODE(store_double, "std 3,0(4); trap");
CODE(zero_block, "dcbz 0,4; trap");
CODE(reserve, "ldarx 5,0,4; trap");

/* @ea: of the access; @dar 0: it is not watched. */
static void access(const char *sentence, const u8 *code, u64 msr, u64 ea, u64 dar)
{
	const bool store = code == store_byte || code == store_double || code == zero_block;

	if (msr & MSR_PR)
		code = users_code(code);
	run(code, msr, 0x3333333333333333, ea, 0x5555, 0);
	if (!dar) {
		check_caught(sentence, 0x700, code, 4, msr, TRAPPED);
		return;
	}
	check_caught(sentence, 0x300, code, 0, msr, 0);
	check_equal(WATCH, caught.dsisr, DSISR_WATCHED | (store ? DSISR_STORE : 0), "DSISR");
	check_equal(WATCH, caught.gpr[5], 0x5555, "R5");
	check_equal(WATCH_DAR, caught.dar, dar, "DAR");
}

static void watch(unsigned resource, u64 at, u64 dawrx)
{
	check_equal(WATCH, (u64)set(resource, at, dawrx), 0, "H_SET_MODE");
}

static void test_kinds(unsigned resource)
{
	const u64 at = (u64)area + 0x100;

	memset(area, 0, sizeof(area));
	watch(resource, at, WATCH_ANY);
	access(WATCH, load_double, MSR_BARE, at, at);
	access(WATCH, store_double, MSR_BARE, at, at);
	access(WATCH, reserve, MSR_BARE, at, at);
	access(WATCH, zero_block, MSR_BARE, at & ~127ull, at);
	off();
	check_equal(WATCH, area[0x20], 0, "the doubleword in memory");
	watch(resource, at, WATCH_ANY & ~DAWRX_WRITE);
	access(KINDS, load_double, MSR_BARE, at, at);
	access(KINDS, store_double, MSR_BARE, at, 0);
	watch(resource, at, WATCH_ANY & ~DAWRX_READ);
	access(KINDS, load_double, MSR_BARE, at, 0);
	access(KINDS, store_double, MSR_BARE, at, at);
	watch(resource, at, WATCH_ANY & ~(DAWRX_READ | DAWRX_WRITE));
	access(KINDS, load_double, MSR_BARE, at, 0);
	access(KINDS, store_double, MSR_BARE, at, 0);
	watch(resource, at, (WATCH_ANY & ~DAWRX_PRIVILEGED) | DAWRX_PROBLEM);
	access(STATES, load_double, MSR_BARE, at, 0);

	watch(resource, at, WATCH_ANY & ~DAWRX_WTI);
	access(MODES, load_double, MSR_BARE, at, at);
	watch(resource, at, (WATCH_ANY & ~DAWRX_WTI) | DAWRX_WT);
	access(MODES, load_double, MSR_BARE, at, 0);
	off();
	access(KINDS, load_double, MSR_BARE, at, 0);
	access(KINDS, store_double, MSR_BARE, at, 0);
}

static void test_range(unsigned resource)
{
	const u64 at = (u64)area + 0x100, edge = (u64)area + 0x1f8, page = (u64)area + 0x1000;

	watch(resource, at, WATCH_ANY);
	access(RANGE, load_byte, MSR_BARE, at + 7, at + 7);
	access(RANGE, load_byte, MSR_BARE, at + 8, 0);
	access(RANGE, store_byte, MSR_BARE, at - 1, 0);
	access(RANGE, store_double, MSR_BARE, at - 7, at);
	access(RANGE, load_double, MSR_BARE, at - 8, 0);
	/* The last three bits of DAWR count for nothing. */
	watch(resource, at + 5, WATCH_ANY);
	access(RANGE, load_byte, MSR_BARE, at, at);
	watch(resource, at, WATCH_ANY | DOUBLEWORDS(4));
	access(RANGE, store_byte, MSR_BARE, at + 31, at + 31);
	access(RANGE, store_byte, MSR_BARE, at + 32, 0);
	watch(resource, edge, WATCH_ANY | DOUBLEWORDS(2));
	access(BLOCKS, load_byte, MSR_BARE, edge + 7, edge + 7);
	access(BLOCKS, load_byte, MSR_BARE, edge + 8, isa_3_1 ? edge + 8 : 0);
	access(BLOCKS, load_byte, MSR_BARE, edge + 16, 0);
	watch(resource, (u64)area, WATCH_ANY | DOUBLEWORDS(64));
	access(BLOCKS, load_byte, MSR_BARE, (u64)area + 511, (u64)area + 511);
	access(BLOCKS, load_byte, MSR_BARE, (u64)area + 512, 0);
	/* An access into a second page, where the range begins. */
	watch(resource, page, WATCH_ANY);
	access(RANGE, load_double, MSR_BARE, page - 4, page);
	access(RANGE, load_double, MSR_BARE, page - 8, 0);
	off();
}

static void test_both(void)
{
	const u64 a = (u64)area + 0x100, b = (u64)area + 0x800;

	watch(DAWR0, a, WATCH_ANY);
	watch(DAWR1, b, WATCH_ANY);
	access(SECOND, load_byte, MSR_BARE, a, a);
	access(SECOND, load_byte, MSR_BARE, b, b);
	set(DAWR0, 0, 0);
	access(SECOND, load_byte, MSR_BARE, a, 0);
	access(SECOND, load_byte, MSR_BARE, b, b);
	off();
}

/* Problem state, and translation, which is by radix here. */
static void test_translated(void)
{
	const u64 at = (u64)area + 0x100, users = USER_CODE + at;

	radix_start();
	radix_map_users_code(0, PTE_USER);
	break_at(USER, 16, 3, 20, TRACED_LOAD);
	break_at(USER, 20, 3, 24, TRACED_STORE);
	break_at(KERNEL, 24, 3, 12, 0);
	nr_steps = 0;
	set(CIABR, (u64)users_code(loop) + 12 + PRIVILEGED_CODE, 0);
	run(users_code(loop), USER, 0, (u64)area + USER_CODE, 0, 0);
	check_equal(STATES, nr_steps, 0, "trace interrupts of problem state");

	watch(DAWR0, users, DAWRX_READ | DAWRX_WRITE | DAWRX_WT | DAWRX_PROBLEM);
	access(STATES, load_double, USER, users, users);
	access(STATES, store_byte, USER, users + 3, users + 3);
	access(STATES, load_double, KERNEL, users, 0);
	access(STATES, load_double, KERNEL, at, 0);
	watch(DAWR0, users, WATCH_ANY);
	access(STATES, load_double, USER, users, 0);
	access(STATES, load_double, KERNEL, users, users);
	watch(DAWR0, at, WATCH_ANY & ~DAWRX_WTI);
	access(MODES, load_double, KERNEL, at, 0);
	access(MODES, load_double, MSR_BARE, at, at);
	watch(DAWR0, at, (WATCH_ANY & ~DAWRX_WTI) | DAWRX_WT);
	access(MODES, load_double, KERNEL, at, at);
	access(MODES, load_double, MSR_BARE, at, 0);
	off();
}

static void test_codes(void)
{
	check_equal(CODES, (u64)set(CIABR, (u64)loop | 3, 0), (u64)H_P3, "hypervisor's CIABR");
	check_equal(CODES, (u64)set(CIABR, (u64)loop | 2, 1), (u64)H_P4, "CIABR with a value 2");
	check_equal(CODES, (u64)set(DAWR0, (u64)area, WATCH_ANY | 4), (u64)H_P4,
		    "hypervisor's DAWR");
	check_equal(CODES, hcall4(H_SET_MODE, 1, DAWR0, 0, 0) < 0, 1, "flags");
	check_equal(CODES, hcall4(H_SET_MODE, 1, CIABR, 0, 0) < 0, 1, "flags");
	access(CODES, load_double, MSR_BARE, (u64)area, 0);
}

static bool tree_has_dawr1(void)
{
	u32 len;
	const u8 *features = fdt_property(cpu_node(), "ibm,pa-features", &len);

	return len > PA_FEATURES_DAWR1 && features[PA_FEATURES_DAWR1] & 0x80;
}

void payload(void)
{
	const u64 version = mfspr(287) >> 16;
	const bool dawr1 = tree_has_dawr1();

	interrupts_in_own_endian();
	isa_3_1 = version == 0x80 || version == 0x82;
	has_radix = version == 0x4e || isa_3_1;
	test_ciabr();
	test_kinds(DAWR0);
	test_range(DAWR0);
	test_codes();
	check(SECOND, isa_3_1 || !dawr1, "the device tree tells of DAWR1");
	if (dawr1) {
		test_kinds(DAWR1);
		test_range(DAWR1);
		test_both();
	} else {
		check_equal(SECOND, (u64)set(DAWR1, (u64)area, WATCH_ANY), (u64)H_P2,
			    "H_SET_MODE of DAWR1");
		access(SECOND, load_double, MSR_BARE, (u64)area, 0);
	}
	if (has_radix)
		test_translated();
}
