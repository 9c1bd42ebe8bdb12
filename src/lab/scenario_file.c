/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads lists of cases; see scenario_file.h. libyaml makes a tree of nodes, each with its place in
 * the text; here they become cases. Whatever is wrong is said with its line and column.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <yaml.h>

#include "base/content_hash.h"
#include "base/file_io.h"
#include "base/number.h"
#include "base/symbols.h"
#include "base/text.h"
#include "lab/observation.h"
#include "lab/scenario_file.h"
#include "lab/step.h"

#define MAX_NAME 200

struct scenarios {
	const char *path;
	unsigned nr_vcpus;
	struct symbols *symbols; /* NULL: none, because of no_symbols */
	char no_symbols[256];
	yaml_document_t document;
	struct lab_cases *cases;
	json_t *names; /* those taken, each with how often it was wanted */
	char *err;
	size_t err_size;
};

/* ---- errors ---- */

__attribute__((format(printf, 3, 4))) static bool bad(struct scenarios *s, yaml_mark_t at,
						      const char *format, ...)
{
	char why[400], shown[4 * sizeof(why)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	/* A quoted word can have newlines. */
	snprintf(s->err, s->err_size, "%s:%zu:%zu: %s", s->path, at.line + 1, at.column + 1,
		 text_printable(shown, sizeof(shown), why));
	return false;
}

static bool unknown_key(struct scenarios *s, const yaml_node_t *key, const char *text,
			const char *const *words)
{
	const char *near = text_nearest(text, strlen(text), words);

	if (near)
		return bad(s, key->start_mark, "unknown key %s: did you mean %s?", text, near);
	return bad(s, key->start_mark, "unknown key %s", text);
}

/* ---- nodes ---- */

static const yaml_node_t *node(struct scenarios *s, int id)
{
	return yaml_document_get_node(&s->document, id);
}

/* Is the key there once more before this pair? libyaml takes both. */
static bool is_second(struct scenarios *s, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = node(s, pair->key);

	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
		const yaml_node_t *other = node(s, p->key);

		if (key->type == YAML_SCALAR_NODE && other->type == YAML_SCALAR_NODE &&
		    !strcmp((const char *)key->data.scalar.value,
			    (const char *)other->data.scalar.value))
			return !bad(s, key->start_mark, "%s is there twice",
				    (const char *)key->data.scalar.value);
	}
	return false;
}

/* The text of a scalar; NULL, and an error, if it is none. */
static const char *text_of(struct scenarios *s, const yaml_node_t *n, const char *what)
{
	if (n->type != YAML_SCALAR_NODE) {
		bad(s, n->start_mark, "%s is not a text", what);
		return NULL;
	}
	if (strlen((const char *)n->data.scalar.value) != n->data.scalar.length) {
		bad(s, n->start_mark, "%s has a character NUL", what);
		return NULL;
	}
	return (const char *)n->data.scalar.value;
}

static bool is_nothing(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!n->data.scalar.length || !strcmp((const char *)n->data.scalar.value, "null") ||
		!strcmp((const char *)n->data.scalar.value, "~"));
}

/* A number in decimal, true, false, or else a text: inject_args.h takes others as texts. */
static json_t *value_json(const yaml_node_t *n, const char *text)
{
	char *end;
	long long number;

	if (n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return json_string(text);
	if (!strcmp(text, "true") || !strcmp(text, "false"))
		return json_boolean(*text == 't');
	errno = 0;
	number = strtoll(text, &end, 10);
	return *text && !*end && !errno ? json_integer(number) : json_string(text);
}

static bool number_of(struct scenarios *s, const yaml_node_t *n, const char *what, uint64_t most,
		      uint64_t *number)
{
	const char *text = text_of(s, n, what);

	return text &&
	       ((number_parse(text, strlen(text), number) && *number && *number <= most) ||
		bad(s, n->start_mark, "bad %s: not a number from 1 to %" PRIu64, what, most));
}

/* ---- steps ---- */

/* The words of fwnmi inject, and those of the monitor. */
static const char *const commands[][2] = {
	{ "machine-check", "inject-machine-check" },
	{ "system-reset", "inject-nmi" },
	{ "poison", "poison-memory" },
	{ "plant", "plant-error" },
};

/* All keys of a step, for typing errors. */
#define STEP_KEYS                                                                                 \
	"machine-check", "system-reset", "poison", "plant", "inject-machine-check", "inject-nmi", \
		"poison-memory", "plant-error", "at"

static const char *command_of(const char *key)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(key, commands[i][0]) || !strcmp(key, commands[i][1]))
			return commands[i][1];
	return NULL;
}

