/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors planted in what the embedded engine's vCPUs cache of translations: which accesses use
 * them, with which causes, and what ends them. Causes are those of POWER9, as in Linux's
 * arch/powerpc/kernel/mce_power.c.
 */
#include "engine/emu/check.h"
#include "unit.h"

#include "engine_guest.h"

#define RAM	    0x100000ull
#define CODE	    0x10000ull
#define DATA	    0x90000ull /* real */
#define EA	    0x40000000ull
#define KERNEL	    0xc000000000000000ull
#define PID	    5u
#define HCALL	    0x44000022u
#define BARE	    (MSR_SF | MSR_ME)
#define MAPPED	    (BARE | MSR_DR)
#define LD	    0xe8c40000u /* ld 6,0(4) */
#define STD	    0xf8c40000u /* std 6,0(4) */
#define SLBIA(ih)   (0x7c0003e4u | (uint32_t)(ih) << 21)
/* RIC, PRS 1, R 1; RB in r5, RS in r7 */
#define TLBIE(ric)  (0x7c010264u | 7u << 21 | 5u << 11 | (uint32_t)(ric) << 18 | 1u << 17)
#define TLBIEL(ric) (TLBIE(ric) & ~0x40u)

#define ERAT_DSISR 0x800u
#define TLB_DSISR  0x400u
#define ERAT_SRR1  0x00100000u
#define TLB_SRR1   0x00140000u

static struct engine_guest g;
static struct engine_exit end;

static int set_up(void **state)
{
	if (!guest_start(&g, RAM, 2))
		return -1;
	guest_use_radix(&g);
	guest_map(&g, PID, EA, DATA, LEAF_PRIV | LEAF_ALL);
	guest_map(&g, PID, EA + 0x1000, CODE, LEAF_PRIV | LEAF_ALL);
	guest_map(&g, 0, KERNEL + DATA, DATA, LEAF_PRIV | LEAF_ALL);
	memory_write_be64(&g.memory, DATA, 42);
	for (unsigned i = 0; i < 2; i++)
		g.e->cpus[i]->pidr = PID;
	return 0;
}

static int tear_down(void **state)
{
	return guest_end_checked(&g) ? 0 : -1;
}

static void plant(unsigned vcpu, uint8_t where, bool multihit, bool recovered, uint64_t ea)
{
	const struct engine_planted planted = { .first = ea,
						.last = ea + 0xfff,
						.pid = ea >> 62 ? 0 : ENGINE_ANY_PID,
						.vcpu = (uint8_t)vcpu,
						.where = where,
						.multihit = multihit,
						.recovered = recovered };

	assert_true(engine_power.plant(g.engine, &planted));
}

static void run_at(unsigned vcpu, uint64_t nip, uint64_t msr, uint64_t ea, uint64_t rb)
{
	struct engine_regs regs;

	engine_power.get_regs(g.engine, vcpu, &regs);
	regs.gpr[4] = ea;
	regs.gpr[5] = rb;
	regs.gpr[6] = 7;
	regs.gpr[7] = (uint64_t)PID << 32;
	regs.nip = nip;
	regs.msr = msr;
	engine_power.set_regs(g.engine, vcpu, &regs);
	engine_power.run(g.engine, vcpu, 1000, &end);
}

static void run(unsigned vcpu, uint32_t insn, uint64_t ea)
{
	const uint32_t code[] = { insn, HCALL };

	guest_code(&g, CODE, code, ARRAY_SIZE(code));
	run_at(vcpu, CODE, MAPPED, ea, 0);
}

/* An instruction in real mode, with @rb in r5. */
static void do_insn(unsigned vcpu, uint32_t insn, uint64_t rb)
{
	const uint32_t code[] = { insn, HCALL };

	guest_code(&g, CODE, code, ARRAY_SIZE(code));
	run_at(vcpu, CODE, BARE, 0, rb);
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
}

static unsigned nr_planted(void)
{
	const struct engine_planted *list;

	return engine_power.planted(g.engine, &list);
}

static void assert_met(uint64_t srr1, uint64_t dsisr, uint64_t ea)
{
	assert_int_equal(end.reason, ENGINE_EXIT_MACHINE_CHECK);
	assert_int_equal(end.machine_check.srr1, srr1);
	assert_int_equal(end.machine_check.dsisr, dsisr);
	assert_true(end.machine_check.met_planted);
	assert_int_equal(end.machine_check.planted_ea, ea);
	assert_false(end.machine_check.address_valid);
	assert_int_equal(end.machine_check.dar_valid, dsisr != 0);
	if (dsisr)
		assert_int_equal(end.machine_check.dar, ea);
}

static void assert_not_met(void)
{
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
}

