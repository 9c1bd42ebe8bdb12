/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes a campaign's file of results from what tests make up: `fwnmi report --format json` in
 * reverse. What is left out of a result is empty or 0.
 *
 * usage: make_results FILE < JSON
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lab/store.h"

static char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return strdup(value ? value : "");
}

/* JSON in JSON; a string is taken as it is. */
static char *dumped(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_string(value) || !value ? text(object, key) :
						 json_dumps(value, JSON_COMPACT);
}

static uint64_t number(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

static int fail(const char *why)
{
	fprintf(stderr, "make_results: %s\n", why);
	return EXIT_FAILURE;
}

static struct lab_campaign campaign_of(const json_t *json)
{
	char *seed = text(json, "seed");
	struct lab_campaign campaign = {
		.suite = text(json, "suite"),
		.kernel = text(json, "kernel"),
		.kernel_build_id = text(json, "kernel_build_id"),
		.kernel_release = text(json, "kernel_release"),
		.fwnmi_version = text(json, "fwnmi_version"),
		.options = dumped(json, "options"),
		.seed = strtoull(seed, NULL, 10),
		.nr_cases = number(json, "cases"),
		.shard = (unsigned)number(json, "shard"),
		.nr_shards = (unsigned)number(json, "shards"),
	};

	free(seed);
	return campaign;
}

static bool put(struct lab_store *store, const json_t *json, char *err, size_t err_size)
{
	char *verdict = text(json, "verdict");
	struct lab_result result = {
		.number = number(json, "number"),
		.name = text(json, "name"),
		.group = text(json, "group"),
		.column = text(json, "column"),
		.case_json = dumped(json, "case"),
		.passed = json_is_true(json_object_get(json, "passed")),
		.rule = text(json, "rule"),
		.law = text(json, "law"),
		.source = text(json, "source"),
		.why = text(json, "why"),
		.evidence = dumped(json, "evidence"),
		.insns = number(json, "insns"),
		.host_ns = number(json, "host_ns"),
		.points = number(json, "points"),
	};
	bool done = lab_verdict_parse(verdict, &result.verdict) &&
		    lab_store_put(store, &result, err, err_size);

	lab_result_clear(&result);
	free(verdict);
	return done;
}

int main(int argc, char **argv)
{
	json_t *json = json_loadf(stdin, 0, NULL), *result;
	struct lab_campaign campaign = campaign_of(json_object_get(json, "campaign"));
	char err[300] = "unknown verdict";
	struct lab_store *store;
	bool done = true;
	size_t i;

	if (argc != 2 || !json)
		return fail("usage: make_results FILE < JSON");
	store = lab_store_create(argv[1], &campaign, err, sizeof(err));
	if (!store)
		return fail(err);
	json_array_foreach(json_object_get(json, "results"), i, result)
		done = done && put(store, result, err, sizeof(err));
	lab_store_close(store);
	lab_campaign_clear(&campaign);
	json_decref(json);
	return done ? EXIT_SUCCESS : fail(err);
}
