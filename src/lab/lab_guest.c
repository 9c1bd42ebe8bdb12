/* SPDX-License-Identifier: BSD-2-Clause */
/* Boots the lab's guest, runs cases in it, and notes what is seen; see lab_guest.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inject/injector.h"
#include "lab/coverage.h"
#include "lab/current_task.h"
#include "lab/exception_table.h"
#include "lab/lab_guest.h"
#include "lab/notes.h"
#include "lab/step.h"
#include "lab/userland.h"
#include "machine/snapshot.h"

/* Linux tests its cryptography in the background for seconds; that is not what is tested here. */
#define BASE_APPEND	    "console=hvc0 quiet cryptomgr.notests"
#define CONSOLE_MAX	    (64u << 10)
#define MAX_NOTES	    4096
#define MAX_PROCESSES	    (8 * ENGINE_MAX_VCPUS)
#define BOOT_STRETCH	    20000000ull /* instructions between two looks at the user */
#define SILENCE_BOUND	    6000000000ull /* instructions of a boot without a word on the console */
#define LAB_BOOT_CASE_BOUND 5000000000ull
#define QUIET_TRIES	    10000
#define QUIET_STRETCH	    97
#define STEADY_ROUNDS	    3 /* of one process; by then all have been heard of */
#define VERIFIED_ROUNDS	    2 /* the first may have begun before the event */
#define TIMEOUT_MS	    (24 * 3600 * 1000u) /* instructions decide, not this */
/* Where the kernel is linked to. Its code in real mode is there without the top bits. */
#define KERNEL_BASE	    0xc000000000000000ull
/* How many of the 32 GPRs may differ when the interrupted code goes on. */
#define SAME_GPRS	    24

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

/* A process of the workload. */
struct process {
	char name[16];
	unsigned rounds; /* since the last event, or its own death */
};

struct lab_guest {
	struct lab_guest_config config;
	struct machine *machine;
	struct injector *injector;
	struct symbols *symbols; /* NULL: the kernel's file has none, because of no_symbols */
	char no_symbols[256];
	struct coverage *coverage; /* NULL: nobody wants to know */
	struct coverage_watch *watch; /* NULL: the workload has not started */
	struct current_task current;
	struct exception_table exceptions;
	struct snapshot *snapshot;
	char append[1024];
	int initrd_fd; /* -1: none */
	char initrd[32]; /* its path */

	char input[64]; /* typed, not yet read */
	size_t input_length, input_at;
	char line[NOTES_LINE_MAX]; /* the console's last, as far as it goes */
	size_t line_length;
	char last_line[NOTES_LINE_MAX]; /* the last whole one that is not empty */
	uint64_t spoke; /* instructions at the console's last output */

	bool registered, ready, steady;
	unsigned nr_cpus; /* that Linux uses, once it is ready */
	char release[64];
	struct process processes[MAX_PROCESSES];
	unsigned nr_processes;

	/* Of the snapshot. */
	enum lab_workload workload;
	struct {
		char line[NOTES_LINE_MAX];
		size_t line_length;
		uint64_t insns;
	} start;

	/* The case that runs; seen is NULL while none does. */
	struct lab_observation *seen;
	struct lab_step steps[LAB_MAX_STEPS];
	unsigned nr_steps, step; /* the next to begin */
	unsigned awaited; /* events of the last step that have not arrived */
	bool to_delivery; /* the run ends there */
	uint64_t progress; /* instructions at the last one */
};

/* ---- the console ---- */

static void stop_now(struct lab_guest *guest)
{
	machine_stop_at(guest->machine, machine_insns(guest->machine));
}

static struct process *find_process(struct lab_guest *guest, const char *name)
{
	for (unsigned i = 0; i < guest->nr_processes; i++)
		if (!strcmp(guest->processes[i].name, name))
			return &guest->processes[i];
	return NULL;
}

static void count_round(struct lab_guest *guest, const char *name)
{
	struct process *process = find_process(guest, name);

	if (!process && (!guest->seen || guest->workload == LAB_BOOT) &&
	    guest->nr_processes < MAX_PROCESSES) {
		process = &guest->processes[guest->nr_processes++];
		*process = (struct process){ .rounds = 0 };
		snprintf(process->name, sizeof(process->name), "%s", name);
	}
	if (!process)
		return;
	if (process->rounds < VERIFIED_ROUNDS)
		guest->progress = machine_insns(guest->machine);
	process->rounds++;
	if (guest->seen && guest->seen->nr_hits)
		guest->seen->rounds_after++;
}

/* One on each CPU, or one of each kind. */
static unsigned all_processes(const struct lab_guest *guest)
{
	return guest->nr_cpus * (guest->workload == LAB_MIXED ? LAB_MIXED - LAB_VICTIM : 1);
}

