/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hashed page tables: entries, page sizes, and where an entry is to be looked for. The form is that
 * of ISA 2.07B, Book III-S, section 5.7.7: pseries guests have it on every processor, although ISA
 * 3.0 moves the segment's size to the second doubleword for bare metal (LoPAR, H_ENTER).
 */
#ifndef FWNMI_ISA_HPTE_H
#define FWNMI_ISA_HPTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "isa/slb.h"

#define HPTE_BYTES	   16
#define HPTES_PER_GROUP	   8
#define HPTE_GROUP_BYTES   (HPTE_BYTES * HPTES_PER_GROUP)
#define HPT_SMALLEST_ORDER 18 /* log2 of a table's bytes */
#define HPT_LARGEST_ORDER  46

/* First doubleword */
#define HPTE_V_B	 0xc000000000000000ull /* segment's size, as SLB_B */
#define HPTE_V_B_1T	 0x4000000000000000ull
#define HPTE_V_AVA	 0x3fffffffffffff80ull /* virtual address from bit 23 on */
#define HPTE_V_AVA_SHIFT 7
#define HPTE_V_LARGE	 0x0000000000000004ull /* L: the page's size is in LP */
#define HPTE_V_SECONDARY 0x0000000000000002ull /* H: found by the second hash */
#define HPTE_V_VALID	 0x0000000000000001ull

/* Second doubleword */
#define HPTE_R_PP0	0x8000000000000000ull
#define HPTE_R_TAGS	0x4000000000000000ull /* reserved in the ISA; H_ENTER knows it */
#define HPTE_R_KEY_HIGH 0x3000000000000000ull
#define HPTE_R_RPN	0x0ffffffffffff000ull /* with LP in its low bits if V_LARGE */
#define HPTE_R_LP	0x00000000000ff000ull
#define HPTE_R_KEY_LOW	0x0000000000000e00ull
#define HPTE_R_R	0x0000000000000100ull /* referenced */
#define HPTE_R_C	0x0000000000000080ull /* changed */
#define HPTE_R_W	0x0000000000000040ull
#define HPTE_R_I	0x0000000000000020ull
#define HPTE_R_M	0x0000000000000010ull
#define HPTE_R_G	0x0000000000000008ull
#define HPTE_R_WIMG	0x0000000000000078ull
#define HPTE_R_N	0x0000000000000004ull /* no execute */
#define HPTE_R_PP	0x0000000000000003ull

#define VIRTUAL_PAGE_SHIFT 23 /* the part of a virtual address that an entry holds begins there */

/** hpte_key() - the storage key, 0..31 */
static inline unsigned hpte_key(uint64_t r)
{
	return (unsigned)((r & HPTE_R_KEY_HIGH) >> 57 | (r & HPTE_R_KEY_LOW) >> 9);
}

/** hpte_pp() - protection: PP0 and PP as one number, 0..7 */
static inline unsigned hpte_pp(uint64_t r)
{
	return (unsigned)((r & HPTE_R_PP0) >> 61 | (r & HPTE_R_PP));
}

/* A page size that an entry can have: log2 of the segment's base page and of the page itself. */
struct hpte_page_size {
	uint8_t base, actual;
	uint8_t lp; /* in HPTE_R_LP, whose bits below the page's size count */
	bool large; /* HPTE_V_LARGE */
};

/* POWER8 and later: what ibm,segment-page-sizes tells. */
#define HPTE_PAGE_SIZES                                                                      \
	{                                                                                    \
		{ 12, 12, 0, false }, { 12, 16, 0x07, true }, { 12, 24, 0x38, true },        \
			{ 16, 16, 0x01, true }, { 16, 24, 0x08, true }, { 24, 24, 0, true }, \
			{ 34, 34, 0x03, true },                                              \
	}

/* The bits of the second doubleword that tell the page's size. */
static inline uint64_t hpte_lp_mask(const struct hpte_page_size *size)
{
	return size->large ? HPTE_R_RPN & ((1ull << size->actual) - 1) : 0;
}

/**
 * hpte_page_size() - the page size of an entry, in any segment
 *
 * Each LP stands for one pair of sizes. NULL: no processor has such an encoding.
 */
