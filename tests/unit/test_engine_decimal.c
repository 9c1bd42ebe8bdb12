/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decimal arithmetic where QEMU, the oracle of tests/isa, is silent: results of trapped exceptions,
 * and what the encodings promise. The numbers are those of the Power ISA 3.0B, chapter 5.
 */
#include "engine/emu/fp/decimal.h"
#include "engine/emu/fp/declet.h"
#include "unit.h"

static struct decimal_op operation(const struct decimal_format *format, uint64_t enabled)
{
	return (struct decimal_op){ .fpu = { .enabled = enabled }, .format = format };
}

static struct decimal number(uint64_t coefficient, int exponent)
{
	return (struct decimal){ .class = CLASS_FINITE,
				 .coefficient = coefficient,
				 .exponent = exponent };
}

static void assert_number(struct decimal v, uint64_t coefficient, int exponent)
{
	assert_int_equal(v.class, CLASS_FINITE);
	assert_int_equal((uint64_t)v.coefficient, coefficient);
	assert_int_equal(v.exponent, exponent);
}

static void three_digits_have_one_declet_and_24_others_are_read(void **state)
{
	unsigned others = 0;

	for (unsigned a = 0; a < 10; a++)
		for (unsigned b = 0; b < 10; b++)
			for (unsigned c = 0; c < 10; c++) {
				const unsigned digits = a << 8 | b << 4 | c;

				assert_int_equal(declet_to_bcd(bcd_to_declet(digits)), digits);
			}
	for (unsigned i = 0; i < 1024; i++)
		others += bcd_to_declet(declet_to_bcd(i)) != i;
	assert_int_equal(others, 24);
}

static void every_encoding_of_the_short_format_survives_unpacking(void **state)
{
	for (uint64_t bits = 0; bits < 1ull << 32; bits += 4099) {
		const struct decimal v = decimal_unpack(bits, &decimal_short);
		const struct decimal again =
			decimal_unpack(decimal_pack_digits(&v, &decimal_short), &decimal_short);

		assert_int_equal(again.class, v.class);
		assert_int_equal(again.sign, v.sign);
		assert_int_equal(again.exponent, v.exponent);
		assert_true(again.coefficient == v.coefficient);
	}
}

/* 5.5.10.3: the exponent less 576, or 192 for the short format. */
static void a_trapped_overflow_has_a_wrapped_exponent(void **state)
{
	struct decimal_op op = operation(&decimal_long, FPSCR_OE);

	assert_number(decimal_mul(&op, number(5, 369), number(3, 15)), 15, 369 + 15 - 576);
	assert_int_equal(op.fpu.raised, FPSCR_OX);
	assert_false(op.fpu.fi);
	op = operation(&decimal_short, FPSCR_OE);
	assert_number(decimal_round(&op, number(12345678, 90)), 1234568, 91 - 192);
	assert_int_equal(op.fpu.raised, FPSCR_OX | FPSCR_XX);
	assert_true(op.fpu.fr);
}

/* 5.5.10.4: the exponent plus 576; exact results trap, too. */
static void a_trapped_underflow_has_a_wrapped_exponent(void **state)
{
	struct decimal_op op = operation(&decimal_long, FPSCR_UE);

	assert_number(decimal_mul(&op, number(7, -398), number(11, -2)), 77, -400 + 576);
	assert_int_equal(op.fpu.raised, FPSCR_UX);
	op = operation(&decimal_long, 0);
	assert_number(decimal_mul(&op, number(7, -398), number(11, -2)), 1, -398);
	assert_int_equal(op.fpu.raised, FPSCR_UX | FPSCR_XX);
	op = operation(&decimal_long, FPSCR_UE);
	assert_number(decimal_add(&op, number(7, -398), number(1, -398)), 8, -398 + 576);
	assert_int_equal(op.fpu.raised, FPSCR_UX);
}

/* 5.5.2 */
static void each_rounding_mode_rounds_as_its_name_says(void **state)
{
	static const struct {
		enum decimal_rounding mode;
		uint8_t of_25, of_minus_25, of_351, of_501, of_450;
	} known[] = {
		{ DECIMAL_NEAREST, 2, 2, 4, 5, 4 },	 { DECIMAL_TO_ZERO, 2, 2, 3, 5, 4 },
		{ DECIMAL_UP, 3, 2, 4, 6, 5 },		 { DECIMAL_DOWN, 2, 3, 3, 5, 4 },
		{ DECIMAL_NEAREST_AWAY, 3, 3, 4, 5, 5 }, { DECIMAL_NEAREST_TO_ZERO, 2, 2, 4, 5, 4 },
		{ DECIMAL_AWAY, 3, 3, 4, 6, 5 },	 { DECIMAL_FOR_SHORTER, 2, 2, 3, 6, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct decimal_op op = operation(&decimal_quad, 0);
		struct decimal minus = number(25, 0);

		minus.sign = true;
		op.rounding = known[i].mode;
		assert_number(decimal_reround(&op, number(25, 0), 1), known[i].of_25, 1);
		assert_number(decimal_reround(&op, minus, 1), known[i].of_minus_25, 1);
		assert_number(decimal_reround(&op, number(351, 0), 1), known[i].of_351, 2);
		assert_number(decimal_reround(&op, number(501, 0), 1), known[i].of_501, 2);
		assert_number(decimal_reround(&op, number(450, 0), 1), known[i].of_450, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_digits_have_one_declet_and_24_others_are_read),
		cmocka_unit_test(every_encoding_of_the_short_format_survives_unpacking),
		cmocka_unit_test(a_trapped_overflow_has_a_wrapped_exponent),
		cmocka_unit_test(a_trapped_underflow_has_a_wrapped_exponent),
		cmocka_unit_test(each_rounding_mode_rounds_as_its_name_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
