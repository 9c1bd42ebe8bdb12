/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that translates by hash, in the embedded engine: the instructions that change the SLB,
 * what vCPUs have cached of a translation when SLB, table or AMR change, and errors of SLB entries.
 */
#include <pthread.h>
#include <time.h>

#include "engine/emu/check.h"
#include "unit.h"

#include "engine_guest.h"
#include "engine/emu/insn/insn.h"
#include "engine/emu/shootdown.h"

#define RAM	  0x200000ull
#define CODE	  0x10000ull
#define DATA	  0x90000ull /* real */
#define OTHER	  0xa0000ull
#define MORE_CODE 0xb0000ull
#define LIMIT	  0x100000ull
#define USER	  0x40000000ull
#define KERNEL	  0xc000000000000000ull
#define VSID	  0x123456ull
#define HCALL	  0x44000022u
#define BARE	  (MSR_SF | MSR_ME)
#define MAPPED	  (BARE | MSR_DR)
#define RELOCATED (BARE | MSR_IR)
#define PROBLEM	  (BARE | MSR_DR | MSR_IR | MSR_PR)

/* RB is r5, RS or RT r6 */
#define LD	  0xe8c40000u /* ld 6,0(4) */
#define STD	  0xf8c40000u /* std 6,0(4) */
#define SLBMTE	  0x7cc02b24u
#define SLBMFEE	  0x7cc02f26u
#define SLBMFEV	  0x7cc02ea6u
#define SLBFEE	  0x7cc02fa7u
#define SLBIE	  0x7c002b64u
#define SLBIEG	  0x7cc02ba4u
#define SLBIAG(l) (0x7cc006a4u | (uint32_t)(l) << 16)
#define SLBIA(ih) (0x7c0003e4u | (uint32_t)(ih) << 21)
#define TLBIE	  0x7cc02a64u
#define TLBIEL	  0x7cc02a24u
#define MTAMR	  0x7cdd03a6u /* mtspr 29,6 */
#define MTIAMR	  0x7cdd0ba6u /* mtspr 61,6 */

#define RW	       (2 | HPTE_R_M)
#define KEY(n)	       (((n)&7ull) << 9)
#define DSISR_MULTIHIT 0x80u
#define DSISR_PARITY   0x100u
#define SRR1_MULTIHIT  0x000c0000u
#define SRR1_PARITY    0x00080000u

static struct engine_guest g;
static struct engine_exit end;

static int set_up_as(bool threads)
{
	static const uint64_t vectors[] = { 0x300, 0x380, 0x400, 0x480, 0x700, 0xc00 };
	const uint32_t handler[] = { HCALL };

	if (!guest_start_as(&g, RAM, 2, threads))
		return -1;
	guest_use_hash(&g, 0);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		guest_code(&g, vectors[i], handler, 1);
	guest_code(&g, MORE_CODE, handler, 1);
	memory_write_be64(&g.memory, DATA, 42);
	memory_write_be64(&g.memory, OTHER, 43);
	return 0;
}

static int set_up(void **state)
{
	return set_up_as(false);
}

static int set_up_threads(void **state)
{
	return set_up_as(true);
}

static int tear_down(void **state)
{
	return guest_end_checked(&g) ? 0 : -1;
}

static uint64_t gpr6(unsigned vcpu)
{
	return g.e->cpus[vcpu]->gpr[6];
}

static void go(unsigned vcpu, uint64_t nip, uint64_t msr, uint64_t r4, uint64_t r5, uint64_t r6)
{
	struct engine_regs regs;

	engine_power.get_regs(g.engine, vcpu, &regs);
	regs.gpr[4] = r4;
	regs.gpr[5] = r5;
	regs.gpr[6] = r6;
	regs.nip = nip;
	regs.msr = msr;
	engine_power.set_regs(g.engine, vcpu, &regs);
	engine_power.run(g.engine, vcpu, 1000, &end);
	assert_null(caches_check(g.e));
}

/* Real mode code that does one thing. */
static void do_insn(unsigned vcpu, uint32_t insn, uint64_t rb, uint64_t rs)
{
	const uint32_t code[] = { insn, HCALL };

	guest_code(&g, CODE, code, ARRAY_SIZE(code));
	go(vcpu, CODE, BARE, 0, rb, rs);
}

