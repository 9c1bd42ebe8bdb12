/* SPDX-License-Identifier: BSD-2-Clause */
/* CIABR and DAWR; see debug_registers.h. Power ISA 3.1B, Book III, chapter 10, "Debug Facility". */
#include "engine/emu/debug_registers.h"
#include "engine/emu/private.h"
#include "engine/emu/watchpoints.h"

/* CIABR: the state in which the instruction counts; 0 turns it off, 3 is the hypervisor's. */
#define CIABR_STATE	    3u
#define CIABR_PROBLEM_STATE 1u
#define CIABR_PRIVILEGED    2u

/* DAWRX */
#define DAWRX_DOUBLEWORDS(x) (((x) >> 10 & 63) + 1) /* MRD: how many, less one */
#define DAWRX_TRANSLATED     0x10u /* WT: MSR[DR] must be this ... */
#define DAWRX_ANY_MODE	     0x08u /* WTI: ... or it does not matter */
#define DAWRX_PRIVILEGED     0x02u
#define DAWRX_PROBLEM_STATE  0x01u

/* Before ISA 3.1 a range ends where a block of so many bytes does. */
#define OLD_BLOCK 512u

#define NR_DAWRS (sizeof(((struct cpu *)0)->dawr) / sizeof(uint64_t))

static void set_ciabr(struct cpu *cpu, uint64_t value)
{
	if (cpu->ciabr == value)
		return;
	cpu->ciabr = value;
	watchpoints_mark_anew(cpu->engine);
}

void debug_registers_set(struct cpu *cpu, enum engine_debug_register which, uint64_t value,
			 uint64_t extension)
{
	if (which == ENGINE_CIABR) {
		set_ciabr(cpu, value);
		return;
	}
	cpu->dawr[which - ENGINE_DAWR0] = value;
	cpu->dawrx[which - ENGINE_DAWR0] = extension;
	tlb_flush(&cpu->arrays);
}

/* ---- CIABR ---- */

static uint64_t break_address(const struct cpu *cpu)
{
	return cpu->ciabr & CIABR_STATE ? cpu->ciabr & ~(uint64_t)CIABR_STATE : ENGINE_NO_WATCH;
}

void debug_registers_mark(struct cpu *cpu, uint64_t ea, struct code_page *page)
{
	const uint64_t at = break_address(cpu);

	if (EPN(at) == EPN(ea) && at != ENGINE_NO_WATCH)
		code_mark(&cpu->engine->code, page, (unsigned)(at & PAGE_MASK_LOW) / 4);
}

unsigned debug_break_before(const struct cpu *cpu, const struct block *block, unsigned most)
{
	const uint64_t at = break_address(cpu), page_ea = EPN(cpu->nip);

	for (unsigned i = 0; at != ENGINE_NO_WATCH && i < most; i++)
		if (page_ea + block_offset(block, i) == at)
			return i;
	return most;
}

bool debug_breaks_anywhere(const struct cpu *cpu)
{
	return break_address(cpu) != ENGINE_NO_WATCH;
}

bool debug_breaks_here(const struct cpu *cpu)
{
	const unsigned state = cpu->msr & MSR_PR ? CIABR_PROBLEM_STATE : CIABR_PRIVILEGED;

	return cpu->nip == break_address(cpu) && (cpu->ciabr & CIABR_STATE) == state;
}

/* ---- DAWR ---- */

struct range {
	uint64_t first, last;
};

static struct range range_of(const struct cpu *cpu, unsigned i)
{
	struct range range = { .first = cpu->dawr[i] & ~7ull };
	const uint64_t length = 8 * DAWRX_DOUBLEWORDS(cpu->dawrx[i]);
	const uint64_t most = cpu->engine->model->isa < 310 ?
				      OLD_BLOCK - (range.first & (OLD_BLOCK - 1)) :
				      UINT64_MAX;

	range.last = range.first + ((length < most ? length : most) - 1);
	if (range.last < range.first) /* not beyond the end of the address space */
		range.last = UINT64_MAX;
	return range;
}

static bool overlaps(const struct range *range, uint64_t ea, uint64_t size)
{
	return ea <= range->last && ea + (size - 1) >= range->first;
}

/* Does the kind of access fit, and the state in which it is made? */
static bool applies(const struct cpu *cpu, uint64_t dawrx, bool write)
{
	const bool translated = cpu->msr & MSR_DR;

	return dawrx & (write ? DAWRX_WRITE : DAWRX_READ) &&
	       dawrx & (cpu->msr & MSR_PR ? DAWRX_PROBLEM_STATE : DAWRX_PRIVILEGED) &&
	       (dawrx & DAWRX_ANY_MODE || !!(dawrx & DAWRX_TRANSLATED) == translated);
}

bool debug_watches_page(const struct cpu *cpu, uint64_t ea)
{
	for (unsigned i = 0; i < NR_DAWRS; i++) {
		const struct range range = range_of(cpu, i);

		if (cpu->dawrx[i] & (DAWRX_WRITE | DAWRX_READ) &&
		    overlaps(&range, EPN(ea), PAGE_BYTES))
			return true;
	}
	return false;
}

bool debug_watch_hit(struct cpu *cpu, uint64_t ea, unsigned size, bool write)
{
	for (unsigned i = 0; i < NR_DAWRS; i++) {
		const struct range range = range_of(cpu, i);

		if (!applies(cpu, cpu->dawrx[i], write) || !overlaps(&range, ea, size))
			continue;
		cpu_raise(cpu, VECTOR_DATA_STORAGE, 0);
		cpu->exception_flags = EXCEPTION_DAR | EXCEPTION_DSISR;
		cpu->exception_dar = ea > range.first ? ea : range.first;
		cpu->exception_dsisr = FAULT_WATCHPOINT | (write ? FAULT_STORE : 0);
		return true;
	}
	return false;
}
