/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs in the KVM host: carries bytes between a console and a UNIX socket, so that a monitor can be
 * reached from outside. Ends when the socket closes.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

static int forward(int from, int to)
{
	char buf[4096];
	ssize_t n = read(from, buf, sizeof(buf));

	for (ssize_t done = 0; done < n;) {
		ssize_t written = write(to, buf + done, (size_t)(n - done));

		if (written < 0)
			return -1;
		done += written;
	}
	return n > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };
	struct termios termios;
	int tries = 1000;

	if (argc != 3 || strlen(argv[2]) >= sizeof(address.sun_path)) {
		fputs("usage: relay TTY SOCKET\n", stderr);
		return 2;
	}
	strcpy(address.sun_path, argv[2]);
	fds[0].fd = open(argv[1], O_RDWR | O_NOCTTY);
	fds[1].fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fds[0].fd < 0 || fds[1].fd < 0 || tcgetattr(fds[0].fd, &termios) < 0) {
		perror(argv[1]);
		return 1;
	}
	cfmakeraw(&termios);
	/* Discard input that the previous connection did not read. */
	tcsetattr(fds[0].fd, TCSAFLUSH, &termios);
	while (connect(fds[1].fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (!tries--) {
			perror(argv[2]);
			return 1;
		}
		usleep(10000);
	}
	while (poll(fds, 2, -1) >= 0) {
		if (fds[1].revents && forward(fds[1].fd, fds[0].fd) < 0)
			return 0;
		if (fds[0].revents && forward(fds[0].fd, fds[1].fd) < 0)
			return 0;
	}
	return 0;
}
