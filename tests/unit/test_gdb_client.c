/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * src/gdb/client.c with a stub in a thread of this program: two vCPUs, some memory, and behaviour
 * that QEMU's stub does not have, or only in some versions. Also target descriptions alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/host_time.h"
#include "gdb/client.h"
#include "gdb/target.h"
#include "unit.h"

#define NR_REGISTERS 40
#define MEMORY_SIZE  8192
#define LOG_SIZE     65536

enum {
	NUMBER_NIP = 64, /* in the protocol */
	NUMBER_MSR = 65,
	NUMBER_CR = 66,
};

/* The stub's behaviour and state. */
struct stub {
	/* behaviour */
	bool no_ack_mode; /* supports QStartNoAckMode */
	bool multiprocess; /* thread ids are pPID.TID */
	bool stops_at_connect; /* sends a stop reply, like QEMU 7.2 */
	bool no_vcont;
	bool no_hardware_breakpoints;
	bool run_lengths; /* uses run-length encoding */
	bool reads_beyond; /* returns more memory than requested */
	unsigned damaged; /* number of packets that first arrive damaged */
	unsigned hang_up_after; /* packets; 0: never */
	const char *description;
	/* the guest */
	uint64_t reg[2][128];
	uint8_t memory[MEMORY_SIZE];
	unsigned hits; /* how often vCPU 1 hits a breakpoint when it runs */
	bool halted[2];
	/* the connection */
	char path[64];
	int listener, fd;
	pthread_t thread;
	bool acks;
	unsigned selected, sent;
	bool running, physical, detached;
	unsigned connections;
	char log[LOG_SIZE]; /* commands, one per line */
};

static const char description[] = "<?xml version=\"1.0\"?><!-- <reg name=\"r0\" bitsize=\"8\"/> -->"
				  "<target><architecture>powerpc:common64</architecture>"
				  "<xi:include href=\"core.xml\"/></target>";

/* r0 .. r31, then numbers from 64 on. */
static void core_document(char *text, size_t size)
{
	size_t len = (size_t)snprintf(text, size, "<feature name='core'>");

	for (unsigned i = 0; i < 32; i++)
		len += (size_t)snprintf(text + len, size - len,
					"<reg name=\"r%u\" bitsize=\"64\"/>\n", i);
	snprintf(
		text + len, size - len,
		"<reg name='pc' bitsize='64' regnum='64'/><reg name=\"msr\" bitsize=\"64\"/>"
		"<reg name=\"cr\" bitsize=\"32\" type=\"uint32\"/><reg name=\"lr\" bitsize=\"64\"/></feature>");
}

/* ---- the stub's side ---- */

static void put_raw(struct stub *stub, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(stub->fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		bytes += n;
		len -= (size_t)n;
	}
}

static void put(struct stub *stub, const char *text)
{
	char packet[2 * MEMORY_SIZE + 600];
	size_t len = 0;
	uint8_t sum = 0;

	packet[len++] = '$';
	for (const char *p = text; *p; p++) {
		size_t run = strspn(p, (char[]){ *p, '\0' });

		if (strchr("#$}*", *p)) {
			packet[len++] = '}';
			packet[len++] = (char)(*p ^ 0x20);
		} else if (stub->run_lengths && run > 4 && run < 90 && run - 1 + 29 != '#' &&
			   run - 1 + 29 != '$') {
			packet[len++] = *p;
			packet[len++] = '*';
			packet[len++] = (char)(run - 1 + 29);
			p += run - 1;
		} else {
			packet[len++] = *p;
		}
	}
	for (size_t i = 1; i < len; i++)
		sum = (uint8_t)(sum + (uint8_t)packet[i]);
	if (stub->damaged) {
		stub->damaged--;
		sum++;
	}
	len += (size_t)sprintf(packet + len, "#%02x", sum);
	put_raw(stub, packet, len);
}

static bool is_little_endian(const struct stub *stub)
{
	return stub->reg[stub->selected][NUMBER_MSR] & 1;
}

