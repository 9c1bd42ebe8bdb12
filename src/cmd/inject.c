/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi inject`: asks a running `fwnmi run --monitor` for a machine check or a system reset, waits
 * for the outcome, and reports it. The protocol is the monitor's. With --gdb the guest runs in
 * another QEMU, and attach/session.h does the work.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/inject_connection.h"
#include "cmd/inject_print.h"
#include "cmd/say.h"
#include "inject/inject_args.h"
#include "inject/inject_report.h"
#include "base/host_time.h"

#define EXIT_USAGE 2

#define complain(...) say_error("inject", __VA_ARGS__)

static const char *why_nothing_more(enum received how, const struct inject_options *o,
				    const struct outcome *out)
{
	if (how == CLOSED)
		return "the machine ended";
	if (how == GARBAGE)
		return "the monitor sent an invalid answer";
	if (!out->delivered)
		return "time limit: the machine does not respond";
	if (o->system_reset || out->interlocked)
		return "time limit: the CPU has not returned to the interrupted instruction";
	return "time limit: the guest did not call ibm,nmi-interlock";
}

/*
 * Deadline for the next thing to happen. The user's limit applies twice: to reaching an instruction
 * that fits, which the machine enforces itself, and to the interlock. The return has its own limit
 * in guest instructions. Where the machine itself reports the end, it gets more time, and we give
 * up only if it hangs.
 */
static int64_t next_deadline(const struct inject_options *o, const struct outcome *outs,
			     unsigned count)
{
	int64_t deadline = host_ms() + o->timeout * 1000ll;

	for (unsigned i = 0; i < count && !o->system_reset; i++) {
		if (outs[i].delivered && !outs[i].interlocked && !outs[i].over)
			return deadline;
	}
	return deadline + REPLY_MS;
}

/*
 * Waits until all are over. Each step that a CPU makes (delivered, interlocked, over) restarts the
 * time limit.
 */
static void wait_for_outcomes(struct connection *c, const struct inject_options *o,
			      struct outcome *outs, unsigned count)
{
	int64_t deadline = next_deadline(o, outs, count);
	unsigned last_seen = 0;

	for (;;) {
		unsigned seen = 0, over = 0;
		enum received how;
		json_t *message;

		for (unsigned i = 0; i < count; i++) {
			seen += outs[i].steps;
			over += outs[i].over;
		}
		if (over == count)
			return;
		if (seen > last_seen)
			deadline = next_deadline(o, outs, count);
		last_seen = seen;
		how = connection_receive(c, deadline, &message);
		for (unsigned i = 0; i < count; i++) {
			if (outs[i].over)
				continue;
			if (how == RECEIVED) {
				outcome_take_event(&outs[i], message);
				continue;
			}
			snprintf(outs[i].problem, sizeof(outs[i].problem), "%s",
				 why_nothing_more(how, o, &outs[i]));
			outs[i].over = true;
		}
		if (how == RECEIVED)
			json_decref(message);
	}
}

/* When Linux dumps, it waits until every CPU has had its system reset. */
static void warn_of_others(const struct inject_options *o, unsigned nr_cpus)
{
	if (o->system_reset && nr_cpus > 1)
		complain("warning: only CPU %u of %u is reset, but a guest that dumps waits for "
			 "all of them: leave out --cpu",
			 o->vcpu, nr_cpus);
}

static unsigned count_running(struct connection *c)
{
	json_t *nothing = json_object(), *cpus = NULL, *cpu;
	unsigned count = 0;
	size_t i;

	connection_command(c, "query-cpus-fast", nothing, &cpus);
	json_array_foreach(cpus, i, cpu)
	{
		const char *state = json_string_value(json_object_get(cpu, "state"));

		count += !state || strcmp(state, "stopped");
	}
	json_decref(cpus);
	json_decref(nothing);
	return count;
}

static int follow(struct connection *c, const struct inject_options *o, json_t *result)
{
	struct outcome outs[MAX_OUTCOMES] = { { .vcpu = o->vcpu } };
	unsigned count = outcome_take_ids(result, outs);
	int status = EXIT_FAILURE;

	if (count && o->no_wait) {
		status = print_queued(o, result, outs, count);
	} else if (count) {
		wait_for_outcomes(c, o, outs, count);
		status = print_outcomes(o, outs, count, json_object_get(result, "ids"));
	} else {
		complain("the monitor answered for more CPUs than a machine has");
	}
	for (unsigned i = 0; i < MAX_OUTCOMES; i++)
		json_decref(outs[i].report);
	return status;
}

/* Asks for the event, and reports what becomes of it. */
static int inject_event(struct connection *c, const struct inject_options *o)
{
	/* Asked now, because after the injection everything comes as events. */
	bool one = inject_args_cpus(o->args, o->system_reset) == INJECT_ONE_CPU;
	unsigned running = one ? count_running(c) : 0;
	json_t *result = NULL;
	int status = EXIT_FAILURE;

	if (connection_command(c, o->system_reset ? "inject-nmi" : "inject-machine-check", o->args,
			       &result)) {
		warn_of_others(o, running);
		status = follow(c, o, result);
	}
	json_decref(result);
	return status;
}

static int change_memory(struct connection *c, const struct inject_options *o)
{
	json_t *result = NULL;
	int status = EXIT_FAILURE;

	if (connection_command(c, o->heal ? "heal-memory" : "poison-memory", o->args, &result))
		status = print_memory(o, result);
	json_decref(result);
	return status;
}

static int change_planted(struct connection *c, const struct inject_options *o)
{
	json_t *result = NULL;
	int status = EXIT_FAILURE;

	if (connection_command(c, o->clear ? "clear-error" : "plant-error", o->args, &result))
		status = print_planted_errors(o, result);
	json_decref(result);
	return status;
}

static int queue_event(struct connection *c, const struct inject_options *o)
{
	json_t *result = NULL;
	bool queued = connection_command(c, "queue-event", o->args, &result);

	json_decref(result);
	return queued ? print_event_queued(o) : EXIT_FAILURE;
}

static int inject(const struct inject_options *o)
{
	static struct connection c; /* too big for the stack */
	int status = EXIT_FAILURE;
	char err[300];

	if (!connection_open(&c, o->monitor))
		return EXIT_FAILURE;
	if (o->remote.confine && !o->remote.confine(err, sizeof(err))) {
		complain("%s", err);
		return EXIT_FAILURE;
	}
	if (!connection_greet(&c))
		status = EXIT_FAILURE;
	else if (o->poison || o->heal)
		status = change_memory(&c, o);
	else if (o->plant || o->clear)
		status = change_planted(&c, o);
	else if (o->event)
		status = queue_event(&c, o);
	else
		status = inject_event(&c, o);
	close(c.fd);
	return status;
}

static void take_remote(struct outcome *out, const struct remote_outcome *remote, unsigned vcpu)
{
	*out = (struct outcome){
		.vcpu = vcpu,
		.delivered = remote->delivered,
		.interlocked = remote->interlocked,
		.report = remote->report,
	};
	if (out->report)
		inject_report_log(&remote->log, out->report);
	snprintf(out->problem, sizeof(out->problem), "%s", remote->problem);
}

/* A place in the kernel, or a process, means one CPU. */
static enum inject_cpus remote_cpus(const struct inject_options *o)
{
	enum inject_cpus cpus = inject_args_cpus(o->args, o->system_reset);

	return cpus == INJECT_PARTITION && (o->remote.at || o->remote.process) ? INJECT_ONE_CPU :
										 cpus;
}

/*
 * Handles several CPUs one after another: a stub's guest is stopped and left for each. After a
 * machine check fails, no more are sent. After a system reset fails on one CPU, it may still reach
 * the next.
 */
static int inject_remote(const struct inject_options *o)
{
	static struct outcome outs[REMOTE_MAX_CPUS]; /* too big for the stack */
	enum inject_cpus cpus = remote_cpus(o);
	bool several = cpus != INJECT_ONE_CPU;
	unsigned count = 0, nr_cpus = 1;
	int status;

	for (unsigned cpu = 0; cpu < nr_cpus && count < REMOTE_MAX_CPUS; cpu++) {
		struct remote_outcome remote;
		struct injection_request in;
		char err[200];

		if (cpus == INJECT_OTHER_CPUS && cpu == o->vcpu) {
			nr_cpus++; /* until the guest has told how many it has */
			continue;
		}
		inject_args_parse(o->args, o->system_reset, &in, err, sizeof(err));
		if (several)
			in.vcpu = cpu;
		remote_inject(&o->remote, &in, o->no_wait, several, &remote);
		nr_cpus = several ? remote.nr_cpus : 1;
		if (several && remote.not_started)
			continue;
		if (!several && remote.delivered)
			warn_of_others(o, remote.nr_cpus);
		take_remote(&outs[count++], &remote, in.vcpu);
		if (!remote.delivered && !o->system_reset)
			break;
	}
	if (!count) {
		complain("none of these CPUs has been started");
		return EXIT_FAILURE;
	}
	status = print_outcomes(o, outs, count,
				several && (cpus != INJECT_PARTITION || nr_cpus > 1));
	for (unsigned i = 0; i < count; i++)
		json_decref(outs[i].report);
	return status;
}

int cmd_inject(int argc, char **argv)
{
	struct inject_options options;
	int status =
		options_end(inject_options_parse(&options, argc, argv), inject_usage, EXIT_USAGE);

	if (status < 0)
		status = options.remote.gdb ? inject_remote(&options) : inject(&options);
	json_decref(options.args);
	return status;
}
