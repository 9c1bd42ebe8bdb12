/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What runs behind the stub: where its kernel is, its RTAS area and call tokens, its FWNMI
 * routines, its processes. Learned from the kernel's symbols and from the device tree in guest
 * memory, or given by the user. Nothing is changed in the guest.
 */
#ifndef FWNMI_ATTACH_GUEST_H
#define FWNMI_ATTACH_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gdb/client.h"
#include "attach/symbols.h"

/* What the user says of the guest. */
struct guest_options {
	const char *kernel; /* path, or NULL */
	bool has_handlers;
	uint64_t system_reset, machine_check; /* real addresses */
	bool has_rtas;
	uint64_t rtas_base;
	uint32_t rtas_size; /* 0: as QEMU makes it */
};

struct guest {
	struct gdb *gdb;
	const struct guest_options *options;
	struct symbols *symbols; /* or NULL */
	bool kernel_found;
	uint64_t kernel_base; /* real address at which the kernel's first byte runs */
	uint64_t linked_base; /* and where it was linked to */
	bool little_endian; /* the kernel's data; with symbols only */

	bool has_rtas;
	uint64_t rtas_base, rtas_entry;
	uint32_t rtas_size;
	uint32_t nmi_register, nmi_register2, nmi_interlock, os_term; /* tokens; 0: there is none */

	/* Linux's structures, as guest_current() has measured them. */
	bool has_layout, has_current;
	unsigned real_parent, comm, pid, current; /* offsets */
};

/** guest_symbol_real() - where a symbol of the running kernel is in real memory; false if there is
 * none. */
bool guest_symbol_real(const struct guest *guest, const char *name, uint64_t *address);

/**
 * guest_open() - open the kernel file that the user has given; the caller sets gdb afterwards
 *
 * Returns false with one line in @err: no such file, or it is no kernel.
 */
bool guest_open(struct guest *guest, const struct guest_options *options, char *err,
		size_t err_size);
void guest_close(struct guest *guest);

enum guest_found {
	GUEST_FOUND,
	GUEST_NOT_YET, /* the guest has not come so far, or never will */
	GUEST_WRONG_KERNEL, /* the file is not the running kernel's, or it has not started */
	GUEST_FAILED, /* gdb_error() */
};

/** guest_find_kernel() - where the kernel of the file runs; also a crash kernel, which does not run
 * at 0. */
enum guest_found guest_find_kernel(struct guest *guest);

/**
 * guest_find_rtas() - the RTAS area and the tokens
 *
 * From what the user says; else from the device tree to which the kernel's symbols point; else from
 * one that is found in the first GiB of memory. GUEST_NOT_YET: there is none with an instantiated
 * RTAS.
 */
enum guest_found guest_find_rtas(struct guest *guest);

/**
 * guest_find_routines() - the registered routines, by the kernel's symbols
 *
 * GUEST_NOT_YET: that kernel has not registered them yet.
 */
enum guest_found guest_find_routines(struct guest *guest, uint64_t *system_reset,
				     uint64_t *machine_check);

/**
 * guest_place() - where a breakpoint has to be for "SYMBOL", "SYMBOL+OFFSET" or an address
 * @local: set to where calls from inside the kernel enter the same function; often equal to
 * *@address
 */
bool guest_place(struct guest *guest, const char *text, uint64_t *address, uint64_t *local);

/** guest_read_real() - guest memory that has to be there. */
bool guest_read_real(struct guest *guest, uint64_t real_address, void *buf, size_t len);

/* A process, as Linux names it. */
struct guest_process {
	uint64_t task; /* effective address of its task_struct */
	uint32_t pid, tgid;
	char comm[16];
};

/**
 * guest_current() - which process a vCPU runs, whether it is in the kernel or in user mode
 *
 * Offsets in Linux's structures are measured, not taken from debug information, which distributions
 * strip: from init_task, which is its own parent, and from its first child, which has pid 1. Needs
 * the kernel's symbols.
 *
 * Returns false with gdb_error() set if that does not work out.
 */
bool guest_current(struct guest *guest, unsigned cpu, struct guest_process *process);

#endif
