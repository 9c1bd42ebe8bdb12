/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The differential test on sequences: around each row of the table in turn, random sequences run as
 * a whole in our engine and on an oracle. Where the results differ, both take the steps one by one
 * from our states, so that each difference is that of one instruction, and is looked up among the
 * explanations; where no step differs, it is the sequence's own, and is cut down.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "known.h"
#include "oracle_process.h"
#include "sequences.h"

#define MAX_ORACLES	 8
#define MAX_LENGTH	 12
#define MISMATCHES_SHOWN 10

struct side {
	bool big_endian;
	unsigned isa;
	const char *name;
	struct oracle oracle;
	uint64_t instructions, mismatches, explained;
};

static struct side sides[MAX_ORACLES];
static unsigned nr_sides;
static uint64_t *ran; /* how often each row did */

enum verdict {
	SAME,
	EXPLAINED,
	STEP_DIFFERS,
	SEQUENCE_DIFFERS
};

/* What became of the steps, for those who want to know. */
struct finding {
	unsigned step, explained;
	struct isa_case before, ours, theirs;
};

static void run_both(struct side *side, const struct sequence *s, struct isa_case *ours,
		     struct isa_case *theirs)
{
	*ours = *theirs = s->start;
	ours->address = theirs->address = CASE_ADDRESS(0);
	run_one(ours, side->big_endian);
	oracle_run(&side->oracle, theirs, 1, side->big_endian);
}

/*
 * Our steps one by one, to @before[i], the state before step @index[i]. Returns how many were
 * taken; @end is the state they lead to.
 */
static unsigned take_steps(const struct side *side, const struct sequence *s,
			   struct isa_case before[CASE_WORDS], unsigned index[CASE_WORDS],
			   struct isa_case *end)
{
	struct isa_case state = s->start;
	unsigned n = 0;

	for (unsigned i = 0; i < s->nr_steps; i += state.next == 2 || s->steps[i].prefix ? 2 : 1) {
		const uint64_t address = s->start.address + 4 * i;

		sequence_step(s, i, &state, address, &before[n]);
		index[n] = i;
		state = before[n++];
		run_one(&state, side->big_endian);
		if (state.outcome)
			break;
	}
	*end = s->start;
	if (state.outcome) {
		end->outcome = state.outcome;
	} else {
		/* A branch over the last instruction falls through. */
		const unsigned next = index[n - 1] + 2 == s->nr_steps ? 1 : (unsigned)state.next;

		state.address = s->start.address;
		state.insn = s->start.insn;
		state.nr_words = s->start.nr_words;
		memcpy(state.words, s->start.words, sizeof(state.words));
		state.next = next;
		*end = state;
	}
	return n;
}

static enum verdict judge_steps(struct side *side, const struct sequence *s,
				const struct isa_case *whole, const struct isa_case *their_whole,
				struct finding *finding)
{
	static struct isa_case before[CASE_WORDS], ours[CASE_WORDS], theirs[CASE_WORDS];
	unsigned index[CASE_WORDS];
	struct isa_case end;
	const unsigned n = take_steps(side, s, before, index, &end);

	finding->explained = 0;
	if (!same_result(&end, whole))
		return SEQUENCE_DIFFERS;
	for (unsigned i = 0; i < n; i++)
		before[i].address = CASE_ADDRESS(i);
	memcpy(ours, before, sizeof(ours));
	memcpy(theirs, before, sizeof(theirs));
	for (unsigned i = 0; i < n; i++)
		run_one(&ours[i], side->big_endian);
	oracle_run(&side->oracle, theirs, n, side->big_endian);
	for (unsigned i = 0; i < n; i++) {
		if (same_result(&ours[i], &theirs[i]))
			continue;
		finding->step = index[i];
		finding->before = before[i];
		finding->ours = ours[i];
		finding->theirs = theirs[i];
		if (!known_explains(s->steps[index[i]].entry->name, &before[i], &ours[i],
				    &theirs[i]))
			return STEP_DIFFERS;
		finding->explained++;
	}
	if (finding->explained)
		return EXPLAINED;
	finding->explained = 1;
	ours[0] = *whole;
	theirs[0] = *their_whole;
	return known_explains(KNOWN_SEQUENCE, &s->start, &ours[0], &theirs[0]) ? EXPLAINED :
										 SEQUENCE_DIFFERS;
}

