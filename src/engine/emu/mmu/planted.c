/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors in ERAT and TLB entries; see planted.h. What flushes an entry is in Power ISA 3.0B, Book
 * III, section 5.9.3, and in POWER9 Processor User's Manual: tlbie and tlbiel reach the ERAT as
 * well, slbia the ERAT alone.
 */
#include "engine/emu/mmu/planted.h"
#include "engine/emu/private.h"

bool planted_add(struct power_engine *e, const struct engine_planted *planted)
{
	if (e->nr_planted == ENGINE_MAX_PLANTED || planted->vcpu >= e->nr_vcpus ||
	    planted->first & PAGE_MASK_LOW || ~planted->last & PAGE_MASK_LOW ||
	    planted->first > planted->last)
		return false;
	e->planted[e->nr_planted++] = *planted;
	tlb_flush(&e->cpus[planted->vcpu]->arrays);
	return true;
}

static bool is_flushed(const struct engine_planted *planted, const struct planted_flush *flush)
{
	if (flush->vcpu != ENGINE_MAX_VCPUS && flush->vcpu != planted->vcpu)
		return false;
	if (flush->erat_only && planted->where != ENGINE_ERAT)
		return false;
	if (flush->one_process && flush->pid != planted->pid)
		return false;
	return planted->first <= flush->last && planted->last >= flush->first;
}

void planted_flush(struct power_engine *e, const struct planted_flush *flush)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < e->nr_planted; i++)
		if (!is_flushed(&e->planted[i], flush))
			e->planted[kept++] = e->planted[i];
	e->nr_planted = kept;
}

const struct engine_planted *planted_find(const struct power_engine *e, unsigned vcpu,
					  uint32_t space, uint64_t ea)
{
	for (unsigned i = 0; i < e->nr_planted; i++) {
		const struct engine_planted *planted = &e->planted[i];

		if (planted->vcpu == vcpu && planted->first <= ea && ea <= planted->last &&
		    (planted->pid == space || planted->pid == ENGINE_ANY_PID))
			return planted;
	}
	return NULL;
}

/* A processor without bits for such an error sets none. */
static void raise(struct cpu *cpu, const struct engine_planted *planted, uint64_t ea,
		  enum access access)
{
	const struct cpu_model *model = cpu->engine->model;
	const struct translation_error *error =
		planted->where == ENGINE_ERAT ? &model->erat_multihit : &model->tlb_multihit;

	if (!planted->multihit) {
		cpu_raise(cpu, VECTOR_MACHINE_CHECK, 0);
	} else if (access == ACCESS_FETCH) {
		cpu_raise(cpu, VECTOR_MACHINE_CHECK, error->fetch_srr1);
	} else {
		cpu_raise(cpu, VECTOR_MACHINE_CHECK, SRR1_MC_LOADSTORE);
		cpu->exception_flags = EXCEPTION_DAR | EXCEPTION_DSISR;
		cpu->exception_dsisr = error->data_dsisr;
		cpu->exception_dar = ea;
	}
	cpu->machine_check_planted = *planted;
	cpu->machine_check_ea = ea;
	cpu->exception_flags |= EXCEPTION_PLANTED;
}

bool planted_meet(struct cpu *cpu, uint32_t space, uint64_t ea, enum access access)
{
	struct power_engine *e = cpu->engine;
	const struct engine_planted *planted = planted_find(e, cpu->index, space, ea);
	const struct planted_flush repair = { .vcpu = cpu->index, .last = UINT64_MAX };

	if (!planted)
		return false;
	e->planted[planted - e->planted].pid = space;
	raise(cpu, planted, ea, access);
	if (planted->recovered) {
		planted_flush(e, &repair);
		tlb_flush(&cpu->arrays);
	}
	return true;
}
