/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of --nvram, which keeps NVRAM between runs. */
#ifndef FWNMI_CMD_NVRAM_FILE_H
#define FWNMI_CMD_NVRAM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nvram_file {
	int fd; /* -1: not open */
};

/**
 * nvram_file_open() - take the contents from a file, or make one that has them
 * @file: filled in
 * @path: a missing file is created, whole or not at all
 * @contents: @size bytes, replaced by those of a file that exists
 * @err: gets the reason on failure
 *
 * The file stays locked until nvram_file_close(). From then on only its open descriptor is used.
 *
 * returns: 0, or -1 if the file can't be created, opened or read, is not of @size bytes, or is
 * locked by another process
 */
int nvram_file_open(struct nvram_file *file, const char *path, uint8_t *contents, size_t size,
		    char *err, size_t err_size);
void nvram_file_close(struct nvram_file *file);

/** nvram_file_write() - for machine_keep_nvram(); @opaque: the open file */
bool nvram_file_write(void *opaque, uint32_t offset, const void *buf, uint32_t len);

#endif
