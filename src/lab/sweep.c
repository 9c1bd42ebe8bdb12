/* SPDX-License-Identifier: BSD-2-Clause */
/* Has a worker record a path, and makes cases of it; see sweep.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/sweep.h"

#define LOOK_MS 100

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

/* What is done at each point. */
static const struct event {
	const char *column, *command;
	const char *type, *subtype, *disposition; /* of a machine check */
	bool on_request;
} events[] = {
	{ "machine check", "inject-machine-check", "SLB", "multihit", "fully-recovered", false },
	/* Not one that Linux repairs itself. */
	{ "not recovered", "inject-machine-check", "TLB", "multihit", "not-recovered", true },
	{ "system reset", "inject-nmi", NULL, NULL, NULL, false },
};
#define NR_EVENTS (sizeof(events) / sizeof(events[0]))

/* ---- the path ---- */

/* Waits for what one worker has to say of the path. */
static json_t *ask(struct workers *workers, const struct path_spec *path,
		   const volatile sig_atomic_t *stop, char *err, size_t err_size)
{
	json_t *spec = path_spec_json(path);

	while (spec && !*stop) {
		struct workers_message message;

		if (!workers_next(workers, LOOK_MS, &message))
			continue;
		switch (message.type) {
		case WORKERS_PATH:
			json_decref(spec);
			return message.json;
		case WORKERS_READY:
			workers_give(workers, message.worker, spec);
			break;
		case WORKERS_FAILED:
			snprintf(err, err_size, "%s", message.text);
			json_decref(spec);
			return NULL;
		case WORKERS_ENDED:
			snprintf(err, err_size, "the process that records the path has ended");
			json_decref(spec);
			return NULL;
		default:
			json_decref(message.json);
		}
	}
	snprintf(err, err_size, *stop ? "interrupted" : "out of memory");
	json_decref(spec);
	return NULL;
}

static json_t *record(const struct workers_config *config, const struct path_spec *path,
		      const volatile sig_atomic_t *stop, char *err, size_t err_size)
{
	struct workers_config one = *config;
	struct workers *workers;
	json_t *message;

	one.count = 1;
	one.early = false;
	workers = workers_start(&one, err, err_size);
	message = workers ? ask(workers, path, stop, err, err_size) : NULL;
	workers_stop(workers);
	return message;
}

/* ---- samples ---- */

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/*
 * Which of the points belong to the sample: each of those that are left is as likely as another
 * (Knuth's algorithm S).
 */
static bool is_taken(uint64_t *state, uint64_t left, uint64_t wanted)
{
	return next_random(state) % left < wanted;
}

/* ---- cases ---- */

static json_t *step_of(const struct event *event, json_t *at)
{
	return json_pack("{s:s, s:{s:s*, s:s*, s:s*, s:o}}", "execute", event->command, "arguments",
			 "type", event->type, "subtype", event->subtype, "disposition",
			 event->disposition, "at", at);
}

/* The first instruction of an interrupt's routine has the number of the interrupted one. */
static json_t *trigger_of(const json_t *point)
{
	const json_int_t insn = json_integer_value(json_object_get(point, "insn"));
	const json_int_t vector = json_integer_value(json_object_get(point, "vector"));

	if (vector)
		return json_sprintf("insn=%lld,vector=0x%llx,ri=any,cpu=%d", insn, vector,
				    PATH_VCPU);
	return json_sprintf("insn=%lld,ri=any,cpu=%d", insn, PATH_VCPU);
}

/* A request to dump reaches all processors: Linux waits for them. */
static json_t *steps_of(const struct event *event, const json_t *point, unsigned nr_vcpus)
{
	json_t *steps = json_array();

	json_array_append_new(steps, step_of(event, trigger_of(point)));
	if (!event->type && nr_vcpus > 1)
		json_array_append_new(
			steps, step_of(event, json_sprintf("ri=any,cpu=others:%d", PATH_VCPU)));
	return steps;
}

static bool add_case(struct lab_cases *cases, const struct sweep_spec *spec, uint64_t start,
		     const json_t *point, size_t i, const struct event *event)
{
	const char *place = json_string_value(json_object_get(point, "place"));
	const char *nip = json_string_value(json_object_get(point, "nip"));
	char name[LAB_MAX_PLACE + 64], group[LAB_MAX_PLACE];
	struct lab_case c = { .name = name, .group = group, .column = (char *)event->column };

	snprintf(group, sizeof(group), "%s", *place ? place : "user mode");
	group[strcspn(group, "+")] = '\0';
	snprintf(name, sizeof(name), "sweep/%zu/%s/%s", i, *place ? place : nip, event->column);
	c.workload = spec->path.workload;
	c.start = start;
	c.points = (uint64_t)json_integer_value(json_object_get(point, "points"));
	c.steps = steps_of(event, point, spec->nr_vcpus);
	return lab_cases_append(cases, &c);
}

/* A worker's guest may have taken it over. */
static bool is_point(const json_t *point)
{
	return json_is_integer(json_object_get(point, "insn")) &&
	       json_is_integer(json_object_get(point, "points")) &&
	       json_is_string(json_object_get(point, "nip")) &&
	       json_is_string(json_object_get(point, "place"));
}

static bool make_cases(const struct sweep_spec *spec, const json_t *points, struct lab_cases *cases,
		       char *err, size_t err_size)
{
	const size_t count = json_array_size(points);
	uint64_t wanted = spec->sample && spec->sample < count ? spec->sample : count;
	uint64_t state = spec->seed, start = 0;
	const json_t *point;
	size_t i;

	json_array_foreach(points, i, point)
	{
		if (!is_point(point))
			return FAIL("the process that records the path speaks nonsense");
		if (!i)
			start = (uint64_t)json_integer_value(json_object_get(point, "insn"));
		if (!is_taken(&state, count - i, wanted))
			continue;
		wanted--;
		for (size_t e = 0; e < NR_EVENTS; e++)
			if ((!events[e].on_request || spec->not_recovered) &&
			    !add_case(cases, spec, start, point, i, &events[e]))
				return FAIL("out of memory");
	}
	return cases->count || FAIL("the path has no instructions");
}

bool sweep_make(const struct workers_config *workers, const struct sweep_spec *spec,
		const volatile sig_atomic_t *stop, struct lab_cases *cases, char *err,
		size_t err_size)
{
	json_t *message = record(workers, &spec->path, stop, err, err_size);
	bool made;

	*cases = (struct lab_cases){ 0 };
	if (!message)
		return false;
	made = make_cases(spec, json_object_get(message, "points"), cases, err, err_size);
	json_decref(message);
	if (!made)
		lab_cases_clear(cases);
	return made;
}
