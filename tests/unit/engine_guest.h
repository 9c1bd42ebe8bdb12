/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The embedded engine with a small guest: memory, words of code, page tables. For unit tests
 * that look inside the engine, and for the fuzzer of guest code.
 */
#ifndef ENGINE_GUEST_H
#define ENGINE_GUEST_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "engine/emu/check.h"
#include "engine/emu/private.h"
#include "isa/hpte.h"

/* Addresses of a guest's tables: the process table, then pages that are allocated one by one. */
#define PROCESS_TABLE 0x20000ull
#define TABLES	      0x30000ull
#define TABLES_END    0x80000ull

/* Leaf bits: EAA, R and C set. */
#define LEAF_PRIV	 0x8ull
#define LEAF_READ	 0x4ull
#define LEAF_WRITE	 0x2ull
#define LEAF_EXEC	 0x1ull
#define LEAF_ALL	 (LEAF_READ | LEAF_WRITE | LEAF_EXEC)
#define LEAF_RC		 0x180ull
/* Leaf bits: ATT. */
#define LEAF_SAO	 0x10ull
#define LEAF_NI_IO	 0x20ull
#define LEAF_TOLERANT_IO 0x30ull

/* Instructions. */
#define INSN_NOP	      0x60000000u
#define INSN_HCALL	      0x44000022u
#define INSN_BLR	      0x4e800020u
#define INSN_B(offset)	      (0x48000000u | ((uint32_t)(offset)&0x03fffffcu))
#define INSN_LI(rt, value)    (0x38000000u | (rt) << 21 | ((uint32_t)(value)&0xffff))
#define INSN_ADDI(rt, ra, v)  (0x38000000u | (rt) << 21 | (ra) << 16 | ((uint32_t)(v)&0xffff))
#define INSN_ADDIS(rt, ra, v) (0x3c000000u | (rt) << 21 | (ra) << 16 | ((uint32_t)(v)&0xffff))
#define INSN_STW(rs, d, ra)   (0x90000000u | (rs) << 21 | (ra) << 16 | ((uint32_t)(d)&0xffff))
#define INSN_MTCTR(rs)	      (0x7c0903a6u | (rs) << 21)
#define INSN_BCTRL	      0x4e800421u
/* tlbie of all entries of all processes: RIC 2, PRS 1, R 1, RB in r5 with IS 3. */
#define INSN_TLBIE(rb, rs)    (0x7c0b0264u | (rs) << 21 | (rb) << 11)

/* Entries of the hash table: 4 KiB pages of segments of 256 MiB. */
#define HASH_ORDER 18

struct engine_guest {
	struct guest_memory memory;
	struct guest_clock clock;
	struct engine *engine;
	struct power_engine *e;
	uint64_t next_table;
	uint64_t hash_table[(1u << HASH_ORDER) / 8];
};

/* @threads: each vCPU has one */
static inline bool guest_start_as(struct engine_guest *g, uint64_t ram, unsigned nr_vcpus,
				  bool threads)
{
	const struct engine_config config = {
		.memory = &g->memory, .clock = &g->clock, .nr_vcpus = nr_vcpus, .threads = threads
	};
	char err[160];

	*g = (struct engine_guest){ .clock = { .mode = threads ? CLOCK_HOST : CLOCK_INSN },
				    .next_table = TABLES };
	g->memory.size = ram;
	g->memory.base = mmap(NULL, ram, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (g->memory.base == MAP_FAILED)
		return false;
	g->engine = engine_power.create(&config, err, sizeof(err));
	g->e = (struct power_engine *)g->engine;
	return g->engine;
}

static inline bool guest_start(struct engine_guest *g, uint64_t ram, unsigned nr_vcpus)
{
	return guest_start_as(g, ram, nr_vcpus, false);
}

static inline void guest_end(struct engine_guest *g)
{
	engine_power.destroy(g->engine);
	munmap(g->memory.base, g->memory.size);
}

/* Ends it as a test does: false, and a line about it, if its caches were wrong. */
static inline bool guest_end_checked(struct engine_guest *g)
{
	const char *wrong = caches_check(g->e);

	if (wrong)
		fprintf(stderr, "%s\n", wrong);
	guest_end(g);
	return !wrong;
}

static inline void guest_code(struct engine_guest *g, uint64_t ra, const uint32_t *code, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		memory_write_be32(&g->memory, ra + 4 * i, code[i]);
}

/* Words of code, and their number */
#define INSNS(...)                         \
	(const uint32_t[]){ __VA_ARGS__ }, \
		sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t)

