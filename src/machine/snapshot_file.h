/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshots in files: a machine's configuration, state and memory, to go on from in another
 * process, there as the original would have gone on. A file is taken whole or not at all: not if it
 * is damaged, cut short, of another version or build, or of another machine. The host's files are
 * not in it (kernel, console, NVRAM's store); what they held is.
 *
 * A file is a prefix and one zstd frame. The prefix is big-endian:
 *
 *	magic (8), version (4), bytes that follow the prefix (8), their CRC-32C (4), the program's
 *	build as text (100), CRC-32C of all this (4)
 *
 * The frame holds the record of the configuration (base/record.h), length (4) and text of the
 * kernel's command line, length (8) and bytes of the state (machine_save()), and then number (4)
 * and bytes of each page that is not all zeros, ascending, and 0xffffffff.
 */
#ifndef FWNMI_MACHINE_SNAPSHOT_FILE_H
#define FWNMI_MACHINE_SNAPSHOT_FILE_H

#include "machine/machine.h"

struct snapshot_file;

/**
 * snapshot_file_write() - write a machine that is not in machine_run(), or whose client asks
 * @fd: an empty file. What it holds after a failure is no snapshot
 *
 * returns: the file's bytes; or -1, with the reason in @err: as for snapshot_take(), or the file
 * can't be written
 */
int64_t snapshot_file_write(struct machine *machine, int fd, char *err, size_t err_size);
/**
 * snapshot_file_save() - the same to a path
 *
 * The file appears when it is complete, and replaces one that is there; only its owner may read it.
 */
int64_t snapshot_file_save(struct machine *machine, const char *path, char *err, size_t err_size);

/**
 * snapshot_file_open() - open a file and read all of it for damage
 *
 * returns: NULL, with the reason in @err
 */
struct snapshot_file *snapshot_file_open(const char *path, char *err, size_t err_size);
/** snapshot_file_take() - the same of an open descriptor, which it closes; @name: for messages */
struct snapshot_file *snapshot_file_take(int fd, const char *name, char *err, size_t err_size);
/**
 * snapshot_file_config() - set what a machine must have in common with the one that was saved
 * @config: the rest stays; it refers to @file, which must outlive the machine
 */
void snapshot_file_config(const struct snapshot_file *file, struct machine_config *config);
/**
 * snapshot_file_load() - set a machine's state and memory from the file, once
 * @machine: not in machine_run(), or a client calls
 *
 * returns: false, with the machine as it was and the reason in @err, if the machine is another or
 * can't be saved itself, or if the file was changed meanwhile
 */
bool snapshot_file_load(struct snapshot_file *file, struct machine *machine, char *err,
			size_t err_size);
/** snapshot_file_close() - NULL is allowed */
void snapshot_file_close(struct snapshot_file *file);

#endif
