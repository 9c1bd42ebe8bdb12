// SPDX-License-Identifier: BSD-2-Clause
/*
 * System calls with known results. All registers that a system call preserves are verified after
 * each, and memory that it reads or writes.
 */
#include "memory.h"
#include "registers.h"

#define PIPE_WORDS 64
#define PAGE	   0x10000 /* the largest */

static uint64_t page[2 * PAGE / 8]; /* has a whole page in it, whatever its alignment */

static void identity(long pid, long parent)
{
	workload_expect("getpid()", VERIFIED(NR_getpid), pid);
	workload_expect("getppid()", VERIFIED(NR_getppid), parent);
}

static void time_passes(void)
{
	static struct timespec before, now;

	workload_expect("clock_gettime()", VERIFIED(NR_clock_gettime, CLOCK_MONOTONIC, &now), 0);
	workload_expect("the clock's fraction of a second",
			now.nanoseconds >= 0 && now.nanoseconds < 1000000000, 1);
	workload_expect("the clock's advance",
			now.seconds > before.seconds || (now.seconds == before.seconds &&
							 now.nanoseconds >= before.nanoseconds),
			1);
	before = now;
}

static void data_through_pipe(const int ends[2], uint64_t seed)
{
	static uint64_t from[PIPE_WORDS], to[PIPE_WORDS];

	pattern_fill(from, PIPE_WORDS, seed);
	workload_expect("write()", VERIFIED(NR_write, ends[1], from, sizeof(from)), sizeof(from));
	workload_expect("read()", VERIFIED(NR_read, ends[0], to, sizeof(to)), sizeof(to));
	pattern_verify(from, PIPE_WORDS, seed);
	pattern_verify(to, PIPE_WORDS, seed);
}

static void protection(void)
{
	uint64_t *at = (uint64_t *)(((uintptr_t)page + PAGE - 1) & -(uintptr_t)PAGE);

	pattern_fill(at, PIPE_WORDS, 1);
	workload_expect("mprotect()", VERIFIED(NR_mprotect, at, PAGE, PROT_READ), 0);
	pattern_verify(at, PIPE_WORDS, 1);
	workload_expect("mprotect()", VERIFIED(NR_mprotect, at, PAGE, PROT_READ | PROT_WRITE), 0);
}

static void errors(const int ends[2])
{
	workload_expect("lseek() of a pipe", VERIFIED(NR_lseek, ends[0], 0, 0), -ESPIPE);
	workload_expect("lseek() of no file", VERIFIED(NR_lseek, -1, 0, 0), -EBADF);
	workload_expect("mprotect() of no page", VERIFIED(NR_mprotect, 1, PAGE, PROT_READ),
			-EINVAL);
}

int main_program(const struct environment *env)
{
	long pid = CALL(NR_getpid), parent = CALL(NR_getppid), result;
	int ends[2];

	registers_begin(env);
	memory_begin();
	result = CALL(NR_pipe, ends);
	if (result)
		workload_failed("pipe", result);
	workload_begin(env);
	for (uint64_t round = 1;; round++) {
		identity(pid, parent);
		time_passes();
		data_through_pipe(ends, round);
		protection();
		errors(ends);
		memory_verify();
		workload_round();
	}
}
