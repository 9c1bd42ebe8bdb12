/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The KVM engine, through engine.h, on a fake of the system calls: every exit, every call failing
 * in turn, kernels without some features, and races between a vCPU's thread and those who stop it.
 */
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "fake_sys.h"
#include "unit.h"

#define RAM_SIZE (1u << 20)
#define ENTRY	 0x1000ull
#define PATIENCE 300 /* time limit in seconds, far above what anything takes */

#define CAUSE_MASK 0x783f0000ull

static const struct engine_ops *const ops = &engine_kvm;
static _Alignas(0x10000) uint8_t ram[RAM_SIZE];
static struct guest_memory memory;
static struct guest_clock guest_clock;
static struct engine_config config;
static struct engine *engine;
static char err[200];
static sem_t exited;
static struct engine_exit last; /* set by run_to_exit() */
static struct engine_regs regs;

static void on_exited(void *opaque)
{
	assert_ptr_equal(opaque, &exited);
	sem_post(&exited);
}

static int setup(void **state)
{
	fake_start();
	memset(ram, 0, sizeof(ram));
	memory = (struct guest_memory){ .base = ram, .size = RAM_SIZE };
	guest_clock = (struct guest_clock){ .mode = CLOCK_HOST };
	config = (struct engine_config){ .memory = &memory,
					 .clock = &guest_clock,
					 .nr_vcpus = 1,
					 .exited = on_exited,
					 .opaque = &exited };
	engine = NULL;
	err[0] = '\0';
	sem_init(&exited, 0, 0);
	alarm(2 * PATIENCE);
	return 0;
}

static int teardown(void **state)
{
	ops->destroy(engine);
	sem_destroy(&exited);
	alarm(0);
	if (fake_leaks())
		fail_msg("%s", fake_leaks());
	return 0;
}

/* Checks that this is one readable sentence. */
static void assert_line(const char *line)
{
	size_t len = strlen(line);

	assert_in_range(len, 10, 159);
	assert_null(strchr(line, '\n'));
	assert_int_not_equal(line[len - 1], '.');
	assert_true(!strncmp(line, "KVM", 3) || !strncmp(line, "unexpected KVM", 14) ||
		    !strncmp(line, "this host", 9) || !strncmp(line, "cannot open /dev/kvm", 20));
}

static void assert_says(const char *line, const char *what)
{
	assert_line(line);
	if (!strstr(line, what))
		fail_msg("\"%s\" does not say \"%s\"", line, what);
}

static void make(unsigned nr_vcpus)
{
	config.nr_vcpus = nr_vcpus;
	engine = kvm_create(&fake_sys, &config, err, sizeof(err));
	if (!engine)
		fail_msg("%s", err);
}

static void code(uint64_t at, uint32_t insn)
{
	put_be32(ram + at, insn);
}

/* Prepares a vCPU to execute at ENTRY, with a different value in every register. */
static void set_entry(unsigned vcpu)
{
	memset(&regs, 0, sizeof(regs));
	for (unsigned i = 0; i < 32; i++)
		regs.gpr[i] = 0x1111000000000000ull + i;
	regs.nip = ENTRY;
	regs.msr = MSR_SF | MSR_ME;
	regs.lr = 0x2222;
	regs.ctr = 0x3333;
	regs.cr = 0x44444444;
	regs.xer = 0x5555;
	regs.srr0 = 0x6664;
	regs.srr1 = 0x7777;
	regs.dar = 0x8888;
	regs.dsisr = 0x99990000;
	for (unsigned i = 0; i < 4; i++)
		regs.sprg[i] = 0xaaaa0000 + i;
	ops->set_regs(engine, vcpu, &regs);
}

static bool wait_for_exit(void)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE;
	return sem_timedwait(&exited, &end) == 0;
}

static enum engine_exit_reason run_to_exit(unsigned vcpu)
{
	for (;;) {
		memset(&last, 0xee, sizeof(last));
		ops->run(engine, vcpu, 1000, &last);
		if (last.reason != ENGINE_EXIT_RUNNING)
			return last.reason;
		assert_true(wait_for_exit());
	}
}

/* Runs until it executes instructions. False: it returned with an exit, which is in `last`. */
static bool start(unsigned vcpu)
{
	for (unsigned i = 0; i < 100000; i++) {
		bool running;

		ops->run(engine, vcpu, 1000, &last);
		if (last.reason != ENGINE_EXIT_RUNNING)
			return false;
		fake_lock();
		running = fake_vcpu(vcpu)->in_run;
		fake_unlock();
		if (running)
			return true;
		usleep(50);
	}
	fail_msg("vCPU %u does not run", vcpu);
	return false;
}

/* A guest of one event and a loop. */
static void make_guest(const struct fake_event *event)
{
	fake.events[1] = *event;
	code(ENTRY, INSN_EVENT(1));
	code(ENTRY + 4, INSN_LOOP);
	if (!engine)
		make(1);
	set_entry(0);
}

static void assert_failed(const char *why)
{
	assert_int_equal(last.reason, ENGINE_EXIT_FAILED);
	assert_says(last.message, why);
}

/* ---- is KVM usable ---- */

static void a_complete_kvm_is_available(void **state)
{
	assert_true(kvm_available(&fake_sys, err, sizeof(err)));
	assert_string_equal(err, "");
	assert_int_equal(fake.nr_vms, 1);
}

static void assert_unavailable(const char *why)
{
	assert_false(kvm_available(&fake_sys, err, sizeof(err)));
	assert_says(err, why);
	assert_null(fake_leaks());
	err[0] = '\0';
	assert_null(kvm_create(&fake_sys, &config, err, sizeof(err)));
	assert_says(err, why);
	assert_null(fake_leaks());
}

