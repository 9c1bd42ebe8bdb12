/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: the run state of each vCPU, which stands here and nowhere else, the run loop, and
 * what becomes of each exit. One host thread runs it all; vCPUs take turns in a fixed order, or run
 * beside it on threads of their own.
 */
#include <stdio.h>

#include "fwnmi/mce.h"
#include "machine/planted_error.h"
#include "machine/private.h"

/*
 * Instructions a vCPU runs in its turn. The number is fixed so that CLOCK_INSN runs are repeatable.
 * A hypervisor call is charged as several instructions because it costs the host more.
 */
#define SLICE_SHARED		20000
#define SLICE_ALONE		400000
#define SLICE_ALONE_OTHERS_IDLE 50000
#define HCALL_CHARGE		50
/*
 * Instructions that a spinning vCPU gets of its turn: few next to the others' turns, many next to
 * the cost of a switch.
 */
#define SPIN_PATIENCE		200
/*
 * Instructions between two looks at the clock, and at the clients if they are due. The guest does
 * not notice. The engine shortens a stretch whose instructions are expensive.
 */
#define STRETCH			20000u

/* How often a full console is looked at. */
#define CONSOLE_POLL_NS 10000000ll

/* A decrementer this far away (35 minutes) is one the guest has parked, not a deadline. */
#define IDLE_FOREVER_TICKS (1ull << 40)

#define FOR_EACH_HOOK(machine, hook)                             \
	for (const struct machine_hook *hook = (machine)->hooks; \
	     hook < (machine)->hooks + (machine)->nr_hooks; hook++)

/* ---- hooks ---- */

/* Instructions of this vCPU until a hook wants to see it. */
static uint64_t until_hook(const struct machine *machine, unsigned vcpu)
{
	uint64_t least = MACHINE_NEVER;

	FOR_EACH_HOOK(machine, hook)
	{
		uint64_t wanted = hook->wants ? hook->wants(hook->opaque, vcpu) : MACHINE_NEVER;

		if (wanted < least)
			least = wanted;
	}
	return least;
}

static void tell_before_block(struct machine *machine, unsigned vcpu, bool ceded)
{
	FOR_EACH_HOOK(machine, hook)
	if (hook->before_block)
		hook->before_block(hook->opaque, vcpu, ceded);
}

static void tell_ran(struct machine *machine, unsigned vcpu)
{
	FOR_EACH_HOOK(machine, hook)
	if (hook->ran)
		hook->ran(hook->opaque, vcpu);
}

static void tell_returned(struct machine *machine, unsigned vcpu)
{
	FOR_EACH_HOOK(machine, hook)
	if (hook->returned)
		hook->returned(hook->opaque, vcpu);
}

static void tell_watched(struct machine *machine, unsigned vcpu)
{
	FOR_EACH_HOOK(machine, hook)
	if (hook->watched)
		hook->watched(hook->opaque, vcpu);
}

static void tell_broke(struct machine *machine, unsigned vcpu, uint32_t which)
{
	FOR_EACH_HOOK(machine, hook)
	if (hook->broke)
		hook->broke(hook->opaque, vcpu, which);
}

/* The engine has the hooks' watches before the breaks. A change of state is for the former. */
static void tell_met(struct machine *machine, unsigned vcpu, uint32_t met)
{
	const unsigned count = machine->watches[vcpu].count;

	if (met >> count)
		tell_broke(machine, vcpu, met >> count);
	if (!met || met & ((1u << count) - 1))
		tell_watched(machine, vcpu);
}

static void tell_idle(struct machine *machine, unsigned vcpu)
{
	FOR_EACH_HOOK(machine, hook)
	if (hook->idle)
		hook->idle(hook->opaque, vcpu);
}

/* Let the hooks look at the host's clock, and note when they want to do so again. */
static void poll_hooks(struct machine *machine, uint64_t now_ns)
{
	machine->hooks_due_ns = UINT64_MAX;
	FOR_EACH_HOOK(machine, hook)
	{
		uint64_t due = hook->poll ? hook->poll(hook->opaque, now_ns) : UINT64_MAX;

		if (due < machine->hooks_due_ns)
			machine->hooks_due_ns = due;
	}
}

