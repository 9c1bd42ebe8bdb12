/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A campaign's results for a terminal: a matrix of verdicts, totals, and the failures with the
 * commands that replay them.
 *
 * A cell has the verdict that most of its cases have; a verdict that fails is preferred, and in
 * capitals. "+" says that there are others.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lab/report.h"
#include "lab/report_code.h"
#include "lab/report_text.h"

#define GAP	      2 /* between columns */
#define ROW_NAME_MAX  44 /* longer ones are cut */
#define COLUMN_MAX    20
#define FAILURES_MAX  100 /* of those that are told in full */
#define CELL_TEXT_MAX 48

struct cell {
	uint64_t passed[LAB_VERDICTS], failed[LAB_VERDICTS];
};

/* Names in the order of their first case, and where to find them. */
struct axis {
	char **names;
	size_t count, room;
	json_t *index; /* name to place in names */
};

struct matrix {
	struct axis rows, columns;
	struct cell **cells; /* a line for each row */
	size_t *line_lengths; /* columns that a line has cells for */
	size_t nr_lines;
	bool failed; /* out of memory */
	uint64_t failures_told;
	const struct lab_report *report;
};

/* ---- collecting ---- */

static bool axis_find(struct axis *axis, const char *name, size_t *place)
{
	const json_t *known = json_object_get(axis->index, name);
	char **names = axis->names;

	if (known) {
		*place = (size_t)json_integer_value(known);
		return true;
	}
	if (axis->count == axis->room) {
		names = realloc(names, (axis->room * 2 + 16) * sizeof(*names));
		if (!names)
			return false;
		axis->names = names;
		axis->room = axis->room * 2 + 16;
	}
	*place = axis->count;
	names[*place] = report_printable(name);
	if (!names[*place])
		return false;
	axis->count++;
	return !json_object_set_new_nocheck(axis->index, name, json_integer((json_int_t)*place));
}

static bool grow_lines(struct matrix *m, size_t row)
{
	struct cell **cells = realloc(m->cells, (row + 1) * sizeof(*cells));
	size_t *lengths;

	if (!cells)
		return false;
	m->cells = cells;
	lengths = realloc(m->line_lengths, (row + 1) * sizeof(*lengths));
	if (!lengths)
		return false;
	m->line_lengths = lengths;
	cells[row] = NULL;
	lengths[row] = 0;
	m->nr_lines = row + 1;
	return true;
}

static bool grow_line(struct matrix *m, size_t row, size_t length)
{
	size_t had = m->line_lengths[row];
	struct cell *line = realloc(m->cells[row], length * sizeof(*line));

	if (!line)
		return false;
	memset(line + had, 0, (length - had) * sizeof(*line));
	m->cells[row] = line;
	m->line_lengths[row] = length;
	return true;
}

static bool collect(void *opaque, const struct lab_result *result)
{
	struct matrix *m = opaque;
	size_t rows = m->rows.count, row, column;
	struct cell *cell;

	m->failed = !axis_find(&m->rows, result->group, &row) ||
		    (m->rows.count > rows && !grow_lines(m, row)) ||
		    !axis_find(&m->columns, result->column, &column) ||
		    (column >= m->line_lengths[row] && !grow_line(m, row, column + 1));
	if (m->failed)
		return false;
	cell = &m->cells[row][column];
	if (result->passed)
		cell->passed[result->verdict]++;
	else
		cell->failed[result->verdict]++;
	return true;
}

static void clear_axis(struct axis *axis)
{
	for (size_t i = 0; i < axis->count; i++)
		free(axis->names[i]);
	free(axis->names);
	json_decref(axis->index);
}

static void clear(struct matrix *m)
{
	for (size_t i = 0; i < m->nr_lines; i++)
		free(m->cells[i]);
	free(m->cells);
	free(m->line_lengths);
	clear_axis(&m->rows);
	clear_axis(&m->columns);
}

/* ---- cells ---- */

