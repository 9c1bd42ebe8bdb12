/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that huge pages fit; see huge_pages.h. */
#include <stddef.h>
#include <sys/mman.h>

#include "base/huge_pages.h"

void *huge_pages_map(uint64_t size, int protection)
{
	uint8_t *const all = mmap(NULL, size + HUGE_PAGE, protection,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	const uint64_t before = -(uintptr_t)all % HUGE_PAGE;

	if (all == MAP_FAILED)
		return NULL;
	if (before)
		munmap(all, before);
	munmap(all + before + size, HUGE_PAGE - before);
	return all + before;
}
