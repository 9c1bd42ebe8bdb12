/* SPDX-License-Identifier: BSD-2-Clause */
/* The run loop and injections, on an engine that plays back blocks and a scripted partition. */
/* Most blocks need only the first three fields. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#include <poll.h>
#include <signal.h>
#include <time.h>

static int test_clock_gettime(clockid_t clock, struct timespec *ts);
static int test_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		      const sigset_t *mask);
#define clock_gettime test_clock_gettime
#define ppoll	      test_ppoll
#include "inject/injector.c"
#include "machine/machine.c"
#include "machine/scheduler.c"
#undef clock_gettime
#undef ppoll

#include "unit.h"

/* If not 0, the host's time, which only advances by waiting. */
static uint64_t frozen_ns;

static int test_clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (!frozen_ns)
		return clock_gettime(clock, ts);
	*ts = (struct timespec){ (time_t)(frozen_ns / 1000000000), (long)(frozen_ns % 1000000000) };
	return 0;
}

static int test_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		      const sigset_t *mask)
{
	if (!frozen_ns)
		return ppoll(fds, n, timeout, mask);
	assert_non_null(timeout); /* nothing else would end the wait */
	frozen_ns += (uint64_t)timeout->tv_sec * 1000000000u + (uint64_t)timeout->tv_nsec;
	return 0;
}

#define USER	   (MSR_SF | MSR_EE | MSR_PR | MSR_RI)
#define KERNEL	   (MSR_SF | MSR_RI)
#define ENTRY_CODE MSR_SF /* MSR[RI]=0: interrupt entry */
#define HANDLER	   0x1990
#define R3	   0x0fff0030
#define FOREVER	   UINT64_MAX

/* What a vCPU does: `insns` instructions, after which it is at `nip` with `msr`, and may exit. */
struct block {
	unsigned insns;
	uint64_t nip, msr;
	int hcall; /* enum papr_action + 1, 0: none */
	bool interlock, fails, stops_machine, writes,
		restores; /* restores: restores R3, as a handler does before it returns */
};

/* A vCPU plays `blocks` repeatedly; after a delivery it first plays `handler` once. */
struct fake_cpu {
	const struct block *blocks, *handler;
	unsigned nr_blocks, nr_handler, at;
	bool in_handler;
	struct engine_regs regs;
	uint64_t insns, deadline, watch;
	bool pending;
};

static struct fake_cpu cpus[ENGINE_MAX_VCPUS];
static struct papr_config partition;
static struct nvram partition_nvram;
static struct guest_clock *the_clock;
static enum papr_result delivery; /* what becomes of a machine check */
static enum papr_result resume_outcome;
static bool held[ENGINE_MAX_VCPUS]; /* by FWNMI */
static bool withdrawn, ended;
static unsigned resets, fills, starts, machine_checks, system_resets;
static struct fwnmi_machine_check last_mc;
static bool fill_fails;
static struct machine *machine;
static struct injector *injector;
static char err[256];

/* An engine whose every run() takes longer than the interval between polls of the clients. */
static bool slow_engine;
static unsigned runs, polls;
static uint64_t longest_run;

/* The vCPUs that ran, in order, one character per switch. */
static char order[64];

static void note_turn(unsigned vcpu)
{
	size_t len = strlen(order);

	if (len < sizeof(order) - 1 && (!len || order[len - 1] != (char)('0' + vcpu)))
		order[len] = (char)('0' + vcpu);
}

/* ---- the engine ---- */

static struct engine *fake_create(const struct engine_config *config, char *e, size_t size)
{
	the_clock = config->clock;
	return (struct engine *)&cpus;
}

static void fake_destroy(struct engine *engine)
{
}

static unsigned capabilities;

static void fake_describe(const struct engine *engine, struct engine_description *description)
{
	*description = (struct engine_description){ .capabilities = capabilities };
}

static void fake_reset(struct engine *engine)
{
	resets++;
}

static void fake_run(struct engine *engine, unsigned vcpu, uint64_t max, struct engine_exit *exit)
{
	struct fake_cpu *cpu = &cpus[vcpu];
	uint64_t done = 0;

	note_turn(vcpu);
	runs++;
	if (max > longest_run)
		longest_run = max;
	if (slow_engine)
		nanosleep(&(struct timespec){ .tv_nsec = 2 * POLL_INTERVAL_NS }, NULL);
	exit->reason = ENGINE_EXIT_BUDGET;
	while (done < max && exit->reason == ENGINE_EXIT_BUDGET) {
		const struct block *b;

		if (cpu->regs.nip == cpu->watch) {
			cpu->watch = ENGINE_NO_WATCH;
			exit->reason = ENGINE_EXIT_DEBUG;
			break;
		}
		if (cpu->in_handler && cpu->at == cpu->nr_handler) {
			cpu->in_handler = false;
			cpu->at = 0;
		}
		if (!cpu->in_handler && cpu->at == cpu->nr_blocks)
			cpu->at = 0;
		b = cpu->in_handler ? &cpu->handler[cpu->at] : &cpu->blocks[cpu->at];
		done += b->insns;
		cpu->regs.nip = b->nip;
		cpu->regs.msr = b->msr;
		if (b->restores)
			cpu->regs.gpr[3] = 0;
		if (b->hcall || b->interlock || b->writes)
			exit->reason = ENGINE_EXIT_HCALL;
		else
			cpu->at++;
		if (b->fails) {
			exit->reason = ENGINE_EXIT_FAILED;
			strcpy(exit->message, "out of luck");
		}
		if (b->stops_machine)
			machine_quit(machine);
	}
	cpu->insns += done;
	the_clock->insns += done;
}

static void fake_get_regs(struct engine *engine, unsigned vcpu, struct engine_regs *regs)
{
	*regs = cpus[vcpu].regs;
}

static bool fake_interrupt_pending(struct engine *engine, unsigned vcpu)
{
	return cpus[vcpu].pending || clock_timebase(the_clock, 0) >= cpus[vcpu].deadline;
}

static uint64_t fake_deadline(struct engine *engine, unsigned vcpu)
{
	return cpus[vcpu].deadline;
}

static uint64_t fake_insns(const struct engine *engine, unsigned vcpu)
{
	return cpus[vcpu].insns;
}

static void fake_watch_return(struct engine *engine, unsigned vcpu, uint64_t ea)
{
	cpus[vcpu].watch = ea;
}

static void fake_kick(struct engine *engine, unsigned vcpu)
{
}

static const struct engine_ops fake_engine = {
	.name = "fake",
	.create = fake_create,
	.destroy = fake_destroy,
	.describe = fake_describe,
	.reset = fake_reset,
	.run = fake_run,
	.get_regs = fake_get_regs,
	.interrupt_pending = fake_interrupt_pending,
	.deadline = fake_deadline,
	.insns = fake_insns,
	.watch_return = fake_watch_return,
	.kick = fake_kick,
};

/* ---- the partition ---- */

uint64_t papr_hypervisor_memory(uint64_t ram)
{
	return 0;
}

bool papr_translates_by_hash(const struct papr *papr)
{
	return false;
}

void papr_slb_repaired(struct papr *papr, unsigned vcpu)
{
}

struct papr *papr_create(const struct papr_config *config, char *e, size_t size)
{
	partition = *config;
	return (struct papr *)&partition;
}

void papr_destroy(struct papr *papr)
{
}

bool papr_trap(struct papr *papr, unsigned vcpu, uint64_t number, struct papr_outcome *outcome)
{
	fail_msg("this engine has no trap instruction");
	return false;
}

struct papr_topology papr_topology(struct papr_topology given, unsigned nr_vcpus)
{
	return given;
}

