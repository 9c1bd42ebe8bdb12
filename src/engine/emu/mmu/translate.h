/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address translation by page tables: an access by effective address goes in, a real address with
 * its protection and page size comes out, or a fault. One struct translation_format for each kind
 * of table: radix.c and hash.c. They know no vCPU and no cache.
 */
#ifndef FWNMI_ENGINE_EMU_MMU_TRANSLATE_H
#define FWNMI_ENGINE_EMU_MMU_TRANSLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"

enum access {
	ACCESS_READ,
	ACCESS_WRITE,
	ACCESS_FETCH
};

/*
 * Radix: bits 0:1 of an effective address, its quadrant, choose the tree and do not index it.
 * Quadrant 3 is that of process 0.
 */
#define QUADRANT_3 (3ull << 62)

/* What is accessed, and in which mode. */
struct translate_request {
	uint64_t ea;
	enum access access;
	bool problem_state; /* MSR[PR] */
	uint32_t pid; /* PIDR */
	uint64_t amr, iamr;
	bool traceless; /* nobody accesses anything: record nothing in the table */
	const struct engine_slb_entry *slb; /* hash: SLB_ENTRIES of them */

	/* What space() has found. */
	uint64_t space; /* radix: the process; hash: see hash_space() */
	uint64_t address; /* in that space: what caches are asked for, and flushed by */
	uint64_t segment; /* hash: second doubleword of the SLB entry */
};

/* The protection of a page, whatever the format of the table that it comes from. */
#define PAGE_EXEC	0x01u
#define PAGE_WRITE	0x02u
#define PAGE_READ	0x04u
#define PAGE_PRIVILEGED 0x08u /* not for problem state */
#define PAGE_UNCACHED	0x20u /* caching is inhibited, or stores are written through */
#define PAGE_CHANGED	0x80u /* the table says already that the page was written to */
#define PAGE_KEY_SHIFT	8 /* hash: the storage key, 5 bits */
#define PAGE_KEY	(31u << PAGE_KEY_SHIFT)
#define PAGE_FORMAT	0xffff0000u /* the format's own */

struct translation {
	uint64_t ra; /* of the byte at the effective address */
	uint32_t protection; /* PAGE_* */
	uint8_t page_bits; /* log2 of the page's size */
};

struct translate_fault {
	enum {
		FAULT_SEGMENT, /* no table translates the address */
		FAULT_STORAGE, /* @dsisr says why */
		FAULT_MEMORY, /* a table's entry at @ra is not in RAM: @met is there */
		FAULT_SLB_MULTIHIT /* several SLB entries translate the address */
	} kind;
	uint32_t dsisr; /* FAULT_*, without FAULT_STORE */
	uint64_t ra;
	enum memory_kind met;
};

struct translation_format {
	/**
	 * space() - find what the address belongs to: the request's members after that comment.
	 * false: *@fault says why not. The other functions need the result.
	 */
	bool (*space)(struct translate_request *request, struct translate_fault *fault);
	/** check() - does a page's protection permit the access? 0, or FAULT_*. */
	uint32_t (*check)(const struct translate_request *request, unsigned protection);
	/**
	 * walk() - read the tables, check the access, record it in the table. false: *@fault says
	 * why not. Whether there is memory at the real address is the caller's business.
	 */
	bool (*walk)(struct guest_memory *memory, const struct engine_partition *partition,
		     const struct translate_request *request, struct translation *translation,
		     struct translate_fault *fault);
};

extern const struct translation_format radix_format, hash_format;

/**
 * hash_space() - the number of a virtual segment among spaces, unlike any process's
 * @base: log2 of its base page size: a segment that gets another one has other entries
 */
static inline uint64_t hash_space(uint64_t vsid, bool segment_1t, unsigned base)
{
	return 1ull << 63 | (uint64_t)segment_1t << 62 | (uint64_t)base << 52 | vsid;
}

/** hash_space_segment_bits() - log2 of the segment's size */
static inline unsigned hash_space_segment_bits(uint64_t space)
{
	return space >> 62 & 1 ? SEGMENT_1T_BITS : SEGMENT_256M_BITS;
}

#endif
