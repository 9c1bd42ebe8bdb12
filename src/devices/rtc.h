/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partition's clock of day: the host's under CLOCK_HOST; under CLOCK_INSN a fixed moment plus
 * the time base, so that a run is repeatable.
 */
#ifndef FWNMI_DEVICES_RTC_H
#define FWNMI_DEVICES_RTC_H

#include "devices/device.h"
#include "engine/clock.h"

struct rtc_state {
	int64_t offset; /* ns that the guest has set it ahead */
};

struct rtc {
	struct device device;
	struct rtc_state state;
	const struct guest_clock *clock;
};

void rtc_init(struct rtc *rtc, const struct guest_clock *clock);
/** rtc_now() - nanoseconds since 1970, UTC */
int64_t rtc_now(const struct rtc *rtc);
void rtc_set(struct rtc *rtc, int64_t now);

#endif
