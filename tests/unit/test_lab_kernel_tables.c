/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's tables of instructions as the lab looks them up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lab/kernel_tables.h"

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

/* An exit of two instructions, and an empty one behind it. */
static const uint8_t big_restarts[] = {
	0xc0, 0, 0, 0, 0, 0, 0xc1, 0x00, 0xc0, 0, 0, 0, 0, 0, 0xc1, 0x08, /**/
	0xc0, 0, 0, 0, 0, 0, 0xc2, 0x00, /**/
	0xc0, 0, 0, 0, 0, 0, 0xc3, 0x00, 0xc0, 0, 0, 0, 0, 0, 0xc3, 0x00, /**/
	0xc0, 0, 0, 0, 0, 0, 0xc4, 0x00,
};
static const uint8_t little_restarts[] = {
	0x00, 0xc1, 0, 0, 0, 0, 0, 0xc0, 0x08, 0xc1, 0, 0, 0, 0, 0, 0xc0, /**/
	0x00, 0xc2, 0, 0, 0, 0, 0, 0xc0,
};

static struct kernel_table table_of(const uint8_t *bytes, size_t size, bool little_endian)
{
	return (struct kernel_table){ .bytes = (uint8_t *)bytes,
				      .address = TABLE,
				      .size = size,
				      .little_endian = little_endian };
}

static struct kernel_tables exceptions_of(const uint8_t *bytes, size_t size, bool little_endian)
{
	return (struct kernel_tables){ .exceptions = table_of(bytes, size, little_endian) };
}

static struct kernel_tables restarts_of(const uint8_t *bytes, size_t size, bool little_endian)
{
	return (struct kernel_tables){ .restarts = table_of(bytes, size, little_endian) };
}

static void assert_entries(const struct kernel_tables *tables)
{
	assert_true(kernel_tables_fixup(tables, TABLE + 0x1000));
	assert_true(kernel_tables_fixup(tables, TABLE)); /* 8 before the second entry */
	assert_false(kernel_tables_fixup(tables, TABLE + 0x1004));
	assert_false(kernel_tables_fixup(tables, TABLE - 8));
}

static void a_distance_counts_from_its_own_entry_in_either_byte_order(void **state)
{
	const struct kernel_tables be = exceptions_of(big, sizeof(big), false);
	const struct kernel_tables le = exceptions_of(little, sizeof(little), true);

	(void)state;
	assert_entries(&be);
	assert_entries(&le);
}

static void the_fixups_are_not_taken_for_instructions(void **state)
{
	const struct kernel_tables tables = exceptions_of(big, sizeof(big), false);

	(void)state;
	assert_false(kernel_tables_fixup(&tables, TABLE + 4 + 0x2000));
	assert_false(kernel_tables_fixup(&tables, TABLE + 12 + 0x3000));
}

static void assert_exit(const struct kernel_tables *tables)
{
	assert_false(kernel_tables_restart(tables, 0xc00000000000c0fcull));
	assert_true(kernel_tables_restart(tables, 0xc00000000000c100ull));
	assert_true(kernel_tables_restart(tables, 0xc00000000000c104ull));
	assert_false(kernel_tables_restart(tables, 0xc00000000000c108ull));
	assert_false(kernel_tables_restart(tables, 0xc00000000000c200ull));
	assert_false(kernel_tables_restart(tables, 0xc00000000000c300ull));
}

static void an_exit_that_may_begin_anew_ends_before_its_second_address(void **state)
{
	const struct kernel_tables be = restarts_of(big_restarts, sizeof(big_restarts), false);
	const struct kernel_tables le = restarts_of(little_restarts, sizeof(little_restarts), true);

	(void)state;
	assert_exit(&be);
	assert_exit(&le);
}

static void half_an_entry_at_the_end_is_none(void **state)
{
	const struct kernel_tables exceptions = exceptions_of(big, sizeof(big) - 4, false);
	const struct kernel_tables restarts = restarts_of(big_restarts, 16, false);

	(void)state;
	assert_true(kernel_tables_fixup(&exceptions, TABLE + 0x1000));
	assert_false(kernel_tables_fixup(&exceptions, TABLE));
	assert_false(kernel_tables_restart(&restarts, 0xc00000000000c100ull));
}

static void a_kernel_without_symbols_has_empty_tables(void **state)
{
	struct kernel_tables tables;

	(void)state;
	kernel_tables_read(&tables, NULL);
	assert_null(tables.exceptions.bytes);
	assert_null(tables.restarts.bytes);
	assert_false(kernel_tables_fixup(&tables, TABLE));
	assert_false(kernel_tables_restart(&tables, TABLE));
	kernel_tables_clear(&tables);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_distance_counts_from_its_own_entry_in_either_byte_order),
		cmocka_unit_test(the_fixups_are_not_taken_for_instructions),
		cmocka_unit_test(an_exit_that_may_begin_anew_ends_before_its_second_address),
		cmocka_unit_test(half_an_entry_at_the_end_is_none),
		cmocka_unit_test(a_kernel_without_symbols_has_empty_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
