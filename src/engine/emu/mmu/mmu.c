/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address translation: real mode and radix trees (Power ISA 3.0B, Book III, chapter 5), the soft
 * TLB in front, and data access by effective address. There are three levels: a direct-mapped array
 * per mode for the fast paths, a cache of walks shared by all vCPUs, and the walk itself. The fast
 * arrays hold 4 KiB granules whatever the guest's page size.
 */
#include <string.h>

#include "engine/emu/private.h"

#define EPN(ea) ((ea) & ~PAGE_MASK_LOW)
#define WALK_INDEX(ea, asid) \
	((((ea) >> PAGE_BITS) ^ ((uint64_t)(asid)*0x9e5u) ^ ((ea) >> 61)) & (WALK_ENTRIES - 1))

/* Radix page directory and table entries. */
#define PTE_VALID  (1ull << 63)
#define PTE_LEAF   (1ull << 62)
#define PTE_RPN	   0x01fffffffffff000ull
#define PTE_R	   0x100u
#define PTE_C	   0x080u
#define PTE_PRIV   0x8u
#define PTE_READ   0x4u
#define PTE_WRITE  0x2u
#define PTE_EXEC   0x1u
#define PDE_NLB	   0x0fffffffffffff00ull
#define PDE_NLS	   0x1full
#define RADIX_BITS 52

/* Bits 2:11 of an effective address: if any is 1, no radix tree translates it. */
#define EA_BEYOND_RADIX 0x3ff0000000000000ull

static bool raise_storage(struct cpu *cpu, uint64_t ea, enum access access, uint32_t fault)
{
	if (access == ACCESS_FETCH) {
		cpu_raise(cpu, VECTOR_INSTRUCTION_STORAGE, fault);
		return false;
	}
	cpu_raise(cpu, VECTOR_DATA_STORAGE, 0);
	cpu->exception_flags = EXCEPTION_DAR | EXCEPTION_DSISR;
	cpu->exception_dar = ea;
	cpu->exception_dsisr = fault | (access == ACCESS_WRITE ? FAULT_STORE : 0);
	return false;
}

static bool raise_segment(struct cpu *cpu, uint64_t ea, enum access access)
{
	cpu_raise(cpu, access == ACCESS_FETCH ? VECTOR_INSTRUCTION_SEGMENT : VECTOR_DATA_SEGMENT,
		  0);
	if (access != ACCESS_FETCH) {
		cpu->exception_flags = EXCEPTION_DAR;
		cpu->exception_dar = ea;
	}
	return false;
}

/*
 * Nothing answers at this real address: raise a machine check, as the bus would. @walk: the table
 * walk accessed it.
 */
static bool raise_machine_check(struct cpu *cpu, uint64_t ea, uint64_t ra, enum access access,
				bool walk)
{
	const struct cpu_model *model = cpu->engine->model;

	if (access == ACCESS_FETCH) {
		cpu_raise(cpu, VECTOR_MACHINE_CHECK,
			  walk ? model->unbacked.fetch_walk_srr1 : model->unbacked.fetch_srr1);
	} else {
		cpu_raise(cpu, VECTOR_MACHINE_CHECK, SRR1_MC_LOADSTORE);
		cpu->exception_flags = EXCEPTION_DAR | EXCEPTION_DSISR;
		cpu->exception_dsisr = walk ? model->unbacked.data_walk_dsisr :
					      model->unbacked.data_dsisr;
		cpu->exception_dar = ea;
	}
	cpu->machine_check_ra = ra;
	return false;
}

/* Account for work that a block may repeat before it ends. */
static void charge(struct cpu *cpu, int64_t work)
{
	work_done(cpu->engine, work);
	if (unlikely(cpu->engine->work < 0))
		cpu_leave(cpu);
}

static void forget_walks(struct power_engine *e)
{
	for (unsigned i = 0; i < WALK_ENTRIES; i++)
		e->walks[i].page = TLB_INVALID;
	memset(e->asids, 0, sizeof(e->asids));
	e->first_asid = e->next_asid = 1;
	work_done(e, WALK_ENTRIES + ASID_ENTRIES);
}

