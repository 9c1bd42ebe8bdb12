/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash page table, its owner, and the hcall-pft, hcall-bulk, hcall-block-remove and
 * hcall-hpt-resize function sets. LoPAR sections "Page Frame Table Access", "H_BULK_REMOVE",
 * "H_BLOCK_REMOVE", "Hash Page Table Resizing" and "H_CLEAR_HPT".
 *
 * The hypervisor's memory behind RAM has two halves: one with the table, one for that which a guest
 * prepares to change to. What is not in use is zero.
 */
#include "base/compare_and_swap.h"
#include "isa/hpte.h"
#include "pseries/private.h"

/* LoPAR table "Page Frame Table Access flags field definition" */
#define FLAG(bit)		(1ull << (63 - (bit)))
#define FLAGS_CEC_COOKIE	0xffff000000000000ull
#define FLAG_EXACT		FLAG(24)
#define FLAG_READ_4		FLAG(26)
#define FLAG_AVPN		FLAG(32)
#define FLAG_ANDCOND		FLAG(33)
#define FLAG_ICACHE_INVALIDATE	FLAG(40)
#define FLAG_ICACHE_SYNCHRONIZE FLAG(41)
#define FLAG_ZERO_PAGE		FLAG(48)
#define FLAG_PP0		FLAG(55)
#define FLAGS_KEY_HIGH		0x3000ull /* where the second doubleword has bits 2 and 3 */

#define HPTE_V_HYPERVISOR 0x60ull /* software bits that are not the OS's */
#define HPTE_V_BOLTED	  0x10ull
#define AVPN_MASK	  (~0x7full)
#define LARGEST_PREPARED  16u /* log2 of the page size up to which H_ENTER zeroes, ... */

struct hpte {
	uint64_t v, r;
};

/* ---- the table ---- */

unsigned hash_table_order(uint64_t ram)
{
	unsigned order = HPT_SMALLEST_ORDER;

	/* LoPAR "ibm,pft-size": 1/128 of memory, but at least the architecture's minimum. */
	while (order < HPT_LARGEST_ORDER && 1ull << order < ram / 128)
		order++;
	return order;
}

unsigned hash_table_largest(const struct papr *papr)
{
	return hash_table_order(papr->memory->size) + 1;
}

uint64_t papr_hypervisor_memory(uint64_t ram)
{
	return 2ull << (hash_table_order(ram) + 1);
}

static uint8_t *half(const struct papr *papr, unsigned number)
{
	return papr->memory->base + papr->memory->size +
	       ((uint64_t)number << hash_table_largest(papr));
}

static uint8_t *table(const struct papr *papr)
{
	return half(papr, papr->hash_table.half);
}

static uint64_t nr_entries(unsigned order)
{
	return (1ull << order) / HPTE_BYTES;
}

static bool is_index(const struct papr *papr, uint64_t index)
{
	return index < nr_entries(papr->partition.hash_table_order);
}

/*
 * vCPUs may search the table meanwhile, and set R and C. So an entry's first doubleword becomes
 * valid last and invalid first, and the second one changes in one piece.
 */
static uint64_t *doubleword(uint8_t *entries, uint64_t index, unsigned which)
{
	return (uint64_t *)(void *)(entries + index * HPTE_BYTES) + which;
}

static void put(uint64_t *doubleword, uint64_t value)
{
	uint64_t bytes;

	put_be64(&bytes, value);
	__atomic_store_n(doubleword, bytes, __ATOMIC_RELEASE);
}

static struct hpte load(const uint8_t *from, uint64_t index)
{
	const uint8_t *entry = from + index * HPTE_BYTES;
	const uint64_t r =
		__atomic_load_n((const uint64_t *)(const void *)(entry + 8), __ATOMIC_RELAXED);

	return (struct hpte){ get_be64(entry), get_be64(&r) };
}

static void mark(struct papr *papr, const uint8_t *entries, uint64_t index)
{
	const uint8_t *entry = entries + index * HPTE_BYTES;

	memory_mark(papr->memory, (uint64_t)(entry - papr->memory->base), HPTE_BYTES);
}

static void store(struct papr *papr, uint8_t *to, uint64_t index, struct hpte hpte)
{
	const bool valid = hpte.v & HPTE_V_VALID;

	put(doubleword(to, index, valid ? 1 : 0), valid ? hpte.r : hpte.v);
	put(doubleword(to, index, valid ? 0 : 1), valid ? hpte.v : hpte.r);
	mark(papr, to, index);
}

