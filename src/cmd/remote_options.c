/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of a guest behind a gdb stub; see remote_options.h. What they mean is remote/remote.h's.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/remote_options.h"
#include "cmd/say.h"
#include "fwnmi/fwnmi.h"
#include "monitor/inject_args.h"

__attribute__((format(printf, 2, 3))) static enum option_taken bad(const char *command,
								   const char *format, ...)
{
	char text[1000];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	say("%s: %s", command, text);
	return OPTION_BAD;
}

/* "A,B", or "A" with *@has_second false. */
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

static enum option_taken take_handlers(struct guest_options *guest, const char *command,
				       const char *value)
{
	bool both;

	if (!take_pair(value, &guest->system_reset, &guest->machine_check, &both) || !both)
		return bad(command, "bad --handlers %s: not SRESET,MCHECK, two real addresses",
			   value);
	if (guest->system_reset >= FWNMI_ROUTINE_LIMIT || guest->system_reset % 4 ||
	    guest->machine_check >= FWNMI_ROUTINE_LIMIT || guest->machine_check % 4)
		return bad(command,
			   "bad --handlers %s: not addresses of instructions in the first 32 MiB",
			   value);
	guest->has_handlers = true;
	return OPTION_TAKEN;
}

static enum option_taken take_rtas(struct guest_options *guest, const char *command,
				   const char *value)
{
	uint64_t size = 0;
	bool has_size;

	if (!take_pair(value, &guest->rtas_base, &size, &has_size) || size > UINT32_MAX ||
	    (has_size && !size))
		return bad(command, "bad --rtas %s: not BASE[,SIZE]", value);
	guest->rtas_size = (uint32_t)size;
	guest->has_rtas = true;
	return OPTION_TAKEN;
}

enum option_taken remote_option(struct remote_options *o, const char *command, bool inject,
				int argc, char **argv, int *i)
{
	struct {
		const char *name;
		const char **text;
		bool *flag;
		bool inject_only;
	} known[] = {
		{ "gdb", &o->gdb, NULL, false },      { "kernel", &o->guest.kernel, NULL, false },
		{ "handlers", NULL, NULL, true },     { "rtas", NULL, NULL, false },
		{ "state", &o->state, NULL, false },  { "forget", NULL, &o->forget, true },
		{ "at", &o->at, NULL, true },	      { "process", &o->process, NULL, true },
		{ "nested", NULL, &o->nested, true },
	};
	const char *name = argv[*i] + (argv[*i][1] == '-' ? 2 : 1), *value = NULL;
	size_t len = strcspn(name, "="), k = 0, count = sizeof(known) / sizeof(known[0]);

	while (k < count &&
	       (strlen(known[k].name) != len || memcmp(name, known[k].name, len) != 0 ||
		(known[k].inject_only && !inject)))
		k++;
	if (k == count)
		return OPTION_UNKNOWN;
	if (name[len] == '=')
		value = name + len + 1;
	if (known[k].flag) {
		*known[k].flag = true;
		return value ? bad(command, "option --%s takes no value", known[k].name) :
			       OPTION_TAKEN;
	}
	if (!value && *i + 1 < argc)
		value = argv[++*i];
	if (!value)
		return bad(command, "option --%s needs a value", known[k].name);
	if (known[k].text)
		*known[k].text = value;
	else if (!strcmp(known[k].name, "handlers"))
		return take_handlers(&o->guest, command, value);
	else
		return take_rtas(&o->guest, command, value);
	return OPTION_TAKEN;
}

bool remote_options_check(const struct remote_options *o, const char *command)
{
	const struct {
		const char *name;
		bool given;
	} needs_gdb[] = {
		{ "kernel", o->guest.kernel }, { "handlers", o->guest.has_handlers },
		{ "rtas", o->guest.has_rtas }, { "state", o->state },
		{ "forget", o->forget },       { "at", o->at },
		{ "process", o->process },     { "nested", o->nested },
	};

	for (size_t i = 0; !o->gdb && i < sizeof(needs_gdb) / sizeof(needs_gdb[0]); i++) {
		if (needs_gdb[i].given)
			return bad(command,
				   "--%s is for a guest behind a gdb stub: --gdb HOST:PORT",
				   needs_gdb[i].name) != OPTION_BAD;
	}
	if (o->process && !o->guest.kernel)
		return bad(command, "--process needs the guest's kernel: --kernel VMLINUX") !=
		       OPTION_BAD;
	return true;
}
