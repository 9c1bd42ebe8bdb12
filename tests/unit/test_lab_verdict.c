/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verdicts of recorded runs, and of copies of them with one thing changed: each must get the
 * verdict that names the change.
 */
#include "lab/verdict.h"

#include "isa/msr.h"
#include "lab/evidence.h"
#include "lab/law.h"

#include "lab_consoles.h"
#include "unit.h"

#define USER_NIP   0x10000018
#define USER_MSR   0x800000000000d033
#define KERNEL_MSR 0x8000000000001033
#define MAX_NOTES  8
#define MAX_TEXT   16384

/* A run that a test builds up, and its judgement. */
struct scene {
	struct lab_observation seen;
	struct lab_hit hits[16];
	struct lab_note notes[MAX_NOTES];
	char console[MAX_TEXT];
	struct lab_case c;
	struct lab_judgement judgement;
};

static struct scene scene;

/* ---- building ---- */

static void begin(const char *console)
{
	static char name[] = "case";

	scene = (struct scene){ .seen = { .end = LAB_END_DONE,
					  .hits = scene.hits,
					  .steps_reached = 1,
					  .notes = scene.notes,
					  .console = scene.console,
					  .rounds_after = 3,
					  .insns = 1000000,
					  .nr_vcpus = 2,
					  .nr_running = 2,
					  .kernel_version = 601 },
				.c = { .name = name, .workload = LAB_VICTIM } };
	snprintf(scene.console, sizeof(scene.console), "%s", console);
	scene.seen.console_length = strlen(scene.console);
}

/* Replace the first occurrence of a text. */
static void twist(const char *from, const char *to)
{
	char *at = strstr(scene.console, from);
	char rest[MAX_TEXT];

	assert_non_null(at);
	snprintf(rest, sizeof(rest), "%s", at + strlen(from));
	snprintf(at, sizeof(scene.console) - (size_t)(at - scene.console), "%s%s", to, rest);
	scene.seen.console_length = strlen(scene.console);
}

static void add_line(const char *line)
{
	size_t length = strlen(scene.console);

	snprintf(scene.console + length, sizeof(scene.console) - length, "%s\n", line);
	scene.seen.console_length = strlen(scene.console);
}

static struct lab_hit *add_hit(uint64_t nip, uint64_t msr, const char *process)
{
	struct lab_hit *hit = &scene.hits[scene.seen.nr_hits++];

	*hit = (struct lab_hit){ .report = { .stage = INJECTION_FINISHED,
					     .registered = true,
					     .handler = 0x1990,
					     .interlocked = true,
					     .nip = nip,
					     .msr = msr },
				 .before = { .nip = nip, .msr = msr },
				 .after = { .nip = nip, .msr = msr },
				 /* The kernel returns straight to the kernel. */
				 .came_back = !(msr & MSR_PR) };
	snprintf(hit->process, sizeof(hit->process), "%s", process);
	return hit;
}

static struct lab_hit *add_check(uint64_t nip, uint64_t msr, unsigned type, unsigned subtype,
				 unsigned severity, unsigned disposition)
{
	struct lab_hit *hit = add_hit(nip, msr, "victim");

	hit->report.log = (struct injection_log){ .valid = true,
						  .severity = severity,
						  .disposition = disposition,
						  .initiator = FWNMI_INITIATOR_CPU,
						  .has_mc = true };
	hit->report.log.mc.error_type = type;
	hit->report.log.mc.error_subtype = subtype;
	return hit;
}

static void set_addresses(struct lab_hit *hit, uint64_t ea, uint64_t la)
{
	hit->report.log.mc.effective_address_valid = ea != 0;
	hit->report.log.mc.effective_address = ea;
	hit->report.log.mc.logical_address_valid = la != 0;
	hit->report.log.mc.logical_address = la;
}

static struct lab_note *add_note(enum lab_note_type type, const char *process, int signal)
{
	struct lab_note *note = &scene.notes[scene.seen.nr_notes++];

	*note = (struct lab_note){ .type = type, .signal = signal };
	snprintf(note->process, sizeof(note->process), "%s", process);
	return note;
}

static void add_death(const char *process, int signal)
{
	add_note(LAB_NOTE_DIED, process, signal);
}

static void end_by(enum machine_end end, bool os_term)
{
	scene.seen.end = LAB_END_MACHINE;
	scene.seen.machine_end = end;
	scene.seen.os_term = os_term;
	scene.seen.rounds_after = 0;
}

static void expect(enum lab_verdict verdict, bool passed, const char *rule)
{
	lab_judge(&scene.c, &scene.seen, &scene.judgement);
	if (scene.judgement.verdict != verdict || scene.judgement.passed != passed)
		fail_msg("%s (%s): %s; expected %s", lab_verdict_name(scene.judgement.verdict),
			 scene.judgement.passed ? "passed" : "failed", scene.judgement.why,
			 lab_verdict_name(verdict));
	if (rule)
		assert_string_equal(scene.judgement.rule ? scene.judgement.rule->name : "", rule);
}

/* What is wrong must also be said. */
static void expect_why(enum lab_verdict verdict, const char *why)
{
	expect(verdict, false, NULL);
	if (!strstr(scene.judgement.why, why))
		fail_msg("\"%s\" does not say \"%s\"", scene.judgement.why, why);
}

/* ---- recorded runs ---- */

/* By kernel: its console, and where it was hit. */
struct recording {
	const char *console;
	uint64_t nip;
};

enum {
	V6_1,
	V6_12,
	KERNELS
};

static void slb_user(unsigned kernel)
{
	const char *const consoles[KERNELS] = { console_6_1_slb_user, console_6_12_slb_user };

	begin(consoles[kernel]);
	set_addresses(add_check(USER_NIP, USER_MSR, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT,
				FWNMI_SEVERITY_ERROR_SYNC, FWNMI_DISPOSITION_FULLY_RECOVERED),
		      0x20000000, 0);
}

static void in_kernel(const struct recording *recording, unsigned type, unsigned severity,
		      unsigned disposition, uint64_t msr)
{
	static const unsigned usual[] = { [FWNMI_MC_UE] = FWNMI_UE_LOAD_STORE,
					  [FWNMI_MC_SLB] = FWNMI_SLB_MULTIHIT,
					  [FWNMI_MC_TLB] = FWNMI_TLB_MULTIHIT };

	begin(recording->console);
	add_check(recording->nip, msr, type, usual[type], severity, disposition);
}

static void slb_kernel(unsigned kernel)
{
	const struct recording recordings[KERNELS] = {
		{ console_6_1_slb_kernel, 0xc000000000023a98 },
		{ console_6_12_slb_kernel, 0xc000000000024e28 },
	};

	in_kernel(&recordings[kernel], FWNMI_MC_SLB, FWNMI_SEVERITY_ERROR_SYNC,
		  FWNMI_DISPOSITION_FULLY_RECOVERED, KERNEL_MSR);
}

static void ue_kernel(unsigned kernel)
{
	const struct recording recordings[KERNELS] = {
		{ console_6_1_ue_kernel, 0xc000000000023a98 },
		{ console_6_12_ue_kernel, 0xc000000000024e28 },
	};

	in_kernel(&recordings[kernel], FWNMI_MC_UE, FWNMI_SEVERITY_ERROR_SYNC,
		  FWNMI_DISPOSITION_NOT_RECOVERED, KERNEL_MSR);
	add_death("victim", 7);
}

static void fatal_kernel(unsigned kernel)
{
	const struct recording recordings[KERNELS] = {
		{ console_6_1_fatal_kernel, 0xc000000000023a98 },
		{ console_6_12_fatal_kernel, 0xc000000000024e28 },
	};

	in_kernel(&recordings[kernel], FWNMI_MC_TLB, FWNMI_SEVERITY_FATAL,
		  FWNMI_DISPOSITION_NOT_RECOVERED, KERNEL_MSR);
	add_death("victim", 7);
}

