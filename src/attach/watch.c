/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The outcome of an event; see watch.h. PAPR's RTAS argument buffer holds big-endian words: token,
 * number of arguments, number of returns, arguments, returns.
 */
#include <inttypes.h>
#include <string.h>

#include "base/host_time.h"
#include "attach/private.h"
#include "attach/watch.h"

/* A handler may have disabled facilities for lazy reload; that still counts as the same place. */
#define MSR_FACILITIES (MSR_FP | MSR_VEC | MSR_VSX | MSR_FE0 | MSR_FE1)

bool watch_remember(struct gdb *gdb, unsigned cpu, struct watch_before *before)
{
	const struct gdb_registers *r = gdb_registers(gdb);

	for (unsigned i = 0; i < 32; i++) {
		if (!gdb_read_register(gdb, cpu, r->gpr[i], &before->gpr[i]))
			return false;
	}
	return gdb_read_register(gdb, cpu, r->msr, &before->msr) &&
	       gdb_read_register(gdb, cpu, r->nip, &before->nip);
}

/* Back means the same NIP, the same mode and the same registers. */
static bool came_back(struct gdb *gdb, unsigned cpu, const struct watch_before *before, bool *back)
{
	const struct gdb_registers *r = gdb_registers(gdb);
	uint64_t value;

	*back = false;
	if (!gdb_read_register(gdb, cpu, r->nip, &value))
		return false;
	if (value != before->nip)
		return true;
	if (!gdb_read_register(gdb, cpu, r->msr, &value))
		return false;
	if ((value ^ before->msr) & ~MSR_FACILITIES)
		return true;
	for (unsigned i = 0; i < 32; i++) {
		if (!gdb_read_register(gdb, cpu, r->gpr[i], &value))
			return false;
		if (value != before->gpr[i])
			return true;
	}
	*back = true;
	return true;
}

bool watch_rtas(struct guest *guest, unsigned cpu, struct watch_rtas_call *call, bool *is_call)
{
	const struct gdb_registers *r = gdb_registers(guest->gdb);
	uint8_t raw[4 * (3 + 16)];
	uint64_t nip, msr;
	bool there;

	*is_call = false;
	if (!gdb_read_register(guest->gdb, cpu, r->nip, &nip) ||
	    !gdb_read_register(guest->gdb, cpu, r->msr, &msr))
		return false;
	if (nip != guest->rtas_entry || msr & MSR_IR)
		return true;
	if (!gdb_read_register(guest->gdb, cpu, r->gpr[3], &call->buffer) ||
	    !gdb_read_memory(guest->gdb, call->buffer, raw, sizeof(raw), &there))
		return false;
	if (!there)
		return true;
	call->token = (uint32_t)remote_number(raw, 4, false);
	call->nr_args = (uint32_t)remote_number(raw + 4, 4, false);
	call->nr_rets = (uint32_t)remote_number(raw + 8, 4, false);
	for (unsigned i = 0; i < 16; i++)
		call->args[i] = (uint32_t)remote_number(raw + 12 + 4 * i, 4, false);
	*is_call = true;
	return true;
}

struct watch {
	struct host *host;
	struct gdb *gdb;
	unsigned cpu;
	const struct watch_before *before;
	struct watch_outcome *out;
	bool wait_interlock;
	int waiting;
	uint64_t start_ns;
	const struct guest_process *process; /* or NULL */
	uint64_t exit, local_exit; /* Linux's do_exit(), if there is a process */
};

static uint64_t elapsed(const struct watch *w)
{
	return gdb_ran_ns(w->gdb) - w->start_ns;
}

/* Steps one instruction: this shows that the routine is code and that the vCPU executes it. */
static bool enter(struct watch *w)
{
	const struct gdb_registers *r = gdb_registers(w->gdb);
	uint64_t routine, nip;
	bool halted;

	if (!gdb_halted(w->gdb, w->cpu, &halted) ||
	    !gdb_read_register(w->gdb, w->cpu, r->nip, &routine))
		return false;
	if (halted) /* it enters when it wakes */
		return true;
	if (!gdb_step(w->gdb, w->cpu) || !gdb_read_register(w->gdb, w->cpu, r->nip, &nip))
		return false;
	/* A branch target or the next instruction, but not an interrupt vector. */
	w->out->entered = nip != routine && (nip == routine + 4 || nip % 0x80 || nip >= 0x1000);
	return true;
}

/* The vCPU that waited has the buffer now. */
static bool deliver_waiting(struct watch *w)
{
	const unsigned cpu = (unsigned)w->waiting;
	struct host *host = w->host;
	struct fwnmi_outcome outcome;
	struct fwnmi_regs regs;

	if (!host_get_regs(host, cpu, &regs))
		return false;
	if (fwnmi_resume(host->fwnmi, cpu, &regs, &outcome) != 0 ||
	    outcome.entry != FWNMI_ENTRY_ROUTINE)
		return gdb_fail(w->gdb, "the machine check that waited cannot be delivered");
	if (!host_deliver(host, cpu, &outcome))
		return false;
	host->unwatched = true;
	w->out->second = w->waiting;
	w->out->second_entry =
		(struct watch_entry){ .nip = outcome.regs.nip, .r3 = outcome.regs.gpr3 };
	w->waiting = -1;
	return true;
}

