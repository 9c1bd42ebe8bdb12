/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logs that a guest is to fetch by event-scan or check-exception: the arguments of queue-event, for
 * the monitor and for `fwnmi inject`.
 */
#ifndef FWNMI_INJECT_PLATFORM_EVENT_H
#define FWNMI_INJECT_PLATFORM_EVENT_H

#include <jansson.h>

#include "fwnmi/fwnmi.h"

struct platform_event {
	enum fwnmi_event_source source;
	uint32_t event_class; /* FWNMI_CLASS_* */
	uint8_t log[FWNMI_ERRLOG_MAX];
	size_t length;
};

/**
 * platform_event_parse() - arguments to an event
 * @args: a JSON object: either "log", hexadecimal, with "class" (internal-errors) and "call"
 *	(event-scan); or "epow", the action of an environmental and power warning, with "modifier"
 *	(none) and "call" (check-exception)
 *
 * returns: false, with one line in @err: unknown argument, wrong type, unknown name, contradiction
 */
bool platform_event_parse(json_t *args, struct platform_event *event, char *err, size_t err_size);

#endif
