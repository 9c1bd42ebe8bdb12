/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gdb remote protocol; see client.h. wire.c does packets, target.c target descriptions.
 * Everything from the stub is checked.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/host_time.h"
#include "gdb/client.h"
#include "gdb/packet.h"
#include "gdb/target.h"
#include "gdb/wire.h"
#include "isa/msr.h"

#define MEMORY_CHUNK 1024
#define BATCH	     64 /* commands sent before the first answer is read */
#define MAX_CHANGED  16 /* registers between gdb_begin() and gdb_commit() */

/* Power ISA Book III, Machine State Register */

struct gdb {
	struct wire wire;
	bool running, ended;
	bool physical; /* the stub is in physical memory mode */
	bool has_vcont;
	size_t packet_size; /* largest packet the stub takes */

	struct gdb_target target;
	struct gdb_registers registers;
	unsigned nr_cpus;
	/* An earlier debugger may have left the stub using process ids, "pPID.TID". */
	struct thread {
		uint64_t process, id;
		char text[40];
	} thread[GDB_MAX_CPUS];
	bool multiprocess;
	int selected; /* vCPU selected by Hg, or -1 */
	signed char little_endian[GDB_MAX_CPUS]; /* -1: unknown since it last ran */

	unsigned changes; /* gdb_begin() calls without gdb_commit() */
	unsigned nr_changed;
	struct {
		unsigned cpu;
		int reg;
		uint64_t before;
	} changed[MAX_CHANGED];

	unsigned nr_breakpoints;
	struct {
		uint64_t address;
		unsigned users;
	} breakpoints[GDB_MAX_BREAKPOINTS];
	unsigned stopped_cpu;
	bool at_breakpoint; /* that is why it stopped */
	/* The last breakpoint hit, until its vCPU has passed it. */
	bool has_hit;
	unsigned hit_cpu;
	uint64_t hit_nip;
	uint64_t ran_ns, run_since;
};

const char *gdb_error(const struct gdb *gdb)
{
	return gdb->wire.err;
}

bool gdb_fail(struct gdb *gdb, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	wire_vfail(&gdb->wire, format, ap);
	va_end(ap);
	return false;
}

static bool failed(const struct gdb *gdb)
{
	return gdb->wire.err[0] && !gdb->wire.closing;
}

static bool is_stop_reply(const struct gdb *gdb)
{
	const char *p = gdb->wire.packet;

	return gdb->wire.packet_len >= 3 && (*p == 'T' || *p == 'S') && gdb_hex_digit(p[1]) >= 0 &&
	       gdb_hex_digit(p[2]) >= 0;
}

/*
 * Reads the answer to the last command. QEMU 7.2 sends a stop reply when somebody connects; that is
 * not an answer.
 */
static bool answer(struct gdb *gdb)
{
	int64_t deadline = host_ms() + wire_patience_ms(&gdb->wire);

	for (;;) {
		enum received how = wire_receive(&gdb->wire, deadline);

		gdb->wire.hangs |= how == TIMED_OUT;
		if (how == TIMED_OUT)
			gdb_fail(gdb,
				 gdb->wire.is_stub ? "the stub at %s does not answer" :
						     "%s does not answer: no gdb stub, or another "
						     "debugger is attached",
				 gdb->wire.where);
		if (how != RECEIVED)
			return false;
		if (gdb->wire.packet[0] == 'W' || gdb->wire.packet[0] == 'X') {
			gdb->ended = true;
			return gdb_fail(gdb, "the machine has ended");
		}
		if (is_stop_reply(gdb) ||
		    (gdb->wire.packet[0] == 'O' && strcmp(gdb->wire.packet, "OK") != 0))
			continue;
		gdb->wire.outstanding = false;
		return true;
	}
}

#define COMMAND(gdb, ...) (wire_send_packet(&gdb->wire, __VA_ARGS__) && answer(gdb))

static bool is_ok(const struct gdb *gdb)
{
	return !strcmp(gdb->wire.packet, "OK");
}

static bool is_error(const struct gdb *gdb)
{
	return gdb->wire.packet[0] == 'E' && gdb->wire.packet_len == 3;
}

/* ---- what the stub is and has ---- */

