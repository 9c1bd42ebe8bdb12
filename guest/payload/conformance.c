/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LoPAR's FWNMI requirements R1-7.3.14-1 to -19, one sentence each, as a guest sees them: on one CPU (conformance_up.c)
 * or on four. Each CPU in its turn takes what has to be so on every CPU.
 */
#include "payload.h"

#define R1  "r1_registration_event_log_and_interlock_make_one_cycle"
#define R2  "r2_the_rtas_node_has_ibm_nmi_register"
#define R3  "r3_ibm_nmi_register_2_puts_the_error_area_into_real_page_7"
#define R4  "r4_registration_answers_0_or_minus_3_and_a_refused_one_changes_nothing"
#define R5  "r5_what_the_guest_does_to_the_vectors_and_page_7_keeps_no_event_from_its_routine"
#define R6  "r6_routines_at_or_above_32_mib_are_refused"
#define R7  "r7_events_store_nothing_at_the_vectors_or_in_page_7"
#define R8  "r8_a_system_reset_of_each_cpu_enters_the_registered_routine"
#define R9  "r9_the_system_reset_routine_is_entered_in_real_mode_with_all_registers_but_r3_as_they_were"
#define R10 "r10_a_machine_check_of_each_cpu_enters_the_registered_routine"
#define R11 "r11_each_cpu_can_be_interrupted_with_external_interrupts_off"
#define R12 "r12_the_log_says_what_and_where_it_was_and_whether_it_is_recovered"
#define R13 "r13_r3_points_to_the_original_r3_and_the_log_and_all_other_registers_are_as_they_were"
#define R14 "r14_a_machine_check_takes_no_longer_than_a_call_of_check_exception"
#define R15 "r15_after_a_fatal_report_each_cpu_is_told_only_that_it_was_already_reported"
#define R16 "r16_an_unsafe_cpu_is_stopped_and_event_scan_says_so_with_a_fatal_log"
#define R17 "r17_the_interlock_answers_0"
#define R18 "r18_the_interlock_waits_for_no_other_call"
#define R19 "r19_the_buffer_is_kept_until_the_interrupted_cpu_calls_the_interlock"

const char *const sentences[] = { R1,  R2,  R3,	 R4,  R5,  R6,	R7,  R8,  R9,  R10, R11, R12, R13, R14, R15,
#ifndef UNIPROCESSOR
				  R16, /* the only CPU would have nobody to tell */
#endif
				  R17, R18, R19, NULL };

#ifdef UNIPROCESSOR
#define CPUS 1
#else
#define CPUS 4
#endif
#define LIMIT 0x2000000u
#define PARAMETER_ERROR ((u32)-3)
#define UE_LOAD_STORE 3
#define UE_IFETCH 1
/* Nothing answers there. */
#define NOTHING (memory_size + 0x10000)

static struct spin spin;
static struct log log;
static u64 r3, saved_r3, entered_at;
static volatile unsigned checks, resets;

/* ---- the other CPUs carry out what they are given ---- */

static void (*volatile work[CPUS])(void);

static void other_cpu(u64 cpu)
{
	for (;;) {
		while (!work[cpu])
			hcall4(H_CONFER, (u64)-1, 0, 0, 0);
		work[cpu]();
		barrier();
		work[cpu] = NULL;
	}
}

static void wait_for_work(unsigned cpu)
{
	while (work[cpu])
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
}

/* On one CPU after the other. */
static void each_cpu(void (*what)(void), unsigned count)
{
	what();
	for (unsigned cpu = 1; cpu < count; cpu++) {
		work[cpu] = what;
		wait_for_work(cpu);
	}
}

/* ---- what is registered ---- */

static void arrived(struct frame *frame)
{
	entered_at = mfspr(SPR_TB);
	r3 = frame->gpr[3];
	saved_r3 = read_be64((void *)r3);
	read_log(&log, (void *)(r3 + 8));
	frame->gpr[3] = saved_r3;
	checks++;
	check_equal(R17, (u32)nmi_interlock(), 0, "status");
	leave_run(frame);
}

static void arrived_in_loop(struct frame *frame)
{
	r3 = frame->gpr[3];
	saved_r3 = read_be64((void *)r3);
	read_log(&log, (void *)(r3 + 8));
	check_equal(R13, frame->msr, MSR_BARE, "MSR");
	check_equal(R13, saved_r3, spin.in.gpr[3], "what R3 points to");
	check(R13, frame->srr0 >= (u64)spin_loop && frame->srr0 < (u64)spin_end, "SRR0 is outside the loop");
	check_equal(R13, frame->srr1 & ~SRR1_CAUSE, spin.in.msr, "SRR1");
	check_registers_kept(R13, &spin, frame);
	frame->gpr[3] = saved_r3;
	checks++;
	/* Requirement 19: other calls, and whoever else calls it, leave the buffer alone. */
	check_equal(R19, (u32)rtas("query-cpu-stopped-state", 1, 1, (u32[1]){ 0 }, (u32[1]){ 0 }), 0, "another call");
	check_equal(R19, read_be64((void *)r3), spin.in.gpr[3], "what R3 points to after another call");
	check_equal(R17, (u32)nmi_interlock(), 0, "status");
	spin.flag = 1;
}

