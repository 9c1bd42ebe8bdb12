/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of a campaign's results: what is kept, and whom it refuses. Processes that only SQLite's
 * locks keep apart are forked.
 */
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "lab/store.h"

#define VERSION_OFFSET	   60 /* SQLite's user_version in the file */
#define APPLICATION_OFFSET 68

static char kernel[] = "/boot/vmlinux", build_id[] = "0123abcd", release[] = "6.1.0",
	    version[] = "1.0.0", options[] = "{}", suite[] = "quick";

static const struct lab_campaign campaign = {
	.suite = suite,
	.kernel = kernel,
	.kernel_build_id = build_id,
	.kernel_release = release,
	.fwnmi_version = version,
	.options = options,
	.seed = UINT64_MAX,
	.nr_cases = 1000,
	.shard = 1,
	.nr_shards = 1,
};

/* A directory of its own for each test, which must be left with one file. */
struct place {
	char directory[64];
	char file[80];
	char err[300];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	strcpy(p->directory, "/tmp/fwnmi-store-XXXXXX");
	assert_non_null(mkdtemp(p->directory));
	snprintf(p->file, sizeof(p->file), "%s/results", p->directory);
	*state = p;
	return 0;
}

static unsigned files_in(const char *directory, bool drop)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	unsigned count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (drop)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
	return count;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	files_in(p->directory, true);
	rmdir(p->directory);
	free(p);
	return 0;
}

static struct lab_store *create(struct place *p)
{
	struct lab_store *s = lab_store_create(p->file, &campaign, p->err, sizeof(p->err));

	if (!s)
		fail_msg("%s", p->err);
	return s;
}

static struct lab_store *open_it(struct place *p)
{
	struct lab_store *s = lab_store_open(p->file, p->err, sizeof(p->err));

	if (!s)
		fail_msg("%s", p->err);
	return s;
}

/* A result that is made of its number. */
struct made {
	struct lab_result result;
	char name[40], why[40], evidence[9000];
};

static const struct lab_result *make(struct made *m, uint64_t number)
{
	static char group[] = "SLB multihit", column[] = "user", json[] = "{}", rule[] = "recovers",
		    law[] = "It is recovered.", source[] = "LoPAR";
	int used;

	snprintf(m->name, sizeof(m->name), "case/%llu", (unsigned long long)number);
	snprintf(m->why, sizeof(m->why), "because of \"%llu\"", (unsigned long long)number);
	used = snprintf(m->evidence, sizeof(m->evidence), "{\"console\": \"%0*llu\"}",
			(int)(number % 8000), (unsigned long long)number);
	assert_true(used < (int)sizeof(m->evidence));
	m->result = (struct lab_result){
		.number = number,
		.name = m->name,
		.group = group,
		.column = column,
		.case_json = json,
		.verdict = number % LAB_VERDICTS,
		.passed = number % 3 != 0,
		.rule = number % 5 ? rule : NULL,
		.law = number % 5 ? law : NULL,
		.source = number % 5 ? source : NULL,
		.why = m->why,
		.evidence = m->evidence,
		.insns = number * 1000,
		.host_ns = number * 7,
		.points = number + 1,
	};
	return &m->result;
}

static bool put(struct place *p, struct lab_store *s, uint64_t number)
{
	struct made m;

	return lab_store_put(s, make(&m, number), p->err, sizeof(p->err));
}

static void expect_result(struct place *p, struct lab_store *s, uint64_t number)
{
	struct lab_result got;
	struct made m;

	make(&m, number);
	m.result.rule = m.result.rule ? m.result.rule : "";
	m.result.law = m.result.law ? m.result.law : "";
	m.result.source = m.result.source ? m.result.source : "";
	if (!lab_store_get(s, number, &got, p->err, sizeof(p->err)))
		fail_msg("%s", p->err);
	assert_true(lab_result_same(&got, &m.result));
	assert_int_equal(got.host_ns, m.result.host_ns);
	lab_result_clear(&got);
}

