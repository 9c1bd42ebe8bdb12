/* SPDX-License-Identifier: BSD-2-Clause */
/* The clock of day as a calendar; the clock itself is devices/rtc.c. LoPAR section "Time of Day". */
#include <time.h>

#include "pseries/private.h"

#define NANOSECONDS 1000000000ll

/* Out: year, month, day, hour, minute, second, nanoseconds. */
static int32_t rtas_get_time_of_day(struct rtas_call *call)
{
	int64_t now = rtc_now(&call->papr->rtc);
	time_t seconds = now / NANOSECONDS;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return RTAS_HARDWARE_ERROR;
	call->rets[0] = (uint32_t)(tm.tm_year + 1900);
	call->rets[1] = (uint32_t)(tm.tm_mon + 1);
	call->rets[2] = (uint32_t)tm.tm_mday;
	call->rets[3] = (uint32_t)tm.tm_hour;
	call->rets[4] = (uint32_t)tm.tm_min;
	call->rets[5] = (uint32_t)tm.tm_sec;
	call->rets[6] = (uint32_t)(now % NANOSECONDS);
	return RTAS_SUCCESS;
}

static unsigned days_in_month(uint32_t year, uint32_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* In: year, month, day, hour, minute, second, nanoseconds. */
static int32_t rtas_set_time_of_day(struct rtas_call *call)
{
	const uint32_t *args = call->args;
	struct tm tm = { 0 };

	if (args[0] < 1970 || args[0] > 2200 || args[1] < 1 || args[1] > 12 || args[2] < 1 ||
	    args[2] > days_in_month(args[0], args[1]) || args[3] > 23 || args[4] > 59 ||
	    args[5] > 59 || args[6] >= NANOSECONDS)
		return RTAS_PARAMETER_ERROR;
	tm.tm_year = (int)args[0] - 1900;
	tm.tm_mon = (int)args[1] - 1;
	tm.tm_mday = (int)args[2];
	tm.tm_hour = (int)args[3];
	tm.tm_min = (int)args[4];
	tm.tm_sec = (int)args[5];
	rtc_set(&call->papr->rtc, timegm(&tm) * NANOSECONDS + args[6]);
	return RTAS_SUCCESS;
}

const struct rtas_entry time_of_day_functions[] = {
	{ 0x2001, "get-time-of-day", rtas_get_time_of_day, 0, 7 },
	{ 0x2002, "set-time-of-day", rtas_set_time_of_day, 7, 0 },
	{ 0 },
};