static bool negotiate(struct gdb *gdb)
{
	const char *size;

	if (!COMMAND(gdb, "qSupported:swbreak+;hwbreak+;vContSupported+;xmlRegisters=powerpc"))
		return false;
	size = strstr(gdb->wire.packet, "PacketSize=");
	gdb->packet_size = size ? strtoul(size + 11, NULL, 16) : 400;
	if (gdb->packet_size < 200)
		return gdb_fail(gdb, "the stub at %s accepts only tiny packets", gdb->wire.where);
	if (!strstr(gdb->wire.packet, "qXfer:features:read+"))
		return gdb_fail(gdb, "the stub at %s does not describe its registers",
				gdb->wire.where);
	if (!COMMAND(gdb, "QStartNoAckMode"))
		return false;
	if (is_ok(gdb)) {
		if (gdb->wire.ack_due && !wire_send(&gdb->wire, "+", 1))
			return false;
		gdb->wire.ack_due = false;
		gdb->wire.no_ack = true;
	}
	if (!COMMAND(gdb, "vCont?"))
		return false;
	gdb->has_vcont = strstr(gdb->wire.packet, ";c") && strstr(gdb->wire.packet, ";s");
	return true;
}

/* Reads one document of the target description, for target.c. */
static char *read_document(void *opaque, const char *name)
{
	struct gdb *gdb = opaque;
	unsigned chunk = gdb->packet_size > 4000 ? 2000 : (unsigned)gdb->packet_size / 2;
	char *text = NULL;
	size_t len = 0;

	for (;;) {
		char *bigger;

		if (!COMMAND(gdb, "qXfer:features:read:%s:%zx,%x", name, len, chunk))
			break;
		if (gdb->wire.packet[0] != 'm' && gdb->wire.packet[0] != 'l') {
			gdb_fail(gdb, "the stub at %s does not provide %s of its description",
				 gdb->wire.where, name);
			break;
		}
		bigger = realloc(text, len + gdb->wire.packet_len);
		if (!bigger || len > GDB_TARGET_MAX_DOCUMENT) {
			gdb_fail(gdb,
				 bigger ? "the stub's description is too long" : "out of memory");
			text = bigger ? bigger : text;
			break;
		}
		text = bigger;
		memcpy(text + len, gdb->wire.packet + 1, gdb->wire.packet_len - 1);
		len += gdb->wire.packet_len - 1;
		text[len] = '\0';
		if (gdb->wire.packet[0] == 'l' || gdb->wire.packet_len == 1)
			return text;
	}
	free(text);
	return NULL;
}

static bool find_registers(struct gdb *gdb)
{
	struct gdb_registers *r = &gdb->registers;
	const struct {
		const char *name;
		int *number;
	} needed[] = {
		{ "pc", &r->nip },
		{ "msr", &r->msr },
		{ "lr", &r->lr },
	};
	const char *missing = NULL;

	for (unsigned i = 0; i < 32; i++) {
		char name[4];

		snprintf(name, sizeof(name), "r%u", i);
		r->gpr[i] = gdb_register(gdb, name);
		if (r->gpr[i] < 0)
			missing = "general purpose registers";
	}
	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		*needed[i].number = gdb_register(gdb, needed[i].name);
		if (*needed[i].number < 0)
			missing = needed[i].name;
	}
	return !missing ||
	       gdb_fail(gdb, "the stub at %s does not provide %s", gdb->wire.where, missing);
}

static bool describe(struct gdb *gdb)
{
	const char *problem;

	if (!gdb_target_read(&gdb->target, read_document, gdb, &problem))
		return gdb_fail(gdb, "the description from the stub at %s is invalid: %s",
				gdb->wire.where, problem);
	if (strcmp(gdb->target.architecture, "powerpc:common64") != 0)
		return gdb_fail(gdb, "the guest at %s is not 64-bit POWER: its architecture is %s",
				gdb->wire.where,
				gdb->target.architecture[0] ? gdb->target.architecture :
							      "not named");
	return find_registers(gdb);
}

