/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns an address and an event into a report; see session.h. The steps: connect (which stops the
 * guest), find out where everything is, wait for a fair moment, deliver through libfwnmi, watch,
 * leave.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fwnmi/mce.h>

#include "base/host_time.h"
#include "attach/confined.h"
#include "gdb/link.h"
#include "attach/moment.h"
#include "attach/private.h"
#include "attach/session.h"
#include "attach/watch.h"

/*
 * The part of the user's time limit during which we watch for the vCPU to return. A guest that
 * takes a system reset as a request to dump does not return.
 */
#define RETURN_PART	  2
#define RESET_RETURN_PART 10
/* How often attach checks whether the guest's kernel has started. */
#define LOOK_MS		  4

/*
 * What the confined process hands over: this struct, then the new contents of the state file, then
 * the report as JSON.
 */
struct handover {
	uint8_t ok, delivered, interlocked, not_started;
	uint8_t page_7, seen;
	struct {
		uint8_t valid, severity, disposition, initiator, has_mc;
		uint8_t error_type, error_subtype, transient;
		uint8_t effective_address_valid, logical_address_valid;
		uint64_t effective_address, logical_address;
	} log; /* struct injection_log */
	uint32_t nr_cpus, rtas_size;
	uint64_t system_reset, machine_check, rtas_base;
	double waited_ms;
	uint32_t state_size, report_size;
	char problem[256];
};

struct session {
	const struct remote_options *options;
	const struct host_file *file;
	uint8_t *state; /* for the state file, or NULL */
	size_t state_size;
	struct gdb *gdb;
	struct guest guest;
	struct host host;
	bool forget;
	char *problem;
	size_t problem_size;
};

/* ---- Ctrl-C and the like must not leave the guest stopped ---- */

static volatile sig_atomic_t interrupted;
static const int end_signals[] = { SIGINT, SIGTERM, SIGHUP };
#define NR_END_SIGNALS (sizeof(end_signals) / sizeof(end_signals[0]))

static void on_signal(int number)
{
	interrupted = number;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal }, old;

	interrupted = 0;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < NR_END_SIGNALS; i++) {
		sigaction(end_signals[i], NULL, &old);
		if (old.sa_handler != SIG_IGN)
			sigaction(end_signals[i], &action, NULL);
	}
}

/* ---- a session ---- */

static bool begin(struct session *s, const struct remote_options *options,
		  const struct host_file *file, int link, char *problem, size_t problem_size)
{
	*s = (struct session){
		.options = options,
		.file = file,
		.forget = options->forget,
		.problem = problem,
		.problem_size = problem_size,
	};
	problem[0] = '\0';
	if (!guest_open(&s->guest, &options->guest, problem, problem_size) ||
	    (options->confine && !options->confine(problem, problem_size)))
		return false;
	s->gdb = s->guest.gdb = gdb_open(options->gdb, link, &interrupted, problem, problem_size);
	return s->gdb;
}

/* Leaves the guest running; keeps the first error as the problem. */
static void finish(struct session *s)
{
	char error[200];

	guest_close(&s->guest);
	host_close(&s->host);
	if (!s->gdb)
		return;
	snprintf(error, sizeof(error), "%s", gdb_error(s->gdb));
	if (!gdb_close(s->gdb) && !error[0])
		snprintf(error, sizeof(error), "the stub does not resume the guest");
	if (error[0] && !s->problem[0])
		snprintf(s->problem, s->problem_size, "%s", error);
}

static bool save(struct session *s)
{
	free(s->state);
	s->state = host_save(&s->host, &s->state_size);
	return s->state;
}

static bool refuse(struct session *s, const char *why)
{
	return gdb_fail(s->gdb, "%s", why);
}

/* The kernel file, if given, must match the running kernel. */
static bool find_kernel(struct session *s)
{
	if (!s->guest.symbols)
		return true;
	switch (guest_find_kernel(&s->guest)) {
	case GUEST_FOUND:
		return true;
	case GUEST_NOT_YET:
		return refuse(s, "the guest has not registered: its kernel has not started yet");
	case GUEST_WRONG_KERNEL:
		return gdb_fail(s->gdb,
				"%s is not the kernel that the guest runs, or that has not "
				"started yet",
				s->options->guest.kernel);
	case GUEST_FAILED:
		break;
	}
	return false;
}