static void each_capability_that_is_missing_has_its_own_line(void **state)
{
	static const struct {
		unsigned capability;
		const char *line;
	} needed[] = {
		{ KVM_CAP_PPC_PAPR, "KVM lacks KVM_CAP_PPC_PAPR" },
		{ KVM_CAP_ONE_REG, "KVM lacks KVM_CAP_ONE_REG" },
		{ KVM_CAP_IMMEDIATE_EXIT, "KVM lacks KVM_CAP_IMMEDIATE_EXIT" },
		{ KVM_CAP_PPC_IRQ_LEVEL, "KVM lacks KVM_CAP_PPC_IRQ_LEVEL" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(needed); i++) {
		fake.capabilities[needed[i].capability] = 0;
		assert_unavailable(needed[i].line);
		fake.capabilities[needed[i].capability] = 1;
		assert_true(kvm_available(&fake_sys, err, sizeof(err)));
	}
}

static void a_capability_that_cannot_be_asked_for_is_missing(void **state)
{
	fake_rule(PPC_KVM_CHECK_EXTENSION, KVM_CAP_PPC_PAPR, -EIO);
	assert_unavailable("KVM lacks KVM_CAP_PPC_PAPR");
}

static void radix_or_hash_guests_are_enough_but_one_of_them_it_must_be(void **state)
{
	fake.capabilities[KVM_CAP_PPC_MMU_RADIX] = 0;
	assert_true(kvm_available(&fake_sys, err, sizeof(err)));
	fake.capabilities[KVM_CAP_PPC_ALLOC_HTAB] = 0;
	assert_unavailable("KVM has neither radix nor hash guests");
	fake.capabilities[KVM_CAP_PPC_MMU_RADIX] = 1;
	assert_true(kvm_available(&fake_sys, err, sizeof(err)));
}

static void a_dev_kvm_that_cannot_be_opened_says_why(void **state)
{
	fake.open_error = ENOENT;
	assert_unavailable("cannot open /dev/kvm: No such file or directory");
	fake.open_error = EACCES;
	assert_unavailable("cannot open /dev/kvm: Permission denied");
	fake.open_error = ENOTSUP;
	assert_unavailable("KVM runs POWER guests on POWER hosts only");
}

static void another_version_of_the_interface_is_refused(void **state)
{
	fake.api_version = 11;
	assert_unavailable("version 11, not 12");
	fake.api_version = -EINVAL;
	assert_unavailable("KVM: cannot ask /dev/kvm for its version: Invalid argument");
}

static void a_kernel_without_kvm_hv_is_told_from_other_failures(void **state)
{
	struct fake_rule *rule = fake_rule(PPC_KVM_CREATE_VM, FAKE_ANY, -EINVAL);

	assert_unavailable("KVM has no kvm-hv (is the module kvm-hv loaded?)");
	rule->result = -ENOMEM;
	assert_unavailable("KVM: cannot create a virtual machine: Cannot allocate memory");
}

static void this_hosts_own_kvm_says_in_one_line_what_it_lacks(void **state)
{
	err[0] = '\0';
	if (engine_kvm.available(err, sizeof(err))) {
		assert_string_equal(err, "");
		return;
	}
	assert_line(err);
	err[0] = '\0';
	assert_null(engine_kvm.create(&config, err, sizeof(err)));
	assert_line(err);
}

static void the_calls_of_linux_answer_with_error_numbers(void **state)
{
	const struct kvm_sys *sys = &kvm_sys_linux;
	uint64_t before = sys->timebase();
	uint32_t hz = sys->timebase_hz();
	int ends[2], waiting = 0;
	void *page;
	FILE *f;

	assert_int_equal(sys->ioctl(-1, PPC_KVM_RUN, 0), -EBADF);
	errno = 0;
	assert_null(sys->map(-1, 4096));
	assert_int_equal(errno, EBADF);
	usleep(1000);
	assert_true(sys->timebase() - before > 0 && sys->timebase() - before < 1ull << 40);
	assert_true(hz == 0 || hz == TIMEBASE_HZ);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "ab", 2), 2);
	assert_int_equal(sys->ioctl(ends[0], FIONREAD, (uintptr_t)&waiting), 0);
	assert_int_equal(waiting, 2);
	sys->close(ends[0]);
	assert_int_equal(close(ends[0]), -1);
	close(ends[1]);
	/* A file of one page is enough for a vCPU's state. */
	f = tmpfile();
	assert_non_null(f);
	assert_int_equal(ftruncate(fileno(f), 4096), 0);
	page = sys->map(fileno(f), 4096);
	assert_non_null(page);
	memset(page, 1, 4096);
	sys->unmap(page, 4096);
	fclose(f);
}

/* ---- creation ---- */

static void assert_not_made(const char *why)
{
	assert_null(kvm_create(&fake_sys, &config, err, sizeof(err)));
	assert_says(err, why);
	assert_null(fake_leaks());
}

static void a_time_base_of_another_frequency_is_refused(void **state)
{
	fake.timebase_hz = 500000000;
	assert_not_made("this host's time base has 500000000 Hz, partitions have 512000000");
	/* A host without this information is assumed to follow the architecture. */
	fake.timebase_hz = 0;
	make(1);
}

static void a_clock_that_counts_instructions_is_refused(void **state)
{
	guest_clock.mode = CLOCK_INSN;
	assert_not_made("KVM cannot count instructions");
	assert_int_equal(fake.nr_calls, 0);
}

static void want_of_memory_or_threads_is_said(void **state)
{
	fake.fail_callocs = 1;
	assert_not_made("KVM: cannot allocate an engine: Cannot allocate memory");
	fake.mmap_size = -EINVAL;
	assert_not_made("KVM: cannot allocate an engine: Invalid argument");
	fake.mmap_size = (int)sizeof(struct kvm_run);
	fake.fail_threads = 1;
	assert_not_made("KVM: cannot start a vCPU's thread: Resource temporarily unavailable");
	fake.map_error = ENOMEM;
	assert_not_made("KVM: cannot map a vCPU's state: Cannot allocate memory");
}

static void a_vcpu_that_cannot_be_made_takes_the_others_with_it(void **state)
{
	struct fake_rule *rule = fake_rule(PPC_KVM_CREATE_VCPU, 2, -EEXIST);

	config.nr_vcpus = 3;
	assert_not_made("KVM: cannot create a vCPU: File exists");
	rule->request = 0;
	fake_rule(PPC_KVM_SET_ONE_REG, PPC_KVM_REG_ARCH_COMPAT, -EINVAL)->skip = 1;
	assert_not_made("KVM: cannot make a vCPU one of ISA 3.0: Invalid argument");
}

static struct engine_description description(void)
{
	struct engine_description d;

	ops->describe(engine, &d);
	return d;
}

static void vcpus_are_of_a_papr_partition_of_isa_3_0(void **state)
{
	make(3);
	assert_int_equal(fake.nr_vms, 1);
	assert_ptr_equal(fake_vm()->memory, ram);
	assert_int_equal(fake_vm()->memory_size, RAM_SIZE);
	assert_int_equal(fake_vm()->nr_vcpus, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct fake_vcpu *v = fake_vcpu(i);

		assert_true(v->papr);
		assert_int_equal(v->arch_compat, 0x0f000005);
		assert_int_equal(v->tb_offset, fake_vcpu(0)->tb_offset);
	}
	assert_int_equal(description().pvr, FAKE_PVR);
	assert_int_equal(ops->insns(engine, 0), 0);
	ops->flush_tlb(engine, true);
}

static void a_vcpu_starts_in_its_reset_state(void **state)
{
	make(1);
	code(0, INSN_MFSPRG(4u, 2u));
	code(4, INSN_SC_1);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	assert_int_equal(fake_vcpu(0)->regs.pc, 8);
	assert_int_equal(fake_vcpu(0)->regs.msr, MSR_SF | MSR_ME);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(fake_vcpu(0)->regs.gpr[i], 0);
}

static void an_instruction_address_is_a_multiple_of_4(void **state)
{
	make(1);
	code(ENTRY, INSN_SC_1);
	set_entry(0);
	regs.nip = ENTRY | 3;
	ops->set_regs(engine, 0, &regs);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	assert_int_equal(fake_vcpu(0)->regs.pc, ENTRY + 4);
}

static void the_guests_time_begins_near_zero_on_every_clock(void **state)
{
	uint64_t tb, expiry;

	make(1);
	tb = fake_sys.timebase() + fake_vcpu(0)->tb_offset;
	assert_true(tb < TIMEBASE_HZ);
	/* KVM rounds to this granularity, so nothing is lost. */
	assert_int_equal(fake_vcpu(0)->tb_offset & 0xffffff, 0);
	assert_true(clock_timebase(&guest_clock, 0) - tb < TIMEBASE_HZ);
	expiry = ops->deadline(engine, 0);
	assert_true(expiry > tb && expiry - tb <= 0x7fffffff);
	assert_int_equal(fake_vcpu(0)->dec_expiry, expiry);
}

static unsigned capabilities(void)
{
	unsigned caps;

	make(1);
	caps = description().capabilities;
	ops->destroy(engine);
	engine = NULL;
	return caps;
}

