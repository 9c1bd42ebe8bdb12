/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors planted in what vCPUs have cached of translations: their ERATs, TLBs and, for hash guests,
 * SLBs. The soft TLB is none of them: a page with a planted error has no entry in the arrays of its
 * vCPU, so each use of it comes here.
 */
#ifndef FWNMI_ENGINE_EMU_MMU_PLANTED_H
#define FWNMI_ENGINE_EMU_MMU_PLANTED_H

#include "engine/emu/cpu.h"
#include "engine/emu/mmu/translate.h"

struct power_engine;

#define PLANTED_ANYWHERE (1u << ENGINE_ERAT | 1u << ENGINE_TLB | 1u << ENGINE_SLB)

/* Which entries an instruction, or the hypervisor, invalidates. */
struct planted_flush {
	unsigned vcpu; /* ENGINE_MAX_VCPUS: all */
	unsigned caches; /* 1 << ENGINE_*, or-ed */
	bool one_process; /* only those of @pid */
	uint32_t pid;
	uint64_t first, last; /* effective addresses */
};

/** planted_add() - false if there are ENGINE_MAX_PLANTED, or there is no such page or vCPU */
bool planted_add(struct power_engine *e, const struct engine_planted *planted);
/** planted_flush() - forget the errors in all entries that are invalidated. */
void planted_flush(struct power_engine *e, const struct planted_flush *flush);
/**
 * planted_flush_process() - the same for the ERAT and TLB entries of a process of a radix guest
 * @vcpu: ENGINE_MAX_VCPUS: all
 * @first: in quadrant 0, as @last: for process 0 they stand for quadrant 3 as well
 */
void planted_flush_process(struct power_engine *e, unsigned vcpu, uint32_t pid, uint64_t first,
			   uint64_t last);
/**
 * planted_flush_virtual() - the same for the ERAT and TLB entries of a part of a virtual segment,
 * in all vCPUs
 * @space: hash_space()
 */
void planted_flush_virtual(struct power_engine *e, uint64_t space, uint64_t offset, uint64_t len);
/** planted_find() - the error in a vCPU's entry of @caches for @ea, of @space, or NULL */
const struct engine_planted *planted_find(const struct power_engine *e, unsigned vcpu,
					  unsigned caches, uint64_t space, uint64_t ea);
/**
 * planted_meet() - does the vCPU's access, whose space was found, use a bad entry of @caches? Then
 * the machine check was raised, and the entry is gone if the hypervisor repairs it.
 */
bool planted_meet(struct cpu *cpu, const struct translate_request *r, unsigned caches);

#endif
