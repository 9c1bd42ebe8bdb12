/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SQLite file of a campaign; see store.h. The schema below is documented in docs/results.md.
 *
 * A result is one transaction. The journal is a write-ahead log that is synchronised when it is
 * moved into the file, not at each commit: a process that is killed loses nothing that it has
 * committed, and a host that loses power only the last seconds. SQLite's exclusive locking mode
 * keeps other processes out, and needs no shared memory beside the file, which network file systems
 * do not have.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "lab/store.h"

#define APPLICATION_ID 0x66776e6d /* "fwnm" */
#define VERSION	       1

#define TEXT(x)	 #x
#define VALUE(x) TEXT(x)

/* How long a writer waits for somebody's report to be written. */
#define PATIENCE_MS 300

struct lab_store {
	sqlite3 *db;
	sqlite3_stmt *find, *get, *put, *find_rule, *put_rule, *put_code;
	bool writes;
	char *path;
	struct lab_campaign campaign;
};

static const char schema[] = "PRAGMA application_id = " VALUE(
	APPLICATION_ID) ";"
			"PRAGMA user_version = " VALUE(
				VERSION) ";"
					 "CREATE TABLE campaign ("
					 " suite TEXT NOT NULL,"
					 " kernel TEXT NOT NULL,"
					 " kernel_build_id TEXT NOT NULL,"
					 " kernel_release TEXT NOT NULL,"
					 " fwnmi_version TEXT NOT NULL,"
					 " options TEXT NOT NULL,"
					 " seed TEXT NOT NULL,"
					 " cases INTEGER NOT NULL,"
					 " shard INTEGER NOT NULL,"
					 " shards INTEGER NOT NULL"
					 ") STRICT;"
					 "CREATE TABLE rule ("
					 " id INTEGER PRIMARY KEY,"
					 " name TEXT NOT NULL,"
					 " law TEXT NOT NULL,"
					 " source TEXT NOT NULL,"
					 " UNIQUE (name, law, source)"
					 ") STRICT;"
					 "CREATE TABLE result ("
					 " number INTEGER PRIMARY KEY,"
					 " name TEXT NOT NULL UNIQUE,"
					 " case_group TEXT NOT NULL,"
					 " case_column TEXT NOT NULL,"
					 " verdict TEXT NOT NULL,"
					 " passed INTEGER NOT NULL,"
					 " rule INTEGER REFERENCES rule (id),"
					 " why TEXT NOT NULL,"
					 " insns INTEGER NOT NULL,"
					 " points INTEGER NOT NULL,"
					 " host_ns INTEGER NOT NULL,"
					 " case_json TEXT NOT NULL,"
					 " evidence TEXT NOT NULL"
					 ") STRICT;"
					 "CREATE TABLE code ("
					 " address TEXT PRIMARY KEY,"
					 " symbol TEXT NOT NULL,"
					 " line TEXT NOT NULL,"
					 " ran INTEGER NOT NULL"
					 ") STRICT, WITHOUT ROWID;";

#define RESULT                                                                             \
	"SELECT number, result.name, case_group, case_column, case_json, verdict, passed," \
	" ifnull(rule.name, ''), ifnull(law, ''), ifnull(source, ''), why, evidence,"      \
	" insns, host_ns, points FROM result LEFT JOIN rule ON rule.id = result.rule"

/* ---- errors ---- */

/* Where a function that can fail puts its line. */
struct line {
	char *text;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct line err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(err.text, err.size, format, ap);
	va_end(ap);
	return false;
}

static const char *reason(sqlite3 *db)
{
	int host_error;

	if (!db)
		return strerror(ENOMEM);
	host_error = sqlite3_system_errno(db);
	switch (sqlite3_errcode(db) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another process is using it";
	case SQLITE_FULL:
		return strerror(ENOSPC);
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return "it is damaged";
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		if (host_error)
			return strerror(host_error);
		break;
	}
	return sqlite3_errmsg(db);
}

static bool fail_to(const struct lab_store *s, const char *what, struct line err)
{
	return fail(err, "cannot %s %s: %s", what, s->path, reason(s->db));
}

