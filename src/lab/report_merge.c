/* SPDX-License-Identifier: BSD-2-Clause */
/* Results of a campaign's shards joined in one file; see report.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lab/report.h"
#include "lab/report_text.h"

struct merge {
	struct lab_store *into;
	const char *from; /* the shard being read */
	FILE *out;
	unsigned nr_shards; /* of all files; 1 if they differ in it */
	struct lab_merged *merged;
	uint64_t added;
	char *err;
	size_t err_size;
	bool failed;
};

static void tell_disagreement(struct merge *m, const struct lab_result *here,
			      const struct lab_result *there)
{
	m->merged->disagreed++;
	fprintf(m->out, "case %" PRIu64 ", ", here->number);
	report_print(m->out, here->name);
	fprintf(m->out, ": %s", lab_verdict_name(here->verdict));
	if (here->verdict == there->verdict)
		fputs(" with other evidence", m->out);
	else
		fprintf(m->out, ", but %s", lab_verdict_name(there->verdict));
	fputs(" in ", m->out);
	report_print(m->out, m->from);
	putc('\n', m->out);
}

/* The first result of a case stays. */
static bool join(void *opaque, const struct lab_result *result)
{
	struct merge *m = opaque;
	struct lab_result here;

	if (!lab_store_has(m->into, result->number)) {
		m->failed = !lab_store_put(m->into, result, m->err, m->err_size);
		m->added += !m->failed;
		return !m->failed;
	}
	if (!lab_store_get(m->into, result->number, &here, m->err, m->err_size)) {
		m->failed = true;
		return false;
	}
	if (!lab_result_same(&here, result))
		tell_disagreement(m, &here, result);
	lab_result_clear(&here);
	return true;
}

static bool make_target(struct merge *m, const char *path, const struct lab_campaign *campaign)
{
	struct lab_campaign whole = *campaign;

	whole.shard = whole.nr_shards = 1;
	m->nr_shards = campaign->nr_shards;
	m->into = lab_store_create(path, &whole, m->err, m->err_size);
	return m->into;
}

static bool join_code(void *opaque, const struct lab_code *code)
{
	struct merge *m = opaque;

	m->failed = !lab_store_put_code(m->into, code, m->err, m->err_size);
	return !m->failed;
}

static bool join_shard(struct merge *m, const char *path, struct lab_store *shard)
{
	const struct lab_campaign *campaign = lab_store_campaign(shard);
	const char *other;

	if (!m->into && !make_target(m, path, campaign))
		return false;
	other = lab_campaign_same(lab_store_campaign(m->into), campaign);
	if (other) {
		snprintf(m->err, m->err_size, "%s is of another campaign: another %s", m->from,
			 other);
		return false;
	}
	if (campaign->nr_shards != m->nr_shards)
		m->nr_shards = 1;
	return lab_store_each_code(shard, join_code, m, m->err, m->err_size) && !m->failed &&
	       lab_store_each(shard, join, m, m->err, m->err_size) && !m->failed;
}

/* ---- what is missing ---- */

static uint64_t missing_of(const struct merge *m, unsigned shard)
{
	uint64_t cases = lab_store_campaign(m->into)->nr_cases, missing = 0;

	for (uint64_t i = shard - 1; i < cases; i += m->nr_shards)
		missing += !lab_store_has(m->into, i);
	return missing;
}

/* "3-7 9 12" */
static void tell_numbers(const struct merge *m)
{
	uint64_t cases = lab_store_campaign(m->into)->nr_cases;

	fputs("missing cases:", m->out);
	for (uint64_t i = 0; i < cases; i++) {
		uint64_t first = i;

		while (i < cases && !lab_store_has(m->into, i))
			i++;
		if (i == first)
			continue;
		fprintf(m->out, " %" PRIu64, first);
		if (i - first > 1)
			fprintf(m->out, "-%" PRIu64, i - 1);
	}
	putc('\n', m->out);
}

static void tell_missing(struct merge *m)
{
	for (unsigned shard = 1; shard <= m->nr_shards; shard++) {
		uint64_t missing = missing_of(m, shard);

		m->merged->to_run += missing;
		if (missing && m->nr_shards > 1)
			fprintf(m->out, "run again: --shard %u/%u (%" PRIu64 " case%s missing)\n",
				shard, m->nr_shards, missing, missing == 1 ? "" : "s");
	}
	if (m->nr_shards == 1 && m->merged->to_run)
		tell_numbers(m);
}

static void tell_sum(const struct merge *m, const char *path)
{
	report_print(m->out, path);
	fprintf(m->out, ": %" PRIu64 " of %" PRIu64 " cases, %" PRIu64 " added here",
		lab_store_campaign(m->into)->nr_cases - m->merged->to_run,
		lab_store_campaign(m->into)->nr_cases, m->added);
	if (m->merged->disagreed)
		fprintf(m->out, ", %" PRIu64 " that disagree", m->merged->disagreed);
	putc('\n', m->out);
}

bool lab_report_merge(const char *path, const char *const *shards, size_t nr_shards, FILE *out,
		      struct lab_merged *merged, char *err, size_t err_size)
{
	struct merge m = { .out = out, .merged = merged, .err = err, .err_size = err_size };
	bool done = true;

	memset(merged, 0, sizeof(*merged));
	for (size_t i = 0; done && i < nr_shards; i++) {
		struct lab_store *shard = lab_store_open(shards[i], err, err_size);

		m.from = shards[i];
		done = shard && join_shard(&m, path, shard);
		lab_store_close(shard);
	}
	if (done) {
		tell_missing(&m);
		tell_sum(&m, path);
	}
	lab_store_close(m.into);
	return done;
}
