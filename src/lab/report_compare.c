/* SPDX-License-Identifier: BSD-2-Clause */
/* Two campaigns compared, by the names of their cases; see report.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lab/report.h"
#include "lab/report_text.h"

enum change {
	BROKEN,
	FIXED,
	CHANGED, /* the verdict, but not whether it passes */
	NEW,
	GONE,
	SAME,
	CHANGES
};

struct known {
	char *name;
	uint64_t number;
	enum lab_verdict verdict;
	bool passed;
	bool met; /* the other campaign has it, too */
};

struct list {
	struct known *cases;
	size_t count, room;
	bool failed; /* out of memory */
};

static bool keep(void *opaque, const struct lab_result *result)
{
	struct list *list = opaque;
	struct known *cases = list->cases;

	list->failed = true;
	if (list->count == list->room) {
		size_t room = list->room * 2 + 64;

		cases = realloc(cases, room * sizeof(*cases));
		if (!cases)
			return false;
		list->cases = cases;
		list->room = room;
	}
	cases[list->count] = (struct known){ strdup(result->name), result->number, result->verdict,
					     result->passed, false };
	list->failed = !cases[list->count].name;
	list->count += !list->failed;
	return !list->failed;
}

static bool load(struct list *list, struct lab_store *store, char *err, size_t err_size)
{
	if (!lab_store_each(store, keep, list, err, err_size))
		return false;
	if (list->failed)
		snprintf(err, err_size, "cannot compare: %s", strerror(ENOMEM));
	return !list->failed;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->name, ((const struct known *)b)->name);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = ((const struct known *)a)->number, y = ((const struct known *)b)->number;

	return x < y ? -1 : x > y;
}

static enum change change_of(const struct known *old, const struct known *new)
{
	if (!old)
		return NEW;
	if (!new)
		return GONE;
	if (old->passed != new->passed)
		return new->passed ? FIXED : BROKEN;
	return old->verdict == new->verdict ? SAME : CHANGED;
}

static void print_verdict(FILE *out, const struct known *c)
{
	fprintf(out, "%s%s", lab_verdict_name(c->verdict), c->passed ? "" : " (failed)");
}

static void print_change(const struct lab_report *report, enum change change,
			 const struct known *old, const struct known *new)
{
	static const char *const words[] = { [BROKEN] = "broken",
					     [FIXED] = "fixed",
					     [CHANGED] = "changed",
					     [NEW] = "new",
					     [GONE] = "gone" };
	static const char *const colours[] = { [BROKEN] = "\033[1;31m",
					       [FIXED] = "\033[32m",
					       [CHANGED] = "\033[33m",
					       [NEW] = "",
					       [GONE] = "" };
	FILE *out = report->out;

	fprintf(out, "%s%-8s%s", report->colour ? colours[change] : "", words[change],
		report->colour ? "\033[0m" : "");
	report_print(out, new ? new->name : old->name);
	fputs(": ", out);
	if (old)
		print_verdict(out, old);
	if (old && new)
		fputs(" -> ", out);
	if (new)
		print_verdict(out, new);
	putc('\n', out);
	if (change != BROKEN)
		return;
	fputs("        fwnmi replay ", out);
	report_print_word(out, lab_store_path(report->store));
	fprintf(out, " %" PRIu64 "\n", new->number);
}

static void print_differing(FILE *out, const char *what, const char *old, const char *new)
{
	if (!strcmp(old, new))
		return;
	fprintf(out, "%s: ", what);
	report_print(out, old);
	fputs(" -> ", out);
	report_print(out, new);
	putc('\n', out);
}

static void print_heading(const struct lab_report *report, struct lab_store *old_store)
{
	const struct lab_campaign *old = lab_store_campaign(old_store),
				  *new = lab_store_campaign(report->store);

	print_differing(report->out, "suite", old->suite, new->suite);
	print_differing(report->out, "kernel", old->kernel, new->kernel);
	print_differing(report->out, "kernel's build", old->kernel_build_id, new->kernel_build_id);
	print_differing(report->out, "kernel's release", old->kernel_release, new->kernel_release);
	print_differing(report->out, "fwnmi", old->fwnmi_version, new->fwnmi_version);
	print_differing(report->out, "options", old->options, new->options);
	if (old->seed != new->seed)
		fprintf(report->out, "seed: %" PRIu64 " -> %" PRIu64 "\n", old->seed, new->seed);
}

/* Prints the changes of one kind. Cases of @new are in the order of their numbers. */
static uint64_t print_kind(const struct lab_report *report, enum change kind, struct list *old,
			   const struct list *new)
{
	uint64_t count = 0;

	for (size_t i = 0; i < new->count; i++) {
		struct known *other = NULL;

		if (old->count)
			other = bsearch(&new->cases[i], old->cases, old->count, sizeof(*old->cases),
					by_name);
		if (other)
			other->met = true;
		if (change_of(other, &new->cases[i]) != kind)
			continue;
		count++;
		if (kind != SAME)
			print_change(report, kind, other, &new->cases[i]);
	}
	return count;
}

/* Those of @old that print_kind() has not met. */
static uint64_t print_gone(const struct lab_report *report, struct list *old)
{
	uint64_t count = 0;

	qsort(old->cases, old->count, sizeof(*old->cases), by_number);
	for (size_t i = 0; i < old->count; i++) {
		if (old->cases[i].met)
			continue;
		count++;
		print_change(report, GONE, &old->cases[i], NULL);
	}
	return count;
}

static void clear(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->cases[i].name);
	free(list->cases);
}

bool lab_report_compare(const struct lab_report *report, struct lab_store *old_store,
			uint64_t *broken, char *err, size_t err_size)
{
	static const enum change kinds[] = { BROKEN, FIXED, CHANGED, NEW, SAME };
	struct list old = { 0 }, new = { 0 };
	uint64_t counts[CHANGES] = { 0 };
	bool done = load(&old, old_store, err, err_size) &&
		    load(&new, report->store, err, err_size);

	if (done) {
		print_heading(report, old_store);
		if (old.count)
			qsort(old.cases, old.count, sizeof(*old.cases), by_name);
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			counts[kinds[i]] = print_kind(report, kinds[i], &old, &new);
		if (old.count)
			counts[GONE] = print_gone(report, &old);
		fprintf(report->out,
			"%" PRIu64 " broken, %" PRIu64 " fixed, %" PRIu64 " changed, %" PRIu64
			" new, %" PRIu64 " gone, %" PRIu64 " the same\n",
			counts[BROKEN], counts[FIXED], counts[CHANGED], counts[NEW], counts[GONE],
			counts[SAME]);
	}
	*broken = counts[BROKEN];
	clear(&old);
	clear(&new);
	return done;
}
