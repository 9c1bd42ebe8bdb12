/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link between the two processes of a session: the confined one, which parses what the stub
 * says, and the one that connects to the stub for it. It is a socket pair; neither end trusts the
 * other.
 */
#ifndef FWNMI_GDB_LINK_H
#define FWNMI_GDB_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Messages from the confined process: one byte; after LINK_HAND_OVER also a size and that many
 * bytes.
 */
enum {
	LINK_CONNECT = 'C',
	LINK_HAND_OVER = 'H',
};

#define LINK_ERROR_SIZE 200 /* of the line that says why there is no connection */

/** link_read() - read exactly @len bytes; false if the other end is gone. */
bool link_read(int fd, void *bytes, size_t len);

/* In the confined process: */
/** link_connect() - ask for a connection to the stub; -1 with one line in @err. */
int link_connect(int link, char *err, size_t err_size);
void link_hand_over(int link, const void *bytes, size_t size);

/* In the other one: */
/** link_send_connection() - answer LINK_CONNECT; with @fd -1, @why_not says why there is none. */
void link_send_connection(int link, int fd, const char *why_not);

#endif
