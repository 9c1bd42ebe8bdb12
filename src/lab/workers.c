/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes that run cases; see workers.h. They talk in lines of JSON over one socket a worker.
 * What a worker says is checked, because its guest may have taken it over.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/host_time.h"
#include "base/text.h"
#include "lab/evidence.h"
#include "lab/path.h"
#include "lab/verdict.h"
#include "lab/workers.h"

#define LINE_MAX_BYTES (16u << 20)

/* Bytes of a socket up to the next newline. */
struct reader {
	int fd; /* -1: closed */
	char *bytes;
	size_t length, room;
};

struct workers {
	struct workers_config config;
	unsigned nr_slots;
	pid_t boot;
	struct reader readers[WORKERS_MAX + 1];
	bool gone[WORKERS_MAX + 1]; /* the process is, and nobody has been told */
};

/* ---- lines ---- */

/* Returns the next line, to be given to free(), if a whole one is there. */
static char *take_line(struct reader *r)
{
	char *end = r->length ? memchr(r->bytes, '\n', r->length) : NULL;
	size_t length;
	char *line;

	if (!end)
		return NULL;
	length = (size_t)(end - r->bytes);
	line = strndup(r->bytes, length);
	r->length -= length + 1;
	memmove(r->bytes, end + 1, r->length);
	return line;
}

/* Reads what is there, or waits for something. False at the end. */
static bool fill(struct reader *r)
{
	ssize_t n;

	if (r->length == r->room) {
		const size_t room = r->room ? 2 * r->room : 65536;
		char *bytes = room <= LINE_MAX_BYTES ? realloc(r->bytes, room) : NULL;

		if (!bytes)
			return false;
		r->bytes = bytes;
		r->room = room;
	}
	do
		n = read(r->fd, r->bytes + r->length, r->room - r->length);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	r->length += (size_t)n;
	return true;
}

static void close_reader(struct reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	free(r->bytes);
	*r = (struct reader){ .fd = -1 };
}

