/* SPDX-License-Identifier: BSD-2-Clause */
/* Every hcall and RTAS function that a file registers, and how the device tree announces it. */
#include <libfdt.h>

#include "../fakes/partition.h"

#include "pseries/private.h"

/* Calls that no function set announces; see their tables. */
static const uint16_t unannounced[] = { 0x1c8, 0x358, 0x37c, 0x380, 0xf000, 0xf010, 0xf014 };

#define FOR_EACH_HCALL(entry)                         \
	for (unsigned t_ = 0; hcall_tables[t_]; t_++) \
		for (const struct hcall_entry *entry = hcall_tables[t_]; entry->handler; entry++)

#define FOR_EACH_FUNCTION(entry)                     \
	for (unsigned t_ = 0; rtas_tables[t_]; t_++) \
		for (const struct rtas_entry *entry = rtas_tables[t_]; entry->handler; entry++)

/* A partition on an engine that can do no more than @can. */
static void remake_for(unsigned can, enum papr_mmu mmu)
{
	struct papr_config config = fake_config();
	char err[256];

	fake.capabilities = can;
	config.options.mmu = mmu;
	papr_destroy(fake.papr);
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_non_null(fake.papr);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
}

static void remake(unsigned can)
{
	remake_for(can, PAPR_MMU_AUTO);
}

static const char *rtas_property(const char *name, int *len)
{
	size_t size;
	const void *fdt = papr_fdt(fake.papr, &size);

	return fdt_getprop(fdt, fdt_path_offset(fdt, "/rtas"), name, len);
}

static bool is_announced(const char *function_set)
{
	int len;
	const char *sets = rtas_property("ibm,hypertas-functions", &len);

	assert_non_null(sets);
	return fdt_stringlist_contains(sets, len, function_set);
}

static void no_hcall_is_registered_twice(void **state)
{
	unsigned times[0x10000] = { 0 };

	FOR_EACH_HCALL(entry)
	assert_int_equal(times[entry->number]++, 0);
}

static bool is_unannounced(uint16_t number)
{
	for (unsigned i = 0; i < ARRAY_SIZE(unannounced); i++)
		if (unannounced[i] == number)
			return true;
	return false;
}

static void every_hcall_is_announced_but_those_that_guests_find_otherwise(void **state)
{
	remake_for(~0u, PAPR_MMU_EITHER);
	FOR_EACH_HCALL(entry)
	{
		/* ibm,architecture-vec-5 announces those of XIVE. */
		assert_int_equal(!entry->function_set,
				 is_unannounced(entry->number) || entry->interrupts == HCALL_XIVE);
		if (entry->function_set)
			assert_true(is_announced(entry->function_set));
	}
}

static bool is_registered(const char *function_set)
{
	FOR_EACH_HCALL(entry)
	if (entry->function_set && !strcmp(entry->function_set, function_set))
		return true;
	return false;
}

static void no_function_set_is_announced_that_has_no_hcall(void **state)
{
	int len;
	const char *sets = rtas_property("ibm,hypertas-functions", &len);

	for (int at = 0; at < len; at += (int)strlen(sets + at) + 1)
		assert_true(is_registered(sets + at));
}

static void no_function_set_is_announced_twice(void **state)
{
	int len, rest;
	const char *sets = rtas_property("ibm,hypertas-functions", &len);

	for (int at = 0; at < len; at = rest) {
		rest = at + (int)strlen(sets + at) + 1;
		assert_false(fdt_stringlist_contains(sets + rest, len - rest, sets + at));
	}
}

static void a_hcall_that_the_engine_lacks_is_neither_announced_nor_answered(void **state)
{
	assert_true(is_announced("hcall-rpt-invalidate"));
	assert_int_equal(hcall(0, 0x448, 1ull << 32, 0, 0, 0), H_PARAMETER);
	remake(ENGINE_CAP_RADIX);
	assert_false(is_announced("hcall-rpt-invalidate"));
	assert_int_equal(hcall(0, 0x448, 1ull << 32, 0, 0, 0), H_FUNCTION);
}

static void the_hash_table_calls_are_announced_to_hash_guests_only(void **state)
{
	assert_false(is_announced("hcall-pft"));
	assert_false(is_announced("hcall-bulk"));
	assert_int_equal(hcall(0, 0x00c, 0, 0, 0, 0), H_FUNCTION);
	remake_for(~0u, PAPR_MMU_HASH);
	assert_true(is_announced("hcall-pft"));
	assert_true(is_announced("hcall-bulk"));
	assert_true(is_announced("hcall-block-remove"));
	assert_true(is_announced("hcall-hpt-resize"));
	assert_false(is_announced("hcall-rpt-invalidate"));
	assert_int_equal(hcall(0, 0x00c, 0, 0, 0, 0), H_SUCCESS);
}

/* As KVM does in the kernel. */
static void an_engine_with_a_table_of_its_own_answers_the_hash_table_calls_itself(void **state)
{
	remake(ENGINE_CAP_FLUSH_TLB);
	assert_true(is_announced("hcall-pft"));
	assert_false(is_announced("hcall-bulk"));
	assert_int_equal(hcall(0, 0x00c, 0, 0, 0, 0), H_FUNCTION);
}

static void no_rtas_token_is_registered_twice(void **state)
{
	bool taken[0x10000] = { false };

	FOR_EACH_FUNCTION(entry)
	{
		assert_true(entry->token < ARRAY_SIZE(taken));
		assert_false(taken[entry->token]);
		taken[entry->token] = true;
	}
}

static void every_rtas_function_is_in_the_tree_with_its_token(void **state)
{
	FOR_EACH_FUNCTION(entry)
	{
		int len;
		const char *token = rtas_property(entry->name, &len);

		assert_non_null(token);
		assert_int_equal(len, 4);
		assert_int_equal(get_be32(token), entry->token);
		assert_string_equal(rtas_function(entry->token), entry->name);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_hcall_is_registered_twice),
		TEST(every_hcall_is_announced_but_those_that_guests_find_otherwise),
		TEST(no_function_set_is_announced_that_has_no_hcall),
		TEST(no_function_set_is_announced_twice),
		TEST(a_hcall_that_the_engine_lacks_is_neither_announced_nor_answered),
		TEST(the_hash_table_calls_are_announced_to_hash_guests_only),
		TEST(an_engine_with_a_table_of_its_own_answers_the_hash_table_calls_itself),
		TEST(no_rtas_token_is_registered_twice),
		TEST(every_rtas_function_is_in_the_tree_with_its_token),
	};

	return cmocka_run_group_tests_name("pseries-calls", tests, NULL, NULL);
}
