/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The differential test: for every entry of the instruction table, runs random words and states in
 * our engine and on the oracle (oracle.c under qemu-ppc64le), and compares the whole resulting
 * state. One TAP line per mnemonic.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "generate.h"
#include "known.h"
#include "oracle_process.h"
#include "table.h"

#define MISMATCHES_SHOWN 3

struct options {
	bool big_endian, memory_only;
	unsigned states;
	uint64_t seed;
	char **only;
	unsigned nr_only;
};

static struct isa_case before[CASE_BATCH], ours[CASE_BATCH], theirs[CASE_BATCH];

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
	oracle_run(oracle, theirs, count, options->big_endian);
	for (unsigned i = 0; i < count; i++) {
		++*compared;
		*refused += theirs[i].outcome == SIGILL;
		if (same_result(&ours[i], &theirs[i]) ||
		    known_explains(entry->name, &before[i], &ours[i], &theirs[i]))
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
	if (!is_run(entry) || (options->memory_only && !accesses_memory(entry)))
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
	const char *name = table[index].name, *where;
	const char *skip = known_skip(name, options->big_endian, &where);
	const char *suffix = options->big_endian ? "_big_endian" : "";
	unsigned mismatches = 0, shown = 0, refused = 0, compared = 0;

	if (skip) {
		printf("ok %u - %s_matches_the_oracle%s # SKIP %s (%s)\n", number, name, suffix,
		       skip, where);
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
		"usage: %s [--big-endian] [--memory] [--isa 310] [--states N] [--seed N]\n"
		"       [--only NAME|PREFIX*]... -- ORACLE...\n"
		"  --big-endian  ORACLE runs with MSR[LE] = 0\n"
		"  --memory      only storage access instructions\n"
		"  --isa 310     be a POWER10, as ORACLE must be (300)\n"
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
		else if (!strcmp(argv[arg], "--isa") && more)
			run_as((unsigned)strtoul(argv[++arg], NULL, 0));
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

	oracle_start(&oracle, argv + arg);
	for (size_t i = 0; i < table_entries; i++)
		tests += wanted(&options, &table[i]);
	printf("1..%u\n", tests);
	for (size_t i = 0; i < table_entries; i++)
		if (wanted(&options, &table[i]))
			failures += !test_entry(&options, &oracle, i, ++number);
	oracle_stop(&oracle);
	free(options.only);
	return failures != 0;
}
