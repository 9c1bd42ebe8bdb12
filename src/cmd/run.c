/* SPDX-License-Identifier: BSD-2-Clause */
/* `fwnmi run`: the machine that the options describe, from its making to its end. */
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

#include "cmd/accelerator.h"
#include "cmd/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/console.h"
#include "cmd/nvram_file.h"
#include "cmd/run_options.h"
#include "cmd/sandbox.h"
#include "cmd/say.h"
#include "control/debugger.h"
#include "inject/injector.h"
#include "machine/machine.h"
#include "machine/snapshot_file.h"
#include "machine/snapshot_keeper.h"
#include "control/monitor.h"

/* Exit statuses; fwnmi-run(1) lists them. */
#define EXIT_CANNOT_START 1
#define EXIT_USAGE	  2
#define EXIT_CRASHED	  3
#define EXIT_FAILED	  4
#define EXIT_REBOOT	  5

/* A reason may name two files. */
#define REASON_SIZE (2 * PATH_MAX + 256)

#define complain(...) say_error("run", __VA_ARGS__)

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

static bool may_have_threads(const struct run_options *o)
{
	if (o->machine.threads && o->machine.clock == CLOCK_INSN)
		complain("--threads many needs --clock host: the order of the vCPUs' instructions "
			 "is not repeatable");
	else if (o->machine.threads && o->machine.jit == ENGINE_JIT_CHECK)
		complain("--threads many excludes --jit check: what others may change meanwhile "
			 "cannot be executed twice");
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

/* For triggers and reports. A kernel without symbols runs as well. Opened before the sandbox. */
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

	if (!accelerator_choose(o->accel, &o->machine))
		return EXIT_CANNOT_START;
	if (!may_have_threads(o))
		return EXIT_USAGE;
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
	run_options_parse_again(o, from, argc, argv);
	return from;
}

static int start(struct run_options *o, int argc, char **argv)
{
	struct snapshot_file *from = NULL;
	int status = EXIT_CANNOT_START;

	occupy_standard_descriptors();
	say_start();
	if (o->from_snapshot)
		from = open_snapshot(o, argc, argv);
	if (from || !o->from_snapshot)
		status = run(o, from);
	say_stop(&signal_received);
	snapshot_file_close(from);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run_options options;
	int status = options_end(run_options_parse(&options, argc, argv), run_usage, EXIT_USAGE);

	if (status < 0 && options.cpu.help) {
		machine_list_cpus();
		status = EXIT_SUCCESS;
	}
	if (status < 0)
		status = start(&options, argc, argv);
	run_options_free(&options);
	return status;
}
