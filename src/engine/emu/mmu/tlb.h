/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The soft TLB: a vCPU's direct-mapped arrays, from effective pages to host memory and to decoded
 * code, which the fast paths look at; and the cache of walks behind them, which vCPUs that take
 * turns share. They hold 4 KiB granules whatever the guest's page size. Data structures only: they
 * know no format of page tables, no vCPU and nothing of what decoded code is.
 */
#ifndef FWNMI_ENGINE_EMU_MMU_TLB_H
#define FWNMI_ENGINE_EMU_MMU_TLB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/emu/work.h"

#define PAGE_BITS     12
#define PAGE_BYTES    (1u << PAGE_BITS)
#define PAGE_MASK_LOW ((uint64_t)PAGE_BYTES - 1)
#define EPN(ea)	      ((ea) & ~PAGE_MASK_LOW) /* effective page */

/* ---- a vCPU's arrays ---- */

/*
 * Soft TLB entry: the tag is the effective page (4 KiB granule); addend + ea is the host address. A
 * tag with low bits set never matches. TLB_INVALID's low bits are not those of any unaligned
 * access, either. caches_check() checks these invariants of a valid entry in slot n:
 * - n is what TLB_INDEX() gives for its tag;
 * - tag + addend is the host address of a page of guest memory; in TLB_REAL that page's real
 *   address is the tag;
 * - the slot is in the set's log, or the log has lost count;
 * - a page that holds decoded code has no write entry;
 * - a page with poison in it has no entry, nor has one with a planted error, except in TLB_REAL;
 * - a page whose caching is inhibited has no entry, so that instructions that it refuses find out;
 * - a TLB_KERNEL entry that depends on AMR or PIDR is listed in kuser; a TLB_USER entry that does
 *   not depend on PIDR sets user_saw_kernel.
 * A valid entry of base_read or base_write equals a valid one of read or write.
 */
struct tlb_entry {
	uint64_t tag;
	uintptr_t addend;
};
#define TLB_ENTRIES   1024
#define TLB_INVALID   0x800ull
#define TLB_INDEX(ea) (((ea) >> PAGE_BITS) & (TLB_ENTRIES - 1))

/*
 * The three ways to interpret an address. Each has its own entries, so a mode switch flushes
 * nothing.
 */
enum tlb_mode {
	TLB_REAL,
	TLB_KERNEL,
	TLB_USER,
	TLB_MODES
};

/*
 * The slots of a set filled since it was last emptied, to keep flushes cheap. If they don't fit,
 * any slot may be filled, and count stays at FILL_LOST until the set is emptied. A guest controls
 * the number of fills, so count must not wrap.
 */
#define FILL_LOG  96
#define FILL_LOST (FILL_LOG + 1)
struct fill_log {
	unsigned count;
	uint16_t slot[FILL_LOG];
};
/*
 * Registers that rarely point to another page: each has its own copy of the entry that it led to
 * last, which is found without computing a slot.
 */
enum tlb_base {
	BASE_STACK,
	BASE_THREAD,
	TLB_BASES
};
struct tlb_set {
	struct tlb_entry read[TLB_ENTRIES];
	struct tlb_entry write[TLB_ENTRIES];
	struct tlb_entry base_read[TLB_BASES];
	struct tlb_entry base_write[TLB_BASES];
	struct fill_log filled;
};

/** tlb_host() - host address of an access that the set knows, or NULL */
static inline uint8_t *tlb_host(const struct tlb_set *set, uint64_t ea, unsigned size, bool write)
{
	const struct tlb_entry *entry = write ? &set->write[TLB_INDEX(ea)] :
						&set->read[TLB_INDEX(ea)];

	return entry->tag == EPN(ea + size - 1) ? (uint8_t *)(ea + entry->addend) : NULL;
}

/*
 * Fetch entry: where the code of an effective page is. caches_check() checks these invariants of a
 * valid entry: FETCH_INDEX() gives its slot, the slot is logged as above, and code_page is the one
 * that the tables by real page hold for the set's code_mode, which is the vCPU's while it uses the
 * set. So code_flush() empties every set, and tlb_begin_fetch() one that was for another mode.
 */
struct code_page;
struct fetch_entry {
	uint64_t tag; /* effective page */
	struct code_page *page;
};
#define FETCH_ENTRIES	512
#define FETCH_INDEX(ea) (((ea) >> PAGE_BITS) & (FETCH_ENTRIES - 1))
struct fetch_set {
	struct fetch_entry entry[FETCH_ENTRIES];
	struct fill_log filled;
	unsigned code_mode; /* how the code is decoded; a number that means nothing here */
};

#define KUSER_SLOTS 32

