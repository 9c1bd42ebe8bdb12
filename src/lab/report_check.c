/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the report of each machine check, and what it gets wrong; see report_check.h. Two habits of
 * Linux's are no errors: an address that the log does not have may be left from an earlier event
 * (save_mce_event() keeps what the slot had), and an effective address that equals NIP is not
 * printed (machine_check_print_event_info()).
 */
#include "lab/report_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NO_REPORT UINT32_MAX

struct matching {
	const struct law_event *events;
	unsigned nr_events;
	const struct kernel_lines *lines;
	unsigned nr_mces;
	bool taken[KERNEL_MAX_REPORTS];
	bool repeats[KERNEL_MAX_REPORTS]; /* word for word an earlier one of its CPU's */
	unsigned of[LAB_MAX_HITS]; /* event to report */
	bool replaced[LAB_MAX_HITS]; /* by a repeated report of another one */
};

__attribute__((format(printf, 2, 3))) static void complain(struct report_check *check,
							   const char *format, ...)
{
	va_list ap;

	if (check->misreported)
		return;
	check->misreported = true;
	va_start(ap, format);
	vsnprintf(check->why, sizeof(check->why), format, ap);
	va_end(ap);
}

static bool is_reportable(const struct law_event *event)
{
	return event->told && !event->hit->report.system_reset && event->hit->report.registered;
}

/* How well a report fits an event; 0: not at all. */
static unsigned fit(const struct law_event *event, const struct kernel_mce *mce)
{
	const struct injection_report *report = &event->hit->report;
	const bool same_cpu = !mce->has_cpu || mce->cpu == report->vcpu;
	const bool same_nip = mce->has_nip && mce->nip == report->nip;

	if (mce->at < event->hit->console_at)
		return 0;
	return 1 + !strcmp(mce->what, event->what) + 4 * same_nip + 8 * same_cpu;
}

static bool same_cpu(const struct kernel_mce *a, const struct kernel_mce *b)
{
	return a->has_cpu == b->has_cpu && a->cpu == b->cpu;
}

static bool same_report(const struct kernel_mce *a, const struct kernel_mce *b)
{
	return same_cpu(a, b) && a->has_nip && b->has_nip && a->nip == b->nip &&
	       !strcmp(a->what, b->what) && !strcmp(a->severity, b->severity) &&
	       a->recovered == b->recovered && a->has_dar == b->has_dar && a->dar == b->dar &&
	       a->has_paddr == b->has_paddr && a->paddr == b->paddr &&
	       a->has_process == b->has_process && !strcmp(a->initiator, b->initiator);
}

static void find_repeats(struct matching *m)
{
	for (unsigned j = 1; j < m->nr_mces; j++)
		for (unsigned k = 0; k < j && !m->repeats[j]; k++)
			m->repeats[j] = same_report(&m->lines->mces[j], &m->lines->mces[k]);
}

/* May this report be the event's? What repeats another is of no event elsewhere. */
static bool may_be_of(const struct matching *m, unsigned j, const struct law_event *event,
		      unsigned least)
{
	const struct kernel_mce *mce = &m->lines->mces[j];

	return !m->taken[j] && fit(event, mce) >= least &&
	       (!m->repeats[j] || !event->behind || mce->nip == event->hit->report.nip);
}

/* Give each event its best report: those of the right CPU and NIP first. */
static void match(struct matching *m)
{
	for (unsigned i = 0; i < m->nr_events; i++)
		m->of[i] = NO_REPORT;
	for (unsigned least = 14; least > 0; least--) {
		for (unsigned i = 0; i < m->nr_events; i++) {
			if (m->of[i] != NO_REPORT || !is_reportable(&m->events[i]))
				continue;
			for (unsigned j = 0; j < m->nr_mces; j++) {
				if (!may_be_of(m, j, &m->events[i], least))
					continue;
				m->taken[j] = true;
				m->of[i] = j;
				break;
			}
		}
	}
}

/* Did an earlier event on its CPU leave an address in the slot? */
static bool may_be_stale(const struct matching *m, unsigned i, uint64_t address)
{
	for (unsigned j = 0; j < i; j++) {
		const struct fwnmi_mc_section *mc = &m->events[j].mc;

		if (m->events[j].hit->report.vcpu != m->events[i].hit->report.vcpu)
			continue;
		if (mc->effective_address_valid && mc->effective_address == address)
			return true;
		if (mc->logical_address_valid && mc->logical_address == address)
			return true;
	}
	return false;
}

static void check_addresses(const struct matching *m, unsigned i, const struct kernel_mce *mce,
			    struct report_check *check)
{
	const struct law_event *event = &m->events[i];
	const uint64_t ea = event->mc.effective_address, la = event->mc.logical_address;
	const bool has_ea = event->has_mc && event->mc.effective_address_valid && ea;

