/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's debugger; see debugger.h. Breakpoints are watches of the engine, so nothing in memory
 * changes; a step is the machine's run, stopped one instruction later.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/commands.h"
#include "control/debugger.h"
#include "gdb/stub.h"

#define MAX_BACKLOG (4 * sizeof(((struct gdb_stub *)0)->framed)) /* unread by the debugger */
#define PAGE_BYTES  4096ull
#define NO_STEP	    UINT64_MAX
/* QEMU's status for a machine that is no more. */
#define STATUS_GONE 1

struct debugger {
	struct machine *machine;
	struct listener listener;
	struct gdb_stub stub;
	int fd; /* of the debugger, or -1 */
	bool ends_machine; /* when it leaves */
	char out[MAX_BACKLOG];
	size_t out_length;
	unsigned nr_breaks;
	struct engine_watch breaks[MACHINE_MAX_BREAKS];
	enum gdb_break_kind kinds[MACHINE_MAX_BREAKS];
	/* A vCPU is stepped up to this number of its instructions. */
	unsigned stepped;
	uint64_t step_end; /* or NO_STEP */
	/* Why the machine is about to stop. */
	struct {
		enum gdb_stub_stop how;
		unsigned vcpu;
		enum gdb_break_kind kind;
		uint64_t address;
	} cause;
};

/* ---- stopping ---- */

static void stop_because(struct debugger *d, enum gdb_stub_stop how, unsigned vcpu)
{
	d->step_end = NO_STEP;
	d->cause.how = how;
	d->cause.vcpu = vcpu;
	machine_pause(d->machine, true);
}

static uint64_t wants(void *opaque, unsigned vcpu)
{
	const struct debugger *d = opaque;
	const uint64_t insns = machine_vcpu_insns(d->machine, vcpu);

	if (d->step_end == NO_STEP || vcpu != d->stepped)
		return MACHINE_NEVER;
	return insns < d->step_end ? d->step_end - insns : 0;
}

static void before_block(void *opaque, unsigned vcpu, bool ceded)
{
	struct debugger *d = opaque;

	if (!wants(d, vcpu))
		stop_because(d, GDB_STUB_TRAPPED, vcpu);
}

static void broke(void *opaque, unsigned vcpu, uint32_t which)
{
	struct debugger *d = opaque;
	const unsigned i = (unsigned)__builtin_ctz(which);

	if (i >= d->nr_breaks)
		return;
	d->cause.kind = d->kinds[i];
	d->cause.address = d->breaks[i].first;
	stop_because(d, d->kinds[i] < GDB_WATCH_WRITE ? GDB_STUB_TRAPPED : GDB_STUB_WATCHED, vcpu);
}

/* ---- registers ---- */

/* A register's place in what the engine gives. */
struct place {
	void *value;
	unsigned bytes; /* there */
};

struct all_regs {
	struct engine_regs regs;
	struct engine_program_regs program;
};

static struct place whole(uint64_t *value)
{
	return (struct place){ value, sizeof(*value) };
}

static struct place half(uint32_t *value)
{
	return (struct place){ value, sizeof(*value) };
}

static struct place find_register(struct all_regs *all, const struct gdb_power_register *reg)
{
	struct engine_program_regs *program = &all->program;
	struct engine_regs *regs = &all->regs;

	switch (reg->kind) {
	case GDB_GPR:
		return whole(&regs->gpr[reg->index]);
	case GDB_FPR:
		return whole(&program->vsr[reg->index][0]);
	case GDB_VSR_LOW:
		return whole(&program->vsr[reg->index][1]);
	case GDB_VR:
		return (struct place){ program->vsr[32 + reg->index], 16 };
	case GDB_PC:
		return whole(&regs->nip);
	case GDB_MSR:
		return whole(&regs->msr);
	case GDB_CR:
		return half(&regs->cr);
	case GDB_LR:
		return whole(&regs->lr);
	case GDB_CTR:
		return whole(&regs->ctr);
	case GDB_XER:
		return whole(&regs->xer);
	case GDB_FPSCR:
		return whole(&program->fpscr);
	case GDB_VSCR:
		return half(&program->vscr);
	case GDB_VRSAVE:
		return half(&program->vrsave);
	case GDB_SRR0:
		return whole(&regs->srr0);
	case GDB_SRR1:
		return whole(&regs->srr1);
	case GDB_DAR:
		return whole(&regs->dar);
	case GDB_DSISR:
		return half(&regs->dsisr);
	case GDB_SPRG:
		return whole(&regs->sprg[reg->index]);
	case GDB_TAR:
		return whole(&program->tar);
	case GDB_DSCR:
		return whole(&program->dscr);
	case GDB_PPR:
		return whole(&program->ppr);
	case GDB_AMR:
		return whole(&program->amr);
	}
	return (struct place){ NULL, 0 };
}

