/* SPDX-License-Identifier: BSD-2-Clause */
/* The verdicts that there are, and what a rule of the law says about them. */
#ifndef FWNMI_LAB_RULE_H
#define FWNMI_LAB_RULE_H

#include <stdbool.h>

enum lab_verdict {
	LAB_RECOVERED, /* it went on as if nothing had happened, and reported the event */
	LAB_KILLED, /* the process that was hit was killed, and nothing else */
	LAB_KILLED_WRONG, /* another process was killed */
	LAB_OOPS, /* the kernel oopsed and went on */
	LAB_PANIC, /* the kernel panicked */
	LAB_OS_TERM, /* it ended the machine without a panic: ibm,os-term, power-off, reboot */
	LAB_CHECKSTOP, /* FWNMI ended the partition */
	LAB_HANG, /* no workload progressed in the bound of instructions */
	LAB_LOST, /* delivered, but Linux reported nothing */
	LAB_MISREPORTED, /* Linux's report contradicts the event */
	/* registers or a workload's results are wrong, or a process died of SIGSEGV or the like */
	LAB_CORRUPTED,
	LAB_NOT_REACHED, /* the trigger did not come true */
	LAB_VERDICTS
};

const char *lab_verdict_name(enum lab_verdict verdict); /* "killed-wrong" */
bool lab_verdict_parse(const char *name, enum lab_verdict *verdict);

/* A rule that states the law for some events. */
struct lab_rule {
	const char *name; /* a word: "not-recovered-user" */
	const char *law; /* one sentence */
	const char *source; /* "LoPAR R1-7.3.14-8", "Linux mce_handle_error()" */
	unsigned allowed; /* 1 << enum lab_verdict, or-ed */
};

#endif