int papr_reset(struct papr *papr, char *e, size_t size)
{
	starts++;
	ended = false;
	memset(held, 0, sizeof(held));
	return 0;
}

static struct papr_fwnmi_end last_end = { .happened = true };

/* POWER9: an instruction fetch with an SLB multihit. */
#define SLB_MULTIHIT_SRR1 0xc0000ull

static uint64_t not_registered_msr;

static void enter_handler(unsigned vcpu)
{
	struct fake_cpu *cpu = &cpus[vcpu];

	cpu->in_handler = cpu->nr_handler;
	cpu->at = 0;
	cpu->regs.nip = HANDLER;
	cpu->regs.msr = MSR_SF | MSR_ME;
	cpu->regs.gpr[3] = R3;
}

static void enter_vector(unsigned vcpu)
{
	struct fake_cpu *cpu = &cpus[vcpu];

	cpu->regs.srr0 = cpu->regs.nip;
	cpu->regs.srr1 = SLB_MULTIHIT_SRR1;
	cpu->regs.nip = VECTOR_MACHINE_CHECK;
	cpu->regs.msr = not_registered_msr;
}

static void take(unsigned vcpu, unsigned vector, enum papr_result result,
		 struct papr_outcome *outcome)
{
	if (result == PAPR_ROUTINE)
		enter_handler(vcpu);
	else if (result == PAPR_VECTOR)
		enter_vector(vcpu);
	held[vcpu] = result == PAPR_WAITING;
	ended |= result == PAPR_ENDED;
	*outcome = (struct papr_outcome){ .result = result,
					  .vector = vector,
					  .regs = cpus[vcpu].regs,
					  .end_reason = last_end.reason };
}

enum papr_action papr_hcall(struct papr *papr, unsigned vcpu, struct papr_outcome *outcome)
{
	struct fake_cpu *cpu = &cpus[vcpu];
	const struct block *b = cpu->in_handler ? &cpu->handler[cpu->at] : &cpu->blocks[cpu->at];

	cpu->at++;
	if (b->interlock) {
		const struct papr_event event = { .type = PAPR_EVENT_FWNMI_INTERLOCK, .cpu = vcpu };

		partition.host.event(partition.host.opaque, &event);
		return PAPR_RESUME;
	}
	if (b->writes) {
		partition.console.write(partition.console.opaque, "x", 1);
		return PAPR_RESUME;
	}
	/* A trampoline's call: delivers what papr_machine_check() raised. */
	if (b->hcall - 1 == PAPR_FWNMI)
		take(vcpu, VECTOR_MACHINE_CHECK, PAPR_ROUTINE, outcome);
	return (enum papr_action)(b->hcall - 1);
}

void papr_machine_check(struct papr *papr, unsigned vcpu, const struct engine_regs *regs,
			const struct fwnmi_machine_check *mc, bool may_repair,
			struct papr_outcome *outcome)
{
	machine_checks++;
	last_mc = *mc;
	take(vcpu, VECTOR_MACHINE_CHECK, delivery, outcome);
}

void papr_system_reset(struct papr *papr, unsigned vcpu, const struct engine_regs *regs,
		       struct papr_outcome *outcome)
{
	system_resets++;
	take(vcpu, VECTOR_SYSTEM_RESET, PAPR_ROUTINE, outcome);
}

void papr_resume(struct papr *papr, unsigned vcpu, struct papr_outcome *outcome)
{
	take(vcpu, VECTOR_MACHINE_CHECK, resume_outcome, outcome);
}

void papr_fwnmi_state(const struct papr *papr, struct papr_fwnmi_state *state)
{
	*state = (struct papr_fwnmi_state){ .registered = true };
}

void papr_rtas_code(const struct papr *papr, uint64_t *first, uint64_t *last)
{
	*first = *last = 0;
}

bool papr_withdraw(struct papr *papr, unsigned vcpu)
{
	withdrawn = held[vcpu];
	held[vcpu] = false;
	return withdrawn;
}

bool papr_may_run(const struct papr *papr, unsigned vcpu)
{
	return !ended && !held[vcpu];
}

bool papr_ended(const struct papr *papr)
{
	return ended;
}

uint32_t papr_pvr(const struct papr *papr)
{
	return FWNMI_PVR_POWER9 << 16;
}

const struct papr_fwnmi_end *papr_fwnmi_end(const struct papr *papr)
{
	return &last_end;
}

void papr_vcpu_dispatch(struct papr *papr, unsigned vcpu, bool running)
{
}

struct nvram *papr_nvram(struct papr *papr)
{
	return &partition_nvram;
}

void papr_console_input(struct papr *papr)
{
}

/* ---- the loader ---- */

int loader_open(struct loader *loader, const char *kernel, const char *initrd, uint64_t ram_size,
		char *e, size_t size)
{
	return 0;
}

int loader_open_bios(struct loader *loader, const char *bios, uint64_t ram_size, char *e,
		     size_t size)
{
	return 0;
}

int loader_fill(const struct loader *loader, struct guest_memory *memory, char *e, size_t size)
{
	fills++;
	/* Memory must be clear on every boot. */
	assert_int_equal(memory->base[0x1234], 0);
	memory->base[0x1234] = 1;
	if (fill_fails)
		snprintf(e, size, "the kernel has gone");
	return fill_fails ? -1 : 0;
}

void loader_close(struct loader *loader)
{
}

/* ---- a client that listens ---- */

static struct injection_report reports[16];
static char report_kinds[17]; /* of reports[]: D, I, W, f(inished), x (failed), n(ot registered) */
static unsigned nr_reports, reset_events, shutdown_events;

static void keep_report(const struct injection_report *report)
{
	static const char stages[] = {
		[INJECTION_NONE] = '?',	     [INJECTION_PENDING] = '?',
		[INJECTION_RAISED] = 'R',    [INJECTION_WAITING] = 'W',
		[INJECTION_DELIVERED] = 'D', [INJECTION_INTERLOCKED] = 'I',
		[INJECTION_FINISHED] = 'f',  [INJECTION_FAILED] = 'x',
	};

	assert_in_range(nr_reports, 0, 15);
	report_kinds[nr_reports] = stages[report->stage];
	reports[nr_reports++] = *report;
}

static void listen_event(void *opaque, const struct machine_event *event)
{
	const struct injection_report *report = injector_explains(injector, event);

	reset_events += event->type == MACHINE_EVENT_RESET;
	shutdown_events += event->type == MACHINE_EVENT_SHUTDOWN;
	if (report)
		keep_report(report);
}

static void listen_ended(void *opaque, const struct injection_report *report)
{
	keep_report(report);
}

static unsigned count_polls(void *opaque, struct pollfd *fds, unsigned max)
{
	polls++;
	return 0;
}

static unsigned pause_when_polled(void *opaque, struct pollfd *fds, unsigned max)
{
	if (++polls == 2)
		machine_pause(machine, true);
	if (polls > 2)
		machine_quit(machine);
	return 0;
}

static struct machine_config config;

static void make_machine(unsigned nr_vcpus)
{
	const struct machine_client client = { .event = listen_event };

	config.nr_vcpus = nr_vcpus;
	machine = machine_create(&config, err, sizeof(err));
	assert_non_null(machine);
	injector = injector_create(machine, err, sizeof(err));
	assert_non_null(injector);
	injector_listen(injector, &(struct injector_listener){ .ended = listen_ended });
	assert_true(machine_add_client(machine, &client));
}

static void destroy_machine(void)
{
	injector_destroy(injector);
	injector = NULL;
	machine_destroy(machine);
	machine = NULL;
}

