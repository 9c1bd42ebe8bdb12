/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every form of tlbie and tlbiel that a guest with radix translation may use: a page is mapped,
 * used, changed, invalidated, and used again; and the forms that it may not use. Power ISA 3.0B,
 * Book III, section 5.9.3.3.
 */
#include "payload.h"

#define PAGES	  "after_an_invalidation_by_page_its_new_protection_counts_whatever_its_size"
#define WIDER	  "after_an_invalidation_by_process_or_partition_a_new_protection_counts"
#define WALKS	  "after_an_invalidation_of_the_page_walk_cache_a_new_directory_counts"
#define TREES	  "after_an_invalidation_of_everything_a_process_has_its_new_tree_counts"
#define BOTH	  "an_address_of_process_0_invalidates_what_quadrant_0_and_quadrant_3_have_there"
#define FIELD_R	  "in_a_guest_the_field_r_counts_for_nothing"
#define PARTITION "what_belongs_to_the_partition_is_the_hypervisors_to_invalidate"
#define INVALID	  "an_invalid_form_is_an_illegal_instruction"
#define RPTI	  "h_rpt_invalidate_does_what_tlbie_would"
#define NO_GTSE	  "without_gtse_tlbie_and_tlbsync_are_the_hypervisors_and_tlbiel_is_not"

const char *const sentences[] = { PAGES,     WIDER,   WALKS, TREES,   BOTH, FIELD_R,
				  PARTITION, INVALID, RPTI,  NO_GTSE, NULL };

#define KERNEL	  (MSR_BARE | MSR_IR | MSR_DR)
#define PLACE	  0x4000000000ull /* and each further page size 1 GiB behind it */
#define READ_ONLY (PTE_PRIV | PTE_READ | PTE_R | PTE_C)
#define ALL	  (PTE_KERNEL | PTE_R | PTE_C)

#define TLBIE	0x7c000264u
#define TLBIEL	0x7c000224u
#define TLBSYNC 0x7c00046cu

enum {
	RIC_TLB,
	RIC_WALKS,
	RIC_ALL,
	RIC_GROUP
};
#define IS_PAGE	     0x000ull
#define IS_PROCESS   0x400ull
#define IS_PARTITION 0x800ull
#define IS_ALL	     0xc00ull
#define AP(n)	     ((u64)(n) << 5)

CODE(store_it, "std 4,0(3); trap");
CODE(load_it, "ld 4,0(3); trap");

static u64 *code; /* two instructions, at the same address in quadrants 0 and 3 */
static u64 *page, *other;

static const struct {
	unsigned shift, ap;
	const char *name;
} sizes[] = { { 12, 0, "4 KiB" }, { 16, 5, "64 KiB" }, { 21, 1, "2 MiB" }, { 30, 2, "1 GiB" } };

/* ---- instructions ---- */

static void execute(u32 insn, u64 rb, u64 rs)
{
	((volatile u32 *)code)[0] = insn;
	((volatile u32 *)code)[1] = TRAP;
	flush_code(code);
	run(code, MSR_BARE, rb, rs, 0, 0);
	__asm__ volatile("eieio; ptesync" : : : "memory");
}

/* R3 is RB, R4 is RS. */
static u32 form(u32 which, unsigned ric, unsigned prs, unsigned r)
{
	return which | 4u << 21 | ric << 18 | prs << 17 | r << 16 | 3u << 11;
}

static void invalidate(const char *sentence, u32 which, unsigned ric, u64 rb, unsigned pid)
{
	execute(form(which, ric, 1, 1), rb, (u64)pid << 32);
	check_caught(sentence, 0x700, code, 4, MSR_BARE, TRAPPED);
}

static void refused(const char *sentence, u32 insn, u64 rb, u64 cause)
{
	execute(insn, rb, 0);
	check_caught(sentence, 0x700, code, 0, MSR_BARE, cause);
}

/* ---- what is mapped ---- */

