/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a machine is made of: guest RAM, an engine, a partition, the files it boots from, and the
 * clients that watch it. scheduler.c runs it, loader.c loads files. pseries/ is what the guest
 * sees; an engine executes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/huge_pages.h"
#include "machine/private.h"

/*
 * Nothing legitimate accesses the host's memory before RAM or behind it. Guards keep a wrong access
 * from going unnoticed. The first one is a huge page long, so that RAM begins where one does.
 */
#define GUARD_BEFORE HUGE_PAGE
#define GUARD_AFTER  0x10000ull

/* A reboot loads the kernel again, so a guest that does nothing else gets one per second. */
#define REBOOT_BURST	   8
#define REBOOT_INTERVAL_NS 1000000000ull

#define POLL_INTERVAL_NS 1000000ll
#define MAX_POLL_FDS	 64

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), -1)

void machine_emit(struct machine *machine, struct machine_event *event)
{
	event->insns = machine_insns(machine);
	event->timebase = machine_timebase(machine);
	for (unsigned i = 0; i < machine->nr_hooks; i++) {
		const struct machine_hook *hook = &machine->hooks[i];

		if (hook->event)
			hook->event(hook->opaque, event);
	}
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

static void host_event(void *opaque, const struct papr_event *papr)
{
	struct machine *machine = opaque;
	struct machine_event event = { .type = MACHINE_EVENT_PAPR, .papr = papr };

	if (papr->type == PAPR_EVENT_PANIC)
		snprintf(machine->why, sizeof(machine->why), "%s",
			 papr->text && *papr->text ? papr->text : "ibm,os-term without a reason");
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
		return FAIL("cannot map %s: not whole pages of %llu bytes in guest memory",
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
	const uint64_t extent = memory_extent(&machine->memory);
	uint64_t first = mapping->path ? mapping->address : extent;
	uint64_t rest = mapping->path ? mapping->address + mapping->size : extent;

	if (machine->memory.dirty)
		machine->memory.dirty->all = true;
	if (first && madvise(machine->memory.base, first, MADV_DONTNEED) < 0)
		return -1;
	if (rest == extent)
		return 0;
	return madvise(machine->memory.base + rest, extent - rest, MADV_DONTNEED);
}

static int allocate_memory(struct machine *machine, char *err, size_t err_size)
{
	uint64_t size = machine->config.ram_size;
	uint64_t extent = size + papr_hypervisor_memory(size);
	uint8_t *base;

	if (size < MACHINE_MIN_RAM || size > MACHINE_MAX_RAM || size % (1u << 20))
		return FAIL("cannot use %llu bytes of memory: not %llu..%llu MiB",
			    (unsigned long long)size, MACHINE_MIN_RAM >> 20, MACHINE_MAX_RAM >> 20);
	base = huge_pages_map(GUARD_BEFORE + extent + GUARD_AFTER, PROT_NONE);
	if (!base)
		return FAIL("cannot allocate %llu MiB of memory: %s",
			    (unsigned long long)(size >> 20), strerror(errno));
	base += GUARD_BEFORE;
	machine->memory.base = base;
	machine->memory.size = size;
	machine->memory.hypervisor_size = extent - size;
	if (mprotect(base, extent, PROT_READ | PROT_WRITE) < 0)
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
		.core_threads = papr_topology(config->partition.topology, config->nr_vcpus).threads,
		.cpu = config->cpu,
		.compat = config->compat,
		.jit = config->jit,
		.nr_children = config->nr_children,
		.no_mc_exit = config->no_mc_exit,
		.threads = config->threads,
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
			.vcpu_state = scheduler_vcpu_state,
			.vcpu_start = scheduler_vcpu_start,
			.vcpu_wake = scheduler_vcpu_wake,
			.vcpu_prod = scheduler_vcpu_prod,
			.vcpu_kick = scheduler_vcpu_kick,
			.event = host_event,
			.debug = host_debug,
			.warning = host_warning,
			.opaque = machine,
		},
		.console = {
			.write = host_console_write,
			.read = host_console_read,
			.busy = host_console_busy,
			.opaque = machine,
		},
		.nr_vcpus = config->nr_vcpus,
		.cpu = config->cpu,
		.compat = config->compat,
		.image = machine->loader.image,
		.options = config->partition,
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
	scheduler_stop(machine);
	memory_heal(&machine->memory, 0, machine->memory.size);
	machine->ops->reset(machine->engine);
	if ((!machine->config.booted &&
	     loader_fill(&machine->loader, &machine->memory, err, err_size) < 0) ||
	    papr_reset(machine->papr, err, err_size) < 0)
		return -1;
	machine_forget_watches(machine);
	scheduler_reset(machine);
	return 0;
}

static int open_files(struct machine *machine, char *err, size_t err_size)
{
	const struct machine_config *config = &machine->config;

	if (config->booted)
		machine->loader.image = *config->booted;
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
		return FAIL("cannot create %u vCPUs: not 1..%d", config->nr_vcpus,
			    ENGINE_MAX_VCPUS);
	machine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (machine->wake_fd < 0)
		return FAIL("cannot create an event descriptor: %s", strerror(errno));
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
	machine->config.cpu = cpu_model_or_default(config->cpu);
	if (!config->compat)
		machine->config.compat = machine->config.cpu;
	machine->ops = config->engine;
	machine->loader.kernel_fd = machine->loader.initrd_fd = machine->loader.bios_fd = -1;
	machine->wake_fd = -1;
	page_map_open(&machine->used);
	machine->stop_at = ENGINE_NO_STOP;
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
	page_map_close(&machine->used);
	if (machine->memory.base)
		munmap(machine->memory.base - GUARD_BEFORE,
		       GUARD_BEFORE + memory_extent(&machine->memory) + GUARD_AFTER);
	if (machine->wake_fd >= 0)
		close(machine->wake_fd);
	free(machine);
}

void machine_reboot(struct machine *machine, bool guest_asked)
{
	struct machine_event event = { .type = MACHINE_EVENT_RESET, .guest_asked = guest_asked };
	char err[200];

	machine->reset_requested = machine->reboot_due = false;
	if (machine->config.booted) {
		machine_end_with(machine, MACHINE_REBOOT,
				 "it cannot boot again: a snapshot has no kernel");
		return;
	}
	machine_emit(machine, &event);
	scheduler_stop(machine);
	if (clear_memory(machine) < 0)
		machine_end_with(machine, MACHINE_FAILED, "cannot clear memory for a reboot: %s",
				 strerror(errno));
	else if (boot(machine, err, sizeof(err)) < 0)
		machine_end_with(machine, MACHINE_FAILED, "%s", err);
}

/* ---- clients ---- */

void machine_poll_clients(struct machine *machine, int64_t timeout_ns)
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
		if (fds[0].revents) {
			(void)!read(machine->wake_fd, &drained, sizeof(drained));
			machine->woken = true;
		}
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

/* ---- requests ---- */

bool machine_add_hook(struct machine *machine, const struct machine_hook *hook)
{
	if (machine->nr_hooks == MACHINE_MAX_HOOKS)
		return false;
	machine->hooks[machine->nr_hooks++] = *hook;
	return true;
}

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

void machine_keep_nvram(struct machine *machine,
			bool (*write)(void *opaque, uint32_t offset, const void *buf, uint32_t len),
			void *opaque)
{
	papr_nvram(machine->papr)->store = (struct nvram_store){ write, opaque };
}

uint8_t *machine_nvram(struct machine *machine, size_t *size)
{
	*size = NVRAM_SIZE;
	return papr_nvram(machine->papr)->state.data;
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

/* If the engine keeps the time base, it runs on during a pause. */
static bool time_stands_still(const struct machine *machine)
{
	return machine->paused && machine->clock.mode == CLOCK_HOST &&
	       (!machine->ops->stop || machine->ops->run_beside);
}

void machine_pause(struct machine *machine, bool paused)
{
	struct machine_event event = { .type = paused ? MACHINE_EVENT_STOP : MACHINE_EVENT_RESUME };

	if (machine->paused == paused)
		return;
	if (paused)
		scheduler_stop(machine);
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
	return papr_ended(machine->papr);
}

void machine_request_reset(struct machine *machine)
{
	machine->reset_requested = true;
}

struct papr *machine_papr(struct machine *machine)
{
	return machine->papr;
}

const struct guest_memory *machine_memory(const struct machine *machine)
{
	return &machine->memory;
}

static bool poison_refused(const struct machine *machine, uint64_t address, uint64_t length,
			   char *err, size_t err_size)
{
	if (!length || !memory_contains(&machine->memory, address, length))
		snprintf(err, err_size, "memory ends at 0x%llx",
			 (unsigned long long)machine->memory.size);
	else
		snprintf(err, err_size, "there would be more than %d poisoned ranges",
			 MEMORY_MAX_POISONED);
	return false;
}

bool machine_poison(struct machine *machine, uint64_t address, uint64_t length, bool heal_on_write,
		    char *err, size_t err_size)
{
	struct engine_description description;

	machine->ops->describe(machine->engine, &description);
	if (!(description.capabilities & ENGINE_CAP_POISON)) {
		snprintf(err, err_size, "%s cannot see poisoned memory", machine->ops->name);
		return false;
	}
	scheduler_stop(machine);
	return memory_poison(&machine->memory, address, length, heal_on_write) ||
	       poison_refused(machine, address, length, err, err_size);
}

bool machine_heal(struct machine *machine, uint64_t address, uint64_t length, char *err,
		  size_t err_size)
{
	scheduler_stop(machine);
	return memory_heal(&machine->memory, address, length) ||
	       poison_refused(machine, address, length, err, err_size);
}

bool machine_plant(struct machine *machine, const struct engine_planted *planted, char *err,
		   size_t err_size)
{
	const bool hash = papr_translates_by_hash(machine->papr);
	struct engine_description description;

	machine->ops->describe(machine->engine, &description);
	if (!(description.capabilities & ENGINE_CAP_PLANT)) {
		snprintf(err, err_size, "%s cannot plant errors in translations%s",
			 machine->ops->name,
			 machine->config.no_mc_exit ? " with --engine-mc-exit=off" : "");
		return false;
	}
	if (!hash && planted->where == ENGINE_SLB) {
		snprintf(err, err_size,
			 "cannot plant an SLB error: a guest with radix translation "
			 "has no SLB entries to use");
		return false;
	}
	if (hash && planted->pid && planted->pid != ENGINE_ANY_PID) {
		snprintf(err, err_size,
			 "cannot plant an error for a process: a guest with a hash "
			 "table has no PIDR");
		return false;
	}
	if (machine->ops->plant(machine->engine, planted))
		return true;
	snprintf(err, err_size, "there would be more than %d planted errors", ENGINE_MAX_PLANTED);
	return false;
}

void machine_unplant(struct machine *machine, unsigned vcpu, uint64_t first, uint64_t last)
{
	if (machine->ops->unplant)
		machine->ops->unplant(machine->engine, vcpu, first, last);
}

unsigned machine_planted(const struct machine *machine, const struct engine_planted **list)
{
	return machine->ops->planted ? machine->ops->planted(machine->engine, list) : 0;
}

uint32_t machine_pvr(const struct machine *machine)
{
	return papr_pvr(machine->papr);
}

void machine_get_regs(const struct machine *machine, unsigned vcpu, struct engine_regs *regs)
{
	machine->ops->get_regs(machine->engine, vcpu, regs);
}

void machine_set_regs(struct machine *machine, unsigned vcpu, const struct engine_regs *regs)
{
	machine->ops->set_regs(machine->engine, vcpu, regs);
}

void machine_get_program_regs(const struct machine *machine, unsigned vcpu,
			      struct engine_program_regs *regs)
{
	machine->ops->get_program_regs(machine->engine, vcpu, regs);
}

void machine_set_program_regs(struct machine *machine, unsigned vcpu,
			      const struct engine_program_regs *regs)
{
	machine->ops->set_program_regs(machine->engine, vcpu, regs);
}

bool machine_look_up(const struct machine *machine, unsigned vcpu, uint64_t ea, uint64_t *ra)
{
	return machine->ops->look_up(machine->engine, vcpu, ea, ra);
}

bool machine_write(struct machine *machine, uint64_t ra, const void *bytes, uint64_t length)
{
	return memory_is_ram(&machine->memory, ra, length) &&
	       memory_write(&machine->memory, ra, bytes, length);
}

bool machine_watch_return(struct machine *machine, unsigned vcpu, uint64_t ea)
{
	if (!machine->ops->watch_return)
		return false;
	machine->ops->watch_return(machine->engine, vcpu, ea);
	return true;
}

bool machine_can_watch(const struct machine *machine)
{
	return machine->ops->set_watches && machine->ops->stop_at;
}

static void set_watches(struct machine *machine, unsigned vcpu)
{
	const struct vcpu_watches *own = &machine->watches[vcpu];
	struct engine_watch all[ENGINE_MAX_WATCHES];

	scheduler_stop_beside(machine);
	memcpy(all, own->list, own->count * sizeof(all[0]));
	memcpy(all + own->count, machine->breaks, machine->nr_breaks * sizeof(all[0]));
	machine->ops->set_watches(machine->engine, vcpu, all, own->count + machine->nr_breaks);
}

void machine_watch(struct machine *machine, unsigned vcpu, const struct engine_watch *watches,
		   unsigned count)
{
	struct vcpu_watches *own = &machine->watches[vcpu];

	if (count)
		memcpy(own->list, watches, count * sizeof(watches[0]));
	own->count = count;
	set_watches(machine, vcpu);
}

void machine_break(struct machine *machine, const struct engine_watch *breaks, unsigned count)
{
	if (count)
		memcpy(machine->breaks, breaks, count * sizeof(breaks[0]));
	machine->nr_breaks = count;
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++)
		set_watches(machine, i);
}

void machine_forget_watches(struct machine *machine)
{
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++) {
		machine->watches[i].count = 0;
		if (machine->nr_breaks)
			set_watches(machine, i);
	}
}

