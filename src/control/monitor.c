/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: clients with bounded buffers, requests and answers; see monitor.h.
 * Protocol: QMP (QEMU, "QEMU Machine Protocol Specification"). Addresses are strings, because a
 * 64-bit JSON integer is signed.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/text.h"
#include "control/commands.h"
#include "control/events.h"
#include "control/listener.h"
#include "control/monitor.h"
#include "inject/inject_report.h"
#include "inject/json.h"

#define CLOSE_WAIT_MS 200 /* for clients to take the last events */

struct client {
	int fd; /* -1: free */
	bool negotiated;
	bool closing; /* read no more; close once the output is sent */
	char *in;
	size_t in_len;
	struct {
		size_t at; /* bytes of in[] scanned so far */
		unsigned depth; /* of objects and arrays */
		bool string, escape, garbage;
	} scan;
	char *out;
	size_t out_len, out_size;
};

struct monitor {
	struct command_target target;
	struct listener listener;
	struct timeval last_event;
	struct client clients[MONITOR_MAX_CLIENTS];
	/* Client of each descriptor last handed to poll(); NULL: the listener. */
	struct client *polled[MONITOR_MAX_CLIENTS + 1];
};

/* ---- clients ---- */

static void drop(struct client *client)
{
	close(client->fd);
	free(client->in);
	free(client->out);
	*client = (struct client){ .fd = -1 };
}

static void flush_output(struct client *client)
{
	while (client->out_len) {
		ssize_t n =
			send(client->fd, client->out, client->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				drop(client);
			return;
		}
		client->out_len -= (size_t)n;
		memmove(client->out, client->out + n, client->out_len);
	}
	if (client->closing)
		drop(client);
}

/* Drop a client that does not read its output, or for which there is no memory. */
static void send_text(struct client *client, const char *text, size_t len)
{
	if (client->fd < 0)
		return;
	if (client->out_len + len > client->out_size) {
		size_t size = (client->out_len + len) * 2;
		char *bigger = size <= MONITOR_MAX_BACKLOG ? realloc(client->out, size) : NULL;

		if (!bigger) {
			drop(client);
			return;
		}
		client->out = bigger;
		client->out_size = size;
	}
	memcpy(client->out + client->out_len, text, len);
	client->out_len += len;
	flush_output(client);
}

/* Takes over the reference to @message. */
static void send_json(struct client *client, json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	size_t len = text ? strlen(text) : 0;

	json_decref(message);
	if (!text) {
		drop(client);
		return;
	}
	/* The newline replaces the terminating NUL. */
	text[len] = '\n';
	send_text(client, text, len + 1);
	free(text);
}

static void send_error(struct client *client, json_t *id, const char *class,
		       const char *description)
{
	json_t *error = json_pack("{s:{s:s, s:o}}", "error", "class", class, "desc",
				  text_json(description));

	if (error && id)
		json_object_set(error, "id", id);
	send_json(client, error);
}

/* ---- events ---- */

/* Event times never go backwards, whatever happens to the host's clock. */
static struct timeval event_time(struct monitor *monitor)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	if (timercmp(&now, &monitor->last_event, >))
		monitor->last_event = now;
	return monitor->last_event;
}

/* Send an event to every client. Takes over the reference to @data. */
static void send_event(struct monitor *monitor, const char *name, json_t *data,
		       const struct injection_report *report)
{
	struct timeval now = event_time(monitor);
	json_t *message;

	if (report)
		json_object_set_new(data, "injection", inject_report_json(report));
	json_object_set_new(data, "instructions",
			    json_count(machine_insns(monitor->target.machine)));
	json_object_set_new(data, "timebase",
			    json_count(machine_timebase(monitor->target.machine)));
	message = json_pack("{s:s, s:o, s:{s:I, s:I}}", "event", name, "data", data, "timestamp",
			    "seconds", (json_int_t)now.tv_sec, "microseconds",
			    (json_int_t)now.tv_usec);
	for (unsigned i = 0; i < MONITOR_MAX_CLIENTS; i++) {
		struct client *client = &monitor->clients[i];

		if (client->fd >= 0 && client->negotiated && !client->closing)
			send_json(client, json_incref(message));
	}
	json_decref(message);
}

static void monitor_event(void *opaque, const struct machine_event *event)
{
	struct monitor *monitor = opaque;
	json_t *data = json_object();
	const char *name = event_json(event, data);

	if (name)
		send_event(monitor, name, data, injector_explains(monitor->target.injector, event));
	else
		json_decref(data);
}

static void injection_ended(void *opaque, const struct injection_report *report)
{
	const bool failed = report->stage == INJECTION_FAILED;

	send_event(opaque, failed ? "FWNMI_INJECTION_FAILED" : "FWNMI_INJECTION_FINISHED",
		   json_pack("{s:i}", "cpu-index", (int)report->vcpu), report);
}

/* ---- requests ---- */

