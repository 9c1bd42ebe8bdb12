/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target descriptions: which registers a stub has, their numbers and widths. The format is in the
 * GDB manual's appendix "Target Descriptions"; only what is needed to find registers is parsed.
 */
#ifndef FWNMI_GDB_TARGET_H
#define FWNMI_GDB_TARGET_H

#include <stdbool.h>

#define GDB_TARGET_MAX_DOCUMENT (1u << 20)

struct gdb_target_register {
	char name[32];
	unsigned number; /* in the protocol */
	unsigned bytes;
};

struct gdb_target {
	char architecture[64]; /* "" if not named */
	unsigned nr_registers;
	struct gdb_target_register *registers;
};

/**
 * gdb_target_read() - read "target.xml" and what it includes
 * @read: returns a document by name, malloc()ed and NUL-terminated, or NULL
 * @problem: on failure, a few words
 *
 * Returns false if @read failed or a document makes no sense. Free with gdb_target_free() in either
 * case.
 */
bool gdb_target_read(struct gdb_target *target, char *(*read)(void *opaque, const char *name),
		     void *opaque, const char **problem);
void gdb_target_free(struct gdb_target *target);

#endif
