/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by machine.c (run loop) and injection.c (machine checks and system resets on request).
 */
#ifndef FWNMI_MACHINE_PRIVATE_H
#define FWNMI_MACHINE_PRIVATE_H

#include <signal.h>

#include "base/host_time.h"
#include "base/limit.h"
#include "machine/loader.h"
#include "machine/machine.h"

struct injection {
	struct machine_injection request;
	struct injection_report report; /* report.stage is the state */
	uint64_t deadline_ns; /* host time of the withdrawal if still PENDING or WAITING */
	uint64_t delivered_ns; /* host time of the delivery */
	uint64_t watch_end; /* vCPU instruction count that ends the watch; 0: not watched */
	uint64_t gpr[32]; /* when interrupted */
	bool step; /* watched address hit by other code: step over it, watch again */
};

struct vcpu {
	enum machine_vcpu_state state;
	bool woken; /* papr_resume() is due before it runs */
	struct injection injection;
};

struct machine {
	struct machine_config config;
	const struct engine_ops *ops;
	struct engine *engine;
	struct papr *papr;
	struct guest_memory memory;
	struct guest_clock clock;
	struct loader loader;
	struct vcpu vcpus[ENGINE_MAX_VCPUS];
	unsigned running; /* vCPU that has its turn */
	bool switch_now; /* another vCPU was woken: end the slice */

	struct machine_client clients[MACHINE_MAX_CLIENTS];
	unsigned nr_clients;
	void (*console_write)(void *opaque, const void *buf, unsigned len);
	unsigned (*console_read)(void *opaque, void *buf, unsigned len);
	void *console_opaque;
	bool console_full;

	uint64_t next_poll_ns;
	int wake_fd; /* eventfd that ends a wait; written by machine_quit() */
	volatile sig_atomic_t quit;
	bool paused, reset_requested;
	bool reboot_due; /* the guest caused it: no vCPU runs before it */
	struct limit reboots; /* limits reboots that guests cause */
	bool partition_ended; /* by FWNMI: no vCPU runs before a reset */
	uint64_t paused_at; /* host ticks; CLOCK_HOST stops during a pause */

	enum machine_end end;
	char why[256];
};

void machine_emit(struct machine *machine, struct machine_event *event);
void machine_end_with(struct machine *machine, enum machine_end end, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** machine_outcome() - set the vCPU's state from libfwnmi's result; false if it may not run. */
bool machine_outcome(struct machine *machine, unsigned vcpu, int outcome);

/* injection.c */

/** injection_single_step() - must this vCPU be checked after every block? */
static inline bool injection_single_step(const struct vcpu *vcpu)
{
	return vcpu->injection.report.stage == INJECTION_PENDING || vcpu->injection.step;
}

/** injection_wants_ceded() - can the pending injection be delivered to a vCPU in H_CEDE? */
bool injection_wants_ceded(const struct vcpu *vcpu);
/**
 * injection_check() - the vCPU is between two blocks: deliver the pending injection if it fits.
 * Returns false if the vCPU may not run now.
 */
bool injection_check(struct machine *machine, unsigned vcpu, bool ceded);
/** injection_ran() - the vCPU has run: end the watch for its return if it is over. */
void injection_ran(struct machine *machine, unsigned vcpu);
/**
 * injection_returned() - the engine reports that the interrupted instruction's address was reached.
 */
void injection_returned(struct machine *machine, unsigned vcpu);
/**
 * injection_papr_event() - follow delivery and interlock; returns the report that the event belongs
 * to, or NULL.
 */
const struct injection_report *injection_papr_event(struct machine *machine,
						    const struct papr_event *event);
/** injection_idle() - the vCPU ceded or stopped, so it did not return to the interrupted code. */
void injection_idle(struct machine *machine, unsigned vcpu);
/** injection_poll() - withdraw injections that have timed out. */
void injection_poll(struct machine *machine, uint64_t now_ns);
/** injection_cancel_all() - the machine is being reset or ends. */
void injection_cancel_all(struct machine *machine, const char *reason);

#endif