static void read_register(struct stub *stub, unsigned number)
{
	unsigned size = number == NUMBER_CR ? 4 : 8;
	char text[17];

	for (unsigned i = 0; i < size; i++) {
		unsigned shift = 8 * (is_little_endian(stub) ? i : size - 1 - i);

		sprintf(text + 2 * i, "%02x",
			(unsigned)(stub->reg[stub->selected][number] >> shift) & 0xff);
	}
	put(stub, text);
}

static void write_register(struct stub *stub, unsigned number, const char *hex)
{
	unsigned size = (unsigned)strlen(hex) / 2;
	bool little_endian = is_little_endian(stub);
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++) {
		unsigned byte;

		sscanf(hex + 2 * i, "%2x", &byte);
		value |= (uint64_t)byte << 8 * (little_endian ? i : size - 1 - i);
	}
	stub->reg[stub->selected][number] = value;
	put(stub, "OK");
}

static void read_memory(struct stub *stub, const char *args)
{
	char text[2 * MEMORY_SIZE + 3] = "";
	uint64_t address;
	size_t size;

	sscanf(args, "%" SCNx64 ",%zx", &address, &size);
	if (address + size > MEMORY_SIZE) {
		put(stub, "E14");
		return;
	}
	for (size_t i = 0; i < size; i++)
		sprintf(text + 2 * i, "%02x", stub->memory[address + i]);
	if (stub->reads_beyond)
		strcat(text, "00");
	put(stub, text);
}

static void write_memory(struct stub *stub, const char *args)
{
	uint64_t address;
	size_t size;
	int at;

	sscanf(args, "%" SCNx64 ",%zx:%n", &address, &size, &at);
	if (address + size > MEMORY_SIZE) {
		put(stub, "E14");
		return;
	}
	for (size_t i = 0; i < size; i++) {
		unsigned byte;

		sscanf(args + at + 2 * i, "%2x", &byte);
		stub->memory[address + i] = (uint8_t)byte;
	}
	put(stub, "OK");
}

static void stop_reply(struct stub *stub, unsigned cpu)
{
	char text[64];

	stub->running = false;
	sprintf(text, stub->multiprocess ? "T05thread:p1.%x;" : "T05thread:%02x;", cpu + 1);
	put(stub, text);
}

static void run(struct stub *stub, const char *action)
{
	bool step = strstr(action, "s:") || !strcmp(action, "s");

	stub->running = true;
	if (step) {
		unsigned cpu = strstr(action, "s:2") || strstr(action, "s:02") ? 1 : 0;

		stub->reg[cpu][NUMBER_NIP] += 4;
		stop_reply(stub, cpu);
	} else if (stub->hits) {
		stub->hits--;
		stop_reply(stub, 1);
	}
}

static unsigned thread_of(const char *text)
{
	const char *dot = strchr(text, '.');

	return (unsigned)strtoul(dot ? dot + 1 : text, NULL, 16) - 1;
}

static void transfer(struct stub *stub, const char *args)
{
	char document[4096], part[700];
	const char *text = stub->description ? stub->description : description;
	const char *position = strchr(args, ':') + 1;
	size_t offset, size, len;

	if (!strncmp(args, "core.xml:", 9)) {
		core_document(document, sizeof(document));
		text = document;
	}
	sscanf(position, "%zx,%zx", &offset, &size);
	len = strlen(text) - offset;
	if (size > 600)
		size = 600;
	snprintf(part, sizeof(part), "%c%.*s", len > size ? 'm' : 'l', (int)size, text + offset);
	put(stub, part);
}

