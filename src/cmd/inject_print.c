/* SPDX-License-Identifier: BSD-2-Clause */
/* What `fwnmi inject` prints; see inject_print.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/inject_print.h"
#include "cmd/say.h"
#include "inject/inject_args.h"
#include "base/text.h"

#define complain(...) say_error("inject", __VA_ARGS__)

/* The exit status, unless the reader has not got all of it */
static int finish(int status)
{
	if (fflush(stdout) != EOF && !ferror(stdout))
		return status;
	complain("cannot write the report: %s", strerror(errno));
	return EXIT_FAILURE;
}

static void print_indented(const json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
}

/* Returns text fit for a terminal: the other end, or a guest, may have chosen it. */
static const char *text_of(const json_t *object, const char *key)
{
	static char printable[8][200]; /* a line of a report has fewer */
	static unsigned next;
	const char *text = json_string_value(json_object_get(object, key));

	next = (next + 1) % 8;
	return text_printable(printable[next], sizeof(printable[next]), text ? text : "?");
}

static long long count_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static double real_of(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* Prints what was asked for, if no report says what the guest was given. */
static void print_request(const struct inject_options *o)
{
	struct injection_request in;
	const char *subtype;
	char err[200];

	inject_args_parse(o->args, o->system_reset, &in, err, sizeof(err));
	subtype = fwnmi_mc_subtype_name(in.mc.error_type, in.mc.error_subtype);
	printf("%s%s%s, %s, %s\n", fwnmi_mc_type_name(in.mc.error_type), subtype ? " " : "",
	       subtype ? subtype : "", fwnmi_severity_name(in.mc.severity),
	       fwnmi_disposition_name(in.mc.disposition));
}

/* Prints "SLB multihit"; a log without an error section has no type. */
static void print_type(const json_t *object)
{
	const char *subtype = json_string_value(json_object_get(object, "subtype"));

	printf("%s%s%s", text_of(object, "type"), subtype ? " " : "", subtype ? subtype : "");
}

static void print_what(const struct inject_options *o, const struct outcome *out)
{
	const json_t *log = json_object_get(out->report, "log");
	const json_t *cause = json_object_get(out->report, "cause");

	if (o->system_reset) {
		printf("system reset, CPU %u\n", out->vcpu);
		return;
	}
	printf("machine check, CPU %u: ", out->vcpu);
	if (!log && !cause) {
		print_request(o);
		return;
	}
	if (!log) {
		print_type(cause);
		putchar('\n');
		return;
	}
	if (json_object_get(log, "type")) {
		print_type(log);
		fputs(", ", stdout);
	}
	printf("%s, %s%s\n", text_of(log, "severity"), text_of(log, "disposition"),
	       json_is_true(json_object_get(log, "already-reported")) ?
		       " (a fatal error was reported before)" :
		       "");
}

/* For a guest behind a gdb stub: prints how it got to that moment. */
static void print_moment(const json_t *report)
{
	const json_t *moment = json_object_get(report, "moment");
	const json_t *process = json_object_get(report, "process");

	if (moment)
		printf("  moment       found after %.1f ms, %lld stops and %lld single steps\n",
		       real_of(moment, "took-us") / 1000, count_of(moment, "stops"),
		       count_of(moment, "steps"));
	if (process)
		printf("  process      %s, pid %lld\n", text_of(process, "name"),
		       count_of(process, "pid"));
}

/* Returns why this event cannot be a fair test, or NULL. */
static const char *warning(const struct outcome *out, unsigned i)
{
	const char *no_handler = json_string_value(json_object_get(out->report, "no-handler"));
	bool unrecoverable = json_is_false(json_object_get(out->report, "recoverable"));

	if (unrecoverable && i-- == 0)
		return "MSR[RI] was 0: no operating system can recover";
	if (!no_handler || i)
		return NULL;
	return strcmp(no_handler, "byte-order") ?
		       "the guest has no handler yet: there is no code at the vector" :
		       "the guest has no handler yet: interrupts are not taken in its byte order";
}

static void print_entry(const struct outcome *out)
{
	const json_t *report = out->report, *cause = json_object_get(report, "cause");
	bool idle = json_is_true(json_object_get(report, "idle"));
	const char *text, *place = json_string_value(json_object_get(report, "place"));

	print_moment(report);
	printf("  interrupted  NIP %s%s%s%s, MSR %s (%s%s)\n", text_of(report, "nip"),
	       place ? " (" : "", place ? place : "", place ? ")" : "", text_of(report, "msr"),
	       text_of(report, "context"), idle ? ", idle" : "");
	if (json_is_true(json_object_get(report, "registered")))
		printf("  entered      the registered routine at %s, R3 %s\n",
		       text_of(report, "handler"), text_of(report, "r3"));
	else
		printf("  entered      the architected vector at %s: %s\n",
		       text_of(report, "handler"),
		       json_object_get(report, "stale-handler") ? "the registered routine is gone" :
								  "the guest has not registered");
	if (cause)
		printf("  cause        SRR1 %s, DSISR %s, DAR %s\n", text_of(cause, "srr1"),
		       text_of(cause, "dsisr"), text_of(cause, "dar"));
	for (unsigned i = 0; (text = warning(out, i)); i++)
		printf("  warning      %s\n", text);
}

static void print_report(const struct inject_options *o, const struct outcome *out)
{
	const json_t *report = out->report, *interlock, *back;

	print_what(o, out);
	if (out->of)
		printf("  storm        %u of %u events delivered, %u returned; of the last:\n",
		       out->nr_delivered, out->of, out->nr_returned);
	if (out->stopped)
		puts("  stopped      as unsafe; a log about it waits for event-scan");
	if (out->delivered)
		print_entry(out);
	interlock = json_object_get(report, "interlock");
	if (interlock && !json_object_get(interlock, "instructions"))
		printf("  interlock    after %.1f us of host time\n",
		       real_of(interlock, "host-us"));
	else if (interlock)
		printf("  interlock    after %lld instructions, %.3f us of guest time, %.1f us of "
		       "host time\n",
		       count_of(interlock, "instructions"), real_of(interlock, "guest-us"),
		       real_of(interlock, "host-us"));
	back = json_object_get(report, "return");
	if (back && !json_object_get(back, "instructions"))
		printf("  returned     to the interrupted instruction after %.1f us of host time\n",
		       real_of(back, "host-us"));
	else if (back)
		printf("  returned     to the interrupted instruction after %lld instructions, "
		       "%.3f us of guest time\n",
		       count_of(back, "instructions"), real_of(back, "guest-us"));
	else if (json_object_get(report, "process-ended"))
		puts("  returned     no: the guest has ended the process");
	else if (json_object_get(report, "guest-ended"))
		puts("  returned     no: the guest called ibm,os-term");
	else if (json_object_get(report, "returned"))
		puts("  returned     not to the interrupted instruction");
}

static json_t *outcome_json(const struct inject_options *o, const struct outcome *out)
{
	json_t *object = json_object(), *warnings = json_array();
	const char *text;

	for (unsigned i = 0; (text = warning(out, i)); i++)
		json_array_append_new(warnings, json_string(text));
	json_object_set_new(object, "ok", json_boolean(outcome_is_ok(o, out)));
	json_object_set_new(object, "delivered", json_boolean(out->delivered));
	json_object_set_new(object, "interlocked", json_boolean(out->interlocked));
	if (out->of)
		json_object_set_new(object, "storm",
				    json_pack("{s:i, s:i, s:i}", "events", (int)out->of,
					      "delivered", (int)out->nr_delivered, "returned",
					      (int)out->nr_returned));
	if (out->problem[0])
		json_object_set_new(object, "problem", text_json(out->problem));
	if (json_array_size(warnings))
		json_object_set(object, "warnings", warnings);
	json_decref(warnings);
	if (out->report)
		json_object_set(object, "injection", out->report);
	return object;
}

/* For several CPUs, "ok" tells whether all are ok, and "cpus" holds one report per CPU. */
static void print_json(const struct inject_options *o, const struct outcome *outs, unsigned count,
		       bool several)
{
	json_t *json, *cpus = json_array();
	bool all_ok = true;

	for (unsigned i = 0; i < count; i++) {
		json_array_append_new(cpus, outcome_json(o, &outs[i]));
		all_ok = all_ok && outcome_is_ok(o, &outs[i]);
	}
	json = several ? json_pack("{s:b, s:O}", "ok", all_ok, "cpus", cpus) :
			 json_incref(json_array_get(cpus, 0));
	json_decref(cpus);
	print_indented(json);
	json_decref(json);
}

/*
 * Prints one line per problem. The end of the machine is reported once for all CPUs, anything else
 * per CPU.
 */
static void complain_of(const struct outcome *outs, unsigned i, unsigned count)
{
	const struct outcome *out = &outs[i];

	if (!out->problem[0] || (out->machine_ended && i && outs[i - 1].machine_ended))
		return;
	if (count > 1 && !out->machine_ended && strncmp(out->problem, "CPU ", 4))
		complain("CPU %u: %s", out->vcpu, out->problem);
	else
		complain("%s", out->problem);
}

int print_outcomes(const struct inject_options *o, struct outcome *outs, unsigned count,
		   bool several)
{
	bool all_ok = true;

	for (unsigned i = 0; i < count; i++)
		outcome_name_problem(o, &outs[i]);
	if (o->json)
		print_json(o, outs, count, several);
	for (unsigned i = 0; i < count; i++) {
		bool ok = outcome_is_ok(o, &outs[i]);

		if (!o->json && (outs[i].report || !o->remote.gdb))
			print_report(o, &outs[i]);
		/* A guest that ends after it was told still counts as delivered. */
		complain_of(outs, i, count);
		all_ok = all_ok && ok;
	}
	return finish(all_ok ? EXIT_SUCCESS : EXIT_FAILURE);
}

int print_queued(const struct inject_options *o, json_t *result, const struct outcome *outs,
		 unsigned count)
{
	if (o->json) {
		json_dumpf(result, stdout, JSON_COMPACT);
		putchar('\n');
	}
	for (unsigned i = 0; i < count; i++) {
		if (outs[i].over)
			complain("%s", outs[i].problem);
		else if (!o->json)
			printf("queued, id %lld\n", (long long)outs[i].id);
	}
	return finish(json_array_size(json_object_get(result, "refused")) ? EXIT_FAILURE :
									    EXIT_SUCCESS);
}

int print_memory(const struct inject_options *o, const json_t *regions)
{
	const json_t *region;
	size_t i;

	if (o->json) {
		print_indented(regions);
	} else {
		printf("poisoned memory%s\n", json_array_size(regions) ? "" : ": none");
		json_array_foreach(regions, i, region)
			printf("  %s, %lld bytes%s\n", text_of(region, "address"),
			       count_of(region, "length"),
			       json_is_true(json_object_get(region, "heal-on-write")) ?
				       ", healed by overwriting" :
				       "");
	}
	return finish(EXIT_SUCCESS);
}

static void print_planted(const json_t *error)
{
	const json_t *pid = json_object_get(error, "pid");

	printf("  CPU %lld, ", count_of(error, "cpu-index"));
	print_type(error);
	printf(" at %s, %lld bytes", text_of(error, "effective-address"),
	       count_of(error, "length"));
	if (pid)
		printf(", PID %lld", (long long)json_integer_value(pid));
	printf(", %s\n", text_of(error, "disposition"));
}

int print_planted_errors(const struct inject_options *o, const json_t *errors)
{
	const json_t *error;
	size_t i;

	if (o->json) {
		print_indented(errors);
	} else {
		printf("planted errors%s\n", json_array_size(errors) ? "" : ": none");
		json_array_foreach(errors, i, error) print_planted(error);
	}
	return finish(EXIT_SUCCESS);
}

int print_event_queued(const struct inject_options *o)
{
	puts(o->json ? "{}" : "queued");
	return finish(EXIT_SUCCESS);
}
