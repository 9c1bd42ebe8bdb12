/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arguments of inject-machine-check, inject-nmi, poison-memory, heal-memory, plant-error and
 * clear-error: their names, defaults and contradictions, for the monitor and for `fwnmi inject`,
 * which checks them before it connects.
 */
#ifndef FWNMI_INJECT_INJECT_ARGS_H
#define FWNMI_INJECT_INJECT_ARGS_H

#include <jansson.h>

#include "inject/request.h"

/**
 * inject_args_parse() - arguments to a request
 * @args: a JSON object, or NULL for none. Both kinds of injection:
 *	"cpu-index" (0), "cpus" ("all" or "others", those but cpu-index): see inject_args_cpus();
 *	"context" ("user", "kernel", "any": the default), "now" (false; not with context), "at"
 *	(a trigger, see trigger.h), "timeout" (seconds, 10), "repeat" (a storm of so many events),
 *	"every" (instructions, 0; only with "repeat"). System resets: "swapped-srr" (false). Machine
 *	checks, names as in fwnmi/errlog.h: "type" (SLB), "subtype" (multihit, or load-store for a
 *	UE), "unsafe" (false: R16, the processor is stopped),
 *	"severity" (error-sync), "disposition" (fully-recovered, or not-recovered if fatal),
 *	"initiator" (CPU), "transient" (UE only, true), "effective-address" (SLB, ERAT, TLB: that of
 *	the interrupted instruction; UE: none), "logical-address" (UE only, none). Addresses are
 *	integers or strings as C writes integers.
 * @system_reset: it is inject-nmi
 * @injection: filled in, except for the id
 * @err: one line on failure
 *
 * Returns 0, or -1: unknown argument, wrong type, unknown name, out of range, or a contradiction.
 */
int inject_args_parse(json_t *args, bool system_reset, struct injection_request *injection,
		      char *err, size_t err_size);

/**
 * inject_args_poison() - the same for memory: "address", "length" (the cache line that has the
 * address), "heal-on-write" (false)
 * @heal: it is heal-memory, which has no heal-on-write
 */
int inject_args_poison(json_t *args, bool heal, struct poison_request *request, char *err,
		       size_t err_size);

/**
 * inject_args_plant() - the same for errors in cached translations: "type" (TLB, ERAT or SLB),
 * "subtype" (multihit, or parity), "effective-address", "length" (the page that has the address),
 * "cpu-index" (0), "pid" (PIDR; the process that uses the entry first), "disposition"
 * (fully-recovered: the hypervisor repairs it first; or not-recovered)
 * @end: it is clear-error, which has only "effective-address" (all), "length" and "cpu-index" (all)
 */
int inject_args_plant(json_t *args, bool end, struct plant_request *request, char *err,
		      size_t err_size);

/** inject_args_cpus() - which CPUs the parsed arguments are for. */
enum inject_cpus {
	INJECT_ONE_CPU, /* cpu-index */
	INJECT_ALL_CPUS,
	INJECT_OTHER_CPUS, /* all but cpu-index */
	/* a system reset with neither: every CPU; if there is only one, answered as for one */
	INJECT_PARTITION,
};
enum inject_cpus inject_args_cpus(const json_t *args, bool system_reset);

/** inject_args_address() - parse a number like number_parse(); false if it is none. */
bool inject_args_address(const char *text, uint64_t *value);

#endif
