/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How machine checks and system resets reach the guest: libfwnmi's operations on this machine,
 * direct delivery, delivery by trampolines, and the architected interrupt for a guest that has not
 * registered. LoPAR section "Firmware Assisted Non-Maskable Interrupts Option (FWNMI)";
 * trampolines: payload/trampoline/README.md.
 */
#include <inttypes.h>
#include <stdio.h>

#include "fwnmi/mce.h"
#include "pseries/private.h"
#include "pseries/processor.h"

static const unsigned vectors[TRAMPOLINE_VECTORS] = {
	[TRAMPOLINE_SYSTEM_RESET] = VECTOR_SYSTEM_RESET,
	[TRAMPOLINE_MACHINE_CHECK] = VECTOR_MACHINE_CHECK,
};

/* ---- libfwnmi's operations ---- */

static int read_memory(void *opaque, uint64_t real_address, void *buf, size_t len)
{
	struct papr *papr = opaque;

	return memory_read(papr->memory, real_address, buf, len) ? 0 : -1;
}

static int write_memory(void *opaque, uint64_t real_address, const void *buf, size_t len)
{
	struct papr *papr = opaque;

	return memory_write(papr->memory, real_address, buf, len) ? 0 : -1;
}

/*
 * The library expects the registers as they were at the interrupt. Once a vCPU's trampoline has
 * made its call, they are where the interrupt and the trampoline saved them. Translating here keeps
 * trampolines out of the library.
 */
static int get_regs(void *opaque, unsigned cpu, struct fwnmi_regs *fwnmi)
{
	const struct papr *papr = opaque;
	struct engine_regs regs;

	papr->config.engine_ops->get_regs(papr->config.engine, cpu, &regs);
	*fwnmi = (struct fwnmi_regs){ .gpr3 = regs.gpr[3],
				      .srr0 = regs.srr0,
				      .srr1 = regs.srr1,
				      .msr = regs.msr,
				      .nip = regs.nip };
	if (papr->vcpu[cpu].in_trampoline) {
		fwnmi->gpr3 = regs.sprg[2];
		fwnmi->nip = regs.srr0;
		fwnmi->msr = regs.srr1 & ~FWNMI_SRR1_CAUSE_MASK;
	}
	return 0;
}

static int set_regs(void *opaque, unsigned cpu, const struct fwnmi_regs *fwnmi)
{
	struct papr *papr = opaque;
	const struct papr_config *config = &papr->config;
	struct engine_regs regs;

	config->engine_ops->get_regs(config->engine, cpu, &regs);
	regs.gpr[3] = fwnmi->gpr3;
	regs.srr0 = fwnmi->srr0;
	regs.srr1 = fwnmi->srr1;
	regs.msr = fwnmi->msr;
	regs.nip = fwnmi->nip;
	config->engine_ops->set_regs(config->engine, cpu, &regs);
	papr->vcpu[cpu].in_trampoline = false;
	return 0;
}

/*
 * A vCPU inside a hcall resumes only after the result is in its registers; papr_hcall() does that.
 */
static void kick(void *opaque, unsigned cpu)
{
	struct papr *papr = opaque;

	if (cpu == papr->current)
		papr->vcpu[cpu].resume_wanted = true;
	else if (papr->config.host.vcpu_wake)
		papr->config.host.vcpu_wake(papr->config.host.opaque, cpu);
}

/*
 * The embedded processor can rebuild its translations, so flushing them is a repair. An injected
 * error is not repaired: it must arrive as asked for.
 */
static int repair(void *opaque, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	struct papr *papr = opaque;

	(void)cpu;
	(void)mc;
	if (!papr->may_repair)
		return -1;
	papr->config.engine_ops->flush_tlb(papr->config.engine);
	return 0;
}

/* R16, option 2. FWNMI_STOPPED tells the machine; start-cpu will refuse. */
static void stop_cpu(void *opaque, unsigned cpu)
{
	struct papr *papr = opaque;

	papr->vcpu[cpu].started = false;
	papr->vcpu[cpu].unsafe = true;
	papr_event(papr, PAPR_EVENT_FWNMI_STOPPED, cpu, 0, 0);
}

