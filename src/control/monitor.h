/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: JSON over a UNIX stream socket in the manner of QMP, QEMU's machine protocol.
 * Commands and events have QMP's names where it has them. Clients can steer the machine but never
 * hold it up.
 */
#ifndef FWNMI_CONTROL_MONITOR_H
#define FWNMI_CONTROL_MONITOR_H

#include <stddef.h>

#define MONITOR_MAX_CLIENTS 8
#define MONITOR_MAX_REQUEST 65536 /* bytes */
#define MONITOR_MAX_BACKLOG \
	1048576 /* bytes that a client may leave unread before it is dropped \
		 */

struct monitor;
struct injector;
struct listener;
struct machine;
struct snapshot_keeper;

/**
 * monitor_open() - listen on a UNIX socket and become a client of the machine
 * @injector: carries out what clients want injected; the monitor becomes its listener
 * @path: the socket, created with mode 0600. A socket that nobody listens on any more is replaced
 *
 * Returns NULL with a one-line reason in @err: path too long, exists and is no socket, in use,
 * cannot be created.
 */
struct monitor *monitor_open(const char *path, struct machine *machine, struct injector *injector,
			     char *err, size_t err_size);

/**
 * monitor_keep_snapshots() - let clients save and load snapshots
 * @dir: where: the keeper's number of a directory
 */
void monitor_keep_snapshots(struct monitor *monitor, struct snapshot_keeper *keeper, unsigned dir);

/**
 * monitor_close() - send clients the rest of their output, if they take it, and remove the socket.
 * NULL is allowed.
 */
void monitor_close(struct monitor *monitor);

/** monitor_listener() - for listener_remove() in a signal handler */
const struct listener *monitor_listener(const struct monitor *monitor);

#endif
