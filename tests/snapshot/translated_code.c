/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of translated code when a machine goes back to its snapshot: nothing, so what a case
 * of the lab has translated serves the next ones. Speaks TAP.
 *
 * usage: translated_code [-smp N] [-m MiB] [-append ARGS] [-at INSNS] [-until INSNS] KERNEL
 *
 * The snapshot is taken at instruction AT; the machine runs on from there to instruction UNTIL,
 * again and again. Between them, the kernel changes no code.
 */
#include "engine/emu/jit/jit.h"
#include "engine/emu/private.h"
#include "machine/snapshot.h"

#include "machine_options.h"

#define LAPS 3

static struct engine_ops ops; /* the embedded engine's, but for create() */
static struct power_engine *engine; /* of the machine */
static uint64_t at, until;

static struct engine *create(const struct engine_config *with, char *err, size_t err_size)
{
	struct engine *created = engine_power.create(with, err, err_size);

	engine = (struct power_engine *)created;
	return created;
}

static uint64_t nr_translated(void)
{
	struct jit_figures figures;

	jit_figures(engine->jit, &figures);
	if (figures.evicted)
		die("the kernel has too much code", config.kernel);
	return figures.blocks;
}

static void swallow(void *opaque, const void *buf, unsigned len)
{
}

static void run_to(struct machine *machine, uint64_t insns)
{
	char why[256] = "it ended before that";

	machine_stop_at(machine, insns);
	if (machine_run(machine, why, sizeof(why)) != MACHINE_STOPPED)
		die("cannot run the machine", why);
}

static bool option(const char *name, const char *value)
{
	return is_number(name, value, "-at", &at) || is_number(name, value, "-until", &until);
}

int main(int argc, char **argv)
{
	uint64_t before, first_lap;
	struct snapshot *snapshot;
	struct machine *machine;
	bool stays = true;
	char err[256];

	ops = engine_power;
	ops.create = create;
	config.engine = &ops;
	config.jit = ENGINE_JIT_FORCE;
	take_options(argc, argv, option);
	machine = machine_create(&config, err, sizeof(err));
	if (!machine)
		die("cannot create the machine", err);
	machine_set_console(machine, swallow, NULL, NULL);
	run_to(machine, at);
	before = nr_translated();
	snapshot = snapshot_take(machine, err, sizeof(err));
	if (!snapshot)
		die("cannot take a snapshot", err);
	run_to(machine, until);
	first_lap = nr_translated();
	ok(before && first_lap > before, "code_is_translated_before_and_after_the_snapshot");
	for (unsigned i = 0; i < LAPS; i++) {
		if (snapshot_reset(snapshot, err, sizeof(err)) < 0)
			die("cannot reset", err);
		run_to(machine, until);
		printf("# %llu blocks before the snapshot, %llu after it, %llu in another lap\n",
		       (unsigned long long)before, (unsigned long long)(first_lap - before),
		       (unsigned long long)(nr_translated() - first_lap));
		stays &= nr_translated() == first_lap;
	}
	ok(stays, "what_was_translated_stays_when_a_machine_goes_back_to_its_snapshot");
	printf("1..%u\n", nr_tests);
	snapshot_free(snapshot);
	machine_destroy(machine);
	return failed;
}
