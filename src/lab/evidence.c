/* SPDX-License-Identifier: BSD-2-Clause */
/* The evidence of a verdict; see evidence.h. */
#include "lab/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "inject/inject_report.h"
#include "inject/json.h"
#include "lab/kernel_lines.h"

/* Bounds of what is quoted: the guest decides how much there is. */
#define MAX_LINES     100
#define MAX_LINE      240
#define MAX_NOTES     64
#define LAST_LINES_OF 8 /* of a console without a line that matters */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- registers ---- */

static void add_register(json_t *before, json_t *after, const char *name, uint64_t was, uint64_t is)
{
	if (was == is)
		return;
	json_object_set_new(before, name, json_address(was));
	json_object_set_new(after, name, json_address(is));
}

/* Registers that differ between the interruption and the return. */
static void add_registers(const struct lab_hit *hit, json_t *out)
{
	const struct engine_regs *was = &hit->before, *is = &hit->after;
	json_t *before = json_object(), *after = json_object();
	char name[8];

	for (unsigned i = 0; i < 32; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		add_register(before, after, name, was->gpr[i], is->gpr[i]);
	}
	add_register(before, after, "lr", was->lr, is->lr);
	add_register(before, after, "ctr", was->ctr, is->ctr);
	add_register(before, after, "cr", was->cr, is->cr);
	add_register(before, after, "xer", was->xer, is->xer);
	add_register(before, after, "msr", was->msr, is->msr);
	json_object_set_new(out, "before", before);
	json_object_set_new(out, "after", after);
}

/* ---- hits ---- */

/* Times of the host differ from run to run. */
static json_t *report_json(const struct injection_report *report)
{
	struct injection_report same = *report;
	json_t *json;

	same.id = 0;
	same.interlock_host_ns = 0;
	json = inject_report_json(&same);
	json_object_del(json, "id");
	if (json_object_get(json, "interlock"))
		json_object_del(json_object_get(json, "interlock"), "host-us");
	return json;
}

static json_t *hit_json(const struct lab_hit *hit)
{
	json_t *out = json_object();

	json_object_set_new(out, "step", json_integer(hit->step));
	json_object_set_new(out, "place", text_json(hit->place));
	json_object_set_new(out, "process", text_json(hit->process));
	if (hit->has_pid)
		json_object_set_new(out, "pid", json_integer(hit->pid));
	json_object_set_new(out, "insns", json_count(hit->insns));
	json_object_set_new(out, "came_back", json_boolean(hit->came_back));
	json_object_set_new(out, "event", report_json(&hit->report));
	if (hit->came_back)
		add_registers(hit, out);
	return out;
}

static json_t *hits_json(const struct lab_observation *seen)
{
	json_t *out = json_array();

	for (unsigned i = 0; i < seen->nr_hits && i < LAB_MAX_HITS; i++)
		json_array_append_new(out, hit_json(&seen->hits[i]));
	return out;
}

/* ---- notes ---- */

static json_t *note_json(const struct lab_note *note)
{
	static const char *const types[] = {
		[LAB_NOTE_ROUND] = "round",
		[LAB_NOTE_CORRUPT] = "corrupt",
		[LAB_NOTE_DIED] = "died",
		[LAB_NOTE_FAILED] = "failed",
	};
	json_t *out = json_object();

	json_object_set_new(out, "type", json_string(types[note->type]));
	json_object_set_new(out, "process", text_json(note->process));
	if (note->type == LAB_NOTE_DIED)
		json_object_set_new(out, "signal", json_integer(note->signal));
	if (note->text[0])
		json_object_set_new(out, "text", text_json(note->text));
	json_object_set_new(out, "insns", json_count(note->insns));
	return out;
}

static json_t *notes_json(const struct lab_observation *seen)
{
	json_t *out = json_array();

	for (size_t i = 0; i < seen->nr_notes && json_array_size(out) < MAX_NOTES; i++)
		if (seen->notes[i].type != LAB_NOTE_ROUND)
			json_array_append_new(out, note_json(&seen->notes[i]));
	return out;
}

