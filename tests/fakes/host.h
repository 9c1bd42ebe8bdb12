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
	FWNMI_MEMORY = 0xc000, /* enough for 64 vCPUs */
};

enum host_callback {
	READ_MEMORY,
	KICK,
	REPAIR,
	CALLBACKS
};

/* What the library may have written to. */
enum {
	RTAS_AREA = 1, /* the library's part */
	PAGE_7 = 2,
};

struct host {
	struct fwnmi *f; /* in fwnmi_memory */
	struct fwnmi_config config;
	struct fwnmi_regs regs[NR_CPUS];
	uint64_t dar[NR_CPUS];
	uint32_t dsisr[NR_CPUS];
	uint8_t rtas[RTAS_SIZE]; /* lies at config.rtas_base */
	uint8_t low_memory[LOW_MEMORY_SIZE]; /* addresses above read as MEMORY_FILL */
	uint64_t memory_size;
	unsigned may_write;
	bool wrote_elsewhere;
	unsigned reads, writes, register_writes;
	struct fwnmi_outcome outcome; /* of the last event */
	unsigned kicks[NR_CPUS];
	unsigned last_kicked;
	unsigned stops[NR_CPUS];
	unsigned ends;
	unsigned ended_by;
	enum fwnmi_end_reason end_reason;
	unsigned repairs;
	unsigned repaired_cpu;
	struct fwnmi_machine_check repaired;
	bool fail_reads, fail_repair;
	void (*on_callback)(struct host *host, enum host_callback callback); /* may be NULL */
	_Alignas(8) uint8_t fwnmi_memory[FWNMI_MEMORY];
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

/* Copies the part of the @len bytes at @address that lies in @region, which begins at @base. */
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

static inline void kick(void *opaque, unsigned cpu)
{
	struct host *host = called_back_for(opaque, KICK, cpu);

	host->kicks[cpu]++;
	host->last_kicked = cpu;
}

static inline int repair(void *opaque, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	struct host *host = called_back_for(opaque, REPAIR, cpu);

	host->repairs++;
	host->repaired_cpu = cpu;
	host->repaired = *mc;
	return host->fail_repair ? -1 : 0;
}

/* Callbacks that a host must have. */
static const struct fwnmi_ops ops = {
	.read_memory = read_memory,
	.kick = kick,
};

/* The optional one. */
static const struct fwnmi_ops all_ops = {
	.read_memory = read_memory,
	.kick = kick,
	.repair = repair,
};

/* Memory is @memory_size bytes of @fill, and the library has its part of the RTAS area. */
static inline int host_init(struct host *host, const struct fwnmi_config *config,
			    const struct fwnmi_ops *host_ops, uint64_t memory_size, uint8_t fill)
{
	memset(host, 0, offsetof(struct host, fwnmi_memory));
	memset(host->low_memory, fill, sizeof(host->low_memory));
	host->config = *config;
	host->memory_size = memory_size;
	host->may_write = RTAS_AREA;
	host->f = (struct fwnmi *)host->fwnmi_memory;
	return fwnmi_init(host->f, sizeof(host->fwnmi_memory), host_ops, host, config);
}

/* ---- events: a vCPU's registers go in, and the host does what the outcome says ---- */

static inline bool within(uint64_t address, size_t len, uint64_t base, size_t size)
{
	return address >= base && len <= size && address - base <= size - len;
}

static inline void host_write(struct host *host, uint64_t address, const void *buf, size_t len)
{
	const struct fwnmi_config *config = &host->config;

	host->writes++;
	if (host->may_write & PAGE_7 && within(address, len, FWNMI_PAGE_7, FWNMI_PAGE_7_SIZE))
		memcpy(host->low_memory + address, buf, len);
	else if (host->may_write & RTAS_AREA &&
		 within(address, len, config->rtas_base + config->save_area_offset,
			fwnmi_rtas_area_size(config->nr_cpus)) &&
		 within(address, len, config->rtas_base, RTAS_SIZE))
		memcpy(host->rtas + (address - config->rtas_base), buf, len);
	else
		host->wrote_elsewhere = true;
}

/* What the host's events return instead of FWNMI_DELIVERED if no routine is entered. */
enum {
	AT_VECTOR = 100, /* FWNMI_ENTRY_VECTOR */
	AT_VECTOR_STALE, /* FWNMI_ENTRY_STALE */
};

/* Returns the error, or else the result. */
static inline int host_carry_out(struct host *host, unsigned cpu, int err, bool logged)
{
	const struct fwnmi_outcome *outcome = &host->outcome;

	if (err)
		return err;
	require((outcome->result == FWNMI_DELIVERED) == (outcome->entry != FWNMI_ENTRY_NONE));
	if (outcome->result != FWNMI_DELIVERED) {
		/* Without a delivery, the outcome holds nothing to write. */
		require(!outcome->write.address && !outcome->write.length);
		require(!outcome->dsisr_valid && !outcome->dar_valid);
		if (cpu < NR_CPUS)
			require(!memcmp(&outcome->regs, &host->regs[cpu], sizeof(outcome->regs)));
	} else {
		require(cpu < NR_CPUS);
		if (outcome->write.length)
			host_write(host, outcome->write.address, outcome->write.bytes,
				   outcome->write.length);
		host->register_writes++;
		host->regs[cpu] = outcome->regs;
		if (outcome->dsisr_valid)
			host->dsisr[cpu] = outcome->dsisr;
		if (outcome->dar_valid)
			host->dar[cpu] = outcome->dar;
	}
	if (outcome->entry == FWNMI_ENTRY_VECTOR || outcome->entry == FWNMI_ENTRY_STALE) {
		require(!outcome->write.length && host->regs[cpu].nip == outcome->vector);
		return outcome->entry == FWNMI_ENTRY_STALE ? AT_VECTOR_STALE : AT_VECTOR;
	}
	if (outcome->result == FWNMI_ENDED && logged) {
		require(fwnmi_end_reason_text(outcome->end_reason));
		host->ends++;
		host->ended_by = cpu;
		host->end_reason = outcome->end_reason;
	}
	if (outcome->result == FWNMI_STOPPED && logged && cpu < NR_CPUS)
		host->stops[cpu]++;
	return outcome->result;
}

#define HOST_EVENT(host, cpu, call)                                                           \
	do {                                                                                  \
		const struct fwnmi_regs none = { 0 };                                         \
		const struct fwnmi_regs *regs = (cpu) < NR_CPUS ? &(host)->regs[cpu] : &none; \
		const uint32_t log_id = fwnmi_log_id((host)->f);                              \
		int err = call;                                                               \
                                                                                              \
		/* Who stops or ends leaves a log. */                                         \
		return host_carry_out(host, cpu, err, fwnmi_log_id((host)->f) != log_id);     \
	} while (0)

static inline int host_machine_check(struct host *host, unsigned cpu,
				     const struct fwnmi_machine_check *mc)
{
	HOST_EVENT(host, cpu, fwnmi_machine_check(host->f, cpu, regs, mc, &host->outcome));
}

static inline int host_system_reset(struct host *host, unsigned cpu)
{
	HOST_EVENT(host, cpu, fwnmi_system_reset(host->f, cpu, regs, &host->outcome));
}

static inline int host_resume(struct host *host, unsigned cpu)
{
	HOST_EVENT(host, cpu, fwnmi_resume(host->f, cpu, regs, &host->outcome));
}

#endif
