/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * External interrupts: inter-processor interrupts and those of the terminal. LoPAR section
 * "Interrupt Support hcall()s".
 */
#include "payload.h"

#define OFF	"a_presentation_controller_presents_nothing_until_its_cppr_allows"
#define SELF	"an_ipi_to_the_own_cpu_arrives_when_msr_ee_is_set"
#define OTHER	"an_ipi_arrives_at_the_other_cpu"
#define CEDED	"an_ipi_ends_the_other_cpus_h_cede"
#define XIRR	"h_xirr_says_what_interrupts_and_masks_what_is_not_more_favoured_until_h_eoi"
#define STAYS	"an_ipi_comes_again_until_its_mfrr_is_cleared"
#define IPOLL	"h_ipoll_shows_it_and_takes_nothing"
#define FIRST	"an_external_interrupt_comes_before_the_decrementers"
#define VTY	"the_terminals_interrupt_is_routed_presented_masked_and_ended"
#define GARBAGE "calls_for_a_cpu_or_source_that_does_not_exist_get_the_parameter_error"

const char *const sentences[] = { OFF,	 SELF,	OTHER, CEDED,	XIRR, STAYS,
				  IPOLL, FIRST, VTY,   GARBAGE, NULL };

#define IPI	   2u
#define VTY_SOURCE 0x1000u

static volatile unsigned count[2], decrementers, first;
static volatile u64 xirr[2], last_xirr, srr1[2];
static volatile u64 woken;
static bool keep; /* do not clear the MFRR */

static u64 take(u64 *r4)
{
	u64 regs[10] = { H_XIRR };

	hcall(regs);
	*r4 = regs[1];
	return regs[0];
}

static void arrived(struct frame *frame)
{
	unsigned cpu = this_cpu();
	u64 r4;

	if (frame->vector == 0x900) {
		if (!first)
			first = 0x900;
		decrementers++;
		mtspr(SPR_DEC, 0x7fffffff);
		return;
	}
	if (frame->vector != 0x500)
		bail_out("another interrupt than an external one");
	if (!first)
		first = 0x500;
	srr1[cpu] = frame->srr1;
	take(&r4);
	xirr[cpu] = r4;
	if (count[cpu] == 2 || !keep)
		hcall4(H_IPI, cpu, 0xff, 0, 0);
	hcall4(H_EOI, r4, 0, 0, 0);
	count[cpu]++;
}

static void spin(void)
{
	for (volatile unsigned i = 0; i < 100; i++)
		;
}

static void enable(bool on)
{
	mtmsr_ri(on ? MSR_EE : 0);
	if (on)
		spin();
}

