/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection to a monitor; see inject_connection.h. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/inject_connection.h"
#include "cmd/say.h"
#include "base/host_time.h"

#define complain(...) say_error("inject", __VA_ARGS__)

bool connection_open(struct connection *c, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return complain("cannot connect to %s: %s", path,
				*path ? "the path is too long for a socket" : "the path is empty");
	strcpy(address.sun_path, path);
	c->len = 0;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return complain("cannot make a socket: %s", strerror(errno));
	if (connect(c->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return true;
	complain("cannot connect to %s: %s", path,
		 errno == ECONNREFUSED ? "nobody listens there" : strerror(errno));
	close(c->fd);
	return false;
}

enum received connection_receive(struct connection *c, int64_t deadline_ms, json_t **message)
{
	for (;;) {
		struct pollfd fd = { .fd = c->fd, .events = POLLIN };
		char *end = memchr(c->buf, '\n', c->len);
		int64_t left = deadline_ms - host_ms();
		ssize_t n;

		if (end) {
			*message = json_loadb(c->buf, (size_t)(end - c->buf), 0, NULL);
			c->len -= (size_t)(end + 1 - c->buf);
			memmove(c->buf, end + 1, c->len);
			return *message ? RECEIVED : GARBAGE;
		}
		if (c->len == sizeof(c->buf))
			return GARBAGE;
		if (left <= 0 || poll(&fd, 1, (int)left) == 0)
			return TIMED_OUT;
		n = recv(c->fd, c->buf + c->len, sizeof(c->buf) - c->len, MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
			continue;
		if (n <= 0)
			return CLOSED;
		c->len += (size_t)n;
	}
}

static bool receive_failed(enum received how)
{
	switch (how) {
	case TIMED_OUT:
		return complain("the machine's monitor does not answer");
	case CLOSED:
		return complain("the machine's monitor closed the connection");
	default:
		return complain("the socket is not that of a fwnmi monitor");
	}
}

static bool send_request(struct connection *c, const char *command, json_t *args)
{
	json_t *request = json_pack("{s:s, s:O}", "execute", command, "arguments", args);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0, done = 0;

	json_decref(request);
	if (!text)
		return complain("out of memory");
	text[len++] = '\n'; /* replaces the NUL */
	while (done < len) {
		ssize_t n = send(c->fd, text + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		done += (size_t)n;
	}
	free(text);
	if (done == len)
		return true;
	/* The machine ended: report it the same way, whichever side notices first. */
	if (errno == EPIPE || errno == ECONNRESET)
		return receive_failed(CLOSED);
	return complain("cannot send to the monitor: %s", strerror(errno));
}

bool connection_command(struct connection *c, const char *name, json_t *args, json_t **result)
{
	int64_t deadline = host_ms() + REPLY_MS;

	if (!send_request(c, name, args))
		return false;
	for (;;) {
		json_t *message, *error;
		enum received how = connection_receive(c, deadline, &message);
		const char *why;

		if (how != RECEIVED)
			return receive_failed(how);
		*result = json_incref(json_object_get(message, "return"));
		error = json_object_get(message, "error");
		why = json_string_value(json_object_get(error, "desc"));
		if (error)
			complain("%s", why ? why : "the monitor refused");
		json_decref(message);
		if (*result || error)
			return *result;
	}
}

bool connection_greet(struct connection *c)
{
	json_t *message, *nothing = json_object(), *result = NULL;
	enum received how = connection_receive(c, host_ms() + REPLY_MS, &message);
	bool ok;

	if (how == RECEIVED && json_object_get(message, "error")) {
		complain("the machine's monitor has too many clients");
		json_decref(message);
		json_decref(nothing);
		return false;
	}
	ok = how == RECEIVED && json_object_get(message, "QMP");
	if (how == RECEIVED)
		json_decref(message);
	if (!ok)
		receive_failed(how == RECEIVED ? GARBAGE : how);
	else
		ok = connection_command(c, "qmp_capabilities", nothing, &result);
	json_decref(result);
	json_decref(nothing);
	return ok;
}