/* Change the second doubleword of an entry of the table, unless it is no longer as it was. */
static bool replace(struct papr *papr, uint64_t index, struct hpte was, uint64_t r)
{
	uint64_t old, new;

	put_be64(&old, was.r);
	put_be64(&new, r);
	if (!compare_and_swap(doubleword(table(papr), index, 1), sizeof(new), old, new))
		return false;
	mark(papr, table(papr), index);
	return true;
}

static void clear(struct papr *papr, uint8_t *from, unsigned order)
{
	for (uint64_t i = 0; i < nr_entries(order); i++) {
		const struct hpte hpte = load(from, i);

		if (hpte.v || hpte.r)
			store(papr, from, i, (struct hpte){ 0, 0 });
	}
}

void hash_table_reset(struct papr *papr)
{
	/* The machine has cleared memory. */
	papr->hash_table = (struct papr_hash_table){ .half = 0 };
	papr->partition.hash_table_order = hash_table_order(papr->memory->size);
	hash_table_place(papr);
}

void hash_table_place(struct papr *papr)
{
	papr->partition.hash_table = papr_engine_can(papr, ENGINE_CAP_HASH_TABLE) ?
					     (uint64_t *)(void *)table(papr) :
					     NULL;
}

void hash_table_empty(struct papr *papr)
{
	clear(papr, table(papr), papr->partition.hash_table_order);
}

/* The table was emptied, or replaced by another. SLBs are not part of it. */
static void flush_all(struct papr *papr)
{
	papr_set_partition(papr);
	papr->config.engine_ops->flush_tlb(papr->config.engine, false);
}

/* The entry was valid and has changed: the engine must not use it as it was. */
static void flush(struct papr *papr, uint64_t index, struct hpte was)
{
	papr->config.engine_ops->flush_hpte(papr->config.engine, index, was.v, was.r);
}

/* ---- H_ENTER ---- */

/* The page size of an entry; NULL if the partition has none like it. */
static const struct hpte_page_size *page_size(struct hpte hpte)
{
	const struct hpte_page_size *size = hpte_page_size(hpte.v, hpte.r);

	return size && size->actual <= HASH_LARGEST_PAGE ? size : NULL;
}

/* May the page be mapped with these storage control bits? */
static bool is_mappable(const struct guest_memory *memory, struct hpte hpte,
			const struct hpte_page_size *size)
{
	const uint64_t ra = hpte_ra(hpte.r, size);
	const uint64_t wim = hpte.r & (HPTE_R_W | HPTE_R_I | HPTE_R_M);

	if (memory_contains(memory, ra, 1ull << size->actual))
		return (hpte.r & HPTE_R_WIMG) == HPTE_R_M;
	return memory_region(memory, ra).kind == MEMORY_WINDOW &&
	       (wim == HPTE_R_I || wim == (HPTE_R_I | HPTE_R_M));
}

/* A page in a device's window is left alone. */
static bool zero_page(struct guest_memory *memory, uint64_t ra, unsigned shift)
{
	static const uint8_t zeros[1u << LARGEST_PREPARED];

	return !memory_contains(memory, ra, 1ull << shift) ||
	       memory_write(memory, ra, zeros, 1ull << shift);
}

/* The place that H_ENTER fills. False: there is none. */
static bool choose_slot(const struct papr *papr, bool exact, uint64_t *index)
{
	const uint64_t last = exact ? *index : *index | (HPTES_PER_GROUP - 1);

	if (!exact)
		*index &= ~(HPTES_PER_GROUP - 1ull);
	for (; *index <= last; ++*index)
		if (!(load(table(papr), *index).v & HPTE_V_VALID))
			return true;
	return false;
}

/*
 * r4 flags, r5 index, r6-r7 the entry; out r4 index. Flags that manage the instruction cache ask
 * for nothing: decoded code is dropped by whatever writes to it.
 */
