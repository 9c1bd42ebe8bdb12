/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine checks and system resets on request: find the instruction, deliver, and follow the guest
 * to its interlock and back to the interrupted code. papr and libfwnmi do the delivery.
 * "Recoverable" means the Power ISA's MSR[RI].
 */
#include <stdio.h>
#include <string.h>

#include "fwnmi/mce.h"
#include "machine/private.h"
#include "pseries/processor.h"

#define DEFAULT_TIMEOUT_MS 10000
/*
 * How long to watch for the vCPU's return. It is long because the guest first prints its report on
 * a slow console.
 */
#define WATCH_INSNS	   50000000
/* A handler may disable facilities for a lazy reload; that still counts as a return. */
#define RETURN_MSR_IGNORED (MSR_FP | MSR_VEC | MSR_VSX | MSR_FE0 | MSR_FE1)

static void emit_report(struct machine *machine, unsigned vcpu)
{
	struct machine_event event = {
		.type = MACHINE_EVENT_INJECTION,
		.report = &machine->vcpus[vcpu].injection.report,
	};

	machine_emit(machine, &event);
}

static void watch(struct machine *machine, unsigned vcpu)
{
	struct injection *in = &machine->vcpus[vcpu].injection;

	in->report.watched = machine->ops->watch_return != NULL;
	in->watch_end = machine_vcpu_insns(machine, vcpu) + WATCH_INSNS;
	if (machine->ops->watch_return)
		machine->ops->watch_return(machine->engine, vcpu, in->report.nip);
}

static void unwatch(struct machine *machine, unsigned vcpu)
{
	machine->vcpus[vcpu].injection.watch_end = 0;
	machine->vcpus[vcpu].injection.step = false;
	if (machine->ops->watch_return)
		machine->ops->watch_return(machine->engine, vcpu, ENGINE_NO_WATCH);
}

static void fail(struct machine *machine, unsigned vcpu, const char *reason)
{
	struct injection *in = &machine->vcpus[vcpu].injection;

	in->report.stage = INJECTION_FAILED;
	unwatch(machine, vcpu);
	snprintf(in->report.reason, sizeof(in->report.reason), "%s", reason);
	emit_report(machine, vcpu);
}

static void finish(struct machine *machine, unsigned vcpu, bool returned)
{
	struct injection *in = &machine->vcpus[vcpu].injection;

	in->report.stage = INJECTION_FINISHED;
	in->report.returned = returned;
	unwatch(machine, vcpu);
	if (returned) {
		in->report.return_insns =
			machine_vcpu_insns(machine, vcpu) - in->report.delivered_insns;
		in->report.return_ticks = machine_timebase(machine) - in->report.delivered_timebase;
	}
	emit_report(machine, vcpu);
}

static bool is_open(const struct injection *in)
{
	return in->report.stage >= INJECTION_PENDING && in->report.stage <= INJECTION_WAITING;
}

int machine_inject(struct machine *machine, const struct machine_injection *injection, char *err,
		   size_t err_size)
{
	struct injection *in;

	if (injection->vcpu >= machine->config.nr_vcpus) {
		snprintf(err, err_size, "no CPU %u: the machine has %u", injection->vcpu,
			 machine->config.nr_vcpus);
		return -1;
	}
	if (machine->vcpus[injection->vcpu].state == VCPU_STOPPED) {
		snprintf(err, err_size, "CPU %u is stopped: the guest has not started it",
			 injection->vcpu);
		return -1;
	}
	in = &machine->vcpus[injection->vcpu].injection;
	if (is_open(in)) {
		snprintf(err, err_size, "CPU %u already has an injection pending", injection->vcpu);
		return -1;
	}
	if (!injection->system_reset && fwnmi_machine_check_validate(&injection->mc) < 0) {
		snprintf(err, err_size,
			 "the options contradict each other: no such machine check exists");
		return -1;
	}
	if (in->report.stage == INJECTION_DELIVERED || in->watch_end)
		finish(machine, injection->vcpu, false);
	*in = (struct injection){ .request = *injection };
	in->report.id = injection->id;
	in->report.vcpu = injection->vcpu;
	in->report.system_reset = injection->system_reset;
	in->report.stage = INJECTION_PENDING;
	in->deadline_ns = host_ns() + 1000000ull * (injection->timeout_ms ? injection->timeout_ms :
									    DEFAULT_TIMEOUT_MS);
	return 0;
}

bool injection_wants_ceded(const struct vcpu *vcpu)
{
	const struct injection *in = &vcpu->injection;

	return in->report.stage == INJECTION_PENDING &&
	       (in->request.now || in->request.context != INJECT_USER);
}

