/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine checks and system resets on request: deliver when the trigger comes true, and follow the
 * guest to its interlock and back to the interrupted code. The machine does the delivery.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_time.h"
#include "fwnmi/mce.h"
#include "inject/guest_request.h"
#include "inject/private.h"

#define DEFAULT_TIMEOUT_MS 10000
/* Linux is linked to run there. */
#define LINKED_BASE	   0xc000000000000000ull
/*
 * How long to watch for the vCPU's return. It is long because the guest first prints its report on
 * a slow console.
 */
#define WATCH_INSNS	   50000000
/* In a storm the next event waits for it. */
#define STORM_WATCH_INSNS  1000000
/* A handler may disable facilities for a lazy reload; that still counts as a return. */
#define RETURN_MSR_IGNORED (MSR_FP | MSR_VEC | MSR_VSX | MSR_FE0 | MSR_FE1)

static void tell(const struct injector *injector, const struct injection *in)
{
	if (injector->listener.ended)
		injector->listener.ended(injector->listener.opaque, &in->report);
}

static struct injection *last_of(struct injector *injector, unsigned vcpu)
{
	return &injector->vcpus[vcpu].last;
}

/* The injection whose return to the interrupted code is expected next, or NULL. */
static struct injection *watched_of(struct injector *injector, unsigned vcpu)
{
	struct vcpu_injections *v = &injector->vcpus[vcpu];

	return v->last.watch_end ? &v->last : v->outer.watch_end ? &v->outer : NULL;
}

/* A vCPU comes back from the innermost event first. */
static void watch_innermost(struct injector *injector, unsigned vcpu)
{
	const struct injection *in = watched_of(injector, vcpu);

	machine_watch_return(injector->machine, vcpu,
			     in && !in->step ? in->report.nip : ENGINE_NO_WATCH);
}

static void watch(struct injector *injector, struct injection *in)
{
	const unsigned vcpu = in->report.vcpu;

	in->report.watched = machine_watch_return(injector->machine, vcpu, in->report.nip);
	in->watch_end = machine_vcpu_insns(injector->machine, vcpu) +
			(in->report.of ? STORM_WATCH_INSNS : WATCH_INSNS);
	watch_innermost(injector, vcpu);
}

static void unwatch(struct injector *injector, struct injection *in)
{
	in->watch_end = 0;
	in->step = false;
	watch_innermost(injector, in->report.vcpu);
}

static void fail(struct injector *injector, struct injection *in, const char *reason)
{
	in->report.stage = INJECTION_FAILED;
	armed_end(&in->armed, injector->machine, in->report.vcpu);
	unwatch(injector, in);
	snprintf(in->report.reason, sizeof(in->report.reason), "%s", reason);
	tell(injector, in);
}

/* Withdraw an injection whose trigger has not come true. */
static void fail_unreached(struct injector *injector, struct injection *in, const char *limit)
{
	char reason[sizeof(in->report.reason)];

	if (in->armed.rejected)
		snprintf(reason, sizeof(reason),
			 "%s: the CPU reached the place %llu times, but never as requested", limit,
			 (unsigned long long)in->armed.rejected);
	else
		snprintf(reason, sizeof(reason), "%s: the CPU reached no suitable instruction",
			 limit);
	fail(injector, in, reason);
}

/* Triggers may wait for what FWNMI thinks of a vCPU. */
static void fwnmi_changed(struct injector *injector)
{
	for (unsigned i = 0; i < injector->nr_vcpus; i++)
		armed_fwnmi_changed(&last_of(injector, i)->armed);
}

