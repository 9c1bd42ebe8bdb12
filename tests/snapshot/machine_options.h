/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine of this directory's programs, and the options that say how it differs. */
#ifndef SNAPSHOT_MACHINE_OPTIONS_H
#define SNAPSHOT_MACHINE_OPTIONS_H

#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "machine/machine.h"

#include "tap.h"

static struct machine_config config = {
	.ram_size = 512ull << 20,
	.nr_vcpus = 1,
	.clock = CLOCK_INSN,
	.engine = &engine_power,
	.no_reboot = true,
};

static bool machine_option(const char *name, const char *value)
{
	if (!strcmp(name, "-smp"))
		config.nr_vcpus = (unsigned)atoi(value);
	else if (!strcmp(name, "-m"))
		config.ram_size = (uint64_t)atoi(value) << 20;
	else if (!strcmp(name, "-cpu"))
		config.cpu = cpu_model_named(value);
	else if (!strcmp(name, "-initrd"))
		config.initrd = value;
	else if (!strcmp(name, "-append"))
		config.partition.bootargs = value;
	else
		return false;
	return true;
}

/* For a program's own options: is it the one that is @wanted? Then @number is its value. */
static inline bool is_number(const char *name, const char *value, const char *wanted,
			     uint64_t *number)
{
	if (strcmp(name, wanted) != 0)
		return false;
	*number = strtoull(value, NULL, 0);
	return true;
}

/* Takes the command line; @own takes the options that are not the machine's. */
static void take_options(int argc, char **argv, bool (*own)(const char *name, const char *value))
{
	int i = 1;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (i + 1 < argc && (machine_option(argv[i], argv[i + 1]) || own(argv[i], argv[i + 1])))
		i += 2;
	if (i != argc - 1)
		die("usage: [OPTION VALUE]... KERNEL", argv[0]);
	config.kernel = argv[i];
}

#endif
