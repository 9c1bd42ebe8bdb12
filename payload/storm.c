/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Four CPUs that each take machine checks one after another, so that many wait for another CPU's
 * interlock, and system resets in between. Each is delivered once, to its CPU, with its own log.
 * LoPAR R1-7.3.14-10, -13 and their text.
 */
#include "payload.h"

#define ONCE   "each_of_ten_thousand_machine_checks_of_four_cpus_is_delivered_once"
#define OWN    "each_has_the_log_and_registers_of_its_cpu"
#define ALONE  "no_two_cpus_are_in_the_machine_check_routine_before_the_interlock"
#define RESETS "each_system_reset_is_delivered_once_to_its_cpu"
#define CALLS  "calls_of_the_other_cpus_go_on_meanwhile"

const char *const sentences[] = { ONCE, OWN, ALONE, RESETS, CALLS, NULL };

#define CPUS	      4
#define ROUNDS	      2500
#define WHERE(cpu, i) (memory_size + 0x1000000ull * (cpu) + 8ull * (i))

static struct {
	volatile unsigned checks, resets, resets_sent, wrong_log, wrong_r3, wrong_srr0, calls,
		failed_calls, done;
	volatile u64 address;
	u64 random;
} cpus[CPUS];
static volatile unsigned inside, not_alone;
extern const u8 the_load[];

static u64 next(unsigned cpu)
{
	return random_next(&cpus[cpu].random);
}

static void arrived(struct frame *frame)
{
	unsigned cpu = this_cpu();
	u64 r3 = frame->gpr[3];
	struct log log;

	if (inside++)
		not_alone++;
	read_log(&log, (void *)(r3 + 8));
	/* If the partition only gets an interrupt, it does not know the address. */
	if (!log.has_mc || log.processor != cpu ||
	    (log.effective_address != cpus[cpu].address &&
	     !(by_trampoline() && log.subtype == (0x80 | 3))))
		cpus[cpu].wrong_log++;
	if (read_be64((void *)r3) != cpus[cpu].address)
		cpus[cpu].wrong_r3++;
	if (frame->srr0 != (u64)the_load)
		cpus[cpu].wrong_srr0++;
	/* Wait up to two of the machine's time slices, so that others arrive. */
	for (u64 n = next(cpu) % 8 ? 0 : next(cpu) % 20000; n; n--)
		barrier();
	if (next(cpu) % 16 == 0) {
		cpus[cpu].resets_sent++;
		if (hcall4(H_SIGNAL_SYS_RESET, cpu, 0, 0, 0))
			cpus[cpu].failed_calls++;
	}
	/* R3 must still point to our log. */
	read_log(&log, (void *)(r3 + 8));
	if (log.processor != cpu || read_be64((void *)r3) != cpus[cpu].address)
		cpus[cpu].wrong_log++;
	cpus[cpu].checks++;
	frame->gpr[3] = cpus[cpu].address;
	frame->srr0 += 4;
	inside--;
	if (nmi_interlock())
		cpus[cpu].failed_calls++;
}

static void at_vector(struct frame *frame)
{
	if (frame->vector != 0x100)
		bail_out("an interrupt that is no system reset");
	cpus[this_cpu()].resets++;
	frame->gpr[3] = read_be64((void *)frame->gpr[3]);
}

/* Keeps the address in R3, where the routine checks it. */
static void load(u64 address)
{
	register u64 r3 __asm__("r3") = address;

	__asm__ volatile(".globl the_load; the_load: ld 4,0(%0)" : "+r"(r3) : : "r4", "memory");
}

static void work(u64 cpu)
{
	cpus[cpu].random = 88172645463325252ull * (cpu + 1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		cpus[cpu].address = WHERE(cpu, i);
		barrier();
		load(cpus[cpu].address);
		if (cpus[cpu].checks != i + 1)
			break;
		if (hcall4(H_CPPR, 0, 0, 0, 0) == 0)
			cpus[cpu].calls++;
	}
	cpus[cpu].done = 1;
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = at_vector;
	on_machine_check = arrived;
	on_secondary = work;
	if (nmi_register((u64)system_reset_routine_smp, (u64)machine_check_routine))
		bail_out("ibm,nmi-register failed");
	for (unsigned cpu = 1; cpu < CPUS; cpu++)
		start_cpu(cpu);
	work(0);
	for (unsigned cpu = 0; cpu < CPUS; cpu++) {
		while (!cpus[cpu].done)
			hcall4(H_CONFER, (u64)-1, 0, 0, 0);
		check_equal(ONCE, cpus[cpu].checks, ROUNDS, "machine checks of a CPU");
		check_equal(OWN, cpus[cpu].wrong_log, 0, "logs of another");
		check_equal(OWN, cpus[cpu].wrong_r3, 0, "values of R3 of another");
		check_equal(OWN, cpus[cpu].wrong_srr0, 0, "values of SRR0 that are not the load");
		check_equal(RESETS, cpus[cpu].resets, cpus[cpu].resets_sent,
			    "system resets of a CPU");
		check(RESETS, cpus[cpu].resets_sent > 50, "hardly any was sent");
		check_equal(CALLS, cpus[cpu].calls, ROUNDS, "calls that succeeded");
		check_equal(CALLS, cpus[cpu].failed_calls, 0, "calls in the routine that failed");
	}
	check_equal(ALONE, not_alone, 0, "meetings");
}
