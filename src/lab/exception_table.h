/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's exception table: instructions whose faults are their callers' errors. A kernel since 4.10
 * has pairs of 32-bit distances from themselves: to the instruction, and to its fixup.
 */
#ifndef FWNMI_LAB_EXCEPTION_TABLE_H
#define FWNMI_LAB_EXCEPTION_TABLE_H

#include "base/symbols.h"

struct exception_table {
	uint8_t *bytes; /* NULL: there is none */
	uint64_t address, size; /* where it is linked; bytes */
	bool little_endian;
};

/** exception_table_read() - from the kernel's file; an empty one if it has none, or no symbols */
void exception_table_read(struct exception_table *table, const struct symbols *symbols);
bool exception_table_has(const struct exception_table *table, uint64_t nip);
void exception_table_clear(struct exception_table *table);

#endif