static void reset_in_loop(struct frame *frame)
{
	u64 at = frame->gpr[3];

	resets++;
	check_equal(R9, frame->msr, MSR_BARE, "MSR");
	check_equal(R9, read_be64((void *)at), spin.in.gpr[3], "what R3 points to");
	check(R9, frame->srr0 >= (u64)spin_loop && frame->srr0 < (u64)spin_end, "SRR0 is outside the loop");
	check_equal(R9, frame->srr1, spin.in.msr, "SRR1");
	check_registers_kept(R9, &spin, frame);
	frame->gpr[3] = spin.in.gpr[3];
	spin.flag = 1;
}

static void register_routines(void)
{
	check_equal(R4, (u32)nmi_register((u64)system_reset_routine, (u64)machine_check_routine), 0, "status");
}

/* ---- registration: requirements 2, 3, 4, 6 ---- */

CODE(load_it, "ld 4,0(3); trap");
CODE(forever, "1: b 1b");

static void load_nothing(void)
{
	run(load_it, MSR_BARE | MSR_RI, NOTHING, 0, 0, 0);
}

static u32 try(const char *name, u64 system_reset, u64 machine_check)
{
	const u32 args[2] = { (u32)system_reset, (u32)machine_check };

	return (u32)rtas(name, 2, 0, args, NULL);
}

static void test_registration(void)
{
	static const char *const calls[] = { "ibm,nmi-register", "ibm,nmi-register-2" };
	const u64 ok = (u64)machine_check_routine;

	check(R2, fdt_property("/rtas", "ibm,nmi-register", NULL) != NULL, "no such property");
	check(R2, fdt_property("/rtas", "ibm,nmi-interlock", NULL) != NULL, "no ibm,nmi-interlock");
	on_machine_check = arrived;
	register_routines();
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
		check_equal(R4, try(calls[i], ok + 2, ok), PARAMETER_ERROR, "status for one that is not aligned");
		check_equal(R4, try(calls[i], ok, ok + 1), PARAMETER_ERROR, "status for one that is not aligned");
		check_equal(R6, try(calls[i], LIMIT, ok), PARAMETER_ERROR, "status for a system reset routine at 32 MiB");
		check_equal(R6, try(calls[i], ok, LIMIT), PARAMETER_ERROR, "status for a machine check routine at 32 MiB");
		check_equal(R6, try(calls[i], ok, 0xfffffffc), PARAMETER_ERROR, "status for one far above");
	}
	checks = 0;
	load_nothing();
	check_equal(R4, checks, 1, "machine checks at the routine registered before");
	check(R4, r3 >= rtas_base, "a refused ibm,nmi-register-2 has moved the error area");

	check_equal(R3, try("ibm,nmi-register-2", (u64)system_reset_routine, ok), 0, "status");
	checks = 0;
	load_nothing();
	check_equal(R3, checks, 1, "machine checks");
	check(R3, r3 >= 0x7000 && r3 + 16 <= 0x8000, "R3 is not in page 7");
	check_equal(R3, saved_r3, NOTHING, "what R3 points to");
	check_equal(R6, try("ibm,nmi-register", LIMIT - 4, LIMIT - 4), 0, "status for the last word below 32 MiB");
	register_routines();
	checks = 0;
	load_nothing();
	check_equal(R3, checks, 1, "machine checks after the other registration");
	check(R3, r3 >= rtas_base && r3 + 16 <= rtas_base + rtas_size, "R3 is not in the RTAS area");
}

/* ---- events: requirements 1, 7 to 14, 17 ---- */

static u64 checksum(void)
{
	u64 sum = 0;

	for (const u64 *p = (const u64 *)(vectors + 0x100); p < (const u64 *)(vectors + 0x300); p++)
		sum = sum * 3 + *p;
	for (const u64 *p = (const u64 *)0x7000; p < (const u64 *)0x8000; p++)
		sum = sum * 3 + *p;
	return sum;
}

