/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine checks on one CPU, one after another: registers and error log at entry to the registered
 * routine, the interlock, and the return. LoPAR R1-7.3.14-7, -10, -13, -15, -17.
 */
#include "payload.h"

#define REGISTERS "every_other_register_is_as_it_was_at_entry_to_the_machine_check_routine"
#define ENTERED	  "the_registered_machine_check_routine_is_entered_in_real_mode"
#define MSR_ENTRY "msr_at_entry_to_the_machine_check_routine_is_sf_me_and_the_interrupts_byte_order"
#define R3_RTAS	  "r3_points_into_the_rtas_area"
#define R3_SAVED  "the_first_doubleword_at_r3_is_the_original_r3_in_big_endian_order"
#define SRR0_SAYS "srr0_is_the_interrupted_instruction"
#define SRR1_SAYS "srr1_is_the_interrupted_msr_with_the_causes_bits"
#define LOG	  "a_version_6_log_of_a_platform_error_follows_the_original_r3"
#define LOG_MC	  "the_logs_machine_check_section_says_what_happened_where"
#define LOG_SAYS  "the_log_has_the_events_severity_disposition_and_initiator"
#define INTERLOCK "the_interlock_returns_0"
#define WENT_ON	  "the_interrupted_program_goes_on_with_all_its_registers"
#define VECTORS	  "nothing_is_stored_at_the_vectors_or_in_the_page_at_0x7000"
#define ALREADY	  "after_a_fatal_machine_check_the_next_one_says_already_reported"

const char *const sentences[] = { ENTERED,   MSR_ENTRY, R3_RTAS,   R3_SAVED,  LOG,
				  LOG_SAYS,  LOG_MC,	SRR0_SAYS, SRR1_SAYS, REGISTERS,
				  INTERLOCK, WENT_ON,	VECTORS,   ALREADY,   NULL };

#define EA_GIVEN     0x80
#define UE_EA	     0x40
#define UE_LA	     0x20
#define UE_TRANSIENT 0x80

static const struct event {
	const char *inject;
	unsigned type, subtype;
	u64 srr1; /* cause bits */
	u64 effective_address, logical_address;
	unsigned severity, disposition, initiator;
	bool ea_is_nip, already_reported;
} events[] = {
	{ "--type SLB --subtype multihit --ea 0xc000000012345678", SLB, 1 | EA_GIVEN, LOAD_STORE,
	  .effective_address = 0xc000000012345678, .severity = ERROR_SYNC, .initiator = 1 },
	{ "--type SLB --subtype parity", SLB, 0 | EA_GIVEN, LOAD_STORE, .ea_is_nip = true,
	  .severity = ERROR_SYNC, .initiator = 1 },
	{ "--type UE --ea 0xd00000000badcafe --logical-address 0x345678", UE,
	  3 | UE_TRANSIENT | UE_EA | UE_LA, LOAD_STORE, .effective_address = 0xd00000000badcafe,
	  .logical_address = 0x345678, .severity = ERROR_SYNC, .initiator = 1 },
	{ "--type UE --subtype ifetch --permanent --disposition not-recovered --initiator memory",
	  UE, 1, 0x40000, .severity = ERROR_SYNC, .disposition = 2, .initiator = 4 },
	{ "--type UE --subtype page-table-walk-load-store --disposition limited-recovery --severity error",
	  UE, 4 | UE_TRANSIENT, LOAD_STORE, .severity = 4, .disposition = 1, .initiator = 1 },
	{ "--type ERAT --subtype multihit --ea 0x1000", ERAT, 2 | EA_GIVEN, LOAD_STORE,
	  .effective_address = 0x1000, .severity = ERROR_SYNC, .initiator = 1 },
	{ "--type TLB --subtype multihit --ea 0xffffffffffffffff", TLB, 2 | EA_GIVEN, LOAD_STORE,
	  .effective_address = ~0ull, .severity = ERROR_SYNC, .initiator = 1 },
	{ "--type TLB --subtype parity --severity warning --initiator unknown --ea 0x0", TLB,
	  1 | EA_GIVEN, 0, .severity = 2 },
	{ "--type D-cache --severity event", D_CACHE, 0, 0, .severity = 1, .initiator = 1 },
	{ "--type I-cache --severity no-error", I_CACHE, 0, 0, .initiator = 1 },
	{ "--type UE --subtype indeterminate --severity fatal", UE, 0 | UE_TRANSIENT, 0,
	  .severity = FATAL, .disposition = 2, .initiator = 1 },
	{ "--type SLB", SLB, 1 | EA_GIVEN, LOAD_STORE, .severity = ALREADY_REPORTED,
	  .disposition = 2, .initiator = 1, .already_reported = true },
};

