/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine checks and system resets on request: find the instruction, deliver, and follow the guest
 * to its interlock and back to the interrupted code. The machine does the delivery. "Recoverable"
 * means the Power ISA's MSR[RI].
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_time.h"
#include "fwnmi/mce.h"
#include "inject/injector.h"

#define DEFAULT_TIMEOUT_MS 10000
/*
 * How long to watch for the vCPU's return. It is long because the guest first prints its report on
 * a slow console.
 */
#define WATCH_INSNS	   50000000
/* A handler may disable facilities for a lazy reload; that still counts as a return. */
#define RETURN_MSR_IGNORED (MSR_FP | MSR_VEC | MSR_VSX | MSR_FE0 | MSR_FE1)

/* The last injection into a vCPU. */
struct injection {
	struct injection_request request;
	struct injection_report report; /* report.stage is the state */
	uint64_t deadline_ns; /* host time of the withdrawal if it is still open */
	uint64_t delivered_ns; /* host time of the delivery */
	uint64_t watch_end; /* vCPU instruction count that ends the watch; 0: not watched */
	uint64_t gpr[32]; /* when interrupted */
	bool step; /* watched address hit by other code: step over it, watch again */
	bool delivering; /* what the vCPU takes now comes from this request */
};

struct injector {
	struct machine *machine;
	unsigned nr_vcpus;
	struct injector_listener listener;
	/* The event that the machine is telling, and the injection that it belongs to. */
	const struct machine_event *event;
	const struct injection_report *explanation;
	struct injection injections[]; /* one for each vCPU */
};

static void tell(const struct injector *injector, const struct injection *in)
{
	if (injector->listener.ended)
		injector->listener.ended(injector->listener.opaque, &in->report);
}

static void watch(struct injector *injector, struct injection *in)
{
	in->report.watched =
		machine_watch_return(injector->machine, in->report.vcpu, in->report.nip);
	in->watch_end = machine_vcpu_insns(injector->machine, in->report.vcpu) + WATCH_INSNS;
}

static void unwatch(struct injector *injector, struct injection *in)
{
	in->watch_end = 0;
	in->step = false;
	machine_watch_return(injector->machine, in->report.vcpu, ENGINE_NO_WATCH);
}

static void fail(struct injector *injector, struct injection *in, const char *reason)
{
	in->report.stage = INJECTION_FAILED;
	unwatch(injector, in);
	snprintf(in->report.reason, sizeof(in->report.reason), "%s", reason);
	tell(injector, in);
}

static void finish(struct injector *injector, struct injection *in, bool returned)
{
	in->report.stage = INJECTION_FINISHED;
	in->report.returned = returned;
	unwatch(injector, in);
	if (returned) {
		in->report.return_insns = machine_vcpu_insns(injector->machine, in->report.vcpu) -
					  in->report.delivered_insns;
		in->report.return_ticks =
			machine_timebase(injector->machine) - in->report.delivered_timebase;
	}
	tell(injector, in);
}

static bool is_open(const struct injection *in)
{
	return in->report.stage >= INJECTION_PENDING && in->report.stage <= INJECTION_WAITING;
}

/* ---- requests ---- */

static bool refuse(const struct injector *injector, const struct injection_request *request,
		   char *err, size_t err_size)
{
	if (request->vcpu >= injector->nr_vcpus)
		snprintf(err, err_size, "no CPU %u: the machine has %u", request->vcpu,
			 injector->nr_vcpus);
	else if (machine_vcpu_state(injector->machine, request->vcpu) == VCPU_STOPPED)
		snprintf(err, err_size, "CPU %u is stopped: the guest has not started it",
			 request->vcpu);
	else if (machine_vcpu_state(injector->machine, request->vcpu) == VCPU_UNSAFE)
		snprintf(err, err_size, "CPU %u is stopped: it is unsafe", request->vcpu);
	else if (is_open(&injector->injections[request->vcpu]))
		snprintf(err, err_size, "CPU %u already has an injection pending", request->vcpu);
	else if (!request->system_reset && fwnmi_machine_check_validate(&request->mc) < 0)
		snprintf(err, err_size,
			 "the options contradict each other: no such machine check exists");
	else
		return false;
	return true;
}

