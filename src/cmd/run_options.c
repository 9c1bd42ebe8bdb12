/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of `fwnmi run`; see run_options.h. */
#include <stdlib.h>
#include <string.h>

#include "cmd/accelerator.h"
#include "cmd/options.h"
#include "cmd/run_options.h"
#include "cmd/say.h"
#include "machine/snapshot_file.h"
#include "base/number.h"

#define DEFAULT_RAM (512ull << 20)

#define complain(...) say_error("run", __VA_ARGS__)

const char run_usage[] =
	"Usage: fwnmi run {-kernel FILE | -bios FILE | --from-snapshot FILE} [OPTION]...\n"
	"Run a pseries partition. Options can start with one dash or two.\n"
	"\n"
	"  -kernel FILE      the kernel, a 64-bit PowerPC ELF file (vmlinux)\n"
	"  -bios FILE        firmware that runs first, a raw image for real address 0\n"
	"  -initrd FILE      initial RAM disk\n"
	"  -append STRING    kernel command line; Debian's kernels need console=hvc0\n"
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
	"                    interpreter; or auto, on where the host allows it (auto)\n"
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

static bool set_accel(void *into, const struct command_option *option, const char *value, char *why)
{
	if (!accelerator_list_is_valid(value))
		return option_bad(why, "not emu, kvm, or a list such as kvm:emu");
	((struct run_options *)into)->accel = value;
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
		"cap-dfp=on",	   "x-vof=on",	     "cap-nested-hv=off",  "cap-cfpc=broken",
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
	struct planned_snapshot planned;
	unsigned i = o->nr_planned;

	if (!path || !path[1] || !number_parse(value, (size_t)(path - value), &planned.insns))
		return option_bad(why, "not an instruction's number, = and a file");
	if (i == RUN_MAX_SNAPSHOTS)
		return option_bad(why, "more than %d snapshots", RUN_MAX_SNAPSHOTS);
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
	{ "--jit", OPTION_NAME, INTO(machine.jit), .names = machine_jits },
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

void run_options_free(struct run_options *o)
{
	free(o->monitor);
	o->monitor = NULL;
	while (o->nr_planned)
		free(o->planned[--o->nr_planned].dir);
}

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

enum options_result run_options_parse(struct run_options *o, int argc, char **argv)
{
	enum options_result result = parse_once(o, NULL, argc, argv);

	if (result != OPTIONS_TAKEN || o->cpu.help)
		return result;
	return files_make_sense(o) ? OPTIONS_TAKEN : OPTIONS_BAD;
}

void run_options_parse_again(struct run_options *o, const struct snapshot_file *from, int argc,
			     char **argv)
{
	run_options_free(o);
	parse_once(o, from, argc, argv);
}
