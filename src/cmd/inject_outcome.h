/* SPDX-License-Identifier: BSD-2-Clause */
/* What became of an event on one CPU, as the monitor's events or a session with a stub tell it. */
#ifndef CMD_INJECT_OUTCOME_H
#define CMD_INJECT_OUTCOME_H

#include "cmd/inject_options.h"

#define MAX_OUTCOMES 64 /* vCPUs that one request can reach */

struct outcome {
	unsigned vcpu;
	json_int_t id;
	json_t *report; /* the latest report of our injection */
	bool over; /* nothing more will come */
	bool machine_ended; /* reason for over */
	bool delivered, interlocked, stopped;
	unsigned steps; /* that the CPU has made: delivered, interlocked, over */
	unsigned of, nr_delivered, nr_returned; /* of a storm's events; of 0: no storm */
	char problem[256]; /* why nothing more will come, if that is an error */
};

/** outcome_take_ids() - the monitor has queued: one id, or a list. Returns how many CPUs. */
unsigned outcome_take_ids(const json_t *result, struct outcome *outs);
/** outcome_take_event() - an event of the monitor's; others' are left alone */
void outcome_take_event(struct outcome *out, const json_t *message);
/** outcome_is_ok() - has the guest got what was asked for? */
bool outcome_is_ok(const struct inject_options *o, const struct outcome *out);
/** outcome_name_problem() - of an event that was delivered but had no routine to handle it */
void outcome_name_problem(const struct inject_options *o, struct outcome *out);

#endif