static void idle(unsigned kernel)
{
	const struct recording recordings[KERNELS] = {
		{ console_6_1_idle, 0xc0000000000e1130 },
		{ console_6_12_idle, 0xc0000000000dfc84 },
	};

	in_kernel(&recordings[kernel], FWNMI_MC_TLB, FWNMI_SEVERITY_ERROR_SYNC,
		  FWNMI_DISPOSITION_FULLY_RECOVERED, 0x800000000280b033);
	scene.seen.hits[0].report.vcpu = 1;
	scene.seen.hits[0].report.ceded = true;
}

static void idle_ue(unsigned kernel)
{
	const struct recording recordings[KERNELS] = {
		{ console_6_1_idle_ue, 0xc0000000000e1130 },
		{ console_6_12_idle_ue, 0xc0000000000dfc84 },
	};

	in_kernel(&recordings[kernel], FWNMI_MC_UE, FWNMI_SEVERITY_ERROR_SYNC,
		  FWNMI_DISPOSITION_NOT_RECOVERED, 0x800000000280b033);
	scene.seen.hits[0].report.vcpu = 1;
	scene.seen.hits[0].report.ceded = true;
	scene.seen.end = LAB_END_BOUND;
}

static void ue_user(unsigned kernel)
{
	const char *const consoles[KERNELS] = { console_6_1_ue_user, console_6_12_ue_user };

	begin(consoles[kernel]);
	set_addresses(add_check(USER_NIP, USER_MSR, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE,
				FWNMI_SEVERITY_ERROR_SYNC, FWNMI_DISPOSITION_NOT_RECOVERED),
		      0x20000000, 0);
	add_death("victim", 7);
}

static void ue_recovered(unsigned kernel)
{
	const struct recording recordings[KERNELS] = {
		{ console_6_1_ue_recovered, 0x1a3f0000 },
		{ console_6_12_ue_recovered, 0x2c29000 },
	};

	begin(recordings[kernel].console);
	set_addresses(add_check(USER_NIP, USER_MSR, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE,
				FWNMI_SEVERITY_ERROR_SYNC, FWNMI_DISPOSITION_FULLY_RECOVERED),
		      0x20000000, recordings[kernel].nip);
	if (kernel == V6_1)
		add_death("victim", 7);
}

static void fatal_user(unsigned kernel)
{
	const char *const consoles[KERNELS] = { console_6_1_fatal_user, console_6_12_fatal_user };

	begin(consoles[kernel]);
	add_check(USER_NIP, USER_MSR, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE, FWNMI_SEVERITY_FATAL,
		  FWNMI_DISPOSITION_NOT_RECOVERED);
	add_death("victim", 7);
}

static void limited(unsigned kernel)
{
	const char *const consoles[KERNELS] = { console_6_1_limited, console_6_12_limited };

	begin(consoles[kernel]);
	add_check(USER_NIP, USER_MSR, FWNMI_MC_TLB, FWNMI_TLB_PARITY, FWNMI_SEVERITY_ERROR_SYNC,
		  FWNMI_DISPOSITION_LIMITED_RECOVERY);
}

static void system_reset(unsigned kernel)
{
	const char *const consoles[KERNELS] = { console_6_1_reset, console_6_12_reset };
	struct lab_hit *hit;

	begin(consoles[kernel]);
	hit = add_hit(USER_NIP, USER_MSR, "victim");
	hit->report.system_reset = true;
	hit->report.interlocked = false;
	end_by(MACHINE_CRASHED, true);
}

static void without_ri(void)
{
	const struct recording recording = { console_6_12_ri0, 0xc000000000024c08 };

	in_kernel(&recording, FWNMI_MC_SLB, FWNMI_SEVERITY_ERROR_SYNC,
		  FWNMI_DISPOSITION_FULLY_RECOVERED, KERNEL_MSR & ~MSR_RI);
	add_death("victim", 7);
}

/* ---- what they are ---- */

static void what_debian_kernels_do_passes(void **state)
{
	static const struct {
		void (*build)(unsigned kernel);
		enum lab_verdict verdict;
		const char *rule;
	} runs[] = {
		{ slb_user, LAB_RECOVERED, "recovered" },
		{ slb_kernel, LAB_RECOVERED, "recovered" },
		{ idle, LAB_RECOVERED, "recovered" },
		{ limited, LAB_RECOVERED, "recovered" },
		{ ue_user, LAB_KILLED, "not-recovered-user" },
		{ ue_kernel, LAB_OOPS, "not-recovered-kernel" },
		{ fatal_user, LAB_OOPS, "fatal-user" },
		{ fatal_kernel, LAB_OOPS, "not-recovered-kernel" },
		{ idle_ue, LAB_OOPS, "not-recovered-idle" },
		{ system_reset, LAB_PANIC, "system-reset" },
	};

	(void)state;
	for (unsigned kernel = 0; kernel < KERNELS; kernel++) {
		for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
			runs[i].build(kernel);
			expect(runs[i].verdict, true, runs[i].rule);
		}
	}
	/* 6.1 takes the page at once, 6.12 only queues the event. */
	ue_recovered(V6_1);
	expect(LAB_KILLED, true, "recovered-ue");
	ue_recovered(V6_12);
	expect(LAB_RECOVERED, true, "recovered-ue");
	without_ri();
	expect(LAB_OOPS, true, "not-recoverable");
}

/* ---- reports ---- */

static void each_part_of_a_report_is_compared(void **state)
{
	static const struct {
		const char *from, *to, *why;
	} twists[] = {
		{ "SLB Multihit", "SLB Parity", "\"SLB Parity\"" },
		{ "SLB Multihit", "ERAT Multihit", "\"ERAT Multihit\"" },
		{ "(Severe)", "(Warning)", "severity Warning" },
		{ "[Recovered]", "[Not recovered]", "as not recovered" },
		{ "Initiator CPU", "Initiator Memory", "initiator Memory" },
		{ "DAR: 0000000020000000", "DAR: 0000000020000008", "DAR 0x20000008" },
		{ "DAR: 0000000020000000 ", "", "printed no DAR" },
		{ "NIP: [0000000010000018]", "NIP: [000000001000001c]", "NIP 0x1000001c" },
		{ "Comm: victim", "Comm: other", "of process other" },
	};

	(void)state;
	for (unsigned kernel = 0; kernel < KERNELS; kernel++) {
		for (size_t i = 0; i < ARRAY_SIZE(twists); i++) {
			slb_user(kernel);
			twist(twists[i].from, twists[i].to);
			expect_why(LAB_MISREPORTED, twists[i].why);
		}
	}
}

static void the_cpu_of_a_report_is_compared(void **state)
{
	(void)state;
	slb_user(V6_1);
	for (unsigned i = 0; i < 4; i++)
		twist("MCE: CPU0", "MCE: CPU1");
	expect_why(LAB_MISREPORTED, "of CPU 1");
}

static void a_report_of_the_wrong_mode_is_misreported(void **state)
{
	(void)state;
	slb_user(V6_1);
	twist("PID: 80 Comm: victim NIP: [0000000010000018]", "NIP: [0000000010000018] 0x10000018");
	expect_why(LAB_MISREPORTED, "kernel mode");
}

static void real_addresses_are_compared(void **state)
{
	(void)state;
	ue_recovered(V6_12);
	twist("paddr: 0000000002c29000", "paddr: 0000000002c2a000");
	expect_why(LAB_MISREPORTED, "paddr 0x2c2a000");
	ue_recovered(V6_12);
	twist(" paddr: 0000000002c29000", "");
	expect_why(LAB_MISREPORTED, "no paddr");
	/* Linux looks it up where the log has none. */
	ue_recovered(V6_12);
	set_addresses(&scene.seen.hits[0], 0x20000000, 0);
	expect(LAB_RECOVERED, true, NULL);
}

