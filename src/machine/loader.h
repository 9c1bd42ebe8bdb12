/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel and initial RAM disk: ELF64 files for 64-bit PowerPC of either byte order, put at their segments'
 * physical addresses. Everything is checked when the files are opened, so that filling memory for a boot or
 * reboot can only fail if a file shrinks underneath. The ELF format itself is libelf's business.
 */
#ifndef FWNMI_MACHINE_LOADER_H
#define FWNMI_MACHINE_LOADER_H

#include "engine/memory.h"

#define LOADER_MAX_SEGMENTS 32

struct loader_segment {
	uint64_t address; /* real */
	uint64_t memory_size, file_size, file_offset;
};

struct loader {
	const char *kernel, *initrd; /* paths, for messages; initrd may be NULL */
	int kernel_fd, initrd_fd; /* -1: not open */
	unsigned nr_segments;
	struct loader_segment segments[LOADER_MAX_SEGMENTS];
	/* Results, real addresses. */
	uint64_t kernel_base, kernel_size, kernel_entry;
	bool little_endian;
	uint64_t initrd_base, initrd_size; /* size 0: none */
};

/**
 * loader_open() - open and check kernel and initrd, and decide where they go
 * @loader: filled in; to be closed with loader_close() after success
 * @kernel: path of an ELF64 PowerPC executable
 * @initrd: path or NULL; goes to the first 64 KiB boundary after the kernel
 * @ram_size: bytes of guest memory; all must fit
 * @err: on failure, one line "what: why" without newline
 *
 * Returns 0, or -1 with the reason in @err: unreadable, not a regular file, not ELF, wrong machine, wrong
 * class, not an executable, truncated, malformed or missing segments, entry outside them, does not fit.
 */
int loader_open(struct loader *loader, const char *kernel, const char *initrd, uint64_t ram_size,
		char *err, size_t err_size);

/**
 * loader_fill() - put kernel and initrd into guest memory
 * @loader: opened
 * @memory: of the size loader_open() was told, all zero
 *
 * Returns 0, or -1 with the reason in @err: a read failed.
 */
int loader_fill(const struct loader *loader, struct guest_memory *memory, char *err,
		size_t err_size);

void loader_close(struct loader *loader);

#endif
