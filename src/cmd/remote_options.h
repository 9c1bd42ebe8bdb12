/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of a guest behind a gdb stub, which `fwnmi inject` and `fwnmi attach` share.
 */
#ifndef CMD_REMOTE_OPTIONS_H
#define CMD_REMOTE_OPTIONS_H

#include "remote/remote.h"

enum option_taken {
	OPTION_BAD = -1, /* and said so */
	OPTION_UNKNOWN = 0,
	OPTION_TAKEN = 1,
};

/**
 * remote_option() - take argv[*i], and its value, if it is one of these
 * @command: whose errors they are
 * @inject: also the options that only an injection has
 */
enum option_taken remote_option(struct remote_options *options, const char *command, bool inject,
				int argc, char **argv, int *i);

/** remote_options_check() - do they go together? False: said why not. */
bool remote_options_check(const struct remote_options *options, const char *command);

#endif