static void segment(unsigned vcpu, unsigned slot, uint64_t ea, uint64_t vsid, uint64_t flags)
{
	do_insn(vcpu, SLBMTE, (ea & SLB_ESID) | SLB_VALID | slot, vsid << 12 | flags);
	assert_int_equal(g.e->cpus[vcpu]->nip, CODE + 8);
}

static void access_by(unsigned vcpu, uint32_t insn, uint64_t ea)
{
	const uint32_t code[] = { insn, HCALL };

	guest_code(&g, CODE, code, ARRAY_SIZE(code));
	go(vcpu, CODE, MAPPED, ea, 0, 7);
}

static void load(unsigned vcpu, uint64_t ea)
{
	access_by(vcpu, LD, ea);
}

/* The access went through. */
static void assert_done(void)
{
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	assert_int_equal(g.e->cpus[0]->nip, CODE + 8);
}

static void assert_loaded(uint64_t ea, uint64_t value)
{
	load(0, ea);
	assert_done();
	assert_int_equal(gpr6(0), value);
}

static void assert_interrupt(unsigned vcpu, uint64_t vector)
{
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	assert_int_equal(g.e->cpus[vcpu]->nip, vector + 4);
}

static void assert_machine_check(uint64_t srr1, uint64_t dsisr, uint64_t ea)
{
	assert_int_equal(end.reason, ENGINE_EXIT_MACHINE_CHECK);
	assert_int_equal(end.machine_check.srr1, srr1);
	assert_int_equal(end.machine_check.dsisr, dsisr);
	assert_int_equal(end.machine_check.dar_valid, dsisr != 0);
	if (dsisr)
		assert_int_equal(end.machine_check.dar, ea);
	assert_false(end.machine_check.address_valid);
}

static void an_access_without_a_segment_is_a_segment_interrupt(void **state)
{
	load(0, KERNEL + 8);
	assert_interrupt(0, 0x380);
	assert_int_equal(g.e->cpus[0]->dar, KERNEL + 8);
	go(0, KERNEL + 0x100, RELOCATED, 0, 0, 0);
	assert_interrupt(0, 0x480);
	assert_int_equal(g.e->cpus[0]->srr0, KERNEL + 0x100);
}

static void what_slbmte_wrote_can_be_read_and_found(void **state)
{
	segment(0, 31, KERNEL, VSID, SLB_KP | SLB_CLASS);
	do_insn(0, SLBMFEE, 31, 0);
	assert_int_equal(gpr6(0), KERNEL | SLB_VALID);
	do_insn(0, SLBMFEV, 31, 0);
	assert_int_equal(gpr6(0), VSID << 12 | SLB_KP | SLB_CLASS);
	do_insn(0, SLBFEE, KERNEL + 0x1234, 0);
	assert_int_equal(gpr6(0), VSID << 12 | SLB_KP | SLB_CLASS);
	assert_int_equal(g.e->cpus[0]->cr[0], CR_EQ);
	do_insn(0, SLBFEE, USER, 5);
	assert_int_equal(gpr6(0), 0);
	assert_int_equal(g.e->cpus[0]->cr[0], 0);
	do_insn(0, SLBMFEE, 30, 5);
	assert_int_equal(gpr6(0), 0);
}

static void an_entry_that_no_processor_has_is_an_illegal_instruction(void **state)
{
	static const struct {
		uint64_t rb, rs;
	} bad[] = { { SLB_VALID | 32, 0 },
		    { SLB_VALID | 0x1000, 0 },
		    { SLB_VALID, 2ull << 62 },
		    { SLB_VALID, 0x130 } };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		do_insn(0, SLBMTE, bad[i].rb, bad[i].rs);
		assert_interrupt(0, 0x700);
		assert_int_equal(g.e->cpus[0]->slb[0].esid, 0);
	}
}

static void slbie_ends_what_is_cached_of_a_segment_and_of_no_other(void **state)
{
	static const uint64_t segments[] = { USER, KERNEL };

	guest_enter(&g, VSID, 0, DATA | RW);
	guest_enter(&g, VSID + 1, 0, OTHER | RW);
	for (size_t i = 0; i < ARRAY_SIZE(segments); i++) {
		const uint64_t ea = segments[i], next = ea + (1ull << SEGMENT_256M_BITS);

		segment(0, 3, ea, VSID, 0);
		segment(0, 4, next, VSID + 1, 0);
		assert_loaded(ea, 42);
		assert_loaded(next, 43);
		do_insn(0, SLBIE, ea, 0);
		load(0, ea);
		assert_interrupt(0, 0x380);
		assert_loaded(next, 43);
		do_insn(0, SLBIE, next, 0);
	}
}