static int64_t h_enter(struct hcall *call)
{
	struct papr *papr = call->papr;
	const uint64_t flags = call->args[0];
	uint64_t index = call->args[1];
	struct hpte hpte = { call->args[2] & ~HPTE_V_HYPERVISOR, call->args[3] & ~HPTE_R_TAGS };
	const struct hpte_page_size *size = page_size(hpte);

	if (flags & FLAGS_CEC_COOKIE || !is_index(papr, index) || !size ||
	    !is_mappable(papr->memory, hpte, size))
		return H_PARAMETER;
	if (size->actual > LARGEST_PREPARED &&
	    flags & (FLAG_ZERO_PAGE | FLAG_ICACHE_INVALIDATE | FLAG_ICACHE_SYNCHRONIZE))
		return H_TOO_BIG;
	if (!choose_slot(papr, flags & FLAG_EXACT, &index))
		return H_PTEG_FULL;
	if (flags & FLAG_ZERO_PAGE && !zero_page(papr->memory, hpte_ra(hpte.r, size), size->actual))
		return H_HARDWARE;
	store(papr, table(papr), index, hpte);
	call->args[0] = index;
	return H_SUCCESS;
}

/* ---- removal ---- */

/* Remove an entry that is valid and as @flags say of @avpn; *@was: what it was. */
static int64_t remove_entry(struct papr *papr, uint64_t flags, uint64_t index, uint64_t avpn,
			    struct hpte *was)
{
	if (!is_index(papr, index))
		return H_PARAMETER;
	*was = load(table(papr), index);
	if (!(was->v & HPTE_V_VALID) || (flags & FLAG_AVPN && (was->v & AVPN_MASK) != avpn) ||
	    (flags & FLAG_ANDCOND && was->v & avpn))
		return H_NOT_FOUND;
	put(doubleword(table(papr), index, 0), 0);
	flush(papr, index, *was);
	/* A vCPU may have set R or C until then. */
	was->r = load(table(papr), index).r;
	store(papr, table(papr), index, (struct hpte){ 0, 0 });
	return H_SUCCESS;
}

/* r4 flags, r5 index, r6 AVPN; out r4-r5 the entry as it was. */
static int64_t h_remove(struct hcall *call)
{
	struct hpte was;
	int64_t rc = remove_entry(call->papr, call->args[0], call->args[1], call->args[2], &was);

	if (rc != H_SUCCESS)
		return rc;
	call->args[0] = was.v;
	call->args[1] = was.r;
	return H_SUCCESS;
}

/* A translation specifier's first doubleword */
#define BULK_TYPE      0xc000000000000000ull
#define BULK_REQUEST   0x4000000000000000ull
#define BULK_RESPONSE  0x8000000000000000ull
#define BULK_END       0xc000000000000000ull
#define BULK_NOT_FOUND 0x1000000000000000ull
#define BULK_PARAMETER 0x2000000000000000ull
#define BULK_RC_SHIFT  51 /* from R and C of an entry */
#define BULK_AVPN      0x0200000000000000ull
#define BULK_ANDCOND   0x0100000000000000ull
#define BULK_FLAGS     (BULK_AVPN | BULK_ANDCOND)
#define BULK_INDEX     0x00ffffffffffffffull

/* One of its requests; what it answers takes the place of *@specifier. */
static int64_t bulk_remove_one(struct papr *papr, uint64_t *specifier, uint64_t avpn)
{
	const uint64_t flags = *specifier & BULK_FLAGS, index = *specifier & BULK_INDEX;
	struct hpte was;
	int64_t rc = H_PARAMETER;

	/* Unlike with H_REMOVE, the bits that are not the page's number don't count. */
	if (flags == BULK_AVPN)
		rc = remove_entry(papr, FLAG_AVPN, index, avpn, &was);
	else if (flags == BULK_ANDCOND)
		rc = remove_entry(papr, FLAG_ANDCOND, index, avpn & AVPN_MASK, &was);
	else if (!flags)
		rc = remove_entry(papr, 0, index, 0, &was);
	*specifier = BULK_RESPONSE | flags | index;
	if (rc == H_SUCCESS)
		*specifier |= (was.r & (HPTE_R_R | HPTE_R_C)) << BULK_RC_SHIFT;
	else
		*specifier |= rc == H_NOT_FOUND ? BULK_NOT_FOUND : BULK_PARAMETER;
	return rc == H_NOT_FOUND ? H_SUCCESS : rc;
}