bool machine_watch_state(struct machine *machine, unsigned vcpu, uint64_t msr_bits, bool pid)
{
	if (!machine->ops->watch_state)
		return false;
	machine->ops->watch_state(machine->engine, vcpu, msr_bits, pid);
	return true;
}

bool machine_note_executed(struct machine *machine, uint8_t *words, uint64_t first, uint64_t last)
{
	if (!machine->ops->note_executed)
		return false;
	scheduler_stop_beside(machine);
	machine->notes_executed = words;
	machine->ops->note_executed(machine->engine, words, first, last);
	return true;
}

bool machine_pid(const struct machine *machine, unsigned vcpu, uint32_t *pid)
{
	if (!machine->ops->pid)
		return false;
	*pid = machine->ops->pid(machine->engine, vcpu);
	return true;
}

bool machine_stop_at(struct machine *machine, uint64_t insns)
{
	if (!machine->ops->stop_at)
		return false;
	scheduler_stop_beside(machine);
	machine->stop_at = insns;
	for (unsigned i = 0; i < machine->config.nr_vcpus; i++)
		machine->ops->stop_at(machine->engine, i, ENGINE_NO_STOP);
	return true;
}

unsigned machine_nr_vcpus(const struct machine *machine)
{
	return machine->config.nr_vcpus;
}

uint64_t machine_vcpu_insns(const struct machine *machine, unsigned vcpu)
{
	return machine->ops->insns(machine->engine, vcpu);
}

void machine_forked(struct machine *machine, unsigned number)
{
	if (machine->ops->forked)
		machine->ops->forked(machine->engine, number);
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