static void an_entry_that_is_overwritten_translates_no_more(void **state)
{
	guest_enter(&g, VSID, 0, DATA | RW);
	guest_enter(&g, VSID, 0x1000, MORE_CODE | RW);
	segment(0, 3, KERNEL, VSID, 0);
	assert_loaded(KERNEL, 42);
	go(0, KERNEL + 0x1000, RELOCATED, 0, 0, 0);
	assert_int_equal(end.reason, ENGINE_EXIT_HCALL);
	assert_int_equal(g.e->cpus[0]->nip, KERNEL + 0x1004);
	segment(0, 3, USER, VSID, 0);
	load(0, KERNEL);
	assert_interrupt(0, 0x380);
	go(0, KERNEL + 0x1000, RELOCATED, 0, 0, 0);
	assert_interrupt(0, 0x480);
	assert_loaded(USER, 42);
}

static unsigned nr_valid(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SLB_ENTRIES; i++)
		count += !!(g.e->cpus[0]->slb[i].esid & SLB_VALID);
	return count;
}

static bool is_valid(unsigned vcpu, unsigned slot)
{
	return __atomic_load_n(&g.e->cpus[vcpu]->slb[slot].esid, __ATOMIC_RELAXED) & SLB_VALID;
}

static void slbia_spares_what_its_hint_says(void **state)
{
	static const struct {
		unsigned ih, left;
		bool first_left;
	} hints[] = { { 0, 1, true },  { 1, 1, true }, { 2, 1, true }, { 3, 2, true },
		      { 4, 0, false }, { 6, 1, true }, { 7, 4, true } };

	for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
		segment(0, 0, KERNEL, VSID, 0);
		segment(0, 1, USER, VSID + 1, SLB_CLASS);
		segment(0, 2, KERNEL + (1ull << 60), VSID + 2, 0);
		segment(0, 31, 0, VSID + 3, SLB_CLASS);
		do_insn(0, SLBIA(hints[i].ih), 0, 0);
		assert_int_equal(nr_valid(), hints[i].left);
		assert_int_equal(!!(g.e->cpus[0]->slb[0].esid & SLB_VALID), hints[i].first_left);
	}
}

static void slbieg_reaches_the_vcpus_that_run_the_process(void **state)
{
	guest_enter(&g, VSID, 0, DATA | RW);
	segment(0, 3, USER, VSID, 0);
	segment(1, 5, USER, VSID, 0);
	g.e->cpus[1]->pidr = 9;
	do_insn(0, SLBIEG, USER, 9ull << 32);
	assert_loaded(USER, 42);
	load(1, USER);
	assert_interrupt(1, 0x380);
}

static void slbiag_empties_the_slbs_of_the_vcpus_that_run_the_process(void **state)
{
	for (unsigned vcpu = 0; vcpu < 2; vcpu++) {
		segment(vcpu, 0, KERNEL, VSID, 0);
		segment(vcpu, 3, USER, VSID + 1, 0);
	}
	g.e->cpus[1]->pidr = 9;
	do_insn(0, SLBIAG(0), 0, 9ull << 32);
	assert_true(is_valid(0, 0) && is_valid(0, 3));
	assert_false(is_valid(1, 0) || is_valid(1, 3));
}

/* L is of ISA 3.1. */
static void slbiag_with_l_empties_all_slbs(void **state)
{
	static const struct {
		const struct cpu_model *model;
		bool kept;
	} models[] = { { &cpu_model_power9, true }, { &cpu_model_power10, false } };

	for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
		g.e->model = models[i].model;
		for (unsigned vcpu = 0; vcpu < 2; vcpu++)
			segment(vcpu, 0, KERNEL, VSID, 0);
		do_insn(0, SLBIAG(1), 0, 9ull << 32);
		for (unsigned vcpu = 0; vcpu < 2; vcpu++)
			assert_int_equal(!!is_valid(vcpu, 0), models[i].kept);
	}
}

