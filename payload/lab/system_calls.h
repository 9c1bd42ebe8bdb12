/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's system calls on powerpc64, as far as the lab's programs and those of tests/initramfs use
 * them, and the numbers and structures that go with them (Linux,
 * Documentation/arch/powerpc/syscall64-abi.rst and uapi).
 */
#ifndef FWNMI_PAYLOAD_LAB_SYSTEM_CALLS_H
#define FWNMI_PAYLOAD_LAB_SYSTEM_CALLS_H

#include <stddef.h>
#include <stdint.h>

#define NR_exit		     1
#define NR_fork		     2
#define NR_read		     3
#define NR_write	     4
#define NR_open		     5
#define NR_close	     6
#define NR_execve	     11
#define NR_lseek	     19
#define NR_getpid	     20
#define NR_mount	     21
#define NR_kill		     37
#define NR_mkdir	     39
#define NR_pipe		     42
#define NR_ioctl	     54
#define NR_dup2		     63
#define NR_getppid	     64
#define NR_mmap		     90
#define NR_munmap	     91
#define NR_syslog	     103
#define NR_wait4	     114
#define NR_uname	     122
#define NR_mprotect	     125
#define NR_sched_yield	     158
#define NR_poll		     167
#define NR_prctl	     171
#define NR_rt_sigaction	     173
#define NR_rt_sigprocmask    174
#define NR_sigaltstack	     185
#define NR_madvise	     205
#define NR_sched_setaffinity 222
#define NR_sched_getaffinity 223
#define NR_clock_gettime     246
#define NR_clock_nanosleep   248
#define NR_signalfd4	     313

#define EBADF  9
#define ENOMEM 12
#define EINVAL 22
#define ESPIPE 29

#define SIGTRAP 5
#define SIGBUS	7
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGCHLD 17

#define O_RDWR		     2
#define O_WRONLY	     1
#define PROT_NONE	     0
#define PROT_READ	     1
#define PROT_WRITE	     2
#define PROT_EXEC	     4
#define MAP_PRIVATE	     2
#define MAP_FIXED	     0x10
#define MAP_ANONYMOUS	     0x20
#define MADV_DONTNEED	     4
#define PR_SET_NAME	     15
#define CLOCK_MONOTONIC	     1
#define SYSLOG_CONSOLE_LEVEL 8
#define SIG_BLOCK	     0
#define SFD_CLOEXEC	     02000000
#define POLLIN		     1
#define WNOHANG		     1

/* The kernel's, of powerpc. */
struct termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t cc[19], line;
	uint32_t ispeed, ospeed;
};

#define TCGETS 0x402c7413
#define TCSETS 0x802c7414
#define ECHO   0x8
#define ECHONL 0x10
#define ICANON 0x100

struct timespec {
	int64_t seconds, nanoseconds;
};

struct pollfd {
	int fd;
	short events, revents;
};

/* The rest of the kernel's siginfo, and of signalfd's, is not looked at. */
struct utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r0 __asm__("r0") = number;
	register long r3 __asm__("r3") = a;
	register long r4 __asm__("r4") = b;
	register long r5 __asm__("r5") = c;
	register long r6 __asm__("r6") = d;
	register long r7 __asm__("r7") = e;
	register long r8 __asm__("r8") = f;

	/* An error has CR0[SO] set and a positive number. */
	__asm__ volatile("sc\n\tbns+ 1f\n\tneg 3, 3\n1:"
			 : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7), "+r"(r8)
			 :
			 : "r9", "r10", "r11", "r12", "ctr", "xer", "cr0", "cr1", "cr5", "cr6",
			   "cr7", "memory");
	return r3;
}

/* The number and up to six arguments; what is left out is 0. -errno is an error. */
#define CALL_7(number, a, b, c, d, e, f, ...) \
	call6(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL(...) CALL_7(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#endif
