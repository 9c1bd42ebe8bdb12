/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keeper of snapshots: see snapshot_keeper.h. A request is one packet, and so is its answer,
 * which brings the descriptor along. The process that asks is not trusted: a guest may have taken
 * it over.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/new_file.h"
#include "machine/snapshot_file.h"
#include "machine/snapshot_keeper.h"

enum action {
	BEGIN, /* a new file: answered with its descriptor */
	COMMIT, /* the new file is complete */
	DISCARD,
	OPEN, /* a file to be read: answered with its descriptor */
};

struct request {
	uint32_t action, dir;
	char name[NAME_MAX + 1]; /* BEGIN, OPEN */
};

struct snapshot_keeper {
	int socket;
};

/* A packet with room for one descriptor. */
struct packet {
	struct iovec iov;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct msghdr message;
};

static void set_packet(struct packet *packet, void *data, size_t size)
{
	*packet = (struct packet){ .iov = { data, size } };
	packet->message = (struct msghdr){ .msg_iov = &packet->iov, .msg_iovlen = 1 };
}

static void add_control(struct packet *packet)
{
	packet->message.msg_control = packet->control;
	packet->message.msg_controllen = sizeof(packet->control);
}

/* ---- the keeper's process ---- */

struct keeper {
	int socket;
	int dirs[SNAPSHOT_KEEPER_DIRS];
	unsigned nr_dirs;
	struct new_file file; /* being written */
};

