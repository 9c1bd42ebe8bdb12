/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the library share: a guest on the fake host that has registered, errors to
 * report, and what a delivery must leave behind.
 */
#ifndef LIBRARY_H
#define LIBRARY_H

#include "../fakes/host.h"
#include "unit.h"

enum {
	MEMORY_SIZE = 64 << 20,
	SAVE_OFFSET = 0x100,
	LOG_OFFSET = 8,
};
#define RTAS_BASE	0x2fff0000ull
#define BUFFER		(RTAS_BASE + SAVE_OFFSET)
#define SLOT(cpu)	(BUFFER + FWNMI_MC_BUFFER_SIZE + 16 * (cpu))
#define SLOT_2(cpu)	(FWNMI_PAGE_7 + FWNMI_MC_BUFFER_SIZE + 16 * (cpu))
#define SYSTEM_RESET	0x1920ull
#define MACHINE_CHECK	0x1990ull
#define MSR_BE		0x8000000000001000ull
#define MSR_LE		0x8000000000001001ull
#define INTERRUPTED_MSR 0x800000000280f033ull

static const struct fwnmi_config default_config = {
	.nr_cpus = NR_CPUS,
	.rtas_base = RTAS_BASE,
	.rtas_size = RTAS_SIZE,
	.save_area_offset = SAVE_OFFSET,
};

/* Makes the vCPU run code with registers of its own. */
static inline void run_something(struct host *host, unsigned cpu)
{
	host->regs[cpu] = (struct fwnmi_regs){
		.gpr3 = 0x3333000000000000 + cpu,
		.srr0 = 0x5050000000000000 + cpu,
		.srr1 = 0x5151000000000000 + cpu,
		.msr = INTERRUPTED_MSR,
		.nip = 0xc000000000010000 + 0x100 * cpu,
	};
}

static inline void start_with(struct host *host, const struct fwnmi_config *config,
			      const struct fwnmi_ops *host_ops)
{
	assert_int_equal(host_init(host, config, host_ops, MEMORY_SIZE, MEMORY_FILL), 0);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		run_something(host, cpu);
}

static inline void start(struct host *host, const struct fwnmi_config *config)
{
	start_with(host, config, &ops);
}

static inline void enrol(struct host *host)
{
	assert_int_equal(fwnmi_register(host->f, 0, SYSTEM_RESET, MACHINE_CHECK), 0);
	host->may_write = RTAS_AREA;
}

static inline void enrol_2(struct host *host)
{
	assert_int_equal(fwnmi_register2(host->f, 0, SYSTEM_RESET, MACHINE_CHECK), 0);
	host->may_write = PAGE_7;
}

static inline int set_up(void **state)
{
	struct host *host = malloc(sizeof(*host));

	assert_non_null(host);
	start(host, &default_config);
	enrol(host);
	*state = host;
	return 0;
}

static inline int tear_down(void **state)
{
	struct host *host = *state;

	assert_false(host->wrote_elsewhere);
	free(host);
	return 0;
}

static inline void restart_strict(struct host *host)
{
	struct fwnmi_config config = default_config;

	config.strict = true;
	start(host, &config);
	enrol(host);
}

static inline struct fwnmi_machine_check slb_multihit(void)
{
	return (struct fwnmi_machine_check){
		.error_type = FWNMI_MC_SLB,
		.error_subtype = FWNMI_SLB_MULTIHIT,
		.severity = FWNMI_SEVERITY_ERROR_SYNC,
		.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED,
		.initiator = FWNMI_INITIATOR_CPU,
		.effective_address_valid = true,
		.effective_address = 0xc000000012345678,
		.srr1 = 0x00200000,
	};
}

static inline struct fwnmi_machine_check fatal_ue(void)
{
	return (struct fwnmi_machine_check){
		.error_type = FWNMI_MC_UE,
		.severity = FWNMI_SEVERITY_FATAL,
		.disposition = FWNMI_DISPOSITION_NOT_RECOVERED,
		.initiator = FWNMI_INITIATOR_MEMORY,
	};
}

/* What R3 points to. */
static inline const uint8_t *error_area(const struct host *host, uint64_t address)
{
	if (address < LOW_MEMORY_SIZE)
		return host->low_memory + address;
	assert_in_range(address, RTAS_BASE, RTAS_BASE + RTAS_SIZE - 16);
	return host->rtas + (address - RTAS_BASE);
}

static inline uint64_t saved_r3(const struct host *host, uint64_t address)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 8; i++)
		value = value << 8 | error_area(host, address)[i];
	return value;
}

static inline struct fwnmi_errlog log_at(const struct host *host, uint64_t address)
{
	struct fwnmi_errlog log;

	assert_true(fwnmi_errlog_decode(&log, error_area(host, address) + LOG_OFFSET,
					FWNMI_MC_BUFFER_SIZE - LOG_OFFSET) > 0);
	return log;
}

static inline struct fwnmi_errlog buffer_log(const struct host *host)
{
	return log_at(host, BUFFER);
}

static inline void assert_at_handler(const struct host *host, unsigned cpu, uint64_t routine,
				     uint64_t srr1)
{
	assert_int_equal(host->regs[cpu].nip, routine);
	const uint64_t me = 0x1000;

	/* No system reset changes MSR[ME]; after a machine check it is 1. */
	assert_int_equal(host->regs[cpu].msr,
			 routine == SYSTEM_RESET ? (MSR_BE & ~me) | (srr1 & me) : MSR_BE);
	assert_int_equal(host->regs[cpu].srr0, 0xc000000000010000 + 0x100 * cpu);
	assert_int_equal(host->regs[cpu].srr1, srr1);
}

/* The architected interrupt: R3 and MSR[ME] stay, and only registers change. */
static inline void assert_at_vector(const struct host *host, unsigned cpu, uint64_t vector,
				    uint64_t srr1)
{
	const uint64_t me = 0x1000;

	assert_int_equal(host->regs[cpu].nip, vector);
	assert_int_equal(host->regs[cpu].msr, (MSR_BE & ~me) | (srr1 & me));
	assert_int_equal(host->regs[cpu].srr0, 0xc000000000010000 + 0x100 * cpu);
	assert_int_equal(host->regs[cpu].srr1, srr1);
	assert_int_equal(host->regs[cpu].gpr3, 0x3333000000000000 + cpu);
}

static inline void assert_untouched(const struct host *host, unsigned cpu)
{
	struct host expected;

	run_something(&expected, cpu);
	assert_memory_equal(&host->regs[cpu], &expected.regs[cpu], sizeof(host->regs[cpu]));
}

static inline void take(struct host *host, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	assert_int_equal(host_machine_check(host, cpu, mc), FWNMI_DELIVERED);
}

#endif
