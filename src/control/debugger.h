/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A debugger for the guest: the machine behind a gdb stub's protocol (gdb/stub.h). One debugger at
 * a time. What the guest does is the same as without, but for what the debugger changes.
 */
#ifndef FWNMI_CONTROL_DEBUGGER_H
#define FWNMI_CONTROL_DEBUGGER_H

#include <stdbool.h>
#include <stddef.h>

#include "control/listener.h"

struct debugger;
struct machine;

/** debugger_where_is_valid() - "tcp:[HOST]:PORT", "unix:PATH"; false: @why says what is wrong */
bool debugger_where_is_valid(const char *where, char *why, size_t why_size);
/**
 * debugger_open() - listen for a debugger and become a client of the machine, and a hook
 *
 * A debugger that connects stops the machine. If the connection is lost the machine stays as it is,
 * without breakpoints.
 *
 * returns: NULL with one line in @err: the engine can't stop at instructions, or as listener.h
 */
struct debugger *debugger_open(const char *where, struct machine *machine, char *err,
			       size_t err_size);
/** debugger_ends_machine() - when the debugger has left, the machine ends. */
void debugger_ends_machine(struct debugger *debugger);
void debugger_close(struct debugger *debugger);
/** debugger_listener() - for listener_remove() in a signal handler */
const struct listener *debugger_listener(const struct debugger *debugger);
/** debugger_target() - what gdb's "target remote" takes: ":1234" or a path */
void debugger_target(const struct debugger *debugger, char *text, size_t size);

#endif