static void obey(struct stub *stub, char *command)
{
	if (strlen(stub->log) + strlen(command) + 2 < LOG_SIZE)
		strcat(strcat(stub->log, command), "\n");
	if (!strncmp(command, "qSupported", 10)) {
		put(stub, "PacketSize=1000;qXfer:features:read+;vContSupported+");
	} else if (!strcmp(command, "QStartNoAckMode")) {
		put(stub, stub->no_ack_mode ? "OK" : "");
		stub->acks = !stub->no_ack_mode;
	} else if (!strcmp(command, "vCont?")) {
		put(stub, stub->no_vcont ? "" : "vCont;c;C;s;S");
	} else if (!strncmp(command, "vCont;", 6) || !strcmp(command, "c") ||
		   !strcmp(command, "s")) {
		run(stub, command);
	} else if (!strncmp(command, "qXfer:features:read:", 20)) {
		transfer(stub, command + 20);
	} else if (!strcmp(command, "qfThreadInfo")) {
		put(stub, stub->multiprocess ? "mp1.2" : "m02,01");
	} else if (!strcmp(command, "qsThreadInfo")) {
		put(stub, stub->multiprocess && !strstr(strstr(stub->log, "qsThreadInfo") + 1,
							"qsThreadInfo") ?
				  "mp1.1" :
				  "l");
	} else if (!strncmp(command, "Qqemu.PhyMemMode:", 17)) {
		stub->physical = command[17] == '1';
		put(stub, "OK");
	} else if (!strncmp(command, "qThreadExtraInfo,", 17)) {
		const char *text = stub->halted[thread_of(command + 17)] ? "CPU [halted ]" :
									   "CPU [running]";
		char hex[40] = "";

		for (const char *p = text; *p; p++)
			sprintf(hex + 2 * (p - text), "%02x", (unsigned)*p);
		put(stub, hex);
	} else if (!strncmp(command, "Hg", 2)) {
		stub->selected = thread_of(command + 2);
		put(stub, "OK");
	} else if (!strncmp(command, "Hc", 2)) {
		put(stub, "OK");
	} else if (command[0] == 'p') {
		read_register(stub, (unsigned)strtoul(command + 1, NULL, 16));
	} else if (command[0] == 'P') {
		write_register(stub, (unsigned)strtoul(command + 1, NULL, 16),
			       strchr(command, '=') + 1);
	} else if (command[0] == 'm') {
		read_memory(stub, command + 1);
	} else if (command[0] == 'M') {
		write_memory(stub, command + 1);
	} else if (command[0] == 'Z' || command[0] == 'z') {
		put(stub, command[1] == '1' && stub->no_hardware_breakpoints ? "" : "OK");
	} else if (command[0] == 'D') {
		stub->detached = true;
		put(stub, "OK");
	} else {
		put(stub, "");
	}
}

/* Serves until the client disconnects. */
static void serve(struct stub *stub)
{
	char command[2 * MEMORY_SIZE], last[2 * MEMORY_SIZE] = "";
	size_t len = 0;
	int state = 0; /* 0: between packets, 1: in one, 2, 3: its checksum */
	char c;

	stub->acks = true;
	if (stub->stops_at_connect)
		put(stub, "T02thread:01;");
	while (recv(stub->fd, &c, 1, 0) == 1) {
		if (c == 3 && stub->running) {
			stop_reply(stub, 0);
		} else if (state == 0 && c == '-' && last[0]) {
			obey(stub, last);
		} else if (state == 0 && c == '$') {
			state = 1;
			len = 0;
		} else if (state == 1 && c == '#') {
			state = 2;
		} else if (state == 1) {
			command[len++] = c;
		} else if (state == 2) {
			state = 3;
		} else if (state == 3) {
			state = 0;
			command[len] = '\0';
			if (stub->acks)
				put_raw(stub, "+", 1);
			strcpy(last, command);
			obey(stub, command);
			if (stub->hang_up_after && ++stub->sent == stub->hang_up_after)
				return;
		}
	}
}

static void *stub_main(void *opaque)
{
	struct stub *stub = opaque;

	while ((stub->fd = accept(stub->listener, NULL, NULL)) >= 0) {
		stub->connections++;
		serve(stub);
		close(stub->fd);
	}
	return NULL;
}

/* ---- the tests' side ---- */

static volatile sig_atomic_t interrupted;

static int start_stub(void **state)
{
	struct stub *stub = calloc(1, sizeof(*stub));
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(stub->path, sizeof(stub->path), "unix:/tmp/fwnmi-unit-gdb-%d", (int)getpid());
	strcpy(address.sun_path, stub->path + 5);
	unlink(address.sun_path);
	stub->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(stub->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(stub->listener, 4) < 0)
		return -1;
	for (unsigned i = 0; i < MEMORY_SIZE; i++)
		stub->memory[i] = (uint8_t)(i ^ i >> 8);
	stub->reg[0][NUMBER_MSR] = stub->reg[1][NUMBER_MSR] = 0x8000000000001033;
	interrupted = 0;
	*state = stub;
	return pthread_create(&stub->thread, NULL, stub_main, stub);
}

