/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the vCPUs of the embedded engine meet in the real address space beside RAM: poison and the
 * windows of devices. Causes are those of POWER9, as in Linux's arch/powerpc/kernel/mce_power.c.
 */
#include "engine/emu/check.h"
#include "engine/emu/code/lookup.h"
#include "unit.h"

#include "engine_guest.h"

#define RAM    0x100000ull
#define CODE   0x10000ull
#define X      0x90000ull /* the operand, and the start of the poison */
#define POISON 64u
#define BASE   (X - 8) /* r4; displacements, and r5, are 8 */
#define WINDOW 0x200000ull
#define HCALL  0x44000022u
#define REAL   (MSR_SF | MSR_ME | MSR_FP | MSR_VEC | MSR_VSX)

#define UE_LOAD_STORE	   0x8000u
#define UE_WALK		   0x4000u
#define UE_FETCH_SRR1	   0x00040000u
#define UE_FETCH_WALK_SRR1 0x00180000u
#define BAD_ADDRESS	   0x40u
#define BAD_FETCH_SRR1	   0x080c0000u

#define D_FORM(op, rt) (((uint32_t)(op) << 26) | (rt) << 21 | 4u << 16 | 8u)
#define X_FORM(xo, rt) ((31u << 26) | (rt) << 21 | 4u << 16 | 5u << 11 | (uint32_t)(xo) << 1)
#define COUNT	       INSN_ADDI(3, 3, 1)
#define LD	       (D_FORM(58, 6))
#define STD	       (D_FORM(62, 6))
#define DCBZ	       X_FORM(1014, 0)

static struct engine_guest g;
static struct engine_exit end;
static struct cpu before;

static int set_up(void **state)
{
	return guest_start(&g, RAM, 2) ? 0 : -1;
}

static int tear_down(void **state)
{
	return guest_end_checked(&g) ? 0 : -1;
}

