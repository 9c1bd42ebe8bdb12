/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor, used over its socket as a client would, with a machine that only records requests.
 */
#include <sys/time.h>

static int test_gettimeofday(struct timeval *tv, void *zone);
#define gettimeofday test_gettimeofday
#include "control/monitor.c"
#include "machine/snapshot_file.h"
#include "machine/snapshot_keeper.h"
#undef gettimeofday

#include <fcntl.h>

#include "unit.h"

/* If not 0, the time of the host's clock. */
static time_t wall_seconds;

static int test_gettimeofday(struct timeval *tv, void *zone)
{
	if (!wall_seconds)
		return gettimeofday(tv, zone);
	*tv = (struct timeval){ .tv_sec = wall_seconds };
	return 0;
}

static char directory[] = "/tmp/fwnmi-monitor-XXXXXX";
static char path[64];
static struct monitor *monitor;
static struct machine_client the_client;
static char err[256];

/* ---- the machine ---- */

static bool paused;
static unsigned quits, resets_requested;
static struct injection_request injected;
static const char *refusal;

bool machine_add_client(struct machine *machine, const struct machine_client *client)
{
	the_client = *client;
	return true;
}

bool machine_paused(const struct machine *machine)
{
	return paused;
}

void machine_pause(struct machine *machine, bool pause)
{
	const struct machine_event event = {
		.type = pause ? MACHINE_EVENT_STOP : MACHINE_EVENT_RESUME,
	};

	paused = pause;
	the_client.event(the_client.opaque, &event);
}

void machine_quit(struct machine *machine)
{
	quits++;
}

void machine_request_reset(struct machine *machine)
{
	resets_requested++;
}

static unsigned nr_vcpus;
static enum vcpu_state state_of_cpu_1;
static bool cpu_1_waits;

unsigned machine_nr_vcpus(const struct machine *machine)
{
	return nr_vcpus;
}

enum vcpu_state machine_vcpu_state(const struct machine *machine, unsigned vcpu)
{
	return vcpu ? state_of_cpu_1 : VCPU_RUNNABLE;
}

bool machine_vcpu_waits(const struct machine *machine, unsigned vcpu)
{
	return vcpu && cpu_1_waits;
}

uint64_t machine_insns(const struct machine *machine)
{
	return 42;
}

uint64_t machine_timebase(const struct machine *machine)
{
	return 21;
}

uint64_t machine_vcpu_insns(const struct machine *machine, unsigned vcpu)
{
	return vcpu ? 0 : 1234567890123;
}

struct papr *machine_papr(struct machine *machine)
{
	return NULL;
}

static struct guest_memory memory = { .size = 0x10000 };

const struct guest_memory *machine_memory(const struct machine *machine)
{
	return &memory;
}

bool machine_poison(struct machine *machine, uint64_t address, uint64_t length, bool heal_on_write,
		    char *e, size_t size)
{
	snprintf(e, size, "memory ends");
	return memory_poison(&memory, address, length, heal_on_write);
}

bool machine_heal(struct machine *machine, uint64_t address, uint64_t length, char *e, size_t size)
{
	snprintf(e, size, "memory ends");
	return memory_heal(&memory, address, length);
}

static struct engine_planted planted[4];
static unsigned nr_planted;

bool machine_plant(struct machine *machine, const struct engine_planted *one, char *e, size_t size)
{
	if (nr_planted == ARRAY_SIZE(planted)) {
		snprintf(e, size, "too many");
		return false;
	}
	planted[nr_planted++] = *one;
	return true;
}

/* Only all can be ended. */
void machine_unplant(struct machine *machine, unsigned vcpu, uint64_t first, uint64_t last)
{
	if (vcpu == ENGINE_MAX_VCPUS && !first && last == UINT64_MAX)
		nr_planted = 0;
}

unsigned machine_planted(const struct machine *machine, const struct engine_planted **list)
{
	*list = planted;
	return nr_planted;
}

void papr_fwnmi_state(const struct papr *papr, struct papr_fwnmi_state *state)
{
	*state = (struct papr_fwnmi_state){
		.registered = true,
		.system_reset = 0x1920,
		.machine_check = 0x1990,
		.interlock_held = true,
		.owner = 1,
	};
}

static bool partition_ended;

bool machine_partition_ended(const struct machine *machine)
{
	return partition_ended;
}

const struct papr_fwnmi_end *papr_fwnmi_end(const struct papr *papr)
{
	static const struct papr_fwnmi_end end = {
		.happened = true, .vcpu = 1, .log_length = 2, .log = { 6, 0xa9 }
	};

	return partition_ended ? &end : NULL;
}

static uint8_t queued[16];
static size_t queued_length;
static uint32_t queued_class;
static enum fwnmi_event_source queued_source;

int papr_queue_event(struct papr *papr, enum fwnmi_event_source source, uint32_t event_class,
		     const void *log, size_t length)
{
	if (length > sizeof(queued))
		return FWNMI_ERR_NOSPACE;
	memcpy(queued, log, length);
	queued_length = length;
	queued_class = event_class;
	queued_source = source;
	return 0;
}

bool injector_add(struct injector *injector, const struct injection_request *request, char *e,
		  size_t size)
{
	injected = *request;
	if (refusal)
		snprintf(e, size, "%s", refusal);
	return !refusal;
}

static struct injector_listener the_listener;

void injector_listen(struct injector *injector, const struct injector_listener *listener)
{
	the_listener = *listener;
}

static const struct injection_report *explanation;

const struct injection_report *injector_explains(const struct injector *injector,
						 const struct machine_event *event)
{
	return explanation;
}

/* ---- a client ---- */

struct peer {
	int fd;
	size_t len;
	char buf[1 << 16];
};

static struct peer peers[MONITOR_MAX_CLIENTS + 1];

/* Serves the monitor, as the run loop does between slices. */
static void pump(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct pollfd fds[MONITOR_MAX_CLIENTS + 1];
		unsigned n = the_client.poll_fds(the_client.opaque, fds, MONITOR_MAX_CLIENTS + 1);

		if (poll(fds, n, 0) > 0)
			the_client.ready(the_client.opaque, fds, n);
	}
}

static int connect_to_monitor(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, path);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * Returns the next line from the monitor, NULL if there is none, or "" if it closed the connection.
 */
static const char *line(struct peer *peer)
{
	static char text[1 << 16];
	char *end;
	ssize_t n;

	pump();
	n = recv(peer->fd, peer->buf + peer->len, sizeof(peer->buf) - peer->len, MSG_DONTWAIT);
	if (n > 0)
		peer->len += (size_t)n;
	end = memchr(peer->buf, '\n', peer->len);
	if (!end)
		return n == 0 ? "" : NULL;
	n = end - peer->buf;
	memcpy(text, peer->buf, (size_t)n);
	text[n] = '\0';
	peer->len -= (size_t)n + 1;
	memmove(peer->buf, end + 1, peer->len);
	return text;
}