static int end_stub(void **state)
{
	struct stub *stub = *state;

	/* A test that failed has left its connection open. */
	shutdown(stub->listener, SHUT_RDWR);
	shutdown(stub->fd, SHUT_RDWR);
	pthread_join(stub->thread, NULL);
	close(stub->listener);
	unlink(stub->path + 5);
	free(stub);
	return 0;
}

static struct gdb *open_stub(struct stub *stub)
{
	char err[200] = "";
	struct gdb *gdb = gdb_open(stub->path, -1, &interrupted, err, sizeof(err));

	assert_string_equal(err, "");
	assert_non_null(gdb);
	return gdb;
}

static void expect_refusal(struct stub *stub, const char *words)
{
	char err[200];

	assert_null(gdb_open(stub->path, -1, &interrupted, err, sizeof(err)));
	if (!strstr(err, words))
		fail_msg("\"%s\" is not in \"%s\"", words, err);
}

static uint64_t value_of(struct gdb *gdb, unsigned cpu, const char *name)
{
	uint64_t value;

	assert_true(gdb_read_register(gdb, cpu, gdb_register(gdb, name), &value));
	return value;
}

static void it_leaves_the_guest_as_it_found_it(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);

	assert_int_equal(gdb_nr_cpus(gdb), 2);
	assert_true(stub->physical);
	assert_true(gdb_close(gdb));
	assert_true(stub->detached);
	assert_false(stub->physical);
	assert_int_equal(stub->connections, 1);
}

static void it_works_without_acknowledgements(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb;
	uint8_t bytes[16];
	bool there;

	stub->no_ack_mode = true;
	gdb = open_stub(stub);
	assert_true(gdb_read_memory(gdb, 0x100, bytes, sizeof(bytes), &there) && there);
	assert_memory_equal(bytes, stub->memory + 0x100, sizeof(bytes));
	assert_true(gdb_close(gdb));
}

static void a_stop_at_connecting_is_no_answer(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb;

	stub->stops_at_connect = true;
	gdb = open_stub(stub);
	assert_int_equal(value_of(gdb, 0, "msr"), 0x8000000000001033);
	assert_true(gdb_close(gdb));
}

static void what_arrives_damaged_is_asked_for_again(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb;

	stub->damaged = 2;
	gdb = open_stub(stub);
	assert_int_equal(stub->damaged, 0);
	stub->damaged = 1;
	assert_int_equal(value_of(gdb, 0, "msr"), 0x8000000000001033);
	stub->damaged = 100;
	assert_false(gdb_read_register(gdb, 0, gdb_register(gdb, "pc"), &(uint64_t){ 0 }));
	assert_non_null(strstr(gdb_error(gdb), "damaged packets"));
	stub->damaged = 0;
	gdb_close(gdb);
}

static void run_lengths_and_escapes_are_undone(void **state)
{
	struct stub *stub = *state;
	uint8_t bytes[64];
	struct gdb *gdb;
	bool there;

	stub->run_lengths = true;
	memset(stub->memory + 0x40, 0, 64);
	gdb = open_stub(stub);
	assert_true(gdb_read_memory(gdb, 0x30, bytes, sizeof(bytes), &there) && there);
	assert_memory_equal(bytes, stub->memory + 0x30, sizeof(bytes));
	assert_true(gdb_close(gdb));
}

static void registers_come_in_the_byte_order_of_msr_le(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);

	for (unsigned cpu = 0; cpu < 2; cpu++) {
		stub->reg[cpu][3] = 0x1122334455667788 + cpu;
		stub->reg[cpu][NUMBER_CR] = 0x24000082 + cpu;
	}
	stub->reg[1][NUMBER_MSR] = 0x8000000000001032; /* big-endian */
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		assert_int_equal(value_of(gdb, cpu, "r3"), 0x1122334455667788 + cpu);
		assert_int_equal(value_of(gdb, cpu, "cr"), 0x24000082 + cpu);
		assert_int_equal(value_of(gdb, cpu, "msr"), 0x8000000000001033 - cpu);
	}
	assert_true(gdb_close(gdb));
}

