/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hexadecimal dumps, as made by xxd, hexdump -C, od and debuggers, and plain hexadecimal bytes. An
 * offset says where a line's bytes belong, so a missing or misplaced line is noticed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/private.h"

enum {
	/* Limit for bytes that all dumps of an input imply but do not contain: repeated or lost. */
	ADDED_MAX = 1 << 20,
};

/* A line of a dump, or of plain bytes. */
struct dump_line {
	const char *offset, *offset_end; /* digits; equal if there are none */
	bool repeat; /* '*': the previous line repeats up to the next offset */
	unsigned line;
	size_t start, length; /* in the scanned bytes */
};

struct dump {
	struct dump_line *lines;
	size_t nr_lines, capacity;
	bool offsets; /* every line starts with an offset; the last may have nothing else */
	bool colons;
	char error[200]; /* first line that is not part of a dump */
};

/* Finds where the column of characters at the right of a dump starts. */
static const char *character_column(const char *p, const char *end, bool after_blanks)
{
	for (; p < end; p++)
		if (*p == '|' || *p == '[' || *p == '>' ||
		    (after_blanks && end - p > 1 && p[0] == ' ' && p[1] == ' '))
			return p;
	return end;
}

/*
 * Does the first line of a dump start with an offset? Without a colon, an offset has an odd number
 * of digits (od), or is zero, which no log starts with, or is followed by two blanks (hexdump -C).
 */
static bool starts_with_offset(const char *p, const char *stop, const char *end)
{
	const char *next = log_skip_separators(stop, end), *zeros = p;

	if (stop - p < 6 || next == end)
		return false;
	while (zeros < stop && *zeros == '0')
		zeros++;
	if ((stop - p) % 2 != 0 || zeros == stop)
		return true;
	return next - stop == 2 && log_token_end(next, end) - next == 2;
}

/* Splits a line into offset and bytes. False with scan->error set if it is not a dump line. */
static bool scan_dump_line(struct dump *dump, struct log_scan *scan, struct dump_line *line,
			   const char *p, const char *end)
{
	const char *stop = log_token_end(p, end), *digits = log_without_0x(p, stop);

	line->offset = line->offset_end = p;
	if (end - p == 1 && *p == '*') {
		line->repeat = true;
		return true;
	}
	if (!log_is_hex(digits, stop))
		return log_scan_tokens(scan, p, end);
	if (stop < end && *stop == ':') { /* xxd, gdb, the kernel */
		dump->colons = true;
	} else {
		if (scan->length == 0 && dump->nr_lines == 0 && starts_with_offset(p, stop, end))
			dump->offsets = true;
		if (!dump->offsets)
			return log_scan_tokens(scan, p, character_column(p, end, false));
	}
	line->offset = digits;
	line->offset_end = stop;
	p = log_skip_separators(dump->offsets ? stop : stop + 1, end);
	return log_scan_tokens(scan, p, character_column(p, end, !dump->offsets));
}

static bool read_dump_line(struct log_input *input, struct dump *dump, struct log_scan *scan,
			   unsigned number, const char *p, const char *end)
{
	struct dump_line line = { .line = number, .start = scan->length };

	p = log_skip_separators(p, end);
	while (end > p && log_is_separator(end[-1]))
		end--;
	if (p == end)
		return true;
	if (!scan_dump_line(dump, scan, &line, p, end)) {
		scan->length = line.start;
		if (dump->offsets || dump->colons)
			log_problem(input, "line %u: %s", number, scan->error);
		else if (!dump->error[0])
			snprintf(dump->error, sizeof(dump->error), "line %u: %s", number,
				 scan->error);
		return true;
	}
	line.length = scan->length - line.start;
	if (!log_grow(&dump->lines, dump->nr_lines, &dump->capacity, sizeof(line)))
		return log_no_memory(input);
	dump->lines[dump->nr_lines++] = line;
	return true;
}

/* An offset too large for any input, or not a number, counts as the largest. */
static size_t offset_value(const struct dump_line *line, unsigned radix)
{
	size_t value = 0;

	for (const char *p = line->offset; p < line->offset_end; p++) {
		unsigned digit = log_digit_value(*p);

		if (digit >= radix || value > SIZE_MAX / radix - 1)
			return SIZE_MAX;
		value = value * radix + digit;
	}
	return value;
}

