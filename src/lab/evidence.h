#ifndef FWNMI_LAB_EVIDENCE_H
#define FWNMI_LAB_EVIDENCE_H
#include "lab/observation.h"
json_t *lab_evidence_json(const struct lab_case *c, const struct lab_observation *seen);
#endif
