/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection to a gdb stub and its packets; see wire.h. client.c interprets the packets. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/host_time.h"
#include "gdb/link.h"
#include "gdb/packet.h"
#include "gdb/wire.h"

#define MAX_TRIES 3 /* for a packet that arrives damaged */
#define POLL_MS	  100 /* between checks of the caller's flag */
#define HUNG_MS	  2000 /* for a peer that has already timed out once */

bool wire_vfail(struct wire *w, const char *format, va_list ap)
{
	if (!w->err[0])
		vsnprintf(w->err, sizeof(w->err), format, ap);
	return false;
}

bool wire_fail(struct wire *w, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	wire_vfail(w, format, ap);
	va_end(ap);
	return false;
}

/* ---- bytes ---- */

static bool lose(struct wire *w)
{
	w->lost = true;
	return wire_fail(w, "the stub at %s closed the connection", w->where);
}

bool wire_send(struct wire *w, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	int64_t deadline = host_ms() + wire_patience_ms(w);

	if (w->lost)
		return false;
	while (len) {
		ssize_t n = send(w->fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		struct pollfd fd = { .fd = w->fd, .events = POLLOUT };

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
			return lose(w);
		} else if (host_ms() > deadline) {
			w->hangs = true;
			return wire_fail(w, "the stub at %s accepts no more data", w->where);
		} else {
			poll(&fd, 1, POLL_MS);
		}
	}
	return true;
}

unsigned wire_patience_ms(const struct wire *w)
{
	if (w->hangs)
		return HUNG_MS;
	return w->is_stub ? WIRE_HANG_MS : WIRE_FIRST_MS;
}

/* Reads more bytes into the empty input buffer. */
static enum received fill(struct wire *w, int64_t deadline)
{
	for (;;) {
		struct pollfd fd = { .fd = w->fd, .events = POLLIN };
		int64_t left = deadline - host_ms();
		ssize_t n;

		if (w->lost)
			return FAILED;
		if (*w->interrupted && !w->held_back && !w->closing) {
			wire_fail(w, "interrupted");
			return FAILED;
		}
		if (poll(&fd, 1, left < 0 ? 0 : left < POLL_MS ? (int)left : POLL_MS) <= 0) {
			if (left <= 0)
				return TIMED_OUT;
			continue;
		}
		/*
		 * With Nagle's algorithm on, a stub holds its answer back until its '+' is
		 * acknowledged.
		 */
		if (w->tcp)
			setsockopt(w->fd, IPPROTO_TCP, TCP_QUICKACK, &(int){ 1 }, sizeof(int));
		n = recv(w->fd, w->in, sizeof(w->in), MSG_DONTWAIT);
		if (n > 0) {
			w->in_start = 0;
			w->in_end = (size_t)n;
			return RECEIVED;
		}
		if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
			continue;
		lose(w);
		return FAILED;
	}
}

static enum received get_byte(struct wire *w, int64_t deadline, uint8_t *byte)
{
	if (w->in_start == w->in_end) {
		enum received how = fill(w, deadline);

		if (how != RECEIVED)
			return how;
	}
	*byte = w->in[w->in_start++];
	return RECEIVED;
}

/* ---- packets ---- */

/* Reads from after '$' to the checksum. *@damaged: the packet is bad. */
static enum received get_body(struct wire *w, int64_t deadline, bool *damaged)
{
	struct gdb_packet packet;
	uint8_t c;

	gdb_packet_begin(&packet, w->packet, WIRE_MAX_PACKET);
	for (;;) {
		enum received how = get_byte(w, deadline, &c);

		if (how != RECEIVED)
			return how;
		switch (gdb_packet_take(&packet, c)) {
		case GDB_PACKET_MORE:
			continue;
		case GDB_PACKET_TOO_LONG:
			wire_fail(w, "the stub at %s sends packets that are too long", w->where);
			return FAILED;
		case GDB_PACKET_WHOLE:
			*damaged = false;
			break;
		case GDB_PACKET_DAMAGED:
			*damaged = true;
			break;
		}
		w->packet_len = packet.length;
		return RECEIVED;
	}
}

static bool not_a_stub(struct wire *w)
{
	return wire_fail(w, "there is no gdb stub at %s", w->where);
}

enum received wire_receive(struct wire *w, int64_t deadline)
{
	unsigned tries = 0;

