/* SPDX-License-Identifier: BSD-2-Clause */
/* The lists of cases that come with fwnmi. */
#ifndef FWNMI_LAB_SUITE_H
#define FWNMI_LAB_SUITE_H

#include "lab/case.h"

/* A campaign's cases, numbered from 0; never changed once a campaign has begun. */
struct lab_cases {
	struct lab_case *list;
	size_t count;
};

/** lab_cases_add() - append a case and number it; takes @steps. false: out of memory */
bool lab_cases_add(struct lab_cases *cases, enum lab_workload workload, const char *group,
		   const char *column, json_t *steps);
/** lab_cases_append() - the same with all that @model says but its number; takes its steps */
bool lab_cases_append(struct lab_cases *cases, const struct lab_case *model);
void lab_cases_clear(struct lab_cases *cases);
/**
 * lab_cases_select() - keep the cases whose names match, and number them anew
 * @pattern: a shell's, with GNU's @(this|that)
 */
void lab_cases_select(struct lab_cases *cases, const char *pattern);

/**
 * lab_suite_make() - the cases of a suite
 * @name: "quick": every kind of event in every context; "standard": also other workloads, severities,
 * sequences, SMP and early boot
 *
 * returns: false, with one line in @err, if there is no such suite
 */
bool lab_suite_make(const char *name, unsigned nr_vcpus, struct lab_cases *cases, char *err,
		    size_t err_size);

#endif
