/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A partition's FWNMI state as a record, to be loaded elsewhere or later. visit() is the only
 * description of the record. It measures, saves, checks and loads, so the four cannot differ.
 *
 * The record is big-endian: magic (8 bytes), version (4), length of the whole record (4), the
 * fields that visit() lists, and a CRC-32C of everything before it (4). A record comes from
 * outside, so all of it is checked before any of it is used.
 */
#include <string.h>

#include "bytes.h"
#include "internal.h"

static const uint8_t magic[8] = { 'F', 'W', 'N', 'M', 'I', 'r', 'e', 'c' };

enum {
	/*
	 * 1: no signalled machine checks, and no DSISR and DAR
	 * 2: at most 64 vCPUs, whose numbers in the queue are bytes
	 */
	VERSION = 3,
	MAX_CPUS_BEFORE_3 = 64,
	HEADER_SIZE = 16,
	CRC_SIZE = 4,
};

struct visitor {
	enum {
		SAVE,
		CHECK,
		LOAD
	} mode;
	uint8_t *to; /* SAVE; NULL: only measure */
	const uint8_t *from; /* CHECK, LOAD */
	uint32_t version;
	size_t size;
	size_t offset;
	bool bad;
	bool mismatch; /* CHECK: a good record, but from another partition */
};

/* Castagnoli's polynomial, bit-reversed, one nibble at a time. */
static uint32_t crc32c(const uint8_t *p, size_t length)
{
	static const uint32_t table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	uint32_t crc = 0xffffffff;

	while (length-- > 0) {
		crc ^= *p++;
		crc = crc >> 4 ^ table[crc & 0xf];
		crc = crc >> 4 ^ table[crc & 0xf];
	}
	return ~crc;
}

/* ---- fields; each returns what struct fwnmi holds, or will hold ---- */