/* Has each process verified itself, and one of them @first times? */
static bool all_verified(const struct lab_guest *guest, unsigned first)
{
	unsigned most = 0;

	for (unsigned i = 0; i < guest->nr_processes; i++) {
		const unsigned rounds = guest->processes[i].rounds;

		if (rounds < VERIFIED_ROUNDS)
			return false;
		most = rounds > most ? rounds : most;
	}
	return guest->nr_processes >= all_processes(guest) && most >= first;
}

static void keep_note(struct lab_guest *guest, const struct lab_note *note)
{
	struct lab_observation *seen = guest->seen;

	if (seen->nr_notes == MAX_NOTES)
		return;
	seen->notes[seen->nr_notes] = *note;
	seen->notes[seen->nr_notes].console_at = seen->console_length;
	seen->notes[seen->nr_notes++].insns = machine_insns(guest->machine) - guest->start.insns;
}

static void take_note(struct lab_guest *guest, const struct lab_note *note)
{
	struct process *process = find_process(guest, note->process);

	if (note->type == LAB_NOTE_ROUND)
		count_round(guest, note->process);
	else if (note->type == LAB_NOTE_DIED && process)
		process->rounds = 0;
	if (!guest->seen)
		return;
	keep_note(guest, note);
	if (guest->step == guest->nr_steps && !guest->awaited &&
	    all_verified(guest, guest->workload == LAB_BOOT ? STEADY_ROUNDS : VERIFIED_ROUNDS)) {
		guest->seen->end = LAB_END_DONE;
		stop_now(guest);
	}
}

static void take_line(struct lab_guest *guest)
{
	struct notes_line line;

	if (guest->line[0])
		snprintf(guest->last_line, sizeof(guest->last_line), "%s", guest->line);
	/* A panic that does not end the machine loops for ever behind this line. */
	if (guest->seen && strstr(guest->line, "---[ end Kernel panic")) {
		guest->seen->end = LAB_END_PANICKED;
		stop_now(guest);
	}
	notes_parse(guest->line, &line);
	switch (line.kind) {
	case NOTES_OTHER:
		break;
	case NOTES_READY:
		guest->ready = true;
		guest->nr_cpus = line.cpus < 1 ? 1 : line.cpus;
		snprintf(guest->release, sizeof(guest->release), "%s", line.release);
		stop_now(guest);
		break;
	case NOTES_RUNNING:
		break;
	case NOTES_NOTE:
		take_note(guest, &line.note);
		if (!guest->seen && !guest->steady && all_verified(guest, STEADY_ROUNDS)) {
			guest->steady = true;
			stop_now(guest);
		}
		break;
	}
}

static void keep_output(struct lab_observation *seen, const char *bytes, unsigned length)
{
	size_t room = CONSOLE_MAX - seen->console_length;

	if (length > room) {
		seen->console_cut = true;
		length = (unsigned)room;
	}
	memcpy(seen->console + seen->console_length, bytes, length);
	seen->console_length += length;
	seen->console[seen->console_length] = '\0';
}

static void console_write(void *opaque, const void *buf, unsigned length)
{
	struct lab_guest *guest = opaque;
	const char *bytes = buf;

	guest->spoke = machine_insns(guest->machine);
	if (guest->seen)
		keep_output(guest->seen, bytes, length);
	for (unsigned i = 0; i < length; i++) {
		if (bytes[i] == '\n') {
			guest->line[guest->line_length] = '\0';
			take_line(guest);
			guest->line_length = 0;
		} else if (bytes[i] && bytes[i] != '\r' &&
			   guest->line_length < sizeof(guest->line) - 1) {
			guest->line[guest->line_length++] = bytes[i];
		}
	}
}

static unsigned console_read(void *opaque, void *buf, unsigned length)
{
	struct lab_guest *guest = opaque;
	size_t left = guest->input_length - guest->input_at;

	if (length > left)
		length = (unsigned)left;
	memcpy(buf, guest->input + guest->input_at, length);
	guest->input_at += length;
	return length;
}

static void type(struct lab_guest *guest, const char *text)
{
	guest->input_length = (size_t)snprintf(guest->input, sizeof(guest->input), "%s", text);
	guest->input_at = 0;
	machine_console_input(guest->machine);
}

/* ---- events ---- */

/* The event of this vCPU that has not entered its handler yet, or came last. */
static struct lab_hit *last_hit(struct lab_observation *seen, unsigned vcpu)
{
	for (unsigned i = seen->nr_hits; i > 0; i--)
		if (seen->hits[i - 1].report.vcpu == vcpu)
			return &seen->hits[i - 1];
	return NULL;
}

