/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second machine check on a processor that has not called the interlock for its first one ends
 * the partition. LoPAR, text of the FWNMI option. The kernel command line selects the source of the
 * second one.
 */
#include "payload.h"

const char *const sentences[] = { "the_partition_has_ended_before_this", NULL };

static bool inside;

static void arrived(struct frame *frame)
{
	(void)frame;
	if (inside)
		bail_out("a second machine check was delivered before the interlock");
	inside = true;
	print("# in_the_routine\n");
	if (bootargs()[0] == 'i')
		tell("@inject=1 machine-check --now\n");
	else
		*(volatile u64 *)memory_size;
	/* Long enough for either source. */
	for (volatile unsigned i = 0; i < 100000000; i++)
		;
	bail_out("nothing came of the second machine check");
}

void payload(void)
{
	static struct spin spin;

	interrupts_in_own_endian();
	on_machine_check = arrived;
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	spin_prepare(&spin, 1, MSR_BARE | MSR_RI);
	tell("@inject=1 machine-check\n");
	spin_in(&spin);
	bail_out("the routine returned");
}