bool injector_add(struct injector *injector, const struct injection_request *request, char *err,
		  size_t err_size)
{
	const unsigned timeout_ms = request->timeout_ms ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
	struct injection *in;

	if (refuse(injector, request, err, err_size))
		return false;
	in = &injector->injections[request->vcpu];
	if (in->report.stage == INJECTION_DELIVERED || in->watch_end)
		finish(injector, in, false);
	*in = (struct injection){ .request = *request,
				  .report = { .id = request->id,
					      .vcpu = request->vcpu,
					      .system_reset = request->system_reset,
					      .stage = INJECTION_PENDING },
				  .deadline_ns = host_ns() + 1000000ull * timeout_ms };
	return true;
}

const struct injection_report *injector_explains(const struct injector *injector,
						 const struct machine_event *event)
{
	return injector && event == injector->event ? injector->explanation : NULL;
}

/* ---- delivery ---- */

static bool fits(const struct injection_request *request, const struct engine_regs *regs,
		 bool ceded)
{
	if (request->now)
		return true;
	if (ceded)
		return request->context != INJECT_USER;
	if (!(regs->msr & MSR_RI))
		return false;
	switch (request->context) {
	case INJECT_KERNEL:
		return !(regs->msr & MSR_PR);
	case INJECT_USER:
		return regs->msr & MSR_PR;
	case INJECT_ANY:
		break;
	}
	return true;
}

/* R3 points to the saved R3; the log follows it. */
static void note_log(const struct guest_memory *memory, struct injection_report *report)
{
	const uint64_t at = report->r3 + 8;
	uint8_t bytes[FWNMI_ERRLOG_MAX];
	uint64_t length = sizeof(bytes);

	while (length > FWNMI_ERRLOG_FIXED_SIZE && !memory_contains(memory, at, length))
		length /= 2;
	if (memory_peek(memory, at, bytes, length))
		injection_log_decode(&report->log, bytes, length);
}

/*
 * For an architected interrupt: record its registers, and whether a handler can be there to read
 * them.
 */
static void note_vector(const struct machine *machine, struct injection_report *report,
			const struct engine_regs *regs)
{
	struct fwnmi_machine_check mc;
	uint8_t first[4] = { 0 };

	memory_peek(machine_memory(machine), regs->nip, first, sizeof(first));
	if (!first[0] && !first[1] && !first[2] && !first[3])
		report->no_handler = INJECTION_VECTOR_EMPTY;
	else if ((regs->msr ^ report->msr) & MSR_LE)
		report->no_handler = INJECTION_BYTE_ORDER;
	if (report->system_reset)
		return;
	report->srr1 = regs->srr1;
	report->dsisr = regs->dsisr;
	report->dar = regs->dar;
	fwnmi_mce_analyse(machine_pvr(machine), FWNMI_DISPOSITION_NOT_RECOVERED, regs->srr0,
			  regs->srr1, regs->dsisr, regs->dar, &mc);
	report->error_type = mc.error_type;
	report->error_subtype = mc.error_subtype;
}

/* The vCPU has entered the handler: record where, and start the counts. */
static void note_delivery(struct injector *injector, struct injection *in,
			  const struct papr_outcome *outcome)
{
	const struct machine *machine = injector->machine;
	const struct engine_regs *regs = &outcome->regs;

	in->report.stage = INJECTION_DELIVERED;
	in->report.registered = outcome->result == PAPR_ROUTINE;
	in->report.stale = outcome->stale;
	in->report.handler = regs->nip;
	in->report.r3 = regs->gpr[3];
	if (!in->report.registered)
		note_vector(machine, &in->report, regs);
	else if (!in->report.system_reset)
		note_log(machine_memory(machine), &in->report);
	in->report.delivered_insns = machine_vcpu_insns(machine, in->report.vcpu);
	in->report.delivered_timebase = machine_timebase(machine);
	in->delivered_ns = host_ns();
	/*
	 * The way back from a registered machine check starts at its interlock. Nothing else has
	 * one.
	 */
	if (in->report.system_reset || !in->report.registered)
		watch(injector, in);
}

/*
 * Fill in what is known only now: the interrupted instruction, and the bits the processor would
 * have set.
 */
static void complete_machine_check(const struct machine *machine, struct injection_request *request,
				   const struct engine_regs *regs)
{
	struct fwnmi_machine_check *mc = &request->mc;

	if (request->effective_address_is_nip) {
		mc->effective_address = regs->nip;
		mc->effective_address_valid = true;
	}
	/* Not every error has bits on this processor; one without is delivered without. */
	fwnmi_mce_synthesise(machine_pvr(machine), mc);
}