/* FWNMI_ENDED tells the machine, which runs the reboot policy. The log outlives the reboot. */
static void end_partition(void *opaque, unsigned cpu, enum fwnmi_end_reason reason)
{
	struct papr *papr = opaque;
	struct papr_fwnmi_end *end = &papr->fwnmi_end;
	int length = fwnmi_end_log(&papr->fwnmi, end->log, sizeof(end->log));

	end->happened = true;
	end->vcpu = cpu;
	end->reason = reason;
	end->log_length = length > 0 ? (unsigned)length : 0;
	papr->ended = true;
	papr_event(papr, PAPR_EVENT_FWNMI_ENDED, cpu, reason, 0);
}

static const struct fwnmi_ops fwnmi_ops = {
	.read_memory = read_memory,
	.write_memory = write_memory,
	.get_regs = get_regs,
	.set_regs = set_regs,
	.kick = kick,
	.end_partition = end_partition,
	.repair = repair,
	.stop_cpu = stop_cpu,
};

bool papr_fwnmi_init(struct papr *papr, char *err, size_t err_size)
{
	const struct fwnmi_config config = {
		.nr_cpus = papr->config.nr_vcpus,
		.rtas_base = papr->rtas_base,
		.rtas_size = papr->rtas_size,
		.save_area_offset = RTAS_CODE_SIZE,
		.strict = papr->config.fwnmi_strict,
		.interrupts_little_endian = false,
		.stale_handler = papr->config.stale_handler,
	};
	int rc;

	/*
	 * A reboot keeps the logs that event-scan has not fetched yet, unless the layout has
	 * changed.
	 */
	if (papr->fwnmi_ready && papr->fwnmi.config.rtas_base == config.rtas_base &&
	    papr->fwnmi.config.rtas_size == config.rtas_size)
		rc = fwnmi_reset(&papr->fwnmi);
	else
		rc = fwnmi_init(&papr->fwnmi, &fwnmi_ops, papr, &config);
	if (rc < 0)
		snprintf(err, err_size, "FWNMI: %s", fwnmi_strerror(rc));
	papr->ended = false;
	papr->trampolines_installed = false;
	return rc == 0;
}

/* ---- the architected interrupt ---- */

/* Power ISA, "Machine Check Interrupt", with the processor's own cause bits. */
static void architected_machine_check(struct papr *papr, unsigned vcpu,
				      const struct fwnmi_machine_check *mc)
{
	const struct engine_machine_check *cause = &papr->vcpu[vcpu].cause;
	const struct papr_config *config = &papr->config;
	struct engine_regs regs;
	uint64_t srr1;
	uint32_t dsisr;
	bool dar_valid;

	fwnmi_mce_synthesise(processor_of(config->engine_ops, config->engine), mc, &srr1, &dsisr,
			     &dar_valid);
	config->engine_ops->get_regs(config->engine, vcpu, &regs);
	if (papr->vcpu[vcpu].cause_known) {
		if (cause->srr1 & FWNMI_SRR1_MC_LOADSTORE)
			regs.dsisr = (uint32_t)cause->dsisr;
		if (cause->dar_valid)
			regs.dar = cause->dar;
	} else {
		if (srr1 & FWNMI_SRR1_MC_LOADSTORE)
			regs.dsisr = dsisr;
		if (dar_valid)
			regs.dar = mc->effective_address;
	}
	config->engine_ops->set_regs(config->engine, vcpu, &regs);
	if (mc->srr1)
		srr1 = mc->srr1 & FWNMI_SRR1_CAUSE_MASK;
	config->engine_ops->interrupt(config->engine, vcpu, VECTOR_MACHINE_CHECK, srr1);
}

static void architected_system_reset(struct papr *papr, unsigned vcpu)
{
	papr->config.engine_ops->interrupt(papr->config.engine, vcpu, VECTOR_SYSTEM_RESET, 0);
}

/* ---- trampolines ---- */

/* Does the vector still hold the code that the partition put there? */
static bool intact(const struct papr *papr, enum trampoline_vector vector)
{
	uint8_t ours[TRAMPOLINE_MAX], there[TRAMPOLINE_MAX];
	size_t size =
		trampoline_copy(&papr->trampoline, vector, papr->trampolines_little_endian, ours);

	return memory_read(papr->memory, vectors[vector], there, size) &&
	       !memcmp(ours, there, size);
}

static void write_trampoline(struct papr *papr, enum trampoline_vector vector)
{
	uint8_t code[TRAMPOLINE_MAX];
	size_t size =
		trampoline_copy(&papr->trampoline, vector, papr->trampolines_little_endian, code);

	memory_write(papr->memory, vectors[vector], code, size);
}

