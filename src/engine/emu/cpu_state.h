/* SPDX-License-Identifier: BSD-2-Clause */
/* Saving and loading the embedded engine: see parts() and loaded() in engine.h. */
#ifndef FWNMI_ENGINE_EMU_CPU_STATE_H
#define FWNMI_ENGINE_EMU_CPU_STATE_H

#include "engine/engine.h"

unsigned cpu_parts(struct engine *engine, struct record_part *parts);
void cpu_loaded(struct engine *engine);

#endif
