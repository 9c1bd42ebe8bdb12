/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LoPAR's FWNMI requirements R1-7.3.14-1 to -19 and the promises in their text, one sentence each,
 * as a guest sees them on one CPU (conformance_up.c) or on four. What must hold on every CPU is
 * tested on each in turn.
 */
#include "payload.h"

#define R1 "r1_registration_event_log_and_interlock_make_one_cycle"
#define R2 "r2_the_rtas_node_has_ibm_nmi_register"
#define R3 "r3_ibm_nmi_register_2_puts_the_error_area_into_real_page_7"
#define R4 "r4_registration_answers_0_or_minus_3_and_a_refused_one_changes_nothing"
#define R5 "r5_what_the_guest_does_to_the_vectors_and_page_7_keeps_no_event_from_its_routine"
#define R6 "r6_routines_at_or_above_32_mib_are_refused"
#define R7 "r7_events_store_nothing_at_the_vectors_or_in_page_7"
#define R8 "r8_a_system_reset_of_each_cpu_enters_the_registered_routine"
#define R9 \
	"r9_the_system_reset_routine_is_entered_in_real_mode_with_all_registers_but_r3_as_they_were"
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
#define P1  "prose_cpus_that_follow_wait_for_the_interlock_in_their_order"
#define P3  "prose_later_logs_come_by_the_call_they_are_for_once_and_in_their_order"

const char *const sentences[] = { R1,  R2,  R3,	 R4,  R5,  R6,	R7,  R8,
				  R9,  R10, R11, R12, R13, R14, R15,
#ifndef UNIPROCESSOR
				  R16, P1, /* these need a second CPU */
#endif
				  R17, R18, R19, P3,  NULL };

#ifdef UNIPROCESSOR
#define CPUS 1
#else
#define CPUS 4
#endif
#define LIMIT	      0x2000000u
#define UE_LOAD_STORE 3
#define UE_IFETCH     1
/* A real address without memory. */
#define NOTHING	      (memory_size + 0x10000)

#define UNRECOVERABLE	     0x40
#define RECOVERABLE	     0x20
#define DEGRADED	     0x10
#define PREDICTIVE	     0x08
/* The header's other flags. */
#define VALID_NEW_BIG_ENDIAN 0x86
#define PLATFORM_EVENT	     0x8e
#define SECTION(a, b)	     ((a) << 8 | (b))
/* As different as possible from the MSR of an interrupt routine. */
#define KERNEL		     (MSR_BARE | MSR_RI | MSR_IR | MSR_DR | MSR_EE)
#define USER		     (KERNEL | MSR_PR)
#define USER_PID	     1

static struct spin spin;
static struct log log;
static u64 r3, saved_r3, entered_at;
static u32 last_id;
static volatile unsigned checks, resets;
static u64 reset_r3, reset_saved_r3;

/* Is the time base the host's, and so no measure? The command line says it. */
static bool untimed(void)
{
	return bootargs()[0] == 'u';
}

/* ---- work for the other CPUs ---- */

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

/* Calls @what on each CPU in turn. */
static void each_cpu(void (*what)(void), unsigned count)
{
	what();
	for (unsigned cpu = 1; cpu < count; cpu++) {
		work[cpu] = what;
		wait_for_work(cpu);
	}
}

/* ---- the registered routines ---- */

static void arrived(struct frame *frame)
{
	entered_at = mfspr(SPR_TB);
	r3 = frame->gpr[3];
	saved_r3 = read_be64((void *)r3);
	read_log(&log, (void *)(r3 + 8));
	frame->gpr[3] = saved_r3;
	checks++;
	check_equal(R17, (u32)nmi_interlock(), 0, "status");
	check_equal(R18, read_be64((void *)r3), saved_r3, "what R3 points to after the interlock");
	leave_run(frame);
}

/* Checks what an OS can rely on in any log that is not "already reported". */
static void check_sections(const struct log *l)
{
	static const unsigned sections[] = { SECTION('P', 'H'), SECTION('U', 'H'),
					     SECTION('P', 'S'), SECTION('M', 'C') };

	check_equal(R13, l->version, 6, "the log's version");
	check_equal(R13, l->type, 0xe0, "the log's type");
	check(R13, l->extended, "no extended part");
	check_equal(R13, l->format, PLATFORM_EVENT, "the log's format");
	check(R13, l->of_ibm, "the log is not of IBM's format");
	check_equal(R13, l->nr_sections, l->has_mc ? 4 : 3, "sections");
	for (unsigned i = 0; i < l->nr_sections && i < ARRAY_SIZE(sections); i++)
		check_equal(R13, l->sections[i], sections[i], "a section");
	check_equal(R13, l->section_count, l->nr_sections, "sections by Main-A");
	check_equal(R13, l->creator, 'H', "creator");
	check(R13, l->id > last_id, "the log's id is not a new one");
	last_id = l->id;
	check_equal(R13, l->src_version, 2, "version of the primary SRC");
	check_equal(R13, l->reference_code >> 32, 0x46574d43, "reference code: FWMC");
}