static void writing_msr_changes_the_byte_order(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);
	const struct gdb_registers *r = gdb_registers(gdb);

	assert_true(gdb_write_register(gdb, 0, r->gpr[3], 0x0102030405060708));
	assert_int_equal(stub->reg[0][3], 0x0102030405060708);
	assert_true(gdb_write_register(gdb, 0, r->msr, 0x8000000000001000));
	assert_true(gdb_write_register(gdb, 0, r->gpr[4], 0x1112131415161718));
	assert_int_equal(stub->reg[0][4], 0x1112131415161718);
	assert_int_equal(value_of(gdb, 0, "r3"), 0x0102030405060708);
	assert_true(gdb_close(gdb));
}

static void memory_is_read_and_written_in_pieces(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);
	uint8_t bytes[5000];
	bool there;

	assert_true(gdb_read_memory(gdb, 100, bytes, sizeof(bytes), &there) && there);
	assert_memory_equal(bytes, stub->memory + 100, sizeof(bytes));
	memset(bytes, 0x5a, sizeof(bytes));
	assert_true(gdb_write_memory(gdb, 200, bytes, sizeof(bytes), &there) && there);
	assert_memory_equal(bytes, stub->memory + 200, sizeof(bytes));
	/* Missing memory is not a failure. */
	assert_true(gdb_read_memory(gdb, MEMORY_SIZE - 4, bytes, 8, &there));
	assert_false(there);
	assert_true(gdb_write_memory(gdb, MEMORY_SIZE, bytes, 8, &there));
	assert_false(there);
	assert_string_equal(gdb_error(gdb), "");
	stub->reads_beyond = true;
	assert_false(gdb_read_memory(gdb, 0, bytes, 8, &there));
	assert_non_null(strstr(gdb_error(gdb), "invalid reply to a memory read"));
	gdb_close(gdb);
}

static void words_are_read_many_at_a_time(void **state)
{
	struct stub *stub = *state;

	for (unsigned no_ack = 0; no_ack < 2; no_ack++) {
		uint8_t words[8 * 300];
		struct gdb *gdb;
		unsigned there;

		stub->no_ack_mode = no_ack;
		gdb = open_stub(stub);
		assert_true(gdb_read_words(gdb, 8, 40, 200, 8, words, &there));
		assert_int_equal(there, 200);
		for (unsigned i = 0; i < 200; i++)
			assert_memory_equal(words + 8 * i, stub->memory + 8 + 40 * i, 8);
		/* Memory ends. */
		assert_true(gdb_read_words(gdb, 0, 32, 300, 8, words, &there));
		assert_int_equal(there, MEMORY_SIZE / 32);
		assert_int_equal(value_of(gdb, 0, "msr"), 0x8000000000001033);
		assert_true(gdb_close(gdb));
	}
}

static void breakpoints_are_counted(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb;

	stub->no_hardware_breakpoints = true;
	gdb = open_stub(stub);
	assert_true(gdb_break(gdb, 0x900) && gdb_break(gdb, 0x900));
	assert_non_null(strstr(stub->log, "Z0,900,4\n"));
	assert_true(gdb_unbreak(gdb, 0x900));
	assert_true(gdb_has_break(gdb, 0x900));
	assert_null(strstr(stub->log, "z0,900,4\n"));
	assert_true(gdb_unbreak(gdb, 0x900));
	assert_false(gdb_has_break(gdb, 0x900));
	assert_non_null(strstr(stub->log, "z0,900,4\n"));
	assert_true(gdb_close(gdb));
}

static void a_vcpu_at_a_breakpoint_is_stepped_over_it(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);
	uint64_t start = host_ns(), ran;
	bool at_breakpoint;

	stub->reg[1][NUMBER_NIP] = 0x2000;
	stub->hits = 1;
	assert_true(gdb_break(gdb, 0x2000));
	assert_int_equal(gdb_run_for(gdb, 0, 1000, &at_breakpoint), GDB_STOPPED);
	assert_true(at_breakpoint);
	ran = gdb_ran_ns(gdb);
	assert_int_equal(gdb_stopped_cpu(gdb), 1);
	stub->log[0] = '\0';
	assert_int_equal(gdb_run_for(gdb, 0, 20, &at_breakpoint), GDB_STOPPED);
	assert_false(at_breakpoint);
	assert_non_null(strstr(stub->log, "vCont;s:02\nvCont;c\n"));
	assert_int_equal(stub->reg[1][NUMBER_NIP], 0x2004);
	assert_true(gdb_ran_ns(gdb) > ran && gdb_ran_ns(gdb) < host_ns() - start);
	assert_true(gdb_close(gdb));
}

