/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for a trigger; see armed_trigger.h. Nothing is single-stepped: the engine counts
 * instructions and watches addresses and the vCPU's state at full speed. An engine that can't watch
 * the state is stopped before each block: only mtmsr, rfid, system calls and interrupts change
 * MSR's bits, and each of them ends a block.
 */
#include <stdio.h>
#include <string.h>

#include "inject/armed_trigger.h"
#include "isa/interrupt.h"

bool trigger_fits_machine(const struct trigger *t, const struct machine *machine, char *err,
			  size_t err_size)
{
	uint32_t pid;

	if (!machine_can_watch(machine) && (t->point != TRIGGER_ANYTHING || t->from_insn ||
					    t->count > 1 || t->after || t->within || t->rtas))
		snprintf(err, err_size,
			 "this engine cannot stop at an instruction: it can wait for user, kernel, "
			 "real, ri, handler and interlocked only");
	else if (t->has_pidr && !machine_pid(machine, 0, &pid))
		snprintf(err, err_size, "this engine does not tell PIDR");
	else
		return true;
	return false;
}

/* ---- the engine's part ---- */

static struct engine_watch fetch_of(uint64_t address)
{
	return (struct engine_watch){ ENGINE_FETCH, false, address, address };
}

static unsigned accesses_of(enum trigger_point point)
{
	switch (point) {
	case TRIGGER_READ:
		return ENGINE_READ;
	case TRIGGER_WRITE:
		return ENGINE_WRITE;
	case TRIGGER_ACCESS:
		return ENGINE_READ | ENGINE_WRITE;
	default:
		return ENGINE_FETCH;
	}
}

/* Returns how many there are. */
static unsigned make_watches(const struct trigger *t, struct machine *machine,
			     struct engine_watch *watches)
{
	if (t->point == TRIGGER_ANYTHING) {
		watches[0] = (struct engine_watch){ .accesses = ENGINE_FETCH, .real = true };
		papr_rtas_code(machine_papr(machine), &watches[0].first, &watches[0].last);
		return 1;
	}
	if (t->point == TRIGGER_VECTOR) {
		watches[0] = fetch_of(interrupt_address(t->vector, 0));
		watches[1] = fetch_of(interrupt_address(t->vector, 2));
		watches[2] = fetch_of(interrupt_address(t->vector, 3));
		return 3;
	}
	if (t->one_place) {
		watches[0] = fetch_of(t->first.address);
		watches[1] = fetch_of(t->first.local_entry);
		return t->first.local_entry == t->first.address ? 1 : 2;
	}
	watches[0] = (struct engine_watch){ accesses_of(t->point), t->real_address,
					    t->first.address, t->last.address };
	return 1;
}

/* ---- steps ---- */

/* RTAS is a place, too. */
static bool has_place(const struct trigger *t)
{
	return t->point != TRIGGER_ANYTHING || t->rtas;
}

static void watch_place(const struct trigger *t, struct machine *machine, unsigned vcpu)
{
	struct engine_watch watches[ENGINE_MAX_WATCHES];

	machine_watch(machine, vcpu, watches, make_watches(t, machine, watches));
}

/* MSR's bits that decide whether it is true. */
static uint64_t state_bits(const struct armed_trigger *armed)
{
	const struct trigger *t = &armed->trigger;
	uint64_t bits = 0;

	if (t->ri != TRIGGER_RI_ANY && (armed->step == ARMED_RI || !t->after))
		bits |= MSR_RI;
	if (armed->step == ARMED_RI)
		return bits;
	if (t->context != INJECT_ANY)
		bits |= MSR_PR;
	if (t->real_mode || t->translated)
		bits |= MSR_IR | MSR_DR;
	/* A process is in the kernel from an interrupt or a system call on. */
	if (trigger_names_process(t))
		bits |= MSR_PR;
	return bits;
}

static void watch_state(struct armed_trigger *armed, struct machine *machine, unsigned vcpu)
{
	armed->look_due = true;
	armed->polled = !machine_watch_state(machine, vcpu, state_bits(armed),
					     armed->step == ARMED_STATE &&
						     (armed->trigger.has_pidr ||
						      trigger_names_process(&armed->trigger)));
}

