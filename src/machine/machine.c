/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest RAM, vCPU states, the run loop and the clock. Injected machine checks and resets are in
 * injection.c, file loading is in loader.c. pseries/ is what the guest sees; an engine executes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fwnmi/mce.h"
#include "machine/private.h"
#include "pseries/processor.h"

/*
 * Nothing legitimate reads past the end of RAM. The guard keeps a wrong read from going unnoticed.
 */
#define GUARD_SIZE 0x10000ull

/*
 * Instructions a vCPU runs in its turn. The number is fixed so that CLOCK_INSN runs are repeatable.
 * A hypervisor call is charged as several instructions because it costs the host more.
 */
#define SLICE_SHARED		20000
#define SLICE_ALONE		400000
#define SLICE_ALONE_OTHERS_IDLE 50000
#define HCALL_CHARGE		50
/*
 * Instructions that a spinning vCPU gets of its turn: few next to the others' turns, many next to
 * the cost of a switch.
 */
#define SPIN_PATIENCE		200
/*
 * Instructions between two looks at the clock, and at the clients if they are due. The guest does
 * not notice. The engine shortens a stretch whose instructions are expensive.
 */
#define STRETCH			20000u

/* A reboot loads the kernel again, so a guest that does nothing else gets one per second. */
#define REBOOT_BURST	   8
#define REBOOT_INTERVAL_NS 1000000000ull

#define POLL_INTERVAL_NS  1000000ll
#define INJECTION_POLL_NS (10 * POLL_INTERVAL_NS)
#define MAX_POLL_FDS	  64

/* A decrementer this far away (35 minutes) is one the guest has parked, not a deadline. */
#define IDLE_FOREVER_TICKS (1ull << 40)

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), -1)

void machine_emit(struct machine *machine, struct machine_event *event)
{
	event->insns = machine_insns(machine);
	event->timebase = machine_timebase(machine);
	for (unsigned i = 0; i < machine->nr_clients; i++) {
		const struct machine_client *client = &machine->clients[i];

		if (client->event)
			client->event(client->opaque, event);
	}
}

void machine_end_with(struct machine *machine, enum machine_end end, const char *format, ...)
{
	va_list ap;

	if (machine->end != MACHINE_RUNNING)
		return;
	machine->end = end;
	va_start(ap, format);
	vsnprintf(machine->why, sizeof(machine->why), format, ap);
	va_end(ap);
}

/* ---- callbacks from the partition ---- */

static void host_console_write(void *opaque, const void *buf, unsigned len)
{
	struct machine *machine = opaque;

	if (machine->console_write)
		machine->console_write(machine->console_opaque, buf, len);
}

static unsigned host_console_read(void *opaque, void *buf, unsigned len)
{
	struct machine *machine = opaque;

	return machine->console_read ? machine->console_read(machine->console_opaque, buf, len) : 0;
}

/* Never with CLOCK_INSN: no vCPU runs while the console is full. */
static bool host_console_busy(void *opaque)
{
	const struct machine *machine = opaque;

	return machine->console_full && machine->clock.mode != CLOCK_INSN;
}

static void host_vcpu_start(void *opaque, unsigned vcpu)
{
	struct machine *machine = opaque;

	machine->vcpus[vcpu].state = VCPU_RUNNABLE;
	machine->vcpus[vcpu].woken = false;
	if (vcpu != machine->running)
		machine->switch_now = true;
}

static void host_vcpu_wake(void *opaque, unsigned vcpu)
{
	struct machine *machine = opaque;

	machine->vcpus[vcpu].woken = true;
	if (vcpu != machine->running && machine->vcpus[vcpu].state != VCPU_RUNNABLE)
		machine->switch_now = true;
}

static void host_event(void *opaque, const struct papr_event *papr)
{
	struct machine *machine = opaque;
	struct machine_event event = { .type = MACHINE_EVENT_PAPR, .papr = papr };

	if (papr->type == PAPR_EVENT_PANIC)
		snprintf(machine->why, sizeof(machine->why), "%s",
			 papr->text && *papr->text ? papr->text : "ibm,os-term without a reason");
	event.report = injection_papr_event(machine, papr);
	machine_emit(machine, &event);
}