/* Wait for the clients, at most @timeout_ns (-1: no limit) and not past what a hook waits for. */
static void wait_for_clients(struct machine *machine, int64_t timeout_ns)
{
	uint64_t now = host_ns(), due = machine->hooks_due_ns;

	if (due != UINT64_MAX) {
		int64_t left = due > now ? (int64_t)(due - now) : 0;

		if (timeout_ns < 0 || timeout_ns > left)
			timeout_ns = left;
	}
	machine_poll_clients(machine, timeout_ns);
}

/* ---- run states ---- */

enum vcpu_state machine_vcpu_state(const struct machine *machine, unsigned vcpu)
{
	return machine->vcpus[vcpu].state;
}

static bool is_started(const struct vcpu *v)
{
	return v->state == VCPU_RUNNABLE || v->state == VCPU_CEDED;
}

bool machine_vcpu_waits(const struct machine *machine, unsigned vcpu)
{
	return is_started(&machine->vcpus[vcpu]) && !papr_may_run(machine->papr, vcpu);
}

static bool can_run(const struct machine *machine, unsigned vcpu)
{
	return machine->vcpus[vcpu].state == VCPU_RUNNABLE && papr_may_run(machine->papr, vcpu);
}

/* H_PROD is used up if it ends a wait, or comes while one ends. */
static void end_cede(struct vcpu *v)
{
	if (v->state != VCPU_CEDED)
		return;
	v->state = VCPU_RUNNABLE;
	v->prodded = false;
}

static bool take_prod(struct vcpu *v)
{
	bool prodded = v->prodded;

	v->prodded = false;
	return prodded;
}

/* Another vCPU has something to do now: the one that runs gives up the rest of its turn. */
static void give_turn_to(struct machine *machine, unsigned vcpu)
{
	if (vcpu != machine->round.vcpu)
		machine->round.switch_now = true;
}

enum vcpu_state scheduler_vcpu_state(void *opaque, unsigned vcpu)
{
	return machine_vcpu_state(opaque, vcpu);
}

void scheduler_vcpu_start(void *opaque, unsigned vcpu)
{
	struct machine *machine = opaque;

	machine->vcpus[vcpu] = (struct vcpu){ .state = VCPU_RUNNABLE };
	give_turn_to(machine, vcpu);
}

void scheduler_vcpu_wake(void *opaque, unsigned vcpu)
{
	struct machine *machine = opaque;

	if (machine->vcpus[vcpu].state != VCPU_CEDED)
		return;
	end_cede(&machine->vcpus[vcpu]);
	give_turn_to(machine, vcpu);
}

void scheduler_vcpu_prod(void *opaque, unsigned vcpu)
{
	struct machine *machine = opaque;

	if (machine->vcpus[vcpu].state == VCPU_CEDED)
		scheduler_vcpu_wake(machine, vcpu);
	else
		machine->vcpus[vcpu].prodded = true;
}

void scheduler_vcpu_kick(void *opaque, unsigned vcpu)
{
	struct machine *machine = opaque;

	machine->vcpus[vcpu].kicked = true;
	if (!can_run(machine, vcpu))
		give_turn_to(machine, vcpu);
}

void scheduler_reset(struct machine *machine)
{
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++)
		machine->vcpus[i] = (struct vcpu){ .state = VCPU_STOPPED };
	machine->vcpus[0].state = VCPU_RUNNABLE;
	/* vCPU 0 is next. */
	machine->round = (struct round){ .vcpu = (uint8_t)(machine->config.nr_vcpus - 1) };
}

void scheduler_stop(struct machine *machine)
{
	if (machine->ops->stop)
		machine->ops->stop(machine->engine);
}

/* ---- side by side ---- */

