/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LoPAR's FWNMI requirements R1-7.3.14-1 to -19, one by one, on the library with a fake host. Each
 * test is named after the requirement that it proves; docs/conformance.md lists them. R2 and R3
 * concern the device tree, which is the host's: see partition.c.
 */
#include <pthread.h>

#include <fwnmi/mce.h>

#include "library.h"

#define EVERY_CLASS 0xffffffffu

static struct fwnmi_machine_check of_type(uint8_t type, uint8_t subtype, uint8_t severity,
					  uint8_t disposition)
{
	return (struct fwnmi_machine_check){ .error_type = type,
					     .error_subtype = subtype,
					     .severity = severity,
					     .disposition = disposition,
					     .initiator = FWNMI_INITIATOR_CPU };
}

/* The OS has handled the event: it calls the interlock and returns. */
static void finish(struct host *host, unsigned cpu)
{
	assert_int_equal(fwnmi_interlock(host->f, cpu), FWNMI_RELEASED);
	run_something(host, cpu);
}

static void assert_already_reported(const struct host *host)
{
	const struct fwnmi_errlog log = buffer_log(host);

	assert_int_equal(log.severity, FWNMI_SEVERITY_ALREADY_REPORTED);
	assert_false(log.has_extended);
}

/* ---- R1 ---- */

static void r1_registration_event_report_and_interlock_make_one_cycle(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	start(host, &default_config);
	assert_int_equal(host_machine_check(host, 0, &mc), AT_VECTOR);
	assert_at_vector(host, 0, 0x200, INTERRUPTED_MSR | 0x00200000);
	run_something(host, 0);
	enrol(host);
	take(host, 0, &mc);
	assert_at_handler(host, 0, MACHINE_CHECK, INTERRUPTED_MSR | 0x00200000);
	finish(host, 0);
	assert_int_equal(host_system_reset(host, 0), FWNMI_DELIVERED);
	assert_at_handler(host, 0, SYSTEM_RESET, INTERRUPTED_MSR);
}

/* ---- R4 ---- */

static void r4_registration_answers_0_minus_1_or_minus_3(void **state)
{
	struct host *host = *state;

	assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_REGISTER,
					   fwnmi_register(host->f, 0, 0x1920, 0x1990)),
			 0);
	assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_REGISTER,
					   fwnmi_register2(host->f, 0, 0x1920, 0x1990)),
			 0);
	assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_REGISTER,
					   fwnmi_register(host->f, 0, 0x2000000, 0x1990)),
			 -3);
	assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_REGISTER,
					   fwnmi_register2(host->f, 0, 0x1920, 0x2000000)),
			 -3);
	host->memory_size = 0x4000;
	assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_REGISTER,
					   fwnmi_register(host->f, 0, 0x4000, 0x1990)),
			 -3);
	assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_REGISTER,
					   fwnmi_register2(host->f, 0, 0x1920, 0x1990)),
			 -1);
}

static void r4_both_routines_are_taken_in_their_order(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	assert_int_equal(fwnmi_register(host->f, 0, 0x4000, 0x5000), 0);
	assert_int_equal(host_system_reset(host, 0), FWNMI_DELIVERED);
	assert_int_equal(host->regs[0].nip, 0x4000);
	take(host, 1, &mc);
	assert_int_equal(host->regs[1].nip, 0x5000);
}

