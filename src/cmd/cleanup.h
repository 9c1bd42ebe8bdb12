/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must not outlive the process, however it ends: the terminal's raw mode and the files
 * of sockets.
 */
#ifndef CMD_CLEANUP_H
#define CMD_CLEANUP_H

#include <stdbool.h>

#define CLEANUP_MAX_SOCKETS 2 /* the monitor's and the debugger's */

struct listener;

/**
 * cleanup_raw_terminal() - put the terminal on standard input into raw mode until cleanup; false if
 * it is not a terminal.
 */
bool cleanup_raw_terminal(void);
/** cleanup_terminal() - end raw mode, if there is one. */
void cleanup_terminal(void);
/**
 * cleanup_watch_socket() - remove this socket's file at cleanup, too; NULL: no socket's any longer.
 * At most CLEANUP_MAX_SOCKETS.
 */
void cleanup_watch_socket(const struct listener *listener);
/**
 * cleanup_now() - end raw mode and remove the sockets. Async-signal-safe, for handlers that end the
 * process.
 */
void cleanup_now(void);
/**
 * cleanup_on_signals() - clean up on every signal that would end the process, then let it end
 *
 * Signals that already have a handler, or are ignored, are left alone.
 */
void cleanup_on_signals(void);

#endif
