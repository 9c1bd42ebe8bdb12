/* SPDX-License-Identifier: BSD-2-Clause */
/* Declares every semantics function of the instruction table, from the table itself. */
#ifndef FWNMI_ENGINE_EMU_INSN_INSN_H
#define FWNMI_ENGINE_EMU_INSN_INSN_H

#include "engine/emu/cpu.h"

#define INSN(name, value, mask, isa, gen)
#define CALL(name, value, mask, isa, facility, sem) sem_fn sem;
#include "engine/emu/insn/insn.def"
#undef INSN
#undef CALL

/* Begins the definition of a semantics function. */
#define SEM(name) int sem_##name(struct cpu *cpu, uint32_t insn)

/* Parts of instructions that decode.c translates. */
sem_fn sem_mtmsr_ee, sem_mtmsr, sem_mtmsrd, sem_rfid, sem_rfscv, sem_rfebb, sem_sc, sem_scv,
	sem_tlbie, sem_msgsndp, sem_priority, sem_pause, sem_need_tar, sem_not_compatible, sem_sync,
	sem_ptesync, sem_lwsync, sem_isync;

#endif