static uint64_t visit_number(struct visitor *v, unsigned bytes, uint64_t value, uint64_t max)
{
	if (v->mode != SAVE) {
		value = 0;
		if (v->bad || bytes > v->size - v->offset) {
			v->bad = true;
			return 0;
		}
		for (unsigned i = 0; i < bytes; i++)
			value = value << 8 | v->from[v->offset + i];
		if (value > max) {
			v->bad = true;
			return 0;
		}
	} else if (v->to) {
		for (unsigned i = 0; i < bytes; i++)
			v->to[v->offset + i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
	}
	v->offset += bytes;
	return value;
}

static bool visit_bool(struct visitor *v, bool *field)
{
	bool value = visit_number(v, 1, *field, 1);

	if (v->mode == LOAD)
		*field = value;
	return value;
}

static uint8_t visit_u8(struct visitor *v, uint8_t *field, uint8_t max)
{
	uint8_t value = (uint8_t)visit_number(v, 1, *field, max);

	if (v->mode == LOAD)
		*field = value;
	return value;
}

static uint32_t visit_u32(struct visitor *v, uint32_t *field, uint32_t max)
{
	uint32_t value = (uint32_t)visit_number(v, 4, *field, max);

	if (v->mode == LOAD)
		*field = value;
	return value;
}

static uint64_t visit_u64(struct visitor *v, uint64_t *field)
{
	uint64_t value = visit_number(v, 8, *field, UINT64_MAX);

	if (v->mode == LOAD)
		*field = value;
	return value;
}

/* Returns the address of the bytes in the record, for a check; NULL if they are not there. */
static const uint8_t *visit_bytes(struct visitor *v, uint8_t *bytes, size_t length)
{
	size_t offset = v->offset;

	if (v->mode != SAVE && (v->bad || length > v->size - offset)) {
		v->bad = true;
		return NULL;
	}
	v->offset += length;
	if (v->mode == SAVE) {
		if (v->to)
			memcpy(v->to + offset, bytes, length);
		return NULL;
	}
	if (v->mode == LOAD)
		memcpy(bytes, v->from + offset, length);
	return v->from + offset;
}

static void require(struct visitor *v, bool condition)
{
	if (v->mode == CHECK && !condition)
		v->bad = true;
}

static bool is_whole_log(const uint8_t *log, size_t length)
{
	struct fwnmi_errlog decoded;
	int decoded_length = fwnmi_errlog_decode(&decoded, log, length);

	return decoded_length >= 0 && (size_t)decoded_length == length &&
	       decoded.version == FWNMI_ERRLOG_VERSION;
}

static void visit_log(struct visitor *v, uint8_t *bytes, size_t length)
{
	const uint8_t *log = visit_bytes(v, bytes, length);

	if (v->mode == CHECK && log)
		require(v, is_whole_log(log, length));
}

/* ---- parts ---- */

/* The host sets the memory layout and the number of vCPUs. A record must agree with them. */
static void visit_config(struct visitor *v, const struct fwnmi_config *config)
{
	const unsigned max_cpus = v->version < 3 ? MAX_CPUS_BEFORE_3 : FWNMI_MAX_CPUS;
	bool same = visit_number(v, 4, config->nr_cpus, max_cpus) == config->nr_cpus;

	same &= visit_number(v, 8, config->rtas_base, UINT64_MAX) == config->rtas_base;
	same &= visit_number(v, 4, config->rtas_size, UINT32_MAX) == config->rtas_size;
	same &= visit_number(v, 4, config->save_area_offset, UINT32_MAX) ==
		config->save_area_offset;
	same &= visit_number(v, 4, fwnmi_mc_buffer_size(config), UINT32_MAX) ==
		fwnmi_mc_buffer_size(config);
	v->mismatch = !same;
}

static void visit_handler(struct visitor *v, struct fwnmi_handler *handler, bool registered)
{
	uint64_t routine = visit_u64(v, &handler->routine);
	uint32_t nr_insns = visit_u32(v, &handler->nr_insns, FWNMI_HANDLER_INSNS);

	visit_bytes(v, handler->insns, sizeof(handler->insns));
	if (registered)
		require(v, routine < FWNMI_ROUTINE_LIMIT && routine % 4 == 0 && nr_insns > 0);
	else
		require(v, routine == 0 && nr_insns == 0);
}

static bool visit_registration(struct visitor *v, struct fwnmi *f)
{
	bool registered = visit_bool(v, &f->registered);

	require(v, !visit_bool(v, &f->page_7) || registered);
	visit_handler(v, &f->system_reset, registered);
	visit_handler(v, &f->machine_check, registered);
	return registered;
}

static void visit_machine_check(struct visitor *v, struct fwnmi_machine_check *field,
				bool may_be_unsafe)
{
	struct fwnmi_machine_check mc = *field;

	mc.error_type = (uint8_t)visit_number(v, 1, mc.error_type, UINT8_MAX);
	mc.error_subtype = (uint8_t)visit_number(v, 1, mc.error_subtype, UINT8_MAX);
	mc.severity = (uint8_t)visit_number(v, 1, mc.severity, UINT8_MAX);
	mc.disposition = (uint8_t)visit_number(v, 1, mc.disposition, UINT8_MAX);
	mc.initiator = (uint8_t)visit_number(v, 1, mc.initiator, UINT8_MAX);
	mc.unsafe_processor = visit_number(v, 1, mc.unsafe_processor, may_be_unsafe);
	mc.transient = visit_number(v, 1, mc.transient, 1);
	mc.effective_address_valid = visit_number(v, 1, mc.effective_address_valid, 1);
	mc.logical_address_valid = visit_number(v, 1, mc.logical_address_valid, 1);
	mc.effective_address = visit_number(v, 8, mc.effective_address, UINT64_MAX);
	mc.logical_address = visit_number(v, 8, mc.logical_address, UINT64_MAX);
	mc.srr1 = visit_number(v, 8, mc.srr1, UINT64_MAX);
	if (v->version == 1) {
		mc.dsisr = 0;
		mc.dar_valid = false;
		mc.dar = 0;
	} else {
		mc.dsisr = (uint32_t)visit_number(v, 4, mc.dsisr, UINT32_MAX);
		mc.dar_valid = visit_number(v, 1, mc.dar_valid, 1);
		mc.dar = visit_number(v, 8, mc.dar, UINT64_MAX);
	}
	require(v, fwnmi_machine_check_validate(&mc) == 0);
	if (v->mode == LOAD)
		*field = mc;
}

static void visit_waiter(struct visitor *v, struct fwnmi *f, unsigned index)
{
	uint32_t cpu = f->waiters[(f->first_waiter + index) % f->config.nr_cpus];

	cpu = (uint32_t)visit_number(v, v->version < 3 ? 1 : 4, cpu, f->config.nr_cpus - 1);
	if (v->mode == CHECK) {
		require(v, !f->cpus[cpu].in_record);
		f->cpus[cpu].in_record = true;
	}
	if (v->mode == LOAD) {
		f->waiters[index] = cpu;
		f->cpus[cpu].waits = true;
	}
	visit_machine_check(v, &f->cpus[cpu].pending, false);
}

static void clear_queue(struct fwnmi *f)
{
	f->first_waiter = 0;
	f->nr_waiters = 0;
	for (unsigned cpu = 0; cpu < f->config.nr_cpus; cpu++)
		f->cpus[cpu].waits = false;
}

/* The vCPU that holds the buffer; -1: none. Sets @in_handler to it if it is in its handler. */
static int visit_owner(struct visitor *v, struct fwnmi *f, int *in_handler)
{
	const uint32_t none = v->version < 3 ? 0xffff : 0xffffffff;
	uint32_t owner = f->owner < 0 ? none : (uint32_t)f->owner;
	bool notified;

	owner = (uint32_t)visit_number(v, v->version < 3 ? 2 : 4, owner, none);
	notified = visit_bool(v, &f->owner_notified);
	if (owner == none) {
		require(v, !notified);
		return -1;
	}
	if (owner >= f->config.nr_cpus) {
		v->bad = true;
		return -1;
	}
	if (notified)
		*in_handler = (int)owner;
	return (int)owner;
}

/* The vCPU that holds the buffer, and those that wait. Returns whether there are any. */
static bool visit_queue(struct visitor *v, struct fwnmi *f, int *in_handler)
{
	int owner = visit_owner(v, f, in_handler);
	unsigned nr_waiters = (unsigned)visit_number(v, v->version < 3 ? 1 : 4, f->nr_waiters,
						     f->config.nr_cpus - 1);

	require(v, owner >= 0 || nr_waiters == 0);
	if (v->mode == LOAD) {
		clear_queue(f);
		f->owner = owner;
		f->nr_waiters = nr_waiters;
	}
	if (owner >= 0 && v->mode == CHECK)
		f->cpus[owner].in_record = true;
	if (owner >= 0 && *in_handler < 0)
		visit_machine_check(v, &f->cpus[owner].pending, false);
	for (unsigned i = 0; i < nr_waiters && !v->bad; i++)
		visit_waiter(v, f, i);
	return owner >= 0;
}

/* A machine check that the vCPU takes when it resumes. @may: it has no other to take. */
static void visit_signalled(struct visitor *v, struct fwnmi_cpu *cpu, bool may)
{
	bool signalled;

	if (v->version == 1) {
		if (v->mode == LOAD)
			cpu->signalled = false;
		return;
	}
	signalled = visit_bool(v, &cpu->signalled);
	require(v, may || !signalled);
	if (signalled)
		visit_machine_check(v, &cpu->pending, true);
}

static unsigned visit_cpus(struct visitor *v, struct fwnmi *f, int in_handler)
{
	unsigned nr_stopped = 0;

	for (unsigned i = 0; i < f->config.nr_cpus; i++) {
		struct fwnmi_cpu *cpu = &f->cpus[i];
		bool waits = cpu->in_record;
		bool stopped = visit_bool(v, &cpu->stopped);
		uint8_t pending = visit_u8(v, &cpu->system_reset_pending, RESET_AFTER_INTERLOCK);

		require(v, !stopped || (!waits && pending == 0));
		require(v, pending != RESET_AFTER_INTERLOCK || waits);
		visit_signalled(v, cpu, !stopped && (!waits || in_handler == (int)i));
		nr_stopped += stopped;
	}
	return nr_stopped;
}

static void visit_end(struct visitor *v, struct fwnmi *f)
{
	bool ended = visit_bool(v, &f->ended);
	uint32_t length = visit_u32(v, &f->end_log_length, OWN_LOG_MAX);

	require(v, ended == (length > 0));
	if (length > 0)
		visit_log(v, f->end_log, length);
}

static void visit_events(struct visitor *v, struct fwnmi *f, unsigned nr_stopped)
{
	unsigned of_host = 0, own = 0;
	size_t host_bytes = 0, used = 0;
	uint32_t nr_events;

	visit_u8(v, &f->scan_allowance, 2);
	nr_events = visit_u32(v, &f->nr_events, fwnmi_max_events(f->config.nr_cpus));
	for (unsigned i = 0; i < nr_events && !v->bad; i++) {
		struct fwnmi_event event = f->events[i];

		event.event_class = (uint32_t)visit_number(v, 4, event.event_class, UINT32_MAX);
		event.length = (uint16_t)visit_number(v, 2, event.length, FWNMI_ERRLOG_MAX);
		event.source = (uint8_t)visit_number(v, 1, event.source, FWNMI_CHECK_EXCEPTION);
		event.kind = (uint8_t)visit_number(v, 1, event.kind, EVENT_RESIDUAL);
		require(v, fwnmi_is_event_class(event.event_class));
		if (event.kind == EVENT_OF_HOST) {
			of_host++;
			host_bytes += event.length;
			require(v,
				of_host <= FWNMI_QUEUE_EVENTS && host_bytes <= FWNMI_QUEUE_SPACE);
		} else {
			own++;
			require(v, fwnmi_own_events_allowed(nr_stopped, own) &&
					   event.length <= OWN_LOG_MAX &&
					   event.source == FWNMI_EVENT_SCAN &&
					   event.event_class == FWNMI_CLASS_INTERNAL_ERRORS);
		}
		visit_log(v, v->mode == CHECK ? NULL : f->event_bytes + used, event.length);
		used += event.length;
		if (v->mode == LOAD)
			f->events[i] = event;
	}
}

static void visit(struct visitor *v, struct fwnmi *f)
{
	int in_handler = -1;
	bool registered, has_owner;
	unsigned nr_stopped;

	visit_config(v, &f->config);
	if (v->bad || v->mismatch)
		return;
	registered = visit_registration(v, f);
	visit_bool(v, &f->interrupts_little_endian);
	visit_bool(v, &f->fatal_reported);
	visit_u32(v, &f->log_id, UINT32_MAX);
	has_owner = visit_queue(v, f, &in_handler);
	require(v, registered || !has_owner);
	nr_stopped = visit_cpus(v, f, in_handler);
	visit_end(v, f);
	visit_events(v, f, nr_stopped);
}

/* ---- the record ---- */

/* A visitor that saves does not change the state. */
static size_t save_body(const struct fwnmi *f, uint8_t *to)
{
	struct visitor v = { .mode = SAVE, .to = to, .version = VERSION, .offset = HEADER_SIZE };

	visit(&v, (struct fwnmi *)f);
	return v.offset;
}

size_t fwnmi_state_size(const struct fwnmi *f)
{
	return fwnmi_is_set_up(f) ? save_body(f, NULL) + CRC_SIZE : 0;
}

int fwnmi_save(const struct fwnmi *f, void *buf, size_t size)
{
	size_t length = fwnmi_state_size(f);
	uint8_t *record = buf;

	if (length == 0 || !is_buffer(buf, size))
		return FWNMI_ERR_INVALID;
	if (length > size)
		return FWNMI_ERR_NOSPACE;
	memcpy(record, magic, sizeof(magic));
	put_be32(record + 8, VERSION);
	put_be32(record + 12, (uint32_t)length);
	save_body(f, record);
	put_be32(record + length - CRC_SIZE, crc32c(record, length - CRC_SIZE));
	return (int)length;
}

static int check_frame(const uint8_t *record, size_t size, size_t *length)
{
	if (size < HEADER_SIZE)
		return FWNMI_ERR_TRUNCATED;
	if (memcmp(record, magic, sizeof(magic)) != 0 || get_be32(record + 8) == 0)
		return FWNMI_ERR_BADRECORD;
	if (get_be32(record + 8) > VERSION)
		return FWNMI_ERR_FUTURE;
	*length = get_be32(record + 12);
	if (*length < HEADER_SIZE + CRC_SIZE)
		return FWNMI_ERR_BADRECORD;
	if (*length > size)
		return FWNMI_ERR_TRUNCATED;
	*length -= CRC_SIZE;
	return crc32c(record, *length) == get_be32(record + *length) ? 0 : FWNMI_ERR_BADRECORD;
}

static int check_body(struct visitor *v, struct fwnmi *f)
{
	visit(v, f);
	for (unsigned cpu = 0; cpu < f->config.nr_cpus; cpu++)
		f->cpus[cpu].in_record = false;
	if (v->bad)
		return FWNMI_ERR_BADRECORD;
	if (v->mismatch)
		return FWNMI_ERR_MISMATCH;
	return v->offset == v->size ? 0 : FWNMI_ERR_BADRECORD;
}

int fwnmi_load(struct fwnmi *f, const void *buf, size_t size)
{
	struct visitor check = { .mode = CHECK, .from = buf, .offset = HEADER_SIZE };
	struct visitor load = { .mode = LOAD, .from = buf, .offset = HEADER_SIZE };
	int err;

	if (!fwnmi_is_set_up(f) || !is_buffer(buf, size))
		return FWNMI_ERR_INVALID;
	err = check_frame(buf, size, &check.size);
	if (err)
		return err;
	check.version = load.version = get_be32((const uint8_t *)buf + 8);
	err = check_body(&check, f);
	if (err)
		return err;
	f->end_reason = 0; /* a record does not say */
	load.size = check.size;
	visit(&load, f);
	return 0;
}
