// SPDX-License-Identifier: BSD-2-Clause
/*
 * Asleep, so that its CPU is idle, but for a verification of all registers and memory now and then.
 */
#include "memory.h"
#include "registers.h"

#define NAP_NS 20000000

int main_program(const struct environment *env)
{
	static const struct timespec nap = { 0, NAP_NS };
	long result;

	registers_begin(env);
	memory_begin();
	workload_begin(env);
	for (;;) {
		result = VERIFIED(NR_clock_nanosleep, CLOCK_MONOTONIC, 0, &nap, 0);
		if (result)
			workload_failed("clock_nanosleep", result);
		registers_window();
		memory_verify();
		workload_round();
	}
}
