/* SPDX-License-Identifier: BSD-2-Clause */
/* What the lab's guest is made of, and how it boots; see lab_guest.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/private.h"
#include "lab/userland.h"

/* Linux tests its cryptography in the background for seconds; that is not what is tested here. */
#define BASE_APPEND   "console=hvc0 quiet cryptomgr.notests"
#define BOOT_STRETCH  20000000ull /* instructions between two looks at the user */
#define SILENCE_BOUND 6000000000ull /* instructions of a boot without a word on the console */
#define QUIET_TRIES   10000
#define QUIET_STRETCH 97

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

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
	const void *userland = lab_userland(guest->config.big_endian, &size);

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
	uint64_t xmon;

	guest->symbols =
		symbols_open(guest->config.kernel, guest->no_symbols, sizeof(guest->no_symbols));
	injector_use_symbols(guest->injector, guest->symbols, guest->no_symbols);
	kernel_tables_read(&guest->tables, guest->symbols);
	guest->soft_mask = soft_mask_offset(guest->symbols);
	kernel_options_read(&guest->options, guest->append);
	guest->options.xmon &= guest->symbols && symbols_find(guest->symbols, "xmon", &xmon);
	/* The first look-up sorts them. Processes that fork share the outcome. */
	if (guest->symbols)
		symbols_place(guest->symbols, KERNEL_BASE, place, sizeof(place));
	if (guest->config.note_code)
		guest->coverage = coverage_create(guest->symbols);
}

static bool make_machine(struct lab_guest *guest, char *err, size_t err_size)
{
	const struct machine_hook hook = {
		.returned = guest_on_returned,
		.event = guest_on_event,
		.opaque = guest,
	};
	const struct injector_listener listener = { .ended = guest_on_ended, .opaque = guest };
	const struct machine_config config = {
		.kernel = guest->config.kernel,
		.initrd = guest->initrd,
		.ram_size = guest->config.ram_size,
		.nr_vcpus = guest->config.nr_vcpus,
		.cpu = guest->config.cpu,
		.compat = guest->config.compat,
		.clock = CLOCK_INSN,
		.jit = guest->config.jit,
		.nr_children = guest->config.nr_children,
		.engine = &engine_power,
		.no_reboot = true,
		.ends_when_stuck = true,
		.partition.bootargs = guest->append,
		.partition.topology = guest->config.topology,
		.partition.interrupts = guest->config.interrupts,
	};

	snprintf(guest->append, sizeof(guest->append), BASE_APPEND "%s%s",
		 guest->config.append ? " " : "", guest->config.append ? guest->config.append : "");
	guest->machine = machine_create(&config, err, err_size);
	if (!guest->machine)
		return false;
	machine_set_console(guest->machine, guest_console_write, guest_console_read, guest);
	guest->injector = injector_create(guest->machine, err, err_size);
	if (!guest->injector)
		return false;
	injector_listen(guest->injector, &listener);
	injector_tell_processes(guest->injector, guest_tell_process, guest);
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
	kernel_tables_clear(&guest->tables);
	if (guest->machine)
		machine_destroy(guest->machine);
	free(guest->watch);
	coverage_destroy(guest->coverage);
	if (guest->initrd_fd >= 0)
		close(guest->initrd_fd);
	free(guest);
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
static bool is_quiet(struct lab_guest *guest)
{
	struct engine_regs regs;

	for (unsigned i = 0; i < guest->config.nr_vcpus; i++) {
		machine_get_regs(guest->machine, i, &regs);
		if (machine_vcpu_state(guest->machine, i) == VCPU_RUNNABLE && !(regs.msr & MSR_PR))
			return false;
	}
	return true;
}

/* The processes that are bound to a CPU have its number at the end of their names. */
static bool is_bound_to(const char *name, unsigned vcpu)
{
	const size_t digits = strcspn(name, "0123456789");

	return name[digits] && strtoul(name + digits, NULL, 10) == vcpu;
}

static bool learn_current(struct lab_guest *guest)
{
	struct current_task_sample samples[ENGINE_MAX_VCPUS] = { 0 };
	char idle[ENGINE_MAX_VCPUS][sizeof("swapper/4294967295")];

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
	return current_task_learn(&guest->current, machine_memory(guest->machine), samples,
				  guest->config.nr_vcpus);
}

typedef bool moment_fn(struct lab_guest *guest);

/* Looks at the guest now and then, until the moment is @fit or there were enough of them. */
static bool run_until_fit(struct lab_guest *guest, moment_fn *fit, char *err, size_t err_size)
{
	char why[256];

	for (unsigned i = 0; i < QUIET_TRIES && !fit(guest); i++) {
		enum machine_end end;

		machine_stop_at(guest->machine, machine_insns(guest->machine) + QUIET_STRETCH);
		end = machine_run(guest->machine, why, sizeof(why));
		if (end != MACHINE_STOPPED)
			return explain_end(guest, end, why, "when its workload started", err,
					   err_size);
	}
	return true;
}

/* In user mode, a CPU may run the workload, whose names are known, or what has started it. */
static bool is_quiet_and_known(struct lab_guest *guest)
{
	return is_quiet(guest) && learn_current(guest);
}

/* A round is told in the middle of printk(), where Linux holds the console's lock. */
static bool run_until_quiet(struct lab_guest *guest, char *err, size_t err_size)
{
	return run_until_fit(guest, is_quiet_and_known, err, err_size) &&
	       (guest->current.known || run_until_fit(guest, is_quiet, err, err_size));
}

void guest_go(struct lab_guest *guest, enum lab_workload workload)
{
	char command[sizeof(guest->input)];

	snprintf(command, sizeof(command), "go %s\n", lab_workload_name(workload));
	guest_type(guest, command);
}

bool guest_keep_moment(struct lab_guest *guest, char *err, size_t err_size)
{
	memcpy(guest->start.line, guest->line, sizeof(guest->line));
	guest->start.line_length = guest->line_length;
	guest->start.insns = machine_insns(guest->machine);
	snapshot_free(guest->snapshot);
	guest->snapshot = snapshot_take(guest->machine, err, err_size);
	return guest->snapshot;
}

void lab_guest_forked(struct lab_guest *guest, unsigned number)
{
	machine_forked(guest->machine, number);
}

bool lab_guest_start(struct lab_guest *guest, enum lab_workload workload, char *err,
		     size_t err_size)
{
	guest->workload = workload;
	if (workload != LAB_BOOT) {
		guest_go(guest, workload);
		if (!run_until(guest, &guest->steady, "when its workload started", err, err_size) ||
		    !run_until_quiet(guest, err, err_size))
			return false;
	}
	if (guest->coverage)
		guest->watch = coverage_watch(guest->coverage, guest->machine);
	return guest_keep_moment(guest, err, err_size);
}

json_t *lab_guest_code(struct lab_guest *guest)
{
	return guest->watch ? coverage_news(guest->watch) : NULL;
}