#define PUT(at, ...)                                          \
	guest_code(&g, at, (const uint32_t[]){ __VA_ARGS__ }, \
		   sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static struct cpu *cpu_of(unsigned vcpu)
{
	return g.e->cpus[vcpu];
}

static void stand_at(unsigned vcpu, uint64_t nip, uint64_t msr)
{
	struct engine_regs regs;

	engine_power.get_regs(g.engine, vcpu, &regs);
	for (unsigned i = 0; i < 32; i++)
		regs.gpr[i] = 0x1111111111111111ull * (i % 16);
	regs.gpr[3] = 0;
	regs.gpr[4] = BASE;
	regs.gpr[5] = 8;
	regs.nip = nip;
	regs.msr = msr;
	engine_power.set_regs(g.engine, vcpu, &regs);
	before = *cpu_of(vcpu);
}

static void run(unsigned vcpu)
{
	engine_power.run(g.engine, vcpu, 1000, &end);
}

/* COUNT, @insn, and the call that ends a run in which nothing happened. */
static void run_insn(uint32_t insn, uint64_t msr)
{
	PUT(CODE, COUNT, insn, HCALL);
	stand_at(0, CODE, msr);
	run(0);
}

static void poison(uint64_t ra, uint64_t len)
{
	assert_true(memory_poison(&g.memory, ra, len, false));
}

static void assert_went_through(void)
{
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
}

/* Nothing of @insn was done: only COUNT has been. */
static void assert_untouched(const char *what)
{
	const struct cpu *cpu = cpu_of(0);

	before.gpr[3] = 1;
	if (cpu->nip != CODE + 4 || memcmp(before.gpr, cpu->gpr, sizeof(cpu->gpr)) ||
	    memcmp(before.vsr, cpu->vsr, sizeof(cpu->vsr)) ||
	    memcmp(before.cr, cpu->cr, sizeof(cpu->cr)) || before.fpscr != cpu->fpscr)
		fail_msg("%s was not undone", what);
}

static void assert_machine_check(uint64_t srr1, uint64_t dsisr, uint64_t ra)
{
	assert_int_equal(end.reason, ENGINE_EXIT_MACHINE_CHECK);
	assert_int_equal(end.machine_check.srr1, srr1);
	assert_int_equal(end.machine_check.dsisr, dsisr);
	assert_true(end.machine_check.address_valid);
	assert_int_equal(end.machine_check.address, ra);
	assert_int_equal(end.machine_check.recovered, false);
}

static void assert_data_error(uint64_t dsisr, uint64_t ea, uint64_t ra)
{
	assert_machine_check(SRR1_MC_LOADSTORE, dsisr, ra);
	assert_true(end.machine_check.dar_valid);
	assert_int_equal(end.machine_check.dar, ea);
}

/* ---- poisoned data ---- */

static const struct {
	const char *name;
	uint32_t insn;
} accesses[] = {
	{ "lbz", D_FORM(34, 6) },
	{ "lbzu", D_FORM(35, 6) },
	{ "lhz", D_FORM(40, 6) },
	{ "lhax", X_FORM(343, 6) },
	{ "lwz", D_FORM(32, 6) },
	{ "lwzux", X_FORM(55, 6) },
	{ "ld", LD },
	{ "ldu", D_FORM(58, 6) | 1 },
	{ "ldbrx", X_FORM(532, 6) },
	{ "lmw", D_FORM(46, 25) },
	{ "lfd", D_FORM(50, 6) },
	{ "lfdu", D_FORM(51, 6) },
	{ "lfsx", X_FORM(535, 6) },
	{ "lvx", X_FORM(103, 6) },
	{ "lxvd2x", X_FORM(844, 6) },
	{ "lxvw4x", X_FORM(780, 6) },
	{ "lwarx", X_FORM(20, 6) },
	{ "ldarx", X_FORM(84, 6) },
	{ "stb", D_FORM(38, 6) },
	{ "sthx", X_FORM(407, 6) },
	{ "stwu", D_FORM(37, 6) },
	{ "std", STD },
	{ "stdu", STD | 1 },
	{ "stdbrx", X_FORM(660, 6) },
	{ "stmw", D_FORM(47, 25) },
	{ "stfdu", D_FORM(55, 6) },
	{ "stvx", X_FORM(231, 6) },
	{ "stxvd2x", X_FORM(972, 6) },
	{ "dcbz", DCBZ },
};

static void every_load_and_store_finds_poison_and_changes_nothing(void **state)
{
	static const uint8_t value = 0x5a;
	uint8_t now = 0;

	memory_write(&g.memory, X, &value, 1);
	poison(X, POISON);
	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		run_insn(accesses[i].insn, REAL);
		if (end.reason != ENGINE_EXIT_MACHINE_CHECK)
			fail_msg("%s went through", accesses[i].name);
		assert_data_error(UE_LOAD_STORE, X, X);
		assert_untouched(accesses[i].name);
		assert_true(memory_peek(&g.memory, X, &now, 1));
		assert_int_equal(now, value);
	}
}

static void one_byte_of_poison_is_enough(void **state)
{
	poison(X + 7, 1);
	run_insn(LD, REAL);
	assert_data_error(UE_LOAD_STORE, X, X);
	run_insn(D_FORM(32, 6), REAL);
	assert_went_through();
	assert_true(memory_heal(&g.memory, X + 7, 1));
	poison(X - 1, 1);
	run_insn(LD, REAL);
	assert_went_through();
}

static void the_rest_of_the_page_is_as_good_as_ever(void **state)
{
	static const uint8_t value[2] = { 1, 2 };
	uint8_t now[2];

	poison(X, POISON);
	for (unsigned again = 0; again < 2; again++) {
		memory_write(&g.memory, X + POISON, value, sizeof(value));
		PUT(CODE, D_FORM(34, 6) + POISON, D_FORM(38, 6) + POISON + 1, D_FORM(34, 7), HCALL);
		stand_at(0, CODE, REAL);
		run(0);
		assert_data_error(UE_LOAD_STORE, X, X);
		assert_int_equal(cpu_of(0)->gpr[6], 1);
		memory_read(&g.memory, X + POISON, now, sizeof(now));
		assert_int_equal(now[1], 1);
	}
}

