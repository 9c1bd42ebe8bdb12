/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi inject`: asks a running `fwnmi run --monitor` for a machine check or a system reset, waits
 * for the outcome, and reports it. inject/inject_args.h defines what the options mean; the
 * protocol is the monitor's. With --gdb the guest runs in another QEMU, and attach/session.h does
 * the work.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "cmd/cmd.h"
#include "cmd/remote_options.h"
#include "cmd/say.h"
#include "inject/inject_args.h"
#include "inject/inject_report.h"
#include "inject/platform_event.h"
#include "control/monitor.h"
#include "base/host_time.h"
#include "base/text.h"

#define EXIT_USAGE 2
#define REPLY_MS   30000 /* for an answer that needs no guest: only catches a hang */

static const char usage[] =
	"Usage: fwnmi inject --monitor PATH machine-check|system-reset [OPTION]...\n"
	"       fwnmi inject --monitor PATH poison|heal --address ADDRESS [OPTION]...\n"
	"       fwnmi inject --monitor PATH plant --ea ADDRESS | clear [OPTION]...\n"
	"       fwnmi inject --monitor PATH event --epow ACTION | --log HEX [OPTION]...\n"
	"       fwnmi inject --gdb HOST:PORT|unix:PATH machine-check|system-reset [OPTION]...\n"
	"Inject a machine check or a system reset into a running guest, and report how the guest\n"
	"handles it; or poison real memory, so that an access to it is a machine check, or heal it;\n"
	"or plant an error in a CPU's ERAT, TLB or SLB, so that its use is one, or clear it; or queue a\n"
	"log for the guest to fetch.\n"
	"PATH is the socket of fwnmi run --monitor; --gdb takes the address given to\n"
	"qemu-system-ppc64 -gdb.\n"
	"\n"
	"Where and when:\n"
	"  --cpu N              the CPU; all; or others:N, all except N (machine check: 0;\n"
	"                       system reset: all)\n"
	"  --context WHERE      user, kernel or any: wait for an instruction there that is\n"
	"                       recoverable, MSR[RI]=1 (any)\n"
	"  --now                interrupt the CPU wherever it is, recoverable or not\n"
	"  --at TRIGGER         wait for an instruction; see fwnmi-inject(1) for the words:\n"
	"                       insn=N, PLACE, read=, write=, fetch=, vector=, count=K, after=N,\n"
	"                       within=N, user, kernel, real, rtas, handler, interlocked, ri=,\n"
	"                       pidr=N, cpu=. With --gdb only a PLACE: SYMBOL, SYMBOL+OFFSET or\n"
	"                       an address\n"
	"  --timeout S          give up after S seconds (10)\n"
	"  --repeat N           a storm: N events, each when the last one is over (1000000 at most)\n"
	"  --every INSNS        each not before so many instructions after that (0)\n"
	"  --no-wait            do not wait for the outcome\n"
	"\n"
	"Content of a machine check:\n"
	"  --type TYPE          UE, SLB, ERAT, TLB, D-cache, I-cache or unknown (SLB)\n"
	"  --subtype SUBTYPE    SLB, ERAT, TLB: parity, multihit, indeterminate (multihit);\n"
	"                       UE: indeterminate, ifetch, page-table-walk-ifetch, load-store,\n"
	"                       page-table-walk-load-store (load-store)\n"
	"  --ea ADDRESS         effective address (that of the interrupted instruction; UE: none)\n"
	"  --logical-address ADDRESS  UE only: the failing real address (none)\n"
	"  --permanent          UE only: not transient\n"
	"  --severity S         no-error, event, warning, error-sync, error, fatal,\n"
	"                       already-reported (error-sync)\n"
	"  --disposition D      fully-recovered, limited-recovery, not-recovered\n"
	"                       (fully-recovered, or not-recovered if fatal)\n"
	"  --unsafe             the processor is unsafe: stop it\n"
	"  --initiator I        unknown, CPU, PCI, ISA, memory, power-management, hot-plug (CPU)\n"
	"\n"
	"System resets:\n"
	"  --swapped-srr        little-endian guests: SRR0 and SRR1 byte-swapped, and SRR1 with little\n"
	"                       more than SF and DR, as some firmware of PowerVM gave them\n"
	"\n"
	"Poisoned memory:\n"
	"  --address ADDRESS    the real address of its first byte\n"
	"  --length N           how many bytes (the cache line of 128 bytes that has ADDRESS)\n"
	"  --heal-on-write      overwriting all the poison of a cache line heals it\n"
	"\n"
	"Planted errors:\n"
	"  --type TYPE          TLB, ERAT or, in a guest with a hash table, SLB (TLB)\n"
	"  --subtype SUBTYPE    multihit or parity (multihit)\n"
	"  --ea ADDRESS         effective address (to clear: all)\n"
	"  --length N           how many bytes, of whole 4 KiB pages (the page that has ADDRESS)\n"
	"  --pid N              radix: PIDR of the process (the first that uses the entry)\n"
	"  --disposition D      fully-recovered: the hypervisor repairs it before it tells the guest;\n"
	"                       not-recovered: the guest has to flush (fully-recovered)\n"
	"  --cpu N              the CPU (0; to clear: all)\n"
	"\n"
	"Events:\n"
	"  --epow ACTION        an environmental or power warning: reset, warn-cooling, warn-power,\n"
	"                       system-shutdown, system-halt, main-enclosure, power-off\n"
	"  --modifier WHY       of a shutdown: normal, ups, critical-functions, temperature (none)\n"
	"  --log HEX            a whole log of version 6 instead\n"
	"  --class CLASS        internal-errors, epow, hot-plug or io-events (internal-errors)\n"
	"  --call CALL          event-scan or check-exception (epow: check-exception; log:\n"
	"                       event-scan)\n"
	"\n"
	"QEMU guests; the addresses of the guest's routines must come from --kernel, --handlers or\n"
	"an earlier fwnmi attach:\n"
	"  --gdb ADDRESS        the gdb stub: HOST:PORT, :PORT on this host, or unix:PATH\n"
	"  --kernel VMLINUX     the kernel that the guest is running, with its symbols\n"
	"  --handlers SRESET,MCHECK  real addresses of the routines that the guest has registered\n"
	"  --rtas BASE[,SIZE]   the RTAS area, if guest memory has no device tree\n"
	"  --process PID|NAME   wait for a process\n"
	"  --nested             inject even if a CPU has yet to call ibm,nmi-interlock\n"
	"  --state FILE         keep the state between runs here (a file named after the address)\n"
	"  --forget             ignore the saved state\n"
	"\n"
	"  --sandbox on|off     on: drop what is not needed once connected (on)\n"
	"  --json               report as JSON\n"
	"  -h, --help           print this help\n"
	"\n"
	"Exit status: 0 delivered, and for a machine check interlocked, or poisoned or healed,\n"
	"planted, cleared or queued; 1 not; 2 invalid options.\n";

struct inject_options {
	const char *monitor, *kind;
	bool system_reset, json, no_wait;
	bool poison, heal; /* memory, instead of an event */
	bool plant, clear; /* cached translations, instead of an event */
	bool event; /* a log for the guest to fetch */
	unsigned timeout; /* seconds */
	unsigned vcpu; /* if one CPU was asked for */
	json_t *args; /* for the monitor's command */
	struct remote_options remote; /* with --gdb */
};

/* A connection that reads one JSON line at a time. */
struct connection {
	int fd;
	size_t len;
	char buf[MONITOR_MAX_REQUEST];
};

#define complain(...) say_error("inject", __VA_ARGS__)

/* ---- options ---- */

/* These become arguments of the monitor's command, keyed by their option's key. */

static json_t *arguments(void *into)
{
	return ((struct inject_options *)into)->args;
}

static bool take_text(void *into, const struct command_option *option, const char *value, char *why)
{
	if (json_object_set_new(arguments(into), option->key, json_string(value)) < 0)
		return option_bad(why, "not UTF-8");
	return true;
}

static bool take_address(void *into, const struct command_option *option, const char *value,
			 char *why)
{
	uint64_t number;

	if (!inject_args_address(value, &number))
		return option_bad(why, "not an address");
	return take_text(into, option, value, why);
}

static bool take_number(void *into, const struct command_option *option, const char *value,
			char *why)
{
	uint64_t number;

	if (!inject_args_address(value, &number) || number > INT32_MAX)
		return option_bad(why, "not a number");
	json_object_set_new(arguments(into), option->key, json_integer((json_int_t)number));
	return true;
}

static bool take_cpu(void *into, const struct command_option *option, const char *value, char *why)
{
	json_t *args = arguments(into);

	json_object_del(args, "cpu-index");
	json_object_del(args, "cpus");
	if (!strcmp(value, "all")) {
		json_object_set_new(args, "cpus", json_string(value));
		return true;
	}
	if (!strncmp(value, "others:", 7)) {
		json_object_set_new(args, "cpus", json_string("others"));
		value += 7;
	}
	return take_number(into, option, value, why);
}

static bool take_true(void *into, const struct command_option *option, const char *value, char *why)
{
	json_object_set_new(arguments(into), option->key, json_true());
	return true;
}

static bool take_false(void *into, const struct command_option *option, const char *value,
		       char *why)
{
	json_object_set_new(arguments(into), option->key, json_false());
	return true;
}

static bool take_wait(void *into, const struct command_option *option, const char *value, char *why)
{
	((struct inject_options *)into)->no_wait = false;
	return true;
}

static bool take_kind(void *into, const char *kind, char *why)
{
	struct inject_options *o = into;

	if (o->kind)
		return option_bad(why, "only one event can be given: %s and %s", o->kind, kind);
	o->system_reset = !strcmp(kind, "system-reset");
	o->poison = !strcmp(kind, "poison");
	o->heal = !strcmp(kind, "heal");
	o->plant = !strcmp(kind, "plant");
	o->clear = !strcmp(kind, "clear");
	o->event = !strcmp(kind, "event");
	if (!o->system_reset && !o->poison && !o->heal && !o->plant && !o->clear && !o->event &&
	    strcmp(kind, "machine-check"))
		return option_bad(why,
				  "cannot inject %s: only machine-check, system-reset, poison, "
				  "heal, plant, clear or event",
				  kind);
	o->kind = kind;
	return true;
}

#define INTO(field) .offset = offsetof(struct inject_options, field)
static const struct command_option inject_option_table[] = {
	{ "--monitor", OPTION_TEXT, INTO(monitor) },
	{ "--json", OPTION_FLAG, INTO(json) },
	{ "--no-wait", OPTION_FLAG, INTO(no_wait) },
	{ "--wait", OPTION_CALL_FLAG, .set = take_wait },
	{ "--help", OPTION_HELP, .letter = 'h' },
	{ "--cpu", OPTION_CALL, .set = take_cpu, .key = "cpu-index" },
	{ "--context", OPTION_CALL, .set = take_text, .key = "context" },
	{ "--now", OPTION_CALL_FLAG, .set = take_true, .key = "now" },
	{ "--timeout", OPTION_CALL, .set = take_number, .key = "timeout" },
	{ "--repeat", OPTION_CALL, .set = take_number, .key = "repeat" },
	{ "--every", OPTION_CALL, .set = take_number, .key = "every" },
	{ "--type", OPTION_CALL, .set = take_text, .key = "type" },
	{ "--subtype", OPTION_CALL, .set = take_text, .key = "subtype" },
	{ "--ea", OPTION_CALL, .set = take_address, .key = "effective-address" },
	{ "--logical-address", OPTION_CALL, .set = take_address, .key = "logical-address" },
	{ "--permanent", OPTION_CALL_FLAG, .set = take_false, .key = "transient" },
	{ "--severity", OPTION_CALL, .set = take_text, .key = "severity" },
	{ "--disposition", OPTION_CALL, .set = take_text, .key = "disposition" },
	{ "--initiator", OPTION_CALL, .set = take_text, .key = "initiator" },
	{ "--unsafe", OPTION_CALL_FLAG, .set = take_true, .key = "unsafe" },
	{ "--swapped-srr", OPTION_CALL_FLAG, .set = take_true, .key = "swapped-srr" },
	{ "--address", OPTION_CALL, .set = take_address, .key = "address" },
	{ "--length", OPTION_CALL, .set = take_address, .key = "length" },
	{ "--log", OPTION_CALL, .set = take_text, .key = "log" },
	{ "--class", OPTION_CALL, .set = take_text, .key = "class" },
	{ "--call", OPTION_CALL, .set = take_text, .key = "call" },
	{ "--epow", OPTION_CALL, .set = take_text, .key = "epow" },
	{ "--modifier", OPTION_CALL, .set = take_text, .key = "modifier" },
	{ "--pid", OPTION_CALL, .set = take_number, .key = "pid" },
	{ "--heal-on-write", OPTION_CALL_FLAG, .set = take_true, .key = "heal-on-write" },
	{ NULL },
};
#undef INTO

static bool check_memory_options(const struct inject_options *o)
{
	struct poison_request request;
	char err[200];

	if (o->remote.gdb)
		return complain("--gdb cannot poison memory: it needs the engine of fwnmi run");
	if (inject_args_poison(o->args, o->heal, &request, err, sizeof(err)) < 0)
		return complain("%s", err);
	return true;
}

/* --at is for the monitor to look at; a stub can only wait for a place. */
static bool check_trigger(struct inject_options *o)
{
	static const char address[] = "address=";
	const size_t prefix = sizeof(address) - 1;
	struct trigger trigger;
	char err[200];

	if (!o->remote.at)
		return true;
	if (!trigger_parse(o->remote.at, &trigger, err, sizeof(err)))
		return complain("bad --at: %s", err);
	if (!o->remote.gdb) {
		json_object_set_new(o->args, "at", json_string(o->remote.at));
		return true;
	}
	if (!strncmp(o->remote.at, address, prefix))
		o->remote.at += prefix;
	if (!trigger.one_place || strpbrk(o->remote.at, " ,="))
		return complain("--gdb can only wait for a place: --at SYMBOL, SYMBOL+OFFSET or an "
				"address");
	return true;
}

static bool check_plant_options(const struct inject_options *o)
{
	struct plant_request request;
	char err[200];

	if (o->remote.gdb)
		return complain("--gdb cannot plant errors: it needs the engine of fwnmi run");
	if (inject_args_plant(o->args, o->clear, &request, err, sizeof(err)) < 0)
		return complain("%s", err);
	return true;
}

static bool check_event_options(const struct inject_options *o)
{
	struct platform_event event;
	char err[200];

	if (o->remote.gdb)
		return complain("--gdb cannot queue a log: it needs fwnmi run");
	if (!platform_event_parse(o->args, &event, err, sizeof(err)))
		return complain("%s", err);
	return true;
}

static bool check_options(struct inject_options *o)
{
	struct injection_request injection;
	char err[200];

	if (!o->kind)
		return complain("no event given: machine-check, system-reset, poison, heal, plant, "
				"clear or event");
	if (!o->monitor && !o->remote.gdb)
		return complain("no machine given: --monitor PATH or --gdb HOST:PORT");
	if (o->monitor && o->remote.gdb)
		return complain("only one machine can be given: --monitor and --gdb");
	if (!remote_options_check(&o->remote, "inject"))
		return false;
	if (o->remote.at && json_object_get(o->args, "now"))
		return complain("--at contradicts --now: now means wherever the CPU is");
	if (o->remote.process && json_object_get(o->args, "now"))
		return complain("--process contradicts --now: now means whatever the CPU runs");
	if (!check_trigger(o))
		return false;
	if (o->poison || o->heal)
		return check_memory_options(o);
	if (o->plant || o->clear)
		return check_plant_options(o);
	if (o->event)
		return check_event_options(o);
	if (inject_args_parse(o->args, o->system_reset, &injection, err, sizeof(err)) < 0)
		return complain("%s", err);
	if (o->remote.gdb && injection.swapped_srr)
		return complain("--gdb cannot do --swapped-srr: it needs the engine of fwnmi run");
	if (o->remote.gdb && injection.repeat)
		return complain("--gdb cannot repeat: a storm needs the engine of fwnmi run");
	o->timeout = injection.timeout_ms / 1000;
	o->vcpu = injection.vcpu;
	return true;
}

static enum options_result parse_options(struct inject_options *o, int argc, char **argv)
{
	const struct command_line line = {
		.command = "inject",
		.groups = { { inject_option_table, o },
			    { remote_option_table, &o->remote },
			    { remote_inject_table, &o->remote } },
		.argument = take_kind,
		.into = o,
	};
	enum options_result result;

	*o = (struct inject_options){ .args = json_object() };
	result = options_parse(&line, argc, argv);
	if (result == OPTIONS_TAKEN && !check_options(o))
		return OPTIONS_BAD;
	return result;
}

/* ---- the connection ---- */

static bool connect_to(struct connection *c, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return complain("cannot connect to %s: %s", path,
				*path ? "the path is too long for a socket" : "the path is empty");
	strcpy(address.sun_path, path);
	c->len = 0;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return complain("cannot make a socket: %s", strerror(errno));
	if (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return true;
	complain("cannot connect to %s: %s", path,
		 errno == ECONNREFUSED ? "nobody listens there" : strerror(errno));
	close(c->fd);
	return false;
}

enum received {
	RECEIVED,
	TIMED_OUT,
	CLOSED,
	GARBAGE
};

/* Reads the next message into *@message. */
static enum received receive(struct connection *c, int64_t deadline_ms, json_t **message)
{
	for (;;) {
		struct pollfd fd = { .fd = c->fd, .events = POLLIN };
		char *end = memchr(c->buf, '\n', c->len);
		int64_t left = deadline_ms - host_ms();
		ssize_t n;

		if (end) {
			*message = json_loadb(c->buf, (size_t)(end - c->buf), 0, NULL);
			c->len -= (size_t)(end + 1 - c->buf);
			memmove(c->buf, end + 1, c->len);
			return *message ? RECEIVED : GARBAGE;
		}
		if (c->len == sizeof(c->buf))
			return GARBAGE;
		if (left <= 0 || poll(&fd, 1, (int)left) == 0)
			return TIMED_OUT;
		n = recv(c->fd, c->buf + c->len, sizeof(c->buf) - c->len, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
			continue;
		if (n <= 0)
			return CLOSED;
		c->len += (size_t)n;
	}
}

static bool receive_failed(enum received how)
{
	switch (how) {
	case TIMED_OUT:
		return complain("the machine's monitor does not answer");
	case CLOSED:
		return complain("the machine's monitor closed the connection");
	default:
		return complain("the socket is not that of a fwnmi monitor");
	}
}

static bool send_request(struct connection *c, const char *command, json_t *args)
{
	json_t *request = json_pack("{s:s, s:O}", "execute", command, "arguments", args);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0, done = 0;

	json_decref(request);
	if (!text)
		return complain("out of memory");
	text[len++] = '\n'; /* replaces the NUL */
	while (done < len) {
		ssize_t n = send(c->fd, text + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		done += (size_t)n;
	}
	free(text);
	if (done == len)
		return true;
	/* The machine ended: report it the same way, whichever side notices first. */
	if (errno == EPIPE || errno == ECONNRESET)
		return receive_failed(CLOSED);
	return complain("cannot send to the monitor: %s", strerror(errno));
}

/* Sends a command and waits for its answer; the caller then owns *@result. */
static bool command(struct connection *c, const char *name, json_t *args, json_t **result)
{
	int64_t deadline = host_ms() + REPLY_MS;

	if (!send_request(c, name, args))
		return false;
	for (;;) {
		json_t *message, *error;
		enum received how = receive(c, deadline, &message);
		const char *why;

		if (how != RECEIVED)
			return receive_failed(how);
		*result = json_incref(json_object_get(message, "return"));
		error = json_object_get(message, "error");
		why = json_string_value(json_object_get(error, "desc"));
		if (error)
			complain("%s", why ? why : "the monitor refused");
		json_decref(message);
		if (*result || error)
			return *result;
	}
}

static bool greet(struct connection *c)
{
	json_t *message, *nothing = json_object(), *result = NULL;
	enum received how = receive(c, host_ms() + REPLY_MS, &message);
	bool ok;

	if (how == RECEIVED && json_object_get(message, "error")) {
		complain("the machine's monitor has too many clients");
		json_decref(message);
		json_decref(nothing);
		return false;
	}
	ok = how == RECEIVED && json_object_get(message, "QMP");
	if (how == RECEIVED)
		json_decref(message);
	if (!ok)
		receive_failed(how == RECEIVED ? GARBAGE : how);
	else
		ok = command(c, "qmp_capabilities", nothing, &result);
	json_decref(result);
	json_decref(nothing);
	return ok;
}

/* ---- the outcome ---- */

#define MAX_OUTCOMES 64 /* vCPUs that one request can reach */

struct outcome {
	unsigned vcpu;
	json_int_t id;
	json_t *report; /* the latest report of our injection */
	bool over; /* nothing more will come */
	bool machine_ended; /* reason for over */
	bool delivered, interlocked, stopped;
	unsigned steps; /* that the CPU has made: delivered, interlocked, over */
	unsigned of, nr_delivered, nr_returned; /* of a storm's events; of 0: no storm */
	char problem[256]; /* why nothing more will come, if that is an error */
};

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

static void take_event(struct outcome *out, const json_t *message)
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
		how = receive(c, deadline, &message);
		for (unsigned i = 0; i < count; i++) {
			if (outs[i].over)
				continue;
			if (how == RECEIVED) {
				take_event(&outs[i], message);
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

static bool is_ok(const struct inject_options *o, const struct outcome *out)
{
	return out->stopped || (out->delivered && (!out->of || out->nr_delivered == out->of) &&
				(o->system_reset || o->no_wait || out->interlocked));
}

static json_t *outcome_json(const struct inject_options *o, const struct outcome *out)
{
	json_t *object = json_object(), *warnings = json_array();
	const char *text;

	for (unsigned i = 0; (text = warning(out, i)); i++)
		json_array_append_new(warnings, json_string(text));
	json_object_set_new(object, "ok", json_boolean(is_ok(o, out)));
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
		all_ok = all_ok && is_ok(o, &outs[i]);
	}
	json = several ? json_pack("{s:b, s:O}", "ok", all_ok, "cpus", cpus) :
			 json_incref(json_array_get(cpus, 0));
	json_decref(cpus);
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(json);
}

/* Names the problem of an event that was delivered but had no routine to handle it. */
static void name_problem(const struct inject_options *o, struct outcome *out)
{
	if (out->problem[0] || is_ok(o, out))
		return;
	snprintf(out->problem, sizeof(out->problem), "%s: it will not call ibm,nmi-interlock",
		 json_object_get(out->report, "stale-handler") ? "the registered routine is gone" :
								 "the guest has not registered");
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

static int report_outcomes(const struct inject_options *o, struct outcome *outs, unsigned count,
			   bool several)
{
	bool all_ok = true;

	for (unsigned i = 0; i < count; i++)
		name_problem(o, &outs[i]);
	if (o->json)
		print_json(o, outs, count, several);
	for (unsigned i = 0; i < count; i++) {
		bool ok = is_ok(o, &outs[i]);

		if (!o->json && (outs[i].report || !o->remote.gdb))
			print_report(o, &outs[i]);
		/* A guest that ends after it was told still counts as delivered. */
		complain_of(outs, i, count);
		all_ok = all_ok && ok;
	}
	if (fflush(stdout) == EOF || ferror(stdout)) {
		complain("cannot write the report: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	return all_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Takes what the monitor has queued: one id, or a list for several CPUs. Returns how many CPUs. */
static unsigned take_ids(const json_t *result, struct outcome *outs)
{
	const json_t *ids = json_object_get(result, "ids");
	const json_t *refused = json_object_get(result, "refused");
	size_t queued = json_array_size(ids), count = queued + json_array_size(refused);

	if (!ids) {
		outs[0].id = count_of(result, "id");
		return 1;
	}
	if (count > MAX_OUTCOMES)
		return 0;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = i < queued ? json_array_get(ids, i) :
						  json_array_get(refused, i - queued);

		outs[i].vcpu = (unsigned)count_of(item, "cpu-index");
		outs[i].id = count_of(item, "id");
		outs[i].over = i >= queued;
		if (outs[i].over)
			snprintf(outs[i].problem, sizeof(outs[i].problem), "%s",
				 text_of(item, "reason"));
	}
	return (unsigned)count;
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

	command(c, "query-cpus-fast", nothing, &cpus);
	json_array_foreach(cpus, i, cpu) count += strcmp(text_of(cpu, "state"), "stopped") != 0;
	json_decref(cpus);
	json_decref(nothing);
	return count;
}

static int report_queued(const struct inject_options *o, json_t *result, const struct outcome *outs,
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
	return json_array_size(json_object_get(result, "refused")) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int follow(struct connection *c, const struct inject_options *o, json_t *result)
{
	struct outcome outs[MAX_OUTCOMES] = { { .vcpu = o->vcpu } };
	unsigned count = take_ids(result, outs);
	int status = EXIT_FAILURE;

	if (count && o->no_wait) {
		status = report_queued(o, result, outs, count);
	} else if (count) {
		wait_for_outcomes(c, o, outs, count);
		status = report_outcomes(o, outs, count, json_object_get(result, "ids"));
	}
	for (unsigned i = 0; i < MAX_OUTCOMES; i++)
		json_decref(outs[i].report);
	return status;
}

/* Prints what is poisoned after the command. */
static int report_memory(const struct inject_options *o, const json_t *regions)
{
	const json_t *region;
	size_t i;

	if (o->json) {
		json_dumpf(regions, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		printf("poisoned memory%s\n", json_array_size(regions) ? "" : ": none");
		json_array_foreach(regions, i, region)
			printf("  %s, %lld bytes%s\n", text_of(region, "address"),
			       count_of(region, "length"),
			       json_is_true(json_object_get(region, "heal-on-write")) ?
				       ", healed by overwriting" :
				       "");
	}
	if (fflush(stdout) == EOF || ferror(stdout)) {
		complain("cannot write the report: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
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

/* Prints what is planted after the command. */
static int report_planted(const struct inject_options *o, const json_t *errors)
{
	const json_t *error;
	size_t i;

	if (o->json) {
		json_dumpf(errors, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
		putchar('\n');
	} else {
		printf("planted errors%s\n", json_array_size(errors) ? "" : ": none");
		json_array_foreach(errors, i, error) print_planted(error);
	}
	if (fflush(stdout) == EOF || ferror(stdout)) {
		complain("cannot write the report: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* Asks for the event, and reports what becomes of it. */
static int inject_event(struct connection *c, const struct inject_options *o)
{
	/* Asked now, because after the injection everything comes as events. */
	bool one = inject_args_cpus(o->args, o->system_reset) == INJECT_ONE_CPU;
	unsigned running = one ? count_running(c) : 0;
	json_t *result = NULL;
	int status = EXIT_FAILURE;

	if (command(c, o->system_reset ? "inject-nmi" : "inject-machine-check", o->args, &result)) {
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

	if (command(c, o->heal ? "heal-memory" : "poison-memory", o->args, &result))
		status = report_memory(o, result);
	json_decref(result);
	return status;
}

static int change_planted(struct connection *c, const struct inject_options *o)
{
	json_t *result = NULL;
	int status = EXIT_FAILURE;

	if (command(c, o->clear ? "clear-error" : "plant-error", o->args, &result))
		status = report_planted(o, result);
	json_decref(result);
	return status;
}

static int queue_event(struct connection *c, const struct inject_options *o)
{
	json_t *result = NULL;
	bool queued = command(c, "queue-event", o->args, &result);

	if (queued && o->json)
		puts("{}");
	else if (queued)
		puts("queued");
	json_decref(result);
	return queued ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int inject(const struct inject_options *o)
{
	static struct connection c; /* too big for the stack */
	int status = EXIT_FAILURE;
	char err[300];

	if (!connect_to(&c, o->monitor))
		return EXIT_FAILURE;
	if (o->remote.confine && !o->remote.confine(err, sizeof(err))) {
		complain("%s", err);
		return EXIT_FAILURE;
	}
	if (!greet(&c))
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
	status = report_outcomes(o, outs, count,
				 several && (cpus != INJECT_PARTITION || nr_cpus > 1));
	for (unsigned i = 0; i < count; i++)
		json_decref(outs[i].report);
	return status;
}

int cmd_inject(int argc, char **argv)
{
	struct inject_options options;
	int status = options_end(parse_options(&options, argc, argv), usage, EXIT_USAGE);

	if (status < 0)
		status = options.remote.gdb ? inject_remote(&options) : inject(&options);
	json_decref(options.args);
	return status;
}
