/* SPDX-License-Identifier: BSD-2-Clause */
/* The events that reach the lab's guest, and what becomes of them; see private.h. */
#include <stdio.h>
#include <string.h>

#include "lab/private.h"

/* How many of the 32 GPRs may differ when the interrupted code goes on. */
#define SAME_GPRS 24

/* The event of this vCPU that has not entered its handler yet, or came last. */
static struct lab_hit *last_hit(struct lab_observation *seen, unsigned vcpu)
{
	for (unsigned i = seen->nr_hits; i > 0; i--)
		if (seen->hits[i - 1].report.vcpu == vcpu)
			return &seen->hits[i - 1];
	return NULL;
}

static bool is_under_way(const struct lab_hit *hit)
{
	return hit &&
	       (hit->report.stage == INJECTION_RAISED || hit->report.stage == INJECTION_WAITING);
}

static enum injection_stage stage_of(enum papr_result result)
{
	switch (result) {
	case PAPR_ROUTINE:
	case PAPR_VECTOR:
		return INJECTION_DELIVERED;
	case PAPR_RAISED:
		return INJECTION_RAISED;
	case PAPR_WAITING:
		return INJECTION_WAITING;
	case PAPR_UNSAFE:
		return INJECTION_FINISHED;
	default:
		return INJECTION_FAILED;
	}
}

/* SPRG1 has the PACA's address, with or without the top bits. */
uint8_t guest_soft_mask(const struct lab_guest *guest, const struct engine_regs *regs)
{
	uint8_t mask = 0;

	if (guest->soft_mask != SOFT_MASK_UNKNOWN)
		memory_peek(machine_memory(guest->machine),
			    (regs->sprg[1] & ~KERNEL_BASE) + guest->soft_mask, &mask, 1);
	return mask;
}

/* What the vCPU held when it was interrupted. The outcome has what it holds now. */
static void note_registers(const struct lab_guest *guest, struct lab_hit *hit,
			   const struct papr_outcome *outcome)
{
	uint8_t r3[8];

	hit->before = outcome->regs;
	hit->before.nip = hit->report.nip;
	hit->before.msr = hit->report.msr;
	/* The buffer at the routine's R3 begins with the interrupted one. */
	if (outcome->result == PAPR_ROUTINE &&
	    memory_peek(machine_memory(guest->machine), outcome->regs.gpr[3], r3, sizeof(r3)))
		hit->before.gpr[3] = get_be64(r3);
	machine_get_program_regs(guest->machine, hit->report.vcpu, &hit->more_before);
	hit->soft_mask_before = guest_soft_mask(guest, &outcome->regs);
}

/* An event that nobody injected: an access to bad memory, or the guest's own system reset. */
static void describe_own(const struct lab_guest *guest, struct lab_hit *hit,
			 const struct papr_outcome *outcome)
{
	struct injection_report *report = &hit->report;

	report->system_reset = outcome->vector == VECTOR_SYSTEM_RESET;
	hit->guest_asked = report->system_reset;
	report->stage = stage_of(outcome->result);
	report->registered = outcome->result == PAPR_ROUTINE;
	report->handler = outcome->regs.nip;
	report->r3 = outcome->regs.gpr[3];
	report->nip = outcome->regs.srr0;
	report->msr = outcome->regs.srr1 & ~FWNMI_SRR1_CAUSE_MASK;
	if (report->registered && !report->system_reset)
		injector_note_log(machine_memory(guest->machine), report);
}

void guest_tell_process(void *opaque, const struct engine_regs *regs,
			struct trigger_process *process)
{
	const struct lab_guest *guest = opaque;
	const struct guest_memory *memory = machine_memory(guest->machine);

	current_task_name(&guest->current, memory, regs->sprg[1], process->name);
	process->has_pid = current_task_pid(&guest->current, memory, regs->sprg[1], &process->pid);
}

/* Is it the step's? While an injection is pending, a guest may meet an event of its own. */
static bool is_awaited(const struct lab_guest *guest, const struct machine_event *event)
{
	return guest->awaited && (guest->steps[guest->step - 1].kind != LAB_STEP_INJECT ||
				  injector_explains(guest->injector, event));
}

/* A new one, unless the vCPU's last is about to enter its handler. NULL: there is no room. */
static struct lab_hit *begin_hit(struct lab_guest *guest, const struct machine_event *event)
{
	const unsigned vcpu = event->vcpu;
	struct lab_observation *seen = guest->seen;
	struct lab_hit *hit = last_hit(seen, vcpu);

	if (is_under_way(hit))
		return hit;
	if (seen->nr_hits == LAB_MAX_HITS)
		return NULL;
	if (is_awaited(guest, event))
		guest->awaited--;
	seen->steps_reached = guest->step;
	hit = &seen->hits[seen->nr_hits++];
	*hit = (struct lab_hit){ .report.vcpu = vcpu,
				 .step = guest->step ? guest->step - 1 : 0,
				 .insns = machine_insns(guest->machine) - guest->start.insns,
				 .console_at = seen->console_length };
	return hit;
}

