/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * External interrupts by XIVE: a source's state bits, event queues and the thread context. LoPAR
 * section "XIVE Exploitation Mode".
 */
#include "payload.h"
#include "xive.h"

#define EVENT	"a_trigger_or_end_of_interrupt_passes_an_event_on_as_the_state_bits_say"
#define DROPPED "a_masked_source_and_one_without_a_queue_tell_nobody"
#define ENTRY	"each_entry_has_the_sources_number_and_a_generation_that_changes_with_each_wrap"
#define ONCE	"a_queue_notifies_once_until_the_end_of_its_notification"
#define ALWAYS	"a_queue_that_always_notifies_has_no_state"
#define CPPR	"a_priority_interrupts_if_it_is_more_favoured_than_cppr"
#define TAKEN	"an_acknowledgement_moves_the_priority_from_those_pending_to_cppr"
#define NESTED	"the_most_favoured_priority_comes_first_and_a_more_favoured_one_nests"
#define EXTERN	"an_interrupt_waits_for_msr_ee_and_comes_once_for_each_event"
#define OTHER	"an_ipi_reaches_the_other_cpu_alone_which_sees_its_own_context"
#define CEDED	"an_ipi_ends_the_other_cpus_h_cede"
#define VTY	"the_terminals_interrupt_comes_to_its_queue"
#define RESET	"after_h_int_reset_nothing_is_pending_configured_or_passed_on"
#define AGAIN	"after_h_int_reset_a_new_configuration_begins_at_the_first_entry"

const char *const sentences[] = { EVENT,  DROPPED, ENTRY, ONCE, ALWAYS, CPPR,  TAKEN, NESTED,
				  EXTERN, OTHER,   CEDED, VTY,	RESET,	AGAIN, NULL };

#define OPEN	0xffu
#define ENTRIES 1024u
#define NOTHING 0xffffffffu

/* Offsets in the OS's page. */
#define OS_RING	    0x10u
#define ACKNOWLEDGE 0x810u
#define SET_PENDING 0x812u
#define NSR_OS	    0x80u

static u64 tima;
static u32 queues[2][PRIORITIES][ENTRIES] __attribute__((aligned(4096)));
static unsigned next[2][PRIORITIES], generation[2][PRIORITIES]; /* to take */

static struct {
	volatile unsigned count;
	volatile u64 srr1;
	volatile u32 ack, entry, cppr; /* CPPR as it was before */
} arrivals[2];

static void order(void)
{
	__asm__ volatile("lwsync" : : : "memory");
}

static u32 ring(unsigned n)
{
	return *(volatile u8 *)(tima + OS_RING + n);
}

static void set_cppr(unsigned cppr)
{
	*(volatile u8 *)(tima + OS_RING + 1) = (u8)cppr;
}

/* Returns NSR and CPPR. */
static u32 acknowledge(void)
{
	const u16 both = *(volatile u16 *)(tima + ACKNOWLEDGE);

	order();
	return read_be16(&both);
}

static void open_queue(unsigned cpu, unsigned priority, u64 flags)
{
	memset(queues[cpu][priority], 0, sizeof(queues[cpu][priority]));
	next[cpu][priority] = 0;
	generation[cpu][priority] = 1;
	if (call(SET_QUEUE_CONFIG, flags, cpu, priority, (u64)queues[cpu][priority], ORDER))
		bail_out("H_INT_SET_QUEUE_CONFIG failed");
}

/* The number in the next entry; NOTHING if that is of the former generation. */
static u32 take(unsigned cpu, unsigned priority)
{
	unsigned *at = &next[cpu][priority];
	const u32 entry = read_be32(&queues[cpu][priority][*at]);

	if (entry >> 31 != generation[cpu][priority])
		return NOTHING;
	*at = (*at + 1) % ENTRIES;
	generation[cpu][priority] ^= !*at;
	return entry & 0x7fffffff;
}

static void open_source(unsigned source, unsigned cpu, unsigned priority)
{
	if (call(SET_SOURCE_CONFIG, SET_NUMBER, source, cpu, priority, NUMBER + source))
		bail_out("H_INT_SET_SOURCE_CONFIG failed");
	load(manage[source] + SET(0));
}