bool trampolines_overlap(const struct papr *papr, uint64_t routine)
{
	if (!papr->by_trampoline)
		return false;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		if (routine >= vectors[i] && routine < vectors[i] + TRAMPOLINE_MAX)
			return true;
	return false;
}

/* R5: once registered, the guest has given up these bytes. */
void trampolines_install(struct papr *papr)
{
	if (!papr->by_trampoline)
		return;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++) {
		/* Save the guest's bytes, to restore them if its routine goes away. */
		if (!papr->trampolines_installed || !intact(papr, i))
			memory_read(papr->memory, vectors[i], papr->guest_vectors[i],
				    papr->trampoline.size[i]);
	}
	papr->trampolines_installed = true;
	papr->trampolines_little_endian = papr->partition.interrupt_little_endian;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		write_trampoline(papr, i);
}

/* Rewrite only vectors that still hold our code: what the guest has overwritten stays. */
void trampolines_endian_changed(struct papr *papr)
{
	bool there[TRAMPOLINE_VECTORS];

	if (!papr->trampolines_installed ||
	    papr->trampolines_little_endian == papr->partition.interrupt_little_endian)
		return;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		there[i] = intact(papr, i);
	papr->trampolines_little_endian = papr->partition.interrupt_little_endian;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		if (there[i])
			write_trampoline(papr, i);
}

static void trampolines_remove(struct papr *papr)
{
	if (!papr->trampolines_installed)
		return;
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		if (intact(papr, i))
			memory_write(papr->memory, vectors[i], papr->guest_vectors[i],
				     papr->trampoline.size[i]);
	papr->trampolines_installed = false;
}

/*
 * A trampoline has been overwritten. Either the guest has broken R5 and its routine is still there:
 * put the code back. Or another system runs and owns the vectors now: leave them alone. @rc is
 * libfwnmi's result for the routine.
 */
static void overwritten(struct papr *papr, unsigned vcpu, enum trampoline_vector vector, int rc)
{
	if (rc == FWNMI_STALE) {
		papr->trampolines_installed = false;
		return;
	}
	papr_warn(papr, "cpu %u: the guest has overwritten the trampoline at 0x%x, it is put back",
		  vcpu, vectors[vector]);
	for (unsigned i = 0; i < TRAMPOLINE_VECTORS; i++)
		write_trampoline(papr, i);
}

/* ---- events ---- */

/* Tell the machine what became of an event. */
static int outcome(struct papr *papr, unsigned vcpu, unsigned vector, int rc)
{
	struct engine_regs regs;

	if (rc == FWNMI_STALE) {
		papr_warn(papr,
			  "cpu %u: the routine that was registered is no longer there: 0x%x is "
			  "entered instead",
			  vcpu, vector);
		papr_event(papr, PAPR_EVENT_FWNMI_STALE, vcpu, vector, 0);
	} else if (rc == FWNMI_WAITING) {
		papr_event(papr, PAPR_EVENT_FWNMI_WAITING, vcpu, vector, 0);
	} else if (rc == FWNMI_DELIVERED) {
		papr->config.engine_ops->get_regs(papr->config.engine, vcpu, &regs);
		papr_event(papr, PAPR_EVENT_FWNMI_DELIVERED, vcpu, vector, regs.gpr[3]);
	} else if (rc < 0) {
		papr_debug(papr, "cpu %u: event for vector 0x%x not delivered: %s", vcpu, vector,
			   fwnmi_strerror(rc));
	}
	return rc;
}

/* End a wait in H_CEDE, whatever the event was. */
static void wake(struct papr *papr, unsigned vcpu)
{
	if (vcpu == papr->current || !papr->vcpu[vcpu].ceded)
		return;
	if (papr->config.host.vcpu_wake)
		papr->config.host.vcpu_wake(papr->config.host.opaque, vcpu);
}

/*
 * Does an event for this vCPU go by its trampoline? Not if the vCPU already waits in one, and not
 * if the guest has overwritten it. Such an event is delivered directly.
 */
static bool goes_by_trampoline(const struct papr *papr, unsigned vcpu,
			       enum trampoline_vector vector)
{
	return papr->trampolines_installed && !papr->ended && !papr->vcpu[vcpu].in_trampoline &&
	       intact(papr, vector);
}

