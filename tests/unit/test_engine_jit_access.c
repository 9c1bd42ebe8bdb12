/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What translated code accesses when that changes between two executions of it: one load and one
 * store, by registers that it knows ways around the soft TLB for and by one of the others.
 */
#include "engine_guest.h"
#include "engine/emu/jit/jit.h"
#include "unit.h"

#define RAM	 (2ull << 20)
#define CODE	 0x100000ull /* real and effective */
#define LOAD	 CODE
#define STORE	 (CODE + 0x80)
#define DATA	 0x140000ull /* effective; real with relocation off */
#define SAME	 (DATA + TLB_ENTRIES * PAGE_BYTES) /* effective: the same place in the soft TLB */
#define PAGE_A	 0x150000ull
#define PAGE_B	 0x151000ull
#define TEXT	 0x40u /* offset of code in page A */
#define OTHER	 5u /* a base register like most */
#define VCPUS	 2u
#define PID	 1u
#define REAL	 (MSR_SF | MSR_ME)
#define KERNEL	 (REAL | MSR_IR | MSR_DR)
#define USER	 (KERNEL | MSR_PR)
#define SPR_PID	 48u
#define SPR_AMR	 29u
#define INSN_SC	 0x44000002u
#define IN_VALUE 4u /* what is loaded and stored */

#define INSN_LWZ(rt, d, ra) (0x80000000u | (rt) << 21 | (ra) << 16 | ((uint32_t)(d)&0xffff))

static const unsigned bases[] = { 1, 13, OTHER };
static const uint64_t translated_modes[] = { KERNEL, USER };
static struct engine_guest guest;
static struct engine_exit end;

/* The code for base register @base begins so far behind the first one's. */
static uint64_t code_of(unsigned base)
{
	return base * 0x100ull;
}

static void put_code(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		const unsigned base = bases[i];

		guest_code(&guest, LOAD + code_of(base),
			   INSNS(INSN_LWZ(IN_VALUE, 0, base), INSN_SC));
		guest_code(&guest, STORE + code_of(base),
			   INSNS(INSN_STW(IN_VALUE, 0, base), INSN_SC));
	}
}

static void set_pid(uint32_t pid)
{
	for (unsigned i = 0; i < VCPUS; i++)
		assert_int_equal(spr_write(guest.e->cpus[i], SPR_PID, 0, pid), 0);
}

static void start(enum engine_jit mode)
{
	char err[160];

	assert_true(guest_start(&guest, RAM, VCPUS));
	jit_destroy(guest.e->jit);
	guest.e->jit = jit_create(mode, JIT_CODE_BYTES, err, sizeof(err));
	assert_non_null(guest.e->jit);
	guest_end_at_interrupts(&guest);
	guest_use_radix(&guest);
	put_code();
	for (uint32_t pid = PID; pid <= PID + 1; pid++)
		for (uint64_t page = 0; page < 2; page++)
			guest_map(&guest, pid, CODE + page * PAGE_BYTES, CODE + page * PAGE_BYTES,
				  LEAF_ALL);
	set_pid(PID);
	memory_write_be32(&guest.memory, PAGE_A, 0xa);
	memory_write_be32(&guest.memory, PAGE_B, 0xb);
	memory_write_be32(&guest.memory, DATA, 0xd);
}

static void check(void)
{
	const char *wrong = caches_check(guest.e);

	if (wrong)
		fail_msg("%s", wrong);
	wrong = jit_difference(guest.e->jit);
	if (wrong)
		fail_msg("%s", wrong);
}

static void finish(void)
{
	check();
	guest_end(&guest);
}

/* Maps the data, and forgets how it was mapped. @ra 0: no longer */
static void map(uint64_t ra, uint64_t bits)
{
	guest_map(&guest, PID, DATA, ra, bits);
	engine_power.flush_process(guest.engine, PID, DATA, DATA + PAGE_BYTES - 1, false);
}

/* Runs to the next interrupt. Returns its vector, or 0 if the run ended otherwise. */
static unsigned run(unsigned vcpu, uint64_t code, uint64_t msr, unsigned base, uint64_t ea,
		    uint32_t *value)
{
	struct engine_regs regs;

	engine_power.get_regs(guest.engine, vcpu, &regs);
	regs.nip = code;
	regs.msr = msr;
	regs.gpr[base] = ea;
	regs.gpr[IN_VALUE] = *value;
	engine_power.set_regs(guest.engine, vcpu, &regs);
	do
		engine_power.run(guest.engine, vcpu, 100, &end);
	while (end.reason == ENGINE_EXIT_BUDGET);
	engine_power.get_regs(guest.engine, vcpu, &regs);
	*value = (uint32_t)regs.gpr[IN_VALUE];
	check();
	return end.reason == ENGINE_EXIT_HCALL ? (unsigned)regs.nip - 4 : 0;
}

