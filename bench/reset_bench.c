/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures going back to a snapshot: a Linux guest is run until its victim is up, then again and
 * again hit by a machine check in user mode, run until it has recovered and said so, and reset.
 * Prints microseconds and pages as JSON.
 *
 * usage: reset_bench [-smp N] [-m MiB] [-rounds N] -initrd FILE KERNEL
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inject/injector.h"
#include "machine/snapshot.h"

#define REPORT	       "[Recovered]"
#define READY	       "fwnmi-guest: alive victim="
#define BOOT_STEP      1000000ull
#define STEP	       20000ull
/* Far above any normal run. */
#define BOOT_LIMIT     20000000000ull
#define RECOVERY_LIMIT 100000000ull

static char console[1 << 20];
static size_t console_length;
static const char *typed = "";
static bool ended, returned;

__attribute__((noreturn)) static void die(const char *what, const char *why)
{
	fprintf(stderr, "fwnmi: reset_bench: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e6 * (double)t.tv_sec + (double)t.tv_nsec / 1e3;
}

static void console_write(void *opaque, const void *buf, unsigned len)
{
	if (len < sizeof(console) - console_length) {
		memcpy(console + console_length, buf, len);
		console_length += len;
		console[console_length] = '\0';
	}
}

static unsigned console_read(void *opaque, void *buf, unsigned len)
{
	size_t n = strlen(typed);

	n = n < len ? n : len;
	memcpy(buf, typed, n);
	typed += n;
	return (unsigned)n;
}

static void on_ended(void *opaque, const struct injection_report *report)
{
	ended = true;
	returned = report->returned;
}

static void run_on(struct machine *machine, uint64_t insns)
{
	char why[256];

	machine_stop_at(machine, machine_insns(machine) + insns);
	if (machine_run(machine, why, sizeof(why)) != MACHINE_STOPPED)
		die("the guest ended", why);
}

static void await(struct machine *machine, const char *text)
{
	uint64_t limit = machine_insns(machine) + BOOT_LIMIT;

	while (!strstr(console, text)) {
		if (machine_insns(machine) > limit)
			die("the guest does not print", text);
		run_on(machine, BOOT_STEP);
	}
}

static void recover(struct machine *machine, struct injector *injector)
{
	struct injection_request request = {
		.mc = { .error_type = FWNMI_MC_SLB,
			.error_subtype = FWNMI_SLB_MULTIHIT,
			.severity = FWNMI_SEVERITY_ERROR_SYNC,
			.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED },
		.trigger = { .context = INJECT_USER },
	};
	uint64_t limit = machine_insns(machine) + RECOVERY_LIMIT;
	char err[256];

	ended = false;
	console[console_length = 0] = '\0';
	if (!injector_add(injector, &request, err, sizeof(err)))
		die("cannot inject", err);
	while (!ended && machine_insns(machine) < limit)
		run_on(machine, STEP);
	if (!ended || !returned)
		die("the guest does not recover", console);
	while (!strstr(console, REPORT) && machine_insns(machine) < limit)
		run_on(machine, STEP);
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_quantiles(const char *name, double *samples, unsigned count, const char *end)
{
	qsort(samples, count, sizeof(samples[0]), by_size);
	printf("\"%s\": {\"median\": %.1f, \"p99\": %.1f, \"max\": %.1f}%s", name,
	       samples[count / 2], samples[count * 99 / 100], samples[count - 1], end);
}

static void measure(struct machine *machine, struct injector *injector, unsigned rounds)
{
	double *reset = calloc(rounds, sizeof(*reset)), *pages = calloc(rounds, sizeof(*pages));
	double *run = calloc(rounds, sizeof(*run));
	struct snapshot *snapshot;
	char err[256];

	snapshot = snapshot_take(machine, err, sizeof(err));
	if (!snapshot || !reset || !pages || !run)
		die("cannot take a snapshot", err);
	for (unsigned i = 0; i < rounds; i++) {
		double started = now_us(), done;

		recover(machine, injector);
		done = now_us();
		pages[i] = (double)snapshot_reset(snapshot, err, sizeof(err));
		reset[i] = now_us() - done;
		run[i] = done - started;
		if (pages[i] < 0)
			die("cannot reset", err);
	}
	printf("{");
	print_quantiles("reset_us", reset, rounds, ", ");
	print_quantiles("pages", pages, rounds, ", ");
	print_quantiles("run_us", run, rounds, "}\n");
	snapshot_free(snapshot);
	free(reset);
	free(pages);
	free(run);
}

int main(int argc, char **argv)
{
	struct machine_config config = {
		.ram_size = 1ull << 30,
		.nr_vcpus = 1,
		.clock = CLOCK_INSN,
		.engine = &engine_power,
		.partition.bootargs = "console=hvc0 fwnmi.job=victim",
	};
	const struct injector_listener listener = { .ended = on_ended };
	struct injector *injector;
	struct machine *machine;
	unsigned rounds = 1000;
	char err[256];

	for (int i = 1; i + 1 < argc; i += 2)
		if (!strcmp(argv[i], "-smp"))
			config.nr_vcpus = (unsigned)atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "-m"))
			config.ram_size = (uint64_t)atoi(argv[i + 1]) << 20;
		else if (!strcmp(argv[i], "-rounds"))
			rounds = (unsigned)atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "-initrd"))
			config.initrd = argv[i + 1];
	config.kernel = argv[argc - 1];
	machine = machine_create(&config, err, sizeof(err));
	if (!machine)
		die("cannot create the machine", err);
	injector = injector_create(machine, err, sizeof(err));
	if (!injector)
		die("cannot inject", err);
	injector_listen(injector, &listener);
	machine_set_console(machine, console_write, console_read, NULL);
	await(machine, "fwnmi-guest: ready");
	typed = "alive?\n";
	machine_console_input(machine);
	await(machine, READY);
	measure(machine, injector, rounds);
	injector_destroy(injector);
	machine_destroy(machine);
	return EXIT_SUCCESS;
}
