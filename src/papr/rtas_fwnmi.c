/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partition's side of libfwnmi: its operations on this machine, the RTAS calls ibm,nmi-register and
 * ibm,nmi-interlock, and what happens to events of a guest that has not registered. LoPAR section "Firmware
 * Assisted Non-Maskable Interrupts Option (FWNMI)".
 */
#include <inttypes.h>
#include <stdio.h>

#include "fwnmi/mce.h"
#include "papr/partition.h"

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

static int get_regs(void *opaque, unsigned cpu, struct fwnmi_regs *fwnmi)
{
	const struct papr_config *config = &((struct papr *)opaque)->config;
	struct engine_regs regs;

	config->engine_ops->get_regs(config->engine, cpu, &regs);
	*fwnmi = (struct fwnmi_regs){ .gpr3 = regs.gpr[3],
				      .srr0 = regs.srr0,
				      .srr1 = regs.srr1,
				      .msr = regs.msr,
				      .nip = regs.nip };
	return 0;
}

static int set_regs(void *opaque, unsigned cpu, const struct fwnmi_regs *fwnmi)
{
	const struct papr_config *config = &((struct papr *)opaque)->config;
	struct engine_regs regs;

	config->engine_ops->get_regs(config->engine, cpu, &regs);
	regs.gpr[3] = fwnmi->gpr3;
	regs.srr0 = fwnmi->srr0;
	regs.srr1 = fwnmi->srr1;
	regs.msr = fwnmi->msr;
	regs.nip = fwnmi->nip;
	config->engine_ops->set_regs(config->engine, cpu, &regs);
	return 0;
}

/* A vCPU that is inside a hcall resumes when the hcall's result is in its registers: papr_hcall() sees to it. */
static void kick(void *opaque, unsigned cpu)
{
	struct papr *papr = opaque;

	if (cpu == papr->current)
		papr->vcpu[cpu].resume_wanted = true;
	else if (papr->config.host.vcpu_wake)
		papr->config.host.vcpu_wake(papr->config.host.opaque, cpu);
}

/* Every way here returns FWNMI_ENDED to the machine, which runs the reboot policy. */
static void end_partition(void *opaque, unsigned cpu, enum fwnmi_end_reason reason)
{
	(void)reason;
	papr_debug(opaque,
		   "cpu %u: second machine check before ibm,nmi-interlock, the partition ends",
		   cpu);
}

static const struct fwnmi_ops fwnmi_ops = {
	.read_memory = read_memory,
	.write_memory = write_memory,
	.get_regs = get_regs,
	.set_regs = set_regs,
	.kick = kick,
	.end_partition = end_partition,
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
	};
	int rc = fwnmi_init(&papr->fwnmi, &fwnmi_ops, papr, &config);

	if (rc < 0)
		snprintf(err, err_size, "FWNMI: %s", fwnmi_strerror(rc));
	return rc == 0;
}

/* In: system reset routine, machine check routine, real addresses (R4, R6). */
int32_t rtas_nmi_register(struct rtas_call *call)
{
	struct papr *papr = call->papr;
	int rc = fwnmi_register(&papr->fwnmi, call->vcpu, call->args[0], call->args[1]);

	if (rc == FWNMI_ERR_PARAMETER) {
		papr_debug(papr, "cpu %u: ibm,nmi-register refused 0x%" PRIx32 " 0x%" PRIx32,
			   call->vcpu, call->args[0], call->args[1]);
		return RTAS_PARAMETER_ERROR;
	}
	if (rc < 0)
		return RTAS_HARDWARE_ERROR;
	papr_event(papr, PAPR_EVENT_FWNMI_REGISTERED, call->vcpu, call->args[0], call->args[1]);
	return RTAS_SUCCESS;
}

/* R17. It takes no lock and waits for nothing (R18). */
int32_t rtas_nmi_interlock(struct rtas_call *call)
{
	int rc = fwnmi_interlock(&call->papr->fwnmi, call->vcpu);

	if (rc < 0)
		return RTAS_HARDWARE_ERROR;
	if (rc == FWNMI_RELEASED)
		papr_event(call->papr, PAPR_EVENT_FWNMI_INTERLOCK, call->vcpu, 0, 0);
	return RTAS_SUCCESS;
}

