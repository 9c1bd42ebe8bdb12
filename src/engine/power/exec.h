/* SPDX-License-Identifier: BSD-2-Clause */
/* Every semantics function of the instruction table, declared from the table itself. */
#ifndef FWNMI_ENGINE_POWER_EXEC_H
#define FWNMI_ENGINE_POWER_EXEC_H

#include "engine/power/cpu.h"

#define INSN(name, value, mask, isa, gen)
#define CALL(name, value, mask, isa, facility, sem) sem_fn sem;
#include "engine/power/insn.def"
#undef INSN
#undef CALL

#endif
