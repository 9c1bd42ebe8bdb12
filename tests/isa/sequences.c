/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sequences. A memory access sets up its registers by instructions of its own, so that it can
 * follow anything. A branch skips one word, which is an instruction that needs nothing set up.
 */
#include <stdio.h>
#include <string.h>

#include "known.h"
#include "sequences.h"

#define FPSCR_VE 0x80u

static const struct table_entry *entry_of(uint32_t word)
{
	for (size_t i = 0; i < table_entries; i++)
		if (!table[i].prefix_mask && (word & table[i].mask) == table[i].value)
			return &table[i];
	return NULL;
}

static bool is_any(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

/* The load with reservation of a store conditional, or the other way round. */
static const char *partner(const char *name)
{
	static const char *const pairs[][2] = { { "lbarx", "stbcx" },
						{ "lharx", "sthcx" },
						{ "lwarx", "stwcx" },
						{ "ldarx", "stdcx" },
						{ "lqarx", "stqcx" } };

	for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (!strcmp(name, pairs[i][0]))
			return pairs[i][1];
		if (!strcmp(name, pairs[i][1]))
			return pairs[i][0];
	}
	return NULL;
}

static bool is_branch(const struct table_entry *entry)
{
	return !strcmp(entry->name, "b") || !strcmp(entry->name, "bc");
}

/* May it stand behind others? */
static bool joins(const struct table_entry *entry, bool big_endian)
{
	static const char *const odd[] = { "bclr", "bcctr", NULL };
	const char *where;

	return is_run(entry) && !known_skip(entry->name, big_endian, &where) &&
	       !partner(entry->name) && !is_any(entry->name, odd);
}

static void add(struct sequence *s, uint32_t word, const struct table_entry *entry, bool sets_up,
		bool prefix)
{
	s->start.words[s->start.nr_words++] = word;
	s->start.insn = word;
	s->steps[s->nr_steps++] = (struct step){ entry, sets_up, prefix };
}

/* The same address registers for both halves of a pair. */
static void make_pair(struct sequence *s, const struct table_entry *entry)
{
	const uint32_t address_fields = 0x001ff800, quad_pair = 0x00200000;
	const struct table_entry *load = entry, *store = NULL;
	const char *other = partner(entry->name);
	uint32_t word = (uint32_t)s->start.insn;

	for (size_t i = 0; i < table_entries; i++)
		if (!strcmp(table[i].name, other))
			store = &table[i];
	if (entry->name[0] == 's') {
		load = store;
		store = entry;
	}
	s->start.nr_words = s->nr_steps = 0;
	word &= 0x03fff800 & ~(strchr(load->name, 'q') ? quad_pair : 0);
	/* Neither half overwrites the address. */
	while ((word >> 21 & 30) == (word >> 16 & 30) || (word >> 21 & 30) == (word >> 11 & 30))
		word = (word & ~0x03c00000u) | (uint32_t)generate_below(16) << 22;
	add(s, load->value | word, load, false, false);
	if (generate_below(2))
		add(s, store->value | (word & address_fields) | (uint32_t)generate_below(16) << 22,
		    store, false, false);
	else
		add(s, store->value | word, store, false, false);
	s->reserves = true;
}

/* Does it access storage relative to its own address? A step is run elsewhere, too. */
static bool stays(const struct sequence *s, const struct table_entry *entry)
{
	const uint32_t relative = 1u << 20;

	return entry->prefix_mask && accesses_memory(entry) && s->start.words[0] & relative;
}

/* Would the prefix be the last word of 64 bytes? */
static bool crosses_boundary(const struct sequence *s, const struct table_entry *entry, unsigned n)
{
	return entry->prefix_mask && (s->start.nr_words + n - 2) % 16 == 15;
}

/* Adds one more row's instruction if the engine can take it from @state, which moves on. */
static void grow(struct sequence *s, struct isa_case *state, const struct table_entry *entry,
		 bool big_endian)
{
	uint32_t words[GENERATE_STEP_WORDS];
	const unsigned n = generate_step(words, entry, known_reserved_bits(entry->name));
	struct isa_case next = *state;

	if (s->start.nr_words + n > CASE_WORDS || crosses_boundary(s, entry, n) ||
	    (state->fpscr & FPSCR_VE && defers_interrupt(entry)))
		return;
	next.nr_words = n;
	for (unsigned i = 0; i < n; i++)
		next.words[i] = words[i];
	run_one(&next, big_endian);
	if (next.outcome && generate_below(64))
		return;
	for (unsigned i = 0; i < n; i++) {
		const bool prefix = entry->prefix_mask && i + 2 == n;

		add(s, words[i], i + 1 < n && !prefix ? entry_of(words[i]) : entry, i + 1 < n,
		    prefix);
	}
	*state = next;
}

static const struct table_entry *other_row(bool after_branch, bool big_endian)
{
	for (;;) {
		const struct table_entry *entry = &table[generate_below(table_entries)];

		if (joins(entry, big_endian) &&
		    !(after_branch &&
		      (accesses_memory(entry) || is_branch(entry) || entry->prefix_mask)))
			return entry;
	}
}

void sequence_make(struct sequence *s, const struct table_entry *entry, unsigned length,
		   uint64_t address, bool big_endian)
{
	struct isa_case state;

	memset(s, 0, sizeof(*s));
	generate(&s->start, entry, known_reserved_bits(entry->name), address);
	if (entry->prefix_mask)
		s->steps[s->nr_steps++] = (struct step){ entry, true, true };
	s->steps[s->nr_steps++].entry = entry;
	if (partner(entry->name) && length > 1) {
		make_pair(s, entry);
		return;
	}
	if (length < 2 || !joins(entry, big_endian) || stays(s, entry))
		return;
	state = s->start;
	run_one(&state, big_endian);
	for (unsigned i = 1; i < length && !state.outcome; i++) {
		const bool after_branch = is_branch(s->steps[s->nr_steps - 1].entry);
		const bool same = !generate_below(3) && !after_branch;

		grow(s, &state, same ? entry : other_row(after_branch, big_endian), big_endian);
	}
}

void sequence_without(struct sequence *s, unsigned step)
{
	unsigned first = step;

	while (first && s->steps[first - 1].sets_up)
		first--;
	memmove(&s->steps[first], &s->steps[step + 1],
		(s->nr_steps - step - 1) * sizeof(s->steps[0]));
	memmove(&s->start.words[first], &s->start.words[step + 1],
		(s->nr_steps - step - 1) * sizeof(s->start.words[0]));
	s->nr_steps -= step + 1 - first;
	s->start.nr_words = s->nr_steps;
	for (unsigned i = s->nr_steps; i < CASE_WORDS; i++)
		s->start.words[i] = 0;
}

void sequence_step(const struct sequence *s, unsigned step, const struct isa_case *state,
		   uint64_t address, struct isa_case *c)
{
	*c = *state;
	c->address = address;
	c->next = 0;
	memset(c->words, 0, sizeof(c->words));
	c->words[0] = c->insn = s->start.words[step];
	c->nr_words = 1;
	if (s->steps[step].prefix) {
		c->words[1] = s->start.words[step + 1];
		c->insn = c->insn << 32 | c->words[1];
		c->nr_words = 2;
	}
}
