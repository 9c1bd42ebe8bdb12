/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of known_to_differ() and known_hide() that are about floating-point instructions
 * (known_fp.c).
 */
#ifndef FWNMI_TESTS_ISA_KNOWN_FP_H
#define FWNMI_TESTS_ISA_KNOWN_FP_H

#include "known.h"

bool known_fp_to_differ(const char *name, const struct isa_case *in);
/** known_fp_hide() - clear in one result, ours or the oracle's, what is not compared. */
void known_fp_hide(const char *name, const struct isa_case *in, struct isa_case *out);

#endif
