/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of the host that begins where a huge page does: its ends take no more than they hold. */
#ifndef FWNMI_BASE_HUGE_PAGES_H
#define FWNMI_BASE_HUGE_PAGES_H

#include <stdint.h>

#define HUGE_PAGE 0x200000ull /* of most hosts */

/**
 * huge_pages_map() - map @size bytes from a multiple of HUGE_PAGE on, without setting memory aside
 * for them; munmap() them as usual. NULL, with errno: the host refuses.
 * @protection: as of mmap()
 */
void *huge_pages_map(uint64_t size, int protection);

#endif
