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

/*
 * A cached walk is valid if its asid is the current one of its process. asid_of() gives out each
 * number only once, and forgets all walks before it starts again, so an old walk never matches a
 * new asid.
 */
struct walk_entry {
	uint64_t page; /* effective page; TLB_INVALID: empty */
	uint64_t ra; /* real page */
	uint32_t asid;
	uint32_t pte; /* low bits of the leaf: EAA, R, C */
};
#define WALK_ENTRIES 8192

struct asid_entry {
	uint32_t pid;
	uint32_t asid; /* valid if not below power_engine.first_asid */
};
#define ASID_ENTRIES 1024

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

	struct walk_entry walks[WALK_ENTRIES];
	struct asid_entry asids[ASID_ENTRIES];
	uint32_t first_asid, next_asid; /* 0 < first_asid <= next_asid */

	int64_t work; /* left of WORK_PER_RUN */

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

/* ---- work ---- */

/*
 * Some instructions cost the host far more than others: those that empty caches, walk page tables,
 * meet new code or touch new memory. run() adds up their extra cost, in about nanoseconds of host
 * time, and ends when WORK_PER_RUN is spent, so that its caller can look at the clock. It still
 * ends between two blocks, so the guest cannot tell.
 */
#define WORK_PER_RUN 4000000
#define WORK_FILL    50 /* a slot of the soft TLB */
#define WORK_WALK    200 /* a walk of the page tables */
#define WORK_TOUCH   2000000 /* the host may have to find and clear a huge page */
#define WORK_INSN    30 /* an instruction decoded */
#define WORK_TABLE   1000 /* a code page or a region made or emptied */

/**
 * work_done() - account for @work, any value that fits. Once all is spent, the run ends after the
 * running block.
 */
static inline void work_done(struct power_engine *e, int64_t work)
{
	e->work -= work;
}

/* ---- translation ---- */

enum access {
	ACCESS_READ,
	ACCESS_WRITE,
	ACCESS_FETCH
};

/**
 * mmu_translate() - translate an effective to a real address for one byte. false: the architected
 * interrupt (or machine check) was raised.
 */
bool mmu_translate(struct cpu *cpu, uint64_t ea, enum access access, uint64_t *ra);
/**
 * mmu_host() - host address of [ea, ea + size) within one page for @access. NULL: interrupt raised.
 */
uint8_t *mmu_host(struct cpu *cpu, uint64_t ea, unsigned size, enum access access, uint64_t *ra);
/** mmu_fetch() - code page for an effective address, cached; NULL: interrupt raised. */
struct code_page *mmu_fetch(struct cpu *cpu, uint64_t ea);
void mmu_mode_changed(struct cpu *cpu); /* MSR's IR, DR, PR or LE have changed */
void mmu_pid_changed(struct cpu *cpu);
void mmu_amr_changed(struct cpu *cpu);
void mmu_reset(struct power_engine *e);
void mmu_flush_all(struct power_engine *e);
void mmu_flush_code(struct power_engine *e); /* fetch entries only */
void mmu_protect_code(struct power_engine *e,
		      uint64_t ra); /* no more fast stores to this real page */
void mmu_flush_pid(struct power_engine *e, uint32_t pid);
void mmu_flush_range(struct power_engine *e, uint32_t pid, uint64_t ea, uint64_t len);

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
