/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's exception table as the lab looks instructions up in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lab/exception_table.h"

#define TABLE 0xc000000001000000ull

/* Two entries: an instruction behind the table, and one before it. */
static const uint8_t big[] = {
	0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x20, 0x00, /**/
	0xff, 0xff, 0xff, 0xf8, 0x00, 0x00, 0x30, 0x00,
};
static const uint8_t little[] = {
	0x00, 0x10, 0x00, 0x00, 0x00, 0x20, 0x00, 0x00, /**/
	0xf8, 0xff, 0xff, 0xff, 0x00, 0x30, 0x00, 0x00,
};

static struct exception_table table_of(const uint8_t *bytes, size_t size, bool little_endian)
{
	return (struct exception_table){ .bytes = (uint8_t *)bytes,
					 .address = TABLE,
					 .size = size,
					 .little_endian = little_endian };
}

static void assert_entries(const struct exception_table *table)
{
	assert_true(exception_table_has(table, TABLE + 0x1000));
	assert_true(exception_table_has(table, TABLE)); /* 8 before the second entry */
	assert_false(exception_table_has(table, TABLE + 0x1004));
	assert_false(exception_table_has(table, TABLE - 8));
}

static void a_distance_counts_from_its_own_entry_in_either_byte_order(void **state)
{
	const struct exception_table be = table_of(big, sizeof(big), false);
	const struct exception_table le = table_of(little, sizeof(little), true);

	(void)state;
	assert_entries(&be);
	assert_entries(&le);
}

static void the_fixups_are_not_taken_for_instructions(void **state)
{
	const struct exception_table table = table_of(big, sizeof(big), false);

	(void)state;
	assert_false(exception_table_has(&table, TABLE + 4 + 0x2000));
	assert_false(exception_table_has(&table, TABLE + 12 + 0x3000));
}

static void half_an_entry_at_the_end_is_none(void **state)
{
	const struct exception_table table = table_of(big, sizeof(big) - 4, false);

	(void)state;
	assert_true(exception_table_has(&table, TABLE + 0x1000));
	assert_false(exception_table_has(&table, TABLE));
}

static void a_kernel_without_symbols_has_an_empty_table(void **state)
{
	struct exception_table table;

	(void)state;
	exception_table_read(&table, NULL);
	assert_null(table.bytes);
	assert_false(exception_table_has(&table, TABLE));
	exception_table_clear(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_distance_counts_from_its_own_entry_in_either_byte_order),
		cmocka_unit_test(the_fixups_are_not_taken_for_instructions),
		cmocka_unit_test(half_an_entry_at_the_end_is_none),
		cmocka_unit_test(a_kernel_without_symbols_has_an_empty_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
