/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest code. The input makes a payload: two vCPUs, page tables that overlap code and each
 * other, or a hash table and segments, instructions inside and outside of the table, code that
 * writes to itself, hypervisor and RTAS calls with garbage. Engine and partition are those that
 * users run. Guest memory lies between inaccessible zones, with canaries behind them; the
 * engine's caches are checked after every slice; and counters that a guest could advance for
 * hours start near their ends.
 *
 * Each decision takes two bytes of input. Once they are used up, a generator seeded by them takes
 * over.
 *
 * The same with JIT_FORCED is the fuzzer of translated code: each block is translated at once.
 */
#include "fuzz.h"

#include "../../lib/internal.h"
#include "../unit/engine_guest.h"
#include "engine/emu/check.h"
#include "engine/emu/mmu/mmu.h"
#include "fwnmi/mce.h"
#include "pseries/private.h"

bool __real_fdt_build(struct papr *papr, char *err, size_t err_size);
bool __wrap_fdt_build(struct papr *papr, char *err, size_t err_size);

#define VCPUS	    2
#define RAM	    (4ull << 20)
#define GUARD	    (4ull << 20)
#define CANARY	    0x10000u
#define CANARY_BYTE 0xa5
#define KERNEL_SIZE 0x100000ull
#define CODE	    0x10000ull /* 16 pages, below the process table */
#define CODE_PAGES  16
#define DATA	    0x90000ull
#define DATA_PAGES  16
#define CALLS	    0x8000ull /* RTAS argument buffers, 64 bytes each */
#define NR_CALLS    64
#define USER_EA	    0x200000ull
#define ARENA	    (1u << 20) /* small, so that it fills up now and then */
#define SLICES	    96
#define SLICE	    8192
#ifdef JIT_FORCED
#define JIT ENGINE_JIT_FORCE
#else
#define JIT ENGINE_JIT_OFF
#endif

static struct engine_guest guest;
static struct papr *papr;
static uint8_t *zone;
static bool ended, kicked[VCPUS];
static bool by_hash; /* it begins with a hash table, and may choose radix trees later */
static enum vcpu_state state[VCPUS];

/* ---- the input ---- */

static struct {
	const uint8_t *data;
	size_t size;
	uint64_t state;
} input;

static uint64_t random64(void)
{
	uint64_t x = input.state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	input.state = x;
	return x * 0x2545f4914f6cdd1dull;
}

static unsigned pick(unsigned n)
{
	unsigned value;

	if (input.size >= 2) {
		value = (unsigned)input.data[0] << 8 | input.data[1];
		input.data += 2;
		input.size -= 2;
		input.state = (input.state ^ value) * 0x9e3779b97f4a7c15ull | 1;
	} else {
		value = (unsigned)(random64() >> 40);
	}
	return value % n;
}

static bool chance(unsigned percent)
{
	return pick(100) < percent;
}

/* ---- figures ---- */

static unsigned long long payloads, hash_payloads, entries, instructions, hcalls;

static void print_figures(void)
{
	fprintf(stderr,
		"guest: %llu payloads, %llu by hash with %llu entries used, %llu instructions, %llu hcalls\n",
		payloads, hash_payloads, entries, instructions, hcalls);
}

/* ---- the machine ---- */

/*
 * Built once, as in the fuzzer of RTAS calls: it takes most of the time and does not depend on the
 * guest.
 */
bool __wrap_fdt_build(struct papr *p, char *err, size_t err_size)
{
	size_t size;

	return papr_fdt(p, &size) || __real_fdt_build(p, err, err_size);
}

static enum vcpu_state vcpu_state(void *opaque, unsigned vcpu)
{
	require(vcpu < VCPUS);
	return state[vcpu];
}

static void vcpu_start(void *opaque, unsigned vcpu)
{
	require(vcpu < VCPUS);
	state[vcpu] = VCPU_RUNNABLE;
}

/* No vCPU waits in H_CEDE here: see hcall(). */
static void vcpu_wake(void *opaque, unsigned vcpu)
{
	require(vcpu < VCPUS);
}

static void vcpu_kick(void *opaque, unsigned vcpu)
{
	require(vcpu < VCPUS);
	kicked[vcpu] = true;
}

static bool may_run(unsigned vcpu)
{
	return state[vcpu] == VCPU_RUNNABLE && papr_may_run(papr, vcpu);
}

static unsigned console_read(void *opaque, void *buf, unsigned len)
{
	memset(buf, 'x', len);
	return len;
}

static void console_write(void *opaque, const void *buf, unsigned len)
{
	require(len <= VTY_TRANSFER_MAX);
}

