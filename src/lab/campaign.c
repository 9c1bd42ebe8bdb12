/* SPDX-License-Identifier: BSD-2-Clause */
/* Deals cases out in batches, and keeps what comes back; see campaign.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_time.h"
#include "base/number.h"
#include "lab/campaign.h"
#include "lab/coverage.h"

#define BATCH_MAX 64
/* How often to look whether the user wants an end, in milliseconds. */
#define LOOK_MS	  100

#define FAIL(...)  (snprintf(err, err_size, __VA_ARGS__), false)
/* What a worker says is checked: its guest may have taken it over. */
#define NONSENSE() FAIL("a worker speaks nonsense")

/* The cases that a worker has been given. */
struct batch {
	bool ready; /* the worker waits for one */
	size_t left; /* results to come */
};

struct campaign {
	const struct campaign_config *config;
	struct lab_store *store;
	struct workers *workers;
	bool *given; /* by case: has been, or need not be */
	size_t next; /* none before it is left to be given */
	struct batch batches[WORKERS_MAX + 1];
	unsigned active; /* batches under way */
	struct campaign_progress progress;
	struct coverage *coverage; /* NULL: it is not noted */
};

static void tell(const struct campaign *campaign)
{
	if (campaign->config->progress)
		campaign->config->progress(campaign->config->opaque, &campaign->progress);
}

/* ---- giving ---- */

static bool is_early(const struct lab_case *c)
{
	return c->workload == LAB_BOOT;
}

/* Is the case left for this worker, and fit for a batch with @first? */
static bool fits(const struct campaign *campaign, size_t i, bool early,
		 const struct lab_case *first)
{
	const struct lab_case *c = &campaign->config->cases->list[i];

	return !campaign->given[i] && is_early(c) == early &&
	       (!first || c->workload == first->workload);
}

/* As many as leave something for the other workers. */
static size_t batch_size(const struct campaign *campaign, bool early)
{
	const struct campaign_progress *p = &campaign->progress;
	const size_t share = (size_t)(p->total - p->done) / (4 * campaign->config->workers.count);

	return early || share < 1 ? 1 : share > BATCH_MAX ? BATCH_MAX : share;
}

static bool give_batch(struct campaign *campaign, unsigned worker)
{
	const struct lab_cases *cases = campaign->config->cases;
	const bool early = worker == campaign->config->workers.count;
	const size_t most = batch_size(campaign, early);
	const struct lab_case *first = NULL;
	struct batch *batch = &campaign->batches[worker];
	json_t *list = json_array();
	bool sent;

	while (campaign->next < cases->count && campaign->given[campaign->next])
		campaign->next++;
	for (size_t i = campaign->next; i < cases->count && json_array_size(list) < most; i++) {
		if (!fits(campaign, i, early, first))
			continue;
		first = &cases->list[i];
		campaign->given[i] = true;
		json_array_append_new(list, lab_case_json(first));
	}
	batch->left = json_array_size(list);
	batch->ready = !batch->left;
	campaign->active += !batch->ready;
	sent = batch->ready || workers_give(campaign->workers, worker, list);
	json_decref(list);
	return sent;
}

static bool give_batches(struct campaign *campaign, char *err, size_t err_size)
{
	const unsigned count = campaign->config->workers.count;

	/* The last is the early one. */
	for (unsigned i = 0; i <= count; i++)
		if (campaign->batches[i].ready && campaign->active < count &&
		    !give_batch(campaign, i))
			return FAIL("cannot give a worker its cases");
	return true;
}

/* ---- code that was executed ---- */

static bool put_word(struct campaign *campaign, const struct coverage_word *word, char *err,
		     size_t err_size)
{
	const struct lab_code code = {
		.address = word->address,
		.symbol = campaign->coverage->functions[word->function],
		.line = word->line,
		.ran = word->ran,
	};

	return lab_store_put_code(campaign->store, &code, err, err_size);
}

static bool mark_ran(void *opaque, const struct lab_code *code)
{
	struct campaign *campaign = opaque;
	struct coverage_word *word = coverage_find(campaign->coverage, code->address);

	if (word)
		word->ran = code->ran;
	return true;
}

/* What has run already is in the results, if those are not new. */
static bool begin_coverage(struct campaign *campaign, char *err, size_t err_size)
{
	const char *kernel = campaign->config->workers.guest.kernel;
	struct symbols *symbols;
	bool good = true;

	if (!campaign->config->workers.guest.note_code)
		return true;
	/* Without symbols there is no code to speak of, and the guest runs as well. */
	symbols = symbols_open(kernel, err, err_size);
	campaign->coverage = coverage_create(symbols);
	symbols_close(symbols);
	if (!campaign->coverage)
		return FAIL("out of memory");
	coverage_find_lines(campaign->coverage, kernel);
	if (!lab_store_each_code(campaign->store, mark_ran, campaign, err, err_size))
		return false;
	for (size_t i = 0; good && i < campaign->coverage->nr_words; i++)
		good = put_word(campaign, &campaign->coverage->words[i], err, err_size);
	return good;
}

static bool keep_range(struct campaign *campaign, struct coverage_word *word, json_int_t count,
		       char *err, size_t err_size)
{
	const struct coverage *c = campaign->coverage;

	if (!word || count < 1 || count > c->words + c->nr_words - word)
		return NONSENSE();
	for (; count > 0; count--, word++) {
		if (word->ran)
			continue;
		word->ran = true;
		if (!put_word(campaign, word, err, err_size))
			return false;
	}
	return true;
}