static void say(struct peer *peer, const char *text)
{
	assert_int_equal(send(peer->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	pump();
}

static const char *ask(struct peer *peer, const char *text)
{
	say(peer, text);
	say(peer, "\n");
	return line(peer);
}

static void assert_answer(struct peer *peer, const char *request, const char *answer)
{
	const char *got = ask(peer, request);

	if (!got || strcmp(got, answer))
		fail_msg("%s was answered by %s, not %s", request, got ? got : "nothing", answer);
}

static void assert_error(struct peer *peer, const char *request, const char *class, const char *why)
{
	const char *got = ask(peer, request);
	char start[64];

	snprintf(start, sizeof(start), "{\"error\":{\"class\":\"%s\"", class);
	if (!got || strncmp(got, start, strlen(start)) || !strstr(got, why))
		fail_msg("%s was answered by %s, not %s: %s", request, got ? got : "nothing", class,
			 why);
}

static struct peer *join(unsigned i)
{
	struct peer *peer = &peers[i];

	peer->len = 0;
	peer->fd = connect_to_monitor();
	assert_true(peer->fd >= 0);
	return peer;
}

static struct peer *join_and_negotiate(unsigned i)
{
	struct peer *peer = join(i);

	assert_non_null(strstr(line(peer), "\"QMP\""));
	assert_answer(peer, "{\"execute\":\"qmp_capabilities\"}", "{\"return\":{}}");
	return peer;
}

static int open_monitor(void **state)
{
	paused = false;
	quits = resets_requested = 0;
	refusal = NULL;
	nr_vcpus = 2;
	state_of_cpu_1 = VCPU_STOPPED;
	cpu_1_waits = false;
	explanation = NULL;
	memset(&injected, 0, sizeof(injected));
	for (unsigned i = 0; i <= MONITOR_MAX_CLIENTS; i++)
		peers[i].fd = -1;
	monitor = monitor_open(path, NULL, NULL, err, sizeof(err));
	return monitor ? 0 : -1;
}

static int close_monitor(void **state)
{
	monitor_close(monitor);
	monitor = NULL;
	for (unsigned i = 0; i <= MONITOR_MAX_CLIENTS; i++) {
		if (peers[i].fd >= 0)
			close(peers[i].fd);
	}
	return 0;
}

/* ---- the socket ---- */

static void the_socket_is_private_and_goes_away(void **state)
{
	struct stat st;

	monitor = monitor_open(path, NULL, NULL, err, sizeof(err));
	assert_non_null(monitor);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	monitor_close(monitor);
	assert_int_equal(stat(path, &st), -1);
}

static void assert_cannot_listen(const char *where, const char *why)
{
	assert_null(monitor_open(where, NULL, NULL, err, sizeof(err)));
	if (!strstr(err, why) || strchr(err, '\n'))
		fail_msg("\"%s\" does not say \"%s\"", err, why);
}

static void a_file_in_the_way_is_left_alone(void **state)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0644);

	assert_true(fd >= 0);
	close(fd);
	assert_cannot_listen(path, "it exists and is not a socket");
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	assert_cannot_listen(directory, "it exists and is not a socket");
}

static void bad_paths_are_refused(void **state)
{
	char longest[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_cannot_listen(longest, "too long");
	assert_cannot_listen("", "empty");
	assert_cannot_listen("/nonexistent/socket", "No such file or directory");
}

static void a_socket_in_use_is_refused(void **state)
{
	struct monitor *first = monitor_open(path, NULL, NULL, err, sizeof(err));

	assert_non_null(first);
	assert_cannot_listen(path, "another program listens there");
	assert_int_equal(access(path, F_OK), 0);
	monitor_close(first);
}

static void a_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(access(path, F_OK), 0);
	monitor = monitor_open(path, NULL, NULL, err, sizeof(err));
	assert_non_null(monitor);
	monitor_close(monitor);
}

static void anothers_socket_at_the_same_path_survives(void **state)
{
	struct monitor *other;

	monitor = monitor_open(path, NULL, NULL, err, sizeof(err));
	assert_non_null(monitor);
	unlink(path);
	other = monitor_open(path, NULL, NULL, err, sizeof(err));
	assert_non_null(other);
	monitor_close(monitor);
	assert_int_equal(access(path, F_OK), 0);
	monitor_close(other);
}

/* ---- the protocol ---- */

static void the_greeting_comes_first_and_negotiation_next(void **state)
{
	struct peer *peer = join(0);

	assert_string_equal(line(peer),
			    "{\"QMP\":{\"version\":{\"qemu\":{\"major\":1,\"minor\":0,"
			    "\"micro\":0},\"package\":\"fwnmi 1.0.0\"},\"capabilities\":[]}}");
	assert_error(peer, "{\"execute\":\"query-status\"}", "CommandNotFound", "qmp_capabilities");
	assert_answer(peer, "{\"execute\":\"qmp_capabilities\",\"id\":{\"a\":1}}",
		      "{\"return\":{},\"id\":{\"a\":1}}");
	assert_error(peer, "{\"execute\":\"qmp_capabilities\"}", "CommandNotFound", "no such");
}

static void queries_answer(void **state)
{
	struct peer *peer = join_and_negotiate(0);
	const char *got;

	assert_answer(peer, "{\"execute\":\"query-status\"}",
		      "{\"return\":{\"running\":true,\"status\":\"running\"}}");
	assert_answer(peer, "{\"execute\":\"query-fwnmi\"}",
		      "{\"return\":{\"registered\":true,\"interlock-held\":true,"
		      "\"delivery\":\"direct\",\"partition-ended\":false,"
		      "\"system-reset\":\"0x1920\",\"machine-check\":\"0x1990\",\"owner\":1}}");
	got = ask(peer, "{\"execute\":\"query-cpus-fast\"}");
	assert_non_null(strstr(got, "\"cpu-index\":0"));
	assert_non_null(strstr(got, "\"instructions\":1234567890123"));
	assert_non_null(strstr(got, "\"cpu-index\":1"));
	assert_non_null(strstr(got, "\"state\":\"stopped\""));
	assert_non_null(strstr(ask(peer, "{\"execute\":\"query-commands\"}"),
			       "{\"name\":\"inject-machine-check\"}"));
	assert_non_null(strstr(ask(peer, "{\"execute\":\"query-version\"}"), "\"major\":1"));
}

