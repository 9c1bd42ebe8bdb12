/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock of day as a number. Its calendar is in pseries/rtas/time_of_day.c. */
#include <time.h>

#include "devices/rtc.h"

#define NANOSECONDS	 1000000000ll
#define INSN_CLOCK_EPOCH 1577836800ll /* 2020-01-01 00:00:00 UTC */

/* Without the offset that the guest has set. */
static int64_t base_time(const struct rtc *rtc)
{
	struct timespec ts;
	uint64_t ticks;

	if (rtc->clock->mode == CLOCK_HOST) {
		clock_gettime(CLOCK_REALTIME, &ts);
		return ts.tv_sec * NANOSECONDS + ts.tv_nsec;
	}
	ticks = clock_timebase(rtc->clock, 0);
	return (INSN_CLOCK_EPOCH + (int64_t)(ticks / TIMEBASE_HZ)) * NANOSECONDS +
	       (int64_t)(ticks % TIMEBASE_HZ * 125 / 64);
}

/* The guest's setting survives a reboot, except where every boot must be the same. */
static void reset(struct device *device)
{
	struct rtc *rtc = (struct rtc *)device;

	if (rtc->clock->mode == CLOCK_INSN)
		rtc->state.offset = 0;
}

static const struct record_field fields[] = {
	RECORD_NUMBER(struct rtc_state, offset, UINT64_MAX),
};

static const struct record_type record = {
	.name = "rtc",
	.size = sizeof(struct rtc_state),
	.fields = fields,
	.nr_fields = sizeof(fields) / sizeof(fields[0]),
};

static const struct device_type type = {
	.name = "rtc",
	.reset = reset,
	.record = &record,
	.state_offset = offsetof(struct rtc, state),
};

void rtc_init(struct rtc *rtc, const struct guest_clock *clock)
{
	*rtc = (struct rtc){ .device = { &type }, .clock = clock };
}

int64_t rtc_now(const struct rtc *rtc)
{
	return base_time(rtc) + rtc->state.offset;
}

void rtc_set(struct rtc *rtc, int64_t now)
{
	rtc->state.offset = now - base_time(rtc);
}
