/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Self-modifying code: written by its own CPU, by another CPU, or by the hypervisor. Power ISA
 * 3.0B, Book II section 1.8.
 */
#include "payload.h"

#define OWN	  "code_written_by_the_own_cpu_is_executed_after_icbi_and_isync"
#define AHEAD	  "an_instruction_written_ahead_in_the_same_run_is_executed_after_isync"
#define IN_LOOP	  "a_loop_that_rewrites_itself_executes_what_it_wrote"
#define OTHER_CPU "a_loop_of_another_cpu_ends_when_its_branch_is_overwritten"
#define BEHIND_FLAG \
	"code_that_another_cpu_writes_before_a_flag_is_executed_behind_the_flag_and_isync"
#define BY_HCALL    "code_that_h_page_init_copies_over_older_code_is_executed"
#define BY_RTAS	    "code_that_nvram_fetch_puts_over_older_code_is_executed"
#define ALIAS	    "code_written_at_one_address_is_executed_at_another_that_maps_the_same_page"
#define BOTH_ORDERS "a_page_of_code_is_executed_in_both_byte_orders"
#define DATA_NEAR   "data_beside_code_in_its_page_is_written_and_read_as_ever"

const char *const sentences[] = { OWN,	   AHEAD, IN_LOOP,     OTHER_CPU, BEHIND_FLAG, BY_HCALL,
				  BY_RTAS, ALIAS, BOTH_ORDERS, DATA_NEAR, NULL };

#define LI_R3 0x38600000u
#define BLR   0x4e800020u

static u32 page[3][1024] __attribute__((aligned(4096)));

static u64 call(const void *code)
{
	register u64 r3 __asm__("r3") = 0xbad;

	__asm__ volatile("mtctr %1; bctrl" : "+r"(r3) : "r"(code) : "ctr", "lr", "memory");
	return r3;
}

static void write_code(u32 *where, unsigned value)
{
	where[0] = LI_R3 | value;
	where[1] = BLR;
	flush_code(where);
}

static void test_own(void)
{
	u32 *code = page[0];

	for (unsigned i = 0; i < 2000; i++) {
		write_code(code, i & 0x7fff);
		check_equal(OWN, call(code), i & 0x7fff, "R3");
		/* The rest of the page is data. */
		code[512 + i % 512] = i;
		check_equal(DATA_NEAR, code[512 + i % 512], i, "a word");
	}
	for (unsigned i = 1; i < 400; i++) {
		write_code(&code[2 * i % 1000], i);
		check_equal(OWN, call(&code[2 * i % 1000]), i, "R3 elsewhere in the page");
	}
}

/* R3 = address of `here`, R4 = instruction to put there. */
CODE(ahead, "addi 6,3,here_behind - ahead\n"
	    "stw 4,0(6); dcbst 0,6; sync; icbi 0,6; sync; isync\n"
	    "here_behind: li 5,1\n"
	    "trap");

/*
 * Each round writes an instruction that contains the round's number. Only every sixteenth goes into
 * the loop, so that the loop runs unchanged for a while before it changes. The others go to where
 * R5 points, away from the payload's code. R3 = address of the loop.
 */
CODE(loop, "addi 9,3,loop_patched - loop; mr 10,5; li 5,0; li 7,0; lis 8,0x3980\n" /* li r12,... */
	   "1: add 11,8,7; andi. 0,7,15; isel 6,9,10,2\n"
	   "stw 11,0(6); dcbst 0,6; sync; icbi 0,6; sync; isync\n"
	   "loop_patched: li 12,-1\n"
	   "add 5,5,12; addi 7,7,1; cmpd 7,4; bne 1b\n"
	   "trap");

static void test_in_place(void)
{
	u64 sum = 0;

	for (unsigned i = 0; i < 100; i++) {
		run(ahead, MSR_BARE, (u64)ahead, 0x38a00000 | i, 0, 0); /* li r5,i */
		check_equal(AHEAD, caught.vector, 0x700, "vector");
		check_equal(AHEAD, caught.gpr[5], i, "R5");
	}
	for (u64 i = 0; i < 1024; i++)
		sum += i & ~15ull;
	run(loop, MSR_BARE, (u64)loop, 1024, (u64)&page[2], 0);
	check_equal(IN_LOOP, caught.vector, 0x700, "vector");
	check_equal(IN_LOOP, caught.gpr[5], sum, "R5");
}

/* ---- another CPU ---- */

static volatile unsigned go, left;

/* Rounds of a wait for the other CPU, whose thread the host may leave out for a while */
#define PATIENCE 1000000000u

#define LOOPS	20 /* that are ended */
#define VALUES	200 /* that are written behind a flag, */
#define REPEATS 30 /* and are each returned that often: enough to be translated */

static u64 call_behind(const void *code, volatile unsigned *flag, u64 value)
{
	register u64 r3 __asm__("r3") = 0xbad;
	register volatile unsigned *r4 __asm__("r4") = flag;
	register u64 r6 __asm__("r6") = value;

	__asm__ volatile("mtctr %1; bctrl"
			 : "+r"(r3)
			 : "r"(code), "r"(r4), "r"(r6)
			 : "r5", "ctr", "lr", "cr0", "memory");
	return r3;
}

static volatile unsigned value_written, value_seen, wrong_values;