static void host_debug(void *opaque, const char *line)
{
	struct machine *machine = opaque;

	if (machine->config.debug)
		machine->config.debug(line);
}

static void host_warning(void *opaque, const char *line)
{
	struct machine *machine = opaque;

	if (machine->config.warn)
		machine->config.warn(line);
}

/* Called from an engine thread: there is an exit to fetch. */
static void engine_exited(void *opaque)
{
	struct machine *machine = opaque;
	const uint64_t one = 1;

	(void)!write(machine->wake_fd, &one, sizeof(one));
}

static void stop_vcpus(struct machine *machine)
{
	if (machine->ops->stop)
		machine->ops->stop(machine->engine);
}

/* ---- creation and reset ---- */

/* Map a file, or part of a device, over part of guest memory. */
static int map_file(struct machine *machine, char *err, size_t err_size)
{
	const struct machine_mapping *mapping = &machine->config.mapping;
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	void *mapped;
	int fd;

	if (!mapping->path)
		return 0;
	if (mapping->address % page || mapping->size % page || mapping->offset % page ||
	    !mapping->size || !memory_contains(&machine->memory, mapping->address, mapping->size))
		return FAIL("cannot map %s: not whole pages of %llu bytes inside the memory",
			    mapping->path, (unsigned long long)page);
	fd = open(mapping->path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return FAIL("cannot open %s: %s", mapping->path, strerror(errno));
	mapped = mmap(machine->memory.base + mapping->address, mapping->size,
		      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)mapping->offset);
	close(fd);
	if (mapped == MAP_FAILED)
		return FAIL("cannot map %s: %s", mapping->path, strerror(errno));
	return 0;
}

/* Zero all guest memory that is not mapped from a file. */
static int clear_memory(struct machine *machine)
{
	const struct machine_mapping *mapping = &machine->config.mapping;
	uint64_t first = mapping->path ? mapping->address : machine->memory.size;
	uint64_t rest = mapping->path ? mapping->address + mapping->size : machine->memory.size;

	if (first && madvise(machine->memory.base, first, MADV_DONTNEED) < 0)
		return -1;
	if (rest == machine->memory.size)
		return 0;
	return madvise(machine->memory.base + rest, machine->memory.size - rest, MADV_DONTNEED);
}

