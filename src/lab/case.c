/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases as JSON, and the names of workloads; see case.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lab/case.h"

static const char *const workload_names[LAB_WORKLOADS] = {
	[LAB_BOOT] = "boot",   [LAB_VICTIM] = "victim", [LAB_SYSCALL] = "syscall",
	[LAB_FAULT] = "fault", [LAB_FORK] = "fork",	[LAB_SIGNAL] = "signal",
	[LAB_MIXED] = "mixed", [LAB_IDLE] = "idle",
};

const char *lab_workload_name(enum lab_workload workload)
{
	return workload < LAB_WORKLOADS ? workload_names[workload] : "unknown";
}

bool lab_workload_parse(const char *name, enum lab_workload *workload)
{
	for (unsigned i = 0; i < LAB_WORKLOADS; i++) {
		if (!strcmp(name, workload_names[i])) {
			*workload = i;
			return true;
		}
	}
	return false;
}

json_t *lab_case_json(const struct lab_case *c)
{
	json_t *json = json_pack("{s:I, s:o, s:o, s:o, s:s, s:O}", "number", (json_int_t)c->number,
				 "name", text_json(c->name), "group", text_json(c->group), "column",
				 text_json(c->column), "workload", lab_workload_name(c->workload),
				 "steps", c->steps);

	if (c->start)
		json_object_set_new(json, "start", json_integer((json_int_t)c->start));
	if (c->points > 1)
		json_object_set_new(json, "points", json_integer((json_int_t)c->points));
	return json;
}

/* ---- the reverse ---- */

struct parse {
	const json_t *json;
	char *err;
	size_t err_size;
};

__attribute__((format(printf, 2, 3))) static bool bad(const struct parse *p, const char *format,
						      ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(p->err, p->err_size, format, ap);
	va_end(ap);
	return false;
}

static bool keys_are_known(const struct parse *p)
{
	static const char *const known[] = { "number",	 "name",  "group", "column",
					     "workload", "steps", "start", "points" };
	const char *key;
	json_t *value;

	/* The iterator takes no const object, and changes nothing. */
	json_object_foreach((json_t *)p->json, key, value)
	{
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && strcmp(key, known[i]))
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return bad(p, "a case has no \"%s\"", key);
	}
	return true;
}

static bool take_text(const struct parse *p, const char *key, char **text)
{
	const char *value = json_string_value(json_object_get(p->json, key));

	if (!value || !*value)
		return bad(p, "\"%s\" is missing or no text", key);
	*text = strdup(value);
	return *text || bad(p, "out of memory");
}

static bool take_number(const struct parse *p, uint64_t *number)
{
	const json_t *value = json_object_get(p->json, "number");

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return bad(p, "\"number\" is missing or no number from 0 on");
	*number = (uint64_t)json_integer_value(value);
	return true;
}

/* What need not be said, but is not 0 then. */
static bool take_count(const struct parse *p, const char *key, uint64_t unsaid, uint64_t *count)
{
	const json_t *value = json_object_get(p->json, key);

	*count = value ? (uint64_t)json_integer_value(value) : unsaid;
	return !value || json_integer_value(value) > 0 ||
	       bad(p, "\"%s\" is no number from 1 on", key);
}

static bool take_workload(const struct parse *p, enum lab_workload *workload)
{
	const char *name = json_string_value(json_object_get(p->json, "workload"));

	if (!name)
		return bad(p, "\"workload\" is missing or no text");
	return lab_workload_parse(name, workload) || bad(p, "unknown workload \"%s\"", name);
}

static bool take_steps(const struct parse *p, json_t **steps)
{
	json_t *list = json_object_get(p->json, "steps"), *step;
	size_t i;

	if (!json_is_array(list) || !json_array_size(list))
		return bad(p, "\"steps\" is missing or no list");
	json_array_foreach(list, i, step)
	{
		const json_t *arguments = json_object_get(step, "arguments");

		if (!json_is_string(json_object_get(step, "execute")))
			return bad(p, "step %zu has no \"execute\"", i);
		if (arguments && !json_is_object(arguments))
			return bad(p, "\"arguments\" of step %zu is no object", i);
	}
	*steps = json_deep_copy(list);
	return *steps || bad(p, "out of memory");
}

bool lab_case_parse(const json_t *json, struct lab_case *c, char *err, size_t err_size)
{
	const struct parse p = { json, err, err_size };

	memset(c, 0, sizeof(*c));
	if (!json_is_object(json))
		return bad(&p, "a case is an object");
	if (keys_are_known(&p) && take_number(&p, &c->number) && take_text(&p, "name", &c->name) &&
	    take_text(&p, "group", &c->group) && take_text(&p, "column", &c->column) &&
	    take_count(&p, "start", 0, &c->start) && take_count(&p, "points", 1, &c->points) &&
	    take_workload(&p, &c->workload) && take_steps(&p, &c->steps))
		return true;
	lab_case_clear(c);
	return false;
}

void lab_case_clear(struct lab_case *c)
{
	free(c->name);
	free(c->group);
	free(c->column);
	json_decref(c->steps);
	memset(c, 0, sizeof(*c));
}