#define PLAY(vcpu, ...)                                             \
	do {                                                        \
		static const struct block play[] = { __VA_ARGS__ }; \
                                                                    \
		cpus[vcpu].blocks = play;                           \
		cpus[vcpu].nr_blocks = ARRAY_SIZE(play);            \
	} while (0)

#define HANDLE(vcpu, ...)                                           \
	do {                                                        \
		static const struct block play[] = { __VA_ARGS__ }; \
                                                                    \
		cpus[vcpu].handler = play;                          \
		cpus[vcpu].nr_handler = ARRAY_SIZE(play);           \
	} while (0)

#define HCALL(action) .hcall = (action) + 1

static char why[256];

static enum machine_end run(void)
{
	return machine_run(machine, why, sizeof(why));
}

static int setup_test(void **state)
{
	memset(cpus, 0, sizeof(cpus));
	for (unsigned i = 0; i < ENGINE_MAX_VCPUS; i++) {
		cpus[i].deadline = FOREVER / 2;
		cpus[i].watch = ENGINE_NO_WATCH;
	}
	config = (struct machine_config){
		.kernel = "kernel",
		.ram_size = MACHINE_MIN_RAM,
		.nr_vcpus = 1,
		.clock = CLOCK_INSN,
		.engine = &fake_engine,
	};
	delivery = PAPR_ROUTINE;
	resume_outcome = PAPR_NOTHING;
	withdrawn = false;
	resets = fills = starts = machine_checks = system_resets = 0;
	nr_reports = reset_events = shutdown_events = 0;
	fill_fails = false;
	frozen_ns = 0;
	slow_engine = false;
	runs = polls = 0;
	longest_run = 0;
	memset(order, 0, sizeof(order));
	memset(reports, 0, sizeof(reports));
	memset(report_kinds, 0, sizeof(report_kinds));
	return 0;
}

static int teardown_test(void **state)
{
	destroy_machine();
	return 0;
}

static void assert_unmade(const char *reason)
{
	assert_null(machine_create(&config, err, sizeof(err)));
	if (!strstr(err, reason))
		fail_msg("\"%s\" does not say \"%s\"", err, reason);
}

/* ---- the run loop ---- */

static void absurd_sizes_are_refused(void **state)
{
	config.ram_size = 0;
	assert_unmade("memory");
	config.ram_size = MACHINE_MAX_RAM + (1 << 20);
	assert_unmade("memory");
	config.ram_size = MACHINE_MIN_RAM + 1;
	assert_unmade("memory");
	config.ram_size = MACHINE_MIN_RAM;
	config.nr_vcpus = 0;
	assert_unmade("vCPUs");
	config.nr_vcpus = ENGINE_MAX_VCPUS + 1;
	assert_unmade("vCPUs");
}

static void a_kernel_that_cannot_be_read_is_an_error(void **state)
{
	fill_fails = true;
	assert_unmade("the kernel has gone");
}

static void power_off_ends_the_run(void **state)
{
	PLAY(0, { 10, 0x100, KERNEL, HCALL(PAPR_RESUME) },
	     { 20, 0x200, KERNEL, HCALL(PAPR_POWER_OFF) });
	make_machine(1);
	assert_int_equal(run(), MACHINE_POWERED_OFF);
	assert_string_equal(why, "");
	assert_int_equal(machine_insns(machine), 30);
	assert_int_equal(shutdown_events, 1);
}

static void memory_begins_where_a_huge_page_does(void **state)
{
	make_machine(1);
	assert_int_equal((uintptr_t)machine_memory(machine)->base % HUGE_PAGE, 0);
}

/* Can the process read this byte? The host's kernel tells without a signal. */
static bool is_readable(const uint8_t *byte)
{
	int ends[2];
	bool readable;

	assert_int_equal(pipe(ends), 0);
	readable = write(ends[1], byte, 1) == 1;
	assert_true(readable || errno == EFAULT);
	close(ends[0]);
	close(ends[1]);
	return readable;
}

