/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi run`: options with QEMU's names, one or two dashes, and the machine they describe.
 */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/console.h"
#include "cmd/machine_options.h"
#include "cmd/nvram_file.h"
#include "cmd/options.h"
#include "cmd/sandbox.h"
#include "cmd/say.h"
#include "control/debugger.h"
#include "inject/injector.h"
#include "machine/machine.h"
#include "machine/snapshot_file.h"
#include "machine/snapshot_keeper.h"
#include "control/monitor.h"
#include "base/number.h"

/* Exit statuses; fwnmi-run(1) lists them. */
#define EXIT_CANNOT_START 1
#define EXIT_USAGE	  2
#define EXIT_CRASHED	  3
#define EXIT_FAILED	  4
#define EXIT_REBOOT	  5

#define DEFAULT_RAM (512ull << 20)

/* A reason may name two files. */
#define REASON_SIZE (2 * PATH_MAX + 256)

static const char usage[] =
	"Usage: fwnmi run {-kernel FILE | -bios FILE | --from-snapshot FILE} [OPTION]...\n"
	"Run a pseries partition. Options can start with one dash or two.\n"
	"\n"
	"  -kernel FILE      the kernel, a 64-bit PowerPC ELF file (vmlinux)\n"
	"  -bios FILE        firmware that runs first, a raw image for real address 0\n"
	"  -initrd FILE      initial RAM disk\n"
	"  -append STRING    kernel command line\n"
	"  -m [size=]N[M|G]  memory, in MiB without a suffix, 256M to 64G, also 1.5G (512M)\n"
	"  -smp [cpus=]N[,threads=T][,cores=C][,sockets=S]  N vCPUs, 1 to 64 (1); T threads in\n"
	"                    each core (1), C cores in each socket (all); with KVM, T is 1\n"
	"  -cpu NAME[,compat=NAME]  the processor: power8, power9, power10, power11 or one of\n"
	"                    -cpu help; compat: as if it were that older one (power9)\n"
	"  -accel WHAT       what executes the guest: emu, the embedded processor; kvm, on POWER\n"
	"                    hosts; or a list such as kvm:emu, the first that works (emu)\n"
	"  -serial WHERE     console: stdio, null or file:PATH (stdio)\n"
	"  --monitor PATH    UNIX socket for fwnmi inject and other QMP clients, also unix:PATH;\n"
	"                    none: no monitor; -qmp is the same option (none)\n"
	"  -gdb WHERE        listen for gdb: tcp:[HOST]:PORT (HOST: 127.0.0.1) or unix:PATH (none)\n"
	"  -S                begin stopped, until gdb or a client of the monitor continues\n"
	"  --clock WHICH     host: time follows the host's clock; insn: time follows the number of\n"
	"                    executed instructions, so that runs repeat exactly (host)\n"
	"  --threads WHICH   one: vCPUs take turns on one host thread; many: each has its own, if\n"
	"                    --clock is host (one)\n"
	"  --jit WHICH       translate the guest's code to the host's: off; on, what is executed\n"
	"                    often; force, all of it; check, all, and compare it with the\n"
	"                    interpreter (off)\n"
	"  --nvram FILE      keep NVRAM in this file\n"
	"  --from-snapshot FILE  go on from a snapshot, with the machine's options as they were\n"
	"  --snapshot-at N=FILE  save the machine at instruction N of the run, and go on\n"
	"  --snapshot-dir DIR  where the monitor's clients may save snapshots (none)\n"
	"  --no-reboot       exit instead of rebooting\n"
	"  --reboot-policy WHAT  when FWNMI ends the partition: halt, reboot or pause (halt)\n"
	"  --fwnmi-strict    follow the letter of LoPAR where guests expect otherwise\n"
	"  --stale-handler WHAT  when the registered routine is gone: vector, take the\n"
	"                    architected interrupt; deliver, enter what is there now; end, end\n"
	"                    the partition (vector)\n"
	"  --nested-machine-check WHAT  on a machine check before the interlock of the last one:\n"
	"                    end, end the partition; drop, forget one that is recovered (end)\n"
	"  --mmu HOW         the guest translates by: radix; hash, a hash table; either, as it\n"
	"                    chooses; or auto, hash if -append has disable_radix, otherwise\n"
	"                    radix (auto)\n"
	"  --interrupts HOW  the interrupt controller: xics; xive, by device memory; or dual, xive\n"
	"                    if the processor has it and -append has no xive=off (xics)\n"
	"  --errinjct on|off  on: let the guest inject errors into itself by ibm,errinjct (off)\n"
	"  --fwnmi-delivery HOW  direct; trampoline, by code at the guest's vectors; or auto, by\n"
	"                    what the engine supports (auto)\n"
	"  --trampoline SOURCE  that code: embedded, elf:PATH or blob:PATH[,PATH] (embedded)\n"
	"  --engine-mc-exit on|off  off: the engine does not report machine checks to fwnmi but\n"
	"                    delivers them to the guest itself (on)\n"
	"  --map-memory address=N,size=N,file=PATH[,offset=N]  back guest memory with a file or a\n"
	"                    device, such as one that responds with machine checks\n"
	"  --sandbox on|off  on: drop what the machine does not need before the guest starts; a\n"
	"                    forbidden system call then kills the process (on)\n"
	"  --debug           report the guest's unknown and invalid calls\n"
	"  --stats           print instruction count and speed at exit\n"
	"  -h, --help        print this help\n"
	"\n"
	"QEMU options that describe what is always true here are accepted: -nographic,\n"
	"-display none, -nodefaults, -M pseries and the like.\n"
	"\n"
	"On a terminal, Ctrl-a x ends the machine and Ctrl-a h prints help.\n"
	"Exit status: 0 the guest powered off, 1 cannot start, 2 invalid options, 3 the guest\n"
	"crashed, 4 the engine failed or a snapshot was not saved, 5 a reboot is due under\n"
	"--no-reboot, 128+N ended by signal N.\n";

#define MAX_SNAPSHOTS (SNAPSHOT_KEEPER_DIRS - 1)

/* A snapshot to be taken. */
struct planned {
	uint64_t insns;
	const char *path;
	char *dir; /* of it */
	const char *name; /* in dir */
};

struct run_options {
	struct machine_config machine;
	const char *from_snapshot, *snapshot_dir; /* path or NULL */
	struct planned planned[MAX_SNAPSHOTS];
	unsigned nr_planned;
	struct cpu_choice cpu;
	struct cpus_choice cpus;
	const char *accel, *serial;
	const char *nvram; /* path or NULL */
	char *monitor; /* path */
	const char *debugger; /* where, or NULL */
	bool stopped; /* until a debugger or a client lets it go */
	enum {
		ON,
		OFF
	} mc_exit, sandbox;
	enum {
		ERRINJCT_OFF,
		ERRINJCT_ON
	} errinjct;
	int threads; /* bool */
	bool stats;
};

#define complain(...) say_error("run", __VA_ARGS__)

/* ---- options ---- */

static const struct accelerator {
	const char *name;
	const struct engine_ops *engine;
	bool counts_instructions;
} accelerators[] = {
	{ "emu", &engine_power, true },
	{ "kvm", &engine_kvm, false },
};

/* Takes the first name of a colon-separated list and moves *@list past it. NULL: unknown name. */
static const struct accelerator *next_accelerator(const char **list)
{
	const struct accelerator *found = NULL;
	size_t len = strcspn(*list, ":");

	for (size_t i = 0; i < sizeof(accelerators) / sizeof(accelerators[0]); i++)
		if (strlen(accelerators[i].name) == len &&
		    !memcmp(accelerators[i].name, *list, len))
			found = &accelerators[i];
	*list += len + ((*list)[len] == ':' && (*list)[len + 1]);
	return found;
}

static bool set_accel(void *into, const struct command_option *option, const char *value, char *why)
{
	struct run_options *o = into;
	const char *list = value;

	do {
		if (!next_accelerator(&list))
			return option_bad(why, "not emu, kvm, or a list such as kvm:emu");
	} while (*list);
	o->accel = value;
	return true;
}

static bool enable_kvm(void *into, const struct command_option *option, const char *value,
		       char *why)
{
	((struct run_options *)into)->accel = "kvm";
	return true;
}

/* Accepts QEMU properties of a pseries machine that only state what is always so here. */
static bool machine_property(struct run_options *o, const char *item, char *why)
{
	static const char *const as_ever[] = {
		"usb=off",	   "graphics=off",   "cap-fwnmi=on",	   "cap-htm=off",
		"cap-dfp=off",	   "x-vof=on",	     "cap-nested-hv=off",  "cap-cfpc=broken",
		"cap-sbbc=broken", "cap-ibs=broken", "cap-ccf-assist=off",
	};

	if (!strcmp(item, "accel=kvm") || !strcmp(item, "accel=emu")) {
		o->accel = strcmp(item, "accel=kvm") ? "emu" : "kvm";
		return true;
	}
	for (size_t i = 0; i < sizeof(as_ever) / sizeof(as_ever[0]); i++) {
		if (!strcmp(item, as_ever[i]))
			return true;
	}
	if (!strncmp(item, "ic-mode=", 8))
		return machine_interrupts_named(item + 8, &o->machine.partition.interrupts) ||
		       option_bad(why, "ic-mode is xics, xive or dual");
	return option_bad(why, "the partition has no %s", item);
}

static bool set_machine(void *into, const struct command_option *option, const char *value,
			char *why)
{
	const char *list = option_skip_key(value, "type");
	char item[64];

	if (!option_next_item(&list, item, sizeof(item)) || strcmp(item, "pseries"))
		return option_bad(why, "only pseries is available");
	while (*list) {
		if (!option_next_item(&list, item, sizeof(item)))
			return option_bad(why, "the partition has no such property");
		if (!machine_property(into, item, why))
			return false;
	}
	return true;
}

/* QEMU's monitor is not available there, but the console's keys are the same. */
static bool set_serial(void *into, const struct command_option *option, const char *value,
		       char *why)
{
	struct run_options *o = into;

	if (!strcmp(value, "mon:stdio"))
		value = "stdio";
	else if (!strcmp(value, "none"))
		value = "null";
	if (strcmp(value, "stdio") && strcmp(value, "null") && strncmp(value, "file:", 5))
		return option_bad(why, "not stdio, null or file:PATH");
	o->serial = value;
	return true;
}

/*
 * Accepts what QEMU's -monitor and -qmp accept, but only a socket that does not wait for a client.
 */
static bool set_monitor(void *into, const struct command_option *option, const char *value,
			char *why)
{
	static const char *const harmless[] = {
		"",
		",server=on,wait=off",
		",wait=off,server=on",
		",server,wait=off",
		",server,nowait",
	};
	struct run_options *o = into;
	const char *path = value;
	size_t len = strlen(value);

	free(o->monitor);
	o->monitor = NULL;
	if (!strcmp(value, "none") || !strcmp(value, "null"))
		return true;
	if (!strncmp(value, "unix:", 5)) {
		bool ok = false;

		path = value + 5;
		len = strcspn(path, ",");
		for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
			ok |= !strcmp(path + len, harmless[i]);
		if (!ok)
			return option_bad(why, "only server=on,wait=off can follow the path");
	} else if (value[strcspn(value, ":/")] == ':' || !strcmp(value, "stdio") ||
		   !strcmp(value, "vc") || !strcmp(value, "pty")) {
		return option_bad(why, "not none, PATH or unix:PATH of a socket");
	}
	o->monitor = strndup(path, len);
	return o->monitor || option_bad(why, "out of memory");
}

static bool set_trampoline(void *into, const struct command_option *option, const char *value,
			   char *why)
{
	struct run_options *o = into;

	if (strcmp(value, "embedded") && strncmp(value, "elf:", 4) && strncmp(value, "blob:", 5))
		return option_bad(why, "not embedded, elf:PATH or blob:PATH[,PATH]");
	o->machine.partition.trampoline = value;
	return true;
}

/* The path may not contain a comma. It is kept for the life of the program, never freed. */
static bool set_map_memory(void *into, const struct command_option *option, const char *value,
			   char *why)
{
	struct machine_mapping *mapping = &((struct run_options *)into)->machine.mapping;
	struct {
		const char *key;
		uint64_t *number;
	} numbers[] = {
		{ "address=", &mapping->address },
		{ "size=", &mapping->size },
		{ "offset=", &mapping->offset },
	};

	*mapping = (struct machine_mapping){ .path = NULL };
	for (const char *p = value; *p;) {
		size_t len = strcspn(p, ","), i;

		for (i = 0; i < 3 && strncmp(p, numbers[i].key, strlen(numbers[i].key)); i++)
			;
		if (i < 3) {
			size_t key = strlen(numbers[i].key);

			if (!number_parse(p + key, len - key, numbers[i].number))
				return option_bad(why, "invalid number at %s", p);
		} else if (!strncmp(p, "file=", 5) && len > 5 && !mapping->path) {
			mapping->path = strndup(p + 5, len - 5);
		} else {
			return option_bad(why, "%s is not address=N, size=N, file=PATH or offset=N",
					  p);
		}
		p += len + (p[len] == ',');
	}
	if (!mapping->path || !mapping->size)
		return option_bad(why, "file= and size= are required");
	return true;
}

/* Keeps the snapshots in the order in which they are due. */
static bool set_snapshot_at(void *into, const struct command_option *option, const char *value,
			    char *why)
{
	const char *path = strchr(value, '='), *slash;
	struct run_options *o = into;
	struct planned planned;
	unsigned i = o->nr_planned;

	if (!path || !path[1] || !number_parse(value, (size_t)(path - value), &planned.insns))
		return option_bad(why, "not an instruction's number, = and a file");
	if (i == MAX_SNAPSHOTS)
		return option_bad(why, "more than %d snapshots", MAX_SNAPSHOTS);
	planned.path = path + 1;
	slash = strrchr(planned.path, '/');
	planned.name = slash ? slash + 1 : planned.path;
	if (!*planned.name)
		return option_bad(why, "a directory, not a file");
	planned.dir = slash ? strndup(planned.path, (size_t)(slash + 1 - planned.path)) :
			      strdup(".");
	if (!planned.dir)
		return option_bad(why, "out of memory");
	for (; i && o->planned[i - 1].insns > planned.insns; i--)
		o->planned[i] = o->planned[i - 1];
	o->planned[i] = planned;
	o->nr_planned++;
	return true;
}

static void print_debug(const char *line)
{
	if (say_may(SAY_DEBUG))
		say("debug: %s", line);
}

static void print_warning(const char *line)
{
	if (say_may(SAY_WARNING))
		say("guest: %s", line);
}

static bool set_debug(void *into, const struct command_option *option, const char *value, char *why)
{
	((struct run_options *)into)->machine.debug = print_debug;
	return true;
}

static const char *const clocks[] = {
	[CLOCK_HOST] = "host",
	[CLOCK_INSN] = "insn",
	NULL,
};
static const char *const threads[] = {
	[false] = "one",
	[true] = "many",
	NULL,
};
static const char *const jits[] = {
	[ENGINE_JIT_OFF] = "off",
	[ENGINE_JIT_ON] = "on",
	[ENGINE_JIT_FORCE] = "force",
	[ENGINE_JIT_CHECK] = "check",
	NULL,
};
static const char *const deliveries[] = {
	[PAPR_DELIVERY_AUTO] = "auto",
	[PAPR_DELIVERY_DIRECT] = "direct",
	[PAPR_DELIVERY_TRAMPOLINE] = "trampoline",
	NULL,
};
static const char *const nested_policies[] = {
	[FWNMI_NESTED_END] = "end",
	[FWNMI_NESTED_DROP] = "drop",
	NULL,
};

static const char *const stale_policies[] = {
	[FWNMI_STALE_TO_VECTOR] = "vector",
	[FWNMI_STALE_DELIVER] = "deliver",
	[FWNMI_STALE_END] = "end",
	NULL,
};
static const char *const reboot_policies[] = {
	[REBOOT_POLICY_HALT] = "halt",
	[REBOOT_POLICY_REBOOT] = "reboot",
	[REBOOT_POLICY_PAUSE] = "pause",
	NULL,
};
static const char *const mmus[] = {
	[PAPR_MMU_AUTO] = "auto",
	[PAPR_MMU_RADIX] = "radix",
	[PAPR_MMU_HASH] = "hash",
	[PAPR_MMU_EITHER] = "either",
	NULL,
};
static const char *const on_or_off[] = { "on", "off", NULL };
static const char *const off_or_on[] = { "off", "on", NULL };
static const char *const none[] = { "none", NULL };
static const char *const utc[] = { "base=utc", NULL };

#define INTO(field) .offset = offsetof(struct run_options, field)
static const struct command_option run_option_table[] = {
	{ "-kernel", OPTION_TEXT, INTO(machine.kernel) },
	{ "-bios", OPTION_TEXT, INTO(machine.bios) },
	{ "-initrd", OPTION_TEXT, INTO(machine.initrd) },
	{ "-append", OPTION_TEXT, INTO(machine.partition.bootargs) },
	{ "-m", OPTION_CALL, INTO(machine.ram_size), .set = machine_option_memory },
	{ "-smp", OPTION_CALL, INTO(cpus), .set = machine_option_cpus },
	{ "-cpu", OPTION_CALL, INTO(cpu), .set = machine_option_cpu },
	{ "-accel", OPTION_CALL, .set = set_accel },
	{ "-serial", OPTION_CALL, .set = set_serial },
	{ "-monitor", OPTION_CALL, .set = set_monitor },
	{ "-qmp", OPTION_CALL, .set = set_monitor },
	{ "-gdb", OPTION_CALL, INTO(debugger), .set = machine_option_debugger },
	{ .name = "-S", .kind = OPTION_FLAG, INTO(stopped) },
	{ "--clock", OPTION_NAME, INTO(machine.clock), .names = clocks },
	{ "--threads", OPTION_NAME, INTO(threads), .names = threads },
	{ "--jit", OPTION_NAME, INTO(machine.jit), .names = jits },
	{ "--nvram", OPTION_TEXT, INTO(nvram) },
	{ "--from-snapshot", OPTION_TEXT, INTO(from_snapshot) },
	{ "--snapshot-at", OPTION_CALL, .set = set_snapshot_at },
	{ "--snapshot-dir", OPTION_TEXT, INTO(snapshot_dir) },
	{ "--no-reboot", OPTION_FLAG, INTO(machine.no_reboot) },
	{ "--fwnmi-strict", OPTION_FLAG, INTO(machine.partition.fwnmi_strict) },
	{ "--fwnmi-delivery", OPTION_NAME, INTO(machine.partition.delivery), .names = deliveries },
	{ "--trampoline", OPTION_CALL, .set = set_trampoline },
	{ "--engine-mc-exit", OPTION_NAME, INTO(mc_exit), .names = on_or_off },
	{ "--stale-handler", OPTION_NAME, INTO(machine.partition.stale_handler),
	  .names = stale_policies },
	{ "--nested-machine-check", OPTION_NAME, INTO(machine.partition.nested_machine_check),
	  .names = nested_policies },
	{ "--mmu", OPTION_NAME, INTO(machine.partition.mmu), .names = mmus },
	{ "--interrupts", OPTION_NAME, INTO(machine.partition.interrupts),
	  .names = machine_interrupts },
	{ "--errinjct", OPTION_NAME, INTO(errinjct), .names = off_or_on },
	{ "--reboot-policy", OPTION_NAME, INTO(machine.reboot_policy), .names = reboot_policies },
	{ "--map-memory", OPTION_CALL, .set = set_map_memory },
	{ "--sandbox", OPTION_NAME, INTO(sandbox), .names = on_or_off },
	{ "--debug", OPTION_CALL_FLAG, .set = set_debug },
	{ "--stats", OPTION_FLAG, INTO(stats) },
	{ "--help", OPTION_HELP, .letter = 'h' },
	/* QEMU options that only state what is always so here. */
	{ "-machine", OPTION_CALL, .set = set_machine },
	{ "-M", OPTION_CALL, .set = set_machine },
	{ "-enable-kvm", OPTION_CALL_FLAG, .set = enable_kvm },
	{ .name = "-nographic", .kind = OPTION_NOTHING },
	{ .name = "-nodefaults", .kind = OPTION_NOTHING },
	{ .name = "-no-user-config", .kind = OPTION_NOTHING },
	{ "-display", OPTION_ONLY, .names = none, .why = "there is no display: only none" },
	{ "-vga", OPTION_ONLY, .names = none, .why = "there is no display: only none" },
	{ "-vnc", OPTION_ONLY, .names = none, .why = "there is no display: only none" },
	{ "-net", OPTION_ONLY, .names = none, .why = "there is no network: only none" },
	{ "-nic", OPTION_ONLY, .names = none, .why = "there is no network: only none" },
	{ "-parallel", OPTION_ONLY, .names = none, .why = "there is no parallel port: only none" },
	{ "-rtc", OPTION_ONLY, .names = utc, .why = "the time-of-day clock is UTC: only base=utc" },
	{ NULL },
};
#undef INTO

static void free_options(struct run_options *o)
{
	free(o->monitor);
	o->monitor = NULL;
	while (o->nr_planned)
		free(o->planned[--o->nr_planned].dir);
}

/* The options in the order of the command line, on top of what a snapshot's machine has. */
static enum options_result parse_once(struct run_options *o, const struct snapshot_file *from,
				      int argc, char **argv)
{
	const struct command_line line = {
		.command = "run",
		.groups = { { run_option_table, o } },
	};
	enum options_result result;

	*o = (struct run_options){
		.machine = { .ram_size = DEFAULT_RAM,
			     .nr_vcpus = 1,
			     .clock = CLOCK_HOST,
			     .engine = &engine_power,
			     .warn = print_warning },
		.accel = "emu",
		.serial = "stdio",
	};
	if (from)
		snapshot_file_config(from, &o->machine);
	o->cpu.cpu = cpu_model_or_default(o->machine.cpu);
	o->cpu.compat = o->machine.compat ? o->machine.compat : o->cpu.cpu;
	o->cpus = (struct cpus_choice){ o->machine.nr_vcpus, o->machine.partition.topology };
	o->mc_exit = o->machine.no_mc_exit ? OFF : ON;
	o->errinjct = o->machine.partition.errinjct ? ERRINJCT_ON : ERRINJCT_OFF;
	result = options_parse(&line, argc, argv);
	o->machine.cpu = o->cpu.cpu;
	o->machine.compat = o->cpu.compat;
	o->machine.nr_vcpus = o->cpus.count;
	o->machine.partition.topology = o->cpus.topology;
	o->machine.threads = o->threads;
	o->machine.no_mc_exit = o->mc_exit != ON;
	o->machine.partition.errinjct = o->errinjct == ERRINJCT_ON;
	return result;
}

/* What a snapshot has, and a file given beside it cannot change. */
static bool complain_of_files(const struct run_options *o)
{
	const struct {
		const char *name;
		bool given;
	} files[] = {
		{ "-kernel", o->machine.kernel },
		{ "-bios", o->machine.bios },
		{ "-initrd", o->machine.initrd },
		{ "-append", o->machine.partition.bootargs },
		{ "--trampoline", o->machine.partition.trampoline },
		{ "--map-memory", o->machine.mapping.path },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i].given)
			return complain("%s cannot be combined with --from-snapshot: "
					"nothing boots, and memory is as it was saved",
					files[i].name);
	return true;
}

static bool files_make_sense(const struct run_options *o)
{
	if (o->snapshot_dir && !o->monitor)
		return complain("--snapshot-dir is for the monitor's clients: --monitor PATH");
	if (o->stopped && !o->debugger && !o->monitor)
		return complain("-S needs -gdb WHERE or --monitor PATH: nobody could continue");
	if (o->from_snapshot)
		return complain_of_files(o);
	if (!o->machine.kernel && !o->machine.bios)
		return complain("no kernel given: -kernel FILE");
	if (!o->machine.kernel && o->machine.initrd)
		return complain("-initrd %s needs a kernel: -kernel FILE", o->machine.initrd);
	return true;
}

/* Prints any error itself. */
static enum options_result parse_options(struct run_options *o, int argc, char **argv)
{
	enum options_result result = parse_once(o, NULL, argc, argv);

	if (result != OPTIONS_TAKEN || o->cpu.help)
		return result;
	return files_make_sense(o) ? OPTIONS_TAKEN : OPTIONS_BAD;
}

/* ---- the run ---- */

static struct machine *signalled_machine;
static volatile sig_atomic_t signal_received;

static void on_signal(int signal_number)
{
	signal_received = signal_number;
	machine_quit(signalled_machine);
}

static void catch_signals(struct machine *machine)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = on_signal }, old;

	signalled_machine = machine;
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++) {
		/* nohup and shell background jobs ignore some signals on purpose. */
		if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(ending[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

static void ignore_signals(void)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		signal(ending[i], SIG_IGN);
	signalled_machine = NULL;
}

/* A file opened later must not become the console because the caller closed 0, 1 or 2. */
static void occupy_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

__attribute__((format(printf, 3, 4))) static void append(char *line, size_t size,
							 const char *format, ...)
{
	size_t len = strlen(line);
	va_list ap;

	va_start(ap, format);
	vsnprintf(line + len, size - len, format, ap);
	va_end(ap);
}

static void print_stats(const struct machine *machine, double seconds)
{
	uint64_t insns = machine_insns(machine);
	char line[1000] = "";
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	if (insns)
		append(line, sizeof(line), "instructions=%" PRIu64 " ", insns);
	append(line, sizeof(line), "host_seconds=%.3f ", seconds);
	if (insns)
		append(line, sizeof(line), "mips=%.1f ",
		       seconds > 0 ? (double)insns / seconds / 1e6 : 0);
	append(line, sizeof(line), "guest_seconds=%.3f max_rss_kib=%ld",
	       (double)machine_timebase(machine) / TIMEBASE_HZ, usage.ru_maxrss);
	for (unsigned i = 0; insns && i < machine_nr_vcpus(machine); i++)
		append(line, sizeof(line), " cpu%u=%" PRIu64, i, machine_vcpu_insns(machine, i));
	say("stats: %s", line);
}

static int exit_status(enum machine_end end, const char *why)
{
	switch (end) {
	case MACHINE_CRASHED:
		say("the guest crashed: %s", why);
		return EXIT_CRASHED;
	case MACHINE_FAILED:
		say("cannot continue: %s", why);
		return EXIT_FAILED;
	case MACHINE_REBOOT:
		if (*why)
			say("run: %s", why);
		return EXIT_REBOOT;
	case MACHINE_QUIT:
		return signal_received ? 128 + signal_received : EXIT_SUCCESS;
	default:
		return EXIT_SUCCESS;
	}
}

/* The guest could not take this log, so it is printed for whoever runs the machine. */
static void print_partition_end(void *opaque, const struct machine_event *event)
{
	const struct papr_fwnmi_end *last_end = papr_fwnmi_end(machine_papr(opaque));
	struct fwnmi_errlog log;
	char text[4096];

	if (event->type != MACHINE_EVENT_FWNMI || event->outcome->result != PAPR_ENDED ||
	    !say_may(SAY_END))
		return;
	say("FWNMI ended the partition: %s (vCPU %u)", fwnmi_end_reason_text(last_end->reason),
	    last_end->vcpu);
	if (fwnmi_errlog_decode(&log, last_end->log, last_end->log_length) < 0)
		return;
	fwnmi_errlog_print(&log, text, sizeof(text));
	for (char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		say("  %.*s", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* From here on only what is already open, and the monitor's clients, is needed. */
static bool confine(const struct run_options *o, char *err, size_t err_size)
{
	unsigned needs = (o->monitor || o->debugger ? SANDBOX_CLIENTS | SANDBOX_REMOVE : 0) |
			 (o->machine.engine == &engine_kvm ? SANDBOX_KVM : 0);

	return o->sandbox == OFF || sandbox_enter("run", needs, err, err_size);
}

/* Run to the end, saving the machine on its way. False: a snapshot is missing. */
static bool run_and_save(const struct run_options *o, struct snapshot_keeper *keeper,
			 struct machine *machine, enum machine_end *end, char *why)
{
	char err[REASON_SIZE];
	bool all = true;
	unsigned i = 0;

	do {
		for (; i < o->nr_planned && o->planned[i].insns < machine_insns(machine); i++)
			all = complain("--snapshot-at %" PRIu64 ": the run begins after that",
				       o->planned[i].insns);
		machine_stop_at(machine, i < o->nr_planned ? o->planned[i].insns : ENGINE_NO_STOP);
		*end = machine_run(machine, why, REASON_SIZE);
		if (*end == MACHINE_STOPPED) {
			if (snapshot_keeper_save(keeper, i, o->planned[i].name, machine, err,
						 sizeof(err)) < 0)
				all = complain("%s", err);
			i++;
		}
	} while (*end == MACHINE_STOPPED);
	for (; i < o->nr_planned; i++)
		all = complain("--snapshot-at %" PRIu64 ": the run ended before that",
			       o->planned[i].insns);
	return all;
}

static int run_machine(const struct run_options *o, struct snapshot_keeper *keeper,
		       struct machine *machine)
{
	const struct machine_client standard_error = {
		.event = print_partition_end,
		.poll_fds = say_poll_fds,
		.ready = say_ready,
		.opaque = machine,
	};
	struct console *console;
	struct timespec start;
	enum machine_end end;
	char why[REASON_SIZE];
	int status;
	bool saved;

	/*
	 * Last, because it creates files and changes the terminal; everything else that can fail
	 * has passed.
	 */
	console = console_open(o->serial, why, sizeof(why));
	if (!console || !console_attach(console, machine) ||
	    !machine_add_client(machine, &standard_error)) {
		complain("%s", console ? "too many clients of the machine" : why);
		console_close(console, &signal_received);
		return EXIT_CANNOT_START;
	}
	if (!confine(o, why, sizeof(why))) {
		console_close(console, &signal_received);
		complain("%s", why);
		return EXIT_CANNOT_START;
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	saved = run_and_save(o, keeper, machine, &end, why);
	console_close(console, &signal_received);
	if (o->stats)
		print_stats(machine, seconds_since(&start));
	status = exit_status(end, why);
	return status || saved ? status : EXIT_FAILED;
}

/* Picks the first engine of -accel that works; the choice from a list is explained. */
static bool choose_engine(struct run_options *o)
{
	const char *list = o->accel, *rest = list;
	char why_not[REASON_SIZE] = "";

	while (*rest) {
		const struct accelerator *a = next_accelerator(&rest);
		size_t used = strlen(why_not);
		char err[200] = "";

		if (o->machine.clock == CLOCK_INSN && !a->counts_instructions)
			snprintf(err, sizeof(err),
				 "--clock insn needs -accel emu: %s cannot count instructions",
				 a->engine->name);
		else if (a->engine == &engine_kvm && o->cpu.compat != &cpu_model_power9)
			snprintf(err, sizeof(err), "-cpu %s needs -accel emu: KVM's guests are %s",
				 o->cpu.compat->type, cpu_model_power9.name);
		else if (!a->engine->available || a->engine->available(err, sizeof(err)))
			o->machine.engine = a->engine;
		if (!err[0] && strchr(list, ':'))
			say("run: -accel %s: %s is used%s%s", list, a->name, *why_not ? "; " : "",
			    why_not);
		if (!err[0])
			return true;
		snprintf(why_not + used, sizeof(why_not) - used, "%s%s", used ? "; " : "", err);
	}
	return complain("-accel %s: %s", list, why_not);
}

static bool may_have_threads(const struct run_options *o)
{
	if (o->machine.threads && o->machine.clock == CLOCK_INSN)
		complain("--threads many needs --clock host: the order of the vCPUs' instructions "
			 "is not repeatable");
	else if (o->machine.threads && o->machine.jit != ENGINE_JIT_OFF)
		complain("--threads many needs --jit off: code is translated for one thread");
	else
		return true;
	return false;
}

/* True if there is nothing to keep, too. A snapshot's NVRAM must be the file's, if there is one. */
static bool keep_nvram(struct machine *machine, const struct run_options *o,
		       struct nvram_file *file)
{
	char err[REASON_SIZE];
	uint8_t *contents, *kept;
	bool same = true;
	size_t size;

	if (!o->nvram)
		return true;
	contents = machine_nvram(machine, &size);
	kept = malloc(size);
	if (!kept)
		return complain("out of memory");
	memcpy(kept, contents, size);
	if (nvram_file_open(file, o->nvram, kept, size, err, sizeof(err))) {
		free(kept);
		return complain("%s", err);
	}
	if (o->from_snapshot)
		same = !memcmp(kept, contents, size);
	memcpy(contents, kept, size);
	free(kept);
	if (!same)
		return complain("cannot use NVRAM file %s: the snapshot's NVRAM is another",
				o->nvram);
	machine_keep_nvram(machine, nvram_file_write, file);
	return true;
}

/* For triggers and reports. A kernel without symbols runs as well. Read before the sandbox. */
static struct symbols *use_symbols(const struct run_options *o, struct injector *injector)
{
	static char why_not[REASON_SIZE] = "the machine was given no -kernel";
	struct symbols *symbols = NULL;

	if (o->machine.kernel)
		symbols = symbols_open(o->machine.kernel, why_not, sizeof(why_not));
	injector_use_symbols(injector, symbols, why_not);
	return symbols;
}

/* Before the machine takes memory: the keeper is a process of its own. True if none is needed. */
static bool start_keeper(const struct run_options *o, struct snapshot_keeper **keeper)
{
	const char *dirs[SNAPSHOT_KEEPER_DIRS];
	unsigned nr_dirs = 0;
	char err[REASON_SIZE];

	for (; nr_dirs < o->nr_planned; nr_dirs++)
		dirs[nr_dirs] = o->planned[nr_dirs].dir;
	if (o->snapshot_dir)
		dirs[nr_dirs++] = o->snapshot_dir;
	if (!nr_dirs)
		return true;
	*keeper = snapshot_keeper_start(dirs, nr_dirs, err, sizeof(err));
	return *keeper || complain("%s", err);
}

static struct machine *make_machine(const struct run_options *o)
{
	char err[REASON_SIZE];
	struct machine *machine = machine_create(&o->machine, err, sizeof(err));

	if (!machine)
		complain("%s", err);
	return machine;
}

/* The machine as it is now is never the one that runs if there is a snapshot to load. */
static bool prepare(const struct run_options *o, struct machine *machine,
		    struct snapshot_file *from, struct nvram_file *nvram)
{
	char err[REASON_SIZE];

	if (from && !snapshot_file_load(from, machine, err, sizeof(err)))
		return complain("%s", err);
	return keep_nvram(machine, o, nvram);
}

static int run_prepared(const struct run_options *o, struct snapshot_keeper *keeper,
			struct machine *machine, struct injector *injector)
{
	struct debugger *debugger = NULL;
	struct monitor *monitor = NULL;
	int status = EXIT_CANNOT_START;
	char err[REASON_SIZE];

	catch_signals(machine);
	cleanup_on_signals();
	if (o->monitor)
		monitor = monitor_open(o->monitor, machine, injector, err, sizeof(err));
	if (monitor)
		cleanup_watch_socket(monitor_listener(monitor));
	if (o->debugger && (monitor || !o->monitor))
		debugger = debugger_open(o->debugger, machine, err, sizeof(err));
	if (debugger)
		cleanup_watch_socket(debugger_listener(debugger));
	machine_pause(machine, o->stopped);
	if (monitor && o->snapshot_dir)
		monitor_keep_snapshots(monitor, keeper, o->nr_planned);
	if ((o->monitor && !monitor) || (o->debugger && !debugger))
		complain("%s", err);
	else
		status = run_machine(o, keeper, machine);
	say_stop(&signal_received);
	ignore_signals();
	cleanup_watch_socket(NULL);
	debugger_close(debugger);
	monitor_close(monitor);
	return status;
}

/* A machine always has an injector: a snapshot holds what it has pending. */
static int run(struct run_options *o, struct snapshot_file *from)
{
	struct snapshot_keeper *keeper = NULL;
	struct nvram_file nvram = { .fd = -1 };
	struct injector *injector = NULL;
	struct symbols *symbols = NULL;
	int status = EXIT_CANNOT_START;
	struct machine *machine = NULL;
	char err[REASON_SIZE];

	if (!choose_engine(o) || !may_have_threads(o))
		return EXIT_CANNOT_START;
	if (o->sandbox == ON)
		o->machine.thread_begins = sandbox_drop_capabilities;
	if (start_keeper(o, &keeper))
		machine = make_machine(o);
	if (machine)
		injector = injector_create(machine, err, sizeof(err));
	if (injector)
		symbols = use_symbols(o, injector);
	if (machine && !injector)
		complain("%s", err);
	if (injector && prepare(o, machine, from, &nvram))
		status = run_prepared(o, keeper, machine, injector);
	injector_destroy(injector);
	symbols_close(symbols);
	machine_destroy(machine);
	nvram_file_close(&nvram);
	snapshot_keeper_stop(keeper);
	return status;
}

/* Open the snapshot, and read the options again with its machine's as what they are without. */
static struct snapshot_file *open_snapshot(struct run_options *o, int argc, char **argv)
{
	struct snapshot_file *from;
	char err[REASON_SIZE];

	from = snapshot_file_open(o->from_snapshot, err, sizeof(err));
	if (!from) {
		complain("%s", err);
		return NULL;
	}
	free_options(o);
	parse_once(o, from, argc, argv);
	return from;
}

int cmd_run(int argc, char **argv)
{
	struct snapshot_file *from = NULL;
	int status = EXIT_CANNOT_START;
	struct run_options options;

	switch (parse_options(&options, argc, argv)) {
	case OPTIONS_BAD:
		free_options(&options);
		return EXIT_USAGE;
	case OPTIONS_HELP:
		free_options(&options);
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	case OPTIONS_TAKEN:
		break;
	}
	if (options.cpu.help) {
		free_options(&options);
		machine_list_cpus();
		return EXIT_SUCCESS;
	}
	occupy_standard_descriptors();
	say_start();
	if (options.from_snapshot)
		from = open_snapshot(&options, argc, argv);
	if (from || !options.from_snapshot)
		status = run(&options, from);
	say_stop(&signal_received);
	snapshot_file_close(from);
	free_options(&options);
	return status;
}