static void answer(const struct keeper *keeper, int32_t error, int fd)
{
	struct packet packet;

	set_packet(&packet, &error, sizeof(error));
	if (fd >= 0) {
		struct cmsghdr *header;

		add_control(&packet);
		header = CMSG_FIRSTHDR(&packet.message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	sendmsg(keeper->socket, &packet.message, MSG_NOSIGNAL);
}

static void open_existing(const struct keeper *keeper, const struct request *request)
{
	int fd = -1, error = EINVAL;

	if (new_file_is_plain(request->name)) {
		fd = openat(keeper->dirs[request->dir], request->name,
			    O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		error = fd < 0 ? errno : 0;
	}
	answer(keeper, -error, fd);
	if (fd >= 0)
		close(fd);
}

static void carry_out(struct keeper *keeper, const struct request *request)
{
	int error;

	switch (request->action) {
	case BEGIN:
		new_file_discard(&keeper->file);
		error = new_file_begin(&keeper->file, keeper->dirs[request->dir], request->name);
		answer(keeper, error, keeper->file.fd);
		break;
	case COMMIT:
		answer(keeper, keeper->file.fd < 0 ? -EBADF : new_file_commit(&keeper->file), -1);
		break;
	case DISCARD:
		new_file_discard(&keeper->file);
		answer(keeper, 0, -1);
		break;
	case OPEN:
		open_existing(keeper, request);
		break;
	default:
		answer(keeper, -EINVAL, -1);
	}
}

/* Keep nothing open that somebody waits for, and leave signals from the terminal to the other. */
static void detach(struct keeper *keeper)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	int null = open("/dev/null", O_RDWR), lowest = keeper->socket;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	for (unsigned i = 0; i < keeper->nr_dirs; i++)
		lowest = keeper->dirs[i] < lowest ? keeper->dirs[i] : lowest;
	/* The socket and the directories were opened last. */
	for (int fd = STDERR_FILENO + 1; fd < lowest; fd++)
		close(fd);
}

__attribute__((noreturn)) static void serve(struct keeper *keeper)
{
	struct request request;
	ssize_t n;

	detach(keeper);
	do {
		memset(&request, 0, sizeof(request));
		n = recv(keeper->socket, &request, sizeof(request), 0);
		if (n == sizeof(request) && request.dir < keeper->nr_dirs &&
		    !request.name[NAME_MAX])
			carry_out(keeper, &request);
		else if (n > 0)
			answer(keeper, -EINVAL, -1);
	} while (n > 0 || (n < 0 && errno == EINTR));
	new_file_discard(&keeper->file);
	_exit(EXIT_SUCCESS);
}

/* ---- its starter ---- */

static bool open_dirs(struct keeper *keeper, const char *const dirs[], unsigned nr_dirs, char *err,
		      size_t err_size)
{
	for (; keeper->nr_dirs < nr_dirs; keeper->nr_dirs++) {
		const char *dir = dirs[keeper->nr_dirs];
		int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0) {
			snprintf(err, err_size, "cannot keep snapshots in %s: %s", dir,
				 strerror(errno));
			return false;
		}
		keeper->dirs[keeper->nr_dirs] = fd;
	}
	return true;
}

static void close_dirs(const struct keeper *keeper)
{
	for (unsigned i = 0; i < keeper->nr_dirs; i++)
		close(keeper->dirs[i]);
}

struct snapshot_keeper *snapshot_keeper_start(const char *const dirs[], unsigned nr_dirs, char *err,
					      size_t err_size)
{
	struct snapshot_keeper *s = malloc(sizeof(*s));
	struct keeper keeper = { .file.fd = -1 };
	int pair[2] = { -1, -1 };
	pid_t pid = -1;

	if (!open_dirs(&keeper, dirs, nr_dirs, err, err_size)) {
		close_dirs(&keeper);
		free(s);
		return NULL;
	}
	if (s && !socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		pid = fork();
	if (pid == 0) {
		close(pair[0]);
		keeper.socket = pair[1];
		serve(&keeper);
	}
	if (pid < 0)
		snprintf(err, err_size, "cannot keep snapshots: %s", strerror(errno));
	close_dirs(&keeper);
	if (pair[1] >= 0)
		close(pair[1]);
	if (pid > 0) {
		s->socket = pair[0];
		return s;
	}
	if (pair[0] >= 0)
		close(pair[0]);
	free(s);
	return NULL;
}

void snapshot_keeper_stop(struct snapshot_keeper *keeper)
{
	if (keeper)
		close(keeper->socket);
	free(keeper);
}

/* ---- requests ---- */

/* Returns 0 or a negative error number; @fd gets the descriptor if there is one, else -1. */
static int ask(const struct snapshot_keeper *keeper, enum action action, unsigned dir,
	       const char *name, int *fd)
{
	struct request request = { .action = action, .dir = dir };
	const struct cmsghdr *header;
	struct packet packet;
	int32_t error = 0;
	ssize_t n;

	*fd = -1;
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	strcpy(request.name, name);
	if (send(keeper->socket, &request, sizeof(request), MSG_NOSIGNAL) < 0)
		return -errno;
	set_packet(&packet, &error, sizeof(error));
	add_control(&packet);
	do
		n = recvmsg(keeper->socket, &packet.message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(error))
		return n < 0 ? -errno : -EPIPE;
	header = CMSG_FIRSTHDR(&packet.message);
	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	return error;
}

int64_t snapshot_keeper_save(struct snapshot_keeper *keeper, unsigned dir, const char *name,
			     struct machine *machine, char *err, size_t err_size)
{
	char why[256];
	int fd, none, error = ask(keeper, BEGIN, dir, name, &fd);
	int64_t size = -1;

	if (!error && fd < 0)
		error = -EPIPE;
	if (!error) {
		size = snapshot_file_write(machine, fd, why, sizeof(why));
		close(fd);
		error = ask(keeper, size < 0 ? DISCARD : COMMIT, dir, "", &none);
	}
	if (error && (size >= 0 || fd < 0)) {
		snprintf(why, sizeof(why), "%s",
			 error == -EINVAL ? "not a plain file name" : strerror(-error));
		size = -1;
	}
	if (size < 0)
		snprintf(err, err_size, "cannot save %s: %s", name, why);
	return size;
}

struct snapshot_file *snapshot_keeper_open(struct snapshot_keeper *keeper, unsigned dir,
					   const char *name, char *err, size_t err_size)
{
	int fd, error = ask(keeper, OPEN, dir, name, &fd);

	if (!error && fd >= 0)
		return snapshot_file_take(fd, name, err, err_size);
	snprintf(err, err_size, "cannot load %s: %s", name,
		 error == -EINVAL ? "not a plain file name" : strerror(error ? -error : EPIPE));
	return NULL;
}