static void a_store_over_a_page_edge_into_poison_is_not_half_done(void **state)
{
	uint64_t edge = X + 0x1000 - 12;
	uint32_t head = 1;

	poison(X + 0x1000, POISON);
	PUT(CODE, COUNT, STD, HCALL);
	stand_at(0, CODE, REAL);
	cpu_of(0)->gpr[4] = before.gpr[4] = edge;
	run(0);
	assert_data_error(UE_LOAD_STORE, X + 0x1000, X + 0x1000);
	assert_untouched("std");
	memory_read_be32(&g.memory, X + 0x1000 - 4, &head);
	assert_int_equal(head, 0);
}

static void a_load_of_several_registers_that_meets_poison_late_loads_none(void **state)
{
	poison(X + 12, 4);
	run_insn(D_FORM(46, 25), REAL);
	assert_data_error(UE_LOAD_STORE, X + 12, X + 12);
	assert_untouched("lmw");
}

static void a_conditional_store_finds_poison_while_it_has_its_reservation(void **state)
{
	poison(X, POISON);
	PUT(CODE, COUNT, X_FORM(150, 6) | 1, HCALL);
	stand_at(0, CODE, REAL);
	run(0);
	assert_went_through(); /* no reservation: no store */
	stand_at(0, CODE, REAL);
	engine_power.run(g.engine, 0, 0, &end);
	cpu_of(0)->reserved = true;
	cpu_of(0)->reserve_size = 4;
	cpu_of(0)->reserve_ra = X;
	before = *cpu_of(0);
	run(0);
	assert_data_error(UE_LOAD_STORE, X, X);
	assert_untouched("stwcx.");
}

static void an_atomic_operation_on_poison_changes_nothing(void **state)
{
	poison(X, POISON);
	PUT(CODE, COUNT, X_FORM(582, 6) & ~(31u << 11), HCALL); /* lwat: fetch and add */
	stand_at(0, CODE, REAL);
	cpu_of(0)->gpr[4] = before.gpr[4] = X;
	run(0);
	assert_data_error(UE_LOAD_STORE, X, X);
	assert_untouched("lwat");
}

static void poison_is_met_whoever_has_used_the_page_before(void **state)
{
	PUT(CODE, LD, STD, HCALL);
	for (unsigned vcpu = 0; vcpu < 2; vcpu++) {
		stand_at(vcpu, CODE, REAL);
		run(vcpu);
		assert_went_through();
	}
	poison(X, POISON);
	for (unsigned vcpu = 0; vcpu < 2; vcpu++) {
		stand_at(vcpu, CODE, REAL);
		run(vcpu);
		assert_data_error(UE_LOAD_STORE, X, X);
		assert_int_equal(cpu_of(vcpu)->nip, CODE);
	}
}

static void healed_memory_has_what_it_had(void **state)
{
	memory_write_be64(&g.memory, X, 42);
	poison(X, POISON);
	assert_true(memory_heal(&g.memory, X, POISON));
	run_insn(LD, REAL);
	assert_went_through();
	assert_int_equal(cpu_of(0)->gpr[6], 42);
	assert_int_equal(cpu_of(0)->tlb->read[TLB_INDEX(X)].tag, X);
}

/* ---- healing by writing ---- */

static void a_line_that_is_zeroed_is_healed_if_that_was_asked_for(void **state)
{
	poison(X, MEMORY_LINE);
	run_insn(DCBZ, REAL);
	assert_data_error(UE_LOAD_STORE, X, X);
	assert_true(memory_poison(&g.memory, X, 2 * MEMORY_LINE, true));
	run_insn(STD, REAL);
	assert_data_error(UE_LOAD_STORE, X, X);
	run_insn(DCBZ, REAL);
	assert_went_through();
	run_insn(LD, REAL);
	assert_went_through();
	assert_int_equal(cpu_of(0)->gpr[6], 0);
	assert_int_equal(memory_region(&g.memory, X + MEMORY_LINE).kind, MEMORY_POISONED);
}

