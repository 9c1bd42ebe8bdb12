/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command lines: every subcommand has tables of its options, and this parses them all the same way.
 * A name may have one dash or two, and its value follows as the next word or after '='. A number
 * may follow a name of one letter directly: -j8. An error is one line on standard error:
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
 * @value: the option's value; NULL if it takes none
 * @why: buffer of OPTION_WHY_SIZE bytes for why the value is bad; see option_bad()
 */
typedef bool option_fn(void *into, const struct command_option *option, const char *value,
		       char *why);

enum option_kind {
	OPTION_FLAG, /* the bool at offset becomes true */
	OPTION_TEXT, /* the const char * at offset becomes the value */
	OPTION_NAME, /* the enum at offset becomes the value's index in names */
	OPTION_ONLY, /* only the names are accepted, and they change nothing */
	OPTION_NOTHING, /* no value, and it changes nothing */
	OPTION_CALL, /* set() is called with the value */
	OPTION_CALL_FLAG, /* set() is called without a value */
	OPTION_HELP, /* ends the parsing */
};

struct command_option {
	const char *name; /* with its dashes, as in the manual */
	enum option_kind kind;
	size_t offset; /* within what the group's into points to */
	option_fn *set;
	const char *const *names; /* ends with NULL */
	const char *why; /* OPTION_ONLY: why nothing else is accepted */
	const char *key; /* for use by set() */
	char letter; /* short form of a flag, or 0 */
};

struct option_group {
	const struct command_option *options; /* ends with one that has no name */
	void *into;
};

struct command_line {
	const char *command; /* for error messages */
	struct option_group groups[3]; /* the ones in use come first */
	/* Takes an argument that is not an option; @why as for an option. NULL: none allowed. */
	bool (*argument)(void *into, const char *value, char *why);
	void *into; /* for argument() */
};

enum options_result {
	OPTIONS_BAD, /* the error was printed */
	OPTIONS_TAKEN,
	OPTIONS_HELP, /* the rest was not looked at */
};

/** options_parse() - parse argv[1] and later */
enum options_result options_parse(const struct command_line *line, int argc, char **argv);

/**
 * options_end() - does the command go no further? Prints @usage if that was asked for
 * @bad_status: of a bad command line
 * returns: the exit status, or -1 if the options were taken
 */
int options_end(enum options_result result, const char *usage, int bad_status);

/** option_bad() - record why a value is bad. Returns false. */
bool option_bad(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