/* A vCPU that waits for its turn is not dispatched, for those who spin for it. */
static void set_beside(struct machine *machine, bool wanted)
{
	const bool before = machine->beside;
	bool beside;

	if (!machine->ops->run_beside || !machine->config.threads)
		return;
	beside = machine->beside = machine->ops->run_beside(machine->engine, wanted);
	if (beside == before)
		return;
	for (unsigned i = 0; !beside && i < machine->config.nr_vcpus; i++)
		if (machine->vcpus[i].state == VCPU_RUNNABLE)
			papr_vcpu_dispatch(machine->papr, i, false);
}

void scheduler_stop_beside(struct machine *machine)
{
	set_beside(machine, false);
}

/*
 * May the vCPUs run beside one another now? What stops one at an exact instruction needs them to
 * take turns.
 */
static bool may_run_beside(const struct machine *machine)
{
	if (!machine->config.threads || machine->stop_at != ENGINE_NO_STOP ||
	    machine->notes_executed || machine->nr_breaks)
		return false;
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++)
		if (machine->watches[i].count || until_hook(machine, i) != MACHINE_NEVER)
			return false;
	return true;
}

/* ---- events ---- */

static bool any_vcpu_left(const struct machine *machine)
{
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++)
		if (is_started(&machine->vcpus[i]))
			return true;
	return false;
}

/* The vCPU has taken an event: set its state, then tell everybody. */
static void took(struct machine *machine, unsigned vcpu, const struct papr_outcome *outcome)
{
	struct machine_event event = { .type = MACHINE_EVENT_FWNMI,
				       .vcpu = vcpu,
				       .outcome = outcome };
	struct vcpu *v = &machine->vcpus[vcpu];

	switch (outcome->result) {
	case PAPR_NOTHING:
		return;
	case PAPR_ROUTINE:
	case PAPR_VECTOR:
	case PAPR_RAISED:
		end_cede(v);
		break;
	case PAPR_DROPPED:
	case PAPR_WAITING:
		break;
	case PAPR_UNSAFE:
		v->state = VCPU_UNSAFE;
		break;
	case PAPR_ENDED:
		machine->round.switch_now = true;
		break;
	case PAPR_REFUSED:
		machine_end_with(machine, MACHINE_FAILED, "cannot deliver to vCPU %u: %s", vcpu,
				 fwnmi_strerror(outcome->error));
		break;
	}
	machine_emit(machine, &event);
	if (!any_vcpu_left(machine))
		machine_end_with(machine, MACHINE_CRASHED,
				 "its last processor was unsafe and has been stopped");
}

void machine_machine_check(struct machine *machine, unsigned vcpu, const struct engine_regs *regs,
			   const struct fwnmi_machine_check *mc)
{
	struct papr_outcome outcome;

	papr_machine_check(machine->papr, vcpu, regs, mc, false, &outcome);
	took(machine, vcpu, &outcome);
}

void machine_system_reset(struct machine *machine, unsigned vcpu, const struct engine_regs *regs)
{
	struct papr_outcome outcome;

	papr_system_reset(machine->papr, vcpu, regs, &outcome);
	took(machine, vcpu, &outcome);
}

/* Deliver what the vCPU was kicked for. If it still has to wait, that was told before. */
static void resume(struct machine *machine, unsigned vcpu)
{
	struct papr_outcome outcome;

	machine->vcpus[vcpu].kicked = false;
	papr_resume(machine->papr, vcpu, &outcome);
	if (outcome.result != PAPR_WAITING)
		took(machine, vcpu, &outcome);
}

/* Does this vCPU have anything to execute now? Wakes it if so. */
static bool runnable(struct machine *machine, unsigned vcpu)
{
	struct vcpu *v = &machine->vcpus[vcpu];

	if (!is_started(v) || papr_ended(machine->papr))
		return false;
	if (v->kicked)
		resume(machine, vcpu);
	if (v->state == VCPU_CEDED && papr_may_run(machine->papr, vcpu)) {
		if (machine->ops->interrupt_pending(machine->engine, vcpu))
			end_cede(v);
		else if (!until_hook(machine, vcpu))
			tell_before_block(machine, vcpu, true);
	}
	return can_run(machine, vcpu);
}

