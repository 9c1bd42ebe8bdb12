/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums up which instructions ran, by function; see report_code.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "lab/report_code.h"
#include "lab/report_text.h"

struct summary {
	json_t *list, *last; /* of list */
	uint64_t first, end; /* of the range that never ran; 0: none */
	char *file; /* that its lines are of; NULL: unknown */
	unsigned first_line, last_line; /* the least and the greatest */
};

static void count(json_t *json, const char *key)
{
	json_t *value = json_object_get(json, key);

	json_integer_set(value, json_integer_value(value) + 1);
}

/* "0xc000000000012340-0xc000000000012350 arch/powerpc/kernel/mce.c:123-125" */
static json_t *range_json(const struct summary *s)
{
	char addresses[48], lines[32];
	json_t *file, *json;

	snprintf(addresses, sizeof(addresses), "0x%" PRIx64, s->first);
	if (s->end - s->first > 4)
		snprintf(addresses + strlen(addresses), sizeof(addresses) - strlen(addresses),
			 "-0x%" PRIx64, s->end - 4);
	if (!s->file)
		return json_string(addresses);
	snprintf(lines, sizeof(lines), s->first_line < s->last_line ? "%u-%u" : "%u", s->first_line,
		 s->last_line);
	/* Guest's text: the kernel's file may be anybody's. */
	file = text_json(s->file);
	json = json_sprintf("%s %s:%s", addresses, json_string_value(file), lines);
	json_decref(file);
	return json;
}

static void end_range(struct summary *s)
{
	if (s->end)
		json_array_append_new(json_object_get(s->last, "missed"), range_json(s));
	free(s->file);
	s->file = NULL;
	s->end = 0;
}

/* "mce.c:123": how long is the file's name, and which line? 0: there is none. */
static size_t split_line(const char *line, unsigned *number)
{
	const char *colon = strrchr(line, ':');

	*number = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
	return *number ? (size_t)(colon - line) : 0;
}

/* Code that the compiler has taken from another file begins a range of its own. */
static bool continues(const struct summary *s, uint64_t address, const char *line, size_t length)
{
	return s->end == address && (s->file ? strlen(s->file) : 0) == length &&
	       (!length || !memcmp(s->file, line, length));
}

static void add_missed(struct summary *s, const struct lab_code *code)
{
	unsigned number;
	const size_t length = split_line(code->line, &number);

	if (!continues(s, code->address, code->line, length)) {
		end_range(s);
		s->first = code->address;
		s->file = length ? strndup(code->line, length) : NULL;
		s->first_line = s->last_line = number;
	}
	s->end = code->address + 4;
	if (number < s->first_line)
		s->first_line = number;
	if (number > s->last_line)
		s->last_line = number;
}

static bool add_code(void *opaque, const struct lab_code *code)
{
	struct summary *s = opaque;
	const char *symbol = json_string_value(json_object_get(s->last, "symbol"));

	if (!symbol || strcmp(symbol, code->symbol)) {
		end_range(s);
		s->last = json_pack("{s:o, s:i, s:i, s:[]}", "symbol", text_json(code->symbol),
				    "instructions", 0, "ran", 0, "missed");
		json_array_append_new(s->list, s->last);
	}
	count(s->last, "instructions");
	if (code->ran) {
		end_range(s);
		count(s->last, "ran");
	} else {
		add_missed(s, code);
	}
	return s->last;
}

json_t *report_code_json(struct lab_store *store, char *err, size_t err_size)
{
	struct summary s = { .list = json_array() };
	const bool good = lab_store_each_code(store, add_code, &s, err, err_size);

	end_range(&s);
	if (good && s.list)
		return s.list;
	if (good)
		snprintf(err, err_size, "cannot sum up code: %s", strerror(ENOMEM));
	json_decref(s.list);
	return NULL;
}

bool report_code_print(const struct lab_report *report, char *err, size_t err_size)
{
	json_t *list = report_code_json(report->store, err, err_size), *function;
	json_int_t all = 0, ran = 0;
	size_t i;

	if (!list)
		return false;
	json_array_foreach(list, i, function)
	{
		all += json_integer_value(json_object_get(function, "instructions"));
		ran += json_integer_value(json_object_get(function, "ran"));
	}
	if (all)
		fprintf(report->out,
			"\n%lld of %lld instructions of the kernel's machine check and system "
			"reset code ran:\n",
			(long long)ran, (long long)all);
	json_array_foreach(list, i, function)
	{
		fprintf(report->out, "%6lld of %-6lld",
			(long long)json_integer_value(json_object_get(function, "ran")),
			(long long)json_integer_value(json_object_get(function, "instructions")));
		report_print(report->out, json_string_value(json_object_get(function, "symbol")));
		putc('\n', report->out);
	}
	json_decref(list);
	return true;
}
