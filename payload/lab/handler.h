/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handler of all signals of signal.c.
 */
#ifndef FWNMI_PAYLOAD_LAB_HANDLER_H
#define FWNMI_PAYLOAD_LAB_HANDLER_H

#define NR_SIGNALS 32

#ifndef __ASSEMBLER__
#include "common.h"

extern uint64_t signals_taken[NR_SIGNALS];
extern uint64_t signal_clobbers_vmx, signal_clobbers_vsx; /* whether there are such registers */

/** signal_handler() - counts the signal, removes its cause, returns with every register changed */
void signal_handler(int signal, void *info, void *context);
#endif

#endif