static void enter(u64 *entry, u64 value)
{
	*(volatile u64 *)entry = big64(value);
	__asm__ volatile("ptesync" : : : "memory");
}

static u64 place(unsigned size)
{
	return PLACE + ((u64)size << 30);
}

/* The entry of a page of that size; 64 KiB have a lowest level of 5 bits. */
static u64 *entry_of(unsigned pid, unsigned size)
{
	u64 *directory;

	if (sizes[size].shift != 16)
		return radix_entry(pid, place(size), sizes[size].shift);
	directory = radix_entry(pid, place(size), 21);
	if (!*directory)
		enter(directory, PTE_VALID | (u64)radix_page() | 5);
	return (u64 *)(big64(*directory) & ~(PAGE - 1) & ~PTE_VALID);
}

static void map(unsigned pid, unsigned size, u64 bits)
{
	const u64 ra = (u64)page & ~((1ull << sizes[size].shift) - 1);

	enter(entry_of(pid, size), PTE_VALID | PTE_LEAF | ra | bits);
}

/* The page's address, wherever in the mapped one it is */
static u64 address(unsigned size)
{
	return place(size) + ((u64)page & ((1ull << sizes[size].shift) - 1));
}

/* Every way to use the page, so that each is cached, or must see the change. */
static void use(const char *sentence, u64 ea, bool permitted, const char *what)
{
	run(kernels_code(load_it), KERNEL, ea + 8, 0, 0, 0);
	check_equal(sentence, caught.vector, 0x700, what);
	mtspr(SPR_DSISR, 0);
	run(kernels_code(store_it), KERNEL, ea + 8, 7, 0, 0);
	check_equal(sentence, caught.vector, permitted ? 0x700 : 0x300, what);
	if (!permitted)
		check_equal(sentence, caught.dsisr, DSISR_PROTECTION | DSISR_STORE, what);
	run((void *)ea, KERNEL, 0, 0, 0, 0);
	check_equal(sentence, caught.vector, permitted ? 0x700 : 0x400, what);
	if (!permitted)
		check_equal(sentence, caught.srr1 & SRR1_CAUSE, SRR1_NO_EXECUTE, what);
}

static void process(unsigned pid)
{
	mtspr(SPR_PIDR, pid);
	__asm__ volatile("isync" : : : "memory");
}

/* ---- the proofs ---- */

static void test_change(const char *sentence, unsigned pid, unsigned size, u32 which, unsigned ric,
			u64 rb)
{
	process(pid);
	map(pid, size, ALL);
	invalidate(sentence, which, RIC_ALL, IS_PROCESS, pid);
	use(sentence, address(size), true, sizes[size].name);
	map(pid, size, READ_ONLY);
	invalidate(sentence, which, ric, rb, pid);
	use(sentence, address(size), false, sizes[size].name);
}

static void test_pages(u32 which)
{
	for (unsigned pid = 0; pid < 2; pid++)
		for (unsigned size = 0; size < ARRAY_SIZE(sizes); size++)
			test_change(PAGES, pid, size, which, RIC_TLB,
				    (address(size) & ~(PAGE - 1)) | AP(sizes[size].ap));
}

static void test_wider(u32 which)
{
	static const u64 selectors[] = { IS_PROCESS, IS_PARTITION, IS_ALL };

	for (unsigned pid = 0; pid < 2; pid++)
		for (unsigned i = 0; i < ARRAY_SIZE(selectors); i++)
			for (unsigned ric = RIC_TLB; ric <= RIC_ALL; ric += RIC_ALL)
				test_change(WIDER, pid, i, which, ric, selectors[i]);
}

