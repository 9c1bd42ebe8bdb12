/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory barriers, between vCPUs that run on threads of their own. Loads and stores are plain ones
 * of the host, so each barrier is the host's fence for the same pairs of accesses: on x86 only the
 * full one costs anything. Power ISA 3.0B, Book II section 4.6.3.
 */
#include "engine/emu/insn/insn.h"
#include "engine/emu/private.h"

/* sync: every access before it comes before every access after it. */
SEM(sync)
{
	(void)cpu;
	(void)insn;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return 0;
}

/* ptesync: as sync, and waits for the invalidations that this vCPU has asked for. Ends a block. */
SEM(ptesync)
{
	cpu->must_wait = true;
	return sem_sync(cpu, insn);
}

/* lwsync and eieio: as sync, but a load may pass an earlier store. */
SEM(lwsync)
{
	(void)cpu;
	(void)insn;
	__atomic_thread_fence(__ATOMIC_ACQ_REL);
	return 0;
}

/*
 * isync: no access after it comes before a load that an earlier branch depends on. Code that
 * another vCPU has changed is fetched anew.
 */
SEM(isync)
{
	unsigned drops;

	(void)insn;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	drops = __atomic_load_n(&cpu->engine->drops, __ATOMIC_ACQUIRE);
	if (drops != cpu->drops_seen)
		cpu_leave(cpu);
	cpu->drops_seen = drops;
	return 0;
}
