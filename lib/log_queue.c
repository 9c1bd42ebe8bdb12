/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of logs behind event-scan and check-exception. It holds the host's logs and the
 * library's own (R16 notices, and what ended the partition before it rebooted). LoPAR sections
 * "event-scan", "check-exception", and "RTAS Error and Event Classes".
 */
#include <string.h>

#include "bytes.h"
#include "internal.h"

enum {
	/* R1 of event-scan's -8: two logs in the first sequence of calls after boot, then one. */
	FIRST_SEQUENCE = 2,
	LATER_SEQUENCE = 1,
};

/* The library keeps this many of its own logs that were not fetched before a reboot. */
#define RESIDUAL_EVENTS 10u

/* In one boot each vCPU is stopped at most once, and the partition ends at most once. */
static unsigned max_own_events(unsigned nr_cpus)
{
	return RESIDUAL_EVENTS + nr_cpus + 1;
}

unsigned fwnmi_max_events(unsigned nr_cpus)
{
	return FWNMI_QUEUE_EVENTS + max_own_events(nr_cpus);
}

size_t fwnmi_event_space(unsigned nr_cpus)
{
	return FWNMI_QUEUE_SPACE + (size_t)max_own_events(nr_cpus) * OWN_LOG_MAX;
}

static size_t offset_of(const struct fwnmi *f, unsigned index)
{
	size_t offset = 0;

	for (unsigned i = 0; i < index; i++)
		offset += f->events[i].length;
	return offset;
}

static void push(struct fwnmi *f, const struct fwnmi_event *event, const void *log)
{
	memcpy(f->event_bytes + offset_of(f, f->nr_events), log, event->length);
	f->events[f->nr_events++] = *event;
}

static void drop(struct fwnmi *f, unsigned index)
{
	size_t start = offset_of(f, index), end = offset_of(f, f->nr_events);
	size_t next = start + f->events[index].length;

	memmove(f->event_bytes + start, f->event_bytes + next, end - next);
	f->nr_events--;
	memmove(&f->events[index], &f->events[index + 1],
		(f->nr_events - index) * sizeof(f->events[0]));
}

bool fwnmi_is_event_class(uint32_t event_class)
{
	return event_class == FWNMI_CLASS_INTERNAL_ERRORS || event_class == FWNMI_CLASS_EPOW ||
	       event_class == FWNMI_CLASS_HOT_PLUG || event_class == FWNMI_CLASS_IO_EVENTS;
}

static int check_log(const void *log, size_t length)
{
	struct fwnmi_errlog decoded;
	int decoded_length = fwnmi_errlog_decode(&decoded, log, length);

	if (decoded_length < 0)
		return decoded_length;
	if (decoded.version != FWNMI_ERRLOG_VERSION)
		return FWNMI_ERR_BADVERSION;
	return (size_t)decoded_length == length ? 0 : FWNMI_ERR_BADSTRUCTURE;
}

int fwnmi_event_queue(struct fwnmi *f, enum fwnmi_event_source source, uint32_t event_class,
		      const void *log, size_t length)
{
	unsigned events = 0;
	size_t bytes = 0;
	int err = fwnmi_is_set_up(f) ? check_log(log, length) : FWNMI_ERR_INVALID;

	if (err)
		return err;
	if (!fwnmi_is_event_class(event_class) ||
	    (source != FWNMI_EVENT_SCAN && source != FWNMI_CHECK_EXCEPTION))
		return FWNMI_ERR_INVALID;
	for (unsigned i = 0; i < f->nr_events; i++) {
		if (f->events[i].kind != EVENT_OF_HOST)
			continue;
		events++;
		bytes += f->events[i].length;
	}
	if (events == FWNMI_QUEUE_EVENTS || length > FWNMI_QUEUE_SPACE - bytes)
		return FWNMI_ERR_NOSPACE;
	push(f,
	     &(struct fwnmi_event){ .event_class = event_class,
				    .length = (uint16_t)length,
				    .source = (uint8_t)source,
				    .kind = EVENT_OF_HOST },
	     log);
	return 0;
}

/* ---- the library's own ---- */

bool fwnmi_own_events_allowed(unsigned nr_stopped, unsigned nr_events)
{
	return nr_events <= RESIDUAL_EVENTS + nr_stopped;
}

static void drop_oldest_residuals(struct fwnmi *f)
{
	unsigned residuals = 0;

	for (unsigned i = 0; i < f->nr_events; i++)
		residuals += f->events[i].kind == EVENT_RESIDUAL;
	for (unsigned i = 0; i < f->nr_events && residuals > RESIDUAL_EVENTS;) {
		if (f->events[i].kind == EVENT_RESIDUAL) {
			drop(f, i);
			residuals--;
		} else {
			i++;
		}
	}
}

