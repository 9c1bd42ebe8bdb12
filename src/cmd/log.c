/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi log`: shows RTAS event logs from a file or stdin as text or JSON. log/ finds the bytes of
 * a log in what a person has at hand; libfwnmi decodes them (fwnmi/errlog.h).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <fwnmi/errlog.h>

#include "cmd/cmd.h"
#include "log/input.h"
#include "cmd/options.h"
#include "cmd/printable.h"

/* A kernel log of a long uptime fits; a disk image given by mistake does not. */
#define INPUT_MAX (64u << 20)

/* Enough to see what is wrong with an input; a broken one has a problem on every line. */
#define PROBLEMS_MAX 20

struct options {
	enum log_form form;
	bool json;
	const char *file; /* "-" is stdin */
};

static const char usage[] =
	"Usage: fwnmi log [--json] [--hex | --binary] [FILE]\n"
	"Decode the RTAS event logs in FILE, or in standard input if FILE is - or missing.\n"
	"\n"
	"  -j, --json     print each log as a JSON object\n"
	"  -x, --hex      the input is hexadecimal text: plain, a dump with offsets (xxd,\n"
	"                 hexdump -C, od -t x1), or a kernel log with \"RTAS 0:\" lines\n"
	"                 (rtasmsgs=on)\n"
	"  -b, --binary   the input is binary: a log, or records of\n"
	"                 /proc/ppc64/rtas/error_log\n"
	"  -h, --help     print this help\n"
	"\n"
	"Without --hex or --binary, the format of the input is detected.\n"
	"Example: dmesg | fwnmi log\n";

/* Prints a line on standard error; it may quote any bytes. */
static void complain(const char *format, va_list args)
{
	char *text = NULL;
	int length = vasprintf(&text, format, args);

	fputs("fwnmi: log: ", stderr);
	if (length >= 0)
		print_printable(stderr, text, (size_t)length);
	fputc('\n', stderr);
	if (length >= 0)
		free(text);
}

__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return EXIT_FAILURE;
}

/* ---- JSON ---- */

/* The last object is the one being filled. */
struct json_builder {
	json_t *objects[8];
	unsigned depth;
	bool failed;
};

static json_t *current(const struct json_builder *b)
{
	return b->objects[b->depth - 1];
}

static void set(struct json_builder *b, const char *key, json_t *value)
{
	if (json_object_set_new(current(b), key, value))
		b->failed = true;
}

static void open_object(void *opaque, const char *key, const char *title, unsigned number)
{
	struct json_builder *b = opaque;
	json_t *object = json_object(), *list;

	(void)title;
	if (number == 0) {
		set(b, key, object);
	} else {
		if (!json_object_get(current(b), key))
			set(b, key, json_array());
		list = json_object_get(current(b), key);
		if (json_array_append_new(list, object))
			b->failed = true;
	}
	/* A failure is handled at the end; until then there must be an object to fill. */
	b->objects[b->depth] = b->failed ? b->objects[0] : object;
	b->depth++;
}

static void close_object(void *opaque)
{
	struct json_builder *b = opaque;

	b->depth--;
}

/* Text of a log comes from outside and need not be UTF-8. */
static json_t *characters(const char *s, size_t length)
{
	char text[256];
	size_t i;

	for (i = 0; i < length && i < sizeof(text) - 1; i++)
		text[i] = s[i] >= 0x20 && s[i] < 0x7f ? s[i] : '.';
	text[i] = '\0';
	return json_string(text);
}

static json_t *hex_string(unsigned digits, unsigned long long value)
{
	return json_sprintf("0x%0*llx", (int)digits, value);
}

static json_t *byte_string(const uint8_t *bytes, size_t length)
{
	char text[2 * 255 + 1] = "";

	for (size_t i = 0; i < length && i < 255; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

static json_t *word_list(const uint32_t *words, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, hex_string(8, words[i]));
	return list;
}

static json_t *number_list(const uint16_t *numbers, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_integer(numbers[i]));
	return list;
}

static json_t *time_string(uint64_t value)
{
	unsigned date = (unsigned)(value >> 32), time = (unsigned)value;

	return json_sprintf("%04x-%02x-%02x %02x:%02x:%02x.%02x", date >> 16, date >> 8 & 0xff,
			    date & 0xff, time >> 24, time >> 16 & 0xff, time >> 8 & 0xff,
			    time & 0xff);
}

static json_t *flag_list(const struct fwnmi_errlog_field *field)
{
	json_t *list = json_array();

	for (size_t i = 0; i < field->nr_flags; i++)
		if (field->value & field->flags[i].mask)
			json_array_append_new(list, json_string(field->flags[i].name));
	return list;
}

static json_t *field_value(const struct fwnmi_errlog_field *field)
{
	if (field->absent)
		return json_null();
	switch (field->kind) {
	case FWNMI_FIELD_NUMBER:
		return json_integer((json_int_t)field->value);
	case FWNMI_FIELD_NAME:
		return field->name ? json_string(field->name) :
				     json_integer((json_int_t)field->value);
	case FWNMI_FIELD_HEX:
	case FWNMI_FIELD_FLAGS:
		return hex_string(field->digits, field->value);
	case FWNMI_FIELD_BOOL:
		return json_boolean(field->value);
	case FWNMI_FIELD_TIME:
		return time_string(field->value);
	case FWNMI_FIELD_TEXT:
		return characters(field->data, field->length);
	case FWNMI_FIELD_BYTES:
		return byte_string(field->data, field->length);
	case FWNMI_FIELD_WORDS:
		return word_list(field->data, field->length);
	case FWNMI_FIELD_NUMBERS:
		return number_list(field->data, field->length);
	}
	return NULL;
}

/* A code with a meaning has it in a second field: "subsystem_name" next to "subsystem". */
static void set_field(void *opaque, const struct fwnmi_errlog_field *field)
{
	struct json_builder *b = opaque;
	char key[64];

	set(b, field->key, field_value(field));
	if (field->kind == FWNMI_FIELD_FLAGS) {
		snprintf(key, sizeof(key), "%s_names", field->key);
		set(b, key, flag_list(field));
	} else if (field->name && field->kind != FWNMI_FIELD_NAME) {
		snprintf(key, sizeof(key), "%s_name", field->key);
		set(b, key, json_string(field->name));
	}
}

/* ---- one event ---- */

/* An event, what was decoded of it, and why the rest was not. */
struct shown {
	const struct log_input *input;
	const struct log_event *event;
	struct fwnmi_errlog log;
	const char *error; /* or NULL */
};

/*
 * Finds the next range of lost bytes in the event, counted from its start; false if there is none.
 */
static bool next_lost(const struct shown *shown, size_t *index, struct log_lost *lost)
{
	const struct log_event *event = shown->event;

	for (; *index < shown->input->nr_lost; (*index)++) {
		const struct log_lost *range = &shown->input->lost[*index];
		size_t start = range->offset, end = range->offset + range->length;

		if (start < event->offset)
			start = event->offset;
		if (end > event->offset + event->length)
			end = event->offset + event->length;
		if (start >= end)
			continue;
		*lost = (struct log_lost){ start - event->offset, end - start };
		(*index)++;
		return true;
	}
	return false;
}

static void set_lost(struct json_builder *b, const struct shown *shown)
{
	struct log_lost lost;
	unsigned count = 0;

	for (size_t i = 0; next_lost(shown, &i, &lost);) {
		open_object(b, "lost", "Lost bytes", ++count);
		set(b, "offset", json_integer((json_int_t)lost.offset));
		set(b, "length", json_integer((json_int_t)lost.length));
		close_object(b);
	}
}

/* Returns NULL if memory runs out. */
static json_t *log_json(const struct shown *shown)
{
	static const struct fwnmi_errlog_visitor visitor = { open_object, close_object, set_field };
	struct json_builder b = { .objects = { json_object() }, .depth = 1 };

	if (shown->event->has_number)
		set(&b, "sequence_number", json_integer(shown->event->number));
	if (shown->error)
		set(&b, "error", json_string(shown->error));
	set_lost(&b, shown);
	fwnmi_errlog_visit(&shown->log, &visitor, &b);
	if (shown->log.has_extended && !json_object_get(b.objects[0], "sections"))
		set(&b, "sections", json_array());
	if (!b.failed)
		return b.objects[0];
	json_decref(b.objects[0]);
	return NULL;
}

static int print_json(const struct shown *shown)
{
	json_t *json = log_json(shown);
	int err;

	if (!json)
		return fail("cannot make JSON: %s", strerror(ENOMEM));
	err = json_dumpf(json, stdout, JSON_INDENT(2));
	json_decref(json);
	putchar('\n');
	return err ? fail("cannot write: %s", strerror(errno)) : EXIT_SUCCESS;
}

static int print_text(const struct shown *shown)
{
	int length = fwnmi_errlog_print(&shown->log, NULL, 0);
	char *text = malloc((size_t)length + 1);
	struct log_lost lost;

	if (!text)
		return fail("cannot print: %s", strerror(ENOMEM));
	fwnmi_errlog_print(&shown->log, text, (size_t)length + 1);
	if (shown->event->has_number)
		printf("%-20s %u\n", "Sequence number:", shown->event->number);
	for (size_t i = 0; next_lost(shown, &i, &lost);)
		printf("%-20s %zu to %zu, shown as zero\n", "Lost bytes:", lost.offset,
		       lost.offset + lost.length - 1);
	fputs(text, stdout);
	free(text);
	return EXIT_SUCCESS;
}

static bool all_zero(const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (data[i] != 0)
			return false;
	return true;
}

/* For messages: "FILE", or "event 3 at line 40 of FILE". */
static void describe(char *buf, size_t size, const struct options *options,
		     const struct shown *shown)
{
	size_t index = (size_t)(shown->event - shown->input->events);

	if (shown->input->nr_events == 1)
		snprintf(buf, size, "%s", options->file);
	else if (shown->event->line > 0)
		snprintf(buf, size, "log %zu (line %u) of %s", index + 1, shown->event->line,
			 options->file);
	else
		snprintf(buf, size, "log %zu of %s", index + 1, options->file);
}

/* Prints what could be decoded, then what is wrong with it. */
static int show_event(const struct options *options, struct shown *shown)
{
	const struct log_event *event = shown->event;
	const uint8_t *data = shown->input->bytes + event->offset;
	int used = fwnmi_errlog_decode(&shown->log, data, event->length);
	struct log_lost lost;
	char what[512];
	size_t first = 0;
	int status;

	describe(what, sizeof(what), options, shown);
	if (next_lost(shown, &first, &lost) && lost.offset < FWNMI_ERRLOG_FIXED_SIZE)
		return fail("cannot decode %s: its beginning is lost", what);
	shown->error = used < 0 ? fwnmi_strerror(used) : NULL;
	if (shown->log.version > 0) {
		status = options->json ? print_json(shown) : print_text(shown);
		if (status != EXIT_SUCCESS)
			return status;
		fflush(stdout); /* before the messages about it */
	}
	if (used < 0)
		return fail("cannot decode %s%s: %s", shown->log.version > 0 ? "all of " : "", what,
			    shown->error);
	if (!event->in_record && !all_zero(data + used, event->length - (size_t)used))
		fail("ignoring %zu bytes after the log", event->length - (size_t)used);
	return EXIT_SUCCESS;
}

/* One bad event does not prevent showing the others. */
static int show_events(const struct options *options, const struct log_input *input)
{
	struct shown *shown = malloc(sizeof(*shown));
	int status = EXIT_SUCCESS;

	if (!shown)
		return fail("cannot decode %s: %s", options->file, strerror(ENOMEM));
	for (size_t i = 0; i < input->nr_events; i++) {
		*shown = (struct shown){ .input = input, .event = &input->events[i] };
		if (i > 0)
			putchar('\n');
		if (show_event(options, shown) != EXIT_SUCCESS)
			status = EXIT_FAILURE;
		if (fflush(stdout) != 0 || ferror(stdout)) {
			status = fail("cannot write: %s", strerror(errno));
			break;
		}
	}
	free(shown);
	return status;
}

/* ---- input ---- */

struct bytes {
	uint8_t *data;
	size_t length;
	size_t capacity;
};

static bool append(struct bytes *bytes, const void *data, size_t length)
{
	if (bytes->capacity - bytes->length < length) {
		size_t capacity = (bytes->capacity + length) * 2;
		uint8_t *bigger = realloc(bytes->data, capacity);

		if (!bigger)
			return false;
		bytes->data = bigger;
		bytes->capacity = capacity;
	}
	memcpy(bytes->data + bytes->length, data, length);
	bytes->length += length;
	return true;
}

static int read_all(FILE *in, const char *name, struct bytes *input)
{
	uint8_t chunk[4096];
	size_t n;

	while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0) {
		if (input->length + n > INPUT_MAX)
			return fail("cannot read %s: more than %u MiB", name, INPUT_MAX >> 20);
		if (!append(input, chunk, n))
			return fail("cannot read %s: %s", name, strerror(ENOMEM));
	}
	if (ferror(in))
		return fail("cannot read %s: %s", name, strerror(errno));
	if (input->length == 0)
		return fail("cannot read %s: it is empty", name);
	return EXIT_SUCCESS;
}

static int read_input(const char *name, struct bytes *input)
{
	FILE *in = stdin;
	int status;

	if (strcmp(name, "-") != 0) {
		in = fopen(name, "rb");
		if (!in)
			return fail("cannot open %s: %s", name, strerror(errno));
	}
	status = read_all(in, name, input);
	if (in != stdin)
		fclose(in);
	return status;
}

struct problems {
	const char *file;
	unsigned count;
};

static void report_problem(void *opaque, const char *text)
{
	struct problems *problems = opaque;

	problems->count++;
	if (problems->count <= PROBLEMS_MAX)
		fail("%s: %s", problems->file, text);
	else if (problems->count == PROBLEMS_MAX + 1)
		fail("%s: further problems are not shown", problems->file);
}

static int show_input(const struct options *options)
{
	struct problems problems = { .file = options->file };
	struct log_input found = { .problem = report_problem, .opaque = &problems };
	struct bytes input = { 0 };
	int status = read_input(options->file, &input);

	if (status == EXIT_SUCCESS) {
		if (log_input_parse(&found, options->form, input.data, input.length))
			status = show_events(options, &found);
		else
			status = fail("cannot read %s: %s", options->file, found.error);
		if (problems.count > 0)
			status = EXIT_FAILURE;
	}
	log_input_free(&found);
	free(input.data);
	return status;
}

static bool set_form(struct options *options, enum log_form form, char *why)
{
	if (options->form != LOG_FORM_AUTO && options->form != form)
		return option_bad(why, "--hex and --binary exclude each other");
	options->form = form;
	return true;
}

static bool set_hex(void *into, const struct command_option *option, const char *value, char *why)
{
	return set_form(into, LOG_FORM_HEX, why);
}

static bool set_binary(void *into, const struct command_option *option, const char *value,
		       char *why)
{
	return set_form(into, LOG_FORM_BINARY, why);
}

static bool set_file(void *into, const char *file, char *why)
{
	struct options *options = into;

	if (options->file)
		return option_bad(why, "only one file can be given: %s and %s", options->file,
				  file);
	options->file = file;
	return true;
}

static const struct command_option log_option_table[] = {
	{ "--json", OPTION_FLAG, .offset = offsetof(struct options, json), .letter = 'j' },
	{ "--hex", OPTION_CALL_FLAG, .set = set_hex, .letter = 'x' },
	{ "--binary", OPTION_CALL_FLAG, .set = set_binary, .letter = 'b' },
	{ "--help", OPTION_HELP, .letter = 'h' },
	{ NULL },
};

int cmd_log(int argc, char **argv)
{
	struct options options = { .form = LOG_FORM_AUTO };
	const struct command_line line = {
		.command = "log",
		.groups = { { log_option_table, &options } },
		.argument = set_file,
		.into = &options,
	};
	int status = options_end(options_parse(&line, argc, argv), usage, EXIT_FAILURE);

	if (status >= 0)
		return status;
	if (!options.file)
		options.file = "-";
	return show_input(&options);
}