/* A request is {"execute": NAME, "arguments": OBJECT, "id": anything} and nothing else. */
static const char *check_request(const json_t *request)
{
	const char *key;
	json_t *value;

	if (!json_is_object(request))
		return "a request must be a JSON object";
	if (!json_is_string(json_object_get(request, "execute")))
		return "a request must have a member 'execute' with a command's name";
	json_object_foreach((json_t *)request, key, value)
	{
		if (strcmp(key, "execute") && strcmp(key, "arguments") && strcmp(key, "id"))
			return "a request can only have the members 'execute', 'arguments' and 'id'";
	}
	value = json_object_get(request, "arguments");
	if (value && !json_is_object(value))
		return "'arguments' must be an object";
	return NULL;
}

/* {"enable": []}, or nothing: there is no capability to enable. */
static const char *check_capabilities(json_t *args)
{
	json_t *enable = json_object_get(args, "enable");

	if (json_object_size(args) > (enable ? 1u : 0u))
		return "qmp_capabilities takes no argument but 'enable'";
	if (enable && !json_is_array(enable))
		return "'enable' must be an array";
	return json_array_size(enable) ? "there are no capabilities to enable" : NULL;
}

static void execute(struct monitor *monitor, struct client *client, json_t *request)
{
	json_t *id = json_object_get(request, "id"), *args, *result, *reply;
	const char *problem = check_request(request), *name;
	const struct command *command;
	char err[256];

	if (problem) {
		send_error(client, id, "GenericError", problem);
		return;
	}
	name = json_string_value(json_object_get(request, "execute"));
	args = json_object_get(request, "arguments");
	if (!strcmp(name, "qmp_capabilities") && !client->negotiated) {
		problem = check_capabilities(args);
		if (problem) {
			send_error(client, id, "GenericError", problem);
			return;
		}
		client->negotiated = true;
		result = json_object();
	} else if (!client->negotiated) {
		send_error(client, id, "CommandNotFound",
			   "the first command must be qmp_capabilities");
		return;
	} else {
		command = command_find(name);
		if (!command) {
			send_error(client, id, "CommandNotFound", "no such command");
			return;
		}
		if (!command->has_arguments && json_object_size(args)) {
			send_error(client, id, "GenericError", "the command takes no arguments");
			return;
		}
		result = command->run(&monitor->target, args, err, sizeof(err));
		if (!result) {
			send_error(client, id, "GenericError", err);
			return;
		}
	}
	/* The client may have been dropped while it was sent an event that the command caused. */
	if (client->fd < 0) {
		json_decref(result);
		return;
	}
	reply = json_pack("{s:o}", "return", result);
	if (reply && id)
		json_object_set(reply, "id", id);
	send_json(client, reply);
}

static void take_request(struct monitor *monitor, struct client *client, const char *text,
			 size_t len)
{
	json_t *request = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	if (!request) {
		send_error(client, NULL, "GenericError", "the request is not a JSON object");
		return;
	}
	execute(monitor, client, request);
	json_decref(request);
}

/* ---- input ---- */

/* Scan one byte of input. True: it ends a request or garbage. */
static bool scan_byte(struct client *client, unsigned char c)
{
	/* Garbage extends to the end of the line. */
	if (client->scan.garbage || (client->scan.string && c < ' ')) {
		client->scan.garbage = true;
		return c == '\n';
	}
	if (client->scan.string) {
		client->scan.string = client->scan.escape || c != '"';
		client->scan.escape = !client->scan.escape && c == '\\';
	} else if (c == '{' || c == '[') {
		client->scan.depth++;
	} else if (client->scan.depth) {
		client->scan.string = c == '"';
		return (c == '}' || c == ']') && !--client->scan.depth;
	} else if (!c || !strchr(" \t\r\n", c)) {
		client->scan.garbage = true;
	}
	return false;
}

/* A request may span lines, and a line may hold several. Brackets tell where each ends. */
static void take_requests(struct monitor *monitor, struct client *client)
{
	size_t start = 0;

	while (client->fd >= 0 && client->scan.at < client->in_len) {
		if (!scan_byte(client, (unsigned char)client->in[client->scan.at++]))
			continue;
		client->scan.depth = 0;
		client->scan.string = client->scan.escape = client->scan.garbage = false;
		take_request(monitor, client, client->in + start, client->scan.at - start);
		start = client->scan.at;
	}
	if (client->fd < 0)
		return;
	/* White space alone does not begin a request: drop it. */
	if (!client->scan.depth && !client->scan.garbage)
		start = client->in_len;
	client->in_len -= start;
	client->scan.at = client->in_len;
	memmove(client->in, client->in + start, client->in_len);
	if (client->in_len == MONITOR_MAX_REQUEST) {
		client->closing = true;
		send_error(client, NULL, "GenericError", "the request is too long");
	}
}