/*
 * Picks the radix in which the most lines begin where the previous line ends. Offsets with an even
 * number of digits are hexadecimal (hexdump -C, od -A x), except with xxd -d; od uses 7 digits for
 * the other radixes.
 */
static unsigned find_radix(const struct dump *dump)
{
	static const unsigned even[] = { 16, 16, 16 }, colon[] = { 16, 10, 10 };
	static const unsigned odd[] = { 8, 10, 16 };
	const struct dump_line *first = dump->lines;
	const unsigned *radix = odd;
	unsigned best;
	size_t most = 0;

	if (dump->colons)
		radix = colon;
	else if ((first->offset_end - first->offset) % 2 == 0)
		radix = even;
	best = radix[0];
	for (size_t i = 0; i < 3; i++) {
		size_t good = 0;

		for (const struct dump_line *line = first + 1; line < dump->lines + dump->nr_lines;
		     line++)
			if (!line->repeat && !line[-1].repeat && line[-1].length > 0 &&
			    offset_value(line, radix[i]) ==
				    offset_value(line - 1, radix[i]) + line[-1].length)
				good++;
		if (good > most) {
			most = good;
			best = radix[i];
		}
	}
	return best;
}

/* Lines first..last-1 form one dump. Its lowest offset counts as 0. */
struct placement {
	struct log_image image;
	size_t base;
	unsigned radix;
	bool disordered;
	const struct dump_line *before; /* the previous line that has bytes */
	size_t before_end;
};

/* Repeats the previous line's bytes up to @offset. */
static bool repeat_line(struct log_input *input, struct placement *at, const struct log_scan *scan,
			const struct dump_line *line, size_t offset)
{
	const struct dump_line *before = at->before;

	if (!before || before->length == 0 || offset < at->before_end) {
		log_problem(input, "line %u: '*' has nothing to repeat", line->line);
		return true;
	}
	return log_image_repeat(&at->image, at->before_end, offset, scan->bytes + before->start,
				before->length) ||
	       log_no_memory(input);
}

static bool place_line(struct log_input *input, struct placement *at, const struct log_scan *scan,
		       const struct dump_line *line, size_t offset)
{
	if (line[0].length > 0 && at->before && offset < at->before_end && !at->disordered) {
		log_problem(input, "line %u: its offset is lower than that of the line before",
			    line->line);
		at->disordered = true;
	}
	if (log_image_contradicts(&at->image, offset, scan->bytes + line->start, line->length)) {
		log_problem(input, "line %u: its bytes contradict another line", line->line);
		return true;
	}
	if (!log_image_put(&at->image, offset, scan->bytes + line->start, line->length))
		return log_no_memory(input);
	at->before = line;
	at->before_end = offset + line->length;
	return true;
}

static bool place_lines(struct log_input *input, struct placement *at, const struct log_scan *scan,
			const struct dump_line *first, const struct dump_line *last)
{
	const struct dump_line *repeat = NULL;
	size_t most = scan->length + ADDED_MAX;
	size_t room = most > input->length ? most - input->length : 0;

	for (const struct dump_line *line = first; line < last; line++) {
		size_t offset = offset_value(line, at->radix);

		if (line->repeat) {
			repeat = line;
			continue;
		}
		if (offset == SIZE_MAX || offset < at->base || offset - at->base > room) {
			log_problem(input, "line %u: its offset is invalid or too large",
				    line->line);
			continue;
		}
		if (repeat && !repeat_line(input, at, scan, repeat, offset - at->base))
			return false;
		repeat = NULL;
		if (!place_line(input, at, scan, line, offset - at->base))
			return false;
	}
	if (repeat)
		log_problem(input, "line %u: no offset follows '*'", repeat->line);
	return true;
}

/*
 * hexdump without -C and od -x write pairs of bytes as numbers, second byte first on most machines.
 */
