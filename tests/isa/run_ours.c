/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our side of the differential test: the whole engine runs the words, in problem state, without
 * translation, on flat memory. The words after it make a system call; every interrupt vector
 * contains a hypervisor call, which ends the run.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/emu/insn/prefixed.h"
#include "engine/emu/private.h"
#include "table.h"

#define INSN(n, v, m, i, g)	      { #n, v, m, i, 0, 0 },
#define CALL(n, v, m, i, f, s)	      { #n, v, m, i, 0, 0 },
#define P_INSN(n, form, v, m, g)      { #n, v, m, PREFIX_ISA, PREFIX_##form },
#define P_ACCESS(n, form, v, m, f, s) P_INSN(n, form, v, m, s)
#define P_CALL(n, form, v, m, f, s)   P_INSN(n, form, v, m, s)
const struct table_entry table[] = {
#include "engine/emu/insn/insn.def"
#include "engine/emu/insn/prefixed.def"
};
#undef INSN
#undef CALL
#undef P_INSN
#undef P_ACCESS
#undef P_CALL
const size_t table_entries = sizeof(table) / sizeof(table[0]);

#define MEMORY_BYTES (CASE_CODE + 0x10000)
#define SYSTEM_CALL  0x44000002u
#define HYPERCALL    0x44000022u
#define VECTOR_END   0x1000
#define MOST_INSNS   1000 /* of a case, which has far fewer */

static struct guest_memory memory;
static struct guest_clock guest_clock = { .mode = CLOCK_INSN };
static struct engine *engine;

static void start(void)
{
	const struct engine_config config = { .memory = &memory,
					      .clock = &guest_clock,
					      .jit = getenv("FWNMI_ISA_TRANSLATE") ?
							     ENGINE_JIT_FORCE :
							     ENGINE_JIT_OFF,
					      .nr_vcpus = 1 };
	char err[160];

	memory.size = MEMORY_BYTES;
	memory.base = mmap(NULL, memory.size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory.base == MAP_FAILED) {
		perror("guest memory");
		exit(1);
	}
	engine = engine_power.create(&config, err, sizeof(err));
	if (!engine) {
		fprintf(stderr, "%s\n", err);
		exit(1);
	}
	for (uint64_t vector = 0x100; vector < VECTOR_END; vector += 0x20)
		memory_write_be32(&memory, vector, HYPERCALL);
}

/* A run ends early when it has cost too much, as it does if the translator had to make room. */
static void run_to_end(struct engine_exit *end)
{
	const uint64_t last = engine_power.insns(engine, 0) + MOST_INSNS;

	do
		engine_power.run(engine, 0, last - engine_power.insns(engine, 0), end);
	while (end->reason == ENGINE_EXIT_BUDGET && engine_power.insns(engine, 0) < last);
}

static void put_word(uint64_t address, uint32_t word, bool big_endian)
{
	uint8_t b[4];

	put_be32(b, big_endian ? word : __builtin_bswap32(word));
	memory_write(&memory, address, b, sizeof(b));
}

static void set_state(struct cpu *cpu, const struct isa_case *c, bool big_endian)
{
	memcpy(cpu->gpr, c->gpr, sizeof(cpu->gpr));
	memcpy(cpu->vsr, c->vsr, sizeof(cpu->vsr));
	cpu_set_cr(cpu, (uint32_t)c->cr);
	cpu_set_xer(cpu, c->xer);
	cpu->fpscr = c->fpscr;
	cpu->vscr = (uint32_t)c->vscr[0];
	cpu->lr = c->lr;
	cpu->ctr = c->ctr;
	cpu->vrsave = (uint32_t)c->vrsave;
	cpu->reserved = false;
	cpu->fscr = ~0ull;
	cpu->mmcr[0] |= MMCR0_BHRBA;
	cpu->nip = c->address;
	cpu_set_msr(cpu, MSR_SF | MSR_FP | MSR_FE0 | MSR_FE1 | MSR_VEC | MSR_VSX | MSR_PR | MSR_ME |
				 (big_endian ? 0 : MSR_LE));
	memcpy(memory.base + CASE_MEMORY, c->memory, sizeof(c->memory));
}

static void get_state(struct isa_case *c, const struct cpu *cpu)
{
	memcpy(c->gpr, cpu->gpr, sizeof(c->gpr));
	memcpy(c->vsr, cpu->vsr, sizeof(c->vsr));
	c->cr = cpu_get_cr(cpu);
	c->xer = cpu_get_xer(cpu);
	c->fpscr = cpu->fpscr;
	c->vscr[0] = cpu->vscr;
	c->vscr[1] = 0;
	c->lr = cpu->lr;
	c->ctr = cpu->ctr;
	c->vrsave = cpu->vrsave;
	memcpy(c->memory, memory.base + CASE_MEMORY, sizeof(c->memory));
}

/*
 * Returns the signal that Linux would send for an interrupt of a user program, or the vector if
 * there is none.
 */
static uint64_t signal_of(uint64_t vector, uint64_t srr1)
{
	switch (vector) {
	case 0x300:
	case 0x380:
	case 0x400:
	case 0x480:
		return SIGSEGV;
	case 0x600:
		return SIGBUS;
	case 0x700:
		return srr1 & SRR1_TRAP ? SIGTRAP : srr1 & SRR1_FP_ENABLED ? SIGFPE : SIGILL;
	case 0xf60:
		return SIGILL;
	default:
		return vector;
	}
}

void run_as(unsigned isa)
{
	if (!engine)
		start();
	struct power_engine *e = (struct power_engine *)engine;

	e->model = isa >= 310 ? &cpu_model_power10 :
		   isa >= 300 ? &cpu_model_power9 :
				&cpu_model_power8;
	e->compat = e->model;
}

bool is_run(const struct table_entry *entry)
{
	if (!engine)
		start();
	return entry->isa <= ((struct power_engine *)engine)->model->isa;
}

void run_one(struct isa_case *c, bool big_endian)
{
	struct engine_exit end;
	uint64_t vector, end_of_code = c->address;
	struct cpu *cpu;

	if (!engine)
		start();
	cpu = ((struct power_engine *)engine)->cpus[0];
	for (; end_of_code < c->address + 4 * c->nr_words; end_of_code += 4)
		put_word(end_of_code, (uint32_t)c->words[(end_of_code - c->address) / 4],
			 big_endian);
	put_word(end_of_code, SYSTEM_CALL, big_endian);
	put_word(end_of_code + 4, SYSTEM_CALL, big_endian);
	set_state(cpu, c, big_endian);
	run_to_end(&end);
	if (end.reason == ENGINE_EXIT_MACHINE_CHECK) { /* an address outside of memory */
		c->outcome = SIGSEGV;
		return;
	}
	if (end.reason != ENGINE_EXIT_HCALL) {
		c->outcome = 1000 + end.reason;
		return;
	}
	vector = cpu->nip - 4;
	if (vector != 0xc00 || (cpu->srr0 != end_of_code + 4 && cpu->srr0 != end_of_code + 8)) {
		c->outcome = signal_of(vector, cpu->srr1);
		return;
	}
	c->outcome = 0;
	c->next = cpu->srr0 == end_of_code + 4 ? 1 : 2;
	get_state(c, cpu);
}
