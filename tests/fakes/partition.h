/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A partition on an engine that executes nothing: it stores registers, and counts what the
 * partition asks of engine and machine. Tests make hypervisor and RTAS calls with hcall() and
 * rtas_call().
 */
#ifndef FAKES_PARTITION_H
#define FAKES_PARTITION_H

#include "pseries/partition.h"
#include "../unit/unit.h"

#define FAKE_RAM    (64ull << 20)
#define FAKE_CPUS   4u
#define KERNEL_BASE 0x400000ull
#define KERNEL_SIZE 0x1000000ull
#define INITRD_BASE 0x2000000ull
#define INITRD_SIZE 0x123456ull
#define BUFFER	    0x3000000ull /* guest memory for use by tests */

#define H_SUCCESS   0
#define H_BUSY	    1
#define H_FUNCTION  -2
#define H_PRIVILEGE -3
#define H_HARDWARE  -1
#define H_PARAMETER -4
#define H_RESOURCE  -16
#define H_P2	    -55
#define H_P3	    -56
#define H_P4	    -57
#define H_P5	    -58

/* For fake_machine_check(). */
static const struct fwnmi_machine_check fake_slb_multihit = {
	.error_type = FWNMI_MC_SLB,
	.error_subtype = FWNMI_SLB_MULTIHIT,
	.severity = FWNMI_SEVERITY_ERROR_SYNC,
	.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED,
	.initiator = FWNMI_INITIATOR_CPU,
	.effective_address_valid = true,
	.effective_address = 0xc000000012345678,
};

struct fake {
	struct guest_memory memory;
	struct guest_clock clock;
	struct engine_ops ops;
	struct papr *papr;
	struct engine_regs regs[FAKE_CPUS];
	bool external[ENGINE_MAX_VCPUS]; /* also of a partition that has more than FAKE_CPUS */
	unsigned capabilities;
	struct engine_partition partition;
	unsigned interrupts[FAKE_CPUS], interrupt_vector[FAKE_CPUS];
	uint64_t interrupt_srr1[FAKE_CPUS];
	struct engine_slb_entry slb[FAKE_CPUS][SLB_ENTRIES];
	struct fake_flush { /* the last one of flush_hpte() */
		uint64_t index, v, r;
	} flushed;
	bool flushed_slb; /* by the last flush_tlb() */
	uint64_t late_bits; /* a vCPU sets R or C until flush_hpte() has returned */
	struct fake_process_flush { /* the last one of flush_process() */
		uint32_t pid;
		uint64_t first, last;
		bool planted;
	} process_flushed;
	unsigned flushes, process_flushes, hpte_flushes, wakes[FAKE_CPUS], prods[FAKE_CPUS],
		kicks[FAKE_CPUS], starts[FAKE_CPUS], debug_lines;
	struct papr_errinjct_request errinjct; /* the last one */
	bool refuses_errinjct;
	enum vcpu_state state[FAKE_CPUS];
	char output[256];
	unsigned output_len;
	bool console_busy;
	const char *input; /* remaining console input */
	struct papr_event events[16];
	char panic[256];
	unsigned nr_events;
	enum papr_action action; /* of the last hcall */
	struct papr_outcome outcome; /* of the last event */
};

static struct fake fake;

static void fake_describe(const struct engine *engine, struct engine_description *description)
{
	*description = (struct engine_description){ .capabilities = fake.capabilities };
}

static void fake_get_regs(struct engine *engine, unsigned vcpu, struct engine_regs *regs)
{
	*regs = fake.regs[vcpu];
}

static void fake_set_regs(struct engine *engine, unsigned vcpu, const struct engine_regs *regs)
{
	fake.regs[vcpu] = *regs;
}

static void fake_set_external(struct engine *engine, unsigned vcpu, bool level)
{
	fake.external[vcpu] = level;
}

static void fake_set_partition(struct engine *engine, const struct engine_partition *partition)
{
	fake.partition = *partition;
}

static void fake_flush_tlb(struct engine *engine, bool slb)
{
	fake.flushed_slb = slb;
	fake.flushes++;
}

static void fake_flush_process(struct engine *engine, uint32_t pid, uint64_t first, uint64_t last,
			       bool planted)
{
	fake.process_flushes++;
	fake.process_flushed = (struct fake_process_flush){ pid, first, last, planted };
}

