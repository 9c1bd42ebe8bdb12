/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a process gives up before it deals with a guest: privileges, core dumps, and every system
 * call that what is left to do does not need. docs/security.md says against whom.
 */
#ifndef FWNMI_CMD_SANDBOX_H
#define FWNMI_CMD_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* What is left to do beyond memory, time and the descriptors that are open. */
enum sandbox_needs {
	SANDBOX_CLIENTS = 1, /* accept the monitor's clients */
	SANDBOX_REMOVE = 2, /* remove the monitor's socket */
	SANDBOX_STUB = 4, /* talk to a gdb stub */
	SANDBOX_KVM = 8, /* virtual machines of KVM, with a thread a vCPU */
};

/**
 * sandbox_enter() - confine the process, with all its threads, for good
 * @command: the subcommand's name, for messages
 * @needs: of enum sandbox_needs
 *
 * A forbidden system call ends the process by SIGSYS, with a line on standard error that names it.
 * The handler that SIGSYS had before comes last. Returns false with one line in @err if the host
 * does not let us; nothing may then be thought to have been given up.
 */
bool sandbox_enter(const char *command, unsigned needs, char *err, size_t err_size);

/**
 * sandbox_drop_capabilities() - the part of it that each thread has to do for itself
 *
 * For threads that begin before sandbox_enter(); later ones have nothing to drop.
 */
void sandbox_drop_capabilities(void);

#endif
