/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command lines: every subcommand has tables of its options, and this reads them all alike. A name
 * may have one dash or two, and a value may follow it or a '='. What is wrong is one line on
 * standard error:
 *
 *	fwnmi: run: unknown option -kernal: did you mean -kernel?
 *	fwnmi: run: option -m needs a value
 *	fwnmi: run: option --stats takes no value
 *	fwnmi: run: bad -m 65G: more than 64 GiB
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTION_WHY_SIZE 300

struct command_option;

/**
 * option_fn - take a value
 * @into: of the option's group
 * @value: what follows the option; NULL if it takes none
 * @why: OPTION_WHY_SIZE bytes for the reason if it is bad; see option_bad()
 */
typedef bool option_fn(void *into, const struct command_option *option, const char *value,
		       char *why);

enum option_kind {
	OPTION_FLAG, /* the bool at offset becomes true */
	OPTION_TEXT, /* the const char * at offset becomes the value */
	OPTION_NAME, /* the enum at offset becomes the value's index in names */
	OPTION_ONLY, /* nothing but the names will do, and they change nothing */
	OPTION_NOTHING, /* no value, and it changes nothing */
	OPTION_CALL, /* set() takes the value */
	OPTION_CALL_FLAG, /* set() is called, there is no value */
	OPTION_HELP, /* ends the parsing */
};

struct command_option {
	const char *name; /* with its dashes, as the manual has it */
	enum option_kind kind;
	size_t offset; /* in what the group's into points to */
	option_fn *set;
	const char *const *names; /* ends with NULL */
	const char *why; /* OPTION_ONLY: why nothing else will do */
	const char *key; /* the set() function's own */
	char letter; /* short form of a flag, or 0 */
};

struct option_group {
	const struct command_option *options; /* ends with one without a name */
	void *into;
};

struct command_line {
	const char *command; /* whose errors they are */
	struct option_group groups[3]; /* those that are used come first */
	/* An argument that is no option; @why as for an option. NULL: there may be none. */
	bool (*argument)(void *into, const char *value, char *why);
	void *into; /* argument()'s */
};

enum options_result {
	OPTIONS_BAD, /* and said so */
	OPTIONS_TAKEN,
	OPTIONS_HELP, /* what follows was not looked at */
};

/** options_parse() - argv[1] and on */
enum options_result options_parse(const struct command_line *line, int argc, char **argv);

/** option_bad() - note why a value is bad. Returns false. */
bool option_bad(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
