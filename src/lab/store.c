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

#include "lab/store.h"
#include "lab/store_private.h"

#define APPLICATION_ID 0x66776e6d /* "fwnm" */
#define VERSION	       1

#define TEXT(x)		    #x
#define VALUE(x)	    TEXT(x)
#define PRAGMA(name, value) "PRAGMA " name " = " VALUE(value) ";"

/* How long a writer waits for somebody's report to be written. */
#define PATIENCE_MS 300

static const char pragmas[] = PRAGMA("application_id", APPLICATION_ID)
	PRAGMA("user_version", VERSION);
static const char tables[] = "CREATE TABLE campaign ("
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

/* ---- errors ---- */

bool store_fail(struct store_line err, const char *format, ...)
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

bool store_fail_to(const struct lab_store *s, const char *what, struct store_line err)
{
	return store_fail(err, "cannot %s %s: %s", what, s->path, reason(s->db));
}

static bool run(struct lab_store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

void store_bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text ? text : "", -1, SQLITE_STATIC);
}

/* ---- the campaign ---- */

static char *text_copy(const char *text)
{
	return strdup(text ? text : "");
}

static char *column_copy(sqlite3_stmt *row, int column)
{
	return text_copy((const char *)sqlite3_column_text(row, column));
}

/* The order of the columns is that of the table. */
static bool read_campaign(struct lab_store *s, struct store_line err)
{
	struct lab_campaign *c = &s->campaign;
	sqlite3_stmt *row = NULL;
	bool done = false;

	if (sqlite3_prepare_v2(s->db, "SELECT * FROM campaign", -1, &row, NULL) ||
	    sqlite3_step(row) != SQLITE_ROW) {
		store_fail_to(s, "read", err);
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
			store_fail(err, "cannot read %s: %s", s->path, strerror(ENOMEM));
		else if (!c->shard || c->shard > c->nr_shards)
			done = store_fail(err, "cannot read %s: it is damaged", s->path);
	}
	sqlite3_finalize(row);
	return done;
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
	store_bind_text(stmt, 1, c->suite);
	store_bind_text(stmt, 2, c->kernel);
	store_bind_text(stmt, 3, c->kernel_build_id);
	store_bind_text(stmt, 4, c->kernel_release);
	store_bind_text(stmt, 5, c->fwnmi_version);
	store_bind_text(stmt, 6, c->options);
	store_bind_text(stmt, 7, seed);
	sqlite3_bind_int64(stmt, 8, (sqlite3_int64)c->nr_cases);
	sqlite3_bind_int64(stmt, 9, c->shard);
	sqlite3_bind_int64(stmt, 10, c->nr_shards);
	done = sqlite3_step(stmt) == SQLITE_DONE;
	sqlite3_finalize(stmt);
	return done;
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
static bool check_header(struct lab_store *s, bool *empty, struct store_line err)
{
	unsigned char header[100]; /* SQLite's file format: version at 60, application at 68 */
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;

	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) ||
	    file->pMethods->xFileSize(file, &size))
		return store_fail(err, "cannot read %s: %s", s->path, strerror(errno));
	*empty = size == 0;
	if (*empty)
		return true;
	if (size < (sqlite3_int64)sizeof(header) ||
	    file->pMethods->xRead(file, header, sizeof(header), 0) ||
	    memcmp(header, "SQLite format 3", 16) || be32(header + 68) != APPLICATION_ID)
		return store_fail(err, "%s is no file of results", s->path);
	if (be32(header + 60) != VERSION)
		return store_fail(err,
				  "%s has results of version %u, and this fwnmi reads version %d",
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

static struct lab_store *open_file(const char *path, int flags, struct store_line err)
{
	struct lab_store *s = calloc(1, sizeof(*s));

	if (s)
		s->path = strdup(path);
	if (!s || !s->path) {
		store_fail(err, "cannot open %s: %s", path, strerror(ENOMEM));
		free(s);
		return NULL;
	}
	if (sqlite3_open_v2(path, &s->db, flags, NULL)) {
		store_fail_to(s, "open", err);
		lab_store_close(s);
		return NULL;
	}
	sqlite3_busy_timeout(s->db, PATIENCE_MS);
	return s;
}

/* A campaign that is killed while it makes its file leaves one without tables. */
static bool make_or_compare(struct lab_store *s, const struct lab_campaign *campaign,
			    struct store_line err)
{
	const char *other;

	if (!run(s, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"))
		return store_fail_to(s, "write", err);
	if (!has_tables(s) && !(run(s, pragmas) && run(s, tables) && write_campaign(s, campaign)))
		return store_fail_to(s, "write", err);
	if (!read_campaign(s, err))
		return false;
	other = lab_campaign_same(&s->campaign, campaign);
	if (other)
		return store_fail(err, "%s is of another campaign: another %s", s->path, other);
	if (s->campaign.shard != campaign->shard || s->campaign.nr_shards != campaign->nr_shards)
		return store_fail(err, "%s has shard %u/%u, not %u/%u", s->path, s->campaign.shard,
				  s->campaign.nr_shards, campaign->shard, campaign->nr_shards);
	s->writes = run(s, "COMMIT; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
	return s->writes || store_fail_to(s, "write", err);
}

struct lab_store *lab_store_create(const char *path, const struct lab_campaign *campaign,
				   char *err_text, size_t err_size)
{
	struct store_line err = { err_text, err_size };
	struct lab_store *s = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
	bool empty;

	if (s && check_header(s, &empty, err) && make_or_compare(s, campaign, err) &&
	    store_prepare(s, err))
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
	struct store_line err = { err_text, err_size };
	struct lab_store *s = open_file(path, SQLITE_OPEN_READWRITE, err);
	bool empty;

	if (!s)
		return NULL;
	if (check_header(s, &empty, err)) {
		if (empty)
			store_fail(err, "cannot read %s: it is empty", path);
		else if (!run(s, "BEGIN"))
			store_fail_to(s, "read", err);
		else if (read_campaign(s, err) && store_prepare(s, err))
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
	store_finalize(s);
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
