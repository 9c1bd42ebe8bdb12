/* SPDX-License-Identifier: BSD-2-Clause */
/* State as a record: see record.h. A record comes from outside and is not trusted. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/record.h"

static const uint8_t magic[8] = { 'F', 'W', 'N', 'M', 'I', 's', 't', 'a' };

#define OFFSET_LENGTH 8u
#define HEADER_SIZE   12u
#define CRC_SIZE      4u

/* ---- numbers in the host's memory ---- */

static uint64_t number(const struct record_field *field, const void *state, uint32_t index)
{
	const uint8_t *at = (const uint8_t *)state + field->offset + index * field->stride;
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	switch (field->width) {
	case 1:
		return *at;
	case 2:
		memcpy(&v16, at, 2);
		return v16;
	case 4:
		memcpy(&v32, at, 4);
		return v32;
	default:
		memcpy(&v64, at, 8);
		return v64;
	}
}

static void set_number(const struct record_field *field, void *state, uint32_t index,
		       uint64_t value)
{
	uint8_t *at = (uint8_t *)state + field->offset + index * field->stride;
	uint16_t v16 = (uint16_t)value;
	uint32_t v32 = (uint32_t)value;

	switch (field->width) {
	case 1:
		*at = (uint8_t)value;
		break;
	case 2:
		memcpy(at, &v16, 2);
		break;
	case 4:
		memcpy(at, &v32, 4);
		break;
	default:
		memcpy(at, &value, 8);
	}
}

/* ---- how many there are ---- */

static unsigned used_of(const struct record_type *type, const void *state)
{
	return type->used ? type->used(state) : 0;
}

static uint32_t count_of(const struct record_field *field, unsigned used)
{
	return field->each ? field->each * used : field->count;
}

/* ---- saving ---- */

/* Where a record is written; without @to it is only measured. */
struct writer {
	uint8_t *to;
	size_t offset;
};

static void put(struct writer *w, unsigned bytes, uint64_t value)
{
	if (w->to)
		for (unsigned i = 0; i < bytes; i++)
			w->to[w->offset + i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
	w->offset += bytes;
}

static void put_name(struct writer *w, const char *name)
{
	size_t len = strlen(name);

	put(w, 1, len);
	if (w->to)
		memcpy(w->to + w->offset, name, len);
	w->offset += len;
}

/* All but the header and the CRC. */
static void put_body(struct writer *w, const struct record_type *type, const void *state)
{
	const unsigned used = used_of(type, state);

	put_name(w, type->name);
	put(w, 4, type->nr_fields);
	for (unsigned i = 0; i < type->nr_fields; i++) {
		const struct record_field *field = &type->fields[i];
		const uint32_t count = count_of(field, used);

		put_name(w, field->name);
		put(w, 1, field->width);
		put(w, 4, count);
		for (uint32_t n = 0; n < count; n++)
			put(w, field->width, w->to ? number(field, state, n) : 0);
	}
}

size_t record_size(const struct record_type *type, const void *state)
{
	struct writer w = { .offset = HEADER_SIZE };

	put_body(&w, type, state);
	return w.offset + CRC_SIZE;
}

size_t record_save(const struct record_type *type, const void *state, void *buf, size_t size)
{
	size_t length = record_size(type, state);
	struct writer w = { .to = buf };

	if (length > size)
		return 0;
	memcpy(buf, magic, sizeof(magic));
	w.offset = OFFSET_LENGTH;
	put(&w, 4, length);
	put_body(&w, type, state);
	put(&w, 4, crc32c(0, buf, w.offset));
	return length;
}

/* ---- loading ---- */

struct reader {
	const uint8_t *from;
	size_t size, offset;
	char *err;
	size_t err_size;
};

/* Reading past the end gives zeros; the caller notices by at_end(). */
static uint64_t take(struct reader *r, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++, r->offset++)
		value = value << 8 | (r->offset < r->size ? r->from[r->offset] : 0);
	return value;
}

static bool take_name(struct reader *r, const char *name)
{
	size_t len = take(r, 1);
	bool same = len == strlen(name) && r->offset + len <= r->size &&
		    !memcmp(r->from + r->offset, name, len);

	r->offset += len;
	return same;
}

#define REFUSE(...) (snprintf(r->err, r->err_size, __VA_ARGS__), false)

/* Without @state the values are only looked at. */
static bool take_field(struct reader *r, const struct record_field *field, uint32_t count,
		       void *state)
{
	if (!take_name(r, field->name) || take(r, 1) != field->width || take(r, 4) != count)
		return REFUSE("%s is missing or has another shape", field->name);
	for (uint32_t n = 0; n < count; n++) {
		uint64_t value = take(r, field->width);

		if (value > field->max)
			return REFUSE("%s is %" PRIu64 ", more than %" PRIu64, field->name, value,
				      field->max);
		if (state)
			set_number(field, state, n, value);
	}
	return true;
}

static bool take_frame(struct reader *r)
{
	size_t length;

	if (r->size < HEADER_SIZE + CRC_SIZE || memcmp(r->from, magic, sizeof(magic)))
		return REFUSE("it is not a record");
	r->offset = r->size - CRC_SIZE;
	if (take(r, 4) != crc32c(0, r->from, r->size - CRC_SIZE))
		return REFUSE("it is damaged");
	r->offset = OFFSET_LENGTH;
	length = take(r, 4);
	r->size -= CRC_SIZE;
	return length == r->size + CRC_SIZE || REFUSE("it is damaged");
}

