/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of the segment lookaside buffer, as slbmte takes them. Power ISA 3.0B, Book III, section
 * 5.7.6 "Segment Translation" and "slbmte"; ISA 2.07B has the same fields.
 */
#ifndef FWNMI_ISA_SLB_H
#define FWNMI_ISA_SLB_H

#include <stdbool.h>
#include <stdint.h>

#define SLB_ENTRIES 32 /* of each processor from POWER7 on */

/* RB of slbmte, and of slbie but for the index */
#define SLB_ESID  0xfffffffff0000000ull
#define SLB_VALID 0x0000000008000000ull
#define SLB_INDEX 0x0000000000000fffull

/* RS of slbmte */
#define SLB_B	      0xc000000000000000ull /* segment's size */
#define SLB_B_1T      0x4000000000000000ull /* 0: 256 MiB; no others exist */
#define SLB_VSID      0x3ffffffffffff000ull /* for 1 TiB without the last 12 bits */
#define SLB_KS	      0x0000000000000800ull
#define SLB_KP	      0x0000000000000400ull
#define SLB_NOEXEC    0x0000000000000200ull
#define SLB_CLASS     0x0000000000000080ull
#define SLB_PAGE_SIZE 0x0000000000000130ull /* L and LP: the base page size */

#define SEGMENT_256M_BITS 28
#define SEGMENT_1T_BITS	  40

/** slb_segment_bits() - log2 of the size of the segment that @vsid, RS of slbmte, describes */
static inline unsigned slb_segment_bits(uint64_t vsid)
{
	return vsid & SLB_B_1T ? SEGMENT_1T_BITS : SEGMENT_256M_BITS;
}

/** slb_virtual_segment() - the VSID that @vsid, RS of slbmte, has: 50 bits, or 38 for 1 TiB */
static inline uint64_t slb_virtual_segment(uint64_t vsid)
{
	return (vsid & SLB_VSID) >> (slb_segment_bits(vsid) - 16);
}

/**
 * slb_base_page_bits() - log2 of the base page size of the segment that @vsid describes; 0: no
 * processor has such an encoding
 */
static inline unsigned slb_base_page_bits(uint64_t vsid)
{
	switch (vsid & SLB_PAGE_SIZE) {
	case 0x000:
		return 12;
	case 0x110:
		return 16;
	case 0x100:
		return 24;
	case 0x120:
		return 34;
	default:
		return 0;
	}
}

#endif
