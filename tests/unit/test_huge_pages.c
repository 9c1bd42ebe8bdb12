/* SPDX-License-Identifier: BSD-2-Clause */
/* src/base/huge_pages.c */
#include <sys/mman.h>

#include "base/huge_pages.h"
#include "unit.h"

#define SMALL_PAGE 0x10000ull

/* With mappings of small pages between them, few would begin where a huge page does by chance. */
static void memory_begins_where_a_huge_page_does(void **state)
{
	enum {
		TIMES = 8
	};
	const uint64_t size = HUGE_PAGE + 3 * SMALL_PAGE;
	uint8_t *memory[TIMES];

	for (unsigned i = 0; i < TIMES; i++) {
		memory[i] = huge_pages_map(size, PROT_READ | PROT_WRITE);
		assert_non_null(memory[i]);
		assert_int_equal((uintptr_t)memory[i] % HUGE_PAGE, 0);
		memory[i][0] = memory[i][size - 1] = 1;
	}
	for (unsigned i = 0; i < TIMES; i++)
		assert_int_equal(munmap(memory[i], size), 0);
}

static void more_than_the_host_has_addresses_for_is_refused(void **state)
{
	assert_null(huge_pages_map(1ull << 60, PROT_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_begins_where_a_huge_page_does),
		cmocka_unit_test(more_than_the_host_has_addresses_for_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