static void vcpus_have_segments_of_their_own(void **state)
{
	guest_enter(&g, VSID, 0, DATA | RW);
	guest_enter(&g, VSID + 1, 0, OTHER | RW);
	segment(0, 0, USER, VSID, 0);
	segment(1, 0, USER, VSID + 1, 0);
	for (unsigned i = 0; i < 4; i++) {
		load(i & 1, USER);
		assert_int_equal(gpr6(i & 1), 42 + (i & 1));
	}
}

static void two_entries_for_an_address_are_a_machine_check_on_the_access(void **state)
{
	static const uint64_t segments[] = { USER, KERNEL };

	guest_enter(&g, VSID, 0, DATA | RW);
	guest_enter(&g, VSID, 0x1000, MORE_CODE | RW);
	for (size_t i = 0; i < ARRAY_SIZE(segments); i++) {
		const uint64_t ea = segments[i];

		segment(0, 1, ea, VSID, 0);
		assert_loaded(ea, 42);
		go(0, ea + 0x1000, RELOCATED, 0, 0, 0);
		segment(0, 9, ea, VSID, 0);
		load(0, ea + 8);
		assert_machine_check(SRR1_MC_LOADSTORE, DSISR_MULTIHIT, ea + 8);
		assert_int_equal(gpr6(0), 7);
		access_by(0, STD, ea + 8);
		assert_machine_check(SRR1_MC_LOADSTORE, DSISR_MULTIHIT, ea + 8);
		go(0, ea + 0x1000, RELOCATED, 0, 0, 0);
		assert_machine_check(SRR1_MULTIHIT, 0, 0);
		assert_int_equal(g.e->cpus[0]->nip, ea + 0x1000);
		do_insn(0, SLBIE, ea, 0);
		load(0, ea);
		assert_interrupt(0, 0x380);
		segment(0, 1, ea, VSID, 0);
		segment(0, 9, ea & ~0xffffffffffull, VSID, SLB_B_1T);
		load(0, ea);
		assert_machine_check(SRR1_MC_LOADSTORE, DSISR_MULTIHIT, ea);
		do_insn(0, SLBIA(0), 0, 0);
		segment(0, 1, ea, VSID, 0);
		assert_loaded(ea, 42);
	}
}

static void an_entry_of_the_table_that_changed_is_looked_up_again(void **state)
{
	uint64_t index, v, r;

	segment(0, 1, KERNEL, VSID, 0);
	segment(0, 2, USER, VSID, 0); /* the same page at another address */
	index = guest_enter(&g, VSID, 0x5000, DATA | RW);
	access_by(0, STD, KERNEL + 0x5000);
	assert_done();
	assert_loaded(USER + 0x5000, 7);
	v = get_be64(&g.hash_table[2 * index]);
	r = get_be64(&g.hash_table[2 * index + 1]);
	assert_int_equal(r, DATA | RW | HPTE_R_R | HPTE_R_C);
	put_be64(&g.hash_table[2 * index + 1], DATA | RW);
	engine_power.flush_hpte(g.engine, index, v, r);
	access_by(0, STD, KERNEL + 0x5000);
	assert_int_equal(get_be64(&g.hash_table[2 * index + 1]), r);
	load(0, USER + 0x5000);
	guest_enter(&g, VSID, 0x5000, 0);
	engine_power.flush_hpte(g.engine, index, v, r);
	load(0, USER + 0x5000);
	assert_interrupt(0, 0x300);
	assert_int_equal(g.e->cpus[0]->dsisr, FAULT_NO_PTE);
	assert_int_equal(g.e->cpus[0]->dar, USER + 0x5000);
	access_by(0, STD, KERNEL + 0x5000);
	assert_interrupt(0, 0x300);
	assert_int_equal(g.e->cpus[0]->dsisr, FAULT_NO_PTE | FAULT_STORE);
}

static void code_of_a_page_that_was_removed_is_not_fetched(void **state)
{
	uint64_t index;

	segment(0, 1, KERNEL, VSID, 0);
	index = guest_enter(&g, VSID, 0x6000, MORE_CODE | RW);
	go(0, KERNEL + 0x6000, RELOCATED, 0, 0, 0);
	assert_interrupt(0, KERNEL + 0x6000);
	guest_enter(&g, VSID, 0x6000, 0);
	engine_power.flush_hpte(g.engine, index,
				hpte_v(&(struct virtual_page){ .vsid = VSID, .offset = 0x6000 }) |
					HPTE_V_VALID,
				MORE_CODE | RW);
	go(0, KERNEL + 0x6000, RELOCATED, 0, 0, 0);
	assert_interrupt(0, 0x400);
	assert_int_equal(g.e->cpus[0]->srr1, RELOCATED | FAULT_NO_PTE);
}

