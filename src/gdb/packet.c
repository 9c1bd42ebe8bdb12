/* SPDX-License-Identifier: BSD-2-Clause */
/* Framing; see packet.h. */
#include <ctype.h>
#include <string.h>

#include "gdb/packet.h"

#define ESCAPE	   '}'
#define ESCAPE_BIT 0x20
#define RUN_BIAS   29 /* of the byte after '*' */
#define RUN_LEAST  3 /* a shorter run is not worth it, and makes no printable byte */

int gdb_hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool gdb_from_hex(const char *text, size_t length, uint8_t *bytes, size_t size)
{
	if (length != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = gdb_hex_digit(text[2 * i]), low = gdb_hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void gdb_to_hex(char *text, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
	*text = '\0';
}

void gdb_put_value(uint8_t *bytes, unsigned size, bool little_endian, uint64_t value)
{
	for (unsigned i = 0; i < size; i++)
		bytes[little_endian ? i : size - 1 - i] = (uint8_t)(value >> 8 * i);
}

uint64_t gdb_get_value(const uint8_t *bytes, unsigned size, bool little_endian)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)bytes[little_endian ? i : size - 1 - i] << 8 * i;
	return value;
}

size_t gdb_packet_frame(char *packet, size_t size, const char *body, size_t length)
{
	uint8_t sum = 0, bytes[1];
	char digits[3];
	size_t n = 0;

	if (size < GDB_PACKET_FRAME)
		return 0;
	packet[n++] = '$';
	for (size_t i = 0; i < length; i++) {
		const bool escape = body[i] && strchr("#$}*", body[i]);

		if (n + 1 + escape + GDB_PACKET_FRAME - 1 > size)
			return 0;
		if (escape)
			packet[n++] = ESCAPE;
		packet[n++] = (char)(escape ? body[i] ^ ESCAPE_BIT : body[i]);
	}
	for (size_t i = 1; i < n; i++)
		sum = (uint8_t)(sum + (uint8_t)packet[i]);
	bytes[0] = sum;
	gdb_to_hex(digits, bytes, 1);
	packet[n++] = '#';
	packet[n++] = digits[0];
	packet[n++] = digits[1];
	return n;
}

void gdb_packet_begin(struct gdb_packet *packet, char *body, size_t max)
{
	*packet = (struct gdb_packet){ .body = body, .max = max };
}

static enum gdb_packet_result add(struct gdb_packet *packet, char c, unsigned times)
{
	packet->state = GDB_PACKET_BODY;
	if (times > packet->max - packet->length)
		return GDB_PACKET_TOO_LONG;
	memset(packet->body + packet->length, c, times);
	packet->length += times;
	return GDB_PACKET_MORE;
}

static enum gdb_packet_result take_body(struct gdb_packet *packet, uint8_t byte)
{
	if (byte == '#') {
		packet->body[packet->length] = '\0';
		packet->state = GDB_PACKET_SUM_HIGH;
		return GDB_PACKET_MORE;
	}
	packet->sum = (uint8_t)(packet->sum + byte);
	if (byte == ESCAPE)
		packet->state = GDB_PACKET_ESCAPED;
	else if (byte == '*')
		packet->state = GDB_PACKET_REPEATED;
	else
		return add(packet, (char)byte, 1);
	return GDB_PACKET_MORE;
}

static enum gdb_packet_result repeat(struct gdb_packet *packet, uint8_t byte)
{
	packet->sum = (uint8_t)(packet->sum + byte);
	packet->state = GDB_PACKET_BODY;
	if (byte < RUN_BIAS + RUN_LEAST || !packet->length) {
		packet->damaged = true;
		return GDB_PACKET_MORE;
	}
	return add(packet, packet->body[packet->length - 1], byte - RUN_BIAS);
}

static void take_sum(struct gdb_packet *packet, uint8_t byte)
{
	const int digit = gdb_hex_digit(byte);

	packet->damaged |= digit < 0;
	packet->expected = (uint8_t)(packet->expected << 4 | (digit & 15));
}

enum gdb_packet_result gdb_packet_take(struct gdb_packet *packet, uint8_t byte)
{
	switch (packet->state) {
	case GDB_PACKET_BODY:
		return take_body(packet, byte);
	case GDB_PACKET_ESCAPED:
		packet->sum = (uint8_t)(packet->sum + byte);
		return add(packet, (char)(byte ^ ESCAPE_BIT), 1);
	case GDB_PACKET_REPEATED:
		return repeat(packet, byte);
	case GDB_PACKET_SUM_HIGH:
		take_sum(packet, byte);
		packet->state = GDB_PACKET_SUM_LOW;
		return GDB_PACKET_MORE;
	case GDB_PACKET_SUM_LOW:
		take_sum(packet, byte);
		break;
	}
	return packet->damaged || packet->sum != packet->expected ? GDB_PACKET_DAMAGED :
								    GDB_PACKET_WHOLE;
}
