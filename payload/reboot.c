/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reboot discards the registration and all events. A counter in NVRAM, which survives, tells the
 * payload how often it has started. LoPAR sections "system-reboot" and "NVRAM Access Functions".
 */
#include "payload.h"

#define FORGOTTEN     "after_a_reboot_a_machine_check_goes_to_0x200_until_the_guest_registers_again"
#define RELEASED      "after_a_reboot_the_machine_check_that_had_no_interlock_is_forgotten"
#define FATAL_TOLD    "after_a_reboot_the_fatal_machine_check_of_before_is_not_already_reported"
#define UNSAFE_TOLD   "after_a_reboot_event_scan_tells_of_the_unsafe_cpu_as_of_something_past"
#define UNSAFE_STARTS "after_a_reboot_the_cpu_that_was_unsafe_can_be_started"
#define MEMORY	      "a_reboot_clears_memory_and_keeps_nvram"

const char *const sentences[] = { MEMORY,      FORGOTTEN,     RELEASED, FATAL_TOLD,
				  UNSAFE_TOLD, UNSAFE_STARTS, NULL };

#define NVRAM_PLACE 0x200

static u32 buffer[2];
static u64 kept_in_memory;
static unsigned machine_checks;

static u32 boots(void)
{
	const u32 args[3] = { NVRAM_PLACE, (u32)(u64)buffer, sizeof(buffer) };
	u32 done;

	if (rtas("nvram-fetch", 3, 1, args, &done) || done != sizeof(buffer))
		bail_out("nvram-fetch failed");
	return buffer[0] == 0x600d600d ? buffer[1] : 0;
}

static void set_boots(u32 n)
{
	const u32 args[3] = { NVRAM_PLACE, (u32)(u64)buffer, sizeof(buffer) };
	u32 done;

	buffer[0] = 0x600d600d;
	buffer[1] = n;
	if (rtas("nvram-store", 3, 1, args, &done) || done != sizeof(buffer))
		bail_out("nvram-store failed");
}

static inline u64 load(u64 ra)
{
	u64 v = ~0ull;

	__asm__ volatile("ld %0,0(%1)" : "+r"(v) : "b"(ra) : "memory");
	return v;
}

static void reboots(struct frame *frame)
{
	struct log log;

	read_log(&log, (void *)(frame->gpr[3] + 8));
	if (log.severity != FATAL)
		bail_out("the machine check is not fatal");
	rtas0("system-reboot");
	bail_out("system-reboot returned");
}

static void recovers(struct frame *frame)
{
	struct log log;

	read_log(&log, (void *)(frame->gpr[3] + 8));
	check_equal(FATAL_TOLD, log.severity, ERROR_SYNC, "severity");
	check(FATAL_TOLD, log.extended, "no extended part");
	machine_checks++;
	frame->gpr[3] = read_be64((void *)frame->gpr[3]);
	frame->srr0 += 4;
	check_equal(RELEASED, (u32)nmi_interlock(), 0, "interlock's status");
}

static volatile unsigned recovered;

static void recovers_anywhere(struct frame *frame)
{
	struct log log;

	read_log(&log, (void *)(frame->gpr[3] + 8));
	check_equal(UNSAFE_STARTS, log.processor, 1, "processor of its machine check");
	frame->gpr[3] = read_be64((void *)frame->gpr[3]);
	nmi_interlock();
	recovered = 1;
}

static void at_vector(struct frame *frame)
{
	check_equal(FORGOTTEN, frame->vector, 0x200, "vector");
	frame->srr0 += 4;
}

static volatile unsigned started;

static void other_cpu(u64 cpu)
{
	(void)cpu;
	started = 1;
	for (;;)
		mtmsr_ri(MSR_RI);
}

static void start_the_other(void)
{
	on_secondary = other_cpu;
	start_cpu(1);
	while (!started)
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
}

/* The log that the last image did not fetch; and the CPU can be started. */
static void test_unsafe(void)
{
	static u8 log_buffer[2048];
	const u32 scan[4] = { ~0u, 0, (u32)(u64)log_buffer, sizeof(log_buffer) };
	struct log log;

	check_equal(UNSAFE_TOLD, (u32)rtas("event-scan", 4, 0, scan, NULL), 0, "event-scan");
	read_log(&log, log_buffer);
	check_equal(UNSAFE_TOLD, log.severity, 2, "severity");
	check_equal(UNSAFE_TOLD, log.disposition, 0, "disposition");
	check_equal(UNSAFE_TOLD, log.processor, 1, "processor");
	check_equal(UNSAFE_TOLD, (u32)rtas("event-scan", 4, 0, scan, NULL), 1,
		    "event-scan once more");
	start_the_other();
	check_equal(UNSAFE_STARTS, started, 1, "started");
	on_machine_check = recovers_anywhere;
	recovered = 0;
	tell("@inject machine-check --cpu 1\n");
	while (!recovered)
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
}

static void register_routines(void)
{
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
}

void payload(void)
{
	u32 n = boots();

	set_boots(n + 1);
	interrupts_in_own_endian();
	if (n == 0) {
		/* In the routine, so that the buffer is owned when the partition reboots. */
		kept_in_memory = 1;
		on_machine_check = reboots;
		register_routines();
		start_the_other();
		ask("@queue machine-check --cpu 1 --unsafe");
		ask("@await 1 stopped");
		tell("@inject=1 machine-check --type UE --severity fatal\n");
		for (;;)
			mtmsr_ri(MSR_RI);
	}
	check_equal(MEMORY, n, 1, "boots before this one");
	check_equal(MEMORY, kept_in_memory, 0, "a variable that the last boot set");
	check_equal(MEMORY, *(u64 *)0x2000000, 0, "memory behind the payload");

	on_machine_check = NULL;
	on_interrupt = at_vector;
	load(memory_size);

	on_interrupt = NULL;
	on_machine_check = recovers;
	register_routines();
	load(memory_size);
	load(memory_size);
	check_equal(RELEASED, machine_checks, 2, "machine checks delivered");
	test_unsafe();
}
