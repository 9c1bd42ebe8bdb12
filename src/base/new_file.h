/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file that appears under its name only when it is complete, and then replaces the one that had
 * the name. Until then it is a temporary one beside it.
 */
#ifndef FWNMI_BASE_NEW_FILE_H
#define FWNMI_BASE_NEW_FILE_H

#include <limits.h>
#include <stdbool.h>

struct new_file {
	int dir, fd; /* dir stays the caller's; fd is open for writing; -1: none */
	char name[NAME_MAX + 1], temporary[NAME_MAX + 1];
};

/** new_file_is_plain() - is it the name of a file that can be in a directory, and no path? */
bool new_file_is_plain(const char *name);
/**
 * new_file_begin() - @name in the directory @dir, which is open for reading; readable by its owner
 * alone
 *
 * returns: 0, or a negative error number; -EINVAL if @name is not a plain file name
 */
int new_file_begin(struct new_file *file, int dir, const char *name);
/**
 * new_file_commit() - all is written: let it appear, on the disk as well. In either case it is
 * closed.
 *
 * returns: 0; or a negative error number, and then nothing has appeared
 */
int new_file_commit(struct new_file *file);
/** new_file_discard() - remove what was written, if anything was begun */
void new_file_discard(struct new_file *file);

#endif
