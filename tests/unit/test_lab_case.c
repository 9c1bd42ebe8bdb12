/* SPDX-License-Identifier: BSD-2-Clause */
/* Cases of the lab as JSON. */
#include "unit.h"

#include "lab/case.h"

static const char good[] =
	"{\"number\": 7, \"name\": \"machine-check/SLB/multihit/user\", \"group\": \"SLB multihit\","
	" \"column\": \"user\", \"workload\": \"victim\", \"steps\": [{\"execute\": \"inject-machine-check\","
	" \"arguments\": {\"type\": \"SLB\"}}, {\"execute\": \"inject-system-reset\"}]}";

static json_t *loaded(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);

	assert_non_null(json);
	return json;
}

static void every_workload_has_a_name_that_is_read_back(void **state)
{
	for (unsigned i = 0; i < LAB_WORKLOADS; i++) {
		enum lab_workload found = LAB_WORKLOADS;

		assert_non_null(lab_workload_name(i));
		assert_true(lab_workload_parse(lab_workload_name(i), &found));
		assert_int_equal(found, i);
	}
}

static void an_unknown_workload_is_refused(void **state)
{
	enum lab_workload found = LAB_IDLE;

	assert_false(lab_workload_parse("victims", &found));
	assert_false(lab_workload_parse("", &found));
	assert_int_equal(found, LAB_IDLE);
}

static void a_case_comes_back_from_json_as_it_was(void **state)
{
	json_t *json = loaded(good), *again;
	struct lab_case c;
	char err[200] = "";

	assert_true(lab_case_parse(json, &c, err, sizeof(err)));
	assert_int_equal(c.number, 7);
	assert_string_equal(c.name, "machine-check/SLB/multihit/user");
	assert_string_equal(c.group, "SLB multihit");
	assert_string_equal(c.column, "user");
	assert_int_equal(c.workload, LAB_VICTIM);
	assert_int_equal(json_array_size(c.steps), 2);
	again = lab_case_json(&c);
	assert_true(json_equal(again, json));
	lab_case_clear(&c);
	json_decref(again);
	json_decref(json);
}

static void a_case_does_not_share_its_steps_with_what_it_was_read_from(void **state)
{
	json_t *json = loaded(good), *steps = json_object_get(json, "steps");
	struct lab_case c;
	char err[200];

	assert_true(lab_case_parse(json, &c, err, sizeof(err)));
	json_object_set_new(json_array_get(steps, 0), "execute", json_string("quit"));
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(c.steps, 0), "execute")),
		"inject-machine-check");
	lab_case_clear(&c);
	json_decref(json);
}

static void a_cleared_case_can_be_cleared_again(void **state)
{
	json_t *json = loaded(good);
	struct lab_case c;
	char err[200];

	assert_true(lab_case_parse(json, &c, err, sizeof(err)));
	lab_case_clear(&c);
	assert_null(c.name);
	assert_null(c.steps);
	lab_case_clear(&c);
	json_decref(json);
}

static void what_is_no_case_is_refused_with_what_is_wrong(void **state)
{
	static const struct {
		const char *key, *value, *why;
	} wrong[] = {
		{ "number", "-1", "\"number\"" },
		{ "number", "\"7\"", "\"number\"" },
		{ "number", NULL, "\"number\"" },
		{ "name", "\"\"", "\"name\"" },
		{ "name", "3", "\"name\"" },
		{ "group", NULL, "\"group\"" },
		{ "column", "[]", "\"column\"" },
		{ "workload", "\"sleep\"", "unknown workload \"sleep\"" },
		{ "workload", NULL, "\"workload\"" },
		{ "steps", "{}", "\"steps\"" },
		{ "steps", "[]", "\"steps\"" },
		{ "steps", "[3]", "step 0" },
		{ "steps", "[{\"execute\": \"a\"}, {\"arguments\": {}}]", "step 1" },
		{ "steps", "[{\"execute\": \"a\", \"arguments\": 3}]", "step 0" },
		{ "stpes", "[]", "\"stpes\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		json_t *json = loaded(good);
		struct lab_case c;
		char err[200] = "";

		if (wrong[i].value)
			json_object_set_new(json, wrong[i].key,
					    json_loads(wrong[i].value, JSON_DECODE_ANY, NULL));
		else
			json_object_del(json, wrong[i].key);
		assert_false(lab_case_parse(json, &c, err, sizeof(err)));
		if (!strstr(err, wrong[i].why))
			fail_msg("%zu: \"%s\" does not say %s", i, err, wrong[i].why);
		assert_null(c.name);
		json_decref(json);
	}
}

static void a_list_is_no_case(void **state)
{
	json_t *json = json_array();
	struct lab_case c;
	char err[200] = "";

	assert_false(lab_case_parse(json, &c, err, sizeof(err)));
	assert_string_equal(err, "a case is an object");
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_workload_has_a_name_that_is_read_back),
		cmocka_unit_test(an_unknown_workload_is_refused),
		cmocka_unit_test(a_case_comes_back_from_json_as_it_was),
		cmocka_unit_test(a_case_does_not_share_its_steps_with_what_it_was_read_from),
		cmocka_unit_test(a_cleared_case_can_be_cleared_again),
		cmocka_unit_test(what_is_no_case_is_refused_with_what_is_wrong),
		cmocka_unit_test(a_list_is_no_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
