/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The results of a campaign: one SQLite file. docs/results.md has the schema.
 *
 * While a campaign is written, nobody else can open its file; a writer that is killed loses at most
 * the result being written. A process that forks leaves the store to the parent: children neither
 * use it nor close it.
 */
#ifndef FWNMI_LAB_STORE_H
#define FWNMI_LAB_STORE_H

#include "lab/case.h"
#include "lab/verdict.h"

struct lab_store;

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

/**
 * lab_store_create() - open a campaign's file for writing, or make it
 *
 * A file that is there must be of the same campaign and shard: its results are kept, and
 * lab_store_has() says which. One writer at a time.
 * returns: NULL, with one line in @err: no results file, of another version, of another campaign,
 * somebody else writes, no space
 */
struct lab_store *lab_store_create(const char *path, const struct lab_campaign *campaign, char *err,
				   size_t err_size);
/** lab_store_open() - open a campaign's file for reading; it stays as it is meanwhile */
struct lab_store *lab_store_open(const char *path, char *err, size_t err_size);
void lab_store_close(struct lab_store *store);
/** lab_store_abandon() - the same for a campaign that failed: a file without results is removed */
void lab_store_abandon(struct lab_store *store);
const struct lab_campaign *lab_store_campaign(const struct lab_store *store);
const char *lab_store_path(const struct lab_store *store);
/** lab_store_has() - is there a result of this case? False if the file cannot be read, too */
bool lab_store_has(const struct lab_store *store, uint64_t number);
/** lab_store_put() - keep a result; what was put before is never lost. false: @err says why */
bool lab_store_put(struct lab_store *store, const struct lab_result *result, char *err,
		   size_t err_size);
/**
 * lab_store_each() - hands out every result, by number, until @each returns false
 * returns: false, with one line in @err, if the file cannot be read
 */
bool lab_store_each(struct lab_store *store,
		    bool (*each)(void *opaque, const struct lab_result *result), void *opaque,
		    char *err, size_t err_size);
/** lab_store_get() - one result, to be given to lab_result_clear(); false: @err says why */
bool lab_store_get(struct lab_store *store, uint64_t number, struct lab_result *result, char *err,
		   size_t err_size);
/** lab_store_put_code() - keep whether an instruction ran; once it did, it did */
bool lab_store_put_code(struct lab_store *store, const struct lab_code *code, char *err,
			size_t err_size);
/** lab_store_each_code() - hands out all of them by address; @err as of lab_store_each() */
bool lab_store_each_code(struct lab_store *store,
			 bool (*each)(void *opaque, const struct lab_code *code), void *opaque,
			 char *err, size_t err_size);
void lab_result_clear(struct lab_result *result);
/** lab_result_same() - do they say the same, apart from host_ns? */
bool lab_result_same(const struct lab_result *a, const struct lab_result *b);

#endif
