/* SPDX-License-Identifier: BSD-2-Clause */
/* The lab's commands in a build without the lab. */
#include "cmd/cmd.h"
#include "cmd/say.h"

#define EXIT_USAGE 2

static int refuse(char **argv)
{
	say("%s: this fwnmi was built without the lab (-Dlab=disabled)", argv[0]);
	return EXIT_USAGE;
}

int cmd_test(int argc, char **argv)
{
	return refuse(argv);
}

int cmd_replay(int argc, char **argv)
{
	return refuse(argv);
}

int cmd_report(int argc, char **argv)
{
	return refuse(argv);
}
