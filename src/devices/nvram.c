/* SPDX-License-Identifier: BSD-2-Clause */
/* NVRAM's contents. The RTAS calls are in pseries/rtas/nvram_access.c. */
#include <string.h>

#include "devices/nvram.h"

/* LoPAR section "NVRAM Partitions": a header is one block, lengths count blocks. */
#define BLOCK		 16u
#define SIGNATURE_COMMON 0x70
#define SIGNATURE_FREE	 0x7f
#define COMMON_SIZE	 0x1000u
#define NAME_SIZE	 12u

static void put_header(uint8_t *header, uint8_t signature, uint32_t bytes, const char *name,
		       size_t name_len)
{
	unsigned sum = 0;

	memset(header, 0, BLOCK);
	header[0] = signature;
	header[2] = (uint8_t)(bytes / BLOCK >> 8);
	header[3] = (uint8_t)(bytes / BLOCK);
	memcpy(header + 4, name, name_len);
	/*
	 * Checksum: the sum of the header's bytes with end-around carry. The checksum byte itself
	 * counts as zero.
	 */
	for (unsigned i = 0; i < BLOCK; i++) {
		sum += header[i];
		sum = (sum & 0xff) + (sum >> 8);
	}
	header[1] = (uint8_t)sum;
}

static void format(uint8_t *data)
{
	static const char free_name[] = "wwwwwwwwwwww"; /* 12 times 0x77, as LoPAR has it */

	memset(data, 0, NVRAM_SIZE);
	put_header(data, SIGNATURE_COMMON, COMMON_SIZE, "common", strlen("common"));
	put_header(data + COMMON_SIZE, SIGNATURE_FREE, NVRAM_SIZE - COMMON_SIZE, free_name,
		   NAME_SIZE);
}

static void describe(const struct device *device, struct tree *tree)
{
	tree_begin(tree, "nvram");
	tree_string(tree, "device_type", "nvram");
	tree_u32(tree, "#bytes", NVRAM_SIZE);
	tree_end(tree);
}

/* Loading does not write to the store: whoever loads has the contents, or sets another store. */
static const struct record_field fields[] = {
	RECORD_ARRAY(struct nvram_state, data, UINT8_MAX),
};

static const struct record_type record = {
	.name = "nvram",
	.size = sizeof(struct nvram_state),
	.fields = fields,
	.nr_fields = sizeof(fields) / sizeof(fields[0]),
};

static const struct device_type type = {
	.name = "nvram",
	.describe = describe,
	.record = &record,
	.state_offset = offsetof(struct nvram, state),
};

void nvram_init(struct nvram *nvram)
{
	nvram->device.type = &type;
	nvram->store = (struct nvram_store){ NULL, NULL };
	format(nvram->state.data);
}

bool nvram_write(struct nvram *nvram, uint32_t offset, const void *buf, uint32_t len)
{
	const struct nvram_store *store = &nvram->store;

	if (offset > NVRAM_SIZE || len > NVRAM_SIZE - offset)
		return false;
	memcpy(nvram->state.data + offset, buf, len);
	return !store->write || store->write(store->opaque, offset, buf, len);
}
