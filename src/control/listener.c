/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening sockets; see listener.h. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/listener.h"

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

/* ---- UNIX sockets ---- */

static int bind_private(const struct listener *listener)
{
	/*
	 * Create the socket with its final mode, so no other process can get in before a chmod().
	 */
	mode_t old = umask(0177);
	int ret = bind(listener->fd, (const struct sockaddr *)&listener->address,
		       sizeof(listener->address));
	int saved = errno;

	umask(old);
	errno = saved;
	return ret;
}

/* Is the path a socket that nobody listens on any more? If not, @err says what it is. */
static bool is_stale(const struct listener *listener, char *err, size_t err_size)
{
	const char *path = listener->address.sun_path;
	struct stat st;
	int fd, ret, why;

	if (lstat(path, &st) < 0)
		return FAIL("cannot listen on %s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return FAIL("cannot listen on %s: it exists and is not a socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return FAIL("cannot listen on %s: %s", path, strerror(errno));
	ret = connect(fd, (const struct sockaddr *)&listener->address, sizeof(listener->address));
	why = errno;
	close(fd);
	return (ret < 0 && why == ECONNREFUSED) ||
	       FAIL("cannot listen on %s: %s", path,
		    ret < 0 && why != EAGAIN ? strerror(why) : "another program listens there");
}

static bool bind_unix(struct listener *listener, char *err, size_t err_size)
{
	const char *path = listener->address.sun_path;

	if (bind_private(listener) == 0)
		return true;
	if (errno == EADDRINUSE) {
		if (!is_stale(listener, err, err_size))
			return false;
		unlink(path);
		if (bind_private(listener) == 0)
			return true;
	}
	return FAIL("cannot listen on %s: %s", path, strerror(errno));
}

bool listener_open_unix(struct listener *listener, const char *path, int backlog, char *err,
			size_t err_size)
{
	*listener = (struct listener){ .fd = -1, .address.sun_family = AF_UNIX };
	if (!*path)
		return FAIL("cannot listen: the path of the socket is empty");
	if (strlen(path) >= sizeof(listener->address.sun_path))
		return FAIL("cannot listen: a path of %zu bytes is too long for a socket: %s",
			    strlen(path), path);
	strcpy(listener->address.sun_path, path);
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		return FAIL("cannot make a socket: %s", strerror(errno));
	if (bind_unix(listener, err, err_size)) {
		if (lstat(path, &listener->file) == 0 && listen(listener->fd, backlog) == 0)
			return true;
		snprintf(err, err_size, "cannot listen on %s: %s", path, strerror(errno));
		unlink(path);
	}
	close(listener->fd);
	listener->fd = -1;
	return false;
}

/* ---- TCP ---- */

/* A client's socket inherits the option: answers are small and wait for no others. */
static bool listen_at(struct listener *listener, const struct addrinfo *address)
{
	const int on = 1;

	listener->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		return false;
	setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return bind(listener->fd, address->ai_addr, address->ai_addrlen) == 0 &&
	       listen(listener->fd, 1) == 0;
}

static unsigned port_of(const struct listener *listener)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	if (getsockname(listener->fd, (struct sockaddr *)&address, &size) < 0)
		return 0;
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

bool listener_open_tcp(struct listener *listener, const char *host, const char *port, char *err,
		       size_t err_size)
{
	const char *where = host && *host ? host : "127.0.0.1";
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *list;
	int rc = getaddrinfo(where, port, &hints, &list);
	bool good;

	*listener = (struct listener){ .fd = -1 };
	if (rc)
		return FAIL("cannot listen on %s:%s: %s", where, port, gai_strerror(rc));
	good = listen_at(listener, list);
	if (!good)
		snprintf(err, err_size, "cannot listen on %s:%s: %s", where, port, strerror(errno));
	if (!good && listener->fd >= 0) {
		close(listener->fd);
		listener->fd = -1;
	}
	freeaddrinfo(list);
	if (good)
		listener->port = port_of(listener);
	return good;
}

/* ---- all ---- */

int listener_accept(const struct listener *listener)
{
	return accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void listener_remove(const struct listener *listener)
{
	const char *path = listener->address.sun_path;
	struct stat st;

	if (*path && lstat(path, &st) == 0 && st.st_dev == listener->file.st_dev &&
	    st.st_ino == listener->file.st_ino)
		unlink(path);
}

void listener_close(struct listener *listener)
{
	if (listener->fd < 0)
		return;
	listener_remove(listener);
	close(listener->fd);
	listener->fd = -1;
}