static uint32_t asid_of(struct power_engine *e, uint32_t pid)
{
	struct asid_entry *a = &e->asids[pid & (ASID_ENTRIES - 1)];

	if (a->pid != pid || a->asid < e->first_asid) {
		if (e->next_asid == UINT32_MAX) /* old tags could match again */
			forget_walks(e);
		a->pid = pid;
		a->asid = e->next_asid++;
	}
	return a->asid;
}

/* Does the leaf permit the access? 0, or the fault. */
static uint32_t check_leaf(const struct cpu *cpu, uint32_t pte, enum access access, bool user)
{
	if (user) {
		if (pte & PTE_PRIV)
			return FAULT_PROTECTION;
	} else if (!(pte & PTE_PRIV)) {
		/* Key 0 of AMR and IAMR decides privileged access to a user page. */
		if (access == ACCESS_FETCH) {
			if (cpu->iamr >> 62 & 1)
				return FAULT_PROTECTION;
		} else if (cpu->amr >> (access == ACCESS_WRITE ? 63 : 62) & 1) {
			return FAULT_PROTECTION;
		}
	}
	switch (access) {
	case ACCESS_FETCH:
		return pte & PTE_EXEC ? 0 : FAULT_NOEXEC;
	case ACCESS_WRITE:
		return pte & PTE_WRITE ? 0 : FAULT_PROTECTION;
	default:
		return pte & PTE_READ ? 0 : FAULT_PROTECTION;
	}
}

/*
 * Walk the tree of @pid for @ea: check the access, set R and C. R and C are written straight to
 * memory, without dropping decoded code: a page table that overlaps code is not worth decoding.
 */
static bool walk(struct cpu *cpu, uint64_t ea, uint32_t pid, enum access access, bool user,
		 struct walk_entry *out)
{
	struct power_engine *e = cpu->engine;
	struct guest_memory *m = e->memory;
	uint64_t prtb, base, entry, ra = 0, table = e->partition.process_table;
	unsigned size, shift = RADIX_BITS;
	uint32_t fault;

	if ((uint64_t)pid * 16 + 16 > e->partition.process_table_size ||
	    !memory_read_be64(m, table + (uint64_t)pid * 16, &prtb))
		return raise_storage(cpu, ea, access, FAULT_NO_PTE);
	base = prtb & PDE_NLB;
	size = prtb & PDE_NLS;
	if (((prtb >> 58 & 0x18) | (prtb >> 5 & 7)) != RADIX_BITS - 31)
		return raise_storage(cpu, ea, access, FAULT_BAD_CONFIG);
	ea &= ~(3ull << 62);
	for (;;) {
		if (size < 5 || size > 16 || size + PAGE_BITS > shift)
			return raise_storage(cpu, ea, access, FAULT_BAD_CONFIG);
		shift -= size;
		ra = base + ((ea >> shift) & ((1u << size) - 1)) * 8;
		if (!memory_read_be64(m, ra, &entry))
			return raise_machine_check(cpu, ea, ra, access, true);
		if (!(entry & PTE_VALID))
			return raise_storage(cpu, ea, access, FAULT_NO_PTE);
		if (entry & PTE_LEAF)
			break;
		base = entry & PDE_NLB;
		size = entry & PDE_NLS;
	}
	if (shift > 30)
		return raise_storage(cpu, ea, access, FAULT_BAD_CONFIG);
	fault = check_leaf(cpu, (uint32_t)entry, access, user);
	if (fault)
		return raise_storage(cpu, ea, access, fault);
	if (!(entry & PTE_R) || (access == ACCESS_WRITE && !(entry & PTE_C))) {
		entry |= PTE_R | (access == ACCESS_WRITE ? PTE_C : 0);
		put_be64(m->base + ra, entry);
	}
	out->ra = ((entry & PTE_RPN & ~((1ull << shift) - 1)) | (ea & ((1ull << shift) - 1))) &
		  ~PAGE_MASK_LOW;
	out->pte = (uint32_t)(entry & 0xfff);
	return true;
}

