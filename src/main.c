/* SPDX-License-Identifier: BSD-2-Clause */
/* fwnmi: picks the subcommand, nothing else; each is a file in cmd/. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fwnmi/fwnmi.h>

#include "cmd/cmd.h"
#include "cmd/say.h"

#define EXIT_USAGE 2

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "test", cmd_test,
	  "inject errors into a kernel of your own and judge how it handles them" },
	{ "replay", cmd_replay, "run one case of a test again, and print all there is to see" },
	{ "report", cmd_report, "show, convert, compare or join results of the lab" },
	{ "run", cmd_run, "run a POWER partition" },
	{ "inject", cmd_inject,
	  "inject a machine check or system reset into a partition or QEMU guest" },
	{ "attach", cmd_attach, "record the routines that a QEMU guest registers, for inject" },
	{ "log", cmd_log, "decode RTAS event logs" },
};

static void print_usage(void)
{
	puts("Usage: fwnmi COMMAND [OPTION]...\n"
	     "Firmware Assisted NMI for POWER guests: run them, inject errors, watch them recover.\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].summary);
	puts("\nfwnmi help COMMAND or fwnmi COMMAND --help prints a command's options.\n"
	     "fwnmi --version prints the version.");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	}
	say("unknown command %s: see fwnmi --help", name);
	return NULL;
}

static int help(const char *name)
{
	const struct command *command;
	char option[] = "--help";
	char *argv[] = { NULL, option, NULL };

	if (!name) {
		print_usage();
		return EXIT_SUCCESS;
	}
	command = find_command(name);
	if (!command)
		return EXIT_USAGE;
	argv[0] = (char *)command->name;
	return command->run(2, argv);
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		fputs("fwnmi: no command given: see fwnmi --help\n", stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(NULL);
	if (!strcmp(argv[1], "help"))
		return help(argv[2]);
	if (!strcmp(argv[1], "--version")) {
		puts("fwnmi " FWNMI_VERSION);
		return EXIT_SUCCESS;
	}
	command = find_command(argv[1]);
	return command ? command->run(argc - 1, argv + 1) : EXIT_USAGE;
}
