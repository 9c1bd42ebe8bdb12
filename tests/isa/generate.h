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
#define GENERATE_STEP_WORDS 5
/**
 * generate_step() - the entry's word for any state, after the words that set up its address.
 * Returns the number of words.
 */
unsigned generate_step(uint32_t words[GENERATE_STEP_WORDS], const struct table_entry *entry,
		       uint32_t reserved);
/** generate_below() - a number less than @n from the same sequence. */
uint64_t generate_below(uint64_t n);
/**
 * defers_interrupt() - does QEMU raise the entry's enabled invalid operation exception somewhere
 * later? It is not to run with FPSCR[VE] = 1; isa_directed_test does that.
 */
bool defers_interrupt(const struct table_entry *entry);
/** generates_decimal() - is it a decimal floating-point instruction? */
bool generates_decimal(const struct table_entry *entry);
/* Gives it operands; see generate_decimal.c. */
void generate_decimals(struct isa_case *c, const struct table_entry *entry);
/** accesses_memory() - may the entry read or write storage? */
bool accesses_memory(const struct table_entry *entry);

#endif