	if (has_ea && ea != event->hit->report.nip && !mce->has_dar)
		complain(check, "Linux printed no DAR, the log has 0x%llx", (unsigned long long)ea);
	else if (has_ea && mce->has_dar && mce->dar != ea)
		complain(check, "Linux printed DAR 0x%llx, the log has 0x%llx",
			 (unsigned long long)mce->dar, (unsigned long long)ea);
	else if (!has_ea && mce->has_dar && !may_be_stale(m, i, mce->dar))
		complain(check, "Linux printed DAR 0x%llx, the log has none",
			 (unsigned long long)mce->dar);
	/* Without a real address in the log, Linux looks one up. */
	if (!has_ea || !event->mc.logical_address_valid)
		return;
	if (la && !mce->has_paddr)
		complain(check, "Linux printed no paddr, the log has 0x%llx",
			 (unsigned long long)la);
	else if (mce->has_paddr && mce->paddr != la)
		complain(check, "Linux printed paddr 0x%llx, the log has 0x%llx",
			 (unsigned long long)mce->paddr, (unsigned long long)la);
}

static void check_place(const struct law_event *event, const struct kernel_mce *mce,
			struct report_check *check)
{
	const struct lab_hit *hit = event->hit;

	if (mce->has_cpu && mce->cpu != hit->report.vcpu)
		complain(check, "Linux reported it of CPU %u, it was CPU %u", mce->cpu,
			 hit->report.vcpu);
	if (mce->has_nip && mce->nip != hit->report.nip)
		complain(check, "Linux printed NIP 0x%llx, it was 0x%llx",
			 (unsigned long long)mce->nip, (unsigned long long)hit->report.nip);
	if (mce->has_nip && mce->has_process != event->user)
		complain(check, "Linux reported it as of %s mode, it was %s mode",
			 mce->has_process ? "user" : "kernel", event->user ? "user" : "kernel");
	if (mce->has_process && hit->process[0] && strcmp(mce->process.comm, hit->process) != 0)
		complain(check, "Linux reported it of process %s, it was %s", mce->process.comm,
			 hit->process);
}

static void check_one(const struct matching *m, unsigned i, struct report_check *check)
{
	const struct law_event *event = &m->events[i];
	const struct kernel_mce *mce = &m->lines->mces[m->of[i]];
	const bool recovered = event->handled && event->recoverable;

	if (strcmp(mce->what, event->what) != 0)
		complain(check, "Linux reported \"%s\", the log says \"%s\"", mce->what,
			 event->what);
	check_place(event, mce, check);
	if (strcmp(mce->severity, event->severity_word) != 0)
		complain(check, "Linux reported severity %s, the log's is %s", mce->severity,
			 event->severity_word);
	/* A UE with a fixup counts as recovered; whether there is one may not be known. */
	if (mce->recovered != recovered && !event->hit->fixup)
		complain(check, "Linux reported it as %s, it was%s",
			 mce->recovered ? "recovered" : "not recovered", recovered ? "" : " not");
	if (mce->initiator[0] && strcmp(mce->initiator, event->initiator_word) != 0)
		complain(check, "Linux reported initiator %s, the log's is %s", mce->initiator,
			 event->initiator_word);
	check_addresses(m, i, mce, check);
}

/*
 * While Linux prints an event from its queue, the next one gets the place behind it. Then Linux
 * takes off that one, and prints the first again: a repeated report stands for an event that has
 * none (machine_check_process_queued_event()).
 */
static bool stands_for_one(struct matching *m, const struct kernel_mce *mce)
{
	for (unsigned i = 0; i < m->nr_events; i++) {
		const struct law_event *event = &m->events[i];

		if (!event->behind || m->of[i] != NO_REPORT || m->replaced[i] ||
		    (mce->has_cpu && event->hit->report.vcpu != mce->cpu))
			continue;
		m->replaced[i] = true;
		return true;
	}
	return false;
}

/* Linux prints one Oops for several CPUs. */
static bool is_place_of_reset(const struct law_event *events, unsigned nr_events, uint64_t nip)
{
	for (unsigned i = 0; i < nr_events; i++)
		if (events[i].hit->report.system_reset && events[i].hit->report.nip == nip)
			return true;
	return false;
}

static void check_resets(const struct law_event *events, unsigned nr_events,
			 const struct kernel_lines *lines, struct report_check *check)
{
	for (unsigned i = 0; i < lines->nr_oopses && i < KERNEL_MAX_OOPSES; i++) {
		const struct kernel_oops *oops = &lines->oopses[i];

		if (!strcmp(oops->text, "System Reset") && oops->has_nip &&
		    !is_place_of_reset(events, nr_events, oops->nip))
			complain(check,
				 "Linux printed NIP 0x%llx of a system reset, none was there",
				 (unsigned long long)oops->nip);
	}
}

void report_check(const struct law_event *events, unsigned nr_events,
		  const struct kernel_lines *lines, struct report_check *check)
{
	struct matching m = { .events = events, .nr_events = nr_events, .lines = lines };

	memset(check, 0, sizeof(*check));
	m.nr_mces = lines->nr_mces < KERNEL_MAX_REPORTS ? lines->nr_mces : KERNEL_MAX_REPORTS;
	find_repeats(&m);
	match(&m);
	for (unsigned i = 0; i < nr_events; i++) {
		check->reported[i] = m.of[i] != NO_REPORT;
		if (check->reported[i])
			check_one(&m, i, check);
	}
	for (unsigned j = 0; j < m.nr_mces; j++)
		if (!m.taken[j] && !(m.repeats[j] && stands_for_one(&m, &lines->mces[j])))
			complain(check, "Linux reported a machine check that nobody sent: \"%s\"",
				 lines->mces[j].what);
	check_resets(events, nr_events, lines, check);
}
