/* SPDX-License-Identifier: BSD-2-Clause */
/* The stub; see stub.h. Each command of the protocol is a function, found by table. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gdb/stub.h"

#define INTERRUPT   0x03 /* outside of packets */
/* Signals as the protocol numbers them. */
#define SIGNAL_INT  2
#define SIGNAL_TRAP 5

#define MAX_MEMORY (GDB_STUB_MAX_PACKET / 2 - 1)

#define TARGET(stub, call, ...) ((stub)->target.call((stub)->target.opaque, ##__VA_ARGS__))

static void send_text(struct gdb_stub *stub, const char *body, size_t length)
{
	size_t n = gdb_packet_frame(stub->framed, sizeof(stub->framed), body, length);

	TARGET(stub, send, stub->framed, n);
}

static void reply(struct gdb_stub *stub, const char *body)
{
	send_text(stub, body, strlen(body));
}

static void reply_ok(struct gdb_stub *stub, bool good)
{
	reply(stub, good ? "OK" : "E01");
}

/* ---- numbers in packets ---- */

/* Reads a hexadecimal number and moves past it. */
static bool take_number(const char **text, uint64_t *value)
{
	const char *p = *text;

	for (*value = 0; gdb_hex_digit(*p) >= 0; p++) {
		if (*value >> 60)
			return false;
		*value = *value << 4 | (unsigned)gdb_hex_digit(*p);
	}
	if (p == *text)
		return false;
	*text = p;
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

/* "-1" and "0" are all and any of them: then *@cpu stays. */
static bool take_thread(const struct gdb_stub *stub, const char **text, unsigned *cpu)
{
	uint64_t number;

	if (take_char(text, '-'))
		return take_char(text, '1');
	if (!take_number(text, &number) || number > stub->target.nr_cpus)
		return false;
	if (number)
		*cpu = (unsigned)number - 1;
	return true;
}

/* ---- registers and memory ---- */

static void read_registers(struct gdb_stub *stub, const char *args)
{
	char *out = stub->reply;

	for (unsigned i = 0; i < GDB_POWER_REGISTERS; i++) {
		uint8_t bytes[GDB_REGISTER_MAX];
		struct gdb_power_register reg;

		gdb_power_register(i, &reg);
		TARGET(stub, read_register, stub->current, i, bytes);
		gdb_to_hex(out, bytes, reg.bytes);
		out += 2 * reg.bytes;
	}
	reply(stub, stub->reply);
}

static bool write_one(struct gdb_stub *stub, unsigned number, const char *text, size_t length)
{
	uint8_t bytes[GDB_REGISTER_MAX];
	struct gdb_power_register reg;

	if (!gdb_power_register(number, &reg) || !gdb_from_hex(text, length, bytes, reg.bytes))
		return false;
	TARGET(stub, write_register, stub->current, number, bytes);
	return true;
}

static void write_registers(struct gdb_stub *stub, const char *args)
{
	size_t left = strlen(args);
	bool good = true;

	for (unsigned i = 0; i < GDB_POWER_REGISTERS && left && good; i++) {
		struct gdb_power_register reg;

		gdb_power_register(i, &reg);
		good = left >= 2 * reg.bytes && write_one(stub, i, args, 2 * reg.bytes);
		args += 2 * reg.bytes;
		left -= good ? 2 * reg.bytes : 0;
	}
	reply_ok(stub, good);
}

static void read_register(struct gdb_stub *stub, const char *args)
{
	uint8_t bytes[GDB_REGISTER_MAX];
	struct gdb_power_register reg;
	uint64_t number;

	if (!take_number(&args, &number) || number >= GDB_POWER_REGISTERS ||
	    !gdb_power_register((unsigned)number, &reg)) {
		reply_ok(stub, false);
		return;
	}
	TARGET(stub, read_register, stub->current, (unsigned)number, bytes);
	gdb_to_hex(stub->reply, bytes, reg.bytes);
	reply(stub, stub->reply);
}

static void write_register(struct gdb_stub *stub, const char *args)
{
	uint64_t number;

	reply_ok(stub, take_number(&args, &number) && number < GDB_POWER_REGISTERS &&
			       take_char(&args, '=') &&
			       write_one(stub, (unsigned)number, args, strlen(args)));
}

static bool take_range(const char **args, uint64_t *address, uint64_t *length)
{
	return take_number(args, address) && take_char(args, ',') && take_number(args, length);
}

static void read_memory(struct gdb_stub *stub, const char *args)
{
	uint8_t bytes[MAX_MEMORY];
	uint64_t address, length;

	if (!take_range(&args, &address, &length) || *args || length > sizeof(bytes) ||
	    !TARGET(stub, read_memory, stub->current, stub->physical, address, bytes,
		    (size_t)length)) {
		reply_ok(stub, false);
		return;
	}
	gdb_to_hex(stub->reply, bytes, (size_t)length);
	reply(stub, stub->reply);
}

static void write_memory(struct gdb_stub *stub, const char *args)
{
	uint8_t bytes[MAX_MEMORY];
	uint64_t address, length;

	reply_ok(stub, take_range(&args, &address, &length) && take_char(&args, ':') &&
			       length <= sizeof(bytes) &&
			       gdb_from_hex(args, strlen(args), bytes, (size_t)length) &&
			       TARGET(stub, write_memory, stub->current, stub->physical, address,
				      bytes, (size_t)length));
}

/* ---- stopping and going ---- */

static void send_stop(struct gdb_stub *stub, int signal, const char *what)
{
	char body[80];

	snprintf(body, sizeof(body), "T%02x%sthread:%x;", signal, what, stub->stopped + 1);
	reply(stub, body);
}

void gdb_stub_stopped(struct gdb_stub *stub, enum gdb_stub_stop how, unsigned cpu,
		      enum gdb_break_kind kind, uint64_t address)
{
	char what[40] = "";

	if (!stub->running)
		return;
	stub->running = false;
	stub->stopped = stub->current = cpu;
	if (how == GDB_STUB_WATCHED)
		snprintf(what, sizeof(what), "%s:%" PRIx64 ";",
			 kind == GDB_WATCH_READ	  ? "rwatch" :
			 kind == GDB_WATCH_ACCESS ? "awatch" :
						    "watch",
			 address);
	send_stop(stub, how == GDB_STUB_INTERRUPTED ? SIGNAL_INT : SIGNAL_TRAP, what);
}

void gdb_stub_ended(struct gdb_stub *stub, uint8_t status)
{
	char body[8];

	if (!stub->running)
		return;
	stub->running = false;
	snprintf(body, sizeof(body), "W%02x", status);
	reply(stub, body);
}

static void why_stopped(struct gdb_stub *stub, const char *args)
{
	stub->current = stub->stopped;
	send_stop(stub, SIGNAL_TRAP, "");
}

/* Waits for the stop before anything happens: a step can end at once. */
static void go(struct gdb_stub *stub, const unsigned *stepped)
{
	stub->running = true;
	if (TARGET(stub, go, stepped))
		return;
	stub->running = false;
	reply_ok(stub, false);
}

/* An address to go on at is not supported: the debugger writes the PC. */
static void continue_all(struct gdb_stub *stub, const char *args)
{
	if (*args)
		reply_ok(stub, false);
	else
		go(stub, NULL);
}

static void step(struct gdb_stub *stub, const char *args)
{
	const unsigned cpu = stub->current;

	if (*args)
		reply_ok(stub, false);
	else
		go(stub, &cpu);
}

/*
 * Actions for threads, of which the first that fits a thread counts. All CPUs go on together, so
 * what matters is whether one is stepped, and which.
 */
static void act(struct gdb_stub *stub, const char *args)
{
	bool stepped = false;
	unsigned cpu = stub->current;

	while (take_char(&args, ';')) {
		const char action = *args ? *args++ : '\0';
		unsigned thread = stub->current;
		uint64_t signal;

		if (!action || !strchr("cCsS", action) ||
		    (action < 'a' && !take_number(&args, &signal)) ||
		    (take_char(&args, ':') && !take_thread(stub, &args, &thread))) {
			reply_ok(stub, false);
			return;
		}
		if ((action == 's' || action == 'S') && !stepped) {
			stepped = true;
			cpu = thread;
		}
	}
	if (*args)
		reply_ok(stub, false);
	else
		go(stub, stepped ? &cpu : NULL);
}

static void which_actions(struct gdb_stub *stub, const char *args)
{
	reply(stub, "vCont;c;C;s;S");
}

static void break_at(struct gdb_stub *stub, const char *args, bool set)
{
	uint64_t kind, address, length;

	if (!take_number(&args, &kind) || kind > GDB_WATCH_ACCESS || !take_char(&args, ',') ||
	    !take_range(&args, &address, &length) || *args) {
		reply_ok(stub, false);
		return;
	}
	if (set) {
		reply_ok(stub, TARGET(stub, set_break, (enum gdb_break_kind)kind, address, length));
		return;
	}
	TARGET(stub, clear_break, (enum gdb_break_kind)kind, address, length);
	reply_ok(stub, true);
}

static void set_break(struct gdb_stub *stub, const char *args)
{
	break_at(stub, args, true);
}

static void clear_break(struct gdb_stub *stub, const char *args)
{
	break_at(stub, args, false);
}

static void detach(struct gdb_stub *stub, const char *args)
{
	reply_ok(stub, true);
	TARGET(stub, detach);
}

static void kill_target(struct gdb_stub *stub, const char *args)
{
	if (*args) /* vKill has an answer, k has none */
		reply_ok(stub, true);
	TARGET(stub, end);
}

/* ---- threads ---- */

static void select_thread(struct gdb_stub *stub, const char *args)
{
	unsigned cpu = stub->current;

	if (!*args || (args++, !take_thread(stub, &args, &cpu)) || *args) {
		reply_ok(stub, false);
		return;
	}
	stub->current = cpu;
	reply_ok(stub, true);
}

static void is_alive(struct gdb_stub *stub, const char *args)
{
	unsigned cpu;

	reply_ok(stub, take_thread(stub, &args, &cpu));
}

static void current_thread(struct gdb_stub *stub, const char *args)
{
	char body[16] = "";

	if (!*args) /* qCRC is another command */
		snprintf(body, sizeof(body), "QC%x", stub->current + 1);
	reply(stub, body);
}

static void list_threads(struct gdb_stub *stub, const char *args)
{
	char *out = stub->reply;

	for (unsigned i = 0; i < stub->target.nr_cpus; i++)
		out += sprintf(out, "%c%x", i ? ',' : 'm', i + 1);
	reply(stub, stub->reply);
}

static void no_more_threads(struct gdb_stub *stub, const char *args)
{
	reply(stub, "l");
}

static void describe_thread(struct gdb_stub *stub, const char *args)
{
	unsigned cpu = 0;
	char text[80];

	if (!take_thread(stub, &args, &cpu)) {
		reply_ok(stub, false);
		return;
	}
	snprintf(text, sizeof(text), "CPU %u, %s", cpu, TARGET(stub, describe, cpu));
	gdb_to_hex(stub->reply, (const uint8_t *)text, strlen(text));
	reply(stub, stub->reply);
}

/* ---- queries ---- */

static void supported(struct gdb_stub *stub, const char *args)
{
	char body[160];

	snprintf(body, sizeof(body),
		 "PacketSize=%x;qXfer:features:read+;vContSupported+;QStartNoAckMode+",
		 GDB_STUB_MAX_PACKET);
	reply(stub, body);
}

static void no_ack(struct gdb_stub *stub, const char *args)
{
	reply_ok(stub, true);
	stub->no_ack = true;
}

static void attached(struct gdb_stub *stub, const char *args)
{
	reply(stub, "1");
}

static void read_description(struct gdb_stub *stub, const char *args)
{
	char text[GDB_POWER_DESCRIPTION];
	uint64_t offset, length, size;

	gdb_power_description(text, sizeof(text));
	size = strlen(text);
	if (!take_range(&args, &offset, &length) || *args || offset > size) {
		reply_ok(stub, false);
		return;
	}
	if (length > GDB_STUB_MAX_PACKET / 2)
		length = GDB_STUB_MAX_PACKET / 2;
	stub->reply[0] = size - offset > length ? 'm' : 'l';
	if (length > size - offset)
		length = size - offset;
	memcpy(stub->reply + 1, text + offset, (size_t)length);
	send_text(stub, stub->reply, (size_t)length + 1);
}

static void tell_physical(struct gdb_stub *stub, const char *args)
{
	reply(stub, stub->physical ? "1" : "0");
}

static void set_physical(struct gdb_stub *stub, const char *args)
{
	stub->physical = *args == '1';
	reply_ok(stub, true);
}

/* ---- commands ---- */

static const struct {
	const char *name; /* what the packet begins with */
	void (*run)(struct gdb_stub *stub, const char *args);
} commands[] = {
	{ "?", why_stopped },
	{ "g", read_registers },
	{ "G", write_registers },
	{ "p", read_register },
	{ "P", write_register },
	{ "m", read_memory },
	{ "M", write_memory },
	{ "Z", set_break },
	{ "z", clear_break },
	{ "vCont?", which_actions },
	{ "vCont", act },
	{ "vKill;", kill_target },
	{ "c", continue_all },
	{ "s", step },
	{ "D", detach },
	{ "k", kill_target },
	{ "H", select_thread },
	{ "T", is_alive },
	{ "qC", current_thread },
	{ "qfThreadInfo", list_threads },
	{ "qsThreadInfo", no_more_threads },
	{ "qThreadExtraInfo,", describe_thread },
	{ "qSupported", supported },
	{ "QStartNoAckMode", no_ack },
	{ "qAttached", attached },
	{ "qXfer:features:read:target.xml:", read_description },
	{ "qqemu.PhyMemMode", tell_physical },
	{ "Qqemu.PhyMemMode:", set_physical },
};

/* A debugger that talks while the target runs wants it to stop. */
static void run_command(struct gdb_stub *stub)
{
	if (stub->running)
		TARGET(stub, stop);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const size_t length = strlen(commands[i].name);

		if (strncmp(stub->body, commands[i].name, length))
			continue;
		commands[i].run(stub, stub->body + length);
		return;
	}
	reply(stub, ""); /* unknown */
}