static void code_that_ends_its_own_segment_is_not_fetched_behind_its_isync(void **state)
{
	static const uint32_t code[] = { SLBIE, 0x4c00012c /* isync */, INSN_NOP, HCALL };

	segment(0, 1, KERNEL, VSID, 0);
	guest_enter(&g, VSID, 0x6000, MORE_CODE | RW);
	guest_code(&g, MORE_CODE, code, ARRAY_SIZE(code));
	/* The first time links the blocks. */
	for (unsigned i = 0; i < 2; i++) {
		go(0, KERNEL + 0x6000, RELOCATED, 0, USER, 0);
		assert_int_equal(g.e->cpus[0]->nip, KERNEL + 0x6010);
	}
	go(0, KERNEL + 0x6000, RELOCATED, 0, KERNEL, 0);
	assert_interrupt(0, 0x480);
	assert_int_equal(g.e->cpus[0]->srr0, KERNEL + 0x6008);
}

static void amr_counts_for_kernel_and_user_addresses_in_both_states(void **state)
{
	static const uint64_t segments[] = { USER, KERNEL };
	const uint64_t deny = 3ull << (62 - 2 * 3); /* key 3 */
	const uint32_t user[] = { LD, 0x44000002u /* sc */ };

	guest_code(&g, MORE_CODE, user, 2);
	guest_enter(&g, VSID, 0, DATA | RW | KEY(3));
	guest_enter(&g, VSID, 0x1000, MORE_CODE | RW);
	for (size_t i = 0; i < ARRAY_SIZE(segments); i++) {
		const uint64_t ea = segments[i];

		segment(0, 1, ea, VSID, SLB_KP);
		assert_loaded(ea, 42);
		go(0, ea + 0x1000, PROBLEM, ea, 0, 0);
		assert_interrupt(0, 0xc00);
		assert_int_equal(gpr6(0), 42);
		do_insn(0, MTAMR, 0, deny);
		load(0, ea);
		assert_interrupt(0, 0x300);
		assert_int_equal(g.e->cpus[0]->dsisr, FAULT_KEY);
		go(0, ea + 0x1000, PROBLEM, ea, 0, 0);
		assert_interrupt(0, 0x300);
		do_insn(0, MTAMR, 0, ~deny);
		assert_loaded(ea, 42);
		go(0, ea + 0x1000, PROBLEM, ea, 0, 0);
		assert_interrupt(0, 0xc00);
		do_insn(0, MTAMR, 0, 0);
		do_insn(0, SLBIE, ea, 0);
	}
}

static void iamr_counts_for_kernel_and_user_addresses_in_both_states(void **state)
{
	static const uint64_t segments[] = { USER, KERNEL };
	const uint64_t deny = 1ull << (62 - 2 * 3); /* key 3 */
	const uint32_t user[] = { 0x44000002u /* sc */ };

	guest_code(&g, MORE_CODE, user, 1);
	guest_enter(&g, VSID, 0x1000, MORE_CODE | RW | KEY(3));
	for (size_t i = 0; i < ARRAY_SIZE(segments); i++) {
		const uint64_t ea = segments[i] + 0x1000;

		segment(0, 1, segments[i], VSID, SLB_KP);
		for (unsigned denied = 0; denied < 2; denied++) {
			const uint64_t iamr = denied ? deny : ~deny;
			const uint64_t vector = denied ? 0x400 : 0xc00;

			do_insn(0, MTIAMR, 0, iamr);
			go(0, ea, RELOCATED, 0, 0, 0);
			assert_interrupt(0, vector);
			go(0, ea, PROBLEM, 0, 0, 0);
			assert_interrupt(0, vector);
			if (denied)
				assert_true(g.e->cpus[0]->srr1 & FAULT_KEY);
		}
		do_insn(0, MTIAMR, 0, 0);
		go(0, ea, RELOCATED, 0, 0, 0);
		assert_interrupt(0, 0xc00);
		do_insn(0, SLBIE, segments[i], 0);
	}
}

