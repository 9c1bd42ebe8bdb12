/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the store share: store.c (the file), store_results.c (what is in it). */
#ifndef FWNMI_LAB_STORE_PRIVATE_H
#define FWNMI_LAB_STORE_PRIVATE_H

#include <sqlite3.h>

#include "lab/result.h"

struct lab_store {
	sqlite3 *db;
	sqlite3_stmt *find, *get, *put, *find_rule, *put_rule, *put_code;
	bool writes;
	char *path;
	struct lab_campaign campaign;
};

/* Where a function that can fail puts its line. */
struct store_line {
	char *text;
	size_t size;
};

/* store.c */
bool store_fail(struct store_line err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** store_fail_to() - "cannot WHAT the file", and SQLite's reason. Returns false. */
bool store_fail_to(const struct lab_store *s, const char *what, struct store_line err);
/** store_bind_text() - the text has to stay; NULL is "" */
void store_bind_text(sqlite3_stmt *stmt, int at, const char *text);

/* store_results.c */
/** store_prepare() - the statements of an open file; false: @err says why */
bool store_prepare(struct lab_store *s, struct store_line err);
void store_finalize(struct lab_store *s);

#endif
