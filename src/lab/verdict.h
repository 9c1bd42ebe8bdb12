/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verdicts: what became of a guest, and whether the law allows it. Pure: an observation in, a
 * verdict out.
 */
#ifndef FWNMI_LAB_VERDICT_H
#define FWNMI_LAB_VERDICT_H

#include "lab/observation.h"
#include "lab/rule.h"

struct lab_judgement {
	enum lab_verdict verdict;
	char why[256]; /* one line of evidence, for people */
	const struct lab_rule *rule; /* of the hit that decides; NULL: none covers it */
	bool passed; /* without a rule: unless no event reached the guest */
};

/**
 * lab_judge() - the verdict of an observed case, and what the law says
 *
 * Several verdicts may be true of one run: a process is killed, and the report is wrong. The
 * gravest that the law forbids counts; if it forbids none, the gravest.
 */
void lab_judge(const struct lab_case *c, const struct lab_observation *seen,
	       struct lab_judgement *judgement);

#endif
