/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a campaign: gives its cases to workers, and keeps their results. */
#ifndef FWNMI_LAB_CAMPAIGN_H
#define FWNMI_LAB_CAMPAIGN_H

#include <signal.h>

#include "lab/store.h"
#include "lab/suite.h"
#include "lab/workers.h"

struct campaign_progress {
	uint64_t done, failed, total; /* cases of this shard */
	uint64_t done_now; /* of them in this run of the program */
	uint64_t boot_insns; /* while the guest boots; 0 afterwards */
	uint64_t started_ns; /* host_ns() when the first case began; 0: none has */
};

struct campaign_config {
	struct workers_config workers;
	struct lab_campaign about; /* kernel_release is filled in when the guest prints it */
	const struct lab_cases *cases;
	const char *results; /* path */
	const volatile sig_atomic_t *stop; /* not 0: end soon, and keep what is done */
	/* May be NULL. */
	void (*progress)(void *opaque, const struct campaign_progress *progress);
	void *opaque;
};

/**
 * campaign_run() - run the cases that the results do not have yet
 *
 * returns: false, with one line in @err: the guest does not boot, a case cannot be run, results
 * cannot be kept, or @stop. What was done is kept.
 */
bool campaign_run(const struct campaign_config *config, char *err, size_t err_size);

#endif
