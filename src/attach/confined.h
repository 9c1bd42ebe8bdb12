/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session with a guest behind a gdb stub in a process of its own, which can be confined: all that
 * the guest and the stub say is looked at there. The process that stays has the files and the
 * network. It connects for the other one, once more if the connection is lost, and if the other one
 * dies lets the guest run on.
 */
#ifndef FWNMI_ATTACH_CONFINED_H
#define FWNMI_ATTACH_CONFINED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that a session hands over. */
#define CONFINED_MAX (4u << 20)

/**
 * confined_run() - do @work in another process and get what it hands over
 * @where: the stub's address
 * @work: gets @opaque and the link to this process; ends by link_hand_over()
 * @size: of what is returned
 * @problem: on failure, one line
 *
 * SIGINT, SIGTERM and SIGHUP are passed on to it. Returns malloc()ed bytes, which nobody has
 * checked, or NULL.
 */
uint8_t *confined_run(const char *where, void (*work)(void *opaque, int link), void *opaque,
		      size_t *size, char *problem, size_t problem_size);

#endif