static void test_self(void)
{
	u64 regs[10] = { H_IPOLL, 0 };
	u64 r4;

	/* CPPR starts as 0, the most favoured priority, so nothing is presented. */
	check_equal(OFF, (u64)hcall4(H_IPI, 0, 5, 0, 0), 0, "H_IPI");
	enable(true);
	enable(false);
	check_equal(OFF, count[0], 0, "interrupts with CPPR 0");
	take(&r4);
	check_equal(OFF, r4, 0, "XIRR with CPPR 0");
	hcall4(H_CPPR, 5, 0, 0, 0);
	enable(true);
	enable(false);
	check_equal(OFF, count[0], 0, "interrupts with CPPR as favoured as the IPI");

	hcall4(H_CPPR, 0xff, 0, 0, 0);
	hcall(regs);
	check_equal(IPOLL, regs[1], 0xff000000 | IPI, "XIRR");
	check_equal(IPOLL, regs[2], 5, "MFRR");
	check_equal(SELF, count[0], 0, "interrupts with EE=0");
	enable(true);
	enable(false);
	check_equal(SELF, count[0], 1, "interrupts");
	check_equal(SELF, xirr[0], 0xff000000 | IPI, "XIRR");
	check_equal(SELF, srr1[0], MSR_BARE | MSR_EE, "SRR1");

	/* Polled, with EE=0. */
	hcall4(H_IPI, 0, 5, 0, 0);
	take(&r4);
	check_equal(XIRR, r4, 0xff000000 | IPI, "XIRR");
	take(&r4);
	check_equal(XIRR, r4, 0x05000000, "XIRR when it has been taken: CPPR 5, nothing");
	hcall4(H_IPI, 0, 6, 0, 0);
	take(&r4);
	check_equal(XIRR, r4, 0x05000000, "XIRR with a less favoured one");
	hcall4(H_IPI, 0, 4, 0, 0);
	take(&r4);
	check_equal(XIRR, r4, 0x05000000 | IPI, "XIRR with a more favoured one");
	hcall4(H_IPI, 0, 0xff, 0, 0);
	hcall4(H_EOI, r4, 0, 0, 0);
	take(&r4);
	check_equal(XIRR, r4, 0x05000000, "XIRR after H_EOI of the inner one");
	hcall4(H_EOI, 0xff000000 | IPI, 0, 0, 0);
	take(&r4);
	check_equal(XIRR, r4, 0xff000000, "XIRR after H_EOI of the outer one");

	keep = true;
	count[0] = 0;
	hcall4(H_IPI, 0, 5, 0, 0);
	enable(true);
	enable(false);
	keep = false;
	check_equal(STAYS, count[0], 3, "interrupts, the third of which cleared the MFRR");

	first = 0;
	count[0] = 0;
	mtspr(SPR_DEC, 0);
	spin();
	hcall4(H_IPI, 0, 5, 0, 0);
	enable(true);
	enable(false);
	check_equal(FIRST, first, 0x500, "the first vector");
	check_equal(FIRST, decrementers, 1, "decrementer interrupts");
	check_equal(FIRST, count[0], 1, "external interrupts");
}

/* ---- the other CPU ---- */

static volatile bool cede;

static void other_cpu(u64 cpu)
{
	(void)cpu;
	mtspr(SPR_DEC, 0x7fffffff);
	hcall4(H_CPPR, 0xff, 0, 0, 0);
	while (!cede) {
		enable(true);
		barrier();
	}
	for (;;) {
		enable(false);
		hcall4(H_CEDE, 0, 0, 0, 0);
		woken++;
	}
}

static void test_other(void)
{
	on_secondary = other_cpu;
	start_cpu(1);
	for (unsigned i = 1; i <= 20; i++) {
		check_equal(OTHER, (u64)hcall4(H_IPI, 1, 4, 0, 0), 0, "H_IPI");
		while (count[1] != i)
			;
		check_equal(OTHER, xirr[1], 0xff000000 | IPI, "XIRR");
	}
	cede = true;
	for (unsigned i = 1; i <= 20; i++) {
		ask("@await 1 idle");
		hcall4(H_IPI, 1, 4, 0, 0);
		while (woken != i)
			hcall4(H_CONFER, (u64)-1, 0, 0, 0);
		check_equal(CEDED, count[1], 20 + i, "interrupts");
	}
}

/* ---- the terminal ---- */

static u32 route(u32 server, u32 priority)
{
	const u32 args[3] = { VTY_SOURCE, server, priority };

	return (u32)rtas("ibm,set-xive", 3, 0, args, NULL);
}

static unsigned wait_for_input(void)
{
	u64 r4 = 0;

	for (unsigned i = 0; i < 1000000; i++) {
		take(&r4);
		if (r4 & 0xffffff)
			break;
	}
	return (u32)r4;
}

static void drain(void)
{
	u64 regs[10];

	do {
		memset(regs, 0, sizeof(regs));
		regs[0] = H_GET_TERM_CHAR;
		hcall(regs);
	} while (regs[1]);
}