static void a_misreport_counts_even_if_the_process_was_rightly_killed(void **state)
{
	(void)state;
	ue_user(V6_12);
	twist("UE Load/Store", "UE Instruction fetch");
	expect_why(LAB_MISREPORTED, "UE Instruction fetch");
	fatal_user(V6_1);
	twist("(Fatal)", "(Severe)");
	expect_why(LAB_MISREPORTED, "severity Severe");
}

static void an_address_that_equals_nip_is_not_missed(void **state)
{
	(void)state;
	slb_user(V6_1);
	twist("DAR: 0000000020000000 ", "");
	set_addresses(&scene.seen.hits[0], USER_NIP, 0);
	expect(LAB_RECOVERED, true, NULL);
}

static void an_address_that_the_log_lacks_may_only_be_an_earlier_one(void **state)
{
	struct lab_hit *hit;

	(void)state;
	slb_user(V6_1);
	set_addresses(&scene.seen.hits[0], 0, 0);
	expect_why(LAB_MISREPORTED, "the log has none");
	slb_user(V6_1);
	hit = add_check(USER_NIP, USER_MSR, FWNMI_MC_TLB, FWNMI_TLB_PARITY,
			FWNMI_SEVERITY_ERROR_SYNC, FWNMI_DISPOSITION_FULLY_RECOVERED);
	hit->console_at = scene.seen.console_length;
	add_line("MCE: CPU0: machine check (Severe)  TLB Parity DAR: 0000000020000000 "
		 "[Recovered]");
	expect(LAB_RECOVERED, true, NULL);
}

static void a_report_that_is_missing_is_lost(void **state)
{
	(void)state;
	slb_user(V6_12);
	twist("MCE: CPU0: machine check", "MCE: machine check");
	expect_why(LAB_LOST, "reported nothing");
	/* What was printed before the hit is of something else. */
	slb_user(V6_12);
	scene.seen.hits[0].console_at = scene.seen.console_length;
	expect(LAB_LOST, false, NULL);
	ue_user(V6_1);
	twist("MCE: CPU0: machine check", "MCE: machine check");
	expect(LAB_LOST, false, NULL);
}

static void a_report_too_many_is_misreported(void **state)
{
	(void)state;
	slb_user(V6_1);
	add_line("MCE: CPU0: machine check (Severe)  SLB Multihit [Recovered]");
	expect_why(LAB_MISREPORTED, "nobody sent");
}

static void reports_of_a_storm_find_their_events(void **state)
{
	static const uint64_t nips[] = { 0xc000000000000100, 0xc000000000000200,
					 0xc000000000000300 };
	char line[128];

	(void)state;
	begin("");
	for (unsigned i = 0; i < 3; i++)
		add_check(nips[i], KERNEL_MSR, FWNMI_MC_TLB, 1 + i, FWNMI_SEVERITY_ERROR_SYNC,
			  FWNMI_DISPOSITION_FULLY_RECOVERED)
			->report.vcpu = i == 2;
	/* Linux's queue is last in, first out; the other CPU's comes in between. */
	for (unsigned i = 3; i-- > 0;) {
		static const char *const what[] = { "Parity", "Multihit", "Indeterminate" };

		snprintf(line, sizeof(line),
			 "MCE: CPU%u: machine check (Severe)  TLB %s [Recovered]", i == 2, what[i]);
		add_line(line);
		snprintf(line, sizeof(line), "MCE: CPU%u: NIP: [%016llx] f+0x1/0x2", i == 2,
			 (unsigned long long)nips[i]);
		add_line(line);
	}
	expect(LAB_RECOVERED, true, NULL);
	twist("TLB Multihit", "TLB Parity");
	expect(LAB_MISREPORTED, false, NULL);
	/* Linux may drop the report of one that comes while it prints, but not the other CPU's. */
	twist("TLB Parity", "TLB Multihit");
	twist("MCE: CPU0: machine", "MCE: machine");
	expect(LAB_LOST, true, "recovered-queued");
	twist("MCE: CPU1: machine", "MCE: machine");
	expect(LAB_LOST, false, NULL);
}

static void add_queued_report(uint64_t nip)
{
	char line[128];

	add_line("MCE: CPU0: machine check (Severe)  SLB Multihit [Recovered]");
	snprintf(line, sizeof(line), "MCE: CPU0: NIP: [%016llx] f+0x1/0x2",
		 (unsigned long long)nip);
	add_line(line);
}

static void storm(unsigned nr_events)
{
	begin("");
	for (unsigned i = 0; i < nr_events; i++)
		add_check(0xc000000000000100 + 0x100 * i, KERNEL_MSR, FWNMI_MC_SLB,
			  FWNMI_SLB_MULTIHIT, FWNMI_SEVERITY_ERROR_SYNC,
			  FWNMI_DISPOSITION_FULLY_RECOVERED);
}

static void a_report_that_linux_repeats_stands_for_one_that_it_dropped(void **state)
{
	(void)state;
	/* The second comes while the first is printed, the third while that is printed again. */
	storm(4);
	for (unsigned i = 0; i < 3; i++)
		add_queued_report(0xc000000000000100);
	add_queued_report(0xc000000000000400);
	expect(LAB_LOST, true, "recovered-queued");
	/* One more than there are events without a report. */
	add_queued_report(0xc000000000000100);
	expect_why(LAB_MISREPORTED, "nobody sent");
	/* A wrong place is no repetition. */
	storm(3);
	add_queued_report(0xc000000000000100);
	add_queued_report(0xc000000000000204);
	add_queued_report(0xc000000000000300);
	expect_why(LAB_MISREPORTED, "0xc000000000000204");
	/* Nor may anything else stand for an event. */
	storm(2);
	add_queued_report(0xc000000000000100);
	add_queued_report(0xc000000000000100);
	twist("SLB Multihit", "SLB Parity");
	expect(LAB_MISREPORTED, false, NULL);
	/* In user mode Linux prints at once. */
	storm(2);
	scene.hits[1].report.msr |= MSR_PR;
	add_queued_report(0xc000000000000100);
	add_queued_report(0xc000000000000100);
	expect(LAB_MISREPORTED, false, NULL);
}

static void after_a_fatal_one_nothing_is_known(void **state)
{
	(void)state;
	fatal_user(V6_1);
	scene.seen.hits[0].report.log = (struct injection_log){
		.valid = true,
		.severity = FWNMI_SEVERITY_ALREADY_REPORTED,
		.disposition = FWNMI_DISPOSITION_NOT_RECOVERED,
		.initiator = FWNMI_INITIATOR_CPU,
	};
	twist("(Fatal)  UE Load/Store ", "(Harmless)  Unknown  ");
	twist("Initiator CPU", "Initiator Unknown");
	expect(LAB_OOPS, true, "fatal-user");
	twist("(Harmless)", "(Fatal)");
	expect(LAB_MISREPORTED, false, NULL);
}

static void every_severity_has_its_word(void **state)
{
	static const char *const words[] = { "Harmless", "Warning", "Warning", "Severe", "Severe" };

	(void)state;
	for (unsigned severity = 0; severity < ARRAY_SIZE(words); severity++) {
		slb_user(V6_1);
		scene.seen.hits[0].report.log.severity = (uint8_t)severity;
		twist("Severe", words[severity]);
		expect(LAB_RECOVERED, true, NULL);
		twist(words[severity], "Fatal");
		expect(LAB_MISREPORTED, false, NULL);
	}
}

