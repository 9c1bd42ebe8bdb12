/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction table as the tests see it, and what executes code on our side.
 */
#ifndef FWNMI_TESTS_ISA_TABLE_H
#define FWNMI_TESTS_ISA_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "case.h"

struct table_entry {
	const char *name;
	uint32_t value, mask;
	unsigned isa;
	/* Of two words: the first one's; value and mask are the second's. A mask of 0: of one. */
	uint32_t prefix_value, prefix_mask;
};

static inline bool starts_with(const char *name, const char *stem)
{
	return !strncmp(name, stem, strlen(stem));
}

extern const struct table_entry table[];
extern const size_t table_entries;

/**
 * run_one() - execute a case in the embedded engine, as the oracle does.
 * @c: in: words, address, state; out: state, outcome (the signal Linux would send), next.
 * @big_endian: MSR[LE] = 0.
 */
void run_one(struct isa_case *c, bool big_endian);

/** run_as() - be a processor of this version of the ISA from now on: 207, 300 or 310. */
void run_as(unsigned isa);
/** is_run() - does that processor have the entry? */
bool is_run(const struct table_entry *entry);

#endif
