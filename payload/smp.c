/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four CPUs: concurrent machine checks wait for the interlock of the first, and system resets do
 * not. LoPAR R1-7.3.14-8, -10, -11, -13, -15, -18; start-cpu, stop-self and
 * query-cpu-stopped-state; H_SIGNAL_SYS_RESET.
 */
#include "payload.h"

#define STARTED	  "start_cpu_starts_each_cpu_big_endian_with_machine_checks_enabled_and_its_r3"
#define QUERY	  "query_cpu_stopped_state_knows_which_cpus_run"
#define STOPPED	  "stop_self_stops_a_cpu_until_it_is_started_again"
#define RESETS	  "system_resets_reach_all_other_cpus_at_once_each_with_a_slot_of_its_own"
#define RESET_ALL "system_resets_reach_all_cpus_with_the_caller"
#define WAITS	  "machine_checks_of_other_cpus_wait_for_the_interlock_of_the_first"
#define ORDER	  "waiting_machine_checks_are_delivered_in_their_order_of_arrival"
#define OWN_LOG	  "each_waiting_machine_check_has_its_own_log_registers_and_r3"
#define UNTOUCHED "the_buffer_of_the_first_is_left_alone_while_others_wait"
#define NOT_OWNER \
	"an_interlock_by_a_cpu_that_does_not_own_the_buffer_returns_0_and_releases_nothing"
#define OTHERS_RUN "rtas_and_hypervisor_calls_go_on_while_machine_checks_wait"
#define COALESCED  "system_resets_for_a_waiting_cpu_come_once_after_its_interlock"
#define WENT_ON	   "every_interrupted_program_goes_on_with_all_its_registers"
#define CEDED	   "a_machine_check_reaches_a_ceded_cpu_and_its_h_cede_returns_success"
#define ALREADY	   "after_a_fatal_machine_check_those_that_waited_say_already_reported"
#define NO_CPU	   "an_injection_for_a_cpu_that_is_stopped_or_absent_is_refused"

#define WITHDRAWN "a_waiting_machine_check_whose_time_is_up_is_withdrawn_and_never_arrives"

const char *const sentences[] = { STARTED,   QUERY,   STOPPED, NO_CPU,	  RESETS,    RESET_ALL,
				  WAITS,     ORDER,   OWN_LOG, UNTOUCHED, NOT_OWNER, OTHERS_RUN,
				  COALESCED, WENT_ON, CEDED,   WITHDRAWN, ALREADY,   NULL };

#define CPUS 4

enum work {
	IDLE,
	SPIN,
	SPIN_SHARED,
	CEDE,
	STOP
};

static struct spin spins[CPUS];
static volatile unsigned work[CPUS], done[CPUS];
static volatile u64 started_r3[CPUS];

static struct arrival {
	unsigned cpu;
	struct frame frame;
	struct log log;
	u64 saved_r3, frame_r3;
	bool buffer_changed;
	u32 interlock;
} arrivals[CPUS];
static volatile unsigned nr_arrivals;
static volatile unsigned hold; /* the first CPU stays in its routine while this is set */

static volatile unsigned resets[CPUS];
static struct frame reset_frames[CPUS];
static volatile u64 reset_saved_r3[CPUS];
static volatile u64 cede_result = 1;
static u64 sprg1[CPUS]; /* R3 at entry to system_reset_routine_smp */

static void wait_for(volatile unsigned *what, unsigned value)
{
	while (*what != value)
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
}

/* ---- routines ---- */

static void arrived(struct frame *frame)
{
	unsigned cpu = this_cpu();
	struct arrival *a = &arrivals[nr_arrivals];
	u64 r3 = frame->gpr[3], copy[32];

	a->cpu = cpu;
	a->frame = *frame;
	a->saved_r3 = read_be64((void *)r3);
	read_log(&a->log, (void *)(r3 + 8));
	for (unsigned i = 0; i < ARRAY_SIZE(copy); i++)
		copy[i] = ((u64 *)r3)[i];
	barrier();
	nr_arrivals++;
	while (nr_arrivals == 1 && hold)
		;
	for (unsigned i = 0; i < ARRAY_SIZE(copy); i++)
		a->buffer_changed |= copy[i] != ((volatile u64 *)r3)[i];
	frame->gpr[3] = a->saved_r3;
	spins[cpu].flag = 1;
	a->interlock = (u32)nmi_interlock();
}

