/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which instructions of the kernel's machine check and system reset code a campaign has executed.
 * To a basic block: of one that an interrupt leaves, all counts.
 */
#ifndef FWNMI_LAB_COVERAGE_H
#define FWNMI_LAB_COVERAGE_H

#include <jansson.h>

#include "base/symbols.h"
#include "machine/machine.h"

/* An instruction of that code. */
struct coverage_word {
	uint64_t address; /* link address */
	unsigned function; /* of coverage.functions */
	char *line; /* "arch/powerpc/kernel/mce.c:123"; NULL: unknown */
	bool ran;
};

struct coverage {
	char **functions; /* names, by address */
	unsigned nr_functions;
	struct coverage_word *words; /* by address */
	size_t nr_words;
};

/**
 * coverage_create() - all of the kernel's machine check and system reset code, none of it executed
 * @symbols: NULL: the kernel has none, and there is no code
 *
 * returns: NULL if there is no memory for it
 */
struct coverage *coverage_create(struct symbols *symbols);
void coverage_destroy(struct coverage *coverage);
/** coverage_find_lines() - find source lines, if the kernel's file has DWARF; slow */
void coverage_find_lines(struct coverage *coverage, const char *kernel);

/** coverage_find() - the instruction at a link address; NULL if it is none of that code */
struct coverage_word *coverage_find(struct coverage *coverage, uint64_t address);

/* What is executed in a machine, as far as it has been told. */
struct coverage_watch;

/**
 * coverage_watch() - begin to note what a machine executes
 * @coverage: outlives the watch
 * returns: NULL if it has no code, the engine cannot, or there is no memory for it
 */
struct coverage_watch *coverage_watch(struct coverage *coverage, struct machine *machine);
/**
 * coverage_news() - what has been executed for the first time since the last call
 * returns: a new array of addresses (link addresses, as text) and numbers of instructions in turn;
 * NULL: nothing
 */
json_t *coverage_news(struct coverage_watch *watch);
#endif
