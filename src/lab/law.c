/* SPDX-License-Identifier: BSD-2-Clause */
/* The law's rules, each with its source; and Linux's words for what a log says. See law.h. */
#include "lab/law.h"

#include <stdio.h>
#include <string.h>

#include "isa/msr.h"

#define ARRAY_SIZE(a)  (sizeof(a) / sizeof((a)[0]))
#define ALLOW(verdict) (1u << LAB_##verdict)

/* ---- events ---- */

/* Where the log says nothing, or there is none, Linux is left with zeros. */
static const char unknown_word[] = "Unknown";

static const char *severity_word(const struct law_event *event)
{
	/* ras.c, mce_handle_err_virtmode(), and mce.c, machine_check_print_event_info() */
	static const char *const words[] = {
		[FWNMI_SEVERITY_NO_ERROR] = "Harmless",	     [FWNMI_SEVERITY_EVENT] = "Warning",
		[FWNMI_SEVERITY_WARNING] = "Warning",	     [FWNMI_SEVERITY_ERROR_SYNC] = "Severe",
		[FWNMI_SEVERITY_ERROR] = "Severe",	     [FWNMI_SEVERITY_FATAL] = "Fatal",
		[FWNMI_SEVERITY_ALREADY_REPORTED] = "Fatal",
	};

	if (!event->has_mc)
		return words[FWNMI_SEVERITY_NO_ERROR];
	return event->severity < ARRAY_SIZE(words) ? words[event->severity] : "Fatal";
}

static const char *initiator_word(bool has_mc, unsigned initiator)
{
	static const char *const words[] = {
		[FWNMI_INITIATOR_UNKNOWN] = unknown_word,
		[FWNMI_INITIATOR_CPU] = "CPU",
		[FWNMI_INITIATOR_PCI] = "PCI",
		[FWNMI_INITIATOR_ISA] = "ISA",
		[FWNMI_INITIATOR_MEMORY] = "Memory",
		[FWNMI_INITIATOR_POWER_MANAGEMENT] = "Power Management",
	};

	return has_mc && initiator < ARRAY_SIZE(words) ? words[initiator] : unknown_word;
}

static const char *ue_word(unsigned subtype)
{
	static const char *const words[] = {
		[FWNMI_UE_INDETERMINATE] = "Indeterminate",
		[FWNMI_UE_IFETCH] = "Instruction fetch",
		[FWNMI_UE_PAGE_TABLE_WALK_IFETCH] = "Page table walk ifetch",
		[FWNMI_UE_LOAD_STORE] = "Load/Store",
		[FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE] = "Page table walk Load/Store",
	};

	return words[subtype < ARRAY_SIZE(words) ? subtype : 0];
}

/* SLB, ERAT and TLB errors are parity, multihit, or anything else. */
static const char *copy_word(unsigned subtype, unsigned parity)
{
	return subtype == parity ? "Parity" : subtype == parity + 1 ? "Multihit" : "Indeterminate";
}

static void name_what(struct law_event *event)
{
	const unsigned subtype = event->mc.error_subtype;
	const char *type = unknown_word, *words = "";

	switch (event->has_mc ? event->mc.error_type : FWNMI_MC_UNKNOWN) {
	case FWNMI_MC_UE:
		type = "UE ", words = ue_word(subtype);
		break;
	case FWNMI_MC_SLB:
		type = "SLB ", words = copy_word(subtype, FWNMI_SLB_PARITY);
		break;
	case FWNMI_MC_ERAT:
		type = "ERAT ", words = copy_word(subtype, FWNMI_ERAT_PARITY);
		break;
	case FWNMI_MC_TLB:
		type = "TLB ", words = copy_word(subtype, FWNMI_TLB_PARITY);
		break;
	case FWNMI_MC_D_CACHE:
		type = "D-Cache ", words = unknown_word;
		break;
	case FWNMI_MC_I_CACHE:
		type = "I-Cache ", words = unknown_word;
		break;
	}
	snprintf(event->what, sizeof(event->what), "%s%s", type, words);
}

