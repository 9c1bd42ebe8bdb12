/* SPDX-License-Identifier: BSD-2-Clause */
/* The emitter for the architecture that this is compiled for. */
#ifndef FWNMI_ENGINE_EMU_JIT_HOST_EMITTER_H
#define FWNMI_ENGINE_EMU_JIT_HOST_EMITTER_H

#ifdef __x86_64__
#include "engine/emu/jit/x86_64.h"
#else
#include "engine/emu/jit/aarch64.h"
#endif

#endif