/* The vCPU stays in the page while its code changes: it waits there for the flag. */
static void read_values(void)
{
	for (unsigned i = 1; i <= VALUES; i++) {
		for (unsigned j = 0; j < REPEATS; j++)
			wrong_values += call_behind(page[1], &value_written, i) != i;
		value_seen = i;
	}
}

static void other_cpu(u64 cpu)
{
	(void)cpu;
	for (unsigned i = 1; i <= LOOPS; i++) {
		while (go != i)
			;
		call(page[1]);
		left = i;
	}
	while (go != LOOPS + 1)
		;
	read_values();
	for (;;)
		;
}

static void test_other_cpu(void)
{
	u32 *code = page[1];

	on_secondary = other_cpu;
	start_cpu(1);
	for (unsigned i = 1; i <= LOOPS; i++) {
		code[0] = 0x4c00012c; /* isync */
		code[1] = 0x4bfffffc; /* b .-4 */
		code[2] = BLR;
		flush_code(code);
		go = i;
		/* Let the other CPU execute the loop for a while. */
		for (volatile unsigned j = 0; j < 50000; j++)
			;
		check(OTHER_CPU, left != i, "it left a loop without end");
		code[1] = NOP;
		flush_code(code + 1);
		for (unsigned j = 0; left != i && j < PATIENCE; j++)
			barrier();
		if (!check_equal(OTHER_CPU, left, i, "rounds that ended"))
			return;
	}
}

static void test_behind_flag(void)
{
	u32 *code = page[1];

	code[0] = 0x80a40000; /* lwz r5,0(r4) */
	code[1] = 0x7c053000; /* cmpw r5,r6 */
	code[2] = 0x4082fff8; /* bne .-8 */
	code[3] = 0x4c00012c; /* isync */
	write_code(&code[4], 0);
	flush_code(code);
	go = LOOPS + 1;
	for (unsigned i = 1; i <= VALUES; i++) {
		write_code(&code[4], i);
		value_written = i;
		for (unsigned j = 0; value_seen != i && j < PATIENCE; j++)
			barrier();
		if (!check_equal(BEHIND_FLAG, value_seen, i, "values that were seen"))
			return;
		check_equal(BEHIND_FLAG, wrong_values, 0, "calls that returned an older one");
	}
}

/* ---- the hypervisor ---- */

static void test_hypervisor(void)
{
	static u32 store[16];
	u32 store_args[3] = { 0x400, (u32)(u64)store, sizeof(store) };
	u32 fetch_args[3] = { 0x400, (u32)(u64)page[1], sizeof(store) };
	u32 bytes;

	for (unsigned i = 0; i < 20; i++) {
		write_code(page[0], 100 + i);
		write_code(page[1], 200 + i);
		check_equal(BY_HCALL, call(page[1]), 200 + i, "R3 before");
		/* H_PAGE_INIT: copy */
		check_equal(BY_HCALL, (u64)hcall4(0x2c, 1 << 14, (u64)page[1], (u64)page[0], 0), 0,
			    "H_PAGE_INIT");
		check_equal(BY_HCALL, call(page[1]), 100 + i, "R3 after");

		store[0] = LI_R3 | (300 + i);
		store[1] = BLR;
		if (rtas("nvram-store", 3, 1, store_args, &bytes) ||
		    rtas("nvram-fetch", 3, 1, fetch_args, &bytes))
			bail_out("NVRAM failed");
		check_equal(BY_RTAS, call(page[1]), 300 + i, "R3");
	}
}

/* ---- translation and byte order ---- */

#define PLACE 0x100000000ull

CODE(call_it, "mtctr 3; li 3,0; bctrl; trap");

static void test_alias(void)
{
	radix_map(0, PLACE, (u64)page[0], PTE_KERNEL);
	for (unsigned i = 0; i < 50; i++) {
		write_code(page[0], i);
		run(call_it, MSR_BARE | MSR_IR | MSR_DR, PLACE, 0, 0, 0);
		check_equal(ALIAS, caught.gpr[3], i, "R3");
		check_equal(ALIAS, call(page[0]), i, "R3 at the real address");
	}
}

/* Enters the other byte order by rfid and returns by a trap, with words of the other order. */
static void test_orders(void)
{
	u32 *code = page[2];
	u64 other = MSR_BARE ^ MSR_BIT_LE;

	for (unsigned i = 0; i < 20; i++) {
		code[0] = __builtin_bswap32(LI_R3 | (i + 1));
		code[1] = __builtin_bswap32(TRAP);
		write_code(code + 2, 1000 + i);
		flush_code(code);
		run(code, other, 0, 0, 0, 0);
		check_caught(BOTH_ORDERS, 0x700, code, 4, other, TRAPPED);
		check_equal(BOTH_ORDERS, caught.gpr[3], i + 1, "R3 of the other byte order");
		check_equal(BOTH_ORDERS, call(code + 2), 1000 + i, "R3 of the own byte order");
		/* The same words in our own byte order. */
		code[0] = LI_R3 | (i + 2);
		code[1] = TRAP;
		flush_code(code);
		run(code, MSR_BARE, 0, 0, 0, 0);
		check_caught(BOTH_ORDERS, 0x700, code, 4, MSR_BARE, TRAPPED);
		check_equal(BOTH_ORDERS, caught.gpr[3], i + 2, "R3");
	}
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = leave_run;
	test_own();
	test_in_place();
	test_other_cpu();
	test_behind_flag();
	test_hypervisor();
	radix_start();
	test_alias();
	test_orders();
}
