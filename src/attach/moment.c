/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fair moment; see moment.h. A guest stopped from outside may be anywhere, including code with
 * MSR[RI]=0. Single steps lead from there out of an interrupt's entry. If the wanted code is not
 * running, breakpoints at the entries of interrupts and system calls give one chance after another:
 * either continue in the kernel until MSR[RI]=1, or break where the interrupted program resumes.
 * Vectors are those of the Power ISA, Book III, with LPCR[AIL].
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/host_time.h"
#include "attach/moment.h"
#include "attach/private.h"
#include "attach/special_registers.h"
#include "isa/interrupt.h"
#include "isa/lpcr.h"

/* From an interrupt's entry to MSR[RI]=1 takes fewer than a hundred steps. */
#define MAX_STEPS      2000
#define QUICK_LOOKS    3
#define QUICK_LOOK_MS  7
#define CHANCES	       16 /* successive tries at interrupt entries */
#define FREE_MS	       20
#define RETURN_LOOK_MS 100
#define NR_ENTRIES     4

struct search {
	struct guest *guest;
	struct gdb *gdb;
	const struct moment_request *request;
	struct moment *moment;
	int64_t deadline;
	uint64_t entries[NR_ENTRIES];
	unsigned at_cpu, at_context, at_unrecoverable; /* why hits at the place were rejected */
};

/* Result of a look at the vCPU. */
enum look {
	FITS,
	UNRECOVERABLE, /* MSR[RI]=0 */
	ELSEWHERE,
	LOOK_FAILED,
};

static unsigned left_ms(const struct search *s)
{
	int64_t left = s->deadline - host_ms();

	return left > 0 ? (unsigned)left : 0;
}

static bool is_wanted(const char *wanted, const struct guest_process *process)
{
	char *end;
	unsigned long pid = strtoul(wanted, &end, 10);

	if (isdigit((unsigned char)*wanted) && !*end)
		return process->tgid == pid || process->pid == pid;
	return !strcmp(process->comm, wanted);
}

/* *@right: no process was asked for, or this is the one. */
static bool right_process(struct search *s, bool *right)
{
	*right = true;
	if (!s->request->process)
		return true;
	if (!guest_current(s->guest, s->request->cpu, &s->moment->process))
		return false;
	s->moment->has_process = true;
	*right = is_wanted(s->request->process, &s->moment->process);
	return true;
}

/*
 * Wakes the vCPU by another vCPU's H_PROD, because the stub alone cannot. *@halted is unchanged if
 * no other vCPU is running code.
 */
static bool wake(struct search *s, bool *halted)
{
	unsigned cpu = s->request->cpu, other = 0;
	bool other_halted = true;

	for (; other < gdb_nr_cpus(s->gdb); other++) {
		if (other != cpu && !gdb_halted(s->gdb, other, &other_halted))
			return false;
		if (other != cpu && !other_halted)
			break;
	}
	if (other == gdb_nr_cpus(s->gdb))
		return true;
	s->moment->idle = true;
	return remote_prod(s->guest, other, cpu) && gdb_halted(s->gdb, cpu, halted);
}

static enum look look(struct search *s)
{
	unsigned cpu = s->request->cpu;
	bool user, right, halted;
	uint64_t msr;

	if (!gdb_read_register(s->gdb, cpu, gdb_registers(s->gdb)->msr, &msr))
		return LOOK_FAILED;
	if (!(msr & MSR_RI))
		return UNRECOVERABLE;
	user = msr & MSR_PR;
	/* A halted vCPU would take the event only once something wakes it. */
	if (!user) {
		if (!gdb_halted(s->gdb, cpu, &halted) ||
		    (halted && s->request->wake && !wake(s, &halted)))
			return LOOK_FAILED;
		if (halted)
			return ELSEWHERE;
	}
	if ((s->request->context == INJECT_USER && !user) ||
	    (s->request->context == INJECT_KERNEL && user))
		return ELSEWHERE;
	if (!right_process(s, &right))
		return LOOK_FAILED;
	return right ? FITS : ELSEWHERE;
}

/* Single-steps out of code with MSR[RI]=0, up to MAX_STEPS. */
static enum look step_out(struct search *s, enum look seen)
{
	for (unsigned i = 0; i < MAX_STEPS && seen == UNRECOVERABLE && left_ms(s); i++) {
		if (!gdb_step(s->gdb, s->request->cpu))
			return LOOK_FAILED;
		s->moment->steps++;
		seen = look(s);
	}
	return seen;
}