static struct spin spin;
static const struct event *event;

static void check_log(const struct frame *frame)
{
	struct log log;

	read_log(&log, (const void *)(frame->gpr[3] + 8));
	check_equal(LOG, log.version, 6, "version");
	check_equal(LOG, log.type, 0xe0, "type");
	check_equal(LOG_SAYS, log.severity, event->severity, "severity");
	check_equal(LOG_SAYS, log.disposition, event->disposition, "disposition");
	check_equal(LOG_SAYS, log.initiator, event->initiator, "initiator");
	if (event->already_reported) {
		check_equal(ALREADY, log.severity, ALREADY_REPORTED, "severity");
		check_equal(ALREADY, log.extended, false, "an extended part");
		return;
	}
	check(LOG,
	      log.extended && log.extended_length <= fdt_u32("/rtas", "rtas-error-log-max") - 8,
	      "no extended part, or too long a one");
	if (!check(LOG_MC, log.has_mc, "there is no MC section"))
		return;
	check_equal(LOG_MC, log.mc_length, 40, "length of the MC section");
	check_equal(LOG_MC, log.processor, this_cpu(), "processor");
	check_equal(LOG_MC, log.error_type, event->type, "error type");
	check_equal(LOG_MC, log.subtype, event->subtype, "subtype byte");
	check_equal(LOG_MC, log.effective_address,
		    event->ea_is_nip ? frame->srr0 : event->effective_address, "effective address");
	check_equal(LOG_MC, log.logical_address, event->logical_address, "logical address");
}

static void arrived(struct frame *frame)
{
	u64 r3 = frame->gpr[3];

	check_equal(MSR_ENTRY, frame->msr, MSR_BARE, "MSR");
	check(ENTERED,
	      frame->nip >= (u64)machine_check_routine &&
		      frame->nip < (u64)machine_check_routine + 0x200,
	      "it runs somewhere else");
	check(R3_RTAS, r3 >= rtas_base && r3 + 16 <= rtas_base + rtas_size, "R3 is outside");
	check_equal(R3_SAVED, read_be64((void *)r3), spin.in.gpr[3], "what R3 points to");
	check(SRR0_SAYS, frame->srr0 >= (u64)spin_loop && frame->srr0 < (u64)spin_end,
	      "SRR0 is outside the loop");
	check_equal(SRR1_SAYS, frame->srr1, (spin.in.msr & ~SRR1_CAUSE) | event->srr1, "SRR1");
	check_registers_kept(REGISTERS, &spin, frame);
	check_log(frame);
	check_equal(INTERLOCK, (u32)nmi_interlock(), 0, "status");
	frame->gpr[3] = read_be64((void *)r3);
	spin.flag = 1;
}

/* Requirement 7. Nothing here uses the page at 0x7000. */
static u64 checksum(void)
{
	return sum_up(sum_up(0, 0x100, 0x300), 0x7000, 0x8000);
}

void payload(void)
{
	u64 before;

	interrupts_in_own_endian();
	for (u64 *p = (u64 *)0x7000; p < (u64 *)0x8000; p++)
		*p = (u64)p * 0x123456789abcdefull;
	before = checksum();
	on_machine_check = arrived;
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	/* Requirement 5 lets firmware put code at the vectors, but no data of events. */
	if (by_trampoline())
		before = checksum();
	check_equal(VECTORS, checksum(), before, "checksum after the registration");
	for (unsigned i = 0; i < ARRAY_SIZE(events); i++) {
		u64 msr = MSR_BARE | MSR_RI | (i & 1 ? MSR_FP | MSR_VEC | MSR_VSX : 0) |
			  (i & 2 ? MSR_EE : 0);

		event = &events[i];
		spin_prepare(&spin, i + 1, msr);
		tell("@inject machine-check %s\n", event->inject);
		spin_in(&spin);
		check_went_on(WENT_ON, &spin);
	}
	check_equal(VECTORS, checksum(), before, "checksum");
}
