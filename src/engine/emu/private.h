/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the embedded engine share with one another: decoded code, translation,
 * interrupts, SPRs. Instruction semantics need only cpu.h.
 */
#ifndef FWNMI_ENGINE_EMU_PRIVATE_H
#define FWNMI_ENGINE_EMU_PRIVATE_H

#include <stddef.h>

#include "engine/emu/cpu.h"

#define POWER9_PVR 0x004e1202u

/* ---- decoded code ---- */

#define CODE_LE		1 /* instructions and data are little-endian */
#define CODE_32		2 /* MSR[SF]=0: 32-bit addresses, and results compared as 32 bits */
#define CODE_MODES	4
#define WORDS_PER_PAGE	(PAGE_BYTES / 4)
#define BLOCK_MAX_INSNS 64

/*
 * A run of instructions inside one page of real memory, ending at a branch, at an instruction that
 * changes what follows, at the page's end or at BLOCK_MAX_INSNS. Behind the ending micro-operation
 * stand two links (imm = first micro-operation of the block branched to inside the same page, and
 * of the one fallen through to; 0: not looked up yet), then a trailer whose imm is the block.
 */
struct block {
	struct code_page *page;
	uint16_t start; /* byte offset in the page */
	uint16_t nr_insns;
	struct uop uops[];
};

/*
 * What is decoded of one real page in one mode. caches_check() wants of each entry that it begins a
 * block of this page at this offset, all of whose words are marked in decoded; that its links are
 * empty or lead to entries of this page; and that everything lies in the used part of the arena.
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
 * What is decoded of REGION_BYTES of real memory: the lower level of the tables by real page. It is
 * made when the first code of the region is met and lies in the arena like all that it leads to, so
 * the tables take no more memory than that, whatever the guest's RAM.
 */
#define REGION_BITS  21
#define REGION_PAGES (1u << (REGION_BITS - PAGE_BITS))
struct code_region {
	struct code_region *next; /* of those in use */
	uint64_t number; /* its index in power_engine.regions */
	struct code_page *pages[CODE_MODES][REGION_PAGES];
	bool has_code[REGION_PAGES]; /* in some mode a word of the page is marked decoded */
};

/*
 * A cached walk counts if its asid is the one that its process has now. asid_of() gives a number
 * away once only, and forgets all walks before it starts again, so an old one is never taken for a
 * new one.
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
	uint32_t asid; /* counts if not below power_engine.first_asid */
};
#define ASID_ENTRIES 1024

struct power_engine {
	struct engine_config config;
	struct engine_partition partition;
	struct guest_memory *memory;
	struct guest_clock *clock;
	unsigned nr_vcpus;
	struct cpu *cpus[ENGINE_MAX_VCPUS];
	struct cpu *last_run;

	struct code_region *
		*regions; /* by real address >> REGION_BITS; NULL: nothing of it is decoded */
	struct code_region *used_regions;
	bool *touched; /* the same index: a vCPU has written there */
	uint8_t *arena; /* blocks, code pages, regions; emptied as a whole */
	size_t arena_size, arena_used;

	struct walk_entry walks[WALK_ENTRIES];
	struct asid_entry asids[ASID_ENTRIES];
	uint32_t first_asid, next_asid; /* 0 < first_asid <= next_asid */

	int64_t work; /* what is left of WORK_PER_RUN */

	uint64_t patience; /* instructions of one run() after which a hint to wait ends it */
	uint64_t random; /* state of darn under CLOCK_INSN */
	unsigned nr_warned;
	uint32_t warned[16]; /* illegal encodings already named */
};

/** decode_init() - build the decoder's look-up from the instruction table (once per process). */
void decode_init(void);
/**
 * decode_block() - decode at real address @ra in @mode, at most @max_insns; NULL: the arena is
 * full.
 */
const struct uop *decode_block(struct power_engine *e, uint64_t ra, unsigned mode,
			       unsigned max_insns, bool keep);
/** insn_name() - mnemonic of an encoding, NULL if it is not in the table. */
const char *insn_name(uint32_t insn);

/** code_word() - the instruction at real address @ra, as one with @mode fetches it. */
uint32_t code_word(const struct power_engine *e, uint64_t ra, unsigned mode);
/**
 * code_forget_last() - the block just decoded without @keep has been run; @used: arena_used before
 * it.
 */
