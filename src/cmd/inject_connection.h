/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection of `fwnmi inject` to the monitor of a machine (control/monitor.h). Whatever fails
 * is complained of here, except while events are awaited.
 */
#ifndef CMD_INJECT_CONNECTION_H
#define CMD_INJECT_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "control/monitor.h"

#define REPLY_MS 30000 /* for an answer that needs no guest: only catches a hang */

/* A connection that reads one JSON line at a time. */
struct connection {
	int fd;
	size_t len;
	char buf[MONITOR_MAX_REQUEST];
};

enum received {
	RECEIVED,
	TIMED_OUT,
	CLOSED,
	GARBAGE
};

/** connection_open() - connect to the socket at @path; the caller closes @c->fd */
bool connection_open(struct connection *c, const char *path);
/** connection_greet() - take the monitor's greeting, and ask for its commands */
bool connection_greet(struct connection *c);
/** connection_command() - send a command and wait for its answer; the caller then owns *@result */
bool connection_command(struct connection *c, const char *name, json_t *args, json_t **result);
/** connection_receive() - read the next message into *@message, until the time of host_ms() */
enum received connection_receive(struct connection *c, int64_t deadline_ms, json_t **message);

#endif
