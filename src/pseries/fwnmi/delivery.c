/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How machine checks and system resets reach the guest: libfwnmi decides what happens to an event,
 * and this file carries it out. The vCPU enters the registered routine, or its trampoline, or, if
 * the guest has not registered, the architected vector. LoPAR section "Firmware Assisted
 * Non-Maskable Interrupts Option (FWNMI)"; trampolines: payload/trampoline/README.md.
 */
#include <stdio.h>
#include <stdlib.h>

#include "isa/vector.h"
#include "pseries/private.h"

/* ---- libfwnmi's callbacks ---- */

/* The library only looks whether code is still there. The vCPU is the one to meet poison. */
static int read_memory(void *opaque, uint64_t real_address, void *buf, size_t len)
{
	struct papr *papr = opaque;

	return memory_peek(papr->memory, real_address, buf, len) ? 0 : -1;
}

static void kick(void *opaque, unsigned cpu)
{
	struct papr *papr = opaque;

	papr->config.host.vcpu_kick(papr->config.host.opaque, cpu);
}

/*
 * The embedded processor can rebuild its translations, so flushing them is a repair; those of a SLB
 * are in its shadow buffer, if there is one. An injected error is not repaired: it must arrive as
 * asked for.
 */
static int repair(void *opaque, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	struct papr *papr = opaque;

	if (!papr->may_repair)
		return -1;
	if (mc->error_type == FWNMI_MC_SLB && !papr->partition.radix && !slb_restore(papr, cpu))
		return -1;
	papr->config.engine_ops->flush_tlb(papr->config.engine, true);
	return 0;
}

static const struct fwnmi_ops fwnmi_ops = {
	.read_memory = read_memory,
	.kick = kick,
	.repair = repair,
};

static bool make_fwnmi(struct papr *papr, const struct fwnmi_config *config, char *err,
		       size_t err_size)
{
	const size_t size = fwnmi_sizeof(config);

	free(papr->fwnmi);
	papr->fwnmi = size ? malloc(size) : NULL;
	if (papr->fwnmi && fwnmi_init(papr->fwnmi, size, &fwnmi_ops, papr, config) == 0)
		return true;
	snprintf(err, err_size, "FWNMI: %s", size ? "out of memory" : fwnmi_config_error(config));
	return false;
}

bool papr_fwnmi_init(struct papr *papr, char *err, size_t err_size)
{
	const struct fwnmi_config config = {
		.nr_cpus = papr->config.nr_vcpus,
		.rtas_base = papr->rtas_base,
		.rtas_size = papr->rtas_size,
		.save_area_offset = RTAS_CODE_SIZE,
		.strict = papr->config.options.fwnmi_strict,
		.interrupts_little_endian = false,
		.stale_handler = papr->config.options.stale_handler,
		.nested_machine_check = papr->config.options.nested_machine_check,
	};

	papr->ended = false;
	papr->trampolines_installed = false;
	/*
	 * A reboot keeps the logs that event-scan has not fetched yet, unless the layout has
	 * changed.
	 */
	if (papr->fwnmi && papr->fwnmi_rtas_base == config.rtas_base &&
	    papr->fwnmi_rtas_size == config.rtas_size)
		return fwnmi_reset(papr->fwnmi) == 0;
	if (!make_fwnmi(papr, &config, err, err_size))
		return false;
	papr->fwnmi_rtas_base = config.rtas_base;
	papr->fwnmi_rtas_size = config.rtas_size;
	return true;
}

/* ---- registers ---- */

static void set_regs(struct papr *papr, unsigned vcpu, const struct engine_regs *regs)
{
	papr->config.engine_ops->set_regs(papr->config.engine, vcpu, regs);
}

/*
 * The registers as they were at the interrupt. Once a vCPU's trampoline has made its call, they are
 * where the interrupt and the trampoline saved them. Translating here keeps trampolines out of the
 * library.
 */
static struct fwnmi_regs interrupted(const struct papr *papr, unsigned vcpu,
				     const struct engine_regs *regs)
{
	struct fwnmi_regs out = { .gpr3 = regs->gpr[3],
				  .srr0 = regs->srr0,
				  .srr1 = regs->srr1,
				  .msr = regs->msr,
				  .nip = regs->nip };

	if (papr->vcpu[vcpu].in_trampoline) {
		out.gpr3 = regs->sprg[2];
		out.nip = regs->srr0;
		out.msr = regs->srr1 & ~FWNMI_SRR1_CAUSE_MASK;
	}
	return out;
}