static unsigned load(unsigned vcpu, uint64_t msr, unsigned base, uint64_t ea, uint32_t *value)
{
	return run(vcpu, LOAD + code_of(base), msr, base, ea, value);
}

static unsigned store(unsigned vcpu, uint64_t msr, unsigned base, uint64_t ea, uint32_t value)
{
	return run(vcpu, STORE + code_of(base), msr, base, ea, &value);
}

/* Every vCPU in turn, so often that each place that an entry is looked for at has it */
#define OFTEN 4

static void loads(uint64_t msr, unsigned base, uint64_t ea, uint32_t expected)
{
	for (unsigned i = 0; i < OFTEN * VCPUS; i++) {
		uint32_t value = 0;

		assert_int_equal(load(i % VCPUS, msr, base, ea, &value), VECTOR_SYSTEM_CALL);
		assert_int_equal(value, expected);
	}
}

static void load_ends(uint64_t msr, unsigned base, unsigned vector)
{
	for (unsigned i = 0; i < VCPUS; i++) {
		uint32_t value = 0;

		assert_int_equal(load(i, msr, base, DATA, &value), vector);
		assert_int_equal(value, 0);
	}
}

static uint32_t word(uint64_t ra)
{
	uint32_t value = 0;

	memory_read_be32(&guest.memory, ra, &value);
	return value;
}

static void stores(uint64_t msr, unsigned base, uint64_t ea, uint64_t ra)
{
	for (uint32_t i = 0; i < OFTEN * VCPUS; i++) {
		assert_int_equal(store(i % VCPUS, msr, base, ea, i), VECTOR_SYSTEM_CALL);
		assert_int_equal(word(ra), i);
	}
}

static void store_ends(uint64_t msr, unsigned base, unsigned vector)
{
	const uint32_t before = word(PAGE_A);

	for (unsigned i = 0; i < VCPUS; i++)
		assert_int_equal(store(i, msr, base, DATA, before + 1), vector);
	assert_int_equal(word(PAGE_A), before);
}

/* Both accesses have been made to page A and its next ones are fast. */
static void warm_up(uint64_t msr, unsigned base)
{
	map(PAGE_A, LEAF_ALL);
	stores(msr, base, DATA, PAGE_A);
	loads(msr, base, DATA, word(PAGE_A));
}

static void in_each_mode(void (*test)(uint64_t msr, unsigned base))
{
	static const enum engine_jit jits[] = { ENGINE_JIT_FORCE, ENGINE_JIT_CHECK };

	for (unsigned i = 0; i < ARRAY_SIZE(jits) * ARRAY_SIZE(translated_modes); i++)
		for (size_t base = 0; base < ARRAY_SIZE(bases); base++) {
			start(jits[i / 2]);
			test(translated_modes[i % 2], bases[base]);
			finish();
		}
}

/* ---- tests ---- */

static void modes(uint64_t msr, unsigned base)
{
	map(PAGE_A, LEAF_ALL | LEAF_PRIV);
	for (unsigned i = 0; i < 3; i++) {
		loads(REAL, base, DATA, 0xd);
		loads(KERNEL, base, DATA, 0xa);
		loads(REAL | MSR_DR, base, DATA, 0xa);
		load_ends(USER, base, VECTOR_DATA_STORAGE);
		loads(KERNEL & ~MSR_DR, base, DATA, 0xd);
	}
	stores(KERNEL, base, DATA, PAGE_A);
	store_ends(USER, base, VECTOR_DATA_STORAGE);
	stores(REAL, base, DATA, DATA);
}

static void each_mode_has_its_own_memory(void **state)
{
	in_each_mode(modes);
}

static void unmap(uint64_t msr, unsigned base)
{
	warm_up(msr, base);
	map(0, 0);
	load_ends(msr, base, VECTOR_DATA_STORAGE);
	store_ends(msr, base, VECTOR_DATA_STORAGE);
}

