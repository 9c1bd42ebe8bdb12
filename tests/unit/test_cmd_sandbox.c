/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The confinement from inside: each test confines a child process, which then does something
 * allowed or forbidden.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "cmd/sandbox.h"
#include "unit.h"

/* The sanitizers' own calls are allowed, too. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define CHECKED 1
#endif
#ifndef CHECKED
#define CHECKED 0
#endif

#define ALL_NEEDS (SANDBOX_CLIENTS | SANDBOX_REMOVE | SANDBOX_STUB | SANDBOX_KVM)

static char said[2000]; /* the child's standard error */
static void (*before)(int) = SIG_DFL; /* handler of SIGSYS */

/* Returns the wait status of a child that is confined and calls @act. */
static int confined(unsigned needs, void (*act)(void))
{
	int fds[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char err[300];

		dup2(fds[1], STDERR_FILENO);
		alarm(60);
		signal(SIGSYS, before); /* not cmocka's */
		if (!sandbox_enter("test", needs, err, sizeof(err))) {
			dprintf(STDERR_FILENO, "%s\n", err);
			_exit(99);
		}
		act();
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_named(unsigned needs, void (*act)(void), const char *call)
{
	char line[200];
	int status = confined(needs, act);

	snprintf(line, sizeof(line), "fwnmi: test: sandbox: the system call %s is not allowed\n",
		 call);
	assert_string_equal(said, line);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void assert_goes(unsigned needs, void (*act)(void))
{
	int status = confined(needs, act);

	assert_string_equal(said, "");
	assert_int_equal(status, 0);
}

/* ---- forbidden ---- */

static void start_a_program(void)
{
	execl("/bin/true", "true", NULL);
}

static void open_a_file(void)
{
	syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
}

static void make_a_socket(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void accept_a_client(void)
{
	accept4(0, NULL, NULL, 0);
}

static void remove_a_file(void)
{
	unlinkat(AT_FDCWD, "/nonexistent", 0);
}

static void rename_a_file(void)
{
	syscall(SYS_renameat2, AT_FDCWD, "/nonexistent", AT_FDCWD, "/nonexistent", 0);
}

static void map_code(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_code(void)
{
	static char page[8192];

	mprotect((void *)(((uintptr_t)page + 4095) & ~4095ul), 4096, PROT_READ | PROT_EXEC);
}

static void kill_another(void)
{
	syscall(SYS_tgkill, 1, 1, 0);
}

static void kill_by_kill(void)
{
	kill(getpid(), 0);
}

static void type_for_the_user(void)
{
	ioctl(STDIN_FILENO, TIOCSTI, "x");
}

static void duplicate_a_descriptor(void)
{
	dup(STDERR_FILENO);
}

static void duplicate_by_fcntl(void)
{
	fcntl(STDERR_FILENO, F_DUPFD, 10);
}

static void start_a_process(void)
{
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void forbidden_calls_end_the_process_with_a_line_that_names_them(void **state)
{
	assert_named(ALL_NEEDS, start_a_program, "execve");
	assert_named(ALL_NEEDS, make_a_socket, "socket");
	assert_named(ALL_NEEDS, map_code, "mmap");
	assert_named(ALL_NEEDS, duplicate_a_descriptor, "dup");
	assert_named(ALL_NEEDS, kill_by_kill, "kill");
	assert_named(ALL_NEEDS, rename_a_file, "renameat2");
	if (CHECKED)
		return;
	assert_named(ALL_NEEDS, open_a_file, "openat");
	assert_named(ALL_NEEDS, make_code, "mprotect");
	assert_named(ALL_NEEDS, kill_another, "tgkill");
	assert_named(ALL_NEEDS, type_for_the_user, "ioctl");
	assert_named(ALL_NEEDS, duplicate_by_fcntl, "fcntl");
	assert_named(ALL_NEEDS, start_a_process, "clone");
}

static void calls_allowed_on_demand_are_otherwise_forbidden(void **state)
{
	assert_named(ALL_NEEDS & ~SANDBOX_CLIENTS, accept_a_client, "accept4");
	assert_goes(SANDBOX_CLIENTS, accept_a_client);
	assert_named(ALL_NEEDS & ~SANDBOX_REMOVE, remove_a_file, "unlinkat");
	assert_goes(SANDBOX_REMOVE, remove_a_file);
}

static void *call_from_a_thread(void *unused)
{
	execl("/bin/true", "true", NULL);
	return unused;
}

static pthread_barrier_t barrier;

static void *wait_and_call(void *unused)
{
	pthread_barrier_wait(&barrier);
	return call_from_a_thread(unused);
}

/* Its thread starts before the process is confined. */
static void threads_that_were_there_before_are_confined_too(void **state)
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		pthread_t thread;
		char err[300];

		dup2(fds[1], STDERR_FILENO);
		alarm(60);
		signal(SIGSYS, before); /* not cmocka's */
		pthread_barrier_init(&barrier, NULL, 2);
		if (pthread_create(&thread, NULL, wait_and_call, NULL) ||
		    !sandbox_enter("test", 0, err, sizeof(err)))
			_exit(99);
		pthread_barrier_wait(&barrier);
		pthread_join(thread, NULL);
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_non_null(strstr(said, "the system call execve is not allowed"));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

/* ---- allowed ---- */

static void *allocate(void *unused)
{
	free(malloc(1000));
	pthread_barrier_wait(&barrier);
	return unused;
}

/* With this many arenas, libc reads the number of processors. */
static void start_threads(void)
{
	pthread_t thread[16];

	pthread_barrier_init(&barrier, NULL, 16);
	for (unsigned i = 0; i < 16; i++) {
		if (pthread_create(&thread[i], NULL, allocate, NULL))
			_exit(1);
	}
	for (unsigned i = 0; i < 16; i++)
		pthread_join(thread[i], NULL);
}

static void memory_and_threads_and_json(void)
{
	json_t *object = json_object();
	char *p = malloc(100 << 20);

	if (!p || !object)
		_exit(1);
	memset(p, 1, 100 << 20);
	p = realloc(p, 200 << 20);
	free(p);
	json_object_set_new(object, "key", json_integer(1));
	free(json_dumps(object, 0));
	json_decref(object);
	if (!gmtime_r(&(time_t){ 0 }, &(struct tm){ 0 }))
		_exit(1);
	start_threads();
}

static void a_handler(int number)
{
}

static void signals_and_the_terminal(void)
{
	struct termios mode;

	signal(SIGUSR1, a_handler);
	raise(SIGUSR1);
	if (tcgetattr(STDIN_FILENO, &mode) == 0)
		tcsetattr(STDIN_FILENO, TCSANOW, &mode);
	isatty(STDOUT_FILENO);
}

static void what_a_machine_does_is_allowed(void **state)
{
	assert_goes(SANDBOX_KVM, memory_and_threads_and_json);
	assert_goes(0, signals_and_the_terminal);
}

/* libc blocks all signals meanwhile, so that nothing can be printed. */
static void threads_are_for_kvm_only(void **state)
{
	int status = confined(ALL_NEEDS & ~SANDBOX_KVM, start_threads);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void restore(int number)
{
	static const char text[] = "restored\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	signal(number, SIG_DFL);
	raise(number);
}

static void a_former_handler_comes_last(void **state)
{
	int status;

	before = restore;
	status = confined(0, start_a_program);
	before = SIG_DFL;
	assert_string_equal(said, "fwnmi: test: sandbox: the system call execve is not allowed\n"
				  "restored\n");
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden_calls_end_the_process_with_a_line_that_names_them),
		cmocka_unit_test(calls_allowed_on_demand_are_otherwise_forbidden),
		cmocka_unit_test(threads_that_were_there_before_are_confined_too),
		cmocka_unit_test(what_a_machine_does_is_allowed),
		cmocka_unit_test(threads_are_for_kvm_only),
		cmocka_unit_test(a_former_handler_comes_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
