/* SPDX-License-Identifier: BSD-2-Clause */
/* Random words of a table entry with a state that suits them. */
#ifndef FWNMI_TESTS_ISA_GENERATE_H
#define FWNMI_TESTS_ISA_GENERATE_H

#include "table.h"

/** generate_seed() - start the sequence; the same seed and entry give the same cases. */
void generate_seed(uint64_t seed, const char *name);
/**
 * generate() - the next case.
 * @reserved: bits of the word to leave 0.
 * @address: where the word will lie.
 */
void generate(struct isa_case *c, const struct table_entry *entry, uint32_t reserved,
	      uint64_t address);
/** accesses_memory() - may the entry read or write storage? */
bool accesses_memory(const struct table_entry *entry);

#endif
