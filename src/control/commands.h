/* SPDX-License-Identifier: BSD-2-Clause */
/* What clients of the monitor can have done, by name. The server has checked the request's form. */
#ifndef FWNMI_CONTROL_COMMANDS_H
#define FWNMI_CONTROL_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "inject/injector.h"
#include "machine/machine.h"

struct snapshot_keeper;

/* What commands act on. */
struct command_target {
	struct machine *machine;
	struct injector *injector;
	struct snapshot_keeper *keeper; /* NULL: no snapshots */
	unsigned snapshot_dir; /* where: the keeper's number of it */
	uint64_t last_injection; /* id */
};

struct command {
	const char *name;
	/* Returns what goes into "return", or NULL with a reason in @err. */
	json_t *(*run)(struct command_target *target, json_t *args, char *err, size_t err_size);
	bool has_arguments;
};

/** command_find() - NULL if there is no such command. qmp_capabilities is the server's. */
const struct command *command_find(const char *name);
/** command_cpu_state() - what query-cpus-fast calls a vCPU's state */
const char *command_cpu_state(const struct machine *machine, unsigned vcpu);
/** command_version() - what query-version returns, and the greeting says. */
json_t *command_version(void);

#endif