static void capabilities_are_those_of_this_kvm(void **state)
{
	const unsigned all = ENGINE_CAP_THREADS | ENGINE_CAP_MC_EXIT | ENGINE_CAP_AIL |
			     ENGINE_CAP_FLUSH_TLB | ENGINE_CAP_RADIX;
	const unsigned shown = all | ENGINE_CAP_INSN_CLOCK | ENGINE_CAP_SINGLE_BLOCK;
	struct fake_rule *rule;

	assert_int_equal(capabilities() & shown, all);
	assert_true(fake_vm()->rpt_invalidate);
	config.no_mc_exit = true;
	assert_int_equal(capabilities() & shown, all & ~ENGINE_CAP_MC_EXIT);
	config.no_mc_exit = false;
	fake.capabilities[KVM_CAP_PPC_FWNMI] = 0;
	assert_int_equal(capabilities() & shown, all & ~ENGINE_CAP_MC_EXIT);
	fake.capabilities[KVM_CAP_PPC_AIL_MODE_3] = 0;
	assert_int_equal(capabilities() & shown,
			 ENGINE_CAP_THREADS | ENGINE_CAP_FLUSH_TLB | ENGINE_CAP_RADIX);
	rule = fake_rule(PPC_KVM_ENABLE_CAP, KVM_CAP_PPC_ENABLE_HCALL, -EINVAL);
	assert_int_equal(capabilities() & shown, ENGINE_CAP_THREADS | ENGINE_CAP_RADIX);
	rule->request = 0;
	fake.capabilities[KVM_CAP_PPC_RPT_INVALIDATE] = 0;
	assert_int_equal(capabilities() & shown, ENGINE_CAP_THREADS | ENGINE_CAP_RADIX);
	assert_false(fake_vm()->rpt_invalidate);
	fake.capabilities[KVM_CAP_PPC_MMU_RADIX] = 0;
	assert_int_equal(capabilities() & shown, ENGINE_CAP_THREADS);
}

/* ---- exits ---- */

static void a_hypervisor_call_comes_with_its_registers_and_takes_results_back(void **state)
{
	struct engine_regs seen;

	make(1);
	code(ENTRY, INSN_SC_1);
	code(ENTRY + 4, INSN_SC_1);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	ops->get_regs(engine, 0, &seen);
	regs.srr0 = regs.nip += 4;
	regs.srr1 = regs.msr;
	assert_memory_equal(&seen, &regs, sizeof(regs));
	for (unsigned i = 3; i <= 12; i++)
		seen.gpr[i] = 0x7700 + i;
	seen.sprg[3] = 0x77;
	seen.dar = 0x78;
	seen.dsisr = 0x79;
	ops->set_regs(engine, 0, &seen);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	seen.srr0 = seen.nip += 4;
	ops->get_regs(engine, 0, &regs);
	assert_memory_equal(&seen, &regs, sizeof(regs));
	assert_int_equal(fake_vcpu(0)->dar, 0x78);
	assert_int_equal(fake_vcpu(0)->dsisr, 0x79);
}

static void registers_that_nobody_looks_at_stay_as_they_are(void **state)
{
	struct engine_regs seen;

	make(1);
	code(ENTRY, INSN_SC_1);
	code(ENTRY + 4, INSN_SC_1);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	ops->get_regs(engine, 0, &seen);
	regs.srr0 = regs.nip += 8;
	regs.srr1 = regs.msr;
	assert_memory_equal(&seen, &regs, sizeof(regs));
	/* Registers are fetched once, and written only if they were changed. */
	assert_int_equal(fake_count(PPC_KVM_SET_REGS, FAKE_ANY), 1);
	ops->get_regs(engine, 0, &seen);
	assert_int_equal(fake_count(PPC_KVM_GET_REGS, FAKE_ANY), 1);
}

static void a_call_that_nobody_looks_at_keeps_what_the_guest_has_in_its_registers(void **state)
{
	struct engine_regs seen;

	make(1);
	code(ENTRY, INSN_SC_1);
	code(ENTRY + 4, INSN_LI(3u, 0x77));
	code(ENTRY + 8, INSN_SC_1);
	code(ENTRY + 12, INSN_SC_1);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	ops->get_regs(engine, 0, &seen);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	ops->get_regs(engine, 0, &seen);
	assert_int_equal(seen.gpr[3], 0x77);
	assert_int_equal(seen.gpr[4], regs.gpr[4]);
	assert_int_equal(seen.nip, ENTRY + 16);
}

static void registers_that_kvm_does_not_tell_are_zero_and_end_the_vcpu(void **state)
{
	static const struct {
		unsigned long request;
		uint64_t argument;
	} reads[] = {
		{ PPC_KVM_GET_REGS, FAKE_ANY },
		{ PPC_KVM_GET_ONE_REG, PPC_KVM_REG_DAR },
		{ PPC_KVM_GET_ONE_REG, PPC_KVM_REG_DSISR },
	};
	const struct engine_regs zero = { 0 };
	struct engine_regs seen;

	make(1);
	code(ENTRY, INSN_SC_1);
	for (unsigned i = 0; i < ARRAY_SIZE(reads); i++) {
		set_entry(0);
		assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
		fake_rule(reads[i].request, reads[i].argument, -EIO);
		ops->get_regs(engine, 0, &seen);
		assert_memory_equal(&seen, &zero, sizeof(zero));
		run_to_exit(0);
		assert_failed("KVM: cannot read a vCPU's registers: Input/output error");
		fake.nr_rules = 0;
		ops->reset(engine);
	}
}

/* Runs until there is an exit, but does not fetch it. */
static void run_unfetched(unsigned vcpu)
{
	ops->run(engine, vcpu, 1000, &last);
	assert_int_equal(last.reason, ENGINE_EXIT_RUNNING);
	assert_true(wait_for_exit());
}

static void a_call_that_was_not_fetched_has_not_happened_for_who_looks_at_the_vcpu(void **state)
{
	struct engine_regs seen;

	make(1);
	code(ENTRY, INSN_SC_1);
	set_entry(0);
	run_unfetched(0);
	ops->get_regs(engine, 0, &seen);
	regs.srr0 = seen.srr0; /* lost, as the caller of a hypervisor call must expect */
	regs.srr1 = seen.srr1;
	assert_memory_equal(&seen, &regs, sizeof(regs));
	/* The exit comes again, with the registers written meanwhile. */
	seen.gpr[3] = 0x1234;
	ops->set_regs(engine, 0, &seen);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	ops->get_regs(engine, 0, &seen);
	assert_int_equal(seen.gpr[3], 0x1234);
	assert_int_equal(seen.gpr[4], regs.gpr[4]);
	assert_int_equal(seen.nip, ENTRY + 4);
}

static void stop_keeps_an_exit_that_was_not_fetched(void **state)
{
	make(1);
	code(ENTRY, INSN_SC_1);
	set_entry(0);
	run_unfetched(0);
	ops->stop(engine);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	assert_int_equal(fake_vcpu(0)->runs, 1);
}

static void machine_checks_come_with_their_cause_and_what_became_of_them(void **state)
{
	struct fake_event mc = { .kind = FAKE_MACHINE_CHECK,
				 .times = 1,
				 .srr1 = 0x00200000 | 0x40000000,
				 .dsisr = 0x00000800,
				 .dar = 0xc000000012345678,
				 .flags = 0 };
	struct engine_regs seen;

	for (unsigned flags = 0; flags < 3; flags++) {
		mc.flags = flags;
		make_guest(&mc);
		assert_true(ops->want_machine_checks(engine));
		assert_int_equal(run_to_exit(0), ENGINE_EXIT_MACHINE_CHECK);
		assert_int_equal(last.machine_check.srr1, mc.srr1);
		assert_int_equal(last.machine_check.dsisr, mc.dsisr);
		assert_int_equal(last.machine_check.dar, mc.dar);
		assert_true(last.machine_check.dar_valid);
		assert_false(last.machine_check.address_valid);
		assert_int_equal(last.machine_check.recovered, flags == FAKE_FULLY_RECOVERED);
		/* The cause is not part of the interrupted MSR. */
		ops->get_regs(engine, 0, &seen);
		assert_int_equal(seen.nip, ENTRY);
		assert_int_equal(seen.msr, MSR_SF | MSR_ME);
		assert_true(start(0));
		ops->stop(engine);
		assert_int_equal(fake_vcpu(0)->regs.msr & CAUSE_MASK, 0);
	}
}

static void a_machine_check_that_was_not_fetched_is_kept(void **state)
{
	const struct fake_event mc = { .kind = FAKE_MACHINE_CHECK, .srr1 = 0x00200000 };
	struct engine_regs seen;

	make_guest(&mc);
	assert_true(ops->want_machine_checks(engine));
	run_unfetched(0);
	ops->get_regs(engine, 0, &seen);
	assert_int_equal(seen.nip, ENTRY);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_MACHINE_CHECK);
}