/* What a file says of one step. */
struct step_nodes {
	const char *command; /* NULL: nothing yet */
	const yaml_node_t *key, *arguments, *at; /* the command's; NULL: none */
};

/* Takes a key of a step. False, without an error, if it is none. */
static bool take_step_key(struct scenarios *s, struct step_nodes *step, const yaml_node_t *key,
			  const char *text, const yaml_node_t *value, bool *good)
{
	const char *command = command_of(text);

	if (command) {
		*good = !step->command ||
			bad(s, key->start_mark, "a second command: each needs a step of its own");
		step->command = command;
		step->key = key;
		step->arguments = value;
	} else if (!strcmp(text, "at")) {
		step->at = value;
	}
	return command || !strcmp(text, "at");
}

static json_t *arguments_json(struct scenarios *s, const struct step_nodes *step)
{
	const yaml_node_t *map = step->arguments;
	json_t *json = json_object();
	const char *text;

	if (map->type != YAML_MAPPING_NODE && !is_nothing(map)) {
		bad(s, map->start_mark, "the arguments are no mapping, such as {type: SLB}");
		goto fail;
	}
	for (const yaml_node_pair_t *pair = is_nothing(map) ? NULL : map->data.mapping.pairs.start;
	     pair && pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = node(s, pair->key), *value = node(s, pair->value);
		const char *name = text_of(s, key, "an argument's name");

		text = name ? text_of(s, value, name) : NULL;
		if (!text)
			goto fail;
		if (json_object_get(json, name)) {
			bad(s, key->start_mark, "%s is there twice", name);
			goto fail;
		}
		json_object_set_new(json, name, value_json(value, text));
	}
	if (!step->at)
		return json;
	text = text_of(s, step->at, "at");
	if (text && !json_object_get(json, "at")) {
		json_object_set_new(json, "at", json_string(text));
		return json;
	}
	if (text)
		bad(s, step->at->start_mark, "at is there twice");
fail:
	json_decref(json);
	return NULL;
}

/* Does the message have the word? */
static const char *find_word(const char *message, const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";
	const size_t length = strlen(word);
	const char *at = length ? strstr(message, word) : NULL;

	for (; at; at = strstr(at + 1, word))
		if ((at == message || !strchr(letters, at[-1])) &&
		    (!at[length] || !strchr(letters, at[length])))
			return at;
	return NULL;
}

/* The place of the argument that a message names first: its value, or its name if that is bad. */
static yaml_mark_t find_culprit(struct scenarios *s, const struct step_nodes *step,
				const char *message)
{
	const yaml_node_t *map = step->arguments;
	const bool is_value = !strncmp(message, "bad ", 4);
	const char *first = NULL;
	yaml_mark_t place = step->key->start_mark;

	if (step->at && (first = find_word(message, "at")))
		place = step->at->start_mark;
	if (map->type != YAML_MAPPING_NODE)
		return place;
	for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = node(s, pair->key);
		const char *at = find_word(message, (const char *)key->data.scalar.value);

		if (!at || (first && first <= at))
			continue;
		first = at;
		place = (is_value ? node(s, pair->value) : key)->start_mark;
	}
	return place;
}

/* What only the guest knows: its symbols and its CPUs. */
static bool check_guest(struct scenarios *s, struct lab_step *step, char *why, size_t size)
{
	struct injection_request *request = &step->request;
	char reason[300];

	if (step->kind == LAB_STEP_PLANT && step->plant.vcpu >= s->nr_vcpus) {
		snprintf(why, size, "bad cpu-index: there is no CPU %u: see -smp",
			 step->plant.vcpu);
		return false;
	}
	if (step->kind != LAB_STEP_INJECT)
		return true;
	if (request->vcpu >= s->nr_vcpus) {
		snprintf(why, size, "bad %s: there is no CPU %u: see -smp",
			 request->trigger.cpus == TRIGGER_CPUS_UNSAID ? "cpu-index" : "at",
			 request->vcpu);
		return false;
	}
	if (trigger_resolve(&request->trigger, s->symbols, s->no_symbols, reason, sizeof(reason)))
		return true;
	snprintf(why, size, "bad at: %s", reason);
	return false;
}

