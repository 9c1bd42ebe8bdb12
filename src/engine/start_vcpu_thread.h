/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting the thread of a vCPU, whatever the engine. */
#ifndef FWNMI_ENGINE_START_VCPU_THREAD_H
#define FWNMI_ENGINE_START_VCPU_THREAD_H

#include <pthread.h>
#include <signal.h>

/**
 * start_vcpu_thread() - pthread_create() of a thread that takes no signal but @taken; 0: none
 *
 * The machine's own thread takes all others. SIGSYS stays unblocked so that a forbidden system call
 * is reported by name.
 */
static inline int start_vcpu_thread(pthread_t *thread, void *(*body)(void *), void *arg, int taken)
{
	sigset_t mask, old;
	int rc;

	sigfillset(&mask);
	sigdelset(&mask, SIGSYS);
	if (taken)
		sigdelset(&mask, taken);
	pthread_sigmask(SIG_SETMASK, &mask, &old);
	rc = pthread_create(thread, NULL, body, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

#endif