/* Translate @ea's granule with relocation on, using the cache of walks. */
static const struct walk_entry *relocate(struct cpu *cpu, uint64_t ea, enum access access,
					 bool user)
{
	struct power_engine *e = cpu->engine;
	unsigned quadrant = ea >> 62;
	uint32_t pid = quadrant ? 0 : (uint32_t)cpu->pidr, asid;
	struct walk_entry *w;

	/* A segment interrupt comes before any table lookup, whatever the tables say. */
	if (quadrant == 1 || quadrant == 2 || ea & EA_BEYOND_RADIX || !e->partition.radix) {
		raise_segment(cpu, ea, access);
		return NULL;
	}
	asid = asid_of(e, pid);
	w = &e->walks[WALK_INDEX(ea, asid)];
	if (w->page == EPN(ea) && w->asid == asid && (access != ACCESS_WRITE || w->pte & PTE_C) &&
	    !check_leaf(cpu, w->pte, access, user))
		return w;
	struct walk_entry found;

	charge(cpu, WORK_WALK);
	if (!walk(cpu, ea, pid, access, user, &found)) {
		if (cpu->exception_flags & EXCEPTION_DAR)
			cpu->exception_dar = ea;
		return NULL;
	}
	found.page = EPN(ea);
	found.asid = asid;
	*w = found;
	return w;
}

/* @pte: low bits of the leaf; meaningless with relocation off. */
static bool translate(struct cpu *cpu, uint64_t ea, enum access access, uint64_t *ra, uint32_t *pte)
{
	*pte = 0;
	if (!(cpu->msr & (access == ACCESS_FETCH ? MSR_IR : MSR_DR))) {
		*ra = ea & 0x0fffffffffffffffull;
	} else {
		const struct walk_entry *w = relocate(cpu, ea, access, cpu->msr & MSR_PR);

		if (!w)
			return false;
		*ra = w->ra | (ea & PAGE_MASK_LOW);
		*pte = w->pte;
	}
	if (!memory_contains(cpu->engine->memory, *ra & ~PAGE_MASK_LOW, PAGE_BYTES))
		return raise_machine_check(cpu, ea, *ra, access, false);
	return true;
}

bool mmu_translate(struct cpu *cpu, uint64_t ea, enum access access, uint64_t *ra)
{
	uint32_t pte;

	return translate(cpu, ea, access, ra, &pte);
}

static void log_fill(struct fill_log *log, unsigned slot)
{
	if (log->count < FILL_LOG)
		log->slot[log->count++] = (uint16_t)slot;
	else
		log->count = FILL_LOST;
}

static void tlb_clear(struct cpu *cpu, enum tlb_mode mode)
{
	struct tlb_set *set = &cpu->tlbs[mode];
	struct fill_log *log = &set->filled;
	bool lost = log->count > FILL_LOG;
	unsigned n = lost ? TLB_ENTRIES : log->count;

	for (unsigned i = 0; i < n; i++) {
		unsigned slot = lost ? i : log->slot[i];

		set->read[slot].tag = set->write[slot].tag = TLB_INVALID;
	}
	log->count = 0;
	work_done(cpu->engine, n);
}

static void fetch_clear(struct cpu *cpu, enum tlb_mode mode)
{
	struct fetch_set *set = &cpu->fetches[mode];
	struct fill_log *log = &set->filled;
	bool lost = log->count > FILL_LOG;
	unsigned n = lost ? FETCH_ENTRIES : log->count;

	for (unsigned i = 0; i < n; i++)
		set->entry[lost ? i : log->slot[i]].tag = TLB_INVALID;
	log->count = 0;
	work_done(cpu->engine, n);
}

static void user_clear(struct cpu *cpu)
{
	tlb_clear(cpu, TLB_USER);
	fetch_clear(cpu, TLB_USER);
	cpu->user_saw_kernel = false;
}

