/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hypervisor calls of an ill-behaved guest. LoPAR chapter "Hypervisor Call Functions", table
 * "Hypervisor Call Return Code Values". Half of the proof is that the program survives.
 */
#include "payload.h"

#define UNKNOWN	  "a_number_of_no_hcall_gets_h_function"
#define TERMINAL  "the_terminals_calls_refuse_other_terminals_and_lengths_above_16"
#define ADDRESSES "addresses_outside_of_memory_or_misaligned_are_refused"
#define CPUS	  "cpus_that_do_not_exist_are_refused"
#define MODES	  "resources_and_flags_that_h_set_mode_does_not_have_are_refused"
#define TABLES	  "process_tables_that_cannot_be_are_refused"
#define RANDOM	  "fifty_thousand_random_calls_write_only_where_they_may"
#define ALIVE	  "the_partition_works_as_before_after_all_that"
#define KEEPS	  "an_hcall_keeps_what_it_does_not_return"

const char *const sentences[] = { UNKNOWN, TERMINAL, ADDRESSES, CPUS,  MODES,
				  TABLES,  KEEPS,    RANDOM,	ALIVE, NULL };

enum {
	H_SET_SPRG0 = 0x24,
	H_PAGE_INIT = 0x2c,
	H_LOGICAL_CI_LOAD = 0x3c,
	H_LOGICAL_CI_STORE = 0x40,
	H_REGISTER_VPA = 0xdc,
	H_VIO_SIGNAL = 0x104,
};

#define VPA_SUBFUNCTION(n) ((u64)(n) << (63 - 18))

static u8 scratch[3 * 4096] __attribute__((aligned(4096)));
static unsigned resets;

static void ignore(struct frame *frame)
{
	if (frame->vector != 0x100) {
		leave_run(frame);
		return;
	}
	resets++;
}

static void refused(const char *sentence, u64 number, u64 r4, u64 r5, u64 r6, u64 r7)
{
	if (!check(sentence, hcall4(number, r4, r5, r6, r7) < 0, "it was accepted"))
		print("# hcall 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n", number, r4, r5, r6, r7);
}

