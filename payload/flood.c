/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flood of calls, or of new code; bootargs are "calls=ROUNDS" or "code=ROUNDS". The runner
 * watches what it costs the host (tests/payload/memory.py).
 */
#include "payload.h"

#define ANSWERS "the_partition_answers_after_the_flood"

const char *const sentences[] = { ANSWERS, NULL };

static u8 words[16384] __attribute__((aligned(4096)));

static void hcalls(u64 i)
{
	hcall4(H_PUT_TERM_CHAR, 0, 16, 0x2323232323232323, 0x2323232323232323);
	hcall4(0xf100 + i, 0, 0, 0, 0);
	hcall4(H_IPI, i % 16, i, 0, 0);
	hcall4(H_SET_MODE, i, 8 + i % 8, i, i);
}

static void rtas_calls(u64 i)
{
	u32 buffer = (u32)(u64)words, rets[4];

	rtas("nvram-store", 3, 2, (u32[]){ (u32)i % 65536, buffer, 64 }, rets);
	rtas("nvram-fetch", 3, 2, (u32[]){ (u32)(i * 64) % 65536, buffer, 64 }, rets);
	rtas("event-scan", 4, 1, (u32[]){ ~0u, 0, buffer, 2048 }, rets);
	rtas("set-time-of-day", 7, 1, (u32[]){ 2000 + (u32)i % 100, 1, 1, 0, 0, 0, 0 }, rets);
	rtas("ibm,get-system-parameter", 3, 1, (u32[]){ (u32)i % 64, buffer, 4096 }, rets);
	nmi_register((u64)system_reset_routine, (u64)machine_check_routine + (i % 3 == 0));
	nmi_interlock();
}

/* Writes and executes a long block of code that differs each time. */
static void new_code(u64 i)
{
	u32 *code = (u32 *)words;

	for (unsigned n = 0; !i && n < 62; n++)
		code[n + 1] = 0x38840001u; /* addi r4,r4,1 */
	code[0] = 0x38600000u | ((u32)i & 0x7fff); /* li r3,i */
	code[63] = 0x4e800020u; /* blr */
	flush_code(code);
	__asm__ volatile("mtctr %0; bctrl" : : "r"(code) : "r3", "r4", "ctr", "lr", "memory");
}

void payload(void)
{
	const char *p = bootargs();
	bool is_code = p[1] == 'o';
	u64 rounds = 0;

	while (*p && *p++ != '=')
		;
	for (; *p >= '0' && *p <= '9'; p++)
		rounds = 10 * rounds + (u64)(*p - '0');
	for (u64 i = 0; i < rounds; i++) {
		if (is_code) {
			new_code(i);
			continue;
		}
		hcalls(i);
		rtas_calls(i);
	}
	check(ANSWERS, nmi_interlock() == 0, "ibm,nmi-interlock");
	finish();
}
