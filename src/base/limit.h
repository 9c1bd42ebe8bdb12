/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rate limit for what a guest can cause at will: a burst, then one per interval. The caller passes
 * the time. It must be the host's: a guest's seconds cost nothing under CLOCK_INSN.
 */
#ifndef FWNMI_BASE_LIMIT_H
#define FWNMI_BASE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct limit {
	unsigned burst;
	uint64_t interval_ns;
	uint64_t free_at; /* when the whole burst is available again; 0 at the start */
};

/** limit_wait() - nanoseconds until the next one is allowed; 0: it is allowed now. */
static inline uint64_t limit_wait(const struct limit *limit, uint64_t now)
{
	uint64_t owed = limit->free_at > now ? limit->free_at - now : 0;
	uint64_t allowed = (limit->burst - 1) * limit->interval_ns;

	return owed > allowed ? owed - allowed : 0;
}

/** limit_take() - take one more; false if that is not allowed yet. */
static inline bool limit_take(struct limit *limit, uint64_t now)
{
	if (limit_wait(limit, now))
		return false;
	limit->free_at = (limit->free_at > now ? limit->free_at : now) + limit->interval_ns;
	return true;
}

#endif
