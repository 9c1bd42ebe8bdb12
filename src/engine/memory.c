/* SPDX-License-Identifier: BSD-2-Clause */
/* The regions of the guest's real address space: see memory.h. */
#include "engine/memory.h"

struct memory_region memory_region(const struct guest_memory *m, uint64_t ra)
{
	struct memory_region region = { MEMORY_RAM, 0, m->size - 1 };

	if (ra >= m->size)
		return (struct memory_region){ MEMORY_HOLE, m->size, UINT64_MAX };
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

/* Poisoned regions to be: one more than fits, so that an insertion may be too many. */
struct list {
	struct memory_region region[MEMORY_MAX_POISONED + 1];
	unsigned count;
};

static void add(struct list *list, uint64_t first, uint64_t last)
{
	list->region[list->count++] = (struct memory_region){ MEMORY_POISONED, first, last };
}

static bool take_over(struct guest_memory *m, const struct list *list)
{
	if (list->count > MEMORY_MAX_POISONED)
		return false;
	memcpy(m->poisoned, list->region, sizeof(m->poisoned));
	m->nr_poisoned = list->count;
	return true;
}

bool memory_poison(struct guest_memory *m, uint64_t ra, uint64_t len)
{
	uint64_t first = ra, last = ra + len - 1;
	struct list list = { .count = 0 };
	unsigned i = 0;

	if (!len || !memory_contains(m, ra, len))
		return false;
	for (; i < m->nr_poisoned && m->poisoned[i].last + 1 < first; i++)
		add(&list, m->poisoned[i].first, m->poisoned[i].last);
	for (; i < m->nr_poisoned && m->poisoned[i].first <= last + 1; i++) {
		first = m->poisoned[i].first < first ? m->poisoned[i].first : first;
		last = m->poisoned[i].last > last ? m->poisoned[i].last : last;
	}
	add(&list, first, last);
	for (; i < m->nr_poisoned; i++)
		add(&list, m->poisoned[i].first, m->poisoned[i].last);
	return take_over(m, &list);
}

bool memory_heal(struct guest_memory *m, uint64_t ra, uint64_t len)
{
	uint64_t last = ra + len - 1;
	struct list list = { .count = 0 };

	if (!len || !memory_contains(m, ra, len))
		return false;
	for (unsigned i = 0; i < m->nr_poisoned; i++) {
		const struct memory_region *region = &m->poisoned[i];

		if (region->first < ra)
			add(&list, region->first, region->last < ra ? region->last : ra - 1);
		if (region->last > last)
			add(&list, region->first > last ? region->first : last + 1, region->last);
	}
	return take_over(m, &list);
}