/* Enter a step that looks at the vCPU's state. */
static void await_state(struct armed_trigger *armed, enum armed_step step, struct machine *machine,
			unsigned vcpu)
{
	armed->step = step;
	watch_state(armed, machine, vcpu);
}

static bool awaits_state(const struct armed_trigger *armed)
{
	return armed->step == ARMED_STATE || armed->step == ARMED_RI;
}

void armed_loaded(struct armed_trigger *armed, struct machine *machine, unsigned vcpu)
{
	if (armed->step == ARMED_PLACE)
		watch_place(&armed->trigger, machine, vcpu);
	else if (awaits_state(armed))
		watch_state(armed, machine, vcpu);
}

void armed_fwnmi_changed(struct armed_trigger *armed)
{
	armed->look_due = true;
}

static void begin_search(struct armed_trigger *armed, struct machine *machine, unsigned vcpu)
{
	const struct trigger *t = &armed->trigger;

	if (!has_place(t)) {
		await_state(armed, ARMED_STATE, machine, vcpu);
		return;
	}
	armed->step = ARMED_PLACE;
	watch_place(t, machine, vcpu);
}

void armed_begin(struct armed_trigger *armed, const struct trigger *trigger,
		 struct machine *machine)
{
	*armed = (struct armed_trigger){
		.trigger = *trigger,
		.step = ARMED_FROM,
		.hits_left = trigger->count ? trigger->count : 1,
		.give_up_at = trigger->within ? machine_insns(machine) + trigger->within :
						UINT64_MAX,
	};
}

void armed_end(struct armed_trigger *armed, struct machine *machine, unsigned vcpu)
{
	if (armed->step == ARMED_PLACE)
		machine_watch(machine, vcpu, NULL, 0);
	else if (awaits_state(armed))
		machine_watch_state(machine, vcpu, 0, false);
	armed->step = ARMED_NOT;
}

void armed_release(struct armed_trigger *armed, struct machine *machine, unsigned vcpu)
{
	armed_end(armed, machine, vcpu);
	await_state(armed, ARMED_RI, machine, vcpu);
}

static uint64_t left(uint64_t count, uint64_t goal)
{
	return goal > count ? goal - count : 0;
}

uint64_t armed_wants(const struct armed_trigger *armed, const struct machine *machine,
		     unsigned vcpu)
{
	switch (armed->step) {
	case ARMED_NOT:
	case ARMED_PLACE:
		return MACHINE_NEVER;
	case ARMED_FROM:
		return left(machine_insns(machine), armed->trigger.from_insn);
	case ARMED_COUNTDOWN:
		return left(machine_vcpu_insns(machine, vcpu), armed->fire_at);
	case ARMED_STATE:
	case ARMED_RI:
		break;
	}
	if (armed->polled || armed->look_due || armed->was_ceded ||
	    machine_vcpu_state(machine, vcpu) == VCPU_CEDED)
		return 0;
	return MACHINE_NEVER;
}

/* ---- conditions ---- */

static bool ri_fits(const struct trigger *t, const struct armed_moment *moment)
{
	switch (t->ri) {
	case TRIGGER_RECOVERABLE:
		/* Where it comes back from H_CEDE it is recoverable. */
		return moment->ceded || moment->regs->msr & MSR_RI;
	case TRIGGER_UNRECOVERABLE:
		return !(moment->regs->msr & MSR_RI);
	case TRIGGER_RI_ANY:
		break;
	}
	return true;
}

static bool mode_fits(const struct trigger *t, const struct armed_moment *moment)
{
	const bool user = moment->regs->msr & MSR_PR;

	if (t->context == INJECT_IDLE && !moment->ceded)
		return false;
	if (t->context != INJECT_ANY && user != (t->context == INJECT_USER))
		return false;
	if (t->translated && ~moment->regs->msr & (MSR_IR | MSR_DR))
		return false;
	return !t->real_mode || !(moment->regs->msr & (MSR_IR | MSR_DR));
}