static void a_store_heals_a_line_if_it_covers_all_of_its_poison(void **state)
{
	assert_true(memory_poison(&g.memory, X + 2, 4, true));
	run_insn(D_FORM(36, 6), REAL); /* stw */
	assert_data_error(UE_LOAD_STORE, X, X);
	run_insn(STD, REAL);
	assert_went_through();
	assert_int_equal(g.memory.nr_poisoned, 0);
}

static void a_store_that_fails_on_its_second_page_heals_nothing(void **state)
{
	assert_true(memory_poison(&g.memory, X + 0x1000 - 4, 4, true));
	poison(X + 0x1000, 4);
	PUT(CODE, COUNT, STD, HCALL);
	stand_at(0, CODE, REAL);
	cpu_of(0)->gpr[4] = before.gpr[4] = X + 0x1000 - 12;
	run(0);
	assert_data_error(UE_LOAD_STORE, X + 0x1000, X + 0x1000);
	assert_int_equal(memory_region(&g.memory, X + 0x1000 - 1).kind, MEMORY_POISONED);
}

/* ---- poisoned code ---- */

static void assert_fetch_error(uint64_t srr1, uint64_t nip, uint64_t ra)
{
	assert_machine_check(srr1, 0, ra);
	assert_int_equal(cpu_of(0)->nip, nip);
	assert_false(end.machine_check.dar_valid);
}

static void code_runs_up_to_the_first_poisoned_instruction(void **state)
{
	static const uint64_t modes[] = { REAL, REAL | MSR_SE };

	PUT(0xd00, 0x4c000024); /* rfid: a trace interrupt returns */
	PUT(CODE, COUNT, COUNT, COUNT, HCALL);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		poison(CODE + 10, 1);
		stand_at(0, CODE, modes[i]);
		run(0);
		assert_fetch_error(UE_FETCH_SRR1, CODE + 8, CODE + 8);
		assert_int_equal(cpu_of(0)->gpr[3], 2);
		assert_true(memory_heal(&g.memory, CODE + 10, 1));
		run(0);
		assert_went_through();
		assert_int_equal(cpu_of(0)->gpr[3], 3);
	}
}

static void code_that_has_run_before_is_fetched_again(void **state)
{
	/* A link inside the page, and a branch to another. */
	PUT(CODE, COUNT, INSN_B(0x7c));
	PUT(CODE + 0x80, COUNT, INSN_B(0x1000 - 0x84));
	PUT(CODE + 0x1000, COUNT, HCALL);
	for (unsigned i = 0; i < 3; i++) {
		stand_at(0, CODE, REAL);
		run(0);
		assert_went_through();
	}
	poison(CODE + 0x1000, 4);
	stand_at(0, CODE, REAL);
	run(0);
	assert_fetch_error(UE_FETCH_SRR1, CODE + 0x1000, CODE + 0x1000);
	poison(CODE + 0x84, 1);
	stand_at(0, CODE, REAL);
	run(0);
	assert_fetch_error(UE_FETCH_SRR1, CODE + 0x84, CODE + 0x84);
	assert_int_equal(cpu_of(0)->gpr[3], 2);
	assert_true(memory_heal(&g.memory, 0, RAM));
	run(0);
	assert_went_through();
	assert_int_equal(cpu_of(0)->gpr[3], 3);
}

/* ---- poisoned tables ---- */

#define EA	0x400000ull
#define CODE_EA 0x500000ull
#define PID	1u

/* The entries of the walk for EA, root first: as guest_map() makes them. */
static unsigned entries_of(uint64_t ea, uint64_t at[5])
{
	uint64_t entry = 0, table;

	at[0] = PROCESS_TABLE + PID * 16;
	memory_read_be64(&g.memory, at[0], &entry);
	table = entry & 0x0fffffffffffff00ull & ~(7ull << 61);
	for (unsigned level = 0, shift = 39; level < 4; level++, shift -= 9) {
		at[1 + level] = table + (ea >> shift & (level ? 511 : 8191)) * 8;
		memory_read_be64(&g.memory, at[1 + level], &entry);
		table = entry & 0x0fffffffffffff00ull;
	}
	return 5;
}