/* A failed call changes neither the routines, nor the error area, nor the registration. */
static void r4_a_refused_registration_changes_nothing(void **state)
{
	typedef int registration(struct fwnmi * f, unsigned cpu, uint64_t reset, uint64_t check);
	static registration *const calls[] = { fwnmi_register, fwnmi_register2 };
	static const uint64_t areas[] = { BUFFER, FWNMI_PAGE_7 }, refused[][2] = {
		{ 0x2000000, 0x4000 }, { 0x4000, 0x2000000 }, { 0x4002, 0x4000 }, { 0x4000, 0x4001 }
	};
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	for (size_t good = 0; good < ARRAY_SIZE(calls); good++) {
		host->may_write = areas[good] == FWNMI_PAGE_7 ? PAGE_7 : RTAS_AREA;
		assert_int_equal(calls[good](host->f, 0, SYSTEM_RESET, MACHINE_CHECK), 0);
		for (size_t bad = 0; bad < ARRAY_SIZE(calls); bad++) {
			for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
				assert_int_equal(calls[bad](host->f, 0, refused[i][0],
							    refused[i][1]),
						 FWNMI_ERR_PARAMETER);
				take(host, 1, &mc);
				assert_int_equal(host->regs[1].nip, MACHINE_CHECK);
				assert_int_equal(host->regs[1].gpr3, areas[good]);
				finish(host, 1);
				assert_int_equal(host_system_reset(host, 1), FWNMI_DELIVERED);
				assert_int_equal(host->regs[1].nip, SYSTEM_RESET);
				assert_in_range(host->regs[1].gpr3, areas[good],
						areas[good] + FWNMI_PAGE_7_SIZE - 1);
			}
		}
	}
}

/* ---- R5 ---- */

/* The OS must leave them alone, but the platform does not rely on it. */
static void r5_what_the_os_does_to_vectors_and_page_7_changes_nothing(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	for (uint8_t fill = 0; fill < 4; fill++) {
		memset(host->low_memory + 0x100, fill, 0x200);
		memset(host->low_memory + FWNMI_PAGE_7, fill, FWNMI_PAGE_7_SIZE);
		run_something(host, 0);
		take(host, 0, &mc);
		assert_at_handler(host, 0, MACHINE_CHECK, INTERRUPTED_MSR | 0x00200000);
		assert_int_equal(buffer_log(host).mc.error_type, FWNMI_MC_SLB);
		finish(host, 0);
	}
}

/* ---- R6 ---- */

static void r6_both_routines_must_be_in_the_first_32_mib(void **state)
{
	struct host *host = *state;

	assert_int_equal(fwnmi_register(host->f, 0, 0x1fffffc, 0x1fffffc), 0);
	assert_int_equal(fwnmi_register2(host->f, 0, 0x1fffffc, 0x1fffffc), 0);
	for (unsigned bit = 25; bit < 64; bit++) {
		assert_int_equal(fwnmi_register(host->f, 0, 1ull << bit, 0x1000),
				 FWNMI_ERR_PARAMETER);
		assert_int_equal(fwnmi_register(host->f, 0, 0x1000, 1ull << bit | 0x1000),
				 FWNMI_ERR_PARAMETER);
		assert_int_equal(fwnmi_register2(host->f, 0, 1ull << bit, 0x1000),
				 FWNMI_ERR_PARAMETER);
	}
}

/* ---- R7 ---- */

static void r7_processor_state_is_stored_in_the_rtas_area_only(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t *before = exact_copy(host->low_memory, sizeof(host->low_memory));

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		take(host, cpu, &mc);
		assert_int_equal(host_system_reset(host, cpu), FWNMI_DELIVERED);
		finish(host, cpu);
	}
	assert_int_equal(host->writes, 2 * NR_CPUS); /* writes outside would fail in the host */
	assert_memory_equal(host->low_memory, before, sizeof(host->low_memory));
	free(before);
}

/* ---- R8 ---- */

static void r8_every_system_reset_on_every_processor_goes_to_the_routine(void **state)
{
	struct host *host = *state;

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		assert_int_equal(host_system_reset(host, cpu), FWNMI_DELIVERED);
		assert_at_handler(host, cpu, SYSTEM_RESET, INTERRUPTED_MSR);
		run_something(host, cpu);
	}
	assert_int_equal(fwnmi_signal_system_reset(host->f, 2, FWNMI_ALL), NR_CPUS);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		assert_int_equal(host_resume(host, cpu), FWNMI_DELIVERED);
		assert_at_handler(host, cpu, SYSTEM_RESET, INTERRUPTED_MSR);
	}
}

/* ---- R9 ---- */

static void r9_strictly_a_system_reset_keeps_every_register(void **state)
{
	struct host *host = *state;

	restart_strict(host);
	assert_int_equal(host_system_reset(host, 3), FWNMI_DELIVERED);
	assert_at_handler(host, 3, SYSTEM_RESET, INTERRUPTED_MSR);
	assert_int_equal(host->regs[3].gpr3, 0x3333000000000003);
	assert_int_equal(host->regs[3].msr & 0x30, 0); /* IR, DR */
	assert_int_equal(host->writes, 0);
}

