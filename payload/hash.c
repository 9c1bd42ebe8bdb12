/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash page table that the hypervisor keeps, and segments of 256 MiB. Power ISA 3.0B, Book III
 * sections 5.7.6 to 5.7.8; LoPAR section "H_ENTER".
 */
#include "payload.h"

#define SEGMENT_BITS 28
#define SLB_VALID    0x8000000ull
#define SLB_KP	     0x400ull
#define SLB_16M	     0x100ull /* L, and LP 0 */
#define LARGE_PAGE   (16ull << 20)

#define HPTE_VALID 1ull
#define HPTE_LARGE 4ull
#define HPTE_M	   0x10ull

enum {
	H_REMOVE = 0x04,
	H_ENTER = 0x08,
	H_PROTECT = 0x18,
};
#define H_AVPN 0x2000000000ull /* only if the virtual page is this one */

static u64 groups; /* in the hash table, a power of two */

/* Any one-to-one mapping does. */
static u64 vsid_of(u64 ea)
{
	return 0x12345 + (ea >> SEGMENT_BITS) * 3;
}

static u64 hash_of(u64 ea, unsigned page_bits)
{
	return (vsid_of(ea) ^ (ea & ((1ull << SEGMENT_BITS) - 1)) >> page_bits) & (groups - 1);
}

static u64 virtual_page(u64 ea)
{
	return (vsid_of(ea) << SEGMENT_BITS | (ea & ((1ull << SEGMENT_BITS) - 1))) >> 23 << 7;
}

static void enter(u64 ea, u64 ra, u64 bits, bool large)
{
	const u64 v = virtual_page(ea) | (large ? HPTE_LARGE : 0) | HPTE_VALID;

	if (hcall4(H_ENTER, 0, hash_of(ea, large ? 24 : 12) * 8, v, ra | bits | HPTE_M))
		bail_out("H_ENTER failed");
}

void hash_map(u64 ea, u64 ra, u64 bits)
{
	enter(ea, ra, bits, false);
}

u64 hash_unmap(u64 ea)
{
	for (unsigned slot = 0; slot < 8; slot++) {
		u64 regs[10] = { H_REMOVE, H_AVPN, hash_of(ea, 12) * 8 + slot, virtual_page(ea) };

		hcall(regs);
		if (!regs[0])
			return regs[2];
	}
	return 0;
}

void hash_protect(u64 ea, u64 bits)
{
	const u64 first = hash_of(ea, 12) * 8;

	for (unsigned slot = 0; slot < 8; slot++)
		if (!hcall4(H_PROTECT, H_AVPN | bits, first + slot, virtual_page(ea), 0))
			return;
	bail_out("H_PROTECT failed");
}

void hash_segment(unsigned slot, u64 ea, bool large)
{
	const u64 rb = (ea & ~((1ull << SEGMENT_BITS) - 1)) | SLB_VALID | slot;
	const u64 rs = vsid_of(ea) << 12 | SLB_KP | (large ? SLB_16M : 0);

	__asm__ volatile("isync; slbmte %0,%1; isync" : : "r"(rs), "r"(rb) : "memory");
}

void hash_map_users_code(void)
{
	hash_segment(1, USER_CODE, false);
	for (u64 ra = 0x18000; ra < (u64)payload_end; ra += PAGE)
		hash_map(USER_CODE + ra, ra, HPTE_USER);
}

bool hash_start(void)
{
	const u8 *size = fdt_property(cpu_node(), "ibm,pft-size", NULL);

	if (!size)
		return false;
	/* A partition that may choose has radix trees until now. Others have nothing to choose. */
	hcall4(H_REGISTER_PROCESS_TABLE, 0, 0, 0, 0);
	groups = 1ull << (read_be32(size + 4) - 7);
	__asm__ volatile("slbia" : : : "memory");
	hash_segment(0, 0, true);
	for (u64 ra = 0; ra < 8 * LARGE_PAGE && ra < memory_size; ra += LARGE_PAGE)
		enter(ra, ra, HPTE_PRIVILEGED, true);
	return true;
}
