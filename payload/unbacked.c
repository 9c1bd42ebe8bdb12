/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses to real addresses without memory: caused by the guest, not injected. Without
 * registration they raise the architected interrupt, with it a machine check whose log has the
 * addresses; and ten thousand in a row. Power ISA 3.0B, Book III section 6.5.2; POWER9 Processor
 * User's Manual for the cause bits; LoPAR R1-7.3.14-10, -12, -13.
 */
#include "payload.h"

#define UNREG_LOAD  "a_load_from_an_unbacked_real_address_without_registration_goes_to_0x200"
#define UNREG_STORE "a_store_to_an_unbacked_real_address_without_registration_goes_to_0x200"
#define UNREG_JUMP  "a_jump_to_an_unbacked_real_address_without_registration_goes_to_0x200"
#define LOAD	    "a_load_from_an_unbacked_real_address_is_reported_with_its_addresses"
#define JUMP	    "a_jump_to_an_unbacked_real_address_is_reported_with_its_addresses"
#define EDGE	    "the_last_doubleword_of_memory_is_there_and_an_access_across_the_end_changes_nothing"
#define NOT_RI	    "with_msr_ri_0_it_is_delivered_all_the_same"
#define KEPT	    "dar_and_dsisr_are_as_they_were_at_entry_to_the_registered_routine"
#define MANY	    "ten_thousand_machine_checks_and_a_thousand_system_resets_are_each_delivered_once"

const char *const sentences[] = { UNREG_LOAD, UNREG_STORE, UNREG_JUMP, LOAD, JUMP,
				  EDGE,	      NOT_RI,	   KEPT,       MANY, NULL };

/* POWER9's causes of a bad real address */

CODE(load_it, "ld 4,0(3); trap");
CODE(store_it, "std 4,0(3); trap");
CODE(store_across, "nop; std 4,-4(3); trap");
CODE(load_last, "ld 4,-8(3); trap");

static struct log log;
static u64 r3;
static unsigned machine_checks, resets;

static void unregistered(u64 where)
{
	on_interrupt = leave_run;
	run(load_it, MSR_BARE, where, 0, 0, 0);
	check_caught(UNREG_LOAD, 0x200, load_it, 0, MSR_BARE, LOAD_STORE);
	check_equal(UNREG_LOAD, caught.dsisr, DSISR_BAD, "DSISR");
	check_equal(UNREG_LOAD, caught.dar, where, "DAR");
	check_equal(UNREG_LOAD, caught.msr, MSR_BARE, "MSR");
	check_equal(UNREG_LOAD, caught.gpr[4], 0, "the register that was to be loaded");

	run(store_it, MSR_BARE | MSR_RI, where, ~0ull, 0, 0);
	check_caught(UNREG_STORE, 0x200, store_it, 0, MSR_BARE | MSR_RI, LOAD_STORE);
	check_equal(UNREG_STORE, caught.dsisr, DSISR_BAD, "DSISR");
	check_equal(UNREG_STORE, caught.dar, where, "DAR");

	run((void *)(where & ~3ull), MSR_BARE, 0, 0, 0, 0);
	check_caught(UNREG_JUMP, 0x200, (void *)(where & ~3ull), 0, MSR_BARE, BAD_FETCH);
}

static void test_edge(void)
{
	volatile u64 *last = (volatile u64 *)(memory_size - 8);

	*last = 0x1122334455667788;
	run(load_last, MSR_BARE, memory_size, 0, 0, 0);
	check_caught(EDGE, 0x700, load_last, 4, MSR_BARE, TRAPPED);
	check_equal(EDGE, caught.gpr[4], 0x1122334455667788, "the last doubleword");
	run(store_across, MSR_BARE, memory_size, 0, 0, 0);
	check_caught(EDGE, 0x200, store_across, 4, MSR_BARE, LOAD_STORE);
	check_equal(EDGE, *last, 0x1122334455667788,
		    "the last doubleword after a store across the end");
}

/* ---- registered ---- */