	for (;;) {
		enum received how;
		bool damaged = false;
		uint8_t c;

		do {
			how = get_byte(w, deadline, &c);
			if (how != RECEIVED)
				return how;
			if (c == '-' && ++tries <= MAX_TRIES && !wire_send(w, w->out, w->out_len))
				return FAILED;
			if (!w->is_stub && c != '+' && c != '-' && c != '$') {
				not_a_stub(w);
				return FAILED;
			}
		} while (c != '$');
		how = get_body(w, deadline, &damaged);
		if (how != RECEIVED)
			return how;
		if (!damaged) {
			w->ack_due = !w->no_ack;
			w->is_stub = true;
			return RECEIVED;
		}
		if (w->no_ack || ++tries > MAX_TRIES) {
			w->outstanding = false; /* an answer came, if a useless one */
			if (w->is_stub)
				wire_fail(w, "the stub at %s sends damaged packets", w->where);
			else
				not_a_stub(w);
			return FAILED;
		}
		if (!wire_send(w, "-", 1))
			return FAILED;
	}
}

__attribute__((format(printf, 2, 0))) static size_t frame(char *to, const char *format, va_list ap,
							  size_t size)
{
	char body[WIRE_MAX_COMMAND];
	int n = vsnprintf(body, sizeof(body), format, ap);

	return n < 0 || (size_t)n >= sizeof(body) ? 0 : gdb_packet_frame(to, size, body, (size_t)n);
}

bool wire_send_packet(struct wire *w, const char *format, ...)
{
	char bytes[sizeof(w->out) + 1];
	size_t ack = w->ack_due;
	va_list ap;

	if (w->err[0] && !w->closing)
		return false;
	va_start(ap, format);
	w->out_len = frame(w->out, format, ap, sizeof(w->out));
	va_end(ap);
	if (!w->out_len)
		return wire_fail(w, "a command is too long for the stub");
	/*
	 * Send in one piece: Nagle's algorithm would wait for the peer's delayed acknowledgement.
	 */
	bytes[0] = '+';
	memcpy(bytes + ack, w->out, w->out_len);
	w->ack_due = false;
	w->outstanding = true;
	return wire_send(w, bytes, w->out_len + ack);
}

/* ---- connecting ---- */

static int connect_within(int fd, const struct sockaddr *address, socklen_t len, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t size = sizeof(error);

	if (connect(fd, address, len) == 0)
		return 0;
	if (errno != EINPROGRESS && errno != EINTR)
		return errno;
	if (poll(&poll_fd, 1, timeout_ms) <= 0)
		return ETIMEDOUT;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

static const char *why_not(int error)
{
	return error == ECONNREFUSED || error == ENOENT ? "nobody listens there" : strerror(error);
}

static bool cannot_connect(struct wire *w, const char *why)
{
	return wire_fail(w, "cannot connect to %s: %s", w->where, why);
}

static bool connect_unix(struct wire *w, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int error;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return cannot_connect(w, *path ? "the path is too long for a socket" :
						 "the path is empty");
	strcpy(address.sun_path, path);
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd < 0)
		return cannot_connect(w, strerror(errno));
	error = connect_within(w->fd, (struct sockaddr *)&address, sizeof(address), WIRE_FIRST_MS);
	/* A socket's queue is full while another debugger is attached. */
	return !error ||
	       cannot_connect(w, error == EAGAIN ? "another debugger is attached" : why_not(error));
}

static bool connect_tcp(struct wire *w)
{
	const char *port = strrchr(w->where, ':');
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	char host[256] = "localhost";
	int error;

	if (!port || !port[1] || (size_t)(port - w->where) >= sizeof(host))
		return wire_fail(w, "bad address %s: not HOST:PORT or unix:PATH", w->where);
	if (port != w->where)
		snprintf(host, sizeof(host), "%.*s", (int)(port - w->where), w->where);
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		memmove(host, host + 1, strlen(host));
	}
	error = getaddrinfo(host, port + 1, &hints, &list);
	if (error)
		return cannot_connect(w, gai_strerror(error));
	error = ENOENT;
	for (struct addrinfo *a = list; a; a = a->ai_next) {
		w->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			       a->ai_protocol);
		if (w->fd < 0) {
			error = errno;
			continue;
		}
		error = connect_within(w->fd, a->ai_addr, a->ai_addrlen, WIRE_FIRST_MS);
		if (!error)
			break;
		close(w->fd);
		w->fd = -1;
	}
	freeaddrinfo(list);
	if (error)
		return cannot_connect(w, why_not(error));
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	w->tcp = true;
	return true;
}

bool wire_connect(struct wire *w)
{
	w->lost = w->ack_due = w->no_ack = w->outstanding = false;
	w->in_start = w->in_end = 0;
	if (w->link >= 0) {
		char err[sizeof(w->err)];

		w->fd = link_connect(w->link, err, sizeof(err));
		w->tcp = strncmp(w->where, "unix:", 5) != 0;
		return w->fd >= 0 || wire_fail(w, "%s", err);
	}
	if (!strncmp(w->where, "unix:", 5))
		return connect_unix(w, w->where + 5);
	return connect_tcp(w);
}
