/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi test`: what becomes of somebody's kernel when it is hit. lab/campaign.h runs the cases;
 * here are the command line, the progress and the exit statuses.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fwnmi/fwnmi.h>

#include "base/content_hash.h"
#include "base/host_time.h"
#include "base/number.h"
#include "cmd/cmd.h"
#include "cmd/machine_options.h"
#include "cmd/options.h"
#include "cmd/sandbox.h"
#include "cmd/say.h"
#include "cmd/terminal.h"
#include "inject/json.h"
#include "lab/campaign.h"
#include "lab/kernel_file.h"
#include "lab/report.h"
#include "lab/scenario_file.h"
#include "lab/sweep.h"

#define EXIT_FAILED 1 /* a case, not the command */
#define EXIT_USAGE  2 /* the command: nothing can be said of the kernel */

#define DEFAULT_SUITE "quick"
#define DEFAULT_RAM   (512ull << 20)
#define PROGRESS_NS   200000000u /* between two lines of progress */
#define REASON_SIZE   (PATH_MAX + 512)

static const char usage[] =
	"Usage: fwnmi test -kernel FILE [OPTION]...\n"
	"Boot a POWER kernel with a userland of fwnmi's own, inject machine checks and system\n"
	"resets, and judge how the kernel handles each.\n"
	"\n"
	"  -kernel FILE      the kernel, a 64-bit PowerPC ELF file (vmlinux)\n"
	"  --suite NAME      quick: every kind of event in every context, in seconds; standard:\n"
	"                    also other workloads, sequences, several CPUs, early boot; sweep:\n"
	"                    at every instruction of a path (quick)\n"
	"  --only PATTERN    of these, only those whose names match a shell pattern, in which\n"
	"                    @(A|B) is one of several: '@(SLB|TLB)*/user' (all)\n"
	"  --scenarios FILE  the cases of a YAML file of your own instead of a suite's\n"
	"  -j N, -jN         processes that run cases (the number of processors)\n"
	"  --results FILE    keep results here, and go on with what is there (a file in the\n"
	"                    current directory, named after suite, kernel and options)\n"
	"  --shard I/N       run only each Nth case, from the Ith on (1/1)\n"
	"  -initrd FILE      files for the guest; its init is always fwnmi's\n"
	"  -append STRING    more words for the kernel's command line; disable_radix makes the\n"
	"                    guest translate by a hash table\n"
	"  -smp [cpus=]N     number of vCPUs (1; standard: 2); threads=, cores=, sockets= as for\n"
	"                    fwnmi run\n"
	"  -m [size=]N[M|G]  memory (512M)\n"
	"  -cpu NAME[,compat=NAME]  the processor, as for fwnmi run; help lists them (power9)\n"
	"  --interrupts xics|xive|dual  the interrupt controller, as for fwnmi run (xics)\n"
	"  --jit WHICH       translate the guest's code, as for fwnmi run: auto, off, on, force, check\n"
	"                    (auto)\n"
	"  --sandbox on|off  confine the processes that run the guest (on)\n"
	"  -h, --help        print this help\n"
	"\n"
	"For --suite sweep:\n"
	"  --path PATH       function:SYMBOL, syscall, syscall:NAME, interrupt:external,\n"
	"                    interrupt:decrementer, insns:N\n"
	"  --from TRIGGER    where the path begins, in words of fwnmi inject --at; for other paths\n"
	"                    than insns, more words for their own, such as count=3\n"
	"  --workload NAME   what the guest does: victim, syscall, fault, fork, signal, mixed,\n"
	"                    idle (one that has the path)\n"
	"  --sample K        take only K points of the path\n"
	"  --seed S          another sample (0)\n"
	"  --not-recovered   machine checks that are not recovered, too\n"
	"\n"
	"fwnmi report shows results again, also as HTML, JUnit, TAP or JSON.\n"
	"Exit status: 0 nothing failed, 1 a case failed, 2 the kernel could not be tested.\n";

struct test_options {
	const char *kernel, *initrd, *append, *suite, *scenarios, *only, *results;
	uint64_t ram_size;
	struct cpus_choice cpus; /* count 0: not given */
	struct cpu_choice cpu;
	enum papr_interrupts interrupts;
	enum engine_jit jit;
	unsigned jobs;
	unsigned shard, nr_shards;
	const char *path, *from;
	bool has_workload;
	enum lab_workload workload;
	uint64_t sample, seed;
	bool not_recovered;
	enum {
		ON,
		OFF
	} sandbox;
};

static volatile sig_atomic_t interrupted;

static int fail(const char *why)
{
	say("test: %s", why);
	return EXIT_USAGE;
}

/* ---- options ---- */

static bool set_jobs(void *into, const struct command_option *option, const char *value, char *why)
{
	uint64_t n;

	if (!number_parse(value, strlen(value), &n) || !n || n > WORKERS_MAX)
		return option_bad(why, "not a number from 1 to %d", WORKERS_MAX);
	((struct test_options *)into)->jobs = (unsigned)n;
	return true;
}

static bool set_shard(void *into, const struct command_option *option, const char *value, char *why)
{
	struct test_options *o = into;
	const char *slash = strchr(value, '/');
	uint64_t shard, count;

	if (!slash || !number_parse(value, (size_t)(slash - value), &shard) ||
	    !number_parse(slash + 1, strlen(slash + 1), &count) || !shard || shard > count ||
	    count > UINT16_MAX)
		return option_bad(why, "not I/N with I from 1 to N");
	o->shard = (unsigned)shard;
	o->nr_shards = (unsigned)count;
	return true;
}

static bool set_workload(void *into, const struct command_option *option, const char *value,
			 char *why)
{
	struct test_options *o = into;

	o->has_workload = lab_workload_parse(value, &o->workload) && o->workload != LAB_BOOT;
	return o->has_workload || option_bad(why, "not victim, syscall, fault, fork, signal, mixed "
						  "or idle");
}

static bool set_sample(void *into, const struct command_option *option, const char *value,
		       char *why)
{
	uint64_t *sample = &((struct test_options *)into)->sample;

	return (number_parse(value, strlen(value), sample) && *sample) ||
	       option_bad(why, "not a number from 1 on");
}

static bool set_seed(void *into, const struct command_option *option, const char *value, char *why)
{
	return number_parse(value, strlen(value), &((struct test_options *)into)->seed) ||
	       option_bad(why, "not a number");
}

static const char *const on_off[] = { "on", "off", NULL };

#define AT(member) .offset = offsetof(struct test_options, member)

static const struct command_option test_option_table[] = {
	{ "-kernel", OPTION_TEXT, AT(kernel) },
	{ "-initrd", OPTION_TEXT, AT(initrd) },
	{ "-append", OPTION_TEXT, AT(append) },
	{ "-m", OPTION_CALL, AT(ram_size), .set = machine_option_memory },
	{ "-smp", OPTION_CALL, AT(cpus), .set = machine_option_cpus },
	{ "-cpu", OPTION_CALL, AT(cpu), .set = machine_option_cpu },
	{ "--interrupts", OPTION_NAME, AT(interrupts), .names = machine_interrupts },
	{ "--jit", OPTION_NAME, AT(jit), .names = machine_jits },
	{ "-j", OPTION_CALL, .set = set_jobs },
	{ "--suite", OPTION_TEXT, AT(suite) },
	{ "--only", OPTION_TEXT, AT(only) },
	{ "--scenarios", OPTION_TEXT, AT(scenarios) },
	{ "--results", OPTION_TEXT, AT(results) },
	{ "--shard", OPTION_CALL, .set = set_shard },
	{ "--path", OPTION_TEXT, AT(path) },
	{ "--from", OPTION_TEXT, AT(from) },
	{ "--workload", OPTION_CALL, .set = set_workload },
	{ "--sample", OPTION_CALL, .set = set_sample },
	{ "--seed", OPTION_CALL, .set = set_seed },
	{ "--not-recovered", OPTION_FLAG, AT(not_recovered) },
	{ "--sandbox", OPTION_NAME, AT(sandbox), .names = on_off },
	{ "--help", OPTION_HELP, .letter = 'h' },
	{ NULL },
};

/* ---- progress ---- */

/* The terminal's line of progress; nothing in pipes. */
struct meter {
	bool shown;
	uint64_t next_ns;
};

static void clear_meter(struct meter *meter)
{
	if (meter->shown)
		fputs("\r\033[K", stderr);
	meter->shown = false;
}

static void show_progress(void *opaque, const struct campaign_progress *p)
{
	struct meter *meter = opaque;
	const uint64_t now = host_ns();
	double seconds, rate;

	if (now < meter->next_ns || !isatty(STDERR_FILENO))
		return;
	meter->next_ns = now + PROGRESS_NS;
	meter->shown = true;
	if (!p->started_ns || !p->done_now) {
		fprintf(stderr, "\r\033[Kbooting: %" PRIu64 " million instructions",
			p->boot_insns / 1000000);
		return;
	}
	seconds = (double)(now - p->started_ns) / 1e9;
	rate = (double)p->done_now / seconds;
	fprintf(stderr,
		"\r\033[K%" PRIu64 " of %" PRIu64 " cases, %" PRIu64
		" failed, %.0f a second, %.0f s left",
		p->done, p->total, p->failed, rate, (double)(p->total - p->done) / rate);
}

/* ---- the campaign ---- */

static bool confine(char *err, size_t err_size)
{
	return sandbox_enter("test", SANDBOX_WORKERS, err, err_size);
}

static void on_signal(int number)
{
	interrupted = number;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* What the list of a sweep's cases depends on. */
static json_t *sweep_json(const struct test_options *o)
{
	return json_pack("{s:s, s:s*, s:s*, s:I, s:b}", "path", o->path, "from", o->from,
			 "workload", o->has_workload ? lab_workload_name(o->workload) : NULL,
			 "sample", (json_int_t)o->sample, "not-recovered", (int)o->not_recovered);
}

/* All that a case depends on, beside the kernel. */
static char *options_json(const struct test_options *o, const struct kernel_identity *kernel)
{
	const struct papr_topology topology = papr_topology(o->cpus.topology, o->cpus.count);
	json_t *json = json_pack("{s:I, s:I, s:o, s:s*, s:s*, s:s*}", "smp",
				 (json_int_t)o->cpus.count, "m", (json_int_t)o->ram_size,
				 "kernel-hash", json_address(kernel->hash), "append", o->append,
				 "initrd", o->initrd, "only", o->only);
	char *text;

	/* Campaigns of POWER9 and XICS have the names that they had when there was no other. */
	if (o->cpu.compat != &cpu_model_power9 || o->cpu.cpu != &cpu_model_power9) {
		json_object_set_new(json, "cpu", json_string(o->cpu.cpu->type));
		json_object_set_new(json, "compat", json_string(o->cpu.compat->type));
	}
	if (topology.threads > 1)
		json_object_set_new(json, "threads", json_integer(topology.threads));
	if (topology.threads * topology.cores < o->cpus.count)
		json_object_set_new(json, "cores", json_integer(topology.cores));
	if (o->interrupts != PAPR_INTERRUPTS_XICS)
		json_object_set_new(json, "interrupts",
				    json_string(machine_interrupts[o->interrupts]));
	if (o->path)
		json_object_set_new(json, "sweep", sweep_json(o));
	text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(json);
	return text;
}

/*
 * In the current directory, wherever a file of scenarios is. Kernels that are built again and again
 * have the same release, so the name has whatever makes it another campaign.
 */
static char *default_results(const struct test_options *o, const struct kernel_identity *kernel)
{
	const char *slash = strrchr(o->suite, '/');
	char *options = options_json(o, kernel), *path;
	const uint64_t hash = content_hash(options, strlen(options));
	int length;

	length = asprintf(&path, "fwnmi-%.100s-%s-%08" PRIx32 ".db", slash ? slash + 1 : o->suite,
			  kernel->release[0] ? kernel->release : "unknown",
			  (uint32_t)(hash ^ hash >> 32));
	free(options);
	return length < 0 ? NULL : path;
}

/* Shows the matrix. Returns the exit status. */
static int show(const char *path)
{
	struct lab_report report = { .out = stdout };
	struct lab_totals totals = { 0 };
	char err[REASON_SIZE];
	bool good;

	report.store = lab_store_open(path, err, sizeof(err));
	report.colour = terminal_has_colours(stdout);
	report.width = terminal_width(stdout);
	good = report.store && lab_report_matrix(&report, err, sizeof(err)) &&
	       lab_report_totals(report.store, &totals, err, sizeof(err));
	lab_store_close(report.store);
	if (!good)
		return fail(err);
	printf("\nResults: %s (fwnmi report --format html makes a page of them)\n", path);
	if (fflush(stdout) || ferror(stdout))
		return fail("cannot write standard output");
	return totals.failed ? EXIT_FAILED : EXIT_SUCCESS;
}

static struct workers_config workers_config(const struct test_options *o,
					    const struct kernel_identity *kernel)
{
	return (struct workers_config){
		.guest = {
			.kernel = o->kernel,
			.big_endian = kernel->big_endian,
			.initrd = o->initrd,
			.append = o->append,
			.ram_size = o->ram_size,
			.nr_vcpus = o->cpus.count,
			.topology = o->cpus.topology,
			.cpu = o->cpu.cpu,
			.compat = o->cpu.compat,
			.interrupts = o->interrupts,
			.jit = o->jit,
			.note_code = o->path != NULL,
		},
		.count = o->jobs,
		.confine = o->sandbox == ON ? confine : NULL,
	};
}

/* Has a guest show the path that is to be swept. */
static bool make_sweep(const struct test_options *o, const struct kernel_identity *kernel,
		       struct lab_cases *cases, char *err, size_t err_size)
{
	const struct workers_config workers = workers_config(o, kernel);
	struct sweep_spec spec = { .sample = o->sample,
				   .seed = o->seed,
				   .nr_vcpus = o->cpus.count,
				   .not_recovered = o->not_recovered };

	if (!path_parse(o->path, &spec.path, err, err_size))
		return false;
	spec.path.from = o->from;
	if (o->has_workload)
		spec.path.workload = o->workload;
	return sweep_make(&workers, &spec, &interrupted, cases, err, err_size);
}

static int run_campaign(const struct test_options *o, const struct kernel_identity *kernel,
			const struct lab_cases *cases, const char *results)
{
	struct meter meter = { 0 };
	char *options = options_json(o, kernel);
	const struct campaign_config config = {
		.workers = workers_config(o, kernel),
		.about = {
			.suite = (char *)o->suite,
			.kernel = (char *)o->kernel,
			.kernel_build_id = (char *)kernel->build_id,
			.kernel_release = (char *)kernel->release,
			.fwnmi_version = (char *)FWNMI_VERSION,
			.options = options,
			.seed = o->seed,
			.nr_cases = cases->count,
			.shard = o->shard,
			.nr_shards = o->nr_shards,
		},
		.cases = cases,
		.results = results,
		.stop = &interrupted,
		.progress = show_progress,
		.opaque = &meter,
	};
	char err[REASON_SIZE];
	bool done;

	done = campaign_run(&config, err, sizeof(err));
	clear_meter(&meter);
	free(options);
	return done ? show(results) : fail(err);
}

/* Makes the list of cases. @suite: the name of scenarios, to be given to free(), or NULL */
static bool make_cases(const struct test_options *o, const struct kernel_identity *kernel,
		       struct lab_cases *cases, char **suite, char *err, size_t err_size)
{
	const bool sweep = o->suite && !strcmp(o->suite, "sweep");

	*suite = NULL;
	if (sweep && o->path)
		return make_sweep(o, kernel, cases, err, err_size);
	if (sweep || o->path) {
		snprintf(err, err_size, "--suite sweep and --path go together");
		return false;
	}
	if (o->scenarios)
		return scenario_file_read(o->scenarios, o->kernel, o->cpus.count, cases, suite, err,
					  err_size);
	return lab_suite_make(o->suite ? o->suite : DEFAULT_SUITE, o->cpus.count, cases, err,
			      err_size);
}

static int run_cases(const struct test_options *o, const struct kernel_identity *kernel,
		     const struct lab_cases *cases)
{
	char err[REASON_SIZE], *results;
	int status;

	if (!cases->count) {
		snprintf(err, sizeof(err), "no case of suite %s is named %s", o->suite, o->only);
		return fail(err);
	}
	results = o->results ? strdup(o->results) : default_results(o, kernel);
	status = results ? run_campaign(o, kernel, cases, results) : fail(strerror(ENOMEM));
	free(results);
	return status;
}

static int run(struct test_options *o)
{
	struct kernel_identity kernel;
	struct lab_cases cases;
	char err[REASON_SIZE];
	char *suite;
	int status;

	if (!o->kernel)
		return fail("no kernel given: see fwnmi test --help");
	if (o->suite && o->scenarios)
		return fail("--suite and --scenarios exclude each other");
	if (!o->cpus.count)
		o->cpus.count = o->suite && !strcmp(o->suite, "standard") ? 2 : 1;
	catch_signals();
	if (!kernel_file_identify(o->kernel, &kernel, err, sizeof(err)) ||
	    !make_cases(o, &kernel, &cases, &suite, err, sizeof(err)))
		return fail(err);
	if (!o->suite)
		o->suite = suite ? suite : DEFAULT_SUITE;
	if (o->only)
		lab_cases_select(&cases, o->only);
	status = run_cases(o, &kernel, &cases);
	free(suite);
	lab_cases_clear(&cases);
	return status;
}

static unsigned processors(void)
{
	const long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

int cmd_test(int argc, char **argv)
{
	struct test_options options = {
		.ram_size = DEFAULT_RAM,
		.cpu = { .cpu = &cpu_model_power9, .compat = &cpu_model_power9 },
		.jobs = processors(),
		.shard = 1,
		.nr_shards = 1,
	};
	const struct command_line line = {
		.command = "test",
		.groups = { { test_option_table, &options } },
	};
	int status = options_end(options_parse(&line, argc, argv), usage, EXIT_USAGE);

	if (status >= 0)
		return status;
	if (options.cpu.help) {
		machine_list_cpus();
		return EXIT_SUCCESS;
	}
	return run(&options);
}
