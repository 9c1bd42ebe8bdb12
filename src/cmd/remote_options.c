/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options for a guest behind a gdb stub; see remote_options.h. attach/session.h defines what they
 * mean.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/remote_options.h"
#include "cmd/sandbox.h"
#include "cmd/say.h"
#include "fwnmi/fwnmi.h"
#include "inject/inject_args.h"

/* Parses "A,B", or "A" with *@has_second false. */
static bool take_pair(const char *text, uint64_t *first, uint64_t *second, bool *has_second)
{
	char copy[64];
	char *comma;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	comma = strchr(copy, ',');
	*has_second = comma;
	if (comma)
		*comma = '\0';
	return inject_args_address(copy, first) &&
	       (!comma || inject_args_address(comma + 1, second));
}

static bool take_handlers(void *into, const struct command_option *option, const char *value,
			  char *why)
{
	struct guest_options *guest = &((struct remote_options *)into)->guest;
	bool both;

	if (!take_pair(value, &guest->system_reset, &guest->machine_check, &both) || !both)
		return option_bad(why, "not SRESET,MCHECK, two real addresses");
	if (guest->system_reset >= FWNMI_ROUTINE_LIMIT || guest->system_reset % 4 ||
	    guest->machine_check >= FWNMI_ROUTINE_LIMIT || guest->machine_check % 4)
		return option_bad(why, "not addresses of instructions in the first 32 MiB");
	guest->has_handlers = true;
	return true;
}

static bool take_rtas(void *into, const struct command_option *option, const char *value, char *why)
{
	struct guest_options *guest = &((struct remote_options *)into)->guest;
	uint64_t size = 0;
	bool has_size;

	if (!take_pair(value, &guest->rtas_base, &size, &has_size) || size > UINT32_MAX ||
	    (has_size && !size))
		return option_bad(why, "not BASE[,SIZE]");
	guest->rtas_size = (uint32_t)size;
	guest->has_rtas = true;
	return true;
}

static const char *confined_command;

static bool confine(char *err, size_t err_size)
{
	return sandbox_enter(confined_command, SANDBOX_STUB, err, err_size);
}

static const char *const sandboxes[] = {
	[REMOTE_CONFINED] = "on",
	[REMOTE_UNCONFINED] = "off",
	NULL,
};

#define INTO(field) .offset = offsetof(struct remote_options, field)
const struct command_option remote_option_table[] = {
	{ "--gdb", OPTION_TEXT, INTO(gdb) },
	{ "--kernel", OPTION_TEXT, INTO(guest.kernel) },
	{ "--rtas", OPTION_CALL, .set = take_rtas },
	{ "--state", OPTION_TEXT, INTO(state) },
	{ "--sandbox", OPTION_NAME, INTO(sandbox), .names = sandboxes },
	{ NULL },
};

const struct command_option remote_inject_table[] = {
	{ "--handlers", OPTION_CALL, .set = take_handlers },
	{ "--forget", OPTION_FLAG, INTO(forget) },
	{ "--at", OPTION_TEXT, INTO(at) },
	{ "--process", OPTION_TEXT, INTO(process) },
	{ "--nested", OPTION_FLAG, INTO(nested) },
	{ NULL },
};
#undef INTO

static bool contradiction(const char *command, const char *option, const char *why)
{
	say("%s: %s %s", command, option, why);
	return false;
}

bool remote_options_check(struct remote_options *o, const char *command)
{
	const struct {
		const char *name;
		bool given;
	} needs_gdb[] = {
		{ "--kernel", o->guest.kernel }, { "--handlers", o->guest.has_handlers },
		{ "--rtas", o->guest.has_rtas }, { "--state", o->state },
		{ "--forget", o->forget },	 { "--process", o->process },
		{ "--nested", o->nested },
	};

	for (size_t i = 0; !o->gdb && i < sizeof(needs_gdb) / sizeof(needs_gdb[0]); i++) {
		if (needs_gdb[i].given)
			return contradiction(command, needs_gdb[i].name,
					     "needs a guest behind a gdb stub: --gdb HOST:PORT");
	}
	confined_command = command;
	o->confine = o->sandbox == REMOTE_CONFINED ? confine : NULL;
	if (o->process && !o->guest.kernel)
		return contradiction(command, "--process",
				     "needs the guest's kernel: --kernel VMLINUX");
	return true;
}