void fwnmi_push_event(struct fwnmi *f, uint8_t kind, const uint8_t *log, size_t length)
{
	push(f,
	     &(struct fwnmi_event){ .event_class = FWNMI_CLASS_INTERNAL_ERRORS,
				    .length = (uint16_t)length,
				    .source = FWNMI_EVENT_SCAN,
				    .kind = kind },
	     log);
}

static unsigned severity_of(const uint8_t *log)
{
	return log[1] >> 5;
}

static void set_severity(uint8_t *log, enum fwnmi_severity severity)
{
	log[1] = (uint8_t)((log[1] & 0x1f) | severity << 5);
}

/*
 * "RTAS Error and Event Classes", implementation note: an error from before a successful boot is no
 * longer critical. It is reported as a warning and as fully recovered.
 */
static void make_residual(uint8_t *log)
{
	if (severity_of(log) <= FWNMI_SEVERITY_WARNING)
		return;
	set_severity(log, FWNMI_SEVERITY_WARNING);
	log[1] &= 0xe7; /* disposition */
}

void fwnmi_reset_events(struct fwnmi *f)
{
	uint8_t *log = f->event_bytes;

	if (f->ended)
		fwnmi_push_event(f, EVENT_UNSAFE_PROCESSOR, f->end_log, f->end_log_length);
	for (unsigned i = 0; i < f->nr_events; i++) {
		if (f->events[i].source == FWNMI_EVENT_SCAN)
			make_residual(log);
		if (f->events[i].kind == EVENT_UNSAFE_PROCESSOR)
			f->events[i].kind = EVENT_RESIDUAL;
		log += f->events[i].length;
	}
	drop_oldest_residuals(f);
	f->scan_allowance = FIRST_SEQUENCE;
}

/* ---- event-scan and check-exception ---- */

unsigned fwnmi_events_pending(const struct fwnmi *f, enum fwnmi_event_source source, uint32_t mask)
{
	unsigned pending = 0;

	if (!fwnmi_is_set_up(f))
		return 0;
	for (unsigned i = 0; i < f->nr_events; i++)
		pending += f->events[i].source == source && (f->events[i].event_class & mask);
	return pending;
}

/* Find the oldest log. If strict, find the gravest, and the oldest among equally grave ones. */
static int find_event(const struct fwnmi *f, enum fwnmi_event_source source, uint32_t mask)
{
	const uint8_t *log = f->event_bytes;
	unsigned gravest = 0;
	int found = -1;

	for (unsigned i = 0; i < f->nr_events; log += f->events[i++].length) {
		if (f->events[i].source != source || !(f->events[i].event_class & mask))
			continue;
		if (found >= 0 && severity_of(log) <= gravest)
			continue;
		found = (int)i;
		gravest = severity_of(log);
		if (!f->config.strict)
			break;
	}
	return found;
}

static int take_event(struct fwnmi *f, unsigned index, bool critical, void *buf, size_t size)
{
	const uint8_t *log = f->event_bytes + offset_of(f, index);
	bool unsafe = f->events[index].kind == EVENT_UNSAFE_PROCESSOR;
	int written;

	if (critical && size > FWNMI_ERRLOG_FIXED_SIZE)
		size = FWNMI_ERRLOG_FIXED_SIZE;
	written = fwnmi_errlog_fit(log, f->events[index].length, buf, size);
	if (written < 0)
		return written;
	/* R15 also applies to an unsafe processor, which is no longer there to be told. */
	if (unsafe && f->fatal_reported)
		set_severity(buf, FWNMI_SEVERITY_ALREADY_REPORTED);
	if (unsafe)
		f->fatal_reported = true;
	drop(f, index);
	return written;
}

int fwnmi_event_scan(struct fwnmi *f, uint32_t mask, bool critical, void *buf, size_t size)
{
	int index, written;

	if (!fwnmi_is_set_up(f) || !is_buffer(buf, size))
		return FWNMI_ERR_INVALID;
	index = find_event(f, FWNMI_EVENT_SCAN, mask);
	if (index < 0 || f->scan_allowance == 0) {
		f->scan_allowance = LATER_SEQUENCE;
		return FWNMI_NOTHING;
	}
	written = take_event(f, (unsigned)index, critical, buf, size);
	if (written > 0)
		f->scan_allowance--;
	return written;
}

int fwnmi_check_exception(struct fwnmi *f, uint32_t mask, bool critical, void *buf, size_t size)
{
	int index;

	if (!fwnmi_is_set_up(f) || !is_buffer(buf, size))
		return FWNMI_ERR_INVALID;
	index = find_event(f, FWNMI_CHECK_EXCEPTION, mask);
	return index < 0 ? FWNMI_NOTHING : take_event(f, (unsigned)index, critical, buf, size);
}