static void deliver(struct injector *injector, struct injection *in, const struct engine_regs *regs,
		    bool ceded)
{
	struct machine *machine = injector->machine;

	in->report.nip = regs->nip;
	in->report.msr = regs->msr;
	in->report.ceded = ceded;
	memcpy(in->gpr, regs->gpr, sizeof(in->gpr));
	in->delivering = true;
	if (in->request.system_reset) {
		machine_system_reset(machine, in->report.vcpu, regs);
	} else {
		complete_machine_check(machine, &in->request, regs);
		machine_machine_check(machine, in->report.vcpu, regs, &in->request.mc);
	}
	in->delivering = false;
}

/* Has the interrupted code continued? Same place, same mode, same registers. */
static bool came_back(const struct injection *in, const struct engine_regs *regs)
{
	return regs->nip == in->report.nip &&
	       !((regs->msr ^ in->report.msr) & ~RETURN_MSR_IGNORED) &&
	       !memcmp(regs->gpr, in->gpr, sizeof(in->gpr));
}

/* ---- the machine's events ---- */

/* Does what a vCPU has taken come from its injection? */
static bool is_ours(const struct injection *in, const struct papr_outcome *outcome)
{
	if (in->delivering)
		return true;
	return (in->report.stage == INJECTION_RAISED || in->report.stage == INJECTION_WAITING) &&
	       in->report.system_reset == (outcome->vector == VECTOR_SYSTEM_RESET);
}

static bool take_outcome(struct injector *injector, struct injection *in,
			 const struct papr_outcome *outcome)
{
	char reason[sizeof(in->report.reason)];

	if (!is_ours(in, outcome))
		return false;
	switch (outcome->result) {
	case PAPR_NOTHING:
		return false;
	case PAPR_ROUTINE:
	case PAPR_VECTOR:
		note_delivery(injector, in, outcome);
		break;
	case PAPR_RAISED:
		in->report.stage = INJECTION_RAISED;
		break;
	case PAPR_DROPPED:
		fail(injector, in,
		     "it was dropped: the guest has yet to release the buffer of its last machine "
		     "check, and the error is recovered");
		break;
	case PAPR_WAITING:
		in->report.stage = INJECTION_WAITING;
		break;
	case PAPR_UNSAFE:
		in->report.stopped = true;
		finish(injector, in, false);
		break;
	case PAPR_ENDED:
		snprintf(reason, sizeof(reason), "it ended the partition: %s",
			 fwnmi_end_reason_text(outcome->end_reason));
		fail(injector, in, reason);
		break;
	case PAPR_REFUSED:
		fail(injector, in, fwnmi_strerror(outcome->error));
		break;
	}
	return true;
}

static bool take_interlock(struct injector *injector, struct injection *in)
{
	const struct machine *machine = injector->machine;
	struct injection_report *report = &in->report;

	if (report->stage != INJECTION_DELIVERED || report->system_reset)
		return false;
	report->stage = INJECTION_INTERLOCKED;
	report->interlocked = true;
	report->interlock_insns =
		machine_vcpu_insns(machine, report->vcpu) - report->delivered_insns;
	report->interlock_ticks = machine_timebase(machine) - report->delivered_timebase;
	report->interlock_host_ns = host_ns() - in->delivered_ns;
	watch(injector, in);
	return true;
}

static void cancel_all(struct injector *injector, const char *reason)
{
	for (unsigned i = 0; i < injector->nr_vcpus; i++) {
		struct injection *in = &injector->injections[i];

		if (is_open(in) || (in->report.stage == INJECTION_DELIVERED && !in->watch_end))
			fail(injector, in, reason);
		else if (in->watch_end)
			finish(injector, in, false);
	}
}

static void on_event(void *opaque, const struct machine_event *event)
{
	struct injector *injector = opaque;
	struct injection *in = NULL;

	injector->event = event;
	injector->explanation = NULL;
	switch (event->type) {
	case MACHINE_EVENT_FWNMI:
		if (take_outcome(injector, &injector->injections[event->vcpu], event->outcome))
			in = &injector->injections[event->vcpu];
		break;
	case MACHINE_EVENT_PAPR:
		if (event->papr->type == PAPR_EVENT_FWNMI_INTERLOCK &&
		    take_interlock(injector, &injector->injections[event->papr->cpu]))
			in = &injector->injections[event->papr->cpu];
		break;
	case MACHINE_EVENT_RESET:
		cancel_all(injector, "the machine was reset");
		break;
	case MACHINE_EVENT_SHUTDOWN:
		cancel_all(injector, "the machine has ended");
		break;
	default:
		break;
	}
	if (in)
		injector->explanation = &in->report;
}