static void map(void)
{
	guest_use_radix(&g);
	guest_map(&g, PID, EA, X, LEAF_ALL | LEAF_PRIV);
	guest_map(&g, PID, CODE_EA, CODE, LEAF_ALL | LEAF_PRIV);
	cpu_of(0)->pidr = PID;
}

static void run_virtual(uint32_t insn)
{
	PUT(CODE, COUNT, insn, HCALL);
	stand_at(0, CODE, REAL | MSR_DR);
	cpu_of(0)->gpr[4] = before.gpr[4] = EA - 8;
	run(0);
}

static void a_walk_that_meets_poison_for_data_says_so(void **state)
{
	static const uint32_t insns[] = { LD, STD };
	uint64_t at[5];
	unsigned n;

	map();
	n = entries_of(EA, at);
	for (size_t i = 0; i < ARRAY_SIZE(insns); i++)
		for (unsigned level = 0; level < n; level++) {
			run_virtual(insns[i]);
			assert_went_through(); /* the translation is cached */
			poison(at[level] + 7, 1);
			run_virtual(insns[i]);
			assert_data_error(UE_WALK, EA, at[level]);
			assert_untouched("an access through a poisoned table");
			assert_true(memory_heal(&g.memory, at[level] + 7, 1));
		}
}

static void a_walk_that_meets_poison_for_a_fetch_says_so(void **state)
{
	uint64_t at[5];
	unsigned n;

	map();
	n = entries_of(CODE_EA, at);
	PUT(CODE, COUNT, HCALL);
	for (unsigned level = 0; level < n; level++) {
		stand_at(0, CODE_EA, REAL | MSR_IR);
		run(0);
		assert_went_through();
		poison(at[level], 8);
		stand_at(0, CODE_EA, REAL | MSR_IR);
		run(0);
		assert_fetch_error(UE_FETCH_WALK_SRR1, CODE_EA, at[level]);
		assert_true(memory_heal(&g.memory, at[level], 8));
	}
}

static void a_translated_access_reports_both_addresses(void **state)
{
	map();
	poison(X, POISON);
	run_virtual(LD);
	assert_data_error(UE_LOAD_STORE, EA, X);
	assert_untouched("ld");
}

/* ---- storage that is not cached ---- */

static const struct {
	const char *name;
	uint32_t insn;
	bool stores;
} cached_only[] = {
	{ "lbarx", X_FORM(52, 6), false },
	{ "lwarx", X_FORM(20, 6), false },
	{ "ldarx", X_FORM(84, 6), false },
	{ "lqarx", X_FORM(276, 6), false },
	{ "stwcx.", X_FORM(150, 6) | 1, true },
	{ "stqcx.", X_FORM(182, 6) | 1, true },
	{ "lq", D_FORM(56, 6) & ~15u, false },
	{ "stq", (D_FORM(62, 6) & ~15u) | 2, true },
	{ "lwat", X_FORM(582, 6) & ~(31u << 11), true },
	{ "ldat", X_FORM(614, 6) & ~(31u << 11), true },
	{ "stwat", X_FORM(710, 6) & ~(31u << 11), true },
	{ "copy", X_FORM(774, 1), false },
};

static bool uses_r5(uint32_t insn)
{
	return insn >> 26 == 31 && insn >> 11 & 31;
}

static void run_uncached(uint32_t insn)
{
	PUT(CODE, COUNT, insn, HCALL);
	stand_at(0, CODE, REAL | MSR_DR);
	cpu_of(0)->gpr[4] = before.gpr[4] = uses_r5(insn) ? EA - 8 : EA;
	cpu_of(0)->reserved = true;
	run(0);
}