static void fake_flush_hpte(struct engine *engine, uint64_t index, uint64_t v, uint64_t r)
{
	fake.hpte_flushes++;
	fake.flushed = (struct fake_flush){ index, v, r };
	put_be64(&fake.partition.hash_table[index * 2 + 1],
		 get_be64(&fake.partition.hash_table[index * 2 + 1]) | fake.late_bits);
}

static void fake_set_slb(struct engine *engine, unsigned vcpu,
			 const struct engine_slb_entry *entries)
{
	memcpy(fake.slb[vcpu], entries, sizeof(fake.slb[vcpu]));
}

static uint64_t fake_insns(const struct engine *engine, unsigned vcpu)
{
	return 1000 + vcpu;
}

static void fake_console_write(void *opaque, const void *buf, unsigned len)
{
	assert_true(fake.output_len + len < sizeof(fake.output));
	memcpy(fake.output + fake.output_len, buf, len);
	fake.output_len += len;
}

static bool fake_console_busy(void *opaque)
{
	return fake.console_busy;
}

static unsigned fake_console_read(void *opaque, void *buf, unsigned len)
{
	unsigned n = (unsigned)strlen(fake.input);

	if (n > len)
		n = len;
	memcpy(buf, fake.input, n);
	fake.input += n;
	return n;
}

static enum vcpu_state fake_vcpu_state(void *opaque, unsigned vcpu)
{
	return fake.state[vcpu];
}

static void fake_vcpu_start(void *opaque, unsigned vcpu)
{
	fake.starts[vcpu]++;
	fake.state[vcpu] = VCPU_RUNNABLE;
}

static void fake_vcpu_wake(void *opaque, unsigned vcpu)
{
	fake.wakes[vcpu]++;
}

static void fake_vcpu_prod(void *opaque, unsigned vcpu)
{
	fake.prods[vcpu]++;
}

static void fake_vcpu_kick(void *opaque, unsigned vcpu)
{
	fake.kicks[vcpu]++;
}

static void fake_event(void *opaque, const struct papr_event *event)
{
	if (event->type == PAPR_EVENT_ERRINJCT) {
		event->errinjct->taken = !fake.refuses_errinjct;
		fake.errinjct = *event->errinjct;
	}
	if (event->type == PAPR_EVENT_PANIC)
		snprintf(fake.panic, sizeof(fake.panic), "%s", event->text);
	if (fake.nr_events < ARRAY_SIZE(fake.events))
		fake.events[fake.nr_events++] = *event;
}

static void fake_debug(void *opaque, const char *line)
{
	assert_null(strchr(line, '\n'));
	fake.debug_lines++;
}

static inline struct papr_config fake_config(void)
{
	fake.ops = (struct engine_ops){
		.name = "fake",
		.describe = fake_describe,
		.get_regs = fake_get_regs,
		.set_regs = fake_set_regs,
		.set_external = fake_set_external,
		.set_partition = fake_set_partition,
		.flush_tlb = fake_flush_tlb,
		.flush_process = fake_flush_process,
		.flush_hpte = fake_flush_hpte,
		.set_slb = fake_set_slb,
		.insns = fake_insns,
	};
	return (struct papr_config){
		.memory = &fake.memory,
		.clock = &fake.clock,
		.engine_ops = &fake.ops,
		.host = {
			.vcpu_state = fake_vcpu_state,
			.vcpu_start = fake_vcpu_start,
			.vcpu_wake = fake_vcpu_wake,
			.vcpu_prod = fake_vcpu_prod,
			.vcpu_kick = fake_vcpu_kick,
			.event = fake_event,
			.debug = fake_debug,
		},
		.console = { fake_console_write, fake_console_read, fake_console_busy, NULL },
		.nr_vcpus = FAKE_CPUS,
		.options = { .bootargs = "console=hvc0", .errinjct = true },
		.image = { .kernel_base = KERNEL_BASE,
			   .kernel_entry = KERNEL_BASE,
			   .kernel_size = KERNEL_SIZE,
			   .kernel_little_endian = true,
			   .initrd_base = INITRD_BASE,
			   .initrd_size = INITRD_SIZE },
	};
}

static inline void fake_memory(uint64_t size)
{
	memset(&fake, 0, sizeof(fake));
	fake.input = "";
	fake.clock.mode = CLOCK_INSN;
	fake.state[0] = VCPU_RUNNABLE;
	fake.capabilities = ~0u;
	fake.memory.size = size;
	fake.memory.hypervisor_size = papr_hypervisor_memory(size);
	fake.memory.base = calloc(1, memory_extent(&fake.memory));
	assert_non_null(fake.memory.base);
}