static void line(void *opaque, const char *text)
{
	require(strlen(text) < 256);
}

static uint8_t *make_zone(void)
{
	const size_t size = 2 * (CANARY + GUARD) + RAM + papr_hypervisor_memory(RAM);
	uint8_t *base =
		mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	require(base != MAP_FAILED);
	require(mprotect(base, CANARY, PROT_READ | PROT_WRITE) == 0);
	require(mprotect(base + CANARY + GUARD, RAM, PROT_READ | PROT_WRITE) == 0);
	require(mprotect(base + size - CANARY, CANARY, PROT_READ | PROT_WRITE) == 0);
	memset(base, CANARY_BYTE, CANARY);
	memset(base + size - CANARY, CANARY_BYTE, CANARY);
	return base;
}

static void check_canaries(void)
{
	const uint8_t *last = zone + CANARY + 2 * GUARD + RAM + papr_hypervisor_memory(RAM);

	for (unsigned i = 0; i < CANARY; i++)
		require(zone[i] == CANARY_BYTE && last[i] == CANARY_BYTE);
}

/* Only a guest that has hash tables has memory for them behind RAM. */
static void make_hash_tables(void)
{
	uint8_t *tables = guest.memory.base + RAM;
	const size_t size = papr_hypervisor_memory(RAM);

	require(mprotect(tables, size, by_hash ? PROT_READ | PROT_WRITE : PROT_NONE) == 0);
	if (by_hash)
		memset(tables, 0, size);
}

/* A device behind RAM that asks for an interrupt now and then. */
static uint64_t window_read(void *opaque, unsigned vcpu, uint64_t offset, unsigned size)
{
	require(vcpu < VCPUS && size <= 8 && offset % size == 0);
	engine_power.set_external(guest.engine, pick(VCPUS), pick(2));
	return random64();
}

static void window_write(void *opaque, unsigned vcpu, uint64_t offset, unsigned size,
			 uint64_t value)
{
	require(size == 8 || !(value >> 8 * size));
	window_read(opaque, vcpu, offset, size);
}

static const struct memory_window window = { .first = RAM,
					     .last = RAM + 0x7ff,
					     .sizes = 1 | 2 | 4 | 8,
					     .read = window_read,
					     .write = window_write };

static void make_machine(void)
{
	struct engine_config config = {
		.memory = &guest.memory,
		.clock = &guest.clock,
		.nr_vcpus = VCPUS,
		.jit = JIT,
		.debug = line,
	};
	struct papr_config partition = {
		.memory = &guest.memory,
		.clock = &guest.clock,
		.engine_ops = &engine_power,
		.console = { .write = console_write, .read = console_read },
		.host = { .vcpu_state = vcpu_state,
			  .vcpu_start = vcpu_start,
			  .vcpu_wake = vcpu_wake,
			  .vcpu_prod = vcpu_wake,
			  .vcpu_kick = vcpu_kick,
			  .debug = line,
			  .warning = line },
		.nr_vcpus = VCPUS,
		.image = { .kernel_size = KERNEL_SIZE },
	};
	char err[256];

	zone = make_zone();
	guest.clock.mode = CLOCK_INSN;
	guest.memory = (struct guest_memory){ .base = zone + CANARY + GUARD,
					      .size = RAM,
					      .hypervisor_size = papr_hypervisor_memory(RAM) };
	require(memory_add_window(&guest.memory, &window));
	guest.engine = engine_power.create(&config, err, sizeof(err));
	require(guest.engine);
	guest.e = (struct power_engine *)guest.engine;
	guest.e->code.arena_size = ARENA;
	partition.engine = guest.engine;
	papr = papr_create(&partition, err, sizeof(err));
	require(papr);
	atexit(print_figures);
}

/* ---- the payload: addresses, tables, code ---- */

/* An address at or near something in the payload. */
static uint64_t some_address(void)
{
	uint64_t offset = pick(8) ? pick(PAGE_BYTES) & ~7u : PAGE_BYTES - pick(16);
	uint64_t page;

	switch (pick(10)) {
	case 0:
	case 1:
		page = CODE + PAGE_BYTES * pick(CODE_PAGES);
		break;
	case 2:
	case 3:
		page = DATA + PAGE_BYTES * pick(DATA_PAGES);
		break;
	case 4:
		page = PROCESS_TABLE + PAGE_BYTES * pick((TABLES_END - PROCESS_TABLE) / PAGE_BYTES);
		break;
	case 5:
		page = PAGE_BYTES * pick(16);
		break;
	case 6:
		page = USER_EA + PAGE_BYTES * pick(32);
		break;
	case 7:
		page = CALLS;
		offset = 64 * pick(NR_CALLS);
		break;
	case 8:
		page = RAM - PAGE_BYTES * pick(3);
		break;
	default:
		return random64();
	}
	return page + offset + (pick(4) ? 0 : 3ull << 62);
}

