/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole machines on the KVM engine and the fake of KVM: how FWNMI events reach guests that register
 * or do not, on kernels that can, cannot, or refuse to report machine checks. Each guest is a few
 * instructions.
 */
#include <elf.h>
#include <errno.h>
#include <libfdt.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake_sys.h"
#include "fwnmi/mce.h"
#include "inject/injector.h"
#include "machine/private.h"
#include "pseries/private.h"
#undef ARRAY_SIZE /* papr's is unit.h's */
#include "unit.h"

#define RAM_SIZE   MACHINE_MIN_RAM
#define IMAGE_SIZE 0x8000u

/* Addresses in the guest. */
#define KERNEL	   0x1000u
#define FINISH	   0x1800u /* powers off */
#define SECONDARY  0x1c00u
#define HANDLER	   0x2000u /* of machine checks */
#define RESET	   0x2200u /* of system resets */
#define ARGUMENTS  0x4000u /* of RTAS calls, one after another */
#define SEEN_R3	   0x5000u /* R3 at entry to the last routine */
#define SEEN_SRR0  0x5008u
#define SEEN_SRR1  0x5010u
#define SEEN_WHERE 0x5018u
#define SEEN_AFTER 0x5020u /* 1: the guest has reached its end */
#define SAVED_R4   0x5028u
#define SEEN_CALL  0x5030u /* a hypervisor call's result */

/* The guest's R3 when it is interrupted. */
#define INTERRUPTED_R3 0x4321

static uint8_t image[IMAGE_SIZE];
static unsigned at, arguments;
static char kernel_path[] = "/tmp/fwnmi-kvm-XXXXXX";
static struct machine_config config;
static struct engine_ops ops;
static struct machine *machine;
static char why[256];
static char warnings[8][256];
static unsigned nr_warnings;

/* ---- the guest ---- */

static void emit(uint32_t insn)
{
	put_be32(image + at, insn);
	at += 4;
}

static uint32_t token(const char *name)
{
	for (uint32_t t = RTAS_TOKEN_BASE; rtas_function(t); t++)
		if (!strcmp(rtas_function(t), name))
			return t;
	fail_msg("no RTAS function %s", name);
	return 0;
}

/* Emits an RTAS call with its inputs, each an unsigned. Returns the address of its status. */
static unsigned emit_rtas(const char *name, unsigned nr_args, ...)
{
	unsigned buffer = arguments, status_at = buffer + 12 + 4 * nr_args;
	va_list inputs;

	put_be32(image + buffer, token(name));
	put_be32(image + buffer + 4, nr_args);
	put_be32(image + buffer + 8, 1);
	va_start(inputs, nr_args);
	for (unsigned i = 0; i < nr_args; i++)
		put_be32(image + buffer + 12 + 4 * i, va_arg(inputs, unsigned));
	va_end(inputs);
	put_be32(image + status_at, 0x5a5a5a5a);
	arguments += 0x40;
	emit(INSN_LIS(3u, 0));
	emit(INSN_ORI(3u, H_RTAS));
	emit(INSN_LI(4u, buffer));
	emit(INSN_SC_1);
	return status_at;
}

static void emit_note(uint32_t where)
{
	emit(INSN_STD(3u, SEEN_R3));
	emit(INSN_STD(4u, SAVED_R4));
	emit(INSN_MFSRR(4u, 0u));
	emit(INSN_STD(4u, SEEN_SRR0));
	emit(INSN_MFSRR(4u, 1u));
	emit(INSN_STD(4u, SEEN_SRR1));
	emit(INSN_LI(4u, where));
	emit(INSN_STD(4u, SEEN_WHERE));
}

static void emit_jump(unsigned to)
{
	emit(INSN_B(to - at));
}

/* Emits the handlers and vectors; the test adds the rest of the kernel. */
static void begin_guest(void)
{
	memset(image, 0, sizeof(image));
	arguments = ARGUMENTS;
	at = VECTOR_SYSTEM_RESET;
	emit_note(VECTOR_SYSTEM_RESET);
	emit_jump(FINISH);
	at = VECTOR_MACHINE_CHECK;
	emit_note(VECTOR_MACHINE_CHECK);
	emit_jump(FINISH);
	at = FINISH;
	emit(INSN_LI(4u, 1));
	emit(INSN_STD(4u, SEEN_AFTER));
	emit_rtas("power-off", 2, 0u, 0u);
	at = HANDLER;
	emit_note(HANDLER);
	emit_rtas("ibm,nmi-interlock", 0);
	emit(INSN_LD(4u, SEEN_SRR0));
	emit(INSN_MTSRR(0u, 4u));
	emit(INSN_LD(4u, SEEN_SRR1));
	emit(INSN_MTSRR(1u, 4u));
	emit(INSN_LD(4u, SEEN_R3));
	emit(INSN_LD_0(3u, 4u));
	emit(INSN_LD(4u, SAVED_R4));
	emit(INSN_RFID);
	at = RESET;
	emit_note(RESET);
	emit_jump(FINISH);
	at = KERNEL;
}

