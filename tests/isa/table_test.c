/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction table, checked for overlaps and with a disassembler: no two entries match one
 * word, and random words of every entry disassemble to its name. argv[1]: a powerpc64 objdump, if
 * there is one.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generate.h"
#include "known.h"
#include "table.h"

#define WORDS_EACH 16

static bool entries_are_consistent(void)
{
	bool good = true;

	for (size_t i = 0; i < table_entries; i++)
		if (table[i].value & ~table[i].mask ||
		    table[i].prefix_value & ~table[i].prefix_mask) {
			printf("# %s: value %08x has bits outside of mask %08x\n", table[i].name,
			       table[i].value, table[i].mask);
			good = false;
		}
	return good;
}

static bool entries_are_disjoint(void)
{
	bool good = true;

	for (size_t i = 0; i < table_entries; i++)
		for (size_t j = 0; j < i; j++)
			if (!table[i].prefix_mask == !table[j].prefix_mask &&
			    !((table[i].prefix_value ^ table[j].prefix_value) &
			      table[i].prefix_mask & table[j].prefix_mask) &&
			    !((table[i].value ^ table[j].value) & table[i].mask & table[j].mask)) {
				printf("# %s and %s both match %08x\n", table[i].name,
				       table[j].name, table[i].value | table[j].value);
				good = false;
			}
	return good;
}

/* What each word of the file was made for. NULL: nothing, or the second word of an instruction. */
static const struct table_entry **made_for;
static size_t nr_words;

static bool write_word(FILE *f, uint32_t word, const struct table_entry *entry)
{
	uint8_t b[4];

	for (unsigned k = 0; k < 4; k++)
		b[k] = (uint8_t)(word >> (24 - 8 * k));
	made_for[nr_words++] = entry;
	return fwrite(b, sizeof(b), 1, f) == 1;
}

static bool write_entry(FILE *f, const struct table_entry *entry)
{
	const uint32_t nop = 0x60000000;
	struct isa_case c;
	bool good = true;

	generate_seed(1, entry->name);
	for (unsigned n = 0; n < WORDS_EACH; n++) {
		generate(&c, entry, known_reserved_bits(entry->name), 0);
		if (entry->prefix_mask) {
			if (nr_words % 16 == 15)
				good &= write_word(f, nop, NULL);
			good &= write_word(f, (uint32_t)(c.insn >> 32), entry);
		}
		good &= write_word(f, (uint32_t)c.insn, entry->prefix_mask ? NULL : entry);
	}
	return good;
}

static bool write_words(const char *path)
{
	FILE *f = fopen(path, "wb");
	bool good = true;

	made_for = calloc(3 * WORDS_EACH * table_entries, sizeof(made_for[0]));
	if (!f || !made_for)
		return false;
	for (size_t i = 0; i < table_entries; i++)
		good &= write_entry(f, &table[i]);
	return !fclose(f) && good;
}

/*
 * The disassembler's mnemonic as the table spells it: without the dot of record forms and branch
 * hints.
 */
static void normalize(char *mnemonic)
{
	if (mnemonic[0] != '.') /* .long: none */
		mnemonic[strcspn(mnemonic, ".+-")] = 0;
}

/* addo and add, bl and b share an entry, as may others that differ in operands only. */
static bool names_agree(const char *ours, char *theirs)
{
	size_t length = strlen(ours);

	normalize(theirs);
	if (!strncmp(ours, theirs, length))
		return !theirs[length] || !strcmp(theirs + length, "o") ||
		       !strcmp(theirs + length, "l") || !strcmp(theirs + length, "a") ||
		       !strcmp(theirs + length, "la");
	return false;
}

/* A line of the listing: a word, the entry it was made for, what the disassembler calls it. */
struct line {
	const struct table_entry *entry;
	unsigned bytes[4];
	char mnemonic[64];
};

typedef bool check_fn(struct line *line);

static bool name_agrees(struct line *line)
{
	if (names_agree(line->entry->name, line->mnemonic) ||
	    known_alias(line->entry->name, line->mnemonic))
		return true;
	printf("# %02x%02x%02x%02x: table %s, disassembler %s\n", line->bytes[0], line->bytes[1],
	       line->bytes[2], line->bytes[3], line->entry->name, line->mnemonic);
	return false;
}

/*
 * Where the disassembler's POWER8 is no guide: `wait` and vabsdu* are those of embedded processors,
 * and the others have gained operands since.
 */
static bool tells_nothing(const char *name)
{
	static const char *const names[] = { "wait",  "vabsdub", "vabsduh", "vabsduw",
					     "tlbie", "tlbiel",	 "slbmfee", "slbmfev" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return known_alias(name, ".long");
}

static bool version_agrees(struct line *line)
{
	const struct table_entry *entry = line->entry;
	bool power8 = line->mnemonic[0] != '.';

	if (power8 == (entry->isa <= 207) || tells_nothing(entry->name))
		return true;
	printf("# %02x%02x%02x%02x: %s is of ISA %u, but POWER8 %s it\n", line->bytes[0],
	       line->bytes[1], line->bytes[2], line->bytes[3], entry->name, entry->isa,
	       power8 ? "has" : "lacks");
	return false;
}

/* Report each failing entry once. */
static bool every_line(FILE *listing, check_fn *check)
{
	const struct table_entry *blamed = NULL;
	struct line line;
	char text[256];
	bool good = true;
	unsigned long address;

	while (fgets(text, sizeof(text), listing)) {
		if (sscanf(text, " %lx: %x %x %x %x %63s", &address, &line.bytes[0], &line.bytes[1],
			   &line.bytes[2], &line.bytes[3], line.mnemonic) != 6)
			continue;
		if (address / 4 >= nr_words)
			return false;
		line.entry = made_for[address / 4];
		if (!line.entry || line.entry == blamed || check(&line))
			continue;
		blamed = line.entry;
		good = false;
	}
	return good;
}

static bool disassembles(const char *objdump, const char *cpu, const char *path, check_fn *check)
{
	char command[512];
	FILE *listing;
	bool good;

	snprintf(command, sizeof(command),
		 "%s -D -z -b binary -m powerpc:common64 -EB -M %s,raw %s", objdump, cpu, path);
	listing = popen(command, "r");
	good = listing && every_line(listing, check);
	if (listing && pclose(listing))
		good = false;
	return good;
}

static bool report(unsigned number, const char *name, bool good)
{
	printf("%sok %u - %s\n", good ? "" : "not ", number, name);
	return good;
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/isa-table-XXXXXX";
	bool good;
	int fd;

	printf("1..4\n");
	good = report(1, "values_lie_inside_their_masks", entries_are_consistent());
	good &= report(2, "no_two_entries_match_one_word", entries_are_disjoint());
	if (argc < 2) {
		printf("ok 3 - names_agree_with_the_disassembler # SKIP no powerpc64 objdump\n");
		printf("ok 4 - what_is_newer_than_power8_is_of_isa_3_0 # SKIP likewise\n");
		return !good;
	}
	fd = mkstemp(path);
	if (fd < 0 || close(fd) || !write_words(path)) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		return 1;
	}
	good &= report(3, "names_agree_with_the_disassembler",
		       disassembles(argv[1], "power10", path, name_agrees));
	good &= report(4, "what_is_newer_than_power8_is_of_isa_3_0",
		       disassembles(argv[1], "power8", path, version_agrees));
	unlink(path);
	return !good;
}