/* QEMU 7.2's special registers are read by an instruction in the RTAS area. */
static void a_breakpoint_is_passed_also_after_a_step_elsewhere(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);
	int nip = gdb_registers(gdb)->nip;
	bool at_breakpoint;

	stub->reg[1][NUMBER_NIP] = 0x2000;
	stub->hits = 1;
	assert_true(gdb_break(gdb, 0x2000));
	assert_int_equal(gdb_run_for(gdb, 0, 1000, &at_breakpoint), GDB_STOPPED);
	assert_true(gdb_write_register(gdb, 1, nip, 0x100) && gdb_step(gdb, 1) &&
		    gdb_write_register(gdb, 1, nip, 0x2000));
	stub->log[0] = '\0';
	assert_int_equal(gdb_run_for(gdb, 0, 20, &at_breakpoint), GDB_STOPPED);
	assert_non_null(strstr(stub->log, "vCont;s:02\nvCont;c\n"));
	assert_int_equal(stub->reg[1][NUMBER_NIP], 0x2004);
	/* A vCPU that was moved elsewhere is not at a breakpoint. */
	stub->reg[1][NUMBER_NIP] = 0x2000;
	stub->hits = 1;
	assert_int_equal(gdb_run_for(gdb, 0, 1000, &at_breakpoint), GDB_STOPPED);
	assert_true(gdb_write_register(gdb, 1, nip, 0x3000));
	stub->log[0] = '\0';
	assert_int_equal(gdb_run_for(gdb, 0, 20, &at_breakpoint), GDB_STOPPED);
	assert_null(strstr(stub->log, "vCont;s:"));
	assert_true(gdb_close(gdb));
}

static void vcpus_can_be_left_standing(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);
	bool at_breakpoint;

	assert_int_equal(gdb_run_for(gdb, 1, 10, &at_breakpoint), GDB_STOPPED);
	assert_non_null(strstr(stub->log, "vCont;c:02\n"));
	assert_true(gdb_close(gdb));
}

static void a_stub_without_vcont_is_told_by_thread(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb;
	bool at_breakpoint;

	stub->no_vcont = true;
	gdb = open_stub(stub);
	assert_true(gdb_step(gdb, 0));
	assert_non_null(strstr(stub->log, "Hc01\ns\n"));
	assert_int_equal(gdb_run_for(gdb, 0, 10, &at_breakpoint), GDB_STOPPED);
	assert_non_null(strstr(stub->log, "Hc-1\nc\n"));
	assert_int_equal(gdb_run_for(gdb, 1, 10, &at_breakpoint), GDB_FAILED);
	assert_non_null(strstr(gdb_error(gdb), "cannot hold some CPUs"));
	gdb_close(gdb);
}

static void ids_of_processes_are_used_throughout(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb;

	stub->multiprocess = true;
	gdb = open_stub(stub);
	assert_int_equal(gdb_nr_cpus(gdb), 2);
	stub->reg[1][3] = 77;
	assert_int_equal(value_of(gdb, 1, "r3"), 77);
	assert_non_null(strstr(stub->log, "Hgp1.2\n"));
	assert_true(gdb_close(gdb));
	assert_non_null(strstr(stub->log, "D;1\n"));
}

static void a_halted_vcpu_is_known(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);
	bool halted;

	stub->halted[1] = true;
	assert_true(gdb_halted(gdb, 0, &halted));
	assert_false(halted);
	assert_true(gdb_halted(gdb, 1, &halted));
	assert_true(halted);
	assert_true(gdb_close(gdb));
}

static void a_running_guest_is_stopped_to_be_left(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);

	assert_int_equal(gdb_run(gdb, 0, 10), GDB_TIMEOUT);
	assert_true(gdb_close(gdb));
	assert_true(stub->detached);
}

