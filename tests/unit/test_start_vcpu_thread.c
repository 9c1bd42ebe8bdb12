/* SPDX-License-Identifier: BSD-2-Clause */
/* src/engine/start_vcpu_thread.c */
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "engine/start_vcpu_thread.h"
#include "unit.h"

static volatile bool has_begun;
static sigset_t blocked;

/* Long enough that whoever does not wait for it is seen not to. */
static void takes_long(void)
{
	usleep(50000);
	has_begun = true;
}

static void *note(void *arg)
{
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	*(bool *)arg = has_begun;
	return arg;
}

/* A sandbox forbids what a thread does first: one that was still at it would be ended. */
static void a_thread_has_begun_when_its_start_returns(void **state)
{
	bool first = false;
	pthread_t thread;
	void *result;

	has_begun = false;
	assert_int_equal(start_vcpu_thread(&thread, note, &first, 0, takes_long), 0);
	assert_true(has_begun);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &first);
	assert_true(first);
}

static void a_thread_takes_its_own_signal_and_sigsys_alone(void **state)
{
	bool begun;
	pthread_t thread;

	assert_int_equal(start_vcpu_thread(&thread, note, &begun, SIGUSR1, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_false(sigismember(&blocked, SIGUSR1));
	assert_false(sigismember(&blocked, SIGSYS));
	assert_true(sigismember(&blocked, SIGUSR2));
	assert_true(sigismember(&blocked, SIGTERM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_has_begun_when_its_start_returns),
		cmocka_unit_test(a_thread_takes_its_own_signal_and_sigsys_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