static int allocate_memory(struct machine *machine, char *err, size_t err_size)
{
	uint64_t size = machine->config.ram_size;
	void *base;

	if (size < MACHINE_MIN_RAM || size > MACHINE_MAX_RAM || size % (1u << 20))
		return FAIL("cannot use %llu bytes of memory: not %llu..%llu MiB",
			    (unsigned long long)size, MACHINE_MIN_RAM >> 20, MACHINE_MAX_RAM >> 20);
	base = mmap(NULL, size + GUARD_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (base == MAP_FAILED)
		return FAIL("cannot allocate %llu MiB of memory: %s",
			    (unsigned long long)(size >> 20), strerror(errno));
	machine->memory.base = base;
	machine->memory.size = size;
	if (mprotect(base, size, PROT_READ | PROT_WRITE) < 0)
		return FAIL("cannot allocate %llu MiB of memory: %s",
			    (unsigned long long)(size >> 20), strerror(errno));
	/* Only a hint: the guest runs without huge pages too, but slower. */
	madvise(base, size, MADV_HUGEPAGE);
	return map_file(machine, err, err_size);
}

static int create_partition(struct machine *machine, char *err, size_t err_size)
{
	const struct machine_config *config = &machine->config;
	const struct engine_config engine_config = {
		.memory = &machine->memory,
		.clock = &machine->clock,
		.nr_vcpus = config->nr_vcpus,
		.no_mc_exit = config->no_mc_exit,
		.debug = host_warning,
		.exited = engine_exited,
		.thread_begins = config->thread_begins,
		.opaque = machine,
	};
	struct papr_config papr_config = {
		.memory = &machine->memory,
		.clock = &machine->clock,
		.engine_ops = machine->ops,
		.host = {
			.console_write = host_console_write,
			.console_read = host_console_read,
			.console_busy = host_console_busy,
			.vcpu_start = host_vcpu_start,
			.vcpu_wake = host_vcpu_wake,
			.event = host_event,
			.debug = host_debug,
			.warning = host_warning,
			.opaque = machine,
		},
		.nr_vcpus = config->nr_vcpus,
		.bootargs = config->append,
		.kernel_base = machine->loader.kernel_base,
		.kernel_entry = machine->loader.kernel_entry,
		.kernel_size = machine->loader.kernel_size,
		.kernel_little_endian = machine->loader.little_endian,
		.bios_size = machine->loader.bios_size,
		.initrd_base = machine->loader.initrd_base,
		.initrd_size = machine->loader.initrd_size,
		.nvram_path = config->nvram,
		.fwnmi_strict = config->fwnmi_strict,
		.stale_handler = config->stale_handler,
		.delivery = config->delivery,
		.trampoline = config->trampoline,
	};

	machine->engine = machine->ops->create(&engine_config, err, err_size);
	if (!machine->engine)
		return -1;
	papr_config.engine = machine->engine;
	machine->papr = papr_create(&papr_config, err, err_size);
	return machine->papr ? 0 : -1;
}

/* Set memory to its state before a boot, and registers to kernel entry. */
static int boot(struct machine *machine, char *err, size_t err_size)
{
	machine->ops->reset(machine->engine);
	machine->partition_ended = false;
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++) {
		machine->vcpus[i].state = VCPU_STOPPED;
		machine->vcpus[i].woken = false;
	}
	if (loader_fill(&machine->loader, &machine->memory, err, err_size) < 0 ||
	    papr_reset(machine->papr, err, err_size) < 0)
		return -1;
	machine->vcpus[0].state = VCPU_RUNNABLE;
	machine->running = machine->config.nr_vcpus - 1; /* vCPU 0 is next */
	return 0;
}

static int open_files(struct machine *machine, char *err, size_t err_size)
{
	const struct machine_config *config = &machine->config;

	if (config->kernel && loader_open(&machine->loader, config->kernel, config->initrd,
					  config->ram_size, err, err_size) < 0)
		return -1;
	if (!config->bios)
		return 0;
	return loader_open_bios(&machine->loader, config->bios, config->ram_size, err, err_size);
}

static int setup(struct machine *machine, char *err, size_t err_size)
{
	const struct machine_config *config = &machine->config;

	if (!config->nr_vcpus || config->nr_vcpus > ENGINE_MAX_VCPUS)
		return FAIL("cannot make %u vCPUs: not 1..%d", config->nr_vcpus, ENGINE_MAX_VCPUS);
	machine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (machine->wake_fd < 0)
		return FAIL("cannot make an event descriptor: %s", strerror(errno));
	if (allocate_memory(machine, err, err_size) < 0 || open_files(machine, err, err_size) < 0 ||
	    create_partition(machine, err, err_size) < 0)
		return -1;
	return boot(machine, err, err_size);
}

struct machine *machine_create(const struct machine_config *config, char *err, size_t err_size)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	if (!machine) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	machine->config = *config;
	machine->ops = config->engine;
	machine->loader.kernel_fd = machine->loader.initrd_fd = machine->loader.bios_fd = -1;
	machine->wake_fd = -1;
	machine->reboots = (struct limit){ REBOOT_BURST, REBOOT_INTERVAL_NS, 0 };
	machine->clock.mode = config->clock;
	if (config->clock == CLOCK_HOST)
		machine->clock.offset = -clock_host_ticks();
	if (setup(machine, err, err_size) < 0) {
		machine_destroy(machine);
		return NULL;
	}
	return machine;
}

void machine_destroy(struct machine *machine)
{
	if (!machine)
		return;
	if (machine->papr)
		papr_destroy(machine->papr);
	if (machine->engine)
		machine->ops->destroy(machine->engine);
	loader_close(&machine->loader);
	if (machine->memory.base)
		munmap(machine->memory.base, machine->memory.size + GUARD_SIZE);
	if (machine->wake_fd >= 0)
		close(machine->wake_fd);
	free(machine);
}

