/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Judges a run: collects what is true of it, from the gravest to the least grave, and picks what
 * the law forbids first; see verdict.h. law.c has the law.
 */
#include "lab/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "isa/msr.h"
#include "lab/law.h"
#include "lab/report_check.h"

#define ALL_VERDICTS ((1u << LAB_VERDICTS) - 1)
#define SIGBUS_GUEST 7

/* Lazily loaded facilities: Linux gives them to a process when it wants to. */
#define MSR_LAZY (MSR_FP | MSR_VEC | MSR_VSX | MSR_FE0 | MSR_FE1)

/* From the gravest on. */
static const enum lab_verdict gravity[] = {
	LAB_CORRUPTED,	 LAB_CHECKSTOP,	   LAB_PANIC,	    LAB_OS_TERM,
	LAB_OOPS,	 LAB_KILLED_WRONG, LAB_HANG,	    LAB_LOST,
	LAB_MISREPORTED, LAB_KILLED,	   LAB_NOT_REACHED, LAB_RECOVERED,
};

/* What is true of the run and counts most so far. */
struct finding {
	enum lab_verdict verdict;
	bool forbidden;
	const struct lab_rule *rule; /* of the event that it is about; NULL: the one that decides */
	char why[256];
};

struct trial {
	const struct lab_case *c;
	const struct lab_observation *seen;
	struct kernel_lines lines;
	struct law_event events[LAB_MAX_HITS];
	const struct lab_rule *rules[LAB_MAX_HITS];
	unsigned nr_events;
	struct report_check reports;
	unsigned allowed; /* by all rules together; 1 << verdict, or-ed */
	const struct lab_rule *rule; /* that demands most */
	unsigned found; /* the same for what is true */
	struct finding best;
};

static unsigned gravity_of(enum lab_verdict verdict)
{
	unsigned i = 0;

	while (gravity[i] != verdict)
		i++;
	return i;
}

/* The gravest that is forbidden counts, or else the gravest; of two alike, the first. */
static bool counts_more(const struct trial *trial, enum lab_verdict verdict, bool forbidden)
{
	const struct finding *best = &trial->best;

	if (!trial->found)
		return true;
	if (forbidden != best->forbidden)
		return forbidden;
	return gravity_of(verdict) < gravity_of(best->verdict);
}

/* @forbidden: whatever the rules of other events allow; @rule: the rule that says so, or NULL */
__attribute__((format(printf, 5, 6))) static void find(struct trial *trial,
						       enum lab_verdict verdict, bool forbidden,
						       const struct lab_rule *rule,
						       const char *format, ...)
{
	const unsigned bit = 1u << verdict;
	va_list ap;

	forbidden = forbidden || !(trial->allowed & bit);
	if (counts_more(trial, verdict, forbidden)) {
		trial->best = (struct finding){ .verdict = verdict,
						.forbidden = forbidden,
						.rule = rule };
		va_start(ap, format);
		vsnprintf(trial->best.why, sizeof(trial->best.why), format, ap);
		va_end(ap);
	}
	trial->found |= bit;
}

static bool allows(const struct lab_rule *rule, enum lab_verdict verdict)
{
	return !rule || (rule->allowed >> verdict & 1);
}

static bool has_found(const struct trial *trial, enum lab_verdict verdict)
{
	return trial->found >> verdict & 1;
}

/* ---- corrupted ---- */

static bool differs(uint64_t a, uint64_t b, const char *name, struct trial *trial,
		    const struct lab_hit *hit)
{
	if (a == b)
		return false;
	find(trial, LAB_CORRUPTED, false, NULL, "%s was 0x%llx, and 0x%llx at the return to 0x%llx",
	     name, (unsigned long long)a, (unsigned long long)b,
	     (unsigned long long)hit->report.nip);
	return true;
}

/*
 * Linux switches these with the process, or in the kernel not at all. Facilities that the code had
 * not loaded may hold anything; PPR is set by who waits.
 */