static void reservations_and_the_like_are_refused_where_caching_is_inhibited(void **state)
{
	static const uint64_t att[] = { LEAF_NI_IO, LEAF_TOLERANT_IO };

	for (size_t a = 0; a < ARRAY_SIZE(att); a++) {
		map();
		guest_map(&g, PID, EA, X, LEAF_ALL | LEAF_PRIV | att[a]);
		engine_power.flush_tlb(g.engine, true);
		guest_end_at_interrupts(&g);
		for (size_t i = 0; i < ARRAY_SIZE(cached_only); i++) {
			run_virtual(LD);
			assert_int_equal(cpu_of(0)->nip, CODE + 12);
			run_virtual(STD);
			assert_int_equal(cpu_of(0)->nip, CODE + 12);
			run_uncached(cached_only[i].insn);
			if (cpu_of(0)->nip != 0x304)
				fail_msg("%s went through", cached_only[i].name);
			assert_int_equal(cpu_of(0)->dar, EA);
			assert_int_equal(cpu_of(0)->dsisr,
					 0x04000000 | (cached_only[i].stores ? 0x02000000 : 0));
		}
	}
}

static void strong_access_order_is_as_good_as_none(void **state)
{
	map();
	guest_map(&g, PID, EA, X, LEAF_ALL | LEAF_PRIV | LEAF_SAO);
	engine_power.flush_tlb(g.engine, true);
	guest_end_at_interrupts(&g);
	for (size_t i = 0; i < ARRAY_SIZE(cached_only); i++) {
		run_uncached(cached_only[i].insn);
		if (cpu_of(0)->nip != CODE + 12)
			fail_msg("%s was refused", cached_only[i].name);
	}
}

/* ---- windows ---- */

static struct {
	uint64_t offset, value;
	unsigned size, reads, writes;
} device;

static uint64_t device_read(void *opaque, unsigned vcpu, uint64_t offset, unsigned size)
{
	assert_ptr_equal(opaque, &device);
	assert_int_equal(vcpu, 0);
	device.offset = offset;
	device.size = size;
	device.reads++;
	return 0x1122334455667788ull >> (64 - 8 * size);
}

static void device_write(void *opaque, unsigned vcpu, uint64_t offset, unsigned size,
			 uint64_t value)
{
	assert_ptr_equal(opaque, &device);
	assert_int_equal(vcpu, 0);
	device.offset = offset;
	device.size = size;
	device.value = value;
	device.writes++;
	/* As a device does that interrupts. */
	engine_power.set_external(g.engine, 0, true);
}

static const struct memory_window window = { .first = WINDOW,
					     .last = WINDOW + 0x7fff,
					     .sizes = 8 | 4 | 1,
					     .read = device_read,
					     .write = device_write,
					     .opaque = &device };

static void run_at(uint32_t insn, uint64_t ea, uint64_t msr)
{
	memset(&device, 0, sizeof(device));
	PUT(CODE, COUNT, insn, INSN_B(4), HCALL);
	stand_at(0, CODE, msr);
	cpu_of(0)->gpr[4] = before.gpr[4] = ea - 8;
	cpu_of(0)->gpr[6] = before.gpr[6] = 0xaabbccddeeff0011ull;
	run(0);
	/* Whoever chooses the next vCPU is asked as soon as the block has ended. */
	if (!device.reads && !device.writes)
		return;
	assert_int_equal(end.reason, ENGINE_EXIT_BUDGET);
	assert_int_equal(cpu_of(0)->nip, CODE + 12);
	run(0);
}

static void a_load_from_a_window_is_the_devices_answer(void **state)
{
	assert_true(memory_add_window(&g.memory, &window));
	for (unsigned again = 0; again < 2; again++) {
		run_at(LD, WINDOW + 0x100, REAL);
		assert_went_through();
		assert_int_equal(device.offset, 0x100);
		assert_int_equal(device.size, 8);
		assert_int_equal(device.reads, 1);
		assert_int_equal(cpu_of(0)->gpr[6], 0x1122334455667788);
	}
	run_at(D_FORM(32, 6), WINDOW + 0x7ffc, REAL);
	assert_int_equal(cpu_of(0)->gpr[6], 0x11223344);
	run_at(D_FORM(34, 6), WINDOW, REAL);
	assert_int_equal(cpu_of(0)->gpr[6], 0x11);
	run_at(X_FORM(532, 6), WINDOW, REAL); /* ldbrx */
	assert_int_equal(cpu_of(0)->gpr[6], 0x8877665544332211);
}