/* As with PowerVM and KVM, because Linux uses R3 as a pointer. */
static void r9_by_default_r3_points_to_a_slot_of_its_cpu_with_the_original(void **state)
{
	struct host *host = *state;

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		assert_int_equal(host_system_reset(host, cpu), FWNMI_DELIVERED);
		assert_at_handler(host, cpu, SYSTEM_RESET, INTERRUPTED_MSR);
	}
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		assert_int_equal(host->regs[cpu].gpr3, SLOT(cpu));
		assert_int_equal(saved_r3(host, SLOT(cpu)), 0x3333000000000000 + cpu);
	}
}

/* ---- R10 ---- */

static void r10_every_machine_check_on_every_processor_goes_to_the_routine(void **state)
{
	struct host *host = *state;

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		for (unsigned type = 0; type < 8; type++) {
			struct fwnmi_machine_check mc = of_type((uint8_t)type, 0,
								FWNMI_SEVERITY_ERROR_SYNC,
								FWNMI_DISPOSITION_NOT_RECOVERED);

			if (!fwnmi_mc_type_name(type))
				continue;
			if (type == FWNMI_MC_ERAT || type == FWNMI_MC_TLB)
				mc.error_subtype = FWNMI_TLB_PARITY;
			take(host, cpu, &mc);
			assert_at_handler(host, cpu, MACHINE_CHECK, INTERRUPTED_MSR);
			finish(host, cpu);
		}
	}
}

/* ---- R11 ---- */

static void r11_each_processor_can_be_interrupted_whatever_it_has_masked(void **state)
{
	static const uint64_t masks[] = { 0x8000000000001002, 0x8000000000001000,
					  0x8000000000000000, 0 }; /* RI, ME, SF, none */
	struct host *host = *state;

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
			run_something(host, cpu);
			host->regs[cpu].msr = masks[i];
			host->kicks[cpu] = 0;
			assert_int_equal(fwnmi_signal_system_reset(host->f, 0, cpu), 1);
			assert_int_equal(host->kicks[cpu], 1);
			assert_int_equal(host_resume(host, cpu), FWNMI_DELIVERED);
			assert_at_handler(host, cpu, SYSTEM_RESET, masks[i]);
		}
	}
}

/* ---- R12 ---- */

static void r12_what_the_processor_says_is_analysed_and_reported(void **state)
{
	static const struct {
		uint16_t version;
		uint64_t srr1;
		uint32_t dsisr;
		uint8_t type, subtype, severity;
	} causes[] = {
		{ FWNMI_PVR_POWER8, 0x000c0000, 0, FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, 3 },
		{ FWNMI_PVR_POWER8, 0x00200000, 0x200, FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, 3 },
		{ FWNMI_PVR_POWER9, 0x00200000, 0x8000, FWNMI_MC_UE, FWNMI_UE_LOAD_STORE, 3 },
		{ FWNMI_PVR_POWER9, 0x00040000, 0, FWNMI_MC_UE, FWNMI_UE_IFETCH, 3 },
		{ FWNMI_PVR_POWER9, 0x08140000, 0, FWNMI_MC_UNKNOWN, 0, 5 },
		{ FWNMI_PVR_POWER10, 0x00200000, 0x400, FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT, 3 },
		{ FWNMI_PVR_POWER10, 0x00080000, 0, FWNMI_MC_SLB, FWNMI_SLB_PARITY, 3 },
	};
	struct host *host = *state;

	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		struct fwnmi_machine_check mc;
		struct fwnmi_errlog log;

		fwnmi_reset(host->f);
		enrol(host);
		run_something(host, 0);
		assert_int_equal(fwnmi_mce_analyse((uint32_t)causes[i].version << 16,
						   FWNMI_DISPOSITION_NOT_RECOVERED,
						   host->regs[0].nip, causes[i].srr1,
						   causes[i].dsisr, 0x1234, &mc),
				 0);
		take(host, 0, &mc);
		log = buffer_log(host);
		assert_int_equal(log.severity, causes[i].severity);
		assert_int_equal(log.has_mc, causes[i].type != FWNMI_MC_UNKNOWN);
		if (log.has_mc) {
			assert_int_equal(log.mc.error_type, causes[i].type);
			assert_int_equal(log.mc.error_subtype, causes[i].subtype);
		}
		assert_int_equal(host->regs[0].srr1 & FWNMI_SRR1_CAUSE_MASK, causes[i].srr1);
	}
}