static void every_type_and_subtype_has_its_words(void **state)
{
	static const struct {
		unsigned type, subtype;
		const char *words;
	} all[] = {
		{ FWNMI_MC_UE, FWNMI_UE_INDETERMINATE, "UE Indeterminate" },
		{ FWNMI_MC_UE, FWNMI_UE_IFETCH, "UE Instruction fetch" },
		{ FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_IFETCH, "UE Page table walk ifetch" },
		{ FWNMI_MC_UE, FWNMI_UE_LOAD_STORE, "UE Load/Store" },
		{ FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE,
		  "UE Page table walk Load/Store" },
		{ FWNMI_MC_SLB, FWNMI_SLB_PARITY, "SLB Parity" },
		{ FWNMI_MC_SLB, FWNMI_SLB_INDETERMINATE, "SLB Indeterminate" },
		{ FWNMI_MC_ERAT, FWNMI_ERAT_PARITY, "ERAT Parity" },
		{ FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, "ERAT Multihit" },
		{ FWNMI_MC_ERAT, FWNMI_ERAT_INDETERMINATE, "ERAT Indeterminate" },
		{ FWNMI_MC_TLB, FWNMI_TLB_PARITY, "TLB Parity" },
		{ FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT, "TLB Multihit" },
		{ FWNMI_MC_TLB, FWNMI_TLB_INDETERMINATE, "TLB Indeterminate" },
		{ FWNMI_MC_D_CACHE, 0, "D-Cache Unknown" },
		{ FWNMI_MC_I_CACHE, 0, "I-Cache Unknown" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		slb_user(V6_12);
		scene.seen.hits[0].report.log.mc.error_type = (uint8_t)all[i].type;
		scene.seen.hits[0].report.log.mc.error_subtype = (uint8_t)all[i].subtype;
		twist("SLB Multihit", all[i].words);
		expect(LAB_RECOVERED, true, NULL);
		twist(all[i].words, "SLB Multihit");
		expect(LAB_MISREPORTED, false, NULL);
	}
}

/* ---- deaths ---- */

static void the_wrong_process_died(void **state)
{
	(void)state;
	ue_user(V6_1);
	snprintf(scene.notes[0].process, sizeof(scene.notes[0].process), "victim1");
	expect_why(LAB_KILLED_WRONG, "victim1");
	/* The right one, and another. */
	ue_user(V6_1);
	add_death("victim1", 7);
	expect_why(LAB_KILLED_WRONG, "victim1");
}

static void a_process_that_may_live_was_killed(void **state)
{
	(void)state;
	slb_user(V6_1);
	add_death("victim", 7);
	expect_why(LAB_KILLED, "victim");
	assert_string_equal(scene.judgement.rule->name, "recovered");
}

static void a_process_that_must_die_lives(void **state)
{
	(void)state;
	ue_user(V6_1);
	scene.seen.nr_notes = 0;
	expect_why(LAB_RECOVERED, "was to be killed");
	/* Of two, one. */
	ue_user(V6_1);
	snprintf(add_check(USER_NIP, USER_MSR, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE,
			   FWNMI_SEVERITY_ERROR_SYNC, FWNMI_DISPOSITION_NOT_RECOVERED)
			 ->process,
		 8, "other");
	scene.seen.hits[1].report.vcpu = 1;
	add_line("MCE: CPU1: machine check (Severe)  UE Load/Store [Not recovered]");
	expect_why(LAB_RECOVERED, "other was to be killed");
}

static void the_other_of_two_processes_was_killed(void **state)
{
	(void)state;
	ue_user(V6_1);
	snprintf(add_check(USER_NIP, USER_MSR, FWNMI_MC_TLB, FWNMI_TLB_PARITY,
			   FWNMI_SEVERITY_ERROR_SYNC, FWNMI_DISPOSITION_FULLY_RECOVERED)
			 ->process,
		 8, "other");
	scene.seen.hits[1].report.vcpu = 1;
	add_line("MCE: CPU1: machine check (Severe)  TLB Parity [Recovered]");
	expect(LAB_KILLED, true, NULL);
	add_death("other", 7);
	expect_why(LAB_KILLED, "other");
}

static void who_loses_a_shared_page_is_rightly_killed(void **state)
{
	(void)state;
	ue_user(V6_1);
	add_line("Memory failure: 0x1a3e: Sending SIGBUS to victim1:81 due to hardware memory "
		 "corruption");
	add_death("victim1", 7);
	expect(LAB_KILLED, true, NULL);
}

static void a_process_that_crashes_is_corrupted(void **state)
{
	(void)state;
	slb_user(V6_1);
	add_death("victim", 11);
	expect_why(LAB_CORRUPTED, "signal 11");
	/* But not the one that Linux oopsed in. */
	fatal_kernel(V6_1);
	scene.notes[0].signal = 11;
	expect(LAB_OOPS, true, NULL);
}

/* ---- corruption ---- */

static void what_a_workload_finds_is_corruption(void **state)
{
	(void)state;
	for (unsigned kernel = 0; kernel < KERNELS; kernel++) {
		slb_user(kernel);
		snprintf(add_note(LAB_NOTE_CORRUPT, "victim", 0)->text, 64, "r14 is 0x1 not 0x2");
		expect_why(LAB_CORRUPTED, "victim: r14 is 0x1 not 0x2");
		slb_user(kernel);
		snprintf(add_note(LAB_NOTE_FAILED, "victim", 0)->text, 64, "fork: error 14");
		expect_why(LAB_CORRUPTED, "could not go on: fork");
	}
	/* Corruption is graver than all else. */
	fatal_user(V6_1);
	snprintf(add_note(LAB_NOTE_CORRUPT, "victim1", 0)->text, 64, "r3");
	expect(LAB_CORRUPTED, false, NULL);
}

static void registers_that_come_back_changed_are_corruption(void **state)
{
	struct engine_regs *after = &scene.seen.hits[0].after;
	static const char *const names[] = { "r3",     "r31",	  "LR was", "CTR was",
					     "CR was", "XER was", "MSR was" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		slb_user(V6_1);
		scene.seen.hits[0].came_back = true;
		*after = scene.seen.hits[0].before;
		expect(LAB_RECOVERED, true, NULL);
		after->gpr[3] = i == 0;
		after->gpr[31] = i == 1;
		after->lr = i == 2;
		after->ctr = i == 3;
		after->cr = i == 4;
		after->xer = i == 5;
		after->msr ^= i == 6 ? MSR_EE : MSR_FP | MSR_VEC;
		expect_why(LAB_CORRUPTED, names[i]);
	}
	/* If it did not come back there is nothing to compare. */
	scene.seen.hits[0].came_back = false;
	expect(LAB_RECOVERED, true, NULL);
	/* After an Oops it is somebody else who comes by. */
	fatal_kernel(V6_1);
	scene.seen.hits[0].came_back = true;
	*after = scene.seen.hits[0].before;
	after->gpr[3] = 1;
	expect(LAB_OOPS, true, NULL);
	/* Linux loads FP and vectors when it likes. */
	slb_user(V6_1);
	scene.seen.hits[0].came_back = true;
	*after = scene.seen.hits[0].before;
	after->msr ^= MSR_FP | MSR_VEC | MSR_VSX;
	expect(LAB_RECOVERED, true, NULL);
}

static void more_registers_and_the_soft_mask_are_compared_as_well(void **state)
{
	struct lab_hit *hit = &scene.seen.hits[0];
	static const char *const names[] = { "TAR was",	 "DSCR was", "AMR was", "VRSAVE was",
					     "VSCR was", "f7 was",   "v5 was",	"soft mask was" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		slb_user(V6_1);
		hit->came_back = true;
		hit->before.msr |= MSR_FP | MSR_VEC;
		hit->after = hit->before;
		expect(LAB_RECOVERED, true, NULL);
		hit->more_after.tar = i == 0;
		hit->more_after.dscr = i == 1;
		hit->more_after.amr = i == 2;
		hit->more_after.vrsave = i == 3;
		hit->more_after.vscr = i == 4;
		hit->more_after.vsr[7][0] = i == 5;
		hit->more_after.vsr[37][1] = i == 6;
		hit->soft_mask_after = i == 7;
		expect_why(LAB_CORRUPTED, names[i]);
	}
	/* What a facility holds that was not loaded is nobody's. */
	slb_user(V6_1);
	hit->came_back = true;
	hit->before.msr &= ~(MSR_FP | MSR_VEC | MSR_VSX);
	hit->after = hit->before;
	hit->more_after.vsr[7][0] = hit->more_after.vsr[37][1] = hit->more_after.vscr = 1;
	expect(LAB_RECOVERED, true, NULL);
}

static void a_kernel_that_does_not_go_on_where_it_was_is_corrupted(void **state)
{
	(void)state;
	slb_kernel(V6_1);
	scene.seen.hits[0].came_back = true;
	scene.seen.hits[0].after = scene.seen.hits[0].before;
	expect(LAB_RECOVERED, true, "recovered");
	scene.seen.hits[0].came_back = false;
	expect_why(LAB_CORRUPTED, "not with the interrupted instruction");
	/* It need not have come back before the run ended otherwise. */
	scene.seen.end = LAB_END_BOUND;
	expect(LAB_HANG, false, "recovered");
}

static void an_exit_that_begins_anew_need_not_come_back(void **state)
{
	struct lab_hit *hit = &scene.seen.hits[0];

	(void)state;
	slb_kernel(V6_1);
	hit->restart = true;
	hit->came_back = false;
	expect(LAB_RECOVERED, true, "recovered");
	/* A later pass over the same instruction has registers of its own. */
	hit->came_back = true;
	hit->after = hit->before;
	hit->after.gpr[3] = 1;
	expect(LAB_RECOVERED, true, "recovered");
}

/* ---- the kernel's end ---- */

static void an_oops_too_many_is_an_oops(void **state)
{
	(void)state;
	slb_user(V6_1);
	add_line("Oops: Kernel access of bad area, sig: 11 [#1]");
	add_line("CPU: 0 PID: 80 Comm: victim Not tainted 6.1");
	expect_why(LAB_OOPS, "Kernel access of bad area, in victim");
	slb_user(V6_1);
	add_line("kernel BUG at mm/slub.c:100!");
	expect_why(LAB_OOPS, "kernel BUG");
	ue_user(V6_1);
	add_line("Oops: Machine check, sig: 7 [#1]");
	expect(LAB_OOPS, false, "not-recovered-user");
}

static void the_machines_end_has_a_verdict(void **state)
{
	(void)state;
	slb_user(V6_1);
	add_line("Kernel panic - not syncing: Fatal exception in interrupt");
	end_by(MACHINE_CRASHED, true);
	expect_why(LAB_PANIC, "Fatal exception in interrupt");
	slb_user(V6_1);
	end_by(MACHINE_CRASHED, true);
	expect(LAB_OS_TERM, false, NULL);
	slb_user(V6_1);
	end_by(MACHINE_REBOOT, false);
	expect_why(LAB_OS_TERM, "rebooted");
	slb_user(V6_1);
	end_by(MACHINE_CRASHED, false);
	expect(LAB_CHECKSTOP, false, NULL);
	slb_user(V6_1);
	scene.seen.end = LAB_END_PANICKED;
	expect(LAB_PANIC, false, NULL);
	fatal_kernel(V6_1);
	add_line("Kernel panic - not syncing: Fatal exception in interrupt");
	end_by(MACHINE_CRASHED, true);
	expect(LAB_PANIC, true, NULL);
}

static void an_oops_for_another_reason_is_not_the_one_that_is_allowed(void **state)
{
	(void)state;
	ue_kernel(V6_1);
	expect(LAB_OOPS, true, "not-recovered-kernel");
	twist("Oops: Machine check", "Oops: Exception in kernel mode");
	expect_why(LAB_OOPS, "another reason: Exception in kernel mode");
	assert_false(scene.judgement.passed);
}

static void recovery_of_what_cannot_be_recovered_fails(void **state)
{
	(void)state;
	slb_kernel(V6_1);
	scene.seen.hits[0].report.msr &= ~MSR_RI;
	twist("[Recovered]", "[Not recovered]");
	expect(LAB_RECOVERED, false, "not-recoverable");
	ue_kernel(V6_1);
	twist("Oops: Machine check", "Oopz: Machine check");
	scene.seen.nr_notes = 0;
	expect(LAB_RECOVERED, false, "not-recovered-kernel");
	fatal_user(V6_1);
	twist("Oops: Machine check", "Oopz: Machine check");
	expect(LAB_KILLED, false, "fatal-user");
	system_reset(V6_1);
	twist("Kernel panic", "Kernel picnic");
	scene.seen.end = LAB_END_DONE;
	expect(LAB_OOPS, false, "system-reset");
	idle_ue(V6_1);
	twist("Oops: Machine check", "Oopz: Machine check");
	scene.seen.end = LAB_END_DONE;
	expect(LAB_RECOVERED, false, "not-recovered-idle");
}

static void a_kernel_that_stops_hangs(void **state)
{
	(void)state;
	slb_user(V6_1);
	scene.seen.end = LAB_END_BOUND;
	scene.seen.rounds_after = 0;
	expect_why(LAB_HANG, "no further");
	add_line("watchdog: CPU 1 self-detected hard LOCKUP @ f+0x1/0x2");
	expect_why(LAB_HANG, "hard LOCKUP");
	/* A handler that loops reports nothing either; the hang is what happened. */
	begin("");
	add_check(USER_NIP, USER_MSR, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, FWNMI_SEVERITY_ERROR_SYNC,
		  FWNMI_DISPOSITION_FULLY_RECOVERED);
	scene.seen.end = LAB_END_BOUND;
	expect(LAB_HANG, false, NULL);
	/* Something else explains it. */
	fatal_kernel(V6_1);
	scene.seen.end = LAB_END_BOUND;
	expect(LAB_OOPS, true, NULL);
}

/* ---- what FWNMI does ---- */

static void a_second_machine_check_before_the_interlock_ends_the_partition(void **state)
{
	struct lab_hit *second;

	(void)state;
	begin("");
	add_check(USER_NIP, USER_MSR, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, FWNMI_SEVERITY_ERROR_SYNC,
		  FWNMI_DISPOSITION_FULLY_RECOVERED)
		->report.interlocked = false;
	second = add_check(0x1990, 0x8000000000001001, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT,
			   FWNMI_SEVERITY_ERROR_SYNC, FWNMI_DISPOSITION_FULLY_RECOVERED);
	second->report.stage = INJECTION_FAILED;
	second->report.interlocked = false;
	end_by(MACHINE_CRASHED, false);
	expect(LAB_CHECKSTOP, true, "nested");
	/* After the interlock it must not. */
	scene.seen.hits[0].report.interlocked = true;
	expect(LAB_CHECKSTOP, false, NULL);
	/* Nor another CPU's. */
	scene.seen.hits[0].report.interlocked = false;
	second->report.vcpu = 1;
	expect(LAB_CHECKSTOP, false, NULL);
	/* Nor one in user mode: Linux has left its handler. */
	second->report.vcpu = 0;
	second->report.nip = USER_NIP;
	second->report.msr = USER_MSR;
	expect(LAB_CHECKSTOP, false, NULL);
}

static void a_kernel_that_goes_on_without_the_interlock_is_accused_at_once(void **state)
{
	(void)state;
	slb_user(V6_1);
	scene.seen.hits[0].report.interlocked = false;
	expect_why(LAB_CHECKSTOP, "without ibm,nmi-interlock");
	/* One that stands in its handler may yet call it. */
	scene.seen.end = LAB_END_BOUND;
	expect(LAB_HANG, false, NULL);
}

static void a_system_reset_must_not_call_the_interlock_for_the_machine_check_under_it(void **state)
{
	(void)state;
	system_reset(V6_1);
	expect(LAB_PANIC, true, NULL);
	scene.seen.hits[0].released_by_reset = true;
	expect_why(LAB_CORRUPTED, "released the buffer");
	assert_false(scene.judgement.passed);
}

static void a_kernel_may_hang_without_its_unsafe_processor(void **state)
{
	struct lab_hit *hit;

	(void)state;
	begin("");
	hit = add_check(USER_NIP, USER_MSR, FWNMI_MC_SLB, 0, FWNMI_SEVERITY_FATAL,
			FWNMI_DISPOSITION_NOT_RECOVERED);
	hit->report.stopped = true;
	hit->report.handler = 0;
	scene.seen.end = LAB_END_BOUND;
	expect(LAB_HANG, true, "unsafe-processor");
	/* A watchdog that was told to may end it. Nothing else does. */
	add_line("Kernel panic - not syncing: Hard LOCKUP");
	expect(LAB_PANIC, true, "unsafe-watchdog");
	twist("Hard LOCKUP", "Fatal exception");
	expect(LAB_PANIC, false, "unsafe-processor");
	twist("Kernel panic", "Kernel picnic");
	add_death("victim", 7);
	expect(LAB_KILLED_WRONG, false, NULL);
}

static void without_registration_there_is_no_rule(void **state)
{
	(void)state;
	ue_kernel(V6_1);
	scene.seen.hits[0].report.registered = false;
	expect(LAB_OOPS, true, "");
}

static void an_oops_that_gets_the_place_of_a_system_reset_wrong_is_misreported(void **state)
{
	(void)state;
	system_reset(V6_1);
	scene.seen.hits[0].report.nip += 4;
	expect(LAB_MISREPORTED, false, "system-reset");
	/* It may be another CPU's. */
	add_hit(USER_NIP, USER_MSR, "victim")->report.system_reset = true;
	expect(LAB_PANIC, true, "system-reset");
}

static void system_resets_of_other_kinds_have_their_rules(void **state)
{
	(void)state;
	begin("NMI backtrace for cpu 0\n");
	add_hit(USER_NIP, USER_MSR, "victim")->report.system_reset = true;
	scene.seen.hits[0].guest_asked = true;
	expect(LAB_RECOVERED, true, "own-nmi-ipi");
	begin("cpu 0x0: Vector: 100 (System Reset) at [c000]\n");
	add_hit(USER_NIP, USER_MSR, "victim")->report.system_reset = true;
	scene.seen.end = LAB_END_BOUND;
	expect(LAB_HANG, true, "system-reset-xmon");
	/* One that waits for nobody is not xmon. */
	scene.seen.end = LAB_END_DONE;
	expect(LAB_RECOVERED, false, "system-reset-xmon");
	/* A kernel that was told to enter xmon, and does not. */
	system_reset(V6_12);
	scene.seen.options.xmon = true;
	expect(LAB_PANIC, false, "system-reset-xmon");
	system_reset(V6_12);
	twist("Kernel panic", "Kernel picnic");
	scene.seen.end = LAB_END_BOUND;
	expect(LAB_OOPS, true, "system-reset-cut");
	/* One that nobody notices. */
	begin("");
	add_hit(USER_NIP, USER_MSR, "victim")->report.system_reset = true;
	expect(LAB_LOST, false, "system-reset");
}

static void what_kills_the_kernel_enters_xmon_the_crash_kernel_or_a_panic(void **state)
{
	static void (*const deadly[])(unsigned kernel) = { ue_kernel, fatal_kernel, fatal_user,
							   idle_ue };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(deadly); i++) {
		deadly[i](V6_1);
		scene.seen.options.xmon = true;
		twist("Oops: Machine check, sig: 7 [#1]",
		      "cpu 0x0: Vector: 200 (Machine Check) at [c00000001ffabd60]");
		scene.seen.nr_notes = 0;
		scene.seen.end = LAB_END_BOUND;
		expect(LAB_HANG, true, "not-recovered-xmon");
		deadly[i](V6_1);
		scene.seen.options.xmon = true;
		expect(LAB_OOPS, false, "not-recovered-xmon");

		deadly[i](V6_1);
		add_line("kexec: Starting switchover sequence.");
		expect(LAB_OOPS, true, "not-recovered-kdump");
		end_by(MACHINE_REBOOT, false);
		expect(LAB_OS_TERM, true, "not-recovered-kdump");

		deadly[i](V6_1);
		scene.seen.end = LAB_END_DONE;
		scene.seen.options.panic_on_oops = true;
		expect(LAB_OOPS, false, "not-recovered-panic-on-oops");
		add_line("Kernel panic - not syncing: Fatal exception");
		end_by(MACHINE_CRASHED, true);
		expect(LAB_PANIC, true, "not-recovered-panic-on-oops");
	}
	/* A process is killed as ever. */
	ue_user(V6_1);
	scene.seen.options.xmon = scene.seen.options.panic_on_oops = true;
	expect(LAB_KILLED, true, "not-recovered-user");
	/* xmon for another reason is not the one that is expected. */
	ue_kernel(V6_1);
	scene.seen.options.xmon = true;
	twist("Oops: Machine check, sig: 7 [#1]", "cpu 0x0: Vector: 300 (Data Access) at [c000]");
	scene.seen.end = LAB_END_BOUND;
	expect_why(LAB_OOPS, "Vector: 300");
}

