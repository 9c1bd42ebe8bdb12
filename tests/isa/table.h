/* SPDX-License-Identifier: BSD-2-Clause */
/* The instruction table as the tests see it, and the one function that executes a word on our side. */
#ifndef FWNMI_TESTS_ISA_TABLE_H
#define FWNMI_TESTS_ISA_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "case.h"

struct table_entry {
	const char *name;
	uint32_t value, mask;
	unsigned isa;
	bool runnable; /* run_one() can execute it */
};

extern const struct table_entry table[];
extern const size_t table_entries;

/**
 * run_one() - execute one word of the table's entry @index on our semantics, as run_word() of the oracle does.
 * @c: in: insn and the state; out: the state, outcome (a signal's number as Linux would deliver it), next.
 * @big_endian: MSR[LE] = 0.
 */
void run_one(struct isa_case *c, size_t index, bool big_endian);

#endif
