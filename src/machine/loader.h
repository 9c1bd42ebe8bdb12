/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads kernel, initial RAM disk and firmware. A kernel is an ELF64 file for 64-bit PowerPC of
 * either byte order, loaded at its segments' physical addresses. Firmware is a raw image.
 * Everything is checked when the files are opened, so filling memory for a boot or reboot can only
 * fail if a file shrinks meanwhile. base/elf_file.h handles the ELF format itself.
 */
#ifndef FWNMI_MACHINE_LOADER_H
#define FWNMI_MACHINE_LOADER_H

#include "engine/memory.h"
#include "pseries/boot_image.h"

#define LOADER_MAX_SEGMENTS 32

/*
 * Load address of a kernel that may not be at 0, and the maximum size of firmware at 0. Both are as
 * in QEMU's pseries machine.
 */
#define LOADER_KERNEL_ADDRESS 0x400000ull
#define LOADER_BIOS_MAX	      LOADER_KERNEL_ADDRESS
#define LOADER_BIOS_ENTRY     0x100ull /* the system reset vector */

struct loader_segment {
	uint64_t address; /* real */
	uint64_t memory_size, file_size, file_offset;
};

struct loader {
	const char *kernel, *initrd; /* paths, for messages; initrd may be NULL */
	const char *bios; /* path; NULL: none */
	int kernel_fd, initrd_fd, bios_fd; /* -1: not open */
	unsigned nr_segments;
	struct loader_segment segments[LOADER_MAX_SEGMENTS];
	/* Results, real addresses. */
	struct boot_image image;
	bool linked_at_zero; /* and position independent: loaded at LOADER_KERNEL_ADDRESS */
};

/**
 * loader_open() - open and check kernel and initrd, and decide where they go
 * @loader: filled in; close with loader_close() after success
 * @kernel: path of an ELF64 PowerPC executable
 * @initrd: path or NULL; goes to the first 64 KiB boundary after the kernel
 * @ram_size: bytes of guest memory; all must fit
 * @err: on failure, one line "what: why" without newline
 *
 * Returns 0, or -1 with the reason in @err: unreadable, not a regular file, not ELF, wrong machine,
 * wrong class, not an executable, truncated, malformed or missing segments, entry outside them,
 * does not fit.
 */
int loader_open(struct loader *loader, const char *kernel, const char *initrd, uint64_t ram_size,
		char *err, size_t err_size);

/**
 * loader_open_bios() - open and check a raw image for real address 0, and make room for it
 * @loader: opened with loader_open(); without a kernel, all zero except descriptors, which are -1
 * @bios: path of a file of at most LOADER_BIOS_MAX bytes that reaches LOADER_BIOS_ENTRY
 * @ram_size: as for loader_open()
 * @err: as for loader_open()
 *
 * Moves the kernel LOADER_KERNEL_ADDRESS above the addresses in its file, and the initrd with it.
 *
 * Returns 0, or -1 with the reason in @err: unreadable, not a regular file, too small, too large,
 * or the kernel no longer fits. Close @loader in either case.
 */
int loader_open_bios(struct loader *loader, const char *bios, uint64_t ram_size, char *err,
		     size_t err_size);

/**
 * loader_fill() - put bios, kernel and initrd into guest memory
 * @loader: opened
 * @memory: all zero, of the size given to loader_open()
 *
 * Returns 0, or -1 with the reason in @err: a read failed.
 */
int loader_fill(const struct loader *loader, struct guest_memory *memory, char *err,
		size_t err_size);

void loader_close(struct loader *loader);

#endif
