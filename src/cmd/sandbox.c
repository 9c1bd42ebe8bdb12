/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The confinement; see sandbox.h. There is one allow list, in groups. A name unknown on this
 * architecture is skipped, so the list has the names for all: poll() is ppoll on arm64, send() is a
 * system call of its own on ppc64el.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <seccomp.h>

#include "cmd/sandbox.h"
#include "engine/kvm/abi.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER
#endif

#define MAX_CALLS 1024u

/* si_code of a call stopped by a filter; from Linux asm-generic/siginfo.h and newer C libraries. */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

/* ---- the allow list ---- */

static const struct {
	unsigned needs; /* 0: allowed for all */
	const char *calls;
} allowed[] = {
	/* Open descriptors: console, NVRAM, kernel and initrd at a reboot, wake-ups, sockets. */
	{ 0, "read write writev pread64 pwrite64 lseek close fsync poll ppoll" },
	{ 0, "fstat newfstatat statx" },
	{ 0, "recv recvfrom recvmsg send sendto sendmsg shutdown" },
	/* Memory; mmap and mprotect are below. */
	{ 0, "brk munmap mremap madvise" },
	/* Time. */
	{ 0, "clock_gettime clock_getres gettimeofday time" },
	{ 0, "clock_nanosleep nanosleep restart_syscall" },
	/* Our own signals; tgkill is below. */
	{ 0, "rt_sigaction rt_sigreturn rt_sigprocmask sigaltstack getpid gettid" },
	/* Locks, and libc's work at a thread's start and end. */
	{ 0, "futex set_robust_list rseq sched_yield sched_getaffinity exit exit_group" },
	/* The guest's random numbers, --stats, qsort(). */
	{ 0, "getrandom getrusage sysinfo" },
	{ SANDBOX_CLIENTS, "accept4 accept" },
	{ SANDBOX_STUB, "setsockopt" },
	{ SANDBOX_WORKERS, "wait4 getppid" },
	{ SANDBOX_REMOVE, "unlink unlinkat lstat" },
#ifdef ADDRESS_SANITIZER
	/* The leak check: a thread of its own stops the others, inspects them, and reports. */
	{ 0, "openat open readlink readlinkat getdents getdents64 access faccessat uname" },
	{ 0, "clone ptrace process_vm_readv wait4 prctl getppid tgkill prlimit64" },
	{ 0, "getuid geteuid fcntl ioctl mprotect" },
#endif
};

/* The kernel's struct termios in the requests below is always 44 bytes; libc's differs in size. */
#define TERMIOS_SIZE 44

static const uint32_t allowed_ioctls[] = {
	TIOCGWINSZ,
#ifdef __powerpc64__
	_IOC(_IOC_READ, 't', 19, TERMIOS_SIZE), /* TCGETS */
	_IOC(_IOC_WRITE, 't', 20, TERMIOS_SIZE), /* TCSETS, TCSETSW, TCSETSF */
	_IOC(_IOC_WRITE, 't', 21, TERMIOS_SIZE),
	_IOC(_IOC_WRITE, 't', 22, TERMIOS_SIZE),
#else
	TCGETS,
	TCSETS,
	TCSETSW,
	TCSETSF,
	_IOC(_IOC_READ, 'T', 0x2a, TERMIOS_SIZE), /* TCGETS2: newer C libraries */
	_IOC(_IOC_WRITE, 'T', 0x2b, TERMIOS_SIZE),
	_IOC(_IOC_WRITE, 'T', 0x2c, TERMIOS_SIZE),
	_IOC(_IOC_WRITE, 'T', 0x2d, TERMIOS_SIZE),
#endif
};

/* A reboot makes a new virtual machine, so this is all that the engine ever asks of KVM. */
static const uint32_t allowed_kvm_ioctls[] = {
	PPC_KVM_CREATE_VM,     PPC_KVM_CHECK_EXTENSION,
	PPC_KVM_CREATE_VCPU,   PPC_KVM_SET_USER_MEMORY_REGION,
	PPC_KVM_ALLOCATE_HTAB, PPC_KVM_CONFIGURE_V3_MMU,
	PPC_KVM_RUN,	       PPC_KVM_GET_REGS,
	PPC_KVM_SET_REGS,      PPC_KVM_GET_SREGS,
	PPC_KVM_INTERRUPT,     PPC_KVM_ENABLE_CAP,
	PPC_KVM_GET_ONE_REG,   PPC_KVM_SET_ONE_REG,
};

static int allow_named(scmp_filter_ctx filter, const char *calls)
{
	char name[64];

	for (const char *p = calls; *p;) {
		size_t len = strcspn(p, " ");
		int number, rc = 0;

		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		/*
		 * May be negative, for example for a call made through socketcall(): libseccomp
		 * knows how to handle that.
		 */
		number = seccomp_syscall_resolve_name(name);
		if (number != __NR_SCMP_ERROR)
			rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
		if (rc < 0)
			return rc;
		p += len + (p[len] == ' ');
	}
	return 0;
}

static int allow_ioctls(scmp_filter_ctx filter, const uint32_t *requests, size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				      SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]));
	return rc;
}

/*
 * Calls allowed only with certain arguments. A rule for the same call without arguments would
 * override these.
 */
static int allow_by_arguments(scmp_filter_ctx filter)
{
	static const int without_exec[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };
	static const int flags[] = { F_GETFD, F_GETFL, F_SETFL };
	int rc = 0;

	for (size_t i = 0; i < 2 && !rc; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, without_exec[i], 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && !rc; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				      SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)flags[i], 0));
	/* raise() and pthread_kill() */
	if (!rc)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	return rc ? rc :
		    allow_ioctls(filter, allowed_ioctls,
				 sizeof(allowed_ioctls) / sizeof(allowed_ioctls[0]));
}

