/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compares Linux's reports of machine checks with the events that were sent.
 */
#ifndef FWNMI_LAB_REPORT_CHECK_H
#define FWNMI_LAB_REPORT_CHECK_H

#include "lab/law.h"

/* What is wrong with the reports. */
struct report_check {
	bool reported[LAB_MAX_HITS]; /* there is a report of this event, right or wrong */
	bool misreported;
	char why[256]; /* the first contradiction */
};

/** report_check() - @events are those of a run, in the order of their delivery */
void report_check(const struct law_event *events, unsigned nr_events,
		  const struct kernel_lines *lines, struct report_check *check);

#endif