static void test_specific(void)
{
	const u64 unknown[] = { 0,
				1,
				2,
				3,
				5,
				0x59,
				0x4,
				0x7ff,
				0xffff,
				0xf004,
				0xdeadbeef,
				1ull << 63,
				~0ull,
				(1ull << 32) | H_PUT_TERM_CHAR,
				0xf000000000000058 };
	const u64 outside[] = { memory_size, memory_size - 1,	~0ull, 1ull << 63, ~0ull << 12,
				1ull << 60,  memory_size + 4096 };

	for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++)
		check_equal(UNKNOWN, (u64)hcall4(unknown[i], 0, 0, 0, 0), (u64)H_FUNCTION,
			    "status");

	check_equal(TERMINAL, (u64)hcall4(H_PUT_TERM_CHAR, 0, 17, 0, 0), (u64)H_PARAMETER,
		    "17 characters");
	check_equal(TERMINAL, (u64)hcall4(H_PUT_TERM_CHAR, 0, ~0ull, 0, 0), (u64)H_PARAMETER,
		    "-1 characters");
	check_equal(TERMINAL, (u64)hcall4(H_PUT_TERM_CHAR, 0, 1ull << 32, 0, 0), (u64)H_PARAMETER,
		    "1 << 32 characters");
	check_equal(TERMINAL, (u64)hcall4(H_PUT_TERM_CHAR, 1, 1, 0, 0), (u64)H_PARAMETER,
		    "terminal 1");
	check_equal(TERMINAL, (u64)hcall4(H_GET_TERM_CHAR, 0x71000001, 0, 0, 0), (u64)H_PARAMETER,
		    "another unit");
	check_equal(TERMINAL, (u64)hcall4(H_PUT_TERM_CHAR, 0x71000000, 0, 0, 0), 0,
		    "no characters");
	refused(TERMINAL, H_VIO_SIGNAL, 0x72000000, 1, 0, 0);

	for (unsigned i = 0; i < ARRAY_SIZE(outside); i++) {
		refused(ADDRESSES, H_LOGICAL_CI_LOAD, 8, outside[i], 0, 0);
		refused(ADDRESSES, H_LOGICAL_CI_STORE, 8, outside[i], 0, 0);
		refused(ADDRESSES, H_PAGE_INIT, 1 << 15, outside[i], 0, 0);
		refused(ADDRESSES, H_PAGE_INIT, 1 << 14, (u64)scratch, outside[i], 0);
		for (unsigned n = 1; n <= 3; n++)
			refused(ADDRESSES, H_REGISTER_VPA, VPA_SUBFUNCTION(n), 0, outside[i], 0);
	}
	refused(ADDRESSES, H_LOGICAL_CI_LOAD, 8, (u64)scratch + 4, 0, 0);
	refused(ADDRESSES, H_LOGICAL_CI_LOAD, 3, (u64)scratch, 0, 0);
	refused(ADDRESSES, H_LOGICAL_CI_LOAD, ~0ull, (u64)scratch, 0, 0);
	refused(ADDRESSES, H_PAGE_INIT, 1 << 15, (u64)scratch + 8, 0, 0);
	refused(ADDRESSES, H_PAGE_INIT, 1, (u64)scratch, 0, 0);
	/* An area whose length field is too small, or that crosses a page boundary. */
	memset(scratch, 0, sizeof(scratch));
	refused(ADDRESSES, H_REGISTER_VPA, VPA_SUBFUNCTION(1), 0, (u64)scratch, 0);
	scratch[0xf80 + 4] = 2;
	scratch[0xf80 + 5] = 0x80;
	refused(ADDRESSES, H_REGISTER_VPA, VPA_SUBFUNCTION(1), 0, (u64)scratch + 0xf80, 0);
	refused(ADDRESSES, H_REGISTER_VPA, VPA_SUBFUNCTION(0), 0, (u64)scratch, 0);
	refused(ADDRESSES, H_REGISTER_VPA, VPA_SUBFUNCTION(4), 0, (u64)scratch, 0);

	refused(CPUS, H_REGISTER_VPA, VPA_SUBFUNCTION(5), nr_cpus, 0, 0);
	refused(CPUS, H_REGISTER_VPA, VPA_SUBFUNCTION(5), ~0ull, 0, 0);
	refused(CPUS, H_PROD, nr_cpus, 0, 0, 0);
	refused(CPUS, H_PROD, 1ull << 32, 0, 0, 0);
	refused(CPUS, H_CONFER, nr_cpus, 0, 0, 0);
	refused(CPUS, H_IPI, nr_cpus, 5, 0, 0);
	refused(CPUS, H_SIGNAL_SYS_RESET, nr_cpus, 0, 0, 0);
	refused(CPUS, H_SIGNAL_SYS_RESET, (u64)-3, 0, 0, 0);
	refused(CPUS, H_SIGNAL_SYS_RESET, 1ull << 63, 0, 0, 0);
	check_equal(CPUS, resets, 0, "system resets that came of it");

	refused(MODES, H_SET_MODE, 0, 0, 0, 0);
	refused(MODES, H_SET_MODE, 0, 6, 0, 0);
	refused(MODES, H_SET_MODE, 0, ~0ull, 0, 0);
	refused(MODES, H_SET_MODE, 2, 4, 0, 0);
	refused(MODES, H_SET_MODE, ~0ull, 4, 0, 0);
	refused(MODES, H_SET_MODE, MSR_LE, 4, 1, 0);
	refused(MODES, H_SET_MODE, MSR_LE, 4, 0, 1);
	refused(MODES, H_SET_MODE, 4, 3, 0, 0);

	refused(TABLES, H_REGISTER_PROCESS_TABLE, 0x1d, memory_size, 0, 0);
	refused(TABLES, H_REGISTER_PROCESS_TABLE, 0x1d, memory_size - 4096, 0, 1);
	refused(TABLES, H_REGISTER_PROCESS_TABLE, 0x1d, (u64)scratch + 8, 0, 0);
	refused(TABLES, H_REGISTER_PROCESS_TABLE, 0x1d, 0, 0, 60);
	refused(TABLES, H_REGISTER_PROCESS_TABLE, 0x1d, ~0ull << 12, 0, 24);
	refused(TABLES, H_REGISTER_PROCESS_TABLE, 0x3d, (u64)scratch, 0, 0);
	refused(TABLES, H_REGISTER_PROCESS_TABLE, 0x1b, (u64)scratch, 0, 0);
	refused(TABLES, H_REGISTER_PROCESS_TABLE, ~0ull, (u64)scratch, 0, 0);
}

