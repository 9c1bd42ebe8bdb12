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

#include <stddef.h>

#include "lab/result.h"

struct lab_store;

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

#endif
