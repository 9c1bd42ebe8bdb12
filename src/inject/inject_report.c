/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports what a guest was given, as JSON; see inject_report.h. Addresses are strings, as
 * everywhere in the protocol.
 */
#include "base/text.h"
#include "inject/inject_report.h"
#include "inject/json.h"
#include "isa/msr.h"

/* A value without a name is reported as a number: the guest got it, too. */
static json_t *name_or_number(const char *name, unsigned number)
{
	return name ? json_string(name) : json_integer((json_int_t)number);
}

static void add_type(json_t *object, unsigned type, unsigned subtype)
{
	const char *name = fwnmi_mc_subtype_name(type, subtype);

	json_object_set_new(object, "type", name_or_number(fwnmi_mc_type_name(type), type));
	if (name)
		json_object_set_new(object, "subtype", json_string(name));
}

static void add_error(json_t *object, const struct fwnmi_mc_section *mc)
{
	add_type(object, mc->error_type, mc->error_subtype);
	if (mc->error_type == FWNMI_MC_UE)
		json_object_set_new(object, "transient", json_boolean(mc->transient));
	if (mc->effective_address_valid)
		json_object_set_new(object, "effective-address",
				    json_address(mc->effective_address));
	if (mc->logical_address_valid)
		json_object_set_new(object, "logical-address", json_address(mc->logical_address));
}

void inject_report_log(const struct injection_log *log, json_t *report)
{
	json_t *object;

	if (!log->valid)
		return;
	object = json_pack(
		"{s:o, s:o, s:o}", "severity",
		name_or_number(fwnmi_severity_name(log->severity), log->severity), "disposition",
		name_or_number(fwnmi_disposition_name(log->disposition), log->disposition),
		"initiator", name_or_number(fwnmi_initiator_name(log->initiator), log->initiator));
	if (log->has_mc)
		add_error(object, &log->mc);
	json_object_set_new(object, "already-reported",
			    json_boolean(log->severity == FWNMI_SEVERITY_ALREADY_REPORTED));
	json_object_set_new(report, "log", object);
}

/* Add "cause" and "no-handler" of an event that went to its vector. */
static void add_vector(const struct injection_report *injection, json_t *report)
{
	static const char *const why[] = {
		[INJECTION_VECTOR_EMPTY] = "empty-vector",
		[INJECTION_BYTE_ORDER] = "byte-order",
	};
	json_t *cause;

	if (injection->no_handler != INJECTION_HANDLER)
		json_object_set_new(report, "no-handler", json_string(why[injection->no_handler]));
	if (injection->system_reset)
		return;
	cause = json_pack("{s:o, s:o, s:o}", "srr1", json_address(injection->srr1), "dsisr",
			  json_address(injection->dsisr), "dar", json_address(injection->dar));
	add_type(cause, injection->error_type, injection->error_subtype);
	json_object_set_new(report, "cause", cause);
}

json_t *inject_report_json(const struct injection_report *report)
{
	json_t *out = json_pack("{s:o, s:s, s:i}", "id", json_count(report->id), "kind",
				report->system_reset ? "system-reset" : "machine-check",
				"cpu-index", (int)report->vcpu);

	if (report->of)
		json_object_set_new(out, "storm",
				    json_pack("{s:i, s:i}", "number", (int)report->number, "of",
					      (int)report->of));
	if (report->stage == INJECTION_FAILED)
		json_object_set_new(out, "reason", text_json(report->reason));
	if (report->stopped)
		json_object_set_new(out, "stopped", json_true());
	if (report->stage == INJECTION_PENDING || !report->handler)
		return out;
	json_object_update_new(
		out, json_pack("{s:o, s:o, s:s, s:b, s:b, s:o, s:o, s:o, s:o}", "nip",
			       json_address(report->nip), "msr", json_address(report->msr),
			       "context", report->msr & MSR_PR ? "user" : "kernel", "idle",
			       report->ceded, "registered", report->registered, "handler",
			       json_address(report->handler), "r3", json_address(report->r3),
			       "at-instruction", json_count(report->delivered_insns), "at-timebase",
			       json_count(report->delivered_timebase)));
	if (report->place[0])
		json_object_set_new(out, "place", json_string(report->place));
	json_object_set_new(out, "recoverable", json_boolean(report->msr & MSR_RI));
	inject_report_log(&report->log, out);
	if (!report->registered)
		add_vector(report, out);
	if (report->stale)
		json_object_set_new(out, "stale-handler", json_true());
	if (report->interlocked)
		json_object_set_new(out, "interlock",
				    json_pack("{s:o, s:o, s:f}", "instructions",
					      json_count(report->interlock_insns), "guest-us",
					      json_microseconds(report->interlock_ticks), "host-us",
					      (double)report->interlock_host_ns / 1e3));
	if (report->stage == INJECTION_FINISHED && report->watched)
		json_object_set_new(out, "returned", json_boolean(report->returned));
	if (report->stage == INJECTION_FINISHED && report->returned)
		json_object_set_new(out, "return",
				    json_pack("{s:o, s:o}", "instructions",
					      json_count(report->return_insns), "guest-us",
					      json_microseconds(report->return_ticks)));
	return out;
}
