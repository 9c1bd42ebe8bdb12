/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small radix tree per process, with levels of 13, 9, 9 and 9 bits and 4 KiB pages. Power ISA
 * 3.0B, Book III section 5.7.10, "Radix Tree Translation".
 */
#include "payload.h"

#define HEAP	   0x1000000ull
#define ROOT_BITS  13
#define TABLE_BITS 9
#define POINTER	   0x0fffffffffffff00ull
/* 52-bit effective addresses: bits 1:2 and 56:58 have the size minus 31. */
#define TREE_SIZE  ((2ull << 61) | (5ull << 5))

enum {
	PROCESS_TABLE_SET = 0x10 | 0x08 | 0x04, /* change, new, radix */
	GUEST_TLBIE = 0x01,
};

static u64 heap = HEAP;
static u64 *process_table;

static void *allocate(u64 size)
{
	void *p;

	heap = (heap + size - 1) & ~(size - 1);
	p = (void *)heap;
	heap += size;
	return p;
}

void *radix_page(void)
{
	return allocate(PAGE);
}

u64 *radix_process_entry(unsigned pid)
{
	return process_table + 2 * pid;
}

static u64 *root(unsigned pid)
{
	u64 *entry = radix_process_entry(pid);

	if (!*entry)
		*entry = big64((u64)allocate(8ull << ROOT_BITS) | TREE_SIZE | ROOT_BITS);
	return (u64 *)(big64(*entry) & POINTER);
}

u64 *radix_entry(unsigned pid, u64 ea, unsigned shift)
{
	u64 *table = root(pid);
	unsigned at = 52 - ROOT_BITS;

	ea &= (1ull << 52) - 1;
	for (;;) {
		u64 *entry =
			table + (ea >> at & ((1ull << (at == 39 ? ROOT_BITS : TABLE_BITS)) - 1));

		if (at == shift)
			return entry;
		if (!*entry)
			*entry = big64((u64)allocate(8ull << TABLE_BITS) | PTE_VALID | TABLE_BITS);
		table = (u64 *)(big64(*entry) & POINTER);
		at -= TABLE_BITS;
	}
}

u64 *radix_pte(unsigned pid, u64 ea)
{
	return radix_entry(pid, ea, 12);
}

void radix_map(unsigned pid, u64 ea, u64 ra, u64 bits)
{
	*radix_pte(pid, ea) = big64(PTE_VALID | PTE_LEAF | ra | bits);
	__asm__ volatile("ptesync" : : : "memory");
}

void radix_map_users_code(unsigned pid, u64 bits)
{
	for (u64 ra = 0x18000; ra < (u64)payload_end; ra += PAGE)
		radix_map(pid, USER_CODE + ra, ra, bits);
}

void radix_invalidate(unsigned pid, u64 ea)
{
	u64 rs = (u64)pid << 32;

	__asm__ volatile(".machine push; .machine power9\n"
			 "ptesync; tlbie %0,%1,0,1,1; eieio; tlbsync; ptesync\n"
			 ".machine pop"
			 :
			 : "r"(ea & ~(PAGE - 1)), "r"(rs)
			 : "memory");
}

void radix_register(bool gtse)
{
	u64 flags = PROCESS_TABLE_SET | (gtse ? GUEST_TLBIE : 0);

	if (hcall4(H_REGISTER_PROCESS_TABLE, flags, (u64)process_table, 0, 0))
		bail_out("H_REGISTER_PROCESS_TABLE failed");
}

void radix_start(void)
{
	process_table = allocate(PAGE);
	for (u64 ra = 0; ra < memory_size; ra += 2 << 20)
		*radix_entry(0, ra, 21) =
			big64(PTE_VALID | PTE_LEAF | ra | PTE_KERNEL | PTE_R | PTE_C);
	radix_register(true);
}