static void own_machine_checks(void)
{
	u64 before = checksum(), from;

	on_machine_check = arrived;
	checks = 0;
	from = mfspr(SPR_TB);
	load_nothing();
	check_equal(R10, checks, 1, "machine checks of this CPU");
	check_equal(R10, caught.srr0, (u64)load_it, "SRR0");
	check_equal(R1, checks, 1, "machine checks");
	check_equal(R1, log.version, 6, "the log's version");
	check(R1, r3 >= rtas_base && r3 + 16 <= rtas_base + rtas_size, "R3 is not in the RTAS area");
	check_equal(R12, log.severity, ERROR_SYNC, "severity");
	check_equal(R12, log.disposition, 2, "disposition");
	check(R12, log.has_mc, "there is no MC section");
	check_equal(R12, log.processor, this_cpu(), "processor");
	check_equal(R12, log.error_type, UE, "error type");
	check_equal(R12, log.subtype & 7, UE_LOAD_STORE, "subtype");
	if (log.subtype & 0x40)
		check_equal(R12, log.effective_address, NOTHING, "effective address");

	/* Requirement 14, by the time base. */
	u64 took = entered_at - from;

	from = mfspr(SPR_TB);
	rtas("check-exception", 6, 0, (u32[6]){ 0x200, 0, ~0u, 1, (u32)(u64)&spin, 64 }, NULL);
	check(R14, took <= mfspr(SPR_TB) - from, "it took longer");

	run((void *)NOTHING, MSR_BARE | MSR_RI, 0, 0, 0, 0);
	check_equal(R12, log.subtype & 7, UE_IFETCH, "subtype of a fetch");
	check_equal(R12, log.effective_address, NOTHING, "effective address of a fetch");
	check_equal(R7, checksum(), before, "checksum");
}

static void injected_machine_check(void)
{
	u64 before = checksum();

	on_machine_check = arrived_in_loop;
	checks = 0;
	spin_prepare(&spin, 7 + this_cpu(), MSR_BARE | MSR_RI);
	tell("@inject machine-check --cpu %u --type TLB --ea 0x123456780000\n", this_cpu());
	spin_in(&spin);
	check_went_on(R13, &spin);
	check_equal(R10, checks, 1, "machine checks");
	check_equal(R12, log.error_type, TLB, "error type");
	check_equal(R12, log.disposition, 0, "disposition");
	check_equal(R12, log.effective_address, 0x123456780000, "effective address");
	check_equal(R7, checksum(), before, "checksum");
}

static void system_reset_from_outside(void)
{
	u64 before = checksum();

	on_system_reset = reset_in_loop;
	resets = 0;
	/* MSR[EE]=0 */
	spin_prepare(&spin, 20 + this_cpu(), MSR_BARE | MSR_RI);
	tell("@inject system-reset --cpu %u\n", this_cpu());
	spin_in(&spin);
	check_went_on(R9, &spin);
	check_equal(R8, resets, 1, "system resets");
	check_equal(R11, resets, 1, "system resets");
	check_equal(R7, checksum(), before, "checksum");
}

/* ---- the interlock: requirements 17, 18 ---- */

static u64 ticks_of(int (*call)(void))
{
	u64 from = mfspr(SPR_TB);

	call();
	return mfspr(SPR_TB) - from;
}

static int another_call(void)
{
	return rtas("query-cpu-stopped-state", 1, 1, (u32[1]){ 0 }, (u32[1]){ 0 });
}

static void test_interlock(void)
{
	u64 other = ticks_of(another_call);

	/* Without an event: 0 too, and nothing changes. */
	check_equal(R17, (u32)nmi_interlock(), 0, "status without an event");
	check(R18, ticks_of(nmi_interlock) <= 2 * other, "it took longer than twice another call");
}

/* ---- requirement 5 ---- */

static void wreck(u8 *at, unsigned size)
{
	memset(at, 0, size);
	for (unsigned i = 0; i < size; i += 64)
		flush_code(at + i);
}

static void test_vectors(void)
{
	static u8 before[0x200];

	memcpy(before, vectors + 0x100, sizeof(before));
	wreck(vectors + 0x100, 0x200);
	wreck((u8 *)0x7000, 0x1000);
	checks = resets = 0;
	on_machine_check = arrived;
	tell("@inject machine-check\n");
	run(forever, MSR_BARE | MSR_RI, 0, 0, 0, 0);
	on_system_reset = reset_in_loop;
	spin_prepare(&spin, 30, MSR_BARE | MSR_RI);
	/* Delivered without the trampoline that is no longer there. */
	spin.in.sprg[2] = spin.in.gpr[3];
	tell("@inject system-reset\n");
	spin_in(&spin);
	check_equal(R5, checks, 1, "machine checks");
	check_equal(R5, resets, 1, "system resets");
	memcpy(vectors + 0x100, before, sizeof(before));
	for (unsigned i = 0; i < sizeof(before); i += 64)
		flush_code(vectors + 0x100 + i);
}

