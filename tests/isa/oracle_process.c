/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that runs the oracle's side of the test, and the file of cases shared with it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle_process.h"

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

void oracle_start(struct oracle *oracle, char **command)
{
	FILE *file = tmpfile();
	int in[2], out[2];
	size_t size = CASE_BATCH * sizeof(struct isa_case);

	signal(SIGPIPE, SIG_IGN);
	if (!file || ftruncate(fileno(file), (off_t)size) || pipe2(in, O_CLOEXEC) ||
	    pipe2(out, O_CLOEXEC))
		die("cannot make the file of cases");
	oracle->cases = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
	if (oracle->cases == MAP_FAILED)
		die("cannot map the file of cases");
	oracle->pid = fork();
	if (oracle->pid < 0)
		die("fork");
	if (!oracle->pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		if (fileno(file) != 3)
			dup2(fileno(file), 3);
		close(in[1]);
		close(out[0]);
		execvp(command[0], command);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	oracle->to = in[1];
	oracle->from = out[0];
}

static void swap_doublewords(void *p, size_t size)
{
	uint64_t *d = p;

	for (size_t i = 0; i < size / 8; i++)
		d[i] = __builtin_bswap64(d[i]);
}

static void swap_vectors(uint64_t (*v)[2], unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t t = v[i][0];

		v[i][0] = v[i][1];
		v[i][1] = t;
	}
}

/* Converts between this host's byte order and the big-endian oracle's. */
static void swap_case(struct isa_case *c)
{
	swap_doublewords(c, offsetof(struct isa_case, memory));
	swap_doublewords(&c->next, sizeof(*c) - offsetof(struct isa_case, next));
	swap_vectors(&c->vscr, 1);
	swap_vectors(c->vsr, 64);
}

void oracle_run(struct oracle *oracle, struct isa_case *cases, unsigned count, bool big_endian)
{
	uint8_t answer = 0, request = (uint8_t)count;

	memcpy(oracle->cases, cases, count * sizeof(*cases));
	if (big_endian)
		for (unsigned i = 0; i < count; i++)
			swap_case(&oracle->cases[i]);
	if (write(oracle->to, &request, 1) != 1 || read(oracle->from, &answer, 1) != 1 ||
	    answer != request) {
		printf("Bail out! the oracle is gone\n");
		exit(1);
	}
	memcpy(cases, oracle->cases, count * sizeof(*cases));
	if (big_endian)
		for (unsigned i = 0; i < count; i++)
			swap_case(&cases[i]);
}

void oracle_stop(struct oracle *oracle)
{
	close(oracle->to);
	waitpid(oracle->pid, NULL, 0);
}
