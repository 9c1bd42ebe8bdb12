/* SPDX-License-Identifier: BSD-2-Clause */
/* Random sequences of instructions, each around one row of the table. */
#ifndef FWNMI_TESTS_ISA_SEQUENCES_H
#define FWNMI_TESTS_ISA_SEQUENCES_H

#include "generate.h"

/* An instruction of a sequence. */
struct step {
	const struct table_entry *entry;
	bool sets_up; /* a register for a later step, without which it goes, too */
	bool prefix; /* the first word of the next step */
};

struct sequence {
	struct isa_case start; /* step n is word n */
	unsigned nr_steps;
	struct step steps[CASE_WORDS];
	bool reserves; /* has a store conditional: its steps cannot be taken one by one */
};

/**
 * sequence_make() - a sequence that begins with @entry and a state that suits it
 * @length: steps at most, without those that set up registers
 *
 * The engine takes each step when it is added: all but a few sequences run to their end.
 */
void sequence_make(struct sequence *s, const struct table_entry *entry, unsigned length,
		   uint64_t address, bool big_endian);
/** sequence_without() - remove a step, and those that set up registers for it. */
void sequence_without(struct sequence *s, unsigned step);
/** sequence_step() - one step, or a prefix and the next, as a case of its own, from @state. */
void sequence_step(const struct sequence *s, unsigned step, const struct isa_case *state,
		   uint64_t address, struct isa_case *c);

#endif
