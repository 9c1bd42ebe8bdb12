/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `fwnmi inject` prints, as text or as JSON. Each returns the exit status. Text of the other
 * end's, or a guest's, has its control characters made visible.
 */
#ifndef CMD_INJECT_PRINT_H
#define CMD_INJECT_PRINT_H

#include "cmd/inject_outcome.h"

/** print_outcomes() - what became of the events; @several: a list, even if of one CPU */
int print_outcomes(const struct inject_options *o, struct outcome *outs, unsigned count,
		   bool several);
/** print_queued() - the ids of events that are not waited for */
int print_queued(const struct inject_options *o, json_t *result, const struct outcome *outs,
		 unsigned count);
/** print_memory() - what is poisoned after the command */
int print_memory(const struct inject_options *o, const json_t *regions);
/** print_planted_errors() - what is planted after the command */
int print_planted_errors(const struct inject_options *o, const json_t *errors);
/** print_event_queued() - the log is queued */
int print_event_queued(const struct inject_options *o);

#endif
