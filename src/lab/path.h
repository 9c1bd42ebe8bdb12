/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A path through the guest: each instruction that a vCPU executes between two points of a workload,
 * as one run without any event has them. A run with an event is the same up to the event.
 */
#ifndef FWNMI_LAB_PATH_H
#define FWNMI_LAB_PATH_H

#include "lab/lab_guest.h"

#define PATH_VCPU	0 /* whose instructions they are */
#define PATH_MAX_POINTS 100000 /* longer paths are refused */

enum path_kind {
	/* From a function's entry to its return: its callees and interrupts, too. */
	PATH_FUNCTION,
	/* From a process's sc to the next instruction in user mode. */
	PATH_SYSCALL,
	/* From an interrupt's vector to the interrupted instruction, if nobody else runs first. */
	PATH_INTERRUPT,
	PATH_INSNS /* a number of instructions */
};

struct path_spec {
	enum path_kind kind;
	const char *symbol; /* PATH_FUNCTION */
	const char *from; /* more terms of the trigger where it begins; NULL: none */
	unsigned vector; /* PATH_INTERRUPT */
	bool any_call; /* PATH_SYSCALL; else: */
	uint64_t call; /* its number */
	uint64_t insns; /* PATH_INSNS */
	enum lab_workload workload;
};

/**
 * path_parse() - from what the user says: "function:SYMBOL", "syscall", "syscall:NAME",
 * "interrupt:external", "interrupt:decrementer", "insns:N"
 * @text: must outlive @spec
 *
 * @spec->workload is one that has such a path; @spec->from is NULL.
 * returns: false, with one line in @err
 */
bool path_parse(const char *text, struct path_spec *spec, char *err, size_t err_size);

/** path_spec_json() - a new object; path_spec_read(): back; its strings are the object's */
json_t *path_spec_json(const struct path_spec *spec);
bool path_spec_read(const json_t *json, struct path_spec *spec);

/**
 * path_record() - what the guest executes of a path of the workload that has been started
 *
 * Points are equivalent if the same instruction is about to be executed with the same MSR, stack
 * pointer, r13, LR and soft mask: passes of a loop. They may differ in the other registers, in what
 * memory holds and in time. Only the first of them is in the list.
 *
 * returns: an array, by time, of objects {"insn": instructions of the machine's run before it,
 * "nip": "0x...", "place": "symbol+0x10", "points": equivalent ones, itself included}; NULL, with
 * one line in @err: the path is not reached, does not end in PATH_MAX_POINTS instructions
 */
json_t *path_record(struct lab_guest *guest, const struct path_spec *spec, char *err,
		    size_t err_size);

#endif