static uint64_t some_leaf_bits(void)
{
	return chance(70) ? LEAF_ALL | (chance(20) ? LEAF_PRIV : 0) : pick(16);
}

static void map_some(uint32_t pid)
{
	/* Map the code where it is, so that some of it runs. */
	for (unsigned i = 0; i < CODE_PAGES; i++)
		if (chance(90))
			guest_map(&guest, pid, CODE + i * PAGE_BYTES, CODE + i * PAGE_BYTES,
				  chance(90) ? LEAF_ALL : some_leaf_bits());
	for (unsigned i = 0; i < 16; i++)
		if (chance(80))
			guest_map(&guest, pid, i * PAGE_BYTES, i * PAGE_BYTES, some_leaf_bits());
	for (unsigned n = pick(64); n; n--) {
		uint64_t ea = chance(50) ? USER_EA + PAGE_BYTES * pick(32) :
					   PAGE_BYTES * pick(0xc0);

		guest_map(&guest, pid, ea, PAGE_BYTES * pick(chance(95) ? 0xc0 : 0x1000),
			  some_leaf_bits());
	}
}

/* ---- hash tables ---- */

#define NR_SEGMENTS 4u

static uint64_t some_vsid(void)
{
	return chance(90) ? 0x100 + pick(NR_SEGMENTS) : random64() >> 14;
}

/* H_ENTER, as the guest would. */
static void enter_some(uint64_t vsid, uint64_t offset, uint64_t ra)
{
	const struct virtual_page page = { .vsid = vsid, .offset = offset };
	struct engine_regs regs = { .gpr[3] = 0x8 };
	struct papr_outcome outcome;

	regs.gpr[5] = hpt_group(&page, 12, chance(10), papr->partition.hash_table_order) *
		      HPTES_PER_GROUP;
	regs.gpr[6] = hpte_v(&page) | HPTE_V_VALID | (chance(5) ? random64() & 0x7f : 0);
	regs.gpr[7] =
		ra | HPTE_R_M | (chance(80) ? 2 : pick(4)) | (chance(10) ? HPTE_R_N : 0) |
		(chance(20) ? random64() & (HPTE_R_KEY_HIGH | HPTE_R_KEY_LOW | HPTE_R_PP0) : 0);
	engine_power.set_regs(guest.engine, 0, &regs);
	papr_hcall(papr, 0, &outcome);
}

static void make_table(void)
{
	for (uint64_t vsid = 0x100; vsid < 0x100 + NR_SEGMENTS; vsid++)
		for (uint64_t page = 0; page < 0xc0 * PAGE_BYTES; page += PAGE_BYTES)
			if (chance(80))
				enter_some(vsid, page,
					   chance(80) ? page : PAGE_BYTES * pick(RAM / PAGE_BYTES));
	for (unsigned n = pick(64); n; n--)
		enter_some(some_vsid(), USER_EA + PAGE_BYTES * pick(32),
			   PAGE_BYTES * (uint64_t)pick(0x1000));
}

/* The segments of both quadrants in use, some others, and now and then two for one address. */
static void set_segments(unsigned vcpu)
{
	struct engine_slb_entry slb[SLB_ENTRIES] = { 0 };

	for (unsigned i = 0, n = 2 + (chance(15) ? pick(4) : 0); i < n; i++) {
		const uint64_t ea = i < 2 || chance(30) ? i % 2 * (3ull << 62) : some_address();

		slb[i].esid = (ea & SLB_ESID) | (chance(95) ? SLB_VALID : 0);
		slb[i].vsid = some_vsid() << 12 | (chance(10) ? random64() & 0xfb0 : 0) |
			      (chance(5) ? SLB_B_1T : 0);
	}
	engine_power.set_slb(guest.engine, vcpu, slb);
}

static void count_used_entries(void)
{
	const uint64_t *at = papr->partition.hash_table;

	for (uint64_t i = 0; at && i < (1ull << papr->partition.hash_table_order) / 16; i++)
		entries += (get_be64(at + 2 * i) & HPTE_V_VALID) &&
			   (get_be64(at + 2 * i + 1) & HPTE_R_R);
}