static int compare_threads(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Parses "TID" or "pPID.TID"; returns where it ends, or NULL. */
static const char *parse_thread(const char *text, struct thread *thread)
{
	const char *p = text;
	char *end;

	thread->process = 0;
	if (*p == 'p') {
		thread->process = strtoull(p + 1, &end, 16);
		if (end == p + 1 || *end != '.')
			return NULL;
		p = end + 1;
	}
	thread->id = strtoull(p, &end, 16);
	if (end == p || (size_t)(end - text) >= sizeof(thread->text))
		return NULL;
	memcpy(thread->text, text, (size_t)(end - text));
	thread->text[end - text] = '\0';
	return end;
}

static bool add_threads(struct gdb *gdb, const char *list)
{
	while (*list) {
		if (gdb->nr_cpus == GDB_MAX_CPUS)
			return gdb_fail(gdb, "the guest has more than %d CPUs", GDB_MAX_CPUS);
		list = parse_thread(list, &gdb->thread[gdb->nr_cpus]);
		if (!list || (*list && *list != ','))
			return gdb_fail(gdb, "the stub at %s sends an invalid list of threads",
					gdb->wire.where);
		gdb->multiprocess = gdb->thread[gdb->nr_cpus++].process;
		list += *list == ',';
	}
	return true;
}

static bool list_threads(struct gdb *gdb)
{
	const char *command = "qfThreadInfo";

	for (;; command = "qsThreadInfo") {
		if (!COMMAND(gdb, "%s", command))
			return false;
		if (gdb->wire.packet[0] == 'l')
			break;
		if (gdb->wire.packet[0] != 'm')
			return gdb_fail(gdb, "the stub at %s does not list its threads",
					gdb->wire.where);
		if (!add_threads(gdb, gdb->wire.packet + 1))
			return false;
	}
	qsort(gdb->thread, gdb->nr_cpus, sizeof(gdb->thread[0]), compare_threads);
	return gdb->nr_cpus || gdb_fail(gdb, "the stub at %s has no threads", gdb->wire.where);
}

static bool enter_physical_mode(struct gdb *gdb)
{
	if (!COMMAND(gdb, "Qqemu.PhyMemMode:1"))
		return false;
	gdb->physical = is_ok(gdb);
	return gdb->physical || gdb_fail(gdb,
					 "the stub at %s provides no access to real memory: it is "
					 "not that of QEMU's system emulation",
					 gdb->wire.where);
}

static void forget_state(struct gdb *gdb)
{
	gdb->selected = -1;
	memset(gdb->little_endian, -1, sizeof(gdb->little_endian));
}

static struct gdb *new_gdb(const char *where, const volatile sig_atomic_t *interrupted)
{
	struct gdb *gdb = calloc(1, sizeof(*gdb));

	if (!gdb || !(gdb->wire.where = strdup(where))) {
		free(gdb);
		return NULL;
	}
	gdb->wire.fd = gdb->wire.link = -1;
	gdb->wire.interrupted = interrupted;
	gdb->packet_size = sizeof(gdb->wire.out);
	forget_state(gdb);
	return gdb;
}

struct gdb *gdb_open(const char *where, int link, const volatile sig_atomic_t *interrupted,
		     char *err, size_t err_size)
{
	struct gdb *gdb = new_gdb(where, interrupted);

	if (!gdb) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	gdb->wire.link = link;
	if (wire_connect(&gdb->wire) && negotiate(gdb) && describe(gdb) && list_threads(gdb) &&
	    enter_physical_mode(gdb))
		return gdb;
	snprintf(err, err_size, "%s", gdb->wire.err);
	gdb_close(gdb);
	return NULL;
}

/* ---- leaving ---- */

static bool take_back_changes(struct gdb *gdb)
{
	forget_state(gdb);
	while (gdb->nr_changed) {
		unsigned i = gdb->nr_changed - 1;

		if (!gdb_write_register(gdb, gdb->changed[i].cpu, gdb->changed[i].reg,
					gdb->changed[i].before) &&
		    gdb->wire.lost)
			return false;
		gdb->nr_changed--;
	}
	return true;
}

static int64_t detach_deadline(const struct gdb *gdb)
{
	return host_ms() + wire_patience_ms(&gdb->wire);
}

static bool detach(struct gdb *gdb)
{
	if (gdb->wire.lost || gdb->wire.fd < 0)
		return false;
	/*
	 * The caller may have given up during a command. Drop its answer, so that it is not taken
	 * for the answer to the next one.
	 */
	if (gdb->wire.outstanding && !gdb->running)
		wire_receive(&gdb->wire, detach_deadline(gdb));
	if (gdb->running) {
		gdb->running = false;
		if (!wire_send(&gdb->wire, "\x03", 1) ||
		    wire_receive(&gdb->wire, detach_deadline(gdb)) != RECEIVED)
			return false;
		if (gdb->wire.packet[0] == 'W' || gdb->wire.packet[0] == 'X') {
			gdb->ended = true;
			return true;
		}
	}
	if (gdb->nr_changed && !take_back_changes(gdb))
		return false;
	if (gdb->physical && (!wire_send_packet(&gdb->wire, "Qqemu.PhyMemMode:0") || !answer(gdb)))
		return false;
	if (gdb->multiprocess) {
		for (unsigned i = 0; i < gdb->nr_cpus; i++) {
			if (i && gdb->thread[i].process == gdb->thread[i - 1].process)
				continue;
			if (!wire_send_packet(&gdb->wire, "D;%" PRIx64, gdb->thread[i].process) ||
			    !answer(gdb) || !is_ok(gdb))
				return false;
		}
	} else if (!wire_send_packet(&gdb->wire, "D") || !answer(gdb) || !is_ok(gdb)) {
		return false;
	}
	if (gdb->wire.ack_due)
		wire_send(&gdb->wire, "+", 1);
	return true;
}

/* QEMU stops for anyone who connects, and runs on only when that client tells it to. */
static bool connect_and_detach(struct gdb *gdb)
{
	bool free_to_run;

	gdb->wire.fd = -1;
	gdb->running = gdb->physical = false;
	/* QEMU gives single registers only to a client that has read its description. */
	free_to_run = wire_connect(&gdb->wire) &&
		      wire_send_packet(&gdb->wire, "Qqemu.PhyMemMode:0") && answer(gdb) &&
		      wire_send_packet(&gdb->wire, "qXfer:features:read:target.xml:0,10") &&
		      answer(gdb) && detach(gdb);
	if (gdb->wire.fd >= 0)
		close(gdb->wire.fd);
	return free_to_run;
}

static void free_gdb(struct gdb *gdb)
{
	gdb_target_free(&gdb->target);
	free(gdb->wire.where);
	free(gdb);
}

bool gdb_close(struct gdb *gdb)
{
	bool free_to_run, was_stub = gdb->wire.is_stub;

	gdb->wire.closing = true;
	free_to_run = (!was_stub && !gdb->wire.lost) || gdb->ended || detach(gdb) || gdb->ended;
	if (gdb->wire.fd >= 0)
		close(gdb->wire.fd);
	free_to_run = free_to_run || connect_and_detach(gdb);
	free_gdb(gdb);
	return free_to_run;
}

bool gdb_release(const char *where)
{
	static const volatile sig_atomic_t never;
	struct gdb *gdb = new_gdb(where, &never);
	bool free_to_run;

	if (!gdb)
		return false;
	gdb->wire.closing = true;
	free_to_run = connect_and_detach(gdb);
	/* The stub uses process ids: QEMU's first one is 1. */
	if (!free_to_run && !gdb->wire.lost) {
		gdb->multiprocess = true;
		gdb->nr_cpus = 1;
		gdb->thread[0].process = 1;
		free_to_run = connect_and_detach(gdb);
	}
	free_gdb(gdb);
	return free_to_run;
}

/* ---- registers ---- */

unsigned gdb_nr_cpus(const struct gdb *gdb)
{
	return gdb->nr_cpus;
}

const struct gdb_registers *gdb_registers(const struct gdb *gdb)
{
	return &gdb->registers;
}

int gdb_register(const struct gdb *gdb, const char *name)
{
	for (unsigned i = 0; i < gdb->target.nr_registers; i++) {
		if (!strcmp(gdb->target.registers[i].name, name))
			return (int)i;
	}
	return -1;
}

static bool select_cpu(struct gdb *gdb, unsigned cpu)
{
	if (failed(gdb))
		return false;
	if (gdb->running)
		return gdb_fail(gdb, "the guest is running");
	if (gdb->selected == (int)cpu)
		return true;
	if (!COMMAND(gdb, "Hg%s", gdb->thread[cpu].text))
		return false;
	if (!is_ok(gdb))
		return gdb_fail(gdb, "the stub at %s no longer knows CPU %u", gdb->wire.where, cpu);
	gdb->selected = (int)cpu;
	return true;
}

static bool read_raw(struct gdb *gdb, int reg, uint8_t *bytes)
{
	const struct gdb_target_register *r = &gdb->target.registers[reg];

	return COMMAND(gdb, "p%x", r->number) &&
	       (gdb_from_hex(gdb->wire.packet, gdb->wire.packet_len, bytes, r->bytes) ||
		gdb_fail(gdb, "the stub at %s does not provide register %s", gdb->wire.where,
			 r->name));
}

/*
 * Learns the byte order from MSR as transferred. In a little-endian MSR the first byte holds
 * MSR[LE]=1. In a big-endian MSR it holds SF, HV and reserved bits, none of them in that position.
 */
static bool learn_order(struct gdb *gdb, unsigned cpu)
{
	uint8_t bytes[8];

	if (gdb->little_endian[cpu] >= 0)
		return true;
	if (gdb->target.registers[gdb->registers.msr].bytes != 8)
		return gdb_fail(gdb, "the stub at %s has an MSR that is not 64 bits",
				gdb->wire.where);
	if (!read_raw(gdb, gdb->registers.msr, bytes))
		return false;
	gdb->little_endian[cpu] = bytes[0] & MSR_LE;
	return true;
}

bool gdb_read_register(struct gdb *gdb, unsigned cpu, int reg, uint64_t *value)
{
	uint8_t bytes[8];
	unsigned size = gdb->target.registers[reg].bytes;

	*value = 0;
	if (size > 8 || !select_cpu(gdb, cpu))
		return false;
	if (reg == gdb->registers.msr) {
		if (size != 8 || !read_raw(gdb, reg, bytes))
			return false;
		gdb->little_endian[cpu] = bytes[0] & MSR_LE;
	} else if (!learn_order(gdb, cpu) || !read_raw(gdb, reg, bytes)) {
		return false;
	}
	*value = gdb_get_value(bytes, size, gdb->little_endian[cpu]);
	return true;
}

bool gdb_gives_register(struct gdb *gdb, unsigned cpu, int reg, bool *given)
{
	const struct gdb_target_register *r = &gdb->target.registers[reg];

	*given = false;
	if (!select_cpu(gdb, cpu) || !COMMAND(gdb, "p%x", r->number))
		return false;
	*given = gdb->wire.packet_len == 2 * r->bytes;
	return true;
}

void gdb_begin(struct gdb *gdb)
{
	gdb->changes++;
	gdb->wire.held_back = true;
}

void gdb_commit(struct gdb *gdb)
{
	if (--gdb->changes)
		return;
	gdb->wire.held_back = false;
	gdb->nr_changed = 0;
}

static bool remember_register(struct gdb *gdb, unsigned cpu, int reg)
{
	uint64_t before;

	for (unsigned i = 0; i < gdb->nr_changed; i++) {
		if (gdb->changed[i].cpu == cpu && gdb->changed[i].reg == reg)
			return true;
	}
	if (gdb->nr_changed == MAX_CHANGED)
		return gdb_fail(gdb, "too many registers changed at once");
	if (!gdb_read_register(gdb, cpu, reg, &before))
		return false;
	gdb->changed[gdb->nr_changed].cpu = cpu;
	gdb->changed[gdb->nr_changed].reg = reg;
	gdb->changed[gdb->nr_changed++].before = before;
	return true;
}

bool gdb_write_register(struct gdb *gdb, unsigned cpu, int reg, uint64_t value)
{
	const struct gdb_target_register *r = &gdb->target.registers[reg];
	uint8_t bytes[8];
	char text[17];

	if (r->bytes > 8 || !select_cpu(gdb, cpu) || !learn_order(gdb, cpu) ||
	    (gdb->changes && !gdb->wire.closing && !remember_register(gdb, cpu, reg)))
		return false;
	gdb_put_value(bytes, r->bytes, gdb->little_endian[cpu], value);
	gdb_to_hex(text, bytes, r->bytes);
	if (!COMMAND(gdb, "P%x=%s", r->number, text))
		return false;
	if (reg == gdb->registers.msr)
		gdb->little_endian[cpu] = -1;
	return is_ok(gdb) || gdb_fail(gdb, "the stub at %s does not accept register %s",
				      gdb->wire.where, r->name);
}

/* ---- memory ---- */

bool gdb_read_memory(struct gdb *gdb, uint64_t real_address, void *buf, size_t len, bool *there)
{
	uint8_t *p = buf;

	*there = false;
	while (len) {
		size_t chunk = len < MEMORY_CHUNK ? len : MEMORY_CHUNK;

		if (chunk > (gdb->packet_size - 16) / 2)
			chunk = (gdb->packet_size - 16) / 2;
		if (!COMMAND(gdb, "m%" PRIx64 ",%zx", real_address, chunk))
			return false;
		if (is_error(gdb))
			return true;
		if (!gdb_from_hex(gdb->wire.packet, gdb->wire.packet_len, p, chunk))
			return gdb_fail(gdb,
					"the stub at %s sends an invalid reply to a memory read",
					gdb->wire.where);
		p += chunk;
		real_address += chunk;
		len -= chunk;
	}
	*there = true;
	return true;
}

bool gdb_write_memory(struct gdb *gdb, uint64_t real_address, const void *buf, size_t len,
		      bool *there)
{
	const uint8_t *p = buf;

	*there = false;
	while (len) {
		size_t chunk = len < MEMORY_CHUNK ? len : MEMORY_CHUNK;
		char text[2 * MEMORY_CHUNK + 1];

		if (chunk > (gdb->packet_size - 64) / 2)
			chunk = (gdb->packet_size - 64) / 2;
		gdb_to_hex(text, p, chunk);
		if (!COMMAND(gdb, "M%" PRIx64 ",%zx:%s", real_address, chunk, text))
			return false;
		if (!is_ok(gdb))
			return true;
		p += chunk;
		real_address += chunk;
		len -= chunk;
	}
	*there = true;
	return true;
}

static bool send_batch(struct gdb *gdb, uint64_t real_address, uint64_t stride, unsigned count,
		       unsigned word_size)
{
	char bytes[BATCH * 32];
	size_t len = 0;

	for (unsigned i = 0; i < count; i++) {
		char body[24];
		uint8_t sum = 0;

		snprintf(body, sizeof(body), "m%" PRIx64 ",%x", real_address + i * stride,
			 word_size);
		for (const char *p = body; *p; p++)
			sum = (uint8_t)(sum + (uint8_t)*p);
		/* Acknowledges the answer to the previous command. */
		if (!gdb->wire.no_ack && (i || gdb->wire.ack_due))
			bytes[len++] = '+';
		len += (size_t)sprintf(bytes + len, "$%s#%02x", body, sum);
	}
	gdb->wire.ack_due = false;
	gdb->wire.out_len = 0; /* must not be repeated */
	return wire_send(&gdb->wire, bytes, len);
}

bool gdb_read_words(struct gdb *gdb, uint64_t real_address, uint64_t stride, unsigned count,
		    unsigned word_size, uint8_t *words, unsigned *there)
{
	bool gap = false;

	*there = 0;
	for (unsigned done = 0; done < count && !gap;) {
		unsigned batch = count - done < BATCH ? count - done : BATCH;

		if (failed(gdb) ||
		    !send_batch(gdb, real_address + done * stride, stride, batch, word_size))
			return false;
		for (unsigned i = 0; i < batch; i++) {
			if (!answer(gdb))
				return false;
			if (i + 1 < batch)
				gdb->wire.ack_due = false; /* already sent */
			if (gap || !gdb_from_hex(gdb->wire.packet, gdb->wire.packet_len,
						 words + (size_t)(done + i) * word_size, word_size))
				gap = true;
			else
				++*there;
		}
		done += batch;
	}
	return true;
}

bool gdb_halted(struct gdb *gdb, unsigned cpu, bool *halted)
{
	char text[200] = "";

	*halted = false;
	if (!COMMAND(gdb, "qThreadExtraInfo,%s", gdb->thread[cpu].text))
		return false;
	/* With no answer or an unexpected one, the vCPU counts as running. */
	if (gdb->wire.packet_len < 2 * sizeof(text) &&
	    gdb_from_hex(gdb->wire.packet, gdb->wire.packet_len, (uint8_t *)text,
			 gdb->wire.packet_len / 2))
		*halted = strstr(text, "halted");
	return true;
}

/* ---- breakpoints ---- */

bool gdb_has_break(const struct gdb *gdb, uint64_t address)
{
	for (unsigned i = 0; i < gdb->nr_breakpoints; i++) {
		if (gdb->breakpoints[i].address == address)
			return true;
	}
	return false;
}

static bool breakpoint_command(struct gdb *gdb, char what, uint64_t address)
{
	/* Try hardware breakpoints first: no stub changes memory for them. */
	return COMMAND(gdb, "%c1,%" PRIx64 ",4", what, address) &&
	       (is_ok(gdb) || (COMMAND(gdb, "%c0,%" PRIx64 ",4", what, address) && is_ok(gdb)) ||
		gdb_fail(gdb, "the stub at %s sets no breakpoint at 0x%" PRIx64, gdb->wire.where,
			 address));
}

bool gdb_break(struct gdb *gdb, uint64_t address)
{
	for (unsigned i = 0; i < gdb->nr_breakpoints; i++) {
		if (gdb->breakpoints[i].address == address) {
			gdb->breakpoints[i].users++;
			return true;
		}
	}
	if (gdb->nr_breakpoints == GDB_MAX_BREAKPOINTS)
		return gdb_fail(gdb, "too many breakpoints");
	if (!breakpoint_command(gdb, 'Z', address))
		return false;
	gdb->breakpoints[gdb->nr_breakpoints].address = address;
	gdb->breakpoints[gdb->nr_breakpoints++].users = 1;
	return true;
}

bool gdb_unbreak(struct gdb *gdb, uint64_t address)
{
	for (unsigned i = 0; i < gdb->nr_breakpoints; i++) {
		if (gdb->breakpoints[i].address != address)
			continue;
		if (--gdb->breakpoints[i].users)
			return true;
		gdb->breakpoints[i] = gdb->breakpoints[--gdb->nr_breakpoints];
		return breakpoint_command(gdb, 'z', address);
	}
	return true;
}

/* ---- running ---- */

static bool start(struct gdb *gdb, const char *action)
{
	if (!wire_send_packet(&gdb->wire, "%s", action))
		return false;
	forget_state(gdb);
	gdb->wire.outstanding = false;
	gdb->running = true;
	gdb->run_since = host_ns();
	return true;
}

/* Notes which vCPU a stop reply is about. */
static bool note_stop(struct gdb *gdb)
{
	const char *p = strstr(gdb->wire.packet, "thread:");
	struct thread thread;

	gdb->running = false;
	if (p) {
		p += 7;
	} else {
		if (!COMMAND(gdb, "qC"))
			return false;
		if (strncmp(gdb->wire.packet, "QC", 2) != 0)
			return gdb_fail(gdb, "the stub at %s does not say which thread stopped",
					gdb->wire.where);
		p = gdb->wire.packet + 2;
	}
	for (unsigned i = 0; parse_thread(p, &thread) && i < gdb->nr_cpus; i++) {
		if (gdb->thread[i].process == thread.process && gdb->thread[i].id == thread.id) {
			gdb->stopped_cpu = i;
			return true;
		}
	}
	return gdb_fail(gdb, "the stub at %s names a thread that it did not list", gdb->wire.where);
}

static enum gdb_stop wait_for_stop(struct gdb *gdb, unsigned timeout_ms)
{
	int64_t deadline = host_ms() + timeout_ms;

	for (;;) {
		enum received how = wire_receive(&gdb->wire, deadline);

		if (how == TIMED_OUT)
			return GDB_TIMEOUT;
		if (how == FAILED)
			return GDB_FAILED;
		if (gdb->wire.packet[0] == 'W' || gdb->wire.packet[0] == 'X') {
			gdb->running = false;
			gdb->ended = true;
			return GDB_ENDED;
		}
		if (!is_stop_reply(gdb))
			continue; /* output of the guest or the monitor */
		gdb->ran_ns += host_ns() - gdb->run_since;
		return note_stop(gdb) ? GDB_STOPPED : GDB_FAILED;
	}
}

bool gdb_step(struct gdb *gdb, unsigned cpu)
{
	char action[64];
	enum gdb_stop stop;

	if (failed(gdb))
		return false;
	if (gdb->has_vcont) {
		snprintf(action, sizeof(action), "vCont;s:%s", gdb->thread[cpu].text);
	} else {
		if (!COMMAND(gdb, "Hc%s", gdb->thread[cpu].text))
			return false;
		snprintf(action, sizeof(action), "s");
	}
	if (!start(gdb, action))
		return false;
	stop = wait_for_stop(gdb, wire_patience_ms(&gdb->wire));
	if (stop == GDB_STOPPED)
		return true;
	gdb->wire.hangs |= stop == GDB_TIMEOUT;
	return gdb_fail(gdb,
			stop == GDB_ENDED ? "the machine has ended" :
					    "CPU %u does not execute its next instruction",
			cpu);
}

static bool continue_all_but(struct gdb *gdb, uint64_t held)
{
	char action[16 + GDB_MAX_CPUS * (sizeof(struct thread) + 4)] = "vCont";
	size_t len = strlen(action);

	if (!held && gdb->has_vcont)
		return start(gdb, "vCont;c");
	if (!held)
		return COMMAND(gdb, "Hc-1") && start(gdb, "c");
	if (!gdb->has_vcont)
		return gdb_fail(gdb, "the stub at %s cannot hold some CPUs", gdb->wire.where);
	for (unsigned i = 0; i < gdb->nr_cpus; i++) {
		if (!(held >> i & 1))
			len += (size_t)sprintf(action + len, ";c:%s", gdb->thread[i].text);
	}
	return start(gdb, action);
}

/*
 * A vCPU that has hit a breakpoint would hit it again, so it is stepped over. NIP is compared
 * because the caller may have run something elsewhere on the vCPU in the meantime.
 */
static bool pass_breakpoint(struct gdb *gdb)
{
	uint64_t nip;

	if (!gdb->has_hit)
		return true;
	gdb->has_hit = false;
	return gdb_read_register(gdb, gdb->hit_cpu, gdb->registers.nip, &nip) &&
	       (nip != gdb->hit_nip || !gdb_has_break(gdb, nip) || gdb_step(gdb, gdb->hit_cpu));
}

static enum gdb_stop wait_and_look(struct gdb *gdb, unsigned timeout_ms)
{
	enum gdb_stop stop = wait_for_stop(gdb, timeout_ms);
	uint64_t nip;

	if (stop != GDB_STOPPED)
		return stop;
	if (!gdb_read_register(gdb, gdb->stopped_cpu, gdb->registers.nip, &nip))
		return GDB_FAILED;
	gdb->at_breakpoint = gdb_has_break(gdb, nip);
	if (gdb->at_breakpoint) {
		gdb->has_hit = true;
		gdb->hit_cpu = gdb->stopped_cpu;
		gdb->hit_nip = nip;
	}
	return GDB_STOPPED;
}

enum gdb_stop gdb_run(struct gdb *gdb, uint64_t held, unsigned timeout_ms)
{
	if (failed(gdb))
		return GDB_FAILED;
	if (!(held >> gdb->hit_cpu & 1) && !pass_breakpoint(gdb))
		return gdb->ended ? GDB_ENDED : GDB_FAILED;
	if (!continue_all_but(gdb, held))
		return GDB_FAILED;
	return wait_and_look(gdb, timeout_ms);
}

/* Stops all vCPUs; one may hit a breakpoint first. */
static enum gdb_stop stop_all(struct gdb *gdb)
{
	enum gdb_stop stop;

	if (failed(gdb) || !wire_send(&gdb->wire, "\x03", 1))
		return GDB_FAILED;
	stop = wait_and_look(gdb, wire_patience_ms(&gdb->wire));
	if (stop == GDB_TIMEOUT) {
		gdb->wire.hangs = true;
		gdb_fail(gdb, "the stub at %s does not stop the guest", gdb->wire.where);
		return GDB_FAILED;
	}
	return stop;
}

enum gdb_stop gdb_run_for(struct gdb *gdb, uint64_t held, unsigned timeout_ms, bool *at_breakpoint)
{
	enum gdb_stop stop = gdb_run(gdb, held, timeout_ms);

	if (stop == GDB_TIMEOUT)
		stop = stop_all(gdb);
	*at_breakpoint = stop == GDB_STOPPED && gdb->at_breakpoint;
	return stop;
}

unsigned gdb_stopped_cpu(const struct gdb *gdb)
{
	return gdb->stopped_cpu;
}

uint64_t gdb_ran_ns(const struct gdb *gdb)
{
	return gdb->ran_ns;
}

bool gdb_monitor(struct gdb *gdb, const char *command)
{
	char text[200];

	if (strlen(command) >= sizeof(text) / 2)
		return false;
	gdb_to_hex(text, (const uint8_t *)command, strlen(command));
	return COMMAND(gdb, "qRcmd,%s", text) &&
	       (is_ok(gdb) || gdb_fail(gdb, "QEMU's monitor refuses \"%s\"", command));
}
