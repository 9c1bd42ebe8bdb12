// SPDX-License-Identifier: BSD-2-Clause
/*
 * Signals that it sends to itself or causes. The handler (handler.S) leaves other values in all
 * registers, and sigreturn must bring the known ones back.
 */
#include "memory.h"
#include "registers.h"

#include "handler.h"

#define TRAP	     0x7fe00008
#define PAGE	     0x10000
#define SA_SIGINFO   4
#define SA_ONSTACK   0x08000000
#define SA_RESETHAND 0x80000000

struct kernel_sigaction {
	void (*handler)(int signal, void *info, void *context);
	uint64_t flags;
	void (*restorer)(void);
	uint64_t mask;
};

struct kernel_stack {
	void *at;
	int flags;
	size_t size;
};

static uint8_t stack[32768] __attribute__((aligned(16)));

static void handle(int signal, uint64_t flags)
{
	static struct kernel_sigaction action;
	long result;

	action = (struct kernel_sigaction){ .handler = signal_handler };
	action.flags = SA_SIGINFO | SA_ONSTACK | flags;
	result = VERIFIED(NR_rt_sigaction, signal, &action, 0, sizeof(action.mask));
	if (result)
		workload_failed("sigaction", result);
}

static void set_up(const struct environment *env)
{
	struct kernel_stack alternative = { stack, 0, sizeof(stack) };
	long result = CALL(NR_sigaltstack, &alternative, 0);

	if (result)
		workload_failed("sigaltstack", result);
	signal_clobbers_vmx = (env->hwcap & HWCAP_ALTIVEC) != 0;
	signal_clobbers_vsx = signal_clobbers_vmx && (env->hwcap & HWCAP_VSX);
	handle(SIGUSR1, 0);
	handle(SIGTRAP, 0);
	registers_patch(TRAP);
}

/* The handler makes the scratch page accessible again, and goes on behind the trap. */
static void signals_in_window(void)
{
	handle(SIGSEGV, SA_RESETHAND);
	workload_expect("mprotect()", VERIFIED(NR_mprotect, SCRATCH_ADDRESS, PAGE, PROT_NONE), 0);
	registers_window();
}

int main_program(const struct environment *env)
{
	long pid = CALL(NR_getpid);

	registers_begin(env);
	memory_begin();
	set_up(env);
	workload_begin(env);
	for (;;) {
		for (int i = 0; i < NR_SIGNALS; i++)
			signals_taken[i] = 0;
		workload_expect("kill()", VERIFIED(NR_kill, pid, SIGUSR1), 0);
		signals_in_window();
		workload_expect("SIGUSR1s", (long)signals_taken[SIGUSR1], 1);
		workload_expect("SIGSEGVs", (long)signals_taken[SIGSEGV], 1);
		workload_expect("SIGTRAPs", (long)signals_taken[SIGTRAP], 1);
		memory_verify();
		workload_round();
	}
}
