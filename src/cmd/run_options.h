/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of `fwnmi run`: options with QEMU's names, one or two dashes, and the machine
 * they describe.
 */
#ifndef CMD_RUN_OPTIONS_H
#define CMD_RUN_OPTIONS_H

#include "cmd/machine_options.h"
#include "cmd/options.h"
#include "machine/machine.h"
#include "machine/snapshot_keeper.h"

#define RUN_MAX_SNAPSHOTS (SNAPSHOT_KEEPER_DIRS - 1)

/* A snapshot to be taken. */
struct planned_snapshot {
	uint64_t insns;
	const char *path;
	char *dir; /* of it */
	const char *name; /* in dir */
};

struct run_options {
	struct machine_config machine;
	const char *from_snapshot, *snapshot_dir; /* path or NULL */
	struct planned_snapshot planned[RUN_MAX_SNAPSHOTS];
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

/* What --help prints. */
extern const char run_usage[];

/** run_options_parse() - take the command line, and complain of what does not go together */
enum options_result run_options_parse(struct run_options *options, int argc, char **argv);
/** run_options_parse_again() - the same line, on top of what a snapshot's machine has */
void run_options_parse_again(struct run_options *options, const struct snapshot_file *from,
			     int argc, char **argv);
void run_options_free(struct run_options *options);

#endif
