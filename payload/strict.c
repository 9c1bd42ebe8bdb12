/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `fwnmi run --fwnmi-strict`: the letter of LoPAR where guests expect otherwise. R1-7.3.14-9 and
 * -17.
 */
#include "payload.h"

#define R3_KEPT	  "a_system_reset_leaves_r3_alone_like_every_other_register"
#define NO_EVENT  "an_interlock_without_an_event_returns_hardware_error"
#define GRAVEST	  "of_several_logs_event_scan_returns_the_gravest_first"
#define INTERLOCK "the_interlock_of_a_machine_check_returns_0_once"

const char *const sentences[] = { R3_KEPT, NO_EVENT, INTERLOCK, GRAVEST, NULL };

#define HARDWARE_ERROR ((u32)-1)

static struct spin spin;

static void reset(struct frame *frame)
{
	check_equal(R3_KEPT, frame->gpr[3], spin.in.gpr[3], "R3");
	check_registers_kept(R3_KEPT, &spin, frame);
	check_equal(NO_EVENT, (u32)nmi_interlock(), HARDWARE_ERROR,
		    "status in the system reset routine");
	spin.flag = 1;
}

static void check_machine(struct frame *frame)
{
	check_equal(INTERLOCK, (u32)nmi_interlock(), 0, "status of the first");
	check_equal(INTERLOCK, (u32)nmi_interlock(), HARDWARE_ERROR, "status of the second");
	frame->gpr[3] = read_be64((void *)frame->gpr[3]);
	spin.flag = 1;
}

/* Byte 2 identifies the logs here. */
static void test_scan(void)
{
	static u8 buffer[64];
	const u32 args[4] = { ~0u, 0, (u32)(u64)buffer, sizeof(buffer) };

	ask("@event event-scan internal-errors 062010e200000000");
	ask("@event event-scan internal-errors 064020e200000000");
	ask("@event event-scan internal-errors 064030e200000000");
	for (unsigned i = 0; i < 3; i++) {
		static const unsigned order[] = { 0x20, 0x30, 0x10 };
		u32 status = (u32)rtas("event-scan", 4, 0, args, NULL);

		/* The end of the first sequence of calls. */
		if (i == 2 && check_equal(GRAVEST, status, 1, "status"))
			status = (u32)rtas("event-scan", 4, 0, args, NULL);
		check_equal(GRAVEST, status, 0, "status");
		check_equal(GRAVEST, buffer[2], order[i], "a log");
	}
}

void payload(void)
{
	interrupts_in_own_endian();
	on_machine_check = check_machine;
	on_system_reset = reset;
	check_equal(NO_EVENT, (u32)nmi_interlock(), HARDWARE_ERROR, "status");
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	spin_prepare(&spin, 1, MSR_BARE | MSR_RI);
	tell("@inject system-reset\n");
	spin_in(&spin);
	check_went_on(R3_KEPT, &spin);
	spin_prepare(&spin, 2, MSR_BARE | MSR_RI);
	tell("@inject machine-check\n");
	spin_in(&spin);
	check_went_on(INTERLOCK, &spin);
	test_scan();
}