/* Adds directories that point to themselves, into code, or out of memory. */
static void spoil_tables(void)
{
	for (unsigned n = pick(12); n; n--) {
		uint64_t at = PROCESS_TABLE + 8 * pick((TABLES_END - PROCESS_TABLE) / 8);
		uint64_t entry = random64();

		if (chance(70))
			entry = 1ull << 63 | (uint64_t)pick(2) << 62 |
				(PAGE_BYTES * (uint64_t)pick(0x100)) | pick(0x200);
		memory_write_be64(&guest.memory, at, entry);
	}
}

static bool little_endian;

static void put_insn(uint64_t ra, uint32_t word)
{
	memory_write_be32(&guest.memory, ra, little_endian ? __builtin_bswap32(word) : word);
}

static const struct {
	uint32_t value, mask;
} table[] = {
#define INSN(name, value, mask, isa, gen)	    { value, mask },
#define CALL(name, value, mask, isa, facility, sem) { value, mask },
#include "engine/emu/insn/insn.def"
#undef INSN
#undef CALL
};

#define XO(primary, xo)	    ((uint32_t)(primary) << 26 | (uint32_t)(xo) << 1)
#define SPR_WORD(spr)	    (((spr)&31u) << 16 | ((spr) >> 5) << 11)
#define INSN_MTSPR(spr, rs) (XO(31, 467) | (uint32_t)(rs) << 21 | SPR_WORD(spr))
#define INSN_MFSPR(rt, spr) (XO(31, 339) | (uint32_t)(rt) << 21 | SPR_WORD(spr))
#define INSN_MTMSRD(rs)	    (XO(31, 178) | (uint32_t)(rs) << 21)
#define INSN_MFMSR(rt)	    (XO(31, 83) | (uint32_t)(rt) << 21)
#define INSN_XORI(ra, v)    (0x68000000u | (ra) << 21 | (ra) << 16 | ((uint32_t)(v)&0xffff))
#define INSN_ORI(ra, v)	    (0x60000000u | (ra) << 21 | (ra) << 16 | ((uint32_t)(v)&0xffff))
#define INSN_BDNZ(offset)   (0x42000000u | ((uint32_t)(offset)&0xfffcu))
#define INSN_RFID	    0x4c000024u
#define INSN_SC1	    0x44000022u
#define SPR_SRR0	    26
#define SPR_SRR1	    27

/* Registers 1 to 9 hold addresses, 10 and 11 small numbers, for loads and stores. */
static uint32_t with_base(uint32_t word)
{
	return (word & ~(31u << 16)) | (1 + pick(9)) << 16;
}

static uint32_t some_memory_access(void)
{
	static const uint8_t displaced[] = { 32, 34, 36, 38, 40, 42, 44, 33, 37, 46, 47, 58, 62 };
	static const uint16_t indexed[] = {
		20,  84,  150, 214, 1014, 23,  151, 21,	 149, 533, 661,
		597, 725, 982, 582, 614,  710, 742, 844, 876, 268, 396
	};
	uint32_t rt = pick(32) << 21;

	if (chance(60))
		return with_base(XO(displaced[pick(ARRAY_SIZE(displaced))], 0) | rt |
				 (pick(64) - 32) % 0x10000);
	return with_base(XO(31, indexed[pick(ARRAY_SIZE(indexed))]) | rt | 10u << 11 | pick(2));
}

/* Those of the SLB */
static uint32_t some_segment_insn(void)
{
	static const uint16_t xo[] = { 402, 402, 434, 466, 498, 915, 851, 979, 338, 274, 306 };

	return XO(31, xo[pick(ARRAY_SIZE(xo))]) | pick(32) << 21 | pick(8) << 16 |
	       (1 + pick(16)) << 11 | pick(2);
}

/* Instructions that change translation, mode or time. */
static uint32_t some_system_insn(void)
{
	static const uint16_t sprs[] = { 13, 22, 29, 48, 61, 26, 27, 272, 273, 153, 815, 19, 18 };

	if (by_hash && chance(40))
		return some_segment_insn();
	switch (pick(8)) {
	case 0:
		return XO(31, 306) | (10 + pick(2)) << 21 | pick(4) << 18 | pick(2) << 17 |
		       1u << 16 | (1 + pick(11)) << 11; /* tlbie */
	case 1:
		return XO(31, 274) | (10 + pick(2)) << 21 | pick(4) << 18 | 1u << 17 | 1u << 16 |
		       (1 + pick(11)) << 11; /* tlbiel */
	case 2:
		return INSN_MTSPR(48, 10 + pick(2));
	case 3:
		return INSN_MTSPR(sprs[pick(ARRAY_SIZE(sprs))], 1 + pick(12));
	case 4:
		return INSN_MFSPR(12 + pick(8), pick(1024));
	case 5:
		return XO(31, 178) | pick(32) << 21 | pick(2) << 16;
	case 6:
		return pick(2) ? INSN_RFID : XO(17, 0) | 2 | pick(2) << 5; /* sc */
	default:
		return XO(19, 150); /* isync */
	}
}

