/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages in use: see used_pages.h. mincore() would not do, because what is swapped out is not in
 * core. The entries are those of Linux's Documentation/admin-guide/mm/pagemap.rst.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file_io.h"
#include "engine/memory.h"
#include "machine/used_pages.h"

#define ENTRY_PRESENT (1ull << 63)
#define ENTRY_SWAPPED (1ull << 62)
#define ENTRIES	      4096u /* read at once */

void page_map_open(struct page_map *map)
{
	map->fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	map->pid = getpid();
}

void page_map_close(struct page_map *map)
{
	if (map->fd >= 0)
		close(map->fd);
	map->fd = -1;
}

static bool is_zero(const uint8_t *page)
{
	return !page[0] && !memcmp(page, page + 1, MEMORY_PAGE - 1);
}

bool page_map_each(struct page_map *map, const uint8_t *base, uint64_t size,
		   bool (*each)(void *opaque, uint64_t offset), void *opaque)
{
	const uint64_t host_page = (uint64_t)sysconf(_SC_PAGESIZE), count = size / host_page;
	uint64_t entries[ENTRIES];

	if (map->pid != getpid()) {
		page_map_close(map);
		page_map_open(map);
	}
	for (uint64_t i = 0; i < count; i++) {
		if (!(i % ENTRIES)) {
			uint64_t n = count - i < ENTRIES ? count - i : ENTRIES;

			if (map->fd < 0 ||
			    file_read(map->fd, entries, n * sizeof(entries[0]),
				      ((uintptr_t)base / host_page + i) * sizeof(entries[0])))
				memset(entries, 0xff, sizeof(entries));
		}
		if (!(entries[i % ENTRIES] & (ENTRY_PRESENT | ENTRY_SWAPPED)))
			continue;
		for (uint64_t at = i * host_page; at < (i + 1) * host_page; at += MEMORY_PAGE)
			if (!is_zero(base + at) && !each(opaque, at))
				return false;
	}
	return true;
}