static void swap_pairs(struct log_image *image)
{
	size_t length = image->length & ~(size_t)1;

	for (size_t i = 0; i < length; i += 2) {
		uint8_t data = image->data[i], known = image->known[i];

		image->data[i] = image->data[i + 1];
		image->known[i] = image->known[i + 1];
		image->data[i + 1] = data;
		image->known[i + 1] = known;
	}
}

static void find_byte_order(struct log_image *image)
{
	uint8_t start[16] = { 0 };
	size_t length = image->length < sizeof(start) ? image->length : sizeof(start);

	for (size_t i = 0; i + 1 < length; i += 2) {
		start[i] = image->data[i + 1];
		start[i + 1] = image->data[i];
	}
	if (!log_begins(image->data, image->length) && log_begins(start, length))
		swap_pairs(image);
}

static bool add_dump(struct log_input *input, const struct log_scan *scan, unsigned radix,
		     size_t base, const struct dump_line *first, const struct dump_line *last)
{
	struct placement at = { .radix = radix, .base = base };
	size_t offset = input->length;
	char what[40];
	bool ok;

	snprintf(what, sizeof(what), "dump at line %u", first->line);
	ok = place_lines(input, &at, scan, first, last);
	if (ok && at.image.length > 0) {
		find_byte_order(&at.image);
		ok = log_add_image(input, &at.image, what, 0) &&
		     log_split(input, offset, first->line);
	}
	log_image_free(&at.image);
	return ok;
}

/* A dump ends where the next one begins: at a line that repeats the lowest offset. */
static bool add_dumps(struct log_input *input, const struct dump *dump, const struct log_scan *scan)
{
	const struct dump_line *first = dump->lines, *end = first + dump->nr_lines;
	unsigned radix = find_radix(dump);
	size_t lowest = SIZE_MAX;

	for (const struct dump_line *line = first; line < end; line++) {
		size_t offset = offset_value(line, radix);

		if (line->repeat || line->length == 0)
			continue;
		if (offset == lowest && lowest != SIZE_MAX) {
			if (!add_dump(input, scan, radix, lowest, first, line))
				return false;
			first = line;
		}
		if (first == line || offset < lowest)
			lowest = offset;
	}
	return lowest == SIZE_MAX || add_dump(input, scan, radix, lowest, first, end);
}

/* A line without an offset is not part of a dump whose lines have offsets. */
static void drop_plain_lines(struct log_input *input, struct dump *dump)
{
	size_t kept = 0;

	if (dump->error[0])
		log_problem(input, "%s", dump->error);
	for (size_t i = 0; i < dump->nr_lines; i++) {
		const struct dump_line line = dump->lines[i];

		if (line.repeat || line.offset < line.offset_end)
			dump->lines[kept++] = line;
		else
			log_problem(input, "line %u: it has no offset", line.line);
	}
	dump->nr_lines = kept;
}

static bool add_plain(struct log_input *input, const struct dump *dump, const struct log_scan *scan)
{
	if (dump->error[0])
		return log_fail(input, "%s", dump->error);
	for (size_t i = 0; i < dump->nr_lines; i++)
		if (dump->lines[i].repeat)
			return log_fail(input, "line %u: '*' among bytes without offsets",
					dump->lines[i].line);
	return log_append(input, scan->bytes, scan->length) &&
	       (scan->length == 0 || log_split(input, 0, dump->lines[0].line));
}

bool log_parse_dump(struct log_input *input, struct log_scan *scan, const char *text,
		    const char *end)
{
	struct dump dump = { 0 };
	unsigned line = 0;
	bool ok = true;

	for (const char *p = text, *stop; ok && p < end; p = log_next_line(stop, end)) {
		stop = log_line_end(p, end);
		ok = read_dump_line(input, &dump, scan, ++line, p, stop);
	}
	if (ok && (dump.offsets || dump.colons)) {
		drop_plain_lines(input, &dump);
		ok = dump.nr_lines == 0 || add_dumps(input, &dump, scan);
	} else if (ok) {
		ok = add_plain(input, &dump, scan);
	}
	free(dump.lines);
	if (ok && input->length == 0)
		return log_fail(input, "no hexadecimal digits");
	return ok;
}