static inline const struct hpte_page_size *hpte_page_size(uint64_t v, uint64_t r)
{
	static const struct hpte_page_size sizes[] = HPTE_PAGE_SIZES;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].large == !!(v & HPTE_V_LARGE) &&
		    (r & hpte_lp_mask(&sizes[i])) == (uint64_t)sizes[i].lp << 12)
			return &sizes[i];
	return NULL;
}

/** hpte_ra() - the real address of the page */
static inline uint64_t hpte_ra(uint64_t r, const struct hpte_page_size *size)
{
	return r & HPTE_R_RPN & ~((1ull << size->actual) - 1);
}

/* Which page of memory software means, whatever its size and the way its segment was found. */
struct virtual_page {
	uint64_t vsid; /* 50 bits for segments of 256 MiB, 38 for those of 1 TiB */
	uint64_t offset; /* in the segment, of the page */
	bool segment_1t;
};

static inline unsigned virtual_segment_bits(bool segment_1t)
{
	return segment_1t ? SEGMENT_1T_BITS : SEGMENT_256M_BITS;
}

/**
 * hpt_hash() - the first hash of a page; the second is its complement
 * @base: log2 of the base page size of the segment
 */
static inline uint64_t hpt_hash(const struct virtual_page *page, unsigned base)
{
	uint64_t hash = page->vsid ^ page->offset >> base;

	return page->segment_1t ? hash ^ page->vsid << 25 : hash;
}

/** hpt_groups() - how many groups of entries a table of 2^@order bytes has */
static inline uint64_t hpt_groups(unsigned order)
{
	return (1ull << order) / HPTE_GROUP_BYTES;
}

/** hpt_group() - the number of the group that holds a page's entry */
static inline uint64_t hpt_group(const struct virtual_page *page, unsigned base, bool secondary,
				 unsigned order)
{
	const uint64_t hash = hpt_hash(page, base);

	return (secondary ? ~hash : hash) & (hpt_groups(order) - 1);
}

/**
 * hpte_v() - the bits of the first doubleword that say which page an entry is for
 *
 * An entry is for the page if these are equal under hpte_v_mask().
 */
static inline uint64_t hpte_v(const struct virtual_page *page)
{
	const unsigned shift = virtual_segment_bits(page->segment_1t) - VIRTUAL_PAGE_SHIFT;
	const uint64_t ava = page->vsid << shift | page->offset >> VIRTUAL_PAGE_SHIFT;

	return (page->segment_1t ? HPTE_V_B_1T : 0) | (ava << HPTE_V_AVA_SHIFT & HPTE_V_AVA);
}

/** hpte_v_mask() - the bits that count: those of B, and AVA's that number pages of 2^@actual */
static inline uint64_t hpte_v_mask(unsigned actual)
{
	uint64_t low = actual > VIRTUAL_PAGE_SHIFT ? (1ull << (actual - VIRTUAL_PAGE_SHIFT)) - 1 :
						     0;

	return HPTE_V_B | (HPTE_V_AVA & ~(low << HPTE_V_AVA_SHIFT));
}

/**
 * hpte_page() - the page that a valid entry is for
 * @index: of the entry in the table, from which the bits come that AVA lacks
 * @base: log2 of the base page size of the segment
 */
static inline struct virtual_page hpte_page(uint64_t v, uint64_t index, unsigned base)
{
	const bool segment_1t = (v & HPTE_V_B) == HPTE_V_B_1T;
	const unsigned shift = virtual_segment_bits(segment_1t) - VIRTUAL_PAGE_SHIFT;
	const uint64_t ava = (v & HPTE_V_AVA) >> HPTE_V_AVA_SHIFT;
	struct virtual_page page = { .vsid = ava >> shift,
				     .offset = (ava & ((1ull << shift) - 1)) << VIRTUAL_PAGE_SHIFT,
				     .segment_1t = segment_1t };
	uint64_t group = index / HPTES_PER_GROUP;
	const uint64_t lost = (1ull << VIRTUAL_PAGE_SHIFT) - 1;

	if (base >= VIRTUAL_PAGE_SHIFT)
		return page;
	if (v & HPTE_V_SECONDARY)
		group = ~group;
	page.offset |= (group ^ hpt_hash(&page, base)) << base & lost;
	return page;
}

#endif