static void an_interruption_ends_everything_but_leaving(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);

	interrupted = 1;
	assert_int_equal(gdb_run(gdb, 0, 60000), GDB_FAILED);
	assert_string_equal(gdb_error(gdb), "interrupted");
	assert_false(gdb_break(gdb, 0x900));
	assert_true(gdb_close(gdb));
	assert_true(stub->detached);
}

static void a_lost_connection_is_made_again_to_free_the_guest(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);
	uint8_t bytes[8];
	bool there;

	stub->hang_up_after = stub->sent + 1;
	stub->sent = 0;
	stub->hang_up_after = 1;
	gdb_read_memory(gdb, 0, bytes, sizeof(bytes), &there); /* answered, then lost */
	assert_false(gdb_read_memory(gdb, 0, bytes, sizeof(bytes), &there));
	assert_non_null(strstr(gdb_error(gdb), "closed the connection"));
	assert_true(gdb_close(gdb));
	assert_true(stub->detached);
	assert_int_equal(stub->connections, 2);
}

static void what_is_changed_halfway_is_taken_back(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb;
	const struct gdb_registers *r;

	for (unsigned lost = 0; lost < 2; lost++) {
		stub->connections = 0;
		stub->detached = false;
		stub->reg[1][3] = 33;
		stub->reg[1][NUMBER_MSR] = 0x8000000000001033;
		gdb = open_stub(stub);
		r = gdb_registers(gdb);
		gdb_begin(gdb);
		assert_true(gdb_write_register(gdb, 1, r->msr, 0x8000000000001002));
		assert_true(gdb_write_register(gdb, 1, r->gpr[3], 44));
		assert_true(gdb_write_register(gdb, 1, r->gpr[3], 55));
		assert_int_equal(stub->reg[1][3], 55);
		if (lost)
			shutdown(stub->fd, SHUT_RDWR);
		else
			gdb_fail(gdb, "enough");
		assert_true(gdb_close(gdb));
		assert_int_equal(stub->reg[1][3], 33);
		assert_int_equal(stub->reg[1][NUMBER_MSR], 0x8000000000001033);
		assert_true(stub->detached);
		assert_int_equal(stub->connections, 1 + lost);
	}
}

static void what_is_changed_wholly_stays(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);
	int r3 = gdb_registers(gdb)->gpr[3], r4 = gdb_registers(gdb)->gpr[4];

	gdb_begin(gdb);
	assert_true(gdb_write_register(gdb, 0, r3, 1));
	gdb_begin(gdb);
	assert_true(gdb_write_register(gdb, 0, r4, 2));
	gdb_commit(gdb);
	gdb_commit(gdb);
	gdb_fail(gdb, "later");
	assert_true(gdb_close(gdb));
	assert_int_equal(stub->reg[0][3], 1);
	assert_int_equal(stub->reg[0][4], 2);
}

/* Ctrl-C does not interrupt a change of several registers. */
static void an_interruption_waits_for_the_end_of_a_change(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);
	const struct gdb_registers *r = gdb_registers(gdb);

	gdb_begin(gdb);
	assert_true(gdb_write_register(gdb, 0, r->gpr[3], 7));
	interrupted = 1;
	assert_true(gdb_write_register(gdb, 0, r->nip, 0x1990));
	gdb_commit(gdb);
	assert_false(gdb_break(gdb, 0x900));
	assert_string_equal(gdb_error(gdb), "interrupted");
	assert_true(gdb_close(gdb));
	assert_int_equal(stub->reg[0][3], 7);
	assert_int_equal(stub->reg[0][NUMBER_NIP], 0x1990);
}

static void the_first_failure_is_kept(void **state)
{
	struct stub *stub = *state;
	struct gdb *gdb = open_stub(stub);

	assert_false(gdb_fail(gdb, "first %d", 1));
	assert_false(gdb_fail(gdb, "second"));
	assert_string_equal(gdb_error(gdb), "first 1");
	assert_true(gdb_close(gdb));
}