/* ---- exits ---- */

/* The run loop reboots as soon as the limit allows. */
static void want_reboot(struct machine *machine)
{
	if (machine->config.no_reboot) {
		machine_end_with(machine, MACHINE_REBOOT, "%s", "");
		return;
	}
	machine->reboot_due = true;
	scheduler_stop(machine);
}

static void crashed(struct machine *machine)
{
	/* host_event() has stored the guest's message. */
	machine->end = MACHINE_CRASHED;
	if (!machine->why[0])
		snprintf(machine->why, sizeof(machine->why), "the guest crashed");
}

/* H_CEDE: the vCPU idles, unless H_PROD came before. Returns true if it goes on. */
static bool cede(struct machine *machine, unsigned vcpu)
{
	struct vcpu *v = &machine->vcpus[vcpu];

	if (take_prod(v))
		return true;
	v->state = VCPU_CEDED;
	papr_vcpu_dispatch(machine->papr, vcpu, false);
	tell_idle(machine, vcpu);
	return false;
}

/* Returns true if the vCPU goes on in this slice. */
static bool hcall(struct machine *machine, unsigned vcpu)
{
	struct vcpu *v = &machine->vcpus[vcpu];
	struct papr_outcome outcome;

	switch (papr_hcall(machine->papr, vcpu, &outcome)) {
	case PAPR_RESUME:
		return true;
	case PAPR_CEDE:
		return cede(machine, vcpu);
	case PAPR_YIELD:
		return false;
	case PAPR_AWAIT_PROD:
		return take_prod(v);
	case PAPR_STOP:
		v->state = VCPU_STOPPED;
		tell_idle(machine, vcpu);
		return false;
	case PAPR_POWER_OFF:
		machine_end_with(machine, MACHINE_POWERED_OFF, "%s", "");
		return false;
	case PAPR_REBOOT:
		want_reboot(machine);
		return false;
	case PAPR_CRASHED:
		crashed(machine);
		return false;
	case PAPR_FWNMI:
		took(machine, vcpu, &outcome);
		return can_run(machine, vcpu);
	}
	return false;
}

/* Not every planted error has bits of its own, but the engine knows which it was. */
static void name_planted(const struct engine_machine_check *met, struct fwnmi_machine_check *mc)
{
	const struct planted_error *error = planted_error_in(met->planted.where);

	mc->error_type = error->type;
	mc->error_subtype = met->planted.multihit ? error->multihit : error->parity;
	mc->effective_address_valid = true;
	mc->effective_address = met->planted_ea;
}

/* Only an engine with ENGINE_CAP_MC_EXIT reports its own machine checks. */
static bool machine_check_exit(struct machine *machine, unsigned vcpu,
			       const struct engine_exit *exit)
{
	const enum fwnmi_disposition disposition = exit->machine_check.recovered ?
							   FWNMI_DISPOSITION_FULLY_RECOVERED :
							   FWNMI_DISPOSITION_NOT_RECOVERED;
	struct machine_event event = { .type = MACHINE_EVENT_MACHINE_CHECK, .vcpu = vcpu };
	struct papr_outcome outcome;
	struct fwnmi_machine_check mc;
	struct engine_regs regs;

	machine_get_regs(machine, vcpu, &regs);
	fwnmi_mce_analyse(machine_pvr(machine), disposition, regs.nip, exit->machine_check.srr1,
			  (uint32_t)exit->machine_check.dsisr, exit->machine_check.dar, &mc);
	/* The engine may know more than the processor's bits guarantee. */
	mc.dar_valid = exit->machine_check.dar_valid;
	mc.dar = exit->machine_check.dar;
	if (exit->machine_check.dar_valid && mc.error_type == FWNMI_MC_UE) {
		mc.effective_address_valid = true;
		mc.effective_address = exit->machine_check.dar;
	}
	if (exit->machine_check.srr1 & FWNMI_SRR1_MC_LOADSTORE && !exit->machine_check.dar_valid)
		mc.effective_address_valid = false;
	if (exit->machine_check.address_valid && mc.error_type == FWNMI_MC_UE) {
		mc.logical_address_valid = true;
		mc.logical_address = exit->machine_check.address;
	}
	if (exit->machine_check.met_planted)
		name_planted(&exit->machine_check, &mc);
	if (exit->machine_check.met_planted && exit->machine_check.recovered &&
	    exit->machine_check.planted.where == ENGINE_SLB)
		papr_slb_repaired(machine->papr, vcpu);
	event.machine_check = &mc;
	event.nip = regs.nip;
	machine_emit(machine, &event);
	/* Whether a planted error is repaired was said when it was planted. */
	papr_machine_check(machine->papr, vcpu, &regs, &mc, !exit->machine_check.met_planted,
			   &outcome);
	took(machine, vcpu, &outcome);
	return can_run(machine, vcpu);
}