static void arrived(struct frame *frame)
{
	const unsigned cpu = this_cpu();

	if (frame->vector != 0x500)
		bail_out("another interrupt than an external one");
	arrivals[cpu].srr1 = frame->srr1;
	arrivals[cpu].cppr = ring(1);
	arrivals[cpu].ack = acknowledge();
	arrivals[cpu].entry = take(cpu, arrivals[cpu].ack & 7);
	if (arrivals[cpu].entry != NOTHING)
		load(manage[arrivals[cpu].entry % CPUS]);
	set_cppr(OPEN);
	order();
	arrivals[cpu].count++;
}

static void enable(void)
{
	mtmsr_ri(MSR_EE);
	for (volatile unsigned i = 0; i < 100; i++)
		;
	mtmsr_ri(0);
}

/* ---- events ---- */

static void test_events(void)
{
	static const struct {
		u32 triggered, ended, again;
	} after[] = { { P, 0, 0 }, { Q, Q, 0 }, { P | Q, 0, 0 }, { P | Q, P, 1 } };
	const u64 page = manage[2];

	open_queue(0, 4, ALWAYS_NOTIFY);
	open_source(2, 0, 4);
	for (unsigned i = 0; i < 16; i++) {
		const unsigned bits = i % 4;

		load(page + SET(bits));
		if (i < 4)
			store(trigger[2]);
		else if (i < 8)
			store(page);
		else if (i < 12)
			call(INT_ESB, ESB_STORE, 2, 0, 0, 0);
		else
			check_equal(EVENT, load(page), after[bits].again, "passed on by a load");
		check_equal(EVENT, load(page + GET),
			    i < 12 ? after[bits].triggered : after[bits].ended, "state bits");
		check_equal(EVENT, call(INT_SYNC, 0, 2, 0, 0, 0), 0, "H_INT_SYNC");
		check_equal(EVENT, take(0, 4), (i < 12 ? !bits : bits == 3) ? NUMBER + 2 : NOTHING,
			    "entry");
		check_equal(EVENT, take(0, 4), NOTHING, "another entry");
	}
	set_cppr(OPEN);
	acknowledge();

	load(page + SET(0));
	call(SET_SOURCE_CONFIG, MASK, 2, 0, 4, 0);
	store(trigger[2]);
	check_equal(DROPPED, take(0, 4), NOTHING, "entry of a masked source");
	open_source(2, 0, 3);
	store(trigger[2]);
	check_equal(DROPPED, acknowledge() >> 8, 0, "NSR");
}

static void test_wrap(void)
{
	open_queue(0, 4, ALWAYS_NOTIFY);
	open_source(0, 0, 4);
	open_source(3, 0, 4);
	for (unsigned i = 0; i < ENTRIES * 5 / 2; i++) {
		const unsigned source = i % 5 ? 0 : 3;

		store(trigger[source]);
		load(manage[source]);
		if (!check_equal(ENTRY, take(0, 4), NUMBER + source, "entry") |
		    !check_equal(ENTRY, take(0, 4), NOTHING, "the one behind it"))
			break;
	}
	call(GET_QUEUE_CONFIG, DEBUG, 0, 4, 0, 0);
	check_equal(ENTRY, out[1], ALWAYS_NOTIFY | GENERATION, "flags in the third round");
	check_equal(ENTRY, out[4], ENTRIES / 2, "next entry");
	set_cppr(OPEN);
	acknowledge();
}

static void test_notification(const char *sentence, bool always)
{
	u64 page;

	open_queue(0, 5, always ? ALWAYS_NOTIFY : 0);
	open_source(0, 0, 5);
	call(GET_QUEUE_INFO, 0, 0, 5, 0, 0);
	page = out[1];
	check_equal(sentence, out[2], 16, "log2 of the page");
	for (unsigned i = 0; i < 3; i++) {
		set_cppr(OPEN);
		store(trigger[0]);
		load(manage[0]);
		check_equal(sentence, take(0, 5), NUMBER, "entry");
		check_equal(sentence, acknowledge(), always || !i ? NSR_OS << 8 | 5 : OPEN,
			    "NSR, CPPR");
		check_equal(sentence, load(page + GET), always ? 0 : i ? P | Q : P, "state bits");
	}
	set_cppr(OPEN);
	check_equal(sentence, load(page), !always, "its end, which tells if it notifies again");
	check_equal(sentence, acknowledge(), always ? OPEN : NSR_OS << 8 | 5, "NSR, CPPR");
	check_equal(sentence, load(page), 0, "its end without another event");
	check_equal(sentence, load(page + GET), 0, "state bits");
}