static void r12_corrupted_state_is_repaired_where_it_can_be_and_the_result_reported(void **state)
{
	struct host *host = *state;

	start_with(host, &default_config, &all_ops);
	enrol(host);
	for (unsigned fails = 0; fails < 2; fails++) {
		for (unsigned type = 0; type < 8; type++) {
			struct fwnmi_machine_check mc = of_type((uint8_t)type, 1,
								FWNMI_SEVERITY_ERROR_SYNC,
								FWNMI_DISPOSITION_NOT_RECOVERED);
			bool repairable = type == FWNMI_MC_SLB || type == FWNMI_MC_ERAT ||
					  type == FWNMI_MC_TLB;

			if (type != FWNMI_MC_UE && !repairable)
				continue;
			host->fail_repair = fails;
			host->repairs = 0;
			take(host, 0, &mc);
			assert_int_equal(host->repairs, repairable);
			assert_int_equal(buffer_log(host).disposition,
					 repairable && !fails ? FWNMI_DISPOSITION_FULLY_RECOVERED :
								FWNMI_DISPOSITION_NOT_RECOVERED);
			finish(host, 0);
		}
	}
}

/* ---- R13 ---- */

static void r13_r3_points_to_original_r3_and_log_and_all_else_is_as_it_was(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		take(host, cpu, &mc);
		assert_at_handler(host, cpu, MACHINE_CHECK, INTERRUPTED_MSR | 0x00200000);
		assert_int_equal(host->regs[cpu].msr & 0x30, 0); /* IR, DR */
		assert_int_equal(host->regs[cpu].gpr3, BUFFER);
		assert_int_equal(host->regs[cpu].gpr3 % 16, 0);
		assert_int_equal(saved_r3(host, BUFFER), 0x3333000000000000 + cpu);
		finish(host, cpu);
	}
}

static void r13_an_extended_part_follows_the_fixed_one_if_that_says_so(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	const uint8_t *log = host->rtas + SAVE_OFFSET + LOG_OFFSET;
	struct fwnmi_errlog decoded;
	int length;

	take(host, 1, &mc);
	assert_int_equal(log[0], 6);
	assert_int_equal(log[1] & 4, 4);
	length = fwnmi_errlog_decode(&decoded, log, FWNMI_ERRLOG_MAX);
	assert_int_equal(length, 8 + decoded.extended_length);
	assert_true(decoded.has_main_a && decoded.has_main_b && decoded.has_primary_src);
	assert_int_equal(decoded.mc.effective_address, mc.effective_address);
	assert_int_equal(decoded.mc.processor_id, 1);
}

/* ---- R14 ---- */

/*
 * No loop and no wait: the same few steps, however many processors wait and however full the queue
 * is.
 */
static void r14_a_report_takes_one_copy_of_each_thing_whoever_waits(void **state)
{
	static const uint8_t log[8] = { 6, 0x20, 0, 226, 0, 0, 0, 0 };
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	while (fwnmi_event_queue(host->f, FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, log, 8) == 0)
		;
	take(host, 0, &mc);
	for (unsigned cpu = 1; cpu < NR_CPUS; cpu++)
		assert_int_equal(host_machine_check(host, cpu, &mc), FWNMI_WAITING);
	for (unsigned cpu = 1; cpu < NR_CPUS; cpu++) {
		assert_int_equal(fwnmi_interlock(host->f, cpu - 1), FWNMI_RELEASED);
		host->reads = host->writes = host->register_writes = 0;
		assert_int_equal(host_resume(host, cpu), FWNMI_DELIVERED);
		assert_int_equal(host->reads, 1);
		assert_int_equal(host->writes, 1);
		assert_int_equal(host->register_writes, 1);
	}
}

