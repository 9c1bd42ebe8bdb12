/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Output to a reader who may be slow or have stopped reading: a bounded buffer in front of a
 * descriptor. Nothing here waits for the descriptor.
 */
#ifndef CMD_OUTPUT_H
#define CMD_OUTPUT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#define OUTPUT_SIZE 65536u

struct output {
	int fd; /* -1: nobody takes output any more */
	bool ours; /* close fd at the end */
	bool socket;
	size_t at_once; /* bytes that a write may have once poll() is ready; 0: fd does not block */
	int error; /* errno of the write that failed */
	size_t head, count; /* of buffer[], a ring */
	unsigned char buffer[OUTPUT_SIZE];
};

/**
 * output_open() - write to @fd
 * @ours: output_close() closes it, and nobody else shares its open file
 *
 * A terminal or pipe that may be shared with others is opened again through /proc, because
 * O_NONBLOCK would affect them too. Where that is not possible, it never gets more at once than it
 * has room for.
 */
void output_open(struct output *out, int fd, bool ours);
void output_close(struct output *out);

/**
 * output_room() - bytes that output_put() would accept. A failed output accepts everything and
 * drops it.
 */
size_t output_room(const struct output *out);
/** output_put() - send or buffer as many of @len bytes as fit; returns how many. */
size_t output_put(struct output *out, const void *buf, size_t len);
/** output_flush() - send what can be sent now; sets out->error if that fails. */
void output_flush(struct output *out);
/**
 * output_drain() - wait until everything is sent
 * @patience_ms: give up after this long without progress
 * @stop: give up as soon as it is nonzero
 *
 * Returns the number of bytes not taken.
 */
size_t output_drain(struct output *out, int patience_ms, const volatile sig_atomic_t *stop);

#endif
