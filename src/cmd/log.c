/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi log`: RTAS event logs from a file or stdin, as text or JSON.
 * Here: finding the bytes of a log in what a person has at hand (a binary buffer, a hex dump, a
 * kernel log) and the JSON form. The format itself is libfwnmi's (fwnmi/errlog.h).
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <fwnmi/errlog.h>

#include "cmd.h"

/* A kernel log of a long uptime fits; a disk image given by mistake does not. */
#define INPUT_MAX (64u << 20)

enum form {
	FORM_AUTO,
	FORM_HEX,
	FORM_BINARY
};

struct options {
	enum form form;
	bool json;
	const char *file; /* "-" is stdin */
};

struct bytes {
	uint8_t *data;
	size_t length;
	size_t capacity;
};

/* Hex text on its way to bytes. A kernel log can hold several events: starts has their offsets. */
struct dump {
	struct bytes bytes;
	struct bytes starts; /* of size_t */
	bool kernel_log;
	bool offsets; /* each line starts with an offset; the last may have nothing else */
	unsigned line;
	char error[160];
};

static const char usage[] =
	"Usage: fwnmi log [--json] [--hex | --binary] [FILE]\n"
	"Decode the RTAS event logs in FILE, or in standard input if FILE is - or missing.\n"
	"\n"
	"  -j, --json     print each log as a JSON object\n"
	"  -x, --hex      the input is hexadecimal text: plain, a dump with offsets (xxd,\n"
	"                 hexdump -C, od), or a kernel log with \"RTAS 0:\" lines (rtasmsgs=on)\n"
	"  -b, --binary   the input is binary\n"
	"  -h, --help     print this help\n"
	"\n"
	"Without --hex or --binary, input that is all text counts as hexadecimal.\n"
	"Example: dmesg | fwnmi log\n";

__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...)
{
	va_list args;

	fputs("fwnmi: log: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILURE;
}

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

/* ---- hexadecimal text ---- */

__attribute__((format(printf, 2, 3))) static bool dump_error(struct dump *dump, const char *format,
							     ...)
{
	int used = snprintf(dump->error, sizeof(dump->error), "line %u: ", dump->line);
	va_list args;

	va_start(args, format);
	vsnprintf(dump->error + used, sizeof(dump->error) - (size_t)used, format, args);
	va_end(args);
	return false;
}

static bool is_separator(char c)
{
	return isspace((unsigned char)c) || c == ',' || c == ';' || c == '{' || c == '}';
}

static const char *skip_separators(const char *p, const char *end)
{
	while (p < end && is_separator(*p))
		p++;
	return p;
}

static const char *token_end(const char *p, const char *end)
{
	while (p < end && !is_separator(*p) && *p != ':')
		p++;
	return p;
}

static const char *without_0x(const char *p, const char *end)
{
	return end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') ? p + 2 : p;
}

static bool is_hex(const char *p, const char *end)
{
	if (p == end)
		return false;
	for (; p < end; p++)
		if (!isxdigit((unsigned char)*p))
			return false;
	return true;
}

static uint8_t hex_digit(char c)
{
	return (uint8_t)(isdigit((unsigned char)c) ? c - '0' :
						     tolower((unsigned char)c) - 'a' + 10);
}

/* "06", "0664", "0x06640000": bytes in the order they are written. */
static bool add_token(struct dump *dump, const char *p, const char *end)
{
	const char *digits = without_0x(p, end);
	size_t count = (size_t)(end - digits);
	uint8_t byte = 0;

	if (!is_hex(digits, end))
		return dump_error(dump, "'%.*s' is not hexadecimal",
				  (int)(end - p < 40 ? end - p : 40), p);
	if (count % 2 != 0 && !(digits != p && count == 1))
		return dump_error(dump, "'%.*s' has an odd number of digits",
				  (int)(end - p < 40 ? end - p : 40), p);
	for (; digits < end; digits++) {
		byte = (uint8_t)(byte << 4 | hex_digit(*digits));
		if ((end - digits) % 2 != 0) {
			if (!append(&dump->bytes, &byte, 1))
				return dump_error(dump, "%s", strerror(ENOMEM));
			byte = 0;
		}
	}
	return true;
}

static bool add_tokens(struct dump *dump, const char *p, const char *end)
{
	for (p = skip_separators(p, end); p < end; p = skip_separators(p, end)) {
		const char *stop = token_end(p, end);

		if (stop < end && *stop == ':')
			stop++; /* no hexadecimal: reported with its colon */
		if (!add_token(dump, p, stop))
			return false;
		p = stop;
	}
	return true;
}

/* Where the column of characters starts that a dump has at the right. */
static const char *character_column(const char *p, const char *end, bool after_blanks)
{
	for (; p < end; p++)
		if (*p == '|' || *p == '[' || *p == '>' ||
		    (after_blanks && end - p > 1 && p[0] == ' ' && p[1] == ' '))
			return p;
	return end;
}

/*
 * Does the first line of a dump start with an offset? One without a colon has an odd number of
 * digits (od), is zero, which no log starts with, or is set off by two blanks from the first byte
 * (hexdump -C).
 */
static bool starts_with_offset(const char *p, const char *stop, const char *end)
{
	const char *next = skip_separators(stop, end), *zeros = p;

	if (stop - p < 6 || next == end)
		return false;
	while (zeros < stop && *zeros == '0')
		zeros++;
	if ((stop - p) % 2 != 0 || zeros == stop)
		return true;
	return next - stop == 2 && token_end(next, end) - next == 2;
}

static bool add_dump_line(struct dump *dump, const char *p, const char *end)
{
	const char *stop;

	p = skip_separators(p, end);
	while (end > p && is_separator(end[-1]))
		end--;
	if (p == end)
		return true;
	if (end - p == 1 && *p == '*')
		return dump_error(dump,
				  "'*' stands for lines left out; dump again with all lines (-v)");

	stop = token_end(p, end);
	if (!is_hex(without_0x(p, stop), stop))
		return add_tokens(dump, p, end);
	if (stop < end && *stop == ':') { /* an offset or address: xxd, gdb, the kernel */
		p = skip_separators(stop + 1, end);
		return add_tokens(dump, p, character_column(p, end, true));
	}
	if (dump->bytes.length == 0 && starts_with_offset(p, stop, end))
		dump->offsets = true;
	if (dump->offsets)
		p = stop;
	return add_tokens(dump, p, character_column(p, end, false));
}

/* What follows "RTAS <number>:" in a line, or NULL; each event's lines are numbered from 0. */
static const char *kernel_log_data(const char *line, const char *end, bool *first_line)
{
	for (const char *p = line; end - p > 6; p++) {
		const char *q = p + 5;

		if (memcmp(p, "RTAS ", 5) != 0 || !isdigit((unsigned char)*q))
			continue;
		*first_line = *q == '0';
		while (q < end && isdigit((unsigned char)*q))
			q++;
		if (q < end && *q == ':')
			return q + 1;
	}
	return NULL;
}

static bool start_log(struct dump *dump)
{
	if (!append(&dump->starts, &dump->bytes.length, sizeof(dump->bytes.length)))
		return dump_error(dump, "%s", strerror(ENOMEM));
	return true;
}

static bool contains(const char *p, const char *end, const char *what)
{
	return memmem(p, (size_t)(end - p), what, strlen(what)) != NULL;
}

static bool add_line(struct dump *dump, const char *line, const char *end)
{
	const char *data;
	bool first_line;

	if (!dump->kernel_log)
		return add_dump_line(dump, line, end);
	data = kernel_log_data(line, end, &first_line);
	if (!data)
		return true;
	if (first_line && !start_log(dump))
		return false;
	/* Lines before the first start are the rest of a log whose beginning is lost. */
	return dump->starts.length > 0 ? add_tokens(dump, data, end) : true;
}

/* Fills dump from text; on failure dump->error says why. */
static bool parse_hex(struct dump *dump, const char *text, size_t length)
{
	const char *end = text + length;

	dump->kernel_log = contains(text, end, "RTAS 0:");
	if (!dump->kernel_log && !start_log(dump))
		return false;
	for (const char *line = text, *stop; line < end; line = stop < end ? stop + 1 : end) {
		stop = memchr(line, '\n', (size_t)(end - line));
		if (!stop)
			stop = end;
		dump->line++;
		if (!add_line(dump, line, stop))
			return false;
	}
	if (dump->bytes.length == 0) {
		snprintf(dump->error, sizeof(dump->error), "no hexadecimal digits");
		return false;
	}
	return true;
}

static void free_dump(struct dump *dump)
{
	free(dump->bytes.data);
	free(dump->starts.data);
}

static bool is_text(const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isprint(data[i]) && !isspace(data[i]))
			return false;
	return true;
}

/* ---- output ---- */

static json_t *name_or_number(const char *name, unsigned number)
{
	return name ? json_string(name) : json_integer(number);
}

static json_t *hex_string(unsigned digits, unsigned long long value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%0*llx", (int)digits, value);
	return json_string(text);
}

static json_t *address_or_null(bool valid, uint64_t address)
{
	return valid ? hex_string(16, address) : json_null();
}

/* Text of a log is data from outside, not necessarily UTF-8. */
static json_t *characters(const char *s, size_t length)
{
	char text[33];
	size_t i;

	for (i = 0; i < length && i < sizeof(text) - 1; i++)
		text[i] = s[i] >= 0x20 && s[i] < 0x7f ? s[i] : '.';
	text[i] = '\0';
	return json_string(text);
}

static json_t *extended_json(const struct fwnmi_errlog *log)
{
	return json_pack("{s:o, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:i, s:o}", "flags",
			 hex_string(2, log->flags), "valid", log->flags & FWNMI_ERRLOG_VALID,
			 "unrecoverable", log->flags & FWNMI_ERRLOG_UNRECOVERABLE, "recoverable",
			 log->flags & FWNMI_ERRLOG_RECOVERABLE, "degraded",
			 log->flags & FWNMI_ERRLOG_DEGRADED, "predictive",
			 log->flags & FWNMI_ERRLOG_PREDICTIVE, "new", log->flags & FWNMI_ERRLOG_NEW,
			 "big_endian", log->flags & FWNMI_ERRLOG_BIG_ENDIAN, "format",
			 log->log_format, "company",
			 characters(log->company, strlen(log->company)));
}

static json_t *main_a_json(const struct fwnmi_main_a *main_a)
{
	return json_pack("{s:o, s:o, s:o, s:i, s:o}", "date", hex_string(8, main_a->date), "time",
			 hex_string(8, main_a->time), "creator", characters(&main_a->creator, 1),
			 "section_count", main_a->section_count, "platform_log_id",
			 hex_string(8, main_a->platform_log_id));
}

static json_t *main_b_json(const struct fwnmi_main_b *main_b)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "subsystem", hex_string(2, main_b->subsystem),
			 "event_severity", hex_string(2, main_b->event_severity), "event_subtype",
			 hex_string(2, main_b->event_subtype), "action_flags",
			 hex_string(4, main_b->action_flags));
}

static json_t *primary_src_json(const struct fwnmi_primary_src *src)
{
	json_t *words = json_array();

	for (unsigned i = 0; i < 8; i++)
		json_array_append_new(words, hex_string(8, src->words[i]));
	return json_pack("{s:o, s:o}", "reference_code",
			 characters(src->reference_code, strlen(src->reference_code)), "words",
			 words);
}

static json_t *mc_json(const struct fwnmi_mc_section *mc)
{
	return json_pack(
		"{s:o, s:o, s:b, s:o, s:o, s:I, s:o}", "error_type",
		name_or_number(fwnmi_mc_type_name(mc->error_type), mc->error_type), "error_subtype",
		name_or_number(fwnmi_mc_subtype_name(mc->error_type, mc->error_subtype),
			       mc->error_subtype),
		"transient", mc->transient, "effective_address",
		address_or_null(mc->effective_address_valid, mc->effective_address),
		"logical_address", address_or_null(mc->logical_address_valid, mc->logical_address),
		"processor_id", (json_int_t)mc->processor_id, "fru_id", hex_string(8, mc->fru_id));
}

static json_t *sections_json(const struct fwnmi_errlog *log)
{
	json_t *sections = json_array();

	for (unsigned i = 0; i < log->nr_sections; i++) {
		const struct fwnmi_section *section = &log->sections[i];
		const char id[2] = { (char)(section->id >> 8), (char)section->id };

		json_array_append_new(
			sections, json_pack("{s:o, s:i, s:i}", "id", characters(id, sizeof(id)),
					    "offset", section->offset, "length", section->length));
	}
	return sections;
}

/* NULL if memory runs out. */
static json_t *log_json(const struct fwnmi_errlog *log)
{
	json_t *json = json_pack(
		"{s:i, s:o, s:o, s:o, s:o, s:o}", "version", FWNMI_ERRLOG_VERSION, "severity",
		name_or_number(fwnmi_severity_name(log->severity), log->severity), "disposition",
		name_or_number(fwnmi_disposition_name(log->disposition), log->disposition),
		"initiator", name_or_number(fwnmi_initiator_name(log->initiator), log->initiator),
		"target", name_or_number(fwnmi_initiator_name(log->target), log->target), "type",
		name_or_number(fwnmi_event_type_name(log->type), log->type));
	int err = 0;

	if (log->has_extended)
		err |= json_object_set_new(json, "extended_length",
					   json_integer(log->extended_length));
	else if (log->type == FWNMI_EVENT_PLATFORM_RESOURCE_REASSIGNMENT)
		err |= json_object_set_new(json, "change_scope",
					   json_integer(log->extended_length));
	if (log->has_extended_header)
		err |= json_object_set_new(json, "extended", extended_json(log));
	if (log->has_main_a)
		err |= json_object_set_new(json, "main_a", main_a_json(&log->main_a));
	if (log->has_main_b)
		err |= json_object_set_new(json, "main_b", main_b_json(&log->main_b));
	if (log->has_primary_src)
		err |= json_object_set_new(json, "primary_src",
					   primary_src_json(&log->primary_src));
	if (log->has_mc)
		err |= json_object_set_new(json, "machine_check", mc_json(&log->mc));
	if (log->has_extended)
		err |= json_object_set_new(json, "sections", sections_json(log));
	if (!err)
		return json;
	json_decref(json);
	return NULL;
}

static int print_json(const struct fwnmi_errlog *log)
{
	json_t *json = log_json(log);
	int err;

	if (!json)
		return fail("cannot make JSON: %s", strerror(ENOMEM));
	err = json_dumpf(json, stdout, JSON_INDENT(2));
	json_decref(json);
	putchar('\n');
	return err ? fail("cannot write: %s", strerror(errno)) : EXIT_SUCCESS;
}

static int print_text(const struct fwnmi_errlog *log)
{
	int length = fwnmi_errlog_print(log, NULL, 0);
	char *text = malloc((size_t)length + 1);

	if (!text)
		return fail("cannot print: %s", strerror(ENOMEM));
	fwnmi_errlog_print(log, text, (size_t)length + 1);
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

/* The buffer of one event: usually longer than its log, and filled up with zeroes. */
static int show_log(const struct options *options, const uint8_t *data, size_t length,
		    unsigned index)
{
	struct fwnmi_errlog log;
	int used = fwnmi_errlog_decode(&log, data, length);
	int status;

	if (used < 0)
		return fail("cannot decode %s: %s", options->file, fwnmi_strerror(used));
	if (!all_zero(data + used, length - (size_t)used))
		fprintf(stderr, "fwnmi: log: ignoring %zu bytes after the log\n",
			length - (size_t)used);
	if (index > 0)
		putchar('\n');
	status = options->json ? print_json(&log) : print_text(&log);
	if (status == EXIT_SUCCESS && (fflush(stdout) != 0 || ferror(stdout)))
		return fail("cannot write: %s", strerror(errno));
	return status;
}

static int show_dump(const struct options *options, const char *text, size_t length)
{
	struct dump dump = { 0 };
	int status = EXIT_SUCCESS;
	size_t count;

	if (!parse_hex(&dump, text, length)) {
		status = fail("cannot read %s: %s", options->file, dump.error);
		free_dump(&dump);
		return status;
	}
	count = dump.starts.length / sizeof(size_t);
	for (size_t i = 0; i < count && status == EXIT_SUCCESS; i++) {
		size_t start, end = dump.bytes.length;

		memcpy(&start, dump.starts.data + i * sizeof(size_t), sizeof(start));
		if (i + 1 < count)
			memcpy(&end, dump.starts.data + (i + 1) * sizeof(size_t), sizeof(end));
		status = show_log(options, dump.bytes.data + start, end - start, (unsigned)i);
	}
	free_dump(&dump);
	return status;
}

/* ---- input ---- */

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

static int show_input(const struct options *options)
{
	struct bytes input = { 0 };
	int status = read_input(options->file, &input);

	if (status == EXIT_SUCCESS) {
		if (options->form == FORM_HEX ||
		    (options->form == FORM_AUTO && is_text(input.data, input.length)))
			status = show_dump(options, (const char *)input.data, input.length);
		else
			status = show_log(options, input.data, input.length, 0);
	}
	free(input.data);
	return status;
}

int cmd_log(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "hex", no_argument, NULL, 'x' },
		{ "binary", no_argument, NULL, 'b' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options options = { .form = FORM_AUTO, .file = "-" };
	int option;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "jxbh", long_options, NULL)) != -1) {
		enum form form = option == 'x' ? FORM_HEX : FORM_BINARY;

		switch (option) {
		case 'j':
			options.json = true;
			break;
		case 'x':
		case 'b':
			if (options.form != FORM_AUTO && options.form != form)
				return fail("bad options: --hex and --binary exclude each other");
			options.form = form;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			return fail("bad option %s: see fwnmi log --help", argv[optind - 1]);
		}
	}
	if (argc - optind > 1)
		return fail("bad arguments: one file at a time, not %d", argc - optind);
	if (optind < argc)
		options.file = argv[optind];
	return show_input(&options);
}