/* A directory's entry changes, and a page is used that was not before. */
static void test_walks(u32 which, unsigned ric, u64 selector)
{
	const u64 ea = PLACE + (5ull << 30);

	for (unsigned pid = 0; pid < 2; pid++) {
		u64 *directory = radix_entry(pid, ea, 21), kept;
		u64 *table = (u64 *)radix_page();

		process(pid);
		enter(radix_pte(pid, ea), PTE_VALID | PTE_LEAF | (u64)page | ALL);
		enter(radix_pte(pid, ea + PAGE), PTE_VALID | PTE_LEAF | (u64)page | ALL);
		kept = big64(*directory);
		invalidate(WALKS, which, RIC_ALL, IS_PROCESS, pid);
		use(WALKS, ea, true, "first page");
		enter(table + 1, PTE_VALID | PTE_LEAF | (u64)other | READ_ONLY);
		enter(directory, PTE_VALID | (u64)table | 9);
		invalidate(WALKS, which, ric, selector, pid);
		use(WALKS, ea + PAGE, false, "page of the new directory");
		run(kernels_code(load_it), KERNEL, ea + PAGE, 0, 0, 0);
		check_equal(WALKS, caught.gpr[4], other[0], "what is there");
		enter(directory, kept);
		invalidate(WALKS, which, RIC_ALL, IS_PROCESS, pid);
	}
}

/* Process 2 gets the tree of process 3. */
static void test_trees(u32 which, u64 selector)
{
	u64 *entry = radix_process_entry(2), kept;

	process(2);
	map(2, 0, ALL);
	map(3, 0, READ_ONLY);
	invalidate(TREES, which, RIC_ALL, IS_ALL, 0);
	use(TREES, address(0), true, "the first tree");
	kept = big64(*entry);
	enter(entry, big64(*radix_process_entry(3)));
	invalidate(TREES, which, RIC_ALL, selector, 2);
	use(TREES, address(0), false, "the second tree");
	enter(entry, kept);
	invalidate(TREES, which, RIC_ALL, IS_PROCESS, 2);
}

/* The tree of process 0 is met in two quadrants. */
static void test_quadrants(u32 which, u64 quadrant)
{
	for (unsigned pid = 0; pid < 2; pid++) {
		process(pid);
		map(0, 0, ALL);
		invalidate(BOTH, which, RIC_ALL, IS_PROCESS, 0);
		use(BOTH, QUADRANT3 + address(0), true, "quadrant 3");
		if (!pid)
			use(BOTH, address(0), true, "quadrant 0");
		map(0, 0, READ_ONLY);
		invalidate(BOTH, which, RIC_TLB, quadrant + place(0), 0);
		use(BOTH, QUADRANT3 + address(0), false, "quadrant 3 after the change");
		if (!pid)
			use(BOTH, address(0), false, "quadrant 0 after the change");
	}
}

static void test_field_r(u32 which)
{
	process(1);
	map(1, 0, ALL);
	invalidate(FIELD_R, which, RIC_ALL, IS_PROCESS, 1);
	use(FIELD_R, address(0), true, "before");
	map(1, 0, READ_ONLY);
	execute(form(which, RIC_TLB, 1, 0), place(0), 1ull << 32);
	check_caught(FIELD_R, 0x700, code, 4, MSR_BARE, TRAPPED);
	use(FIELD_R, address(0), false, "after");
}

static void test_refused(u32 which)
{
	for (unsigned ric = RIC_TLB; ric <= RIC_GROUP; ric++)
		for (u64 is = IS_PAGE; is <= IS_ALL; is += IS_PROCESS)
			refused(PARTITION, form(which, ric, 0, 1), is, PRIVILEGED);
	for (u64 is = IS_PAGE; is <= IS_ALL; is += IS_PROCESS)
		refused(INVALID, form(which, RIC_GROUP, 1, 1), is, ILLEGAL);
	refused(INVALID, form(which, RIC_WALKS, 1, 1), IS_PAGE, ILLEGAL);
	refused(INVALID, form(which, RIC_ALL, 1, 1), IS_PAGE, ILLEGAL);
	for (unsigned ap = 0; ap < 8; ap++)
		if (ap != 0 && ap != 1 && ap != 2 && ap != 5)
			refused(INVALID, form(which, RIC_TLB, 1, 1), AP(ap), ILLEGAL);
}

