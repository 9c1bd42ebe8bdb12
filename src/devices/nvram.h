/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partition's non-volatile memory and, if it has one, the file that keeps it. LoPAR chapter
 * "Non-Volatile Memory".
 */
#ifndef FWNMI_DEVICES_NVRAM_H
#define FWNMI_DEVICES_NVRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NVRAM_SIZE 0x10000u

struct nvram {
	int fd; /* -1: no file */
	uint8_t data[NVRAM_SIZE];
};

/**
 * nvram_open() - take the contents from a file, or make a formatted NVRAM
 * @nvram: filled in
 * @path: NULL for none. A missing file is created, whole or not at all
 * @err: gets the reason on failure
 *
 * The file stays locked until nvram_close(), and only its open descriptor is used from then on.
 *
 * returns: 0, or -1 if the file can't be created, opened or read, is not of NVRAM_SIZE bytes, or is
 * locked by another process
 */
int nvram_open(struct nvram *nvram, const char *path, char *err, size_t err_size);
void nvram_close(struct nvram *nvram);

/**
 * nvram_store() - write through to the file
 *
 * returns: false if the range is outside NVRAM or the file can't be written
 */
bool nvram_store(struct nvram *nvram, uint32_t offset, const void *buf, uint32_t len);

#endif