static void kuser_drop(struct cpu *cpu)
{
	struct tlb_set *set = &cpu->tlbs[TLB_KERNEL];

	for (unsigned i = 0; i < cpu->nr_kuser; i++) {
		set->read[cpu->kuser[i]].tag = TLB_INVALID;
		set->write[cpu->kuser[i]].tag = TLB_INVALID;
	}
	cpu->nr_kuser = 0;
}

uint8_t *mmu_host(struct cpu *cpu, uint64_t ea, unsigned size, enum access access, uint64_t *ra_out)
{
	struct power_engine *e = cpu->engine;
	struct tlb_set *set = cpu->tlb;
	unsigned index = TLB_INDEX(ea);
	uint64_t ra;
	uint32_t pte;
	uint8_t *host;

	if (!translate(cpu, ea, access, &ra, &pte))
		return NULL;
	charge(cpu, WORK_FILL);
	host = e->memory->base + ra;
	if (ra_out)
		*ra_out = ra;
	if (access == ACCESS_WRITE && !e->touched[ra >> REGION_BITS]) {
		e->touched[ra >> REGION_BITS] = true;
		charge(cpu, WORK_TOUCH);
	}
	if (access == ACCESS_WRITE && code_at(e, ra)) {
		code_drop(e, ra, size);
		if (code_at(e, ra))
			return host; /* stores stay slow while the page holds code */
	}
	if (set == &cpu->tlbs[TLB_KERNEL] && (!(ea >> 62) || !(pte & PTE_PRIV))) {
		if (cpu->nr_kuser >= KUSER_SLOTS)
			kuser_drop(cpu);
		cpu->kuser[cpu->nr_kuser++] = (uint16_t)index;
	}
	if (set == &cpu->tlbs[TLB_USER] && ea >> 62)
		cpu->user_saw_kernel = true;
	struct tlb_entry *entry = access == ACCESS_WRITE ? &set->write[index] : &set->read[index];

	log_fill(&set->filled, index);
	entry->tag = EPN(ea);
	entry->addend = (uintptr_t)host - ea;
	return host;
}

struct code_page *mmu_fetch(struct cpu *cpu, uint64_t ea)
{
	struct fetch_entry *entry = &cpu->fetch->entry[FETCH_INDEX(ea)];
	uint64_t ra;
	uint32_t pte;

	if (entry->tag == EPN(ea))
		return entry->page;
	if (!translate(cpu, ea, ACCESS_FETCH, &ra, &pte))
		return NULL;
	charge(cpu, WORK_FILL);
	struct code_page *page = code_page_at(cpu->engine, ra, cpu->mode);

	if (page) {
		log_fill(&cpu->fetch->filled, FETCH_INDEX(ea));
		if (cpu->fetch == &cpu->fetches[TLB_KERNEL] && (!(ea >> 62) || !(pte & PTE_PRIV)))
			cpu->kernel_fetched_user = true;
		if (cpu->fetch == &cpu->fetches[TLB_USER] && ea >> 62)
			cpu->user_saw_kernel = true;
		entry->tag = EPN(ea);
		entry->page = page;
	}
	return page;
}

void mmu_mode_changed(struct cpu *cpu)
{
	unsigned user = cpu->msr & MSR_PR ? TLB_USER : TLB_KERNEL;
	unsigned mode = (cpu->msr & MSR_LE ? CODE_LE : 0) | (cpu->msr & MSR_SF ? 0 : CODE_32);

	cpu->tlb = &cpu->tlbs[cpu->msr & MSR_DR ? user : TLB_REAL];
	cpu->fetch = &cpu->fetches[cpu->msr & MSR_IR ? user : TLB_REAL];
	if (mode != cpu->mode) { /* a fetch entry's page is decoded for one mode */
		cpu->mode = (uint8_t)mode;
		for (unsigned i = 0; i < TLB_MODES; i++)
			fetch_clear(cpu, i);
	}
}

void mmu_pid_changed(struct cpu *cpu)
{
	user_clear(cpu);
	kuser_drop(cpu);
	/* The kernel should not execute user pages, but it may. */
	if (cpu->kernel_fetched_user)
		fetch_clear(cpu, TLB_KERNEL);
	cpu->kernel_fetched_user = false;
}

