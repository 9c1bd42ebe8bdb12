/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translated code in lock step with the interpreter: each block is executed by both, from the same
 * state, and the states and the memory that they leave behind are compared.
 */
#ifndef FWNMI_ENGINE_EMU_JIT_LOCKSTEP_H
#define FWNMI_ENGINE_EMU_JIT_LOCKSTEP_H

#include "engine/emu/jit/emitter.h"

struct lockstep;

/** lockstep_create() - NULL: no memory */
struct lockstep *lockstep_create(void);
void lockstep_destroy(struct lockstep *l);
/**
 * lockstep_run() - execute the block that begins with @u, as a uop_fn does, and compare. It has
 * code of an emitter that is `alone`. A difference ends the run with ENGINE_EXIT_FAILED.
 */
const struct uop *lockstep_run(struct lockstep *l, struct emitter *emitter, struct cpu *cpu,
			       struct block *block);
/** lockstep_difference() - what differed first, or NULL */
const char *lockstep_difference(const struct lockstep *l);

#endif