/* Checks the flags, Main-B severity and action of the three dispositions. */
static void check_disposition(const struct log *l, unsigned disposition)
{
	static const unsigned flags[] = { RECOVERABLE, DEGRADED, UNRECOVERABLE },
			      severity[] = { 0x10, 0x21, 0x40 },
			      action[] = { 0x2000, 0x2000, 0xa000 };

	check_equal(R12, l->disposition, disposition, "disposition");
	check_equal(R12, l->flags, VALID_NEW_BIG_ENDIAN | flags[disposition], "flags");
	check_equal(R12, l->event_severity, severity[disposition], "event severity");
	check_equal(R12, l->action, action[disposition], "action flags");
}

static u64 loop_cause;

static void arrived_in_loop(struct frame *frame)
{
	r3 = frame->gpr[3];
	saved_r3 = read_be64((void *)r3);
	read_log(&log, (void *)(r3 + 8));
	check_equal(R13, frame->msr, MSR_BARE, "MSR");
	check_equal(R13, saved_r3, spin.in.gpr[3], "what R3 points to");
	check(R13, frame->srr0 >= (u64)spin_loop && frame->srr0 < (u64)spin_end,
	      "SRR0 is outside the loop");
	check_equal(R13, frame->srr1, (spin.in.msr & ~SRR1_CAUSE) | loop_cause, "SRR1");
	check_equal(R13, r3 % 16, 0, "R3's alignment");
	check_sections(&log);
	check_registers_kept(R13, &spin, frame);
	frame->gpr[3] = saved_r3;
	checks++;
	/* Requirement 19: neither other calls nor other callers release the buffer. */
	check_equal(R19, (u32)rtas("query-cpu-stopped-state", 1, 1, (u32[1]){ 0 }, (u32[1]){ 0 }),
		    0, "another call");
	check_equal(R19, read_be64((void *)r3), spin.in.gpr[3],
		    "what R3 points to after another call");
	check_equal(R17, (u32)nmi_interlock(), 0, "status");
	spin.flag = 1;
}

static void reset_in_loop(struct frame *frame)
{
	u64 at = frame->gpr[3];

	resets++;
	check_equal(R9, frame->msr, MSR_BARE, "MSR");
	check_equal(R9, read_be64((void *)at), spin.in.gpr[3], "what R3 points to");
	check(R9, at % 16 == 0 && at >= rtas_base && at + 16 <= rtas_base + rtas_size,
	      "R3 is not in the RTAS area");
	check(R9, frame->srr0 >= (u64)spin_loop && frame->srr0 < (u64)spin_end,
	      "SRR0 is outside the loop");
	check_equal(R9, frame->srr1, spin.in.msr, "SRR1");
	check_registers_kept(R9, &spin, frame);
	frame->gpr[3] = spin.in.gpr[3];
	spin.flag = 1;
}

/* A system reset of code that run() started. */
static void reset_in_run(struct frame *frame)
{
	reset_r3 = frame->gpr[3];
	reset_saved_r3 = read_be64((void *)reset_r3);
	frame->gpr[3] = reset_saved_r3;
	resets++;
	leave_run(frame);
}

static void register_routines(void)
{
	check_equal(R4, (u32)nmi_register((u64)system_reset_routine, (u64)machine_check_routine), 0,
		    "status");
}

/* ---- registration: requirements 2, 3, 4, 6 ---- */

CODE(load_it, "ld 4,0(3); trap");
CODE(forever, "1: b 1b");
CODE(signal_self, "mfspr 4,1023; li 3,0x380; sc 1; trap");

static void load_nothing(void)
{
	run(load_it, MSR_BARE | MSR_RI, NOTHING, 0, 0, 0);
}

static u32 try(const char *name, u64 system_reset, u64 machine_check)
{
	const u32 args[2] = { (u32)system_reset, (u32)machine_check };

	return (u32)rtas(name, 2, 0, args, NULL);
}

/* Checks which routines were registered last, and where their R3 points. */
static void check_registration(const char *sentence, u64 base, u64 size)
{
	on_machine_check = arrived;
	on_system_reset = reset_in_run;
	checks = resets = 0;
	load_nothing();
	check_equal(sentence, checks, 1, "machine checks at the routine");
	check(sentence, r3 >= base && r3 + 16 <= base + size, "R3 of a machine check is elsewhere");
	check_equal(sentence, saved_r3, NOTHING, "what R3 points to");
	run(signal_self, MSR_BARE | MSR_RI, 0, 0, 0, 0);
	check_equal(sentence, resets, 1, "system resets at the routine");
	check(sentence, reset_r3 >= base && reset_r3 + 16 <= base + size,
	      "R3 of a system reset is elsewhere");
	check(sentence, reset_r3 >= r3 + 16 || reset_r3 + 16 <= r3,
	      "R3 is that of a machine check");
	check_equal(sentence, reset_saved_r3, 0,
		    "what R3 of a system reset points to: the call's result");
}

