/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process gives up before it deals with a guest: privileges, core dumps, and every system
 * call that its remaining work does not need. docs/security.md describes the attackers.
 */
#ifndef FWNMI_CMD_SANDBOX_H
#define FWNMI_CMD_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* What the process still does, beyond memory, time and open descriptors. */
enum sandbox_needs {
	SANDBOX_CLIENTS = 1, /* accept the monitor's clients */
	SANDBOX_REMOVE = 2, /* remove the monitor's socket */
	SANDBOX_STUB = 4, /* talk to a gdb stub */
	SANDBOX_WORKERS = 16, /* fork processes that do the same, and wait for them */
	SANDBOX_KVM = 8, /* KVM virtual machines, with one thread per vCPU */
};

/**
 * sandbox_enter() - confine the process and all its threads for good
 * @command: the subcommand's name, for messages
 * @needs: flags from enum sandbox_needs
 *
 * A forbidden system call ends the process by SIGSYS, with a line on standard error that names the
 * call. Then the previous SIGSYS handler runs. Returns false with one line in @err if the host does
 * not allow it; the caller must then assume that nothing was given up.
 */
bool sandbox_enter(const char *command, unsigned needs, char *err, size_t err_size);

/**
 * sandbox_drop_capabilities() - the part that each thread must do for itself
 *
 * Needed by threads that start before sandbox_enter(); later ones have nothing to drop.
 */
void sandbox_drop_capabilities(void);

#endif
