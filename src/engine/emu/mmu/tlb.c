/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The soft TLB's arrays and the cache of walks, and how they are emptied. A guest may flush as
 * often as it likes: a flush costs what was filled since the last one.
 */
#include <string.h>

#include "engine/emu/mmu/tlb.h"

/* An effective address of process 0, in the fourth quadrant. */
static bool is_kernel(uint64_t ea)
{
	return ea >> 62;
}

/* ---- a vCPU's arrays ---- */

static void log_fill(struct fill_log *log, unsigned slot)
{
	if (log->count < FILL_LOG)
		log->slot[log->count++] = (uint16_t)slot;
	else
		log->count = FILL_LOST;
}

/* How many slots of @entries are to be looked at. */
static unsigned nr_filled(const struct fill_log *log, unsigned entries)
{
	return log->count > FILL_LOG ? entries : log->count;
}

static unsigned filled_slot(const struct fill_log *log, unsigned i)
{
	return log->count > FILL_LOG ? i : log->slot[i];
}

bool tlb_is_kuser(uint64_t ea, bool privileged)
{
	return !is_kernel(ea) || !privileged;
}

/* The only way in which a single entry ends. */
static void drop(struct tlb_set *set, unsigned slot, bool write)
{
	struct tlb_entry *entry = write ? &set->write[slot] : &set->read[slot];
	struct tlb_entry *base = write ? set->base_write : set->base_read;

	for (unsigned i = 0; i < TLB_BASES; i++)
		if (base[i].tag == entry->tag)
			base[i].tag = TLB_INVALID;
	entry->tag = TLB_INVALID;
}

static void clear_data(struct tlb_arrays *t, enum tlb_mode mode)
{
	struct tlb_set *set = &t->data[mode];
	unsigned n = nr_filled(&set->filled, TLB_ENTRIES);

	for (unsigned i = 0; i < n; i++) {
		unsigned slot = filled_slot(&set->filled, i);

		set->read[slot].tag = set->write[slot].tag = TLB_INVALID;
	}
	for (unsigned i = 0; i < TLB_BASES; i++)
		set->base_read[i].tag = set->base_write[i].tag = TLB_INVALID;
	set->filled.count = 0;
	work_done(t->work, n);
}

static void clear_fetch(struct tlb_arrays *t, enum tlb_mode mode)
{
	struct fetch_set *set = &t->fetch[mode];
	unsigned n = nr_filled(&set->filled, FETCH_ENTRIES);

	for (unsigned i = 0; i < n; i++)
		set->entry[filled_slot(&set->filled, i)].tag = TLB_INVALID;
	set->filled.count = 0;
	work_done(t->work, n);
}

static void clear_user(struct tlb_arrays *t)
{
	clear_data(t, TLB_USER);
	clear_fetch(t, TLB_USER);
	t->user_saw_kernel = false;
}

void tlb_init(struct tlb_arrays *t, struct work *work)
{
	t->work = work;
	for (unsigned i = 0; i < TLB_MODES; i++)
		t->data[i].filled.count = t->fetch[i].filled.count = FILL_LOST;
	tlb_flush(t);
}

void tlb_fill(struct tlb_arrays *t, enum tlb_mode mode, uint64_t ea, const uint8_t *host,
	      bool write, bool privileged)
{
	struct tlb_set *set = &t->data[mode];
	unsigned slot = TLB_INDEX(ea);
	struct tlb_entry *entry = write ? &set->write[slot] : &set->read[slot];

	if (mode == TLB_KERNEL && tlb_is_kuser(ea, privileged)) {
		if (t->nr_kuser >= KUSER_SLOTS)
			tlb_flush_user_data(t);
		t->kuser[t->nr_kuser++] = (uint16_t)slot;
	}
	if (mode == TLB_USER && is_kernel(ea))
		t->user_saw_kernel = true;
	log_fill(&set->filled, slot);
	drop(set, slot, write);
	entry->tag = EPN(ea);
	entry->addend = (uintptr_t)host - ea;
}

