/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes the cases of a sweep: events at each instruction of a path. */
#ifndef FWNMI_LAB_SWEEP_H
#define FWNMI_LAB_SWEEP_H

#include <signal.h>

#include "lab/path.h"
#include "lab/suite.h"
#include "lab/workers.h"

struct sweep_spec {
	struct path_spec path;
	uint64_t sample; /* points to take, without repetition; 0: all */
	uint64_t seed; /* of the sample */
	unsigned nr_vcpus;
	bool not_recovered; /* machine checks that are not recovered, too */
};

/**
 * sweep_make() - the cases of a sweep: by time, a recovered machine check, one that is not if asked
 * for, and a system reset of all CPUs at each point of the path
 * @workers: how to boot the guest that shows the path; the list depends on nothing else but @spec
 * @stop: not 0: give up
 *
 * returns: false, with one line in @err
 */
bool sweep_make(const struct workers_config *workers, const struct sweep_spec *spec,
		const volatile sig_atomic_t *stop, struct lab_cases *cases, char *err,
		size_t err_size);

#endif