static bool is_under_way(const struct lab_hit *hit)
{
	return hit &&
	       (hit->report.stage == INJECTION_RAISED || hit->report.stage == INJECTION_WAITING);
}

static enum injection_stage stage_of(enum papr_result result)
{
	switch (result) {
	case PAPR_ROUTINE:
	case PAPR_VECTOR:
		return INJECTION_DELIVERED;
	case PAPR_RAISED:
		return INJECTION_RAISED;
	case PAPR_WAITING:
		return INJECTION_WAITING;
	case PAPR_UNSAFE:
		return INJECTION_FINISHED;
	default:
		return INJECTION_FAILED;
	}
}

char *lab_guest_place(struct lab_guest *guest, const struct engine_regs *regs, char *out,
		      size_t size)
{
	const uint64_t base = regs->msr & MSR_IR ? 0 : KERNEL_BASE;

	out[0] = '\0';
	if (guest->symbols && !(regs->msr & MSR_PR))
		symbols_place(guest->symbols, regs->nip | base, out, size);
	return out;
}

struct machine *lab_guest_machine(struct lab_guest *guest)
{
	return guest->machine;
}

/* What the vCPU held when it was interrupted. The outcome has what it holds now. */
static void note_registers(const struct lab_guest *guest, struct lab_hit *hit,
			   const struct papr_outcome *outcome)
{
	uint8_t r3[8];

	hit->before = outcome->regs;
	hit->before.nip = hit->report.nip;
	hit->before.msr = hit->report.msr;
	/* The buffer at the routine's R3 begins with the interrupted one. */
	if (outcome->result == PAPR_ROUTINE &&
	    memory_peek(machine_memory(guest->machine), outcome->regs.gpr[3], r3, sizeof(r3)))
		hit->before.gpr[3] = get_be64(r3);
}

/* An event that nobody injected: an access to bad memory, or the guest's own system reset. */
static void describe_own(const struct lab_guest *guest, struct lab_hit *hit,
			 const struct papr_outcome *outcome)
{
	struct injection_report *report = &hit->report;
	uint8_t log[FWNMI_MC_BUFFER_MIN - 8];

	report->system_reset = outcome->vector == VECTOR_SYSTEM_RESET;
	hit->guest_asked = report->system_reset;
	report->stage = stage_of(outcome->result);
	report->registered = outcome->result == PAPR_ROUTINE;
	report->handler = outcome->regs.nip;
	report->r3 = outcome->regs.gpr[3];
	report->nip = outcome->regs.srr0;
	report->msr = outcome->regs.srr1 & ~FWNMI_SRR1_CAUSE_MASK;
	if (report->registered && !report->system_reset &&
	    memory_peek(machine_memory(guest->machine), report->r3 + 8, log, sizeof(log)))
		injection_log_decode(&report->log, log, sizeof(log));
}

static void name_process(void *opaque, const struct engine_regs *regs, char *name)
{
	const struct lab_guest *guest = opaque;

	current_task_name(&guest->current, machine_memory(guest->machine), regs->sprg[1], name);
}

static void note_hit(struct lab_guest *guest, const struct machine_event *event)
{
	const struct injection_report *report = injector_explains(guest->injector, event);
	struct lab_observation *seen = guest->seen;
	struct lab_hit *hit = last_hit(seen, event->vcpu);

	if (!is_under_way(hit)) {
		if (seen->nr_hits == LAB_MAX_HITS)
			return;
		hit = &seen->hits[seen->nr_hits++];
		*hit = (struct lab_hit){ .report.vcpu = event->vcpu,
					 .step = guest->step ? guest->step - 1 : 0,
					 .insns =
						 machine_insns(guest->machine) - guest->start.insns,
					 .console_at = seen->console_length };
		if (guest->awaited)
			guest->awaited--;
		seen->steps_reached = guest->step;
	}
	if (report) {
		hit->report = *report;
	} else {
		describe_own(guest, hit, event->outcome);
	}
	if (guest->steps[hit->step].kind == LAB_STEP_INJECT)
		hit->mc = guest->steps[hit->step].request.mc;
	note_registers(guest, hit, event->outcome);
	name_process(guest, &hit->before, hit->process);
	lab_guest_place(guest, &hit->before, hit->place, sizeof(hit->place));
	hit->fixup = !(hit->before.msr & MSR_PR) &&
		     exception_table_has(&guest->exceptions, hit->before.nip);
	guest->progress = machine_insns(guest->machine);
	for (unsigned i = 0; i < guest->nr_processes; i++)
		guest->processes[i].rounds = 0;
	seen->rounds_after = 0;
	if (guest->awaited)
		return;
	if (guest->step == guest->nr_steps && guest->to_delivery)
		seen->end = LAB_END_DONE;
	if (seen->end == LAB_END_DONE || guest->step < guest->nr_steps)
		stop_now(guest);
}

