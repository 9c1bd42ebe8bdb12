/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may be done to a guest, and what came of it: a request for a machine check or a system
 * reset, and its report. It needs no machine, so a client of the monitor and attach/ use it as
 * well.
 */
#ifndef FWNMI_INJECT_REQUEST_H
#define FWNMI_INJECT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fwnmi/fwnmi.h"

enum inject_context {
	INJECT_ANY,
	INJECT_KERNEL,
	INJECT_USER
};

/* A request from the monitor: delivered when the vCPU reaches an instruction that fits. */
struct machine_injection {
	uint64_t id; /* the caller's, given back in every report */
	unsigned vcpu;
	bool system_reset; /* else a machine check */
	struct fwnmi_machine_check mc; /* srr1 is set by the machine */
	bool effective_address_is_nip; /* mc's is that of the instruction it will interrupt */
	enum inject_context context; /* a ceded vCPU counts as kernel */
	bool now; /* anywhere, MSR[RI]=0 included; @context is not looked at */
	unsigned timeout_ms; /* of host time until it is withdrawn; 0: 10 s */
};

/* How far an injection has come; it never goes back. */
enum injection_stage {
	INJECTION_NONE,
	INJECTION_PENDING, /* the vCPU has not yet reached an instruction that fits */
	INJECTION_RAISED, /* it has, and takes the architected interrupt, to the trampoline there */
	INJECTION_WAITING, /* it has, but another vCPU holds the machine check buffer */
	INJECTION_DELIVERED, /* the vCPU stands at the handler */
	INJECTION_INTERLOCKED, /* machine check: the guest has called ibm,nmi-interlock */
	INJECTION_FINISHED, /* ... and was watched until it returned to what was interrupted, or did
			       not */
	INJECTION_FAILED, /* withdrawn or refused: see reason */
};

/* What a guest was given, as the error log in its hands says. */
struct injection_log {
	bool valid; /* there is one: a registered routine was entered for a machine check */
	uint8_t severity, disposition, initiator;
	bool has_mc; /* not if a fatal error was reported before: then there is only a fixed part */
	struct fwnmi_mc_section mc;
};

/* Why whatever stands at an architected vector cannot be the guest's handler. */
enum injection_no_handler {
	INJECTION_HANDLER, /* it may be one */
	INJECTION_VECTOR_EMPTY, /* no instruction stands there */
	INJECTION_BYTE_ORDER, /* interrupts still come in another byte order than the guest runs in
			       */
};

/* What became of an injection. Instructions are those of its vCPU; times are since the delivery. */
struct injection_report {
	uint64_t id;
	unsigned vcpu;
	enum injection_stage stage;
	bool system_reset;
	bool ceded; /* the vCPU was idle in H_CEDE */
	bool registered; /* false: the guest had no routine, so the architected vector was entered
			  */
	bool interlocked; /* FINISHED only: it came this way */
	bool watched; /* the engine can say whether ... */
	bool returned; /* FINISHED only: came back to the interrupted instruction */
	bool stopped; /* FINISHED only: the CPU was stopped as unsafe instead of being interrupted
		       */
	bool stale; /* not registered any more: the registered routine has gone */
	uint64_t nip, msr; /* interrupted */
	uint64_t handler, r3; /* registers after delivery: NIP and R3 */
	struct injection_log log;
	enum injection_no_handler no_handler; /* not registered only */
	uint64_t srr1, dar; /* not registered only: what a machine check set ... */
	uint32_t dsisr;
	uint8_t error_type, error_subtype; /* ... and what it says by its cause bits */
	uint64_t delivered_insns,
		delivered_timebase; /* of the vCPU, of the partition, at delivery */
	uint64_t interlock_insns, interlock_ticks, interlock_host_ns;
	uint64_t return_insns, return_ticks;
	char reason[160]; /* FAILED only */
};

/** injection_log_decode() - what the log says; false if it is none. */
bool injection_log_decode(struct injection_log *log, const void *bytes, size_t length);

#endif
