/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The outcome of an event: does the guest execute its routine, call ibm,nmi-interlock, and come
 * back to what was interrupted. Times are of guest code running, by the host's clock.
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
	bool entered; /* it has executed the routine's first instruction */
	bool interlocked, returned;
	bool exited; /* the process ends */
	bool terminated; /* the guest calls ibm,os-term: it ends itself */
	bool ended; /* the machine has */
	uint64_t interlock_ns, return_ns; /* since delivery */
	int second; /* vCPU whose machine check waited and then came, or -1 */
	struct watch_entry second_entry;
};

bool watch_remember(struct gdb *gdb, unsigned cpu, struct watch_before *before);
bool watch_entry(struct gdb *gdb, unsigned cpu, struct watch_entry *entry);

/**
 * watch_event() - after delivery
 * @wait_interlock: it is a machine check
 * @waiting: vCPU whose machine check waits for the buffer, or -1; it is left standing until it gets
 * it, and then it is
 *	watched until its interlock instead of @cpu's return
 * @timeout_ms: for the interlock
 * @return_ms: for the return, from then on (or from the delivery, if there is no interlock)
 * @process: which one was interrupted, or NULL: if Linux ends it, there is no return to wait for
 *
 * Returns false with gdb_error() set if it could not be watched; what was seen until then is in
 * @outcome.
 */
bool watch_event(struct host *host, unsigned cpu, const struct watch_before *before,
		 bool wait_interlock, int waiting, unsigned timeout_ms, unsigned return_ms,
		 const struct guest_process *process, struct watch_outcome *outcome);

/* A call of RTAS: arguments as PAPR lays them out. */
struct watch_rtas_call {
	uint32_t token, nr_args, nr_rets;
	uint32_t args[16]; /* and what is returned */
	uint64_t buffer;
};

/**
 * watch_rtas() - the call that a vCPU at the RTAS entry makes; *@is_call: it is there, in real
 * mode.
 */
bool watch_rtas(struct guest *guest, unsigned cpu, struct watch_rtas_call *call, bool *is_call);

#endif