/* Nor will anything else be mapped there. */
static void assert_guard(uint8_t *first)
{
	assert_false(is_readable(first));
	assert_false(is_readable(first + GUARD_AFTER - 1));
	assert_ptr_equal(mmap(first, GUARD_AFTER, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
			 MAP_FAILED);
	assert_int_equal(errno, EEXIST);
}

static void nothing_is_accessible_just_before_and_behind_memory(void **state)
{
	const struct guest_memory *memory;

	make_machine(1);
	memory = machine_memory(machine);
	assert_true(is_readable(memory->base));
	assert_true(is_readable(memory->base + memory_extent(memory) - 1));
	assert_guard(memory->base - GUARD_AFTER);
	assert_guard(memory->base + memory_extent(memory));
}

static void a_reboot_starts_again_with_empty_memory(void **state)
{
	PLAY(0, { 10, 0x100, KERNEL, HCALL(PAPR_REBOOT) },
	     { 10, 0x100, KERNEL, HCALL(PAPR_POWER_OFF) });
	make_machine(1);
	assert_int_equal(run(), MACHINE_POWERED_OFF);
	assert_int_equal(fills, 2);
	assert_int_equal(resets, 2);
	assert_int_equal(starts, 2);
	assert_int_equal(reset_events, 1);
}

static void a_reboot_heals_all_memory(void **state)
{
	PLAY(0, { 10, 0x100, KERNEL, HCALL(PAPR_REBOOT) },
	     { 10, 0x100, KERNEL, HCALL(PAPR_POWER_OFF) });
	capabilities = ENGINE_CAP_POISON;
	make_machine(1);
	assert_true(machine_poison(machine, 0x10000, 128, false, err, sizeof(err)));
	assert_int_equal(machine_memory(machine)->nr_poisoned, 1);
	assert_int_equal(run(), MACHINE_POWERED_OFF);
	assert_int_equal(machine_memory(machine)->nr_poisoned, 0);
}

static void memory_is_poisoned_only_if_there_is_some_and_the_engine_sees_it(void **state)
{
	capabilities = 0;
	make_machine(1);
	assert_false(machine_poison(machine, 0, 128, false, err, sizeof(err)));
	assert_string_equal(err, "fake cannot see poisoned memory");
	capabilities = ENGINE_CAP_POISON;
	assert_false(machine_poison(machine, MACHINE_MIN_RAM - 1, 2, false, err, sizeof(err)));
	assert_non_null(strstr(err, "memory ends at 0x"));
	assert_false(machine_heal(machine, UINT64_MAX, 1, err, sizeof(err)));
	for (unsigned i = 0; i < MEMORY_MAX_POISONED; i++)
		assert_true(machine_poison(machine, i * 256, 128, false, err, sizeof(err)));
	assert_false(machine_poison(machine, 0x10000, 1, false, err, sizeof(err)));
	assert_string_equal(err, "there would be more than 16 poisoned ranges");
}

static void no_reboot_ends_the_run_instead(void **state)
{
	config.no_reboot = true;
	PLAY(0, { 10, 0x100, KERNEL, HCALL(PAPR_REBOOT) });
	make_machine(1);
	assert_int_equal(run(), MACHINE_REBOOT);
	assert_int_equal(fills, 1);
}

static void a_kernel_that_vanished_before_a_reboot_fails_the_machine(void **state)
{
	PLAY(0, { 10, 0x100, KERNEL, HCALL(PAPR_REBOOT) });
	make_machine(1);
	fill_fails = true;
	assert_int_equal(run(), MACHINE_FAILED);
	assert_string_equal(why, "the kernel has gone");
}

static void quit_after_20_resets(void *opaque, const struct machine_event *event)
{
	if (event->type == MACHINE_EVENT_RESET && reset_events == 20)
		machine_quit(machine);
}

/* Host time, because guest time is free with CLOCK_INSN. */
static void a_guest_that_only_reboots_does_so_once_a_second_of_the_hosts_time(void **state)
{
	const struct machine_client client = { .event = quit_after_20_resets };
	const uint64_t start = 5000000000;

	PLAY(0, { 10, 0x100, KERNEL, HCALL(PAPR_REBOOT) });
	make_machine(1);
	assert_true(machine_add_client(machine, &client));
	frozen_ns = start;
	assert_int_equal(run(), MACHINE_QUIT);
	assert_int_equal(reset_events, 20);
	assert_int_equal((frozen_ns - start) / 1000000000, 20 - REBOOT_BURST);
	assert_int_equal(machine_insns(machine), 20 * 10);
}

/* ---- the console ---- */

static unsigned written, polled_while_full;
static uint64_t insns_at_write;

static void fill_console(void *opaque, const void *buf, unsigned len)
{
	written += len;
	insns_at_write = cpus[0].insns;
	machine_console_full(machine, true);
}

/* The reader reads at the third poll. */
static unsigned slow_reader(void *opaque, struct pollfd *fds, unsigned max)
{
	if (!machine->console_full)
		return 0;
	assert_int_equal(cpus[0].insns, insns_at_write);
	if (++polled_while_full == 3)
		machine_console_full(machine, false);
	return 0;
}

static void with_clock_insn_a_full_console_holds_the_partition(void **state)
{
	const struct machine_client client = { .poll_fds = slow_reader };

	PLAY(0, { 10, 0x100, KERNEL, .writes = true }, { 10, 0x100, KERNEL },
	     { 10, 0x100, KERNEL, HCALL(PAPR_POWER_OFF) });
	written = polled_while_full = 0;
	make_machine(1);
	assert_true(machine_add_client(machine, &client));
	machine_set_console(machine, fill_console, NULL, NULL);
	assert_int_equal(run(), MACHINE_POWERED_OFF);
	assert_int_equal(written, 1);
	assert_int_equal(polled_while_full, 3);
	assert_int_equal(machine_insns(machine), 30);
}

static unsigned quitting_client(void *opaque, struct pollfd *fds, unsigned max)
{
	if (machine->console_full)
		machine_quit(machine);
	return 0;
}

static void a_machine_whose_console_is_never_read_can_be_ended(void **state)
{
	const struct machine_client client = { .poll_fds = quitting_client };

	PLAY(0, { 10, 0x100, KERNEL, .writes = true });
	make_machine(1);
	assert_true(machine_add_client(machine, &client));
	machine_set_console(machine, fill_console, NULL, NULL);
	assert_int_equal(run(), MACHINE_QUIT);
	assert_int_equal(machine_insns(machine), 10);
}

static void with_clock_host_a_full_console_is_busy_and_the_guest_goes_on(void **state)
{
	config.clock = CLOCK_HOST;
	PLAY(0, { 10, 0x100, KERNEL, .writes = true }, { 10, 0x100, KERNEL },
	     { 10, 0x100, KERNEL, HCALL(PAPR_POWER_OFF) });
	make_machine(1);
	machine_set_console(machine, fill_console, NULL, NULL);
	assert_false(partition.console.busy(partition.console.opaque));
	assert_int_equal(run(), MACHINE_POWERED_OFF);
	assert_true(partition.console.busy(partition.console.opaque));
	assert_int_equal(machine_insns(machine), 30);
}

static bool keep(void *opaque, uint32_t offset, const void *buf, uint32_t len)
{
	return !strcmp(opaque, "store") && offset == 7 && len == 3 && !memcmp(buf, "abc", 3);
}

static void nvram_is_the_partitions_and_kept_where_it_is_told(void **state)
{
	char store[] = "store";
	size_t size;

	PLAY(0, { 10, 0x100, KERNEL });
	make_machine(1);
	assert_ptr_equal(machine_nvram(machine, &size), partition_nvram.state.data);
	assert_int_equal(size, sizeof(partition_nvram.state.data));
	machine_keep_nvram(machine, keep, store);
	assert_true(partition_nvram.store.write(partition_nvram.store.opaque, 7, "abc", 3));
}

static void a_crash_says_why(void **state)
{
	PLAY(0, { 10, 0x100, KERNEL, HCALL(PAPR_CRASHED) });
	make_machine(1);
	assert_int_equal(run(), MACHINE_CRASHED);
	assert_string_equal(why, "the guest crashed");
}

static void an_engine_that_fails_is_reported_with_its_place(void **state)
{
	PLAY(0, { 10, 0xc000000000001234, KERNEL, .fails = true });
	make_machine(1);
	assert_int_equal(run(), MACHINE_FAILED);
	assert_string_equal(why, "vCPU 0 at 0xc000000000001234: out of luck");
}

static void quit_ends_a_guest_that_never_stops(void **state)
{
	PLAY(0, { 1000, 0x100, KERNEL }, { 1000, 0x100, KERNEL, .stops_machine = true });
	make_machine(1);
	assert_int_equal(run(), MACHINE_QUIT);
}

/* Blocks of 1000 instructions; the one that ends the machine comes after 1.5 slices. */
static void play_long_slices(const struct machine_client *client)
{
	static struct block blocks[3 * SLICE_ALONE / 2 / 1000];

	for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++)
		blocks[i] = (struct block){ .insns = 1000, .nip = 0x100, .msr = KERNEL };
	blocks[ARRAY_SIZE(blocks) - 1].stops_machine = true;
	cpus[0].blocks = blocks;
	cpus[0].nr_blocks = ARRAY_SIZE(blocks);
	slow_engine = true;
	make_machine(1);
	assert_true(machine_add_client(machine, client));
}

static void clients_are_served_within_a_slice(void **state)
{
	const struct machine_client client = { .poll_fds = count_polls };

	play_long_slices(&client);
	assert_int_equal(run(), MACHINE_QUIT);
	assert_true(longest_run <= STRETCH);
	assert_true(polls >= runs); /* every run() takes longer than the interval between polls */
}

static void what_a_client_wants_comes_before_the_rest_of_a_slice(void **state)
{
	const struct machine_client client = { .poll_fds = pause_when_polled };

	play_long_slices(&client);
	assert_int_equal(run(), MACHINE_QUIT);
	assert_true(machine_paused(machine));
	assert_int_equal(runs, 1);
}

static void idle_time_passes_at_once_with_the_instruction_clock(void **state)
{
	PLAY(0, { 1000, 0x100, KERNEL, HCALL(PAPR_CEDE) },
	     { 1000, 0x100, KERNEL, HCALL(PAPR_POWER_OFF) });
	cpus[0].deadline = 3600ull * TIMEBASE_HZ / 2;
	make_machine(1);
	assert_int_equal(run(), MACHINE_POWERED_OFF);
	/* the deadline, and then 1000 more instructions */
	assert_int_equal(machine_timebase(machine),
			 3600ull * TIMEBASE_HZ / 2 + 1000 / INSNS_PER_TICK);
}

static void idle_time_is_waited_for_with_the_host_clock(void **state)
{
	uint64_t start = host_ns();

	config.clock = CLOCK_HOST;
	PLAY(0, { 1000, 0x100, KERNEL, HCALL(PAPR_CEDE) },
	     { 1000, 0x100, KERNEL, HCALL(PAPR_POWER_OFF) });
	cpus[0].deadline = TIMEBASE_HZ / 20;
	make_machine(1);
	assert_int_equal(run(), MACHINE_POWERED_OFF);
	assert_true(host_ns() - start >= 49000000);
}