/* It is for the vCPU's last machine check, whatever else has come since. */
static void note_interlock(struct lab_guest *guest, unsigned vcpu)
{
	struct lab_observation *seen = guest->seen;
	const struct lab_hit *last = last_hit(seen, vcpu);

	for (unsigned i = seen->nr_hits; i > 0; i--) {
		struct injection_report *report = &seen->hits[i - 1].report;

		if (report->vcpu != vcpu || report->system_reset || !report->registered ||
		    report->interlocked)
			continue;
		report->interlocked = true;
		seen->hits[i - 1].released_by_reset = last->report.system_reset &&
						      !last->guest_asked && !last->came_back;
		/* The injector follows an event no further once the next one is asked for. */
		if (report->stage == INJECTION_DELIVERED)
			report->stage = INJECTION_INTERLOCKED;
		return;
	}
}

static void on_event(void *opaque, const struct machine_event *event)
{
	struct lab_guest *guest = opaque;

	if (event->type == MACHINE_EVENT_PAPR && event->papr->type == PAPR_EVENT_FWNMI_REGISTERED &&
	    !guest->registered) {
		guest->registered = true;
		stop_now(guest);
	}
	if (!guest->seen)
		return;
	if (event->type == MACHINE_EVENT_PAPR && event->papr->type == PAPR_EVENT_PANIC)
		guest->seen->os_term = true;
	if (event->type == MACHINE_EVENT_FWNMI)
		note_hit(guest, event);
	else if (event->type == MACHINE_EVENT_PAPR &&
		 event->papr->type == PAPR_EVENT_FWNMI_INTERLOCK)
		note_interlock(guest, event->papr->cpu);
}

/*
 * Does the interrupted code go on, rather than the same code for somebody else? A process has a
 * stack of its own in the kernel.
 */
static bool goes_on(const struct engine_regs *before, const struct engine_regs *now)
{
	unsigned same = 0;

	for (unsigned i = 0; i < 32; i++)
		same += before->gpr[i] == now->gpr[i];
	return before->nip == now->nip && !((before->msr ^ now->msr) & (MSR_PR | MSR_IR)) &&
	       (before->msr & MSR_PR || before->gpr[1] == now->gpr[1]) && same >= SAME_GPRS;
}

/* Has a process died since the event? Another one of the same kind has taken its place. */
static bool has_died_since(const struct lab_observation *seen, const struct lab_hit *hit)
{
	for (size_t i = seen->nr_notes; i > 0; i--)
		if (seen->notes[i - 1].type == LAB_NOTE_DIED &&
		    seen->notes[i - 1].insns >= hit->insns)
			return true;
	return false;
}

static void on_returned(void *opaque, unsigned vcpu)
{
	struct lab_guest *guest = opaque;
	struct engine_regs regs;
	struct lab_hit *hit;

	hit = guest->seen ? last_hit(guest->seen, vcpu) : NULL;
	if (!hit || hit->came_back || has_died_since(guest->seen, hit))
		return;
	machine_get_regs(guest->machine, vcpu, &regs);
	hit->came_back = goes_on(&hit->before, &regs);
	if (hit->came_back)
		hit->after = regs;
}

/* An injection has failed or finished. */
static void on_ended(void *opaque, const struct injection_report *report)
{
	struct lab_guest *guest = opaque;

	struct lab_observation *seen = guest->seen;

	if (!seen)
		return;
	for (unsigned i = 0; i < seen->nr_hits; i++) {
		struct injection_report *hit = &seen->hits[i].report;

		if (hit->id == report->id) {
			/* The next step may have ended it before its interlock. */
			const bool interlocked = hit->interlocked;

			*hit = *report;
			hit->interlocked |= interlocked;
			return;
		}
	}
	/* It never was an event. */
	seen->end = LAB_END_UNREACHED;
	snprintf(seen->why, sizeof(seen->why), "%s", report->reason);
	stop_now(guest);
}

/* ---- creation ---- */

static bool append_file(int to, const char *path, char *err, size_t err_size)
{
	static const char zeros[4];
	int from = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	off_t size;

	if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode)) {
		snprintf(err, err_size, "cannot read %s: %s", path,
			 from < 0 ? strerror(errno) : "not a file");
		if (from >= 0)
			close(from);
		return false;
	}
	for (off_t left = st.st_size; left > 0;) {
		char buffer[65536];
		ssize_t n = read(from, buffer, sizeof(buffer));

		if (n <= 0 || write(to, buffer, (size_t)n) != n) {
			close(from);
			return FAIL("cannot read %s: %s", path,
				    n ? strerror(errno) : "it has become shorter");
		}
		left -= n;
	}
	close(from);
	size = lseek(to, 0, SEEK_CUR);
	return size % 4 == 0 || write(to, zeros, (size_t)(4 - size % 4)) > 0 ||
	       FAIL("no memory for %s", path);
}