static void a_page_that_is_unmapped_faults(void **state)
{
	in_each_mode(unmap);
}

static void remap(uint64_t msr, unsigned base)
{
	warm_up(msr, base);
	map(PAGE_B, LEAF_ALL);
	loads(msr, base, DATA, 0xb);
	stores(msr, base, DATA, PAGE_B);
	assert_int_equal(word(PAGE_A), OFTEN * VCPUS - 1);
}

static void a_page_that_is_mapped_elsewhere_is_found_there(void **state)
{
	in_each_mode(remap);
}

static void make_read_only(uint64_t msr, unsigned base)
{
	warm_up(msr, base);
	map(PAGE_A, LEAF_READ);
	store_ends(msr, base, VECTOR_DATA_STORAGE);
	loads(msr, base, DATA, word(PAGE_A));
	store_ends(msr, base, VECTOR_DATA_STORAGE);
}

static void a_page_that_was_read_is_not_written_for_that(void **state)
{
	in_each_mode(make_read_only);
}

static void change_process(uint64_t msr, unsigned base)
{
	warm_up(msr, base);
	guest_map(&guest, PID + 1, DATA, PAGE_B, LEAF_ALL);
	for (unsigned i = 0; i < 2; i++) {
		set_pid(PID + 1);
		loads(msr, base, DATA, 0xb);
		set_pid(PID);
		loads(msr, base, DATA, word(PAGE_A));
	}
}

static void a_process_has_its_own_memory(void **state)
{
	in_each_mode(change_process);
}

static void poison(uint64_t msr, unsigned base)
{
	warm_up(msr, base);
	assert_true(memory_poison(&guest.memory, PAGE_A, 4, false));
	load_ends(msr, base, 0);
	assert_int_equal(end.reason, ENGINE_EXIT_MACHINE_CHECK);
	loads(msr, base, DATA + 8, 0);
}

static void a_page_that_is_poisoned_has_a_machine_check(void **state)
{
	in_each_mode(poison);
}

static void watch(uint64_t msr, unsigned base)
{
	const struct engine_watch watches[] = {
		{ .accesses = ENGINE_READ | ENGINE_WRITE, .first = DATA, .last = DATA + 3 },
	};

	warm_up(msr, base);
	for (unsigned i = 0; i < VCPUS; i++)
		engine_power.set_watches(guest.engine, i, watches, 1);
	load_ends(msr, base, 0);
	assert_int_equal(end.reason, ENGINE_EXIT_WATCHED);
	store_ends(msr, base, 0);
	assert_int_equal(end.reason, ENGINE_EXIT_WATCHED);
	for (unsigned i = 0; i < VCPUS; i++)
		engine_power.set_watches(guest.engine, i, NULL, 0);
	stores(msr, base, DATA, PAGE_A);
}

static void a_page_that_is_watched_tells(void **state)
{
	in_each_mode(watch);
}

static void get_code(uint64_t msr, unsigned base)
{
	warm_up(msr, base);
	guest_code(&guest, PAGE_A + TEXT, INSNS(INSN_LI(IN_VALUE, 1), INSN_SC));
	for (unsigned i = 1; i <= OFTEN * VCPUS; i++) {
		uint32_t value = 0;

		assert_int_equal(run(i % VCPUS, DATA + TEXT, msr, base, 0, &value),
				 VECTOR_SYSTEM_CALL);
		assert_int_equal(value, i);
		stores(msr, base, DATA, PAGE_A);
		assert_int_equal(store(0, msr, base, DATA + TEXT, INSN_LI(IN_VALUE, i + 1)),
				 VECTOR_SYSTEM_CALL);
	}
}

static void a_page_that_gets_code_has_stores_seen_by_it(void **state)
{
	in_each_mode(get_code);
}

static void make_way(uint64_t msr, unsigned base)
{
	const unsigned by = base == OTHER ? 1 : OTHER;

	guest_map(&guest, PID, SAME, PAGE_B, LEAF_ALL);
	for (unsigned i = 0; i < 2; i++) {
		warm_up(msr, base);
		loads(msr, by, SAME, word(PAGE_B));
		stores(msr, by, SAME, PAGE_B);
		loads(msr, base, DATA, word(PAGE_A));
	}
}

static void a_page_in_the_same_place_makes_it_leave(void **state)
{
	in_each_mode(make_way);
}