/* A message for a vCPU that is stopped is lost. */
static void ring(struct machine *machine, unsigned vcpu)
{
	if (!is_started(&machine->vcpus[vcpu]))
		return;
	machine->ops->ring_doorbell(machine->engine, vcpu);
	scheduler_vcpu_wake(machine, vcpu);
}

static bool handle_exit(struct machine *machine, unsigned vcpu, const struct engine_exit *exit)
{
	struct papr_outcome outcome;
	struct engine_regs regs;

	/* Whatever is written may heal poison, which others must not look up meanwhile. */
	if (machine->beside && machine->memory.nr_poisoned)
		scheduler_stop(machine);
	switch (exit->reason) {
	case ENGINE_EXIT_BUDGET:
	case ENGINE_EXIT_STOPPED:
		return true;
	case ENGINE_EXIT_HCALL:
		return hcall(machine, vcpu);
	case ENGINE_EXIT_MACHINE_CHECK:
		return machine_check_exit(machine, vcpu, exit);
	case ENGINE_EXIT_KICKED:
	case ENGINE_EXIT_YIELD:
	case ENGINE_EXIT_RUNNING:
		return false;
	case ENGINE_EXIT_TRAP:
		if (!papr_trap(machine->papr, vcpu, exit->trap, &outcome))
			return machine_check_exit(machine, vcpu, exit);
		took(machine, vcpu, &outcome);
		return can_run(machine, vcpu);
	case ENGINE_EXIT_DOORBELL:
		ring(machine, exit->rings);
		return true;
	case ENGINE_EXIT_DEBUG:
		tell_returned(machine, vcpu);
		return true;
	case ENGINE_EXIT_WATCHED:
		tell_met(machine, vcpu, exit->watched);
		return can_run(machine, vcpu);
	case ENGINE_EXIT_FAILED:
		machine_get_regs(machine, vcpu, &regs);
		machine_end_with(machine, MACHINE_FAILED, "vCPU %u at 0x%016llx: %s", vcpu,
				 (unsigned long long)regs.nip, exit->message);
		return false;
	}
	return false;
}

/* ---- turns ---- */

/* Ticks until the first decrementer interrupt of an idle vCPU; IDLE_FOREVER_TICKS if none. */
static uint64_t ticks_to_deadline(struct machine *machine)
{
	uint64_t now = machine_timebase(machine), first = IDLE_FOREVER_TICKS;

	for (unsigned i = 0; i < machine->config.nr_vcpus; i++) {
		uint64_t deadline, left;

		if (machine->vcpus[i].state != VCPU_CEDED)
			continue;
		deadline = machine->ops->deadline(machine->engine, i);
		left = (int64_t)(deadline - now) > 0 ? deadline - now : 0;
		if (left < first)
			first = left;
	}
	return first;
}

