/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plain state of one component as a record, to be loaded later or elsewhere. A table of fields
 * describes the state, once, for saving and loading alike.
 *
 * A record is big-endian: magic (8 bytes), length of the whole record (4), name of the component,
 * number of fields (4), the fields, and a CRC-32C of everything before it (4). A field is its name,
 * width (1), count (4) and values. A name is its length (1) and its characters.
 */
#ifndef FWNMI_BASE_RECORD_H
#define FWNMI_BASE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number in the state, or @count of them, @stride bytes apart. */
struct record_field {
	const char *name; /* at most 255 characters */
	size_t offset, stride;
	uint64_t max; /* larger values are refused */
	uint32_t count;
	/*
	 * 0: all of them are saved. Else only those of the elements in use, so many of each: see
	 * record_type.used.
	 */
	uint32_t each;
	uint8_t width; /* bytes: 1, 2, 4 or 8. Signed numbers are two's complement of 8 bytes. */
};

struct record_type {
	const char *name; /* at most 255 characters */
	size_t size; /* of the state and what surrounds it; only fits() needs it */
	const struct record_field *fields;
	unsigned nr_fields;
	/* May @loaded take the place of @present? NULL: always. */
	bool (*fits)(const void *loaded, const void *present);
	/* How many elements are in use of fields with @each. NULL: there are no such fields. */
	unsigned (*used)(const void *state);
};

#define RECORD_MEMBER_(type, member) (((const type *)0)->member)

/* One number: its type in the struct @type. */
#define RECORD_NUMBER(type, member, max_)                                                   \
	{                                                                                   \
		.name = #member, .offset = offsetof(type, member), .max = max_, .count = 1, \
		.width = sizeof(RECORD_MEMBER_(type, member)),                              \
	}

/* An array of numbers. */
#define RECORD_ARRAY(type, member, max_)                                        \
	{                                                                       \
		.name = #member, .offset = offsetof(type, member), .max = max_, \
		.stride = sizeof(RECORD_MEMBER_(type, member)[0]),              \
		.count = sizeof(RECORD_MEMBER_(type, member)) /                 \
			 sizeof(RECORD_MEMBER_(type, member)[0]),               \
		.width = sizeof(RECORD_MEMBER_(type, member)[0]),               \
	}

/* A number in each element of an array of structs; of the first ones: @each_ for each in use. */
#define RECORD_SEVERAL_USED(type, array, member, max_, each_)                          \
	{                                                                              \
		.name = #array "." #member, .offset = offsetof(type, array[0].member), \
		.max = max_, .stride = sizeof(RECORD_MEMBER_(type, array)[0]),         \
		.count = sizeof(RECORD_MEMBER_(type, array)) /                         \
			 sizeof(RECORD_MEMBER_(type, array)[0]),                       \
		.each = each_, .width = sizeof(RECORD_MEMBER_(type, array)[0].member), \
	}
#define RECORD_EACH(type, array, member, max_) RECORD_SEVERAL_USED(type, array, member, max_, 0)
#define RECORD_EACH_USED(type, array, member, max_) \
	RECORD_SEVERAL_USED(type, array, member, max_, 1)

/** record_size() - bytes of a record of this state */
size_t record_size(const struct record_type *type, const void *state);

/** record_save() - write a record; returns its bytes, or 0 if they are more than @size */
size_t record_save(const struct record_type *type, const void *state, void *buf, size_t size);

/**
 * record_load() - set the state from a record
 * @state: not touched by a record that is refused, and never outside the fields
 * @size: of the record, exactly
 * @err: gets the reason on failure
 *
 * returns: false if the record is damaged, of another component, of another shape, or has a value
 * out of range
 */
bool record_load(const struct record_type *type, void *state, const void *record, size_t size,
		 char *err, size_t err_size);

/* ---- several components together ---- */

/* One component: what its state is, and where. */
struct record_part {
	const struct record_type *type;
	void *state;
};

size_t records_size(const struct record_part *parts, unsigned nr_parts);
/** records_save() - a record of each part, back to back; 0 if they are more than @size bytes */
size_t records_save(const struct record_part *parts, unsigned nr_parts, void *buf, size_t size);
/** records_check() - would records_load() accept these? If not, @err gets the reason. */
bool records_check(const struct record_part *parts, unsigned nr_parts, const void *records,
		   size_t size, char *err, size_t err_size);
/** records_load() - set all parts from their records, or none, with the reason in @err */
bool records_load(const struct record_part *parts, unsigned nr_parts, const void *records,
		  size_t size, char *err, size_t err_size);

/*
 * An image is the same state for this process alone: bytes as they are in memory, and no checks. It
 * costs a copy.
 */
size_t records_image_size(const struct record_part *parts, unsigned nr_parts);
void records_to_image(const struct record_part *parts, unsigned nr_parts, void *image);
void records_from_image(const struct record_part *parts, unsigned nr_parts, const void *image);

#endif