/* With AMR the kernel is kept from the user's pages. */
static void lock_out(uint64_t msr, unsigned base)
{
	warm_up(KERNEL, base);
	for (unsigned i = 0; i < VCPUS; i++)
		assert_int_equal(spr_write(guest.e->cpus[i], SPR_AMR, 0, 3ull << 62), 0);
	load_ends(KERNEL, base, VECTOR_DATA_STORAGE);
	store_ends(KERNEL, base, VECTOR_DATA_STORAGE);
}

static void a_page_that_amr_takes_from_the_kernel_faults(void **state)
{
	in_each_mode(lock_out);
}

/* The last byte of the page is the last one that is found there, and its first byte the first. */
static void cross(uint64_t msr, unsigned base)
{
	const uint64_t next = DATA + PAGE_BYTES, ra = PAGE_A + 2 * PAGE_BYTES;

	warm_up(msr, base);
	guest_map(&guest, PID, next, ra, LEAF_ALL);
	memory_write_be32(&guest.memory, PAGE_A + PAGE_BYTES - 4, 0x01020304);
	memory_write_be32(&guest.memory, ra, 0x05060708);
	for (unsigned i = 0; i < 2; i++) {
		loads(msr, base, next - 4, 0x01020304);
		for (unsigned j = 0; j < 2; j++) { /* knowing either page */
			loads(msr, base, next - 3, 0x02030405);
			loads(msr, base, next - 1, 0x04050607);
			loads(msr, base, next - 5, 0x00010203); /* does not cross, but nearly */
			loads(msr, base, next, 0x05060708);
			loads(msr, base, next + 4, 0);
		}
	}
	stores(msr, base, DATA, PAGE_A);
	stores(msr, base, next, ra);
	assert_int_equal(store(0, msr, base, next - 2, 0x11223344), VECTOR_SYSTEM_CALL);
	assert_int_equal(word(PAGE_A + PAGE_BYTES - 4), 0x01021122);
	assert_int_equal(word(ra) >> 16, 0x3344);
	loads(msr, base, next - 1, 0x22334400 | (word(ra) >> 8 & 0xff));
	assert_int_equal(store(0, msr, base, next + 1, 0x55667788), VECTOR_SYSTEM_CALL);
	loads(msr, base, next + 1, 0x55667788);
}

static void an_access_may_cross_into_the_next_page(void **state)
{
	in_each_mode(cross);
}

/* ---- accesses of all sizes ---- */

#define THIRD	 6u /* the register with the other address of a copy */
#define LOADED	 7u /* a general register, or a vector-scalar one, whatever the instructions use */
#define ALIGNED	 (DATA + 4 * PAGE_BYTES) /* effective */
#define PAGE_C	 (PAGE_A + 2 * PAGE_BYTES)
#define PAGE_D	 (PAGE_A + 4 * PAGE_BYTES)
#define ANY_SIZE (MSR_FP | MSR_VEC | MSR_VSX)
#define FROM	 (CODE + 0x1000)
#define TO	 (CODE + 0x1040)

static const struct {
	uint32_t load, store;
	unsigned bytes;
} sizes[] = {
	{ 0xa0000000, 0xb0000000, 2 }, /* lhz, sth */
	{ 0x80000000, 0x90000000, 4 }, /* lwz, stw */
	{ 0xe8000000, 0xf8000000, 8 }, /* ld, std */
	{ 0xc0000000, 0xd0000000, 4 }, /* lfs, stfs */
	{ 0xc8000000, 0xd8000000, 8 }, /* lfd, stfd */
	{ 0xe4000003, 0xf4000003, 4 }, /* lxssp, stxssp */
	{ 0xe4000002, 0xf4000002, 8 }, /* lxsd, stxsd */
	{ 0xf4000001, 0xf4000005, 16 }, /* lxv, stxv */
};

static void make_copies(unsigned i, unsigned base)
{
	const uint32_t load = sizes[i].load | LOADED << 21, store = sizes[i].store | LOADED << 21;

	guest_code(&guest, FROM, INSNS(load | base << 16, store | THIRD << 16, INSN_SC));
	guest_code(&guest, TO, INSNS(load | THIRD << 16, store | base << 16, INSN_SC));
}

