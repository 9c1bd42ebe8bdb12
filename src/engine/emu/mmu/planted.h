/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors planted in what vCPUs have cached of translations: their ERATs and TLBs. The soft TLB is
 * neither: a page with a planted error has no entry in the arrays of its vCPU, so each use of it
 * comes here.
 */
#ifndef FWNMI_ENGINE_EMU_MMU_PLANTED_H
#define FWNMI_ENGINE_EMU_MMU_PLANTED_H

#include "engine/emu/cpu.h"
#include "engine/emu/mmu/translate.h"

struct power_engine;

/* Which entries an instruction, or the hypervisor, invalidates. */
struct planted_flush {
	unsigned vcpu; /* ENGINE_MAX_VCPUS: all */
	bool erat_only; /* else both */
	bool one_process; /* only those of @pid */
	uint32_t pid;
	uint64_t first, last; /* effective addresses */
};

/** planted_add() - false if there are ENGINE_MAX_PLANTED, or there is no such page or vCPU */
bool planted_add(struct power_engine *e, const struct engine_planted *planted);
/** planted_flush() - forget the errors in all entries that are invalidated. */
void planted_flush(struct power_engine *e, const struct planted_flush *flush);
/** planted_find() - the error in a vCPU's entry of process @space for @ea, or NULL */
const struct engine_planted *planted_find(const struct power_engine *e, unsigned vcpu,
					  uint32_t space, uint64_t ea);
/**
 * planted_meet() - does the vCPU's access to @ea, of process @space, use a bad entry? Then the
 * machine check was raised, and the entry is gone if the hypervisor repairs it.
 */
bool planted_meet(struct cpu *cpu, uint32_t space, uint64_t ea, enum access access);

#endif
