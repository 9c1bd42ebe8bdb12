/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting the thread of a vCPU, whatever the engine. */
#ifndef FWNMI_ENGINE_START_VCPU_THREAD_H
#define FWNMI_ENGINE_START_VCPU_THREAD_H

#include <pthread.h>

/**
 * start_vcpu_thread() - start a thread that takes no signal but @taken; 0: none
 * @begins: what it calls before @body; may be NULL
 *
 * Returns when @begins has, so a sandbox that is entered afterwards finds no thread still at it.
 * The machine's own thread takes all other signals; SIGSYS stays unblocked so that a forbidden
 * system call is reported by name. Returns 0, or an error number of pthread_create().
 */
int start_vcpu_thread(pthread_t *thread, void *(*body)(void *), void *arg, int taken,
		      void (*begins)(void));

#endif
