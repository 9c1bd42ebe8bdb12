/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The differential test: for every entry of the instruction table, runs random words and states in
 * our engine and on the oracle (oracle.c under qemu-ppc64le), and compares the whole resulting
 * state. One TAP line per mnemonic.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "generate.h"
#include "known.h"
#include "table.h"

#define MISMATCHES_SHOWN 3

struct options {
	bool big_endian, memory_only;
	unsigned states;
	uint64_t seed;
	char **only;
	unsigned nr_only;
};

struct oracle {
	pid_t pid;
	int to, from;
	struct isa_case *cases; /* shared with the oracle, CASE_BATCH of them */
};

static struct isa_case before[CASE_BATCH], ours[CASE_BATCH], theirs[CASE_BATCH];

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static void start_oracle(struct oracle *oracle, char **command)
{
	FILE *file = tmpfile();
	int in[2], out[2];
	size_t size = CASE_BATCH * sizeof(struct isa_case);

	if (!file || ftruncate(fileno(file), (off_t)size) || pipe(in) || pipe(out))
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
	swap_doublewords(&c->next, sizeof(c->next));
	swap_vectors(&c->vscr, 1);
	swap_vectors(c->vsr, 64);
}

static void run_theirs(struct oracle *oracle, struct isa_case *cases, unsigned count,
		       bool big_endian)
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

static void show(const char *what, uint64_t in, uint64_t our, uint64_t their)
{
	if (our != their)
		printf("#   %-8s in %016llx  ours %016llx  oracle %016llx\n", what,
		       (unsigned long long)in, (unsigned long long)our, (unsigned long long)their);
}

static void show_vector(const char *what, const uint64_t *in, const uint64_t *our,
			const uint64_t *their)
{
	if (memcmp(our, their, 16))
		printf("#   %-8s in %016llx.%016llx\n#              ours %016llx.%016llx\n"
		       "#            oracle %016llx.%016llx\n",
		       what, (unsigned long long)in[1], (unsigned long long)in[0],
		       (unsigned long long)our[1], (unsigned long long)our[0],
		       (unsigned long long)their[1], (unsigned long long)their[0]);
}

static void show_operand(const char *what, const struct isa_case *in, unsigned field, unsigned high)
{
	uint64_t g = in->gpr[field];
	const uint64_t *v = in->vsr[field + high], *w = in->vsr[field + 32 - high];

	printf("#   %s=%-2u gpr %016llx vsr%-2u %016llx.%016llx vsr%-2u %016llx.%016llx\n", what,
	       field, (unsigned long long)g, field + high, (unsigned long long)v[1],
	       (unsigned long long)v[0], field + 32 - high, (unsigned long long)w[1],
	       (unsigned long long)w[0]);
}

static void show_mismatch(const char *name, const struct isa_case *in, const struct isa_case *our,
			  const struct isa_case *their, bool accesses)
{
	uint32_t w = (uint32_t)in->insn;
	unsigned high = w >> 26 == 4 || w >> 26 == 31 ? 32 : 0;
	char what[24];

	printf("# %s %08x: cr %08llx xer %08llx fpscr %08llx vscr %05llx\n", name, w,
	       (unsigned long long)in->cr, (unsigned long long)in->xer,
	       (unsigned long long)in->fpscr, (unsigned long long)in->vscr[0]);
	show_operand("RT", in, w >> 21 & 31, high);
	show_operand("RA", in, w >> 16 & 31, high);
	show_operand("RB", in, w >> 11 & 31, high);
	show_operand("RC", in, w >> 6 & 31, high);
	if (accesses) {
		printf("#   memory");
		for (unsigned i = 0; i < CASE_MEMORY_BYTES; i++)
			printf("%s%02x", i % 16 ? "" : i % 64 ? " " : "\n#     ", in->memory[i]);
		printf("\n");
	}
	show("signal", in->outcome, our->outcome, their->outcome);
	if (our->outcome || their->outcome)
		return;
	show("next", 0, our->next, their->next);
	for (unsigned i = 0; i < 32; i++) {
		snprintf(what, sizeof(what), "gpr%u", i);
		show(what, in->gpr[i], our->gpr[i], their->gpr[i]);
	}
	for (unsigned i = 0; i < 64; i++) {
		snprintf(what, sizeof(what), "vsr%u", i);
		show_vector(what, in->vsr[i], our->vsr[i], their->vsr[i]);
	}
	show("cr", in->cr, our->cr, their->cr);
	show("xer", in->xer, our->xer, their->xer);
	show("fpscr", in->fpscr, our->fpscr, their->fpscr);
	show("vscr", in->vscr[0], our->vscr[0], their->vscr[0]);
	show("lr", in->lr, our->lr, their->lr);
	show("ctr", in->ctr, our->ctr, their->ctr);
	for (unsigned i = 0; i < CASE_MEMORY_BYTES; i++) {
		snprintf(what, sizeof(what), "mem[%u]", i);
		show(what, in->memory[i], our->memory[i], their->memory[i]);
	}
}

static bool same(const struct isa_case *a, const struct isa_case *b)
{
	if (a->outcome || b->outcome)
		return a->outcome == b->outcome;
	return !memcmp(a, b, sizeof(*a));
}