static void at_vector(struct frame *frame)
{
	unsigned cpu = this_cpu();

	if (frame->vector != 0x100)
		bail_out("an interrupt that is no system reset");
	reset_frames[cpu] = *frame;
	reset_saved_r3[cpu] = read_be64((void *)frame->gpr[3]);
	sprg1[cpu] = frame->gpr[3];
	frame->gpr[3] = reset_saved_r3[cpu];
	barrier();
	resets[cpu]++;
	spins[cpu].flag++;
}

/* ---- the other CPUs ---- */

static void other_cpu(u64 cpu)
{
	started_r3[cpu] = cpu;
	for (;;) {
		unsigned what;

		barrier();
		done[cpu]++;
		while (!(what = work[cpu]))
			hcall4(H_CONFER, (u64)-1, 0, 0, 0);
		work[cpu] = IDLE;
		if (what == SPIN)
			spin_in(&spins[cpu]);
		else if (what == CEDE)
			cede_result = (u64)hcall4(H_CEDE, 0, 0, 0, 0);
		else if (what == STOP)
			rtas0("stop-self");
	}
}

static void set_spinning(unsigned cpu, u64 seed)
{
	spin_prepare(&spins[cpu], seed, MSR_BARE | MSR_RI | (cpu & 1 ? MSR_EE : 0));
	barrier();
	work[cpu] = SPIN;
	while (work[cpu] != IDLE)
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
}

static unsigned stopped_state(unsigned cpu)
{
	const u32 args[1] = { cpu };
	u32 state = ~0u;

	check_equal(QUERY, (u32)rtas("query-cpu-stopped-state", 1, 1, args, &state), 0, "status");
	return state;
}

static void test_start(void)
{
	const u32 again[3] = { 1, (u32)(u64)start_secondary, 1 },
		  absent[3] = { CPUS, (u32)(u64)start_secondary, 1 };
	const u32 nowhere[3] = { 1, 0xfffffffc, 1 };

	ask("@refused system-reset --cpu 1");
	ask("@refused machine-check --cpu 4");
	check(NO_CPU, true, "");
	check_equal(STARTED, (u32)rtas("start-cpu", 3, 0, nowhere, NULL), (u32)-3,
		    "status for an address outside memory");
	on_secondary = other_cpu;
	for (unsigned cpu = 1; cpu < CPUS; cpu++) {
		check_equal(QUERY, stopped_state(cpu), 0, "state before start-cpu");
		start_cpu(cpu);
		wait_for(&done[cpu], 1);
		check_equal(STARTED, started_r3[cpu], cpu, "R3");
		check_equal(STARTED, boot.secondary_msr[cpu], MSR_BARE & ~MSR_LE, "MSR");
		check_equal(QUERY, stopped_state(cpu), 2, "state after start-cpu");
	}
	check_equal(STARTED, (u32)rtas("start-cpu", 3, 0, again, NULL), (u32)-1,
		    "status for a CPU that runs");
	check_equal(STARTED, (u32)rtas("start-cpu", 3, 0, absent, NULL), (u32)-3,
		    "status for a CPU that does not exist");
	check_equal(QUERY, (u32)rtas("query-cpu-stopped-state", 1, 1, absent, (u32[1]){ 0 }),
		    (u32)-3, "status for a CPU that does not exist");
}

static void test_stop(void)
{
	work[3] = STOP;
	while (stopped_state(3) == 2)
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
	check_equal(STOPPED, stopped_state(3), 0, "state after stop-self");
	ask("@await 3 stopped");
	ask("@refused machine-check --cpu 3");
	check_equal(STOPPED, (u64)hcall4(H_SIGNAL_SYS_RESET, 3, 0, 0, 0), (u64)H_PARAMETER,
		    "H_SIGNAL_SYS_RESET");
	done[3] = 0;
	start_cpu(3);
	wait_for(&done[3], 1);
	check_equal(STOPPED, stopped_state(3), 2, "state after start-cpu");
}