/* One step, or a reservation and its use, is taken as a whole. */
static enum verdict judge(struct side *side, const struct sequence *s, const struct isa_case *ours,
			  const struct isa_case *theirs, struct finding *finding)
{
	if (same_result(ours, theirs))
		return SAME;
	if (s->nr_steps > (s->steps[0].prefix ? 2 : 1) && !s->reserves)
		return judge_steps(side, s, ours, theirs, finding);
	finding->step = s->nr_steps - 1;
	finding->explained = 1;
	finding->before = s->start;
	finding->ours = *ours;
	finding->theirs = *theirs;
	if (known_explains(s->steps[finding->step].entry->name, &s->start, &finding->ours,
			   &finding->theirs))
		return EXPLAINED;
	finding->ours = *ours;
	finding->theirs = *theirs;
	return s->reserves ? SEQUENCE_DIFFERS : STEP_DIFFERS;
}

/* Leave out what the difference does not need. */
static void cut_down(struct side *side, struct sequence *s, struct finding *finding)
{
	struct isa_case ours, theirs;

	s->start.address = CASE_ADDRESS(0);
	for (unsigned i = s->nr_steps; i-- && s->nr_steps > 1;) {
		struct sequence shorter = *s;

		if (s->steps[i].sets_up)
			continue;
		sequence_without(&shorter, i);
		if (!shorter.nr_steps)
			continue;
		run_both(side, &shorter, &ours, &theirs);
		if (judge(side, &shorter, &ours, &theirs, finding) != SEQUENCE_DIFFERS)
			continue;
		*s = shorter;
		i = s->nr_steps;
	}
}

static void show_sequence(const struct sequence *s)
{
	for (unsigned i = 0; i < s->nr_steps; i++)
		printf("#   %2u  %08llx  %s\n", i, (unsigned long long)s->start.words[i],
		       s->steps[i].entry->name);
}

static void report(struct side *side, struct sequence *s, enum verdict verdict,
		   struct finding *finding)
{
	struct isa_case ours, theirs;

	if (verdict == STEP_DIFFERS) {
		const struct table_entry *entry = s->steps[finding->step].entry;

		show_mismatch(entry->name, &finding->before, &finding->ours, &finding->theirs,
			      accesses_memory(entry));
		return;
	}
	cut_down(side, s, finding);
	run_both(side, s, &ours, &theirs);
	printf("# this sequence differs, none of its steps alone:\n");
	show_sequence(s);
	show_mismatch(s->steps[0].entry->name, &s->start, &ours, &theirs, true);
}

static void count(struct side *side, const struct sequence *s, const struct isa_case *ours)
{
	const unsigned n = ours->outcome ? 1 : s->nr_steps;

	for (unsigned i = 0; i < n; i++) {
		side->instructions += !s->steps[i].prefix;
		ran[s->steps[i].entry - table]++;
	}
}

static void run_batch(struct side *side, const size_t *rows, size_t nr_rows, uint64_t *next_row)
{
	static struct sequence sequences[CASE_BATCH];
	static struct isa_case ours[CASE_BATCH], theirs[CASE_BATCH];
	struct finding finding;

	for (unsigned i = 0; i < CASE_BATCH; i++) {
		const unsigned length =
			generate_below(3) ? 2 + (unsigned)generate_below(MAX_LENGTH - 1) : 1;

		sequence_make(&sequences[i], &table[rows[(*next_row)++ % nr_rows]], length,
			      CASE_ADDRESS(i), side->big_endian);
		ours[i] = theirs[i] = sequences[i].start;
		run_one(&ours[i], side->big_endian);
		count(side, &sequences[i], &ours[i]);
	}
	oracle_run(&side->oracle, theirs, CASE_BATCH, side->big_endian);
	for (unsigned i = 0; i < CASE_BATCH; i++) {
		const enum verdict verdict =
			judge(side, &sequences[i], &ours[i], &theirs[i], &finding);

		if (verdict == EXPLAINED)
			side->explained += finding.explained;
		if (verdict <= EXPLAINED)
			continue;
		if (side->mismatches++ < MISMATCHES_SHOWN)
			report(side, &sequences[i], verdict, &finding);
	}
}

/* @instructions: at least so many */
static void run_side(struct side *side, uint64_t seed, uint64_t instructions)
{
	size_t *rows = calloc(table_entries, sizeof(*rows)), nr_rows = 0;
	uint64_t next_row = 0;
	const char *where;
	char name[64];

	run_as(side->isa);
	for (size_t i = 0; i < table_entries; i++)
		if (is_run(&table[i]) && !known_skip(table[i].name, side->big_endian, &where))
			rows[nr_rows++] = i;
	snprintf(name, sizeof(name), "%s %u", side->big_endian ? "big" : "little", side->isa);
	generate_seed(seed, name);
	while (side->instructions < instructions)
		run_batch(side, rows, nr_rows, &next_row);
	free(rows);
}