/* r4-r11: up to four specifiers, two doublewords each; out: the first of each */
static int64_t h_bulk_remove(struct hcall *call)
{
	for (unsigned i = 0; i < 8; i += 2) {
		const uint64_t type = call->args[i] & BULK_TYPE;
		int64_t rc;

		if (type == BULK_END)
			break;
		if (type != BULK_REQUEST)
			return H_PARAMETER;
		rc = bulk_remove_one(call->papr, &call->args[i], call->args[i + 1]);
		if (rc != H_SUCCESS)
			return rc;
	}
	return H_SUCCESS;
}

/* A translation specifier of H_BLOCK_REMOVE: its first byte, then the index as above */
#define BLOCK_AVPN	   0x0100000000000000ull
#define BLOCK_NOT_FOUND	   0x0800000000000000ull
#define BLOCK_PARAMETER	   0x1000000000000000ull
#define BLOCK_INCONSISTENT 0x1800000000000000ull /* another page or segment size */
#define BLOCK_BUSY	   0x2000000000000000ull
#define BLOCK_CROSSES	   0x2800000000000000ull /* of another block */
#define BLOCK_RC_SHIFT	   50 /* from R and C of an entry */
#define BLOCK_BITS	   3 /* log2 of the pages */
#define BLOCK_LARGEST_BASE 16u /* the AVPN of larger pages is not the same in all of a block */

static bool is_in_blocks(const struct hpte_page_size *size)
{
	return size->base <= BLOCK_LARGEST_BASE && size->actual <= HASH_LARGEST_PAGE;
}

/* LoPAR table "TLB Block Invalidate Characteristics Specifier Format" */
size_t hash_table_block_characteristics(const struct papr *papr, uint8_t *buf)
{
	static const struct hpte_page_size sizes[] = HPTE_PAGE_SIZES;
	size_t len = 2;

	_Static_assert(2 + ARRAY_SIZE(sizes) <= BLOCK_CHARACTERISTICS_MAX, "there is room");
	if (!papr->offers_hash || !papr->partition.hash_table)
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		if (is_in_blocks(&sizes[i]))
			buf[len++] = (uint8_t)(sizes[i].large ? 0x80 | sizes[i].lp : 0);
	buf[0] = BLOCK_BITS;
	buf[1] = (uint8_t)(len - 2);
	return len;
}

/* What the first entry to be removed settles for those that follow. */
struct block {
	const struct hpte_page_size *size; /* NULL: there was none yet */
	struct virtual_page page; /* offset: the block's number in the segment */
};

/* May the entry be removed with the block's others? 0, or what its specifier gets. */
static uint64_t check_block_entry(const struct papr *papr, uint64_t specifier, uint64_t avpn,
				  struct block *block)
{
	const uint64_t index = specifier & BULK_INDEX;
	const struct hpte_page_size *size;
	struct virtual_page page;
	struct hpte hpte;

	if (!is_index(papr, index))
		return BLOCK_PARAMETER;
	hpte = load(table(papr), index);
	if (!(hpte.v & HPTE_V_VALID) || hpte.v & HPTE_V_BOLTED)
		return BLOCK_NOT_FOUND;
	size = page_size(hpte);
	if (!size || !is_in_blocks(size))
		return BLOCK_PARAMETER;
	if (specifier & BLOCK_AVPN && (hpte.v ^ avpn) & AVPN_MASK)
		return BLOCK_NOT_FOUND;
	page = hpte_page(hpte.v, index, size->base);
	page.offset >>= size->base + BLOCK_BITS;
	if (!block->size)
		*block = (struct block){ size, page };
	if (size != block->size || page.segment_1t != block->page.segment_1t)
		return BLOCK_INCONSISTENT;
	return page.vsid == block->page.vsid && page.offset == block->page.offset ? 0 :
										    BLOCK_CROSSES;
}

/* Is the entry @index among those before @n that will be removed? Then it is locked. */
static bool is_locked(const uint64_t *specifiers, const uint64_t *answers, unsigned n,
		      uint64_t index)
{
	for (unsigned i = 0; i < n; i++)
		if (!answers[i] && (specifiers[i] & BULK_INDEX) == index)
			return true;
	return false;
}

static uint64_t remove_block_entry(struct papr *papr, uint64_t index)
{
	struct hpte was = { 0, 0 };

	remove_entry(papr, 0, index, 0, &was);
	return (was.r & (HPTE_R_R | HPTE_R_C)) << BLOCK_RC_SHIFT;
}

