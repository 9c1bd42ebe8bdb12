/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the KVM host: runs a program and writes down each capability that it enables, as it does
 * so:
 *
 *	watch LOG PROGRAM ARGUMENT...
 *
 * A line is "CAPABILITY RESULT", both decimal. The kernel's seccomp filter stops only
 * ioctl(KVM_ENABLE_CAP), so the program runs as it would without.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <asm/ptrace.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(125);
}

static void run(char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1])), /* little-endian */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)KVM_ENABLE_CAP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 || raise(SIGSTOP) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		fail("watch");
	execv(argv[0], argv);
	fail(argv[0]);
}

/* The tracee is stopped before the call: let it continue, and record the result. */
static void note(pid_t tracee, FILE *log)
{
	struct pt_regs regs;
	int status;
	long cap;

	if (ptrace(PTRACE_GETREGS, tracee, 0, &regs) < 0)
		return;
	errno = 0;
	cap = ptrace(PTRACE_PEEKDATA, tracee, regs.gpr[5], 0) & 0xffffffff;
	if (errno || ptrace(PTRACE_SYSCALL, tracee, 0, 0) < 0 ||
	    waitpid(tracee, &status, __WALL) < 0 || ptrace(PTRACE_GETREGS, tracee, 0, &regs) < 0)
		return;
	/*
	 * On powerpc, an error is CR0[SO] and a positive number, except with `scv`, where it is a
	 * negative number.
	 */
	fprintf(log, "%ld %ld\n", cap,
		(regs.ccr & 0x10000000) && (long)regs.gpr[3] > 0 ? -(long)regs.gpr[3] :
								   (long)regs.gpr[3]);
	fflush(log);
}

int main(int argc, char **argv)
{
	FILE *log = argc > 2 ? fopen(argv[1], "w") : NULL;
	int status;
	pid_t pid, child;

	if (!log) {
		fputs("usage: watch LOG PROGRAM ARGUMENT...\n", stderr);
		return 125;
	}
	child = fork();
	if (child == 0)
		run(argv + 2);
	if (child < 0 || waitpid(child, &status, 0) < 0 ||
	    ptrace(PTRACE_SETOPTIONS, child, 0,
		   PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL) < 0)
		fail("watch");
	/* A signal that ends us is meant for the program. */
	ptrace(PTRACE_CONT, child, 0, 0);
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		int signal_number = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;

		if (!WIFSTOPPED(status)) {
			if (pid == child)
				return WIFEXITED(status) ? WEXITSTATUS(status) :
							   128 + WTERMSIG(status);
			continue;
		}
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			note(pid, log);
		/* Do not pass on our own events and the stop of a new thread. */
		if (status >> 16 || signal_number == SIGTRAP || signal_number == SIGSTOP)
			signal_number = 0;
		ptrace(PTRACE_CONT, pid, 0, signal_number);
	}
	return 125;
}