void code_forget_last(struct power_engine *e, size_t used);
void code_drop(struct power_engine *e, uint64_t ra, uint64_t len); /* these bytes were written */
void code_flush(struct power_engine *e); /* everything */
/** code_page_at() - what is decoded at @ra in @mode, made if it is new; NULL: the arena is full. */
struct code_page *code_page_at(struct power_engine *e, uint64_t ra, unsigned mode);

static inline bool code_at(const struct power_engine *e, uint64_t ra)
{
	const struct code_region *region = e->regions[ra >> REGION_BITS];

	return region && region->has_code[ra >> PAGE_BITS & (REGION_PAGES - 1)];
}

/**
 * caches_check() - do the engine's caches keep the invariants that stand beside their structures?
 *
 * For fuzzers and tests, and now and then in builds with sanitizers; no vCPU may be running.
 * returns: NULL, or what is wrong
 */
const char *caches_check(const struct power_engine *e);

/* ---- work ---- */

/*
 * Some instructions cost the host far more than others: those that empty caches, walk page tables,
 * meet new code or touch new memory. run() counts what they cost above an ordinary one, in about
 * nanoseconds of the host's time, and ends when WORK_PER_RUN is spent, so that its caller gets to
 * look at the clock. It ends between two blocks as ever: the guest cannot tell.
 */
#define WORK_PER_RUN 4000000
#define WORK_FILL    50 /* a slot of the soft TLB */
#define WORK_WALK    200 /* a walk of the page tables */
#define WORK_TOUCH   2000000 /* the host may have to find and clear a huge page */
#define WORK_INSN    30 /* an instruction decoded */
#define WORK_TABLE   1000 /* a code page or a region made or emptied */

/**
 * work_done() - @work may be anything that fits; the run ends after the running block if all is
 * spent.
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
 * mmu_translate() - effective to real for one byte; false: the architected interrupt (or machine
 * check) was raised.
 */
bool mmu_translate(struct cpu *cpu, uint64_t ea, enum access access, uint64_t *ra);
/**
 * mmu_host() - host address of [ea, ea + size) within one page for @access, or NULL with an
 * interrupt raised.
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
		      uint64_t ra); /* no fast stores to this real page any more */
void mmu_flush_pid(struct power_engine *e, uint32_t pid);
void mmu_flush_range(struct power_engine *e, uint32_t pid, uint64_t ea, uint64_t len);

/* ---- tracing ---- */

/* What a trace interrupt behind an instruction says of it. */
struct traced {
	bool wanted; /* MSR[SE] and MSR[BE] ask for one */
	bool accesses; /* it has a storage operand, at @sdar */
	uint64_t siar, sdar, srr1;
};

/** trace_begin() - look at the instruction at NIP, which is executed next. */
void trace_begin(const struct cpu *cpu, uint32_t insn, struct traced *traced);

/* ---- interrupts, registers ---- */

/* Not a real vector: scv n is VECTOR_SCV + 0x20 * n, placed by cpu_interrupt(). */
#define VECTOR_SCV 0x17000

void cpu_interrupt(struct cpu *cpu, unsigned vector, uint64_t srr0, uint64_t srr1_bits);
void cpu_set_msr(struct cpu *cpu, uint64_t msr);
/**
 * cpu_leave() - make the run loop look after the running block; the instruction count stays exact.
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
 * cpu_warn_illegal() - name an encoding that is not in the table; each once, and only so many: the
 * guest chooses them.
 */
void cpu_warn_illegal(struct cpu *cpu, uint32_t insn, uint64_t ea);

/* The thread's priority in PPR. */
#define PPR_PRI_SHIFT 50
#define PPR_PRI	      (7ull << PPR_PRI_SHIFT)

/* FSCR bits: facilities that problem state may use only when the operating system lets it. */
#define FSCR_DSCR 2
#define FSCR_EBB  7
#define FSCR_TAR  8
#define FSCR_SCV  12

/** cpu_need_facility() - problem state may use it if FSCR[@bit] says so; else 0xf60 is raised. */
int cpu_need_facility(struct cpu *cpu, unsigned bit);

int spr_read(struct cpu *cpu, unsigned spr, unsigned index, uint64_t *v);
int spr_write(struct cpu *cpu, unsigned spr, unsigned index, uint64_t v);

#endif
