/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of plain state: what they look like, and which are refused. */
#include "base/record.h"

#include "unit.h"

struct part {
	uint32_t small;
	bool flag;
};

struct thing {
	uint64_t wide;
	struct part part[2];
	uint16_t array[3];
	int64_t sign;
	const char *host; /* not described */
};

static const struct record_field fields[] = {
	RECORD_NUMBER(struct thing, wide, UINT64_MAX),
	RECORD_EACH(struct thing, part, small, 1000),
	RECORD_EACH(struct thing, part, flag, true),
	RECORD_ARRAY(struct thing, array, UINT16_MAX),
	RECORD_NUMBER(struct thing, sign, UINT64_MAX),
};

static const struct record_type type = { "thing", sizeof(struct thing), fields, 5, NULL, NULL };

static const struct thing example = {
	.wide = 0x0123456789abcdef,
	.part = { { 1000, true }, { 7, false } },
	.array = { 0x1122, 0x3344, 0x5566 },
	.sign = -2,
	.host = "ours",
};

/* The example as it is saved on any host, but for the CRC. */
static const char expected[] = "FWNMIsta"
			       "\0\0\0\x78" /* bytes in all */
			       "\5thing"
			       "\0\0\0\5"
			       "\4wide"
			       "\10\0\0\0\1"
			       "\x01\x23\x45\x67\x89\xab\xcd\xef"
			       "\12part.small"
			       "\4\0\0\0\2"
			       "\0\0\x03\xe8\0\0\0\7"
			       "\11part.flag"
			       "\1\0\0\0\2"
			       "\1\0"
			       "\5array"
			       "\2\0\0\0\3"
			       "\x11\x22\x33\x44\x55\x66"
			       "\4sign"
			       "\10\0\0\0\1"
			       "\xff\xff\xff\xff\xff\xff\xff\xfe";

#define SIZE (sizeof(expected) - 1 + 4)

static uint8_t saved[512];
static struct thing thing;
static char err[200];

static bool load_as(const struct record_type *as, const void *record, size_t size)
{
	void *copy = exact_copy(record, size);
	bool good;

	thing = (struct thing){ .wide = 5, .host = "mine" };
	err[0] = '\0';
	good = record_load(as, &thing, copy, size, err, sizeof(err));
	free(copy);
	return good;
}

static void assert_refused(const struct record_type *as, const void *record, size_t size,
			   const char *why)
{
	static const struct thing untouched = { .wide = 5 };

	assert_false(load_as(as, record, size));
	assert_string_equal(thing.host, "mine");
	thing.host = NULL;
	assert_memory_equal(&thing, &untouched, sizeof(thing));
	assert_non_null(strstr(err, "cannot load the state of "));
	assert_non_null(strstr(err, why));
}

static int save_example(void **state)
{
	assert_int_equal(record_save(&type, &example, saved, sizeof(saved)), SIZE);
	return 0;
}

/* CRC-32C of "123456789" is 0xe3069283; here as the remainder that a good record leaves. */
static uint32_t remainder_of(const uint8_t *bytes, size_t len)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < len; i++)
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc ^ bytes[i] >> bit) & 1 ? 0x82f63b78 : 0);
	return ~crc;
}

static void reseal(uint8_t *record, size_t size)
{
	uint32_t crc = remainder_of(record, size - 4);

	for (unsigned i = 0; i < 4; i++)
		record[size - 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
}

static void a_record_is_the_same_bytes_on_every_host(void **state)
{
	uint8_t whole[SIZE];

	assert_int_equal(remainder_of((const uint8_t *)"123456789", 9), 0xe3069283);
	memcpy(whole, expected, SIZE - 4);
	reseal(whole, SIZE);
	assert_memory_equal(saved, whole, SIZE);
	assert_int_equal(record_size(&type, &example), SIZE);
}

static void what_is_saved_is_loaded_and_nothing_else_is_touched(void **state)
{
	assert_true(load_as(&type, saved, SIZE));
	assert_true(thing.wide == example.wide && thing.sign == example.sign);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(thing.part[i].small, example.part[i].small);
		assert_int_equal(thing.part[i].flag, example.part[i].flag);
	}
	assert_memory_equal(thing.array, example.array, sizeof(thing.array));
	assert_string_equal(thing.host, "mine");
}

static void a_record_is_not_written_where_it_does_not_fit(void **state)
{
	uint8_t *room = malloc(SIZE - 1);

	assert_int_equal(record_save(&type, &example, room, SIZE - 1), 0);
	free(room);
	assert_int_equal(record_save(&type, &example, NULL, 0), 0);
}