static inline int fake_setup(void **state)
{
	struct papr_config config;
	char err[256];

	fake_memory(FAKE_RAM);
	config = fake_config();
	fake.papr = papr_create(&config, err, sizeof(err));
	assert_non_null(fake.papr);
	assert_int_equal(papr_reset(fake.papr, err, sizeof(err)), 0);
	return 0;
}

static inline int fake_teardown(void **state)
{
	papr_destroy(fake.papr);
	free(fake.memory.base);
	fake.papr = NULL;
	fake.memory.base = NULL;
	return 0;
}

/*
 * Makes a hypervisor call with up to four arguments; returns r3. The results are in fake.regs[cpu].
 */
static inline int64_t hcall(unsigned cpu, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
			    uint64_t d)
{
	struct engine_regs *regs = &fake.regs[cpu];

	regs->gpr[3] = number;
	regs->gpr[4] = a;
	regs->gpr[5] = b;
	regs->gpr[6] = c;
	regs->gpr[7] = d;
	fake.state[cpu] = VCPU_RUNNABLE;
	fake.action = papr_hcall(fake.papr, cpu, &fake.outcome);
	if (fake.action == PAPR_CEDE)
		fake.state[cpu] = VCPU_CEDED;
	if (fake.action == PAPR_STOP)
		fake.state[cpu] = VCPU_STOPPED;
	return (int64_t)regs->gpr[3];
}

/* Events; each keeps the outcome in fake.outcome. */
static inline enum papr_result fake_took(unsigned cpu)
{
	if (fake.outcome.result == PAPR_UNSAFE)
		fake.state[cpu] = VCPU_UNSAFE;
	if (fake.outcome.result == PAPR_VECTOR || fake.outcome.result == PAPR_RAISED) {
		fake.interrupts[cpu]++;
		fake.interrupt_vector[cpu] = fake.outcome.vector;
		fake.interrupt_srr1[cpu] = fake.outcome.regs.srr1 & FWNMI_SRR1_CAUSE_MASK;
	}
	return fake.outcome.result;
}

static inline enum papr_result fake_machine_check(unsigned cpu,
						  const struct fwnmi_machine_check *mc)
{
	const struct engine_regs before = fake.regs[cpu];

	papr_machine_check(fake.papr, cpu, &before, mc, false, &fake.outcome);
	return fake_took(cpu);
}

static inline enum papr_result fake_system_reset(unsigned cpu)
{
	const struct engine_regs before = fake.regs[cpu];

	papr_system_reset(fake.papr, cpu, &before, &fake.outcome);
	return fake_took(cpu);
}

static inline enum papr_result fake_resume(unsigned cpu)
{
	papr_resume(fake.papr, cpu, &fake.outcome);
	return fake_took(cpu);
}

#define RESULT(cpu, n) (fake.regs[cpu].gpr[3 + (n)])

#define ARGUMENTS 0x3100000ull /* argument buffer of RTAS calls */

/*
 * Makes an RTAS call with @nr_args cells of input and room for @nr_rets of output, which go to
 * @rets. Returns the status.
 */
static inline int32_t rtas_call(unsigned cpu, uint32_t token, unsigned nr_args,
				const uint32_t *args, unsigned nr_rets, uint32_t *rets)
{
	uint32_t status = 0xdeadbeef;

	memory_write_be32(&fake.memory, ARGUMENTS, token);
	memory_write_be32(&fake.memory, ARGUMENTS + 4, nr_args);
	memory_write_be32(&fake.memory, ARGUMENTS + 8, nr_rets);
	for (unsigned i = 0; i < nr_args; i++)
		memory_write_be32(&fake.memory, ARGUMENTS + 12 + 4 * i, args[i]);
	assert_int_equal(hcall(cpu, 0xf000, ARGUMENTS, 0, 0, 0), H_SUCCESS);
	memory_read_be32(&fake.memory, ARGUMENTS + 12 + 4 * nr_args, &status);
	for (unsigned i = 0; i + 1 < nr_rets; i++)
		memory_read_be32(&fake.memory, ARGUMENTS + 16 + 4 * nr_args + 4 * i, &rets[i]);
	return (int32_t)status;
}

#endif
