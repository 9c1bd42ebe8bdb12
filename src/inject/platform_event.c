/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Platform events from words or hexadecimal digits; see platform_event.h. LoPAR sections "RTAS
 * Error and Event Classes" and "Platform Event Log Format, EPOW Section".
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "inject/platform_event.h"

#define EPOW_SECTION 20u /* bytes */
#define MAIN_A	     24u /* where it begins in a log: behind fixed part and extended header */
#define SECTIONS     0x1bu /* where Main-A counts them */

struct word {
	const char *name;
	uint32_t value;
};

static const struct word classes[] = {
	{ "internal-errors", FWNMI_CLASS_INTERNAL_ERRORS },
	{ "epow", FWNMI_CLASS_EPOW },
	{ "hot-plug", FWNMI_CLASS_HOT_PLUG },
	{ "io-events", FWNMI_CLASS_IO_EVENTS },
	{ NULL, 0 },
};
static const struct word calls[] = {
	{ "event-scan", FWNMI_EVENT_SCAN },
	{ "check-exception", FWNMI_CHECK_EXCEPTION },
	{ NULL, 0 },
};
/* LoPAR table "EPOW Action Codes" */
static const struct word actions[] = {
	{ "reset", 0 },		  { "warn-cooling", 1 }, { "warn-power", 2 },
	{ "system-shutdown", 3 }, { "system-halt", 4 },	 { "main-enclosure", 5 },
	{ "power-off", 7 },	  { NULL, 0 },
};
/* Why the system is to be shut down. */
static const struct word modifiers[] = {
	{ "none", 0 },	      { "normal", 1 }, { "ups", 2 }, { "critical-functions", 3 },
	{ "temperature", 4 }, { NULL, 0 },
};

static bool look_up(const struct word *words, const char *key, const char *name, uint32_t *value,
		    char *err, size_t err_size)
{
	for (; words->name; words++) {
		if (!strcmp(words->name, name)) {
			*value = words->value;
			return true;
		}
	}
	snprintf(err, err_size, "bad %s: there is no %s", key, name);
	return false;
}

static bool parse_hexadecimal(const char *text, struct platform_event *event)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = strlen(text);

	if (n % 2 || n / 2 > sizeof(event->log))
		return false;
	for (size_t i = 0; i < n; i++) {
		const char *digit = memchr(digits, tolower((unsigned char)text[i]), 16);

		if (!digit)
			return false;
		event->log[i / 2] = (uint8_t)(event->log[i / 2] << 4 | (digit - digits));
	}
	event->length = n / 2;
	return true;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Main-A and Main-B as of any log, and the EPOW section, which libfwnmi only reads. */
static void build_epow(struct platform_event *event, uint32_t action, uint32_t modifier)
{
	const struct fwnmi_errlog log = {
		.severity = action >= 3 ? FWNMI_SEVERITY_ERROR : FWNMI_SEVERITY_WARNING,
		.disposition = FWNMI_DISPOSITION_FULLY_RECOVERED,
		.initiator = FWNMI_INITIATOR_POWER_MANAGEMENT,
		.type = FWNMI_EVENT_EPOW,
		.has_extended = true,
		.flags = FWNMI_ERRLOG_VALID,
		.has_main_a = true,
		.has_main_b = true,
		.main_a = { .header = { .version = 1 }, .creator = 'H' },
		.main_b = { .header = { .version = 1 } },
	};
	size_t length = (size_t)fwnmi_errlog_encode(&log, event->log, sizeof(event->log));
	uint8_t *section = event->log + length;

	memset(section, 0, EPOW_SECTION);
	memcpy(section, "EP", 2);
	put16(section + 2, EPOW_SECTION);
	section[4] = 1; /* version */
	section[8] = (uint8_t)action;
	section[9] = (uint8_t)modifier;
	event->length = length + EPOW_SECTION;
	put16(event->log + 6, (unsigned)(event->length - FWNMI_ERRLOG_FIXED_SIZE));
	event->log[MAIN_A + SECTIONS]++;
}

bool platform_event_parse(json_t *args, struct platform_event *event, char *err, size_t err_size)
{
	const char *log = NULL, *class = NULL, *call = NULL, *epow = NULL, *modifier = NULL;
	uint32_t source, action, why;

	*event = (struct platform_event){ .length = 0 };
	if (!args || !json_is_object(args) || !json_object_size(args)) {
		snprintf(err, err_size, "no arguments: either log or epow must be given");
		return false;
	}
	if (json_unpack(args, "{s?s, s?s, s?s, s?s, s?s !}", "log", &log, "class", &class, "call",
			&call, "epow", &epow, "modifier", &modifier)) {
		snprintf(err, err_size,
			 "the arguments must be log, class and call, or epow, modifier and call");
		return false;
	}
	if (!log == !epow || (epow && class) || (log && modifier)) {
		snprintf(err, err_size,
			 "either log, maybe with class, or epow, maybe with modifier");
		return false;
	}
	if (!call)
		call = epow ? "check-exception" : "event-scan";
	if (!class)
		class = epow ? "epow" : "internal-errors";
	if (!look_up(classes, "class", class, &event->event_class, err, err_size) ||
	    !look_up(calls, "call", call, &source, err, err_size))
		return false;
	event->source = (enum fwnmi_event_source)source;
	if (epow) {
		if (!look_up(actions, "epow", epow, &action, err, err_size) ||
		    !look_up(modifiers, "modifier", modifier ? modifier : "none", &why, err,
			     err_size))
			return false;
		build_epow(event, action, why);
	} else if (!parse_hexadecimal(log, event)) {
		snprintf(err, err_size, "bad log: must be at most %d bytes in hexadecimal",
			 FWNMI_ERRLOG_MAX);
		return false;
	}
	return true;
}
