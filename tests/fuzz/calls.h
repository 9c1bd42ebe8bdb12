/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest that may do anything: calls made of bytes, on the fake host with little memory. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "../fakes/host.h"
#include "fuzz.h"

enum {
	RTAS_BASE = 0xa000,
	SAVE_OFFSET = 0x40,
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

	require(host_init(host, &config, &all_ops, LOW_MEMORY_SIZE, 0) == 0);
	/* Which of the two calls registered the guest does not matter here. */
	host->may_write = RTAS_AREA | PAGE_7;
}

static inline void store(struct host *host, unsigned address, uint8_t value)
{
	if (address - RTAS_BASE < RTAS_SIZE)
		host->rtas[address - RTAS_BASE] = value;
	else
		host->low_memory[address] = value;
}

static inline void fail(struct host *host, unsigned callbacks)
{
	host->fail_reads = callbacks & 1;
	host->fail_repair = callbacks & 16;
}

/* Makes one call, chosen by the bytes at @p, at least 8. */
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
	uint8_t buf[FWNMI_ERRLOG_MAX];
	unsigned cpu = p[1] % (NR_CPUS + 1);
	uint64_t routine = (uint64_t)p[2] << 8 | (p[3] & ~3u);

	switch (p[0] % 16) {
	case 0:
		fwnmi_register(host->f, cpu, routine, (uint64_t)p[4] << 8);
		break;
	case 1:
		fwnmi_register2(host->f, cpu, routine, (uint64_t)p[4] << 8);
		break;
	case 2:
	case 3:
		host_machine_check(host, cpu, &mc);
		break;
	case 4:
		host_system_reset(host, cpu);
		break;
	case 5:
		fwnmi_signal_system_reset(host->f, cpu, (int8_t)p[2]);
		break;
	case 6:
	case 7:
		fwnmi_interlock(host->f, cpu);
		break;
	case 8:
	case 9:
		if (p[2] % 8 == 1)
			fwnmi_signal_machine_check(host->f, cpu, &mc);
		host_resume(host, cpu);
		fwnmi_may_run(host->f, cpu);
		if (p[2] % 8 == 2)
			fwnmi_signal_machine_check(host->f, cpu, &mc);
		if (p[2] % 8 == 0)
			fwnmi_withdraw(host->f, cpu);
		break;
	case 10:
		fwnmi_reset(host->f);
		break;
	case 11:
		fwnmi_event_queue(host->f, (enum fwnmi_event_source)(p[1] & 1), 1u << (p[2] & 31),
				  p + 3, 5);
		fwnmi_event_queue(host->f, (enum fwnmi_event_source)(p[1] & 1), 0x40000000,
				  (const uint8_t[]){ 6, p[2], p[3], p[4], 0, 0, 0, 0 }, 8);
		break;
	case 12:
		fwnmi_event_scan(host->f, ~0u, p[1] & 1, buf, (size_t)p[2] * 8);
		break;
	case 13:
		fwnmi_check_exception(host->f, ~0u, p[1] & 1, buf, (size_t)p[2] * 8);
		break;
	case 14:
		fail(host, p[1] & 1 ? p[2] : 0);
		store(host, (unsigned)p[3] << 8 | p[4], p[5]);
		break;
	case 15:
		fwnmi_set_interrupt_endian(host->f, p[1] & 1);
		fwnmi_end_log(host->f, buf, (size_t)p[2] * 8);
		break;
	}
	require(!host->wrote_elsewhere);
}

/* Any saved state can be loaded, and saves as the same record again. */
static inline void check_record(const struct host *host)
{
	size_t length = fwnmi_state_size(host->f);
	uint8_t *record = malloc(length), *again = malloc(length);
	struct host *other = malloc(sizeof(*other));

	require(record && again && other);
	start(other, 0);
	require(fwnmi_save(host->f, record, length) == (int)length);
	require(fwnmi_load(other->f, record, length) == 0);
	require(fwnmi_save(other->f, again, length) == (int)length);
	require(memcmp(record, again, length) == 0);
	free(record);
	free(again);
	free(other);
}

#endif
