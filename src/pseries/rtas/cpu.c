/* SPDX-License-Identifier: BSD-2-Clause */
/* RTAS calls that start and stop processors. LoPAR section "SMP Support". */
#include "pseries/private.h"

/* Values of query-cpu-stopped-state. */
#define CPU_STOPPED	0
#define CPU_NOT_STOPPED 2

/* In: processor. Out: its state. */
static int32_t rtas_query_cpu_stopped_state(struct rtas_call *call)
{
	if (!papr_vcpu_exists(call->papr, call->args[0]))
		return RTAS_PARAMETER_ERROR;
	call->rets[0] = papr_vcpu_started(call->papr, call->args[0]) ? CPU_NOT_STOPPED :
								       CPU_STOPPED;
	return RTAS_SUCCESS;
}

/*
 * In: processor, real address to start at, its r3. LoPAR table "MSR State in Started Processor":
 * 64-bit mode, machine checks enabled, all else off. LE is off, whatever byte order interrupts
 * start in.
 */
static int32_t rtas_start_cpu(struct rtas_call *call)
{
	struct papr *papr = call->papr;
	const struct papr_config *config = &papr->config;
	unsigned cpu = call->args[0];
	struct engine_regs regs = { 0 };

	if (!papr_vcpu_exists(papr, cpu) || call->args[1] % 4 ||
	    !memory_contains(papr->memory, call->args[1], 4))
		return RTAS_PARAMETER_ERROR;
	if (papr_vcpu_state(papr, cpu) != VCPU_STOPPED)
		return RTAS_HARDWARE_ERROR;

	regs.nip = call->args[1];
	regs.gpr[3] = call->args[2];
	regs.msr = MSR_SF | MSR_ME;
	config->engine_ops->set_regs(config->engine, cpu, &regs);
	config->host.vcpu_start(config->host.opaque, cpu);
	papr_event(papr, &(struct papr_event){
				 .type = PAPR_EVENT_VCPU_STARTED, .cpu = cpu, .entry = regs.nip });
	return RTAS_SUCCESS;
}

/* Does not return; start-cpu restarts the CPU. The last one to stop ends the partition. */
static int32_t rtas_stop_self(struct rtas_call *call)
{
	struct papr *papr = call->papr;

	papr_event(papr,
		   &(struct papr_event){ .type = PAPR_EVENT_VCPU_STOPPED, .cpu = call->vcpu });
	call->hcall->action = PAPR_POWER_OFF;
	for (unsigned i = 0; i < papr->config.nr_vcpus; i++)
		if (i != call->vcpu && papr_vcpu_started(papr, i))
			call->hcall->action = PAPR_STOP;
	return RTAS_SUCCESS;
}

const struct rtas_entry cpu_functions[] = {
	{ 0x2005, "query-cpu-stopped-state", rtas_query_cpu_stopped_state, 1, 1 },
	{ 0x2006, "start-cpu", rtas_start_cpu, 3, 0 },
	{ 0x2007, "stop-self", rtas_stop_self, 0, 0 },
	{ 0 },
};
