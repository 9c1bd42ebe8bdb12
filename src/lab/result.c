/* SPDX-License-Identifier: BSD-2-Clause */
/* What a campaign tested and what came of a case; see result.h. */
#include <stdlib.h>
#include <string.h>

#include "lab/result.h"

bool lab_campaign_has(const struct lab_campaign *campaign, uint64_t number)
{
	return number < campaign->nr_cases && number % campaign->nr_shards == campaign->shard - 1;
}

uint64_t lab_campaign_cases(const struct lab_campaign *campaign)
{
	uint64_t rest = campaign->nr_cases % campaign->nr_shards;

	return campaign->nr_cases / campaign->nr_shards + (campaign->shard <= rest);
}

const char *lab_campaign_same(const struct lab_campaign *a, const struct lab_campaign *b)
{
	if (strcmp(a->suite, b->suite))
		return "suite";
	if (strcmp(a->kernel_build_id, b->kernel_build_id))
		return "kernel";
	if (strcmp(a->kernel_release, b->kernel_release))
		return "kernel's release";
	if (strcmp(a->fwnmi_version, b->fwnmi_version))
		return "version of fwnmi";
	if (strcmp(a->options, b->options))
		return "options";
	if (a->seed != b->seed)
		return "seed";
	return a->nr_cases != b->nr_cases ? "number of cases" : NULL;
}

void lab_campaign_clear(struct lab_campaign *c)
{
	free(c->suite);
	free(c->kernel);
	free(c->kernel_build_id);
	free(c->kernel_release);
	free(c->fwnmi_version);
	free(c->options);
}

void lab_result_clear(struct lab_result *result)
{
	free(result->name);
	free(result->group);
	free(result->column);
	free(result->case_json);
	free(result->rule);
	free(result->law);
	free(result->source);
	free(result->why);
	free(result->evidence);
	memset(result, 0, sizeof(*result));
}

bool lab_result_same(const struct lab_result *a, const struct lab_result *b)
{
	return a->number == b->number && !strcmp(a->name, b->name) && !strcmp(a->group, b->group) &&
	       !strcmp(a->column, b->column) && !strcmp(a->case_json, b->case_json) &&
	       a->verdict == b->verdict && a->passed == b->passed && !strcmp(a->rule, b->rule) &&
	       !strcmp(a->law, b->law) && !strcmp(a->source, b->source) &&
	       !strcmp(a->why, b->why) && !strcmp(a->evidence, b->evidence) &&
	       a->insns == b->insns && a->points == b->points;
}
