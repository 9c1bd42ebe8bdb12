/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A snapshot: a stopped machine with its memory, to go back to again and again. Going back copies
 * only the pages written since, and code of other pages stays decoded.
 *
 * Processes that fork() after a snapshot was taken share it and the machine's memory, copy on
 * write.
 */
#ifndef FWNMI_MACHINE_SNAPSHOT_H
#define FWNMI_MACHINE_SNAPSHOT_H

#include "machine/machine.h"

struct snapshot;

/**
 * snapshot_take() - of a machine that is not in machine_run()
 *
 * The machine then keeps track of the pages that it writes, for this snapshot alone: take one at a
 * time.
 *
 * returns: NULL, with the reason in @err, if the engine can't be saved, a file is mapped into the
 * machine's memory, or there is no memory for it
 */
struct snapshot *snapshot_take(struct machine *machine, char *err, size_t err_size);
/**
 * snapshot_reset() - put the machine back to where it was when the snapshot was taken of it
 *
 * Pauses, hooks, clients and whatever else is the host's stay as they are.
 *
 * returns: how many pages it copied; or -1, with the reason in @err, if it can't
 */
int64_t snapshot_reset(struct snapshot *snapshot, char *err, size_t err_size);
/** snapshot_free() - the machine stays as it is */
void snapshot_free(struct snapshot *snapshot);

#endif