/* Makes a step of what a file says. NULL, and an error, if it is none. */
static json_t *step_json(struct scenarios *s, const struct step_nodes *nodes, struct lab_step *step)
{
	json_t *arguments = arguments_json(s, nodes), *json;
	char why[320];

	if (!arguments)
		return NULL;
	json = json_pack("{s:s, s:o}", "execute", nodes->command, "arguments", arguments);
	if (lab_step_parse(json, step, why, sizeof(why)) && check_guest(s, step, why, sizeof(why)))
		return json;
	bad(s, find_culprit(s, nodes, why), "%s", why);
	json_decref(json);
	return NULL;
}

static json_t *read_step(struct scenarios *s, const yaml_node_t *map, struct lab_step *step)
{
	static const char *const words[] = { STEP_KEYS, NULL };
	struct step_nodes nodes = { 0 };
	bool good = true;

	if (map->type != YAML_MAPPING_NODE) {
		bad(s, map->start_mark, "a step is a mapping, such as machine-check: {type: SLB}");
		return NULL;
	}
	for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = node(s, pair->key);
		const char *text = text_of(s, key, "a key");

		if (!text || is_second(s, map, pair))
			return NULL;
		if (!take_step_key(s, &nodes, key, text, node(s, pair->value), &good))
			good = unknown_key(s, key, text, words);
		if (!good)
			return NULL;
	}
	if (nodes.command)
		return step_json(s, &nodes, step);
	bad(s, map->start_mark,
	    "the step has no command: machine-check, system-reset, poison or plant");
	return NULL;
}

/* ---- cases ---- */

/* What a file says of one case. */
struct case_nodes {
	const yaml_node_t *name, *steps; /* NULL: none */
	const char *name_text;
	struct step_nodes step; /* the short form */
	enum lab_workload workload;
	uint64_t repeat;
};

/* What the steps of a case are. */
struct case_steps {
	json_t *list;
	uint64_t events;
	char group[MAX_NAME];
};

static bool take_workload(struct scenarios *s, const yaml_node_t *value, struct case_nodes *c)
{
	const char *text = text_of(s, value, "workload"), *near;
	const char *words[LAB_WORKLOADS + 1] = { NULL };

	if (!text)
		return false;
	if (lab_workload_parse(text, &c->workload))
		return true;
	for (unsigned i = 0; i < LAB_WORKLOADS; i++)
		words[i] = lab_workload_name(i);
	near = text_nearest(text, strlen(text), words);
	if (near)
		return bad(s, value->start_mark, "unknown workload %s: did you mean %s?", text,
			   near);
	return bad(s, value->start_mark, "unknown workload %s", text);
}

static bool take_name(struct scenarios *s, const yaml_node_t *value, struct case_nodes *c)
{
	c->name = value;
	c->name_text = text_of(s, value, "name");
	if (c->name_text && (!*c->name_text || strlen(c->name_text) >= MAX_NAME))
		return bad(s, value->start_mark, "bad name: not from 1 to %d bytes", MAX_NAME - 1);
	return c->name_text;
}

static bool take_case_key(struct scenarios *s, struct case_nodes *c, const yaml_node_t *key,
			  const yaml_node_t *value)
{
	static const char *const words[] = {
		"name", "workload", "steps", "repeat", STEP_KEYS, NULL
	};
	const char *text = text_of(s, key, "a key");
	bool good = true;

	if (!text)
		return false;
	if (!strcmp(text, "name"))
		return take_name(s, value, c);
	if (!strcmp(text, "workload"))
		return take_workload(s, value, c);
	if (!strcmp(text, "repeat"))
		return number_of(s, value, "repeat", LAB_MAX_STEPS, &c->repeat);
	if (!strcmp(text, "steps")) {
		c->steps = value;
		return value->type == YAML_SEQUENCE_NODE ||
		       bad(s, value->start_mark, "steps is no list");
	}
	return take_step_key(s, &c->step, key, text, value, &good) ?
		       good :
		       unknown_key(s, key, text, words);
}

static bool append_step(struct scenarios *s, const yaml_node_t *place, json_t *json,
			const struct lab_step *step, struct case_steps *steps)
{
	if (!json)
		return false;
	if (!json_array_size(steps->list))
		lab_step_name(step, steps->group, sizeof(steps->group));
	steps->events += lab_step_events(step, s->nr_vcpus);
	if (json_array_append_new(steps->list, json))
		return bad(s, place->start_mark, "out of memory");
	if (json_array_size(steps->list) > LAB_MAX_STEPS)
		return bad(s, place->start_mark, "more than %u steps", LAB_MAX_STEPS);
	return steps->events <= LAB_MAX_HITS ||
	       bad(s, place->start_mark, "more than %u events", LAB_MAX_HITS);
}