static void reboot(struct machine *machine, bool guest_asked)
{
	struct machine_event event = { .type = MACHINE_EVENT_RESET, .guest_asked = guest_asked };
	char err[200];

	machine->reset_requested = machine->reboot_due = false;
	injection_cancel_all(machine, "the machine was reset");
	machine_emit(machine, &event);
	stop_vcpus(machine);
	if (clear_memory(machine) < 0)
		machine_end_with(machine, MACHINE_FAILED, "cannot clear memory for a reboot: %s",
				 strerror(errno));
	else if (boot(machine, err, sizeof(err)) < 0)
		machine_end_with(machine, MACHINE_FAILED, "%s", err);
}

/* ---- waiting ---- */

static void poll_clients(struct machine *machine, int64_t timeout_ns)
{
	struct pollfd fds[MAX_POLL_FDS];
	unsigned counts[MACHINE_MAX_CLIENTS], n = 1;
	struct timespec ts = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
	uint64_t drained;

	fds[0] = (struct pollfd){ .fd = machine->wake_fd, .events = POLLIN };
	for (unsigned i = 0; i < machine->nr_clients; i++) {
		const struct machine_client *client = &machine->clients[i];

		counts[i] = client->poll_fds ?
				    client->poll_fds(client->opaque, fds + n, MAX_POLL_FDS - n) :
				    0;
		n += counts[i];
	}
	/* Nothing to do on EINTR: the handler has set machine->quit if it matters. */
	if (ppoll(fds, n, timeout_ns < 0 ? NULL : &ts, NULL) > 0) {
		if (fds[0].revents)
			(void)!read(machine->wake_fd, &drained, sizeof(drained));
		n = 1;
		for (unsigned i = 0; i < machine->nr_clients; i++) {
			if (counts[i])
				machine->clients[i].ready(machine->clients[i].opaque, fds + n,
							  counts[i]);
			n += counts[i];
		}
	}
	machine->next_poll_ns = host_ns() + (uint64_t)POLL_INTERVAL_NS;
}

/* ---- running ---- */

static bool any_vcpu_left(const struct machine *machine)
{
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++)
		if (machine->vcpus[i].state != VCPU_STOPPED)
			return true;
	return false;
}

bool machine_outcome(struct machine *machine, unsigned vcpu, int outcome)
{
	struct vcpu *v = &machine->vcpus[vcpu];

	switch (outcome) {
	case FWNMI_NOTHING:
	case FWNMI_RELEASED:
		return v->state == VCPU_RUNNABLE;
	case FWNMI_DELIVERED:
	case FWNMI_NOT_REGISTERED: /* the architected interrupt was delivered */
	case FWNMI_STALE:
	case PAPR_RAISED:
		v->state = VCPU_RUNNABLE;
		return true;
	case FWNMI_WAITING:
		v->state = VCPU_WAITING;
		return false;
	case FWNMI_STOPPED:
		v->state = VCPU_STOPPED;
		if (!any_vcpu_left(machine))
			machine_end_with(machine, MACHINE_CRASHED,
					 "its last processor was unsafe and has been stopped");
		return false;
	case FWNMI_ENDED:
		machine->partition_ended = true;
		machine->switch_now = true;
		return false;
	default:
		machine_end_with(machine, MACHINE_FAILED, "cannot deliver to vCPU %u: %s", vcpu,
				 fwnmi_strerror(outcome));
		return false;
	}
}

/* The run loop reboots as soon as the limit allows. */
static void want_reboot(struct machine *machine)
{
	if (machine->config.no_reboot) {
		machine_end_with(machine, MACHINE_REBOOT, "%s", "");
		return;
	}
	machine->reboot_due = true;
	stop_vcpus(machine);
}

static void crashed(struct machine *machine)
{
	/* host_event() has stored the guest's message. */
	machine->end = MACHINE_CRASHED;
	if (!machine->why[0])
		snprintf(machine->why, sizeof(machine->why), "the guest crashed");
}

