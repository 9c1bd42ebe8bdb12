/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fair moment: a vCPU of a running guest is at an instruction where a machine check is
 * recoverable, and where the user wants it. "Recoverable" is the Power ISA's MSR[RI].
 */
#ifndef FWNMI_ATTACH_MOMENT_H
#define FWNMI_ATTACH_MOMENT_H

#include "inject/request.h"
#include "attach/guest.h"

struct moment_request {
	unsigned cpu;
	enum inject_context context;
	bool now; /* wherever it is */
	bool wake; /* wake an idle vCPU if another one runs code; else wait for it */
	const char *at; /* place of guest_place(), or NULL */
	const char *process; /* pid or name, or NULL */
	unsigned timeout_ms;
};

/* How it was found. */
struct moment {
	uint64_t took_ns;
	unsigned stops, steps;
	bool idle; /* the vCPU is halted in H_CEDE (with now), or was until it was woken */
	bool not_started; /* why it failed: the guest does not use this vCPU */
	bool has_process;
	struct guest_process process;
};

/**
 * moment_find() - bring the vCPU to such a moment; all vCPUs are then stopped
 *
 * Returns false with gdb_error() set, also when time is up.
 */
bool moment_find(struct guest *guest, const struct moment_request *request, struct moment *moment);

#endif