static void the_command_line_says_how_the_kernel_dies(void **state)
{
	static const struct {
		const char *line;
		bool panics, xmon;
	} lines[] = {
		{ "", false, false },
		{ "oops=panic", true, false },
		{ "console=hvc0  xmon=rw oops=panic", true, true },
		{ "xmon", false, true },
		{ "xmon=on xmon=off", false, false },
		{ "xmon=nobt noops=panic oops=panicky", false, false },
		{ "oops=panic sysctl.kernel.panic_on_oops=0", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct kernel_options options;

		kernel_options_read(&options, lines[i].line);
		assert_int_equal(options.panic_on_oops, lines[i].panics);
		assert_int_equal(options.xmon, lines[i].xmon);
	}
}

static void the_kernels_own_repair_counts_as_recovery(void **state)
{
	(void)state;
	for (unsigned type = FWNMI_MC_SLB; type <= FWNMI_MC_ERAT; type++) {
		slb_user(V6_1);
		scene.seen.hits[0].report.log.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
		scene.seen.hits[0].report.log.mc.error_type = (uint8_t)type;
		if (type == FWNMI_MC_ERAT) {
			scene.seen.hits[0].report.log.mc.error_subtype = FWNMI_ERAT_MULTIHIT;
			twist("SLB", "ERAT");
		}
		expect(LAB_RECOVERED, true, "recovered");
	}
	limited(V6_1);
	scene.seen.hits[0].report.log.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	twist("[Recovered]", "[Not recovered]");
	add_death("victim", 7);
	expect(LAB_KILLED, true, "not-recovered-user");
}

static void process_1_takes_the_kernel_along(void **state)
{
	(void)state;
	ue_user(V6_1);
	scene.seen.nr_notes = 0;
	snprintf(scene.seen.hits[0].process, 8, "init");
	twist("Comm: victim", "Comm: init");
	add_line("Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000007");
	end_by(MACHINE_CRASHED, true);
	expect(LAB_PANIC, true, "not-recovered-init");
}

static void a_ue_with_a_fixup_need_not_be_reported(void **state)
{
	(void)state;
	begin("");
	add_check(0xc000000000000100, KERNEL_MSR, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE,
		  FWNMI_SEVERITY_ERROR_SYNC, FWNMI_DISPOSITION_NOT_RECOVERED)
		->fixup = true;
	expect(LAB_LOST, true, "ue-fixup");
	scene.seen.hits[0].fixup = false;
	expect(LAB_LOST, false, "not-recovered-kernel");
}

static void a_trigger_that_does_not_come_true_fails(void **state)
{
	(void)state;
	begin("");
	scene.seen.end = LAB_END_UNREACHED;
	scene.seen.steps_reached = 0;
	expect(LAB_NOT_REACHED, false, "");
	begin("");
	expect_why(LAB_NOT_REACHED, "no event");
}

/* ---- each rule, each verdict ---- */

static const char reported[] = "NMI backtrace for cpu 0\n"
			       "MCE: CPU0: machine check (Severe)  UE Load/Store [Recovered]\n";

/* One hit, of which Linux has said something. The rest decides which rule it is. */
static struct lab_hit *one_hit(uint64_t msr)
{
	begin(reported);
	return add_check(USER_NIP, msr, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE, FWNMI_SEVERITY_ERROR_SYNC,
			 FWNMI_DISPOSITION_FULLY_RECOVERED);
}

static void not_recovered(uint64_t msr)
{
	one_hit(msr)->report.log.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	twist("[Recovered]", "[Not recovered]");
}

static void be_reset(const char *console)
{
	begin(console);
	add_hit(USER_NIP, USER_MSR, "victim")->report.system_reset = true;
}

static void be_nested(void)
{
	one_hit(USER_MSR)->report.interlocked = false;
	add_hit(0x1990, 0x8000000000001001, "victim")->report.stage = INJECTION_FAILED;
}

static void be_unsafe(void)
{
	one_hit(USER_MSR)->report.stopped = true;
}

static void be_unsafe_last(void)
{
	be_unsafe();
	scene.seen.nr_running = 0;
}

static void be_own(void)
{
	be_reset(reported);
	scene.seen.hits[0].guest_asked = true;
	twist("MCE: CPU0: machine", "MCE: machine");
}

static void be_xmon(void)
{
	be_reset("cpu 0x0: Vector: 100 (System Reset) at [c000]\n");
}

static void be_dead_in_xmon(void)
{
	not_recovered(KERNEL_MSR);
	scene.seen.options.xmon = true;
}

static void be_dead_in_kdump(void)
{
	not_recovered(KERNEL_MSR);
	add_line("kexec: Starting switchover sequence.");
}

static void be_dead_by_oops(void)
{
	not_recovered(KERNEL_MSR);
	scene.seen.options.panic_on_oops = true;
}

static void be_kdump(void)
{
	be_reset("kexec: Starting switchover sequence.\n");
}

static void be_cut(void)
{
	be_reset("NMI backtrace for cpu 0\n");
	scene.seen.end = LAB_END_BOUND;
}

static void be_plain_reset(void)
{
	be_reset("NMI backtrace for cpu 0\n");
}

static void be_not_up(void)
{
	snprintf(one_hit(KERNEL_MSR)->place, LAB_MAX_PLACE, "generic_secondary_common_init+0x4");
}

static void be_coming_up(void)
{
	struct lab_hit *hit = one_hit(KERNEL_MSR & ~MSR_RI);

	snprintf(hit->place, LAB_MAX_PLACE, "generic_secondary_common_init+0x90");
	hit->before.sprg[1] = 0x1ffff000;
	twist("[Recovered]", "[Not recovered]");
	scene.seen.end = LAB_END_BOUND;
}

static void be_without_ri(void)
{
	one_hit(KERNEL_MSR & ~MSR_RI);
	twist("[Recovered]", "[Not recovered]");
}

static void be_fixup(void)
{
	not_recovered(KERNEL_MSR);
	scene.seen.hits[0].fixup = true;
}

static void be_page(void)
{
	set_addresses(one_hit(USER_MSR), USER_NIP, 0);
}

static void be_recovered(void)
{
	one_hit(USER_MSR);
}

static void be_init(void)
{
	not_recovered(USER_MSR);
	snprintf(scene.seen.hits[0].process, 8, "init");
}

static void be_killed(void)
{
	not_recovered(USER_MSR);
}

static void be_fatal(void)
{
	not_recovered(USER_MSR);
	scene.seen.hits[0].report.log.severity = FWNMI_SEVERITY_FATAL;
	twist("Severe", "Fatal");
}

static void be_idle(void)
{
	not_recovered(KERNEL_MSR);
	scene.seen.hits[0].report.ceded = true;
}

static void be_kernel(void)
{
	not_recovered(KERNEL_MSR);
}

static void be_stuck(void)
{
	be_kernel();
	scene.seen.end = LAB_END_BOUND;
}

/* Make this true of the run, too. */
static void make_so(enum lab_verdict verdict)
{
	switch (verdict) {
	case LAB_LOST:
		scene.seen.console_length = 0;
		break;
	case LAB_HANG:
		scene.seen.end = LAB_END_BOUND;
		break;
	case LAB_OOPS:
		add_line("Oops: Machine check, sig: 7 [#1]");
		break;
	case LAB_PANIC:
		add_line("Kernel panic - not syncing: Fatal exception");
		if (scene.seen.end != LAB_END_BOUND)
			end_by(MACHINE_CRASHED, true);
		break;
	case LAB_OS_TERM:
		end_by(MACHINE_CRASHED, true);
		break;
	case LAB_CHECKSTOP:
		end_by(MACHINE_CRASHED, false);
		break;
	case LAB_KILLED:
		add_death(scene.seen.hits[0].process, 7);
		break;
	case LAB_KILLED_WRONG:
		add_death("somebody", 7);
		break;
	case LAB_MISREPORTED:
		add_line("MCE: CPU0: machine check (Severe)  SLB Parity [Recovered]");
		break;
	case LAB_CORRUPTED:
		add_note(LAB_NOTE_CORRUPT, "victim", 0);
		break;
	default:
		break;
	}
}

#define BIT(verdict) (1u << LAB_##verdict)

static void each_rule_lets_pass_what_it_allows_and_nothing_else(void **state)
{
	const struct {
		const char *rule;
		void (*build)(void);
		unsigned allowed;
	} rules[] = {
		{ "nested", be_nested, BIT(CHECKSTOP) },
		{ "unsafe-processor", be_unsafe, BIT(RECOVERED) | BIT(HANG) },
		{ "unsafe-last-processor", be_unsafe_last, BIT(CHECKSTOP) },
		{ "own-nmi-ipi", be_own, BIT(RECOVERED) },
		{ "system-reset-xmon", be_xmon, BIT(HANG) },
		{ "not-recovered-xmon", be_dead_in_xmon, BIT(HANG) },
		{ "not-recovered-kdump", be_dead_in_kdump, BIT(OOPS) | BIT(OS_TERM) },
		{ "not-recovered-panic-on-oops", be_dead_by_oops, BIT(PANIC) },
		{ "system-reset-kdump", be_kdump, BIT(OS_TERM) | BIT(HANG) },
		{ "system-reset-cut", be_cut, BIT(OOPS) | BIT(PANIC) },
		{ "system-reset", be_plain_reset, BIT(PANIC) },
		{ "processor-not-up", be_not_up,
		  BIT(LOST) | BIT(HANG) | BIT(OOPS) | BIT(PANIC) | BIT(CHECKSTOP) },
		{ "not-recoverable", be_coming_up, BIT(OOPS) | BIT(PANIC) },
		{ "not-recoverable", be_without_ri, BIT(OOPS) | BIT(PANIC) },
		{ "ue-fixup", be_fixup, BIT(RECOVERED) | BIT(LOST) | BIT(KILLED) | BIT(CORRUPTED) },
		{ "recovered-ue", be_page, BIT(RECOVERED) | BIT(KILLED) },
		{ "recovered", be_recovered, BIT(RECOVERED) },
		{ "not-recovered-init", be_init, BIT(PANIC) },
		{ "not-recovered-user", be_killed, BIT(KILLED) },
		{ "fatal-user", be_fatal, BIT(OOPS) | BIT(PANIC) },
		{ "not-recovered-idle", be_idle, BIT(OOPS) | BIT(PANIC) },
		{ "not-recovered-kernel", be_kernel, BIT(OOPS) | BIT(PANIC) },
		{ "killed-kernel-stuck", be_stuck, BIT(HANG) | BIT(OOPS) | BIT(PANIC) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		for (enum lab_verdict verdict = 0; verdict < LAB_VERDICTS; verdict++) {
			const bool allowed = rules[i].allowed >> verdict & 1;

			rules[i].build();
			make_so(verdict);
			if (allowed)
				expect(verdict, true, rules[i].rule);
			lab_judge(&scene.c, &scene.seen, &scene.judgement);
			/* In another run another rule may apply. */
			if (scene.judgement.rule &&
			    strcmp(scene.judgement.rule->name, rules[i].rule) != 0)
				continue;
			if (scene.judgement.verdict == verdict && scene.judgement.passed != allowed)
				fail_msg("%s: %s", rules[i].rule, lab_verdict_name(verdict));
		}
	}
}

/* ---- evidence ---- */

static void evidence_is_the_same_whatever_the_host_took(void **state)
{
	json_t *a, *b;

	(void)state;
	ue_user(V6_1);
	scene.seen.hits[0].report.interlock_host_ns = 1;
	scene.seen.hits[0].report.id = 1;
	a = lab_evidence_json(&scene.c, &scene.seen);
	scene.seen.hits[0].report.interlock_host_ns = 2;
	scene.seen.hits[0].report.id = 2;
	b = lab_evidence_json(&scene.c, &scene.seen);
	assert_true(json_equal(a, b));
	json_decref(a);
	json_decref(b);
}

static void evidence_has_what_a_person_asks_for(void **state)
{
	const char *console;
	json_t *json, *hit;

	(void)state;
	ue_user(V6_1);
	add_line("[    0.2] fwnmi-lab: round victim 3");
	scene.seen.hits[0].came_back = true;
	scene.seen.hits[0].after = scene.seen.hits[0].before;
	scene.seen.hits[0].after.gpr[14] = 5;
	json = lab_evidence_json(&scene.c, &scene.seen);
	hit = json_array_get(json_object_get(json, "hits"), 0);
	assert_string_equal(json_string_value(json_object_get(hit, "process")), "victim");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(hit, "after"), "r14")), "0x5");
	assert_null(json_object_get(json_object_get(hit, "after"), "r15"));
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(json_object_get(hit, "event"), "log"), "type")),
			    "UE");
	console = json_string_value(json_object_get(json, "console"));
	assert_non_null(strstr(console, "UE Load/Store"));
	assert_null(strstr(console, "round"));
	assert_null(strstr(console, "Disabling lock debugging"));
	assert_int_equal(json_array_size(json_object_get(json, "notes")), 1);
	assert_null(json_object_get(json, "address"));
	json_decref(json);
}

