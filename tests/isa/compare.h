/* SPDX-License-Identifier: BSD-2-Clause */
/* Results of a case side by side. */
#ifndef FWNMI_TESTS_ISA_COMPARE_H
#define FWNMI_TESTS_ISA_COMPARE_H

#include <stdbool.h>

#include "case.h"

/** same_result() - the same signal, or none and the same state. */
bool same_result(const struct isa_case *a, const struct isa_case *b);
/**
 * show_mismatch() - print operands and what differs, as comments of TAP
 * @accesses: the instruction accesses memory, show it
 */
void show_mismatch(const char *name, const struct isa_case *in, const struct isa_case *our,
		   const struct isa_case *their, bool accesses);

#endif
