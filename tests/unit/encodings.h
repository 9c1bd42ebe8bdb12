/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test program of an assembler: ENCODINGS has E(what emits an instruction, its text), for
 * DISASSEMBLER to read.
 */
#ifndef UNIT_ENCODINGS_H
#define UNIT_ENCODINGS_H

#include "disassemble.h"

#define MAX_BYTES 16 /* of an instruction */

static void each_encoding_is_read_as_what_it_should_be(void **state)
{
	static const char *const texts[] = {
#define E(emit, text) text,
		ENCODINGS
#undef E
	};
	static struct disassembled got[ARRAY_SIZE(texts) + 1];
	static uint8_t code[MAX_BYTES * ARRAY_SIZE(texts)];
	struct assembler assembler = { .at = code }, *a = &assembler;
	int n;

#define E(emit, text) emit;
	ENCODINGS
#undef E
	n = disassemble(&DISASSEMBLER, code, (size_t)(a->at - code), got, ARRAY_SIZE(got));
	if (n < 0) {
		print_message("needs %s\n", DISASSEMBLER.command);
		skip();
	}
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++)
		assert_string_equal(got[i].text, texts[i]);
	assert_int_equal(n, ARRAY_SIZE(texts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_encoding_is_read_as_what_it_should_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
