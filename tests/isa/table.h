/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction table as the tests see it, and the one function that executes a word on our side.
 */
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
};

extern const struct table_entry table[];
extern const size_t table_entries;

/**
 * run_one() - execute one word in the embedded engine, as run_word() of the oracle does.
 * @c: in: insn, address and the state; out: the state, outcome (the signal Linux would send), next.
 * @big_endian: MSR[LE] = 0.
 */
void run_one(struct isa_case *c, bool big_endian);

#endif