/* The access has not happened: registers and NIP are those of the instruction. */
static void assert_unbacked(uint64_t address)
{
	struct engine_regs seen;

	assert_int_equal(run_to_exit(0), ENGINE_EXIT_MACHINE_CHECK);
	assert_int_equal(last.machine_check.srr1, 0x00200000);
	assert_int_equal(last.machine_check.dsisr, 0x40); /* bad real address */
	assert_true(last.machine_check.address_valid);
	assert_int_equal(last.machine_check.address, address);
	assert_false(last.machine_check.recovered);
	ops->get_regs(engine, 0, &seen);
	assert_memory_equal(&seen, &regs, sizeof(regs));
	/* Nothing is left to complete, and stopping works as usual. */
	assert_int_equal(fake_vcpu(0)->mmio_left, 0);
	assert_int_equal(fake_vcpu(0)->run->immediate_exit, 0);
	assert_true(start(0));
}

static void an_access_to_no_memory_is_a_machine_check_on_its_instruction(void **state)
{
	struct fake_event access = {
		.kind = FAKE_MMIO, .address = 0x40000000, .length = 8, .rt = 5
	};

	make_guest(&access);
	assert_unbacked(0x40000000);

	/* A store; and with translation, when the effective address is not known. */
	access.write = true;
	access.length = 4;
	make_guest(&access);
	assert_unbacked(0x40000000);
	make_guest(&access);
	regs.msr |= MSR_DR | MSR_IR;
	ops->set_regs(engine, 0, &regs);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_MACHINE_CHECK);
	assert_false(last.machine_check.dar_valid);
	make_guest(&access);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_MACHINE_CHECK);
	assert_true(last.machine_check.dar_valid);
	assert_int_equal(last.machine_check.dar, 0x40000000);
}

static void a_vector_load_of_several_pieces_is_one_machine_check(void **state)
{
	const struct fake_event access = {
		.kind = FAKE_MMIO, .address = 0x40000000, .length = 8, .pieces = 4, .rt = 7
	};

	make_guest(&access);
	assert_unbacked(0x40000000);
	assert_int_equal(fake_vcpu(0)->runs, 2); /* the access, and what followed it */
}

static void an_access_that_was_not_fetched_happens_again(void **state)
{
	const struct fake_event access = {
		.kind = FAKE_MMIO, .times = 2, .address = 0x40000000, .length = 8, .rt = 5
	};

	make_guest(&access);
	run_unfetched(0);
	ops->set_regs(engine, 0, &regs);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_MACHINE_CHECK);
	assert_int_equal(fake_vcpu(0)->runs, 2);
}

static void a_kvm_that_does_not_finish_an_access_is_given_up(void **state)
{
	const struct fake_event access = { .kind = FAKE_MMIO, .address = 0x40000000, .length = 8 };
	/* Results of the KVM_RUN that should complete it: an error, or another kind of exit. */
	static const int answers[] = { -EFAULT, -EAGAIN, 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(answers); i++) {
		make_guest(&access);
		fake.nr_rules = 0;
		fake_rule(PPC_KVM_RUN, FAKE_ANY, answers[i])->skip = 1;
		fake.rules[0].exit_reason = KVM_EXIT_UNKNOWN;
		run_to_exit(0);
		assert_failed("KVM does not finish an access to 0x40000000, where there is no "
			      "memory");
		fake.nr_rules = 0;
		ops->reset(engine);
	}
}

static void the_end_of_the_trap_code_is_a_trap(void **state)
{
	const uint32_t *trap;
	struct engine_regs seen;

	make(1);
	trap = description().trap_code;
	assert_int_equal(description().trap_code_length, 2);
	for (unsigned number = 0x100; number < 0x10000; number = number * 3 + 1) {
		code(ENTRY, trap[0]);
		code(ENTRY + 4, trap[1]);
		set_entry(0);
		regs.gpr[3] = number;
		ops->set_regs(engine, 0, &regs);
		assert_int_equal(run_to_exit(0), ENGINE_EXIT_TRAP);
		assert_int_equal(last.trap, number);
		ops->get_regs(engine, 0, &seen);
		regs.gpr[3] = (uint64_t)number << 32;
		regs.nip = ENTRY + 4;
		assert_memory_equal(&seen, &regs, sizeof(regs));
		/* Without a trap, it is an ordinary access. */
		assert_int_equal(last.machine_check.srr1, 0x00200000);
		assert_int_equal(last.machine_check.address, (uint64_t)number << 32);
		assert_true(last.machine_check.address_valid);
	}
}

