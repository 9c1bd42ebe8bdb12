/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation for a vCPU: real mode, or a walk of the partition's tables through the cache of
 * walks; and the interrupt that a fault raises. Power ISA 3.0B, Book III, chapter 5.
 */
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/mmu/planted.h"
#include "engine/emu/private.h"

static void raise_storage(struct cpu *cpu, const struct translate_request *r, uint32_t dsisr)
{
	if (r->access == ACCESS_FETCH) {
		cpu_raise(cpu, VECTOR_INSTRUCTION_STORAGE, dsisr);
		return;
	}
	cpu_raise(cpu, VECTOR_DATA_STORAGE, 0);
	cpu->exception_flags = EXCEPTION_DAR | EXCEPTION_DSISR;
	cpu->exception_dar = r->ea;
	cpu->exception_dsisr = dsisr | (r->access == ACCESS_WRITE ? FAULT_STORE : 0);
}

static void raise_segment(struct cpu *cpu, const struct translate_request *r)
{
	if (r->access == ACCESS_FETCH) {
		cpu_raise(cpu, VECTOR_INSTRUCTION_SEGMENT, 0);
		return;
	}
	cpu_raise(cpu, VECTOR_DATA_SEGMENT, 0);
	cpu->exception_flags = EXCEPTION_DAR;
	cpu->exception_dar = r->ea;
}

/* Several SLB entries translate the address: whose is not known, so DAR has it all. */
static void raise_slb_multihit(struct cpu *cpu, const struct translate_request *r)
{
	const struct translation_error *error = &cpu->engine->model->slb_multihit;

	cpu_raise_machine_check(cpu, r->ea, r->access == ACCESS_FETCH, error->fetch_srr1,
				error->data_dsisr);
	cpu->exception_flags |= EXCEPTION_NO_RA;
}

/*
 * Raise the machine check for what the processor met at @ra instead of RAM. @walk: the table walk
 * made the access.
 */
static void raise_real_address(struct cpu *cpu, uint64_t ea, enum access access, uint64_t ra,
			       enum memory_kind met, bool walk)
{
	const struct cpu_model *model = cpu->engine->model;
	const struct real_address_error *error = met == MEMORY_POISONED ? &model->uncorrectable :
									  &model->unbacked;

	cpu_raise_machine_check(cpu, ea, access == ACCESS_FETCH,
				walk ? error->fetch_walk_srr1 : error->fetch_srr1,
				walk ? error->data_walk_dsisr : error->data_dsisr);
	cpu->machine_check_ra = ra;
}

bool mmu_refuse(struct cpu *cpu, uint64_t ea, enum access access, uint64_t ra, enum memory_kind met)
{
	raise_real_address(cpu, ea, access, ra, met, false);
	return false;
}

static bool raise_fault(struct cpu *cpu, const struct translate_request *r,
			const struct translate_fault *fault)
{
	switch (fault->kind) {
	case FAULT_SEGMENT:
		raise_segment(cpu, r);
		break;
	case FAULT_STORAGE:
		raise_storage(cpu, r, fault->dsisr);
		break;
	case FAULT_MEMORY:
		raise_real_address(cpu, r->ea, r->access, fault->ra, fault->met, true);
		break;
	case FAULT_SLB_MULTIHIT:
		raise_slb_multihit(cpu, r);
		break;
	}
	return false;
}

static const struct translation_format *format_of(const struct power_engine *e)
{
	return e->partition.radix ? &radix_format : &hash_format;
}

/* A cached walk counts if the table knows of the access already and permits it. */
static const struct walk_entry *find_walk(struct cpu *cpu, const struct translation_format *format,
					  const struct translate_request *r)
{
	const struct walk_entry *walk = walks_find(cpu->walks, r->space, r->address);

	if (!walk || (r->access == ACCESS_WRITE && !(walk->protection & PAGE_CHANGED)) ||
	    format->check(r, walk->protection))
		return NULL;
	return walk;
}

/*
 * With storage keys, entries depend on AMR or IAMR, too: see kernel_depends(). Entries that every
 * change of AMR empties need no note.
 */