static int allow_kvm(scmp_filter_ctx filter)
{
	int rc = allow_ioctls(filter, allowed_kvm_ioctls,
			      sizeof(allowed_kvm_ioctls) / sizeof(allowed_kvm_ioctls[0]));

	if (!rc)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_VM | CLONE_THREAD,
					      CLONE_VM | CLONE_THREAD));
	return rc;
}

/* Processes like this one, which die with it; no new namespaces. */
static int allow_workers(scmp_filter_ctx filter)
{
	const scmp_datum_t kept = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CSIGNAL;
	int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				  SCMP_A0(SCMP_CMP_MASKED_EQ, ~kept, 0));

	if (!rc)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
				      SCMP_A0(SCMP_CMP_EQ, PR_SET_PDEATHSIG, 0));
	/* A snapshot asks for /proc/self/pagemap, and can do without. */
	if (!rc)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
	return rc;
}

/* No filter can see the flags of clone3(). With it refused, libc falls back to clone(). */
static int refuse_clone3(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int fill(scmp_filter_ctx filter, unsigned needs)
{
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	if (!rc)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && !rc; i++)
		if (!allowed[i].needs || allowed[i].needs & needs)
			rc = allow_named(filter, allowed[i].calls);
	if (!rc)
		rc = allow_by_arguments(filter);
	if (!rc && needs & SANDBOX_KVM)
		rc = allow_kvm(filter);
	if (!rc && needs & SANDBOX_WORKERS)
		rc = allow_workers(filter);
	if (!rc && needs & (SANDBOX_KVM | SANDBOX_WORKERS))
		rc = refuse_clone3(filter);
	return rc;
}

/* ---- a forbidden call ---- */

/* Filled in beforehand, because a signal handler must not call libseccomp. */
static char call_names[MAX_CALLS][32];
static char complaint_start[64];
static struct sigaction former;

static void name_calls(const char *command)
{
	snprintf(complaint_start, sizeof(complaint_start), "fwnmi: %s: sandbox: the system call ",
		 command);
	for (unsigned i = 0; i < MAX_CALLS; i++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)i);

		if (name)
			snprintf(call_names[i], sizeof(call_names[i]), "%s", name);
		else
			snprintf(call_names[i], sizeof(call_names[i]), "number %u", i);
		free(name);
	}
}

static void on_forbidden_call(int signal_number, siginfo_t *info, void *context)
{
	static const char end[] = " is not allowed\n";
	unsigned number = (unsigned)info->si_syscall;
	char line[sizeof(complaint_start) + sizeof(call_names[0]) + sizeof(end)];
	sigset_t set;

	strcpy(line, complaint_start);
	strcat(line, number < MAX_CALLS ? call_names[number] : "with an unknown number");
	strcat(line, end);
	if (info->si_code == SYS_SECCOMP)
		(void)!write(STDERR_FILENO, line, strlen(line));
	/* The previous owner of the signal may have a terminal to restore. */
	if (former.sa_handler == SIG_IGN)
		former.sa_handler = SIG_DFL;
	sigaction(SIGSYS, &former, NULL);
	raise(SIGSYS);
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(128 + SIGSYS);
}

/* ---- privileges ---- */

static volatile bool confined;

void sandbox_drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { .effective = 0 } };

	if (confined)
		return;
	/*
	 * The bounding set needs privilege to change. Without new privileges it limits nothing
	 * anyway.
	 */
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	syscall(SYS_capset, &header, none);
}

static bool has_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, caps))
		return true;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (caps[i].effective || caps[i].permitted || caps[i].inheritable)
			return true;
	return false;
}

/* ---- entering ---- */

static bool cannot(char *err, size_t err_size, const char *what, int error)
{
	snprintf(err, err_size, "cannot confine the process: %s: %s (--sandbox=off turns this off)",
		 what, strerror(error));
	return false;
}

static bool drop_privileges(char *err, size_t err_size)
{
	const struct rlimit no_core = { 0, 0 };

	sandbox_drop_capabilities();
	if (has_capabilities())
		return cannot(err, err_size, "capabilities cannot be dropped", EPERM);
	if (setrlimit(RLIMIT_CORE, &no_core))
		return cannot(err, err_size, "core dumps cannot be disabled", errno);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return cannot(err, err_size, "new privileges cannot be disabled", errno);
	return true;
}

/* Libraries open files when something is first used; trigger that now. */
static void open_what_opens_itself(void)
{
	json_object_seed(0); /* reads random numbers, for hash tables */
	tzset(); /* reads the time zone, even for gmtime_r() */
	mallopt(M_ARENA_MAX, 1); /* else it reads the number of processors */
}

bool sandbox_enter(const char *command, unsigned needs, char *err, size_t err_size)
{
	struct sigaction action = { .sa_sigaction = on_forbidden_call, .sa_flags = SA_SIGINFO };
	scmp_filter_ctx filter;
	int rc;

	open_what_opens_itself();
	name_calls(command);
	if (!drop_privileges(err, err_size))
		return false;
	filter = seccomp_init(SCMP_ACT_TRAP);
	if (!filter)
		return cannot(err, err_size, "libseccomp cannot create a filter", ENOSYS);
	sigemptyset(&action.sa_mask);
	sigaction(SIGSYS, &action, &former);
	rc = fill(filter, needs);
	confined = !rc;
	if (!rc)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc) {
		confined = false;
		sigaction(SIGSYS, &former, NULL);
	}
	return !rc || cannot(err, err_size, "the kernel refuses the seccomp filter", -rc);
}