/* As Linux does at each copy to and from a user, and at each system call. */
static void keys_of_user_pages_leave_the_kernels_own_entries(void **state)
{
	const struct tlb_arrays *arrays = &g.e->cpus[0]->arrays;
	const uint64_t own = KERNEL, users = USER + 0x2000;
	const uint64_t lock = 3ull << (62 - 2 * 3);

	guest_enter(&g, VSID, 0, DATA | RW);
	guest_enter(&g, VSID, 0x2000, DATA | RW | KEY(3));
	guest_enter(&g, VSID, 0x1000, MORE_CODE | RW);
	segment(0, 1, KERNEL, VSID, SLB_KP);
	segment(0, 2, USER, VSID, SLB_KP);
	load(0, own);
	load(0, users);
	go(0, own + 0x1000, RELOCATED, 0, 0, 0);
	assert_int_equal(arrays->data[TLB_KERNEL].read[TLB_INDEX(users)].tag, EPN(users));
	spr_write(g.e->cpus[0], 29, 6, lock);
	spr_write(g.e->cpus[0], 61, 6, lock);
	assert_int_equal(arrays->data[TLB_KERNEL].read[TLB_INDEX(users)].tag, TLB_INVALID);
	assert_int_equal(arrays->data[TLB_KERNEL].read[TLB_INDEX(own)].tag, EPN(own));
	assert_int_equal(arrays->fetch[TLB_KERNEL].entry[FETCH_INDEX(own + 0x1000)].tag,
			 EPN(own + 0x1000));
}

static void real_mode_ends_where_the_partition_says(void **state)
{
	const uint32_t code[] = { LD, HCALL };

	guest_code(&g, CODE, code, ARRAY_SIZE(code));
	guest_code(&g, LIMIT, code, ARRAY_SIZE(code));
	memory_write_be64(&g.memory, LIMIT - 8, 44);
	guest_use_hash(&g, LIMIT);
	go(0, CODE, BARE, LIMIT - 8, 0, 0);
	assert_int_equal(gpr6(0), 44);
	go(0, CODE, BARE, LIMIT + 8, 0, 0);
	assert_interrupt(0, 0x300);
	assert_int_equal(g.e->cpus[0]->dsisr, FAULT_NO_PTE);
	assert_int_equal(g.e->cpus[0]->dar, LIMIT + 8);
	go(0, LIMIT, BARE, 0, 0, 0);
	assert_interrupt(0, 0x400);
	assert_int_equal(g.e->cpus[0]->srr1, BARE | FAULT_NO_PTE);
	/* Where there is no memory, it is a machine check, and DAR has all of the address. */
	go(0, CODE, BARE, UINT64_MAX - 7, 0, 0);
	assert_int_equal(end.reason, ENGINE_EXIT_MACHINE_CHECK);
	assert_true(end.machine_check.dar == UINT64_MAX - 7);
	segment(0, 1, KERNEL, VSID, 0);
	guest_enter(&g, VSID, 0, (LIMIT + 0x1000) | RW);
	memory_write_be64(&g.memory, LIMIT + 0x1000, 45);
	assert_loaded(KERNEL, 45);
}

static void tlbie_is_the_hypervisors_and_sc_1_is_no_call_of_problem_state(void **state)
{
	const uint32_t user[] = { HCALL };

	do_insn(0, TLBIE, 0, 0);
	assert_interrupt(0, 0x700);
	assert_int_equal(g.e->cpus[0]->srr1, BARE | SRR1_PRIVILEGED);
	do_insn(0, TLBIEL, 0, 0);
	assert_done();
	guest_code(&g, MORE_CODE, user, 1);
	guest_enter(&g, VSID, 0x1000, MORE_CODE | RW);
	segment(0, 1, USER, VSID, 0);
	go(0, USER + 0x1000, PROBLEM, 0, 0, 0);
	assert_interrupt(0, 0xc00);
	assert_int_equal(g.e->cpus[0]->srr0, USER + 0x1004);
}

static void plant(uint8_t where, bool multihit, bool recovered, uint64_t ea)
{
	const struct engine_planted planted = { .first = ea,
						.last = ea + 0xfff,
						.pid = ea >> 62 ? 0 : ENGINE_ANY_PID,
						.where = where,
						.multihit = multihit,
						.recovered = recovered };

	assert_true(engine_power.plant(g.engine, &planted));
}