/* Did libfwnmi leave the event to the architected interrupt? */
static bool left_to_vector(int rc)
{
	return rc == FWNMI_NOT_REGISTERED || rc == FWNMI_STALE;
}

static int machine_check(struct papr *papr, unsigned vcpu, const struct fwnmi_machine_check *mc,
			 bool may_repair)
{
	struct papr_vcpu *v = &papr->vcpu[vcpu];
	struct engine_regs regs;
	int rc;

	if (goes_by_trampoline(papr, vcpu, TRAMPOLINE_MACHINE_CHECK) && !mc->unsafe_processor) {
		papr->config.engine_ops->get_regs(papr->config.engine, vcpu, &regs);
		v->raised = (struct papr_raised){
			.valid = true, .may_repair = may_repair, .srr0 = regs.nip, .mc = *mc
		};
		architected_machine_check(papr, vcpu, mc);
		wake(papr, vcpu);
		return PAPR_RAISED;
	}
	papr->may_repair = may_repair;
	rc = fwnmi_machine_check(&papr->fwnmi, vcpu, mc);
	v->check_waits |= rc == FWNMI_WAITING;
	if (papr->trampolines_installed && !intact(papr, TRAMPOLINE_MACHINE_CHECK))
		overwritten(papr, vcpu, TRAMPOLINE_MACHINE_CHECK, rc);
	if (left_to_vector(rc))
		architected_machine_check(papr, vcpu, mc);
	if (rc == FWNMI_DELIVERED || left_to_vector(rc))
		wake(papr, vcpu);
	return outcome(papr, vcpu, VECTOR_MACHINE_CHECK, rc);
}

int papr_machine_check(struct papr *papr, unsigned vcpu, const struct fwnmi_machine_check *mc)
{
	papr->vcpu[vcpu].cause_known = false;
	return machine_check(papr, vcpu, mc, false);
}

int papr_hardware_machine_check(struct papr *papr, unsigned vcpu,
				const struct fwnmi_machine_check *mc,
				const struct engine_machine_check *cause)
{
	papr->vcpu[vcpu].cause = *cause;
	papr->vcpu[vcpu].cause_known = true;
	return machine_check(papr, vcpu, mc, true);
}

int papr_system_reset(struct papr *papr, unsigned vcpu)
{
	int rc;

	if (goes_by_trampoline(papr, vcpu, TRAMPOLINE_SYSTEM_RESET)) {
		architected_system_reset(papr, vcpu);
		wake(papr, vcpu);
		return PAPR_RAISED;
	}
	rc = fwnmi_system_reset(&papr->fwnmi, vcpu);
	if (papr->trampolines_installed && !intact(papr, TRAMPOLINE_SYSTEM_RESET))
		overwritten(papr, vcpu, TRAMPOLINE_SYSTEM_RESET, rc);
	if (left_to_vector(rc))
		architected_system_reset(papr, vcpu);
	if (rc == FWNMI_DELIVERED || left_to_vector(rc))
		wake(papr, vcpu);
	return outcome(papr, vcpu, VECTOR_SYSTEM_RESET, rc);
}

int papr_signal_system_reset(struct papr *papr, unsigned vcpu)
{
	if (!goes_by_trampoline(papr, vcpu, TRAMPOLINE_SYSTEM_RESET))
		return fwnmi_signal_system_reset(&papr->fwnmi, vcpu, vcpu);
	papr->vcpu[vcpu].reset_wanted = true;
	kick(papr, vcpu);
	return FWNMI_WAITING;
}

/* Take the interrupt again, into the guest's own code at the vector. */
static void give_back(struct papr *papr, unsigned vcpu, enum trampoline_vector vector)
{
	const struct papr_config *config = &papr->config;
	struct engine_regs regs;

	trampolines_remove(papr);
	config->engine_ops->get_regs(config->engine, vcpu, &regs);
	regs.gpr[3] = regs.sprg[2];
	regs.nip = vectors[vector];
	config->engine_ops->set_regs(config->engine, vcpu, &regs);
	papr->vcpu[vcpu].in_trampoline = false;
}

/* Raise the architected interrupt that fwnmi_resume() left to us. Returns the vector. */
static unsigned hand_back(struct papr *papr, unsigned vcpu)
{
	struct fwnmi_machine_check mc;
	unsigned vector = fwnmi_handed_back(&papr->fwnmi, vcpu, &mc);

	if (papr->vcpu[vcpu].in_trampoline)
		give_back(papr, vcpu, TRAMPOLINE_MACHINE_CHECK);
	else if (vector == VECTOR_MACHINE_CHECK)
		architected_machine_check(papr, vcpu, &mc);
	else
		architected_system_reset(papr, vcpu);
	return vector;
}

