/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors in ERAT, TLB and SLB entries; see planted.h. What flushes an entry is in Power ISA 3.0B,
 * Book III, section 5.9.3, and in POWER9 Processor User's Manual: tlbie and tlbiel reach the ERAT
 * as well, slbia the ERAT and, if the guest has one, the SLB. segments.c tells of SLB entries that
 * are overwritten.
 */
#include "engine/emu/mmu/planted.h"
#include "engine/emu/private.h"

bool planted_add(struct power_engine *e, const struct engine_planted *planted)
{
	if (e->nr_planted == ENGINE_MAX_PLANTED || planted->vcpu >= e->nr_vcpus ||
	    planted->first & PAGE_MASK_LOW || ~planted->last & PAGE_MASK_LOW ||
	    planted->first > planted->last || (planted->where == ENGINE_SLB && e->partition.radix))
		return false;
	e->planted[e->nr_planted++] = *planted;
	tlb_flush(&e->cpus[planted->vcpu]->arrays);
	return true;
}

static bool is_flushed(const struct engine_planted *planted, const struct planted_flush *flush)
{
	if (flush->vcpu != ENGINE_MAX_VCPUS && flush->vcpu != planted->vcpu)
		return false;
	if (!(flush->caches >> planted->where & 1))
		return false;
	if (flush->one_process && flush->pid != planted->pid)
		return false;
	return planted->first <= flush->last && planted->last >= flush->first;
}

void planted_flush(struct power_engine *e, const struct planted_flush *flush)
{
	unsigned kept = 0;

	if (!e->nr_planted) /* others may look meanwhile */
		return;
	for (unsigned i = 0; i < e->nr_planted; i++)
		if (!is_flushed(&e->planted[i], flush))
			e->planted[kept++] = e->planted[i];
	e->nr_planted = kept;
}

void planted_flush_process(struct power_engine *e, unsigned vcpu, uint32_t pid, uint64_t first,
			   uint64_t last)
{
	struct planted_flush flush = { .vcpu = vcpu,
				       .caches = 1u << ENGINE_ERAT | 1u << ENGINE_TLB,
				       .one_process = true,
				       .pid = pid,
				       .first = first,
				       .last = last };

	planted_flush(e, &flush);
	if (pid)
		return;
	flush.first |= QUADRANT_3;
	flush.last |= QUADRANT_3;
	planted_flush(e, &flush);
}

void planted_flush_virtual(struct power_engine *e, uint64_t space, uint64_t offset, uint64_t len)
{
	const uint64_t in_segment = (1ull << hash_space_segment_bits(space)) - 1;
	unsigned kept = 0;

	for (unsigned i = 0; i < e->nr_planted; i++) {
		const struct engine_planted *planted = &e->planted[i];

		if (planted->where == ENGINE_SLB || planted->segment != space ||
		    (planted->first & in_segment) >= offset + len ||
		    (planted->last & in_segment) < offset)
			e->planted[kept++] = *planted;
	}
	e->nr_planted = kept;
}

/* Is the error in an entry of this space? In a radix guest that is a process; no SLB is used. */
static bool is_in(const struct power_engine *e, const struct engine_planted *planted,
		  uint64_t space)
{
	if (e->partition.radix)
		return planted->where != ENGINE_SLB &&
		       (planted->pid == space || planted->pid == ENGINE_ANY_PID);
	return planted->segment == space || !planted->segment;
}

const struct engine_planted *planted_find(const struct power_engine *e, unsigned vcpu,
					  unsigned caches, uint64_t space, uint64_t ea)
{
	for (unsigned i = 0; i < e->nr_planted; i++) {
		const struct engine_planted *planted = &e->planted[i];

		if (planted->vcpu == vcpu && caches >> planted->where & 1 && planted->first <= ea &&
		    ea <= planted->last && is_in(e, planted, space))
			return planted;
	}
	return NULL;
}

static const struct translation_error *error_of(const struct cpu_model *model,
						const struct engine_planted *planted)
{
	/* No processor has bits for parity errors in ERAT and TLB. */
	static const struct translation_error none;

	switch (planted->where) {
	case ENGINE_SLB:
		return planted->multihit ? &model->slb_multihit : &model->slb_parity;
	case ENGINE_TLB:
		return planted->multihit ? &model->tlb_multihit : &none;
	default:
		return planted->multihit ? &model->erat_multihit : &none;
	}
}

/* A processor without bits for such an error sets none. */
static void raise(struct cpu *cpu, const struct engine_planted *planted,
		  const struct translate_request *r)
{
	const struct translation_error *error = error_of(cpu->engine->model, planted);

	if (error->data_dsisr)
		cpu_raise_machine_check(cpu, r->ea, r->access == ACCESS_FETCH, error->fetch_srr1,
					error->data_dsisr);
	else
		cpu_raise(cpu, VECTOR_MACHINE_CHECK, 0);
	cpu->machine_check_planted = *planted;
	cpu->machine_check_ea = r->ea;
	cpu->exception_flags |= EXCEPTION_PLANTED | EXCEPTION_NO_RA;
}

bool planted_meet(struct cpu *cpu, const struct translate_request *r, unsigned caches)
{
	struct power_engine *e = cpu->engine;
	const struct engine_planted *planted = planted_find(e, cpu->index, caches, r->space, r->ea);
	const struct planted_flush repair = { .vcpu = cpu->index,
					      .caches = PLANTED_ANYWHERE,
					      .last = UINT64_MAX };

	if (!planted)
		return false;
	if (cpu_alone(cpu))
		return true;
	if (e->partition.radix)
		e->planted[planted - e->planted].pid = (uint32_t)r->space;
	else
		e->planted[planted - e->planted].segment = r->space;
	raise(cpu, planted, r);
	if (planted->recovered) {
		planted_flush(e, &repair);
		tlb_flush(&cpu->arrays);
	}
	return true;
}
