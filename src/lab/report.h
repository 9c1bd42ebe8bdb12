/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What people and machines read of a campaign's results. docs/results.md describes the formats.
 *
 * All of them come out in the order of the cases' numbers, and are the same for the same results,
 * apart from times. Text of results may come from a guest: it is made harmless in each format.
 */
#ifndef FWNMI_LAB_REPORT_H
#define FWNMI_LAB_REPORT_H

#include <stdio.h>

#include "lab/store.h"

struct lab_report {
	struct lab_store *store;
	FILE *out;
	bool times; /* what cases took on the host */
	bool colour; /* of the matrix, as are: */
	unsigned width; /* of the terminal in characters */
};

struct lab_totals {
	uint64_t passed, failed;
	uint64_t unruled; /* of those that passed: no rule covers them */
	uint64_t to_run; /* cases of the shard without a result */
	uint64_t points; /* those of a sweep, equivalent ones included */
	uint64_t insns, host_ns;
	uint64_t verdicts[LAB_VERDICTS];
};

/** lab_report_totals() - false, with one line in @err, if the file cannot be read */
bool lab_report_totals(struct lab_store *store, struct lab_totals *totals, char *err,
		       size_t err_size);

/**
 * lab_report_fn - write a report
 *
 * returns: false, with one line in @err, if the file cannot be read. Errors in writing are those
 * of @report->out.
 */
typedef bool lab_report_fn(const struct lab_report *report, char *err, size_t err_size);

/* Rows are groups, columns are columns; then each failure, with the command that replays it. */
lab_report_fn lab_report_matrix;
lab_report_fn lab_report_tap;
lab_report_fn lab_report_junit;
lab_report_fn lab_report_json;
lab_report_fn lab_report_html;

/**
 * lab_report_compare() - what has changed from one campaign to another, by the cases' names
 * @report: says where to write; its store is the newer one
 * @broken: set to the number of cases that passed and fail now
 */
bool lab_report_compare(const struct lab_report *report, struct lab_store *old, uint64_t *broken,
			char *err, size_t err_size);

/* What joining has found besides results. */
struct lab_merged {
	uint64_t disagreed; /* cases with two different results */
	uint64_t to_run; /* cases without one */
};

/**
 * lab_report_merge() - join the results of shards in one file
 * @path: a new file, or one that has some results already
 * @out: gets one line for each case that differs between files, and what is to be run again
 */
bool lab_report_merge(const char *path, const char *const *shards, size_t nr_shards, FILE *out,
		      struct lab_merged *merged, char *err, size_t err_size);

#endif