/* The user's files, then ours: the kernel unpacks one archive after the other. */
static bool make_initrd(struct lab_guest *guest, char *err, size_t err_size)
{
	size_t size;
	const void *userland = lab_userland(&size);

	if (!userland)
		return FAIL("built without the lab's userland: no powerpc64le-linux-gnu-gcc");
	guest->initrd_fd = memfd_create("initrd", MFD_CLOEXEC);
	if (guest->initrd_fd < 0)
		return FAIL("no memory for an initial RAM disk: %s", strerror(errno));
	if (guest->config.initrd &&
	    !append_file(guest->initrd_fd, guest->config.initrd, err, err_size))
		return false;
	if (write(guest->initrd_fd, userland, size) != (ssize_t)size)
		return FAIL("no memory for an initial RAM disk: %s", strerror(errno));
	snprintf(guest->initrd, sizeof(guest->initrd), "/proc/self/fd/%d", guest->initrd_fd);
	return true;
}

/* For places and triggers. A kernel without symbols runs as well. Read before any confinement. */
static void use_symbols(struct lab_guest *guest)
{
	char place[LAB_MAX_PLACE];

	guest->symbols =
		symbols_open(guest->config.kernel, guest->no_symbols, sizeof(guest->no_symbols));
	injector_use_symbols(guest->injector, guest->symbols, guest->no_symbols);
	exception_table_read(&guest->exceptions, guest->symbols);
	/* The first look-up sorts them. Processes that fork share the outcome. */
	if (guest->symbols)
		symbols_place(guest->symbols, KERNEL_BASE, place, sizeof(place));
	if (guest->config.note_code)
		guest->coverage = coverage_create(guest->symbols);
}

static bool make_machine(struct lab_guest *guest, char *err, size_t err_size)
{
	const struct machine_hook hook = {
		.returned = on_returned,
		.event = on_event,
		.opaque = guest,
	};
	const struct injector_listener listener = { .ended = on_ended, .opaque = guest };
	const struct machine_config config = {
		.kernel = guest->config.kernel,
		.initrd = guest->initrd,
		.ram_size = guest->config.ram_size,
		.nr_vcpus = guest->config.nr_vcpus,
		.clock = CLOCK_INSN,
		.engine = &engine_power,
		.no_reboot = true,
		.ends_when_stuck = true,
		.partition.bootargs = guest->append,
	};

	snprintf(guest->append, sizeof(guest->append), BASE_APPEND "%s%s",
		 guest->config.append ? " " : "", guest->config.append ? guest->config.append : "");
	guest->machine = machine_create(&config, err, err_size);
	if (!guest->machine)
		return false;
	machine_set_console(guest->machine, console_write, console_read, guest);
	guest->injector = injector_create(guest->machine, err, err_size);
	if (!guest->injector)
		return false;
	injector_listen(guest->injector, &listener);
	injector_name_processes(guest->injector, name_process, guest);
	use_symbols(guest);
	/* After the injector: its reports are up to date then. */
	return machine_add_hook(guest->machine, &hook) || FAIL("too many hooks into the machine");
}

struct lab_guest *lab_guest_create(const struct lab_guest_config *config, char *err,
				   size_t err_size)
{
	struct lab_guest *guest = calloc(1, sizeof(*guest));

	if (!guest) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	guest->config = *config;
	guest->initrd_fd = -1;
	if (config->append && strlen(config->append) > sizeof(guest->append) - 64) {
		snprintf(err, err_size, "the kernel's command line is longer than %zu bytes",
			 sizeof(guest->append) - 64);
	} else if (make_initrd(guest, err, err_size) && make_machine(guest, err, err_size)) {
		return guest;
	}
	lab_guest_destroy(guest);
	return NULL;
}

void lab_guest_destroy(struct lab_guest *guest)
{
	if (!guest)
		return;
	snapshot_free(guest->snapshot);
	injector_destroy(guest->injector);
	symbols_close(guest->symbols);
	exception_table_clear(&guest->exceptions);
	if (guest->machine)
		machine_destroy(guest->machine);
	free(guest->watch);
	coverage_destroy(guest->coverage);
	if (guest->initrd_fd >= 0)
		close(guest->initrd_fd);
	free(guest);
}

/* ---- boot ---- */