static void a_store_to_a_window_reaches_the_device_and_its_interrupt_the_vcpu(void **state)
{
	assert_true(memory_add_window(&g.memory, &window));
	PUT(0x500, HCALL);
	run_at(STD, WINDOW + 8, REAL | MSR_EE);
	assert_went_through();
	assert_int_equal(device.writes, 1);
	assert_int_equal(device.offset, 8);
	assert_int_equal(device.value, 0xaabbccddeeff0011);
	assert_int_equal(cpu_of(0)->nip, 0x504);
	run_at(D_FORM(38, 6), WINDOW + 1, REAL);
	assert_int_equal(device.size, 1);
	assert_int_equal(device.value, 0x11);
}

static void what_a_device_does_not_support_finds_nothing_that_answers(void **state)
{
	static const struct {
		uint32_t insn;
		uint64_t ea;
	} wrong[] = {
		{ D_FORM(40, 6), WINDOW }, /* lhz: no such size */
		{ D_FORM(36, 6), WINDOW + 2 }, /* stw, not aligned */
		{ LD, WINDOW + 0x1000 - 4 }, /* over a page's edge */
		{ STD, WINDOW + 0x8000 - 4 }, /* over the window's end */
		{ X_FORM(103, 6), WINDOW }, /* lvx */
		{ X_FORM(20, 6), WINDOW }, /* lwarx */
		{ DCBZ, WINDOW },
		{ LD, WINDOW + 0x8000 },
		{ LD, WINDOW - 8 },
	};

	assert_true(memory_add_window(&g.memory, &window));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		run_at(wrong[i].insn, wrong[i].ea, REAL);
		assert_data_error(BAD_ADDRESS, wrong[i].ea, wrong[i].ea);
		assert_untouched("an access that a device does not support");
		assert_int_equal(device.reads + device.writes, 0);
	}
	stand_at(0, WINDOW, REAL);
	run(0);
	assert_fetch_error(BAD_FETCH_SRR1, WINDOW, WINDOW);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_load_and_store_finds_poison_and_changes_nothing),
		TEST(one_byte_of_poison_is_enough),
		TEST(the_rest_of_the_page_is_as_good_as_ever),
		TEST(a_store_over_a_page_edge_into_poison_is_not_half_done),
		TEST(a_load_of_several_registers_that_meets_poison_late_loads_none),
		TEST(a_conditional_store_finds_poison_while_it_has_its_reservation),
		TEST(an_atomic_operation_on_poison_changes_nothing),
		TEST(poison_is_met_whoever_has_used_the_page_before),
		TEST(healed_memory_has_what_it_had),
		TEST(a_line_that_is_zeroed_is_healed_if_that_was_asked_for),
		TEST(a_store_heals_a_line_if_it_covers_all_of_its_poison),
		TEST(a_store_that_fails_on_its_second_page_heals_nothing),
		TEST(code_runs_up_to_the_first_poisoned_instruction),
		TEST(code_that_has_run_before_is_fetched_again),
		TEST(a_walk_that_meets_poison_for_data_says_so),
		TEST(a_walk_that_meets_poison_for_a_fetch_says_so),
		TEST(a_translated_access_reports_both_addresses),
		TEST(reservations_and_the_like_are_refused_where_caching_is_inhibited),
		TEST(strong_access_order_is_as_good_as_none),
		TEST(a_load_from_a_window_is_the_devices_answer),
		TEST(a_store_to_a_window_reaches_the_device_and_its_interrupt_the_vcpu),
		TEST(what_a_device_does_not_support_finds_nothing_that_answers),
	};

	return cmocka_run_group_tests_name("engine-memory", tests, NULL, NULL);
}
