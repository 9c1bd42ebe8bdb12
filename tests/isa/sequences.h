/* SPDX-License-Identifier: BSD-2-Clause */
/* Random sequences of instructions, each around one row of the table. */
#ifndef FWNMI_TESTS_ISA_SEQUENCES_H
#define FWNMI_TESTS_ISA_SEQUENCES_H

#include "generate.h"

#define SEQUENCE_MAX_STEPS CASE_WORDS

/* An instruction of a sequence, with the words that set up its registers before it. */
struct step {
	size_t row; /* of the table */
	unsigned first, words; /* in isa_case.words; the last one or two are the instruction */
};

struct sequence {
	struct isa_case start;
	unsigned nr_steps;
	struct step steps[SEQUENCE_MAX_STEPS];
};

/**
 * sequence_make() - a sequence that begins with row @row and a state that suits it
 * @others: rows to take the other steps from, @nr_others of them
 *
 * Each step is taken in the engine when it is added: all but a few sequences run to their end.
 */
void sequence_make(struct sequence *s, size_t row, const size_t *others, size_t nr_others,
		   uint64_t address, bool big_endian);
/** sequence_without() - the same without one of its steps. */
void sequence_without(struct sequence *s, unsigned step);
/** sequence_joins() - may the row stand among others? Reservations and odd branches may not. */
bool sequence_joins(const struct table_entry *entry);

#endif
