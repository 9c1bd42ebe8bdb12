/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partition's non-volatile memory. A store, which belongs to somebody else, is told of changes
 * and keeps them while no machine runs. LoPAR chapter "Non-Volatile Memory".
 */
#ifndef FWNMI_DEVICES_NVRAM_H
#define FWNMI_DEVICES_NVRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/device.h"

#define NVRAM_SIZE 0x10000u

struct nvram_store {
	/* Returns false if it cannot keep that. NULL: there is no store. */
	bool (*write)(void *opaque, uint32_t offset, const void *buf, uint32_t len);
	void *opaque;
};

struct nvram_state {
	uint8_t data[NVRAM_SIZE];
};

struct nvram {
	struct device device;
	struct nvram_state state;
	struct nvram_store store;
};

/** nvram_init() - empty, with the partitions that LoPAR asks for, and without a store */
void nvram_init(struct nvram *nvram);

/**
 * nvram_write() - change the contents, and the store's
 *
 * returns: false if the range is outside NVRAM or the store fails
 */
bool nvram_write(struct nvram *nvram, uint32_t offset, const void *buf, uint32_t len);

#endif