/* How long the vCPU may run. @alone: no other vCPU could use the time. */
static uint64_t slice_length(struct machine *machine, bool alone)
{
	uint64_t ticks;

	if (!alone)
		return SLICE_SHARED;
	ticks = ticks_to_deadline(machine);
	if (ticks == IDLE_FOREVER_TICKS)
		return SLICE_ALONE;
	/*
	 * An idle vCPU's timer fires on the exact tick with CLOCK_INSN, roughly on time with
	 * CLOCK_HOST.
	 */
	if (machine->clock.mode == CLOCK_HOST)
		return SLICE_ALONE_OTHERS_IDLE;
	if (ticks * INSNS_PER_TICK >= SLICE_ALONE)
		return SLICE_ALONE;
	return ticks * INSNS_PER_TICK + 1;
}

/* Wait for a full console to drain; false if something else has to be done first. */
static bool wait_for_console(struct machine *machine)
{
	while (machine->console_full && machine->clock.mode == CLOCK_INSN) {
		if (machine->quit || machine->reset_requested || machine->paused)
			return false;
		poll_hooks(machine, host_ns());
		wait_for_clients(machine, CONSOLE_POLL_NS);
	}
	return true;
}

/*
 * Serve clients during a slice, so that no guest keeps them waiting. False: what a client wants
 * comes before the rest of the slice.
 */
static bool serve_clients(struct machine *machine)
{
	if (host_ns() >= machine->next_poll_ns)
		machine_poll_clients(machine, 0);
	return !machine->paused && !machine->reset_requested && !machine->quit;
}

/* Does every other vCPU that could run wait in a loop? */
static bool others_wait(const struct machine *machine, unsigned vcpu)
{
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++)
		if (i != vcpu && can_run(machine, i) && !machine->vcpus[i].gave_up &&
		    !machine->ops->waits(machine->engine, i))
			return false;
	return true;
}

/* How long it may wait in a loop, from now on. */
static void renew_patience(struct machine *machine, unsigned vcpu)
{
	if (machine->ops->set_patience && !machine->beside)
		machine->ops->set_patience(machine->engine, vcpu,
					   machine->round.alone ? UINT64_MAX : SPIN_PATIENCE,
					   others_wait(machine, vcpu));
}

/* Has a client loaded another state meanwhile? Then the turn is to be looked up anew. */
static bool was_loaded(struct machine *machine)
{
	bool loaded = machine->loaded;

	machine->loaded = false;
	return loaded;
}

static void begin_turn(struct machine *machine, unsigned vcpu)
{
	const unsigned last = machine->round.vcpu;

	machine->round.left = (int64_t)slice_length(machine, machine->round.alone);
	if (!machine->beside && last != vcpu && machine->vcpus[last].state == VCPU_RUNNABLE)
		papr_vcpu_dispatch(machine->papr, last, false);
	papr_vcpu_dispatch(machine->papr, vcpu, true);
	machine->round.vcpu = vcpu;
	machine->round.switch_now = false;
	machine->vcpus[vcpu].gave_up = false;
	renew_patience(machine, vcpu);
}

/* What came of a stretch of a turn. */
enum stretch {
	STRETCH_GOES_ON, /* there may be more of the turn */
	STRETCH_ENDS_TURN,
	STRETCH_LEFT_RUNNING, /* the same, and the vCPU runs on its own thread */
};

/*
 * Let the hooks look at the vCPU if they want to. False: it can't run then. *@until: instructions
 * until they want to again; 0: at the next block.
 */
static bool show_to_hooks(struct machine *machine, unsigned vcpu, uint64_t *until)
{
	*until = until_hook(machine, vcpu);
	if (*until)
		return true;
	tell_before_block(machine, vcpu, false);
	*until = until_hook(machine, vcpu);
	return can_run(machine, vcpu);
}

static enum stretch run_stretch(struct machine *machine, unsigned vcpu)
{
	const struct engine_ops *ops = machine->ops;
	struct round *round = &machine->round;
	uint64_t max = round->left < STRETCH ? (uint64_t)round->left : STRETCH;
	uint64_t before = ops->insns(machine->engine, vcpu);
	uint64_t to_stop, until;
	struct engine_exit exit = { .in_block = false };
	bool switch_later;

