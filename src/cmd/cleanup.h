/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must not outlive the process, however it ends: the terminal's raw mode and the monitor's
 * socket.
 */
#ifndef CMD_CLEANUP_H
#define CMD_CLEANUP_H

#include <stdbool.h>

struct monitor;

/**
 * cleanup_raw_terminal() - put the terminal on standard input into raw mode until cleanup; false if
 * it is not a terminal.
 */
bool cleanup_raw_terminal(void);
/** cleanup_terminal() - end raw mode, if there is one. */
void cleanup_terminal(void);
/** cleanup_watch_monitor() - remove this monitor's socket at cleanup; NULL: no longer. */
void cleanup_watch_monitor(const struct monitor *monitor);
/**
 * cleanup_now() - end raw mode and remove the socket. Async-signal-safe, for handlers that end the
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
