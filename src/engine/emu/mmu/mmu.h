/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Storage as a vCPU sees it: translation with the interrupts that it raises, the changes of state
 * that it depends on, and invalidation. The accesses themselves, cpu_load*() and cpu_store*(), are
 * in cpu.h.
 */
#ifndef FWNMI_ENGINE_EMU_MMU_MMU_H
#define FWNMI_ENGINE_EMU_MMU_MMU_H

#include "engine/emu/cpu.h"
#include "engine/emu/mmu/translate.h"

struct power_engine;

/* With relocation off the first four bits of an effective address are ignored. */
#define REAL_ADDRESS_MASK 0x0fffffffffffffffull

/**
 * mmu_translate_page() - translate an effective address, whatever is at the real one. false: the
 * architected interrupt (or machine check) was raised.
 */
bool mmu_translate_page(struct cpu *cpu, uint64_t ea, enum access access,
			struct translation *translation);
/** mmu_translate_ram() - the same; false also if there is no RAM, poisoned or not. */
bool mmu_translate_ram(struct cpu *cpu, uint64_t ea, enum access access,
		       struct translation *translation);
/** mmu_look_up() - engine_ops.look_up() */
bool mmu_look_up(const struct cpu *cpu, uint64_t ea, uint64_t *ra);
/**
 * mmu_translate_cached() - as mmu_translate_ram(), for instructions that need storage that is
 * cached, and the real address alone
 */
bool mmu_translate_cached(struct cpu *cpu, uint64_t ea, enum access access, uint64_t *ra);
/** mmu_space() - what @ea belongs to with relocation on; false: to nothing */
bool mmu_space(const struct cpu *cpu, uint64_t ea, uint64_t *space);
/**
 * mmu_refuse() - raise the machine check for what an access met at @ra instead of RAM. Always
 * returns false.
 */
bool mmu_refuse(struct cpu *cpu, uint64_t ea, enum access access, uint64_t ra,
		enum memory_kind met);
/**
 * mmu_host() - host address of [ea, ea + size) within one page for @access, to data. @ra: its real
 * address. A write that is then made is to be told to mmu_wrote(). NULL: interrupt raised.
 */
uint8_t *mmu_host(struct cpu *cpu, uint64_t ea, unsigned size, enum access access, uint64_t *ra);
/** mmu_wrote() - a store not made through the soft TLB has written [ra, ra + size). */
void mmu_wrote(struct cpu *cpu, uint64_t ra, unsigned size);

/** mmu_mode() - how addresses are interpreted for @access now. */
static inline enum tlb_mode mmu_mode(const struct cpu *cpu, enum access access)
{
	if (!(cpu->msr & (access == ACCESS_FETCH ? MSR_IR : MSR_DR)))
		return TLB_REAL;
	return cpu->msr & MSR_PR ? TLB_USER : TLB_KERNEL;
}

void mmu_mode_changed(struct cpu *cpu); /* MSR's IR, DR, PR, SF or LE have changed */
void mmu_pid_changed(struct cpu *cpu);
void mmu_amr_changed(struct cpu *cpu, uint64_t before);
void mmu_iamr_changed(struct cpu *cpu, uint64_t before);

/* What the caches of one vCPU forget; its walks only if they are its own. */
void mmu_forget_all(struct cpu *cpu);
void mmu_forget_process(struct cpu *cpu, uint32_t pid);
/*
 * @ea: of quadrant 0, which for process 0 stands for quadrant 3 as well. @len: a power of two, and
 * the range the one around @ea; 0: the whole process
 */
void mmu_forget_range(struct cpu *cpu, uint32_t pid, uint64_t ea, uint64_t len);
/* hash: [@first, @first + @len) of the segments of @space, wherever this vCPU has them */
void mmu_forget_offsets(struct cpu *cpu, uint64_t space, uint64_t first, uint64_t len);

/*
 * What all vCPUs forget. Those that run beside the caller do so later: shootdown_wait() waits for
 * them.
 */
void mmu_reset(struct power_engine *e);
void mmu_flush_all(struct power_engine *e);
/* Radix: one process, or the pages that it has in a range, as for mmu_forget_range(). */
void mmu_flush_pid(struct power_engine *e, uint32_t pid);
void mmu_flush_range(struct power_engine *e, uint32_t pid, uint64_t ea, uint64_t len);
/** mmu_flush_process() - engine_ops.flush_process() */
void mmu_flush_process(struct power_engine *e, uint32_t pid, uint64_t first, uint64_t last,
		       bool planted);
/** mmu_flush_hpte() - engine_ops.flush_hpte() */
void mmu_flush_hpte(struct power_engine *e, uint64_t index, uint64_t v, uint64_t r);

#endif