	if (machine->vcpus[vcpu].kicked && !runnable(machine, vcpu))
		return STRETCH_ENDS_TURN;
	if (!show_to_hooks(machine, vcpu, &until))
		return STRETCH_ENDS_TURN;
	if (machine->paused)
		return STRETCH_GOES_ON; /* a hook has stopped the machine before this instruction */
	if (machine->stop_at == machine_insns(machine))
		return STRETCH_GOES_ON; /* that is what a hook has asked for */
	to_stop = machine->stop_at - machine_insns(machine);
	if (!until)
		max = 1;
	else if (until < to_stop)
		to_stop = until;
	/* Also if it is farther than max, which the last block may pass. */
	if (to_stop < MACHINE_NEVER / 2)
		ops->stop_at(machine->engine, vcpu, before + to_stop);
	ops->run(machine->engine, vcpu, max, &exit);
	if (exit.reason != ENGINE_EXIT_DEBUG)
		tell_ran(machine, vcpu);
	round->left -= (int64_t)(ops->insns(machine->engine, vcpu) - before);
	/* A turn ends between two blocks, wherever it was stopped. */
	if (exit.in_block && round->left <= 0)
		round->left = 1;
	/* Likewise if an access to a device has woken another vCPU. */
	switch_later = exit.in_block && round->switch_now;
	if (exit.reason == ENGINE_EXIT_BUDGET || exit.reason == ENGINE_EXIT_STOPPED)
		return round->switch_now && !switch_later ? STRETCH_ENDS_TURN : STRETCH_GOES_ON;
	if (exit.reason == ENGINE_EXIT_HCALL)
		round->left -= HCALL_CHARGE;
	if (exit.reason == ENGINE_EXIT_RUNNING)
		return STRETCH_LEFT_RUNNING;
	machine->vcpus[vcpu].gave_up = exit.reason == ENGINE_EXIT_YIELD;
	if (exit.reason != ENGINE_EXIT_WATCHED)
		renew_patience(machine, vcpu);
	if (!handle_exit(machine, vcpu, &exit) || (round->switch_now && !switch_later))
		return STRETCH_ENDS_TURN;
	return STRETCH_GOES_ON;
}

/*
 * Run the vCPU to the end of its turn, or until something else has to be done first: then left is
 * not 0. Returns false if the vCPU was only left running.
 */
static bool run_turn(struct machine *machine, unsigned vcpu)
{
	struct round *round = &machine->round;
	bool active = false;

	while (round->left > 0) {
		if (machine->stop_at == machine_insns(machine)) {
			machine->stop_at = ENGINE_NO_STOP;
			machine_end_with(machine, MACHINE_STOPPED, "%s", "");
			return true;
		}
		if (machine->quit || !serve_clients(machine) || !wait_for_console(machine) ||
		    was_loaded(machine))
			return true;
		switch (run_stretch(machine, vcpu)) {
		case STRETCH_GOES_ON:
			active = true;
			break;
		case STRETCH_ENDS_TURN:
			active = true;
			round->left = 0;
			break;
		case STRETCH_LEFT_RUNNING:
			round->left = 0;
			break;
		}
	}
	round->left = 0;
	return active;
}

static void begin_round(struct machine *machine)
{
	struct round *round = &machine->round;
	unsigned count = 0;

	machine->woken = false;
	set_beside(machine, may_run_beside(machine));
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++) {
		round->ready[i] = machine->end == MACHINE_RUNNING && runnable(machine, i);
		count += round->ready[i];
	}
	round->alone = count == 1;
	round->first = (uint8_t)((round->vcpu + 1) % machine->config.nr_vcpus);
	round->done = 0;
	round->under_way = count;
}

/*
 * Give one turn to every vCPU that can use it, starting after the last one. False if none can, or
 * if all that can run do so on their own threads.
 */