static bool run(struct lab_store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* ---- campaigns ---- */

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

static char *text_copy(const char *text)
{
	return strdup(text ? text : "");
}

static char *column_copy(sqlite3_stmt *row, int column)
{
	return text_copy((const char *)sqlite3_column_text(row, column));
}

/* The order of the columns is that of the table. */
static bool read_campaign(struct lab_store *s, struct line err)
{
	struct lab_campaign *c = &s->campaign;
	sqlite3_stmt *row = NULL;
	bool done = false;

	if (sqlite3_prepare_v2(s->db, "SELECT * FROM campaign", -1, &row, NULL) ||
	    sqlite3_step(row) != SQLITE_ROW) {
		fail_to(s, "read", err);
	} else {
		c->suite = column_copy(row, 0);
		c->kernel = column_copy(row, 1);
		c->kernel_build_id = column_copy(row, 2);
		c->kernel_release = column_copy(row, 3);
		c->fwnmi_version = column_copy(row, 4);
		c->options = column_copy(row, 5);
		c->seed = strtoull((const char *)sqlite3_column_text(row, 6), NULL, 10);
		c->nr_cases = (uint64_t)sqlite3_column_int64(row, 7);
		c->shard = (unsigned)sqlite3_column_int64(row, 8);
		c->nr_shards = (unsigned)sqlite3_column_int64(row, 9);
		done = c->suite && c->kernel && c->kernel_build_id && c->kernel_release &&
		       c->fwnmi_version && c->options;
		if (!done)
			fail(err, "cannot read %s: %s", s->path, strerror(ENOMEM));
		else if (!c->shard || c->shard > c->nr_shards)
			done = fail(err, "cannot read %s: it is damaged", s->path);
	}
	sqlite3_finalize(row);
	return done;
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text ? text : "", -1, SQLITE_STATIC);
}

static bool write_campaign(struct lab_store *s, const struct lab_campaign *c)
{
	sqlite3_stmt *stmt = NULL;
	char seed[32];
	bool done;

	if (sqlite3_prepare_v2(s->db, "INSERT INTO campaign VALUES (?,?,?,?,?,?,?,?,?,?)", -1,
			       &stmt, NULL))
		return false;
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)c->seed);
	bind_text(stmt, 1, c->suite);
	bind_text(stmt, 2, c->kernel);
	bind_text(stmt, 3, c->kernel_build_id);
	bind_text(stmt, 4, c->kernel_release);
	bind_text(stmt, 5, c->fwnmi_version);
	bind_text(stmt, 6, c->options);
	bind_text(stmt, 7, seed);
	sqlite3_bind_int64(stmt, 8, (sqlite3_int64)c->nr_cases);
	sqlite3_bind_int64(stmt, 9, c->shard);
	sqlite3_bind_int64(stmt, 10, c->nr_shards);
	done = sqlite3_step(stmt) == SQLITE_DONE;
	sqlite3_finalize(stmt);
	return done;
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

/* ---- opening ---- */

static uint32_t be32(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

/*
 * Looks at the file's first bytes before SQLite does, which would replay the journal of somebody
 * else's file. It takes SQLite's descriptor: closing another one would drop SQLite's locks.
 */
static bool check_header(struct lab_store *s, bool *empty, struct line err)
{
	unsigned char header[100]; /* SQLite's file format: version at 60, application at 68 */
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;

	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) ||
	    file->pMethods->xFileSize(file, &size))
		return fail(err, "cannot read %s: %s", s->path, strerror(errno));
	*empty = size == 0;
	if (*empty)
		return true;
	if (size < (sqlite3_int64)sizeof(header) ||
	    file->pMethods->xRead(file, header, sizeof(header), 0) ||
	    memcmp(header, "SQLite format 3", 16) || be32(header + 68) != APPLICATION_ID)
		return fail(err, "%s is no file of results", s->path);
	if (be32(header + 60) != VERSION)
		return fail(err, "%s has results of version %u, and this fwnmi reads version %d",
			    s->path, be32(header + 60), VERSION);
	return true;
}

/* Not the schema's tables, but those that others may have put there count as well. */
static bool has_tables(struct lab_store *s)
{
	sqlite3_stmt *stmt = NULL;
	bool found = !sqlite3_prepare_v2(s->db, "SELECT 1 FROM sqlite_schema", -1, &stmt, NULL) &&
		     sqlite3_step(stmt) == SQLITE_ROW;

	sqlite3_finalize(stmt);
	return found;
}

static bool prepare(struct lab_store *s, struct line err)
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
			return fail_to(s, "read", err);
	return true;
}

