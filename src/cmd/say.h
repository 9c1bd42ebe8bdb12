/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines on standard error: all that `fwnmi run` has to say goes through here. Each is one line of
 * printable text, and none makes the machine wait: what a reader does not take is dropped and
 * counted. What a guest causes is limited by the host's time.
 */
#ifndef CMD_SAY_H
#define CMD_SAY_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>

/** say() - "fwnmi: " and a line, whose control characters are made visible. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What guests cause. */
enum say_kind {
	SAY_DEBUG,
	SAY_WARNING,
	SAY_END, /* FWNMI has ended the partition */
	SAY_KINDS
};
/**
 * say_may() - may there be one more of this kind? If not, it is counted
 *
 * There may be a burst, and then one a second (an end: ten seconds); a count of those left out is
 * one of them.
 */
bool say_may(enum say_kind kind);

/** say_start() - from now on nothing waits; before that lines are written as they come. */
void say_start(void);
/**
 * say_stop() - for a moment wait for whoever reads, but not once *@stop is set; then as before
 * say_start().
 */
void say_stop(const volatile sig_atomic_t *stop);

/* For the machine's run loop: see struct machine_client. */
unsigned say_poll_fds(void *opaque, struct pollfd *fds, unsigned max);
void say_ready(void *opaque, struct pollfd *fds, unsigned count);

#endif
