/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes on their way to a reader who may be slow, or have stopped reading: a bounded buffer in
 * front of a descriptor, which is never waited for.
 */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#define OUTPUT_SIZE 65536u

struct output {
	int fd; /* -1: nobody takes anything any more */
	bool ours; /* fd is to be closed */
	bool socket;
	size_t at_once; /* bytes that a write may have once poll() says so; 0: fd does not block */
	int error; /* errno of the write that failed */
	size_t head, count; /* of buffer[], a ring */
	unsigned char buffer[OUTPUT_SIZE];
};

/**
 * output_open() - write to @fd
 * @ours: it is closed by output_close(), and nobody else has its open file
 *
 * A terminal or pipe that may be shared with others is opened again through /proc, because
 * O_NONBLOCK would be theirs, too. Where that is not possible it gets no more at once than it has
 * room for.
 */
void output_open(struct output *out, int fd, bool ours);
void output_close(struct output *out);

/**
 * output_room() - bytes that output_put() would take; an output that has failed takes and forgets
 * all.
 */
size_t output_room(const struct output *out);
/** output_put() - send, or keep, as many of @len bytes as there is room for; returns the count. */
size_t output_put(struct output *out, const void *buf, size_t len);
/** output_flush() - send what can be sent now; out->error is set when that fails. */
void output_flush(struct output *out);
/**
 * output_drain() - wait until all is sent
 * @patience_ms: give up when nothing has been taken for so long
 * @stop: give up as soon as it is not zero
 *
 * Returns the number of bytes that were not taken.
 */
size_t output_drain(struct output *out, int patience_ms, const volatile sig_atomic_t *stop);

#endif
