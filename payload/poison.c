/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Poisoned memory: a load, a store, a fetch or a table walk that touches it is a machine check on
 * the access itself, whose log has both addresses. Causes: POWER9 Processor User's Manual; the log:
 * LoPAR R1-7.3.14-10, -12.
 */
#include "payload.h"

#define UNREG "without_registration_a_load_from_poison_goes_to_0x200_with_the_cause_of_a_ue"
#define LOAD  "a_load_from_poison_is_reported_with_its_addresses"
#define STORE "a_store_to_poison_is_reported_with_its_addresses_and_stores_nothing"
#define FETCH "a_fetch_from_poison_is_reported_with_its_addresses"
#define WALK  "a_walk_through_poison_is_reported_with_the_addresses_of_the_access_and_of_the_entry"
#define IWALK "a_fetch_whose_walk_meets_poison_is_reported_likewise"
#define BYTES "the_bytes_beside_poison_are_as_good_as_ever"
#define SCRUB "dcbz_heals_poison_that_heals_on_write_and_a_shorter_store_does_not"
#define HEAL  "healed_memory_has_what_it_had"
#define CALLS "hypervisor_and_rtas_calls_that_meet_poison_report_a_hardware_error"

const char *const sentences[] = { UNREG, LOAD,	STORE, FETCH, WALK, IWALK,
				  BYTES, SCRUB, HEAL,  CALLS, NULL };

#define LINE	      128
/* POWER9's causes of a UE */
#define UE_FETCH      0x00040000
#define UE_FETCH_WALK 0x00180000
#define DSISR_UE      0x8000

/* Subtype bytes: effective and logical address are valid, and the kind. */
#define SUBTYPE(kind) (0x80 | 0x40 | 0x20 | (kind))
enum {
	IFETCH = 1,
	WALK_IFETCH,
	LOAD_OR_STORE,
	WALK_LOAD_OR_STORE
};

#define KERNEL	    (MSR_BARE | MSR_IR | MSR_DR)
#define PLACE	    0x100000000ull
#define H_HARDWARE  -1
#define H_PAGE_INIT 0x2c
#define PAGE_ZERO   (1ull << 15)

CODE(load_it, "nop; ld 4,8(3); trap");
CODE(store_it, "nop; stdu 4,8(3); trap");
CODE(load_beside, "ld 4,-8(3); ld 5,128(3); stdu 4,128(3); trap");
CODE(zero_it, "dcbz 0,3; trap");
CODE(no_code, "nop; trap");

static struct log log;
static unsigned machine_checks;
static u64 page[PAGE / 8 * 2] __attribute__((aligned(4096)));

static void arrived(struct frame *frame)
{
	machine_checks++;
	end_machine_check(&log, frame);
}

static void poison(const void *at, unsigned length, const char *more)
{
	ask("@queue poison --address 0x%lx --length %u%s", (u64)at, length, more);
}

static void heal(const void *at, unsigned length)
{
	ask("@queue heal --address 0x%lx --length %u", (u64)at, length);
}

static void check_log(const char *sentence, unsigned kind, u64 ea, u64 ra)
{
	check_equal(sentence, log.error_type, UE, "error type");
	check_equal(sentence, log.subtype, SUBTYPE(kind), "subtype byte");
	check_equal(sentence, log.effective_address, ea, "effective address");
	check_equal(sentence, log.logical_address, ra, "logical address");
	check_equal(sentence, log.disposition, 2, "disposition: not recovered");
}

