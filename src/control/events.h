/* SPDX-License-Identifier: BSD-2-Clause */
/* The names and data of the monitor's events. */
#ifndef FWNMI_CONTROL_EVENTS_H
#define FWNMI_CONTROL_EVENTS_H

#include <jansson.h>

#include "machine/machine.h"

/** event_json() - add what an event says to @data; returns its name, NULL: it is not told. */
const char *event_json(const struct machine_event *event, json_t *data);
/** event_end_reason() - why FWNMI ended the partition, as the protocol says it. */
const char *event_end_reason(enum fwnmi_end_reason reason);

#endif
