/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hashed page tables: segments, then the search of two groups of entries. Power ISA 2.07B, Book
 * III-S, section 5.7; ISA 3.0B, Book III, sections 5.7.6 to 5.7.9. There is no segment table: a
 * partition that translates by hash has none on any processor.
 */
#include "engine/emu/mmu/segments.h"
#include "engine/emu/mmu/translate.h"
#include "isa/hpte.h"
#include "isa/srr1.h"

/*
 * Protection, besides PAGE_UNCACHED, PAGE_CHANGED, PAGE_KEY and PAGE_EXEC, which is missing if N or
 * G is 1.
 */
#define PP_SHIFT 16
#define PP	 (7u << PP_SHIFT)

/* An entry's doublewords, big-endian. */
struct pair {
	uint64_t v, r;
};

static uint64_t be64(uint64_t v)
{
	return get_be64(&v);
}

static bool space(struct translate_request *r, struct translate_fault *fault)
{
	bool several;
	const struct engine_slb_entry *entry = slb_find(r->slb, r->ea, &several);
	unsigned bits;

	if (!entry || several) {
		fault->kind = several ? FAULT_SLB_MULTIHIT : FAULT_SEGMENT;
		return false;
	}
	bits = slb_segment_bits(entry->vsid);
	r->segment = entry->vsid;
	r->space = hash_space(slb_virtual_segment(entry->vsid), entry->vsid & SLB_B_1T,
			      slb_base_page_bits(entry->vsid));
	r->address = r->ea & ((1ull << bits) - 1);
	return true;
}

/* What PP permits if the segment's key for this state is 0, and if it is 1. */
static unsigned permitted(bool key, unsigned pp)
{
	static const uint8_t permissions[2][8] = {
		{ PAGE_READ | PAGE_WRITE, PAGE_READ | PAGE_WRITE, PAGE_READ | PAGE_WRITE, PAGE_READ,
		  0, 0, PAGE_READ, 0 },
		{ 0, PAGE_READ, PAGE_READ | PAGE_WRITE, PAGE_READ, 0, 0, 0, 0 },
	};

	return permissions[key][pp];
}

static uint32_t check_fetch(const struct translate_request *r, unsigned protection,
			    unsigned allowed, unsigned key_shift)
{
	uint32_t refused = 0;

	if (r->segment & SLB_NOEXEC || !(protection & PAGE_EXEC))
		refused = FAULT_NOEXEC;
	else if (!(allowed & PAGE_READ))
		refused = FAULT_PROTECTION;
	return r->iamr >> key_shift & 1 ? refused | FAULT_KEY : refused;
}

static uint32_t check(const struct translate_request *r, unsigned protection)
{
	const bool key = r->segment & (r->problem_state ? SLB_KP : SLB_KS);
	const unsigned allowed = permitted(key, (protection & PP) >> PP_SHIFT);
	const unsigned key_shift = 62 - 2 * ((protection & PAGE_KEY) >> PAGE_KEY_SHIFT);
	const bool write = r->access == ACCESS_WRITE;
	uint32_t refused;

	if (r->access == ACCESS_FETCH)
		return check_fetch(r, protection, allowed, key_shift);
	refused = allowed & (write ? PAGE_WRITE : PAGE_READ) ? 0 : FAULT_PROTECTION;
	return r->amr >> key_shift & (write ? 2 : 1) ? refused | FAULT_KEY : refused;
}

/*
 * Both doublewords of an entry that the hypervisor may change meanwhile. It changes the first one
 * last to make an entry valid, and first to make it invalid.
 */
static struct pair read_entry(const uint64_t *entry)
{
	struct pair pair;

	do {
		pair.v = __atomic_load_n(&entry[0], __ATOMIC_ACQUIRE);
		pair.r = __atomic_load_n(&entry[1], __ATOMIC_ACQUIRE);
	} while (unlikely(__atomic_load_n(&entry[0], __ATOMIC_RELAXED) != pair.v));
	return pair;
}

/*
 * The entry of the page in one of its two groups: a pointer to its first doubleword, or NULL.
 * *@second: the other one, in host order
 */
