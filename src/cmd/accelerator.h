/* SPDX-License-Identifier: BSD-2-Clause */
/* -accel: what executes the guest, or a list of what to try (kvm:emu). */
#ifndef CMD_ACCELERATOR_H
#define CMD_ACCELERATOR_H

#include <stdbool.h>

struct machine_config;

/** accelerator_list_is_valid() - are these names of accelerators, with colons between? */
bool accelerator_list_is_valid(const char *list);
/**
 * accelerator_choose() - set the machine's engine, the first of a valid list that works for it
 *
 * Says what was chosen if there was a choice. False: none works, and it has said why.
 */
bool accelerator_choose(const char *list, struct machine_config *machine);

#endif