static void an_ended_partition_keeps_its_log_and_does_not_go_on(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	partition_ended = true;
	assert_non_null(strstr(ask(peer, "{\"execute\":\"query-fwnmi\"}"),
			       "\"last-end\":{\"cpu-index\":1,\"reason\":"
			       "\"nested-machine-check\",\"log\":\"06a9\"}"));
	assert_error(peer, "{\"execute\":\"cont\"}", "GenericError", "has ended");
	partition_ended = false;
}

static void steering_commands_steer(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	assert_non_null(strstr(ask(peer, "{\"execute\":\"stop\"}"), "\"event\":\"STOP\""));
	assert_string_equal(line(peer), "{\"return\":{}}");
	assert_true(paused);
	assert_answer(peer, "{\"execute\":\"query-status\"}",
		      "{\"return\":{\"running\":false,\"status\":\"paused\"}}");
	assert_non_null(strstr(ask(peer, "{\"execute\":\"cont\"}"), "\"event\":\"RESUME\""));
	assert_string_equal(line(peer), "{\"return\":{}}");
	assert_false(paused);
	assert_answer(peer, "{\"execute\":\"system_reset\"}", "{\"return\":{}}");
	assert_int_equal(resets_requested, 1);
	assert_answer(peer, "{\"execute\":\"quit\"}", "{\"return\":{}}");
	assert_int_equal(quits, 1);
}

static void malformed_requests_are_answered_and_survived(void **state)
{
	static const char *const bad[] = {
		"}",
		"nonsense",
		"[]",
		"17",
		"\"execute\"",
		"{}",
		"{\"execute\":1}",
		"{\"execute\":\"stop\",\"arguments\":[]}",
		"{\"execute\":\"stop\",\"more\":1}",
		"{\"execute\":\"stop\",\"execute\":\"cont\"}",
		"{\"execute\":\"stop\"]",
		"{\"execute\":\"stop",
		"{\"execute\":\"a\tb\"}",
		"{[[}]]",
		"17 {\"execute\":\"stop\"}",
		"{\"execute\":\"stop\",\"arguments\":{\"a\":1}}",
		"\xff\xfe",
	};
	struct peer *peer = join_and_negotiate(0);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_error(peer, bad[i], "GenericError", "");
		assert_null(line(peer));
	}
	assert_false(paused);
	assert_error(peer, "{\"execute\":\"frobnicate\",\"id\":5}", "CommandNotFound", "\"id\":5");
	assert_null(ask(peer, ""));
	assert_answer(peer, "{\"execute\":\"system_reset\"}", "{\"return\":{}}");
}

static void a_request_may_be_spread_over_lines(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	assert_answer(
		peer,
		"\r\n{\r\n\t\"execute\":\r\n\"system_reset\",\n\"id\": [ { } ,\n \"}\\\"]\" ]\n}\n",
		"{\"return\":{},\"id\":[{},\"}\\\"]\"]}");
	assert_null(line(peer));
	assert_int_equal(resets_requested, 1);
}

/* A line feed after it is not needed. */
static void two_requests_may_be_on_one_line(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	say(peer, "{\"execute\":\"system_reset\",\"id\":1}{\"execute\":\"quit\",\"id\":2} "
		  "{\"execute\":\"system_reset\",\"id\":3}");
	assert_string_equal(line(peer), "{\"return\":{},\"id\":1}");
	assert_string_equal(line(peer), "{\"return\":{},\"id\":2}");
	assert_string_equal(line(peer), "{\"return\":{},\"id\":3}");
	assert_null(line(peer));
	assert_int_equal(resets_requested, 2);
	assert_int_equal(quits, 1);
}

static void a_request_that_ends_too_early_is_answered(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	say(peer, "{\"execute\":");
	shutdown(peer->fd, SHUT_WR);
	assert_non_null(strstr(line(peer), "the request is not complete"));
	assert_string_equal(line(peer), "");
}

static void only_capabilities_that_exist_can_be_enabled(void **state)
{
	struct peer *peer = join(0);

	assert_non_null(strstr(line(peer), "\"capabilities\":[]"));
	assert_error(peer,
		     "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}",
		     "GenericError", "no capabilities");
	assert_error(peer, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":\"oob\"}}",
		     "GenericError", "array");
	assert_error(peer, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"able\":[]}}",
		     "GenericError", "no argument but 'enable'");
	assert_error(peer, "{\"execute\":\"query-status\"}", "CommandNotFound", "qmp_capabilities");
	assert_answer(peer, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]}}",
		      "{\"return\":{}}");
}

/* The error's text is shorter than the name and must be truncated between two characters. */
static void a_name_of_any_length_and_alphabet_is_answered(void **state)
{
	static const char *const characters[] = { "a", "\u00fc", "\u20ac", "\U0001f600" };
	struct peer *peer = join_and_negotiate(0);

	for (size_t c = 0; c < ARRAY_SIZE(characters); c++) {
		for (unsigned length = 50; length < 300; length++) {
			char name[1300] = "", request[1500];

			for (unsigned i = 0; i < length; i++)
				strcat(name, characters[c]);
			snprintf(request, sizeof(request),
				 "{\"execute\":\"inject-nmi\",\"arguments\":{\"%s\":1}}", name);
			assert_error(peer, request, "GenericError", "unknown argument ");
			snprintf(request, sizeof(request),
				 "{\"execute\":\"inject-machine-check\","
				 "\"arguments\":{\"type\":\"%s\"}}",
				 name);
			assert_error(peer, request, "GenericError", "there is no type ");
		}
	}
}

static void the_time_of_an_event_is_never_before_an_earlier_ones(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	wall_seconds = 1000;
	say(peer, "{\"execute\":\"stop\"}");
	assert_non_null(strstr(line(peer), "\"timestamp\":{\"seconds\":1000,"));
	assert_string_equal(line(peer), "{\"return\":{}}");
	wall_seconds = 900;
	say(peer, "{\"execute\":\"cont\"}");
	wall_seconds = 0;
	assert_non_null(strstr(line(peer), "\"timestamp\":{\"seconds\":1000,"));
}

static void requests_may_come_in_pieces_or_together(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	say(peer, "{\"execute\":");
	assert_null(line(peer));
	say(peer, "\"system_reset\"}\n{\"execute\":\"system_reset\"}\n{\"exec");
	assert_string_equal(line(peer), "{\"return\":{}}");
	assert_string_equal(line(peer), "{\"return\":{}}");
	assert_null(line(peer));
	assert_answer(peer, "ute\":\"system_reset\"}", "{\"return\":{}}");
	assert_int_equal(resets_requested, 3);
}

