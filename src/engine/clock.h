/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partition's time base, 512 MHz. In CLOCK_INSN it depends only on the number of instructions
 * executed by all vCPUs together, so a run is repeatable. In CLOCK_HOST it follows the host's
 * monotonic clock.
 */
#ifndef FWNMI_ENGINE_CLOCK_H
#define FWNMI_ENGINE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define TIMEBASE_HZ    512000000u
#define INSNS_PER_TICK 2u /* CLOCK_INSN: the guest runs 1.024e9 instructions a second */

enum clock_mode {
	CLOCK_HOST,
	CLOCK_INSN
};

struct guest_clock {
	enum clock_mode mode;
	uint64_t insns; /* executed so far by all vCPUs; takes centuries to overflow */
	/*
	 * Ticks added: idle time skipped (CLOCK_INSN), start of the machine (CLOCK_HOST). A guest
	 * that does nothing but idle can wrap it in hours, so compare times by their difference.
	 */
	uint64_t offset;
};

static inline uint64_t clock_host_ticks(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * TIMEBASE_HZ + (uint64_t)ts.tv_nsec * 64 / 125;
}

/**
 * clock_timebase() - the time base now. @extra: instructions executed but not yet in clock->insns.
 */
static inline uint64_t clock_timebase(const struct guest_clock *clock, uint64_t extra)
{
	if (clock->mode == CLOCK_INSN)
		return clock->offset + (clock->insns + extra) / INSNS_PER_TICK;
	return clock->offset + clock_host_ticks();
}

#endif
