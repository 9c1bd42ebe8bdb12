/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file that keeps the state of a guest behind a gdb stub. host.h defines the contents, and
 * never touches the file itself.
 */
#ifndef FWNMI_ATTACH_HOST_FILE_H
#define FWNMI_ATTACH_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST_FILE_MAX (1u << 20)

struct host_file {
	char path[512];
	bool named; /* by the user, not from the stub's address */
	uint8_t *bytes; /* NULL: there is no file */
	size_t size;
};

/**
 * host_file_read() - find the file and read it
 * @state: its path; NULL: a file of the user's own, chosen by the stub's address
 * @where: the stub's address
 *
 * Returns false with one line in @err.
 */
bool host_file_read(struct host_file *file, const char *state, const char *where, char *err,
		    size_t err_size);
/** host_file_write() - replace the file's contents atomically. */
bool host_file_write(const struct host_file *file, const uint8_t *bytes, size_t size, char *err,
		     size_t err_size);
void host_file_free(struct host_file *file);

#endif