static void note_key(struct cpu *cpu, const struct translate_request *r, uint32_t protection)
{
	const uint32_t key = 1u << ((protection & PAGE_KEY) >> PAGE_KEY_SHIFT);

	if (r->problem_state)
		return;
	if (r->access == ACCESS_FETCH)
		cpu->fetch_keys.kernel |= key;
	else if (!tlb_is_kuser(r->ea, protection & PAGE_PRIVILEGED))
		cpu->data_keys.kernel |= key;
}

static bool relocate(struct cpu *cpu, struct translate_request *r, struct translation *translation)
{
	struct power_engine *e = cpu->engine;
	const struct translation_format *format = format_of(e);
	const struct walk_entry *walk;
	struct translate_fault fault;

	/* A segment interrupt comes before any table lookup, whatever the tables say. */
	if (!format->space(r, &fault))
		return raise_fault(cpu, r, &fault);
	if (unlikely(e->nr_planted) && planted_meet(cpu, r, 1u << ENGINE_SLB))
		return false;
	walk = find_walk(cpu, format, r);
	if (walk) {
		translation->ra = walk->ra | (r->ea & PAGE_MASK_LOW);
		translation->protection = walk->protection;
		translation->page_bits = PAGE_BITS;
	} else {
		cpu_work(cpu, WORK_WALK);
		if (!format->walk(e->memory, &e->partition, r, translation, &fault))
			return raise_fault(cpu, r, &fault);
		walks_add(cpu->walks, r->space, r->address, translation->ra,
			  translation->protection);
	}
	note_key(cpu, r, translation->protection);
	return likely(!e->nr_planted) ||
	       !planted_meet(cpu, r, 1u << ENGINE_ERAT | 1u << ENGINE_TLB);
}

static bool real_mode(struct cpu *cpu, const struct translate_request *r,
		      struct translation *translation)
{
	const struct engine_partition *partition = &cpu->engine->partition;
	const uint64_t limit = partition->radix ? 0 : partition->real_mode_size;

	*translation =
		(struct translation){ .ra = r->ea & REAL_ADDRESS_MASK, .page_bits = PAGE_BITS };
	/* Where there is no memory, the caller raises a machine check. */
	if (likely(!limit || translation->ra < limit) ||
	    !memory_contains(cpu->engine->memory, translation->ra, 1))
		return true;
	raise_storage(cpu, r, FAULT_NO_PTE);
	return false;
}

static struct translate_request request(const struct cpu *cpu, uint64_t ea, enum access access)
{
	return (struct translate_request){ .ea = ea,
					   .access = access,
					   .problem_state = cpu->msr & MSR_PR,
					   .pid = (uint32_t)cpu->pidr,
					   .amr = cpu->amr,
					   .iamr = cpu->iamr,
					   .slb = cpu->slb };
}

bool mmu_translate_page(struct cpu *cpu, uint64_t ea, enum access access,
			struct translation *translation)
{
	struct translate_request r = request(cpu, ea, access);

	if (mmu_mode(cpu, access) == TLB_REAL)
		return real_mode(cpu, &r, translation);
	return relocate(cpu, &r, translation);
}

bool mmu_space(const struct cpu *cpu, uint64_t ea, uint64_t *space)
{
	struct translate_request r = request(cpu, ea, ACCESS_READ);
	struct translate_fault fault;

	if (!format_of(cpu->engine)->space(&r, &fault))
		return false;
	*space = r.space;
	return true;
}

/* The address is translated: is there RAM, poisoned or not? */
static bool is_at_ram(struct cpu *cpu, uint64_t ea, enum access access, uint64_t ra)
{
	return memory_contains(cpu->engine->memory, ra, 1) ||
	       mmu_refuse(cpu, ea, access, ra, MEMORY_HOLE);
}

bool mmu_translate_ram(struct cpu *cpu, uint64_t ea, enum access access,
		       struct translation *translation)
{
	return mmu_translate_page(cpu, ea, access, translation) &&
	       is_at_ram(cpu, ea, access, translation->ra);
}