static void a_request_without_end_ends_the_connection(void **state)
{
	struct peer *peer = join_and_negotiate(0);
	static char half[MONITOR_MAX_REQUEST / 2];

	memset(half, '[', sizeof(half));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(send(peer->fd, half, sizeof(half), MSG_NOSIGNAL), sizeof(half));
		pump();
	}
	assert_non_null(strstr(line(peer), "too long"));
	assert_string_equal(line(peer), "");
	/* ... but not those of other clients. */
	join_and_negotiate(1);
}

static void there_is_a_limit_to_clients(void **state)
{
	for (unsigned i = 0; i < MONITOR_MAX_CLIENTS; i++)
		join_and_negotiate(i);
	join(MONITOR_MAX_CLIENTS);
	assert_non_null(strstr(line(&peers[MONITOR_MAX_CLIENTS]), "too many monitor clients"));
	assert_string_equal(line(&peers[MONITOR_MAX_CLIENTS]), "");
	close(peers[MONITOR_MAX_CLIENTS].fd);
	close(peers[3].fd);
	peers[MONITOR_MAX_CLIENTS].fd = peers[3].fd = -1;
	pump();
	join_and_negotiate(3);
}

static void a_client_that_only_sends_gets_its_answers(void **state)
{
	struct peer *peer = join(0);

	say(peer, "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"system_reset\"}\n");
	shutdown(peer->fd, SHUT_WR);
	assert_non_null(strstr(line(peer), "QMP"));
	assert_string_equal(line(peer), "{\"return\":{}}");
	assert_string_equal(line(peer), "{\"return\":{}}");
	assert_string_equal(line(peer), "");
	assert_int_equal(resets_requested, 1);
}

/* ---- events ---- */

static void emit(const struct machine_event *event)
{
	the_client.event(the_client.opaque, event);
}

static void events_go_to_those_who_have_negotiated(void **state)
{
	const struct papr_event registered = {
		.type = PAPR_EVENT_FWNMI_REGISTERED,
		.registered = { .system_reset = 0x1920, .machine_check = 0x1990 },
	};
	const struct machine_event event = {
		.type = MACHINE_EVENT_PAPR,
		.papr = &registered,
	};
	struct peer *one = join_and_negotiate(0), *two = join(1);
	const char *got;

	assert_non_null(strstr(line(two), "QMP"));
	emit(&event);
	got = line(one);
	assert_non_null(got);
	assert_non_null(strstr(got, "{\"event\":\"FWNMI_REGISTERED\",\"data\":{\"cpu-index\":0,"
				    "\"system-reset\":\"0x1920\",\"machine-check\":\"0x1990\","
				    "\"instructions\":42,\"timebase\":21},\"timestamp\":{"));
	assert_null(line(two));
}

static void the_end_of_a_partition_has_its_reason(void **state)
{
	struct papr_outcome ended = { .result = PAPR_ENDED };
	const struct machine_event event = { .type = MACHINE_EVENT_FWNMI,
					     .vcpu = 1,
					     .outcome = &ended };
	struct peer *peer = join_and_negotiate(0);

	ended.end_reason = FWNMI_END_STALE_HANDLER;
	emit(&event);
	assert_non_null(strstr(line(peer), "\"reason\":\"stale-handler\""));
	ended.end_reason = FWNMI_END_NESTED_MACHINE_CHECK;
	emit(&event);
	assert_non_null(strstr(line(peer), "\"reason\":\"nested-machine-check\""));
}

/* Each final outcome has one name; intermediate ones have none. */
static void every_outcome_that_a_client_is_told_has_its_event(void **state)
{
	static const struct {
		struct papr_outcome outcome;
		const char *event; /* NULL: not reported */
	} told[] = {
		{ { .result = PAPR_ROUTINE, .vector = 0x100, .regs = { .gpr = { [3] = 0x40 } } },
		  "\"FWNMI_DELIVERED\",\"data\":{\"cpu-index\":1,\"vector\":\"0x100\",\"r3\":\"0x40\"" },
		{ { .result = PAPR_VECTOR, .vector = 0x200 },
		  "\"FWNMI_NOT_REGISTERED\",\"data\":{\"cpu-index\":1,\"vector\":\"0x200\"" },
		{ { .result = PAPR_VECTOR, .vector = 0x200, .stale = true },
		  "\"FWNMI_STALE_HANDLER\",\"data\":{\"cpu-index\":1,\"vector\":\"0x200\"" },
		{ { .result = PAPR_DROPPED }, "\"FWNMI_DROPPED\"" },
		{ { .result = PAPR_WAITING }, "\"FWNMI_WAITING\"" },
		{ { .result = PAPR_UNSAFE }, "\"FWNMI_CPU_STOPPED\"" },
		{ { .result = PAPR_RAISED }, NULL },
		{ { .result = PAPR_REFUSED }, NULL },
	};
	struct peer *peer = join_and_negotiate(0);

	for (unsigned i = 0; i < ARRAY_SIZE(told); i++) {
		const struct machine_event event = { .type = MACHINE_EVENT_FWNMI,
						     .vcpu = 1,
						     .outcome = &told[i].outcome };
		const char *got;

		emit(&event);
		got = line(peer);
		if (told[i].event)
			assert_non_null(strstr(got, told[i].event));
		else
			assert_null(got);
	}
}

static void a_delivery_names_the_injection(void **state)
{
	const struct papr_event interlock = { .type = PAPR_EVENT_FWNMI_INTERLOCK, .cpu = 1 };
	const struct injection_report report = {
		.id = 3,
		.vcpu = 1,
		.stage = INJECTION_INTERLOCKED,
		.registered = true,
		.interlocked = true,
		.nip = 0xc000000000001234,
		.msr = 0x8000000000001033,
		.handler = 0x1990,
		.r3 = 0x2fff0030,
		.interlock_insns = 1000,
		.interlock_ticks = 512,
		.interlock_host_ns = 2500,
	};
	const struct machine_event event = {
		.type = MACHINE_EVENT_PAPR,
		.papr = &interlock,
	};
	struct peer *peer = join_and_negotiate(0);
	const char *got;

	explanation = &report;
	emit(&event);
	got = line(peer);
	assert_non_null(strstr(got, "\"event\":\"FWNMI_INTERLOCK\""));
	assert_non_null(strstr(got, "\"id\":3"));
	assert_non_null(strstr(got, "\"nip\":\"0xc000000000001234\""));
	assert_non_null(strstr(got, "\"context\":\"kernel\""));
	assert_non_null(strstr(got, "\"interlock\":{\"instructions\":1000,\"guest-us\":1.0,"
				    "\"host-us\":2.5}"));
	assert_null(strstr(got, "\"returned\""));
}

static const char *reported(struct peer *peer, const struct injection_report *report)
{
	the_listener.ended(the_listener.opaque, report);
	return line(peer);
}