static uint32_t some_branch(void)
{
	int32_t offset = 4 * ((int)pick(64) - 40);

	switch (pick(8)) {
	case 0:
	case 1:
		return INSN_BDNZ(offset);
	case 2:
		return INSN_B(chance(20) ? (int32_t)(PAGE_BYTES * pick(8)) - 0x4000 : offset) |
		       (chance(30) ? 1 : 0);
	case 3:
		return INSN_BLR | pick(2);
	case 4:
		return 0x4e800420u | pick(2); /* bctr */
	default:
		return XO(16, 0) | pick(32) << 21 | pick(32) << 16 | ((uint32_t)offset & 0xfffc) |
		       pick(2);
	}
}

static uint32_t from_table(void)
{
	unsigned i = pick(ARRAY_SIZE(table));
	uint32_t word = table[i].value | ((uint32_t)random64() & ~table[i].mask);

	/* The base register of most instructions. */
	if (chance(50) && !(table[i].mask >> 16 & 31))
		word = with_base(word);
	return word;
}

static uint32_t some_insn(void)
{
	unsigned kind = pick(100);

	if (kind < 35)
		return some_memory_access();
	if (kind < 65)
		return from_table();
	if (kind < 80)
		return some_branch();
	if (kind < 92)
		return some_system_insn();
	if (kind < 97)
		return INSN_MTCTR(10 + pick(12));
	return (uint32_t)random64();
}

static uint64_t load_constant(uint64_t at, unsigned reg, uint64_t value)
{
	put_insn(at, INSN_ADDIS(reg, 0, value >> 16));
	put_insn(at + 4, INSN_ORI(reg, value));
	return at + 8;
}

/* A hypervisor call, mostly with a valid number. */
static uint64_t put_call(uint64_t at)
{
	static const uint16_t numbers[] = {
		0x24,  0x2c,  0x3c,  0x40,  0x54,   0x58,   0x64,   0x68,   0x6c,   0x70,   0x74,
		0xdc,  0xe0,  0xe4,  0xe8,  0xec,   0xf0,   0xf4,   0x104,  0x1c8,  0x2ec,  0x2fc,
		0x31c, 0x37c, 0x380, 0x448, 0xf000, 0xf000, 0xf000, 0xf010, 0xf014, 0xf018,
	};
	/* Of the hash table */
	static const uint16_t table_numbers[] = { 0x4,	0x8,   0x8,   0xc,   0x10,  0x14,
						  0x18, 0x124, 0x358, 0x36c, 0x370, 0x37c };
	uint32_t number = chance(95) ? numbers[pick(ARRAY_SIZE(numbers))] : pick(0x10000);

	if (by_hash && chance(60))
		number = table_numbers[pick(ARRAY_SIZE(table_numbers))];
	for (unsigned reg = 4; reg < 9; reg++)
		if (chance(60))
			at = load_constant(at, reg, chance(40) ? pick(8) : some_address());
	if (number == H_RTAS)
		at = load_constant(at, 4, CALLS + 64 * pick(NR_CALLS));
	put_insn(at, INSN_LI(3, 0));
	put_insn(at + 4, INSN_ORI(3, number));
	put_insn(at + 8, INSN_SC1);
	return at + 12;
}

/* Code that stores an instruction into code, and branches to it or falls through into it. */
static uint64_t put_store_to_code(uint64_t at)
{
	uint64_t target = chance(50) ? at + 4 * pick(24) : CODE + 4 * pick(CODE_PAGES * 1024);

	at = load_constant(at, 9, target);
	at = load_constant(at, 12, some_insn());
	put_insn(at, INSN_STW(12, 0, 9));
	if (chance(30)) {
		put_insn(at + 4, INSN_MTCTR(9));
		put_insn(at + 8, 0x4e800420u | pick(2));
		return at + 12;
	}
	return at + 4;
}

static void fill_with_code(uint64_t at, uint64_t end)
{
	while (at < end - 64) {
		if (chance(4))
			at = put_call(at);
		else if (chance(4))
			at = put_store_to_code(at);
		else if (chance(5))
			at = load_constant(at, 1 + pick(9), some_address());
		else
			put_insn(at, some_insn()), at += 4;
	}
	for (; at < end; at += 4)
		put_insn(at, INSN_BLR);
}