/* The log as it was sent, or, if it could not be read, as it was asked for. */
static uint8_t read_log(struct law_event *event)
{
	const struct injection_log *log = &event->hit->report.log;
	const struct fwnmi_machine_check *mc = &event->hit->mc;

	if (log->valid) {
		event->has_mc = log->has_mc;
		event->mc = log->mc;
		event->severity = log->severity;
		return log->disposition;
	}
	/* libfwnmi writes no section for an unknown error. */
	event->has_mc = mc->error_type != FWNMI_MC_UNKNOWN;
	event->mc = (struct fwnmi_mc_section){
		.error_type = mc->error_type,
		.error_subtype = mc->error_subtype,
		.transient = mc->transient,
		.effective_address_valid = mc->effective_address_valid,
		.logical_address_valid = mc->logical_address_valid,
		.effective_address = mc->effective_address,
		.logical_address = mc->logical_address,
	};
	event->severity = mc->severity;
	return mc->disposition;
}

/* ras.c, mce_handle_err_realmode(): Linux itself reloads the SLB, and drops ERAT entries by it. */
static bool is_handled(const struct law_event *event, uint8_t disposition)
{
	if (disposition == FWNMI_DISPOSITION_FULLY_RECOVERED)
		return true;
	if (!event->has_mc)
		return false;
	if (disposition == FWNMI_DISPOSITION_LIMITED_RECOVERY)
		return true;
	return event->mc.error_type == FWNMI_MC_SLB || event->mc.error_type == FWNMI_MC_ERAT;
}

static bool same_vcpu_check(const struct lab_hit *a, const struct lab_hit *b)
{
	return !a->report.system_reset && !b->report.system_reset &&
	       a->report.vcpu == b->report.vcpu;
}

static void look_at_earlier(struct law_event *event, const struct lab_observation *seen, unsigned i)
{
	for (unsigned j = 0; j < i; j++) {
		const struct lab_hit *other = &seen->hits[j];

		if (!same_vcpu_check(other, event->hit))
			continue;
		/* In user mode, Linux has left its handler. */
		if (other->report.registered && !other->report.interlocked && !event->user)
			event->nested = true;
		if (!event->user && !(other->report.msr & MSR_PR))
			event->behind = true;
	}
}

static bool was_told(const struct injection_report *report)
{
	return report->handler &&
	       (report->stage == INJECTION_DELIVERED || report->stage == INJECTION_INTERLOCKED ||
		report->stage == INJECTION_FINISHED);
}

/* In the first code of a processor that Linux has started, in which it will become idle. */
static bool is_coming_up(const struct lab_hit *hit)
{
	return !strncmp(hit->place, "generic_secondary", strlen("generic_secondary"));
}

/* The words of watchdog.c, softlockup's, hung_task.c and RCU's, if they are told to panic. */
static bool is_watchdogs(const char *panic)
{
	static const char *const words[] = { "Hard LOCKUP", "softlockup: hung tasks",
					     "hung_task: blocked tasks", "RCU Stall" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(panic, words[i], strlen(words[i])))
			return true;
	return false;
}

void law_event_init(struct law_event *event, const struct lab_observation *seen, unsigned i,
		    const struct kernel_lines *lines)
{
	const struct lab_hit *hit = &seen->hits[i];
	uint8_t disposition;

	*event = (struct law_event){
		.hit = hit,
		.told = was_told(&hit->report),
		.user = hit->report.msr & MSR_PR,
		.idle = hit->report.ceded || is_coming_up(hit) ||
			!strncmp(hit->process, "swapper", 7),
		.recoverable = hit->report.msr & MSR_RI,
		.at_bound = seen->end == LAB_END_BOUND,
		.in_xmon = seen->options.xmon || lines->in_xmon || lines->check_in_xmon,
		.crash_kernel = lines->crash_kernel,
		.panic_on_oops = seen->options.panic_on_oops,
		.last_processor = hit->report.stopped && !seen->nr_running,
		.watchdog_panicked = is_watchdogs(lines->panic),
		.has_paca = hit->before.sprg[1],
	};
	event->init = event->user && !strcmp(hit->process, "init");
	look_at_earlier(event, seen, i);
	if (hit->report.system_reset)
		return;
	disposition = read_log(event);
	event->handled = is_handled(event, disposition);
	event->synchronous = event->has_mc && event->severity <= FWNMI_SEVERITY_ERROR_SYNC;
	event->severity_word = severity_word(event);
	event->initiator_word = initiator_word(event->has_mc, hit->report.log.valid ?
								      hit->report.log.initiator :
								      hit->mc.initiator);
	name_what(event);
}

