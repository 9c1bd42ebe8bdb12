/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: listening, clients with bounded buffers, commands and events; see monitor.h.
 * Protocol: QMP (QEMU, "QEMU Machine Protocol Specification"). Addresses are strings, because a
 * 64-bit JSON integer is signed.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "control/inject_args.h"
#include "control/inject_report.h"
#include "control/monitor.h"
#include "inject/injector.h"
#include "base/text.h"

#define CLOSE_WAIT_MS 200 /* for clients to take the last events */

struct client {
	int fd; /* -1: free */
	bool negotiated;
	bool closing; /* read no more; close once the output is sent */
	char *in;
	size_t in_len;
	struct {
		size_t at; /* bytes of in[] scanned so far */
		unsigned depth; /* of objects and arrays */
		bool string, escape, garbage;
	} scan;
	char *out;
	size_t out_len, out_size;
};

struct monitor {
	struct machine *machine;
	struct injector *injector;
	struct sockaddr_un address;
	struct stat socket_file; /* so as to remove only our own */
	int listen_fd;
	uint64_t next_injection;
	struct timeval last_event;
	struct client clients[MONITOR_MAX_CLIENTS];
	/* Client of each descriptor last handed to poll(); NULL: listen_fd. */
	struct client *polled[MONITOR_MAX_CLIENTS + 1];
};

/* ---- clients ---- */

static void drop(struct client *client)
{
	close(client->fd);
	free(client->in);
	free(client->out);
	*client = (struct client){ .fd = -1 };
}

static void flush_output(struct client *client)
{
	while (client->out_len) {
		ssize_t n =
			send(client->fd, client->out, client->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				drop(client);
			return;
		}
		client->out_len -= (size_t)n;
		memmove(client->out, client->out + n, client->out_len);
	}
	if (client->closing)
		drop(client);
}

/* Drop a client that does not read its output, or for which there is no memory. */
static void send_text(struct client *client, const char *text, size_t len)
{
	if (client->fd < 0)
		return;
	if (client->out_len + len > client->out_size) {
		size_t size = (client->out_len + len) * 2;
		char *bigger = size <= MONITOR_MAX_BACKLOG ? realloc(client->out, size) : NULL;

		if (!bigger) {
			drop(client);
			return;
		}
		client->out = bigger;
		client->out_size = size;
	}
	memcpy(client->out + client->out_len, text, len);
	client->out_len += len;
	flush_output(client);
}

/* Takes over the reference to @message. */
static void send_json(struct client *client, json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	size_t len = text ? strlen(text) : 0;

	json_decref(message);
	if (!text) {
		drop(client);
		return;
	}
	/* The newline replaces the terminating NUL. */
	text[len] = '\n';
	send_text(client, text, len + 1);
	free(text);
}

static void send_error(struct client *client, json_t *id, const char *class,
		       const char *description)
{
	json_t *error = json_pack("{s:{s:s, s:o}}", "error", "class", class, "desc",
				  text_json(description));

	if (error && id)
		json_object_set(error, "id", id);
	send_json(client, error);
}

/* ---- what the machine says, as JSON ---- */