static void compare_more_registers(struct trial *trial, const struct lab_hit *hit)
{
	const struct engine_program_regs *was = &hit->more_before, *is = &hit->more_after;
	const uint64_t both = hit->before.msr & hit->after.msr;
	char name[8];

	for (unsigned i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "%s%u", i < 32 ? "f" : "v", i % 32);
		if (both & (i < 32 ? MSR_FP : MSR_VEC) &&
		    (differs(was->vsr[i][0], is->vsr[i][0], name, trial, hit) ||
		     ((i >= 32 || both & MSR_VSX) &&
		      differs(was->vsr[i][1], is->vsr[i][1], name, trial, hit))))
			return;
	}
	(void)((both & MSR_FP && differs(was->fpscr, is->fpscr, "FPSCR", trial, hit)) ||
	       (both & MSR_VEC && differs(was->vscr, is->vscr, "VSCR", trial, hit)) ||
	       differs(was->vrsave, is->vrsave, "VRSAVE", trial, hit) ||
	       differs(was->tar, is->tar, "TAR", trial, hit) ||
	       differs(was->dscr, is->dscr, "DSCR", trial, hit) ||
	       differs(was->amr, is->amr, "AMR", trial, hit) ||
	       differs(hit->soft_mask_before, hit->soft_mask_after, "the interrupts' soft mask",
		       trial, hit));
}

static void compare_registers(struct trial *trial, const struct lab_hit *hit)
{
	const struct engine_regs *was = &hit->before, *is = &hit->after;
	char name[8];

	for (unsigned i = 0; i < 32; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		if (differs(was->gpr[i], is->gpr[i], name, trial, hit))
			return;
	}
	if (differs(was->lr, is->lr, "LR", trial, hit) ||
	    differs(was->ctr, is->ctr, "CTR", trial, hit) ||
	    differs(was->cr, is->cr, "CR", trial, hit) ||
	    differs(was->xer, is->xer, "XER", trial, hit))
		return;
	if (!differs(was->msr & ~MSR_LAZY, is->msr & ~MSR_LAZY, "MSR", trial, hit))
		compare_more_registers(trial, hit);
}

/*
 * Does Linux return from it, to this very place? If not, somebody else has come to the same
 * instruction, or the same one at a later pass.
 */
static bool returns(const struct law_event *event)
{
	return event->told && event->hit->came_back && !event->hit->restart &&
	       (event->hit->report.system_reset || (event->handled && event->recoverable));
}

/*
 * The kernel is interrupted, and the processor returns to it straight from the handler. The last
 * event of a processor is the one that is watched to its end. An Oops, and a handler that was left
 * without ibm,nmi-interlock, have verdicts of their own.
 */
static void look_for_the_return(struct trial *trial, unsigned i)
{
	const struct law_event *event = &trial->events[i];
	const struct lab_hit *hit = event->hit;

	if (trial->seen->end != LAB_END_DONE || !event->told || hit->came_back ||
	    hit->report.system_reset || !hit->report.registered || !event->handled ||
	    !event->recoverable || event->user || hit->report.ceded || hit->fixup || hit->restart ||
	    !hit->report.interlocked || trial->lines.nr_oopses)
		return;
	for (unsigned j = i + 1; j < trial->nr_events; j++)
		if (trial->events[j].hit->report.vcpu == hit->report.vcpu)
			return;
	find(trial, LAB_CORRUPTED, true, NULL,
	     "the kernel went on, but not with the interrupted instruction at 0x%llx",
	     (unsigned long long)hit->report.nip);
}

/* A signal that nobody sent: the process was not what it had been. */
static bool is_crash(int signal)
{
	return signal == 4 || signal == 5 || signal == 8 || signal == 11;
}

/* Linux has oopsed in this process, and so ended it. */
static bool has_oopsed(const struct trial *trial, const char *process)
{
	for (unsigned i = 0; i < trial->lines.nr_oopses && i < KERNEL_MAX_OOPSES; i++)
		if (!strcmp(trial->lines.oopses[i].process.comm, process))
			return true;
	return false;
}

static void look_for_corruption(struct trial *trial)
{
	for (size_t i = 0; i < trial->seen->nr_notes; i++) {
		const struct lab_note *note = &trial->seen->notes[i];

		if (note->type == LAB_NOTE_CORRUPT)
			find(trial, LAB_CORRUPTED, false, NULL, "%s: %s", note->process,
			     note->text);
		else if (note->type == LAB_NOTE_FAILED && !trial->lines.memory_failure)
			find(trial, LAB_CORRUPTED, false, NULL, "%s could not go on: %s",
			     note->process, note->text);
		else if (note->type == LAB_NOTE_DIED && is_crash(note->signal) &&
			 !has_oopsed(trial, note->process))
			find(trial, LAB_CORRUPTED, false, NULL, "%s died of signal %d",
			     note->process, note->signal);
		else
			continue;
		break;
	}
	for (unsigned i = 0; i < trial->nr_events; i++) {
		if (returns(&trial->events[i]))
			compare_registers(trial, trial->events[i].hit);
		look_for_the_return(trial, i);
	}
}

