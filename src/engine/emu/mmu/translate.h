/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address translation by page tables in guest memory: an access by effective address goes in, a
 * real address with its protection and page size comes out, or a fault. One struct
 * translation_format for each kind of table; radix.c is one. It knows no vCPU and no cache.
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

/* What is accessed, and in which mode. */
struct translate_request {
	uint64_t ea;
	enum access access;
	bool problem_state; /* MSR[PR] */
	uint32_t pid; /* PIDR */
	uint64_t amr, iamr;
};

/* The protection of a page, whatever the format of the table that it comes from. */
#define PAGE_EXEC	0x01u
#define PAGE_WRITE	0x02u
#define PAGE_READ	0x04u
#define PAGE_PRIVILEGED 0x08u /* not for problem state */
#define PAGE_CHANGED	0x80u /* the table says already that the page was written to */

struct translation {
	uint64_t ra; /* of the byte at the effective address */
	uint8_t protection; /* PAGE_* */
	uint8_t page_bits; /* log2 of the page's size */
};

struct translate_fault {
	enum {
		FAULT_SEGMENT, /* no table translates the address */
		FAULT_STORAGE, /* @dsisr says why */
		FAULT_MEMORY /* a table's entry at @ra is not in RAM: @met is there */
	} kind;
	uint32_t dsisr; /* FAULT_*, without FAULT_STORE */
	uint64_t ra;
	enum memory_kind met;
};

struct translation_format {
	/**
	 * space() - the number of the process whose tables translate the address. false: a segment
	 * fault.
	 */
	bool (*space)(const struct translate_request *request, uint32_t *space);
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

extern const struct translation_format radix_format;

#endif