/* Takes the reference to @json. */
static bool send_line(int fd, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	size_t length, sent = 0;

	json_decref(json);
	if (!text)
		return false;
	length = strlen(text);
	text[length++] = '\n';
	while (sent < length) {
		ssize_t n = send(fd, text + sent, length - sent, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			break;
		sent += n > 0 ? (size_t)n : 0;
	}
	free(text);
	return sent == length;
}

static void send_failure(int fd, const char *why)
{
	send_line(fd, json_pack("{s:s, s:o}", "type", "failed", "text", text_json(why)));
}

/* ---- a worker and its batches ---- */

/* Forks; the child dies with its parent and leaves interrupts from the keyboard to the caller. */
static pid_t fork_child(void)
{
	const pid_t parent = getpid();
	const pid_t pid = fork();

	if (pid)
		return pid;
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return 0;
}

/* False, with errno: there is no such child. */
static bool wait_for(pid_t pid, int *status)
{
	pid_t ended;

	do
		ended = waitpid(pid, status, 0);
	while (ended < 0 && errno == EINTR);
	return ended == pid;
}

static json_t *result_json(const struct lab_case *c, const struct lab_observation *seen,
			   uint64_t started_ns)
{
	struct lab_judgement judgement;
	const struct lab_rule *rule;

	lab_judge(c, seen, &judgement);
	rule = judgement.rule;
	return json_pack("{s:s, s:I, s:s, s:b, s:s, s:s, s:s, s:o, s:o, s:I, s:I}", "type",
			 "result", "number", (json_int_t)c->number, "verdict",
			 lab_verdict_name(judgement.verdict), "passed", judgement.passed, "rule",
			 rule ? rule->name : "", "law", rule ? rule->law : "", "source",
			 rule ? rule->source : "", "why", text_json(judgement.why), "evidence",
			 lab_evidence_json(c, seen), "insns", (json_int_t)seen->insns, "ns",
			 (json_int_t)(host_ns() - started_ns));
}

static bool run_case(struct lab_guest *guest, int fd, const json_t *json, char *err,
		     size_t err_size)
{
	const uint64_t started_ns = host_ns();
	struct lab_observation seen;
	json_t *result, *code;
	struct lab_case c;
	char why[400];
	bool sent;

	if (!lab_case_parse(json, &c, err, err_size))
		return false;
	if (!lab_guest_run(guest, &c, false, &seen, why, sizeof(why))) {
		snprintf(err, err_size, "case %s: %s", c.name, why);
		lab_case_clear(&c);
		return false;
	}
	result = result_json(&c, &seen, started_ns);
	code = lab_guest_code(guest);
	if (code)
		json_object_set_new(result, "code", code);
	sent = send_line(fd, result);
	lab_observation_clear(&seen);
	lab_case_clear(&c);
	if (!sent)
		snprintf(err, err_size, "out of memory");
	return sent;
}

static bool run_batch(struct lab_guest *guest, int fd, const json_t *cases, char *err,
		      size_t err_size)
{
	enum lab_workload workload;
	struct lab_case first;
	const json_t *json;
	size_t i;

	if (!lab_case_parse(json_array_get(cases, 0), &first, err, err_size))
		return false;
	workload = first.workload;
	lab_case_clear(&first);
	if (!lab_guest_start(guest, workload, err, err_size))
		return false;
	json_array_foreach(cases, i,
			   json) if (!run_case(guest, fd, json, err, err_size)) return false;
	return true;
}

static bool record_path(struct lab_guest *guest, int fd, const json_t *request, char *err,
			size_t err_size)
{
	struct path_spec spec;
	json_t *points;

	if (!path_spec_read(request, &spec)) {
		snprintf(err, err_size, "a worker was asked for nonsense");
		return false;
	}
	if (!lab_guest_start(guest, spec.workload, err, err_size))
		return false;
	points = path_record(guest, &spec, err, err_size);
	return points && send_line(fd, json_pack("{s:s, s:o}", "type", "path", "points", points));
}

/* In a process of its own, so that the worker's guest stays as it is. */
static void serve_request(struct lab_guest *guest, int fd, unsigned slot, const json_t *request)
{
	char err[512], *text = err;
	int status;
	pid_t pid = fork_child();

	if (!pid) {
		lab_guest_forked(guest, slot);
		if (!(json_is_array(request) ? run_batch : record_path)(guest, fd, request, err,
									sizeof(err)))
			send_failure(fd, err);
		_exit(0);
	}
	if (pid < 0)
		snprintf(err, sizeof(err), "cannot fork: %s", strerror(errno));
	else if (!wait_for(pid, &status))
		snprintf(err, sizeof(err), "cannot wait: %s", strerror(errno));
	else if (WIFSIGNALED(status))
		snprintf(err, sizeof(err), "the process that ran the case died of signal %d",
			 WTERMSIG(status));
	else
		text = NULL;
	if (text)
		send_failure(fd, text);
	send_line(fd, json_pack("{s:s}", "type", "batch-done"));
}

_Noreturn static void serve(struct lab_guest *guest, int fd, unsigned slot, const char *release)
{
	struct reader reader = { .fd = fd };

	send_line(fd, json_pack("{s:s, s:o}", "type", "ready", "release", text_json(release)));
	for (;;) {
		char *line = take_line(&reader);
		json_t *request;

		if (!line && !fill(&reader))
			_exit(0);
		if (!line)
			continue;
		request = json_loads(line, 0, NULL);
		free(line);
		if (request)
			serve_request(guest, fd, slot, request);
		json_decref(request);
	}
}

/* ---- the process that boots ---- */

static bool tell_progress(void *opaque, uint64_t insns)
{
	const int *fd = opaque;

	return send_line(*fd,
			 json_pack("{s:s, s:I}", "type", "booting", "insns", (json_int_t)insns));
}

static bool start_worker(struct lab_guest *guest, int fds[], unsigned slot, const char *release,
			 char *err, size_t err_size)
{
	pid_t pid = fork_child();

	if (pid < 0) {
		snprintf(err, err_size, "cannot fork: %s", strerror(errno));
		return false;
	}
	for (unsigned i = 0; i <= WORKERS_MAX; i++) {
		if (fds[i] >= 0 && (pid ? i == slot : i != slot)) {
			close(fds[i]);
			fds[i] = -1;
		}
	}
	if (!pid)
		serve(guest, fds[slot], slot, release);
	return true;
}

static bool boot(struct workers_config *config, int fds[], char *err, size_t err_size)
{
	struct lab_guest *guest;

	config->guest.goes_on = tell_progress;
	config->guest.opaque = &fds[0];
	config->guest.nr_children = config->count + config->early;
	guest = lab_guest_create(&config->guest, err, err_size);
	if (!guest || (config->confine && !config->confine(err, err_size)))
		return false;
	if (config->early && (!lab_guest_boot(guest, LAB_REGISTERED, err, err_size) ||
			      !start_worker(guest, fds, config->count, "", err, err_size)))
		return false;
	if (!lab_guest_boot(guest, LAB_READY, err, err_size))
		return false;
	/* The first socket is this process's own until then. */
	for (unsigned i = config->count; i > 0; i--)
		if (!start_worker(guest, fds, i - 1, lab_guest_release(guest), err, err_size))
			return false;
	return true;
}

_Noreturn static void run_boot(struct workers_config *config, int fds[])
{
	char err[512];

	if (!boot(config, fds, err, sizeof(err)))
		send_failure(fds[0], err);
	/* Workers die with this process. */
	while (wait(NULL) > 0 || errno == EINTR)
		;
	_exit(0);
}

/* ---- the caller's side ---- */

static bool open_sockets(struct workers *w, int fds[], char *err, size_t err_size)
{
	for (unsigned i = 0; i < w->nr_slots; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
			snprintf(err, err_size, "cannot make a socket: %s", strerror(errno));
			return false;
		}
		w->readers[i].fd = pair[0];
		fds[i] = pair[1];
	}
	return true;
}