void mmu_amr_changed(struct cpu *cpu)
{
	kuser_drop(cpu);
}

static void cpu_flush(struct cpu *cpu)
{
	for (unsigned i = 0; i < TLB_MODES; i++) {
		tlb_clear(cpu, i);
		fetch_clear(cpu, i);
	}
	cpu->nr_kuser = 0;
	cpu->kernel_fetched_user = cpu->user_saw_kernel = false;
}

void mmu_reset(struct power_engine *e)
{
	forget_walks(e);
	mmu_flush_all(e);
}

/* However often the guest asks, this costs only what was filled since the last time. */
void mmu_flush_all(struct power_engine *e)
{
	e->first_asid = e->next_asid;
	work_done(e, 8 * e->nr_vcpus);
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		cpu_flush(e->cpus[i]);
}

void mmu_flush_code(struct power_engine *e)
{
	for (unsigned i = 0; i < e->nr_vcpus; i++)
		for (unsigned mode = 0; mode < TLB_MODES; mode++)
			fetch_clear(e->cpus[i], mode);
}

static void drop_writes(struct cpu *cpu, enum tlb_mode mode, uintptr_t host)
{
	struct tlb_set *set = &cpu->tlbs[mode];
	bool lost = set->filled.count > FILL_LOG;
	unsigned n = lost ? TLB_ENTRIES : set->filled.count;

	for (unsigned i = 0; i < n; i++) {
		struct tlb_entry *entry = &set->write[lost ? i : set->filled.slot[i]];

		if (entry->tag + entry->addend == host)
			entry->tag = TLB_INVALID;
	}
	work_done(cpu->engine, n);
}

void mmu_protect_code(struct power_engine *e, uint64_t ra)
{
	uintptr_t host = (uintptr_t)(e->memory->base + (ra & ~PAGE_MASK_LOW));

	for (unsigned i = 0; i < e->nr_vcpus; i++)
		for (unsigned mode = 0; mode < TLB_MODES; mode++)
			drop_writes(e->cpus[i], mode, host);
}

void mmu_flush_pid(struct power_engine *e, uint32_t pid)
{
	struct asid_entry *a = &e->asids[pid & (ASID_ENTRIES - 1)];

	if (a->pid == pid)
		a->asid = 0;
	work_done(e, 8 * e->nr_vcpus);
	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		struct cpu *cpu = e->cpus[i];

		if (!pid) {
			tlb_clear(cpu, TLB_KERNEL);
			fetch_clear(cpu, TLB_KERNEL);
			cpu->nr_kuser = 0;
			if (cpu->user_saw_kernel)
				user_clear(cpu);
		}
		if ((uint32_t)cpu->pidr == pid)
			mmu_pid_changed(cpu);
	}
}

static void drop_granule(struct cpu *cpu, uint64_t ea, unsigned mode)
{
	struct tlb_set *set = &cpu->tlbs[mode];
	struct fetch_entry *fetch = &cpu->fetches[mode].entry[FETCH_INDEX(ea)];

	if (set->read[TLB_INDEX(ea)].tag == ea)
		set->read[TLB_INDEX(ea)].tag = TLB_INVALID;
	if (set->write[TLB_INDEX(ea)].tag == ea)
		set->write[TLB_INDEX(ea)].tag = TLB_INVALID;
	if (fetch->tag == ea)
		fetch->tag = TLB_INVALID;
}

void mmu_flush_range(struct power_engine *e, uint32_t pid, uint64_t ea, uint64_t len)
{
	const struct asid_entry *a = &e->asids[pid & (ASID_ENTRIES - 1)];

	ea = EPN(ea) & ~(len - 1);
	if (len > 64 * 1024) {
		mmu_flush_pid(e, pid);
		return;
	}
	work_done(e, 4 * (int64_t)(len >> PAGE_BITS) * e->nr_vcpus);
	if (a->pid == pid && a->asid >= e->first_asid)
		for (uint64_t p = ea; p < ea + len; p += PAGE_BYTES) {
			struct walk_entry *w = &e->walks[WALK_INDEX(p, a->asid)];

			if (w->page == p && w->asid == a->asid)
				w->page = TLB_INVALID;
		}
	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		struct cpu *cpu = e->cpus[i];

		if (pid && (uint32_t)cpu->pidr != pid)
			continue;
		for (uint64_t p = ea; p < ea + len; p += PAGE_BYTES) {
			drop_granule(cpu, p, TLB_USER);
			drop_granule(cpu, p, TLB_KERNEL);
		}
	}
}

