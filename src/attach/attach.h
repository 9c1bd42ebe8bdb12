/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfwnmi's second host: a guest of a QEMU that knows nothing of us, over its gdb stub. What
 * `fwnmi inject --gdb` and `fwnmi attach` do; options and printing are src/cmd's.
 *
 * However it ends, the guest is left running and nobody attached.
 */
#ifndef FWNMI_ATTACH_ATTACH_H
#define FWNMI_ATTACH_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "inject/request.h"
#include "attach/guest.h"

struct remote_options {
	const char *gdb; /* address of the stub, as for gdb_open() */
	struct guest_options guest;
	const char *state; /* path of the state's file, or NULL for one that the address names */
	bool forget; /* start without that state */
	const char *at; /* place of guest_place(), or NULL */
	const char *process; /* pid or name, or NULL */
	bool nested; /* also while a vCPU holds the machine check buffer */
	enum {
		REMOTE_CONFINED,
		REMOTE_UNCONFINED
	} sandbox; /* --sandbox */
	/*
	 * Called in the process that deals with guest and stub, before either has been listened to;
	 * NULL: it is not confined. False with a line in @err: it cannot be.
	 */
	bool (*confine)(char *err, size_t err_size);
};

/* As the monitor of `fwnmi run` reports it. */
struct remote_outcome {
	json_t *report; /* the caller's; NULL if nothing was delivered */
	struct injection_log log; /* that the guest was given */
	bool delivered, interlocked;
	bool not_started; /* nothing was delivered because the guest does not use this vCPU */
	unsigned nr_cpus; /* of the guest, once it is known */
	char problem[256]; /* one line if something is not as it should be, else "" */
};

/**
 * remote_inject() - one event for one vCPU
 * @injection: as inject_args_parse() gives it
 * @no_wait: leave once it is delivered
 * @several: one of several, if the guest has so many vCPUs: after a system reset it is left at once
 */
void remote_inject(const struct remote_options *options, const struct machine_injection *injection,
		   bool no_wait, bool several, struct remote_outcome *outcome);

struct remote_registration {
	uint64_t system_reset, machine_check;
	uint64_t rtas_base;
	uint32_t rtas_size;
	bool page_7; /* by ibm,nmi-register-2 */
	bool seen; /* the call was seen; else the kernel's symbols told */
	double waited_ms;
	char state[512]; /* path of the file */
	char problem[256];
};

/**
 * remote_attach() - watch the guest until it calls ibm,nmi-register, and keep what it says
 * @timeout_ms: until then
 *
 * Returns false with the reason in problem.
 */
bool remote_attach(const struct remote_options *options, unsigned timeout_ms,
		   struct remote_registration *registration);

#endif