static bool read_steps(struct scenarios *s, const yaml_node_t *map, const struct case_nodes *c,
		       struct case_steps *steps)
{
	struct lab_step step = { 0 };
	const yaml_node_t *list = c->steps;

	if (!list && !c->step.command)
		return bad(s, map->start_mark,
			   "the case has no steps: machine-check, system-reset, poison or plant");
	if (!list)
		return append_step(s, map, step_json(s, &c->step, &step), &step, steps);
	if (c->step.command || c->step.at)
		return bad(s, (c->step.command ? c->step.key : c->step.at)->start_mark,
			   "it stands beside steps: put it into one");
	for (const int *i = list->data.sequence.items.start; i < list->data.sequence.items.top; i++)
		if (!append_step(s, node(s, *i), read_step(s, node(s, *i), &step), &step, steps))
			return false;
	return json_array_size(steps->list) || bad(s, list->start_mark, "steps is an empty list");
}

/* Does the steps once more for each repetition. */
static bool repeat_steps(struct scenarios *s, const yaml_node_t *map, const struct case_nodes *c,
			 struct case_steps *steps)
{
	const size_t once = json_array_size(steps->list);

	if (once * c->repeat > LAB_MAX_STEPS || steps->events * c->repeat > LAB_MAX_HITS)
		return bad(s, map->start_mark,
			   "with repeat, the case has more than %u steps or %u events",
			   LAB_MAX_STEPS, LAB_MAX_HITS);
	for (size_t i = once; i < once * c->repeat; i++)
		json_array_append(steps->list, json_array_get(steps->list, i - once));
	if (json_array_size(steps->list) > 1)
		snprintf(steps->group + strlen(steps->group),
			 sizeof(steps->group) - strlen(steps->group), ", then %zu more",
			 json_array_size(steps->list) - 1);
	return true;
}

/* Finds a name that no other case has. */
static char *unique_name(struct scenarios *s, const struct case_nodes *c, const char *group)
{
	const char *column = lab_workload_name(c->workload);
	json_t *wanted;
	char *name;

	if (c->name) {
		if (!json_object_get(s->names, c->name_text))
			return strdup(c->name_text);
		bad(s, c->name->start_mark, "there is another case named %s", c->name_text);
		return NULL;
	}
	if (asprintf(&name, "%s/%s", group, column) < 0)
		return NULL;
	while ((wanted = json_object_get(s->names, name))) {
		json_integer_set(wanted, json_integer_value(wanted) + 1);
		free(name);
		if (asprintf(&name, "%s/%s #%d", group, column, (int)json_integer_value(wanted)) <
		    0)
			return NULL;
	}
	return name;
}

static bool add_case(struct scenarios *s, const yaml_node_t *map, const struct case_nodes *nodes,
		     struct case_steps *steps)
{
	struct lab_case c = { .number = s->cases->count, .workload = nodes->workload };

	c.name = unique_name(s, nodes, steps->group);
	c.group = strdup(nodes->name_text ? nodes->name_text : steps->group);
	c.column = strdup(lab_workload_name(nodes->workload));
	c.steps = json_incref(steps->list);
	if (c.name && c.group && c.column &&
	    !json_object_set_new(s->names, c.name, json_integer(1))) {
		s->cases->list[s->cases->count++] = c;
		return true;
	}
	lab_case_clear(&c);
	return s->err[0] ? false : bad(s, map->start_mark, "out of memory");
}

static bool read_case(struct scenarios *s, const yaml_node_t *map)
{
	struct case_nodes nodes = { .workload = LAB_VICTIM, .repeat = 1 };
	struct case_steps steps = { .list = NULL };
	bool good;

	if (map->type != YAML_MAPPING_NODE)
		return bad(s, map->start_mark, "a case is a mapping");
	for (const yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++)
		if (is_second(s, map, pair) ||
		    !take_case_key(s, &nodes, node(s, pair->key), node(s, pair->value)))
			return false;
	steps.list = json_array();
	good = read_steps(s, map, &nodes, &steps) && repeat_steps(s, map, &nodes, &steps) &&
	       add_case(s, map, &nodes, &steps);
	json_decref(steps.list);
	return good;
}

