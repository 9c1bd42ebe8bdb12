/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The law: what Linux on pseries may do with an event, and how it must report it. LoPAR's chapter
 * of the FWNMI option, and Linux's arch/powerpc (platforms/pseries/ras.c, kernel/mce.c,
 * kernel/traps.c, kernel/exceptions-64s.S) from 5.4 on.
 */
#ifndef FWNMI_LAB_LAW_H
#define FWNMI_LAB_LAW_H

#include "lab/kernel_lines.h"
#include "lab/observation.h"
#include "lab/rule.h"

/* A hit, as the law sees it. */
struct law_event {
	const struct lab_hit *hit;
	bool told; /* the guest was interrupted: a routine or a vector was entered */
	bool nested; /* its vCPU had the buffer of another machine check */
	bool behind; /* another of its vCPU's, in the kernel, may be in Linux's queue */
	bool user, idle, init, recoverable; /* what it interrupted; recoverable: MSR[RI] */
	/* Of a machine check, after what ras.c itself does about it: */
	bool has_mc; /* the log says what it was */
	struct fwnmi_mc_section mc;
	uint8_t severity;
	bool handled; /* Linux takes it for recovered, if MSR[RI] was set */
	bool synchronous; /* it may kill the process for it */
	bool at_bound; /* the run was cut while Linux had more to do */
	bool in_xmon, crash_kernel; /* what Linux dies into */
	bool panic_on_oops;
	bool last_processor; /* it was stopped as unsafe, and no other is left */
	bool watchdog_panicked;
	bool has_paca; /* Linux has told its processor where its data are */
	/* How it must be reported. */
	const char *severity_word, *initiator_word; /* "Severe", "CPU" */
	char what[64]; /* "SLB Multihit" */
};

/** law_event_init() - hit @i of an observation */
void law_event_init(struct law_event *event, const struct lab_observation *seen, unsigned i,
		    const struct kernel_lines *lines);

/** law_rule() - the rule for an event; NULL: there is none */
const struct lab_rule *law_rule(const struct law_event *event);

/** law_rules() - all rules, for documentation and tests */
const struct lab_rule *law_rules(unsigned i);

#endif
