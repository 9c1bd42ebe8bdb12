/* SPDX-License-Identifier: BSD-2-Clause */
/* What a verdict rests on, as JSON for results and reports. docs/results.md has the members. */
#ifndef FWNMI_LAB_EVIDENCE_H
#define FWNMI_LAB_EVIDENCE_H

#include <jansson.h>

#include "lab/observation.h"

/**
 * lab_evidence_json() - a new object: the hits, the notes but for rounds, the lines of the console
 * that matter, and why the run ended; NULL only if out of memory
 *
 * Its size is bounded, and it has nothing of the host's: the same run gives the same text.
 */
json_t *lab_evidence_json(const struct lab_case *c, const struct lab_observation *seen);

#endif
