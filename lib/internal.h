/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of libfwnmi share. Not installed, and not exported from the shared library.
 */
#ifndef LIB_INTERNAL_H
#define LIB_INTERNAL_H

#include <fwnmi/fwnmi.h>

/* Whose a queued event is. */
enum {
	EVENT_OF_HOST = 0,
	EVENT_UNSAFE_PROCESSOR = 1, /* R16, of this boot */
	EVENT_RESIDUAL = 2, /* the library's own, from before a reboot */
};

/* The longest log that the library builds itself. */
#define OWN_LOG_MAX 216u

/* events.c: queue a log that the library has built; there is always room. */
void fwnmi_push_event(struct fwnmi *f, uint8_t kind, const uint8_t *log, size_t length);
/* events.c: the partition reboots, what is queued is from before. */
void fwnmi_reset_events(struct fwnmi *f);

/* handlers.c: take note of what stands at a routine that is in guest memory. */
void fwnmi_remember_handler(struct fwnmi *f, struct fwnmi_handler *handler, uint64_t routine);
/* handlers.c: does it still stand there? */
bool fwnmi_handler_stands(struct fwnmi *f, const struct fwnmi_handler *handler);

#endif