/* Back to where the trampoline's interrupt came from. */
static void leave_trampoline(struct papr *papr, unsigned vcpu, struct engine_regs *regs)
{
	const struct fwnmi_regs before = interrupted(papr, vcpu, regs);

	regs->gpr[3] = before.gpr3;
	regs->nip = before.nip;
	regs->msr = before.msr;
	set_regs(papr, vcpu, regs);
	papr->vcpu[vcpu].in_trampoline = false;
}

/* Carry out FWNMI_DELIVERED: what is to be written, and the registers. */
static bool enter(struct papr *papr, unsigned vcpu, const struct fwnmi_outcome *fwnmi,
		  struct engine_regs *regs)
{
	if (!memory_write(papr->memory, fwnmi->write.address, fwnmi->write.bytes,
			  fwnmi->write.length))
		return false;
	regs->gpr[3] = fwnmi->regs.gpr3;
	regs->srr0 = fwnmi->regs.srr0;
	regs->srr1 = fwnmi->regs.srr1;
	regs->msr = fwnmi->regs.msr;
	regs->nip = fwnmi->regs.nip;
	if (fwnmi->dsisr_valid)
		regs->dsisr = fwnmi->dsisr;
	if (fwnmi->dar_valid)
		regs->dar = fwnmi->dar;
	set_regs(papr, vcpu, regs);
	return true;
}

static void enter_routine(struct papr *papr, unsigned vcpu, const struct fwnmi_outcome *fwnmi,
			  struct papr_outcome *outcome)
{
	if (!enter(papr, vcpu, fwnmi, &outcome->regs)) {
		outcome->result = PAPR_REFUSED;
		outcome->error = FWNMI_ERR_MEMORY;
		return;
	}
	papr->vcpu[vcpu].in_trampoline = false;
	outcome->result = PAPR_ROUTINE;
}

/* ---- the architected interrupt ---- */

/* Take the trampoline's interrupt again, into the guest's own code at the vector. */
static void give_back(struct papr *papr, unsigned vcpu, unsigned vector, struct engine_regs *regs)
{
	trampolines_remove(papr);
	regs->gpr[3] = regs->sprg[2];
	regs->nip = vector;
	set_regs(papr, vcpu, regs);
	papr->vcpu[vcpu].in_trampoline = false;
}

static void enter_vector(struct papr *papr, unsigned vcpu, const struct fwnmi_outcome *fwnmi,
			 struct papr_outcome *outcome)
{
	outcome->result = PAPR_VECTOR;
	outcome->stale = fwnmi->entry == FWNMI_ENTRY_STALE;
	if (outcome->stale)
		papr_warn(papr,
			  "cpu %u: the registered routine is gone: 0x%x is "
			  "entered instead",
			  vcpu, fwnmi->vector);
	if (papr->vcpu[vcpu].in_trampoline)
		give_back(papr, vcpu, fwnmi->vector, &outcome->regs);
	else
		enter(papr, vcpu, fwnmi, &outcome->regs); /* writes no memory */
}

/* ---- events ---- */

/* Keep the log of what ended the partition: it outlives the reboot. */
static void note_end(struct papr *papr, unsigned vcpu, enum fwnmi_end_reason reason)
{
	struct papr_fwnmi_end *end = &papr->fwnmi_end;
	int length = fwnmi_end_log(papr->fwnmi, end->log, sizeof(end->log));

	end->happened = true;
	end->vcpu = vcpu;
	end->reason = reason;
	end->log_length = length > 0 ? (unsigned)length : 0;
	papr->ended = true;
}

