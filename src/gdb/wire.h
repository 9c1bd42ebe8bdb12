/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection to a gdb stub and its packets: acknowledgements, repeats, timeouts; packet.h
 * frames them. Only for client.c.
 */
#ifndef FWNMI_GDB_WIRE_H
#define FWNMI_GDB_WIRE_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAX_PACKET	 65536
#define WIRE_MAX_COMMAND 2112

/* First answer: the listener may be no stub, or one that another debugger is attached to. */
#define WIRE_FIRST_MS 15000
/* Any other answer: far longer than a stub on a busy host takes; only catches a hang. */
#define WIRE_HANG_MS  30000

struct wire {
	int fd; /* or -1 */
	int link; /* to the process that connects for us (link.h); -1: none */
	bool tcp;
	char *where;
	const volatile sig_atomic_t *interrupted; /* the caller's flag: once set, all fails */
	bool no_ack; /* packets are no longer acknowledged */
	bool ack_due; /* the next packet sent also acknowledges the last one received */
	bool outstanding; /* an answer is due */
	bool is_stub; /* it has sent a packet */
	bool lost;
	bool hangs; /* an answer timed out */
	bool held_back; /* ignore the flag: the guest is between two states */
	bool closing; /* the rest is for the guest's sake, whatever has failed */
	char err[200]; /* the first failure */

	uint8_t in[4096];
	size_t in_start, in_end;
	char out[WIRE_MAX_COMMAND]; /* the last packet sent, in case it must be repeated */
	size_t out_len;
	char packet[WIRE_MAX_PACKET + 1]; /* the last one received, NUL-terminated */
	size_t packet_len;
};

enum received {
	RECEIVED,
	TIMED_OUT,
	FAILED
};

/** wire_fail() - record a failure, unless there is one already. Returns false. */
bool wire_fail(struct wire *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool wire_vfail(struct wire *w, const char *format, va_list ap)
	__attribute__((format(printf, 2, 0)));

/** wire_connect() - connect to w->where. */
bool wire_connect(struct wire *w);
bool wire_send(struct wire *w, const void *bytes, size_t len);
bool wire_send_packet(struct wire *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** wire_patience_ms() - how long to wait for an answer that does not depend on the guest. */
unsigned wire_patience_ms(const struct wire *w);
/**
 * wire_receive() - read the next packet into w->packet until host_ms() reaches @deadline. The next
 * packet sent acknowledges it.
 */
enum received wire_receive(struct wire *w, int64_t deadline);

#endif