static uint64_t load(const void *from, unsigned bytes)
{
	uint64_t whole_value;
	uint32_t half_value;

	if (bytes == sizeof(half_value)) {
		memcpy(&half_value, from, sizeof(half_value));
		return half_value;
	}
	memcpy(&whole_value, from, sizeof(whole_value));
	return whole_value;
}

static void store(void *to, unsigned bytes, uint64_t value)
{
	const uint32_t half_value = (uint32_t)value;

	if (bytes == sizeof(half_value))
		memcpy(to, &half_value, sizeof(half_value));
	else
		memcpy(to, &value, sizeof(value));
}

static void get_all(const struct debugger *d, unsigned vcpu, struct all_regs *all)
{
	machine_get_regs(d->machine, vcpu, &all->regs);
	machine_get_program_regs(d->machine, vcpu, &all->program);
}

/* A VR has its doublewords in the order of the CPU's bytes. */
static unsigned doubleword_at(unsigned i, bool little)
{
	return 8 * (little ? 1 - i : i);
}

static void read_register(void *opaque, unsigned vcpu, unsigned number, uint8_t *bytes)
{
	struct gdb_power_register reg;
	struct all_regs all;
	struct place place;
	bool little;

	gdb_power_register(number, &reg);
	get_all(opaque, vcpu, &all);
	little = all.regs.msr & MSR_LE;
	place = find_register(&all, &reg);
	if (reg.kind != GDB_VR) {
		gdb_put_value(bytes, reg.bytes, little, load(place.value, place.bytes));
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		gdb_put_value(bytes + doubleword_at(i, little), 8, little,
			      ((uint64_t *)place.value)[i]);
}

static void write_register(void *opaque, unsigned vcpu, unsigned number, const uint8_t *bytes)
{
	struct debugger *d = opaque;
	struct gdb_power_register reg;
	struct all_regs all;
	struct place place;
	bool little;

	gdb_power_register(number, &reg);
	get_all(d, vcpu, &all);
	little = all.regs.msr & MSR_LE;
	place = find_register(&all, &reg);
	if (reg.kind != GDB_VR)
		store(place.value, place.bytes, gdb_get_value(bytes, reg.bytes, little));
	for (unsigned i = 0; i < 2 && reg.kind == GDB_VR; i++)
		((uint64_t *)place.value)[i] =
			gdb_get_value(bytes + doubleword_at(i, little), 8, little);
	machine_set_regs(d->machine, vcpu, &all.regs);
	machine_set_program_regs(d->machine, vcpu, &all.program);
}

/* ---- memory ---- */

/* Calls @each for each part of the range that lies in one page. */
static bool each_page(struct debugger *d, unsigned vcpu, bool real, uint64_t address,
		      uint8_t *bytes, size_t length,
		      bool (*each)(struct machine *machine, uint64_t ra, uint8_t *bytes, size_t n))
{
	while (length) {
		const uint64_t to_end = PAGE_BYTES - address % PAGE_BYTES;
		const size_t n = length < to_end ? length : (size_t)to_end;
		uint64_t ra = address;

		if ((!real && !machine_look_up(d->machine, vcpu, address, &ra)) ||
		    !each(d->machine, ra, bytes, n))
			return false;
		address += n;
		bytes += n;
		length -= n;
	}
	return true;
}

static bool read_page(struct machine *machine, uint64_t ra, uint8_t *bytes, size_t n)
{
	return memory_peek(machine_memory(machine), ra, bytes, n);
}

static bool write_page(struct machine *machine, uint64_t ra, uint8_t *bytes, size_t n)
{
	return machine_write(machine, ra, bytes, n);
}

static bool read_memory(void *opaque, unsigned vcpu, bool real, uint64_t address, void *bytes,
			size_t length)
{
	return each_page(opaque, vcpu, real, address, bytes, length, read_page);
}

static bool write_memory(void *opaque, unsigned vcpu, bool real, uint64_t address,
			 const void *bytes, size_t length)
{
	return each_page(opaque, vcpu, real, address, (uint8_t *)bytes, length, write_page);
}

/* ---- breakpoints ---- */

static struct engine_watch watch_of(enum gdb_break_kind kind, uint64_t address, uint64_t length)
{
	static const unsigned accesses[] = {
		[GDB_BREAK_SOFTWARE] = ENGINE_FETCH,
		[GDB_BREAK_HARDWARE] = ENGINE_FETCH,
		[GDB_WATCH_WRITE] = ENGINE_WRITE,
		[GDB_WATCH_READ] = ENGINE_READ,
		[GDB_WATCH_ACCESS] = ENGINE_READ | ENGINE_WRITE,
	};
	const uint64_t bytes = kind < GDB_WATCH_WRITE || !length ? 1 : length;

	return (struct engine_watch){ accesses[kind], false, address,
				      address + bytes - 1 < address ? UINT64_MAX :
								      address + bytes - 1 };
}

static unsigned find_break(const struct debugger *d, enum gdb_break_kind kind,
			   const struct engine_watch *watch)
{
	unsigned i = 0;

	while (i < d->nr_breaks && (d->kinds[i] != kind || d->breaks[i].first != watch->first ||
				    d->breaks[i].last != watch->last))
		i++;
	return i;
}

/* Setting one twice is setting it. */
static bool set_break(void *opaque, enum gdb_break_kind kind, uint64_t address, uint64_t length)
{
	const struct engine_watch watch = watch_of(kind, address, length);
	struct debugger *d = opaque;
	const unsigned i = find_break(d, kind, &watch);

	if (i == MACHINE_MAX_BREAKS)
		return false;
	if (i < d->nr_breaks)
		return true;
	d->breaks[d->nr_breaks] = watch;
	d->kinds[d->nr_breaks++] = kind;
	machine_break(d->machine, d->breaks, d->nr_breaks);
	return true;
}

static void clear_break(void *opaque, enum gdb_break_kind kind, uint64_t address, uint64_t length)
{
	const struct engine_watch watch = watch_of(kind, address, length);
	struct debugger *d = opaque;
	const unsigned i = find_break(d, kind, &watch);

	if (i == d->nr_breaks)
		return;
	d->breaks[i] = d->breaks[--d->nr_breaks];
	d->kinds[i] = d->kinds[d->nr_breaks];
	machine_break(d->machine, d->breaks, d->nr_breaks);
}

static void clear_all(struct debugger *d)
{
	d->step_end = NO_STEP;
	d->nr_breaks = 0;
	machine_break(d->machine, NULL, 0);
}

/* ---- run control ---- */

static bool go(void *opaque, const unsigned *stepped)
{
	struct debugger *d = opaque;

	if (machine_partition_ended(d->machine))
		return false;
	if (stepped) {
		d->stepped = *stepped;
		d->step_end = machine_vcpu_insns(d->machine, *stepped) + 1;
	}
	machine_pause(d->machine, false);
	return true;
}

static void stop(void *opaque)
{
	struct debugger *d = opaque;

	stop_because(d, GDB_STUB_INTERRUPTED, d->stub.stopped);
}

static void detach(void *opaque)
{
	struct debugger *d = opaque;

	clear_all(d);
	if (d->ends_machine)
		machine_quit(d->machine);
	else if (!machine_partition_ended(d->machine))
		machine_pause(d->machine, false);
}

static void end(void *opaque)
{
	machine_quit(((struct debugger *)opaque)->machine);
}

static const char *describe(void *opaque, unsigned vcpu)
{
	return command_cpu_state(((struct debugger *)opaque)->machine, vcpu);
}

/* ---- the connection ---- */

static void drop(struct debugger *d)
{
	close(d->fd);
	d->fd = -1;
	d->out_length = 0;
	clear_all(d);
	if (d->ends_machine)
		machine_quit(d->machine);
}

static void flush_output(struct debugger *d)
{
	while (d->out_length) {
		ssize_t n = send(d->fd, d->out, d->out_length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			drop(d);
			return;
		}
		d->out_length -= (size_t)n;
		memmove(d->out, d->out + n, d->out_length);
	}
}

/* What a debugger that does not read leaves is lost, and so is the connection, at the next look. */
static void send_bytes(void *opaque, const void *bytes, size_t length)
{
	struct debugger *d = opaque;

	if (d->fd < 0)
		return;
	if (length > sizeof(d->out) - d->out_length) {
		shutdown(d->fd, SHUT_RDWR);
		return;
	}
	memcpy(d->out + d->out_length, bytes, length);
	d->out_length += length;
}

static void accept_debugger(struct debugger *d)
{
	const struct gdb_stub_target target = {
		.nr_cpus = machine_nr_vcpus(d->machine),
		.read_register = read_register,
		.write_register = write_register,
		.read_memory = read_memory,
		.write_memory = write_memory,
		.set_break = set_break,
		.clear_break = clear_break,
		.go = go,
		.stop = stop,
		.detach = detach,
		.end = end,
		.send = send_bytes,
		.describe = describe,
		.opaque = d,
	};
	int fd = listener_accept(&d->listener);

	if (fd < 0)
		return;
	if (d->fd >= 0) { /* one at a time */
		close(fd);
		return;
	}
	d->fd = fd;
	gdb_stub_connect(&d->stub, &target);
	machine_pause(d->machine, true);
}

/* What it asks of a machine that a client of the monitor has let go stops it again. */
static void receive(struct debugger *d)
{
	uint8_t bytes[4096];
	ssize_t n = recv(d->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n <= 0) {
		drop(d);
		return;
	}
	if (!d->stub.running)
		machine_pause(d->machine, true);
	gdb_stub_take(&d->stub, bytes, (size_t)n);
	flush_output(d);
}

static unsigned poll_fds(void *opaque, struct pollfd *fds, unsigned max)
{
	struct debugger *d = opaque;

	if (max < 2)
		return 0;
	fds[0] = (struct pollfd){ .fd = d->listener.fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = d->fd,
				  .events = (short)(POLLIN | (d->out_length ? POLLOUT : 0)) };
	return 2;
}

static void ready(void *opaque, struct pollfd *fds, unsigned count)
{
	struct debugger *d = opaque;

	if (d->fd >= 0 && fds[1].revents & POLLOUT)
		flush_output(d);
	if (d->fd >= 0 && fds[1].revents & (POLLIN | POLLHUP | POLLERR))
		receive(d);
	if (fds[0].revents)
		accept_debugger(d);
}

static void on_event(void *opaque, const struct machine_event *event)
{
	struct debugger *d = opaque;

	if (d->fd < 0)
		return;
	if (event->type == MACHINE_EVENT_STOP) {
		gdb_stub_stopped(&d->stub, d->cause.how, d->cause.vcpu, d->cause.kind,
				 d->cause.address);
		d->cause.how = GDB_STUB_INTERRUPTED;
	} else if (event->type == MACHINE_EVENT_SHUTDOWN) {
		gdb_stub_ended(&d->stub,
			       event->end == MACHINE_CRASHED || event->end == MACHINE_FAILED ?
				       STATUS_GONE :
				       0);
	} else {
		return;
	}
	flush_output(d);
}

/* ---- opening ---- */

/* Splits "tcp:HOST:PORT"; @port points into @where. False: it is not that. */
static bool split_tcp(const char *where, char *host, size_t size, const char **port)
{
	const char *colon;

	if (strncmp(where, "tcp:", 4))
		return false;
	where += 4;
	colon = strrchr(where, ':');
	if (!colon || (size_t)(colon - where) >= size)
		return false;
	snprintf(host, size, "%.*s", (int)(colon - where), where);
	*port = colon + 1;
	return **port && strspn(*port, "0123456789") == strlen(*port) && strlen(*port) <= 5;
}

bool debugger_where_is_valid(const char *where, char *why, size_t why_size)
{
	const char *port;
	char host[256];

	if (!strncmp(where, "unix:", 5) || split_tcp(where, host, sizeof(host), &port))
		return true;
	snprintf(why, why_size, "not tcp:[HOST]:PORT or unix:PATH");
	return false;
}

static bool start_listening(struct debugger *d, const char *where, char *err, size_t err_size)
{
	const char *port;
	char host[256];

	if (split_tcp(where, host, sizeof(host), &port))
		return listener_open_tcp(&d->listener, host, port, err, err_size);
	return listener_open_unix(&d->listener, where + 5, 1, err, err_size);
}

struct debugger *debugger_open(const char *where, struct machine *machine, char *err,
			       size_t err_size)
{
	struct debugger *d = calloc(1, sizeof(*d));
	const struct machine_hook hook = {
		.wants = wants, .before_block = before_block, .broke = broke, .opaque = d
	};
	const struct machine_client client = {
		.event = on_event, .poll_fds = poll_fds, .ready = ready, .opaque = d
	};

	if (!d) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	d->machine = machine;
	d->fd = d->listener.fd = -1;
	d->step_end = NO_STEP;
	if (!machine_can_watch(machine))
		snprintf(err, err_size,
			 "a debugger needs -accel emu: this engine cannot stop at an "
			 "instruction");
	else if (start_listening(d, where, err, err_size)) {
		if (machine_add_client(machine, &client) && machine_add_hook(machine, &hook))
			return d;
		snprintf(err, err_size, "too many clients of the machine");
	}
	debugger_close(d);
	return NULL;
}

void debugger_ends_machine(struct debugger *d)
{
	d->ends_machine = true;
}

void debugger_close(struct debugger *d)
{
	if (!d)
		return;
	listener_close(&d->listener);
	if (d->fd >= 0)
		close(d->fd);
	free(d);
}

const struct listener *debugger_listener(const struct debugger *d)
{
	return &d->listener;
}

void debugger_target(const struct debugger *d, char *text, size_t size)
{
	const char *path = d->listener.address.sun_path;

	if (*path)
		snprintf(text, size, "%s", path);
	else
		snprintf(text, size, ":%u", d->listener.port);
}