static void finish(struct injector *injector, struct injection *in, bool returned)
{
	fwnmi_changed(injector);
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

/* It was delivered, and more may be seen of it. */
static bool is_followed(const struct injection *in)
{
	return in->report.stage == INJECTION_DELIVERED || in->watch_end;
}

static bool is_open(const struct injection *in)
{
	return in->report.stage >= INJECTION_PENDING && in->report.stage <= INJECTION_WAITING;
}

/* An event of a storm that is not over, and not its last. */
static bool has_successor(const struct injection *in)
{
	return in->report.number < in->report.of &&
	       (in->report.stage == INJECTION_DELIVERED || in->watch_end);
}

/* ---- requests ---- */

static struct trigger_process process_of(const struct injector *injector,
					 const struct engine_regs *regs)
{
	struct trigger_process process = { 0 };

	if (injector->tell_process)
		injector->tell_process(injector->tell_opaque, regs, &process);
	return process;
}

/* Who cannot tell what the vCPU runs now will not find out later. */
static bool knows_process(const struct injector *injector, const struct injection_request *request,
			  char *err, size_t err_size)
{
	const struct trigger *trigger = &request->trigger;
	struct trigger_process process;
	struct engine_regs regs;

	if (!trigger_names_process(trigger))
		return true;
	machine_get_regs(injector->machine, request->vcpu, &regs);
	process = process_of(injector, &regs);
	if (trigger->process[0] && !process.name[0])
		snprintf(err, err_size,
			 "process=%s: it is not known here which process a CPU of this guest runs",
			 trigger->process);
	else if (trigger->has_pid && !process.has_pid)
		snprintf(err, err_size,
			 "pid=%u: it is not known here which process a CPU of this guest runs",
			 trigger->pid);
	else
		return true;
	return false;
}

static bool uses_trampolines(struct machine *machine)
{
	struct papr_fwnmi_state state;

	papr_fwnmi_state(machine_papr(machine), &state);
	return state.by_trampoline || !machine_can_watch(machine);
}

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
	else if (is_open(&injector->vcpus[request->vcpu].last))
		snprintf(err, err_size, "CPU %u already has an injection pending", request->vcpu);
	else if (has_successor(&injector->vcpus[request->vcpu].last))
		snprintf(err, err_size, "CPU %u is in a storm of injections", request->vcpu);
	else if (request->every && !machine_can_watch(injector->machine))
		snprintf(err, err_size, "this engine cannot count instructions: every");
	else if (!knows_process(injector, request, err, err_size))
		return true;
	else if (request->swapped_srr && uses_trampolines(injector->machine))
		snprintf(err, err_size, "swapped-srr does not go with trampolines");
	else if (!trigger_fits_machine(&request->trigger, injector->machine, err, err_size))
		return true;
	else if (!request->system_reset && fwnmi_machine_check_validate(&request->mc) < 0)
		snprintf(err, err_size,
			 "the options contradict each other: no such machine check exists");
	else
		return false;
	return true;
}

static uint64_t deadline(const struct injection_request *request)
{
	if (request->timeout_ms == INJECT_NO_TIMEOUT)
		return UINT64_MAX;
	return host_ns() +
	       1000000ull * (request->timeout_ms ? request->timeout_ms : DEFAULT_TIMEOUT_MS);
}

/*
 * Make room for the next injection. The last one is followed on only if the next is for its
 * handler: otherwise whoever waits for its outcome would wait for both.
 */
static void make_room(struct injector *injector, struct vcpu_injections *v,
		      const struct trigger *trigger)
{
	if (!is_followed(&v->last))
		return;
	if (is_followed(&v->outer))
		finish(injector, &v->outer, false);
	if (trigger->fwnmi == TRIGGER_FWNMI_ANY) {
		finish(injector, &v->last, false);
		return;
	}
	v->outer = v->last;
	v->last = (struct injection){ .report.stage = INJECTION_NONE };
}

/*
 * Asks for an event. @request is passed by value: it may be @in's own. @trigger: resolved; @number:
 * in its storm, 0 if it is none.
 */