static void a_record_with_any_bit_flipped_is_refused(void **state)
{
	for (size_t i = 0; i < 8 * SIZE; i++) {
		saved[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_refused(&type, saved, SIZE, "");
		saved[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

static void a_record_of_another_length_is_refused(void **state)
{
	for (size_t size = 0; size <= SIZE + 20; size++) {
		if (size == SIZE)
			continue;
		assert_refused(&type, saved, size, "");
		/* Even if its checksum is good. */
		if (size >= 4) {
			save_example(NULL);
			reseal(saved, size);
			assert_refused(&type, saved, size, "");
			save_example(NULL);
		}
	}
}

static void length_and_fields_must_agree_with_the_record(void **state)
{
	saved[11] = SIZE + 4;
	reseal(saved, SIZE);
	assert_refused(&type, saved, SIZE, "it is damaged");
	reseal(saved, SIZE + 4);
	assert_refused(&type, saved, SIZE + 4, "its length does not fit its fields");
	saved[11] = SIZE - 4;
	reseal(saved, SIZE - 4);
	assert_refused(&type, saved, SIZE - 4, "its length does not fit its fields");
}

/* The checksum is corrected, so each error must be detected on its own. */
static void any_byte_changed_is_refused_or_just_another_value(void **state)
{
	for (size_t i = 0; i < SIZE - 4; i++)
		for (unsigned value = 0; value < 256; value++) {
			save_example(NULL);
			saved[i] = (uint8_t)value;
			reseal(saved, SIZE);
			if (!load_as(&type, saved, SIZE))
				assert_refused(&type, saved, SIZE, "");
			else
				assert_true(thing.part[0].small <= 1000 &&
					    *(const uint8_t *)&thing.part[0].flag <= 1);
		}
}

static void a_value_out_of_range_is_named(void **state)
{
	struct thing bad = example;

	bad.part[1].small = 1001;
	record_save(&type, &bad, saved, sizeof(saved));
	assert_refused(&type, saved, SIZE, "part.small is 1001, more than 1000");
}

static void a_record_of_another_component_is_refused(void **state)
{
	const struct record_type other = { "thinG", sizeof(struct thing), fields, 5, NULL, NULL };

	assert_refused(&other, saved, SIZE, "it is the record of something else");
}

static void a_record_with_other_fields_is_refused(void **state)
{
	struct record_field changed[5];
	struct record_type other = { "thing", sizeof(struct thing), changed, 5, NULL, NULL };

	memcpy(changed, fields, sizeof(fields));
	other.nr_fields = 4;
	assert_refused(&other, saved, SIZE, "its fields are different");
	other.nr_fields = 5;
	changed[3].count = 2;
	assert_refused(&other, saved, SIZE, "array is missing or has another shape");
	changed[3].count = 3;
	changed[3].width = 1;
	assert_refused(&other, saved, SIZE, "array is missing or has another shape");
	changed[3].width = 2;
	changed[4].name = "sigh";
	assert_refused(&other, saved, SIZE, "sigh is missing or has another shape");
}

static bool narrower(const void *loaded, const void *present)
{
	return ((const struct thing *)loaded)->wide < ((const struct thing *)present)->wide;
}

static void the_component_has_the_last_word(void **state)
{
	const struct record_type picky = {
		"thing", sizeof(struct thing), fields, 5, narrower, NULL
	};
	struct thing small = example;

	assert_refused(&picky, saved, SIZE, "it does not fit the present state");
	small.wide = 4;
	record_save(&type, &small, saved, sizeof(saved));
	assert_true(load_as(&picky, saved, SIZE));
}

struct shelf {
	uint8_t nr_books;
	struct book {
		uint16_t pages;
	} book[4];
	uint8_t shape[8]; /* two for each */
};

static unsigned nr_books(const void *state)
{
	return ((const struct shelf *)state)->nr_books;
}

static void only_elements_in_use_are_saved_and_loaded(void **state)
{
	const struct record_field shelf_fields[] = {
		RECORD_NUMBER(struct shelf, nr_books, 4),
		RECORD_EACH_USED(struct shelf, book, pages, 1000),
		{ .name = "shape",
		  .offset = offsetof(struct shelf, shape),
		  .stride = 1,
		  .max = 9,
		  .count = 8,
		  .each = 2,
		  .width = 1 },
	};
	const struct record_type full = { "shelf", sizeof(struct shelf), shelf_fields, 3, NULL,
					  nr_books };
	const struct shelf a = { 2, { { 100 }, { 200 }, { 5000 } }, { 1, 2, 3, 4, 50 } };
	const struct shelf wanted = { 2, { { 100 }, { 200 }, { 7 }, { 8 } }, { 1, 2, 3, 4, 5, 6 } };
	struct shelf b = { 2, { { 1 }, { 1 }, { 7 }, { 8 } }, { 1, 1, 1, 1, 5, 6 } }, c = b;
	struct shelf three = { .nr_books = 3 };
	const struct record_part from = { &full, (void *)&a }, to = { &full, &c };
	uint8_t image[9];
	size_t size;

	size = record_save(&full, &a, saved, sizeof(saved));
	assert_int_equal(size, record_size(&full, &b));
	assert_int_equal(record_size(&full, &three), size + 4);
	assert_true(record_load(&full, &b, saved, size, err, sizeof(err)));
	assert_memory_equal(b.book, wanted.book, sizeof(b.book));
	assert_memory_equal(b.shape, wanted.shape, sizeof(b.shape));
	assert_false(record_load(&full, &three, saved, size, err, sizeof(err)));
	assert_int_equal(records_image_size(&from, 1), sizeof(image));
	records_to_image(&from, 1, image);
	records_from_image(&to, 1, image);
	assert_memory_equal(c.book, wanted.book, sizeof(c.book));
	assert_memory_equal(c.shape, wanted.shape, sizeof(c.shape));
}

#define TEST(name) cmocka_unit_test_setup(name, save_example)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_is_the_same_bytes_on_every_host),
		TEST(what_is_saved_is_loaded_and_nothing_else_is_touched),
		TEST(a_record_is_not_written_where_it_does_not_fit),
		TEST(a_record_with_any_bit_flipped_is_refused),
		TEST(a_record_of_another_length_is_refused),
		TEST(length_and_fields_must_agree_with_the_record),
		TEST(any_byte_changed_is_refused_or_just_another_value),
		TEST(a_value_out_of_range_is_named),
		TEST(a_record_of_another_component_is_refused),
		TEST(a_record_with_other_fields_is_refused),
		TEST(only_elements_in_use_are_saved_and_loaded),
		TEST(the_component_has_the_last_word),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