static void receive(struct monitor *monitor, struct client *client)
{
	ssize_t n = recv(client->fd, client->in + client->in_len,
			 MONITOR_MAX_REQUEST - client->in_len, MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n < 0) {
		drop(client);
		return;
	}
	if (n == 0) {
		/*
		 * It may still read: `socat` and people with a pipe close their sending side first.
		 */
		client->closing = true;
		if (client->in_len)
			send_error(client, NULL, "GenericError", "the request is not complete");
		else
			flush_output(client);
		return;
	}
	client->in_len += (size_t)n;
	take_requests(monitor, client);
}

static void accept_client(struct monitor *monitor)
{
	int fd = listener_accept(&monitor->listener);
	struct client *client = NULL;

	if (fd < 0)
		return;
	for (unsigned i = 0; i < MONITOR_MAX_CLIENTS && !client; i++) {
		if (monitor->clients[i].fd < 0)
			client = &monitor->clients[i];
	}
	if (client)
		client->in = malloc(MONITOR_MAX_REQUEST);
	if (!client || !client->in) {
		static const char busy[] = "{\"error\":{\"class\":\"GenericError\","
					   "\"desc\":\"too many monitor clients\"}}\n";

		(void)!send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		return;
	}
	client->fd = fd;
	send_json(client, json_pack("{s:{s:o, s:[]}}", "QMP", "version", command_version(),
				    "capabilities"));
}

static unsigned monitor_poll_fds(void *opaque, struct pollfd *fds, unsigned max)
{
	struct monitor *monitor = opaque;
	unsigned n = 0;

	if (n < max) {
		monitor->polled[n] = NULL;
		fds[n++] = (struct pollfd){ .fd = monitor->listener.fd, .events = POLLIN };
	}
	for (unsigned i = 0; i < MONITOR_MAX_CLIENTS && n < max; i++) {
		struct client *client = &monitor->clients[i];
		short events = 0;

		if (client->fd < 0)
			continue;
		if (!client->closing)
			events |= POLLIN;
		if (client->out_len)
			events |= POLLOUT;
		monitor->polled[n] = client;
		fds[n++] = (struct pollfd){ .fd = client->fd, .events = events };
	}
	return n;
}

static void monitor_ready(void *opaque, struct pollfd *fds, unsigned count)
{
	struct monitor *monitor = opaque;

	for (unsigned i = 0; i < count; i++) {
		struct client *client = monitor->polled[i];

		if (!fds[i].revents)
			continue;
		if (!client) {
			accept_client(monitor);
			continue;
		}
		/*
		 * An event sent for another client may have closed this one. Its slot cannot be in
		 * use again: accept comes first.
		 */
		if (client->fd != fds[i].fd)
			continue;
		if (fds[i].revents & POLLOUT)
			flush_output(client);
		if (client->fd >= 0 && !client->closing && (fds[i].revents & (POLLIN | POLLHUP)))
			receive(monitor, client);
		if (client->fd == fds[i].fd && (fds[i].revents & (POLLERR | POLLNVAL)))
			drop(client);
	}
}

/* ---- opening and closing ---- */

struct monitor *monitor_open(const char *path, struct machine *machine, struct injector *injector,
			     char *err, size_t err_size)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	struct machine_client client = {
		.event = monitor_event,
		.poll_fds = monitor_poll_fds,
		.ready = monitor_ready,
		.opaque = monitor,
	};

	if (!monitor) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	monitor->target.machine = machine;
	monitor->target.injector = injector;
	injector_listen(injector,
			&(struct injector_listener){ .ended = injection_ended, .opaque = monitor });
	for (unsigned i = 0; i < MONITOR_MAX_CLIENTS; i++)
		monitor->clients[i].fd = -1;
	if (!listener_open_unix(&monitor->listener, path, MONITOR_MAX_CLIENTS, err, err_size)) {
		free(monitor);
		return NULL;
	}
	if (!machine_add_client(machine, &client)) {
		snprintf(err, err_size, "too many clients of the machine");
		monitor_close(monitor);
		return NULL;
	}
	return monitor;
}

const struct listener *monitor_listener(const struct monitor *monitor)
{
	return &monitor->listener;
}

void monitor_keep_snapshots(struct monitor *monitor, struct snapshot_keeper *keeper, unsigned dir)
{
	monitor->target.keeper = keeper;
	monitor->target.snapshot_dir = dir;
}

void monitor_close(struct monitor *monitor)
{
	if (!monitor)
		return;
	listener_close(&monitor->listener);
	for (unsigned i = 0; i < MONITOR_MAX_CLIENTS; i++) {
		struct client *client = &monitor->clients[i];
		struct pollfd fd = { .fd = client->fd, .events = POLLOUT };

		if (client->fd < 0)
			continue;
		if (client->out_len && poll(&fd, 1, CLOSE_WAIT_MS) > 0)
			flush_output(client);
		if (client->fd >= 0)
			drop(client);
	}
	free(monitor);
}