int papr_resume(struct papr *papr, unsigned vcpu)
{
	struct papr_vcpu *v = &papr->vcpu[vcpu];
	/*
	 * R3 cannot tell the two apart: if strict, a system reset leaves R3 as a machine check set
	 * it.
	 */
	unsigned vector = v->check_waits ? VECTOR_MACHINE_CHECK : VECTOR_SYSTEM_RESET;
	int rc;

	if (v->reset_wanted) {
		v->reset_wanted = false;
		return papr_system_reset(papr, vcpu);
	}
	rc = fwnmi_resume(&papr->fwnmi, vcpu);
	if (rc == FWNMI_NOTHING)
		return rc;
	if (left_to_vector(rc))
		vector = hand_back(papr, vcpu);
	if (rc == FWNMI_DELIVERED || left_to_vector(rc))
		v->check_waits = false;
	return outcome(papr, vcpu, vector, rc);
}

/* Decode a machine check that only the processor knows about. */
static bool analyse(struct papr *papr, unsigned vcpu, struct fwnmi_machine_check *mc)
{
	struct engine_regs regs;

	const struct papr_config *config = &papr->config;

	config->engine_ops->get_regs(config->engine, vcpu, &regs);
	return fwnmi_mce_analyse(processor_of(config->engine_ops, config->engine), regs.srr0,
				 regs.srr1, regs.dsisr, regs.dar, mc) == 0;
}

static int machine_check_from_trampoline(struct papr *papr, unsigned vcpu)
{
	struct papr_raised raised = papr->vcpu[vcpu].raised;
	struct engine_regs regs;

	papr->vcpu[vcpu].raised.valid = false;
	papr->config.engine_ops->get_regs(papr->config.engine, vcpu, &regs);
	/* If we raised it ourselves, we know more than the cause bits can say. */
	if (!raised.valid || raised.srr0 != regs.srr0) {
		if (!analyse(papr, vcpu, &raised.mc))
			return FWNMI_ERR_INVALID;
		raised.may_repair = true;
	}
	papr->may_repair = raised.may_repair;
	return fwnmi_machine_check(&papr->fwnmi, vcpu, &raised.mc);
}

bool papr_in_trampoline(const struct papr *papr, const struct engine_regs *regs,
			enum trampoline_vector vector)
{
	uint64_t call = regs->nip - 4;

	return papr->trampolines_installed && !(regs->msr & (MSR_IR | MSR_DR | MSR_PR)) &&
	       call >= vectors[vector] && call < vectors[vector] + papr->trampoline.size[vector];
}

int papr_trampoline(struct papr *papr, unsigned vcpu, enum trampoline_vector vector)
{
	int rc;

	papr->vcpu[vcpu].in_trampoline = true;
	if (vector == TRAMPOLINE_SYSTEM_RESET)
		rc = fwnmi_system_reset(&papr->fwnmi, vcpu);
	else
		rc = machine_check_from_trampoline(papr, vcpu);
	if (vector == TRAMPOLINE_MACHINE_CHECK)
		papr->vcpu[vcpu].check_waits |= rc == FWNMI_WAITING;
	if (papr->trampolines_installed && !intact(papr, vector))
		overwritten(papr, vcpu, vector, rc);
	if (left_to_vector(rc))
		give_back(papr, vcpu, vector);
	return outcome(papr, vcpu, vectors[vector], rc);
}

void papr_fwnmi_state(const struct papr *papr, struct papr_fwnmi_state *state)
{
	int owner;

	*state = (struct papr_fwnmi_state){ .by_trampoline = papr->by_trampoline };
	if (!papr->fwnmi_ready)
		return;
	state->registered =
		fwnmi_registered(&papr->fwnmi, &state->system_reset, &state->machine_check);
	owner = fwnmi_owner(&papr->fwnmi);
	state->interlock_held = owner >= 0;
	if (state->interlock_held)
		state->owner = (unsigned)owner;
}

const struct papr_fwnmi_end *papr_fwnmi_end(const struct papr *papr)
{
	return papr->fwnmi_end.happened ? &papr->fwnmi_end : NULL;
}
