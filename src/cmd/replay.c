/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi replay`: one case of a campaign again, told in full. The same kernel, the same userland
 * and the same machine make the same run, to the instruction.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fwnmi/fwnmi.h>

#include "base/number.h"
#include "base/text.h"
#include "cmd/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/machine_options.h"
#include "cmd/options.h"
#include "cmd/sandbox.h"
#include "cmd/say.h"
#include "control/debugger.h"
#include "lab/evidence.h"
#include "lab/kernel_file.h"
#include "lab/lab_guest.h"
#include "lab/store.h"
#include "lab/verdict.h"
#include "machine/snapshot_keeper.h"

#define EXIT_DIFFERS 1 /* the run differs from the recorded one, or its case failed */
#define EXIT_USAGE   2
#define REASON_SIZE  (PATH_MAX + 512)

static const char usage[] =
	"Usage: fwnmi replay [OPTION]... RESULTS CASE\n"
	"Run one case of fwnmi test again, to the same instruction, and print all there is to see:\n"
	"registers, console, verdict. CASE is its number or name: ROW/COLUMN of the matrix.\n"
	"\n"
	"  -kernel FILE        the kernel, if it is not where it was\n"
	"  --stop-at-delivery  stop when the event has been delivered, and wait for a debugger\n"
	"  -gdb WHERE          where: tcp:[HOST]:PORT or unix:PATH (tcp::0, a free port)\n"
	"  --snapshot FILE     save that moment, for fwnmi run --from-snapshot\n"
	"  --jit WHICH         translate the guest's code, as for fwnmi run: auto, off, on, force,\n"
	"                      check (auto)\n"
	"  --sandbox on|off    confine the process before it runs the guest (on)\n"
	"  -h, --help          print this help\n"
	"\n"
	"Exit status: 0 as recorded, and passed, or stopped at the delivery; 1 failed, not as\n"
	"recorded, or not delivered; 2 it cannot be run.\n";

struct replay_options {
	const char *kernel, *results, *name;
	bool stop_at_delivery;
	const char *debugger; /* where, or NULL */
	const char *snapshot; /* path or NULL */
	enum engine_jit jit;
	enum {
		ON,
		OFF
	} sandbox;
};

static int fail(const char *why)
{
	say("replay: %s", why);
	return EXIT_USAGE;
}

/* ---- the case ---- */

/* What the results say. They are closed before the guest runs: a confined process cannot. */
struct recorded {
	char *kernel, *version, *options; /* of the campaign */
	struct lab_result result;
};

static void clear_recorded(struct recorded *recorded)
{
	free(recorded->kernel);
	free(recorded->version);
	free(recorded->options);
	lab_result_clear(&recorded->result);
}

struct search {
	const char *name;
	uint64_t number;
	bool found;
};

static bool compare_name(void *opaque, const struct lab_result *result)
{
	struct search *search = opaque;

	if (strcmp(result->name, search->name))
		return true;
	search->number = result->number;
	search->found = true;
	return false;
}

static bool find_case(struct lab_store *store, const char *name, struct lab_result *result,
		      char *err, size_t err_size)
{
	struct search search = { .name = name };

	if (number_parse(name, strlen(name), &search.number))
		return lab_store_get(store, search.number, result, err, err_size);
	if (!lab_store_each(store, compare_name, &search, err, err_size))
		return false;
	if (search.found)
		return lab_store_get(store, search.number, result, err, err_size);
	snprintf(err, err_size, "no case %s: fwnmi report --format json lists them", name);
	return false;
}

static unsigned number_of(const json_t *options, const char *key)
{
	return (unsigned)json_integer_value(json_object_get(options, key));
}

/* Results of POWER9 don't name it. */
static const struct cpu_model *model_of(const json_t *options, const char *key)
{
	const char *type = json_string_value(json_object_get(options, key));

	return type ? cpu_model_named(type) : cpu_model_or_default(NULL);
}

/* Nor do results of XICS. */
static enum papr_interrupts interrupts_of(const json_t *options)
{
	const char *name = json_string_value(json_object_get(options, "interrupts"));
	enum papr_interrupts interrupts = PAPR_INTERRUPTS_XICS;

	if (name)
		machine_interrupts_named(name, &interrupts);
	return interrupts;
}

/* What the campaign was run with. */
static bool configure(const struct replay_options *o, const struct recorded *recorded,
		      const json_t *options, struct lab_guest_config *config, char *err,
		      size_t err_size)
{
	const char *hash = json_string_value(json_object_get(options, "kernel-hash"));
	struct kernel_identity kernel;
	uint64_t hash_then;

	*config = (struct lab_guest_config){
		.kernel = o->kernel ? o->kernel : recorded->kernel,
		.initrd = json_string_value(json_object_get(options, "initrd")),
		.append = json_string_value(json_object_get(options, "append")),
		.ram_size = (uint64_t)json_integer_value(json_object_get(options, "m")),
		.nr_vcpus = number_of(options, "smp"),
		.topology = { .threads = number_of(options, "threads"),
			      .cores = number_of(options, "cores") },
		.cpu = model_of(options, "cpu"),
		.compat = model_of(options, "compat"),
		.interrupts = interrupts_of(options),
		.jit = o->jit,
	};
	if (strcmp(recorded->version, FWNMI_VERSION)) {
		snprintf(err, err_size, "the results are of fwnmi %s, this is " FWNMI_VERSION,
			 recorded->version);
		return false;
	}
	if (!kernel_file_identify(config->kernel, &kernel, err, err_size))
		return false;
	config->big_endian = kernel.big_endian;
	if (hash && number_parse(hash, strlen(hash), &hash_then) && hash_then == kernel.hash)
		return true;
	snprintf(err, err_size, "%s is not the kernel of these results", config->kernel);
	return false;
}

/* ---- what is told ---- */

static void print_console(const char *console, size_t length)
{
	for (const char *line = console; line < console + length;) {
		const size_t rest = (size_t)(console + length - line);
		const char *end = memchr(line, '\n', rest);
		const size_t n = end ? (size_t)(end - line) : rest;
		char text[512], shown[4 * sizeof(text)];

		snprintf(text, sizeof(text), "%.*s", (int)n, line);
		if (n && text[strlen(text) - 1] == '\r')
			text[strlen(text) - 1] = '\0';
		printf("  | %s\n", text_printable(shown, sizeof(shown), text));
		line += n + 1;
	}
}

static void print_registers(const char *title, const struct engine_regs *regs)
{
	printf("  %s: nip 0x%016" PRIx64 " msr 0x%016" PRIx64 " lr 0x%016" PRIx64 "\n", title,
	       regs->nip, regs->msr, regs->lr);
	for (unsigned i = 0; i < 32; i += 4)
		printf("    r%-2u 0x%016" PRIx64 " 0x%016" PRIx64 " 0x%016" PRIx64 " 0x%016" PRIx64
		       "\n",
		       i, regs->gpr[i], regs->gpr[i + 1], regs->gpr[i + 2], regs->gpr[i + 3]);
}

/* @stopped: the run ended at the last event, before the kernel's routine */
static void print_seen(const struct lab_observation *seen, bool stopped)
{
	for (unsigned i = 0; i < seen->nr_hits; i++) {
		const struct lab_hit *hit = &seen->hits[i];

		printf("Event %u: CPU %u, %" PRIu64 " instructions into the run%s%s\n", i + 1,
		       hit->report.vcpu, hit->insns, hit->place[0] ? ", at " : "", hit->place);
		print_registers("interrupted", &hit->before);
		if (hit->came_back)
			print_registers("returned to", &hit->after);
		else if (stopped && i + 1 == seen->nr_hits)
			puts("  stopped here, before the first instruction of the kernel's routine");
		else
			puts("  the interrupted code did not go on");
	}
	puts("At the end:");
	for (unsigned i = 0; i < seen->nr_vcpus; i++)
		printf("  CPU %u: nip 0x%016" PRIx64 " lr 0x%016" PRIx64 " msr 0x%016" PRIx64 "\n",
		       i, seen->positions[i].nip, seen->positions[i].lr, seen->positions[i].msr);
	puts("Console:");
	print_console(seen->console, seen->console_length);
}

static int judge(const struct lab_case *c, const struct lab_observation *seen,
		 const struct lab_result *recorded)
{
	struct lab_judgement judgement;
	bool same;

	lab_judge(c, seen, &judgement);
	same = judgement.verdict == recorded->verdict && seen->insns == recorded->insns;
	printf("Verdict: %s, %s: %s\n", lab_verdict_name(judgement.verdict),
	       judgement.passed ? "passed" : "FAILED", judgement.why);
	if (judgement.rule)
		printf("Rule: %s. %s (%s)\n", judgement.rule->name, judgement.rule->law,
		       judgement.rule->source);
	printf("Instructions: %" PRIu64 ", %s\n", seen->insns,
	       same ? "as recorded" : "NOT as recorded");
	if (!same)
		printf("Recorded: %s, %" PRIu64 " instructions\n",
		       lab_verdict_name(recorded->verdict), recorded->insns);
	return same && judgement.passed ? EXIT_SUCCESS : EXIT_DIFFERS;
}

/* ---- the run ---- */

static bool confine(const struct replay_options *o, char *err, size_t err_size)
{
	unsigned needs = SANDBOX_WORKERS;

	if (o->stop_at_delivery)
		needs |= SANDBOX_CLIENTS | SANDBOX_REMOVE;
	return o->sandbox == OFF || sandbox_enter("replay", needs, err, err_size);
}

/* Only the keeper can make a file once this process is confined. False: @err says why. */
static bool start_keeper(const struct replay_options *o, struct snapshot_keeper **keeper, char *err,
			 size_t err_size)
{
	const char *slash = o->snapshot ? strrchr(o->snapshot, '/') : NULL;
	char *dir;

	*keeper = NULL;
	if (!o->snapshot)
		return true;
	dir = slash ? strndup(o->snapshot, (size_t)(slash + 1 - o->snapshot)) : strdup(".");
	if (dir)
		*keeper = snapshot_keeper_start((const char *const[]){ dir }, 1, err, err_size);
	else
		snprintf(err, err_size, "out of memory");
	free(dir);
	return *keeper;
}

static void write_console(void *opaque, const void *buf, unsigned length)
{
	fwrite(buf, 1, length, stdout);
	fflush(stdout);
}

static unsigned read_nothing(void *opaque, void *buf, unsigned length)
{
	return 0;
}

/*
 * The guest is the debugger's until that leaves. In real mode, where Linux's first instructions for
 * a machine check are, the kernel is at its link address without the top bits: so gdb gets its
 * symbols twice.
 */
static void debug(const char *kernel, struct machine *machine, struct debugger *debugger)
{
	char target[PATH_MAX], why[256];

	debugger_target(debugger, target, sizeof(target));
	printf("Stopped. For a debugger:\n  gdb-multiarch '%s' -ex 'add-symbol-file %s -o "
	       "0x4000000000000000' -ex 'target remote %s'\n",
	       kernel, kernel, target);
	fflush(stdout);
	machine_set_console(machine, write_console, read_nothing, NULL);
	machine_stop_at(machine, ENGINE_NO_STOP);
	machine_pause(machine, true);
	debugger_ends_machine(debugger);
	while (machine_run(machine, why, sizeof(why)) == MACHINE_STOPPED)
		;
	if (*why)
		say("replay: %s", why);
}

static bool save(const struct replay_options *o, struct machine *machine,
		 struct snapshot_keeper *keeper, char *err, size_t err_size)
{
	const char *slash = strrchr(o->snapshot, '/');

	if (snapshot_keeper_save(keeper, 0, slash ? slash + 1 : o->snapshot, machine, err,
				 err_size) < 0)
		return false;
	printf("Saved: fwnmi run --from-snapshot %s goes on from here\n", o->snapshot);
	return true;
}

/* The last step's event has been delivered; or it has not. */
static int stop(const struct replay_options *o, const char *kernel, struct machine *machine,
		struct snapshot_keeper *keeper, struct debugger *debugger,
		const struct lab_observation *seen)
{
	char err[REASON_SIZE];

	if (seen->end != LAB_END_DONE) {
		puts("The last event was not delivered.");
		return EXIT_DIFFERS;
	}
	if (keeper && !save(o, machine, keeper, err, sizeof(err)))
		return fail(err);
	if (debugger)
		debug(kernel, machine, debugger);
	return EXIT_SUCCESS;
}

/* True if there is none to wait for. False: @err says why. */
static bool open_debugger(const struct replay_options *o, struct lab_guest *guest,
			  struct debugger **debugger, char *err, size_t err_size)
{
	if (!o->stop_at_delivery)
		return true;
	*debugger = debugger_open(o->debugger ? o->debugger : "tcp::0", lab_guest_machine(guest),
				  err, err_size);
	if (!*debugger)
		return false;
	cleanup_on_signals();
	cleanup_watch_socket(debugger_listener(*debugger));
	return true;
}

/* Brings the guest to the end of the case. False: @err says why. */
static bool run_case(const struct replay_options *o, struct lab_guest *guest,
		     const struct lab_case *c, struct lab_observation *seen, char *err,
		     size_t err_size)
{
	return confine(o, err, err_size) &&
	       lab_guest_boot(guest, c->workload == LAB_BOOT ? LAB_REGISTERED : LAB_READY, err,
			      err_size) &&
	       lab_guest_start(guest, c->workload, err, err_size) &&
	       lab_guest_run(guest, c, o->stop_at_delivery || o->snapshot, seen, err, err_size);
}

static int replay(const struct replay_options *o, const struct lab_guest_config *config,
		  const struct lab_case *c, const struct lab_result *recorded)
{
	const bool stops = o->stop_at_delivery || o->snapshot;
	struct debugger *debugger = NULL;
	struct snapshot_keeper *keeper;
	struct lab_guest *guest = NULL;
	struct lab_observation seen;
	char err[REASON_SIZE];
	int status;

	if (start_keeper(o, &keeper, err, sizeof(err)) &&
	    (guest = lab_guest_create(config, err, sizeof(err))) &&
	    open_debugger(o, guest, &debugger, err, sizeof(err)) &&
	    run_case(o, guest, c, &seen, err, sizeof(err))) {
		printf("Case %" PRIu64 ": %s\n", c->number, c->name);
		print_seen(&seen, stops && seen.end == LAB_END_DONE);
		if (stops)
			status = stop(o, config->kernel, lab_guest_machine(guest), keeper, debugger,
				      &seen);
		else
			status = judge(c, &seen, recorded);
		lab_observation_clear(&seen);
	} else {
		status = fail(err);
	}
	cleanup_watch_socket(NULL);
	debugger_close(debugger);
	lab_guest_destroy(guest);
	snapshot_keeper_stop(keeper);
	return status;
}

static int replay_recorded(const struct replay_options *o, const struct recorded *recorded)
{
	json_t *options = json_loads(recorded->options, 0, NULL);
	json_t *json = json_loads(recorded->result.case_json, 0, NULL);
	struct lab_guest_config config;
	char err[REASON_SIZE];
	struct lab_case c;
	int status;

	if (lab_case_parse(json, &c, err, sizeof(err))) {
		status = configure(o, recorded, options, &config, err, sizeof(err)) ?
				 replay(o, &config, &c, &recorded->result) :
				 fail(err);
		lab_case_clear(&c);
	} else {
		status = fail(err);
	}
	json_decref(options);
	json_decref(json);
	return status;
}

static bool read_results(const struct replay_options *o, struct recorded *recorded, char *err,
			 size_t err_size)
{
	struct lab_store *store = lab_store_open(o->results, err, err_size);
	const struct lab_campaign *campaign;
	bool good;

	*recorded = (struct recorded){ 0 };
	if (!store)
		return false;
	good = find_case(store, o->name, &recorded->result, err, err_size);
	if (good) {
		campaign = lab_store_campaign(store);
		recorded->kernel = strdup(campaign->kernel);
		recorded->version = strdup(campaign->fwnmi_version);
		recorded->options = strdup(campaign->options);
		good = recorded->kernel && recorded->version && recorded->options;
		if (!good)
			snprintf(err, err_size, "out of memory");
	}
	lab_store_close(store);
	return good;
}

static int run(const struct replay_options *o)
{
	struct recorded recorded;
	char err[REASON_SIZE];
	int status;

	if (o->debugger && !o->stop_at_delivery)
		return fail("-gdb is for --stop-at-delivery");
	if (!o->results || !o->name)
		return fail("results and a case are needed: see fwnmi replay --help");
	status = read_results(o, &recorded, err, sizeof(err)) ? replay_recorded(o, &recorded) :
								fail(err);
	clear_recorded(&recorded);
	return status;
}

/* ---- the command line ---- */

static bool add_argument(void *into, const char *value, char *why)
{
	struct replay_options *o = into;

	if (!o->results)
		o->results = value;
	else if (!o->name)
		o->name = value;
	else
		return option_bad(why, "one case at a time");
	return true;
}

static const char *const on_off[] = { "on", "off", NULL };

#define AT(member) .offset = offsetof(struct replay_options, member)

static const struct command_option replay_option_table[] = {
	{ "-kernel", OPTION_TEXT, AT(kernel) },
	{ "--stop-at-delivery", OPTION_FLAG, AT(stop_at_delivery) },
	{ "-gdb", OPTION_CALL, AT(debugger), .set = machine_option_debugger },
	{ "--snapshot", OPTION_TEXT, AT(snapshot) },
	{ "--jit", OPTION_NAME, AT(jit), .names = machine_jits },
	{ "--sandbox", OPTION_NAME, AT(sandbox), .names = on_off },
	{ "--help", OPTION_HELP, .letter = 'h' },
	{ NULL },
};

int cmd_replay(int argc, char **argv)
{
	struct replay_options options = { 0 };
	const struct command_line line = {
		.command = "replay",
		.groups = { { replay_option_table, &options } },
		.argument = add_argument,
		.into = &options,
	};
	int status = options_end(options_parse(&line, argc, argv), usage, EXIT_USAGE);

	if (status >= 0)
		return status;
	return run(&options);
}
