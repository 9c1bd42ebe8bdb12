/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results as JUnit's XML, which has no standard: the elements and attributes that Jenkins, GitLab
 * and others agree upon. Cases that have not run yet are errors of the suite.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lab/report.h"
#include "lab/report_text.h"

/*
 * XML 1.0 has no control characters, not even as references: report_printable() has replaced them.
 * It has no U+FFFE and U+FFFF either, which that lets through.
 */
static void print_xml(FILE *out, const char *text)
{
	char *shown = report_printable(text);
	const char *c = shown ? shown : "?";

	while (*c) {
		if (!strncmp(c, "\xef\xbf\xbe", 3) || !strncmp(c, "\xef\xbf\xbf", 3)) {
			fprintf(out, "\\xef\\xbf\\x%02x", (unsigned char)c[2]);
			c += 3;
			continue;
		}
		switch (*c) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			putc(*c, out);
		}
		c++;
	}
	free(shown);
}

static void print_attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	print_xml(out, value);
	putc('"', out);
}

static void print_failure(const struct lab_report *report, const struct lab_result *result)
{
	FILE *out = report->out;

	fputs(">\n    <failure", out);
	print_attribute(out, "type", lab_verdict_name(result->verdict));
	print_attribute(out, "message", result->why);
	fputs(">rule ", out);
	print_xml(out, result->rule);
	fputs(": ", out);
	print_xml(out, result->law);
	fputs(" (", out);
	print_xml(out, result->source);
	fputs(")\nfwnmi replay ", out);
	print_xml(out, lab_store_path(report->store));
	fprintf(out, " %" PRIu64 "</failure>\n  </testcase>\n", result->number);
}

static bool print_case(void *opaque, const struct lab_result *result)
{
	const struct lab_report *report = opaque;
	FILE *out = report->out;

	fputs("  <testcase", out);
	print_attribute(out, "classname", result->group);
	print_attribute(out, "name", result->name);
	if (report->times)
		fprintf(out, " time=\"%.6f\"", (double)result->host_ns / 1e9);
	if (result->passed)
		fputs("/>\n", out);
	else
		print_failure(report, result);
	return true;
}

static void open_suite(const struct lab_report *report, const struct lab_totals *totals)
{
	const struct lab_campaign *c = lab_store_campaign(report->store);
	uint64_t run = totals->passed + totals->failed;
	FILE *out = report->out;

	fputs("<testsuite", out);
	print_attribute(out, "name", c->suite);
	fprintf(out, " tests=\"%" PRIu64 "\" failures=\"%" PRIu64 "\" errors=\"%d\"",
		run + (totals->to_run > 0), totals->failed, totals->to_run > 0);
	if (report->times)
		fprintf(out, " time=\"%.6f\"", (double)totals->host_ns / 1e9);
	fputs(">\n", out);
}

static void print_property(FILE *out, const char *name, const char *value)
{
	fputs("    <property", out);
	print_attribute(out, "name", name);
	print_attribute(out, "value", value);
	fputs("/>\n", out);
}

static void print_properties(const struct lab_report *report)
{
	const struct lab_campaign *c = lab_store_campaign(report->store);
	char text[48];

	fputs("  <properties>\n", report->out);
	print_property(report->out, "kernel", c->kernel);
	print_property(report->out, "kernel_build_id", c->kernel_build_id);
	print_property(report->out, "kernel_release", c->kernel_release);
	print_property(report->out, "fwnmi_version", c->fwnmi_version);
	print_property(report->out, "options", c->options);
	snprintf(text, sizeof(text), "%" PRIu64, c->seed);
	print_property(report->out, "seed", text);
	snprintf(text, sizeof(text), "%u/%u", c->shard, c->nr_shards);
	print_property(report->out, "shard", text);
	fputs("  </properties>\n", report->out);
}

bool lab_report_junit(const struct lab_report *report, char *err, size_t err_size)
{
	struct lab_totals totals;
	FILE *out = report->out;

	if (!lab_report_totals(report->store, &totals, err, err_size))
		return false;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
	open_suite(report, &totals);
	print_properties(report);
	if (!lab_store_each(report->store, print_case, (void *)report, err, err_size))
		return false;
	if (totals.to_run)
		fprintf(out,
			"  <testcase classname=\"campaign\" name=\"every case has run\">\n"
			"    <error type=\"incomplete\" message=\"%" PRIu64
			" cases have not run\"/>\n  </testcase>\n",
			totals.to_run);
	fputs("</testsuite>\n</testsuites>\n", out);
	return true;
}
