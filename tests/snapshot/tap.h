/* SPDX-License-Identifier: BSD-2-Clause */
/* TAP, for the programs of this directory. */
#ifndef SNAPSHOT_TAP_H
#define SNAPSHOT_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned nr_tests;
static bool failed;

static inline void die(const char *what, const char *why)
{
	printf("Bail out! %s: %s\n", what, why);
	exit(1);
}

static inline bool ok(bool good, const char *name)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++nr_tests, name);
	failed |= !good;
	return good;
}

#endif