static bool run_round(struct machine *machine)
{
	const unsigned n = machine->config.nr_vcpus;
	struct round *round = &machine->round;
	bool active = false;

	if (!round->under_way)
		begin_round(machine);
	while (round->under_way && round->done < n) {
		unsigned vcpu = (round->first + round->done) % n;

		if (machine->end != MACHINE_RUNNING || machine->reset_requested || machine->quit ||
		    machine->reboot_due || papr_ended(machine->papr) || machine->paused)
			return true;
		/* An earlier vCPU's turn may have changed that. */
		if (!round->left && round->ready[vcpu] && can_run(machine, vcpu))
			begin_turn(machine, vcpu);
		if (round->left)
			active |= run_turn(machine, vcpu);
		if (!round->left)
			round->done++;
	}
	round->under_way = false;
	return active || machine->woken;
}

/* ---- the run loop ---- */

/* No vCPU can run: advance to the next timer interrupt, instantly with CLOCK_INSN. */
static void idle(struct machine *machine)
{
	uint64_t ticks = ticks_to_deadline(machine);
	int64_t timeout_ns = -1;

	if (ticks < IDLE_FOREVER_TICKS) {
		if (machine->clock.mode == CLOCK_INSN) {
			machine->clock.offset += ticks;
			return;
		}
		timeout_ns = (int64_t)(ticks * 125 / 64);
	} else if (machine->config.ends_when_stuck && machine->clock.mode == CLOCK_INSN) {
		machine_end_with(machine, MACHINE_STUCK, "no CPU will ever run again");
		return;
	}
	wait_for_clients(machine, timeout_ns);
}

/* Apply what LoPAR calls the partition's reboot policy. */
static void run_reboot_policy(struct machine *machine)
{
	const struct papr_fwnmi_end *end = papr_fwnmi_end(machine->papr);

	switch (machine->config.reboot_policy) {
	case REBOOT_POLICY_HALT:
		machine_end_with(machine, MACHINE_CRASHED, "%s (vCPU %u)",
				 fwnmi_end_reason_text(end->reason), end->vcpu);
		break;
	case REBOOT_POLICY_REBOOT:
		want_reboot(machine);
		break;
	case REBOOT_POLICY_PAUSE:
		machine_pause(machine, true);
		break;
	}
}

/*
 * Wait until the reboot limit allows a pending reboot; forever if only a client can change
 * anything.
 */
static void stand_still(struct machine *machine, uint64_t wait_ns)
{
	wait_for_clients(machine, wait_ns ? (int64_t)wait_ns : -1);
}

static void reboot_when_allowed(struct machine *machine, uint64_t now)
{
	if (limit_take(&machine->reboots, now))
		machine_reboot(machine, true);
	else
		stand_still(machine, limit_wait(&machine->reboots, now));
}

enum machine_end machine_run(struct machine *machine, char *why, size_t why_size)
{
	struct machine_event event = { .type = MACHINE_EVENT_SHUTDOWN };

	machine->end = MACHINE_RUNNING;
	machine->why[0] = '\0';
	while (machine->end == MACHINE_RUNNING) {
		uint64_t now = host_ns();

		poll_hooks(machine, now);
		if (machine->quit)
			machine_end_with(machine, MACHINE_QUIT, "%s", "");
		else if (machine->reset_requested)
			machine_reboot(machine, false);
		else if (machine->paused)
			stand_still(machine, 0);
		else if (machine->reboot_due)
			reboot_when_allowed(machine, now);
		else if (papr_ended(machine->papr))
			run_reboot_policy(machine);
		else if (now >= machine->next_poll_ns)
			machine_poll_clients(machine, 0);
		else if (!run_round(machine) && machine->end == MACHINE_RUNNING)
			idle(machine);
	}
	scheduler_stop(machine);
	event.end = machine->end;
	event.why = machine->why;
	if (machine->end != MACHINE_STOPPED)
		machine_emit(machine, &event);
	snprintf(why, why_size, "%s", machine->why);
	return machine->end;
}
