/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A case: what the lab does to a guest, and when. Campaigns are lists of cases, numbered from 0.
 */
#ifndef FWNMI_LAB_CASE_H
#define FWNMI_LAB_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* What the guest does when it is hit. Each but LAB_BOOT is a job of payload/lab's init. */
enum lab_workload {
	LAB_BOOT, /* the kernel boots; cases count from its registration */
	LAB_VICTIM, /* known values in every register and in memory, verified in user mode */
	LAB_SYSCALL, /* system calls with known results, registers verified after each */
	LAB_FAULT, /* page faults: map, touch, verify, unmap */
	LAB_FORK, /* fork, exec, wait */
	LAB_SIGNAL, /* signals to itself, registers verified around the handler */
	LAB_MIXED, /* all of the above, a process each */
	LAB_IDLE, /* asleep, but for a verification now and then */
	LAB_WORKLOADS
};

/** lab_workload_name() - "boot", "victim", ...; lab_workload_parse(): false if it is none */
const char *lab_workload_name(enum lab_workload workload);
bool lab_workload_parse(const char *name, enum lab_workload *workload);

struct lab_case {
	uint64_t number; /* in its campaign */
	char *name; /* unique in its campaign: "machine-check/SLB/multihit/user" */
	char *group; /* the row and the column of the matrix: "machine-check SLB multihit" ... */
	char *column; /* ... "user" */
	enum lab_workload workload;
	/*
	 * It begins at this instruction of the machine's run, if not 0: the workload runs on until
	 * then. The cases of a workload that one guest runs begin at the same one.
	 */
	uint64_t start;
	uint64_t points; /* of a sweep: equivalent ones that it stands for, itself included */
	/*
	 * What is done, in order: an array of objects {"execute": a monitor command, "arguments":
	 * as inject/inject_args.h has them, "at" among them}. Each begins when the one before has
	 * been delivered; the time limits in them do not count, instructions do.
	 */
	json_t *steps;
};

/** lab_case_json() - a new object that says all of a case */
json_t *lab_case_json(const struct lab_case *c);
/** lab_case_parse() - the reverse; false, with one line in @err, if it is none */
bool lab_case_parse(const json_t *json, struct lab_case *c, char *err, size_t err_size);
void lab_case_clear(struct lab_case *c);

#endif
