/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RTAS calls of the FWNMI option: ibm,nmi-register, ibm,nmi-register-2 and ibm,nmi-interlock.
 * Also event-scan and check-exception, with which a guest fetches logs. delivery.c handles the
 * events themselves. LoPAR sections "Firmware Assisted Non-Maskable Interrupts Option (FWNMI)",
 * "event-scan", "check-exception".
 */
#include <inttypes.h>

#include "pseries/private.h"

/* In: system reset routine, machine check routine, real addresses (R4, R6). */
static int32_t register_routines(struct rtas_call *call, const char *name,
				 int (*with)(struct fwnmi *f, unsigned cpu, uint64_t system_reset,
					     uint64_t machine_check))
{
	struct papr *papr = call->papr;
	int rc = FWNMI_ERR_PARAMETER;

	if (!papr_ready_to_deliver(papr))
		return RTAS_HARDWARE_ERROR;
	if (!trampolines_overlap(papr, call->args[0]) && !trampolines_overlap(papr, call->args[1]))
		rc = with(papr->fwnmi, call->vcpu, call->args[0], call->args[1]);
	if (rc < 0) {
		papr_debug(papr, "cpu %u: %s refused 0x%" PRIx32 " 0x%" PRIx32 ": %s", call->vcpu,
			   name, call->args[0], call->args[1], fwnmi_strerror(rc));
		return fwnmi_rtas_status(FWNMI_RTAS_NMI_REGISTER, rc);
	}
	trampolines_install(papr);
	papr_event(papr, &(struct papr_event){ .type = PAPR_EVENT_FWNMI_REGISTERED,
					       .cpu = call->vcpu,
					       .registered = { .system_reset = call->args[0],
							       .machine_check = call->args[1] } });
	return RTAS_SUCCESS;
}

static int32_t rtas_nmi_register(struct rtas_call *call)
{
	return register_routines(call, "ibm,nmi-register", fwnmi_register);
}

/* R3: for older systems, the error area in real page 7. */
static int32_t rtas_nmi_register_2(struct rtas_call *call)
{
	return register_routines(call, "ibm,nmi-register-2", fwnmi_register2);
}

/* R17. It takes no lock and waits for nothing (R18). */
static int32_t rtas_nmi_interlock(struct rtas_call *call)
{
	int rc = fwnmi_interlock(call->papr->fwnmi, call->vcpu);

	if (rc == FWNMI_RELEASED)
		papr_event(call->papr, &(struct papr_event){ .type = PAPR_EVENT_FWNMI_INTERLOCK,
							     .cpu = call->vcpu });
	return fwnmi_rtas_status(FWNMI_RTAS_NMI_INTERLOCK, rc);
}

/* For both calls: write at most @room bytes of the log to @buffer and return the status. */
static int32_t
fetch_log(struct rtas_call *call, uint32_t mask, uint32_t critical, uint32_t buffer, uint32_t room,
	  int (*fetch)(struct fwnmi *f, uint32_t mask, bool critical, void *buf, size_t size))
{
	struct papr *papr = call->papr;
	uint8_t log[RTAS_ERROR_LOG_MAX];
	int length;

	if (!memory_contains(papr->memory, buffer, room))
		return RTAS_PARAMETER_ERROR;
	if (!memory_is_ram(papr->memory, buffer, room))
		return RTAS_HARDWARE_ERROR; /* the log stays queued */
	length = fetch(papr->fwnmi, mask, critical, log, room < sizeof(log) ? room : sizeof(log));
	if (length <= 0)
		return fwnmi_rtas_status(FWNMI_RTAS_EVENT_SCAN, length);
	memory_write(papr->memory, buffer, log, (uint64_t)length);
	papr_event(papr, &(struct papr_event){ .type = PAPR_EVENT_LOG_FETCHED,
					       .cpu = call->vcpu,
					       .log_length = (uint32_t)length });
	return RTAS_SUCCESS;
}

/* In: event mask, critical, buffer, length. */
static int32_t rtas_event_scan(struct rtas_call *call)
{
	return fetch_log(call, call->args[0], call->args[1], call->args[2], call->args[3],
			 fwnmi_event_scan);
}

/* In: vector offset, interrupt, event mask, critical, buffer, length. */
static int32_t rtas_check_exception(struct rtas_call *call)
{
	return fetch_log(call, call->args[2], call->args[3], call->args[4], call->args[5],
			 fwnmi_check_exception);
}

int papr_queue_event(struct papr *papr, enum fwnmi_event_source source, uint32_t event_class,
		     const void *log, size_t length)
{
	int rc = fwnmi_event_queue(papr->fwnmi, source, event_class, log, length);

	if (rc == 0 && source == FWNMI_CHECK_EXCEPTION && event_class == FWNMI_CLASS_EPOW)
		papr_raise(papr, EPOW_INTERRUPT);
	return rc;
}

const struct rtas_entry nmi_functions[] = {
	{ 0x200e, "check-exception", rtas_check_exception, 6, 0 },
	{ 0x200f, "event-scan", rtas_event_scan, 4, 0 },
	{ 0x2013, "ibm,nmi-register", rtas_nmi_register, 2, 0 },
	{ 0x2014, "ibm,nmi-interlock", rtas_nmi_interlock, 0, 0 },
	{ 0x2015, "ibm,nmi-register-2", rtas_nmi_register_2, 2, 0 },
	{ 0 },
};
