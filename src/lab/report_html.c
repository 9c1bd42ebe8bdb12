/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results as one HTML page, which needs nothing else: report_page.html with the results in it as
 * JSON. The page's script does the rest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lab/report_code.h"
#include "lab/report_json.h"
#include "lab/report_text.h"

/* Where report_page.html has its results. */
#define MARK "@RESULTS@"

/* Browsers get slow beyond. Evidence of cases that failed may take more. */
#define EVIDENCE_PASSED (32u << 20)
#define EVIDENCE_FAILED (128u << 20)

extern const char report_page[]; /* made by scripts/embed-text */

struct page {
	const struct lab_report *report;
	uint64_t evidence; /* bytes so far */
	bool first, failed;
};

/*
 * Writes JSON into a script element. Text in it is a guest's: without "<" it can neither end the
 * element nor begin a comment.
 */
static int write_harmless(const char *bytes, size_t length, void *opaque)
{
	FILE *out = opaque;

	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '<')
			fputs("\\u003c", out);
		else
			putc(bytes[i], out);
	}
	return 0;
}

static bool write_json(FILE *out, json_t *json)
{
	bool done = json && !json_dump_callback(json, write_harmless, out,
						JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	json_decref(json);
	return done;
}

static bool write_member(FILE *out, const char *name, json_t *json)
{
	fprintf(out, "\"%s\":", name);
	return write_json(out, json);
}

static json_t *page_result(struct page *page, const struct lab_result *result)
{
	json_t *json = report_result_json(result, page->report->times);

	page->evidence += strlen(result->evidence);
	if (json && page->evidence > (result->passed ? EVIDENCE_PASSED : EVIDENCE_FAILED)) {
		page->evidence -= strlen(result->evidence);
		json_object_set_new(json, "evidence", json_null());
	}
	return json;
}

static bool write_result(void *opaque, const struct lab_result *result)
{
	struct page *page = opaque;

	fputs(page->first ? "\n" : ",\n", page->report->out);
	page->first = false;
	page->failed = !write_json(page->report->out, page_result(page, result));
	return !page->failed;
}

/* The command that replays a case, but for the case's number. */
static json_t *replay_command(const struct lab_report *report)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *json = NULL;

	if (!out)
		return NULL;
	fputs("fwnmi replay ", out);
	report_print_word(out, lab_store_path(report->store));
	if (!fclose(out))
		json = json_string(text);
	free(text);
	return json;
}

static bool write_results(struct page *page, const struct lab_totals *totals, char *err,
			  size_t err_size)
{
	const struct lab_report *report = page->report;
	json_t *code = report_code_json(report->store, err, err_size);
	FILE *out = report->out;

	if (!code)
		return false;
	putc('{', out);
	page->failed = !write_member(out, "campaign",
				     report_campaign_json(lab_store_campaign(report->store))) ||
		       !(putc(',', out),
			 write_member(out, "totals", report_totals_json(totals, report->times))) ||
		       !(putc(',', out), write_member(out, "replay", replay_command(report))) ||
		       !(putc(',', out), write_member(out, "code", code));
	fputs(",\"results\":[", out);
	if (!page->failed && !lab_store_each(report->store, write_result, page, err, err_size))
		return false;
	fputs("]}", out);
	if (page->failed)
		snprintf(err, err_size, "cannot make the page: %s", strerror(ENOMEM));
	return !page->failed;
}

bool lab_report_html(const struct lab_report *report, char *err, size_t err_size)
{
	const char *rest = strstr(report_page, MARK);
	struct page page = { .report = report, .first = true };
	struct lab_totals totals;

	if (!lab_report_totals(report->store, &totals, err, err_size))
		return false;
	fwrite(report_page, 1, (size_t)(rest - report_page), report->out);
	if (!write_results(&page, &totals, err, err_size))
		return false;
	fputs(rest + strlen(MARK), report->out);
	return true;
}
