/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines on standard error: all messages of `fwnmi run` go through here. Each is one line of
 * printable text. None makes the machine wait: what a reader does not take is dropped and counted.
 * Messages caused by a guest are rate limited, by the host's time.
 */
#ifndef CMD_SAY_H
#define CMD_SAY_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>

/** say() - print "fwnmi: " and a line, with control characters made visible. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** say_error() - say why a command fails: "fwnmi: COMMAND: ...". Returns false. */
bool say_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Messages that guests cause. */
enum say_kind {
	SAY_DEBUG,
	SAY_WARNING,
	SAY_END, /* FWNMI has ended the partition */
	SAY_KINDS
};
/**
 * say_may() - may one more message of this kind be printed? If not, it is counted
 *
 * Allows a burst, and then one a second (SAY_END: one per ten seconds). The line that tells how
 * many were left out counts as one of them.
 */
bool say_may(enum say_kind kind);

/** say_start() - from now on nothing waits; before that, lines are written directly. */
void say_start(void);
/**
 * say_stop() - give the reader a moment, but not once *@stop is set; then write directly again, as
 * before say_start().
 */
void say_stop(const volatile sig_atomic_t *stop);

/* For the machine's run loop: see struct machine_client. */
unsigned say_poll_fds(void *opaque, struct pollfd *fds, unsigned max);
void say_ready(void *opaque, struct pollfd *fds, unsigned count);

#endif