/*
 * A handler that reloads the registers with useful values and returns after the interrupted
 * instruction, or elsewhere.
 */
static void put_handler(uint64_t at)
{
	uint64_t end = at + 0x78;

	for (unsigned n = pick(4); n; n--)
		at = load_constant(at, 1 + pick(9), some_address());
	if (chance(60)) {
		put_insn(at, INSN_MFSPR(13, SPR_SRR0));
		put_insn(at + 4, INSN_ADDI(13, 13, 4 * (1 + pick(3))));
		at += 8;
	} else {
		at = load_constant(at, 13, CODE + 4 * pick(CODE_PAGES * 1024));
	}
	put_insn(at, INSN_MTSPR(SPR_SRR0, 13));
	at += 4;
	if (chance(40)) {
		put_insn(at, INSN_MFSPR(13, SPR_SRR1));
		put_insn(at + 4,
			 INSN_XORI(13, chance(80) ? pick(2) << 14 | pick(4) << 4 : pick(0x10000)));
		put_insn(at + 8, INSN_MTSPR(SPR_SRR1, 13));
		at += 12;
	}
	while (chance(20) && at < end - 8) {
		put_insn(at, some_insn());
		at += 4;
	}
	put_insn(at, INSN_RFID);
}

static void put_rtas_calls(void)
{
	for (unsigned i = 0; i < NR_CALLS; i++) {
		uint64_t at = CALLS + 64 * i;

		for (unsigned cell = 0; cell < 16; cell++)
			memory_write_be32(&guest.memory, at + 4 * cell,
					  (uint32_t)(chance(50) ? pick(16) : some_address()));
		memory_write_be32(&guest.memory, at,
				  chance(95) ? RTAS_TOKEN_BASE + pick(24) : (uint32_t)random64());
		memory_write_be32(&guest.memory, at + 4, pick(9));
		memory_write_be32(&guest.memory, at + 8, pick(9));
	}
}

static void make_payload(void)
{
	memset(guest.memory.base, 0, RAM);
	little_endian = chance(50);
	fill_with_code(CODE, CODE + CODE_PAGES * PAGE_BYTES);
	for (uint64_t vector = 0x100; vector < 0x2000; vector += 0x80)
		put_handler(vector);
	/* The vectors with AIL=3, and those of scv. */
	for (uint64_t vector = 0x3000; vector < 0x6000; vector += 0x80)
		put_handler(vector);
	put_rtas_calls();
	guest.next_table = TABLES;
	for (uint32_t pid = 0; pid < 4; pid++)
		map_some(pid);
	spoil_tables();
}

/* ---- the initial state ---- */

/* Almost empty caches whose counters of fills are about to overflow. */
static unsigned some_count(void)
{
	static const unsigned counts[] = { 0, 0, FILL_LOG - 1, FILL_LOG, FILL_LOST, UINT32_MAX };

	return counts[pick(ARRAY_SIZE(counts))];
}

static void advance_counters(void)
{
	struct power_engine *e = guest.e;

	for (unsigned i = 0; i < VCPUS; i++) {
		for (unsigned mode = 0; mode < TLB_MODES; mode++) {
			e->cpus[i]->arrays.data[mode].filled.count = some_count();
			e->cpus[i]->arrays.fetch[mode].filled.count = some_count();
		}
		papr->vcpu[i].dispatch_count = UINT32_MAX - 2 * pick(8) - 1;
		papr->vcpu[i].dtl_index = UINT64_MAX - pick(8);
	}
	e->walks.first_asid = e->walks.next_asid = chance(50) ? 1 : UINT32_MAX - pick(64);
	papr->fwnmi->log_id = UINT32_MAX - pick(4);
	guest.clock.offset = chance(50) ? 0 : (chance(50) ? INT64_MAX : UINT64_MAX) - pick(60000);
}

static uint64_t some_msr(void)
{
	static const uint64_t bits[] = { MSR_EE,
					 MSR_PR | MSR_IR | MSR_DR | MSR_EE,
					 MSR_FP,
					 MSR_IR | MSR_DR,
					 MSR_VEC | MSR_VSX | MSR_FP,
					 MSR_RI,
					 MSR_IR,
					 MSR_DR };
	uint64_t msr = MSR_ME | (little_endian ? MSR_LE : 0) | (chance(85) ? MSR_SF : 0);

	for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
		msr |= chance(40) ? bits[i] : 0;
	if (chance(5))
		msr |= chance(50) ? MSR_SE : MSR_BE;
	return msr;
}