struct tlb_arrays {
	struct work *work;
	/*
	 * Slots of TLB_KERNEL with entries that depend on PIDR or, if their page is not privileged,
	 * on AMR. All are emptied when the list is full.
	 */
	unsigned nr_kuser;
	uint16_t kuser[KUSER_SLOTS];
	bool kernel_fetched_user; /* a kernel fetch entry depends on PIDR or IAMR */
	bool user_saw_kernel; /* a user entry maps an address of PID 0: see tlb_flush_kernel() */

	struct tlb_set data[TLB_MODES];
	struct fetch_set fetch[TLB_MODES];
};

/** tlb_init() - empty arrays, whatever they hold. */
void tlb_init(struct tlb_arrays *t, struct work *work);
/**
 * tlb_is_kuser() - does an entry of TLB_KERNEL depend on PIDR or AMR, so that a change of these
 * empties it by itself? @privileged: problem state can't access the page.
 */
bool tlb_is_kuser(uint64_t ea, bool privileged);
/**
 * tlb_fill() - enter the page at @ea, at @host, for reads or for writes. @privileged: problem state
 * can't access it.
 */
void tlb_fill(struct tlb_arrays *t, enum tlb_mode mode, uint64_t ea, const uint8_t *host,
	      bool write, bool privileged);
/** tlb_fill_fetch() - enter the decoded code of the page at @ea. */
void tlb_fill_fetch(struct tlb_arrays *t, enum tlb_mode mode, uint64_t ea, struct code_page *page,
		    bool privileged);
/** tlb_begin_fetch() - from now on the fetch entries of @mode are of code in @code_mode. */
void tlb_begin_fetch(struct tlb_arrays *t, enum tlb_mode mode, unsigned code_mode);
void tlb_flush(struct tlb_arrays *t); /* everything */
void tlb_flush_all_fetches(struct tlb_arrays *t); /* all fetch entries */
void tlb_flush_fetch(struct tlb_arrays *t, enum tlb_mode mode); /* those of a mode */
void tlb_flush_data(struct tlb_arrays *t, enum tlb_mode mode); /* all data entries of a mode */
void tlb_flush_process(struct tlb_arrays *t); /* what depends on PIDR or IAMR */
void tlb_flush_kernel(struct tlb_arrays *t); /* what process 0 maps, whoever saw it */
void tlb_flush_user_data(struct tlb_arrays *t); /* the kernel's entries that depend on AMR */
void tlb_flush_page(struct tlb_arrays *t, uint64_t page); /* one effective page */
/** tlb_flush_segment() - effective addresses @first to @last, pages as a whole */
void tlb_flush_segment(struct tlb_arrays *t, uint64_t first, uint64_t last);
/**
 * tlb_flush_offset() - the page at @offset of some segment, wherever that is: a segment's size is a
 * multiple of what the arrays index, so the slot is known
 */
void tlb_flush_offset(struct tlb_arrays *t, uint64_t offset);
void tlb_protect(struct tlb_arrays *t, const uint8_t *host); /* no more fast stores to this page */

/* ---- the cache of walks ---- */

/*
 * A cached walk is valid if its asid is the current one of its space: a process, or whatever else
 * the tables' format takes for an address space. Each number is given out only once, and all walks
 * are forgotten before numbers start again, so an old walk never matches a new asid.
 */
struct walk_entry {
	uint64_t page; /* in its space; TLB_INVALID: empty */
	uint64_t ra; /* real page */
	uint32_t asid;
	uint32_t protection; /* PAGE_*; it means nothing here */
};
#define WALK_ENTRIES 8192

struct asid_entry {
	uint64_t space;
	uint32_t asid; /* valid if not below walk_cache.first_asid */
};
#define ASID_ENTRIES 1024

struct walk_cache {
	struct work *work;
	uint32_t first_asid, next_asid; /* 0 < first_asid <= next_asid */
	struct walk_entry walks[WALK_ENTRIES];
	struct asid_entry asids[ASID_ENTRIES];
};

/** walks_init() - empty the cache, and number spaces from 1. */
void walks_init(struct walk_cache *w, struct work *work);
/** walks_find() - the walk for the page at @address of @space, or NULL. */
const struct walk_entry *walks_find(struct walk_cache *w, uint64_t space, uint64_t address);
/** walks_add() - remember a walk. */
void walks_add(struct walk_cache *w, uint64_t space, uint64_t address, uint64_t ra,
	       uint32_t protection);
void walks_flush(struct walk_cache *w); /* of all spaces */
void walks_flush_space(struct walk_cache *w, uint64_t space);
void walks_flush_range(struct walk_cache *w, uint64_t space, uint64_t page, uint64_t len);

#endif