static bool count_one(void *opaque, const struct lab_result *result)
{
	++*(uint64_t *)opaque;
	return true;
}

static uint64_t count(struct place *p, struct lab_store *s)
{
	uint64_t n = 0;

	if (!lab_store_each(s, count_one, &n, p->err, sizeof(p->err)))
		fail_msg("%s", p->err);
	return n;
}

static void expect_refused(struct place *p, struct lab_store *s, const char *why)
{
	assert_null(s);
	if (!strstr(p->err, why))
		fail_msg("\"%s\" does not say \"%s\"", p->err, why);
	assert_null(strchr(p->err, '\n'));
	assert_true(strlen(p->err) < sizeof(p->err) - 1);
}

static void refused_for_writing(struct place *p, const struct lab_campaign *c, const char *why)
{
	expect_refused(p, lab_store_create(p->file, c, p->err, sizeof(p->err)), why);
}

static void refused_for_reading(struct place *p, const char *why)
{
	expect_refused(p, lab_store_open(p->file, p->err, sizeof(p->err)), why);
}

/* ---- what is kept ---- */

static void results_come_back_as_they_were_put(void **state)
{
	struct place *p = *state;
	struct lab_store *s = create(p);
	const struct lab_campaign *c;

	for (uint64_t i = 0; i < 40; i++)
		assert_true(put(p, s, i));
	for (uint64_t i = 0; i < 40; i++)
		expect_result(p, s, i);
	lab_store_close(s);
	s = open_it(p);
	c = lab_store_campaign(s);
	assert_null(lab_campaign_same(c, &campaign));
	assert_int_equal(c->seed, UINT64_MAX);
	assert_string_equal(c->kernel, kernel);
	for (uint64_t i = 0; i < 40; i++)
		expect_result(p, s, i);
	assert_int_equal(count(p, s), 40);
	lab_store_close(s);
	assert_int_equal(files_in(p->directory, false), 1);
}

static bool check_order(void *opaque, const struct lab_result *result)
{
	uint64_t *next = opaque;

	assert_int_equal(result->number, *next);
	*next += 2;
	return *next < 10;
}

static void results_are_handed_out_by_number_until_it_is_enough(void **state)
{
	struct place *p = *state;
	struct lab_store *s = create(p);
	uint64_t next = 2;

	for (uint64_t i = 20; i > 0; i -= 2)
		assert_true(put(p, s, i));
	assert_true(lab_store_each(s, check_order, &next, p->err, sizeof(p->err)));
	assert_int_equal(next, 10);
	lab_store_close(s);
}

static void a_second_start_goes_on_from_what_is_there(void **state)
{
	struct place *p = *state;
	struct lab_store *s = create(p);

	assert_true(put(p, s, 3));
	lab_store_close(s);
	s = create(p);
	assert_true(lab_store_has(s, 3));
	assert_false(lab_store_has(s, 4));
	assert_true(put(p, s, 4));
	lab_store_close(s);
	s = open_it(p);
	assert_int_equal(count(p, s), 2);
	lab_store_close(s);
}

static void a_case_is_put_once(void **state)
{
	struct place *p = *state;
	struct lab_store *s = create(p);
	struct made m;

	assert_true(put(p, s, 3));
	assert_false(put(p, s, 3));
	assert_non_null(strstr(p->err, "it has case 3 already"));
	make(&m, 4);
	strcpy(m.name, "case/3");
	assert_false(lab_store_put(s, &m.result, p->err, sizeof(p->err)));
	assert_non_null(strstr(p->err, "the name of case 4, case/3"));
	assert_true(put(p, s, 4));
	assert_int_equal(count(p, s), 2);
	lab_store_close(s);
}

