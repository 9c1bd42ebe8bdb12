/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measures libfwnmi's calls without a guest, on a host whose memory and registers are arrays.
 * Prints nanoseconds per call as JSON: the median of many batches, and the fastest batch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fwnmi/fwnmi.h>
#include <fwnmi/mce.h>

enum {
	NR_CPUS = 4,
	MEMORY_SIZE = 1 << 20,
	RTAS_BASE = 0x80000,
	RTAS_SIZE = 0x10000,
	BATCHES = 401,
	BATCH = 500,
};

struct host {
	struct fwnmi *f;
	struct fwnmi_regs regs[NR_CPUS];
	uint8_t memory[MEMORY_SIZE];
};

static int read_memory(void *opaque, uint64_t address, void *buf, size_t len)
{
	if (address > MEMORY_SIZE - len)
		return -1;
	memcpy(buf, ((struct host *)opaque)->memory + address, len);
	return 0;
}

static void kick(void *opaque, unsigned cpu)
{
	(void)opaque;
	(void)cpu;
}

static const struct fwnmi_ops ops = {
	.read_memory = read_memory,
	.kick = kick,
};

static const struct fwnmi_machine_check mc = {
	.error_type = FWNMI_MC_UE,
	.error_subtype = FWNMI_UE_LOAD_STORE,
	.severity = FWNMI_SEVERITY_ERROR_SYNC,
	.disposition = FWNMI_DISPOSITION_NOT_RECOVERED,
	.transient = true,
	.effective_address_valid = true,
	.logical_address_valid = true,
};

static void expect(int got, int wanted)
{
	if (got == wanted)
		return;
	fprintf(stderr, "fwnmi: lib_bench: %d instead of %d\n", got, wanted);
	exit(EXIT_FAILURE);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

/* What a host does with an event: it makes the call and carries out the outcome. */
static void carry_out(struct host *host, unsigned cpu, int err, const struct fwnmi_outcome *outcome)
{
	expect(err, 0);
	expect(outcome->result, FWNMI_DELIVERED);
	memcpy(host->memory + outcome->write.address, outcome->write.bytes, outcome->write.length);
	host->regs[cpu] = outcome->regs;
}

static void report(struct host *host, unsigned cpu)
{
	struct fwnmi_outcome outcome;
	int err = fwnmi_machine_check(host->f, cpu, &host->regs[cpu], &mc, &outcome);

	carry_out(host, cpu, err, &outcome);
}

static void reset(struct host *host, unsigned cpu)
{
	struct fwnmi_outcome outcome;
	int err = fwnmi_system_reset(host->f, cpu, &host->regs[cpu], &outcome);

	carry_out(host, cpu, err, &outcome);
}

/* One batch of each call; only the part between the two clock readings counts. */

static double machine_check(struct host *host)
{
	double spent = 0;

	for (unsigned i = 0; i < BATCH; i++) {
		double start = now_ns();

		report(host, i % NR_CPUS);
		spent += now_ns() - start;
		expect(fwnmi_interlock(host->f, i % NR_CPUS), FWNMI_RELEASED);
	}
	return spent;
}

static double machine_check_and_interlock(struct host *host)
{
	double start = now_ns();

	for (unsigned i = 0; i < BATCH; i++) {
		report(host, i % NR_CPUS);
		expect(fwnmi_interlock(host->f, i % NR_CPUS), FWNMI_RELEASED);
	}
	return now_ns() - start;
}

static double system_reset(struct host *host)
{
	double start = now_ns();

	for (unsigned i = 0; i < BATCH; i++)
		reset(host, i % NR_CPUS);
	return now_ns() - start;
}

static double analyse(struct host *host)
{
	struct fwnmi_machine_check described;
	double start = now_ns();

	(void)host;
	for (unsigned i = 0; i < BATCH; i++)
		expect(fwnmi_mce_analyse(FWNMI_PVR_POWER9 << 16, FWNMI_DISPOSITION_NOT_RECOVERED, i,
					 0x200000, 8u << i % 13, i, &described),
		       0);
	return now_ns() - start;
}

static double clock_alone(struct host *host)
{
	double spent = 0;

	(void)host;
	for (unsigned i = 0; i < BATCH; i++) {
		double start = now_ns();

		spent += now_ns() - start;
	}
	return spent;
}

static int compare(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return (difference > 0) - (difference < 0);
}

static void measure(struct host *host, const char *name, double (*batch)(struct host *host))
{
	double ns[BATCHES];

	batch(host); /* to warm up */
	for (unsigned i = 0; i < BATCHES; i++)
		ns[i] = batch(host) / BATCH;
	qsort(ns, BATCHES, sizeof(ns[0]), compare);
	printf("  \"%s\": { \"median_ns\": %.1f, \"fastest_ns\": %.1f },\n", name, ns[BATCHES / 2],
	       ns[0]);
}

int main(void)
{
	const struct fwnmi_config config = {
		.nr_cpus = NR_CPUS,
		.rtas_base = RTAS_BASE,
		.rtas_size = RTAS_SIZE,
	};
	struct host *host = calloc(1, sizeof(*host));

	if (!host || !(host->f = malloc(fwnmi_sizeof(&config)))) {
		fprintf(stderr, "fwnmi: lib_bench: no memory\n");
		return EXIT_FAILURE;
	}
	expect(fwnmi_init(host->f, fwnmi_sizeof(&config), &ops, host, &config), 0);
	expect(fwnmi_register(host->f, 0, 0x1900, 0x2000), 0);
	printf("{\n");
	/* Includes one reading of the clock per call; "clock" shows how much that is. */
	measure(host, "machine_check", machine_check);
	measure(host, "clock", clock_alone);
	measure(host, "machine_check_and_interlock", machine_check_and_interlock);
	measure(host, "system_reset", system_reset);
	measure(host, "analyse", analyse);
	printf("  \"calls\": %d\n}\n", BATCHES * BATCH);
	free(host->f);
	free(host);
	return EXIT_SUCCESS;
}
