/* SPDX-License-Identifier: BSD-2-Clause */
/* A socket that clients connect to, and its file, which must not outlive the process. */
#ifndef FWNMI_CONTROL_LISTENER_H
#define FWNMI_CONTROL_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>

struct listener {
	int fd;
	struct sockaddr_un address; /* of a UNIX socket; path "" else */
	struct stat file; /* so as to remove only our own */
	unsigned port; /* of a TCP socket */
};

/**
 * listener_open_unix() - listen on a UNIX socket with mode 0600
 *
 * A socket that nobody listens on any more is replaced.
 *
 * returns: false, with one line in @err: path empty or too long, exists and is no socket, in use,
 * cannot be created
 */
bool listener_open_unix(struct listener *listener, const char *path, int backlog, char *err,
			size_t err_size);
/**
 * listener_open_tcp() - listen on a TCP port
 * @host: an address, or NULL or "": this host's own, which no other host reaches
 * @port: in decimal; "0": any that is free
 *
 * returns: false, with one line in @err
 */
bool listener_open_tcp(struct listener *listener, const char *host, const char *port, char *err,
		       size_t err_size);
/** listener_accept() - a client's descriptor, which does not block; -1: none */
int listener_accept(const struct listener *listener);
/** listener_remove() - remove the file if it is still this listener's. Async-signal-safe. */
void listener_remove(const struct listener *listener);
void listener_close(struct listener *listener);

#endif