/* Says why a guest that should have gone on did not. */
static bool explain_end(const struct lab_guest *guest, enum machine_end end, const char *why,
			const char *when, char *err, size_t err_size)
{
	const char *line = guest->last_line[0] ? guest->last_line : "nothing";

	switch (end) {
	case MACHINE_POWERED_OFF:
		return FAIL("the guest powered off %s; its last line: %s", when, line);
	case MACHINE_REBOOT:
		return FAIL("the guest rebooted %s; its last line: %s", when, line);
	case MACHINE_CRASHED:
		return FAIL("the guest crashed %s: %s; its last line: %s", when, why, line);
	case MACHINE_STUCK:
		return FAIL("the guest hangs %s: no CPU will ever run again; its last line: %s",
			    when, line);
	default:
		return FAIL("the machine failed %s: %s", when, why);
	}
}

static const char *boot_stage_name(enum lab_boot_stage stage)
{
	return stage == LAB_REGISTERED ? "before it registered its machine check handler" :
					 "before its userland was up";
}

/* Runs on until *@reached, a bound, or an end. */
static bool run_until(struct lab_guest *guest, const bool *reached, const char *when, char *err,
		      size_t err_size)
{
	const uint64_t start = machine_insns(guest->machine);
	char why[256];

	guest->spoke = start;
	while (!*reached) {
		const uint64_t now = machine_insns(guest->machine);
		enum machine_end end;

		if (!guest->ready && guest->config.goes_on &&
		    !guest->config.goes_on(guest->config.opaque, now))
			return FAIL("interrupted");
		if (now - start > LAB_BOOT_BOUND || now - guest->spoke > SILENCE_BOUND)
			return FAIL("the guest hangs %s: %llu million instructions without %s; its "
				    "last line: %s",
				    when, (unsigned long long)(now - guest->spoke) / 1000000,
				    now - guest->spoke > SILENCE_BOUND ? "a word" : "success",
				    guest->last_line[0] ? guest->last_line : "nothing");
		machine_stop_at(guest->machine, now + BOOT_STRETCH);
		end = machine_run(guest->machine, why, sizeof(why));
		if (end != MACHINE_STOPPED)
			return explain_end(guest, end, why, when, err, err_size);
	}
	return true;
}

bool lab_guest_boot(struct lab_guest *guest, enum lab_boot_stage stage, char *err, size_t err_size)
{
	const bool *reached = stage == LAB_REGISTERED ? &guest->registered : &guest->ready;

	if (!run_until(guest, reached, boot_stage_name(stage), err, err_size))
		return false;
	if (!guest->registered)
		return FAIL("the kernel never registered its machine check handler "
			    "(ibm,nmi-register)");
	return true;
}

const char *lab_guest_release(const struct lab_guest *guest)
{
	return guest->release;
}

/* Is every CPU in user mode, or idle? */
static bool is_quiet(const struct lab_guest *guest)
{
	struct engine_regs regs;

	for (unsigned i = 0; i < guest->config.nr_vcpus; i++) {
		machine_get_regs(guest->machine, i, &regs);
		if (machine_vcpu_state(guest->machine, i) == VCPU_RUNNABLE && !(regs.msr & MSR_PR))
			return false;
	}
	return true;
}

/* A round is told in the middle of printk(), where Linux holds the console's lock. */
static bool run_until_quiet(struct lab_guest *guest, char *err, size_t err_size)
{
	char why[256];

	for (unsigned i = 0; i < QUIET_TRIES && !is_quiet(guest); i++) {
		enum machine_end end;

		machine_stop_at(guest->machine, machine_insns(guest->machine) + QUIET_STRETCH);
		end = machine_run(guest->machine, why, sizeof(why));
		if (end != MACHINE_STOPPED)
			return explain_end(guest, end, why, "when its workload started", err,
					   err_size);
	}
	return true;
}

/* The processes that are bound to a CPU have its number at the end of their names. */
static bool is_bound_to(const char *name, unsigned vcpu)
{
	const size_t digits = strcspn(name, "0123456789");

	return name[digits] && strtoul(name + digits, NULL, 10) == vcpu;
}

static void learn_current(struct lab_guest *guest)
{
	struct current_task_sample samples[ENGINE_MAX_VCPUS] = { 0 };
	char idle[ENGINE_MAX_VCPUS][CURRENT_TASK_NAME];

	for (unsigned i = 0; i < guest->config.nr_vcpus; i++) {
		struct current_task_sample *sample = &samples[i];
		struct engine_regs regs;
		unsigned n = 0;

		machine_get_regs(guest->machine, i, &regs);
		sample->paca = regs.sprg[1];
		snprintf(idle[i], sizeof(idle[i]), "swapper/%u", i);
		if (!(regs.msr & MSR_PR))
			sample->names[n++] = idle[i];
		for (unsigned p = 0; p < guest->nr_processes && regs.msr & MSR_PR && n < 8; p++)
			if (is_bound_to(guest->processes[p].name, i))
				sample->names[n++] = guest->processes[p].name;
	}
	current_task_learn(&guest->current, machine_memory(guest->machine), samples,
			   guest->config.nr_vcpus);
}