static struct lab_store *open_file(const char *path, int flags, struct line err)
{
	struct lab_store *s = calloc(1, sizeof(*s));

	if (s)
		s->path = strdup(path);
	if (!s || !s->path) {
		fail(err, "cannot open %s: %s", path, strerror(ENOMEM));
		free(s);
		return NULL;
	}
	if (sqlite3_open_v2(path, &s->db, flags, NULL)) {
		fail_to(s, "open", err);
		lab_store_close(s);
		return NULL;
	}
	sqlite3_busy_timeout(s->db, PATIENCE_MS);
	return s;
}

/* A campaign that is killed while it makes its file leaves one without tables. */
static bool make_or_compare(struct lab_store *s, const struct lab_campaign *campaign,
			    struct line err)
{
	const char *other;

	if (!run(s, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"))
		return fail_to(s, "write", err);
	if (!has_tables(s) && !(run(s, schema) && write_campaign(s, campaign)))
		return fail_to(s, "write", err);
	if (!read_campaign(s, err))
		return false;
	other = lab_campaign_same(&s->campaign, campaign);
	if (other)
		return fail(err, "%s is of another campaign: another %s", s->path, other);
	if (s->campaign.shard != campaign->shard || s->campaign.nr_shards != campaign->nr_shards)
		return fail(err, "%s has shard %u/%u, not %u/%u", s->path, s->campaign.shard,
			    s->campaign.nr_shards, campaign->shard, campaign->nr_shards);
	s->writes = run(s, "COMMIT; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
	return s->writes || fail_to(s, "write", err);
}

struct lab_store *lab_store_create(const char *path, const struct lab_campaign *campaign,
				   char *err_text, size_t err_size)
{
	struct line err = { err_text, err_size };
	struct lab_store *s = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
	bool empty;

	if (s && check_header(s, &empty, err) && make_or_compare(s, campaign, err) &&
	    prepare(s, err))
		return s;
	lab_store_close(s);
	return NULL;
}

/*
 * Opens for writing if that is allowed, because the journal of a campaign that was killed has to be
 * moved into the file.
 */
struct lab_store *lab_store_open(const char *path, char *err_text, size_t err_size)
{
	struct line err = { err_text, err_size };
	struct lab_store *s = open_file(path, SQLITE_OPEN_READWRITE, err);
	bool empty;

	if (!s)
		return NULL;
	if (check_header(s, &empty, err)) {
		if (empty)
			fail(err, "cannot read %s: it is empty", path);
		else if (!run(s, "BEGIN"))
			fail_to(s, "read", err);
		else if (read_campaign(s, err) && prepare(s, err))
			return s;
	}
	lab_store_close(s);
	return NULL;
}

/* Leaves one file without a journal, as far as that is possible now. */
void lab_store_close(struct lab_store *s)
{
	if (!s)
		return;
	sqlite3_finalize(s->find);
	sqlite3_finalize(s->get);
	sqlite3_finalize(s->put);
	sqlite3_finalize(s->find_rule);
	sqlite3_finalize(s->put_rule);
	sqlite3_finalize(s->put_code);
	if (s->writes)
		run(s, "PRAGMA journal_mode = DELETE");
	sqlite3_close(s->db);
	lab_campaign_clear(&s->campaign);
	free(s->path);
	free(s);
}

static bool is_empty(struct lab_store *s)
{
	sqlite3_stmt *stmt = NULL;
	bool empty = !sqlite3_prepare_v2(s->db, "SELECT 1 FROM result", -1, &stmt, NULL) &&
		     sqlite3_step(stmt) == SQLITE_DONE;

	sqlite3_finalize(stmt);
	return empty;
}

/* The journal goes first, and the lock stays until the file is gone: nobody else's is removed. */
void lab_store_abandon(struct lab_store *s)
{
	if (s && s->writes && is_empty(s) && run(s, "PRAGMA journal_mode = DELETE")) {
		unlink(s->path);
		s->writes = false;
	}
	lab_store_close(s);
}

const struct lab_campaign *lab_store_campaign(const struct lab_store *s)
{
	return &s->campaign;
}

const char *lab_store_path(const struct lab_store *s)
{
	return s->path;
}

/* ---- results ---- */

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
	bind_text(stmt, 1, result->rule);
	bind_text(stmt, 2, result->law);
	bind_text(stmt, 3, result->source);
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
	bind_text(stmt, 2, result->name);
	bind_text(stmt, 3, result->group);
	bind_text(stmt, 4, result->column);
	bind_text(stmt, 5, result->case_json);
	bind_text(stmt, 6, lab_verdict_name(result->verdict));
	sqlite3_bind_int(stmt, 7, result->passed);
	if (rule)
		sqlite3_bind_int64(stmt, 8, rule);
	else
		sqlite3_bind_null(stmt, 8);
	bind_text(stmt, 9, result->why);
	bind_text(stmt, 10, result->evidence);
	sqlite3_bind_int64(stmt, 11, (sqlite3_int64)result->insns);
	sqlite3_bind_int64(stmt, 12, (sqlite3_int64)result->host_ns);
	sqlite3_bind_int64(stmt, 13, (sqlite3_int64)result->points);
}

bool lab_store_put(struct lab_store *s, const struct lab_result *result, char *err_text,
		   size_t err_size)
{
	struct line err = { err_text, err_size };
	sqlite3_int64 rule = 0;
	bool done;

	if (result->rule && *result->rule) {
		rule = rule_id(s, result);
		if (!rule)
			return fail_to(s, "write", err);
	}
	bind_result(s->put, result, rule);
	done = sqlite3_step(s->put) == SQLITE_DONE;
	if (done)
		;
	else if (sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_PRIMARYKEY)
		fail(err, "cannot write %s: it has case %llu already", s->path,
		     (unsigned long long)result->number);
	else if (sqlite3_extended_errcode(s->db) == SQLITE_CONSTRAINT_UNIQUE)
		fail(err, "cannot write %s: it has a case with the name of case %llu, %s", s->path,
		     (unsigned long long)result->number, result->name);
	else
		fail_to(s, "write", err);
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

static bool fail_row(const struct lab_store *s, const struct lab_result *result, struct line err)
{
	return fail(err, "cannot read %s: case %llu has no known verdict", s->path,
		    (unsigned long long)result->number);
}

bool lab_store_each(struct lab_store *s,
		    bool (*each)(void *opaque, const struct lab_result *result), void *opaque,
		    char *err_text, size_t err_size)
{
	struct line err = { err_text, err_size };
	struct lab_result result;
	sqlite3_stmt *rows = NULL;
	int step = SQLITE_ROW;
	bool done = true;

	if (sqlite3_prepare_v2(s->db, RESULT " ORDER BY number", -1, &rows, NULL))
		return fail_to(s, "read", err);
	while (done && (step = sqlite3_step(rows)) == SQLITE_ROW) {
		if (!take_row(rows, &result))
			done = fail_row(s, &result, err);
		else if (!each(opaque, &result))
			break;
	}
	if (done && step != SQLITE_ROW && step != SQLITE_DONE)
		done = fail_to(s, "read", err);
	sqlite3_finalize(rows);
	return done;
}

bool lab_store_put_code(struct lab_store *s, const struct lab_code *code, char *err_text,
			size_t err_size)
{
	char address[24];
	bool done;

	snprintf(address, sizeof(address), "0x%016llx", (unsigned long long)code->address);
	bind_text(s->put_code, 1, address);
	bind_text(s->put_code, 2, code->symbol);
	bind_text(s->put_code, 3, code->line);
	sqlite3_bind_int(s->put_code, 4, code->ran);
	done = sqlite3_step(s->put_code) == SQLITE_DONE;
	if (!done)
		fail_to(s, "write", (struct line){ err_text, err_size });
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
		fail_to(s, "read", (struct line){ err_text, err_size });
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
	struct line err = { err_text, err_size };
	bool done;

	*result = (struct lab_result){ .number = number };
	sqlite3_bind_int64(s->get, 1, (sqlite3_int64)number);
	switch (sqlite3_step(s->get)) {
	case SQLITE_ROW:
		done = take_row(s->get, result) || fail_row(s, result, err);
		if (!done)
			*result = (struct lab_result){ .number = number };
		else if (!copy_result(result))
			done = fail(err, "cannot read %s: %s", s->path, strerror(ENOMEM));
		break;
	case SQLITE_DONE:
		done = fail(err, "%s has no case %llu", s->path, (unsigned long long)number);
		break;
	default:
		done = fail_to(s, "read", err);
	}
	sqlite3_reset(s->get);
	return done;
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
