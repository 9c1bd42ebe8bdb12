/* SPDX-License-Identifier: BSD-2-Clause */
/* What the machine tells its clients, as QMP events; see events.h. fwnmi-run(1) lists them. */
#include "base/text.h"
#include "control/events.h"
#include "inject/json.h"

const char *event_end_reason(enum fwnmi_end_reason reason)
{
	return reason == FWNMI_END_STALE_HANDLER ? "stale-handler" : "nested-machine-check";
}

/* These return the event's name; NULL: it is not told. */
static const char *outcome_json(unsigned vcpu, const struct papr_outcome *outcome, json_t *data)
{
	json_object_set_new(data, "cpu-index", json_integer(vcpu));
	switch (outcome->result) {
	case PAPR_ROUTINE:
		json_object_set_new(data, "vector", json_address(outcome->vector));
		json_object_set_new(data, "r3", json_address(outcome->regs.gpr[3]));
		return "FWNMI_DELIVERED";
	case PAPR_VECTOR:
		json_object_set_new(data, "vector", json_address(outcome->vector));
		return outcome->stale ? "FWNMI_STALE_HANDLER" : "FWNMI_NOT_REGISTERED";
	case PAPR_DROPPED:
		return "FWNMI_DROPPED";
	case PAPR_WAITING:
		return "FWNMI_WAITING";
	case PAPR_UNSAFE:
		return "FWNMI_CPU_STOPPED";
	case PAPR_ENDED:
		json_object_set_new(data, "reason",
				    json_string(event_end_reason(outcome->end_reason)));
		return "FWNMI_PARTITION_ENDED";
	case PAPR_NOTHING:
	case PAPR_RAISED:
	case PAPR_REFUSED:
		break;
	}
	return NULL;
}

static const char *const errinjct_errors[] = {
	[PAPR_ERRINJCT_FATAL] = "fatal",
	[PAPR_ERRINJCT_RECOVERED] = "recovered-random-event",
	[PAPR_ERRINJCT_SPECIAL] = "recovered-special-event",
	[PAPR_ERRINJCT_PAGE] = "page",
	[PAPR_ERRINJCT_SLB] = "SLB",
	[PAPR_ERRINJCT_DCACHE] = "D-cache",
	[PAPR_ERRINJCT_ICACHE] = "I-cache",
	[PAPR_ERRINJCT_ERAT] = "ERAT",
	[PAPR_ERRINJCT_TLB] = "TLB",
};

static const char *papr_event_json(const struct papr_event *event, json_t *data)
{
	json_object_set_new(data, "cpu-index", json_integer(event->cpu));
	switch (event->type) {
	case PAPR_EVENT_FWNMI_REGISTERED:
		json_object_set_new(data, "system-reset",
				    json_address(event->registered.system_reset));
		json_object_set_new(data, "machine-check",
				    json_address(event->registered.machine_check));
		return "FWNMI_REGISTERED";
	case PAPR_EVENT_FWNMI_INTERLOCK:
		return "FWNMI_INTERLOCK";
	case PAPR_EVENT_LOG_FETCHED:
		json_object_set_new(data, "length", json_count(event->log_length));
		return "RTAS_LOG_FETCHED";
	case PAPR_EVENT_VCPU_STARTED:
		json_object_set_new(data, "entry", json_address(event->entry));
		return "VCPU_STARTED";
	case PAPR_EVENT_VCPU_STOPPED:
		return "VCPU_STOPPED";
	case PAPR_EVENT_ERRINJCT:
		json_object_set_new(data, "error",
				    json_string(errinjct_errors[event->errinjct->error]));
		json_object_set_new(data, "address", json_address(event->errinjct->address));
		json_object_set_new(data, "taken", json_boolean(event->errinjct->taken));
		return "RTAS_ERRINJCT";
	case PAPR_EVENT_PANIC:
		json_object_set_new(data, "action", json_string("poweroff"));
		if (event->text)
			json_object_set_new(data, "text", text_json(event->text));
		return "GUEST_PANICKED";
	}
	return NULL;
}

/* The engine's own, before FWNMI gets it. */
static const char *machine_check_json(const struct machine_event *event, json_t *data)
{
	const struct fwnmi_machine_check *mc = event->machine_check;
	const char *subtype = fwnmi_mc_subtype_name(mc->error_type, mc->error_subtype);

	json_object_set_new(data, "cpu-index", json_integer(event->vcpu));
	json_object_set_new(data, "nip", json_address(event->nip));
	json_object_set_new(data, "type", json_string(fwnmi_mc_type_name(mc->error_type)));
	if (subtype)
		json_object_set_new(data, "subtype", json_string(subtype));
	if (mc->effective_address_valid)
		json_object_set_new(data, "effective-address", json_address(mc->effective_address));
	if (mc->logical_address_valid)
		json_object_set_new(data, "logical-address", json_address(mc->logical_address));
	return "MACHINE_CHECK";
}

static const char *shutdown_reason(enum machine_end end)
{
	switch (end) {
	case MACHINE_POWERED_OFF:
		return "guest-shutdown";
	case MACHINE_REBOOT:
		return "guest-reset";
	case MACHINE_CRASHED:
		return "guest-panic";
	case MACHINE_QUIT:
		return "host-qmp-quit";
	default:
		return "host-error";
	}
}

const char *event_json(const struct machine_event *event, json_t *data)
{
	switch (event->type) {
	case MACHINE_EVENT_PAPR:
		return papr_event_json(event->papr, data);
	case MACHINE_EVENT_FWNMI:
		return outcome_json(event->vcpu, event->outcome, data);
	case MACHINE_EVENT_MACHINE_CHECK:
		return machine_check_json(event, data);
	case MACHINE_EVENT_RESET:
		json_object_set_new(data, "guest", json_boolean(event->guest_asked));
		json_object_set_new(data, "reason",
				    json_string(event->guest_asked ? "guest-reset" :
								     "host-qmp-system-reset"));
		return "RESET";
	case MACHINE_EVENT_STOP:
		return "STOP";
	case MACHINE_EVENT_RESUME:
		return "RESUME";
	case MACHINE_EVENT_SHUTDOWN:
		json_object_set_new(data, "guest",
				    json_boolean(event->end == MACHINE_POWERED_OFF ||
						 event->end == MACHINE_REBOOT ||
						 event->end == MACHINE_CRASHED));
		json_object_set_new(data, "reason", json_string(shutdown_reason(event->end)));
		if (event->why && *event->why)
			json_object_set_new(data, "text", text_json(event->why));
		return "SHUTDOWN";
	}
	return NULL;
}
