/* SPDX-License-Identifier: BSD-2-Clause */
/* Radix trees. Power ISA 3.0B, Book III, section 5.7. */
#include "engine/emu/mmu/translate.h"
#include "isa/srr1.h"

/* Page directory and table entries. */
#define PTE_VALID  (1ull << 63)
#define PTE_LEAF   (1ull << 62)
#define PTE_RPN	   0x01fffffffffff000ull
#define PTE_R	   0x100u
#define PTE_C	   PAGE_CHANGED /* the low bits of a leaf are PAGE_* as they stand */
#define PDE_NLB	   0x0fffffffffffff00ull
#define PDE_NLS	   0x1full
#define RADIX_BITS 52

/* ATT: 0 memory, 1 strong access order, 2 non-idempotent I/O, which is guarded, 3 tolerant I/O. */
#define ATT	    0x30u
#define ATT_GUARDED PAGE_UNCACHED /* without the other bit */

#define PROTECTION (PAGE_EXEC | PAGE_WRITE | PAGE_READ | PAGE_PRIVILEGED | ATT | PAGE_CHANGED)

#define SMALLEST_PAGE 12 /* log2 */
#define LARGEST_PAGE  30

/* Bits 2:11: if any is 1, no radix tree translates the address. */
#define EA_BEYOND_RADIX 0x3ff0000000000000ull

#define PROCESS_ENTRY_BYTES 16ull

/* Quadrant 0 is the process's, quadrant 3 that of process 0, for privileged code and others. */
static bool space(struct translate_request *r, struct translate_fault *fault)
{
	unsigned quadrant = (unsigned)(r->ea >> 62);

	if (quadrant == 1 || quadrant == 2 || r->ea & EA_BEYOND_RADIX) {
		fault->kind = FAULT_SEGMENT;
		return false;
	}
	r->space = quadrant ? 0 : r->pid;
	r->address = r->ea & ~QUADRANT_3;
	return true;
}

static uint32_t check(const struct translate_request *r, unsigned protection)
{
	if (r->access == ACCESS_FETCH && (protection & ATT) == ATT_GUARDED)
		return FAULT_NOEXEC;
	if (r->problem_state) {
		if (protection & PAGE_PRIVILEGED)
			return FAULT_PROTECTION;
	} else if (!(protection & PAGE_PRIVILEGED)) {
		/* Key 0 of AMR and IAMR decides privileged access to a user page. */
		if (r->access == ACCESS_FETCH) {
			if (r->iamr >> 62 & 1)
				return FAULT_PROTECTION;
		} else if (r->amr >> (r->access == ACCESS_WRITE ? 63 : 62) & 1) {
			return FAULT_PROTECTION;
		}
	}
	switch (r->access) {
	case ACCESS_FETCH:
		return protection & PAGE_EXEC ? 0 : FAULT_NOEXEC;
	case ACCESS_WRITE:
		return protection & PAGE_WRITE ? 0 : FAULT_PROTECTION;
	default:
		return protection & PAGE_READ ? 0 : FAULT_PROTECTION;
	}
}

static bool storage_fault(struct translate_fault *fault, uint32_t dsisr)
{
	fault->kind = FAULT_STORAGE;
	fault->dsisr = dsisr;
	return false;
}

/* Read a table's entry, as the processor does. */
static bool read_entry(const struct guest_memory *memory, uint64_t at, uint64_t *entry,
		       struct translate_fault *fault)
{
	struct memory_region obstacle;

	if (memory_is_ram(memory, at, sizeof(*entry))) {
		*entry = memory_load_be64(memory, at);
		return true;
	}
	obstacle = memory_obstacle(memory, at, sizeof(*entry), false);
	fault->kind = FAULT_MEMORY;
	fault->met = obstacle.kind;
	fault->ra = at;
	return false;
}

/* The root of the tree of @pid, as the process table has it. */
static bool find_root(const struct guest_memory *memory, const struct engine_partition *partition,
		      uint32_t pid, uint64_t *root, struct translate_fault *fault)
{
	uint64_t offset = pid * PROCESS_ENTRY_BYTES;

	if (offset + PROCESS_ENTRY_BYTES > partition->process_table_size)
		return storage_fault(fault, FAULT_NO_PTE);
	if (!read_entry(memory, partition->process_table + offset, root, fault))
		return false;
	if (((*root >> 58 & 0x18) | (*root >> 5 & 7)) != RADIX_BITS - 31)
		return storage_fault(fault, FAULT_BAD_CONFIG);
	return true;
}

/* Go from directory to directory. *@leaf: the entry, *@at: where it stands. */
static bool find_leaf(const struct guest_memory *memory, uint64_t root, uint64_t ea, uint64_t *leaf,
		      uint64_t *at, unsigned *page_bits, struct translate_fault *fault)
{
	unsigned shift = RADIX_BITS;
	uint64_t entry = root;

	do {
		unsigned size = entry & PDE_NLS;

		if (size < 5 || size > 16 || size + SMALLEST_PAGE > shift)
			return storage_fault(fault, FAULT_BAD_CONFIG);
		shift -= size;
		*at = (entry & PDE_NLB) + ((ea >> shift) & ((1u << size) - 1)) * 8;
		if (!read_entry(memory, *at, &entry, fault))
			return false;
		if (!(entry & PTE_VALID))
			return storage_fault(fault, FAULT_NO_PTE);
	} while (!(entry & PTE_LEAF));
	if (shift > LARGEST_PAGE)
		return storage_fault(fault, FAULT_BAD_CONFIG);
	*leaf = entry;
	*page_bits = shift;
	return true;
}

/*
 * R and C are written straight to memory, without dropping decoded code: a page table that overlaps
 * code is not worth decoding.
 */
static bool walk(struct guest_memory *memory, const struct engine_partition *partition,
		 const struct translate_request *r, struct translation *translation,
		 struct translate_fault *fault)
{
	uint64_t root, leaf, at, offset, ea = r->ea & ~QUADRANT_3;
	uint32_t refused;
	unsigned page_bits;

	if (!find_root(memory, partition, (uint32_t)r->space, &root, fault) ||
	    !find_leaf(memory, root, ea, &leaf, &at, &page_bits, fault))
		return false;
	refused = check(r, (unsigned)leaf & PROTECTION);
	if (refused)
		return storage_fault(fault, refused);
	if (!r->traceless && (!(leaf & PTE_R) || (r->access == ACCESS_WRITE && !(leaf & PTE_C)))) {
		const uint64_t old = leaf;

		leaf |= PTE_R | (r->access == ACCESS_WRITE ? PTE_C : 0);
		/* Another vCPU may have changed it meanwhile. */
		if (!memory_replace_be64(memory, at, old, leaf))
			return walk(memory, partition, r, translation, fault);
		memory_mark(memory, at, sizeof(leaf));
	}
	offset = (1ull << page_bits) - 1;
	translation->ra = (leaf & PTE_RPN & ~offset) | (ea & offset);
	translation->protection = (uint32_t)(leaf & PROTECTION);
	translation->page_bits = (uint8_t)page_bits;
	return true;
}

const struct translation_format radix_format = { space, check, walk };