/* Runs the guest; *@ours: our vCPU stopped at a breakpoint. False: failed. */
static bool run(struct search *s, unsigned timeout_ms, bool *ours)
{
	enum gdb_stop stop = gdb_run_for(s->gdb, 0, timeout_ms, ours);

	s->moment->stops++;
	if (stop == GDB_ENDED)
		return gdb_fail(s->gdb, "the machine ended before the event");
	*ours = *ours && gdb_stopped_cpu(s->gdb) == s->request->cpu;
	return stop == GDB_STOPPED;
}

/* ---- at a place ---- */

static bool find_at_place(struct search *s)
{
	uint64_t address, local;
	bool found = false, ours;

	if (!guest_place(s->guest, s->request->at, &address, &local) ||
	    !gdb_break(s->gdb, address) || !gdb_break(s->gdb, local))
		return false;
	while (!found && left_ms(s)) {
		enum gdb_stop stop = gdb_run_for(s->gdb, 0, left_ms(s), &ours);
		enum look seen;

		s->moment->stops++;
		if (stop == GDB_ENDED)
			return gdb_fail(s->gdb, "the machine ended before the event");
		if (stop != GDB_STOPPED)
			return false;
		if (!ours)
			break;
		if (gdb_stopped_cpu(s->gdb) != s->request->cpu) {
			s->at_cpu++;
			continue;
		}
		seen = look(s);
		if (seen == LOOK_FAILED)
			return false;
		s->at_unrecoverable += seen == UNRECOVERABLE;
		s->at_context += seen == ELSEWHERE;
		found = seen == FITS;
	}
	if (!gdb_unbreak(s->gdb, address) || !gdb_unbreak(s->gdb, local))
		return false;
	if (found)
		return true;
	if (!s->at_cpu && !s->at_unrecoverable && !s->at_context)
		return gdb_fail(s->gdb, "time limit: no CPU reached %s", s->request->at);
	return gdb_fail(
		s->gdb,
		"time limit: CPU %u did not reach %s as requested (%u times other CPUs did, %u times "
		"with MSR[RI]=0, %u times in another context or process)",
		s->request->cpu, s->request->at, s->at_cpu, s->at_unrecoverable, s->at_context);
}

/* ---- wherever it fits ---- */

static bool break_at_entries(struct search *s)
{
	int reg = gdb_register(s->gdb, "lpcr");
	uint64_t lpcr = LPCR_AIL_3;
	unsigned ail;

	if (reg >= 0 && !gdb_read_register(s->gdb, 0, reg, &lpcr))
		return false;
	ail = (lpcr & LPCR_AIL) == LPCR_AIL_3 ? 3 : 0;
	s->entries[0] = interrupt_address(VECTOR_EXTERNAL, ail);
	s->entries[1] = interrupt_address(VECTOR_DECREMENTER, ail);
	s->entries[2] = interrupt_address(VECTOR_SYSTEM_CALL, ail);
	s->entries[3] = interrupt_address(VECTOR_SCV, ail);
	for (unsigned i = 0; i < NR_ENTRIES; i++) {
		if (!gdb_break(s->gdb, s->entries[i]))
			return false;
	}
	return true;
}

static bool leave_entries(struct search *s)
{
	for (unsigned i = 0; i < NR_ENTRIES; i++) {
		if (!gdb_unbreak(s->gdb, s->entries[i]))
			return false;
	}
	return true;
}

/* Finds where the program resumes after the interrupt or system call. False: failed. */
static bool read_return(struct search *s, uint64_t *nip, bool *to_user)
{
	const struct gdb_registers *r = gdb_registers(s->gdb);
	unsigned cpu = s->request->cpu;
	uint64_t here, srr1;

	if (!gdb_read_register(s->gdb, cpu, r->nip, &here))
		return false;
	if (here == s->entries[3]) { /* scv saves in LR and CTR */
		*to_user = true;
		return gdb_read_register(s->gdb, cpu, r->lr, nip);
	}
	if (!remote_spr_read(s->guest, cpu, SPR_SRR1, &srr1))
		return false;
	*to_user = srr1 & MSR_PR;
	return remote_spr_read(s->guest, cpu, SPR_SRR0, nip);
}

/*
 * Waits until user code resumes. A program that waits for something will not be back soon: its CPU
 * is then idle or runs another process. Elapsed time says nothing, because a busy host may have
 * given the guest none.
 */