/* ---- the console ---- */

struct excerpt {
	char text[MAX_LINES * (MAX_LINE + 1) + 1];
	size_t length;
	unsigned lines;
};

static void add_line(struct excerpt *excerpt, const char *line, size_t length)
{
	if (excerpt->lines == MAX_LINES)
		return;
	excerpt->lines++;
	if (length > MAX_LINE)
		length = MAX_LINE;
	for (size_t i = 0; i < length; i++) /* a NUL would end the text */
		excerpt->text[excerpt->length++] = line[i] ? line[i] : '?';
	excerpt->text[excerpt->length++] = '\n';
	excerpt->text[excerpt->length] = '\0';
}

/* The workload's rounds are most of what there is. */
static bool is_round(const char *line, size_t length)
{
	return memmem(line, length, "fwnmi-lab: round ", strlen("fwnmi-lab: round ")) != NULL;
}

static void quote_lines_that_matter(const struct lab_observation *seen, struct excerpt *excerpt)
{
	struct kernel_lines *lines = calloc(1, sizeof(*lines));
	const char *end = seen->console + seen->console_length;
	size_t length;

	for (size_t at = 0; lines && at < seen->console_length; at += length + 1) {
		const char *line = seen->console + at;

		length = kernel_line_length(line, end);
		if (kernel_lines_next(line, length, at, lines) && !is_round(line, length))
			add_line(excerpt, line, length);
	}
	free(lines);
}

static void quote_last_lines(const struct lab_observation *seen, struct excerpt *excerpt)
{
	const char *console = seen->console, *end = console + seen->console_length;
	size_t at = seen->console_length, length;

	for (unsigned n = 0; at > 0 && n < LAST_LINES_OF; n++)
		do
			at--;
		while (at > 0 && console[at - 1] != '\n');
	for (; at < seen->console_length; at += length + 1) {
		length = kernel_line_length(console + at, end);
		add_line(excerpt, console + at, length);
	}
}

static json_t *console_json(const struct lab_observation *seen)
{
	struct excerpt *excerpt = calloc(1, sizeof(*excerpt));
	json_t *json;

	if (!excerpt)
		return NULL;
	if (seen->console)
		quote_lines_that_matter(seen, excerpt);
	if (seen->console && !excerpt->lines)
		quote_last_lines(seen, excerpt);
	json = text_json(excerpt->text);
	free(excerpt);
	return json;
}

/* ---- all ---- */

static const char *end_name(const struct lab_observation *seen)
{
	static const char *const names[] = {
		[LAB_END_DONE] = "all workloads were verified again",
		[LAB_END_MACHINE] = "the machine ended",
		[LAB_END_PANICKED] = "the kernel panicked",
		[LAB_END_BOUND] = "a workload went no further",
		[LAB_END_UNREACHED] = "a trigger did not come true",
	};

	return (unsigned)seen->end < ARRAY_SIZE(names) ? names[seen->end] : "";
}

json_t *lab_evidence_json(const struct lab_case *c, const struct lab_observation *seen)
{
	json_t *out = json_object();

	/* A sweep is drawn by address. */
	if (seen->nr_hits && !strncmp(c->name, "sweep", strlen("sweep"))) {
		json_object_set_new(out, "address", json_address(seen->hits[0].report.nip));
		json_object_set_new(out, "place", text_json(seen->hits[0].place));
	}
	json_object_set_new(out, "end", json_string(end_name(seen)));
	if (seen->why[0])
		json_object_set_new(out, "why", text_json(seen->why));
	json_object_set_new(out, "hits", hits_json(seen));
	json_object_set_new(out, "notes", notes_json(seen));
	json_object_set_new(out, "console", console_json(seen));
	json_object_set_new(out, "rounds_after", json_integer(seen->rounds_after));
	json_object_set_new(out, "insns", json_count(seen->insns));
	return out;
}