/* ---- the kernel's end ---- */

/* Has the kernel's own end explained why things stopped? */
static bool kernel_died(const struct trial *trial)
{
	return has_found(trial, LAB_CHECKSTOP) || has_found(trial, LAB_PANIC) ||
	       has_found(trial, LAB_OS_TERM);
}

/* Linux's words where it dies of an event: traps.c, mce.c, interrupt.h */
static const char *const event_oopses[] = { "achine check", "achine Check", "System Reset",
					    "Unrecoverable" };

/*
 * Is the first Oops about an event? Another one shows that the kernel went on where it could not.
 * If it may both oops for an event and go on, it may do anything.
 */
static bool oopsed_for_events(const struct trial *trial)
{
	const char *text = trial->lines.oopses[0].text;

	for (size_t i = 0; i < sizeof(event_oopses) / sizeof(event_oopses[0]); i++)
		if (strstr(text, event_oopses[i]))
			return true;
	for (unsigned i = 0; i < trial->nr_events; i++)
		if (allows(trial->rules[i], LAB_OOPS) && allows(trial->rules[i], LAB_RECOVERED))
			return true;
	return false;
}

static void look_at_end(struct trial *trial)
{
	const struct lab_observation *seen = trial->seen;
	const struct kernel_lines *lines = &trial->lines;
	const bool ended = seen->end == LAB_END_MACHINE;

	if (ended && (seen->machine_end == MACHINE_FAILED ||
		      (seen->machine_end == MACHINE_CRASHED && !seen->os_term)))
		find(trial, LAB_CHECKSTOP, seen->machine_end == MACHINE_FAILED, NULL, "%s",
		     seen->why);
	if (lines->panicked || seen->end == LAB_END_PANICKED)
		find(trial, LAB_PANIC, false, NULL, "Kernel panic - not syncing: %s", lines->panic);
	else if (ended && seen->os_term && seen->console_cut)
		find(trial, LAB_PANIC, false, NULL,
		     "ibm,os-term; the other CPUs printed more than is kept: %s", seen->why);
	else if (ended && seen->os_term)
		find(trial, LAB_OS_TERM, false, NULL, "ibm,os-term without a panic: %s", seen->why);
	else if (ended &&
		 (seen->machine_end == MACHINE_POWERED_OFF || seen->machine_end == MACHINE_REBOOT))
		find(trial, LAB_OS_TERM, false, NULL, "the guest %s",
		     seen->machine_end == MACHINE_REBOOT ? "rebooted" : "powered off");
	if (lines->nr_oopses && !oopsed_for_events(trial))
		find(trial, LAB_OOPS, true, NULL, "Oops for another reason: %s, in %s",
		     lines->oopses[0].text,
		     lines->oopses[0].has_process ? lines->oopses[0].process.comm : "?");
	if (kernel_died(trial))
		return; /* an Oops is how it began */
	if (lines->nr_oopses)
		find(trial, LAB_OOPS, false, NULL, "Oops: %s, in %s", lines->oopses[0].text,
		     lines->oopses[0].has_process ? lines->oopses[0].process.comm : "?");
	else if (lines->bug[0])
		find(trial, LAB_OOPS, true, NULL, "%s", lines->bug);
}

/* ---- deaths ---- */

/* Was it hit, and did Linux have to, or may it, kill it for that? */
static bool was_hit(const struct trial *trial, const char *process, bool *allowed)
{
	bool hit = false;

	*allowed = false;
	for (unsigned i = 0; i < trial->nr_events; i++) {
		const char *name = trial->events[i].hit->process;

		if (!trial->events[i].told || (name[0] && strcmp(name, process) != 0))
			continue;
		hit = true;
		*allowed |= allows(trial->rules[i], LAB_KILLED);
	}
	return hit;
}

static bool killed_by_poison(const struct trial *trial, const char *process)
{
	for (unsigned i = 0; i < trial->lines.nr_killed && i < KERNEL_MAX_PROCESSES; i++)
		if (trial->lines.killed[i].how == KERNEL_KILL_POISON &&
		    !strcmp(trial->lines.killed[i].process.comm, process))
			return true;
	return false;
}