static void test_registration(void)
{
	static const char *const calls[] = { "ibm,nmi-register", "ibm,nmi-register-2" };
	const u64 ok = (u64)machine_check_routine;

	check(R2, fdt_property("/rtas", "ibm,nmi-register", NULL) != NULL, "no such property");
	check(R2, fdt_property("/rtas", "ibm,nmi-interlock", NULL) != NULL, "no ibm,nmi-interlock");
	check(R2, rtas_token("ibm,nmi-register") != rtas_token("ibm,nmi-interlock"),
	      "one token for two calls");
	check(R3, rtas_token("ibm,nmi-register") != rtas_token("ibm,nmi-register-2"),
	      "one token for two calls");
	register_routines();
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
		check_equal(R4, try(calls[i], ok + 2, ok), PARAMETER_ERROR,
			    "status for one that is not aligned");
		check_equal(R4, try(calls[i], ok, ok + 1), PARAMETER_ERROR,
			    "status for one that is not aligned");
		check_equal(R6, try(calls[i], LIMIT, ok), PARAMETER_ERROR,
			    "status for a system reset routine at 32 MiB");
		check_equal(R6, try(calls[i], ok, LIMIT), PARAMETER_ERROR,
			    "status for a machine check routine at 32 MiB");
		for (u64 at = LIMIT; at < 1ull << 32; at += LIMIT) {
			check_equal(R6, try(calls[i], at + 4, ok), PARAMETER_ERROR,
				    "status for one above");
			check_equal(R6, try(calls[i], ok, at | (LIMIT - 4)), PARAMETER_ERROR,
				    "status for one above");
		}
	}
	/* No routine can overlap the trampolines. */
	if (by_trampoline()) {
		check_equal(R6, try("ibm,nmi-register", 0x100, ok), PARAMETER_ERROR,
			    "status for a trampoline's place");
		check_equal(R6, try("ibm,nmi-register", ok, 0x2fc), PARAMETER_ERROR,
			    "status for a trampoline's place");
	}
	check_registration(R4, rtas_base, rtas_size);
	check_equal(R3, try("ibm,nmi-register-2", (u64)system_reset_routine, ok), 0, "status");
	check_registration(R3, 0x7000, 0x1000);
	check_equal(R6, try("ibm,nmi-register", LIMIT - 4, LIMIT - 4), 0,
		    "status for the last word below 32 MiB");
	register_routines();
	check_registration(R3, rtas_base, rtas_size);
}

/* ---- events: requirements 1, 7 to 14, 17 ---- */

/* Sums up all memory below the area that our routines store to, and page 7. */
static u64 checksum(void)
{
	return sum_up(sum_up(0, (u64)vectors, (u64)vectors + OTHER_ENDIAN_AREA), 0x7000, 0x8000);
}

/* Fills page 7 with a pattern that no event would store. */
static void fill_page_7(void)
{
	for (u64 *p = (u64 *)0x7000; p < (u64 *)0x8000; p++)
		*p = (u64)p * 0x123456789abcdefull;
}

static void own_machine_checks(void)
{
	u64 before, from;

	fill_page_7();
	before = checksum();
	on_machine_check = arrived;
	checks = 0;
	from = mfspr(SPR_TB);
	load_nothing();
	check_equal(R10, checks, 1, "machine checks of this CPU");
	check_equal(R10, caught.srr0, (u64)load_it, "SRR0");
	check_equal(R1, checks, 1, "machine checks");
	check_equal(R1, log.version, 6, "the log's version");
	check(R1, r3 >= rtas_base && r3 + 16 <= rtas_base + rtas_size,
	      "R3 is not in the RTAS area");
	check_equal(R12, log.severity, ERROR_SYNC, "severity");
	check_disposition(&log, 2);
	check_sections(&log);
	check_equal(R12, log.initiator, 1, "initiator");
	check(R12, log.has_mc, "there is no MC section");
	check_equal(R12, log.processor, this_cpu(), "processor");
	check_equal(R12, log.error_type, UE, "error type");
	check_equal(R12, log.subtype & 7, UE_LOAD_STORE, "subtype");
	if (log.subtype & 0x40)
		check_equal(R12, log.effective_address, NOTHING, "effective address");

	/* Requirement 14, measured by the time base. */
	u64 took = entered_at - from;

	from = mfspr(SPR_TB);
	rtas("check-exception", 6, 0, (u32[6]){ 0x200, 0, ~0u, 1, (u32)(u64)&spin, 64 }, NULL);
	check(R14, untimed() || took <= mfspr(SPR_TB) - from, "it took longer");

	run((void *)NOTHING, MSR_BARE | MSR_RI, 0, 0, 0, 0);
	check_equal(R12, log.subtype & 7, UE_IFETCH, "subtype of a fetch");
	check_equal(R12, log.effective_address, NOTHING, "effective address of a fetch");
	check_equal(R7, checksum(), before, "checksum");
}