static void begin(struct injector *injector, struct injection *in, struct injection_request request,
		  const struct trigger *trigger, unsigned number)
{
	*in = (struct injection){ .request = request,
				  .report = { .id = request.id,
					      .vcpu = request.vcpu,
					      .system_reset = request.system_reset,
					      .number = number,
					      .of = request.repeat,
					      .stage = INJECTION_PENDING },
				  .deadline_ns = deadline(&request) };
	armed_begin(&in->armed, trigger, injector->machine);
}

bool injector_add(struct injector *injector, const struct injection_request *request, char *err,
		  size_t err_size)
{
	struct trigger trigger = request->trigger;

	if (refuse(injector, request, err, err_size) ||
	    !trigger_resolve(&trigger, injector->symbols, injector->no_symbols, err, err_size))
		return false;
	make_room(injector, &injector->vcpus[request->vcpu], &trigger);
	begin(injector, last_of(injector, request->vcpu), *request, &trigger,
	      request->repeat ? 1 : 0);
	return true;
}

/* Asks for a storm's next event. */
static void begin_next(struct injector *injector, struct injection *in)
{
	struct trigger trigger = in->armed.trigger;
	const uint64_t from = machine_insns(injector->machine) + in->request.every;

	/* Only the first of a storm goes off together with others. */
	in->request.group = 0;
	if (trigger.from_insn < from)
		trigger.from_insn = from;
	begin(injector, in, in->request, &trigger, in->report.number + 1);
	if (trigger.within)
		in->armed.give_up_at += in->request.every;
}

/* It was followed to its end, and the guest goes on. */
static void conclude(struct injector *injector, struct injection *in, bool returned)
{
	const bool successor = has_successor(in) && in == last_of(injector, in->report.vcpu);

	finish(injector, in, returned);
	if (successor)
		begin_next(injector, in);
}

void injector_forget(struct injector *injector)
{
	for (unsigned i = 0; i < injector->nr_vcpus; i++) {
		armed_end(&last_of(injector, i)->armed, injector->machine, i);
		injector->vcpus[i] =
			(struct vcpu_injections){ .last.report.vcpu = i, .outer.report.vcpu = i };
		watch_innermost(injector, i);
	}
}

const struct injection_report *injector_explains(const struct injector *injector,
						 const struct machine_event *event)
{
	return injector && event == injector->event ? injector->explanation : NULL;
}

/* ---- delivery ---- */

/* R3 points to the saved R3; the log follows it. */
void injector_note_log(const struct guest_memory *memory, struct injection_report *report)
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
		injector_note_log(machine_memory(machine), &in->report);
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

/* Where in the kernel it was. Its code in real mode is at its link address without the top bits. */
static void note_place(struct injector *injector, struct injection_report *report)
{
	const uint64_t real = report->msr & MSR_IR ? 0 : LINKED_BASE;

	if (injector->symbols && !(report->msr & MSR_PR))
		symbols_place(injector->symbols, report->nip | real, report->place,
			      sizeof(report->place));
}

/* The trigger of one of a group has come true: the others need not wait for theirs. */
static void release_group(struct injector *injector, uint64_t group)
{
	for (unsigned i = 0; group && i < injector->nr_vcpus; i++) {
		struct injection *in = last_of(injector, i);

		if (in->report.stage == INJECTION_PENDING && in->request.group == group)
			armed_release(&in->armed, injector->machine, i);
	}
}

/* The commit's example has SF, DR and VEC, and no other bit. Big-endian guests were spared. */
static void swap_srr(struct injector *injector, const struct injection *in)
{
	struct engine_regs regs;

	machine_get_regs(injector->machine, in->report.vcpu, &regs);
	if (in->report.stage != INJECTION_DELIVERED || !(regs.msr & MSR_LE))
		return;
	regs.srr0 = __builtin_bswap64(in->report.nip);
	regs.srr1 = __builtin_bswap64(MSR_SF | MSR_DR | (in->report.msr & MSR_VEC));
	machine_set_regs(injector->machine, in->report.vcpu, &regs);
}

