/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that opens snapshot files for one that is confined and may open none. It begins before
 * the confinement, knows the directories that the user named, and takes nothing but plain names of
 * files in them.
 */
#ifndef FWNMI_MACHINE_SNAPSHOT_KEEPER_H
#define FWNMI_MACHINE_SNAPSHOT_KEEPER_H

#include <stdint.h>

#include "machine/machine.h"

#define SNAPSHOT_KEEPER_DIRS 16

struct snapshot_keeper;
struct snapshot_file;

/**
 * snapshot_keeper_start() - start it, before the process has threads or much memory
 * @dirs: directories, which are opened here
 * @nr_dirs: at most SNAPSHOT_KEEPER_DIRS
 *
 * It ends with the process that has started it.
 * returns: NULL, with the reason in @err
 */
struct snapshot_keeper *snapshot_keeper_start(const char *const dirs[], unsigned nr_dirs, char *err,
					      size_t err_size);
/** snapshot_keeper_stop() - NULL is allowed */
void snapshot_keeper_stop(struct snapshot_keeper *keeper);

/**
 * snapshot_keeper_save() - snapshot_file_save() to the file @name in @dir, an index into dirs
 *
 * returns: the file's bytes; or -1, with the reason in @err
 */
int64_t snapshot_keeper_save(struct snapshot_keeper *keeper, unsigned dir, const char *name,
			     struct machine *machine, char *err, size_t err_size);
/** snapshot_keeper_open() - the same for snapshot_file_open() */
struct snapshot_file *snapshot_keeper_open(struct snapshot_keeper *keeper, unsigned dir,
					   const char *name, char *err, size_t err_size);

#endif
