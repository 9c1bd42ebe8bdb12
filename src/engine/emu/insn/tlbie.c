/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invalidation of translations by the guest: tlbie, tlbiel, tlbsync. Those of SLB entries are in
 * system.c. Power ISA 3.0B, Book III, section 5.9.3.3.
 */
#include "engine/emu/insn/insn.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/mmu/planted.h"
#include "engine/emu/private.h"

#define LOCAL(insn) (!((insn)&0x40u)) /* tlbiel */
#define RIC(insn)   FIELD(insn, 12, 13)
#define PRS(insn)   FIELD(insn, 14, 14)
#define IS(rb)	    ((rb) >> 10 & 3)
#define AP(rb)	    ((rb) >> 5 & 7)

enum {
	RIC_TLB,
	RIC_WALKS, /* the page walk cache only */
	RIC_ALL, /* both, and the process table's entries */
	RIC_GROUP, /* several translations of a hash table */
};

enum {
	IS_PAGE,
	IS_PROCESS,
	IS_PARTITION, /* which is all there is, for a guest */
};

/* What one tlbie or tlbiel with radix translation invalidates. */
struct invalidation {
	bool one_process; /* else: the partition's */
	uint32_t pid;
	uint64_t page, size; /* size 0: all of the process's */
};

static void forget_planted(struct cpu *cpu, bool local, const struct invalidation *what)
{
	const struct planted_flush everything = { .vcpu = local ? cpu->index : ENGINE_MAX_VCPUS,
						  .caches = 1u << ENGINE_ERAT | 1u << ENGINE_TLB,
						  .last = UINT64_MAX };
	const uint64_t first = what->size ? what->page & ~(what->size - 1) : 0;

	if (what->one_process)
		planted_flush_process(cpu->engine, everything.vcpu, what->pid, first,
				      first + what->size - 1);
	else
		planted_flush(cpu->engine, &everything);
}

/*
 * Hash: tlbie is the hypervisor's, and tlbiel's operands tell sets of the processor's TLB, of which
 * nobody knows what is in them.
 */
static int tlbie_hash(struct cpu *cpu, bool local)
{
	const struct invalidation everything = { .one_process = false };

	if (!local)
		return cpu_raise(cpu, VECTOR_PROGRAM, SRR1_PRIVILEGED);
	mmu_flush_all(cpu->engine);
	forget_planted(cpu, local, &everything);
	return 0;
}

/* The log2 of the page sizes that ibm,processor-radix-AP-encodings names; 0: there is none. */
static unsigned page_bits(unsigned ap)
{
	static const uint8_t bits[8] = { [0] = 12, [5] = 16, [1] = 21, [2] = 30 };

	return bits[ap];
}

/* A page alone has neither walks nor a process table's entry. */
static bool is_valid_form(unsigned ric, uint64_t rb)
{
	if (ric == RIC_GROUP)
		return false;
	return IS(rb) != IS_PAGE || (ric == RIC_TLB && page_bits(AP(rb)));
}

static void invalidate(struct cpu *cpu, bool local, const struct invalidation *what)
{
	if (cpu->engine->beside && local) {
		if (what->one_process)
			mmu_forget_range(cpu, what->pid, what->page, what->size);
		else
			mmu_forget_all(cpu);
	} else if (!what->one_process) {
		mmu_flush_all(cpu->engine);
	} else if (!what->size) {
		mmu_flush_pid(cpu->engine, what->pid);
	} else {
		mmu_flush_range(cpu->engine, what->pid, what->page, what->size);
	}
}

/*
 * RB holds the address, IS and AP; RS holds the PID. What belongs to the partition (PRS=0) is the
 * hypervisor's to invalidate, and so are, without LPCR[GTSE], the translations of other vCPUs.
 * Invalidating too much is allowed. In a guest the field R counts for nothing: the partition's kind
 * of translation does.
 *
 * The architecture has addresses of quadrant 0 in RB only. Those of process 0 stand for quadrant 3
 * as well. Linux passes addresses of quadrant 3.
 */
SEM(tlbie)
{
	const uint64_t rb = cpu->gpr[F_RB(insn)], rs = cpu->gpr[F_RT(insn)];
	const bool local = LOCAL(insn);
	struct invalidation what = { .one_process = IS(rb) < IS_PARTITION,
				     .pid = (uint32_t)(rs >> 32),
				     .page = EPN(rb) & ~QUADRANT_3 };

	if (!cpu->engine->partition.radix)
		return tlbie_hash(cpu, local);
	if (!PRS(insn) || (!local && !cpu->engine->partition.gtse))
		return cpu_raise(cpu, VECTOR_PROGRAM, SRR1_PRIVILEGED);
	if (!is_valid_form(RIC(insn), rb))
		return cpu_illegal(cpu);
	if (cpu->engine->nr_planted && cpu_alone(cpu))
		return EXCEPTION;
	if (IS(rb) == IS_PAGE)
		what.size = 1ull << page_bits(AP(rb));
	invalidate(cpu, local, &what);
	if (RIC(insn) != RIC_WALKS)
		forget_planted(cpu, local, &what);
	return 0;
}

/* Nothing is left to wait for: see shootdown.h for vCPUs that run beside one another. */
SEM(tlbsync)
{
	(void)insn;
	if (cpu->engine->partition.radix && cpu->engine->partition.gtse)
		return 0;
	return cpu_raise(cpu, VECTOR_PROGRAM, SRR1_PRIVILEGED);
}