static bool take_interlock(struct watch *w)
{
	struct host *host = w->host;

	if (fwnmi_interlock(host->fwnmi, w->cpu) != FWNMI_RELEASED)
		return true; /* it holds nothing: the routine called it twice */
	host->unwatched = false;
	w->out->entered = w->out->interlocked = true;
	w->out->interlock_ns = elapsed(w);
	if (w->waiting >= 0 && host->kicked >> w->waiting & 1) {
		host->kicked = 0;
		if (!deliver_waiting(w))
			return false;
	}
	return true;
}

/* The interrupted process may have moved to another vCPU. */
static bool look_at_exit(struct watch *w, unsigned cpu)
{
	struct guest_process current;
	uint64_t nip;

	if (!w->process)
		return true;
	if (!gdb_read_register(w->gdb, cpu, gdb_registers(w->gdb)->nip, &nip))
		return false;
	if (nip != w->exit && nip != w->local_exit)
		return true;
	if (!guest_current(w->host->guest, cpu, &current))
		return false;
	w->out->exited = current.task == w->process->task;
	return true;
}

static bool look_at_stop(struct watch *w)
{
	unsigned cpu = gdb_stopped_cpu(w->gdb);
	struct watch_rtas_call call;
	bool is_call, back;

	if (!watch_rtas(w->host->guest, cpu, &call, &is_call))
		return false;
	if (is_call && call.token == w->host->guest->nmi_interlock) {
		if (cpu == w->cpu)
			return take_interlock(w);
		if (w->out->second == (int)cpu)
			w->host->unwatched = fwnmi_interlock(w->host->fwnmi, cpu) != FWNMI_RELEASED;
	}
	if (is_call && call.token && call.token == w->host->guest->os_term)
		w->out->terminated = true;
	if (!look_at_exit(w, cpu))
		return false;
	if (cpu != w->cpu)
		return true;
	if (!came_back(w->gdb, cpu, w->before, &back))
		return false;
	if (back) {
		w->out->returned = true;
		w->out->return_ns = elapsed(w);
	}
	return true;
}

static bool is_over(const struct watch *w)
{
	if (w->out->terminated)
		return true;
	if (w->out->second >= 0)
		return fwnmi_owner(w->host->fwnmi) != w->out->second;
	return w->waiting < 0 && (w->out->returned || w->out->exited) &&
	       (w->out->interlocked || !w->wait_interlock);
}

static bool set_breakpoints(struct watch *w)
{
	struct guest *guest = w->host->guest;
	uint64_t linked;

	if (w->process && (!guest->symbols || !symbols_find(guest->symbols, "do_exit", &linked)))
		w->process = NULL;
	return gdb_break(w->gdb, guest->rtas_entry) && gdb_break(w->gdb, w->before->nip) &&
	       (!w->process || (guest_place(guest, "do_exit", &w->exit, &w->local_exit) &&
				gdb_break(w->gdb, w->exit) && gdb_break(w->gdb, w->local_exit)));
}

static bool remove_breakpoints(struct watch *w)
{
	return gdb_unbreak(w->gdb, w->host->guest->rtas_entry) &&
	       gdb_unbreak(w->gdb, w->before->nip) &&
	       (!w->process ||
		(gdb_unbreak(w->gdb, w->exit) && gdb_unbreak(w->gdb, w->local_exit)));
}

bool watch_event(struct host *host, unsigned cpu, const struct watch_before *before,
		 bool wait_interlock, int waiting, unsigned timeout_ms, unsigned return_ms,
		 const struct guest_process *process, struct watch_outcome *outcome)
{
	struct watch w = {
		.host = host,
		.gdb = host->gdb,
		.cpu = cpu,
		.before = before,
		.out = outcome,
		.wait_interlock = wait_interlock,
		.waiting = waiting,
		.start_ns = gdb_ran_ns(host->gdb),
		.process = process,
	};
	bool in_interlock_time = wait_interlock;
	int64_t deadline = host_ms() + (wait_interlock ? timeout_ms : return_ms);

	*outcome = (struct watch_outcome){ .second = -1 };
	if (!enter(&w) || !set_breakpoints(&w))
		return false;
	while (!is_over(&w)) {
		int64_t left = deadline - host_ms();
		bool at_breakpoint;
		enum gdb_stop stop;

		if (left <= 0)
			break;
		stop = gdb_run_for(w.gdb, w.waiting >= 0 ? 1ull << w.waiting : 0, (unsigned)left,
				   &at_breakpoint);
		if (stop == GDB_ENDED) {
			outcome->ended = true;
			return true;
		}
		if (stop != GDB_STOPPED || (at_breakpoint && !look_at_stop(&w)))
			return false;
		if (in_interlock_time && outcome->interlocked) {
			in_interlock_time = false;
			deadline = host_ms() + return_ms;
		}
	}
	return remove_breakpoints(&w);
}
