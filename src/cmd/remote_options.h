/* SPDX-License-Identifier: BSD-2-Clause */
/* The options for a guest behind a gdb stub, shared by `fwnmi inject` and `fwnmi attach`. */
#ifndef CMD_REMOTE_OPTIONS_H
#define CMD_REMOTE_OPTIONS_H

#include "cmd/options.h"
#include "attach/session.h"

/*
 * Option groups that fill a struct remote_options: those of both commands, and those of inject
 * only.
 */
extern const struct command_option remote_option_table[], remote_inject_table[];

/**
 * remote_options_check() - do the options go together? False: the error was printed. Also sets what
 * confines the session.
 */
bool remote_options_check(struct remote_options *options, const char *command);

#endif
