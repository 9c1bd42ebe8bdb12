/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runs behind the stub: where its kernel is, its RTAS area and call tokens, its FWNMI
 * routines, its processes. This comes from the kernel's symbols and the device tree in guest
 * memory, or from the user. Nothing in the guest is changed.
 */
#ifndef FWNMI_ATTACH_GUEST_H
#define FWNMI_ATTACH_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gdb/client.h"
#include "base/symbols.h"

/* What the user tells us about the guest. */
struct guest_options {
	const char *kernel; /* path, or NULL */
	bool has_handlers;
	uint64_t system_reset, machine_check; /* real addresses */
	bool has_rtas;
	uint64_t rtas_base;
	uint32_t rtas_size; /* 0: QEMU's size */
};

struct guest {
	struct gdb *gdb;
	const struct guest_options *options;
	struct symbols *symbols; /* or NULL */
	bool kernel_found;
	uint64_t kernel_base; /* real address of the running kernel's first byte */
	uint64_t linked_base; /* its link address */
	bool little_endian; /* byte order of the kernel's data; needs symbols */

	bool has_rtas;
	uint64_t rtas_base, rtas_entry;
	uint32_t rtas_size;
	uint32_t nmi_register, nmi_register2, nmi_interlock, os_term; /* tokens; 0: none */

	/* Layout of Linux's structures, as measured by guest_current(). */
	bool has_layout, has_current;
	unsigned real_parent, comm, pid, current; /* offsets */
};

/** guest_symbol_real() - real address of a symbol of the running kernel; false if there is none. */
bool guest_symbol_real(const struct guest *guest, const char *name, uint64_t *address);

/**
 * guest_open() - open the kernel file given by the user; the caller sets gdb afterwards
 *
 * Returns false with one line in @err: there is no such file, or it is not a kernel.
 */
bool guest_open(struct guest *guest, const struct guest_options *options, char *err,
		size_t err_size);
void guest_close(struct guest *guest);

enum guest_found {
	GUEST_FOUND,
	GUEST_NOT_YET, /* the guest has not got that far, or never will */
	GUEST_WRONG_KERNEL, /* the file is not the running kernel's, or it has not started */
	GUEST_FAILED, /* gdb_error() */
};

/**
 * guest_find_kernel() - find where the file's kernel runs; handles a crash kernel, which does not
 * run at 0.
 */
enum guest_found guest_find_kernel(struct guest *guest);

/**
 * guest_find_rtas() - find the RTAS area and the tokens
 *
 * Sources, in this order: what the user gave; the device tree that the kernel's symbols point to; a
 * device tree found in the first GiB of memory. GUEST_NOT_YET: none has an instantiated RTAS.
 */
enum guest_found guest_find_rtas(struct guest *guest);

/**
 * guest_find_routines() - find the registered routines through the kernel's symbols
 *
 * GUEST_NOT_YET: the kernel has not registered them yet.
 */
enum guest_found guest_find_routines(struct guest *guest, uint64_t *system_reset,
				     uint64_t *machine_check);

/**
 * guest_place() - breakpoint addresses for "SYMBOL", "SYMBOL+OFFSET" or an address
 * @local: set to where calls from inside the kernel enter the same function; often equal to
 * *@address
 */
bool guest_place(struct guest *guest, const char *text, uint64_t *address, uint64_t *local);

/** guest_read_real() - read guest memory that must exist. */
bool guest_read_real(struct guest *guest, uint64_t real_address, void *buf, size_t len);

/* A process, as Linux names it. */
struct guest_process {
	uint64_t task; /* effective address of its task_struct */
	uint32_t pid, tgid;
	char comm[16];
};

/**
 * guest_current() - find which process a vCPU runs, in kernel or user mode
 *
 * Needs the kernel's symbols. Offsets in Linux's structures are measured, because distributions
 * strip debug information. They come from init_task, which is its own parent, and from its first
 * child, which has pid 1.
 *
 * Returns false with gdb_error() set if that fails.
 */
bool guest_current(struct guest *guest, unsigned cpu, struct guest_process *process);

#endif