static uint64_t *search(const struct engine_partition *partition, const struct virtual_page *page,
			unsigned base, bool secondary, const struct hpte_page_size **size,
			uint64_t *second)
{
	const uint64_t group = hpt_group(page, base, secondary, partition->hash_table_order);
	const uint64_t mask = be64(hpte_v_mask(base) | HPTE_V_VALID | HPTE_V_SECONDARY);
	const uint64_t wanted =
		be64(hpte_v(page) | HPTE_V_VALID | (secondary ? HPTE_V_SECONDARY : 0)) & mask;
	uint64_t *entry = &partition->hash_table[group * HPTES_PER_GROUP * 2];

	for (unsigned i = 0; i < HPTES_PER_GROUP; i++, entry += 2) {
		struct pair pair;

		if ((__atomic_load_n(&entry[0], __ATOMIC_RELAXED) & mask) != wanted)
			continue;
		pair = read_entry(entry);
		if (unlikely((pair.v & mask) != wanted))
			continue;
		*second = be64(pair.r);
		*size = hpte_page_size(be64(pair.v), *second);
		/* Another base page size: left behind by a segment that had it. */
		if (*size && (*size)->base == base)
			return entry;
	}
	return NULL;
}

static uint32_t protection_of(uint64_t r)
{
	return PAGE_PRIVILEGED | (r & (HPTE_R_N | HPTE_R_G) ? 0 : PAGE_EXEC) |
	       (r & (HPTE_R_W | HPTE_R_I) ? PAGE_UNCACHED : 0) | (r & HPTE_R_C ? PAGE_CHANGED : 0) |
	       hpte_key(r) << PAGE_KEY_SHIFT | hpte_pp(r) << PP_SHIFT;
}

static bool storage_fault(struct translate_fault *fault, uint32_t dsisr)
{
	fault->kind = FAULT_STORAGE;
	fault->dsisr = dsisr;
	return false;
}

/*
 * Set R or C in an entry's second doubleword, unless it has changed. Snapshots of memory have the
 * table, too, which is behind RAM.
 */
static bool note_access(struct guest_memory *memory, uint64_t *doubleword, uint64_t *second,
			uint64_t bits)
{
	uint64_t was = be64(*second);

	if (!__atomic_compare_exchange_n(doubleword, &was, be64(*second | bits), false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return false;
	*second |= bits;
	memory_mark(memory, (uintptr_t)doubleword - (uintptr_t)memory->base, sizeof(was));
	return true;
}

static bool walk(struct guest_memory *memory, const struct engine_partition *partition,
		 const struct translate_request *r, struct translation *translation,
		 struct translate_fault *fault)
{
	const unsigned base = slb_base_page_bits(r->segment);
	const struct virtual_page page = { .vsid = slb_virtual_segment(r->segment),
					   .offset = r->address,
					   .segment_1t = r->segment & SLB_B_1T };
	const struct hpte_page_size *size;
	uint64_t *entry = NULL, second = 0, used, offset;
	uint32_t refused;

	if (r->access == ACCESS_FETCH && r->segment & SLB_NOEXEC)
		return storage_fault(fault, FAULT_NOEXEC);
	if (partition->hash_table && base)
		entry = search(partition, &page, base, false, &size, &second);
	if (partition->hash_table && base && !entry)
		entry = search(partition, &page, base, true, &size, &second);
	if (!entry)
		return storage_fault(fault, FAULT_NO_PTE);
	refused = check(r, protection_of(second));
	if (refused)
		return storage_fault(fault, refused);
	used = HPTE_R_R | (r->access == ACCESS_WRITE ? HPTE_R_C : 0);
	if (!r->traceless && ~second & used && !note_access(memory, &entry[1], &second, used))
		return walk(memory, partition, r, translation, fault);
	offset = (1ull << size->actual) - 1;
	translation->ra = hpte_ra(second, size) | (r->address & offset);
	translation->protection = protection_of(second);
	translation->page_bits = size->actual;
	return true;
}

const struct translation_format hash_format = { space, check, walk };