static void deliver(struct injector *injector, struct injection *in, const struct engine_regs *regs,
		    bool ceded)
{
	struct machine *machine = injector->machine;

	release_group(injector, in->request.group);
	armed_end(&in->armed, machine, in->report.vcpu);
	in->report.nip = regs->nip;
	in->report.msr = regs->msr;
	note_place(injector, &in->report);
	in->report.ceded = ceded;
	memcpy(in->gpr, regs->gpr, sizeof(in->gpr));
	in->delivering = true;
	if (in->request.system_reset) {
		machine_system_reset(machine, in->report.vcpu, regs);
		if (in->request.swapped_srr)
			swap_srr(injector, in);
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

static bool awaits_interlock(const struct injection *in)
{
	return in->report.stage == INJECTION_DELIVERED && !in->report.system_reset;
}

/* Returns the injection whose handler has called ibm,nmi-interlock, or NULL. */
static struct injection *take_interlock(struct injector *injector, unsigned vcpu)
{
	struct vcpu_injections *v = &injector->vcpus[vcpu];
	struct injection *in = awaits_interlock(&v->last)  ? &v->last :
			       awaits_interlock(&v->outer) ? &v->outer :
							     NULL;
	const struct machine *machine = injector->machine;
	struct injection_report *report;

	if (!in)
		return NULL;
	report = &in->report;
	report->stage = INJECTION_INTERLOCKED;
	report->interlocked = true;
	report->interlock_insns =
		machine_vcpu_insns(machine, report->vcpu) - report->delivered_insns;
	report->interlock_ticks = machine_timebase(machine) - report->delivered_timebase;
	report->interlock_host_ns = host_ns() - in->delivered_ns;
	watch(injector, in);
	return in;
}

static void cancel(struct injector *injector, struct injection *in, const char *reason)
{
	if (is_open(in) || has_successor(in) ||
	    (in->report.stage == INJECTION_DELIVERED && !in->watch_end))
		fail(injector, in, reason);
	else if (in->watch_end)
		finish(injector, in, false);
}

void injector_cancel(struct injector *injector, const char *reason)
{
	for (unsigned i = 0; i < injector->nr_vcpus; i++) {
		cancel(injector, &injector->vcpus[i].outer, reason);
		cancel(injector, &injector->vcpus[i].last, reason);
	}
}

/* A page is met by its use, anything else is a machine check of the vCPU that asks for it. */
static void take_guest_request(struct injector *injector, unsigned vcpu,
			       struct papr_errinjct_request *request)
{
	const uint64_t line = request->address & ~(MEMORY_LINE - 1ull);
	struct injection_request in;
	char err[160];

	if (request->error == PAPR_ERRINJCT_PAGE)
		request->taken = machine_poison(injector->machine, line, MEMORY_LINE, true, err,
						sizeof(err));
	else
		request->taken = guest_request(request, vcpu, &in) &&
				 injector_add(injector, &in, err, sizeof(err));
}

static void on_event(void *opaque, const struct machine_event *event)
{
	struct injector *injector = opaque;
	struct injection *in = NULL;

	injector->event = event;
	injector->explanation = NULL;
	switch (event->type) {
	case MACHINE_EVENT_FWNMI:
		fwnmi_changed(injector);
		if (take_outcome(injector, last_of(injector, event->vcpu), event->outcome))
			in = last_of(injector, event->vcpu);
		break;
	case MACHINE_EVENT_PAPR:
		fwnmi_changed(injector);
		if (event->papr->type == PAPR_EVENT_FWNMI_INTERLOCK)
			in = take_interlock(injector, event->papr->cpu);
		else if (event->papr->type == PAPR_EVENT_ERRINJCT)
			take_guest_request(injector, event->papr->cpu, event->papr->errinjct);
		break;
	case MACHINE_EVENT_RESET:
		injector_cancel(injector, "the machine was reset");
		break;
	case MACHINE_EVENT_SHUTDOWN:
		injector_cancel(injector, "the machine has ended");
		break;
	default:
		break;
	}
	if (in)
		injector->explanation = &in->report;
}

/* ---- while vCPUs run ---- */

/* Instructions until the first bound of any pending injection. */
static uint64_t until_given_up(struct injector *injector)
{
	const uint64_t insns = machine_insns(injector->machine);
	uint64_t least = MACHINE_NEVER;

	for (unsigned i = 0; i < injector->nr_vcpus; i++) {
		const struct injection *in = last_of(injector, i);

		if (in->report.stage == INJECTION_PENDING && in->armed.give_up_at - insns < least &&
		    in->armed.give_up_at != UINT64_MAX)
			least = in->armed.give_up_at - insns;
	}
	return least;
}

static void give_up(struct injector *injector)
{
	const uint64_t insns = machine_insns(injector->machine);

	for (unsigned i = 0; i < injector->nr_vcpus; i++) {
		struct injection *in = last_of(injector, i);

		if (in->report.stage == INJECTION_PENDING && in->armed.give_up_at <= insns)
			fail_unreached(injector, in, "bound of instructions");
	}
}

static uint64_t wants(void *opaque, unsigned vcpu)
{
	struct injector *injector = opaque;
	const struct injection *in = last_of(injector, vcpu), *watched = watched_of(injector, vcpu);
	uint64_t bound = until_given_up(injector), wanted = MACHINE_NEVER;

	if (in->report.stage == INJECTION_PENDING)
		wanted = armed_wants(&in->armed, injector->machine, vcpu);
	if (watched && watched->step)
		wanted = 0;
	return wanted < bound ? wanted : bound;
}

static struct armed_moment moment_of(struct injector *injector, unsigned vcpu,
				     const struct engine_regs *regs, bool ceded)
{
	const struct injection *outer = &injector->vcpus[vcpu].outer;
	struct armed_moment moment = { .regs = regs,
				       .ceded = ceded,
				       .interlocked = outer->watch_end &&
						      outer->report.interlocked };

	/* It is read from the guest's memory, so only for a trigger that looks at it. */
	if (trigger_names_process(&last_of(injector, vcpu)->armed.trigger))
		moment.process = process_of(injector, regs);
	return moment;
}

static void before_block(void *opaque, unsigned vcpu, bool ceded)
{
	struct injector *injector = opaque;
	struct injection *in = last_of(injector, vcpu);
	struct armed_moment moment;
	struct engine_regs regs;

	if (in->report.stage == INJECTION_PENDING) {
		machine_get_regs(injector->machine, vcpu, &regs);
		moment = moment_of(injector, vcpu, &regs, ceded);
		if (armed_look(&in->armed, injector->machine, vcpu, &moment))
			deliver(injector, in, &regs, ceded);
	}
	give_up(injector);
}

static void on_watched(void *opaque, unsigned vcpu)
{
	struct injector *injector = opaque;
	struct injection *in = last_of(injector, vcpu);
	struct armed_moment moment;
	struct engine_regs regs;

	if (in->report.stage != INJECTION_PENDING)
		return;
	machine_get_regs(injector->machine, vcpu, &regs);
	moment = moment_of(injector, vcpu, &regs, false);
	if (armed_watched(&in->armed, injector->machine, vcpu, &moment))
		deliver(injector, in, &regs, false);
}

static void on_returned(void *opaque, unsigned vcpu)
{
	struct injector *injector = opaque;
	struct injection *in = watched_of(injector, vcpu);
	struct engine_regs regs;

	if (!in)
		return;
	machine_get_regs(injector->machine, vcpu, &regs);
	if (came_back(in, &regs))
		conclude(injector, in, true);
	else
		in->step = true;
}

static void on_ran(void *opaque, unsigned vcpu)
{
	struct injector *injector = opaque;
	struct injection *in = watched_of(injector, vcpu);

	if (!in)
		return;
	if (!in->report.watched || machine_vcpu_insns(injector->machine, vcpu) >= in->watch_end) {
		conclude(injector, in, false);
	} else if (in->step) {
		in->step = false;
		watch_innermost(injector, vcpu);
	}
}

static void on_idle(void *opaque, unsigned vcpu)
{
	struct injector *injector = opaque;
	struct injection *in = last_of(injector, vcpu);

	if (in->report.stage == INJECTION_PENDING &&
	    machine_vcpu_state(injector->machine, vcpu) == VCPU_STOPPED)
		fail(injector, in, "the guest stopped this CPU");
	while (watched_of(injector, vcpu))
		conclude(injector, watched_of(injector, vcpu), false);
}

/* Withdraw an injection whose time is up. */
static void time_out(struct injector *injector, struct injection *in)
{
	if (in->report.stage == INJECTION_PENDING) {
		fail_unreached(injector, in, "time limit");
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
		struct injection *in = last_of(injector, i);

		if (!is_open(in))
			continue;
		if (now_ns >= in->deadline_ns)
			time_out(injector, in);
		else if (in->deadline_ns < due)
			due = in->deadline_ns;
	}
	return due;
}

/* ---- after a load ---- */

static void injection_loaded(struct injector *injector, struct injection *in)
{
	in->delivering = false;
	in->report.reason[0] = in->report.place[0] = '\0';
	if (in->report.stage > INJECTION_PENDING)
		note_place(injector, &in->report);
	in->delivered_ns = host_ns();
	in->report.interlock_host_ns = 0;
	in->deadline_ns = deadline(&in->request);
}

static void on_loaded(void *opaque)
{
	struct injector *injector = opaque;

	for (unsigned i = 0; i < injector->nr_vcpus; i++) {
		injection_loaded(injector, &injector->vcpus[i].last);
		injection_loaded(injector, &injector->vcpus[i].outer);
		armed_loaded(&injector->vcpus[i].last.armed, injector->machine, i);
		watch_innermost(injector, i);
	}
}

/* ---- creation ---- */

struct injector *injector_create(struct machine *machine, char *err, size_t err_size)
{
	const unsigned nr_vcpus = machine_nr_vcpus(machine);
	struct injector *injector = calloc(1, sizeof(*injector));
	const struct machine_hook hook = {
		.wants = wants,
		.before_block = before_block,
		.watched = on_watched,
		.ran = on_ran,
		.returned = on_returned,
		.idle = on_idle,
		.event = on_event,
		.poll = on_poll,
		.state = { &injector_record, injector },
		.loaded = on_loaded,
		.opaque = injector,
	};

	if (!injector) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	injector->machine = machine;
	injector->nr_vcpus = nr_vcpus;
	injector->no_symbols = "there is no kernel with symbols";
	for (unsigned i = 0; i < nr_vcpus; i++)
		injector->vcpus[i].last.report.vcpu = injector->vcpus[i].outer.report.vcpu = i;
	if (!machine_add_hook(machine, &hook)) {
		snprintf(err, err_size, "too many hooks into the machine");
		free(injector);
		return NULL;
	}
	return injector;
}

void injector_use_symbols(struct injector *injector, struct symbols *symbols, const char *why_not)
{
	injector->symbols = symbols;
	injector->no_symbols = why_not;
}

void injector_destroy(struct injector *injector)
{
	free(injector);
}

void injector_tell_processes(struct injector *injector,
			     void (*tell)(void *opaque, const struct engine_regs *regs,
					  struct trigger_process *process),
			     void *opaque)
{
	injector->tell_process = tell;
	injector->tell_opaque = opaque;
}

void injector_listen(struct injector *injector, const struct injector_listener *listener)
{
	injector->listener = *listener;
}