/* Carry out what libfwnmi says. @err is its return value, @regs what the event interrupted. */
static void carry_out(struct papr *papr, unsigned vcpu, const struct engine_regs *regs, int err,
		      const struct fwnmi_outcome *fwnmi, struct papr_outcome *outcome)
{
	*outcome = (struct papr_outcome){ .vector = fwnmi->vector, .regs = *regs, .error = err };
	if (err) {
		papr_debug(papr, "cpu %u: event for vector 0x%x not delivered: %s", vcpu,
			   fwnmi->vector, fwnmi_strerror(err));
		outcome->result = PAPR_REFUSED;
		return;
	}
	switch (fwnmi->result) {
	case FWNMI_NOTHING:
	case FWNMI_RELEASED:
		outcome->result = PAPR_NOTHING;
		break;
	case FWNMI_DELIVERED:
		if (fwnmi->entry == FWNMI_ENTRY_ROUTINE)
			enter_routine(papr, vcpu, fwnmi, outcome);
		else
			enter_vector(papr, vcpu, fwnmi, outcome);
		break;
	case FWNMI_DROPPED:
		papr_warn(papr,
			  "cpu %u: a recovered machine check came before the interlock of the last "
			  "one and is dropped",
			  vcpu);
		if (papr->vcpu[vcpu].in_trampoline)
			leave_trampoline(papr, vcpu, &outcome->regs);
		outcome->result = PAPR_DROPPED;
		break;
	case FWNMI_WAITING:
		outcome->result = PAPR_WAITING;
		break;
	case FWNMI_STOPPED:
		outcome->result = PAPR_UNSAFE;
		break;
	case FWNMI_ENDED:
		if (!papr->ended)
			note_end(papr, vcpu, fwnmi->end_reason);
		outcome->result = PAPR_ENDED;
		outcome->end_reason = fwnmi->end_reason;
		break;
	}
}

/*
 * Does an event for this vCPU go by its trampoline? Not if the vCPU already waits in one, and not
 * if the guest has overwritten it. Such an event is delivered directly.
 */
static bool goes_by_trampoline(const struct papr *papr, unsigned vcpu,
			       enum trampoline_vector vector)
{
	return papr->trampolines_installed && !papr->ended && !papr->vcpu[vcpu].in_trampoline &&
	       trampolines_intact(papr, vector);
}

/* Take the architected interrupt, into the trampoline. @mc: NULL for a system reset. */
static void raise_interrupt(struct papr *papr, unsigned vcpu, const struct engine_regs *regs,
			    const struct fwnmi_machine_check *mc, struct papr_outcome *outcome)
{
	const struct fwnmi_regs before = interrupted(papr, vcpu, regs);
	struct fwnmi_outcome fwnmi;

	fwnmi_architected(papr->fwnmi, &before, mc, &fwnmi);
	*outcome = (struct papr_outcome){ .result = PAPR_RAISED,
					  .vector = fwnmi.vector,
					  .regs = *regs };
	enter(papr, vcpu, &fwnmi, &outcome->regs);
}

void papr_machine_check(struct papr *papr, unsigned vcpu, const struct engine_regs *regs,
			const struct fwnmi_machine_check *mc, bool may_repair,
			struct papr_outcome *outcome)
{
	const struct fwnmi_regs before = interrupted(papr, vcpu, regs);
	struct fwnmi_outcome fwnmi;
	int err;

	papr->may_repair = may_repair;
	if (goes_by_trampoline(papr, vcpu, TRAMPOLINE_MACHINE_CHECK) && !mc->unsafe_processor) {
		papr->vcpu[vcpu].raised = (struct papr_raised){
			.valid = true, .may_repair = may_repair, .srr0 = regs->nip, .mc = *mc
		};
		raise_interrupt(papr, vcpu, regs, mc, outcome);
		return;
	}
	err = fwnmi_machine_check(papr->fwnmi, vcpu, &before, mc, &fwnmi);
	trampolines_repair(papr, vcpu, TRAMPOLINE_MACHINE_CHECK, fwnmi.entry == FWNMI_ENTRY_STALE);
	carry_out(papr, vcpu, regs, err, &fwnmi, outcome);
}

void papr_system_reset(struct papr *papr, unsigned vcpu, const struct engine_regs *regs,
		       struct papr_outcome *outcome)
{
	const struct fwnmi_regs before = interrupted(papr, vcpu, regs);
	struct fwnmi_outcome fwnmi;
	int err;

	if (goes_by_trampoline(papr, vcpu, TRAMPOLINE_SYSTEM_RESET)) {
		raise_interrupt(papr, vcpu, regs, NULL, outcome);
		return;
	}
	err = fwnmi_system_reset(papr->fwnmi, vcpu, &before, &fwnmi);
	trampolines_repair(papr, vcpu, TRAMPOLINE_SYSTEM_RESET, fwnmi.entry == FWNMI_ENTRY_STALE);
	carry_out(papr, vcpu, regs, err, &fwnmi, outcome);
}

