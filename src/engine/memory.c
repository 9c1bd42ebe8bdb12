/* SPDX-License-Identifier: BSD-2-Clause */
/* The regions of the guest's real address space: see memory.h. */
#include "engine/memory.h"

/* ---- what is where ---- */

static struct memory_region region_in_ram(const struct guest_memory *m, uint64_t ra)
{
	struct memory_region region = { .kind = MEMORY_RAM, .first = 0, .last = m->size - 1 };

	for (unsigned i = 0; i < m->nr_poisoned; i++) {
		const struct memory_region *poisoned = &m->poisoned[i];

		if (ra < poisoned->first) {
			region.last = poisoned->first - 1;
			break;
		}
		if (ra <= poisoned->last)
			return *poisoned;
		region.first = poisoned->last + 1;
	}
	return region;
}

static struct memory_region region_above_ram(const struct guest_memory *m, uint64_t ra)
{
	struct memory_region hole = { .kind = MEMORY_HOLE, .first = m->size, .last = UINT64_MAX };

	for (unsigned i = 0; i < m->nr_windows; i++) {
		const struct memory_window *window = m->windows[i];

		if (ra < window->first) {
			hole.last = window->first - 1;
			break;
		}
		if (ra <= window->last)
			return (struct memory_region){ .kind = MEMORY_WINDOW,
						       .first = window->first,
						       .last = window->last,
						       .window = window };
		hole.first = window->last + 1;
	}
	return hole;
}

struct memory_region memory_region(const struct guest_memory *m, uint64_t ra)
{
	return ra < m->size ? region_in_ram(m, ra) : region_above_ram(m, ra);
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Does a write of [first, last] overwrite all of the poison in the cache lines that it is in? */
static bool covers(const struct memory_region *poisoned, uint64_t first, uint64_t last)
{
	return later(poisoned->first, first & ~(MEMORY_LINE - 1ull)) >= first &&
	       earlier(poisoned->last, last | (MEMORY_LINE - 1)) <= last;
}

struct memory_region memory_obstacle(const struct guest_memory *m, uint64_t ra, uint64_t len,
				     bool write)
{
	uint64_t last = len - 1 > UINT64_MAX - ra ? UINT64_MAX : ra + len - 1;
	struct memory_region region = { .kind = MEMORY_RAM };

	for (uint64_t at = ra; len; at = region.last + 1) {
		region = memory_region(m, at);
		if (region.kind != MEMORY_RAM &&
		    !(write && region.heal_on_write && covers(&region, ra, last)))
			return region;
		if (region.last >= last)
			break;
	}
	return (struct memory_region){ .kind = MEMORY_RAM, .first = ra, .last = last };
}

/* ---- poison ---- */

/* Poisoned regions to be: room for what one change may add to too many. */
struct list {
	struct memory_region region[MEMORY_MAX_POISONED + 2];
	unsigned count;
};

/* Append; one that touches the last and is like it continues it. */
static void add(struct list *list, const struct memory_region *region, uint64_t first,
		uint64_t last)
{
	struct memory_region *before = list->count ? &list->region[list->count - 1] : NULL;

	if (before && before->last + 1 == first && before->heal_on_write == region->heal_on_write) {
		before->last = last;
		return;
	}
	list->region[list->count] = *region;
	list->region[list->count].first = first;
	list->region[list->count++].last = last;
}

/* Put @poisoned, or nothing, in place of [ra, last]. */
static bool replace(struct guest_memory *m, uint64_t ra, uint64_t last,
		    const struct memory_region *poisoned)
{
	struct list list = { .count = 0 };
	unsigned i = 0;

	for (; i < m->nr_poisoned && m->poisoned[i].first < ra; i++)
		add(&list, &m->poisoned[i], m->poisoned[i].first,
		    earlier(m->poisoned[i].last, ra - 1));
	if (poisoned)
		add(&list, poisoned, ra, last);
	for (i = 0; i < m->nr_poisoned; i++)
		if (m->poisoned[i].last > last)
			add(&list, &m->poisoned[i], later(m->poisoned[i].first, last + 1),
			    m->poisoned[i].last);
	if (list.count > MEMORY_MAX_POISONED)
		return false;
	memcpy(m->poisoned, list.region, sizeof(m->poisoned));
	m->nr_poisoned = list.count;
	return true;
}

bool memory_poison(struct guest_memory *m, uint64_t ra, uint64_t len, bool heal_on_write)
{
	const struct memory_region poisoned = { .kind = MEMORY_POISONED,
						.heal_on_write = heal_on_write };

	if (!len || !memory_contains(m, ra, len) || !replace(m, ra, ra + len - 1, &poisoned))
		return false;
	if (m->poison)
		m->poison(m->engine, ra, len);
	return true;
}

bool memory_heal(struct guest_memory *m, uint64_t ra, uint64_t len)
{
	return len && memory_contains(m, ra, len) && replace(m, ra, ra + len - 1, NULL);
}

/* If that would part a region and there are too many, it stays poisoned. */
void memory_overwrite(struct guest_memory *m, uint64_t ra, uint64_t len)
{
	if (m->nr_poisoned)
		memory_heal(m, ra, len);
}

/* ---- windows ---- */

bool memory_add_window(struct guest_memory *m, const struct memory_window *window)
{
	unsigned at = 0;

	if (window->first < m->size || window->last < window->first ||
	    window->last >= MEMORY_LIMIT || m->nr_windows == MEMORY_MAX_WINDOWS)
		return false;
	while (at < m->nr_windows && m->windows[at]->first <= window->last)
		at++;
	if (at && m->windows[at - 1]->last >= window->first)
		return false;
	for (unsigned i = m->nr_windows++; i > at; i--)
		m->windows[i] = m->windows[i - 1];
	m->windows[at] = window;
	return true;
}