enum colour {
	PLAIN,
	GOOD,
	BAD,
	FAINT
};

static void start_colour(const struct lab_report *report, enum colour colour)
{
	static const char *const codes[] = {
		[PLAIN] = "", [GOOD] = "\033[32m", [BAD] = "\033[1;31m", [FAINT] = "\033[2m"
	};

	if (report->colour)
		fputs(codes[colour], report->out);
}

static void end_colour(const struct lab_report *report, enum colour colour)
{
	if (report->colour && colour != PLAIN)
		fputs("\033[0m", report->out);
}

static uint64_t sum(const uint64_t *counts, unsigned *most, unsigned *kinds)
{
	uint64_t all = 0;

	*most = *kinds = 0;
	for (unsigned i = 0; i < LAB_VERDICTS; i++) {
		all += counts[i];
		*kinds += counts[i] > 0;
		if (counts[i] > counts[*most])
			*most = i;
	}
	return all;
}

static const char *verdict_text(unsigned verdict, bool brief)
{
	static const char *const brief_names[LAB_VERDICTS] = {
		[LAB_RECOVERED] = "rec",    [LAB_KILLED] = "kill",    [LAB_KILLED_WRONG] = "wrong",
		[LAB_OOPS] = "oops",	    [LAB_PANIC] = "panic",    [LAB_OS_TERM] = "term",
		[LAB_CHECKSTOP] = "stop",   [LAB_HANG] = "hang",      [LAB_LOST] = "lost",
		[LAB_MISREPORTED] = "misr", [LAB_CORRUPTED] = "corr", [LAB_NOT_REACHED] = "none",
	};

	return brief ? brief_names[verdict] : lab_verdict_name(verdict);
}

static bool has_cells(const struct matrix *m, size_t row, size_t first, size_t end)
{
	static const struct cell none;

	for (size_t i = first; i < end && i < m->line_lengths[row]; i++)
		if (memcmp(&m->cells[row][i], &none, sizeof(none)))
			return true;
	return false;
}

static enum colour cell_text(char *text, const struct matrix *m, size_t row, size_t column,
			     bool brief)
{
	unsigned good, good_kinds, bad, bad_kinds;
	const struct cell *cell;
	uint64_t passed, failed;

	if (!has_cells(m, row, column, column + 1)) {
		strcpy(text, "-");
		return FAINT;
	}
	cell = &m->cells[row][column];
	passed = sum(cell->passed, &good, &good_kinds);
	failed = sum(cell->failed, &bad, &bad_kinds);
	snprintf(text, CELL_TEXT_MAX, "%s%s", verdict_text(failed ? bad : good, brief),
		 (failed ? bad_kinds : good_kinds) > 1 ? "+" : "");
	for (char *c = text; failed && *c; c++)
		*c = (char)toupper((unsigned char)*c);
	if (failed && failed + passed > 1)
		snprintf(text + strlen(text), CELL_TEXT_MAX - strlen(text), " %" PRIu64 "/%" PRIu64,
			 failed, failed + passed);
	else if (passed > 1)
		snprintf(text + strlen(text), CELL_TEXT_MAX - strlen(text), " %" PRIu64, passed);
	return failed ? BAD : GOOD;
}

/* ---- the matrix ---- */