static void evidence_is_bounded_and_is_text(void **state)
{
	json_t *json;
	char *text;

	(void)state;
	begin("");
	memset(scene.console, 'x', MAX_TEXT - 1);
	memcpy(scene.console, "MCE: \x80\0\x1b[2J", 11);
	for (unsigned i = 100; i + 10 < MAX_TEXT; i += 10)
		memcpy(scene.console + i, "\nMCE: \xff\xfe", 8);
	scene.seen.console_length = MAX_TEXT - 1;
	json = lab_evidence_json(&scene.c, &scene.seen);
	text = json_dumps(json, JSON_COMPACT);
	assert_non_null(text);
	assert_true(strlen(text) < 30000);
	free(text);
	json_decref(json);
	/* Without a line that matters, the last ones are quoted. */
	begin("first\nsecond\n");
	for (unsigned i = 0; i < 8; i++)
		add_line("more");
	json = lab_evidence_json(&scene.c, &scene.seen);
	assert_string_equal(json_string_value(json_object_get(json, "console")),
			    "more\nmore\nmore\nmore\nmore\nmore\nmore\nmore\n");
	json_decref(json);
}

static void every_rule_has_a_law_and_a_source(void **state)
{
	unsigned count = 0;

	(void)state;
	for (const struct lab_rule *rule; (rule = law_rules(count)); count++) {
		assert_true(rule->name[0] && rule->law[0] && rule->source[0]);
		assert_true(rule->allowed);
		for (unsigned i = 0; i < count; i++)
			assert_string_not_equal(law_rules(i)->name, rule->name);
	}
	assert_true(count > 10);
}