static unsigned newest_isa(void)
{
	unsigned isa = 0;

	for (unsigned i = 0; i < nr_sides; i++)
		isa = sides[i].isa > isa ? sides[i].isa : isa;
	return isa;
}

/* What no oracle can run is named with the test that does. */
static bool every_row_ran(void)
{
	bool good = true;

	for (size_t i = 0; i < table_entries; i++) {
		const char *where = NULL;
		const char *skip = known_skip(table[i].name, true, &where);

		if (ran[i])
			continue;
		if (!skip && table[i].isa > newest_isa())
			skip = where = "no oracle has this version of the ISA";
		if (skip)
			printf("# not here: %s: %s (%s)\n", table[i].name, skip, where);
		else
			printf("# never ran: %s\n", table[i].name);
		good &= skip != NULL;
	}
	return good;
}

static void write_coverage(const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		exit(1);
	}
	for (size_t i = 0; i < table_entries; i++)
		fprintf(f, "%10llu %s\n", (unsigned long long)ran[i], table[i].name);
	fclose(f);
}

static int usage(const char *program)
{
	fprintf(stderr,
		"usage: %s [--instructions N] [--seed N] [--coverage FILE] ORACLE...\n"
		"  ORACLE: -- little|big ISA COMMAND [ARGUMENT...]\n"
		"  --instructions N  for all oracles together (100000)\n"
		"  --coverage FILE   write there how often each row ran\n",
		program);
	return 2;
}

/* Returns false if the oracles are not named well. */
static bool name_oracles(int argc, char **argv, int arg)
{
	while (arg < argc) {
		struct side *side = &sides[nr_sides];
		int end = arg + 1;

		while (end < argc && strcmp(argv[end], "--"))
			end++;
		if (end - arg < 4 || nr_sides == MAX_ORACLES)
			return false;
		if (end < argc)
			argv[end] = NULL;
		side->big_endian = !strcmp(argv[arg + 1], "big");
		side->isa = (unsigned)strtoul(argv[arg + 2], NULL, 10);
		side->name = argv[arg + 3];
		oracle_start(&side->oracle, argv + arg + 3);
		nr_sides++;
		arg = end;
	}
	return nr_sides > 0;
}

static void run_all(uint64_t seed, uint64_t instructions)
{
	uint64_t total = 0, mismatches = 0, explained = 0;

	for (unsigned i = 0; i < nr_sides; i++) {
		struct side *side = &sides[i];

		run_side(side, seed + i, instructions / nr_sides);
		oracle_stop(&side->oracle);
		printf("%sok %u - sequences_match_%s_of_isa_%u_by_%s\n",
		       side->mismatches ? "not " : "", i + 1,
		       side->big_endian ? "big_endian" : "little_endian", side->isa, side->name);
		total += side->instructions;
		mismatches += side->mismatches;
		explained += side->explained;
	}
	known_print();
	printf("# seed %llu: %llu instructions, %llu mismatches, %llu explained\n",
	       (unsigned long long)seed, (unsigned long long)total, (unsigned long long)mismatches,
	       (unsigned long long)explained);
}

int main(int argc, char **argv)
{
	uint64_t instructions = 100000, seed = 20;
	const char *coverage = NULL;
	bool good;
	int arg = 1;

	for (; arg < argc && strcmp(argv[arg], "--"); arg += 2) {
		if (arg + 1 == argc)
			return usage(argv[0]);
		if (!strcmp(argv[arg], "--instructions"))
			instructions = strtoull(argv[arg + 1], NULL, 0);
		else if (!strcmp(argv[arg], "--seed"))
			seed = strtoull(argv[arg + 1], NULL, 0);
		else if (!strcmp(argv[arg], "--coverage"))
			coverage = argv[arg + 1];
		else
			return usage(argv[0]);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
		printf("1..0 # SKIP the cases' format needs a little-endian host\n");
		return 0;
	}
	ran = calloc(table_entries, sizeof(*ran));
	if (!ran || !name_oracles(argc, argv, arg))
		return usage(argv[0]);
	printf("1..%u\n", nr_sides + 1);
	run_all(seed, instructions);
	good = every_row_ran();
	printf("%sok %u - every_row_of_the_table_ran\n", good ? "" : "not ", nr_sides + 1);
	if (coverage)
		write_coverage(coverage);
	for (unsigned i = 0; i < nr_sides; i++)
		good &= !sides[i].mismatches;
	return !good;
}