static bool read_list(struct scenarios *s)
{
	const yaml_node_t *root = yaml_document_get_root_node(&s->document);
	size_t count;

	if (!root)
		return bad(s, (yaml_mark_t){ 0 }, "no cases");
	if (root->type != YAML_SEQUENCE_NODE)
		return bad(s, root->start_mark, "not a list of cases");
	count = (size_t)(root->data.sequence.items.top - root->data.sequence.items.start);
	if (!count || count > SCENARIO_MAX_CASES)
		return bad(s, root->start_mark, "not from 1 to %d cases", SCENARIO_MAX_CASES);
	s->cases->list = calloc(count, sizeof(s->cases->list[0]));
	if (!s->cases->list)
		return bad(s, root->start_mark, "out of memory");
	for (size_t i = 0; i < count; i++)
		if (!read_case(s, node(s, root->data.sequence.items.start[i])))
			return false;
	return true;
}

/* ---- the file ---- */

/* Where a byte is. */
static yaml_mark_t mark_of(const char *text, size_t offset)
{
	yaml_mark_t mark = { .index = offset };

	for (size_t i = 0; i < offset; i++) {
		mark.line += text[i] == '\n';
		mark.column = text[i] == '\n' ? 0 : mark.column + 1;
	}
	return mark;
}

static bool bad_yaml(struct scenarios *s, const yaml_parser_t *parser, const char *text,
		     size_t length)
{
	const char *why = parser->problem ? parser->problem : "out of memory";

	if (parser->error == YAML_READER_ERROR)
		return bad(s,
			   mark_of(text, parser->problem_offset < length ? parser->problem_offset :
									   length),
			   "not YAML: %s", why);
	return bad(s, parser->problem_mark, "not YAML: %s", why);
}

static bool ends_there(struct scenarios *s, yaml_parser_t *parser, const char *text, size_t length)
{
	yaml_document_t second;
	const yaml_node_t *root;
	bool good = true;

	if (!yaml_parser_load(parser, &second))
		return bad_yaml(s, parser, text, length);
	root = yaml_document_get_root_node(&second);
	if (root)
		good = bad(s, root->start_mark, "a second document: a file is one list");
	yaml_document_delete(&second);
	return good;
}

static bool parse(struct scenarios *s, const char *text, size_t length)
{
	yaml_parser_t parser;
	bool good;

	if (!yaml_parser_initialize(&parser))
		return bad(s, (yaml_mark_t){ 0 }, "out of memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	if (yaml_parser_load(&parser, &s->document)) {
		good = read_list(s) && ends_there(s, &parser, text, length);
		yaml_document_delete(&s->document);
	} else {
		good = bad_yaml(s, &parser, text, length);
	}
	yaml_parser_delete(&parser);
	return good;
}

/* Returns the file's bytes, to be given to free(). */
static char *read_whole(const char *path, size_t *length, char *err, size_t err_size)
{
	/* Not a pipe's end that never comes. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result;
	char *text = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		snprintf(err, err_size, "cannot read %s: %s", path, strerror(errno));
	} else if (!S_ISREG(st.st_mode)) {
		snprintf(err, err_size, "cannot read %s: not a file", path);
	} else if (st.st_size > SCENARIO_FILE_MAX) {
		snprintf(err, err_size, "%s is larger than 1 MiB", path);
	} else {
		*length = (size_t)st.st_size;
		text = malloc(*length + 1);
		result = text ? file_read(fd, text, *length, 0) : -ENOMEM;
		if (result < 0) {
			snprintf(err, err_size, "cannot read %s: %s", path, strerror(-result));
			free(text);
			text = NULL;
		}
	}
	if (fd >= 0)
		close(fd);
	return text;
}

bool scenario_file_read(const char *path, const char *kernel, unsigned nr_vcpus,
			struct lab_cases *cases, char **suite, char *err, size_t err_size)
{
	struct scenarios s = {
		.path = path, .nr_vcpus = nr_vcpus, .cases = cases, .err = err, .err_size = err_size
	};
	size_t length;
	char *text = read_whole(path, &length, err, err_size);
	bool good;

	*cases = (struct lab_cases){ 0 };
	*suite = NULL;
	if (!text)
		return false;
	err[0] = '\0';
	s.symbols = symbols_open(kernel, s.no_symbols, sizeof(s.no_symbols));
	s.names = json_object();
	good = parse(&s, text, length) &&
	       (asprintf(suite, "%s#%016" PRIx64, path, content_hash(text, length)) >= 0 ||
		bad(&s, (yaml_mark_t){ 0 }, "out of memory"));
	json_decref(s.names);
	symbols_close(s.symbols);
	free(text);
	if (!good) {
		lab_cases_clear(cases);
		*suite = NULL;
	}
	return good;
}