bool mmu_translate_cached(struct cpu *cpu, uint64_t ea, enum access access, uint64_t *ra)
{
	const struct translate_request r = request(cpu, ea, access);
	struct translation translation;

	if (!mmu_translate_page(cpu, ea, access, &translation))
		return false;
	if (translation.protection & PAGE_UNCACHED) {
		raise_storage(cpu, &r, FAULT_UNCACHED);
		return false;
	}
	*ra = translation.ra;
	return is_at_ram(cpu, ea, access, translation.ra);
}

bool mmu_look_up(const struct cpu *cpu, uint64_t ea, uint64_t *ra)
{
	const struct translation_format *format = format_of(cpu->engine);
	struct translate_request r = { .ea = effective_address(cpu, ea),
				       .access = ACCESS_READ,
				       .pid = (uint32_t)cpu->pidr,
				       .traceless = true,
				       .slb = cpu->slb };
	struct translation translation = { .ra = ea & REAL_ADDRESS_MASK };
	struct translate_fault fault;

	if (mmu_mode(cpu, ACCESS_READ) != TLB_REAL &&
	    (!format->space(&r, &fault) ||
	     !format->walk(cpu->engine->memory, &cpu->engine->partition, &r, &translation, &fault)))
		return false;
	*ra = translation.ra;
	return true;
}

/* The user's entries are for the AMR and IAMR that it runs with. */
static void enter_user(struct cpu *cpu)
{
	if (cpu->data_keys.user != cpu->amr)
		tlb_flush_data(&cpu->arrays, TLB_USER);
	if (cpu->fetch_keys.user != cpu->iamr)
		tlb_flush_fetch(&cpu->arrays, TLB_USER);
	cpu->data_keys.user = cpu->amr;
	cpu->fetch_keys.user = cpu->iamr;
}

void mmu_mode_changed(struct cpu *cpu)
{
	const enum tlb_mode data = mmu_mode(cpu, ACCESS_READ), fetch = mmu_mode(cpu, ACCESS_FETCH);

	if (cpu->msr & MSR_PR)
		enter_user(cpu);
	cpu->mode = (uint8_t)((cpu->msr & MSR_LE ? CODE_LE : 0) |
			      (cpu->msr & MSR_SF ? 0 : CODE_32) | CODE_DATA(data));
	cpu->tlb = &cpu->arrays.data[data];
	cpu->fetch = &cpu->arrays.fetch[fetch];
	tlb_begin_fetch(&cpu->arrays, fetch, cpu->mode);
}

void mmu_pid_changed(struct cpu *cpu)
{
	if (cpu->engine->partition.radix)
		tlb_flush_process(&cpu->arrays);
}

/* The storage keys whose bits differ. */
static uint32_t different_keys(uint64_t a, uint64_t b)
{
	uint32_t keys = 0;

	for (unsigned key = 0; key < 32; key++)
		if ((a ^ b) >> (62 - 2 * key) & 3)
			keys |= 1u << key;
	return keys;
}

/* A register of keys has changed: must what the kernel cached with @keys be forgotten? */
static bool kernel_depends(struct key_dependence *keys, uint64_t before, uint64_t now)
{
	if (!(different_keys(before, now) & keys->kernel))
		return false;
	keys->kernel = 0;
	return true;
}

void mmu_amr_changed(struct cpu *cpu, uint64_t before)
{
	tlb_flush_user_data(&cpu->arrays);
	if (cpu->engine->partition.radix) {
		cpu->data_keys.user = cpu->amr;
		return;
	}
	if (kernel_depends(&cpu->data_keys, before, cpu->amr))
		tlb_flush_data(&cpu->arrays, TLB_KERNEL);
	if (cpu->msr & MSR_PR)
		enter_user(cpu);
}

void mmu_iamr_changed(struct cpu *cpu, uint64_t before)
{
	if (cpu->engine->partition.radix) {
		cpu->fetch_keys.user = cpu->iamr;
		tlb_flush_process(&cpu->arrays);
		return;
	}
	if (kernel_depends(&cpu->fetch_keys, before, cpu->iamr))
		tlb_flush_fetch(&cpu->arrays, TLB_KERNEL);
	if (cpu->msr & MSR_PR)
		enter_user(cpu);
}
