/* SPDX-License-Identifier: BSD-2-Clause */
/* Results and code in the file of a campaign: written, and read again; see store.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/store.h"
#include "lab/store_private.h"

#define RESULT                                                                             \
	"SELECT number, result.name, case_group, case_column, case_json, verdict, passed," \
	" ifnull(rule.name, ''), ifnull(law, ''), ifnull(source, ''), why, evidence,"      \
	" insns, host_ns, points FROM result LEFT JOIN rule ON rule.id = result.rule"

bool store_prepare(struct lab_store *s, struct store_line err)
{
	const struct {
		sqlite3_stmt **stmt;
		const char *sql;
	} statements[] = {
		{ &s->find, "SELECT 1 FROM result WHERE number = ?" },
		{ &s->get, RESULT " WHERE number = ?" },
		{ &s->put, "INSERT INTO result (number, name, case_group, case_column, case_json,"
			   " verdict, passed, rule, why, evidence, insns, host_ns, points)"
			   " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)" },
		{ &s->find_rule, "SELECT id FROM rule WHERE name = ? AND law = ? AND source = ?" },
		{ &s->put_rule, "INSERT INTO rule (name, law, source) VALUES (?,?,?)" },
		{ &s->put_code, "INSERT INTO code (address, symbol, line, ran) VALUES (?,?,?,?)"
				" ON CONFLICT DO UPDATE SET ran = max(ran, excluded.ran)" },
	};

	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (sqlite3_prepare_v3(s->db, statements[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
				       statements[i].stmt, NULL))
			return store_fail_to(s, "read", err);
	return true;
}

void store_finalize(struct lab_store *s)
{
	sqlite3_finalize(s->find);
	sqlite3_finalize(s->get);
	sqlite3_finalize(s->put);
	sqlite3_finalize(s->find_rule);
	sqlite3_finalize(s->put_rule);
	sqlite3_finalize(s->put_code);
}

bool lab_store_has(const struct lab_store *s, uint64_t number)
{
	bool found;

	sqlite3_bind_int64(s->find, 1, (sqlite3_int64)number);
	found = sqlite3_step(s->find) == SQLITE_ROW;
	sqlite3_reset(s->find);
	return found;
}

static void bind_rule(sqlite3_stmt *stmt, const struct lab_result *result)
{
	store_bind_text(stmt, 1, result->rule);
	store_bind_text(stmt, 2, result->law);
	store_bind_text(stmt, 3, result->source);
}

/* The rule's number in its table, which gets it if it is new; 0 on errors. */
static sqlite3_int64 rule_id(struct lab_store *s, const struct lab_result *result)
{
	sqlite3_int64 id = 0;
	int found;

	bind_rule(s->find_rule, result);
	found = sqlite3_step(s->find_rule);
	if (found == SQLITE_ROW)
		id = sqlite3_column_int64(s->find_rule, 0);
	sqlite3_reset(s->find_rule);
	if (found != SQLITE_DONE)
		return id;
	bind_rule(s->put_rule, result);
	if (sqlite3_step(s->put_rule) == SQLITE_DONE)
		id = sqlite3_last_insert_rowid(s->db);
	sqlite3_reset(s->put_rule);
	return id;
}

static void bind_result(sqlite3_stmt *stmt, const struct lab_result *result, sqlite3_int64 rule)
{
	sqlite3_bind_int64(stmt, 1, (sqlite3_int64)result->number);
	store_bind_text(stmt, 2, result->name);
	store_bind_text(stmt, 3, result->group);
	store_bind_text(stmt, 4, result->column);
	store_bind_text(stmt, 5, result->case_json);
	store_bind_text(stmt, 6, lab_verdict_name(result->verdict));
	sqlite3_bind_int(stmt, 7, result->passed);
	if (rule)
		sqlite3_bind_int64(stmt, 8, rule);
	else
		sqlite3_bind_null(stmt, 8);
	store_bind_text(stmt, 9, result->why);
	store_bind_text(stmt, 10, result->evidence);
	sqlite3_bind_int64(stmt, 11, (sqlite3_int64)result->insns);
	sqlite3_bind_int64(stmt, 12, (sqlite3_int64)result->host_ns);
	sqlite3_bind_int64(stmt, 13, (sqlite3_int64)result->points);
}

bool lab_store_put(struct lab_store *s, const struct lab_result *result, char *err_text,
		   size_t err_size)
{
	struct store_line err = { err_text, err_size };
	sqlite3_int64 rule = 0;
	bool done;

	if (result->rule && *result->rule) {
		rule = rule_id(s, result);
		if (!rule)
			return store_fail_to(s, "write", err);
	}
	bind_result(s->put, result, rule);
	done = sqlite3_step(s->put) == SQLITE_DONE;
	if (done)
		;
	else if (sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_PRIMARYKEY)
		store_fail(err, "cannot write %s: it has case %llu already", s->path,
			   (unsigned long long)result->number);
	else if (sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_UNIQUE)
		store_fail(err, "cannot write %s: it has a case with the name of case %llu, %s",
			   s->path, (unsigned long long)result->number, result->name);
	else
		store_fail_to(s, "write", err);
	sqlite3_reset(s->put);
	return done;
}

/*
 * Takes a row of RESULT. Its text is SQLite's, and goes with the row. False if the verdict is none.
 */
