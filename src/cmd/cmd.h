/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The subcommands of fwnmi, one file each in this directory; src/main.c picks one.
 * Each gets argv[0] = its own name, prints its errors as "fwnmi: what failed: why", and returns the
 * process's exit status.
 */
#ifndef CMD_H
#define CMD_H

int cmd_run(int argc, char **argv);
int cmd_inject(int argc, char **argv);
int cmd_attach(int argc, char **argv);
int cmd_log(int argc, char **argv);
/* Of the lab; if fwnmi is built without it, they say so. */
int cmd_test(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_report(int argc, char **argv);

#endif
