/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files of libfwnmi. Not installed, and not exported from the shared library.
 */
#ifndef LIB_INTERNAL_H
#define LIB_INTERNAL_H

#include <fwnmi/fwnmi.h>

/* Owner of a queued event. */
enum {
	EVENT_OF_HOST = 0,
	EVENT_UNSAFE_PROCESSOR = 1, /* R16 notice from this boot */
	EVENT_RESIDUAL = 2, /* the library's own, from before a reboot */
};

/* struct fwnmi_cpu.system_reset_pending */
enum {
	RESET_AT_RESUME = 1,
	RESET_AFTER_INTERLOCK = 2,
};

/* The longest log that the library builds itself. */
#define OWN_LOG_MAX 216u

/* A registered routine and its instructions at registration. */
struct fwnmi_handler {
	uint64_t routine; /* real address */
	uint32_t nr_insns;
	uint8_t insns[4 * FWNMI_HANDLER_INSNS];
};

/* A log queued for the OS to fetch. */
struct fwnmi_event {
	uint32_t event_class;
	uint16_t length;
	uint8_t source; /* enum fwnmi_event_source */
	uint8_t kind; /* owner: the host, or the library */
};

struct fwnmi_cpu {
	struct fwnmi_machine_check pending; /* if it waits for the buffer, or is signalled */
	uint8_t system_reset_pending; /* 0 or RESET_* */
	bool waits; /* it is in the ring of waiters */
	bool signalled; /* pending is taken at resume, and is in no queue yet */
	bool stopped; /* unsafe (R16) */
	bool in_record; /* only while fwnmi_load() checks one: it is in its queue */
};

struct fwnmi {
	const struct fwnmi_ops *ops;
	void *opaque;
	struct fwnmi_config config;
	bool interrupts_little_endian;

	bool registered;
	struct fwnmi_handler system_reset;
	struct fwnmi_handler machine_check;
	bool page_7; /* the buffer and the slots are there, not in the RTAS area */

	int owner; /* vCPU that holds the buffer, or -1 */
	bool owner_notified; /* false: the owner is a waiter that has yet to resume */
	bool fatal_reported; /* R15 */
	bool ended;
	enum fwnmi_end_reason end_reason;
	uint32_t log_id; /* of the last log */

	unsigned end_log_length;
	uint8_t end_log[OWN_LOG_MAX];

	/* Ring of the vCPUs that wait for the buffer, in order of arrival. */
	unsigned first_waiter;
	unsigned nr_waiters;

	unsigned nr_events;
	uint8_t scan_allowance; /* logs event-scan may still return in this sequence of calls */

	/* These follow in the host's memory; see fwnmi_sizeof(). */
	struct fwnmi_cpu *cpus; /* nr_cpus */
	uint32_t *waiters; /* nr_cpus */
	struct fwnmi_event *events; /* fwnmi_max_events(), oldest first */
	uint8_t *event_bytes; /* fwnmi_event_space(): the logs back to back in the same order */
};

static inline uint32_t fwnmi_mc_buffer_size(const struct fwnmi_config *config)
{
	return config->mc_buffer_size ? config->mc_buffer_size : FWNMI_MC_BUFFER_SIZE;
}

/* Has fwnmi_init() set it up? Memory that is all zeros counts as not set up. */
static inline bool fwnmi_is_set_up(const struct fwnmi *f)
{
	return f && f->ops;
}

/* What every call for a vCPU needs. */
static inline int fwnmi_check_cpu(const struct fwnmi *f, unsigned cpu)
{
	if (!fwnmi_is_set_up(f))
		return FWNMI_ERR_INVALID;
	return cpu < f->config.nr_cpus ? 0 : FWNMI_ERR_CPU;
}

/* log_queue.c */
/* Room for logs, the host's and the library's own: their number, and bytes of all together. */
unsigned fwnmi_max_events(unsigned nr_cpus);
size_t fwnmi_event_space(unsigned nr_cpus);
/* Queue a log that the library has built; there is always room. */
void fwnmi_push_event(struct fwnmi *f, uint8_t kind, const uint8_t *log, size_t length);
/* Is this a single FWNMI_CLASS_*? */
bool fwnmi_is_event_class(uint32_t event_class);
/* Can @nr_events of the library's own logs be queued with @nr_stopped vCPUs stopped? */
bool fwnmi_own_events_allowed(unsigned nr_stopped, unsigned nr_events);
/* The partition reboots, so what is queued is from before. */
void fwnmi_reset_events(struct fwnmi *f);

/* stale_handler.c */
/* Remember the instructions of a routine that is in guest memory. */
void fwnmi_remember_handler(struct fwnmi *f, struct fwnmi_handler *handler, uint64_t routine);
/* Is the remembered routine still there? */
bool fwnmi_handler_stands(struct fwnmi *f, const struct fwnmi_handler *handler);

#endif