/* Returns true if the vCPU goes on in this slice. */
static bool hcall(struct machine *machine, unsigned vcpu)
{
	struct vcpu *v = &machine->vcpus[vcpu];

	switch (papr_hcall(machine->papr, vcpu)) {
	case PAPR_RESUME:
		return true;
	case PAPR_CEDE:
		v->state = VCPU_CEDED;
		papr_vcpu_dispatch(machine->papr, vcpu, false);
		injection_idle(machine, vcpu);
		return false;
	case PAPR_YIELD:
		return false;
	case PAPR_STOPPED:
		v->state = VCPU_STOPPED;
		injection_idle(machine, vcpu);
		return false;
	case PAPR_POWER_OFF:
		machine_end_with(machine, MACHINE_POWERED_OFF, "%s", "");
		return false;
	case PAPR_REBOOT:
		want_reboot(machine);
		return false;
	case PAPR_CRASHED:
		crashed(machine);
		return false;
	case PAPR_FWNMI:
		return machine_outcome(machine, vcpu, papr_outcome(machine->papr));
	}
	return false;
}

/* Only an engine with ENGINE_CAP_MC_EXIT reports its own machine checks. */
static bool machine_check_exit(struct machine *machine, unsigned vcpu,
			       const struct engine_exit *exit)
{
	struct fwnmi_machine_check mc;
	struct engine_regs regs;

	machine->ops->get_regs(machine->engine, vcpu, &regs);
	if (fwnmi_mce_analyse(processor_of(machine->ops, machine->engine), regs.nip,
			      exit->machine_check.srr1, (uint32_t)exit->machine_check.dsisr,
			      exit->machine_check.dar, &mc) < 0) {
		machine_end_with(machine, MACHINE_FAILED,
				 "cannot analyse a machine check of vCPU %u", vcpu);
		return false;
	}
	/* The engine may know more than the processor's bits guarantee. */
	if (exit->machine_check.dar_valid && mc.error_type == FWNMI_MC_UE) {
		mc.effective_address_valid = true;
		mc.effective_address = exit->machine_check.dar;
	}
	if (exit->machine_check.srr1 & FWNMI_SRR1_MC_LOADSTORE && !exit->machine_check.dar_valid)
		mc.effective_address_valid = false;
	if (exit->machine_check.recovered)
		mc.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED;
	if (exit->machine_check.address_valid && mc.error_type == FWNMI_MC_UE) {
		mc.logical_address_valid = true;
		mc.logical_address = exit->machine_check.address;
	}
	return machine_outcome(machine, vcpu,
			       papr_hardware_machine_check(machine->papr, vcpu, &mc,
							   &exit->machine_check));
}

static bool handle_exit(struct machine *machine, unsigned vcpu, const struct engine_exit *exit)
{
	struct engine_regs regs;
	int outcome;

	switch (exit->reason) {
	case ENGINE_EXIT_BUDGET:
		return true;
	case ENGINE_EXIT_HCALL:
		return hcall(machine, vcpu);
	case ENGINE_EXIT_HALTED:
		machine->vcpus[vcpu].state = VCPU_CEDED;
		injection_idle(machine, vcpu);
		return false;
	case ENGINE_EXIT_MACHINE_CHECK:
		return machine_check_exit(machine, vcpu, exit);
	case ENGINE_EXIT_KICKED:
	case ENGINE_EXIT_YIELD:
	case ENGINE_EXIT_RUNNING:
		return false;
	case ENGINE_EXIT_TRAP:
		outcome = papr_trap(machine->papr, vcpu, exit->trap);
		if (outcome == PAPR_NO_TRAP)
			return machine_check_exit(machine, vcpu, exit);
		return machine_outcome(machine, vcpu, outcome);
	case ENGINE_EXIT_DEBUG:
		injection_returned(machine, vcpu);
		return true;
	case ENGINE_EXIT_FAILED:
		machine->ops->get_regs(machine->engine, vcpu, &regs);
		machine_end_with(machine, MACHINE_FAILED, "vCPU %u at 0x%016llx: %s", vcpu,
				 (unsigned long long)regs.nip, exit->message);
		return false;
	}
	return false;
}

