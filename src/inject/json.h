/* SPDX-License-Identifier: BSD-2-Clause */
/* How the protocol writes numbers. An address is a string, because a JSON integer is signed. */
#ifndef FWNMI_INJECT_JSON_H
#define FWNMI_INJECT_JSON_H

#include <inttypes.h>

#include <jansson.h>

#include "engine/clock.h"

static inline json_t *json_address(uint64_t value)
{
	return json_sprintf("0x%" PRIx64, value);
}

static inline json_t *json_count(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static inline json_t *json_microseconds(uint64_t ticks)
{
	return json_real((double)ticks * 1e6 / TIMEBASE_HZ);
}

#endif
