/* SPDX-License-Identifier: BSD-2-Clause */
/* What became of an event; see inject_outcome.h. */
#include <stdio.h>
#include <string.h>

#include "cmd/inject_outcome.h"

static void take_delivery(struct outcome *out)
{
	out->delivered = true;
	out->interlocked = false; /* that was a storm's last */
	out->nr_delivered++;
	out->steps++;
}

static void take_interlock(struct outcome *out)
{
	out->interlocked = true;
	out->steps++;
}

static void take_end(struct outcome *out, const json_t *report)
{
	const json_t *number = json_object_get(json_object_get(report, "storm"), "number");

	out->nr_returned += json_is_true(json_object_get(report, "returned"));
	out->over = json_integer_value(number) == out->of;
	out->steps++;
}

void outcome_take_event(struct outcome *out, const json_t *message)
{
	const char *event = json_string_value(json_object_get(message, "event"));
	json_t *data = json_object_get(message, "data");
	json_t *report = json_object_get(data, "injection");

	if (!event)
		return;
	if (!strcmp(event, "SHUTDOWN")) {
		const char *reason = json_string_value(json_object_get(data, "reason"));
		const char *text = json_string_value(json_object_get(data, "text"));

		snprintf(out->problem, sizeof(out->problem), "the machine ended (%s)%s%s",
			 reason ? reason : "?", text ? ": " : "", text ? text : "");
		out->over = out->machine_ended = true;
	}
	if (!report || json_integer_value(json_object_get(report, "id")) != out->id)
		return;
	json_decref(out->report);
	out->report = json_incref(report);
	out->of = (unsigned)json_integer_value(
		json_object_get(json_object_get(report, "storm"), "of"));
	if (!strcmp(event, "FWNMI_DELIVERED") || !strcmp(event, "FWNMI_NOT_REGISTERED") ||
	    !strcmp(event, "FWNMI_STALE_HANDLER"))
		take_delivery(out);
	else if (!strcmp(event, "FWNMI_INTERLOCK"))
		take_interlock(out);
	else if (!strcmp(event, "FWNMI_INJECTION_FINISHED"))
		take_end(out, report);
	out->stopped = json_is_true(json_object_get(report, "stopped"));
	if (!strcmp(event, "FWNMI_INJECTION_FAILED")) {
		const char *reason = json_string_value(json_object_get(report, "reason"));

		snprintf(out->problem, sizeof(out->problem), "%s", reason ? reason : "it failed");
		out->over = true;
	}
}

bool outcome_is_ok(const struct inject_options *o, const struct outcome *out)
{
	return out->stopped || (out->delivered && (!out->of || out->nr_delivered == out->of) &&
				(o->system_reset || o->no_wait || out->interlocked));
}

void outcome_name_problem(const struct inject_options *o, struct outcome *out)
{
	if (out->problem[0] || outcome_is_ok(o, out))
		return;
	snprintf(out->problem, sizeof(out->problem), "%s: it will not call ibm,nmi-interlock",
		 json_object_get(out->report, "stale-handler") ? "the registered routine is gone" :
								 "the guest has not registered");
}

unsigned outcome_take_ids(const json_t *result, struct outcome *outs)
{
	const json_t *ids = json_object_get(result, "ids");
	const json_t *refused = json_object_get(result, "refused");
	size_t queued = json_array_size(ids), count = queued + json_array_size(refused);

	if (!ids) {
		outs[0].id = json_integer_value(json_object_get(result, "id"));
		return 1;
	}
	if (count > MAX_OUTCOMES)
		return 0;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = i < queued ? json_array_get(ids, i) :
						  json_array_get(refused, i - queued);
		const char *reason = json_string_value(json_object_get(item, "reason"));

		outs[i].vcpu = (unsigned)json_integer_value(json_object_get(item, "cpu-index"));
		outs[i].id = json_integer_value(json_object_get(item, "id"));
		outs[i].over = i >= queued;
		if (outs[i].over)
			snprintf(outs[i].problem, sizeof(outs[i].problem), "%s",
				 reason ? reason : "?");
	}
	return (unsigned)count;
}