static unsigned nr_planted(void)
{
	const struct engine_planted *list;

	return engine_power.planted(g.engine, &list);
}

static void a_bad_slb_entry_is_met_by_its_uses_until_it_is_flushed(void **state)
{
	static const uint32_t flushes[] = { SLBIE, SLBIA(4), SLBMTE };

	guest_enter(&g, VSID, 0, DATA | RW);
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(flushes); i++) {
		const bool multihit = i & 1;
		const uint64_t ea = i & 1 ? USER : KERNEL;

		segment(0, 1, ea, VSID, 0);
		assert_loaded(ea, 42);
		plant(ENGINE_SLB, multihit, false, ea);
		load(0, ea + 8);
		assert_machine_check(SRR1_MC_LOADSTORE, multihit ? DSISR_MULTIHIT : DSISR_PARITY,
				     ea + 8);
		assert_true(end.machine_check.met_planted);
		go(0, ea, RELOCATED, 0, 0, 0);
		assert_machine_check(multihit ? SRR1_MULTIHIT : SRR1_PARITY, 0, 0);
		do_insn(0, SLBIE, ea + (1ull << SEGMENT_256M_BITS), 0);
		assert_int_equal(nr_planted(), 1);
		if (flushes[i / 2] == SLBMTE)
			do_insn(0, SLBMTE, 1, 0); /* it is overwritten */
		else
			do_insn(0, flushes[i / 2], ea, 0);
		assert_int_equal(nr_planted(), 0);
		segment(0, 1, ea, VSID, 0);
		assert_loaded(ea, 42);
		do_insn(0, SLBIA(4), 0, 0);
	}
	segment(0, 1, KERNEL, VSID, 0);
	plant(ENGINE_SLB, true, true, KERNEL);
	load(0, KERNEL);
	assert_machine_check(SRR1_MC_LOADSTORE, DSISR_MULTIHIT, KERNEL);
	assert_true(end.machine_check.recovered);
	assert_loaded(KERNEL, 42);
}

static void a_bad_slb_entry_is_met_although_its_page_is_not_there(void **state)
{
	segment(0, 1, KERNEL, VSID, 0);
	plant(ENGINE_SLB, true, false, KERNEL);
	load(0, KERNEL);
	assert_machine_check(SRR1_MC_LOADSTORE, DSISR_MULTIHIT, KERNEL);
}

static void a_bad_tlb_entry_belongs_to_its_virtual_page(void **state)
{
	uint64_t index;

	index = guest_enter(&g, VSID, 0, DATA | RW);
	guest_enter(&g, VSID + 1, 0, OTHER | RW);
	segment(0, 1, USER, VSID, 0);
	plant(ENGINE_TLB, true, false, USER);
	load(0, USER);
	assert_machine_check(SRR1_MC_LOADSTORE, 0x400, USER);
	segment(0, 1, USER, VSID + 1, 0); /* another process */
	assert_loaded(USER, 43);
	segment(0, 1, USER, VSID, 0);
	load(0, USER);
	assert_machine_check(SRR1_MC_LOADSTORE, 0x400, USER);
	engine_power.flush_hpte(g.engine, index, get_be64(&g.hash_table[2 * index]),
				get_be64(&g.hash_table[2 * index + 1]));
	assert_int_equal(nr_planted(), 0);
	assert_loaded(USER, 42);
	plant(ENGINE_TLB, true, false, USER);
	do_insn(0, TLBIEL, 0, 0);
	assert_int_equal(nr_planted(), 0);
}

static void set_slb_writes_all_entries_and_ends_their_errors(void **state)
{
	struct engine_slb_entry slb[SLB_ENTRIES] = { { KERNEL | SLB_VALID, VSID << 12 } }, read;
	struct engine_slb_entry all[SLB_ENTRIES];

	guest_enter(&g, VSID, 0, DATA | RW);
	segment(0, 7, KERNEL, VSID + 1, 0);
	segment(0, 8, KERNEL, VSID + 1, 0);
	plant(ENGINE_SLB, true, false, KERNEL);
	engine_power.set_slb(g.engine, 0, slb);
	assert_int_equal(nr_planted(), 0);
	assert_loaded(KERNEL, 42);
	engine_power.get_slb(g.engine, 0, all);
	read = all[0];
	assert_int_equal(read.esid, KERNEL | SLB_VALID);
	assert_int_equal(read.vsid, VSID << 12);
	assert_int_equal(nr_valid(), 1);
}