/* Does this vCPU have anything to execute now? Wakes it if so. */
static bool runnable(struct machine *machine, unsigned vcpu)
{
	struct vcpu *v = &machine->vcpus[vcpu];

	if (v->state == VCPU_STOPPED || machine->partition_ended)
		return false;
	if (v->woken) {
		v->woken = false;
		if (v->state == VCPU_CEDED)
			v->state = VCPU_RUNNABLE;
		if (!machine_outcome(machine, vcpu, papr_resume(machine->papr, vcpu)))
			return false;
	}
	if (v->state == VCPU_CEDED) {
		if (machine->ops->interrupt_pending(machine->engine, vcpu))
			v->state = VCPU_RUNNABLE;
		else if (injection_wants_ceded(v))
			return injection_check(machine, vcpu, true);
	}
	return v->state == VCPU_RUNNABLE;
}

/* Ticks until the first decrementer interrupt of an idle vCPU; IDLE_FOREVER_TICKS if none. */
static uint64_t ticks_to_deadline(struct machine *machine)
{
	uint64_t now = machine_timebase(machine), first = IDLE_FOREVER_TICKS;

	for (unsigned i = 0; i < machine->config.nr_vcpus; i++) {
		uint64_t deadline, left;

		if (machine->vcpus[i].state != VCPU_CEDED)
			continue;
		deadline = machine->ops->deadline(machine->engine, i);
		left = (int64_t)(deadline - now) > 0 ? deadline - now : 0;
		if (left < first)
			first = left;
	}
	return first;
}

/* How long the vCPU may run. @alone: no other vCPU could use the time. */
static uint64_t slice_length(struct machine *machine, bool alone)
{
	uint64_t ticks;

	if (!alone)
		return SLICE_SHARED;
	ticks = ticks_to_deadline(machine);
	if (ticks == IDLE_FOREVER_TICKS)
		return SLICE_ALONE;
	/*
	 * An idle vCPU's timer fires on the exact tick with CLOCK_INSN, roughly on time with
	 * CLOCK_HOST.
	 */
	if (machine->clock.mode == CLOCK_HOST)
		return SLICE_ALONE_OTHERS_IDLE;
	if (ticks * INSNS_PER_TICK >= SLICE_ALONE)
		return SLICE_ALONE;
	return ticks * INSNS_PER_TICK + 1;
}

/* Wait for a full console to drain; false if something else has to be done first. */
static bool wait_for_console(struct machine *machine)
{
	while (machine->console_full && machine->clock.mode == CLOCK_INSN) {
		if (machine->quit || machine->reset_requested || machine->paused)
			return false;
		injection_poll(machine, host_ns());
		poll_clients(machine, INJECTION_POLL_NS);
	}
	return true;
}

/*
 * Serve clients during a slice, so that no guest keeps them waiting. False: what a client wants
 * comes before the rest of the slice.
 */
static bool serve_clients(struct machine *machine)
{
	if (host_ns() >= machine->next_poll_ns)
		poll_clients(machine, 0);
	return !machine->paused && !machine->reset_requested && !machine->quit;
}

/* True if the vCPU did, or may have done, something. False if it was only left running. */
static bool run_slice(struct machine *machine, unsigned vcpu, bool alone)
{
	const struct engine_ops *ops = machine->ops;
	int64_t budget = (int64_t)slice_length(machine, alone);
	struct vcpu *v = &machine->vcpus[vcpu];
	uint64_t before = ops->insns(machine->engine, vcpu);
	bool active = false;

	if (machine->running != vcpu && machine->vcpus[machine->running].state == VCPU_RUNNABLE)
		papr_vcpu_dispatch(machine->papr, machine->running, false);
	papr_vcpu_dispatch(machine->papr, vcpu, true);
	machine->running = vcpu;
	machine->switch_now = false;
	if (ops->set_patience)
		ops->set_patience(machine->engine, alone ? UINT64_MAX : SPIN_PATIENCE);
	while (budget > 0 && !machine->quit) {
		struct engine_exit exit;
		uint64_t after;

		if (!serve_clients(machine) || !wait_for_console(machine) ||
		    (v->woken && !runnable(machine, vcpu)))
			return true;
		if (injection_single_step(v)) {
			if (!injection_check(machine, vcpu, false))
				return true;
			ops->run(machine->engine, vcpu, 1, &exit);
		} else {
			ops->run(machine->engine, vcpu,
				 budget < STRETCH ? (uint64_t)budget : STRETCH, &exit);
		}
		if (exit.reason != ENGINE_EXIT_DEBUG)
			injection_ran(machine, vcpu);
		after = ops->insns(machine->engine, vcpu);
		budget -= (int64_t)(after - before);
		before = after;
		if (exit.reason == ENGINE_EXIT_HCALL)
			budget -= HCALL_CHARGE;
		if (exit.reason == ENGINE_EXIT_RUNNING)
			return active;
		active = true;
		if (!handle_exit(machine, vcpu, &exit) || machine->switch_now)
			return true;
	}
	return true;
}

