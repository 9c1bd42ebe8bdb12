/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints a decoded RTAS event log as text for people. errlog_fields.c lists what it says.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "errlog_fields.h"

/* Text that grows in the caller's buffer. length also counts what did not fit. */
struct text {
	char *buf;
	size_t size;
	size_t length;
	unsigned depth; /* how many groups are open */
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	size_t used = text->length < text->size ? text->length : text->size;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(used < text->size ? text->buf + used : NULL, text->size - used, format, args);
	va_end(args);
	if (n > 0)
		text->length += (size_t)n;
}

/* Log characters come from outside, so only printable ASCII goes to a terminal. */
static char printable(char c)
{
	return c >= 0x20 && c < 0x7f ? c : '.';
}

static void add_text(struct text *text, const struct fwnmi_errlog_field *field)
{
	const char *s = field->data;

	add(text, " ");
	for (size_t i = 0; i < field->length; i++)
		add(text, "%c", printable(s[i]));
}

static void add_bytes(struct text *text, const struct fwnmi_errlog_field *field)
{
	const uint8_t *bytes = field->data;

	for (size_t i = 0; i < field->length; i++)
		add(text, "%s%02x", i % 4 == 0 ? " " : "", bytes[i]);
}

static void add_words(struct text *text, const struct fwnmi_errlog_field *field)
{
	const uint32_t *words = field->data;

	for (size_t i = 0; i < field->length; i++)
		add(text, " %08x", words[i]);
}

static void add_numbers(struct text *text, const struct fwnmi_errlog_field *field)
{
	const uint16_t *numbers = field->data;

	for (size_t i = 0; i < field->length; i++)
		add(text, " %u", numbers[i]);
	if (field->length == 0)
		add(text, " none");
}

static void add_hex(struct text *text, const struct fwnmi_errlog_field *field)
{
	add(text, " 0x%0*llx", (int)field->digits, (unsigned long long)field->value);
}

static void add_flags(struct text *text, const struct fwnmi_errlog_field *field)
{
	for (size_t i = 0; i < field->nr_flags; i++)
		if (field->value & field->flags[i].mask)
			add(text, " %s", field->flags[i].name);
	add(text, " (0x%0*llx)", (int)field->digits, (unsigned long long)field->value);
}

static void add_time(struct text *text, const struct fwnmi_errlog_field *field)
{
	uint32_t date = (uint32_t)(field->value >> 32), time = (uint32_t)field->value;

	add(text, " %04x-%02x-%02x %02x:%02x:%02x.%02x", date >> 16, date >> 8 & 0xff, date & 0xff,
	    time >> 24, time >> 16 & 0xff, time >> 8 & 0xff, time & 0xff);
}

static void add_number(struct text *text, const struct fwnmi_errlog_field *field)
{
	add(text, " %llu", (unsigned long long)field->value);
	if (field->unit)
		add(text, " %s", field->unit);
}

static void add_name(struct text *text, const struct fwnmi_errlog_field *field)
{
	add(text, " %s (%llu)", field->name ? field->name : "reserved",
	    (unsigned long long)field->value);
}

static void add_bool(struct text *text, const struct fwnmi_errlog_field *field)
{
	add(text, " %s", field->value ? "yes" : "no");
}

static void add_field(void *opaque, const struct fwnmi_errlog_field *field)
{
	static void (*const add_value[])(struct text * text,
					 const struct fwnmi_errlog_field *field) = {
		[FWNMI_FIELD_NUMBER] = add_number, [FWNMI_FIELD_NAME] = add_name,
		[FWNMI_FIELD_HEX] = add_hex,	   [FWNMI_FIELD_BOOL] = add_bool,
		[FWNMI_FIELD_FLAGS] = add_flags,   [FWNMI_FIELD_TIME] = add_time,
		[FWNMI_FIELD_TEXT] = add_text,	   [FWNMI_FIELD_BYTES] = add_bytes,
		[FWNMI_FIELD_WORDS] = add_words,   [FWNMI_FIELD_NUMBERS] = add_numbers,
	};
	struct text *text = opaque;
	int indent = 2 * (int)text->depth;
	int width = 20 - indent - 1 - (int)strlen(field->label);

	if (field->detail)
		return;
	add(text, "%*s%s:%*s", indent, "", field->label, width > 0 ? width : 0, "");
	if (field->absent) {
		add(text, " %s\n", field->kind == FWNMI_FIELD_NUMBER ? "none" : "not provided");
		return;
	}
	add_value[field->kind](text, field);
	if (field->name && field->kind != FWNMI_FIELD_NAME)
		add(text, " (%s)", field->name);
	add(text, "\n");
}

static void add_title(void *opaque, const char *key, const char *title, unsigned number)
{
	struct text *text = opaque;

	(void)key;
	add(text, "%s%*s%s", text->depth == 0 ? "\n" : "", 2 * (int)text->depth, "", title);
	if (number > 0)
		add(text, " %u", number);
	add(text, "\n");
	text->depth++;
}

static void end_group(void *opaque)
{
	struct text *text = opaque;

	text->depth--;
}

static void add_sections(struct text *text, const struct fwnmi_errlog *log)
{
	add(text, "\nSections (id, offset, length)\n");
	for (unsigned i = 0; i < log->nr_sections; i++) {
		const struct fwnmi_section *section = &log->sections[i];
		const char *name = fwnmi_section_name(section->id);

		add(text, "  %c%c %5u %5u", printable((char)(section->id >> 8)),
		    printable((char)section->id), section->offset, section->length);
		if (name)
			add(text, "  %s", name);
		add(text, "%s\n", fwnmi_section_is_cut(log, i) ? " (cut short)" : "");
	}
}

int fwnmi_errlog_print(const struct fwnmi_errlog *log, char *buf, size_t size)
{
	static const struct fwnmi_errlog_visitor visitor = { add_title, end_group, add_field };
	struct text text = { .buf = buf, .size = size };

	if (!is_buffer(buf, size))
		return FWNMI_ERR_INVALID;
	if (size > 0)
		buf[0] = '\0';
	if (!log)
		return FWNMI_ERR_INVALID;
	fwnmi_errlog_visit_parts(log, &visitor, &text);
	if (log->nr_sections > 0)
		add_sections(&text, log);
	return (int)text.length;
}
