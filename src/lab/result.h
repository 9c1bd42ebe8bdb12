/* SPDX-License-Identifier: BSD-2-Clause */
/* What a campaign tested, and what came of each case. store.h keeps it in a file. */
#ifndef FWNMI_LAB_RESULT_H
#define FWNMI_LAB_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "lab/rule.h"

/* What was tested. Two files of the same campaign agree in all of it but the kernel's path. */
struct lab_campaign {
	char *suite; /* "quick", "standard", "sweep", or a scenario file's path and hash */
	char *kernel; /* its path, for people */
	char *kernel_build_id; /* hex, or the SHA-256 of the file if it has none: "sha256:..." */
	char *kernel_release; /* "6.1.0-42-powerpc64le", as it prints */
	char *fwnmi_version;
	char *options; /* JSON object: all that a replay needs (smp, m, append, initrd, ...) */
	uint64_t seed;
	uint64_t nr_cases; /* of all shards */
	unsigned shard, nr_shards; /* shard 1..nr_shards */
};

/* A case and what came of it. Text is "" where there is nothing to say, or NULL when put. */
struct lab_result {
	uint64_t number;
	char *name, *group, *column;
	char *case_json; /* lab_case_json() */
	enum lab_verdict verdict;
	bool passed;
	char *rule, *law, *source, *why;
	char *evidence; /* JSON object; docs/results.md says what reports make of it */
	uint64_t insns;
	uint64_t host_ns; /* what it took; not compared */
	/* How many equivalent points of a sweep it stands for, itself included. */
	uint64_t points;
};

/* An instruction of the kernel's machine check and system reset code; see coverage.h. */
struct lab_code {
	uint64_t address; /* link address */
	char *symbol, *line; /* line: "" or NULL if it is unknown */
	bool ran;
};

/** lab_campaign_clear() - free its text */
void lab_campaign_clear(struct lab_campaign *campaign);
/** lab_campaign_has() - does this case belong to the campaign's shard? */
bool lab_campaign_has(const struct lab_campaign *campaign, uint64_t number);
/** lab_campaign_cases() - the number of cases of the campaign's shard */
uint64_t lab_campaign_cases(const struct lab_campaign *campaign);
/**
 * lab_campaign_same() - are these of the same campaign, whatever their shards?
 * returns: NULL, or in what they differ: "kernel", "seed", ...
 */
const char *lab_campaign_same(const struct lab_campaign *a, const struct lab_campaign *b);

void lab_result_clear(struct lab_result *result);
/** lab_result_same() - do they say the same, apart from host_ns? */
bool lab_result_same(const struct lab_result *a, const struct lab_result *b);

#endif
