/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports what a guest was given, as JSON, for the monitor's events and for `fwnmi inject`.
 * fwnmi-inject(1) lists the keys.
 */
#ifndef FWNMI_INJECT_INJECT_REPORT_H
#define FWNMI_INJECT_INJECT_REPORT_H

#include <jansson.h>

#include "inject/request.h"

/** inject_report_log() - add "log", the contents of the error log; nothing if there is none */
void inject_report_log(const struct injection_log *log, json_t *report);

/** inject_report_json() - all that is known of an injection so far */
json_t *inject_report_json(const struct injection_report *report);

#endif