static void a_case_that_is_not_there_is_named(void **state)
{
	struct place *p = *state;
	struct lab_store *s = create(p);
	struct lab_result result;

	assert_false(lab_store_get(s, 8, &result, p->err, sizeof(p->err)));
	assert_non_null(strstr(p->err, "has no case 8"));
	lab_result_clear(&result);
	lab_store_close(s);
}

/* Puts results for ever, and tells each that is kept. */
static void write_until_killed(struct place *p, int tell, uint64_t from)
{
	struct lab_store *s = lab_store_create(p->file, &campaign, p->err, sizeof(p->err));

	while (s && put(p, s, from) && write(tell, &from, sizeof(from)) == sizeof(from))
		from++;
	_exit(1);
}

/* Returns the first number that was not heard of. */
static uint64_t kill_a_writer(struct place *p, uint64_t from, unsigned after)
{
	uint64_t last = from;
	int ends[2];
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0)
		write_until_killed(p, ends[1], from);
	close(ends[1]);
	for (unsigned i = 0; i < after && read(ends[0], &last, sizeof(last)) == sizeof(last); i++)
		;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	while (read(ends[0], &last, sizeof(last)) == sizeof(last))
		;
	close(ends[0]);
	assert_true(last >= from + after - 1);
	return last + 1;
}

static void a_writer_that_is_killed_loses_at_most_the_result_being_written(void **state)
{
	static const unsigned after[] = { 1, 2, 50, 333, 7 };
	struct place *p = *state;
	struct lab_store *s;
	uint64_t next = 0;

	for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
		next = kill_a_writer(p, next, after[i]);
		s = create(p);
		for (uint64_t n = 0; n < next; n++)
			assert_true(lab_store_has(s, n));
		expect_result(p, s, next - 1);
		next += lab_store_has(s, next);
		assert_int_equal(count(p, s), next);
		lab_store_close(s);
	}
}

static void a_campaign_that_is_killed_while_it_makes_its_file_starts_again(void **state)
{
	struct place *p = *state;

	for (useconds_t delay = 0; delay < 8000; delay += 400) {
		pid_t child = fork();

		if (child == 0) {
			lab_store_create(p->file, &campaign, p->err, sizeof(p->err));
			pause();
		}
		usleep(delay);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		lab_store_close(create(p));
		assert_int_equal(files_in(p->directory, true), 1);
	}
}

static void a_reader_sees_all_that_a_killed_writer_kept(void **state)
{
	struct place *p = *state;
	uint64_t next = kill_a_writer(p, 0, 20);
	struct lab_store *s = open_it(p);

	assert_in_range(count(p, s), next, next + 1);
	lab_store_close(s);
	assert_int_equal(files_in(p->directory, false), 1);
}

static void a_full_disk_is_one_line_and_what_was_there_stays(void **state)
{
	struct place *p = *state;
	struct lab_store *s = create(p);
	struct rlimit before, limit;
	uint64_t n = 0;

	/* A limit on the size of files stands in for the disk's. */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){ 300000, before.rlim_max };
	assert_true(put(p, s, n++));
	setrlimit(RLIMIT_FSIZE, &limit);
	while (n < 900 && put(p, s, n))
		n++;
	assert_in_range(n, 10, 899);
	assert_non_null(strstr(p->err, "cannot write "));
	assert_null(strchr(p->err, '\n'));
	assert_false(put(p, s, n)); /* and again */
	lab_store_close(s);
	setrlimit(RLIMIT_FSIZE, &before);
	s = create(p);
	assert_int_equal(count(p, s), n);
	expect_result(p, s, n - 1);
	while (n < 900)
		assert_true(put(p, s, n++));
	lab_store_close(s);
}

static void an_empty_file_becomes_a_campaigns(void **state)
{
	struct place *p = *state;
	struct lab_store *s;

	close(open(p->file, O_CREAT | O_WRONLY, 0600));
	refused_for_reading(p, "it is empty");
	s = create(p);
	assert_true(put(p, s, 0));
	lab_store_close(s);
}

/* ---- who is refused ---- */