static void a_report_says_what_the_guest_was_given(void **state)
{
	struct injection_report report = {
		.stage = INJECTION_FINISHED,
		.registered = true,
		.msr = 0x8000000000001031, /* MSR[RI]=0 */
		.handler = 0x1990,
		.log = { .valid = true,
			 .severity = FWNMI_SEVERITY_ERROR,
			 .has_mc = true,
			 .mc = { .error_type = FWNMI_MC_UE,
				 .error_subtype = FWNMI_UE_IFETCH,
				 .transient = true,
				 .logical_address_valid = true,
				 .logical_address = 0x4000 } },
	};
	struct peer *peer = join_and_negotiate(0);
	const char *got = reported(peer, &report);

	assert_non_null(strstr(got, "\"recoverable\":false"));
	assert_non_null(strstr(got, "\"log\":{\"severity\":\"error\",\"disposition\":"
				    "\"fully-recovered\",\"initiator\":\"unknown\",\"type\":"
				    "\"UE\",\"subtype\":\"ifetch\",\"transient\":true,"
				    "\"logical-address\":\"0x4000\",\"already-reported\":false}"));
	report.log = (struct injection_log){ .valid = true,
					     .severity = FWNMI_SEVERITY_ALREADY_REPORTED,
					     .disposition = FWNMI_DISPOSITION_NOT_RECOVERED };
	got = reported(peer, &report);
	assert_non_null(strstr(got, "\"log\":{\"severity\":\"already-reported\",\"disposition\":"
				    "\"not-recovered\",\"initiator\":\"unknown\","
				    "\"already-reported\":true}"));
}

static void a_report_of_an_unregistered_guest_has_the_registers_cause(void **state)
{
	struct injection_report report = {
		.stage = INJECTION_DELIVERED,
		.msr = 0x8000000000001033,
		.handler = 0x200,
		.no_handler = INJECTION_BYTE_ORDER,
		.srr1 = 0x100000,
		.error_type = FWNMI_MC_SLB,
		.error_subtype = FWNMI_SLB_MULTIHIT,
	};
	struct peer *peer = join_and_negotiate(0);
	const char *got = reported(peer, &report);

	assert_non_null(strstr(got, "\"recoverable\":true"));
	assert_non_null(strstr(got, "\"no-handler\":\"byte-order\",\"cause\":{\"srr1\":"
				    "\"0x100000\",\"dsisr\":\"0x0\",\"dar\":\"0x0\","
				    "\"type\":\"SLB\",\"subtype\":\"multihit\"}"));
	report.no_handler = INJECTION_VECTOR_EMPTY;
	assert_non_null(strstr(reported(peer, &report), "\"no-handler\":\"empty-vector\""));
	report.system_reset = true;
	assert_null(strstr(reported(peer, &report), "\"cause\""));
}

static void a_panic_with_odd_bytes_is_still_an_event(void **state)
{
	const struct papr_event panic = { .type = PAPR_EVENT_PANIC, .text = "bad \xff bytes" };
	const struct machine_event event = { .type = MACHINE_EVENT_PAPR, .papr = &panic };
	struct peer *peer = join_and_negotiate(0);
	const char *got;

	emit(&event);
	got = line(peer);
	assert_non_null(got);
	assert_non_null(strstr(got, "GUEST_PANICKED"));
	assert_non_null(strstr(got, "\"text\":\"bad ? bytes\""));
}

static void a_client_that_does_not_read_is_dropped(void **state)
{
	const struct machine_event event = { .type = MACHINE_EVENT_STOP };
	struct peer *lazy = join_and_negotiate(0), *other = join_and_negotiate(1);
	unsigned i;

	for (i = 0; i < 100000 && monitor->clients[0].fd >= 0; i++) {
		emit(&event);
		assert_non_null(line(other));
	}
	assert_int_equal(monitor->clients[0].fd, -1);
	assert_true(monitor->clients[1].fd >= 0);
	close(lazy->fd);
	lazy->fd = -1;
	assert_answer(other, "{\"execute\":\"system_reset\"}", "{\"return\":{}}");
}

static void a_client_that_dies_is_forgotten(void **state)
{
	const struct machine_event event = { .type = MACHINE_EVENT_STOP };
	struct peer *peer = join_and_negotiate(0);

	close(peer->fd);
	peer->fd = -1;
	emit(&event);
	emit(&event);
	pump();
	assert_int_equal(monitor->clients[0].fd, -1);
}

static void the_last_events_arrive_before_the_end(void **state)
{
	const struct machine_event event = {
		.type = MACHINE_EVENT_SHUTDOWN,
		.end = MACHINE_CRASHED,
		.why = "it hurt",
	};
	struct peer *peer = join_and_negotiate(0);
	char buf[1000];
	ssize_t n;

	emit(&event);
	monitor_close(monitor);
	monitor = NULL;
	n = recv(peer->fd, buf, sizeof(buf) - 1, 0);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_non_null(strstr(buf, "\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true,"
				    "\"reason\":\"guest-panic\",\"text\":\"it hurt\""));
}

/* ---- injections ---- */

static void an_injection_without_arguments_is_a_recovered_slb_multihit(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	assert_answer(peer, "{\"execute\":\"inject-machine-check\"}", "{\"return\":{\"id\":1}}");
	assert_false(injected.system_reset);
	assert_int_equal(injected.vcpu, 0);
	assert_int_equal(injected.trigger.context, INJECT_ANY);
	assert_int_equal(injected.timeout_ms, 10000);
	assert_int_equal(injected.mc.error_type, FWNMI_MC_SLB);
	assert_int_equal(injected.mc.error_subtype, FWNMI_SLB_MULTIHIT);
	assert_int_equal(injected.mc.severity, FWNMI_SEVERITY_ERROR_SYNC);
	assert_int_equal(injected.mc.disposition, FWNMI_DISPOSITION_FULLY_RECOVERED);
	assert_int_equal(injected.mc.initiator, FWNMI_INITIATOR_CPU);
	assert_true(injected.effective_address_is_nip);
	assert_false(injected.mc.transient);
}

/* Like QEMU's inject-nmi, which has no arguments. */
static void a_system_reset_without_a_cpu_is_the_partitions(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	state_of_cpu_1 = VCPU_CEDED;
	assert_answer(peer, "{\"execute\":\"inject-nmi\"}",
		      "{\"return\":{\"ids\":[{\"cpu-index\":0,\"id\":1},"
		      "{\"cpu-index\":1,\"id\":2}],\"refused\":[]}}");
	assert_true(injected.system_reset);
	assert_int_equal(injected.vcpu, 1);
	assert_answer(peer, "{\"execute\":\"inject-nmi\",\"arguments\":{\"cpu-index\":0}}",
		      "{\"return\":{\"id\":3}}");
	assert_int_equal(injected.vcpu, 0);
	nr_vcpus = 1;
	assert_answer(peer, "{\"execute\":\"inject-nmi\"}", "{\"return\":{\"id\":4}}");
}