static void vcpus_take_turns(void **state)
{
	PLAY(0, { 10000, 0x100, KERNEL });
	PLAY(1, { 10000, 0x100, KERNEL });
	PLAY(2, { 100, 0x100, KERNEL }, { 50000, 0x100, KERNEL },
	     { 100, 0x100, KERNEL, .stops_machine = true });
	make_machine(3);
	scheduler_vcpu_start(machine, 1);
	scheduler_vcpu_start(machine, 2);
	run();
	assert_string_equal(order, "012012");
	assert_int_equal(cpus[0].insns, 2 * SLICE_SHARED);
	assert_int_equal(cpus[1].insns, 2 * SLICE_SHARED);
}

static void a_stopped_vcpu_does_not_run(void **state)
{
	PLAY(0, { 10000, 0x100, KERNEL }, { 10000, 0x100, KERNEL, .stops_machine = true });
	make_machine(2);
	run();
	assert_string_equal(order, "0");
}

static void a_lone_vcpu_stops_in_time_for_anothers_timer(void **state)
{
	PLAY(0, { 10, 0x100, KERNEL });
	PLAY(1, { 10, 0x100, KERNEL, HCALL(PAPR_CEDE) },
	     { 10, 0x100, KERNEL, .stops_machine = true });
	cpus[1].deadline = 50000;
	make_machine(2);
	scheduler_vcpu_start(machine, 1);
	run();
	assert_string_equal(order, "0101");
	/* vCPU 1 woke at its deadline, plus at most a block of vCPU 0 and a few of its own. */
	assert_in_range(machine_timebase(machine), 50000, 50000 + 40 / INSNS_PER_TICK);
}

static void waking_another_vcpu_ends_the_turn(void **state)
{
	PLAY(0, { 10, 0x100, KERNEL });
	PLAY(1, { 10, 0x100, KERNEL, .stops_machine = true });
	make_machine(2);
	machine->round.vcpu = 0;
	scheduler_vcpu_start(machine, 1);
	assert_true(machine->round.switch_now);
	machine->vcpus[1].state = VCPU_CEDED;
	machine->round.switch_now = false;
	scheduler_vcpu_wake(machine, 0);
	assert_false(machine->round.switch_now);
	scheduler_vcpu_wake(machine, 1);
	assert_true(machine->round.switch_now);
	run();
	assert_string_equal(order, "1");
}

static void the_machine_stands_still_while_paused(void **state)
{
	config.clock = CLOCK_HOST;
	PLAY(0, { 10, 0x100, KERNEL, .stops_machine = true });
	make_machine(1);
	uint64_t start_ns = host_ns(), before = machine_timebase(machine), awake_ns;
	struct timespec wait = { .tv_nsec = 20000000 };

	machine_pause(machine, true);
	nanosleep(&wait, NULL);
	machine_pause(machine, false);
	/* Guest time is at most the host time outside the pause; a busy host may be slow. */
	before = machine_timebase(machine) - before;
	awake_ns = host_ns() - start_ns - (uint64_t)wait.tv_nsec;
	assert_true(before <= awake_ns * 64 / 125 + 1);
	assert_int_equal(run(), MACHINE_QUIT);
}

/* The timestamps of events are in order, those of the pause itself included. */
static void time_does_not_pass_during_a_pause(void **state)
{
	uint64_t stopped;

	config.clock = CLOCK_HOST;
	frozen_ns = 5000000000;
	make_machine(1);
	frozen_ns += 1000;
	machine_pause(machine, true);
	stopped = machine_timebase(machine);
	frozen_ns += 1000000;
	assert_int_equal(machine_timebase(machine), stopped);
	machine_pause(machine, false);
	assert_int_equal(machine_timebase(machine), stopped);
	frozen_ns += 125;
	assert_int_equal(machine_timebase(machine), stopped + 64);
}

/* ---- injection ---- */

static struct injection_request slb(void)
{
	return (struct injection_request){
		.id = 7,
		.mc = { .error_type = FWNMI_MC_SLB,
			.error_subtype = FWNMI_SLB_MULTIHIT,
			.severity = FWNMI_SEVERITY_ERROR_SYNC },
	};
}

static void inject(const struct injection_request *injection)
{
	if (!injector_add(injector, injection, err, sizeof(err)))
		fail_msg("%s", err);
}