static size_t greater(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t column_width(const struct matrix *m, size_t column, bool brief)
{
	size_t width = report_columns(m->columns.names[column]);
	char text[CELL_TEXT_MAX];

	if (width > COLUMN_MAX)
		width = COLUMN_MAX;
	for (size_t row = 0; row < m->rows.count; row++) {
		cell_text(text, m, row, column, brief);
		width = greater(width, strlen(text));
	}
	return width;
}

static size_t row_names_width(const struct matrix *m)
{
	size_t width = 0;

	for (size_t row = 0; row < m->rows.count; row++)
		width = greater(width, report_columns(m->rows.names[row]));
	return width < ROW_NAME_MAX ? width : ROW_NAME_MAX;
}

static bool fits(const struct matrix *m, bool brief)
{
	size_t width = row_names_width(m);

	for (size_t i = 0; i < m->columns.count; i++)
		width += GAP + column_width(m, i, brief);
	return width <= m->report->width;
}

static void print_spaces(const struct matrix *m, size_t count)
{
	fprintf(m->report->out, "%*s", (int)count, "");
}

/* Prints a name that is padded, or cut at its end. */
static void print_name(const struct matrix *m, const char *name, size_t width)
{
	size_t length = report_columns(name), bytes = 0;

	if (length <= width) {
		fputs(name, m->report->out);
		print_spaces(m, width - length);
		return;
	}
	for (size_t shown = 0; shown + 1 < width; shown++)
		do
			bytes++;
		while ((name[bytes] & 0xc0) == 0x80);
	fprintf(m->report->out, "%.*s~", (int)bytes, name);
}

/* The width for a name at the end of its line. */
static size_t unpadded(const char *name, size_t width)
{
	size_t length = report_columns(name);

	return length < width ? length : width;
}

static void print_row(const struct matrix *m, size_t row, size_t first, size_t end,
		      const size_t *widths, bool brief)
{
	print_name(m, m->rows.names[row], row_names_width(m));
	for (size_t i = first; i < end; i++) {
		char text[CELL_TEXT_MAX];
		enum colour colour = cell_text(text, m, row, i, brief);

		print_spaces(m, GAP);
		start_colour(m->report, colour);
		fputs(text, m->report->out);
		end_colour(m->report, colour);
		if (i + 1 < end)
			print_spaces(m, widths[i] - strlen(text));
	}
	putc('\n', m->report->out);
}

/* As many columns as fit, at least one. Returns the first that did not. */
static size_t print_block(const struct matrix *m, size_t first, const size_t *widths, bool brief)
{
	size_t width = row_names_width(m), end = first;

	do
		width += GAP + widths[end++];
	while (end < m->columns.count && width + GAP + widths[end] <= m->report->width);
	putc('\n', m->report->out);
	print_spaces(m, row_names_width(m));
	for (size_t i = first; i < end; i++) {
		print_spaces(m, GAP);
		print_name(m, m->columns.names[i],
			   i + 1 < end ? widths[i] : unpadded(m->columns.names[i], widths[i]));
	}
	putc('\n', m->report->out);
	for (size_t row = 0; row < m->rows.count; row++)
		if (has_cells(m, row, first, end))
			print_row(m, row, first, end, widths, brief);
	return end;
}

static void print_brief_names(const struct matrix *m)
{
	FILE *out = m->report->out;

	fputs("\nrec recovered, kill killed, wrong killed-wrong, term os-term, stop checkstop,\n"
	      "misr misreported, corr corrupted, none not-reached\n",
	      out);
}

static bool print_matrix(const struct matrix *m)
{
	bool brief = !fits(m, false);
	size_t *widths = calloc(m->columns.count + 1, sizeof(*widths));

	if (!widths)
		return false;
	for (size_t i = 0; i < m->columns.count; i++)
		widths[i] = column_width(m, i, brief);
	for (size_t next = 0; next < m->columns.count;)
		next = print_block(m, next, widths, brief);
	if (brief && m->columns.count)
		print_brief_names(m);
	free(widths);
	return true;
}

/* ---- around it ---- */

static void print_heading(const struct lab_report *report)
{
	const struct lab_campaign *c = lab_store_campaign(report->store);

	report_print(report->out, c->suite);
	fputs(" of ", report->out);
	report_print(report->out, c->kernel);
	if (*c->kernel_release) {
		fputs(" (Linux ", report->out);
		report_print(report->out, c->kernel_release);
		putc(')', report->out);
	}
	if (c->nr_shards > 1)
		fprintf(report->out, ", shard %u/%u", c->shard, c->nr_shards);
	putc('\n', report->out);
}

static void print_verdicts(FILE *out, const struct lab_totals *totals)
{
	const char *between = "";

	for (unsigned i = 0; i < LAB_VERDICTS; i++) {
		if (!totals->verdicts[i])
			continue;
		fprintf(out, "%s%s %" PRIu64, between, lab_verdict_name(i), totals->verdicts[i]);
		between = ", ";
	}
	if (*between)
		putc('\n', out);
}

static void print_totals(const struct lab_report *report, const struct lab_totals *totals)
{
	uint64_t cases = totals->passed + totals->failed;
	FILE *out = report->out;

	fprintf(out, "\n%" PRIu64 " case%s", cases, cases == 1 ? "" : "s");
	if (totals->points > cases)
		fprintf(out, " for %" PRIu64 " points", totals->points);
	fprintf(out, ": %" PRIu64 " passed, ", totals->passed);
	start_colour(report, totals->failed ? BAD : PLAIN);
	fprintf(out, "%" PRIu64 " failed", totals->failed);
	end_colour(report, totals->failed ? BAD : PLAIN);
	if (totals->unruled)
		fprintf(out, ", %" PRIu64 " that no rule covers", totals->unruled);
	if (report->times && cases)
		fprintf(out, "; %.1f ms a case", (double)totals->host_ns / 1e6 / (double)cases);
	putc('\n', out);
	print_verdicts(out, totals);
	if (totals->to_run)
		fprintf(out, "%" PRIu64 " more to run: the same fwnmi test goes on from here\n",
			totals->to_run);
}

static void print_failure(const struct lab_report *report, const struct lab_result *result)
{
	FILE *out = report->out;

	putc('\n', out);
	start_colour(report, BAD);
	fputs("FAILED", out);
	end_colour(report, BAD);
	fprintf(out, " %" PRIu64 " ", result->number);
	report_print(out, result->name);
	fprintf(out, ": %s\n", lab_verdict_name(result->verdict));
	if (*result->why) {
		fputs("  ", out);
		report_print(out, result->why);
		putc('\n', out);
	}
	if (*result->rule) {
		fputs("  rule ", out);
		report_print(out, result->rule);
		fputs(": ", out);
		report_print(out, result->law);
		fputs(" (", out);
		report_print(out, result->source);
		fputs(")\n", out);
	}
	fputs("  fwnmi replay ", out);
	report_print_word(out, lab_store_path(report->store));
	fprintf(out, " %" PRIu64 "\n", result->number);
}

static bool tell_failure(void *opaque, const struct lab_result *result)
{
	struct matrix *m = opaque;

	if (!result->passed && m->failures_told++ < FAILURES_MAX)
		print_failure(m->report, result);
	return true;
}

static bool print_failures(struct matrix *m, char *err, size_t err_size)
{
	if (!lab_store_each(m->report->store, tell_failure, m, err, err_size))
		return false;
	if (m->failures_told > FAILURES_MAX)
		fprintf(m->report->out,
			"\n%" PRIu64 " more have failed; the other formats have them all\n",
			m->failures_told - FAILURES_MAX);
	return true;
}

bool lab_report_matrix(const struct lab_report *report, char *err, size_t err_size)
{
	struct matrix m = { .rows.index = json_object(),
			    .columns.index = json_object(),
			    .report = report };
	struct lab_totals totals;
	bool done = lab_report_totals(report->store, &totals, err, err_size) &&
		    lab_store_each(report->store, collect, &m, err, err_size);

	if (done) {
		print_heading(report);
		if (m.failed || !print_matrix(&m)) {
			snprintf(err, err_size, "cannot make the matrix: %s", strerror(ENOMEM));
			done = false;
		}
	}
	if (done) {
		print_totals(report, &totals);
		done = report_code_print(report, err, err_size) &&
		       print_failures(&m, err, err_size);
	}
	clear(&m);
	return done;
}