/* By code that is at @code: from @ea, or to it */
static void copy(uint64_t code, uint64_t msr, unsigned base, uint64_t ea)
{
	struct engine_regs regs;
	uint32_t value = 0;

	engine_power.get_regs(guest.engine, 0, &regs);
	regs.gpr[THIRD] = ALIGNED;
	engine_power.set_regs(guest.engine, 0, &regs);
	assert_int_equal(run(0, code, msr | ANY_SIZE, base, ea, &value), VECTOR_SYSTEM_CALL);
}

/* Bytes that make numbers of any size, none of them special; the same from both ends of a page */
static uint8_t byte_at(uint64_t ea)
{
	return (uint8_t)(0x40 + (ea & 31));
}

/* Where the byte at @ea is */
static uint8_t *place_of(uint64_t ea)
{
	return guest.memory.base + (ea < DATA + PAGE_BYTES ? PAGE_A : PAGE_C) +
	       (ea & PAGE_MASK_LOW);
}

static void fill(uint64_t first, uint64_t last, bool zeros)
{
	for (uint64_t ea = first; ea <= last; ea++)
		*place_of(ea) = zeros ? 0 : byte_at(ea);
}

static void check_copy_from(uint64_t msr, unsigned base, uint64_t ea, unsigned bytes)
{
	uint8_t *const to = guest.memory.base + PAGE_D;

	memset(to, 0, 16);
	copy(FROM, msr, base, ea);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(to[i], i < bytes ? byte_at(ea + i) : 0);
}

static void check_copy_to(uint64_t msr, unsigned base, uint64_t ea, unsigned bytes)
{
	const uint64_t first = ea - 16, last = ea + 31;

	fill(first, last, true);
	for (unsigned i = 0; i < bytes; i++)
		guest.memory.base[PAGE_D + i] = byte_at(ea + i);
	copy(TO, msr, base, ea);
	for (uint64_t at = first; at <= last; at++)
		assert_int_equal(*place_of(at), at >= ea && at < ea + bytes ? byte_at(at) : 0);
	fill(first, last, false);
}

/* Everything is looked up for an access that is aligned, in either page, and then for @ea. */
static void copy_across(uint64_t msr, unsigned base, uint64_t ea, unsigned bytes)
{
	static const int64_t before[] = { -64, 64 };

	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		check_copy_from(msr, base, DATA + PAGE_BYTES + (uint64_t)before[i], bytes);
		check_copy_from(msr, base, ea, bytes);
		check_copy_to(msr, base, DATA + PAGE_BYTES + (uint64_t)before[i], bytes);
		check_copy_to(msr, base, ea, bytes);
	}
}

/* The page between those that are accessed, in real memory, stays as it is. */
static void cross_by_all_sizes(uint64_t msr, unsigned base)
{
	const uint64_t next = DATA + PAGE_BYTES;

	map(PAGE_A, LEAF_ALL);
	guest_map(&guest, PID, next, PAGE_C, LEAF_ALL);
	guest_map(&guest, PID, ALIGNED, PAGE_D, LEAF_ALL);
	fill(DATA, next + PAGE_BYTES - 1, false);
	memset(guest.memory.base + PAGE_B, 0xff, PAGE_BYTES);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		make_copies(i, base);
		for (uint64_t ea = next - 17; ea <= next + 1; ea++)
			copy_across(msr, base, ea, sizes[i].bytes);
	}
	for (unsigned i = 0; i < PAGE_BYTES; i++)
		assert_int_equal(guest.memory.base[PAGE_B + i], 0xff);
}

static void an_access_of_any_size_may_cross_into_the_next_page(void **state)
{
	in_each_mode(cross_by_all_sizes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_mode_has_its_own_memory),
		cmocka_unit_test(a_page_that_is_unmapped_faults),
		cmocka_unit_test(a_page_that_is_mapped_elsewhere_is_found_there),
		cmocka_unit_test(a_page_that_was_read_is_not_written_for_that),
		cmocka_unit_test(a_process_has_its_own_memory),
		cmocka_unit_test(a_page_that_is_poisoned_has_a_machine_check),
		cmocka_unit_test(a_page_that_is_watched_tells),
		cmocka_unit_test(a_page_that_gets_code_has_stores_seen_by_it),
		cmocka_unit_test(a_page_in_the_same_place_makes_it_leave),
		cmocka_unit_test(a_page_that_amr_takes_from_the_kernel_faults),
		cmocka_unit_test(an_access_may_cross_into_the_next_page),
		cmocka_unit_test(an_access_of_any_size_may_cross_into_the_next_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
