/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of `fwnmi inject`; inject/inject_args.h defines what the options mean. */
#ifndef CMD_INJECT_OPTIONS_H
#define CMD_INJECT_OPTIONS_H

#include <stdbool.h>

#include <jansson.h>

#include "cmd/options.h"
#include "cmd/remote_options.h"

struct inject_options {
	const char *monitor, *kind;
	bool system_reset, json, no_wait;
	bool poison, heal; /* memory, instead of an event */
	bool plant, clear; /* cached translations, instead of an event */
	bool event; /* a log for the guest to fetch */
	unsigned timeout; /* seconds */
	unsigned vcpu; /* if one CPU was asked for */
	json_t *args; /* for the monitor's command */
	struct remote_options remote; /* with --gdb */
};

/* What --help prints. */
extern const char inject_usage[];

/**
 * inject_options_parse() - take the command line, and complain of what does not go together. The
 * caller owns @o->args, whatever is returned.
 */
enum options_result inject_options_parse(struct inject_options *o, int argc, char **argv);

#endif