static void descriptions_of_other_guests_are_refused(void **state)
{
	struct stub *stub = *state;

	stub->description = "<target><architecture>aarch64</architecture></target>";
	expect_refusal(stub, "architecture is aarch64");
	stub->description = "<target></target>";
	expect_refusal(stub, "architecture is not named");
	stub->description = "<target><architecture>powerpc:common64</architecture>"
			    "<reg name='pc' bitsize='64'/></target>";
	expect_refusal(stub, "does not provide");
	stub->description = "<target><xi:include href=\"target.xml\"/></target>";
	expect_refusal(stub, "nested too deeply");
	stub->description = "<target><reg name='pc'/></target>";
	expect_refusal(stub, "without name or size");
	assert_true(stub->detached);
}

static void invalid_addresses_are_refused(void **state)
{
	static const char *const bad[] = { "", "localhost", "localhost:", "unix:" };
	char err[200];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err[0] = '\0';
		assert_null(gdb_open(bad[i], -1, &interrupted, err, sizeof(err)));
		assert_true(err[0]);
	}
}

static char *document(void *opaque, const char *name)
{
	return strdup(opaque);
}

static void registers_are_numbered_on_from_the_one_before(void **state)
{
	static char text[] =
		"<target><reg name=\"a\" bitsize=\"32\"/><reg bitsize='64' name='b'/>"
		"<reg name=\"c\" bitsize=\"128\" regnum=\"70\"/><reg\nname=\"d\" bitsize=\"1\"/>"
		"<regular name=\"e\" bitsize=\"8\"/></target>";
	struct gdb_target target;
	const char *problem;

	assert_true(gdb_target_read(&target, document, text, &problem));
	assert_int_equal(target.nr_registers, 4);
	assert_int_equal(target.registers[0].number, 0);
	assert_int_equal(target.registers[0].bytes, 4);
	assert_int_equal(target.registers[1].number, 1);
	assert_int_equal(target.registers[2].number, 70);
	assert_int_equal(target.registers[2].bytes, 16);
	assert_string_equal(target.registers[3].name, "d");
	assert_int_equal(target.registers[3].number, 71);
	assert_int_equal(target.registers[3].bytes, 1);
	gdb_target_free(&target);
}

/* Every prefix of a description is accepted or refused; a memory checker sees anything else. */
static void cut_descriptions_do_no_harm(void **state)
{
	char whole[4096];

	core_document(whole, sizeof(whole));
	for (size_t len = 0; len < strlen(whole); len++) {
		struct gdb_target target;
		const char *problem;
		char *cut = strndup(whole, len);

		if (gdb_target_read(&target, document, cut, &problem))
			assert_true(target.nr_registers <= 36);
		else
			assert_non_null(problem);
		gdb_target_free(&target);
		free(cut);
	}
}

#define test(name) cmocka_unit_test_setup_teardown(name, start_stub, end_stub)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(it_leaves_the_guest_as_it_found_it),
		test(it_works_without_acknowledgements),
		test(a_stop_at_connecting_is_no_answer),
		test(what_arrives_damaged_is_asked_for_again),
		test(run_lengths_and_escapes_are_undone),
		test(registers_come_in_the_byte_order_of_msr_le),
		test(writing_msr_changes_the_byte_order),
		test(memory_is_read_and_written_in_pieces),
		test(words_are_read_many_at_a_time),
		test(breakpoints_are_counted),
		test(a_vcpu_at_a_breakpoint_is_stepped_over_it),
		test(a_breakpoint_is_passed_also_after_a_step_elsewhere),
		test(vcpus_can_be_left_standing),
		test(a_stub_without_vcont_is_told_by_thread),
		test(ids_of_processes_are_used_throughout),
		test(a_halted_vcpu_is_known),
		test(a_running_guest_is_stopped_to_be_left),
		test(an_interruption_ends_everything_but_leaving),
		test(a_lost_connection_is_made_again_to_free_the_guest),
		test(what_is_changed_halfway_is_taken_back),
		test(what_is_changed_wholly_stays),
		test(an_interruption_waits_for_the_end_of_a_change),
		test(the_first_failure_is_kept),
		test(descriptions_of_other_guests_are_refused),
		cmocka_unit_test(invalid_addresses_are_refused),
		cmocka_unit_test(registers_are_numbered_on_from_the_one_before),
		cmocka_unit_test(cut_descriptions_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
