/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A position-independent kernel that is linked at 0 and started directly or by the runner's bios:
 * where it is loaded, and the state in which a bios starts. It shares nothing with the other
 * payloads, which must be at 0.
 */
#include "layout.h"

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

#define LOAD_ADDRESS	0x400000ul
#define BIOS_WAS_HERE	0x524du /* r5, if the bios ran */
#define BIOS_FIRST_INSN 0x7d2000a6u /* at 0x100 */

#define MSR_SF (1ul << 63)
#define MSR_ME 0x1000ul
#ifdef __LITTLE_ENDIAN__
#define MSR_LE 1ul
#else
#define MSR_LE 0ul
#endif

#define H_PUT_TERM_CHAR 0x58
#define H_RTAS		0xf000
#define VTY		0x71000000ul

long hcall(u64 number, u64 r4, u64 r5, u64 r6);
void kernel(const u8 *fdt, u64 here, u64 r5, u64 msr);

static void print(const char *text)
{
	for (; *text; text++)
		hcall(H_PUT_TERM_CHAR, VTY, 1, (u64)(u8)*text << 56);
}

static void say(unsigned number, int good, const char *sentence)
{
	char digit[] = { (char)('0' + number), '\0' };

	print(good ? "ok " : "not ok ");
	print(digit);
	print(" - ");
	print(sentence);
	print("\n");
}

static u32 be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static u64 be64(const u8 *p)
{
	return (u64)be32(p) << 32 | be32(p + 4);
}

static int same(const u8 *a, const char *b)
{
	while (*a && *a == (u8)*b)
		a++, b++;
	return *a == (u8)*b;
}

/*
 * Returns the first property with this name, in any node; each name used here is in one node only.
 */
static const u8 *property(const u8 *fdt, const char *name)
{
	const u8 *p = fdt + be32(fdt + 8), *end = p + be32(fdt + 36);
	const u8 *strings = fdt + be32(fdt + 12);

	while (p < end) {
		u32 token = be32(p);

		p += 4;
		if (token == 1) {
			while (*p)
				p++;
			p += 1;
		} else if (token == 3) {
			if (same(strings + be32(p + 4), name))
				return p + 8;
			p += 8 + be32(p);
		}
		p += -(u64)p & 3;
	}
	return 0;
}

static void power_off(const u8 *fdt)
{
	const u8 *token = property(fdt, "power-off");
	static u32 args[6];
	u8 *cell = (u8 *)args;

	for (unsigned i = 0; i < 4; i++)
		cell[i] = token[i];
	cell[7] = 2;
	cell[11] = 1;
	hcall(H_RTAS, (u64)args, 0, 0);
}

void kernel(const u8 *fdt, u64 here, u64 r5, u64 msr)
{
	const u8 *low = (const u8 *)0x100;
	const u8 *told = property(fdt, "qemu,boot-kernel");

	/* Compilers assume that there is nothing at such addresses. */
	__asm__("" : "+r"(low));
	if (r5 == BIOS_WAS_HERE) {
		print("1..4\n");
		say(1, msr == (MSR_SF | MSR_ME),
		    "a_bios_is_entered_at_0x100_big_endian_with_machine_checks_enabled");
		say(2, here == LOAD_ADDRESS, "a_kernel_linked_at_0_lies_above_the_bios");
		say(3,
		    told && be64(told) == here && be64(told + 8) > 0x4000 &&
			    be64(told + 8) < 0x10000 &&
			    !property(fdt, "qemu,boot-kernel-le") == !MSR_LE,
		    "the_device_tree_tells_the_bios_where_the_kernel_is_and_its_byte_order");
		say(4, be32(low) == BIOS_FIRST_INSN, "the_bios_stays_at_0");
	} else {
		print("1..3\n");
		say(1, msr == (MSR_SF | MSR_ME | MSR_LE),
		    "a_kernel_without_a_bios_starts_in_its_byte_order");
		say(2, here == LOAD_ADDRESS, "a_kernel_linked_at_0_lies_above_the_vectors");
		say(3, !be32(low) && !told, "without_a_bios_there_is_nothing_at_0");
	}
	power_off(fdt);
}