static bool open_host(struct session *s)
{
	if (s->guest.rtas_size > 1u << 20)
		return refuse(s, "the RTAS area is larger than 1 MiB");
	return host_open(&s->host, &s->guest, s->file, s->forget) != HOST_FAILED;
}

static bool find_rtas(struct session *s)
{
	enum guest_found found = guest_find_rtas(&s->guest);

	if (found == GUEST_NOT_YET)
		return refuse(s,
			      "no device tree with an RTAS area in guest memory: start the guest "
			      "first, or give the area: --rtas BASE");
	return found == GUEST_FOUND;
}

static bool find_routines(struct session *s)
{
	const struct guest_options *o = &s->options->guest;
	uint64_t system_reset = o->system_reset, machine_check = o->machine_check;

	if (!o->has_handlers) {
		if (!s->guest.symbols)
			return fwnmi_registered(s->host.fwnmi, NULL, NULL) ||
			       refuse(s,
				      "the guest's routines are unknown: give its kernel (--kernel "
				      "VMLINUX) or their addresses (--handlers SRESET,MCHECK), or run "
				      "fwnmi attach while it boots");
		switch (guest_find_routines(&s->guest, &system_reset, &machine_check)) {
		case GUEST_FOUND:
			break;
		case GUEST_FAILED:
			return false;
		default:
			return refuse(s, "the guest has not registered for FWNMI yet");
		}
	}
	return host_register(&s->host, 0, system_reset, machine_check, false);
}

/* ---- inject ---- */

/* Has the vCPU left the routine it last entered? Nobody watched it. */
static bool has_left_routine(struct session *s, unsigned cpu, bool *left)
{
	bool halted;
	uint64_t msr;

	*left = false;
	if (!gdb_halted(s->gdb, cpu, &halted) ||
	    !gdb_read_register(s->gdb, cpu, gdb_registers(s->gdb)->msr, &msr))
		return false;
	*left = halted || msr & (MSR_PR | MSR_EE);
	return true;
}

/* Applies the rules of the machine check buffer before anything is changed. */
static bool check_buffer(struct session *s, const struct injection_request *in)
{
	int owner = fwnmi_owner(s->host.fwnmi);
	bool left;

	if (in->system_reset || owner < 0)
		return true;
	if (s->host.unwatched) {
		if (!has_left_routine(s, (unsigned)owner, &left))
			return false;
		if (left) {
			fwnmi_interlock(s->host.fwnmi, (unsigned)owner);
			s->host.unwatched = false;
			return true;
		}
	}
	if (s->options->nested)
		return true;
	return gdb_fail(
		s->gdb,
		"CPU %d has not called ibm,nmi-interlock for its last machine check: use --nested "
		"to inject anyway, or --forget if the guest has rebooted",
		owner);
}

/*
 * Fills in what is known only now: the interrupted instruction, and the bits that the processor
 * would have set.
 */
static void complete(struct session *s, struct injection_request *in,
		     const struct watch_before *before)
{
	if (in->effective_address_is_nip) {
		in->mc.effective_address = before->nip;
		in->mc.effective_address_valid = true;
	}
	/* For an error that this processor does not know, no such bits are set. */
	fwnmi_mce_synthesise(host_pvr(&s->host, in->vcpu), &in->mc);
}