static void every_argument_is_used(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	assert_answer(peer,
		      "{\"execute\":\"inject-machine-check\",\"arguments\":{\"type\":\"ue\","
		      "\"subtype\":\"ifetch\",\"severity\":\"fatal\",\"initiator\":\"memory\","
		      "\"effective-address\":\"0xc000000000001000\",\"logical-address\":4096,"
		      "\"transient\":false,\"cpu-index\":1,\"context\":\"user\",\"timeout\":3}}",
		      "{\"return\":{\"id\":1}}");
	assert_int_equal(injected.vcpu, 1);
	assert_int_equal(injected.trigger.context, INJECT_USER);
	assert_int_equal(injected.timeout_ms, 3000);
	assert_int_equal(injected.mc.error_type, FWNMI_MC_UE);
	assert_int_equal(injected.mc.error_subtype, FWNMI_UE_IFETCH);
	assert_int_equal(injected.mc.severity, FWNMI_SEVERITY_FATAL);
	/* fatal contradicts recovered */
	assert_int_equal(injected.mc.disposition, FWNMI_DISPOSITION_NOT_RECOVERED);
	assert_int_equal(injected.mc.initiator, FWNMI_INITIATOR_MEMORY);
	assert_true(injected.mc.effective_address_valid);
	assert_int_equal(injected.mc.effective_address, 0xc000000000001000);
	assert_true(injected.mc.logical_address_valid);
	assert_int_equal(injected.mc.logical_address, 4096);
	assert_false(injected.mc.transient);
	assert_false(injected.effective_address_is_nip);
}

static void contradictions_are_refused(void **state)
{
	static const struct {
		const char *arguments, *why;
	} bad[] = {
		{ "\"now\":true,\"context\":\"user\"", "now contradicts context" },
		{ "\"type\":\"slb\",\"logical-address\":1", "only a UE" },
		{ "\"type\":\"slb\",\"subtype\":\"ifetch\"", "type SLB has no subtype ifetch" },
		{ "\"type\":\"dcache\",\"subtype\":\"parity\"", "which has none" },
		{ "\"type\":\"icache\",\"effective-address\":1", "which reports none" },
		{ "\"transient\":true", "only a UE" },
		{ "\"severity\":\"fatal\",\"disposition\":\"fully-recovered\"",
		  "contradicts severity" },
		{ "\"type\":\"frob\"", "there is no type frob" },
		{ "\"type\":5", "not a name" },
		{ "\"effective-address\":\"zero\"", "not an address" },
		{ "\"effective-address\":\"0x10000000000000000\"", "not an address" },
		{ "\"effective-address\":-1", "not an address" },
		{ "\"effective-address\":\" 1\"", "not an address" },
		{ "\"cpu-index\":-1", "bad cpu-index" },
		{ "\"cpu-index\":\"0\"", "bad cpu-index" },
		{ "\"context\":\"nowhere\"", "bad context" },
		{ "\"context\":1", "bad context" },
		{ "\"now\":1", "not true or false" },
		{ "\"timeout\":0", "bad timeout" },
		{ "\"timeout\":3601", "bad timeout" },
		{ "\"frob\":1", "unknown argument frob" },
		{ "\"cpus\":\"some\"", "not all or others" },
		{ "\"cpus\":\"all\",\"cpu-index\":1", "contradicts cpus all" },
		{ "\"unsafe\":1", "not true or false" },
	};
	struct peer *peer = join_and_negotiate(0);
	char request[300];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(request, sizeof(request),
			 "{\"execute\":\"inject-machine-check\",\"arguments\":{%s}}",
			 bad[i].arguments);
		assert_error(peer, request, "GenericError", bad[i].why);
	}
	assert_error(peer, "{\"execute\":\"inject-nmi\",\"arguments\":{\"type\":\"slb\"}}",
		     "GenericError", "not for a system reset");
	assert_int_equal(injected.id, 0);
}

static void the_machines_refusal_is_passed_on(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	refusal = "no CPU 5: the machine has 2";
	assert_error(peer, "{\"execute\":\"inject-nmi\",\"arguments\":{\"cpu-index\":5}}",
		     "GenericError", refusal);
}

static void an_injection_can_be_for_all_cpus_or_all_others(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	/* CPU 1 is stopped. */
	assert_answer(peer, "{\"execute\":\"inject-nmi\",\"arguments\":{\"cpus\":\"all\"}}",
		      "{\"return\":{\"ids\":[{\"cpu-index\":0,\"id\":1}],\"refused\":[]}}");
	assert_int_equal(injected.vcpu, 0);
	assert_answer(peer,
		      "{\"execute\":\"inject-machine-check\","
		      "\"arguments\":{\"cpus\":\"others\",\"cpu-index\":1}}",
		      "{\"return\":{\"ids\":[{\"cpu-index\":0,\"id\":2}],\"refused\":[]}}");
	assert_error(peer,
		     "{\"execute\":\"inject-nmi\",\"arguments\":{\"cpus\":\"others\","
		     "\"cpu-index\":0}}",
		     "GenericError", "no such CPU is running");
	refusal = "CPU 0 already has an injection pending";
	assert_error(peer, "{\"execute\":\"inject-nmi\",\"arguments\":{\"cpus\":\"all\"}}",
		     "GenericError", refusal);
	refusal = NULL;
}

static void a_processor_can_be_called_unsafe(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	assert_answer(peer,
		      "{\"execute\":\"inject-machine-check\",\"arguments\":{\"unsafe\":true}}",
		      "{\"return\":{\"id\":1}}");
	assert_true(injected.mc.unsafe_processor);
}

static void a_log_can_be_queued_for_the_guest_to_fetch(void **state)
{
	struct peer *peer = join_and_negotiate(0);

	assert_answer(peer, "{\"execute\":\"queue-event\",\"arguments\":{\"log\":\"06A9f0\"}}",
		      "{\"return\":{}}");
	assert_int_equal(queued_length, 3);
	assert_memory_equal(queued, "\x06\xa9\xf0", 3);
	assert_int_equal(queued_source, FWNMI_EVENT_SCAN);
	assert_int_equal(queued_class, FWNMI_CLASS_INTERNAL_ERRORS);
	assert_answer(peer,
		      "{\"execute\":\"queue-event\",\"arguments\":{\"log\":\"\","
		      "\"class\":\"epow\",\"call\":\"check-exception\"}}",
		      "{\"return\":{}}");
	assert_int_equal(queued_length, 0);
	assert_int_equal(queued_source, FWNMI_CHECK_EXCEPTION);
	assert_int_equal(queued_class, FWNMI_CLASS_EPOW);
	assert_error(peer, "{\"execute\":\"queue-event\"}", "GenericError", "no arguments");
	assert_error(peer, "{\"execute\":\"queue-event\",\"arguments\":{\"log\":\"0\"}}",
		     "GenericError", "bad log");
	assert_error(peer, "{\"execute\":\"queue-event\",\"arguments\":{\"log\":\"0g\"}}",
		     "GenericError", "bad log");
	assert_error(peer,
		     "{\"execute\":\"queue-event\",\"arguments\":{\"log\":\"00\","
		     "\"class\":\"frob\"}}",
		     "GenericError", "bad class: there is no frob");
	assert_error(peer,
		     "{\"execute\":\"queue-event\",\"arguments\":{\"log\":"
		     "\"0000000000000000000000000000000000\"}}",
		     "GenericError", "cannot queue the log");
}

