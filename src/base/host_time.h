/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's monotonic clock. */
#ifndef FWNMI_BASE_HOST_TIME_H
#define FWNMI_BASE_HOST_TIME_H

#include <stdint.h>
#include <time.h>

static inline uint64_t host_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline int64_t host_ms(void)
{
	return (int64_t)(host_ns() / 1000000);
}

#endif
