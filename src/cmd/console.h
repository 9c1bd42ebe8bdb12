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
 * With stdio, console_attach() puts a terminal on standard input into raw mode. It is restored by
 * console_close(), at exit, and on signals that end or stop the process. Ctrl-a is then the escape
 * key: Ctrl-a x ends the machine, Ctrl-a h shows help, Ctrl-a Ctrl-a sends Ctrl-a. Input from a
 * pipe or file is passed on unchanged.
 *
 * Returns NULL with a one-line reason in @err: unknown kind, file cannot be opened.
 */
struct console *console_open(const char *spec, char *err, size_t err_size);
/**
 * console_attach() - connect to a machine, before machine_run(); false if it has too many clients.
 */
bool console_attach(struct console *console, struct machine *machine);
/**
 * console_close() - send what is left and restore the terminal; NULL is allowed
 * @hurry: nonzero once a signal that ends the process has come
 *
 * Waits as long as the reader keeps reading, and 10 seconds for one that does not, or a tenth of a
 * second if in a hurry. Reports in one line how many bytes were not read by then.
 */
void console_close(struct console *console, const volatile sig_atomic_t *hurry);

#endif