static void memory_can_be_poisoned_and_healed(void **state)
{
	static const struct {
		const char *request, *why;
	} bad[] = {
		{ "{\"execute\":\"poison-memory\"}", "no address given" },
		{ "{\"execute\":\"poison-memory\",\"arguments\":{\"address\":-1}}",
		  "not an address" },
		{ "{\"execute\":\"poison-memory\",\"arguments\":{\"address\":0,\"cpu-index\":1}}",
		  "cpu-index is not for memory" },
		{ "{\"execute\":\"poison-memory\",\"arguments\":{\"address\":0,"
		  "\"heal-on-write\":1}}",
		  "not true or false" },
		{ "{\"execute\":\"heal-memory\",\"arguments\":{\"address\":0,"
		  "\"heal-on-write\":true}}",
		  "heal-on-write is for poison" },
		{ "{\"execute\":\"poison-memory\",\"arguments\":{\"address\":65536}}",
		  "memory ends" },
	};
	struct peer *peer = join_and_negotiate(0);

	assert_answer(peer,
		      "{\"execute\":\"poison-memory\",\"arguments\":{\"address\":\"0x1001\"}}",
		      "{\"return\":[{\"address\":\"0x1000\",\"length\":128,"
		      "\"heal-on-write\":false}]}");
	assert_answer(peer,
		      "{\"execute\":\"poison-memory\",\"arguments\":{\"address\":\"0x10\","
		      "\"length\":8,\"heal-on-write\":true}}",
		      "{\"return\":[{\"address\":\"0x10\",\"length\":8,\"heal-on-write\":true},"
		      "{\"address\":\"0x1000\",\"length\":128,\"heal-on-write\":false}]}");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_error(peer, bad[i].request, "GenericError", bad[i].why);
	assert_answer(peer, "{\"execute\":\"heal-memory\",\"arguments\":{\"address\":4096}}",
		      "{\"return\":[{\"address\":\"0x10\",\"length\":8,\"heal-on-write\":true}]}");
	assert_answer(peer,
		      "{\"execute\":\"heal-memory\",\"arguments\":{\"address\":0,"
		      "\"length\":\"0x10000\"}}",
		      "{\"return\":[]}");
	assert_answer(peer, "{\"execute\":\"query-poisoned-memory\"}", "{\"return\":[]}");
}

#define PLANT(args) "{\"execute\":\"plant-error\",\"arguments\":{" args "}}"
#define CLEAR(args) "{\"execute\":\"clear-error\",\"arguments\":{" args "}}"
#define AT_0	    "\"effective-address\":0,"

static void errors_can_be_planted_and_cleared(void **state)
{
	static const struct {
		const char *request, *why;
	} bad[] = {
		{ PLANT(""), "no effective-address given" },
		{ PLANT("\"effective-address\":-1"), "not an address" },
		{ PLANT(AT_0 "\"cpu-index\":9"), "no CPU 9: the machine has 2" },
		{ PLANT(AT_0 "\"type\":\"UE\""),
		  "cannot plant a UE error: only SLB, TLB and ERAT" },
		{ PLANT(AT_0 "\"subtype\":\"indeterminate\""), "only multihit and parity" },
		{ PLANT(AT_0 "\"disposition\":\"limited-recovery\""), "bad disposition" },
		{ PLANT(AT_0 "\"length\":0"), "bad length" },
		{ PLANT(AT_0 "\"length\":\"0x4000000000000001\""), "crosses a quadrant" },
		{ PLANT("\"effective-address\":\"0xc000000000000000\",\"pid\":3"),
		  "it is the kernel's" },
		{ PLANT(AT_0 "\"now\":true"), "now is not for planting planted errors" },
		{ CLEAR("\"type\":\"TLB\""), "type is not for clearing planted errors" },
		{ CLEAR("\"length\":4096"), "length needs an effective-address" },
	};
	struct peer *peer = join_and_negotiate(0);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_error(peer, bad[i].request, "GenericError", bad[i].why);
	assert_answer(peer, PLANT("\"effective-address\":\"0x10001234\""),
		      "{\"return\":[{\"cpu-index\":0,\"type\":\"TLB\",\"subtype\":\"multihit\","
		      "\"effective-address\":\"0x10001000\",\"length\":4096,"
		      "\"disposition\":\"fully-recovered\"}]}");
	assert_answer(peer, CLEAR("\"cpu-index\":1"),
		      "{\"return\":[{\"cpu-index\":0,\"type\":\"TLB\",\"subtype\":\"multihit\","
		      "\"effective-address\":\"0x10001000\",\"length\":4096,"
		      "\"disposition\":\"fully-recovered\"}]}");
	assert_answer(peer, CLEAR(""), "{\"return\":[]}");
	assert_answer(peer,
		      PLANT("\"effective-address\":8192,\"length\":4097,\"cpu-index\":1,"
			    "\"type\":\"ERAT\",\"subtype\":\"parity\",\"pid\":3,"
			    "\"disposition\":\"not-recovered\""),
		      "{\"return\":[{\"cpu-index\":1,\"type\":\"ERAT\",\"subtype\":\"parity\","
		      "\"effective-address\":\"0x2000\",\"length\":8192,"
		      "\"disposition\":\"not-recovered\",\"pid\":3}]}");
	assert_answer(peer, CLEAR(""), "{\"return\":[]}");
	assert_answer(peer,
		      PLANT(AT_0
			    "\"type\":\"SLB\",\"subtype\":\"parity\",\"length\":\"0x10000000\""),
		      "{\"return\":[{\"cpu-index\":0,\"type\":\"SLB\",\"subtype\":\"parity\","
		      "\"effective-address\":\"0x0\",\"length\":268435456,"
		      "\"disposition\":\"fully-recovered\"}]}");
	assert_int_equal(planted[0].where, ENGINE_SLB);
	assert_answer(peer, CLEAR(""), "{\"return\":[]}");
	assert_answer(peer, "{\"execute\":\"query-planted-errors\"}", "{\"return\":[]}");
}

