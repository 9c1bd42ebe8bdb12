/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results as TAP, version 14, which readers of version 13 take as well. A test is a case of the
 * shard, and the plan has all of them: a campaign that was interrupted fails its reader.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lab/report.h"
#include "lab/report_text.h"

/* In a description, "#" begins a directive, and "\" makes the next character an ordinary one. */
static void print_description(FILE *out, const char *text)
{
	char *shown = report_printable(text);

	for (const char *c = shown ? shown : "?"; *c; c++) {
		if (*c == '#' || *c == '\\')
			putc('\\', out);
		putc(*c, out);
	}
	free(shown);
}

/* A string of YAML, in double quotes. */
static void print_member(FILE *out, const char *key, const char *text)
{
	char *shown = report_printable(text);

	fprintf(out, "  %s: \"", key);
	for (const char *c = shown ? shown : "?"; *c; c++) {
		if (*c == '"' || *c == '\\')
			putc('\\', out);
		putc(*c, out);
	}
	fputs("\"\n", out);
	free(shown);
}

static void print_failure(const struct lab_report *report, const struct lab_result *result)
{
	FILE *out = report->out;

	fputs("  ---\n", out);
	print_member(out, "verdict", lab_verdict_name(result->verdict));
	print_member(out, "why", result->why);
	print_member(out, "rule", result->rule);
	print_member(out, "law", result->law);
	print_member(out, "source", result->source);
	fputs("  replay: >-\n    fwnmi replay ", out);
	report_print_word(out, lab_store_path(report->store));
	fprintf(out, " %" PRIu64 "\n  ...\n", result->number);
}

static bool print_test(void *opaque, const struct lab_result *result)
{
	const struct lab_report *report = opaque;
	uint64_t place = result->number / lab_store_campaign(report->store)->nr_shards;

	fprintf(report->out, "%s %" PRIu64 " - ", result->passed ? "ok" : "not ok", place + 1);
	print_description(report->out, result->name);
	putc('\n', report->out);
	if (!result->passed)
		print_failure(report, result);
	return true;
}

bool lab_report_tap(const struct lab_report *report, char *err, size_t err_size)
{
	fprintf(report->out, "TAP version 14\n1..%" PRIu64 "\n",
		lab_campaign_cases(lab_store_campaign(report->store)));
	return lab_store_each(report->store, print_test, (void *)report, err, err_size);
}
