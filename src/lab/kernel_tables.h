/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables in which Linux says of instructions what becomes of an interrupt there. The kernel's file
 * has them between two symbols.
 */
#ifndef FWNMI_LAB_KERNEL_TABLES_H
#define FWNMI_LAB_KERNEL_TABLES_H

#include "base/symbols.h"

struct kernel_table {
	uint8_t *bytes; /* NULL: there is none */
	uint64_t address, size; /* where it is linked; bytes */
	bool little_endian;
};

struct kernel_tables {
	/*
	 * Instructions whose faults are their callers' errors. A kernel since 4.10 has pairs of
	 * 32-bit distances from themselves: to the instruction, and to its fixup.
	 */
	struct kernel_table exceptions;
	/*
	 * Exits from interrupts and system calls that begin anew, at an address of their own, if
	 * something comes between while interrupts are masked. A kernel since 5.14 has three
	 * addresses: of the first instruction, behind the last, and where it begins anew.
	 */
	struct kernel_table restarts;
};

/** kernel_tables_read() - from the kernel's file; empty where it has none, or no symbols */
void kernel_tables_read(struct kernel_tables *tables, const struct symbols *symbols);
/** kernel_tables_fixup() - does the exception table have the instruction? */
bool kernel_tables_fixup(const struct kernel_tables *tables, uint64_t nip);
/** kernel_tables_restart() - is it one of an exit that may begin anew? */
bool kernel_tables_restart(const struct kernel_tables *tables, uint64_t nip);
void kernel_tables_clear(struct kernel_tables *tables);

#endif