static void test_data(u64 *line)
{
	u64 base = (u64)line - 8;

	line[0] = 42;
	poison(line, LINE, "");
	run(load_it, MSR_BARE | MSR_RI, base, 7, 0, 0);
	check_caught(LOAD, 0x200, load_it, 4, MSR_BARE | MSR_RI, LOAD_STORE);
	check_equal(LOAD, caught.gpr[4], 7, "the register that was to be loaded");
	check_log(LOAD, LOAD_OR_STORE, (u64)line, (u64)line);
	run(store_it, MSR_BARE, base, 43, 0, 0);
	check_caught(STORE, 0x200, store_it, 4, MSR_BARE, LOAD_STORE);
	check_equal(STORE, caught.gpr[3], base, "the register that was to be updated");
	check_log(STORE, LOAD_OR_STORE, (u64)line, (u64)line);

	line[-1] = 5;
	line[LINE / 8] = 6;
	run(load_beside, MSR_BARE, (u64)line, 0, 0, 0);
	check_caught(BYTES, 0x700, load_beside, 12, MSR_BARE, TRAPPED);
	check_equal(BYTES, caught.gpr[4], 5, "the doubleword before");
	check_equal(BYTES, caught.gpr[5], 6, "the doubleword behind");
	check_equal(BYTES, line[LINE / 8], 5, "what was stored behind");
	heal(line, LINE);
	run(load_it, MSR_BARE, base, 7, 0, 0);
	check_caught(HEAL, 0x700, load_it, 8, MSR_BARE, TRAPPED);
	check_equal(HEAL, caught.gpr[4], 42, "the doubleword");
}

static void test_scrub(u64 *line)
{
	poison(line, LINE, " --heal-on-write");
	run(store_it, MSR_BARE, (u64)line - 8, 0, 0, 0);
	check_caught(SCRUB, 0x200, store_it, 4, MSR_BARE, LOAD_STORE);
	run(zero_it, MSR_BARE, (u64)line, 0, 0, 0);
	check_caught(SCRUB, 0x700, zero_it, 4, MSR_BARE, TRAPPED);
	run(load_it, MSR_BARE, (u64)line - 8, 7, 0, 0);
	check_caught(SCRUB, 0x700, load_it, 8, MSR_BARE, TRAPPED);
	check_equal(SCRUB, caught.gpr[4], 0, "the doubleword");
}

static void test_fetch(void)
{
	run(no_code, MSR_BARE, 0, 0, 0, 0); /* decoded before it is poisoned */
	poison(no_code + 4, 4, "");
	run(no_code, MSR_BARE, 0, 0, 0, 0);
	check_caught(FETCH, 0x200, no_code, 4, MSR_BARE, UE_FETCH);
	check_log(FETCH, IFETCH, (u64)no_code + 4, (u64)no_code + 4);
	heal(no_code + 4, 4);
}

static void test_walk(void)
{
	u64 *entry = radix_pte(0, PLACE);

	radix_map(0, PLACE, (u64)page, PTE_KERNEL | PTE_R | PTE_C);
	run(load_it, KERNEL, PLACE - 8, 0, 0, 0);
	check_caught(WALK, 0x700, load_it, 8, KERNEL, TRAPPED);
	poison(entry, 8, "");
	run(load_it, KERNEL, PLACE, 0, 0, 0);
	check_caught(WALK, 0x200, load_it, 4, KERNEL, LOAD_STORE);
	check_log(WALK, WALK_LOAD_OR_STORE, PLACE + 8, (u64)entry);
	run((void *)PLACE, KERNEL, 0, 0, 0, 0);
	check_caught(IWALK, 0x200, (void *)PLACE, 0, KERNEL, UE_FETCH_WALK);
	check_log(IWALK, WALK_IFETCH, PLACE, (u64)entry);
	heal(entry, 8);
}

static void test_calls(void)
{
	const u32 args[] = { 0, (u32)(u64)page, 16 };
	u32 rets[1];

	poison(page, 8, "");
	check_equal(CALLS, (u64)hcall4(H_PAGE_INIT, PAGE_ZERO, (u64)page, 0, 0), (u64)H_HARDWARE,
		    "H_PAGE_INIT");
	check_equal(CALLS, (u64)rtas("nvram-fetch", 3, 1, args, rets), (u64)-1, "nvram-fetch");
	heal(page, 8);
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = leave_run;
	poison(page, 16, "");
	run(load_it, MSR_BARE, (u64)page, 0, 0, 0);
	check_caught(UNREG, 0x200, load_it, 4, MSR_BARE, LOAD_STORE);
	check_equal(UNREG, caught.dsisr, DSISR_UE, "DSISR");
	check_equal(UNREG, caught.dar, (u64)page + 8, "DAR");
	heal(page, 16);

	on_machine_check = arrived;
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	test_data(page + LINE / 8);
	test_scrub(page + LINE / 8);
	test_fetch();
	radix_start();
	test_walk();
	test_calls();
}