#define NO_SECTION 3 /* an unknown error has no MC section */

static const struct event {
	const char *inject;
	u64 msr, cause, ea, la;
	unsigned type, subtype, severity, disposition, initiator;
} events[] = {
	{ "--type TLB --ea 0x123456780000", MSR_BARE | MSR_RI, LOAD_STORE, 0x123456780000, 0, TLB,
	  0x80 | 2, ERROR_SYNC, 0, 1 },
	{ "--type UE --ea 0xd00000000badcafe --logical-address 0x345678 --disposition not-recovered --initiator memory",
	  KERNEL, LOAD_STORE, 0xd00000000badcafe, 0x345678, UE, 0x80 | 0x40 | 0x20 | UE_LOAD_STORE,
	  ERROR_SYNC, 2, 4 },
	{ "--type UE --subtype ifetch --permanent --disposition limited-recovery --severity warning",
	  MSR_BARE | MSR_RI | MSR_EE, 0x40000, 0, 0, UE, UE_IFETCH, 2, 1, 1 },
	{ "--type D-cache --severity error", KERNEL, 0, 0, 0, D_CACHE, 0, 4, 0, 1 },
	{ "--type unknown", MSR_BARE | MSR_RI, 0, 0, 0, NO_SECTION, 0, ERROR_SYNC, 0, 1 },
};

static void injected_machine_check(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(events); i++) {
		const struct event *e = &events[i];
		u64 before;

		fill_page_7();
		before = checksum();
		on_machine_check = arrived_in_loop;
		checks = 0;
		loop_cause = e->cause;
		spin_prepare(&spin, 7 + this_cpu(), e->msr);
		tell("@inject machine-check --cpu %u %s\n", this_cpu(), e->inject);
		spin_in(&spin);
		check_went_on(R13, &spin);
		check_equal(R10, checks, 1, "machine checks");
		check_equal(R12, log.severity, e->severity, "severity");
		check_disposition(&log, e->disposition);
		check_equal(R12, log.initiator, e->initiator, "initiator");
		check_equal(R12, log.subsystem, e->type == UE ? 0x20 : 0x10, "subsystem");
		check_equal(R12, log.has_mc, e->type != NO_SECTION, "an MC section");
		if (!log.has_mc)
			continue;
		check_equal(R12, log.processor, this_cpu(), "processor");
		check_equal(R12, log.error_type, e->type, "error type");
		check_equal(R12, log.subtype, e->subtype, "subtype byte");
		check_equal(R12, log.effective_address, e->ea, "effective address");
		check_equal(R12, log.logical_address, e->la, "logical address");
		check_equal(R7, checksum(), before, "checksum");
	}
}

static void system_reset_from_outside(void)
{
	static const u64 msrs[] = { MSR_BARE | MSR_RI,
				    KERNEL }; /* MSR[EE]=0; translation and MSR[EE] on */

	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++) {
		u64 before;

		fill_page_7();
		before = checksum();
		on_system_reset = reset_in_loop;
		resets = 0;
		spin_prepare(&spin, 20 + this_cpu(), msrs[i]);
		tell("@inject system-reset --cpu %u\n", this_cpu());
		spin_in(&spin);
		check_went_on(R9, &spin);
		check_equal(R8, resets, 1, "system resets");
		check_equal(R11, resets, 1, "system resets");
		check_equal(R7, checksum(), before, "checksum");
	}
}

/* In problem state, which the routines must not inherit. */
static void events_in_problem_state(void)
{
	on_machine_check = arrived;
	on_system_reset = reset_in_run;
	checks = resets = 0;
	mtspr(SPR_PIDR, USER_PID);
	tell("@inject machine-check --cpu %u\n", this_cpu());
	run(forever, USER, 0x1234, 0, 0, 0);
	check_equal(R10, checks, 1, "machine checks in problem state");
	check_equal(R13, caught.msr, MSR_BARE, "MSR");
	check_equal(R13, caught.srr0, (u64)forever, "SRR0");
	check_equal(R13, caught.srr1 & ~SRR1_CAUSE, USER, "SRR1");
	check_equal(R13, saved_r3, 0x1234, "what R3 points to");
	tell("@inject system-reset --cpu %u\n", this_cpu());
	run(forever, USER, 0x5678, 0, 0, 0);
	check_equal(R8, resets, 1, "system resets in problem state");
	check_equal(R9, caught.msr, MSR_BARE, "MSR");
	check_equal(R9, caught.srr0, (u64)forever, "SRR0");
	check_equal(R9, caught.srr1, USER, "SRR1");
	check_equal(R9, reset_saved_r3, 0x5678, "what R3 points to");
	mtspr(SPR_PIDR, 0);
}