static void go(struct lab_guest *guest, enum lab_workload workload)
{
	char command[sizeof(guest->input)];

	snprintf(command, sizeof(command), "go %s\n", lab_workload_name(workload));
	type(guest, command);
}

static bool keep_moment(struct lab_guest *guest, char *err, size_t err_size)
{
	memcpy(guest->start.line, guest->line, sizeof(guest->line));
	guest->start.line_length = guest->line_length;
	guest->start.insns = machine_insns(guest->machine);
	snapshot_free(guest->snapshot);
	guest->snapshot = snapshot_take(guest->machine, err, err_size);
	return guest->snapshot;
}

bool lab_guest_start(struct lab_guest *guest, enum lab_workload workload, char *err,
		     size_t err_size)
{
	guest->workload = workload;
	if (workload != LAB_BOOT) {
		go(guest, workload);
		if (!run_until(guest, &guest->steady, "when its workload started", err, err_size) ||
		    !run_until_quiet(guest, err, err_size))
			return false;
		learn_current(guest);
	}
	if (guest->coverage)
		guest->watch = coverage_watch(guest->coverage, guest->machine);
	return keep_moment(guest, err, err_size);
}

json_t *lab_guest_code(struct lab_guest *guest)
{
	return guest->watch ? coverage_news(guest->watch) : NULL;
}

/* ---- cases ---- */

static bool parse_steps(struct lab_guest *guest, const struct lab_case *c, char *err,
			size_t err_size)
{
	unsigned events = 0;
	size_t i;
	json_t *step;

	guest->nr_steps = 0;
	json_array_foreach(c->steps, i, step)
	{
		if (guest->nr_steps == LAB_MAX_STEPS)
			return FAIL("more than %u steps", LAB_MAX_STEPS);
		if (!lab_step_parse(step, &guest->steps[guest->nr_steps], err, err_size))
			return false;
		events += lab_step_events(&guest->steps[guest->nr_steps], guest->config.nr_vcpus);
		guest->steps[guest->nr_steps++].request.timeout_ms = TIMEOUT_MS;
	}
	if (events > LAB_MAX_HITS)
		return FAIL("more than %u events", LAB_MAX_HITS);
	return guest->nr_steps || FAIL("no steps");
}

static bool inject(struct lab_guest *guest, const struct lab_step *step, unsigned vcpu, char *err,
		   size_t err_size)
{
	struct injection_request request = step->request;

	request.id = ((uint64_t)guest->step << 8 | vcpu) + 1;
	request.vcpu = vcpu;
	request.group = guest->step + 1; /* once the first is hit, so are the others */
	if (!injector_add(guest->injector, &request, err, err_size))
		return false;
	guest->awaited++;
	return true;
}

static bool is_started(const struct lab_guest *guest, unsigned vcpu)
{
	const enum vcpu_state state = machine_vcpu_state(guest->machine, vcpu);

	return state != VCPU_STOPPED && state != VCPU_UNSAFE;
}

static bool begin_step(struct lab_guest *guest, char *err, size_t err_size)
{
	const struct lab_step *step = &guest->steps[guest->step];
	const bool all = step->cpus == INJECT_ALL_CPUS || step->cpus == INJECT_PARTITION;
	const bool others = step->cpus == INJECT_OTHER_CPUS;

	if (step->kind == LAB_STEP_POISON) {
		guest->awaited = 1;
		guest->step++;
		return machine_poison(guest->machine, step->poison.address, step->poison.length,
				      step->poison.heal_on_write, err, err_size);
	}
	for (unsigned i = 0; i < guest->config.nr_vcpus; i++) {
		const bool asked = all || others != (i == step->request.vcpu);

		if (asked && (is_started(guest, i) || (!all && !others)) &&
		    !inject(guest, step, i, err, err_size))
			return false;
	}
	if (!guest->awaited)
		return FAIL("no such CPU is running");
	guest->step++;
	return true;
}

bool lab_guest_reset(struct lab_guest *guest, char *err, size_t err_size)
{
	injector_forget(guest->injector);
	if (snapshot_reset(guest->snapshot, err, err_size) < 0)
		return false;
	memcpy(guest->line, guest->start.line, sizeof(guest->line));
	guest->line_length = guest->start.line_length;
	guest->input_length = 0;
	guest->input_at = 0;
	guest->step = 0;
	guest->awaited = 0;
	guest->progress = guest->start.insns;
	if (guest->workload == LAB_BOOT) {
		guest->ready = false;
		guest->nr_processes = 0;
	}
	for (unsigned i = 0; i < guest->nr_processes; i++)
		guest->processes[i].rounds = 0;
	return true;
}