static void look_at_deaths(struct trial *trial)
{
	for (size_t i = 0; i < trial->seen->nr_notes; i++) {
		const struct lab_note *note = &trial->seen->notes[i];
		bool allowed;

		if (note->type != LAB_NOTE_DIED || is_crash(note->signal) ||
		    has_oopsed(trial, note->process))
			continue;
		if (killed_by_poison(trial, note->process)) {
			find(trial, LAB_KILLED, false, NULL,
			     "%s was killed for the page that it lost", note->process);
		} else if (was_hit(trial, note->process, &allowed)) {
			find(trial, LAB_KILLED, !allowed, NULL, "%s was killed by signal %d",
			     note->process, note->signal);
		} else {
			find(trial, LAB_KILLED_WRONG, false, NULL,
			     "%s was killed by signal %d, not hit", note->process, note->signal);
		}
	}
}

static bool died(const struct trial *trial, const char *process)
{
	for (size_t i = 0; i < trial->seen->nr_notes; i++)
		if (trial->seen->notes[i].type == LAB_NOTE_DIED &&
		    (!process[0] || !strcmp(trial->seen->notes[i].process, process)))
			return true;
	return false;
}

/* A process that must be killed, and was not, is wrong even if another one's death was right. */
static void look_for_survivors(struct trial *trial)
{
	if (kernel_died(trial) || trial->lines.nr_oopses)
		return;
	for (unsigned i = 0; i < trial->nr_events; i++) {
		const struct lab_rule *rule = trial->rules[i];
		const char *process = trial->events[i].hit->process;

		if (!rule || !allows(rule, LAB_KILLED) || allows(rule, LAB_RECOVERED) ||
		    died(trial, process))
			continue;
		find(trial, LAB_RECOVERED, true, rule, "%s was to be killed, and lives",
		     process[0] ? process : "the process");
	}
}

/* ---- reports ---- */

static bool is_reported(const struct trial *trial, unsigned i)
{
	const struct kernel_lines *lines = &trial->lines;

	if (!trial->events[i].hit->report.system_reset)
		return trial->reports.reported[i] || lines->check_in_xmon;
	if (trial->events[i].hit->guest_asked)
		return true; /* who asked may not print what it learnt */
	if (lines->in_xmon || lines->crash_kernel || lines->nmi_backtraces)
		return true;
	for (unsigned j = 0; j < lines->nr_oopses && j < KERNEL_MAX_OOPSES; j++)
		if (strstr(lines->oopses[j].text, "System Reset"))
			return true;
	return strstr(lines->panic, "System Reset") != NULL;
}

static void look_at_reports(struct trial *trial)
{
	report_check(trial->events, trial->nr_events, &trial->lines, &trial->reports);
	if (trial->reports.misreported)
		find(trial, LAB_MISREPORTED, false, NULL, "%s", trial->reports.why);
	else if (trial->lines.corrupt_r3)
		find(trial, LAB_MISREPORTED, false, NULL, "Linux did not accept R3 of the event");
	for (unsigned i = 0; i < trial->nr_events; i++) {
		/* A dying kernel may not get to all that came. */
		if (!trial->events[i].told || is_reported(trial, i) ||
		    (kernel_died(trial) && trial->seen->console_cut) ||
		    (kernel_died(trial) && (i > 0 || has_found(trial, LAB_CHECKSTOP))) ||
		    !trial->events[i].hit->report.registered)
			continue;
		find(trial, LAB_LOST, !allows(trial->rules[i], LAB_LOST), trial->rules[i],
		     "Linux reported nothing of the event on CPU %u",
		     trial->events[i].hit->report.vcpu);
	}
}

/* ---- the rest ---- */

static void look_for_hang(struct trial *trial)
{
	const struct lab_observation *seen = trial->seen;

	if (seen->end != LAB_END_BOUND || kernel_died(trial) || trial->lines.nr_oopses)
		return;
	/* The program itself may have been lost with a page: then nobody can go on. */
	if (trial->lines.memory_failure && has_found(trial, LAB_KILLED))
		return;
	if (trial->lines.stall[0])
		find(trial, LAB_HANG, false, NULL, "%s", trial->lines.stall);
	else
		find(trial, LAB_HANG, false, NULL,
		     "a workload went no further in %llu instructions",
		     (unsigned long long)seen->insns);
}