static void every_verdict_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LAB_VERDICTS; i++) {
		enum lab_verdict verdict;

		assert_true(lab_verdict_parse(lab_verdict_name(i), &verdict));
		assert_int_equal(verdict, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_debian_kernels_do_passes),
		cmocka_unit_test(each_part_of_a_report_is_compared),
		cmocka_unit_test(the_cpu_of_a_report_is_compared),
		cmocka_unit_test(a_report_of_the_wrong_mode_is_misreported),
		cmocka_unit_test(real_addresses_are_compared),
		cmocka_unit_test(a_misreport_counts_even_if_the_process_was_rightly_killed),
		cmocka_unit_test(an_address_that_equals_nip_is_not_missed),
		cmocka_unit_test(an_address_that_the_log_lacks_may_only_be_an_earlier_one),
		cmocka_unit_test(a_report_that_is_missing_is_lost),
		cmocka_unit_test(a_report_too_many_is_misreported),
		cmocka_unit_test(reports_of_a_storm_find_their_events),
		cmocka_unit_test(a_report_that_linux_repeats_stands_for_one_that_it_dropped),
		cmocka_unit_test(after_a_fatal_one_nothing_is_known),
		cmocka_unit_test(every_severity_has_its_word),
		cmocka_unit_test(every_type_and_subtype_has_its_words),
		cmocka_unit_test(the_wrong_process_died),
		cmocka_unit_test(a_process_that_may_live_was_killed),
		cmocka_unit_test(a_process_that_must_die_lives),
		cmocka_unit_test(the_other_of_two_processes_was_killed),
		cmocka_unit_test(who_loses_a_shared_page_is_rightly_killed),
		cmocka_unit_test(a_process_that_crashes_is_corrupted),
		cmocka_unit_test(what_a_workload_finds_is_corruption),
		cmocka_unit_test(registers_that_come_back_changed_are_corruption),
		cmocka_unit_test(more_registers_and_the_soft_mask_are_compared_as_well),
		cmocka_unit_test(a_kernel_that_does_not_go_on_where_it_was_is_corrupted),
		cmocka_unit_test(an_exit_that_begins_anew_need_not_come_back),
		cmocka_unit_test(an_oops_too_many_is_an_oops),
		cmocka_unit_test(the_machines_end_has_a_verdict),
		cmocka_unit_test(an_oops_for_another_reason_is_not_the_one_that_is_allowed),
		cmocka_unit_test(recovery_of_what_cannot_be_recovered_fails),
		cmocka_unit_test(a_kernel_that_stops_hangs),
		cmocka_unit_test(a_second_machine_check_before_the_interlock_ends_the_partition),
		cmocka_unit_test(a_kernel_that_goes_on_without_the_interlock_is_accused_at_once),
		cmocka_unit_test(
			a_system_reset_must_not_call_the_interlock_for_the_machine_check_under_it),
		cmocka_unit_test(a_kernel_may_hang_without_its_unsafe_processor),
		cmocka_unit_test(without_registration_there_is_no_rule),
		cmocka_unit_test(
			an_oops_that_gets_the_place_of_a_system_reset_wrong_is_misreported),
		cmocka_unit_test(system_resets_of_other_kinds_have_their_rules),
		cmocka_unit_test(what_kills_the_kernel_enters_xmon_the_crash_kernel_or_a_panic),
		cmocka_unit_test(the_command_line_says_how_the_kernel_dies),
		cmocka_unit_test(the_kernels_own_repair_counts_as_recovery),
		cmocka_unit_test(process_1_takes_the_kernel_along),
		cmocka_unit_test(a_ue_with_a_fixup_need_not_be_reported),
		cmocka_unit_test(a_trigger_that_does_not_come_true_fails),
		cmocka_unit_test(each_rule_lets_pass_what_it_allows_and_nothing_else),
		cmocka_unit_test(evidence_is_the_same_whatever_the_host_took),
		cmocka_unit_test(evidence_has_what_a_person_asks_for),
		cmocka_unit_test(evidence_is_bounded_and_is_text),
		cmocka_unit_test(every_rule_has_a_law_and_a_source),
		cmocka_unit_test(every_verdict_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