/* ---- rules ---- */

struct ruling {
	bool (*applies)(const struct law_event *event);
	struct lab_rule rule;
};

static bool nested(const struct law_event *event)
{
	return event->nested;
}

static bool unsafe_last(const struct law_event *event)
{
	return event->last_processor;
}

static bool unsafe_watchdog(const struct law_event *event)
{
	return event->hit->report.stopped && event->watchdog_panicked;
}

static bool unsafe(const struct law_event *event)
{
	return event->hit->report.stopped;
}

static bool own_reset(const struct law_event *event)
{
	return event->hit->report.system_reset && event->hit->guest_asked;
}

static bool reset_in_xmon(const struct law_event *event)
{
	return event->hit->report.system_reset && event->in_xmon;
}

static bool reset_with_crash_kernel(const struct law_event *event)
{
	return event->hit->report.system_reset && event->crash_kernel;
}

static bool reset_at_bound(const struct law_event *event)
{
	return event->hit->report.system_reset && event->at_bound;
}

static bool reset(const struct law_event *event)
{
	return event->hit->report.system_reset;
}

static bool not_up(const struct law_event *event)
{
	return is_coming_up(event->hit) && !event->has_paca;
}

static bool unrecoverable(const struct law_event *event)
{
	return !event->recoverable;
}

static bool is_ue(const struct law_event *event)
{
	return event->has_mc && event->mc.error_type == FWNMI_MC_UE;
}

static bool fixup(const struct law_event *event)
{
	return is_ue(event) && !event->user && event->hit->fixup;
}

/* Does it end in Linux's die()? A process is killed by a signal instead. */
static bool dies(const struct law_event *event)
{
	if (event->hit->report.system_reset)
		return false;
	return !event->recoverable ||
	       (!event->handled && !fixup(event) && !(event->user && event->synchronous));
}

static bool dies_into_xmon(const struct law_event *event)
{
	return event->in_xmon && dies(event);
}

static bool dies_into_crash_kernel(const struct law_event *event)
{
	return event->crash_kernel && dies(event);
}

static bool dies_and_panics(const struct law_event *event)
{
	return event->panic_on_oops && !event->at_bound && dies(event);
}

/* The run ended with nobody making progress. */
static bool kernel_stuck(const struct law_event *event)
{
	return event->at_bound && !event->user && !event->idle &&
	       !event->hit->report.system_reset && (unrecoverable(event) || !event->handled);
}

/* mce.c, save_mce_event() forgets the real address if there is no effective one. */
static bool recovered_page(const struct law_event *event)
{
	return event->handled && is_ue(event) && event->mc.effective_address_valid &&
	       event->mc.effective_address;
}

static bool recovered_behind(const struct law_event *event)
{
	return event->handled && event->behind;
}

static bool recovered(const struct law_event *event)
{
	return event->handled;
}

static bool init_killed(const struct law_event *event)
{
	return event->init;
}

static bool killed(const struct law_event *event)
{
	return event->user && event->synchronous;
}

static bool user_died(const struct law_event *event)
{
	return event->user;
}

static bool idle_died(const struct law_event *event)
{
	return event->idle;
}

static bool kernel_died(const struct law_event *event)
{
	return !event->user;
}