/* ---- R15 ---- */

static void r15_after_a_fatal_report_only_already_reported(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit(), fatal = fatal_ue();

	take(host, 0, &fatal);
	assert_int_equal(buffer_log(host).severity, FWNMI_SEVERITY_FATAL);
	assert_int_equal(host_machine_check(host, 1, &mc), FWNMI_WAITING);
	assert_int_equal(host_machine_check(host, 2, &fatal), FWNMI_WAITING);
	finish(host, 0);
	for (unsigned cpu = 1; cpu <= 2; cpu++) {
		assert_int_equal(host_resume(host, cpu), FWNMI_DELIVERED);
		assert_already_reported(host);
		finish(host, cpu);
	}
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		take(host, cpu, cpu % 2 ? &mc : &fatal);
		assert_already_reported(host);
		finish(host, cpu);
	}
	assert_int_equal(host->ends, 0);
}

static void r15_holds_for_the_image_that_was_told_and_no_other(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit(), fatal = fatal_ue();

	/* Not told: it was withdrawn before it was delivered. */
	take(host, 0, &mc);
	assert_int_equal(host_machine_check(host, 1, &fatal), FWNMI_WAITING);
	assert_int_equal(fwnmi_withdraw(host->f, 1), FWNMI_RELEASED);
	finish(host, 0);
	take(host, 0, &mc);
	assert_int_equal(buffer_log(host).severity, FWNMI_SEVERITY_ERROR_SYNC);
	finish(host, 0);

	take(host, 0, &fatal);
	finish(host, 0);
	/* A later registration belongs to the same image. */
	enrol(host);
	take(host, 0, &mc);
	assert_already_reported(host);
	fwnmi_reset(host->f);
	enrol(host);
	take(host, 0, &mc);
	assert_int_equal(buffer_log(host).severity, FWNMI_SEVERITY_ERROR_SYNC);
}

static void r15_holds_after_a_fatal_event_scan_too(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t buf[FWNMI_ERRLOG_MAX];

	mc.unsafe_processor = true;
	assert_int_equal(host_machine_check(host, 3, &mc), FWNMI_STOPPED);
	assert_true(fwnmi_event_scan(host->f, EVERY_CLASS, false, buf, sizeof(buf)) > 0);
	mc.unsafe_processor = false;
	take(host, 0, &mc);
	assert_already_reported(host);
}

/* ---- R16 ---- */

static void r16_an_unsafe_processor_is_not_returned_to_and_event_scan_is_fatal(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t buf[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog log;

	mc.unsafe_processor = true;
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_STOPPED);
	assert_untouched(host, 2);
	assert_int_equal(host_resume(host, 2), FWNMI_STOPPED);
	assert_int_equal(host_system_reset(host, 2), FWNMI_STOPPED);

	assert_int_equal(fwnmi_event_scan(host->f, FWNMI_CLASS_INTERNAL_ERRORS, false, buf,
					  sizeof(buf)),
			 216);
	assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), 216);
	assert_int_equal(log.severity, FWNMI_SEVERITY_FATAL);
	assert_int_equal(log.mc.processor_id, 2);
	assert_int_equal(fwnmi_event_scan(host->f, EVERY_CLASS, false, buf, sizeof(buf)), 0);
}

static void r16_the_next_image_still_learns_of_it(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t buf[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog log;

	mc.unsafe_processor = true;
	host_machine_check(host, 2, &mc);
	fwnmi_reset(host->f); /* the OS hung, and was rebooted */
	assert_int_equal(fwnmi_event_scan(host->f, EVERY_CLASS, false, buf, sizeof(buf)), 216);
	assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), 216);
	assert_int_equal(log.severity, FWNMI_SEVERITY_WARNING);
	assert_int_equal(log.mc.processor_id, 2);
}

/* ---- R17 ---- */

static void r17_interlock_answers_0_and_releases_the_buffer(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_INTERLOCK, fwnmi_interlock(host->f, 0)),
			 0);
	assert_int_equal(fwnmi_owner(host->f), -1);
	take(host, 1, &mc);
}