/* ---- system resets that CPUs signal: requirements 8, 9 and 11 ---- */

static volatile unsigned signalled[CPUS];
static u64 signal_r3[CPUS], signal_saved_r3[CPUS], signal_msr[CPUS];

/* Called from system_reset_routine_smp. */
static void signal_arrived(struct frame *frame)
{
	unsigned cpu = this_cpu();

	if (frame->vector != 0x100)
		bail_out("an interrupt that is no system reset");
	signal_r3[cpu] = frame->gpr[3];
	signal_saved_r3[cpu] = read_be64((void *)frame->gpr[3]);
	signal_msr[cpu] = frame->msr;
	frame->gpr[3] = signal_saved_r3[cpu];
	barrier();
	signalled[cpu]++;
}

static void pause(void)
{
	for (unsigned i = 0; i < 20 * CPUS; i++)
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
}

/*
 * Let a CPU take its @nth system reset. If the CPUs run at the same time, the next one could come
 * in the middle of the routine, and it would lose SRR0 and SRR1.
 */
static void await_signal(unsigned cpu, unsigned nth)
{
	for (unsigned i = 0; i < 1000000 && signalled[cpu] < nth; i++)
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
}

/* Checks that exactly the CPUs of @mask had one system reset. */
static void check_signalled(unsigned mask)
{
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		await_signal(cpu, mask >> cpu & 1);
	pause();
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		check_equal(R11, signalled[cpu], mask >> cpu & 1, "system resets of a CPU");
		check_equal(R8, signalled[cpu], mask >> cpu & 1, "system resets of a CPU");
		signalled[cpu] = 0;
		if (!(mask >> cpu & 1))
			continue;
		check_equal(R9, signal_msr[cpu], MSR_BARE, "MSR");
		check(R9,
		      signal_r3[cpu] >= rtas_base && signal_r3[cpu] + 16 <= rtas_base + rtas_size,
		      "R3 is not in the RTAS area");
		for (unsigned other = 0; other < cpu; other++) {
			u64 a = signal_r3[other], b = signal_r3[cpu];

			if (mask >> other & 1)
				check(R9, a >= b + 16 || a + 16 <= b, "two CPUs share a slot");
		}
	}
}

static void send(s64 target)
{
	check_equal(R11, (u64)hcall4(H_SIGNAL_SYS_RESET, (u64)target, 0, 0, 0), 0,
		    "H_SIGNAL_SYS_RESET");
}

static void signal_all(void)
{
	const unsigned all = (1u << CPUS) - 1;

	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		send(cpu);
		check_signalled(1u << cpu);
	}
	send(-1);
	check_signalled(all);
	send(-2);
	check_signalled(all & ~(1u << this_cpu()));
	check_equal(R11, (u64)hcall4(H_SIGNAL_SYS_RESET, CPUS, 0, 0, 0), (u64)H_PARAMETER,
		    "a CPU that is not there");
	check_equal(R11, (u64)hcall4(H_SIGNAL_SYS_RESET, (u64)-3, 0, 0, 0), (u64)H_PARAMETER,
		    "an absurd target");
	check_signalled(0);
}

#ifndef UNIPROCESSOR
static volatile s64 cede_result;

static void cede(void)
{
	park_decrementer();
	cede_result = hcall4(H_CEDE, 0, 0, 0, 0);
}
#endif

static void test_signals(void)
{
	on_interrupt = signal_arrived;
	check_equal(R4,
		    (u32)nmi_register((u64)system_reset_routine_smp, (u64)machine_check_routine), 0,
		    "status");
	each_cpu(signal_all, CPUS);
#ifndef UNIPROCESSOR
	cede_result = 1;
	work[2] = cede;
	ask("@await 2 idle");
	send(2);
	wait_for_work(2);
	check_equal(R11, (u64)cede_result, 0, "H_CEDE that a system reset has ended");
	check_signalled(1u << 2);
#endif
	register_routines();
}

/* ---- later logs: event-scan and check-exception ---- */

#define NO_LOG		0x100
#define INTERNAL_ERRORS 0x80000000u
#define EPOW		0x40000000u

