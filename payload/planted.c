/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors planted in ERAT and TLB: the load, store or fetch that uses the entry is the machine
 * check; the hypervisor repairs it, or the guest's own flush ends it. Flushes: Power ISA 3.0B, Book
 * III, section 5.9.3; the log: LoPAR R1-7.3.14-10, -12.
 */
#include "payload.h"

#define UNREG	 "without_registration_a_planted_error_goes_to_0x200_with_power9s_cause"
#define REPAIRED "an_error_that_the_hypervisor_repairs_is_reported_once_as_fully_recovered"
#define STORE	 "a_store_through_a_bad_entry_stores_nothing_until_tlbie_has_ended_it"
#define FETCH	 "a_fetch_through_a_bad_erat_entry_is_reported_until_slbia_has_ended_it"
#define SLBIA	 "slbia_does_not_reach_the_tlb"
#define PARITY	 "parity_errors_are_logged_as_such"
#define PROCESS	 "the_entry_belongs_to_the_process_that_used_it_and_goes_with_its_flush"
#define CLEAR	 "a_cleared_error_is_met_no_more"

const char *const sentences[] = {
	UNREG, REPAIRED, STORE, FETCH, SLBIA, PARITY, PROCESS, CLEAR, NULL
};

#define ERAT_FETCH    0x00100000
#define DSISR_TLB     0x400
#define PARITY_KIND   1
#define MULTIHIT      2
#define RECOVERED     0
#define NOT	      2
/* Subtype byte: the effective address is valid, and the kind. */
#define SUBTYPE(kind) (0x80 | (kind))

#define KERNEL (MSR_BARE | MSR_IR | MSR_DR)
#define PLACE  ((u64)0x100000000)
#define OTHER  7 /* PIDR */
#define PIDR   48

CODE(load_it, "nop; ld 4,8(3); trap");
CODE(store_it, "nop; stdu 4,8(3); trap");

static struct log log;
static unsigned machine_checks;
static u64 *page;

static void arrived(struct frame *frame)
{
	machine_checks++;
	end_machine_check(&log, frame);
}

static void plant(const char *more)
{
	ask("@queue plant --ea 0x%lx %s", PLACE, more);
}

static void check_log(const char *sentence, unsigned type, unsigned kind, unsigned disposition,
		      u64 ea)
{
	check_equal(sentence, log.error_type, type, "error type");
	check_equal(sentence, log.subtype, SUBTYPE(kind), "subtype byte");
	check_equal(sentence, log.effective_address, ea, "effective address");
	check_equal(sentence, log.disposition, disposition, "disposition");
}

static void load(const char *sentence, unsigned expected)
{
	unsigned before = machine_checks;

	run(load_it, KERNEL, PLACE, 7, 0, 0);
	check_equal(sentence, machine_checks - before, expected, "machine checks");
	check_equal(sentence, caught.gpr[4], expected ? 7 : page[1], "the register to be loaded");
}

static void test_repaired(void)
{
	plant("");
	load(REPAIRED, 1);
	check_caught(REPAIRED, 0x200, load_it, 4, KERNEL, LOAD_STORE);
	check_log(REPAIRED, TLB, MULTIHIT, RECOVERED, PLACE + 8);
	load(REPAIRED, 0);
}

static void test_store(void)
{
	plant("--disposition not-recovered");
	for (unsigned i = 0; i < 2; i++) {
		run(store_it, KERNEL, PLACE, 43, 0, 0);
		check_caught(STORE, 0x200, store_it, 4, KERNEL, LOAD_STORE);
		check_equal(STORE, caught.gpr[3], PLACE, "the register to be updated");
		check_log(STORE, TLB, MULTIHIT, NOT, PLACE + 8);
		check_equal(STORE, page[1], 42, "the doubleword");
	}
	radix_invalidate(0, PLACE);
	run(store_it, KERNEL, PLACE, 42, 0, 0);
	check_caught(STORE, 0x700, store_it, 8, KERNEL, TRAPPED);
}

static void test_fetch(void)
{
	plant("--type ERAT --disposition not-recovered");
	for (unsigned i = 0; i < 2; i++) {
		run((void *)PLACE, KERNEL, 0, 0, 0, 0);
		check_caught(FETCH, 0x200, (void *)PLACE, 0, KERNEL, ERAT_FETCH);
		check_log(FETCH, ERAT, MULTIHIT, NOT, PLACE);
	}
	__asm__ volatile(".long 0x7ce003e4; isync" : : : "memory"); /* slbia 7 */
	load(FETCH, 0);
	plant("--disposition not-recovered");
	__asm__ volatile(".long 0x7ce003e4; isync" : : : "memory");
	load(SLBIA, 1);
	radix_invalidate(0, PLACE);
}

static void test_parity(void)
{
	plant("--type ERAT --subtype parity");
	load(PARITY, 1);
	check_log(PARITY, ERAT, PARITY_KIND, RECOVERED, PLACE + 8);
	plant("--subtype parity");
	load(PARITY, 1);
	check_log(PARITY, TLB, PARITY_KIND, RECOVERED, PLACE + 8);
}

static void test_process(void)
{
	plant("--disposition not-recovered");
	radix_invalidate(0, PLACE);
	load(PROCESS, 1);
	radix_invalidate(OTHER, PLACE);
	load(PROCESS, 1);
	radix_invalidate(0, PLACE);
	load(PROCESS, 0);
	plant("--disposition not-recovered --pid 7");
	load(PROCESS, 0);
	ask("@queue clear");
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = leave_run;
	radix_start();
	page = radix_page();
	page[0] = 0;
	page[1] = 42;
	radix_map(0, PLACE, (u64)page, PTE_KERNEL | PTE_R | PTE_C);
	mtspr(PIDR, 0);
	plant("");
	run(load_it, KERNEL, PLACE, 0, 0, 0);
	check_caught(UNREG, 0x200, load_it, 4, KERNEL, LOAD_STORE);
	check_equal(UNREG, caught.dsisr, DSISR_TLB, "DSISR");
	check_equal(UNREG, caught.dar, PLACE + 8, "DAR");

	on_machine_check = arrived;
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	test_repaired();
	test_store();
	test_fetch();
	test_parity();
	test_process();
	plant("--disposition not-recovered");
	ask("@queue clear --ea 0x%lx --cpu 0", PLACE);
	load(CLEAR, 0);
}
