/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command lines; see options.h. Each command defines what its options mean; this file knows none.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/options.h"
#include "cmd/printable.h"

#define MAX_NAME   48 /* longer ones are not compared */
#define MAX_GROUPS (sizeof(((struct command_line *)0)->groups) / sizeof(struct option_group))

struct parse {
	const struct command_line *line;
	int argc, at;
	char **argv;
};

__attribute__((format(printf, 2, 3))) static bool complain(const struct parse *p,
							   const char *format, ...)
{
	char text[1000];
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (len >= (int)sizeof(text))
		len = sizeof(text) - 1;
	fprintf(stderr, "fwnmi: %s: ", p->line->command);
	print_printable(stderr, text, len > 0 ? (size_t)len : 0);
	fputc('\n', stderr);
	return false;
}

bool option_bad(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, OPTION_WHY_SIZE, format, ap);
	va_end(ap);
	return false;
}

static const char *without_dashes(const char *name)
{
	name += *name == '-';
	return name + (*name == '-');
}

/* ---- the nearest name ---- */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Number of letters to insert, drop, change or swap with a neighbour to get from one name to the
 * other.
 */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned row[3][MAX_NAME + 1], *before = row[0], *last = row[1], *now = row[2];

	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *oldest = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);

			now[j] = least(last[j - 1] + !same, 1 + least(last[j], now[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[b_len];
}

/* The longer a name, the more letters may be wrong; an abbreviation counts as near. */
static const struct command_option *nearest(const struct command_line *line, const char *name,
					    size_t len)
{
	const struct command_option *found = NULL;
	unsigned best = (unsigned)len / 3 + 2;

	for (size_t g = 0; len && len < MAX_NAME && g < MAX_GROUPS; g++) {
		const struct command_option *o = line->groups[g].options;

		for (; o && o->name; o++) {
			const char *known = without_dashes(o->name);
			size_t known_len = strlen(known);
			unsigned d = distance(name, len, known, known_len);

			if (len > 2 && known_len > len && !memcmp(name, known, len))
				d = 1;
			if (d < best && d < known_len) {
				best = d;
				found = o;
			}
		}
	}
	return found;
}

/* ---- parsing ---- */

static const struct command_option *find(const struct command_line *line, const char *name,
					 size_t len, void **into)
{
	for (size_t g = 0; g < MAX_GROUPS; g++) {
		const struct command_option *o = line->groups[g].options;

		*into = line->groups[g].into;
		for (; o && o->name; o++) {
			const char *known = without_dashes(o->name);

			if ((strlen(known) == len && !memcmp(known, name, len)) ||
			    (len == 1 && o->letter && *name == o->letter))
				return o;
		}
	}
	return NULL;
}

static bool has_value(const struct command_option *option)
{
	return option->kind == OPTION_TEXT || option->kind == OPTION_NAME ||
	       option->kind == OPTION_ONLY || option->kind == OPTION_CALL;
}

/* Writes for example "not host or insn". */
static bool none_of(const char *const *names, char *why)
{
	size_t used = (size_t)snprintf(why, OPTION_WHY_SIZE, "not %s", names[0]);

	for (size_t i = 1; names[i] && used < OPTION_WHY_SIZE; i++)
		used += (size_t)snprintf(why + used, OPTION_WHY_SIZE - used, "%s%s",
					 names[i + 1] ? ", " : " or ", names[i]);
	return false;
}

static bool take_name(void *into, const struct command_option *option, const char *value, char *why)
{
	unsigned i = 0;

	while (option->names[i] && strcmp(option->names[i], value))
		i++;
	if (option->kind == OPTION_ONLY)
		return option->names[i] || option_bad(why, "%s", option->why);
	if (!option->names[i])
		return none_of(option->names, why);
	memcpy((char *)into + option->offset, &i, sizeof(i)); /* an enum */
	return true;
}

static bool take(void *into, const struct command_option *option, const char *value, char *why)
{
	void *where = (char *)into + option->offset;

	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)where = true;
		return true;
	case OPTION_TEXT:
		*(const char **)where = value;
		return true;
	case OPTION_NAME:
	case OPTION_ONLY:
		return take_name(into, option, value, why);
	case OPTION_CALL:
	case OPTION_CALL_FLAG:
		return option->set(into, option, value, why);
	case OPTION_NOTHING:
	case OPTION_HELP:
		break;
	}
	return true;
}

