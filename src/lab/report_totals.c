/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums over a campaign's results; see report.h. */
#include <string.h>

#include "lab/report.h"

static bool add(void *opaque, const struct lab_result *result)
{
	struct lab_totals *totals = opaque;

	if (result->passed)
		totals->passed++;
	else
		totals->failed++;
	totals->unruled += !*result->rule;
	totals->verdicts[result->verdict]++;
	totals->points += result->points;
	totals->insns += result->insns;
	totals->host_ns += result->host_ns;
	return true;
}

bool lab_report_totals(struct lab_store *store, struct lab_totals *totals, char *err,
		       size_t err_size)
{
	uint64_t cases = lab_campaign_cases(lab_store_campaign(store)), run;

	memset(totals, 0, sizeof(*totals));
	if (!lab_store_each(store, add, totals, err, err_size))
		return false;
	run = totals->passed + totals->failed;
	totals->to_run = run < cases ? cases - run : 0;
	return true;
}
