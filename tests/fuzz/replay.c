/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls an entry point with the files of a directory, in place of libFuzzer, and then with COUNT
 * inputs of pseudo-random bytes. Speaks TAP.
 */
#include <dirent.h>

#include "fuzz.h"

static int replay(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file)
		return -1;
	size = fread(data, 1, sizeof(data), file);
	if (ferror(file) || !feof(file)) {
		fclose(file);
		return -1;
	}
	fclose(file);
	return LLVMFuzzerTestOneInput(data, size);
}

/* Up to 4 KiB, the same in every run. */
static void try_random(unsigned long count)
{
	uint32_t random = 1;

	while (count-- > 0) {
		uint8_t data[4096], *copy;
		size_t size = 0;

		do {
			random ^= random << 13; /* xorshift */
			random ^= random >> 17;
			random ^= random << 5;
			memcpy(data + size, &random, sizeof(random));
			size += sizeof(random);
		} while (size < sizeof(data) && random % 512 != 0);
		copy = exact(data, size);
		LLVMFuzzerTestOneInput(copy, size);
		free(copy);
	}
}

int main(int argc, char **argv)
{
	struct dirent **names;
	unsigned test = 0, failed = 0;
	int count;

	if (argc < 2 || argc > 3 || (count = scandir(argv[1], &names, NULL, alphasort)) < 0) {
		printf("Bail out! usage: %s DIRECTORY [COUNT]\n", argv[0]);
		return EXIT_FAILURE;
	}
	for (int i = 0; i < count; i++) {
		char path[4096];

		if (names[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", argv[1], names[i]->d_name);
			if (replay(path) != 0) {
				printf("not ");
				failed++;
			}
			printf("ok %u - survives %s\n", ++test, names[i]->d_name);
			fflush(stdout);
		}
		free(names[i]);
	}
	free(names);
	if (argc == 3) {
		try_random(strtoul(argv[2], NULL, 10));
		printf("ok %u - survives %s pseudo-random inputs\n", ++test, argv[2]);
	}
	printf("1..%u\n", test);
	return failed || test == 0;
}
