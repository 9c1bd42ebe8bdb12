/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of explanations.def that are about floating-point instructions (known_fp.c). */
#ifndef FWNMI_TESTS_ISA_KNOWN_FP_H
#define FWNMI_TESTS_ISA_KNOWN_FP_H

#include <stdbool.h>

#include "known.h"

#define DIFFERS(section, text, fn) bool fn(const char *name, const struct isa_case *in);
#define HIDES(section, text, fn)                                                    \
	void fn(const char *name, const struct isa_case *in, struct isa_case *ours, \
		struct isa_case *theirs);
#define ONLY_FP
#include "explanations.def"
#undef ONLY_FP
#undef DIFFERS
#undef HIDES

#endif
