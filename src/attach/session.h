/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfwnmi's second host: the guest of an unmodified QEMU, reached over its gdb stub. This is what
 * `fwnmi inject --gdb` and `fwnmi attach` do; src/cmd does the options and the printing.
 *
 * However it ends, the guest is left running with nobody attached.
 */
#ifndef FWNMI_ATTACH_SESSION_H
#define FWNMI_ATTACH_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "inject/request.h"
#include "attach/guest.h"

/* More are refused. */
#define REMOTE_MAX_CPUS GDB_MAX_CPUS

struct remote_options {
	const char *gdb; /* address of the stub, as for gdb_open() */
	struct guest_options guest;
	const char *state; /* path of the state file; NULL: chosen from the stub's address */
	bool forget; /* start without the saved state */
	const char *at; /* place of guest_place(), or NULL */
	const char *process; /* pid or name, or NULL */
	bool nested; /* inject even while a vCPU holds the machine check buffer */
	enum {
		REMOTE_CONFINED,
		REMOTE_UNCONFINED
	} sandbox; /* --sandbox */
	/*
	 * Called in the process that talks to the guest and the stub, before it reads anything from
	 * them. NULL: the process is not confined. Returns false with one line in @err if it cannot
	 * be confined.
	 */
	bool (*confine)(char *err, size_t err_size);
};

/* Same form as the report of the `fwnmi run` monitor. */
struct remote_outcome {
	json_t *report; /* owned by the caller; NULL if nothing was delivered */
	struct injection_log log; /* the log given to the guest */
	bool delivered, interlocked;
	bool not_started; /* nothing was delivered: the guest does not use this vCPU */
	unsigned nr_cpus; /* the guest's, once known */
	char problem[256]; /* one line if something is wrong, else "" */
};

/**
 * remote_inject() - inject one event into one vCPU
 * @injection: as returned by inject_args_parse()
 * @no_wait: leave as soon as it is delivered
 * @several: one of several events, if the guest has more than one vCPU: after a system reset, leave
 * at once
 */
void remote_inject(const struct remote_options *options, const struct injection_request *injection,
		   bool no_wait, bool several, struct remote_outcome *outcome);

struct remote_registration {
	uint64_t system_reset, machine_check;
	uint64_t rtas_base;
	uint32_t rtas_size;
	bool page_7; /* registered by ibm,nmi-register-2 */
	bool seen; /* the call was seen; else taken from the kernel's symbols */
	double waited_ms;
	char state[512]; /* path of the file */
	char problem[256];
};

/**
 * remote_attach() - watch the guest until it calls ibm,nmi-register, and save what it registers
 * @timeout_ms: how long to wait for that
 *
 * Returns false with the reason in problem.
 */
bool remote_attach(const struct remote_options *options, unsigned timeout_ms,
		   struct remote_registration *registration);

#endif
