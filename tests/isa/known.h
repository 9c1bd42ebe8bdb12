/* SPDX-License-Identifier: BSD-2-Clause */
/* What the comparison leaves out; see known.def. */
#ifndef FWNMI_TESTS_ISA_KNOWN_H
#define FWNMI_TESTS_ISA_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "case.h"

/** known_reserved_bits() - bits of the word to leave 0. */
uint32_t known_reserved_bits(const char *name);
/**
 * known_skip() - why this mnemonic is not compared, or NULL
 * @where: where it is tested instead
 */
const char *known_skip(const char *name, bool big_endian, const char **where);
/** known_alias() - may the disassembler call a word of entry @name @other? */
bool known_alias(const char *name, const char *other);
/* The name of what differs as a sequence, though none of its steps does. */
#define KNOWN_SEQUENCE "(sequence)"
/**
 * known_explains() - is the difference of the two results what is known of the instruction?
 *
 * Makes both equal in what an explanation covers, and counts the explanations.
 */
bool known_explains(const char *name, const struct isa_case *in, struct isa_case *ours,
		    struct isa_case *theirs);
/** known_print() - the explanations that were needed, and how often, as comments of TAP. */
void known_print(void);

#endif