/*
 * r4 AVPN, r5-r12: up to eight specifiers; out: they are r4-r11. All are checked before the first
 * entry is removed, so what is no request leaves all alone, and an entry named twice is busy at the
 * second time. Without the CMO option the bits for a page's state don't count.
 */
static int64_t h_block_remove(struct hcall *call)
{
	const uint64_t avpn = call->args[0];
	uint64_t *specifiers = &call->args[1], answers[1u << BLOCK_BITS];
	struct block block = { 0 };
	int64_t rc = H_SUCCESS;
	unsigned n = 0;

	for (; n < ARRAY_SIZE(answers) && (specifiers[n] & BULK_TYPE) != BULK_END; n++) {
		if ((specifiers[n] & BULK_TYPE) != BULK_REQUEST)
			return H_PARAMETER;
		answers[n] = is_locked(specifiers, answers, n, specifiers[n] & BULK_INDEX) ?
				     BLOCK_BUSY :
				     check_block_entry(call->papr, specifiers[n], avpn, &block);
		if (answers[n])
			rc = H_PARTIAL;
	}
	for (unsigned i = 0; i < n; i++) {
		const uint64_t index = specifiers[i] & BULK_INDEX;

		if (!answers[i])
			answers[i] = remove_block_entry(call->papr, index);
		call->args[i] = BULK_RESPONSE | answers[i] | index;
	}
	return rc;
}

/*
 * All entries. There is no virtual real mode area among them: what code without relocation reaches
 * is struct engine_partition.real_mode_size.
 */
static int64_t h_clear_hpt(struct hcall *call)
{
	struct papr *papr = call->papr;

	hash_table_empty(papr);
	flush_all(papr);
	return H_SUCCESS;
}

/* ---- changes of an entry ---- */

/* r4 flags, r5 index, r6 AVPN. As LoPAR has it, R is cleared. */
static int64_t h_protect(struct hcall *call)
{
	const uint64_t changed = HPTE_R_PP0 | HPTE_R_KEY_HIGH | HPTE_R_KEY_LOW | HPTE_R_N |
				 HPTE_R_PP | HPTE_R_R;
	const uint64_t flags = call->args[0], index = call->args[1];
	struct papr *papr = call->papr;
	struct hpte was;
	uint64_t r;

	if (!is_index(papr, index))
		return H_PARAMETER;
	do {
		was = load(table(papr), index);
		if (!(was.v & HPTE_V_VALID) ||
		    (flags & FLAG_AVPN && (was.v & AVPN_MASK) != call->args[2]))
			return H_NOT_FOUND;
		r = was.r & ~changed;
		r |= flags & (HPTE_R_KEY_LOW | HPTE_R_N | HPTE_R_PP);
		r |= flags & FLAG_PP0 ? HPTE_R_PP0 : 0;
		r |= (flags & FLAGS_KEY_HIGH) << 48;
	} while (!replace(papr, index, was, r));
	flush(papr, index, was);
	return H_SUCCESS;
}

/* r4 flags, r5 index; out r4-r5 the entry, or r4-r11 the four around it. */
static int64_t h_read(struct hcall *call)
{
	const uint64_t flags = call->args[0];
	const unsigned count = flags & FLAG_READ_4 ? 4 : 1;
	const uint64_t index = call->args[1] & ~(count - 1ull);

	if (flags & FLAGS_CEC_COOKIE || !is_index(call->papr, index))
		return H_PARAMETER;
	for (unsigned i = 0; i < count; i++) {
		const struct hpte hpte = load(table(call->papr), index + i);

		call->args[2 * i] = hpte.v;
		call->args[2 * i + 1] = hpte.r;
	}
	return H_SUCCESS;
}

/* r4 flags, of which there are none, r5 index; out r4 the second doubleword as it was. */
static int64_t clear_bit(struct hcall *call, uint64_t bit)
{
	const uint64_t index = call->args[1];
	struct papr *papr = call->papr;
	struct hpte was;

	if (!is_index(papr, index))
		return H_PARAMETER;
	do {
		was = load(table(papr), index);
		if (!(was.v & HPTE_V_VALID))
			return H_NOT_FOUND;
		call->args[0] = was.r;
		if (!(was.r & bit))
			return H_SUCCESS;
	} while (!replace(papr, index, was, was.r & ~bit));
	flush(papr, index, was);
	return H_SUCCESS;
}