static enum look wait_for_user(struct search *s)
{
	while (left_ms(s)) {
		bool ours, halted, right;
		enum look seen;

		if (!run(s, RETURN_LOOK_MS, &ours))
			return LOOK_FAILED;
		seen = look(s);
		if (seen == FITS || seen == LOOK_FAILED)
			return seen;
		if (!gdb_halted(s->gdb, s->request->cpu, &halted) || !right_process(s, &right))
			return LOOK_FAILED;
		if (halted || !right)
			break;
	}
	return ELSEWHERE;
}

/* Our vCPU is at an entry: if user code resumes from here, run until it does. */
static enum look follow_to_user(struct search *s)
{
	enum look seen;
	bool to_user, right;
	uint64_t back;

	if (!right_process(s, &right) || !read_return(s, &back, &to_user))
		return LOOK_FAILED;
	if (!to_user || !right)
		return ELSEWHERE;
	if (!leave_entries(s) || !gdb_break(s->gdb, back))
		return LOOK_FAILED;
	seen = wait_for_user(s);
	if (seen == LOOK_FAILED || !gdb_unbreak(s->gdb, back) ||
	    (seen != FITS && !break_at_entries(s)))
		return LOOK_FAILED;
	return seen;
}

/* Tries some entries. If this returns FITS for user mode, their breakpoints are gone. */
static enum look try_entries(struct search *s)
{
	enum look seen = ELSEWHERE;

	if (!break_at_entries(s))
		return LOOK_FAILED;
	for (unsigned i = 0; i < CHANCES && left_ms(s); i++) {
		bool ours;

		if (!run(s, left_ms(s), &ours))
			return LOOK_FAILED;
		if (!ours)
			continue;
		if (s->request->context == INJECT_USER)
			seen = follow_to_user(s);
		else
			seen = step_out(s, UNRECOVERABLE);
		if (seen == LOOK_FAILED || (seen == FITS && s->request->context == INJECT_USER))
			return seen;
		if (seen == FITS)
			break;
	}
	return leave_entries(s) ? seen : LOOK_FAILED;
}

/* A guest that stops at every interrupt may make no progress, so it runs freely in between. */
static enum look find_from_entries(struct search *s)
{
	enum look seen = ELSEWHERE;

	while (seen != FITS && seen != LOOK_FAILED && left_ms(s)) {
		bool ours;

		seen = try_entries(s);
		if (seen == FITS || seen == LOOK_FAILED)
			break;
		if (!run(s, FREE_MS, &ours))
			return LOOK_FAILED;
		seen = step_out(s, look(s));
	}
	return seen;
}

static bool find_anywhere(struct search *s)
{
	enum look seen = step_out(s, look(s));

	for (unsigned i = 0; i < QUICK_LOOKS && seen == ELSEWHERE && left_ms(s); i++) {
		bool ours;

		if (!run(s, QUICK_LOOK_MS, &ours))
			return false;
		seen = step_out(s, look(s));
	}
	if (seen != FITS && seen != LOOK_FAILED)
		seen = find_from_entries(s);
	if (seen == FITS)
		return true;
	if (seen == LOOK_FAILED)
		return false;
	return gdb_fail(s->gdb, "time limit: CPU %u reached no suitable instruction",
			s->request->cpu);
}

/* Fails for a secondary CPU that the guest has not started yet. */
static bool is_started(struct search *s)
{
	bool halted;
	uint64_t msr;

	if (!gdb_halted(s->gdb, s->request->cpu, &halted) ||
	    !gdb_read_register(s->gdb, s->request->cpu, gdb_registers(s->gdb)->msr, &msr))
		return false;
	s->moment->idle = halted;
	s->moment->not_started = halted && !(msr & MSR_EE);
	return !s->moment->not_started ||
	       gdb_fail(s->gdb, "CPU %u is stopped: the guest has not started it", s->request->cpu);
}

bool moment_find(struct guest *guest, const struct moment_request *request, struct moment *moment)
{
	struct search s = {
		.guest = guest,
		.gdb = guest->gdb,
		.request = request,
		.moment = moment,
		.deadline = host_ms() + request->timeout_ms,
	};
	uint64_t start = host_ns();
	bool ok, halted;

	*moment = (struct moment){ 0 };
	if (!is_started(&s))
		return false;
	if (request->now)
		return !request->wake || !moment->idle || wake(&s, &halted);
	moment->idle = false;
	ok = request->at ? find_at_place(&s) : find_anywhere(&s);
	moment->took_ns = host_ns() - start;
	return ok;
}
