/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting the thread of a vCPU; see start_vcpu_thread.h. */
#include <signal.h>
#include <stdbool.h>

#include "engine/start_vcpu_thread.h"

/* Of one thread, on the stack of the one that starts it. */
struct start {
	void *(*body)(void *arg);
	void *arg;
	void (*begins)(void);
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool begun;
};

static void *begin(void *opaque)
{
	struct start *start = opaque;
	void *(*const body)(void *) = start->body;
	void *const arg = start->arg;

	if (start->begins)
		start->begins();
	pthread_mutex_lock(&start->lock);
	start->begun = true;
	pthread_cond_signal(&start->changed);
	pthread_mutex_unlock(&start->lock);
	/* From here on it may be gone. */
	return body(arg);
}

static void await_beginning(struct start *start)
{
	pthread_mutex_lock(&start->lock);
	while (!start->begun)
		pthread_cond_wait(&start->changed, &start->lock);
	pthread_mutex_unlock(&start->lock);
}

int start_vcpu_thread(pthread_t *thread, void *(*body)(void *), void *arg, int taken,
		      void (*begins)(void))
{
	struct start start = {
		.body = body,
		.arg = arg,
		.begins = begins,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	sigset_t mask, old;
	int rc;

	sigfillset(&mask);
	sigdelset(&mask, SIGSYS);
	if (taken)
		sigdelset(&mask, taken);
	pthread_sigmask(SIG_SETMASK, &mask, &old);
	rc = pthread_create(thread, NULL, begin, &start);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!rc)
		await_beginning(&start);
	return rc;
}