static void arrived(struct frame *frame)
{
	machine_checks++;
	r3 = frame->gpr[3];
	read_log(&log, (void *)(r3 + 8));
	frame->gpr[3] = read_be64((void *)r3);
	nmi_interlock();
	leave_run(frame);
}

static void registered(u64 where)
{
	mtspr(SPR_DAR, 0xdadadadadadadada);
	mtspr(SPR_DSISR, 0x51515151);
	run(load_it, MSR_BARE | MSR_RI, where, 0, 0, 0);
	check_caught(LOAD, 0x200, load_it, 0, MSR_BARE | MSR_RI, LOAD_STORE);
	/* With trampolines, the machine check interrupt itself sets these. */
	if (!by_trampoline())
		check_equal(KEPT, caught.dar, 0xdadadadadadadada, "DAR");
	check_equal(KEPT, caught.dsisr, by_trampoline() ? DSISR_BAD : 0x51515151, "DSISR");
	check_equal(LOAD, caught.gpr[3], where, "what R3 points to");
	check_equal(LOAD, log.error_type, UE, "error type");
	check_equal(LOAD, log.effective_address, where, "effective address");
	/* If the partition only gets an interrupt, the log has no more than its cause bits. */
	if (!by_trampoline() || log.subtype != (0x80 | 0x40 | 3)) {
		check_equal(LOAD, log.subtype, 0x80 | 0x40 | 0x20 | 3, "subtype byte");
		check_equal(LOAD, log.logical_address, where & ~0xf000000000000000ull,
			    "logical address");
	}
	check_equal(LOAD, log.disposition, 2, "disposition");

	run((void *)(where & ~3ull), MSR_BARE, 0, 0, 0, 0);
	where &= ~3ull;
	check_caught(JUMP, 0x200, (void *)where, 0, MSR_BARE, BAD_FETCH);
	check_equal(JUMP, log.error_type, UE, "error type");
	check_equal(JUMP, log.effective_address, where, "effective address");
	if (by_trampoline() && log.subtype == (0x80 | 0x40 | 1))
		return;
	check_equal(JUMP, log.subtype, 0x80 | 0x40 | 0x20 | 1, "subtype byte");
	check_equal(JUMP, log.logical_address, where & ~0xf000000000000000ull, "logical address");
}

static void reset(struct frame *frame)
{
	resets++;
	frame->gpr[3] = read_be64((void *)frame->gpr[3]);
}

static void goes_on(struct frame *frame)
{
	machine_checks++;
	r3 = frame->gpr[3];
	frame->gpr[3] = read_be64((void *)r3);
	frame->srr0 += 4;
	/* Every tenth has a system reset inside. */
	if (machine_checks % 10 == 0 && hcall4(H_SIGNAL_SYS_RESET, 0, 0, 0, 0))
		bail_out("H_SIGNAL_SYS_RESET failed");
	if (nmi_interlock())
		bail_out("ibm,nmi-interlock failed");
}

static void test_many(void)
{
	machine_checks = resets = 0;
	on_machine_check = goes_on;
	for (unsigned i = 0; i < 10000; i++) {
		u64 a = memory_size + 8ull * i, v = i;

		__asm__ volatile("ld %0,0(%1)" : "+r"(v) : "b"(a) : "memory");
		if (v != i)
			check_equal(MANY, v, i, "the register that was to be loaded");
	}
	check_equal(MANY, machine_checks, 10000, "machine checks");
	check_equal(MANY, resets, 1000, "system resets");
}

void payload(void)
{
	const u64 places[] = { memory_size, memory_size + 0x123456, 0x40000000000,
			       0x0ffffffffffffff8, 0xffffffffffff0000 };

	interrupts_in_own_endian();
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		unregistered(places[i]);
	test_edge();

	on_machine_check = arrived;
	on_system_reset = reset;
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
		registered(places[i]);
	machine_checks = 0;
	run(load_it, MSR_BARE, memory_size, 0, 0, 0);
	check_caught(NOT_RI, 0x200, load_it, 0, MSR_BARE, LOAD_STORE);
	check_equal(NOT_RI, machine_checks, 1, "machine checks");
	test_many();
}