/* ---- while vCPUs run ---- */

static bool wants_blocks(void *opaque, unsigned vcpu)
{
	const struct injector *injector = opaque;
	const struct injection *in = &injector->injections[vcpu];

	return in->report.stage == INJECTION_PENDING || in->step;
}

static void before_block(void *opaque, unsigned vcpu, bool ceded)
{
	struct injector *injector = opaque;
	struct injection *in = &injector->injections[vcpu];
	struct engine_regs regs;

	if (in->report.stage != INJECTION_PENDING)
		return;
	machine_get_regs(injector->machine, vcpu, &regs);
	if (fits(&in->request, &regs, ceded))
		deliver(injector, in, &regs, ceded);
}

static void on_returned(void *opaque, unsigned vcpu)
{
	struct injector *injector = opaque;
	struct injection *in = &injector->injections[vcpu];
	struct engine_regs regs;

	if (!in->watch_end)
		return;
	machine_get_regs(injector->machine, vcpu, &regs);
	if (came_back(in, &regs))
		finish(injector, in, true);
	else
		in->step = true;
}

static void on_ran(void *opaque, unsigned vcpu)
{
	struct injector *injector = opaque;
	struct injection *in = &injector->injections[vcpu];

	if (!in->watch_end)
		return;
	if (!in->report.watched || machine_vcpu_insns(injector->machine, vcpu) >= in->watch_end) {
		finish(injector, in, false);
	} else if (in->step) {
		in->step = false;
		machine_watch_return(injector->machine, vcpu, in->report.nip);
	}
}

static void on_idle(void *opaque, unsigned vcpu)
{
	struct injector *injector = opaque;
	struct injection *in = &injector->injections[vcpu];

	if (in->report.stage == INJECTION_PENDING &&
	    machine_vcpu_state(injector->machine, vcpu) == VCPU_STOPPED)
		fail(injector, in, "the guest stopped this CPU");
	else if (in->watch_end)
		finish(injector, in, false);
}

/* Withdraw an injection whose time is up. */
static void time_out(struct injector *injector, struct injection *in)
{
	if (in->report.stage == INJECTION_PENDING) {
		fail(injector, in, "time limit: the CPU reached no suitable instruction");
	} else if (in->report.stage == INJECTION_RAISED) {
		/* The vCPU has taken the interrupt; that cannot be undone. */
		fail(injector, in,
		     "time limit: the guest's vector does not hand the interrupt over");
	} else {
		papr_withdraw(machine_papr(injector->machine), in->report.vcpu);
		fail(injector, in, "time limit: another CPU does not call ibm,nmi-interlock");
	}
}

static uint64_t on_poll(void *opaque, uint64_t now_ns)
{
	struct injector *injector = opaque;
	uint64_t due = UINT64_MAX;

	for (unsigned i = 0; i < injector->nr_vcpus; i++) {
		struct injection *in = &injector->injections[i];

		if (!is_open(in))
			continue;
		if (now_ns >= in->deadline_ns)
			time_out(injector, in);
		else if (in->deadline_ns < due)
			due = in->deadline_ns;
	}
	return due;
}

/* ---- creation ---- */

struct injector *injector_create(struct machine *machine, char *err, size_t err_size)
{
	const unsigned nr_vcpus = machine_nr_vcpus(machine);
	struct injector *injector =
		calloc(1, sizeof(*injector) + nr_vcpus * sizeof(injector->injections[0]));
	const struct machine_hook hook = {
		.wants_blocks = wants_blocks,
		.before_block = before_block,
		.ran = on_ran,
		.returned = on_returned,
		.idle = on_idle,
		.event = on_event,
		.poll = on_poll,
		.opaque = injector,
	};

	if (!injector) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	injector->machine = machine;
	injector->nr_vcpus = nr_vcpus;
	if (!machine_add_hook(machine, &hook)) {
		snprintf(err, err_size, "too many hooks into the machine");
		free(injector);
		return NULL;
	}
	return injector;
}

void injector_destroy(struct injector *injector)
{
	free(injector);
}

void injector_forget(struct injector *injector)
{
	for (unsigned i = 0; i < injector->nr_vcpus; i++) {
		injector->injections[i] = (struct injection){ 0 };
		machine_watch_return(injector->machine, i, ENGINE_NO_WATCH);
	}
}

void injector_listen(struct injector *injector, const struct injector_listener *listener)
{
	injector->listener = *listener;
}
