/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target descriptions; see target.h. A register's number is the one in its element, or else one
 * more than the register before it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gdb/target.h"

#define MAX_REGISTERS 4096
#define MAX_DEPTH     4
#define MAX_NUMBER    65535

struct reader {
	struct gdb_target *target;
	char *(*read)(void *opaque, const char *name);
	void *opaque;
	const char *problem;
	unsigned next_number, room;
};

static bool fail(struct reader *r, const char *problem)
{
	r->problem = problem;
	return false;
}

/* Finds the value of an attribute inside the tag [tag, end). */
static bool attribute(const char *tag, const char *end, const char *name, char *value, size_t size)
{
	size_t len = strlen(name);

	for (const char *p = tag; p + len + 2 < end; p++) {
		const char *close;
		char quote;

		if (memchr(" \t\r\n", p[0], 4) == NULL || strncmp(p + 1, name, len) != 0 ||
		    p[1 + len] != '=')
			continue;
		quote = p[2 + len];
		if (quote != '"' && quote != '\'')
			return false;
		p += 3 + len;
		close = memchr(p, quote, (size_t)(end - p));
		if (!close || (size_t)(close - p) >= size)
			return false;
		memcpy(value, p, (size_t)(close - p));
		value[close - p] = '\0';
		return true;
	}
	return false;
}

static bool number_attribute(const char *tag, const char *end, const char *name, unsigned *number)
{
	char text[16], *stop;
	unsigned long value;

	if (!attribute(tag, end, name, text, sizeof(text)))
		return false;
	value = strtoul(text, &stop, 0);
	if (stop == text || *stop || value > MAX_NUMBER)
		return false;
	*number = (unsigned)value;
	return true;
}

static bool add_register(struct reader *r, const char *tag, const char *end)
{
	struct gdb_target *target = r->target;
	struct gdb_target_register reg = { .number = r->next_number };
	unsigned bits;

	if (!attribute(tag, end, "name", reg.name, sizeof(reg.name)) ||
	    !number_attribute(tag, end, "bitsize", &bits))
		return fail(r, "a register without name or size");
	number_attribute(tag, end, "regnum", &reg.number);
	reg.bytes = (bits + 7) / 8;
	r->next_number = reg.number + 1;
	if (target->nr_registers == r->room) {
		struct gdb_target_register *bigger;

		if (r->room >= MAX_REGISTERS)
			return fail(r, "too many registers");
		r->room = r->room ? 2 * r->room : 256;
		bigger = realloc(target->registers, r->room * sizeof(*bigger));
		if (!bigger)
			return fail(r, "out of memory");
		target->registers = bigger;
	}
	target->registers[target->nr_registers++] = reg;
	return true;
}

static void take_architecture(struct reader *r, const char *text)
{
	size_t len = strcspn(text, "<");

	if (len >= sizeof(r->target->architecture))
		len = sizeof(r->target->architecture) - 1;
	memcpy(r->target->architecture, text, len);
	r->target->architecture[len] = '\0';
}

static bool is_tag(const char *tag, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(tag, name, len) && strchr(" \t\r\n/>", tag[len]);
}

static bool read_document(struct reader *r, const char *name, unsigned depth)
{
	char *text, *p;
	bool ok = true;

	if (depth == MAX_DEPTH)
		return fail(r, "its documents are nested too deeply");
	text = r->read(r->opaque, name);
	if (!text)
		return fail(r, "a document is missing");
	for (p = text; ok && (p = strchr(p, '<')); p++) {
		const char *end;
		char included[64];

		if (!strncmp(p, "<!--", 4)) {
			p = strstr(p + 4, "-->");
			if (!p)
				break;
			continue;
		}
		p++;
		end = strchr(p, '>');
		if (!end) {
			ok = fail(r, "it ends inside a tag");
		} else if (is_tag(p, "architecture")) {
			take_architecture(r, end + 1);
		} else if (is_tag(p, "reg")) {
			ok = add_register(r, p, end);
		} else if (is_tag(p, "xi:include")) {
			ok = attribute(p, end, "href", included, sizeof(included)) ?
				     read_document(r, included, depth + 1) :
				     fail(r, "an inclusion without a name");
		}
	}
	free(text);
	return ok;
}

bool gdb_target_read(struct gdb_target *target, char *(*read)(void *opaque, const char *name),
		     void *opaque, const char **problem)
{
	struct reader r = { .target = target, .read = read, .opaque = opaque };
	bool ok;

	memset(target, 0, sizeof(*target));
	ok = read_document(&r, "target.xml", 0);
	*problem = r.problem;
	return ok;
}

void gdb_target_free(struct gdb_target *target)
{
	free(target->registers);
	memset(target, 0, sizeof(*target));
}