static void loads_stores_and_fetches_use_the_entry(void **state)
{
	static const struct {
		uint8_t where;
		uint32_t dsisr, srr1;
	} caches[] = { { ENGINE_ERAT, ERAT_DSISR, ERAT_SRR1 },
		       { ENGINE_TLB, TLB_DSISR, TLB_SRR1 } };

	for (size_t i = 0; i < ARRAY_SIZE(caches); i++) {
		run(0, LD, EA + 8); /* its fast entry does not outlive the planting */
		assert_not_met();
		plant(0, caches[i].where, true, false, EA);
		plant(0, caches[i].where, true, false, EA + 0x1000);
		run(0, LD, EA + 8);
		assert_met(SRR1_MC_LOADSTORE, caches[i].dsisr, EA + 8);
		assert_int_equal(g.e->cpus[0]->gpr[6], 7);
		run(0, STD, EA + 8);
		assert_met(SRR1_MC_LOADSTORE, caches[i].dsisr, EA + 8);
		run_at(0, EA + 0x1000, BARE | MSR_IR, 0, 0);
		assert_met(caches[i].srr1, 0, EA + 0x1000);
		assert_int_equal(g.e->cpus[0]->nip, EA + 0x1000);
		engine_power.flush_tlb(g.engine, true);
	}
}

static void other_vcpus_pages_and_real_mode_do_not_use_it(void **state)
{
	plant(1, ENGINE_TLB, true, false, EA);
	run(0, LD, EA);
	assert_not_met();
	run(1, LD, EA + 0x1000);
	assert_not_met();
	run_at(1, CODE, BARE, DATA, 0);
	assert_not_met();
	run(1, LD, EA);
	assert_met(SRR1_MC_LOADSTORE, TLB_DSISR, EA);
}

static void what_the_hypervisor_repairs_is_met_once(void **state)
{
	plant(0, ENGINE_TLB, true, true, EA);
	plant(0, ENGINE_ERAT, true, false, KERNEL + DATA);
	plant(1, ENGINE_ERAT, true, false, EA);
	run(0, LD, EA);
	assert_met(SRR1_MC_LOADSTORE, TLB_DSISR, EA);
	assert_true(end.machine_check.recovered);
	run(0, LD, EA);
	assert_not_met();
	assert_int_equal(g.e->cpus[0]->gpr[6], 42);
	assert_int_equal(nr_planted(), 1); /* it flushes all of that vCPU */
}

static void what_it_does_not_is_met_until_it_is_flushed(void **state)
{
	plant(0, ENGINE_TLB, true, false, EA);
	for (unsigned i = 0; i < 3; i++) {
		run(0, LD, EA);
		assert_met(SRR1_MC_LOADSTORE, TLB_DSISR, EA);
		assert_false(end.machine_check.recovered);
	}
}

static void a_parity_error_has_no_bits(void **state)
{
	plant(0, ENGINE_TLB, false, false, EA);
	run(0, LD, EA);
	assert_met(0, 0, EA);
}

/* An entry that belongs to no process yet has been used by none. */
static void use_it(void)
{
	run(0, LD, EA);
	assert_int_equal(end.reason, ENGINE_EXIT_MACHINE_CHECK);
}

static void tlbie_ends_errors_of_its_page_and_process(void **state)
{
	const uint64_t other_page = EA + 0x1000, one_process = 1ull << 10, all = 3ull << 10;

	for (unsigned where = ENGINE_ERAT; where <= ENGINE_TLB; where++) {
		plant(0, (uint8_t)where, true, false, EA);
		use_it();
		do_insn(0, TLBIE(0), other_page);
		do_insn(0, TLBIE(1), one_process); /* RIC=1: walks only */
		do_insn(1, TLBIEL(0), EA); /* this vCPU's only */
		assert_int_equal(nr_planted(), 1);
		do_insn(1, TLBIE(0), EA);
		assert_int_equal(nr_planted(), 0);
		plant(0, (uint8_t)where, true, false, EA);
		do_insn(0, TLBIE(0), one_process); /* nobody's yet */
		use_it();
		do_insn(0, TLBIEL(2), one_process);
		assert_int_equal(nr_planted(), 0);
		plant(0, (uint8_t)where, true, false, EA);
		do_insn(0, TLBIEL(0), all);
		assert_int_equal(nr_planted(), 0);
	}
	plant(0, ENGINE_TLB, true, false, EA);
	use_it();
	g.e->cpus[0]->pidr = PID + 1;
	do_insn(0, TLBIE(0), EA); /* RS still names PID */
	assert_int_equal(nr_planted(), 0);
}

static void flush_process(uint32_t pid, uint64_t first, uint64_t last, bool planted)
{
	engine_power.flush_process(g.engine, pid, first, last, planted);
}

/* As the hypervisor's call for tlbie has it. */
static void flush_process_ends_errors_of_its_pages_and_process_on_all_vcpus(void **state)
{
	plant(0, ENGINE_TLB, true, false, EA);
	plant(1, ENGINE_ERAT, true, false, KERNEL + DATA);
	use_it();
	flush_process(PID + 1, 0, UINT64_MAX, true);
	flush_process(PID, EA + 0x1000, EA + 0x1fff, true);
	flush_process(PID, EA, EA + 0xfff, false);
	assert_int_equal(nr_planted(), 2);
	flush_process(PID, EA, EA + 0xfff, true);
	assert_int_equal(nr_planted(), 1);
	flush_process(0, KERNEL + DATA + 0x1000, KERNEL + DATA + 0x1fff, true);
	assert_int_equal(nr_planted(), 1);
	flush_process(0, KERNEL + DATA, KERNEL + DATA + 0xfff, true);
	assert_int_equal(nr_planted(), 0);
	plant(0, ENGINE_TLB, true, false, EA);
	use_it();
	flush_process(PID, 0, UINT64_MAX, true);
	assert_int_equal(nr_planted(), 0);
}

