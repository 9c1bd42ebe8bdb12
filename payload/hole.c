/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that answers with machine checks, which the runner has mapped (--map-memory) at the
 * address in bootargs, "hole=0x...". The machine checks are the hardware's own, not injected by
 * fwnmi. LoPAR R1-7.3.14-12, -13.
 */
#include "payload.h"

#define ARRIVES "a_real_machine_check_of_a_load_reaches_the_registered_routine"
#define LOG	"its_log_has_the_type_and_the_effective_address"
#define LEFT	"r3_is_given_back_and_the_interrupted_instruction_is_known"
#define AGAIN	"after_the_interlock_the_next_one_arrives_too"

const char *const sentences[] = { ARRIVES, LOG, LEFT, AGAIN, NULL };

CODE(load_it, "ld 4,0(3); trap");

static struct log log;
static unsigned machine_checks;

static void arrived(struct frame *frame)
{
	u64 r3 = frame->gpr[3];

	machine_checks++;
	read_log(&log, (void *)(r3 + 8));
	frame->gpr[3] = read_be64((void *)r3);
	if (nmi_interlock())
		bail_out("ibm,nmi-interlock failed");
	leave_run(frame);
}

static u64 hole(void)
{
	const char *p = bootargs();
	u64 n = 0;

	for (const char *key = "hole=0x"; *key; key++, p++)
		if (*p != *key)
			bail_out("bootargs do not begin with hole=0x");
	for (; *p; p++)
		n = n * 16 + (u64)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
	return n;
}

static void load(const char *sentence, u64 where)
{
	unsigned before = machine_checks;

	run(load_it, MSR_BARE | MSR_RI, where, 0, 0, 0);
	check_caught(LEFT, 0x200, load_it, 0, MSR_BARE | MSR_RI, LOAD_STORE);
	check_equal(LEFT, caught.gpr[3], where, "what R3 points to");
	check_equal(sentence, machine_checks, before + 1, "machine checks");
	check_equal(LOG, log.error_type, UE, "error type");
	check_equal(LOG, log.subtype & 7, 3, "subtype");
	check_equal(LOG, log.subtype & 0x40, 0x40, "effective address given");
	check_equal(LOG, log.effective_address, where, "effective address");
}

void payload(void)
{
	interrupts_in_own_endian();
	on_machine_check = arrived;
	if (nmi_register((u64)system_reset_routine, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	load(ARRIVES, hole());
	load(AGAIN, hole() + 0x1238);
}
