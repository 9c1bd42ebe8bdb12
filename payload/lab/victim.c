// SPDX-License-Identifier: BSD-2-Clause
/*
 * The victim: known values in all registers and in memory, verified over and over. It leaves user
 * mode for its notes only.
 *
 * For tests, it takes instructions (hexadecimal words): after some rounds, each is executed once in
 * the middle of a window, to change what must not change. "fp" or "vmx" before them makes it believe
 * that Linux offers no more than that.
 */
#include "memory.h"
#include "registers.h"

#define WINDOWS_A_ROUND	   6
#define ROUNDS_BEFORE_TEST 2
#define NOP		   0x60000000

static void windows(void)
{
	for (int i = 0; i < WINDOWS_A_ROUND; i++)
		registers_window();
}

int main_program(const struct environment *env)
{
	struct environment offered = *env;
	uint64_t instruction;
	int next = 1;

	if (env->argc > 1 && same_text(env->argv[1], "fp"))
		offered.hwcap = 0;
	else if (env->argc > 1 && same_text(env->argv[1], "vmx"))
		offered.hwcap &= ~(uint64_t)HWCAP_VSX;
	if (offered.hwcap != env->hwcap)
		next++;
	registers_begin(&offered);
	memory_begin();
	workload_begin(env);
	for (unsigned round = 1;; round++) {
		if (next < env->argc && round > ROUNDS_BEFORE_TEST) {
			if (!parse_hex(env->argv[next++], &instruction))
				workload_failed("not an instruction", next - 1);
			registers_patch((uint32_t)instruction);
			registers_window();
			registers_patch(NOP);
		}
		windows();
		memory_verify();
		workload_round();
	}
}