/* "6.1.0-42-powerpc64le" is 601. */
static unsigned version_number(const char *release)
{
	unsigned major = 0, minor = 0;

	if (sscanf(release, "%3u.%3u", &major, &minor) != 2)
		return 0;
	return major * 100 + minor;
}

static bool start_observation(struct lab_guest *guest, struct lab_observation *seen)
{
	*seen = (struct lab_observation){
		.nr_vcpus = guest->config.nr_vcpus,
		.kernel_version = version_number(guest->release),
		.console = calloc(1, CONSOLE_MAX + 1),
		.notes = calloc(MAX_NOTES, sizeof(seen->notes[0])),
	};
	return seen->console && seen->notes;
}

/* Linux waits two seconds between a system reset and its panic, if one of its CPUs is busy. */
static uint64_t bound_of(const struct lab_guest *guest)
{
	if (guest->workload == LAB_BOOT)
		return LAB_BOOT_CASE_BOUND;
	for (unsigned i = 0; i < guest->nr_steps; i++)
		if (guest->steps[i].kind == LAB_STEP_INJECT && guest->steps[i].request.system_reset)
			return LAB_RESET_BOUND;
	return LAB_BOUND;
}

/* Runs from one step to the next. Returns false at the end of the case. */
static bool run_on(struct lab_guest *guest)
{
	const uint64_t bound = bound_of(guest);
	struct lab_observation *seen = guest->seen;
	char why[sizeof(seen->why)];

	machine_stop_at(guest->machine, guest->progress + bound);
	seen->machine_end = machine_run(guest->machine, why, sizeof(why));
	if (seen->machine_end != MACHINE_STOPPED) {
		seen->end = LAB_END_MACHINE;
		memcpy(seen->why, why, sizeof(why));
		return false;
	}
	if (seen->end != LAB_END_BOUND)
		return false;
	if (machine_insns(guest->machine) < guest->progress + bound)
		return true;
	seen->end = guest->awaited ? LAB_END_UNREACHED : LAB_END_BOUND;
	return false;
}

static void note_positions(const struct lab_guest *guest)
{
	for (unsigned i = 0; i < guest->config.nr_vcpus; i++) {
		struct engine_regs regs;

		machine_get_regs(guest->machine, i, &regs);
		guest->seen->positions[i] =
			(struct lab_position){ .nip = regs.nip, .lr = regs.lr, .msr = regs.msr };
	}
}

/* Returns false, with one line in @err, if a step cannot be done. */
static bool run_steps(struct lab_guest *guest, char *err, size_t err_size)
{
	bool going = false;

	guest->seen->end = LAB_END_BOUND;
	do {
		if (!guest->awaited && guest->step < guest->nr_steps &&
		    !begin_step(guest, err, err_size))
			return false;
		if (guest->ready && guest->workload == LAB_BOOT && !going) {
			going = true;
			go(guest, LAB_VICTIM);
		}
	} while (run_on(guest));
	guest->seen->insns = machine_insns(guest->machine) - guest->start.insns;
	note_positions(guest);
	return true;
}

/* Goes on to the instruction that a case begins at, and keeps that moment instead. */
static bool move_start(struct lab_guest *guest, uint64_t insn, char *err, size_t err_size)
{
	char why[256];

	if (!insn || insn == guest->start.insns)
		return true;
	if (insn < guest->start.insns)
		return FAIL("the guest is past instruction %llu already", (unsigned long long)insn);
	if (!lab_guest_reset(guest, err, err_size))
		return false;
	machine_stop_at(guest->machine, insn);
	if (machine_run(guest->machine, why, sizeof(why)) != MACHINE_STOPPED ||
	    machine_insns(guest->machine) != insn)
		return FAIL("the guest does not get to instruction %llu: %s",
			    (unsigned long long)insn, why);
	return keep_moment(guest, err, err_size);
}

bool lab_guest_run(struct lab_guest *guest, const struct lab_case *c, bool to_delivery,
		   struct lab_observation *seen, char *err, size_t err_size)
{
	bool good;

	guest->to_delivery = to_delivery;
	if (!move_start(guest, c->start, err, err_size))
		return false;
	if (!start_observation(guest, seen)) {
		lab_observation_clear(seen);
		return FAIL("out of memory");
	}
	guest->seen = seen;
	good = parse_steps(guest, c, err, err_size) && lab_guest_reset(guest, err, err_size) &&
	       run_steps(guest, err, err_size);
	guest->seen = NULL;
	if (!good)
		lab_observation_clear(seen);
	return good;
}

void lab_observation_clear(struct lab_observation *seen)
{
	free(seen->console);
	free(seen->notes);
	*seen = (struct lab_observation){ 0 };
}
