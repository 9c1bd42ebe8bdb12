/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options that commands with a machine share, for options.h: QEMU's ways to say how much memory and
 * which and how many CPUs it has, and where a debugger connects.
 */
#ifndef CMD_MACHINE_OPTIONS_H
#define CMD_MACHINE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/options.h"
#include "machine/machine.h"

/** machine_option_memory() - "512", "512M", "size=1.5G": bytes for the uint64_t at the offset */
option_fn machine_option_memory;
/* For machine_option_cpus(). */
struct cpus_choice {
	unsigned count; /* threads in all */
	struct papr_topology topology;
};

/** machine_option_cpus() - "4", "cpus=4,threads=2,...": for a struct cpus_choice */
option_fn machine_option_cpus;

/* For machine_option_cpu(). */
struct cpu_choice {
	bool help; /* "-cpu help" */
	const struct cpu_model *cpu, *compat; /* the same if it is compatible with no older one */
};

/** machine_option_cpu() - "power9", "POWER10,compat=power9", "help": for a struct cpu_choice */
option_fn machine_option_cpu;
/** machine_list_cpus() - print what -cpu help prints */
void machine_list_cpus(void);

/** machine_option_debugger() - "tcp:[HOST]:PORT", "unix:PATH": for the const char * at the offset */
option_fn machine_option_debugger;

/* Names for --interrupts, by enum papr_interrupts. */
extern const char *const machine_interrupts[];
/* Names for --jit, by enum engine_jit. */
extern const char *const machine_jits[];
/** machine_interrupts_named() - false, and nothing changes, if it is none of these names */
bool machine_interrupts_named(const char *name, enum papr_interrupts *interrupts);

/** option_skip_key() - what follows "KEY=", or all of it if that does not stand there */
const char *option_skip_key(const char *value, const char *key);
/**
 * option_next_item() - get the next item of a comma-separated list and move *@list past it
 * returns: false if there is none, or it is too long
 */
bool option_next_item(const char **list, char *item, size_t size);

#endif