static void r17_without_an_event_it_answers_0_or_strictly_minus_1(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	for (unsigned strict = 0; strict < 2; strict++) {
		if (strict)
			restart_strict(host);
		assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_INTERLOCK,
						   fwnmi_interlock(host->f, 0)),
				 strict ? -1 : 0);
		take(host, 0, &mc);
		assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_INTERLOCK,
						   fwnmi_interlock(host->f, 1)),
				 strict ? -1 : 0);
		assert_int_equal(fwnmi_owner(host->f), 0);
		assert_int_equal(fwnmi_rtas_status(FWNMI_RTAS_NMI_INTERLOCK,
						   fwnmi_interlock(host->f, 0)),
				 0);
	}
}

/* ---- R18 ---- */

struct other_call {
	pthread_mutex_t lock; /* the host's, for all other RTAS calls and hcalls */
	pthread_barrier_t taken, released;
};

static void *make_other_call(void *opaque)
{
	struct other_call *other = opaque;

	pthread_mutex_lock(&other->lock);
	pthread_barrier_wait(&other->taken);
	pthread_barrier_wait(&other->released);
	pthread_mutex_unlock(&other->lock);
	return NULL;
}

/* The other call ends only after the interlock has returned, so a wait for it would never end. */
static void r18_interlock_waits_for_no_other_rtas_call_or_hcall(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	struct other_call other = { .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t thread;

	take(host, 0, &mc);
	pthread_barrier_init(&other.taken, NULL, 2);
	pthread_barrier_init(&other.released, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, make_other_call, &other), 0);
	pthread_barrier_wait(&other.taken);
	assert_int_not_equal(pthread_mutex_trylock(&other.lock), 0);
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	pthread_barrier_wait(&other.released);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&other.taken);
	pthread_barrier_destroy(&other.released);
}

static void r18_interlock_touches_no_memory_and_no_register(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	for (unsigned cpu = 1; cpu < NR_CPUS; cpu++)
		assert_int_equal(host_machine_check(host, cpu, &mc), FWNMI_WAITING);
	host->reads = host->writes = host->register_writes = 0;
	host->fail_reads = true;
	assert_int_equal(fwnmi_interlock(host->f, 0), FWNMI_RELEASED);
	assert_int_equal(host->reads + host->writes, 0);
	assert_int_equal(host->register_writes, 0);
	assert_int_equal(host->kicks[1], 1);
}

/* ---- R19 ---- */

static void r19_the_buffer_is_taken_until_the_interrupted_processor_calls_interlock(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t buffer[FWNMI_MC_BUFFER_SIZE];

	take(host, 1, &mc);
	memcpy(buffer, host->rtas + SAVE_OFFSET, sizeof(buffer));
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_WAITING);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		if (cpu == 1)
			continue;
		assert_int_equal(fwnmi_interlock(host->f, cpu), FWNMI_NOTHING);
		host_system_reset(host, cpu);
	}
	assert_int_equal(host_resume(host, 2), FWNMI_WAITING);
	assert_int_equal(fwnmi_owner(host->f), 1);
	assert_memory_equal(host->rtas + SAVE_OFFSET, buffer, sizeof(buffer));
	assert_int_equal(fwnmi_interlock(host->f, 1), FWNMI_RELEASED);
	assert_int_equal(host_resume(host, 2), FWNMI_DELIVERED);
}

/* ---- the text of the section ---- */

static void prose_a_second_machine_check_of_the_owner_ends_the_partition_with_a_log(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t buf[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog log;

	take(host, 2, &mc);
	assert_int_equal(host_machine_check(host, 2, &mc), FWNMI_ENDED);
	assert_int_equal(host->ends, 1);
	assert_int_equal(host->end_reason, FWNMI_END_NESTED_MACHINE_CHECK);
	assert_int_equal(fwnmi_end_log(host->f, buf, sizeof(buf)), 216);
	assert_int_equal(fwnmi_errlog_decode(&log, buf, sizeof(buf)), 216);
	assert_int_equal(log.severity, FWNMI_SEVERITY_FATAL);
	assert_int_equal(log.mc.processor_id, 2);
}

static void prose_processors_that_follow_wait_for_the_interlock_in_order(void **state)
{
	static const unsigned order[] = { 3, 1, 2 };
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();

	take(host, 0, &mc);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		mc.effective_address = order[i];
		assert_int_equal(host_machine_check(host, order[i], &mc), FWNMI_WAITING);
		assert_untouched(host, order[i]);
	}
	finish(host, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		assert_int_equal(host->last_kicked, order[i]);
		assert_int_equal(host_resume(host, order[i]), FWNMI_DELIVERED);
		assert_int_equal(buffer_log(host).mc.effective_address, order[i]);
		finish(host, order[i]);
	}
}

