/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session with a guest behind a gdb stub, in a process of its own that can be confined.
 * Everything from the guest and the stub is parsed there. The parent keeps the files and the
 * network. It connects on behalf of the child, and reconnects once if the connection is lost. If
 * the child dies, the parent lets the guest run on.
 */
#ifndef FWNMI_ATTACH_CONFINED_H
#define FWNMI_ATTACH_CONFINED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most bytes that a session may hand over. */
#define CONFINED_MAX (4u << 20)

/**
 * confined_run() - run @work in a child process and return what it hands over
 * @where: the stub's address
 * @work: gets @opaque and the link to this process; must end with link_hand_over()
 * @size: size of the returned data
 * @problem: on failure, one line
 *
 * SIGINT, SIGTERM and SIGHUP are forwarded to the child. Returns malloc()ed bytes, not checked in
 * any way, or NULL.
 */
uint8_t *confined_run(const char *where, void (*work)(void *opaque, int link), void *opaque,
		      size_t *size, char *problem, size_t problem_size);

#endif
