/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A trigger that waits to come true for one vCPU of a machine: where the engine has to stop it, and
 * whether this is the instruction. It delivers nothing.
 */
#ifndef FWNMI_INJECT_ARMED_TRIGGER_H
#define FWNMI_INJECT_ARMED_TRIGGER_H

#include "inject/trigger.h"
#include "machine/machine.h"

/* What it waits for, in this order. */
enum armed_step {
	ARMED_NOT,
	ARMED_FROM, /* instruction trigger.from_insn of the run */
	ARMED_PLACE, /* the engine watches for trigger.point */
	ARMED_STATE, /* looked at when it may have changed, only between two blocks */
	ARMED_COUNTDOWN, /* trigger.after instructions */
	ARMED_RI, /* the rest has come true, MSR[RI] has to fit */
};

struct armed_trigger {
	struct trigger trigger;
	enum armed_step step;
	uint64_t hits_left;
	uint64_t fire_at; /* ARMED_COUNTDOWN: count of the vCPU's instructions */
	uint64_t give_up_at; /* count of the machine's instructions; UINT64_MAX: never */
	bool was_true; /* ARMED_STATE: at the last look */
	bool was_ceded; /* at the last look */
	bool polled; /* ARMED_STATE, ARMED_RI: the engine can't tell of changes */
	bool look_due; /* the state may have changed since the last look */
	uint64_t rejected; /* how often the place was reached, but something else did not fit */
};

/* A vCPU before an instruction. */
struct armed_moment {
	const struct engine_regs *regs;
	bool ceded; /* it is in H_CEDE */
	bool interlocked; /* see TRIGGER_INTERLOCKED */
	struct trigger_process process; /* that it runs */
};

/** trigger_fits_machine() - can this machine's engine wait for it? If not, @err says so. */
bool trigger_fits_machine(const struct trigger *trigger, const struct machine *machine, char *err,
			  size_t err_size);
/** armed_begin() - @trigger: resolved; it fits the machine */
void armed_begin(struct armed_trigger *armed, const struct trigger *trigger,
		 struct machine *machine);
/** armed_end() - it does not matter any more. */
void armed_end(struct armed_trigger *armed, struct machine *machine, unsigned vcpu);
/** armed_loaded() - it was loaded, and the engine watches nothing. */
void armed_loaded(struct armed_trigger *armed, struct machine *machine, unsigned vcpu);
/** armed_release() - all but MSR[RI] counts as true from now on. */
void armed_release(struct armed_trigger *armed, struct machine *machine, unsigned vcpu);
/** armed_fwnmi_changed() - what FWNMI thinks of a vCPU may have changed. */
void armed_fwnmi_changed(struct armed_trigger *armed);
/** armed_wants() - machine_hook.wants() */
uint64_t armed_wants(const struct armed_trigger *armed, const struct machine *machine,
		     unsigned vcpu);
/** armed_look() - at machine_hook.before_block(): is this the instruction? */
bool armed_look(struct armed_trigger *armed, struct machine *machine, unsigned vcpu,
		const struct armed_moment *moment);
/** armed_watched() - at machine_hook.watched(): is this the instruction? */
bool armed_watched(struct armed_trigger *armed, struct machine *machine, unsigned vcpu,
		   const struct armed_moment *moment);

#endif