static json_t *address(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

static json_t *count(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *microseconds(uint64_t ticks)
{
	return json_real((double)ticks * 1e6 / TIMEBASE_HZ);
}

static json_t *report_json(const struct injection_report *report)
{
	json_t *out = json_pack("{s:o, s:s, s:i}", "id", count(report->id), "kind",
				report->system_reset ? "system-reset" : "machine-check",
				"cpu-index", (int)report->vcpu);

	if (report->stage == INJECTION_FAILED)
		json_object_set_new(out, "reason", text_json(report->reason));
	if (report->stopped)
		json_object_set_new(out, "stopped", json_true());
	if (report->stage == INJECTION_PENDING || !report->handler)
		return out;
	json_object_update_new(
		out, json_pack("{s:o, s:o, s:s, s:b, s:b, s:o, s:o, s:o, s:o}", "nip",
			       address(report->nip), "msr", address(report->msr), "context",
			       report->msr & MSR_PR ? "user" : "kernel", "idle", report->ceded,
			       "registered", report->registered, "handler",
			       address(report->handler), "r3", address(report->r3),
			       "at-instruction", count(report->delivered_insns), "at-timebase",
			       count(report->delivered_timebase)));
	json_object_set_new(out, "recoverable", json_boolean(report->msr & MSR_RI));
	inject_report_log(&report->log, out);
	if (!report->registered)
		inject_report_vector(report, out);
	if (report->stale)
		json_object_set_new(out, "stale-handler", json_true());
	if (report->interlocked)
		json_object_set_new(out, "interlock",
				    json_pack("{s:o, s:o, s:f}", "instructions",
					      count(report->interlock_insns), "guest-us",
					      microseconds(report->interlock_ticks), "host-us",
					      (double)report->interlock_host_ns / 1e3));
	if (report->stage == INJECTION_FINISHED && report->watched)
		json_object_set_new(out, "returned", json_boolean(report->returned));
	if (report->stage == INJECTION_FINISHED && report->returned)
		json_object_set_new(out, "return",
				    json_pack("{s:o, s:o}", "instructions",
					      count(report->return_insns), "guest-us",
					      microseconds(report->return_ticks)));
	return out;
}

static const char *end_reason(enum fwnmi_end_reason reason)
{
	return reason == FWNMI_END_STALE_HANDLER ? "stale-handler" : "nested-machine-check";
}

/* These return the event's name; NULL: it is not told. */
static const char *outcome_json(unsigned vcpu, const struct papr_outcome *outcome, json_t *data)
{
	json_object_set_new(data, "cpu-index", json_integer(vcpu));
	switch (outcome->result) {
	case PAPR_ROUTINE:
		json_object_set_new(data, "vector", address(outcome->vector));
		json_object_set_new(data, "r3", address(outcome->regs.gpr[3]));
		return "FWNMI_DELIVERED";
	case PAPR_VECTOR:
		json_object_set_new(data, "vector", address(outcome->vector));
		return outcome->stale ? "FWNMI_STALE_HANDLER" : "FWNMI_NOT_REGISTERED";
	case PAPR_WAITING:
		return "FWNMI_WAITING";
	case PAPR_UNSAFE:
		return "FWNMI_CPU_STOPPED";
	case PAPR_ENDED:
		json_object_set_new(data, "reason", json_string(end_reason(outcome->end_reason)));
		return "FWNMI_PARTITION_ENDED";
	case PAPR_NOTHING:
	case PAPR_RAISED:
	case PAPR_REFUSED:
		break;
	}
	return NULL;
}

static const char *papr_event_json(const struct papr_event *event, json_t *data)
{
	json_object_set_new(data, "cpu-index", json_integer(event->cpu));
	switch (event->type) {
	case PAPR_EVENT_FWNMI_REGISTERED:
		json_object_set_new(data, "system-reset", address(event->registered.system_reset));
		json_object_set_new(data, "machine-check",
				    address(event->registered.machine_check));
		return "FWNMI_REGISTERED";
	case PAPR_EVENT_FWNMI_INTERLOCK:
		return "FWNMI_INTERLOCK";
	case PAPR_EVENT_LOG_FETCHED:
		json_object_set_new(data, "length", count(event->log_length));
		return "RTAS_LOG_FETCHED";
	case PAPR_EVENT_VCPU_STARTED:
		json_object_set_new(data, "entry", address(event->entry));
		return "VCPU_STARTED";
	case PAPR_EVENT_VCPU_STOPPED:
		return "VCPU_STOPPED";
	case PAPR_EVENT_PANIC:
		json_object_set_new(data, "action", json_string("poweroff"));
		if (event->text)
			json_object_set_new(data, "text", text_json(event->text));
		return "GUEST_PANICKED";
	}
	return NULL;
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

static const char *event_json(const struct machine_event *event, json_t *data)
{
	switch (event->type) {
	case MACHINE_EVENT_PAPR:
		return papr_event_json(event->papr, data);
	case MACHINE_EVENT_FWNMI:
		return outcome_json(event->vcpu, event->outcome, data);
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

/* Event times never go backwards, whatever happens to the host's clock. */
static struct timeval event_time(struct monitor *monitor)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	if (timercmp(&now, &monitor->last_event, >))
		monitor->last_event = now;
	return monitor->last_event;
}

/* Send an event to every client. Takes over the reference to @data. */
static void send_event(struct monitor *monitor, const char *name, json_t *data,
		       const struct injection_report *report)
{
	struct timeval now = event_time(monitor);
	json_t *message;

	if (report)
		json_object_set_new(data, "injection", report_json(report));
	json_object_set_new(data, "instructions", count(machine_insns(monitor->machine)));
	json_object_set_new(data, "timebase", count(machine_timebase(monitor->machine)));
	message = json_pack("{s:s, s:o, s:{s:I, s:I}}", "event", name, "data", data, "timestamp",
			    "seconds", (json_int_t)now.tv_sec, "microseconds",
			    (json_int_t)now.tv_usec);
	for (unsigned i = 0; i < MONITOR_MAX_CLIENTS; i++) {
		struct client *client = &monitor->clients[i];

		if (client->fd >= 0 && client->negotiated && !client->closing)
			send_json(client, json_incref(message));
	}
	json_decref(message);
}

static void monitor_event(void *opaque, const struct machine_event *event)
{
	struct monitor *monitor = opaque;
	json_t *data = json_object();
	const char *name = event_json(event, data);

	if (name)
		send_event(monitor, name, data, injector_explains(monitor->injector, event));
	else
		json_decref(data);
}

static void injection_ended(void *opaque, const struct injection_report *report)
{
	const bool failed = report->stage == INJECTION_FAILED;

	send_event(opaque, failed ? "FWNMI_INJECTION_FAILED" : "FWNMI_INJECTION_FINISHED",
		   json_pack("{s:i}", "cpu-index", (int)report->vcpu), report);
}

/* ---- commands ---- */

/* Returns what goes into "return", or NULL with a reason in @err. */
typedef json_t *command_fn(struct monitor *monitor, json_t *args, char *err, size_t err_size);

static json_t *query_status(struct monitor *monitor, json_t *args, char *err, size_t err_size)
{
	bool paused = machine_paused(monitor->machine);

	return json_pack("{s:b, s:s}", "running", !paused, "status", paused ? "paused" : "running");
}

static const char *state_name(const struct machine *machine, unsigned vcpu)
{
	static const char *const states[] = {
		[VCPU_STOPPED] = "stopped",
		[VCPU_RUNNABLE] = "running",
		[VCPU_CEDED] = "idle",
		[VCPU_UNSAFE] = "stopped",
	};

	return machine_vcpu_waits(machine, vcpu) ? "waiting-for-interlock" :
						   states[machine_vcpu_state(machine, vcpu)];
}

static json_t *query_cpus_fast(struct monitor *monitor, json_t *args, char *err, size_t err_size)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < machine_nr_vcpus(monitor->machine); i++)
		json_array_append_new(
			list, json_pack("{s:i, s:i, s:s, s:s, s:o, s:{s:i}}", "cpu-index", (int)i,
					"thread-id", (int)getpid(), "target", "ppc64", "state",
					state_name(monitor->machine, i), "instructions",
					count(machine_vcpu_insns(monitor->machine, i)), "props",
					"core-id", (int)i));
	return list;
}

static json_t *hexadecimal(const uint8_t *bytes, unsigned len)
{
	char text[2 * FWNMI_ERRLOG_MAX + 1];

	for (unsigned i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	text[2 * len] = '\0';
	return json_string(text);
}

static json_t *query_fwnmi(struct monitor *monitor, json_t *args, char *err, size_t err_size)
{
	const struct papr_fwnmi_end *last_end = papr_fwnmi_end(machine_papr(monitor->machine));
	struct papr_fwnmi_state state;
	json_t *out;

	papr_fwnmi_state(machine_papr(monitor->machine), &state);
	out = json_pack("{s:b, s:b, s:s, s:b}", "registered", state.registered, "interlock-held",
			state.interlock_held, "delivery",
			state.by_trampoline ? "trampoline" : "direct", "partition-ended",
			machine_partition_ended(monitor->machine));
	if (state.registered) {
		json_object_set_new(out, "system-reset", address(state.system_reset));
		json_object_set_new(out, "machine-check", address(state.machine_check));
	}
	if (state.interlock_held)
		json_object_set_new(out, "owner", json_integer(state.owner));
	if (last_end)
		json_object_set_new(out, "last-end",
				    json_pack("{s:i, s:s, s:o}", "cpu-index", (int)last_end->vcpu,
					      "reason", end_reason(last_end->reason), "log",
					      hexadecimal(last_end->log, last_end->log_length)));
	return out;
}

/* Inject into every started CPU; if @others, except for the one in @request. */
static json_t *inject_several(struct monitor *monitor, const struct injection_request *request,
			      bool others, char *err, size_t err_size)
{
	json_t *ids = json_array(), *refused = json_array();
	bool any;

	for (unsigned i = 0; i < machine_nr_vcpus(monitor->machine); i++) {
		struct injection_request injection = *request;

		enum vcpu_state state = machine_vcpu_state(monitor->machine, i);

		if (state == VCPU_STOPPED || state == VCPU_UNSAFE || (others && i == request->vcpu))
			continue;
		injection.vcpu = i;
		injection.id = ++monitor->next_injection;
		if (!injector_add(monitor->injector, &injection, err, err_size))
			json_array_append_new(refused, json_pack("{s:i, s:o}", "cpu-index", (int)i,
								 "reason", text_json(err)));
		else
			json_array_append_new(ids, json_pack("{s:i, s:o}", "cpu-index", (int)i,
							     "id", count(injection.id)));
	}
	any = json_array_size(ids);
	if (!any && !json_array_size(refused))
		snprintf(err, err_size, "no such CPU is running");
	if (any)
		return json_pack("{s:o, s:o}", "ids", ids, "refused", refused);
	json_decref(ids);
	json_decref(refused);
	return NULL;
}

static json_t *inject(struct monitor *monitor, json_t *args, bool system_reset, char *err,
		      size_t err_size)
{
	enum inject_cpus cpus = inject_args_cpus(args, system_reset);
	struct injection_request injection;

	if (inject_args_parse(args, system_reset, &injection, err, err_size) < 0)
		return NULL;
	if (cpus == INJECT_PARTITION && machine_nr_vcpus(monitor->machine) == 1)
		cpus = INJECT_ONE_CPU;
	if (cpus != INJECT_ONE_CPU)
		return inject_several(monitor, &injection, cpus == INJECT_OTHER_CPUS, err,
				      err_size);
	injection.id = ++monitor->next_injection;
	if (!injector_add(monitor->injector, &injection, err, err_size))
		return NULL;
	return json_pack("{s:o}", "id", count(injection.id));
}

static json_t *inject_machine_check(struct monitor *monitor, json_t *args, char *err,
				    size_t err_size)
{
	return inject(monitor, args, false, err, err_size);
}

static json_t *inject_nmi(struct monitor *monitor, json_t *args, char *err, size_t err_size)
{
	return inject(monitor, args, true, err, err_size);
}

static bool parse_hexadecimal(const char *text, uint8_t *bytes, size_t *len)
{
	size_t n = strlen(text);

	if (n % 2 || n / 2 > *len)
		return false;
	for (size_t i = 0; i < n; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = memchr(digits, tolower((unsigned char)text[i]), 16);

		if (!digit)
			return false;
		bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | (digit - digits));
	}
	*len = n / 2;
	return true;
}

/*
 * Queue a log for the guest's event-scan or check-exception: {"log": hexadecimal, "class": ...,
 * "call": ...}.
 */
static json_t *queue_event(struct monitor *monitor, json_t *args, char *err, size_t err_size)
{
	static const struct {
		const char *name;
		uint32_t event_class;
	} classes[] = {
		{ "internal-errors", FWNMI_CLASS_INTERNAL_ERRORS },
		{ "epow", FWNMI_CLASS_EPOW },
		{ "hot-plug", FWNMI_CLASS_HOT_PLUG },
		{ "io-events", FWNMI_CLASS_IO_EVENTS },
	};
	enum fwnmi_event_source source = FWNMI_EVENT_SCAN;
	const char *text, *class = "internal-errors", *call = "event-scan";
	uint32_t event_class = 0;
	uint8_t log[FWNMI_ERRLOG_MAX];
	size_t len = sizeof(log);
	int rc;

	if (json_unpack(args, "{s:s, s?s, s?s !}", "log", &text, "class", &class, "call", &call)) {
		snprintf(err, err_size, "the arguments must be log, class and call");
		return NULL;
	}
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (!strcmp(class, classes[i].name))
			event_class = classes[i].event_class;
	if (!strcmp(call, "check-exception"))
		source = FWNMI_CHECK_EXCEPTION;
	else if (strcmp(call, "event-scan"))
		event_class = 0;
	if (!event_class) {
		snprintf(err, err_size, "unknown class or call");
		return NULL;
	}
	if (!parse_hexadecimal(text, log, &len)) {
		snprintf(err, err_size, "bad log: must be at most %d bytes in hexadecimal",
			 FWNMI_ERRLOG_MAX);
		return NULL;
	}
	rc = papr_queue_event(machine_papr(monitor->machine), source, event_class, log, len);
	if (rc < 0) {
		snprintf(err, err_size, "cannot queue the log: %s", fwnmi_strerror(rc));
		return NULL;
	}
	return json_object();
}

static json_t *stop(struct monitor *monitor, json_t *args, char *err, size_t err_size)
{
	machine_pause(monitor->machine, true);
	return json_object();
}

static json_t *cont(struct monitor *monitor, json_t *args, char *err, size_t err_size)
{
	if (machine_partition_ended(monitor->machine)) {
		snprintf(err, err_size, "the partition has ended: use system_reset or quit");
		return NULL;
	}
	machine_pause(monitor->machine, false);
	return json_object();
}

static json_t *system_reset(struct monitor *monitor, json_t *args, char *err, size_t err_size)
{
	machine_request_reset(monitor->machine);
	return json_object();
}

static json_t *quit(struct monitor *monitor, json_t *args, char *err, size_t err_size)
{
	machine_quit(monitor->machine);
	return json_object();
}

static json_t *version(void)
{
	int major = 0, minor = 0, micro = 0;

	sscanf(FWNMI_VERSION, "%d.%d.%d", &major, &minor, &micro);
	/* QMP clients look for a version of "qemu"; the package tells what this really is. */
	return json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "major", major, "minor", minor,
			 "micro", micro, "package", "fwnmi " FWNMI_VERSION);
}

static json_t *query_version(struct monitor *monitor, json_t *args, char *err, size_t err_size)
{
	return version();
}

static json_t *query_commands(struct monitor *monitor, json_t *args, char *err, size_t err_size);

static const struct command {
	const char *name;
	command_fn *run;
	bool has_arguments;
} commands[] = {
	{ "query-version", query_version, false },
	{ "query-commands", query_commands, false },
	{ "query-status", query_status, false },
	{ "query-cpus-fast", query_cpus_fast, false },
	{ "query-fwnmi", query_fwnmi, false },
	{ "inject-machine-check", inject_machine_check, true },
	{ "inject-nmi", inject_nmi, true },
	{ "queue-event", queue_event, true },
	{ "stop", stop, false },
	{ "cont", cont, false },
	{ "system_reset", system_reset, false },
	{ "quit", quit, false },
};
#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static json_t *query_commands(struct monitor *monitor, json_t *args, char *err, size_t err_size)
{
	json_t *list = json_array();

	json_array_append_new(list, json_pack("{s:s}", "name", "qmp_capabilities"));
	for (size_t i = 0; i < NR_COMMANDS; i++)
		json_array_append_new(list, json_pack("{s:s}", "name", commands[i].name));
	return list;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

/* A request is {"execute": NAME, "arguments": OBJECT, "id": anything} and nothing else. */
static const char *check_request(const json_t *request)
{
	const char *key;
	json_t *value;

	if (!json_is_object(request))
		return "a request must be a JSON object";
	if (!json_is_string(json_object_get(request, "execute")))
		return "a request must have a member 'execute' with a command's name";
	json_object_foreach((json_t *)request, key, value)
	{
		if (strcmp(key, "execute") && strcmp(key, "arguments") && strcmp(key, "id"))
			return "a request can only have the members 'execute', 'arguments' and 'id'";
	}
	value = json_object_get(request, "arguments");
	if (value && !json_is_object(value))
		return "'arguments' must be an object";
	return NULL;
}

/* {"enable": []}, or nothing: there is no capability to enable. */
static const char *check_capabilities(json_t *args)
{
	json_t *enable = json_object_get(args, "enable");

	if (json_object_size(args) > (enable ? 1u : 0u))
		return "qmp_capabilities takes no argument but 'enable'";
	if (enable && !json_is_array(enable))
		return "'enable' must be an array";
	return json_array_size(enable) ? "there are no capabilities to enable" : NULL;
}

static void execute(struct monitor *monitor, struct client *client, json_t *request)
{
	json_t *id = json_object_get(request, "id"), *args, *result, *reply;
	const char *problem = check_request(request), *name;
	const struct command *command;
	char err[256];

	if (problem) {
		send_error(client, id, "GenericError", problem);
		return;
	}
	name = json_string_value(json_object_get(request, "execute"));
	args = json_object_get(request, "arguments");
	if (!strcmp(name, "qmp_capabilities") && !client->negotiated) {
		problem = check_capabilities(args);
		if (problem) {
			send_error(client, id, "GenericError", problem);
			return;
		}
		client->negotiated = true;
		result = json_object();
	} else if (!client->negotiated) {
		send_error(client, id, "CommandNotFound",
			   "the first command must be qmp_capabilities");
		return;
	} else {
		command = find_command(name);
		if (!command) {
			send_error(client, id, "CommandNotFound", "no such command");
			return;
		}
		if (!command->has_arguments && json_object_size(args)) {
			send_error(client, id, "GenericError", "the command takes no arguments");
			return;
		}
		result = command->run(monitor, args, err, sizeof(err));
		if (!result) {
			send_error(client, id, "GenericError", err);
			return;
		}
	}
	/* The client may have been dropped while it was sent an event that the command caused. */
	if (client->fd < 0) {
		json_decref(result);
		return;
	}
	reply = json_pack("{s:o}", "return", result);
	if (reply && id)
		json_object_set(reply, "id", id);
	send_json(client, reply);
}

static void take_request(struct monitor *monitor, struct client *client, const char *text,
			 size_t len)
{
	json_t *request = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	if (!request) {
		send_error(client, NULL, "GenericError", "the request is not a JSON object");
		return;
	}
	execute(monitor, client, request);
	json_decref(request);
}

/* ---- input ---- */

/* Scan one byte of input. True: it ends a request or garbage. */
static bool scan_byte(struct client *client, unsigned char c)
{
	/* Garbage extends to the end of the line. */
	if (client->scan.garbage || (client->scan.string && c < ' ')) {
		client->scan.garbage = true;
		return c == '\n';
	}
	if (client->scan.string) {
		client->scan.string = client->scan.escape || c != '"';
		client->scan.escape = !client->scan.escape && c == '\\';
	} else if (c == '{' || c == '[') {
		client->scan.depth++;
	} else if (client->scan.depth) {
		client->scan.string = c == '"';
		return (c == '}' || c == ']') && !--client->scan.depth;
	} else if (!c || !strchr(" \t\r\n", c)) {
		client->scan.garbage = true;
	}
	return false;
}

/* A request may span lines, and a line may hold several. Brackets tell where each ends. */
static void take_requests(struct monitor *monitor, struct client *client)
{
	size_t start = 0;

	while (client->fd >= 0 && client->scan.at < client->in_len) {
		if (!scan_byte(client, (unsigned char)client->in[client->scan.at++]))
			continue;
		client->scan.depth = 0;
		client->scan.string = client->scan.escape = client->scan.garbage = false;
		take_request(monitor, client, client->in + start, client->scan.at - start);
		start = client->scan.at;
	}
	if (client->fd < 0)
		return;
	/* White space alone does not begin a request: drop it. */
	if (!client->scan.depth && !client->scan.garbage)
		start = client->in_len;
	client->in_len -= start;
	client->scan.at = client->in_len;
	memmove(client->in, client->in + start, client->in_len);
	if (client->in_len == MONITOR_MAX_REQUEST) {
		client->closing = true;
		send_error(client, NULL, "GenericError", "the request is too long");
	}
}

static void receive(struct monitor *monitor, struct client *client)
{
	ssize_t n = recv(client->fd, client->in + client->in_len,
			 MONITOR_MAX_REQUEST - client->in_len, MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n < 0) {
		drop(client);
		return;
	}
	if (n == 0) {
		/*
		 * It may still read: `socat` and people with a pipe close their sending side first.
		 */
		client->closing = true;
		if (client->in_len)
			send_error(client, NULL, "GenericError", "the request is not complete");
		else
			flush_output(client);
		return;
	}
	client->in_len += (size_t)n;
	take_requests(monitor, client);
}

static void accept_client(struct monitor *monitor)
{
	int fd = accept4(monitor->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *client = NULL;

	if (fd < 0)
		return;
	for (unsigned i = 0; i < MONITOR_MAX_CLIENTS && !client; i++) {
		if (monitor->clients[i].fd < 0)
			client = &monitor->clients[i];
	}
	if (client)
		client->in = malloc(MONITOR_MAX_REQUEST);
	if (!client || !client->in) {
		static const char busy[] = "{\"error\":{\"class\":\"GenericError\","
					   "\"desc\":\"too many monitor clients\"}}\n";

		(void)!send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return;
	}
	client->fd = fd;
	send_json(client,
		  json_pack("{s:{s:o, s:[]}}", "QMP", "version", version(), "capabilities"));
}

static unsigned monitor_poll_fds(void *opaque, struct pollfd *fds, unsigned max)
{
	struct monitor *monitor = opaque;
	unsigned n = 0;

	if (n < max) {
		monitor->polled[n] = NULL;
		fds[n++] = (struct pollfd){ .fd = monitor->listen_fd, .events = POLLIN };
	}
	for (unsigned i = 0; i < MONITOR_MAX_CLIENTS && n < max; i++) {
		struct client *client = &monitor->clients[i];
		short events = 0;

		if (client->fd < 0)
			continue;
		if (!client->closing)
			events |= POLLIN;
		if (client->out_len)
			events |= POLLOUT;
		monitor->polled[n] = client;
		fds[n++] = (struct pollfd){ .fd = client->fd, .events = events };
	}
	return n;
}

static void monitor_ready(void *opaque, struct pollfd *fds, unsigned count)
{
	struct monitor *monitor = opaque;

	for (unsigned i = 0; i < count; i++) {
		struct client *client = monitor->polled[i];

		if (!fds[i].revents)
			continue;
		if (!client) {
			accept_client(monitor);
			continue;
		}
		/*
		 * An event sent for another client may have closed this one. Its slot cannot be in
		 * use again: accept comes first.
		 */
		if (client->fd != fds[i].fd)
			continue;
		if (fds[i].revents & POLLOUT)
			flush_output(client);
		if (client->fd >= 0 && !client->closing && (fds[i].revents & (POLLIN | POLLHUP)))
			receive(monitor, client);
		if (client->fd == fds[i].fd && (fds[i].revents & (POLLERR | POLLNVAL)))
			drop(client);
	}
}

/* ---- the socket ---- */

static int bind_private(struct monitor *monitor)
{
	/*
	 * Create the socket with its final mode, so no other process can get in before a chmod().
	 */
	mode_t old = umask(0177);
	int ret = bind(monitor->listen_fd, (struct sockaddr *)&monitor->address,
		       sizeof(monitor->address));
	int saved = errno;

	umask(old);
	errno = saved;
	return ret;
}

/* Is the path a socket that nobody listens on any more? If not, @err says what it is. */
static bool is_stale(struct monitor *monitor, char *err, size_t err_size)
{
	const char *path = monitor->address.sun_path;
	struct stat st;
	int fd, ret, why;

	if (lstat(path, &st) < 0) {
		snprintf(err, err_size, "cannot listen on %s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, err_size, "cannot listen on %s: it exists and is not a socket", path);
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(err, err_size, "cannot listen on %s: %s", path, strerror(errno));
		return false;
	}
	ret = connect(fd, (struct sockaddr *)&monitor->address, sizeof(monitor->address));
	why = errno;
	close(fd);
	if (ret < 0 && why == ECONNREFUSED)
		return true;
	snprintf(err, err_size, "cannot listen on %s: %s", path,
		 ret < 0 && why != EAGAIN ? strerror(why) : "another program listens there");
	return false;
}

static int listen_on(struct monitor *monitor, const char *path, char *err, size_t err_size)
{
	if (!*path) {
		snprintf(err, err_size, "cannot listen: the path of the socket is empty");
		return -1;
	}
	if (strlen(path) >= sizeof(monitor->address.sun_path)) {
		snprintf(err, err_size,
			 "cannot listen: a path of %zu bytes is too long for a socket: %s",
			 strlen(path), path);
		return -1;
	}
	monitor->address.sun_family = AF_UNIX;
	strcpy(monitor->address.sun_path, path);
	monitor->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (monitor->listen_fd < 0) {
		snprintf(err, err_size, "cannot make a socket: %s", strerror(errno));
		return -1;
	}
	if (bind_private(monitor) < 0) {
		if (errno == EADDRINUSE) {
			if (!is_stale(monitor, err, err_size))
				return -1;
			unlink(path);
			errno = 0;
		}
		if (errno || bind_private(monitor) < 0) {
			snprintf(err, err_size, "cannot listen on %s: %s", path, strerror(errno));
			return -1;
		}
	}
	if (lstat(path, &monitor->socket_file) < 0 ||
	    listen(monitor->listen_fd, MONITOR_MAX_CLIENTS) < 0) {
		snprintf(err, err_size, "cannot listen on %s: %s", path, strerror(errno));
		unlink(path);
		return -1;
	}
	return 0;
}

struct monitor *monitor_open(const char *path, struct machine *machine, struct injector *injector,
			     char *err, size_t err_size)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	struct machine_client client = {
		.event = monitor_event,
		.poll_fds = monitor_poll_fds,
		.ready = monitor_ready,
		.opaque = monitor,
	};

	if (!monitor) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	monitor->machine = machine;
	monitor->injector = injector;
	injector_listen(injector,
			&(struct injector_listener){ .ended = injection_ended, .opaque = monitor });
	monitor->listen_fd = -1;
	for (unsigned i = 0; i < MONITOR_MAX_CLIENTS; i++)
		monitor->clients[i].fd = -1;
	if (listen_on(monitor, path, err, err_size) < 0) {
		if (monitor->listen_fd >= 0)
			close(monitor->listen_fd);
		free(monitor);
		return NULL;
	}
	if (!machine_add_client(machine, &client)) {
		snprintf(err, err_size, "too many clients of the machine");
		monitor_close(monitor);
		return NULL;
	}
	return monitor;
}

void monitor_remove_socket(const struct monitor *monitor)
{
	struct stat st;

	if (lstat(monitor->address.sun_path, &st) == 0 &&
	    st.st_dev == monitor->socket_file.st_dev && st.st_ino == monitor->socket_file.st_ino)
		unlink(monitor->address.sun_path);
}

void monitor_close(struct monitor *monitor)
{
	if (!monitor)
		return;
	monitor_remove_socket(monitor);
	close(monitor->listen_fd);
	for (unsigned i = 0; i < MONITOR_MAX_CLIENTS; i++) {
		struct client *client = &monitor->clients[i];
		struct pollfd fd = { .fd = client->fd, .events = POLLOUT };

		if (client->fd < 0)
			continue;
		if (client->out_len && poll(&fd, 1, CLOSE_WAIT_MS) > 0)
			flush_output(client);
		if (client->fd >= 0)
			drop(client);
	}
	free(monitor);
}