void papr_signal_system_reset(struct papr *papr, unsigned vcpu)
{
	if (!goes_by_trampoline(papr, vcpu, TRAMPOLINE_SYSTEM_RESET)) {
		fwnmi_signal_system_reset(papr->fwnmi, vcpu, vcpu);
		return;
	}
	papr->vcpu[vcpu].reset_wanted = true;
	kick(papr, vcpu);
}

void papr_resume(struct papr *papr, unsigned vcpu, struct papr_outcome *outcome)
{
	struct fwnmi_outcome fwnmi;
	struct engine_regs regs;
	struct fwnmi_regs before;
	int err;

	papr->config.engine_ops->get_regs(papr->config.engine, vcpu, &regs);
	if (papr->vcpu[vcpu].reset_wanted) {
		papr->vcpu[vcpu].reset_wanted = false;
		papr_system_reset(papr, vcpu, &regs, outcome);
		return;
	}
	before = interrupted(papr, vcpu, &regs);
	err = fwnmi_resume(papr->fwnmi, vcpu, &before, &fwnmi);
	carry_out(papr, vcpu, &regs, err, &fwnmi, outcome);
}

bool papr_withdraw(struct papr *papr, unsigned vcpu)
{
	struct engine_regs regs;

	if (fwnmi_withdraw(papr->fwnmi, vcpu) != FWNMI_RELEASED)
		return false;
	if (papr->vcpu[vcpu].in_trampoline) {
		papr->config.engine_ops->get_regs(papr->config.engine, vcpu, &regs);
		leave_trampoline(papr, vcpu, &regs);
	}
	return true;
}

/* ---- what a trampoline hands over ---- */

/* If we raised it ourselves, we know more than the processor's bits can say. */
static int identify(struct papr *papr, unsigned vcpu, const struct engine_regs *regs,
		    struct papr_raised *raised)
{
	*raised = papr->vcpu[vcpu].raised;
	papr->vcpu[vcpu].raised.valid = false;
	if (raised->valid && raised->srr0 == regs->srr0)
		return 0;
	raised->may_repair = true;
	return fwnmi_mce_analyse(papr_pvr(papr), FWNMI_DISPOSITION_NOT_RECOVERED, regs->srr0,
				 regs->srr1, regs->dsisr, regs->dar, &raised->mc);
}

void papr_trampoline(struct papr *papr, unsigned vcpu, const struct engine_regs *regs,
		     enum trampoline_vector vector, struct papr_outcome *outcome)
{
	struct fwnmi_outcome fwnmi = { .vector = trampoline_vectors[vector] };
	struct papr_raised raised;
	struct fwnmi_regs before;
	int err;

	papr->vcpu[vcpu].in_trampoline = true;
	before = interrupted(papr, vcpu, regs);
	if (vector == TRAMPOLINE_SYSTEM_RESET) {
		err = fwnmi_system_reset(papr->fwnmi, vcpu, &before, &fwnmi);
	} else {
		err = identify(papr, vcpu, regs, &raised);
		papr->may_repair = raised.may_repair;
		if (!err)
			err = fwnmi_machine_check(papr->fwnmi, vcpu, &before, &raised.mc, &fwnmi);
	}
	trampolines_repair(papr, vcpu, vector, fwnmi.entry == FWNMI_ENTRY_STALE);
	carry_out(papr, vcpu, regs, err, &fwnmi, outcome);
}

/* ---- questions ---- */

bool papr_may_run(const struct papr *papr, unsigned vcpu)
{
	return fwnmi_may_run(papr->fwnmi, vcpu);
}

bool papr_ended(const struct papr *papr)
{
	return papr->ended;
}

void papr_fwnmi_state(const struct papr *papr, struct papr_fwnmi_state *state)
{
	int owner;

	*state = (struct papr_fwnmi_state){ .by_trampoline = papr->by_trampoline };
	if (!papr->fwnmi)
		return;
	state->registered =
		fwnmi_registered(papr->fwnmi, &state->system_reset, &state->machine_check);
	owner = fwnmi_owner(papr->fwnmi);
	state->interlock_held = owner >= 0;
	if (state->interlock_held)
		state->owner = (unsigned)owner;
}

const struct papr_fwnmi_end *papr_fwnmi_end(const struct papr *papr)
{
	return papr->fwnmi_end.happened ? &papr->fwnmi_end : NULL;
}
