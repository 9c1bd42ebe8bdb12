/* SPDX-License-Identifier: BSD-2-Clause */
/* A campaign and its results as JSON objects; docs/results.md has the members. */
#ifndef FWNMI_LAB_REPORT_JSON_H
#define FWNMI_LAB_REPORT_JSON_H

#include <jansson.h>

#include "lab/report.h"

/** report_campaign_json() - NULL only if out of memory, as the others */
json_t *report_campaign_json(const struct lab_campaign *campaign);
json_t *report_totals_json(const struct lab_totals *totals, bool times);
json_t *report_result_json(const struct lab_result *result, bool times);

#endif
