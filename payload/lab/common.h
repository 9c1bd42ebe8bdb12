/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the lab's programs share: how they start, and the lines that they write. README has the
 * protocol.
 */
#ifndef FWNMI_PAYLOAD_LAB_COMMON_H
#define FWNMI_PAYLOAD_LAB_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system_calls.h"

/* Files that init hands to each process. The second is out of the way of those it opens itself. */
#define NOTE_FILE    3 /* /dev/kmsg */
#define RUNNING_FILE 100 /* a pipe, at first: a byte says that the process runs */

/*
 * The environment: whether other workloads run on the same CPU. A second string is the number, in
 * hexadecimal digits, of what makes up a round.
 */
#define ALONE  "FWNMI_LAB=alone"
#define SHARED "FWNMI_LAB=shared"

#define HWCAP_ALTIVEC	 0x10000000
#define HWCAP_VSX	 0x00000080
/* In AT_HWCAP2. PPR has no bit of its own. */
#define HWCAP2_TAR	 0x04000000
#define HWCAP2_DSCR	 0x20000000
#define HWCAP2_ARCH_2_07 0x80000000

struct environment {
	int argc;
	char **argv, **envp;
	uint64_t hwcap, hwcap2, page_size;
};

/** main_program() - what a program does; it ends with what this returns */
int main_program(const struct environment *env);

/* A line that is being put together. What does not fit is left out. */
struct line {
	size_t length;
	char text[256];
};

void put_text(struct line *line, const char *text);
void put_decimal(struct line *line, uint64_t value);
void put_hex(struct line *line, uint64_t value);
void put_hex_digits(struct line *line, uint64_t value); /* all 16 */
/** note_begin() - "fwnmi-lab: WHAT NAME", or without a name */
void note_begin(struct line *line, const char *what, const char *name);
void note_end(struct line *line);

void *memcpy(void *to, const void *from, size_t size);
bool same_text(const char *a, const char *b);
size_t text_length(const char *text);
/** parse_hex() - a number without "0x"; false if it is none */
bool parse_hex(const char *text, uint64_t *value);

/** end_process() - exit */
__attribute__((noreturn)) void end_process(int status);

/* ---- of workloads only ---- */

/** workload_name() - take argv[0] as the name of the process */
void workload_name(const struct environment *env);
/** workload_begin() - that, and tell init that it runs */
void workload_begin(const struct environment *env);
/** workload_round() - all has been verified once more */
void workload_round(void);
/** workload_expect() - report a number that is not as it should be; returns whether it is */
bool workload_expect(const char *what, long is, long should_be);
/** workload_died() - a child has died of a signal */
void workload_died(int signal);
/** workload_corrupt() - begin a line that says what is not as it should be */
void workload_corrupt(struct line *line);
/** workload_failed() - say why, and exit */
__attribute__((noreturn)) void workload_failed(const char *what, long result);

#endif