static bool fits(const struct machine_injection *request, const struct engine_regs *regs,
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
static void note_log(const struct machine *machine, struct injection_report *report)
{
	const uint64_t at = report->r3 + 8;
	uint8_t bytes[FWNMI_ERRLOG_MAX];
	uint64_t length = sizeof(bytes);

	while (length > FWNMI_ERRLOG_FIXED_SIZE && !memory_contains(&machine->memory, at, length))
		length /= 2;
	if (memory_read(&machine->memory, at, bytes, length))
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

	memory_read(&machine->memory, regs->nip, first, sizeof(first));
	if (!first[0] && !first[1] && !first[2] && !first[3])
		report->no_handler = INJECTION_VECTOR_EMPTY;
	else if ((regs->msr ^ report->msr) & MSR_LE)
		report->no_handler = INJECTION_BYTE_ORDER;
	if (report->system_reset)
		return;
	report->srr1 = regs->srr1;
	report->dsisr = regs->dsisr;
	report->dar = regs->dar;
	fwnmi_mce_analyse(processor_of(machine->ops, machine->engine), regs->srr0, regs->srr1,
			  regs->dsisr, regs->dar, &mc);
	report->error_type = mc.error_type;
	report->error_subtype = mc.error_subtype;
}

/* The vCPU has entered the handler: record where, and start the counts. */
static void note_delivery(struct machine *machine, unsigned vcpu, bool registered)
{
	struct injection *in = &machine->vcpus[vcpu].injection;
	struct engine_regs regs;

	machine->ops->get_regs(machine->engine, vcpu, &regs);
	in->report.stage = INJECTION_DELIVERED;
	in->report.registered = registered;
	in->report.handler = regs.nip;
	in->report.r3 = regs.gpr[3];
	if (!registered)
		note_vector(machine, &in->report, &regs);
	else if (!in->report.system_reset)
		note_log(machine, &in->report);
	in->report.delivered_insns = machine_vcpu_insns(machine, vcpu);
	in->report.delivered_timebase = machine_timebase(machine);
	in->delivered_ns = host_ns();
	/*
	 * The way back from a registered machine check starts at its interlock. Nothing else has
	 * one.
	 */
	if (in->report.system_reset || !registered)
		watch(machine, vcpu);
}

/*
 * Fill in what is known only now: the interrupted instruction, and the bits the processor would
 * have set.
 */
static void complete_machine_check(const struct machine *machine, struct machine_injection *request,
				   const struct engine_regs *regs)
{
	struct fwnmi_machine_check *mc = &request->mc;
	uint32_t dsisr;
	bool dar_valid;

	if (request->effective_address_is_nip) {
		mc->effective_address = regs->nip;
		mc->effective_address_valid = true;
	}
	/* Not every error has bits on this processor; one without is delivered without. */
	fwnmi_mce_synthesise(processor_of(machine->ops, machine->engine), mc, &mc->srr1, &dsisr,
			     &dar_valid);
}

static bool deliver(struct machine *machine, unsigned vcpu, const struct engine_regs *regs,
		    bool ceded)
{
	struct injection *in = &machine->vcpus[vcpu].injection;
	int outcome;

	in->report.nip = regs->nip;
	in->report.msr = regs->msr;
	in->report.ceded = ceded;
	memcpy(in->gpr, regs->gpr, sizeof(in->gpr));
	complete_machine_check(machine, &in->request, regs);
	outcome = in->request.system_reset ?
			  papr_system_reset(machine->papr, vcpu) :
			  papr_machine_check(machine->papr, vcpu, &in->request.mc);
	switch (outcome) {
	case FWNMI_DELIVERED:
		if (in->report.stage == INJECTION_PENDING)
			note_delivery(machine, vcpu, true);
		break;
	case FWNMI_NOT_REGISTERED:
		note_delivery(machine, vcpu, false);
		emit_report(machine, vcpu);
		break;
	case FWNMI_STALE: /* injection_papr_event() has handled these two */
	case FWNMI_STOPPED:
		break;
	case PAPR_RAISED:
		in->report.stage = INJECTION_RAISED;
		break;
	case FWNMI_WAITING:
		in->report.stage = INJECTION_WAITING;
		break;
	case FWNMI_ENDED:
		if (is_open(in))
			fail(machine, vcpu, "the partition has ended");
		break;
	default:
		fail(machine, vcpu, fwnmi_strerror(outcome));
		break;
	}
	return machine_outcome(machine, vcpu, outcome);
}

/* Has the interrupted code continued? Same place, same mode, same registers. */
static bool came_back(const struct injection *in, const struct engine_regs *regs)
{
	return regs->nip == in->report.nip &&
	       !((regs->msr ^ in->report.msr) & ~RETURN_MSR_IGNORED) &&
	       !memcmp(regs->gpr, in->gpr, sizeof(in->gpr));
}

bool injection_check(struct machine *machine, unsigned vcpu, bool ceded)
{
	struct injection *in = &machine->vcpus[vcpu].injection;
	struct engine_regs regs;

	if (in->report.stage != INJECTION_PENDING)
		return true;
	machine->ops->get_regs(machine->engine, vcpu, &regs);
	return fits(&in->request, &regs, ceded) ? deliver(machine, vcpu, &regs, ceded) : true;
}

void injection_returned(struct machine *machine, unsigned vcpu)
{
	struct injection *in = &machine->vcpus[vcpu].injection;
	struct engine_regs regs;

	if (!in->watch_end)
		return;
	machine->ops->get_regs(machine->engine, vcpu, &regs);
	if (came_back(in, &regs))
		finish(machine, vcpu, true);
	else
		in->step = true;
}

void injection_ran(struct machine *machine, unsigned vcpu)
{
	struct injection *in = &machine->vcpus[vcpu].injection;

	if (!in->watch_end)
		return;
	if (!in->report.watched || machine_vcpu_insns(machine, vcpu) >= in->watch_end) {
		finish(machine, vcpu, false);
	} else if (in->step) {
		in->step = false;
		machine->ops->watch_return(machine->engine, vcpu, in->report.nip);
	}
}

const struct injection_report *injection_papr_event(struct machine *machine,
						    const struct papr_event *event)
{
	struct injection *in;
	char reason[sizeof(in->report.reason)];

	if (event->cpu >= machine->config.nr_vcpus)
		return NULL;
	in = &machine->vcpus[event->cpu].injection;
	switch (event->type) {
	case PAPR_EVENT_FWNMI_WAITING:
		if (in->report.stage != INJECTION_PENDING && in->report.stage != INJECTION_RAISED)
			return NULL;
		in->report.stage = INJECTION_WAITING;
		return &in->report;
	case PAPR_EVENT_FWNMI_DELIVERED:
		if (!is_open(in) || in->report.system_reset != (event->a == VECTOR_SYSTEM_RESET))
			return NULL;
		note_delivery(machine, event->cpu, true);
		return &in->report;
	case PAPR_EVENT_FWNMI_INTERLOCK:
		if (in->report.stage != INJECTION_DELIVERED || in->report.system_reset)
			return NULL;
		in->report.stage = INJECTION_INTERLOCKED;
		in->report.interlocked = true;
		in->report.interlock_insns =
			machine_vcpu_insns(machine, event->cpu) - in->report.delivered_insns;
		in->report.interlock_ticks =
			machine_timebase(machine) - in->report.delivered_timebase;
		in->report.interlock_host_ns = host_ns() - in->delivered_ns;
		watch(machine, event->cpu);
		return &in->report;
	case PAPR_EVENT_FWNMI_STALE:
		if (!is_open(in) || in->report.system_reset != (event->a == VECTOR_SYSTEM_RESET))
			return NULL;
		in->report.stale = true;
		note_delivery(machine, event->cpu, false);
		return &in->report;
	case PAPR_EVENT_FWNMI_STOPPED:
		if (!is_open(in))
			return NULL;
		in->report.stopped = true;
		finish(machine, event->cpu, false);
		return &in->report;
	case PAPR_EVENT_FWNMI_ENDED:
		if (!is_open(in))
			return NULL;
		snprintf(reason, sizeof(reason), "it ended the partition: %s",
			 fwnmi_end_reason_text((enum fwnmi_end_reason)event->a));
		fail(machine, event->cpu, reason);
		return &in->report;
	default:
		return NULL;
	}
}

void injection_idle(struct machine *machine, unsigned vcpu)
{
	struct injection *in = &machine->vcpus[vcpu].injection;

	if (in->report.stage == INJECTION_PENDING && machine->vcpus[vcpu].state == VCPU_STOPPED)
		fail(machine, vcpu, "the guest stopped this CPU");
	else if (in->watch_end)
		finish(machine, vcpu, false);
}

void injection_poll(struct machine *machine, uint64_t now_ns)
{
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++) {
		struct injection *in = &machine->vcpus[i].injection;

		if (!is_open(in) || now_ns < in->deadline_ns)
			continue;
		/* libfwnmi cannot withdraw an event that it has queued. */
		fail(machine, i,
		     in->report.stage == INJECTION_PENDING ?
			     "time limit: the CPU reached no instruction that fits" :
		     in->report.stage == INJECTION_RAISED ?
			     "time limit: the guest's vector does not hand the interrupt over" :
			     "time limit: another CPU does not call ibm,nmi-interlock; it stays queued");
	}
}

void injection_cancel_all(struct machine *machine, const char *reason)
{
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++) {
		struct injection *in = &machine->vcpus[i].injection;

		if (is_open(in) || (in->report.stage == INJECTION_DELIVERED && !in->watch_end))
			fail(machine, i, reason);
		else if (in->watch_end)
			finish(machine, i, false);
	}
}
