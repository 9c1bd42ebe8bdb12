/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The outcome of an event: does the guest execute its routine, call ibm,nmi-interlock, and return
 * to what was interrupted? Times count only while guest code runs, by the host's clock.
 */
#ifndef FWNMI_ATTACH_WATCH_H
#define FWNMI_ATTACH_WATCH_H

#include "attach/host.h"

/* A vCPU before its event. */
struct watch_before {
	uint64_t nip, msr, gpr[32];
};

/* A vCPU at its routine's first instruction. */
struct watch_entry {
	uint64_t nip, r3;
};

struct watch_outcome {
	bool entered; /* the routine's first instruction was executed */
	bool interlocked, returned;
	bool exited; /* the process exits */
	bool terminated; /* the guest called ibm,os-term to end itself */
	bool ended; /* the machine has ended */
	uint64_t interlock_ns, return_ns; /* since delivery */
	int second; /* vCPU whose queued machine check was then delivered, or -1 */
	struct watch_entry second_entry;
};

bool watch_remember(struct gdb *gdb, unsigned cpu, struct watch_before *before);

/**
 * watch_event() - watch a vCPU after delivery
 * @wait_interlock: the event is a machine check
 * @waiting: vCPU whose machine check waits for the buffer, or -1. It stays stopped until it gets
 * the buffer. Then its interlock is watched for instead of @cpu's return.
 * @timeout_ms: limit for the interlock
 * @return_ms: limit for the return, from the interlock on (from delivery if there is none)
 * @process: the interrupted process, or NULL; if Linux ends it, there is no return to wait for
 *
 * Returns false with gdb_error() set if watching failed; @outcome holds what was seen so far.
 */
bool watch_event(struct host *host, unsigned cpu, const struct watch_before *before,
		 bool wait_interlock, int waiting, unsigned timeout_ms, unsigned return_ms,
		 const struct guest_process *process, struct watch_outcome *outcome);

/* An RTAS call; arguments as laid out by PAPR. */
struct watch_rtas_call {
	uint32_t token, nr_args, nr_rets;
	uint32_t args[16]; /* arguments, then return values */
	uint64_t buffer;
};

/**
 * watch_rtas() - read the call that a vCPU makes at the RTAS entry; *@is_call: it is there, in real
 * mode.
 */
bool watch_rtas(struct guest *guest, unsigned cpu, struct watch_rtas_call *call, bool *is_call);

#endif
