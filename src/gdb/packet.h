/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of the gdb remote protocol, as both its ends frame them: checksums, escapes, run lengths.
 * Follows the GDB manual, "gdb Remote Serial Protocol", section "Overview". No input and output.
 */
#ifndef FWNMI_GDB_PACKET_H
#define FWNMI_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What framing adds to a body, whose bytes it may double. */
#define GDB_PACKET_FRAME 4

/** gdb_hex_digit() - value of a hexadecimal digit, or -1. */
int gdb_hex_digit(int c);
/** gdb_from_hex() - read exactly @size bytes from 2 * @size digits; false: @text is not that */
bool gdb_from_hex(const char *text, size_t length, uint8_t *bytes, size_t size);
/** gdb_to_hex() - write 2 * @size digits and a NUL */
void gdb_to_hex(char *text, const uint8_t *bytes, size_t size);

/** gdb_put_value() - write a number of @size bytes, up to 8, in the target's byte order */
void gdb_put_value(uint8_t *bytes, unsigned size, bool little_endian, uint64_t value);
/** gdb_get_value() - the reverse */
uint64_t gdb_get_value(const uint8_t *bytes, unsigned size, bool little_endian);

/**
 * gdb_packet_frame() - frame a body
 * @packet: of @size bytes
 *
 * returns: its length; 0 if it does not fit
 */
size_t gdb_packet_frame(char *packet, size_t size, const char *body, size_t length);

/* A packet that is being received, from after its '$' on. */
struct gdb_packet {
	char *body; /* of max + 1 bytes; NUL-terminated when it is whole */
	size_t max, length;
	uint8_t sum, expected;
	enum {
		GDB_PACKET_BODY,
		GDB_PACKET_ESCAPED,
		GDB_PACKET_REPEATED, /* the next byte is a run length */
		GDB_PACKET_SUM_HIGH,
		GDB_PACKET_SUM_LOW,
	} state;
	bool damaged;
};

enum gdb_packet_result {
	GDB_PACKET_MORE, /* is needed */
	GDB_PACKET_WHOLE,
	GDB_PACKET_DAMAGED, /* it has ended, and is to be sent again */
	GDB_PACKET_TOO_LONG,
};

void gdb_packet_begin(struct gdb_packet *packet, char *body, size_t max);
enum gdb_packet_result gdb_packet_take(struct gdb_packet *packet, uint8_t byte);

#endif
