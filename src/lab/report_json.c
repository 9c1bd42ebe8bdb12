/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results as JSON: one object, with a line for each result. Members are sorted, so that the same
 * results are the same bytes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lab/report_code.h"
#include "lab/report_json.h"

/* A text that has to be JSON; if it is not, it is a string. */
static json_t *json_text(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	return json ? json : text_json(text);
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* The seed is a string: readers of JSON seldom have 64 bits. */
json_t *report_campaign_json(const struct lab_campaign *c)
{
	json_t *options = json_text(c->options);

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i}", "suite",
			 text_json(c->suite), "kernel", text_json(c->kernel), "kernel_build_id",
			 text_json(c->kernel_build_id), "kernel_release",
			 text_json(c->kernel_release), "fwnmi_version", text_json(c->fwnmi_version),
			 "options", options, "seed", json_sprintf("%" PRIu64, c->seed), "cases",
			 number(c->nr_cases), "shard", (int)c->shard, "shards", (int)c->nr_shards);
}

json_t *report_totals_json(const struct lab_totals *totals, bool times)
{
	json_t *verdicts = json_object(), *json;

	for (unsigned i = 0; i < LAB_VERDICTS; i++)
		if (totals->verdicts[i])
			json_object_set_new(verdicts, lab_verdict_name(i),
					    number(totals->verdicts[i]));
	json = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "passed", number(totals->passed),
			 "failed", number(totals->failed), "unruled", number(totals->unruled),
			 "to_run", number(totals->to_run), "points", number(totals->points),
			 "insns", number(totals->insns), "verdicts", verdicts);
	if (json && times)
		json_object_set_new(json, "host_ns", number(totals->host_ns));
	return json;
}

json_t *report_result_json(const struct lab_result *r, bool times)
{
	json_t *json = json_pack(
		"{s:o, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "number",
		number(r->number), "name", text_json(r->name), "group", text_json(r->group),
		"column", text_json(r->column), "verdict", lab_verdict_name(r->verdict), "passed",
		(int)r->passed, "rule", text_json(r->rule), "law", text_json(r->law), "source",
		text_json(r->source), "why", text_json(r->why), "insns", number(r->insns), "points",
		number(r->points), "case", json_text(r->case_json), "evidence",
		json_text(r->evidence));

	if (json && times)
		json_object_set_new(json, "host_ns", number(r->host_ns));
	return json;
}

struct writer {
	const struct lab_report *report;
	bool first, failed;
};

static bool write_json(FILE *out, json_t *json)
{
	bool done = json && !json_dumpf(json, out, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(json);
	return done || ferror(out);
}

static bool write_result(void *opaque, const struct lab_result *result)
{
	struct writer *w = opaque;

	fputs(w->first ? "\n" : ",\n", w->report->out);
	w->first = false;
	w->failed = !write_json(w->report->out, report_result_json(result, w->report->times));
	return !w->failed;
}

bool lab_report_json(const struct lab_report *report, char *err, size_t err_size)
{
	struct writer w = { .report = report, .first = true };
	struct lab_totals totals;
	FILE *out = report->out;
	json_t *code;

	if (!lab_report_totals(report->store, &totals, err, err_size))
		return false;
	fputs("{\"campaign\":", out);
	w.failed = !write_json(out, report_campaign_json(lab_store_campaign(report->store)));
	fputs(",\n\"totals\":", out);
	w.failed = !write_json(out, report_totals_json(&totals, report->times)) || w.failed;
	code = report_code_json(report->store, err, err_size);
	if (!code)
		return false;
	fputs(",\n\"code\":", out);
	w.failed = !write_json(out, code) || w.failed;
	fputs(",\n\"results\":[", out);
	if (!w.failed && !lab_store_each(report->store, write_result, &w, err, err_size))
		return false;
	fputs("\n]}\n", out);
	if (w.failed)
		snprintf(err, err_size, "cannot make JSON: %s", strerror(ENOMEM));
	return !w.failed;
}