static void prose_a_later_repair_determination_comes_by_event_scan(void **state)
{
	struct host *host = *state;
	struct fwnmi_machine_check mc = slb_multihit();
	uint8_t log[FWNMI_ERRLOG_MAX], buf[FWNMI_ERRLOG_MAX];
	struct fwnmi_errlog repair = {
		.severity = FWNMI_SEVERITY_WARNING,
		.type = FWNMI_EVENT_PLATFORM_INFORMATION,
		.has_extended = true,
		.has_main_a = true,
		.has_main_b = true,
		.main_a = { .creator = 'H' },
	};
	int length;

	take(host, 0, &mc);
	repair.main_a.platform_log_id = fwnmi_log_id(host->f);
	assert_int_equal(repair.main_a.platform_log_id, buffer_log(host).main_a.platform_log_id);
	finish(host, 0);
	length = fwnmi_errlog_encode(&repair, log, sizeof(log));
	assert_int_equal(fwnmi_event_queue(host->f, FWNMI_EVENT_SCAN, FWNMI_CLASS_INTERNAL_ERRORS,
					   log, (size_t)length),
			 0);
	assert_int_equal(fwnmi_event_scan(host->f, EVERY_CLASS, false, buf, sizeof(buf)), length);
	assert_memory_equal(buf, log, (size_t)length);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(r1_registration_event_report_and_interlock_make_one_cycle),
		test(r4_registration_answers_0_minus_1_or_minus_3),
		test(r4_both_routines_are_taken_in_their_order),
		test(r4_a_refused_registration_changes_nothing),
		test(r5_what_the_os_does_to_vectors_and_page_7_changes_nothing),
		test(r6_both_routines_must_be_in_the_first_32_mib),
		test(r7_processor_state_is_stored_in_the_rtas_area_only),
		test(r8_every_system_reset_on_every_processor_goes_to_the_routine),
		test(r9_strictly_a_system_reset_keeps_every_register),
		test(r9_by_default_r3_points_to_a_slot_of_its_cpu_with_the_original),
		test(r10_every_machine_check_on_every_processor_goes_to_the_routine),
		test(r11_each_processor_can_be_interrupted_whatever_it_has_masked),
		test(r12_what_the_processor_says_is_analysed_and_reported),
		test(r12_corrupted_state_is_repaired_where_it_can_be_and_the_result_reported),
		test(r13_r3_points_to_original_r3_and_log_and_all_else_is_as_it_was),
		test(r13_an_extended_part_follows_the_fixed_one_if_that_says_so),
		test(r14_a_report_takes_one_copy_of_each_thing_whoever_waits),
		test(r15_after_a_fatal_report_only_already_reported),
		test(r15_holds_for_the_image_that_was_told_and_no_other),
		test(r15_holds_after_a_fatal_event_scan_too),
		test(r16_an_unsafe_processor_is_not_returned_to_and_event_scan_is_fatal),
		test(r16_the_next_image_still_learns_of_it),
		test(r17_interlock_answers_0_and_releases_the_buffer),
		test(r17_without_an_event_it_answers_0_or_strictly_minus_1),
		test(r18_interlock_waits_for_no_other_rtas_call_or_hcall),
		test(r18_interlock_touches_no_memory_and_no_register),
		test(r19_the_buffer_is_taken_until_the_interrupted_processor_calls_interlock),
		test(prose_a_second_machine_check_of_the_owner_ends_the_partition_with_a_log),
		test(prose_processors_that_follow_wait_for_the_interlock_in_order),
		test(prose_a_later_repair_determination_comes_by_event_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
