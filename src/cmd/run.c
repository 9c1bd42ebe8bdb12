/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi run`: options with QEMU's names, one or two dashes, and the machine they describe.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/console.h"
#include "cmd/say.h"
#include "machine/machine.h"
#include "monitor/monitor.h"
#include "number.h"

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
	"Usage: fwnmi run {-kernel FILE | -bios FILE} [OPTION]...\n"
	"Run a POWER9 pseries partition. Options may have one dash or two.\n"
	"\n"
	"  -kernel FILE      the kernel, a 64-bit PowerPC ELF file (vmlinux)\n"
	"  -bios FILE        firmware, a raw image for real address 0, which runs first\n"
	"  -initrd FILE      initial RAM disk\n"
	"  -append STRING    kernel command line\n"
	"  -m [size=]N[M|G]  memory, in MiB without suffix, 256M..64G (512M)\n"
	"  -smp [cpus=]N     vCPUs, 1..8 (1)\n"
	"  -cpu power9       the only processor there is\n"
	"  -accel WHAT       what executes the guest: emu, the embedded processor; kvm, on POWER\n"
	"                    hosts; kvm:emu, the first of them that works (emu)\n"
	"  -serial WHERE     console: stdio, null or file:PATH (stdio)\n"
	"  --monitor PATH    UNIX socket for fwnmi inject and other QMP clients; unix:PATH and\n"
	"                    -qmp are the same; none: no monitor (none)\n"
	"  --clock WHICH     host: time passes as on the host (the default);\n"
	"                    insn: with the instructions executed, so runs repeat exactly\n"
	"  --nvram FILE      keep NVRAM in this file\n"
	"  --no-reboot       end instead of rebooting\n"
	"  --reboot-policy WHAT  when FWNMI ends the partition: halt, reboot or pause (halt)\n"
	"  --fwnmi-strict    the letter of LoPAR where guests expect otherwise\n"
	"  --stale-handler WHAT  when the registered routine has gone: vector (the event goes\n"
	"                    there), deliver or end (vector)\n"
	"  --fwnmi-delivery HOW  of machine checks and system resets: direct, or by trampoline\n"
	"                    code at the guest's vectors; auto: by what the engine can (auto)\n"
	"  --trampoline SOURCE  that code: embedded, elf:PATH or blob:PATH[,PATH] (embedded)\n"
	"  --engine-mc-exit WHETHER  off: the engine does not report machine checks to fwnmi\n"
	"                    but gives them to the guest (on)\n"
	"  --map-memory address=N,size=N,file=PATH[,offset=N]  guest memory that is a file's or\n"
	"                    a device's, such as one that answers with machine checks\n"
	"  --debug           report unknown and refused calls of the guest\n"
	"  --stats           print instruction count and speed at the end\n"
	"  -h, --help        print this help\n"
	"\n"
	"On a terminal, Ctrl-a x ends the machine and Ctrl-a h helps.\n"
	"Exit status: 0 the guest powered off, 1 cannot start, 2 bad options, 3 the guest\n"
	"crashed, 4 the engine failed, 5 reboot under --no-reboot, 128+N ended by signal N.\n";

struct run_options {
	struct machine_config machine;
	const char *accel, *serial;
	char *monitor; /* path */
	bool stats, help;
};

__attribute__((format(printf, 1, 2))) static bool complain(const char *format, ...)
{
	char text[REASON_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	say("run: %s", text);
	return false;
}

/* ---- options ---- */

/* "size=1G" or "1G": what follows the key, if the key is there. */
static const char *skip_key(const char *value, const char *key)
{
	size_t len = strlen(key);

	return strncmp(value, key, len) == 0 && value[len] == '=' ? value + len + 1 : value;
}

/* Digits only: strtoull() would take blanks, signs and 0x. Too large a number becomes the largest. */
static bool parse_digits(const char **text, uint64_t *value)
{
	const char *p = *text;

	*value = 0;
	while (*p >= '0' && *p <= '9') {
		*value = *value > (UINT64_MAX - 9) / 10 ? UINT64_MAX :
							  *value * 10 + (uint64_t)(*p - '0');
		p++;
	}
	if (p == *text)
		return false;
	*text = p;
	return true;
}

static bool set_memory(struct run_options *o, const char *value)
{
	const char *p = skip_key(value, "size");
	unsigned shift = 20;
	uint64_t n;

	if (!parse_digits(&p, &n))
		return complain("bad -m %s: not a number of MiB or GiB", value);
	if (*p == 'G' || *p == 'g')
		shift = 30;
	if (strchr("GgMm", *p) && *p)
		p++;
	if (*p)
		return complain("bad -m %s: not a number of MiB or GiB", value);
	if (n > MACHINE_MAX_RAM >> shift)
		return complain("bad -m %s: more than %llu GiB", value, MACHINE_MAX_RAM >> 30);
	if (n << shift < MACHINE_MIN_RAM)
		return complain("bad -m %s: less than %llu MiB", value, MACHINE_MIN_RAM >> 20);
	o->machine.ram_size = n << shift;
	return true;
}

static bool set_smp(struct run_options *o, const char *value)
{
	const char *p = skip_key(value, "cpus");
	uint64_t n;

	if (!parse_digits(&p, &n) || *p)
		return complain("bad -smp %s: not a number of CPUs", value);
	if (!n || n > ENGINE_MAX_VCPUS)
		return complain("bad -smp %s: not 1..%d CPUs", value, ENGINE_MAX_VCPUS);
	o->machine.nr_vcpus = (unsigned)n;
	return true;
}

static bool set_cpu(struct run_options *o, const char *value)
{
	if (strcasecmp(value, "power9"))
		return complain("bad -cpu %s: only power9 is available", value);
	return true;
}

static const struct accelerator {
	const char *name;
	const struct engine_ops *engine;
	bool counts_instructions;
} accelerators[] = {
	{ "emu", &engine_power, true },
	{ "kvm", &engine_kvm, false },
};

/* The first name in a list that is divided by colons; *@list goes behind it. NULL: there is none of that name. */
static const struct accelerator *next_accelerator(const char **list)
{
	const struct accelerator *found = NULL;
	size_t len = strcspn(*list, ":");

	for (size_t i = 0; i < sizeof(accelerators) / sizeof(accelerators[0]); i++)
		if (strlen(accelerators[i].name) == len && !memcmp(accelerators[i].name, *list, len))
			found = &accelerators[i];
	*list += len + ((*list)[len] == ':' && (*list)[len + 1]);
	return found;
}

static bool set_accel(struct run_options *o, const char *value)
{
	const char *list = value;

	do {
		if (!next_accelerator(&list))
			return complain("bad -accel %s: not emu, kvm, or a list such as kvm:emu", value);
	} while (*list);
	o->accel = value;
	return true;
}

static bool set_clock(struct run_options *o, const char *value)
{
	if (!strcmp(value, "host"))
		o->machine.clock = CLOCK_HOST;
	else if (!strcmp(value, "insn"))
		o->machine.clock = CLOCK_INSN;
	else
		return complain("bad --clock %s: not host or insn", value);
	return true;
}

static bool set_kernel(struct run_options *o, const char *value)
{
	o->machine.kernel = value;
	return true;
}

static bool set_bios(struct run_options *o, const char *value)
{
	o->machine.bios = value;
	return true;
}

static bool set_initrd(struct run_options *o, const char *value)
{
	o->machine.initrd = value;
	return true;
}

static bool set_append(struct run_options *o, const char *value)
{
	o->machine.append = value;
	return true;
}

static bool set_serial(struct run_options *o, const char *value)
{
	if (strcmp(value, "stdio") && strcmp(value, "null") && strncmp(value, "file:", 5))
		return complain("bad -serial %s: not stdio, null or file:PATH", value);
	o->serial = value;
	return true;
}

/* What QEMU's -monitor and -qmp take, as far as it is a socket at which nobody is waited for. */
static bool set_monitor(struct run_options *o, const char *value)
{
	static const char *const harmless[] = {
		"", ",server=on,wait=off", ",wait=off,server=on", ",server,wait=off",
		",server,nowait",
	};
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
			return complain("bad -monitor %s: after the path there can only be "
					"server=on,wait=off", value);
	} else if (value[strcspn(value, ":/")] == ':' || !strcmp(value, "stdio") ||
		   !strcmp(value, "vc") || !strcmp(value, "pty")) {
		return complain("bad -monitor %s: not none, PATH or unix:PATH of a socket", value);
	}
	o->monitor = strndup(path, len);
	return o->monitor || complain("out of memory");
}

static bool set_nvram(struct run_options *o, const char *value)
{
	o->machine.nvram = value;
	return true;
}

static bool set_no_reboot(struct run_options *o, const char *value)
{
	o->machine.no_reboot = true;
	return true;
}

static bool set_fwnmi_strict(struct run_options *o, const char *value)
{
	o->machine.fwnmi_strict = true;
	return true;
}

static bool set_delivery(struct run_options *o, const char *value)
{
	static const char *const ways[] = {
		[PAPR_DELIVERY_AUTO] = "auto",
		[PAPR_DELIVERY_DIRECT] = "direct",
		[PAPR_DELIVERY_TRAMPOLINE] = "trampoline",
	};

	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (!strcmp(value, ways[i])) {
			o->machine.delivery = (enum papr_delivery)i;
			return true;
		}
	}
	return complain("bad --fwnmi-delivery %s: not auto, direct or trampoline", value);
}

static bool set_trampoline(struct run_options *o, const char *value)
{
	if (strcmp(value, "embedded") && strncmp(value, "elf:", 4) && strncmp(value, "blob:", 5))
		return complain("bad --trampoline %s: not embedded, elf:PATH or blob:PATH[,PATH]",
				value);
	o->machine.trampoline = value;
	return true;
}

static bool set_engine_mc_exit(struct run_options *o, const char *value)
{
	if (strcmp(value, "on") && strcmp(value, "off"))
		return complain("bad --engine-mc-exit %s: not on or off", value);
	o->machine.no_mc_exit = !strcmp(value, "off");
	return true;
}

static bool set_stale_handler(struct run_options *o, const char *value)
{
	static const char *const policies[] = {
		[FWNMI_STALE_TO_VECTOR] = "vector",
		[FWNMI_STALE_DELIVER] = "deliver",
		[FWNMI_STALE_END] = "end",
	};

	for (unsigned i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (!strcmp(value, policies[i])) {
			o->machine.stale_handler = (enum fwnmi_stale_policy)i;
			return true;
		}
	}
	return complain("bad --stale-handler %s: not vector, deliver or end", value);
}

static bool set_reboot_policy(struct run_options *o, const char *value)
{
	static const char *const policies[] = {
		[REBOOT_POLICY_HALT] = "halt",
		[REBOOT_POLICY_REBOOT] = "reboot",
		[REBOOT_POLICY_PAUSE] = "pause",
	};

	for (unsigned i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (!strcmp(value, policies[i])) {
			o->machine.reboot_policy = (enum machine_reboot_policy)i;
			return true;
		}
	}
	return complain("bad --reboot-policy %s: not halt, reboot or pause", value);
}

/* The path, which may have no comma, lives as long as the program. */
static bool set_map_memory(struct run_options *o, const char *value)
{
	struct machine_mapping *mapping = &o->machine.mapping;
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
				return complain("bad --map-memory %s: bad number at %s", value, p);
		} else if (!strncmp(p, "file=", 5) && len > 5 && !mapping->path) {
			mapping->path = strndup(p + 5, len - 5);
		} else {
			return complain("bad --map-memory %s: %s is not address=N, size=N, "
					"file=PATH or offset=N",
					value, p);
		}
		p += len + (p[len] == ',');
	}
	if (!mapping->path || !mapping->size)
		return complain("bad --map-memory %s: no file= or no size=", value);
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

static bool set_debug(struct run_options *o, const char *value)
{
	o->machine.debug = print_debug;
	return true;
}

static bool set_stats(struct run_options *o, const char *value)
{
	o->stats = true;
	return true;
}

static bool set_help(struct run_options *o, const char *value)
{
	o->help = true;
	return true;
}

static const struct option_entry {
	const char *name;
	bool has_value;
	bool (*set)(struct run_options *o, const char *value);
} option_table[] = {
	{ "kernel", true, set_kernel },
	{ "bios", true, set_bios },
	{ "initrd", true, set_initrd },
	{ "append", true, set_append },
	{ "m", true, set_memory },
	{ "smp", true, set_smp },
	{ "cpu", true, set_cpu },
	{ "accel", true, set_accel },
	{ "serial", true, set_serial },
	{ "monitor", true, set_monitor },
	{ "qmp", true, set_monitor },
	{ "clock", true, set_clock },
	{ "nvram", true, set_nvram },
	{ "no-reboot", false, set_no_reboot },
	{ "fwnmi-strict", false, set_fwnmi_strict },
	{ "fwnmi-delivery", true, set_delivery },
	{ "trampoline", true, set_trampoline },
	{ "engine-mc-exit", true, set_engine_mc_exit },
	{ "stale-handler", true, set_stale_handler },
	{ "reboot-policy", true, set_reboot_policy },
	{ "map-memory", true, set_map_memory },
	{ "debug", false, set_debug },
	{ "stats", false, set_stats },
	{ "help", false, set_help },
	{ "h", false, set_help },
};

static const struct option_entry *find_option(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(option_table) / sizeof(option_table[0]); i++) {
		const struct option_entry *e = &option_table[i];

		if (strlen(e->name) == len && !memcmp(e->name, name, len))
			return e;
	}
	return NULL;
}

/* Prints what is wrong; true if the options describe a machine or ask for help. */
static bool parse_options(struct run_options *o, int argc, char **argv)
{
	*o = (struct run_options){
		.machine = { .append = "",
			     .ram_size = DEFAULT_RAM,
			     .nr_vcpus = 1,
			     .clock = CLOCK_HOST,
			     .engine = &engine_power,
			     .warn = print_warning },
		.accel = "emu",
		.serial = "stdio",
	};
	for (int i = 1; i < argc && !o->help; i++) {
		const char *arg = argv[i], *name = arg, *value = NULL;
		const struct option_entry *e;
		size_t len;

		if (*name != '-')
			return complain("unexpected argument %s", arg);
		name += name[1] == '-' ? 2 : 1;
		len = strcspn(name, "=");
		e = find_option(name, len);
		if (!e)
			return complain("unknown option %s", arg);
		if (name[len] == '=')
			value = name + len + 1;
		if (value && !e->has_value)
			return complain("option -%s takes no value", e->name);
		if (e->has_value && !value) {
			if (++i == argc)
				return complain("option %s needs a value", arg);
			value = argv[i];
		}
		if (!e->set(o, value))
			return false;
	}
	if (!o->help && !o->machine.kernel && !o->machine.bios)
		return complain("no kernel given: -kernel FILE");
	if (!o->help && !o->machine.kernel && o->machine.initrd)
		return complain("-initrd %s is for a kernel, and there is none", o->machine.initrd);
	return true;
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
		/* nohup and shells' background jobs ignore some of them on purpose. */
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
		say("cannot go on: %s", why);
		return EXIT_FAILED;
	case MACHINE_REBOOT:
		return EXIT_REBOOT;
	case MACHINE_QUIT:
		return signal_received ? 128 + signal_received : EXIT_SUCCESS;
	default:
		return EXIT_SUCCESS;
	}
}

/* The log that a guest could not take is for whoever looks after the machine. */
static void print_partition_end(void *opaque, const struct machine_event *event)
{
	const struct papr_fwnmi_end *last_end = papr_fwnmi_end(machine_papr(opaque));
	struct fwnmi_errlog log;
	char text[4096];

	if (event->type != MACHINE_EVENT_PAPR || event->papr->type != PAPR_EVENT_FWNMI_ENDED ||
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

static int run_machine(const struct run_options *o, struct machine *machine)
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

	/* Last, because it creates files and changes the terminal: whatever else can fail has not. */
	console = console_open(o->serial, why, sizeof(why));
	if (!console || !console_attach(console, machine) ||
	    !machine_add_client(machine, &standard_error)) {
		complain("%s", console ? "too many clients of the machine" : why);
		console_close(console, &signal_received);
		return EXIT_CANNOT_START;
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	end = machine_run(machine, why, sizeof(why));
	console_close(console, &signal_received);
	if (o->stats)
		print_stats(machine, seconds_since(&start));
	return exit_status(end, why);
}

/* The first of -accel's that works; a list's choice is explained. */
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
				 "--clock insn is for -accel emu, %s cannot count instructions",
				 a->engine->name);
		else if (!a->engine->available || a->engine->available(err, sizeof(err)))
			o->machine.engine = a->engine;
		if (!err[0] && strchr(list, ':'))
			say("run: -accel %s: %s is used%s%s", list, a->name,
			    *why_not ? "; " : "", why_not);
		if (!err[0])
			return true;
		snprintf(why_not + used, sizeof(why_not) - used, "%s%s", used ? "; " : "", err);
	}
	return complain("-accel %s: %s", list, why_not);
}

static int run(struct run_options *o)
{
	struct monitor *monitor = NULL;
	int status = EXIT_CANNOT_START;
	struct machine *machine;
	char err[REASON_SIZE];

	if (!choose_engine(o))
		return EXIT_CANNOT_START;
	machine = machine_create(&o->machine, err, sizeof(err));
	if (!machine) {
		complain("%s", err);
		return EXIT_CANNOT_START;
	}
	catch_signals(machine);
	cleanup_on_signals();
	if (o->monitor)
		monitor = monitor_open(o->monitor, machine, err, sizeof(err));
	cleanup_watch_monitor(monitor);
	if (o->monitor && !monitor)
		complain("%s", err);
	else
		status = run_machine(o, machine);
	say_stop(&signal_received);
	ignore_signals();
	cleanup_watch_monitor(NULL);
	monitor_close(monitor);
	machine_destroy(machine);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run_options options;
	int status;

	if (!parse_options(&options, argc, argv))
		return EXIT_USAGE;
	if (options.help) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	occupy_standard_descriptors();
	say_start();
	status = run(&options);
	say_stop(&signal_received);
	free(options.monitor);
	return status;
}