struct workers *workers_start(const struct workers_config *config, char *err, size_t err_size)
{
	struct workers *w = calloc(1, sizeof(*w));
	int fds[WORKERS_MAX + 1];

	if (!w) {
		snprintf(err, err_size, "out of memory");
		return NULL;
	}
	w->config = *config;
	w->nr_slots = config->count + config->early;
	for (unsigned i = 0; i <= WORKERS_MAX; i++) {
		w->readers[i].fd = -1;
		fds[i] = -1;
	}
	if (open_sockets(w, fds, err, err_size)) {
		w->boot = fork_child();
		if (!w->boot) {
			for (unsigned i = 0; i < w->nr_slots; i++)
				close(w->readers[i].fd);
			run_boot(&w->config, fds);
		}
		if (w->boot < 0)
			snprintf(err, err_size, "cannot fork: %s", strerror(errno));
	}
	for (unsigned i = 0; i < w->nr_slots; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (w->boot > 0)
		return w;
	workers_stop(w);
	return NULL;
}

void workers_stop(struct workers *w)
{
	if (!w)
		return;
	if (w->boot > 0) {
		kill(w->boot, SIGKILL);
		wait_for(w->boot, NULL);
	}
	for (unsigned i = 0; i < w->nr_slots; i++)
		close_reader(&w->readers[i]);
	free(w);
}

bool workers_give(struct workers *w, unsigned worker, const json_t *request)
{
	return send_line(w->readers[worker].fd, json_incref((json_t *)request));
}

static bool read_message(json_t *json, struct workers_message *message)
{
	static const char *const types[] = { "booting", "ready",      "result",
					     "path",	"batch-done", "failed" };
	const char *type = json_string_value(json_object_get(json, "type"));
	const char *text = json_string_value(json_object_get(json, "text"));
	const char *release = json_string_value(json_object_get(json, "release"));

	for (unsigned i = 0; type && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(type, types[i]))
			continue;
		message->type = (enum workers_message_type)i;
		message->insns = (uint64_t)json_integer_value(json_object_get(json, "insns"));
		message->json = i == WORKERS_RESULT || i == WORKERS_PATH ? json_incref(json) : NULL;
		snprintf(message->text, sizeof(message->text), "%s",
			 text	 ? text :
			 release ? release :
				   "");
		return true;
	}
	return false;
}

/* Takes a whole line that has come already. */
static bool take_message(struct workers *w, struct workers_message *message)
{
	for (unsigned i = 0; i < w->nr_slots; i++) {
		char *line = take_line(&w->readers[i]);
		json_t *json;
		bool good;

		if (!line)
			continue;
		json = json_loads(line, 0, NULL);
		free(line);
		*message = (struct workers_message){ .worker = i };
		good = read_message(json, message);
		json_decref(json);
		if (good)
			return true;
		message->type = WORKERS_FAILED;
		snprintf(message->text, sizeof(message->text), "a worker speaks nonsense");
		return true;
	}
	return false;
}

/* Reads what has come. Of processes that are gone, first all that they said is handed out. */
static bool read_more(struct workers *w, int timeout_ms)
{
	struct pollfd fds[WORKERS_MAX + 1];

	for (unsigned i = 0; i < w->nr_slots; i++)
		fds[i] = (struct pollfd){ .fd = w->readers[i].fd, .events = POLLIN };
	if (poll(fds, w->nr_slots, timeout_ms) <= 0)
		return false;
	for (unsigned i = 0; i < w->nr_slots; i++) {
		if (fds[i].revents && !fill(&w->readers[i])) {
			close_reader(&w->readers[i]);
			w->gone[i] = true;
		}
	}
	return true;
}

static bool take_end(struct workers *w, struct workers_message *message)
{
	for (unsigned i = 0; i < w->nr_slots; i++) {
		if (!w->gone[i])
			continue;
		w->gone[i] = false;
		*message = (struct workers_message){ .type = WORKERS_ENDED, .worker = i };
		return true;
	}
	return false;
}

static bool any_gone(const struct workers *w)
{
	return memchr(w->gone, true, w->nr_slots);
}

bool workers_next(struct workers *w, int timeout_ms, struct workers_message *message)
{
	while (!take_message(w, message))
		if (!read_more(w, any_gone(w) ? 0 : timeout_ms))
			return take_end(w, message);
	return true;
}