void tlb_fill_fetch(struct tlb_arrays *t, enum tlb_mode mode, uint64_t ea, struct code_page *page,
		    bool privileged)
{
	struct fetch_set *set = &t->fetch[mode];
	struct fetch_entry *entry = &set->entry[FETCH_INDEX(ea)];

	if (mode == TLB_KERNEL && tlb_is_kuser(ea, privileged))
		t->kernel_fetched_user = true;
	if (mode == TLB_USER && is_kernel(ea))
		t->user_saw_kernel = true;
	log_fill(&set->filled, FETCH_INDEX(ea));
	entry->tag = EPN(ea);
	entry->page = page;
}

void tlb_begin_fetch(struct tlb_arrays *t, enum tlb_mode mode, unsigned code_mode)
{
	if (t->fetch[mode].code_mode == code_mode)
		return;
	clear_fetch(t, mode);
	t->fetch[mode].code_mode = code_mode;
}

void tlb_flush(struct tlb_arrays *t)
{
	for (unsigned i = 0; i < TLB_MODES; i++) {
		clear_data(t, i);
		clear_fetch(t, i);
	}
	t->nr_kuser = 0;
	t->kernel_fetched_user = t->user_saw_kernel = false;
}

void tlb_flush_all_fetches(struct tlb_arrays *t)
{
	for (unsigned i = 0; i < TLB_MODES; i++)
		clear_fetch(t, i);
}

void tlb_flush_fetch(struct tlb_arrays *t, enum tlb_mode mode)
{
	clear_fetch(t, mode);
}

void tlb_flush_data(struct tlb_arrays *t, enum tlb_mode mode)
{
	clear_data(t, mode);
	if (mode == TLB_KERNEL)
		t->nr_kuser = 0;
}

void tlb_flush_user_data(struct tlb_arrays *t)
{
	struct tlb_set *set = &t->data[TLB_KERNEL];

	for (unsigned i = 0; i < t->nr_kuser; i++) {
		drop(set, t->kuser[i], false);
		drop(set, t->kuser[i], true);
	}
	t->nr_kuser = 0;
}

void tlb_flush_process(struct tlb_arrays *t)
{
	clear_user(t);
	tlb_flush_user_data(t);
	/* The kernel should not execute user pages, but it may. */
	if (t->kernel_fetched_user)
		clear_fetch(t, TLB_KERNEL);
	t->kernel_fetched_user = false;
}

void tlb_flush_kernel(struct tlb_arrays *t)
{
	clear_data(t, TLB_KERNEL);
	clear_fetch(t, TLB_KERNEL);
	t->nr_kuser = 0;
	if (t->user_saw_kernel)
		clear_user(t);
}

static void flush_page(struct tlb_arrays *t, enum tlb_mode mode, uint64_t page)
{
	struct tlb_set *set = &t->data[mode];
	struct fetch_entry *fetch = &t->fetch[mode].entry[FETCH_INDEX(page)];

	if (set->read[TLB_INDEX(page)].tag == page)
		drop(set, TLB_INDEX(page), false);
	if (set->write[TLB_INDEX(page)].tag == page)
		drop(set, TLB_INDEX(page), true);
	if (fetch->tag == page)
		fetch->tag = TLB_INVALID;
}

void tlb_flush_page(struct tlb_arrays *t, uint64_t page)
{
	flush_page(t, TLB_USER, page);
	flush_page(t, TLB_KERNEL, page);
}

/* Is an entry with this tag for an address of the range? */
static bool tag_within(uint64_t tag, uint64_t first, uint64_t last)
{
	return !(tag & PAGE_MASK_LOW) && tag >= first && tag <= last;
}

static void flush_segment(struct tlb_arrays *t, enum tlb_mode mode, uint64_t first, uint64_t last)
{
	struct tlb_set *set = &t->data[mode];
	struct fetch_set *fetch = &t->fetch[mode];
	unsigned n = nr_filled(&set->filled, TLB_ENTRIES);

	for (unsigned i = 0; i < n; i++) {
		unsigned slot = filled_slot(&set->filled, i);

		if (tag_within(set->read[slot].tag, first, last))
			drop(set, slot, false);
		if (tag_within(set->write[slot].tag, first, last))
			drop(set, slot, true);
	}
	work_done(t->work, n);
	n = nr_filled(&fetch->filled, FETCH_ENTRIES);
	for (unsigned i = 0; i < n; i++) {
		struct fetch_entry *entry = &fetch->entry[filled_slot(&fetch->filled, i)];

		if (tag_within(entry->tag, first, last))
			entry->tag = TLB_INVALID;
	}
	work_done(t->work, n);
}

