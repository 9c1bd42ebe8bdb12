/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi report`: what people and machines read of results of the lab. lab/report.h makes the
 * reports; here are the files and the exit statuses.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/say.h"
#include "cmd/terminal.h"
#include "lab/report.h"

#define EXIT_FAILED 1 /* a case, not the command */
#define EXIT_USAGE  2

enum format {
	FORMAT_MATRIX,
	FORMAT_TAP,
	FORMAT_JUNIT,
	FORMAT_JSON,
	FORMAT_HTML
};

static const char *const format_names[] = { "matrix", "tap", "junit", "json", "html", NULL };

static lab_report_fn *const formats[] = {
	[FORMAT_MATRIX] = lab_report_matrix, [FORMAT_TAP] = lab_report_tap,
	[FORMAT_JUNIT] = lab_report_junit,   [FORMAT_JSON] = lab_report_json,
	[FORMAT_HTML] = lab_report_html,
};

struct options {
	enum format format;
	bool format_given;
	const char *output; /* NULL: standard output */
	bool no_times, compare;
	const char *merge; /* the file to join results in */
	const char **files;
	size_t nr_files;
};

static const char usage[] =
	"Usage: fwnmi report [OPTION]... RESULTS\n"
	"       fwnmi report [OPTION]... --compare OLD NEW\n"
	"       fwnmi report --merge OUT SHARD...\n"
	"Show the results of a campaign of fwnmi test, compare two campaigns by their cases'\n"
	"names, or join the results of a campaign's shards in the file OUT.\n"
	"\n"
	"  --format FORMAT  matrix (the default), tap, junit, json or html\n"
	"  --output FILE    write the report to FILE instead of standard output\n"
	"  --no-times       leave out what differs between runs of the same campaign\n"
	"  --compare        print what was fixed, broken, changed, is new or gone\n"
	"  --merge OUT      join results; lists cases that disagree and shards to run again\n"
	"  -h, --help       print this help\n"
	"\n"
	"Exit status: 0 if no case failed (--compare: none broke; --merge: all there, all\n"
	"agree), 1 if one did, 2 if the report could not be made.\n";

static int fail(const char *why)
{
	say("report: %s", why);
	return EXIT_USAGE;
}

/* ---- the output ---- */

/* A file appears whole, or not at all. */
struct output {
	FILE *file;
	const char *path; /* NULL: standard output */
	char *temporary; /* NULL: what is at path is no plain file */
};

static bool open_temporary(struct output *o)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	if (asprintf(&o->temporary, "%s.XXXXXX", o->path) < 0)
		return false;
	fd = mkstemp(o->temporary);
	if (fd < 0)
		return false;
	fchmod(fd, 0666 & ~mask);
	o->file = fdopen(fd, "w");
	if (!o->file)
		close(fd);
	return o->file;
}

static bool open_output(struct output *o, const char *path)
{
	struct stat st;

	*o = (struct output){ .file = stdout, .path = path };
	if (!path)
		return true;
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		o->file = fopen(path, "w");
		if (o->file)
			return true;
	} else if (open_temporary(o)) {
		return true;
	}
	say("report: cannot open %s: %s", path, strerror(errno));
	free(o->temporary);
	return false;
}

/* @keep: the report is complete */
static bool close_output(struct output *o, bool keep)
{
	bool done = !fflush(o->file) && !ferror(o->file);

	if (o->path && fclose(o->file))
		done = false;
	if (o->temporary && keep && done && rename(o->temporary, o->path))
		done = false;
	if (!done)
		say("report: cannot write %s: %s", o->path ? o->path : "standard output",
		    strerror(errno));
	if (o->temporary && !(keep && done))
		unlink(o->temporary);
	free(o->temporary);
	return done;
}

/* ---- what is asked for ---- */

static struct lab_store *open_results(const char *path)
{
	char err[300];
	struct lab_store *store = lab_store_open(path, err, sizeof(err));

	if (!store)
		fail(err);
	return store;
}

static int write_report(const struct options *options, struct lab_store *store,
			struct lab_store *old)
{
	struct lab_report report = { .store = store, .times = !options->no_times };
	struct lab_totals totals = { 0 };
	struct output output;
	char err[300];
	bool done;

	if (!open_output(&output, options->output))
		return EXIT_USAGE;
	report.out = output.file;
	report.colour = terminal_has_colours(output.file);
	report.width = terminal_width(output.file);
	if (old)
		done = lab_report_compare(&report, old, &totals.failed, err, sizeof(err));
	else
		done = formats[options->format](&report, err, sizeof(err)) &&
		       lab_report_totals(store, &totals, err, sizeof(err));
	if (!done)
		fail(err);
	if (!close_output(&output, done) || !done)
		return EXIT_USAGE;
	return totals.failed ? EXIT_FAILED : EXIT_SUCCESS;
}

static int show(const struct options *options)
{
	struct lab_store *store = open_results(options->files[0]);
	int status = store ? write_report(options, store, NULL) : EXIT_USAGE;

	lab_store_close(store);
	return status;
}

static int compare(const struct options *options)
{
	struct lab_store *old = open_results(options->files[0]);
	struct lab_store *new = old ? open_results(options->files[1]) : NULL;
	int status = new ? write_report(options, new, old) : EXIT_USAGE;

	lab_store_close(old);
	lab_store_close(new);
	return status;
}

static int merge(const struct options *options)
{
	struct lab_merged merged;
	char err[300];

	if (!lab_report_merge(options->merge, options->files, options->nr_files, stdout, &merged,
			      err, sizeof(err)))
		return fail(err);
	if (fflush(stdout) || ferror(stdout))
		return fail("cannot write standard output");
	return merged.disagreed || merged.to_run ? EXIT_FAILED : EXIT_SUCCESS;
}

/* ---- the command line ---- */

static bool set_format(void *into, const struct command_option *option, const char *value,
		       char *why)
{
	struct options *options = into;

	for (unsigned i = 0; format_names[i]; i++) {
		if (!strcmp(value, format_names[i])) {
			options->format = i;
			options->format_given = true;
			return true;
		}
	}
	return option_bad(why, "not matrix, tap, junit, json or html");
}

static bool add_file(void *into, const char *file, char *why)
{
	struct options *options = into;

	options->files[options->nr_files++] = file; /* there is room for every argument */
	return true;
}

static const struct command_option report_option_table[] = {
	{ "--format", OPTION_CALL, .set = set_format },
	{ "--output", OPTION_TEXT, .offset = offsetof(struct options, output) },
	{ "--no-times", OPTION_FLAG, .offset = offsetof(struct options, no_times) },
	{ "--compare", OPTION_FLAG, .offset = offsetof(struct options, compare) },
	{ "--merge", OPTION_TEXT, .offset = offsetof(struct options, merge) },
	{ "--help", OPTION_HELP, .letter = 'h' },
	{ NULL },
};

static int run(const struct options *options)
{
	if (options->merge) {
		if (options->compare || options->format_given || options->output)
			return fail("--merge goes with no other option");
		return options->nr_files ? merge(options) : fail("--merge needs files to join");
	}
	if (options->compare) {
		if (options->format_given)
			return fail("--compare and --format exclude each other");
		return options->nr_files == 2 ? compare(options) :
						fail("--compare needs two files: OLD NEW");
	}
	if (options->nr_files == 0)
		return fail("no results given: see fwnmi report --help");
	if (options->nr_files > 1)
		return fail("more than one file needs --compare or --merge");
	return show(options);
}

int cmd_report(int argc, char **argv)
{
	struct options options = { .files = calloc((size_t)argc, sizeof(char *)) };
	const struct command_line line = {
		.command = "report",
		.groups = { { report_option_table, &options } },
		.argument = add_file,
		.into = &options,
	};
	int status;

	if (!options.files)
		return fail(strerror(ENOMEM));
	status = options_end(options_parse(&line, argc, argv), usage, EXIT_USAGE);
	if (status < 0)
		status = run(&options);
	free(options.files);
	return status;
}