static unsigned emit_register(void)
{
	return emit_rtas("ibm,nmi-register", 2, RESET, HANDLER);
}

/*
 * Emits event n, after which the kernel records that it got there, and ends. Returns the event's
 * address.
 */
static unsigned emit_event(unsigned n)
{
	unsigned where;

	emit(INSN_LI(3u, INTERRUPTED_R3));
	where = at;
	emit(INSN_EVENT(n));
	return where;
}

/* Emits a loop that can be interrupted. Returns its address. */
static unsigned emit_wait(void)
{
	emit(INSN_LI(5u, (unsigned)MSR_RI));
	emit(INSN_MTMSRD(5u));
	emit(INSN_LI(3u, INTERRUPTED_R3));
	emit(INSN_LOOP);
	return at - 4;
}

static void put_big(uint8_t *p, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

/* Offsets are those of Elf64_Ehdr and Elf64_Phdr. */
static void write_kernel(void)
{
	uint8_t header[64 + 56] = { 0 };
	FILE *f = fopen(kernel_path, "wb");

	memcpy(header, ELFMAG, SELFMAG);
	header[EI_CLASS] = ELFCLASS64;
	header[EI_DATA] = ELFDATA2MSB;
	header[EI_VERSION] = EV_CURRENT;
	put_big(header + 16, 2, ET_EXEC);
	put_big(header + 18, 2, EM_PPC64);
	put_big(header + 20, 4, EV_CURRENT);
	put_big(header + 24, 8, KERNEL);
	put_big(header + 32, 8, 64);
	put_big(header + 48, 4, 2); /* e_flags: ABI v2, so the entry is no descriptor */
	put_big(header + 52, 2, 64);
	put_big(header + 54, 2, 56);
	put_big(header + 56, 2, 1);
	put_big(header + 64, 4, PT_LOAD);
	put_big(header + 68, 4, 7);
	put_big(header + 72, 8, sizeof(header));
	put_big(header + 96, 8, IMAGE_SIZE);
	put_big(header + 104, 8, IMAGE_SIZE);
	put_big(header + 112, 8, 8);
	assert_non_null(f);
	assert_int_equal(fwrite(header, 1, sizeof(header), f), sizeof(header));
	assert_int_equal(fwrite(image, 1, IMAGE_SIZE, f), IMAGE_SIZE);
	assert_int_equal(fclose(f), 0);
}

/* ---- the machine ---- */

static bool available(char *err, size_t err_size)
{
	return kvm_available(&fake_sys, err, err_size);
}

static struct engine *create(const struct engine_config *engine_config, char *err, size_t err_size)
{
	return kvm_create(&fake_sys, engine_config, err, err_size);
}

static void warn(const char *line)
{
	if (nr_warnings < ARRAY_SIZE(warnings))
		snprintf(warnings[nr_warnings++], sizeof(warnings[0]), "%s", line);
}

static int setup(void **state)
{
	fake_start();
	ops = engine_kvm;
	ops.available = available;
	ops.create = create;
	config = (struct machine_config){ .kernel = kernel_path,
					  .ram_size = RAM_SIZE,
					  .nr_vcpus = 1,
					  .clock = CLOCK_HOST,
					  .engine = &ops,
					  .warn = warn };
	nr_warnings = 0;
	machine = NULL;
	why[0] = '\0';
	begin_guest();
	alarm(600);
	return 0;
}

static int teardown(void **state)
{
	machine_destroy(machine);
	alarm(0);
	if (fake_leaks())
		fail_msg("%s", fake_leaks());
	return 0;
}

static void make(void)
{
	char err[512];

	write_kernel();
	machine = machine_create(&config, err, sizeof(err));
	if (!machine)
		fail_msg("%s", err);
}

static void assert_runs_to(enum machine_end expected)
{
	enum machine_end end = machine_run(machine, why, sizeof(why));

	if (end != expected)
		fail_msg("ended with %d, not %d: %s%s", end, expected, why, fake.misuse);
}

static void run(void)
{
	make();
	assert_runs_to(MACHINE_POWERED_OFF);
}

static uint64_t seen(unsigned address)
{
	return get_be64(machine->memory.base + address);
}

static int32_t status(unsigned address)
{
	return (int32_t)get_be32(machine->memory.base + address);
}

static void assert_one_line(const char *what)
{
	assert_int_equal(nr_warnings, 1);
	assert_null(strchr(warnings[0], '\n'));
	if (!strstr(warnings[0], what))
		fail_msg("\"%s\" does not say \"%s\"", warnings[0], what);
}

/* Checks that the registered routine was entered for the event at @where, with R3 at the log. */
static struct fwnmi_errlog assert_delivered(unsigned where)
{
	const struct papr *papr = machine_papr(machine);
	struct fwnmi_errlog log;
	uint64_t r3 = seen(SEEN_R3);
	int rc;

	assert_int_equal(seen(SEEN_WHERE), HANDLER);
	assert_int_equal(seen(SEEN_SRR0), where);
	assert_in_range(r3, papr->rtas_base, papr->rtas_base + papr->rtas_size - 16);
	assert_int_equal(get_be64(machine->memory.base + r3), INTERRUPTED_R3);
	rc = fwnmi_errlog_decode(&log, machine->memory.base + r3 + 8, FWNMI_ERRLOG_MAX);
	if (rc < 0)
		fail_msg("%s", fwnmi_strerror(rc));
	assert_true(log.has_mc);
	/* Checks that it has returned, too. */
	assert_int_equal(seen(SEEN_AFTER), 1);
	return log;
}

static void assert_at_vector(unsigned vector, unsigned where)
{
	assert_int_equal(seen(SEEN_WHERE), vector);
	assert_int_equal(seen(SEEN_SRR0), where);
	assert_int_equal(seen(SEEN_R3), INTERRUPTED_R3);
	assert_int_equal(seen(SEEN_AFTER), 1);
}

static unsigned enabled(void)
{
	return fake_count(PPC_KVM_ENABLE_CAP, KVM_CAP_PPC_FWNMI);
}

/* Is the code at 0x200 the guest's own? */
static bool vector_is_the_guests(void)
{
	return !memcmp(machine->memory.base + 0x200, image + 0x200, 0x100);
}

/* An SLB multihit on a load. */
static const struct fake_event multihit = { .kind = FAKE_MACHINE_CHECK,
					    .srr1 = 0x00200000,
					    .dsisr = 0x00000080,
					    .dar = 0xc000000000012340 };

/* ---- how machine checks are delivered ---- */

static void with_the_capability_a_registered_guest_gets_machine_checks_directly(void **state)
{
	unsigned registered = emit_register(), where = emit_event(1);
	struct fwnmi_errlog log;

	emit_jump(FINISH);
	fake.events[1] = multihit;
	run();
	assert_int_equal(status(registered), RTAS_SUCCESS);
	log = assert_delivered(where);
	assert_int_equal(log.mc.error_type, FWNMI_MC_SLB);
	assert_int_equal(log.mc.error_subtype, FWNMI_SLB_MULTIHIT);
	assert_true(log.mc.effective_address_valid);
	assert_int_equal(log.mc.effective_address, 0xc000000000012340);
	assert_true(vector_is_the_guests());
	assert_int_equal(nr_warnings, 0);
}

static void the_capability_is_enabled_when_the_guest_registers_and_not_before(void **state)
{
	unsigned registered;

	config.nr_vcpus = 2;
	emit_event(1); /* would go to 0x200 if it were not NOP */
	registered = emit_register();
	emit_jump(FINISH);
	fake.events[1] = (struct fake_event){ .kind = FAKE_EXIT, .reason = KVM_EXIT_INTR };
	make();
	assert_int_equal(enabled(), 0);
	assert_runs_to(MACHINE_POWERED_OFF);
	assert_int_equal(status(registered), RTAS_SUCCESS);
	assert_int_equal(enabled(), 2); /* each vCPU */
	assert_true(fake_first(PPC_KVM_ENABLE_CAP, KVM_CAP_PPC_FWNMI) >
		    fake_first(PPC_KVM_RUN, FAKE_ANY));
	assert_true(fake_vm()->fwnmi);
}

static void without_it_trampolines_are_chosen_by_themselves_in_one_line(void **state)
{
	unsigned registered = emit_register(), where = emit_event(1);
	struct fwnmi_errlog log;

	emit_jump(FINISH);
	fake.events[1] = multihit;
	fake.capabilities[KVM_CAP_PPC_FWNMI] = 0;
	run();
	assert_int_equal(status(registered), RTAS_SUCCESS);
	log = assert_delivered(where);
	assert_int_equal(log.mc.error_type, FWNMI_MC_SLB);
	assert_int_equal(log.mc.effective_address, 0xc000000000012340);
	assert_int_equal(log.disposition, FWNMI_DISPOSITION_FULLY_RECOVERED);
	assert_one_line("trampolines will bring them");
	assert_int_equal(enabled(), 0);
	/* After the registration, 0x200 has the trampoline. */
	assert_false(vector_is_the_guests());
}

/* The same options work on old and new hosts. */
static void a_source_of_trampolines_may_be_named_where_none_are_needed(void **state)
{
	unsigned registered = emit_register(), where = emit_event(1);

	emit_jump(FINISH);
	config.partition.trampoline = "embedded";
	fake.events[1] = multihit;
	run();
	assert_int_equal(status(registered), RTAS_SUCCESS);
	assert_delivered(where);
	assert_true(vector_is_the_guests());
	assert_int_equal(nr_warnings, 0);
}

static void a_bad_source_of_trampolines_is_refused_even_where_none_are_needed(void **state)
{
	struct machine *machine;
	char err[300] = "";

	config.partition.trampoline = "blob:/nonexistent";
	machine = machine_create(&config, err, sizeof(err));
	assert_null(machine);
	assert_non_null(strstr(err, "/nonexistent"));
}

static void with_it_a_guest_that_never_registers_is_left_to_kvm(void **state)
{
	unsigned where = emit_event(1);

	fake.events[1] = multihit;
	run();
	assert_at_vector(VECTOR_MACHINE_CHECK, where);
	assert_int_equal(seen(SEEN_SRR1) & FWNMI_SRR1_CAUSE_MASK, 0x00200000);
	assert_int_equal(enabled(), 0);
	assert_int_equal(nr_warnings, 0);
}

static void without_it_a_guest_that_never_registers_is_left_to_kvm(void **state)
{
	unsigned where = emit_event(1);

	fake.events[1] = multihit;
	fake.capabilities[KVM_CAP_PPC_FWNMI] = 0;
	run();
	assert_at_vector(VECTOR_MACHINE_CHECK, where);
	assert_true(vector_is_the_guests());
	assert_one_line("trampolines will bring them");
	assert_int_equal(enabled(), 0);
}

static void kvm_refusing_at_the_registration_leads_to_trampolines(void **state)
{
	unsigned registered = emit_register(), where = emit_event(1);

	emit_jump(FINISH);
	fake.events[1] = multihit;
	fake_rule(PPC_KVM_ENABLE_CAP, KVM_CAP_PPC_FWNMI, -EINVAL);
	run();
	assert_int_equal(status(registered), RTAS_SUCCESS);
	assert_delivered(where);
	assert_one_line("turned out not to report machine checks");
	assert_false(vector_is_the_guests());
	assert_false(fake_vm()->fwnmi);
}

/* Machine checks of its first vCPU are then exits, which is just as good. */
static void kvm_refusing_it_for_one_vcpu_of_two_leads_to_trampolines(void **state)
{
	unsigned registered = emit_register(), where = emit_event(1);

	emit_jump(FINISH);
	config.nr_vcpus = 2;
	fake.events[1] = multihit;
	fake_rule(PPC_KVM_ENABLE_CAP, KVM_CAP_PPC_FWNMI, -EINVAL)->skip = 1;
	run();
	assert_int_equal(status(registered), RTAS_SUCCESS);
	assert_delivered(where);
	assert_one_line("turned out not to report machine checks");
	assert_true(fake_vm()->fwnmi);
}

static void a_guest_that_registers_where_nothing_is_possible_gets_minus_1_and_lives(void **state)
{
	unsigned registered = emit_register(), again = emit_register(), where = emit_event(1);

	fake.events[1] = multihit;
	fake.capabilities[KVM_CAP_PPC_FWNMI] = 0;
	config.partition.delivery = PAPR_DELIVERY_DIRECT;
	run();
	assert_int_equal(status(registered), RTAS_HARDWARE_ERROR);
	assert_int_equal(status(again), RTAS_HARDWARE_ERROR);
	assert_at_vector(VECTOR_MACHINE_CHECK, where);
	assert_true(vector_is_the_guests());
	assert_one_line("a guest cannot register");
}

static void the_same_where_kvm_refuses_only_at_the_registration(void **state)
{
	unsigned registered = emit_register(), where = emit_event(1);

	fake.events[1] = multihit;
	fake_rule(PPC_KVM_ENABLE_CAP, KVM_CAP_PPC_FWNMI, -EINVAL);
	config.partition.delivery = PAPR_DELIVERY_DIRECT;
	run();
	assert_int_equal(status(registered), RTAS_HARDWARE_ERROR);
	assert_at_vector(VECTOR_MACHINE_CHECK, where);
}

static void the_same_where_the_user_does_without_the_exit(void **state)
{
	unsigned registered = emit_register(), where = emit_event(1);

	fake.events[1] = multihit;
	config.no_mc_exit = true;
	config.partition.delivery = PAPR_DELIVERY_DIRECT;
	run();
	assert_int_equal(status(registered), RTAS_HARDWARE_ERROR);
	assert_at_vector(VECTOR_MACHINE_CHECK, where);
	assert_int_equal(enabled(), 0);
}

static void trampolines_that_are_asked_for_leave_the_capability_alone(void **state)
{
	unsigned registered = emit_register(), where = emit_event(1);

	emit_jump(FINISH);
	fake.events[1] = multihit;
	config.partition.delivery = PAPR_DELIVERY_TRAMPOLINE;
	run();
	assert_int_equal(status(registered), RTAS_SUCCESS);
	assert_delivered(where);
	assert_int_equal(enabled(), 0);
	assert_int_equal(nr_warnings, 0);
}

/* ---- what the log says ---- */

/* What a guest that has registered gets for @event. */
static struct fwnmi_errlog log_of(struct fake_event event)
{
	unsigned where;

	emit_register();
	where = emit_event(1);
	emit_jump(FINISH);
	fake.events[1] = event;
	run();
	return assert_delivered(where);
}

static void what_the_host_has_recovered_is_recovered_in_the_log(void **state)
{
	/* A TLB or SLB error could be repaired here, a memory error cannot. */
	const struct fwnmi_errlog log =
		log_of((struct fake_event){ .kind = FAKE_MACHINE_CHECK,
					    .srr1 = 0x00200000,
					    .dsisr = 0x00008000,
					    .flags = FAKE_FULLY_RECOVERED });

	assert_int_equal(log.mc.error_type, FWNMI_MC_UE);
	assert_int_equal(log.disposition, FWNMI_DISPOSITION_FULLY_RECOVERED);
}

static void what_it_has_not_recovered_is_not_recovered_in_the_log(void **state)
{
	const struct fwnmi_errlog log = log_of((struct fake_event){
		.kind = FAKE_MACHINE_CHECK, .srr1 = 0x00200000, .dsisr = 0x00008000, .flags = 2 });

	assert_int_equal(log.mc.error_type, FWNMI_MC_UE);
	assert_int_equal(log.disposition, FWNMI_DISPOSITION_NOT_RECOVERED);
}

/*
 * A load in real mode from an address without memory. The routine returns, and the next load is
 * from memory.
 */
static void an_access_to_no_memory_comes_with_its_address(void **state)
{
	const struct fwnmi_errlog log = log_of((struct fake_event){
		.kind = FAKE_MMIO, .address = 0x4567890000, .length = 8, .rt = 3 });

	assert_int_equal(log.mc.error_type, FWNMI_MC_UE);
	assert_int_equal(log.mc.error_subtype, FWNMI_UE_LOAD_STORE);
	assert_true(log.mc.logical_address_valid);
	assert_int_equal(log.mc.logical_address, 0x4567890000);
	assert_int_equal(log.mc.effective_address, 0x4567890000);
}

/* A guest that stores to a trampoline's exit address without a trampoline. */
static void a_guest_cannot_pretend_to_be_a_trampoline(void **state)
{
	fake.capabilities[KVM_CAP_PPC_FWNMI] = 0;
	log_of((struct fake_event){
		.kind = FAKE_MMIO, .address = 0xf01400000000, .length = 4, .write = true });
}

static void a_second_machine_check_before_the_interlock_ends_the_partition(void **state)
{
	emit_register();
	emit_event(1);
	at = HANDLER;
	emit(INSN_EVENT(2));
	fake.events[1] = fake.events[2] = multihit;
	make();
	assert_runs_to(MACHINE_CRASHED);
	assert_non_null(strstr(why, "second machine check"));
	assert_true(papr_fwnmi_end(machine_papr(machine))->happened);
}

/* ---- system resets, and other things on request ---- */

static int request_fd = -1;

/*
 * Makes the monitor's request as soon as the guest has registered, or at once if it does not
 * register.
 */
static void on_event(void *opaque, const struct machine_event *event)
{
	const uint64_t one = 1;

	if (event->type == MACHINE_EVENT_PAPR && event->papr->type == PAPR_EVENT_FWNMI_REGISTERED)
		assert_int_equal(write(request_fd, &one, sizeof(one)), sizeof(one));
}

static unsigned poll_fds(void *opaque, struct pollfd *fds, unsigned max)
{
	fds[0] = (struct pollfd){ .fd = request_fd, .events = POLLIN };
	return 1;
}

static struct injection_request request;
static struct injector *injector;

static void ready(void *opaque, struct pollfd *fds, unsigned count)
{
	uint64_t drained;
	char err[200];

	if (!fds[0].revents)
		return;
	assert_int_equal(read(request_fd, &drained, sizeof(drained)), sizeof(drained));
	if (!injector_add(injector, &request, err, sizeof(err)))
		fail_msg("%s", err);
}

static void run_with_request(bool registers)
{
	static const struct machine_client client = { .event = on_event,
						      .poll_fds = poll_fds,
						      .ready = ready };

	char err[200];

	request_fd = eventfd(registers ? 0 : 1, EFD_CLOEXEC);
	make();
	injector = injector_create(machine, err, sizeof(err));
	assert_non_null(injector);
	assert_true(machine_add_client(machine, &client));
	assert_runs_to(MACHINE_POWERED_OFF);
	injector_destroy(injector);
	close(request_fd);
}

static void a_system_reset_comes_to_the_registered_routine(void **state)
{
	unsigned where;

	emit_register();
	where = emit_wait();
	request = (struct injection_request){ .system_reset = true };
	run_with_request(true);
	assert_int_equal(seen(SEEN_WHERE), RESET);
	assert_int_equal(seen(SEEN_SRR0), where);
	assert_int_equal(nr_warnings, 0);
}

static void a_system_reset_comes_there_by_a_trampoline(void **state)
{
	unsigned where;

	emit_register();
	where = emit_wait();
	request = (struct injection_request){ .system_reset = true };
	fake.capabilities[KVM_CAP_PPC_FWNMI] = 0;
	run_with_request(true);
	assert_int_equal(seen(SEEN_WHERE), RESET);
	assert_int_equal(seen(SEEN_SRR0), where);
	assert_one_line("trampolines will bring them");
}

static void without_a_registration_a_system_reset_is_at_0x100(void **state)
{
	unsigned where = emit_wait();

	request = (struct injection_request){ .system_reset = true };
	run_with_request(false);
	assert_at_vector(VECTOR_SYSTEM_RESET, where);
}

static void a_system_reset_finds_a_vcpu_that_sleeps(void **state)
{
	emit_register();
	emit(INSN_LI(3u, 0xe0)); /* H_CEDE */
	emit(INSN_SC_1);
	emit(INSN_LOOP);
	request = (struct injection_request){ .system_reset = true };
	run_with_request(true);
	assert_int_equal(seen(SEEN_WHERE), RESET);
	assert_int_equal(seen(SEEN_SRR0), at - 4);
}

static const struct fwnmi_machine_check an_injection = {
	.error_type = FWNMI_MC_UE,
	.error_subtype = FWNMI_UE_LOAD_STORE,
	.severity = FWNMI_SEVERITY_ERROR_SYNC,
	.disposition = FWNMI_DISPOSITION_NOT_RECOVERED,
	.initiator = FWNMI_INITIATOR_MEMORY,
	.transient = true,
};

static void an_injected_machine_check_interrupts_a_running_guest(void **state)
{
	unsigned where;
	struct fwnmi_errlog log;

	for (unsigned by_trampoline = 0; by_trampoline < 2; by_trampoline++) {
		assert_int_equal(setup(NULL), 0);
		fake.capabilities[KVM_CAP_PPC_FWNMI] = !by_trampoline;
		emit_register();
		where = emit_wait();
		/* Let the routine end instead of returning to the loop. */
		at = HANDLER + 0x20;
		emit_rtas("ibm,nmi-interlock", 0);
		emit_jump(FINISH);
		request = (struct injection_request){ .mc = an_injection };
		run_with_request(true);
		log = assert_delivered(where);
		assert_int_equal(log.mc.error_type, FWNMI_MC_UE);
		assert_int_equal(log.disposition, FWNMI_DISPOSITION_NOT_RECOVERED);
		if (!by_trampoline)
			teardown(NULL);
	}
}

static void without_a_registration_an_injected_machine_check_is_at_0x200(void **state)
{
	unsigned where = emit_wait();

	request = (struct injection_request){ .mc = an_injection };
	run_with_request(false);
	assert_at_vector(VECTOR_MACHINE_CHECK, where);
	assert_int_equal(enabled(), 0);
}

/* ---- the rest of a partition's life ---- */

static void a_reboot_forgets_the_registration(void **state)
{
	unsigned where;

	emit(INSN_EVENT(2)); /* only the first time: over the jump */
	emit_jump(KERNEL + 0x100);
	emit_register();
	emit_rtas("system-reboot", 0);
	at = KERNEL + 0x100;
	where = emit_event(1);
	fake.events[1] = multihit;
	fake.events[2] = (struct fake_event){ .kind = FAKE_SKIP };
	run();
	assert_at_vector(VECTOR_MACHINE_CHECK, where);
	assert_int_equal(fake.nr_vms, 2);
	assert_true(fake.vms[0].fwnmi);
	assert_false(fake.vms[1].fwnmi);
}

static void a_guest_can_register_again_after_a_reboot(void **state)
{
	unsigned where;

	emit(INSN_EVENT(2));
	emit_jump(KERNEL + 0x100);
	emit_register();
	emit_rtas("system-reboot", 0);
	at = KERNEL + 0x100;
	emit_register();
	where = emit_event(1);
	emit_jump(FINISH);
	fake.events[1] = multihit;
	fake.events[2] = (struct fake_event){ .kind = FAKE_SKIP };
	run();
	assert_delivered(where);
	assert_true(fake.vms[1].fwnmi);
}

static void a_reboot_that_kvm_cannot_do_ends_the_machine_with_a_line(void **state)
{
	emit_rtas("system-reboot", 0);
	fake_rule(PPC_KVM_CREATE_VM, FAKE_ANY, -ENOMEM)->skip = 1;
	make();
	assert_runs_to(MACHINE_FAILED);
	assert_non_null(
		strstr(why, "KVM: cannot create a virtual machine: Cannot allocate memory"));
}

static void every_vcpu_has_machine_checks_of_its_own(void **state)
{
	unsigned where;

	config.nr_vcpus = 2;
	emit_register();
	emit_rtas("start-cpu", 3, 1u, SECONDARY, 0u);
	emit(INSN_LOOP);
	at = SECONDARY;
	where = emit_event(1);
	emit_jump(FINISH);
	fake.events[1] = multihit;
	run();
	assert_delivered(where);
	assert_int_equal(fake_vcpu(1)->interrupts, 0);
}

static void a_vcpu_that_sleeps_is_woken_by_its_decrementer(void **state)
{
	emit(INSN_EVENT(1));
	emit(INSN_LI(3u, 0xe0)); /* H_CEDE */
	emit(INSN_SC_1);
	emit_jump(FINISH);
	fake.events[1] =
		(struct fake_event){ .kind = FAKE_DECREMENTER, .value = TIMEBASE_HZ / 100 };
	run();
	assert_int_equal(seen(SEEN_AFTER), 1);
}

static void what_kvm_cannot_do_ends_the_machine_with_a_line(void **state)
{
	unsigned where = emit_event(1);
	char expected[100];

	fake.events[1] = (struct fake_event){ .kind = FAKE_EXIT,
					      .reason = KVM_EXIT_INTERNAL_ERROR,
					      .value = 2 };
	make();
	assert_runs_to(MACHINE_FAILED);
	snprintf(expected, sizeof(expected), "vCPU 0 at 0x%016x: KVM internal error 2", where);
	assert_string_equal(why, expected);
}

static void a_machine_that_kvm_refuses_says_why_and_leaves_nothing(void **state)
{
	static const struct {
		unsigned long request;
		uint64_t argument;
		const char *why;
	} refusals[] = {
		{ PPC_KVM_CREATE_VM, FAKE_ANY, "KVM: cannot create a virtual machine: " },
		{ PPC_KVM_SET_USER_MEMORY_REGION, FAKE_ANY,
		  "KVM: cannot give memory to the virtual machine: " },
		{ PPC_KVM_CREATE_VCPU, FAKE_ANY, "KVM: cannot create a vCPU: " },
		{ PPC_KVM_ENABLE_CAP, KVM_CAP_PPC_PAPR,
		  "KVM: cannot make a vCPU one of a PAPR partition: " },
	};
	char err[512];

	write_kernel();
	for (unsigned i = 0; i < ARRAY_SIZE(refusals); i++) {
		fake.nr_rules = 0;
		fake_rule(refusals[i].request, refusals[i].argument, -ENOMEM);
		assert_null(machine_create(&config, err, sizeof(err)));
		if (strncmp(err, refusals[i].why, strlen(refusals[i].why)))
			fail_msg("%s", err);
		assert_null(fake_leaks());
	}
	fake.nr_rules = 0;
	config.clock = CLOCK_INSN;
	assert_null(machine_create(&config, err, sizeof(err)));
	assert_string_equal(err, "KVM cannot count instructions");
}

static void memory_cannot_be_poisoned(void **state)
{
	char err[512];

	make();
	assert_false(machine_poison(machine, 0, 128, false, err, sizeof(err)));
	assert_string_equal(err, "KVM cannot see poisoned memory");
	assert_int_equal(machine_memory(machine)->nr_poisoned, 0);
}

/* ---- hash guests ---- */

/*
 * A kernel that first removes the process table, as Linux does with a hash table, and then
 * registers.
 */
static unsigned emit_hash_kernel(void)
{
	emit(INSN_LI(4u, 0));
	emit(INSN_LI(5u, 0));
	emit(INSN_LI(6u, 0));
	emit(INSN_LI(7u, 0));
	emit(INSN_LI(3u, 0x37c)); /* H_REGISTER_PROCESS_TABLE */
	emit(INSN_SC_1);
	emit(INSN_STD(3u, SEEN_CALL));
	return emit_register();
}

static const void *tree_property(const char *path, const char *name, int *length)
{
	size_t size;
	const void *tree = papr_fdt(machine_papr(machine), &size);

	return fdt_getprop(tree, fdt_path_offset(tree, path), name, length);
}

static void assert_hash_guest(void)
{
	const uint8_t *vec, *order;
	int length;

	assert_int_equal(seen(SEEN_CALL), H_SUCCESS);
	assert_int_equal(fake_vm()->nr_htabs, 1);
	assert_int_equal(1ull << fake_vm()->htab_order, RAM_SIZE / 128);
	/* The device tree says the same. */
	vec = tree_property("/chosen", "ibm,architecture-vec-5", &length);
	assert_non_null(vec);
	assert_int_equal(vec[24] & 0xc0, 0x00);
	assert_int_equal(vec[26] & 0x40, 0x00);
	order = tree_property("/cpus/PowerPC,POWER9@0", "ibm,pft-size", &length);
	assert_non_null(order);
	assert_int_equal(length, 8);
	assert_int_equal(get_be32(order + 4), fake_vm()->htab_order);
	assert_non_null(tree_property("/cpus/PowerPC,POWER9@0", "ibm,segment-page-sizes", &length));
	assert_null(tree_property("/cpus/PowerPC,POWER9@0", "ibm,processor-radix-AP-encodings",
				  &length));
}

static void a_host_without_radix_runs_hash_guests(void **state)
{
	unsigned registered = emit_hash_kernel(), where = emit_event(1);

	emit_jump(FINISH);
	fake.events[1] = multihit;
	fake.capabilities[KVM_CAP_PPC_MMU_RADIX] = 0;
	run();
	assert_int_equal(status(registered), RTAS_SUCCESS);
	assert_delivered(where);
	assert_hash_guest();
	assert_int_equal(fake_vm()->nr_configurations, 1);
	assert_int_equal(fake_vm()->mmu.flags, 0);
}

static void a_hash_guest_has_trampolines_where_they_are_needed(void **state)
{
	unsigned registered = emit_hash_kernel(), where = emit_event(1);

	emit_jump(FINISH);
	fake.events[1] = multihit;
	fake.capabilities[KVM_CAP_PPC_MMU_RADIX] = 0;
	fake.capabilities[KVM_CAP_PPC_MMU_HASH_V3] = 0;
	fake.capabilities[KVM_CAP_PPC_FWNMI] = 0;
	run();
	assert_int_equal(status(registered), RTAS_SUCCESS);
	assert_delivered(where);
	assert_hash_guest();
	assert_int_equal(fake_vm()->nr_configurations, 0);
}

static void a_hash_table_that_kvm_cannot_allocate_ends_the_machine_with_a_line(void **state)
{
	emit_hash_kernel();
	fake.capabilities[KVM_CAP_PPC_MMU_RADIX] = 0;
	fake_rule(PPC_KVM_ALLOCATE_HTAB, FAKE_ANY, -ENOMEM);
	make();
	assert_runs_to(MACHINE_FAILED);
	assert_non_null(
		strstr(why, "KVM: cannot translate by a hash table: Cannot allocate memory"));
}

static void a_host_with_both_runs_radix_guests(void **state)
{
	int length;

	emit_jump(FINISH);
	run();
	assert_int_equal(fake_vm()->nr_htabs, 0);
	assert_int_equal(fake_vm()->mmu.flags, PPC_KVM_MMUV3_RADIX | PPC_KVM_MMUV3_GTSE);
	assert_null(tree_property("/cpus/PowerPC,POWER9@0", "ibm,pft-size", &length));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(with_the_capability_a_registered_guest_gets_machine_checks_directly),
		T(the_capability_is_enabled_when_the_guest_registers_and_not_before),
		T(without_it_trampolines_are_chosen_by_themselves_in_one_line),
		T(a_source_of_trampolines_may_be_named_where_none_are_needed),
		T(a_bad_source_of_trampolines_is_refused_even_where_none_are_needed),
		T(with_it_a_guest_that_never_registers_is_left_to_kvm),
		T(without_it_a_guest_that_never_registers_is_left_to_kvm),
		T(kvm_refusing_at_the_registration_leads_to_trampolines),
		T(kvm_refusing_it_for_one_vcpu_of_two_leads_to_trampolines),
		T(a_guest_that_registers_where_nothing_is_possible_gets_minus_1_and_lives),
		T(the_same_where_kvm_refuses_only_at_the_registration),
		T(the_same_where_the_user_does_without_the_exit),
		T(trampolines_that_are_asked_for_leave_the_capability_alone),
		T(what_the_host_has_recovered_is_recovered_in_the_log),
		T(what_it_has_not_recovered_is_not_recovered_in_the_log),
		T(an_access_to_no_memory_comes_with_its_address),
		T(a_guest_cannot_pretend_to_be_a_trampoline),
		T(a_second_machine_check_before_the_interlock_ends_the_partition),
		T(a_system_reset_comes_to_the_registered_routine),
		T(a_system_reset_comes_there_by_a_trampoline),
		T(without_a_registration_a_system_reset_is_at_0x100),
		T(a_system_reset_finds_a_vcpu_that_sleeps),
		T(an_injected_machine_check_interrupts_a_running_guest),
		T(without_a_registration_an_injected_machine_check_is_at_0x200),
		T(a_reboot_forgets_the_registration),
		T(a_guest_can_register_again_after_a_reboot),
		T(a_reboot_that_kvm_cannot_do_ends_the_machine_with_a_line),
		T(every_vcpu_has_machine_checks_of_its_own),
		T(a_vcpu_that_sleeps_is_woken_by_its_decrementer),
		T(what_kvm_cannot_do_ends_the_machine_with_a_line),
		T(a_machine_that_kvm_refuses_says_why_and_leaves_nothing),
		T(memory_cannot_be_poisoned),
		T(a_host_without_radix_runs_hash_guests),
		T(a_hash_guest_has_trampolines_where_they_are_needed),
		T(a_hash_table_that_kvm_cannot_allocate_ends_the_machine_with_a_line),
		T(a_host_with_both_runs_radix_guests),
	};
	int fd = mkstemp(kernel_path), failed;

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(kernel_path);
	return failed;
}
