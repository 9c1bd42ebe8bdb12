/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of XIVE's exploitation mode and the pages of its sources, for the payloads xive*.c. */
#ifndef PAYLOAD_XIVE_H
#define PAYLOAD_XIVE_H

#include "payload.h"

enum {
	GET_SOURCE_INFO = 0x3a8,
	SET_SOURCE_CONFIG = 0x3ac,
	GET_SOURCE_CONFIG = 0x3b0,
	GET_QUEUE_INFO = 0x3b4,
	SET_QUEUE_CONFIG = 0x3b8,
	GET_QUEUE_CONFIG = 0x3bc,
	INT_ESB = 0x3c8,
	INT_SYNC = 0x3cc,
	INT_RESET = 0x3d0,
	H_VIO_SIGNAL = 0x104,
};

/* Flags of the calls. */
#define SET_NUMBER    2u
#define MASK	      1u
#define ALWAYS_NOTIFY 1u
#define DEBUG	      1u
#define GENERATION    2u
#define ESB_STORE     1u

/* Offsets in a page of state bits. */
#define END_BY_STORE 0x400u
#define GET	     0x800u
#define SET(bits)    (0xc00u + ((bits) << 8))
#define P	     2u
#define Q	     1u

#define CPUS	   4u /* each has a source */
#define PRIORITIES 7u
#define MASKED	   0xffu
#define ORDER	   12u /* log2 of a queue's bytes */
#define NUMBER	   0x7abc0000u /* that we give source 0; the others' follow */

static u64 out[10]; /* what the last call returned */
static u64 manage[CPUS], trigger[CPUS];

static inline u64 call(u64 number, u64 r4, u64 r5, u64 r6, u64 r7, u64 r8)
{
	const u64 regs[10] = { number, r4, r5, r6, r7, r8 };

	memcpy(out, regs, sizeof(out));
	hcall(out);
	return out[0];
}

static inline u64 load(u64 at)
{
	return big64(*(volatile u64 *)at);
}

static inline void store(u64 at)
{
	*(volatile u64 *)at = 0;
}

static inline void find_pages(void)
{
	for (unsigned i = 0; i < CPUS; i++) {
		if (call(GET_SOURCE_INFO, 0, i, 0, 0, 0))
			bail_out("H_INT_GET_SOURCE_INFO failed");
		manage[i] = out[2];
		trigger[i] = out[3];
	}
}

#endif