/* ---- bytes ---- */

static void acknowledge(struct gdb_stub *stub, const char *how)
{
	if (!stub->no_ack)
		TARGET(stub, send, how, 1);
}

static void take_byte(struct gdb_stub *stub, uint8_t byte)
{
	if (!stub->in_packet) {
		stub->in_packet = byte == '$';
		if (stub->in_packet)
			gdb_packet_begin(&stub->packet, stub->body, GDB_STUB_MAX_PACKET);
		else if (byte == INTERRUPT && stub->running)
			TARGET(stub, stop);
		return;
	}
	switch (gdb_packet_take(&stub->packet, byte)) {
	case GDB_PACKET_MORE:
		return;
	case GDB_PACKET_WHOLE:
		stub->in_packet = false;
		acknowledge(stub, "+");
		run_command(stub);
		return;
	case GDB_PACKET_DAMAGED:
		acknowledge(stub, "-");
		break;
	case GDB_PACKET_TOO_LONG:
		reply(stub, "E02");
		break;
	}
	stub->in_packet = false;
}

void gdb_stub_take(struct gdb_stub *stub, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		take_byte(stub, bytes[i]);
}

void gdb_stub_connect(struct gdb_stub *stub, const struct gdb_stub_target *target)
{
	stub->target = *target;
	stub->in_packet = stub->no_ack = stub->running = stub->physical = false;
	stub->current = stub->stopped = 0;
}