static bool unknown(const struct parse *p, const char *name, size_t len)
{
	const struct command_option *near = nearest(p->line, name, len);

	if (near)
		return complain(p, "unknown option %s: did you mean %s?", p->argv[p->at],
				near->name);
	return complain(p, "unknown option %s: see fwnmi %s --help", p->argv[p->at],
			p->line->command);
}

/* Parses "-jx": short forms of flags combined. False: it is something else. */
static bool parse_letters(const struct parse *p, enum options_result *result)
{
	const char *letters = p->argv[p->at] + 1;
	char why[OPTION_WHY_SIZE] = "";
	void *into;

	for (const char *c = letters; *c; c++) {
		const struct command_option *o = find(p->line, c, 1, &into);

		if (!o || o->letter != *c)
			return false;
	}
	*result = OPTIONS_TAKEN;
	for (const char *c = letters; *c && *result == OPTIONS_TAKEN; c++) {
		const struct command_option *o = find(p->line, c, 1, &into);

		if (o->kind == OPTION_HELP) {
			*result = OPTIONS_HELP;
		} else if (!take(into, o, NULL, why)) {
			complain(p, "bad %s: %s", o->name, why);
			*result = OPTIONS_BAD;
		}
	}
	return true;
}

/* "-j8" as for make: a name of one letter may have a number right behind it. */
static const struct command_option *find_with_number(const struct command_line *line,
						     const char *name, void **into)
{
	const struct command_option *o = find(line, name, 1, into);

	return o && has_value(o) && isdigit((unsigned char)name[1]) ? o : NULL;
}

static enum options_result parse_option(struct parse *p)
{
	const char *name = without_dashes(p->argv[p->at]), *value = NULL;
	size_t len = strcspn(name, "=");
	char why[OPTION_WHY_SIZE] = "";
	const struct command_option *option;
	enum options_result result;
	void *into;

	option = find(p->line, name, len, &into);
	if (!option && len && parse_letters(p, &result))
		return result;
	if (!option && len && (option = find_with_number(p->line, name, &into)))
		value = name + 1;
	if (!option)
		return unknown(p, name, len) ? OPTIONS_TAKEN : OPTIONS_BAD;
	if (option->kind == OPTION_HELP)
		return OPTIONS_HELP;
	if (!value && name[len] == '=')
		value = name + len + 1;
	if (value && !has_value(option)) {
		complain(p, "option %s takes no value", option->name);
		return OPTIONS_BAD;
	}
	if (!value && has_value(option)) {
		if (p->at + 1 == p->argc) {
			complain(p, "option %s needs a value", option->name);
			return OPTIONS_BAD;
		}
		value = p->argv[++p->at];
	}
	if (take(into, option, value, why))
		return OPTIONS_TAKEN;
	complain(p, "bad %s%s%s: %s", option->name, value ? " " : "", value ? value : "", why);
	return OPTIONS_BAD;
}

static enum options_result parse_argument(const struct parse *p)
{
	char why[OPTION_WHY_SIZE] = "";

	if (!p->line->argument)
		complain(p, "unexpected argument %s: see fwnmi %s --help", p->argv[p->at],
			 p->line->command);
	else if (p->line->argument(p->line->into, p->argv[p->at], why))
		return OPTIONS_TAKEN;
	else
		complain(p, "%s", why);
	return OPTIONS_BAD;
}

enum options_result options_parse(const struct command_line *line, int argc, char **argv)
{
	struct parse p = { .line = line, .argc = argc, .argv = argv };
	bool only_arguments = false;

	for (p.at = 1; p.at < argc; p.at++) {
		const char *text = argv[p.at];
		enum options_result result;

		/* If the command takes arguments, "-" is one, and so is everything after "--". */
		if (line->argument && !only_arguments && !strcmp(text, "--")) {
			only_arguments = true;
			continue;
		}
		if (*text != '-' || only_arguments || (line->argument && !text[1]))
			result = parse_argument(&p);
		else
			result = parse_option(&p);
		if (result != OPTIONS_TAKEN)
			return result;
	}
	return OPTIONS_TAKEN;
}

int options_end(enum options_result result, const char *usage, int bad_status)
{
	if (result == OPTIONS_TAKEN)
		return -1;
	if (result == OPTIONS_BAD)
		return bad_status;
	fputs(usage, stdout);
	return EXIT_SUCCESS;
}
