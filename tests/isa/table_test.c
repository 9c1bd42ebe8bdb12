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
		if (table[i].value & ~table[i].mask) {
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
			if (!((table[i].value ^ table[j].value) & table[i].mask & table[j].mask)) {
				printf("# %s and %s both match %08x\n", table[i].name,
				       table[j].name, table[i].value | table[j].value);
				good = false;
			}
	return good;
}

static bool write_words(const char *path)
{
	FILE *f = fopen(path, "wb");
	struct isa_case c;

	if (!f)
		return false;
	for (size_t i = 0; i < table_entries; i++) {
		generate_seed(1, table[i].name);
		for (unsigned n = 0; n < WORDS_EACH; n++) {
			uint8_t b[4];

			generate(&c, &table[i], known_reserved_bits(table[i].name), 0);
			for (unsigned k = 0; k < 4; k++)
				b[k] = (uint8_t)(c.insn >> (24 - 8 * k));
			fwrite(b, 1, sizeof(b), f);
		}
	}
	return !fclose(f);
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

/* addo and add, bl and b are one entry; so may be others that only the operands tell apart. */
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

static bool names_agree_with(FILE *listing)
{
	char line[256], mnemonic[64];
	bool good = true;
	const char *blamed = NULL;
	unsigned long address;
	unsigned bytes[4];

	while (fgets(line, sizeof(line), listing)) {
		size_t index;

		if (sscanf(line, " %lx: %x %x %x %x %63s", &address, &bytes[0], &bytes[1],
			   &bytes[2], &bytes[3], mnemonic) != 6)
			continue;
		index = address / 4 / WORDS_EACH;
		if (index >= table_entries)
			return false;
		if (names_agree(table[index].name, mnemonic) ||
		    known_alias(table[index].name, mnemonic))
			continue;
		if (blamed != table[index].name)
			printf("# %02x%02x%02x%02x: table %s, disassembler %s\n", bytes[0],
			       bytes[1], bytes[2], bytes[3], table[index].name, mnemonic);
		blamed = table[index].name;
		good = false;
	}
	return good;
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/isa-table-XXXXXX", command[512];
	bool good[3] = { entries_are_consistent(), entries_are_disjoint(), false };
	FILE *listing;
	int fd;

	printf("1..3\n");
	printf("%sok 1 - values_lie_inside_their_masks\n", good[0] ? "" : "not ");
	printf("%sok 2 - no_two_entries_match_one_word\n", good[1] ? "" : "not ");
	if (argc < 2) {
		printf("ok 3 - names_agree_with_the_disassembler # SKIP no powerpc64 objdump\n");
		return !(good[0] && good[1]);
	}
	fd = mkstemp(path);
	if (fd < 0 || close(fd) || !write_words(path)) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		return 1;
	}
	snprintf(command, sizeof(command),
		 "%s -D -z -b binary -m powerpc:common64 -EB -M power9,raw %s", argv[1], path);
	listing = popen(command, "r");
	good[2] = listing && names_agree_with(listing);
	if (listing && pclose(listing))
		good[2] = false;
	unlink(path);
	printf("%sok 3 - names_agree_with_the_disassembler\n", good[2] ? "" : "not ");
	return !(good[0] && good[1] && good[2]);
}
