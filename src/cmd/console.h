/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's end of the partition's virtual terminal: the terminal, a pipe, a file or nothing
 * (-serial).
 */
#ifndef CMD_CONSOLE_H
#define CMD_CONSOLE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct console;
struct machine;

/**
 * console_open() - prepare the place that -serial names
 * @spec: "stdio", "null" or "file:PATH"
 *
 * With stdio, a terminal on standard input is put into raw mode by console_attach() and put back by
 * console_close(), at exit, and on the signals that end or stop the process. In it Ctrl-a is the
 * escape key: Ctrl-a x ends the machine, Ctrl-a h helps, Ctrl-a Ctrl-a is Ctrl-a. A pipe or file is
 * passed on as it is.
 *
 * Returns NULL with a one-line reason in @err: unknown kind, file cannot be opened.
 */
struct console *console_open(const char *spec, char *err, size_t err_size);
/**
 * console_attach() - connect to a machine, before machine_run(); false when it has too many
 * clients.
 */
bool console_attach(struct console *console, struct machine *machine);
/**
 * console_close() - send what is left and restore the terminal; NULL is allowed
 * @hurry: not zero once a signal has come that ends the process
 *
 * Waits as long as the reader reads, and 10 seconds for one that does not; when in a hurry, a tenth
 * of a second. What has not been read by then is counted in a line.
 */
void console_close(struct console *console, const volatile sig_atomic_t *hurry);

#endif
