/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file in which the state of a guest behind a gdb stub is kept. What it holds is host.h's,
 * which never sees the file itself.
 */
#ifndef FWNMI_ATTACH_HOST_FILE_H
#define FWNMI_ATTACH_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_FILE_MAX (1u << 20)

struct host_file {
	char path[512];
	bool named; /* by the user, not by the stub's address */
	uint8_t *bytes; /* NULL: there is no file */
	size_t size;
};

/**
 * host_file_read() - find the file and read it
 * @state: its path, or NULL for one of the user's own that the address names
 * @where: the stub's address
 *
 * Returns false with one line in @err.
 */
bool host_file_read(struct host_file *file, const char *state, const char *where, char *err,
		    size_t err_size);
/** host_file_write() - put new contents in its place, all at once. */
bool host_file_write(const struct host_file *file, const uint8_t *bytes, size_t size, char *err,
		     size_t err_size);
void host_file_free(struct host_file *file);

#endif