static unsigned steps(const struct lab_case *c)
{
	return c && c->steps ? (unsigned)json_array_size(c->steps) : 0;
}

/* LoPAR R1-7.3.14-19: the buffer stays the processor's until it calls ibm,nmi-interlock. */
static void look_at_interlocks(struct trial *trial)
{
	for (unsigned i = 0; i < trial->nr_events; i++)
		if (trial->events[i].hit->released_by_reset)
			find(trial, LAB_CORRUPTED, true, NULL,
			     "a system reset's handler released the buffer of the machine check "
			     "that it had interrupted");
	/* Who is still in the handler may yet call it. */
	if (trial->seen->end != LAB_END_DONE)
		return;
	for (unsigned i = 0; i < trial->nr_events; i++) {
		const struct lab_hit *hit = trial->events[i].hit;

		if (!trial->events[i].told || hit->report.system_reset || !hit->report.registered ||
		    hit->report.interlocked)
			continue;
		find(trial, LAB_CHECKSTOP, true, NULL,
		     "Linux went on without ibm,nmi-interlock: the next machine check ends the "
		     "partition");
	}
}

static void look_for_events(struct trial *trial)
{
	const struct lab_observation *seen = trial->seen;

	if (seen->end == LAB_END_UNREACHED)
		find(trial, LAB_NOT_REACHED, true, NULL,
		     "the trigger of step %u of %u did not come true", seen->steps_reached + 1,
		     steps(trial->c));
	else if (!seen->nr_hits)
		find(trial, LAB_NOT_REACHED, true, NULL, "no event reached the guest");
}

/* ---- the judgement ---- */

/* The place in gravity[] of the least grave verdict that a rule allows. */
static unsigned mildest(const struct lab_rule *rule)
{
	unsigned i = LAB_VERDICTS - 1;

	while (i > 0 && !allows(rule, gravity[i]))
		i--;
	return i;
}

/*
 * What the rules of all events allow together: what any of them allows, but nothing milder than
 * what one of them demands. The rule that demands most is the one to quote.
 */
static unsigned combine(const struct trial *trial, const struct lab_rule **quoted)
{
	unsigned allowed = 0, limit = LAB_VERDICTS - 1;
	bool any = false;

	*quoted = NULL;
	for (unsigned i = 0; i < trial->nr_events; i++) {
		const struct lab_rule *rule = trial->rules[i];

		if (!trial->events[i].told && !trial->events[i].nested &&
		    !trial->events[i].hit->report.stopped)
			continue;
		any = true;
		allowed |= rule ? rule->allowed : ALL_VERDICTS;
		if (!rule || (*quoted && mildest(rule) >= limit))
			continue;
		*quoted = rule;
		limit = mildest(rule);
	}
	if (!any)
		return 0;
	for (unsigned i = limit + 1; i < LAB_VERDICTS; i++)
		allowed &= ~(1u << gravity[i]);
	return allowed;
}

static void hear(struct trial *trial)
{
	const struct lab_observation *seen = trial->seen;

	kernel_lines_read(seen->console ? seen->console : "", seen->console_length, &trial->lines);
	trial->nr_events = seen->nr_hits < LAB_MAX_HITS ? seen->nr_hits : LAB_MAX_HITS;
	for (unsigned i = 0; i < trial->nr_events; i++) {
		law_event_init(&trial->events[i], seen, i, &trial->lines);
		trial->rules[i] = law_rule(&trial->events[i]);
	}
}

void lab_judge(const struct lab_case *c, const struct lab_observation *seen,
	       struct lab_judgement *judgement)
{
	struct trial trial = { .c = c, .seen = seen };
	const struct finding *best = &trial.best;

	hear(&trial);
	trial.allowed = combine(&trial, &trial.rule);
	look_for_events(&trial);
	look_for_corruption(&trial);
	look_at_end(&trial);
	look_at_deaths(&trial);
	look_for_survivors(&trial);
	look_at_reports(&trial);
	look_for_hang(&trial);
	look_at_interlocks(&trial);
	if (!trial.found)
		find(&trial, LAB_RECOVERED, false, NULL, "it went on, and %u rounds were verified",
		     seen->rounds_after);
	*judgement = (struct lab_judgement){ .verdict = best->verdict,
					     .rule = best->rule ? best->rule : trial.rule,
					     .passed = !best->forbidden };
	memcpy(judgement->why, best->why, sizeof(judgement->why));
}