/* ---- the thread context ---- */

static void check_ring(const char *sentence, u32 nsr, u32 cppr, u32 ipb, u32 pipr)
{
	check_equal(sentence, ring(0), nsr, "NSR");
	check_equal(sentence, ring(1), cppr, "CPPR");
	check_equal(sentence, ring(2), ipb, "IPB");
	check_equal(sentence, ring(7), pipr, "PIPR");
}

static void test_context(void)
{
	static const unsigned nest[] = { 6, 3, 5, 1 }; /* of sources 0 to 3 */

	for (unsigned priority = 0; priority < PRIORITIES; priority++) {
		set_cppr(0);
		*(volatile u8 *)(tima + SET_PENDING) = (u8)priority;
		for (unsigned cppr = 0; cppr < 9; cppr++) {
			set_cppr(cppr); /* there is no 8 */
			check_ring(CPPR, priority < cppr ? NSR_OS : 0, cppr < 8 ? cppr : OPEN,
				   0x80 >> priority, priority);
		}
		check_equal(TAKEN, acknowledge(), NSR_OS << 8 | priority, "NSR, CPPR");
		check_ring(TAKEN, 0, priority, 0, 0xff);
		check_equal(TAKEN, acknowledge(), priority, "NSR, CPPR, of nothing");
		enable();
		check_equal(TAKEN, arrivals[0].count, 0, "interrupts by what is taken");
	}

	set_cppr(OPEN);
	for (unsigned i = 0; i < CPUS; i++) {
		open_queue(0, nest[i], ALWAYS_NOTIFY);
		open_source(i, 0, nest[i]);
		if (i < 3)
			store(trigger[i]);
	}
	check_ring(NESTED, NSR_OS, OPEN, 0x80 >> 6 | 0x80 >> 3 | 0x80 >> 5, 3);
	check_equal(NESTED, acknowledge(), NSR_OS << 8 | 3, "the first of three");
	check_equal(NESTED, acknowledge(), 3, "none during that");
	store(trigger[3]);
	check_equal(NESTED, acknowledge(), NSR_OS << 8 | 1, "one that is more favoured");
	set_cppr(3);
	check_equal(NESTED, acknowledge(), 3, "none after that");
	set_cppr(OPEN);
	check_equal(NESTED, acknowledge(), NSR_OS << 8 | 5, "the second of three");
	set_cppr(OPEN);
	check_equal(NESTED, acknowledge(), NSR_OS << 8 | 6, "the third of three");
	for (unsigned i = 0; i < CPUS; i++)
		check_equal(NESTED, take(0, nest[i]), NUMBER + i, "entry");
}

static void test_interrupt(void)
{
	open_source(0, 0, 6);
	set_cppr(6);
	store(trigger[0]);
	store(trigger[0]);
	enable();
	check_equal(EXTERN, arrivals[0].count, 0, "interrupts with CPPR as favoured");
	set_cppr(OPEN);
	check_equal(EXTERN, arrivals[0].count, 0, "interrupts with EE=0");
	enable();
	enable();
	check_equal(EXTERN, arrivals[0].count, 2, "interrupts, the second after the first's end");
	check_equal(EXTERN, arrivals[0].ack, NSR_OS << 8 | 6, "NSR, CPPR");
	check_equal(EXTERN, arrivals[0].entry, NUMBER, "entry");
	check_equal(EXTERN, arrivals[0].srr1, MSR_BARE | MSR_EE, "SRR1");
}

/* ---- the other CPU ---- */

static volatile bool cede;
static volatile unsigned woken;

static void other_cpu(u64 cpu)
{
	(void)cpu;
	park_decrementer();
	set_cppr(OPEN);
	while (!cede)
		enable();
	for (;;) {
		hcall4(H_CEDE, 0, 0, 0, 0);
		mtmsr_ri(0);
		woken++;
	}
}

