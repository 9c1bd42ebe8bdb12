/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of a kernel's command line that change what it does with an event. */
#ifndef FWNMI_LAB_KERNEL_OPTIONS_H
#define FWNMI_LAB_KERNEL_OPTIONS_H

#include <stdbool.h>

struct kernel_options {
	bool panic_on_oops; /* oops=panic, or the sysctl */
	bool xmon; /* xmon is entered for a system reset and for an Oops */
};

/** kernel_options_read() - of a command line; the last of words that contradict counts */
void kernel_options_read(struct kernel_options *options, const char *command_line);

#endif