/* ---- data access ---- */

static inline uint8_t *fast(struct cpu *cpu, uint64_t ea, unsigned size, bool write)
{
	const struct tlb_entry *entry = write ? &cpu->tlb->write[TLB_INDEX(ea)] :
						&cpu->tlb->read[TLB_INDEX(ea)];

	return likely(entry->tag == EPN(ea + size - 1)) ? (uint8_t *)(ea + entry->addend) : NULL;
}

/* Slow path: translate both pages before moving a byte, so a fault leaves nothing half done. */
static __attribute__((noinline)) bool copy(struct cpu *cpu, uint64_t ea, void *buf, unsigned size,
					   bool write)
{
	enum access access = write ? ACCESS_WRITE : ACCESS_READ;
	unsigned head = PAGE_BYTES - (unsigned)(ea & PAGE_MASK_LOW);
	uint8_t *first, *second = NULL;

	if (head > size)
		head = size;
	first = mmu_host(cpu, ea, head, access, NULL);
	if (!first)
		return false;
	if (head < size) {
		second =
			mmu_host(cpu, effective_address(cpu, ea + head), size - head, access, NULL);
		if (!second)
			return false;
	}
	if (write) {
		memcpy(first, buf, head);
		if (second)
			memcpy(second, (uint8_t *)buf + head, size - head);
	} else {
		memcpy(buf, first, head);
		if (second)
			memcpy((uint8_t *)buf + head, second, size - head);
	}
	return true;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SWAPPED(cpu) (!((cpu)->mode & CODE_LE))
#else
#define SWAPPED(cpu) ((cpu)->mode & CODE_LE)
#endif

static inline uint8_t swap8(uint8_t v)
{
	return v;
}

static inline u128 swap128(u128 v)
{
	return (u128)__builtin_bswap64((uint64_t)v) << 64 | __builtin_bswap64((uint64_t)(v >> 64));
}

#define ACCESSORS(bits, type, value, swap)                                                   \
	bool cpu_load##bits(struct cpu *cpu, uint64_t ea, value *v)                          \
	{                                                                                    \
		const uint8_t *p =                                                           \
			fast(cpu, ea = effective_address(cpu, ea), sizeof(type), false);     \
		type t;                                                                      \
                                                                                             \
		if (likely(p))                                                               \
			memcpy(&t, p, sizeof(t));                                            \
		else if (!copy(cpu, ea, &t, sizeof(t), false))                               \
			return false;                                                        \
		*v = SWAPPED(cpu) ? swap(t) : t;                                             \
		return true;                                                                 \
	}                                                                                    \
	bool cpu_store##bits(struct cpu *cpu, uint64_t ea, value v)                          \
	{                                                                                    \
		uint8_t *p = fast(cpu, ea = effective_address(cpu, ea), sizeof(type), true); \
		type t = SWAPPED(cpu) ? swap((type)v) : (type)v;                             \
                                                                                             \
		if (unlikely(!p))                                                            \
			return copy(cpu, ea, &t, sizeof(t), true);                           \
		memcpy(p, &t, sizeof(t));                                                    \
		return true;                                                                 \
	}

ACCESSORS(8, uint8_t, uint64_t, swap8)
ACCESSORS(16, uint16_t, uint64_t, __builtin_bswap16)
ACCESSORS(32, uint32_t, uint64_t, __builtin_bswap32)
ACCESSORS(64, uint64_t, uint64_t, __builtin_bswap64)
ACCESSORS(128, u128, u128, swap128)
