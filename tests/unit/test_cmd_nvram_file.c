/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The NVRAM file: it has one user at a time, and the file in use is the one at the path. What
 * guests do with NVRAM is in test_pseries_rtas.c.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "unit.h"

static int fcntl_after_replacement(int fd, int cmd, struct flock *lock);
#define fcntl fcntl_after_replacement
#include "cmd/nvram_file.c"
#undef fcntl

#define SIZE 0x10000u

static uint8_t contents[SIZE];
static char directory[] = "/tmp/fwnmi-lock-XXXXXX", path[64];

static int make_directory(void **state)
{
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/nvram", directory);
	return 0;
}

/* Fails if a temporary file is left. */
static int remove_directory(void **state)
{
	unlink(path);
	return rmdir(directory);
}

/* Replaces the file by another machine's just before the next lock is set. */
static bool replace_before_lock;

static int fcntl_after_replacement(int fd, int cmd, struct flock *lock)
{
	char other[80];
	int new;

	if (replace_before_lock && cmd == F_OFD_SETLK) {
		replace_before_lock = false;
		snprintf(other, sizeof(other), "%s.other", path);
		new = open(other, O_RDWR | O_CREAT, 0600);
		assert_true(new >= 0);
		assert_int_equal(ftruncate(new, SIZE), 0);
		assert_int_equal(rename(other, path), 0);
		close(new);
	}
	return fcntl(fd, cmd, lock);
}

/* A process that opens the file on request, reports the result, and ends on another request. */
struct holder {
	pid_t pid;
	int to, from;
};

static void hold(int in, int out)
{
	struct nvram_file file;
	char c, err[256] = "";

	if (read(in, &c, 1) != 1)
		_exit(1);
	nvram_file_open(&file, path, contents, SIZE, err, sizeof(err));
	if (write(out, err, sizeof(err)) != sizeof(err) || read(in, &c, 1) != 1)
		_exit(1);
	nvram_file_close(&file);
	_exit(0);
}

