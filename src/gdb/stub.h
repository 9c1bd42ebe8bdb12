/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other end of the gdb remote protocol: what a debugger asks, and the answers. It knows no
 * machine and no socket. Follows the appendix "gdb Remote Serial Protocol" of the GDB manual, plus
 * QEMU's physical memory mode. CPUs are threads, numbered from 1. All CPUs stop and go together.
 */
#ifndef FWNMI_GDB_STUB_H
#define FWNMI_GDB_STUB_H

#include "gdb/packet.h"
#include "gdb/power_registers.h"

#define GDB_STUB_MAX_PACKET 16384

/* As the protocol numbers them. */
enum gdb_break_kind {
	GDB_BREAK_SOFTWARE,
	GDB_BREAK_HARDWARE,
	GDB_WATCH_WRITE,
	GDB_WATCH_READ,
	GDB_WATCH_ACCESS,
};

/* What the stub's owner does for it. CPUs are numbered from 0, and none runs during a call. */
struct gdb_stub_target {
	unsigned nr_cpus;
	/* In the CPU's byte order. */
	void (*read_register)(void *opaque, unsigned cpu, unsigned number,
			      uint8_t bytes[GDB_REGISTER_MAX]);
	void (*write_register)(void *opaque, unsigned cpu, unsigned number, const uint8_t *bytes);
	/* @real: a real address, else one of the CPU's. False: no memory there. */
	bool (*read_memory)(void *opaque, unsigned cpu, bool real, uint64_t address, void *bytes,
			    size_t length);
	bool (*write_memory)(void *opaque, unsigned cpu, bool real, uint64_t address,
			     const void *bytes, size_t length);
	/* False: there are too many. */
	bool (*set_break)(void *opaque, enum gdb_break_kind kind, uint64_t address,
			  uint64_t length);
	void (*clear_break)(void *opaque, enum gdb_break_kind kind, uint64_t address,
			    uint64_t length);
	/* One instruction of this CPU, if there is one; then gdb_stub_stopped(). */
	bool (*go)(void *opaque, const unsigned *stepped); /* false: it can't, and nothing has */
	void (*stop)(void *opaque); /* then gdb_stub_stopped() */
	void (*detach)(void *opaque); /* forget all breaks and go on */
	void (*end)(void *opaque); /* end the machine */
	void (*send)(void *opaque, const void *bytes, size_t length);
	/* What the CPU does, in a few words. */
	const char *(*describe)(void *opaque, unsigned cpu);
	void *opaque;
};

struct gdb_stub {
	struct gdb_stub_target target;
	struct gdb_packet packet;
	bool in_packet, no_ack;
	bool running; /* the debugger waits for a stop */
	bool physical; /* addresses of memory are real */
	unsigned current; /* the CPU that the debugger asks about */
	unsigned stopped; /* the one that stopped last */
	char body[GDB_STUB_MAX_PACKET + 1];
	char reply[GDB_STUB_MAX_PACKET + 1];
	char framed[2 * GDB_STUB_MAX_PACKET + GDB_PACKET_FRAME];
};

enum gdb_stub_stop {
	GDB_STUB_INTERRUPTED, /* somebody has asked for it */
	GDB_STUB_TRAPPED, /* a step has ended, or a breakpoint was hit */
	GDB_STUB_WATCHED, /* the next instruction makes a watched access */
};

/** gdb_stub_connect() - a debugger has connected; the target is stopped */
void gdb_stub_connect(struct gdb_stub *stub, const struct gdb_stub_target *target);
/** gdb_stub_take() - what the debugger has sent */
void gdb_stub_take(struct gdb_stub *stub, const uint8_t *bytes, size_t length);
/**
 * gdb_stub_stopped() - the target has stopped; tells the debugger if it waits for that
 * @kind, @address: of the watch, for GDB_STUB_WATCHED
 */
void gdb_stub_stopped(struct gdb_stub *stub, enum gdb_stub_stop how, unsigned cpu,
		      enum gdb_break_kind kind, uint64_t address);
/** gdb_stub_ended() - the machine has ended, with @status */
void gdb_stub_ended(struct gdb_stub *stub, uint8_t status);

#endif