static json_t *address(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

static json_t *microseconds(uint64_t ns)
{
	return json_real((double)ns / 1000);
}

/* Reads as much of the log behind R3 as is allowed; anything that is not a log is not reported. */
static bool read_log(struct session *s, uint64_t r3, struct injection_log *log)
{
	uint8_t bytes[FWNMI_ERRLOG_MAX];
	uint64_t length = FWNMI_ERRLOG_FIXED_SIZE;
	bool there;

	if (!gdb_read_memory(s->gdb, r3 + 8, bytes, length, &there))
		return false;
	if (!there)
		return true;
	length += remote_number(bytes + 4, 4, false);
	if (length > sizeof(bytes))
		length = sizeof(bytes);
	if (!gdb_read_memory(s->gdb, r3 + 8, bytes, length, &there))
		return false;
	if (there)
		injection_log_decode(log, bytes, length);
	return true;
}

static bool report_delivery(struct session *s, const struct injection_request *in,
			    const struct watch_before *before, const struct moment *moment,
			    const struct watch_entry *entry, struct remote_outcome *out)
{
	out->delivered = true;
	out->report =
		json_pack("{s:s, s:i, s:o, s:o, s:s, s:b, s:b, s:o, s:o, s:{s:o, s:i, s:i}}",
			  "kind", in->system_reset ? "system-reset" : "machine-check", "cpu-index",
			  (int)in->vcpu, "nip", address(before->nip), "msr", address(before->msr),
			  "context", before->msr & MSR_PR ? "user" : "kernel", "idle", moment->idle,
			  "registered", true, "handler", address(entry->nip), "r3",
			  address(entry->r3), "moment", "took-us", microseconds(moment->took_ns),
			  "stops", (int)moment->stops, "steps", (int)moment->steps);
	if (moment->has_process)
		json_object_set_new(out->report, "process",
				    json_pack("{s:i, s:s}", "pid", (int)moment->process.tgid,
					      "name", moment->process.comm));
	json_object_set_new(out->report, "recoverable", json_boolean(before->msr & MSR_RI));
	return in->system_reset || read_log(s, entry->r3, &out->log);
}

static void report_outcome(const struct watch_outcome *w, struct remote_outcome *out)
{
	json_object_set_new(out->report, "entered", json_boolean(w->entered));
	if (w->interlocked)
		json_object_set_new(out->report, "interlock",
				    json_pack("{s:o}", "host-us", microseconds(w->interlock_ns)));
	out->interlocked = w->interlocked;
	json_object_set_new(out->report, "returned", json_boolean(w->returned));
	if (w->exited)
		json_object_set_new(out->report, "process-ended", json_true());
	if (w->terminated)
		json_object_set_new(out->report, "guest-ended", json_true());
	if (w->returned)
		json_object_set_new(out->report, "return",
				    json_pack("{s:o}", "host-us", microseconds(w->return_ns)));
	if (w->second >= 0)
		json_object_set_new(out->report, "then-cpu", json_integer(w->second));
}

/* The stub's machine has no other reboot policy than this. */
static bool end_partition(struct session *s, enum fwnmi_end_reason reason,
			  struct remote_outcome *out)
{
	if (!gdb_monitor(s->gdb, "system_reset"))
		return false;
	snprintf(out->problem, sizeof(out->problem), "%s, which ends the partition: QEMU resets it",
		 fwnmi_end_reason_text(reason));
	fwnmi_reset(s->host.fwnmi);
	return true;
}

static unsigned return_ms(const struct injection_request *in)
{
	return in->timeout_ms / (in->system_reset ? RESET_RETURN_PART : RETURN_PART);
}

static bool watch(struct session *s, const struct injection_request *in,
		  const struct watch_before *before, const struct moment *moment,
		  struct remote_outcome *out)
{
	struct watch_outcome w;
	bool ok = watch_event(&s->host, in->vcpu, before, !in->system_reset, -1, in->timeout_ms,
			      return_ms(in), moment->has_process ? &moment->process : NULL, &w);

	report_outcome(&w, out);
	if (w.ended)
		snprintf(out->problem, sizeof(out->problem), "the machine ended");
	else if (ok && !in->system_reset && !w.interlocked && w.terminated)
		snprintf(out->problem, sizeof(out->problem),
			 "the guest called ibm,os-term instead of ibm,nmi-interlock");
	else if (ok && !in->system_reset && !w.interlocked)
		snprintf(out->problem, sizeof(out->problem),
			 "time limit: the guest did not call ibm,nmi-interlock");
	/* Set if the watch failed before it saw the interlock. */
	s->host.unwatched = !ok && !w.interlocked;
	return ok;
}

/*
 * Another vCPU holds the buffer. Our vCPU stays stopped until that one calls the interlock; if it
 * does not, the machine check is withdrawn. False: nothing was delivered.
 */
static bool wait_for_buffer(struct session *s, const struct injection_request *in,
			    struct watch_entry *entry, struct remote_outcome *out)
{
	int owner = fwnmi_owner(s->host.fwnmi);
	struct watch_before nothing = { .nip = s->guest.rtas_entry };
	struct watch_outcome w;
	bool ok = watch_event(&s->host, (unsigned)owner, &nothing, true, (int)in->vcpu,
			      in->timeout_ms, in->timeout_ms, NULL, &w);

	if (w.second < 0) {
		fwnmi_withdraw(s->host.fwnmi, in->vcpu);
		return w.ended ? refuse(s, "the machine ended before the event") :
				 ok && gdb_fail(s->gdb,
						"time limit: CPU %d, which holds the machine check "
						"buffer, does not call ibm,nmi-interlock",
						owner);
	}
	*entry = w.second_entry;
	out->interlocked = ok && fwnmi_owner(s->host.fwnmi) < 0;
	return true;
}

static bool deliver(struct session *s, struct injection_request *in, const struct moment *moment,
		    bool no_wait, struct remote_outcome *out)
{
	struct fwnmi_outcome outcome;
	struct watch_before before;
	struct watch_entry entry;
	struct fwnmi_regs regs;
	int err;

	if (!watch_remember(s->gdb, in->vcpu, &before) || !host_get_regs(&s->host, in->vcpu, &regs))
		return false;
	complete(s, in, &before);
	if (in->system_reset)
		err = fwnmi_system_reset(s->host.fwnmi, in->vcpu, &regs, &outcome);
	else
		err = fwnmi_machine_check(s->host.fwnmi, in->vcpu, &regs, &in->mc, &outcome);
	if (err)
		return gdb_fail(s->gdb, "it cannot be delivered: %s", fwnmi_strerror(err));
	if (outcome.entry == FWNMI_ENTRY_STALE)
		return refuse(
			s,
			"the registered routine is gone: the guest has changed; run fwnmi attach "
			"again, or give its kernel: --kernel VMLINUX");
	if (outcome.entry == FWNMI_ENTRY_VECTOR)
		return refuse(s, "the guest has not registered for FWNMI");
	switch (outcome.result) {
	case FWNMI_ENDED:
		return end_partition(s, outcome.end_reason, out) && save(s);
	case FWNMI_DELIVERED:
		if (!host_deliver(&s->host, in->vcpu, &outcome))
			return false;
		entry = (struct watch_entry){ .nip = outcome.regs.nip, .r3 = outcome.regs.gpr3 };
		s->host.unwatched = !in->system_reset && no_wait;
		if (!report_delivery(s, in, &before, moment, &entry, out))
			return false;
		return no_wait || watch(s, in, &before, moment, out);
	case FWNMI_WAITING:
		if (!wait_for_buffer(s, in, &entry, out))
			return false;
		return report_delivery(s, in, &before, moment, &entry, out) &&
		       !gdb_error(s->gdb)[0];
	default:
		return gdb_fail(s->gdb, "it cannot be delivered: the processor is unsafe");
	}
}

static bool inject(struct session *s, const struct injection_request *request, bool no_wait,
		   bool several, struct remote_outcome *out)
{
	struct injection_request in = *request;
	struct moment_request moment_request = {
		.cpu = in.vcpu,
		.context = in.trigger.context,
		.now = trigger_anywhere(&in.trigger),
		.wake = in.system_reset && in.trigger.context != INJECT_USER && !s->options->at &&
			!s->options->process,
		.at = s->options->at,
		.process = s->options->process,
		.timeout_ms = in.timeout_ms,
	};
	struct moment moment = { .not_started = false };
	bool ok;

	out->nr_cpus = gdb_nr_cpus(s->gdb);
	no_wait = no_wait || (several && in.system_reset && out->nr_cpus > 1);
	if (in.mc.unsafe_processor)
		return refuse(s, "cannot stop an unsafe processor: all CPUs run on after the stub "
				 "detaches");
	if (in.vcpu >= out->nr_cpus)
		return gdb_fail(s->gdb, "no CPU %u: the machine has %u", in.vcpu, out->nr_cpus);
	if (!find_kernel(s) || !find_rtas(s) || !open_host(s) || !find_routines(s) ||
	    !check_buffer(s, &in) || !host_mark(&s->host) ||
	    !moment_find(&s->guest, &moment_request, &moment)) {
		out->not_started = moment.not_started;
		return false;
	}
	ok = deliver(s, &in, &moment, no_wait, out);
	/* The next run must know what was delivered, even if watching it failed. */
	if (!ok && !out->delivered)
		return false;
	return save(s) && ok;
}

struct inject_work {
	const struct remote_options *options;
	const struct host_file *file;
	const struct injection_request *injection;
	bool no_wait, several;
};

/* Runs in the confined process. */
static void hand_over(int link, const struct session *s, struct handover *handover,
		      const json_t *report)
{
	char *text = report ? json_dumps(report, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	size_t report_size = text ? strlen(text) : 0, state_size = s->state ? s->state_size : 0;
	size_t size = sizeof(*handover) + state_size + report_size;
	uint8_t *bytes = malloc(size);

	handover->state_size = (uint32_t)state_size;
	handover->report_size = (uint32_t)report_size;
	if (bytes) {
		memcpy(bytes, handover, sizeof(*handover));
		if (state_size)
			memcpy(bytes + sizeof(*handover), s->state, state_size);
		if (report_size)
			memcpy(bytes + sizeof(*handover) + state_size, text, report_size);
		link_hand_over(link, bytes, size);
	}
	free(bytes);
	free(text);
}

static void give_log(struct handover *to, const struct injection_log *log)
{
	to->log.valid = log->valid;
	to->log.severity = log->severity;
	to->log.disposition = log->disposition;
	to->log.initiator = log->initiator;
	to->log.has_mc = log->has_mc;
	to->log.error_type = log->mc.error_type;
	to->log.error_subtype = log->mc.error_subtype;
	to->log.transient = log->mc.transient;
	to->log.effective_address_valid = log->mc.effective_address_valid;
	to->log.logical_address_valid = log->mc.logical_address_valid;
	to->log.effective_address = log->mc.effective_address;
	to->log.logical_address = log->mc.logical_address;
}

/* A bool is passed as a byte, because the confined process may hand over any value. */
static void take_log(struct injection_log *log, const struct handover *from)
{
	*log = (struct injection_log){
		.valid = from->log.valid,
		.severity = from->log.severity,
		.disposition = from->log.disposition,
		.initiator = from->log.initiator,
		.has_mc = from->log.has_mc,
		.mc.error_type = from->log.error_type,
		.mc.error_subtype = from->log.error_subtype,
		.mc.transient = from->log.transient,
		.mc.effective_address_valid = from->log.effective_address_valid,
		.mc.logical_address_valid = from->log.logical_address_valid,
		.mc.effective_address = from->log.effective_address,
		.mc.logical_address = from->log.logical_address,
	};
}

static void do_inject(void *opaque, int link)
{
	const struct inject_work *work = opaque;
	struct remote_outcome outcome = { .report = NULL };
	struct handover handover = { .ok = 0 };
	static struct session s; /* too big for the stack */

	catch_signals();
	if (begin(&s, work->options, work->file, link, outcome.problem, sizeof(outcome.problem)))
		inject(&s, work->injection, work->no_wait, work->several, &outcome);
	finish(&s);
	handover.delivered = outcome.delivered;
	handover.interlocked = outcome.interlocked;
	handover.not_started = outcome.not_started;
	give_log(&handover, &outcome.log);
	handover.nr_cpus = outcome.nr_cpus;
	memcpy(handover.problem, outcome.problem, sizeof(handover.problem));
	hand_over(link, &s, &handover, outcome.report);
}

/*
 * Takes what was handed over, checks its sizes, and writes the state to its file. NULL: nothing was
 * handed over; @problem says why.
 */
static uint8_t *take_over(const struct remote_options *options, const struct host_file *file,
			  void (*work)(void *opaque, int link), void *opaque,
			  struct handover *handover, char *problem, size_t problem_size)
{
	size_t size = 0;
	uint8_t *bytes = confined_run(options->gdb, work, opaque, &size, problem, problem_size);
	char err[sizeof(file->path) + 100];

	if (!bytes)
		return NULL;
	if (size >= sizeof(*handover))
		memcpy(handover, bytes, sizeof(*handover));
	if (size < sizeof(*handover) || handover->state_size > HOST_FILE_MAX ||
	    (uint64_t)sizeof(*handover) + handover->state_size + handover->report_size != size) {
		snprintf(problem, problem_size, "the confined process returned an invalid result");
		free(bytes);
		return NULL;
	}
	handover->problem[sizeof(handover->problem) - 1] = '\0';
	snprintf(problem, problem_size, "%s", handover->problem);
	if (handover->state_size &&
	    !host_file_write(file, bytes + sizeof(*handover), handover->state_size, err,
			     sizeof(err)) &&
	    !problem[0])
		snprintf(problem, problem_size, "%.*s", (int)problem_size - 1, err);
	return bytes;
}

void remote_inject(const struct remote_options *options, const struct injection_request *injection,
		   bool no_wait, bool several, struct remote_outcome *outcome)
{
	struct inject_work work = {
		.options = options,
		.injection = injection,
		.no_wait = no_wait,
		.several = several,
	};
	struct handover handover;
	struct host_file file;
	uint8_t *bytes;

	*outcome = (struct remote_outcome){ .report = NULL };
	if (!host_file_read(&file, options->state, options->gdb, outcome->problem,
			    sizeof(outcome->problem)))
		return;
	work.file = &file;
	bytes = take_over(options, &file, do_inject, &work, &handover, outcome->problem,
			  sizeof(outcome->problem));
	if (bytes) {
		outcome->delivered = handover.delivered;
		outcome->interlocked = handover.interlocked;
		outcome->not_started = handover.not_started;
		take_log(&outcome->log, &handover);
		outcome->nr_cpus = handover.nr_cpus;
		outcome->report = json_loadb((char *)bytes + sizeof(handover) + handover.state_size,
					     handover.report_size, 0, NULL);
	}
	free(bytes);
	host_file_free(&file);
}

/* ---- attach ---- */

/*
 * Waits until the kernel runs in its own address space. By then it has a device tree but has not
 * called RTAS yet.
 */
static bool wait_for_kernel(struct session *s, int64_t deadline)
{
	const struct gdb_registers *r = gdb_registers(s->gdb);

	for (;;) {
		uint64_t nip, msr;
		bool at_breakpoint;
		enum gdb_stop stop;

		if (!gdb_read_register(s->gdb, 0, r->nip, &nip) ||
		    !gdb_read_register(s->gdb, 0, r->msr, &msr))
			return false;
		if ((msr & MSR_IR) && (remote_is_linear(nip) || msr & MSR_PR)) {
			enum guest_found found = guest_find_rtas(&s->guest);

			if (found != GUEST_NOT_YET)
				return found == GUEST_FOUND;
		}
		if (host_ms() > deadline)
			return refuse(
				s,
				"time limit: the guest's kernel does not start, or its device tree "
				"has no RTAS area: give it by --rtas BASE");
		stop = gdb_run_for(s->gdb, 0, LOOK_MS, &at_breakpoint);
		if (stop == GDB_ENDED)
			return refuse(s, "the machine ended before the guest registered");
		if (stop != GDB_STOPPED)
			return false;
	}
}

static bool is_registration(const struct session *s, const struct watch_rtas_call *call)
{
	return call->nr_args == 2 && call->nr_rets == 1 && call->token &&
	       (call->token == s->guest.nmi_register || call->token == s->guest.nmi_register2);
}

/* Runs the guest until the call has returned; *@status is its return value. */
static bool finish_call(struct session *s, unsigned cpu, const struct watch_rtas_call *call,
			int64_t deadline, int32_t *status)
{
	uint64_t back;
	uint8_t raw[4];

	if (!gdb_read_register(s->gdb, cpu, gdb_registers(s->gdb)->lr, &back) ||
	    !gdb_break(s->gdb, back))
		return false;
	for (;;) {
		int64_t left = deadline - host_ms();
		bool at_breakpoint;
		enum gdb_stop stop =
			gdb_run_for(s->gdb, 0, left > 0 ? (unsigned)left : 0, &at_breakpoint);
		uint64_t nip;

		if (stop == GDB_ENDED)
			return refuse(s, "the machine ended before the guest registered");
		if (stop != GDB_STOPPED)
			return false;
		if (!at_breakpoint)
			return refuse(s, "time limit: the guest's registration does not return");
		if (gdb_stopped_cpu(s->gdb) != cpu)
			continue;
		if (!gdb_read_register(s->gdb, cpu, gdb_registers(s->gdb)->nip, &nip))
			return false;
		if (nip == back)
			break;
	}
	if (!gdb_unbreak(s->gdb, back) ||
	    !guest_read_real(&s->guest, call->buffer + 4 * (3 + call->nr_args), raw, sizeof(raw)))
		return false;
	*status = (int32_t)remote_number(raw, 4, false);
	return true;
}

static bool watch_registration(struct session *s, int64_t deadline,
			       struct remote_registration *registration)
{
	if (!gdb_break(s->gdb, s->guest.rtas_entry))
		return false;
	for (;;) {
		int64_t left = deadline - host_ms();
		bool at_breakpoint, is_call;
		enum gdb_stop stop =
			gdb_run_for(s->gdb, 0, left > 0 ? (unsigned)left : 0, &at_breakpoint);
		struct watch_rtas_call call;
		unsigned cpu = gdb_stopped_cpu(s->gdb);
		int32_t status = -1;

		if (stop == GDB_ENDED)
			return refuse(s, "the machine ended before the guest registered");
		if (stop != GDB_STOPPED)
			return false;
		if (!at_breakpoint && !find_kernel(s))
			return false;
		if (!at_breakpoint)
			return refuse(
				s,
				"time limit: no ibm,nmi-register call: if the guest has registered "
				"before, give its kernel (--kernel VMLINUX), or attach when it "
				"starts");
		if (!watch_rtas(&s->guest, cpu, &call, &is_call))
			return false;
		if (!is_call || !is_registration(s, &call))
			continue;
		if (!finish_call(s, cpu, &call, deadline, &status))
			return false;
		if (status != 0)
			continue; /* the guest was refused; it may try again */
		registration->system_reset = call.args[0];
		registration->machine_check = call.args[1];
		registration->page_7 = call.token == s->guest.nmi_register2;
		registration->seen = true;
		return gdb_unbreak(s->gdb, s->guest.rtas_entry);
	}
}

/* With the kernel's symbols, a guest that has already registered need not be watched. */
static bool look_up_registration(struct session *s, struct remote_registration *registration)
{
	return s->guest.symbols && guest_find_kernel(&s->guest) == GUEST_FOUND &&
	       guest_find_routines(&s->guest, &registration->system_reset,
				   &registration->machine_check) == GUEST_FOUND;
}

static bool attach(struct session *s, unsigned timeout_ms, struct remote_registration *registration)
{
	int64_t start = host_ms(), deadline = start + timeout_ms;
	const struct guest_options *o = &s->options->guest;

	if (look_up_registration(s, registration)) {
		if (!find_rtas(s))
			return false;
	} else if (gdb_error(s->gdb)[0] ||
		   (o->has_rtas ? !find_rtas(s) : !wait_for_kernel(s, deadline)) ||
		   !watch_registration(s, deadline, registration) || !find_kernel(s)) {
		return false;
	}
	registration->waited_ms = (double)(host_ms() - start);
	registration->rtas_base = s->guest.rtas_base;
	registration->rtas_size = s->guest.rtas_size;
	/* Seeing a registration means a new boot; older state no longer applies. */
	s->forget |= registration->seen;
	if (!open_host(s) || !host_register(&s->host, 0, registration->system_reset,
					    registration->machine_check, registration->page_7))
		return false;
	return host_mark(&s->host) && save(s);
}

struct attach_work {
	const struct remote_options *options;
	const struct host_file *file;
	unsigned timeout_ms;
};

static void do_attach(void *opaque, int link)
{
	const struct attach_work *work = opaque;
	struct remote_registration r = { .problem = "" };
	struct handover handover = { .ok = 0 };
	static struct session s;

	catch_signals();
	handover.ok = begin(&s, work->options, work->file, link, r.problem, sizeof(r.problem)) &&
		      attach(&s, work->timeout_ms, &r);
	finish(&s);
	handover.page_7 = r.page_7;
	handover.seen = r.seen;
	handover.rtas_size = r.rtas_size;
	handover.system_reset = r.system_reset;
	handover.machine_check = r.machine_check;
	handover.rtas_base = r.rtas_base;
	handover.waited_ms = r.waited_ms;
	memcpy(handover.problem, r.problem, sizeof(handover.problem));
	hand_over(link, &s, &handover, NULL);
}

bool remote_attach(const struct remote_options *options, unsigned timeout_ms,
		   struct remote_registration *registration)
{
	struct attach_work work = { .options = options, .timeout_ms = timeout_ms };
	struct handover handover;
	struct host_file file;
	uint8_t *bytes;

	*registration = (struct remote_registration){ .problem = "" };
	if (!host_file_read(&file, options->state, options->gdb, registration->problem,
			    sizeof(registration->problem)))
		return false;
	work.file = &file;
	bytes = take_over(options, &file, do_attach, &work, &handover, registration->problem,
			  sizeof(registration->problem));
	if (bytes) {
		registration->system_reset = handover.system_reset;
		registration->machine_check = handover.machine_check;
		registration->rtas_base = handover.rtas_base;
		registration->rtas_size = handover.rtas_size;
		registration->page_7 = handover.page_7;
		registration->seen = handover.seen;
		registration->waited_ms = handover.waited_ms;
		snprintf(registration->state, sizeof(registration->state), "%s", file.path);
	}
	host_file_free(&file);
	free(bytes);
	return bytes && handover.ok && !registration->problem[0];
}