/* Tell the machine what became of an event. */
static int outcome(struct papr *papr, unsigned vcpu, unsigned vector, int rc)
{
	struct engine_regs regs;

	if (rc == FWNMI_WAITING) {
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

/* The end of a wait in H_CEDE, whatever the event was. */
static void wake(struct papr *papr, unsigned vcpu)
{
	if (vcpu == papr->current || !papr->vcpu[vcpu].ceded)
		return;
	if (papr->config.host.vcpu_wake)
		papr->config.host.vcpu_wake(papr->config.host.opaque, vcpu);
}

/* Power ISA, "Machine Check Interrupt", with the processor's own cause bits. */
static void architected_machine_check(struct papr *papr, unsigned vcpu,
				      const struct fwnmi_machine_check *mc)
{
	const struct papr_config *config = &papr->config;
	struct engine_regs regs;
	uint64_t srr1;
	uint32_t dsisr;
	bool dar_valid;

	fwnmi_mce_synthesise(FWNMI_PROCESSOR_POWER9, mc, &srr1, &dsisr, &dar_valid);
	config->engine_ops->get_regs(config->engine, vcpu, &regs);
	if (srr1 & FWNMI_SRR1_MC_LOADSTORE)
		regs.dsisr = dsisr;
	if (dar_valid)
		regs.dar = mc->effective_address;
	config->engine_ops->set_regs(config->engine, vcpu, &regs);
	if (mc->srr1)
		srr1 = mc->srr1 & FWNMI_SRR1_CAUSE_MASK;
	config->engine_ops->interrupt(config->engine, vcpu, VECTOR_MACHINE_CHECK, srr1);
}

int papr_machine_check(struct papr *papr, unsigned vcpu, const struct fwnmi_machine_check *mc)
{
	int rc = fwnmi_machine_check(&papr->fwnmi, vcpu, mc);

	if (rc == FWNMI_NOT_REGISTERED)
		architected_machine_check(papr, vcpu, mc);
	if (rc == FWNMI_DELIVERED || rc == FWNMI_NOT_REGISTERED)
		wake(papr, vcpu);
	return outcome(papr, vcpu, VECTOR_MACHINE_CHECK, rc);
}

int papr_system_reset(struct papr *papr, unsigned vcpu)
{
	int rc = fwnmi_system_reset(&papr->fwnmi, vcpu);

	if (rc == FWNMI_NOT_REGISTERED)
		papr->config.engine_ops->interrupt(papr->config.engine, vcpu, VECTOR_SYSTEM_RESET,
						   0);
	if (rc == FWNMI_DELIVERED || rc == FWNMI_NOT_REGISTERED)
		wake(papr, vcpu);
	return outcome(papr, vcpu, VECTOR_SYSTEM_RESET, rc);
}

int papr_resume(struct papr *papr, unsigned vcpu)
{
	uint64_t system_reset, machine_check;
	struct engine_regs regs;
	unsigned vector = VECTOR_MACHINE_CHECK;
	int rc = fwnmi_resume(&papr->fwnmi, vcpu);

	if (rc == FWNMI_DELIVERED &&
	    fwnmi_registered(&papr->fwnmi, &system_reset, &machine_check)) {
		papr->config.engine_ops->get_regs(papr->config.engine, vcpu, &regs);
		if (regs.nip == system_reset)
			vector = VECTOR_SYSTEM_RESET;
	}
	if (rc == FWNMI_NOTHING)
		return rc;
	return outcome(papr, vcpu, vector, rc);
}

void papr_fwnmi_state(const struct papr *papr, struct papr_fwnmi_state *state)
{
	int owner;

	*state = (struct papr_fwnmi_state){ 0 };
	if (!papr->fwnmi_ready)
		return;
	state->registered =
		fwnmi_registered(&papr->fwnmi, &state->system_reset, &state->machine_check);
	owner = fwnmi_owner(&papr->fwnmi);
	state->interlock_held = owner >= 0;
	if (state->interlock_held)
		state->owner = (unsigned)owner;
}
