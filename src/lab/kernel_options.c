/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's kernel/panic.c and kernel/sysctl.c, arch/powerpc/xmon/xmon.c; see kernel_options.h. */
#include "lab/kernel_options.h"

#include <stddef.h>
#include <string.h>

#define OF(member) offsetof(struct kernel_options, member)

static const struct {
	const char *word;
	size_t member;
	bool value;
} words[] = {
	{ "oops=panic", OF(panic_on_oops), true },
	{ "sysctl.kernel.panic_on_oops=1", OF(panic_on_oops), true },
	{ "sysctl.kernel.panic_on_oops=0", OF(panic_on_oops), false },
	{ "xmon", OF(xmon), true },
	{ "xmon=early", OF(xmon), true },
	{ "xmon=on", OF(xmon), true },
	{ "xmon=rw", OF(xmon), true },
	{ "xmon=ro", OF(xmon), true },
	{ "xmon=off", OF(xmon), false },
};

void kernel_options_read(struct kernel_options *options, const char *command_line)
{
	*options = (struct kernel_options){ 0 };
	for (const char *p = command_line; *p;) {
		const size_t length = strcspn(p, " ");

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strlen(words[i].word) == length && !strncmp(p, words[i].word, length))
				*(bool *)((char *)options + words[i].member) = words[i].value;
		p += length + strspn(p + length, " ");
	}
}