/* Returns the number of cases that differ. */
static unsigned compare(const struct options *options, struct oracle *oracle, size_t index,
			unsigned count, unsigned *shown, unsigned *refused, unsigned *compared)
{
	const struct table_entry *entry = &table[index];
	uint32_t reserved = known_reserved_bits(entry->name);
	unsigned mismatches = 0;

	for (unsigned i = 0; i < count; i++)
		generate(&before[i], entry, reserved, CASE_ADDRESS(i));
	memcpy(ours, before, sizeof(ours));
	memcpy(theirs, before, sizeof(theirs));
	for (unsigned i = 0; i < count; i++)
		run_one(&ours[i], options->big_endian);
	run_theirs(oracle, theirs, count, options->big_endian);
	for (unsigned i = 0; i < count; i++) {
		if (known_to_differ(entry->name, &before[i]))
			continue;
		++*compared;
		*refused += theirs[i].outcome == SIGILL;
		known_hide(entry->name, &before[i], &ours[i], &theirs[i]);
		if (same(&ours[i], &theirs[i]))
			continue;
		mismatches++;
		if ((*shown)++ < MISMATCHES_SHOWN)
			show_mismatch(entry->name, &before[i], &ours[i], &theirs[i],
				      accesses_memory(entry));
	}
	return mismatches;
}

static bool wanted(const struct options *options, const struct table_entry *entry)
{
	if (options->memory_only && !accesses_memory(entry))
		return false;
	if (!options->nr_only)
		return true;
	for (unsigned i = 0; i < options->nr_only; i++) {
		const char *pattern = options->only[i];
		size_t length = strlen(pattern);

		if (length && pattern[length - 1] == '*' ?
			    !strncmp(entry->name, pattern, length - 1) :
			    !strcmp(entry->name, pattern))
			return true;
	}
	return false;
}

/* Returns true on success. */
static bool test_entry(const struct options *options, struct oracle *oracle, size_t index,
		       unsigned number)
{
	const char *name = table[index].name, *skip = known_skip(name, options->big_endian);
	const char *suffix = options->big_endian ? "_big_endian" : "";
	unsigned mismatches = 0, shown = 0, refused = 0, compared = 0;

	if (skip) {
		printf("ok %u - %s_matches_the_oracle%s # SKIP %s\n", number, name, suffix, skip);
		return true;
	}
	generate_seed(options->seed, name);
	for (unsigned done = 0; done < options->states; done += CASE_BATCH) {
		unsigned left = options->states - done;

		mismatches += compare(options, oracle, index, left < CASE_BATCH ? left : CASE_BATCH,
				      &shown, &refused, &compared);
	}
	if (mismatches)
		printf("# %s: %u of %u cases differ\n", name, mismatches, compared);
	if (refused && refused == compared)
		printf("# %s: the oracle knows no such word\n", name);
	if (!compared)
		printf("# %s: no case was left to compare\n", name);
	printf("%sok %u - %s_matches_the_oracle%s\n", mismatches || !compared ? "not " : "", number,
	       name, suffix);
	return !mismatches && compared;
}

static int usage(const char *program)
{
	fprintf(stderr,
		"usage: %s [--big-endian] [--memory] [--states N] [--seed N]\n"
		"       [--only NAME|PREFIX*]... -- ORACLE...\n"
		"  --big-endian  ORACLE runs with MSR[LE] = 0\n"
		"  --memory      only storage access instructions\n"
		"  --states N    cases for each mnemonic (200)\n",
		program);
	return 2;
}

int main(int argc, char **argv)
{
	struct options options = { .states = 200, .seed = 20 };
	struct oracle oracle;
	unsigned failures = 0, tests = 0, number = 0;
	int arg = 1;

	options.only = calloc((size_t)argc, sizeof(*options.only));
	for (; arg < argc && strcmp(argv[arg], "--"); arg++) {
		bool more = arg + 1 < argc;

		if (!strcmp(argv[arg], "--big-endian"))
			options.big_endian = true;
		else if (!strcmp(argv[arg], "--memory"))
			options.memory_only = true;
		else if (!strcmp(argv[arg], "--states") && more)
			options.states = (unsigned)strtoul(argv[++arg], NULL, 0);
		else if (!strcmp(argv[arg], "--seed") && more)
			options.seed = strtoull(argv[++arg], NULL, 0);
		else if (!strcmp(argv[arg], "--only") && more)
			options.only[options.nr_only++] = argv[++arg];
		else
			return usage(argv[0]);
	}
	if (++arg >= argc || !options.states)
		return usage(argv[0]);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
		printf("1..0 # SKIP the cases' format needs a little-endian host\n");
		return 0;
	}

	signal(SIGPIPE, SIG_IGN);
	start_oracle(&oracle, argv + arg);
	for (size_t i = 0; i < table_entries; i++)
		tests += wanted(&options, &table[i]);
	printf("1..%u\n", tests);
	for (size_t i = 0; i < table_entries; i++)
		if (wanted(&options, &table[i]))
			failures += !test_entry(&options, &oracle, i, ++number);
	close(oracle.to);
	waitpid(oracle.pid, NULL, 0);
	free(options.only);
	return failures != 0;
}