static void another_campaign_is_refused_with_what_differs(void **state)
{
	static char other[] = "other";
	struct place *p = *state;
	struct lab_campaign c;

	lab_store_close(create(p));
	for (unsigned i = 0; i < 8; i++) {
		static const char *const why[] = { "another suite",    "another kernel",
						   "kernel's release", "version of fwnmi",
						   "another options",  "another seed",
						   "number of cases",  "has shard 1/1, not 2/3" };

		c = campaign;
		c.suite = i == 0 ? other : c.suite;
		c.kernel_build_id = i == 1 ? other : c.kernel_build_id;
		c.kernel_release = i == 2 ? other : c.kernel_release;
		c.fwnmi_version = i == 3 ? other : c.fwnmi_version;
		c.options = i == 4 ? other : c.options;
		c.seed = i == 5 ? 1 : c.seed;
		c.nr_cases = i == 6 ? 1 : c.nr_cases;
		c.shard = i == 7 ? 2 : 1;
		c.nr_shards = i == 7 ? 3 : 1;
		refused_for_writing(p, &c, why[i]);
	}
	c = campaign;
	c.kernel = other;
	lab_store_close(lab_store_create(p->file, &c, p->err, sizeof(p->err)));
	lab_store_close(create(p));
}

/* Runs @refused in a process of its own, because SQLite's locks are between processes. */
static void in_another_process(struct place *p, void (*refused)(struct place *p))
{
	int status = 1;
	pid_t child = fork();

	if (child == 0) {
		refused(p);
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

static void a_writer_is_refused(struct place *p)
{
	if (lab_store_create(p->file, &campaign, p->err, sizeof(p->err)) ||
	    !strstr(p->err, "another process is using it"))
		_exit(1);
}

static void a_reader_is_refused(struct place *p)
{
	if (lab_store_open(p->file, p->err, sizeof(p->err)) ||
	    !strstr(p->err, "another process is using it"))
		_exit(1);
}

static void a_second_writer_is_refused_and_harms_nothing(void **state)
{
	struct place *p = *state;
	struct lab_store *s = create(p);

	in_another_process(p, a_writer_is_refused); /* before the first result, and after it */
	assert_true(put(p, s, 0));
	in_another_process(p, a_writer_is_refused);
	in_another_process(p, a_reader_is_refused);
	assert_true(put(p, s, 1));
	lab_store_close(s);
	s = open_it(p);
	assert_int_equal(count(p, s), 2);
	in_another_process(p, a_writer_is_refused);
	lab_store_close(s);
}

static char *contents(const char *path, size_t *length)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *bytes;

	assert_true(fd >= 0 && !fstat(fd, &st));
	bytes = malloc((size_t)st.st_size + 1);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	*length = (size_t)st.st_size;
	return bytes;
}

static void refused_and_untouched(struct place *p, const char *why)
{
	size_t before_length, after_length;
	char *before = contents(p->file, &before_length), *after;

	refused_for_writing(p, &campaign, why);
	refused_for_reading(p, why);
	after = contents(p->file, &after_length);
	assert_int_equal(before_length, after_length);
	assert_memory_equal(before, after, before_length);
	free(before);
	free(after);
}

static void overwrite(const char *path, off_t offset, uint8_t byte)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
	close(fd);
}

static void a_file_of_another_version_is_not_touched(void **state)
{
	struct place *p = *state;

	lab_store_close(create(p));
	overwrite(p->file, VERSION_OFFSET + 3, 9);
	refused_and_untouched(p, "has results of version 9, and this fwnmi reads version 1");
	assert_int_equal(files_in(p->directory, false), 1);
}

static void a_file_of_another_application_is_not_touched(void **state)
{
	struct place *p = *state;

	lab_store_close(create(p));
	overwrite(p->file, APPLICATION_OFFSET, 9);
	refused_and_untouched(p, "is no file of results");
	assert_int_equal(files_in(p->directory, false), 1);
}

