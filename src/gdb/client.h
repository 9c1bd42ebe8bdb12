/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the gdb remote protocol for a 64-bit POWER guest behind QEMU's stub: registers, real
 * memory, threads, breakpoints, run control. It knows nothing of PAPR. Follows the appendix "gdb
 * Remote Serial Protocol" of the GDB manual, plus QEMU's physical memory mode.
 *
 * The first failure is kept (gdb_error()), and every later call fails. gdb_close() leaves the guest
 * as it was before: running, without breakpoints, nobody attached.
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
	GDB_STOPPED, /* all vCPUs are stopped; gdb_stopped_cpu() is the cause */
	GDB_TIMEOUT, /* all are running */
	GDB_ENDED, /* the machine has ended */
	GDB_FAILED, /* see gdb_error() */
};

/**
 * gdb_open() - connect, stop the guest, and learn its registers and vCPUs
 * @where: "HOST:PORT", ":PORT" (this host), "[ADDRESS]:PORT" or "unix:PATH"
 * @link: to the process that connects for this one (confined.h), or -1
 * @interrupted: checked during every wait; once set, everything fails
 *
 * Returns NULL with one line in @err: nobody listens, the listener is no gdb stub, the guest is not
 * 64-bit POWER, or the stub gives no access to real memory.
 */
struct gdb *gdb_open(const char *where, int link, const volatile sig_atomic_t *interrupted,
		     char *err, size_t err_size);

/** gdb_release() - resume a guest that a client which died may have left stopped. */
bool gdb_release(const char *where);

/**
 * gdb_close() - resume the guest and disconnect, also after a failure
 *
 * If the stub has closed the connection, this reconnects once, because a stopped guest does not
 * resume by itself.
 *
 * Returns false if the guest could not be told to run and is not known to have ended.
 */
bool gdb_close(struct gdb *gdb);

/** gdb_error() - why a call failed, in one line; "" if none has. */
const char *gdb_error(const struct gdb *gdb);
/**
 * gdb_fail() - record a failure that the caller found; only the first one is kept. Returns false.
 */
bool gdb_fail(struct gdb *gdb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** gdb_nr_cpus() - number of vCPUs, numbered from 0 in the order of the stub's threads. */
unsigned gdb_nr_cpus(const struct gdb *gdb);

/** gdb_register() - number of a register, by its name in the target description; -1 if none. */
int gdb_register(const struct gdb *gdb, const char *name);

/**
 * gdb_read_register(), gdb_write_register() - access one register of a vCPU
 *
 * The stub transfers it in the vCPU's current byte order, which is MSR[LE]. Writing MSR changes
 * that order.
 */
bool gdb_read_register(struct gdb *gdb, unsigned cpu, int reg, uint64_t *value);
bool gdb_write_register(struct gdb *gdb, unsigned cpu, int reg, uint64_t value);

/**
 * gdb_begin(), gdb_commit() - make the register writes in between atomic
 *
 * The caller's flag is not checked in between. If something fails before gdb_commit(), gdb_close()
 * restores the old values. Pairs may nest.
 */
void gdb_begin(struct gdb *gdb);
void gdb_commit(struct gdb *gdb);

/** gdb_gives_register() - does the stub give this register for this vCPU? */
bool gdb_gives_register(struct gdb *gdb, unsigned cpu, int reg, bool *given);

/* Numbers of registers that every 64-bit POWER target description has. */
struct gdb_registers {
	int gpr[32];
	int nip, msr, lr;
};
const struct gdb_registers *gdb_registers(const struct gdb *gdb);

/**
 * gdb_read_memory(), gdb_write_memory() - access guest real memory. A missing page is no failure:
 * *@there is false.
 */
bool gdb_read_memory(struct gdb *gdb, uint64_t real_address, void *buf, size_t len, bool *there);
bool gdb_write_memory(struct gdb *gdb, uint64_t real_address, const void *buf, size_t len,
		      bool *there);

/**
 * gdb_read_words() - read the first @word_size bytes at each of @count addresses @stride apart, in
 * batches
 * @there: how many could be read, counting from the first
 */
bool gdb_read_words(struct gdb *gdb, uint64_t real_address, uint64_t stride, unsigned count,
		    unsigned word_size, uint8_t *words, unsigned *there);

/** gdb_halted() - is the vCPU waiting in the hypervisor (H_CEDE, or never started)? */
bool gdb_halted(struct gdb *gdb, unsigned cpu, bool *halted);

/**
 * gdb_break(), gdb_unbreak() - stop any vCPU before it executes the instruction at an address
 *
 * The address is compared with NIP, whether or not translation is on. Two gdb_break() at one place
 * need two gdb_unbreak().
 */
bool gdb_break(struct gdb *gdb, uint64_t address);
bool gdb_unbreak(struct gdb *gdb, uint64_t address);
bool gdb_has_break(const struct gdb *gdb, uint64_t address);

/**
 * gdb_step() - run one instruction of one vCPU, even at a breakpoint; the others stay stopped
 *
 * QEMU holds back interrupts and its clock meanwhile. Do not use it on a halted vCPU: it would not
 * come back.
 */
bool gdb_step(struct gdb *gdb, unsigned cpu);

/**
 * gdb_run() - let vCPUs run until one hits a breakpoint or time is up
 * @held: if bit n is set, vCPU n stays stopped
 * @timeout_ms: when it expires the vCPUs keep running: GDB_TIMEOUT
 */
enum gdb_stop gdb_run(struct gdb *gdb, uint64_t held, unsigned timeout_ms);
/**
 * gdb_run_for() - like gdb_run(), but stop all when time is up; *@at_breakpoint: a breakpoint was
 * hit.
 */
enum gdb_stop gdb_run_for(struct gdb *gdb, uint64_t held, unsigned timeout_ms, bool *at_breakpoint);
unsigned gdb_stopped_cpu(const struct gdb *gdb);

/** gdb_ran_ns() - host time for which guest code has run under gdb_run() and gdb_step(). */
uint64_t gdb_ran_ns(const struct gdb *gdb);

/**
 * gdb_monitor() - send a command to QEMU's human monitor through the stub; the answer is dropped.
 */
bool gdb_monitor(struct gdb *gdb, const char *command);

#endif
