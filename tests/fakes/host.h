/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one host for libfwnmi that unit tests, conformance tests and fuzzers share. It records what
 * the library does to memory, registers and vCPUs, and it can be made to fail.
 */
#ifndef FAKES_HOST_H
#define FAKES_HOST_H

#include <string.h>

#include <fwnmi/fwnmi.h>

#include "require.h"

enum {
	NR_CPUS = 4,
	LOW_MEMORY_SIZE = 0x10000,
	RTAS_SIZE = 0x2000,
	MEMORY_FILL = 0x60,
};

enum host_callback {
	READ_MEMORY,
	WRITE_MEMORY,
	GET_REGS,
	SET_REGS,
	KICK,
	END,
	REPAIR,
	STOP,
	CALLBACKS
};

/* What the library may write to: a bit for each. */
enum {
	RTAS_AREA = 1, /* its part of it */
	PAGE_7 = 2,
};

struct host {
	struct fwnmi f;
	struct fwnmi_config config;
	struct fwnmi_regs regs[NR_CPUS];
	uint8_t rtas[RTAS_SIZE]; /* lies at config.rtas_base */
	uint8_t low_memory[LOW_MEMORY_SIZE]; /* what lies behind it reads as MEMORY_FILL */
	uint64_t memory_size;
	unsigned may_write;
	bool wrote_elsewhere;
	unsigned reads, writes, register_reads, register_writes;
	unsigned kicks[NR_CPUS];
	unsigned last_kicked;
	unsigned stops[NR_CPUS];
	unsigned ends;
	unsigned ended_by;
	enum fwnmi_end_reason end_reason;
	unsigned repairs;
	unsigned repaired_cpu;
	struct fwnmi_machine_check repaired;
	bool fail_reads, fail_writes, fail_get_regs, fail_set_regs, fail_repair;
	void (*on_callback)(struct host *host, enum host_callback callback); /* may be NULL */
};

/* ---- the callbacks ---- */

static inline struct host *called_back(void *opaque, enum host_callback callback)
{
	struct host *host = opaque;

	if (host->on_callback)
		host->on_callback(host, callback);
	return host;
}

static inline struct host *called_back_for(void *opaque, enum host_callback callback, unsigned cpu)
{
	require(cpu < NR_CPUS);
	return called_back(opaque, callback);
}

/* Copy what @region, which lies at @base, has of the @len bytes at @address. */
static inline void copy_region(uint8_t *to, uint64_t address, size_t len, const uint8_t *region,
			       uint64_t base, size_t size)
{
	uint64_t from = address > base ? address : base;
	uint64_t end = address + len < base + size ? address + len : base + size;

	if (from < end)
		memcpy(to + (from - address), region + (from - base), end - from);
}

static inline int read_memory(void *opaque, uint64_t address, void *buf, size_t len)
{
	struct host *host = called_back(opaque, READ_MEMORY);

	host->reads++;
	if (host->fail_reads || len > host->memory_size || address > host->memory_size - len)
		return -1;
	memset(buf, MEMORY_FILL, len);
	copy_region(buf, address, len, host->low_memory, 0, LOW_MEMORY_SIZE);
	copy_region(buf, address, len, host->rtas, host->config.rtas_base, RTAS_SIZE);
	return 0;
}

static inline bool within(uint64_t address, size_t len, uint64_t base, size_t size)
{
	return address >= base && len <= size && address - base <= size - len;
}

static inline int write_memory(void *opaque, uint64_t address, const void *buf, size_t len)
{
	struct host *host = called_back(opaque, WRITE_MEMORY);
	const struct fwnmi_config *config = &host->config;

	host->writes++;
	if (host->fail_writes)
		return -1;
	if (host->may_write & PAGE_7 && within(address, len, FWNMI_PAGE_7, FWNMI_PAGE_7_SIZE)) {
		memcpy(host->low_memory + address, buf, len);
		return 0;
	}
	if (host->may_write & RTAS_AREA &&
	    within(address, len, config->rtas_base + config->save_area_offset,
		   fwnmi_rtas_area_size(config->nr_cpus)) &&
	    within(address, len, config->rtas_base, RTAS_SIZE)) {
		memcpy(host->rtas + (address - config->rtas_base), buf, len);
		return 0;
	}
	host->wrote_elsewhere = true;
	return -1;
}

static inline int get_regs(void *opaque, unsigned cpu, struct fwnmi_regs *regs)
{
	struct host *host = called_back_for(opaque, GET_REGS, cpu);

	host->register_reads++;
	*regs = host->regs[cpu];
	return host->fail_get_regs ? -1 : 0;
}

static inline int set_regs(void *opaque, unsigned cpu, const struct fwnmi_regs *regs)
{
	struct host *host = called_back_for(opaque, SET_REGS, cpu);

	if (host->fail_set_regs)
		return -1;
	host->register_writes++;
	host->regs[cpu] = *regs;
	return 0;
}

static inline void kick(void *opaque, unsigned cpu)
{
	struct host *host = called_back_for(opaque, KICK, cpu);

	host->kicks[cpu]++;
	host->last_kicked = cpu;
}

static inline void end_partition(void *opaque, unsigned cpu, enum fwnmi_end_reason reason)
{
	struct host *host = opaque;

	require(cpu < NR_CPUS && fwnmi_end_reason_text(reason));
	host->ends++;
	host->ended_by = cpu;
	host->end_reason = reason;
	called_back(host, END);
}

static inline int repair(void *opaque, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	struct host *host = called_back_for(opaque, REPAIR, cpu);

	host->repairs++;
	host->repaired_cpu = cpu;
	host->repaired = *mc;
	return host->fail_repair ? -1 : 0;
}

static inline void stop_cpu(void *opaque, unsigned cpu)
{
	called_back_for(opaque, STOP, cpu)->stops[cpu]++;
}

/* Those that a host must have. */
static const struct fwnmi_ops ops = {
	.read_memory = read_memory,
	.write_memory = write_memory,
	.get_regs = get_regs,
	.set_regs = set_regs,
	.kick = kick,
	.end_partition = end_partition,
};

/* And those that it may have. */
static const struct fwnmi_ops all_ops = {
	.read_memory = read_memory,
	.write_memory = write_memory,
	.get_regs = get_regs,
	.set_regs = set_regs,
	.kick = kick,
	.end_partition = end_partition,
	.repair = repair,
	.stop_cpu = stop_cpu,
};

/* Memory is @memory_size bytes of @fill, and the library has its part of the RTAS area. */
static inline int host_init(struct host *host, const struct fwnmi_config *config,
			    const struct fwnmi_ops *host_ops, uint64_t memory_size, uint8_t fill)
{
	memset(host, 0, sizeof(*host));
	memset(host->low_memory, fill, sizeof(host->low_memory));
	host->config = *config;
	host->memory_size = memory_size;
	host->may_write = RTAS_AREA;
	return fwnmi_init(&host->f, host_ops, host, config);
}

/* ---- the calls about a vCPU and its registers ---- */

static inline int host_machine_check(struct host *host, unsigned cpu,
				     const struct fwnmi_machine_check *mc)
{
	return fwnmi_machine_check(&host->f, cpu, mc);
}

static inline int host_system_reset(struct host *host, unsigned cpu)
{
	return fwnmi_system_reset(&host->f, cpu);
}

static inline int host_resume(struct host *host, unsigned cpu)
{
	return fwnmi_resume(&host->f, cpu);
}

#endif