/*
 * Give one turn to every vCPU that can use it, starting after the last one. False if none can, or
 * if all that can run do so on their own threads.
 */
static bool run_round(struct machine *machine)
{
	unsigned n = machine->config.nr_vcpus, first = machine->running + 1, count = 0;
	bool ready[ENGINE_MAX_VCPUS], active = false;

	for (unsigned i = 0; i < n && machine->end == MACHINE_RUNNING; i++) {
		ready[i] = runnable(machine, i);
		count += ready[i];
	}
	for (unsigned i = 0; i < n && count; i++) {
		unsigned vcpu = (first + i) % n;

		if (machine->end != MACHINE_RUNNING || machine->reset_requested ||
		    machine->reboot_due || machine->partition_ended || machine->paused)
			return true;
		/* An earlier vCPU's turn may have changed that. */
		if (ready[vcpu] && machine->vcpus[vcpu].state == VCPU_RUNNABLE)
			active |= run_slice(machine, vcpu, count == 1);
	}
	return active;
}

static bool any_injection_open(const struct machine *machine)
{
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++) {
		enum injection_stage stage = machine->vcpus[i].injection.report.stage;

		if (stage >= INJECTION_PENDING && stage <= INJECTION_WAITING)
			return true;
	}
	return false;
}

/* ---- the run loop ---- */

/* No vCPU can run: advance to the next timer interrupt, instantly with CLOCK_INSN. */
static void idle(struct machine *machine)
{
	uint64_t ticks = ticks_to_deadline(machine);
	int64_t timeout_ns = -1;

	if (ticks < IDLE_FOREVER_TICKS) {
		if (machine->clock.mode == CLOCK_INSN) {
			machine->clock.offset += ticks;
			return;
		}
		timeout_ns = (int64_t)(ticks * 125 / 64);
	}
	/* An injection's time limit is in host time. */
	if (any_injection_open(machine) && (timeout_ns < 0 || timeout_ns > INJECTION_POLL_NS))
		timeout_ns = INJECTION_POLL_NS;
	poll_clients(machine, timeout_ns);
}

/* Apply what LoPAR calls the partition's reboot policy. */
static void run_reboot_policy(struct machine *machine)
{
	const struct papr_fwnmi_end *end = papr_fwnmi_end(machine->papr);

	switch (machine->config.reboot_policy) {
	case REBOOT_POLICY_HALT:
		machine_end_with(machine, MACHINE_CRASHED, "%s (vCPU %u)",
				 fwnmi_end_reason_text(end->reason), end->vcpu);
		break;
	case REBOOT_POLICY_REBOOT:
		want_reboot(machine);
		break;
	case REBOOT_POLICY_PAUSE:
		machine_pause(machine, true);
		break;
	}
}

/*
 * Wait until the reboot limit allows a pending reboot; forever if only a client can change
 * anything.
 */
static void stand_still(struct machine *machine, uint64_t wait_ns)
{
	int64_t timeout_ns = wait_ns ? (int64_t)wait_ns : -1;

	if (any_injection_open(machine) && (timeout_ns < 0 || timeout_ns > INJECTION_POLL_NS))
		timeout_ns = INJECTION_POLL_NS;
	poll_clients(machine, timeout_ns);
}

static void reboot_when_allowed(struct machine *machine, uint64_t now)
{
	if (limit_take(&machine->reboots, now))
		reboot(machine, true);
	else
		stand_still(machine, limit_wait(&machine->reboots, now));
}