/* The first that applies counts. */
static const struct ruling rulings[] = {
	{ nested,
	  { "nested",
	    "A machine check on a processor that has not released the buffer of its last one is "
	    "fatal: the platform runs the partition's reboot policy.",
	    "LoPAR 7.3.14, FWNMI, prose behind R1-7.3.14-16", ALLOW(CHECKSTOP) } },
	/* Whether LoPAR's reboot policy follows is the platform's business. */
	{ unsafe_last,
	  { "unsafe-last-processor",
	    "The platform stops an unsafe processor. Without its last one the partition has ended.",
	    "LoPAR R1-7.3.14-16", ALLOW(CHECKSTOP) } },
	{ unsafe_watchdog,
	  { "unsafe-watchdog",
	    "Linux learns of an unsafe processor by its watchdogs, too, and they panic if they were "
	    "told to.",
	    "Linux watchdog_smp_panic(), hardlockup_panic and its like", ALLOW(PANIC) } },
	/*
	 * Two are right: the platform does not say what the processor held, and Linux needs what a
	 * processor held only sometimes. No interrupt tells Linux: it has nothing to oops for, and
	 * rtasd prints the log and goes on.
	 */
	{ unsafe,
	  { "unsafe-processor",
	    "The platform stops an unsafe processor, and tells the OS at its next event-scan. Who "
	    "needs that processor, or a lock that it holds, waits for ever; others go on.",
	    "LoPAR R1-7.3.14-16 and its note; Linux rtas_event_scan()",
	    ALLOW(RECOVERED) | ALLOW(HANG) } },
	{ own_reset,
	  { "own-nmi-ipi",
	    "A system reset that Linux has sent itself is answered, and the processor goes on.",
	    "Linux pSeries_system_reset_exception(), smp_handle_nmi_ipi()", ALLOW(RECOVERED) } },
	{ reset_in_xmon,
	  { "system-reset-xmon",
	    "With xmon, a system reset enters it, whatever MSR[RI] is, and all processors wait for "
	    "a command, which nobody types here.",
	    "Linux system_reset_exception(), debugger(), xmon_core()", ALLOW(HANG) } },
	/*
	 * Two are right: what the crash kernel does with the machine is its own affair. It may be
	 * at work when the run ends, or wait for a processor that does not answer. A panic of its
	 * own means that there is no dump.
	 */
	{ reset_with_crash_kernel,
	  { "system-reset-kdump",
	    "With a crash kernel, a system reset starts it instead of an Oops and a panic, and its "
	    "userland reboots when it has dumped.",
	    "Linux system_reset_exception(), crash_kexec(), crash_kexec_prepare_cpus()",
	    ALLOW(HANG) | ALLOW(OS_TERM) } },
	{ reset_at_bound,
	  { "system-reset-cut",
	    "A system reset is a request to dump: Linux prints an Oops, waits two seconds for "
	    "other processors, and panics. The run ended meanwhile.",
	    "Linux system_reset_exception(), die(), nmi_panic()", ALLOW(OOPS) | ALLOW(PANIC) } },
	{ reset,
	  { "system-reset", "A system reset is a request to dump: Linux prints an Oops and panics.",
	    "Linux system_reset_exception(), die(), nmi_panic()", ALLOW(PANIC) } },
	/*
	 * Several are right: the handler finds its PACA by SPRG1, which is 0 as yet, and overwrites
	 * what is at real address 0 and above. Only a report, and an orderly end, need a PACA. From
	 * there on the processor is an idle one with MSR[RI]=0.
	 */
	{ not_up,
	  { "processor-not-up",
	    "A processor that Linux has not given a PACA has no memory for its handler: it reports "
	    "nothing, and damages what is there.",
	    "Linux generic_secondary_common_init, GET_PACA",
	    ALLOW(LOST) | ALLOW(HANG) | ALLOW(OOPS) | ALLOW(PANIC) | ALLOW(CHECKSTOP) } },
	{ dies_into_xmon,
	  { "not-recovered-xmon",
	    "With xmon, what would be an Oops enters it, and all processors wait for a command, "
	    "which nobody types here.",
	    "Linux die(), debugger(), xmon_core()", ALLOW(HANG) } },
	/* Two are right: the run may end before the crash kernel's userland reboots. */
	{ dies_into_crash_kernel,
	  { "not-recovered-kdump",
	    "With a crash kernel, an Oops that would become a panic starts it, and its userland "
	    "reboots when it has dumped.",
	    "Linux oops_end(), kexec_should_crash(), crash_kexec()",
	    ALLOW(OOPS) | ALLOW(OS_TERM) } },
	{ kernel_stuck,
	  { "killed-kernel-stuck",
	    "A machine check that is not recovered kills what the kernel was doing. What that "
	    "held is never released: without the console's lock, for one, nothing is printed.",
	    "Linux unrecoverable_mce, die(), console_lock()",
	    ALLOW(OOPS) | ALLOW(PANIC) | ALLOW(HANG) | ALLOW(LOST) } },
	/* An Oops that is not followed by a panic is one that was cut, see above and below. */
	{ dies_and_panics,
	  { "not-recovered-panic-on-oops", "With oops=panic, Linux panics after each Oops.",
	    "Linux oops_end(), panic_on_oops", ALLOW(PANIC) } },
	{ unrecoverable,
	  { "not-recoverable",
	    "With MSR[RI]=0 the interrupted state is lost, whatever the platform has repaired.",
	    "Power ISA, Book III, machine check interrupt; Linux recover_mce(), "
	    "unrecoverable_mce",
	    ALLOW(OOPS) | ALLOW(PANIC) } },
	{ fixup,
	  { "ue-fixup",
	    "A UE on an instruction with an exception table entry is the caller's error, and is "
	    "not reported.",
	    "Linux mce_common_process_ue()",
	    ALLOW(RECOVERED) | ALLOW(LOST) | ALLOW(KILLED) | ALLOW(CORRUPTED) } },
	{ recovered_page,
	  { "recovered-ue",
	    "Linux goes on after a recovered UE, but takes the page from its owners, which get "
	    "SIGBUS at their next access.",
	    "Linux mce_handle_error(), machine_process_ue_event(), memory_failure()",
	    ALLOW(RECOVERED) | ALLOW(KILLED) } },
	{ recovered_behind,
	  { "recovered-queued",
	    "Linux goes on after a recovered machine check. It may drop the report of one that "
	    "comes while it prints another of the same processor's from its queue.",
	    "Linux machine_check_process_queued_event()", ALLOW(RECOVERED) | ALLOW(LOST) } },
	{ recovered,
	  { "recovered",
	    "Linux goes on after a machine check that the platform, or the SLB's reload, has "
	    "recovered.",
	    "LoPAR R1-7.3.14-12; Linux mce_handle_err_realmode(), recover_mce()",
	    ALLOW(RECOVERED) } },
	{ init_killed,
	  { "not-recovered-init",
	    "A machine check that is not recovered kills the process, and Linux does not live "
	    "without process 1.",
	    "Linux recover_mce(), do_exit()", ALLOW(PANIC) } },
	{ killed,
	  { "not-recovered-user",
	    "A synchronous machine check in user mode that is not recovered kills the process by "
	    "SIGBUS, and nothing else.",
	    "Linux recover_mce()", ALLOW(KILLED) } },
	{ user_died,
	  { "fatal-user",
	    "A machine check that is fatal, or not synchronous, and not recovered, makes Linux "
	    "oops.",
	    "Linux recover_mce(), machine_check_exception()", ALLOW(OOPS) | ALLOW(PANIC) } },
	{ idle_died,
	  { "not-recovered-idle",
	    "A machine check of the kernel's that is not recovered kills the task, and Linux does "
	    "not live without its idle tasks. It waits before it panics.",
	    "Linux unrecoverable_mce, oops_end(), do_exit()", ALLOW(OOPS) | ALLOW(PANIC) } },
	{ kernel_died,
	  { "not-recovered-kernel",
	    "A machine check of the kernel's that is not recovered makes Linux oops, or panic if "
	    "it was in an interrupt.",
	    "Linux unrecoverable_mce, die(), oops_end()", ALLOW(OOPS) | ALLOW(PANIC) } },
};

const struct lab_rule *law_rules(unsigned i)
{
	return i < ARRAY_SIZE(rulings) ? &rulings[i].rule : NULL;
}

const struct lab_rule *law_rule(const struct law_event *event)
{
	/* Without registration FWNMI promises nothing, and Linux does not look at a log. */
	if (event->told && !event->hit->report.registered)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rulings); i++)
		if (rulings[i].applies(event))
			return &rulings[i].rule;
	return NULL;
}
