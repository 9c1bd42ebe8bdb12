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

/* struct fwnmi.system_reset_pending */
enum {
	RESET_AT_RESUME = 1,
	RESET_AFTER_INTERLOCK = 2,
};

/* The longest log that the library builds itself. */
#define OWN_LOG_MAX 216u

static inline uint32_t fwnmi_mc_buffer_size(const struct fwnmi_config *config)
{
	return config->mc_buffer_size ? config->mc_buffer_size : FWNMI_MC_BUFFER_SIZE;
}

/* log_queue.c */
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