static struct snapshot_keeper *const keeper = (struct snapshot_keeper *)&memory;
static bool cancelled;

int64_t snapshot_keeper_save(struct snapshot_keeper *k, unsigned dir, const char *name,
			     struct machine *machine, char *e, size_t err_size)
{
	assert_ptr_equal(k, keeper);
	assert_int_equal(dir, 3);
	snprintf(e, err_size, "cannot save %s: no space", name);
	return strcmp(name, "good") ? -1 : 12345;
}

struct snapshot_file *snapshot_keeper_open(struct snapshot_keeper *k, unsigned dir,
					   const char *name, char *e, size_t err_size)
{
	assert_ptr_equal(k, keeper);
	assert_int_equal(dir, 3);
	snprintf(e, err_size, "cannot load %s: it is damaged", name);
	return strcmp(name, "bad") ? (struct snapshot_file *)(uintptr_t)name : NULL;
}

bool snapshot_file_load(struct snapshot_file *file, struct machine *machine, char *e,
			size_t err_size)
{
	snprintf(e, err_size, "another number of vCPUs");
	return !strcmp((const char *)file, "good");
}

void snapshot_file_close(struct snapshot_file *file)
{
}

void injector_cancel(struct injector *injector, const char *reason)
{
	cancelled = true;
}

static void snapshots_are_saved_and_loaded_in_the_directory_for_them(void **state)
{
	static const char save[] =
		"{\"execute\":\"snapshot-save\",\"arguments\":{\"file\":\"%s\"}}";
	static const char load[] =
		"{\"execute\":\"snapshot-load\",\"arguments\":{\"file\":\"%s\"}}";
	struct peer *peer = join_and_negotiate(0);
	char request[200];

	snprintf(request, sizeof(request), save, "good");
	assert_error(peer, request, "GenericError", "--snapshot-dir");
	monitor_keep_snapshots(monitor, keeper, 3);
	assert_answer(peer, request, "{\"return\":{\"instructions\":42,\"size\":12345}}");
	snprintf(request, sizeof(request), save, "bad");
	assert_error(peer, request, "GenericError", "no space");
	assert_error(peer, "{\"execute\":\"snapshot-save\",\"arguments\":{\"name\":1}}",
		     "GenericError", "must be file");
	snprintf(request, sizeof(request), load, "bad");
	assert_error(peer, request, "GenericError", "damaged");
	assert_false(cancelled);
	snprintf(request, sizeof(request), load, "other");
	assert_error(peer, request, "GenericError", "number of vCPUs");
	snprintf(request, sizeof(request), load, "good");
	assert_answer(peer, request, "{\"return\":{\"instructions\":42}}");
	assert_true(cancelled);
}

static void a_machine_check_of_the_guests_own_is_an_event(void **state)
{
	const struct fwnmi_machine_check mc = { .error_type = FWNMI_MC_UE,
						.error_subtype = FWNMI_UE_LOAD_STORE,
						.effective_address_valid = true,
						.effective_address = 0xc000000000001000,
						.logical_address_valid = true,
						.logical_address = 0x1000 };
	const struct machine_event event = {
		.type = MACHINE_EVENT_MACHINE_CHECK, .vcpu = 1, .nip = 0x700, .machine_check = &mc
	};
	struct peer *peer = join_and_negotiate(0);
	const char *got;

	the_client.event(the_client.opaque, &event);
	got = line(peer);
	assert_non_null(got);
	assert_non_null(strstr(got, "\"event\":\"MACHINE_CHECK\""));
	assert_non_null(strstr(got, "\"cpu-index\":1,\"nip\":\"0x700\",\"type\":\"UE\","
				    "\"subtype\":\"load-store\","
				    "\"effective-address\":\"0xc000000000001000\","
				    "\"logical-address\":\"0x1000\""));
}

static int make_directory(void **state)
{
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", directory);
	return 0;
}

static int remove_directory(void **state)
{
	return rmdir(directory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_monitor, close_monitor)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_socket_is_private_and_goes_away),
		cmocka_unit_test(a_file_in_the_way_is_left_alone),
		cmocka_unit_test(bad_paths_are_refused),
		cmocka_unit_test(a_socket_in_use_is_refused),
		cmocka_unit_test(a_stale_socket_is_replaced),
		cmocka_unit_test(anothers_socket_at_the_same_path_survives),
		TEST(the_greeting_comes_first_and_negotiation_next),
		TEST(queries_answer),
		TEST(steering_commands_steer),
		TEST(an_ended_partition_keeps_its_log_and_does_not_go_on),
		TEST(malformed_requests_are_answered_and_survived),
		TEST(requests_may_come_in_pieces_or_together),
		TEST(a_request_may_be_spread_over_lines),
		TEST(two_requests_may_be_on_one_line),
		TEST(a_request_that_ends_too_early_is_answered),
		TEST(only_capabilities_that_exist_can_be_enabled),
		TEST(a_name_of_any_length_and_alphabet_is_answered),
		TEST(the_time_of_an_event_is_never_before_an_earlier_ones),
		TEST(a_request_without_end_ends_the_connection),
		TEST(there_is_a_limit_to_clients),
		TEST(a_client_that_only_sends_gets_its_answers),
		TEST(events_go_to_those_who_have_negotiated),
		TEST(the_end_of_a_partition_has_its_reason),
		TEST(every_outcome_that_a_client_is_told_has_its_event),
		TEST(a_delivery_names_the_injection),
		TEST(a_report_says_what_the_guest_was_given),
		TEST(a_report_of_an_unregistered_guest_has_the_registers_cause),
		TEST(a_panic_with_odd_bytes_is_still_an_event),
		TEST(a_client_that_does_not_read_is_dropped),
		TEST(a_client_that_dies_is_forgotten),
		TEST(the_last_events_arrive_before_the_end),
		TEST(an_injection_without_arguments_is_a_recovered_slb_multihit),
		TEST(a_system_reset_without_a_cpu_is_the_partitions),
		TEST(every_argument_is_used),
		TEST(contradictions_are_refused),
		TEST(the_machines_refusal_is_passed_on),
		TEST(an_injection_can_be_for_all_cpus_or_all_others),
		TEST(a_processor_can_be_called_unsafe),
		TEST(a_log_can_be_queued_for_the_guest_to_fetch),
		TEST(memory_can_be_poisoned_and_healed),
		TEST(errors_can_be_planted_and_cleared),
		TEST(snapshots_are_saved_and_loaded_in_the_directory_for_them),
		TEST(a_machine_check_of_the_guests_own_is_an_event),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
