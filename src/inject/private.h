/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by injector.c (what becomes of injections) and injector_state.c (how they are saved). */
#ifndef FWNMI_INJECT_PRIVATE_H
#define FWNMI_INJECT_PRIVATE_H

#include "inject/armed_trigger.h"
#include "inject/injector.h"

/* An injection into a vCPU. */
struct injection {
	struct injection_request request;
	struct injection_report report; /* report.stage is the state */
	struct armed_trigger armed;
	uint64_t deadline_ns; /* host time of the withdrawal if it is still open */
	uint64_t delivered_ns; /* host time of the delivery */
	uint64_t watch_end; /* vCPU instruction count that ends the watch; 0: not watched */
	uint64_t gpr[32]; /* when interrupted */
	bool step; /* watched address hit by other code: step over it, watch again */
	bool delivering; /* what the vCPU takes now comes from this request */
};

struct vcpu_injections {
	struct injection last;
	/* The one before, if it was delivered and is still followed: it is in its handler. */
	struct injection outer;
};

struct injector {
	struct machine *machine;
	struct symbols *symbols; /* NULL: none, because of no_symbols */
	const char *no_symbols;
	unsigned nr_vcpus;
	struct injector_listener listener;
	void (*tell_process)(void *opaque, const struct engine_regs *regs,
			     struct trigger_process *process); /* NULL: nobody knows */
	void *tell_opaque;
	/* The event that the machine is telling, and the injection that it belongs to. */
	const struct machine_event *event;
	const struct injection_report *explanation;
	struct vcpu_injections vcpus[ENGINE_MAX_VCPUS];
};

/*
 * The injections of an injector, text and host's times apart: they follow from the rest, or begin
 * again.
 */
extern const struct record_type injector_record;

#endif