static bool take_row(sqlite3_stmt *row, struct lab_result *result)
{
	char **const text[] = {
		[1] = &result->name,	  [2] = &result->group, [3] = &result->column,
		[4] = &result->case_json, [7] = &result->rule,	[8] = &result->law,
		[9] = &result->source,	  [10] = &result->why,	[11] = &result->evidence
	};
	const char *verdict = (const char *)sqlite3_column_text(row, 5);
	static char nothing[] = "";

	*result = (struct lab_result){
		.number = (uint64_t)sqlite3_column_int64(row, 0),
		.passed = sqlite3_column_int(row, 6) != 0,
		.insns = (uint64_t)sqlite3_column_int64(row, 12),
		.host_ns = (uint64_t)sqlite3_column_int64(row, 13),
		.points = (uint64_t)sqlite3_column_int64(row, 14),
	};
	for (int i = 0; i < (int)(sizeof(text) / sizeof(text[0])); i++) {
		if (!text[i])
			continue;
		*text[i] = (char *)sqlite3_column_text(row, i);
		if (!*text[i])
			*text[i] = nothing;
	}
	return verdict && lab_verdict_parse(verdict, &result->verdict);
}

static bool fail_row(const struct lab_store *s, const struct lab_result *result,
		     struct store_line err)
{
	return store_fail(err, "cannot read %s: case %llu has no known verdict", s->path,
			  (unsigned long long)result->number);
}

bool lab_store_each(struct lab_store *s,
		    bool (*each)(void *opaque, const struct lab_result *result), void *opaque,
		    char *err_text, size_t err_size)
{
	struct store_line err = { err_text, err_size };
	struct lab_result result;
	sqlite3_stmt *rows = NULL;
	int step = SQLITE_ROW;
	bool done = true;

	if (sqlite3_prepare_v2(s->db, RESULT " ORDER BY number", -1, &rows, NULL))
		return store_fail_to(s, "read", err);
	while (done && (step = sqlite3_step(rows)) == SQLITE_ROW) {
		if (!take_row(rows, &result))
			done = fail_row(s, &result, err);
		else if (!each(opaque, &result))
			break;
	}
	if (done && step != SQLITE_ROW && step != SQLITE_DONE)
		done = store_fail_to(s, "read", err);
	sqlite3_finalize(rows);
	return done;
}

bool lab_store_put_code(struct lab_store *s, const struct lab_code *code, char *err_text,
			size_t err_size)
{
	char address[24];
	bool done;

	snprintf(address, sizeof(address), "0x%016llx", (unsigned long long)code->address);
	store_bind_text(s->put_code, 1, address);
	store_bind_text(s->put_code, 2, code->symbol);
	store_bind_text(s->put_code, 3, code->line);
	sqlite3_bind_int(s->put_code, 4, code->ran);
	done = sqlite3_step(s->put_code) == SQLITE_DONE;
	if (!done)
		store_fail_to(s, "write", (struct store_line){ err_text, err_size });
	sqlite3_reset(s->put_code);
	return done;
}

bool lab_store_each_code(struct lab_store *s,
			 bool (*each)(void *opaque, const struct lab_code *code), void *opaque,
			 char *err_text, size_t err_size)
{
	sqlite3_stmt *rows = NULL;
	int step = SQLITE_ERROR;

	if (!sqlite3_prepare_v2(s->db, "SELECT * FROM code ORDER BY address", -1, &rows, NULL)) {
		while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
			const char *address = (const char *)sqlite3_column_text(rows, 0);
			const struct lab_code code = {
				.address = strtoull(address ? address : "", NULL, 16),
				.symbol = (char *)sqlite3_column_text(rows, 1),
				.line = (char *)sqlite3_column_text(rows, 2),
				.ran = sqlite3_column_int(rows, 3) != 0,
			};

			if (!code.symbol || !code.line || !each(opaque, &code))
				break;
		}
	}
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		store_fail_to(s, "read", (struct store_line){ err_text, err_size });
	sqlite3_finalize(rows);
	return step == SQLITE_ROW || step == SQLITE_DONE;
}

static bool copy_result(struct lab_result *result)
{
	char **const text[] = { &result->name,	    &result->group, &result->column,
				&result->case_json, &result->rule,  &result->law,
				&result->source,    &result->why,   &result->evidence };
	bool done = true;

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		*text[i] = strdup(*text[i]);
		done = done && *text[i];
	}
	if (!done)
		lab_result_clear(result);
	return done;
}

bool lab_store_get(struct lab_store *s, uint64_t number, struct lab_result *result, char *err_text,
		   size_t err_size)
{
	struct store_line err = { err_text, err_size };
	bool done;

	*result = (struct lab_result){ .number = number };
	sqlite3_bind_int64(s->get, 1, (sqlite3_int64)number);
	switch (sqlite3_step(s->get)) {
	case SQLITE_ROW:
		done = take_row(s->get, result) || fail_row(s, result, err);
		if (!done)
			*result = (struct lab_result){ .number = number };
		else if (!copy_result(result))
			done = store_fail(err, "cannot read %s: %s", s->path, strerror(ENOMEM));
		break;
	case SQLITE_DONE:
		done = store_fail(err, "%s has no case %llu", s->path, (unsigned long long)number);
		break;
	default:
		done = store_fail_to(s, "read", err);
	}
	sqlite3_reset(s->get);
	return done;
}
