/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the lab's programs share; see common.h.
 */
#include "common.h"

#define AT_PAGESZ 6
#define AT_HWCAP  16
#define AT_HWCAP2 26

static const char *name = "?";
static uint64_t rounds;
static bool shares_cpu;
static uint64_t rounds_of_line = 1; /* that make up what is told as one */

/* The compiler may call this and memcpy() for what it finds in any code. */
void *memset(void *to, int byte, size_t size);

void *memcpy(void *to, const void *from, size_t size)
{
	char *t = to;
	const char *f = from;

	while (size--) {
		*t++ = *f++;
		__asm__ volatile("");
	}
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	char *t = to;

	while (size--) {
		*t++ = (char)byte;
		__asm__ volatile("");
	}
	return to;
}

/* Only entry.S calls it, with the stack as the kernel has left it. */
void start(long *stack);

void start(long *stack)
{
	struct environment env = { .argc = (int)stack[0], .argv = (char **)(stack + 1) };
	long *at;

	env.envp = env.argv + env.argc + 1;
	for (at = (long *)env.envp; *at; at++)
		;
	for (at++; *at; at += 2) {
		if (*at == AT_HWCAP)
			env.hwcap = (uint64_t)at[1];
		if (*at == AT_HWCAP2)
			env.hwcap2 = (uint64_t)at[1];
		if (*at == AT_PAGESZ)
			env.page_size = (uint64_t)at[1];
	}
	end_process(main_program(&env));
}

void end_process(int status)
{
	for (;;)
		CALL(NR_exit, status);
}

void put_text(struct line *line, const char *text)
{
	while (*text && line->length < sizeof(line->text) - 1)
		line->text[line->length++] = *text++;
	line->text[line->length] = 0;
}

void put_decimal(struct line *line, uint64_t value)
{
	char digits[21];
	char *at = digits + sizeof(digits) - 1;

	*at = 0;
	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	put_text(line, at);
}

void put_hex_digits(struct line *line, uint64_t value)
{
	char digits[17];

	for (int i = 0; i < 16; i++)
		digits[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
	digits[16] = 0;
	put_text(line, digits);
}

void put_hex(struct line *line, uint64_t value)
{
	char digits[19];
	char *at = digits + sizeof(digits) - 1;

	*at = 0;
	do {
		*--at = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	*--at = 'x';
	*--at = '0';
	put_text(line, at);
}

void note_begin(struct line *line, const char *what, const char *who)
{
	line->length = 0;
	put_text(line, "<1>fwnmi-lab: ");
	put_text(line, what);
	if (who) {
		put_text(line, " ");
		put_text(line, who);
	}
}

void note_end(struct line *line)
{
	/* The last character is the line's end, also of one that did not fit. */
	if (line->length == sizeof(line->text) - 1)
		line->length--;
	line->text[line->length++] = '\n';
	CALL(NR_write, NOTE_FILE, line->text, line->length);
}

size_t text_length(const char *text)
{
	size_t length = 0;

	while (text[length])
		length++;
	return length;
}

bool same_text(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

bool parse_hex(const char *text, uint64_t *value)
{
	uint64_t v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text >= '0' && *text <= '9')
			v = v << 4 | (uint64_t)(*text - '0');
		else if (*text >= 'a' && *text <= 'f')
			v = v << 4 | (uint64_t)(*text - 'a' + 10);
		else
			return false;
	}
	*value = v;
	return true;
}

void workload_name(const struct environment *env)
{
	if (env->argc)
		name = env->argv[0];
	CALL(NR_prctl, PR_SET_NAME, name);
}

void workload_begin(const struct environment *env)
{
	workload_name(env);
	shares_cpu = *env->envp && same_text(*env->envp, SHARED);
	if (*env->envp && env->envp[1])
		parse_hex(env->envp[1], &rounds_of_line);
	CALL(NR_write, RUNNING_FILE, "", 1);
	CALL(NR_close, RUNNING_FILE);
}

void workload_round(void)
{
	struct line line;

	if (++rounds % rounds_of_line == 0) {
		note_begin(&line, "round", name);
		put_text(&line, " ");
		put_decimal(&line, rounds / rounds_of_line);
		note_end(&line);
	}
	/* The others shall not wait until Linux takes the CPU away. */
	if (shares_cpu)
		CALL(NR_sched_yield);
}

void workload_corrupt(struct line *line)
{
	note_begin(line, "corrupt", name);
	put_text(line, " ");
}

static void put_signed(struct line *line, long value)
{
	if (value < 0)
		put_text(line, "-");
	put_decimal(line, (uint64_t)(value < 0 ? -value : value));
}

bool workload_expect(const char *what, long is, long should_be)
{
	struct line line;

	if (is == should_be)
		return true;
	workload_corrupt(&line);
	put_text(&line, what);
	put_text(&line, " is ");
	put_signed(&line, is);
	put_text(&line, " not ");
	put_signed(&line, should_be);
	note_end(&line);
	return false;
}

void workload_died(int signal)
{
	struct line line;

	note_begin(&line, "died", name);
	put_text(&line, " signal ");
	put_decimal(&line, (uint64_t)signal);
	note_end(&line);
}

void workload_failed(const char *what, long result)
{
	struct line line;

	note_begin(&line, "failed", name);
	put_text(&line, " ");
	put_text(&line, what);
	put_text(&line, ": ");
	put_signed(&line, result);
	note_end(&line);
	end_process(1);
}