static void set_vcpu(unsigned vcpu)
{
	struct cpu *cpu = guest.e->cpus[vcpu];
	struct engine_regs regs = { .nip = CODE + 4 * pick(CODE_PAGES * 1024), .msr = some_msr() };

	for (unsigned i = 0; i < 32; i++)
		regs.gpr[i] = i && i < 10 ? some_address() : i < 12 ? pick(8) : random64();
	regs.ctr = chance(50) ? pick(1000) : some_address();
	regs.lr = some_address();
	engine_power.set_regs(guest.engine, vcpu, &regs);
	if (by_hash)
		set_segments(vcpu);
	cpu->pidr = pick(5);
	mmu_pid_changed(cpu);
	cpu->fscr = random64();
	cpu->uamor = random64();
	cpu->dec_expiry = clock_timebase(&guest.clock, 0) + pick(20000);
	state[vcpu] = VCPU_RUNNABLE;
	kicked[vcpu] = false;
}

static void start(void)
{
	char err[256];

	ended = false;
	memory_heal(&guest.memory, 0, RAM);
	engine_power.reset(guest.engine);
	make_hash_tables();
	papr->config.options.mmu = by_hash ? PAPR_MMU_EITHER : PAPR_MMU_RADIX;
	make_payload();
	papr->config.options.fwnmi_strict = chance(20);
	papr->config.options.stale_handler = (enum fwnmi_stale_policy)pick(3);
	require(papr_reset(papr, err, sizeof(err)) == 0);
	papr->partition.ail = chance(40) ? 3 : 0;
	papr->partition.interrupt_little_endian = little_endian;
	papr->partition.process_table = PROCESS_TABLE;
	papr->partition.process_table_size = 0x1000;
	papr->partition.radix = !by_hash;
	papr_set_partition(papr);
	engine_power.reset(guest.engine);
	papr_set_partition(papr);
	if (by_hash)
		make_table();
	advance_counters();
	for (unsigned i = 0; i < VCPUS; i++)
		set_vcpu(i);
}

/* ---- running ---- */

/* Returns true if the vCPU may go on. */
static bool took(unsigned vcpu, const struct papr_outcome *outcome)
{
	switch (outcome->result) {
	case PAPR_NOTHING:
	case PAPR_ROUTINE:
	case PAPR_VECTOR:
	case PAPR_RAISED:
	case PAPR_DROPPED:
	case PAPR_WAITING:
		break;
	case PAPR_UNSAFE:
		state[vcpu] = VCPU_UNSAFE;
		break;
	case PAPR_REFUSED: /* for example, because the routine is not in memory */
		require(outcome->error < 0);
		ended = true;
		break;
	case PAPR_ENDED:
		ended = true;
		break;
	}
	return may_run(vcpu);
}

static bool hcall(unsigned vcpu)
{
	struct papr_outcome outcome;

	hcalls++;
	switch (papr_hcall(papr, vcpu, &outcome)) {
	case PAPR_RESUME:
		return true;
	case PAPR_CEDE: /* an event always arrives at once, so that the payload continues */
		papr_vcpu_dispatch(papr, vcpu, false);
		return false;
	case PAPR_YIELD:
	case PAPR_AWAIT_PROD:
		return false;
	case PAPR_STOP:
		state[vcpu] = VCPU_STOPPED;
		return false;
	case PAPR_FWNMI:
		return took(vcpu, &outcome);
	case PAPR_POWER_OFF:
	case PAPR_REBOOT:
	case PAPR_CRASHED:
		ended = true;
		return false;
	}
	require(!"an action that does not exist");
	return false;
}

static bool machine_check(unsigned vcpu, const struct engine_exit *exit)
{
	struct papr_outcome outcome;
	struct fwnmi_machine_check mc;
	struct engine_regs regs;

	engine_power.get_regs(guest.engine, vcpu, &regs);
	require(fwnmi_mce_analyse(papr_pvr(papr), FWNMI_DISPOSITION_NOT_RECOVERED, regs.nip,
				  exit->machine_check.srr1, (uint32_t)exit->machine_check.dsisr,
				  exit->machine_check.dar, &mc) == 0);
	papr_machine_check(papr, vcpu, &regs, &mc, true, &outcome);
	return took(vcpu, &outcome);
}

/* Returns true if the vCPU may go on. */
static bool resume(unsigned vcpu)
{
	struct papr_outcome outcome;

	kicked[vcpu] = false;
	papr_resume(papr, vcpu, &outcome);
	return took(vcpu, &outcome);
}

static void check(void)
{
	const char *wrong = caches_check(guest.e);

	if (!wrong)
		return;
	fprintf(stderr, "the engine's caches: %s\n", wrong);
	abort();
}

