/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's own lines on a console: machine checks, Oopses, panics, kills. Formats are those of 5.2
 * and later (arch/powerpc/kernel/mce.c, traps.c, mm/memory-failure.c, watchdogs), and the machine
 * check report that pseries/ras.c printed from 4.20 to 5.1. What the lines mean is law.h's and
 * verdict.h's. The bytes are the guest's: nothing is assumed of them, and work is linear.
 */
#ifndef FWNMI_LAB_KERNEL_LINES_H
#define FWNMI_LAB_KERNEL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KERNEL_COMM_SIZE     16
#define KERNEL_MAX_REPORTS   320
#define KERNEL_MAX_OOPSES    16
#define KERNEL_MAX_PROCESSES 64

/* A process that a line names. */
struct kernel_process {
	unsigned pid; /* 0: unknown, or idle */
	char comm[KERNEL_COMM_SIZE];
};

/* A report of a machine check: several lines, which other CPUs' lines may interrupt. */
struct kernel_mce {
	size_t at; /* offset of its first line */
	bool has_cpu; /* false before 5.2: no line says the CPU */
	unsigned cpu;
	char severity[16]; /* "Severe" */
	char what[64]; /* type and subtype: "SLB Multihit" */
	bool recovered;
	bool has_dar, has_paddr;
	uint64_t dar, paddr;
	bool has_nip;
	uint64_t nip;
	bool has_process; /* it was in user mode */
	struct kernel_process process;
	char initiator[32]; /* "CPU"; "" if no line says it */
};

struct kernel_oops {
	size_t at;
	char text[64]; /* "Machine check", "System Reset", "Kernel access of bad area" */
	bool has_process;
	struct kernel_process process; /* current */
	bool has_nip;
	uint64_t nip;
};

/* Who died of what, in the kernel's words. */
enum kernel_kill {
	KERNEL_KILL_SIGNAL, /* "victim[80]: bus error (7) at ..." */
	KERNEL_KILL_POISON, /* memory-failure.c, or a fault on a page that it took */
};

struct kernel_killed {
	enum kernel_kill how;
	struct kernel_process process;
};

/* All that a console says. Where there was more than room, nr_ counts on. */
struct kernel_lines {
	struct kernel_mce mces[KERNEL_MAX_REPORTS];
	unsigned nr_mces;
	struct kernel_oops oopses[KERNEL_MAX_OOPSES];
	unsigned nr_oopses;
	struct kernel_killed killed[KERNEL_MAX_PROCESSES];
	unsigned nr_killed;
	bool panicked;
	char panic[128]; /* behind "not syncing: " */
	size_t panic_at;
	bool memory_failure; /* memory-failure.c has looked at a page */
	unsigned nmi_backtraces; /* a CPU answered Linux's own system reset */
	bool in_xmon; /* for a system reset */
	bool check_in_xmon; /* it was entered for a machine check */
	bool crash_kernel; /* the crash kernel takes over */
	bool corrupt_r3, interlock_failed; /* pseries/ras.c complains of the platform */
	char stall[128]; /* the first line of a watchdog: hard or soft lockup, RCU stall */
	char bug[128]; /* the first "BUG:" or "kernel BUG at", apart from Oopses' */
};

/** kernel_lines_read() - find all of a console's lines */
void kernel_lines_read(const char *console, size_t length, struct kernel_lines *lines);

/**
 * kernel_lines_next() - read one line
 * @at: its offset in the console
 * @lines: what the lines before it said; all zero at first
 *
 * returns: would a person who asks what became of an event want to read this line?
 */
bool kernel_lines_next(const char *line, size_t length, size_t at, struct kernel_lines *lines);

/** kernel_line_length() - bytes of the line at @p, without its newline */
size_t kernel_line_length(const char *p, const char *end);

#endif