static void an_injection_waits_for_recoverable_code(void **state)
{
	struct injection_request in = slb();

	PLAY(0, { 10, 0x100, ENTRY_CODE }, { 10, 0x200, ENTRY_CODE }, { 10, 0x300, KERNEL },
	     { 10, 0x400, KERNEL });
	HANDLE(0, { 5, 0x1990, MSR_SF, .interlock = true }, { 5, 0x300, KERNEL, .restores = true },
	       { 5, 0x400, KERNEL, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = ENTRY_CODE;
	inject(&in);
	run();
	assert_string_equal(report_kinds, "DIf");
	assert_int_equal(reports[0].id, 7);
	assert_int_equal(reports[0].nip, 0x300);
	assert_int_equal(reports[0].msr, KERNEL);
	assert_int_equal(reports[0].handler, HANDLER);
	assert_int_equal(reports[0].r3, R3);
	assert_true(reports[0].registered);
	assert_int_equal(reports[0].delivered_insns, 30);
	assert_int_equal(last_mc.error_type, FWNMI_MC_SLB);
}

static void the_processors_cause_bits_are_filled_in(void **state)
{
	struct injection_request in = slb();

	in.effective_address_is_nip = true;
	PLAY(0, { 10, 0xc000000000000300, KERNEL, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = KERNEL;
	cpus[0].regs.nip = 0xc000000000000444;
	inject(&in);
	run();
	assert_int_equal(fwnmi_mce_synthesise(FWNMI_PVR_POWER9 << 16, &in.mc), 0);
	assert_int_equal(last_mc.srr1, in.mc.srr1);
	assert_int_equal(last_mc.dsisr, in.mc.dsisr);
	assert_true(last_mc.dar_valid);
	assert_int_equal(last_mc.dar, 0xc000000000000444);
	assert_true(last_mc.effective_address_valid);
	assert_int_equal(last_mc.effective_address, 0xc000000000000444);
}

static void user_context_waits_for_user_code_and_kernel_context_for_kernel_code(void **state)
{
	struct injection_request in = slb();

	PLAY(0, { 10, 0x100, KERNEL }, { 10, 0x200, USER & ~MSR_RI }, { 10, 0x300, USER },
	     { 10, 0x400, ENTRY_CODE }, { 10, 0x500, KERNEL, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = USER;
	in.trigger.context = INJECT_KERNEL;
	inject(&in);
	run();
	assert_int_equal(reports[0].nip, 0x100);
	nr_reports = 0;
	machine->quit = 0;
	cpus[0].at = 0;
	cpus[0].regs.msr = KERNEL;
	in.trigger.context = INJECT_USER;
	inject(&in);
	run();
	assert_int_equal(reports[0].nip, 0x300);
	assert_int_equal(machine_checks, 2);
}

static void now_is_wherever_the_vcpu_stands(void **state)
{
	struct injection_request in = slb();

	in.trigger.ri = TRIGGER_RI_ANY;
	PLAY(0, { 10, 0x100, KERNEL, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = ENTRY_CODE;
	cpus[0].regs.nip = 0x777;
	inject(&in);
	run();
	assert_int_equal(reports[0].nip, 0x777);
	assert_int_equal(reports[0].delivered_insns, 0);
}

static void an_idle_vcpu_is_woken_and_counts_as_kernel(void **state)
{
	struct injection_request in = slb();

	in.trigger.context = INJECT_KERNEL;
	PLAY(0, { 10, 0x100, MSR_SF | MSR_EE, HCALL(PAPR_CEDE) },
	     { 10, 0x200, KERNEL, .stops_machine = true });
	HANDLE(0, { 5, 0x1990, MSR_SF, .interlock = true },
	       { 5, 0x100, MSR_SF | MSR_EE, .stops_machine = true });
	make_machine(1);
	machine->vcpus[0].state = VCPU_CEDED;
	cpus[0].at = 1;
	inject(&in);
	run();
	assert_string_equal(report_kinds, "DIf");
	assert_true(reports[0].ceded);
}

static void an_idle_vcpu_has_no_user_code(void **state)
{
	struct injection_request in = slb();

	in.trigger.context = INJECT_USER;
	in.timeout_ms = 30;
	PLAY(0, { 10, 0x100, KERNEL, .stops_machine = true });
	make_machine(1);
	machine->vcpus[0].state = VCPU_CEDED;
	cpus[0].deadline = UINT64_MAX / 2;
	inject(&in);
	assert_false(run_round(machine));
	for (unsigned i = 0; i < 100 && !nr_reports; i++) {
		idle(machine);
		poll_hooks(machine, host_ns());
	}
	assert_string_equal(report_kinds, "x");
	assert_string_equal(reports[0].reason,
			    "time limit: the CPU reached no suitable instruction");
	assert_int_equal(machine_checks, 0);
}

static void a_withdrawn_injection_is_not_delivered_later(void **state)
{
	struct injection_request in = slb();

	in.timeout_ms = 1;
	PLAY(0, { 10, 0x100, KERNEL }, { 10, 0x100, KERNEL, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = ENTRY_CODE;
	inject(&in);
	poll_hooks(machine, host_ns() + 1000001);
	run();
	assert_string_equal(report_kinds, "x");
	assert_int_equal(machine_checks, 0);
}

static void interlock_and_return_are_timed(void **state)
{
	struct injection_request in = slb();

	PLAY(0, { 100, 0x100, USER });
	HANDLE(0, { 40, 0x1990, MSR_SF }, { 60, 0x2000, MSR_SF, .interlock = true },
	       { 30, 0x2100, KERNEL }, { 30, 0x100, KERNEL, .restores = true },
	       { 50, 0x2100, KERNEL }, { 20, 0x100, USER },
	       { 10, 0x200, USER, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = KERNEL;
	in.trigger.context = INJECT_USER;
	inject(&in);
	run();
	assert_string_equal(report_kinds, "DIf");
	assert_int_equal(reports[0].delivered_insns, 100);
	assert_int_equal(reports[0].delivered_timebase, 100 / INSNS_PER_TICK);
	assert_int_equal(reports[1].interlock_insns, 100);
	assert_int_equal(reports[1].interlock_ticks, 100 / INSNS_PER_TICK);
	assert_true(reports[2].returned);
	assert_true(reports[2].interlocked);
	/* 0x100 in kernel mode is a different place. */
	assert_int_equal(reports[2].return_insns, 230);
}

static void another_process_at_the_same_address_is_no_return(void **state)
{
	struct injection_request in = slb();

	PLAY(0, { 100, 0x100, USER });
	/* R3 has changed. */
	HANDLE(0, { 60, 0x2000, MSR_SF, .interlock = true }, { 30, 0x100, USER },
	       { 30, 0x200, USER }, { 30, 0x100, USER, .restores = true },
	       { 10, 0x200, USER, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = KERNEL;
	in.trigger.context = INJECT_USER;
	inject(&in);
	run();
	assert_string_equal(report_kinds, "DIf");
	assert_true(reports[2].returned);
	assert_int_equal(reports[2].return_insns, 150);
}

static void a_killed_victim_is_seen_not_to_return(void **state)
{
	struct injection_request in = slb();

	PLAY(0, { 100000, 0x100, USER });
	HANDLE(0, { 60, 0x2000, MSR_SF, .interlock = true }, { 60, 0x3000, USER },
	       { WATCH_INSNS, 0x3000, USER }, { 60, 0x3000, USER, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = USER;
	inject(&in);
	run();
	assert_string_equal(report_kinds, "DIf");
	assert_false(reports[2].returned);
	/* ... and no longer watched block by block. */
	assert_int_equal(until_hook(machine, 0), MACHINE_NEVER);
}

static void a_vcpu_that_goes_idle_has_not_returned(void **state)
{
	struct injection_request in = slb();

	PLAY(0, { 100, 0x100, USER });
	HANDLE(0, { 60, 0x2000, MSR_SF, .interlock = true },
	       { 60, 0x3000, KERNEL, HCALL(PAPR_CEDE) },
	       { 60, 0x3000, KERNEL, HCALL(PAPR_POWER_OFF) });
	cpus[0].deadline = TIMEBASE_HZ;
	make_machine(1);
	cpus[0].regs.msr = USER;
	inject(&in);
	run();
	assert_string_equal(report_kinds, "DIf");
	assert_false(reports[2].returned);
}

static void a_system_reset_has_no_interlock(void **state)
{
	struct injection_request in = { .id = 9, .system_reset = true };

	PLAY(0, { 100, 0x100, USER });
	HANDLE(0, { 60, 0x2000, MSR_SF }, { 60, 0x444, USER, .restores = true },
	       { 60, 0x555, USER, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = USER;
	cpus[0].regs.nip = 0x444;
	inject(&in);
	run();
	assert_int_equal(system_resets, 1);
	assert_string_equal(report_kinds, "Df");
	assert_false(reports[1].interlocked);
	assert_true(reports[1].returned);
	assert_int_equal(reports[1].return_insns, 120);
}

/* The log in guest memory, not the request. */
static void a_report_says_what_the_guest_was_given(void **state)
{
	static const struct fwnmi_errlog given = {
		.severity = FWNMI_SEVERITY_ERROR,
		.disposition = FWNMI_DISPOSITION_LIMITED_RECOVERY,
		.initiator = FWNMI_INITIATOR_MEMORY,
		.type = FWNMI_EVENT_PLATFORM_ERROR,
		.has_extended = true,
		.flags = FWNMI_ERRLOG_VALID,
		.has_mc = true,
		.mc = { .error_type = FWNMI_MC_UE,
			.error_subtype = FWNMI_UE_IFETCH,
			.effective_address_valid = true,
			.effective_address = 0x1234 },
	};
	struct injection_request in = slb();
	uint8_t bytes[FWNMI_ERRLOG_MAX];
	int len = fwnmi_errlog_encode(&given, bytes, sizeof(bytes));

	PLAY(0, { 100, 0x100, USER, .stops_machine = true });
	make_machine(1);
	assert_in_range(len, FWNMI_ERRLOG_FIXED_SIZE + 1, sizeof(bytes));
	memory_write(&machine->memory, R3 + 8, bytes, (uint64_t)len);
	cpus[0].regs.msr = USER;
	inject(&in);
	run();
	assert_true(reports[0].registered);
	assert_true(reports[0].log.valid);
	assert_int_equal(reports[0].log.severity, FWNMI_SEVERITY_ERROR);
	assert_int_equal(reports[0].log.disposition, FWNMI_DISPOSITION_LIMITED_RECOVERY);
	assert_true(reports[0].log.has_mc);
	assert_int_equal(reports[0].log.mc.error_type, FWNMI_MC_UE);
	assert_int_equal(reports[0].log.mc.effective_address, 0x1234);
}

/* The guest may have changed R3, in a routine that is not the registered one. */
static void a_log_that_is_none_is_not_reported(void **state)
{
	struct injection_request in = slb();

	PLAY(0, { 100, 0x100, USER, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = USER;
	inject(&in);
	run();
	assert_int_equal(report_kinds[0], 'D');
	assert_false(reports[0].log.valid);
}

static void unregistered(uint64_t msr, uint64_t new_msr, uint32_t at_vector)
{
	struct injection_request in = slb();

	delivery = PAPR_VECTOR;
	nr_reports = 0;
	PLAY(0, { 100, 0x100, USER, .stops_machine = true });
	make_machine(1);
	memory_write_be32(&machine->memory, VECTOR_MACHINE_CHECK, at_vector);
	cpus[0].regs.msr = msr;
	not_registered_msr = new_msr;
	inject(&in);
	run();
	assert_int_equal(report_kinds[0], 'D');
	assert_false(reports[0].registered);
	destroy_machine();
}

static void an_unregistered_guest_gets_the_architected_vector(void **state)
{
	unregistered(USER, MSR_SF, 0x48000000);
	assert_int_equal(reports[0].handler, VECTOR_MACHINE_CHECK);
	assert_int_equal(reports[0].no_handler, INJECTION_HANDLER);
	assert_int_equal(reports[0].srr1, SLB_MULTIHIT_SRR1);
	assert_int_equal(reports[0].error_type, FWNMI_MC_SLB);
	assert_int_equal(reports[0].error_subtype, FWNMI_SLB_MULTIHIT);
}

static void a_guest_that_cannot_have_a_handler_yet_is_told_apart(void **state)
{
	unregistered(USER, MSR_SF, 0);
	assert_int_equal(reports[0].no_handler, INJECTION_VECTOR_EMPTY);
	unregistered(USER | MSR_LE, MSR_SF, 0x48000000);
	assert_int_equal(reports[0].no_handler, INJECTION_BYTE_ORDER);
	unregistered(USER | MSR_LE, MSR_SF | MSR_LE, 0x48000000);
	assert_int_equal(reports[0].no_handler, INJECTION_HANDLER);
}

static void a_second_machine_check_can_wait_for_the_first(void **state)
{
	struct injection_request in = slb();

	delivery = PAPR_WAITING;
	PLAY(0, { 100, 0x100, USER, HCALL(PAPR_CEDE) }, { 10, 0x100, USER, .stops_machine = true });
	HANDLE(0, { 60, 0x2000, MSR_SF, .interlock = true },
	       { 60, 0x444, USER, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = USER;
	cpus[0].regs.nip = 0x444;
	inject(&in);
	assert_true(run_round(machine));
	assert_true(machine_vcpu_waits(machine, 0));
	assert_string_equal(report_kinds, "W");
	/* Neither a timer nor an interrupt ends that. */
	cpus[0].pending = true;
	assert_false(run_round(machine));
	resume_outcome = PAPR_WAITING;
	scheduler_vcpu_kick(machine, 0);
	assert_false(run_round(machine));
	resume_outcome = PAPR_ROUTINE;
	scheduler_vcpu_kick(machine, 0);
	run();
	assert_string_equal(report_kinds, "WDIf");
	assert_int_equal(reports[1].nip, 0x444);
}

static void an_injection_that_waits_too_long_is_withdrawn_and_the_vcpu_runs_on(void **state)
{
	struct injection_request in = slb();

	delivery = PAPR_WAITING;
	in.timeout_ms = 1;
	PLAY(0, { 10, 0x100, USER }, { 10, 0x200, USER, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = USER;
	inject(&in);
	assert_true(run_round(machine));
	assert_string_equal(report_kinds, "W");
	poll_hooks(machine, host_ns() + 1000001);
	assert_string_equal(report_kinds, "Wx");
	assert_string_equal(reports[1].reason,
			    "time limit: another CPU does not call ibm,nmi-interlock");
	assert_true(withdrawn);
	assert_int_equal(run(), MACHINE_QUIT);
	assert_true(machine_insns(machine) > 0);
}

/* Same kind of event, but not the injected one. */
static void a_machine_check_of_the_guests_own_is_not_taken_for_the_one_that_is_pending(void **state)
{
	struct injection_request in = slb();
	struct papr_outcome own = { .result = PAPR_ROUTINE, .vector = VECTOR_MACHINE_CHECK };

	PLAY(0, { 10, 0x100, ENTRY_CODE, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = ENTRY_CODE;
	inject(&in);
	took(machine, 0, &own);
	assert_string_equal(report_kinds, "");
	run();
	assert_string_equal(report_kinds, "x"); /* the machine has ended */
}

static void a_prod_ends_a_cede_or_else_the_next(void **state)
{
	PLAY(0, { 10, 0x100, KERNEL, HCALL(PAPR_CEDE) });
	cpus[0].deadline = FOREVER / 2;
	make_machine(1);
	scheduler_vcpu_prod(machine, 0);
	assert_true(cede(machine, 0));
	assert_int_equal(machine_vcpu_state(machine, 0), VCPU_RUNNABLE);
	assert_false(cede(machine, 0));
	assert_int_equal(machine_vcpu_state(machine, 0), VCPU_CEDED);
	scheduler_vcpu_prod(machine, 0);
	assert_int_equal(machine_vcpu_state(machine, 0), VCPU_RUNNABLE);
	/* The wait has consumed the prod. */
	assert_false(cede(machine, 0));
	/* An interrupt that ends a wait leaves no prod behind. */
	scheduler_vcpu_wake(machine, 0);
	assert_int_equal(machine_vcpu_state(machine, 0), VCPU_RUNNABLE);
	assert_false(cede(machine, 0));
}

static void a_vcpu_that_fwnmi_holds_is_not_run_by_an_interrupt_or_a_prod(void **state)
{
	PLAY(0, { 10, 0x100, KERNEL });
	make_machine(1);
	assert_false(cede(machine, 0));
	held[0] = true;
	scheduler_vcpu_prod(machine, 0);
	cpus[0].pending = true;
	assert_false(run_round(machine));
	assert_true(machine_vcpu_waits(machine, 0));
	held[0] = false;
	assert_true(run_round(machine));
}

static void ending_the_partition_is_a_crash_that_says_why(void **state)
{
	struct injection_request in = slb();

	delivery = PAPR_ENDED;
	PLAY(0, { 100, 0x100, USER });
	make_machine(1);
	cpus[0].regs.msr = USER;
	inject(&in);
	last_end.reason = FWNMI_END_NESTED_MACHINE_CHECK;
	assert_int_equal(run(), MACHINE_CRASHED);
	assert_string_equal(why, "a second machine check came before the interlock (vCPU 0)");
	assert_string_equal(report_kinds,
			    "xx"); /* one at the end of the partition, one on its own */
}

/* Both the injection's report and the machine's end say so. */
static void an_end_for_a_stale_routine_says_so(void **state)
{
	struct injection_request in = slb();

	delivery = PAPR_ENDED;
	PLAY(0, { 100, 0x100, USER });
	make_machine(1);
	cpus[0].regs.msr = USER;
	inject(&in);
	last_end.reason = FWNMI_END_STALE_HANDLER;
	assert_int_equal(run(), MACHINE_CRASHED);
	assert_string_equal(why, "the registered routine is gone (vCPU 0)");
	assert_string_equal(report_kinds, "xx");
	assert_string_equal(reports[0].reason,
			    "it ended the partition: the registered routine is gone");
}

static void a_partition_that_fwnmi_ended_reboots_if_that_is_the_policy(void **state)
{
	struct injection_request in = slb();

	delivery = PAPR_ENDED;
	PLAY(0, { 100, 0x100, USER }, { 10, 0x100, USER, HCALL(PAPR_POWER_OFF) });
	make_machine(1);
	machine->config.reboot_policy = REBOOT_POLICY_REBOOT;
	cpus[0].regs.msr = USER;
	inject(&in);
	assert_int_equal(run(), MACHINE_POWERED_OFF);
	assert_int_equal(reset_events, 1);
	assert_int_equal(fills, 2);
}

static void without_reboots_the_reboot_policy_ends_the_machine(void **state)
{
	struct injection_request in = slb();

	delivery = PAPR_ENDED;
	PLAY(0, { 100, 0x100, USER });
	make_machine(1);
	machine->config.reboot_policy = REBOOT_POLICY_REBOOT;
	machine->config.no_reboot = true;
	cpus[0].regs.msr = USER;
	inject(&in);
	assert_int_equal(run(), MACHINE_REBOOT);
}

/* An ended partition does not run again until it is reset or quit. */
static void a_partition_that_fwnmi_ended_can_stand_still_until_a_reset(void **state)
{
	struct injection_request in = slb();

	delivery = PAPR_ENDED;
	PLAY(0, { 100, 0x100, USER }, { 10, 0x100, USER, HCALL(PAPR_POWER_OFF) });
	make_machine(1);
	machine->config.reboot_policy = REBOOT_POLICY_PAUSE;
	cpus[0].regs.msr = USER;
	inject(&in);
	assert_true(run_round(machine));
	assert_true(machine_partition_ended(machine));
	run_reboot_policy(machine);
	assert_true(machine_paused(machine));
	assert_false(run_round(machine));
	machine_request_reset(machine);
	machine_pause(machine, false);
	assert_int_equal(run(), MACHINE_POWERED_OFF);
	assert_false(machine_partition_ended(machine));
}

static void an_injection_that_goes_by_a_trampoline_is_delivered_by_its_call(void **state)
{
	struct injection_request in = slb();

	delivery = PAPR_RAISED;
	PLAY(0, { 100, 0x100, USER }, { 4, 0x210, MSR_SF, HCALL(PAPR_FWNMI) });
	HANDLE(0, { 60, 0x2000, MSR_SF, .interlock = true },
	       { 60, 0x444, USER, .restores = true, .stops_machine = true });
	make_machine(1);
	cpus[0].regs.msr = USER;
	cpus[0].regs.nip = 0x444;
	inject(&in);
	run();
	assert_string_equal(report_kinds, "RDIf");
	assert_int_equal(reports[1].nip, 0x444);
	assert_int_equal(reports[1].handler, HANDLER);
	assert_true(reports[1].registered);
}

static void assert_not_injected(const struct injection_request *in, const char *reason)
{
	assert_false(injector_add(injector, in, err, sizeof(err)));
	if (!strstr(err, reason))
		fail_msg("\"%s\" does not say \"%s\"", err, reason);
}

static void impossible_injections_are_refused(void **state)
{
	struct injection_request in = slb();

	make_machine(2);
	in.vcpu = 2;
	assert_not_injected(&in, "no CPU 2: the machine has 2");
	in.vcpu = 1;
	assert_not_injected(&in, "CPU 1 is stopped");
	in.vcpu = 0;
	in.mc.error_subtype = 17;
	assert_not_injected(&in, "no such machine check");
	in.mc.error_subtype = FWNMI_SLB_PARITY;
	inject(&in);
	assert_not_injected(&in, "CPU 0 already has an injection pending");
}

static void a_reset_withdraws_what_is_pending(void **state)
{
	struct injection_request in = slb();

	PLAY(0, { 10, 0x100, ENTRY_CODE, HCALL(PAPR_REBOOT) },
	     { 10, 0x100, KERNEL, HCALL(PAPR_POWER_OFF) });
	make_machine(1);
	cpus[0].regs.msr = ENTRY_CODE;
	inject(&in);
	assert_int_equal(run(), MACHINE_POWERED_OFF);
	assert_string_equal(report_kinds, "x");
	assert_string_equal(reports[0].reason, "the machine was reset");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_test, teardown_test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(absurd_sizes_are_refused),
		TEST(a_kernel_that_cannot_be_read_is_an_error),
		TEST(power_off_ends_the_run),
		TEST(memory_begins_where_a_huge_page_does),
		TEST(nothing_is_accessible_just_before_and_behind_memory),
		TEST(a_reboot_starts_again_with_empty_memory),
		TEST(a_reboot_heals_all_memory),
		TEST(memory_is_poisoned_only_if_there_is_some_and_the_engine_sees_it),
		TEST(no_reboot_ends_the_run_instead),
		TEST(a_kernel_that_vanished_before_a_reboot_fails_the_machine),
		TEST(nvram_is_the_partitions_and_kept_where_it_is_told),
		TEST(a_crash_says_why),
		TEST(an_engine_that_fails_is_reported_with_its_place),
		TEST(quit_ends_a_guest_that_never_stops),
		TEST(clients_are_served_within_a_slice),
		TEST(what_a_client_wants_comes_before_the_rest_of_a_slice),
		TEST(idle_time_passes_at_once_with_the_instruction_clock),
		TEST(idle_time_is_waited_for_with_the_host_clock),
		TEST(vcpus_take_turns),
		TEST(a_stopped_vcpu_does_not_run),
		TEST(a_lone_vcpu_stops_in_time_for_anothers_timer),
		TEST(waking_another_vcpu_ends_the_turn),
		TEST(the_machine_stands_still_while_paused),
		TEST(time_does_not_pass_during_a_pause),
		TEST(a_guest_that_only_reboots_does_so_once_a_second_of_the_hosts_time),
		TEST(with_clock_insn_a_full_console_holds_the_partition),
		TEST(a_machine_whose_console_is_never_read_can_be_ended),
		TEST(with_clock_host_a_full_console_is_busy_and_the_guest_goes_on),
		TEST(an_injection_waits_for_recoverable_code),
		TEST(the_processors_cause_bits_are_filled_in),
		TEST(user_context_waits_for_user_code_and_kernel_context_for_kernel_code),
		TEST(now_is_wherever_the_vcpu_stands),
		TEST(an_idle_vcpu_is_woken_and_counts_as_kernel),
		TEST(an_idle_vcpu_has_no_user_code),
		TEST(a_withdrawn_injection_is_not_delivered_later),
		TEST(interlock_and_return_are_timed),
		TEST(another_process_at_the_same_address_is_no_return),
		TEST(a_killed_victim_is_seen_not_to_return),
		TEST(a_vcpu_that_goes_idle_has_not_returned),
		TEST(a_system_reset_has_no_interlock),
		TEST(a_report_says_what_the_guest_was_given),
		TEST(a_log_that_is_none_is_not_reported),
		TEST(an_unregistered_guest_gets_the_architected_vector),
		TEST(a_guest_that_cannot_have_a_handler_yet_is_told_apart),
		TEST(a_second_machine_check_can_wait_for_the_first),
		TEST(an_injection_that_waits_too_long_is_withdrawn_and_the_vcpu_runs_on),
		TEST(a_machine_check_of_the_guests_own_is_not_taken_for_the_one_that_is_pending),
		TEST(a_prod_ends_a_cede_or_else_the_next),
		TEST(a_vcpu_that_fwnmi_holds_is_not_run_by_an_interrupt_or_a_prod),
		TEST(ending_the_partition_is_a_crash_that_says_why),
		TEST(an_end_for_a_stale_routine_says_so),
		TEST(impossible_injections_are_refused),
		TEST(a_reset_withdraws_what_is_pending),
		TEST(a_partition_that_fwnmi_ended_reboots_if_that_is_the_policy),
		TEST(without_reboots_the_reboot_policy_ends_the_machine),
		TEST(a_partition_that_fwnmi_ended_can_stand_still_until_a_reset),
		TEST(an_injection_that_goes_by_a_trampoline_is_delivered_by_its_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