/* H_CPPR: its only result is R3. */
CODE(call_it,
     "lis 14,0x1234; lis 15,0x2345; lis 20,0x3456; lis 31,0x4567; mtctr 14; mtlr 15; mtcr 14\n"
     "mr 13,3; li 3,0x68; sc 1; trap");

static void test_keeps(void)
{
	run(call_it, MSR_BARE | MSR_RI, 0x1313, 0, 0, 0);
	check_equal(KEEPS, caught.vector, 0x700, "vector");
	check_equal(KEEPS, caught.gpr[3], 0, "R3");
	check_equal(KEEPS, caught.gpr[13], 0x1313, "R13");
	check_equal(KEEPS, caught.gpr[14], 0x12340000, "R14");
	check_equal(KEEPS, caught.gpr[15], 0x23450000, "R15");
	check_equal(KEEPS, caught.gpr[20], 0x34560000, "R20");
	check_equal(KEEPS, caught.gpr[31], 0x45670000, "R31");
	check_equal(KEEPS, caught.lr, 0x23450000, "LR");
	check_equal(KEEPS, caught.cr, 0x12340000, "CR");
	check_equal(KEEPS, caught.srr1, MSR_BARE | MSR_RI | TRAPPED, "MSR");
}

/* ---- random calls ---- */

static u64 state = 0x123456789abcdef;

static u64 next(u64 limit)
{
	return (random_next(&state) >> 16) % limit;
}

static u64 checksum(void)
{
	return sum_up(sum_up(0, 0x1000, 0x1f00), 0x18000, 0x1b000);
}

static u64 random_argument(void)
{
	const u64 likely[] = { 0,
			       1,
			       2,
			       3,
			       4,
			       8,
			       16,
			       17,
			       0xff,
			       0xff000002,
			       1 << 14,
			       1 << 15,
			       1ull << 31,
			       1ull << 32,
			       1ull << 45,
			       2ull << 45,
			       3ull << 45,
			       5ull << 45,
			       6ull << 45,
			       7ull << 45,
			       1ull << 60,
			       1ull << 63,
			       ~0ull,
			       ~0ull - 1,
			       ~0ull << 12,
			       memory_size,
			       memory_size - 1,
			       memory_size - 8,
			       memory_size - 4096,
			       (u64)scratch,
			       (u64)scratch + 8,
			       (u64)scratch + 4096,
			       (u64)scratch + 128,
			       0x71000000 };

	return likely[next(ARRAY_SIZE(likely))];
}

/* Calls that would end or stop the payload, change how it runs, or fill the console. */
static bool forbidden(const u64 *regs)
{
	return regs[0] == H_CEDE || regs[0] == H_SET_MODE || regs[0] == 0xf000 ||
	       regs[0] == H_PUT_TERM_CHAR ||
	       /* 0x1000 bytes at the vectors */
	       (regs[0] == H_PAGE_INIT && regs[2] < 0x1000);
}

static void test_random(void)
{
	static const u16 known[] = { 0x24,  0x2c,  0x3c,  0x40,	 0x54,	0x64,  0x68, 0x6c,
				     0x70,  0x74,  0xdc,  0xe4,	 0xe8,	0xec,  0xf0, 0xf4,
				     0x104, 0x1c8, 0x2ec, 0x2fc, 0x37c, 0x380, 0x448 };
	u64 before;

	for (unsigned i = 0; i < sizeof(scratch); i++)
		scratch[i] = (u8)(i % 7 ? 0 : next(256));
	before = checksum();
	for (unsigned i = 0; i < 50000; i++) {
		u64 regs[10];

		regs[0] = next(4) ? known[next(ARRAY_SIZE(known))] : 4 * next(0x200);
		for (unsigned j = 1; j < ARRAY_SIZE(regs); j++)
			regs[j] = random_argument();
		if (!forbidden(regs))
			hcall(regs);
	}
	check_equal(RANDOM, checksum(), before, "checksum of the payload");
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = ignore;
	test_specific();
	test_keeps();
	test_random();
	check_equal(ALIVE, (u64)hcall4(H_PUT_TERM_CHAR, 0, 2, 0x230a000000000000, 0), 0,
		    "H_PUT_TERM_CHAR"); /* "#\n" */
	check_equal(ALIVE, (u32)nmi_register((u64)system_reset_routine, (u64)machine_check_routine),
		    0, "ibm,nmi-register");
	run(call_it, MSR_BARE, 0, 0, 0, 0);
	check_equal(ALIVE, caught.vector, 0x700, "vector of a trap");
}