/* One that was killed has a journal, which its own application is to replay. */
static void the_journal_of_another_application_is_not_touched(void **state)
{
	struct place *p = *state;
	int fd;

	kill_a_writer(p, 0, 3);
	overwrite(p->file, APPLICATION_OFFSET, 9);
	refused_and_untouched(p, "is no file of results");
	assert_int_equal(files_in(p->directory, false), 2);
	strcat(p->file, "-wal");
	fd = open(p->file, O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
}

static void text_and_directories_are_no_results(void **state)
{
	struct place *p = *state;
	FILE *f = fopen(p->file, "w");

	assert_non_null(f);
	for (unsigned i = 0; i < 100; i++)
		fputs("These are not results.\n", f);
	fclose(f);
	refused_and_untouched(p, "is no file of results");
	snprintf(p->file, sizeof(p->file), "%s/nowhere/results", p->directory);
	refused_for_writing(p, &campaign, "cannot open ");
	refused_for_reading(p, "No such file or directory");
	snprintf(p->file, sizeof(p->file), "%s", p->directory);
	refused_for_reading(p, "cannot open ");
}

static void a_damaged_file_is_one_line(void **state)
{
	struct place *p = *state;
	struct lab_store *s = create(p);
	uint64_t n = 0;
	bool whole;

	for (uint64_t i = 0; i < 200; i++)
		assert_true(put(p, s, i));
	lab_store_close(s);
	for (off_t offset = 3 * 4096; offset < 60 * 4096; offset++)
		overwrite(p->file, offset, 0x5a);
	s = lab_store_open(p->file, p->err, sizeof(p->err));
	whole = s && lab_store_each(s, count_one, &n, p->err, sizeof(p->err));
	assert_false(whole);
	assert_non_null(strstr(p->err, "it is damaged"));
	lab_store_close(s);
}

/* ---- shards ---- */

static void each_case_belongs_to_one_shard(void **state)
{
	struct lab_campaign c = campaign;
	uint64_t cases = 0;

	c.nr_cases = 103;
	c.nr_shards = 8;
	for (c.shard = 1; c.shard <= 8; c.shard++) {
		uint64_t here = 0;

		for (uint64_t i = 0; i < 200; i++)
			here += lab_campaign_has(&c, i);
		assert_int_equal(here, lab_campaign_cases(&c));
		cases += here;
	}
	assert_int_equal(cases, 103);
	c.shard = 3;
	assert_true(lab_campaign_has(&c, 2));
	assert_true(lab_campaign_has(&c, 10));
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_PLACE(results_come_back_as_they_were_put),
		IN_A_PLACE(results_are_handed_out_by_number_until_it_is_enough),
		IN_A_PLACE(a_second_start_goes_on_from_what_is_there),
		IN_A_PLACE(a_case_is_put_once),
		IN_A_PLACE(a_case_that_is_not_there_is_named),
		IN_A_PLACE(a_writer_that_is_killed_loses_at_most_the_result_being_written),
		IN_A_PLACE(a_campaign_that_is_killed_while_it_makes_its_file_starts_again),
		IN_A_PLACE(a_reader_sees_all_that_a_killed_writer_kept),
		IN_A_PLACE(a_full_disk_is_one_line_and_what_was_there_stays),
		IN_A_PLACE(an_empty_file_becomes_a_campaigns),
		IN_A_PLACE(another_campaign_is_refused_with_what_differs),
		IN_A_PLACE(a_second_writer_is_refused_and_harms_nothing),
		IN_A_PLACE(a_file_of_another_version_is_not_touched),
		IN_A_PLACE(a_file_of_another_application_is_not_touched),
		IN_A_PLACE(the_journal_of_another_application_is_not_touched),
		IN_A_PLACE(text_and_directories_are_no_results),
		IN_A_PLACE(a_damaged_file_is_one_line),
		cmocka_unit_test(each_case_belongs_to_one_shard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