enum machine_end machine_run(struct machine *machine, char *why, size_t why_size)
{
	struct machine_event event = { .type = MACHINE_EVENT_SHUTDOWN };

	machine->end = MACHINE_RUNNING;
	machine->why[0] = '\0';
	while (machine->end == MACHINE_RUNNING) {
		uint64_t now = host_ns();

		injection_poll(machine, now);
		if (machine->quit)
			machine_end_with(machine, MACHINE_QUIT, "%s", "");
		else if (machine->reset_requested)
			reboot(machine, false);
		else if (machine->paused)
			stand_still(machine, 0);
		else if (machine->reboot_due)
			reboot_when_allowed(machine, now);
		else if (machine->partition_ended)
			run_reboot_policy(machine);
		else if (now >= machine->next_poll_ns)
			poll_clients(machine, 0);
		else if (!run_round(machine) && machine->end == MACHINE_RUNNING)
			idle(machine);
	}
	stop_vcpus(machine);
	injection_cancel_all(machine, "the machine has ended");
	event.end = machine->end;
	event.why = machine->why;
	machine_emit(machine, &event);
	snprintf(why, why_size, "%s", machine->why);
	return machine->end;
}

/* ---- requests ---- */

bool machine_add_client(struct machine *machine, const struct machine_client *client)
{
	if (machine->nr_clients == MACHINE_MAX_CLIENTS)
		return false;
	machine->clients[machine->nr_clients++] = *client;
	return true;
}

void machine_set_console(struct machine *machine,
			 void (*write)(void *opaque, const void *buf, unsigned len),
			 unsigned (*read)(void *opaque, void *buf, unsigned len), void *opaque)
{
	machine->console_write = write;
	machine->console_read = read;
	machine->console_opaque = opaque;
}

void machine_console_input(struct machine *machine)
{
	papr_console_input(machine->papr);
}

void machine_console_full(struct machine *machine, bool full)
{
	machine->console_full = full;
}

void machine_quit(struct machine *machine)
{
	const uint64_t one = 1;
	int saved = errno;

	machine->quit = 1;
	(void)!write(machine->wake_fd, &one, sizeof(one));
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++)
		machine->ops->kick(machine->engine, i);
	errno = saved;
}

/*
 * If vCPUs have their own threads, the engine keeps the time base, and it runs on during a pause.
 */
static bool time_stands_still(const struct machine *machine)
{
	return machine->paused && machine->clock.mode == CLOCK_HOST && !machine->ops->stop;
}

void machine_pause(struct machine *machine, bool paused)
{
	struct machine_event event = { .type = paused ? MACHINE_EVENT_STOP : MACHINE_EVENT_RESUME };

	if (machine->paused == paused)
		return;
	if (paused)
		stop_vcpus(machine);
	if (paused)
		machine->paused_at = clock_host_ticks();
	else if (time_stands_still(machine))
		machine->clock.offset -= clock_host_ticks() - machine->paused_at;
	machine->paused = paused;
	machine_emit(machine, &event);
}

bool machine_paused(const struct machine *machine)
{
	return machine->paused;
}

bool machine_partition_ended(const struct machine *machine)
{
	return machine->partition_ended;
}

void machine_request_reset(struct machine *machine)
{
	machine->reset_requested = true;
}

struct papr *machine_papr(struct machine *machine)
{
	return machine->papr;
}

enum machine_vcpu_state machine_vcpu_state(const struct machine *machine, unsigned vcpu)
{
	return machine->vcpus[vcpu].state;
}

unsigned machine_nr_vcpus(const struct machine *machine)
{
	return machine->config.nr_vcpus;
}

uint64_t machine_vcpu_insns(const struct machine *machine, unsigned vcpu)
{
	return machine->ops->insns(machine->engine, vcpu);
}

uint64_t machine_insns(const struct machine *machine)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < machine->config.nr_vcpus; i++)
		sum += machine_vcpu_insns(machine, i);
	return sum;
}

uint64_t machine_timebase(const struct machine *machine)
{
	if (time_stands_still(machine))
		return machine->clock.offset + machine->paused_at;
	return clock_timebase(&machine->clock, 0);
}