/* ---- vCPUs that run beside one another ---- */

static void slbieg_is_executed_while_the_other_vcpus_stand_still(void **state)
{
	struct cpu *cpu = g.e->cpus[0];

	segment(1, 5, USER, VSID, 0);
	g.e->cpus[1]->pidr = 9;
	cpu->gpr[5] = USER;
	cpu->gpr[6] = 9ull << 32;
	assert_true(engine_power.run_beside(g.engine, true));
	assert_int_equal(sem_slbieg(cpu, SLBIEG), EXCEPTION);
	assert_int_equal(cpu->exception, EXCEPTION_ALONE);
	cpu->exception = 0;
	assert_true(is_valid(1, 5));
	assert_false(engine_power.run_beside(g.engine, false));
	do_insn(0, SLBIEG, USER, 9ull << 32);
	assert_false(is_valid(1, 5));
}

static void *set_slb(void *slb)
{
	engine_power.set_slb(g.engine, 0, slb);
	return NULL;
}

/* What a shootdown changes of a vCPU that stands still, it changes with this lock. */
static void set_slb_waits_for_a_shootdown_of_the_vcpu(void **state)
{
	struct engine_slb_entry slb[SLB_ENTRIES] = { { KERNEL | SLB_VALID, VSID << 12 } };
	const struct timespec moment = { .tv_nsec = 1000000 };
	pthread_mutex_t *lock = &g.e->cpus[0]->shootdowns->lock;
	pthread_t thread;

	pthread_mutex_lock(lock);
	assert_int_equal(pthread_create(&thread, NULL, set_slb, slb), 0);
	for (unsigned i = 0; i < 50; i++) {
		nanosleep(&moment, NULL);
		assert_false(is_valid(0, 0));
	}
	pthread_mutex_unlock(lock);
	pthread_join(thread, NULL);
	assert_true(is_valid(0, 0));
}

#define TEST(name)	   cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define THREADS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_threads, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_access_without_a_segment_is_a_segment_interrupt),
		TEST(what_slbmte_wrote_can_be_read_and_found),
		TEST(an_entry_that_no_processor_has_is_an_illegal_instruction),
		TEST(slbie_ends_what_is_cached_of_a_segment_and_of_no_other),
		TEST(an_entry_that_is_overwritten_translates_no_more),
		TEST(slbia_spares_what_its_hint_says),
		TEST(slbieg_reaches_the_vcpus_that_run_the_process),
		TEST(slbiag_empties_the_slbs_of_the_vcpus_that_run_the_process),
		TEST(slbiag_with_l_empties_all_slbs),
		TEST(vcpus_have_segments_of_their_own),
		TEST(two_entries_for_an_address_are_a_machine_check_on_the_access),
		TEST(an_entry_of_the_table_that_changed_is_looked_up_again),
		TEST(code_of_a_page_that_was_removed_is_not_fetched),
		TEST(code_that_ends_its_own_segment_is_not_fetched_behind_its_isync),
		TEST(amr_counts_for_kernel_and_user_addresses_in_both_states),
		TEST(iamr_counts_for_kernel_and_user_addresses_in_both_states),
		TEST(keys_of_user_pages_leave_the_kernels_own_entries),
		TEST(real_mode_ends_where_the_partition_says),
		TEST(tlbie_is_the_hypervisors_and_sc_1_is_no_call_of_problem_state),
		TEST(a_bad_slb_entry_is_met_by_its_uses_until_it_is_flushed),
		TEST(a_bad_slb_entry_is_met_although_its_page_is_not_there),
		TEST(a_bad_tlb_entry_belongs_to_its_virtual_page),
		TEST(set_slb_writes_all_entries_and_ends_their_errors),
		THREADS_TEST(slbieg_is_executed_while_the_other_vcpus_stand_still),
		THREADS_TEST(set_slb_waits_for_a_shootdown_of_the_vcpu),
	};

	return cmocka_run_group_tests_name("engine-segments", tests, NULL, NULL);
}