static void run_slice(unsigned vcpu)
{
	uint64_t before = engine_power.insns(guest.engine, vcpu);
	uint64_t end = before + 1 + pick(SLICE);

	papr_vcpu_dispatch(papr, vcpu, true);
	engine_power.set_patience(guest.engine, vcpu, chance(50) ? 200 : UINT64_MAX, chance(50));
	while (!ended && may_run(vcpu)) {
		struct engine_exit exit = { 0 };
		uint64_t at = engine_power.insns(guest.engine, vcpu);
		bool goes_on = true;

		if (at >= end)
			break;
		if (kicked[vcpu] && !resume(vcpu))
			break;
		engine_power.run(guest.engine, vcpu, chance(2) ? 1 : end - at, &exit);
		if (exit.reason == ENGINE_EXIT_HCALL)
			goes_on = hcall(vcpu);
		else if (exit.reason == ENGINE_EXIT_MACHINE_CHECK)
			goes_on = machine_check(vcpu, &exit);
		else if (exit.reason == ENGINE_EXIT_DOORBELL)
			engine_power.ring_doorbell(guest.engine, exit.rings);
		else
			require(exit.reason == ENGINE_EXIT_BUDGET ||
				exit.reason == ENGINE_EXIT_YIELD);
		if (!goes_on || exit.reason == ENGINE_EXIT_YIELD)
			break;
	}
	papr_vcpu_dispatch(papr, vcpu, false);
	instructions += engine_power.insns(guest.engine, vcpu) - before;
}

/* Mostly where something is: code, data, a table. */
static void poison_some(void)
{
	uint64_t ra = some_address() & (RAM - 1), len = 1 + pick(chance(50) ? 16 : 8192);

	if (chance(80))
		memory_poison(&guest.memory, ra, len, chance(50));
	else
		memory_heal(&guest.memory, ra, len);
}

static void plant_some(void)
{
	uint64_t first = some_address() & ~0xfffull;
	struct engine_planted planted = { .first = first,
					  .last = first | (chance(50) ? 0xfff : 0xfffff),
					  .pid = chance(50) ? ENGINE_ANY_PID : pick(4),
					  .vcpu = (uint8_t)pick(VCPUS),
					  .where = (uint8_t)pick(2),
					  .multihit = chance(50),
					  .recovered = chance(50) };

	if (first >> 62)
		planted.pid = 0;
	if (chance(80))
		engine_power.plant(guest.engine, &planted);
	else
		engine_power.unplant(guest.engine, pick(VCPUS + 1), first, UINT64_MAX);
}

/* Events from outside. */
static void disturb(void)
{
	static const struct fwnmi_machine_check mc = { .error_type = FWNMI_MC_UE,
						       .severity = FWNMI_SEVERITY_ERROR_SYNC };
	unsigned vcpu = pick(VCPUS);
	struct papr_outcome outcome;
	struct engine_regs regs;

	engine_power.get_regs(guest.engine, vcpu, &regs);
	switch (pick(64)) {
	case 0:
		papr_system_reset(papr, vcpu, &regs, &outcome);
		took(vcpu, &outcome);
		break;
	case 1:
		papr_machine_check(papr, vcpu, &regs, &mc, false, &outcome);
		took(vcpu, &outcome);
		break;
	case 2:
		engine_power.set_external(guest.engine, vcpu, pick(2));
		break;
	case 3:
		papr_console_input(papr);
		break;
	case 4:
		for (unsigned n = 0; n < 64; n++)
			memory_write_be32(&guest.memory, CODE + 4 * pick(CODE_PAGES * 1024),
					  some_insn());
		break;
	case 5:
		set_vcpu(vcpu);
		break;
	case 6:
		poison_some();
		break;
	case 7:
		plant_some();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!zone)
		make_machine();
	input.data = data;
	input.size = size;
	input.state = 0x9e3779b97f4a7c15ull + size;
	by_hash = size % 4 == 3; /* so that no decision of the others moves */
	start();
	for (unsigned i = 0; i < SLICES && !ended; i++) {
		for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++)
			if (kicked[vcpu] && state[vcpu] == VCPU_RUNNABLE)
				resume(vcpu);
		if (!may_run(0) && !may_run(1)) {
			papr_withdraw(papr, pick(VCPUS));
			set_vcpu(pick(VCPUS));
		}
		if (may_run(i % VCPUS))
			run_slice(i % VCPUS);
		check();
		if (!ended)
			disturb();
	}
	check_canaries();
	payloads++;
	hash_payloads += by_hash;
	if (by_hash)
		count_used_entries();
	return 0;
}