/* ---- several CPUs: requirements 16, 18, 19 ---- */

#ifndef UNIPROCESSOR

static volatile unsigned hold, arrivals, served[CPUS];

static void held(struct frame *frame)
{
	unsigned cpu = this_cpu();
	u64 at = frame->gpr[3], first = read_be64((void *)at);

	arrivals++;
	while (cpu == 1 && hold)
		;
	check_equal(R19, read_be64((void *)at), first, "what R3 points to while others wait");
	frame->gpr[3] = first;
	served[cpu]++;
	check_equal(R17, (u32)nmi_interlock(), 0, "status");
	leave_run(frame);
}

static struct frame frames[CPUS];

static void run_forever(void)
{
	run(forever, MSR_BARE | MSR_RI, 0x1000 + this_cpu(), 0, 0, 0);
	frames[this_cpu()] = caught;
}

static void test_waiting(void)
{
	on_machine_check = held;
	hold = 1;
	arrivals = 0;
	work[1] = work[2] = run_forever;
	ask("@queue machine-check --cpu 1");
	while (arrivals != 1)
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
	ask("@queue machine-check --cpu 2");
	ask("@await 2 waiting-for-interlock");
	/* While one holds the buffer and one waits for it, the others' calls go on, the interlock among them. */
	for (unsigned i = 0; i < 100; i++) {
		check_equal(R18, (u32)another_call(), 0, "status of another call");
		check_equal(R18, (u64)hcall4(H_CPPR, 0, 0, 0, 0), 0, "H_CPPR");
	}
	check_equal(R19, (u32)nmi_interlock(), 0, "status for a CPU without an event");
	for (volatile unsigned i = 0; i < 100000; i++)
		;
	check_equal(R19, arrivals, 1, "CPUs in the routine");
	hold = 0;
	wait_for_work(1);
	wait_for_work(2);
	check_equal(R19, arrivals, 2, "CPUs that came to the routine");
	check_equal(R18, served[1] + served[2], 2, "interlocks");
}

static void test_unsafe(void)
{
	static u8 buffer[2048];
	const u32 scan[4] = { ~0u, 0, (u32)(u64)buffer, sizeof(buffer) }, start[3] = { 3, (u32)(u64)start_secondary, 3 };
	struct log notice;

	check_equal(R16, (u32)rtas("event-scan", 4, 0, scan, NULL), 1, "event-scan before");
	work[3] = run_forever;
	ask("@queue machine-check --cpu 3 --unsafe");
	ask("@await 3 stopped");
	check_equal(R16, (u32)rtas("event-scan", 4, 0, scan, NULL), 0, "event-scan");
	read_log(&notice, buffer);
	check_equal(R16, notice.severity, FATAL, "severity");
	check_equal(R16, notice.disposition, 2, "disposition");
	check_equal(R16, notice.processor, 3, "processor");
	check_equal(R16, (u32)rtas("event-scan", 4, 0, scan, NULL), 1, "event-scan once more");
	check_equal(R16, (u32)rtas("start-cpu", 3, 0, start, NULL), (u32)-1, "start-cpu");
	check_equal(R16, (u64)hcall4(H_SIGNAL_SYS_RESET, 3, 0, 0, 0), (u64)H_PARAMETER, "H_SIGNAL_SYS_RESET");
}

#endif

/* ---- requirement 15, and last: nothing is as before ---- */

static void already(void)
{
	on_machine_check = arrived;
	checks = 0;
	load_nothing();
	check_equal(R15, checks, 1, "machine checks");
	check_equal(R15, log.severity, ALREADY_REPORTED, "severity");
	check_equal(R15, log.extended, false, "an extended part");
}

static void test_fatal(void)
{
#ifdef UNIPROCESSOR
	on_machine_check = arrived_in_loop;
	spin_prepare(&spin, 40, MSR_BARE | MSR_RI);
	tell("@inject machine-check --type UE --severity fatal\n");
	spin_in(&spin);
	check_equal(R15, log.severity, FATAL, "severity of the first");
	each_cpu(already, 1);
#else
	/* What event-scan has said of the unsafe CPU, which is stopped, was fatal. */
	each_cpu(already, CPUS - 1);
#endif
}

void payload(void)
{
	if (nr_cpus != CPUS)
		bail_out("another number of CPUs is needed");
	interrupts_in_own_endian();
	on_secondary = other_cpu;
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		start_cpu(cpu);
	test_registration();
	each_cpu(own_machine_checks, CPUS);
	each_cpu(injected_machine_check, CPUS);
	each_cpu(system_reset_from_outside, CPUS);
	test_interlock();
	test_vectors();
#ifndef UNIPROCESSOR
	test_waiting();
	test_unsafe();
#endif
	test_fatal();
}