/* tlbie has addresses of quadrant 0 only. */
static void an_address_of_process_0_stands_for_quadrant_3(void **state)
{
	plant(0, ENGINE_TLB, true, false, KERNEL + DATA);
	flush_process(0, DATA + 0x1000, DATA + 0x1fff, true);
	assert_int_equal(nr_planted(), 1);
	flush_process(0, DATA, DATA + 0xfff, true);
	assert_int_equal(nr_planted(), 0);
}

static void slbia_ends_errors_of_its_vcpus_erat_alone(void **state)
{
	plant(0, ENGINE_TLB, true, false, EA);
	plant(0, ENGINE_ERAT, true, false, EA);
	plant(0, ENGINE_ERAT, true, false, KERNEL + DATA);
	plant(1, ENGINE_ERAT, true, false, EA);
	do_insn(0, SLBIA(3), 0); /* quadrant 0 */
	assert_int_equal(nr_planted(), 3);
	run(0, LD, KERNEL + DATA);
	assert_met(SRR1_MC_LOADSTORE, ERAT_DSISR, KERNEL + DATA);
	do_insn(0, SLBIA(7), 0);
	assert_int_equal(nr_planted(), 2);
	run(0, LD, EA);
	assert_met(SRR1_MC_LOADSTORE, TLB_DSISR, EA);
	run(1, LD, EA);
	assert_met(SRR1_MC_LOADSTORE, ERAT_DSISR, EA);
}

static void a_flush_of_tlbs_leaves_slbs_alone_unless_told(void **state)
{
	guest_use_hash(&g, RAM);
	plant(0, ENGINE_TLB, true, false, EA);
	plant(1, ENGINE_ERAT, true, false, KERNEL + DATA);
	plant(1, ENGINE_SLB, true, false, EA);
	engine_power.flush_tlb(g.engine, false);
	assert_int_equal(nr_planted(), 1);
	assert_int_equal(g.e->planted[0].where, ENGINE_SLB);
	engine_power.flush_tlb(g.engine, true);
	assert_int_equal(nr_planted(), 0);
}

static void an_access_that_faults_uses_no_entry(void **state)
{
	const uint32_t handler[] = { HCALL };

	guest_code(&g, 0x300, handler, 1);
	plant(0, ENGINE_TLB, true, false, EA + 0x5000);
	run(0, LD, EA + 0x5000);
	assert_not_met();
	assert_int_equal(g.e->cpus[0]->nip, 0x304);
}

static void there_is_room_for_sixteen(void **state)
{
	struct engine_planted planted = { .first = EA, .last = EA + 0xfff };

	planted.vcpu = 2;
	assert_false(engine_power.plant(g.engine, &planted));
	planted.vcpu = 0;
	planted.last = EA + 1;
	assert_false(engine_power.plant(g.engine, &planted));
	for (unsigned i = 0; i < ENGINE_MAX_PLANTED; i++)
		plant(0, ENGINE_TLB, true, false, EA);
	planted.last = EA + 0xfff;
	assert_false(engine_power.plant(g.engine, &planted));
	engine_power.unplant(g.engine, 1, 0, UINT64_MAX);
	engine_power.unplant(g.engine, 0, EA + 0x1000, UINT64_MAX);
	assert_int_equal(nr_planted(), ENGINE_MAX_PLANTED);
	engine_power.unplant(g.engine, ENGINE_MAX_VCPUS, EA + 8, EA + 8);
	assert_int_equal(nr_planted(), 0);
}

static void a_reset_ends_all(void **state)
{
	plant(0, ENGINE_TLB, true, false, EA);
	engine_power.saving(g.engine); /* what is planted is no cache of ours */
	assert_int_equal(nr_planted(), 1);
	engine_power.reset(g.engine);
	assert_int_equal(nr_planted(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(loads_stores_and_fetches_use_the_entry),
		TEST(other_vcpus_pages_and_real_mode_do_not_use_it),
		TEST(what_the_hypervisor_repairs_is_met_once),
		TEST(what_it_does_not_is_met_until_it_is_flushed),
		TEST(a_parity_error_has_no_bits),
		TEST(tlbie_ends_errors_of_its_page_and_process),
		TEST(flush_process_ends_errors_of_its_pages_and_process_on_all_vcpus),
		TEST(an_address_of_process_0_stands_for_quadrant_3),
		TEST(slbia_ends_errors_of_its_vcpus_erat_alone),
		TEST(a_flush_of_tlbs_leaves_slbs_alone_unless_told),
		TEST(an_access_that_faults_uses_no_entry),
		TEST(there_is_room_for_sixteen),
		TEST(a_reset_ends_all),
	};

	return cmocka_run_group_tests_name("engine-planted", tests, NULL, NULL);
}
