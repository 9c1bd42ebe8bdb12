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
/** known_skip() - why this mnemonic is not compared, or NULL. */
const char *known_skip(const char *name, bool big_endian);
/** known_alias() - may the disassembler call a word of entry @name @other? */
bool known_alias(const char *name, const char *other);
/** known_to_differ() - true: this case is not compared. */
bool known_to_differ(const char *name, const struct isa_case *in);
/** known_hide() - mask in both results what is not compared. */
void known_hide(const char *name, const struct isa_case *in, struct isa_case *ours,
		struct isa_case *theirs);

#endif