/* @news: as coverage_news() has made it, or NULL. */
static bool keep_code(struct campaign *campaign, const json_t *news, char *err, size_t err_size)
{
	for (size_t i = 0; campaign->coverage && i < json_array_size(news); i += 2) {
		const char *text = json_string_value(json_array_get(news, i));
		const json_int_t count = json_integer_value(json_array_get(news, i + 1));
		uint64_t address;

		if (!text || !number_parse(text, strlen(text), &address))
			return NONSENSE();
		if (!keep_range(campaign, coverage_find(campaign->coverage, address), count, err,
				err_size))
			return false;
	}
	return true;
}

/* ---- taking ---- */

static const char *text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static bool keep_result(struct campaign *campaign, const json_t *json, char *err, size_t err_size)
{
	const uint64_t number = (uint64_t)json_integer_value(json_object_get(json, "number"));
	json_t *as_json;
	struct lab_result result = { .number = number };
	const struct lab_case *c;
	bool kept;

	if (number >= campaign->config->cases->count ||
	    !lab_verdict_parse(text_of(json, "verdict"), &result.verdict))
		return NONSENSE();
	c = &campaign->config->cases->list[number];
	as_json = lab_case_json(c);
	result.points = c->points;
	result.name = c->name;
	result.group = c->group;
	result.column = c->column;
	result.case_json = json_dumps(as_json, JSON_COMPACT);
	result.passed = json_is_true(json_object_get(json, "passed"));
	result.rule = (char *)text_of(json, "rule");
	result.law = (char *)text_of(json, "law");
	result.source = (char *)text_of(json, "source");
	result.why = (char *)text_of(json, "why");
	result.evidence = json_dumps(json_object_get(json, "evidence"), JSON_COMPACT);
	result.insns = (uint64_t)json_integer_value(json_object_get(json, "insns"));
	result.host_ns = (uint64_t)json_integer_value(json_object_get(json, "ns"));
	/* First: a case without a result is run again. */
	kept = keep_code(campaign, json_object_get(json, "code"), err, err_size) &&
	       lab_store_put(campaign->store, &result, err, err_size);
	free(result.case_json);
	free(result.evidence);
	json_decref(as_json);
	campaign->progress.done += kept;
	campaign->progress.done_now += kept;
	campaign->progress.failed += kept && !result.passed;
	return kept;
}

static bool take_message(struct campaign *campaign, const struct workers_message *message,
			 char *err, size_t err_size)
{
	struct batch *batch = &campaign->batches[message->worker];
	bool good = true;

	switch (message->type) {
	case WORKERS_BOOTING:
		campaign->progress.boot_insns = message->insns;
		break;
	case WORKERS_READY:
		campaign->progress.boot_insns = 0;
		if (!campaign->progress.started_ns)
			campaign->progress.started_ns = host_ns();
		batch->ready = true;
		break;
	case WORKERS_RESULT:
		if (!batch->left)
			return NONSENSE();
		batch->left--;
		good = keep_result(campaign, message->json, err, err_size);
		break;
	case WORKERS_PATH:
		return NONSENSE();
	case WORKERS_BATCH_DONE:
		batch->ready = true;
		campaign->active--;
		break;
	case WORKERS_FAILED:
		return FAIL("%s", message->text);
	case WORKERS_ENDED:
		return FAIL("a worker has ended");
	}
	tell(campaign);
	return good;
}

static bool run_workers(struct campaign *campaign, char *err, size_t err_size)
{
	while (campaign->progress.done < campaign->progress.total) {
		struct workers_message message;
		bool good;

		if (*campaign->config->stop)
			return FAIL("interrupted: the same command goes on from here");
		if (!workers_next(campaign->workers, LOOK_MS, &message))
			continue;
		good = take_message(campaign, &message, err, err_size);
		json_decref(message.json);
		if (!good || !give_batches(campaign, err, err_size))
			return false;
	}
	return true;
}

/* Counts and marks what the results have already, and what belongs to other shards. */
static bool mark_done(struct campaign *campaign, bool *early, char *err, size_t err_size)
{
	const struct lab_cases *cases = campaign->config->cases;

	campaign->given = calloc(cases->count + 1, sizeof(campaign->given[0]));
	if (!campaign->given)
		return FAIL("out of memory");
	*early = false;
	for (size_t i = 0; i < cases->count; i++) {
		const bool ours = lab_campaign_has(&campaign->config->about, i);
		const bool done = ours && lab_store_has(campaign->store, i);

		campaign->given[i] = !ours || done;
		campaign->progress.total += ours;
		campaign->progress.done += done;
		*early |= !campaign->given[i] && is_early(&cases->list[i]);
	}
	return true;
}

static bool count_failed(void *opaque, const struct lab_result *result)
{
	struct campaign *campaign = opaque;

	campaign->progress.failed += !result->passed;
	return true;
}

bool campaign_run(const struct campaign_config *config, char *err, size_t err_size)
{
	struct campaign campaign = { .config = config };
	struct workers_config workers = config->workers;
	bool good;

	campaign.store = lab_store_create(config->results, &config->about, err, err_size);
	good = campaign.store && begin_coverage(&campaign, err, err_size) &&
	       mark_done(&campaign, &workers.early, err, err_size) &&
	       lab_store_each(campaign.store, count_failed, &campaign, err, err_size);
	if (good && campaign.progress.done < campaign.progress.total) {
		campaign.workers = workers_start(&workers, err, err_size);
		good = campaign.workers && run_workers(&campaign, err, err_size);
	}
	workers_stop(campaign.workers);
	if (good)
		lab_store_close(campaign.store);
	else
		lab_store_abandon(campaign.store);
	coverage_destroy(campaign.coverage);
	free(campaign.given);
	return good;
}
