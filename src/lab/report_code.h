/* SPDX-License-Identifier: BSD-2-Clause */
/* What a campaign has executed of the kernel's code that is to be tested, by function. */
#ifndef FWNMI_LAB_REPORT_CODE_H
#define FWNMI_LAB_REPORT_CODE_H

#include <jansson.h>

#include "lab/report.h"

/**
 * report_code_json() - an array of objects {"symbol", "instructions", "ran", "missed": ranges that
 * never ran, "0x... arch/powerpc/kernel/mce.c:123" or "0x...-0x..."}
 *
 * returns: NULL, with one line in @err, if the file cannot be read; an empty one if nothing was
 * noted
 */
json_t *report_code_json(struct lab_store *store, char *err, size_t err_size);
/** report_code_print() - the same as a table, without what was missed; nothing if it is empty */
bool report_code_print(const struct lab_report *report, char *err, size_t err_size);

#endif
