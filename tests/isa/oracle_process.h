/* SPDX-License-Identifier: BSD-2-Clause */
/* The oracle as a process: oracle.c under an emulator, or on a POWER host. */
#ifndef FWNMI_TESTS_ISA_ORACLE_PROCESS_H
#define FWNMI_TESTS_ISA_ORACLE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "case.h"

struct oracle {
	pid_t pid;
	int to, from;
	struct isa_case *cases; /* shared with the oracle, CASE_BATCH of them */
};

/** oracle_start() - start the command; ends the program if that fails. */
void oracle_start(struct oracle *oracle, char **command);
/**
 * oracle_run() - run up to CASE_BATCH cases, whose results replace them.
 * @big_endian: the oracle's byte order.
 */
void oracle_run(struct oracle *oracle, struct isa_case *cases, unsigned count, bool big_endian);
void oracle_stop(struct oracle *oracle);

#endif
