/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that injects errors into itself by RTAS: which machine check or log each is. LoPAR
 * section "Error Injection Option".
 */
#include "payload.h"

#define CHECKS "each_error_is_its_machine_check_once_rtas_has_returned"
#define PAGES  "a_corrupted_page_is_met_by_its_use_and_healed_by_overwriting"
#define EVENTS "recovered_events_are_logs_for_event_scan"
#define BUSY   "a_second_error_before_the_first_has_come_is_answered_busy"
#define CLOSED "without_a_session_nothing_is_injected"

const char *const sentences[] = { CHECKS, PAGES, EVENTS, BUSY, CLOSED, NULL };

#define KERNEL	(MSR_BARE | MSR_IR | MSR_DR)
#define NOT	2 /* disposition */
#define UNKNOWN 3 /* error type: the log says it by leaving it out */

CODE(load_it, "nop; ld 4,0(3); trap");
CODE(set_ri, "mtmsrd 3,1; nop; nop; trap"); /* MSR[EE], [RI] */

static struct log log;
static unsigned machine_checks;
static u32 session;
static u32 work[256] __attribute__((aligned(1024)));
static u64 line[32] __attribute__((aligned(128)));

static void arrived(struct frame *frame)
{
	machine_checks++;
	end_machine_check(&log, frame);
}

static int inject(u32 function, u32 cell0, u32 cell1)
{
	const u32 args[] = { function, session, (u32)(u64)work };

	work[0] = big32(cell0);
	work[1] = big32(cell1);
	return rtas("ibm,errinjct", 3, 1, args, NULL);
}

static void check_injected(u32 function, u32 cell, unsigned type, unsigned severity,
			   unsigned disposition)
{
	unsigned before = machine_checks;

	check_equal(CHECKS, (u64)inject(function, cell, 0), 0, "status");
	check_equal(CHECKS, machine_checks, before, "machine checks in real mode");
	check_equal(BUSY, (u64)inject(function, cell, 0), (u64)-2, "status");
	run(set_ri, KERNEL, MSR_RI, 0, 0, 0);
	check_equal(CHECKS, machine_checks, before + 1, "machine checks");
	check_equal(CHECKS, caught.vector, 0x200, "vector");
	check_equal(CHECKS, log.severity, severity, "severity");
	check_equal(CHECKS, log.disposition, disposition, "disposition");
	if (type != UNKNOWN)
		check_equal(CHECKS, log.error_type, type, "error type");
}

static void test_page(void)
{
	line[0] = 42;
	check_equal(PAGES, (u64)inject(4, 0, (u32)(u64)line + 8), 0, "status");
	run(load_it, MSR_BARE | MSR_RI, (u64)line, 0, 0, 0);
	check_caught(PAGES, 0x200, load_it, 4, MSR_BARE | MSR_RI, LOAD_STORE);
	check_equal(PAGES, log.error_type, UE, "error type");
	check_equal(PAGES, log.logical_address, (u64)line, "logical address");
	__asm__ volatile("dcbz 0,%0" : : "r"(line) : "memory");
	run(load_it, MSR_BARE | MSR_RI, (u64)line, 7, 0, 0);
	check_caught(PAGES, 0x700, load_it, 8, MSR_BARE | MSR_RI, TRAPPED);
	check_equal(PAGES, caught.gpr[4], 0, "the doubleword");
}

static void test_events(void)
{
	const u32 args[] = { 0xffffffff, 0, (u32)(u64)work, 1024 };

	check_equal(EVENTS, (u64)inject(2, 0, 0), 0, "status");
	check_equal(EVENTS, (u64)inject(3, 1, 0), 0, "status");
	check_equal(EVENTS, (u64)rtas("event-scan", 4, 1, args, NULL), 0, "event-scan");
	check_equal(EVENTS, big32(work[0]) >> 16, 0x0620, "version 6, event, fully recovered");
	check_equal(EVENTS, (u64)rtas("event-scan", 4, 1, args, NULL), 0, "event-scan");
	check_equal(EVENTS, big32(work[0]) >> 16, 0x0640, "version 6, warning, fully recovered");
	check_equal(EVENTS, (u64)rtas("event-scan", 4, 1, args, NULL), 1, "event-scan at the end");
}

void payload(void)
{
	u32 status;

	interrupts_in_own_endian();
	on_interrupt = leave_run;
	on_machine_check = arrived;
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	radix_start();
	/* Its first output is the token, and the second the status. */
	session = (u32)rtas("ibm,open-errinjct", 0, 2, NULL, &status);
	check_equal(CLOSED, status, 0, "status of ibm,open-errinjct");
	check_injected(5, 0x1000, SLB, ERROR_SYNC, NOT);
	check_injected(9, 0, D_CACHE, ERROR_SYNC, 0);
	check_injected(9, 1, ERAT, ERROR_SYNC, 0);
	check_injected(11, 0, I_CACHE, ERROR_SYNC, 0);
	check_injected(13, 0, TLB, ERROR_SYNC, 0);
	test_page();
	test_events();
	check_injected(1, 0, UNKNOWN, FATAL, NOT);
	check_equal(CLOSED, (u64)rtas("ibm,close-errinjct", 1, 1, &session, NULL), 0, "close");
	check_equal(CLOSED, (u64)inject(5, 0, 0), (u64)-4, "status");
}
