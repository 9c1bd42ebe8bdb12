/* SPDX-License-Identifier: BSD-2-Clause */
/* A host for libfwnmi whose guest may do anything; it allows no access outside its bounds. */
#ifndef FUZZ_HOST_H
#define FUZZ_HOST_H

#include <fwnmi/fwnmi.h>

#include "fuzz.h"

enum {
	NR_CPUS = 4,
	MEMORY_SIZE = 0x10000,
	RTAS_BASE = 0xa000,
	RTAS_SIZE = 0x2000,
	SAVE_OFFSET = 0x40,
};

struct host {
	struct fwnmi f;
	struct fwnmi_regs regs[NR_CPUS];
	uint8_t memory[MEMORY_SIZE];
	unsigned fail; /* a bit an operation */
};

static inline int read_memory(void *opaque, uint64_t address, void *buf, size_t len)
{
	struct host *host = opaque;

	if (host->fail & 1 || len > MEMORY_SIZE || address > MEMORY_SIZE - len)
		return -1;
	memcpy(buf, host->memory + address, len);
	return 0;
}

static inline int write_memory(void *opaque, uint64_t address, const void *buf, size_t len)
{
	struct host *host = opaque;

	/* The library has promised: its part of the RTAS area, or page 7. */
	require((address >= RTAS_BASE + SAVE_OFFSET && len <= RTAS_SIZE &&
		 address <= RTAS_BASE + RTAS_SIZE - len) ||
		(address >= FWNMI_PAGE_7 && len <= FWNMI_PAGE_7_SIZE &&
		 address <= FWNMI_PAGE_7 + FWNMI_PAGE_7_SIZE - len));
	if (host->fail & 2)
		return -1;
	memcpy(host->memory + address, buf, len);
	return 0;
}

static inline int get_regs(void *opaque, unsigned cpu, struct fwnmi_regs *regs)
{
	struct host *host = opaque;

	require(cpu < NR_CPUS);
	*regs = host->regs[cpu];
	return host->fail & 4 ? -1 : 0;
}

static inline int set_regs(void *opaque, unsigned cpu, const struct fwnmi_regs *regs)
{
	struct host *host = opaque;

	require(cpu < NR_CPUS);
	host->regs[cpu] = *regs;
	return host->fail & 8 ? -1 : 0;
}

static inline void kick(void *opaque, unsigned cpu)
{
	require(opaque && cpu < NR_CPUS);
}

static inline void end_partition(void *opaque, unsigned cpu, enum fwnmi_end_reason reason)
{
	require(opaque && cpu < NR_CPUS && reason);
}

static inline int repair(void *opaque, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	require(cpu < NR_CPUS && mc);
	return ((struct host *)opaque)->fail & 16 ? -1 : 0;
}

static const struct fwnmi_ops ops = {
	.read_memory = read_memory,
	.write_memory = write_memory,
	.get_regs = get_regs,
	.set_regs = set_regs,
	.kick = kick,
	.end_partition = end_partition,
	.repair = repair,
	.stop_cpu = kick,
};

static inline void start(struct host *host, unsigned flags)
{
	const struct fwnmi_config config = {
		.nr_cpus = NR_CPUS,
		.rtas_base = RTAS_BASE,
		.rtas_size = RTAS_SIZE,
		.save_area_offset = SAVE_OFFSET,
		.strict = flags & 1,
		.interrupts_little_endian = flags & 2,
		.stale_handler = (enum fwnmi_stale_policy)((flags >> 2) % 3),
	};

	memset(host, 0, sizeof(*host));
	require(fwnmi_init(&host->f, &ops, host, &config) == 0);
}

/* One call, as the bytes at @p say; at least 8. */
static inline void make_call(struct host *host, const uint8_t *p)
{
	struct fwnmi_machine_check mc = {
		.error_type = p[2] & 7,
		.error_subtype = p[2] >> 3 & 7,
		.severity = p[3] & 7,
		.disposition = p[3] >> 3 & 3,
		.initiator = p[4] & 7,
		.unsafe_processor = p[4] >> 3 == 31,
		.transient = p[5] & 1,
		.effective_address_valid = p[5] & 2,
		.logical_address_valid = p[5] & 4,
		.effective_address = p[6],
		.srr1 = (uint64_t)p[7] << 16,
	};
	struct fwnmi_machine_check back;
	uint8_t buf[FWNMI_ERRLOG_MAX];
	unsigned cpu = p[1] % (NR_CPUS + 1);
	uint64_t routine = (uint64_t)p[2] << 8 | (p[3] & ~3u);

	switch (p[0] % 16) {
	case 0:
		fwnmi_register(&host->f, cpu, routine, (uint64_t)p[4] << 8);
		break;
	case 1:
		fwnmi_register2(&host->f, cpu, routine, (uint64_t)p[4] << 8);
		break;
	case 2:
	case 3:
		fwnmi_machine_check(&host->f, cpu, &mc);
		break;
	case 4:
		fwnmi_system_reset(&host->f, cpu);
		break;
	case 5:
		fwnmi_signal_system_reset(&host->f, cpu, (int8_t)p[2]);
		break;
	case 6:
	case 7:
		fwnmi_interlock(&host->f, cpu);
		break;
	case 8:
	case 9:
		fwnmi_resume(&host->f, cpu);
		fwnmi_handed_back(&host->f, cpu, &back);
		break;
	case 10:
		fwnmi_reset(&host->f);
		break;
	case 11:
		fwnmi_event_queue(&host->f, (enum fwnmi_event_source)(p[1] & 1), 1u << (p[2] & 31),
				  p + 3, 5);
		fwnmi_event_queue(&host->f, (enum fwnmi_event_source)(p[1] & 1), 0x40000000,
				  (const uint8_t[]){ 6, p[2], p[3], p[4], 0, 0, 0, 0 }, 8);
		break;
	case 12:
		fwnmi_event_scan(&host->f, ~0u, p[1] & 1, buf, (size_t)p[2] * 8);
		break;
	case 13:
		fwnmi_check_exception(&host->f, ~0u, p[1] & 1, buf, (size_t)p[2] * 8);
		break;
	case 14:
		host->fail = p[1] & 1 ? p[2] : 0;
		host->memory[p[3] << 8 | p[4]] = p[5];
		break;
	case 15:
		fwnmi_set_interrupt_endian(&host->f, p[1] & 1);
		fwnmi_end_log(&host->f, buf, (size_t)p[2] * 8);
		break;
	}
}

/* What can be saved can be loaded, and is the same then. */
static inline void check_record(const struct host *host)
{
	size_t length = fwnmi_state_size(&host->f);
	uint8_t *record = malloc(length), *again = malloc(length);
	struct host *other = malloc(sizeof(*other));

	require(record && again && other);
	start(other, 0);
	require(fwnmi_save(&host->f, record, length) == (int)length);
	require(fwnmi_load(&other->f, record, length) == 0);
	require(fwnmi_save(&other->f, again, length) == (int)length);
	require(memcmp(record, again, length) == 0);
	free(record);
	free(again);
	free(other);
}

#endif