static void what_only_looks_like_a_trap_is_a_machine_check(void **state)
{
	const struct fake_event like[] = {
		{ .kind = FAKE_MMIO, .address = 0xf01000000000, .length = 4 },
		{ .kind = FAKE_MMIO, .address = 0xf01000000000, .length = 8, .write = true },
		{ .kind = FAKE_MMIO, .address = 0xf01000000004, .length = 4, .write = true },
		{ .kind = FAKE_MMIO, .address = 0x0ff00000000, .length = 4, .write = true },
		{ .kind = FAKE_MMIO, .address = 0x1000000000000, .length = 4, .write = true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(like); i++) {
		make_guest(&like[i]);
		assert_unbacked(like[i].address);
		ops->stop(engine);
	}
}

static void signals_and_spurious_exits_do_not_end_a_run(void **state)
{
	const struct fake_event nothing[] = {
		{ .kind = FAKE_ERROR, .times = 3, .error = EINTR },
		{ .kind = FAKE_ERROR, .times = 3, .error = EAGAIN },
		{ .kind = FAKE_EXIT, .times = 3, .reason = KVM_EXIT_INTR },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(nothing); i++) {
		make_guest(&nothing[i]);
		code(ENTRY + 4, INSN_SC_1);
		fake_vcpu(0)->runs = 0;
		assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
		assert_int_equal(fake_vcpu(0)->runs, 4);
		ops->reset(engine);
	}
}

static void other_exits_end_it_with_a_line_each(void **state)
{
	static const struct {
		struct fake_event event;
		const char *line;
	} bad[] = {
		{ { .kind = FAKE_EXIT, .reason = KVM_EXIT_FAIL_ENTRY, .value = 0xdead },
		  "KVM cannot enter the guest: hardware reason 0xdead" },
		{ { .kind = FAKE_EXIT, .reason = KVM_EXIT_INTERNAL_ERROR, .value = 3 },
		  "KVM internal error 3" },
		{ { .kind = FAKE_EXIT, .reason = KVM_EXIT_UNKNOWN, .value = 0xe20 },
		  "KVM left the guest for an unknown interrupt: 0xe20" },
		{ { .kind = FAKE_EXIT, .reason = KVM_EXIT_SHUTDOWN }, "unexpected KVM exit 8" },
		{ { .kind = FAKE_EXIT, .reason = KVM_EXIT_DEBUG }, "unexpected KVM exit 4" },
		{ { .kind = FAKE_EXIT, .reason = KVM_EXIT_EPR }, "unexpected KVM exit 23" },
		{ { .kind = FAKE_EXIT, .reason = 0xffff }, "unexpected KVM exit 65535" },
		{ { .kind = FAKE_ERROR, .error = ENXIO }, "KVM_RUN: No such device or address" },
		{ { .kind = FAKE_ERROR, .error = ENOMEM }, "KVM_RUN: Cannot allocate memory" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		make_guest(&bad[i].event);
		run_to_exit(0);
		assert_failed(bad[i].line);
		ops->reset(engine);
	}
}

static void a_failure_that_was_not_fetched_is_not_forgotten(void **state)
{
	make_guest(&(struct fake_event){ .kind = FAKE_EXIT, .reason = KVM_EXIT_SHUTDOWN });
	run_unfetched(0);
	ops->set_regs(engine, 0, &regs);
	ops->stop(engine);
	run_to_exit(0);
	assert_failed("unexpected KVM exit 8");
	/* Nor after an exit of the kind that repeats. */
	ops->reset(engine);
	make_guest(&(struct fake_event){ .kind = FAKE_ERROR, .error = EFAULT });
	code(ENTRY, INSN_SC_1);
	code(ENTRY + 4, INSN_EVENT(1));
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	run_unfetched(0);
	ops->set_regs(engine, 0, &regs);
	run_to_exit(0);
	assert_failed("KVM_RUN: Bad address");
}

/* ---- running, stopping, kicking ---- */

static void run_only_lets_a_vcpu_go(void **state)
{
	struct engine_regs seen;
	unsigned calls;

	make(2);
	code(ENTRY, INSN_LOOP);
	set_entry(0);
	assert_true(start(0));
	/* A second time changes nothing. */
	fake_lock();
	calls = fake.nr_calls;
	fake_unlock();
	ops->run(engine, 0, 1000, &last);
	assert_int_equal(last.reason, ENGINE_EXIT_RUNNING);
	fake_lock();
	assert_int_equal(fake.nr_calls, calls);
	assert_true(fake_vcpu(0)->in_run);
	assert_false(fake_vcpu(1)->in_run);
	fake_unlock();
	ops->stop(engine);
	assert_false(fake_vcpu(0)->in_run);
	ops->get_regs(engine, 0, &seen);
	assert_memory_equal(&seen, &regs, sizeof(regs));
	assert_true(start(0));
}

static void looking_at_registers_stops_a_vcpu(void **state)
{
	struct engine_regs seen;

	make(2);
	code(ENTRY, INSN_LOOP);
	set_entry(0);
	assert_true(start(0));
	set_entry(1);
	assert_true(start(1));
	ops->get_regs(engine, 0, &seen);
	assert_int_equal(seen.nip, ENTRY);
	assert_false(fake_vcpu(0)->in_run);
	assert_true(start(0));
	/* Only that one. */
	fake_lock();
	assert_int_equal(fake_vcpu(1)->runs, 1);
	fake_unlock();
}

static void a_vcpu_stops_wherever_its_thread_is(void **state)
{
	make(2);
	code(ENTRY, INSN_LOOP);
	set_entry(0);
	set_entry(1);
	for (unsigned i = 0; i < 2000; i++) {
		ops->run(engine, 0, 1000, &last);
		assert_int_equal(last.reason, ENGINE_EXIT_RUNNING);
		if (i % 2) {
			ops->run(engine, 1, 1000, &last);
			assert_int_equal(last.reason, ENGINE_EXIT_RUNNING);
		}
		/* Sometimes before it has started, sometimes in the middle. */
		for (volatile unsigned spin = 0; spin < i * 37 % 5000; spin++)
			;
		ops->stop(engine);
		assert_false(fake_vcpu(0)->in_run || fake_vcpu(1)->in_run);
		assert_int_equal(fake_vcpu(0)->run->immediate_exit, 0);
	}
}

static void a_vcpu_stops_or_comes_out_but_its_exit_is_never_lost(void **state)
{
	const uint32_t *trap;

	make(1);
	trap = description().trap_code;
	for (unsigned i = 0; i < 1000; i++) {
		/* Both leave it where it was. */
		fake_lock();
		code(ENTRY, i % 2 ? INSN_SC_1 : trap[1]);
		fake_unlock();
		set_entry(0);
		regs.gpr[3] = 0xf010ull << 32;
		ops->set_regs(engine, 0, &regs);
		ops->run(engine, 0, 1000, &last);
		for (volatile unsigned spin = 0; spin < i * 41 % 4000; spin++)
			;
		if (last.reason == ENGINE_EXIT_RUNNING) {
			struct engine_regs seen;

			ops->get_regs(engine, 0, &seen);
			if (i % 2) {
				regs.srr0 = seen.srr0;
				regs.srr1 = seen.srr1;
			}
			assert_memory_equal(&seen, &regs, sizeof(regs));
			assert_int_equal(run_to_exit(0),
					 i % 2 ? ENGINE_EXIT_HCALL : ENGINE_EXIT_TRAP);
		}
	}
}

static void a_kick_is_one_exit(void **state)
{
	make(1);
	code(ENTRY, INSN_LOOP);
	set_entry(0);
	ops->kick(engine, 0);
	ops->kick(engine, 0);
	ops->run(engine, 0, 1000, &last);
	assert_int_equal(last.reason, ENGINE_EXIT_KICKED);
	assert_int_equal(fake_vcpu(0)->runs, 0);
	assert_true(start(0));
	ops->kick(engine, 0);
	ops->run(engine, 0, 1000, &last);
	assert_int_equal(last.reason, ENGINE_EXIT_KICKED);
	ops->run(engine, 0, 1000, &last);
	assert_int_equal(last.reason, ENGINE_EXIT_RUNNING);
}

static void a_budget_of_one_is_a_moment(void **state)
{
	struct timespec before, after;
	struct engine_regs seen;
	int64_t elapsed;

	make(1);
	code(ENTRY, INSN_LOOP);
	code(ENTRY + 8, INSN_SC_1);
	set_entry(0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	/* A busy host may delay the thread. */
	for (unsigned i = 0; i < 20 || fake_vcpu(0)->runs <= 10; i++) {
		ops->run(engine, 0, 1, &last);
		assert_int_equal(last.reason, ENGINE_EXIT_KICKED);
		assert_false(fake_vcpu(0)->in_run);
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	elapsed = (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec;
	assert_in_range(elapsed, 20 * 100000, PATIENCE * 1000000000ll);
	ops->get_regs(engine, 0, &seen);
	seen.nip = ENTRY + 8;
	ops->set_regs(engine, 0, &seen);
	/* If the machine has something to do, it need not wait for the end. */
	do
		ops->run(engine, 0, 1, &last);
	while (last.reason == ENGINE_EXIT_KICKED);
	assert_int_equal(last.reason, ENGINE_EXIT_HCALL);
}

static void whoever_waits_for_an_exit_is_told(void **state)
{
	int posted;

	make(1);
	code(ENTRY, INSN_SC_1);
	set_entry(0);
	sem_getvalue(&exited, &posted);
	assert_int_equal(posted, 0);
	run_unfetched(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	/* The callback is optional. */
	ops->destroy(engine);
	config.exited = NULL;
	make(1);
	set_entry(0);
	do {
		ops->run(engine, 0, 1000, &last);
		usleep(100);
	} while (last.reason == ENGINE_EXIT_RUNNING);
	assert_int_equal(last.reason, ENGINE_EXIT_HCALL);
}

static void signals_for_the_program_do_not_reach_the_vcpus(void **state)
{
	sigset_t set, old;
	int number;

	/* Blocked here, so a thread that has not blocked it would take it and die. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	make(2);
	code(ENTRY, INSN_LOOP);
	set_entry(0);
	assert_true(start(0));
	kill(getpid(), SIGTERM);
	assert_int_equal(sigwait(&set, &number), 0);
	assert_int_equal(number, SIGTERM);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* ---- interrupts ---- */

static void writing_registers_stops_what_runs(void **state)
{
	struct engine_regs seen;

	make(1);
	code(ENTRY, INSN_LOOP);
	code(0x100, INSN_MFSRR(9, 0));
	code(0x104, INSN_SC_1);
	set_entry(0);
	assert_true(start(0));
	ops->get_regs(engine, 0, &seen);
	seen.srr0 = seen.nip;
	seen.nip = VECTOR_SYSTEM_RESET;
	ops->set_regs(engine, 0, &seen);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	assert_int_equal(fake_vcpu(0)->regs.pc, 0x108);
	assert_int_equal(fake_vcpu(0)->regs.gpr[9], ENTRY);
}

static void an_external_interrupt_is_a_level_and_needs_no_stop(void **state)
{
	make(1);
	code(ENTRY, INSN_LOOP);
	code(VECTOR_EXTERNAL, INSN_SC_1);
	set_entry(0);
	regs.msr |= MSR_EE;
	ops->set_regs(engine, 0, &regs);
	assert_true(start(0));
	ops->set_external(engine, 0, false); /* as it is */
	assert_int_equal(fake_count(PPC_KVM_INTERRUPT, FAKE_ANY), 0);
	ops->set_external(engine, 0, true);
	ops->set_external(engine, 0, true);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	assert_int_equal(fake_vcpu(0)->interrupts, 1);
	assert_true(fake_vcpu(0)->external);
	assert_int_equal(fake_vcpu(0)->regs.pc, VECTOR_EXTERNAL + 4);
	ops->set_external(engine, 0, false);
	assert_int_equal(fake_vcpu(0)->interrupts, 2);
	assert_false(fake_vcpu(0)->external);
}

static void an_interrupt_that_cannot_be_signalled_ends_the_vcpu_even_if_it_runs(void **state)
{
	make(1);
	code(ENTRY, INSN_LOOP);
	set_entry(0);
	assert_true(start(0));
	fake_lock();
	fake_rule(PPC_KVM_INTERRUPT, FAKE_ANY, -EINVAL);
	fake_unlock();
	ops->set_external(engine, 0, true);
	run_to_exit(0);
	assert_failed("KVM: cannot signal an interrupt: Invalid argument");
}

static void what_went_wrong_first_is_said(void **state)
{
	make(1);
	fake_rule(PPC_KVM_GET_ONE_REG, PPC_KVM_REG_DEC_EXPIRY, -EINVAL);
	fake_rule(PPC_KVM_INTERRUPT, FAKE_ANY, -EINVAL);
	ops->deadline(engine, 0);
	ops->set_external(engine, 0, true);
	run_to_exit(0);
	assert_failed("KVM: cannot read a decrementer: Invalid argument");
}

static void an_interrupt_is_pending_by_its_level_or_by_the_decrementer(void **state)
{
	make(1);
	assert_false(ops->interrupt_pending(engine, 0));
	ops->set_external(engine, 0, true);
	assert_true(ops->interrupt_pending(engine, 0));
	ops->set_external(engine, 0, false);
	assert_false(ops->interrupt_pending(engine, 0));
	fake_vcpu(0)->dec_expiry = fake_sys.timebase() + fake_vcpu(0)->tb_offset - 1;
	assert_true(ops->interrupt_pending(engine, 0));
	assert_int_equal(ops->deadline(engine, 0), fake_vcpu(0)->dec_expiry);
}

/* ---- the partition ---- */

static void radix_guests_have_a_process_table_and_flush_their_own_translations(void **state)
{
	struct engine_partition partition = { .radix = true, .gtse = true };

	make(2);
	ops->set_partition(engine, &partition);
	assert_int_equal(fake_vm()->mmu.flags, PPC_KVM_MMUV3_RADIX | PPC_KVM_MMUV3_GTSE);
	assert_int_equal(fake_vm()->mmu.process_table, 1ull << 63);
	partition.process_table = 0x30000;
	partition.process_table_size = 1ull << 16;
	ops->set_partition(engine, &partition);
	assert_int_equal(fake_vm()->mmu.process_table, 1ull << 63 | 0x30000 | 4);
	assert_int_equal(fake_vm()->nr_htabs, 0);
	assert_int_equal(fake_vm()->nr_configurations, 2);
	/* Unchanged settings are not set again, because KVM would flush everything. */
	partition.ail = 3;
	ops->set_partition(engine, &partition);
	assert_int_equal(fake_vm()->nr_configurations, 2);
	partition.process_table_size = 1ull << 12;
	ops->set_partition(engine, &partition);
	partition.process_table = 0x40000;
	ops->set_partition(engine, &partition);
	assert_int_equal(fake_vm()->nr_configurations, 4);
	assert_int_equal(fake_vm()->mmu.process_table, 1ull << 63 | 0x40000);
	partition.gtse = false;
	ops->set_partition(engine, &partition);
	assert_int_equal(fake_vm()->mmu.flags, PPC_KVM_MMUV3_RADIX);
}

static void interrupt_modes_are_set_in_every_lpcr_and_nothing_else_of_it(void **state)
{
	struct engine_partition partition = { .radix = true };

	make(2);
	for (unsigned i = 0; i < 2; i++)
		fake_vcpu(i)->lpcr = 0x8000000000000042ull | LPCR_ILE;
	ops->set_partition(engine, &partition);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(fake_vcpu(i)->lpcr, 0x8000000000000042ull);
	partition.ail = 3;
	partition.interrupt_little_endian = true;
	ops->set_partition(engine, &partition);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(fake_vcpu(i)->lpcr, 0x8000000000000042ull | LPCR_ILE | LPCR_AIL_3);
}

static void a_partition_that_changes_stops_every_vcpu(void **state)
{
	const struct engine_partition partition = { .radix = true };

	make(2);
	code(ENTRY, INSN_LOOP);
	set_entry(0);
	assert_true(start(0));
	ops->set_partition(engine, &partition);
	assert_false(fake_vcpu(0)->in_run);
	assert_true(start(0));
}

static void hash_guests_get_a_hash_table_of_the_size_they_were_told(void **state)
{
	struct engine_partition hash = { .hash_table_order = 21 };

	make(1);
	ops->set_partition(engine, &hash);
	assert_int_equal(fake_vm()->htab_order, 21);
	assert_int_equal(fake_vm()->nr_configurations, 1);
	assert_int_equal(fake_vm()->mmu.flags, 0);
	assert_int_equal(fake_vm()->mmu.process_table, 0);
	/* It is still that table after something else has changed. */
	hash.interrupt_little_endian = true;
	ops->set_partition(engine, &hash);
	assert_int_equal(fake_vm()->nr_htabs, 1);
	/* A reset gives an empty table. */
	code(ENTRY, INSN_SC_1);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	ops->reset(engine);
	assert_int_equal(fake_vm()->nr_htabs, 0);
	ops->set_partition(engine, &hash);
	assert_int_equal(fake_vm()->htab_order, 21);
}

static void a_partition_may_change_from_radix_to_hash_and_back(void **state)
{
	const struct engine_partition radix = { .radix = true, .gtse = true },
				      hash = { .hash_table_order = 18 };

	make(1);
	ops->set_partition(engine, &radix);
	ops->set_partition(engine, &hash);
	assert_int_equal(fake_vm()->nr_htabs, 1);
	assert_int_equal(fake_vm()->mmu.flags, 0);
	ops->set_partition(engine, &radix);
	assert_int_equal(fake_vm()->mmu.flags, PPC_KVM_MMUV3_RADIX | PPC_KVM_MMUV3_GTSE);
	assert_int_equal(fake_vm()->nr_configurations, 3);
}

static void a_processor_of_before_isa_3_0_has_only_the_hash_table(void **state)
{
	const struct engine_partition hash = { .hash_table_order = 18 };

	fake.capabilities[KVM_CAP_PPC_MMU_RADIX] = 0;
	fake.capabilities[KVM_CAP_PPC_MMU_HASH_V3] = 0;
	make(1);
	ops->set_partition(engine, &hash);
	assert_int_equal(fake_vm()->nr_htabs, 1);
	assert_int_equal(fake_count(PPC_KVM_CONFIGURE_V3_MMU, FAKE_ANY), 0);
	code(ENTRY, INSN_SC_1);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
}

static void a_translation_that_kvm_refuses_is_said_by_run(void **state)
{
	make(2);
	fake.capabilities[KVM_CAP_PPC_MMU_RADIX] = 0;
	ops->set_partition(engine, &(struct engine_partition){ .radix = true });
	set_entry(0);
	for (unsigned i = 0; i < 2; i++) {
		run_to_exit(i);
		assert_failed("KVM: cannot translate by radix trees: Invalid argument");
		assert_int_equal(fake_vcpu(i)->runs, 0);
	}
	/* No more calls are made, and nothing fails. */
	ops->set_partition(engine, &(struct engine_partition){ .radix = true });
	assert_int_equal(fake_count(PPC_KVM_CONFIGURE_V3_MMU, FAKE_ANY), 1);
	/* After a reset, the partition may request a mode that exists. */
	ops->reset(engine);
	fake_rule(PPC_KVM_ALLOCATE_HTAB, FAKE_ANY, -ENOMEM);
	ops->set_partition(engine, &(struct engine_partition){ .hash_table_order = 18 });
	run_to_exit(0);
	assert_failed("KVM: cannot translate by a hash table: Cannot allocate memory");
	fake.nr_rules = 0;
	ops->reset(engine);
	ops->set_partition(engine, &(struct engine_partition){ .hash_table_order = 18 });
	code(ENTRY, INSN_SC_1);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
}

static void machine_checks_become_exits_when_they_are_wanted_and_not_before(void **state)
{
	const struct fake_event mc = { .kind = FAKE_MACHINE_CHECK, .times = 2, .srr1 = 0x00200000 };

	make(2);
	code(0x200, INSN_SC_1);
	make_guest(&mc);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	assert_int_equal(fake_vcpu(0)->regs.pc, 0x204);
	assert_int_equal(fake_count(PPC_KVM_ENABLE_CAP, KVM_CAP_PPC_FWNMI), 0);
	/* Regardless of the other one. */
	code(ENTRY + 0x100, INSN_LOOP);
	set_entry(1);
	regs.nip = ENTRY + 0x100;
	ops->set_regs(engine, 1, &regs);
	assert_true(start(1));
	assert_true(ops->want_machine_checks(engine));
	assert_true(fake_vm()->fwnmi);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_MACHINE_CHECK);
}

static void machine_checks_that_cannot_be_exits_are_said_to_be_none(void **state)
{
	config.no_mc_exit = true;
	make(1);
	assert_false(ops->want_machine_checks(engine));
	ops->destroy(engine);
	config.no_mc_exit = false;
	fake.capabilities[KVM_CAP_PPC_FWNMI] = 0;
	make(1);
	assert_false(ops->want_machine_checks(engine));
	ops->destroy(engine);
	assert_int_equal(fake_count(PPC_KVM_ENABLE_CAP, KVM_CAP_PPC_FWNMI), 0);
	fake.capabilities[KVM_CAP_PPC_FWNMI] = 1;
	make(1);
	assert_true(description().capabilities & ENGINE_CAP_MC_EXIT);
	fake_rule(PPC_KVM_ENABLE_CAP, KVM_CAP_PPC_FWNMI, -EINVAL);
	assert_false(ops->want_machine_checks(engine));
	/* The engine continues without it. */
	code(ENTRY, INSN_SC_1);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
}

/* ---- reset ---- */

static void a_reset_after_running_is_a_new_virtual_machine(void **state)
{
	struct engine_partition partition = { .radix = true, .interrupt_little_endian = true };
	struct engine_regs seen, zero = { .msr = MSR_SF | MSR_ME };

	make(2);
	ops->reset(engine);
	assert_int_equal(fake.nr_vms, 1); /* nothing has run */
	ops->set_partition(engine, &partition);
	code(ENTRY, INSN_SC_1);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	assert_true(ops->want_machine_checks(engine));
	ops->set_external(engine, 0, true);
	code(ENTRY, INSN_LOOP);
	set_entry(1);
	assert_true(start(1));
	ops->reset(engine);
	assert_int_equal(fake.nr_vms, 2);
	assert_int_equal(fake.open_fds, 1 + 1 + 2);
	assert_int_equal(fake.threads, 2);
	for (unsigned i = 0; i < 2; i++) {
		ops->get_regs(engine, i, &seen);
		assert_memory_equal(&seen, &zero, sizeof(zero));
	}
	assert_false(fake_vm()->fwnmi);
	assert_false(fake_vcpu(0)->external);
	assert_false(ops->interrupt_pending(engine, 0));
	/* The settings are sent again, although they are the same for the engine's user. */
	assert_int_equal(fake_vm()->nr_configurations, 0);
	ops->set_partition(engine, &partition);
	assert_int_equal(fake_vm()->nr_configurations, 1);
	assert_true(fake_vcpu(0)->lpcr & LPCR_ILE);
	/* It has not run yet. */
	ops->reset(engine);
	assert_int_equal(fake.nr_vms, 2);
}

static void a_reset_that_fails_is_said_by_run_and_can_be_tried_again(void **state)
{
	struct fake_rule *rule;
	struct engine_regs seen;

	make(2);
	code(ENTRY, INSN_SC_1);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
	rule = fake_rule(PPC_KVM_CREATE_VM, FAKE_ANY, -EMFILE);
	ops->reset(engine);
	/* Calls by the machine before it runs do no harm. */
	ops->set_partition(engine, &(struct engine_partition){ .radix = true });
	ops->set_external(engine, 1, true);
	ops->get_regs(engine, 0, &seen);
	set_entry(0);
	ops->set_regs(engine, 0, &seen);
	ops->deadline(engine, 0);
	ops->stop(engine);
	ops->flush_tlb(engine, true);
	assert_false(ops->want_machine_checks(engine));
	for (unsigned i = 0; i < 2; i++) {
		run_to_exit(i);
		assert_failed("KVM: cannot create a virtual machine: Too many open files");
	}
	rule->request = 0;
	rule = fake_rule(PPC_KVM_CREATE_VCPU, 1, -ENOMEM);
	ops->reset(engine);
	run_to_exit(0);
	assert_failed("KVM: cannot create a vCPU: Cannot allocate memory");
	rule->request = 0;
	ops->reset(engine);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
}

static void a_reset_heals_a_vcpu_that_has_never_run(void **state)
{
	struct fake_rule *rule;

	make(1);
	rule = fake_rule(PPC_KVM_SET_ONE_REG, PPC_KVM_REG_LPCR, -EINVAL);
	ops->set_partition(engine, &(struct engine_partition){ .radix = true });
	run_to_exit(0);
	assert_failed("KVM: cannot set LPCR: Invalid argument");
	rule->request = 0;
	ops->reset(engine);
	ops->set_partition(engine, &(struct engine_partition){ .radix = true });
	code(ENTRY, INSN_SC_1);
	set_entry(0);
	assert_int_equal(run_to_exit(0), ENGINE_EXIT_HCALL);
}

/* ---- every call failing in turn ---- */

#define LINE(...) (snprintf(line, sizeof(line), __VA_ARGS__), false)

static char line[200];

static bool expect_exit(unsigned vcpu, enum engine_exit_reason reason)
{
	run_to_exit(vcpu);
	if (last.reason == ENGINE_EXIT_FAILED)
		return LINE("%s", last.message);
	assert_int_equal(last.reason, reason);
	return true;
}

static bool expect_running(unsigned vcpu)
{
	if (start(vcpu))
		return true;
	assert_int_equal(last.reason, ENGINE_EXIT_FAILED);
	return LINE("%s", last.message);
}

/*
 * Uses an engine with two vCPUs as a machine does. False: something failed, and `line` says what.
 */
static bool live(bool radix)
{
	struct engine_partition partition = { .radix = radix, .hash_table_order = 20 };
	struct engine_regs seen;

	fake.events[1] = (struct fake_event){ .kind = FAKE_MACHINE_CHECK, .srr1 = 0x00200000 };
	fake.events[2] = (struct fake_event){
		.kind = FAKE_MMIO, .address = 0x40000000, .length = 8, .pieces = 2
	};
	code(ENTRY, INSN_SC_1);
	code(ENTRY + 4, INSN_EVENT(1));
	code(ENTRY + 8, INSN_EVENT(2));
	code(ENTRY + 0x100, INSN_LOOP);
	ops->set_partition(engine, &partition);
	set_entry(0);
	if (!expect_exit(0, ENGINE_EXIT_HCALL))
		return false;
	if (!ops->want_machine_checks(engine))
		return LINE("machine checks cannot be had: %s", strerror(EIO));
	ops->get_regs(engine, 0, &seen);
	seen.gpr[3] = 0;
	ops->set_regs(engine, 0, &seen);
	partition.interrupt_little_endian = true;
	partition.process_table = radix ? 0x10000 : 0;
	ops->set_partition(engine, &partition);
	ops->set_external(engine, 0, true);
	ops->set_external(engine, 0, false);
	if (!expect_exit(0, ENGINE_EXIT_MACHINE_CHECK) ||
	    !expect_exit(0, ENGINE_EXIT_MACHINE_CHECK))
		return false;
	set_entry(1);
	regs.nip = ENTRY + 0x100;
	ops->set_regs(engine, 1, &regs);
	if (!expect_running(1))
		return false;
	ops->interrupt_pending(engine, 1);
	return expect_running(1);
}

/* One whole life, and another after a reset. */
static bool live_twice(bool radix)
{
	bool well;

	engine = kvm_create(&fake_sys, &config, err, sizeof(err));
	if (!engine)
		return LINE("%s", err);
	well = live(radix);
	ops->reset(engine);
	well = well && live(radix);
	return well;
}

/* Without these, the engine does less, or takes another way. */
static bool is_optional(const struct fake_call *call)
{
	static const unsigned optional[] = {
		KVM_CAP_PPC_MMU_RADIX,	KVM_CAP_PPC_ALLOC_HTAB,	    KVM_CAP_PPC_MMU_HASH_V3,
		KVM_CAP_PPC_AIL_MODE_3, KVM_CAP_PPC_RPT_INVALIDATE,
	};

	if (call->kind != FAKE_CALL_IOCTL)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(optional); i++)
		if (call->request == PPC_KVM_CHECK_EXTENSION && call->argument == optional[i])
			return true;
	return call->request == PPC_KVM_ENABLE_CAP && call->argument == KVM_CAP_PPC_ENABLE_HCALL;
}

static void fail_each_call(bool radix)
{
	unsigned n, said = 0;

	for (n = 1;; n++) {
		bool well;

		assert_int_equal(setup(NULL), 0);
		config.nr_vcpus = 2;
		fake.fail_at = n;
		line[0] = '\0';
		well = live_twice(radix);
		if (fake.failed.result == 0) {
			/* All calls have been made, so it must have succeeded. */
			if (!well)
				fail_msg("%s", line);
			teardown(NULL);
			break;
		}
		if (well && !is_optional(&fake.failed))
			fail_msg("call %u, request 0x%lx (0x%llx), failed and nobody said so", n,
				 fake.failed.request, (unsigned long long)fake.failed.argument);
		if (!well) {
			said++;
			if (strncmp(line, "machine checks", 14))
				assert_line(line);
			/*
			 * The message names the call, except for a missing capability and for an
			 * access.
			 */
			if (fake.failed.request != PPC_KVM_CHECK_EXTENSION &&
			    !strstr(line, "KVM does not finish an access"))
				assert_non_null(strstr(line, strerror(EIO)));
		}
		/* A failure after creation does not break the engine. */
		if (!well && engine) {
			ops->reset(engine);
			if (!live(radix))
				fail_msg("call %u: not even after a reset: %s", n, line);
		}
		ops->destroy(engine);
		engine = NULL;
		if (fake_leaks())
			fail_msg("call %u: %s", n, fake_leaks());
	}
	assert_true(n > 100 && said > 80);
	assert_int_equal(setup(NULL), 0);
}

static void every_call_that_fails_is_said_in_one_line_and_leaves_nothing_behind(void **state)
{
	fail_each_call(true);
}

static void the_same_with_a_hash_guest(void **state)
{
	fail_each_call(false);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_complete_kvm_is_available),
		T(each_capability_that_is_missing_has_its_own_line),
		T(a_capability_that_cannot_be_asked_for_is_missing),
		T(radix_or_hash_guests_are_enough_but_one_of_them_it_must_be),
		T(a_dev_kvm_that_cannot_be_opened_says_why),
		T(another_version_of_the_interface_is_refused),
		T(a_kernel_without_kvm_hv_is_told_from_other_failures),
		T(this_hosts_own_kvm_says_in_one_line_what_it_lacks),
		T(the_calls_of_linux_answer_with_error_numbers),
		T(a_time_base_of_another_frequency_is_refused),
		T(a_clock_that_counts_instructions_is_refused),
		T(want_of_memory_or_threads_is_said),
		T(a_vcpu_that_cannot_be_made_takes_the_others_with_it),
		T(vcpus_are_of_a_papr_partition_of_isa_3_0),
		T(a_vcpu_starts_in_its_reset_state),
		T(an_instruction_address_is_a_multiple_of_4),
		T(the_guests_time_begins_near_zero_on_every_clock),
		T(capabilities_are_those_of_this_kvm),
		T(a_hypervisor_call_comes_with_its_registers_and_takes_results_back),
		T(registers_that_nobody_looks_at_stay_as_they_are),
		T(a_call_that_nobody_looks_at_keeps_what_the_guest_has_in_its_registers),
		T(registers_that_kvm_does_not_tell_are_zero_and_end_the_vcpu),
		T(a_call_that_was_not_fetched_has_not_happened_for_who_looks_at_the_vcpu),
		T(stop_keeps_an_exit_that_was_not_fetched),
		T(machine_checks_come_with_their_cause_and_what_became_of_them),
		T(a_machine_check_that_was_not_fetched_is_kept),
		T(an_access_to_no_memory_is_a_machine_check_on_its_instruction),
		T(a_vector_load_of_several_pieces_is_one_machine_check),
		T(an_access_that_was_not_fetched_happens_again),
		T(a_kvm_that_does_not_finish_an_access_is_given_up),
		T(the_end_of_the_trap_code_is_a_trap),
		T(what_only_looks_like_a_trap_is_a_machine_check),
		T(signals_and_spurious_exits_do_not_end_a_run),
		T(other_exits_end_it_with_a_line_each),
		T(a_failure_that_was_not_fetched_is_not_forgotten),
		T(run_only_lets_a_vcpu_go),
		T(looking_at_registers_stops_a_vcpu),
		T(a_vcpu_stops_wherever_its_thread_is),
		T(a_vcpu_stops_or_comes_out_but_its_exit_is_never_lost),
		T(a_kick_is_one_exit),
		T(a_budget_of_one_is_a_moment),
		T(whoever_waits_for_an_exit_is_told),
		T(signals_for_the_program_do_not_reach_the_vcpus),
		T(writing_registers_stops_what_runs),
		T(an_external_interrupt_is_a_level_and_needs_no_stop),
		T(an_interrupt_that_cannot_be_signalled_ends_the_vcpu_even_if_it_runs),
		T(what_went_wrong_first_is_said),
		T(an_interrupt_is_pending_by_its_level_or_by_the_decrementer),
		T(radix_guests_have_a_process_table_and_flush_their_own_translations),
		T(interrupt_modes_are_set_in_every_lpcr_and_nothing_else_of_it),
		T(a_partition_that_changes_stops_every_vcpu),
		T(hash_guests_get_a_hash_table_of_the_size_they_were_told),
		T(a_partition_may_change_from_radix_to_hash_and_back),
		T(a_processor_of_before_isa_3_0_has_only_the_hash_table),
		T(a_translation_that_kvm_refuses_is_said_by_run),
		T(machine_checks_become_exits_when_they_are_wanted_and_not_before),
		T(machine_checks_that_cannot_be_exits_are_said_to_be_none),
		T(a_reset_after_running_is_a_new_virtual_machine),
		T(a_reset_that_fails_is_said_by_run_and_can_be_tried_again),
		T(a_reset_heals_a_vcpu_that_has_never_run),
		T(every_call_that_fails_is_said_in_one_line_and_leaves_nothing_behind),
		T(the_same_with_a_hash_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