/* ---- system resets ---- */

static void check_reset(const char *sentence, unsigned cpu)
{
	const struct frame *frame = &reset_frames[cpu];

	check_equal(sentence, resets[cpu], 1, "system resets");
	check_equal(sentence, frame->msr, MSR_BARE, "MSR");
	check(sentence, frame->gpr[3] >= rtas_base && frame->gpr[3] + 16 <= rtas_base + rtas_size,
	      "R3 is outside of the RTAS area");
	for (unsigned other = 0; other < cpu; other++)
		if (resets[other])
			check(sentence, reset_frames[other].gpr[3] != frame->gpr[3],
			      "two CPUs have the same slot");
	resets[cpu] = 0;
}

static void test_resets(void)
{
	if (nmi_register((u64)system_reset_routine_smp, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		set_spinning(cpu, 10 + cpu);
	check_equal(RESETS, (u64)hcall4(H_SIGNAL_SYS_RESET, (u64)-2, 0, 0, 0), 0,
		    "H_SIGNAL_SYS_RESET");
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		wait_for(&done[cpu], 2);
	for (unsigned cpu = 1; cpu < CPUS; cpu++) {
		check_equal(RESETS, reset_saved_r3[cpu], spins[cpu].in.gpr[3], "what R3 points to");
		check_equal(RESETS, reset_frames[cpu].srr1, spins[cpu].in.msr, "SRR1");
		spins[cpu].in.sprg[1] = sprg1[cpu];
		check_registers_kept(RESETS, &spins[cpu], &reset_frames[cpu]);
		check_went_on(RESETS, &spins[cpu]);
		check_reset(RESETS, cpu);
	}
	check_equal(RESETS, resets[0], 0, "system resets of the caller");

	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		set_spinning(cpu, 20 + cpu);
	check_equal(RESET_ALL, (u64)hcall4(H_SIGNAL_SYS_RESET, (u64)-1, 0, 0, 0), 0,
		    "H_SIGNAL_SYS_RESET");
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		wait_for(&done[cpu], 3);
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		check_reset(RESET_ALL, cpu);
}

/* ---- machine checks ---- */

/* CPUs 1, 3 and 2, in this order. */
static const unsigned order[] = { 1, 3, 2 };

static void queue_all(const char *first)
{
	nr_arrivals = 0;
	hold = 1;
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		set_spinning(cpu, 30 + cpu);
	ask("@queue machine-check --cpu 1 --ea 0x1001 %s", first);
	wait_for(&nr_arrivals, 1);
	ask("@queue machine-check --cpu 3 --ea 0x1003");
	ask("@await 3 waiting-for-interlock");
	ask("@queue machine-check --cpu 2 --ea 0x1002");
	ask("@await 2 waiting-for-interlock");
}

static void let_go(unsigned rounds)
{
	hold = 0;
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		wait_for(&done[cpu], rounds);
}

static void test_machine_checks(void)
{
	unsigned before;

	queue_all("");
	check_equal(WAITS, nr_arrivals, 1, "CPUs in the routine");
	before = nr_arrivals;
	check_equal(NOT_OWNER, (u32)nmi_interlock(), 0, "status");
	/* Other CPUs' calls do not wait. */
	check_equal(OTHERS_RUN, stopped_state(2), 2, "state of a waiting CPU");
	check_equal(OTHERS_RUN, (u64)hcall4(H_CPPR, 0, 0, 0, 0), 0, "H_CPPR");
	for (unsigned i = 0; i < 2; i++)
		check_equal(COALESCED, (u64)hcall4(H_SIGNAL_SYS_RESET, 3, 0, 0, 0), 0,
			    "H_SIGNAL_SYS_RESET");
	for (volatile unsigned i = 0; i < 100000; i++)
		;
	check_equal(NOT_OWNER, nr_arrivals, before, "CPUs that were delivered to after it");
	check_equal(COALESCED, resets[3], 0, "system resets before the interlock");
	let_go(4);

	check_equal(WAITS, nr_arrivals, 3, "CPUs that came to the routine");
	for (unsigned i = 0; i < ARRAY_SIZE(order) && i < nr_arrivals; i++) {
		const struct arrival *a = &arrivals[i];
		const struct spin *spin = &spins[a->cpu];

		check_equal(ORDER, a->cpu, order[i], "a CPU");
		check_equal(OWN_LOG, a->saved_r3, spin->in.gpr[3], "what R3 points to");
		check_equal(OWN_LOG, a->log.processor, a->cpu, "the log's processor");
		check_equal(OWN_LOG, a->log.effective_address, 0x1000 + a->cpu,
			    "the log's effective address");
		check_equal(OWN_LOG, a->log.severity, ERROR_SYNC, "severity");
		check_equal(OWN_LOG, a->frame.srr1, spin->in.msr | 0x200000, "SRR1");
		check_registers_kept(OWN_LOG, spin, &a->frame);
		check(UNTOUCHED, !a->buffer_changed, "it changed");
		check_equal(WAITS, a->interlock, 0, "interlock's status");
		if (a->cpu == 3)
			spins[3].in.sprg[1] = sprg1[3];
		check_went_on(WENT_ON, spin);
	}
	check_equal(COALESCED, resets[3], 1, "system resets after the interlock");
	resets[3] = 0;
}

static void test_ceded(void)
{
	nr_arrivals = 0;
	hold = 0;
	work[2] = CEDE;
	ask("@await 2 idle");
	ask("@queue machine-check --cpu 2 --ea 0x2002");
	wait_for(&done[2], 5);
	check_equal(CEDED, nr_arrivals, 1, "machine checks");
	check_equal(CEDED, cede_result, 0, "H_CEDE");
	check_equal(CEDED, arrivals[0].cpu, 2, "CPU");
	check_equal(CEDED, arrivals[0].saved_r3, 0, "what R3 points to: H_CEDE's result");
}

static void test_withdrawn(void)
{
	unsigned before[] = { done[1], done[2] };

	nr_arrivals = 0;
	hold = 1;
	set_spinning(1, 51);
	set_spinning(2, 52);
	ask("@queue machine-check --cpu 1 --ea 0x3001");
	wait_for(&nr_arrivals, 1);
	ask("@fails machine-check --cpu 2 --ea 0x3002 --timeout 1");
	ask("@await 2 running");
	hold = 0;
	wait_for(&done[1], before[0] + 1);
	spins[2].flag = 1;
	wait_for(&done[2], before[1] + 1);
	check_equal(WITHDRAWN, nr_arrivals, 1, "CPUs that came to the routine");
	check_equal(WITHDRAWN, arrivals[0].cpu, 1, "the CPU");
	check_went_on(WITHDRAWN, &spins[2]);
}

static void test_fatal(void)
{
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		done[cpu] = 0;
	queue_all("--type UE --severity fatal");
	let_go(1);
	check_equal(ALREADY, nr_arrivals, 3, "CPUs that came to the routine");
	for (unsigned i = 0; i < nr_arrivals; i++) {
		check_equal(ALREADY, arrivals[i].log.severity, i ? ALREADY_REPORTED : FATAL,
			    "severity");
		check_equal(ALREADY, arrivals[i].log.has_mc, !i, "a machine check section");
		check_went_on(WENT_ON, &spins[arrivals[i].cpu]);
	}
}

void payload(void)
{
	if (nr_cpus != CPUS)
		bail_out("this needs four CPUs");
	interrupts_in_own_endian();
	on_interrupt = at_vector;
	on_machine_check = arrived;
	test_start();
	test_resets();
	test_machine_checks();
	test_ceded();
	test_withdrawn();
	test_fatal();
	test_stop();
}