static bool take_body(struct reader *r, const struct record_type *type, unsigned used, void *state)
{
	if (!take_name(r, type->name))
		return REFUSE("it is the record of something else");
	if (take(r, 4) != type->nr_fields)
		return REFUSE("its fields are different");
	for (unsigned i = 0; i < type->nr_fields; i++)
		if (!take_field(r, &type->fields[i], count_of(&type->fields[i], used), state))
			return false;
	return r->offset == r->size || REFUSE("its length does not fit its fields");
}

/* Ask the component, with a copy of the state as it would be. */
static bool fits(struct reader *r, const struct record_type *type, const void *state)
{
	void *loaded = malloc(type->size);
	bool good;

	if (!loaded)
		return REFUSE("out of memory");
	memcpy(loaded, state, type->size);
	good = take_body(r, type, used_of(type, state), loaded);
	if (good && !type->fits(loaded, state))
		good = REFUSE("it does not fit the present state");
	free(loaded);
	return good;
}

static bool check(const struct record_type *type, const void *state, const void *record,
		  size_t size, char *err, size_t err_size)
{
	char why[128];
	struct reader r = { .from = record, .size = size, .err = why, .err_size = sizeof(why) };

	if (take_frame(&r) &&
	    (type->fits ? fits(&r, type, state) : take_body(&r, type, used_of(type, state), NULL)))
		return true;
	snprintf(err, err_size, "cannot load the state of %s: %s", type->name, why);
	return false;
}

/* Set the state from a record that check() has accepted. */
static void load(const struct record_type *type, void *state, const void *record, size_t size)
{
	struct reader r = { .from = record, .size = size - CRC_SIZE, .offset = HEADER_SIZE };

	take_body(&r, type, used_of(type, state), state);
}

bool record_load(const struct record_type *type, void *state, const void *record, size_t size,
		 char *err, size_t err_size)
{
	if (!check(type, state, record, size, err, err_size))
		return false;
	load(type, state, record, size);
	return true;
}

/* ---- several components together ---- */

size_t records_size(const struct record_part *parts, unsigned nr_parts)
{
	size_t size = 0;

	for (unsigned i = 0; i < nr_parts; i++)
		size += record_size(parts[i].type, parts[i].state);
	return size;
}

size_t records_save(const struct record_part *parts, unsigned nr_parts, void *buf, size_t size)
{
	size_t used = 0;

	if (records_size(parts, nr_parts) > size)
		return 0;
	for (unsigned i = 0; i < nr_parts; i++)
		used += record_save(parts[i].type, parts[i].state, (uint8_t *)buf + used,
				    size - used);
	return used;
}

bool records_check(const struct record_part *parts, unsigned nr_parts, const void *records,
		   size_t size, char *err, size_t err_size)
{
	const uint8_t *record = records;

	for (unsigned i = 0; i < nr_parts; i++) {
		size_t length = record_size(parts[i].type, parts[i].state);

		length = length < size ? length : size;
		if (!check(parts[i].type, parts[i].state, record, length, err, err_size))
			return false;
		record += length;
		size -= length;
	}
	if (!size)
		return true;
	snprintf(err, err_size, "cannot load a state: there are %zu bytes too many", size);
	return false;
}

bool records_load(const struct record_part *parts, unsigned nr_parts, const void *records,
		  size_t size, char *err, size_t err_size)
{
	const uint8_t *record = records;

	if (!records_check(parts, nr_parts, records, size, err, err_size))
		return false;
	for (unsigned i = 0; i < nr_parts; i++) {
		size_t length = record_size(parts[i].type, parts[i].state);

		load(parts[i].type, parts[i].state, record, length);
		record += length;
	}
	return true;
}

/* ---- images ---- */

enum direction {
	TO_IMAGE,
	FROM_IMAGE
};

static void move(void *state, uint8_t *image, size_t len, enum direction direction)
{
	if (direction == TO_IMAGE)
		memcpy(image, state, len);
	else
		memcpy(state, image, len);
}

static uint8_t *move_field(const struct record_field *field, uint32_t count, uint8_t *state,
			   uint8_t *image, enum direction direction)
{
	const size_t len = (size_t)field->width * count;

	state += field->offset;
	if (count == 1 || field->stride == field->width) {
		move(state, image, len, direction);
		return image + len;
	}
	for (uint32_t n = 0; n < count; n++, state += field->stride, image += field->width)
		move(state, image, field->width, direction);
	return image;
}

static void move_all(const struct record_part *parts, unsigned nr_parts, uint8_t *image,
		     enum direction direction)
{
	for (unsigned i = 0; i < nr_parts; i++) {
		const struct record_type *type = parts[i].type;
		const unsigned used = used_of(type, parts[i].state);

		for (unsigned f = 0; f < type->nr_fields; f++)
			image = move_field(&type->fields[f], count_of(&type->fields[f], used),
					   parts[i].state, image, direction);
	}
}

size_t records_image_size(const struct record_part *parts, unsigned nr_parts)
{
	size_t size = 0;

	for (unsigned i = 0; i < nr_parts; i++) {
		const struct record_type *type = parts[i].type;
		const unsigned used = used_of(type, parts[i].state);

		for (unsigned f = 0; f < type->nr_fields; f++)
			size += (size_t)type->fields[f].width * count_of(&type->fields[f], used);
	}
	return size;
}

void records_to_image(const struct record_part *parts, unsigned nr_parts, void *image)
{
	move_all(parts, nr_parts, image, TO_IMAGE);
}

void records_from_image(const struct record_part *parts, unsigned nr_parts, const void *image)
{
	/* Only read: the direction says so. */
	move_all(parts, nr_parts, (uint8_t *)(uintptr_t)image, FROM_IMAGE);
}
