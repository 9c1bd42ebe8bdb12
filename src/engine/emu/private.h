/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files of the embedded engine: decoded code, translation, interrupts, SPRs.
 * Instruction semantics need only cpu.h.
 */
#ifndef FWNMI_ENGINE_EMU_PRIVATE_H
#define FWNMI_ENGINE_EMU_PRIVATE_H

#include <stddef.h>

#include "engine/emu/cpu.h"
#include "isa/model.h"

/* ---- decoded code ---- */

#define CODE_LE		1 /* instructions and data are little-endian */
#define CODE_32		2 /* MSR[SF]=0: addresses have 32 bits, results are compared as 32 bits */
#define CODE_MODES	4
#define WORDS_PER_PAGE	(PAGE_BYTES / 4)
#define BLOCK_MAX_INSNS 64

/*
 * A run of instructions inside one page of real memory. It ends at a branch, at an instruction that
 * changes what follows, at the page's end or after BLOCK_MAX_INSNS. After the ending
 * micro-operation come two links, then a trailer whose imm is the block. The links' imm is the
 * first micro-operation of the next block inside the same page, branched to and fallen through to;
 * 0: not looked up yet.
 */
struct block {
	struct code_page *page;
	uint16_t start; /* byte offset in the page */
	uint16_t nr_insns;
	struct uop uops[];
};

/*
 * The decoded code of one real page in one mode. caches_check() checks these invariants: each entry
 * begins a block of this page at this offset, with all its words marked in decoded; the block's
 * links are empty or lead to entries of this page; everything lies in the used part of the arena.
 */
struct code_page {
	uint64_t ra;
	unsigned mode;
	uint64_t
		decoded[WORDS_PER_PAGE / 64]; /* a bit per instruction word that some block holds */
	const struct uop
		*entry[WORDS_PER_PAGE]; /* first micro-operation of the block starting there */
};

/*
 * The decoded code of REGION_BYTES of real memory: the lower level of the tables by real page. A
 * region is made when its first code is met. It lies in the arena, as does all it leads to, so the
 * tables take no more memory than the arena, whatever the guest's RAM.
 */
#define REGION_BITS  21
#define REGION_PAGES (1u << (REGION_BITS - PAGE_BITS))
struct code_region {
	struct code_region *next; /* next region in use */
	uint64_t number; /* its index in power_engine.regions */
	struct code_page *pages[CODE_MODES][REGION_PAGES];
	bool has_code[REGION_PAGES]; /* some word of the page is marked decoded in some mode */
};

struct power_engine {
	struct engine_config config;
	const struct cpu_model *model;
	struct engine_partition partition;
	struct guest_memory *memory;
	struct guest_clock *clock;
	unsigned nr_vcpus;
	struct cpu *cpus[ENGINE_MAX_VCPUS];
	struct cpu *last_run;

	struct code_region *
		*regions; /* by real address >> REGION_BITS; NULL: nothing of it is decoded */
	struct code_region *used_regions;
	bool *touched; /* same index: a vCPU has written to the region */
	uint8_t *arena; /* blocks, code pages, regions; emptied as a whole */
	size_t arena_size, arena_used;

	struct walk_cache walks;
	struct work work; /* of this run() */

	uint64_t patience; /* a wait hint ends a run() after this many instructions */
	uint64_t random; /* state of darn under CLOCK_INSN */
	unsigned nr_warned;
	uint32_t warned[16]; /* illegal encodings already reported */
};

/** decode_init() - build the decoder's lookup from the instruction table, once per process. */
void decode_init(void);
/**
 * decode_block() - decode at most @max_insns at real address @ra in @mode. NULL: the arena is full.
 */
const struct uop *decode_block(struct power_engine *e, uint64_t ra, unsigned mode,
			       unsigned max_insns, bool keep);
/** insn_name() - mnemonic of an encoding, or NULL if it is not in the table. */
const char *insn_name(uint32_t insn);

/** code_word() - the instruction at real address @ra as @mode fetches it. */
uint32_t code_word(const struct power_engine *e, uint64_t ra, unsigned mode);
/**
 * code_forget_last() - the last block, decoded without @keep, has been run. @used: arena_used
 * before it.
 */
void code_forget_last(struct power_engine *e, size_t used);
void code_drop(struct power_engine *e, uint64_t ra, uint64_t len); /* these bytes were written */
void code_flush(struct power_engine *e); /* everything */
/** code_page_at() - the code page of @ra in @mode, made if needed. NULL: the arena is full. */
struct code_page *code_page_at(struct power_engine *e, uint64_t ra, unsigned mode);

/** code_fetch() - code page for an effective address, cached; NULL: interrupt raised, or the arena is full. */
struct code_page *code_fetch(struct cpu *cpu, uint64_t ea);

static inline bool code_at(const struct power_engine *e, uint64_t ra)
{
	const struct code_region *region = e->regions[ra >> REGION_BITS];

	return region && region->has_code[ra >> PAGE_BITS & (REGION_PAGES - 1)];
}

/**
 * caches_check() - check the invariants of the engine's caches, stated at their structures
 *
 * For fuzzers, tests and, now and then, builds with sanitizers. No vCPU may be running.
 * returns: NULL, or what is wrong
 */
const char *caches_check(const struct power_engine *e);

/* ---- tracing ---- */

/* What the trace interrupt after an instruction reports about it. */
struct traced {
	bool wanted; /* MSR[SE] and MSR[BE] ask for one */
	bool accesses; /* it has a storage operand, at @sdar */
	uint64_t siar, sdar, srr1;
};

/** trace_begin() - examine the instruction at NIP, which is executed next. */
void trace_begin(const struct cpu *cpu, uint32_t insn, struct traced *traced);

/* ---- interrupts, registers ---- */

void cpu_interrupt(struct cpu *cpu, unsigned vector, uint64_t srr0, uint64_t srr1_bits);
void cpu_set_msr(struct cpu *cpu, uint64_t msr);
/**
 * cpu_leave() - return to the run loop after the running block. The instruction count stays exact.
 */
static inline void cpu_leave(struct cpu *cpu)
{
	if (cpu->budget > 0) {
		cpu->run_limit -= cpu->budget;
		cpu->budget = 0;
	}
}
/** cpu_work() - account for work that a block may repeat before it ends. */
static inline void cpu_work(struct cpu *cpu, int64_t amount)
{
	work_done(&cpu->engine->work, amount);
	if (unlikely(cpu->engine->work.left < 0))
		cpu_leave(cpu);
}
/** cpu_timebase() - time base as of instruction @index of the running block. */
uint64_t cpu_timebase(const struct cpu *cpu, unsigned index);
/**
 * cpu_warn_illegal() - report an encoding that is not in the table. Each is reported once, and only
 * a limited number, because the guest chooses them.
 */
void cpu_warn_illegal(struct cpu *cpu, uint32_t insn, uint64_t ea);

/* The thread's priority in PPR. */
#define PPR_PRI_SHIFT 50
#define PPR_PRI	      (7ull << PPR_PRI_SHIFT)

/* FSCR bits: facilities that problem state may use only if the operating system allows it. */
#define FSCR_DSCR 2
#define FSCR_EBB  7
#define FSCR_TAR  8
#define FSCR_SCV  12

/** cpu_need_facility() - problem state may use it if FSCR[@bit] is set; else 0xf60 is raised. */
int cpu_need_facility(struct cpu *cpu, unsigned bit);

int spr_read(struct cpu *cpu, unsigned spr, unsigned index, uint64_t *v);
int spr_write(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v);

#endif
