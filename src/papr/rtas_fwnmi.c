/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RTAS calls of the FWNMI option: ibm,nmi-register, ibm,nmi-register-2 and ibm,nmi-interlock. What happens to
 * events is delivery.c's. LoPAR section "Firmware Assisted Non-Maskable Interrupts Option (FWNMI)".
 */
#include <inttypes.h>

#include "papr/partition.h"

/* In: system reset routine, machine check routine, real addresses (R4, R6). */
static int32_t register_routines(struct rtas_call *call, const char *name, uint64_t error_area,
				 int (*with)(struct fwnmi *f, unsigned cpu, uint64_t system_reset,
					     uint64_t machine_check))
{
	struct papr *papr = call->papr;
	int rc = with(&papr->fwnmi, call->vcpu, call->args[0], call->args[1]);

	if (rc == FWNMI_ERR_PARAMETER) {
		papr_debug(papr, "cpu %u: %s refused 0x%" PRIx32 " 0x%" PRIx32, call->vcpu, name,
			   call->args[0], call->args[1]);
		return RTAS_PARAMETER_ERROR;
	}
	if (rc < 0)
		return RTAS_HARDWARE_ERROR;
	papr->error_area = error_area;
	trampolines_install(papr);
	papr_event(papr, PAPR_EVENT_FWNMI_REGISTERED, call->vcpu, call->args[0], call->args[1]);
	return RTAS_SUCCESS;
}

int32_t rtas_nmi_register(struct rtas_call *call)
{
	return register_routines(call, "ibm,nmi-register", call->papr->rtas_base + RTAS_CODE_SIZE,
				 fwnmi_register);
}

/* R3: for older systems, the error area in real page 7. */
int32_t rtas_nmi_register_2(struct rtas_call *call)
{
	return register_routines(call, "ibm,nmi-register-2", FWNMI_PAGE_7, fwnmi_register2);
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