/* What was hit: registers, process, place. */
static void describe_hit(struct lab_guest *guest, struct lab_hit *hit,
			 const struct machine_event *event)
{
	const struct injection_report *report = injector_explains(guest->injector, event);
	struct trigger_process process = { 0 };

	if (report)
		hit->report = *report;
	else
		describe_own(guest, hit, event->outcome);
	if (guest->steps[hit->step].kind == LAB_STEP_INJECT)
		hit->mc = guest->steps[hit->step].request.mc;
	note_registers(guest, hit, event->outcome);
	guest_tell_process(guest, &hit->before, &process);
	memcpy(hit->process, process.name, sizeof(hit->process));
	hit->has_pid = process.has_pid;
	hit->pid = process.pid;
	lab_guest_place(guest, &hit->before, hit->place, sizeof(hit->place));
	if (hit->before.msr & MSR_PR)
		return;
	hit->fixup = kernel_tables_fixup(&guest->tables, hit->before.nip);
	hit->restart = kernel_tables_restart(&guest->tables, hit->before.nip);
}

static void note_hit(struct lab_guest *guest, const struct machine_event *event)
{
	struct lab_observation *seen = guest->seen;
	struct lab_hit *hit = begin_hit(guest, event);

	if (!hit)
		return;
	describe_hit(guest, hit, event);
	guest->progress = machine_insns(guest->machine);
	for (unsigned i = 0; i < guest->nr_processes; i++)
		guest->processes[i].rounds = 0;
	seen->rounds_after = 0;
	if (guest->awaited)
		return;
	if (guest->step == guest->nr_steps && guest->to_delivery)
		seen->end = LAB_END_DONE;
	if (seen->end == LAB_END_DONE || guest->step < guest->nr_steps)
		guest_stop_now(guest);
}

/* It is for the vCPU's last machine check, whatever else has come since. */
static void note_interlock(struct lab_guest *guest, unsigned vcpu)
{
	struct lab_observation *seen = guest->seen;
	const struct lab_hit *last = last_hit(seen, vcpu);

	for (unsigned i = seen->nr_hits; i > 0; i--) {
		struct injection_report *report = &seen->hits[i - 1].report;

		if (report->vcpu != vcpu || report->system_reset || !report->registered ||
		    report->interlocked)
			continue;
		report->interlocked = true;
		seen->hits[i - 1].released_by_reset = last->report.system_reset &&
						      !last->guest_asked && !last->came_back;
		/* The injector follows an event no further once the next one is asked for. */
		if (report->stage == INJECTION_DELIVERED)
			report->stage = INJECTION_INTERLOCKED;
		return;
	}
}

void guest_on_event(void *opaque, const struct machine_event *event)
{
	struct lab_guest *guest = opaque;

	if (event->type == MACHINE_EVENT_PAPR && event->papr->type == PAPR_EVENT_FWNMI_REGISTERED &&
	    !guest->registered) {
		guest->registered = true;
		guest_stop_now(guest);
	}
	if (!guest->seen)
		return;
	if (event->type == MACHINE_EVENT_PAPR && event->papr->type == PAPR_EVENT_PANIC)
		guest->seen->os_term = true;
	if (event->type == MACHINE_EVENT_FWNMI)
		note_hit(guest, event);
	else if (event->type == MACHINE_EVENT_PAPR &&
		 event->papr->type == PAPR_EVENT_FWNMI_INTERLOCK)
		note_interlock(guest, event->papr->cpu);
}

/*
 * Does the interrupted code go on, rather than the same code for somebody else? A process has a
 * stack of its own in the kernel.
 */
static bool goes_on(const struct engine_regs *before, const struct engine_regs *now)
{
	unsigned same = 0;

	for (unsigned i = 0; i < 32; i++)
		same += before->gpr[i] == now->gpr[i];
	return before->nip == now->nip && !((before->msr ^ now->msr) & (MSR_PR | MSR_IR)) &&
	       (before->msr & MSR_PR || before->gpr[1] == now->gpr[1]) && same >= SAME_GPRS;
}

/* Has a process died since the event? Another one of the same kind has taken its place. */
static bool has_died_since(const struct lab_observation *seen, const struct lab_hit *hit)
{
	for (size_t i = seen->nr_notes; i > 0; i--)
		if (seen->notes[i - 1].type == LAB_NOTE_DIED &&
		    seen->notes[i - 1].insns >= hit->insns)
			return true;
	return false;
}

void guest_on_returned(void *opaque, unsigned vcpu)
{
	struct lab_guest *guest = opaque;
	struct engine_regs regs;
	struct lab_hit *hit;

	hit = guest->seen ? last_hit(guest->seen, vcpu) : NULL;
	if (!hit || hit->came_back || has_died_since(guest->seen, hit))
		return;
	machine_get_regs(guest->machine, vcpu, &regs);
	hit->came_back = goes_on(&hit->before, &regs);
	if (hit->came_back) {
		hit->after = regs;
		machine_get_program_regs(guest->machine, vcpu, &hit->more_after);
		hit->soft_mask_after = guest_soft_mask(guest, &regs);
	}
}

/* An injection has failed or finished. */
void guest_on_ended(void *opaque, const struct injection_report *report)
{
	struct lab_guest *guest = opaque;
	struct lab_observation *seen = guest->seen;

	if (!seen)
		return;
	for (unsigned i = 0; i < seen->nr_hits; i++) {
		struct injection_report *hit = &seen->hits[i].report;

		if (hit->id == report->id && hit->number == report->number) {
			/* The next step may have ended it before its interlock. */
			const bool interlocked = hit->interlocked;

			*hit = *report;
			hit->interlocked |= interlocked;
			return;
		}
	}
	/* The event that stops a processor comes next. */
	if (report->stopped)
		return;
	/* It never was an event. */
	seen->end = LAB_END_UNREACHED;
	snprintf(seen->why, sizeof(seen->why), "%s", report->reason);
	guest_stop_now(guest);
}