static int64_t h_clear_mod(struct hcall *call)
{
	return clear_bit(call, HPTE_R_C);
}

static int64_t h_clear_ref(struct hcall *call)
{
	return clear_bit(call, HPTE_R_R);
}

/* ---- resizing ---- */

/* r4 flags, of which there are none, r5 log2 of the bytes of the table to be, or 0 for none */
static int64_t h_resize_hpt_prepare(struct hcall *call)
{
	struct papr *papr = call->papr;
	const int32_t order = (int32_t)call->args[1];

	if (papr->hash_table.pending && !call->args[0] &&
	    order == (int32_t)papr->hash_table.pending)
		return H_SUCCESS;
	papr->hash_table.pending = 0;
	if (call->args[0])
		return H_PARAMETER;
	if (!order)
		return H_SUCCESS;
	if (order < HPT_SMALLEST_ORDER || order > HPT_LARGEST_ORDER)
		return H_PARAMETER;
	if ((unsigned)order > hash_table_largest(papr))
		return H_RESOURCE;
	papr->hash_table.pending = (uint8_t)order;
	return H_SUCCESS;
}

/* Copy one bolted entry to a table of 2^@order bytes. False: its place is taken. */
static bool rehash(struct papr *papr, uint64_t index, struct hpte hpte, uint8_t *to, unsigned order)
{
	const struct hpte_page_size *size = hpte_page_size(hpte.v, hpte.r);
	struct virtual_page page;
	uint64_t place;

	if (!size)
		return true; /* nothing translates by it */
	page = hpte_page(hpte.v, index, size->base);
	place = hpt_group(&page, size->base, hpte.v & HPTE_V_SECONDARY, order) * HPTES_PER_GROUP +
		index % HPTES_PER_GROUP;
	if (load(to, place).v & HPTE_V_VALID)
		return false;
	store(papr, to, place, hpte);
	return true;
}

static bool rehash_bolted(struct papr *papr, uint8_t *to, unsigned order)
{
	const uint64_t count = nr_entries(papr->partition.hash_table_order);

	for (uint64_t i = 0; i < count; i++) {
		const struct hpte hpte = load(table(papr), i);

		if (hpte.v & HPTE_V_VALID && hpte.v & HPTE_V_BOLTED &&
		    !rehash(papr, i, hpte, to, order))
			return false;
	}
	return true;
}

/* r4 flags, r5 as it was to be prepared. A collision leaves both tables as they were. */
static int64_t h_resize_hpt_commit(struct hcall *call)
{
	struct papr *papr = call->papr;
	const unsigned order = papr->hash_table.pending;
	uint8_t *old = table(papr), *new = half(papr, !papr->hash_table.half);

	if (!order || call->args[0] || (int32_t)call->args[1] != (int32_t)order)
		return H_CLOSED;
	if (!rehash_bolted(papr, new, order)) {
		clear(papr, new, order);
		return H_PTEG_FULL;
	}
	clear(papr, old, papr->partition.hash_table_order);
	papr->hash_table = (struct papr_hash_table){ .half = !papr->hash_table.half };
	papr->partition.hash_table_order = order;
	hash_table_place(papr);
	flush_all(papr);
	return H_SUCCESS;
}

#define OURS .needs = ENGINE_CAP_HASH_TABLE, .translation = HCALL_HASH

const struct hcall_entry hash_table_hcalls[] = {
	{ 0x004, h_remove, .function_set = "hcall-pft", OURS },
	{ 0x008, h_enter, .function_set = "hcall-pft", OURS },
	{ 0x00c, h_read, .function_set = "hcall-pft", OURS },
	{ 0x010, h_clear_mod, .function_set = "hcall-pft", OURS },
	{ 0x014, h_clear_ref, .function_set = "hcall-pft", OURS },
	{ 0x018, h_protect, .function_set = "hcall-pft", OURS },
	{ 0x124, h_bulk_remove, .function_set = "hcall-bulk", OURS },
	{ 0x328, h_block_remove, .function_set = "hcall-block-remove", OURS },
	{ 0x358, .handler = h_clear_hpt, OURS }, /* Linux tries it */
	{ 0x36c, h_resize_hpt_prepare, .function_set = "hcall-hpt-resize", OURS },
	{ 0x370, h_resize_hpt_commit, .function_set = "hcall-hpt-resize", OURS },
	{ 0 },
};