/* ---- the hypervisor's call ---- */

enum {
	H_RPT_INVALIDATE = 0x448,
	RPTI_CPUS = 1,
	RPTI_TLB = 2,
	RPTI_WALKS = 4,
	RPTI_TREE = 8,
	RPTI_4K = 1,
	RPTI_ANY = -1,
};

static void call(unsigned pid, u64 types, u64 sizes, u64 start, u64 end)
{
	u64 regs[10] = { H_RPT_INVALIDATE, pid, RPTI_CPUS, types, sizes, start, end };

	hcall(regs);
	check_equal(RPTI, regs[0], H_SUCCESS, "H_RPT_INVALIDATE");
}

static void test_call(void)
{
	static const struct {
		u64 types, sizes, start, end;
	} calls[] = { { RPTI_TLB, RPTI_4K, PLACE, PLACE + PAGE },
		      { RPTI_TLB, RPTI_ANY, PLACE - (1 << 20), PLACE + (1 << 20) },
		      { RPTI_TLB, RPTI_ANY, 0, -1ull },
		      { RPTI_TLB | RPTI_WALKS, RPTI_4K, PLACE, PLACE + PAGE },
		      { RPTI_TLB | RPTI_WALKS | RPTI_TREE, RPTI_ANY, 0, -1ull } };

	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
		for (unsigned pid = 0; pid < 2; pid++) {
			process(pid);
			map(pid, 0, ALL);
			call(pid, RPTI_TLB | RPTI_WALKS | RPTI_TREE, RPTI_ANY, 0, -1);
			use(RPTI, address(0), true, "before");
			if (!pid)
				use(RPTI, QUADRANT3 + address(0), true, "quadrant 3 before");
			map(pid, 0, READ_ONLY);
			call(pid, calls[i].types, calls[i].sizes, calls[i].start, calls[i].end);
			use(RPTI, address(0), false, "after");
			if (!pid)
				use(RPTI, QUADRANT3 + address(0), false, "quadrant 3 after");
		}
	}
}

static void test_gtse(void)
{
	execute(TLBSYNC, 0, 0);
	check_caught(NO_GTSE, 0x700, code, 4, MSR_BARE, TRAPPED);
	radix_register(false);
	refused(NO_GTSE, form(TLBIE, RIC_TLB, 1, 1), PLACE, PRIVILEGED);
	refused(NO_GTSE, form(TLBIE, RIC_ALL, 1, 1), IS_ALL, PRIVILEGED);
	refused(NO_GTSE, TLBSYNC, 0, PRIVILEGED);
	for (unsigned pid = 0; pid < 2; pid++)
		test_change(NO_GTSE, pid, 0, TLBIEL, RIC_TLB, place(0));
	test_call();
	radix_register(true);
	test_change(NO_GTSE, 1, 0, TLBIE, RIC_TLB, place(0));
}

void payload(void)
{
	static const u32 which[] = { TLBIE, TLBIEL };

	interrupts_in_own_endian();
	on_interrupt = leave_run;
	radix_start();
	code = radix_page();
	page = radix_page();
	other = radix_page();
	((u32 *)page)[0] = TRAP;
	flush_code(page);
	other[0] = 0x1234;
	for (unsigned i = 0; i < ARRAY_SIZE(which); i++) {
		test_pages(which[i]);
		test_wider(which[i]);
		for (u64 is = IS_PROCESS; is <= IS_ALL; is += IS_PROCESS) {
			test_walks(which[i], RIC_WALKS, is);
			test_walks(which[i], RIC_ALL, is);
			test_trees(which[i], is);
		}
		test_quadrants(which[i], 0);
		test_quadrants(which[i], QUADRANT3);
		test_field_r(which[i]);
		test_refused(which[i]);
	}
	test_gtse();
}
