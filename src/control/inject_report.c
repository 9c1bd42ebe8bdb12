/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports what a guest was given, as JSON; see inject_report.h. Addresses are strings, as
 * everywhere in the protocol.
 */
#include <inttypes.h>

#include "control/inject_report.h"

static json_t *address(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

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
		json_object_set_new(object, "effective-address", address(mc->effective_address));
	if (mc->logical_address_valid)
		json_object_set_new(object, "logical-address", address(mc->logical_address));
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

void inject_report_vector(const struct injection_report *injection, json_t *report)
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
	cause = json_pack("{s:o, s:o, s:o}", "srr1", address(injection->srr1), "dsisr",
			  address(injection->dsisr), "dar", address(injection->dar));
	add_type(cause, injection->error_type, injection->error_subtype);
	json_object_set_new(report, "cause", cause);
}