static void test_other(void)
{
	open_queue(1, 2, ALWAYS_NOTIFY);
	open_source(1, 1, 2);
	set_cppr(7);
	on_secondary = other_cpu;
	start_cpu(1);
	for (unsigned i = 1; i <= 20; i++) {
		store(trigger[1]);
		while (arrivals[1].count != i)
			;
		order();
		check_equal(OTHER, arrivals[1].entry, NUMBER + 1, "entry");
		check_equal(OTHER, arrivals[1].ack, NSR_OS << 8 | 2, "NSR, CPPR");
		check_equal(OTHER, arrivals[1].cppr, OPEN, "its CPPR before");
		check_ring(OTHER, 0, 7, 0, 0xff);
	}
	cede = true;
	for (unsigned i = 1; i <= 20; i++) {
		ask("@await 1 idle");
		store(trigger[1]);
		while (woken != i)
			hcall4(H_CONFER, (u64)-1, 0, 0, 0);
		check_equal(CEDED, arrivals[1].count, 20 + i, "interrupts");
	}
}

/* ---- the terminal, and the end ---- */

static void test_vty(void)
{
	const u32 source = read_be32(fdt_property("/vdevice/vty", "interrupts", NULL));
	const u64 unit = fdt_u32("/vdevice/vty", "reg");
	u32 entry;

	open_queue(0, 0, ALWAYS_NOTIFY);
	call(SET_SOURCE_CONFIG, SET_NUMBER, source, 0, 0, NUMBER + source);
	call(INT_ESB, 0, source, SET(0), 0, 0);
	check_equal(VTY, call(H_VIO_SIGNAL, unit, 1, 0, 0, 0), 0, "H_VIO_SIGNAL");
	tell("@answer\n"); /* a character */
	while ((entry = take(0, 0)) == NOTHING)
		hcall4(H_CONFER, (u64)-1, 0, 0, 0);
	check_equal(VTY, entry, NUMBER + source, "entry");
	check_equal(VTY, acknowledge(), NSR_OS << 8, "NSR, CPPR");
	call(H_VIO_SIGNAL, unit, 0, 0, 0, 0);
}

static void test_reset(void)
{
	open_source(0, 0, 6);
	open_queue(0, 6, ALWAYS_NOTIFY);
	set_cppr(OPEN);
	store(trigger[0]);
	check_ring(RESET, NSR_OS, OPEN, 0x80 >> 6, 6);
	arrivals[0].count = 0;
	check_equal(RESET, call(INT_RESET, 0, 0, 0, 0, 0), 0, "H_INT_RESET");
	enable();
	for (unsigned round = 0; round < 2; round++) {
		set_cppr(OPEN);
		check_ring(RESET, 0, OPEN, 0, 0xff);
		check_equal(RESET, load(manage[0] + GET), round ? P : Q, "state bits");
		call(GET_SOURCE_CONFIG, 0, 0, 0, 0, 0);
		check_equal(RESET, out[2], MASKED, "priority");
		call(GET_QUEUE_CONFIG, 0, 0, 6, 0, 0);
		check_equal(RESET, out[3], 0, "log2 of the queue's bytes");
		load(manage[0] + SET(0));
		store(trigger[0]);
		enable();
	}
	check_equal(RESET, arrivals[0].count, 0, "interrupts");
	check_equal(RESET, take(0, 6), NUMBER, "the entry from before");
	check_equal(RESET, take(0, 6), NOTHING, "entry");

	open_queue(0, 6, 0);
	open_source(0, 0, 6);
	store(trigger[0]);
	enable();
	check_equal(AGAIN, arrivals[0].count, 1, "interrupts");
	check_equal(AGAIN, arrivals[0].entry, NUMBER, "entry");
}

void payload(void)
{
	find_pages();
	/* The second page is the OS's. */
	tima = read_be64((const u8 *)fdt_property("/interrupt-controller", "reg", NULL) + 16);
	interrupts_in_own_endian();
	park_decrementer();
	on_interrupt = arrived;
	test_events();
	test_wrap();
	test_notification(ONCE, false);
	test_notification(ALWAYS, true);
	test_context();
	test_interrupt();
	test_other();
	test_vty();
	test_reset();
}
