/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches its own memory with the processor's watchpoints, as a debugger asks for them (ptrace) and
 * as perf does, and prints a line for each observation. Without a C library.
 */
#include "say.h"

/* Linux's further system calls, requests and structures for powerpc. */
#define NR_ptrace	   26
#define NR_perf_event_open 319
enum {
	TRACEME = 0,
	CONT = 7,
	DELHWDEBUG = 0x87,
	SETHWDEBUG = 0x88,
	GETHWDBGINFO = 0x89,
	GETSIGINFO = 0x4202,
};
#define SIGSTOP 19
enum {
	READS = 2,
	WRITES = 4,
	RANGE_INCLUSIVE = 1,
};
struct ppc_debug_info {
	uint32_t version, instructions, watchpoints, conditions, alignment, condition_size;
	uint64_t features;
};
struct ppc_hw_breakpoint {
	uint32_t version, trigger, mode, condition_mode;
	uint64_t addr, addr2, condition;
};
struct siginfo {
	int32_t signal, error, code, pad;
	uint64_t address;
	uint8_t rest[104];
};
enum {
	PERF_TYPE_BREAKPOINT = 5,
	PERF_READS = 1,
	PERF_WRITES = 2,
};
struct perf_event_attr {
	uint32_t type, size;
	uint64_t config, period, sample_type, read_format, flags;
	uint32_t wakeup, bp_type;
	uint64_t bp_addr, bp_len;
};

static struct {
	volatile uint64_t before, watched[2], behind;
} data __attribute__((aligned(64)));

static void use_data(void)
{
	for (int i = 0; i < 5; i++) {
		data.before = data.behind = (uint64_t)i;
		data.watched[0] = (uint64_t)i; /* five stores */
	}
	for (int i = 0; i < 3; i++)
		(void)data.watched[0]; /* three loads */
}

/* ---- ptrace ---- */

static void child(void)
{
	CALL(NR_ptrace, TRACEME);
	CALL(NR_kill, CALL(NR_getpid), SIGSTOP);
	use_data();
	CALL(NR_exit, 7);
}

static int wait_for(long pid)
{
	int status = 0;

	CALL(NR_wait4, pid, &status);
	return status;
}

/* The watchpoint is off once it was met, but keeps its place. */
static void watch(long pid, uint32_t trigger)
{
	const struct ppc_hw_breakpoint request = {
		.version = 1,
		.trigger = trigger,
		.mode = RANGE_INCLUSIVE,
		.addr = (uint64_t)data.watched,
		.addr2 = (uint64_t)(data.watched + 1),
	};

	static long last;

	if (last > 0)
		CALL(NR_ptrace, DELHWDEBUG, pid, 0, last);
	last = CALL(NR_ptrace, SETHWDEBUG, pid, 0, &request);
	say("ptrace: set", last > 0);
}

static void go_on(long pid, const char *what)
{
	static struct siginfo info;
	int status;

	CALL(NR_ptrace, CONT, pid);
	status = wait_for(pid);
	if ((status & 0x7f) == 0) {
		say("ptrace: exit", status >> 8);
		return;
	}
	CALL(NR_ptrace, GETSIGINFO, pid, 0, &info);
	say(what, status >> 8);
	say("ptrace: code", info.code);
	say("ptrace: offset", (long)(info.address - (uint64_t)data.watched));
}

static void by_ptrace(void)
{
	struct ppc_debug_info info = { 0 };
	long pid = CALL(NR_fork);

	if (!pid)
		child();
	wait_for(pid);
	CALL(NR_ptrace, GETHWDBGINFO, pid, 0, &info);
	say("ptrace: watchpoints", info.watchpoints);
	watch(pid, WRITES);
	go_on(pid, "ptrace: store");
	watch(pid, READS);
	go_on(pid, "ptrace: load");
	go_on(pid, "ptrace: after");
}

/* ---- perf ---- */

static long open_perf(uint32_t type, const volatile void *at)
{
	const struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.flags = 0x60, /* without the kernel and the hypervisor */
		.bp_type = type,
		.bp_addr = (uint64_t)at,
		.bp_len = 8,
	};

	return CALL(NR_perf_event_open, &attr, 0, -1, -1);
}

static void by_perf(const char *what, uint32_t type)
{
	uint64_t count = 0;
	long fd = open_perf(type, data.watched);

	if (fd < 0) {
		say(what, fd);
		return;
	}
	use_data();
	CALL(NR_read, fd, &count, sizeof(count));
	CALL(NR_close, fd);
	say(what, (long)count);
}

static void two_by_perf(void)
{
	uint64_t counts[2] = { 0 };
	long a = open_perf(PERF_WRITES, data.watched), b = open_perf(PERF_WRITES, &data.behind);

	if (b < 0) {
		say("perf: second", b);
	} else {
		use_data();
		CALL(NR_read, a, &counts[0], sizeof(counts[0]));
		CALL(NR_read, b, &counts[1], sizeof(counts[1]));
		say("perf: first", (long)counts[0]);
		say("perf: second", (long)counts[1]);
	}
	CALL(NR_close, a);
	CALL(NR_close, b);
}

void _start(void)
{
	by_ptrace();
	by_perf("perf: stores", PERF_WRITES);
	by_perf("perf: accesses", PERF_READS | PERF_WRITES);
	two_by_perf();
	CALL(NR_exit);
}