/* Returns byte 2 of the log from event-scan, which identifies the log here, or NO_LOG. */
static unsigned later_scan(u32 classes)
{
	static u8 buffer[64];
	const u32 args[4] = { classes, 0, (u32)(u64)buffer, sizeof(buffer) };
	u32 status;

	memset(buffer, 0, sizeof(buffer));
	status = (u32)rtas("event-scan", 4, 0, args, NULL);
	check(P3, status <= 1, "status of event-scan");
	check_equal(P3, buffer[0], status ? 0 : 6, "the log's version");
	return status ? NO_LOG : buffer[2];
}

static unsigned later_check(u32 classes)
{
	static u8 buffer[64];
	const u32 args[6] = { 0x500, 0, classes, 0, (u32)(u64)buffer, sizeof(buffer) };
	u32 status = (u32)rtas("check-exception", 6, 0, args, NULL);

	check(P3, status <= 1, "status of check-exception");
	return status ? NO_LOG : buffer[2];
}

static void test_later_logs(void)
{
	/* Two logs in the first sequence of calls after boot, one in each later sequence. */
	ask("@event event-scan internal-errors 062010e200000000");
	ask("@event event-scan internal-errors 064020e200000000");
	ask("@event event-scan internal-errors 062030e200000000");
	check_equal(P3, later_scan(~0u), 0x10, "the first log");
	check_equal(P3, later_scan(~0u), 0x20, "the second log");
	check_equal(P3, later_scan(~0u), NO_LOG, "the end of the first sequence");
	check_equal(P3, later_scan(~0u), 0x30, "the third log");
	check_equal(P3, later_scan(~0u), NO_LOG, "the end of the second sequence");
	check_equal(P3, later_scan(~0u), NO_LOG, "a log that is left over");
	/* Each call returns its own logs, of the classes in the mask. */
	ask("@event event-scan epow 062040e200000000");
	ask("@event event-scan internal-errors 064050e200000000");
	ask("@event event-scan internal-errors 062060e200000000");
	ask("@event check-exception epow 062070e200000000");
	check_equal(P3, later_check(INTERNAL_ERRORS), NO_LOG, "check-exception for another class");
	check_equal(P3, later_scan(INTERNAL_ERRORS), 0x50, "the first log of internal errors");
	check_equal(P3, later_scan(INTERNAL_ERRORS), NO_LOG, "a second log in a later sequence");
	check_equal(P3, later_scan(EPOW), 0x40, "the log of the other class");
	check_equal(P3, later_check(~0u), 0x70, "check-exception's log");
	check_equal(P3, later_check(~0u), NO_LOG, "check-exception's log once more");
	check_equal(P3, later_scan(EPOW), NO_LOG, "the end of the sequence");
	check_equal(P3, later_scan(~0u), 0x60, "the last log");
	check_equal(P3, later_scan(~0u), NO_LOG, "a log that is left over");
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

	/* Without an event, it also returns 0 and changes nothing. */
	check_equal(R17, (u32)nmi_interlock(), 0, "status without an event");
	check(R18, ticks_of(nmi_interlock) <= 2 * other || untimed(),
	      "it took longer than twice another call");
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
	bool trampolines;

	memcpy(before, vectors + 0x100, sizeof(before));
	trampolines = by_trampoline();
	wreck(vectors + 0x100, 0x200);
	wreck((u8 *)0x7000, 0x1000);
	checks = resets = 0;
	on_machine_check = arrived;
	tell("@inject machine-check\n");
	run(forever, MSR_BARE | MSR_RI, 0, 0, 0, 0);
	on_system_reset = reset_in_loop;
	spin_prepare(&spin, 30, MSR_BARE | MSR_RI);
	/* Delivered although the trampoline has been overwritten. */
	spin.in.sprg[2] = spin.in.gpr[3];
	tell("@inject system-reset --cpu %u\n", this_cpu());
	spin_in(&spin);
	check_equal(R5, checks, 1, "machine checks");
	check_equal(R5, resets, 1, "system resets");
	if (trampolines) {
		check(R5, !memcmp(vectors + 0x100, before, 20),
		      "the trampoline at 0x100 is not put back");
		check(R5, !memcmp(vectors + 0x200, before + 0x100, 20),
		      "the trampoline at 0x200 is not put back");
	}
	memcpy(vectors + 0x100, before, sizeof(before));
	for (unsigned i = 0; i < sizeof(before); i += 64)
		flush_code(vectors + 0x100 + i);
}

/* ---- several CPUs: requirements 16, 18, 19 ---- */

#ifndef UNIPROCESSOR

static volatile unsigned hold, arrivals, served[CPUS], order[CPUS];
static struct log logs[CPUS];

static void scan_all(void)
{
	static u8 buffer[2048];
	const u32 scan[4] = { ~0u, 0, (u32)(u64)buffer, sizeof(buffer) };

	check_equal(R16, (u32)rtas("event-scan", 4, 0, scan, NULL), 1,
		    "event-scan without an event");
}

