/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our side of the differential test: the semantics functions called straight from the table, with flat memory. The
 * few engine functions they need are faked here.
 */
#include <signal.h>
#include <string.h>

#include "engine/power/exec.h"
#include "table.h"

enum facility { NONE, PRIV, FP, VEC, VSX };

#define INSN(n, v, m, i, g) { #n, v, m, i, false },
#define CALL(n, v, m, i, f, s) { #n, v, m, i, true },
const struct table_entry table[] = {
#include "engine/power/insn.def"
};
#undef INSN
#undef CALL
const size_t table_entries = sizeof(table) / sizeof(table[0]);

#define INSN(n, v, m, i, g) { NONE, NULL },
#define CALL(n, v, m, i, f, s) { f, s },
static const struct {
	enum facility facility;
	sem_fn *sem;
} semantics[] = {
#include "engine/power/insn.def"
};
#undef INSN
#undef CALL

static struct cpu cpu;
static uint8_t *memory;

int cpu_raise(struct cpu *c, unsigned vector, uint64_t srr1)
{
	c->exception = vector;
	c->exception_srr1 = srr1;
	return EXCEPTION;
}

static uint8_t *operand(struct cpu *c, uint64_t ea, unsigned size)
{
	if (ea >= CASE_MEMORY && ea - CASE_MEMORY <= CASE_MEMORY_BYTES - size)
		return memory + (ea - CASE_MEMORY);
	cpu_raise(c, 0x300, 0);
	return NULL;
}

static bool load(struct cpu *c, uint64_t ea, unsigned size, u128 *v)
{
	const uint8_t *p = operand(c, ea, size);

	if (!p)
		return false;
	*v = 0;
	for (unsigned i = 0; i < size; i++)
		*v = *v << 8 | p[c->msr & MSR_LE ? size - 1 - i : i];
	return true;
}

static bool store(struct cpu *c, uint64_t ea, unsigned size, u128 v)
{
	uint8_t *p = operand(c, ea, size);

	if (!p)
		return false;
	for (unsigned i = 0; i < size; i++, v >>= 8)
		p[c->msr & MSR_LE ? i : size - 1 - i] = (uint8_t)v;
	return true;
}

#define ACCESS(bits)                                                                                \
	bool cpu_load##bits(struct cpu *c, uint64_t ea, uint64_t *v)                                 \
	{                                                                                            \
		u128 wide;                                                                           \
                                                                                                    \
		if (!load(c, ea, bits / 8, &wide))                                                   \
			return false;                                                                \
		*v = (uint64_t)wide;                                                                 \
		return true;                                                                         \
	}                                                                                            \
	bool cpu_store##bits(struct cpu *c, uint64_t ea, uint64_t v)                                 \
	{                                                                                            \
		return store(c, ea, bits / 8, v);                                                    \
	}
ACCESS(8)
ACCESS(16)
ACCESS(32)
ACCESS(64)

bool cpu_load128(struct cpu *c, uint64_t ea, u128 *v)
{
	return load(c, ea, 16, v);
}

bool cpu_store128(struct cpu *c, uint64_t ea, u128 v)
{
	return store(c, ea, 16, v);
}

uint32_t cpu_get_cr(const struct cpu *c)
{
	uint32_t cr = 0;

	for (unsigned i = 0; i < 8; i++)
		cr = cr << 4 | c->cr[i];
	return cr;
}

void cpu_set_cr(struct cpu *c, uint32_t cr)
{
	for (unsigned i = 0; i < 8; i++)
		c->cr[i] = cr >> (28 - 4 * i) & 15;
}

/* XER: SO, OV, CA at bits 32..34, OV32, CA32 at 44, 45, the string length at 57..63. */
#define XER_OTHER 0x9ff3ff80ull

uint64_t cpu_get_xer(const struct cpu *c)
{
	return (uint64_t)c->so << 31 | (uint64_t)c->ov << 30 | (uint64_t)c->ca << 29 |
	       (uint64_t)c->ov32 << 19 | (uint64_t)c->ca32 << 18 | c->xer_count | c->xer_other;
}

void cpu_set_xer(struct cpu *c, uint64_t xer)
{
	c->so = xer >> 31 & 1;
	c->ov = xer >> 30 & 1;
	c->ca = xer >> 29 & 1;
	c->ov32 = xer >> 19 & 1;
	c->ca32 = xer >> 18 & 1;
	c->xer_count = xer & 0x7f;
	c->xer_other = xer & XER_OTHER & ~(1ull << 31);
}

/* What Linux makes of an interrupt in a user program. */
static uint64_t signal_of(const struct cpu *c)
{
	switch (c->exception) {
	case 0x300:
	case 0x380:
		return SIGSEGV;
	case 0x600:
		return SIGBUS;
	case 0x700:
		return c->exception_srr1 & SRR1_TRAP	   ? SIGTRAP :
		       c->exception_srr1 & SRR1_FP_ENABLED ? SIGFPE :
							     SIGILL;
	default:
		return c->exception;
	}
}

static int unavailable(struct cpu *c, enum facility facility)
{
	switch (facility) {
	case PRIV:
		return cpu_raise(c, 0x700, SRR1_PRIVILEGED);
	case FP:
		return need_fp(c);
	case VEC:
		return need_vec(c);
	case VSX:
		return need_vsx(c);
	default:
		return 0;
	}
}

void run_one(struct isa_case *c, size_t index, bool big_endian)
{
	memory = c->memory;
	memcpy(cpu.gpr, c->gpr, sizeof(cpu.gpr));
	memcpy(cpu.vsr, c->vsr, sizeof(cpu.vsr));
	cpu_set_cr(&cpu, (uint32_t)c->cr);
	cpu_set_xer(&cpu, c->xer);
	cpu.fpscr = c->fpscr;
	cpu.vscr = (uint32_t)c->vscr[0];
	cpu.lr = c->lr;
	cpu.ctr = c->ctr;
	cpu.msr = MSR_SF | MSR_FP | MSR_FE0 | MSR_FE1 | MSR_VEC | MSR_VSX | MSR_PR;
	if (!big_endian)
		cpu.msr |= MSR_LE;
	cpu.nip = CASE_CODE;
	cpu.exception = 0;

	if (unavailable(&cpu, semantics[index].facility) ||
	    semantics[index].sem(&cpu, (uint32_t)c->insn) == EXCEPTION) {
		c->outcome = signal_of(&cpu);
		return;
	}
	c->outcome = 0;
	c->next = 1;
	memcpy(c->gpr, cpu.gpr, sizeof(cpu.gpr));
	memcpy(c->vsr, cpu.vsr, sizeof(cpu.vsr));
	c->cr = cpu_get_cr(&cpu);
	c->xer = cpu_get_xer(&cpu);
	c->fpscr = cpu.fpscr;
	c->vscr[0] = cpu.vscr;
	c->vscr[1] = 0;
	c->lr = cpu.lr;
	c->ctr = cpu.ctr;
}