static void test_vty(void)
{
	const u32 source[1] = { VTY_SOURCE };
	u32 rets[2] = { 0 };
	u64 r4;

	check_equal(VTY, read_be32(fdt_property("/vdevice/vty", "interrupts", NULL)), VTY_SOURCE,
		    "the source's number");
	check_equal(VTY, route(0, 7), 0, "ibm,set-xive");
	check_equal(VTY, (u32)rtas("ibm,get-xive", 1, 2, source, rets), 0, "ibm,get-xive");
	check_equal(VTY, rets[0], 0, "server");
	check_equal(VTY, rets[1], 7, "priority");
	check_equal(VTY, (u64)hcall4(0x104, fdt_u32("/vdevice/vty", "reg"), 1, 0, 0), 0,
		    "H_VIO_SIGNAL");
	/* An answer is a character. */
	tell("@answer\n");
	check_equal(VTY, wait_for_input(), 0xff000000 | VTY_SOURCE, "XIRR");
	drain();
	take(&r4);
	check_equal(VTY, r4, 0x07000000, "XIRR while it is in service");
	hcall4(H_EOI, 0xff000000 | VTY_SOURCE, 0, 0, 0);
	take(&r4);
	/* It may have told of the character once more before that was read. */
	if (r4 == (0xff000000 | VTY_SOURCE)) {
		hcall4(H_EOI, r4, 0, 0, 0);
		take(&r4);
	}
	check_equal(VTY, r4, 0xff000000, "XIRR after H_EOI");

	check_equal(VTY, (u32)rtas("ibm,int-off", 1, 0, source, NULL), 0, "ibm,int-off");
	ask("@answer"); /* the handler takes the character */
	tell("@answer\n");
	for (volatile unsigned i = 0; i < 100000; i++)
		;
	take(&r4);
	check_equal(VTY, r4, 0xff000000, "XIRR while it is masked");
	check_equal(VTY, (u32)rtas("ibm,int-on", 1, 0, source, NULL), 0, "ibm,int-on");
	check_equal(VTY, wait_for_input(), 0xff000000 | VTY_SOURCE, "XIRR when it is unmasked");
	drain();
	hcall4(H_EOI, 0xff000000 | VTY_SOURCE, 0, 0, 0);
	hcall4(0x104, fdt_u32("/vdevice/vty", "reg"), 0, 0, 0);
}

static void test_garbage(void)
{
	const u32 far_source[3] = { 0x1010, 0, 5 }, ipi[3] = { 2, 0, 5 },
		  far_server[3] = { VTY_SOURCE, 2, 5 }, priority[3] = { VTY_SOURCE, 0, 0x100 };
	const u32 *const bad[] = { far_source, ipi, far_server, priority };
	u32 rets[2];

	check_equal(GARBAGE, (u64)hcall4(H_IPI, 2, 5, 0, 0), (u64)H_PARAMETER, "H_IPI to CPU 2");
	check_equal(GARBAGE, (u64)hcall4(H_IPI, ~0ull, 5, 0, 0), (u64)H_PARAMETER,
		    "H_IPI to CPU -1");
	check_equal(GARBAGE, (u64)hcall4(H_IPOLL, 0x100000000, 5, 0, 0), (u64)H_PARAMETER,
		    "H_IPOLL of CPU 1 << 32");
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		check_equal(GARBAGE, (u32)rtas("ibm,set-xive", 3, 0, bad[i], NULL), (u32)-3,
			    "ibm,set-xive");
	check_equal(GARBAGE, (u32)rtas("ibm,get-xive", 1, 2, far_source, rets), (u32)-3,
		    "ibm,get-xive");
	check_equal(GARBAGE, (u32)rtas("ibm,int-on", 1, 0, far_source, NULL), (u32)-3,
		    "ibm,int-on");
	check_equal(GARBAGE, (u32)rtas("ibm,int-off", 1, 0, far_source, NULL), (u32)-3,
		    "ibm,int-off");
	hcall4(H_EOI, 0xff001010, 0, 0, 0);
	hcall4(H_EOI, 0xffffffffffffffff, 0, 0, 0);
}

void payload(void)
{
	interrupts_in_own_endian();
	uses_decrementer = true;
	on_interrupt = arrived;
	mtspr(SPR_DEC, 0x7fffffff);
	test_self();
	test_other();
	test_vty();
	test_garbage();
}