/* None of these calls is the interlock, whether the buffer's owner makes it or another CPU. */
static void other_calls(void)
{
	scan_all();
	check_equal(R18, (u32)another_call(), 0, "status of another call");
	check_equal(R18, (u64)hcall4(H_CPPR, 0, 0, 0, 0), 0, "H_CPPR");
	check_equal(R18,
		    (u32)rtas("check-exception", 6, 0,
			      (u32[6]){ 0x200, 0, ~0u, 1, (u32)(u64)&spin, 64 }, NULL),
		    1, "check-exception");
	check_equal(R18,
		    (u32)nmi_register((u64)system_reset_routine_smp, (u64)machine_check_routine), 0,
		    "ibm,nmi-register");
}

static void held(struct frame *frame)
{
	unsigned cpu = this_cpu();
	u64 at = frame->gpr[3], first = read_be64((void *)at);

	read_log(&logs[cpu], (void *)(at + 8));
	order[arrivals % CPUS] = cpu;
	barrier();
	arrivals++;
	while (cpu == 1 && hold) {
		if (hold == 2) {
			other_calls();
			hold = 1;
		}
	}
	if (cpu == 1) {
		struct log again;

		check_equal(R19, read_be64((void *)at), first,
			    "what R3 points to while others wait");
		read_log(&again, (void *)(at + 8));
		check_equal(R19, again.id, logs[cpu].id, "the log's id while others wait");
	}
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

/* CPU 1 owns the buffer; CPU 3 and then CPU 2 wait for it. */
static void test_waiting(void)
{
	static const unsigned wanted[] = { 1, 3, 2 };
	u64 before;

	fill_page_7();
	on_machine_check = held;
	on_interrupt = signal_arrived;
	check_equal(R4,
		    (u32)nmi_register((u64)system_reset_routine_smp, (u64)machine_check_routine), 0,
		    "status");
	before = checksum();
	hold = 1;
	arrivals = 0;
	work[1] = work[2] = work[3] = run_forever;
	ask("@queue machine-check --cpu 1 --ea 0x1001");
	while (arrivals != 1)
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
	ask("@queue machine-check --cpu 3 --ea 0x1003");
	ask("@await 3 waiting-for-interlock");
	ask("@queue machine-check --cpu 2 --ea 0x1002");
	ask("@await 2 waiting-for-interlock");
	/*
	 * While one CPU owns the buffer and others wait for it, all calls still work, including the
	 * interlock.
	 */
	for (unsigned i = 0; i < 100; i++) {
		check_equal(R18, (u32)another_call(), 0, "status of another call");
		check_equal(R18, (u64)hcall4(H_CPPR, 0, 0, 0, 0), 0, "H_CPPR");
	}
	check_equal(R19, (u32)nmi_interlock(), 0, "status for a CPU without an event");
	other_calls();
	hold = 2;
	while (hold == 2)
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
	/*
	 * A system reset reaches the CPU in its routine at once, and the waiting CPUs once, after
	 * their own routine.
	 */
	send(1);
	await_signal(1, 1);
	send(2);
	send(-2);
	await_signal(1, 2);
	pause();
	check_equal(R11, signalled[1], 2, "system resets of the CPU in its machine check routine");
	check_equal(R8, signalled[2] + signalled[3], 0, "system resets of CPUs that wait");
	for (volatile unsigned i = 0; i < 100000; i++)
		;
	check_equal(R19, arrivals, 1, "CPUs in the routine");
	hold = 0;
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		wait_for_work(cpu);
	await_signal(2, 1);
	await_signal(3, 1);
	pause();
	check_equal(R19, arrivals, 3, "CPUs that came to the routine");
	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		check_equal(P1, order[i], wanted[i], "a CPU");
		check_equal(P1, logs[wanted[i]].processor, wanted[i], "the log's processor");
		check_equal(P1, logs[wanted[i]].effective_address, 0x1000 + wanted[i],
			    "the log's effective address");
		check_equal(R18, served[wanted[i]], 1, "interlocks");
	}
	check_equal(R8, signalled[2], 1, "system resets of a CPU that waited");
	check_equal(R8, signalled[3], 1, "system resets of a CPU that waited");
	check_equal(R8, signalled[0], 0, "system resets of the caller");
	for (unsigned cpu = 0; cpu < CPUS; cpu++)
		signalled[cpu] = 0;
	check_equal(R7, checksum(), before, "checksum");
	register_routines();
}

static u8 scanned[2048];

static u32 scan(u32 classes)
{
	const u32 args[4] = { classes, 0, (u32)(u64)scanned, sizeof(scanned) };

	return (u32)rtas("event-scan", 4, 0, args, NULL);
}

