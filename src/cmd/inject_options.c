/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of `fwnmi inject`; see inject_options.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/inject_options.h"
#include "cmd/say.h"
#include "inject/inject_args.h"
#include "inject/platform_event.h"
#include "base/text.h"

#define complain(...) say_error("inject", __VA_ARGS__)

const char inject_usage[] =
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
	"                       insn=N, PLACE, fetch=, read=, write=, access= and the same with\n"
	"                       -real, vector=, count=K, after=N, within=N, user, kernel, idle,\n"
	"                       real, rtas, handler, interlocked, ri=, pidr=N, cpu=. With --gdb\n"
	"                       only a PLACE: SYMBOL, SYMBOL+OFFSET or an address\n"
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

enum options_result inject_options_parse(struct inject_options *o, int argc, char **argv)
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