void tlb_flush_segment(struct tlb_arrays *t, uint64_t first, uint64_t last)
{
	flush_segment(t, TLB_USER, first, last);
	flush_segment(t, TLB_KERNEL, first, last);
}

void tlb_flush_offset(struct tlb_arrays *t, uint64_t offset)
{
	for (unsigned mode = TLB_KERNEL; mode <= TLB_USER; mode++) {
		drop(&t->data[mode], TLB_INDEX(offset), false);
		drop(&t->data[mode], TLB_INDEX(offset), true);
		t->fetch[mode].entry[FETCH_INDEX(offset)].tag = TLB_INVALID;
	}
}

static void protect(struct tlb_arrays *t, enum tlb_mode mode, uintptr_t host)
{
	struct tlb_set *set = &t->data[mode];
	unsigned n = nr_filled(&set->filled, TLB_ENTRIES);

	for (unsigned i = 0; i < n; i++) {
		const unsigned slot = filled_slot(&set->filled, i);

		if (set->write[slot].tag + set->write[slot].addend == host)
			drop(set, slot, true);
	}
	work_done(t->work, n);
}

void tlb_protect(struct tlb_arrays *t, const uint8_t *host)
{
	for (unsigned mode = 0; mode < TLB_MODES; mode++)
		protect(t, mode, (uintptr_t)host);
}

/* ---- the cache of walks ---- */

#define WALK_INDEX(ea, asid) \
	((((ea) >> PAGE_BITS) ^ ((uint64_t)(asid)*0x9e5u)) & (WALK_ENTRIES - 1))

static void forget(struct walk_cache *w)
{
	for (unsigned i = 0; i < WALK_ENTRIES; i++)
		w->walks[i].page = TLB_INVALID;
	memset(w->asids, 0, sizeof(w->asids));
	w->first_asid = w->next_asid = 1;
	work_done(w->work, WALK_ENTRIES + ASID_ENTRIES);
}

void walks_init(struct walk_cache *w, struct work *work)
{
	w->work = work;
	forget(w);
}

static uint32_t asid_of(struct walk_cache *w, uint64_t space)
{
	struct asid_entry *a = &w->asids[space & (ASID_ENTRIES - 1)];

	if (a->space != space || a->asid < w->first_asid) {
		if (w->next_asid == UINT32_MAX) /* old tags could match again */
			forget(w);
		a->space = space;
		a->asid = w->next_asid++;
	}
	return a->asid;
}

const struct walk_entry *walks_find(struct walk_cache *w, uint64_t space, uint64_t address)
{
	uint32_t asid = asid_of(w, space);
	const struct walk_entry *entry = &w->walks[WALK_INDEX(address, asid)];

	return entry->page == EPN(address) && entry->asid == asid ? entry : NULL;
}

void walks_add(struct walk_cache *w, uint64_t space, uint64_t address, uint64_t ra,
	       uint32_t protection)
{
	uint32_t asid = asid_of(w, space);

	w->walks[WALK_INDEX(address, asid)] = (struct walk_entry){ .page = EPN(address),
								   .ra = ra & ~PAGE_MASK_LOW,
								   .asid = asid,
								   .protection = protection };
}

void walks_flush(struct walk_cache *w)
{
	w->first_asid = w->next_asid;
}

void walks_flush_space(struct walk_cache *w, uint64_t space)
{
	struct asid_entry *a = &w->asids[space & (ASID_ENTRIES - 1)];

	if (a->space == space)
		a->asid = 0;
}

void walks_flush_range(struct walk_cache *w, uint64_t space, uint64_t page, uint64_t len)
{
	const struct asid_entry *a = &w->asids[space & (ASID_ENTRIES - 1)];

	if (a->space != space || a->asid < w->first_asid)
		return;
	for (uint64_t p = page; p < page + len; p += PAGE_BYTES) {
		struct walk_entry *entry = &w->walks[WALK_INDEX(p, a->asid)];

		if (entry->page == p && entry->asid == a->asid)
			entry->page = TLB_INVALID;
	}
}
