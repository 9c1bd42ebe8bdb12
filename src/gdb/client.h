/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the gdb remote protocol, for a 64-bit POWER guest behind QEMU's stub: registers, real
 * memory, threads, breakpoints, run control. No PAPR here. Follows the appendix "gdb Remote Serial
 * Protocol" of the GDB manual; QEMU's extension is the physical memory mode.
 *
 * The first failure is kept (gdb_error()), and every call after it fails. What the guest was doing
 * before, gdb_close() lets it do again: without breakpoints, running, nobody attached.
 */
#ifndef FWNMI_GDB_CLIENT_H
#define FWNMI_GDB_CLIENT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_MAX_CPUS	    64
#define GDB_MAX_BREAKPOINTS 8

struct gdb; /* opaque: client.c */

enum gdb_stop {
	GDB_STOPPED, /* all vCPUs stand; gdb_stopped_cpu() says which one is why */
	GDB_TIMEOUT, /* all run */
	GDB_ENDED, /* the machine has ended */
	GDB_FAILED, /* see gdb_error() */
};

/**
 * gdb_open() - connect, stop the guest, and learn its registers and vCPUs
 * @where: "HOST:PORT", ":PORT" (this host), "[ADDRESS]:PORT" or "unix:PATH"
 * @link: to the process that connects for this one (confined.h), or -1
 * @interrupted: looked at whenever something is waited for; once set, everything fails
 *
 * Returns NULL with one line in @err: nobody listens, what listens is no gdb stub, no stub for a
 * 64-bit POWER guest, none that gives access to real memory.
 */
struct gdb *gdb_open(const char *where, int link, const volatile sig_atomic_t *interrupted,
		     char *err, size_t err_size);

/** gdb_release() - let a guest run that somebody who has died may have left standing. */
bool gdb_release(const char *where);

/**
 * gdb_close() - let the guest run and leave it, also after a failure
 *
 * If the stub has closed the connection, it is made once more, because a guest that stands then
 * does not go on by itself.
 *
 * Returns false if the guest could not be told to run, though nothing says that it has ended.
 */
bool gdb_close(struct gdb *gdb);

/** gdb_error() - why a call has failed, one line; "" if none has. */
const char *gdb_error(const struct gdb *gdb);
/** gdb_fail() - note a failure that the caller has found; it is kept if it is the first one.
 * Returns false. */
bool gdb_fail(struct gdb *gdb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** gdb_nr_cpus() - number of vCPUs; they are numbered from 0 in the order of the stub's threads. */
unsigned gdb_nr_cpus(const struct gdb *gdb);

/** gdb_register() - the number of a register by its name in the target description, or -1. */
int gdb_register(const struct gdb *gdb, const char *name);

/**
 * gdb_read_register(), gdb_write_register() - one register of a vCPU
 *
 * The stub transfers it in the byte order that the vCPU is in, which MSR[LE] says. A write of MSR
 * changes that order.
 */
bool gdb_read_register(struct gdb *gdb, unsigned cpu, int reg, uint64_t *value);
bool gdb_write_register(struct gdb *gdb, unsigned cpu, int reg, uint64_t value);

/**
 * gdb_begin(), gdb_commit() - what is written to registers in between is written wholly or not at
 * all
 *
 * The caller's flag is not looked at meanwhile. If something fails and it does not come to
 * gdb_commit(), gdb_close() writes back what was there. A pair may be inside another one.
 */
void gdb_begin(struct gdb *gdb);
void gdb_commit(struct gdb *gdb);

/** gdb_gives_register() - does the stub give this register of this vCPU? */
bool gdb_gives_register(struct gdb *gdb, unsigned cpu, int reg, bool *given);

/* Numbers of registers that every 64-bit POWER target description has. */
struct gdb_registers {
	int gpr[32];
	int nip, msr, lr;
};
const struct gdb_registers *gdb_registers(const struct gdb *gdb);

/** gdb_read_memory(), gdb_write_memory() - guest real memory. A page that is not there fails
 * softly: *@there. */
bool gdb_read_memory(struct gdb *gdb, uint64_t real_address, void *buf, size_t len, bool *there);
bool gdb_write_memory(struct gdb *gdb, uint64_t real_address, const void *buf, size_t len,
		      bool *there);

/**
 * gdb_read_words() - the first @word_size bytes at each of @count addresses @stride apart, many at
 * a time
 * @there: how many could be read, from the first on
 */
bool gdb_read_words(struct gdb *gdb, uint64_t real_address, uint64_t stride, unsigned count,
		    unsigned word_size, uint8_t *words, unsigned *there);

/** gdb_halted() - does the vCPU wait in the hypervisor (H_CEDE, or never started)? */
bool gdb_halted(struct gdb *gdb, unsigned cpu, bool *halted);

/**
 * gdb_break(), gdb_unbreak() - stop any vCPU before it executes the instruction at an address
 *
 * The address is compared with NIP whatever translation is on. Breaking twice at a place takes two
 * gdb_unbreak().
 */
bool gdb_break(struct gdb *gdb, uint64_t address);
bool gdb_unbreak(struct gdb *gdb, uint64_t address);
bool gdb_has_break(const struct gdb *gdb, uint64_t address);

/**
 * gdb_step() - one instruction of one vCPU, the others stand; it passes a breakpoint on it
 *
 * QEMU holds back interrupts and its clock meanwhile. Not for a vCPU that is halted: it would not
 * come back.
 */
bool gdb_step(struct gdb *gdb, unsigned cpu);

/**
 * gdb_run() - let vCPUs run until one meets a breakpoint or time is up
 * @held: bit n set: vCPU n is left standing
 * @timeout_ms: then they still run: GDB_TIMEOUT
 */
enum gdb_stop gdb_run(struct gdb *gdb, uint64_t held, unsigned timeout_ms);
/** gdb_run_for() - the same, and stop all when time is up; *@at_breakpoint says why they stopped.
 */
enum gdb_stop gdb_run_for(struct gdb *gdb, uint64_t held, unsigned timeout_ms, bool *at_breakpoint);
unsigned gdb_stopped_cpu(const struct gdb *gdb);

/** gdb_ran_ns() - how long guest code has run under gdb_run() and gdb_step(), by the host's clock.
 */
uint64_t gdb_ran_ns(const struct gdb *gdb);

/** gdb_monitor() - a command to QEMU's human monitor, which the stub passes on; its answer is
 * dropped. */
bool gdb_monitor(struct gdb *gdb, const char *command);

#endif