/* From now on an interrupt ends a run: each vector is a hypervisor call. */
static inline void guest_end_at_interrupts(struct engine_guest *g)
{
	for (uint64_t vector = 0x100; vector < 0x1000; vector += 0x20)
		memory_write_be32(&g->memory, vector, INSN_HCALL);
}

/* Sets up a process table with empty entries; guest_map() adds trees. */
static inline void guest_use_radix(struct engine_guest *g)
{
	const struct engine_partition partition = { .radix = true,
						    .gtse = true,
						    .process_table = PROCESS_TABLE,
						    .process_table_size = 0x1000 };

	engine_power.set_partition(g->engine, &partition);
}

/* A hash table without entries: guest_enter() adds them. */
static inline void guest_use_hash(struct engine_guest *g, uint64_t real_mode_size)
{
	const struct engine_partition partition = { .hash_table = g->hash_table,
						    .hash_table_order = HASH_ORDER,
						    .real_mode_size = real_mode_size };

	engine_power.set_partition(g->engine, &partition);
}

/*
 * Maps the page at @ea & 0x0fffffff of a segment, or no longer if @r is 0, without telling the
 * engine. Returns the entry's index.
 */
static inline uint64_t guest_enter(struct engine_guest *g, uint64_t vsid, uint64_t ea, uint64_t r)
{
	const struct virtual_page page = { .vsid = vsid, .offset = ea & 0x0ffff000 };
	const uint64_t v = hpte_v(&page) | HPTE_V_VALID;
	uint64_t index = hpt_group(&page, 12, false, HASH_ORDER) * HPTES_PER_GROUP, old = 0;

	for (unsigned i = 0; i < HPTES_PER_GROUP; i++, index++) {
		old = get_be64(&g->hash_table[2 * index]);
		if (!old || old == v)
			break;
	}
	put_be64(&g->hash_table[2 * index], r ? v : 0);
	put_be64(&g->hash_table[2 * index + 1], r);
	return index;
}

static inline uint64_t guest_table(struct engine_guest *g, uint64_t entries)
{
	uint64_t table = g->next_table;

	g->next_table += entries * 8;
	return g->next_table <= TABLES_END ? table : 0;
}

/*
 * Maps one 4 KiB page of a process, with levels of 13, 9, 9 and 9 bits like Linux, but a small
 * root.
 */
static inline void guest_map(struct engine_guest *g, uint32_t pid, uint64_t ea, uint64_t ra,
			     uint64_t bits)
{
	uint64_t at = PROCESS_TABLE + pid * 16, entry = 0, table;

	memory_read_be64(&g->memory, at, &entry);
	if (!entry) {
		entry = 2ull << 61 | 5ull << 5 | guest_table(g, 1u << 13) | 13;
		memory_write_be64(&g->memory, at, entry);
	}
	ea &= ~(3ull << 62);
	table = entry & ~0xffull & ~(7ull << 61);
	for (unsigned level = 0, shift = 39;; level++, shift -= 9) {
		at = table + (ea >> shift & (level ? 511 : 8191)) * 8;
		if (level == 3)
			break;
		memory_read_be64(&g->memory, at, &entry);
		if (!entry) {
			entry = 1ull << 63 | guest_table(g, 512) | 9;
			memory_write_be64(&g->memory, at, entry);
		}
		table = entry & 0x0fffffffffffff00ull;
	}
	memory_write_be64(&g->memory, at, ra ? 3ull << 62 | ra | bits | LEAF_RC : 0);
}

#endif