static bool fwnmi_fits(const struct trigger *t, struct machine *machine, unsigned vcpu,
		       const struct armed_moment *moment)
{
	struct papr_fwnmi_state state;

	if (t->fwnmi == TRIGGER_INTERLOCKED)
		return moment->interlocked;
	if (t->fwnmi != TRIGGER_HANDLER)
		return true;
	papr_fwnmi_state(machine_papr(machine), &state);
	return state.interlock_held && state.owner == vcpu;
}

static bool in_rtas(struct machine *machine, const struct armed_moment *moment)
{
	uint64_t first, last;

	papr_rtas_code(machine_papr(machine), &first, &last);
	return !(moment->regs->msr & MSR_IR) && !moment->ceded && moment->regs->nip >= first &&
	       moment->regs->nip <= last;
}

/* The vectors of relocated interrupts are addresses of the kernel with relocation on. */
static bool at_vector(const struct trigger *t, const struct engine_regs *regs)
{
	if (regs->msr & MSR_PR)
		return false;
	if (!(regs->msr & MSR_IR))
		return regs->nip == interrupt_address(t->vector, 0);
	return regs->nip == interrupt_address(t->vector, 2) ||
	       regs->nip == interrupt_address(t->vector, 3);
}

static bool process_fits(const struct trigger *t, const struct trigger_process *process)
{
	if (t->has_pid && (!process->has_pid || process->pid != t->pid))
		return false;
	return !t->process[0] || !strcmp(t->process, process->name);
}

/* Everything but MSR[RI]. */
static bool state_fits(const struct trigger *t, struct machine *machine, unsigned vcpu,
		       const struct armed_moment *moment)
{
	uint32_t pid;

	if (!mode_fits(t, moment) || !fwnmi_fits(t, machine, vcpu, moment) ||
	    (t->rtas && !in_rtas(machine, moment)) ||
	    (t->point == TRIGGER_VECTOR && !at_vector(t, moment->regs)) ||
	    !process_fits(t, &moment->process))
		return false;
	return !t->has_pidr || (machine_pid(machine, vcpu, &pid) && pid == t->pidr);
}

/* Without a countdown MSR[RI] is one more condition; with one, of the instruction at its end. */
static bool is_true(const struct trigger *t, struct machine *machine, unsigned vcpu,
		    const struct armed_moment *moment)
{
	return state_fits(t, machine, vcpu, moment) && (t->after || ri_fits(t, moment));
}

/* It has come true once more. True: this is the instruction. */
static bool hit(struct armed_trigger *armed, struct machine *machine, unsigned vcpu)
{
	if (--armed->hits_left)
		return false;
	armed_end(armed, machine, vcpu);
	if (!armed->trigger.after)
		return true;
	armed->fire_at = machine_vcpu_insns(machine, vcpu) + armed->trigger.after;
	armed->step = ARMED_COUNTDOWN;
	return false;
}

/* The state may have changed: is this the instruction? */
static bool look_at_state(struct armed_trigger *armed, struct machine *machine, unsigned vcpu,
			  const struct armed_moment *moment)
{
	const struct trigger *t = &armed->trigger;
	bool now;

	armed->look_due = false;
	armed->was_ceded = moment->ceded;
	if (armed->step == ARMED_RI)
		return ri_fits(t, moment);
	now = is_true(t, machine, vcpu, moment);
	if (now && !armed->was_true && hit(armed, machine, vcpu))
		return true;
	armed->was_true = now;
	return false;
}

bool armed_watched(struct armed_trigger *armed, struct machine *machine, unsigned vcpu,
		   const struct armed_moment *moment)
{
	if (awaits_state(armed))
		return look_at_state(armed, machine, vcpu, moment);
	if (armed->step != ARMED_PLACE)
		return false;
	if (is_true(&armed->trigger, machine, vcpu, moment))
		return hit(armed, machine, vcpu);
	armed->rejected++;
	return false;
}

bool armed_look(struct armed_trigger *armed, struct machine *machine, unsigned vcpu,
		const struct armed_moment *moment)
{
	if (armed_wants(armed, machine, vcpu))
		return false;
	if (armed->step == ARMED_FROM)
		begin_search(armed, machine, vcpu);
	if (armed->step == ARMED_COUNTDOWN)
		await_state(armed, ARMED_RI, machine, vcpu);
	return awaits_state(armed) && look_at_state(armed, machine, vcpu, moment);
}