/* Checks event-scan's log about a CPU that was stopped. */
static void check_notice(unsigned cpu, unsigned severity)
{
	struct log notice;

	check_equal(R16, scan(~0u), 0, "event-scan");
	read_log(&notice, scanned);
	check_sections(&notice);
	check_equal(severity == FATAL ? R16 : R15, notice.severity, severity, "severity");
	check_equal(R16, notice.disposition, 2, "disposition");
	check_equal(R16, notice.processor, cpu, "processor");
	check_equal(R16, notice.flags, VALID_NEW_BIG_ENDIAN | UNRECOVERABLE | DEGRADED, "flags");
	check_equal(R16, notice.event_severity, 0x41, "event severity");
	check_equal(R16, notice.event_subtype, 0x21, "event subtype: deconfigured");
	check_equal(R16, scan(~0u), 1, "event-scan once more");
}

static void test_unsafe(void)
{
	const u32 start[3] = { 3, (u32)(u64)start_secondary, 3 },
		  other_call[6] = { 0x200, 0, ~0u, 1, (u32)(u64)scanned, sizeof(scanned) };

	check_equal(R16, scan(~0u), 1, "event-scan before");
	on_machine_check = arrived;
	checks = 0;
	work[3] = run_forever;
	ask("@queue machine-check --cpu 3 --unsafe");
	ask("@await 3 stopped");
	check_equal(R16, checks, 0, "machine checks at the routine");
	/*
	 * Not reported yet: the machine checks of other CPUs report their own errors, and their
	 * interlock works as usual.
	 */
	load_nothing();
	check_equal(R15, checks, 1, "machine checks before event-scan");
	check_equal(R15, log.severity, ERROR_SYNC, "severity before event-scan");
	check_equal(R16, scan(0x40000000), 1, "event-scan for another class");
	check_equal(R16, (u32)rtas("check-exception", 6, 0, other_call, NULL), 1,
		    "check-exception");
	check_notice(3, FATAL);
	check_equal(R16, (u32)rtas("start-cpu", 3, 0, start, NULL), (u32)-1, "start-cpu");
	check_equal(R16, (u64)hcall4(H_SIGNAL_SYS_RESET, 3, 0, 0, 0), (u64)H_PARAMETER,
		    "H_SIGNAL_SYS_RESET");
	ask("@refused machine-check --cpu 3");
	ask("@refused system-reset --cpu 3");
	/* A second one is not fatal again, but must be reported. */
	work[2] = run_forever;
	ask("@queue machine-check --cpu 2 --unsafe");
	ask("@await 2 stopped");
	check_notice(2, ALREADY_REPORTED);
}

#endif

/* ---- requirement 15, last, because it changes all later reports ---- */

static void already(void)
{
	on_machine_check = arrived;
	checks = 0;
	load_nothing();
	check_equal(R15, checks, 1, "machine checks");
	check_equal(R15, log.severity, ALREADY_REPORTED, "severity");
	check_equal(R15, log.disposition, 2, "disposition");
	check_equal(R15, log.initiator, 1, "initiator");
	check_equal(R15, log.extended, false, "an extended part");
}

static void test_fatal(void)
{
#ifdef UNIPROCESSOR
	on_machine_check = arrived_in_loop;
	spin_prepare(&spin, 40, MSR_BARE | MSR_RI);
	tell("@inject machine-check --type UE --severity fatal\n");
	loop_cause = 0x200000;
	spin_in(&spin);
	check_equal(R15, log.severity, FATAL, "severity of the first");
	/* Regardless of the requested error. */
	on_machine_check = arrived;
	tell("@inject machine-check --type SLB\n");
	run(forever, MSR_BARE | MSR_RI, 0, 0, 0, 0);
	check_equal(R15, log.severity, ALREADY_REPORTED, "severity of the second");
	each_cpu(already, 1);
	register_routines();
	each_cpu(already, 1);
#else
	/* Event-scan's logs about the unsafe CPUs were fatal. */
	each_cpu(already, CPUS - 2);
	register_routines();
	each_cpu(already, CPUS - 2);
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
	radix_start();
	radix_map(USER_PID, (u64)forever & ~(PAGE - 1), (u64)forever & ~(PAGE - 1),
		  PTE_USER | PTE_R | PTE_C);
	test_later_logs();
	test_registration();
	each_cpu(own_machine_checks, CPUS);
	each_cpu(injected_machine_check, CPUS);
	each_cpu(system_reset_from_outside, CPUS);
	each_cpu(events_in_problem_state, CPUS);
	test_signals();
	test_interlock();
	test_vectors();
#ifndef UNIPROCESSOR
	/* Twice, to show that the first pass leaves nothing behind that disturbs the second. */
	test_waiting();
	memset((void *)served, 0, sizeof(served));
	test_waiting();
	test_unsafe();
#endif
	test_fatal();
}
