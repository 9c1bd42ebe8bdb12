/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of a guest behind a gdb stub, which `fwnmi inject` and `fwnmi attach` share.
 */
#ifndef CMD_REMOTE_OPTIONS_H
#define CMD_REMOTE_OPTIONS_H

#include "cmd/options.h"
#include "attach/attach.h"

/*
 * Groups of options into a struct remote_options: those of both commands, and what only inject has.
 */
extern const struct command_option remote_option_table[], remote_inject_table[];

/**
 * remote_options_check() - do they go together? False: said why not. Sets what confines the
 * session.
 */
bool remote_options_check(struct remote_options *options, const char *command);

#endif
