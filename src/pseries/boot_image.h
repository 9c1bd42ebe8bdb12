/* SPDX-License-Identifier: BSD-2-Clause */
/* What the loader has put where for a partition's boot: its firmware, or its kernel and initrd. */
#ifndef FWNMI_PSERIES_BOOT_IMAGE_H
#define FWNMI_PSERIES_BOOT_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Bases and the entry are real addresses, sizes are in bytes. */
struct boot_image {
	uint64_t kernel_base, kernel_entry, kernel_size; /* size 0: none */
	bool kernel_little_endian;
	uint64_t initrd_base, initrd_size; /* size 0: none */
	uint64_t bios_size; /* at 0, and runs instead of the kernel; size 0: none */
};

#endif