static struct holder start_holder(void)
{
	int to[2], from[2];
	struct holder holder;

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	holder.pid = fork();
	if (!holder.pid) {
		close(to[1]);
		close(from[0]);
		hold(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	holder.to = to[1];
	holder.from = from[0];
	return holder;
}

static void tell(const struct holder *holder)
{
	assert_int_equal(write(holder->to, "o", 1), 1);
}

/* Returns its error, or "" if it has the file. */
static const char *told(const struct holder *holder)
{
	static char err[256];
	size_t len = 0;

	while (len < sizeof(err)) {
		ssize_t n = read(holder->from, err + len, sizeof(err) - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	return err;
}

static void end_holder(const struct holder *holder)
{
	int status;

	tell(holder);
	close(holder->to);
	assert_int_equal(waitpid(holder->pid, &status, 0), holder->pid);
	close(holder->from);
	assert_int_equal(status, 0);
}

static void a_nvram_file_in_use_is_refused_and_its_owner_named(void **state)
{
	struct nvram_file file;
	struct holder holder;
	char err[256], expected[256];

	for (unsigned made = 0; made < 2; made++) {
		holder = start_holder();
		tell(&holder);
		assert_string_equal(told(&holder), "");
		snprintf(expected, sizeof(expected), "cannot use NVRAM file %s: process %d has it",
			 path, holder.pid);
		assert_int_equal(nvram_file_open(&file, path, contents, SIZE, err, sizeof(err)),
				 -1);
		assert_string_equal(err, expected);
		end_holder(&holder);
		assert_int_equal(nvram_file_open(&file, path, contents, SIZE, err, sizeof(err)), 0);
		nvram_file_close(&file);
	}
}

/* Two users in one process exclude each other like any two. */
static void one_process_does_not_share_a_nvram_file_with_itself(void **state)
{
	struct nvram_file one, two;
	char err[256];
	int other;

	assert_int_equal(nvram_file_open(&one, path, contents, SIZE, err, sizeof(err)), 0);
	other = open(path, O_RDONLY);
	close(other);
	assert_int_equal(nvram_file_open(&two, path, contents, SIZE, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "another process has it"));
	nvram_file_close(&one);
}

static void of_two_that_make_the_nvram_file_one_has_it(void **state)
{
	for (unsigned i = 0; i < 200; i++) {
		struct holder holders[2] = { start_holder(), start_holder() };
		unsigned owners = 0;

		tell(&holders[0]);
		tell(&holders[1]);
		for (unsigned h = 0; h < 2; h++)
			owners += !*told(&holders[h]);
		assert_int_equal(owners, 1);
		end_holder(&holders[0]);
		end_holder(&holders[1]);
		unlink(path);
	}
}

static void assert_has_what_the_name_names(const struct nvram_file *file)
{
	struct stat opened, named;

	assert_int_equal(fstat(file->fd, &opened), 0);
	assert_int_equal(stat(path, &named), 0);
	assert_int_equal(opened.st_ino, named.st_ino);
}

static void a_nvram_file_that_is_replaced_before_it_is_locked_is_not_taken(void **state)
{
	struct nvram_file file;
	char err[256];

	assert_int_equal(nvram_file_open(&file, path, contents, SIZE, err, sizeof(err)), 0);
	nvram_file_close(&file);
	replace_before_lock = true;
	assert_int_equal(nvram_file_open(&file, path, contents, SIZE, err, sizeof(err)), 0);
	assert_false(replace_before_lock);
	assert_has_what_the_name_names(&file);
	nvram_file_close(&file);
	/* The same for a new file. */
	unlink(path);
	replace_before_lock = true;
	assert_int_equal(nvram_file_open(&file, path, contents, SIZE, err, sizeof(err)), 0);
	assert_has_what_the_name_names(&file);
	nvram_file_close(&file);
}

static void what_is_no_nvram_file_is_refused_and_left_alone(void **state)
{
	struct nvram_file file;
	struct stat st;
	char err[256];
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	assert_int_equal(nvram_file_open(&file, path, contents, SIZE, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "not a file of 65536 bytes"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 8);
	assert_int_equal(nvram_file_open(&file, directory, contents, SIZE, err, sizeof(err)), -1);
	assert_non_null(strstr(err, directory));
	assert_int_equal(
		nvram_file_open(&file, "/nonexistent/nvram", contents, SIZE, err, sizeof(err)), -1);
	assert_string_equal(err,
			    "cannot use NVRAM file /nonexistent/nvram: No such file or directory");
}

static void what_is_written_is_there_when_the_file_is_opened_again(void **state)
{
	static uint8_t again[SIZE];
	struct nvram_file file;
	char err[256];

	memset(contents, 0x5a, SIZE);
	assert_int_equal(nvram_file_open(&file, path, contents, SIZE, err, sizeof(err)), 0);
	assert_true(nvram_file_write(&file, SIZE - 4, "kept", 4));
	nvram_file_close(&file);
	assert_int_equal(nvram_file_open(&file, path, again, SIZE, err, sizeof(err)), 0);
	nvram_file_close(&file);
	assert_memory_equal(again + SIZE - 4, "kept", 4);
	assert_memory_equal(again, contents, SIZE - 4);
}

static void a_write_that_fails_is_told(void **state)
{
	struct nvram_file file = { .fd = open("/dev/full", O_RDWR) };

	assert_false(nvram_file_write(&file, 0, "lost", 4));
	nvram_file_close(&file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_nvram_file_in_use_is_refused_and_its_owner_named),
		TEST(one_process_does_not_share_a_nvram_file_with_itself),
		TEST(of_two_that_make_the_nvram_file_one_has_it),
		TEST(a_nvram_file_that_is_replaced_before_it_is_locked_is_not_taken),
		TEST(what_is_written_is_there_when_the_file_is_opened_again),
		cmocka_unit_test(a_write_that_fails_is_told),
		TEST(what_is_no_nvram_file_is_refused_and_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
